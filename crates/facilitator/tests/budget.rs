//! What settling may cost and whom it is done for: strangers' dust burns no more than its budget, and sellers that are
//! honest go on being served.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod stage;

use facilitator::{Budget, Payees};
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use stage::{NETWORK, Paid, Stage, key, seller, usdt};
use tron::Amount;
use x402::Price;

const TRX: u64 = 1_000_000;

/// A millionth of a dollar, from a stranger to himself.
fn dust(stage: &Stage, nonce: u64) -> Paid {
    let (fee, thief) = (stage.fee(1), key(0x7f).address());
    stage.payment_with(1, nonce, |asked| {
        asked.prices = vec![Price::exact_permit(NETWORK, usdt(), Amount::from_u64(1), thief, fee)];
    })
}

async fn settle(stage: &Stage, paid: &Paid) -> (u16, Option<u64>, Value) {
    let answer = stage.http.post(format!("{}/settle", stage.url)).body(paid.body()).send().await.unwrap();
    let retry_after = answer.headers().get("retry-after").map(|v| v.to_str().unwrap().parse().unwrap());
    (answer.status().as_u16(), retry_after, answer.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_settlements_of_dust_burn_no_more_than_their_budget_and_an_honest_seller_is_served() {
    let most = 60 * TRX;
    let stage = Stage::start(|config| {
        config.payee_budget = Budget { hour_sun: most, day_sun: most };
        config.budget = Budget { hour_sun: 1_000 * TRX, day_sun: 1_000 * TRX };
    })
    .await;
    stage.approve(10_000_000).await;
    let purse = async || stage.grid.trx_balance(stage.facilitator.address()).await.unwrap();
    let before = purse().await;
    let dust: Vec<Paid> = (1..=1_000).map(|nonce| dust(&stage, nonce)).collect();
    let answers: Vec<_> = stream::iter(&dust).map(|paid| settle(&stage, paid)).buffer_unordered(32).collect().await;
    let burnt = before - purse().await;
    let settled = answers.iter().filter(|(_, _, answer)| answer["success"] == true).count();
    assert!(settled > 0 && burnt > 0 && burnt <= most, "{settled} were settled for {burnt} sun");
    for (status, retry_after, answer) in answers.iter().filter(|(_, _, answer)| answer["success"] != true) {
        assert_eq!((*status, &answer["errorReason"]), (503, &json!("facilitator_over_budget")), "{answer}");
        assert!(retry_after.is_some_and(|seconds| (1..=24 * 3600).contains(&seconds)), "{retry_after:?}");
    }
    // Nor is anything promised that would not be settled.
    let (status, verdict) = stage.post("/verify", dust[999].body()).await;
    assert_eq!((status, &verdict["invalidReason"]), (503, &json!("facilitator_over_budget")), "{verdict}");

    for nonce in 2_001..2_004 {
        let (status, _, answer) = settle(&stage, &stage.payment(50_000, nonce)).await;
        assert_eq!((status, &answer["success"]), (200, &json!(true)), "{answer}");
    }
    let (_, metrics) = stage.get("/metrics").await;
    assert!(metrics.contains("facilitator_spent_sun{span=\"hour\"}"), "{metrics}");
    assert!(metrics.contains("facilitator_budget_sun{span=\"day\"} 1000000000\n"), "{metrics}");
    assert!(metrics.contains("facilitator_over_budget_total{budget=\"payee\"}"), "{metrics}");
}

#[tokio::test]
async fn only_who_is_listed_is_settled_for() {
    let stage = Stage::start(|config| config.payees = Payees::Listed([seller()].into())).await;
    stage.approve(1_000_000).await;
    let stranger = dust(&stage, 1);
    let (status, _, answer) = settle(&stage, &stranger).await;
    assert_eq!((status, &answer["errorReason"]), (200, &json!("payee_not_served")), "{answer}");
    assert_eq!(stage.post("/verify", stranger.body()).await.1["invalidReason"], "payee_not_served");
    let (_, _, answer) = settle(&stage, &stage.payment(50_000, 2)).await;
    assert_eq!(answer["success"], true, "{answer}");
    let option = |payee: String| {
        json!({ "scheme": "exact_permit", "network": "tron:nile", "amount": "250000", "asset": usdt().to_string(),
            "payTo": payee })
    };
    let asked = json!({ "accepts": [option(key(0x7f).address().to_string()), option(seller().to_string())] });
    let (_, quotes) = stage.post("/fee/quote", asked.to_string()).await;
    assert_eq!(quotes.as_array().unwrap().len(), 1, "what is not settled is not quoted: {quotes}");
}

#[tokio::test]
async fn nothing_below_the_floor_is_settled_for_nothing() {
    let stage = Stage::start(|config| config.tokens[0].free_from = Amount::from_u64(1_000)).await;
    stage.approve(1_000_000).await;
    let (_, _, answer) = settle(&stage, &stage.payment(999, 1)).await;
    assert_eq!(answer["errorReason"], "amount_too_small", "{answer}");
    let (_, _, answer) = settle(&stage, &stage.payment(1_000, 2)).await;
    assert_eq!(answer["success"], true, "{answer}");
    // With a fee the floor says nothing.
    let (_, _, answer) = settle(&stage, &stage.payment(200_000, 3)).await;
    assert_eq!(answer["success"], true, "{answer}");
}

#[tokio::test]
async fn a_restart_fills_no_budget() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("facilitator.sqlite");
    let budget = Budget { hour_sun: 20 * TRX, day_sun: 20 * TRX };
    let stage = Stage::start(|config| {
        config.database = Some(database.clone());
        config.payee_budget = budget;
    })
    .await;
    stage.approve(1_000_000).await;
    let mut nonce = 0;
    loop {
        nonce += 1;
        let (status, _, answer) = settle(&stage, &stage.payment(50_000, nonce)).await;
        if status == 503 {
            assert_eq!(answer["errorReason"], "facilitator_over_budget", "{answer}");
            break;
        }
        assert!(nonce < 20, "some fit into 20 TRX, not all: {answer}");
    }
    assert!(nonce > 1, "one fits");
    stage.facilitator.finish().await;
    let mut config = stage::config(&stage.devnet);
    (config.database, config.payee_budget) = (Some(database), budget);
    let (_again, url) = stage::serve(config, &stage.grid).await;
    let body = stage.payment(50_000, 99).body();
    let answer = stage.http.post(format!("{url}/settle")).body(body).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 503);
}
