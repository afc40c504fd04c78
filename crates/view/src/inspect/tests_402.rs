//! What the inspector says of 402s as they are in the wild: several places, other protocols, dialects, receipts.

use super::*;
use serde_json::{Value, json};

const NOW: Moment = Moment(1_795_600_000_000);
const USDT: &str = "TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf";
const SHOP: &str = "TMVQGm1qAQYVdetCeGRRkTWYYrLXuHK2HC";

fn at(text: &str) -> InspectView {
    inspect_at(text, NOW)
}

fn codes(view: &InspectView) -> Vec<&str> {
    view.parts.iter().flat_map(|part| &part.findings).map(|finding| finding.code.as_str()).collect()
}

fn weight(view: &InspectView, code: &str) -> Option<crate::WeightView> {
    view.parts.iter().flat_map(|part| &part.findings).find(|finding| finding.code == code).map(|found| found.weight)
}

fn lines(view: &InspectView) -> String {
    let lines = view.parts.iter().flat_map(|part| &part.groups).flat_map(|group| &group.lines);
    lines.map(|line| format!("{}={} [{}]\n", line.label, line.value, line.remark.as_deref().unwrap_or(""))).collect()
}

fn option(set: &[(&str, Value)]) -> Value {
    let mut option = json!({"scheme": "exact", "network": "tron:nile", "amount": "10000", "asset": USDT, "payTo": SHOP,
        "maxTimeoutSeconds": 300, "extra": {"assetTransferMethod": "permit2"}});
    for (pointer, value) in set {
        match option.pointer_mut(pointer) {
            Some(place) => *place = value.clone(),
            None => option["extra"][pointer.trim_start_matches("/extra/")] = value.clone(),
        }
    }
    option
}

fn offer(set: &[(&str, Value)]) -> Value {
    json!({"x402Version": 2, "resource": {"url": "https://shop.example/a"}, "accepts": [option(set)]})
}

fn answer(headers: &str, body: &str) -> InspectView {
    at(&format!("HTTP/1.1 402 Payment Required\n{headers}\n{body}"))
}

fn required(offer: &Value) -> String {
    format!("PAYMENT-REQUIRED: {}\n", x402::header::write(&offer.to_string()))
}

#[test]
fn two_places_that_say_the_same_are_one_and_two_that_differ_are_told_with_the_member() {
    let header = required(&offer(&[]));
    let rpc = json!({"jsonrpc": "2.0", "error": {"code": -32002, "data": {"x402": offer(&[])}}});
    let mut v1 = offer(&[]);
    v1["x402Version"] = json!(1);
    v1["accepts"][0]["maxAmountRequired"] = v1["accepts"][0]["amount"].take();
    for body in [rpc, v1, offer(&[("/network", json!("tron:0xcd8690dc"))])] {
        let seen = answer(&header, &body.to_string());
        assert!(codes(&seen).contains(&"bodySame") && !codes(&seen).contains(&"answerRefused"), "{:?}", codes(&seen));
    }
    let seen = answer(&header, &offer(&[("/amount", json!("9"))]).to_string());
    let told = seen.parts.iter().flat_map(|part| &part.findings).find(|found| found.code == "bodyDiffers").unwrap();
    assert!(told.text.contains("accepts[0].amount = 9") && told.text.contains("10000"), "{}", told.text);
    let seen = answer(&header.replace("fQ==", "").replace("In19", ""), &offer(&[]).to_string());
    assert!(seen.understood);
    let cut = format!("{}\n", &header[..120]);
    assert!(codes(&answer(&cut, &offer(&[]).to_string())).contains(&"answerRefused"));
}

#[test]
fn a_402_of_something_else_is_one_sentence_with_the_services_words() {
    for (headers, body, words) in [
        (
            "content-type: application/json\n",
            r#"{"error":{"message":"Your credit is too low","code":402}}"#,
            "“Your credit is too low”",
        ),
        ("", "<!doctype html><title>Subscribe</title>", "“Subscribe”"),
        ("", "top up your account", "“top up your account”"),
        ("", "", "no x402 offer"),
        ("WWW-Authenticate: L402 macaroon=\"A\"\n", "", "L402"),
    ] {
        let seen = answer(headers, body);
        assert!(seen.title.contains(words) && seen.understood, "{}: {body}", seen.title);
        assert!(codes(&seen).contains(&"noOffer") && !codes(&seen).contains(&"errorBody"), "{:?}", codes(&seen));
    }
    let alone = at(r#"{"error":{"message":"Your credit is too low"}}"#);
    assert!(!alone.understood && alone.title.contains("Your credit is too low"), "{}", alone.title);
    // What may be a settlement that failed stays one.
    assert!(codes(&at(r#"{"error":"Settlement failed","details":"x"}"#)).contains(&"errorBody"));
    let seen = answer(&format!("WWW-Authenticate: Payment id=\"q\"\n{}", required(&offer(&[]))), "");
    assert!(codes(&seen).contains(&"otherProtocol") && !codes(&seen).contains(&"noOffer"));
}

#[test]
fn offers_in_other_envelopes_are_found_and_their_place_is_told() {
    for (envelope, place) in [
        (json!({"detail": offer(&[])}), "detail"),
        (
            json!({"result": {"status": {"message": {"metadata": {"x402.payment.required": offer(&[])}}}}}),
            "result.status.message.metadata.x402.payment.required",
        ),
        (
            json!({"result": {"content": [{"text": "pay"}], "_meta": {"x402.payment": offer(&[])}}}),
            "result._meta.x402.payment",
        ),
        (json!({"error": {"code": -402, "_meta": {"x402.org/payment": offer(&[])}}}), "error._meta.x402.org/payment"),
    ] {
        let seen = at(&envelope.to_string());
        assert_eq!(seen.parts[0].kind, KindView::PaymentRequired, "{seen:#?}");
        assert!(lines(&seen).contains(place), "{}", lines(&seen));
    }
}

#[test]
fn what_the_wallet_refuses_or_changes_the_inspector_tells() {
    use crate::WeightView::{Note, Stop, Warn};
    let zero = "T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb";
    for (set, code, heavy) in [
        (("/maxTimeoutSeconds", json!(0)), "notSigned", Stop),
        (("/maxTimeoutSeconds", json!(6)), "notSigned", Stop),
        (("/payTo", json!(zero)), "notSigned", Stop),
        (("/maxTimeoutSeconds", json!(86_400)), "lifetimeShortened", Note),
        (("/amount", json!("0")), "nothingPaid", Note),
        (("/scheme", json!("exact_gasfree")), "schemeNotPaid", Warn),
        (("/extra/assetTransferMethod", json!("lcp-trc20-memo")), "methodUnknown", Warn),
        (("/extra/assetTransferMethod", json!("EIP3009")), "fieldWrong", Stop),
        (("/network", json!("tron:27Lqcw")), "networkSpelling", Warn),
        (("/maxTimeoutSeconds", json!("soon")), "fieldWrong", Stop),
    ] {
        let seen = at(&offer(&[set.clone()]).to_string());
        assert_eq!(weight(&seen, code), Some(heavy), "{set:?}: {:?}", codes(&seen));
    }
    let honest = at(&offer(&[]).to_string());
    assert_eq!(codes(&honest), ["testMoney"]);
    let mut shown = offer(&[("/extra/paymentFlow", json!("upfront"))]);
    shown["error"] = json!({"issues": [{"path": ["payload"], "message": "Required"}]});
    let shown = lines(&at(&shown.to_string()));
    assert!(shown.contains("Required") && shown.contains("settled before the answer"), "{shown}");
}

#[test]
fn extensions_say_what_they_would_want() {
    let with = |name: &str, info: Value| {
        let mut offer = offer(&[]);
        offer["extensions"] = json!({name: {"info": info, "schema": {}}});
        at(&offer.to_string())
    };
    use crate::WeightView::{Note, Warn};
    assert_eq!(weight(&with("trc20ApprovalGasSponsoring", json!({"version": "1"})), "sponsoring"), Some(Warn));
    assert_eq!(weight(&with("sign-in-with-x", json!({"domain": "shop.example"})), "signIn"), Some(Note));
    assert_eq!(weight(&with("sign-in-with-x", json!({"domain": "bank.example"})), "signInElsewhere"), Some(Warn));
    assert_eq!(weight(&with("payment-identifier", json!({"required": true})), "identifierRequired"), Some(Note));
    let signed = |amount: &str| json!({"offers": [{"acceptIndex": 0, "payload": {"amount": amount, "payTo": SHOP}}]});
    assert!(!codes(&with("offer-receipt", signed("10000"))).contains(&"signedOfferDiffers"));
    assert_eq!(weight(&with("offer-receipt", signed("1")), "signedOfferDiffers"), Some(Warn));
}

#[test]
fn a_payment_that_is_no_permission_is_named_by_the_member_that_gave_it_away() {
    let payment = |payload: Value| json!({"x402Version": 2, "accepted": option(&[("/network", json!("tron:27Lqcw"))]), "payload": payload});
    let transaction = json!({"txID": "ab", "raw_data_hex": "0a02", "signature": ["00"]});
    for (payment, field) in [
        (payment(json!({"signedTransaction": transaction, "from": SHOP})), "payload.signedTransaction"),
        (payment(json!({"signedTransaction": transaction.to_string()})), "payload.signedTransaction"),
        (payment(json!({"signedTransaction": "0a02", "authorization": {"from": SHOP}})), "payload.signedTransaction"),
        (payment(json!({"txid": "ab".repeat(32)})), "payload.txid"),
        (payment(json!({"transaction": "ab".repeat(32)})), "payload.transaction"),
    ] {
        let text = payment.to_string();
        for text in [text.clone(), text.replace("x402Version", "t402Version")] {
            let seen = at(&text);
            assert_eq!(seen.parts[0].kind, KindView::PaymentPayload, "{seen:#?}");
            let told = seen.parts.iter().flat_map(|part| &part.findings).find(|found| found.code == "payloadOther");
            let told = &told.unwrap_or_else(|| panic!("{:?}", codes(&seen))).text;
            assert!(told.contains(field) || told.contains("t402Version"), "{told}");
            assert!(!codes(&seen).contains(&"signerFits") && !codes(&seen).contains(&"networkForeign"));
        }
    }
    let flat = at(&json!({"scheme": "tron-trc20", "toAddress": SHOP, "amount": "1", "signature": "00"}).to_string());
    assert!(flat.understood && codes(&flat) == ["payloadOther"], "{flat:#?}");
}

#[test]
fn a_permission_that_begins_in_a_moment_is_noted_and_one_that_begins_later_is_odd() {
    use crate::WeightView::{Note, Warn};
    for (ahead, heavy) in [(20, Note), (60, Note), (61, Warn), (90, Warn)] {
        let begins = 1_795_600_000 + ahead;
        let caller = "TYBNgWfhGuNzdLtjKtxXTfskAhTbMcqbaG";
        let fee = json!({"feeTo": caller, "feeAmount": "0", "caller": caller});
        let mut offer = offer(&[("/scheme", json!("exact_permit")), ("/extra", json!({"fee": fee}))]);
        offer["extensions"] = json!({"paymentPermitContext": {"meta": {"kind": "PAYMENT_ONLY",
            "paymentId": format!("0x{}", "ab".repeat(16)), "nonce": "5", "validAfter": begins, "validBefore": begins + 300}}});
        assert_eq!(weight(&at(&offer.to_string()), "notYetValid"), Some(heavy), "{ahead} s");
    }
}

#[test]
fn receipts_are_read_as_servers_write_them() {
    let id = "8c".repeat(32);
    let empty = at(
        &json!({"success": false, "errorReason": "insufficient_funds", "transaction": "", "network": "", "payer": ""})
            .to_string(),
    );
    assert_eq!(codes(&empty), [""; 0]);
    let evm = at(&json!({"success": true, "transaction": id, "network": "tron:nile", "payer": "0x7e5f4552091a69125d5dfcb7b8c2659029395bdf", "amount": null}).to_string());
    assert!(lines(&evm).contains(SHOP) && !codes(&evm).contains(&"payerUnreadable"), "{}", lines(&evm));
    let nested = json!({"ok": true, "balance": "12.50", "settlement": {"success": true, "transaction": id, "network": "tron:nile"}});
    assert_eq!(at(&nested.to_string()).parts[0].kind, KindView::SettleResponse);
    let twice = at(&json!({"success": false, "errorReason": "duplicate_settlement", "transaction": id}).to_string());
    assert!(lines(&twice).contains("used for another request"), "{}", lines(&twice));
    let back = at(&json!({"success": false, "errorReason": "reversed", "transaction": id}).to_string());
    assert!(lines(&back).contains("a block that the chain has dropped"), "{}", lines(&back));
}
