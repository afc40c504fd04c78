//! Blocks as a node shows them: by number, by id, in lists. What is not there is `{}`.

use super::json::{Answer, Args, Form};
use super::message::{contract, transaction, with};
use super::positive;
use super::receipts::with_result;
use crate::chain::{Chain, View};
use crate::genesis::FAUCET;
use crate::history::Entry;
use crate::incoming::Sent;
use revm::primitives::keccak256;
use serde_json::{Map, Value as Json, json};
use std::sync::LazyLock;
use tron::foreign::Value;
use tron::foreign::schema::{RAW, TRANSFER};
use tron::{Address, Digest, PrivateKey};

/// How many blocks a list holds at most.
const MAX_LIST: u64 = 100;
/// What the first block gave out, in sun.
const FIRST_SUN: i64 = 99_000_000_000_000_000;
/// From whom: the text that stands in the place of an address in every first block.
const NOBODY: &[u8] = b"0x000000000000000000000";

/// Makes all blocks. Its key is public, as everything here.
static WITNESS: LazyLock<Option<PrivateKey>> =
    LazyLock::new(|| PrivateKey::from_bytes(&keccak256("countersign devnet: the witness").0).ok());

pub fn witness() -> Address {
    WITNESS.as_ref().map_or(FAUCET, PrivateKey::address)
}

/// `getnowblock`, `getblock`, `getblockbynum`, `getblockbyid`: the block that `number` asks for, or `{}`.
pub fn block(chain: &Chain, view: View, number: Option<u64>, detail: bool, form: Form) -> Json {
    match number {
        Some(number) if number <= chain.tip(view) => shown(chain, number, detail, form).unwrap_or_else(|| json!({})),
        _ => json!({}),
    }
}

/// `getblockbynum`: without a number the first one, with a negative one none.
pub fn by_number(chain: &Chain, view: View, args: &Args) -> Answer {
    let number = u64::try_from(args.signed("num")?.unwrap_or_default()).ok();
    Ok(block(chain, view, number, true, args.form()))
}

/// `getblock`: by number, by id, or the last one.
pub fn by_either(chain: &Chain, view: View, args: &Args) -> Answer {
    let number = match args.get("id_or_num") {
        None => Some(chain.tip(view)),
        Some(_) => match args.signed("id_or_num") {
            Ok(number) => number.and_then(|number| u64::try_from(number).ok()),
            Err(_) => args.id("id_or_num")?.and_then(|id| chain.blocks.find(&id)),
        },
    };
    Ok(block(chain, view, number, args.flag("detail", false), args.form()))
}

/// `getblockbylimitnext` (the end is not in it) and `getblockbylatestnum`; nothing where more than a hundred are wanted.
pub fn list(chain: &Chain, view: View, first: u64, end: u64, form: Form) -> Json {
    let end = if end.saturating_sub(first) > MAX_LIST { first } else { end.min(chain.tip(view) + 1) };
    let list: Vec<_> = (first..end).filter_map(|number| shown(chain, number, true, form)).collect();
    if list.is_empty() { json!({}) } else { json!({ "block": list }) }
}

/// `gettransactioncountbyblocknum`.
pub fn count(chain: &Chain, view: View, args: &Args) -> Answer {
    Ok(match u64::try_from(args.signed("num")?.unwrap_or_default()) {
        Ok(0) => json!({ "count": 1 }),
        Ok(number) if number <= chain.tip(view) => json!({ "count": chain.history.of_block(number).count() }),
        _ => json!({ "count": -1 }),
    })
}

/// Stands for the root of the tree of a block's transactions; zeros where there are none.
pub fn root(chain: &Chain, number: u64) -> [u8; 32] {
    let ids: Vec<u8> = chain.history.of_block(number).flat_map(|entry| *entry.sent.id.bytes()).collect();
    match (ids.is_empty(), number) {
        (_, 0) => *first().id.bytes(),
        (true, _) => [0; 32],
        (false, _) => keccak256(ids).0,
    }
}

pub fn parent(chain: &Chain, number: u64) -> [u8; 32] {
    number.checked_sub(1).map_or([0; 32], |parent| chain.blocks.id(parent))
}

fn shown(chain: &Chain, number: u64, detail: bool, form: Form) -> Option<Json> {
    let timestamp = chain.blocks.time_ms(number)?;
    let id = chain.blocks.id(number);
    let mut raw = Map::new();
    positive(&mut raw, "number", number);
    raw.insert("txTrieRoot".into(), hex::encode(root(chain, number)).into());
    let mut header = Map::new();
    if number > 0 {
        raw.insert("witness_address".into(), form.address(witness()));
        raw.insert("version".into(), 32.into());
        if let Some(key) = WITNESS.as_ref() {
            let signature = key.sign(&Digest::from_bytes(id)).to_bytes();
            header.insert("witness_signature".into(), hex::encode(signature).into());
        }
    } else {
        raw.insert(
            "witness_address".into(),
            hex::encode("A new system must allow existing systems to be linked together").into(),
        );
    }
    raw.insert("parentHash".into(), hex::encode(parent(chain, number)).into());
    positive(&mut raw, "timestamp", timestamp);
    header.insert("raw_data".into(), Json::Object(raw));
    let mut block = Map::new();
    block.insert("blockID".into(), hex::encode(id).into());
    block.insert("block_header".into(), Json::Object(header));
    let list: Vec<_> = match number {
        0 => vec![Json::Object(transaction(&first(), form))],
        _ => chain.history.of_block(number).map(|entry| included(entry, form)).collect(),
    };
    if detail && !list.is_empty() {
        block.insert("transactions".into(), list.into());
    }
    Some(Json::Object(block))
}

pub fn included(entry: &Entry, form: Form) -> Json {
    with_result(&entry.sent, entry.ended(), form)
}

/// The one transaction of the first block.
fn first() -> Sent {
    let transfer = with(
        &TRANSFER,
        vec![
            ("owner_address", Value::Bytes(NOBODY.to_vec())),
            ("to_address", Value::Bytes(FAUCET.to_bytes21().to_vec())),
            ("amount", Value::Int(FIRST_SUN)),
        ],
    );
    Sent::of_message(&with(&RAW, vec![("contract", Value::Message(contract(transfer, 0)))]), Vec::new())
}
