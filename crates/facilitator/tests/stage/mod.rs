//! A devnet, a facilitator over HTTP, a funded buyer, and payments to settle.

#![allow(clippy::unwrap_used, dead_code, reason = "helpers of tests, shared by several")]

use chain::{Config as Node, TronGrid};
use devnet::{Clock, Devnet, Gift, Options};
use facilitator::{CancellationToken, Config, Facilitator, TokenTerms};
use std::time::Duration;
use tron::{Address, Amount, Network, PrivateKey, SignedTransaction, abi, registry, tx::Contract};
use x402::{Fee, Offer, Payment, PaymentRequired, Price, Requirements, U256, exact_permit::Meta, facilitator::Request};

pub const NETWORK: Network = Network::Nile;
pub const START_SECS: u64 = 1_790_000_000;
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
        // A standing clock: no empty blocks, so that blocks count transactions.
        let clock = Clock::frozen_at(START_SECS * 1000);
        let options = Options { clock: clock.clone(), solidity_lag: 0, ..Options::default() };
        let devnet = Devnet::start(options).await.unwrap();
        let mut node = Node::one(NETWORK, devnet.url());
        node.timeout = Duration::from_secs(5);
        let grid = TronGrid::new(node).unwrap();
        let (buyer, own) = (key(0xb0), key(0xfa));
        for address in [buyer.address(), own.address()] {
            devnet.faucet(address, Gift::Trx(1_000_000_000)).unwrap();
        }
        devnet.faucet(buyer.address(), Gift::Token(usdt(), Amount::from_u64(100_000_000))).unwrap();
        let mut config = Config {
            tokens: vec![terms()],
            fee_to: Some(key(0xfe).address()),
            wait: Duration::from_millis(500),
            poll: Duration::from_millis(10),
            clock: facilitator::Clock::new(move || clock.now_secs()),
            ..Config::default()
        };
        change(&mut config);
        let (facilitator, url) = serve(config, &grid).await;
        Self { devnet, grid, facilitator, url, buyer, http: reqwest::Client::new() }
    }

    /// The buyer lets the permit contract take this much.
    pub async fn approve(&self, amount: u64) {
        let data = abi::approve(permit_contract(), Amount::from_u64(amount));
        let owner = self.buyer.address();
        let contract = Contract::Trigger { owner, contract: usdt(), call_value_sun: 0, data };
        let raw = self.grid.head().await.unwrap().transaction(contract, 100_000_000, Duration::from_secs(60));
        self.grid.broadcast(&SignedTransaction::sign(raw, &self.buyer)).await.unwrap();
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
        let mut asked = PaymentRequired::new("https://shop.example/report");
        asked.prices = vec![Price::exact_permit(NETWORK, usdt(), Amount::from_u64(amount), seller(), self.fee(amount))];
        asked.permit = Some(Meta {
            kind: "PAYMENT_ONLY".into(),
            payment_id: [7; 16],
            nonce: U256::from(nonce),
            valid_after: START_SECS - 30,
            valid_before: START_SECS + 600,
        });
        change(&mut asked);
        let offer = Offer::read(&asked.to_json()).unwrap();
        let requirements = offer.options[0].clone();
        let authorization = requirements.terms.as_ref().unwrap().authorize(self.buyer.address()).unwrap();
        let payment = authorization.payment(&offer, &requirements, &self.buyer.sign(&authorization.digest));
        Paid { payment, requirements }
    }

    pub async fn post(&self, path: &str, body: String) -> (u16, serde_json::Value) {
        let request = self.http.post(format!("{}{path}", self.url)).header("content-type", "application/json");
        let response = request.body(body).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    pub async fn balance(&self, owner: Address) -> u64 {
        self.grid.balance(usdt(), owner).await.unwrap().to_string().parse().unwrap()
    }
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
    let facilitator = Facilitator::new(config, key(0xfa).into(), [grid.clone()]).unwrap();
    facilitator.ready().await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = facilitator.clone();
    tokio::spawn(async move { served.serve(listener, CancellationToken::new()).await });
    (facilitator, url)
}
