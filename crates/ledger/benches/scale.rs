//! How long a ledger takes at each size: filling, opening, summary, pages, searches, entering, reading all.
//! Prints a table; asserts only that the work was really done. `COUNTERSIGN_ROWS=1000000,10000000` chooses the
//! sizes (100,000 when absent), `COUNTERSIGN_KEEP=/folder` keeps the files for another run.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use ledger::{
    END, Entered, Entry, Filter, HistoryKey, Ledger, LedgerError, Listed, Page, PaymentId, SettlementKind, State,
};
use plan::{PlanDigest, Verdict};
use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const ROUNDS: usize = 60;

fn main() {
    // Cargo passes `--bench`; a name filters nothing here.
    let sizes = std::env::var("COUNTERSIGN_ROWS").unwrap_or_else(|_| "100000".to_owned());
    for size in sizes.split(',').filter_map(|n| n.trim().parse().ok()) {
        scale(size);
    }
}

fn line(size: u64, what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
    println!("| {size:>10} | {what:<46} | {:>10} | {:>10} |", shown(at(50)), shown(at(99)));
}

fn shown(time: Duration) -> String {
    match time.as_micros() {
        us if us < 10_000 => format!("{us} µs"),
        us if us < 10_000_000 => format!("{} ms", us / 1_000),
        us => format!("{} s", us / 1_000_000),
    }
}

fn timed<T>(size: u64, what: &str, mut step: impl FnMut() -> T) {
    // Once for the caches.
    black_box(step());
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let started = Instant::now();
            black_box(step());
            started.elapsed()
        })
        .collect();
    line(size, what, &mut times);
}

fn once<T>(size: u64, what: &str, step: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let value = step();
    line(size, what, &mut [started.elapsed()]);
    value
}

fn scale(size: u64) {
    let folder = tempfile::tempdir().unwrap();
    let kept = std::env::var_os("COUNTERSIGN_KEEP").map(|f| PathBuf::from(f).join(format!("{size}.db")));
    let path = kept.unwrap_or_else(|| folder.path().join("ledger.db"));
    println!("|       rows | step                                           |     median |  99 of 100 |");
    println!("|-----------:|------------------------------------------------|-----------:|-----------:|");
    if !path.exists() {
        let started = Instant::now();
        let ledger = Ledger::open(&path).unwrap();
        let mut rows = None;
        ledger
            .fill(size, |what, _| {
                if what == "index" {
                    rows.get_or_insert_with(|| started.elapsed());
                }
            })
            .unwrap();
        let all = started.elapsed();
        let rows = rows.unwrap_or(all);
        line(size, "fill: rows and sums", &mut [rows]);
        line(size, "fill: search index", &mut [all - rows]);
    }
    let bytes = std::fs::metadata(&path).unwrap().len();
    println!("| {size:>10} | {:<46} | {:>7} MB | {:>10} |", "size on disk", bytes >> 20, "");
    let ledger = once(size, "open", || Ledger::open(&path).unwrap());
    timed(size, "open again", || Ledger::open(&path).unwrap());
    timed(size, "summary by site", || assert!(ledger.sites().unwrap().len() > 100));

    let page = Page::first(50);
    let text = |text: &str| Filter { text: Some(text.to_owned()), ..Filter::default() };
    let list = |filter: &Filter, page: Page| ledger.payments(filter, page).unwrap();
    let some = |what: &str, filter: Filter, least: usize| {
        timed(size, what, || {
            let found = list(&filter, page);
            assert!(found.rows.len() >= least || found.next.is_some(), "{what}: {}", found.rows.len());
        });
    };
    some("first page", Filter::default(), 50);
    let middle = ledger::life(size / 3, size).payment;
    let deep = Page { after: Some(middle.id), ..page };
    timed(size, "deep page", || assert_eq!(list(&Filter::default(), deep).rows.len(), 50));
    let site = Filter { site: Some(middle.plan.site.clone()), ..Filter::default() };
    some("first page of a site", site.clone(), 1);
    some("page of a state", Filter { states: vec![State::Expired], ..Filter::default() }, 50);
    some("page of what failed", Filter { settlement: Some(SettlementKind::Failed), ..Filter::default() }, 50);
    some("page of a tag", Filter { tag: Some("taxes".to_owned()), ..Filter::default() }, 50);
    some("page by amount (bounded)", Filter { least: Some("0.41".to_owned()), ..Filter::default() }, 0);
    let dates = Filter { until: Some(END.plus_ms(-400 * 86_400_000)), ..Filter::default() };
    some("page by date", dates, 50);
    some("search: common word", text("weather"), 50);
    some("search: two common words", text("weather Berlin"), 50);
    some("search: Chinese word", text("天气"), 50);
    some("search: Chinese character", text("柏"), 50);
    some("search: two letters", text("be"), 50);
    let rare = middle.plan.request.path.clone();
    some("search: a path", text(&rare), 1);
    some("search: a number that is rare", text("#7777"), 0);
    some("search: nothing has it", text("zyxwv"), 0);
    some("search: never together", text("chemistry recipes"), 0);
    some("search: in a site", Filter { text: Some("Tokyo".to_owned()), ..site }, 0);
    some("search: an address", text(&middle.plan.payee.to_string()), 1);
    some("search: an id", text(&middle.id.to_string()), 1);
    some("search: an account", Filter { payer: Some(middle.plan.payer), ..Filter::default() }, 50);

    let plan = &middle.plan;
    let key = HistoryKey {
        site: &plan.site,
        payee: plan.payee,
        network: plan.network,
        token: plan.token.address,
        url: &plan.request.url,
    };
    timed(size, "history behind a judgement", || ledger.history(&key).unwrap());
    timed(size, "rules and spending (standing)", || {
        ledger.standing(&plan.app, &plan.site, plan.network, plan.token.address, END).unwrap()
    });
    let digest = PlanDigest::of(plan);
    timed(size, "enter, durable", || {
        let id = PaymentId::fresh(END);
        let nonce = id.to_string();
        let entry = Entry {
            id,
            plan,
            digest,
            document: "{}",
            request_hash: [0; 32],
            idempotency_key: None,
            nonce: &nonce,
            dictated: true,
            expires_at: END,
        };
        assert!(matches!(ledger.enter(&entry, END, |_, _| Verdict::Allow).unwrap(), Entered::New(..)));
    });
    let mut rows = 0u64;
    let started = Instant::now();
    let each = |row: Listed| {
        rows += 1;
        black_box(&row);
        // Enough to tell the rate.
        Ok::<_, LedgerError>(rows < 300_000)
    };
    ledger.every_payment(&Filter::default(), true, each).unwrap();
    let per_second = u128::from(rows) * 1_000_000 / started.elapsed().as_micros().max(1);
    println!("| {size:>10} | {:<46} | {per_second:>8}/s | {:>10} |", "read all rows, one snapshot", "");
}
