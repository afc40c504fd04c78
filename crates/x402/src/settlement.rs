//! How a payment was settled: `SettleResponse`, from a header, a body or an MCP result, and back. Tolerant,
//! because money may have moved: what is unclear becomes a note, and only an unreadable text is refused.

use crate::{
    Malformed,
    envelope::{self, Wanted},
    header,
    json::{Kind, Node},
    read::Fields,
};
use serde_json::{Map, Value, json};
use tron::{Address, Amount};

/// The reason that says: broadcast, outcome unknown, look it up and never pay again.
pub const PENDING: &str = "settlement_pending";

/// Whether a facilitator's reason calls a good signature or its spender wrong: one that knows another Permit2 deployment
/// computes another digest, and says so in one of these words.
pub fn means_wrong_signature(reason: &str) -> bool {
    ["invalid_signature", "payload_signature", "invalid_permit2_spender", "permit2_invalid_spender"]
        .iter()
        .any(|word| reason.contains(word))
}

#[derive(Clone, Debug, PartialEq)]
pub struct Settlement {
    pub success: bool,
    /// 64 lower-case hex digits; `None` when there is none.
    pub transaction: Option<String>,
    /// As written.
    pub network: Option<String>,
    pub payer: Option<Address>,
    /// What was really taken, in the token's smallest unit (`upto`, channels).
    pub amount: Option<Amount>,
    pub error_reason: Option<String>,
    pub extra: Value,
    pub unknown: Map<String, Value>,
    /// What was odd about it.
    pub notes: Vec<Note>,
}

/// Something that a reader passed over and somebody may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// The transaction came with `0x`, which TRON does not write.
    TransactionPrefix,
    /// `success` is true and no transaction is named.
    TransactionMissing,
    TransactionUnreadable {
        found: String,
    },
    PayerUnreadable {
        found: String,
    },
    AmountUnreadable {
        found: String,
    },
    /// No `SettleResponse` but a server's error body; whether money moved is unknown.
    ErrorBody,
}

const WANTED: Wanted = Wanted {
    is: |node| ["success", "txHash", "errorReason"].iter().any(|name| node.get(name).is_some_and(|n| !n.is_null())),
    meta: &[
        header::MCP_PAYMENT_RESPONSE,
        "x402.payment-response",
        "x402.org/payment-response",
        "x402.payment.receipts",
    ],
    // Sellers put it into the answer of their own business.
    inside: &["settlement", "settleResponse", "paymentResponse", "payment_response", "receipt"],
};

/// What a server answers where nothing else is said.
const ERRORS: Wanted = Wanted { is: |node| node.get("error").is_some_and(|n| !n.is_null()), ..WANTED };

impl Settlement {
    /// A settlement that was made.
    pub fn settled(network: &str, transaction: &str, payer: Address) -> Self {
        Self {
            success: true,
            transaction: Some(transaction.to_owned()),
            payer: Some(payer),
            ..Self::failed(network, "")
        }
    }

    /// A settlement that failed before anything was broadcast.
    pub fn failed(network: &str, reason: &str) -> Self {
        Self {
            success: false,
            transaction: None,
            network: Some(network.to_owned()),
            payer: None,
            amount: None,
            error_reason: Some(reason).filter(|r| !r.is_empty()).map(str::to_owned),
            extra: Value::Null,
            unknown: Map::new(),
            notes: Vec::new(),
        }
    }

    /// Broadcast, outcome unknown.
    pub fn pending(network: &str, transaction: &str, payer: Address) -> Self {
        Self { transaction: Some(transaction.to_owned()), payer: Some(payer), ..Self::failed(network, PENDING) }
    }

    /// The same, with an outcome that nobody knows.
    #[must_use]
    pub fn unknown(self) -> Self {
        Self { success: false, error_reason: Some(PENDING.to_owned()), ..self }
    }

    /// Reads a `PAYMENT-RESPONSE` or `X-PAYMENT-RESPONSE` header value, a JSON body, or an MCP result that
    /// carries it in `_meta`. An error body of a server is read too, with [`Note::ErrorBody`].
    pub fn read(text: &str) -> Result<Self, Malformed> {
        let read = envelope::open(text, WANTED, |node, path, _| Self::of(node, path));
        read.or_else(|error| envelope::open(text, ERRORS, |node, path, _| Self::of(node, path)).map_err(|_| error))
    }

    fn of(node: &Node<'_>, path: &str) -> Result<Self, Malformed> {
        let document = Fields::of(node, path)?;
        let mut notes = Vec::new();
        let word = |name| document.get(name).and_then(Node::text).filter(|t| !t.is_empty()).map(str::to_owned);
        let reason = word("errorReason").or_else(|| word("error"));
        let success = match document.flag("success")? {
            Some(success) => success,
            None if reason.is_some() || document.get("error").is_some() => {
                notes.push(Note::ErrorBody);
                false
            }
            None => return Err(Malformed::absent(document.at("success"), "true or false")),
        };
        let transaction = transaction(document.get("transaction").or(document.get("txHash")), &mut notes);
        if success && transaction.is_none() && notes.is_empty() {
            notes.push(Note::TransactionMissing);
        }
        let unreadable = |name| document.get(name).map_or("", |n| n.raw);
        // Servers write empty texts where they have nothing to say.
        let empty = |name| document.get(name).is_some_and(|n| n.text() == Some(""));
        let payer = if empty("payer") { Ok(None) } else { document.address("payer") };
        let payer = payer.unwrap_or_else(|e| {
            notes.push(Note::PayerUnreadable { found: e.found });
            None
        });
        let amount = if empty("amount") { Ok(None) } else { document.amount("amount") };
        let amount = amount.unwrap_or_else(|_| {
            notes.push(Note::AmountUnreadable { found: crate::malformed::shown(unreadable("amount")) });
            None
        });
        Ok(Self {
            success,
            transaction,
            network: word("network"),
            payer,
            amount,
            error_reason: reason,
            extra: document.get("extra").map_or(Value::Null, Node::value),
            unknown: document.unknown(),
            notes,
        })
    }

    /// Broadcast, and the outcome has to be looked up.
    pub fn is_pending(&self) -> bool {
        !self.success && self.error_reason.as_deref() == Some(PENDING)
    }

    /// The JSON document; `transaction` is empty when there is none, as published.
    pub fn to_json(&self) -> String {
        let mut document = json!({
            "success": self.success,
            "transaction": self.transaction.as_deref().unwrap_or_default(),
            "network": self.network.as_deref().unwrap_or_default(),
        });
        let members = [
            ("payer", self.payer.map(|p| json!(p.to_string()))),
            ("amount", self.amount.map(|a| json!(a.to_string()))),
            ("errorReason", self.error_reason.as_ref().map(|r| json!(r))),
            ("extra", Some(&self.extra).filter(|e| !e.is_null()).cloned()),
        ];
        for (name, value) in members {
            if let (Some(value), Some(document)) = (value, document.as_object_mut()) {
                document.insert(name.to_owned(), value);
            }
        }
        document.to_string()
    }

    pub fn header_value(&self) -> String {
        header::write(&self.to_json())
    }
}

/// A transaction id in its one form; empty means none.
fn transaction(node: Option<&Node<'_>>, notes: &mut Vec<Note>) -> Option<String> {
    let node = node?;
    let text = match &node.kind {
        Kind::Text(text) if text.is_empty() => return None,
        Kind::Text(text) => text,
        _ => node.raw,
    };
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    if digits.is_some() {
        notes.push(Note::TransactionPrefix);
    }
    let digits = digits.unwrap_or(text);
    if digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Some(digits.to_ascii_lowercase());
    }
    notes.push(Note::TransactionUnreadable { found: crate::malformed::shown(text) });
    None
}
