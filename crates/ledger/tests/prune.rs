//! Old payments go, the sums stay; what is not ended for good stays; a kill at any moment leaves whole steps. The
//! test starts itself again as the process that is killed (`child`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

#[allow(dead_code)]
mod common;

use common::*;
use ledger::{END, Filter, Ledger, LedgerError, Page, Prune, Settled, State};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

const ROWS: u64 = 4_000;

fn filled(file: &Path) -> Ledger {
    let ledger = Ledger::open(file).unwrap();
    ledger.fill(ROWS, |_, _| ()).unwrap();
    ledger
}

fn year_ago() -> Prune {
    Prune { before: END.plus_ms(-365 * DAY), site: None, noted: false }
}

/// To its end, in small steps; how many went and stayed.
fn prune(ledger: &Ledger, what: &Prune, mut between: impl FnMut()) -> (u64, u64) {
    let (mut from, mut sum) = (0, (0, 0));
    loop {
        let step = ledger.prune_more(what, from, 100, END).unwrap();
        sum = (sum.0 + step.removed, sum.1 + step.kept);
        between();
        match step.next {
            Some(next) => from = next,
            None => return sum,
        }
    }
}

fn all(ledger: &Ledger, filter: &Filter) -> Vec<ledger::Listed> {
    let mut rows = Vec::new();
    ledger
        .every_payment::<LedgerError>(filter, true, |row| {
            rows.push(row);
            Ok(true)
        })
        .unwrap();
    rows
}

#[test]
fn what_is_old_and_ended_goes_and_the_sums_stay() {
    let folder = Folder::new();
    let ledger = filled(&folder.file());
    let before = all(&ledger, &Filter::default());
    let filter = Filter { text: Some("weather".to_owned()), ..Filter::default() };
    let ids = |filter: &Filter| all(&ledger, filter).iter().map(|row| row.payment.id).collect::<Vec<_>>();
    let weather = ids(&filter);
    let (totals, sites) = (ledger.totals().unwrap(), ledger.sites().unwrap());
    let what = year_ago();
    let may_go = |row: &&ledger::Listed| {
        let p = &row.payment;
        let ended = match p.settlement.as_ref().map(|s| s.name()) {
            None => p.ended_at.is_some_and(|at| at < what.before),
            Some("final" | "never used") => p.settlement_at.is_some_and(|at| at < what.before),
            Some(_) => false,
        };
        p.entered_at < what.before && ended && row.note.is_none() && row.tags.is_empty()
    };
    let expected: Vec<_> = before.iter().filter(may_go).map(|row| row.payment.id).collect();
    assert!(expected.len() > 1_000 && expected.len() < before.len() / 2);

    let (mut from, mut counted) = (0, 0);
    while let Some(next) = {
        let step = ledger.prunable(&what, from, 100, END).unwrap();
        counted += step.removed;
        step.next
    } {
        from = next;
    }
    assert_eq!(counted, expected.len() as u64);
    assert_eq!(all(&ledger, &Filter::default()).len(), before.len(), "counting removes nothing");

    // Payments go on meanwhile.
    let mut entered = Vec::new();
    let (removed, kept) = prune(&ledger, &what, || {
        entered.push(enter_owner(&ledger));
    });
    assert_eq!((removed, kept > 0), (expected.len() as u64, true));
    assert!(entered.len() > 10);
    let after: Vec<_> = all(&ledger, &Filter::default()).into_iter().map(|row| row.payment.id).collect();
    let stay: Vec<_> = before.iter().map(|r| r.payment.id).filter(|id| !expected.contains(id)).collect();
    assert_eq!(after, [stay, entered.clone()].concat());
    let told = ledger.removed().unwrap().unwrap();
    assert_eq!(told.rows, removed);
    assert!(told.newest < what.before);
    for id in entered {
        ledger.end(id, &ledger::End::Unused, NOW.plus_ms(DAY)).unwrap();
    }
    assert_eq!(
        ledger.totals().unwrap().iter().map(|t| t.settled).collect::<Vec<_>>(),
        totals.iter().map(|t| t.settled).collect::<Vec<_>>()
    );
    assert_eq!(ledger.sites().unwrap().len(), sites.len() + 1);
    assert_the_books_balance(&folder.file());
    // The search finds what stayed, and nothing else.
    let left: Vec<_> = weather.into_iter().filter(|id| !expected.contains(id)).collect();
    assert_eq!(ids(&filter), left);
    // Again there is nothing to do.
    assert_eq!(prune(&ledger, &what, || ()).0, 0);
}

fn enter_owner(ledger: &Ledger) -> ledger::PaymentId {
    let plan = plan::Plan { app: plan::AppId::owner(), site: site("new.example"), ..plan(units(1)) };
    let id = ledger::PaymentId::fresh(END);
    ledger.enter(&entry(&plan, id, &id.to_string()), END, allow).unwrap();
    id
}

#[test]
fn what_has_a_note_goes_only_when_it_is_said_and_a_site_alone_if_named() {
    let folder = Folder::new();
    let ledger = filled(&folder.file());
    let site = all(&ledger, &Filter::default())[5].payment.plan.site.clone();
    let own = Filter { site: Some(site.clone()), until: Some(year_ago().before), ..Filter::default() };
    let others = ROWS as usize - all(&ledger, &Filter { site: Some(site.clone()), ..Filter::default() }).len();
    let here = Prune { site: Some(site.clone()), noted: true, ..year_ago() };
    let (removed, _) = prune(&ledger, &here, || ());
    assert!(removed > 0);
    assert!(all(&ledger, &own).iter().all(|row| !matches!(row.payment.state, State::Refused | State::Rejected)));
    assert_eq!(
        all(&ledger, &Filter::default()).len() - all(&ledger, &Filter { site: Some(site), ..Filter::default() }).len(),
        others
    );
    assert_eq!(prune(&ledger, &Prune { site: Some(common::site("never.example")), ..year_ago() }, || ()), (0, 0));
    let noted = |ledger: &Ledger| {
        all(ledger, &Filter::default()).iter().filter(|r| r.note.is_some() || !r.tags.is_empty()).count()
    };
    let before = noted(&ledger);
    prune(&ledger, &year_ago(), || ());
    assert_eq!(noted(&ledger), before, "a person's words keep a payment");
    prune(&ledger, &Prune { noted: true, ..year_ago() }, || ());
    assert!(noted(&ledger) < before);
    assert_the_books_balance(&folder.file());
}

#[test]
fn nothing_young_or_open_is_removed() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    let ask_for = |yes: bool| {
        let id = ledger::PaymentId::fresh(NOW);
        ledger.enter(&entry(&plan(units(5)), id, &id.to_string()), NOW, if yes { allow } else { ask }).unwrap();
        id
    };
    let asked = ask_for(false);
    let reserved = ask_for(true);
    let [unknown, seen, failed, never, done] = [0; 5].map(|_| {
        let id = ask_for(true);
        ledger.signed(id, "n", "v", NOW).unwrap();
        id
    });
    let tx = || Some("ab".repeat(32));
    let later = NOW.plus_ms(DAY);
    ledger.settlement(seen, &Settled::Seen { tx: Some("cd".repeat(32)) }, None, NOW).unwrap();
    ledger.seller_said(failed, Some("so it says"), NOW).unwrap();
    ledger.settlement(done, &Settled::Final { tx: tx(), block: Some(1) }, None, NOW).unwrap();
    ledger.settlement(never, &Settled::NeverUsed, None, later).unwrap();
    let newest = ask_for(false);
    ledger.end(newest, &ledger::End::Cancelled, later).unwrap();
    let year = later.plus_ms(365 * DAY);
    let before = |days: i64| Prune { before: year.plus_ms(-days * DAY), site: None, noted: true };
    assert!(matches!(ledger.prune_more(&before(30), 0, 100, year), Err(LedgerError::TooYoung { .. })));
    let totals = ledger.totals().unwrap();
    let step = ledger.prune_more(&before(31), 0, 100, year).unwrap();
    assert_eq!((step.removed, step.next), (2, None), "the settled one and the one that was never used");
    let left: Vec<_> = all(&ledger, &Filter::default()).iter().map(|r| r.payment.id).collect();
    assert_eq!(
        left,
        [asked, reserved, unknown, seen, failed, newest],
        "the newest row keeps its key from being given again"
    );
    assert_eq!(ledger.totals().unwrap(), totals);
    assert_eq!(ledger.open_questions().unwrap().len(), 1);
    assert_eq!(ledger.unfinished().unwrap().len(), 4);
    assert_the_books_balance(&folder.file());
}

#[test]
fn space_is_given_back_in_steps() {
    let folder = Folder::new();
    let ledger = filled(&folder.file());
    prune(&ledger, &Prune { before: END.plus_ms(-40 * DAY), site: None, noted: true }, || ());
    while ledger.tidy_index().unwrap() {}
    let before = ledger.space().unwrap();
    assert!(before.free > before.file / 3, "{before:?}");
    let (mut left, mut steps) = (before, 0);
    while left.free > 0 {
        let next = ledger.give_back(64).unwrap();
        assert!(next.free < left.free);
        enter_owner(&ledger);
        (left, steps) = (next, steps + 1);
    }
    assert!(steps > 3);
    assert!(left.file < before.file / 2, "{before:?} {left:?}");
    assert_the_books_balance(&folder.file());
    let filter = Filter { text: Some("weather".to_owned()), ..Filter::default() };
    assert!(!ledger.payments(&filter, Page::first(10)).unwrap().rows.is_empty());
}

const ROLE: &str = "LEDGER_TEST_PRUNER";

/// Not a test by itself: prunes, indexes and gives space back as fast as it can, and says each step before it.
#[test]
fn child() {
    let Ok(file) = std::env::var(ROLE) else { return };
    let ledger = Ledger::open(Path::new(&file)).unwrap();
    let say = |line: &str| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "> {line}").unwrap();
        out.flush().unwrap();
    };
    let mut from = 0;
    loop {
        say("prune");
        let step = ledger.prune_more(&Prune { noted: true, ..year_ago() }, from, 40, END).unwrap();
        from = step.next.unwrap_or(0);
        say("enter");
        enter_owner(&ledger);
        say("index");
        ledger.index_more(3).unwrap();
        say("tidy");
        ledger.tidy_index().unwrap();
        ledger.give_back(5).unwrap();
    }
}

#[test]
fn a_kill_while_pruning_indexing_and_giving_back_leaves_whole_steps() {
    let folder = Folder::new();
    drop(filled(&folder.file()));
    let kills = std::env::var("LEDGER_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(12);
    for round in 0..kills {
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args(["child", "--exact", "--nocapture", "--test-threads=1"])
            .env(ROLE, folder.file())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(victim.stdout.take().unwrap()).lines().map_while(Result::ok);
        // Another step each time; the victim goes on while the signal travels.
        let said = lines.filter(|line| line.contains("> ")).take(1 + (round * 7) % 23).count();
        victim.kill().unwrap();
        victim.wait().unwrap();
        assert_eq!(said, 1 + (round * 7) % 23, "it lived until then");
        assert_the_books_balance(&folder.file());
    }
    let ledger = Ledger::open(&folder.file()).unwrap();
    assert!(ledger.removed().unwrap().unwrap().rows > 0);
    prune(&ledger, &Prune { noted: true, ..year_ago() }, || ());
    while ledger.index_more(500).unwrap() > 0 {}
    assert_the_books_balance(&folder.file());
    let old = Filter { until: Some(year_ago().before), states: vec![State::Refused], ..Filter::default() };
    assert!(all(&ledger, &old).is_empty());
}
