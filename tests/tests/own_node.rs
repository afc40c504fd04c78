//! A node of one's own, known by its first door alone or by all three: what is paid is seen, then final; what was never
//! used is released; what a fork takes back is told. The same stories as over a gateway, only a minute later.
#![allow(clippy::unwrap_used, clippy::panic)]

use devnet::Fork;
use ledger::{Payment, Settlement, State};
use stories::doors::{Kind, again_over};
use stories::{Ask, SCHEMES, Stage};
use wallet::{Outcome, Report, Scope};

async fn bought(stage: &Stage, ask: &Ask) -> (Payment, tron::tx::TxId) {
    let asked = stage.ask(ask).await;
    let payment = stage.approve(&asked, Scope::Once).await.unwrap();
    assert_eq!(payment.state, State::Signed);
    let tx = stage.settle(&stage.signed(payment.id).await).await;
    (payment, tx)
}

async fn told(stage: &Stage, payment: &Payment, receipt: Option<String>) -> Payment {
    let report = Report { payment_response: receipt, http_status: 200 };
    stage.wallet.report(&stage.app, payment.id, report).await.unwrap()
}

fn receipt(stage: &Stage, tx: &tron::tx::TxId) -> String {
    x402::Settlement::settled("tron:nile", &tx.to_string(), stage.payer()).header_value()
}

/// Everything so far is final, and the node has said the same about it before and after.
async fn settled_down(stage: &Stage) {
    for _ in 0..2 {
        stage.wallet.reconcile().await.unwrap();
        stage.devnet.mine(25);
    }
    stage.wallet.reconcile().await.unwrap();
}

#[tokio::test]
async fn each_scheme_is_seen_at_once_and_final_later() {
    let stage = Stage::start().await;
    stage.wallet.set_auto_lock(0).await.unwrap();
    for scheme in SCHEMES {
        stage.prepare(scheme).await;
        let (payment, tx) = bought(&stage, &Ask::by(scheme, 7)).await;
        let row = told(&stage, &payment, Some(receipt(&stage, &tx))).await;
        assert_eq!(row.settlement, Some(Settlement::Seen { tx: Some(tx.to_string()) }), "{scheme}");
        settled_down(&stage).await;
        let row = stage.row(payment.id).await;
        assert!(
            matches!(row.settlement, Some(Settlement::Final { tx: Some(_), .. })),
            "{scheme}: {:?}",
            row.settlement
        );
    }
}

#[tokio::test]
async fn without_a_receipt_the_nonce_tells() {
    let stage = Stage::start().await;
    let (payment, _) = bought(&stage, &Ask::new(1)).await;
    let row = told(&stage, &payment, None).await;
    assert_eq!(row.settlement, Some(Settlement::Seen { tx: None }));
    settled_down(&stage).await;
    let row = stage.row(payment.id).await;
    assert!(matches!(row.settlement, Some(Settlement::Final { .. })), "{:?}", row.settlement);
}

#[tokio::test]
async fn what_nobody_used_is_released_when_it_is_over_in_final_blocks() {
    let stage = Stage::start().await;
    let asked = stage.ask(&Ask::new(1)).await;
    let payment = stage.approve(&asked, Scope::Once).await.unwrap();
    stage.advance(900);
    stage.devnet.mine(5);
    settled_down(&stage).await;
    assert_eq!(stage.row(payment.id).await.settlement, Some(Settlement::NeverUsed));
}

#[tokio::test]
async fn what_a_fork_takes_back_is_told_before_it_was_final() {
    let stage = Stage::start().await;
    let (payment, tx) = bought(&stage, &Ask::new(1)).await;
    told(&stage, &payment, Some(receipt(&stage, &tx))).await;
    stage.devnet.fork(Fork { blocks: 1, forget: true, ..Fork::default() }).unwrap();
    stage.wallet.reconcile().await.unwrap();
    let row = stage.row(payment.id).await;
    assert_eq!((&row.settlement, row.dropped_at.is_some()), (&Some(Settlement::Unknown), true));
    let again = stage.settle(&stage.signed(payment.id).await).await;
    settled_down(&stage).await;
    let row = stage.row(payment.id).await;
    assert!(matches!(row.settlement, Some(Settlement::Final { .. })), "{again}: {:?}", row.settlement);
}

#[tokio::test]
async fn a_limit_pays_with_what_such_a_node_says() {
    let stage = Stage::start().await;
    let (payment, tx) = bought(&stage, &Ask::new(1)).await;
    told(&stage, &payment, Some(receipt(&stage, &tx))).await;
    stage.allow_automatically(&Ask::new(2), "50").await;
    assert!(matches!(stage.pay(&Ask::new(2)).await.unwrap(), Outcome::Signed(..)));
}

#[test]
fn all_of_this_over_the_first_door_alone() {
    again_over(Kind::First, "all_of_this_over");
}

#[test]
fn all_of_this_over_three_doors() {
    again_over(Kind::Apart, "all_of_this_over");
}
