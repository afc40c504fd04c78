//! What the chain knows about the documents of a text: settlements, transactions, used permissions. Asks the nodes
//! that it is given and nobody else; what the chain says stands beside what the document says, never in its place.

use super::lines::{Around, Lines};
use super::odd::{self, GOOD, NOTE, STOP, WARN, found};
use super::read::Is;
use super::shapes::{InspectView, KindView, PartView};
use crate::question::quoted;
use plan::Moment;
use tron::{Address, Amount, Network, TxId, registry, token};
use wallet::{Lookup, OnChain};
use x402::{NonceSlot, Payload, Payment, Settlement};

/// Questions to nodes for one text.
const QUESTIONS: usize = 8;

/// Whether a document says by itself what to ask, and on which network.
pub(super) fn can_look_up(is: &Is) -> bool {
    !questions(is, None).is_empty()
}

enum Question<'a> {
    Transaction { network: Network, id: TxId, said: Option<&'a Settlement> },
    Nonce { network: Network, slot: NonceSlot },
}

fn questions(is: &Is, named: Option<Network>) -> Vec<Question<'_>> {
    let transaction = |network, id, said| Question::Transaction { network, id, said };
    match is {
        Is::Settlement(settlement) => {
            let id = settlement.transaction.as_deref().and_then(|id| id.parse().ok());
            let network = settlement.network.as_deref().and_then(|n| Network::parse(n).ok()).or(named);
            network.zip(id).map(|(network, id)| transaction(network, id, Some(&**settlement))).into_iter().collect()
        }
        Is::Payment(payment) => nonce(payment).into_iter().collect(),
        Is::Request(request) => nonce(&request.payment).into_iter().collect(),
        Is::Hash(hash) => named.map(|n| transaction(n, TxId::from_bytes(*hash), None)).into_iter().collect(),
        Is::Transaction(tx) => named.zip(tx.any_id()).map(|(n, id)| transaction(n, id, None)).into_iter().collect(),
        _ => vec![],
    }
}

/// Where the payment's nonce is written down; `None` for schemes that have no such place.
fn nonce(payment: &Payment) -> Option<Question<'_>> {
    let network = Network::parse(&payment.network).ok()?;
    let terms = payment.accepted.as_ref().and_then(|a| a.terms.as_ref().ok());
    let payload = payment.payload.as_ref().ok()?;
    let (contract, nonce) = match payload {
        Payload::ExactPermit(p) => (p.permit.contract(), p.permit.nonce),
        Payload::ExactEip3009(p) => (terms?.token(), x402::U256::from_be_bytes(p.nonce)),
        Payload::ExactPermit2(p) | Payload::Upto(p) => {
            let spender = Some(p.authorization.spender);
            let sets = &registry::deployments(network).permit2;
            let set = sets.iter().find(|set| spender == Some(set.exact_proxy) || spender == set.upto_proxy)?;
            (set.permit2, p.authorization.nonce)
        }
        _ => return None,
    };
    let slot = NonceSlot { scheme: payload.scheme(), contract, owner: payload.payer(), nonce };
    Some(Question::Nonce { network, slot })
}

/// As [`super::inspect_at`], with what the nodes know. A 32-byte value and a transaction are looked up only on the
/// network that is named: neither says where it belongs, and a value that may be a secret is not sent about.
pub async fn look_up(text: &str, now: Moment, lookup: &Lookup, named: Option<Network>) -> InspectView {
    let super::Seen { mut view, all } = super::seen(text, Some(now));
    let payment = all.iter().find_map(|is| if let Is::Payment(p) = is { Some(&**p) } else { None });
    let mut parts = Vec::new();
    let (mut used, mut transactions) = (Vec::new(), Vec::new());
    for question in all.iter().flat_map(|is| questions(is, named)).take(QUESTIONS) {
        match question {
            Question::Transaction { network, id, said } => match lookup.transaction(network, &id).await {
                Ok(seen) => {
                    parts.push(transaction(network, &id, seen.as_ref(), said, payment));
                    transactions.extend(seen.map(|seen| (network, id, seen)));
                }
                Err(e) => view.looked_up.push(quoted(&format!("{}: {e}", network.label()), 300)),
            },
            Question::Nonce { network, slot } => match lookup.nonce_used(network, &slot).await {
                Ok(is_used) => used.push((network, slot, is_used)),
                Err(e) => view.looked_up.push(quoted(&format!("{}: {e}", network.label()), 300)),
            },
        }
    }
    for (network, slot, is_used) in used {
        let payload = payment.and_then(|payment| payment.payload.as_ref().ok());
        let mut here = transactions.iter().filter(|(on, ..)| *on == network);
        let fate = match is_used {
            false => Fate::Free,
            true => here.find_map(|(_, id, seen)| told(&slot, payload, id, seen)).unwrap_or(Fate::Gone),
        };
        parts.push(nonce_state(network, &fate));
    }
    contradiction(&mut parts);
    view.looked_up.extend(parts.iter().map(|part| part.title.clone()));
    view.parts = parts.into_iter().chain(view.parts).collect();
    view
}

/// A transaction that succeeded while the permission's nonce is free settled something else.
fn contradiction(parts: &mut [PartView]) {
    let has = |part: &PartView, code: &str| part.findings.iter().any(|finding| finding.code == code);
    let free = parts.iter().any(|part| has(part, "nonceFree"));
    for part in parts.iter_mut().filter(|part| free && has(part, "chainAgrees")) {
        part.findings.insert(0, found("settledOther", STOP, &[]));
    }
}

/// What became of a permission. Contracts keep one mark for used and cancelled; a transaction tells which it was.
enum Fate<'a> {
    Free,
    Gone,
    Used(&'a TxId),
    Cancelled(&'a TxId),
}

/// What a transaction that took effect says about a permission: by the contract's own event, or by having moved what
/// was signed.
fn told<'a>(slot: &NonceSlot, payload: Option<&Payload>, id: &'a TxId, seen: &OnChain) -> Option<Fate<'a>> {
    match seen.nonces.iter().find_map(|event| slot.cancelled(event)) {
        _ if !seen.success => None,
        Some(true) => Some(Fate::Cancelled(id)),
        Some(false) => Some(Fate::Used(id)),
        // A token that is spent by signature tells its nonces, so silence means another one.
        None if slot.scheme == x402::Scheme::ExactEip3009 => None,
        None => {
            let theirs = seen.transfers.iter().any(|(_, moved)| moved.from == slot.owner);
            (theirs && payload.is_some_and(|payload| moved(payload, seen))).then_some(Fate::Used(id))
        }
    }
}

/// Whether a transaction moved what was signed.
fn moved(payload: &Payload, seen: &OnChain) -> bool {
    let facts = payload.explain();
    let fact = |key: &str| facts.iter().find(|fact| fact.key == key).map(|fact| fact.value.as_str());
    let payee = fact("payee").and_then(|text| Address::parse(text).ok());
    let price = fact("price").and_then(|text| Amount::parse_smallest(text).ok());
    seen.transfers.iter().any(|(_, moved)| Some(moved.to) == payee && price.is_none_or(|p| p == moved.amount))
}

fn nonce_state(network: Network, fate: &Fate<'_>) -> PartView {
    let mut lines = Lines::default();
    lines.group("on chain");
    let by = |code, id: &TxId| found(code, WARN, &[("transaction", &id.to_string())]);
    let (state, finding) = match fate {
        Fate::Free => ("not used", found("nonceFree", GOOD, &[])),
        Fate::Gone => ("used or cancelled", found("nonceUsed", WARN, &[])),
        Fate::Used(id) => ("used", by("nonceSettled", id)),
        Fate::Cancelled(id) => ("cancelled", by("nonceCancelled", id)),
    };
    lines.add("nonce-state", state).remark(network.label());
    let title = format!("Looked up on {}: the permission is {state}.", network.label());
    PartView { findings: vec![finding], groups: lines.done(), ..super::part(KindView::Comparison, title, "") }
}

fn transaction(
    network: Network,
    id: &TxId,
    seen: Option<&OnChain>,
    said: Option<&Settlement>,
    payment: Option<&Payment>,
) -> PartView {
    let on = network.label();
    let mut lines = Lines::default();
    let mut findings = Vec::new();
    lines.group("on chain");
    lines.add("transaction", id);
    let title = match seen {
        None => {
            findings.push(found("notOnChain", WARN, &[("network", on)]));
            format!("Looked up on {on}: no block has this transaction.")
        }
        Some(seen) => {
            let around = Around { network: Some(network), ..Around::default() };
            lines.add("block", seen.block).remark(if seen.is_final { "final" } else { "not final yet" });
            lines.time("block-time", seen.timestamp_ms / 1000, around, false);
            let line = lines.add("result", result(seen));
            line.weight(if seen.success { GOOD } else { bad(seen) });
            lines.add("burnt", format!("{} TRX", Amount::from_u64(seen.fee_sun).format_units(6)));
            for (contract, moved) in &seen.transfers {
                let around = Around { token: Some(*contract), ..around };
                lines.group("what moved");
                lines.amount("amount", moved.amount, around);
                let line = lines.address("token", *contract, around);
                if token::lookup(network, *contract).is_none() {
                    line.also_remark("not in the token table").weight(WARN);
                }
                lines.address("payer", moved.from, around);
                lines.address("payee", moved.to, around);
            }
            judge(seen, said, payment, &mut findings);
            format!("Looked up on {on}: block {}, {}.", seen.block, quoted(result(seen), 40))
        }
    };
    PartView { findings: odd::sorted(findings), groups: lines.done(), ..super::part(KindView::Comparison, title, "") }
}

/// The chain's word for the outcome, or that it has none.
fn result(seen: &OnChain) -> &str {
    if seen.result.is_empty() { "no result told" } else { &seen.result }
}

/// A failure is one; no word at all is only no success.
fn bad(seen: &OnChain) -> crate::WeightView {
    if seen.result.is_empty() { WARN } else { STOP }
}

/// The seller's word and the payment beside what really happened.
fn judge(seen: &OnChain, said: Option<&Settlement>, payment: Option<&Payment>, findings: &mut Vec<crate::FindingView>) {
    if let Some(newest) = &seen.newest {
        findings.push(found("chainContradicts", STOP, &[("newest", newest), ("final", &seen.result)]));
    }
    if seen.result.is_empty() {
        findings.push(found("resultUntold", WARN, &[]));
    } else if let Some(said) = said {
        match (said.success, seen.success) {
            (true, false) => findings.push(found("chainFailed", STOP, &[])),
            (false, true) => findings.push(found("chainSucceeded", WARN, &[])),
            (true, true) => findings.push(found("chainAgrees", GOOD, &[])),
            (false, false) => findings.push(found("chainFailedToo", NOTE, &[])),
        }
    } else if !seen.success {
        findings.push(found("endedBadly", STOP, &[("result", &seen.result)]));
    }
    let payload = payment.and_then(|payment| payment.payload.as_ref().ok());
    let cancelled = match payment.and_then(nonce) {
        Some(Question::Nonce { slot, .. }) => seen.nonces.iter().any(|event| slot.cancelled(event) == Some(true)),
        _ => false,
    };
    if let (Some(payload), true) = (payload, seen.success && !cancelled) {
        findings.push(match moved(payload, seen) {
            true => found("payeePaid", GOOD, &[]),
            false => found("payeeNotPaid", STOP, &[]),
        });
    }
}
