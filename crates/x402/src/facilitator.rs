//! What sellers and facilitators say to each other: `/supported`, `/verify`, `/settle`, `/fee/quote`. Reads
//! the current and the older shapes under the same limits as every other message.

use crate::{
    Fee, Malformed, Payment, Requirements, Version,
    extensions::{self, object},
    json::{self, Kind, Node},
    limits,
    read::Fields,
    scheme::{Around, Beside},
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use tron::Address;

/// `GET /supported`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Supported {
    pub kinds: Vec<SupportedKind>,
    pub extensions: Vec<String>,
    /// By network pattern (`tron:*`), Base58 addresses that send settlements.
    pub signers: BTreeMap<String, Vec<String>>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SupportedKind {
    pub version: Version,
    pub scheme: String,
    /// As written.
    pub network: String,
    pub extra: Value,
}

impl Supported {
    /// Older facilitators answer `kinds` only. A kind that can't be read is left out.
    pub fn read(text: &str) -> Result<Self, Malformed> {
        let node = json::parse(text, "")?;
        let document = Fields::of(&node, "")?;
        let kinds = list(&document, "kinds")?;
        let kinds = kinds.iter().filter_map(|(path, node)| SupportedKind::of(node, path).ok());
        let texts = |node: &Node<'_>| match &node.kind {
            Kind::List(items) => items.iter().filter_map(|n| n.text().map(str::to_owned)).collect(),
            _ => Vec::new(),
        };
        let signers = document.get("signers").and_then(|n| Fields::of(n, "signers").ok());
        let signers = signers.map(|f| f.members()).unwrap_or_default();
        Ok(Self {
            kinds: kinds.collect(),
            extensions: document.get("extensions").map(texts).unwrap_or_default(),
            signers: signers.iter().map(|(network, node)| (network.clone(), texts(node))).collect(),
        })
    }

    pub fn to_json(&self) -> String {
        let kinds = self.kinds.iter().map(|k| {
            let mut kind = json!({"x402Version": k.version.number(), "scheme": k.scheme, "network": k.network});
            if let (false, Some(kind)) = (k.extra.is_null(), kind.as_object_mut()) {
                kind.insert("extra".to_owned(), k.extra.clone());
            }
            kind
        });
        json!({"kinds": kinds.collect::<Vec<_>>(), "extensions": self.extensions, "signers": self.signers}).to_string()
    }
}

impl SupportedKind {
    fn of(node: &Node<'_>, path: &str) -> Result<Self, Malformed> {
        let kind = Fields::of(node, path)?;
        Ok(Self {
            version: Version::read(&kind)?,
            scheme: kind.need_text("scheme")?,
            network: kind.need_text("network")?,
            extra: kind.get("extra").map_or(Value::Null, Node::value),
        })
    }
}

/// The body of `POST /verify` and `POST /settle`.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub payment: Payment,
    pub requirements: Requirements,
}

impl Request {
    pub fn read(text: &str) -> Result<Self, Malformed> {
        let node = json::parse(text, "")?;
        let document = Fields::of(&node, "")?;
        let payment_node = document.need("paymentPayload", "the client's payment")?;
        let payment = Payment::of(payment_node, "paymentPayload")?;
        let node = document.need("paymentRequirements", "the seller's payment option")?;
        Fields::of(node, "paymentRequirements")?;
        // The offer's extensions are not here; the payload decides what `exact` without a method means.
        let extensions = extensions::read(&Fields::of(payment_node, "paymentPayload")?)?;
        let mut around = Around::of(extensions.as_ref());
        around.payload = Beside::of(payment_node.get("payload"));
        let requirements = Requirements::of(node, 0, "paymentRequirements", payment.version, &around);
        Ok(Self { payment, requirements })
    }

    pub fn to_json(&self) -> String {
        write_request(&self.payment, &self.requirements)
    }
}

/// The body to send to `/verify` and `/settle`.
pub fn write_request(payment: &Payment, requirements: &Requirements) -> String {
    object([
        ("x402Version", payment.version.number().to_string()),
        ("paymentPayload", payment.raw.clone()),
        ("paymentRequirements", requirements.raw.clone()),
    ])
}

/// The header of `POST /settle` that carries an [`IdempotencyKey`].
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// A reason of `/verify` and `/settle` with status 503: the nodes of the network can't take it now. Nothing was sent, and
/// the same payment is good in a moment. Of this project.
pub const BUSY: &str = "facilitator_busy";

/// The query of `POST /settle` that says when a success is one: `finality=final` waits until the block can't be dropped
/// any more, and such a success says so by the same name in its `extra`. Also the name under which a facilitator that
/// knows it lists it among the `extensions` of `/supported`.
pub const FINALITY: &str = "finality";

/// The reason of a settlement that was in a block which the chain has dropped. Why it can't be sent again stands in
/// `extra.reason`.
pub const REVERSED: &str = "reversed";

/// In the `extra` of what was reversed: until when, in seconds since 1970, it may be settled all the same.
pub const MAY_SETTLE_UNTIL: &str = "mayStillSettleUntil";

/// A seller's own secret for the settlement of one payment: who shows it again is the seller that asked first. The
/// payment proves nothing, for it stands on the chain. Not shown by Debug.
#[derive(Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// 16 to 255 visible ASCII characters. The error does not repeat them.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        if (16..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
            return Ok(Self(text.to_owned()));
        }
        let found = format!("{} bytes", text.len());
        Err(Malformed::new(IDEMPOTENCY_KEY, &found, "one secret of 16 to 255 visible ASCII characters"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdempotencyKey(…)")
    }
}

/// The answer of `POST /verify`; a no is status 200 too.
#[derive(Clone, Debug, PartialEq)]
pub struct VerifyResponse {
    pub is_valid: bool,
    pub invalid_reason: Option<String>,
    /// Absent from facilitators up to 0.6.1.
    pub payer: Option<Address>,
}

impl VerifyResponse {
    pub fn valid(payer: Address) -> Self {
        Self { is_valid: true, invalid_reason: None, payer: Some(payer) }
    }

    pub fn invalid(reason: &str, payer: Option<Address>) -> Self {
        Self { is_valid: false, invalid_reason: Some(reason.to_owned()), payer }
    }

    pub fn read(text: &str) -> Result<Self, Malformed> {
        let node = json::parse(text, "")?;
        let document = Fields::of(&node, "")?;
        let is_valid = document.flag("isValid")?;
        Ok(Self {
            is_valid: is_valid.ok_or_else(|| Malformed::absent("isValid", "true or false"))?,
            invalid_reason: document.text("invalidReason")?,
            // x402-rs writes an empty text for nobody.
            payer: match document.get("payer").and_then(Node::text) {
                Some("") => None,
                _ => document.address("payer")?,
            },
        })
    }

    pub fn to_json(&self) -> String {
        let mut document = Map::from_iter([("isValid".to_owned(), json!(self.is_valid))]);
        if let Some(reason) = &self.invalid_reason {
            document.insert("invalidReason".to_owned(), json!(reason));
        }
        if let Some(payer) = self.payer {
            document.insert("payer".to_owned(), json!(payer.to_string()));
        }
        Value::Object(document).to_string()
    }
}

/// The body of `POST /fee/quote`.
#[derive(Clone, Debug, PartialEq)]
pub struct QuoteRequest {
    pub accepts: Vec<Requirements>,
}

impl QuoteRequest {
    pub fn read(text: &str) -> Result<Self, Malformed> {
        let node = json::parse(text, "")?;
        let document = Fields::of(&node, "")?;
        let around = Around::default();
        let of =
            |(i, (path, node)): (usize, &(String, &Node<'_>))| Requirements::of(node, i, path, Version::V2, &around);
        let accepts = list(&document, "accepts")?;
        if accepts.len() > limits::ACCEPTS {
            let found = format!("{} options", accepts.len());
            return Err(Malformed::new("accepts", &found, format!("at most {}", limits::ACCEPTS)));
        }
        Ok(Self { accepts: accepts.iter().enumerate().map(of).collect() })
    }

    pub fn to_json(&self) -> String {
        let accepts: Vec<&str> = self.accepts.iter().map(|r| r.raw.as_str()).collect();
        object([("accepts", format!("[{}]", accepts.join(",")))])
    }
}

/// One entry of the answer of `POST /fee/quote`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    pub fee: Fee,
    pub facilitator_id: Option<String>,
    /// `flat`, from older facilitators `fixed`.
    pub pricing: String,
    pub scheme: String,
    /// As written.
    pub network: String,
    pub asset: Address,
    /// Seconds since 1970.
    pub expires_at: Option<u64>,
}

impl Quote {
    /// Reads the list. An entry that can't be read is left out, as one that can't be quoted is.
    pub fn read_list(text: &str) -> Result<Vec<Self>, Malformed> {
        let node = json::parse(text, "")?;
        let Kind::List(items) = &node.kind else { return Err(Malformed::new("document", node.raw, "a list")) };
        Ok(items.iter().enumerate().filter_map(|(i, node)| Self::of(node, &format!("[{i}]")).ok()).collect())
    }

    pub fn write_list(quotes: &[Self]) -> String {
        Value::Array(quotes.iter().map(Self::value).collect()).to_string()
    }

    fn of(node: &Node<'_>, path: &str) -> Result<Self, Malformed> {
        let quote = Fields::of(node, path)?;
        let fee = quote.need_object("fee")?;
        Ok(Self {
            fee: Fee {
                to: fee.need_address("feeTo")?,
                amount: fee.need_amount("feeAmount")?,
                caller: fee.address("caller")?.filter(|c| !c.is_zero()),
            },
            facilitator_id: fee.text("facilitatorId")?,
            pricing: quote.text("pricing")?.unwrap_or_else(|| "flat".to_owned()),
            scheme: quote.need_text("scheme")?,
            network: quote.need_text("network")?,
            asset: quote.need_address("asset")?,
            expires_at: quote.seconds("expiresAt")?,
        })
    }

    fn value(&self) -> Value {
        let mut quote = json!({
            "fee": fee_json(&self.fee, self.facilitator_id.as_deref()),
            "pricing": self.pricing,
            "scheme": self.scheme,
            "network": self.network,
            "asset": self.asset.to_string(),
        });
        if let (Some(at), Some(quote)) = (self.expires_at, quote.as_object_mut()) {
            quote.insert("expiresAt".to_owned(), json!(at));
        }
        quote
    }
}

/// `extra.fee`, and the `fee` of a quote.
pub(crate) fn fee_json(fee: &Fee, facilitator_id: Option<&str>) -> Value {
    let mut out = Map::new();
    if let Some(id) = facilitator_id {
        out.insert("facilitatorId".to_owned(), json!(id));
    }
    out.insert("feeTo".to_owned(), json!(fee.to.to_string()));
    out.insert("feeAmount".to_owned(), json!(fee.amount.to_string()));
    if let Some(caller) = fee.caller {
        out.insert("caller".to_owned(), json!(caller.to_string()));
    }
    Value::Object(out)
}

/// The entries of a list with their paths; absent is empty.
fn list<'n, 'a>(document: &Fields<'n, 'a>, name: &'static str) -> Result<Vec<(String, &'n Node<'a>)>, Malformed> {
    let Some(node) = document.get(name) else { return Ok(Vec::new()) };
    match &node.kind {
        Kind::List(items) => Ok(items.iter().enumerate().map(|(i, n)| (format!("{name}[{i}]"), n)).collect()),
        _ => Err(Malformed::new(document.at(name), node.raw, "a list")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idempotency_key_is_long_visible_and_never_shown() {
        let key = IdempotencyKey::parse("abcdefghij-012345").unwrap();
        assert_eq!((key.as_str(), format!("{key:?}")), ("abcdefghij-012345", "IdempotencyKey(…)".to_owned()));
        for wrong in ["", "short", "fifteen-charact", "with a blank in it", &"x".repeat(256), "kein-schlüssel-für-uns"]
        {
            let error = IdempotencyKey::parse(wrong).unwrap_err();
            assert!(wrong.is_empty() || !error.to_string().contains(wrong), "{error}");
        }
    }
}
