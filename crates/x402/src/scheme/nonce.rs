//! Where the use of a nonce is written down on the chain, how to ask, and what a transaction's events say about it.
//! Encodes the question and reads the answer; an answer of another shape is none.

use super::{Scheme, exact_eip3009, exact_permit, exact_permit2};
use alloy_primitives::{B256, U256};
use alloy_sol_types::{SolEvent, sol};
use tron::Address;

sol! {
    interface Told {
        /// TIP-3009.
        event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce);
        event AuthorizationCanceled(address indexed authorizer, bytes32 indexed nonce);
        /// Permit2: every nonce of this word whose bit is in the mask.
        event UnorderedNonceInvalidation(address indexed owner, uint256 word, uint256 mask);
    }
}

/// What a contract told about nonces in an event of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NonceEvent {
    contract: Address,
    owner: Address,
    told: Nonces,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nonces {
    Used(U256),
    Cancelled(U256),
    CancelledWord { word: U256, mask: U256 },
}

impl NonceEvent {
    /// Reads an event of `contract`; `None` when it is about something else.
    pub fn read(contract: Address, topics: &[[u8; 32]], data: &[u8]) -> Option<Self> {
        let topics = || topics.iter().map(|topic| B256::from(*topic));
        let told = |owner: alloy_primitives::Address, told| Some(Self { contract, owner: owner.into(), told });
        let number = |nonce: B256| U256::from_be_bytes(nonce.0);
        if let Ok(event) = Told::AuthorizationUsed::decode_raw_log_validate(topics(), data) {
            told(event.authorizer, Nonces::Used(number(event.nonce)))
        } else if let Ok(event) = Told::AuthorizationCanceled::decode_raw_log_validate(topics(), data) {
            told(event.authorizer, Nonces::Cancelled(number(event.nonce)))
        } else if let Ok(event) = Told::UnorderedNonceInvalidation::decode_raw_log_validate(topics(), data) {
            told(event.owner, Nonces::CancelledWord { word: event.word, mask: event.mask })
        } else {
            None
        }
    }
}

/// Who wrote which nonce down for whom: the name of one authorization on its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NonceSlot {
    pub scheme: Scheme,
    /// PaymentPermit, Permit2, or the token itself.
    pub contract: Address,
    pub owner: Address,
    pub nonce: U256,
}

impl NonceSlot {
    /// Call data for `contract`.
    pub fn call(&self) -> Vec<u8> {
        match self.scheme {
            Scheme::ExactEip3009 => exact_eip3009::state_call(self.owner, self.nonce),
            Scheme::ExactPermit2 | Scheme::Upto => exact_permit2::bitmap_call(self.owner, self.nonce),
            _ => exact_permit::nonce_used_call(self.owner, self.nonce),
        }
    }

    /// What [`NonceSlot::call`] answered: whether the nonce is used up. `None` when it is no such answer.
    pub fn used(&self, output: &[u8]) -> Option<bool> {
        match self.scheme {
            Scheme::ExactEip3009 => exact_eip3009::state_answer(output),
            Scheme::ExactPermit2 | Scheme::Upto => exact_permit2::bitmap_answer(output, self.nonce),
            _ => exact_permit::nonce_used_answer(output),
        }
    }

    /// Whether this event says that the nonce was cancelled, or that it was used; `None` when it speaks of another.
    pub fn cancelled(&self, event: &NonceEvent) -> Option<bool> {
        if (event.contract, event.owner) != (self.contract, self.owner) {
            return None;
        }
        match event.told {
            Nonces::Used(nonce) => (nonce == self.nonce).then_some(false),
            Nonces::Cancelled(nonce) => (nonce == self.nonce).then_some(true),
            Nonces::CancelledWord { word, mask } => {
                let bit = usize::from(self.nonce.to_be_bytes::<32>()[31]);
                (word == self.nonce >> 8 && mask.bit(bit)).then_some(true)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_speaks_of_one_owner_at_one_contract_and_of_the_nonces_that_it_names() {
        let [contract, owner, other] = [1, 2, 3].map(|byte| Address::from_bytes([byte; 20]));
        let slot = |scheme, nonce: u64| NonceSlot { scheme, contract, owner, nonce: U256::from(nonce) };
        let topic = |address: Address| B256::left_padding_from(address.bytes());
        let number = |n: u64| B256::from(U256::from(n).to_be_bytes::<32>());
        let by_token = |signature: B256, owner| [signature, topic(owner), number(7)].map(|topic| topic.0);
        let token = slot(Scheme::ExactEip3009, 7);
        for (signature, told) in
            [(Told::AuthorizationUsed::SIGNATURE_HASH, false), (Told::AuthorizationCanceled::SIGNATURE_HASH, true)]
        {
            let event = NonceEvent::read(contract, &by_token(signature, owner), &[]).unwrap();
            assert_eq!(token.cancelled(&event), Some(told));
            assert_eq!(slot(Scheme::ExactEip3009, 8).cancelled(&event), None);
            for (at, whose) in [(other, owner), (contract, other)] {
                let event = NonceEvent::read(at, &by_token(signature, whose), &[]).unwrap();
                assert_eq!(token.cancelled(&event), None);
            }
        }
        let topics = [Told::UnorderedNonceInvalidation::SIGNATURE_HASH.0, topic(owner).0];
        // Bits 0 and 2 of word 1.
        let data = [number(1).0, number(5).0].concat();
        let event = NonceEvent::read(contract, &topics, &data).unwrap();
        let told = |nonce| slot(Scheme::ExactPermit2, nonce).cancelled(&event);
        assert_eq!([256, 257, 258, 0].map(told), [Some(true), None, Some(true), None]);
        assert_eq!(NonceEvent::read(contract, &topics, &data[..40]), None);
        assert_eq!(NonceEvent::read(contract, &[], &data), None);
    }
}
