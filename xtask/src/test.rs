//! `cargo xtask test`: every check, each with its seconds, and one line with the sum.
//! Goes on after a failed step where the next ones still mean something. Needs no display, no input and no account.

use crate::{
    layers, leftovers, node, python,
    run::{self, cargo, command, root, say},
    setup, sources,
    tally::Tally,
    tools,
};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

/// A step that takes longer hangs; it is ended, so that the others are still reported.
const LIMIT: Duration = Duration::from_secs(25 * 60);

pub fn test() -> Result<()> {
    let running = leftovers::running();
    let mut report = Report::default();
    report.step("setup", |_| setup::everything());
    report.step("interface build", |_| node::build_interface());
    report.step("contract artifacts", |_| contract_artifacts());
    let generated = sources::generated()?;
    report.step("build", |_| build());
    report.step("cargo test", cargo_tests);
    report.step("interface types", |_| npm_check());
    report.step("interface tests", vitest);
    report.step("layers", |_| layers::check());
    report.step("generated files", |_| sources::unchanged(&generated));
    report.step("nothing left behind", |_| match leftovers::check(&running) {
        Ok(()) => Ok(()),
        Err(left) => bail!("still running after the tests: {}", left.join(", ")),
    });
    report.finish()
}

#[derive(Default)]
struct Report {
    steps: Vec<(&'static str, Duration, Option<String>)>,
    tally: Tally,
}

impl Report {
    fn step(&mut self, name: &'static str, work: impl FnOnce(&mut Tally) -> Result<()>) {
        say(format!("== {name}"));
        let started = Instant::now();
        let mut tally = Tally::default();
        let done = work(&mut tally);
        // A step that fails without a failed test of its own counts as one: the sum never looks better than the run.
        if done.is_err() && tally.failed == 0 {
            tally.failed = 1;
            tally.failures.push(name.to_owned());
        }
        self.tally += tally;
        let problem = done.err().map(|error| format!("{error:#}"));
        if let Some(problem) = &problem {
            say(format!("{name} FAILED: {problem}"));
        }
        self.steps.push((name, started.elapsed(), problem));
    }

    fn finish(self) -> Result<()> {
        println!();
        for (name, took, problem) in &self.steps {
            let verdict = if problem.is_none() { "ok" } else { "FAILED" };
            println!("{name:<22} {:>8.1} s  {verdict}", took.as_secs_f64());
        }
        let all: Duration = self.steps.iter().map(|(_, took, _)| *took).sum();
        println!("{:<22} {:>8.1} s\n", "all", all.as_secs_f64());
        for failure in &self.tally.failures {
            println!("failed: {failure}");
        }
        if self.tally.ignored > 0 {
            println!("{} ignored", self.tally.ignored);
        }
        println!("{} passed, {} failed", self.tally.passed, self.tally.failed);
        if self.steps.iter().any(|(_, _, problem)| problem.is_some()) || self.tally.failed > 0 {
            bail!("not everything holds");
        }
        Ok(())
    }
}

/// The committed contract code is what its sources compile to.
fn contract_artifacts() -> Result<()> {
    run::run(command("node").args(["build.mjs", "--check"]).current_dir(root().join("crates/devnet/contracts")))
}

/// Everything in one go, so that the one target folder holds one set of features; the stories run the programs.
fn build() -> Result<()> {
    run::run(cargo().args(["build", "--workspace", "--lib", "--bins", "--tests", "--examples"]))
}

fn cargo_tests(tally: &mut Tally) -> Result<()> {
    let home = Home::new()?;
    let mut tests = command("xvfb-run");
    tests.args(["-a", "-s", "-screen 0 1280x800x24 -nolisten tcp", "dbus-run-session", "--"]);
    tests.arg(cargo().get_program()).args(["test", "--workspace", "--no-fail-fast"]);
    home.lend(&mut tests)?;
    run::watch(&mut tests, LIMIT, |line| tally.cargo_line(line))
}

fn npm_check() -> Result<()> {
    run::run(command("npm").args(["run", "--silent", "check"]).current_dir(root().join("ui")))
}

fn vitest(tally: &mut Tally) -> Result<()> {
    let mut tests = command("npx");
    tests.args(["--no-install", "vitest", "run", "--reporter=default"]).current_dir(root().join("ui"));
    run::watch(&mut tests, LIMIT, |line| tally.vitest_line(line))
}

/// A throw-away home for the tests: the person's own wallet, settings and session are never in reach.
struct Home(PathBuf);

impl Home {
    fn new() -> Result<Home> {
        // Short, because socket paths are limited to about a hundred letters.
        let folder = std::env::temp_dir().join(format!("countersign-test-{}", std::process::id()));
        for name in ["data", "config", "cache", "state", "run"] {
            fs::create_dir_all(folder.join(name)).with_context(|| format!("cannot create {}", folder.display()))?;
        }
        owner_only(&folder)?;
        owner_only(&folder.join("run"))?;
        Ok(Home(folder))
    }

    fn lend(&self, tests: &mut Command) -> Result<()> {
        for (name, folder) in [
            ("XDG_DATA_HOME", "data"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_STATE_HOME", "state"),
            ("XDG_RUNTIME_DIR", "run"),
        ] {
            tests.env(name, self.0.join(folder));
        }
        // The display is Xvfb's, whatever desktop this is; no accessibility bus outlives the session.
        tests.env_remove("WAYLAND_DISPLAY").env("GDK_BACKEND", "x11").env("NO_AT_BRIDGE", "1").env("GTK_A11Y", "none");
        tests.env("PATH", tools::path()?).env("COUNTERSIGN_PYTHON", python::interpreter());
        Ok(())
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            say(format!("could not remove {}: {error}", self.0.display()));
        }
    }
}

#[cfg(unix)]
fn owner_only(folder: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).context("cannot make a folder private")
}

#[cfg(not(unix))]
fn owner_only(_folder: &Path) -> Result<()> {
    Ok(())
}
