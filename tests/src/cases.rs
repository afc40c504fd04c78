//! Stored hostile input: `tests/data/x402/*.json` and `tests/data/hostile/*.json`, and small deterministic changes
//! of it. A case names the body that it was written for; most bodies have to survive all of them.

use crate::Dice;
use crate::hostile::TARGETS;
use serde_json::{Map, Value, json};
use std::{fs, path::PathBuf};

/// One stored input.
pub struct Case {
    /// Unique within its file.
    pub name: String,
    /// The body that it was written for.
    pub target: String,
    pub bytes: Vec<u8>,
    /// Whether that body has to understand it; `None` where the file says more than yes or no (and another test
    /// compares it).
    pub read: Option<bool>,
}

/// Every stored case of both folders, in a fixed order.
pub fn all() -> Vec<Case> {
    let bases = load("x402/bases.json");
    let mut cases = Vec::new();
    for folder in ["x402", "hostile"] {
        let mut files: Vec<PathBuf> = fs::read_dir(data().join(folder)).unwrap().map(|f| f.unwrap().path()).collect();
        files.sort();
        for file in files {
            let list = load(&format!("{folder}/{}", file.file_name().unwrap().to_str().unwrap()));
            let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
            cases.extend(list.iter().map(|case| Case {
                name: case["name"].as_str().unwrap().to_owned(),
                target: case["as"].as_str().unwrap().to_owned(),
                bytes: input(case, &bases),
                read: case["read"].as_bool(),
            }));
        }
    }
    for case in &cases {
        assert!(TARGETS.iter().any(|(name, _)| *name == case.target), "{}: no body {}", case.name, case.target);
    }
    cases
}

fn data() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "data"].iter().collect()
}

fn load(name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(data().join(name)).unwrap()).unwrap()
}

/// A case's bytes. One of: `text`; `hex` bytes; `repeat` = [before, what, times, after]; or a `base`
/// document with members `set` and `remove`d by JSON pointer, as a header when `header` is true.
fn input(case: &Value, bases: &Value) -> Vec<u8> {
    if let Some(text) = case["text"].as_str() {
        return text.as_bytes().to_vec();
    }
    if let Some(digits) = case["hex"].as_str() {
        let digit = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
        return (0..digits.len()).step_by(2).map(digit).collect();
    }
    if let Some(repeat) = case["repeat"].as_array() {
        let text = |i: usize| repeat[i].as_str().unwrap();
        let times = usize::try_from(repeat[2].as_u64().unwrap()).unwrap();
        return format!("{}{}{}", text(0), text(1).repeat(times), text(3)).into_bytes();
    }
    let mut document = bases[case["base"].as_str().unwrap()].clone();
    for (pointer, value) in case["set"].as_object().unwrap_or(&Map::new()) {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        match document.pointer_mut(parent).unwrap() {
            Value::Array(items) => items[name.parse::<usize>().unwrap()] = value.clone(),
            parent => parent[name] = value.clone(),
        }
    }
    for pointer in case["remove"].as_array().unwrap_or(&Vec::new()) {
        let (parent, name) = pointer.as_str().unwrap().rsplit_once('/').unwrap();
        document.pointer_mut(parent).unwrap().as_object_mut().unwrap().shift_remove(name).unwrap();
    }
    let text = document.to_string();
    if case["header"] == json!(true) { x402::header::write(&text).into_bytes() } else { text.into_bytes() }
}

/// What parsers trip over.
const PIECES: [&[u8]; 20] = [
    b"\"",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"null",
    b"-1",
    b"1e999",
    b"\\ud800",
    b"\\u0000",
    b"\0",
    b"\xff",
    b"\xc0\x80",
    "\u{202e}".as_bytes(),
    "\u{200b}".as_bytes(),
    "\u{1bca1}".as_bytes(),
    b"0x41",
    b"..",
];

/// One to three small changes: a piece put in, a byte flipped, some taken out or doubled, or cut off.
pub fn changed(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut below = |n: usize| usize::try_from(dice.below(n as u64)).unwrap_or_default();
    let mut out = bytes.to_vec();
    for _ in 0..=below(3) {
        let at = below(out.len() + 1);
        let some = (1 + below(40)).min(out.len() - at);
        match below(6) {
            0 => out.truncate(at),
            1 => {
                let piece = PIECES[below(PIECES.len())];
                out.splice(at..at, piece.iter().copied());
            }
            2 => {
                out.drain(at..at + some);
            }
            3 => {
                let again = out[at..at + some].to_vec();
                out.splice(at..at, again);
            }
            4 => {
                let bit = 1 << below(8);
                if let Some(byte) = out.get_mut(at) {
                    *byte ^= bit;
                }
            }
            _ => {
                let digit = b'0' + u8::try_from(below(10)).unwrap_or_default();
                if let Some(byte) = out.get_mut(at) {
                    *byte = digit;
                }
            }
        }
    }
    out
}
