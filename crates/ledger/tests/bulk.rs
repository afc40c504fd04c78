//! The filled ledger is what real use leaves: rows, sums, payees and search, compared table by table with a
//! ledger where each payment was entered and lived its life.
//!
//! Three hundred payments by default; `COUNTERSIGN_ROWS=5000` for more.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

use ledger::{Delivery, End, Entered, Entry, Filter, Ledger, Life, Page, Settled, Settlement, State};
use plan::Verdict;
use std::path::Path;

/// Every row of a table as text, in an order of its own.
fn dump(path: &Path, table: &str) -> Vec<String> {
    let db = rusqlite::Connection::open(path).unwrap();
    let mut query = db.prepare(&format!("SELECT * FROM {table}")).unwrap();
    let columns = query.column_count();
    let mut rows: Vec<String> = query
        .query_map([], |row| {
            (0..columns).map(|c| row.get::<_, rusqlite::types::Value>(c)).collect::<Result<Vec<_>, _>>()
        })
        .unwrap()
        .map(|row| format!("{:?}", row.unwrap()))
        .collect();
    rows.sort();
    rows
}

/// Enters a payment and lets it live.
fn live(ledger: &Ledger, life: &Life) {
    let p = &life.payment;
    let entry = Entry {
        id: p.id,
        plan: &p.plan,
        digest: p.digest,
        document: &life.document,
        request_hash: p.request_hash,
        idempotency_key: None,
        nonce: &p.nonce,
        dictated: p.dictated,
        expires_at: p.expires_at,
    };
    let verdict = if p.state == State::Signed { Verdict::Allow } else { Verdict::Ask(p.whys.clone()) };
    let entered = ledger.enter(&entry, p.entered_at, |_, _| verdict).unwrap();
    assert!(matches!(entered, Entered::New(..)));
    if let Some(at) = p.ended_at {
        let code = p.code.clone().unwrap_or_default();
        let end = match p.state {
            State::Refused => End::Refused { code },
            State::Rejected => End::Rejected { code, by: p.ended_by.clone().unwrap() },
            State::Cancelled => End::Cancelled,
            _ => End::Expired,
        };
        ledger.end(p.id, &end, at).unwrap();
    }
    if let (Some(at), Some((name, value))) = (p.signed_at, &life.header) {
        ledger.signed(p.id, name, value, at).unwrap();
        if p.delivery != Some(Delivery::NotReported) {
            ledger.delivery(p.id, p.delivery.unwrap(), p.http_status, None, p.delivery_at.unwrap()).unwrap();
        }
        let news = match p.settlement.clone().unwrap() {
            Settlement::Unknown => None,
            Settlement::Seen { tx } => Some(Settled::Seen { tx }),
            Settlement::Final { tx, block } => Some(Settled::Final { tx, block }),
            Settlement::NeverUsed => Some(Settled::NeverUsed),
        };
        if let Some(says) = &p.seller_says {
            ledger.seller_said(p.id, Some(says), p.delivery_at.unwrap()).unwrap();
        }
        if let Some(news) = news {
            ledger.settlement(p.id, &news, None, p.settlement_at.unwrap()).unwrap();
        }
    }
    if !life.note.is_empty() || !life.tags.is_empty() {
        ledger.set_note(p.id, &life.note, &life.tags, p.entered_at).unwrap();
    }
}

#[test]
fn a_filled_ledger_is_what_real_use_leaves() {
    let count = std::env::var("COUNTERSIGN_ROWS").ok().and_then(|n| n.parse().ok()).unwrap_or(300);
    let folder = tempfile::TempDir::new().unwrap();
    let (filled, lived) = (folder.path().join("filled.db"), folder.path().join("lived.db"));
    let (fast, slow) = (Ledger::open(&filled).unwrap(), Ledger::open(&lived).unwrap());
    fast.fill(count, |_, _| ()).unwrap();
    slow.pair_believable_apps().unwrap();
    for n in 0..count {
        live(&slow, &ledger::life(n, count));
    }
    while slow.index_more(100).unwrap() > 0 {}
    for table in [
        "clock",
        "apps",
        "sites",
        "assets",
        "payments",
        "papers",
        "spendings",
        "tallies",
        "recipients",
        "notes",
        "tags",
        "tagged",
        "indexing",
    ] {
        let (a, b) = (dump(&filled, table), dump(&lived, table));
        assert!(!a.is_empty(), "{table} is empty");
        for (a, b) in a.iter().zip(&b) {
            assert_eq!(a, b, "{table}");
        }
        assert_eq!(a.len(), b.len(), "{table}");
    }
    for text in ["weather", "天气", "上海", "sh", "已核对", "taxes"] {
        let filter = Filter { text: Some(text.to_owned()), ..Filter::default() };
        let page = Page::first(1000);
        assert_eq!(fast.payments(&filter, page).unwrap(), slow.payments(&filter, page).unwrap(), "{text}");
    }
}
