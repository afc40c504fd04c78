//! How fast the inspector reads: documents of a believable mix, and the worst that each limit on hostile text lets in.
//! Asserts that every document was understood, or refused for its limit; a time is never right or wrong here.
#![allow(clippy::float_arithmetic, clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

use serde_json::{Value, json};
use std::hint::black_box;
use std::time::{Duration, Instant};
use tron::PrivateKey;
use view::inspect::{TEXT_BYTES, inspect_at};
use x402::{Offer, limits};

const NOW: plan::Moment = plan::Moment(1_795_600_000_000);
const ROUNDS: usize = 200;
const USDT: &str = "TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf";
const SHOP: &str = "TLEaY8XoqpBmndLsjcfThgdKLN1ssNuUcF";

fn main() {
    mix();
    worst();
}

fn option(scheme: &str, amount: u64) -> Value {
    let extra = match scheme {
        "exact_permit" => json!({ "fee": { "feeTo": SHOP, "feeAmount": "10000", "caller": SHOP } }),
        _ => json!({ "assetTransferMethod": "permit2" }),
    };
    json!({
        "scheme": scheme, "network": "tron:nile", "amount": amount.to_string(), "asset": USDT, "payTo": SHOP,
        "maxTimeoutSeconds": 300, "extra": extra,
    })
}

fn offer(accepts: &[Value]) -> String {
    let meta = json!({
        "kind": "PAYMENT_ONLY", "paymentId": format!("0x{}", "ab".repeat(16)), "nonce": "5",
        "validAfter": 0, "validBefore": 1_795_600_600,
    });
    json!({
        "x402Version": 2, "error": "payment required",
        "resource": { "url": "https://shop.example/report", "description": "A report", "mimeType": "text/html" },
        "accepts": accepts, "extensions": { "paymentPermitContext": { "meta": meta } },
    })
    .to_string()
}

/// What people paste, by what it is.
fn documents() -> Vec<(&'static str, String)> {
    let key = PrivateKey::from_bytes(&[7; 32]).unwrap();
    let json = offer(&[option("exact_permit", 250_000), option("exact", 250_000)]);
    let header = x402::header::write(&json);
    let read = Offer::read(&json).unwrap();
    let option = &read.options[0];
    let authorization = option.terms.as_ref().unwrap().authorize(key.address()).unwrap();
    let typed = authorization.typed_data().to_string();
    let payment = authorization.payment(&read, option, &key.sign(&authorization.digest));
    let settlement = x402::Settlement::settled("tron:nile", &"ab".repeat(32), key.address());
    vec![
        ("a 402 as JSON", json),
        ("a 402 as its header", format!("PAYMENT-REQUIRED: {header}")),
        (
            "an answer with headers and body",
            format!(
                "HTTP/1.1 402 Payment Required\ncontent-type: text/html\npayment-required: {header}\n\n<html></html>"
            ),
        ),
        ("a signed payment", format!("PAYMENT-SIGNATURE: {}", payment.header_value())),
        (
            "a payment beside its 402",
            format!("PAYMENT-REQUIRED: {header}\nPAYMENT-SIGNATURE: {}", payment.header_value()),
        ),
        ("a question to a facilitator", x402::facilitator::write_request(&payment, option)),
        ("a settlement", format!("PAYMENT-RESPONSE: {}", settlement.header_value())),
        ("typed data", typed),
        ("an address", SHOP.to_owned()),
        ("a network", "tron:0xcd8690dc".to_owned()),
    ]
}

fn mix() {
    let documents = documents();
    for (what, text) in &documents {
        assert!(inspect_at(text, NOW).understood, "{what}");
    }
    let started = Instant::now();
    for _ in 0..ROUNDS {
        for (_, text) in &documents {
            black_box(inspect_at(black_box(text), NOW));
        }
    }
    let each = started.elapsed() / u32::try_from(ROUNDS * documents.len()).unwrap();
    figure("documents of a believable mix, one thread", (1.0 / each.as_secs_f64()).round(), "documents/s", None);
    for (what, text) in &documents {
        eprintln!("{what}: {:?}", slowest(text).1);
    }
}

/// Median and longest.
fn slowest(text: &str) -> (Duration, Duration) {
    let timed = |_| {
        let started = Instant::now();
        black_box(inspect_at(black_box(text), NOW));
        started.elapsed()
    };
    let mut times: Vec<Duration> = (0..20).map(timed).collect();
    times.sort();
    (times[10], times[19])
}

/// The largest of everything, and one step beyond.
fn worst() {
    let most = |accepts: usize, pad: usize| {
        let mut options: Vec<Value> = (0..accepts).map(|i| option("exact_permit", 1 + i as u64)).collect();
        for option in &mut options {
            option["note"] = json!("x".repeat(pad));
        }
        offer(&options)
    };
    // As much as still fits.
    let fill = |bytes: usize, make: &dyn Fn(usize) -> String| {
        let mut n = 1;
        while make(n * 2).len() <= bytes {
            n *= 2;
        }
        let mut step = n;
        while step > 1 {
            step /= 2;
            if make(n + step).len() <= bytes {
                n += step;
            }
        }
        make(n)
    };
    let member = |i: usize| format!("\"k{i}\":{i}");
    let members = |n: usize| {
        let many: Vec<String> = (0..n).map(member).collect();
        let json = offer(&[option("exact_permit", 1)]);
        format!("{},{}}}", &json[..json.len() - 1], many.join(","))
    };
    let lists = |n: usize| format!("{{\"x402Version\":2,\"accepts\":[],\"a\":[{}0]}}", "0,".repeat(n));
    let nested = |n: usize| format!("{{\"x402Version\":2,\"accepts\":[],\"a\":{}0{}}}", "[".repeat(n), "]".repeat(n));
    let header = |n: usize| format!("PAYMENT-REQUIRED: {}", x402::header::write(&most(16, n)));
    let twice = |n: usize| {
        let json = members(n);
        format!("{},\"k0\":0}}", &json[..json.len() - 1])
    };
    let lines = |line: &str| line.repeat(TEXT_BYTES / line.len());
    let body = limits::BODY_BYTES;
    let cases = [
        ("a header of 16 KiB with 16 options", fill(limits::HEADER_BYTES, &header)),
        ("a body of 64 KiB with 16 options", fill(body, &|n| most(16, n))),
        ("a body with 17 options", fill(body, &|n| most(17, n))),
        ("a body of 64 KiB, all of it members", fill(body, &members)),
        ("a body of 64 KiB, a member twice at its end", fill(body - 8, &twice)),
        ("a body of 64 KiB, all of it a list", fill(body, &lists)),
        ("nested to the limit of 16", nested(limits::DEPTH - 1)),
        ("a body of 64 KiB, all of it nested", fill(body, &nested)),
        ("a body over 64 KiB", most(16, body)),
        ("a text of all bytes that are read, all headers", lines("PAYMENT-SIGNATURE: e30=\n")),
        ("a text of all bytes that are read, all brackets", lines("{\"a\":[")),
        ("a text of all bytes that are read, all digits", lines("0123456789abcdef")),
        ("a text of all bytes that are read, all base64", lines("eyJhIjp7")),
        ("a text one byte too long", "x".repeat(TEXT_BYTES + 1)),
    ];
    for (what, text) in &cases {
        let (median, longest) = slowest(text);
        let view = inspect_at(text, NOW);
        eprintln!("{what}: {} bytes, {median:?}, at most {longest:?}, {}", text.len(), view.title);
        let ms = (median.as_secs_f64() * 100_000.0).round() / 100.0;
        figure(what, ms, "ms", Some(100));
    }
}

fn figure(name: &str, value: f64, unit: &str, at_most: Option<u32>) {
    let mut figure = json!({ "group": "inspect", "name": name, "value": value, "unit": unit });
    if let Some(at_most) = at_most {
        figure["at_most"] = json!(at_most);
    }
    println!("figure {figure}");
}
