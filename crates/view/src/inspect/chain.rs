//! What the chain knows about the documents of a text: settlements, transactions, used permissions. Asks the nodes
//! that it is given and nobody else; what the chain says stands beside what the document says, never in its place.

use super::lines::{Around, Lines};
use super::node::{self, Teller, receipt};
use super::odd::{self, GOOD, NOTE, STOP, WARN, found};
use super::read::Is;
use super::shapes::{InspectView, KindView, PartView};
use super::transactions;
use crate::FindingView;
use crate::question::quoted;
use plan::Moment;
use serde_json::Value;
use tron::foreign::ForeignTransaction;
use tron::foreign::schema::ContractType;
use tron::{Address, Amount, Network, TxId, registry, token};
use wallet::{Lookup, OnChain, WalletError};
use x402::{NonceSlot, Payload, Payment, Settlement};

/// Questions to nodes for one text.
const QUESTIONS: usize = 8;

/// Whether a document says by itself what to ask, and on which network.
pub(super) fn can_look_up(is: &Is) -> bool {
    !questions(is, None).is_empty()
}

enum Question<'a> {
    Transaction { network: Network, id: TxId, said: Option<&'a Settlement>, beside: bool },
    Nonce { network: Network, slot: NonceSlot },
}

fn questions(is: &Is, named: Option<Network>) -> Vec<Question<'_>> {
    let transaction = |network, id, said| Question::Transaction { network, id, said, beside: false };
    match is {
        Is::Settlement(settlement) => {
            let id = settlement.transaction.as_deref().and_then(|id| id.parse().ok());
            let network = settlement.network.as_deref().and_then(|n| Network::parse(n).ok()).or(named);
            network.zip(id).map(|(network, id)| transaction(network, id, Some(&**settlement))).into_iter().collect()
        }
        Is::Payment(payment) => nonce(payment).into_iter().collect(),
        Is::Request(request) => nonce(&request.payment).into_iter().collect(),
        Is::Hash(hash) => named.map(|n| transaction(n, TxId::from_bytes(*hash), None)).into_iter().collect(),
        // A receipt is the node's word; what it says is asked again.
        Is::Receipt(receipt) => {
            let id = receipt.get("id").and_then(Value::as_str).and_then(|id| id.parse().ok());
            named.zip(id).map(|(network, id)| transaction(network, id, None)).into_iter().collect()
        }
        Is::Transaction(tx) => {
            let question = named.zip(tx.any_id()).map(|(network, id)| {
                // What its bytes say is told already, in a part of its own.
                let beside = tx.id.is_some();
                Question::Transaction { network, id, said: None, beside }
            });
            question.into_iter().collect()
        }
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
            Question::Transaction { network, id, said, beside } => {
                let told = Told::ask(lookup, network, &id).await;
                asked(&mut view, &id, told.as_ref().ok());
                match told {
                    Ok(told) => {
                        let seen = Seen { network, id: &id, told: &told, beside };
                        let account = seen.account(lookup).await;
                        parts.push(seen.part(said, payment, account.as_ref()));
                        transactions.extend(told.on_chain.map(|seen| (network, id, seen)));
                    }
                    Err(e) => view.looked_up.push(quoted(&format!("{}: {e}", network.label()), 300)),
                }
            }
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
    if let ([one], true) = (parts.as_slice(), view.parts.is_empty()) {
        view.title.clone_from(&one.title);
    }
    view.parts = parts.into_iter().chain(view.parts).collect();
    view
}

/// What was pasted, after it was looked up: a bare id is gone where the transaction is told in its place, and nothing
/// says any more that it was not looked up. Of a transaction that is in a block goes what counts only before.
fn asked(view: &mut InspectView, id: &TxId, told: Option<&Told>) {
    let id = id.to_string();
    let is_it = |part: &PartView| {
        let mut lines = part.groups.iter().flat_map(|group| &group.lines);
        lines.any(|line| line.value.trim_start_matches("0x").eq_ignore_ascii_case(&id))
    };
    let known = told.is_some_and(|told| told.transaction.is_some());
    let in_block = told.is_some_and(|told| told.on_chain.is_some());
    view.parts.retain(|part| !(known && part.kind == KindView::Hash && is_it(part)));
    for part in view.parts.iter_mut().filter(|part| is_it(part)) {
        let over = |code: &str| match part.kind {
            KindView::Hash => code == "hashAlone",
            KindView::Transaction | KindView::NodeAnswer => in_block && transactions::BEFORE.contains(&code),
            _ => false,
        };
        part.findings.retain(|finding| !over(&finding.code));
    }
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

/// Everything that the nodes say of one transaction.
struct Told {
    /// What became of it; `None` while it is in no block that the node knows.
    on_chain: Option<OnChain>,
    /// The transaction and its receipt in the node's own words.
    transaction: Option<Value>,
    receipt: Option<Value>,
}

impl Told {
    /// What can't be had of the words is left out: the outcome is what was asked for.
    async fn ask(lookup: &Lookup, network: Network, id: &TxId) -> Result<Self, WalletError> {
        let on_chain = lookup.transaction(network, id).await?;
        let transaction = lookup.told_transaction(network, id).await.unwrap_or_default();
        let receipt = match on_chain {
            Some(_) => lookup.told_receipt(network, id).await.unwrap_or_default(),
            None => None,
        };
        Ok(Self { on_chain, transaction, receipt })
    }
}

/// A transaction that was asked for, and what the nodes say of it.
struct Seen<'a> {
    network: Network,
    id: &'a TxId,
    told: &'a Told,
    /// The transaction itself stands beside this.
    beside: bool,
}

impl Seen<'_> {
    /// The account whose permission was used, where it was not its owner's own.
    async fn account(&self, lookup: &Lookup) -> Option<Value> {
        let tx = self.transaction()?.ok()?;
        let owner = tx.owner()?;
        let used = tx.contracts().any(|contract| contract.int("Permission_id") != 0);
        let foreign = tx.signatures.len() > 1 || tx.signatures.iter().any(|one| one.signer != Some(owner));
        if used || foreign { lookup.told_account(self.network, owner).await.ok().flatten() } else { None }
    }

    fn part(&self, said: Option<&Settlement>, payment: Option<&Payment>, account: Option<&Value>) -> PartView {
        let on = self.network.label();
        let around = Around { network: Some(self.network), ..Around::default() };
        let mut teller = Teller::new(around);
        teller.group("on chain");
        teller.lines.add("transaction", self.id);
        let (tx, wrong) = match self.transaction() {
            Some(Ok(tx)) => (Some(tx), None),
            Some(Err(wrong)) => (None, Some(wrong)),
            None => (None, None),
        };
        teller.findings.extend(wrong);
        let title = match (&self.told.on_chain, &tx) {
            (None, None) => {
                teller.findings.push(found("notOnChain", WARN, &[("network", on)]));
                format!("Looked up on {on}: no block has this transaction.")
            }
            (None, Some(_)) => {
                teller.findings.push(found("waitsForBlock", WARN, &[("network", on)]));
                format!("Looked up on {on}: sent, in no block yet.")
            }
            (Some(seen), tx) => {
                let result = result(seen, tx.as_ref());
                self.outcome(&mut teller, seen, result, around);
                judge(seen, result, said, payment, self.reason().as_deref(), &mut teller.findings);
                format!("Looked up on {on}: block {}, {}.", seen.block, quoted(result, 40))
            }
        };
        let whole = tx.as_ref().filter(|_| !self.beside);
        let does = whole.map_or_else(String::new, |tx| format!(" It {}.", transactions::brief(tx)));
        let mut groups = std::mem::take(&mut teller.lines).done();
        if let Some(tx) = &tx {
            let card = transactions::known(tx, self.network, self.told.on_chain.is_some());
            // Beside the transaction itself stands what the chain adds: who was allowed to sign.
            let adds = |code: &str| !self.beside || code == "signerAllowed";
            teller.findings.extend(card.findings.into_iter().filter(|finding| adds(&finding.code)));
            groups.extend(card.groups.into_iter().filter(|_| !self.beside));
            let used = tx.contracts().next().map_or(0, |contract| contract.int("Permission_id"));
            if let Some(account) = account {
                node::permission_now(&mut teller, account, used);
            }
        }
        match (self.receipt(), &self.told.on_chain) {
            (Some(receipt), _) => receipt::rest(&mut teller, receipt, tx.as_ref()),
            (None, Some(seen)) => moves(&mut teller, seen, around),
            (None, None) => {}
        }
        groups.extend(teller.lines.done());
        let kind = if whole.is_some() { KindView::Transaction } else { KindView::Comparison };
        let document = whole.map_or_else(String::new, |tx| tx.to_json().to_string());
        let findings = odd::sorted(teller.findings);
        PartView { findings, groups, ..super::part(kind, format!("{title}{does}"), &document) }
    }

    /// The node's own transaction, where it has this very id. Anything else under it is a lie or a fault.
    fn transaction(&self) -> Option<Result<ForeignTransaction, FindingView>> {
        let told = self.told.transaction.as_ref()?;
        let other = |what: &str| found("otherTold", STOP, &[("what", what)]);
        Some(match ForeignTransaction::from_json(&told.to_string()) {
            Ok(tx) if tx.any_id() == Some(*self.id) => Ok(tx),
            Ok(tx) => Err(other(&tx.any_id().map_or_else(|| "one without an id".to_owned(), |id| id.to_string()))),
            Err(e) => Err(other(&format!("what can't be read ({e})"))),
        })
    }

    /// The node's own receipt, where it is of this transaction.
    fn receipt(&self) -> Option<&Value> {
        let id = self.id.to_string();
        self.told.receipt.as_ref().filter(|receipt| receipt.get("id").and_then(Value::as_str) == Some(&id))
    }

    /// Why it failed, in the words of the contract or of the node.
    fn reason(&self) -> Option<String> {
        receipt::outcome(self.receipt()?).reason
    }

    fn outcome(&self, teller: &mut Teller, seen: &OnChain, result: &str, around: Around) {
        let lines = &mut teller.lines;
        lines.add("block", seen.block).remark(if seen.is_final { "final" } else { "not final yet" });
        lines.time("block-time", seen.timestamp_ms / 1000, around, false);
        let line = lines.add("result", result);
        let line = match crate::words::find(&format!("result-{result}"), &[]) {
            Some(words) => line.remark(words),
            None => line,
        };
        line.weight(match (seen.success || result == "SUCCESS", result) {
            (true, _) => GOOD,
            (false, UNTOLD) => WARN,
            (false, _) => STOP,
        });
        if let Some(reason) = self.reason() {
            lines.add("revert-reason", reason).weight(STOP);
        }
        lines.add("burnt", format!("{} TRX", Amount::from_u64(seen.fee_sun).format_units(6)));
    }
}

/// What tokens moved, where the receipt's own words could not be had.
fn moves(teller: &mut Teller, seen: &OnChain, around: Around) {
    for (contract, moved) in &seen.transfers {
        let around = Around { token: Some(*contract), ..around };
        teller.group("what moved");
        teller.lines.amount("amount", moved.amount, around);
        let line = teller.lines.address("token", *contract, around);
        if token::lookup(around.network.unwrap_or(Network::Mainnet), *contract).is_none() {
            line.also_remark("not in the token table").weight(WARN);
        }
        teller.lines.address("payer", moved.from, around);
        teller.lines.address("payee", moved.to, around);
    }
}

/// Where the chain has no word for an outcome.
const UNTOLD: &str = "no result told";

/// The chain's word for the outcome. Of what is no contract call a receipt tells none, and the transaction in its block
/// does; of a call only the receipt counts.
fn result<'s>(seen: &'s OnChain, tx: Option<&'s ForeignTransaction>) -> &'s str {
    if !seen.result.is_empty() {
        return &seen.result;
    }
    let calls = |kind: &ContractType| matches!(kind.name, "TriggerSmartContract" | "CreateSmartContract");
    let plain = |tx: &&ForeignTransaction| {
        tx.contracts().all(|contract| contract.contract_type().is_some_and(|kind| !calls(kind)))
    };
    tx.filter(plain).and_then(|tx| tx.result.as_deref()).filter(|result| *result != "DEFAULT").unwrap_or(UNTOLD)
}

/// The seller's word and the payment beside what really happened.
fn judge(
    seen: &OnChain,
    result: &str,
    said: Option<&Settlement>,
    payment: Option<&Payment>,
    reason: Option<&str>,
    findings: &mut Vec<FindingView>,
) {
    if let Some(newest) = &seen.newest {
        findings.push(found("chainContradicts", STOP, &[("newest", newest), ("final", &seen.result)]));
    }
    let ended = reason.map_or_else(|| result.to_owned(), |reason| format!("{result}: “{reason}”"));
    if result == UNTOLD || (seen.result.is_empty() && said.is_some()) {
        findings.push(found("resultUntold", WARN, &[]));
    } else if let Some(said) = said {
        match (said.success, seen.success) {
            (true, false) => findings.push(found("chainFailed", STOP, &[])),
            (false, true) => findings.push(found("chainSucceeded", WARN, &[])),
            (true, true) => findings.push(found("chainAgrees", GOOD, &[])),
            (false, false) => findings.push(found("chainFailedToo", NOTE, &[])),
        }
    } else if !seen.success && result != "SUCCESS" {
        findings.push(found("endedBadly", STOP, &[("result", &ended)]));
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
