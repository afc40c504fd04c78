//! The nine things that must always hold, each as a story that fails when it is broken.

#![allow(clippy::unwrap_used)] // helpers beside the tests

use ledger::{Settlement, State};
use plan::{Fact, Limit, PlanDigest, Weight};
use stories::{Ask, PASSPHRASE, Stage, USDT, WORDS, address, passphrase, usdt};
use wallet::{AllowanceChoice, Answer, Outcome, Proof, Scope, WalletError};

#[tokio::test]
async fn one_no_signature_without_a_row_that_reserved_its_full_amount_first() {
    let stage = Stage::start().await;
    let question = stage.ask(&Ask::new(1)).await;
    assert_eq!((question.state, question.reserved_at), (State::Asked, None));
    let signed = stage.approve(&question, Scope::Once).await.unwrap();
    assert_eq!(signed.state, State::Signed);
    assert_eq!(signed.plan.maximum, usdt("0.26"));
    assert!(signed.reserved_at.unwrap() <= signed.signed_at.unwrap());
    assert_eq!(signed.settlement, Some(Settlement::Unknown));
    // A ledger that takes nothing: nothing is signed.
    let limit = Ask::new(2);
    let open = stage.ask(&limit).await;
    let db = rusqlite_lock(stage.dir.path());
    let refused = stage.approve(&open, Scope::Once).await;
    assert!(matches!(refused, Err(WalletError::Ledger(_))), "{refused:?}");
    drop(db);
    assert_eq!(stage.row(open.id).await.state, State::Asked);
}

/// Another process holds the write lock for good.
fn rusqlite_lock(dir: &std::path::Path) -> rusqlite::Connection {
    let db = rusqlite::Connection::open(dir.join("ledger.db")).unwrap();
    db.execute_batch("BEGIN IMMEDIATE").unwrap();
    db
}

#[tokio::test]
async fn two_concurrent_requests_never_pass_a_limit_together() {
    let stage = Stage::start().await;
    let first = stage.ask(&Ask::new(1)).await;
    stage.approve(&first, Scope::Once).await.unwrap();
    // 0.26 is spent; 1.30 leaves room for exactly four more.
    stage.allow_automatically(&Ask::new(1), "1.30").await;
    stage.advance(120);
    let asks: Vec<Ask> =
        (2..=8).map(|nonce| Ask { url: format!("https://news.example/articles/{nonce}"), ..Ask::new(nonce) }).collect();
    let outcomes = futures::future::join_all(asks.iter().map(|ask| stage.pay(ask))).await;
    let signed = outcomes.iter().filter(|o| matches!(o, Ok(Outcome::Signed(..)))).count();
    let asked = outcomes.iter().filter(|o| matches!(o, Ok(Outcome::Open(_)))).count();
    assert_eq!((signed, asked), (4, 3), "{outcomes:?}");
}

#[tokio::test]
async fn three_only_what_the_wallet_decoded_itself_is_signed() {
    let stage = Stage::start().await;
    let question = stage.ask(&Ask::new(1)).await;
    let signed = stage.approve(&question, Scope::Once).await.unwrap();
    let payment = stage.signed(signed.id).await;
    assert_eq!(payment.signer(), Some(stage.payer()));
    let Ok(x402::Payload::ExactPermit(payload)) = &payment.payload else { panic!() };
    assert_eq!(payload.permit.contract(), tron::registry::deployments(tron::Network::Nile).payment_permit);
    assert_eq!((payload.permit.amount, payload.permit.fee_amount), (usdt("0.25"), usdt("0.01")));
    // A row whose document was exchanged on disk is not signed, though a person approves.
    let open = stage.ask(&Ask::new(2)).await;
    let richer = stage.offer(&Ask { price: usdt("50"), ..Ask::new(2) });
    let db = rusqlite::Connection::open(stage.dir.path().join("ledger.db")).unwrap();
    let changed =
        db.execute("UPDATE papers SET document = ?1 WHERE payment = (SELECT max(payment) FROM papers)", [&richer]);
    assert_eq!(changed.unwrap(), 1);
    let result = stage.approve(&open, Scope::Once).await;
    assert!(result.is_err() || result.unwrap().state != State::Signed);
    assert_eq!(stage.row(open.id).await.signed_at, None);
}

#[tokio::test]
async fn four_an_answer_counts_only_for_the_plan_that_was_shown() {
    let stage = Stage::start().await;
    let question = stage.ask(&Ask::new(1)).await;
    for swap in 0..50_u8 {
        let mut bytes = *question.digest.bytes();
        bytes[usize::from(swap) % 32] ^= 1 << (swap % 8);
        let other = PlanDigest::from_bytes(bytes);
        let shown = stage.approve_with(question.id, other, Scope::Once, AllowanceChoice::Exact).await;
        assert!(matches!(shown, Err(WalletError::PlanChanged { .. })), "{shown:?}");
        let yes = Answer::Approve { scope: Scope::Once, allowance: AllowanceChoice::Exact };
        let answered = stage.wallet.answer(question.id, other, yes, Proof::Passphrase(passphrase())).await;
        assert!(matches!(answered, Err(WalletError::PlanChanged { .. })), "{answered:?}");
    }
    assert_eq!(stage.row(question.id).await.state, State::Asked);
}

#[tokio::test]
async fn five_no_secret_leaves_in_files_errors_or_rows() {
    let stage = Stage::start().await;
    let mut request = stage.request(&Ask::new(1));
    // A user in a URL is refused, because programs read it differently; its password goes nowhere.
    request.url = "https://me:hunter2@news.example/articles/1?api_key=s3cr3t-value&q=1".to_owned();
    let with_user = stage.wallet.pay(&stage.app, &request).await.unwrap_err();
    request.url = "https://news.example/articles/1?api_key=s3cr3t-value&q=1".to_owned();
    let Ok(Outcome::Open(question)) = stage.wallet.pay(&stage.app, &request).await else { panic!() };
    stage.approve(&question, Scope::Once).await.unwrap();
    let wrong = stage.wallet.unlock(wallet::Passphrase::new("open sesame please".to_owned())).await.unwrap_err();
    let told = format!("{wrong} {wrong:?} {with_user} {with_user:?}");
    let private = tron::hd::derive(&tron::hd::Words::parse(WORDS).unwrap(), 0).unwrap();
    assert_eq!(private.address(), stage.payer());
    let mut files = String::new();
    for entry in std::fs::read_dir(stage.dir.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        files.push_str(&String::from_utf8_lossy(&bytes));
    }
    for secret in ["hunter2", "s3cr3t-value", "abandon", PASSPHRASE, "open sesame please"] {
        assert!(!files.contains(secret), "{secret} is in a file");
        assert!(!told.contains(secret), "{secret} is in an error");
    }
}

#[tokio::test]
async fn six_a_servers_words_are_shown_as_data() {
    let stage = Stage::start().await;
    let desk = view::Desk::new(stage.wallet.clone());
    let mut document: serde_json::Value =
        serde_json::from_str(&x402::header::read(&stage.offer(&Ask::new(1))).unwrap()).unwrap();
    document["resource"]["description"] = "<b>free</b>\u{202e}52.0\u{0}\nnow".into();
    let mut request = stage.request(&Ask::new(1));
    request.payment_required = document.to_string();
    stage.wallet.pay(&stage.app, &request).await.unwrap();
    let question = desk.questions().await.unwrap().remove(0);
    assert_eq!(question.site_words.unwrap(), "<b>free</b>⟨U+202E⟩52.0␀ now");
    assert!(!question.document.contains('\u{202e}'));
}

#[tokio::test]
async fn seven_eighteen_decimals_pass_without_loss() {
    let stage = Stage::without_allowance().await;
    let usdd = address("TGjgvdTWWrybVLaVeFqSyVqJQWjxqRYbaK");
    let price = tron::Amount::parse_units("12.000000000000000001", 18).unwrap();
    let plenty = tron::Amount::parse_units("100", 18).unwrap();
    stage.devnet.faucet(stage.payer(), devnet::Gift::Token(usdd, plenty)).unwrap();
    let ask = Ask { token: usdd, price, fee: tron::Amount::from_u64(1), ..Ask::new(1) };
    let question = stage.ask(&ask).await;
    assert_eq!(question.plan.maximum.to_string(), "12000000000000000002");
    assert_eq!(question.plan.maximum.format_units(question.plan.token.decimals), "12.000000000000000002");
    stage.approve(&question, Scope::Once).await.unwrap();
    let signed = stage.finished(question.id).await;
    assert_eq!(signed.state, State::Signed, "{signed:?}");
    let tx = stage.settle(&stage.signed(signed.id).await).await;
    let report = wallet::Report { payment_response: Some(response(&tx, &stage)), http_status: 200 };
    let row = stage.wallet.report(&stage.app, signed.id, report).await.unwrap();
    assert!(matches!(row.settlement, Some(Settlement::Seen { .. })), "{row:?}");
    stage.devnet.mine(3);
    stage.wallet.reconcile().await.unwrap();
    let totals = stage.wallet.totals().await.unwrap();
    assert_eq!(totals[0].settled.to_string(), "12000000000000000002");
}

fn response(tx: &tron::TxId, stage: &Stage) -> String {
    x402::Settlement::settled("tron:nile", &tx.to_string(), stage.payer()).header_value()
}

#[tokio::test]
async fn eight_the_site_is_the_requested_host_and_every_app_has_a_limit_across_sites() {
    let stage = Stage::start().await;
    let mut request = stage.request(&Ask::new(1));
    request.url = "https://cheap.example/articles/8841".to_owned();
    let Ok(Outcome::Open(question)) = stage.wallet.pay(&stage.app, &request).await else { panic!() };
    assert_eq!(question.plan.site.to_string(), "https://cheap.example");
    let told = question.plan.findings.iter().find(|f| matches!(f.fact, Fact::ResourceElsewhere { .. }));
    assert_eq!(told.unwrap().weight, Weight::Warn);
    stage.approve(&question, Scope::Once).await.unwrap();

    // "Up to 0.60 a day" for one site becomes the app's limit everywhere: inventing sites helps nobody.
    let daily = Scope::Limit(Limit { per_day: Some(usdt("0.60")), ..Limit::default() });
    let known = stage.ask(&Ask::new(2)).await;
    stage.approve(&known, daily).await.unwrap();
    stage.advance(120);
    let site = plan::Site::of("https://invented.example").unwrap();
    let key = ledger::RuleKey {
        app: stage.app.clone(),
        site: Some(site),
        network: tron::Network::Nile,
        token: address(USDT),
    };
    let large = Limit { per_day: Some(usdt("100")), ..Limit::default() };
    stage.wallet.set_rule(key, plan::Mode::Allow(large)).await.unwrap();
    let invented = Ask { url: "https://invented.example/articles/1".to_owned(), ..Ask::new(3) };
    // 0.26 + 0.26 are spent by this app; 0.26 more would pass its 0.60.
    assert!(matches!(stage.pay(&invented).await, Ok(Outcome::Open(_))));
}

#[tokio::test]
async fn nine_a_clock_set_back_widens_nothing_and_sleep_does_not_keep_a_question_open() {
    let stage = Stage::start().await;
    let first = stage.ask(&Ask::new(1)).await;
    stage.approve(&first, Scope::Once).await.unwrap();
    stage.allow_automatically(&Ask::new(1), "0.30").await;
    stage.advance(120);
    for day in [-1_i64, 1, -20, 20] {
        stage.clock.set_wall(plan::Moment(stories::START.0 + day * plan::Moment::DAY_MS));
        let next = Ask { url: "https://news.example/articles/9".to_owned(), ..Ask::new(2) };
        let outcome = stage.pay(&next).await;
        assert!(!matches!(outcome, Ok(Outcome::Signed(..))), "{day}: {outcome:?}");
    }

    // The wall clock stands still behind, the machine slept: the boot clock closes the question.
    let stage = Stage::start().await;
    let question = stage.ask(&Ask::new(1)).await;
    stage.clock.advance_ms(301_000);
    stage.clock.set_wall(stories::START);
    let late = stage.approve(&question, Scope::Once).await;
    assert!(matches!(late, Err(WalletError::Ended(_))), "{late:?}");
    assert_eq!(stage.row(question.id).await.state, State::Expired);
}
