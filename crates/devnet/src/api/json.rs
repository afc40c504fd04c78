//! A node's questions: their arguments, addresses in Base58 (`visible`) or `41` hex, and the errors of what can't be
//! read. Refuses what a node refuses, among it an address in the other form.

use serde_json::{Map, Value};
use std::fmt;
use tron::Address;

/// What a node answers with `Error`, or inside `result` where it builds transactions: the class of a Java exception and
/// its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeError {
    class: &'static str,
    pub words: String,
}

pub type Answer = Result<Value, NodeError>;

impl fmt::Display for NodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "class {} : {}", self.class, self.words)
    }
}

/// The kinds of errors, by the classes that clients see.
impl NodeError {
    fn of(class: &'static str, words: impl Into<String>) -> Self {
        Self { class, words: words.into() }
    }

    pub fn other(words: impl Into<String>) -> Self {
        Self::of("java.lang.Exception", words)
    }

    /// A rule refuses it.
    pub fn rule(words: impl Into<String>) -> Self {
        Self::of("org.tron.core.exception.ContractValidateException", words)
    }

    pub fn json(words: impl Into<String>) -> Self {
        Self::of("com.alibaba.fastjson.JSONException", words)
    }

    /// JSON that is not the message that it should be.
    pub fn parse(words: impl Into<String>) -> Self {
        Self::of("org.tron.core.services.http.JsonFormat$ParseException", words)
    }

    pub fn missing(name: &str) -> Self {
        Self::of("java.security.InvalidParameterException", format!("{name} isn't set."))
    }

    pub fn hex() -> Self {
        let words = "exception decoding Hex string: invalid characters encountered in Hex string";
        Self::of("org.bouncycastle.util.encoders.DecoderException", words)
    }

    /// Base58 that is no address.
    pub fn base58(name: &str) -> Self {
        Self::of(
            "java.lang.NullPointerException",
            format!("invalid address in {name}: expected Base58, as visible is true"),
        )
    }

    pub fn torn() -> Self {
        let words = "While parsing a protocol message, the input ended unexpectedly in the middle of a field.  This could \
                     mean either that the input has been truncated or that an embedded message misreported its own length.";
        Self::of("com.google.protobuf.InvalidProtocolBufferException", words)
    }
}

/// How addresses and texts are written in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// Base58 and plain text instead of hex.
    pub visible: bool,
}

impl Form {
    pub fn address(self, address: Address) -> Value {
        if self.visible { address.to_string().into() } else { address.to_hex41().into() }
    }

    pub fn text(self, text: &str) -> Value {
        if self.visible { text.into() } else { hex::encode(text).into() }
    }

    /// The bytes of an address in this form only, as a node reads them: they need not be those of an account.
    pub fn read(self, name: &str, text: &str) -> Result<Vec<u8>, NodeError> {
        if self.visible {
            let address = Address::parse(text).ok().filter(|_| text.starts_with('T'));
            return address.map(|address| address.to_bytes21().to_vec()).ok_or_else(|| NodeError::base58(name));
        }
        hex::decode(text.strip_prefix("0x").unwrap_or(text))
            .map_err(|_| NodeError::parse(format!("INVALID hex String: {name} has to be 41 hex, as visible is false")))
    }
}

/// A question's arguments: a JSON object, or a query string.
#[derive(Clone, Debug, Default)]
pub struct Args {
    members: Value,
    /// There was not even an empty object.
    blank: bool,
}

impl Args {
    pub fn read(body: &[u8]) -> Result<Self, NodeError> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self { members: Value::Object(Map::new()), blank: true });
        }
        let members: Value = serde_json::from_slice(body).map_err(|e| NodeError::json(e.to_string()))?;
        if !members.is_object() {
            return Err(NodeError::json("can not cast to JSONObject."));
        }
        Ok(Self { members, blank: false })
    }

    /// Arguments of a GET question, or of a form; values stay texts.
    pub fn from_pairs(pairs: Vec<(String, String)>) -> Self {
        let members: Map<_, _> = pairs.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
        Self { members: Value::Object(members), blank: false }
    }

    /// Arguments of a form, as a browser sends them.
    pub fn from_form(body: &[u8]) -> Result<Self, NodeError> {
        serde_urlencoded::from_bytes(body).map(Self::from_pairs).map_err(|e| NodeError::other(e.to_string()))
    }

    pub fn json(&self) -> &Value {
        &self.members
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    pub fn form(&self) -> Form {
        Form { visible: self.flag("visible", false) }
    }

    pub fn flag(&self, name: &str, default: bool) -> bool {
        match self.get(name) {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) => text == "true",
            _ => default,
        }
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    pub fn needed(&self, name: &str) -> Result<&str, NodeError> {
        self.text(name).ok_or_else(|| NodeError::missing(name))
    }

    /// An address that has to be one.
    pub fn address(&self, name: &str) -> Result<Address, NodeError> {
        let bytes = self.form().read(name, self.needed(name)?)?;
        Address::from_bytes21(&bytes).map_err(|e| NodeError::other(format!("invalid address in {name}: {e}")))
    }

    /// Whom a question is about; bytes that are no address are nobody.
    pub fn account(&self, name: &str) -> Result<Option<Address>, NodeError> {
        if self.blank {
            return Err(NodeError::parse("1:1: Expected \"{\"."));
        }
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => Ok(Address::from_bytes21(&self.form().read(name, text)?).ok()),
            Some(_) => Err(NodeError::parse(format!("{name}: Expected string."))),
        }
    }

    /// A whole number, written as one or as text.
    pub fn signed(&self, name: &str) -> Result<Option<i64>, NodeError> {
        self.get(name).map(|value| whole(name, value)).transpose()
    }

    /// A whole number that counts something.
    pub fn number(&self, name: &str) -> Result<Option<u64>, NodeError> {
        let count = |number| {
            u64::try_from(number).map_err(|_| NodeError::other(format!("{name}: expected 0 or more, found {number}")))
        };
        self.signed(name)?.map(count).transpose()
    }

    pub fn bytes(&self, name: &str) -> Result<Vec<u8>, NodeError> {
        unhex(self.text(name).unwrap_or_default())
    }

    /// 32 bytes in hex: a transaction's or block's id.
    pub fn id(&self, name: &str) -> Result<Option<[u8; 32]>, NodeError> {
        match self.text(name) {
            None => Ok(None),
            Some(text) => {
                let bytes = unhex(text).map_err(|_| NodeError::parse(format!("INVALID hex String in {name}")))?;
                Ok(bytes.try_into().ok())
            }
        }
    }
}

pub fn whole(name: &str, value: &Value) -> Result<i64, NodeError> {
    let number = match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    // Protobuf's int64 ends where this does.
    number.ok_or_else(|| NodeError::parse(format!("{name}: expected a whole number, found {value}")))
}

pub fn unhex(text: &str) -> Result<Vec<u8>, NodeError> {
    hex::decode(text.strip_prefix("0x").unwrap_or(text)).map_err(|_| NodeError::hex())
}
