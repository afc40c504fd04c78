//! Finds processes that a step started and left behind, by a mark in their environment (Linux only).
//! Never touches a process without this run's mark.

use crate::run::say;
use std::{
    fs,
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

/// What is left a few seconds after the last step: none is the right answer. Those found are named, then ended.
pub fn check() -> Result<(), Vec<String>> {
    let patience = Instant::now() + Duration::from_secs(5);
    let mut left = ours();
    while !left.is_empty() && Instant::now() < patience {
        thread::sleep(Duration::from_millis(200));
        left = ours();
    }
    if left.is_empty() {
        return Ok(());
    }
    let names = left.iter().map(|(id, name)| format!("{name} (process {id})")).collect::<Vec<_>>();
    say(format!("left behind, ending them: {}", names.join(", ")));
    end_all();
    Err(names)
}

/// Ends every process that carries this run's mark.
pub fn end_all() {
    for (id, _) in ours() {
        // The shell's own kill: always there, and no unsafe call of ours.
        let _ = Command::new("sh").args(["-c", &format!("kill -9 {id}")]).stderr(Stdio::null()).status();
    }
}

/// Process ids and names of all that carry our mark and still run.
fn ours() -> Vec<(u32, String)> {
    let wanted = format!("{MARK}={}", mark());
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    processes
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|id| {
            let environment = fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|pair| pair == wanted.as_bytes())
        })
        .map(|id| (id, fs::read_to_string(format!("/proc/{id}/comm")).unwrap_or_default().trim().to_owned()))
        .collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::run::command;

    #[test]
    fn a_child_that_stays_is_found_and_ended_and_others_are_left_alone() {
        let mut ours_child = command("sleep").arg("600").spawn().unwrap();
        let mut foreign = Command::new("sleep").arg("600").spawn().unwrap();
        let found = ours();
        assert!(found.contains(&(ours_child.id(), "sleep".to_owned())));
        assert!(found.iter().all(|(id, _)| *id != foreign.id()));
        end_all();
        assert!(!ours_child.wait().unwrap().success());
        assert!(foreign.try_wait().unwrap().is_none());
        foreign.kill().unwrap();
        foreign.wait().unwrap();
    }
}
