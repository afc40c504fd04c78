//! Several processes on one ledger: races to a limit, kills in the middle, files that can't be written. The
//! test starts itself again as the other process (`child`).
//!
//! `LEDGER_ROUNDS` and `LEDGER_KILLS` raise the counts; the full figures are 100 rounds of 2 × 1,000
//! (`LEDGER_TRIES=1000`) and 1,000 kills.

#![cfg(test)]

#[allow(dead_code)]
mod common;

use common::*;
use ledger::{
    Delivery, End, Entered, Filter, Ledger, LedgerError, Page, Payment, PaymentId, Settled, State, StorageKind,
};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tron::Amount;

const ROLE: &str = "LEDGER_TEST_ROLE";
const FILE: &str = "LEDGER_TEST_FILE";

fn count(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

/// This test program as another process in a role.
fn other(program: &Path, role: &str, file: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(["child", "--exact", "--nocapture", "--test-threads=1"]);
    command.env(ROLE, role).env(FILE, file).env("RUST_BACKTRACE", "0");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

fn start(role: &str, file: &Path) -> Child {
    other(&std::env::current_exe().unwrap(), role, file).spawn().unwrap()
}

/// The lines that a child says, without those of the test harness.
fn said(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let out = BufReader::new(child.stdout.take().unwrap());
    // The harness may have begun the line.
    out.lines().map_while(Result::ok).filter_map(|line| line.find("> ").map(|at| line[at + 2..].to_owned()))
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "> {line}").unwrap();
    out.flush().unwrap();
}

/// Not a test by itself: what the other process does.
#[test]
fn child() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let file = PathBuf::from(std::env::var(FILE).unwrap());
    match role.as_str() {
        "racer" => race(&file),
        "busy" => live(&Ledger::open(&file).unwrap()),
        "cramped" => fill_up(&Ledger::open(&file).unwrap()),
        "crammed" => sign_until_full(&Ledger::open(&file).unwrap()),
        "stranger" => say(&format!("{:?}", kind(Ledger::open(&file)))),
        other => panic!("{other}"),
    }
}

fn kind<T>(outcome: Result<T, LedgerError>) -> Option<StorageKind> {
    match outcome {
        Err(LedgerError::Storage { kind, .. }) => Some(kind),
        _ => None,
    }
}

const PRICE: u64 = 7;

/// Reserves from eight threads as fast as it can, once it is told to.
fn race(file: &Path) {
    let ledger = Ledger::open(file).unwrap();
    let (tries, limit) = (count("LEDGER_TRIES", 200), limit());
    say("ready");
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    let reserved: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|thread| {
                let ledger = &ledger;
                let share = tries / 8 + usize::from(thread < tries % 8);
                scope.spawn(move || {
                    let judge = || up_to(limit, units(PRICE));
                    let judged = |n: usize| {
                        // Every other one on the short way; what it does not allow leaves no row there.
                        let short =
                            n.is_multiple_of(2).then(|| enter_allowed(ledger, &plan(units(PRICE)), NOW, judge()));
                        short.flatten().unwrap_or_else(|| enter(ledger, &plan(units(PRICE)), NOW, judge()))
                    };
                    (0..share).map(judged).filter(|p| p.state == State::Reserved).count()
                })
            })
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).sum()
    });
    say(&reserved.to_string());
}

/// Room for half of all tries.
fn limit() -> u64 {
    PRICE * count("LEDGER_TRIES", 200) as u64
}

#[test]
fn two_processes_fill_a_limit_exactly_and_never_pass_it() {
    for _ in 0..count("LEDGER_ROUNDS", 3) {
        let folder = Folder::new();
        drop(folder.ledger());
        let mut racers = [start("racer", &folder.file()), start("racer", &folder.file())];
        let mut lines: Vec<_> = racers.iter_mut().map(said).collect();
        for line in &mut lines {
            assert_eq!(line.next().as_deref(), Some("ready"));
        }
        // Both wait at the line; closing their input is the shot.
        racers.iter_mut().for_each(|racer| drop(racer.stdin.take()));
        let reserved: Vec<u64> = lines.iter_mut().map(|line| line.next().unwrap().parse().unwrap()).collect();
        for racer in &mut racers {
            assert!(racer.wait().unwrap().success());
        }
        assert_eq!(reserved.iter().sum::<u64>() * PRICE, limit(), "{reserved:?}");
        let ledger = folder.ledger();
        assert_eq!(spending(&ledger, NOW).app_day, units(limit()));
        assert_eq!(ledger.app(&shop()).unwrap().unwrap().payments, limit() / PRICE, "a question is no payment");
    }
}

/// Lives on and says each step once it is durable.
fn live(ledger: &Ledger) {
    let tell = |step: &str, payment: &Payment| say(&format!("{step} {}", payment.id));
    for n in 0i64.. {
        let now = NOW.plus_ms(n * MINUTE / 4);
        // What a person approved can be cancelled before it is signed.
        let payment = if n % 3 == 0 || n % 4 == 0 {
            let asked = enter(ledger, &plan(units(PRICE)), now, ask);
            tell("asked", &asked);
            approve(ledger, &asked, NOW)
        } else if n % 2 == 0 {
            enter(ledger, &plan(units(PRICE)), now, allow)
        } else {
            enter_allowed(ledger, &plan(units(PRICE)), now, allow).unwrap()
        };
        tell("reserved", &payment);
        if n % 4 == 0 {
            tell("cancelled", &ledger.end(payment.id, &End::Cancelled, now).unwrap());
            continue;
        }
        if n % 2 == 0 || payment.by_person {
            tell("signed", &ledger.signed(payment.id, "n", "v", now).unwrap());
        } else {
            // Durable with the next step, and nothing that anybody is told.
            ledger.sign_allowed(&payment, "n", "v", now).unwrap();
        }
        let tx = Settled::Final { tx: Some("ab".into()), block: Some(1) };
        match n % 5 {
            0 => tell("final", &ledger.settlement(payment.id, &tx, Some(units(5)), now).unwrap()),
            1 => {
                let after = NOW.plus_ms(HOUR * 24 * 365);
                tell("never used", &ledger.settlement(payment.id, &Settled::NeverUsed, None, after).unwrap());
            }
            2 => tell("delivered", &ledger.delivery(payment.id, Delivery::Delivered, None, None, now).unwrap()),
            _ => {}
        }
    }
}

/// How far a step brings a payment; a row may be further than what was said, never less far.
fn far(step: &str) -> u8 {
    match step {
        "asked" => 0,
        "reserved" => 1,
        "signed" | "cancelled" => 2,
        _ => 3,
    }
}

fn reached(p: &Payment) -> u8 {
    let later = p.delivery == Some(Delivery::Delivered) || p.settlement.as_ref().is_some_and(|s| s.name() != "unknown");
    match p.state {
        State::Asked => far("asked"),
        State::Reserved => far("reserved"),
        State::Signed if later => far("final"),
        _ => far("signed"),
    }
}

fn all_rows(ledger: &Ledger) -> Vec<Payment> {
    let (mut rows, mut page) = (Vec::new(), Page::first(1000));
    loop {
        let part = ledger.payments(&Filter::default(), page).unwrap();
        rows.extend(part.rows.into_iter().map(|row| row.payment));
        match part.next {
            Some(next) => page.after = Some(next),
            None => return rows,
        }
    }
}

#[test]
fn a_kill_at_any_moment_loses_nothing_and_doubles_nothing() {
    let folder = Folder::new();
    drop(folder.ledger());
    let mut told: BTreeMap<PaymentId, u8> = BTreeMap::new();
    let kills = count("LEDGER_KILLS", 30);
    for round in 0..kills {
        let mut victim = start("busy", &folder.file());
        let mut lines = said(&mut victim);
        let mut hear = |line: String| {
            let (step, id) = line.rsplit_once(' ').unwrap();
            let known = told.entry(id.parse().unwrap()).or_default();
            *known = (*known).max(far(step));
        };
        // A different number of steps each time; the victim goes on while the signal travels.
        for _ in 0..1 + (round * 7) % 41 {
            hear(lines.next().unwrap());
        }
        victim.kill().unwrap();
        lines.for_each(&mut hear);
        victim.wait().unwrap();
    }
    let ledger = folder.ledger();
    let rows = all_rows(&ledger);
    for (id, step) in &told {
        let row = rows.iter().find(|p| p.id == *id).unwrap_or_else(|| panic!("{id} was lost"));
        assert!(reached(row) >= *step, "{id} fell back to {:?}", row.state);
    }
    assert!(rows.len() <= told.len() + kills, "at most one unsaid row for each kill");
    let sum = |counts: &dyn Fn(&Payment) -> Amount| rows.iter().fold(Amount::ZERO, |s, p| s.saturating_add(counts(p)));
    let total = &ledger.totals().unwrap()[0];
    let left =
        sum(&|p| if p.settlement.as_ref().is_some_and(|s| s.name() == "final") { units(5) } else { Amount::ZERO });
    let open = |p: &Payment| p.state == State::Reserved || p.settlement.as_ref().is_some_and(|s| s.name() == "unknown");
    assert_eq!(total.settled, left, "sums moved with their rows");
    assert_eq!(total.open, sum(&|p| if open(p) { units(PRICE) } else { Amount::ZERO }));
    assert_eq!(ledger.unfinished().unwrap().len(), rows.iter().filter(|p| open(p)).count());
    let unused = |p: &&Payment| p.settlement.as_ref().is_some_and(|s| s.name() == "never used");
    let counted = rows.iter().filter(|p| matches!(p.state, State::Reserved | State::Signed) && !unused(p)).count();
    assert_eq!(ledger.app(&shop()).unwrap().unwrap().payments, counted as u64);
}

/// Enters payments until the file may not grow any more.
fn fill_up(ledger: &Ledger) {
    let document = "x".repeat(10_000);
    let attempt = || {
        let (plan, id) = (plan(units(PRICE)), PaymentId::fresh(NOW));
        let nonce = id.to_string();
        let entry = ledger::Entry { document: &document, ..entry(&plan, id, &nonce) };
        ledger.enter(&entry, NOW, allow)
    };
    let failure = loop {
        match attempt() {
            Ok(Entered::New(payment, _)) => say(&payment.id.to_string()),
            Ok(other) => panic!("{other:?}"),
            Err(error) => break error,
        }
    };
    assert!(matches!(kind::<()>(Err(failure)), Some(StorageKind::Io | StorageKind::Full)));
    // It does not come round by itself: what the system says about the file can't be trusted any more.
    assert!(matches!(kind(attempt()), Some(StorageKind::Io | StorageKind::Full)));
    assert!(ledger.unfinished().is_ok(), "reading goes on");
    say("stopped");
}

/// A limit allows payments and they are signed, until the file may not grow any more.
fn sign_until_full(ledger: &Ledger) {
    let document = "x".repeat(2_000);
    let mut signed = 0;
    loop {
        let (plan, id) = (plan(units(PRICE)), PaymentId::fresh(NOW));
        let nonce = id.to_string();
        let entry = ledger::Entry { document: &document, ..entry(&plan, id, &nonce) };
        let Ok(Some(Entered::New(payment, _))) = ledger.enter_allowed(&entry, NOW, allow) else { break };
        ledger.sign_allowed(&payment, "n", "v", NOW).unwrap();
        signed += 1;
        // Listed, read and handed to an export, whether it could be put in its place or not.
        let found = ledger.payments(&ledger::Filter::default(), ledger::Page::first(1)).unwrap().rows;
        assert_eq!((found[0].payment.id, found[0].payment.state), (id, State::Signed));
        assert_eq!(ledger.payment(id).unwrap().unwrap().state, State::Signed);
        assert_eq!(ledger.papers(id).unwrap().header_value.as_deref(), Some("v"));
        let mut exported = 0;
        let count = |_| -> Result<bool, LedgerError> {
            exported += 1;
            Ok(true)
        };
        ledger.every_payment(&ledger::Filter::default(), true, count).unwrap();
        assert_eq!(exported, signed);
        if ledger.place_waiting().is_err() {
            say("listed although it has no room");
        }
    }
    say("full");
}

#[cfg(unix)]
#[test]
fn what_was_signed_is_listed_although_nothing_can_be_written_any_more() {
    // At one of these sizes a payment is taken in that has no room in its place.
    let hit = (300..420).step_by(4).any(|blocks| {
        let folder = Folder::new();
        drop(folder.ledger());
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let inner = other(&std::env::current_exe().unwrap(), "crammed", &folder.file());
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &script]).arg(inner.get_program()).args(inner.get_args());
        command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut crammed = command.spawn().unwrap();
        let lines: Vec<String> = said(&mut crammed).collect();
        assert!(crammed.wait().unwrap().success(), "{blocks}: {lines:?}");
        assert_eq!(lines.last().map(String::as_str), Some("full"), "{blocks}");
        lines.len() > 1
    });
    assert!(hit, "no size was tight enough");
}

#[cfg(unix)]
#[test]
fn a_write_that_fails_stops_the_ledger_and_loses_no_row() {
    for blocks in [600, 900, 1500] {
        let folder = Folder::new();
        drop(folder.ledger());
        // The limit's signal is ignored, so that the write itself fails.
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let inner = other(&std::env::current_exe().unwrap(), "cramped", &folder.file());
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &script]).arg(inner.get_program()).args(inner.get_args());
        command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut cramped = command.spawn().unwrap();
        let mut lines: Vec<String> = said(&mut cramped).collect();
        assert!(cramped.wait().unwrap().success(), "{blocks}: {lines:?}");
        assert_eq!(lines.pop().as_deref(), Some("stopped"));
        assert!(!lines.is_empty(), "some fitted");
        let rows: Vec<String> = folder.ledger().unfinished().unwrap().iter().map(|p| p.id.to_string()).collect();
        assert_eq!(rows, lines, "{blocks}: what was said is there, what failed is not");
    }
}

#[cfg(unix)]
#[test]
fn a_folder_or_file_of_someone_else_is_refused() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;
    let folder = Folder::new();
    let root = folder.dir.path();
    let mode = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    let is_root = std::fs::metadata(root).unwrap().uid() == 0;
    drop(folder.ledger());
    let empty = root.join("empty");
    std::fs::create_dir(&empty).unwrap();
    // Root may write anywhere: there the child becomes nobody, with a copy of this program that it may run.
    let program = root.join("program");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    mode(&program, 0o755);
    mode(&empty, 0o555);
    mode(&folder.file(), if is_root { 0o600 } else { 0o400 });
    mode(root, 0o555);
    for file in [folder.file(), empty.join("ledger.sqlite")] {
        let mut command = other(&program, "stranger", &file);
        if is_root {
            command.uid(65534).gid(65534);
        }
        let mut stranger = command.spawn().unwrap();
        let lines: Vec<String> = said(&mut stranger).collect();
        assert!(stranger.wait().unwrap().success());
        assert_eq!(lines, ["Some(Permission)"], "{}", file.display());
    }
    mode(root, 0o755);
    mode(&empty, 0o755);
}
