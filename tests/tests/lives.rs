//! A payment's whole way on the devnet: asked, allowed, signed, settled, delivered; and what happens when the
//! process ends at any step of it.

use ledger::{AllowanceOutcome, Settlement, State};
use plan::Fact;
use stories::{Ask, PASSPHRASE, Stage, USDT, address, key, usdt};
use wallet::{AllowanceChoice, Outcome, Passphrase, Report, Scope, WalletError};

fn response(stage: &Stage, tx: &tron::TxId) -> Option<String> {
    Some(x402::Settlement::settled("tron:nile", &tx.to_string(), stage.payer()).header_value())
}

#[tokio::test]
async fn a_payment_is_asked_signed_settled_and_recorded() {
    let stage = Stage::start().await;
    let question = stage.ask(&Ask::new(1)).await;
    let signed = stage.approve(&question, Scope::Once).await.unwrap();
    let tx = stage.settle(&stage.signed(signed.id).await).await;
    assert_eq!(stage.balance(key(0x51).address()).await, usdt("0.25"));
    let report = Report { payment_response: response(&stage, &tx), http_status: 200 };
    let row = stage.wallet.report(&stage.app, signed.id, report).await.unwrap();
    assert_eq!(row.settlement, Some(Settlement::Seen { tx: Some(tx.to_string()) }));
    assert_eq!(row.delivery, Some(ledger::Delivery::Delivered));
    stage.devnet.mine(3);
    stage.wallet.reconcile().await.unwrap();
    let row = stage.row(signed.id).await;
    assert!(matches!(&row.settlement, Some(Settlement::Final { tx: Some(found), .. }) if *found == tx.to_string()));
    assert_eq!(row.actual, Some(usdt("0.26")));
    let (site, payees) = stage.wallet.site(&row.plan.site).await.unwrap();
    assert_eq!((site.totals[0].settled, payees[0].times), (usdt("0.26"), 1));
}

#[tokio::test]
async fn a_sellers_claim_counts_only_when_the_chain_confirms_it() {
    let stage = Stage::start().await;
    let first = stage.ask(&Ask::new(1)).await;
    let first = stage.approve(&first, Scope::Once).await.unwrap();
    let other = stage.ask(&Ask { url: "https://news.example/articles/2".to_owned(), ..Ask::new(2) }).await;
    let other = stage.approve(&other, Scope::Once).await.unwrap();
    let tx = stage.settle(&stage.signed(other.id).await).await;
    // The seller names a real transaction that moved the same amounts, but for another payment.
    let lie = Report { payment_response: response(&stage, &tx), http_status: 200 };
    let row = stage.wallet.report(&stage.app, first.id, lie).await.unwrap();
    assert_eq!(row.settlement, Some(Settlement::Unknown));
    // A failure that is only claimed keeps the reservation too.
    let failed = x402::Settlement::failed("tron:nile", "transaction_failed").header_value();
    let report = Report { payment_response: Some(failed), http_status: 402 };
    let row = stage.wallet.report(&stage.app, first.id, report).await.unwrap();
    assert_eq!((row.settlement, row.seller_says.as_deref()), (Some(Settlement::Unknown), Some("transaction_failed")));
    let (site, _) = stage.wallet.site(&row.plan.site).await.unwrap();
    assert_eq!(site.totals[0].settled.saturating_add(site.totals[0].open), usdt("0.52"));
    // Once the permission is over and its nonce unused, nothing left.
    stage.advance(680);
    stage.devnet.mine(5);
    stage.wallet.reconcile().await.unwrap();
    assert_eq!(stage.row(first.id).await.settlement, Some(Settlement::NeverUsed));
    assert!(matches!(stage.row(other.id).await.settlement, Some(Settlement::Final { .. })));
    let (site, _) = stage.wallet.site(&row.plan.site).await.unwrap();
    assert_eq!((site.totals[0].settled, site.totals[0].open), (usdt("0.26"), tron::Amount::ZERO));
}

#[tokio::test]
async fn a_missing_allowance_is_part_of_the_same_question_and_exact_by_default() {
    let stage = Stage::without_allowance().await;
    let question = stage.ask(&Ask::new(1)).await;
    let need = question.plan.allowance.clone().unwrap();
    assert_eq!((need.have, need.need), (tron::Amount::ZERO, usdt("0.26")));
    assert!(need.cost_sun > 0);
    stage.approve(&question, Scope::Once).await.unwrap();
    let signed = stage.finished(question.id).await;
    assert_eq!(signed.state, State::Signed);
    let (_, _, allowances) = stage.wallet.payment(question.id).await.unwrap();
    assert_eq!(allowances[0].intent.amount, usdt("0.26"));
    let Some(AllowanceOutcome::Confirmed { fee_sun, .. }) = allowances[0].outcome else { panic!() };
    assert!(fee_sun <= need.cost_sun, "{fee_sun} of {}", need.cost_sun);
    stage.settle(&stage.signed(signed.id).await).await;
}

#[tokio::test]
async fn a_bounded_total_is_allowed_and_an_unbounded_one_is_not() {
    let stage = Stage::without_allowance().await;
    let question = stage.ask(&Ask::new(1)).await;
    let (id, digest) = (question.id, question.digest);
    for amount in [tron::Amount::MAX, usdt("0.25"), usdt("260.1")] {
        let choice = AllowanceChoice::Total(amount);
        let refused = stage.approve_with(id, digest, Scope::Once, choice).await;
        assert!(matches!(refused, Err(WalletError::Field { field: "allowanceTotal", .. })), "{refused:?}");
    }
    stage.approve_with(id, digest, Scope::Once, AllowanceChoice::Total(usdt("2.6"))).await.unwrap();
    assert_eq!(stage.finished(id).await.state, State::Signed);
    // The next payment needs no transaction.
    let next = stage.ask(&Ask::new(2)).await;
    assert_eq!(next.plan.allowance, None);
}

#[tokio::test]
async fn a_limit_answers_for_the_person_and_a_finding_asks_again() {
    let stage = Stage::start().await;
    let daily = plan::Limit { per_day: Some(usdt("2")), ..plan::Limit::default() };
    let question = stage.ask(&Ask::new(1)).await;
    let first = stage.approve(&question, Scope::Limit(daily)).await.unwrap();
    // Without this word nobody knows, and the same resource is asked about for as long as that lasts.
    let delivered = Report { payment_response: None, http_status: 200 };
    stage.wallet.report(&stage.app, first.id, delivered).await.unwrap();
    stage.advance(120);
    let Outcome::Signed(second, _) = stage.pay(&Ask::new(2)).await.unwrap() else { panic!("a limit allows it") };
    assert!(!second.by_person);
    // Another payee at the same site: asked, whatever the limit says.
    let moved = Ask { pay_to: key(0x52).address(), ..Ask::new(3) };
    let question = stage.ask(&moved).await;
    assert!(question.plan.findings.iter().any(|f| matches!(f.fact, Fact::PayeeChanged { .. })));
}

#[tokio::test]
async fn the_same_key_returns_the_same_payment_and_another_request_is_a_conflict() {
    let stage = Stage::start().await;
    let mut request = stage.request(&Ask::new(1));
    request.idempotency_key = Some("order-1".to_owned());
    let Ok(Outcome::Open(question)) = stage.wallet.pay(&stage.app, &request).await else { panic!() };
    let Ok(Outcome::Open(again)) = stage.wallet.pay(&stage.app, &request).await else { panic!() };
    assert_eq!(question.id, again.id);
    let signed = stage.approve(&question, Scope::Once).await.unwrap();
    let Ok(Outcome::Signed(third, _)) = stage.wallet.pay(&stage.app, &request).await else { panic!() };
    assert_eq!((third.id, third.nonce.clone()), (signed.id, signed.nonce.clone()));
    let mut other = stage.request(&Ask { price: usdt("0.3"), ..Ask::new(2) });
    other.idempotency_key = Some("order-1".to_owned());
    let conflict = stage.wallet.pay(&stage.app, &other).await;
    assert!(matches!(conflict, Err(WalletError::IdempotencyConflict { .. })), "{conflict:?}");
    // Without a key, the very same 402 is a retry; from another app it is refused.
    request.idempotency_key = None;
    let Ok(Outcome::Signed(retry, _)) = stage.wallet.pay(&stage.app, &request).await else { panic!() };
    assert_eq!(retry.id, signed.id);
    let foreign = stage.wallet.pay(&wallet::AppId::owner(), &request).await;
    assert!(matches!(foreign, Err(WalletError::SameNonce)), "{foreign:?}");
    assert_eq!(stage.count().await, 1);
}

#[tokio::test]
async fn a_question_survives_a_restart_and_is_answered_after_the_unlock() {
    let stage = Stage::start().await;
    let question = stage.ask(&Ask::new(1)).await;
    let stage = stage.restart().await;
    assert!(stage.wallet.is_locked());
    let open = stage.wallet.open_questions().await.unwrap();
    assert_eq!((open[0].id, open[0].digest), (question.id, question.digest));
    let locked = stage.approve(&question, Scope::Once).await;
    assert!(matches!(locked, Err(WalletError::Locked)), "{locked:?}");
    stage.wallet.unlock(Passphrase::new(PASSPHRASE.to_owned())).await.unwrap();
    assert_eq!(stage.approve(&question, Scope::Once).await.unwrap().state, State::Signed);
}

#[tokio::test]
async fn a_crash_between_approval_and_signature_is_resumed_with_the_same_signature() {
    let stage = Stage::start().await;
    let question = stage.ask(&Ask::new(1)).await;
    // Reserved, and the process ends before the key is touched.
    let ledger = ledger::Ledger::open(&stage.dir.path().join("ledger.db")).unwrap();
    let answer = ledger::Answer { digest: question.digest, window: question.plan.window };
    ledger.approve(question.id, &answer, stage.wallet.now(), |_| true).unwrap();
    drop(ledger);
    let stage = stage.restart().await;
    stage.wallet.unlock(Passphrase::new(PASSPHRASE.to_owned())).await.unwrap();
    let signed = stage.finished(question.id).await;
    assert_eq!(signed.state, State::Signed);
    let first = stage.signed(signed.id).await;
    let stage = stage.restart().await;
    assert_eq!(stage.signed(signed.id).await.to_json(), first.to_json());
    stage.settle(&first).await;
}

#[tokio::test]
async fn an_allowance_that_was_sent_before_a_crash_is_awaited_and_not_sent_twice() {
    let stage = Stage::without_allowance().await;
    let question = stage.ask(&Ask::new(1)).await;
    // The node does not answer the broadcast: the transaction is written down, its outcome unknown.
    stage.devnet.fault("wallet/broadcasthex", 100, devnet::Fault::Error);
    stage.approve(&question, Scope::Once).await.unwrap();
    let written = async {
        loop {
            let (_, _, allowances) = stage.wallet.payment(question.id).await.unwrap();
            if let Some(first) = allowances.first() {
                return first.intent.tx.clone();
            }
            tokio::task::yield_now().await;
        }
    };
    let tx = tokio::time::timeout(std::time::Duration::from_secs(20), written).await.unwrap();
    stage.devnet.clear_faults();
    let stage = stage.restart().await;
    stage.wallet.unlock(Passphrase::new(PASSPHRASE.to_owned())).await.unwrap();
    assert_eq!(stage.finished(question.id).await.state, State::Signed);
    let (_, _, allowances) = stage.wallet.payment(question.id).await.unwrap();
    assert_eq!((allowances.len(), allowances[0].intent.tx.as_str()), (1, tx.as_str()));
}

#[tokio::test]
async fn a_signed_payment_whose_answer_was_lost_is_looked_up_and_never_signed_again() {
    let stage = Stage::start().await;
    let question = stage.ask(&Ask::new(1)).await;
    let signed = stage.approve(&question, Scope::Once).await.unwrap();
    stage.settle(&stage.signed(signed.id).await).await;
    // Nobody reports. After the window the nonce tells that it was used.
    let stage = stage.restart().await;
    stage.advance(680);
    stage.devnet.mine(5);
    stage.wallet.reconcile().await.unwrap();
    let row = stage.row(signed.id).await;
    assert!(matches!(row.settlement, Some(Settlement::Final { tx: None, .. })), "{row:?}");
    assert_eq!(stage.balance(key(0x51).address()).await, usdt("0.25"));
}

#[tokio::test]
async fn what_can_never_be_right_is_refused_at_once_with_its_reason() {
    let stage = Stage::start().await;
    let cases = [
        ("tokenUnknown", Ask { token: devnet::FAKE_USDT, ..Ask::new(1) }),
        ("balanceShort", Ask { price: usdt("500"), ..Ask::new(2) }),
    ];
    for (code, ask) in cases {
        let Err(WalletError::Refused(row)) = stage.pay(&ask).await else { panic!("{code}") };
        assert_eq!((row.state, row.code.as_deref()), (State::Refused, Some(code)));
        assert_eq!(row.signed_at, None);
    }
    // A fake token is shown to the person; a short balance is told to the app alone.
    assert_eq!(stage.wallet.dangers().await.unwrap().len(), 1);
    assert_eq!(stage.balance(stage.payer()).await, usdt("100"));
    assert_eq!(address(USDT), Ask::new(1).token);
}

#[test]
fn all_of_this_over_three_doors() {
    stories::doors::again_over(stories::doors::Kind::Apart, "all_of_this_over");
}
