//! The project's own commands: `cargo xtask setup | test | tidy | demo | bench`.
//! Each says what it is about to do and how long it has been running. Never asks for anything, never leaves a
//! process behind, and writes only below this folder (system packages excepted, and those are announced first).
#![allow(clippy::print_stdout, clippy::print_stderr)] // a command line tool talks

mod advisories;
mod bench;
mod demo;
mod layers;
mod leftovers;
mod node;
mod packages;
mod python;
mod readme;
mod run;
mod setup;
mod sources;
mod tally;
mod test;
mod tidy;
mod tools;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Countersign's own commands. Start with `cargo xtask demo`.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", version)]
struct Xtask {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Install what is missing (system packages, npm and Python packages, the window test driver) and build the
    /// interface, so that plain cargo commands work.
    Setup,
    /// Everything that has to hold: every test, the layers, the generated files. What CI runs.
    Test,
    /// Format, lints, module headers, file lengths, layers, licences, lock files.
    Tidy(tidy::Tidy),
    /// A whole purchase on a practice chain of its own: in the window, or in the terminal when there is no display.
    Demo(demo::Demo),
    /// Measure signing, checking, recording and settling a payment, in release mode, beside published peers.
    Bench(bench::Bench),
}

fn main() -> ExitCode {
    run::start_clock();
    let done = match Xtask::parse().what {
        What::Setup => setup::everything().and_then(|()| node::build_interface()),
        What::Test => test::test(),
        What::Tidy(options) => tidy::tidy(&options),
        What::Demo(options) => demo::demo(&options),
        What::Bench(options) => bench::bench(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nxtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
