//! Saying what happens, and running other programs with their names in every error.
//! A child never gets our standard input unless asked for, and carries a mark by which it is found again if it stays.

use crate::leftovers;
use anyhow::{Context, Result, bail};
use std::{
    ffi::OsStr,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    sync::{OnceLock, mpsc},
    thread,
    time::{Duration, Instant},
};

static STARTED: OnceLock<Instant> = OnceLock::new();

pub fn start_clock() {
    STARTED.get_or_init(Instant::now);
}

/// One line with the time since the start in front.
pub fn say(text: impl AsRef<str>) {
    let elapsed = STARTED.get_or_init(Instant::now).elapsed();
    println!("[{:>6.1} s] {}", elapsed.as_secs_f64(), text.as_ref());
}

/// The top folder of this checkout.
pub fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
        xtask.parent().unwrap_or(xtask).to_path_buf()
    })
}

/// Where cargo puts what it builds (`CARGO_TARGET_DIR` is honoured).
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// A program of the ordinary (dev) build.
pub fn built(name: &str) -> PathBuf {
    target().join("debug").join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

/// A command in the top folder, without standard input, marked as started by us.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root()).stdin(Stdio::null()).env(leftovers::MARK, leftovers::mark());
    command
}

/// The cargo that runs us, so that a toolchain override holds for the children too.
pub fn cargo() -> Command {
    command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// The program and its arguments, as one would type them.
pub fn typed(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy();
    let words = command.get_args().map(|word| word.to_string_lossy());
    let quoted = words.map(|word| if word.contains(' ') { format!("'{word}'") } else { word.into_owned() });
    std::iter::once(name.into_owned()).chain(quoted).collect::<Vec<_>>().join(" ")
}

/// Runs to the end, output straight to ours. An exit status other than 0 is an error.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start `{}`", typed(command)))?;
    succeeded(command, status)
}

/// Runs to the end and answers what it printed. Its errors still go to our standard error.
pub fn capture(command: &mut Command) -> Result<String> {
    let output =
        command.stderr(Stdio::inherit()).output().with_context(|| format!("cannot start `{}`", typed(command)))?;
    succeeded(command, output.status)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs to the end, prints its standard output line by line and shows each line to `watch`.
/// After `limit` the command and all it started are ended, so that nothing hangs a CI run.
pub fn watch(command: &mut Command, limit: Duration, mut watch: impl FnMut(&str)) -> Result<()> {
    let mut child =
        command.stdout(Stdio::piped()).spawn().with_context(|| format!("cannot start `{}`", typed(command)))?;
    let output = child.stdout.take().context("the output was asked for")?;
    let (done, waiting) = mpsc::channel::<()>();
    let watchdog = thread::spawn(move || {
        let late = waiting.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout);
        if late {
            leftovers::end_all();
        }
        late
    });
    let mut lines = BufReader::new(output);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end_matches(['\n', '\r']);
        println!("{text}");
        watch(text);
        line.clear();
    }
    let status = child.wait()?;
    drop(done);
    if watchdog.join().unwrap_or(false) {
        bail!("`{}` was ended after {} minutes", typed(command), limit.as_secs() / 60);
    }
    succeeded(command, status)
}

fn succeeded(command: &Command, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("`{}` failed ({status})", typed(command));
    }
    Ok(())
}
