//! Python: its version, and `.venv` with what the peer tests import.
//! Never installs outside `.venv`.

use crate::run::{self, command, root, say};
use anyhow::{Context, Result, bail};
use std::{fs, path::PathBuf, process::Stdio};

const OLDEST: (u32, u32) = (3, 11);

/// The interpreter inside `.venv`.
pub fn interpreter() -> PathBuf {
    root().join(".venv/bin/python")
}

/// Whether the Python on the path is new enough and can make a `.venv`.
pub fn makes_environments() -> bool {
    find().is_ok_and(|python| {
        let parts = command(python).args(["-c", "import ensurepip, venv"]).stderr(Stdio::null()).status();
        parts.is_ok_and(|status| status.success())
    })
}

/// Creates `.venv` and installs every tests/peers/*/requirements.txt; does nothing when they are unchanged.
pub fn install() -> Result<()> {
    let files = requirements()?;
    if files.is_empty() {
        return Ok(());
    }
    let wanted = files.iter().map(fs::read_to_string).collect::<Result<Vec<_>, _>>()?.concat();
    let installed = root().join(".venv/installed-from.txt");
    if interpreter().exists() && fs::read_to_string(&installed).is_ok_and(|before| before == wanted) {
        say("Python packages: all there");
        return Ok(());
    }
    let python = find()?;
    say(format!("creating .venv with {python} and installing the peers' Python packages"));
    run::run(command(python).args(["-m", "venv", "--clear", ".venv"]))
        .context("Python's venv module does not work; on Debian and Ubuntu it is the package `python3-venv`")?;
    let mut pip = command(interpreter());
    pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]);
    for file in files {
        pip.arg("-r").arg(file);
    }
    run::run(&mut pip)?;
    fs::write(installed, wanted).context("cannot note which Python packages are installed")
}

fn requirements() -> Result<Vec<PathBuf>> {
    let peers = root().join("tests/peers");
    if !peers.exists() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for peer in fs::read_dir(peers)? {
        files.push(peer?.path().join("requirements.txt"));
    }
    files.retain(|file| file.exists());
    files.sort();
    Ok(files)
}

/// The first interpreter on the path that is new enough.
fn find() -> Result<&'static str> {
    let mut seen = Vec::new();
    for name in ["python3", "python3.14", "python3.13", "python3.12", "python3.11"] {
        let ask = "import sys; print(*sys.version_info[:2])";
        let Ok(answer) = command(name).args(["-c", ask]).stderr(Stdio::null()).output() else { continue };
        let answer = String::from_utf8_lossy(&answer.stdout);
        let mut numbers = answer.split_whitespace().filter_map(|number| number.parse::<u32>().ok());
        if let (Some(major), Some(minor)) = (numbers.next(), numbers.next()) {
            if (major, minor) >= OLDEST {
                return Ok(name);
            }
            seen.push(format!("{name} is {major}.{minor}"));
        }
    }
    let seen = if seen.is_empty() { "none was found".to_owned() } else { seen.join(", ") };
    bail!("Python {}.{} or newer is needed for the tests ({seen})", OLDEST.0, OLDEST.1)
}
