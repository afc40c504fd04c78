//! Protocol extensions as they came: name and exact JSON text, so that an echo changes nothing.

use crate::{Malformed, json, read::Fields};
use serde_json::{Map, Value};

/// Carries nonce, payment id and window of `exact_permit`; the bare object, without `info` and `schema`.
pub const PERMIT_CONTEXT: &str = "paymentPermitContext";

/// The `extensions` of a message, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extensions(Vec<(String, String)>);

impl Extensions {
    pub(crate) fn of(fields: Option<&Fields<'_, '_>>) -> Self {
        let members = fields.map(Fields::members).unwrap_or_default();
        Self(members.iter().filter(|(_, n)| !n.is_null()).map(|(k, n)| (k.clone(), n.raw.to_owned())).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// The exact JSON text of one extension.
    pub fn raw(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, raw)| raw.as_str())
    }

    pub fn get(&self, name: &str) -> Option<Value> {
        self.raw(name).and_then(|raw| json::parse(raw, name).ok()).map(|node| node.value())
    }

    /// All of them, for showing.
    pub fn to_map(&self) -> Map<String, Value> {
        self.names().filter_map(|name| Some((name.to_owned(), self.get(name)?))).collect()
    }

    pub(crate) fn set(&mut self, name: &str, raw: String) {
        self.0.retain(|(n, _)| n != name);
        self.0.push((name.to_owned(), raw));
    }

    /// The JSON object.
    pub fn to_json(&self) -> String {
        object(self.0.iter().map(|(name, raw)| (name.as_str(), raw.clone())))
    }
}

/// A JSON object from member names and the JSON texts of their values.
pub(crate) fn object<'m>(members: impl IntoIterator<Item = (&'m str, String)>) -> String {
    let members: Vec<String> = members.into_iter().map(|(name, raw)| format!("{}:{raw}", Value::from(name))).collect();
    format!("{{{}}}", members.join(","))
}

/// `extensions` of a document: an object, absent, or the empty list that some languages write for it.
pub(crate) fn read<'n, 'a>(document: &Fields<'n, 'a>) -> Result<Option<Fields<'n, 'a>>, Malformed> {
    match document.get("extensions") {
        Some(node) if node.raw.starts_with('[') && node.value() == Value::Array(Vec::new()) => Ok(None),
        Some(node) => Fields::of(node, document.at("extensions")).map(Some),
        None => Ok(None),
    }
}
