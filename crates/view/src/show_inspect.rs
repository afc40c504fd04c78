//! The inspector: anything x402 told in plain words, without a wallet, a key or a network.

use crate::question::quoted;
use crate::show_payment::pretty;
use crate::{Code, Failure, InspectView, LineView};
use tron::typed::TypedDocument;
use x402::{Explanation, Offer, Payment, Requirements, Settlement};

const LABEL_MAX: usize = 80;
const VALUE_MAX: usize = 500;

/// Explains a `PAYMENT-REQUIRED`, `PAYMENT-SIGNATURE` or `PAYMENT-RESPONSE` header value, a JSON body, an MCP
/// result, or typed data. What is none of these is an error that says what each of them was missing.
pub fn inspect(text: &str) -> Result<InspectView, Failure> {
    let text = text.trim();
    let offer = match Offer::read(text) {
        Ok(offer) => return Ok(of_offer(&offer)),
        Err(error) => error,
    };
    if let Ok(payment) = Payment::read(text) {
        return Ok(of_payment(&payment));
    }
    if let Ok(settlement) = Settlement::read(text) {
        return Ok(of_settlement(&settlement, text));
    }
    if let Ok(typed) = TypedDocument::parse(text) {
        return Ok(of_typed(&typed, text));
    }
    Err(Failure {
        field: Some(offer.field.clone()),
        found: Some(quoted(&offer.found, 80)),
        expected: Some(offer.expected.clone()),
        ..Failure::new(Code::MalformedPaymentRequired, &[("detail", quoted(&offer.to_string(), 300).as_str())])
    })
}

struct Lines(Vec<LineView>);

impl Lines {
    fn add(&mut self, group: &str, label: &str, value: impl ToString) {
        self.note(group, label, value, None);
    }

    fn note(&mut self, group: &str, label: &str, value: impl ToString, remark: Option<String>) {
        // A member that nobody asked for names its own line.
        let (label, value) = (quoted(label, LABEL_MAX), quoted(&value.to_string(), VALUE_MAX));
        self.0.push(LineView { group: group.to_owned(), label, value, remark });
    }

    fn maybe(&mut self, group: &str, label: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.add(group, label, value);
        }
    }

    fn explained(&mut self, group: &str, all: Vec<Explanation>) {
        for one in all {
            // A point in time is also said as a person reads it.
            let when = matches!(one.key, "valid-after" | "valid-before").then(|| one.value.parse().ok()).flatten();
            let remark = one.remark.map(remark).or(when.map(crate::show_payment::seconds));
            self.note(group, &label(one.key), one.value, remark);
        }
    }
}

const fn version(version: x402::Version) -> &'static str {
    match version {
        x402::Version::V1 => "1",
        x402::Version::V2 => "2",
    }
}

/// The catalogue's words for a field, or its own name in plain letters.
fn label(key: &str) -> String {
    crate::words::find(&format!("label-{key}"), &[]).unwrap_or_else(|| key.replace('-', " "))
}

/// The catalogue's words for a remark, or the remark's own name in plain letters.
fn remark(key: &str) -> String {
    crate::words::find(&format!("remark-{key}"), &[]).unwrap_or_else(|| key.replace('-', " "))
}

fn of_offer(offer: &Offer) -> InspectView {
    let mut lines = Lines(vec![]);
    lines.add("offer", "x402 version", version(offer.version));
    lines.maybe("offer", "the server's words", offer.error.as_ref());
    if let Some(resource) = &offer.resource {
        lines.add("resource", "URL, as the server names it", &resource.url);
        lines.maybe("resource", "description, the server's words", resource.description.as_ref());
        lines.maybe("resource", "type", resource.mime_type.as_ref());
    }
    for option in &offer.options {
        requirement(&mut lines, option);
    }
    for (key, value) in &offer.unknown {
        lines.note("offer", key, value, Some("not part of x402 as known here; kept as it is".to_owned()));
    }
    let count = offer.options.len();
    let title = format!("A 402: payment required, with {count} option{}.", if count == 1 { "" } else { "s" });
    let findings = wallet::odd(offer).iter().flat_map(crate::FindingView::all).collect();
    InspectView { findings, ..view("paymentRequired", title, lines, &offer.raw) }
}

fn requirement(lines: &mut Lines, option: &Requirements) {
    let group = format!("option {}", option.index + 1);
    match &option.terms {
        Ok(terms) => {
            lines.explained(&group, terms.explain());
            let token = tron::token::lookup(terms.network(), terms.token());
            let known = match token {
                Some(t) => {
                    lines.add(&group, "price", format!("{} {}", terms.price().format_units(t.decimals), t.symbol));
                    if let Some(most) = terms.maximum().filter(|m| *m != terms.price()) {
                        lines.add(
                            &group,
                            "leaves the payer, at most",
                            format!("{} {}", most.format_units(t.decimals), t.symbol),
                        );
                    }
                    return;
                }
                None => "this address is not in the token table: what it calls itself proves nothing",
            };
            lines.note(&group, "token", terms.token(), Some(known.to_owned()));
        }
        Err(unusable) => {
            lines.add(&group, "scheme", &option.scheme);
            lines.add(&group, "network", &option.network);
            lines.add(&group, "asset", &option.asset);
            lines.add(&group, "payTo", &option.pay_to);
            lines.note(&group, "can't be used", unusable, None);
        }
    }
    for (key, value) in &option.unknown {
        lines.note(&group, key, value, Some("not part of the scheme; kept as it is".to_owned()));
    }
}

fn of_payment(payment: &Payment) -> InspectView {
    let mut lines = Lines(vec![]);
    lines.add("payment", "x402 version", version(payment.version));
    lines.add("payment", "scheme", &payment.scheme);
    lines.add("payment", "network", &payment.network);
    match &payment.payload {
        Ok(payload) => lines.explained("signed", payload.explain()),
        Err(unusable) => lines.add("signed", "can't be read", unusable),
    }
    match payment.signer() {
        Some(signer) => lines.add("signed", "signature recovers to", signer),
        None => lines.add("signed", "signature", "no signer can be recovered with the terms in this message"),
    }
    if let Some(accepted) = &payment.accepted {
        requirement(&mut lines, accepted);
    }
    view("paymentPayload", "A signed payment, ready to be settled.".to_owned(), lines, payment.to_json())
}

fn of_settlement(settlement: &Settlement, text: &str) -> InspectView {
    let mut lines = Lines(vec![]);
    lines.add("settlement", "success, as the seller says", settlement.success);
    lines.maybe("settlement", "transaction", settlement.transaction.as_ref());
    lines.maybe("settlement", "network", settlement.network.as_ref());
    lines.maybe("settlement", "payer", settlement.payer);
    lines.maybe("settlement", "amount, smallest units", settlement.amount);
    lines.maybe("settlement", "reason", settlement.error_reason.as_ref());
    let title = match settlement.success {
        true => "A seller's settlement answer: it says that the payment was settled.",
        false => "A seller's settlement answer: it says that the payment was not settled.",
    };
    view("settleResponse", title.to_owned(), lines, text)
}

fn of_typed(typed: &TypedDocument, text: &str) -> InspectView {
    let mut lines = Lines(vec![]);
    lines.add("typed data", "primary type", typed.primary_type());
    lines.add("typed data", "type, encoded", typed.encode_type());
    lines.add("typed data", "domain separator", tron::Digest::from_bytes(typed.domain_separator()));
    lines.add("typed data", "struct hash", tron::Digest::from_bytes(typed.struct_hash()));
    lines.add("typed data", "digest to sign", typed.digest());
    view("typedData", "Typed data (TIP-712).".to_owned(), lines, text)
}

fn view(kind: &str, title: String, lines: Lines, document: &str) -> InspectView {
    let document = match x402::header::read(document) {
        Ok(json) => pretty(&json),
        Err(_) => pretty(document),
    };
    InspectView { kind: kind.to_owned(), title, lines: lines.0, findings: vec![], document }
}

#[cfg(test)]
mod tests {
    use super::inspect;

    #[test]
    fn a_member_that_nobody_asked_for_is_shown_with_a_safe_short_name() {
        let long = "x".repeat(3000);
        let offer = format!(
            r#"{{"x402Version":2,"accepts":[{{"scheme":"a","pay \u202eless":1,"{long}":1}}],"\u200bsigned":true}}"#
        );
        let seen = inspect(&offer).unwrap();
        let labels: Vec<&str> = seen.lines.iter().map(|line| line.label.as_str()).collect();
        assert!(labels.contains(&"pay ⟨U+202E⟩less") && labels.contains(&"⟨U+200B⟩signed"), "{labels:?}");
        assert!(labels.iter().all(|label| label.chars().count() <= 81));
    }
}
