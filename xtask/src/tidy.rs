//! `cargo xtask tidy`: everything that is checked without running the product.
//! Changes nothing; says all that is wrong and not only the first.

use crate::{
    layers,
    run::{self, cargo, say},
    setup, sources, tools,
};
use anyhow::{Result, bail};

pub fn tidy() -> Result<()> {
    setup::for_window()?;
    crate::node::build_interface()?; // clippy compiles the app, which embeds it
    tools::cargo_deny()?;
    let mut failed = Vec::new();
    let mut step = |name, check: fn() -> Result<()>| {
        say(format!("== {name}"));
        if let Err(error) = check() {
            say(format!("{name} FAILED: {error:#}"));
            failed.push(name);
        }
    };
    step("sources: headers, lengths, unfinished work, lock files", sources::check);
    step("layers", layers::check);
    step("format", format);
    step("licences and sources of dependencies", deny);
    step("clippy, warnings denied", clippy);
    if !failed.is_empty() {
        bail!("not tidy: {}", failed.join("; "));
    }
    say("tidy");
    Ok(())
}

fn format() -> Result<()> {
    run::run(cargo().args(["fmt", "--all", "--check"]))
}

fn deny() -> Result<()> {
    run::run(cargo().env("PATH", tools::path()?).args(["deny", "check", "licenses", "bans", "sources"]))
}

fn clippy() -> Result<()> {
    run::run(cargo().args(["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))
}
