//! `exact_permit`: the PaymentPermit contract, and the same thing under the name `exact` of releases 0.2.
//! The server dictates nonce, payment id and window. Refuses to sign without them, without a caller, for a
//! contract outside the registry, and when money would go to the zero address.

pub mod check;
pub mod contract;

pub use super::InvalidReason;
use super::{CannotSign, Common, Fee, Scheme, Unusable, typed};
use crate::{Authorization, Malformed, Payload as AnyPayload, read::Fields};
use alloy_primitives::{FixedBytes, U256};
use alloy_sol_types::{SolCall, SolStruct};
pub(crate) use check::judge;
pub use check::{check, check_tokens};
use contract::PaymentPermit::{DOMAIN_SEPARATORCall, nonceBitmapCall, nonceUsedCall, permitTransferFromCall};
use serde_json::{Value, json};
use tron::{Address, Amount, Digest, Network, Signature, registry, tip712};

/// The only kind that is signed.
pub const PAYMENT_ONLY: &str = "PAYMENT_ONLY";
const PAYMENT_AND_DELIVERY: &str = "PAYMENT_AND_DELIVERY";

/// What the server dictates in `extensions.paymentPermitContext.meta`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// As the server wrote it.
    pub kind: String,
    pub payment_id: [u8; 16],
    pub nonce: U256,
    /// Seconds since 1970.
    pub valid_after: u64,
    pub valid_before: u64,
}

impl Meta {
    /// What a seller dictates; nonce and payment id have to be fresh.
    pub fn payment_only(payment_id: [u8; 16], nonce: U256, valid_after: u64, valid_before: u64) -> Self {
        Self { kind: PAYMENT_ONLY.to_owned(), payment_id, nonce, valid_after, valid_before }
    }

    pub(crate) fn wire(&self) -> Value {
        json!({
            "kind": self.kind,
            "paymentId": format!("0x{}", hex::encode(self.payment_id)),
            "nonce": self.nonce.to_string(),
            "validAfter": self.valid_after,
            "validBefore": self.valid_before,
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    pub common: Common,
    pub fee: Option<Fee>,
    pub facilitator_id: Option<String>,
    /// Price and fee together.
    pub maximum: Amount,
    pub meta: Option<Meta>,
    /// The registry's PaymentPermit on this network.
    pub contract: Address,
    /// A contract that the offer itself names.
    pub named_contract: Option<Address>,
}

/// Names under which servers have been seen, or could try, to name the contract to sign for.
const CONTRACT_NAMES: [&str; 6] = [
    "verifyingContract",
    "permitContract",
    "permitAddress",
    "paymentPermitAddress",
    "permitContractAddress",
    "spender",
];

impl Terms {
    pub(crate) fn read(
        common: Common,
        extra: Option<&Fields<'_, '_>>,
        context: Option<&Fields<'_, '_>>,
    ) -> Result<Self, Unusable> {
        let (fee, facilitator_id) = read_fee(extra)?;
        let named_contract = named_contract(&CONTRACT_NAMES, [extra, context])?;
        Ok(Self {
            common,
            fee,
            facilitator_id,
            maximum: maximum(&common, fee, extra)?,
            meta: read_meta(context)?,
            contract: registry::deployments(common.network).payment_permit,
            named_contract,
        })
    }

    pub fn authorize(&self, payer: Address) -> Result<Authorization, CannotSign> {
        let permit = self.permit(payer)?;
        Ok(Authorization {
            scheme: Scheme::ExactPermit,
            network: self.common.network,
            payer,
            contract: self.contract,
            maximum: self.maximum,
            window: (permit.valid_after, permit.valid_before),
            nonce: permit.nonce,
            digest: permit.digest(),
            domain: permit.domain(),
            payload: AnyPayload::ExactPermit(Payload { signature: String::new(), permit }),
        })
    }

    /// Whether this payer could sign; hashes nothing.
    pub fn signable(&self, payer: Address) -> Result<(), CannotSign> {
        self.permit(payer).map(|_| ())
    }

    /// The message that this payer would sign.
    fn permit(&self, buyer: Address) -> Result<Permit, CannotSign> {
        let meta = self.meta.as_ref().ok_or(CannotSign::MissingMeta)?;
        if meta.kind != PAYMENT_ONLY {
            return Err(CannotSign::WrongKind { found: crate::malformed::shown(&meta.kind) });
        }
        if let Some(found) = self.named_contract.filter(|c| *c != self.contract) {
            return Err(CannotSign::ContractNotInRegistry { found, expected: self.contract });
        }
        let caller = self.fee.and_then(|f| f.caller).ok_or(CannotSign::MissingCaller)?;
        let (fee_to, fee_amount) = self.fee.map_or((Address::ZERO, Amount::ZERO), |f| (f.to, f.amount));
        self.common.nowhere()?;
        if !fee_amount.is_zero() && fee_to.is_zero() {
            return Err(CannotSign::ZeroAddress { field: "extra.fee.feeTo" });
        }
        let (valid_after, valid_before) = (meta.valid_after, meta.valid_before);
        if valid_before <= valid_after {
            return Err(CannotSign::EmptyWindow { valid_after, valid_before });
        }
        Ok(Permit {
            network: self.common.network,
            kind: Kind::PaymentOnly,
            payment_id: meta.payment_id,
            nonce: meta.nonce,
            valid_after,
            valid_before,
            buyer,
            caller,
            token: self.common.token,
            amount: self.common.price,
            pay_to: self.common.payee,
            fee_to,
            fee_amount,
        })
    }
}

/// The first contract that an offer names under one of these names.
pub(crate) fn named_contract<'n, 'a: 'n>(
    names: &[&'static str],
    places: impl IntoIterator<Item = Option<&'n Fields<'n, 'a>>>,
) -> Result<Option<Address>, Malformed> {
    let mut named = None;
    for fields in places.into_iter().flatten() {
        for name in names {
            named = named.or(fields.address(name)?);
        }
    }
    Ok(named)
}

/// `extra.fee`, and the facilitator's name for itself.
pub(crate) fn read_fee(extra: Option<&Fields<'_, '_>>) -> Result<(Option<Fee>, Option<String>), Malformed> {
    let Some(fee) = extra.map(|e| e.object("fee")).transpose()?.flatten() else { return Ok((None, None)) };
    let read = Fee {
        to: fee.address("feeTo")?.unwrap_or(Address::ZERO),
        amount: fee.amount("feeAmount")?.unwrap_or(Amount::ZERO),
        caller: fee.address("caller")?.filter(|c| !c.is_zero()),
    };
    Ok((Some(read), fee.text("facilitatorId")?))
}

pub(crate) fn maximum(common: &Common, fee: Option<Fee>, extra: Option<&Fields<'_, '_>>) -> Result<Amount, Malformed> {
    let fee = fee.map_or(Amount::ZERO, |f| f.amount);
    common.price.checked_add(fee).ok_or_else(|| {
        let field = extra.map(|e| e.at("fee.feeAmount")).unwrap_or_default();
        Malformed::new(field, &fee.to_string(), "a fee that together with the price fits 256 bit")
    })
}

pub(crate) fn read_meta(context: Option<&Fields<'_, '_>>) -> Result<Option<Meta>, Malformed> {
    let Some(meta) = context.map(|c| c.object("meta")).transpose()?.flatten() else { return Ok(None) };
    Ok(Some(Meta {
        kind: meta.need_text("kind")?,
        payment_id: meta.need_bytes("paymentId")?,
        nonce: meta.need_number("nonce")?,
        valid_after: meta.need_seconds("validAfter")?,
        valid_before: meta.need_seconds("validBefore")?,
    }))
}

/// What a permit is for. Delivery belongs to releases 0.1.x only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    PaymentOnly,
    PaymentAndDelivery,
}

impl Kind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::PaymentOnly => PAYMENT_ONLY,
            Self::PaymentAndDelivery => PAYMENT_AND_DELIVERY,
        }
    }

    const fn number(self) -> u8 {
        match self {
            Self::PaymentOnly => 0,
            Self::PaymentAndDelivery => 1,
        }
    }
}

/// The message that is signed (`payload.paymentPermit`), on its network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    pub network: Network,
    pub kind: Kind,
    pub payment_id: [u8; 16],
    pub nonce: U256,
    pub valid_after: u64,
    pub valid_before: u64,
    pub buyer: Address,
    pub caller: Address,
    pub token: Address,
    pub amount: Amount,
    pub pay_to: Address,
    pub fee_to: Address,
    pub fee_amount: Amount,
}

impl Permit {
    /// Reads `paymentPermit`.
    pub(crate) fn read(fields: &Fields<'_, '_>, network: Network) -> Result<Self, Malformed> {
        let meta = fields.need_object("meta")?;
        let payment = fields.need_object("payment")?;
        let fee = fields.need_object("fee")?;
        let kind = match meta.need_text("kind")?.as_str() {
            PAYMENT_ONLY => Kind::PaymentOnly,
            PAYMENT_AND_DELIVERY => Kind::PaymentAndDelivery,
            other => return Err(Malformed::new(meta.at("kind"), other, PAYMENT_ONLY)),
        };
        Ok(Self {
            network,
            kind,
            payment_id: meta.need_bytes("paymentId")?,
            nonce: meta.need_number("nonce")?,
            valid_after: meta.need_seconds("validAfter")?,
            valid_before: meta.need_seconds("validBefore")?,
            buyer: fields.need_address("buyer")?,
            caller: fields.need_address("caller")?,
            token: payment.need_address("payToken")?,
            amount: payment.need_amount("payAmount")?,
            pay_to: payment.need_address("payTo")?,
            fee_to: fee.need_address("feeTo")?,
            fee_amount: fee.need_amount("feeAmount")?,
        })
    }

    /// The registry's PaymentPermit on the permit's network: the only contract this is ever signed for.
    pub fn contract(&self) -> Address {
        registry::deployments(self.network).payment_permit
    }

    pub fn digest(&self) -> Digest {
        tip712::digest(&self.details(), &self.domain())
    }

    /// Price and fee; `None` when they overflow.
    pub fn maximum(&self) -> Option<Amount> {
        self.amount.checked_add(self.fee_amount)
    }

    pub(crate) fn domain(&self) -> alloy_sol_types::Eip712Domain {
        tip712::domain("PaymentPermit", None, self.network, self.contract())
    }

    /// The struct as the contract takes it.
    pub fn details(&self) -> contract::PaymentPermitDetails {
        contract::PaymentPermitDetails {
            meta: self.meta(),
            buyer: self.buyer.evm(),
            caller: self.caller.evm(),
            payment: self.payment(),
            fee: self.fee(),
        }
    }

    pub(crate) fn meta(&self) -> contract::PermitMeta {
        contract::PermitMeta {
            kind: self.kind.number(),
            paymentId: FixedBytes(self.payment_id),
            nonce: self.nonce,
            validAfter: U256::from(self.valid_after),
            validBefore: U256::from(self.valid_before),
        }
    }

    pub(crate) fn payment(&self) -> contract::Payment {
        contract::Payment { payToken: self.token.evm(), payAmount: self.amount.u256(), payTo: self.pay_to.evm() }
    }

    pub(crate) fn fee(&self) -> contract::Fee {
        contract::Fee { feeTo: self.fee_to.evm(), feeAmount: self.fee_amount.u256() }
    }

    /// The typed-data document: integers as decimal strings, addresses as 20 bytes of hex.
    pub fn typed_data(&self) -> Value {
        let message = json!({
            "meta": {
                "kind": self.kind.number(),
                "paymentId": format!("0x{}", hex::encode(self.payment_id)),
                "nonce": self.nonce.to_string(),
                "validAfter": self.valid_after.to_string(),
                "validBefore": self.valid_before.to_string(),
            },
            "buyer": self.buyer.to_evm_hex(),
            "caller": self.caller.to_evm_hex(),
            "payment": {
                "payToken": self.token.to_evm_hex(),
                "payAmount": self.amount.to_string(),
                "payTo": self.pay_to.to_evm_hex(),
            },
            "fee": { "feeTo": self.fee_to.to_evm_hex(), "feeAmount": self.fee_amount.to_string() },
        });
        typed::document(&contract::PaymentPermitDetails::eip712_encode_type(), &self.domain(), message)
    }

    /// `paymentPermit` as it travels: Base58 addresses, amounts as decimal strings, the kind by name.
    pub fn wire(&self) -> Value {
        json!({
            "meta": {
                "kind": self.kind.name(),
                "paymentId": format!("0x{}", hex::encode(self.payment_id)),
                "nonce": self.nonce.to_string(),
                "validAfter": self.valid_after,
                "validBefore": self.valid_before,
            },
            "buyer": self.buyer.to_string(),
            "caller": self.caller.to_string(),
            "payment": {
                "payToken": self.token.to_string(),
                "payAmount": self.amount.to_string(),
                "payTo": self.pay_to.to_string(),
            },
            "fee": { "feeTo": self.fee_to.to_string(), "feeAmount": self.fee_amount.to_string() },
        })
    }
}

/// `payload` of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// As it came, so that an unreadable one can still be shown.
    pub signature: String,
    pub permit: Permit,
}

impl Payload {
    pub(crate) fn read(payload: &Fields<'_, '_>, network: Network) -> Result<Self, Malformed> {
        let permit = Permit::read(&payload.need_object("paymentPermit")?, network)?;
        if permit.kind != Kind::PaymentOnly {
            let field = payload.at("paymentPermit.meta.kind");
            return Err(Malformed::new(field, permit.kind.name(), PAYMENT_ONLY));
        }
        Ok(Self { signature: payload.need_text("signature")?, permit })
    }

    pub(crate) fn wire(&self) -> Value {
        json!({ "signature": self.signature, "paymentPermit": self.permit.wire() })
    }
}

/// The call that settles a permit: contract and call data. Only `permit.caller` may send it.
pub fn settle_call(permit: &Permit, owner: Address, signature: &Signature) -> (Address, Vec<u8>) {
    let call = permitTransferFromCall {
        permit: permit.details(),
        owner: owner.evm(),
        signature: signature.to_bytes().to_vec().into(),
    };
    (permit.contract(), call.abi_encode())
}

/// Call data that asks whether a nonce is used up.
pub fn nonce_used_call(owner: Address, nonce: U256) -> Vec<u8> {
    nonceUsedCall { owner: owner.evm(), nonce }.abi_encode()
}

/// The answer to [`nonce_used_call`]; `None` when it is no boolean.
pub fn nonce_used_answer(output: &[u8]) -> Option<bool> {
    nonceUsedCall::abi_decode_returns(output).ok()
}

/// Call data for the bitmap word that holds this nonce.
pub fn nonce_bitmap_call(owner: Address, nonce: U256) -> Vec<u8> {
    nonceBitmapCall { owner: owner.evm(), wordPos: nonce >> 8 }.abi_encode()
}

/// Call data for the contract's own domain separator.
pub fn domain_separator_call() -> Vec<u8> {
    DOMAIN_SEPARATORCall {}.abi_encode()
}

/// What [`domain_separator_call`] has to answer on this network.
pub fn domain_separator(network: Network) -> [u8; 32] {
    let contract = registry::deployments(network).payment_permit;
    tip712::domain("PaymentPermit", None, network, contract).separator().0
}

/// The name of the contract's custom error whose selector a reverted call answered.
pub fn revert_reason(output: &[u8]) -> Option<&'static str> {
    use alloy_sol_types::SolError;
    use contract::PaymentPermit as C;
    let selector = <[u8; 4]>::try_from(output.get(..4)?).ok()?;
    [
        (C::BuyerMismatch::SELECTOR, "BuyerMismatch"),
        (C::InvalidKind::SELECTOR, "InvalidKind"),
        (C::InvalidTimestamp::SELECTOR, "InvalidTimestamp"),
        (C::InvalidCaller::SELECTOR, "InvalidCaller"),
        (C::NonceAlreadyUsed::SELECTOR, "NonceAlreadyUsed"),
        (C::InvalidNonce::SELECTOR, "InvalidNonce"),
        (C::InvalidSignature::SELECTOR, "InvalidSignature"),
    ]
    .into_iter()
    .find(|(known, _)| *known == selector)
    .map(|(_, name)| name)
}
