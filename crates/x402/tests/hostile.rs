//! Whatever comes in, reading answers: it never panics, and what it understood it understands again.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::Value;
use x402::{Malformed, Offer, Payment, Requirements, Settlement, facilitator, header};

/// The documents that the stored cases start from.
fn bases() -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/x402/bases.json");
    let bases: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    bases.as_object().unwrap().values().map(Value::to_string).collect()
}

/// Every reader on the same text.
fn read_all(text: &str) {
    if let Ok(offer) = Offer::read(text) {
        assert_eq!(Offer::read(&offer.raw).as_ref(), Ok(&offer));
        let payer = tron::Address::from_bytes([7; 20]);
        for option in &offer.options {
            assert!(text.starts_with('{') == text.contains(&option.raw) || !text.starts_with('{'));
            if let Ok(terms) = &option.terms {
                terms.explain();
                let _ = terms.authorize(payer);
            }
        }
    }
    if let Ok(payment) = Payment::read(text) {
        payment.signer();
        if let Ok(payload) = &payment.payload {
            payload.explain();
        }
        assert_eq!(Payment::read(payment.to_json()).unwrap().raw, payment.raw);
    }
    if let Ok(settlement) = Settlement::read(text) {
        assert!(Settlement::read(&settlement.to_json()).is_ok());
    }
    let errors: [Option<Malformed>; 6] = [
        Requirements::read(text).err(),
        facilitator::Request::read(text).err(),
        facilitator::Supported::read(text).err(),
        facilitator::VerifyResponse::read(text).err(),
        facilitator::QuoteRequest::read(text).err(),
        facilitator::Quote::read_list(text).err(),
    ];
    for error in errors.into_iter().flatten() {
        assert!(!error.field.is_empty() && !error.expected.is_empty());
        assert!(error.found.chars().count() <= 120, "{error}");
        assert!(!error.found.chars().any(char::is_control), "{error}");
    }
}

/// One change to a text that stays UTF-8.
#[derive(Clone, Debug)]
enum Change {
    Cut(usize),
    Insert(usize, String),
    Remove(usize, usize),
    Repeat(usize, usize),
    Replace(usize, char),
}

fn change() -> impl Strategy<Value = Change> {
    let piece = prop_oneof![
        Just("\"".to_owned()),
        Just("{".to_owned()),
        Just("}".to_owned()),
        Just("[".to_owned()),
        Just(",".to_owned()),
        Just("null".to_owned()),
        Just("-1".to_owned()),
        Just("1e999".to_owned()),
        Just("\\ud800".to_owned()),
        Just("\u{202e}".to_owned()),
        Just("\0".to_owned()),
        ".{0,6}",
    ];
    prop_oneof![
        any::<usize>().prop_map(Change::Cut),
        (any::<usize>(), piece).prop_map(|(at, text)| Change::Insert(at, text)),
        (any::<usize>(), 1..40_usize).prop_map(|(at, n)| Change::Remove(at, n)),
        (any::<usize>(), 1..60_usize).prop_map(|(at, n)| Change::Repeat(at, n)),
        (any::<usize>(), any::<char>()).prop_map(|(at, c)| Change::Replace(at, c)),
    ]
}

fn apply(text: &str, changes: &[Change]) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for change in changes {
        let length = chars.len().max(1);
        match change {
            Change::Cut(at) => chars.truncate(at % length),
            Change::Insert(at, piece) => {
                let at = (at % length).min(chars.len());
                chars.splice(at..at, piece.chars());
            }
            Change::Remove(at, n) => {
                let at = (at % length).min(chars.len());
                let end = (at + n).min(chars.len());
                chars.drain(at..end);
            }
            Change::Repeat(at, n) => {
                let at = (at % length).min(chars.len());
                let piece: Vec<char> = chars.iter().copied().skip(at).take(*n).collect();
                chars.splice(at..at, piece);
            }
            Change::Replace(at, c) => {
                if let Some(there) = chars.get_mut(at % length) {
                    *there = *c;
                }
            }
        }
    }
    chars.into_iter().collect()
}

/// Any JSON, with the members that readers ask for among its keys.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[0-9]{1,80}".prop_map(Value::from),
        "0x[0-9a-f]{0,66}".prop_map(Value::from),
        Just(Value::from("TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf")),
        Just(Value::from("tron:nile")),
        Just(Value::from("exact_permit")),
        Just(Value::from("exact")),
        Just(Value::from("batch-settlement")),
        ".{0,12}".prop_map(Value::from),
    ];
    let key = prop::sample::select(vec![
        "x402Version",
        "accepts",
        "scheme",
        "network",
        "amount",
        "maxAmountRequired",
        "asset",
        "payTo",
        "extra",
        "fee",
        "feeTo",
        "feeAmount",
        "caller",
        "extensions",
        "paymentPermitContext",
        "meta",
        "kind",
        "paymentId",
        "nonce",
        "validAfter",
        "validBefore",
        "delivery",
        "payload",
        "accepted",
        "paymentPermit",
        "authorization",
        "signature",
        "success",
        "transaction",
        "error",
        "data",
        "result",
        "structuredContent",
        "content",
        "text",
        "_meta",
        "x402/payment",
        "x402/error",
        "params",
        "jsonrpc",
        "paymentPayload",
        "paymentRequirements",
        "kinds",
    ]);
    leaf.prop_recursive(6, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..8)
                .prop_map(|members| Value::Object(members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_gets_an_answer(text in ".{0,300}") {
        read_all(&text);
        read_all(&header::write(&text));
    }

    #[test]
    fn any_bytes_get_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Offer::read_bytes(&bytes);
        let text = String::from_utf8_lossy(&bytes);
        read_all(&text);
    }

    #[test]
    fn any_json_gets_an_answer(value in any_json()) {
        read_all(&value.to_string());
        read_all(&header::write(&value.to_string()));
    }

    #[test]
    fn a_changed_message_gets_an_answer(which in any::<prop::sample::Index>(), changes in prop::collection::vec(change(), 1..6)) {
        let bases = bases();
        let text = apply(&bases[which.index(bases.len())], &changes);
        read_all(&text);
        read_all(&header::write(&text));
    }

    #[test]
    fn a_changed_header_gets_an_answer(which in any::<prop::sample::Index>(), changes in prop::collection::vec(change(), 1..4)) {
        let bases = bases();
        read_all(&apply(&header::write(&bases[which.index(bases.len())]), &changes));
    }

    #[test]
    fn any_value_in_any_place_gets_an_answer(which in any::<prop::sample::Index>(), place in any::<prop::sample::Index>(), value in any_json()) {
        let bases = bases();
        let mut document: Value = serde_json::from_str(&bases[which.index(bases.len())]).unwrap();
        let mut places = Vec::new();
        collect(&document, &mut String::new(), &mut places);
        *document.pointer_mut(&places[place.index(places.len())]).unwrap() = value;
        read_all(&document.to_string());
    }
}

/// The pointers of every value in a document.
fn collect(value: &Value, path: &mut String, out: &mut Vec<String>) {
    out.push(path.clone());
    let length = path.len();
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                path.push('/');
                path.push_str(&name.replace('~', "~0").replace('/', "~1"));
                collect(value, path, out);
                path.truncate(length);
            }
        }
        Value::Array(items) => {
            for (i, value) in items.iter().enumerate() {
                path.push_str(&format!("/{i}"));
                collect(value, path, out);
                path.truncate(length);
            }
        }
        _ => {}
    }
}
