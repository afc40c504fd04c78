//! Seen is not final: what a fork takes back is found, sent again while its permission lives, and told; and a seller can
//! wait until nothing can be taken back.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod stage;

use devnet::{Fork, Gift, Options};
use serde_json::{Value, json};
use stage::{Paid, START_SECS, Stage, by_exact, key, seller, serve, usdt};
use std::time::Duration;
use tron::{Amount, PrivateKey, SignedTransaction, abi, tx::Contract};
use x402::Signed;

const PRICE: u64 = 50_000;
const MINE: Option<&str> = Some("my-own-secret-of-32-characters-x");
const OTHER: Option<&str> = Some("the-secret-of-another-seller-xxx");
/// Blocks that are not final.
const LAG: u64 = 4;

/// A stage whose last blocks can be dropped, and a payment.
async fn stage() -> (Stage, Paid) {
    let stage = Stage::start_behind(LAG, |_| {}).await;
    stage.approve(1_000_000).await;
    stage.devnet.mine(LAG);
    let paid = stage.payment(PRICE, 1);
    (stage, paid)
}

async fn finally(stage: &Stage, paid: &Paid, key: Option<&str>) -> Value {
    let request = stage.http.post(format!("{}/settle?finality=final", stage.url)).body(paid.body());
    let request = key.iter().fold(request, |request, key| request.header("Idempotency-Key", *key));
    request.send().await.unwrap().json().await.unwrap()
}

/// The one row of `/payments` for nonce 1.
async fn row(stage: &Stage) -> Value {
    let payer = stage.buyer.address();
    let (status, rows) = stage.get(&format!("/payments?network=tron:nile&nonce=1&payer={payer}")).await;
    assert_eq!(status, 200, "{rows}");
    serde_json::from_str::<Value>(&rows).unwrap()[0].take()
}

async fn counted(stage: &Stage, outcome: &str) -> u64 {
    let (_, metrics) = stage.get("/metrics").await;
    let start = format!("facilitator_reversals_total{{network=\"tron:3448148188\",outcome=\"{outcome}\"}} ");
    metrics.lines().find_map(|line| line.strip_prefix(&start)).map_or(0, |count| count.parse().unwrap())
}

async fn signed_call(stage: &Stage, by: &PrivateKey, contract: tron::Address, data: Vec<u8>) -> SignedTransaction {
    let call = Contract::Trigger { owner: by.address(), contract, call_value_sun: 0, data };
    let head = stage.grid.head_at(chain::Finality::Final).await.unwrap();
    SignedTransaction::sign(head.transaction(call, 100_000_000, Duration::from_secs(60)), by)
}

/// Everything that the buyer has, to somebody else.
async fn spend_all(stage: &Stage) -> SignedTransaction {
    let data = abi::transfer(key(0x77).address(), Amount::from_u64(100_000_000));
    signed_call(stage, &stage.buyer, usdt(), data).await
}

fn reason(answer: &Value) -> (&Value, &Value) {
    (&answer["errorReason"], &answer["extra"]["reason"])
}

#[tokio::test]
async fn a_seller_that_asks_for_final_hears_of_the_success_when_no_fork_can_take_it_back() {
    let (stage, paid) = stage().await;
    let pending = finally(&stage, &paid, MINE).await;
    assert_eq!(pending["errorReason"], "settlement_pending", "{pending}");
    assert_eq!(stage.balance(seller()).await, PRICE, "it is in a block");
    let seen = row(&stage).await;
    assert_eq!((&seen["status"], &seen["finality"]), (&json!("success"), &json!("seen")));
    assert_eq!((&seen["txHash"], &seen["amount"]), (&pending["transaction"], &json!("50000")));
    stage.devnet.mine(LAG);
    assert_eq!(finally(&stage, &paid, OTHER).await["errorReason"], "duplicate_settlement");
    let done = finally(&stage, &paid, MINE).await;
    assert_eq!((&done["success"], &done["extra"]), (&json!(true), &json!({ "finality": "final" })), "{done}");
    assert_eq!(done["transaction"], pending["transaction"]);
    assert_eq!(row(&stage).await["finality"], "final");
    let (_, by_hash) = stage.get(&format!("/payments/tx/{}", done["transaction"].as_str().unwrap())).await;
    assert_eq!(serde_json::from_str::<Value>(&by_hash).unwrap(), json!([row(&stage).await]));
    assert_eq!(stage.settle(&paid, None).await["errorReason"], "duplicate_settlement");
}

#[tokio::test]
async fn a_seller_that_asks_for_seen_hears_it_at_once_and_final_later() {
    let (stage, paid) = stage().await;
    let seen = stage.settle(&paid, MINE).await;
    assert_eq!((&seen["success"], seen.get("extra")), (&json!(true), None));
    assert_eq!(finally(&stage, &paid, MINE).await["errorReason"], "settlement_pending");
    stage.devnet.mine(LAG);
    assert_eq!(finally(&stage, &paid, MINE).await["success"], true);
}

#[tokio::test]
async fn what_a_fork_dropped_is_sent_again_as_the_same_bytes_and_counts_as_the_same_success() {
    let (stage, paid) = stage().await;
    let settled = stage.settle(&paid, MINE).await;
    stage.devnet.fork(Fork { blocks: 1, forget: true, ..Fork::default() }).unwrap();
    assert_eq!(stage.balance(seller()).await, 0, "the fork took it back");
    assert_eq!(stage.post("/verify", paid.body()).await.1["invalidReason"], "nonce_already_used", "it is told to one");
    // Asking finds that it left the chain, and brings it back; nothing is kept from whoever was told.
    let again = stage.settle(&paid, MINE).await;
    assert!(again["errorReason"] == "settlement_pending" || again == settled, "{again}");
    assert_eq!(stage.settle(&paid, MINE).await, settled, "the same transaction");
    assert_eq!(stage.settle(&paid, OTHER).await["errorReason"], "duplicate_settlement");
    assert_eq!(stage.balance(seller()).await, PRICE);
    assert_eq!((counted(&stage, "dropped").await, counted(&stage, "settled_again").await), (1, 1));
    assert_eq!(counted(&stage, "reversed").await, 0);
}

#[tokio::test]
async fn what_comes_back_by_itself_is_as_it_was() {
    let (stage, paid) = stage().await;
    let settled = stage.settle(&paid, MINE).await;
    stage.devnet.fork(Fork { blocks: 2, ..Fork::default() }).unwrap();
    stage.devnet.mine(LAG + 1);
    assert_eq!(stage.settle(&paid, MINE).await, settled);
    assert_eq!(finally(&stage, &paid, MINE).await["success"], true);
    assert_eq!(stage.balance(seller()).await, PRICE);
}

#[tokio::test]
async fn a_conflicting_spend_reverses_it_and_everybody_who_asks_hears_why() {
    let (stage, paid) = stage().await;
    let settled = stage.settle(&paid, MINE).await;
    let spend = spend_all(&stage).await;
    stage.devnet.fork(Fork { blocks: 1, instead: vec![spend], forget: false }).unwrap();
    stage.devnet.mine(1);
    for asker in [MINE, OTHER, None] {
        let reversed = stage.settle(&paid, asker).await;
        assert_eq!(reason(&reversed), (&json!("reversed"), &json!("insufficient_funds")), "{reversed}");
        assert_eq!((&reversed["success"], &reversed["transaction"]), (&json!(false), &settled["transaction"]));
        assert_eq!(reversed["extra"]["mayStillSettleUntil"], START_SECS + 600);
    }
    assert_eq!(finally(&stage, &paid, MINE).await["errorReason"], "reversed");
    let told = row(&stage).await;
    assert_eq!((&told["status"], &told["errorReason"]), (&json!("reversed"), &json!("insufficient_funds")));
    assert_eq!(told["mayStillSettleUntil"], START_SECS + 600);
    assert_eq!((counted(&stage, "dropped").await, counted(&stage, "reversed").await), (1, 1), "each once");

    // While the permission lives it is settled all the same once the money is there, for the same caller.
    stage.devnet.faucet(stage.buyer.address(), Gift::Token(usdt(), Amount::from_u64(PRICE))).unwrap();
    stage.settle(&paid, MINE).await;
    assert_eq!(stage.settle(&paid, MINE).await, settled);
    assert_eq!(stage.settle(&paid, OTHER).await["errorReason"], "duplicate_settlement");
    assert_eq!((stage.balance(seller()).await, counted(&stage, "settled_again").await), (PRICE, 1));
}

#[tokio::test]
async fn where_the_bytes_have_expired_it_is_settled_anew_under_the_same_authorization_and_once() {
    let (stage, paid) = stage().await;
    let settled = stage.settle(&paid, None).await;
    assert_eq!(settled["success"], true);
    stage.devnet.fork(Fork { blocks: 1, forget: true, ..Fork::default() }).unwrap();
    stage.devnet.clock().advance(Duration::from_secs(90));
    stage.devnet.mine(LAG + 1);
    // Whoever asks without a key comes second, also to the second transaction.
    let (mut last, mut asked) = (json!(null), 0);
    while last["errorReason"] != "duplicate_settlement" {
        asked += 1;
        assert!(asked < 10, "{last}");
        last = stage.settle(&paid, None).await;
        assert_ne!(last["success"], true, "{last}");
    }
    assert_ne!(last["transaction"], settled["transaction"]);
    assert_eq!(stage.balance(seller()).await, PRICE);
    let payer = stage.buyer.address();
    let rows = stage.get(&format!("/payments?network=tron:nile&nonce=1&payer={payer}")).await.1;
    let rows: Value = serde_json::from_str(&rows).unwrap();
    let said: Vec<_> = rows.as_array().unwrap().iter().map(|row| (&row["txHash"], &row["status"])).collect();
    let (now, before) = ((&last["transaction"], &json!("success")), (&settled["transaction"], &json!("failed")));
    assert_eq!(said, [now, before]);
}

#[tokio::test]
async fn when_the_permission_is_over_it_is_reversed_for_good_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("facilitator.sqlite");
    let stage = Stage::start_behind(LAG, |config| config.database = Some(database.clone())).await;
    stage.approve(1_000_000).await;
    stage.devnet.mine(LAG);
    let paid = stage.payment(PRICE, 1);
    stage.settle(&paid, MINE).await;
    let spend = spend_all(&stage).await;
    stage.devnet.fork(Fork { blocks: 1, instead: vec![spend], forget: false }).unwrap();
    stage.devnet.clock().advance(Duration::from_secs(700));
    stage.devnet.mine(LAG + 1);
    // Nobody asked: the next process finds it by itself.
    stage.facilitator.finish().await;
    let mut config = stage::config(&stage.devnet);
    config.database = Some(database);
    let (restarted, url) = serve(config, &stage.grid).await;
    let reversed = stage.http.post(format!("{url}/settle")).body(paid.body()).send().await.unwrap();
    let reversed: Value = reversed.json().await.unwrap();
    assert_eq!(reversed["errorReason"], "reversed", "{reversed}");
    assert_eq!(reversed["extra"].get("mayStillSettleUntil"), None, "{reversed}");
    stage.devnet.faucet(stage.buyer.address(), Gift::Token(usdt(), Amount::from_u64(PRICE))).unwrap();
    let again: Value =
        stage.http.post(format!("{url}/settle")).body(paid.body()).send().await.unwrap().json().await.unwrap();
    assert_eq!(again, reversed);
    assert_eq!(stage.balance(seller()).await, 0);
    restarted.finish().await;
}

#[tokio::test]
async fn a_failure_is_looked_at_again_by_its_nonce() {
    let options = Options { solidity_lag: LAG, block_time: Some(Duration::from_secs(3)), ..Options::default() };
    let stage = Stage::start_on(options, key(0xfa).into(), |config| {
        config.tokens = vec![facilitator::TokenTerms::free(stage::NETWORK, devnet::AUTHORIZED_USD)];
    })
    .await;
    stage.devnet.mine(LAG + 1);
    let paid = by_exact(&stage.buyer, None, PRICE, 1, START_SECS);
    // Somebody else settles the same authorization; both wait for the next block.
    let (contract, data) = Signed::of(&paid.payment, &paid.requirements).unwrap().settle_call();
    let theirs = signed_call(&stage, &stage.buyer, contract, data).await;
    stage.grid.broadcast(&theirs).await.unwrap();
    assert_eq!(stage.settle(&paid, MINE).await["errorReason"], "settlement_pending");
    stage.devnet.mine(1);
    for _ in 0..2 {
        let second = stage.settle(&paid, MINE).await;
        assert_eq!(second["errorReason"], "nonce_already_used", "paid by another transaction: {second}");
        stage.devnet.mine(LAG);
    }
    let paid_once = stage.grid.balance(devnet::AUTHORIZED_USD, seller()).await.unwrap();
    assert_eq!(paid_once, Amount::from_u64(PRICE));
    assert_eq!((counted(&stage, "dropped").await, row(&stage).await["status"].as_str()), (0, Some("failed")));
}

#[tokio::test]
async fn a_node_that_forgets_a_receipt_is_no_fork() {
    let (stage, paid) = stage().await;
    let settled = stage.settle(&paid, MINE).await;
    stage.devnet.fault("wallet/gettransactioninfobyid", 1_000, devnet::Fault::Error);
    assert_eq!(stage.settle(&paid, MINE).await, settled, "no answer is no news");
    stage.devnet.clear_faults();
    assert_eq!((stage.settle(&paid, MINE).await, counted(&stage, "dropped").await), (settled, 0));
}

#[tokio::test]
async fn what_is_asked_in_another_way_is_named() {
    let (stage, paid) = stage().await;
    let (status, answer) = stage.post("/settle?finality=soon", paid.body()).await;
    assert_eq!((status, &answer["field"]), (400, &json!("finality")));
    for (path, field) in [
        ("/payments", "network"),
        ("/payments?network=tron:nile", "nonce"),
        ("/payments?network=tron:nile&nonce=x", "nonce"),
        ("/payments?network=tron:moon&nonce=1", "network"),
        ("/payments?network=tron:nile&nonce=1&payer=me", "payer"),
        ("/payments/tx/abc", "hash"),
    ] {
        let (status, answer) = stage.get(path).await;
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!((status, &answer["field"]), (400, &json!(field)), "{path}");
    }
    assert_eq!(stage.get("/payments?network=tron:nile&nonce=77").await, (200, "[]".to_owned()));
}
