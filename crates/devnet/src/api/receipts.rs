//! Transactions and their receipts, in blocks and before. A devnet can be told to say nothing of receipts at first, as a
//! node does that is behind the one that took the transaction.

use super::Node;
use super::json::{Answer, Args, Form, NodeError};
use super::message::transaction;
use super::{blocks, positive};
use crate::chain::{Chain, View};
use crate::history::Entry;
use crate::incoming::Sent;
use crate::vm::Ended;
use revm::primitives::Log;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use tron::TxId;

/// How often each receipt is asked for in vain.
#[derive(Debug, Default)]
pub struct Silence {
    asks: u64,
    asked: HashMap<TxId, u64>,
}

impl Silence {
    pub fn set(&mut self, asks: u64) {
        *self = Self { asks, asked: HashMap::new() };
    }

    /// Counts one more ask, and tells whether nothing is said yet.
    pub fn holds(&mut self, id: TxId) -> bool {
        if self.asks == 0 {
            return false;
        }
        let asked = self.asked.entry(id).or_default();
        *asked += 1;
        *asked <= self.asks
    }
}

/// `gettransactionbyid`: one that waits for its block is known at the head, too.
pub fn find(chain: &Chain, view: View, args: &Args) -> Answer {
    let Some(id) = asked(args)? else { return Ok(json!({})) };
    if let Some(entry) = chain.entry(view, &id) {
        return Ok(blocks::included(entry, args.form()));
    }
    Ok(if view == View::Head { waiting(chain, id, args.form()) } else { json!({}) })
}

/// `gettransactionfrompending`.
pub fn pending(chain: &Chain, args: &Args) -> Answer {
    Ok(asked(args)?.map_or_else(|| json!({}), |id| waiting(chain, id, args.form())))
}

/// `gettransactionlistfrompending`.
pub fn pending_ids(chain: &Chain) -> Value {
    let ids: Vec<_> = chain.pending.iter().map(|waiting| waiting.sent.id.to_string()).collect();
    if ids.is_empty() { json!({}) } else { json!({ "txId": ids }) }
}

fn waiting(chain: &Chain, id: TxId, form: Form) -> Value {
    let found = chain.waiting(&id);
    found.map_or_else(|| json!({}), |waiting| with_result(&waiting.sent, chain.would_end(waiting), form))
}

fn asked(args: &Args) -> Result<Option<TxId>, NodeError> {
    Ok(args.id("value")?.map(TxId::from_bytes))
}

pub fn with_result(sent: &Sent, ended: Ended, form: Form) -> Value {
    let mut json = transaction(sent, form);
    json.insert("ret".into(), json!([{ "contractRet": ended.name() }]));
    Value::Object(json)
}

/// `gettransactioninfobyid`.
pub fn receipt(node: &Node, chain: &Chain, view: View, args: &Args) -> Answer {
    let entry = asked(args)?.and_then(|id| chain.entry(view, &id)).filter(|entry| !node.says_nothing(entry.sent.id));
    Ok(entry.map_or_else(|| json!({}), |entry| shown(entry, args.form())))
}

/// `gettransactioninfobyblocknum`.
pub fn of_block(chain: &Chain, view: View, args: &Args) -> Answer {
    let number = u64::try_from(args.signed("num")?.unwrap_or_default()).ok();
    let entries = number.filter(|number| *number <= chain.tip(view)).map(|number| chain.history.of_block(number));
    Ok(entries.into_iter().flatten().map(|entry| shown(entry, args.form())).collect())
}

fn shown(entry: &Entry, form: Form) -> Value {
    let mut json = Map::new();
    json.insert("id".into(), entry.sent.id.to_string().into());
    positive(&mut json, "fee", entry.costs.total());
    json.insert("blockNumber".into(), entry.block.into());
    json.insert("blockTimeStamp".into(), entry.block_ms.into());
    let output = entry.outcome.as_ref().map(|outcome| hex::encode(&outcome.output)).unwrap_or_default();
    json.insert("contractResult".into(), json!([output]));
    positive(&mut json, "withdraw_expire_amount", entry.withdrawn_sun);
    let mut receipt = Map::new();
    positive(&mut receipt, "net_usage", entry.costs.free_used + entry.costs.net_used);
    positive(&mut receipt, "net_fee", entry.costs.bandwidth_fee);
    if let Some(outcome) = &entry.outcome {
        positive(&mut receipt, "energy_usage", entry.costs.energy_used);
        positive(&mut receipt, "origin_energy_usage", entry.costs.origin_energy);
        positive(&mut receipt, "energy_fee", entry.costs.energy_fee);
        positive(&mut receipt, "energy_usage_total", outcome.energy);
        receipt.insert("result".into(), outcome.ended.name().into());
        if let Some(contract) = entry.contract() {
            json.insert("contract_address".into(), form.address(contract));
        }
        if outcome.ended != Ended::Success {
            json.insert("result".into(), "FAILED".into());
            json.insert("resMessage".into(), form.text(outcome.message()));
        }
        if !outcome.logs.is_empty() {
            json.insert("log".into(), outcome.logs.iter().map(log).collect());
        }
    }
    json.insert("receipt".into(), Value::Object(receipt));
    Value::Object(json)
}

/// Log addresses are 20 bytes in hex without 41, whatever `visible` says.
fn log(log: &Log) -> Value {
    json!({
        "address": hex::encode(log.address),
        "topics": log.topics().iter().map(hex::encode).collect::<Vec<_>>(),
        "data": hex::encode(&log.data.data),
    })
}
