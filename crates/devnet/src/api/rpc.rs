//! The Ethereum JSON-RPC of a node: reads only. Which methods there are, and the errors that a node has for the rest;
//! what the answers look like is in `eth`.

use super::Node;
use super::contract::OUT_OF_TIME;
use super::eth;
use crate::busy::Work;
use crate::chain::{Chain, View};
use crate::vm::CHAIN_ID;
use revm::primitives::keccak256;
use serde_json::{Value, json};

/// Code and words of an error; `data` stands beside the words of what a method refuses.
#[derive(Clone, Debug)]
pub struct Failure {
    code: i32,
    words: String,
    has_data: bool,
}

impl Failure {
    fn new(code: i32, words: impl Into<String>) -> Self {
        Self { code, words: words.into(), has_data: true }
    }

    /// A parameter is none.
    pub fn parameter(words: impl Into<String>) -> Self {
        Self::new(-32602, words)
    }

    /// What was asked can't be done here.
    pub fn request(words: impl Into<String>) -> Self {
        Self::new(-32600, words)
    }

    /// Code ran and failed.
    pub fn run(words: impl Into<String>) -> Self {
        Self::new(-32000, words)
    }
}

pub type Reply = Result<Value, Failure>;

/// Methods of Ethereum that a node knows and does not have.
const NOT_HERE: &[&str] = &[
    "eth_getTransactionCount",
    "eth_sendRawTransaction",
    "eth_sendTransaction",
    "eth_sign",
    "eth_signTransaction",
    "eth_submitWork",
    "eth_submitHashrate",
    "eth_getCompilers",
    "eth_compileSolidity",
    "eth_compileLLL",
    "eth_compileSerpent",
    "eth_getUncleByBlockHashAndIndex",
    "eth_getUncleByBlockNumberAndIndex",
    "parity_nextNonce",
];

/// One question, or several in a list.
pub fn answer(node: &Node, body: &[u8]) -> Value {
    match serde_json::from_slice(body) {
        Ok(Value::Array(list)) => list.iter().map(|question| one(node, question)).collect(),
        Ok(question @ Value::Object(_)) => one(node, &question),
        // The id is the text "null" here, as a node has it.
        _ => {
            json!({ "jsonrpc": "2.0", "id": "null", "error": { "code": -32700, "message": "JSON parse error" } })
        }
    }
}

fn one(node: &Node, question: &Value) -> Value {
    let id = question.get("id").cloned().unwrap_or_default();
    let method = question.get("method").and_then(Value::as_str).unwrap_or_default();
    let params = question.get("params").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    match run(node, method, params) {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err(Failure { code, words, has_data }) => {
            let mut error = json!({ "code": code, "message": words });
            if let (Some(error), true) = (error.as_object_mut(), has_data) {
                error.insert("data".into(), "{}".into());
            }
            json!({ "jsonrpc": "2.0", "id": id, "error": error })
        }
    }
}

fn run(node: &Node, method: &str, params: &[Value]) -> Reply {
    if matches!(method, "eth_call" | "eth_estimateGas") && node.is_busy(Work::TrialRun) {
        return Err(Failure::run(OUT_OF_TIME));
    }
    let chain = &*node.chain();
    match method {
        "eth_chainId" | "net_version" => Ok(eth::quantity(CHAIN_ID)),
        "eth_blockNumber" => Ok(eth::quantity(chain.tip(View::Head))),
        "eth_gasPrice" => Ok(eth::quantity(chain.energy_price_sun)),
        "eth_accounts" => Ok(json!([])),
        "eth_syncing" | "net_listening" => Ok(false.into()),
        "net_peerCount" => Ok(eth::quantity(0)),
        "web3_clientVersion" => Ok(concat!("TRON/countersign-devnet/", env!("CARGO_PKG_VERSION")).into()),
        "web3_sha3" => Ok(eth::data(keccak256(eth::bytes(params.first())?))),
        "eth_getBalance" => eth::balance(chain, params),
        "eth_getCode" => eth::code(chain, params),
        "eth_getStorageAt" => eth::storage(chain, params),
        "eth_call" => eth::call(chain, params),
        "eth_estimateGas" => eth::estimate(chain, params),
        "eth_getTransactionByHash" => Ok(eth::transaction_of(chain, eth::hash(params.first())?)),
        "eth_getTransactionReceipt" => receipt(node, chain, params),
        "eth_getBlockByNumber" => eth::block(chain, eth::number(chain, params.first())?, params.get(1)),
        "eth_getBlockByHash" => {
            let number = chain.blocks.find(eth::hash(params.first())?.bytes());
            eth::block(chain, number, params.get(1))
        }
        "eth_getBlockTransactionCountByNumber" => Ok(eth::count(chain, eth::number(chain, params.first())?)),
        "eth_getBlockTransactionCountByHash" => {
            Ok(eth::count(chain, chain.blocks.find(eth::hash(params.first())?.bytes())))
        }
        "eth_getLogs" => eth::logs(chain, params.first()),
        _ if NOT_HERE.contains(&method) => {
            Err(Failure::new(-32601, format!("the method {method} does not exist/is not available")))
        }
        _ => Err(Failure { code: -32601, words: "method not found".into(), has_data: false }),
    }
}

fn receipt(node: &Node, chain: &Chain, params: &[Value]) -> Reply {
    let id = eth::hash(params.first())?;
    let entry = chain.history.get(&id).filter(|_| !node.says_nothing(id));
    Ok(entry.map_or(Value::Null, |entry| eth::receipt(chain, entry)))
}
