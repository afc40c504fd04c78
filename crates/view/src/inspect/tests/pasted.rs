//! What people paste: transcripts, logs, fences, answers with other things around them, typed data that is nearly
//! right, addresses with a slip.

use super::{at, codes, key, offer_json, payment, typed_document, value};
use crate::inspect::shapes::{InspectView, KindView};
use serde_json::{Value, json};
use tron::Address;

fn kinds(view: &InspectView) -> Vec<KindView> {
    view.parts.iter().map(|part| part.kind).collect()
}

fn offers(view: &InspectView) -> usize {
    kinds(view).iter().filter(|kind| **kind == KindView::PaymentRequired).count()
}

#[test]
fn a_402_is_found_behind_the_marks_of_curl_with_its_request_in_front() {
    let header = x402::header::write(&offer_json());
    let text = format!(
        "*   Trying 127.0.0.1:8499...\n* Connected\n> GET /a HTTP/1.1\n> Host: 127.0.0.1:8499\n> Accept: */*\n>\n* Request sent\n< HTTP/1.1 402 Payment Required\n< content-type: application/json\n< payment-required: {header}\n<\n{{ [2 bytes data]\n{{}}\n* Connection #0 left intact\n"
    );
    for text in [text.clone(), text.replace('\n', "\r\n")] {
        let seen = at(&text);
        assert_eq!(offers(&seen), 1, "{:?}", kinds(&seen));
        assert!(seen.title.starts_with("A PAYMENT-REQUIRED"), "{}", seen.title);
        assert!(kinds(&seen).iter().filter(|kind| **kind == KindView::Http).count() >= 2, "{:?}", kinds(&seen));
    }
}

#[test]
fn a_document_inside_a_longer_text_is_found_wherever_it_stands() {
    let offer = offer_json();
    let header = x402::header::write(&offer);
    let noise = "2026-11-29T10:00:00Z INFO worker started\n".repeat(40);
    let escaped = serde_json::to_string(&offer).unwrap();
    for text in [
        format!("{noise}2026-11-29 WARN paywall answered {offer} (402)\n{noise}"),
        format!("{noise}[2026-11-29 10:00:01] got payment-required={header}\n"),
        format!("{noise}[info] {header} was the header\n"),
        format!("{noise}{{\"level\":\"warn\",\"body\":{escaped}}}\n{noise}"),
        format!("Dear all,\n\nthe shop said:\n\n```json\n{offer}\n```\n\nWhat now?\n"),
        format!("{noise}curl: header 'PAYMENT-REQUIRED': '{header}'\n"),
        json!({ "log": { "detail": [{ "deep": serde_json::from_str::<Value>(&offer).unwrap() }] } }).to_string(),
    ] {
        let seen = at(&text);
        assert_eq!(offers(&seen), 1, "{:?} {}", kinds(&seen), &text[text.len().saturating_sub(400)..]);
        assert_eq!(value(&seen, "price"), "0.25 USDT");
    }
    let raw = tron::RawTransaction {
        ref_block_bytes: [1, 2],
        ref_block_hash: [3; 8],
        expiration_ms: 1,
        timestamp_ms: 1,
        contract: tron::tx::Contract::Transfer {
            owner: key().address(),
            to: Address::from_bytes([1; 20]),
            amount_sun: 5,
        },
        fee_limit_sun: 0,
    };
    let signed = tron::SignedTransaction::sign(raw, &key());
    for text in [
        format!("{noise}sending {} now\n", signed.to_hex()),
        format!("{noise}answer: {}\n", json!({ "result": { "result": true }, "transaction": signed.to_json() })),
        json!({ "transaction": signed.to_hex() }).to_string(),
        json!({ "transaction": signed.to_json().to_string() }).to_string(),
        json!({ "result": {}, "transaction": { "result": {}, "transaction": signed.to_json() } }).to_string(),
    ] {
        let seen = at(&text);
        assert_eq!(value(&seen, "signature recovers to"), key().address().to_string(), "{text}");
    }
}

/// A document that breaks off stays broken: an option inside it is not what was handed over.
#[test]
fn a_broken_document_is_told_as_one_and_not_by_what_is_whole_in_it() {
    let offer = offer_json();
    let cut = &offer[..offer.len() - 40];
    let seen = at(cut);
    assert!(!seen.understood && seen.parts[0].tried[0].found.contains("end of the text"), "{seen:#?}");
}

#[test]
fn typed_data_that_is_nearly_right_is_told_what_does_not_fit() {
    let right: Value = serde_json::from_str(&typed_document()).unwrap();
    let digest = value(&at(&right.to_string()), "digest to sign");
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut document = right.clone();
        change(&mut document);
        document.to_string()
    };
    let renamed = changed(&|d| {
        let message = d["message"].take();
        d.as_object_mut().unwrap().remove("message");
        d["value"] = message;
    });
    let seen = at(&renamed);
    assert!(codes(&seen).contains(&"typedValue"), "{seen:#?}");
    assert_eq!(value(&seen, "digest to sign"), digest);
    let bare = at(&changed(&|d| drop(d["types"].as_object_mut().unwrap().remove("EIP712Domain"))));
    assert_eq!(value(&bare, "digest to sign"), digest);
    let beside = changed(&|d| d["account"] = json!("x"));
    assert!(codes(&at(&beside)).contains(&"typedBeside"));
    let signature = key().sign(&tron::Digest::from_bytes([5; 32])).to_hex();
    let claimed = changed(&|d| {
        d["digest"] = json!(format!("0x{}", "05".repeat(32)));
        d["signature"] = json!(signature);
    });
    let seen = at(&claimed);
    assert!(codes(&seen).contains(&"digestDiffers") && codes(&seen).contains(&"signerDiffers"), "{:?}", codes(&seen));
    let honest = changed(&|d| d["hash"] = json!(digest.to_uppercase()));
    assert!(!codes(&at(&honest)).contains(&"digestDiffers"));

    for (document, field, said) in [
        (changed(&|d| drop(d.as_object_mut().unwrap().remove("message"))), "message", "the values that are signed"),
        (changed(&|d| drop(d.as_object_mut().unwrap().remove("domain"))), "domain", "a value"),
        (
            changed(&|d| drop(d.as_object_mut().unwrap().remove("primaryType"))),
            "primaryType",
            "the name of the type that is signed: PaymentPermitDetails",
        ),
        (
            changed(&|d| d["message"]["buyer"] = json!("TMVQGm1qAQYVdetCeGRRkTWYYrLXuHK2HC")),
            "message.buyer",
            "0x and 40",
        ),
        (changed(&|d| d["message"]["payment"]["payAmount"] = json!("0.25")), "message.payment.payAmount", "uint256"),
        (changed(&|d| drop(d["message"].as_object_mut().unwrap().remove("caller"))), "message.caller", "address"),
        (changed(&|d| d["primaryType"] = json!("Nothing")), "primaryType", "a struct of types"),
    ] {
        let seen = at(&document);
        assert!(!seen.understood, "{document}");
        let [tried] = seen.parts[0].tried.as_slice() else { panic!("{:?}", seen.parts[0].tried) };
        assert_eq!((tried.what.as_str(), tried.field.as_str()), ("typed data (TIP-712)", field));
        assert!(tried.expected.contains(said), "{tried:?}");
    }
    let part = changed(&|d| d["primaryType"] = json!("Payment"));
    assert!(at(&part).parts[0].tried[0].found.contains("a part of PaymentPermitDetails"), "{:?}", at(&part).parts);
    let whole_part = changed(&|d| {
        d["primaryType"] = json!("Payment");
        d["message"] = d["message"]["payment"].take();
    });
    assert!(codes(&at(&whole_part)).contains(&"typedNested"), "{:?}", codes(&at(&whole_part)));
}

#[test]
fn a_payment_beside_typed_data_of_another_one_stops_with_both() {
    let payment = payment();
    let typed = typed_document();
    let same = at(&format!("{typed}\nPAYMENT-SIGNATURE: {}", payment.header_value()));
    assert!(codes(&same).contains(&"typedSame") && !codes(&same).contains(&"typedOther"), "{:?}", codes(&same));
    let other = typed.replace("\"250000\"", "\"1\"");
    assert_ne!(other, typed);
    let wrapped = json!({
        "typedData": serde_json::from_str::<Value>(&other).unwrap(),
        "paymentPayload": serde_json::from_str::<Value>(payment.to_json()).unwrap(),
    });
    for text in [format!("{other}\nPAYMENT-SIGNATURE: {}", payment.header_value()), wrapped.to_string()] {
        let seen = at(&text);
        assert!(codes(&seen).contains(&"typedOther"), "{:?} {text}", codes(&seen));
    }
}

#[test]
fn an_address_with_a_slip_is_told_which_character_and_where() {
    let right = super::USDT;
    let with = |at: usize, c: char| -> String {
        right.chars().enumerate().map(|(i, own)| if i == at { c } else { own }).collect()
    };
    for (text, said) in [
        (with(3, '0'), "character 4 is '0': Base58 has no 0, O, I and l"),
        (with(33, 'O'), "character 34 is 'O'"),
        (with(7, 'I'), "character 8 is 'I'"),
        (with(9, 'l'), "character 10 is 'l'"),
        (with(0, '\u{422}'), "character 1 is 'Т' (U+0422, a letter of another alphabet)"),
        (with(0, 't'), "character 1 is 't': an address begins with a capital T"),
        (with(5, '\u{430}'), "character 6 is 'а' (U+0430, a letter of another alphabet)"),
        (format!("{}\u{200b}{}", &right[..4], &right[4..]), "character 5 is U+200B"),
        (with(33, 'g'), "checksum"),
        (right[..33].to_owned(), "33 characters"),
        (format!("{right}f"), "35 characters"),
        (format!("41{}", "ab".repeat(19)), "40 characters"),
        (format!("41{}g", "a".repeat(39)), "character 42 is 'g', which is no hex digit"),
        (format!("0x{}", "a".repeat(39)), "41 characters"),
        (format!("0x{}o", "0".repeat(39)), "character 42 is 'o', which is no hex digit"),
    ] {
        for text in [text.clone(), format!("\"{text}\","), format!("  {text} \n")] {
            let seen = at(&text);
            assert!(!seen.understood, "{text}: {seen:#?}");
            let tried = seen.parts.iter().flat_map(|part| &part.tried).find(|tried| tried.what == "a TRON address");
            let tried = tried.unwrap_or_else(|| panic!("{text}: {:?}", seen.parts));
            assert!(tried.found.contains(said) || tried.expected.contains(said), "{text}: {tried:?}");
        }
    }
    let address = Address::parse(right).unwrap();
    let bare = address.to_evm_hex().trim_start_matches("0x").to_owned();
    for text in [
        format!("`{right}`"),
        format!("{right}."),
        format!("<{right}>"),
        format!("tron:{right}"),
        bare.clone(),
        format!("0X{}", bare.to_uppercase()),
        address.to_hex41(),
        format!("\"{}\"", address.to_hex41()),
    ] {
        assert_eq!(value(&at(&text), "Base58Check"), right, "{text}");
    }
}
