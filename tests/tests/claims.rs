//! An app that never left the machine writes a 402 and puts a bank's name above it. The wallet says that the site is the
//! app's claim, in words, in the digest and in the record, and a limit for verified sites does not pay it. What the
//! wallet's own command met is verified.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use ledger::RuleKey;
use plan::{Covers, Limit, Mode, PlanDigest, Provenance, Site, Why};
use stories::{Ask, Stage, usdt};
use tron::Network;
use view::port::{HttpRequestView, PaymentRequestView};
use view::{CoversView, Desk, ProvenanceView, ScopeView};
use wallet::{Outcome, Report, Scope};

fn bank(nonce: u64) -> Ask {
    Ask { url: format!("https://bank.example/accounts/{nonce}"), ..Ask::new(nonce) }
}

/// As the port hands it over.
fn posted(stage: &Stage, ask: &Ask) -> PaymentRequestView {
    PaymentRequestView {
        request: HttpRequestView { method: "GET".to_owned(), url: ask.url.clone() },
        payment_required: stage.offer(ask),
        reason: None,
        idempotency_key: None,
        max_amount: None,
        prefer: None,
    }
}

async fn set_limits(stage: &Stage, covers: Covers) {
    let limit = Limit { per_day: Some(usdt("100")), covers, ..Limit::default() };
    for site in [None, Some(Site::of("https://bank.example").unwrap())] {
        let token = Ask::new(1).token;
        let key = RuleKey { app: stage.app.clone(), site, network: Network::Nile, token };
        stage.wallet.set_rule(key, Mode::Allow(limit.clone())).await.unwrap();
    }
}

async fn delivered(stage: &Stage, id: ledger::PaymentId) {
    let report = Report { payment_response: None, http_status: 200 };
    stage.wallet.report(&stage.app, id, report).await.unwrap();
    stage.advance(120);
}

#[tokio::test]
async fn a_402_of_the_apps_own_making_is_a_claim_in_words_and_digest_and_no_limit_for_verified_sites_pays_it() {
    let stage = Stage::start().await;
    let desk = Desk::new(stage.wallet.clone());
    let answer = desk.pay(&stage.app, posted(&stage, &bank(1))).await.unwrap();
    assert_eq!(answer.plan.provenance, ProvenanceView::Claimed);

    let shown = desk.question(&answer.id).await.unwrap();
    assert_eq!(shown.provenance, ProvenanceView::Claimed);
    assert_eq!(shown.provenance_note, "fetcher says that it asked bank.example; Countersign has not asked it.");
    let row = stage.row(answer.id.parse().unwrap()).await;
    assert_eq!((row.plan.provenance, row.digest), (Provenance::Claimed, PlanDigest::of(&row.plan)));
    let verified = plan::Plan { provenance: Provenance::Verified, ..row.plan.clone() };
    assert_ne!(PlanDigest::of(&verified), row.digest, "the answer is to a claim");

    // A person pays it once: now everything is known, and only the claim stands between it and a limit.
    let first = stage.approve(&row, Scope::Once).await.unwrap();
    delivered(&stage, first.id).await;
    set_limits(&stage, Covers::VerifiedOnly).await;
    let asked = stage.ask(&bank(2)).await;
    assert_eq!(asked.whys, [Why::SiteClaimed]);
    let check = desk.check(&stage.app, posted(&stage, &bank(3))).await.unwrap();
    assert_eq!((check.verdict.as_str(), check.reasons), ("ask", vec!["siteClaimed".to_owned()]));
    assert!(desk.budget(&stage.app).await.unwrap().iter().all(|line| line.covers == CoversView::VerifiedOnly));
    stage.reject(&asked).await;

    set_limits(&stage, Covers::ClaimedAndVerified).await;
    let Outcome::Signed(second, _) = stage.pay(&bank(4)).await.unwrap() else { panic!("the limit covers claims") };
    assert_eq!(second.plan.provenance, Provenance::Claimed);
    let stage = stage.restart().await;
    assert_eq!(stage.row(second.id).await.plan.provenance, Provenance::Claimed, "the record keeps it");
}

#[tokio::test]
async fn what_the_command_line_met_is_verified_and_a_limit_answers_for_what_was_looked_at() {
    let stage = Stage::start().await;
    let desk = Desk::new(stage.wallet.clone());
    let met = desk.pay_met(posted(&stage, &bank(1)), None).await.unwrap();
    assert_eq!(met.plan.provenance, ProvenanceView::Verified);
    let shown = desk.question(&met.id).await.unwrap();
    assert_eq!(shown.provenance_note, "Countersign's own command asked bank.example and met this 402.");
    // Even with the very same 402 an app gets no more than a claim.
    let claimed = desk.pay(&stage.app, posted(&stage, &bank(2))).await.unwrap();
    assert_eq!(claimed.plan.provenance, ProvenanceView::Claimed);

    for (id, expected) in [(met.id, Covers::VerifiedOnly), (claimed.id, Covers::ClaimedAndVerified)] {
        let question = desk.question(&id).await.unwrap();
        let wait = desk.shown(&id, &question.digest).await.unwrap();
        stage.clock.advance_ms(i64::from(wait));
        let per_day = Some("2.00".to_owned());
        let scope = ScopeView::Limit { per_payment: None, per_day, per_month: None, covers: None };
        let answer = view::AnswerView::Approve { scope, allowance_total: None };
        // A limit widens what may be paid.
        let proof = view::Proof::Passphrase(wallet::Passphrase::new(stories::PASSPHRASE.to_owned()));
        desk.answer(&id, &question.digest, answer, proof).await.unwrap();
        let app = plan::AppId(question.app_id.clone());
        let rules = stage.wallet.rules().await.unwrap();
        let own: Vec<_> = rules.iter().filter(|rule| rule.key.app == app).map(|rule| rule.mode.clone()).collect();
        assert_eq!(own.len(), 2, "at the site and on all of them");
        assert!(own.iter().all(|mode| matches!(mode, Mode::Allow(limit) if limit.covers == expected)), "{own:?}");
    }
}
