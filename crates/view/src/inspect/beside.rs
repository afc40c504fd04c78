//! Documents of one text beside each other: a payment and what it pays for, a signature and what it is over, a
//! settlement and its payment. Judges as a facilitator would, from their own words alone.

use super::bytes::Written;
use super::lines::{Around, Lines};
use super::node::{Teller, receipt};
use super::odd::{self, GOOD, NOTE, STOP, WARN, found};
use super::read::Is;
use super::shapes::{KindView, PartView};
use super::{offers, partly, payments, typed};
use crate::FindingView;
use plan::Moment;
use serde_json::Value;
use tron::{Address, Digest, TypedDocument, recover};
use x402::{Explanation, Payment, Requirements, Scheme, Settlement};

pub(super) fn compare(all: &[Is], now: Option<Moment>) -> Vec<PartView> {
    let mut parts = Vec::new();
    let payment = all.iter().find_map(|is| match is {
        Is::Payment(payment) => Some(&**payment),
        Is::Request(request) => Some(&request.payment),
        _ => None,
    });
    if let Some(payment) = payment
        && let Some(option) = all.iter().find_map(|is| option(is, payment))
    {
        parts.push(paid(payment, option, now));
    }
    let settlement = all.iter().find_map(|is| if let Is::Settlement(s) = is { Some(&**s) } else { None });
    if let (Some(payment), Some(settlement)) = (payment, settlement) {
        parts.push(settled(payment, settlement));
    }
    let typed = all.iter().find_map(|is| if let Is::Typed(typed) = is { Some(&**typed) } else { None });
    if let (Some(payment), Some(typed)) = (payment, typed) {
        parts.extend(same_message(payment, typed));
    }
    parts.extend(all.iter().filter_map(|is| if let Is::Receipt(receipt) = is { ended(receipt, all) } else { None }));
    parts.extend(
        all.iter()
            .filter_map(|is| if let Is::Signature(s) = is { Some(s) } else { None })
            .filter_map(|s| signed(s, all)),
    );
    parts
}

/// A receipt beside its transaction: how that ended, and who paid for what.
fn ended(receipt: &Value, all: &[Is]) -> Option<PartView> {
    let id = receipt.get("id")?.as_str()?.parse().ok()?;
    let tx = all.iter().find_map(|is| match is {
        Is::Transaction(tx) if tx.any_id() == Some(id) => Some(tx),
        _ => None,
    })?;
    let mut teller = Teller::new(Around::default());
    teller.group("transaction and receipt");
    teller.lines.add("transaction", id);
    receipt::result(&mut teller, &receipt::outcome(receipt));
    receipt::cost(&mut teller, receipt, Some(tx));
    teller.findings.push(found("receiptFits", NOTE, &[]));
    Some(part("The receipt beside its transaction.", teller.lines, teller.findings))
}

/// A payment beside typed data: whether a signature of the one is a signature of the other.
fn same_message(payment: &Payment, typed: &TypedDocument) -> Option<PartView> {
    let payload = payment.payload.as_ref().ok()?;
    let terms = payment.accepted.as_ref().and_then(|a| a.terms.as_ref().ok());
    let network = tron::Network::parse(&payment.network).ok()?;
    let digest = payload.digest(network, terms)?;
    let mut lines = Lines::default();
    lines.group("paid and signed");
    let mut findings = Vec::new();
    if digest == typed.digest() {
        findings.push(found("typedSame", GOOD, &[]));
    } else {
        let mut leaves = Vec::new();
        values(typed.message(), &mut leaves);
        for fact in payload.explain() {
            let told = Address::parse(&fact.value).map_or_else(|_| fact.value.clone(), |address| address.to_string());
            lines.explained(std::slice::from_ref(&fact), Around { network: Some(network), ..Around::default() });
            if fact.key != "signature" && !leaves.contains(&told) {
                lines.last(|line| line.also_remark("nowhere in the typed data").weight(STOP));
            }
        }
        let args = [("payment", digest.to_string()), ("typed", typed.digest().to_string())];
        let args: Vec<(&str, &str)> = args.iter().map(|(name, value)| (*name, value.as_str())).collect();
        findings.push(found("typedOther", STOP, &args));
    }
    Some(part("The payment beside the typed data.", lines, findings))
}

/// Every value of a message, addresses in Base58.
fn values(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Object(members) => members.values().for_each(|value| values(value, out)),
        Value::Array(items) => items.iter().for_each(|value| values(value, out)),
        leaf => {
            let text = leaf.as_str().map_or_else(|| leaf.to_string(), str::to_owned);
            out.push(Address::parse(&text).map_or(text, |address| address.to_string()));
        }
    }
}

/// The option that the payment takes: the one that it echoes, else the one with its scheme, network and token.
fn option<'a>(is: &'a Is, payment: &Payment) -> Option<&'a Requirements> {
    match is {
        Is::Offer(offer) => {
            let echoed = |option: &&Requirements| payment.accepted.as_ref().is_some_and(|a| a.same_as(option));
            let alike = |option: &&Requirements| {
                let asset = payment.accepted.as_ref().is_none_or(|a| a.asset == option.asset);
                option.scheme == payment.scheme && option.network == payment.network && asset
            };
            offer.options.iter().find(echoed).or_else(|| offer.options.iter().find(alike)).or(offer.options.first())
        }
        Is::Requirement(option) => Some(option),
        Is::Request(request) => Some(&request.requirements),
        _ => None,
    }
}

fn paid(payment: &Payment, option: &Requirements, now: Option<Moment>) -> PartView {
    let mut lines = Lines::default();
    let mut findings = Vec::new();
    let around = offers::around(option, now);
    lines.group("asked and signed");
    let (asked, signed) = match (&option.terms, &payment.payload) {
        (Ok(terms), Ok(payload)) => (terms.explain(), payload.explain()),
        _ => (vec![], vec![]),
    };
    let value = |facts: &[Explanation], key: &str| facts.iter().find(|f| f.key == key).map(|f| f.value.clone());
    let mut differ = Vec::new();
    for fact in &signed {
        let Some(wanted) = value(&asked, fact.key).filter(|wanted| !wanted.is_empty()) else { continue };
        let same = wanted == fact.value;
        lines.explained(std::slice::from_ref(fact), Around { now: None, ..around });
        lines.last(|line| match same {
            true => line.remark("as asked").weight(GOOD),
            false => line.remark(format!("asked for {wanted}")).weight(STOP),
        });
        if !same {
            differ.push(
                crate::words::find(&format!("label-{}", fact.key), &[]).unwrap_or_else(|| fact.key.replace('-', " ")),
            );
        }
    }
    match &payment.accepted {
        Some(accepted) if accepted.same_as(option) => {
            lines.add("echo", "the option is echoed unchanged").weight(GOOD);
        }
        Some(_) => {
            lines.add("echo", "the option that is echoed is not this one, word for word").weight(WARN);
            findings.push(found("echoDiffers", WARN, &[]));
        }
        None => {}
    }
    if asked.is_empty() {
        findings.push(found("notComparable", WARN, &[]));
    } else if differ.is_empty() {
        findings.push(found("paysAsAsked", GOOD, &[]));
    } else {
        findings.push(found("paysDifferently", STOP, &[("fields", &differ.join(", "))]));
    }
    if let Some(partly) = now.and_then(|now| partly::judge(payment, option, now)) {
        lines.group("as far as it can be judged");
        findings.push(partly.tell(&mut lines));
    }
    if let Some(verdict) = now.and_then(|now| verdict(payment, option, now)) {
        lines.group("as a facilitator would judge");
        match verdict {
            Ok(payer) => {
                lines
                    .add("verdict", "would hold")
                    .remark(format!("paid by {payer}; balance and nonce are not looked at here"))
                    .weight(GOOD);
                findings.push(found("verdictYes", GOOD, &[]));
            }
            Err(reason) => {
                let why = crate::words::find(&format!("reason-{}", reason.replace('_', "-")), &[]);
                let line = lines.add("verdict", &reason).weight(STOP);
                if let Some(why) = &why {
                    line.remark(why.clone());
                }
                findings.push(found(
                    "verdictNo",
                    STOP,
                    &[("reason", &reason), ("why", why.as_deref().unwrap_or("its own word"))],
                ));
            }
        }
    }
    part("The payment beside the option that it pays.", lines, findings)
}

/// What the checks of this scheme say; `None` where there are none for it.
fn verdict(payment: &Payment, option: &Requirements, now: Moment) -> Option<Result<Address, String>> {
    let now = now.secs();
    let verdict = match option.terms.as_ref().ok()?.scheme() {
        Scheme::ExactPermit => x402::exact_permit::check(payment, option, now),
        Scheme::ExactEip3009 => x402::exact_eip3009::check(payment, option, now),
        Scheme::ExactPermit2 => x402::exact_permit2::check(payment, option, now),
        _ => return None,
    };
    Some(verdict.map_err(|reason| reason.code().to_owned()))
}

fn settled(payment: &Payment, settlement: &Settlement) -> PartView {
    let mut lines = Lines::default();
    let mut findings = Vec::new();
    lines.group("paid and settled");
    if let (Ok(payload), Some(payer)) = (&payment.payload, settlement.payer) {
        let same = payload.payer() == payer;
        let line = lines.add("payer", payer);
        if same {
            line.remark("as in the payment").weight(GOOD);
        } else {
            line.remark(format!("the payment is by {}", payload.payer())).weight(STOP);
            findings.push(found("settledForOther", STOP, &[]));
        }
    }
    if let Some(network) = &settlement.network {
        let parse = |name: &str| tron::Network::parse(name).ok();
        let same =
            network == &payment.network || (parse(network).is_some() && parse(network) == parse(&payment.network));
        let line = lines.add("network", network);
        if same {
            line.remark("as in the payment").weight(GOOD);
        } else {
            line.remark(format!("the payment is for {}", payment.network)).weight(STOP);
            findings.push(found("settledElsewhere", STOP, &[]));
        }
    }
    if findings.is_empty() {
        findings.push(found("settlementFits", NOTE, &[]));
    }
    part("The settlement beside its payment.", lines, findings)
}

/// Who made a signature over what stands beside it.
fn signed(written: &Written, all: &[Is]) -> Option<PartView> {
    let Over { what, digest, expected, contract } = all.iter().find_map(over)?;
    let mut lines = Lines::default();
    lines.group("signature");
    lines.add("digest-to-sign", digest);
    let mut findings = Vec::new();
    if written.plain_v && contract {
        findings.push(found("plainVRefused", STOP, &[]));
    }
    match (recover(&digest, &written.signature), expected) {
        (Ok(signer), Some(expected)) if signer == expected => {
            lines.address("signer", signer, Around::default()).weight(GOOD);
            findings.push(found("signerFits", GOOD, &[("signer", &signer.to_string())]));
        }
        (Ok(signer), Some(owner)) if !contract => {
            lines.address("signer", signer, Around::default()).also_remark("not the owner").weight(WARN);
            let (signer, owner) = (signer.to_string(), owner.to_string());
            findings.push(found("signerForeign", WARN, &[("signer", &signer), ("owner", &owner)]));
        }
        (Ok(signer), Some(expected)) => {
            lines.address("signer", signer, Around::default()).also_remark(format!("not {expected}")).weight(STOP);
            let (signer, expected) = (signer.to_string(), expected.to_string());
            findings.push(found("signerDiffers", STOP, &[("signer", &signer), ("expected", &expected)]));
        }
        (Ok(signer), None) => {
            lines.address("signer", signer, Around::default());
        }
        (Err(_), _) => findings.push(found("noSigner", WARN, &[])),
    }
    Some(part(&format!("The signature over {what}."), lines, findings))
}

/// What a signature can be over.
struct Over {
    what: &'static str,
    digest: Digest,
    expected: Option<Address>,
    /// A contract checks it, and not a node.
    contract: bool,
}

fn over(is: &Is) -> Option<Over> {
    Some(match is {
        Is::Typed(document) => Over {
            what: "the typed data",
            digest: document.digest(),
            expected: typed::signer(document),
            contract: true,
        },
        Is::Transaction(tx) => {
            Over { what: "the transaction", digest: tx.id?.digest(), expected: tx.owner(), contract: false }
        }
        Is::Hash(hash) => {
            Over { what: "the 32 bytes", digest: Digest::from_bytes(*hash), expected: None, contract: false }
        }
        Is::Payment(payment) => {
            let payload = payment.payload.as_ref().ok()?;
            let terms = payment.accepted.as_ref().and_then(|a| a.terms.as_ref().ok());
            let digest = payload.digest(tron::Network::parse(&payment.network).ok()?, terms)?;
            let expected = Some(payments::expected_signer(payload));
            Over { what: "the payment", digest, expected, contract: true }
        }
        _ => return None,
    })
}

fn part(title: &str, lines: Lines, findings: Vec<FindingView>) -> PartView {
    let findings = odd::sorted(findings);
    PartView { findings, groups: lines.done(), ..super::part(KindView::Comparison, title.to_owned(), "") }
}
