//! Typed data that is nearly right, as SDKs and signers hand it over: with `value` in place of `message`, with its
//! signature or digest among its members, with a part of another type as its primary type. What signing would cover
//! is read strictly; the rest is told.

use super::odd::{NOTE, STOP, WARN, found};
use crate::FindingView;
use serde_json::{Map, Value};
use std::borrow::Cow;
use tron::typed::{TypedDocument, TypedError};

const MEMBERS: [&str; 4] = ["types", "primaryType", "domain", "message"];

/// A document that may be typed data, without what does not belong to it.
pub(super) struct Nearly<'t> {
    /// The four members alone.
    pub text: Cow<'t, str>,
    pub findings: Vec<FindingView>,
    /// A signature that stood beside them.
    pub signature: Option<String>,
    /// Digests that stood beside them, by their members' names.
    claims: Vec<(String, String)>,
}

/// Whether a document has enough of typed data to be told what it lacks.
pub(super) fn looks_like(value: &Value) -> bool {
    let has = |name: &str| value.get(name).is_some_and(|member| !member.is_null());
    let message = has("message") || has("value");
    match (has("types"), has("primaryType")) {
        (true, true) => true,
        (true, false) => message || has("domain"),
        (false, true) => message && has("domain"),
        (false, false) => false,
    }
}

/// Takes the four members out of what came.
pub(super) fn read(text: &str) -> Nearly<'_> {
    let mut nearly = Nearly { text: text.into(), findings: vec![], signature: None, claims: vec![] };
    // Keys that stand twice are for the strict reader to refuse.
    let Ok(tron::Unique(Value::Object(members))) = serde_json::from_str::<tron::Unique<false>>(text) else {
        return nearly;
    };
    if !looks_like(&Value::Object(members.clone())) || members.keys().all(|name| MEMBERS.contains(&name.as_str())) {
        return nearly;
    }
    let renamed = members.contains_key("value") && !members.contains_key("message");
    let mut own = Map::new();
    for (name, value) in members {
        let name = if renamed && name == "value" { "message".to_owned() } else { name };
        if MEMBERS.contains(&name.as_str()) {
            own.insert(name, value);
            continue;
        }
        match (name.as_str(), value.as_str()) {
            ("signature" | "sig", Some(signature)) => nearly.signature = Some(signature.to_owned()),
            ("digest" | "hash" | "digestToSign" | "signingHash", Some(digest)) => {
                nearly.claims.push((name, digest.to_owned()));
            }
            _ => nearly.findings.push(found("typedBeside", WARN, &[("member", &name)])),
        }
    }
    if renamed {
        nearly.findings.push(found("typedValue", NOTE, &[]));
    }
    nearly.text = Value::Object(own).to_string().into();
    nearly
}

impl Nearly<'_> {
    /// What is odd about a document that could be read.
    pub fn judge(&mut self, document: &TypedDocument) {
        let digest = document.digest().to_string();
        let bare = |text: &str| text.trim_start_matches("0x").to_ascii_lowercase();
        for (member, claim) in std::mem::take(&mut self.claims) {
            if bare(&claim) != bare(&digest) {
                let args = [("member", member.as_str()), ("said", &claim), ("bytes", &digest)];
                self.findings.push(found("digestDiffers", STOP, &args));
            }
        }
        if let Some(root) = self.root() {
            self.findings.push(found("typedNested", STOP, &[("type", document.primary_type()), ("root", &root)]));
        }
    }

    /// Where `primaryType` is a part of another type: that one.
    fn root(&self) -> Option<String> {
        let json: Value = serde_json::from_str(&self.text).ok()?;
        let primary = json.get("primaryType")?.as_str()?;
        let users = |name: &str| uses(json.get("types").and_then(|types| types.get(name)), primary);
        let types = json.get("types")?.as_object()?;
        types.keys().find(|name| *name != primary && users(name)).cloned()
    }

    /// Why it is no typed data: field, found, expected.
    pub fn wrong(&self, error: &TypedError) -> (String, String, String) {
        match error {
            TypedError::Field { field, found, expected } => {
                let expected = match (expected.as_str(), field.as_str()) {
                    ("address", _) => "an address: 0x and 40 hex digits".to_owned(),
                    (_, "primaryType") if found == "nothing" => self.roots(),
                    ("a value", "message") => "the values that are signed".to_owned(),
                    (other, _) => other.to_owned(),
                };
                match self.root().filter(|_| field.starts_with("message")) {
                    Some(root) => {
                        let said =
                            format!("{found} (primaryType is a part of {root}, which may be the one that is meant)");
                        (field.clone(), said, expected)
                    }
                    None => (field.clone(), found.clone(), expected),
                }
            }
            TypedError::TooLarge { found } => {
                ("document".to_owned(), format!("{found} bytes"), "at most 65536 bytes".to_owned())
            }
            other => ("document".to_owned(), other.to_string(), "types, primaryType, domain and message".to_owned()),
        }
    }

    /// What `primaryType` can be: the types that are no part of another.
    fn roots(&self) -> String {
        let json: Option<Value> = serde_json::from_str(&self.text).ok();
        let types = json.as_ref().and_then(|json| json.get("types")?.as_object());
        let roots = types.into_iter().flat_map(|types| {
            let part = move |name: &str| types.iter().any(|(other, fields)| other != name && uses(Some(fields), name));
            types.keys().filter(move |name| *name != "EIP712Domain" && !part(name)).cloned()
        });
        let roots: Vec<String> = roots.collect();
        match roots.is_empty() {
            true => "the name of the type that is signed".to_owned(),
            false => format!("the name of the type that is signed: {}", roots.join(" or ")),
        }
    }
}

/// Whether one of a type's fields is of another type, or a list of it.
fn uses(fields: Option<&Value>, name: &str) -> bool {
    let fields = fields.and_then(Value::as_array).into_iter().flatten();
    let mut kinds = fields.filter_map(|field| field.get("type")?.as_str());
    kinds.any(|kind| kind.split('[').next() == Some(name))
}
