//! A fork takes settlements back: who waited for final has delivered nothing for them, who did not is told.

use crate::stage::{NETWORK, Stage, got, key, reason, serve, settlement, shop, usdt};
use axum::{Json, Router, routing::get};
use devnet::{Fork, Gift};
use seller::{Reversal, Seller, Turn};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::mpsc;
use tron::{Amount, SignedTransaction, abi, tx::Contract};

const LAG: u64 = 4;
/// How long anything may take before it counts as not happening.
const PATIENCE: Duration = Duration::from_secs(60);

/// A stage whose last blocks can be dropped, and what its shop is told.
async fn stage(change: impl Fn(Seller) -> Seller) -> (Stage, mpsc::UnboundedReceiver<Reversal>) {
    let (tell, told) = mpsc::unbounded_channel();
    let stage = Stage::start_behind(LAG, move |seller| {
        let tell = tell.clone();
        let seller = seller.final_wait(Duration::ZERO).watch_every(Duration::from_millis(20));
        change(seller.on_reversal(move |reversal| tell.send(reversal.clone()).unwrap()))
    })
    .await;
    stage.devnet.mine(LAG + 1);
    (stage, told)
}

/// Everything that the buyer has, to somebody else.
async fn spend_all(stage: &Stage) -> SignedTransaction {
    let data = abi::transfer(key(0x77).address(), Amount::from_u64(100_000_000));
    let owner = stage.buyer.address();
    let call = Contract::Trigger { owner, contract: usdt(), call_value_sun: 0, data };
    let head = stage.grid.head_at(chain::Finality::Final).await.unwrap();
    SignedTransaction::sign(head.transaction(call, 100_000_000, Duration::from_secs(60)), &stage.buyer)
}

async fn next(told: &mut mpsc::UnboundedReceiver<Reversal>) -> Reversal {
    tokio::time::timeout(PATIENCE, told.recv()).await.unwrap().unwrap()
}

#[tokio::test]
async fn what_is_delivered_when_final_is_not_delivered_before() {
    let (stage, _told) = stage(|seller| seller).await;
    for (path, runs) in [("/final", 1), ("/dear", 2)] {
        let payment = stage.sign(&stage.offer(path).await, 0);
        for _ in 0..2 {
            let response = stage.pay(path, &payment).await;
            assert!(response.headers().contains_key("retry-after"), "{path}");
            assert_eq!(reason(response).await, "settlement_pending", "{path}");
            assert_eq!(stage.kitchen.runs(), runs - 1, "{path}: not even made");
        }
        stage.devnet.mine(LAG);
        let response = stage.pay(path, &payment).await;
        assert_eq!(settlement(&response).extra, json!({ "finality": "final" }));
        assert_eq!(got(response).await, (200, true, format!("run {runs}")));
    }
    // What is cheap is delivered when it is seen.
    let payment = stage.sign(&stage.offer("/small").await, 0);
    assert_eq!(got(stage.pay("/small", &payment).await).await, (200, true, "run 3".to_owned()));
}

#[tokio::test]
async fn a_buyer_that_waits_gets_it_with_its_first_request() {
    let (stage, _told) = stage(|seller| seller.final_wait(PATIENCE)).await;
    let payment = stage.sign(&stage.offer("/final").await, 0);
    let asked = stage.paying("/final", &payment).send();
    let devnet = &stage.devnet;
    let mined = async {
        // When the money is there, the blocks that make it final.
        while stage.earned().await.is_zero() {
            tokio::task::yield_now().await;
        }
        devnet.mine(LAG);
    };
    let (answer, ()) = tokio::join!(asked, mined);
    assert_eq!(got(answer.unwrap()).await, (200, true, "run 1".to_owned()));
}

#[tokio::test]
async fn a_fork_before_it_is_final_costs_the_seller_nothing() {
    let (stage, _told) = stage(|seller| seller).await;
    let payment = stage.sign(&stage.offer("/final").await, 0);
    assert_eq!(reason(stage.pay("/final", &payment).await).await, "settlement_pending");
    let spend = spend_all(&stage).await;
    stage.devnet.fork(Fork { blocks: 1, instead: vec![spend], forget: false }).unwrap();
    stage.devnet.mine(LAG + 1);
    let refused = stage.pay("/final", &payment).await;
    assert_eq!(settlement(&refused).extra["reason"], "insufficient_funds");
    assert_eq!(reason(refused).await, "reversed");
    assert_eq!((stage.kitchen.runs(), stage.earned().await), (0, Amount::ZERO));
    // It may still be paid by the same permission, and buys once then.
    stage.devnet.faucet(stage.buyer.address(), Gift::Token(usdt(), Amount::from_u64(100_000))).unwrap();
    let mut answer = got(stage.pay("/final", &payment).await).await;
    for _ in 0..20 {
        stage.devnet.mine(LAG);
        answer = got(stage.pay("/final", &payment).await).await;
        if answer.0 == 200 {
            break;
        }
    }
    assert_eq!(answer, (200, true, "run 1".to_owned()));
    assert_eq!(stage.earned().await, Amount::from_u64(50_000));
}

#[tokio::test]
async fn a_seller_that_delivered_is_told_by_callback_and_journal_and_the_payment_buys_nothing_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.journal");
    let (stage, mut told) = stage(|seller| seller.journal(&path).unwrap()).await;
    let payment = stage.sign(&stage.offer("/small").await, 0);
    let bought = stage.pay("/small", &payment).await;
    let transaction = settlement(&bought).transaction;
    assert_eq!(got(bought).await, (200, true, "run 1".to_owned()));
    let spend = spend_all(&stage).await;
    stage.devnet.fork(Fork { blocks: 1, instead: vec![spend], forget: false }).unwrap();
    stage.devnet.mine(1);
    let reversal = next(&mut told).await;
    let Turn::Reversed { reason: why, may_still_settle_until: Some(_) } = &reversal.turn else {
        panic!("{reversal:?}")
    };
    assert_eq!(
        (why.as_str(), reversal.payer, reversal.transaction.as_ref(), reversal.network),
        ("insufficient_funds", stage.buyer.address(), transaction.as_ref(), NETWORK)
    );
    assert_eq!(reversal.price.as_ref().unwrap().amount, Amount::from_u64(50_000));
    let written = || std::fs::read_to_string(&path).unwrap().lines().last().unwrap().to_owned();
    assert!(written().contains("\"reversed\":\"insufficient_funds\""), "{}", written());
    // What was given once is not given again for money that is not there.
    assert_eq!(reason(stage.pay("/small", &payment).await).await, "reversed");
    // The facilitator goes on trying; that it succeeds is told, too.
    stage.devnet.faucet(stage.buyer.address(), Gift::Token(usdt(), Amount::from_u64(50_000))).unwrap();
    let again = next(&mut told).await;
    assert_eq!((&again.turn, again.nonce), (&Turn::SettledAgain, reversal.nonce));
    assert_eq!(stage.earned().await, Amount::from_u64(50_000));
    assert_eq!(got(stage.pay("/small", &payment).await).await, (200, true, "run 1".to_owned()));
}

#[tokio::test]
async fn a_restarted_shop_goes_on_watching_what_its_journal_has() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.journal");
    let (stage, _first) =
        stage(|seller| seller.watch_every(PATIENCE * 60).secret([7; 32]).journal(&path).unwrap()).await;
    let payment = stage.sign(&stage.offer("/small").await, 0);
    assert_eq!(stage.pay("/small", &payment).await.status(), 200);
    let spend = spend_all(&stage).await;
    stage.devnet.fork(Fork { blocks: 1, instead: vec![spend], forget: false }).unwrap();
    stage.devnet.mine(1);
    // The shop of before never asked; another process takes its journal up.
    let (tell, mut told) = mpsc::unbounded_channel();
    let clock = stage.devnet.clock().clone();
    let seller = Seller::new(&stage.facilitator).unwrap().secret([7; 32]).clock(move || clock.now_secs());
    let seller = seller.watch_every(Duration::from_millis(20)).journal(&path).unwrap();
    let seller = seller.on_reversal(move |reversal: &Reversal| tell.send(reversal.clone()).unwrap());
    let url = serve(shop(&seller, &stage.kitchen)).await;
    assert_eq!(stage.http.get(format!("{url}/small")).send().await.unwrap().status(), 402);
    let reversal = next(&mut told).await;
    assert!(matches!(&reversal.turn, Turn::Reversed { reason, .. } if reason == "insufficient_funds"), "{reversal:?}");
    assert_eq!((reversal.payer, reversal.price), (stage.buyer.address(), None));
}

#[tokio::test]
async fn a_facilitator_that_can_not_wait_is_not_offered_for_what_is_to_be_final() {
    let (stage, _told) = stage(|seller| seller).await;
    let supported: Value =
        stage.http.get(format!("{}/supported", stage.facilitator)).send().await.unwrap().json().await.unwrap();
    assert_eq!(supported["extensions"], json!(["finality"]));
    let without = json!({ "kinds": supported["kinds"], "extensions": [], "signers": {} });
    let foreign = serve(Router::new().route("/supported", get(move || async move { Json(without) }))).await;
    let seller = Seller::new(&foreign).unwrap();
    let url = serve(shop(&seller, &stage.kitchen)).await;
    let status = async |path: &str| stage.http.get(format!("{url}{path}")).send().await.unwrap().status().as_u16();
    assert_eq!((status("/final").await, status("/dear").await), (503, 503));
}
