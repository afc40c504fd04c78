//! A node that can't take everything at once: no settlement is refused for it, and what is left over says so.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod stage;

use chain::{Config as Node, TronGrid};
use devnet::{AUTHORIZED_USD, Busy, Share};
use facilitator::TokenTerms;
use serde_json::{Value, json};
use stage::{NETWORK, START_SECS, Stage, by_exact, seller};

/// A facilitator with the patience that it has by its settings.
async fn patient() -> (Stage, facilitator::Facilitator, String) {
    let stage = Stage::start(|_| {}).await;
    let mut config = stage::config(&stage.devnet);
    config.tokens = vec![TokenTerms::free(NETWORK, AUTHORIZED_USD)];
    config.wait = std::time::Duration::from_secs(30);
    let grid = TronGrid::new(Node::one(NETWORK, stage.devnet.url())).unwrap();
    let (facilitator, url) = stage::serve(config, &grid).await;
    (stage, facilitator, url)
}

#[tokio::test]
async fn settlements_at_once_are_not_refused_because_a_third_of_the_answers_is_not_now() {
    let (stage, _facilitator, url) = patient().await;
    stage.devnet.be_busy(Busy { trial_runs: Share::one_in(3), broadcasts: Share::one_in(3) });
    let settle = async |nonce: u64| {
        let body = by_exact(&stage.buyer, None, 10_000, nonce, START_SECS).body();
        let answer = stage.http.post(format!("{url}/settle")).body(body).send().await.unwrap();
        answer.json::<Value>().await.unwrap()
    };
    for answer in futures::future::join_all((1..=30).map(settle)).await {
        assert_eq!(answer["success"], true, "{answer}");
    }
    let loads = stage.devnet.loads();
    assert!(loads.trial_runs.busy > 0 && loads.broadcasts.busy > 0, "{loads:?}");
    let earned = stage.grid.balance(AUTHORIZED_USD, seller()).await.unwrap();
    assert_eq!(earned.to_string(), "300000", "each was settled once");
}

#[tokio::test]
async fn what_stays_busy_is_told_with_the_time_of_another_try_and_nothing_is_sent() {
    let stage = Stage::start(|config| config.tokens = vec![TokenTerms::free(NETWORK, AUTHORIZED_USD)]).await;
    let paid = by_exact(&stage.buyer, None, 10_000, 1, START_SECS);
    let always = Share { part: 1, of: 1 };
    for busy in [Busy { trial_runs: always, ..Busy::default() }, Busy { broadcasts: always, ..Busy::default() }] {
        stage.devnet.be_busy(busy);
        let request = stage.http.post(format!("{}/settle", stage.url)).body(paid.body());
        let answer = request.send().await.unwrap();
        assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (503, &"5".parse().unwrap()));
        let said: Value = answer.json().await.unwrap();
        assert_eq!((&said["errorReason"], &said["transaction"]), (&json!("facilitator_busy"), &json!("")), "{busy:?}");
    }
    stage.devnet.be_busy(Busy { trial_runs: always, ..Busy::default() });
    let (status, verdict) = stage.post("/verify", paid.body()).await;
    assert_eq!((status, &verdict["invalidReason"]), (503, &json!("facilitator_busy")));
    // The same payment is good as soon as the node is.
    stage.devnet.be_busy(Busy::default());
    assert_eq!(stage.settle(&paid, None).await["success"], true);
    assert_eq!(stage.grid.balance(AUTHORIZED_USD, seller()).await.unwrap().to_string(), "10000");
}
