//! The same payment again: after its answer was lost, at once, while it is settled, and when there is nothing to give.

use crate::stage::{Stage, got, reason, settlement};
use devnet::Fault;
use futures::future::join_all;
use seller::Keep;
use std::{sync::atomic::Ordering, time::Duration};
use tron::Amount;

#[tokio::test]
async fn a_payment_gets_its_answer_again_and_pays_once() {
    let stage = Stage::start(|s| s).await;
    let payment = stage.sign(&stage.offer("/cheap").await, 1);
    let first = stage.pay("/cheap", &payment).await;
    let headers = first.headers().clone();
    let first = got(first).await;
    assert_eq!((first.0, first.1), (200, true));
    for _ in 0..3 {
        let again = stage.pay("/cheap", &payment).await;
        for name in ["payment-response", "content-type", "cache-control", "content-length"] {
            assert_eq!(again.headers().get(name), headers.get(name), "{name}");
        }
        assert_eq!(got(again).await, first);
    }
    // Neither the price of today nor the end of the window takes it away from who has paid.
    stage.devnet.clock().advance(Duration::from_secs(599));
    assert_eq!(got(stage.pay("/cheap", &payment).await).await, first);
    assert_eq!((stage.kitchen.runs(), stage.earned().await), (1, Amount::from_u64(50_000)));
}

#[tokio::test]
async fn a_payment_that_comes_often_at_once_runs_the_handler_once() {
    let stage = Stage::start(|s| s).await;
    let payment = stage.sign(&stage.offer("/cheap").await, 1);
    let answers = join_all((0..10).map(|_| async { got(stage.pay("/cheap", &payment).await).await })).await;
    assert!(answers.iter().all(|answer| answer.0 == 200 && answer.1 && *answer == answers[0]), "{answers:?}");
    assert_eq!((stage.kitchen.runs(), stage.earned().await), (1, Amount::from_u64(50_000)));
}

#[tokio::test]
async fn a_buyer_that_hangs_up_finds_the_answer_later() {
    let mut stage = Stage::start(|s| s).await;
    let payment = stage.sign(&stage.offer("/slow").await, 0);
    let call = tokio::spawn(stage.paying("/slow", &payment).send());
    stage.began.recv().await.unwrap();
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    // The next one waits for the work that goes on.
    let again = tokio::spawn(stage.paying("/slow", &payment).send());
    stage.kitchen.go.add_permits(1);
    assert_eq!(got(again.await.unwrap().unwrap()).await, (200, true, "run 1".to_owned()));
    assert_eq!((stage.kitchen.runs(), stage.earned().await), (1, Amount::from_u64(50_000)));
}

#[tokio::test]
async fn a_payment_buys_one_thing_only() {
    let stage = Stage::start(|s| s).await;
    // An offer is for one resource, and so is what it was used for.
    let payment = stage.sign(&stage.offer("/cheap").await, 1);
    assert_eq!(stage.pay("/cheap", &payment).await.status(), 200);
    for path in ["/cheap?copy=1", "/inner/computed"] {
        let refused = stage.pay(path, &payment).await;
        assert!(settlement(&refused).success);
        assert_eq!(reason(refused).await, "payment_already_used");
    }
    assert_eq!((stage.kitchen.runs(), stage.earned().await), (1, Amount::from_u64(50_000)));
}

#[tokio::test]
async fn what_is_not_kept_is_made_once_more_for_a_get() {
    let stage = Stage::start(|s| s).await;
    for path in ["/stream", "/private"] {
        let before = stage.kitchen.runs();
        let payment = stage.sign(&stage.offer(path).await, 0);
        for run in [1, 2] {
            let answer = got(stage.pay(path, &payment).await).await;
            assert_eq!(answer, (200, true, format!("run {}", before + run)));
        }
        let refused = stage.pay(path, &payment).await;
        assert!(settlement(&refused).success);
        assert_eq!(reason(refused).await, "payment_already_used");
    }
    assert_eq!(stage.earned().await, Amount::from_u64(100_000));
}

#[tokio::test]
async fn what_is_not_kept_of_a_post_is_not_made_again() {
    let stage = Stage::start(|s| s).await;
    let url = format!("{}/stream-once", stage.shop);
    let offer = crate::stage::offer(&stage.http.post(&url).send().await.unwrap());
    let payment = stage.sign(&offer, 0);
    let post = || stage.http.post(&url).header(payment.header_name(), payment.header_value()).send();
    assert_eq!(got(post().await.unwrap()).await, (200, true, "run 1".to_owned()));
    assert_eq!(reason(post().await.unwrap()).await, "payment_already_used");
    assert_eq!(stage.kitchen.runs(), 1);
}

#[tokio::test]
async fn an_answer_is_kept_for_its_time_only() {
    let keep = Keep { age: Duration::from_secs(60), ..Keep::default() };
    let stage = Stage::start(|s| s.keep_answers(keep)).await;
    let payment = stage.sign(&stage.offer("/any").await, 0);
    let pay = async || got(stage.pay("/any", &payment).await).await.2;
    assert_eq!(pay().await, "run 1");
    stage.devnet.clock().advance(Duration::from_secs(59));
    assert_eq!(pay().await, "run 1");
    stage.devnet.clock().advance(Duration::from_secs(1));
    assert_eq!(pay().await, "run 2");
    assert_eq!(stage.earned().await, Amount::from_u64(50_000));
}

#[tokio::test]
async fn an_answer_that_waits_for_its_settlement_is_not_made_again() {
    let keep = Keep { age: Duration::from_secs(3_600), ..Keep::default() };
    let stage = Stage::start(|s| s.keep_answers(keep)).await;
    let payment = stage.sign(&stage.offer("/cheap").await, 1);
    stage.devnet.fault("wallet/gettransactioninfobyid", 1_000, Fault::Error);
    let pending = stage.pay("/cheap", &payment).await;
    assert!(pending.status() == 402 && settlement(&pending).is_pending());
    assert!(!pending.text().await.unwrap().contains("for T"));
    stage.devnet.clear_faults();
    // After the window too: the money may have moved in it.
    stage.devnet.clock().advance(Duration::from_secs(700));
    let answer = got(stage.pay("/cheap", &payment).await).await;
    assert_eq!((answer.0, answer.1), (200, true));
    assert_eq!((stage.kitchen.runs(), stage.earned().await), (1, Amount::from_u64(50_000)));
}

#[tokio::test]
async fn paid_before_the_handler_fails_it_runs_again_for_the_same_payment() {
    let stage = Stage::start(|s| s).await;
    stage.kitchen.failing.store(2, Ordering::SeqCst);
    let payment = stage.sign(&stage.offer("/before").await, 0);
    for _ in 0..2 {
        let failed = stage.pay("/before", &payment).await;
        assert_eq!((failed.status().as_u16(), settlement(&failed).success), (500, true));
        assert_eq!(stage.earned().await, Amount::from_u64(50_000));
    }
    for _ in 0..2 {
        assert_eq!(got(stage.pay("/before", &payment).await).await, (200, true, "run 3".to_owned()));
    }
    assert_eq!((stage.kitchen.runs(), stage.earned().await), (3, Amount::from_u64(50_000)));
}

#[tokio::test]
async fn paid_before_nothing_is_made_for_a_settlement_that_is_open() {
    let stage = Stage::start(|s| s).await;
    let payment = stage.sign(&stage.offer("/before").await, 0);
    stage.devnet.fault("wallet/gettransactioninfobyid", 1_000, Fault::Error);
    assert!(settlement(&stage.pay("/before", &payment).await).is_pending());
    assert_eq!(stage.kitchen.runs(), 0);
    stage.devnet.clear_faults();
    assert_eq!(got(stage.pay("/before", &payment).await).await, (200, true, "run 1".to_owned()));
    assert_eq!(stage.earned().await, Amount::from_u64(50_000));
}

#[tokio::test]
async fn a_handler_that_panics_leaves_the_payment_as_it_was() {
    let stage = Stage::start(|s| s).await;
    let payment = stage.sign(&stage.offer("/slow").await, 0);
    // The slow handler does not expect to fail.
    stage.kitchen.failing.store(1, Ordering::SeqCst);
    stage.kitchen.go.add_permits(2);
    assert!(stage.paying("/slow", &payment).send().await.is_err());
    assert_eq!(stage.earned().await, Amount::ZERO);
    assert_eq!(got(stage.pay("/slow", &payment).await).await, (200, true, "run 2".to_owned()));
}
