//! The node's JSON: questions with their addresses in Base58 (`visible`) or `41` hex, transactions in and out.
//! Refuses what a node refuses, among it an address in the other form.

use serde_json::{Map, Value, json};
use tron::tx::Contract;
use tron::{Address, RawTransaction, Signature, SignedTransaction};

/// What a node answers with `Error`, or inside `result` where it builds transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeError(pub String);

pub type Answer = Result<Value, NodeError>;

pub fn wrong(reason: impl Into<String>) -> NodeError {
    NodeError(reason.into())
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

    /// Reads an address in this form only, as a node does.
    pub fn read_address(self, name: &str, text: &str) -> Result<Address, NodeError> {
        let fits = text.starts_with('T') == self.visible;
        let address = fits.then(|| Address::parse(text).ok()).flatten();
        address.ok_or_else(|| {
            let expected = if self.visible { "Base58, as visible is true" } else { "41 hex, as visible is false" };
            wrong(format!("invalid address in {name}: expected {expected}"))
        })
    }
}

/// A question's arguments: a JSON object, or a query string.
#[derive(Clone, Debug, Default)]
pub struct Args(Map<String, Value>);

impl Args {
    pub fn read(body: &[u8]) -> Result<Self, NodeError> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::default());
        }
        serde_json::from_slice(body).map(Self).map_err(|e| wrong(format!("JSON: {e}")))
    }

    /// Arguments of a GET question; values stay texts.
    pub fn from_pairs(pairs: Vec<(String, String)>) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name, Value::String(value))).collect())
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
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
        self.text(name).ok_or_else(|| wrong(format!("{name} isn't set.")))
    }

    pub fn address(&self, name: &str) -> Result<Address, NodeError> {
        self.form().read_address(name, self.needed(name)?)
    }

    /// A whole number, written as one or as text.
    pub fn number(&self, name: &str) -> Result<Option<u64>, NodeError> {
        self.get(name).map(|value| whole(name, value)).transpose()
    }

    pub fn bytes(&self, name: &str) -> Result<Vec<u8>, NodeError> {
        unhex(name, self.text(name).unwrap_or_default())
    }

    /// 32 bytes in hex: a transaction's or block's id.
    pub fn id(&self, name: &str) -> Result<Option<[u8; 32]>, NodeError> {
        match self.text(name) {
            None => Ok(None),
            Some(text) => Ok(unhex(name, text)?.try_into().ok()),
        }
    }
}

pub fn whole(name: &str, value: &Value) -> Result<u64, NodeError> {
    let number = match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    // Protobuf's int64 ends here.
    number
        .filter(|number| i64::try_from(*number).is_ok())
        .ok_or_else(|| wrong(format!("{name}: expected a whole number, found {value}")))
}

pub fn unhex(name: &str, text: &str) -> Result<Vec<u8>, NodeError> {
    hex::decode(text.strip_prefix("0x").unwrap_or(text)).map_err(|e| wrong(format!("{name}: {e}")))
}

/// A transaction as every node endpoint shows it.
pub fn show(raw: &RawTransaction, signatures: &[Signature], form: Form) -> Value {
    let mut transaction = json!({
        "txID": raw.id().to_string(),
        "raw_data": show_raw(raw, form),
        "raw_data_hex": raw.to_hex(),
    });
    if let (Some(map), false) = (transaction.as_object_mut(), signatures.is_empty()) {
        let list = signatures.iter().map(|s| hex::encode(s.to_bytes())).collect::<Vec<_>>();
        map.insert("signature".into(), list.into());
    }
    transaction
}

fn show_raw(raw: &RawTransaction, form: Form) -> Value {
    let mut json = raw.to_json();
    let value = json.pointer_mut("/contract/0/parameter/value").and_then(Value::as_object_mut);
    for (name, value) in value.into_iter().flatten() {
        if name.ends_with("_address")
            && let Some(address) = value.as_str().and_then(|text| Address::parse(text).ok())
        {
            *value = form.address(address);
        }
    }
    json
}

/// Reads a signed or unsigned transaction from `raw_data`, as a node does: `raw_data_hex` and `txID` are not looked at.
pub fn read_transaction(args: &Args) -> Result<SignedTransaction, NodeError> {
    let raw = args.get("raw_data").and_then(Value::as_object).ok_or_else(|| wrong("raw_data isn't set."))?;
    let known = ["contract", "ref_block_bytes", "ref_block_hash", "expiration", "timestamp", "fee_limit"];
    if let Some(name) = raw.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(wrong(format!("raw_data.{name} is not supported by the devnet")));
    }
    let number = |name: &str| raw.get(name).map_or(Ok(0), |value| whole(name, value));
    let bytes = |name: &str| unhex(name, raw.get(name).and_then(Value::as_str).unwrap_or_default());
    let length = |name: &str| wrong(format!("{name} has the wrong length"));
    let raw = RawTransaction {
        ref_block_bytes: bytes("ref_block_bytes")?.try_into().map_err(|_| length("ref_block_bytes"))?,
        ref_block_hash: bytes("ref_block_hash")?.try_into().map_err(|_| length("ref_block_hash"))?,
        expiration_ms: number("expiration")?,
        timestamp_ms: number("timestamp")?,
        contract: read_contract(raw.get("contract"), args.form())?,
        fee_limit_sun: number("fee_limit")?,
    };
    let signatures = args.get("signature").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let signatures = signatures.iter().map(read_signature).collect::<Result<_, _>>()?;
    Ok(SignedTransaction { raw, signatures })
}

fn read_contract(contracts: Option<&Value>, form: Form) -> Result<Contract, NodeError> {
    let Some([contract]) = contracts.and_then(Value::as_array).map(Vec::as_slice) else {
        return Err(wrong("expected one contract in raw_data.contract"));
    };
    if contract.get("Permission_id").is_some_and(|id| id != 0) {
        return Err(wrong("Permission_id is not supported by the devnet"));
    }
    let value = contract.pointer("/parameter/value").ok_or_else(|| wrong("parameter.value isn't set."))?;
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
    let address = |name: &str| form.read_address(name, text(name));
    let number = |name: &str| value.get(name).map_or(Ok(0), |value| whole(name, value));
    for name in ["call_token_value", "token_id"] {
        if number(name)? != 0 {
            return Err(wrong(format!("{name} is not supported by the devnet")));
        }
    }
    match contract.get("type").and_then(Value::as_str) {
        Some("TransferContract") => Ok(Contract::Transfer {
            owner: address("owner_address")?,
            to: address("to_address")?,
            amount_sun: number("amount")?,
        }),
        Some("TriggerSmartContract") => Ok(Contract::Trigger {
            owner: address("owner_address")?,
            contract: address("contract_address")?,
            call_value_sun: number("call_value")?,
            data: unhex("data", text("data"))?,
        }),
        kind => Err(wrong(format!("contract type {kind:?} is not supported by the devnet"))),
    }
}

/// 65 bytes in hex, or a node's complaint; v may be 0 or 1 as well.
fn read_signature(signature: &Value) -> Result<Signature, NodeError> {
    let mut bytes = unhex("signature", signature.as_str().unwrap_or_default())?;
    if let [.., v @ (0 | 1)] = bytes.as_mut_slice() {
        *v += 27;
    }
    Signature::from_bytes(&bytes).map_err(|e| wrong(format!("signature: {e}")))
}
