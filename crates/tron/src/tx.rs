//! TRON transactions: built, encoded, read and signed here, never taken from a node unread. Knows the two kinds
//! the wallet makes, a TRX transfer and a contract call. Refuses every other kind, several contracts, memos,
//! permissions, unknown fields and any encoding that would not come out again byte for byte.

use crate::sign::SignatureError;
use crate::wire::{self, read};
use crate::{Address, AddressError, Digest, PrivateKey, Signature, recover};
use prost::Message;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use std::{fmt, str::FromStr};

const TRANSFER: i32 = 1;
const TRIGGER: i32 = 31;
const TRANSFER_NAME: &str = "TransferContract";
const TRIGGER_NAME: &str = "TriggerSmartContract";
const URL: &str = "type.googleapis.com/protocol.";

/// A transaction id: SHA-256 of the raw data.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TxId([u8; 32]);

/// What is signed: everything of a transaction but its signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawTransaction {
    /// The low two bytes of the number of a recent block.
    pub ref_block_bytes: [u8; 2],
    /// Bytes 8 to 16 of that block's id.
    pub ref_block_hash: [u8; 8],
    /// Milliseconds since 1970; no block after this takes the transaction.
    pub expiration_ms: u64,
    pub timestamp_ms: u64,
    pub contract: Contract,
    /// The most TRX, in sun, that a contract call may burn for energy. Left out when 0.
    pub fee_limit_sun: u64,
}

/// The one thing a transaction does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contract {
    Transfer { owner: Address, to: Address, amount_sun: u64 },
    Trigger { owner: Address, contract: Address, call_value_sun: u64, data: Vec<u8> },
}

/// A transaction with its signatures. Reading one does not check who signed; [`SignedTransaction::signer`] does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedTransaction {
    pub raw: RawTransaction,
    pub signatures: Vec<Signature>,
}

/// Why bytes or JSON are not a transaction that this program handles.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TxError {
    #[error("{message} is no valid protobuf: {reason}")]
    Malformed { message: &'static str, reason: String },
    #[error("{message} has field {tag}, which no transaction of this program uses")]
    UnknownField { message: &'static str, tag: u32 },
    #[error("{message} is not written the one way this program writes it")]
    NotCanonical { message: &'static str },
    #[error("expected one contract, found {found}")]
    Contracts { found: usize },
    #[error("expected {TRANSFER_NAME} (1) or {TRIGGER_NAME} (31), found type {found} with {url:?}")]
    Kind { found: i32, url: String },
    #[error("{field}: expected {expected}, found {found}")]
    Field { field: &'static str, found: String, expected: &'static str },
    #[error("{field}: {reason}")]
    Address { field: &'static str, reason: AddressError },
    #[error("signature: {0}")]
    Signature(#[from] SignatureError),
    #[error("expected one signature, found {found}")]
    Signatures { found: usize },
    #[error("no account could have made this signature")]
    NoSigner,
    #[error("the raw data has the id {computed}, but {claimed} is claimed")]
    Id { claimed: String, computed: TxId },
}

/// The first field in which two transactions are not the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: expected {expected}, found {found}")]
pub struct Difference {
    pub field: &'static str,
    pub found: String,
    pub expected: String,
}

/// `ref_block_bytes` and `ref_block_hash` for a block.
pub fn ref_block(number: u64, id: &[u8; 32]) -> ([u8; 2], [u8; 8]) {
    let [.., high, low] = number.to_be_bytes();
    let mut hash = [0; 8];
    hash.copy_from_slice(&id[8..16]);
    ([high, low], hash)
}

impl TxId {
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A transaction's signature is made over its id.
    pub const fn digest(&self) -> Digest {
        Digest::from_bytes(self.0)
    }
}

impl FromStr for TxId {
    type Err = TxError;
    /// Reads 64 hex digits, with or without `0x`.
    fn from_str(text: &str) -> Result<Self, TxError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text.strip_prefix("0x").unwrap_or(text), &mut bytes)
            .map_err(|_| field("txID", short(text), "64 hex digits"))?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for TxId {
    /// 64 lower-case hex digits without `0x`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for TxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Contract {
    /// The account that the contract acts for, which has to sign.
    pub const fn owner(&self) -> Address {
        match self {
            Self::Transfer { owner, .. } | Self::Trigger { owner, .. } => *owner,
        }
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Transfer { .. } => TRANSFER_NAME,
            Self::Trigger { .. } => TRIGGER_NAME,
        }
    }

    fn to_wire(&self) -> Vec<u8> {
        let (kind, value) = match self {
            Self::Transfer { owner, to, amount_sun } => {
                let transfer = wire::Transfer {
                    owner_address: owner.to_bytes21().to_vec(),
                    to_address: to.to_bytes21().to_vec(),
                    amount: int64(*amount_sun),
                };
                (TRANSFER, transfer.encode_to_vec())
            }
            Self::Trigger { owner, contract, call_value_sun, data } => {
                let trigger = wire::Trigger {
                    owner_address: owner.to_bytes21().to_vec(),
                    contract_address: contract.to_bytes21().to_vec(),
                    call_value: int64(*call_value_sun),
                    data: data.clone(),
                };
                (TRIGGER, trigger.encode_to_vec())
            }
        };
        let any = wire::Any { type_url: format!("{URL}{}", self.name()), value };
        wire::Contract { kind, parameter: any.encode_to_vec() }.encode_to_vec()
    }

    fn from_wire(bytes: &[u8]) -> Result<Self, TxError> {
        let contract: wire::Contract = read(bytes)?;
        let wire::Any { type_url, value } = read(&contract.parameter)?;
        match (contract.kind, type_url.strip_prefix(URL)) {
            (TRANSFER, Some(TRANSFER_NAME)) => {
                let transfer: wire::Transfer = read(&value)?;
                Ok(Self::Transfer {
                    owner: address("owner_address", &transfer.owner_address)?,
                    to: address("to_address", &transfer.to_address)?,
                    amount_sun: positive("amount", transfer.amount)?,
                })
            }
            (TRIGGER, Some(TRIGGER_NAME)) => {
                let trigger: wire::Trigger = read(&value)?;
                Ok(Self::Trigger {
                    owner: address("owner_address", &trigger.owner_address)?,
                    contract: address("contract_address", &trigger.contract_address)?,
                    call_value_sun: positive("call_value", trigger.call_value)?,
                    data: trigger.data,
                })
            }
            (found, _) => Err(TxError::Kind { found, url: short(&type_url) }),
        }
    }

    fn to_json(&self) -> Value {
        let value = match self {
            Self::Transfer { owner, to, amount_sun } => {
                json!({ "owner_address": owner.to_hex41(), "to_address": to.to_hex41(), "amount": amount_sun })
            }
            Self::Trigger { owner, contract, call_value_sun, data } => {
                let mut value = Map::new();
                value.insert("owner_address".into(), owner.to_hex41().into());
                value.insert("contract_address".into(), contract.to_hex41().into());
                if *call_value_sun > 0 {
                    value.insert("call_value".into(), (*call_value_sun).into());
                }
                value.insert("data".into(), hex::encode(data).into());
                Value::Object(value)
            }
        };
        json!({ "parameter": { "value": value, "type_url": format!("{URL}{}", self.name()) }, "type": self.name() })
    }
}

impl RawTransaction {
    /// The bytes that the id and the signature cover.
    pub fn encode(&self) -> Vec<u8> {
        wire::Raw {
            ref_block_bytes: self.ref_block_bytes.to_vec(),
            ref_block_hash: self.ref_block_hash.to_vec(),
            expiration: int64(self.expiration_ms),
            contract: vec![self.contract.to_wire()],
            timestamp: int64(self.timestamp_ms),
            fee_limit: int64(self.fee_limit_sun),
        }
        .encode_to_vec()
    }

    /// Reads raw data completely; encoding the result gives the same bytes again.
    pub fn decode(bytes: &[u8]) -> Result<Self, TxError> {
        let raw: wire::Raw = read(bytes)?;
        let [contract] = raw.contract.as_slice() else {
            return Err(TxError::Contracts { found: raw.contract.len() });
        };
        Ok(Self {
            ref_block_bytes: exactly("ref_block_bytes", &raw.ref_block_bytes, "2 bytes")?,
            ref_block_hash: exactly("ref_block_hash", &raw.ref_block_hash, "8 bytes")?,
            expiration_ms: positive("expiration", raw.expiration)?,
            timestamp_ms: positive("timestamp", raw.timestamp)?,
            contract: Contract::from_wire(contract)?,
            fee_limit_sun: positive("fee_limit", raw.fee_limit)?,
        })
    }

    pub fn id(&self) -> TxId {
        TxId(Sha256::digest(self.encode()).into())
    }

    /// The account that has to sign.
    pub const fn owner(&self) -> Address {
        self.contract.owner()
    }

    /// The first field in which this is not what was asked for, or `None`. Every field is compared: a node that
    /// was asked to build a transaction has nothing to choose.
    pub fn differs_from(&self, expected: &Self) -> Option<Difference> {
        self.facts().into_iter().zip(expected.facts()).find_map(|((field, found), (_, expected))| {
            (found != expected).then_some(Difference { field, found, expected })
        })
    }

    /// Every field as text, the kind of contract first, so that the rest of two lists is comparable.
    fn facts(&self) -> [(&'static str, String); 10] {
        let (target_name, target, value, data) = match &self.contract {
            Contract::Transfer { to, amount_sun, .. } => ("to", to, amount_sun, String::new()),
            Contract::Trigger { contract, call_value_sun, data, .. } => {
                ("contract", contract, call_value_sun, hex::encode(data))
            }
        };
        [
            ("type", self.contract.name().to_owned()),
            ("owner", self.owner().to_string()),
            (target_name, target.to_string()),
            ("value", value.to_string()),
            ("data", data),
            ("fee_limit", self.fee_limit_sun.to_string()),
            ("expiration", self.expiration_ms.to_string()),
            ("timestamp", self.timestamp_ms.to_string()),
            ("ref_block_bytes", hex::encode(self.ref_block_bytes)),
            ("ref_block_hash", hex::encode(self.ref_block_hash)),
        ]
    }

    pub fn to_hex(&self) -> String {
        hex::encode(self.encode())
    }

    pub fn from_hex(text: &str) -> Result<Self, TxError> {
        Self::decode(&unhex("raw_data_hex", text)?)
    }

    /// Reads the transaction of a node's answer (`txID`, `raw_data_hex`). Its readable `raw_data` is not looked at:
    /// only what the id covers counts.
    pub fn from_json(json: &Value) -> Result<Self, TxError> {
        let raw = Self::from_hex(text(json, "raw_data_hex")?)?;
        let computed = raw.id();
        match text(json, "txID")? {
            claimed if claimed.parse() == Ok(computed) => Ok(raw),
            claimed => Err(TxError::Id { claimed: short(claimed), computed }),
        }
    }

    /// The `raw_data` object of the node API, addresses in `41` hex.
    pub fn to_json(&self) -> Value {
        let mut raw = Map::new();
        raw.insert("contract".into(), Value::Array(vec![self.contract.to_json()]));
        raw.insert("ref_block_bytes".into(), hex::encode(self.ref_block_bytes).into());
        raw.insert("ref_block_hash".into(), hex::encode(self.ref_block_hash).into());
        raw.insert("expiration".into(), self.expiration_ms.into());
        raw.insert("timestamp".into(), self.timestamp_ms.into());
        if self.fee_limit_sun > 0 {
            raw.insert("fee_limit".into(), self.fee_limit_sun.into());
        }
        Value::Object(raw)
    }
}

impl SignedTransaction {
    pub fn sign(raw: RawTransaction, key: &PrivateKey) -> Self {
        let signature = key.sign(&raw.id().digest());
        Self { raw, signatures: vec![signature] }
    }

    pub fn id(&self) -> TxId {
        self.raw.id()
    }

    /// The account that made the one signature. It is for the caller to compare with [`RawTransaction::owner`].
    pub fn signer(&self) -> Result<Address, TxError> {
        match self.signatures.as_slice() {
            [one] => recover(&self.id().digest(), one).map_err(|_| TxError::NoSigner),
            others => Err(TxError::Signatures { found: others.len() }),
        }
    }

    /// The protobuf form of `wallet/broadcasthex`.
    pub fn to_bytes(&self) -> Vec<u8> {
        wire::Transaction {
            raw_data: self.raw.encode(),
            signature: self.signatures.iter().map(|s| s.to_bytes().to_vec()).collect(),
        }
        .encode_to_vec()
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TxError> {
        let transaction: wire::Transaction = read(bytes)?;
        Ok(Self {
            raw: RawTransaction::decode(&transaction.raw_data)?,
            signatures: transaction.signature.iter().map(|s| chain_signature(s)).collect::<Result<_, _>>()?,
        })
    }

    pub fn to_hex(&self) -> String {
        hex::encode(self.to_bytes())
    }

    pub fn from_hex(text: &str) -> Result<Self, TxError> {
        Self::from_bytes(&unhex("transaction", text)?)
    }

    /// The object that `wallet/broadcasttransaction` takes.
    pub fn to_json(&self) -> Value {
        json!({
            "visible": false,
            "txID": self.id().to_string(),
            "raw_data": self.raw.to_json(),
            "raw_data_hex": self.raw.to_hex(),
            "signature": self.signatures.iter().map(|s| hex::encode(s.to_bytes())).collect::<Vec<_>>(),
        })
    }

    /// Reads that object: `raw_data_hex`, `txID` and `signature`.
    pub fn from_json(json: &Value) -> Result<Self, TxError> {
        let raw = RawTransaction::from_json(json)?;
        let list = json.get("signature").and_then(Value::as_array);
        let list = list.ok_or_else(|| field("signature", "nothing".into(), "a list of hex texts"))?;
        let signatures = list
            .iter()
            .map(|s| {
                let digits = s.as_str().ok_or_else(|| field("signature", short(&s.to_string()), "hex digits"))?;
                chain_signature(&unhex("signature", digits)?)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { raw, signatures })
    }
}

/// Nodes take v as 0 or 1 too, and some libraries send that; it is read as 27 or 28.
fn chain_signature(bytes: &[u8]) -> Result<Signature, TxError> {
    let mut bytes = bytes.to_vec();
    if let [.., v @ (0 | 1)] = bytes.as_mut_slice() {
        *v += 27;
    }
    Ok(Signature::from_bytes(&bytes)?)
}

/// Protobuf's int64 for what is a count here. Above i64 there is no such amount of TRX or time; it is written as
/// the largest one, which no node takes.
fn int64(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn positive(name: &'static str, value: i64) -> Result<u64, TxError> {
    u64::try_from(value).map_err(|_| field(name, value.to_string(), "zero or more"))
}

fn exactly<const N: usize>(name: &'static str, bytes: &[u8], expected: &'static str) -> Result<[u8; N], TxError> {
    bytes.try_into().map_err(|_| field(name, format!("{} bytes", bytes.len()), expected))
}

fn address(field: &'static str, bytes: &[u8]) -> Result<Address, TxError> {
    Address::from_bytes21(bytes).map_err(|reason| TxError::Address { field, reason })
}

fn field(field: &'static str, found: String, expected: &'static str) -> TxError {
    TxError::Field { field, found, expected }
}

fn text<'a>(json: &'a Value, name: &'static str) -> Result<&'a str, TxError> {
    json.get(name).and_then(Value::as_str).ok_or_else(|| field(name, "nothing".into(), "a text"))
}

fn unhex(name: &'static str, digits: &str) -> Result<Vec<u8>, TxError> {
    hex::decode(digits.strip_prefix("0x").unwrap_or(digits)).map_err(|_| field(name, short(digits), "hex digits"))
}

/// Enough of a foreign text to recognise it by.
fn short(text: &str) -> String {
    match text.char_indices().nth(64) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
