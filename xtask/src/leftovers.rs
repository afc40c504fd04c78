//! Finds processes that a step started and left behind, by a mark in their environment (Linux only), and programs of
//! this build that hide their environment, as a headless wallet does. Never ends a process without this run's mark.

use crate::run::{say, target};
use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Stdio},
    sync::OnceLock,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// The environment variable that every child carries.
pub const MARK: &str = "COUNTERSIGN_XTASK_RUN";

/// This run's value of [`MARK`].
pub fn mark() -> &'static str {
    static VALUE: OnceLock<String> = OnceLock::new();
    VALUE.get_or_init(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        format!("{}-{}", std::process::id(), now.as_nanos())
    })
}

/// Programs of this build that run now. Taken before the first step, so that [`check`] blames only what came later.
pub fn running() -> BTreeSet<u32> {
    processes().into_iter().filter(|id| is_of_this_build(*id)).collect()
}

/// What is left a few seconds after the last step: none is the right answer. Those with our mark are ended.
pub fn check(before: &BTreeSet<u32>) -> Result<(), Vec<String>> {
    let left = || ours().into_iter().chain(running().difference(before).copied()).collect::<BTreeSet<_>>();
    let patience = Instant::now() + Duration::from_secs(5);
    while !left().is_empty() && Instant::now() < patience {
        thread::sleep(Duration::from_millis(200));
    }
    let names: Vec<_> = left().into_iter().map(|id| format!("{} (process {id})", name(id))).collect();
    if names.is_empty() {
        return Ok(());
    }
    say(format!("left behind: {}", names.join(", ")));
    end_all();
    Err(names)
}

/// Ends every process that carries this run's mark.
pub fn end_all() {
    for id in ours() {
        // The shell's own kill: always there, and no unsafe call of ours.
        let _ = Command::new("sh").args(["-c", &format!("kill -9 {id}")]).stderr(Stdio::null()).status();
    }
}

/// All that carry our mark and still run.
fn ours() -> Vec<u32> {
    let wanted = format!("{MARK}={}", mark());
    let marked = |id: &u32| {
        let environment = fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|pair| pair == wanted.as_bytes())
    };
    processes().into_iter().filter(marked).collect()
}

fn is_of_this_build(id: u32) -> bool {
    let words = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
    let program = String::from_utf8_lossy(words.split(|byte| *byte == 0).next().unwrap_or_default()).into_owned();
    Path::new(&program).starts_with(target())
}

fn name(id: u32) -> String {
    fs::read_to_string(format!("/proc/{id}/comm")).unwrap_or_default().trim().to_owned()
}

fn processes() -> Vec<u32> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::run::command;

    #[test]
    fn a_child_that_stays_is_found_and_ended_and_others_are_left_alone() {
        let mut ours_child = command("sleep").arg("600").spawn().unwrap();
        let mut foreign = Command::new("sleep").arg("600").spawn().unwrap();
        // A process shows its environment only once its program has really begun.
        let found = loop {
            let found = ours();
            if found.contains(&ours_child.id()) || ours_child.try_wait().unwrap().is_some() {
                break found;
            }
            thread::yield_now();
        };
        assert!(found.contains(&ours_child.id()));
        assert!(!found.contains(&foreign.id()));
        assert_eq!(name(ours_child.id()), "sleep");
        end_all();
        assert!(!ours_child.wait().unwrap().success());
        assert!(foreign.try_wait().unwrap().is_none());
        foreign.kill().unwrap();
        foreign.wait().unwrap();
    }
}
