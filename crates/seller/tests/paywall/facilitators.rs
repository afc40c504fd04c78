//! Facilitators as they are in the field: verdicts with every status, servers that fail after they may have settled,
//! connections that close at the next call. What is known is told, what is not known invites no second payment.

use crate::stage::{self, START_SECS, Stage, got, offer, reason, serve, settlement, shop};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use seller::Seller;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tron::Amount;

/// In front of the real facilitator: answers some calls itself, passes on the others with their headers.
#[derive(Clone)]
struct Front {
    facilitator: String,
    http: reqwest::Client,
    own: Arc<Mutex<HashMap<&'static str, (u16, Value)>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Front {
    fn says(&self, path: &'static str, status: u16, body: Value) {
        self.own.lock().unwrap().insert(path, (status, body));
    }

    fn passes(&self) {
        self.own.lock().unwrap().clear();
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

async fn pass(State(front): State<Front>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    front.asked.lock().unwrap().push(uri.path().to_owned());
    let own = front.own.lock().unwrap().get(uri.path()).cloned();
    if let Some((status, body)) = own {
        let status = StatusCode::from_u16(status).unwrap();
        return (status, [("retry-after", "7")], axum::Json(body)).into_response();
    }
    let url = format!("{}{}", front.facilitator, uri.path());
    let asked = if body.is_empty() { front.http.get(url) } else { front.http.post(url).body(body) };
    let key = headers.get("idempotency-key").cloned();
    let asked = key.into_iter().fold(asked, |asked, key| asked.header("idempotency-key", key));
    let answer = asked.send().await.unwrap();
    let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
    (StatusCode::from_u16(status).unwrap(), [("content-type", "application/json")], text).into_response()
}

/// The stage with its shop behind this facilitator.
async fn behind(mut stage: Stage, facilitator: &str) -> Stage {
    let clock = stage.devnet.clock().clone();
    let seller = Seller::new(facilitator).unwrap().clock(move || clock.now_secs());
    stage.shop = serve(shop(&seller, &stage.kitchen)).await;
    stage
}

async fn fronted() -> (Stage, Front) {
    let stage = Stage::start(|s| s).await;
    let (facilitator, http) = (stage.facilitator.clone(), reqwest::Client::new());
    let front = Front { facilitator, http, own: Arc::default(), asked: Arc::default() };
    let url = serve(Router::new().fallback(pass).with_state(front.clone())).await;
    (behind(stage, &url).await, front)
}

#[tokio::test]
async fn a_verdict_is_read_whatever_its_status() {
    let (stage, front) = fronted().await;
    // As x402-rs says no.
    let no =
        |reason: &str| json!({ "isValid": false, "invalidReason": reason, "payer": "", "invalidReasonDetails": "x" });
    for (status, why) in [(200, "a"), (400, "invalid_signature"), (412, "permit2_allowance_required"), (500, "b")] {
        front.says("/verify", status, no(why));
        let payment = stage.sign(&stage.offer("/cheap").await, 1);
        assert_eq!(reason(stage.pay("/cheap", &payment).await).await, why, "{status}");
    }
    // No verdict is none: not now, not a facilitator, a yes that comes as a failure.
    let yes = json!({ "isValid": true, "payer": "" });
    for (status, body) in [
        (503, no("facilitator_unavailable")),
        (429, no("rate_limited")),
        (500, json!({ "error": "x" })),
        (404, json!({})),
        (500, yes),
    ] {
        front.says("/verify", status, body);
        let payment = stage.sign(&stage.offer("/cheap").await, 1);
        let answer = stage.pay("/cheap", &payment).await;
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["retry-after"]),
            (503, &"7".parse().unwrap()),
            "{status}"
        );
    }
    assert_eq!((stage.kitchen.runs(), stage.earned().await), (0, Amount::ZERO));
}

#[tokio::test]
async fn a_settlement_that_nobody_knows_about_invites_no_second_payment_and_is_asked_for_again() {
    let (stage, front) = fronted().await;
    let no = |reason: &str| json!({ "success": false, "errorReason": reason, "transaction": "", "network": "", "payer": "" });
    let sent = json!({ "success": false, "errorReason": "x", "transaction": "ab".repeat(32), "network": "tron:nile" });
    for (status, body, names) in [
        (500, no("unexpected_error"), false),
        (502, json!("bad gateway"), false),
        (503, no("facilitator_unavailable"), false),
        (429, no("rate_limited"), false),
        (500, json!({ "error": "settled, but the check failed", "txHash": "ab".repeat(32) }), true),
        (500, sent, true),
        (400, json!({ "error": "invalid_request" }), false),
        (200, json!({ "ok": true }), false),
    ] {
        let offered = stage.offer("/cheap").await;
        let payment = stage.sign(&offered, 1);
        let before = stage.earned().await;
        front.says("/settle", status, body.clone());
        let answer = stage.pay("/cheap", &payment).await;
        assert_eq!(answer.status(), 402, "{body}");
        let told = settlement(&answer);
        assert!(told.is_pending() && told.payer == Some(stage.buyer.address()), "{status} {body}: {told:?}");
        assert_eq!(told.transaction.is_some(), names, "{body}");
        assert_eq!(offer(&answer).options[1].terms, offered.options[1].terms, "the very same offer");
        front.passes();
        let answer = got(stage.pay("/cheap", &payment).await).await;
        assert_eq!((answer.0, answer.1), (200, true), "{body} {answer:?}");
        assert_eq!(stage.earned().await, before.saturating_add(Amount::from_u64(50_000)));
    }
    // A no is one, whatever its status; then another offer is made.
    for status in [200, 400, 412] {
        let offered = stage.offer("/cheap").await;
        front.says("/settle", status, no("insufficient_funds"));
        let answer = stage.pay("/cheap", &stage.sign(&offered, 1)).await;
        assert_eq!(settlement(&answer).error_reason.as_deref(), Some("insufficient_funds"));
        assert_ne!(offer(&answer).options[1].terms, offered.options[1].terms);
    }
}

#[tokio::test]
async fn a_settlement_that_comes_too_early_burns_no_payment() {
    let (stage, front) = fronted().await;
    for (call, reason) in [("/verify", "not_yet_valid"), ("/settle", "permit2_not_yet_valid")] {
        let no = json!({ "isValid": false, "invalidReason": reason, "success": false, "errorReason": reason });
        front.says(call, 200, no);
        let offered = stage.offer("/cheap").await;
        let payment = stage.sign(&offered, 1);
        let early = stage.pay("/cheap", &payment).await;
        assert_eq!((early.status().as_u16(), &early.headers()["retry-after"]), (402, &"3".parse().unwrap()), "{call}");
        assert_eq!(offer(&early).options[1].terms, offered.options[1].terms, "the very same offer");
        front.passes();
        let runs = stage.kitchen.runs();
        assert_eq!(got(stage.pay("/cheap", &payment).await).await.0, 200);
        assert_eq!(stage.kitchen.runs() - runs, u64::from(call == "/verify"), "what was made is kept");
    }
    // The buyer's clock is ahead.
    let offered = stage.offer("/token").await;
    let payment = stage.sign_between(&offered, 0, START_SECS + 20, START_SECS + 600);
    let early = stage.pay("/token", &payment).await;
    assert_eq!(early.headers()["retry-after"], "20");
    assert!(self::reason(early).await.ends_with("valid_after"));
    stage.devnet.clock().advance(std::time::Duration::from_secs(21));
    stage.devnet.mine(1);
    assert_eq!(stage.pay("/token", &payment).await.status(), 200);
}

#[tokio::test]
async fn what_can_not_be_read_is_no_payment_and_told_apart_from_one_that_is_refused() {
    let (stage, front) = fronted().await;
    let first = stage.offer("/cheap").await;
    front.asked();
    let base64 = |text: &str| x402::header::write(text);
    let (garbage, long) = (base64("garbage"), "A".repeat(9_000));
    let unpaid = json!({ "x402Version": 2, "payload": {}, "accepted": {} }).to_string();
    let older = json!({ "x402Version": 1, "scheme": "exact", "network": "tron:nile", "payload": {} }).to_string();
    let whole = json!({ "x402Version": 2, "accepted": { "scheme": "exact", "network": "tron:nile", "amount": "50000",
        "asset": stage::usdt().to_string(), "payTo": stage::key(0x5e).address().to_string() },
        "payload": { "signedTransaction": { "txID": "ab", "raw_data_hex": "0a", "signature": ["00"] } } });
    let mut as_text = whole.clone();
    as_text["payload"]["signedTransaction"] = json!(whole["payload"]["signedTransaction"].to_string());
    let mut elsewhere = whole.clone();
    elsewhere["accepted"]["network"] = json!("tron:27Lqcw");
    let (new, old) = ("PAYMENT-SIGNATURE", "X-PAYMENT");
    for (headers, status) in [
        (vec![(new, garbage.clone())], 400),
        (vec![(new, "{\"x402Version\":2".to_owned())], 400),
        (vec![(new, base64("{\"x402Version\":2}"))], 400),
        (vec![(old, base64(&unpaid))], 402),
        (vec![(new, base64(&older))], 402),
        (vec![(new, String::new())], 400),
        (vec![(new, garbage.clone()), (old, garbage.clone())], 400),
        (vec![(new, garbage.clone()), (new, garbage)], 400),
        (vec![(new, long)], 400),
        (vec![(new, base64(&whole.to_string()))], 402),
        (vec![(new, base64(&as_text.to_string()))], 402),
        (vec![(new, base64(&elsewhere.to_string()))], 402),
    ] {
        let request = stage.http.get(format!("{}/cheap", stage.shop));
        let answer = headers.iter().fold(request, |request, (name, value)| request.header(*name, value)).send();
        let answer = answer.await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{headers:?}");
        assert_eq!(answer.headers().get_all("payment-required").iter().count(), 1, "{headers:?}");
        let again = offer(&answer);
        assert_eq!(again.options.len(), first.options.len());
        assert_ne!(again.error, first.error, "{headers:?}");
        assert_eq!(again.error.as_deref() == Some("malformed_payment"), status == 400, "{headers:?} {:?}", again.error);
    }
    assert_eq!(front.asked(), [""; 0], "nobody is asked about it");
    assert_eq!(stage.kitchen.runs(), 0);
}

#[tokio::test]
async fn an_offer_is_made_of_what_the_facilitator_lists() {
    let (stage, front) = fronted().await;
    let kind = |scheme: &str, network: &str| json!({ "x402Version": 2, "scheme": scheme, "network": network });
    // x402-rs: hexadecimal, and no older scheme.
    front.says("/supported", 200, json!({ "kinds": [kind("exact", "tron:0xcd8690dc")] }));
    let offered = stage.offer("/ways").await;
    let networks: Vec<_> = offered.options.iter().map(|o| (o.scheme.as_str(), o.network.as_str())).collect();
    assert_eq!(networks, [("exact", "tron:0xcd8690dc"); 2]);
    // The list is asked for again after a while; a facilitator without one is taken at its word.
    front.says("/supported", 404, json!({}));
    stage.devnet.clock().advance(std::time::Duration::from_secs(61));
    let networks: Vec<_> = stage.offer("/ways").await.options.iter().map(|o| o.network.clone()).collect();
    assert_eq!(networks, ["tron:3448148188", "tron:3448148188", "tron:0xcd8690dc", "tron:3448148188"]);
    // What was signed for before is still taken.
    let payment = stage.sign(&offered, 1);
    front.passes();
    assert_eq!(stage.pay("/ways", &payment).await.status(), 200);
    // Another token: nothing can be sold.
    let other = json!({ "assets": [stage::key(9).address().to_string()] });
    let mut listed = kind("exact", "tron:nile");
    listed["extra"] = other;
    front.says("/supported", 200, json!({ "kinds": [listed] }));
    stage.devnet.clock().advance(std::time::Duration::from_secs(61));
    assert_eq!(stage.get("/ways").await.status(), 503);
}

/// A facilitator's front that answers the first request of each connection, and closes it at the second.
async fn closes_at_the_second_call(facilitator: String) -> (String, Arc<AtomicU64>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let closed = Arc::new(AtomicU64::new(0));
    let counted = closed.clone();
    let to = facilitator.trim_start_matches("http://").to_owned();
    tokio::spawn(async move {
        loop {
            let (mut seller, _) = listener.accept().await.unwrap();
            let (to, counted) = (to.clone(), counted.clone());
            tokio::spawn(async move {
                let Some(request) = message(&mut seller).await else { return };
                let mut real = tokio::net::TcpStream::connect(to).await.unwrap();
                real.write_all(&request).await.unwrap();
                let answer = message(&mut real).await.unwrap();
                seller.write_all(&answer).await.unwrap();
                if message(&mut seller).await.is_some() {
                    counted.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
    });
    (url, closed)
}

/// One whole message with a length; `None` when the other side closed before.
async fn message(stream: &mut tokio::net::TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
            if body.len() >= length.parse().unwrap() {
                return Some(bytes);
            }
        }
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return None;
        }
    }
}

#[tokio::test]
async fn a_kept_connection_that_is_closed_at_the_next_call_is_no_outage() {
    let stage = Stage::start(|s| s).await;
    let (url, closed) = closes_at_the_second_call(stage.facilitator.clone()).await;
    let stage = behind(stage, &url).await;
    for sold in 1..=4 {
        for path in ["/cheap", "/before"] {
            let payment = stage.sign(&stage.offer(path).await, if path == "/cheap" { 1 } else { 0 });
            let answer = got(stage.pay(path, &payment).await).await;
            assert_eq!((answer.0, answer.1), (200, true), "{path} {answer:?}");
        }
        assert_eq!(stage.earned().await, Amount::from_u64(100_000 * sold));
    }
    assert!(closed.load(Ordering::SeqCst) > 4, "that did happen");
}

#[tokio::test]
async fn a_method_that_a_route_does_not_have_costs_nothing() {
    let stage = Stage::start(|s| s).await;
    let put = || stage.http.put(format!("{}/cheap", stage.shop));
    let unpaid = put().send().await.unwrap();
    assert_eq!((unpaid.status().as_u16(), &unpaid.headers()["allow"]), (405, &"GET,HEAD".parse().unwrap()));
    let payment = stage.sign(&stage.offer("/cheap").await, 1);
    let paid = put().header(payment.header_name(), payment.header_value()).send().await.unwrap();
    assert_eq!(paid.status(), 405);
    assert_eq!(stage.earned().await, Amount::ZERO);
    assert_eq!(stage.pay("/cheap", &payment).await.status(), 200);
}
