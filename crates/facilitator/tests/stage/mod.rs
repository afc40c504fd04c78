//! A devnet, a facilitator over HTTP, a funded buyer, and payments to settle.

#![allow(clippy::unwrap_used, dead_code, reason = "helpers of tests, shared by several")]

pub mod gate;

use chain::{Config as Node, TronGrid};
use devnet::{Clock, Devnet, Gift, Options};
use facilitator::{Budget, CancellationToken, Config, Facilitator, Keys, Payees, TokenTerms};
use serde_json::json;
use std::time::Duration;
use tron::{Address, Amount, Network, PrivateKey, SignedTransaction, abi, registry, tx::Contract};
use x402::{
    Fee, Fresh, Offer, Payment, PaymentRequired, Price, Requirements, Terms, U256, exact_permit::Meta,
    facilitator::Request,
};

/// The example's settings, with its question answered: whoever asks, and no budget that a long test would pass.
pub fn example() -> String {
    let settings = facilitator::EXAMPLE.replace("# payees = [\"T…\"]", "payees = \"anybody\"");
    let budget =
        settings.lines().filter(|line| line.contains("_trx = ") && line.contains("hour") | line.contains("day"));
    let budget: String = budget.map(|line| format!("{line}\n")).collect();
    settings.replace(
        &budget,
        "payee_hour_trx = \"1000000\"\npayee_day_trx = \"1000000\"\nhour_trx = \"1000000\"\nday_trx = \"1000000\"\n",
    )
}

pub const NETWORK: Network = Network::Nile;
pub const START_SECS: u64 = 1_790_000_000;
/// A busy node is asked twice.
pub const PATIENCE: Duration = Duration::from_millis(300);
pub const FREE_UP_TO: u64 = 100_000;
pub const FEE: u64 = 10_000;

pub struct Stage {
    pub devnet: Devnet,
    pub grid: TronGrid,
    pub facilitator: Facilitator,
    pub url: String,
    pub buyer: PrivateKey,
    pub http: reqwest::Client,
}

pub fn key(byte: u8) -> PrivateKey {
    PrivateKey::from_bytes(&[byte; 32]).unwrap()
}

pub fn usdt() -> Address {
    Address::parse("TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf").unwrap()
}

pub fn seller() -> Address {
    key(0x5e).address()
}

pub fn permit_contract() -> Address {
    registry::deployments(NETWORK).payment_permit
}

impl Stage {
    pub async fn start(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_with(key(0xfa).into(), change).await
    }

    pub async fn start_with(keys: Keys, change: impl FnOnce(&mut Config)) -> Self {
        Self::start_on(Options { solidity_lag: 0, ..Options::default() }, keys, change).await
    }

    /// On a chain of which so many blocks are not final yet.
    pub async fn start_behind(lag: u64, change: impl FnOnce(&mut Config)) -> Self {
        Self::start_on(Options { solidity_lag: lag, ..Options::default() }, key(0xfa).into(), change).await
    }

    pub async fn start_on(options: Options, keys: Keys, change: impl FnOnce(&mut Config)) -> Self {
        // A standing clock: no empty blocks, so that blocks count transactions.
        let options = Options { clock: Clock::frozen_at(START_SECS * 1000), ..options };
        let devnet = Devnet::start(options).await.unwrap();
        let mut node = Node::one(NETWORK, devnet.url());
        node.timeout = Duration::from_secs(5);
        node.patience = PATIENCE;
        let grid = TronGrid::new(node).unwrap();
        let buyer = key(0xb0);
        for address in keys.addresses().chain([buyer.address()]) {
            devnet.faucet(address, Gift::Trx(1_000_000_000)).unwrap();
        }
        for token in [usdt(), devnet::AUTHORIZED_USD] {
            devnet.faucet(buyer.address(), Gift::Token(token, Amount::from_u64(100_000_000))).unwrap();
        }
        let mut config = config(&devnet);
        change(&mut config);
        let (facilitator, url) = serve_with(keys, config, &grid).await;
        Self { devnet, grid, facilitator, url, buyer, http: reqwest::Client::new() }
    }

    /// The buyer lets the permit contract take this much.
    pub async fn approve(&self, amount: u64) {
        approve(&self.grid, &self.buyer, permit_contract(), amount).await;
    }

    pub fn fee(&self, amount: u64) -> Fee {
        let amount = Amount::from_u64(if amount > FREE_UP_TO { FEE } else { 0 });
        Fee { to: key(0xfe).address(), amount, caller: Some(self.facilitator.address()) }
    }

    /// A payment of `amount` with this nonce, and what the seller asked for.
    pub fn payment(&self, amount: u64, nonce: u64) -> Paid {
        self.payment_with(amount, nonce, |_| {})
    }

    pub fn payment_with(&self, amount: u64, nonce: u64, change: impl FnOnce(&mut PaymentRequired)) -> Paid {
        let fee = self.fee(amount);
        by_permit(&self.buyer, fee, amount, nonce, START_SECS, change)
    }

    /// As a seller settles, with its key.
    pub async fn settle(&self, paid: &Paid, key: Option<&str>) -> serde_json::Value {
        let request = self.http.post(format!("{}/settle", self.url)).body(paid.body());
        let request = key.iter().fold(request, |request, key| request.header("Idempotency-Key", *key));
        request.send().await.unwrap().json().await.unwrap()
    }

    pub async fn post(&self, path: &str, body: String) -> (u16, serde_json::Value) {
        let request = self.http.post(format!("{}{path}", self.url)).header("content-type", "application/json");
        let response = request.body(body).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    pub async fn get(&self, path: &str) -> (u16, String) {
        let response = self.http.get(format!("{}{path}", self.url)).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    pub async fn balance(&self, owner: Address) -> u64 {
        self.grid.balance(usdt(), owner).await.unwrap().to_string().parse().unwrap()
    }
}

/// The configuration of a stage.
pub fn config(devnet: &Devnet) -> Config {
    let clock = devnet.clock().clone();
    Config {
        tokens: vec![terms()],
        payees: Payees::Anybody,
        payee_budget: Budget::UNLIMITED,
        budget: Budget::UNLIMITED,
        fee_to: Some(key(0xfe).address()),
        wait: Duration::from_millis(500),
        poll: Duration::from_millis(10),
        clock: facilitator::Clock::new(move || clock.now_secs()),
        ..Config::default()
    }
}

/// The buyer lets a contract take this much USDT.
pub async fn approve(grid: &TronGrid, buyer: &PrivateKey, spender: Address, amount: u64) {
    let data = abi::approve(spender, Amount::from_u64(amount));
    let contract = Contract::Trigger { owner: buyer.address(), contract: usdt(), call_value_sun: 0, data };
    let raw = grid.head().await.unwrap().transaction(contract, 100_000_000, Duration::from_secs(60));
    grid.broadcast(&SignedTransaction::sign(raw, buyer)).await.unwrap();
}

/// A payment by `exact_permit`, good for ten minutes from `now`.
pub fn by_permit(
    buyer: &PrivateKey,
    fee: Fee,
    amount: u64,
    nonce: u64,
    now: u64,
    change: impl FnOnce(&mut PaymentRequired),
) -> Paid {
    let mut asked = PaymentRequired::new("https://shop.example/report");
    asked.prices = vec![Price::exact_permit(NETWORK, usdt(), Amount::from_u64(amount), seller(), fee)];
    asked.permit = Some(Meta {
        kind: "PAYMENT_ONLY".into(),
        payment_id: [7; 16],
        nonce: U256::from(nonce),
        valid_after: now - 30,
        valid_before: now + 600,
    });
    change(&mut asked);
    sign(buyer, &asked.to_json(), |terms| terms)
}

/// A payment by `exact`: through this Permit2 deployment, or by the token's own authorization.
pub fn by_exact(buyer: &PrivateKey, set: Option<&str>, amount: u64, nonce: u64, now: u64) -> Paid {
    let (asset, extra) = match set {
        Some(_) => (usdt(), json!({ "assetTransferMethod": "permit2" })),
        None => (devnet::AUTHORIZED_USD, json!({ "name": "Authorized Dollar", "version": "1" })),
    };
    let option = json!({
        "scheme": "exact",
        "network": NETWORK.hexadecimal(),
        "amount": amount.to_string(),
        "asset": asset.to_string(),
        "payTo": seller().to_string(),
        "maxTimeoutSeconds": 600,
        "extra": extra,
    });
    let asked = json!({ "x402Version": 2, "resource": { "url": "https://shop.example/a" }, "accepts": [option] });
    let fresh = Fresh { nonce: U256::from(nonce), valid_after: now - 30, valid_before: now + 600 };
    sign(buyer, &asked.to_string(), |terms| {
        let terms = terms.with(fresh);
        set.map_or(terms.clone(), |set| terms.through(set).unwrap())
    })
}

fn sign(buyer: &PrivateKey, asked: &str, choose: impl FnOnce(Terms) -> Terms) -> Paid {
    let offer = Offer::read(asked).unwrap();
    let requirements = offer.options[0].clone();
    let terms = choose(requirements.terms.clone().unwrap());
    let authorization = terms.authorize(buyer.address()).unwrap();
    let payment = authorization.payment(&offer, &requirements, &buyer.sign(&authorization.digest));
    Paid { payment, requirements }
}

pub struct Paid {
    pub payment: Payment,
    pub requirements: Requirements,
}

impl Paid {
    pub fn body(&self) -> String {
        Request { payment: self.payment.clone(), requirements: self.requirements.clone() }.to_json()
    }
}

pub fn terms() -> TokenTerms {
    TokenTerms::flat(NETWORK, usdt(), Amount::from_u64(FEE), Amount::from_u64(FREE_UP_TO))
}

pub async fn serve(config: Config, grid: &TronGrid) -> (Facilitator, String) {
    serve_with(key(0xfa).into(), config, grid).await
}

pub async fn serve_with(keys: Keys, config: Config, grid: &TronGrid) -> (Facilitator, String) {
    let facilitator = Facilitator::new(config, keys, [grid.clone()]).unwrap();
    facilitator.ready().await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = facilitator.clone();
    tokio::spawn(async move { served.serve(listener, CancellationToken::new()).await });
    (facilitator, url)
}
