//! Documents that would show one thing and sign another, or cost too much to read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

use proptest::prelude::*;
use serde_json::{Value, json};
use tron::{TypedDocument, TypedError};

fn document() -> Value {
    json!({
        "types": {
            "EIP712Domain": [
                { "name": "name", "type": "string" },
                { "name": "chainId", "type": "uint256" },
                { "name": "verifyingContract", "type": "address" },
            ],
            "Order": [
                { "name": "to", "type": "address" },
                { "name": "amount", "type": "uint256" },
                { "name": "notes", "type": "Note[]" },
                { "name": "flags", "type": "bool[2]" },
                { "name": "id", "type": "bytes16" },
            ],
            "Note": [{ "name": "text", "type": "string" }],
        },
        "primaryType": "Order",
        "domain": {
            "name": "Test",
            "chainId": 3_448_148_188_u64,
            "verifyingContract": "0x41a0d8786c5e20d27b6225e9d03ed1cbfe271634",
        },
        "message": {
            "to": "0x7e5f4552091a69125d5dfcb7b8c2659029395bdf",
            "amount": "1000000",
            "notes": [{ "text": "a" }, { "text": "b" }],
            "flags": [true, false],
            "id": "0x00112233445566778899aabbccddeeff",
        },
    })
}

fn parse(document: &Value) -> Result<TypedDocument, TypedError> {
    TypedDocument::parse(&document.to_string())
}

/// The document with one value replaced, and the field that the refusal names.
fn refused(pointer: &str, value: Value) -> String {
    let mut changed = document();
    *changed.pointer_mut(pointer).unwrap() = value;
    match parse(&changed) {
        Err(TypedError::Field { field, .. }) => field,
        Err(other) => format!("{other:?}"),
        Ok(_) => "accepted".into(),
    }
}

#[test]
fn a_whole_document_is_read() {
    let read = parse(&document()).unwrap();
    assert_eq!(
        read.encode_type(),
        "Order(address to,uint256 amount,Note[] notes,bool[2] flags,bytes16 id)Note(string text)"
    );
    let mut without = document();
    without["types"].as_object_mut().unwrap().remove("EIP712Domain");
    assert_eq!(parse(&without).unwrap().digest(), read.digest());
}

#[test]
fn a_value_that_no_type_covers_is_refused() {
    let mut changed = document();
    changed["message"]["hidden"] = json!("shown, not signed");
    assert!(matches!(parse(&changed), Err(TypedError::Field { field, .. }) if field == "message.hidden"));
    let mut changed = document();
    changed["message"]["notes"][1]["more"] = json!(1);
    assert!(matches!(parse(&changed), Err(TypedError::Field { field, .. }) if field == "message.notes[1].more"));
    let mut changed = document();
    changed["domain"]["owner"] = json!("x");
    assert!(matches!(parse(&changed), Err(TypedError::Field { field, .. }) if field == "domain"));
    let mut changed = document();
    changed["extra"] = json!({});
    assert!(matches!(parse(&changed), Err(TypedError::Field { field, .. }) if field == "document"));
}

#[test]
fn a_missing_or_misshapen_value_is_named() {
    let mut changed = document();
    changed["message"].as_object_mut().unwrap().remove("amount");
    assert!(matches!(parse(&changed), Err(TypedError::Field { field, .. }) if field == "message.amount"));
    for (pointer, value, field) in [
        ("/message/to", json!("TMVQGm1qAQYVdetCeGRRkTWYYrLXuHK2HC"), "message.to"),
        ("/message/to", json!("7e5f4552091a69125d5dfcb7b8c2659029395bdf"), "message.to"),
        ("/message/amount", json!("1_000"), "message.amount"),
        ("/message/amount", json!("0b11"), "message.amount"),
        ("/message/amount", json!("007"), "message.amount"),
        ("/message/amount", json!("0x"), "message.amount"),
        ("/message/amount", json!(""), "message.amount"),
        ("/message/amount", json!(null), "message.amount"),
        ("/message/notes", json!({}), "message.notes"),
        ("/message/notes/1", json!("b"), "message.notes[1]"),
        ("/message/flags/0", json!("true"), "message.flags[0]"),
        ("/message/id", json!("00"), "message.id"),
        ("/message", json!([]), "message"),
        ("/primaryType", json!("Missing"), "primaryType"),
        ("/primaryType", json!("EIP712Domain"), "primaryType"),
        ("/primaryType", json!("uint256"), "primaryType"),
        ("/types/EIP712Domain/0/name", json!("title"), "types.EIP712Domain"),
        ("/types/Order/0/type", json!("Strange"), "message.to"),
        ("/types/Order/1/name", json!("to"), "types.Order"),
    ] {
        assert_eq!(refused(pointer, value), field, "{pointer}");
    }
    for (pointer, value) in [
        ("/message/amount", json!(-1)),
        ("/message/amount", json!("-1")),
        ("/message/amount", json!(format!("1{}", "0".repeat(78)))),
        ("/message/id", json!("0x00")),
        ("/message/flags", json!([true])),
    ] {
        assert!(refused(pointer, value).starts_with("Encoding"), "{pointer}");
    }
}

#[test]
fn a_key_that_occurs_twice_is_refused_at_any_depth() {
    let text = document().to_string();
    for (from, to) in [
        ("\"amount\":\"1000000\"", "\"amount\":\"1\",\"amount\":\"1000000\""),
        ("\"primaryType\":", "\"primaryType\":\"Note\",\"primaryType\":"),
        ("\"text\":\"b\"", "\"text\":\"a\",\"text\":\"b\""),
    ] {
        assert_ne!(text.replace(from, to), text);
        let error = TypedDocument::parse(&text.replace(from, to)).unwrap_err();
        assert!(error.to_string().contains("occurs twice"), "{error}");
    }
    assert!(TypedDocument::parse(&format!("{text} ")).is_ok());
    assert!(matches!(TypedDocument::parse(&format!("{text}x")), Err(TypedError::Json { .. })));
    assert!(matches!(
        TypedDocument::parse(&text.replace("1000000", "1.5").replace("\"1.5\"", "1.5")),
        Err(TypedError::Json { .. })
    ));
}

#[test]
fn a_document_made_to_be_expensive_is_refused_before_it_is() {
    // Each type holds the next one twice: 2^30 fields from 2 KB, hidden behind empty lists.
    let mut types = json!({});
    for i in 0..30 {
        let next = format!("T{}[]", i + 1);
        types[format!("T{i}")] = json!([{ "name": "a", "type": next }, { "name": "b", "type": next }]);
    }
    types["T30"] = json!([]);
    let bomb = json!({ "types": types, "primaryType": "T0", "domain": {}, "message": { "a": [], "b": [] } });
    assert!(matches!(parse(&bomb), Err(TypedError::TooComplex { .. })));

    let mut own = document();
    own["types"]["Note"] = json!([{ "name": "again", "type": "Note[]" }]);
    assert!(matches!(parse(&own), Err(TypedError::TooComplex { .. })));

    let fields: Vec<_> = (0..300).map(|i| json!({ "name": format!("f{i}"), "type": "bool" })).collect();
    let mut wide = document();
    wide["types"]["Note"] = json!(fields);
    assert!(matches!(parse(&wide), Err(TypedError::TooComplex { .. })));

    let long = " ".repeat(tron::typed::MAX_BYTES + 1);
    assert!(matches!(TypedDocument::parse(&long), Err(TypedError::TooLarge { .. })));
    let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    assert!(matches!(TypedDocument::parse(&deep), Err(TypedError::Json { .. })));
}

proptest! {
    #[test]
    fn a_damaged_document_never_panics(at: prop::sample::Index, byte in 0x20_u8..0x7f, cut: bool) {
        let mut text = document().to_string().into_bytes();
        let at = at.index(text.len());
        text[at] = byte;
        if cut {
            text.truncate(at);
        }
        let _ = TypedDocument::parse(&String::from_utf8(text).unwrap());
    }

    #[test]
    fn a_strange_type_never_panics(kind in "[A-Za-z0-9\\[\\]]{0,20}", value in "[0-9xa-f]{0,40}") {
        let mut changed = document();
        changed["types"]["Order"][1]["type"] = json!(kind);
        let _ = parse(&changed);
        changed["message"]["amount"] = json!(value);
        let _ = parse(&changed);
        changed["message"]["amount"] = json!([]);
        let _ = parse(&changed);
    }
}

/// Of one field with this type and value.
fn of_type(kind: &str, value: Value) -> Value {
    json!({
        "types": { "M": [{ "name": "a", "type": kind }] },
        "primaryType": "M",
        "domain": { "name": "Test" },
        "message": { "a": value },
    })
}

#[test]
fn lists_nested_in_a_types_name_are_refused_before_they_are_unfolded() {
    // An empty list has no values that could show how deep its type goes.
    for kind in ["uint256".to_owned() + &"[]".repeat(20_000), "uint256".to_owned() + &"[1]".repeat(15_000)] {
        assert!(matches!(parse(&of_type(&kind, json!([]))), Err(TypedError::TooComplex { .. })));
    }
    assert!(parse(&of_type("uint256[][][]", json!([[[]]]))).is_ok());
}

#[test]
fn a_name_that_could_pretend_to_be_several_fields_is_refused() {
    for name in ["a,address b", "a)M(uint256 a", "", "1a", "a b", "a\u{202e}", "ä"] {
        let mut field = of_type("uint256", json!("1"));
        field["types"]["M"][0]["name"] = json!(name);
        field["message"] = json!({ name: "1" });
        let mut kind = of_type("uint256", json!("1"));
        kind["types"] = json!({ name: [{ "name": "a", "type": "uint256" }] });
        kind["primaryType"] = json!(name);
        for document in [field, kind] {
            let expected = "a name of letters, digits, _ and $";
            assert!(matches!(parse(&document), Err(TypedError::Field { expected: e, .. }) if e == expected), "{name}");
        }
    }
}
