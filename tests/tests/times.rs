//! A 402's times and this machine's clock: what begins a little later is noted and signed, what begins later is asked,
//! and nothing is signed by a clock that would make it worthless on the chain.
#![allow(clippy::unwrap_used, clippy::panic)]

use ledger::{Payment, State};
use plan::{Fact, Moment, Verdict, Weight};
use std::time::Duration;
use stories::{Ask, Stage, passphrase, usdt};
use wallet::{AllowanceChoice, Answer, Outcome, PayRequest, Proof, RecordOff, Scope, WalletError};
use x402::Scheme;

const PATIENCE: Duration = Duration::from_secs(20);

fn clock_of(checked: &wallet::Checked) -> Option<(Weight, u64, bool)> {
    checked.plan.findings.iter().find_map(|found| match found.fact {
        Fact::ClockOff { seconds, ahead } => Some((found.weight, seconds, ahead)),
        _ => None,
    })
}

#[tokio::test]
async fn a_clock_minutes_off_the_newest_block_is_told_before_anybody_is_asked() {
    let stage = Stage::start().await;
    let dictated = Ask::new(1);
    let chosen = Ask { seconds: 300, ..Ask::by(Scheme::ExactPermit2, 2) };
    stage.allow_automatically(&dictated, "5.00").await;
    let check = async |ask: &Ask| stage.wallet.check(&stage.app, &stage.request(ask)).await.unwrap();
    assert_eq!(clock_of(&check(&dictated).await), None);

    // The chain is five minutes on: the wallet's clock is behind.
    let open = Ask { seconds: 900, ..dictated };
    stage.devnet.clock().advance(Duration::from_secs(306));
    stage.clock.advance_ms(6_000);
    stage.devnet.mine(1);
    let seen = check(&open).await;
    assert_eq!(clock_of(&seen), Some((Weight::Warn, 300, false)), "{:?}", seen.plan.findings);
    assert!(matches!(seen.verdict, Verdict::Ask(_)), "also under a limit: {:?}", seen.verdict);
    // By its own clock the wallet would sign what is over on the chain already.
    let seen = check(&chosen).await;
    assert_eq!(clock_of(&seen), Some((Weight::Stop, 300, false)), "{:?}", seen.plan.findings);
    assert!(matches!(seen.verdict, Verdict::Refuse(_)), "{:?}", seen.verdict);

    // Set right, all is as before.
    stage.clock.set_wall(plan::Moment(stories::START.0 + 306_000));
    let seen = check(&open).await;
    assert_eq!(clock_of(&seen), None, "{:?}", seen.plan.findings);
}

#[tokio::test]
async fn what_begins_in_a_moment_is_signed_with_a_note_and_what_begins_later_is_asked() {
    let stage = Stage::start().await;
    let first = stage.ask(&Ask::new(1)).await;
    stage.approve(&first, wallet::Scope::Once).await.unwrap();
    stage.allow_automatically(&Ask::new(1), "5.00").await;
    stage.advance(120);
    let now = stage.devnet.clock().now_secs();
    for (nonce, ahead, signed) in [(20_u64, 20, true), (90, 90, false)] {
        let ask = Ask { url: format!("https://news.example/articles/{nonce}"), ..Ask::new(nonce) };
        let text = x402::header::read(&stage.offer(&ask)).unwrap();
        let text = text.replace(&format!("\"validAfter\":{}", now - 60), &format!("\"validAfter\":{}", now + ahead));
        let request = PayRequest { payment_required: x402::header::write(&text), ..stage.request(&ask) };
        let outcome = stage.wallet.pay(&stage.app, &request).await.unwrap();
        let payment = match (&outcome, signed) {
            (Outcome::Signed(payment, _), true) | (Outcome::Open(payment), false) => payment,
            other => panic!("{ahead} s: {other:?}"),
        };
        let weight = if signed { Weight::Note } else { Weight::Warn };
        let told = payment.plan.findings.iter().find(|found| matches!(found.fact, Fact::NotYetValid { .. }));
        assert_eq!(told.unwrap().weight, weight);
        assert_eq!(payment.plan.window.valid_after, now + ahead, "the dictated number stays");
    }
}

/// Seconds from the newest block on that the chain would take what was signed.
async fn lives(stage: &Stage, signed: &Payment) -> i64 {
    let payment = stage.signed(signed.id).await;
    let picture = x402::Signed::of(&payment, payment.accepted.as_ref().unwrap()).unwrap();
    i64::try_from(picture.window.1).unwrap() - i64::try_from(stage.devnet.clock().now_secs()).unwrap()
}

/// A purchase of its own by Permit2, where the wallet chooses the window.
fn chosen(nonce: u64) -> Ask {
    Ask { url: format!("https://news.example/chosen/{nonce}"), seconds: 300, ..Ask::by(Scheme::ExactPermit2, nonce) }
}

fn dictated(nonce: u64) -> Ask {
    Ask { url: format!("https://news.example/dictated/{nonce}"), ..Ask::new(nonce) }
}

/// Known to the record, paid by a limit of 1.30 a day of which 0.26 is spent.
async fn trusted() -> Stage {
    let stage = Stage::start().await;
    stage.prepare(Scheme::ExactPermit2).await;
    let first = stage.ask(&dictated(1)).await;
    stage.approve(&first, Scope::Once).await.unwrap();
    stage.allow_automatically(&dictated(1), "1.30").await;
    stage
}

async fn spent_today(stage: &Stage) -> tron::Amount {
    let site = plan::Site::of("https://news.example/").unwrap();
    let (app, now) = (stage.app.clone(), stage.wallet.now());
    let ledger = ledger::Ledger::open(&stage.dir.path().join("ledger.db")).unwrap();
    let standing = ledger.standing(&app, &site, tron::Network::Nile, stories::address(stories::USDT), now).unwrap();
    standing.spending.app_day
}

/// Shown, and a second later approved; the chain's time goes on as well.
async fn approve(stage: &Stage, question: &Payment) -> Result<Payment, WalletError> {
    stage.wallet.shown(question.id, question.digest).await?;
    stage.advance(1);
    let yes = Answer::Approve { scope: Scope::Once, allowance: AllowanceChoice::Exact };
    stage.wallet.answer(question.id, question.digest, yes, Proof::Window).await
}

/// Shown as it is by now, and approved; where the clock went wrong since it was asked, the second yes counts.
async fn insist(stage: &Stage, question: &Payment) -> Result<Payment, WalletError> {
    match approve(stage, question).await {
        Err(WalletError::AskedAgain { payment, news }) => {
            assert!(news.iter().all(|found| matches!(found.fact, Fact::ClockOff { .. })), "{news:?}");
            approve(stage, &payment).await
        }
        other => other,
    }
}

fn by_the_chain(stage: &Stage) -> Moment {
    Moment(i64::try_from(stage.devnet.clock().now_ms()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_forth_and_back_twenty_times_widens_no_limit_and_lengthens_no_permission() {
    let stage = trusted().await;
    let (mut automatic, mut unwarned, mut longer, mut late) = (0, 0, 0, 0);
    for round in 0..20_u64 {
        stage.advance(6);
        // The owner's own: always asked, and no part of the app's limit.
        let request = stage.request(&chosen(100 + round));
        let Outcome::Open(question) = stage.wallet.pay(&plan::AppId::owner(), &request).await.unwrap() else {
            panic!()
        };
        let day = if round % 2 == 0 { Moment::DAY_MS } else { -Moment::DAY_MS };
        stage.clock.set_wall(by_the_chain(&stage).plus_ms(day));
        let checked = stage.wallet.check(&stage.app, &stage.request(&dictated(200))).await.unwrap();
        automatic += usize::from(checked.verdict == Verdict::Allow);
        unwarned += usize::from(clock_of(&checked).is_none());
        assert_eq!(spent_today(&stage).await, usdt("0.26"), "{round}");
        let signed = insist(&stage, &question).await.unwrap();
        assert_eq!(signed.state, State::Signed);
        longer += usize::from(lives(&stage, &signed).await > 300);
        late += usize::from(signed.reserved_at.unwrap().since(by_the_chain(&stage)).abs() > 60_000);
        stage.clock.set_wall(by_the_chain(&stage));
    }
    assert_eq!((automatic, unwarned, longer, late), (0, 0, 0, 0));
    // Right again, the limit pays as before.
    assert!(matches!(stage.pay(&dictated(300)).await, Ok(Outcome::Signed(..))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_with_a_clock_400_days_off_empties_no_limit_signs_nothing_longer_and_leaves_no_stuck_record() {
    for days in [400, -400] {
        let stage = trusted().await;
        stage.advance(60);
        let right = by_the_chain(&stage);
        stage.clock.set_wall(right.plus_ms(days * Moment::DAY_MS));
        let stage = stage.restart().await;
        stage.wallet.unlock(passphrase()).await.unwrap();
        stage.wallet.look_at_clock(PATIENCE).await;
        // Told before anybody is asked, in status, window and terminal.
        let off = stage.wallet.clocks().await.unwrap().clock;
        let told = 400 * 86_400 - 60..400 * 86_400 + 60;
        assert!(matches!(off, Some((seconds, ahead)) if told.contains(&seconds) && ahead == (days > 0)), "{off:?}");
        let status = view::Desk::new(stage.wallet.clone()).status().await;
        assert!(status.clock.unwrap().contains("days"), "{days}");
        // The limit is as full as it was, and pays nothing by itself.
        assert_eq!(spent_today(&stage).await, usdt("0.26"), "{days}");
        let question = stage.ask(&dictated(2)).await;
        let warned = |p: &Payment| p.plan.findings.iter().any(|f| matches!(f.fact, Fact::ClockOff { .. }));
        assert!(warned(&question), "{days}: {:?}", question.plan.findings);
        let signed = approve(&stage, &question).await.unwrap();
        assert_eq!(signed.state, State::Signed, "{days}");
        // What the wallet dates itself lives as long as it says, or is not signed at all.
        match (days > 0, stage.pay(&chosen(3)).await) {
            (true, Ok(Outcome::Open(question))) => {
                let signed = approve(&stage, &question).await.unwrap();
                assert!(lives(&stage, &signed).await <= 300, "{}", lives(&stage, &signed).await);
            }
            (false, Err(WalletError::Refused(row))) => assert_eq!(row.code.as_deref(), Some("clockOff")),
            (_, other) => panic!("{days}: {other:?}"),
        }
        // Nothing on record is dated later than it was.
        let newest = ledger::Ledger::open(&stage.dir.path().join("ledger.db")).unwrap().newest().unwrap().unwrap();
        assert!(newest.since(right) < 120_000, "{days}: {newest:?}");
        // Set right: paid by the limit again, within what is left of it.
        stage.clock.set_wall(by_the_chain(&stage));
        let stage = stage.restart().await;
        stage.wallet.unlock(passphrase()).await.unwrap();
        stage.advance(120);
        stage.wallet.look_at_clock(PATIENCE).await;
        assert_eq!(stage.wallet.clocks().await.unwrap(), wallet::Clocks::default(), "{days}");
        assert!(matches!(stage.pay(&dictated(4)).await, Ok(Outcome::Signed(..))), "{days}");
    }
}

/// What a version that dated everything by the clock left after a start that was 400 days ahead.
fn write_ahead(stage: &Stage) {
    let db = rusqlite::Connection::open(stage.dir.path().join("ledger.db")).unwrap();
    let sql = "UPDATE payments SET entered_at = entered_at + AHEAD, reserved_at = reserved_at + AHEAD,
            signed_at = signed_at + AHEAD, settlement_at = settlement_at + AHEAD, delivery_at = delivery_at + AHEAD;
        CREATE TEMP TABLE later AS SELECT app, site, asset, span, start + AHEAD AS start, amount FROM spendings;
        DELETE FROM spendings;
        INSERT INTO spendings SELECT * FROM later;
        UPDATE clock SET newest = newest + AHEAD";
    db.execute_batch(&sql.replace("AHEAD", &(400 * Moment::DAY_MS).to_string())).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_in_the_future_is_told_asks_and_is_set_right_by_a_command() {
    let stage = trusted().await;
    stage.wallet.close().await;
    write_ahead(&stage);
    let stage = stage.restart().await;
    stage.wallet.unlock(passphrase()).await.unwrap();
    stage.wallet.look_at_clock(PATIENCE).await;
    let found = stage.wallet.clocks().await.unwrap().record;
    assert!(matches!(found, Some(RecordOff::Ahead { seconds, .. }) if seconds > 399 * 86_400), "{found:?}");
    let desk = view::Desk::new(stage.wallet.clone());
    assert!(desk.status().await.record.unwrap().contains("countersign ledger redate"));
    let question = stage.ask(&dictated(2)).await;
    let ahead = |p: &Payment| p.plan.findings.iter().any(|f| matches!(f.fact, Fact::RecordAhead { .. }));
    assert!(ahead(&question), "{:?}", question.plan.findings);
    stage.reject(&question).await;
    // Not by a clock that is off itself.
    stage.clock.set_wall(by_the_chain(&stage).plus_ms(Moment::DAY_MS));
    let unsure = stage.wallet.redate().await;
    assert!(matches!(unsure, Err(WalletError::ClockOff { ahead: true, .. })), "{unsure:?}");
    stage.clock.set_wall(by_the_chain(&stage));
    // Over the owner's socket it takes the passphrase.
    use helper::verb::{RedateLedger, Verb};
    let asked = RedateLedger { passphrase: None }.run(&desk).await.unwrap_err();
    assert_eq!(asked.field.as_deref(), Some("passphrase"));
    let wrong = RedateLedger { passphrase: Some("a wrong guess".into()) }.run(&desk).await.unwrap_err();
    assert_eq!(wrong.code, view::Code::WrongPassphrase);
    let done = RedateLedger { passphrase: Some(stories::PASSPHRASE.into()) }.run(&desk).await.unwrap();
    assert_eq!(done.payments, 2);
    assert_eq!(stage.wallet.clocks().await.unwrap(), wallet::Clocks::default());
    assert_eq!(spent_today(&stage).await, usdt("0.26"), "as of now");
    let again = RedateLedger { passphrase: Some(stories::PASSPHRASE.into()) }.run(&desk).await.unwrap();
    assert_eq!((again.payments, &again.from), (0, &again.to));
    // Paid by the limit again: four more fit, and no fifth.
    stage.advance(120);
    for nonce in 10..14 {
        assert!(matches!(stage.pay(&dictated(nonce)).await, Ok(Outcome::Signed(..))), "{nonce}");
    }
    assert!(matches!(stage.pay(&dictated(14)).await, Ok(Outcome::Open(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_dated_by_this_machines_clock_alone() {
    for ask in [dictated(2), chosen(2)] {
        let mut stage = trusted().await;
        // Nobody listens there: no block told the time since this start.
        stage.reopen("http://127.0.0.1:1".to_owned()).await;
        let question = stage.ask(&ask).await;
        let unknown = question.plan.findings.iter().find(|f| f.fact == Fact::ChainUnknown);
        assert_eq!(unknown.map(|f| f.weight), Some(Weight::Warn));
        let answered = stage.approve(&question, Scope::Once).await;
        assert!(matches!(answered, Err(WalletError::NoBlockTime { .. })), "{answered:?}");
        let row = stage.row(question.id).await;
        assert_eq!((row.state, row.reserved_at), (State::Asked, None));
    }
}

#[test]
fn all_of_this_over_three_doors() {
    stories::doors::again_over(stories::doors::Kind::Apart, "all_of_this_over");
}
