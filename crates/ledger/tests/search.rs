//! Filters, notes and tags as a person uses them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

#[allow(dead_code)]
mod common;

use common::*;
use ledger::{Delivery, Filter, LedgerError, Page, Settled, SettlementKind, State};
use plan::Moment;

fn count(ledger: &ledger::Ledger, filter: &Filter) -> usize {
    let found = ledger.payments(filter, Page::first(1000)).unwrap();
    assert_eq!(found.next, None);
    found.rows.len()
}

#[test]
fn filters_narrow_by_everything_a_row_has() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    for n in 0..40u8 {
        let mut plan = plan(units(u64::from(n) * 100_000));
        if n % 4 == 0 {
            plan.payer = tron::Address::from_bytes([9; 20]);
        }
        let now = NOW.plus_ms(i64::from(n) * HOUR);
        let payment = enter(&ledger, &plan, now, allow);
        if n < 30 {
            ledger.signed(payment.id, "PAYMENT-SIGNATURE", "cGF5", now).unwrap();
        }
        if n < 20 {
            let news = Settled::Final { tx: Some(format!("{n:064x}")), block: Some(7) };
            ledger.settlement(payment.id, &news, None, now).unwrap();
        }
        if n < 3 {
            ledger.delivery(payment.id, Delivery::RefusedBySeller, Some(500), None, now).unwrap();
        }
    }
    let at = |hours: i64| Some(NOW.plus_ms(hours * HOUR));
    let some = |text: &str| Some(text.to_owned());
    let cases = [
        (Filter::default(), 40),
        (Filter { payer: Some(tron::Address::from_bytes([9; 20])), ..Filter::default() }, 10),
        (Filter { network: Some(tron::Network::Nile), ..Filter::default() }, 40),
        (Filter { network: Some(tron::Network::Mainnet), ..Filter::default() }, 0),
        (Filter { scheme: some(x402::Scheme::ExactPermit.name()), ..Filter::default() }, 40),
        (Filter { scheme: some("upto"), ..Filter::default() }, 0),
        (Filter { states: vec![State::Reserved], ..Filter::default() }, 10),
        (Filter { states: vec![State::Reserved, State::Signed], ..Filter::default() }, 40),
        (Filter { settlement: Some(SettlementKind::Final), ..Filter::default() }, 20),
        (Filter { settlement: Some(SettlementKind::Unknown), ..Filter::default() }, 10),
        (Filter { delivery: Some(Delivery::RefusedBySeller), ..Filter::default() }, 3),
        (Filter { delivery: Some(Delivery::NotReported), ..Filter::default() }, 27),
        (Filter { from: at(10), ..Filter::default() }, 30),
        (Filter { until: at(10), ..Filter::default() }, 10),
        (Filter { from: at(10), until: at(12), ..Filter::default() }, 2),
        (Filter { from: at(1000), ..Filter::default() }, 0),
        (Filter { until: Some(Moment(0)), ..Filter::default() }, 0),
        (Filter { least: some("1"), ..Filter::default() }, 30),
        (Filter { most: some("0.95"), ..Filter::default() }, 10),
        (Filter { least: some("1.0"), most: some("1.1"), ..Filter::default() }, 2),
        (Filter { text: some(&format!("{:064x}", 7)), ..Filter::default() }, 1),
        (Filter { text: some("news"), least: some("1"), from: at(20), ..Filter::default() }, 20),
    ];
    for batch in [0, 25, 100] {
        ledger.index_more(batch).unwrap();
        for (filter, expected) in &cases {
            assert_eq!(count(&ledger, filter), *expected, "{filter:?} {batch}");
        }
    }
    assert_eq!(ledger.payments_of_tx(&format!("{:064X}", 7)).unwrap().len(), 1);
}

#[test]
fn a_note_and_tags_are_found_at_once_and_are_gone_at_once() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    let (first, second) = (reserve(&ledger, 1, NOW).id, reserve(&ledger, 2, NOW).id);
    ledger.index_more(1).unwrap();
    let tags = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
    for id in [first, second] {
        ledger.set_note(id, "  Für die Steuer: 发票 ", &tags(&["Taxes 2026", "work"]), NOW).unwrap();
    }
    let text = |text: &str| Filter { text: Some(text.to_owned()), ..Filter::default() };
    let tagged = |tag: &str| Filter { tag: Some(tag.to_owned()), ..Filter::default() };
    for search in ["steuer", "发票", "taxes", "taxes steuer"] {
        assert_eq!(count(&ledger, &text(search)), 2, "{search}");
    }
    assert_eq!(count(&ledger, &tagged("WORK")), 2);
    assert_eq!(count(&ledger, &tagged("never")), 0);
    let row = ledger.listed(first).unwrap();
    assert_eq!((row.note.as_deref(), row.tags), (Some("Für die Steuer: 发票"), tags(&["Taxes 2026", "work"])));

    ledger.set_note(first, "", &tags(&["travel"]), NOW).unwrap();
    assert_eq!(count(&ledger, &text("steuer")), 1);
    assert_eq!(count(&ledger, &text("travel")), 1);
    ledger.rename_tag("work", "Travel").unwrap();
    assert_eq!(count(&ledger, &tagged("travel")), 2);
    assert_eq!((count(&ledger, &text("work")), count(&ledger, &text("travel"))), (0, 2));
    let names: Vec<_> = ledger.tags().unwrap().into_iter().map(|t| (t.name, t.payments)).collect();
    assert_eq!(names, [("Taxes 2026".to_owned(), 1), ("travel".to_owned(), 2)]);

    let long = "x".repeat(501);
    assert!(matches!(ledger.set_note(first, &long, &[], NOW), Err(LedgerError::NoteTooLong { length: 501 })));
    for bad in ["", "a,b", &long] {
        assert!(matches!(ledger.set_note(first, "", &tags(&[bad]), NOW), Err(LedgerError::NotATag { .. })), "{bad}");
    }
    assert_eq!(count(&ledger, &tagged("travel")), 2, "what was refused changed nothing");
}

#[test]
fn a_page_that_looked_far_enough_is_short_and_goes_on() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    let first = reserve(&ledger, 77, NOW);
    let seq = "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 10100)";
    let db = rusqlite::Connection::open(folder.file()).unwrap();
    let columns: Vec<String> = db
        .prepare("SELECT name FROM pragma_table_info('payments')")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let values = columns.iter().map(|c| match c.as_str() {
        "seq" => "i".to_owned(),
        "id" => "randomblob(16)".to_owned(),
        "nonce" => "nonce || i".to_owned(),
        "maximum" => "zeroblob(32)".to_owned(),
        other => other.to_owned(),
    });
    let values = values.collect::<Vec<_>>().join(", ");
    db.execute_batch(&format!("{seq} INSERT INTO payments SELECT {values} FROM n, payments WHERE seq = 1")).unwrap();
    let filter = Filter { least: Some("0.00007".to_owned()), ..Filter::default() };
    let (mut page, mut found, mut short) = (Page::first(10), Vec::new(), 0);
    loop {
        let part = ledger.payments(&filter, page).unwrap();
        assert_eq!(part.looked_to.is_some(), part.next.is_some(), "short of ten rows, it says how far it looked");
        short += usize::from(part.looked_to.is_some());
        found.extend(part.rows.into_iter().map(|r| r.payment.id));
        match part.next {
            Some(next) => page.after = Some(next),
            None => break,
        }
    }
    assert_eq!((found, short > 0), (vec![first.id], true));
}
