//! What sellers and facilitators answer: settlements, verdicts, what they support, their fees.

use super::lines::{Around, Lines};
use super::names::{self, Meaning};
use super::odd::{self, NOTE, STOP, WARN, found};
use super::shapes::{KindView, PartView};
use crate::WeightView;
use plan::Moment;
use tron::Network;
use x402::facilitator::{Quote, QuoteRequest, Supported, VerifyResponse};
use x402::{Note, Settlement};

/// An error of any service, with nothing in it that speaks of a settlement.
pub(super) fn is_any_error(settlement: &Settlement) -> bool {
    let speaks =
        settlement.error_reason.as_deref().is_some_and(|reason| reason.to_ascii_lowercase().contains("settle"));
    settlement.notes.contains(&Note::ErrorBody) && settlement.transaction.is_none() && !speaks
}

pub(super) fn settlement(settlement: &Settlement, text: &str) -> PartView {
    let mut lines = Lines::default();
    let mut findings = Vec::new();
    let network = settlement.network.as_deref().and_then(|n| Network::parse(n).ok());
    lines.group("settlement");
    let weight = if settlement.success { WeightView::Note } else { WeightView::Warn };
    lines.add("success", settlement.success).remark("the seller's word; the chain decides").weight(weight);
    lines.maybe("transaction", settlement.transaction.as_ref());
    if let Some(name) = &settlement.network {
        let line = lines.add("network", name);
        match names::network(name) {
            Meaning::Tron(network) => line.remark(network.label()),
            Meaning::Other(what) => line.remark(what).weight(WeightView::Warn),
            Meaning::Unknown => line.remark("not known").weight(WeightView::Warn),
        };
    }
    if let Some(payer) = settlement.payer {
        lines.address("payer", payer, Around { network, ..Around::default() });
    }
    if let Some(amount) = settlement.amount {
        lines.add("amount", amount).remark("smallest units; which token it was is not said here");
    }
    if let Some(reason) = &settlement.error_reason {
        let known = crate::words::find(&format!("reason-{}", reason.replace('_', "-")), &[]);
        let line = lines.add("error-reason", reason);
        if let Some(known) = known {
            line.remark(known);
        }
    }
    if !settlement.extra.is_null() {
        lines.add("extra", &settlement.extra);
    }
    for (key, value) in &settlement.unknown {
        lines.add(key, value).remark("not part of x402 as known here");
    }
    for note in &settlement.notes {
        findings.push(match note {
            Note::TransactionPrefix => found("transactionPrefix", NOTE, &[]),
            Note::TransactionMissing => found("transactionMissing", WARN, &[]),
            Note::TransactionUnreadable { found: text } => found("transactionUnreadable", WARN, &[("found", text)]),
            Note::PayerUnreadable { found: text } => found("payerUnreadable", WARN, &[("found", text)]),
            Note::AmountUnreadable { found: text } => found("amountUnreadable", WARN, &[("found", text)]),
            Note::ErrorBody => found("errorBody", WARN, &[]),
        });
    }
    if settlement.is_pending() {
        findings.push(found("settlementPending", WARN, &[]));
    }
    let title = match (settlement.success, settlement.is_pending()) {
        (true, _) => "A seller's settlement answer (PAYMENT-RESPONSE): it says that the payment was settled.",
        (false, true) => "A seller's settlement answer (PAYMENT-RESPONSE): sent, the outcome is not known yet.",
        (false, false) => "A seller's settlement answer (PAYMENT-RESPONSE): it says that the payment was not settled.",
    };
    PartView {
        findings: odd::sorted(findings),
        groups: lines.done(),
        ..super::part(KindView::SettleResponse, title.to_owned(), text)
    }
}

pub(super) fn verdict(answer: &VerifyResponse, text: &str) -> PartView {
    let mut lines = Lines::default();
    lines.group("verdict");
    lines.add("is-valid", answer.is_valid);
    let mut findings = vec![];
    if let Some(reason) = &answer.invalid_reason {
        let known = crate::words::find(&format!("reason-{}", reason.replace('_', "-")), &[]);
        let line = lines.add("invalid-reason", reason);
        if let Some(known) = &known {
            line.remark(known.clone());
        }
        findings.push(found(
            "verdictNo",
            STOP,
            &[("reason", reason), ("why", known.as_deref().unwrap_or("its own word"))],
        ));
    }
    lines.maybe("payer", answer.payer);
    let title = match answer.is_valid {
        true => "A facilitator's answer to /verify: the payment would hold.",
        false => "A facilitator's answer to /verify: the payment would not hold.",
    };
    PartView { findings, groups: lines.done(), ..super::part(KindView::VerifyResponse, title.to_owned(), text) }
}

pub(super) fn supported(supported: &Supported, text: &str) -> PartView {
    let mut lines = Lines::default();
    for (index, kind) in supported.kinds.iter().enumerate() {
        lines.option(format!("kind {}", index + 1));
        lines.add("x402-version", super::offers::version(kind.version));
        let line = lines.add("scheme", &kind.scheme);
        if let Some(what) = names::scheme(&kind.scheme) {
            line.remark(what);
        }
        let line = lines.add("network", &kind.network);
        match names::network(&kind.network) {
            Meaning::Tron(network) => line.remark(network.label()),
            Meaning::Other(what) => line.remark(what),
            Meaning::Unknown => line.remark("not known").weight(WeightView::Warn),
        };
        if !kind.extra.is_null() {
            lines.add("extra", &kind.extra);
        }
    }
    lines.group("facilitator");
    if !supported.extensions.is_empty() {
        lines.add("extensions", supported.extensions.join(", "));
    }
    for (pattern, signers) in &supported.signers {
        for signer in signers {
            lines.add("signer", signer).remark(format!("sends settlements on {pattern}"));
        }
    }
    let kinds = supported.kinds.len();
    let title = format!("What a facilitator supports (/supported): {kinds} kind{}.", if kinds == 1 { "" } else { "s" });
    PartView { groups: lines.done(), ..super::part(KindView::Supported, title, text) }
}

pub(super) fn quotes(quotes: &[Quote], text: &str, now: Option<Moment>) -> PartView {
    let mut lines = Lines::default();
    for (index, quote) in quotes.iter().enumerate() {
        let around = Around { network: Network::parse(&quote.network).ok(), token: Some(quote.asset), now };
        lines.option(format!("quote {}", index + 1));
        lines.add("scheme", &quote.scheme);
        lines.add("network", &quote.network);
        lines.address("token", quote.asset, around);
        lines.amount("fee", quote.fee.amount, around);
        lines.address("fee-to", quote.fee.to, around);
        lines.maybe("caller", quote.fee.caller);
        lines.add("pricing", &quote.pricing);
        lines.maybe("facilitator", quote.facilitator_id.as_ref());
        if let Some(at) = quote.expires_at {
            lines.time("quote-expires", at, around, true);
        }
    }
    let title = format!("A facilitator's fees (/fee/quote): {} that can be read.", quotes.len());
    PartView { groups: lines.done(), ..super::part(KindView::FeeQuotes, title, text) }
}

pub(super) fn quote_request(request: &QuoteRequest, text: &str, now: Option<Moment>) -> PartView {
    let mut lines = Lines::default();
    let mut findings = Vec::new();
    for option in &request.accepts {
        let name = format!("option {}", option.index + 1);
        lines.option(&name);
        super::offers::requirement(&mut lines, option, now);
        findings.extend(super::offers::of_requirement(&name, option));
    }
    let title = format!("A question for fees (/fee/quote) about {} options.", request.accepts.len());
    let findings = odd::sorted(findings);
    PartView { findings, groups: lines.done(), ..super::part(KindView::FeeQuoteRequest, title, text) }
}
