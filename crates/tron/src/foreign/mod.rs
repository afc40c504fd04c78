//! Transactions as anybody may have made them: every type of contract, memos, permissions, any number of contracts and
//! signatures, from bytes or from JSON with or without them. Read for telling people what they are. Nothing here can
//! be signed or sent: there is no way from a [`ForeignTransaction`] to a [`crate::RawTransaction`], which is what the
//! wallet signs and reads strictly.

mod json;
mod message;
pub mod schema;
pub mod spelling;
mod wire;

pub use json::read as read_json;
pub use message::{Difference, Entry, Message, Value};
pub use wire::contract_of_url;

use crate::tx::TxId;
use crate::unique::Unique;
use crate::{Address, Signature, recover};
use message::compare;
use schema::{RAW, TRANSACTION};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

/// The most members in which two halves are told to differ.
const DIFFERENCES: usize = 32;

/// Wrappers that are looked through: a node's answer around a transaction, or one around that.
const LAYERS: usize = 4;

/// A transaction as it was found.
#[derive(Clone, Debug)]
pub struct ForeignTransaction {
    /// What it says. From the bytes where there are any, else from the readable half.
    pub raw: Message,
    /// Its signatures, with who made each.
    pub signatures: Vec<Signed>,
    /// The id of the bytes; `None` where there are none.
    pub id: Option<TxId>,
    /// The id that the document claims, as it stands there.
    pub claimed: Option<String>,
    /// Where the readable half, or the claimed id, is not what the bytes are.
    pub differences: Vec<Difference>,
    /// Where the bytes are not what a node would write.
    pub unusual: Vec<String>,
    /// How it ended, where a node says so in the same document: `SUCCESS`, `OUT_OF_ENERGY`.
    pub result: Option<String>,
    bytes: Option<Vec<u8>>,
}

/// One signature of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// As it stands there: hex of its bytes, or a text that is none.
    pub text: String,
    /// `None`: no 65 bytes in range.
    pub signature: Option<Signature>,
    /// v is written as 0 or 1, as many signers do; nodes take both.
    pub plain_v: bool,
    /// Who made it over the id, where that can be told.
    pub signer: Option<Address>,
}

/// Why a text is no transaction at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForeignError {
    #[error("{message}, byte {at}: {reason}")]
    Broken { message: &'static str, at: usize, reason: &'static str },
    #[error("{field}: {reason}")]
    Hex { field: &'static str, reason: String },
    #[error("there is no contract in it: nothing would be done")]
    Nothing,
    #[error("neither raw_data nor raw_data_hex is there")]
    NoRaw,
    #[error("{reason}")]
    Json { reason: String },
}

impl From<wire::Broken> for ForeignError {
    fn from(broken: wire::Broken) -> Self {
        Self::Broken { message: broken.message, at: broken.at, reason: broken.reason }
    }
}

impl ForeignTransaction {
    /// Reads hex of a whole transaction, or of its raw data alone.
    pub fn from_hex(text: &str) -> Result<Self, ForeignError> {
        let bytes = unhex("transaction", text)?;
        let mut unusual = Vec::new();
        let whole = wire::decode(&TRANSACTION, &bytes, &mut unusual).ok();
        let inner = whole.as_ref().map(|whole| whole.bytes("raw_data")).filter(|raw| !raw.is_empty());
        if let (Some(whole), Some(Ok(read))) = (&whole, inner.map(Self::of_raw)) {
            let signatures = whole.all("signature").filter_map(|value| match value {
                Value::Bytes(bytes) => Some(hex::encode(bytes)),
                _ => None,
            });
            let mut read = read.signed(signatures);
            unusual.append(&mut read.unusual);
            return Ok(Self { unusual, ..read });
        }
        match (Self::of_raw(&bytes), inner.map(Self::of_raw)) {
            (Ok(raw), _) => Ok(raw),
            // The more telling of the two: a transaction begins with its raw data, which has more than two bytes.
            (Err(_), Some(Err(inside))) if inner.is_some_and(|raw| raw.len() > 2) => Err(inside),
            (Err(outside), _) => Err(outside),
        }
    }

    /// Reads a transaction of the node API: `raw_data_hex`, `raw_data`, `txID`, `signature`, whichever are there, each
    /// compared with the bytes. Refuses a key that stands twice: which one counts would be a guess.
    pub fn from_json(text: &str) -> Result<Self, ForeignError> {
        let unique = |text: &str| -> Result<Json, ForeignError> {
            let Unique(json) =
                serde_json::from_str::<Unique<true>>(text).map_err(|e| ForeignError::Json { reason: e.to_string() })?;
            Ok(json)
        };
        let mut json = unique(text)?;
        let mut around = Vec::new();
        for _ in 0..LAYERS {
            let holds = |name: &str| json.get(name).is_some_and(|member| !member.is_null());
            if holds("raw_data") || holds("raw_data_hex") {
                break;
            }
            around.extend(claim(&json));
            let name = if holds("transaction") { "transaction" } else { "result" };
            json = match json.get_mut(name).map(Json::take) {
                Some(inner @ Json::Object(_)) => inner,
                Some(Json::String(text)) if text.starts_with('{') => unique(&text)?,
                Some(Json::String(text)) => return Ok(Self::from_hex(&text)?.claimed_by(around)),
                _ => return Err(ForeignError::NoRaw),
            };
        }
        Ok(Self::of_json(&json)?.claimed_by(around))
    }

    /// Compares the ids that a document claims with that of the bytes.
    fn claimed_by(mut self, claims: impl IntoIterator<Item = String>) -> Self {
        for claim in claims {
            if let Some(id) = self.id
                && claim.parse() != Ok(id)
            {
                let text = |text: String| Some(Value::Text(text));
                let (said, bytes) = (text(claim.clone()), text(id.to_string()));
                self.differences.push(Difference { path: "txID".to_owned(), kind: None, said, bytes });
            }
            self.claimed.get_or_insert(claim);
        }
        // Without bytes the signatures are over what is claimed around them.
        if self.id.is_none() {
            let signatures: Vec<String> = self.signatures.iter().map(|signed| signed.text.clone()).collect();
            self = self.signed(signatures);
        }
        self
    }

    fn of_json(json: &Json) -> Result<Self, ForeignError> {
        let visible = json.get("visible").and_then(Json::as_bool).unwrap_or(false);
        let said = json.get("raw_data").filter(|raw| !raw.is_null()).map(|raw| json::read(&RAW, raw, visible));
        let signatures: Vec<String> = match json.get("signature") {
            None | Some(Json::Null) => vec![],
            Some(Json::Array(list)) => {
                list.iter().map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned)).collect()
            }
            Some(one) => vec![one.as_str().map_or_else(|| one.to_string(), str::to_owned)],
        };
        let ended = json.pointer("/ret/0/contractRet").or_else(|| json.pointer("/ret/0/ret"));
        let result = ended.and_then(Json::as_str).map(str::to_owned);
        let mut read = match (json.get("raw_data_hex").filter(|raw| !raw.is_null()), &said) {
            (Some(Json::String(text)), _) => Self::of_raw(&unhex("raw_data_hex", text)?)?,
            (Some(other), _) => {
                return Err(ForeignError::Hex {
                    field: "raw_data_hex",
                    reason: format!("expected hex, found {other}"),
                });
            }
            (None, Some(Value::Message(raw))) if raw.all("contract").next().is_some() => Self {
                raw: raw.clone(),
                signatures: vec![],
                id: None,
                claimed: None,
                differences: vec![],
                unusual: vec![],
                result: None,
                bytes: None,
            },
            (None, Some(_)) => return Err(ForeignError::Nothing),
            (None, None) => return Err(ForeignError::NoRaw),
        };
        read = read.claimed_by(claim(json));
        match said {
            Some(Value::Message(said)) if read.bytes.is_some() => {
                compare(&said, &read.raw, "raw_data", &mut read.differences);
            }
            Some(Value::Unreadable(said)) => read.differences.push(Difference {
                path: "raw_data".to_owned(),
                kind: None,
                said: Some(Value::Text(said)),
                bytes: Some(Value::Message(read.raw.clone())),
            }),
            _ => {}
        }
        // A field that is newer than this program may stand in both halves.
        if !read.raw.strange.is_empty() {
            read.differences.retain(|difference| difference.kind.is_some() || difference.path == "txID");
        }
        read.differences.truncate(DIFFERENCES);
        Ok(Self { result, ..read }.signed(signatures))
    }

    /// Reads raw data alone, as bytes.
    pub fn of_raw(bytes: &[u8]) -> Result<Self, ForeignError> {
        let mut unusual = Vec::new();
        let raw = wire::decode(&RAW, bytes, &mut unusual)?;
        if raw.all("contract").next().is_none() {
            return Err(ForeignError::Nothing);
        }
        let id = Some(TxId::from_bytes(Sha256::digest(bytes).into()));
        Ok(Self {
            raw,
            signatures: vec![],
            id,
            claimed: None,
            differences: vec![],
            unusual,
            result: None,
            bytes: Some(bytes.to_vec()),
        })
    }

    fn signed(mut self, signatures: impl IntoIterator<Item = String>) -> Self {
        let id = self.any_id();
        self.signatures = signatures.into_iter().map(|text| Signed::read(text, id)).collect();
        self
    }

    /// Every contract in it; a node takes exactly one.
    pub fn contracts(&self) -> impl Iterator<Item = &Message> {
        self.raw.messages("contract")
    }

    /// The account that the first contract acts for.
    pub fn owner(&self) -> Option<Address> {
        let contract = self.contracts().next()?.parameter()?;
        contract.address("owner_address").or_else(|| contract.address("transparent_from_address"))
    }

    /// The id of the bytes, or where there are none the one that is claimed.
    pub fn any_id(&self) -> Option<TxId> {
        self.id.or_else(|| self.claimed.as_ref()?.parse().ok())
    }

    /// As the node API writes it, without a word of the readable half that came.
    pub fn to_json(&self) -> Json {
        let mut out = serde_json::Map::new();
        if let Some(id) = self.id {
            out.insert("txID".to_owned(), id.to_string().into());
        }
        out.insert("raw_data".to_owned(), self.raw.to_json());
        if let Some(bytes) = &self.bytes {
            out.insert("raw_data_hex".to_owned(), hex::encode(bytes).into());
        }
        if !self.signatures.is_empty() {
            out.insert("signature".to_owned(), self.signatures.iter().map(|signed| signed.text.clone()).collect());
        }
        Json::Object(out)
    }

    /// The raw data; `None` where the document has its readable half alone.
    pub fn bytes(&self) -> Option<&[u8]> {
        self.bytes.as_deref()
    }
}

impl Signed {
    fn read(text: String, id: Option<TxId>) -> Self {
        let read = read_signature(&text);
        let signer = id.zip(read).and_then(|(id, (signature, _))| recover(&id.digest(), &signature).ok());
        let (signature, plain_v) = read.map_or((None, false), |(signature, plain)| (Some(signature), plain));
        Self { text, signature, plain_v, signer }
    }
}

/// A signature as transactions carry it, v also as 0 or 1, and whether it was written so. A contract wants 27 or 28:
/// what is signed for one is read by [`Signature::parse`].
pub fn read_signature(text: &str) -> Option<(Signature, bool)> {
    let mut bytes = hex::decode(text.strip_prefix("0x").unwrap_or(text)).ok()?;
    let plain = match bytes.as_mut_slice() {
        [.., v @ (0 | 1)] => {
            *v += 27;
            true
        }
        _ => false,
    };
    Signature::from_bytes(&bytes).ok().map(|signature| (signature, plain))
}

/// The id that a document claims.
fn claim(json: &Json) -> Option<String> {
    let claimed = ["txID", "txid", "txId"].into_iter().find_map(|name| json.get(name))?;
    let text = claimed.as_str().map_or_else(|| claimed.to_string(), str::to_owned);
    (!claimed.is_null()).then_some(text)
}

fn unhex(field: &'static str, text: &str) -> Result<Vec<u8>, ForeignError> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    hex::decode(digits).map_err(|e| ForeignError::Hex { field, reason: e.to_string() })
}
