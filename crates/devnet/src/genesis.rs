//! The contracts that are there from the first block, at their Nile addresses. Their code is compiled from
//! contracts/*.sol and read from the committed artifacts.

use crate::DevnetError;
use crate::action::Creation;
use revm::primitives::{U256, keccak256};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;
use tron::foreign::Message;
use tron::{Address, Network, registry, token};

const TEST_TOKEN: &str = include_str!("../contracts/artifacts/TestToken.json");
const PAYMENT_PERMIT: &str = include_str!("../contracts/artifacts/PaymentPermit.json");
const PERMIT2: &str = include_str!("../contracts/artifacts/Permit2.json");
const EXACT_PROXY: &str = include_str!("../contracts/artifacts/ExactProxy.json");
const AUTH_TOKEN: &str = include_str!("../contracts/artifacts/AuthToken.json");

/// The only account that `TestToken` lets mint; its key does not exist.
pub const FAUCET: Address = Address::from_bytes([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFA, 0x0C, 0xE7]);

/// The fake USDT: it calls itself Tether USD, USDT, with 6 decimals, and is in no token table.
pub const FAKE_USDT: Address = Address::from_bytes(*b"countersign fakeUSDT");

/// A token that can be spent by signature (TIP-3009), which none of the well-known ones can: Authorized Dollar,
/// AUSD, 6 decimals, domain version "1". It is in no token table.
pub const AUTHORIZED_USD: Address = Address::from_bytes(*b"countersign AuthUSD.");

/// A contract: one of the first block, or one that a transaction made.
#[derive(Debug)]
pub struct Deployed {
    pub name: String,
    /// Who made it.
    pub origin: Address,
    pub user_percent: u64,
    pub origin_energy_limit: u64,
    /// The ABI in a node's words (`entrys`, `Function`, `View`).
    pub abi: Value,
    /// Selectors of functions that only read.
    pub views: Vec<[u8; 4]>,
    pub creation: String,
    pub code: Vec<u8>,
    pub storage: Vec<(u64, U256)>,
    pub is_token: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Artifact {
    abi: Vec<Map<String, Value>>,
    method_identifiers: BTreeMap<String, String>,
    bytecode: String,
    deployed_bytecode: String,
}

/// Every contract of the devnet by address.
pub fn contracts() -> Result<BTreeMap<Address, Arc<Deployed>>, DevnetError> {
    let mut contracts = BTreeMap::new();
    let permit = registry::deployments(Network::Nile).payment_permit;
    contracts.insert(permit, deployed("PaymentPermit", PAYMENT_PERMIT, Vec::new(), false)?);
    for set in &registry::deployments(Network::Nile).permit2 {
        contracts.insert(set.permit2, deployed("Permit2", PERMIT2, Vec::new(), false)?);
        let of_set = vec![(0, U256::from_be_slice(set.permit2.bytes()))];
        contracts.insert(set.exact_proxy, deployed("ExactProxy", EXACT_PROXY, of_set, false)?);
    }
    let named = |symbol: &'static str, name: &'static str, decimals: u8| {
        let storage = vec![(0, short_string(name)), (1, short_string(symbol)), (2, U256::from(decimals))];
        deployed(name, TEST_TOKEN, storage, true)
    };
    for known in token::all().iter().filter(|t| t.network == Network::Nile) {
        let name = if known.symbol == "USDD" { "Decentralized USD" } else { "Tether USD" };
        contracts.insert(known.address, named(known.symbol, name, known.decimals)?);
    }
    contracts.insert(FAKE_USDT, named("USDT", "Tether USD", 6)?);
    let own = vec![(0, short_string("Authorized Dollar")), (1, short_string("AUSD")), (2, U256::from(6))];
    contracts.insert(AUTHORIZED_USD, deployed("Authorized Dollar", AUTH_TOKEN, own, true)?);
    Ok(contracts.into_iter().map(|(address, contract)| (address, Arc::new(contract))).collect())
}

fn deployed(
    name: &'static str,
    artifact: &str,
    storage: Vec<(u64, U256)>,
    is_token: bool,
) -> Result<Deployed, DevnetError> {
    let broken = |reason: String| DevnetError::Artifact { contract: name, reason };
    let artifact: Artifact = serde_json::from_str(artifact).map_err(|e| broken(e.to_string()))?;
    let code = hex::decode(&artifact.deployed_bytecode).map_err(|e| broken(e.to_string()))?;
    let views = artifact
        .method_identifiers
        .iter()
        .filter(|(signature, _)| reads_only(&artifact.abi, signature))
        .filter_map(|(_, selector)| hex::decode(selector).ok()?.try_into().ok())
        .collect();
    let entries: Vec<Value> = artifact.abi.into_iter().map(node_entry).collect();
    let abi = serde_json::json!({ "entrys": entries });
    Ok(Deployed {
        name: name.into(),
        abi,
        views,
        creation: artifact.bytecode,
        code,
        storage,
        is_token,
        ..Deployed::unnamed()
    })
}

impl Deployed {
    /// One that another contract made: nobody says anything of it.
    pub fn unnamed() -> Self {
        Self {
            name: String::new(),
            origin: FAUCET,
            user_percent: 100,
            origin_energy_limit: 10_000_000,
            abi: Value::Object(Map::new()),
            views: Vec::new(),
            creation: String::new(),
            code: Vec::new(),
            storage: Vec::new(),
            is_token: false,
        }
    }

    /// One that a transaction made.
    pub fn new(origin: Address, creation: &Creation) -> Self {
        let abi = creation.abi.as_ref().map_or_else(|| Value::Object(Map::new()), Message::to_json);
        let views = views(&abi);
        Self {
            name: creation.name.clone(),
            origin,
            user_percent: creation.user_percent,
            origin_energy_limit: creation.origin_energy_limit,
            views,
            abi,
            creation: hex::encode(&creation.bytecode),
            ..Self::unnamed()
        }
    }
}

/// Selectors of the functions of a node's ABI that only read.
fn views(abi: &Value) -> Vec<[u8; 4]> {
    let entries = abi.get("entrys").and_then(Value::as_array).into_iter().flatten();
    let reads = |entry: &&Value| {
        entry.get("type").and_then(Value::as_str) == Some("Function")
            && matches!(entry.get("stateMutability").and_then(Value::as_str), Some("View" | "Pure"))
    };
    let selector = |entry: &Value| {
        let inputs = entry.get("inputs").and_then(Value::as_array).into_iter().flatten();
        let types: Vec<_> = inputs.filter_map(|input| input.get("type").and_then(Value::as_str)).collect();
        let name = entry.get("name").and_then(Value::as_str)?;
        keccak256(format!("{name}({})", types.join(","))).first_chunk().copied()
    };
    entries.filter(reads).filter_map(selector).collect()
}

fn reads_only(abi: &[Map<String, Value>], signature: &str) -> bool {
    let name = signature.split('(').next();
    abi.iter().any(|entry| {
        entry.get("name").and_then(Value::as_str) == name
            && matches!(entry.get("stateMutability").and_then(Value::as_str), Some("view" | "pure"))
    })
}

/// The compiler's entry in a node's words: capitalised kinds, no internal types.
fn node_entry(mut entry: Map<String, Value>) -> Value {
    for key in ["type", "stateMutability"] {
        if let Some(Value::String(text)) = entry.get_mut(key)
            && let Some(first) = text.get_mut(..1)
        {
            first.make_ascii_uppercase();
        }
    }
    let mut entry = Value::Object(entry);
    drop_internal_types(&mut entry);
    entry
}

fn drop_internal_types(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.remove("internalType");
            map.remove("anonymous");
            map.values_mut().for_each(drop_internal_types);
            // What is nothing is left out, as everywhere in a node's answers.
            map.retain(|_, value| {
                value.as_str() != Some("")
                    && value.as_array().is_none_or(|list| !list.is_empty())
                    && *value != Value::Bool(false)
            });
        }
        Value::Array(list) => list.iter_mut().for_each(drop_internal_types),
        _ => {}
    }
}

/// Solidity's storage form of a text of at most 31 bytes: left-aligned, twice its length in the last byte.
fn short_string(text: &str) -> U256 {
    let mut word = [0; 32];
    for (to, from) in word.iter_mut().take(31).zip(text.bytes()) {
        *to = from;
    }
    word[31] = u8::try_from(text.len().min(31) * 2).unwrap_or(0);
    U256::from_be_bytes(word)
}
