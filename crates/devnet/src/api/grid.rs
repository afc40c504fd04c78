//! What TronGrid answers beside a node: the transfers of tokens that an account gave or got.

use super::{Node, reply};
use crate::chain::{Chain, View};
use crate::vm::Ended;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use revm::primitives::Log;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use tron::Address;
use tron::abi::{self, Transfer};

const MAX_PAGE: usize = 200;

/// Everything is a text or left out.
#[derive(Debug, Deserialize)]
pub struct Question {
    limit: Option<usize>,
    /// Where the page before ended.
    fingerprint: Option<usize>,
    contract_address: Option<String>,
    min_timestamp: Option<u64>,
    max_timestamp: Option<u64>,
    #[serde(default)]
    only_confirmed: bool,
    #[serde(default)]
    only_from: bool,
    #[serde(default)]
    only_to: bool,
    /// `block_timestamp,asc` begins with the oldest.
    order_by: Option<String>,
}

/// `/v1/accounts/{address}/transactions/trc20`.
pub async fn transfers(node: State<Arc<Node>>, path: Path<String>, query: Query<Question>) -> Response {
    let token = query.contract_address.as_deref().map(Address::parse).transpose();
    match (Address::parse(&path), token) {
        (Ok(account), Ok(token)) => reply(&page(&node.chain(), account, token, &query)),
        _ => {
            let words = json!({ "success": false, "error": "A valid account address is required.", "statusCode": 400 });
            (StatusCode::BAD_REQUEST, reply(&words)).into_response()
        }
    }
}

fn page(chain: &Chain, account: Address, token: Option<Address>, question: &Question) -> Value {
    let tip = chain.tip(if question.only_confirmed { View::Solid } else { View::Head });
    let times = question.min_timestamp.unwrap_or_default()..=question.max_timestamp.unwrap_or(u64::MAX);
    let wanted = |from: Address, to: Address| {
        let (gave, got) = (from == account, to == account);
        if question.only_from || question.only_to {
            question.only_from && gave || question.only_to && got
        } else {
            gave || got
        }
    };
    let mut found = Vec::new();
    let entries = chain.history.newest_first().filter(|entry| entry.block <= tip && times.contains(&entry.block_ms));
    for entry in entries.filter(|entry| entry.ended() == Ended::Success) {
        let logs = entry.outcome.iter().flat_map(|outcome| outcome.logs.iter().rev());
        for (log, Transfer { from, to, amount }) in logs.filter_map(|log| Some((log, transfer(log)?))) {
            let contract = Address::from_bytes(log.address.into_array());
            if wanted(from, to) && token.is_none_or(|token| token == contract) {
                found.push(json!({
                    "transaction_id": entry.sent.id.to_string(),
                    "token_info": info(chain, contract),
                    "block_timestamp": entry.block_ms,
                    "from": from.to_string(),
                    "to": to.to_string(),
                    "type": "Transfer",
                    "value": amount.to_string(),
                }));
            }
        }
    }
    if question.order_by.as_deref().is_some_and(|order| order.ends_with(",asc")) {
        found.reverse();
    }
    let (start, limit) = (question.fingerprint.unwrap_or_default(), question.limit.unwrap_or(20).clamp(1, MAX_PAGE));
    let more = found.len() > start.saturating_add(limit);
    let data: Vec<_> = found.into_iter().skip(start).take(limit).collect();
    let mut meta = json!({ "at": chain.now_ms(), "page_size": data.len() });
    if let (Some(meta), true) = (meta.as_object_mut(), more) {
        meta.insert("fingerprint".into(), (start + limit).to_string().into());
    }
    json!({ "data": data, "success": true, "meta": meta })
}

fn transfer(log: &Log) -> Option<Transfer> {
    let topics: Vec<[u8; 32]> = log.topics().iter().map(|topic| topic.0).collect();
    abi::decode_transfer(&topics, &log.data.data)
}

/// What a token says of itself.
fn info(chain: &Chain, token: Address) -> Value {
    let ask = |data: Vec<u8>| chain.read(token, data);
    let text = |data: Vec<u8>| abi::decode_symbol(&ask(data)).unwrap_or_default();
    json!({
        "symbol": text(abi::symbol()),
        "address": token.to_string(),
        "decimals": abi::decode_decimals(&ask(abi::decimals())),
        // `name()`; its answer has the same form as a symbol's.
        "name": text(vec![0x06, 0xfd, 0xde, 0x03]),
    })
}
