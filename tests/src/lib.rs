//! The stage for whole stories: a devnet, a wallet on a folder of its own, a seller that dictates 402s and a
//! facilitator's key that settles them. Everything real but the clock, which a story may move.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a story that cannot go on has failed

pub mod cases;
pub mod doors;
pub mod hostile;

mod dice;
mod shop;
mod way;
mod wire;

pub use dice::Dice;
pub use shop::{Answer as AppAnswer, App, Market, insist};
pub use way::Way;
pub use wire::{Loss, Wire};

use devnet::{Devnet, Gift, Options as DevnetOptions};
use ledger::{Payment, PaymentId};
use plan::{AppId, Limit, Mode, Moment, PlanDigest};
use std::time::Duration;
use tempfile::TempDir;
use tron::tx::Contract;
use tron::{Address, Amount, Network, PrivateKey, TxId};
use wallet::{
    AllowanceChoice, Answer, Cost, HandClock, Options, Outcome, Passphrase, PayRequest, Proof, Scope, Wallet,
    WalletError,
};
use x402::Scheme;

pub const USDT: &str = "TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf";
pub const PASSPHRASE: &str = "correct horse battery";
/// The words of every BIP-39 test vector.
pub const WORDS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
/// 2026-11-22T12:00:00Z: where a story's clocks begin.
pub const START: Moment = Moment(1_795_348_800_000);

pub fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

pub fn usdt(units: &str) -> Amount {
    Amount::parse_units(units, 6).unwrap()
}

pub fn key(byte: u8) -> PrivateKey {
    PrivateKey::from_bytes(&[byte; 32]).unwrap()
}

/// What a seller asks for; stories change what they are about.
pub struct Ask {
    pub scheme: Scheme,
    pub url: String,
    pub price: Amount,
    pub fee: Amount,
    pub token: Address,
    pub pay_to: Address,
    /// Where the server dictates it.
    pub nonce: u64,
    pub seconds: u64,
}

impl Ask {
    /// By `exact_permit`, which has a fee; the other schemes have none.
    pub fn new(nonce: u64) -> Self {
        Self {
            scheme: Scheme::ExactPermit,
            url: "https://news.example/articles/8841".to_owned(),
            price: usdt("0.25"),
            fee: usdt("0.01"),
            token: address(USDT),
            pay_to: key(0x51).address(),
            nonce,
            seconds: 600,
        }
    }

    /// The same purchase by another scheme.
    pub fn by(scheme: Scheme, nonce: u64) -> Self {
        let ask = Self { scheme, ..Self::new(nonce) };
        match scheme {
            Scheme::ExactPermit => ask,
            Scheme::ExactEip3009 => Self { fee: Amount::ZERO, token: devnet::AUTHORIZED_USD, ..ask },
            _ => Self { fee: Amount::ZERO, ..ask },
        }
    }

    /// Price and fee.
    pub fn total(&self) -> Amount {
        self.price.saturating_add(self.fee)
    }

    /// This `exact` as an entry of `accepts`.
    pub fn option(&self) -> serde_json::Value {
        let extra = match self.scheme {
            Scheme::ExactEip3009 => serde_json::json!({ "name": "Authorized Dollar", "version": "1" }),
            _ => serde_json::json!({ "assetTransferMethod": "permit2" }),
        };
        serde_json::json!({
            "scheme": "exact", "network": "tron:0xcd8690dc", "amount": self.price.to_string(),
            "asset": self.token.to_string(), "payTo": self.pay_to.to_string(),
            "maxTimeoutSeconds": self.seconds, "extra": extra,
        })
    }
}

/// The schemes that are paid with.
pub const SCHEMES: [Scheme; 3] = [Scheme::ExactPermit, Scheme::ExactEip3009, Scheme::ExactPermit2];

pub struct Stage {
    pub devnet: Devnet,
    pub wallet: Wallet,
    pub clock: HandClock,
    pub dir: TempDir,
    pub app: AppId,
    facilitator: PrivateKey,
}

impl Stage {
    /// A funded, unlocked wallet with an allowance to the payment contract, and a paired app.
    pub async fn start() -> Self {
        let stage = Self::without_allowance().await;
        stage.allow_contract("1000").await;
        stage
    }

    pub async fn without_allowance() -> Self {
        Self::prepared(tempfile::tempdir().unwrap(), START).await
    }

    /// As [`Stage::start`], on a folder that may hold a record already, which ends before `begin`.
    pub async fn start_in(dir: TempDir, begin: Moment) -> Self {
        let stage = Self::prepared(dir, begin).await;
        stage.allow_contract("1000").await;
        stage
    }

    async fn prepared(dir: TempDir, begin: Moment) -> Self {
        let node_clock = devnet::Clock::frozen_at(u64::try_from(begin.0).unwrap());
        let doors = doors::of_devnet();
        let options = DevnetOptions { clock: node_clock, solidity_lag: 2, doors, ..DevnetOptions::default() };
        let devnet = Devnet::start(options).await.unwrap();
        let clock = HandClock::at(begin);
        let wallet = open(&dir, &devnet, &clock).await;
        wallet.import_words(WORDS, passphrase()).await.unwrap();
        let payer = wallet.accounts()[0].address;
        let facilitator = key(0xfa);
        devnet.faucet(payer, Gift::Trx(2_000_000_000)).unwrap();
        devnet.faucet(payer, Gift::Token(address(USDT), usdt("100"))).unwrap();
        devnet.faucet(facilitator.address(), Gift::Trx(2_000_000_000)).unwrap();
        let pairing = wallet.pair("fetcher").unwrap();
        wallet.answer_pairing(&pairing.id, true).await.unwrap();
        let token = wallet.collect(&pairing.id, &pairing.secret.unwrap(), Duration::ZERO).await.unwrap().token.unwrap();
        let app = wallet.authenticate(&token).await.unwrap().id;
        Self { devnet, wallet, clock, dir, app, facilitator }
    }

    /// The process ends and starts again: same folder, same chain, locked.
    pub async fn restart(self) -> Self {
        let Self { devnet, wallet, clock, dir, app, facilitator } = self;
        wallet.close().await;
        let wallet = open(&dir, &devnet, &clock).await;
        Self { devnet, wallet, clock, dir, app, facilitator }
    }

    /// As [`Stage::restart`], with these files where the process left its own.
    pub async fn restart_with(self, files: &[(String, Vec<u8>)]) -> Self {
        let Self { devnet, wallet, clock, dir, app, facilitator } = self;
        wallet.close().await;
        drop(wallet);
        for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
            let _ = std::fs::remove_file(dir.path().join(name));
        }
        for (name, bytes) in files {
            std::fs::write(dir.path().join(name), bytes).unwrap();
        }
        let wallet = open(&dir, &devnet, &clock).await;
        Self { devnet, wallet, clock, dir, app, facilitator }
    }

    /// The wallet's process ends and starts again, unlocked, with its node at this URL.
    pub async fn reopen(&mut self, node: String) {
        self.wallet.close().await;
        let own = node == self.devnet.url();
        let node = if own { doors::wallet_node(&self.devnet) } else { node.into() };
        let options = Options { nile: Some(node), ..options(&self.dir, &self.devnet, &self.clock) };
        self.wallet = Wallet::open(options).await.unwrap();
        self.wallet.unlock(passphrase()).await.unwrap();
    }

    /// A client of this chain's node.
    pub fn node(&self) -> chain::TronGrid {
        doors::client(&self.devnet)
    }

    pub fn payer(&self) -> Address {
        self.wallet.accounts()[0].address
    }

    /// The wallet's own key: what stands in for a wallet that was measured already.
    pub fn buyer(&self) -> PrivateKey {
        tron::hd::derive(&tron::hd::Words::parse(WORDS).unwrap(), 0).unwrap()
    }

    pub fn caller(&self) -> Address {
        self.facilitator.address()
    }

    /// Both clocks and the chain's go on.
    pub fn advance(&self, seconds: u64) {
        self.clock.advance_ms(i64::try_from(seconds * 1000).unwrap());
        self.devnet.clock().advance(Duration::from_secs(seconds));
        self.devnet.mine(1);
    }

    /// The 402, as a header value.
    pub fn offer(&self, ask: &Ask) -> String {
        if ask.scheme != Scheme::ExactPermit {
            return Self::offer_of(&ask.url, &[ask.option()]);
        }
        let now = self.devnet.clock().now_secs();
        let fee = x402::Fee { to: self.caller(), amount: ask.fee, caller: Some(self.caller()) };
        let price = x402::Price::exact_permit(Network::Nile, ask.token, ask.price, ask.pay_to, fee);
        let nonce = x402::U256::from(ask.nonce);
        let required = x402::PaymentRequired {
            description: Some("Full text of one article".to_owned()),
            prices: vec![price],
            permit: Some(x402::exact_permit::Meta::payment_only([7; 16], nonce, now - 60, now + ask.seconds)),
            ..x402::PaymentRequired::new(&ask.url)
        };
        required.header_value()
    }

    /// A 402 with these options.
    pub fn offer_of(url: &str, accepts: &[serde_json::Value]) -> String {
        let resource = serde_json::json!({ "url": url, "description": "Full text of one article" });
        let document = serde_json::json!({ "x402Version": 2, "resource": resource, "accepts": accepts });
        x402::header::write(&document.to_string())
    }

    pub fn request(&self, ask: &Ask) -> PayRequest {
        PayRequest {
            method: "GET".to_owned(),
            url: ask.url.clone(),
            payment_required: self.offer(ask),
            ..PayRequest::default()
        }
    }

    pub async fn pay(&self, ask: &Ask) -> Result<Outcome, WalletError> {
        self.wallet.pay(&self.app, &self.request(ask)).await
    }

    /// Pays what has to be asked and returns the open question.
    pub async fn ask(&self, ask: &Ask) -> Payment {
        match self.pay(ask).await.unwrap() {
            Outcome::Open(payment) => payment,
            other => panic!("expected a question, found {other:?}"),
        }
    }

    /// As the window does it: shown, a second later answered.
    pub async fn approve(&self, payment: &Payment, scope: Scope) -> Result<Payment, WalletError> {
        self.approve_with(payment.id, payment.digest, scope, AllowanceChoice::Exact).await
    }

    pub async fn approve_with(
        &self,
        id: PaymentId,
        digest: PlanDigest,
        scope: Scope,
        allowance: AllowanceChoice,
    ) -> Result<Payment, WalletError> {
        let wait = self.wallet.shown(id, digest).await?;
        self.clock.advance_ms(wait);
        self.wallet.answer(id, digest, Answer::Approve { scope, allowance }, Proof::Window).await
    }

    pub async fn reject(&self, payment: &Payment) -> Payment {
        let no = Answer::Reject { block_site: false };
        self.wallet.answer(payment.id, payment.digest, no, Proof::Window).await.unwrap()
    }

    /// A rule that pays this seller automatically up to `per_day`, for the app on one site and on all.
    pub async fn allow_automatically(&self, ask: &Ask, per_day: &str) {
        let limit = Limit { per_day: Some(usdt(per_day)), ..Limit::default() };
        let site = plan::Site::of(&ask.url).unwrap();
        for site in [None, Some(site)] {
            let key = ledger::RuleKey { app: self.app.clone(), site, network: Network::Nile, token: ask.token };
            self.wallet.set_rule(key, Mode::Allow(limit.clone())).await.unwrap();
        }
    }

    /// What the seller would send on: the signed payment of a row.
    pub async fn signed(&self, id: PaymentId) -> x402::Payment {
        let (_, papers, _) = self.wallet.payment(id).await.unwrap();
        x402::Payment::read(&papers.header_value.unwrap()).unwrap()
    }

    /// The facilitator settles a signed payment on chain; answers the transaction.
    pub async fn settle(&self, payment: &x402::Payment) -> TxId {
        self.settle_through(&self.node(), payment).await
    }

    /// As [`Stage::settle`], over connections that are open already.
    pub async fn settle_through(&self, node: &chain::TronGrid, payment: &x402::Payment) -> TxId {
        let signed = x402::Signed::of(payment, payment.accepted.as_ref().unwrap()).unwrap();
        let (contract, data) = signed.settle_call();
        self.send(node, &self.facilitator, contract, data).await
    }

    /// The payer takes a permission by Permit2 back; answers the transaction.
    pub async fn cancel(&self, slot: &x402::NonceSlot) -> TxId {
        let owner = tron::hd::derive(&tron::hd::Words::parse(WORDS).unwrap(), 0).unwrap();
        self.send(&self.node(), &owner, slot.contract, x402::exact_permit2::cancel_call(slot.nonce)).await
    }

    async fn send(&self, node: &chain::TronGrid, from: &PrivateKey, contract: Address, data: Vec<u8>) -> TxId {
        let call = Contract::Trigger { owner: from.address(), contract, call_value_sun: 0, data };
        let raw = node.head().await.unwrap().transaction(call, 500_000_000, Duration::from_secs(60));
        let signed = tron::SignedTransaction::sign(raw, from);
        node.broadcast(&signed).await.unwrap();
        let receipt = node.receipt(&signed.id(), chain::Finality::Seen).await.unwrap().unwrap();
        assert!(receipt.success, "{}", receipt.result);
        signed.id()
    }

    /// A token transfer of the payer that may burn nothing for energy, sent; the chain takes it and it fails.
    pub async fn send_without_energy(&self) -> tron::SignedTransaction {
        let (node, owner) = (self.node(), tron::hd::derive(&tron::hd::Words::parse(WORDS).unwrap(), 0).unwrap());
        let contract = address(USDT);
        let data = tron::abi::transfer(self.facilitator.address(), tron::Amount::from_u64(1));
        let call = Contract::Trigger { owner: owner.address(), contract, call_value_sun: 0, data };
        let raw = node.head().await.unwrap().transaction(call, 0, Duration::from_secs(60));
        let signed = tron::SignedTransaction::sign(raw, &owner);
        node.broadcast(&signed).await.unwrap();
        signed
    }

    /// Whether the chain takes a signed payment.
    pub async fn try_settle(&self, payment: &x402::Payment) -> bool {
        let signed = x402::Signed::of(payment, payment.accepted.as_ref().unwrap()).unwrap();
        let (contract, data) = signed.settle_call();
        let node = self.node();
        let call = Contract::Trigger { owner: self.facilitator.address(), contract, call_value_sun: 0, data };
        let raw = node.head().await.unwrap().transaction(call, 500_000_000, Duration::from_secs(60));
        let signed = tron::SignedTransaction::sign(raw, &self.facilitator);
        node.broadcast(&signed).await.unwrap();
        node.receipt(&signed.id(), chain::Finality::Seen).await.unwrap().unwrap().success
    }

    /// The same account pays somebody by another program.
    pub async fn spend_elsewhere(&self, amount: Amount) {
        self.send(&self.node(), &self.buyer(), address(USDT), tron::abi::transfer(key(0x77).address(), amount)).await;
    }

    /// An allowance to the payment contract, given outside of the wallet.
    pub async fn allow_contract(&self, units: &str) {
        self.allow_spender(tron::registry::deployments(Network::Nile).payment_permit, units).await;
    }

    /// Whatever the scheme needs besides the wallet itself: an allowance to each Permit2, or the money and the token.
    pub async fn prepare(&self, scheme: Scheme) {
        match scheme {
            Scheme::ExactPermit2 => {
                for set in &tron::registry::deployments(Network::Nile).permit2 {
                    self.allow_spender(set.permit2, "1000").await;
                }
            }
            Scheme::ExactEip3009 => self.own_token().await,
            _ => {}
        }
    }

    /// Money in the token that can be spent by signature, which the person added.
    pub async fn own_token(&self) {
        self.devnet.faucet(self.payer(), Gift::Token(devnet::AUTHORIZED_USD, usdt("100"))).unwrap();
        self.wallet.add_token(Network::Nile, devnet::AUTHORIZED_USD).await.unwrap();
    }

    async fn allow_spender(&self, spender: Address, units: &str) {
        self.send(&self.node(), &self.buyer(), address(USDT), tron::abi::approve(spender, usdt(units))).await;
    }

    pub async fn balance(&self, owner: Address) -> Amount {
        self.balance_of(address(USDT), owner).await
    }

    pub async fn balance_of(&self, token: Address, owner: Address) -> Amount {
        self.node().balance(token, owner).await.unwrap()
    }

    pub async fn row(&self, id: PaymentId) -> Payment {
        self.wallet.payment(id).await.unwrap().0
    }

    pub async fn count(&self) -> usize {
        self.wallet.payments(ledger::Filter::default(), ledger::Page::first(1000)).await.unwrap().rows.len()
    }

    /// Waits until the payment moved on from being open.
    pub async fn finished(&self, id: PaymentId) -> Payment {
        self.wallet.payment_of_app(&self.app, id, Duration::from_secs(20)).await.unwrap()
    }
}

pub fn passphrase() -> Passphrase {
    Passphrase::new(PASSPHRASE.to_owned())
}

fn options(dir: &TempDir, devnet: &Devnet, clock: &HandClock) -> Options {
    Options {
        nile: Some(doors::wallet_node(devnet)),
        clock: std::sync::Arc::new(clock.clone()),
        cost: Cost::floor(),
        ..Options::new(dir.path(), "devnet")
    }
}

async fn open(dir: &TempDir, devnet: &Devnet, clock: &HandClock) -> Wallet {
    Wallet::open(options(dir, devnet, clock)).await.unwrap()
}
