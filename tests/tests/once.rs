//! Nobody pays twice: one story for each point at which an answer, a process or a node can fail between an app,
//! the wallet, the shop, the facilitator and the chain. Each is told many times with other nonces and another
//! fall of the dice, and what moved is counted on chain.
//!
//! The items of a story are paid in every way in turn: by `exact_permit`, by the token's own authorization, and by
//! Permit2 on both sets of contracts. Thirty items by default; `COUNTERSIGN_RUNS=200` is fifty in each way.
#![allow(clippy::unwrap_used)]

use devnet::Fault;
use futures::future::join_all;
use serde_json::json;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use stories::{App, AppAnswer, Dice, Loss, Market, Way, insist};
use wallet::{AllowanceChoice, Answer, Proof, Scope};

const RUNS: u64 = 30;

/// The items that a story buys, one in each run. The ones before are bought before it begins.
fn runs() -> std::ops::Range<u64> {
    let (first, runs) = (Way::ALL.len() as u64, std::env::var("COUNTERSIGN_RUNS").ok());
    first..first + runs.and_then(|n| n.parse().ok()).unwrap_or(RUNS)
}

/// A key for half of the purchases; without one, the very same 402 is recognised as a retry.
fn key(dice: &mut Dice, item: u64) -> Option<String> {
    dice.flip().then(|| format!("order-{item}"))
}

/// The app comes for the same item as if it were new: with a fresh 402 where each is another, with a fresh key where
/// they are all alike.
async fn anew(app: &App, item: u64, offer: &str) -> AppAnswer {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let key = format!("anew-{}", COUNT.fetch_add(1, Ordering::Relaxed));
    app.ask(item, offer, Some(&key)).await.unwrap()
}

/// While nobody knows what became of the first signature, or who has it, whoever comes again is not paid by itself: a
/// person is asked. The very same 402 that was signed is a retry and gets the signature that it has, until that is used.
async fn a_person_decides(market: &Market, app: &App, item: u64, signed: &AppAnswer) {
    let offer = app.offer(item).await;
    if !Way::of(item).dictated() {
        let used = market.settlements(item).await > 0;
        let again = app.ask(item, &offer, None).await.unwrap();
        match used {
            false => assert_eq!((again.status, again.id(), again.header()), (200, signed.id(), signed.header())),
            true => {
                assert!(again.status == 202 && again.finds("paidJustNow"), "{}", again.body);
                app.cancel(again.id()).await;
            }
        }
    }
    let asked = anew(app, item, &offer).await;
    assert!(asked.status == 202 && asked.finds("paidJustNow"), "{}", asked.body);
    app.cancel(asked.id()).await;
}

/// One of each, signed by the limit.
async fn sign_all(app: &App) -> Vec<(u64, AppAnswer)> {
    let sign = async |item| {
        let signed = app.ask(item, &app.offer(item).await, None).await.unwrap();
        assert_eq!(signed.status, 200, "{}", signed.body);
        (item, signed)
    };
    let mut all = vec![];
    for item in runs() {
        all.push(sign(item).await);
    }
    all
}

/// What the shop says to all of these when they are sent at the same time.
async fn fetch_all(app: &App, signed: &[(u64, AppAnswer)]) -> Vec<AppAnswer> {
    let answers = join_all(signed.iter().map(|(item, signed)| app.fetch(*item, signed))).await;
    answers.into_iter().map(Option::unwrap).collect()
}

/// The seller does not know whether it was settled.
fn is_pending(got: &AppAnswer) -> bool {
    let read = |text: &String| x402::Settlement::read(text).unwrap().is_pending();
    got.status == 402 && got.payment_response.as_ref().is_some_and(read)
}

// Between app and wallet.

#[tokio::test]
async fn the_answer_with_the_signature_is_lost_and_the_app_asks_again() {
    let market = Market::open().await;
    let app = market.trusted_app("reader").await;
    for item in runs() {
        let mut dice = Dice::new(1, item);
        let (key, offer) = (key(&mut dice, item), app.offer(item).await);
        market.port.lose("POST /v1/payments", Loss::Answer, 1 + dice.below(3));
        let signed = insist(async || app.ask(item, &offer, key.as_deref()).await).await;
        assert_eq!(signed.status, 200, "{}", signed.body);
        let again = app.ask(item, &offer, key.as_deref()).await.unwrap();
        assert_eq!((again.id(), again.header()), (signed.id(), signed.header()));
        market.deliver(&app, item, &signed).await;
    }
    market.audit(runs()).await;
}

#[tokio::test]
async fn the_same_request_arrives_many_times_at_once_and_some_answers_are_lost() {
    let market = Market::open().await;
    let app = market.trusted_app("reader").await;
    for item in runs() {
        let mut dice = Dice::new(2, item);
        let (key, offer) = (key(&mut dice, item), app.offer(item).await);
        market.port.lose("POST /v1/payments", Loss::Answer, dice.below(3));
        market.port.lose("POST /v1/payments", Loss::Twice, 1 + dice.below(2));
        let calls = (0..5 + dice.below(4)).map(|_| app.ask(item, &offer, key.as_deref()));
        let answers: Vec<AppAnswer> = join_all(calls).await.into_iter().flatten().collect();
        let id = answers[0].id().to_owned();
        for answer in &answers {
            assert!(matches!(answer.status, 200 | 202) && answer.id() == id, "{answers:?}");
        }
        let signed = insist(async || app.poll(&id).await).await;
        assert!(answers.iter().all(|a| a.header().is_none() || a.header() == signed.header()));
        market.deliver(&app, item, &signed).await;
    }
    market.audit(runs()).await;
}

#[tokio::test]
async fn the_answer_to_a_poll_is_lost() {
    let market = Market::open().await;
    market.trusted_app("reader").await;
    let app = market.app("asker").await;
    for item in runs() {
        let mut dice = Dice::new(3, item);
        let asked = app.ask(item, &app.offer(item).await, key(&mut dice, item).as_deref()).await.unwrap();
        assert_eq!(asked.status, 202, "{}", asked.body);
        market.port.lose("GET /v1/payments", Loss::Answer, 1 + dice.below(2));
        let (signed, ()) = tokio::join!(insist(async || app.poll(asked.id()).await), market.approve(asked.id()));
        assert_eq!((signed.status, signed.id()), (200, asked.id()));
        assert_eq!(insist(async || app.poll(asked.id()).await).await.header(), signed.header());
        market.deliver(&app, item, &signed).await;
    }
    market.audit(runs()).await;
}

#[tokio::test]
async fn the_app_loses_patience_and_brings_several_fresh_402s_at_once() {
    let market = Market::open().await;
    let app = market.trusted_app("reader").await;
    for item in runs() {
        market.pause();
        let mut dice = Dice::new(21, item);
        let offers = join_all((0..2 + dice.below(3)).map(|_| app.offer(item))).await;
        let answers = join_all(offers.iter().map(|offer| anew(&app, item, offer))).await;
        let (signed, asked): (Vec<_>, Vec<_>) = answers.into_iter().partition(|a| a.status == 200);
        assert_eq!((signed.len(), asked.len()), (1, offers.len() - 1), "{asked:?}");
        for question in asked {
            assert!(question.status == 202 && question.finds("paidJustNow"), "{}", question.body);
            app.cancel(question.id()).await;
        }
        market.deliver(&app, item, &signed[0]).await;
    }
    market.audit(runs()).await;
}

#[tokio::test]
async fn two_apps_bring_the_same_402() {
    let market = Market::open().await;
    let (first, second) = (market.trusted_app("first").await, market.trusted_app("second").await);
    for item in runs() {
        market.pause();
        let mut dice = Dice::new(4, item);
        let (offer, key) = (first.offer(item).await, key(&mut dice, item));
        if !Way::of(item).dictated() {
            // One 402 for everybody: each app may buy for itself, but the second does not do so by itself.
            let signed = first.ask(item, &offer, key.as_deref()).await.unwrap();
            let asked = second.ask(item, &offer, key.as_deref()).await.unwrap();
            assert!(asked.status == 202 && asked.finds("paidJustNow"), "{}", asked.body);
            assert_ne!(asked.id(), signed.id());
            second.cancel(asked.id()).await;
            market.deliver(&first, item, &signed).await;
            continue;
        }
        let (a, b) = tokio::join!(first.ask(item, &offer, key.as_deref()), second.ask(item, &offer, key.as_deref()));
        let (a, b) = (a.unwrap(), b.unwrap());
        let (winner, signed, loser, refused) =
            if a.status == 200 { (&first, a, &second, b) } else { (&second, b, &first, a) };
        assert_eq!((signed.status, refused.status), (200, 409), "{} {}", signed.body, refused.body);
        if dice.flip() {
            market.deliver(winner, item, &signed).await;
        }
        // However late it comes, the other one gets no signature.
        let late = loser.ask(item, &offer, key.as_deref()).await.unwrap();
        assert!(late.status >= 400 && late.header().is_none(), "{}", late.body);
        insist(async || winner.fetch(item, &signed).await).await;
        assert_eq!(market.settlements(item).await, 1);
    }
    market.audit(runs()).await;
}

#[tokio::test]
async fn the_report_is_sent_twice_and_again() {
    let market = Market::open().await;
    let app = market.trusted_app("reader").await;
    for item in runs() {
        let mut dice = Dice::new(5, item);
        let signed = app.ask(item, &app.offer(item).await, None).await.unwrap();
        let got = app.fetch(item, &signed).await.unwrap();
        let loss = if dice.flip() { Loss::Twice } else { Loss::Answer };
        market.port.lose("POST /v1/payments", loss, 1 + dice.below(2));
        let told = insist(async || app.report(signed.id(), &got).await).await;
        let again = insist(async || app.report(signed.id(), &got).await).await;
        assert_eq!((told.status, again.body), (200, told.body));
        assert_eq!(market.stage.row(signed.payment_id()).await.actual, None);
        if dice.flip() {
            market.stage.devnet.mine(3);
            market.stage.wallet.reconcile().await.unwrap();
            insist(async || app.report(signed.id(), &got).await).await;
        }
    }
    market.audit(runs()).await;
}

// The wallet's process.

#[tokio::test]
async fn the_wallet_ends_while_a_question_is_open() {
    let mut market = Market::open().await;
    market.trusted_app("reader").await;
    let app = market.app("asker").await;
    for item in runs() {
        let mut dice = Dice::new(6, item);
        let (key, offer) = (key(&mut dice, item), app.offer(item).await);
        market.port.lose("POST /v1/payments", Loss::Answer, dice.below(2));
        let before = app.ask(item, &offer, key.as_deref()).await;
        market.restart_wallet().await;
        let asked = app.ask(item, &offer, key.as_deref()).await.unwrap();
        assert_eq!((asked.status, asked.body["waitingFor"].as_str()), (202, Some("unlock")), "{}", asked.body);
        assert!(before.is_none_or(|before| before.id() == asked.id()));
        market.unlock().await;
        market.approve(asked.id()).await;
        let signed = app.ask(item, &offer, key.as_deref()).await.unwrap();
        assert_eq!((signed.status, signed.id()), (200, asked.id()));
        market.deliver(&app, item, &signed).await;
    }
    market.audit(runs()).await;
}

#[tokio::test]
async fn the_wallet_ends_somewhere_between_approval_and_signature() {
    let mut market = Market::open().await;
    market.trusted_app("reader").await;
    let app = market.app("asker").await;
    for item in runs() {
        let mut dice = Dice::new(7, item);
        let (key, offer) = (key(&mut dice, item), app.offer(item).await);
        let asked = app.ask(item, &offer, key.as_deref()).await.unwrap();
        let (id, row) = (asked.payment_id(), market.stage.row(asked.payment_id()).await);
        if dice.flip() {
            // Reserved, and the process ends before the key is touched.
            let ledger = ledger::Ledger::open(&market.stage.dir.path().join("ledger.db")).unwrap();
            let now = market.stage.wallet.now();
            let own =
                |secs| plan::Window { valid_after: now.secs() - plan::BACKDATED_SECS, valid_before: now.secs() + secs };
            let window = row.plan.lifetime().map_or(row.plan.window, own);
            ledger.approve(id, &ledger::Answer { digest: row.digest, window }, now, |_| true).unwrap();
        } else {
            // Wherever the approval is just then.
            let wallet = market.stage.wallet.clone();
            market.stage.clock.advance_ms(wallet.shown(id, row.digest).await.unwrap());
            let yes = Answer::Approve { scope: Scope::Once, allowance: AllowanceChoice::Exact };
            let approving = async move { wallet.answer(id, row.digest, yes, Proof::Window).await };
            let _ = tokio::time::timeout(Duration::from_micros(dice.below(20_000)), approving).await;
        }
        let before = market.stage.wallet.payment(id).await.unwrap().1.header_value;
        market.restart_wallet().await;
        market.unlock().await;
        let again = app.ask(item, &offer, key.as_deref()).await.unwrap();
        assert_eq!(again.id(), asked.id());
        if again.body["status"] == "asked" {
            market.approve(asked.id()).await;
        }
        let signed = insist(async || app.poll(asked.id()).await).await;
        assert!(before.is_none_or(|before| signed.header() == Some(&before)));
        market.deliver(&app, item, &signed).await;
    }
    market.audit(runs()).await;
}

#[tokio::test]
async fn the_wallet_ends_after_the_signature_and_before_its_answer_is_out() {
    let mut market = Market::open().await;
    let app = market.trusted_app("reader").await;
    for item in runs() {
        let mut dice = Dice::new(8, item);
        let (key, offer) = (key(&mut dice, item), app.offer(item).await);
        market.port.lose("POST /v1/payments", Loss::Answer, 1);
        assert_eq!(app.ask(item, &offer, key.as_deref()).await, None);
        let found = market.stage.wallet.payments(ledger::Filter::default(), ledger::Page::first(1)).await.unwrap();
        let before = market.stage.wallet.payment(found.rows[0].payment.id).await.unwrap().1.header_value.unwrap();
        market.restart_wallet().await;
        // Locked or not: it is there.
        if dice.flip() {
            market.unlock().await;
        }
        let signed = app.ask(item, &offer, key.as_deref()).await.unwrap();
        assert_eq!((signed.status, signed.header()), (200, Some(before.as_str())), "{}", signed.body);
        market.deliver(&app, item, &signed).await;
        market.unlock().await;
    }
    market.audit(runs()).await;
}

#[tokio::test]
async fn the_answer_to_the_allowance_is_lost_and_the_wallet_may_end_meanwhile() {
    let mut market = Market::without_allowance().await;
    let app = market.app("asker").await;
    market.buy_first(&app).await;
    let spenders = || runs().filter_map(|item| Some((item, Way::of(item).spender()?)));
    for (item, spender) in spenders() {
        let mut dice = Dice::new(9, item);
        let asked = app.ask(item, &app.offer(item).await, None).await.unwrap();
        let id = asked.payment_id();
        // It arrives every time; once or twice nobody hears of it, and perhaps of its receipt.
        market.stage.devnet.fault("wallet/broadcasthex", 1 + dice.below(3), Fault::Drop);
        let ends = dice.flip();
        market.approve(asked.id()).await;
        if ends {
            tokio::time::sleep(Duration::from_micros(dice.below(20_000))).await;
            market.restart_wallet().await;
            market.unlock().await;
        }
        let signed = insist(async || app.poll(asked.id()).await).await;
        market.stage.devnet.clear_faults();
        let (_, _, allowances) = market.stage.wallet.payment(id).await.unwrap();
        assert_eq!(allowances.len(), 1);
        assert!(matches!(allowances[0].outcome, Some(ledger::AllowanceOutcome::Confirmed { .. })), "{allowances:?}");
        market.deliver(&app, item, &signed).await;
        // Exactly what was approved was taken.
        assert_eq!(market.allowance(spender).await, tron::Amount::ZERO);
    }
    market.audit(spenders().map(|(item, _)| item)).await;
}

// Between app and shop.

#[tokio::test]
async fn the_sellers_answer_is_lost_after_it_settled() {
    let market = Market::open().await;
    let app = market.trusted_app("reader").await;
    for item in runs() {
        market.pause();
        let mut dice = Dice::new(10, item);
        let signed = app.ask(item, &app.offer(item).await, None).await.unwrap();
        market.shop.lose(&format!("GET /goods/{item} "), Loss::Answer, 1);
        assert_eq!(app.fetch(item, &signed).await, None);
        // The same payment gets the answer that was lost; the seller does not take it twice.
        let got = app.fetch(item, &signed).await.unwrap();
        assert_eq!((got.status, got.body.clone()), (200, json!(format!("item {item}"))));
        if dice.flip() {
            app.report(signed.id(), &got).await.unwrap();
        } else {
            // Nobody said that it was delivered: the wallet does not pay another time by itself, whatever the limit says.
            a_person_decides(&market, &app, item, &signed).await;
        }
        assert_eq!(market.settlements(item).await, 1);
    }
    market.audit(runs()).await;
}

#[tokio::test]
async fn the_app_hangs_up_while_the_seller_settles() {
    let market = Market::open().await;
    let app = market.trusted_app("reader").await;
    for item in runs() {
        let mut dice = Dice::new(11, item);
        let signed = app.ask(item, &app.offer(item).await, None).await.unwrap();
        let after = Duration::from_micros(dice.below(30_000));
        market.shop.lose(&format!("GET /goods/{item} "), Loss::HangUp(after), 1 + dice.below(2));
        let got = insist(async || app.fetch(item, &signed).await).await;
        market.shop.quiet().await;
        assert_eq!((got.status, got.body.clone()), (200, json!(format!("item {item}"))));
        app.report(signed.id(), &got).await.unwrap();
        assert_eq!(market.settlements(item).await, 1);
    }
    market.audit(runs()).await;
}

#[tokio::test]
async fn the_paid_request_arrives_twice_at_once_at_two_branches_of_the_shop() {
    let mut market = Market::open().await;
    let app = market.trusted_app("reader").await;
    market.open_branch().await;
    for item in runs() {
        let mut dice = Dice::new(12, item);
        let signed = app.ask(item, &app.offer(item).await, None).await.unwrap();
        market.shop.lose(&format!("GET /goods/{item} "), Loss::Twice, 1 + dice.below(3));
        let calls = (0..1 + dice.below(3)).map(|_| app.fetch(item, &signed));
        let answers: Vec<AppAnswer> = join_all(calls).await.into_iter().flatten().collect();
        market.shop.quiet().await;
        for got in &answers {
            app.report(signed.id(), got).await.unwrap();
        }
        assert_eq!(market.settlements(item).await, 1);
    }
    market.audit(runs()).await;
}

// Between shop, facilitator and chain.

async fn the_settlement_goes_wrong(story: u64, losses: &[Loss]) {
    let market = Market::open().await;
    let app = market.trusted_app("reader").await;
    for item in runs() {
        market.pause();
        let mut dice = Dice::new(story, item);
        let signed = app.ask(item, &app.offer(item).await, None).await.unwrap();
        for _ in 0..1 + dice.below(2) {
            market.till.lose("POST /settle", losses[dice.below(losses.len() as u64) as usize], 1);
        }
        let first = app.fetch(item, &signed).await.unwrap();
        app.report(signed.id(), &first).await.unwrap();
        if first.status != 200 {
            assert!(is_pending(&first), "{first:?}");
            // What the seller asks for again, with a word about it: no second signature for the nonce that it names,
            // and where it names none, none without a person.
            let again = app.ask(item, &first.payment_required.unwrap(), None).await.unwrap();
            if Way::of(item).dictated() {
                assert_eq!((again.status, again.header()), (409, None), "{}", again.body);
            } else {
                assert!(again.status == 202 && again.finds("paidJustNow"), "{}", again.body);
                app.cancel(again.id()).await;
            }
            // And nothing else is paid by itself while nobody knows.
            a_person_decides(&market, &app, item, &signed).await;
            market.deliver(&app, item, &signed).await;
        }
        market.till.quiet().await;
        assert_eq!(market.settlements(item).await, 1);
    }
    market.audit(runs()).await;
}

#[tokio::test]
async fn the_facilitators_answer_is_lost() {
    the_settlement_goes_wrong(13, &[Loss::Answer]).await;
}

#[tokio::test]
async fn the_settlement_never_arrives_or_late_or_twice() {
    the_settlement_goes_wrong(14, &[Loss::Request, Loss::Late, Loss::Twice]).await;
}

#[tokio::test]
async fn the_facilitator_ends_between_sending_and_looking() {
    let mut market = Market::open().await;
    let app = market.trusted_app("reader").await;
    let signed = sign_all(&app).await;
    // Half of the transactions arrive although nobody hears of it, the other half do not.
    let (arrive, vanish) = signed.split_at(signed.len() / 2);
    for (half, fault) in [(arrive, Fault::Drop), (vanish, Fault::Error)] {
        market.stage.devnet.fault("wallet/broadcasthex", u64::MAX, fault);
        market.stage.devnet.fault("wallet/gettransactioninfobyid", u64::MAX, Fault::Error);
        assert!(fetch_all(&app, half).await.iter().all(is_pending));
        market.restart_facilitator().await;
        market.stage.devnet.clear_faults();
    }
    // The next one finds the first half, and sends the very same transactions of the other half again.
    assert!(fetch_all(&app, arrive).await.iter().all(|got| got.status == 200));
    assert!(fetch_all(&app, vanish).await.iter().all(|got| got.status == 200));
    market.audit(runs()).await;
}

#[tokio::test]
async fn the_node_fails_while_the_facilitator_verifies() {
    let market = Market::open().await;
    let app = market.trusted_app("reader").await;
    let signed = sign_all(&app).await;
    let mut dice = Dice::new(16, 0);
    // A question is asked three times before the facilitator gives up, so this is enough for some and not for all.
    let count = signed.len() as u64;
    market.stage.devnet.fault("wallet/triggerconstantcontract", 2 * count, Fault::Error);
    market.stage.devnet.fault("wallet/triggerconstantcontract", 1 + dice.below(count), Fault::Drop);
    let failed = fetch_all(&app, &signed).await;
    assert!(failed.iter().all(|got| matches!(got.status, 200 | 503) || is_pending(got)), "{failed:?}");
    assert!(failed.iter().any(|got| got.status == 503), "{failed:?}");
    market.stage.devnet.clear_faults();
    for ((item, signed), got) in signed.iter().zip(failed) {
        match got.status {
            200 => assert_eq!(market.settlements(*item).await, 1),
            _ => market.deliver(&app, *item, signed).await,
        }
    }
    market.audit(runs()).await;
}

#[tokio::test]
async fn the_answer_to_the_broadcast_is_lost() {
    let market = Market::open().await;
    let app = market.trusted_app("reader").await;
    let signed = sign_all(&app).await;
    let mut dice = Dice::new(17, 0);
    // First with receipts that can be read, then without.
    let (seen, unseen) = signed.split_at(signed.len() / 3);
    for (item, signed) in seen {
        market.stage.devnet.fault("wallet/broadcasthex", 1 + dice.below(3), Fault::Drop);
        market.deliver(&app, *item, signed).await;
        market.stage.devnet.clear_faults();
    }
    market.stage.devnet.fault("wallet/broadcasthex", u64::MAX, Fault::Drop);
    market.stage.devnet.fault("wallet/gettransactioninfobyid", u64::MAX, Fault::Error);
    assert!(fetch_all(&app, unseen).await.iter().all(is_pending));
    market.stage.devnet.clear_faults();
    for (item, signed) in unseen {
        assert_eq!(market.settlements(*item).await, 1);
        market.deliver(&app, *item, signed).await;
    }
    market.audit(runs()).await;
}

#[tokio::test]
async fn the_broadcast_never_arrives_and_is_sent_again_as_it_was_and_made_anew_only_when_it_is_dead() {
    let market = Market::open().await;
    let app = market.trusted_app("reader").await;
    let signed = sign_all(&app).await;
    market.stage.devnet.fault("wallet/broadcasthex", u64::MAX, Fault::Error);
    assert!(fetch_all(&app, &signed).await.iter().all(is_pending));
    // It may still come: nothing else is taken for it and nothing else is sent.
    assert!(fetch_all(&app, &signed).await.iter().all(is_pending));
    assert_eq!(market.settled_in_all().await, Way::ALL.len() as u64);
    market.stage.devnet.clear_faults();
    let (alive, dead) = signed.split_at(signed.len() / 2);
    for (item, signed) in alive {
        market.deliver(&app, *item, signed).await;
    }
    market.stage.advance(90);
    market.stage.devnet.mine(5);
    for (item, signed) in dead {
        market.deliver(&app, *item, signed).await;
    }
    market.audit(runs()).await;
}

// Afterwards.

#[tokio::test]
async fn nobody_reports_and_the_wallet_finds_out_by_itself() {
    let market = Market::open().await;
    let app = market.trusted_app("reader").await;
    let signed = sign_all(&app).await;
    // Half is paid and never reported, half is never sent.
    let (paid, unpaid) = signed.split_at(signed.len() / 2);
    assert!(fetch_all(&app, paid).await.iter().all(|got| got.status == 200));
    market.stage.advance(700);
    market.stage.devnet.mine(5);
    market.stage.wallet.reconcile().await.unwrap();
    for (_, signed) in paid {
        let row = market.stage.row(signed.payment_id()).await;
        assert!(matches!(row.settlement, Some(ledger::Settlement::Final { .. })), "{row:?}");
    }
    for (item, signed) in unpaid {
        let row = market.stage.row(signed.payment_id()).await;
        assert_eq!(row.settlement, Some(ledger::Settlement::NeverUsed));
        // Too late for the shop and for the chain.
        assert_eq!(app.fetch(*item, signed).await.unwrap().status, 402);
    }
    market.audit(paid.iter().map(|(item, _)| *item)).await;
}

#[tokio::test]
async fn a_second_signature_comes_only_after_the_first_is_provably_dead() {
    let market = Market::open().await;
    let app = market.trusted_app("reader").await;
    for item in runs() {
        let mut dice = Dice::new(20, item);
        let signed = app.ask(item, &app.offer(item).await, None).await.unwrap();
        assert_eq!(signed.status, 200, "{}", signed.body);
        market.shop.lose(&format!("GET /goods/{item} "), Loss::Request, 1);
        assert_eq!(app.fetch(item, &signed).await, None);
        // Nobody knows: whenever the app comes with a fresh 402, a person decides, within the first minute and after.
        for seconds in [dice.below(50), 60 + dice.below(60), 60 + dice.below(240)] {
            market.stage.advance(seconds);
            a_person_decides(&market, &app, item, &signed).await;
        }
        if dice.flip() {
            // Alive after all.
            market.deliver(&app, item, &signed).await;
        } else {
            market.stage.advance(620);
            market.stage.devnet.mine(5);
            market.stage.wallet.reconcile().await.unwrap();
            let second = app.ask(item, &app.offer(item).await, None).await.unwrap();
            assert_eq!(second.status, 200, "{}", second.body);
            assert_ne!(second.id(), signed.id());
            market.deliver(&app, item, &second).await;
        }
    }
    market.audit(runs()).await;
}
