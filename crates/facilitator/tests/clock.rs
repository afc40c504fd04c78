//! A clock that disagrees with the chain: told in log, metric and health, and no payment is judged by it.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod stage;

use facilitator::{Clock, Config, shapes};
use serde_json::json;
use stage::{START_SECS, Stage, seller};
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};
use std::time::Duration;

const DAY: i64 = 24 * 3600;

/// The devnet's clock, moved by some seconds.
fn moved(config: &mut Config, by: &Arc<AtomicI64>) {
    let (right, by) = (config.clock.clone(), by.clone());
    config.clock = Clock::new(move || right.now().saturating_add_signed(by.load(Ordering::SeqCst)));
}

async fn stage(by: &Arc<AtomicI64>) -> Stage {
    let stage = Stage::start(|config| {
        moved(config, by);
        config.tend = Duration::from_secs(3600);
    })
    .await;
    stage.approve(1_000_000).await;
    stage
}

async fn health(stage: &Stage) -> (u16, shapes::Health) {
    let (status, text) = stage.get("/health").await;
    (status, serde_json::from_str(&text).unwrap())
}

async fn metric(stage: &Stage) -> i64 {
    let (_, text) = stage.get("/metrics").await;
    let line = "facilitator_clock_ahead_seconds{network=\"tron:3448148188\"} ";
    text.lines().find_map(|found| found.strip_prefix(line)).unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_clock_far_from_the_newest_block_judges_nothing_and_is_told() {
    for by in [400 * DAY, -400 * DAY, 125, -125, DAY, -DAY] {
        let stage = stage(&Arc::new(AtomicI64::new(by))).await;
        let (status, health) = health(&stage).await;
        let ahead = health.networks[0].clock_ahead_seconds.unwrap();
        assert!((ahead - by).abs() <= 3, "{by}: {ahead}");
        let way = if by < 0 { "behind the newest block" } else { "ahead of the newest block" };
        assert!(health.problems.iter().any(|said| said.contains(way)), "{by}: {:?}", health.problems);
        assert_eq!((status, metric(&stage).await), (200, ahead), "{by}");

        // Good by the chain's time: it is settled, whatever the clock says.
        let good = stage.payment(50_000, 1);
        let (_, verdict) = stage.post("/verify", good.body()).await;
        assert_eq!(verdict["isValid"], true, "{by}: {verdict}");
        assert_eq!(stage.settle(&good, None).await["success"], true, "{by}");
        // What is over, or not begun, by the chain's time is refused for that reason, where the clock calls it good too.
        let now = START_SECS.saturating_add_signed(by);
        let window = |nonce: u64, after: u64, before: u64| {
            stage.payment_with(50_000, nonce, |asked| {
                let meta = asked.permit.as_mut().unwrap();
                (meta.valid_after, meta.valid_before) = (after, before);
            })
        };
        let (wrong, why) = match by < 0 {
            true => (window(2, now - 60, now + 60), "expired"),
            false => (window(2, now - 60, now + 600), "not_yet_valid"),
        };
        let (_, verdict) = stage.post("/verify", wrong.body()).await;
        assert_eq!(verdict["invalidReason"], why, "{by}");
        assert_eq!(stage.settle(&wrong, None).await["errorReason"], why, "{by}");
        assert_eq!(stage.balance(seller()).await, 50_000, "{by}");
    }
}

#[tokio::test]
async fn a_clock_that_goes_wrong_between_two_looks_judges_nothing_either() {
    let by = Arc::new(AtomicI64::new(0));
    let stage = stage(&by).await;
    assert_eq!(health(&stage).await.1.networks[0].clock_ahead_seconds, None);
    by.store(400 * DAY, Ordering::SeqCst);
    let paid = stage.payment(50_000, 1);
    assert_eq!(stage.post("/verify", paid.body()).await.1["isValid"], true);
    assert_eq!(health(&stage).await.1.networks[0].clock_ahead_seconds, Some(400 * DAY), "the first question finds it");
    // Without the chain there is no word about time.
    stage.devnet.fault("wallet/getnowblock", 1_000, devnet::Fault::Error);
    let (status, verdict) = stage.post("/verify", paid.body()).await;
    assert_eq!((status, &verdict["invalidReason"]), (503, &json!("facilitator_busy")));
    stage.devnet.clear_faults();
    by.store(0, Ordering::SeqCst);
    assert_eq!(stage.settle(&paid, None).await["success"], true);
}

#[tokio::test]
async fn time_that_passes_on_both_sides_is_no_fault() {
    let stage = stage(&Arc::new(AtomicI64::new(0))).await;
    let paid = stage.payment(50_000, 1);
    stage.devnet.clock().advance(Duration::from_secs(3600));
    assert_eq!(stage.post("/verify", paid.body()).await.1["invalidReason"], "expired");
    assert_eq!(health(&stage).await.1.networks[0].clock_ahead_seconds, None);
}

#[tokio::test]
async fn a_clock_that_is_ahead_forgets_nobody_who_was_told() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("facilitator.sqlite");
    let stage = Stage::start(|config| config.database = Some(database.clone())).await;
    stage.approve(1_000_000).await;
    let paid = stage.payment(50_000, 1);
    assert_eq!(stage.settle(&paid, None).await["success"], true);
    stage.facilitator.finish().await;
    let mut config = stage::config(&stage.devnet);
    moved(&mut config, &Arc::new(AtomicI64::new(400 * DAY)));
    (config.database, config.tend) = (Some(database), Duration::from_millis(10));
    let (restarted, _) = stage::serve(config, &stage.grid).await;
    // More than one round of its own work.
    let rounds = async {
        for _ in 0..3 {
            stage.devnet.fault("wallet/getaccountresource", 1, devnet::Fault::Error);
            while stage.devnet.has_fault("wallet/getaccountresource") {
                tokio::task::yield_now().await;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), rounds).await.unwrap();
    let again = restarted.settle(&paid.payment, &paid.requirements, None).await.answer("tron:nile");
    assert_eq!(again.error_reason.as_deref(), Some("duplicate_settlement"));
    restarted.finish().await;
}
