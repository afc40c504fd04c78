//! What nodes answer, told from the answer alone. One table of shapes, by the members that each needs; the first that
//! holds tells it. Reads only: what a node says is its word, and is called so.

mod account;
mod block;
mod contract;
mod plain;
pub(super) mod receipt;
mod rpc;
mod said;
pub(super) mod send;

pub(super) use account::permission_now;
pub(super) use said::Teller;

use super::lines::Around;
use super::odd::{self, NOTE, STOP, found};
use super::read::{Is, Part};
use super::shapes::{KindView, PartView};
use super::transactions;
use crate::words::find;
use plan::Moment;
use said::{As, Member, member};
use serde_json::Value;
use tron::foreign::ForeignTransaction;

/// One shape of an answer.
struct Shape {
    /// The key of its words: `answer-NAME`.
    name: &'static str,
    /// JSON pointers that have to be there; alternatives are parted by `|`.
    needs: &'static [&'static str],
    /// Its members. Where `only` says so it has no others, and each holds what it should: small answers have names that
    /// anybody may use.
    members: &'static [Member],
    only: bool,
    /// Holds a transaction, which is told as well: how much of what is odd about it.
    inner: Inner,
    /// Tells it; answers the title.
    tell: fn(&mut Teller, &Value) -> Option<String>,
}

/// What is said of a transaction inside an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inner {
    None,
    /// Fields and findings.
    Whole,
    /// As it was signed so far: the permission beside it says who may.
    Signed,
    /// What it does alone: a trial run is never sent.
    Trial,
}

impl Inner {
    /// Whether a finding about the transaction says something here. An answer is about what was signed or tried before.
    fn keeps(self, code: &str) -> bool {
        match (self, code) {
            (Self::None | Self::Trial, _) | (_, "neverMade" | "plainV" | "transactionExpired") => false,
            (Self::Signed, code) => code != "signerForeign",
            (Self::Whole, _) => true,
        }
    }
}

impl Shape {
    const fn new(name: &'static str, tell: fn(&mut Teller, &Value) -> Option<String>) -> Self {
        Self { name, needs: &[], members: &[], only: false, inner: Inner::None, tell }
    }

    fn holds(&self, value: &Value) -> bool {
        let there = |pointer: &str| value.pointer(pointer).is_some();
        self.needs.iter().all(|need| need.split('|').any(there)) && (!self.only || self.fits(value))
    }

    /// Nothing but its own members, each with what it should hold.
    fn fits(&self, value: &Value) -> bool {
        let fits = |(name, value): (&String, &Value)| {
            self.members.iter().any(|row| row.name == name && (value.is_null() || row.holds.fits(value)))
        };
        value.as_object().is_some_and(|members| members.iter().all(fits))
    }
}

/// An answer whose members are all that there is to tell: `answer-NAME` says what it is.
const fn small(name: &'static str, needs: &'static [&'static str], members: &'static [Member]) -> Shape {
    Shape { needs, members, only: true, ..Shape::new(name, plain::small) }
}

macro_rules! one {
    ($name:literal, $member:literal, $key:literal, $holds:expr) => {
        small($name, &[concat!("/", $member)], &[member($member, $key, $holds)])
    };
}

static SHAPES: &[Shape] = &[
    Shape { needs: &["/jsonrpc", "/result|/error"], ..Shape::new("rpc", rpc::answer) },
    Shape { needs: &["/0/jsonrpc"], ..Shape::new("rpc-batch", rpc::batch) },
    Shape { needs: &["/Error"], ..Shape::new("error", send::error) },
    Shape { needs: &["/id", "/receipt"], ..Shape::new("receipt", receipt::alone) },
    Shape { needs: &["/0/id", "/0/receipt"], ..Shape::new("receipts", receipt::many) },
    Shape { needs: &["/blockID", "/block_header"], ..Shape::new("block", block::block) },
    Shape { needs: &["/block/0/block_header"], ..Shape::new("blocks", block::blocks) },
    Shape {
        needs: &["/result", "/permission", "/transaction"],
        inner: Inner::Signed,
        ..Shape::new("sign-weight", account::sign_weight)
    },
    Shape {
        needs: &["/result", "/approved_list"],
        inner: Inner::Signed,
        ..Shape::new("approved-list", account::approved_list)
    },
    Shape { needs: &["/result", "/constant_result"], inner: Inner::Trial, ..Shape::new("trial", contract::trial) },
    Shape { needs: &["/result", "/energy_required"], ..Shape::new("estimate", contract::estimate) },
    Shape {
        needs: &["/result/result", "/transaction/raw_data|/transaction/raw_data_hex"],
        inner: Inner::Whole,
        ..Shape::new("built", contract::built)
    },
    Shape { needs: &["/txid", "/result|/code"], inner: Inner::Whole, ..Shape::new("broadcast", send::broadcast) },
    Shape {
        needs: &["/code"],
        only: true,
        members: &[
            member("code", "", As::Code),
            member("message", "", As::Words),
            member("result", "", As::Flag),
            member("transaction", "", As::Own),
        ],
        ..Shape::new("broadcast", send::broadcast)
    },
    Shape {
        needs: &["/result/code"],
        only: true,
        members: &[member("result", "", As::Own)],
        ..Shape::new("refused", contract::refused)
    },
    Shape {
        needs: &["/result", "/message"],
        only: true,
        members: &[member("result", "", As::Flag), member("message", "", As::Text)],
        ..Shape::new("address-judged", contract::address_judged)
    },
    Shape {
        needs: &[
            "/address",
            "/net_window_size|/account_resource|/owner_permission|/latest_opration_time|/frozenV2|/asset_optimized|/create_time",
        ],
        ..Shape::new("account", account::account)
    },
    Shape { needs: &["/smart_contract"], ..Shape::new("contract-info", contract::with_state) },
    Shape {
        needs: &["/bytecode|/abi|/code_hash", "/contract_address|/origin_address"],
        ..Shape::new("contract", contract::contract)
    },
    Shape { needs: &["/privateKey", "/address"], ..Shape::new("new-key", plain::new_key) },
    Shape { needs: &["/chainParameter"], ..Shape::new("parameters", plain::parameters) },
    Shape { needs: &["/configNodeInfo|/solidityBlock", "/block"], ..Shape::new("node-info", plain::node_info) },
    Shape { needs: &["/witnesses"], ..Shape::new("witnesses", plain::witnesses) },
    Shape {
        needs: &["/TotalNetLimit|/TotalEnergyLimit|/EnergyLimit|/NetLimit|/freeNetLimit"],
        members: plain::RESOURCES,
        ..Shape::new("resources", plain::resources)
    },
    Shape { needs: &["/delegatedResource"], ..Shape::new("delegated", plain::delegated) },
    Shape { needs: &["/account", "/toAccounts|/fromAccounts"], ..Shape::new("delegations", plain::delegations) },
    Shape { needs: &["/data", "/meta"], ..Shape::new("grid", plain::grid) },
    Shape { needs: &["/success", "/error", "/statusCode"], ..Shape::new("grid-error", plain::grid_error) },
    Shape {
        needs: &["/balance", "/block_identifier"],
        members: plain::BALANCE_AT,
        ..Shape::new("balance-at", plain::small)
    },
    Shape {
        needs: &["/txId"],
        only: true,
        members: &[member("txId", "", As::Own)],
        ..Shape::new("pending", plain::pending)
    },
    Shape { needs: &["/owner_address", "/total_supply"], ..Shape::new("asset", plain::asset) },
    Shape {
        needs: &["/proposal_id", "/proposer_address"],
        members: plain::PROPOSAL,
        ..Shape::new("proposal", plain::small)
    },
    Shape {
        needs: &["/exchange_id", "/creator_address"],
        members: plain::EXCHANGE,
        ..Shape::new("exchange", plain::small)
    },
    Shape {
        needs: &["/block_identifier", "/transaction_balance_trace|/timestamp"],
        members: plain::BLOCK_BALANCE,
        ..Shape::new("block-balance", plain::small)
    },
    Shape { needs: &["/proposals|/nodes|/assetIssue|/exchanges|/orders"], ..Shape::new("list", plain::listed) },
    one!("prices", "prices", "prices", As::Text),
    one!("number", "num", "", As::Count("")),
    one!("burnt", "burnTrxAmount", "burnt", As::Sun),
    one!("pending-size", "pendingSize", "how-many", As::Count("transactions")),
    one!("reward", "reward", "reward", As::Sun),
    one!("count", "count", "how-many", As::Count("")),
    one!("max-size", "max_size", "balance", As::Sun),
    one!("amount", "amount", "unfreeze-balance", As::Sun),
    one!("brokerage", "brokerage", "brokerage", As::Count("%")),
];

/// What a document is, where it is a node's answer; `None` where it is not one that is known.
pub(super) fn read(value: &Value, text: &str, now: Option<Moment>) -> Option<Part> {
    if matches!(value, Value::Object(members) if members.is_empty()) || *value == Value::Array(vec![]) {
        let name = if value.is_object() { "answer-empty" } else { "answer-empty-list" };
        let title = find(name, &[]).unwrap_or_default();
        let findings = vec![found("answerEmpty", NOTE, &[])];
        let view = PartView { findings, ..super::part(KindView::NodeAnswer, title, text) };
        return Some(Part { view, is: Is::Small });
    }
    // An answer that was written down as a text.
    if let Value::String(inner) = value {
        let tron::Unique(value) = serde_json::from_str::<tron::Unique<true>>(inner).ok()?;
        return if value.is_string() { None } else { read(&value, inner, now) };
    }
    let shape = shape_of(value)?;
    let mut teller = Teller::new(Around { now, ..Around::default() });
    let inner = match shape.inner {
        Inner::None => None,
        // What is a text there and can't be read may be cut; the answer is told all the same.
        _ => ForeignTransaction::from_json(text).ok().map(Box::new),
    };
    teller.inner = inner;
    let title = match (shape.tell)(&mut teller, value)? {
        title if title.is_empty() => plain::told(shape, &mut teller, value),
        title => title,
    };
    let view = super::part(KindView::NodeAnswer, title, text);
    let mut findings = std::mem::take(&mut teller.findings);
    let mut groups = std::mem::take(&mut teller.lines).done();
    if let Some(tx) = &teller.inner {
        let told = transactions::transaction(tx, now);
        let trial = shape.inner == Inner::Trial;
        groups.extend(told.groups.into_iter().filter(|group| !trial || group.name != "limits"));
        findings.extend(told.findings.into_iter().filter(|one| shape.inner.keeps(&one.code)));
    }
    let view = if shape.name == "new-key" {
        // Never shown again, and in no document either.
        let findings = vec![found("secretKey", STOP, &[])];
        PartView { kind: KindView::Secret, findings, document: String::new(), ..view }
    } else {
        PartView { findings: odd::sorted(findings), groups, ..view }
    };
    let is = match teller.inner.filter(|_| shape.inner != Inner::Trial) {
        Some(tx) => Is::Transaction(tx),
        None if shape.only => Is::Small,
        None if shape.name == "receipt" => Is::Receipt(value.clone()),
        None => Is::Other,
    };
    Some(Part { view, is })
}

/// The shape of an answer; results of JSON-RPC count without their envelope as well.
fn shape_of(value: &Value) -> Option<&'static Shape> {
    SHAPES.iter().chain(rpc::RESULTS).find(|shape| shape.holds(value))
}

/// Whether a document inside another one is an answer, and not only like one.
pub(super) fn knows(value: &Value) -> bool {
    shape_of(value).is_some_and(|shape| !shape.only)
}

/// The shapes that there are, and the one that an answer has.
#[cfg(test)]
pub(super) fn shapes(value: &Value) -> (Vec<&'static str>, Option<&'static str>) {
    (SHAPES.iter().chain(rpc::RESULTS).map(|shape| shape.name).collect(), shape_of(value).map(|shape| shape.name))
}
