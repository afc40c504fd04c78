//! Cuts a pasted text into the pieces that may be documents: header lines, bodies, JSON after JSON, hex and base64
//! lines, whole HTTP messages as curl prints them, recordings (HAR). Looks at each byte a fixed number of times;
//! refuses to go on after [`PIECES`].

use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// How many pieces of one text are read.
pub(super) const PIECES: usize = 16;
/// Lines of an HTTP message that are shown.
const HTTP_LINES: usize = 64;
/// From here on a line may be one of several that a wrapped base64 text has.
const WRAPPED: usize = 60;

const HEADERS: [&str; 5] = [
    x402::header::PAYMENT_REQUIRED,
    x402::header::PAYMENT_SIGNATURE,
    x402::header::PAYMENT_RESPONSE,
    x402::header::X_PAYMENT,
    x402::header::X_PAYMENT_RESPONSE,
];

/// A piece of the text.
pub(super) struct Piece<'a> {
    pub what: What<'a>,
    /// Where it stood, in our words; a label from outside is quoted by whoever shows it.
    pub place: Option<String>,
}

pub(super) enum What<'a> {
    /// The value of one of the five headers.
    Header(&'static str, Cow<'a, str>),
    /// Anything else that may be a document.
    Text(Cow<'a, str>),
    /// Status or request line, and headers that are not x402's: name and value.
    Http { first: Cow<'a, str>, lines: Vec<(Cow<'a, str>, Cow<'a, str>)> },
}

/// The pieces in their order, and whether there were more than are read.
pub(super) fn split(text: &str) -> (Vec<Piece<'_>>, bool) {
    let mut cut = Cut { pieces: Vec::new(), http: None, rest: text.trim_start_matches('\u{feff}') };
    while cut.pieces.len() < PIECES {
        cut.rest = cut.rest.trim_start_matches([' ', '\t', ',', ';']);
        if cut.rest.is_empty() {
            break;
        }
        cut.next();
    }
    cut.end_of_headers();
    let more = !cut.rest.trim().is_empty() || cut.pieces.len() > PIECES;
    cut.pieces.truncate(PIECES);
    (cut.pieces, more)
}

/// The header's published name, whatever its case.
pub(super) fn known_header(name: &str) -> Option<&'static str> {
    HEADERS.into_iter().find(|known| known.eq_ignore_ascii_case(name))
}

struct Cut<'a> {
    pieces: Vec<Piece<'a>>,
    /// The HTTP message whose headers are being read: its place among the pieces.
    http: Option<usize>,
    rest: &'a str,
}

impl<'a> Cut<'a> {
    fn add(&mut self, what: What<'a>, place: Option<String>) {
        self.pieces.push(Piece { what, place });
    }

    fn line(&mut self) -> &'a str {
        let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
        self.rest = rest;
        line.trim()
    }

    fn next(&mut self) {
        if self.http.is_none() && self.rest.trim_start().starts_with(['{', '[', '"']) {
            self.rest = self.rest.trim_start();
            return self.json(None);
        }
        let before = self.rest;
        let line = bare(self.line());
        if line.is_empty() {
            if self.http.is_some() {
                self.end_of_headers();
                self.body();
            }
            return;
        }
        if is_first_line(line) {
            self.end_of_headers();
            self.http = Some(self.pieces.len());
            return self.add(What::Http { first: line.into(), lines: vec![] }, None);
        }
        match field(line) {
            Some((name, value)) => self.named(name, value),
            None if self.http.is_some() && line.starts_with(['{', '[', '"', '<']) => {
                // A body without the empty line before it.
                self.end_of_headers();
                self.rest = before;
                self.body();
            }
            None => {
                let text = self.wrapped(line, before);
                self.add(What::Text(text), None);
            }
        }
    }

    /// `Name: value`.
    fn named(&mut self, name: &'a str, value: &'a str) {
        if let Some(known) = known_header(name) {
            let value = value.trim_matches(['"', '\'']);
            return self.add(What::Header(known, value.into()), Some(format!("header {known}")));
        }
        match self.http.and_then(|at| self.pieces.get_mut(at)) {
            Some(Piece { what: What::Http { lines, .. }, .. }) => {
                if lines.len() < HTTP_LINES {
                    lines.push((name.into(), value.into()));
                }
            }
            _ => self.add(What::Text(value.into()), Some(name.to_owned())),
        }
    }

    fn end_of_headers(&mut self) {
        self.http = None;
    }

    /// What comes after an HTTP message's headers, up to the next message.
    fn body(&mut self) {
        let body = self.rest.trim_start();
        if body.starts_with(['{', '[', '"']) {
            self.rest = body;
            return self.json(Some("body".to_owned()));
        }
        let end = if body.starts_with("HTTP/") { 0 } else { body.find("\nHTTP/").map_or(body.len(), |at| at + 1) };
        let (body, rest) = body.split_at(end);
        self.rest = rest;
        if !body.trim().is_empty() {
            self.add(What::Text(body.trim().into()), Some("body".to_owned()));
        }
    }

    fn json(&mut self, place: Option<String>) {
        let mut values = serde_json::Deserializer::from_str(self.rest).into_iter::<&RawValue>();
        let Some(Ok(raw)) = values.next() else {
            // A line of a log: `[info] …`.
            if place.is_none() && self.rest.starts_with('[') && self.rest.lines().next().is_some_and(is_log_line) {
                let line = self.line();
                return self.add(What::Text(line.into()), None);
            }
            // Broken: the readers say where.
            let all = std::mem::take(&mut self.rest);
            return self.add(What::Text(all.trim().into()), place);
        };
        let rest = &self.rest[values.byte_offset()..];
        self.rest = rest;
        let text = raw.get();
        if let (true, Some(value)) = (text.starts_with('"'), rest.trim_start().strip_prefix(':')) {
            // One line out of a JSON object: `"payment-required": "eyJ…",`
            let name: String = serde_json::from_str(text).unwrap_or_default();
            self.rest = value;
            let line = self.line().trim_end_matches(',').trim_matches('"');
            return match known_header(&name) {
                Some(known) => self.add(What::Header(known, line.into()), Some(format!("header {known}"))),
                None => self.add(What::Text(line.into()), Some(name)),
            };
        }
        if let Some(pieces) = recorded(text) {
            self.pieces.extend(pieces);
            return;
        }
        self.add(What::Text(text.into()), place);
    }

    /// A base64 text that was wrapped into lines of one length is one text.
    fn wrapped(&mut self, first: &'a str, before: &'a str) -> Cow<'a, str> {
        if first.len() < WRAPPED || !is_base64(first) {
            return first.into();
        }
        let mut whole = Cow::Borrowed(first);
        let mut ahead = before;
        ahead = ahead.split_once('\n').map_or("", |(_, rest)| rest);
        while let Some((line, rest)) =
            ahead.split_once('\n').or(Some((ahead, ""))).filter(|(l, _)| !l.trim().is_empty())
        {
            let line = line.trim();
            // Hex of ids, digests and signatures stands a line each; anything longer was wrapped.
            let whole_hex = hex_digits(line) && (!hex_digits(first) || matches!(first.len(), 64 | 66 | 130 | 132));
            if !is_base64(line) || line.len() > first.len() || whole_hex {
                break;
            }
            whole.to_mut().push_str(line);
            self.rest = rest;
            ahead = rest;
            if line.len() < first.len() {
                break;
            }
        }
        whole
    }
}

/// `[2026-11-29] words`: something closed in brackets, and more that is no JSON.
fn is_log_line(line: &str) -> bool {
    line.split_once(']').is_some_and(|(label, rest)| !label.contains(['{', '"']) && rest.starts_with([' ', ':', '[']))
}

fn is_base64(line: &str) -> bool {
    line.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_' | b'='))
}

fn hex_digits(text: &str) -> bool {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    digits.len() >= 40 && digits.bytes().all(|b| b.is_ascii_hexdigit())
}

/// A line without what `curl -v` and shells put around it.
fn bare(line: &str) -> &str {
    let line = line.trim_end_matches('\\').trim();
    let line = match line.strip_prefix("< ").or_else(|| line.strip_prefix("> ")) {
        Some(inner) => inner,
        None if line == "<" || line == ">" || line.starts_with("* ") => "",
        None => line,
    };
    let line = line.strip_prefix("-H ").or_else(|| line.strip_prefix("--header ")).unwrap_or(line);
    line.trim().trim_matches('\'').trim()
}

fn is_first_line(line: &str) -> bool {
    let version = |word: &str| word.starts_with("HTTP/");
    version(line) || (line.split(' ').count() == 3 && line.rsplit(' ').next().is_some_and(version))
}

/// `Name: value` as headers are written; a URL and a network's name are none.
fn field(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(':')?;
    let name = name.trim_matches('"');
    let token = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b' ' | b'.' | b'/');
    let plain = !name.is_empty() && name.len() <= 40 && name.bytes().all(token);
    let spaced = value.starts_with(' ') || value.is_empty() || known_header(name).is_some();
    (plain && spaced && !value.starts_with("//")).then(|| (name.trim(), value.trim()))
}

/// The headers and bodies inside a recording (HAR), and an object whose members are headers.
fn recorded(json: &str) -> Option<Vec<Piece<'static>>> {
    // Cheap signs first: most documents are neither.
    let lower = || json.to_ascii_lowercase();
    let har = json.contains("\"entries\"") && json.contains("\"log\"");
    if !har && !lower().contains("payment") {
        return None;
    }
    let value: Value = serde_json::from_str(json).ok()?;
    let mut pieces = Vec::new();
    if let Some(entries) = value.pointer("/log/entries").and_then(Value::as_array) {
        for entry in entries.iter().take(PIECES) {
            let text = |pointer: &str| entry.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
            let status = entry.pointer("/response/status").map_or_else(String::new, Value::to_string);
            let first = format!("{} {} → {status}", text("/request/method"), text("/request/url"));
            pieces.push(Piece { what: What::Http { first: first.into(), lines: vec![] }, place: None });
            for side in ["/request/headers", "/response/headers"] {
                for header in entry.pointer(side).and_then(Value::as_array).into_iter().flatten() {
                    let name = header.get("name").and_then(Value::as_str).unwrap_or_default();
                    if let (Some(known), Some(value)) =
                        (known_header(name), header.get("value").and_then(Value::as_str))
                    {
                        let what = What::Header(known, value.to_owned().into());
                        pieces.push(Piece { what, place: Some(format!("header {known}")) });
                    }
                }
            }
            let body = text("/response/content/text");
            if body.trim_start().starts_with(['{', '[']) && body.contains("x402") {
                pieces.push(Piece { what: What::Text(body.into()), place: Some("body".to_owned()) });
            }
        }
        return Some(pieces);
    }
    for (name, value) in value.as_object()? {
        let known = known_header(name)?;
        let what = What::Header(known, value.as_str()?.to_owned().into());
        pieces.push(Piece { what, place: Some(format!("header {known}")) });
    }
    Some(pieces).filter(|pieces| !pieces.is_empty())
}
