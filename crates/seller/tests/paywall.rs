//! The paywall with a real facilitator on the devnet, bought from as any program would.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use axum::{
    Extension, Router,
    http::{StatusCode, request::Parts},
    response::IntoResponse,
    routing::{get, post},
};
use chain::{Config as Node, TronGrid};
use devnet::{Clock, Devnet, Fault, Gift, Options};
use facilitator::{Facilitator, TokenTerms};
use futures::future::join_all;
use reqwest::Response;
use seller::{Listing, Paid, Paywall, Price, Seller};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tron::{Address, Amount, Network, PrivateKey, SignedTransaction, abi, registry, tx::Contract};
use x402::{Offer, Payment, Settlement};

const NETWORK: Network = Network::Nile;
const START_SECS: u64 = 1_790_000_000;

fn key(byte: u8) -> PrivateKey {
    PrivateKey::from_bytes(&[byte; 32]).unwrap()
}

fn usdt() -> Address {
    Address::parse("TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf").unwrap()
}

fn price(units: u64) -> Price {
    Price::new(NETWORK, usdt(), Amount::from_u64(units), key(0x5e).address())
}

struct Stage {
    devnet: Devnet,
    grid: TronGrid,
    shop: String,
    buyer: PrivateKey,
    http: reqwest::Client,
    /// How often a handler ran.
    runs: Arc<AtomicU64>,
    /// What the computed price is.
    price: Arc<AtomicU64>,
}

async fn serve(app: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

impl Stage {
    async fn start(change: impl Fn(Seller) -> Seller) -> Self {
        let clock = Clock::frozen_at(START_SECS * 1000);
        let devnet =
            Devnet::start(Options { clock: clock.clone(), solidity_lag: 0, ..Options::default() }).await.unwrap();
        let grid = TronGrid::new(Node::one(NETWORK, devnet.url())).unwrap();
        let buyer = key(0xb0);
        for address in [buyer.address(), key(0xfa).address()] {
            devnet.faucet(address, Gift::Trx(1_000_000_000)).unwrap();
        }
        devnet.faucet(buyer.address(), Gift::Token(usdt(), Amount::from_u64(100_000_000))).unwrap();
        let terms = TokenTerms::flat(NETWORK, usdt(), Amount::from_u64(10_000), Amount::from_u64(100_000));
        let facilitator_clock = clock.clone();
        let config = facilitator::Config {
            tokens: vec![terms],
            wait: Duration::from_millis(300),
            poll: Duration::from_millis(10),
            clock: facilitator::Clock::new(move || facilitator_clock.now_secs()),
            ..facilitator::Config::default()
        };
        let facilitator = Facilitator::new(config, key(0xfa).into(), [grid.clone()]).unwrap();
        let facilitator_url = serve(facilitator.router()).await;

        let seller = change(Seller::new(&facilitator_url).unwrap().clock(move || clock.now_secs()));
        let (runs, now_price) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(50_000)));
        let counting = || {
            let runs = runs.clone();
            move || {
                runs.fetch_add(1, Ordering::SeqCst);
            }
        };
        let computed = {
            let now_price = now_price.clone();
            move |parts: Parts| {
                let units = now_price.load(Ordering::SeqCst);
                async move {
                    match parts.uri.query() {
                        Some("free") => Ok(Listing::free()),
                        Some("bad") => Err((StatusCode::BAD_REQUEST, "no such thing").into_response()),
                        _ => Ok(Listing::new("by the request").price(price(units))),
                    }
                }
            }
        };
        let wall = |listing: Listing| Paywall::new(seller.clone(), listing);
        let cheap = Listing::new("cheap").mime_type("text/plain").price(price(250_000)).price(price(50_000));
        let (count, count_post) = (counting(), counting());
        let inner = Router::new()
            .route("/computed", get(|| async { "computed" }).layer(Paywall::computed(seller.clone(), computed)))
            .route(
                "/broken",
                get(|| async { StatusCode::INTERNAL_SERVER_ERROR }).layer(wall(Listing::new("x").price(price(50_000)))),
            );
        let app = Router::new()
            .route(
                "/cheap",
                get(move |Extension(paid): Extension<Paid>| async move {
                    count();
                    format!("for {}", paid.payer)
                })
                .layer(wall(cheap)),
            )
            .route(
                "/echo",
                post(move |body: String| async move {
                    count_post();
                    body
                })
                .layer(wall(Listing::new("echo").price(price(250_000)))),
            )
            .nest("/inner", inner);
        let shop = serve(app).await;
        let stage = Self { devnet, grid, shop, buyer, http: reqwest::Client::new(), runs, price: now_price };
        stage.approve(10_000_000).await;
        stage
    }

    async fn approve(&self, amount: u64) {
        let spender = registry::deployments(NETWORK).payment_permit;
        let data = abi::approve(spender, Amount::from_u64(amount));
        let owner = self.buyer.address();
        let contract = Contract::Trigger { owner, contract: usdt(), call_value_sun: 0, data };
        let raw = self.grid.head().await.unwrap().transaction(contract, 100_000_000, Duration::from_secs(60));
        self.grid.broadcast(&SignedTransaction::sign(raw, &self.buyer)).await.unwrap();
    }

    async fn get(&self, path: &str) -> Response {
        self.http.get(format!("{}{path}", self.shop)).send().await.unwrap()
    }

    async fn offer(&self, path: &str) -> Offer {
        let response = self.get(path).await;
        assert_eq!(response.status(), 402);
        Offer::read(response.headers()["payment-required"].to_str().unwrap()).unwrap()
    }

    fn sign(&self, offer: &Offer, option: usize) -> Payment {
        let requirements = &offer.options[option];
        let authorization = requirements.terms.as_ref().unwrap().authorize(self.buyer.address()).unwrap();
        authorization.payment(offer, requirements, &self.buyer.sign(&authorization.digest))
    }

    async fn pay(&self, path: &str, payment: &Payment) -> Response {
        let request = self.http.get(format!("{}{path}", self.shop));
        request.header(payment.header_name(), payment.header_value()).send().await.unwrap()
    }

    async fn earned(&self) -> Amount {
        self.grid.balance(usdt(), key(0x5e).address()).await.unwrap()
    }
}

fn settlement(response: &Response) -> Settlement {
    Settlement::read(response.headers()["payment-response"].to_str().unwrap()).unwrap()
}

async fn reason(response: Response) -> String {
    assert_eq!(response.status(), 402);
    let body: Value = response.json().await.unwrap();
    body["error"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_answer_is_bought_at_each_of_its_prices() {
    let stage = Stage::start(|s| s).await;
    let response = stage.get("/cheap").await;
    assert_eq!((response.status().as_u16(), response.headers()["cache-control"].to_str().unwrap()), (402, "no-store"));
    let from_header = Offer::read(response.headers()["payment-required"].to_str().unwrap()).unwrap();
    let body = Offer::read(&response.text().await.unwrap()).unwrap();
    assert_eq!((&body.options, body.options.len()), (&from_header.options, 2));
    assert_eq!(body.resource.as_ref().unwrap().url, format!("{}/cheap", stage.shop));
    let fees: Vec<_> =
        body.options.iter().map(|o| o.terms.as_ref().unwrap().fee().unwrap().amount.to_string()).collect();
    assert_eq!(fees, ["10000", "0"]);

    for option in [0, 1] {
        let response = stage.pay("/cheap", &stage.sign(&stage.offer("/cheap").await, option)).await;
        assert_eq!(response.status(), 200);
        let settled = settlement(&response);
        assert!(settled.success && settled.notes.is_empty(), "{settled:?}");
        assert_eq!(settled.payer, Some(stage.buyer.address()));
        assert_eq!(response.text().await.unwrap(), format!("for {}", stage.buyer.address()));
    }
    assert_eq!(stage.earned().await, Amount::from_u64(300_000));
}

#[tokio::test]
async fn one_payment_buys_one_answer() {
    let stage = Stage::start(|s| s).await;
    let payment = stage.sign(&stage.offer("/cheap").await, 1);
    let responses = join_all((0..10).map(|_| stage.pay("/cheap", &payment))).await;
    let delivered = responses.iter().filter(|r| r.status() == 200).count();
    assert_eq!((delivered, stage.runs.load(Ordering::SeqCst)), (1, 1));
    for response in responses.into_iter().filter(|r| r.status() != 200) {
        assert_eq!(reason(response).await, "payment_already_used");
    }
    assert_eq!(stage.earned().await, Amount::from_u64(50_000));
}

#[tokio::test]
async fn what_was_not_offered_is_not_taken() {
    let stage = Stage::start(|s| s).await;
    let other = Stage::start(|s| s).await;
    let cheap = stage.offer("/cheap").await;
    // An offer of another resource, and of another shop.
    assert_eq!(reason(stage.pay("/cheap?copy=1", &stage.sign(&cheap, 1)).await).await, "not_offered_here");
    assert_eq!(
        reason(stage.pay("/cheap", &stage.sign(&other.offer("/cheap").await, 1)).await).await,
        "not_offered_here"
    );
    // The buyer's own idea of the offer, well signed.
    let changed = |from: &str, to: &str| {
        let raw = x402::header::read(&cheap.raw).unwrap();
        assert!(raw.contains(from), "{raw}");
        stage.sign(&Offer::read(&raw.replace(from, to)).unwrap(), 1)
    };
    let nonce = cheap.options[1].terms.as_ref().unwrap().nonce().unwrap().to_string();
    let later = (START_SECS + 6_000).to_string();
    let own = key(9).address().to_string();
    for (from, to, expected) in [
        ("\"50000\"", "\"1\"", "no_matching_requirements"),
        (usdt().to_string().as_str(), own.as_str(), "no_matching_requirements"),
        (key(0x5e).address().to_string().as_str(), own.as_str(), "no_matching_requirements"),
        (nonce.as_str(), "12345", "not_offered_here"),
        ((START_SECS + 600).to_string().as_str(), later.as_str(), "not_offered_here"),
        (key(0xfa).address().to_string().as_str(), own.as_str(), "fee_amount_mismatch"),
    ] {
        assert_eq!(reason(stage.pay("/cheap", &changed(from, to)).await).await, expected, "{from} -> {to}");
    }
    // Too late.
    stage.devnet.clock().advance(Duration::from_secs(601));
    assert_eq!(reason(stage.pay("/cheap", &stage.sign(&cheap, 1)).await).await, "expired");
    assert_eq!((stage.runs.load(Ordering::SeqCst), stage.earned().await), (0, Amount::ZERO));
}

#[tokio::test]
async fn a_price_is_computed_again_for_the_paid_request() {
    let stage = Stage::start(|s| s).await;
    assert_eq!(stage.get("/inner/computed?free").await.text().await.unwrap(), "computed");
    assert_eq!(stage.get("/inner/computed?bad").await.status(), 400);
    let payment = stage.sign(&stage.offer("/inner/computed").await, 0);
    stage.price.store(60_000, Ordering::SeqCst);
    assert_eq!(reason(stage.pay("/inner/computed", &payment).await).await, "no_matching_requirements");
    stage.price.store(50_000, Ordering::SeqCst);
    assert_eq!(stage.pay("/inner/computed", &payment).await.status(), 200);
    let offer = stage.offer("/inner/computed").await;
    assert_eq!(offer.resource.unwrap().url, format!("{}/inner/computed", stage.shop));
}

#[tokio::test]
async fn a_handler_that_fails_costs_nothing() {
    let stage = Stage::start(|s| s).await;
    let payment = stage.sign(&stage.offer("/inner/broken").await, 0);
    for _ in 0..2 {
        let response = stage.pay("/inner/broken", &payment).await;
        assert_eq!(response.status(), 500);
        assert!(!response.headers().contains_key("payment-response"));
    }
    assert_eq!(stage.earned().await, Amount::ZERO);
}

#[tokio::test]
async fn a_failed_payment_is_402_with_its_reason_and_a_fresh_offer() {
    let stage = Stage::start(|s| s).await;
    stage.approve(0).await;
    let first = stage.offer("/cheap").await;
    let response = stage.pay("/cheap", &stage.sign(&first, 1)).await;
    let again = Offer::read(response.headers()["payment-required"].to_str().unwrap()).unwrap();
    assert_eq!(again.error.as_deref(), Some("insufficient_allowance"));
    assert_ne!(again.options[0].terms.as_ref().unwrap().nonce(), first.options[0].terms.as_ref().unwrap().nonce());
    assert_eq!(stage.runs.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_open_settlement_offers_the_same_nonce_and_is_looked_up() {
    let stage = Stage::start(|s| s).await;
    let offer = stage.offer("/cheap").await;
    let payment = stage.sign(&offer, 1);
    stage.devnet.fault("wallet/gettransactioninfobyid", 1_000, Fault::Error);
    let response = stage.pay("/cheap", &payment).await;
    assert_eq!(response.status(), 402);
    let pending = settlement(&response);
    assert!(pending.is_pending() && pending.transaction.is_some(), "{pending:?}");
    let again = Offer::read(response.headers()["payment-required"].to_str().unwrap()).unwrap();
    assert_eq!(again.options[1].terms, offer.options[1].terms);

    stage.devnet.clear_faults();
    let response = stage.pay("/cheap", &payment).await;
    assert_eq!(response.status(), 200);
    assert_eq!(settlement(&response).transaction, pending.transaction);
    assert_eq!(stage.earned().await, Amount::from_u64(50_000));
}

#[tokio::test]
async fn buyers_of_version_1_are_served() {
    let stage = Stage::start(Seller::v1_bodies).await;
    let response = stage.get("/cheap").await;
    let body = response.text().await.unwrap();
    let json: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&json["x402Version"], &json["accepts"][1]["maxAmountRequired"]), (&json!(1), &json!("50000")));
    let payment = stage.sign(&Offer::read(&body).unwrap(), 1);
    assert_eq!(payment.header_name(), "X-PAYMENT");
    let response = stage.pay("/cheap", &payment).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["x-payment-response"], response.headers()["payment-response"]);
    assert!(settlement(&response).success);
}

#[tokio::test]
async fn a_body_reaches_the_handler_and_bad_headers_do_not() {
    let stage = Stage::start(|s| s.public_url("https://shop.example/")).await;
    let url = format!("{}/echo", stage.shop);
    let asked = stage.http.post(&url).body("hello").send().await.unwrap();
    let offer = Offer::read(asked.headers()["payment-required"].to_str().unwrap()).unwrap();
    assert_eq!(offer.resource.as_ref().unwrap().url, "https://shop.example/echo");
    let payment = stage.sign(&offer, 0);
    let send = |values: Vec<(&'static str, String)>| {
        let request = stage.http.post(&url).body("hello");
        values.into_iter().fold(request, |request, (name, value)| request.header(name, value)).send()
    };
    let value = || payment.header_value();
    for (values, field) in [
        (vec![("PAYMENT-SIGNATURE", value()), ("PAYMENT-SIGNATURE", value())], "PAYMENT-SIGNATURE"),
        (vec![("PAYMENT-SIGNATURE", value()), ("X-PAYMENT", value())], "X-PAYMENT"),
        (vec![("PAYMENT-SIGNATURE", "%".to_owned())], "header"),
        (vec![("PAYMENT-SIGNATURE", x402::header::write("{}"))], ""),
    ] {
        let response = send(values).await.unwrap();
        assert_eq!(response.status(), 400);
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["error"], "malformed_payment");
        assert!(body["field"].as_str().unwrap().contains(field), "{body}");
    }
    assert_eq!(stage.runs.load(Ordering::SeqCst), 0);
    let paid = send(vec![("payment-signature", value())]).await.unwrap();
    assert_eq!(paid.text().await.unwrap(), "hello");
}

#[tokio::test]
async fn without_a_facilitator_nothing_is_sold() {
    let wall = Paywall::new(Seller::new("http://127.0.0.1:9").unwrap(), Listing::new("x").price(price(1)));
    let shop = serve(Router::new().route("/", get(|| async { "secret" }).layer(wall))).await;
    let response = reqwest::get(shop).await.unwrap();
    assert_eq!(response.status(), 503);
    assert!(!response.text().await.unwrap().contains("secret"));
}
