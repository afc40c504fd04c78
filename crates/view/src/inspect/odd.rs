//! The inspector's own findings, beside those that policy has about an offer. A code, its weight, and words out of
//! the catalogue that say what to do.

use crate::question::quoted;
use crate::words::{Arg, duration, find, say};
use crate::{FindingView, WeightView};
use wallet::Unpayable;
use x402::{Scheme, Terms, Unusable};

pub(super) const GOOD: WeightView = WeightView::Good;
pub(super) const NOTE: WeightView = WeightView::Note;
pub(super) const WARN: WeightView = WeightView::Warn;
pub(super) const STOP: WeightView = WeightView::Stop;

/// A finding by its code; words from outside among the arguments are made safe here.
pub(super) fn found(code: &str, weight: WeightView, args: &[(&str, &str)]) -> FindingView {
    let args: Vec<(&str, String)> = args.iter().map(|(name, value)| (*name, quoted(value, 160))).collect();
    let args: Vec<(&str, Arg<'_>)> = args.iter().map(|(name, value)| (*name, Arg::Text(value))).collect();
    FindingView {
        code: code.to_owned(),
        weight,
        title: find(&format!("inspect-{code}-title"), &args).unwrap_or_else(|| code.to_owned()),
        text: say(&format!("inspect-{code}"), &args),
        compare: None,
    }
}

/// Heaviest first, each once.
pub(super) fn sorted(mut findings: Vec<FindingView>) -> Vec<FindingView> {
    let mut seen = std::collections::HashSet::new();
    findings.retain(|finding| seen.insert((finding.code.clone(), finding.text.clone())));
    findings.sort_by_key(|finding| match finding.weight {
        WeightView::Stop => 0,
        WeightView::Warn => 1,
        WeightView::Note => 2,
        WeightView::Good => 3,
    });
    findings
}

/// Why an option can't be used.
pub(super) fn unusable(option: &str, unusable: &Unusable) -> FindingView {
    match unusable {
        Unusable::UnknownScheme { found: name } => match super::names::scheme(name) {
            Some(what) => found("schemeForeign", WARN, &[("option", option), ("found", name), ("what", what)]),
            None => found("schemeUnknown", WARN, &[("option", option), ("found", name)]),
        },
        Unusable::UnknownMethod { wrong, method } => {
            found("methodUnknown", WARN, &[("option", option), ("field", &wrong.field), ("found", method)])
        }
        Unusable::OtherPayload { field, what } => {
            found("payloadOther", STOP, &[("option", option), ("field", field), ("what", what)])
        }
        Unusable::UnknownNetwork { found: name } => match super::names::network(name) {
            super::names::Meaning::Unknown => found("networkUnknown", WARN, &[("option", option), ("found", name)]),
            super::names::Meaning::Other(what) if super::names::is_tron(name) => {
                found("networkSpelling", WARN, &[("option", option), ("found", name), ("what", &what)])
            }
            super::names::Meaning::Other(what) => {
                found("networkForeign", NOTE, &[("option", option), ("found", name), ("what", &what)])
            }
            super::names::Meaning::Tron(network) => {
                found("networkForeign", NOTE, &[("option", option), ("found", name), ("what", network.label())])
            }
        },
        Unusable::Field(e) => {
            let args = [("option", option), ("field", &e.field), ("found", &e.found), ("expected", &e.expected)];
            found("fieldWrong", STOP, &args)
        }
    }
}

/// What is odd about readable terms that policy does not judge.
pub(super) fn terms(option: &str, terms: &Terms) -> Vec<FindingView> {
    let mut all = Vec::new();
    let mut add = |code, weight| all.push(found(code, weight, &[("option", option)]));
    match terms {
        Terms::ExactEip3009(t) => {
            if t.token_cannot() {
                add("tokenCannot3009", STOP);
            }
            if t.domain_name.is_none() || t.domain_version.is_none() {
                add("domainMissing", WARN);
            }
        }
        Terms::Upto(t) if t.facilitator.is_none() => add("facilitatorMissing", STOP),
        Terms::BatchSettlement(t) if t.deposit_may_be_lost() => add("depositMayBeLost", STOP),
        Terms::LegacyDelivery(_) => add("legacyDelivery", STOP),
        Terms::ExactPermit(t) if t.meta.is_none() => add("metaMissing", STOP),
        _ => {}
    }
    if terms.scheme() == Scheme::ExactGasfree && terms.fee().is_some() {
        add("gasfreeFeeClaimed", NOTE);
    }
    match wallet::refused(terms) {
        Some(Unpayable::Scheme(scheme)) => {
            all.push(found("schemeNotPaid", WARN, &[("option", option), ("found", &scheme)]))
        }
        Some(reason) => all.push(found("notSigned", STOP, &[("option", option), ("why", &reason.told())])),
        None => {}
    }
    if let Some(seconds) = wallet::shortened(terms) {
        let asked = terms.lifetime().unwrap_or_default();
        let (asked, given) = (duration(asked), duration(seconds));
        all.push(found("lifetimeShortened", NOTE, &[("option", option), ("asked", &asked), ("given", &given)]));
    }
    all
}
