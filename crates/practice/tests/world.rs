//! The practice world, bought from with curl and with the buyer, a key of the test standing in for the wallet.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use chain::{Config, TronGrid};
use practice::{
    NETWORK, Options, World,
    buyer::{BuyError, Buyer, Step},
};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::process::Command;
use tron::{Address, Amount, PrivateKey, SignedTransaction, abi, registry, tx::Contract};
use x402::{Fresh, Offer, Payment, Scheme, Settlement, U256};

const PATIENCE: Duration = Duration::from_secs(20);

fn wallet_key() -> PrivateKey {
    PrivateKey::from_bytes(&[0x77; 32]).unwrap()
}

async fn world_with_allowance(amount: u64) -> (World, TronGrid) {
    world_with_allowances(amount, &[registry::deployments(NETWORK).payment_permit]).await
}

async fn world_with_allowances(amount: u64, spenders: &[Address]) -> (World, TronGrid) {
    let world = World::start(Options::default()).await.unwrap();
    let grid = TronGrid::new(Config::one(NETWORK, world.node_url())).unwrap();
    let key = wallet_key();
    world.fund(key.address()).unwrap();
    for spender in spenders.iter().filter(|_| amount > 0) {
        let data = abi::approve(*spender, Amount::from_u64(amount));
        let contract = Contract::Trigger { owner: key.address(), contract: world.usdt(), call_value_sun: 0, data };
        let raw = grid.head().await.unwrap().transaction(contract, 100_000_000, Duration::from_secs(60));
        grid.broadcast(&SignedTransaction::sign(raw, &key)).await.unwrap();
    }
    (world, grid)
}

fn sign(offer: &Offer) -> Payment {
    sign_option(offer, 0, 1)
}

/// `nonce`: where the payer chooses it.
fn sign_option(offer: &Offer, option: usize, nonce: u64) -> Payment {
    let (key, requirements) = (wallet_key(), &offer.options[option]);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let fresh = Fresh { nonce: U256::from(nonce), valid_after: now - 60, valid_before: now + 300 };
    let authorization = requirements.terms.as_ref().unwrap().with(fresh).authorize(key.address()).unwrap();
    authorization.payment(offer, requirements, &key.sign(&authorization.digest))
}

async fn usdt(grid: &TronGrid, world: &World, owner: Address) -> String {
    grid.balance(world.usdt(), owner).await.unwrap().format_units(6)
}

/// Status, headers and body as curl shows them.
async fn curl(arguments: &[&str]) -> (u16, String, String) {
    let output = Command::new("curl").args(["-s", "-i", "--noproxy", "*"]).args(arguments).output().await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split_whitespace().nth(1).unwrap().parse().unwrap();
    (status, head.to_owned(), body.to_owned())
}

fn header(head: &str, name: &str) -> String {
    let line = head.lines().find_map(|line| line.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name)));
    line.unwrap().1.trim().to_owned()
}

#[tokio::test]
async fn curl_buys_from_the_shop() {
    let (world, grid) = world_with_allowance(1_000_000).await;
    let (status, _, front) = curl(&[&world.shop_url()]).await;
    assert_eq!(status, 200);
    for (url, units, fee) in [(world.cheap_url(), "0.05", "0"), (world.fee_url(), "0.25", "0.01")] {
        assert!(front.contains(&url));
        let (status, head, body) = curl(&[&url]).await;
        assert_eq!(status, 402);
        let offer = Offer::read(&header(&head, "PAYMENT-REQUIRED")).unwrap();
        assert_eq!(Offer::read(&body).unwrap().options, offer.options);
        assert_eq!(offer.resource.as_ref().unwrap().url, url);
        let terms = offer.options[0].terms.as_ref().unwrap();
        assert_eq!(terms.price().format_units(6), units);
        assert_eq!(terms.fee().unwrap().amount.format_units(6), fee);

        let payment = sign(&offer);
        let (status, head, body) = curl(&["-H", &format!("PAYMENT-SIGNATURE: {}", payment.header_value()), &url]).await;
        assert_eq!(status, 200);
        assert!(body.contains("TRON") || body.contains("Stablecoin"), "{body}");
        let settled = Settlement::read(&header(&head, "PAYMENT-RESPONSE")).unwrap();
        assert!(settled.success && settled.notes.is_empty(), "{settled:?}");
    }
    assert_eq!(usdt(&grid, &world, practice::pay_to()).await, "0.3");
    assert_eq!(usdt(&grid, &world, wallet_key().address()).await, "99.69");
    world.shutdown().await;
}

#[tokio::test]
async fn the_shop_sells_in_every_way() {
    let deployed = registry::deployments(NETWORK);
    let permit2 = deployed.permit2.iter().map(|set| set.permit2);
    let spenders: Vec<_> = permit2.chain([deployed.payment_permit]).collect();
    let (world, grid) = world_with_allowances(1_000_000, &spenders).await;
    let goods = [
        (world.permit2_url(), vec![(Scheme::ExactPermit2, 60_000)]),
        (world.token_url(), vec![(Scheme::ExactEip3009, 30_000)]),
        (
            world.choice_url(),
            vec![(Scheme::ExactPermit, 70_000), (Scheme::ExactPermit2, 65_000), (Scheme::ExactEip3009, 80_000)],
        ),
    ];
    let mut nonce = 0;
    for (url, options) in goods {
        for (option, expected) in options.iter().enumerate() {
            let (status, head, _) = curl(&[&url]).await;
            assert_eq!(status, 402);
            let offer = Offer::read(&header(&head, "PAYMENT-REQUIRED")).unwrap();
            assert_eq!(offer.options.len(), options.len());
            let terms = offer.options[option].terms.as_ref().unwrap();
            assert_eq!((terms.scheme(), terms.price()), (expected.0, Amount::from_u64(expected.1)));
            nonce += 1;
            let payment = sign_option(&offer, option, nonce);
            let paid = format!("PAYMENT-SIGNATURE: {}", payment.header_value());
            let (status, head, _) = curl(&["-H", &paid, &url]).await;
            assert!(status == 200 && Settlement::read(&header(&head, "PAYMENT-RESPONSE")).unwrap().success, "{head}");
        }
    }
    assert_eq!(usdt(&grid, &world, practice::pay_to()).await, "0.195");
    let authorized = grid.balance(devnet::AUTHORIZED_USD, practice::pay_to()).await.unwrap();
    assert_eq!(authorized, Amount::from_u64(110_000));
    world.shutdown().await;
}

#[tokio::test]
async fn the_trap_asks_for_a_token_that_only_claims_to_be_usdt() {
    let (world, grid) = world_with_allowance(0).await;
    let (status, head, _) = curl(&[&world.trap_url()]).await;
    assert_eq!(status, 402);
    let offer = Offer::read(&header(&head, "PAYMENT-REQUIRED")).unwrap();
    let option = &offer.options[0];
    let token = option.terms.as_ref().unwrap().token();
    assert_ne!(token, world.usdt());
    assert_eq!(tron::token::lookup(NETWORK, token), None);
    assert_eq!(
        (&option.extra["name"], &option.extra["symbol"], &option.extra["decimals"]),
        (&json!("Tether USD"), &json!("USDT"), &json!(6))
    );
    let claims = grid.token_claims(token).await.unwrap();
    assert_eq!((claims.symbol.as_str(), claims.decimals), ("USDT", 6));
}

#[tokio::test]
async fn two_worlds_stand_side_by_side_and_free_their_ports() {
    let first = World::start(Options::default()).await.unwrap();
    let second = World::start(Options::default()).await.unwrap();
    assert_ne!(first.shop_url(), second.shop_url());
    let port = first.shop_url().rsplit(':').next().unwrap().parse().unwrap();
    let taken = World::start(Options { shop_port: port, ..Options::default() }).await.unwrap_err();
    assert!(taken.to_string().contains(&port.to_string()), "{taken}");
    first.shutdown().await;
    let again = World::start(Options { shop_port: port, ..Options::default() }).await.unwrap();
    assert!(again.shop_url().ends_with(&format!(":{port}")));
}

/// A helper of the test: asks for two rounds, then signs, or refuses.
#[derive(Clone, Default)]
struct Helper {
    seen: Arc<Mutex<Vec<Value>>>,
    refuse: bool,
}

impl Helper {
    async fn start(self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new()
            .route("/v1/payments", post(pay))
            .route("/v1/payments/{id}", get(state))
            .route("/v1/payments/{id}/result", post(result))
            .with_state(self);
        tokio::spawn(async move { axum::serve(listener, app).await });
        url
    }
}

async fn pay(State(helper): State<Helper>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    if headers.get("authorization").is_none_or(|v| v != "Bearer let-me-in") {
        let problem = json!({ "code": "NOT_PAIRED", "detail": "pair first" });
        return (StatusCode::UNAUTHORIZED, Json(problem)).into_response();
    }
    helper.seen.lock().unwrap().push(body);
    (StatusCode::ACCEPTED, Json(json!({ "id": "p1", "status": "asked" }))).into_response()
}

async fn state(State(helper): State<Helper>, Path(id): Path<String>) -> Json<Value> {
    let mut seen = helper.seen.lock().unwrap();
    seen.push(json!("polled"));
    if helper.refuse {
        return Json(json!({ "id": id, "status": "refused", "failure": { "code": "USER_REJECTED" } }));
    }
    if seen.len() < 3 {
        return Json(json!({ "id": id, "status": "approved" }));
    }
    let payment = sign(&Offer::read(seen[0]["paymentRequired"].as_str().unwrap()).unwrap());
    Json(json!({
        "id": id, "status": "signed", "headerName": payment.header_name(), "headerValue": payment.header_value()
    }))
}

async fn result(State(helper): State<Helper>, Json(body): Json<Value>) -> Json<Value> {
    helper.seen.lock().unwrap().push(body);
    Json(json!({}))
}

#[tokio::test]
async fn the_buyer_asks_waits_pays_and_reports() {
    let (world, grid) = world_with_allowance(1_000_000).await;
    let helper = Helper::default();
    let seen = helper.seen.clone();
    let buyer = Buyer::new(helper.start().await, "let-me-in").reason("to write a summary");
    let mut steps = Vec::new();
    let delivered = buyer.get_with(&world.fee_url(), PATIENCE, |step| steps.push(step)).await.unwrap();
    assert_eq!((delivered.status, delivered.payment_id.as_deref()), (200, Some("p1")));
    assert!(String::from_utf8(delivered.body).unwrap().contains("Stablecoin flows"));
    let settled = Settlement::read(delivered.payment_response.as_ref().unwrap()).unwrap();
    assert!(settled.success);
    let payment_id = "p1".to_owned();
    assert_eq!(steps, [Step::Asked { payment_id: payment_id.clone() }, Step::Signed { payment_id }]);
    let seen = seen.lock().unwrap().clone();
    assert_eq!(seen[0]["request"], json!({ "method": "GET", "url": world.fee_url() }));
    assert_eq!(seen[0]["reason"], "to write a summary");
    assert_eq!(seen.last().unwrap(), &json!({ "httpStatus": 200, "paymentResponse": delivered.payment_response }));
    assert_eq!(usdt(&grid, &world, practice::pay_to()).await, "0.25");
}

#[tokio::test]
async fn the_buyer_hears_a_no_and_pays_nothing_for_what_is_free() {
    let (world, grid) = world_with_allowance(1_000_000).await;
    let free = Buyer::new("http://127.0.0.1:9", "none").get(&world.shop_url(), PATIENCE).await.unwrap();
    assert_eq!((free.status, free.payment_id), (200, None));

    let url = Helper { refuse: true, ..Helper::default() }.start().await;
    let error = Buyer::new(&url, "let-me-in").get(&world.cheap_url(), PATIENCE).await.unwrap_err();
    assert!(
        matches!(&error, BuyError::NotSigned { status, code, .. } if status == "refused" && code == "USER_REJECTED")
    );
    let error = Buyer::new(&url, "wrong").get(&world.cheap_url(), PATIENCE).await.unwrap_err();
    assert!(matches!(&error, BuyError::Problem { status: 401, code, .. } if code == "NOT_PAIRED"));
    assert_eq!(usdt(&grid, &world, practice::pay_to()).await, "0");
}
