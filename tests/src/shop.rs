//! A stage with the other side of the counter: a shop behind the real paywall, a facilitator with its database, and
//! the port for apps, each at the end of a wire that can lose things. Counts what really moved, on chain.

use crate::doors;
use crate::way::FEE;
use crate::{SCHEMES, Stage, USDT, Way, Wire, address, key, open, passphrase, usdt};
use axum::{Extension, Router, extract::Path, http::request::Parts, routing::get};
use devnet::Gift;
use facilitator::{Facilitator, TokenTerms};
use ledger::PaymentId;
use plan::{AppId, Limit, Mode, Site};
use seller::{Listing, Paywall, Seller};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tron::{Address, Amount, Network};
use view::Desk;
use wallet::{Scope, WalletError};

/// The first items, one of each way, are bought once by a person, so that the payee is known in each; stories buy
/// the others.
const FIRST: std::ops::Range<u64> = 0..Way::ALL.len() as u64;
const PRICE: u64 = 250_000;
/// How often a person reads a question that stands anew.
const READINGS: usize = 5;

/// Every item has a price of its own, by which its settlements are told apart on chain.
fn price(item: u64) -> Amount {
    Amount::from_u64(PRICE + item)
}

/// Which item this is the price of.
fn item(price: Amount) -> u64 {
    u64::try_from(price.u256()).unwrap() - PRICE
}

fn payee() -> Address {
    key(0x5e).address()
}

pub struct Market {
    pub stage: Stage,
    /// From apps to the port.
    pub port: Wire,
    /// From apps to the shop.
    pub shop: Wire,
    /// From the shop to the facilitator.
    pub till: Wire,
    facilitator: Facilitator,
    database: PathBuf,
    servers: Vec<JoinHandle<()>>,
    chain: Mutex<Seen>,
    http: reqwest::Client,
}

/// Transfers to the payee up to a block, by amount.
struct Seen {
    block: u64,
    times: BTreeMap<Amount, u64>,
}

impl Market {
    /// Half a minute goes by: an app that takes many questions back in less has to wait.
    pub fn pause(&self) {
        self.stage.advance(31);
    }

    /// The account has money and an allowance for every way.
    pub async fn open() -> Self {
        let stage = Stage::start().await;
        for scheme in SCHEMES {
            stage.prepare(scheme).await;
        }
        Self::with(stage).await
    }

    /// The account has money for every way, and no allowance.
    pub async fn without_allowance() -> Self {
        let stage = Stage::without_allowance().await;
        stage.own_token().await;
        Self::with(stage).await
    }

    async fn with(stage: Stage) -> Self {
        for address in [stage.payer(), stage.caller()] {
            stage.devnet.faucet(address, Gift::Trx(1_000_000_000_000)).unwrap();
        }
        // Stories take hours on a clock that is moved; a locked wallet would ask for everything.
        stage.wallet.set_auto_lock(0).await.unwrap();
        let (port, shop, till) = (Wire::new().await, Wire::new().await, Wire::new().await);
        let database = stage.dir.path().join("facilitator.sqlite");
        let facilitator = facilitator(&stage, database.clone()).await;
        let (http, servers) = (reqwest::Client::builder().no_proxy().build().unwrap(), vec![]);
        let chain = Mutex::new(Seen { block: stage.devnet.head(), times: BTreeMap::new() });
        let mut market = Self { stage, port, shop, till, facilitator, database, servers, chain, http };
        market.open_port().await;
        let facilitator = market.serve(market.facilitator.router()).await;
        market.till.to(&[facilitator]);
        let shop = market.serve(market.goods()).await;
        market.shop.to(&[shop]);
        market
    }

    async fn serve(&mut self, router: Router) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        self.servers.push(tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }));
        address
    }

    async fn open_port(&mut self) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = helper::router(Desk::new(self.stage.wallet.clone()), helper::Limits::default());
        let router = router.layer(Extension(helper::Entrance::Tcp { address }));
        self.servers.push(tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }));
        self.port.to(&[address]);
    }

    fn goods(&self) -> Router {
        let clock = self.stage.devnet.clock().clone();
        let seller = Seller::new(&self.till.url()).unwrap().public_url(&self.shop.url()).unwrap().secret([7; 32]);
        let by_item = |parts: Parts| async move {
            let item = parts.uri.path().rsplit('/').next().and_then(|n| n.parse().ok()).unwrap_or(0);
            Ok(Listing::new("goods").price(Way::of(item).price(price(item), payee())))
        };
        let wall = Paywall::computed(seller.clock(move || clock.now_secs()), by_item);
        Router::new()
            .route("/goods/{item}", get(|Path(item): Path<u64>| async move { format!("item {item}") }).layer(wall))
    }

    /// A second instance of the shop with the same secret and a memory of its own; requests go to both in turn.
    pub async fn open_branch(&mut self) {
        let (first, second) = (self.serve(self.goods()).await, self.serve(self.goods()).await);
        self.shop.to(&[first, second]);
    }

    /// The wallet's process ends and starts again, locked; calls in progress are cut.
    pub async fn restart_wallet(&mut self) {
        self.port.cut().await;
        self.stage.wallet.close().await;
        self.stage.wallet = open(&self.stage.dir, &self.stage.devnet, &self.stage.clock).await;
        self.open_port().await;
    }

    pub async fn unlock(&self) {
        self.stage.wallet.unlock(passphrase()).await.unwrap();
    }

    /// The facilitator's process ends and starts again with its database.
    pub async fn restart_facilitator(&mut self) {
        self.till.cut().await;
        self.facilitator.finish().await;
        self.facilitator = facilitator(&self.stage, self.database.clone()).await;
        let address = self.serve(self.facilitator.router()).await;
        self.till.to(&[address]);
    }

    /// A paired app that has to ask for everything.
    pub async fn app(&self, name: &str) -> App {
        let wallet = &self.stage.wallet;
        let pairing = wallet.pair(name).unwrap();
        wallet.answer_pairing(&pairing.id, true).await.unwrap();
        let token = wallet.collect(&pairing.id, &pairing.secret.unwrap(), Duration::ZERO).await.unwrap().token.unwrap();
        let id = wallet.authenticate(&token).await.unwrap().id;
        App { http: self.http.clone(), port: self.port.url(), shop: self.shop.url(), token: token.to_string(), id }
    }

    /// A paired app whose limits allow everything here. Buys the first items, with a person's consent.
    pub async fn trusted_app(&self, name: &str) -> App {
        let app = self.app(name).await;
        let limit = Limit { per_day: Some(usdt("1000")), ..Limit::default() };
        let site = Site::of(&self.shop.url()).unwrap();
        for (site, way) in [None, Some(site)].into_iter().flat_map(|site| Way::ALL.map(|way| (site.clone(), way))) {
            let key = ledger::RuleKey { app: app.id.clone(), site, network: Network::Nile, token: way.token() };
            self.stage.wallet.set_rule(key, Mode::Allow(limit.clone())).await.unwrap();
        }
        if self.settlements(0).await == 0 {
            self.buy_first(&app).await;
        }
        app
    }

    pub async fn buy_first(&self, app: &App) {
        for item in FIRST {
            let asked = app.ask(item, &app.offer(item).await, None).await.unwrap();
            // A limit suffices once the payee is known.
            if asked.status == 202 {
                self.approve(asked.id()).await;
            }
            let signed = insist(async || app.poll(asked.id()).await).await;
            self.deliver(app, item, &signed).await;
        }
        // Later than "just now".
        self.stage.advance(90);
    }

    /// The person says yes to this question, and reads it again where it came to stand anew meanwhile.
    pub async fn approve(&self, id: &str) {
        let mut news = Vec::new();
        for _ in 0..READINGS {
            let row = self.stage.row(id.parse().unwrap()).await;
            match self.stage.approve(&row, Scope::Once).await {
                Err(anew @ (WalletError::PlanChanged { .. } | WalletError::AskedAgain { .. })) => {
                    news.push((row.digest, anew))
                }
                answered => return drop(answered.unwrap()),
            }
        }
        panic!("question {id} stands anew each time that it is read: {news:?}");
    }

    /// Sends the payment until the goods come, tells the wallet, and looks at the chain.
    pub async fn deliver(&self, app: &App, item: u64, signed: &Answer) {
        let got = insist(async || app.fetch(item, signed).await.filter(|got| got.status == 200)).await;
        assert_eq!(got.body, json!(format!("item {item}")));
        let told = insist(async || app.report(signed.id(), &got).await).await;
        assert_eq!(told.status, 200, "{}", told.body);
        assert_eq!(self.settlements(item).await, 1);
    }

    /// How often this item was paid for, on chain.
    pub async fn settlements(&self, item: u64) -> u64 {
        self.look().await;
        self.chain.lock().await.times.get(&price(item)).copied().unwrap_or(0)
    }

    /// Counts what was settled since the last look: always from the buyer, and in the item's own token.
    async fn look(&self) {
        let mut seen = self.chain.lock().await;
        for block in self.blocks_with_transactions(&mut seen.block).await {
            let receipts = self.node("gettransactioninfobyblocknum", json!({ "num": block })).await;
            for log in receipts.as_array().unwrap().iter().filter_map(|r| r["log"].as_array()).flatten() {
                if let Some(transfer) = transfer(log).filter(|t| t.to == payee()) {
                    assert_eq!(transfer.from, self.stage.payer());
                    let token = hex::encode(Way::of(item(transfer.amount)).token().bytes());
                    assert_eq!(log["address"], token);
                    *seen.times.entry(transfer.amount).or_default() += 1;
                }
            }
        }
    }

    /// Up to the head, which becomes `last`.
    async fn blocks_with_transactions(&self, last: &mut u64) -> Vec<u64> {
        /// As many as a node gives at once.
        const MOST: u64 = 100;
        let (head, mut found) = (self.stage.devnet.head(), vec![]);
        while *last < head {
            let end = head.min(*last + MOST);
            let blocks = self.node("getblockbylimitnext", json!({ "startNum": *last + 1, "endNum": end + 1 })).await;
            let blocks = blocks["block"].as_array().unwrap();
            assert_eq!(blocks.len() as u64, end - *last);
            let full = blocks.iter().filter(|b| b["transactions"].as_array().is_some_and(|t| !t.is_empty()));
            found.extend(full.map(|block| block["block_header"]["raw_data"]["number"].as_u64().unwrap()));
            *last = end;
        }
        found
    }

    async fn node(&self, call: &str, body: Value) -> Value {
        let url = format!("{}/wallet/{call}", self.stage.devnet.url());
        self.http.post(url).json(&body).send().await.unwrap().json().await.unwrap()
    }

    /// Everything that was ever paid for in this shop, on chain.
    pub async fn settled_in_all(&self) -> u64 {
        self.look().await;
        self.chain.lock().await.times.values().sum()
    }

    /// What this contract may still take.
    pub async fn allowance(&self, spender: Address) -> Amount {
        let node = doors::client(&self.stage.devnet);
        node.allowance(address(USDT), self.stage.payer(), spender).await.unwrap()
    }

    /// At the end of a story: the first items and these were paid for once each and nothing else was; in each token,
    /// what is gone from the account, what the shop has and what the ledger counts are the same.
    pub async fn audit(&self, items: impl IntoIterator<Item = u64>) {
        self.look().await;
        let mut expected: Vec<u64> = items.into_iter().chain(FIRST).collect();
        expected.sort_unstable();
        let seen: Vec<(Amount, u64)> =
            self.chain.lock().await.times.iter().map(|(amount, times)| (*amount, *times)).collect();
        assert_eq!(seen, expected.iter().map(|item| (price(*item), 1)).collect::<Vec<_>>());
        let (site, _) = self.stage.wallet.site(&Site::of(&self.shop.url()).unwrap()).await.unwrap();
        for token in [Way::Permit, Way::Own].map(Way::token) {
            let of_token: Vec<u64> = expected.iter().copied().filter(|item| Way::of(*item).token() == token).collect();
            let sum = |each: fn(u64) -> Amount| {
                of_token.iter().fold(Amount::ZERO, |sum, item| sum.checked_add(each(*item)).unwrap())
            };
            let (earned, spent) = (sum(price), sum(|item| price(item).checked_add(Way::of(item).fee()).unwrap()));
            assert_eq!(self.stage.balance_of(token, payee()).await, earned);
            let left = self.stage.balance_of(token, self.stage.payer()).await;
            assert_eq!(usdt("100").saturating_sub(left), spent);
            let total = site.totals.iter().find(|total| total.token == token).unwrap();
            assert_eq!(total.settled.saturating_add(total.open), spent);
        }
    }
}

impl Drop for Market {
    fn drop(&mut self) {
        self.servers.iter().for_each(JoinHandle::abort);
    }
}

fn transfer(log: &Value) -> Option<tron::abi::Transfer> {
    let hex = |value: &Value| hex::decode(value.as_str().unwrap()).unwrap();
    let topics: Vec<[u8; 32]> = log["topics"].as_array()?.iter().map(|topic| hex(topic).try_into().unwrap()).collect();
    tron::abi::decode_transfer(&topics, &hex(&log["data"]))
}

async fn facilitator(stage: &Stage, database: PathBuf) -> Facilitator {
    let clock = stage.devnet.clock().clone();
    let terms = |token, fee| TokenTerms {
        exact: true,
        ..TokenTerms::flat(Network::Nile, token, fee, Amount::from_u64(100_000))
    };
    let tokens = vec![terms(Way::Permit.token(), FEE), terms(Way::Own.token(), Amount::ZERO)];
    let config = facilitator::Config {
        payees: facilitator::Payees::Anybody,
        payee_budget: facilitator::Budget::UNLIMITED,
        budget: facilitator::Budget::UNLIMITED,
        tokens,
        wait: Duration::from_millis(40),
        poll: Duration::from_millis(5),
        database: Some(database),
        clock: facilitator::Clock::new(move || clock.now_secs()),
        ..facilitator::Config::default()
    };
    let grid = doors::client(&stage.devnet);
    Facilitator::new(config, key(0xfa).into(), [grid]).unwrap()
}

/// Calls until there is an answer. Whoever gets none in twenty times is not just unlucky.
pub async fn insist<T>(mut call: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..20 {
        if let Some(answer) = call().await {
            return answer;
        }
    }
    panic!("no answer in twenty calls");
}

/// A paired app with nothing but HTTP.
pub struct App {
    http: reqwest::Client,
    port: String,
    shop: String,
    token: String,
    pub id: AppId,
}

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub status: u16,
    /// JSON, or a text.
    pub body: Value,
    pub payment_response: Option<String>,
    pub payment_required: Option<String>,
}

impl Answer {
    pub fn id(&self) -> &str {
        self.body["id"].as_str().unwrap()
    }

    pub fn payment_id(&self) -> PaymentId {
        self.id().parse().unwrap()
    }

    /// The signed payment, ready to be sent.
    pub fn header(&self) -> Option<&str> {
        self.body["headerValue"].as_str()
    }

    /// Why the seller asks for a payment, or how it was settled.
    pub fn reason(&self) -> Option<&str> {
        self.body["error"].as_str()
    }

    pub fn finds(&self, code: &str) -> bool {
        self.body["plan"]["findings"].as_array().is_some_and(|all| all.iter().any(|found| found == code))
    }
}

impl App {
    pub fn url(&self, item: u64) -> String {
        format!("{}/goods/{item}", self.shop)
    }

    /// A fresh 402 for this item.
    pub async fn offer(&self, item: u64) -> String {
        let got = sent(self.http.get(self.url(item))).await.unwrap();
        assert_eq!(got.status, 402, "{}", got.body);
        got.payment_required.unwrap()
    }

    /// `POST /v1/payments`; `None`: no answer came.
    pub async fn ask(&self, item: u64, offer: &str, key: Option<&str>) -> Option<Answer> {
        let request = json!({ "method": "GET", "url": self.url(item) });
        let body = json!({ "request": request, "paymentRequired": offer, "idempotencyKey": key });
        sent(self.http.post(format!("{}/v1/payments", self.port)).bearer_auth(&self.token).json(&body)).await
    }

    /// Waits for an answer to the question; `None` when no answer came or it is still open.
    pub async fn poll(&self, id: &str) -> Option<Answer> {
        let url = format!("{}/v1/payments/{id}?wait=5", self.port);
        let answer = sent(self.http.get(url).bearer_auth(&self.token)).await?;
        (answer.body["status"] != "asked" && answer.body["status"] != "approved").then_some(answer)
    }

    /// The request, paid.
    pub async fn fetch(&self, item: u64, signed: &Answer) -> Option<Answer> {
        let name = signed.body["headerName"].as_str().unwrap();
        sent(self.http.get(self.url(item)).header(name, signed.header().unwrap())).await
    }

    pub async fn report(&self, id: &str, got: &Answer) -> Option<Answer> {
        let body = json!({ "httpStatus": got.status, "paymentResponse": got.payment_response });
        let url = format!("{}/v1/payments/{id}/result", self.port);
        sent(self.http.post(url).bearer_auth(&self.token).json(&body)).await
    }

    /// Takes a question back.
    pub async fn cancel(&self, id: &str) {
        let url = format!("{}/v1/payments/{id}", self.port);
        assert_eq!(sent(self.http.delete(url).bearer_auth(&self.token)).await.unwrap().body["status"], "cancelled");
    }
}

async fn sent(request: reqwest::RequestBuilder) -> Option<Answer> {
    let response = request.send().await.ok()?;
    let header = |name| Some(response.headers().get(name)?.to_str().unwrap().to_owned());
    let (payment_response, payment_required) = (header("payment-response"), header("payment-required"));
    let status = response.status().as_u16();
    let text = response.text().await.ok()?;
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Some(Answer { status, body, payment_response, payment_required })
}
