//! One market for everybody: the practice world with its facilitator, a paywall of ours in front of either
//! facilitator, our wallet behind its port with a person who says yes, and the published SDKs.

use crate::process::{Process, python};
use anyhow::{Context, Result, ensure};
use axum::{Router, routing::get};
use helper::{Owner, OwnerOptions};
use practice::{NETWORK, World, buyer::Buyer};
use seller::{Listing, Paywall, Price, Seller};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use stories::{PASSPHRASE, USDT, WORDS, address, key};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tron::{Address, Amount, abi};
use view::{AnswerView, Proof, ScopeView};
use x402::Settlement;

const PATIENCE: Duration = Duration::from_secs(60);
/// 0.25 USDT, and what either facilitator takes for settling it.
pub const PRICE: u64 = 250_000;
const FEE: u64 = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Ours,
    Py,
    Js,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    ExactPermit,
}

impl Scheme {
    pub const ALL: [Self; 1] = [Self::ExactPermit];

    pub fn wire(self) -> &'static str {
        match self {
            Self::ExactPermit => "exact_permit",
        }
    }

    /// As the table calls it.
    pub fn title(self) -> &'static str {
        match self {
            Self::ExactPermit => "exact_permit",
        }
    }
}

pub struct Market {
    pub world: World,
    owner: Owner,
    buyer: Buyer,
    pub py: Process,
    js: Process,
    pub core: Process,
    shop: String,
    tasks: Vec<JoinHandle<()>>,
    _dir: TempDir,
}

/// What a buyer got, whoever bought.
struct Bought {
    status: u64,
    body: String,
    payment_response: Option<String>,
}

/// The name of the goods that are paid by this scheme and settled by this facilitator.
fn goods(facilitator: Who, scheme: Scheme) -> String {
    let settled = if facilitator == Who::Ours { "ours" } else { "theirs" };
    format!("{}-{settled}", scheme.title())
}

fn payee(seller: Who) -> Address {
    key(if seller == Who::Ours { 0x51 } else { 0x52 }).address()
}

fn secret(byte: u8) -> String {
    hex::encode([byte; 32])
}

impl Market {
    pub async fn open() -> Result<Self> {
        // tronweb reads receipts from the solidity node; here that one is not behind.
        let devnet = devnet::Options { solidity_lag: 0, ..devnet::Options::default() };
        let world = World::start(practice::Options { devnet, ..practice::Options::default() }).await?;
        for byte in [PY_BUYER, PY_CALLER, JS_BUYER] {
            world.fund(key(byte).address())?;
        }
        let of = |own: bool, scheme: Scheme| {
            let name = goods(if own { Who::Py } else { Who::Ours }, scheme);
            json!({ "name": name, "scheme": scheme.wire(), "price": "0.25 USDT", "own": own })
        };
        let goods: Vec<Value> = Scheme::ALL.iter().flat_map(|&scheme| [of(false, scheme), of(true, scheme)]).collect();
        let of_py = json!({
            "node": world.node_url(),
            "facilitator": world.facilitator_url(),
            "buyer": secret(PY_BUYER),
            "caller": secret(PY_CALLER),
            "payTo": payee(Who::Py).to_string(),
            "fees": { "USDT": FEE },
            "tokens": [],
            "goods": goods,
        });
        let of_js = json!({ "node": world.node_url(), "buyer": secret(JS_BUYER), "tokens": [] });
        let (python, node) = (python(), Path::new("node"));
        let py = Process::start(&python, "bankofai-py/peer.py", &of_py);
        let js = Process::start(node, "bankofai-js/peer.mjs", &of_js);
        let of_core = json!({ "facilitator": world.facilitator_url(), "goods": [] });
        let core = Process::start(node, "x402-core/peer.mjs", &of_core);
        let (py, js, core) = tokio::try_join!(py, js, core)?;
        let (shop, shop_task) = open_shop(&world.facilitator_url(), &py.url).await?;
        let dir = tempfile::tempdir()?;
        let owner = Owner::start(OwnerOptions {
            data_dir: Some(dir.path().to_owned()),
            profile: "devnet".to_owned(),
            port: Some(0),
            nile_node: Some(world.node_url()),
            cost: wallet::Cost::floor(),
            ..OwnerOptions::default()
        })
        .await?;
        let desk = owner.desk().clone();
        let status = desk.import_words(WORDS.to_owned(), PASSPHRASE.to_owned()).await.unwrap();
        world.fund(address(&status.accounts[0].address.address))?;
        let pairing = desk.pair("buyer").await.unwrap();
        desk.answer_pairing(&pairing.id, true).await.unwrap();
        let token = desk.pairing(&pairing.id, Duration::ZERO).await.unwrap().token.context("paired")?;
        let buyer = Buyer::new(format!("http://{}", owner.addr()), token);
        let tasks = vec![shop_task, tokio::spawn(say_yes(desk))];
        Ok(Self { world, owner, buyer, py, js, core, shop, tasks, _dir: dir })
    }

    /// One purchase, watched on the chain: the goods came, the seller has the price, and the transaction that the
    /// seller names carried it.
    pub async fn trade(&self, buyer: Who, seller: Who, facilitator: Who, scheme: Scheme) -> Result<()> {
        let goods = goods(facilitator, scheme);
        let base = if seller == Who::Ours { &self.shop } else { &self.py.url };
        let url = format!("{base}/goods/{goods}");
        let before = self.balance(payee(seller)).await?;
        let bought = match buyer {
            Who::Ours => self.buy(&url).await?,
            Who::Py => of_peer(&self.py.ask("/buy", &json!({ "url": url, "scheme": scheme.wire() })).await?)?,
            Who::Js => of_peer(&self.js.ask("/buy", &json!({ "url": url, "scheme": scheme.wire() })).await?)?,
        };
        ensure!(bought.status == 200, "HTTP status {}: {}", bought.status, bought.body);
        ensure!(bought.body.contains(&goods), "other goods came: {}", bought.body);
        let settled = Settlement::read(&bought.payment_response.context("no PAYMENT-RESPONSE")?)?;
        ensure!(settled.success, "{settled:?}");
        let after = self.balance(payee(seller)).await?;
        ensure!(after.saturating_sub(before) == Amount::from_u64(PRICE), "the seller has {before}, then {after}");
        let transaction = settled.transaction.context("no transaction")?;
        ensure!(self.paid_in(&transaction, payee(seller)).await?, "{transaction} does not pay the seller");
        Ok(())
    }

    /// Our wallet: an app buys through the port, and the person says yes.
    async fn buy(&self, url: &str) -> Result<Bought> {
        let got = self.buyer.get(url, PATIENCE).await?;
        let body = String::from_utf8_lossy(&got.body).into_owned();
        Ok(Bought { status: got.status.into(), body, payment_response: got.payment_response })
    }

    async fn balance(&self, owner: Address) -> Result<Amount> {
        let node = chain::TronGrid::new(chain::Config::one(NETWORK, self.world.node_url()))?;
        Ok(node.balance(address(USDT), owner).await?)
    }

    /// Whether this transaction moved the price to the payee.
    async fn paid_in(&self, transaction: &str, payee: Address) -> Result<bool> {
        let node = chain::TronGrid::new(chain::Config::one(NETWORK, self.world.node_url()))?;
        let id = transaction.parse::<tron::TxId>()?;
        let receipt = node.receipt(&id, chain::Finality::Seen).await?.context("no receipt")?;
        let mut transfers = receipt.logs.iter().filter_map(|log| abi::decode_transfer(&log.topics, &log.data));
        Ok(receipt.success && transfers.any(|t| t.to == payee && t.amount == Amount::from_u64(PRICE)))
    }

    /// Ends everything that was started.
    pub async fn close(self) {
        tokio::join!(self.py.end(), self.js.end(), self.core.end());
        self.tasks.iter().for_each(JoinHandle::abort);
        self.owner.shutdown().await;
        self.world.shutdown().await;
    }
}

const PY_BUYER: u8 = 0x61;
const PY_CALLER: u8 = 0x62;
const JS_BUYER: u8 = 0x63;

fn of_peer(answer: &Value) -> Result<Bought> {
    Ok(Bought {
        status: answer["status"].as_u64().context("status")?,
        body: answer["body"].as_str().context("body")?.to_owned(),
        payment_response: answer["headers"]["payment-response"].as_str().map(str::to_owned),
    })
}

/// Our paywall, once before each facilitator.
async fn open_shop(ours: &str, theirs: &str) -> Result<(String, JoinHandle<()>)> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let mut router = Router::new();
    for (facilitator, facilitator_url) in [(Who::Ours, ours), (Who::Py, theirs)] {
        let seller = Seller::new(facilitator_url)?.public_url(&url);
        for scheme in Scheme::ALL {
            let name = goods(facilitator, scheme);
            let price = Price::new(NETWORK, address(USDT), Amount::from_u64(PRICE), payee(Who::Ours));
            let wall = Paywall::new(seller.clone(), Listing::new("goods").price(price));
            let body = name.clone();
            router = router.route(&format!("/goods/{name}"), get(|| async move { body }).layer(wall));
        }
    }
    let served = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    Ok((url, served))
}

/// The person: reads every question for as long as the window makes them, and approves it with the allowance that
/// it needs.
async fn say_yes(desk: view::Desk) {
    let mut events = desk.subscribe();
    loop {
        for question in desk.questions().await.unwrap() {
            let (id, digest) = (&question.id, &question.digest);
            let wait = desk.shown(id, digest).await.unwrap();
            tokio::time::sleep(Duration::from_millis(wait.into())).await;
            let yes = AnswerView::Approve { scope: ScopeView::Once, allowance_total: None };
            desk.answer(id, digest, yes, Proof::Window).await.unwrap();
        }
        if events.recv().await.is_err() {
            return;
        }
    }
}
