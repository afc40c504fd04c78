//! A 402's times and this machine's clock: what begins a little later is noted and signed, what begins later is asked,
//! and nothing is signed by a clock that would make it worthless on the chain.
#![allow(clippy::unwrap_used, clippy::panic)]

use plan::{Fact, Verdict, Weight};
use std::time::Duration;
use stories::{Ask, Stage};
use wallet::{Outcome, PayRequest};
use x402::Scheme;

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
