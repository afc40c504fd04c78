//! The same thing asked for again while a question about it is open: the later one says so, until the first is over.
//! And what a limit has left, with the time at which it has more.
#![allow(clippy::unwrap_used, clippy::panic)]

use ledger::Payment;
use plan::{AppId, EarlierOutcome, Fact, Weight};
use stories::{Ask, Stage, usdt};
use view::{Desk, FindingView, WeightView};
use wallet::{Outcome, PayRequest, Report, Scope};
use x402::Scheme;

/// By Permit2, where the 402 names no nonce: only the key tells one purchase from the other.
fn article() -> Ask {
    Ask::by(Scheme::ExactPermit2, 0)
}

async fn stage() -> Stage {
    let stage = Stage::start().await;
    stage.prepare(Scheme::ExactPermit2).await;
    stage
}

async fn ask_as(stage: &Stage, app: &AppId, key: &str) -> Payment {
    let request = PayRequest { idempotency_key: Some(key.to_owned()), ..stage.request(&article()) };
    match stage.wallet.pay(app, &request).await.unwrap() {
        Outcome::Open(payment) => payment,
        other => panic!("a person is asked, found {other:?}"),
    }
}

/// The question that this one tells of, and whether the same app asked it.
fn told(payment: &Payment) -> Option<(Weight, String, bool)> {
    payment.plan.findings.iter().find_map(|found| match &found.fact {
        Fact::AskedToo { payment, same_app, .. } => Some((found.weight, payment.clone(), *same_app)),
        _ => None,
    })
}

fn outcome(payment: &Payment) -> Option<EarlierOutcome> {
    payment.plan.findings.iter().find_map(|found| match &found.fact {
        Fact::PaidJustNow { earlier, .. } => Some(*earlier),
        _ => None,
    })
}

async fn once(stage: &Stage, payment: &Payment, is: impl Fn(&Payment) -> bool) -> Payment {
    let mut events = stage.wallet.subscribe();
    loop {
        let row = stage.row(payment.id).await;
        if is(&row) {
            return row;
        }
        events.recv().await.unwrap();
    }
}

#[tokio::test]
async fn each_question_after_the_first_says_that_the_same_is_asked_already() {
    let stage = stage().await;
    let desk = Desk::new(stage.wallet.clone());
    let app = stage.app.clone();
    let mut open = vec![ask_as(&stage, &app, "a").await];
    assert_eq!(told(&open[0]), None);
    for key in ["b", "c"] {
        let next = ask_as(&stage, &app, key).await;
        assert_eq!(told(&next), Some((Weight::Warn, open.last().unwrap().id.to_string(), true)));
        open.push(next);
    }
    // The owner's own command asks for the same: that is another app, which holds up nobody's limit.
    let own = ask_as(&stage, &AppId::owner(), "d").await;
    assert_eq!(told(&own), Some((Weight::Note, open[2].id.to_string(), false)));
    // In words, for every surface; the first one says nothing of those that came after it.
    let questions = desk.questions().await.unwrap();
    let words = |at: usize| -> Vec<&FindingView> {
        questions[at].findings.iter().filter(|found| found.code == "askedToo").collect()
    };
    assert_eq!(words(0), Vec::<&FindingView>::new());
    let second = words(1)[0];
    assert_eq!((second.weight, second.title.as_str()), (WeightView::Warn, "Asked just now too"));
    assert!(second.text.contains("The same app") && second.text.contains(&questions[0].id), "{}", second.text);
    assert!(words(3)[0].text.contains("Another app"), "{}", words(3)[0].text);
    let other = PayRequest { url: "https://news.example/other".to_owned(), ..stage.request(&article()) };
    let Ok(Outcome::Open(other)) = stage.wallet.pay(&app, &other).await else { panic!() };
    assert_eq!(told(&other), None, "another resource");

    // One that is over is told no more: the ones before it are.
    stage.reject(&open[1]).await;
    let third = once(&stage, &open[2], |row| told(row).is_none_or(|(_, id, _)| id != open[1].id.to_string())).await;
    assert_eq!(told(&third), Some((Weight::Warn, open[0].id.to_string(), true)));
    // Nor one that was paid: what became of it is told instead.
    stage.approve(&open[0], Scope::Once).await.unwrap();
    let third = once(&stage, &open[2], |row| outcome(row).is_some()).await;
    assert_eq!((told(&third), outcome(&third)), (None, Some(EarlierOutcome::Unknown)));
}

#[tokio::test]
async fn a_question_of_one_app_holds_up_no_limit_of_another_and_two_at_one_moment_know_of_each_other() {
    let stage = stage().await;
    let first = stage.approve(&stage.ask(&article()).await, Scope::Once).await.unwrap();
    let tx = stage.settle(&stage.signed(first.id).await).await.to_string();
    let receipt = x402::Settlement::settled("tron:nile", &tx, stage.payer()).header_value();
    let report = Report { payment_response: Some(receipt), http_status: 200 };
    stage.wallet.report(&stage.app, first.id, report).await.unwrap();
    stage.advance(120);
    let (app, owner) = (stage.app.clone(), AppId::owner());
    // Neither saw the other when it was planned.
    let (one, other) = tokio::join!(ask_as(&stage, &app, "x"), ask_as(&stage, &owner, "y"));
    let questions = stage.wallet.questions().await.unwrap();
    let later = &questions[1].payment;
    assert!([one.id, other.id].contains(&later.id));
    let later = once(&stage, later, |row| told(row).is_some()).await;
    assert_eq!(told(&later), Some((Weight::Note, questions[0].payment.id.to_string(), false)));

    // An app with a limit pays beside the owner's question.
    let of_app = if one.plan.app == app { one } else { other };
    stage.wallet.reject_app(of_app.id).await.unwrap();
    stage.allow_automatically(&article(), "5.00").await;
    let request = PayRequest { idempotency_key: Some("limit".to_owned()), ..stage.request(&article()) };
    let paid = stage.wallet.pay(&app, &request).await.unwrap();
    assert!(matches!(paid, Outcome::Signed(..)), "{paid:?}");
}

#[tokio::test]
async fn a_limit_tells_what_is_left_and_when_there_is_more() {
    let stage = stage().await;
    let desk = Desk::new(stage.wallet.clone());
    let first = stage.approve(&stage.ask(&article()).await, Scope::Once).await.unwrap();
    stage.settle(&stage.signed(first.id).await).await;
    stage.allow_automatically(&article(), "0.30").await;
    let budget = desk.budget(&stage.app).await.unwrap();
    assert_eq!(budget.len(), 2, "on all sites, and at this one");
    for line in &budget {
        assert_eq!(line.left_day.as_ref().unwrap().smallest, usdt("0.05").to_string());
        assert_eq!(line.day_frees.as_ref().unwrap().more.smallest, usdt("0.25").to_string());
        assert_eq!((&line.month_frees, &line.left_month), (&None, &None), "no limit of that length");
    }
    let at = budget[0].day_frees.as_ref().unwrap().at.clone();
    // The question that the limit does not answer says the same.
    stage.advance(120);
    let open = ask_as(&stage, &stage.app, "full").await;
    let question = desk.question(&open.id.to_string()).await.unwrap();
    assert!(!question.limits.is_empty());
    for bar in &question.limits {
        assert_eq!(bar.left.display, "0.05");
        assert_eq!(bar.frees.as_ref().map(|frees| (&frees.at, frees.more.display.as_str())), Some((&at, "0.25")));
    }
    stage.reject(&open).await;
    // Then it is there.
    stage.advance(86_400);
    let budget = desk.budget(&stage.app).await.unwrap();
    assert!(budget.iter().all(|line| line.day_frees.is_none()), "{budget:?}");
    assert!(
        budget.iter().all(|line| line.left_day.as_ref().unwrap().smallest == usdt("0.30").to_string()),
        "{budget:?}"
    );
}
