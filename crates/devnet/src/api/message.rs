//! Messages of TRON as a node's JSON writes and reads them, by the tables that their bytes are read by. Members that the
//! protocol does not have are passed over, as a node does.

use super::json::{Form, NodeError, unhex, whole};
use crate::execute::address_of_new;
use crate::incoming::Sent;
use crate::wire;
use serde_json::{Map, Value as Json, json};
use tron::foreign::schema::{ANY, CONTRACT, Field, Kind, RAW, Schema, contract_named};
use tron::foreign::{Entry, Message, Value};

/// Messages inside messages.
const DEPTH: usize = 8;

/// A message with these members.
pub fn with(schema: &'static Schema, members: Vec<(&str, Value)>) -> Message {
    let mut message = Message::new(schema);
    for (name, value) in members {
        if let Some(field) = schema.fields.iter().find(|field| field.name == name) {
            message.entries.push(Entry { field, value });
        }
    }
    message
}

/// Reads a message in one form only.
pub fn read(schema: &'static Schema, json: &Json, form: Form) -> Result<Message, NodeError> {
    read_at(schema, json, form, DEPTH)
}

fn read_at(schema: &'static Schema, json: &Json, form: Form, depth: usize) -> Result<Message, NodeError> {
    let expected = || NodeError::parse(format!("expected an object for {}", schema.name));
    let (members, depth) = json.as_object().zip(depth.checked_sub(1)).ok_or_else(expected)?;
    let mut message = Message::new(schema);
    for field in schema.fields {
        let Some(value) = members.get(field.name).filter(|value| !value.is_null()) else { continue };
        let one = |value: &Json| -> Result<Value, NodeError> {
            match field.kind {
                Kind::Message(inner) => read_at(inner, value, form, depth).map(Value::Message),
                Kind::Parameter => parameter(members, value, form, depth).map(Value::Message),
                _ => scalar(field, value, form),
            }
        };
        match (field.many, value) {
            (true, Json::Array(list)) => {
                for value in list {
                    message.entries.push(Entry { field, value: one(value)? });
                }
            }
            _ => message.entries.push(Entry { field, value: one(value)? }),
        }
    }
    Ok(message)
}

/// What a contract is about, read by the contract's type.
fn parameter(contract: &Map<String, Json>, json: &Json, form: Form, depth: usize) -> Result<Message, NodeError> {
    let named = contract.get("type").and_then(Json::as_str).unwrap_or_default();
    let kind = contract_named(named).and_then(|kind| kind.schema);
    let schema = kind.ok_or_else(|| NodeError::parse(format!("unknown contract type {named:?}")))?;
    let value = json.get("value").ok_or_else(|| NodeError::missing("parameter.value"))?;
    Ok(any(read_at(schema, value, form, depth)?))
}

/// A contract's message with its URL.
pub fn any(inner: Message) -> Message {
    let url = format!("type.googleapis.com/protocol.{}", inner.schema.name);
    with(&ANY, vec![("type_url", Value::Text(url)), ("value", Value::Message(inner))])
}

/// The contract of a type with this message, under a permission.
pub fn contract(inner: Message, permission: i64) -> Message {
    let number = contract_named(inner.schema.name).map_or(0, |kind| kind.number);
    let parameter = Value::Message(any(inner));
    let permission = Value::Int(permission);
    with(&CONTRACT, vec![("type", Value::Int(number)), ("parameter", parameter), ("Permission_id", permission)])
}

fn scalar(field: &Field, json: &Json, form: Form) -> Result<Value, NodeError> {
    let name = field.name;
    let named = |names: &[(i64, &str)], text: &str| names.iter().find(|(_, name)| *name == text).map(|(n, _)| *n);
    let text = || json.as_str().ok_or_else(|| NodeError::parse(format!("{name}: Expected string.")));
    Ok(match field.kind {
        Kind::Address => match text()? {
            "" => Value::Bytes(Vec::new()),
            text => Value::Bytes(form.read(name, text)?),
        },
        Kind::Hex => Value::Bytes(unhex(text()?)?),
        Kind::Name if form.visible => Value::Bytes(text()?.as_bytes().to_vec()),
        Kind::Name => Value::Bytes(unhex(text()?)?),
        Kind::Text => Value::Text(text()?.to_owned()),
        Kind::Bool => {
            let yes = json.as_bool().or_else(|| json.as_str().map(|text| text == "true"));
            let yes = yes.ok_or_else(|| NodeError::parse(format!("{name}: expected true or false, found {json}")))?;
            Value::Int(i64::from(yes))
        }
        Kind::Enum(names) => match json.as_str().and_then(|text| named(names, text)) {
            Some(number) => Value::Int(number),
            None => Value::Int(whole(name, json)?),
        },
        Kind::Type => match json.as_str().and_then(contract_named) {
            Some(kind) => Value::Int(kind.number),
            None => Value::Int(whole(name, json)?),
        },
        _ => Value::Int(whole(name, json)?),
    })
}

/// A message as every answer shows it.
pub fn show(message: &Message, form: Form) -> Json {
    shown(message, form, false)
}

/// `packed`: what a contract is about stays bytes, as in the text of `broadcasthex`.
fn shown(message: &Message, form: Form, packed: bool) -> Json {
    let mut members = Map::new();
    for Entry { field, value } in &message.entries {
        if value.is_absent() && !field.many {
            continue;
        }
        let value = match (value, field.kind) {
            (Value::Message(inner), Kind::Hex) if packed => hex::encode(wire::encode(inner)).into(),
            (Value::Message(inner), _) => shown(inner, form, packed),
            (Value::Bytes(bytes), Kind::Address) => {
                tron::Address::from_bytes21(bytes).map_or_else(|_| hex::encode(bytes).into(), |a| form.address(a))
            }
            (Value::Bytes(bytes), Kind::Name) => {
                if form.visible {
                    value.tell(Some(Kind::Name)).into()
                } else {
                    hex::encode(bytes).into()
                }
            }
            (Value::Bytes(bytes), _) => hex::encode(bytes).into(),
            (Value::Int(number), Kind::Bool) => (*number != 0).into(),
            (Value::Int(_), Kind::Enum(_) | Kind::Type) => value.tell(Some(field.kind)).into(),
            (Value::Int(number), _) => (*number).into(),
            (Value::Text(text) | Value::Unreadable(text), _) => text.clone().into(),
        };
        match members.get_mut(field.name) {
            Some(Json::Array(list)) if field.many => list.push(value),
            _ if field.many => drop(members.insert(field.name.to_owned(), json!([value]))),
            _ => drop(members.insert(field.name.to_owned(), value)),
        }
    }
    // The type with the number 0 is named all the same.
    if std::ptr::eq(message.schema, &CONTRACT) && !members.contains_key("type") {
        members.insert("type".into(), Value::Int(0).tell(Some(Kind::Type)).into());
    }
    Json::Object(members)
}

/// A transaction as every endpoint shows it.
pub fn transaction(sent: &Sent, form: Form) -> Map<String, Json> {
    let mut json = Map::new();
    if !sent.signatures.is_empty() {
        json.insert("signature".into(), sent.signatures.iter().map(hex::encode).collect());
    }
    json.insert("txID".into(), sent.id.to_string().into());
    let made = sent.action().ok().filter(|action| matches!(action, crate::action::Action::Create(_)));
    if let Some(owner) = made.and_then(|_| sent.owner()) {
        json.insert("contract_address".into(), address_of_new(&sent.id, owner).to_hex41().into());
    }
    json.insert("raw_data".into(), sent.raw.as_ref().map_or_else(|| json!({}), |raw| show(raw, form)));
    json.insert("raw_data_hex".into(), hex::encode(&sent.bytes).into());
    json
}

/// A transaction as `broadcasthex` writes it into a text.
pub fn packed(sent: &Sent) -> String {
    let mut json = Map::new();
    if let Some(raw) = &sent.raw {
        json.insert("raw_data".into(), shown(raw, Form { visible: false }, true));
    }
    if !sent.signatures.is_empty() {
        json.insert("signature".into(), sent.signatures.iter().map(hex::encode).collect());
    }
    Json::Object(json).to_string()
}

/// Reads a signed or unsigned transaction from `raw_data`, as a node does: `raw_data_hex` and `txID` are not looked at.
pub fn read_transaction(json: &Json, form: Form) -> Result<Sent, NodeError> {
    let raw = json.get("raw_data").filter(|raw| raw.is_object()).ok_or_else(|| NodeError::missing("raw_data"))?;
    let signatures = json.get("signature").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let signatures = signatures.iter().map(|one| unhex(one.as_str().unwrap_or_default()));
    Ok(Sent::of_message(&read(&RAW, raw, form)?, signatures.collect::<Result<_, _>>()?))
}
