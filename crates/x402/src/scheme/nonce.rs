//! Where the use of a nonce is written down on the chain, and how to ask. Encodes the question and reads the
//! answer; an answer of another shape is none.

use super::{Scheme, exact_eip3009, exact_permit, exact_permit2};
use alloy_primitives::U256;
use tron::Address;

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
}
