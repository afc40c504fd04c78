//! What a client sends: `PaymentPayload` of versions 1 and 2, from a header, a body or MCP's `_meta`, and
//! back to those forms. A payload that can't be read is kept with its reason, so that a facilitator can
//! answer and an inspector can show it.

use crate::{
    Extensions, Malformed, Payload, Requirements, Resource, Terms, Unusable, Version,
    envelope::{self, Wanted},
    extensions, header,
    json::Node,
    offer::T402,
    read::Fields,
    scheme::{Around, Beside},
};
use serde_json::{Map, Value};
use tron::{Address, Network, Signature, recover};

#[derive(Clone, Debug, PartialEq)]
pub struct Payment {
    pub version: Version,
    /// The wire's words: of `accepted`, in version 1 of the document.
    pub scheme: String,
    pub network: String,
    /// The option that is paid; version 1 does not send it.
    pub accepted: Option<Requirements>,
    pub resource: Option<Resource>,
    pub payload: Result<Payload, Unusable>,
    pub extensions: Extensions,
    pub unknown: Map<String, Value>,
    /// The JSON document.
    pub raw: String,
    payload_raw: String,
}

/// What a new payment is made of.
pub(crate) struct Parts {
    pub version: Version,
    pub scheme: String,
    pub network: String,
    pub accepted: Option<Requirements>,
    pub resource: Option<Resource>,
    pub payload: Payload,
    pub extensions: Extensions,
}

const WANTED: Wanted = Wanted {
    is: |node| {
        let has = |name| node.get(name).is_some_and(|n| !n.is_null());
        has("payload") || (has("x402Version") && !has("accepts"))
    },
    meta: &[header::MCP_PAYMENT, "x402.payment.payload", "x402.payment", "x402.org/payment"],
    inside: &[],
};

impl Payment {
    /// Reads a `PAYMENT-SIGNATURE` or `X-PAYMENT` header value, a JSON document, or an MCP request that
    /// carries one in `_meta`.
    pub fn read(text: &str) -> Result<Self, Malformed> {
        envelope::open(text, WANTED, |node, path, _| Self::of(node, path))
    }

    pub(crate) fn of(node: &Node<'_>, path: &str) -> Result<Self, Malformed> {
        let document = Fields::of(node, path)?;
        let t402 = document.get("x402Version").is_none() && document.get(T402).is_some();
        // The same shape under another name; its payloads are not ours.
        let version = if t402 { Version::V2 } else { Version::read(&document)? };
        let payload = document.need_object("payload")?;
        let extensions = extensions::read(&document)?;
        let mut around = Around::of(extensions.as_ref());
        around.payload = Beside::of(document.get("payload"));
        let (accepted, scheme, network) = match version {
            Version::V1 => (None, document.need_text("scheme")?, document.need_text("network")?),
            Version::V2 => {
                let node = document.need("accepted", "the payment option that was taken")?;
                let at = document.at("accepted");
                Fields::of(node, at.as_str())?;
                let accepted = Requirements::of(node, 0, &at, version, &around);
                let (scheme, network) = (accepted.scheme.clone(), accepted.network.clone());
                (Some(accepted), scheme, network)
            }
        };
        let meant = accepted.as_ref().and_then(|a| a.terms.as_ref().ok()).map(Terms::scheme);
        Ok(Self {
            version,
            payload: match Payload::read(&scheme, &network, meant, &payload, extensions.as_ref()) {
                Err(own @ Unusable::OtherPayload { .. }) => Err(own),
                _ if t402 => Err(Unusable::OtherPayload { field: T402.to_owned(), what: "a payment of t402" }),
                read => read,
            },
            scheme,
            network,
            accepted,
            resource: document.get("resource").and_then(Resource::of),
            extensions: Extensions::of(extensions.as_ref()),
            payload_raw: document.get("payload").map_or("", |n| n.raw).to_owned(),
            unknown: document.unknown(),
            raw: node.raw.to_owned(),
        })
    }

    pub(crate) fn assemble(parts: Parts) -> Self {
        let mut payment = Self {
            version: parts.version,
            scheme: parts.scheme,
            network: parts.network,
            accepted: parts.accepted,
            resource: parts.resource,
            payload_raw: parts.payload.wire().to_string(),
            payload: Ok(parts.payload),
            extensions: parts.extensions,
            unknown: Map::new(),
            raw: String::new(),
        };
        payment.write();
        payment
    }

    /// Adds or replaces an extension in what will be sent.
    pub(crate) fn set_extension(&mut self, name: &str, raw: String) {
        self.extensions.set(name, raw);
        self.write();
    }

    /// Makes `raw` from the parts.
    fn write(&mut self) {
        let text = |text: &str| Value::from(text).to_string();
        let v1 = self.version == Version::V1;
        let members = [
            ("x402Version", Some(self.version.number().to_string())),
            ("scheme", v1.then(|| text(&self.scheme))),
            ("network", v1.then(|| text(&self.network))),
            ("resource", self.resource.as_ref().map(|r| r.raw.clone())),
            ("accepted", self.accepted.as_ref().map(|a| a.raw.clone())),
            ("payload", Some(self.payload_raw.clone())),
            ("extensions", (!self.extensions.is_empty()).then(|| self.extensions.to_json())),
        ];
        self.raw = extensions::object(members.into_iter().filter_map(|(name, raw)| Some((name, raw?))));
    }

    /// Who signed it: compare with `payload.payer()`, or of a channel payment with its payer's authorizer.
    /// `None` when payload or signature can't be read, or the message is for contracts outside the registry.
    pub fn signer(&self) -> Option<Address> {
        let payload = self.payload.as_ref().ok()?;
        let terms = self.accepted.as_ref().and_then(|a| a.terms.as_ref().ok());
        let digest = payload.digest(Network::parse(&self.network).ok()?, terms)?;
        recover(&digest, &Signature::parse(payload.signature()).ok()?).ok()
    }

    /// The JSON document.
    pub fn to_json(&self) -> &str {
        &self.raw
    }

    /// The header that carries it.
    pub const fn header_name(&self) -> &'static str {
        match self.version {
            Version::V1 => header::X_PAYMENT,
            Version::V2 => header::PAYMENT_SIGNATURE,
        }
    }

    /// The header's value: standard base64 with padding.
    pub fn header_value(&self) -> String {
        header::write(&self.raw)
    }

    /// The JSON object for `_meta` of an MCP request.
    pub fn mcp_meta(&self) -> String {
        extensions::object([(header::MCP_PAYMENT, self.raw.clone())])
    }
}
