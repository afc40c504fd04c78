//! What `pay` says of an answer that gives nothing to pay: before a wallet is needed, with nothing asked.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod folder;

use folder::Folder;
use std::io::{Read, Write};
use std::net::TcpListener;

const USDT: &str = "TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf";
const SHOP: &str = "TMVQGm1qAQYVdetCeGRRkTWYYrLXuHK2HC";

fn offer(amount: &str) -> String {
    let option = serde_json::json!({"scheme": "exact", "network": "tron:nile", "amount": amount, "asset": USDT,
        "payTo": SHOP, "maxTimeoutSeconds": 300, "extra": {"assetTransferMethod": "permit2"}});
    serde_json::json!({"x402Version": 2, "accepts": [option]}).to_string()
}

fn required(offer: &str) -> String {
    format!("PAYMENT-REQUIRED: {}\r\n", x402::header::write(offer))
}

/// Serves this answer once and says what `countersign pay` made of it: its status and what it wrote to standard error.
fn pay(status: &str, headers: &str, body: &[u8]) -> (i32, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/a", listener.local_addr().unwrap());
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let body = body.to_vec();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = Vec::new();
        while !asked.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            asked.extend_from_slice(&byte);
        }
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&body).unwrap();
    });
    let ran = Folder::empty().run(&["pay", &url], "");
    server.join().unwrap();
    (ran.status, ran.err)
}

const UNPAYABLE: i32 = 7;

#[test]
fn a_402_that_is_none_is_one_sentence_with_the_services_words() {
    for (headers, body, words) in [
        (
            "",
            r#"{"error":{"message":"Your credit balance is too low","code":402}}"#,
            "“Your credit balance is too low”",
        ),
        (
            "",
            r#"{"title":"Card was declined","detail":"Ends in 0000","status":402}"#,
            "“Card was declined: Ends in 0000”",
        ),
        ("", "<!doctype html><title>Subscribe</title>", "“Subscribe”"),
        (
            "WWW-Authenticate: Bearer error=\"insufficient_credits\"\r\n",
            "top up your account\n",
            "“top up your account”",
        ),
        ("WWW-Authenticate: L402 macaroon=\"A\"\r\n", "", "by L402"),
        ("Content-Encoding: zstd\r\n", "xxxx", "zstd"),
    ] {
        let (status, err) = pay("402 Payment Required", headers, body.as_bytes());
        assert_eq!(status, UNPAYABLE, "{err}");
        assert!(err.contains(words) && err.contains("Nothing was asked or paid"), "{err}");
        assert!(!err.contains("x402Version") && !err.contains("base64"), "{err}");
    }
}

#[test]
fn two_places_that_disagree_are_refused_with_both() {
    let (one, other) = (offer("10000"), offer("2500000"));
    let twice = format!("{}payment-required: {}\r\n", required(&one), x402::header::write(&other));
    let cut = required(&one)[..100].to_owned() + "\r\n";
    for (headers, body, words) in [
        (twice.as_str(), "{}", ["2 values", "one value"]),
        (&required(&one), other.as_str(), ["body: accepts[0].amount", "10000"]),
        (&cut, other.as_str(), ["header is broken", "offer of its own"]),
    ] {
        let (status, err) = pay("402 Payment Required", headers, body.as_bytes());
        assert_eq!(status, UNPAYABLE, "{err}");
        assert!(words.iter().all(|word| err.contains(word)), "{words:?}: {err}");
    }
}

#[test]
fn a_redirect_says_where_it_leads() {
    let (status, err) = pay("302 Found", "Location: /elsewhere?x=1\r\n", b"");
    assert_eq!(status, 1, "{err}");
    assert!(err.contains("302") && err.contains("/elsewhere?x=1") && err.contains("nothing was asked"), "{err}");
}

#[test]
fn an_offer_in_a_wrapper_or_packed_is_read_as_far_as_the_wallet() {
    let wrapped = format!("{{\"detail\": {}}}", offer("10000"));
    // Stored, not squeezed: gzip around the bytes as they are.
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    packed.write_all(offer("10000").as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    for (headers, body) in [("", wrapped.as_bytes()), ("Content-Encoding: gzip\r\n", packed.as_slice())] {
        let (status, err) = pay("402 Payment Required", headers, body);
        // There is no wallet in this folder: the 402 is past its reader.
        assert!(status != UNPAYABLE && !err.contains("402"), "{status}: {err}");
    }
}
