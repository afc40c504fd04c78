//! A signed payment: what it says, who signed it, under which domain.

use super::lines::{Around, Lines};
use super::odd::{self, GOOD, NOTE, STOP, WARN, found};
use super::offers;
use super::shapes::{KindView, PartView};
use crate::{FindingView, WeightView};
use plan::Moment;
use tron::{Address, Network, Signature};
use x402::{Explanation, Payload, Payment};

pub(super) fn payment(payment: &Payment, mcp: bool, now: Option<Moment>) -> PartView {
    let mut lines = Lines::default();
    let mut findings = Vec::new();
    lines.group("document");
    lines.add("x402-version", offers::version(payment.version));
    lines.add("scheme", &payment.scheme);
    lines.add("network", &payment.network);
    for (key, value) in &payment.unknown {
        lines.add(key, value).remark("not part of x402 as known here; kept as it is");
    }
    if let Some(resource) = &payment.resource {
        lines.group("resource");
        lines.add("resource-url", &resource.url);
    }
    let mut around = payment.accepted.as_ref().map_or_else(Around::default, |a| offers::around(a, now));
    around.now = now;
    match &payment.payload {
        Ok(payload) => {
            let facts = payload.explain();
            around.network = around.network.or(Network::parse(&payment.network).ok());
            around.token = token(&facts).or(around.token);
            lines.group("signed");
            lines.explained(&facts, around);
            findings.extend(of_payload(&facts, payload, now));
            signature(&mut lines, payment, payload, around, &mut findings);
        }
        Err(unusable) => {
            lines.group("signed");
            lines.add("unusable", unusable).weight(WeightView::Stop);
            findings.push(odd::unusable("the payload", unusable));
        }
    }
    if let Some(accepted) = &payment.accepted {
        lines.group("accepted option");
        offers::requirement(&mut lines, accepted, now);
        findings.extend(offers::of_requirement("the accepted option", accepted));
    }
    if !payment.extensions.is_empty() {
        lines.group("extensions");
        for name in payment.extensions.names() {
            lines.add(name, payment.extensions.raw(name).unwrap_or_default());
        }
    }
    let what = if mcp { "A signed payment inside an MCP request" } else { "A signed payment" };
    let header = payment.header_name();
    let scheme = payment.payload.as_ref().map_or_else(|_| payment.scheme.clone(), |p| p.scheme().name().to_owned());
    PartView {
        findings: odd::sorted(findings),
        groups: lines.done(),
        ..super::part(
            KindView::PaymentPayload,
            format!("{what} ({header}) of version {}, {scheme}.", offers::version(payment.version)),
            payment.to_json(),
        )
    }
}

fn token(facts: &[Explanation]) -> Option<Address> {
    Address::parse(&facts.iter().find(|f| f.key == "token")?.value).ok()
}

/// What is odd about the payload by itself.
fn of_payload(facts: &[Explanation], payload: &Payload, now: Option<Moment>) -> Vec<FindingView> {
    let mut findings = Vec::new();
    let fact = |key: &str| facts.iter().find(|f| f.key == key).map(|f| f.value.as_str());
    let seconds = |key: &str| fact(key).and_then(|value| value.parse::<u64>().ok());
    if facts.iter().any(|f| f.remark == Some("never-settles")) {
        findings.push(found("callerZero", STOP, &[]));
    }
    if facts.iter().any(|f| f.remark == Some("superseded")) {
        findings.push(found("legacyDelivery", STOP, &[("option", "the payload")]));
    }
    if facts.iter().any(|f| f.remark == Some("read-from-extensions")) {
        findings.push(found("authorizationInExtensions", NOTE, &[]));
    }
    if facts.iter().any(|f| f.remark == Some("folded-into-permit")) {
        findings.push(found("foldedGasfree", NOTE, &[]));
    }
    if let (Some(end), Some(now)) = (seconds("valid-before"), now) {
        let (past, how) = super::lines::when(end, now);
        if past {
            findings.push(found("payloadExpired", WARN, &[("when", &how)]));
        } else if end - now.secs() > 3600 {
            findings.push(found("payloadLong", WARN, &[("when", &how)]));
        }
    }
    if let (Some(begin), Some(now)) = (seconds("valid-after"), now)
        && begin > now.secs()
    {
        let (_, how) = super::lines::when(begin, now);
        let weight = if begin - now.secs() > wallet::EARLY_SECS { WARN } else { NOTE };
        findings.push(found("payloadEarly", weight, &[("when", &how)]));
    }
    if matches!(payload, Payload::BatchSettlement(_)) {
        findings.push(found("channel", NOTE, &[]));
    }
    findings
}

/// Who has to have signed: the payer, or of a channel payment the payer's authorizer.
pub(super) fn expected_signer(payload: &Payload) -> Address {
    match payload {
        Payload::BatchSettlement(channel) => {
            let config = channel.config();
            if config.payer_authorizer.is_zero() { config.payer } else { config.payer_authorizer }
        }
        other => other.payer(),
    }
}

fn signature(lines: &mut Lines, payment: &Payment, payload: &Payload, around: Around, findings: &mut Vec<FindingView>) {
    lines.group("signature");
    let terms = payment.accepted.as_ref().and_then(|a| a.terms.as_ref().ok());
    let digest = around.network.and_then(|network| payload.digest(network, terms));
    if let Some(network) = around.network {
        lines.add("domain-chain", network.chain_id()).remark(network.label());
    }
    if let Some(terms) = terms {
        lines.address("domain-contract", terms.contract(), around);
    }
    match digest {
        Some(digest) => lines.add("digest-to-sign", digest),
        None => lines.add("digest-to-sign", "not known").remark(match payload {
            Payload::ExactEip3009(_) => "the token's domain (extra.name, extra.version) is not in this message",
            _ => "the message is for contracts outside the registry",
        }),
    };
    parts(lines, payload.signature(), findings);
    let expected = expected_signer(payload);
    match payment.signer() {
        Some(signer) if signer == expected => {
            lines.address("signer", signer, around).also_remark("the payer").weight(WeightView::Good);
            findings.push(found("signerFits", GOOD, &[("signer", &signer.to_string())]));
        }
        Some(signer) => {
            let line = lines.address("signer", signer, around);
            line.also_remark(format!("not the payer {expected}")).weight(WeightView::Stop);
            let args = [("signer", signer.to_string()), ("expected", expected.to_string())];
            let args: Vec<(&str, &str)> = args.iter().map(|(k, v)| (*k, v.as_str())).collect();
            findings.push(found("signerDiffers", STOP, &args));
        }
        None => {
            lines.add("signer", "can't be recovered").weight(WeightView::Warn);
            findings.push(found("signerUnknown", WARN, &[]));
        }
    }
}

/// r, s and v of a signature, and what is odd about it. Answers it where it is one.
pub(super) fn parts(lines: &mut Lines, text: &str, findings: &mut Vec<FindingView>) -> Option<Signature> {
    match Signature::parse(text) {
        Ok(signature) => {
            lines.add("signature-r", format!("0x{}", hex(signature.r())));
            let low = signature.is_low_s();
            let line = lines.add("signature-s", format!("0x{}", hex(signature.s())));
            if low {
                line.remark("low, as it should be");
            } else {
                line.remark("high: the same signature can be written a second way").weight(WeightView::Warn);
                findings.push(found("highS", WARN, &[]));
            }
            lines.add("signature-v", signature.v());
            Some(signature)
        }
        Err(e) => {
            lines.add("signature", text).remark(e.to_string()).weight(WeightView::Stop);
            findings.push(found("signatureBroken", STOP, &[("reason", &e.to_string())]));
            None
        }
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
