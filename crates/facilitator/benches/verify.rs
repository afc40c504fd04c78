//! How many payments a second a facilitator verifies over HTTP: `countersign-facilitator` beside the published one of
//! PyPI, each with one worker, with the same payments and the same checks (terms, fee, window, signature), in turns.
//! Then ours alone with the chain's state. Asserts that every answer is right; a number is never right or wrong here.
#![allow(
    clippy::float_arithmetic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

use chain::TronGrid;
use devnet::{Devnet, Gift, Options};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Barrier,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tempfile::TempDir;
use tron::{Address, Amount, Network, PrivateKey, SignedTransaction, abi, registry, tx::Contract};
use x402::{Fee, Offer, PaymentRequired, Price, U256, exact_permit::Meta, facilitator::Request};

/// Payments of one turn, all different from those of every other turn.
const TURN: u64 = 2_000;
const TURNS: u64 = 5;
/// Kept alive, each with one request in flight.
const CONNECTIONS: usize = 8;
const CALLER: u8 = 0xfa;
const BUYER: u8 = 0xb0;
const FEE: u64 = 10_000;
const PRICE: u64 = 250_000;

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let devnet = runtime.block_on(Devnet::start(Options::default())).unwrap();
    devnet.faucet(key(CALLER).address(), Gift::Trx(1_000_000_000)).unwrap();
    let buyer = key(BUYER);
    devnet.faucet(buyer.address(), Gift::Trx(1_000_000_000)).unwrap();
    devnet.faucet(buyer.address(), Gift::Token(usdt(), Amount::from_u64(1_000_000))).unwrap();
    runtime.block_on(approve(&devnet, &buyer));

    eprintln!("signing {} payments", TURN * TURNS);
    let turns: Vec<Vec<Vec<u8>>> =
        (0..TURNS).map(|turn| (0..TURN).map(|i| http(&question(&buyer, turn * TURN + i))).collect()).collect();

    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let (our_server, their_server) = (Server::ours(&devnet, "paper"), Server::theirs());
    for server in [&our_server, &their_server] {
        server.tells_right_from_wrong(&buyer);
    }
    for turn in &turns {
        ours.push(our_server.rate(turn));
        theirs.push(their_server.rate(turn));
    }
    let processor = |server: &Server| server.processor_micros() / (TURN * TURNS) as f64;
    let (our_processor, their_processor) = (processor(&our_server), processor(&their_server));
    drop((our_server, their_server));
    let (ours, theirs) = (middle(ours, "ours"), middle(theirs, "bankofai-x402"));
    figure(&json!({
        "group": "verify", "name": "/verify over HTTP, one worker", "value": ours, "unit": "requests/s",
        "beside": { "name": "bankofai-x402 0.6.1 (FastAPI, uvicorn)", "value": theirs },
        "ratio": tenths(ours / theirs), "ratio_at_least": 10,
    }));
    // Hardly depends on what else the machine does.
    figure(&json!({
        "group": "verify", "name": "processor time of one /verify, start included", "value": tenths(our_processor),
        "unit": "µs", "beside": { "name": "bankofai-x402 0.6.1", "value": tenths(their_processor) },
        "ratio": tenths(our_processor / their_processor * 10.0) / 10.0, "ratio_at_most": 0.1,
    }));

    let server = Server::ours(&devnet, "chain");
    server.tells_right_from_wrong(&buyer);
    let with_chain = middle(turns.iter().map(|turn| server.rate(turn)).collect(), "ours, with the chain's state");
    figure(&json!({
        "group": "verify", "name": "/verify over HTTP, one worker, with the chain's state (devnet)",
        "value": with_chain, "unit": "requests/s",
    }));
}

fn figure(figure: &Value) {
    println!("figure {figure}");
}

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// The median, rounded.
fn middle(mut rates: Vec<f64>, name: &str) -> f64 {
    eprintln!("{name}: {rates:.0?} requests/s");
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2].round()
}

/// The buyer lets the permit contract take what one payment costs; nothing is settled here.
async fn approve(devnet: &Devnet, buyer: &PrivateKey) {
    let grid = TronGrid::new(chain::Config::one(Network::Nile, devnet.url())).unwrap();
    let data = abi::approve(registry::deployments(Network::Nile).payment_permit, Amount::from_u64(1_000_000));
    let contract = Contract::Trigger { owner: buyer.address(), contract: usdt(), call_value_sun: 0, data };
    let raw = grid.head().await.unwrap().transaction(contract, 100_000_000, Duration::from_secs(60));
    grid.broadcast(&SignedTransaction::sign(raw, buyer)).await.unwrap();
}

/// A `/verify` body with a payment by `exact_permit` that has this nonce.
fn question(buyer: &PrivateKey, nonce: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let caller = key(CALLER).address();
    let fee = Fee { to: caller, amount: Amount::from_u64(FEE), caller: Some(caller) };
    let payee = key(0x5e).address();
    let price = Price::exact_permit(Network::Nile, usdt(), Amount::from_u64(PRICE), payee, fee);
    let mut id = [0; 16];
    id[..8].copy_from_slice(&nonce.to_be_bytes());
    let required = PaymentRequired {
        description: Some("Full text of one article".to_owned()),
        prices: vec![price],
        permit: Some(Meta::payment_only(id, U256::from(nonce), now - 60, now + 3_600)),
        ..PaymentRequired::new("https://news.example/articles/1")
    };
    let offer = Offer::read(&required.to_json()).unwrap();
    let requirements = offer.options[0].clone();
    let authorization = requirements.terms.as_ref().unwrap().authorize(buyer.address()).unwrap();
    let payment = authorization.payment(&offer, &requirements, &buyer.sign(&authorization.digest));
    Request { payment, requirements }.to_json()
}

/// The bytes of a request.
fn http(body: &str) -> Vec<u8> {
    let head = format!(
        "POST /verify HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body.as_bytes()].concat()
}

/// A facilitator as a process of its own.
struct Server {
    address: String,
    child: Child,
    _folder: Option<TempDir>,
}

impl Server {
    fn ours(devnet: &Devnet, verify: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        vault::KeyFile::create(folder.path().join("facilitator.key"), &[CALLER; 32]).unwrap();
        let settings = facilitator::EXAMPLE
            .replace("# payees = [\"T…\"]", "payees = \"anybody\"")
            .replace("127.0.0.1:4021", "127.0.0.1:0")
            .replace("log = \"text\"", "log = \"json\"")
            .replace("# workers = 2", "workers = 1")
            .replace("verify = \"chain\"", &format!("verify = \"{verify}\""))
            .replace("[rate_limit]\nper_second = 50\nburst = 200\nbehind_proxy = false\n", "")
            .replace("https://nile.trongrid.io", &devnet.url());
        assert!(settings.contains("\nworkers = 1") && !settings.contains("rate_limit"));
        let path = folder.path().join("settings.toml");
        std::fs::write(&path, settings).unwrap();
        // Neither server writes a line for each request.
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign-facilitator"));
        command.arg("--config").arg(path).env("RUST_LOG", "warn,countersign_facilitator=info");
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = lines
            .find_map(|line| {
                let line: Value = serde_json::from_str(&line.ok()?).unwrap();
                Some(line["fields"]["listen"].as_str()?.to_owned())
            })
            .expect("it says where it listens");
        // Whoever says something has a reader.
        thread::spawn(move || lines.for_each(drop));
        Self { address, child, _folder: Some(folder) }
    }

    fn theirs() -> Self {
        let python =
            std::env::var_os("COUNTERSIGN_PYTHON").map_or_else(|| root().join(".venv/bin/python"), PathBuf::from);
        let configuration = json!({ "caller": format!("{CALLER:02x}").repeat(32), "fees": { "USDT": FEE } });
        let mut command = Command::new(python);
        command.arg(root().join("tests/peers/bankofai-py/verifier.py")).arg(configuration.to_string());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).expect("`cargo xtask setup` installs what it needs");
        let address = told["url"].as_str().unwrap().trim_start_matches("http://").to_owned();
        Self { address, child, _folder: None }
    }

    /// Yes to a good payment; no to another signer's, another price and a closed window.
    fn tells_right_from_wrong(&self, buyer: &PrivateKey) {
        let good = question(buyer, u64::MAX);
        let mut connection = Connection::to(&self.address);
        assert!(connection.ask(&http(&good)).contains(VALID));
        let (at, sign) = (good.find("\"signature\":\"0x").unwrap() + 15, "0123456789abcdef");
        let digit = sign.find(&good[at..=at]).unwrap();
        let mut forged = good.clone();
        forged.replace_range(at..=at, &sign[digit ^ 1..=(digit ^ 1)]);
        let cheap = good.replacen(&format!("\"payAmount\":\"{PRICE}\""), "\"payAmount\":\"1\"", 1);
        let (from, until) = good.split_once("\"paymentPermit\"").unwrap();
        let window = until.find("\"validBefore\":").unwrap() + 14;
        let closed = format!("{from}\"paymentPermit\"{}1{}", &until[..window], &until[window + 10..]);
        for wrong in [forged, cheap, closed] {
            assert_ne!(wrong, good);
            let answer = connection.ask(&http(&wrong));
            assert!(answer.contains("\"isValid\":false"), "{answer}");
        }
    }

    /// What its process has used of a core so far.
    fn processor_micros(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // After the name, which may hold anything: state is the first, user and system time are 12th and 13th.
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
        // A hundred a second on every Linux that this runs on.
        ticks * 10_000.0
    }

    /// Requests a second.
    fn rate(&self, requests: &[Vec<u8>]) -> f64 {
        let ready = Barrier::new(CONNECTIONS + 1);
        let took = thread::scope(|scope| {
            for own in requests.chunks(requests.len().div_ceil(CONNECTIONS)) {
                let ready = &ready;
                scope.spawn(move || {
                    let mut connection = Connection::to(&self.address);
                    ready.wait();
                    for request in own {
                        let answer = connection.ask(request);
                        assert!(answer.contains(VALID), "{answer}");
                    }
                    ready.wait();
                });
            }
            ready.wait();
            let started = Instant::now();
            ready.wait();
            started.elapsed()
        });
        requests.len() as f64 / took.as_secs_f64()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const VALID: &str = "\"isValid\":true";

/// One that is kept alive.
struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    fn to(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Self { stream, buffer: vec![0; 64 * 1024] }
    }

    /// The whole answer, head and body.
    fn ask(&mut self, request: &[u8]) -> &str {
        self.stream.write_all(request).unwrap();
        let mut length = 0;
        loop {
            let more = self.stream.read(&mut self.buffer[length..]).unwrap();
            assert!(more > 0, "the server hung up");
            length += more;
            let text = std::str::from_utf8(&self.buffer[..length]).unwrap();
            let Some(head) = text.find("\r\n\r\n") else { continue };
            let says = |line: &str| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok();
            let body: usize = text[..head].lines().find_map(says).expect("answers have a length");
            if length >= head + 4 + body {
                break;
            }
        }
        std::str::from_utf8(&self.buffer[..length]).unwrap()
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().parent().unwrap()
}

fn key(byte: u8) -> PrivateKey {
    PrivateKey::from_bytes(&[byte; 32]).unwrap()
}

fn usdt() -> Address {
    Address::parse("TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf").unwrap()
}
