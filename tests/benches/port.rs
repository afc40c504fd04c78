//! A payment that a limit allows, over the port, with its durable commit: on records of several sizes, and with a node that
//! is far away. Beside it what can't be made cheaper: a bare request and a bare durable row.
//! `COUNTERSIGN_ROWS=100000,1000000,10000000` chooses the sizes (without the last when absent), `COUNTERSIGN_KEEP=/folder`
//! takes the records from there and leaves them there, with what was paid.
#![allow(clippy::float_arithmetic, clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod far;
mod figures;

use axum::Extension;
use figures::{Figure, Times};
use ledger::{Entered, Entry, Ledger, NewApp, PaymentId};
use plan::{AppId, Moment, Plan, PlanDigest, Provenance, Request, Site, TokenRef, Verdict, Window};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use stories::{Ask, START, Stage, USDT, address, usdt};
use tokio::sync::oneshot;
use tron::{Address, Amount, Network};
use wallet::Scope;
use x402::Payment;

/// Enough for the 99th of a hundred to be more than one event.
const ROUNDS: u64 = 1000;

fn main() {
    let row = reserving();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let sizes = std::env::var("COUNTERSIGN_ROWS").unwrap_or_else(|_| "100000,1000000".to_owned());
    for (nth, size) in sizes.split(',').filter_map(|n| n.trim().parse().ok()).enumerate() {
        runtime.block_on(payments(size, row, nth == 0));
    }
}

/// With a record of `rows` payments.
async fn payments(rows: u64, row: f64, first: bool) {
    let mut story = Story::open(rows).await;
    story.trust().await;
    let named = Sizes(rows);
    if first {
        let times = story.health().await;
        Figure::new("port", "GET /v1/health, median", times.median() / 1000.0, "ms");
    }
    let times = story.pay(2).await;
    let median = format!("POST /v1/payments by a limit, {named}, median");
    Figure::new("port", &median, times.median() / 1000.0, "ms").at_most(1.0).times_of(
        "reserving a row, durable",
        row / 1000.0,
        None,
    );
    let slow = format!("POST /v1/payments by a limit, {named}, 99 of 100");
    Figure::new("port", &slow, times.at(99) / 1000.0, "ms").at_most(5.0);
    if first {
        let far = far::away(story.stage.devnet.address(), Duration::from_millis(100)).await;
        story.stage.reopen(far).await;
        story.port = serve(&story.stage).await;
        let times = story.pay(2 + ROUNDS).await;
        let median = format!("the same with a node 100 ms away, {named}, median");
        Figure::new("port", &median, times.median() / 1000.0, "ms").at_most(1.0);
        let slow = format!("the same with a node 100 ms away, {named}, 99 of 100");
        Figure::new("port", &slow, times.at(99) / 1000.0, "ms").at_most(5.0);
    }
    story.close(rows).await;
}

struct Sizes(u64);

impl std::fmt::Display for Sizes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digits = self.0.to_string();
        let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().map(|g| str::from_utf8(g).unwrap()).collect();
        write!(f, "{} rows", groups.join(","))
    }
}

/// Judge and reserve in one durable transaction, in a small record. The median, in microseconds.
fn reserving() -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(&folder.path().join("ledger.db")).unwrap();
    let app = AppId("bench".to_owned());
    ledger.add_app(&NewApp { id: app.clone(), name: "Bench", readings: &[], token_hash: [1; 32] }, START).unwrap();
    let (plan, mut nonce) = (plan(app), 0_u64);
    let digest = PlanDigest::of(&plan);
    let enter = || {
        nonce += 1;
        let entry = Entry {
            id: PaymentId::fresh(START),
            plan: &plan,
            digest,
            document: "{\"x402Version\":2}",
            request_hash: [5; 32],
            idempotency_key: None,
            nonce: &nonce.to_string(),
            dictated: true,
            expires_at: START.plus_ms(300_000),
        };
        let entered = ledger.enter(&entry, START, |_, _| Verdict::Allow).unwrap();
        assert!(matches!(entered, Entered::New(..)));
    };
    let median = Times::of(400, enter).median();
    Figure::new("port", "reserving a row, durable (no port)", median / 1000.0, "ms");
    median
}

fn plan(app: AppId) -> Plan {
    let url = "https://news.example/articles/1".to_owned();
    let (price, now) = (Amount::from_u64(50_000), START.secs());
    Plan {
        app,
        site: Site::of(&url).unwrap(),
        provenance: Provenance::Claimed,
        request: Request { method: "GET".to_owned(), url, path: "/articles/1".to_owned() },
        document: [3; 32],
        option: 0,
        scheme: x402::Scheme::ExactPermit,
        network: Network::Nile,
        payer: Address::from_bytes([1; 20]),
        payee: Address::from_bytes([7; 20]),
        token: TokenRef { address: address(USDT), symbol: "USDT".to_owned(), decimals: 6, known: true },
        contract: tron::registry::deployments(Network::Nile).payment_permit,
        price,
        fee: None,
        caller: None,
        maximum: price,
        window: Window { valid_after: now, valid_before: now + 300 },
        allowance: None,
        balance: None,
        findings: vec![],
        site_words: None,
        app_words: None,
    }
}

/// A wallet whose limit allows what is asked here, behind its port.
struct Story {
    stage: Stage,
    program: Program,
    port: String,
    token: String,
    /// Milliseconds since 1970: no two runs share a nonce.
    run: u64,
}

impl Story {
    async fn open(rows: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let record = folder.path().join("ledger.db");
        match kept(rows).filter(|kept| kept.exists()) {
            Some(kept) => moved(&kept, &record),
            None => {
                eprintln!("filling a record with {} (minutes where there are millions)", Sizes(rows));
                Ledger::open(&record).unwrap().fill(rows, |_, _| {}).unwrap();
            }
        }
        let stage = Stage::start_in(folder, Moment(ledger::END.0.max(START.0)).plus_ms(86_400_000)).await;
        // The facilitator burns TRX for each settlement.
        stage.devnet.faucet(stage.caller(), devnet::Gift::Trx(1_000_000_000_000)).unwrap();
        stage.devnet.faucet(stage.payer(), devnet::Gift::Token(address(USDT), usdt("900"))).unwrap();
        let pairing = stage.wallet.pair("bench").unwrap();
        stage.wallet.answer_pairing(&pairing.id, true).await.unwrap();
        let token = stage
            .wallet
            .collect(&pairing.id, &pairing.secret.unwrap(), Duration::ZERO)
            .await
            .unwrap()
            .token
            .unwrap()
            .to_string();
        let port = serve(&stage).await;
        let run = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis().try_into().unwrap();
        Self { stage, program: Program::start(), port, token, run }
    }

    /// 0.05 USDT and 0.001 for the facilitator, each for another article.
    fn ask(&self, nth: u64) -> Ask {
        let url = format!("https://news.example/articles/{nth}");
        // A kept record knows the nonces of earlier runs, and this devnet none of theirs.
        let nonce = self.run + nth;
        Ask { url, price: usdt("0.05"), fee: usdt("0.001"), ..Ask::new(nonce) }
    }

    /// What a program has in its hand that met a 402.
    fn request(&self, nonce: u64) -> reqwest::Request {
        let ask = self.ask(nonce);
        let request = json!({ "method": "GET", "url": ask.url });
        let body = json!({ "request": request, "paymentRequired": self.stage.offer(&ask) });
        let sent = self.program.http.post(format!("{}/v1/payments", self.port)).bearer_auth(&self.token).json(&body);
        sent.build().unwrap()
    }

    async fn post(&self, request: reqwest::Request) -> (StatusCode, Value) {
        let answer = self.program.sends(request).await;
        (answer.status, serde_json::from_slice(&answer.body).unwrap())
    }

    async fn report(&self, id: &str, transaction: &str) {
        let network = Network::Nile.canonical();
        let response = json!({ "success": true, "transaction": transaction, "network": network }).to_string();
        let url = format!("{}/v1/payments/{id}/result", self.port);
        let body = json!({ "paymentResponse": response, "httpStatus": 200 });
        let request = self.program.http.post(url).bearer_auth(&self.token).json(&body).build().unwrap();
        let (_, answer) = self.post(request).await;
        assert_eq!(answer["settlement"], "final", "{answer}");
    }

    /// A person says yes once, which makes the payee known, and gives a limit.
    async fn trust(&self) {
        let (status, asked) = self.post(self.request(1)).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{asked}");
        let row = self.stage.row(asked["id"].as_str().unwrap().parse().unwrap()).await;
        self.stage.approve(&row, Scope::Once).await.unwrap();
        let limit = plan::Limit { per_day: Some(usdt("1000")), ..plan::Limit::default() };
        for site in [None, Some(row.plan.site.clone())] {
            let app = row.plan.app.clone();
            let key = ledger::RuleKey { app, site, network: Network::Nile, token: address(USDT) };
            self.stage.wallet.set_rule(key, plan::Mode::Allow(limit.clone())).await.unwrap();
        }
        self.stage.advance(120);
    }

    async fn health(&self) -> Times {
        let mut times = vec![];
        for _ in 0..ROUNDS {
            let request = self.program.http.get(format!("{}/v1/health", self.port)).build().unwrap();
            let health = self.program.sends(request).await;
            assert_eq!(health.status, StatusCode::OK);
            times.push(health.took);
        }
        Times::sorted(times)
    }

    /// Payments through the port, each settled on the devnet and reported before the next.
    async fn pay(&self, first: u64) -> Times {
        let (mut asked, node) = (vec![], self.stage.node());
        for nonce in first..first + ROUNDS {
            let request = self.request(nonce);
            let answer = self.program.sends(request).await;
            asked.push(answer.took);
            let (status, answer): (_, Value) = (answer.status, serde_json::from_slice(&answer.body).unwrap());
            assert_eq!(status, StatusCode::OK, "{answer}");
            let payment = Payment::read(answer["headerValue"].as_str().unwrap()).unwrap();
            let transaction = self.stage.settle_through(&node, &payment).await;
            // Final at once, as a ledger looks whose payments are behind it.
            self.stage.devnet.mine(3);
            self.report(answer["id"].as_str().unwrap(), &transaction.to_string()).await;
        }
        Times::sorted(asked)
    }

    async fn close(self, rows: u64) {
        // A record that is kept can be taken again: the names are free.
        for app in self.stage.wallet.apps().await.unwrap() {
            if matches!(app.name.as_str(), "fetcher" | "bench") {
                self.stage.wallet.revoke_app(&app.id).await.unwrap();
            }
        }
        self.stage.wallet.close().await;
        if let Some(kept) = kept(rows) {
            moved(&self.stage.dir.path().join("ledger.db"), &kept);
        }
    }
}

/// The program that pays: on a thread of its own with all its work, as a process of its own would have it. What its
/// client needs to wake others of its own threads is not the port's time.
struct Program {
    http: reqwest::Client,
    asks: mpsc::Sender<(reqwest::Request, oneshot::Sender<Answer>)>,
}

struct Answer {
    status: StatusCode,
    body: Vec<u8>,
    /// Until the whole answer was there, which is when a program has its header.
    took: Duration,
}

impl Program {
    fn start() -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let (asks, asked) = mpsc::channel::<(reqwest::Request, oneshot::Sender<Answer>)>();
        let sender = http.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            while let Ok((request, answer)) = asked.recv() {
                let started = Instant::now();
                let (status, body) = runtime.block_on(async {
                    let answer = sender.execute(request).await.unwrap();
                    (answer.status(), answer.bytes().await.unwrap().to_vec())
                });
                let _ = answer.send(Answer { status, body, took: started.elapsed() });
            }
        });
        Self { http, asks }
    }

    async fn sends(&self, request: reqwest::Request) -> Answer {
        let (answer, answered) = oneshot::channel();
        self.asks.send((request, answer)).unwrap();
        answered.await.unwrap()
    }
}

/// A record with its log, which the port may hold open still.
fn moved(from: &Path, to: &Path) {
    let log = |of: &Path| PathBuf::from(format!("{}-wal", of.display()));
    std::fs::rename(from, to).unwrap();
    if log(from).exists() {
        std::fs::rename(log(from), log(to)).unwrap();
    }
}

/// Where a filled record is kept, if it is to be.
fn kept(rows: u64) -> Option<PathBuf> {
    std::env::var_os("COUNTERSIGN_KEEP").map(|folder| PathBuf::from(folder).join(format!("{rows}.db")))
}

async fn serve(stage: &Stage) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let router = helper::router(view::Desk::new(stage.wallet.clone()), helper::Limits::default());
    let router = router.layer(Extension(helper::Entrance::Tcp { address: at }));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{at}")
}
