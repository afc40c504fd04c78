//! How many payments a second are exported, as CSV and as JSON, from ledgers of several sizes. Prints `figure` lines;
//! asserts only that the rows came. `COUNTERSIGN_ROWS=1000000,10000000` chooses the sizes (100,000 and 1,000,000 when
//! absent), `COUNTERSIGN_KEEP=/folder` uses and keeps `/folder/<rows>.db`, as the ledger's own benchmark does.
//! At most half a million rows are read of each, all of them with `COUNTERSIGN_WHOLE=1`.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, clippy::float_arithmetic)]

use std::path::PathBuf;
use std::time::Instant;
use view::{Desk, ExportFormat, FilterView};

fn main() {
    let sizes = std::env::var("COUNTERSIGN_ROWS").unwrap_or_else(|_| "100000,1000000".to_owned());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    for size in sizes.split(',').filter_map(|n| n.trim().parse().ok()) {
        runtime.block_on(exports(size));
    }
}

/// A profile's folder around the filled ledger of that size.
fn profile(size: u64) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let kept = std::env::var_os("COUNTERSIGN_KEEP").map(|kept| PathBuf::from(kept).join(format!("{size}.db")));
    let kept = kept.map(|path| std::path::absolute(path).unwrap());
    let path = kept.clone().unwrap_or_else(|| folder.path().join("ledger.db"));
    if !path.exists() {
        let part = path.with_extension("part");
        ledger::Ledger::open(&part).unwrap().fill(size, |_, _| ()).unwrap();
        std::fs::rename(&part, &path).unwrap();
    }
    #[cfg(unix)]
    if let Some(kept) = kept {
        std::os::unix::fs::symlink(kept, folder.path().join("ledger.db")).unwrap();
    }
    folder
}

async fn exports(size: u64) {
    let folder = profile(size);
    let mut options = wallet::Options::new(folder.path(), "devnet");
    // Nobody listens there: nothing is looked up.
    options.nile = Some("http://127.0.0.1:1".to_owned().into());
    let wallet = wallet::Wallet::open(options).await.unwrap();
    let desk = Desk::new(wallet);
    let most = if std::env::var_os("COUNTERSIGN_WHOLE").is_some() { u64::MAX } else { 500_000 };
    for (name, format) in [("CSV", ExportFormat::Csv), ("JSON", ExportFormat::Json)] {
        let started = Instant::now();
        let filter = FilterView { oldest_first: true, ..FilterView::default() };
        let mut pieces = desk.stream_export(filter, format).await.unwrap();
        let (mut rows, mut bytes) = (0u64, 0u64);
        while let Some(piece) = pieces.recv().await {
            let piece = piece.unwrap();
            rows += piece.bytes.iter().filter(|b| **b == b'\n').count() as u64;
            bytes += piece.bytes.len() as u64;
            if rows >= most {
                break;
            }
        }
        drop(pieces);
        assert!(rows >= size.min(most), "{rows} lines of {size}");
        let seconds = started.elapsed().as_secs_f64();
        let digits = size.to_string();
        let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().map(|g| std::str::from_utf8(g).unwrap()).collect();
        let name = format!("export as {name}, {} rows", groups.join(","));
        eprintln!("{name}: {rows} lines, {} MB in {seconds:.1} s", bytes >> 20);
        let value = (rows as f64 / seconds).round();
        println!("figure {}", serde_json::json!({"group": "ledger", "name": name, "value": value, "unit": "rows/s"}));
    }
    desk.wallet().close().await;
}
