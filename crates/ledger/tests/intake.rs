//! What a limit allows is durable before it is in its place. Here is what nobody may notice of that: every look and every
//! judgement counts it, a step that follows finds its signature, and a crash at any moment leaves it reserved.

#![cfg(test)]

#[allow(dead_code)]
mod common;

use common::*;
use ledger::{Delivery, End, Entered, Filter, Ledger, LedgerError, Page, Payment, PaymentId, Settled, State};
use plan::Verdict;
use std::path::{Path, PathBuf};

fn later(seconds: i64) -> plan::Moment {
    NOW.plus_ms(seconds * 1000)
}

fn taken(ledger: &Ledger, amount: u64) -> Payment {
    enter_allowed(ledger, &plan(units(amount)), NOW, allow).unwrap()
}

/// What a crash would leave at this moment: the files as they are, in a folder of their own.
fn crashed(file: &Path, into: &str) -> PathBuf {
    let folder = file.parent().unwrap().join(into);
    std::fs::create_dir(&folder).unwrap();
    let copy = folder.join("ledger.sqlite");
    let side = |path: &Path| PathBuf::from(format!("{}-wal", path.display()));
    std::fs::copy(file, &copy).unwrap();
    std::fs::copy(side(file), side(&copy)).unwrap();
    copy
}

fn promised(ledger: &Ledger, payment: &Payment) -> tron::Amount {
    let plan = &payment.plan;
    let (site, url) = (&plan.site, &plan.request.url);
    let (payee, network, token, payer) = (plan.payee, plan.network, plan.token.address, plan.payer);
    ledger
        .history(&ledger::HistoryKey {
            app: &plan.app,
            site,
            payee,
            others: &[],
            network,
            token,
            url,
            payer,
            own: None,
        })
        .unwrap()
        .promised
}

#[test]
fn whoever_looks_finds_it_in_its_place() {
    type Finds = fn(&Ledger, &Payment) -> bool;
    let looks: [(&str, Finds); 8] = [
        ("by its id", |l, p| l.payment(p.id).unwrap().as_ref() == Some(p)),
        ("in the list", |l, p| l.payments(&Filter::default(), Page::first(9)).unwrap().rows[0].payment == *p),
        ("unfinished", |l, p| l.unfinished().unwrap() == [p.clone()]),
        ("promised", |l, p| promised(l, p) == units(5)),
        ("spent", |l, _| spending(l, NOW).app_day == units(5)),
        ("its site", |l, p| l.site(&p.plan.site).unwrap().unwrap().totals[0].open == units(5)),
        ("its app", |l, _| l.app(&shop()).unwrap().unwrap().payments == 1),
        ("its 402", |l, p| l.papers(p.id).unwrap().document.contains("x402Version")),
    ];
    for (what, finds) in looks {
        let folder = Folder::new();
        let ledger = folder.ledger();
        let payment = taken(&ledger, 5);
        assert!(finds(&ledger, &payment), "{what}");
        drop(ledger);
        assert_the_books_balance(&folder.file());
    }
}

#[test]
fn whoever_judges_counts_it() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    let limited = || enter_allowed(&ledger, &plan(units(5)), NOW, up_to(12, units(5)));
    assert!(limited().is_some() && limited().is_some());
    assert!(limited().is_none(), "two of three fit");
    // Another process on the same file sees it before it is in its place.
    let other = folder.ledger();
    taken(&ledger, 1);
    let mut seen = None;
    enter(&other, &plan(units(5)), NOW, |_, spending| {
        seen = Some(spending.app_day);
        Verdict::Ask(vec![])
    });
    assert_eq!(seen, Some(units(11)));
}

#[test]
fn its_nonce_and_its_key_are_taken() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    let plan = plan(units(5));
    let attempt = |nonce: &str, key| {
        let entry = ledger::Entry { idempotency_key: Some(key), ..entry(&plan, PaymentId::fresh(NOW), nonce) };
        ledger.enter_allowed(&entry, NOW, allow).unwrap().unwrap()
    };
    let Entered::New(first, _) = attempt("1", "one") else { panic!() };
    assert_eq!(attempt("1", "two"), Entered::SameNonce(first.clone()));
    assert_eq!(attempt("2", "one"), Entered::Existing(first));
}

#[test]
fn what_follows_finds_it_signed() {
    type Step = fn(&Ledger, PaymentId) -> Result<Payment, LedgerError>;
    let steps: [Step; 3] = [
        |l, id| l.settlement(id, &Settled::Seen { tx: Some("ab".into()) }, None, NOW),
        |l, id| l.delivery(id, Delivery::Delivered, Some(200), None, NOW),
        |l, id| l.payment(id).map(Option::unwrap),
    ];
    for step in steps {
        let folder = Folder::new();
        let ledger = folder.ledger();
        let signed = ledger.sign_allowed(&taken(&ledger, 5), "PAYMENT-SIGNATURE", "cGF5", NOW).unwrap();
        assert_eq!((signed.state, signed.delivery), (State::Signed, Some(Delivery::NotReported)));
        let found = step(&ledger, signed.id).unwrap();
        assert_eq!((found.state, found.signed_at), (State::Signed, signed.signed_at));
        let papers = ledger.papers(signed.id).unwrap();
        assert_eq!(papers.header_name.as_deref(), Some("PAYMENT-SIGNATURE"));
        assert_eq!(papers.header_value.as_deref(), Some("cGF5"));
        assert!(matches!(ledger.end(signed.id, &End::Unused, later(3600)), Err(LedgerError::IllegalStep { .. })));
        drop(ledger);
        assert_the_books_balance(&folder.file());
    }
}

#[test]
fn several_on_their_way_are_all_signed_whatever_their_order() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    let taken: Vec<Payment> = (0..3).map(|_| taken(&ledger, 5)).collect();
    for n in [2, 0, 1] {
        ledger.sign_allowed(&taken[n], "n", &n.to_string(), NOW).unwrap();
    }
    for (n, payment) in taken.iter().enumerate() {
        assert_eq!(ledger.payment(payment.id).unwrap().unwrap().state, State::Signed);
        assert_eq!(ledger.papers(payment.id).unwrap().header_value, Some(n.to_string()));
    }
    // Signed again as it was changes nothing.
    ledger.sign_allowed(&taken[0], "n", "0", NOW).unwrap();
    ledger.place_waiting().unwrap();
    assert_eq!(ledger.unfinished().unwrap().len(), 3);
    drop(ledger);
    assert_the_books_balance(&folder.file());
}

#[test]
fn only_what_a_limit_reserved_is_signed_the_quick_way() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    let asked = enter(&ledger, &plan(units(5)), NOW, ask);
    let by_person = approve(&ledger, &asked, NOW);
    let ended = ledger.end(reserve(&ledger, 5, NOW).id, &End::Unused, later(3600)).unwrap();
    for payment in [asked, by_person, ended] {
        let refused = ledger.sign_allowed(&payment, "n", "v", NOW);
        assert!(matches!(refused, Err(LedgerError::IllegalStep { .. })), "{refused:?}");
    }
    assert!(ledger.unfinished().unwrap().iter().all(|p| p.state == State::Reserved));
}

#[test]
fn a_crash_at_any_moment_leaves_it_reserved_and_counted_once() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    let first = taken(&ledger, 5);
    let reserved = crashed(&folder.file(), "reserved");
    ledger.sign_allowed(&first, "n", "v", NOW).unwrap();
    // Only memory has the signature: the same key makes it again.
    let signed = crashed(&folder.file(), "signed");
    ledger.place_waiting().unwrap();
    let placed = crashed(&folder.file(), "placed");
    let second = taken(&ledger, 7);
    let behind = crashed(&folder.file(), "behind");
    let rows = [
        (reserved, vec![(first.id, State::Reserved)], 5),
        (signed, vec![(first.id, State::Reserved)], 5),
        (placed, vec![(first.id, State::Signed)], 5),
        (behind, vec![(first.id, State::Signed), (second.id, State::Reserved)], 12),
    ];
    for (file, expected, counted) in rows {
        for opened in 1..=2 {
            let ledger = Ledger::open(&file).unwrap();
            let found: Vec<_> = ledger.unfinished().unwrap().iter().map(|p| (p.id, p.state)).collect();
            assert_eq!(found, expected, "{} opened {opened} times", file.display());
            assert_eq!(spending(&ledger, NOW).app_day, units(counted), "{}", file.display());
        }
        assert_the_books_balance(&file);
    }
}

#[test]
fn what_could_not_be_booked_is_not_taken_in_and_blocks_nothing() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    // A person may say yes to any amount; a sum with it has little room.
    let nearly_all = tron::Amount::from_be_bytes([0xff; 32]).checked_sub(units(9)).unwrap();
    approve(&ledger, &enter(&ledger, &plan(nearly_all), NOW, ask), NOW);
    taken(&ledger, 5);
    let (plan, id) = (plan(units(5)), PaymentId::fresh(NOW));
    let over = ledger.enter_allowed(&entry(&plan, id, "over"), NOW, allow);
    assert!(matches!(over, Err(LedgerError::TooLarge)), "{over:?}");
    // Sums of the last thirty days have room again later, that of all time has not.
    let over = ledger.enter_allowed(&entry(&plan, id, "over"), later(40 * 86_400), allow);
    assert!(matches!(over, Err(LedgerError::TooLarge)), "{over:?}");
    assert_eq!(ledger.unfinished().unwrap().len(), 2);
    ledger.block_site(&plan.site, NOW).unwrap();
}
