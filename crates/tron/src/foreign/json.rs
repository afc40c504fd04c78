//! The readable half of a transaction as the node API and SDKs write it, read by the same tables as its bytes. Takes
//! every spelling that occurs: addresses in Base58 and hex, names as text or hex, numbers as texts, enums by name.

use super::message::{Entry, Message, Value};
use super::schema::{ANY, CONTRACT, ContractType, Field, Kind, Schema, contract, contract_named};
use super::wire;
use crate::Address;
use serde_json::Value as Json;

/// Messages inside messages.
const DEPTH: usize = 8;

/// Reads a message. `visible` is the document's own word for addresses in Base58 and names as text.
pub fn read(schema: &'static Schema, json: &Json, visible: bool) -> Value {
    message(schema, json, visible, DEPTH)
}

fn message(schema: &'static Schema, json: &Json, visible: bool, depth: usize) -> Value {
    let (Some(members), Some(depth)) = (json.as_object(), depth.checked_sub(1)) else {
        return Value::Unreadable(json.to_string());
    };
    let mut out = Message::new(schema);
    let kind = std::ptr::eq(schema, &CONTRACT).then(|| contract_type(json)).flatten();
    for (name, json) in members {
        let Some(field) = schema.fields.iter().find(|field| field.name == name) else {
            if !json.is_null() {
                out.strange.push((name.clone(), plain(json)));
            }
            continue;
        };
        let read = |json: &Json| match field.kind {
            Kind::Parameter => parameter(kind, json, visible, depth),
            Kind::Message(schema) => message(schema, json, visible, depth),
            _ => scalar(field, json, visible),
        };
        match (field.many, json) {
            (_, Json::Null) => {}
            (true, Json::Array(items)) => {
                out.entries.extend(items.iter().map(|item| Entry { field, value: read(item) }))
            }
            _ => out.entries.push(Entry { field, value: read(json) }),
        }
    }
    Value::Message(out)
}

/// The type of a contract: by its name or number, else by the parameter's URL.
fn contract_type(contract: &Json) -> Option<&'static ContractType> {
    let url = || contract.pointer("/parameter/type_url")?.as_str()?.rsplit(['/', '.']).next().and_then(contract_named);
    let by = match contract.get("type") {
        Some(Json::String(name)) => contract_named(name),
        Some(Json::Number(number)) => number.as_i64().and_then(self::contract),
        _ => None,
    };
    by.or_else(url)
}

fn parameter(kind: Option<&'static ContractType>, json: &Json, visible: bool, depth: usize) -> Value {
    let mut any = match message(&ANY, json, visible, depth) {
        Value::Message(any) => any,
        other => return other,
    };
    let Some(schema) = kind.and_then(|kind| kind.schema) else { return Value::Message(any) };
    let (value, bytes) = (json.get("value"), any.bytes("value").to_vec());
    for entry in any.entries.iter_mut().filter(|entry| entry.field.name == "value") {
        entry.value = match value {
            // Some nodes write the message as the hex of its bytes.
            Some(Json::String(_)) => match wire::decode(schema, &bytes, &mut Vec::new()) {
                Ok(message) => Value::Message(message),
                Err(_) => continue,
            },
            Some(json) => message(schema, json, visible, depth),
            None => continue,
        };
    }
    Value::Message(any)
}

fn scalar(field: &Field, json: &Json, visible: bool) -> Value {
    let read = match (field.kind, json) {
        (Kind::Address, Json::String(text)) => address(text),
        (Kind::Hex, Json::String(text)) => unhex(text).map(Value::Bytes),
        (Kind::Name, Json::String(text)) => {
            let bytes = unhex(text).filter(|_| !visible).unwrap_or_else(|| text.clone().into_bytes());
            Some(Value::Bytes(bytes))
        }
        (Kind::Text, Json::String(text)) => Some(Value::Text(text.clone())),
        (Kind::Bool, Json::Bool(yes)) => Some(Value::Int(i64::from(*yes))),
        (Kind::Enum(names), Json::String(text)) => {
            let named = names.iter().find(|(_, name)| name.eq_ignore_ascii_case(text));
            named.map(|(number, _)| *number).or_else(|| text.parse().ok()).map(Value::Int)
        }
        (Kind::Type, Json::String(text)) => {
            contract_named(text).map(|kind| kind.number).or_else(|| text.parse().ok()).map(Value::Int)
        }
        (Kind::Int | Kind::Int32 | Kind::Sun | Kind::Millis, Json::String(text)) => text.parse().ok().map(Value::Int),
        (Kind::Int | Kind::Int32 | Kind::Sun | Kind::Millis | Kind::Bool | Kind::Enum(_) | Kind::Type, json) => {
            json.as_i64().map(Value::Int)
        }
        _ => None,
    };
    read.unwrap_or_else(|| Value::Unreadable(plain(json)))
}

fn address(text: &str) -> Option<Value> {
    let parsed = Address::parse(text).map(|address| address.to_bytes21().to_vec()).ok();
    // What is no address, the node writes in the same two forms.
    let base58 = || bs58::decode(text).with_check(None).into_vec().ok();
    parsed.or_else(|| unhex(text)).or_else(base58).map(Value::Bytes)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    hex::decode(text.strip_prefix("0x").unwrap_or(text)).ok()
}

/// A text as it is, everything else as JSON.
fn plain(json: &Json) -> String {
    json.as_str().map_or_else(|| json.to_string(), str::to_owned)
}
