//! The places of one answer: wrappers that are looked through, places that agree in any spelling and places that
//! disagree, and 402s that are no offer.
#![allow(clippy::unwrap_used, clippy::panic)]

use serde_json::{Value, json};
use x402::{NoOffer, Offer, Payment, Settlement, answer, header};

const USDT: &str = "TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf";
const SHOP: &str = "TMVQGm1qAQYVdetCeGRRkTWYYrLXuHK2HC";

fn option(amount: &str) -> Value {
    json!({"scheme": "exact", "network": "tron:nile", "amount": amount, "asset": USDT, "payTo": SHOP,
        "maxTimeoutSeconds": 300, "extra": {"assetTransferMethod": "permit2"}})
}

fn two(amount: &str) -> Value {
    json!({"x402Version": 2, "error": "Payment required", "accepts": [option(amount)],
        "resource": {"url": "https://shop.example/a", "description": "An article"}})
}

/// The same offer as an older server writes it, the other way round and with nulls.
fn one(amount: &str) -> Value {
    json!({"accepts": [{"extra": {"assetTransferMethod": "permit2", "name": null}, "maxTimeoutSeconds": 300,
        "asset": USDT, "payTo": SHOP, "maxAmountRequired": amount, "network": "tron:0xcd8690dc", "scheme": "exact",
        "resource": "http://shop.example/a", "description": null, "outputSchema": null}], "x402Version": 1})
}

fn met(headers: &[(&str, &str)], body: &str) -> Result<Offer, NoOffer> {
    answer::offer(headers.iter().map(|(name, value)| (*name, value.as_bytes())), body.as_bytes())
}

fn with_header(offer: &Value, body: &str) -> Result<Offer, NoOffer> {
    met(&[("Payment-Required", &header::write(&offer.to_string()))], body)
}

#[test]
fn every_known_wrapper_is_read_with_its_members_path() {
    let text = two("10000").to_string();
    for (wrapped, place) in [
        (json!({"detail": two("10000")}), "detail"),
        (json!({"detail": text}), "detail"),
        (json!({"error": two("10000")}), "error"),
        (json!({"error": {"code": 402, "data": two("10000")}}), "error.data"),
        (
            json!({"jsonrpc": "2.0", "id": 7, "error": {"code": -32002, "message": "Payment required", "data": {"x402": two("10000")}}}),
            "error.data.x402",
        ),
        (
            json!({"jsonrpc": "2.0", "id": 5, "error": {"code": -402, "message": "no", "_meta": {"x402.org/payment": two("10000")}}}),
            "error._meta.x402.org/payment",
        ),
        (
            json!({"result": {"isError": true, "content": [{"type": "text", "text": "payment needed"}], "_meta": {"x402.payment": two("10000")}}}),
            "result._meta.x402.payment",
        ),
        (json!({"result": {"content": [{"text": "to pay"}, {"text": text}]}}), "result.content[1].text"),
        (
            json!({"result": {"resultType": "payment_required", "paymentRequired": two("10000")}}),
            "result.paymentRequired",
        ),
        (
            json!({"result": {"kind": "task", "status": {"state": "input-required", "message": {"parts": [], "metadata": {"x402.payment.status": "payment-required", "x402.payment.required": two("10000")}}}}}),
            "result.status.message.metadata.x402.payment.required",
        ),
        (
            json!({"kind": "message", "metadata": {"x402.payment.required": two("10000")}}),
            "metadata.x402.payment.required",
        ),
    ] {
        let offer = Offer::read(&wrapped.to_string()).unwrap();
        assert_eq!((offer.place.as_str(), offer.options.len()), (place, 1), "{wrapped}");
    }
    let payment = json!({"x402Version": 2, "accepted": option("1"), "payload": {"signature": "0x"}});
    let task = json!({"params": {"message": {"metadata": {"x402.payment.payload": payment}}}});
    assert!(Payment::read(&task.to_string()).is_ok());
    let receipts = json!({"result": {"status": {"message": {"metadata": {"x402.payment.receipts": [{"success": true, "transaction": "ab".repeat(32)}]}}}}});
    assert!(Settlement::read(&receipts.to_string()).unwrap().success);
}

#[test]
fn an_offer_in_an_unknown_wrapper_is_named_and_not_taken() {
    for (wrapped, field) in [
        (json!({"payment": {"offers": [{"x": 1}, two("1")]}}), "payment.offers[1]"),
        (json!({"t402Version": 2, "accepts": [option("1")]}), "t402Version"),
        (json!({"t402Version": 2, "resource": {}, "offers": []}), "t402Version"),
    ] {
        let error = Offer::read(&wrapped.to_string()).unwrap_err();
        assert_eq!(error.field, field, "{error}");
        assert!(matches!(answer::read(&wrapped.to_string()), Err(NoOffer::Malformed(_))), "{wrapped}");
    }
}

#[test]
fn places_that_say_the_same_in_any_spelling_are_one_offer() {
    let (header, mut both) = (two("10000"), two("10000"));
    both["accepts"] = json!([option("10000"), option("20000")]);
    let mcp = json!({"jsonrpc": "2.0", "error": {"code": -32002, "data": {"x402": two("10000")}}});
    let mut left_out = two("10000");
    left_out["resource"] = json!({"url": "/a"});
    left_out["accepts"][0]["extra"] = Value::Null;
    for (header, body) in [
        (&header, header.to_string()),
        (&header, one("10000").to_string()),
        (&header, mcp.to_string()),
        (&header, left_out.to_string()),
        (&header, "{}".to_owned()),
        (&header, json!({"x402Version": 2, "accepts": []}).to_string()),
        (&header, "<html>Pay</html>".to_owned()),
        (&header, String::new()),
        (&both, two("20000").to_string()),
    ] {
        let offer = with_header(header, &body).unwrap();
        assert_eq!(offer.raw, header::write(&header.to_string()), "the header counts: {body}");
    }
    let mcp = json!({"structuredContent": two("10000"), "content": [{"text": one("10000").to_string()}]});
    assert_eq!(Offer::read(&mcp.to_string()).unwrap().place, "structuredContent");
}

#[test]
fn places_that_disagree_are_refused_with_what_differs() {
    let header = two("10000");
    let change = |pointer: &str, value: Value| {
        let mut other = two("10000");
        *other.pointer_mut(pointer).unwrap() = value;
        other
    };
    let mut more = two("10000");
    more["accepts"] = json!([option("10000"), option("9000")]);
    for (body, field) in [
        (change("/accepts/0/amount", json!("20000")), "accepts[0].amount"),
        (change("/accepts/0/payTo", json!(USDT)), "accepts[0].payTo"),
        (change("/accepts/0/asset", json!(SHOP)), "accepts[0].asset"),
        (change("/accepts/0/network", json!("tron:mainnet")), "accepts[0].network"),
        (change("/accepts/0/maxTimeoutSeconds", json!(3000)), "accepts[0].maxTimeoutSeconds"),
        (change("/accepts/0/extra/assetTransferMethod", json!("eip3009")), "accepts[0].extra.assetTransferMethod"),
        (change("/resource/url", json!("https://other.example/a")), "resource.url"),
        (one("20000"), "accepts[0].amount"),
        (json!({"detail": change("/accepts/0/amount", json!("20000"))}), "detail.accepts[0].amount"),
        (more, "accepts[1].amount"),
    ] {
        let Err(NoOffer::Malformed(error)) = with_header(&header, &body.to_string()) else { panic!("{body}") };
        assert_eq!(error.field, format!("body: {field}"));
        let mcp = json!({"structuredContent": header, "content": [{"text": body.to_string()}]});
        let error = Offer::read(&mcp.to_string()).unwrap_err();
        assert!(error.field.ends_with(field) && error.expected.contains("structuredContent"), "{error}");
    }
    let text = header::write(&header.to_string());
    let twice = met(&[("PAYMENT-REQUIRED", &text), ("payment-required", &text)], "");
    assert!(matches!(twice, Err(NoOffer::Malformed(e)) if e.found == "2 values"));
}

#[test]
fn a_broken_header_over_a_readable_body_is_told_with_both_facts() {
    let cut = &header::write(&two("1").to_string())[..101];
    let broken = met(&[("PAYMENT-REQUIRED", cut)], &two("1").to_string());
    assert!(matches!(broken, Err(NoOffer::HeaderBroken { header }) if header.field == "header"));
    assert!(matches!(met(&[("PAYMENT-REQUIRED", cut)], "{}"), Err(NoOffer::Malformed(_))));
}

#[test]
fn a_402_of_something_else_is_told_in_the_services_own_words() {
    for (body, said) in [
        (
            r#"{"error": {"message": "Your credit balance is too low", "code": 402}}"#,
            Some("Your credit balance is too low"),
        ),
        (r#"{"error": "insufficient_quota"}"#, Some("insufficient_quota")),
        (
            r#"{"type": "about:blank", "title": "Card was declined", "status": 402, "detail": "Ends in 0000"}"#,
            Some("Card was declined: Ends in 0000"),
        ),
        (r#"{"errors": [{"message": "Top up"}]}"#, Some("Top up")),
        (r#"{"invoice": {"order_id": "o-17", "pay_to": "TMVQGm1qAQYVdetCeGRRkTWYYrLXuHK2HC"}}"#, None),
        ("<!doctype html><title>Subscribe</title><h1>Subscribe to read on</h1>", Some("Subscribe")),
        ("<p>no", None),
        ("top up your account\n", Some("top up your account")),
        ("", None),
        ("{}", None),
    ] {
        let Err(NoOffer::Other(other)) = met(&[], body) else { panic!("{body}") };
        assert_eq!(other.said.as_deref(), said, "{body}");
        assert!(matches!(answer::read(body), Err(NoOffer::Other(_))), "{body}");
    }
    let challenges = [("WWW-Authenticate", "Payment id=\"q\""), ("www-authenticate", "L402 macaroon=\"A\"")];
    let Err(NoOffer::Other(other)) = met(&challenges, "") else { panic!("no offer") };
    assert_eq!(other.speaks, ["MPP", "L402"]);
    let Err(NoOffer::Other(other)) = met(&[("content-encoding", "zstd")], "(packed)") else { panic!("no offer") };
    assert_eq!(other.packed.as_deref(), Some("zstd"));
    let hidden = answer::said("{\"message\": \"a\u{202e}b\"}").unwrap();
    assert_eq!(hidden, "a\\u{202e}b");
    for text in ["eyJ4NDAyVmVyc2lvbiI6", "{\"x402Version\": 3}", "{\"accepts\": []}", "{\"x402Version\": 2, \"acc"] {
        assert!(matches!(answer::read(text), Err(NoOffer::Malformed(_))), "{text}");
    }
}
