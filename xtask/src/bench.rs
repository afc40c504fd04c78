//! `cargo xtask bench`: measures the steps of a payment in release mode (tests/benches/speed.rs) and says on which
//! machine. Judges nothing: a number without its machine is no number.

use crate::run::{self, capture, cargo, command, say, target};
use anyhow::{Context, Result};
use std::fs;

pub fn bench() -> Result<()> {
    say("building in release mode (several minutes the first time)");
    let speed = ["bench", "--quiet", "--package", "stories", "--bench", "speed"];
    run::run(cargo().args(speed).arg("--no-run"))?;
    // On the disk that is built on: a folder in memory would make every durable write look free.
    let folder = target().join("bench");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    println!();
    for (fact, value) in machine(&folder.to_string_lossy())? {
        println!("{fact:<10} {value}");
    }
    println!();
    run::run(cargo().args(speed).env("TMPDIR", &folder))
}

/// What the numbers depend on.
fn machine(folder: &str) -> Result<[(&'static str, String); 7]> {
    let field = |file: &str, name: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let value =
            text.lines().find_map(|line| line.strip_prefix(name)?.split_once(':')).map(|(_, value)| value.trim());
        value.unwrap_or("unknown").to_owned()
    };
    let said = |program: &str, arguments: &[&str]| {
        let said = capture(command(program).args(arguments)).unwrap_or_default();
        said.lines().last().unwrap_or("unknown").trim().to_owned()
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    Ok([
        ("date", said("date", &["-u", "+%Y-%m-%d %H:%M UTC"])),
        ("processor", format!("{} ({cores} cores)", field("/proc/cpuinfo", "model name"))),
        ("load", load.split(' ').next().unwrap_or("unknown").to_owned()),
        ("memory", field("/proc/meminfo", "MemTotal")),
        ("disk", said("df", &["--output=fstype", folder])),
        ("system", format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)),
        ("built by", format!("{}, profile release", capture(cargo().arg("--version"))?.trim())),
    ])
}
