//! The few Ethereum JSON-RPC methods that clients ask a TRON node. Reads only.

use super::Node;
use super::contract::OUT_OF_TIME;
use super::json::{Args, unhex};
use crate::busy::Work;
use crate::chain::{Chain, SIMULATION_ENERGY, View};
use crate::vm::{CHAIN_ID, Call, Ended};
use serde_json::{Value, json};
use tron::Address;

/// One call; batches are refused.
pub fn answer(node: &Node, body: &[u8]) -> Value {
    let chain = &*node.chain();
    let args = match Args::read(body) {
        Ok(args) => args,
        Err(error) => return failure(&Value::Null, -32700, &error.0),
    };
    let id = args.get("id").cloned().unwrap_or_default();
    let params = args.get("params").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let address = |index: usize| params.get(index).and_then(Value::as_str).and_then(|text| Address::parse(text).ok());
    let result = match args.text("method") {
        Some("eth_chainId" | "net_version") => Ok(format!("{CHAIN_ID:#x}")),
        Some("eth_blockNumber") => Ok(format!("{:#x}", chain.tip(View::Head))),
        Some("eth_getCode") => address(0)
            .map(|at| format!("0x{}", hex::encode(chain.state(View::Head).code(at))))
            .ok_or((-32602, "invalid address".to_owned())),
        Some("eth_getBalance") => address(0)
            .map(|of| format!("{:#x}", chain.state(View::Head).balance(of)))
            .ok_or((-32602, "invalid address".to_owned())),
        Some("eth_call") if node.is_busy(Work::TrialRun) => Err((-32000, OUT_OF_TIME.to_owned())),
        Some("eth_call") => call(chain, params.first()),
        _ => Err((-32601, "the method does not exist".to_owned())),
    };
    match result {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err((code, message)) => failure(&id, code, &message),
    }
}

fn call(chain: &Chain, question: Option<&Value>) -> Result<String, (i32, String)> {
    let text = |name: &str| question.and_then(|q| q.get(name)).and_then(Value::as_str);
    let address = |name: &str| text(name).and_then(|text| Address::parse(text).ok());
    let to = address("to").ok_or((-32602, "invalid address in to".to_owned()))?;
    let data = unhex("data", text("data").or_else(|| text("input")).unwrap_or_default());
    let data = data.map_err(|error| (-32602, error.0))?;
    let from = address("from").unwrap_or(Address::ZERO);
    let call = Call { from, to, value_sun: 0, data, energy_limit: SIMULATION_ENERGY };
    let outcome = chain.simulate(View::Head, call).map_err(|reason| (-32000, reason))?;
    match outcome.ended {
        Ended::Success => Ok(format!("0x{}", hex::encode(outcome.output))),
        ended => Err((-32000, ended.message().to_owned())),
    }
}

fn failure(id: &Value, code: i32, message: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
}
