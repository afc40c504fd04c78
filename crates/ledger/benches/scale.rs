//! How long a ledger takes at each size: filling, opening, summary, pages, searches, entering, reading all.
//! Prints a table beside the output and `figure` lines on it; asserts only that the work was really done.
//! `COUNTERSIGN_ROWS=1000000,10000000` chooses the sizes (100,000 and 1,000,000 when absent), `COUNTERSIGN_KEEP=/folder`
//! keeps the files for another run, as `/folder/<rows>.db`.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, clippy::float_arithmetic)]

use ledger::{
    END, Entered, Entry, Filter, HistoryKey, Ledger, LedgerError, Listed, Page, PaymentId, SettlementKind, State, Sums,
};
use plan::{PlanDigest, Verdict};
use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const ROUNDS: usize = 60;
/// Milliseconds for a page or a summary, and for a search.
const PAGE: Option<f64> = Some(5.0);
const SEARCH: Option<f64> = Some(50.0);

fn main() {
    // Cargo passes `--bench`; a name filters nothing here.
    let sizes = std::env::var("COUNTERSIGN_ROWS").unwrap_or_else(|_| "100000,1000000".to_owned());
    for size in sizes.split(',').filter_map(|n| n.trim().parse().ok()) {
        scale(size);
    }
}

/// "1,000,000 rows"
fn rows(size: u64) -> String {
    let digits = size.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap()).collect();
    format!("{} rows", groups.join(","))
}

fn figure(size: u64, what: &str, value: f64, unit: &str, at_most: Option<f64>) {
    let mut figure = serde_json::json!({
        "group": "ledger", "name": format!("{what}, {}", rows(size)), "value": (value * 1000.0).round() / 1000.0, "unit": unit,
    });
    if let Some(at_most) = at_most {
        figure["at_most"] = at_most.into();
    }
    println!("figure {figure}");
}

fn line(size: u64, what: &str, times: &mut [Duration], at_most: Option<f64>) {
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
    eprintln!("| {size:>10} | {what:<46} | {:>10} | {:>10} |", shown(at(50)), shown(at(99)));
    figure(size, what, at(50).as_secs_f64() * 1000.0, "ms", at_most);
}

fn shown(time: Duration) -> String {
    match time.as_micros() {
        us if us < 10_000 => format!("{us} µs"),
        us if us < 10_000_000 => format!("{} ms", us / 1_000),
        us => format!("{} s", us / 1_000_000),
    }
}

fn timed<T>(size: u64, what: &str, at_most: Option<f64>, mut step: impl FnMut() -> T) {
    // Once for the caches.
    black_box(step());
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let started = Instant::now();
            black_box(step());
            started.elapsed()
        })
        .collect();
    line(size, what, &mut times, at_most);
}

fn once<T>(size: u64, what: &str, step: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let value = step();
    line(size, what, &mut [started.elapsed()], None);
    value
}

/// The filled ledger of that size: the kept one, or a new one. A file that was not filled to its end is none.
fn filled(size: u64, folder: &std::path::Path) -> PathBuf {
    let kept = std::env::var_os("COUNTERSIGN_KEEP").map(PathBuf::from);
    let path = kept.as_deref().unwrap_or(folder).join(format!("{size}.db"));
    if path.exists() {
        return path;
    }
    let part = path.with_extension("part");
    for half in [part.clone(), path.with_extension("part-wal")] {
        let _ = std::fs::remove_file(half);
    }
    let started = Instant::now();
    let ledger = Ledger::open(&part).unwrap();
    let mut written = None;
    ledger
        .fill(size, |what, n| {
            if what == "index" {
                written.get_or_insert_with(|| started.elapsed());
            }
            if n % 1_000_000 == 0 {
                eprintln!("{what}: {n}");
            }
        })
        .unwrap();
    drop(ledger);
    let all = started.elapsed();
    let written = written.unwrap_or(all);
    line(size, "fill: rows and sums", &mut [written], None);
    line(size, "fill: search index", &mut [all - written], None);
    std::fs::rename(&part, &path).unwrap();
    path
}

fn scale(size: u64) {
    let folder = tempfile::tempdir().unwrap();
    eprintln!("|       rows | step                                           |     median |  99 of 100 |");
    eprintln!("|-----------:|------------------------------------------------|-----------:|-----------:|");
    let path = filled(size, folder.path());
    let bytes = std::fs::metadata(&path).unwrap().len();
    eprintln!("| {size:>10} | {:<46} | {:>7} MB | {:>10} |", "size on disk", bytes >> 20, "");
    figure(size, "size on disk", (bytes >> 20) as f64, "MB", None);
    let ledger = once(size, "open", || Ledger::open(&path).unwrap());
    timed(size, "open again", None, || Ledger::open(&path).unwrap());
    timed(size, "summary by site", PAGE, || assert!(ledger.sites().unwrap().len() > 100));
    let months: Vec<_> = (-24..=0).map(|n| END.plus_ms(n * 30 * 86_400_000)).collect();
    timed(size, "totals by month and token", None, || {
        assert!(!ledger.counted(&months, &Sums::default()).unwrap().is_empty())
    });
    timed(size, "totals by site", None, || {
        let what = Sums { by_site: true, ..Sums::default() };
        assert!(ledger.counted(&[months[0], END], &what).unwrap().len() > 100);
    });

    let page = Page::first(50);
    let text = |text: &str| Filter { text: Some(text.to_owned()), ..Filter::default() };
    let list = |filter: &Filter, page: Page| ledger.payments(filter, page).unwrap();
    let some = |what: &str, filter: Filter, least: usize| {
        let goal = if what.starts_with("search") { SEARCH } else { PAGE };
        timed(size, what, goal, || {
            let found = list(&filter, page);
            assert!(found.rows.len() >= least || found.next.is_some(), "{what}: {}", found.rows.len());
        });
    };
    some("first page", Filter::default(), 50);
    let middle = ledger::life(size / 3, size).payment;
    let deep = Page { after: Some(middle.id), ..page };
    timed(size, "deep page", PAGE, || assert_eq!(list(&Filter::default(), deep).rows.len(), 50));
    let site = Filter { site: Some(middle.plan.site.clone()), ..Filter::default() };
    some("first page of a site", site.clone(), 1);
    some("page of a state", Filter { states: vec![State::Expired], ..Filter::default() }, 50);
    some("page of what nobody used", Filter { settlement: Some(SettlementKind::NeverUsed), ..Filter::default() }, 50);
    some("page of a tag", Filter { tag: Some("taxes".to_owned()), ..Filter::default() }, 50);
    some("search by amount (bounded)", Filter { least: Some("0.41".to_owned()), ..Filter::default() }, 0);
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
        app: &plan.app,
        others: &[],
        site: &plan.site,
        payee: plan.payee,
        network: plan.network,
        token: plan.token.address,
        url: &plan.request.url,
        payer: plan.payer,
        own: None,
    };
    timed(size, "history behind a judgement", None, || ledger.history(&key).unwrap());
    timed(size, "rules and spending (standing)", None, || {
        ledger.standing(&plan.app, &plan.site, plan.network, plan.token.address, END).unwrap()
    });
    let digest = PlanDigest::of(plan);
    timed(size, "enter, durable", None, || {
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
    let (mut read, started) = (0u64, Instant::now());
    let each = |row: Listed| {
        read += 1;
        black_box(&row);
        // Enough to tell the rate.
        Ok::<_, LedgerError>(read < 300_000)
    };
    ledger.every_payment(&Filter::default(), true, each).unwrap();
    let per_second = read as f64 / started.elapsed().as_secs_f64();
    eprintln!("| {size:>10} | {:<46} | {per_second:>8.0}/s | {:>10} |", "read all rows, one snapshot", "");
    figure(size, "read all rows, one snapshot", per_second.round(), "rows/s", None);
}
