//! Blocks, alone and in lists, by the node API and by JSON-RPC; and lists of transactions. A transaction in one is a
//! line: what it does and how it ended.

use super::said::{As, Member, Teller, at, count, int, list, member, text};
use crate::inspect::odd::{STOP, WARN, found};
use crate::inspect::transactions;
use serde_json::Value;
use tron::foreign::ForeignTransaction;

const HEADER: &[Member] = &[
    member("number", "block", As::Count("")),
    member("timestamp", "block-time", As::Millis),
    member("witness_address", "made-by", As::Maker),
    member("parentHash", "parent", As::Hex),
    member("txTrieRoot", "root", As::Hex),
    member("accountStateRoot", "state-root", As::Hex),
    member("version", "block-version", As::Count("")),
];

pub(super) fn block(teller: &mut Teller, value: &Value) -> Option<String> {
    teller.group("block");
    header(teller, value);
    let header = value.pointer("/block_header/raw_data");
    let number = header.map_or(0, |header| int(header, "number"));
    let first = genesis(teller, value, number);
    let all = teller.list(value, "transactions");
    transactions(teller, all);
    let count = count(all.len(), "transaction");
    Some(format!("Block {number} with {count}{first}."))
}

fn header(teller: &mut Teller, value: &Value) {
    if let Some(id) = text(value, "blockID") {
        teller.lines.add("block-id", id);
        let number = value.pointer("/block_header/raw_data").map_or(0, |header| int(header, "number"));
        // A block's id begins with its number.
        let begins = id.get(..16).and_then(|digits| i128::from_str_radix(digits, 16).ok());
        if begins != Some(number) {
            teller.findings.push(found("blockIdDiffers", STOP, &[("number", &number.to_string()), ("id", id)]));
        }
    }
    match value.pointer("/block_header/raw_data") {
        Some(header) => teller.members(header, HEADER),
        None => teller.wrong("block_header", at(value, "block_header").unwrap_or(&Value::Null), "raw_data"),
    }
}

/// The genesis block names its chain: the last four bytes of its id.
fn genesis(teller: &mut Teller, value: &Value, number: i128) -> String {
    let id = text(value, "blockID").filter(|id| number == 0 && id.len() == 64);
    let chain = id.and_then(|id| u64::from_str_radix(id.get(56..)?, 16).ok());
    let Some(chain) = chain else { return String::new() };
    let network = tron::Network::ALL.into_iter().find(|network| network.chain_id() == chain);
    let line = teller.lines.add("chain-id", chain);
    match network {
        Some(network) => {
            line.remark(network.label());
            format!(", the first one of {}", network.label())
        }
        None => {
            line.remark("none of TRON's public networks");
            format!(", the first one of a chain with the id {chain}")
        }
    }
}

/// A line for each transaction.
pub(super) fn transactions(teller: &mut Teller, all: &[Value]) {
    if all.is_empty() {
        return;
    }
    teller.group("transactions");
    for entry in teller.some(all, "transactions") {
        // Some doors name their ids alone.
        if let Some(id) = entry.as_str() {
            teller.lines.add("transaction", id);
            continue;
        }
        match ForeignTransaction::from_json(&entry.to_string()) {
            Ok(tx) => {
                let id = tx.any_id().map_or_else(|| "without an id".to_owned(), |id| id.to_string());
                let does = transactions::brief(&tx);
                let failed = tx.result.as_deref().filter(|result| !matches!(*result, "SUCCESS" | "DEFAULT"));
                let line = teller.lines.add("transaction", id);
                match failed {
                    Some(result) => line.remark(format!("{does}; failed: {result}")).weight(WARN),
                    None => line.remark(does),
                };
            }
            Err(error) => teller.wrong("transactions", entry, &format!("a transaction ({error})")),
        }
    }
}

/// A list of blocks.
pub(super) fn blocks(teller: &mut Teller, value: &Value) -> Option<String> {
    let all = teller.list(value, "block");
    if let [one] = all {
        return block(teller, one);
    }
    for one in teller.some(all, "blocks") {
        let number = one.pointer("/block_header/raw_data").map_or(0, |header| int(header, "number"));
        teller.group(format!("block {number}"));
        header(teller, one);
        teller.lines.add("transaction-count", list(one, "transactions").len());
    }
    Some(format!("{}.", count(all.len(), "block")))
}

pub(super) const RPC_BLOCK: &[Member] = &[
    member("number", "block", As::Count("")),
    member("hash", "block-id", As::Text),
    member("timestamp", "block-time", As::Seconds),
    member("miner", "made-by", As::Address),
    member("parentHash", "parent", As::Hex),
    member("transactionsRoot", "root", As::Hex),
    member("gasUsed", "energy", As::Count("units")),
    member("size", "size", As::Count("bytes")),
    member("transactions", "", As::Own),
    // Ethereum's, and nothing on TRON.
    member("baseFeePerGas", "", As::Own),
    member("difficulty", "", As::Own),
    member("totalDifficulty", "", As::Own),
    member("extraData", "", As::Own),
    member("gasLimit", "", As::Own),
    member("logsBloom", "", As::Own),
    member("mixHash", "", As::Own),
    member("nonce", "", As::Own),
    member("receiptsRoot", "", As::Own),
    member("stateRoot", "", As::Own),
    member("sha3Uncles", "", As::Own),
    member("uncles", "", As::Own),
];

/// A block of JSON-RPC.
pub(super) fn of_rpc(teller: &mut Teller, value: &Value) -> Option<String> {
    teller.group("block");
    teller.members(value, RPC_BLOCK);
    let all = teller.list(value, "transactions");
    teller.group("transactions");
    for entry in teller.some(all, "transactions") {
        let id = entry.as_str().or_else(|| text(entry, "hash")).unwrap_or("without an id");
        teller.lines.add("transaction", id);
    }
    let count = count(all.len(), "transaction");
    Some(format!("A block of JSON-RPC: number {}, with {count}.", int(value, "number")))
}
