//! A folder with a wallet, and the command run on it: with its input, in a service, and at a terminal.
#![allow(dead_code, reason = "not every test uses every part")]

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

pub const PASSPHRASE: &str = "correct horse battery";
pub const FIRST: &str = "TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH";

pub fn words() -> String {
    format!("{}about", "abandon ".repeat(11))
}

pub struct Ran {
    pub status: i32,
    pub out: String,
    pub err: String,
}

pub struct Folder(pub tempfile::TempDir);

impl Folder {
    /// No wallet yet; no node is asked over the network.
    pub fn empty() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        let nowhere = ["mainnet", "nile", "shasta"].map(|n| format!("[[{n}]]\nurl = \"http://127.0.0.1:1\"\n"));
        std::fs::create_dir(folder.dir()).unwrap();
        std::fs::write(folder.dir().join("config.toml"), format!("port = 0\n{}", nowhere.concat())).unwrap();
        folder
    }

    pub fn with_wallet() -> Self {
        let folder = Self::empty();
        folder.ok(&["init", "--import"], &format!("{}\n{PASSPHRASE}\n", words()));
        folder
    }

    pub fn dir(&self) -> PathBuf {
        self.0.path().join("wallet")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A file that only its owner reads.
    pub fn private(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        self.rights(&path, 0o600);
        path
    }

    pub fn rights(&self, path: &Path, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        command.args(arguments).arg("--data-dir").arg(self.dir()).env_clear();
        // Not this machine's own logind.
        command.env("DBUS_SYSTEM_BUS_ADDRESS", format!("unix:path={}", self.path("nobody").display()));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn run(&self, arguments: &[&str], input: &str) -> Ran {
        let mut child = self.command(arguments).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A command that needs no input may be gone already.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran { status: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }

    pub fn ok(&self, arguments: &[&str], input: &str) -> String {
        let ran = self.run(arguments, input);
        assert_eq!(ran.status, 0, "{arguments:?}: {}{}", ran.out, ran.err);
        ran.out
    }

    /// What it says when it does not do it.
    pub fn fails(&self, arguments: &[&str], input: &str) -> String {
        let ran = self.run(arguments, input);
        assert_ne!(ran.status, 0, "{arguments:?}: {}", ran.out);
        assert!(!ran.err.contains("panicked"), "{}", ran.err);
        ran.err
    }

    /// With the passphrase of the wallet as its input.
    pub fn by(&self, arguments: &[&str]) -> String {
        self.ok(arguments, &format!("{PASSPHRASE}\n"))
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.ok(&[arguments, &["--json"]].concat(), "")).unwrap()
    }

    pub fn is_locked(&self) -> bool {
        self.json(&["status"])["locked"].as_bool().unwrap()
    }

    /// At a terminal of its own, with the passphrase typed when it is asked for; all that is on the screen.
    pub fn at_a_terminal(&self, arguments: &str) -> String {
        let program = env!("CARGO_BIN_EXE_countersign");
        let line = format!("tty; exec {program} {arguments} --data-dir {}", self.dir().display());
        let mut command = Command::new("script");
        command.args(["-q", "-e", "-c", &line, "/dev/null"]).env("TERM", "dumb");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (mut seen, mut chunk, mut typed) = (String::new(), [0; 4096], false);
        loop {
            // A terminal that is gone is an end like any other.
            let length = stdout.read(&mut chunk).unwrap_or(0);
            if length == 0 {
                break;
            }
            seen.push_str(&String::from_utf8_lossy(&chunk[..length]));
            if !typed && seen.contains("Passphrase: ") {
                quiet(seen.lines().next().unwrap().trim());
                stdin.write_all(format!("{PASSPHRASE}\n").as_bytes()).unwrap();
                typed = true;
            }
        }
        assert!(child.wait().unwrap().success(), "{seen}");
        assert!(!seen.contains(PASSPHRASE), "it is not shown while typed");
        seen
    }
}

/// Waits until this terminal shows nothing of what is typed, as a person does who reads the prompt first.
fn quiet(terminal: &str) {
    let begun = std::time::Instant::now();
    while begun.elapsed().as_secs() < 20 {
        let state = Command::new("stty").args(["-a", "-F", terminal]).output().unwrap();
        if String::from_utf8_lossy(&state.stdout).split_whitespace().any(|word| word == "-echo") {
            return;
        }
        std::thread::yield_now();
    }
    panic!("{terminal} goes on showing what is typed");
}

/// A `serve` without a terminal, once it listens.
pub struct Serve(Child);

impl Serve {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::inherit()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.contains("Listening on") {
            line.clear();
            assert!(out.read_line(&mut line).unwrap() > 0, "it ended");
        }
        // Read on, so that it never waits for us.
        std::thread::spawn(move || out.read_to_end(&mut Vec::new()));
        Self(child)
    }

    pub fn is_running(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
