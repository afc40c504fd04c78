//! A facilitator knows one of the two Permit2 deployments. Which one a site is paid through is found out from what the
//! chain showed and from what the seller refused, offered in the question, and never changed under a limit.
#![allow(clippy::unwrap_used, clippy::panic)]

use ledger::Payment;
use plan::{Fact, Permit2AtSite, Site};
use stories::{Ask, Stage};
use tron::{Network, registry};
use wallet::{Header, Outcome, Report, Scope};
use x402::Scheme;

fn ask(path: &str) -> Ask {
    Ask { url: format!("https://news.example/{path}"), ..Ask::by(Scheme::ExactPermit2, 0) }
}

async fn at_site(stage: &Stage) -> Permit2AtSite {
    stage.wallet.permit2_at(&Site::of("https://news.example").unwrap(), Network::Nile).await.unwrap()
}

fn known(chosen: Option<&str>, settled: Option<&str>, refused: Option<&str>) -> Permit2AtSite {
    let name = |set: Option<&str>| set.map(str::to_owned);
    Permit2AtSite { chosen: name(chosen), settled: name(settled), refused: name(refused) }
}

/// The deployment that a payment is signed for.
fn set_of(payment: &Payment) -> &'static str {
    let sets = &registry::deployments(Network::Nile).permit2;
    sets.iter().find(|set| set.exact_proxy == payment.plan.contract).unwrap().name
}

fn finding(payment: &Payment) -> Option<&Fact> {
    let of_permit2 = |fact: &&Fact| matches!(fact, Fact::Permit2Refused { .. } | Fact::Permit2Changed { .. });
    payment.plan.findings.iter().map(|f| &f.fact).find(of_permit2)
}

async fn reported(stage: &Stage, payment: &Payment, receipt: String, http_status: u16) {
    let report = Report { payment_response: Some(receipt), http_status };
    stage.wallet.report(&stage.app, payment.id, report).await.unwrap();
}

async fn settled(stage: &Stage, payment: &Payment) {
    let tx = stage.settle(&stage.signed(payment.id).await).await;
    let receipt = x402::Settlement::settled("tron:nile", &tx.to_string(), stage.payer()).header_value();
    reported(stage, payment, receipt, 200).await;
}

async fn refused(stage: &Stage, payment: &Payment) {
    let json = r#"{"success":false,"errorReason":"invalid_signature","transaction":"","network":"tron:nile"}"#;
    reported(stage, payment, x402::header::write(json), 402).await;
}

async fn by_limit(stage: &Stage, path: &str) -> (Payment, Header) {
    match stage.wallet.pay(&stage.app, &stage.request(&ask(path))).await.unwrap() {
        Outcome::Signed(payment, header) => (payment, header),
        other => panic!("a limit allows it, found {other:?}"),
    }
}

/// A site that was paid through the first deployment, and a limit for it.
async fn paid_before() -> Stage {
    let stage = Stage::start().await;
    stage.wallet.set_auto_lock(0).await.unwrap();
    stage.prepare(Scheme::ExactPermit2).await;
    let question = stage.ask(&ask("before")).await;
    let first = stage.approve(&question, Scope::Once).await.unwrap();
    settled(&stage, &first).await;
    stage.allow_automatically(&ask("before"), "50").await;
    assert_eq!(at_site(&stage).await, known(None, Some("first"), None));
    stage
}

#[tokio::test]
async fn what_a_seller_refused_is_offered_the_other_way_and_asked_until_it_settles() {
    let stage = paid_before().await;
    let (payment, _) = by_limit(&stage, "a").await;
    refused(&stage, &payment).await;
    assert_eq!(at_site(&stage).await, known(None, Some("first"), Some("first")));

    // No limit answers any more, and the question says why and offers the other one.
    let question = stage.ask(&ask("b")).await;
    let offered = Fact::Permit2Refused { set: "first".into(), other: "second".into() };
    assert_eq!((set_of(&question), finding(&question)), ("first", Some(&offered)));
    let desk = view::Desk::new(stage.wallet.clone());
    let shown = desk.question(&question.id.to_string()).await.unwrap();
    assert_eq!(shown.other_permit2.as_deref(), Some("second"));

    // Taking it is another plan with another digest: the old one answers nothing.
    let other = stage.wallet.choose_permit2(question.id, question.digest, "second").await.unwrap();
    assert_eq!((other.id, set_of(&other)), (question.id, "second"));
    assert!(stage.approve(&question, Scope::Once).await.is_err());
    assert_eq!(finding(&other), Some(&Fact::Permit2Changed { set: "second".into(), before: "first".into() }));
    let signed = stage.approve(&other, Scope::Once).await.unwrap();
    assert_eq!(at_site(&stage).await, known(Some("second"), Some("first"), Some("first")));

    // Until the chain shows it, a person is asked about the site.
    let next = stage.ask(&ask("c")).await;
    assert_eq!(set_of(&next), "second");
    stage.reject(&next).await;
    settled(&stage, &signed).await;
    assert_eq!(at_site(&stage).await, known(Some("second"), Some("second"), Some("first")));
    stage.advance(120);
    let (payment, _) = by_limit(&stage, "d").await;
    assert_eq!((set_of(&payment), finding(&payment)), ("second", None));
}

#[tokio::test]
async fn a_change_of_the_general_setting_does_not_move_a_site_that_settles() {
    let stage = paid_before().await;
    stage.wallet.set_permit2("second").await.unwrap();
    assert_eq!(set_of(&by_limit(&stage, "a").await.0), "first");
    let elsewhere = Ask { url: "https://other.example/a".into(), ..ask("") };
    assert_eq!(set_of(&stage.ask(&elsewhere).await), "second");
}

#[tokio::test]
async fn a_persons_choice_for_a_site_is_kept_shown_asked_about_and_taken_back() {
    let stage = paid_before().await;
    let (desk, site) = (view::Desk::new(stage.wallet.clone()), "https://news.example");
    desk.set_permit2(Some("second"), Some(site)).await.unwrap();
    let shown = desk.site(site).await.unwrap().site.permit2;
    assert!(shown.iter().any(|line| line.contains("second")), "{shown:?}");
    let question = stage.ask(&ask("a")).await;
    assert_eq!(finding(&question), Some(&Fact::Permit2Changed { set: "second".into(), before: "first".into() }));
    // A restart forgets nothing.
    let stage = stage.restart().await;
    assert_eq!(at_site(&stage).await, known(Some("second"), Some("first"), None));
    let desk = view::Desk::new(stage.wallet.clone());
    desk.set_permit2(None, Some(site)).await.unwrap();
    assert_eq!(at_site(&stage).await, known(None, Some("first"), None));
    for (set, site) in [(Some("third"), None), (None, None), (Some("third"), Some(site)), (Some("first"), Some("x y"))]
    {
        assert!(desk.check_permit2(set, site).is_err(), "{set:?} {site:?}");
    }
}

#[tokio::test]
async fn a_contract_that_the_402_names_leaves_nothing_to_choose() {
    let stage = paid_before().await;
    let sets = &registry::deployments(Network::Nile).permit2;
    let named = serde_json::json!({ "assetTransferMethod": "permit2", "spender": sets[1].exact_proxy.to_string() });
    let elsewhere = Ask { url: "https://other.example/a".into(), ..ask("a") };
    for (at, by_limit) in [(ask("a"), true), (elsewhere, false)] {
        let mut option = at.option();
        option["extra"] = named.clone();
        let payment_required = Stage::offer_of(&at.url, &[option]);
        let request = wallet::PayRequest { payment_required, ..stage.request(&at) };
        let payment = match stage.wallet.pay(&stage.app, &request).await.unwrap() {
            Outcome::Signed(payment, _) if by_limit => payment,
            Outcome::Open(question) if !by_limit => {
                assert!(stage.wallet.choose_permit2(question.id, question.digest, "first").await.is_err());
                question
            }
            other => panic!("found {other:?}"),
        };
        assert_eq!((set_of(&payment), finding(&payment)), ("second", None));
    }
    // What the seller chose says nothing about its other offers.
    assert_eq!(at_site(&stage).await, known(None, Some("first"), None));
}

#[test]
fn all_of_this_over_three_doors() {
    stories::doors::again_over(stories::doors::Kind::Apart, "all_of_this_over");
}
