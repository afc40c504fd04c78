//! Asking, paying and being refused, by `exact_permit`.

use crate::stage::{self, NETWORK, START_SECS, Stage, key, offer, price, reason, serve, settlement, usdt};
use axum::{Router, routing::get};
use devnet::Fault;
use seller::{Listing, Paywall, Seller};
use serde_json::{Value, json};
use std::{sync::atomic::Ordering, time::Duration};
use tron::{Amount, registry};
use x402::Offer;

#[tokio::test]
async fn an_answer_is_bought_at_each_of_its_prices() {
    let stage = Stage::start(|s| s).await;
    let response = stage.get("/cheap").await;
    assert_eq!((response.status().as_u16(), response.headers()["cache-control"].to_str().unwrap()), (402, "no-store"));
    let from_header = offer(&response);
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
    assert_eq!((stage.kitchen.runs(), stage.earned().await), (0, Amount::ZERO));
}

#[tokio::test]
async fn a_price_is_computed_again_for_the_paid_request() {
    let stage = Stage::start(|s| s).await;
    assert_eq!(stage.get("/inner/computed?free").await.text().await.unwrap(), "computed");
    assert_eq!(stage.get("/inner/computed?bad").await.status(), 400);
    let payment = stage.sign(&stage.offer("/inner/computed").await, 0);
    stage.kitchen.price.store(60_000, Ordering::SeqCst);
    assert_eq!(reason(stage.pay("/inner/computed", &payment).await).await, "no_matching_requirements");
    stage.kitchen.price.store(50_000, Ordering::SeqCst);
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
    stage.approve(registry::deployments(NETWORK).payment_permit, 0).await;
    let first = stage.offer("/cheap").await;
    let response = stage.pay("/cheap", &stage.sign(&first, 1)).await;
    let again = offer(&response);
    assert_eq!(again.error.as_deref(), Some("insufficient_allowance"));
    assert_ne!(again.options[0].terms.as_ref().unwrap().nonce(), first.options[0].terms.as_ref().unwrap().nonce());
    assert_eq!(stage.kitchen.runs(), 0);
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
    let again = stage::offer(&response);
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
    let stage = Stage::start(|s| s.public_url("https://shop.example/").unwrap()).await;
    let url = format!("{}/echo", stage.shop);
    let asked = stage.http.post(&url).body("hello").send().await.unwrap();
    let offer = offer(&asked);
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
    assert_eq!(stage.kitchen.runs(), 0);
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
