//! Protobuf as anybody may have written it, read by the tables. Keeps what the protocol does not have, and says where
//! the bytes are not the ones that a node would write; refuses only what no protobuf reader could take.

use super::message::{Entry, Message, Value};
use super::schema::{ANY, CONTRACT, ContractType, Field, Kind, Schema, contract, contract_named};

/// Messages inside messages.
const DEPTH: usize = 8;
/// Members of one message; a transaction has at most 500 KB, and what is read here 64.
const ENTRIES: usize = 4096;

/// Why bytes are no protobuf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The message that was being read.
    pub message: &'static str,
    /// Its first byte that makes no sense, counted from 0.
    pub at: usize,
    pub reason: &'static str,
}

/// Reads all of `bytes`. `unusual` collects where they are not what a node would write: the id that a node computes
/// is then another one.
pub fn decode(schema: &'static Schema, bytes: &[u8], unusual: &mut Vec<String>) -> Result<Message, Broken> {
    Reader { bytes, at: 0, name: schema.name }.message(schema, DEPTH, unusual)
}

struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
    name: &'static str,
}

enum Raw<'b> {
    Varint(u64),
    Bytes(&'b [u8]),
    Fixed(&'b [u8]),
}

impl<'b> Reader<'b> {
    fn broken(&self, at: usize, reason: &'static str) -> Broken {
        Broken { message: self.name, at, reason }
    }

    fn message(mut self, schema: &'static Schema, depth: usize, unusual: &mut Vec<String>) -> Result<Message, Broken> {
        let mut message = Message::new(schema);
        let mut last = 0;
        while self.at < self.bytes.len() {
            let start = self.at;
            let (key, short) = self.varint()?;
            let tag = u32::try_from(key >> 3).ok().filter(|tag| *tag > 0);
            let tag = tag.ok_or_else(|| self.broken(start, "a field has no number"))?;
            let raw = match key & 7 {
                0 => {
                    let (number, shortest) = self.varint()?;
                    if !shortest {
                        unusual.push(format!("{}: a number is written longer than it has to be", self.name));
                    }
                    Raw::Varint(number)
                }
                1 => Raw::Fixed(self.take(8)?),
                2 => {
                    let at = self.at;
                    let (length, shortest) = self.varint()?;
                    if !shortest {
                        unusual.push(format!("{}: a length is written longer than it has to be", self.name));
                    }
                    let length = usize::try_from(length).map_err(|_| self.broken(at, "a length beyond the end"))?;
                    Raw::Bytes(self.take(length)?)
                }
                5 => Raw::Fixed(self.take(4)?),
                _ => return Err(self.broken(start, "a field is of a kind that TRON does not use")),
            };
            if !short {
                unusual.push(format!("{}: a field's number is written longer than it has to be", self.name));
            }
            if tag < last {
                unusual.push(format!("{}: field {tag} stands behind field {last}", self.name));
            }
            last = tag;
            if message.entries.len() + message.strange.len() >= ENTRIES {
                return Err(self.broken(start, "too many members"));
            }
            let field = schema.fields.iter().find(|field| field.tag == tag);
            match field.map(|field| (field, self.value(field, &raw, depth, unusual))) {
                Some((field, Some(value))) => {
                    let value = value?;
                    if !field.many && message.get(field.name).is_some() {
                        unusual.push(format!("{}: {} stands more than once", self.name, field.name));
                    }
                    if !field.many && value.is_absent() {
                        unusual.push(format!("{}: {} is written although it is nothing", self.name, field.name));
                    }
                    message.entries.push(Entry { field, value });
                }
                // Of another wire type than the protocol's: to a node a field that it does not know.
                _ => {
                    unusual.push(format!("{}: field {tag} is not of the protocol", self.name));
                    message.strange.push((format!("field {tag}"), raw.tell()));
                }
            }
        }
        if std::ptr::eq(schema, &CONTRACT) {
            open(&mut message, depth, unusual);
        }
        Ok(message)
    }

    fn value(
        &self,
        field: &'static Field,
        raw: &Raw<'b>,
        depth: usize,
        unusual: &mut Vec<String>,
    ) -> Option<Result<Value, Broken>> {
        Some(match (field.kind, raw) {
            (Kind::Address | Kind::Hex | Kind::Name, Raw::Bytes(bytes)) => Ok(Value::Bytes(bytes.to_vec())),
            (Kind::Text, Raw::Bytes(bytes)) => match std::str::from_utf8(bytes) {
                Ok(text) => Ok(Value::Text(text.to_owned())),
                Err(_) => Err(self.broken(self.at.saturating_sub(bytes.len()), "a text is no UTF-8")),
            },
            (Kind::Message(schema), Raw::Bytes(bytes)) => {
                self.nested(schema, bytes, depth, unusual).map(Value::Message)
            }
            (Kind::Parameter, Raw::Bytes(bytes)) => self.nested(&ANY, bytes, depth, unusual).map(Value::Message),
            (Kind::Int | Kind::Sun | Kind::Millis, Raw::Varint(number)) => Ok(Value::Int(signed(*number))),
            (Kind::Bool, Raw::Varint(number)) => Ok(Value::Int(i64::from(*number != 0))),
            (Kind::Int32 | Kind::Enum(_) | Kind::Type, Raw::Varint(number)) => {
                let wide = signed(*number);
                let [_, _, _, _, low @ ..] = number.to_be_bytes();
                let narrow = i64::from(i32::from_be_bytes(low));
                if wide != narrow {
                    unusual.push(format!("{}: {} is {wide}, of which a node keeps {narrow}", self.name, field.name));
                }
                Ok(Value::Int(narrow))
            }
            _ => return None,
        })
    }

    fn nested(
        &self,
        schema: &'static Schema,
        bytes: &'b [u8],
        depth: usize,
        unusual: &mut Vec<String>,
    ) -> Result<Message, Broken> {
        let depth = depth.checked_sub(1).ok_or_else(|| self.broken(self.at, "messages nest too deep"))?;
        Reader { bytes, at: 0, name: schema.name }.message(schema, depth, unusual)
    }

    fn take(&mut self, length: usize) -> Result<&'b [u8], Broken> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len());
        let taken = end.and_then(|end| self.bytes.get(self.at..end).map(|taken| (taken, end)));
        let (taken, end) = taken.ok_or_else(|| self.broken(self.at, "the text ends before the field does"))?;
        self.at = end;
        Ok(taken)
    }

    /// A number, and whether it was written as short as it can be.
    fn varint(&mut self) -> Result<(u64, bool), Broken> {
        let start = self.at;
        let mut number = 0_u64;
        for place in 0..10_u32 {
            let byte = *self.bytes.get(self.at).ok_or_else(|| self.broken(start, "the text ends inside a number"))?;
            self.at += 1;
            number |= u64::from(byte & 0x7f).checked_shl(7 * place).unwrap_or(0);
            if byte & 0x80 == 0 {
                return Ok((number, byte != 0 || place == 0));
            }
        }
        Err(self.broken(start, "a number has more than ten bytes"))
    }
}

impl Raw<'_> {
    fn tell(&self) -> String {
        match self {
            Self::Varint(number) => number.to_string(),
            Self::Bytes(bytes) | Self::Fixed(bytes) => hex::encode(bytes),
        }
    }
}

/// Puts the contract's own message where its parameter has bytes. A type without a message keeps the bytes, and so
/// does one whose message can't be read.
fn open(message: &mut Message, depth: usize, unusual: &mut Vec<String>) {
    let number = message.int("type");
    for entry in &mut message.entries {
        let Value::Message(any) = &mut entry.value else { continue };
        let Some(kind) = contract(number).or_else(|| contract_of_url(any)) else { continue };
        let Some(schema) = kind.schema else { continue };
        for inner in any.entries.iter_mut().filter(|inner| inner.field.name == "value") {
            let Value::Bytes(bytes) = &inner.value else { continue };
            let reader = Reader { bytes, at: 0, name: schema.name };
            match depth.checked_sub(1).map(|depth| reader.message(schema, depth, unusual)) {
                Some(Ok(opened)) => inner.value = Value::Message(opened),
                Some(Err(broken)) => unusual.push(format!("{}: {} (byte {})", schema.name, broken.reason, broken.at)),
                None => unusual.push(format!("{}: messages nest too deep", schema.name)),
            }
        }
    }
}

/// The type that a parameter's own URL names.
pub fn contract_of_url(any: &Message) -> Option<&'static ContractType> {
    match any.get("type_url") {
        Some(Value::Text(url)) => contract_named(url.rsplit(['/', '.']).next().unwrap_or(url)),
        _ => None,
    }
}

fn signed(number: u64) -> i64 {
    i64::from_be_bytes(number.to_be_bytes())
}
