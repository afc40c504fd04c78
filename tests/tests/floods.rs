//! Work without outcome: questions that are asked and taken back, checks and more checks, documents of what came to
//! nothing. Each is bounded for one app, and others are served as without it.

use ledger::State;
use stories::{Ask, Stage, usdt};
use wallet::{Moment, Outcome, WalletError};

fn ask(number: u64) -> Ask {
    Ask { url: format!("https://news.example/articles/{number}"), ..Ask::new(number) }
}

/// Another paired app.
async fn neighbour(stage: &Stage) -> wallet::AppId {
    let pairing = stage.wallet.pair("neighbour").unwrap();
    stage.wallet.answer_pairing(&pairing.id, true).await.unwrap();
    let token = stage
        .wallet
        .collect(&pairing.id, &pairing.secret.unwrap(), std::time::Duration::ZERO)
        .await
        .unwrap()
        .token
        .unwrap();
    stage.wallet.authenticate(&token).await.unwrap().id
}

#[tokio::test]
async fn three_hundred_questions_that_are_taken_back_in_ten_seconds_leave_few_rows_and_raise_no_window() {
    let stage = Stage::start().await;
    let other = neighbour(&stage).await;
    let (mut asked, mut paused) = (0, 0);
    for number in 1..=300 {
        match stage.pay(&ask(number)).await {
            Ok(Outcome::Open(question)) => {
                asked += 1;
                assert!(!stage.wallet.has_lasting_question().await.unwrap(), "nobody's front is taken");
                let cancelled = stage.wallet.cancel(&stage.app, question.id).await.unwrap();
                assert_eq!(cancelled.state, State::Cancelled, "taking back always works");
            }
            Err(WalletError::RateLimited { retry_after }) => {
                paused += 1;
                assert!((1..=30).contains(&retry_after), "{retry_after}");
            }
            unexpected => panic!("{unexpected:?}"),
        }
        stage.clock.advance_ms(33);
    }
    assert_eq!((asked, paused), (10, 290));
    assert_eq!(stage.count().await, 10, "a row each, and no more");
    // Others are served meanwhile, and the app itself when the pause is over.
    let served = stage.wallet.pay(&other, &stage.request(&ask(1_000))).await;
    assert!(matches!(served, Ok(Outcome::Open(_))), "{served:?}");
    assert!(!stage.wallet.has_lasting_question().await.unwrap());
    stage.clock.advance_ms(1_000);
    assert!(stage.wallet.has_lasting_question().await.unwrap(), "one that lasts is shown");
    stage.clock.advance_ms(30_000);
    assert!(matches!(stage.pay(&ask(1_001)).await, Ok(Outcome::Open(_))));
}

#[tokio::test]
async fn what_one_app_asks_of_the_nodes_is_bounded_for_that_app_alone() {
    let stage = Stage::start().await;
    let other = neighbour(&stage).await;
    let request = stage.request(&ask(1));
    let mut passed = 0;
    for _ in 0..300 {
        match stage.wallet.check(&stage.app, &request).await {
            Ok(_) => passed += 1,
            Err(WalletError::RateLimited { .. }) => {}
            Err(unexpected) => panic!("{unexpected:?}"),
        }
    }
    assert_eq!(passed, 120);
    // One bucket for all that costs: a question is no way around it.
    assert!(matches!(stage.pay(&ask(2)).await, Err(WalletError::RateLimited { .. })));
    assert!(stage.wallet.check(&other, &request).await.is_ok());
    stage.clock.advance_ms(2_000);
    assert!(stage.wallet.check(&stage.app, &request).await.is_ok(), "it fills again");
}

#[tokio::test]
async fn a_report_is_taken_however_often_it_is_repeated_and_takes_no_purchase_its_turn() {
    let stage = Stage::start().await;
    let question = stage.ask(&ask(1)).await;
    stage.approve(&question, wallet::Scope::Once).await.unwrap();
    let report = || wallet::Report { payment_response: None, http_status: 500 };
    for _ in 0..200 {
        assert!(stage.wallet.report(&stage.app, question.id, report()).await.is_ok());
    }
    assert!(stage.wallet.check(&stage.app, &stage.request(&ask(2))).await.is_ok());
}

#[tokio::test]
async fn documents_of_what_came_to_nothing_are_cut_after_a_day_and_their_rows_stay() {
    let stage = Stage::start().await;
    let cancelled = stage.ask(&ask(1)).await;
    stage.wallet.cancel(&stage.app, cancelled.id).await.unwrap();
    let rejected = stage.ask(&ask(2)).await;
    stage.reject(&rejected).await;
    let signed = stage.ask(&ask(3)).await;
    stage.approve(&signed, wallet::Scope::Once).await.unwrap();
    let expired = stage.ask(&ask(4)).await;
    stage.clock.advance_ms(301_000);
    stage.wallet.tick().await.unwrap();
    assert_eq!(stage.row(expired.id).await.state, State::Expired);
    let refused = stage.pay(&Ask { token: devnet::FAKE_USDT, ..ask(5) }).await;
    let Err(WalletError::Refused(refused)) = refused else { panic!("{refused:?}") };
    let document = async |id| stage.wallet.payment(id).await.unwrap().1.document;

    let nothing = [cancelled.id, rejected.id, expired.id, refused.id];
    assert_eq!(stage.wallet.cut_documents().await.unwrap(), 0, "a day for a person to look");
    assert_eq!(stage.wallet.dangers().await.unwrap().len(), 1);
    stage.clock.advance_ms(Moment::DAY_MS + 1_000);
    let open = stage.wallet.pay(&stage.app, &stage.request(&ask(6))).await;
    assert_eq!(stage.wallet.cut_documents().await.unwrap(), 4, "{open:?}");
    assert_eq!(stage.wallet.cut_documents().await.unwrap(), 0);
    for id in nothing {
        assert_eq!(document(id).await, "");
        let row = stage.row(id).await;
        assert_eq!((row.plan.maximum, row.signed_at), (usdt("0.26"), None), "what was read of it stays");
    }
    assert!(!document(signed.id).await.is_empty(), "what was signed stays whole");
    assert!(stage.wallet.dangers().await.unwrap().is_empty());
}

#[tokio::test]
async fn programs_of_other_users_take_their_own_places_for_pairings() {
    let stage = Stage::start().await;
    let names: Vec<String> = (0..12).map(|n| format!("Reader {}", char::from(b'a' + n))).collect();
    let asked = |user| names.iter().filter(|name| stage.wallet.pair_for(name, user).is_ok()).count();
    assert_eq!((asked(Some(65_534)), asked(Some(33))), (8, 8));
    assert!(stage.wallet.pair("news reader").is_ok(), "ours are still there");
    // Turning theirs down three times makes them pause, and not us.
    for pairing in stage.wallet.open_pairings().iter().take(3) {
        stage.wallet.answer_pairing(&pairing.id, false).await.unwrap();
    }
    assert!(matches!(
        stage.wallet.pair_for("again", Some(65_534)),
        Err(WalletError::RateLimited { retry_after: 1..=30 })
    ));
    assert!(stage.wallet.pair("another reader").is_ok());
}
