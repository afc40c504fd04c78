//! How long the steps of a payment take on this machine, each beside the part that can't be made cheaper: bare curve
//! operations, a bare request, a bare durable row. Prints one table. Asserts only that the work was really done;
//! a time is never right or wrong here.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod far;

use axum::Extension;
use futures::StreamExt;
use ledger::{Entered, Entry, Ledger, NewApp, PaymentId};
use plan::{AppId, Plan, PlanDigest, Request, Site, TokenRef, Verdict, Window};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::hint::black_box;
use std::time::{Duration, Instant};
use stories::{Ask, START, Stage, USDT, WORDS, address, key, passphrase, usdt};
use tron::{Address, Amount, Network};
use wallet::Scope;
use x402::{Offer, Payment};

/// Durable writes and requests: enough for the 99th of a hundred to be more than one event.
const ROUNDS: u64 = 400;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    println!("{:<58}{:>7}{:>12}{:>12}{:>10}  of", "", "rounds", "median", "99 of 100", "times");
    let story = runtime.block_on(Story::open());
    curve(&story);
    vault();
    let row = ledger();
    runtime.block_on(story.run(row));
}

/// Durations of one step, sorted.
struct Times(Vec<Duration>);

impl Times {
    fn of<T>(rounds: u64, mut step: impl FnMut() -> T) -> Self {
        // Once for the caches.
        black_box(step());
        let timed = |_| {
            let started = Instant::now();
            black_box(step());
            started.elapsed()
        };
        Self::sorted((0..rounds).map(timed).collect())
    }

    fn sorted(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    fn at(&self, percent: usize) -> Duration {
        self.0[(self.0.len() * percent / 100).min(self.0.len() - 1)]
    }

    /// One line; `floor` is what the step is measured against. Answers the median.
    fn line(&self, name: &str, floor: Option<(Duration, &str)>) -> Duration {
        let median = self.at(50);
        let (times, of) = floor.map_or((String::new(), ""), |(floor, of)| {
            let tenths = median.as_nanos() * 10 / floor.as_nanos().max(1);
            (format!("{}.{}", tenths / 10, tenths % 10), of)
        });
        let (p50, p99) = (shown(median), shown(self.at(99)));
        println!("{name:<58}{:>7}{p50:>12}{p99:>12}{times:>10}  {of}", self.0.len());
        median
    }
}

fn shown(time: Duration) -> String {
    match time.as_nanos() {
        ns if ns < 10_000 => format!("{ns} ns"),
        ns if ns < 10_000_000 => format!("{} µs", ns / 1_000),
        ns => format!("{} ms", ns / 1_000_000),
    }
}

/// Signing and checking, in memory.
fn curve(story: &Story) {
    let buyer = key(0x42);
    let text = story.stage.offer(&story.ask(1));
    let offer = Offer::read(&text).unwrap();
    let option = &offer.options[0];
    let terms = option.terms.as_ref().unwrap();
    let digest = terms.authorize(buyer.address()).unwrap().digest;

    let bare = Times::of(2000, || buyer.sign(black_box(&digest))).line("sign 32 bytes, bare (RFC 6979)", None);
    let header = || {
        let authorization = terms.authorize(buyer.address()).unwrap();
        authorization.payment(&offer, option, &buyer.sign(&authorization.digest)).header_value()
    };
    Times::of(2000, &header).line("exact_permit: hash, sign, encode the header", Some((bare, "bare signing")));
    Times::of(2000, || Offer::read(&text).unwrap()).line("read a 402 from its header", None);

    let (header, signature, now) = (header(), buyer.sign(&digest), story.stage.devnet.clock().now_secs());
    let bare = Times::of(2000, || tron::sign::recover(black_box(&digest), &signature).unwrap())
        .line("recover a signer, bare", None);
    let check = || {
        let payment = Payment::read(&header).unwrap();
        x402::exact_permit::check(&payment, option, now).unwrap()
    };
    assert_eq!(check(), buyer.address());
    Times::of(2000, &check).line("exact_permit: decode the header, hash, check", Some((bare, "bare recovering")));
}

/// One guess at the passphrase, at the product's cost.
fn vault() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.json");
    drop(vault::Vault::create(&path, &tron::hd::Words::parse(WORDS).unwrap(), &passphrase()).unwrap());
    let vault = vault::Vault::open(&path).unwrap();
    Times::of(9, || vault.unlock(&passphrase()).unwrap()).line("vault: unlock (Argon2id, 64 MiB)", None);
}

/// Judge and reserve in one durable transaction, in a ledger that grows by these rows. Answers the median.
fn ledger() -> Duration {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(&folder.path().join("ledger.db")).unwrap();
    let app = AppId("bench".to_owned());
    ledger.add_app(&NewApp { id: app.clone(), name: "Bench", token_hash: [1; 32] }, START).unwrap();
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
    Times::of(ROUNDS, enter).line("ledger: judge and reserve, durable", None)
}

fn plan(app: AppId) -> Plan {
    let url = "https://news.example/articles/1".to_owned();
    let (price, now) = (Amount::from_u64(50_000), START.secs());
    Plan {
        app,
        site: Site::of(&url).unwrap(),
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
    http: reqwest::Client,
    port: String,
    token: String,
}

impl Story {
    async fn open() -> Self {
        let stage = Stage::start().await;
        // The facilitator burns TRX for each settlement.
        stage.devnet.faucet(stage.caller(), devnet::Gift::Trx(1_000_000_000_000)).unwrap();
        let pairing = stage.wallet.pair("bench").unwrap();
        stage.wallet.answer_pairing(&pairing.id, true).await.unwrap();
        let token = stage.wallet.pairing(&pairing.id, Duration::ZERO).await.unwrap().token.unwrap().to_string();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let port = serve(&stage).await;
        Self { stage, http, port, token }
    }

    /// 0.05 USDT and 0.001 for the facilitator, each for another article.
    fn ask(&self, nonce: u64) -> Ask {
        let url = format!("https://news.example/articles/{nonce}");
        Ask { url, price: usdt("0.05"), fee: usdt("0.001"), ..Ask::new(nonce) }
    }

    async fn post(&self, nonce: u64) -> (StatusCode, Value) {
        let ask = self.ask(nonce);
        let request = json!({ "method": "GET", "url": ask.url });
        let body = json!({ "request": request, "paymentRequired": self.stage.offer(&ask) });
        let sent = self.http.post(format!("{}/v1/payments", self.port)).bearer_auth(&self.token).json(&body);
        let answer = sent.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    async fn report(&self, id: &str, transaction: &str) {
        let network = Network::Nile.canonical();
        let response = json!({ "success": true, "transaction": transaction, "network": network }).to_string();
        let url = format!("{}/v1/payments/{id}/result", self.port);
        let body = json!({ "paymentResponse": response, "httpStatus": 200 });
        let answer = self.http.post(url).bearer_auth(&self.token).json(&body).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer["settlement"], "final", "{answer}");
    }

    /// A person says yes once, which makes the payee known, and gives a limit.
    async fn trust(&self) {
        let (status, asked) = self.post(1).await;
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

    async fn run(mut self, row: Duration) {
        self.trust().await;
        let mut times = vec![];
        for _ in 0..ROUNDS {
            let started = Instant::now();
            let health = self.http.get(format!("{}/v1/health", self.port)).send().await.unwrap();
            assert!(!health.bytes().await.unwrap().is_empty());
            times.push(started.elapsed());
        }
        Times::sorted(times).line("port: GET /v1/health", None);

        let near = self.payments(2).await;
        near.line("port: POST /v1/payments, a limit allows it, durable", Some((row, "reserving alone")));
        let far = far::away(self.stage.devnet.address(), Duration::from_millis(100)).await;
        self.stage.reopen(far).await;
        self.port = serve(&self.stage).await;
        let far = self.payments(2 + ROUNDS).await;
        far.line("port: the same with its node 100 ms away", Some((row, "reserving alone")));

        let mut paid = vec![];
        for nonce in 0..2 * ROUNDS {
            let text = self.stage.offer(&self.ask(1_000_000 + nonce));
            let offer = Offer::read(&text).unwrap();
            let option = &offer.options[0];
            let buyer = self.stage.payer();
            let authorization = option.terms.as_ref().unwrap().authorize(buyer).unwrap();
            let signature = self.stage.buyer().sign(&authorization.digest);
            paid.push(authorization.payment(&offer, option, &signature));
        }
        self.settlements(&paid).await;
        let moved = Amount::from_u64(50_000).saturating_mul(4 * ROUNDS);
        assert_eq!(self.stage.balance(self.ask(1).pay_to).await, moved);
        self.stage.wallet.close().await;
    }

    /// Payments through the port, each settled on the devnet and reported before the next.
    async fn payments(&self, first: u64) -> Times {
        let (mut asked, node) = (vec![], self.stage.node());
        for nonce in first..first + ROUNDS {
            let started = Instant::now();
            let (status, answer) = self.post(nonce).await;
            asked.push(started.elapsed());
            assert_eq!(status, StatusCode::OK, "{answer}");
            let payment = Payment::read(answer["headerValue"].as_str().unwrap()).unwrap();
            let transaction = self.stage.settle_through(&node, &payment).await;
            // Final at once, as a ledger looks whose payments are behind it.
            self.stage.devnet.mine(3);
            self.report(answer["id"].as_str().unwrap(), &transaction.to_string()).await;
        }
        Times::sorted(asked)
    }

    /// From head to receipt over HTTP: one after the other, then sixteen at a time.
    async fn settlements(&self, paid: &[Payment]) {
        let (single, crowd) = paid.split_at(paid.len() / 2);
        let (mut times, node) = (vec![], self.stage.node());
        for payment in single {
            let started = Instant::now();
            self.stage.settle_through(&node, payment).await;
            times.push(started.elapsed());
        }
        let all: Duration = times.iter().sum();
        Times::sorted(times).line("devnet: settle a payment, from head to receipt", None);
        rate("devnet: settlements, one after another", single.len(), all);
        let started = Instant::now();
        let settled = futures::stream::iter(crowd).map(|payment| self.stage.settle_through(&node, payment));
        settled.buffer_unordered(16).collect::<Vec<_>>().await;
        rate("devnet: settlements, sixteen at a time", crowd.len(), started.elapsed());
    }
}

async fn serve(stage: &Stage) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let router = helper::router(view::Desk::new(stage.wallet.clone()), helper::Limits::default());
    let router = router.layer(Extension(helper::Entrance::Tcp { port: at.port() }));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{at}")
}

fn rate(name: &str, done: usize, time: Duration) {
    let per_second = done as u128 * 1_000_000 / time.as_micros().max(1);
    println!("{name:<58}{per_second:>7} a second");
}
