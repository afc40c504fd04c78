//! How fast the devnet settles, and what empty time costs it. Payments are signed and their transactions built before
//! the clock starts; then they are sent over a few kept connections, several in flight. What counts is in a block with
//! a receipt that says success: that is looked up afterwards for every one.
#![allow(clippy::float_arithmetic, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod figures;

use devnet::{Devnet, Gift, Options};
use figures::Figure;
use futures::future::join_all;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use stories::{Ask, SCHEMES, Stage, WORDS, key, usdt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tron::tx::Contract;
use tron::{Amount, Network, PrivateKey, SignedTransaction};
use x402::{Fresh, Offer, Scheme, U256};

const SETTLEMENTS: usize = 4_000;
/// Connections, each with one request in flight.
const CONNECTIONS: usize = 8;
const GOAL_PER_SECOND: f64 = 2_000.0;
const BLOCKS: u64 = 1_000_000;
/// A node's block time.
const BLOCK: Duration = Duration::from_secs(3);

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(empty_time());
    for scheme in SCHEMES {
        runtime.block_on(settle(scheme));
    }
}

/// MiB of this process that are in memory.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or(f64::NAN) / 1024.0
}

/// Microseconds of a processor that this process has taken so far.
fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<f64> =
        stat.rsplit(')').next().unwrap_or_default().split(' ').filter_map(|n| n.parse().ok()).collect();
    // utime and stime, in hundredths of a second.
    fields.get(10..12).map_or(f64::NAN, |both| (both[0] + both[1]) * 10_000.0)
}

/// A million blocks in which nothing happens, with a chain that has something in it.
async fn empty_time() {
    let devnet = Devnet::start(Options::default()).await.unwrap();
    for n in 1..=100 {
        devnet.faucet(key(n).address(), Gift::Trx(1_000_000)).unwrap();
    }
    let (before, head) = (resident(), devnet.head());
    let started = Instant::now();
    devnet.clock().advance(BLOCK * u32::try_from(BLOCKS).unwrap());
    let reached = devnet.head();
    let took = started.elapsed();
    // The gifts were a millisecond apart, each ahead of the clock: the last block is not due yet.
    assert!(reached - head + 1 >= BLOCKS, "{head} {reached}");
    let after = resident();
    Figure::new("devnet", "a million empty blocks", figures::micros(took), "µs").at_most(1_000.0);
    Figure::new("devnet", "memory of a million empty blocks", after - before, "MiB").at_most(1.0);
    Figure::new("devnet", "memory of the whole process after them", after, "MiB");
    devnet.shutdown().await;
}

async fn settle(scheme: Scheme) {
    let stage = Stage::start().await;
    stage.prepare(scheme).await;
    let caller = key(0xfa);
    stage.devnet.faucet(caller.address(), Gift::Trx(1_000_000_000_000)).unwrap();
    let transactions = transactions(&stage, scheme, &caller).await;
    let requests: Vec<Vec<u8>> =
        transactions.iter().map(|t| request("broadcasthex", &json!({ "transaction": t.to_hex() }))).collect();
    let address = stage.devnet.address();

    let mut wires = join_all((0..CONNECTIONS).map(|_| Wire::open(address))).await;
    // A few for the caches, outside of the measured time.
    let (warm, measured) = requests.split_at(SETTLEMENTS / 20);
    for request in warm {
        assert_eq!(wires[0].exchange(request).await["result"], true);
    }
    let (started, processor_before) = (Instant::now(), processor());
    let shares = measured.chunks(measured.len().div_ceil(CONNECTIONS));
    let sent = wires.into_iter().zip(shares).map(|(mut wire, share)| async move {
        for request in share {
            let said = wire.exchange(request).await;
            assert_eq!(said["result"], true, "{said}");
        }
    });
    join_all(sent).await;
    let (took, taken) = (started.elapsed().as_secs_f64(), processor() - processor_before);

    let mut wire = Wire::open(address).await;
    for transaction in &transactions {
        let asked = request("gettransactioninfobyid", &json!({ "value": transaction.id().to_string() }));
        let receipt = wire.exchange(&asked).await;
        assert_eq!(receipt["receipt"]["result"], "SUCCESS", "{receipt}");
        assert!(receipt["blockNumber"].as_u64().is_some());
    }
    let ask = Ask::by(scheme, 0);
    let earned = stage.balance_of(ask.token, ask.pay_to).await;
    assert_eq!(earned, price().saturating_mul(SETTLEMENTS as u64));
    let count = measured.len() as f64;
    let name = format!("settlements a second, {scheme}");
    Figure::new("devnet", &name, count / took, "1/s").at_least(GOAL_PER_SECOND);
    let name = format!("processor time of one, client and node, {scheme}");
    Figure::new("devnet", &name, taken / count, "µs");
}

fn price() -> Amount {
    usdt("0.001")
}

/// Payments of one account, each with a nonce of its own, and the calls that settle them.
async fn transactions(stage: &Stage, scheme: Scheme, caller: &PrivateKey) -> Vec<SignedTransaction> {
    let payer = tron::hd::derive(&tron::hd::Words::parse(WORDS).unwrap(), 0).unwrap();
    let node = chain::TronGrid::new(chain::Config::one(Network::Nile, stage.devnet.url())).unwrap();
    let (head, now) = (node.head().await.unwrap(), stage.wallet.now().secs());
    let settled = |nonce: u64| {
        let ask = Ask { price: price(), fee: price(), ..Ask::by(scheme, nonce) };
        let ask = if scheme == Scheme::ExactPermit { ask } else { Ask { fee: Amount::ZERO, ..ask } };
        let offer = Offer::read(&stage.offer(&ask)).unwrap();
        let option = &offer.options[0];
        // As a wallet's: all over the 256 bit.
        let nonce = U256::from(nonce).wrapping_mul(U256::MAX / U256::from(3_000_017_u64));
        let fresh = Fresh { nonce, valid_after: now - 60, valid_before: now + 600 };
        let authorization = option.terms.as_ref().unwrap().with(fresh).authorize(payer.address()).unwrap();
        let payment = authorization.payment(&offer, option, &payer.sign(&authorization.digest));
        let (contract, data) = x402::Signed::of(&payment, option).unwrap().settle_call();
        let call = Contract::Trigger { owner: caller.address(), contract, call_value_sun: 0, data };
        SignedTransaction::sign(head.transaction(call, 500_000_000, Duration::from_secs(600)), caller)
    };
    (1..=SETTLEMENTS as u64).map(settled).collect()
}

fn request(call: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let length = body.len();
    format!(
        "POST /wallet/{call} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// A kept connection with nothing above HTTP/1.1 that costs time.
struct Wire {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Wire {
    async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, read: Vec::with_capacity(16 * 1024) }
    }

    async fn exchange(&mut self, request: &[u8]) -> Value {
        self.stream.write_all(request).await.unwrap();
        self.read.clear();
        loop {
            let length = self.stream.read_buf(&mut self.read).await.unwrap();
            assert!(length > 0, "the connection was closed");
            let Some(end) = self.read.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            let head = std::str::from_utf8(&self.read[..end]).unwrap().to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            let body = &self.read[end + 4..];
            if body.len() == length.parse::<usize>().unwrap() {
                return serde_json::from_slice(body).unwrap();
            }
        }
    }
}
