//! A facilitator's judgement of an `exact` payment by Permit2 from its own words, with the published reasons.
//! Needs no chain; nonce, allowance and balance are asked by whoever can simulate. Refuses a spender outside the
//! registry.

use super::{Authorization, Payload, Terms, set_of_spender};
use crate::{InvalidReason as No, Payment, Requirements, Signed};
use tron::{Address, Digest, Signature, recover, registry::Permit2Set};

/// Judges a payment against the requirements that the seller passed along, at `now_secs` since 1970. Answers
/// the payer. The amount has to be equal, not merely enough.
pub fn check(payment: &Payment, requirements: &Requirements, now_secs: u64) -> Result<Address, No> {
    let signed = Signed::of(payment, requirements)?;
    signed.in_time(now_secs, 0)?;
    Ok(signed.payer)
}

/// What is right at any time: spender, recipient, amount, token, signature. The spender decides the deployment.
pub(crate) fn on_paper(payload: &Payload, terms: &Terms) -> Result<(Digest, Signature, Permit2Set), No> {
    let a: &Authorization = &payload.authorization;
    let set = set_of_spender(terms.common.network, a.spender).ok_or(No::Permit2Spender)?;
    let ok = |holds: bool, reason: No| if holds { Ok(()) } else { Err(reason) };
    ok(a.to == terms.common.payee, No::Permit2Recipient)?;
    ok(a.amount == terms.common.price, No::Permit2Amount)?;
    ok(a.token == terms.common.token, No::Permit2Token)?;
    let signature = Signature::parse(&payload.signature).map_err(|_| No::Permit2Signature)?;
    let digest = a.digest(terms.common.network, set.permit2);
    let signer = recover(&digest, &signature);
    // A witness that names a facilitator is the other scheme's and hashes as that.
    ok(a.facilitator.is_none() && signer.is_ok_and(|signer| signer == a.from), No::Permit2Signature)?;
    Ok((digest, signature, set))
}
