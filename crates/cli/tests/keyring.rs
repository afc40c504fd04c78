//! An unlock remembered by the keyring of the system, in every state that such a keyring is found in: there and
//! unlocked, locked, absent with and without a bus, emptied over a reboot, and hanging. A real gnome-keyring on a bus
//! of its own, and the real command. Each time the passphrase opens the wallet and nothing is turned off in silence.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bus;

use bus::{Bus, Held};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::sync::mpsc;

const PASSPHRASE: &str = "correct horse battery";
const NAME: &str = "org.freedesktop.secrets";
/// A person's session: a home, perhaps a bus, perhaps a keyring on it.
struct Session {
    folder: tempfile::TempDir,
    keyring: Option<Held>,
    bus: Option<Bus>,
}

impl Session {
    fn without_bus() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["home", "run"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self { folder, keyring: None, bus: None }
    }

    fn with_bus() -> Self {
        let mut session = Self::without_bus();
        session.bus = Some(Bus::start(session.folder.path()));
        session
    }

    /// With its keyring unlocked, as a login does it.
    fn with_keyring() -> Self {
        let mut session = Self::with_bus();
        session.start_keyring(true);
        session
    }

    fn start_keyring(&mut self, unlocked: bool) {
        let connection = self.connect();
        let bus = zbus::blocking::fdo::DBusProxy::new(&connection).unwrap();
        let appears = bus.receive_name_owner_changed_with_args(&[(0, NAME)]).unwrap();
        let mut command = self.command("gnome-keyring-daemon");
        command.args(["--foreground", "--components=secrets"]).stdin(Stdio::piped());
        if unlocked {
            command.arg("--unlock");
        }
        let mut child = command.spawn().expect("gnome-keyring-daemon, from the package gnome-keyring");
        let mut stdin = child.stdin.take().unwrap();
        // The password of the keyring; the line's end matters.
        stdin.write_all(b"of the login\n").unwrap();
        drop(stdin);
        self.keyring = Some(Held(child));
        let owned = |event: &zbus::fdo::NameOwnerChanged| event.args().unwrap().new_owner.is_some();
        appears.into_iter().find(owned).unwrap();
    }

    fn stop_keyring(&mut self) {
        self.keyring = None;
    }

    fn connect(&self) -> zbus::blocking::Connection {
        self.bus.as_ref().unwrap().builder().build().unwrap()
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        command.env("HOME", self.folder.path().join("home")).env("XDG_RUNTIME_DIR", self.folder.path().join("run"));
        if let Some(bus) = &self.bus {
            command.env("DBUS_SESSION_BUS_ADDRESS", &bus.address);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// A wallet of twelve words, the first of which counts.
    fn wallet(&self, name: &str) -> Wallet<'_> {
        let wallet = Wallet { session: self, dir: self.folder.path().join(name) };
        std::fs::create_dir(&wallet.dir).unwrap();
        // Nothing is asked over the network.
        let nowhere = ["mainnet", "nile", "shasta"].map(|n| format!("[[{n}]]\nurl = \"http://127.0.0.1:1\"\n"));
        let config = format!("port = 0\nlog_level = \"trace\"\n{}", nowhere.concat());
        std::fs::write(wallet.dir.join("config.toml"), config).unwrap();
        let words = format!("{}about\n{PASSPHRASE}\n", "abandon ".repeat(11));
        wallet.ok(&["init", "--import"], &words);
        wallet
    }

    /// What the keyring has for this name.
    fn kept(&self, id: &str) -> String {
        let run = self.command("secret-tool").args(["lookup", "service", "countersign", "username", id]).output();
        String::from_utf8(run.unwrap().stdout).unwrap()
    }
}

struct Wallet<'a> {
    session: &'a Session,
    dir: PathBuf,
}

struct Ran {
    status: i32,
    text: String,
}

impl Wallet<'_> {
    fn countersign(&self, arguments: &[&str]) -> Command {
        let mut command = self.session.command(env!("CARGO_BIN_EXE_countersign"));
        command.args(arguments).arg("--data-dir").arg(&self.dir);
        command
    }

    fn run(&self, arguments: &[&str], input: &str) -> Ran {
        let mut child = self.countersign(arguments).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        assert!(!text.contains("panicked"), "{text}");
        Ran { status: output.status.code().unwrap(), text }
    }

    fn ok(&self, arguments: &[&str], input: &str) -> String {
        let ran = self.run(arguments, input);
        assert_eq!(ran.status, 0, "{arguments:?}: {}", ran.text);
        ran.text
    }

    fn fails(&self, arguments: &[&str], input: &str) -> String {
        let ran = self.run(arguments, input);
        assert_ne!(ran.status, 0, "{arguments:?}: {}", ran.text);
        ran.text
    }

    fn remember(&self, how: &[&str]) {
        self.ok(&[&["keyring", "on"], how].concat(), &format!("{PASSPHRASE}\n"));
    }

    fn status(&self) -> Value {
        serde_json::from_str(&self.ok(&["status", "--json"], "")).unwrap()
    }

    fn way(&self) -> String {
        self.status()["remembered"]["way"].as_str().unwrap().to_owned()
    }

    fn locked(&self) -> bool {
        self.status()["locked"].as_bool().unwrap()
    }

    /// The name of the secret in the keyring, if the file has one.
    fn id(&self) -> Option<String> {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let file: Value = serde_json::from_slice(&std::fs::read(self.dir.join("vault.json")).unwrap()).unwrap();
        let id = STANDARD.decode(file["remembered"]["id"].as_str()?).unwrap();
        Some(hex::encode(id))
    }

    /// The passphrase opens it, whatever the keyring does.
    fn opens_with_the_passphrase(&self) {
        self.ok(&["unlock"], &format!("{PASSPHRASE}\n"));
        assert!(!self.locked());
    }

    fn serve(&self) -> Serve {
        // All that any library has to say goes to a file: a pipe would fill up.
        let err = self.dir.with_extension("stderr");
        let mut command = self.countersign(&["serve"]);
        command.env("COUNTERSIGN_LOG", "trace").stderr(std::fs::File::create(&err).unwrap());
        let mut child = command.spawn().unwrap();
        drop(child.stdin.take());
        let out = BufReader::new(child.stdout.take().unwrap());
        let (lines, said) = mpsc::channel();
        std::thread::spawn(move || read(out, &lines));
        Serve { child: Held(child), said, err, heard: String::new() }
    }
}

fn read(mut out: BufReader<ChildStdout>, lines: &mpsc::Sender<String>) {
    let mut line = String::new();
    while out.read_line(&mut line).is_ok_and(|n| n > 0) && lines.send(std::mem::take(&mut line)).is_ok() {}
}

/// A `serve` without a terminal.
struct Serve {
    child: Held,
    said: mpsc::Receiver<String>,
    err: PathBuf,
    heard: String,
}

impl Serve {
    /// Waits until it says this.
    fn says(&mut self, text: &str) {
        while !self.heard.contains(text) {
            match self.said.recv() {
                Ok(line) => self.heard.push_str(&line),
                Err(_) => panic!("it ended without {text:?}: {}", self.heard),
            }
        }
    }

    /// Ends it politely; everything that it said.
    fn end(mut self) -> String {
        let id = self.child.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.heard.extend(self.said.iter());
        self.heard.push_str(&std::fs::read_to_string(&self.err).unwrap());
        assert!(self.child.0.wait().unwrap().success(), "{}", self.heard);
        assert!(!self.heard.contains("panicked"), "{}", self.heard);
        self.heard
    }
}

fn everything_in(dir: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => text.push_str(&everything_in(&path)),
            false => text.push_str(&String::from_utf8_lossy(&std::fs::read(&path).unwrap())),
        }
    }
    text
}

#[test]
fn there_and_unlocked_it_unlocks_at_a_start_where_that_was_chosen_and_after_a_lock_only_when_asked() {
    let session = Session::with_keyring();
    let wallet = session.wallet("one");
    // Off, until the passphrase turns it on.
    assert_eq!((wallet.way().as_str(), wallet.id()), ("never", None));
    assert!(wallet.fails(&["keyring", "on"], "not this\n").contains("passphrase"));
    assert_eq!(wallet.id(), None);
    wallet.remember(&["--at-start"]);
    assert!(wallet.ok(&["status"], "").contains("remembered by the keyring of this computer, also at a start"));

    let mut serve = wallet.serve();
    serve.says("Unlocked; the keyring");
    assert!(!wallet.locked());
    // A lock holds until somebody asks.
    wallet.ok(&["lock"], "");
    assert!(wallet.locked());
    wallet.ok(&["unlock", "--keyring"], "");
    assert!(!wallet.locked());
    // What asks for the passphrase goes on asking.
    let pipe = wallet.fails(&["accounts", "export", "Account 1", "--keystore", "/dev/null/x"], "\n");
    assert!(!pipe.contains("Written"), "{pipe}");
    assert!(wallet.fails(&["accounts", "add", "Second"], "not this\n").contains("passphrase"));
    wallet.opens_with_the_passphrase();

    // Only when asked: the next start stays locked.
    wallet.remember(&[]);
    serve.end();
    let mut serve = wallet.serve();
    serve.says("Listening on");
    assert!(wallet.locked());
    wallet.ok(&["unlock", "--keyring"], "");
    // Turned off: gone from the file and from the keyring.
    let id = wallet.id().unwrap();
    assert_eq!(session.kept(&id).len(), 64);
    assert!(wallet.ok(&["keyring", "off"], "").contains("Takes the passphrase"));
    assert_eq!((wallet.id(), session.kept(&id)), (None, String::new()));
    wallet.ok(&["lock"], "");
    assert!(wallet.fails(&["unlock", "--keyring"], "").contains("the passphrase opens it"));
    wallet.opens_with_the_passphrase();
    serve.end();
}

#[test]
fn locked_it_says_so_keeps_what_was_chosen_and_helps_again_once_it_is_unlocked() {
    let mut session = Session::with_keyring();
    session.wallet("one").remember(&["--at-start"]);
    session.stop_keyring();
    session.start_keyring(false);
    let wallet = Wallet { dir: session.folder.path().join("one"), session: &session };
    let mut serve = wallet.serve();
    serve.says("The passphrase opens the wallet as before");
    assert!(serve.heard.contains("keyring of this computer is locked"), "{}", serve.heard);
    assert!(wallet.locked());
    assert!(wallet.fails(&["unlock", "--keyring"], "").contains("is locked"));
    assert!(wallet.ok(&["status"], "").contains("is locked"));
    wallet.opens_with_the_passphrase();
    assert_eq!(wallet.way(), "atStart");
    wallet.ok(&["lock"], "");
    let id = wallet.id().unwrap();
    // Turning it on anew with a locked keyring changes nothing.
    assert!(wallet.fails(&["keyring", "on"], &format!("{PASSPHRASE}\n")).contains("is locked"));
    assert_eq!(wallet.id(), Some(id));
    serve.end();

    session.stop_keyring();
    session.start_keyring(true);
    let wallet = Wallet { dir: session.folder.path().join("one"), session: &session };
    let mut serve = wallet.serve();
    serve.says("Unlocked; the keyring");
    assert_eq!(wallet.status()["remembered"]["problem"], Value::Null);
    serve.end();
}

/// What holds wherever no keyring answers.
fn nobody_answers(session: &Session) {
    let fresh = session.wallet("fresh");
    let refused = fresh.fails(&["keyring", "on", "--at-start"], &format!("{PASSPHRASE}\n"));
    assert!(refused.contains("No keyring answers on this computer ("), "{refused}");
    assert_eq!((fresh.way().as_str(), fresh.id()), ("never", None));

    // One that was remembered where there was a keyring.
    let there = Session::with_keyring();
    there.wallet("one").remember(&["--at-start"]);
    let dir = session.folder.path().join("one");
    std::fs::rename(there.folder.path().join("one"), &dir).unwrap();
    let wallet = Wallet { session, dir };
    let mut serve = wallet.serve();
    serve.says("The passphrase opens the wallet as before");
    assert!(serve.heard.contains("No keyring answers on this computer ("), "{}", serve.heard);
    assert!(wallet.locked());
    assert!(wallet.fails(&["unlock", "--keyring"], "").contains("No keyring answers"));
    assert!(wallet.ok(&["status"], "").contains("No keyring answers"));
    wallet.opens_with_the_passphrase();
    // Still chosen: a keyring that is away today is no reason to forget it.
    assert_eq!(wallet.way(), "atStart");
    assert!(wallet.ok(&["keyring", "off"], "").contains("Takes the passphrase"));
    assert_eq!(wallet.id(), None);
    serve.end();
}

#[test]
fn without_a_session_bus_it_says_so_and_the_passphrase_opens() {
    nobody_answers(&Session::without_bus());
}

#[test]
fn on_a_bus_without_a_keyring_it_says_so_and_the_passphrase_opens() {
    nobody_answers(&Session::with_bus());
}

#[test]
fn emptied_over_a_reboot_it_is_turned_off_and_told() {
    let mut session = Session::with_keyring();
    session.wallet("one").remember(&["--at-start"]);
    session.stop_keyring();
    std::fs::remove_dir_all(session.folder.path().join("home/.local")).unwrap();
    session.start_keyring(true);
    let wallet = Wallet { dir: session.folder.path().join("one"), session: &session };
    let mut serve = wallet.serve();
    serve.says("The passphrase opens the wallet as before");
    assert!(serve.heard.contains("nothing for this wallet any more"), "{}", serve.heard);
    assert!(wallet.locked());
    assert_eq!((wallet.way().as_str(), wallet.id()), ("never", None));
    assert!(wallet.ok(&["status"], "").contains("turn it on again"));
    wallet.opens_with_the_passphrase();
    wallet.remember(&[]);
    assert_eq!(wallet.status()["remembered"]["problem"], Value::Null);
    serve.end();
}

#[test]
fn one_that_hangs_holds_up_neither_the_start_nor_the_passphrase() {
    let session = Session::with_keyring();
    session.wallet("one").remember(&["--at-start"]);
    let hanging = Session::with_bus();
    // It has the name and never answers.
    let silent = hanging.connect();
    silent.request_name(NAME).unwrap();
    let dir = hanging.folder.path().join("one");
    std::fs::rename(session.folder.path().join("one"), &dir).unwrap();
    let wallet = Wallet { session: &hanging, dir };
    let mut serve = wallet.serve();
    serve.says("Asking the keyring");
    serve.says("Listening on");
    assert!(wallet.locked());
    assert!(wallet.fails(&["unlock", "--keyring"], "").contains("still waits with an earlier request"));
    wallet.opens_with_the_passphrase();
    assert_eq!(wallet.way(), "atStart");
    serve.end();
}

#[test]
fn the_secret_of_another_wallet_opens_nothing_and_is_told() {
    let session = Session::with_keyring();
    let (one, other) = (session.wallet("one"), session.wallet("other"));
    one.remember(&[]);
    other.remember(&[]);
    let (id, foreign) = (one.id().unwrap(), session.kept(&other.id().unwrap()));
    assert_ne!(session.kept(&id), foreign);
    let mut store = session.command("secret-tool");
    store.args(["store", "--label", "x", "service", "countersign", "username", &id]);
    let mut child = store.spawn().unwrap();
    child.stdin.take().unwrap().write_all(foreign.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    let mut serve = one.serve();
    serve.says("Listening on");
    assert!(one.fails(&["unlock", "--keyring"], "").contains("does not open this wallet"));
    assert!(one.locked());
    assert_eq!((one.way().as_str(), session.kept(&id)), ("never", String::new()));
    one.opens_with_the_passphrase();
    serve.end();
    let mut serve = other.serve();
    serve.says("Listening on");
    other.ok(&["unlock", "--keyring"], "");
    serve.end();
}

#[test]
fn another_passphrase_and_a_restore_from_words_forget_it_in_file_and_keyring() {
    let session = Session::with_keyring();
    let wallet = session.wallet("one");
    wallet.remember(&["--at-start"]);
    let id = wallet.id().unwrap();
    wallet.ok(&["passphrase"], &format!("{PASSPHRASE}\nanother horse\n"));
    assert_eq!((wallet.id(), session.kept(&id)), (None, String::new()));
    wallet.ok(&["keyring", "on"], "another horse\n");
    let id = wallet.id().unwrap();
    wallet.ok(&["restore"], &format!("{}about\n{PASSPHRASE}\n", "abandon ".repeat(11)));
    assert_eq!((wallet.id(), session.kept(&id)), (None, String::new()));
}

#[test]
fn the_secret_is_in_the_keyring_alone() {
    let session = Session::with_keyring();
    let wallet = session.wallet("one");
    wallet.remember(&["--at-start"]);
    let secret = session.kept(&wallet.id().unwrap());
    assert_eq!(secret.len(), 64, "hex digits");
    let mut serve = wallet.serve();
    serve.says("Unlocked; the keyring");
    wallet.ok(&["lock"], "");
    wallet.ok(&["unlock", "--keyring"], "");
    let mut said = serve.end();
    let files = everything_in(&wallet.dir);
    assert!(
        said.contains("TRACE") && said.contains("zbus") && files.contains("INFO wallet"),
        "the logs are among them"
    );
    said.push_str(&files);
    assert!(!said.contains(&secret) && !said.contains(PASSPHRASE));
    // And no passphrase or word in the keyring.
    let shown = session.command("secret-tool").args(["search", "--all", "service", "countersign"]).output().unwrap();
    let shown = String::from_utf8([shown.stdout, shown.stderr].concat()).unwrap();
    assert!(shown.contains(&secret) && !shown.contains("abandon") && !shown.contains(PASSPHRASE), "{shown}");
}
