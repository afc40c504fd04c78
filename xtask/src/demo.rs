//! `cargo xtask demo`: one purchase from question to settled row, on a practice chain inside the program.
//! Succeeds only when the resource was delivered and its row is settled. Typing the answers (`--yes`) exists here alone,
//! and only against the practice profile; no product binary answers for a person.

use crate::{
    node,
    run::{self, built, cargo, command, say, target, typed},
    setup,
};
use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

#[derive(Args)]
pub struct Demo {
    /// Type the answers too (in the terminal, on the practice chain only).
    #[arg(long)]
    yes: bool,
    /// In the terminal, even where there is a display.
    #[arg(long)]
    terminal: bool,
}

pub fn demo(options: &Demo) -> Result<()> {
    let folder = practice_folder()?;
    if options.yes || options.terminal || !has_display() {
        build("cli", "countersign")?;
        in_the_terminal(&folder, options.yes)
    } else {
        setup::for_window()?;
        node::build_interface()?;
        build("countersign-app", "countersign-app")?;
        in_the_window(&folder)
    }
}

fn has_display() -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(not(target_os = "linux")) || set("DISPLAY") || set("WAYLAND_DISPLAY")
}

/// A new, empty data folder below target: the demo never sees a real wallet.
fn practice_folder() -> Result<PathBuf> {
    let folder = target().join("demo").join(std::process::id().to_string());
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    Ok(folder)
}

fn build(package: &str, program: &str) -> Result<()> {
    say(format!("building {program} (a few minutes the first time)"));
    run::run(cargo().args(["build", "--package", package, "--bin", program]))
}

/// What has to be seen before the demo counts as done.
#[derive(Default)]
struct Seen {
    delivered: bool,
    settled: bool,
}

impl Seen {
    fn event(&mut self, line: &str) {
        let Ok(event) = serde_json::from_str::<Value>(line) else { return };
        match event["event"].as_str() {
            Some("delivered") => self.delivered = true,
            Some("settled") => self.settled = true,
            _ => {}
        }
    }

    fn verdict(&self) -> Result<()> {
        match (self.delivered, self.settled) {
            (true, true) => Ok(()),
            (false, _) => bail!("the resource was not delivered"),
            (true, false) => bail!("the resource was delivered, but its payment is not settled in the ledger"),
        }
    }
}

fn in_the_window(folder: &Path) -> Result<()> {
    let mut app = command(built("countersign-app"));
    app.args(["--practice", "--data-dir"]).arg(folder).stdout(Stdio::piped());
    say(format!("starting `{}`", typed(&app)));
    say("a shop asks for payment; answer in the window, then close it to end the demo");
    let mut child = app.spawn().context("cannot start the window")?;
    let mut seen = Seen::default();
    for line in BufReader::new(child.stdout.take().context("the output was asked for")?).lines() {
        let line = line?;
        let before = seen.verdict().is_ok();
        seen.event(&line);
        println!("{line}");
        if !before && seen.verdict().is_ok() {
            say("delivered and settled. The window stays open; close it to end the demo");
        }
    }
    let status = child.wait()?;
    seen.verdict()?;
    if !status.success() {
        bail!("the app ended with {status}");
    }
    Ok(())
}

fn in_the_terminal(folder: &Path, yes: bool) -> Result<()> {
    let mut wallet = command(built("countersign"));
    wallet.args(["demo", "--data-dir"]).arg(folder);
    say(format!("starting `{}`", typed(&wallet)));
    if yes {
        say("answering its questions with `yes`");
        type_answers(&mut wallet)?;
    } else {
        run::run(wallet.stdin(Stdio::inherit()))?;
    }
    settled_row(folder)
}

/// Shows the child's output as it comes and types `yes`, or the passphrase, at every prompt: a last line that ends with `] ` or `: `.
fn type_answers(wallet: &mut Command) -> Result<()> {
    let mut child = wallet.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("cannot start countersign")?;
    let mut answers = child.stdin.take().context("the input was asked for")?;
    let mut output = child.stdout.take().context("the output was asked for")?;
    let mut screen = std::io::stdout();
    let (mut line, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        let length = output.read(&mut chunk)?;
        if length == 0 {
            break;
        }
        screen.write_all(&chunk[..length])?;
        screen.flush()?;
        for byte in &chunk[..length] {
            if *byte == b'\n' { line.clear() } else { line.push(*byte) }
        }
        if line.ends_with(b"] ") || line.ends_with(b": ") || line.ends_with(b"? ") {
            // The practice wallet's own passphrase, which the demo prints: it guards play money.
            let answer = if line.starts_with(b"Passphrase") { "play money only" } else { "yes" };
            println!("{answer}");
            line.clear();
            // A child that is gone already says so by its exit status.
            let _ = writeln!(answers, "{answer}").and_then(|()| answers.flush());
        }
    }
    drop(answers);
    let status = child.wait()?;
    if !status.success() {
        bail!("`{}` failed ({status})", typed(wallet));
    }
    Ok(())
}

/// Believes the ledger and not the story: a second process reads the row.
fn settled_row(folder: &Path) -> Result<()> {
    let mut ledger = command(built("countersign"));
    ledger.args(["ledger", "--json", "--data-dir"]).arg(folder);
    let rows: Value = serde_json::from_str(&run::capture(&mut ledger)?).context("the ledger's answer is not JSON")?;
    let rows = rows["payments"].as_array().or_else(|| rows.as_array()).map(Vec::as_slice).unwrap_or_default();
    let done = rows.iter().filter(|row| row["delivery"] == "delivered" && row["settlement"] == "final").count();
    if done == 0 {
        bail!("no payment in the ledger of {} is delivered and settled", folder.display());
    }
    say(format!("{done} payment delivered and settled, says the ledger in {}", folder.display()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_delivered_and_settled_together_are_a_success() {
        let mut seen = Seen::default();
        seen.event("not an event");
        seen.event(r#"{"event":"settled","id":"1"}"#);
        assert!(seen.verdict().is_err());
        seen.event(r#"{"event":"delivered","id":"1"}"#);
        assert!(seen.verdict().is_ok());
    }
}
