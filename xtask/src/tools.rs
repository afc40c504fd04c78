//! Programs that a command needs and that are no part of the workspace, kept in target/ so that nothing of the person's
//! is changed: from crates.io, and the shop of published seller kits.

use crate::run::{self, cargo, root, say, target};
use anyhow::{Context, Result};
use std::{ffi::OsString, path::PathBuf};

/// Drives the window in the tests.
pub fn tauri_driver() -> Result<()> {
    install("tauri-driver", "^2", "about half a minute")
}

/// Checks licences and sources.
pub fn cargo_deny() -> Result<()> {
    install("cargo-deny", "^0.20", "a few minutes")
}

/// The shop in tests/peers/kits. What it shares with the workspace is compiled once, because it goes into the same folder.
pub fn seller_kits() -> Result<()> {
    say("building the shop of published seller kits");
    let mut build = cargo();
    build.args(["build", "--quiet", "--locked", "--manifest-path"]).arg(root().join("tests/peers/kits/Cargo.toml"));
    run::run(build.arg("--target-dir").arg(target()))
}

/// PATH with the tools' folder in front.
pub fn path() -> Result<OsString> {
    let before = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(folder().join("bin")).chain(std::env::split_paths(&before));
    std::env::join_paths(folders).context("PATH cannot be extended")
}

fn folder() -> PathBuf {
    target().join("tools")
}

fn install(name: &str, version: &str, takes: &str) -> Result<()> {
    if folder().join("bin").join(name).exists() {
        say(format!("{name}: there"));
        return Ok(());
    }
    say(format!("installing {name} into target/tools ({takes})"));
    let mut install = cargo();
    install.args(["install", "--quiet", name, "--version", version, "--locked", "--root"]).arg(folder());
    run::run(&mut install)
}
