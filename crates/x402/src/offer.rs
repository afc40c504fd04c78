//! What a server asks for: `PaymentRequired` of versions 1 and 2, from a header, a body or an MCP result.
//! Refuses a broken document; an option that can't be used is kept beside the others with its reason.

use crate::{
    Extensions, Malformed, Requirements, Source,
    envelope::{self, Place, Wanted},
    extensions, header,
    json::{Kind, Node},
    limits,
    read::Fields,
    scheme::Around,
};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// Where a protocol that resembles version 2 names its own version.
pub(crate) const T402: &str = "t402Version";

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
        if let (None, Some(other)) = (document.get("x402Version"), document.get(T402)) {
            return Err(Malformed::new(document.at(T402), other.raw, "x402Version: t402 is another protocol"));
        }
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
    /// The member of what was received that is the document; empty where it is the whole.
    pub place: String,
    /// Exactly what was received; reading it again gives the same offer.
    pub raw: String,
    /// The server's `error`, untrusted text; its JSON where it is no string.
    pub error: Option<String>,
    /// In version 1 from the first option that has one.
    pub resource: Option<Resource>,
    /// 1 to 16, in the server's order.
    pub options: Vec<Requirements>,
    pub extensions: Extensions,
    /// Members of the document that nobody asked for.
    pub unknown: Map<String, Value>,
}

/// What makes an object an offer; a payment has `x402Version` too.
pub(crate) const WANTED: Wanted = Wanted {
    is: |node| {
        let has = |name| node.get(name).is_some_and(|n| !n.is_null());
        has("accepts") || (has("x402Version") && !has("payload"))
    },
    meta: &["x402/payment", "x402.payment.required", "x402.payment", "x402.org/payment"],
    inside: &[],
};

impl Offer {
    /// Reads a `PAYMENT-REQUIRED` header value, a JSON body or what is wrapped around one, told apart by content. Where
    /// several places of the text hold an offer, they have to say the same: which one counts would be a guess.
    pub fn read(text: &str) -> Result<Self, Malformed> {
        let places = Self::places(text)?;
        let mut offers = Vec::with_capacity(places.len());
        for place in places {
            offers.push(place?);
        }
        let offer = offers.swap_remove(0);
        match offers.iter().find_map(|other| offer.contradicted_by(other)) {
            Some(difference) => Err(difference.told(&offer.place)),
            None => Ok(offer),
        }
    }

    /// Every place of a text that holds an offer.
    pub(crate) fn places(text: &str) -> Result<Vec<Place<Self>>, Malformed> {
        envelope::places(text, WANTED, |node, path, source| Self::of(node, path, source, text))
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
        let error = document.get("error").map(|node| node.text().unwrap_or(node.raw).to_owned());
        let resource = document.get("resource").and_then(Resource::of);
        Ok(Self {
            version,
            source,
            place: path.to_owned(),
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
