//! `inspect ID --network …` against a node that says what a real one said: everything of a transaction is told by its
//! id alone.

#![allow(clippy::unwrap_used)]

mod folder;
mod home;

use folder::Folder;
use home::{Home, PASSPHRASE, rows, run};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

/// A node that knows these transactions; everything is final there where `is_final` says so.
fn node(known: Vec<Value>, is_final: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let known = Arc::new(known);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let known = Arc::clone(&known);
            std::thread::spawn(move || serve(stream, &known, is_final));
        }
    });
    url
}

fn serve(stream: TcpStream, known: &[Value], is_final: bool) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut writer = stream;
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).ok()? == 0 {
                return None;
            }
        }
        let length = head.to_ascii_lowercase().split("content-length: ").nth(1)?.split("\r\n").next()?.parse().ok()?;
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let path = head.split(' ').nth(1)?.trim_start_matches('/');
        let answer = answer(path, &serde_json::from_slice(&body).unwrap_or_default(), known, is_final).to_string();
        let length = answer.len();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n");
        writer.write_all(format!("{head}{answer}").as_bytes()).ok()?;
    }
}

fn answer(path: &str, asked: &Value, known: &[Value], is_final: bool) -> Value {
    let (door, call) = path.split_once('/').unwrap_or(("", path));
    if door == "walletsolidity" && !is_final {
        return json!({});
    }
    let one = known.iter().find(|one| match call {
        "getaccount" => one["getaccount"]["address"] == asked["address"],
        _ => one["gettransactionbyid"]["txID"] == asked["value"],
    });
    one.and_then(|one| one.get(call)).cloned().unwrap_or_else(|| json!({}))
}

fn says() -> Value {
    serde_json::from_str(include_str!("node-says.json")).unwrap()
}

/// What `inspect` prints for a transaction's id.
fn inspect(folder: &Folder, said: &Value) -> String {
    let id = said["gettransactionbyid"]["txID"].as_str().unwrap();
    let ran = folder.run(&["inspect", "--network", "nile", id], "");
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    ran.out
}

fn folder(known: Vec<Value>, is_final: bool) -> Folder {
    let folder = Folder::empty();
    let config = format!("port = 0\n[[nile]]\nurl = \"{}\"\n", node(known, is_final));
    std::fs::write(folder.dir().join("config.toml"), config).unwrap();
    folder
}

#[test]
fn a_transaction_that_was_looked_up_is_told_as_one_that_was_pasted() {
    let says = says();
    let all: Vec<Value> = says.as_object().unwrap().values().cloned().collect();
    let folder = folder(all.clone(), true);
    for (name, wanted) in [
        (
            "reverted",
            &[
                "Looked up on TRON Nile: block 24, REVERT. It calls transfer (a TRC-20 transfer).",
                "REVERT: “TRC20: transfer amount exceeds balance”",
                "why                        TRC20: transfer amount exceeds balance",
                "paid to                    TMDvzMXWnCwcB7SNtC1u4p5UQnLMta2r3V",
                "amount                     1000000000 USDT",
                "energy                     727 units",
                "paid by                    TX5TdJt15qGfJvo67qucG3uj5kGPvAXixV",
            ][..],
        ),
        (
            "multi-signed",
            &[
                "Looked up on TRON Nile: block 30, SUCCESS. It moves 0.000011 TRX.",
                "permission                 2",
                "Signed by another key of the account: By TX5TdJt15qGfJvo67qucG3uj5kGPvAXixV, with permission 2.",
                "Signed by another key of the account: By TM6A3rtwRXWisqsw7FthnBg3hGCz4GJM7m, with permission 2.",
                "the permission, as it is now, id 2",
                "signs by it                2 of 2 keys",
                "amount                     0.000011 TRX",
                "for several signatures",
            ],
        ),
        (
            "memo",
            &[
                "Looked up on TRON Nile: block 20, SUCCESS. It moves 0.000003 TRX.",
                "memo                       order 7: thank you",
                "amount                     0.000003 TRX",
                "for the memo",
            ],
        ),
        (
            "transfer",
            &["amount                     1 TRX", "nothing was burnt", "bandwidth                  267 bytes"],
        ),
        (
            "token transfer",
            &["what moved", "amount                     1.5 USDT", "energy                     27943 units", "final"],
        ),
    ] {
        let out = inspect(&folder, &says[name]);
        for words in wanted {
            assert!(out.contains(words), "{name}: no {words:?} in\n{out}");
        }
        for words in ["Not looked up", "To look it up", "account's permissions on the chain say"] {
            assert!(!out.contains(words), "{name}: {words:?} in\n{out}");
        }
        // A transaction that was pasted and looked up says no more that the chain was not asked.
        let path = folder.path("pasted.json");
        std::fs::write(&path, says[name]["gettransactionbyid"].to_string()).unwrap();
        let both = folder.run(&["inspect", "--network", "nile", path.to_str().unwrap()], "").out;
        for words in ["which the chain knows and this document does not", "only the account's permissions"] {
            assert!(!both.contains(words), "{name}: {words:?} in\n{both}");
        }
        assert_eq!(both.contains("the permission, as it is now, id 2"), name == "multi-signed", "{both}");
        // The same fields as of the transaction itself.
        let pasted = folder.run(&["inspect", "--offline"], &says[name]["gettransactionbyid"].to_string()).out;
        let fields = |out: &str, name: &str| -> Vec<String> {
            let of = out.lines().map(str::trim).skip_while(|line| *line != name).take_while(|line| !line.is_empty());
            of.map(str::to_owned).collect()
        };
        for group in ["transaction", "call"] {
            assert_eq!(fields(&out, group), fields(&pasted, group), "{name}");
        }
    }
}

#[test]
fn a_transaction_that_waits_for_a_block_is_told_and_another_one_is_not_believed() {
    let says = says();
    let mut waiting = says["transfer"].clone();
    waiting["gettransactioninfobyid"] = json!({});
    let out = inspect(&folder(vec![waiting], false), &says["transfer"]);
    assert!(out.starts_with("Looked up on TRON Nile: sent, in no block yet. It moves 1 TRX."), "{out}");
    assert!(out.contains("amount                     1 TRX") && !out.contains("what it cost"), "{out}");
    // Who may sign is not settled before a block has it.
    let mut half = says["multi-signed"].clone();
    half["gettransactioninfobyid"] = json!({});
    let out = inspect(&folder(vec![half], false), &says["multi-signed"]);
    assert!(out.contains("Signed by another key: ") && !out.contains("A block has it"), "{out}");

    // Under the id that was asked for the node gives somebody else's transaction.
    let mut lie = says["transfer"].clone();
    let id = lie["gettransactionbyid"]["txID"].clone();
    lie["gettransactionbyid"] = says["memo"]["gettransactionbyid"].clone();
    lie["gettransactionbyid"]["txID"] = id;
    let out = inspect(&folder(vec![lie], false), &says["transfer"]);
    assert!(out.contains("The node told another transaction") && !out.contains("thank you"), "{out}");
    assert!(out.contains("not final yet"), "{out}");
}

/// The practice chain answers as a node does: a payment of one's own is told by its id alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_settled_is_told_by_its_transactions_id() {
    let home = Home::open().await;
    let paid = run(home.path(), &["pay", &home.world.permit2_url()], &format!("yes\n{PASSPHRASE}\n"));
    assert_eq!(paid.status, 0, "{}", paid.err);
    let row = rows(home.path()).remove(0);
    let ran = run(home.path(), &["inspect", "--network", "nile", row["transaction"].as_str().unwrap()], "");
    assert_eq!(ran.status, 0, "{}", ran.err);
    for words in [
        "SUCCESS. It calls settle (exact by Permit2).",
        "price                      0.06 USDT",
        "paid by                    TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH",
        "what moved",
        "TRX burnt for energy",
        "ok   Signature holds",
    ] {
        assert!(ran.out.contains(words), "no {words:?} in\n{}", ran.out);
    }
    assert!(!ran.out.contains("Not looked up"), "{}", ran.out);
}
