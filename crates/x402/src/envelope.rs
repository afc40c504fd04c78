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

fn find<'n, 'a>(node: &'n Node<'a>, root: &str, wanted: Wanted) -> Found<'n, 'a> {
    let mut at = node;
    let mut path = root.to_owned();
    for _ in 0..LAYERS {
        let step = step(at, wanted);
        match step {
            Some((name, next)) => {
                at = next;
                path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                if let (Kind::Text(text), true) = (&at.kind, name.ends_with(".text")) {
                    return Found::Text { text: text.clone(), path };
                }
            }
            None => break,
        }
    }
    Found::Here { node: at, path }
}

/// One layer in: which member, and its node.
fn step<'n, 'a>(node: &'n Node<'a>, wanted: Wanted) -> Option<(&'static str, &'n Node<'a>)> {
    let member = |name: &str| node.get(name).filter(|n| !n.is_null());
    if marked(node, wanted) {
        return None;
    }
    if let Some(inner) = wanted.meta.and_then(|name| member("_meta")?.get(name)) {
        return Some(("_meta", inner));
    }
    for name in ["params", "result", "x402/error"] {
        if let Some(inner) = member(name) {
            return Some((name, inner));
        }
    }
    if let Some(data) = member("error").and_then(|e| e.get("data")).filter(|d| !d.is_null()) {
        return Some(("error.data", data));
    }
    for name in ["data", "x402"] {
        if let Some(inner) = member(name).filter(|n| matches!(n.kind, Kind::Object(_))) {
            return Some((name, inner));
        }
    }
    let structured = member("structuredContent");
    if let Some(inner) = structured.filter(|n| step(n, wanted).is_some() || marked(n, wanted)) {
        return Some(("structuredContent", inner));
    }
    match member("content").map(|n| &n.kind) {
        Some(Kind::List(items)) => items.first()?.get("text").map(|text| ("content[0].text", text)),
        _ => None,
    }
}

fn marked(node: &Node<'_>, wanted: Wanted) -> bool {
    wanted.marks.iter().any(|mark| node.get(mark).is_some_and(|n| !n.is_null()))
}
