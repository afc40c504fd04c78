//! An HTTP answer with status 402 as a whole: which of its places holds the offer, and what it is when none does.
//! Refuses to choose between places that disagree, and to pass over a broken one without a word.

use crate::{
    Malformed, Offer, encoding, envelope, header,
    json::{self, Node},
    malformed::shown_up_to,
    offer::WANTED,
};
use serde_json::Value;

/// Why an answer, or a text that was handed over in its place, gives no offer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoOffer {
    /// An offer that can't be read, or places that disagree.
    #[error("{0}")]
    Malformed(#[from] Malformed),
    /// The header can't be read and the body holds another readable offer: taking the weaker place without a word
    /// would let whoever broke the header choose the price.
    #[error("{header}; the body holds an offer of its own")]
    HeaderBroken { header: Malformed },
    /// Nothing of x402.
    #[error("no x402 offer")]
    Other(Other),
}

/// A 402 that has nothing to do with x402, as far as it tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Other {
    /// The service's own words, shortened and made visible; untrusted.
    pub said: Option<String>,
    /// Other payment protocols that the answer speaks.
    pub speaks: Vec<&'static str>,
    /// The body could not be unpacked: its `Content-Encoding`.
    pub packed: Option<String>,
}

/// How much of a service's words is repeated.
const SAID: usize = 200;

/// Reads a text that was handed over as a 402.
pub fn read(text: &str) -> Result<Offer, NoOffer> {
    Offer::read(text).map_err(|error| match foreign(text) {
        true => NoOffer::Other(Other { said: said(text), ..Other::default() }),
        false => NoOffer::Malformed(error),
    })
}

/// Finds the offer of an answer with these headers (name and value, each as often as it came) and this body.
pub fn offer<'h>(headers: impl IntoIterator<Item = (&'h str, &'h [u8])>, body: &[u8]) -> Result<Offer, NoOffer> {
    let (mut required, mut encodings, mut speaks) = (Vec::new(), Vec::new(), Vec::new());
    for (name, value) in headers {
        let text = String::from_utf8_lossy(value);
        if name.eq_ignore_ascii_case(header::PAYMENT_REQUIRED) {
            required.push(header::utf8(header::PAYMENT_REQUIRED, value.to_vec())?);
        } else if name.eq_ignore_ascii_case("content-encoding") {
            encodings.push(text.into_owned());
        } else if name.eq_ignore_ascii_case("www-authenticate") {
            speaks.extend(protocol(&text));
        }
    }
    let in_header = header::single(header::PAYMENT_REQUIRED, required.iter().map(String::as_str))?;
    let unpacked =
        encoding::unpack(&encodings.join(", "), body).and_then(|body| header::utf8("body", body.into_owned()));
    match (in_header.map(Offer::read), &unpacked) {
        (Some(Ok(offer)), Ok(body)) => agreeing(offer, body),
        (Some(Ok(offer)), Err(_)) => Ok(offer),
        (Some(Err(header)), Ok(body)) if Offer::read(body).is_ok() => Err(NoOffer::HeaderBroken { header }),
        (Some(Err(header)), _) => Err(header.into()),
        (None, Ok(body)) => read(body).map_err(|error| match error {
            NoOffer::Other(other) => NoOffer::Other(Other { speaks, ..other }),
            error => error,
        }),
        (None, Err(error)) => Err(NoOffer::Other(Other { said: None, speaks, packed: Some(error.found.clone()) })),
    }
}

/// The header's offer, unless the body holds one that says something else.
fn agreeing(offer: Offer, body: &str) -> Result<Offer, NoOffer> {
    // A body without an offer, or with one that can't be read, leaves the header's alone.
    for other in Offer::places(body).into_iter().flatten().filter_map(Result::ok) {
        if let Some(mut difference) = offer.contradicted_by(&other) {
            difference.field = format!("body: {}", difference.field);
            return Err(difference.told("the header PAYMENT-REQUIRED").into());
        }
    }
    Ok(offer)
}

/// Whether a text makes no claim to be an offer.
fn foreign(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}').trim();
    match text.as_bytes().first() {
        None | Some(b'<') => true,
        Some(b'{' | b'[' | b'"') => json::parse(text, "").is_ok() && !envelope::holds(text, WANTED),
        // Base64 has no blanks.
        Some(_) => text.contains(char::is_whitespace) || header::read(text).is_ok_and(|inner| foreign(&inner)),
    }
}

/// The payment protocol that a `WWW-Authenticate` challenge is of, where it is one of those seen beside x402.
pub fn protocol(challenge: &str) -> Option<&'static str> {
    let scheme = challenge.split_whitespace().next()?;
    match scheme.to_ascii_lowercase().as_str() {
        "payment" => Some("MPP"),
        "l402" | "lsat" => Some("L402"),
        _ => None,
    }
}

/// What a service says in the body of an answer: a short message out of JSON, a page's title, a line of text.
/// Untrusted, at most some 200 characters, made visible.
pub fn said(body: &str) -> Option<String> {
    let body = body.trim_start_matches('\u{feff}').trim();
    let words = if body.starts_with('<') {
        ["title", "h1"].iter().find_map(|tag| between(body, tag))
    } else if body.starts_with(['{', '[', '"']) {
        json::parse(body, "").ok().and_then(|node| message(&node))
    } else {
        Some(body.to_owned())
    };
    let words: Vec<&str> = words.as_deref().unwrap_or_default().split_whitespace().collect();
    (!words.is_empty()).then(|| shown_up_to(&words.join(" "), SAID))
}

/// The words of a JSON error, wherever services put them.
fn message(node: &Node<'_>) -> Option<String> {
    if let Some(text) = node.text() {
        return Some(text.to_owned()).filter(|text| !text.trim().is_empty());
    }
    if let Value::Array(items) = node.value() {
        return items.first().and_then(|item| json::parse(&item.to_string(), "").ok().and_then(|n| message(&n)));
    }
    let text = |name: &str| node.get(name).and_then(Node::text).filter(|text| !text.trim().is_empty());
    // A problem document has both (RFC 9457).
    if let (Some(title), Some(detail)) = (text("title"), text("detail")) {
        return Some(format!("{title}: {detail}"));
    }
    let names = ["message", "detail", "error_description", "reason", "msg", "title", "description", "text"];
    names.iter().find_map(|name| text(name)).map(str::to_owned).or_else(|| {
        ["error", "errors", "detail", "data", "result", "content"].iter().find_map(|name| message(node.get(name)?))
    })
}

/// The text of the first element of this name.
fn between(page: &str, tag: &str) -> Option<String> {
    let lower = page.to_ascii_lowercase();
    let open = lower.find(&format!("<{tag}"))?;
    let from = open + lower.get(open..)?.find('>')? + 1;
    let to = from + lower.get(from..)?.find("</")?;
    page.get(from..to).map(str::to_owned)
}
