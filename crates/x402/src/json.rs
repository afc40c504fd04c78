//! A JSON reader for hostile documents: a tree that keeps the text of every value. Refuses duplicate keys
//! at any level, nesting past the limit and anything after the document; never turns a number into a
//! floating point value before somebody asks for one.

use crate::{Malformed, limits, malformed::shown};
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value, value::RawValue};
use std::fmt;

/// A value and the exact text it was written as.
#[derive(Clone, Debug)]
pub(crate) struct Node<'a> {
    pub raw: &'a str,
    pub kind: Kind<'a>,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind<'a> {
    Null,
    Bool(bool),
    /// Only in `raw`.
    Number,
    Text(String),
    List(Vec<Node<'a>>),
    Object(Vec<(String, Node<'a>)>),
}

/// Reads one document. `root` is put in front of the paths that errors name, empty for the outermost document.
pub(crate) fn parse<'a>(text: &'a str, root: &str) -> Result<Node<'a>, Malformed> {
    limits::body(text.len())?;
    let field = if root.is_empty() { "document" } else { root };
    let raw: &RawValue = serde_json::from_str(text).map_err(|e| syntax(field, text, &e))?;
    grow(raw.get(), &Path::Root(root), 0)
}

/// The way to a value, written out only where an error names it.
enum Path<'p> {
    Root(&'p str),
    Member(&'p Path<'p>, &'p str),
    Item(&'p Path<'p>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root(root) => f.write_str(root),
            Self::Member(Path::Root(""), key) => f.write_str(&shown(key)),
            Self::Member(of, key) => write!(f, "{of}.{}", shown(key)),
            Self::Item(of, place) => write!(f, "{of}[{place}]"),
        }
    }
}

/// A key that comes twice among these; the first of them in the alphabet.
fn twice<'k>(keys: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let mut keys: Vec<&str> = keys.collect();
    keys.sort_unstable();
    keys.windows(2).find(|two| two[0] == two[1]).map(|two| two[0])
}

fn grow<'a>(raw: &'a str, path: &Path<'_>, depth: usize) -> Result<Node<'a>, Malformed> {
    let here = || match path {
        Path::Root("") => "document".to_owned(),
        path => path.to_string(),
    };
    let kind = match raw.as_bytes().first() {
        Some(b'{' | b'[') if depth == limits::DEPTH => {
            let expected = format!("objects and lists nested at most {} deep", limits::DEPTH);
            return Err(Malformed::new(here(), &format!("{} levels", depth + 1), expected));
        }
        Some(b'{') => {
            let Pairs(pairs) = Pairs::read(raw).map_err(|e| syntax(&here(), raw, &e))?;
            if let Some(key) = twice(pairs.iter().map(|(key, _)| key.as_str())) {
                let key = Path::Member(path, key).to_string();
                return Err(Malformed::new(key, "the same key again", "every key once"));
            }
            let mut members = Vec::with_capacity(pairs.len());
            for (key, value) in pairs {
                let node = grow(value.get(), &Path::Member(path, &key), depth + 1)?;
                members.push((key, node));
            }
            Kind::Object(members)
        }
        Some(b'[') => {
            let Items(items) = Items::read(raw).map_err(|e| syntax(&here(), raw, &e))?;
            let mut list = Vec::with_capacity(items.len());
            for (i, item) in items.into_iter().enumerate() {
                list.push(grow(item.get(), &Path::Item(path, i), depth + 1)?);
            }
            Kind::List(list)
        }
        Some(b'"') => Kind::Text(serde_json::from_str(raw).map_err(|e| syntax(&here(), raw, &e))?),
        Some(b't') => Kind::Bool(true),
        Some(b'f') => Kind::Bool(false),
        Some(b'n') => Kind::Null,
        _ => Kind::Number,
    };
    Ok(Node { raw, kind })
}

/// What serde_json found, with the place and the text there.
fn syntax(field: &str, text: &str, error: &serde_json::Error) -> Malformed {
    if text.trim().is_empty() {
        return Malformed::new(field, "an empty text", "a JSON document");
    }
    let message = error.to_string();
    let reason = message.split(" at line ").next().unwrap_or_default();
    let (line, column) = (error.line(), error.column());
    let place = format!("line {line}, column {column}");
    if error.is_eof() {
        return Malformed::new(
            field,
            &format!("the end of the text at {place}"),
            format!("the rest of the JSON ({reason})"),
        );
    }
    let there = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    let start = (0..=column.saturating_sub(1).min(there.len())).rev().find(|i| there.is_char_boundary(*i)).unwrap_or(0);
    let excerpt: String = there.get(start..).unwrap_or_default().chars().take(24).collect();
    let expected = if reason == "trailing characters" {
        "nothing after the JSON document".to_owned()
    } else {
        format!("valid JSON ({reason})")
    };
    Malformed::new(field, &format!("{excerpt:?} at {place}"), expected)
}

struct Pairs<'a>(Vec<(String, &'a RawValue)>);
struct Items<'a>(Vec<&'a RawValue>);

impl<'a> Pairs<'a> {
    fn read(raw: &'a str) -> serde_json::Result<Self> {
        serde_json::Deserializer::from_str(raw).deserialize_map(PairsVisitor)
    }
}

impl<'a> Items<'a> {
    fn read(raw: &'a str) -> serde_json::Result<Self> {
        serde_json::Deserializer::from_str(raw).deserialize_seq(ItemsVisitor)
    }
}

struct PairsVisitor;
struct ItemsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Pairs(pairs))
    }
}

impl<'de> Visitor<'de> for ItemsVisitor {
    type Value = Items<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Items(items))
    }
}

impl<'a> Node<'a> {
    /// The member of an object; `None` for other kinds.
    pub fn get(&self, name: &str) -> Option<&Node<'a>> {
        match &self.kind {
            Kind::Object(members) => members.iter().find(|(key, _)| key == name).map(|(_, node)| node),
            _ => None,
        }
    }

    pub fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Null)
    }

    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// For showing: a number that neither 64 bit nor a double holds becomes its own text.
    pub fn value(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(b) => Value::Bool(*b),
            Kind::Number => number(self.raw),
            Kind::Text(text) => Value::String(text.clone()),
            Kind::List(items) => Value::Array(items.iter().map(Node::value).collect()),
            Kind::Object(members) => Value::Object(members.iter().map(|(k, v)| (k.clone(), v.value())).collect()),
        }
    }
}

fn number(raw: &str) -> Value {
    let whole = !raw.contains(['.', 'e', 'E']);
    let exact = if whole {
        raw.parse::<u64>().map(Number::from).or_else(|_| raw.parse::<i64>().map(Number::from)).ok()
    } else {
        raw.parse::<f64>().ok().and_then(Number::from_f64)
    };
    exact.map_or_else(|| Value::String(raw.to_owned()), Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_keeps_its_own_text() {
        let node = parse(" {\"a\" : [ 1 , {\"b\":1e999, \"c\":null} ] }\n", "").unwrap();
        assert_eq!(node.raw, "{\"a\" : [ 1 , {\"b\":1e999, \"c\":null} ] }");
        assert_eq!(node.get("a").unwrap().raw, "[ 1 , {\"b\":1e999, \"c\":null} ]");
        assert_eq!(node.value(), serde_json::json!({"a": [1, {"b": "1e999", "c": null}]}));
        let big = parse("340282366920938463463374607431768211455", "").unwrap();
        assert_eq!(big.value(), Value::String("340282366920938463463374607431768211455".into()));
    }

    #[test]
    fn a_key_twice_is_found_wherever_it_hides() {
        for (text, field) in [(r#"{"a":1,"a":2}"#, "a"), (r#"{"x":[{"y":{"a":1,"\u0061":1}}]}"#, "x[0].y.a")] {
            let error = parse(text, "").unwrap_err();
            assert_eq!((error.field.as_str(), error.found.as_str()), (field, "the same key again"));
        }
    }

    #[test]
    fn nesting_stops_at_the_limit() {
        let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(parse(&nested(limits::DEPTH), "").is_ok());
        let error = parse(&nested(limits::DEPTH + 1), "").unwrap_err();
        assert_eq!(error.found, "17 levels");
        assert!(parse(&nested(30_000), "").is_err());
    }
}
