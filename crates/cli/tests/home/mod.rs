//! A wallet of its own on a practice world, and the command run on it: with its input, and serving.
#![allow(dead_code, reason = "not every test uses every part")]

use practice::World;
use serde_json::Value;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use tempfile::TempDir;

pub const PASSPHRASE: &str = "correct horse battery";

pub fn countersign(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.args(arguments).arg("--data-dir").arg(dir).env_clear();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

pub struct Ran {
    pub status: i32,
    pub out: String,
    pub err: String,
}

pub fn run(dir: &Path, arguments: &[&str], input: &str) -> Ran {
    let mut child = countersign(dir, arguments).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A command that needs no input may be gone already.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { status: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

pub fn rows(dir: &Path) -> Vec<Value> {
    let ran = run(dir, &["ledger", "--json"], "");
    assert_eq!(ran.status, 0, "{}", ran.err);
    let page: Value = serde_json::from_str(&ran.out).unwrap();
    page["payments"].as_array().unwrap().clone()
}

/// A wallet of the profile "test", whose Nile is a practice world's.
pub struct Home {
    pub world: World,
    pub dir: TempDir,
}

impl Home {
    pub async fn open() -> Self {
        let world = World::start(practice::Options::default()).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        // Nothing else may be asked over the network.
        let nodes: String =
            [("mainnet", "http://127.0.0.1:1"), ("nile", &world.node_url()), ("shasta", "http://127.0.0.1:1")]
                .iter()
                .map(|(network, url)| format!("[[{network}]]\nurl = \"{url}\"\n"))
                .collect();
        std::fs::write(dir.path().join("config.toml"), format!("port = 0\n{nodes}")).unwrap();
        let words = format!("{}about\n{PASSPHRASE}\n", "abandon ".repeat(11));
        let made = run(dir.path(), &["init", "--import", "--json", "--profile", "test"], &words);
        assert_eq!(made.status, 0, "{}", made.err);
        let status: Value = serde_json::from_str(&made.out).unwrap();
        let address = status["accounts"][0]["address"]["address"].as_str().unwrap();
        world.fund(tron::Address::parse(address).unwrap()).unwrap();
        Self { world, dir }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// A program runs while a person does something.
pub fn meanwhile<T: Send>(program: impl FnOnce() -> T + Send, person: impl FnOnce()) -> T {
    std::thread::scope(|scope| {
        let program = scope.spawn(program);
        person();
        program.join().unwrap()
    })
}

/// A `serve` with its terminal.
pub struct Serve {
    child: Child,
    stdin: ChildStdin,
    stdout: ChildStdout,
    seen: String,
}

impl Serve {
    pub fn start(home: &Home) -> Self {
        Self::start_with(home, &[])
    }

    pub fn start_with(home: &Home, arguments: &[&str]) -> Self {
        let mut child = countersign(home.path(), &[&["serve"], arguments].concat()).spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut serve = Self { child, stdin, stdout, seen: String::new() };
        serve.until("Listening on 127.0.0.1:");
        serve
    }

    /// Reads until this text came; gives everything before it.
    pub fn until(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = self.seen.find(text) {
                let rest = self.seen.split_off(at + text.len());
                return std::mem::replace(&mut self.seen, rest);
            }
            let mut chunk = [0; 4096];
            let length = self.stdout.read(&mut chunk).unwrap();
            assert!(length > 0, "ended before {text:?}: {}", self.seen);
            self.seen.push_str(std::str::from_utf8(&chunk[..length]).unwrap());
        }
    }

    pub fn say(&mut self, line: &str) {
        self.stdin.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// As the system ends it.
    pub fn end(mut self) {
        let pid = self.child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
    }
}
