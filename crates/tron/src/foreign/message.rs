//! A message as it was found: its members in their order, whichever way it was written, and what is strange in it.
//! Two of them are compared member by member; a member that is absent is the same as one with its default.

use super::schema::{CONTRACTS, ContractType, Field, Kind, Schema, contract};
use crate::Address;
use serde_json::{Map, Value as Json};

/// What a member holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Bytes(Vec<u8>),
    Text(String),
    /// Numbers, booleans, enums.
    Int(i64),
    Message(Message),
    /// What JSON says where no such member can be: it is no value that bytes could have.
    Unreadable(String),
}

/// One member that was found.
#[derive(Clone, Debug)]
pub struct Entry {
    pub field: &'static Field,
    pub value: Value,
}

/// A message as it was found.
#[derive(Clone, Debug)]
pub struct Message {
    pub schema: &'static Schema,
    pub entries: Vec<Entry>,
    /// Members that the protocol does not have: numbers of fields in bytes, names with their values in JSON.
    pub strange: Vec<(String, String)>,
}

impl PartialEq for Message {
    fn eq(&self, other: &Self) -> bool {
        let mut differences = Vec::new();
        compare(self, other, "", &mut differences);
        differences.is_empty()
    }
}

impl Eq for Message {}

/// A member of which a document's readable half says another thing than its bytes do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The member's path: `raw_data.contract[0].parameter.value.amount`.
    pub path: String,
    /// What the member holds, where it is one of the protocol.
    pub kind: Option<Kind>,
    /// The readable half's word; `None` when it says nothing.
    pub said: Option<Value>,
    /// What the bytes hold; `None` when nothing.
    pub bytes: Option<Value>,
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

impl Eq for Kind {}

impl Message {
    pub const fn new(schema: &'static Schema) -> Self {
        Self { schema, entries: Vec::new(), strange: Vec::new() }
    }

    /// The value that counts: of a member that stands several times the last.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.entries.iter().rev().find(|entry| entry.field.name == name).map(|entry| &entry.value)
    }

    /// Every value of a list.
    pub fn all<'m>(&'m self, name: &'m str) -> impl Iterator<Item = &'m Value> {
        self.entries.iter().filter(move |entry| entry.field.name == name).map(|entry| &entry.value)
    }

    /// A number; 0 where it is absent.
    pub fn int(&self, name: &str) -> i64 {
        match self.get(name) {
            Some(Value::Int(number)) => *number,
            _ => 0,
        }
    }

    /// Bytes; none where it is absent.
    pub fn bytes(&self, name: &str) -> &[u8] {
        match self.get(name) {
            Some(Value::Bytes(bytes)) => bytes,
            _ => &[],
        }
    }

    pub fn address(&self, name: &str) -> Option<Address> {
        Address::from_bytes21(self.bytes(name)).ok()
    }

    pub fn message(&self, name: &str) -> Option<&Message> {
        match self.get(name) {
            Some(Value::Message(message)) => Some(message),
            _ => None,
        }
    }

    /// Every message of a list.
    pub fn messages<'m>(&'m self, name: &'m str) -> impl Iterator<Item = &'m Message> {
        self.all(name).filter_map(|value| match value {
            Value::Message(message) => Some(message),
            _ => None,
        })
    }

    /// Of a contract: its type by its number.
    pub fn contract_type(&self) -> Option<&'static ContractType> {
        contract(self.int("type"))
    }

    /// Of a contract: the message in its parameter.
    pub fn parameter(&self) -> Option<&Message> {
        self.message("parameter")?.message("value")
    }

    /// Whether this is a message of the parameter's type that a contract's number names, and not raw bytes.
    pub fn is_contract(&self) -> bool {
        CONTRACTS.iter().any(|kind| kind.name == self.schema.name)
    }
}

impl Value {
    /// A number, text or bytes that protobuf writes by leaving them out.
    pub fn is_absent(&self) -> bool {
        !matches!(self, Self::Message(_)) && self.is_default()
    }

    /// What an absent member means.
    fn is_default(&self) -> bool {
        match self {
            Self::Bytes(bytes) => bytes.is_empty(),
            Self::Text(text) => text.is_empty(),
            Self::Int(number) => *number == 0,
            Self::Message(message) => {
                message.strange.is_empty() && message.entries.iter().all(|e| e.value.is_default())
            }
            Self::Unreadable(_) => false,
        }
    }

    /// The value as text: addresses in Base58, bytes in hex, names and numbers as they are. Never cut.
    pub fn tell(&self, kind: Option<Kind>) -> String {
        match (self, kind) {
            (Self::Bytes(bytes), Some(Kind::Address)) => match Address::from_bytes21(bytes) {
                Ok(address) => address.to_string(),
                Err(_) => hex::encode(bytes),
            },
            (Self::Bytes(bytes), Some(Kind::Name)) => match std::str::from_utf8(bytes) {
                Ok(text) => text.to_owned(),
                Err(_) => hex::encode(bytes),
            },
            (Self::Bytes(bytes), _) => hex::encode(bytes),
            (Self::Text(text) | Self::Unreadable(text), _) => text.clone(),
            (Self::Int(number), Some(Kind::Bool)) if matches!(number, 0 | 1) => (*number == 1).to_string(),
            (Self::Int(number), Some(Kind::Enum(names))) => names
                .iter()
                .find(|(n, _)| n == number)
                .map_or_else(|| number.to_string(), |(_, name)| (*name).to_owned()),
            (Self::Int(number), Some(Kind::Type)) => {
                contract(*number).map_or_else(|| number.to_string(), |kind| kind.name.to_owned())
            }
            (Self::Int(number), _) => number.to_string(),
            (Self::Message(message), _) => {
                let strange = message.strange.iter().map(|(name, value)| format!("{name} {value}"));
                let told =
                    message.entries.iter().map(|e| format!("{} {}", e.field.name, e.value.tell(Some(e.field.kind))));
                format!("{{ {} }}", told.chain(strange).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// Every member in which the readable half is not what the bytes are.
pub fn compare(said: &Message, bytes: &Message, path: &str, out: &mut Vec<Difference>) {
    for field in said.schema.fields {
        let at = if path.is_empty() { field.name.to_owned() } else { format!("{path}.{}", field.name) };
        if !field.many {
            member(said.get(field.name), bytes.get(field.name), at, field.kind, out);
            continue;
        }
        let (mut left, mut right) = (said.all(field.name), bytes.all(field.name));
        for index in 0.. {
            match (left.next(), right.next()) {
                (None, None) => break,
                (Some(said), Some(bytes)) => {
                    member(Some(said), Some(bytes), format!("{at}[{index}]"), field.kind, out);
                }
                // An entry of a list counts, whatever it holds.
                (said, bytes) => out.push(Difference {
                    path: format!("{at}[{index}]"),
                    kind: Some(field.kind),
                    said: said.cloned(),
                    bytes: bytes.cloned(),
                }),
            }
        }
    }
    for (name, value) in &said.strange {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        out.push(Difference { path, kind: None, said: Some(Value::Text(value.clone())), bytes: None });
    }
}

fn member(said: Option<&Value>, bytes: Option<&Value>, path: String, kind: Kind, out: &mut Vec<Difference>) {
    let absent = |value: Option<&Value>| value.is_none_or(Value::is_default);
    match (said, bytes) {
        (Some(Value::Message(said)), Some(Value::Message(bytes))) if std::ptr::eq(said.schema, bytes.schema) => {
            compare(said, bytes, &path, out);
        }
        (Some(Value::Message(said)), None) if !absent(Some(&Value::Message(said.clone()))) => {
            compare(said, &Message::new(said.schema), &path, out);
        }
        (None, Some(Value::Message(bytes))) if !absent(Some(&Value::Message(bytes.clone()))) => {
            compare(&Message::new(bytes.schema), bytes, &path, out);
        }
        (said, bytes) if said == bytes || (absent(said) && absent(bytes)) => {}
        (said, bytes) => {
            out.push(Difference { path, kind: Some(kind), said: said.cloned(), bytes: bytes.cloned() });
        }
    }
}

impl Message {
    /// The message as the node API writes it without `visible`: addresses and bytes in hex, defaults left out.
    pub fn to_json(&self) -> Json {
        let mut members = Map::new();
        for entry in &self.entries {
            let value = match &entry.value {
                Value::Int(number) => match entry.field.kind {
                    Kind::Bool | Kind::Enum(_) | Kind::Type => {
                        match entry.value.tell(Some(entry.field.kind)).as_str() {
                            "true" => true.into(),
                            "false" => false.into(),
                            name => name.into(),
                        }
                    }
                    _ => (*number).into(),
                },
                Value::Bytes(bytes) => hex::encode(bytes).into(),
                Value::Text(text) | Value::Unreadable(text) => text.clone().into(),
                Value::Message(message) => message.to_json(),
            };
            match members.get_mut(entry.field.name) {
                Some(Json::Array(list)) if entry.field.many => list.push(value),
                _ if entry.field.many => drop(members.insert(entry.field.name.to_owned(), Json::Array(vec![value]))),
                _ => drop(members.insert(entry.field.name.to_owned(), value)),
            }
        }
        Json::Object(members)
    }
}
