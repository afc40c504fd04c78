//! One payment buys one thing, also from shops that remember nothing of what they sold: published seller kits for Rust in
//! front of our facilitator, in every way of settling that they have, with ten requests at once and ten in a row.

use crate::{
    ours::{self, Served},
    process::{Process, root},
};
use anyhow::{Context, Result, ensure};
use chain::TronGrid;
use devnet::{Devnet, Gift};
use futures::future::join_all;
use practice::NETWORK;
use serde_json::json;
use std::{
    path::PathBuf,
    time::{Duration, SystemTime},
};
use stories::key;
use tokio::process::Command;
use tron::{Address, Amount};
use x402::{Fresh, Offer, Payment, U256};

const PRICE: u64 = 250_000;
const TRIES: usize = 10;
const GOODS: &str = "the goods";
/// How long a settlement that nobody waits for may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A kit and how it settles, as docs/peers.md says it; whether it waits for the settlement before it delivers.
const WAYS: [(&str, &str, &str, bool); 5] = [
    ("x402-axum", "after", "x402-axum 2.0.2 | after the handler (default)", true),
    ("x402-axum", "before", "x402-axum 2.0.2 | `settle_before_execution`", true),
    ("r402-http", "sequential", "r402-http 0.15.0 | `Sequential` (default)", true),
    ("r402-http", "concurrent", "r402-http 0.15.0 | `Concurrent`", true),
    ("r402-http", "background", "r402-http 0.15.0 | `Background`", false),
];

struct Market {
    devnet: Devnet,
    grid: TronGrid,
    shop: Process,
    http: reqwest::Client,
    paid: u64,
}

fn payee() -> Address {
    key(0x54).address()
}

/// The shop, which `cargo xtask setup` builds.
fn program() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    target.join("debug").join(format!("seller-kits{}", std::env::consts::EXE_SUFFIX))
}

impl Market {
    async fn open(till: &str, devnet: Devnet) -> Result<Self> {
        let grid = TronGrid::new(chain::Config::one(NETWORK, devnet.url()))?;
        let option = json!({
            "scheme": "exact",
            "network": NETWORK.canonical(),
            "amount": PRICE.to_string(),
            "asset": devnet::AUTHORIZED_USD.to_string(),
            "payTo": payee().to_string(),
            "maxTimeoutSeconds": 300,
            "extra": { "assetTransferMethod": "eip3009", "name": "Authorized Dollar", "version": "1" },
        });
        let configuration = json!({ "facilitator": till, "option": option });
        let shop = Process::launch(Command::new(program()), &configuration).await?;
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { devnet, grid, shop, http, paid: 0 })
    }

    /// A payment with a nonce of its own, for what is offered there.
    async fn sign(&mut self, path: &str) -> Result<Payment> {
        let asked = self.http.get(format!("{}{path}", self.shop.url)).send().await?;
        let header = asked.headers().get("payment-required").context("the kit offers something")?;
        let offer = Offer::read(header.to_str()?)?;
        self.paid += 1;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
        let fresh = Fresh { nonce: U256::from(self.paid), valid_after: now - 60, valid_before: now + 300 };
        let payer = key(0x77);
        let authorization = offer.options[0].terms.clone()?.with(fresh).authorize(payer.address())?;
        Ok(authorization.payment(&offer, &offer.options[0], &payer.sign(&authorization.digest)))
    }

    async fn delivers(&self, path: &str, payment: &Payment) -> Result<bool> {
        let request = self.http.get(format!("{}{path}", self.shop.url));
        let answer = request.header(payment.header_name(), payment.header_value()).send().await?;
        let (status, body) = (answer.status().as_u16(), answer.text().await?);
        ensure!((status == 200) == (body == GOODS), "{status} {body}");
        Ok(status == 200)
    }

    /// How often one payment delivers, presented ten times at once, and another one ten times in a row.
    async fn deliveries(&mut self, path: &str) -> Result<[usize; 2]> {
        let payment = self.sign(path).await?;
        let at_once = join_all((0..TRIES).map(|_| self.delivers(path, &payment))).await;
        let at_once = at_once.into_iter().collect::<Result<Vec<_>>>()?.into_iter().filter(|got| *got).count();
        self.settled().await?;
        let payment = self.sign(path).await?;
        let mut in_a_row = 0;
        for _ in 0..TRIES {
            in_a_row += usize::from(self.delivers(path, &payment).await?);
        }
        self.settled().await?;
        ensure!(!self.delivers(path, &payment).await?, "{path}: a settled payment delivers");
        Ok([at_once, in_a_row])
    }

    /// Waits until every payment has moved its price, once.
    async fn settled(&self) -> Result<()> {
        let due = Amount::from_u64(PRICE * self.paid);
        let moved = async {
            while self.grid.balance(devnet::AUTHORIZED_USD, payee()).await? < due {
                tokio::task::yield_now().await;
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(PATIENCE, moved).await??;
        let earned = self.grid.balance(devnet::AUTHORIZED_USD, payee()).await?;
        ensure!(earned == due, "{earned} moved instead of {due}");
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_payment_buys_one_thing_from_published_seller_kits_however_they_settle() -> Result<()> {
    let devnet = Devnet::start(devnet::Options { solidity_lag: 0, ..devnet::Options::default() }).await?;
    let facilitator = ours::facilitator(&devnet)?;
    let till = Served::start(|_| Ok(facilitator.router())).await?;
    devnet.faucet(key(0xfa).address(), Gift::Trx(10_000_000_000))?;
    devnet.faucet(key(0x77).address(), Gift::Token(devnet::AUTHORIZED_USD, Amount::from_u64(100_000_000)))?;
    let mut market = Market::open(&till.url, devnet).await?;
    let page = std::fs::read_to_string(root().join("docs/peers.md"))?;
    for (kit, way, told, waits) in WAYS {
        let path = format!("/{kit}/{way}");
        let [at_once, in_a_row] = market.deliveries(&path).await.with_context(|| path.clone())?;
        println!("{kit} {way}: {at_once} of {TRIES} at once, {in_a_row} of {TRIES} in a row");
        if waits {
            assert_eq!([at_once, in_a_row], [1, 1], "{path}");
        }
        let row = if waits { "1 | 1" } else { "until it is settled | until it is settled" };
        assert!(page.contains(&format!("| {told} | {row} |\n")), "docs/peers.md has no such row: {told} | {row}");
    }
    let Market { devnet, shop, .. } = market;
    shop.end().await;
    drop(till);
    facilitator.finish().await;
    devnet.shutdown().await;
    Ok(())
}
