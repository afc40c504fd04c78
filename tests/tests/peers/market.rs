//! One market for everybody: a devnet, both facilitators, every seller's goods by every scheme, and the buyers.
//! A purchase counts when the chain says so.

use crate::ours::{self, OurWallet, Served};
use crate::process::{Process, python};
use anyhow::{Context, Result, ensure};
use chain::TronGrid;
use devnet::{Devnet, Gift};
use facilitator::Facilitator;
use practice::NETWORK;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use stories::{USDT, address, key};
use tron::{Address, Amount, abi};
use x402::Settlement;

const PATIENCE: Duration = Duration::from_secs(60);
/// A quarter of a dollar in either token, and what either facilitator takes for settling a permit.
pub const PRICE: u64 = 250_000;
pub const FEE: u64 = 10_000;
const PY_BUYER: u8 = 0x61;
const PY_CALLER: u8 = 0x62;
const JS_BUYER: u8 = 0x63;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Ours,
    /// `bankofai-x402` of PyPI.
    Py,
    /// `@bankofai/x402` of npm.
    Js,
    /// `@x402/core` of npm.
    Core,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    ExactPermit,
    Eip3009,
    Permit2,
}

impl Scheme {
    pub const ALL: [Self; 3] = [Self::ExactPermit, Self::Eip3009, Self::Permit2];

    /// As the wire calls it.
    pub fn wire(self) -> &'static str {
        match self {
            Self::ExactPermit => "exact_permit",
            Self::Eip3009 | Self::Permit2 => "exact",
        }
    }

    /// As the table calls it.
    pub fn title(self) -> &'static str {
        match self {
            Self::ExactPermit => "exact_permit",
            Self::Eip3009 => "exact/eip3009",
            Self::Permit2 => "exact/permit2",
        }
    }

    /// None of the well-known tokens can be spent by signature alone.
    pub fn token(self) -> Address {
        if self == Self::Eip3009 { devnet::AUTHORIZED_USD } else { address(USDT) }
    }
}

/// What a seller sells: by this scheme, settled by this facilitator.
#[derive(Clone, Copy)]
pub struct Goods {
    pub facilitator: Who,
    pub scheme: Scheme,
}

impl Goods {
    /// Why a seller can't sell so with a facilitator, if so.
    pub fn reason(self, seller: Who) -> Option<&'static str> {
        match (seller, self.facilitator, self.scheme) {
            (Who::Py, _, Scheme::Permit2) => Some("the package sells no permit2"),
            (_, Who::Py, Scheme::Permit2) => Some("the package settles no permit2"),
            (Who::Core, _, Scheme::ExactPermit) => Some("the package asks for no fee quote"),
            _ => None,
        }
    }

    pub fn all(seller: Who) -> impl Iterator<Item = Self> {
        let of = |scheme| [Who::Ours, Who::Py].map(|facilitator| Self { facilitator, scheme });
        Scheme::ALL.into_iter().flat_map(of).filter(move |goods| goods.reason(seller).is_none())
    }

    pub fn name(self) -> String {
        let settled = if self.facilitator == Who::Ours { "ours" } else { "theirs" };
        format!("{}-{settled}", self.scheme.title().replace('/', "-"))
    }
}

pub fn payee(seller: Who) -> Address {
    key(match seller {
        Who::Ours => 0x51,
        Who::Py => 0x52,
        Who::Js | Who::Core => 0x53,
    })
    .address()
}

pub struct Market {
    devnet: Devnet,
    facilitator: Facilitator,
    till: Served,
    shop: Served,
    wallet: OurWallet,
    pub py: Process,
    pub js: Process,
    pub core: Process,
}

/// What a buyer got, whoever bought.
struct Bought {
    status: u64,
    body: String,
    payment_response: Option<String>,
}

impl Market {
    pub async fn open() -> Result<Self> {
        // tronweb reads receipts from the solidity node; here that one is not behind.
        let devnet = Devnet::start(devnet::Options { solidity_lag: 0, ..devnet::Options::default() }).await?;
        let facilitator = ours::facilitator(&devnet)?;
        let till = Served::start(|_| Ok(facilitator.router())).await?;
        let wallet = OurWallet::open(&devnet).await?;
        let accounts = [0xfa, PY_BUYER, PY_CALLER, JS_BUYER].map(|byte| key(byte).address());
        for account in accounts.into_iter().chain([wallet.address]) {
            devnet.faucet(account, Gift::Trx(10_000_000_000))?;
            for scheme in [Scheme::ExactPermit, Scheme::Eip3009] {
                devnet.faucet(account, Gift::Token(scheme.token(), Amount::from_u64(100_000_000)))?;
            }
        }
        let (python, node) = (python(), Path::new("node"));
        let (of_py, of_js) = (configuration_of_py(&devnet, &till.url), configuration_of_js(&devnet));
        let py = Process::start(&python, "bankofai-py/peer.py", &of_py);
        let js = Process::start(node, "bankofai-js/peer.mjs", &of_js);
        let (py, js) = tokio::try_join!(py, js)?;
        let core = Process::start(node, "x402-core/peer.mjs", &configuration_of_core(&till.url, &py.url)).await?;
        let shop = ours::shop(&till.url, &py.url).await?;
        Ok(Self { devnet, facilitator, till, shop, wallet, py, js, core })
    }

    /// Where our facilitator is.
    pub fn facilitator_url(&self) -> &str {
        &self.till.url
    }

    /// Where this seller has these goods.
    pub fn url(&self, seller: Who, goods: Goods) -> String {
        let base = match seller {
            Who::Ours => &self.shop.url,
            Who::Py => &self.py.url,
            Who::Js | Who::Core => &self.core.url,
        };
        format!("{base}/goods/{}", goods.name())
    }

    /// One purchase, watched on the chain: the goods came, the seller has the price, and the transaction that the
    /// seller names carried it.
    pub async fn trade(&self, buyer: Who, seller: Who, goods: Goods) -> Result<()> {
        let (url, token) = (self.url(seller, goods), goods.scheme.token());
        let before = self.balance(token, payee(seller)).await?;
        let wish = json!({ "url": url, "scheme": goods.scheme.wire() });
        let bought = match buyer {
            Who::Ours => self.buy(&url).await?,
            Who::Py => of_peer(&self.py.ask("/buy", &wish).await?)?,
            Who::Js | Who::Core => of_peer(&self.js.ask("/buy", &wish).await?)?,
        };
        ensure!(bought.status == 200, "HTTP status {}: {}", bought.status, bought.body);
        ensure!(bought.body.contains(&goods.name()), "other goods came: {}", bought.body);
        let settled = Settlement::read(&bought.payment_response.context("no PAYMENT-RESPONSE")?)?;
        ensure!(settled.success, "{settled:?}");
        let after = self.balance(token, payee(seller)).await?;
        ensure!(after.saturating_sub(before) == Amount::from_u64(PRICE), "the seller has {before}, then {after}");
        let transaction = settled.transaction.context("no transaction")?;
        ensure!(self.paid_in(&transaction, payee(seller)).await?, "{transaction} does not pay the seller");
        Ok(())
    }

    /// Our wallet: an app buys through the port, and the person says yes.
    async fn buy(&self, url: &str) -> Result<Bought> {
        let got = self.wallet.buyer.get(url, PATIENCE).await?;
        let body = String::from_utf8_lossy(&got.body).into_owned();
        Ok(Bought { status: got.status.into(), body, payment_response: got.payment_response })
    }

    async fn balance(&self, token: Address, owner: Address) -> Result<Amount> {
        Ok(self.grid()?.balance(token, owner).await?)
    }

    /// Whether this transaction moved the price to the payee.
    async fn paid_in(&self, transaction: &str, payee: Address) -> Result<bool> {
        let id = transaction.parse::<tron::TxId>()?;
        let receipt = self.grid()?.receipt(&id, chain::Finality::Seen).await?.context("no receipt")?;
        let mut transfers = receipt.logs.iter().filter_map(|log| abi::decode_transfer(&log.topics, &log.data));
        Ok(receipt.success && transfers.any(|t| t.to == payee && t.amount == Amount::from_u64(PRICE)))
    }

    fn grid(&self) -> Result<TronGrid> {
        Ok(TronGrid::new(chain::Config::one(NETWORK, self.devnet.url()))?)
    }

    /// Ends everything that was started.
    pub async fn close(self) {
        tokio::join!(self.py.end(), self.js.end(), self.core.end());
        self.wallet.close().await;
        drop((self.shop, self.till));
        self.facilitator.finish().await;
        self.devnet.shutdown().await;
    }
}

fn secret(byte: u8) -> String {
    hex::encode([byte; 32])
}

/// What the packages are told about the token that they don't know.
fn tokens() -> Value {
    let address = devnet::AUTHORIZED_USD.to_string();
    json!([{ "address": address, "decimals": 6, "name": "Authorized Dollar", "symbol": "AUSD" }])
}

fn configuration_of_py(devnet: &Devnet, facilitator: &str) -> Value {
    let of = |goods: Goods| {
        let price = if goods.scheme == Scheme::Eip3009 { "0.25 AUSD" } else { "0.25 USDT" };
        let own = goods.facilitator == Who::Py;
        json!({ "name": goods.name(), "scheme": goods.scheme.wire(), "price": price, "own": own })
    };
    json!({
        "node": devnet.url(),
        "facilitator": facilitator,
        "buyer": secret(PY_BUYER),
        "caller": secret(PY_CALLER),
        "payTo": payee(Who::Py).to_string(),
        "fees": { "USDT": FEE },
        "tokens": tokens(),
        "goods": Goods::all(Who::Py).map(of).collect::<Vec<_>>(),
    })
}

fn configuration_of_js(devnet: &Devnet) -> Value {
    json!({ "node": devnet.url(), "buyer": secret(JS_BUYER), "tokens": tokens() })
}

fn configuration_of_core(ours: &str, theirs: &str) -> Value {
    let of = |goods: Goods| {
        let extra = match goods.scheme {
            Scheme::Permit2 => json!({ "assetTransferMethod": "permit2" }),
            _ => json!({ "assetTransferMethod": "eip3009", "name": "Authorized Dollar", "version": "1" }),
        };
        json!({
            "name": goods.name(),
            "scheme": goods.scheme.wire(),
            "network": NETWORK.named(),
            "payTo": payee(Who::Core).to_string(),
            "price": { "amount": PRICE.to_string(), "asset": goods.scheme.token().to_string(), "extra": extra },
            "facilitator": if goods.facilitator == Who::Ours { ours } else { theirs },
        })
    };
    json!({ "goods": Goods::all(Who::Core).map(of).collect::<Vec<_>>() })
}

fn of_peer(answer: &Value) -> Result<Bought> {
    Ok(Bought {
        status: answer["status"].as_u64().context("status")?,
        body: answer["body"].as_str().context("body")?.to_owned(),
        payment_response: answer["headers"]["payment-response"].as_str().map(str::to_owned),
    })
}
