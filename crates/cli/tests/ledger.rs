//! The record at the command line: totals, filters, exports into files and pipes, removing what is old. On ledgers that
//! hold as many payments as two years of use.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

fn home(rows: u64) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    ledger::Ledger::open(&dir.path().join("ledger.db")).unwrap().fill(rows, |_, _| ()).unwrap();
    dir
}

const PASSPHRASE: &str = "correct horse battery";

/// The same with a wallet, whose passphrase proves that its owner wants something.
fn owned_home(rows: u64) -> TempDir {
    let dir = home(rows);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut options = wallet::Options::new(dir.path(), "devnet");
        (options.nile, options.cost) = (Some("http://127.0.0.1:1".to_owned().into()), wallet::Cost::floor());
        let wallet = wallet::Wallet::open(options).await.unwrap();
        let words = format!("{}about", "abandon ".repeat(11));
        wallet.import_words(&words, wallet::Passphrase::new(PASSPHRASE.to_owned())).await.unwrap();
        wallet.close().await;
    });
    dir
}

fn start(dir: &Path, arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.arg("ledger").args(arguments).arg("--data-dir").arg(dir).args(["--profile", "devnet"]).env_clear();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Status, output and what stood beside it.
fn run(dir: &Path, arguments: &[&str], input: &str) -> (i32, String, String) {
    let mut child = start(dir, arguments);
    // A command that needs no input may be gone already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn json(dir: &Path, arguments: &[&str]) -> Value {
    let (status, out, err) = run(dir, &[arguments, &["--json"]].concat(), "");
    assert_eq!(status, 0, "{err}");
    serde_json::from_str(&out).unwrap()
}

fn json_given(dir: &Path, arguments: &[&str], input: &str) -> Value {
    let (status, out, err) = run(dir, &[arguments, &["--json"]].concat(), input);
    assert_eq!(status, 0, "{err}");
    serde_json::from_str(&out).unwrap()
}

fn lines(dir: &Path) -> usize {
    let (status, out, err) = run(dir, &["export", "-f", "jsonl", "-"], "");
    assert_eq!(status, 0, "{err}");
    out.lines().count()
}

#[test]
fn what_is_old_is_counted_asked_about_and_removed_and_the_totals_stay() {
    let home = owned_home(2_000);
    let dir = home.path();
    let totals = || json(dir, &["totals", "--by", "month,site", "--time-zone", "Asia/Shanghai"])["totals"].clone();
    let before = totals();
    assert!(before.as_array().unwrap().len() > 100);
    let old = ["prune", "--older-than", "2025-11-25", "--time-zone", "UTC"];
    let counted = json(dir, &[&old[..], &["--dry-run"]].concat());
    let removed = counted["removed"].as_u64().unwrap();
    assert!(removed > 500);
    let (status, out, err) = run(dir, &old, "no\n");
    assert_eq!(status, 3, "{err}");
    assert!(
        out.contains(&format!("{removed} entries before 2025-11-25 00:00:00 go"))
            && err.contains("Nothing was removed")
    );
    assert_eq!(lines(dir), 2_000);
    assert_eq!(run(dir, &old, "").0, 1, "nobody there to say yes");
    for wrong in ["yes\n", "yes\nnot the right one\n"] {
        assert_ne!(run(dir, &old, wrong).0, 0, "it takes the passphrase");
    }
    assert_eq!(lines(dir), 2_000);
    let (status, out, err) = run(dir, &old, &format!("yes\n{PASSPHRASE}\n"));
    assert_eq!((status, out.contains(&format!("{removed} entries removed"))), (0, true), "{out}{err}");
    assert_eq!(lines(dir) as u64, 2_000 - removed);
    assert_eq!(totals(), before);
    let (_, _, err) = run(dir, &["totals"], "");
    assert!(err.contains(&format!("include {removed} payments up to 2025-11-")), "{err}");
    // What has a note or a tag stays until it is said.
    let proved = format!("{PASSPHRASE}\n");
    let more = json_given(dir, &[&old[..], &["--noted", "--yes"]].concat(), &proved);
    assert!(more["removed"].as_u64().unwrap() > 0);
    let size = || std::fs::metadata(dir.join("ledger.db")).unwrap().len();
    let large = size();
    assert_ne!(run(dir, &["vacuum"], "").0, 0, "so does that");
    let vacuum = json_given(dir, &["vacuum"], &proved);
    assert_eq!(vacuum["failure"], Value::Null);
    assert!(size() < large && vacuum["bytesBefore"] != vacuum["bytes"]);
    let (status, _, err) = run(dir, &["prune", "--older-than", "3h"], "");
    assert_eq!(status, 2);
    assert!(err.contains("--older-than") && err.contains("90d"), "{err}");
}

#[test]
fn filters_and_tables_say_what_the_rows_say() {
    let home = home(2_000);
    let dir = home.path();
    let page = |filter: &[&str]| json(dir, filter)["payments"].as_array().unwrap().clone();
    let every = |rows: Vec<Value>, field: &str, value: &str| {
        assert!(!rows.is_empty() && rows.iter().all(|row| row[field] == value), "{field} {value}: {rows:?}");
    };
    every(page(&["--settlement", "unknown"]), "settlement", "unknown");
    every(page(&["--settlement", "never-used"]), "settlement", "neverUsed");
    every(page(&["--delivery", "refused"]), "delivery", "refusedBySeller");
    assert!(page(&["--scheme", "nothing"]).is_empty());
    let scheme =
        page(&["--scheme", "exact_gasfree", "--since", "2026-01-01", "--until", "2026-03-31", "--token", "USDD"]);
    assert!(scheme.iter().all(|row| row["at"].as_str().unwrap().starts_with("2026-0")));
    // Chinese names take two columns a character, and what follows stands in one line all the same.
    let (status, out, err) = run(dir, &["totals", "--by", "app", "--token", "USDD"], "");
    assert_eq!(status, 0, "{err}");
    assert!(out.contains("小助手"), "{out}");
    let width = |line: &str, end: usize| line[..end].chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum::<usize>();
    let at: Vec<usize> = out.lines().map(|line| width(line, line.find("USDD").unwrap())).collect();
    let starts: Vec<usize> =
        out.lines().map(|line| width(line, line.find(|c: char| c.is_ascii_digit()).unwrap())).collect();
    assert!(at.len() > 3 && starts.iter().all(|start| *start == starts[0]), "{out}");
    let (status, _, err) = run(dir, &["totals", "--by", "app", "--search", "weather"], "");
    assert_eq!(status, 1, "sums know nothing of words: {err}");
}

#[test]
fn an_export_goes_through_a_pipe_and_stops_when_nobody_reads() {
    let home = home(5_000);
    let dir = home.path();
    let (status, out, err) = run(dir, &["export", "-"], "");
    assert_eq!((status, err.as_str()), (0, ""));
    assert!(out.lines().count() > 5_000 && out.starts_with("id,at,app,"));
    let mut child = start(dir, &["export", "-f", "jsonl", "-o", "-"]);
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    assert!(serde_json::from_str::<Value>(&line).unwrap()["id"].is_string());
    drop(reader);
    assert!(child.wait().unwrap().success(), "like | head");
}

/// The names in a folder.
fn names(dir: &Path) -> Vec<String> {
    std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
}

#[cfg(unix)]
#[test]
fn an_export_that_is_interrupted_or_killed_leaves_nothing_that_looks_finished() {
    let home = home(12_000);
    let out = tempfile::tempdir().unwrap();
    let target = out.path().join("all.csv");
    let name = target.display().to_string();
    for signal in ["-KILL", "-INT"] {
        let mut child = start(home.path(), &["export", &name]);
        // Until it writes.
        while names(out.path()).is_empty() && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        let pid = child.id().to_string();
        let _ = Command::new("kill").args([signal, &pid]).status().unwrap();
        child.wait().unwrap();
        let whole = std::fs::read_to_string(&target).is_ok_and(|text| csv_rows(&text) == 12_000);
        assert!(whole || !target.exists(), "{signal}: half a file has the name of a whole one");
        assert!(signal == "-KILL" || whole || names(out.path()).is_empty(), "{signal}: {:?}", names(out.path()));
        for left in names(out.path()) {
            std::fs::remove_file(out.path().join(left)).unwrap();
        }
    }
    std::fs::write(out.path().join("all.csv.part"), "id,at\nhalf").unwrap();
    let (status, _, err) = run(home.path(), &["export", &name], "");
    assert_eq!(status, 0, "{err}");
    assert_eq!(names(out.path()), ["all.csv"], "what a crash left was written over");
    assert_eq!(csv_rows(&std::fs::read_to_string(&target).unwrap()), 12_000);
}

/// Rows begin with an id; some have line breaks in their cells.
fn csv_rows(text: &str) -> usize {
    text.lines().skip(1).filter(|line| line.split(',').nth(1).is_some_and(|at| at.contains('T'))).count()
}
