//! A 402 and its options.

use super::extensions;
use super::lines::{Around, Lines};
use super::names::{self, Meaning};
use super::odd::{self, NOTE, WARN, found};
use super::shapes::{KindView, PartView};
use crate::{FindingView, WeightView};
use plan::Moment;
use x402::{Offer, Requirements, Source, Version};

pub(super) const fn version(version: Version) -> &'static str {
    match version {
        Version::V1 => "1",
        Version::V2 => "2",
    }
}

pub(super) fn offer(offer: &Offer, now: Option<Moment>) -> PartView {
    let mut lines = Lines::default();
    lines.group("document");
    lines.add("x402-version", version(offer.version));
    if !offer.place.is_empty() {
        lines.add("place", &offer.place);
    }
    lines.maybe("error", offer.error.as_ref());
    for (key, value) in &offer.unknown {
        lines.add(key, value).remark("not part of x402 as known here; kept as it is");
    }
    if let Some(resource) = &offer.resource {
        lines.group("resource");
        lines.add("resource-url", &resource.url);
        lines.maybe("description", resource.description.as_ref());
        lines.maybe("mime-type", resource.mime_type.as_ref());
    }
    let mut findings = Vec::new();
    for option in &offer.options {
        let name = format!("option {}", option.index + 1);
        lines.option(&name);
        requirement(&mut lines, option, now);
        findings.extend(of_requirement(&name, option));
    }
    findings.extend(extensions::tell(&mut lines, offer));
    for plan in wallet::odd(offer, now) {
        findings.extend(crate::FindingView::all(&plan));
    }
    if offer.version == Version::V1 {
        findings.push(found("versionOne", NOTE, &[]));
    }
    let count = offer.options.len();
    let usable = offer.options.iter().filter(|o| o.terms.is_ok()).count();
    if usable == 0 {
        findings.push(found("noOptionForTron", WARN, &[]));
    }
    let what = match (offer.source, offer.version) {
        (Source::Header, _) => "A PAYMENT-REQUIRED",
        (Source::Mcp, _) => "A PaymentRequired inside an MCP result,",
        (Source::Inside, _) => "A PaymentRequired inside another document,",
        (Source::Body, _) => "A PaymentRequired body",
    };
    let options = if count == 1 { "1 option".to_owned() } else { format!("{count} options") };
    PartView {
        findings: odd::sorted(findings),
        groups: lines.done(),
        ..super::part(
            KindView::PaymentRequired,
            format!("{what} of version {} with {options}.", version(offer.version)),
            &offer.raw,
        )
    }
}

/// One option that came alone.
pub(super) fn alone(option: &Requirements, now: Option<Moment>) -> PartView {
    let mut lines = Lines::default();
    lines.option("option");
    requirement(&mut lines, option, now);
    let findings = odd::sorted(of_requirement("the option", option));
    let title = "One payment option (PaymentRequirements) without the document around it.".to_owned();
    PartView { findings, groups: lines.done(), ..super::part(KindView::Requirement, title, &option.raw) }
}

pub(super) fn around(option: &Requirements, now: Option<Moment>) -> Around {
    match &option.terms {
        Ok(terms) => Around { network: Some(terms.network()), token: Some(terms.token()), now },
        Err(_) => Around { now, ..Around::default() },
    }
}

pub(super) fn requirement(lines: &mut Lines, option: &Requirements, now: Option<Moment>) {
    let around = around(option, now);
    match &option.terms {
        Ok(terms) => {
            lines.explained(&terms.explain(), around);
            lines.add("network-written", &option.network).remark(names::written(terms.network(), &option.network));
            if let (None, Some(decimals)) = (around.known(), claimed_decimals(option)) {
                let shown = terms.price().format_units(decimals);
                lines.add("claimed-decimals", decimals).remark(format!("by them the price would be {shown}"));
            }
        }
        Err(unusable) => {
            let line = lines.add("scheme", &option.scheme);
            if let Some(what) = names::scheme(&option.scheme) {
                line.remark(what);
            }
            let line = lines.add("network", &option.network);
            match names::network(&option.network) {
                Meaning::Tron(network) => line.remark(network.label()),
                Meaning::Other(what) => line.remark(what),
                Meaning::Unknown => line.remark("not known").weight(WeightView::Warn),
            };
            lines.maybe("amount", option.amount);
            lines.add("asset", &option.asset);
            lines.add("payee", &option.pay_to);
            lines.maybe("max-timeout", option.max_timeout_seconds);
            lines.add("unusable", unusable).weight(WeightView::Warn);
        }
    }
    for (key, value) in &option.unknown {
        let line = lines.add(key, value);
        match extensions::member(key, value) {
            Some((remark, weight)) => line.remark(remark).weigh(weight),
            None => line.remark("not part of the scheme; kept as it is"),
        };
    }
}

/// `extra.decimals`, the server's word.
fn claimed_decimals(option: &Requirements) -> Option<u8> {
    let value = option.extra.get("decimals").or_else(|| option.extra.get("tokenDecimals"))?;
    let number = value.as_u64().or_else(|| value.as_str().and_then(|s| s.parse().ok()))?;
    u8::try_from(number).ok().filter(|d| *d <= 77)
}

pub(super) fn of_requirement(name: &str, option: &Requirements) -> Vec<FindingView> {
    match &option.terms {
        Ok(terms) => odd::terms(name, terms),
        Err(unusable) => vec![odd::unusable(name, unusable)],
    }
}
