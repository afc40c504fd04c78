//! Every stored case through every body, and changes of it through the one that it was written for.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use stories::Dice;
use stories::cases::{self, Case, changed};
use stories::hostile::{TARGETS, body};

/// Changes of each case. Large cases, which repeat one thing, get one.
const CHANGES: usize = 20;
const LARGE: usize = 16 * 1024;
/// This story's dice, apart from the other stories'.
const STORY: u64 = 21;

/// What ran, and what broke.
#[derive(Default)]
struct Run {
    calls: usize,
    changes: usize,
    broken: Vec<String>,
}

fn run(case: &Case, out: &mut Run) {
    let mut call = |name: &str, body: fn(&[u8]) -> bool, what: &str, bytes: &[u8]| {
        out.calls += 1;
        // The message is on the way to stderr already; here it is only told which bytes it was.
        let answer = catch_unwind(AssertUnwindSafe(|| body(bytes))).ok();
        if answer.is_none() {
            out.broken.push(format!("{name} on {:?}{what}: {:?}", case.name, String::from_utf8_lossy(bytes)));
        }
        answer
    };
    for (name, body) in TARGETS {
        let answer = call(name, *body, "", &case.bytes);
        if *name == case.target
            && let (Some(expected), Some(found)) = (case.read, answer)
        {
            assert_eq!(found, expected, "{name} on {:?}", case.name);
        }
    }
    let mut dice = Dice::new(STORY, case.bytes.iter().fold(0, |sum, b| sum * 31 % 0xffff_fffb + u64::from(*b)));
    let own = body(&case.target).unwrap();
    for n in 0..if case.bytes.len() > LARGE { 1 } else { CHANGES } {
        let bytes = changed(&case.bytes, &mut dice);
        call(&case.target, own, &format!(", change {n}"), &bytes);
        // What is shown to people is made of all of them.
        let (name, other) = TARGETS[n % TARGETS.len()];
        call(name, other, &format!(", change {n}"), &bytes);
        out.changes += 1;
    }
}

#[test]
fn no_stored_case_and_no_change_of_one_breaks_a_reader() {
    let cases = cases::all();
    let mut by_target: BTreeMap<&str, usize> = BTreeMap::new();
    for case in &cases {
        *by_target.entry(&case.target).or_default() += 1;
    }
    assert!(cases.len() >= 1_000, "{} stored cases", cases.len());
    assert!(TARGETS.len() >= 12 && by_target.len() == TARGETS.len(), "{by_target:?}");

    let queue = Mutex::new(cases.iter());
    let runs: Vec<Run> = std::thread::scope(|scope| {
        let worker = || {
            let mut run_of = Run::default();
            while let Some(case) = { queue.lock().unwrap().next() } {
                run(case, &mut run_of);
            }
            run_of
        };
        let workers: Vec<_> = (0..2).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().map(|w| w.join().unwrap()).collect()
    });
    let broken: Vec<&str> = runs.iter().flat_map(|run| &run.broken).map(String::as_str).collect();
    assert!(broken.is_empty(), "{} broken:\n{}", broken.len(), broken[..broken.len().min(20)].join("\n"));
    let calls: usize = runs.iter().map(|run| run.calls).sum();
    let changes: usize = runs.iter().map(|run| run.changes).sum();
    println!("{} cases for {} readers, {changes} changes, {calls} calls", cases.len(), TARGETS.len());
    assert_eq!(calls, cases.len() * TARGETS.len() + 2 * changes);
    assert!(changes >= 19 * 1_000, "{changes} changes");
}
