//! What became of a payment is what the chain shows. What a seller says of it is its word, an old signature is handed out
//! again only while it can still buy something, and no report is lost for a strange receipt or a node that is away.
#![allow(clippy::unwrap_used, clippy::panic)]

use ledger::{Delivery, Payment, Settlement, State};
use plan::{EarlierOutcome, Fact};
use stories::{Ask, Stage, usdt};
use wallet::{Header, Outcome, PayRequest, Report, Scope, WalletError};
use x402::Scheme;

/// By Permit2, where the 402 names no nonce: all that are asked alike are alike.
fn article(path: &str) -> Ask {
    Ask { url: format!("https://news.example/{path}"), ..Ask::by(Scheme::ExactPermit2, 0) }
}

/// The same purchase in other words, as a seller that rotates something in its 402 writes it.
fn reworded(stage: &Stage, ask: &Ask, word: &str) -> PayRequest {
    let document = serde_json::json!({
        "x402Version": 2, "error": word, "resource": { "url": ask.url }, "accepts": [ask.option()],
    });
    PayRequest { payment_required: x402::header::write(&document.to_string()), ..stage.request(ask) }
}

/// A seller that was paid before, and a limit that pays it.
async fn trusted() -> Stage {
    let stage = Stage::start().await;
    // A story may take longer than a wallet stays unlocked that is left alone.
    stage.wallet.set_auto_lock(0).await.unwrap();
    stage.prepare(Scheme::ExactPermit2).await;
    let asked = stage.ask(&article("first")).await;
    let first = stage.approve(&asked, Scope::Once).await.unwrap();
    let tx = stage.settle(&stage.signed(first.id).await).await;
    told(&stage, &first, &x402::Settlement::settled("tron:nile", &tx.to_string(), stage.payer()).header_value(), 200)
        .await;
    stage.allow_automatically(&article("first"), "50").await;
    stage.advance(120);
    stage.devnet.mine(5);
    stage.wallet.reconcile().await.unwrap();
    stage
}

async fn signed(stage: &Stage, request: &PayRequest) -> (Payment, Header) {
    match stage.wallet.pay(&stage.app, request).await.unwrap() {
        Outcome::Signed(payment, header) => (payment, header),
        other => panic!("a limit allows it, found {other:?}"),
    }
}

async fn asked(stage: &Stage, request: &PayRequest) -> Payment {
    match stage.wallet.pay(&stage.app, request).await.unwrap() {
        Outcome::Open(payment) => payment,
        other => panic!("a person is asked, found {other:?}"),
    }
}

async fn told(stage: &Stage, payment: &Payment, receipt: &str, http_status: u16) -> Payment {
    let payment_response = (!receipt.is_empty()).then(|| receipt.to_owned());
    stage.wallet.report(&stage.app, payment.id, Report { payment_response, http_status }).await.unwrap()
}

fn earlier(payment: &Payment) -> Option<EarlierOutcome> {
    payment.plan.findings.iter().find_map(|f| match &f.fact {
        Fact::PaidJustNow { earlier, .. } => Some(*earlier),
        _ => None,
    })
}

/// How the specification's own servers, and others, say that a settlement failed.
fn failures() -> Vec<(&'static str, u16, String, Option<&'static str>)> {
    let header = |json: &str| x402::header::write(json);
    let tx = "ab".repeat(32);
    vec![
        (
            "specified",
            402,
            header(r#"{"success":false,"errorReason":"timeout","transaction":"","network":""}"#),
            Some("timeout"),
        ),
        (
            "python",
            500,
            format!(r#"{{"error":"settlement check failed","txHash":"{tx}"}}"#),
            Some("settlement check failed"),
        ),
        (
            "facilitator",
            402,
            r#"{"error":"Settlement failed","details":"reverted"}"#.to_owned(),
            Some("Settlement failed"),
        ),
        ("precondition", 412, String::new(), None),
        ("no-reason", 402, header(r#"{"success":false}"#), Some("")),
        ("page", 502, "<html>Bad gateway</html>".to_owned(), None),
    ]
}

#[tokio::test]
async fn a_sellers_failed_is_its_word_and_no_second_signature_comes_without_a_person() {
    let stage = trusted().await;
    for (name, status, receipt, says) in failures() {
        let (ask, receipt) = (article(name), receipt.as_str());
        let (first, header) = signed(&stage, &reworded(&stage, &ask, "one")).await;
        let row = told(&stage, &first, receipt, status).await;
        assert_eq!(
            (&row.settlement, row.delivery),
            (&Some(Settlement::Unknown), Some(Delivery::RefusedBySeller)),
            "{name}"
        );
        assert_eq!(row.seller_says.as_deref(), says, "{name}");
        let view = view::PaymentView::of(&row, None);
        assert_eq!((view.word.as_str(), view.settlement), ("outcome not known", view::SettlementView::Unknown));
        // The same text is a retry; another one for the same thing is for a person, long after the first minute too.
        stage.advance(90);
        let (again, same) = signed(&stage, &reworded(&stage, &ask, "one")).await;
        assert_eq!((again.id, &same), (first.id, &header), "{name}");
        let question = asked(&stage, &reworded(&stage, &ask, "two")).await;
        assert_eq!(earlier(&question), Some(EarlierOutcome::Unknown), "{name}");
        stage.wallet.cancel(&stage.app, question.id).await.unwrap();
    }
    // All of it may still leave.
    let (site, _) = stage.wallet.site(&plan::Site::of("https://news.example").unwrap()).await.unwrap();
    assert_eq!(site.totals[0].open, usdt("0.25").saturating_mul(failures().len() as u64));
    // Until the windows are over: then nothing left, and the limit pays again.
    stage.advance(700);
    stage.devnet.mine(5);
    stage.wallet.reconcile().await.unwrap();
    let (site, _) = stage.wallet.site(&plan::Site::of("https://news.example").unwrap()).await.unwrap();
    assert_eq!(site.totals[0].open, tron::Amount::ZERO);
    signed(&stage, &reworded(&stage, &article("specified"), "three")).await;
}

#[tokio::test]
async fn what_the_seller_calls_failed_and_the_chain_has_is_settled_at_once() {
    let stage = trusted().await;
    for (name, status, receipt, _) in failures() {
        let ask = article(name);
        let (first, _) = signed(&stage, &reworded(&stage, &ask, "one")).await;
        stage.settle(&stage.signed(first.id).await).await;
        let row = told(&stage, &first, &receipt, status).await;
        assert_eq!(row.settlement, Some(Settlement::Seen { tx: None }), "{name}");
        // Paid and not delivered: whether it is paid again is not for a limit to say, today or later.
        stage.advance(90);
        let question = asked(&stage, &reworded(&stage, &ask, "one")).await;
        assert_eq!(earlier(&question), Some(EarlierOutcome::Refused), "{name}");
        assert_ne!(question.id, first.id);
        stage.wallet.cancel(&stage.app, question.id).await.unwrap();
        stage.devnet.mine(5);
        stage.wallet.reconcile().await.unwrap();
        assert!(matches!(stage.row(first.id).await.settlement, Some(Settlement::Final { .. })), "{name}");
    }
}

#[tokio::test]
async fn without_a_key_the_same_bytes_are_a_retry_until_the_chain_has_the_first() {
    let stage = trusted().await;
    let request = stage.request(&article("weather"));
    let (first, header) = signed(&stage, &request).await;
    let (again, same) = signed(&stage, &request).await;
    assert_eq!((again.id, same), (first.id, header));
    stage.settle(&stage.signed(first.id).await).await;
    // Within a minute it may still be a retry: a person is told what happened to the first.
    let question = asked(&stage, &request).await;
    assert_ne!(question.id, first.id);
    assert_eq!(earlier(&question), Some(EarlierOutcome::Paid));
    assert_eq!(stage.row(first.id).await.settlement, Some(Settlement::Seen { tx: None }));
    stage.wallet.cancel(&stage.app, question.id).await.unwrap();
    // Later it is a second purchase, which a limit may pay.
    stage.advance(90);
    let (second, _) = signed(&stage, &request).await;
    assert_ne!(second.id, first.id);
    // Under a key it stays the same payment.
    let keyed = PayRequest { idempotency_key: Some("noon".to_owned()), ..stage.request(&article("noon")) };
    let (noon, header) = signed(&stage, &keyed).await;
    stage.settle(&stage.signed(noon.id).await).await;
    let (again, same) = signed(&stage, &keyed).await;
    assert_eq!((again.id, same), (noon.id, header));
    // While no node answers, the old signature is what there is: it pays only once.
    let unknown = stage.request(&article("storm"));
    let (storm, header) = signed(&stage, &unknown).await;
    for door in ["wallet/triggerconstantcontract", "walletsolidity/triggerconstantcontract"] {
        stage.devnet.fault(door, 10_000, devnet::Fault::Error);
    }
    let (again, same) = signed(&stage, &unknown).await;
    assert_eq!((again.id, same), (storm.id, header));
}

#[tokio::test]
async fn a_402_that_names_its_nonce_is_one_question_and_one_payment() {
    let stage = Stage::start().await;
    let request = |key: &str| PayRequest { idempotency_key: Some(key.to_owned()), ..stage.request(&Ask::new(7)) };
    let (mut questions, mut in_use) = (vec![], 0);
    for key in ["a", "b", "c", "d", "e"] {
        match stage.wallet.pay(&stage.app, &request(key)).await {
            Ok(Outcome::Open(payment)) => questions.push(payment),
            Err(WalletError::SameNonce) => in_use += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((questions.len(), in_use), (1, 4));
    // Signed and on the chain, the same bytes buy nothing: what happened is told.
    let plain = stage.request(&Ask::new(8));
    let question = asked(&stage, &plain).await;
    let first = stage.approve(&question, Scope::Once).await.unwrap();
    let (again, _) = signed(&stage, &plain).await;
    assert_eq!(again.id, first.id);
    stage.settle(&stage.signed(first.id).await).await;
    match stage.wallet.pay(&stage.app, &plain).await {
        Err(WalletError::Paid(payment)) => assert_eq!(payment.id, first.id),
        other => panic!("{other:?}"),
    }
    let failure = view::Failure::from(WalletError::Paid(Box::new(first.clone())));
    assert!(failure.message.contains(&first.id.to_string()) && failure.advice.is_some(), "{failure:?}");
}

#[tokio::test]
async fn what_is_signed_is_not_cancelled() {
    let stage = trusted().await;
    let (paid, _) = signed(&stage, &stage.request(&article("a"))).await;
    let cancelled = stage.wallet.cancel(&stage.app, paid.id).await;
    assert!(matches!(cancelled, Err(WalletError::Signed(_))), "{cancelled:?}");
    assert_eq!(stage.row(paid.id).await.state, State::Signed);
}

#[tokio::test]
async fn any_receipt_is_taken_and_only_the_chain_decides() {
    let stage = trusted().await;
    let (id, payer) = ("ab".repeat(32), hex::encode(stage.payer().bytes()));
    let long = x402::header::write(&format!("{{\"success\":true,\"pad\":\"{}\"}}", "x".repeat(21_000)));
    let receipts = [
        "eyJhbGciOiJIUzI1NiJ9.eyJyIjoiMTcifQ.c2lnbmF0dXJl".to_owned(),
        r#"{"receiptId":"r-17","nonce":"0x1"}"#.to_owned(),
        "<!doctype html><title>Thank you</title>".to_owned(),
        long,
        r#"{"success":true,"transaction":"","network":"","payer":""}"#.to_owned(),
        format!(r#"{{"success":true,"transaction":"{id}","network":"nile","payer":"0x{payer}","amount":null}}"#),
        format!(r#"{{"ok":true,"settlement":{{"success":true,"transaction":"{id}","payer":"0x{payer}"}}}}"#),
        "\u{1f600} not even ASCII".to_owned(),
        "[[[[[[[[[[[[[[[[[[[[[[[[".to_owned(),
    ];
    for (n, receipt) in receipts.iter().enumerate() {
        let (paid, _) = signed(&stage, &stage.request(&article(&format!("receipt-{n}")))).await;
        let row = told(&stage, &paid, receipt, 200).await;
        assert_eq!(
            (&row.settlement, row.delivery),
            (&Some(Settlement::Unknown), Some(Delivery::Delivered)),
            "{receipt}"
        );
        let papers = stage.wallet.payment(paid.id).await.unwrap().1;
        assert_eq!(papers.response.as_deref(), Some(receipt.as_str()), "kept as it came");
        stage.settle(&stage.signed(paid.id).await).await;
        stage.devnet.mine(5);
        stage.wallet.reconcile().await.unwrap();
        assert!(matches!(stage.row(paid.id).await.settlement, Some(Settlement::Final { .. })), "{receipt}");
    }
}

#[tokio::test]
async fn a_node_that_is_away_loses_no_report_and_the_row_settles_later() {
    let mut stage = trusted().await;
    let (paid, _) = signed(&stage, &stage.request(&article("away"))).await;
    let tx = stage.settle(&stage.signed(paid.id).await).await;
    stage.reopen("http://127.0.0.1:1".to_owned()).await;
    let receipt = x402::Settlement::settled("tron:nile", &tx.to_string(), stage.payer()).header_value();
    let row = told(&stage, &paid, &receipt, 200).await;
    assert_eq!((row.settlement, row.delivery), (Some(Settlement::Unknown), Some(Delivery::Delivered)));
    stage.reopen(stage.devnet.url()).await;
    stage.devnet.mine(5);
    stage.wallet.reconcile().await.unwrap();
    let row = stage.row(paid.id).await;
    assert!(matches!(&row.settlement, Some(Settlement::Final { tx: Some(found), .. }) if *found == tx.to_string()));
}

#[tokio::test]
async fn a_signature_that_a_permit2_facilitator_calls_wrong_is_told_with_the_other_set() {
    let stage = trusted().await;
    let desk = view::Desk::new(stage.wallet.clone());
    for (path, reason, offered) in [
        ("a", "invalid_signature", true),
        ("b", "invalid_exact_tron_payload_signature", true),
        ("c", "invalid_permit2_spender", true),
        ("d", "insufficient_funds", false),
    ] {
        // After a refusal a person is asked (see permit2.rs).
        let paid = match stage.wallet.pay(&stage.app, &stage.request(&article(path))).await.unwrap() {
            Outcome::Signed(payment, _) => payment,
            Outcome::Open(question) => stage.approve(&question, Scope::Once).await.unwrap(),
            other => panic!("found {other:?}"),
        };
        let json = format!(r#"{{"success":false,"errorReason":"{reason}","transaction":"","network":"tron:nile"}}"#);
        told(&stage, &paid, &x402::header::write(&json), 402).await;
        let shown = desk.payment(&paid.id.to_string()).await.unwrap().payment;
        let says = shown.seller_says.unwrap();
        let line = "countersign settings permit2 second --site https://news.example";
        assert_eq!(says.contains(line) && says.contains("first Permit2 set"), offered, "{says}");
    }
}

#[tokio::test]
async fn how_often_somebody_was_paid_is_what_was_settled_and_not_what_was_signed() {
    let stage = Stage::start().await;
    let desk = view::Desk::new(stage.wallet.clone());
    let article = |nonce: u64| Ask { url: format!("https://news.example/{nonce}"), ..Ask::new(nonce) };
    let note = async |nonce| {
        let open = stage.ask(&article(nonce)).await;
        let question = desk.question(&open.id.to_string()).await.unwrap();
        stage.wallet.cancel(&stage.app, open.id).await.unwrap();
        let known = question.findings.into_iter().find(|found| found.code == "payeeKnown");
        (question.payee_note, known.map(|found| (found.title, found.text)))
    };
    let times = async || desk.site("https://news.example").await.unwrap().payees[0].times;
    let first = stage.approve(&stage.ask(&article(1)).await, Scope::Once).await.unwrap();
    let (told, known) = note(2).await;
    let (title, text) = known.unwrap();
    assert_eq!((told.as_str(), title.as_str()), ("approved before, nothing settled yet", "Approved before"));
    assert!(text.contains("none is settled yet"), "{text}");
    assert_eq!(times().await, 0);

    // One is settled, another is signed and never used, and counts at no time.
    let tx = stage.settle(&stage.signed(first.id).await).await.to_string();
    told_of(&stage, &first, &tx).await;
    stage.approve(&stage.ask(&article(3)).await, Scope::Once).await.unwrap();
    for nonce in [4, 5] {
        let (told, known) = note(nonce).await;
        assert!(told.starts_with("paid once, "), "{told}");
        assert!(known.unwrap().1.contains("paid once"));
        assert_eq!(times().await, 1);
        stage.advance(700);
        stage.devnet.mine(5);
        stage.wallet.reconcile().await.unwrap();
    }
    let second = stage.approve(&stage.ask(&article(6)).await, Scope::Once).await.unwrap();
    let tx = stage.settle(&stage.signed(second.id).await).await.to_string();
    told_of(&stage, &second, &tx).await;
    assert!(note(7).await.0.starts_with("same address 2 times since "));
    assert_eq!(times().await, 2);
}

/// The seller's receipt for a settlement that is on the chain.
async fn told_of(stage: &Stage, payment: &Payment, tx: &str) {
    told(stage, payment, &x402::Settlement::settled("tron:nile", tx, stage.payer()).header_value(), 200).await;
}

#[test]
fn all_of_this_over_three_doors() {
    stories::doors::again_over(stories::doors::Kind::Apart, "all_of_this_over");
}
