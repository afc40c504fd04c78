//! A facilitator's judgement of an `exact_permit` payment from its own words: terms, window, signature, in
//! the published order with the published reasons. Needs no chain; nonce, allowance and balance are asked
//! by whoever can simulate.

use super::{InvalidReason, Permit};
use crate::{Payload, Payment, Requirements, Terms};
use tron::{Address, Amount, Digest, Network, Signature, recover, token};

/// Judges a payment against the requirements that the seller passed along; the tokens of the known table are
/// allowed. Answers the payer. `now_secs` is seconds since 1970. Stricter than the published SDKs: amounts and
/// fee have to be equal, not merely enough. Whether `permit.caller` is the facilitator itself is not judged
/// here, the published reasons have no word for it; a simulation answers `InvalidCaller`.
pub fn check(payment: &Payment, requirements: &Requirements, now_secs: u64) -> Result<Address, InvalidReason> {
    check_tokens(payment, requirements, now_secs, |network, at| token::lookup(network, at).is_some())
}

/// As [`check`], with the facilitator's own choice of tokens.
///
/// A payload without a readable permit, or requirements that are no readable `exact_permit`, is
/// `missing_permit`: the published reasons have no finer word, `payment.payload` and `requirements.terms` do.
pub fn check_tokens(
    payment: &Payment,
    requirements: &Requirements,
    now_secs: u64,
    allowed: impl FnOnce(Network, Address) -> bool,
) -> Result<Address, InvalidReason> {
    judge(payment, requirements, |_| now_secs, allowed).map(|(permit, ..)| permit.buyer)
}

/// As [`check_tokens`], at the second that `now` says, with the caller's own way to find who signed. Answers what was
/// signed.
pub(crate) fn judge<'p>(
    payment: &'p Payment,
    requirements: &Requirements,
    now: impl FnOnce(&Permit) -> u64,
    allowed: impl FnOnce(Network, Address) -> bool,
) -> Result<(&'p Permit, Digest, Signature), InvalidReason> {
    use InvalidReason as No;
    let Ok(Payload::ExactPermit(payload)) = &payment.payload else { return Err(No::MissingPermit) };
    let Ok(Terms::ExactPermit(terms)) = &requirements.terms else { return Err(No::MissingPermit) };
    let permit = &payload.permit;
    let (fee_to, fee_amount) = terms.fee.map_or((Address::ZERO, Amount::ZERO), |f| (f.to, f.amount));
    let due = &terms.common;
    let ok = |holds: bool, reason: No| if holds { Ok(()) } else { Err(reason) };
    ok(allowed(due.network, permit.token), No::TokenNotAllowed)?;
    ok(permit.amount == due.price, No::AmountMismatch)?;
    ok(permit.pay_to == due.payee, No::PaytoMismatch)?;
    ok(permit.token == due.token, No::TokenMismatch)?;
    ok(permit.fee_to == fee_to, No::FeeToMismatch)?;
    ok(permit.fee_amount == fee_amount, No::FeeAmountMismatch)?;
    let now_secs = now(permit);
    ok(now_secs < permit.valid_before, No::Expired)?;
    ok(now_secs >= permit.valid_after, No::NotYetValid)?;
    // Another network is another domain: the signature can't hold there.
    ok(permit.network == due.network, No::InvalidSignature)?;
    let signature = Signature::parse(&payload.signature).map_err(|_| No::InvalidSignature)?;
    let digest = permit.digest();
    match recover(&digest, &signature) {
        Ok(signer) if signer == permit.buyer => Ok((permit, digest, signature)),
        _ => Err(No::InvalidSignature),
    }
}
