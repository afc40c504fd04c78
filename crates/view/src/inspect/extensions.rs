//! What a 402 says beside its options: extensions by their names, and members of `extra` that every scheme may have.
//! Explains what an extension would want of the payer; nothing here is ever served without a word.

use super::lines::Lines;
use super::odd::{NOTE, WARN, found};
use crate::words::find;
use crate::{FindingView, WeightView};
use serde_json::Value;
use x402::{Offer, identifier};

/// Those by which a facilitator sends an approval that the payer signs, with TRON's own first.
const SPONSORING: [&str; 5] = [
    "trc20ApprovalResourceSponsoring",
    "trc20ApprovalGasSponsoring",
    "erc20ApprovalGasSponsoring",
    "eip2612GasSponsoring",
    "approvalGasSponsoring",
];

/// A line for each extension, and what to think of them.
pub(super) fn tell(lines: &mut Lines, offer: &Offer) -> Vec<FindingView> {
    let mut findings = Vec::new();
    if offer.extensions.is_empty() {
        return findings;
    }
    lines.group("extensions");
    for name in offer.extensions.names() {
        let line = lines.add(name, offer.extensions.raw(name).unwrap_or_default());
        let sponsoring = SPONSORING.contains(&name);
        let key = if sponsoring { "sponsoring" } else { name };
        line.remark(
            find(&format!("extension-{key}"), &[]).unwrap_or_else(|| "not known here; kept as it is".to_owned()),
        );
        let value = offer.extensions.get(name).unwrap_or(Value::Null);
        if sponsoring {
            let weight = if name.starts_with("trc20") { WARN } else { NOTE };
            findings.push(found("sponsoring", weight, &[("name", name)]));
        }
        match name {
            "sign-in-with-x" => findings.extend(sign_in(&value, offer)),
            "offer-receipt" => findings.extend(signed_offers(&value, offer)),
            identifier::EXTENSION if identifier::asked(offer) == Some(true) => {
                findings.push(found("identifierRequired", NOTE, &[]));
            }
            _ => {}
        }
    }
    findings
}

/// A sign-in says for which domain it is: another one than the resource's is how sign-ins are stolen.
fn sign_in(value: &Value, offer: &Offer) -> Option<FindingView> {
    let domain = value.pointer("/info/domain")?.as_str()?;
    let url = offer.resource.as_ref().map_or("", |resource| resource.url.as_str());
    let host = url.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default());
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let same = host.is_empty() || [host, name].iter().any(|host| host.eq_ignore_ascii_case(domain));
    Some(match same {
        true => found("signIn", NOTE, &[("domain", domain)]),
        false => found("signInElsewhere", WARN, &[("domain", domain), ("host", host)]),
    })
}

/// Offers that the seller signed have to say what the options say.
fn signed_offers(value: &Value, offer: &Offer) -> Vec<FindingView> {
    let offers = value.pointer("/info/offers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let count = offers.len().to_string();
    let mut findings = vec![found("signedOffers", NOTE, &[("count", &count)])];
    for signed in offers {
        let Some(payload) = signed.get("payload").filter(|payload| payload.is_object()) else { continue };
        let index = signed.get("acceptIndex").and_then(Value::as_u64).and_then(|i| usize::try_from(i).ok());
        let Some(option) = offer.options.get(index.unwrap_or(0)) else { continue };
        let said = |name: &str| payload.get(name).and_then(Value::as_str).map(str::to_owned);
        let amount = option.amount.map(|amount| amount.to_string()).unwrap_or_default();
        for (name, asked) in [("amount", &amount), ("payTo", &option.pay_to), ("asset", &option.asset)] {
            if let Some(said) = said(name).filter(|said| said != asked) {
                let args = [("field", name), ("said", said.as_str()), ("asked", asked.as_str())];
                findings.push(found("signedOfferDiffers", WARN, &args));
            }
        }
    }
    findings
}

/// What a member of an option means that any scheme may have, and how it weighs.
pub(super) fn member(key: &str, value: &Value) -> Option<(String, Option<WeightView>)> {
    let name = key.strip_prefix("extra.")?;
    let word = value.as_str().unwrap_or_default();
    let (key, weight) = match name {
        "paymentFlow" => match word {
            "authorization" => ("flow-authorization", None),
            "upfront" => ("flow-upfront", Some(WeightView::Note)),
            "escrow" => ("flow-escrow", Some(WeightView::Warn)),
            _ => ("flow-unknown", Some(WeightView::Warn)),
        },
        "minDeposit" => ("min-deposit", None),
        "memo" => ("memo", None),
        _ => return None,
    };
    Some((find(&format!("member-{key}"), &[])?, weight))
}
