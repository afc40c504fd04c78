//! Settlements at once over HTTP, on a node that answers a third of its trial runs and of its broadcasts with "not now":
//! how many are refused for it, and how long the slowest waits.
#![allow(clippy::float_arithmetic, clippy::unwrap_used, clippy::print_stdout)]

#[path = "../tests/stage/mod.rs"]
mod stage;

use chain::{Config as Node, TronGrid};
use devnet::{AUTHORIZED_USD, Busy, Share};
use facilitator::TokenTerms;
use serde_json::json;
use stage::{NETWORK, START_SECS, Stage, by_exact};
use std::time::{Duration, Instant};

const AT_ONCE: u64 = 200;

fn main() {
    tokio::runtime::Runtime::new().unwrap().block_on(measure());
}

async fn measure() {
    let stage = Stage::start(|_| {}).await;
    let mut config = stage::config(&stage.devnet);
    config.tokens = vec![TokenTerms::free(NETWORK, AUTHORIZED_USD)];
    config.wait = Duration::from_secs(30);
    // As it is made from its settings: with the patience that it has there.
    let grid = TronGrid::new(Node::one(NETWORK, stage.devnet.url())).unwrap();
    let (_facilitator, url) = stage::serve(config, &grid).await;
    let third = Share::one_in(3);
    stage.devnet.be_busy(Busy { trial_runs: third, broadcasts: third });
    let settle = async |nonce: u64| {
        let body = by_exact(&stage.buyer, None, 10_000, nonce, START_SECS).body();
        let started = Instant::now();
        let answer = stage.http.post(format!("{url}/settle")).body(body).send().await.unwrap();
        let answer: serde_json::Value = answer.json().await.unwrap();
        (answer["success"] == true, started.elapsed())
    };
    let answers = futures::future::join_all((1..=AT_ONCE).map(settle)).await;
    let refused = answers.iter().filter(|(settled, _)| !settled).count();
    let slowest = answers.iter().map(|(_, took)| *took).max().unwrap_or_default();
    let loads = stage.devnet.loads();
    let mut figures = vec![
        json!({ "group": "settle", "name": "refused of 200 settlements at once, a third of trial runs and broadcasts busy",
                "value": refused, "unit": "", "at_most": 0 }),
        json!({ "group": "settle", "name": "the slowest of them", "value": slowest.as_secs_f64(), "unit": "s" }),
    ];
    for (name, load) in [("trial runs", loads.trial_runs), ("broadcasts", loads.broadcasts)] {
        let share = load.busy as f64 / load.asked as f64 * 100.0;
        figures.push(json!({ "group": "settle", "name": format!("{name} that were answered \"not now\""), "value": share, "unit": "%" }));
    }
    for figure in figures {
        println!("figure {figure}");
    }
}
