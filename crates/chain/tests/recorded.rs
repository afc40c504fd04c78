//! What a java-tron 4.8.0 answered, as data (`recorded.json`), and what the client makes of each: a value, nothing, the
//! contract's or the node's no, or that nothing is known.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod support;

use axum::{
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use chain::{BroadcastError, ChainError, Finality, TronGrid};
use serde_json::Value;
use support::{Fake, address, grid, transaction};
use tron::{Address, Amount, tx::TxId};

fn recorded(name: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("recorded.json")).unwrap();
    all[name].as_object().unwrap_or_else(|| panic!("nothing recorded as {name:?}")).clone().into()
}

fn answer(recorded: &Value) -> Response {
    let status = StatusCode::from_u16(u16::try_from(recorded["status"].as_u64().unwrap()).unwrap()).unwrap();
    match recorded["page"].as_str() {
        Some(page) => (status, Html(page.to_owned())).into_response(),
        None => (status, axum::Json(recorded["answer"].clone())).into_response(),
    }
}

/// A client of a node that answers this to everything.
async fn saying(name: &str) -> TronGrid {
    let recorded = recorded(name);
    grid(&[&Fake::start(move |_, _| answer(&recorded)).await])
}

/// The client, and the transaction that the recorded receipt is of.
async fn receipt(name: &str) -> Result<Option<chain::Receipt>, ChainError> {
    let id = recorded(name)["answer"]["id"].as_str().map(|id| id.parse::<TxId>().unwrap());
    saying(name).await.receipt(&id.unwrap_or(transaction().id()), Finality::Seen).await
}

#[tokio::test]
async fn blocks_and_the_node_itself() {
    let head = saying("newest block").await.head().await.unwrap();
    assert_eq!((head.number, head.timestamp_ms), (17, 1_795_970_718_000));
    let node = Fake::start(|path, _| match path {
        "/wallet/getblockbynum" => answer(&recorded("genesis block")),
        "/wallet/getnodeinfo" => answer(&recorded("node info")),
        "/wallet/getnowblock" => answer(&recorded("newest block")),
        _ => answer(&recorded("no door")),
    })
    .await;
    let grid = grid(&[&node]);
    assert_eq!(grid.chain_id().await, Ok(0xd6f1_88aa), "a private chain's own");
    assert_eq!(grid.check(&[]).await[0].version.as_deref(), Some("4.8.0"));
}

#[tokio::test]
async fn accounts() {
    let (payer, who) = (address(1), |name| saying(name));
    let account = who("account").await.account(payer).await.unwrap();
    assert!(account.active && account.trx_sun == 9_999_899_999);
    assert_eq!(who("no account").await.account(payer).await.map(|a| (a.active, a.trx_sun)), Ok((false, 0)));
    let own: Address = "TMDvzMXWnCwcB7SNtC1u4p5UQnLMta2r3V".parse().unwrap();
    let account = who("account with an active permission").await.account(own).await.unwrap();
    assert!(account.own_key, "the owner permission is its own; the active one is two others'");
    assert!(who("bad address").await.account(payer).await.unwrap_err().is_silence());
    let free = who("resources").await.resources(payer).await.unwrap();
    assert_eq!((free.energy, free.bandwidth), (0, 5_000));
    let staked = who("resources of a stake").await.resources(payer).await.unwrap();
    assert_eq!((staked.energy, staked.bandwidth), (50_705_278_115, 5_000 - 2_708));
    assert_eq!(who("parameters").await.energy_price_sun().await, Ok(100));
    assert_eq!(who("parameters").await.byte_price_sun().await, Ok(10));
}

#[tokio::test]
async fn contracts_and_trial_runs() {
    assert_eq!(saying("contract").await.has_code(address(1)).await, Ok(true));
    assert_eq!(saying("no contract").await.has_code(address(1)).await, Ok(false));
    let run = async |name| saying(name).await.simulate(address(2), address(1), vec![1, 2, 3, 4]).await;
    let balance = run("balance").await.unwrap();
    assert_eq!((balance.ok, balance.energy), (true, 479));
    assert_eq!(balance.output, Amount::from_u64(1_000_000_000_000).to_be_bytes());
    let reverted = run("run that reverts").await.unwrap();
    assert_eq!(reverted.revert.as_deref(), Some("TRC20: transfer amount exceeds balance"));
    let silent = run("run of no function").await.unwrap();
    assert_eq!((silent.ok, silent.revert.as_deref()), (false, Some("REVERT opcode executed")));
    for (name, expected) in [("run without code", "CONTRACT_VALIDATE_ERROR"), ("run of garbage", "OTHER_ERROR")] {
        let error = run(name).await.unwrap_err();
        assert!(matches!(&error, ChainError::Refused { code, .. } if code == expected), "{name}: {error}");
        assert!(!error.is_transient() && !error.is_silence(), "{name}: {error}");
    }
}

#[tokio::test]
async fn receipts() {
    assert_eq!(receipt("no receipt").await, Ok(None));
    for (name, success, tells, result, logs, fee_sun) in [
        ("receipt of TRX", false, false, "", 0, 0),
        ("receipt of a token", true, true, "SUCCESS", 1, 2_794_300),
        ("receipt of a revert", false, true, "REVERT", 0, 72_700),
        ("receipt out of energy", false, true, "OUT_OF_ENERGY", 0, 10_000),
    ] {
        let receipt = receipt(name).await.unwrap().unwrap();
        let told = (receipt.success, receipt.tells(), receipt.result.as_str(), receipt.logs.len(), receipt.fee_sun);
        assert_eq!(told, (success, tells, result, logs, fee_sun), "{name}");
    }
}

#[tokio::test]
async fn answers_to_a_broadcast() {
    let sent = async |name| saying(name).await.broadcast(&transaction()).await;
    assert_eq!(sent("known").await, Ok(()));
    assert_eq!(sent("expired").await, Err(BroadcastError::Expired));
    assert_eq!(sent("other chain").await, Err(BroadcastError::Tapos));
    assert!(matches!(sent("signature missing").await, Err(BroadcastError::Signature { .. })));
    let too_big = sent("too big").await.unwrap_err();
    assert!(matches!(&too_big, BroadcastError::Other { code, .. } if code == "TOO_BIG_TRANSACTION_ERROR"));
    // The node could not read it, which says nothing about another one.
    assert!(matches!(sent("garbage").await, Err(BroadcastError::Unknown(_))));
}
