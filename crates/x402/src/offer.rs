//! What a server asks for: `PaymentRequired` of versions 1 and 2, from a header, a body or an MCP result.
//! Refuses a broken document; an option that can't be used is kept beside the others with its reason.

use crate::{
    Extensions, Malformed, Requirements, Source,
    envelope::{self, Wanted},
    extensions, header,
    json::{Kind, Node},
    limits,
    read::Fields,
    scheme::Around,
};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    V1,
    V2,
}

impl Version {
    pub const fn number(self) -> u8 {
        match self {
            Self::V1 => 1,
            Self::V2 => 2,
        }
    }

    pub(crate) fn read(document: &Fields<'_, '_>) -> Result<Self, Malformed> {
        let expected = "1 or 2";
        match document.need("x402Version", expected)?.raw {
            "1" => Ok(Self::V1),
            "2" => Ok(Self::V2),
            other => Err(Malformed::new(document.at("x402Version"), other, expected)),
        }
    }
}

/// What is paid for, in the server's words; never the site that was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resource {
    /// Empty when the server gave none.
    pub url: String,
    pub description: Option<String>,
    pub mime_type: Option<String>,
    /// The JSON object to echo.
    pub raw: String,
}

impl Resource {
    /// Reads the object, or the bare URL that some servers write. Anything else is no resource.
    pub(crate) fn of(node: &Node<'_>) -> Option<Self> {
        let word = |name: &str| node.get(name).and_then(Node::text).map(str::to_owned);
        match &node.kind {
            Kind::Object(_) => Some(Self {
                url: word("url").unwrap_or_default(),
                description: word("description"),
                mime_type: word("mimeType"),
                raw: node.raw.to_owned(),
            }),
            Kind::Text(url) => Some(Self::new(url, None, None)),
            _ => None,
        }
    }

    pub(crate) fn new(url: &str, description: Option<String>, mime_type: Option<String>) -> Self {
        let text = |text: &str| Value::from(text).to_string();
        let members = [
            ("url", Some(text(url))),
            ("description", description.as_deref().map(text)),
            ("mimeType", mime_type.as_deref().map(text)),
        ];
        let raw = extensions::object(members.into_iter().filter_map(|(name, value)| Some((name, value?))));
        Self { url: url.to_owned(), description, mime_type, raw }
    }
}

/// A decoded 402.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    pub version: Version,
    pub source: Source,
    /// Exactly what was received; reading it again gives the same offer.
    pub raw: String,
    /// The server's `error`, untrusted text.
    pub error: Option<String>,
    /// In version 1 from the first option that has one.
    pub resource: Option<Resource>,
    /// 1 to 16, in the server's order.
    pub options: Vec<Requirements>,
    pub extensions: Extensions,
    /// Members of the document that nobody asked for.
    pub unknown: Map<String, Value>,
}

const WANTED: Wanted = Wanted { marks: &["x402Version", "accepts"], meta: None };

impl Offer {
    /// Reads a `PAYMENT-REQUIRED` header value, a JSON body or an MCP result, told apart by content.
    pub fn read(text: &str) -> Result<Self, Malformed> {
        envelope::open(text, WANTED, |node, path, source| Self::of(node, path, source, text))
    }

    /// Reads a body that came as bytes.
    pub fn read_bytes(body: &[u8]) -> Result<Self, Malformed> {
        limits::body(body.len())?;
        Self::read(&header::utf8("document", body.to_vec())?)
    }

    /// SHA-256 of what was received.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.raw.as_bytes()).into()
    }

    fn of(node: &Node<'_>, path: &str, source: Source, raw: &str) -> Result<Self, Malformed> {
        let document = Fields::of(node, path)?;
        let version = Version::read(&document)?;
        let expected = format!("a list of 1 to {} payment options", limits::ACCEPTS);
        let accepts = document.need("accepts", &expected)?;
        let options = match &accepts.kind {
            Kind::List(items) if (1..=limits::ACCEPTS).contains(&items.len()) => items,
            Kind::List(items) => {
                let found = format!("{} options", items.len());
                return Err(Malformed::new(document.at("accepts"), &found, expected));
            }
            _ => return Err(Malformed::new(document.at("accepts"), accepts.raw, expected)),
        };
        let extensions = extensions::read(&document)?;
        let named = |node: &Node<'_>| node.get("scheme").and_then(Node::text) == Some("exact_permit");
        let mut around = Around::of(extensions.as_ref());
        around.knows_exact_permit = options.iter().any(named);
        let of = |(i, node)| Requirements::of(node, i, &format!("{}[{i}]", document.at("accepts")), version, &around);
        let error = document.get("error").and_then(Node::text).map(str::to_owned);
        let resource = document.get("resource").and_then(Resource::of);
        Ok(Self {
            version,
            source,
            raw: raw.to_owned(),
            error,
            resource: resource.or_else(|| options.iter().find_map(v1_resource)),
            options: options.iter().enumerate().map(of).collect(),
            extensions: Extensions::of(extensions.as_ref()),
            unknown: document.unknown(),
        })
    }
}

/// Version 1: strings inside the option.
fn v1_resource(option: &Node<'_>) -> Option<Resource> {
    let word = |name: &str| option.get(name).and_then(Node::text).map(str::to_owned);
    word("resource").map(|url| Resource::new(&url, word("description"), word("mimeType")))
}
