//! tronweb and tronpy, unmodified, pointed at the devnet by its URL.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of tests fails the test")]

mod support;

use devnet::Gift;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{Net, PERMIT, TRX, USDT, address, key};
use tron::{Amount, abi};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Runs a wallet's script against a devnet with real time and blocks on demand; what it printed.
async fn run(program: &str, script: &str, needs: &str) -> (Net, Value) {
    let root = root();
    assert!(root.join(needs).exists(), "{needs} is missing: run cargo xtask test");
    let net = Net::start(devnet::Options::default()).await;
    let owner = key(1).address();
    net.devnet.faucet(owner, Gift::Trx(1_000 * TRX)).unwrap();
    net.devnet.faucet(owner, Gift::Token(address(USDT), Amount::from_u64(50_000_000))).unwrap();
    // What tronweb reads from the solidity node only.
    net.devnet.mine(19);

    let secret = format!("{:064x}", 1);
    let arguments = [script, &net.devnet.url(), &secret, &key(2).address().to_string(), USDT, PERMIT];
    let mut command = Command::new(program);
    command.args(arguments).current_dir(&root).env("NO_PROXY", "127.0.0.1");
    // The devnet answers on this thread meanwhile.
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}\n{errors}");
    let last = text.lines().last().unwrap_or_default();
    let seen = serde_json::from_str(last).unwrap_or_else(|_| panic!("{text}\n{errors}"));
    (net, seen)
}

/// What both have to have seen, and what the chain says itself.
async fn check(net: &Net, seen: &Value) {
    let (owner, receiver) = (key(1).address().to_string(), key(2).address().to_string());
    assert_eq!(seen["owner"], owner);
    assert_eq!(seen["symbol"], "USDT");
    assert_eq!(seen["decimals"], 6);
    assert_eq!(seen["trx_transaction"], "SUCCESS");
    // The receiver was new.
    assert_eq!(seen["trx_receipt"]["fee"], 1_100_000, "{seen}");
    assert_eq!(seen["transfer_result"], "SUCCESS");
    assert!(seen["transfer_energy"].as_u64().unwrap() > 20_000);
    assert_eq!(seen["event"], json!([owner, receiver, 3_000_000]));
    assert_eq!(seen["approve_result"], "SUCCESS");
    // A memo costs 1 TRX, so do two signatures; new permissions cost 100. Each pays for its bytes beside.
    assert_eq!(seen["memo"], "order 7: thank you");
    for (fee, flat) in [("memo_fee", TRX), ("change_fee", 100 * TRX), ("pair_fee", TRX)] {
        let bytes = seen[fee].as_u64().unwrap() - flat;
        assert!(bytes == 0 || (200_000..500_000).contains(&bytes), "{fee}: {seen}");
    }
    assert_eq!((&seen["one_signature"], &seen["two_signatures"]), (&json!("NOT_ENOUGH_PERMISSION"), &json!(2)));
    assert_eq!(net.trx_balance(key(2).address()).await, 2 * TRX + 6);
    assert_eq!(net.token_balance(USDT, key(2).address()).await, Amount::from_u64(3_000_000));
    let allowed = net.read(address(USDT), &abi::allowance(key(1).address(), address(PERMIT))).await;
    assert_eq!(abi::decode_amount(&allowed), Some(Amount::from_u64(4_000_000)));
}

#[tokio::test]
async fn tronweb_reads_sends_approves_and_reads_the_receipts() {
    let needs = "tests/peers/tronweb/node_modules/tronweb";
    let (net, seen) = run("node", "tests/peers/tronweb/script.mjs", needs).await;
    check(&net, &seen).await;
    assert_eq!((&seen["trx_before"], &seen["receiver_trx"]), (&json!(1_000 * TRX), &json!(2 * TRX)));
    assert_eq!((&seen["token_before"], &seen["token_after"]), (&json!("50000000"), &json!("47000000")));
    assert_eq!((&seen["receiver_token"], &seen["allowance"]), (&json!("3000000"), &json!("4000000")));
    assert_eq!((&seen["sent"], &seen["energy_price"]), (&json!(true), &json!(100)));
}

#[tokio::test]
async fn tronpy_reads_sends_approves_and_reads_the_receipts() {
    let needs = ".venv/bin/python";
    let (net, seen) = run(needs, "tests/peers/tronpy/script.py", needs).await;
    check(&net, &seen).await;
    assert_eq!((&seen["trx_before"], &seen["receiver_trx"]), (&json!("1000"), &json!("2")));
    assert_eq!((&seen["token_before"], &seen["token_after"]), (&json!(50_000_000), &json!(47_000_000)));
    assert_eq!((&seen["receiver_token"], &seen["allowance"]), (&json!(3_000_000), &json!(4_000_000)));
}
