//! Answers as people give them, and as thieves of clicks and floods of prompts would like to.

use ledger::State;
use stories::{Ask, PASSPHRASE, Stage, USDT, passphrase, usdt};
use wallet::{AllowanceChoice, Answer, AppId, Outcome, Proof, Scope, WalletError};

#[tokio::test]
async fn two_hundred_trials_of_fast_clicking_approve_nothing() {
    let stage = Stage::start().await;
    let question = stage.ask(&Ask::new(1)).await;
    let yes = || Answer::Approve { scope: Scope::Once, allowance: AllowanceChoice::Exact };
    for trial in 0..200_i64 {
        // Shown or focused anew, then clicked ten times a second until just before it arms.
        stage.wallet.shown(question.id, question.digest).await.unwrap();
        for _ in 0..=(trial % 10) {
            let early = stage.wallet.answer(question.id, question.digest, yes(), Proof::Window).await;
            assert!(matches!(early, Err(WalletError::NotArmed { .. })), "{trial}: {early:?}");
            if trial % 10 < 9 {
                stage.clock.advance_ms(100);
            }
        }
    }
    assert_eq!(stage.row(question.id).await.state, State::Asked);
}

#[tokio::test]
async fn a_terminal_answers_with_the_passphrase_and_nothing_else() {
    let stage = Stage::start().await;
    let question = stage.ask(&Ask::new(1)).await;
    stage.wallet.lock();
    let yes = || Answer::Approve { scope: Scope::Once, allowance: AllowanceChoice::Exact };
    let wrong = Proof::Passphrase(wallet::Passphrase::new("a wrong passphrase".to_owned()));
    let refused = stage.wallet.answer(question.id, question.digest, yes(), wrong).await;
    assert!(matches!(refused, Err(WalletError::Vault(_))), "{refused:?}");
    let proof = Proof::Passphrase(passphrase());
    let signed = stage.wallet.answer(question.id, question.digest, yes(), proof).await.unwrap();
    assert_eq!(signed.state, State::Signed);
}

#[tokio::test]
async fn five_hundred_foreign_requests_while_a_question_is_open_sign_nothing() {
    let stage = Stage::start().await;
    let question = stage.ask(&Ask::new(1)).await;
    let bot = AppId("owner".to_owned());
    let mut signed = 0;
    for nonce in 0..500 {
        let request = stage.request(&Ask::new(10 + nonce));
        signed += usize::from(matches!(stage.wallet.pay(&bot, &request).await, Ok(Outcome::Signed(..))));
    }
    assert_eq!(signed, 0);
    assert_eq!(stage.row(question.id).await.state, State::Asked);
    // A bounded queue: the rest was told to come back later.
    assert!(stage.wallet.open_questions().await.unwrap().len() <= 9);
}

#[tokio::test]
async fn three_refusals_start_a_pause_for_that_app_alone() {
    let stage = Stage::start().await;
    for nonce in 1..=3 {
        let question = stage.ask(&Ask::new(nonce)).await;
        stage.reject(&question).await;
    }
    let paused = stage.pay(&Ask::new(4)).await;
    assert!(matches!(paused, Err(WalletError::RateLimited { retry_after: 30 })), "{paused:?}");
    let other = stage.wallet.pay(&AppId::owner(), &stage.request(&Ask::new(5))).await;
    assert!(matches!(other, Ok(Outcome::Open(_))), "{other:?}");
    stage.clock.advance_ms(30_000);
    assert!(matches!(stage.pay(&Ask::new(6)).await, Ok(Outcome::Open(_))));
}

#[tokio::test]
async fn an_app_that_asks_again_and_again_is_told_no_once() {
    let stage = Stage::start().await;
    let (first, second) = (stage.ask(&Ask::new(1)).await, stage.ask(&Ask::new(2)).await);
    let gone = stage.ask(&Ask::new(3)).await;
    stage.reject(&gone).await;
    let others = stage.wallet.pay(&AppId::owner(), &stage.request(&Ask::new(4))).await;
    let Ok(Outcome::Open(others)) = others else { panic!("{others:?}") };
    assert_eq!(stage.wallet.reject_app(first.id).await.unwrap(), 2);
    for ended in [first, second] {
        let row = stage.row(ended.id).await;
        assert_eq!((row.state, row.code.as_deref()), (State::Rejected, Some("rejected")));
    }
    let open: Vec<_> = stage.wallet.open_questions().await.unwrap().iter().map(|q| q.id).collect();
    assert_eq!(open, [others.id]);
    // Nothing is left of it: asked once more it finds none.
    assert_eq!(stage.wallet.reject_app(gone.id).await.unwrap(), 0);
}

#[tokio::test]
async fn a_blocked_site_and_a_revoked_app_are_refused_from_then_on() {
    let stage = Stage::start().await;
    let question = stage.ask(&Ask::new(1)).await;
    let no = Answer::Reject { block_site: true };
    stage.wallet.answer(question.id, question.digest, no, Proof::Window).await.unwrap();
    let Err(WalletError::Refused(row)) = stage.pay(&Ask::new(2)).await else { panic!() };
    assert_eq!(row.code.as_deref(), Some("siteBlocked"));
    stage.wallet.block_site(&row.plan.site, false).await.unwrap();
    let open = stage.ask(&Ask::new(3)).await;
    stage.wallet.revoke_app(&stage.app).await.unwrap();
    assert_eq!(stage.row(open.id).await.state, State::Cancelled);
}

#[tokio::test]
async fn a_locked_wallet_keeps_the_question_and_a_limit_does_not_answer_for_it() {
    let stage = Stage::start().await;
    let first = stage.ask(&Ask::new(1)).await;
    stage.approve(&first, Scope::Once).await.unwrap();
    stage.allow_automatically(&Ask::new(1), "10").await;
    stage.advance(120);
    stage.wallet.lock();
    let question = stage.ask(&Ask::new(2)).await;
    stage.wallet.unlock(wallet::Passphrase::new(PASSPHRASE.to_owned())).await.unwrap();
    assert_eq!(stage.approve(&question, Scope::Once).await.unwrap().state, State::Signed);
    let delivered = wallet::Report { payment_response: None, http_status: 200 };
    stage.wallet.report(&stage.app, question.id, delivered).await.unwrap();
    stage.advance(120);
    assert!(matches!(stage.pay(&Ask::new(3)).await, Ok(Outcome::Signed(..))));
}

#[tokio::test]
async fn more_than_the_app_allowed_is_refused_before_anybody_is_asked() {
    let stage = Stage::start().await;
    let mut request = stage.request(&Ask::new(1));
    // A number alone: of which token?
    request.max_amount = Some("260000".to_owned());
    let unclear = stage.wallet.pay(&stage.app, &request).await;
    assert!(
        matches!(unclear, Err(WalletError::Field { field: "maxAmount", expected, .. }) if expected.contains("USDT"))
    );
    request.max_amount = Some(format!("259999 {USDT}"));
    let over = stage.wallet.pay(&stage.app, &request).await;
    assert!(
        matches!(over, Err(WalletError::MaxAmount { max, asked }) if max == "0.259999 USDT" && asked == "0.26 USDT")
    );
    for over in ["0.25 USDT", "1000000 USDD", "260000 TGjgvdTWWrybVLaVeFqSyVqJQWjxqRYbaK"] {
        request.max_amount = Some(over.to_owned());
        let refused = stage.wallet.pay(&stage.app, &request).await;
        assert!(matches!(refused, Err(WalletError::MaxAmount { asked, .. }) if asked == "0.26 USDT"), "{over}");
    }
    request.max_amount = None;
    // Whole units, of any token or of one; a token that is another one is over in any amount.
    for over in ["0.25", "0.259999 USDT", "0", "100 USDD"] {
        request.max = Some(over.to_owned());
        let refused = stage.wallet.pay(&stage.app, &request).await;
        assert!(matches!(refused, Err(WalletError::MaxAmount { max, .. }) if max == over), "{over}");
    }
    request.max = Some("0.26 usdt".to_owned());
    request.max_amount = Some("260000".to_owned());
    request.prefer = Some(wallet::Prefer { asset: Some(USDT.to_owned()), ..wallet::Prefer::default() });
    assert!(matches!(stage.wallet.pay(&stage.app, &request).await, Ok(Outcome::Open(_))));
}

#[tokio::test]
async fn a_check_tells_what_would_happen_and_leaves_no_trace() {
    let stage = Stage::start().await;
    let checked = stage.wallet.check(&stage.app, &stage.request(&Ask::new(1))).await.unwrap();
    assert!(matches!(checked.verdict, plan::Verdict::Ask(_)));
    assert_eq!(stage.count().await, 0);
}

#[tokio::test]
async fn a_token_is_paid_once_its_owner_added_it_and_is_told_as_added() {
    let stage = Stage::without_allowance().await;
    let fake = devnet::FAKE_USDT;
    let added = stage.wallet.add_token(tron::Network::Nile, fake).await.unwrap();
    assert_eq!((added.symbol.as_str(), added.decimals), ("USDT", 6));
    stage.devnet.faucet(stage.payer(), devnet::Gift::Token(fake, usdt("10"))).unwrap();
    let ask = Ask { token: fake, ..Ask::new(1) };
    stage.allow_automatically(&ask, "100").await;
    let question = stage.ask(&ask).await;
    let told = question.plan.findings.iter().find(|f| f.fact.code() == "tokenUnknown");
    assert_eq!(told.map(|f| f.weight), Some(plan::Weight::Note));
    // Taken away again, it is refused like any other unknown token.
    stage.wallet.remove_token(tron::Network::Nile, fake).await.unwrap();
    let refused = stage.pay(&Ask { token: fake, ..Ask::new(2) }).await;
    assert!(matches!(refused, Err(WalletError::Refused(_))), "{refused:?}");
}

#[tokio::test]
async fn an_unused_wallet_locks_itself() {
    let stage = Stage::start().await;
    stage.wallet.set_auto_lock(2).await.unwrap();
    stage.clock.advance_ms(119_000);
    stage.wallet.tick().await.unwrap();
    assert!(!stage.wallet.is_locked());
    stage.clock.advance_ms(1_000);
    stage.wallet.tick().await.unwrap();
    assert!(stage.wallet.is_locked());
    let stage = stage.restart().await;
    assert_eq!(stage.wallet.auto_lock(), 2);
}

#[tokio::test]
async fn forty_requests_at_the_same_moment_open_no_more_questions_than_the_queue_holds() {
    let stage = Stage::start().await;
    let asks: Vec<Ask> = (1..=40)
        .map(|nonce| Ask { url: format!("https://news.example/articles/{nonce}"), ..Ask::new(nonce) })
        .collect();
    let outcomes = futures::future::join_all(asks.iter().map(|ask| stage.pay(ask))).await;
    let open = outcomes.iter().filter(|o| matches!(o, Ok(Outcome::Open(_)))).count();
    let later = outcomes.iter().filter(|o| matches!(o, Err(WalletError::RateLimited { .. }))).count();
    assert_eq!((open, later), (8, 32));
    assert_eq!(stage.count().await, 8);
}

#[tokio::test]
async fn a_retry_without_a_key_is_the_same_question() {
    let stage = Stage::start().await;
    let request = stage.request(&Ask::new(1));
    let both = futures::future::join(stage.wallet.pay(&stage.app, &request), stage.wallet.pay(&stage.app, &request));
    let (Ok(Outcome::Open(one)), Ok(Outcome::Open(two))) = both.await else { panic!() };
    assert_eq!(one.id, two.id);
}

#[tokio::test]
async fn an_approved_payment_of_a_revoked_app_is_not_signed() {
    let stage = Stage::start().await;
    let question = stage.ask(&Ask::new(1)).await;
    let ledger = ledger::Ledger::open(&stage.dir.path().join("ledger.db")).unwrap();
    let answer = ledger::Answer { digest: question.digest, window: question.plan.window };
    ledger.approve(question.id, &answer, stage.wallet.now(), |_| true).unwrap();
    drop(ledger);
    stage.wallet.revoke_app(&stage.app).await.unwrap();
    let row = stage.row(question.id).await;
    assert_eq!((row.state, row.signed_at), (State::Cancelled, None));
}
