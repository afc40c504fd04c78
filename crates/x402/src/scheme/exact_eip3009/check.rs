//! A facilitator's judgement of an `exact` payment by TIP-3009 from its own words, with the published reasons.
//! Needs no chain and trusts the domain of the requirements: the token itself has the last word in a trial run.

use super::{Payload, Terms};
use crate::{InvalidReason as No, Payment, Requirements, Signed};
use tron::{Address, Digest, Signature, recover};

/// Judges a payment against the requirements that the seller passed along, at `now_secs` since 1970. Answers
/// the payer. The amount has to be equal, not merely enough.
pub fn check(payment: &Payment, requirements: &Requirements, now_secs: u64) -> Result<Address, No> {
    let signed = Signed::of(payment, requirements)?;
    signed.in_time(now_secs, 0)?;
    Ok(signed.payer)
}

/// What is right at any time: recipient, amount, signature.
pub(crate) fn on_paper(payload: &Payload, terms: &Terms) -> Result<(Digest, Signature), No> {
    if payload.to != terms.common.payee {
        return Err(No::ExactRecipient);
    }
    if payload.value != terms.common.price {
        return Err(No::ExactValue);
    }
    let (Some(name), Some(version)) = (&terms.domain_name, &terms.domain_version) else {
        return Err(No::MissingDomain);
    };
    let digest = payload.digest(terms.common.network, terms.common.token, name, version);
    let signature = Signature::parse(&payload.signature).map_err(|_| No::ExactSignature)?;
    match recover(&digest, &signature) {
        Ok(signer) if signer == payload.from => Ok((digest, signature)),
        _ => Err(No::ExactSignature),
    }
}
