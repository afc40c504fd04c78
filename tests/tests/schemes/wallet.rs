//! The same purchase by every scheme that is paid with: asked, allowed, signed, settled, looked up; what happens when
//! the process ends in between; what can never be settled is refused; and choosing among the options of a 402.

use ledger::{Settlement, State};
use plan::{Chosen, Fact, Weight};
use serde_json::{Value, json};
use stories::{Ask, PASSPHRASE, SCHEMES, Stage, USDT, address, key, usdt};
use tron::{Amount, registry};
use wallet::{Outcome, Passphrase, PayRequest, Prefer, Report, Scope, WalletError};
use x402::Scheme;

fn shop() -> tron::Address {
    key(0x51).address()
}

async fn ready(scheme: Scheme) -> Stage {
    let stage = Stage::start().await;
    stage.prepare(scheme).await;
    stage
}

#[tokio::test]
async fn every_scheme_is_asked_signed_settled_and_recorded() {
    for scheme in SCHEMES {
        let (stage, ask) = (ready(scheme).await, Ask::by(scheme, 1));
        let question = stage.ask(&ask).await;
        assert_eq!((question.plan.scheme, question.plan.maximum), (scheme, ask.total()), "{scheme}");
        // A person takes their time: where the wallet chooses, the permission begins at the yes.
        stage.advance(120);
        let signed = stage.approve(&question, Scope::Once).await.unwrap();
        assert_eq!(signed.digest, question.digest);
        let payment = stage.signed(signed.id).await;
        let picture = x402::Signed::of(&payment, payment.accepted.as_ref().unwrap()).unwrap();
        assert_eq!(picture.slot.nonce.to_string(), signed.nonce);
        // Dated by the newest block.
        let left = picture.window.1 - stage.devnet.clock().now_secs();
        assert_eq!(left, if scheme.payer_chooses() { 600 } else { 480 }, "{scheme}");
        let tx = stage.settle(&payment).await;
        assert_eq!(stage.balance_of(ask.token, shop()).await, ask.price);
        let settled = x402::Settlement::settled("tron:nile", &tx.to_string(), stage.payer()).header_value();
        let report = Report { payment_response: Some(settled), http_status: 200 };
        let row = stage.wallet.report(&stage.app, signed.id, report).await.unwrap();
        assert_eq!(row.settlement, Some(Settlement::Seen { tx: Some(tx.to_string()) }));
        stage.devnet.mine(3);
        stage.wallet.reconcile().await.unwrap();
        let row = stage.row(signed.id).await;
        assert!(matches!(row.settlement, Some(Settlement::Final { tx: Some(_), .. })), "{row:?}");
        assert_eq!(row.actual, Some(ask.total()));
    }
}

#[tokio::test]
async fn what_nobody_reports_is_told_by_the_nonce_once_the_permission_is_over() {
    for scheme in SCHEMES {
        let stage = ready(scheme).await;
        let used = stage.ask(&Ask::by(scheme, 1)).await;
        let used = stage.approve(&used, Scope::Once).await.unwrap();
        let other = Ask { url: "https://news.example/articles/2".into(), ..Ask::by(scheme, 2) };
        let unused = stage.ask(&other).await;
        let unused = stage.approve(&unused, Scope::Once).await.unwrap();
        stage.settle(&stage.signed(used.id).await).await;
        let stage = stage.restart().await;
        stage.wallet.reconcile().await.unwrap();
        assert_eq!(stage.row(unused.id).await.settlement, Some(Settlement::Unknown), "{scheme}: still usable");
        stage.advance(680);
        stage.devnet.mine(5);
        stage.wallet.reconcile().await.unwrap();
        let row = stage.row(used.id).await;
        assert!(matches!(row.settlement, Some(Settlement::Final { tx: None, .. })), "{scheme}: {row:?}");
        assert_eq!(stage.row(unused.id).await.settlement, Some(Settlement::NeverUsed), "{scheme}");
        let (site, _) = stage.wallet.site(&row.plan.site).await.unwrap();
        assert_eq!((site.totals[0].settled, site.totals[0].open), (row.plan.maximum, Amount::ZERO));
    }
}

#[tokio::test]
async fn a_crash_between_approval_and_signature_is_resumed_with_the_rows_own_nonce_and_window() {
    for scheme in SCHEMES {
        let stage = ready(scheme).await;
        let question = stage.ask(&Ask::by(scheme, 1)).await;
        let ledger = ledger::Ledger::open(&stage.dir.path().join("ledger.db")).unwrap();
        let window = match question.plan.lifetime() {
            Some(secs) => {
                let now = stage.wallet.now().secs();
                plan::Window { valid_after: now - plan::BACKDATED_SECS, valid_before: now + secs }
            }
            None => question.plan.window,
        };
        ledger
            .approve(question.id, &ledger::Answer { digest: question.digest, window }, stage.wallet.now(), |_| true)
            .unwrap();
        drop(ledger);
        let stage = stage.restart().await;
        stage.advance(30);
        stage.wallet.unlock(Passphrase::new(PASSPHRASE.to_owned())).await.unwrap();
        let signed = stage.finished(question.id).await;
        assert_eq!((signed.state, signed.plan.window), (State::Signed, window), "{scheme}");
        assert_eq!(signed.nonce, question.nonce);
        let first = stage.signed(signed.id).await;
        let stage = stage.restart().await;
        assert_eq!(stage.signed(signed.id).await.to_json(), first.to_json());
        stage.settle(&first).await;
    }
}

#[tokio::test]
async fn a_missing_allowance_to_permit2_is_part_of_the_question_and_does_not_eat_the_permissions_time() {
    let stage = Stage::start().await;
    let ask = Ask { seconds: 60, ..Ask::by(Scheme::ExactPermit2, 1) };
    let question = stage.ask(&ask).await;
    let need = question.plan.allowance.clone().unwrap();
    let set = registry::deployments(tron::Network::Nile).default_permit2().unwrap();
    assert_eq!((need.spender, need.need), (set.permit2, usdt("0.25")));
    assert_eq!(question.plan.contract, set.exact_proxy);
    stage.approve(&question, Scope::Once).await.unwrap();
    let signed = stage.finished(question.id).await;
    assert_eq!(signed.state, State::Signed);
    stage.settle(&stage.signed(signed.id).await).await;
    assert_eq!(stage.balance(shop()).await, usdt("0.25"));
}

#[tokio::test]
async fn without_a_key_the_same_402_is_a_retry_until_its_signature_was_used() {
    for scheme in SCHEMES {
        let stage = ready(scheme).await;
        let request = stage.request(&Ask::by(scheme, 1));
        let Ok(Outcome::Open(question)) = stage.wallet.pay(&stage.app, &request).await else { panic!("{scheme}") };
        let signed = stage.approve(&question, Scope::Once).await.unwrap();
        let Ok(Outcome::Signed(again, _)) = stage.wallet.pay(&stage.app, &request).await else { panic!("{scheme}") };
        assert_eq!((again.id, again.nonce), (signed.id, signed.nonce), "{scheme}");
        assert_eq!(stage.count().await, 1);
        if !scheme.payer_chooses() {
            continue;
        }
        // Delivered: the same 402 is another purchase now, with a nonce of its own.
        stage.settle(&stage.signed(signed.id).await).await;
        let report = Report { payment_response: None, http_status: 200 };
        stage.wallet.report(&stage.app, signed.id, report).await.unwrap();
        let Ok(Outcome::Open(next)) = stage.wallet.pay(&stage.app, &request).await else { panic!("{scheme}") };
        let next = stage.approve(&next, Scope::Once).await.unwrap();
        stage.settle(&stage.signed(next.id).await).await;
    }
}

#[tokio::test]
async fn the_second_deployment_is_signed_for_where_the_settings_say_so() {
    let stage = ready(Scheme::ExactPermit2).await;
    let config = "[permit2_sites]\n\"https://news.example\" = \"second\"\n";
    std::fs::write(stage.dir.path().join("config.toml"), config).unwrap();
    let stage = stage.restart().await;
    stage.wallet.unlock(Passphrase::new(PASSPHRASE.to_owned())).await.unwrap();
    let sets = &registry::deployments(tron::Network::Nile).permit2;
    for (url, set) in [("https://news.example/a", &sets[1]), ("https://other.example/a", &sets[0])] {
        let question = stage.ask(&Ask { url: url.into(), ..Ask::by(Scheme::ExactPermit2, 1) }).await;
        assert_eq!(question.plan.contract, set.exact_proxy, "{url}");
        let signed = stage.approve(&question, Scope::Once).await.unwrap();
        stage.settle(&stage.signed(signed.id).await).await;
    }
    assert_eq!(stage.balance(shop()).await, usdt("0.5"));
}

/// One option that differs from an honest one in a member of its `extra`, or in its token.
fn wrong(ask: &Ask, extra: Value) -> Value {
    let mut option = ask.option();
    option["extra"] = extra;
    option
}

#[tokio::test]
async fn what_could_never_be_settled_is_refused_before_signing_with_its_reason() {
    let stage = ready(Scheme::ExactEip3009).await;
    let (own, permit2) = (Ask::by(Scheme::ExactEip3009, 1), Ask::by(Scheme::ExactPermit2, 1));
    let usdt_by_token = Ask { token: address(USDT), ..Ask::by(Scheme::ExactEip3009, 1) };
    let named = |name: &str, version: &str| json!({ "name": name, "version": version });
    let through = |contract: &str| json!({ "assetTransferMethod": "permit2", "spender": contract });
    let cases = [
        ("tokenCannotAuthorize", wrong(&usdt_by_token, named("Tether USD", "1"))),
        ("domainDiffers", wrong(&own, named("Tether USD", "1"))),
        ("domainDiffers", wrong(&own, named("Authorized Dollar", "2"))),
        ("contractSuperseded", wrong(&permit2, through("TCd2ZSwbJBAdgFfP5d3gkhKcGs47WNZLLi"))),
        ("contractUnknown", wrong(&permit2, through(&shop().to_string()))),
    ];
    for (code, option) in cases {
        let payment_required = Stage::offer_of(&own.url, &[option]);
        let request = PayRequest { payment_required, ..stage.request(&own) };
        let Err(WalletError::Refused(row)) = stage.wallet.pay(&stage.app, &request).await else { panic!("{code}") };
        assert_eq!((row.state, row.code.as_deref(), row.signed_at), (State::Refused, Some(code), None));
    }
    // Nobody even knows what would be signed, or there is no time to settle.
    let short = Ask { seconds: 6, ..Ask::by(Scheme::ExactPermit2, 1) };
    for option in [wrong(&own, json!({ "version": "1" })), wrong(&own, json!({ "name": "x" })), short.option()] {
        let payment_required = Stage::offer_of(&own.url, &[option]);
        let request = PayRequest { payment_required, ..stage.request(&own) };
        let refused = stage.wallet.pay(&stage.app, &request).await;
        assert!(matches!(refused, Err(WalletError::NothingPayable { .. })), "{refused:?}");
    }
    // The token's own word decides, and the honest option is signed.
    let question = stage.ask(&own).await;
    stage.approve(&question, Scope::Once).await.unwrap();
}

#[tokio::test]
async fn an_unknown_token_without_the_function_is_found_out_by_asking_it() {
    let stage = Stage::start().await;
    let ask = Ask { token: devnet::FAKE_USDT, ..Ask::by(Scheme::ExactEip3009, 1) };
    let Err(WalletError::Refused(row)) = stage.pay(&ask).await else { panic!() };
    let stops = |fact: &Fact| matches!(fact, Fact::TokenCannotAuthorize);
    assert!(row.plan.findings.iter().any(|f| f.weight == Weight::Stop && stops(&f.fact)), "{:?}", row.plan.findings);
}

fn chosen(payment: &ledger::Payment) -> Option<Chosen> {
    payment.plan.findings.iter().find_map(|f| match f.fact {
        Fact::OptionChosen { why, .. } => Some(why),
        _ => None,
    })
}

#[tokio::test]
async fn the_cheapest_option_that_settles_is_asked_about_and_a_person_can_take_another() {
    let stage = Stage::start().await;
    stage.own_token().await;
    let permit2 = Ask { price: usdt("0.2"), ..Ask::by(Scheme::ExactPermit2, 1) };
    let own = Ask { price: usdt("0.1"), ..Ask::by(Scheme::ExactEip3009, 1) };
    let broken = Ask { price: usdt("0.05"), token: address(USDT), ..Ask::by(Scheme::ExactEip3009, 1) };
    let dear = Ask { price: usdt("0.3"), ..Ask::by(Scheme::ExactPermit2, 1) };
    let accepts = [dear.option(), broken.option(), permit2.option(), own.option(), json!({ "scheme": "barter" })];
    let offer = Stage::offer_of(&own.url, &accepts);
    let request = PayRequest { payment_required: offer.clone(), ..stage.request(&own) };
    let Ok(Outcome::Open(question)) = stage.wallet.pay(&stage.app, &request).await else { panic!() };
    // Tokens of the table compare by whole units; what an unknown one is worth nobody knows.
    assert_eq!((question.plan.option, chosen(&question)), (2, Some(Chosen::Cheapest)));

    let choices = stage.wallet.choices(question.id).await.unwrap();
    let settles: Vec<bool> = choices.iter().map(|c| c.settles()).collect();
    assert_eq!(settles, [true, false, true, true, false]);
    assert!(choices[2].taken && choices[1].plan.is_ok() && choices[4].plan.is_err());
    assert!(choices[0].plan.as_ref().unwrap().allowance.is_some());

    // What was shown is what is signed: after another choice the old digest answers nothing.
    stage.wallet.shown(question.id, question.digest).await.unwrap();
    let other = stage.wallet.choose(question.id, question.digest, 3).await.unwrap();
    assert_eq!((other.id, other.plan.option, chosen(&other)), (question.id, 3, Some(Chosen::Person)));
    let stale = stage.approve(&question, Scope::Once).await;
    assert!(matches!(stale, Err(WalletError::PlanChanged { .. })), "{stale:?}");
    let stale = stage.wallet.choose(question.id, question.digest, 0).await;
    assert!(matches!(stale, Err(WalletError::PlanChanged { .. })), "{stale:?}");
    for (option, unusable) in [(1, "tokenCannotAuthorize"), (4, ""), (9, "")] {
        let refused = stage.wallet.choose(other.id, other.digest, option).await.unwrap_err();
        assert!(refused.to_string().contains(unusable), "{refused}");
    }
    assert_eq!(stage.row(other.id).await, other);
    // Arming began again with the choice.
    let early = stage.wallet.answer(other.id, other.digest, approve(), wallet::Proof::Window).await;
    assert!(matches!(early, Err(WalletError::NotArmed { .. })), "{early:?}");
    let signed = stage.approve(&other, Scope::Once).await.unwrap();
    assert_eq!(signed.plan.maximum, usdt("0.1"));
    stage.settle(&stage.signed(signed.id).await).await;
    assert_eq!(stage.balance_of(own.token, shop()).await, usdt("0.1"));
}

fn approve() -> wallet::Answer {
    wallet::Answer::Approve { scope: Scope::Once, allowance: wallet::AllowanceChoice::Exact }
}

#[tokio::test]
async fn the_apps_preference_and_the_only_way_to_pay_are_told_as_such() {
    let stage = ready(Scheme::ExactPermit2).await;
    let cheap = Ask { price: usdt("0.2"), ..Ask::by(Scheme::ExactPermit2, 1) };
    let own = Ask { price: usdt("0.3"), ..Ask::by(Scheme::ExactEip3009, 1) };
    let two = Stage::offer_of(&cheap.url, &[cheap.option(), own.option()]);
    let prefer = Prefer { asset: Some(devnet::AUTHORIZED_USD.to_string()), ..Prefer::default() };
    let request = PayRequest { payment_required: two, prefer: Some(prefer), ..stage.request(&cheap) };
    // The preferred token is not even the wallet's: only the other one settles.
    let Ok(Outcome::Open(only)) = stage.wallet.pay(&stage.app, &request).await else { panic!() };
    assert_eq!((only.plan.option, chosen(&only)), (0, Some(Chosen::OnlyOne)));
    stage.reject(&only).await;
    stage.own_token().await;
    let Ok(Outcome::Open(preferred)) = stage.wallet.pay(&stage.app, &request).await else { panic!() };
    assert_eq!((preferred.plan.option, chosen(&preferred)), (1, Some(Chosen::Preferred)));
}
