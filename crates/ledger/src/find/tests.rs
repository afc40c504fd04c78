//! What the ways are, as SQLite tells.

use super::*;
use crate::store::tests::{enter_plan, some_plan};
use crate::{Delivery, SettlementKind, State};
use plan::{AppId, Site};
use tron::Address;

fn plan_of(db: &Connection, sql: &str) -> Vec<String> {
    let mut query = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let blanks = vec![rusqlite::types::Null; query.parameter_count()];
    let rows = query.query_map(rusqlite::params_from_iter(blanks), |row| row.get::<_, String>(3)).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn every_list_follows_an_index_or_the_rows_in_their_order() {
    let folder = tempfile::TempDir::new().unwrap();
    let ledger = Ledger::open(&folder.path().join("ledger.sqlite")).unwrap();
    let site = Site::of("https://news.example").unwrap();
    ledger.block_site(&site, Moment(0)).unwrap();
    let text = |text: &str| Filter { text: Some(text.to_owned()), ..Filter::default() };
    let filters = [
        (Filter::default(), "SEARCH p USING INTEGER PRIMARY KEY"),
        (Filter { site: Some(site), states: vec![State::Asked], ..Filter::default() }, "INDEX payments_site"),
        (Filter { app: Some(AppId::owner()), ..Filter::default() }, "INDEX payments_app"),
        (Filter { states: vec![State::Refused], ..Filter::default() }, "INDEX payments_state"),
        (Filter { settlement: Some(SettlementKind::NeverUsed), ..Filter::default() }, "INDEX payments_settlement"),
        (Filter { delivery: Some(Delivery::RefusedBySeller), ..Filter::default() }, "INDEX payments_undelivered"),
        (Filter { settlement: Some(SettlementKind::Final), ..Filter::default() }, "USING INTEGER PRIMARY KEY"),
        (Filter { least: Some("1".to_owned()), ..Filter::default() }, "USING INTEGER PRIMARY KEY"),
        (text(&PaymentId::fresh(Moment(0)).to_string()), "sqlite_autoindex"),
        (text(&"ab".repeat(32)), "INDEX payments_tx"),
    ];
    for (filter, expected) in filters {
        for oldest_first in [false, true] {
            let lines = ledger
                .read("test", |db| {
                    let page = Page { oldest_first, ..Page::first(50) };
                    let mut narrow = Narrow::by(db, &filter)?.unwrap();
                    // An empty ledger has few rows behind every index: leave one way only.
                    narrow.keys = (1, 2);
                    let walk = Walk { way: narrow.way(db)?.0, narrow, upto: i64::MAX, oldest_first: page.oldest_first };
                    Ok(plan_of(db, &walk.sql(&walk.way)))
                })
                .unwrap();
            assert!(lines[0].contains(expected), "{filter:?}: {lines:?}");
            let temporary = lines.iter().any(|l| l.contains("TEMP B-TREE"));
            // By its id or its transaction there is one row to sort.
            assert!(!temporary || filter.text.is_some(), "sorted by the way itself: {lines:?}");
        }
    }
    for words in [text("weather"), text("天气"), text(&Address::from_bytes([7; 20]).to_string())] {
        ledger
            .read("test", |db| {
                let walk = Walk::start(db, &words, Page::first(50))?.unwrap();
                assert!(!walk.way.words.is_empty(), "{words:?} is looked for in the index");
                let lines = plan_of(db, "SELECT rowid FROM words WHERE words MATCH ?1 AND rowid >= ?2 ORDER BY rowid");
                assert!(!lines.iter().any(|l| l.contains("TEMP B-TREE")), "sorted by the index: {lines:?}");
                Ok(())
            })
            .unwrap();
    }
}

#[test]
fn however_little_a_page_looks_at_the_pages_find_every_row_once() {
    let folder = tempfile::TempDir::new().unwrap();
    let ledger = Ledger::open(&folder.path().join("ledger.sqlite")).unwrap();
    // Two words that stand together now and then, and rows in between that were removed.
    for n in 0..60 {
        let words = ["chemistry", "recipes", "chemistry recipes", "maps"][n % 4].to_owned();
        let plan = plan::Plan { site_words: Some(words), ..some_plan() };
        enter_plan(&ledger, &plan, "{}").unwrap();
    }
    ledger.index_more(50).unwrap();
    ledger
        .write("test", |db| {
            db.execute("DELETE FROM papers WHERE payment BETWEEN 17 AND 31", [])?;
            db.execute("DELETE FROM words WHERE rowid BETWEEN 17 AND 31", [])?;
            db.execute("DELETE FROM payments WHERE seq BETWEEN 17 AND 31", [])?;
            Ok(())
        })
        .unwrap();
    let filter = Filter { text: Some("chemistry recipes".to_owned()), ..Filter::default() };
    for oldest_first in [false, true] {
        let expected: Vec<i64> =
            (0..60).filter(|n| n % 4 == 2).map(|n| n + 1).filter(|s| !(17..=31).contains(s)).collect();
        for (stretch, limit) in [(1, 1), (7, 2), (7, 100), (1000, 3)] {
            let patience = Patience { rows: 4, stretch, time: Duration::ZERO };
            let (mut found, mut after, mut short) = (Vec::new(), None, 0);
            loop {
                let keys = ledger
                    .read("test", |db| {
                        let mut walk = Walk::start(db, &filter, Page { oldest_first, ..Page::first(50) })?.unwrap();
                        // An empty ledger has few rows behind every index: the words all the same.
                        assert!(!walk.way.words.is_empty());
                        after.iter().for_each(|seq| walk.after(*seq));
                        walk.go(db, limit, patience)
                    })
                    .unwrap();
                short += usize::from(keys.short);
                found.extend(keys.kept);
                match keys.last {
                    Some(last) => assert_ne!(after.replace(last), Some(last), "it goes on"),
                    None => break,
                }
            }
            found.sort_unstable();
            assert_eq!(found, expected, "{stretch} {limit} {oldest_first}");
            assert!(short > 0);
        }
    }
}
