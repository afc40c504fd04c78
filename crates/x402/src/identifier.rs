//! The `payment-identifier` extension: one id for all tries of one payment, so that a server can tell a
//! retry from a second purchase. Refuses ids outside the published alphabet and length.

use crate::{Malformed, Offer, Payment, extensions, json, read::Fields};
use serde_json::Value;

pub const EXTENSION: &str = "payment-identifier";

/// 16 to 128 characters of `[A-Za-z0-9_-]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PaymentId(String);

impl PaymentId {
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let fits = (16..=128).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        if !fits {
            let field = format!("extensions.{EXTENSION}.info.id");
            return Err(Malformed::new(field, text, "16 to 128 characters of A-Z, a-z, 0-9, _ and -"));
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether the offer has the extension, and if so whether an id is required.
pub fn asked(offer: &Offer) -> Option<bool> {
    let extension = offer.extensions.get(EXTENSION)?;
    let required = extension.pointer("/info/required").or_else(|| extension.get("required"));
    Some(required.and_then(Value::as_bool).unwrap_or(false))
}

/// The id that a payment carries; `None` when it has none or one that breaks the rules.
pub fn of(payment: &Payment) -> Option<PaymentId> {
    PaymentId::parse(payment.extensions.get(EXTENSION)?.pointer("/info/id")?.as_str()?).ok()
}

/// Puts the id into the payment's echo of the extension; everything else the server said in it stays.
/// False when the offer does not have the extension: then nothing is added.
pub fn add(payment: &mut Payment, offer: &Offer, id: &PaymentId) -> bool {
    let Some(raw) = offer.extensions.raw(EXTENSION) else { return false };
    match with_id(raw, id) {
        Some(raw) => {
            payment.set_extension(EXTENSION, raw);
            true
        }
        None => false,
    }
}

/// The extension's text with `info.id` set.
fn with_id(raw: &str, id: &PaymentId) -> Option<String> {
    let node = json::parse(raw, EXTENSION).ok()?;
    let members = Fields::of(&node, EXTENSION).ok()?.members();
    let info = node.get("info").and_then(|info| Fields::of(info, "info").ok()).map(|f| f.members()).unwrap_or_default();
    let others = info.iter().filter(|(name, _)| name != "id").map(|(name, n)| (name.as_str(), n.raw.to_owned()));
    let info = extensions::object(others.chain([("id", Value::from(id.as_str()).to_string())]));
    let rest = members.iter().filter(|(name, _)| name != "info").map(|(name, n)| (name.as_str(), n.raw.to_owned()));
    Some(extensions::object([("info", info)].into_iter().chain(rest)))
}
