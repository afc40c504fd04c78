//! `cargo xtask tidy`: everything that is checked without running the product.
//! Changes nothing; says all that is wrong and not only the first.

use crate::{
    layers, node,
    run::{self, cargo, say},
    setup, sources, tools,
};
use anyhow::{Result, bail};
use clap::{Args, ValueEnum};

#[derive(Args)]
pub struct Tidy {
    /// Only these; all when none is named.
    steps: Vec<Step>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Step {
    /// Module headers, file lengths, unfinished work, lock files and versions with advisories, code in the README.
    Sources,
    /// Who may use whom.
    Layers,
    Format,
    /// Licences and sources of the dependencies.
    Licences,
    /// Warnings are errors.
    Clippy,
}

pub fn tidy(options: &Tidy) -> Result<()> {
    let mut failed = Vec::new();
    for step in Step::value_variants() {
        if !options.steps.is_empty() && !options.steps.contains(step) {
            continue;
        }
        let name = step.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        say(format!("== {name}"));
        if let Err(error) = step.check() {
            say(format!("{name} FAILED: {error:#}"));
            failed.push(name);
        }
    }
    if !failed.is_empty() {
        bail!("not tidy: {}", failed.join(", "));
    }
    say("tidy");
    Ok(())
}

impl Step {
    fn check(self) -> Result<()> {
        match self {
            Step::Sources => sources::check(),
            Step::Layers => layers::check(),
            Step::Format => run::run(cargo().args(["fmt", "--all", "--check"])),
            Step::Licences => {
                tools::cargo_deny()?;
                let what = ["deny", "check", "licenses", "bans", "sources"];
                run::run(cargo().env("PATH", tools::path()?).args(what))
            }
            Step::Clippy => {
                // The app is compiled too, and it embeds the interface.
                setup::for_window()?;
                node::build_interface()?;
                run::run(cargo().args(["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))
            }
        }
    }
}
