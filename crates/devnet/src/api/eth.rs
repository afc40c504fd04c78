//! Accounts, blocks, transactions and logs in Ethereum's words, and trial runs asked in them.

use super::blocks::{parent, root, witness};
use super::rpc::{Failure, Reply};
use crate::chain::{Chain, SIMULATION_ENERGY, View};
use crate::execute::address_of_new;
use crate::history::Entry;
use crate::vm::{Call, Ended, Outcome};
use revm::primitives::U256;
use serde_json::{Map, Value, json};
use tron::{Address, TxId, abi};

/// Nothing is ever in the filter of logs that every block and receipt has.
const BLOOM_BYTES: usize = 256;

pub fn quantity(number: u64) -> Value {
    format!("{number:#x}").into()
}

pub fn data(bytes: impl AsRef<[u8]>) -> Value {
    format!("0x{}", hex::encode(bytes)).into()
}

pub fn bytes(value: Option<&Value>) -> Result<Vec<u8>, Failure> {
    let text = value.and_then(Value::as_str).unwrap_or_default();
    let words = "exception decoding Hex string: invalid characters encountered in Hex string";
    hex::decode(text.strip_prefix("0x").unwrap_or(text)).map_err(|_| Failure::parameter(words))
}

/// 20 bytes, or 21 with the network's.
fn address(value: Option<&Value>) -> Result<Address, Failure> {
    let bytes = bytes(value)?;
    let plain: Option<[u8; 20]> = bytes.as_slice().try_into().ok();
    let found = plain.map(Address::from_bytes).or_else(|| Address::from_bytes21(&bytes).ok());
    found.ok_or_else(|| Failure::parameter("invalid address hash value"))
}

pub fn hash(value: Option<&Value>) -> Result<TxId, Failure> {
    let bytes: [u8; 32] = bytes(value)?.try_into().map_err(|_| Failure::parameter("invalid hash value"))?;
    Ok(TxId::from_bytes(bytes))
}

/// State is kept of the newest block alone.
fn newest(tag: Option<&Value>) -> Result<(), Failure> {
    match tag.and_then(Value::as_str) {
        None | Some("latest") => Ok(()),
        Some("earliest" | "pending" | "finalized") => {
            Err(Failure::parameter("TAG [earliest | pending | finalized] not supported"))
        }
        Some(text) if text.starts_with("0x") => {
            Err(Failure::parameter("QUANTITY not supported, just support TAG as latest"))
        }
        Some(_) => Err(Failure::parameter("invalid block number")),
    }
}

/// A block's number; `None` where there is no such block yet.
pub fn number(chain: &Chain, tag: Option<&Value>) -> Result<Option<u64>, Failure> {
    let number = match tag.and_then(Value::as_str) {
        None | Some("latest") => chain.tip(View::Head),
        Some("earliest") => 0,
        Some("finalized") => chain.tip(View::Solid),
        Some("pending") => return Err(Failure::parameter("TAG pending not supported")),
        Some(text) => u64::from_str_radix(text.strip_prefix("0x").unwrap_or("-"), 16)
            .map_err(|_| Failure::parameter("invalid block number"))?,
    };
    Ok(Some(number).filter(|number| *number <= chain.tip(View::Head)))
}

pub fn balance(chain: &Chain, params: &[Value]) -> Reply {
    newest(params.get(1))?;
    Ok(quantity(chain.head.state.balance(address(params.first())?)))
}

pub fn code(chain: &Chain, params: &[Value]) -> Reply {
    newest(params.get(1))?;
    Ok(data(chain.head.state.code(address(params.first())?)))
}

pub fn storage(chain: &Chain, params: &[Value]) -> Reply {
    newest(params.get(2))?;
    let slot = params.get(1).and_then(Value::as_str).unwrap_or_default();
    let slot = U256::from_str_radix(slot.strip_prefix("0x").unwrap_or("-"), 16);
    let slot = slot.map_err(|_| Failure::parameter("invalid storage key value"))?;
    Ok(data(chain.head.state.word(address(params.first())?, slot).to_be_bytes::<32>()))
}

pub fn call(chain: &Chain, params: &[Value]) -> Reply {
    newest(params.get(1))?;
    Ok(data(tried(chain, params.first())?.output))
}

pub fn estimate(chain: &Chain, params: &[Value]) -> Reply {
    Ok(quantity(tried(chain, params.first())?.energy))
}

/// A trial run that did not fail.
fn tried(chain: &Chain, question: Option<&Value>) -> Result<Outcome, Failure> {
    let member = |name: &str| question.and_then(|question| question.get(name)).filter(|value| !value.is_null());
    let from = member("from").map(|from| address(Some(from))).transpose()?.unwrap_or(Address::ZERO);
    let input = bytes(member("data").or_else(|| member("input")))?;
    let value = member("value").and_then(Value::as_str).unwrap_or("0x0");
    let value = u64::from_str_radix(value.strip_prefix("0x").unwrap_or("-"), 16);
    let value_sun = value.map_err(|_| Failure::parameter("invalid value"))?;
    let (to, input, code) = match member("to") {
        Some(to) => (address(Some(to))?, input, None),
        None => (address_of_new(&TxId::from_bytes([0; 32]), from), Vec::new(), Some(input)),
    };
    if code.is_none() && !chain.head.state.is_contract(to) {
        return Err(Failure::request("Smart contract is not exist."));
    }
    let call = Call { from, to, value_sun, data: input, energy_limit: SIMULATION_ENERGY, code };
    let outcome = chain.simulate(View::Head, call).map_err(Failure::run)?;
    match outcome.ended {
        Ended::Success => Ok(outcome),
        Ended::Revert => Err(Failure::run(reverted(&outcome))),
        ended => Err(Failure::run(ended.message())),
    }
}

/// A node says the reason behind its own words, where the contract gives one as a text.
fn reverted(outcome: &Outcome) -> String {
    let words = outcome.ended.message();
    match abi::revert_reason(&outcome.output) {
        abi::Reverted::Message(reason) => format!("{words}: {reason}"),
        _ => words.to_owned(),
    }
}

/// Where an entry stands in its block.
fn index(chain: &Chain, entry: &Entry) -> u64 {
    let place = chain.history.of_block(entry.block).position(|other| other.sent.id == entry.sent.id);
    place.and_then(|place| u64::try_from(place).ok()).unwrap_or_default()
}

fn evm(address: Option<Address>) -> Value {
    address.map_or(Value::Null, |address| address.to_evm_hex().into())
}

/// Null where it is in no block.
pub fn transaction_of(chain: &Chain, id: TxId) -> Value {
    chain.history.get(&id).map_or(Value::Null, |entry| transaction(chain, entry))
}

fn transaction(chain: &Chain, entry: &Entry) -> Value {
    let input = entry.sent.contract().and_then(|contract| contract.parameter()).map(|p| p.bytes("data").to_vec());
    let signature = entry.sent.signatures.first().map(Vec::as_slice).unwrap_or_default();
    let part = |from: usize, to: usize| data(signature.get(from..to).unwrap_or_default());
    let v = signature.get(64).map_or(0, |v| if *v < 27 { v + 27 } else { *v });
    json!({
        "blockHash": data(chain.blocks.id(entry.block)),
        "blockNumber": quantity(entry.block),
        "from": evm(entry.sent.owner()),
        "gas": quantity(entry.outcome.as_ref().map_or(0, |outcome| outcome.energy)),
        "gasPrice": quantity(chain.energy_price_sun),
        "hash": data(entry.sent.id.bytes()),
        "input": data(input.unwrap_or_default()),
        "nonce": data([0; 8]),
        "r": part(0, 32),
        "s": part(32, 64),
        "v": data([v]),
        "to": evm(entry.to()),
        "transactionIndex": quantity(index(chain, entry)),
        "type": "0x0",
        "value": quantity(entry.value_sun()),
    })
}

pub fn receipt(chain: &Chain, entry: &Entry) -> Value {
    let energy = |entry: &Entry| entry.outcome.as_ref().map_or(0, |outcome| outcome.energy);
    let place = index(chain, entry);
    let before: u64 = (0..=place).zip(chain.history.of_block(entry.block)).map(|(_, entry)| energy(entry)).sum();
    json!({
        "blockHash": data(chain.blocks.id(entry.block)),
        "blockNumber": quantity(entry.block),
        "contractAddress": evm(entry.created),
        "cumulativeGasUsed": quantity(before),
        "effectiveGasPrice": quantity(chain.energy_price_sun),
        "from": evm(entry.sent.owner()),
        "gasUsed": quantity(energy(entry)),
        "logs": logs_of(chain, entry),
        "logsBloom": data([0; BLOOM_BYTES]),
        "status": if entry.ended() == Ended::Success { "0x1" } else { "0x0" },
        "to": evm(entry.to()),
        "transactionHash": data(entry.sent.id.bytes()),
        "transactionIndex": quantity(place),
        "type": "0x0",
    })
}

/// Logs are counted through their block.
fn logs_of(chain: &Chain, entry: &Entry) -> Vec<Value> {
    let logs = |entry: &Entry| entry.outcome.as_ref().map(|outcome| outcome.logs.clone()).unwrap_or_default();
    let place = index(chain, entry);
    let before: usize = (0..place).zip(chain.history.of_block(entry.block)).map(|(_, entry)| logs(entry).len()).sum();
    let number = |at: usize| u64::try_from(before + at).unwrap_or_default();
    let shown = logs(entry).into_iter().enumerate().map(|(at, log)| {
        json!({
            "address": data(log.address),
            "blockHash": data(chain.blocks.id(entry.block)),
            "blockNumber": quantity(entry.block),
            "data": data(&log.data.data),
            "logIndex": quantity(number(at)),
            "removed": false,
            "topics": log.topics().iter().map(data).collect::<Vec<_>>(),
            "transactionHash": data(entry.sent.id.bytes()),
            "transactionIndex": quantity(place),
        })
    });
    shown.collect()
}

/// Null where there is no such block.
pub fn block(chain: &Chain, number: Option<u64>, full: Option<&Value>) -> Reply {
    let Some((number, ms)) = number.and_then(|number| Some((number, chain.blocks.time_ms(number)?))) else {
        return Ok(Value::Null);
    };
    let full = full.and_then(Value::as_bool).unwrap_or_default();
    let entries = || chain.history.of_block(number);
    let transactions: Vec<_> =
        entries().map(|entry| if full { transaction(chain, entry) } else { data(entry.sent.id.bytes()) }).collect();
    let size: u64 = entries().map(|entry| entry.sent.size()).sum();
    let used: u64 = entries().filter_map(|entry| entry.outcome.as_ref()).map(|outcome| outcome.energy).sum();
    let mut block = Map::new();
    for zero in ["baseFeePerGas", "difficulty", "gasLimit", "totalDifficulty"] {
        block.insert(zero.into(), quantity(0));
    }
    for hash in ["mixHash", "receiptsRoot", "sha3Uncles"] {
        block.insert(hash.into(), data([0; 32]));
    }
    let rest = json!({
        "extraData": "0x",
        "gasUsed": quantity(used),
        "hash": data(chain.blocks.id(number)),
        "logsBloom": data([0; BLOOM_BYTES]),
        "miner": evm(Some(witness())),
        "nonce": data([0; 8]),
        "number": quantity(number),
        "parentHash": data(parent(chain, number)),
        "size": quantity(size),
        "stateRoot": "0x",
        "timestamp": quantity(ms / 1000),
        "transactions": transactions,
        "transactionsRoot": data(root(chain, number)),
        "uncles": [],
    });
    block.extend(rest.as_object().cloned().unwrap_or_default());
    Ok(Value::Object(block))
}

/// How many transactions a block has; null where there is none.
pub fn count(chain: &Chain, number: Option<u64>) -> Value {
    let count = |number| u64::try_from(chain.history.of_block(number).count()).unwrap_or_default();
    number.map_or(Value::Null, |number| quantity(count(number)))
}

/// Every log of a range of blocks, by its contract and its topics.
pub fn logs(chain: &Chain, filter: Option<&Value>) -> Reply {
    let member = |name: &str| filter.and_then(|filter| filter.get(name)).filter(|value| !value.is_null());
    let head = chain.tip(View::Head);
    let (first, last) = match member("blockHash") {
        Some(id) => {
            let number = chain.blocks.find(hash(Some(id))?.bytes());
            let number = number.ok_or_else(|| Failure::parameter("invalid blockHash"))?;
            (number, number)
        }
        None => {
            let beyond = head.saturating_add(1);
            (number(chain, member("fromBlock"))?.unwrap_or(beyond), number(chain, member("toBlock"))?.unwrap_or(head))
        }
    };
    let addresses = one_or_more(member("address"), |value| Ok(data(address(Some(value))?.bytes())))?;
    let topics = member("topics").and_then(Value::as_array).cloned().unwrap_or_default();
    let topics: Vec<_> = topics
        .iter()
        .map(|topic| one_or_more(Some(topic).filter(|topic| !topic.is_null()), |one| Ok(data(bytes(Some(one))?))))
        .collect::<Result<_, _>>()?;
    let fits = |log: &Value| {
        let found = log.get("topics").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let by_address = addresses.is_empty() || log.get("address").is_some_and(|of| addresses.contains(of));
        let by_topics = topics
            .iter()
            .enumerate()
            .all(|(at, wanted)| wanted.is_empty() || found.get(at).is_some_and(|topic| wanted.contains(topic)));
        by_address && by_topics
    };
    Ok(chain.history.between(first, last).flat_map(|entry| logs_of(chain, entry)).filter(fits).collect())
}

/// A value, or a list of which one has to fit; none means any.
fn one_or_more(value: Option<&Value>, read: impl Fn(&Value) -> Reply) -> Result<Vec<Value>, Failure> {
    match value {
        None => Ok(Vec::new()),
        Some(Value::Array(list)) => list.iter().map(read).collect(),
        Some(one) => Ok(vec![read(one)?]),
    }
}
