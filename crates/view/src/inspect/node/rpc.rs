//! Answers of JSON-RPC: results that are values, receipts, transactions, blocks and events, and its errors.

use super::said::{As, Member, Teller, at, closing, count, int, member, number, short, text};
use super::{Shape, block, contract, receipt};
use crate::inspect::calls;
use crate::inspect::lines::Around;
use crate::inspect::odd::{NOTE, WARN, found};
use crate::words::find;
use serde_json::Value;
use tron::foreign::spelling;

/// What a result can be, by the members that it needs.
pub(super) const RESULTS: &[Shape] = &[
    Shape { needs: &["/transactionHash", "/gasUsed"], ..Shape::new("rpc-receipt", receipt::of_rpc) },
    Shape { needs: &["/hash", "/input"], ..Shape::new("rpc-transaction", transaction) },
    Shape { needs: &["/parentHash", "/transactions"], ..Shape::new("rpc-block", block::of_rpc) },
    Shape { needs: &["/0/topics", "/0/address"], ..Shape::new("rpc-logs", logs) },
    Shape { needs: &["/0/transactionHash", "/0/gasUsed"], ..Shape::new("rpc-receipts", receipts) },
    Shape { needs: &["/currentBlock", "/highestBlock"], ..Shape::new("rpc-syncing", syncing) },
];

/// One answer. `None` for results that no node gives: other protocols use the same envelope.
pub(super) fn answer(teller: &mut Teller, value: &Value) -> Option<String> {
    if let Some(error) = at(value, "error") {
        return self::error(teller, error);
    }
    let result = value.get("result")?;
    if let Some(shape) = RESULTS.iter().find(|shape| shape.holds(result)) {
        return (shape.tell)(teller, result);
    }
    teller.group("result");
    match result {
        Value::Null => {
            teller.findings.push(found("answerEmpty", NOTE, &[]));
            Some("An answer of JSON-RPC: nothing (null). The node does not know what was asked for.".to_owned())
        }
        Value::Bool(yes) => {
            teller.lines.add("returned", yes);
            Some(format!("An answer of JSON-RPC: {yes}."))
        }
        Value::Number(number) => {
            teller.lines.add("returned", number);
            Some(format!("An answer of JSON-RPC: {number}."))
        }
        Value::Array(items) if items.is_empty() => {
            teller.lines.add("returned", "an empty list");
            Some("An answer of JSON-RPC: an empty list.".to_owned())
        }
        Value::String(text) => Some(of_text(teller, text)),
        _ => None,
    }
}

/// A result that is a text: a quantity, bytes, or words.
fn of_text(teller: &mut Teller, text: &str) -> String {
    if text == "0x" {
        teller.lines.add("returned", text).remark("no bytes: no code, or nothing was returned");
        return "An answer of JSON-RPC: no bytes.".to_owned();
    }
    let digits = text.strip_prefix("0x").filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    match (digits, number(&Value::String(text.to_owned()))) {
        (Some(digits), Some(number)) if digits.len() <= 31 => {
            let line = teller.lines.add("returned", text).also(number);
            let network = u64::try_from(number)
                .ok()
                .and_then(|id| tron::Network::ALL.into_iter().find(|network| network.chain_id() == id));
            match network {
                Some(network) => {
                    line.remark(format!("the chain id of {}", network.label()));
                    format!("An answer of JSON-RPC: {number}, the chain id of {}.", network.label())
                }
                None => format!("An answer of JSON-RPC: {number}."),
            }
        }
        (Some(_), _) => {
            match spelling::bytes(text) {
                Some(bytes) => contract::returned(teller, &bytes),
                None => {
                    teller.lines.add("returned", text);
                }
            }
            format!("An answer of JSON-RPC: {} bytes.", (text.len() - 2) / 2)
        }
        (None, _) => {
            teller.lines.add("returned", text);
            format!("An answer of JSON-RPC: {}.", closing(text))
        }
    }
}

fn error(teller: &mut Teller, error: &Value) -> Option<String> {
    teller.group("error");
    let code = at(error, "code").and_then(number)?;
    let message = spelling::words(text(error, "message").unwrap_or("no words"));
    teller.lines.add("code", code);
    teller.lines.add("nodes-words", &message);
    if let Some(data) = at(error, "data").filter(|data| !matches!(data.as_str(), Some("" | "{}"))) {
        teller.lines.add("error-data", short(data));
    }
    let advice = find(&format!("rpc-error{}", code.unsigned_abs()), &[]).filter(|_| code < 0);
    let advice = advice.or_else(|| find("error-other", &[])).unwrap_or_default();
    teller.findings.push(found("nodeError", WARN, &[("message", &message), ("advice", &advice)]));
    Some(format!("An error of JSON-RPC ({code}): {}.", closing(&message)))
}

/// Several answers at once.
pub(super) fn batch(teller: &mut Teller, value: &Value) -> Option<String> {
    let all = value.as_array()?;
    teller.group("answers");
    for one in teller.some(all, "answers") {
        let id = at(one, "id").map_or_else(|| "without an id".to_owned(), short);
        match answer(&mut Teller::new(teller.around), one) {
            Some(title) => {
                teller.lines.add("says", title).label(&format!("answer to {id}"));
            }
            None => teller.wrong("answer", one, "an answer of JSON-RPC"),
        }
    }
    Some(format!("{} of JSON-RPC.", count(all.len(), "answer")))
}

const TRANSACTION: &[Member] = &[
    member("hash", "transaction", As::Text),
    member("blockNumber", "block", As::Count("")),
    member("blockHash", "block-id", As::Text),
    member("transactionIndex", "place-in-block", As::Count("")),
    member("from", "sender", As::Address),
    member("to", "called-contract", As::Address),
    member("value", "call-value", As::Sun),
    member("gas", "energy", As::Count("units")),
    member("gasPrice", "energy-price", As::Count("sun")),
    member("input", "", As::Own),
    member("nonce", "", As::Own),
    member("type", "", As::Own),
    member("r", "signature-r", As::Text),
    member("s", "signature-s", As::Text),
    member("v", "", As::Own),
];

fn transaction(teller: &mut Teller, value: &Value) -> Option<String> {
    teller.group("transaction");
    teller.members(value, TRANSACTION);
    let to = text(value, "to").and_then(spelling::address);
    let network = teller.around.network.or_else(|| to.and_then(calls::network_of));
    let around = Around { network, token: to, now: None };
    let data = text(value, "input").and_then(spelling::bytes).unwrap_or_default();
    let does = match data.is_empty() {
        true => "calls nothing".to_owned(),
        false => format!("calls {}", calls::call(&mut teller.lines, &data, around, &mut teller.findings)),
    };
    teller.findings.push(found("rpcTransaction", NOTE, &[]));
    Some(format!("A transaction of JSON-RPC that {does}, in block {}.", int(value, "blockNumber")))
}

fn logs(teller: &mut Teller, value: &Value) -> Option<String> {
    let all = value.as_array()?;
    receipt::events(teller, all);
    Some(format!("{} of JSON-RPC (eth_getLogs).", count(all.len(), "event")))
}

fn receipts(teller: &mut Teller, value: &Value) -> Option<String> {
    let all = value.as_array()?;
    teller.group("receipts");
    for one in teller.some(all, "receipts") {
        let line = teller.lines.add("transaction", text(one, "transactionHash").unwrap_or("without an id"));
        match at(one, "status").and_then(number) {
            Some(1) => line.remark("it succeeded"),
            Some(_) => line.remark("it failed").weight(WARN),
            None => line.remark("no outcome is told"),
        };
    }
    Some(format!("{} of JSON-RPC.", count(all.len(), "receipt")))
}

fn syncing(teller: &mut Teller, value: &Value) -> Option<String> {
    teller.group("how far the node is");
    let rows = [
        member("startingBlock", "began-at", As::Count("")),
        member("currentBlock", "newest-block", As::Count("")),
        member("highestBlock", "chains-newest", As::Count("")),
    ];
    teller.members(value, &rows);
    let behind = int(value, "highestBlock").saturating_sub(int(value, "currentBlock"));
    Some(format!("A node that is still catching up (eth_syncing): {behind} blocks behind."))
}
