//! `serve` and its kin at a real terminal: what was typed too early or too late counts for nothing, a passphrase never
//! stands there in clear, and a server goes on in the background, without its terminal, and says where to answer.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod folder;
mod home;
mod pty;

use folder::Folder;
use home::{Home, PASSPHRASE, countersign, run};
use nix::sys::signal::Signal;
use pty::Terminal;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command};

/// Where the owner of this folder listens.
fn address(dir: &Path) -> Option<String> {
    let text = std::fs::read_to_string(dir.join("runtime.json")).ok()?;
    Some(serde_json::from_str::<Value>(&text).ok()?["address"].as_str()?.to_owned())
}

/// A call of a program.
fn call(dir: &Path, method: &str, path: &str, body: &Value) -> Value {
    let address = address(dir).unwrap();
    let mut stream = TcpStream::connect(&address).unwrap();
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// A program asks to be paired; its number.
fn ask(dir: &Path, name: &str) -> String {
    call(dir, "POST", "/v1/pairings", &json!({ "name": name }))["id"].as_str().unwrap().to_owned()
}

/// Pairings that wait for a person.
fn waiting(dir: &Path) -> usize {
    let status: Value = serde_json::from_str(&run(dir, &["status", "--json"], "").out).unwrap();
    status["openPairings"].as_u64().unwrap().try_into().unwrap()
}

fn apps(dir: &Path) -> Vec<Value> {
    serde_json::from_str(&run(dir, &["apps", "--json"], "").out).unwrap()
}

fn serve(dir: &Path, arguments: &[&str]) -> Command {
    countersign(dir, &[&["serve"], arguments].concat())
}

/// A `pay` whose question another process asks.
fn pay(home: &Home) -> Child {
    countersign(home.path(), &["pay", &home.world.cheap_url()]).spawn().unwrap()
}

fn withdraw(mut pay: Child) {
    let pid = nix::unistd::Pid::from_raw(pay.id().try_into().unwrap());
    nix::sys::signal::kill(pid, Signal::SIGINT).unwrap();
    pay.wait().unwrap();
}

#[test]
fn twenty_lines_typed_early_or_late_answer_no_pairing() {
    let folder = Folder::with_wallet();
    let dir = folder.dir();
    let mut terminal = Terminal::start(&serve(&dir, &["--locked"]));
    terminal.until("Listening on");
    // Nothing is asked: read, told, and for nothing.
    for _ in 0..5 {
        terminal.say("yes");
        terminal.until("Nothing is asked");
    }
    // Typed, and not even read yet, when the question comes.
    terminal.signal(Signal::SIGSTOP);
    for _ in 0..5 {
        terminal.say("yes");
    }
    terminal.signal(Signal::SIGCONT);
    ask(&dir, "Stranger");
    terminal.until("\"Stranger\" asks to be paired");
    // While it stands there for a moment, before its prompt.
    for _ in 0..5 {
        terminal.say("yes");
    }
    terminal.until("counts for nothing");
    terminal.until("[yes/no] ");
    assert_eq!((waiting(&dir), apps(&dir).len()), (1, 0), "{}", terminal.seen);
    // Answered elsewhere, while half a word stands there; what follows is late.
    terminal.type_in("ye");
    assert_eq!(run(&dir, &["pairings", "reject", &code(&dir)], "").status, 0);
    terminal.until("That question is over.");
    for line in ["s", "yes", "yes", "yes", "yes"] {
        terminal.say(line);
    }
    ask(&dir, "Another");
    terminal.until("\"Another\" asks to be paired");
    terminal.until("[yes/no] ");
    assert_eq!((waiting(&dir), apps(&dir).len()), (1, 0), "{}", terminal.seen);
    // It is heard as ever.
    terminal.say("what?");
    terminal.until("Please type the whole word");
    terminal.until("[yes/no] ");
    terminal.type_in("\u{4}");
    terminal.until("[yes/no] ");
    terminal.say("yes");
    terminal.until_unseen("Passphrase: ");
    terminal.say(PASSPHRASE);
    while apps(&dir).is_empty() {
        assert!(terminal.is_running());
    }
    terminal.type_in("\u{3}");
    assert_eq!(terminal.end(), 0, "{}", terminal.seen);
}

/// Of the one pairing that waits.
fn code(dir: &Path) -> String {
    let list: Value = serde_json::from_str(&run(dir, &["pairings", "--json"], "").out).unwrap();
    list[0]["code"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passphrase_typed_ahead_pays_nothing_and_one_typed_late_is_never_shown() {
    let home = Home::open().await;
    let mut terminal = Terminal::start(&serve(home.path(), &["--locked"]));
    terminal.until("Listening on");
    let first = pay(&home);
    terminal.until("[yes/no] ");
    // Both at once: the yes counts, the passphrase was there before it was asked for.
    terminal.say(&format!("yes\n{PASSPHRASE}"));
    terminal.until_unseen("Passphrase, to pay");
    assert!(home::rows(home.path()).iter().all(|row| row["state"] == "asked"));
    let echoed = terminal.seen.matches(PASSPHRASE).count();
    // The program gives up in this moment; the person does not know and types on.
    withdraw(first);
    terminal.until("That question is over.");
    terminal.type_in(PASSPHRASE);
    terminal.say("");
    // The next one is shown and heard.
    let second = pay(&home);
    terminal.until("[yes/no] ");
    terminal.say("yes");
    terminal.until_unseen("Passphrase, to pay");
    terminal.say("wrong");
    terminal.until("not the right one");
    terminal.until_unseen("Passphrase, to pay");
    terminal.say(PASSPHRASE);
    terminal.until("Approved; the allowance is on its way");
    let paid = second.wait_with_output().unwrap();
    assert!(paid.status.success(), "{paid:?}");
    // Whoever typed before the prompt saw it; whoever typed at one, or late, did not.
    assert_eq!(terminal.seen.matches(PASSPHRASE).count(), echoed, "{}", terminal.seen);
    assert!(terminal.shows_keys());
    let states: Vec<String> =
        home::rows(home.path()).iter().map(|row| row["state"].as_str().unwrap().to_owned()).collect();
    assert_eq!(states, ["signed", "cancelled"]);
    // Ctrl+C at a passphrase gives the terminal back.
    let third = pay(&home);
    terminal.until("[yes/no] ");
    terminal.say("yes");
    terminal.until_unseen("Passphrase, to pay");
    terminal.type_in("\u{3}");
    assert_eq!(terminal.end(), 0, "{}", terminal.seen);
    assert!(terminal.shows_keys());
    withdraw(third);
}

#[tokio::test(flavor = "multi_thread")]
async fn pay_and_answer_in_a_terminal_hear_only_what_is_typed_at_their_prompts_and_end_with_their_question() {
    let home = Home::open().await;
    let url = home.world.cheap_url();
    let mut payer = Terminal::start(&countersign(home.path(), &["pay", &url]));
    payer.say("yes");
    payer.until("asks to pay 0.05 USDT");
    payer.say(&format!("yes\n{PASSPHRASE}"));
    payer.until("[yes/no] ");
    assert!(home::rows(home.path()).iter().all(|row| row["state"] == "asked"));
    // Beside it every other command works, and the question can be answered there.
    assert_eq!(run(home.path(), &["status"], "").status, 0);
    let mut other = Terminal::start(&countersign(home.path(), &["answer"]));
    other.until("[yes/no] ");
    let answered = run(home.path(), &["answer"], &format!("yes\n{PASSPHRASE}\n"));
    assert_eq!(answered.status, 0, "{}{}", answered.out, answered.err);
    assert_eq!(payer.end(), 0, "{}", payer.seen);
    assert_eq!(other.end(), 5, "{}", other.seen);
    assert!(other.seen.contains("the question is over"), "{}", other.seen);
}

#[test]
fn a_server_in_the_background_goes_on_and_is_answered_elsewhere_or_once_it_is_in_front() {
    let folder = Folder::with_wallet();
    let dir = folder.dir();
    let program = env!("CARGO_BIN_EXE_countersign");
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-i"]).env_clear();
    let mut terminal = Terminal::start(&bash);
    terminal.say("PS1='ready> '; stty tostop");
    terminal.until("ready> ");
    // Without a passphrase that somebody gave it does not wait for one that nobody can type.
    terminal.say(&format!("{program} serve --data-dir {} &", dir.display()));
    terminal.until("Listening on");
    assert!(terminal.seen.contains("it starts locked"), "{}", terminal.seen);
    ask(&dir, "Night job");
    terminal.until("In the background no line is read here");
    assert_eq!(call(&dir, "GET", "/v1/health", &Value::Null)["name"], "countersign");
    // A line for the shell is the shell's.
    terminal.say("a-line-for-the-shell");
    terminal.until("command not found");
    assert_eq!(waiting(&dir), 1);
    assert_eq!(run(&dir, &["pairings", "reject", &code(&dir)], "").status, 0);
    terminal.until("That question is over.");
    ask(&dir, "Day job");
    terminal.until("\"Day job\" asks to be paired");
    terminal.say("fg");
    terminal.until("[yes/no] ");
    terminal.say("yes");
    terminal.until_unseen("Passphrase: ");
    terminal.say(PASSPHRASE);
    while apps(&dir).is_empty() {
        assert_eq!(call(&dir, "GET", "/v1/health", &Value::Null)["name"], "countersign");
    }
    assert_eq!(terminal.seen.matches("In the background no line").count(), 1, "{}", terminal.seen);
    // Stopped by Ctrl+Z, and on again in the background: as before.
    terminal.type_in("\u{1a}");
    terminal.until("Stopped");
    terminal.say("bg");
    while run(&dir, &["status"], "").status != 0 {}
    ask(&dir, "Third");
    terminal.until("\"Third\" asks to be paired");
    assert_eq!(waiting(&dir), 1);
    terminal.say("kill %1; wait");
    terminal.until("ready> ");
    terminal.say("exit");
    terminal.end();
    assert!(!dir.join("runtime.json").exists());
}

#[test]
fn a_process_that_is_stopped_is_named_within_seconds() {
    let folder = Folder::with_wallet();
    let dir = folder.dir();
    let mut terminal = Terminal::start(&serve(&dir, &["--locked"]));
    terminal.until("Listening on");
    terminal.signal(Signal::SIGSTOP);
    let named = format!("process {} does not answer (is it stopped?)", terminal.pid());
    for arguments in [&["status"][..], &["answer", "--list"], &["ledger"], &["pay", "http://127.0.0.1:1/"]] {
        let ran = run(&dir, arguments, "");
        if arguments[0] != "pay" {
            assert_eq!(ran.status, 10, "{arguments:?}: {}", ran.err);
            assert!(ran.err.contains(&named) && ran.err.contains("It is stopped. Let it go on"), "{}", ran.err);
        }
    }
    terminal.signal(Signal::SIGCONT);
    let ran = run(&dir, &["status"], "");
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(ran.out.contains(&terminal.pid().to_string()), "{}", ran.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_stops_while_a_command_waits_for_it_is_named() {
    let home = Home::open().await;
    let mut terminal = Terminal::start(&serve(home.path(), &["--locked"]));
    terminal.until("Listening on");
    let pay = pay(&home);
    terminal.until("[yes/no] ");
    terminal.signal(Signal::SIGSTOP);
    let ended = pay.wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(10), "{said}");
    assert!(said.contains(&format!("process {} does not answer", terminal.pid())), "{said}");
    terminal.signal(Signal::SIGCONT);
}

#[test]
fn a_server_whose_terminal_is_gone_goes_on() {
    let folder = Folder::with_wallet();
    let dir = folder.dir();
    let mut terminal = Terminal::start(&serve(&dir, &["--locked"]));
    terminal.until("Listening on");
    terminal.close();
    ask(&dir, "Night job");
    assert_eq!(waiting(&dir), 1);
    let approved = run(&dir, &["pairings", "approve", &code(&dir)], &format!("{PASSPHRASE}\n"));
    assert_eq!(approved.status, 0, "{}", approved.err);
    assert_eq!(apps(&dir).len(), 1);
    assert!(terminal.is_running());
    terminal.signal(Signal::SIGTERM);
    assert_eq!(terminal.wait(), 0);
    assert!(!dir.join("runtime.json").exists());
}

#[test]
fn a_port_that_is_taken_is_told_before_a_passphrase_is_typed() {
    let folder = Folder::with_wallet();
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = held.local_addr().unwrap().port().to_string();
    let mut terminal = Terminal::start(&serve(&folder.dir(), &["--port", &port]));
    assert_eq!(terminal.end(), 1, "{}", terminal.seen);
    assert!(terminal.seen.contains("is taken by") && !terminal.seen.contains("Passphrase"), "{}", terminal.seen);
    // Free, it is asked for, and nobody hears there before.
    drop(held);
    let mut terminal = Terminal::start(&serve(&folder.dir(), &["--port", &port]));
    terminal.until_unseen("Passphrase, to unlock: ");
    assert!(TcpStream::connect(format!("127.0.0.1:{port}")).is_err());
    terminal.say(PASSPHRASE);
    terminal.until("Listening on");
    assert!(!folder.is_locked());
}

#[test]
fn words_that_are_pasted_in_many_lines_are_never_shown() {
    let folder = Folder::empty();
    let mut terminal = Terminal::start(&countersign(&folder.dir(), &["init", "--import"]));
    terminal.until_unseen("The words (an empty line ends them): ");
    terminal.type_in(&format!("{}\n\n", folder::words().replace(' ', "\n")));
    terminal.until_unseen("Choose a passphrase: ");
    terminal.say(PASSPHRASE);
    terminal.until_unseen("The passphrase again: ");
    terminal.say(PASSPHRASE);
    terminal.until(folder::FIRST);
    assert_eq!(terminal.end(), 0, "{}", terminal.seen);
    assert!(terminal.shows_keys() && !terminal.seen.contains("abandon"), "{}", terminal.seen);
    assert!(!terminal.seen.contains(PASSPHRASE), "{}", terminal.seen);
}
