//! `cargo xtask bench`: runs every benchmark of the workspace in release mode, on this machine, and says which it is.
//! Compares nothing by itself: a number without its machine is no number.

use crate::run::{self, capture, cargo, say};
use anyhow::{Context, Result};
use serde_json::Value;
use std::fs;

pub fn bench() -> Result<()> {
    let benches = benches()?;
    if benches.is_empty() {
        say("there are no benchmarks");
        return Ok(());
    }
    machine()?;
    for (package, name) in benches {
        say(format!("== {package}: {name}"));
        run::run(cargo().args(["bench", "--quiet", "--package", &package, "--bench", &name]))?;
    }
    Ok(())
}

/// Package and name of each bench target.
fn benches() -> Result<Vec<(String, String)>> {
    let metadata = capture(cargo().args(["metadata", "--format-version", "1", "--no-deps"]))?;
    let metadata: Value = serde_json::from_str(&metadata).context("cargo metadata")?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut benches = Vec::new();
    for package in list(&metadata["packages"]) {
        for target in list(&package["targets"]) {
            if list(&target["kind"]).iter().any(|kind| kind == "bench") {
                benches.push((text(&package["name"]), text(&target["name"])));
            }
        }
    }
    Ok(benches)
}

fn machine() -> Result<()> {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu =
        cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':')).map(|(_, name)| name.trim());
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory = memory.lines().find_map(|line| line.strip_prefix("MemTotal:")).map(str::trim);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let rust = capture(cargo().arg("--version"))?;
    println!("processor  {} ({cores} cores)", cpu.unwrap_or("unknown"));
    println!("memory     {}", memory.unwrap_or("unknown"));
    println!("system     {} {}", std::env::consts::OS, std::env::consts::ARCH);
    println!("rust       {}", rust.trim());
    Ok(())
}
