//! Contract calls that settle, cancel or prepare x402 payments, read back out of a transaction's data. Refuses a call
//! with a byte too many or dirty padding: what can't be written again as it came is not a known call.

use super::{Explanation, batch_settlement::contract::Channel, exact_eip3009::Eip3009, exact_permit2, upto};
use crate::exact_permit::contract::PaymentPermit;
use alloy_primitives::{Address as Evm, U256};
use alloy_sol_types::SolCall;
use std::fmt::Display;
use tron::Address;

/// A call that is known, with its arguments as labelled facts: amounts in the token's smallest unit, times in seconds
/// since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownCall {
    /// The function's name.
    pub name: &'static str,
    pub facts: Vec<Explanation>,
}

#[derive(Default)]
struct Facts(Vec<Explanation>);

impl Facts {
    fn say(mut self, key: &'static str, value: impl Display) -> Self {
        self.0.push(Explanation { key, value: value.to_string(), remark: None });
        self
    }

    fn at(self, key: &'static str, address: Evm) -> Self {
        self.say(key, Address::from(address))
    }

    fn bytes(self, key: &'static str, bytes: &[u8]) -> Self {
        self.say(key, format_args!("0x{}", hex::encode(bytes)))
    }

    fn window(self, after: U256, before: U256) -> Self {
        self.say("valid-after", after).say("valid-before", before)
    }

    fn done(self, name: &'static str) -> Option<KnownCall> {
        Some(KnownCall { name, facts: self.0 })
    }
}

/// Decodes and makes sure that nothing was left over or ignored.
fn exact<C: SolCall>(data: &[u8]) -> Option<C> {
    C::abi_decode_validate(data).ok().filter(|call| call.abi_encode() == data)
}

/// The x402 call in this data, or `None` for any other.
pub fn decode_call(data: &[u8]) -> Option<KnownCall> {
    use Channel as Ch;
    use Eip3009 as T;
    use exact_permit2::{ExactProxy as E, Permit2 as P};
    use upto::contract::UptoProxy as U;
    let facts = Facts::default();
    match *data.first_chunk::<4>()? {
        PaymentPermit::permitTransferFromCall::SELECTOR => {
            let c: PaymentPermit::permitTransferFromCall = exact(data)?;
            let p = c.permit;
            let facts = facts.at("payer", c.owner).at("token", p.payment.payToken).say("price", p.payment.payAmount);
            let facts = facts.at("payee", p.payment.payTo).at("fee-to", p.fee.feeTo).say("fee", p.fee.feeAmount);
            let facts = facts.at("caller", p.caller).bytes("payment-id", p.meta.paymentId.as_slice());
            let facts = facts.say("nonce", p.meta.nonce).window(p.meta.validAfter, p.meta.validBefore);
            facts.bytes("signature", &c.signature).done("permitTransferFrom")
        }
        T::transferWithAuthorization_0Call::SELECTOR => {
            let c: T::transferWithAuthorization_0Call = exact(data)?;
            let facts = facts.at("payer", c.from).at("payee", c.to).say("price", c.value);
            let facts = facts.bytes("nonce", c.nonce.as_slice()).window(c.validAfter, c.validBefore);
            let signature = [c.r.as_slice(), c.s.as_slice(), &[c.v]].concat();
            facts.bytes("signature", &signature).done("transferWithAuthorization")
        }
        T::transferWithAuthorization_1Call::SELECTOR => {
            let c: T::transferWithAuthorization_1Call = exact(data)?;
            let facts = facts.at("payer", c.from).at("payee", c.to).say("price", c.value);
            let facts = facts.bytes("nonce", c.nonce.as_slice()).window(c.validAfter, c.validBefore);
            facts.bytes("signature", &c.signature).done("transferWithAuthorization")
        }
        E::settleCall::SELECTOR => {
            let c: E::settleCall = exact(data)?;
            let facts = facts.at("payer", c.owner).at("token", c.permit.permitted.token);
            let facts = facts.say("price", c.permit.permitted.amount).at("payee", c.witness.to);
            let facts = facts.say("nonce", c.permit.nonce).window(c.witness.validAfter, c.permit.deadline);
            facts.bytes("signature", &c.signature).done("settle (exact by Permit2)")
        }
        U::settleCall::SELECTOR => {
            let c: U::settleCall = exact(data)?;
            let facts = facts.at("payer", c.owner).at("token", c.permit.permitted.token);
            let facts = facts.say("ceiling", c.permit.permitted.amount).say("price", c.amount);
            let facts = facts.at("payee", c.witness.to).at("facilitator", c.witness.facilitator);
            let facts = facts.say("nonce", c.permit.nonce).window(c.witness.validAfter, c.permit.deadline);
            facts.bytes("signature", &c.signature).done("settle (upto)")
        }
        P::permitWitnessTransferFromCall::SELECTOR => {
            let c: P::permitWitnessTransferFromCall = exact(data)?;
            let facts = facts.at("payer", c.owner).at("token", c.permit.permitted.token);
            let facts = facts.say("ceiling", c.permit.permitted.amount).say("price", c.transferDetails.requestedAmount);
            let facts = facts.at("payee", c.transferDetails.to).say("nonce", c.permit.nonce);
            let facts = facts.say("valid-before", c.permit.deadline).bytes("witness", c.witness.as_slice());
            facts.bytes("signature", &c.signature).done("permitWitnessTransferFrom")
        }
        P::invalidateUnorderedNoncesCall::SELECTOR => {
            let c: P::invalidateUnorderedNoncesCall = exact(data)?;
            facts
                .say("nonce-word", c.wordPos)
                .say("nonce-mask", format_args!("{:#x}", c.mask))
                .done("invalidateUnorderedNonces")
        }
        Ch::depositCall::SELECTOR => {
            let c: Ch::depositCall = exact(data)?;
            let facts = facts.at("payer", c.config.payer).at("payee", c.config.receiver).at("token", c.config.token);
            facts.say("deposit", c.amount).at("collector", c.collector).done("deposit (payment channel)")
        }
        Ch::settleCall::SELECTOR => {
            let c: Ch::settleCall = exact(data)?;
            facts.at("payee", c.receiver).at("token", c.token).done("settle (payment channel)")
        }
        Ch::initiateWithdrawCall::SELECTOR => {
            let c: Ch::initiateWithdrawCall = exact(data)?;
            let facts = facts.at("payer", c.config.payer).at("token", c.config.token);
            facts.say("price", c.amount).done("initiateWithdraw (payment channel)")
        }
        Ch::finalizeWithdrawCall::SELECTOR => {
            let c: Ch::finalizeWithdrawCall = exact(data)?;
            facts.at("payer", c.config.payer).at("token", c.config.token).done("finalizeWithdraw (payment channel)")
        }
        Ch::refundCall::SELECTOR => {
            let c: Ch::refundCall = exact(data)?;
            let facts = facts.at("payer", c.config.payer).at("token", c.config.token);
            facts.say("refund", c.amount).done("refund (payment channel)")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_settling_call_is_read_back_and_one_with_a_byte_more_is_not() {
        let permit = exact_permit2::PermitTransferFrom {
            permitted: exact_permit2::TokenPermissions { token: Evm::repeat_byte(1), amount: U256::from(250_000) },
            nonce: U256::from(7),
            deadline: U256::from(1_800_000_000),
        };
        let witness = exact_permit2::Witness { to: Evm::repeat_byte(2), validAfter: U256::ZERO };
        let call = exact_permit2::ExactProxy::settleCall {
            permit,
            owner: Evm::repeat_byte(3),
            witness,
            signature: vec![9; 65].into(),
        };
        let data = call.abi_encode();
        assert_eq!(data[..4], [0x13, 0xcd, 0x3b, 0x53]);
        let known = decode_call(&data).unwrap();
        assert_eq!(known.name, "settle (exact by Permit2)");
        let price = known.facts.iter().find(|fact| fact.key == "price").unwrap();
        assert_eq!(price.value, "250000");
        assert_eq!(decode_call(&[data.as_slice(), &[0]].concat()), None);
        assert_eq!(decode_call(&[]), None);
        assert_eq!(decode_call(&[1, 2, 3, 4]), None);
    }
}
