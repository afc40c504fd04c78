//! What became of a transaction: outcome and reason in words, what it cost and who paid for it, what changed hands,
//! calls inside it. One telling for a receipt that was pasted, for one that was looked up, and for the events of others.

use super::said::{As, Member, Teller, at, int, list, member, money, number, text};
use crate::inspect::calls::{self, UNLIMITED_BITS};
use crate::inspect::lines::Around;
use crate::inspect::odd::{GOOD, NOTE, STOP, WARN, found};
use crate::words::find;
use serde_json::Value;
use tron::abi::{self, Reverted};
use tron::foreign::{ForeignTransaction, spelling};
use tron::{Address, token};
use x402::NonceEvent;

const RECEIPT: &[Member] = &[
    member("id", "transaction", As::Text),
    member("blockNumber", "block", As::Count("")),
    member("blockTimeStamp", "block-time", As::Millis),
    member("result", "", As::Own),
    member("resMessage", "", As::Own),
    member("contractResult", "", As::Own),
    member("contract_address", "called-contract", As::Address),
    member("fee", "burnt", As::Sun),
    member("receipt", "", As::Own),
    member("log", "", As::Own),
    member("internal_transactions", "", As::Own),
    member("withdraw_amount", "withdraw-amount", As::Sun),
    member("unfreeze_amount", "unfreeze-amount", As::Sun),
    member("withdraw_expire_amount", "withdraw-expire-amount", As::Sun),
    member("assetIssueID", "asset-name", As::Text),
    member("exchange_id", "exchange-id", As::Count("")),
    member("orderId", "order-id", As::Hex),
];

/// What a receipt says beside its transaction.
const COST: &[Member] = &[
    member("energy_usage_total", "energy", As::Count("units")),
    member("energy_usage", "energy-staked", As::Count("units")),
    member("origin_energy_usage", "energy-origin", As::Count("units")),
    member("energy_fee", "energy-fee", As::Sun),
    member("energy_penalty_total", "energy-penalty", As::Count("units")),
    member("net_usage", "bandwidth", As::Count("bytes")),
    member("net_fee", "bandwidth-fee", As::Sun),
    member("result", "", As::Own),
];

/// A receipt of the node API, with its title.
pub(super) fn alone(teller: &mut Teller, value: &Value) -> Option<String> {
    teller.group("receipt");
    let outcome = outcome(value);
    teller.members(value, RECEIPT);
    result(teller, &outcome);
    rest(teller, value, None);
    if outcome.failed {
        teller.findings.push(found("endedBadly", STOP, &[("result", &outcome.told())]));
    }
    let how = match (&outcome.result, outcome.failed) {
        (Some(result), true) => format!("it failed ({result})"),
        (Some(_), false) => "it succeeded".to_owned(),
        (None, _) => "no outcome is told, as for what is no contract call".to_owned(),
    };
    Some(format!("A receipt (gettransactioninfobyid) of block {}: {how}.", int(value, "blockNumber")))
}

/// How a transaction ended.
pub(in crate::inspect) struct Outcome {
    /// The node's word; `None` where it has none, as for what is no contract call.
    pub result: Option<String>,
    pub failed: bool,
    /// Why, in words: the contract's, else the node's.
    pub reason: Option<String>,
}

impl Outcome {
    /// "REVERT: “balance too low”".
    pub fn told(&self) -> String {
        let result = self.result.as_deref().unwrap_or("no result");
        self.reason.as_ref().map_or_else(|| result.to_owned(), |reason| format!("{result}: “{reason}”"))
    }
}

/// The outcome that a receipt tells.
pub(in crate::inspect) fn outcome(value: &Value) -> Outcome {
    let said = value.pointer("/receipt/result").and_then(Value::as_str).filter(|said| *said != "DEFAULT");
    let failed = text(value, "result") == Some("FAILED") || said.is_some_and(|said| said != "SUCCESS");
    let result = said.or(failed.then_some("FAILED")).map(str::to_owned);
    let output = list(value, "contractResult").first().and_then(Value::as_str).and_then(spelling::bytes);
    let message = text(value, "resMessage").map(spelling::words).filter(|message| !message.is_empty());
    let reason = failed.then(|| reason(&output.unwrap_or_default(), message)).flatten();
    Outcome { result, failed, reason }
}

/// Why a run failed: what the contract returned says more than the node's words about it.
pub(super) fn reason(output: &[u8], message: Option<String>) -> Option<String> {
    match abi::revert_reason(output) {
        Reverted::Silent | Reverted::Unreadable => message,
        reason => Some(reason.to_string()),
    }
}

/// The outcome as a line, in the group that is open.
pub(in crate::inspect) fn result(teller: &mut Teller, outcome: &Outcome) {
    if let Some(result) = &outcome.result {
        let line = teller.lines.add("result", result).weight(if outcome.failed { STOP } else { GOOD });
        if let Some(words) = find(&format!("result-{result}"), &[]) {
            line.remark(words);
        }
    }
    if let Some(reason) = &outcome.reason {
        teller.lines.add("revert-reason", reason).weight(STOP);
    }
}

/// Everything of a receipt behind its outcome. `tx`, where it is known, says who paid and for what.
pub(in crate::inspect) fn rest(teller: &mut Teller, value: &Value, tx: Option<&ForeignTransaction>) {
    cost(teller, value, tx);
    let logs = teller.list(value, "log");
    events(teller, logs);
    inside(teller, value);
    for pair in teller.list(value, "cancel_unfreezeV2_amount").iter().take(4) {
        let (resource, sun) = (text(pair, "key").unwrap_or("?"), int(pair, "value"));
        teller.lines.add("unfreeze-kept", money(sun)).remark(resource);
    }
}

pub(in crate::inspect) fn cost(teller: &mut Teller, value: &Value, tx: Option<&ForeignTransaction>) {
    teller.group("what it cost");
    let Some(receipt) = at(value, "receipt") else { return };
    teller.members(receipt, COST);
    if !receipt.is_object() {
        return;
    }
    let (energy, bandwidth) = (int(receipt, "energy_fee"), int(receipt, "net_fee"));
    let other = int(value, "fee").saturating_sub(energy).saturating_sub(bandwidth);
    if other > 0 {
        teller.lines.add("other-fees", money(other)).remark(why(tx));
    }
    let origin = int(receipt, "origin_energy_usage");
    let total = int(receipt, "energy_usage_total");
    let owner = tx.and_then(ForeignTransaction::owner);
    let burnt = int(value, "fee").max(energy.saturating_add(bandwidth));
    let paid = match burnt {
        0 => "nothing was burnt: stake, or what is free each day, covered it".to_owned(),
        burnt => format!("{} burnt", money(burnt)),
    };
    match owner {
        Some(owner) => teller.address("paid-by", owner).also_remark(paid),
        None => teller.lines.add("paid-by", "whoever sent it").remark(paid),
    };
    if origin > 0 {
        let share = format!("{origin} of {total} units of energy");
        teller.lines.add("paid-too", "whoever made the contract").remark(share);
    }
}

/// What costs TRX beside energy and bandwidth.
fn why(tx: Option<&ForeignTransaction>) -> String {
    let Some(tx) = tx else {
        return "a memo, several signatures, a new account or another act that has a price".to_owned();
    };
    let kind = tx.contracts().next().and_then(|contract| contract.contract_type()).map_or("", |kind| kind.name);
    let mut all = Vec::new();
    if !tx.raw.bytes("data").is_empty() {
        all.push("for the memo");
    }
    if tx.signatures.len() > 1 {
        all.push("for several signatures");
    }
    match kind {
        "AccountPermissionUpdateContract" => all.push("for the change of permissions"),
        "TransferContract" | "TransferAssetContract" if !all.is_empty() => {}
        "TransferContract" | "TransferAssetContract" | "AccountCreateContract" => all.push("for the new account"),
        "AssetIssueContract" | "WitnessCreateContract" | "ExchangeCreateContract" => all.push("for what it makes"),
        _ => {}
    }
    if all.is_empty() { "for what it does".to_owned() } else { all.join(", ") }
}

/// What contracts told, each event in a group of its own.
pub(super) fn events(teller: &mut Teller, logs: &[Value]) {
    if logs.is_empty() {
        return;
    }
    teller.group("events");
    for log in teller.some(logs, "events") {
        event(teller, log);
    }
}

fn event(teller: &mut Teller, log: &Value) {
    let address = text(log, "address").and_then(spelling::address);
    let topics: Option<Vec<[u8; 32]>> =
        list(log, "topics").iter().map(|topic| spelling::word(topic.as_str()?)).collect();
    let data = text(log, "data").map_or(Some(vec![]), spelling::bytes);
    let (Some(contract), Some(topics), Some(data)) = (address, topics, data) else {
        teller.group("event");
        return teller.wrong("log", log, "an event: address, topics and data");
    };
    let network = teller.around.network.or_else(|| calls::network_of(contract));
    let around = Around { network, token: Some(contract), now: None };
    if let Some(moved) = abi::decode_transfer(&topics, &data) {
        teller.group("what moved");
        teller.lines.amount("amount", moved.amount, around);
        named(teller, contract, around);
        teller.lines.address("payer", moved.from, around);
        teller.lines.address("payee", moved.to, around);
    } else if let Some(given) = abi::decode_approval(&topics, &data) {
        teller.group("what was allowed");
        if given.amount.u256().bit_len() > UNLIMITED_BITS {
            teller.lines.add("allowance", "without limit").also(given.amount).weight(STOP);
        } else {
            teller.lines.amount("allowance", given.amount, around);
        }
        named(teller, contract, around);
        teller.lines.address("allowed-by", given.owner, around);
        teller.lines.address("spender", given.spender, around);
    } else {
        teller.group("event");
        let what = NonceEvent::read(contract, &topics, &data).map(|_| "a permission's nonce was used or cancelled");
        let line = teller.lines.address("called-contract", contract, around);
        if let Some(what) = what {
            line.also_remark(what);
        }
        for topic in topics.iter().take(4) {
            teller.lines.add("topic", crate::inspect::payments::hex(topic));
        }
        if !data.is_empty() {
            teller.lines.add("call-data", crate::inspect::payments::hex(&data));
        }
    }
}

/// The token of an event, by the table and never by its own name.
fn named(teller: &mut Teller, contract: Address, around: Around) {
    let known = around.network.is_some_and(|network| token::lookup(network, contract).is_some());
    let line = teller.lines.address("token", contract, around);
    if !known {
        line.also_remark("not in the token table").weight(WARN);
    }
}

/// Calls that a contract made in turn.
fn inside(teller: &mut Teller, value: &Value) {
    let all = teller.list(value, "internal_transactions");
    if all.is_empty() {
        return;
    }
    teller.group("calls inside the call");
    for call in teller.some(all, "calls") {
        let side = |name: &str| text(call, name).and_then(spelling::address);
        let Some(to) = side("transferTo_address") else {
            teller.wrong("internal_transactions", call, "a call with transferTo_address");
            continue;
        };
        let mut said = vec![text(call, "note").map_or_else(|| "call".to_owned(), spelling::words)];
        said.extend(side("caller_address").map(|from| format!("from {from}")));
        for sent in list(call, "callValueInfo").iter().take(4) {
            let (amount, token) = (int(sent, "callValue"), text(sent, "tokenId"));
            match token {
                Some(token) => said.push(format!("{amount} of the TRC-10 token {token}")),
                None if amount > 0 => said.push(money(amount)),
                None => {}
            }
        }
        let undone = call.get("rejected").and_then(Value::as_bool) == Some(true);
        if undone {
            said.push("undone".to_owned());
        }
        let line = teller.address("internal-call", to).also_remark(said.join(", "));
        if undone {
            line.weight(WARN);
        }
    }
}

/// The receipts of a block (gettransactioninfobyblocknum).
pub(super) fn many(teller: &mut Teller, value: &Value) -> Option<String> {
    let all = value.as_array()?;
    if let [one] = all.as_slice() {
        return alone(teller, one).map(|title| title.replace("A receipt (gettransactioninfobyid)", "One receipt"));
    }
    teller.group("receipts");
    let failed = all.iter().filter(|one| outcome(one).failed).count();
    for one in teller.some(all, "receipts") {
        let ended = outcome(one);
        let fee = money(int(one, "fee"));
        let line = teller.lines.add("transaction", text(one, "id").unwrap_or("without an id"));
        let line = line.remark(match &ended.result {
            Some(_) => format!("{}; burnt {fee}", ended.told()),
            None => format!("in the block; burnt {fee}"),
        });
        if ended.failed {
            line.weight(WARN);
        }
    }
    Some(format!("{} receipts (gettransactioninfobyblocknum), {failed} of them of what failed.", all.len()))
}

/// Members of a receipt of JSON-RPC.
pub(super) const RPC_RECEIPT: &[Member] = &[
    member("transactionHash", "transaction", As::Text),
    member("blockNumber", "block", As::Count("")),
    member("blockHash", "block-id", As::Text),
    member("status", "", As::Own),
    member("from", "sender", As::Address),
    member("to", "called-contract", As::Address),
    member("contractAddress", "made-contract", As::Address),
    member("gasUsed", "energy", As::Count("units")),
    member("cumulativeGasUsed", "energy-so-far", As::Count("units")),
    member("effectiveGasPrice", "energy-price", As::Count("sun")),
    member("transactionIndex", "place-in-block", As::Count("")),
    member("type", "", As::Own),
    member("logsBloom", "", As::Own),
    member("logs", "", As::Own),
];

/// A receipt of JSON-RPC.
pub(super) fn of_rpc(teller: &mut Teller, value: &Value) -> Option<String> {
    teller.group("receipt");
    teller.members(value, RPC_RECEIPT);
    let status = at(value, "status").and_then(number);
    let how = match status {
        Some(1) => "it succeeded",
        Some(_) => "it failed",
        None => "no outcome is told",
    };
    let weight = match status {
        Some(1) => GOOD,
        Some(_) => STOP,
        None => NOTE,
    };
    teller.lines.add("result", how).weight(weight);
    if status.is_some_and(|status| status != 1) {
        teller.findings.push(found("endedBadly", STOP, &[("result", "status 0")]));
    }
    let logs = teller.list(value, "logs");
    events(teller, logs);
    Some(format!("A receipt of JSON-RPC: {how}, in block {}.", int(value, "blockNumber")))
}
