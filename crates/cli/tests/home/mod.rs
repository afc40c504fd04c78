//! A wallet of its own on a practice world, and the command run on it: with its input, and serving.
#![allow(dead_code, reason = "not every test uses every part")]

use practice::World;
use serde_json::Value;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;
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
        let (home, address) = Self::unfunded().await;
        home.world.fund(address).unwrap();
        home
    }

    /// An account that was given tokens and never TRX.
    pub async fn with_tokens_alone() -> Self {
        let (home, address) = Self::unfunded().await;
        let gift = serde_json::json!({
            "address": address.to_string(), "token": home.world.usdt().to_string(), "amount": "100000000",
        });
        let url = format!("{}/devnet/faucet", home.world.node_url());
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        assert!(client.post(url).json(&gift).send().await.unwrap().status().is_success());
        home
    }

    async fn unfunded() -> (Self, tron::Address) {
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
        let address = tron::Address::parse(address).unwrap();
        (Self { world, dir }, address)
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

/// Long enough for every step on a busy machine: what takes longer never comes.
const PATIENCE: Duration = Duration::from_secs(120);

/// A `serve` with its terminal. Ends with the story, also with one that fails.
pub struct Serve {
    child: Child,
    stdin: ChildStdin,
    stdout: Receiver<Vec<u8>>,
    seen: Vec<u8>,
}

impl Serve {
    pub fn start(home: &Home) -> Self {
        Self::start_with(home, &[])
    }

    pub fn start_with(home: &Home, arguments: &[&str]) -> Self {
        let mut child = countersign(home.path(), &[&["serve"], arguments].concat()).spawn().unwrap();
        let (stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (chunks, received) = mpsc::channel();
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(length @ 1..) = stdout.read(&mut chunk) {
                if chunks.send(chunk[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        let mut serve = Self { child, stdin, stdout: received, seen: Vec::new() };
        serve.until("Listening on 127.0.0.1:");
        serve
    }

    /// Reads until this text came; gives everything before it.
    pub fn until(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = self.seen.windows(text.len()).position(|window| window == text.as_bytes()) {
                let rest = self.seen.split_off(at + text.len());
                return String::from_utf8(std::mem::replace(&mut self.seen, rest)).unwrap();
            }
            match self.stdout.recv_timeout(PATIENCE) {
                Ok(chunk) => self.seen.extend(chunk),
                Err(why) => panic!("{why} before {text:?}: {}", String::from_utf8_lossy(&self.seen)),
            }
        }
    }

    pub fn say(&mut self, line: &str) {
        self.stdin.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// As the system ends it.
    pub fn end(&mut self) {
        let pid = self.child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let ended = self.child.wait().unwrap();
        let mut said = String::new();
        let _ = self.child.stderr.take().map(|mut err| err.read_to_string(&mut said));
        assert!(ended.success(), "{ended}: {said}");
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        // One that ended already has nothing left to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
