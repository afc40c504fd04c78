//! Finds the x402 document inside what was received: a header value, a JSON body, or an MCP message around
//! either. Told apart by content; refuses what is none of them.

use crate::{
    Malformed, header,
    json::{self, Kind, Node},
    limits,
};
use std::borrow::Cow;

/// How a document came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Base64 in a header.
    Header,
    /// JSON, as a body.
    Body,
    /// Inside an MCP result, error or `_meta`.
    Mcp,
}

/// What to look for on the way in.
#[derive(Clone, Copy)]
pub(crate) struct Wanted {
    /// A member by which the document is recognised.
    pub marks: &'static [&'static str],
    /// Its place in MCP's `_meta`, if it has one.
    pub meta: Option<&'static str>,
}

/// Levels of wrapping that are looked through: JSON-RPC, result, version 1 wrapper, text.
const LAYERS: usize = 6;

/// Reads the text, finds the document and hands it on with its path.
pub(crate) fn open<T>(
    text: &str,
    wanted: Wanted,
    read: impl FnOnce(&Node<'_>, &str, Source) -> Result<T, Malformed>,
) -> Result<T, Malformed> {
    let (json, source) = decode(text)?;
    let mut json = json.into_owned();
    let mut root = String::new();
    let mut source = source;
    for _ in 0..LAYERS {
        let node = json::parse(&json, &root)?;
        let inner = match find(&node, &root, wanted) {
            Found::Here { node, path } => {
                let source = if path.is_empty() { source } else { Source::Mcp };
                return read(node, &path, source);
            }
            Found::Text { text, path } => (text, path),
        };
        (json, root) = inner;
        source = Source::Mcp;
    }
    Err(Malformed::new(root, "texts inside texts", "the document itself"))
}

/// JSON is taken as it is, everything else as a header value.
fn decode(text: &str) -> Result<(Cow<'_, str>, Source), Malformed> {
    limits::body(text.len())?;
    let trimmed = text.trim_start_matches('\u{feff}').trim();
    match trimmed.as_bytes().first() {
        None => Err(Malformed::new("document", "an empty text", "base64 or a JSON object")),
        Some(b'{' | b'[' | b'"') => Ok((Cow::Borrowed(trimmed), Source::Body)),
        Some(_) => Ok((Cow::Owned(header::read(trimmed)?), Source::Header)),
    }
}

enum Found<'n, 'a> {
    Here { node: &'n Node<'a>, path: String },
    Text { text: String, path: String },
}

/// Follows the layers inside one document, down to the wanted object or to a text that holds it.
fn find<'n, 'a>(node: &'n Node<'a>, root: &str, wanted: Wanted) -> Found<'n, 'a> {
    let (mut node, mut path) = (node, root.to_owned());
    for _ in 0..LAYERS {
        let Some((name, inner)) = step(node, wanted) else { break };
        node = inner;
        path = if path.is_empty() { name } else { format!("{path}.{name}") };
        if let Kind::Text(text) = &node.kind {
            return Found::Text { text: text.clone(), path };
        }
    }
    Found::Here { node, path }
}

/// One layer in: the member's path and its node.
fn step<'n, 'a>(node: &'n Node<'a>, wanted: Wanted) -> Option<(String, &'n Node<'a>)> {
    if marked(node, wanted) {
        return None;
    }
    let member = |name: &str| node.get(name).filter(|n| !n.is_null());
    let object = |name: &str| member(name).filter(|n| matches!(n.kind, Kind::Object(_)));
    if let Some(name) = wanted.meta {
        let inner = object("_meta").and_then(|meta| meta.get(name)).map(|inner| (format!("_meta.{name}"), inner));
        if let Some(found) = inner.or_else(|| member(name).map(|inner| (name.to_owned(), inner))) {
            return Some(found);
        }
    }
    // JSON-RPC around MCP, and what older servers put around their errors.
    for name in ["params", "result", "x402/error", "data", "x402"] {
        if let Some(inner) = object(name) {
            return Some((name.to_owned(), inner));
        }
    }
    if let Some(data) = object("error").and_then(|e| e.get("data")).filter(|d| !d.is_null()) {
        return Some(("error.data".to_owned(), data));
    }
    let structured = object("structuredContent").filter(|n| marked(n, wanted) || step(n, wanted).is_some());
    if let Some(inner) = structured {
        return Some(("structuredContent".to_owned(), inner));
    }
    let Kind::List(items) = &member("content")?.kind else { return None };
    let text = items.first()?.get("text").filter(|t| t.text().is_some())?;
    Some(("content[0].text".to_owned(), text))
}

fn marked(node: &Node<'_>, wanted: Wanted) -> bool {
    wanted.marks.iter().any(|mark| node.get(mark).is_some_and(|n| !n.is_null()))
}
