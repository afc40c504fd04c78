//! System packages: the one list, what is missing, and their installation through apt-get.
//! Installs only what is missing, after saying so; without the right to install it prints the command and stops.

use crate::{
    python,
    run::{self, say},
};
use anyhow::{Result, bail};
use std::{
    path::Path,
    process::{Command, Stdio},
};

/// Debian and Ubuntu names, each with what it is for.
type Packages = &'static [(&'static str, &'static str)];

const TO_BUILD: Packages = &[
    ("build-essential", "C compiler and linker (SQLite is built in)"),
    ("pkg-config", "finds the libraries below"),
    ("libwebkit2gtk-4.1-dev", "the window"),
    ("librsvg2-dev", "icons"),
    ("libayatana-appindicator3-dev", "the tray"),
    ("libdbus-1-dev", "notifications and single instance"),
];

const TO_TEST: Packages = &[
    ("curl", "the program that the README pays with"),
    ("openssl", "tells that program who listens"),
    ("xvfb", "a display of its own for the window tests"),
    ("xauth", "used by xvfb-run"),
    ("x11-utils", "asks that display what the window manager is told"),
    ("dbus", "a session bus of its own for the window tests, and one without a keyring"),
    ("gnome-keyring", "a real keyring that remembers an unlock"),
    ("libsecret-tools", "looks into that keyring from outside"),
    ("webkit2gtk-driver", "drives the real window (WebDriver)"),
    ("fonts-dejavu-core", "letters on a machine without fonts"),
];

/// What a command needs from the system.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum For {
    Window,
    Tests,
}

/// Installs what is missing; does nothing when all is there.
pub fn install(purpose: For) -> Result<()> {
    let mut wanted = TO_BUILD.to_vec();
    if purpose == For::Tests {
        wanted.extend(TO_TEST);
        if !python::makes_environments() {
            wanted.push(("python3-venv", "Python for the tests with foreign SDKs"));
        }
    }
    if !Path::new("/usr/bin/dpkg-query").exists() || !Path::new("/usr/bin/apt-get").exists() {
        say("system packages: this is not Debian or Ubuntu, so nothing is installed. Needed, by their Debian names:");
        for (name, why) in wanted {
            println!("             {name:<30} {why}");
        }
        return Ok(());
    }
    let missing: Vec<_> = wanted.into_iter().filter(|(name, _)| !installed(name)).collect();
    if missing.is_empty() {
        say("system packages: all there");
        return Ok(());
    }
    let names: Vec<_> = missing.iter().map(|(name, _)| *name).collect();
    let by_hand = format!("apt-get update && apt-get install -y --no-install-recommends {}", names.join(" "));
    let Some(prefix) = right_to_install() else {
        bail!(
            "system packages are missing, and installing them needs root. Run this, then try again:\n\n  sudo sh -c '{by_hand}'\n"
        );
    };
    say("installing system packages (through apt-get):");
    for (name, why) in &missing {
        println!("             {name:<30} {why}");
    }
    run::run(as_root(prefix).args(["apt-get", "-q", "update"]))?;
    run::run(as_root(prefix).args(["apt-get", "-q", "install", "-y", "--no-install-recommends"]).args(&names))
}

fn installed(name: &str) -> bool {
    let answer = Command::new("dpkg-query").args(["-W", "-f", "${db:Status-Status}\n", name]).output();
    // Several architectures answer one line each.
    answer.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).lines().any(|line| line == "installed"))
}

/// What to put before `apt-get`: nothing for root, `sudo -n` where it asks for no password.
fn right_to_install() -> Option<&'static [&'static str]> {
    let quietly = |program: &str, arguments: &[&str]| {
        Command::new(program).args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output()
    };
    if quietly("id", &["-u"]).is_ok_and(|output| output.stdout.trim_ascii() == b"0") {
        return Some(&[]);
    }
    quietly("sudo", &["-n", "true"]).is_ok_and(|output| output.status.success()).then_some(&["sudo", "-n"])
}

fn as_root(prefix: &[&str]) -> Command {
    let mut words = prefix.iter().chain(&["env", "DEBIAN_FRONTEND=noninteractive"]);
    let mut command = run::command(words.next().unwrap_or(&"env"));
    command.args(words);
    command
}
