//! The record as a person uses it: a payment that a program made is found again by whatever is remembered of it, what
//! is exported says exactly what the rows say, and old rows go without taking the sums along.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::time::Duration;
use stories::{Ask, Market, Stage};
use tron::Amount;
use view::{Desk, ExportFormat, ExportInput, FilterView, PruneInput, TotalsBy, TotalsInput};

/// How long anything may take before it counts as not happening.
const PATIENCE: Duration = Duration::from_secs(60);

async fn found(desk: &Desk, text: &str) -> usize {
    let filter = FilterView { text: Some(text.to_owned()), ..FilterView::default() };
    desk.payments(filter).await.unwrap().payments.len()
}

#[tokio::test]
async fn a_payment_through_the_port_is_found_by_whatever_is_remembered_of_it() {
    let market = Market::open().await;
    let app = market.trusted_app("reader").await;
    let offer = app.offer(7).await;
    let signed = app.ask(7, &offer, None).await.unwrap();
    let desk = Desk::new(market.stage.wallet.clone());
    let tags = vec!["税务".to_owned(), "AI".to_owned()];
    desk.set_note(signed.id(), "for the report 已核对".to_owned(), tags).await.unwrap();
    let site = desk.payment(signed.id()).await.unwrap().payment.site_key;
    // At once, and again when the index has it.
    for _ in 0..2 {
        for text in ["已核对", "核对", "对", "税务", "AI", "re", "report", "fo report", signed.id()] {
            assert_eq!(found(&desk, text).await, 1, "{text}");
        }
        for text in ["北京", "eport2", "zz", "report weather"] {
            assert_eq!(found(&desk, text).await, 0, "{text}");
        }
        // Here the program had bought before.
        assert!(found(&desk, &site).await > 1);
        assert_eq!(found(&desk, &format!("{site} report")).await, 1);
        let tagged = FilterView { tag: Some("ai".to_owned()), ..FilterView::default() };
        assert_eq!(desk.payments(tagged).await.unwrap().payments.len(), 1);
        let indexed = async {
            // Nobody tells that the index caught up: it is looked at now and then.
            while desk.payments(FilterView::default()).await.unwrap().unindexed > 0 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, indexed).await.expect("the index catches up");
    }
}

/// Four payments: settled, rejected, open, and reserved until a seller takes it.
async fn some_payments() -> (Stage, Desk) {
    let stage = Stage::start().await;
    let desk = Desk::new(stage.wallet.clone());
    stage.allow_automatically(&Ask::new(1), "10").await;
    for nonce in 1..=3 {
        stage.pay(&Ask::new(nonce)).await.unwrap();
    }
    let dear = Ask { price: stories::usdt("50"), ..Ask::new(9) };
    let question = stage.ask(&dear).await;
    stage.reject(&question).await;
    (stage, desk)
}

async fn export(desk: &Desk, input: ExportInput) -> view::ExportView {
    let mut state = desk.start_export(input).await.unwrap();
    let ends = async {
        while !state.done {
            tokio::task::yield_now().await;
            state = desk.export(&state.id).unwrap();
        }
        state
    };
    tokio::time::timeout(PATIENCE, ends).await.expect("the export ends")
}

#[tokio::test]
async fn every_format_gives_back_the_same_whole_numbers() {
    let (stage, desk) = some_payments().await;
    let rows = stage.wallet.payments(ledger::Filter::default(), ledger::Page::first(10)).await.unwrap().rows;
    let expected: BTreeMap<String, (Amount, Amount)> =
        rows.iter().map(|r| (r.payment.id.to_string(), (r.payment.plan.price, r.payment.plan.maximum))).collect();
    assert_eq!(expected.len(), 4);
    let dir = tempfile::tempdir().unwrap();
    for (name, format) in
        [("a.csv", ExportFormat::Csv), ("a.json", ExportFormat::Json), ("a.jsonl", ExportFormat::JsonLines)]
    {
        let path = dir.path().join(name).display().to_string();
        let filter = FilterView { oldest_first: true, ..FilterView::default() };
        let input = ExportInput { filter: filter.clone(), format, path: path.clone(), replace: false };
        let state = export(&desk, input).await;
        assert_eq!((state.rows, state.failure, state.cancelled), (4, None, false));
        let text = std::fs::read_to_string(&path).unwrap();
        let units = |text: &str, decimals: &str| Amount::parse_units(text, decimals.parse().unwrap()).unwrap();
        let told: BTreeMap<String, (Amount, Amount)> = match format {
            ExportFormat::Csv => {
                let mut reader = csv::Reader::from_reader(text.as_bytes());
                let rows: Vec<BTreeMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
                let one = |r: &BTreeMap<String, String>| {
                    (r["id"].clone(), (units(&r["price"], &r["decimals"]), units(&r["maximum"], &r["decimals"])))
                };
                rows.iter().map(one).collect()
            }
            _ => {
                let rows: Vec<serde_json::Value> = match format {
                    ExportFormat::Json => serde_json::from_str(&text).unwrap(),
                    _ => text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
                };
                let one = |r: &serde_json::Value| {
                    let amount = |name: &str| units(r[name].as_str().unwrap(), &r["decimals"].to_string());
                    (r["id"].as_str().unwrap().to_owned(), (amount("price"), amount("maximum")))
                };
                rows.iter().map(one).collect()
            }
        };
        assert_eq!(told, expected, "{name}");
        // The stream for a pipe has the same bytes, but for the mark by which spreadsheets know a file's encoding.
        let mut pieces = desk.stream_export(filter, format).await.unwrap();
        let (mut streamed, mut told_rows) = (Vec::new(), 0);
        while let Some(piece) = pieces.recv().await {
            let piece = piece.unwrap();
            (told_rows, streamed) = (piece.rows, [streamed, piece.bytes].concat());
        }
        assert_eq!(streamed, text.trim_start_matches('\u{feff}').as_bytes(), "{name}");
        assert_eq!((told_rows, text.starts_with(view::export::mark(format))), (4, true), "{name}");
    }
}

/// A ledger with many rows under a wallet that nobody unlocks.
async fn large(dir: &std::path::Path, rows: u64) -> Desk {
    ledger::Ledger::open(&dir.join("ledger.db")).unwrap().fill(rows, |_, _| ()).unwrap();
    let mut options = wallet::Options::new(dir, "devnet");
    options.nile = Some("http://127.0.0.1:1".to_owned().into());
    let clock = wallet::HandClock::at(ledger::END);
    options.clock = std::sync::Arc::new(clock);
    Desk::new(wallet::Wallet::open(options).await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_is_cancelled_or_overtaken_by_the_end_leaves_no_file() {
    let (dir, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let desk = large(dir.path(), 3_000).await;
    let names = || std::fs::read_dir(out.path()).unwrap().map(|e| e.unwrap().file_name()).collect::<Vec<_>>();
    let input = |name: &str| ExportInput {
        filter: FilterView { oldest_first: true, ..FilterView::default() },
        format: ExportFormat::Csv,
        path: out.path().join(name).display().to_string(),
        replace: false,
    };
    let state = desk.start_export(input("cancelled.csv")).await.unwrap();
    desk.cancel_export(&state.id).unwrap();
    let ends = async {
        loop {
            match desk.export(&state.id).unwrap() {
                state if state.done => return state,
                _ => tokio::task::yield_now().await,
            }
        }
    };
    let state = tokio::time::timeout(PATIENCE, ends).await.unwrap();
    assert!(state.cancelled || names() == ["cancelled.csv"], "{state:?}");
    assert_eq!(names().len(), usize::from(!state.cancelled), "no half file");
    let _ = std::fs::remove_file(out.path().join("cancelled.csv"));

    let state = desk.start_export(input("closed.csv")).await.unwrap();
    desk.wallet().close().await;
    let state = desk.export(&state.id).unwrap();
    assert!(state.done, "closing waits for it");
    assert_eq!(names().len(), usize::from(!state.cancelled), "no half file");

    // A pipe whose reader goes away ends the export, too: closing does not wait for a reader.
    let dir = tempfile::tempdir().unwrap();
    let desk = large(dir.path(), 3_000).await;
    let mut pieces = desk.stream_export(FilterView::default(), ExportFormat::Csv).await.unwrap();
    assert!(pieces.recv().await.unwrap().is_ok());
    drop(pieces);
    tokio::time::timeout(PATIENCE, desk.wallet().close()).await.expect("it closes");
}

async fn ended(desk: &Desk, mut state: view::UpkeepView) -> view::UpkeepView {
    let ends = async {
        while !state.done {
            tokio::task::yield_now().await;
            state = desk.upkeep(&state.id).unwrap();
        }
        state
    };
    tokio::time::timeout(PATIENCE, ends).await.expect("it ends")
}

#[tokio::test(flavor = "multi_thread")]
async fn old_payments_go_the_totals_stay_and_the_file_shrinks() {
    let dir = tempfile::tempdir().unwrap();
    let desk = large(dir.path(), 3_000).await;
    let totals = async |by: &[TotalsBy]| {
        desk.totals(TotalsInput {
            by: by.to_vec(),
            filter: FilterView { time_zone: Some("Asia/Shanghai".to_owned()), ..FilterView::default() },
        })
        .await
        .unwrap()
    };
    let kinds = [vec![TotalsBy::Month, TotalsBy::Token], vec![TotalsBy::Site], vec![TotalsBy::App, TotalsBy::Month]];
    let mut before = Vec::new();
    for by in &kinds {
        before.push(totals(by).await.totals);
    }
    assert!(before[0].len() > 24 && before[1].len() > 100 && before[2].len() > 100);
    let sum = |list: &[view::TotalView]| {
        let own = list.iter().filter(|t| t.network == list[0].network && t.token == list[0].token);
        own.fold(0u128, |sum, t| sum + t.amount.smallest.parse::<u128>().unwrap())
    };
    let input =
        |dry_run| PruneInput { older_than: "1y".to_owned(), site_key: None, noted: true, dry_run, time_zone: None };
    let counted = ended(&desk, desk.start_prune(input(true)).await.unwrap()).await;
    let removed = ended(&desk, desk.start_prune(input(false)).await.unwrap()).await;
    assert!(removed.removed > 1_000);
    assert_eq!((counted.removed, counted.kept), (removed.removed, removed.kept));
    for (by, before) in kinds.iter().zip(&before) {
        let after = totals(by).await;
        assert_eq!(after.totals, *before);
        assert_eq!(sum(&after.totals), sum(before));
        assert_eq!(after.removed.unwrap().payments, removed.removed);
    }
    let young = PruneInput { older_than: "10d".to_owned(), ..input(true) };
    assert_eq!(desk.start_prune(young).await.unwrap_err().field.as_deref(), Some("olderThan"));
    let vacuum = ended(&desk, desk.start_vacuum().await.unwrap()).await;
    let bytes = |text: &Option<String>| text.as_deref().unwrap().parse::<u64>().unwrap();
    assert!(bytes(&vacuum.bytes) < bytes(&vacuum.bytes_before), "{vacuum:?}");
    assert_eq!(vacuum.failure, None);
    desk.wallet().close().await;
}
