//! Releases 0.1.x (on the wire `exact`, before that `upto`): PaymentPermit with a `Delivery` struct, settled
//! by other contracts. Recognised, decoded, named; never signed.

use super::{
    Common, Fee, Unusable,
    exact_permit::{self, Meta, Permit},
};
use crate::{Malformed, read::Fields};
use alloy_primitives::U256;
use tron::{Address, Amount, Digest, Network, registry, tip712};

/// The struct of those releases. In a module of its own because its parts share their names with today's.
pub mod contract {
    alloy_sol_types::sol! {
        struct PaymentPermitDetails {
            PermitMeta meta;
            address buyer;
            address caller;
            Payment payment;
            Fee fee;
            Delivery delivery;
        }
        struct PermitMeta { uint8 kind; bytes16 paymentId; uint256 nonce; uint256 validAfter; uint256 validBefore; }
        struct Payment { address payToken; uint256 payAmount; address payTo; }
        struct Fee { address feeTo; uint256 feeAmount; }
        struct Delivery { address receiveToken; uint256 miniReceiveAmount; uint256 tokenId; }
    }
}

/// What the payer was promised in return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub receive_token: Address,
    pub mini_receive_amount: Amount,
    pub token_id: U256,
}

impl Delivery {
    fn read(fields: &Fields<'_, '_>) -> Result<Self, Malformed> {
        Ok(Self {
            receive_token: fields.need_address("receiveToken")?,
            mini_receive_amount: fields.need_amount("miniReceiveAmount")?,
            token_id: fields.need_number("tokenId")?,
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    pub common: Common,
    pub fee: Option<Fee>,
    pub facilitator_id: Option<String>,
    pub maximum: Amount,
    pub meta: Option<Meta>,
    pub delivery: Delivery,
    /// The contract of releases 0.1.5 and 0.1.6 on this network.
    pub contract: Address,
}

impl Terms {
    pub(crate) fn read(
        common: Common,
        extra: Option<&Fields<'_, '_>>,
        context: Option<&Fields<'_, '_>>,
    ) -> Result<Self, Unusable> {
        let (fee, facilitator_id) = exact_permit::read_fee(extra)?;
        let absent = || Malformed::absent("extensions.paymentPermitContext", "an object");
        Ok(Self {
            common,
            fee,
            facilitator_id,
            maximum: exact_permit::maximum(&common, fee, extra)?,
            meta: exact_permit::read_meta(context)?,
            delivery: Delivery::read(&context.ok_or_else(absent)?.need_object("delivery")?)?,
            contract: contract_on(common.network),
        })
    }
}

fn contract_on(network: Network) -> Address {
    let superseded = &registry::deployments(network).superseded;
    superseded.iter().find(|(what, _)| what.starts_with("PaymentPermit")).map_or(Address::ZERO, |(_, at)| *at)
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    pub signature: String,
    pub permit: Permit,
    pub delivery: Delivery,
}

impl Payload {
    pub(crate) fn read(payload: &Fields<'_, '_>, network: Network) -> Result<Self, Malformed> {
        let permit = payload.need_object("paymentPermit")?;
        Ok(Self {
            signature: payload.need_text("signature")?,
            delivery: Delivery::read(&permit.need_object("delivery")?)?,
            permit: Permit::read(&permit, network)?,
        })
    }

    pub fn contract(&self) -> Address {
        contract_on(self.permit.network)
    }

    pub fn digest(&self) -> Digest {
        let today = self.permit.details();
        let details = contract::PaymentPermitDetails {
            meta: contract::PermitMeta {
                kind: today.meta.kind,
                paymentId: today.meta.paymentId,
                nonce: today.meta.nonce,
                validAfter: today.meta.validAfter,
                validBefore: today.meta.validBefore,
            },
            buyer: today.buyer,
            caller: today.caller,
            payment: contract::Payment {
                payToken: today.payment.payToken,
                payAmount: today.payment.payAmount,
                payTo: today.payment.payTo,
            },
            fee: contract::Fee { feeTo: today.fee.feeTo, feeAmount: today.fee.feeAmount },
            delivery: contract::Delivery {
                receiveToken: self.delivery.receive_token.evm(),
                miniReceiveAmount: self.delivery.mini_receive_amount.u256(),
                tokenId: self.delivery.token_id,
            },
        };
        tip712::digest(&details, &tip712::domain("PaymentPermit", None, self.permit.network, self.contract()))
    }
}
