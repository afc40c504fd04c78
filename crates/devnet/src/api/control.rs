//! `devnet/`: money, blocks, time and failures on demand. Problems are status 400 with `error`.

use super::{Fault, Node};
use crate::busy::{Busy, Excuse, Loads, Share};
use crate::{Fork, Gift, genesis};
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tron::{Address, Amount, SignedTransaction};

type Shared = State<Arc<Node>>;
type Answer = Result<Json<Value>, (StatusCode, Json<Value>)>;

/// More at once would only be a mistake.
const MAX_BLOCKS: u64 = 10_000_000;

pub fn routes() -> Router<Arc<Node>> {
    Router::new()
        .route("/faucet", post(faucet))
        .route("/mine", post(mine))
        .route("/fork", post(fork))
        .route("/clock", get(clock).post(set_clock))
        .route("/faults", post(plan_fault).delete(clear_faults))
        .route("/receipts", post(be_silent))
        .route("/busy", get(loads).post(be_busy).delete(be_idle))
}

/// What this devnet is and which contracts it has.
pub async fn about(State(node): Shared) -> Json<Value> {
    let chain = node.chain();
    let contracts: Vec<_> = chain
        .contracts
        .iter()
        .map(|(address, contract)| {
            let is_fake = *address == genesis::FAKE_USDT;
            json!({ "address": address.to_string(), "name": contract.name, "token": contract.is_token, "fake": is_fake })
        })
        .collect();
    Json(json!({
        "chainId": crate::vm::CHAIN_ID,
        "head": chain.blocks.head(),
        "energyPriceSun": chain.energy_price_sun,
        "contracts": contracts,
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaucetQuestion {
    address: String,
    trx_sun: Option<u64>,
    token: Option<String>,
    /// Smallest units, as a decimal text.
    amount: Option<String>,
}

async fn faucet(State(node): Shared, Json(question): Json<FaucetQuestion>) -> Answer {
    let to = Address::parse(&question.address).map_err(problem)?;
    let mut gifts: Vec<Gift> = question.trx_sun.map(Gift::Trx).into_iter().collect();
    match (&question.token, &question.amount) {
        (Some(token), Some(amount)) => gifts.push(Gift::Token(
            Address::parse(token).map_err(problem)?,
            Amount::parse_smallest(amount).map_err(problem)?,
        )),
        (None, None) => {}
        _ => return Err(problem("token and amount belong together")),
    }
    if gifts.is_empty() {
        return Err(problem("give trx_sun, or token and amount"));
    }
    let mut chain = node.chain();
    for gift in gifts {
        chain.faucet(to, gift).map_err(problem)?;
    }
    Ok(Json(json!({ "block": chain.blocks.head() })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MineQuestion {
    #[serde(default = "one")]
    blocks: u64,
}

fn one() -> u64 {
    1
}

async fn mine(State(node): Shared, Json(question): Json<MineQuestion>) -> Answer {
    if question.blocks > MAX_BLOCKS {
        return Err(problem(format!("at most {MAX_BLOCKS} blocks at once")));
    }
    Ok(Json(json!({ "block": node.chain().mine(question.blocks) })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ForkQuestion {
    #[serde(default = "one")]
    blocks: u64,
    /// Signed transactions of the other branch, as hex.
    #[serde(default)]
    instead: Vec<String>,
    #[serde(default)]
    forget: bool,
}

async fn fork(State(node): Shared, Json(question): Json<ForkQuestion>) -> Answer {
    let ForkQuestion { blocks, instead, forget } = question;
    let instead =
        instead.iter().map(|hex| SignedTransaction::from_hex(hex)).collect::<Result<_, _>>().map_err(problem)?;
    let forked = node.chain().fork(Fork { blocks, instead, forget }).map_err(problem)?;
    let dropped: Vec<_> = forked.dropped.iter().map(ToString::to_string).collect();
    Ok(Json(json!({ "dropped": dropped, "block": forked.head })))
}

async fn clock(State(node): Shared) -> Json<Value> {
    let clock = node.chain().clock().clone();
    Json(json!({ "now_ms": clock.now_ms(), "frozen": clock.is_frozen() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockQuestion {
    set_ms: Option<u64>,
    advance_ms: Option<u64>,
    frozen: Option<bool>,
}

/// In this order: set, advance, freeze or run.
async fn set_clock(State(node): Shared, Json(question): Json<ClockQuestion>) -> Answer {
    let clock = node.chain().clock().clone();
    if let Some(to_ms) = question.set_ms
        && !clock.set(to_ms)
    {
        return Err(problem("time does not go back"));
    }
    clock.advance(Duration::from_millis(question.advance_ms.unwrap_or_default()));
    match question.frozen {
        Some(true) => clock.freeze(),
        Some(false) => clock.run(),
        None => {}
    }
    Ok(Json(json!({ "now_ms": clock.now_ms(), "frozen": clock.is_frozen() })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultQuestion {
    path: String,
    #[serde(default = "one")]
    times: u64,
    kind: Fault,
}

async fn plan_fault(State(node): Shared, Json(question): Json<FaultQuestion>) -> Json<Value> {
    node.plan_fault(&question.path, question.times, question.kind);
    Json(json!({}))
}

async fn clear_faults(State(node): Shared) -> Json<Value> {
    node.clear_faults();
    Json(json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SilenceQuestion {
    silent: u64,
}

async fn be_silent(State(node): Shared, Json(question): Json<SilenceQuestion>) -> Json<Value> {
    node.be_silent(question.silent);
    Json(json!({}))
}

async fn loads(State(node): Shared) -> Json<Loads> {
    Json(node.loads())
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct BusyQuestion {
    trial_runs: Share,
    broadcasts: Share,
    code: Excuse,
}

async fn be_busy(State(node): Shared, Json(question): Json<BusyQuestion>) -> Json<Busy> {
    let BusyQuestion { trial_runs, broadcasts, code } = question;
    let busy = Busy { trial_runs, broadcasts };
    node.set_excuse(code);
    node.be_busy(busy);
    Json(busy)
}

async fn be_idle(State(node): Shared) -> Json<Busy> {
    node.be_busy(Busy::default());
    Json(Busy::default())
}

fn problem(reason: impl ToString) -> (StatusCode, Json<Value>) {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": reason.to_string() })))
}
