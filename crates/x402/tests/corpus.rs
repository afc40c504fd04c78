//! Stored messages, honest and hostile, and what reading each of them says: `tests/data/x402/*.json`.
//! `UPDATE_CASES=1` writes what is said now into the files; read the difference before keeping it.
#![allow(clippy::unwrap_used, clippy::panic)]

use serde_json::{Map, Value, json};
use std::{fs, path::PathBuf};
use x402::{Fresh, Malformed, Offer, Payment, Requirements, Settlement, U256, facilitator, header};

/// Who pays in these cases.
const PAYER: &str = "TMVQGm1qAQYVdetCeGRRkTWYYrLXuHK2HC";

/// What the payer chooses where these cases leave it open.
const CHOSEN: Fresh = Fresh { nonce: U256::ONE, valid_after: 1_700_000_000, valid_before: 1_700_000_060 };

fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "../../tests/data/x402"].iter().collect()
}

fn load(name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(folder().join(name)).unwrap()).unwrap()
}

/// A case's input. One of: `text`; `hex` bytes; `repeat` = [before, what, times, after]; or a `base` document
/// with members `set` and `remove`d by JSON pointer, as a header when `header` is true.
fn input(case: &Value, bases: &Value) -> Vec<u8> {
    if let Some(text) = case["text"].as_str() {
        return text.as_bytes().to_vec();
    }
    if let Some(digits) = case["hex"].as_str() {
        return hex::decode(digits).unwrap();
    }
    if let Some(repeat) = case["repeat"].as_array() {
        let text = |i: usize| repeat[i].as_str().unwrap();
        let times = usize::try_from(repeat[2].as_u64().unwrap()).unwrap();
        return format!("{}{}{}", text(0), text(1).repeat(times), text(3)).into_bytes();
    }
    let mut document = bases[case["base"].as_str().unwrap()].clone();
    assert!(document.is_object(), "{} has no base", case["name"]);
    for (pointer, value) in case["set"].as_object().unwrap_or(&Map::new()) {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        match document.pointer_mut(parent).unwrap() {
            Value::Array(items) => items[name.parse::<usize>().unwrap()] = value.clone(),
            parent => parent[name] = value.clone(),
        }
    }
    for pointer in case["remove"].as_array().unwrap_or(&Vec::new()) {
        let (parent, name) = pointer.as_str().unwrap().rsplit_once('/').unwrap();
        document.pointer_mut(parent).unwrap().as_object_mut().unwrap().shift_remove(name).unwrap();
    }
    let text = document.to_string();
    if case["header"] == json!(true) { header::write(&text).into_bytes() } else { text.into_bytes() }
}

fn read(case: &Value, bases: &Value) -> Vec<String> {
    let bytes = input(case, bases);
    let text = || String::from_utf8(bytes.clone()).unwrap();
    let lines = match case["as"].as_str().unwrap() {
        "offer" => Offer::read_bytes(&bytes).map(|offer| offer_lines(&offer)),
        "payment" => Payment::read(&text()).map(|payment| payment_lines(&payment)),
        "settlement" => Settlement::read(&text()).map(|settlement| settlement_lines(&settlement)),
        "request" => facilitator::Request::read(&text()).map(|request| {
            let mut lines = payment_lines(&request.payment);
            lines.push(option_line(&request.requirements));
            lines
        }),
        "supported" => facilitator::Supported::read(&text()).map(|s| vec![s.to_json()]),
        "verified" => facilitator::VerifyResponse::read(&text()).map(|v| vec![v.to_json()]),
        "quotes" => facilitator::Quote::read_list(&text()).map(|q| vec![facilitator::Quote::write_list(&q)]),
        other => panic!("{other}"),
    };
    lines.unwrap_or_else(|e: Malformed| vec![format!("malformed: {e}")])
}

fn offer_lines(offer: &Offer) -> Vec<String> {
    assert_eq!(Offer::read(&offer.raw).as_ref(), Ok(offer), "what was received reads the same again");
    let mut lines = vec![format!("{:?} {:?}", offer.version, offer.source)];
    if let Some(error) = &offer.error {
        lines.push(format!("error: {error}"));
    }
    if let Some(resource) = &offer.resource {
        lines.push(format!("resource: {}", resource.raw));
    }
    lines.extend(offer.options.iter().map(option_line));
    let names: Vec<&str> = offer.extensions.names().collect();
    if !names.is_empty() {
        lines.push(format!("extensions: {}", names.join(", ")));
    }
    lines.extend(unknown(&offer.unknown));
    lines
}

fn option_line(option: &Requirements) -> String {
    let unknown = unknown(&option.unknown).map(|u| format!("; {u}")).unwrap_or_default();
    let terms = match &option.terms {
        Ok(terms) => terms,
        Err(unusable) => return format!("[{}] unusable: {unusable}{unknown}", option.index),
    };
    let mut line = format!("[{}] {} on {}", option.index, terms.scheme(), terms.network());
    line += &format!(", {} of {} to {}", terms.price(), terms.token(), terms.payee());
    if let Some(fee) = terms.fee() {
        line += &format!(", fee {} to {}", fee.amount, fee.to);
    }
    if let Some(maximum) = terms.maximum() {
        line += &format!(", at most {maximum}");
    }
    if let Some((after, before)) = terms.window() {
        line += &format!(", valid {after} to {before}");
    }
    let terms = &terms.with(CHOSEN);
    match terms.authorize(PAYER.parse().unwrap()) {
        Ok(authorization) => line += &format!("; signs {}", &authorization.digest.to_string()[..16]),
        Err(e) => line += &format!("; does not sign: {e}"),
    }
    assert!(terms.explain().len() >= 5, "terms explain themselves");
    line + &unknown
}

fn unknown(members: &Map<String, Value>) -> Option<String> {
    let names: Vec<&str> = members.keys().map(String::as_str).collect();
    (!names.is_empty()).then(|| format!("unknown: {}", names.join(", ")))
}

fn payment_lines(payment: &Payment) -> Vec<String> {
    let again = Payment::read(payment.to_json()).unwrap();
    assert_eq!(
        (&again.raw, again.payload.is_ok()),
        (&payment.raw, payment.payload.is_ok()),
        "its own JSON reads the same"
    );
    let mut lines = vec![format!("{:?} {} {}", payment.version, payment.scheme, payment.network)];
    match &payment.payload {
        Ok(payload) => {
            assert!(payload.explain().len() >= 4, "payloads explain themselves");
            let signed = if payment.signer() == Some(payload.payer()) { "signed by" } else { "not proven to be by" };
            lines.push(format!("{} {signed} {}", payload.scheme(), payload.payer()));
        }
        Err(unusable) => lines.push(format!("payload unusable: {unusable}")),
    }
    lines.extend(unknown(&payment.unknown));
    lines
}

fn settlement_lines(settlement: &Settlement) -> Vec<String> {
    let mut lines = vec![settlement.to_json()];
    lines.extend(settlement.notes.iter().map(|note| format!("{note:?}")));
    lines.extend(unknown(&settlement.unknown));
    lines
}

#[test]
fn every_stored_case_is_read_as_written_down() {
    let bases = load("bases.json");
    let mut count = 0;
    let mut wrong = Vec::new();
    for file in ["offers.json", "options.json", "payments.json", "settlements.json", "facilitator.json"] {
        let mut cases = load(file);
        for case in cases.as_array_mut().unwrap() {
            let said = json!(read(case, &bases));
            if case["says"] != said {
                wrong.push(format!("{file}: {}\n  stored {}\n  said   {said}", case["name"], case["says"]));
                case["says"] = said;
            }
            count += 1;
        }
        if std::env::var_os("UPDATE_CASES").is_some() {
            fs::write(folder().join(file), serde_json::to_string_pretty(&cases).unwrap() + "\n").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 400, "{count} cases");
}
