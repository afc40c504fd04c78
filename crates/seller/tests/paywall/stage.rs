//! The stage: a devnet, a real facilitator on it, and a shop with goods behind the paywall; a buyer with a key.

use axum::{
    Extension, Router,
    body::Body,
    http::{StatusCode, header::CACHE_CONTROL, request::Parts},
    response::{IntoResponse, Response as Answer},
    routing::{any, get, post},
};
use chain::{Config as Node, TronGrid};
use devnet::{AUTHORIZED_USD, Clock, Devnet, Gift, Options};
use facilitator::{Facilitator, TokenTerms};
use reqwest::Response;
use seller::{Listing, Paid, Paywall, Price, Seller, Settle, browser_buyers};
use serde_json::Value;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::{Semaphore, mpsc};
use tron::{Address, Amount, Network, PrivateKey, SignedTransaction, abi, registry, tx::Contract};
use x402::{Fresh, Offer, Payment, PaymentId, Settlement, U256, identifier};

pub const NETWORK: Network = Network::Nile;
pub const START_SECS: u64 = 1_790_000_000;

pub fn key(byte: u8) -> PrivateKey {
    PrivateKey::from_bytes(&[byte; 32]).unwrap()
}

pub fn usdt() -> Address {
    Address::parse("TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf").unwrap()
}

pub fn price(units: u64) -> Price {
    Price::new(NETWORK, usdt(), Amount::from_u64(units), key(0x5e).address()).by_exact_permit()
}

pub fn token_price(units: u64) -> Price {
    Price::new(NETWORK, AUTHORIZED_USD, Amount::from_u64(units), key(0x5e).address())
        .by_eip3009("Authorized Dollar", "1")
        .extra("symbol", "AUSD")
        .extra("decimals", 6)
}

pub fn id(text: &str) -> PaymentId {
    PaymentId::parse(text).unwrap()
}

/// What the handlers do, counted and steered.
#[derive(Clone)]
pub struct Kitchen {
    /// How often a handler ran.
    runs: Arc<AtomicU64>,
    /// How often the next ones fail.
    pub failing: Arc<AtomicU64>,
    /// What the computed price is.
    pub price: Arc<AtomicU64>,
    /// The slow handler waits for a permit, and tells that it began.
    pub go: Arc<Semaphore>,
    began: mpsc::UnboundedSender<()>,
}

impl Kitchen {
    pub fn runs(&self) -> u64 {
        self.runs.load(Ordering::SeqCst)
    }

    fn cook(&self) -> Result<u64, StatusCode> {
        let run = self.runs.fetch_add(1, Ordering::SeqCst) + 1;
        let fails = self.failing.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        if fails.is_ok() { Err(StatusCode::INTERNAL_SERVER_ERROR) } else { Ok(run) }
    }

    async fn slowly(self) -> String {
        self.began.send(()).unwrap();
        self.go.acquire().await.unwrap().forget();
        format!("run {}", self.cook().unwrap())
    }
}

pub struct Stage {
    pub devnet: Devnet,
    pub grid: TronGrid,
    pub facilitator: String,
    pub shop: String,
    pub buyer: PrivateKey,
    pub http: reqwest::Client,
    pub kitchen: Kitchen,
    /// Hears when the slow handler begins.
    pub began: mpsc::UnboundedReceiver<()>,
}

pub async fn serve(app: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

impl Stage {
    pub async fn start(change: impl Fn(Seller) -> Seller) -> Self {
        Self::start_behind(0, change).await
    }

    /// On a chain of which so many blocks can be dropped.
    pub async fn start_behind(lag: u64, change: impl Fn(Seller) -> Seller) -> Self {
        let clock = Clock::frozen_at(START_SECS * 1000);
        let devnet =
            Devnet::start(Options { clock: clock.clone(), solidity_lag: lag, ..Options::default() }).await.unwrap();
        // A busy node is asked twice.
        let patience = Duration::from_millis(300);
        let grid = TronGrid::new(Node { patience, ..Node::one(NETWORK, devnet.url()) }).unwrap();
        let buyer = key(0xb0);
        for address in [buyer.address(), key(0xfa).address()] {
            devnet.faucet(address, Gift::Trx(1_000_000_000)).unwrap();
        }
        for token in [usdt(), AUTHORIZED_USD] {
            devnet.faucet(buyer.address(), Gift::Token(token, Amount::from_u64(100_000_000))).unwrap();
        }
        let facilitator = facilitator(&clock, &grid);
        if lag > 0 {
            // It finds out by itself what a fork did.
            facilitator.ready().await.unwrap();
        }
        let facilitator_url = serve(facilitator.router()).await;
        let seller = change(Seller::new(&facilitator_url).unwrap().clock(move || clock.now_secs()));
        let (sender, began) = mpsc::unbounded_channel();
        let kitchen = Kitchen {
            runs: Arc::default(),
            failing: Arc::default(),
            price: Arc::new(AtomicU64::new(50_000)),
            go: Arc::new(Semaphore::new(0)),
            began: sender,
        };
        let shop = serve(shop(&seller, &kitchen)).await;
        let stage = Self {
            devnet,
            grid,
            facilitator: facilitator_url,
            shop,
            buyer,
            http: reqwest::Client::new(),
            kitchen,
            began,
        };
        stage.approve(registry::deployments(NETWORK).payment_permit, 10_000_000).await;
        stage
    }

    pub async fn approve(&self, spender: Address, amount: u64) {
        let data = abi::approve(spender, Amount::from_u64(amount));
        let owner = self.buyer.address();
        let contract = Contract::Trigger { owner, contract: usdt(), call_value_sun: 0, data };
        let raw = self.grid.head().await.unwrap().transaction(contract, 100_000_000, Duration::from_secs(60));
        self.grid.broadcast(&SignedTransaction::sign(raw, &self.buyer)).await.unwrap();
    }

    pub async fn get(&self, path: &str) -> Response {
        self.http.get(format!("{}{path}", self.shop)).send().await.unwrap()
    }

    pub async fn offer(&self, path: &str) -> Offer {
        let response = self.get(path).await;
        assert_eq!(response.status(), 402);
        offer(&response)
    }

    pub fn sign(&self, offer: &Offer, option: usize) -> Payment {
        self.sign_for(offer, option, 600)
    }

    /// Signed; where the payer chooses, with another nonce each time and a window of so many seconds.
    pub fn sign_for(&self, offer: &Offer, option: usize, secs: u64) -> Payment {
        self.sign_between(offer, option, START_SECS - 60, self.devnet.clock().now_secs() + secs)
    }

    /// Signed; where the payer chooses, with another nonce each time and this window.
    pub fn sign_between(&self, offer: &Offer, option: usize, valid_after: u64, valid_before: u64) -> Payment {
        static NONCE: AtomicU64 = AtomicU64::new(1);
        let requirements = &offer.options[option];
        let fresh = Fresh { nonce: U256::from(NONCE.fetch_add(1, Ordering::SeqCst)), valid_after, valid_before };
        let terms = requirements.terms.as_ref().unwrap().with(fresh);
        let authorization = terms.authorize(self.buyer.address()).unwrap();
        authorization.payment(offer, requirements, &self.buyer.sign(&authorization.digest))
    }

    pub fn sign_with_id(&self, offer: &Offer, text: &str) -> Payment {
        let mut payment = self.sign(offer, 0);
        assert!(identifier::add(&mut payment, offer, &id(text)));
        payment
    }

    pub async fn pay(&self, path: &str, payment: &Payment) -> Response {
        self.paying(path, payment).send().await.unwrap()
    }

    pub fn paying(&self, path: &str, payment: &Payment) -> reqwest::RequestBuilder {
        self.http.get(format!("{}{path}", self.shop)).header(payment.header_name(), payment.header_value())
    }

    pub async fn earned(&self) -> Amount {
        self.grid.balance(usdt(), key(0x5e).address()).await.unwrap()
    }
}

fn facilitator(clock: &Clock, grid: &TronGrid) -> Facilitator {
    let dollars = TokenTerms::flat(NETWORK, usdt(), Amount::from_u64(10_000), Amount::from_u64(100_000));
    let dollars = TokenTerms { exact: true, ..dollars };
    let clock = clock.clone();
    let config = facilitator::Config {
        payees: facilitator::Payees::Anybody,
        payee_budget: facilitator::Budget::UNLIMITED,
        budget: facilitator::Budget::UNLIMITED,
        tokens: vec![dollars, TokenTerms::free(NETWORK, AUTHORIZED_USD)],
        wait: Duration::from_millis(300),
        poll: Duration::from_millis(10),
        tend: Duration::from_millis(20),
        clock: facilitator::Clock::new(move || clock.now_secs()),
        ..facilitator::Config::default()
    };
    Facilitator::new(config, key(0xfa).into(), [grid.clone()]).unwrap()
}

pub fn shop(seller: &Seller, kitchen: &Kitchen) -> Router {
    let wall = |listing: Listing| Paywall::new(seller.clone(), listing);
    let sold = |description: &str| wall(Listing::new(description).price(price(50_000)));
    let now_price = kitchen.price.clone();
    let computed = move |parts: Parts| {
        let units = now_price.load(Ordering::SeqCst);
        async move {
            match parts.uri.query() {
                Some("free") => Ok(Listing::free()),
                Some("bad") => Err((StatusCode::BAD_REQUEST, "no such thing").into_response()),
                _ => Ok(Listing::new("by the request").price(price(units))),
            }
        }
    };
    let cheap = Listing::new("cheap").mime_type("text/plain").price(price(250_000)).price(price(50_000));
    let ways = Listing::new("in every way")
        .price(price(50_000))
        .price(price(50_000).by_permit2())
        .price(token_price(70_000).form(x402::NetworkForm::Hexadecimal).form(x402::NetworkForm::Canonical));
    let cook = |kitchen: &Kitchen| {
        let kitchen = kitchen.clone();
        move || std::future::ready(kitchen.cook().map(|run| format!("run {run}")))
    };
    let streamed = |kitchen: &Kitchen| {
        let kitchen = kitchen.clone();
        move || {
            let run = kitchen.cook().map(|run| Ok::<_, std::io::Error>(format!("run {run}")));
            std::future::ready(run.map(|run| Body::from_stream(futures::stream::iter([run]))))
        }
    };
    let (for_payer, echo, slow, private) = (kitchen.clone(), kitchen.clone(), kitchen.clone(), kitchen.clone());
    let inner = Router::new()
        .route("/computed", get(|| async { "computed" }).layer(Paywall::computed(seller.clone(), computed)))
        .route("/broken", get(|| async { StatusCode::INTERNAL_SERVER_ERROR }).layer(sold("x")));
    let for_payer = move |Extension(paid): Extension<Paid>| async move {
        assert!(paid.settlement.is_none());
        for_payer.cook().map(|_| format!("for {}", paid.payer))
    };
    let echo = move |body: String| async move { echo.cook().map(|_| body) };
    let before = {
        let kitchen = kitchen.clone();
        move |Extension(paid): Extension<Paid>| async move {
            assert!(paid.settlement.is_some_and(|settlement| settlement.success));
            kitchen.cook().map(|run| format!("run {run}"))
        }
    };
    let private = move || async move {
        private.cook().map(|run| -> Answer { ([(CACHE_CONTROL, "no-store")], format!("run {run}")).into_response() })
    };
    let pages = Router::new().route("/browser", get(cook(kitchen)).layer(sold("from pages")));
    let pages = pages.layer(browser_buyers(["https://app.example"]));
    Router::new()
        .route("/cheap", get(for_payer).route_layer(wall(cheap)))
        .route("/echo", post(echo).route_layer(wall(Listing::new("echo").price(price(250_000)))))
        .route("/before", get(before).route_layer(sold("before").settle(Settle::Before)))
        .route("/final", get(cook(kitchen)).route_layer(sold("for good").settle(Settle::Final)))
        .route("/dear", get(cook(kitchen)).route_layer(wall(by_amount(true)).final_from(price(200_000))))
        .route("/small", get(cook(kitchen)).route_layer(wall(by_amount(false)).final_from(price(200_000))))
        .route("/slow", get(move || slow.slowly()).route_layer(sold("slow")))
        .route("/stream", get(streamed(kitchen)).route_layer(sold("a stream")))
        .route("/stream-once", post(streamed(kitchen)).route_layer(sold("a stream of a post")))
        .route("/private", get(private).route_layer(sold("not to be kept")))
        .route("/named", get(cook(kitchen)).route_layer(sold("with an id").require_identifier()))
        .route("/any", any(cook(kitchen)).layer(sold("any method")))
        .route("/ways", get(cook(kitchen)).route_layer(wall(ways)))
        .route("/token", get(cook(kitchen)).route_layer(wall(Listing::new("for a token").price(token_price(70_000)))))
        .route("/hostile", get(cook(kitchen)).route_layer(wall(hostile())))
        .merge(pages)
        .nest("/inner", inner)
}

/// Something that costs 0.25 or 0.05 USDT.
fn by_amount(dear: bool) -> Listing {
    Listing::new("by its price").price(price(if dear { 250_000 } else { 50_000 }))
}

/// Texts that try to be markup and to hide.
fn hostile() -> Listing {
    Listing::new("</title><script>alert(1)</script> \u{202e}txet & \"quotes\" 'single'")
        .mime_type("text/plain\"><img src=x>")
        .price(price(250_000))
        .price(token_price(70_000).extra("symbol", "<b>USDT</b>").form(x402::NetworkForm::Named))
}

pub fn offer(response: &Response) -> Offer {
    Offer::read(response.headers()["payment-required"].to_str().unwrap()).unwrap()
}

pub fn settlement(response: &Response) -> Settlement {
    Settlement::read(response.headers()["payment-response"].to_str().unwrap()).unwrap()
}

pub async fn reason(response: Response) -> String {
    assert_eq!(response.status(), 402);
    let body: Value = response.json().await.unwrap();
    body["error"].as_str().unwrap().to_owned()
}

/// The status, whether it came with a settlement that succeeded, and the text.
pub async fn got(response: Response) -> (u16, bool, String) {
    let paid = response.headers().contains_key("payment-response") && settlement(&response).success;
    (response.status().as_u16(), paid, response.text().await.unwrap())
}
