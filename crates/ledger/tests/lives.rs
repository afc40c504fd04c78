//! The three lives of a payment, step by step: what each step needs, leaves behind and refuses.

#![cfg(test)]

#[allow(dead_code)]
mod common;

use common::*;
use ledger::{
    AllowanceIntent, AllowanceOutcome, Answer, Approved, Delivery, End, Entered, Ledger, LedgerError, NewApp,
    PaymentId, Settled, Settlement, State,
};
use plan::{AllowanceNeed, AppId, Fact, Fee, Finding, Moment, PlanDigest, Refusal, Verdict, Weight, Why, Window};
use tron::{Address, Amount, Network};

fn later(seconds: i64) -> Moment {
    NOW.plus_ms(seconds * 1000)
}

fn end_code() -> End {
    End::Refused { code: "NODE_UNAVAILABLE".into() }
}

#[test]
fn everything_that_was_shown_can_be_shown_again() {
    let folder = Folder::new();
    let mut plan = plan(Amount::from_u128(12_000_000_000_000_000_001));
    plan.fee = Some(Fee { to: Address::from_bytes([8; 20]), amount: units(9) });
    plan.maximum = plan.price.saturating_add(units(9));
    plan.allowance =
        Some(AllowanceNeed { spender: plan.contract, have: units(1), need: plan.maximum, cost_sun: 27_000_000 });
    plan.balance = Some(Amount::MAX);
    plan.window = Window { valid_after: u64::MAX - 1, valid_before: u64::MAX };
    plan.site_words = Some("Un article, « signé »\u{202e}".into());
    plan.app_words = Some("for you".into());
    let (a, n) = (Address::from_bytes([9; 20]), Amount::MAX);
    plan.findings = [
        Fact::AllKnown,
        Fact::NothingPaid,
        Fact::PayeeKnown { times: 3, since: NOW },
        Fact::PayeeFirstSeen,
        Fact::PayeeChanged { before: a, times: 4 },
        Fact::PayeeLooksLike { known: a },
        Fact::TokenLooksLike { known: a, symbol: "USDT".into() },
        Fact::TokenUnknown { claimed_symbol: Some("USD\"T".into()), claimed_decimals: Some(6), real: Some(a) },
        Fact::TokenUnknown { claimed_symbol: None, claimed_decimals: None, real: None },
        Fact::TokenOlder,
        Fact::DecimalsClaimed { claimed: u64::MAX, real: 6 },
        Fact::FeeShare { fee: n, price: n, percent: 100 },
        Fact::PriceAboveUsual { usual: n, now: n },
        Fact::DeadlineFar { seconds: 4000 },
        Fact::DeadlinePassed { seconds_ago: 1 },
        Fact::NotYetValid { seconds: 61 },
        Fact::ClockOff { seconds: 300, ahead: false },
        Fact::RecordAhead { seconds: 86_400 },
        Fact::ResourceElsewhere { claimed: "https://other.example/\n".into() },
        Fact::AllowanceMissing { have: n, need: n },
        Fact::BalanceShort { have: n, need: n },
        Fact::ChainUnknown,
        Fact::TestMoney,
        Fact::ContractUnknown { contract: a },
        Fact::CallerMissing,
        Fact::NonceUsed,
        Fact::PaidJustNow { seconds_ago: 3, payment: "p".into(), earlier: plan::EarlierOutcome::Unknown },
    ]
    .into_iter()
    .zip([Weight::Good, Weight::Note, Weight::Warn, Weight::Stop].into_iter().cycle())
    .map(|(fact, weight)| Finding { weight, fact })
    .collect();
    let whys = vec![
        Why::NoRule,
        Why::SiteClaimed,
        Why::Finding(2),
        Why::OverPerPayment { limit: n, asked: n },
        Why::OverDay { limit: n, spent: n, asked: n },
        Why::OverMonth { limit: n, spent: n, asked: n },
        Why::AllowanceNeeded,
    ];
    let id = PaymentId::fresh(NOW);
    {
        let ledger = folder.ledger();
        let mut entry = entry(&plan, id, "77");
        entry.idempotency_key = Some("key");
        ledger.enter(&entry, NOW, |_, _| Verdict::Ask(whys.clone())).unwrap();
        let asked = ledger.payment(id).unwrap().unwrap();
        assert_eq!((&asked.plan, asked.digest), (&plan, PlanDigest::of(&plan)));
        approve(&ledger, &asked, later(1));
        ledger.signed(id, "PAYMENT-SIGNATURE", "cGF5", later(2)).unwrap();
        let tx = "ab".repeat(32);
        ledger.settlement(id, &Settled::Final { tx: Some(tx), block: Some(77) }, Some(units(5)), later(3)).unwrap();
        ledger.delivery(id, Delivery::Delivered, Some(200), Some("e30="), later(4)).unwrap();
    }
    // Another process reads the same from the file alone.
    let payment = Ledger::open(&folder.file()).unwrap().payment(id).unwrap().unwrap();
    assert_eq!(payment.plan, plan);
    assert_eq!(PlanDigest::of(&payment.plan), payment.digest);
    assert_eq!(payment.whys, whys);
    assert_eq!((payment.nonce.as_str(), payment.idempotency_key.as_deref()), ("77", Some("key")));
    assert_eq!((payment.state, payment.by_person), (State::Signed, true));
    let times = [payment.reserved_at, payment.signed_at, payment.settlement_at, payment.delivery_at];
    assert_eq!(times, [1, 2, 3, 4].map(|s| Some(later(s))));
    assert_eq!(payment.settlement, Some(Settlement::Final { tx: Some("ab".repeat(32)), block: Some(77) }));
    assert_eq!((payment.actual, payment.delivery), (Some(units(5)), Some(Delivery::Delivered)));
    assert_eq!(payment.http_status, Some(200));
    let papers = Ledger::open(&folder.file()).unwrap().papers(id).unwrap();
    assert_eq!(papers.document, "{\"x402Version\":2}");
    assert_eq!(papers.header_value.as_deref(), Some("cGF5"));
    assert_eq!(papers.response.as_deref(), Some("e30="));
}

#[test]
fn the_same_key_with_the_same_request_is_the_same_payment() {
    let ledger_folder = Folder::new();
    let ledger = ledger_folder.ledger();
    ledger.add_app(&NewApp { id: AppId("other".into()), name: "", readings: &[], token_hash: [2; 32] }, NOW).unwrap();
    let plan = plan(units(5));
    let attempt = |key: &str, hash: u8, app: &AppId, nonce: &str| {
        let plan = plan::Plan { app: app.clone(), ..plan.clone() };
        let mut entry = entry(&plan, PaymentId::fresh(NOW), nonce);
        entry.idempotency_key = Some(key);
        entry.request_hash = [hash; 32];
        ledger.enter(&entry, NOW, allow).unwrap()
    };
    let Entered::New(first, Verdict::Allow) = attempt("k", 1, &shop(), "1") else { panic!() };
    assert_eq!(attempt("k", 1, &shop(), "2"), Entered::Existing(first.clone()));
    assert_eq!(attempt("k", 2, &shop(), "3"), Entered::Conflict { earlier: first.id });
    assert!(matches!(attempt("k", 1, &AppId("other".into()), "4"), Entered::New(..)), "keys are the app's own");
    assert!(matches!(attempt("k2", 1, &shop(), "5"), Entered::New(..)));
    // Also once it has ended.
    let ended = ledger.end(first.id, &End::Unused, later(3600)).unwrap();
    assert_eq!(attempt("k", 1, &shop(), "6"), Entered::Existing(ended));
    assert_eq!(ledger.payment_by_key(&shop(), "k").unwrap().unwrap().id, first.id);
    assert_eq!(spending(&ledger, NOW).app_day, units(5), "only k2 of shop still counts");
}

#[test]
fn one_nonce_is_one_authorization() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    let (plan, now) = (plan(units(5)), NOW);
    let attempt = |nonce: &str, judge: fn(&plan::Rules, &plan::Spending) -> Verdict| {
        ledger.enter(&entry(&plan, PaymentId::fresh(now), nonce), now, judge).unwrap()
    };
    let Entered::New(first, _) = attempt("1", ask) else { panic!() };
    assert_eq!(attempt("1", ask), Entered::SameNonce(first.clone()), "one question for one permission");
    let first = approve(&ledger, &first, now);
    assert_eq!(attempt("1", allow), Entered::SameNonce(first.clone()));
    // It holds while the first is signed and open, whatever the seller says of it.
    ledger.signed(first.id, "n", "v", now).unwrap();
    ledger.seller_said(first.id, Some("reverted"), now).unwrap();
    assert!(matches!(attempt("1", allow), Entered::SameNonce(_)));
    let after = later(300);
    ledger.settlement(first.id, &Settled::NeverUsed, None, after).unwrap();
    assert!(matches!(attempt("1", allow), Entered::New(..)));
}

#[test]
fn a_yes_is_bound_to_what_was_shown() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    let asked = enter(&ledger, &plan(units(5)), NOW, ask);
    for n in 0..=255 {
        let other = Answer { digest: PlanDigest::from_bytes([n; 32]), window: asked.plan.window };
        assert_eq!(
            ledger.approve(asked.id, &other, NOW, |_| true).unwrap(),
            Approved::OtherPlan { asked: asked.digest }
        );
    }
    let longer = Window { valid_before: asked.plan.window.valid_before + 1, ..asked.plan.window };
    let stretched = Answer { digest: asked.digest, window: longer };
    assert!(matches!(ledger.approve(asked.id, &stretched, NOW, |_| true), Err(LedgerError::WindowDictated { .. })));
    assert_eq!(ledger.payment(asked.id).unwrap().unwrap().state, State::Asked);
    assert_eq!(spending(&ledger, NOW).app_day, Amount::ZERO, "a question reserves nothing");
    let reserved = approve(&ledger, &asked, NOW);
    assert_eq!(ledger.approve(asked.id, &answer(&asked), NOW, |_| true).unwrap(), Approved::Already(reserved));
    assert_eq!(spending(&ledger, NOW).app_day, units(5), "counted once");
}

#[test]
fn where_the_wallet_chooses_the_window_the_answer_brings_it() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    let plan = plan(units(5));
    let id = PaymentId::fresh(NOW);
    let entry = ledger::Entry { dictated: false, ..entry(&plan, id, "1") };
    ledger.enter(&entry, NOW, ask).unwrap();
    let window = Window { valid_after: NOW.secs() + 100, valid_before: NOW.secs() + 400 };
    ledger.approve(id, &Answer { digest: entry.digest, window }, later(100), |_| true).unwrap();
    assert_eq!(ledger.payment(id).unwrap().unwrap().plan.window, window);
}

#[test]
fn a_late_yes_approves_nothing() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    for moment in [NOW.plus_ms(5 * MINUTE), NOW.plus_ms(DAY)] {
        let asked = enter(&ledger, &plan(units(5)), NOW, ask);
        let outcome = ledger.approve(asked.id, &answer(&asked), moment, |_| true).unwrap();
        assert!(matches!(outcome, Approved::TooLate(p) if p.state == State::Expired));
        let again = ledger.approve(asked.id, &answer(&asked), moment, |_| true).unwrap();
        assert!(matches!(again, Approved::Ended(p) if p.state == State::Expired));
    }
    assert_eq!(spending(&ledger, NOW).app_day, Amount::ZERO);
    assert!(ledger.open_questions().unwrap().is_empty());
}

#[test]
fn a_revoked_app_or_a_blocked_site_gets_nothing_any_more() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    let asked = enter(&ledger, &plan(units(5)), NOW, ask);
    let rules = |seen: &mut plan::Rules| {
        let mut out = None;
        let id = PaymentId::fresh(NOW);
        let plan = plan(units(5));
        let entry = entry(&plan, id, "probe");
        ledger
            .enter(&entry, NOW, |rules, _| {
                out = Some(rules.clone());
                Verdict::Refuse(Refusal::SiteBlocked)
            })
            .unwrap();
        *seen = out.unwrap();
        ledger.payment(id).unwrap().unwrap()
    };
    let mut seen = plan::Rules::default();
    ledger.block_site(&asked.plan.site, NOW).unwrap();
    assert_eq!(
        ledger.approve(asked.id, &answer(&asked), NOW, |_| true).unwrap(),
        Approved::Blocked(plan::Refusal::SiteBlocked)
    );
    let refused = rules(&mut seen);
    assert!(seen.site_blocked);
    assert_eq!((refused.state, refused.code.as_deref()), (State::Refused, Some("siteBlocked")));
    ledger.unblock_site(&asked.plan.site).unwrap();
    ledger.block_app(&shop(), NOW).unwrap();
    assert_eq!(
        ledger.approve(asked.id, &answer(&asked), NOW, |_| true).unwrap(),
        Approved::Blocked(plan::Refusal::AppBlocked)
    );
    ledger.unblock_app(&shop()).unwrap();
    ledger.revoke_app(&shop(), NOW).unwrap();
    assert_eq!(
        ledger.approve(asked.id, &answer(&asked), NOW, |_| true).unwrap(),
        Approved::Blocked(plan::Refusal::AppBlocked)
    );
    rules(&mut seen);
    assert_eq!(seen.app, plan::Mode::Block);
    assert_eq!(ledger.app_by_token_hash(&[1; 32]).unwrap(), None, "its token opens nothing");
}

#[test]
fn an_app_that_was_never_paired_has_no_rows() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    let plan = plan::Plan { app: AppId("ghost".into()), ..plan(units(5)) };
    let outcome = ledger.enter(&entry(&plan, PaymentId::fresh(NOW), "1"), NOW, allow);
    assert!(matches!(outcome, Err(LedgerError::NoSuchApp { .. })));
    assert!(ledger.payments(&ledger::Filter::default(), ledger::Page::first(9)).unwrap().rows.is_empty());
}

#[test]
fn what_a_limit_reserved_may_be_out_and_is_released_only_when_the_chain_shows_it_unused() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    let reserved = reserve(&ledger, 5, NOW);
    for end in [End::Cancelled, End::Expired, end_code()] {
        let refused = ledger.end(reserved.id, &end, later(3600));
        assert!(matches!(refused, Err(LedgerError::IllegalStep { from: State::Reserved, .. })), "{end:?}");
    }
    let early = ledger.end(reserved.id, &End::Unused, NOW);
    assert!(matches!(early, Err(LedgerError::WindowOpen { .. })), "{early:?}");
    assert_eq!(spending(&ledger, NOW).app_day, units(5));
    let ended = ledger.end(reserved.id, &End::Unused, later(3600)).unwrap();
    assert_eq!((ended.state, spending(&ledger, NOW).app_day), (State::Expired, units(0)));
}

#[test]
fn what_is_not_allowed_leaves_no_row_where_only_a_signature_was_wanted() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    let plan = plan(units(5));
    let attempt = |judge: fn(&plan::Rules, &plan::Spending) -> Verdict| {
        ledger.enter_allowed(&entry(&plan, PaymentId::fresh(NOW), "1"), NOW, judge).unwrap()
    };
    assert_eq!(attempt(|_, _| Verdict::Ask(vec![])), None);
    assert!(ledger.payments(&ledger::Filter::default(), ledger::Page::first(9)).unwrap().rows.is_empty());
    assert!(matches!(attempt(|_, _| Verdict::Allow), Some(Entered::New(_, Verdict::Allow))));
    assert!(matches!(attempt(|_, _| Verdict::Allow), Some(Entered::SameNonce(_))));
}

/// A payment brought to a state.
fn brought_to(ledger: &Ledger, state: State) -> PaymentId {
    let asked = || enter(ledger, &plan(units(5)), NOW, ask);
    let ended = |end: &End| ledger.end(asked().id, end, NOW).unwrap().id;
    match state {
        State::Asked => asked().id,
        State::Reserved => approve(ledger, &asked(), NOW).id,
        State::Signed => sign(ledger, 5, NOW).id,
        State::Rejected => ended(&End::Rejected { code: "USER_REJECTED".into(), by: "window".into() }),
        State::Refused => ended(&end_code()),
        State::Cancelled => ended(&End::Cancelled),
        State::Expired => ended(&End::Expired),
    }
}

type Step<'a> = &'a dyn Fn(PaymentId) -> Result<ledger::Payment, LedgerError>;

#[test]
fn only_legal_steps_are_taken() {
    use State::*;
    let folder = Folder::new();
    let ledger = folder.ledger();
    let rejected = End::Rejected { code: "USER_REJECTED".into(), by: "window".into() };
    let steps: [(&str, Step<'_>, &[State]); 7] = [
        ("signed", &|id| ledger.signed(id, "PAYMENT-SIGNATURE", "cGF5", NOW), &[Reserved, Signed]),
        ("rejected", &|id| ledger.end(id, &rejected, NOW), &[Asked, Rejected]),
        ("cancelled", &|id| ledger.end(id, &End::Cancelled, NOW), &[Asked, Reserved, Cancelled]),
        ("expired", &|id| ledger.end(id, &End::Expired, NOW), &[Asked, Reserved, Expired]),
        ("refused", &|id| ledger.end(id, &end_code(), NOW), &[Asked, Reserved, Refused]),
        ("settled", &|id| ledger.settlement(id, &Settled::Seen { tx: Some("t".into()) }, None, NOW), &[Signed]),
        ("delivered", &|id| ledger.delivery(id, Delivery::Delivered, None, None, NOW), &[Signed]),
    ];
    for (name, step, legal) in steps {
        for state in State::ALL {
            let id = brought_to(&ledger, state);
            let before = ledger.payment(id).unwrap().unwrap();
            match step(id) {
                Ok(first) => {
                    assert!(legal.contains(&state), "{name} from {state:?}");
                    assert_eq!(step(id).unwrap(), first, "{name} twice from {state:?} changes nothing");
                }
                Err(LedgerError::IllegalStep { from, .. }) => {
                    assert!(!legal.contains(&state), "{name} from {state:?}");
                    assert_eq!(from, state);
                    assert_eq!(ledger.payment(id).unwrap().unwrap(), before, "a refused step leaves no trace");
                }
                Err(other) => panic!("{name} from {state:?}: {other}"),
            }
        }
    }
}

#[test]
fn settlement_follows_the_chain_and_never_contradicts_what_is_final() {
    let seen = |tx: &str| Settled::Seen { tx: Some(tx.into()) };
    let done = |tx: &str| Settled::Final { tx: Some(tx.into()), block: Some(9) };
    let by_nonce = |block| Settled::Final { tx: None, block };
    let cases: &[(&[Settled], Option<&str>)] = &[
        (&[seen("a"), seen("a"), done("a"), done("a")], Some("final")),
        (&[seen("a"), seen("b"), done("b")], Some("final")),
        (&[Settled::Seen { tx: None }, seen("a"), Settled::Seen { tx: None }, done("a"), seen("a")], Some("final")),
        (&[by_nonce(None), seen("a"), done("a")], Some("final")),
        (&[done("a"), by_nonce(None), Settled::Seen { tx: None }], Some("final")),
        (&[seen("a"), Settled::NeverUsed], Some("never used")),
        (&[seen("a"), Settled::Dropped, Settled::Dropped], Some("unknown")),
        (&[seen("a"), Settled::Dropped, seen("a"), done("a")], Some("final")),
        (&[seen("a"), Settled::Dropped, Settled::NeverUsed], Some("never used")),
        (&[Settled::Dropped], Some("unknown")),
        (&[done("a"), Settled::Dropped], None),
        (&[Settled::NeverUsed, Settled::NeverUsed], Some("never used")),
        (&[Settled::NeverUsed, done("a")], Some("final")),
        (&[Settled::Final { tx: None, block: None }], Some("final")),
        (&[Settled::Final { tx: Some("a".into()), block: None }, done("a")], Some("final")),
        (&[done("a"), done("b")], None),
        (&[done("a"), seen("b")], None),
        (&[by_nonce(None), seen("a"), done("b")], None),
        (&[done("a"), Settled::NeverUsed], None),
    ];
    let folder = Folder::new();
    let ledger = folder.ledger();
    for (news, outcome) in cases {
        let payment = sign(&ledger, 5, NOW);
        let mut last = Ok(payment.clone());
        for news in *news {
            last = ledger.settlement(payment.id, news, None, later(300));
        }
        match (last, outcome) {
            (Ok(payment), Some(name)) => assert_eq!(payment.settlement.unwrap().name(), *name, "{news:?}"),
            (Err(LedgerError::Contradiction { .. }), None) => {}
            (other, _) => panic!("{news:?}: {other:?}"),
        }
    }
}

#[test]
fn a_permission_is_not_called_unused_while_it_can_be_used() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    let payment = sign(&ledger, 5, NOW);
    for moment in [NOW, later(299)] {
        let outcome = ledger.settlement(payment.id, &Settled::NeverUsed, None, moment);
        assert!(matches!(outcome, Err(LedgerError::WindowOpen { .. })));
    }
    assert_eq!(spending(&ledger, NOW).app_day, units(5));
    ledger.settlement(payment.id, &Settled::NeverUsed, None, later(300)).unwrap();
    assert_eq!(spending(&ledger, NOW).app_day, Amount::ZERO);
}

#[test]
fn no_more_settles_than_was_authorised() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    let payment = sign(&ledger, 5, NOW);
    let news = Settled::Final { tx: None, block: None };
    let outcome = ledger.settlement(payment.id, &news, Some(units(6)), NOW);
    assert!(matches!(outcome, Err(LedgerError::OverMaximum { .. })));
    ledger.settlement(payment.id, &news, Some(units(5)), NOW).unwrap();
}

#[test]
fn a_second_signature_is_not_recorded_over_the_first() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    let payment = sign(&ledger, 5, NOW);
    let outcome = ledger.signed(payment.id, "PAYMENT-SIGNATURE", "b3RoZXI=", NOW);
    assert!(matches!(outcome, Err(LedgerError::IllegalStep { to: "signed differently", .. })));
    assert_eq!(ledger.papers(payment.id).unwrap().header_value.as_deref(), Some("cGF5"));
}

#[test]
fn delivery_may_come_after_a_refusal_and_not_before() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    let payment = sign(&ledger, 5, NOW);
    let report = |delivery, status| ledger.delivery(payment.id, delivery, status, None, NOW);
    assert_eq!(report(Delivery::RefusedBySeller, Some(402)).unwrap().http_status, Some(402));
    assert_eq!(report(Delivery::NotReported, None).unwrap().delivery, Some(Delivery::RefusedBySeller));
    assert_eq!(report(Delivery::Delivered, Some(200)).unwrap().delivery, Some(Delivery::Delivered));
    assert!(matches!(report(Delivery::RefusedBySeller, Some(402)), Err(LedgerError::Contradiction { .. })));
}

#[test]
fn what_the_chain_has_dropped_counts_as_open_and_says_since_when_also_after_a_restart() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    let payment = sign(&ledger, 5, NOW);
    let news = |ledger: &Ledger, news, at| ledger.settlement(payment.id, &news, None, later(at)).unwrap();
    let totals = |ledger: &Ledger| {
        let site = ledger.site(&payment.plan.site).unwrap().unwrap();
        (site.totals[0].settled, site.totals[0].open)
    };
    news(&ledger, Settled::Seen { tx: Some("a".into()) }, 10);
    assert_eq!(totals(&ledger), (units(5), Amount::ZERO));
    assert_eq!(news(&ledger, Settled::Dropped, 20).dropped_at, Some(later(20)));
    assert_eq!(totals(&ledger), (Amount::ZERO, units(5)));
    drop(ledger);
    let ledger = folder.ledger();
    let row = ledger.payment(payment.id).unwrap().unwrap();
    assert_eq!((row.settlement, row.dropped_at), (Some(Settlement::Unknown), Some(later(20))));
    assert_eq!(ledger.unfinished().unwrap().len(), 1, "it is looked up again");
    assert_eq!(news(&ledger, Settled::Dropped, 30).dropped_at, Some(later(20)));
    assert_eq!(news(&ledger, Settled::Seen { tx: None }, 40).dropped_at, None);
    assert_eq!(totals(&ledger), (units(5), Amount::ZERO));
}

#[test]
fn unfinished_work_is_found_and_finished_work_is_not() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    for state in State::ALL {
        brought_to(&ledger, state);
    }
    let settle = |news: Settled| {
        let id = sign(&ledger, 5, NOW).id;
        ledger.settlement(id, &news, None, later(300)).unwrap();
    };
    settle(Settled::Seen { tx: Some("a".into()) });
    settle(Settled::Final { tx: Some("a".into()), block: None });
    settle(Settled::NeverUsed);
    let open: Vec<_> =
        ledger.unfinished().unwrap().into_iter().map(|p| (p.state, p.settlement.map(|s| s.name()))).collect();
    assert_eq!(open, [(State::Reserved, None), (State::Signed, Some("unknown")), (State::Signed, Some("seen")),]);
    assert_eq!(ledger.open_questions().unwrap().len(), 1);
}

#[test]
fn allowances_are_written_before_they_are_sent_and_end_once() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    let payment = reserve(&ledger, 5, NOW);
    let intent = AllowanceIntent {
        tx: "ab".repeat(32),
        payment: payment.id,
        network: Network::Nile,
        owner: payment.plan.payer,
        token: usdt(),
        spender: payment.plan.contract,
        amount: Amount::from_u128(u128::MAX),
        signed_hex: "0a02".into(),
        expires_at: later(60),
    };
    ledger.allowance_intent(&intent, NOW).unwrap();
    ledger.allowance_intent(&intent, NOW).unwrap();
    assert_eq!(ledger.open_allowances().unwrap().iter().map(|a| &a.intent).collect::<Vec<_>>(), [&intent]);
    let confirmed = AllowanceOutcome::Confirmed { block: 7, fee_sun: 27 };
    for _ in 0..2 {
        ledger.allowance_outcome(&intent.tx, &confirmed, later(3)).unwrap();
    }
    let contradiction = ledger.allowance_outcome(&intent.tx, &AllowanceOutcome::Expired, later(9));
    assert!(matches!(contradiction, Err(LedgerError::Contradiction { .. })));
    assert!(ledger.open_allowances().unwrap().is_empty());
    let recorded = ledger.allowances_of(payment.id).unwrap();
    assert_eq!(recorded[0].outcome, Some(confirmed));
    assert!(ledger.allowance_outcome("00", &AllowanceOutcome::Expired, NOW).is_err());
}

#[test]
fn an_app_is_found_by_the_hash_of_its_token_and_by_nothing_else() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    let new = |n: u8| NewApp { id: AppId(format!("app{n}")), name: "An app", readings: &[], token_hash: [n; 32] };
    ledger.add_app(&new(10), later(1)).unwrap();
    assert_eq!(ledger.app_by_token_hash(&[10; 32]).unwrap().unwrap().id, AppId("app10".into()));
    assert_eq!(ledger.app_by_token_hash(&[11; 32]).unwrap(), None);
    ledger.touch_app(&AppId("app10".into()), later(5)).unwrap();
    assert_eq!(ledger.app(&AppId("app10".into())).unwrap().unwrap().last_seen, Some(later(5)));
}

#[test]
fn a_name_that_reads_as_one_that_is_taken_is_refused_by_the_table_itself() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    let [reads, other] = ["newsreader", "verifiednewsreader"].map(str::to_owned);
    let add = |n: u8, name: &str, readings: &[String]| {
        ledger.add_app(&NewApp { id: AppId(format!("app{n}")), name, readings, token_hash: [n; 32] }, later(1))
    };
    add(10, "News reader", std::slice::from_ref(&reads)).unwrap();
    let taken = add(11, "Verified news reader", &[other.clone(), reads.clone()]).unwrap_err();
    assert!(matches!(&taken, LedgerError::NameTaken { like } if like == "News reader"), "{taken:?}");
    // Nothing of it is left, its other reading included.
    assert_eq!(ledger.app(&AppId("app11".into())).unwrap(), None);
    add(12, "Verified", std::slice::from_ref(&other)).unwrap();
    ledger.revoke_app(&AppId("app10".into()), later(2)).unwrap();
    add(13, "NEWS READER", &[reads]).unwrap();
    assert_eq!(ledger.token_hashes().unwrap(), [[1; 32], [12; 32], [13; 32]]);
}

#[test]
fn another_option_takes_the_place_of_an_open_question_and_of_nothing_else() {
    use ledger::{Replan, Replanned};
    let folder = Folder::new();
    let ledger = folder.ledger();
    let asked = enter(&ledger, &plan(units(5)), NOW, ask);
    let other = plan::Plan { option: 1, scheme: x402::Scheme::ExactPermit2, ..plan(units(7)) };
    let digest = PlanDigest::of(&other);
    let change = |shown| {
        let expires_at = later(9);
        Replan { shown, plan: &other, digest, nonce: "77", dictated: false, expires_at, reserve: false }
    };
    let stale = ledger.replan(asked.id, &change(digest), NOW, ask).unwrap();
    assert_eq!(stale, Replanned::OtherPlan { asked: asked.digest });
    let refuse = |_: &plan::Rules, _: &plan::Spending| plan::Verdict::Refuse(plan::Refusal::SiteBlocked);
    let refused = ledger.replan(asked.id, &change(asked.digest), NOW, refuse).unwrap();
    assert_eq!(refused, Replanned::Refused(plan::Refusal::SiteBlocked));
    assert_eq!(ledger.payment(asked.id).unwrap().unwrap(), asked, "nothing changed");

    let Replanned::Asked(now) = ledger.replan(asked.id, &change(asked.digest), NOW, ask).unwrap() else { panic!() };
    assert_eq!((now.id, now.digest, now.nonce.as_str(), now.dictated), (asked.id, digest, "77", false));
    assert_eq!((&now.plan, now.expires_at, now.state), (&other, later(9), State::Asked));
    assert_eq!(ledger.payment(asked.id).unwrap().unwrap(), now, "it is read as it was written");
    assert_eq!(spending(&ledger, NOW).app_day, Amount::ZERO, "a question reserves nothing");
    let old = ledger.approve(asked.id, &answer(&asked), NOW, |_| true).unwrap();
    assert_eq!(old, Approved::OtherPlan { asked: digest });

    let reserved = approve(&ledger, &now, NOW);
    assert_eq!(spending(&ledger, NOW).app_day, units(7));
    let late = ledger.replan(asked.id, &change(digest), NOW, ask).unwrap();
    assert_eq!(late, Replanned::Ended(reserved.clone()));
    let window = Window { valid_after: 1, valid_before: NOW.secs() + 900 };
    assert_eq!(ledger.renew(asked.id, window, NOW).unwrap().plan.window, window);
    assert_eq!(spending(&ledger, NOW).app_day, units(7), "counted once");
    ledger.signed(asked.id, "PAYMENT-SIGNATURE", "x", NOW).unwrap();
    assert!(matches!(ledger.renew(asked.id, window, NOW), Err(LedgerError::IllegalStep { .. })));
    let dictated = enter(&ledger, &plan(units(5)), NOW, allow);
    assert!(matches!(ledger.renew(dictated.id, window, NOW), Err(LedgerError::WindowDictated { .. })));
}
