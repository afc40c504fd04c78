//! Documents inside a longer text: a log, a mail, a transcript. Cuts out what by its own form may be one, whichever
//! words stand around it. Looks at a text a bounded number of times.

use super::split::{Piece, What, known_header};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::VecDeque;

/// Places of one text at which a document may begin, and values inside one document that are looked at.
const TRIES: usize = 256;
const VALUES: usize = 4096;
const DEPTH: usize = 16;
/// From here on letters and digits in a row may be base64 of a document, or a transaction in hex.
const LONG: usize = 40;

/// Everything in the text that may be a document, each with the line that it stands in.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let (mut at, mut line, mut tries) = (0, 1, 0);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty() && tries < TRIES) {
        let Some(first) = rest.chars().next() else { break };
        if first == '{' {
            tries += 1;
            let mut values = serde_json::Deserializer::from_str(rest).into_iter::<&RawValue>();
            if let Some(Ok(raw)) = values.next() {
                let end = values.byte_offset();
                found.push(Piece { what: What::Text(raw.get().into()), place: Some(format!("line {line}")) });
                line += rest.get(..end).map_or(0, |inside| inside.matches('\n').count());
                at += end;
                continue;
            }
        }
        if is_word(first) {
            let end = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
            let (word, _) = rest.split_at(end);
            if let Some(piece) = of_word(word, text.get(..at).unwrap_or_default(), line) {
                tries += 1;
                found.push(piece);
            }
            at += end;
            continue;
        }
        if first == '\n' {
            line += 1;
        }
        at += first.len_utf8();
    }
    found
}

/// What base64 in both alphabets, hex and addresses consist of.
fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_' | '=')
}

fn of_word<'a>(word: &'a str, before: &str, line: usize) -> Option<Piece<'a>> {
    // `payment-required=eyJ…`: the name and its value are one word.
    let (name, word) = match word.find('=').map(|at| word.split_at(at)) {
        Some((name, value)) if known_header(name).is_some() => (Some(name), value.trim_start_matches('=')),
        _ => (None, word),
    };
    let before = before.trim_end_matches([' ', '\t', ':', '=', '"', '\'', '>', '\\']);
    let name = name.or_else(|| before.rsplit(|c: char| !is_word(c)).next()).and_then(known_header);
    let digits = word.strip_prefix("0x").unwrap_or(word);
    let hex = digits.len() >= LONG && digits.bytes().all(|b| b.is_ascii_hexdigit());
    let base64 = word.len() >= LONG && word.starts_with("eyJ");
    let address = word.len() == 34 && word.starts_with('T');
    let place = Some(format!("line {line}"));
    match name {
        Some(name) if word.len() >= 8 => {
            Some(Piece { what: What::Header(name, word.into()), place: Some(format!("header {name}")) })
        }
        _ => (hex || base64 || address).then(|| Piece { what: What::Text(word.into()), place }),
    }
}

/// Every object inside a JSON document that `is_one` knows, also in texts that are JSON, with its path. Nothing is
/// looked for inside one that was found.
pub(super) fn inside(json: &str, is_one: impl Fn(&Value) -> bool) -> Vec<Piece<'static>> {
    let Ok(tron::Unique(root)) = serde_json::from_str::<tron::Unique<true>>(json) else { return vec![] };
    let mut queue = VecDeque::from([(String::new(), root, 0)]);
    let (mut found, mut left) = (Vec::new(), VALUES);
    while let Some((path, value, depth)) = queue.pop_front() {
        if left == 0 || depth > DEPTH {
            break;
        }
        left -= 1;
        let value = match value {
            Value::String(text) if text.trim_start().starts_with(['{', '[']) => {
                match serde_json::from_str::<tron::Unique<true>>(&text) {
                    Ok(tron::Unique(value)) => value,
                    Err(_) => continue,
                }
            }
            Value::String(text) if text.len() >= LONG && text.starts_with("eyJ") => {
                match x402::header::read(&text).ok().and_then(|json| serde_json::from_str(&json).ok()) {
                    Some(value) => value,
                    None => continue,
                }
            }
            value => value,
        };
        if !path.is_empty() && is_one(&value) {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            found.push(Piece { what: What::Text(text.into()), place: Some(path) });
            continue;
        }
        match value {
            Value::Object(members) => {
                let at = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                queue.extend(members.into_iter().map(|(name, value)| (at(&name), value, depth + 1)));
            }
            Value::Array(items) => {
                let items = items.into_iter().enumerate();
                queue.extend(items.map(|(i, value)| (format!("{path}[{i}]"), value, depth + 1)));
            }
            _ => {}
        }
    }
    found
}

/// A transcript of `curl -v` without its marks: `>` and `<` in front of what went out and came in, `*` in front of
/// curl's own words. `None` where the text is none.
pub(super) fn unmarked(text: &str) -> Option<String> {
    let marked = |line: &str| ["< HTTP/", "> HTTP/"].iter().any(|mark| line.starts_with(mark));
    if !text.lines().any(|line| marked(line.trim_start())) {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let line = line.trim_start();
        let own = line.starts_with("* ") || line == "*" || progress(line);
        if own {
            continue;
        }
        let inner = line.strip_prefix("< ").or_else(|| line.strip_prefix("> ")).unwrap_or(line);
        out.push_str(if matches!(inner.trim_end(), "<" | ">") { "" } else { inner });
        out.push('\n');
    }
    Some(out)
}

/// What curl writes about its progress: `{ [5 bytes data]`, and the table of its meter.
fn progress(line: &str) -> bool {
    (line.starts_with(['{', '}']) && line.trim_end().ends_with("bytes data]"))
        || line.starts_with("% Total")
        || line.starts_with("Dload  Upload")
        || (line.contains("--:--:--") && line.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_log_are_left_alone_and_documents_in_it_are_found_with_their_lines() {
        let text = "2026-11-29 [INFO] {not json}\nwarn got {\"a\":\n1} then\npayment-required=eyJhIjoxfQ== end";
        let found: Vec<_> = pieces(text).into_iter().map(|piece| piece.place.unwrap()).collect();
        assert_eq!(found, ["line 2", "header PAYMENT-REQUIRED"]);
    }

    #[test]
    fn a_text_made_to_be_slow_is_given_up() {
        let open = "{\"a\":".repeat(20_000);
        assert!(pieces(&open).is_empty());
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        assert!(inside(&deep, |_| true).len() <= 1);
    }

    #[test]
    fn marks_of_a_transcript_are_taken_off_and_other_texts_left_as_they_are() {
        let text = "* Trying\n> GET / HTTP/1.1\n>\n{ [5 bytes data]\n< HTTP/1.1 402 X\n< a: b\n< \n{}";
        assert_eq!(unmarked(text).as_deref(), Some("GET / HTTP/1.1\n\nHTTP/1.1 402 X\na: b\n\n{}\n"));
        assert_eq!(unmarked("< a: b\n"), None);
    }
}
