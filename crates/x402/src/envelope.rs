//! Finds the x402 document inside what was received: a header value, a JSON body, or what transports and frameworks
//! put around either (JSON-RPC, MCP, A2A, FastAPI's `detail`). Told apart by content; finds every place that holds
//! one, names the member's path, and refuses what is none of them.

use crate::{
    Malformed, header,
    json::{self, Kind, Node},
    limits,
    offer::T402,
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
    /// Inside another document: an A2A task, a framework's error.
    Inside,
}

/// What to look for on the way in.
#[derive(Clone, Copy)]
pub(crate) struct Wanted {
    /// Whether this object is the document.
    pub is: fn(&Node<'_>) -> bool,
    /// Its names in `_meta` and `metadata`, the published one first.
    pub meta: &'static [&'static str],
    /// Members that hold it in answers of this kind only.
    pub inside: &'static [&'static str],
}

/// Members that are looked into on the way to every document.
const AROUND: [&str; 14] = [
    "params",
    "result",
    "structuredContent",
    "x402/error",
    "data",
    "x402",
    "paymentRequired",
    "detail",
    "error",
    "errors",
    // A task of A2A, or its message alone.
    "task",
    "status",
    "message",
    "body",
];
/// By these the wrapper is known as MCP's, or as the JSON-RPC around it.
const MCP: [&str; 5] = ["structuredContent", "content[", "_meta", "x402/error", "error.data"];
/// Levels of wrapping that are looked through.
const LAYERS: usize = 8;
/// Items of a list (`content` of MCP, receipts of A2A) that are looked at.
const ITEMS: usize = 8;

/// What one place of a text reads as.
pub(crate) type Place<T> = Result<T, Malformed>;

/// Reads every place of the text that holds the document, in their order. Never empty: where nothing is recognised,
/// what the document itself lacks is told, or where something like it stands.
pub(crate) fn places<T>(
    text: &str,
    wanted: Wanted,
    mut read: impl FnMut(&Node<'_>, &str, Source) -> Result<T, Malformed>,
) -> Result<Vec<Place<T>>, Malformed> {
    let (json, source) = decode(text)?;
    let root = json::parse(&json, "")?;
    let mut found = Vec::new();
    let mut see = |node: &Node<'_>, path: &str| {
        let mcp = MCP.iter().any(|member| path.contains(member));
        let source = match path {
            "" => source,
            _ if mcp => Source::Mcp,
            _ => Source::Inside,
        };
        found.push(read(node, path, source));
    };
    let mut search = Search { wanted, see: &mut see, broken: None };
    search.walk(&root, "", LAYERS);
    let broken = search.broken;
    if found.is_empty() {
        found.push(match broken.or_else(|| elsewhere(&root, wanted)) {
            Some(error) => Err(error),
            None => read(&root, "", source),
        });
    }
    Ok(found)
}

/// The first place that holds the document.
pub(crate) fn open<T>(
    text: &str,
    wanted: Wanted,
    read: impl FnMut(&Node<'_>, &str, Source) -> Result<T, Malformed>,
) -> Result<T, Malformed> {
    places(text, wanted, read)?.swap_remove(0)
}

/// Whether a document of this kind, or something that claims to be one, stands anywhere in the text.
pub(crate) fn holds(text: &str, wanted: Wanted) -> bool {
    let Ok((json, _)) = decode(text) else { return false };
    let Ok(root) = json::parse(&json, "") else { return false };
    let mut found = false;
    let mut see = |_: &Node<'_>, _: &str| found = true;
    Search { wanted, see: &mut see, broken: None }.walk(&root, "", LAYERS);
    found || elsewhere(&root, wanted).is_some()
}

/// JSON is taken as it is, everything else as a header value.
pub(crate) fn decode(text: &str) -> Result<(Cow<'_, str>, Source), Malformed> {
    limits::body(text.len())?;
    let trimmed = text.trim_start_matches('\u{feff}').trim();
    match trimmed.as_bytes().first() {
        None => Err(Malformed::new("document", "an empty text", "base64 or a JSON object")),
        Some(b'{' | b'[' | b'"') => Ok((Cow::Borrowed(trimmed), Source::Body)),
        Some(_) => Ok((Cow::Owned(header::read(trimmed)?), Source::Header)),
    }
}

struct Search<'s> {
    wanted: Wanted,
    see: &'s mut dyn FnMut(&Node<'_>, &str),
    /// The first text on the way that should have been JSON.
    broken: Option<Malformed>,
}

impl Search<'_> {
    fn walk(&mut self, node: &Node<'_>, path: &str, layers: usize) {
        match &node.kind {
            Kind::Text(text) => return self.text(text, path, layers),
            Kind::List(items) => return self.list(items, path, layers),
            Kind::Object(_) => {}
            _ => return,
        }
        if (self.wanted.is)(node) {
            return (self.see)(node, path);
        }
        let Some(layers) = layers.checked_sub(1) else {
            self.broken.get_or_insert_with(|| Malformed::new(path, "wrappers inside wrappers", "the document itself"));
            return;
        };
        let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        let member = |name: &str| node.get(name).filter(|inner| !inner.is_null());
        for name in AROUND.iter().chain(self.wanted.inside) {
            if let Some(inner) = member(name) {
                self.walk(inner, &below(name), layers);
            }
        }
        for around in ["_meta", "metadata"] {
            let held = member(around);
            for name in self.wanted.meta {
                if let Some(inner) = held.and_then(|held| held.get(name)).filter(|inner| !inner.is_null()) {
                    self.walk(inner, &below(&format!("{around}.{name}")), layers);
                }
            }
        }
        for name in self.wanted.meta {
            if let Some(inner) = member(name) {
                self.walk(inner, &below(name), layers);
            }
        }
        if let Some(Kind::List(items)) = member("content").map(|content| &content.kind) {
            for (i, item) in items.iter().take(ITEMS).enumerate() {
                if let Some(text) = item.get("text") {
                    self.walk(text, &below(&format!("content[{i}].text")), layers);
                }
            }
        }
    }

    fn list(&mut self, items: &[Node<'_>], path: &str, layers: usize) {
        let Some(layers) = layers.checked_sub(1) else { return };
        for (i, item) in items.iter().take(ITEMS).enumerate() {
            self.walk(item, &format!("{path}[{i}]"), layers);
        }
    }

    /// A text that holds JSON, as MCP and some frameworks write it; words for people are passed over.
    fn text(&mut self, text: &str, path: &str, layers: usize) {
        if !text.trim_start().starts_with(['{', '"']) {
            return;
        }
        let parsed = match layers.checked_sub(1) {
            Some(layers) => json::parse(text, path).map(|node| self.walk(&node, path, layers)),
            None => Err(Malformed::new(path, "texts inside texts", "the document itself")),
        };
        if let Err(error) = parsed {
            self.broken.get_or_insert(error);
        }
    }
}

/// Where in the document one of this kind stands, or one of another protocol that resembles it: told, not taken.
fn elsewhere(root: &Node<'_>, wanted: Wanted) -> Option<Malformed> {
    let mut path = String::new();
    let ours = |node: &Node<'_>| node.get("x402Version").is_some() && (wanted.is)(node);
    let found = seek(root, &mut path, &|node| ours(node) || node.get(T402).is_some())?;
    if let Some(version) = found.get(T402) {
        let field = if path.is_empty() { T402.to_owned() } else { format!("{path}.{T402}") };
        return Some(Malformed::new(field, version.raw, "x402Version: t402 is another protocol"));
    }
    Some(Malformed::new(path, "an x402 document", "this member alone, handed over by itself"))
}

/// The first object, seen from the outside, that fits.
fn seek<'n, 'a>(node: &'n Node<'a>, path: &mut String, fits: &dyn Fn(&Node<'_>) -> bool) -> Option<&'n Node<'a>> {
    let length = path.len();
    match &node.kind {
        Kind::Object(_) if fits(node) => return Some(node),
        Kind::Object(members) => {
            for (name, inner) in members {
                let dot = if length == 0 { "" } else { "." };
                path.push_str(&format!("{dot}{}", crate::malformed::shown(name)));
                if let Some(found) = seek(inner, path, fits) {
                    return Some(found);
                }
                path.truncate(length);
            }
        }
        Kind::List(items) => {
            for (i, inner) in items.iter().enumerate() {
                path.push_str(&format!("[{i}]"));
                if let Some(found) = seek(inner, path, fits) {
                    return Some(found);
                }
                path.truncate(length);
            }
        }
        _ => {}
    }
    None
}
