//! The program itself, killed without warning at every step of a settlement and of finding out afterwards, started
//! again, asked again: each payment is settled once, the answer names that one transaction, and it succeeds for one
//! caller: for the first where that one has a key, otherwise for the one whose answer came.
//!
//! 32 kills by default; `FACILITATOR_KILLS=200` is the full count.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod stage;

use chain::{Config as Node, Finality, TronGrid};
use devnet::{Devnet, Gift, Options};
use serde_json::{Value, json};
use stage::{
    Paid,
    gate::{Gate, Hold},
    key, seller, usdt,
};
use std::{collections::BTreeSet, path::Path, process::Stdio};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};
use tron::{Address, Amount, PrivateKey, SignedTransaction, registry};

fn kills() -> usize {
    std::env::var("FACILITATOR_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(32)
}

/// Where a settlement is caught.
const STEPS: [(&str, Hold); 9] = [
    // On trial, before anything is signed.
    ("wallet/triggerconstantcontract", Hold::Before),
    ("wallet/getnowblock", Hold::After),
    // Signed and noted; the network has not heard of it …
    ("wallet/broadcasthex", Hold::Before),
    // … or has, and the program does not know.
    ("wallet/broadcasthex", Hold::After),
    ("wallet/broadcasthex", Hold::Not),
    ("wallet/gettransactioninfobyid", Hold::Before),
    ("wallet/gettransactioninfobyid", Hold::After),
    // About to write down the outcome and to answer.
    ("wallet/gettransactioninfobyid", Hold::Not),
    // Answered.
    ("", Hold::Not),
];

/// Where finding out afterwards is caught.
const LATER: [(&str, Hold); 3] = [
    ("wallet/gettransactioninfobyid", Hold::Before),
    ("wallet/gettransactioninfobyid", Hold::After),
    ("wallet/gettransactioninfobyid", Hold::Not),
];

const PRICE: u64 = 1_000;

struct World {
    devnet: Devnet,
    gate: Gate,
    grid: TronGrid,
    buyer: PrivateKey,
    folder: tempfile::TempDir,
    caller: Address,
    http: reqwest::Client,
}

struct Running {
    child: Child,
    url: String,
}

impl Running {
    async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

impl World {
    async fn start() -> Self {
        let devnet = Devnet::start(Options { solidity_lag: 0, ..Options::default() }).await.unwrap();
        let gate = Gate::before(devnet.url()).await;
        let grid = TronGrid::new(Node::one(stage::NETWORK, devnet.url())).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let caller = new_key(folder.path()).await;
        let buyer = key(0xb0);
        for address in [buyer.address(), caller] {
            devnet.faucet(address, Gift::Trx(1_000_000_000_000)).unwrap();
        }
        for token in [usdt(), devnet::AUTHORIZED_USD] {
            devnet.faucet(buyer.address(), Gift::Token(token, Amount::from_u64(100_000_000))).unwrap();
        }
        let sets = &registry::deployments(stage::NETWORK).permit2;
        for spender in sets.iter().map(|set| set.permit2).chain([stage::permit_contract()]) {
            stage::approve(&grid, &buyer, spender, 10_000_000).await;
        }
        let settings = stage::example()
            .replace("127.0.0.1:4021", "127.0.0.1:0")
            .replace("log = \"text\"", "log = \"json\"")
            .replace("https://nile.trongrid.io", &gate.url());
        let authorized =
            format!("{settings}\n[[network.token]]\naddress = \"{}\"\ndecimals = 6\n", devnet::AUTHORIZED_USD);
        std::fs::write(folder.path().join("settings.toml"), authorized).unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { devnet, gate, grid, buyer, folder, caller, http }
    }

    /// The program, when it serves.
    async fn run(&self) -> Running {
        let mut child = self.spawn();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        loop {
            let line = log.next_line().await.unwrap().unwrap();
            let line: Value = serde_json::from_str(&line).unwrap();
            if line["fields"]["message"] == "serving" {
                let url = format!("http://{}", line["fields"]["listen"].as_str().unwrap());
                // Read to its end, so that it can go on writing.
                tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
                return Running { child, url };
            }
        }
    }

    fn spawn(&self) -> Child {
        let mut program = Command::new(env!("CARGO_BIN_EXE_countersign-facilitator"));
        program.kill_on_drop(true).env_remove("RUST_LOG").stderr(Stdio::piped());
        program.args(["--config", self.folder.path().join("settings.toml").to_str().unwrap()]).spawn().unwrap()
    }

    /// Payments of every scheme and deployment in turn, each with a nonce of its own.
    fn payment(&self, number: usize) -> Paid {
        let (nonce, now) = (1 + number as u64, self.devnet.clock().now_secs());
        match number % 4 {
            0 => {
                let fee = x402::Fee { to: Address::ZERO, amount: Amount::ZERO, caller: Some(self.caller) };
                stage::by_permit(&self.buyer, fee, PRICE, nonce, now, |_| {})
            }
            1 => stage::by_exact(&self.buyer, None, PRICE, nonce, now),
            _ => {
                let sets = &registry::deployments(stage::NETWORK).permit2;
                stage::by_exact(&self.buyer, Some(sets[number % 2].name), PRICE, nonce, now)
            }
        }
    }

    fn asking(&self, running: &Running, paid: &Paid, key: Option<&str>) -> reqwest::RequestBuilder {
        let request = self.http.post(format!("{}/settle", running.url)).body(paid.body());
        match key {
            Some(key) => request.header("Idempotency-Key", key),
            None => request,
        }
    }

    async fn settle(&self, running: &Running, paid: &Paid, key: Option<&str>) -> Value {
        self.asking(running, paid, key).send().await.unwrap().json().await.unwrap()
    }

    async fn got(&self) -> u64 {
        let mut sum = 0;
        for token in [usdt(), devnet::AUTHORIZED_USD] {
            let balance = self.grid.balance(token, seller()).await.unwrap();
            sum += balance.to_string().parse::<u64>().unwrap();
        }
        sum
    }
}

async fn new_key(folder: &Path) -> Address {
    let file = folder.join("facilitator.key");
    let program = env!("CARGO_BIN_EXE_countersign-facilitator");
    let made = Command::new(program).args(["--new-key", file.to_str().unwrap()]).output().await.unwrap();
    Address::parse(String::from_utf8(made.stdout).unwrap().trim()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_step_it_settles_each_payment_once_and_says_which_transaction_did() {
    let world = World::start().await;
    let (mut killed, mut paid) = (0, 0);
    while killed < kills() {
        let payment = world.payment(paid);
        let (path, hold) = STEPS[(paid / 4 + paid) % STEPS.len()];
        paid += 1;
        let secret = format!("the-seller's-key-number-{paid}");
        let key = (paid % 2 == 0).then_some(secret.as_str());
        let running = world.run().await;
        world.gate.broadcasts();
        if path.is_empty() {
            let answer = world.settle(&running, &payment, key).await;
            assert_eq!(answer["success"], true, "{answer}");
        } else {
            let there = world.gate.arm(path, hold);
            let asking = tokio::spawn(world.asking(&running, &payment, key).send());
            there.await.unwrap();
            asking.abort();
        }
        running.kill().await;
        killed += 1;

        // Again, while it finds out by itself what became of the first one.
        let held = matches!(hold, Hold::Before | Hold::After);
        let open = held && matches!(path, "wallet/broadcasthex" | "wallet/gettransactioninfobyid");
        if open && paid % 2 == 0 && killed < kills() {
            let (path, hold) = LATER[paid % LATER.len()];
            let there = world.gate.arm(path, hold);
            let mut child = world.spawn();
            there.await.unwrap();
            child.kill().await.unwrap();
            killed += 1;
        }

        let running = world.run().await;
        let answer = world.settle(&running, &payment, key).await;
        // Without a key who heard it can't hear it again; what the kill cut off at the very end may have been heard.
        let heard = key.is_none() && path.is_empty();
        let unclear = key.is_none() && (path, hold) == ("wallet/gettransactioninfobyid", Hold::Not);
        if !unclear {
            assert_eq!(answer["success"], !heard, "{path} {hold:?}: {answer}");
        }
        let again = world.settle(&running, &payment, key).await;
        match key {
            Some(_) => assert_eq!(again, answer),
            None => assert_eq!(again["errorReason"], "duplicate_settlement", "{path} {hold:?}: {again}"),
        }
        let stranger = world.settle(&running, &payment, Some("the-key-of-a-stranger")).await;
        assert_eq!(
            (&stranger["errorReason"], &stranger["transaction"]),
            (&json!("duplicate_settlement"), &answer["transaction"])
        );
        let sent: BTreeSet<String> = world.gate.broadcasts().into_iter().collect();
        let ids: Vec<_> = sent.iter().map(|hex| SignedTransaction::from_hex(hex).unwrap().id()).collect();
        let named = answer["transaction"].as_str().unwrap().parse().unwrap();
        assert_eq!(ids, [named], "{path} {hold:?}: one transaction, however often it was sent");
        let receipt = world.grid.receipt(&named, Finality::Seen).await.unwrap().unwrap();
        assert!(receipt.success, "{receipt:?}");
        assert_eq!(world.got().await, paid as u64 * PRICE, "{path} {hold:?}");
        running.kill().await;
    }
    let running = world.run().await;
    let health: Value = world.http.get(format!("{}/health", running.url)).send().await.unwrap().json().await.unwrap();
    assert_eq!((&health["status"], &health["pending"]), (&json!("ok"), &json!(0)), "{health}");
    running.kill().await;
    world.devnet.shutdown().await;
    eprintln!("{killed} kills, {paid} payments, {paid} settlements");
}
