//! A node's answer told member by member: each by what it holds, what holds something else with a note, what no table
//! has as it stands there. Bounded, whatever came: so many entries of a list, so many notes.

use crate::inspect::lines::{Around, Line, Lines};
use crate::inspect::odd::{WARN, found};
use crate::inspect::transactions::trx;
use crate::{FindingView, question::quoted};
use serde_json::{Map, Value};
use tron::Address;
use tron::foreign::{ForeignTransaction, spelling};

/// Entries of a list that are told; of the others their number is.
pub(super) const ENTRIES: usize = 24;
/// Members of which it is said that they hold something else.
const WRONG: usize = 6;
/// Levels of an answer that are shown of a member that is not known; the document has them all.
const SHOWN: usize = 300;

/// What a member holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum As {
    Address,
    /// Who made a block: in the first one of a chain words stand in place of an address.
    Maker,
    /// An amount of TRX in sun.
    Sun,
    /// A whole number of something.
    Count(&'static str),
    Millis,
    /// The time of a JSON-RPC answer, in seconds.
    Seconds,
    /// Foreign words.
    Text,
    /// Foreign words that some doors write as hex.
    Words,
    /// A code of the node API, which the catalogue explains.
    Code,
    Flag,
    /// Bytes in hex.
    Hex,
    /// Told by the shape's own function.
    Own,
}

/// A member of an answer, and the key of its words.
#[derive(Debug)]
pub(super) struct Member {
    pub name: &'static str,
    pub key: &'static str,
    pub holds: As,
}

pub(super) const fn member(name: &'static str, key: &'static str, holds: As) -> Member {
    Member { name, key, holds }
}

impl As {
    const fn expected(self) -> &'static str {
        match self {
            Self::Address | Self::Maker => "an address",
            Self::Sun | Self::Count(_) => "a whole number",
            Self::Millis => "a time in milliseconds",
            Self::Seconds => "a time in seconds",
            Self::Text | Self::Words | Self::Code => "a text",
            Self::Flag => "true or false",
            Self::Hex => "hex",
            Self::Own => "what stands there in a node's answer",
        }
    }

    /// Whether a value can be what this member holds.
    pub fn fits(self, value: &Value) -> bool {
        match self {
            Self::Address => value.as_str().and_then(spelling::address).is_some(),
            Self::Sun | Self::Count(_) | Self::Millis | Self::Seconds => number(value).is_some(),
            Self::Text | Self::Words | Self::Maker => value.is_string(),
            Self::Code => value.as_str().is_some_and(|code| code_words(code).is_some()),
            Self::Flag => value.is_boolean(),
            Self::Hex => value.as_str().and_then(spelling::bytes).is_some(),
            Self::Own => true,
        }
    }
}

/// A whole number in any spelling: JSON's own, a text, a quantity of JSON-RPC.
pub(super) fn number(value: &Value) -> Option<i128> {
    match value {
        Value::Number(number) => number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from)),
        Value::String(text) => match text.strip_prefix("0x") {
            Some(digits) if digits.bytes().all(|b| b.is_ascii_hexdigit()) => i128::from_str_radix(digits, 16).ok(),
            Some(_) => None,
            None => text.parse().ok(),
        },
        _ => None,
    }
}

/// A member that is there and not null.
pub(super) fn at<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    value.get(name).filter(|value| !value.is_null())
}

pub(super) fn int(value: &Value, name: &str) -> i128 {
    at(value, name).and_then(number).unwrap_or(0)
}

pub(super) fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    at(value, name)?.as_str()
}

pub(super) fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    at(value, name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// "1 receipt", "2 receipts".
pub(super) fn count(number: usize, one: &str) -> String {
    format!("{number} {one}{}", if number == 1 { "" } else { "s" })
}

/// TRX in whole units.
pub(super) fn money(sun: i128) -> String {
    i64::try_from(sun).map_or_else(|_| format!("{sun} sun"), trx)
}

/// Foreign words at the end of a sentence of ours.
pub(super) fn closing(words: &str) -> String {
    format!("“{}”", quoted(words.trim_end_matches(['.', ' ', '\n']), 200))
}

/// What a code of the node API means.
pub(super) fn code_words(code: &str) -> Option<String> {
    crate::words::find(&format!("code-{code}"), &[])
}

/// An answer while it is told.
#[derive(Default)]
pub(in crate::inspect) struct Teller {
    pub lines: Lines,
    pub findings: Vec<FindingView>,
    pub around: Around,
    /// The transaction inside the answer.
    pub inner: Option<Box<ForeignTransaction>>,
    wrong: usize,
}

impl Teller {
    pub fn new(around: Around) -> Self {
        Self { around, ..Self::default() }
    }

    pub fn group(&mut self, name: impl Into<String>) -> &mut Lines {
        self.lines.group(name)
    }

    /// The members of an object: those of the table in its order, then the others as they stand there.
    pub(super) fn members(&mut self, value: &Value, table: &[Member]) {
        let Some(members) = value.as_object() else {
            return self.wrong("", value, "an object");
        };
        for row in table {
            if let Some(value) = members.get(row.name).filter(|value| !value.is_null()) {
                self.member(row, value);
            }
        }
        self.rest(members, table);
    }

    /// One member; answers its line where it has one.
    pub(super) fn member(&mut self, row: &Member, value: &Value) {
        let around = Around { now: None, ..self.around };
        let string = || value.as_str().unwrap_or_default();
        match row.holds {
            As::Own => {}
            holds if !holds.fits(value) && !matches!(holds, As::Code) => self.wrong(row.name, value, holds.expected()),
            As::Maker if !As::Address.fits(value) => {
                self.lines.add(row.key, spelling::words(string())).remark("words in place of an address");
            }
            As::Address | As::Maker => {
                if let Some(address) = spelling::address(string()) {
                    self.address(row.key, address);
                }
            }
            As::Sun => {
                let sun = number(value).unwrap_or(0);
                self.lines.add(row.key, money(sun)).also(sun);
            }
            As::Count(unit) => {
                let count = number(value).unwrap_or(0);
                let space = if unit.is_empty() { "" } else { " " };
                self.lines.add(row.key, format!("{count}{space}{unit}"));
            }
            As::Millis | As::Seconds => {
                let unit = if matches!(row.holds, As::Millis) { 1000 } else { 1 };
                let seconds = u64::try_from(number(value).unwrap_or(0) / unit).unwrap_or(0);
                self.lines.time(row.key, seconds, around, false);
            }
            As::Text => {
                self.lines.add(row.key, string());
            }
            As::Words => {
                self.lines.add(row.key, spelling::words(string()));
            }
            As::Code => match value.as_str() {
                Some(code) => {
                    let line = self.lines.add(row.key, code);
                    if let Some(words) = code_words(code) {
                        line.remark(words);
                    }
                }
                None => self.wrong(row.name, value, row.holds.expected()),
            },
            As::Flag => {
                self.lines.add(row.key, value);
            }
            As::Hex => {
                let bytes = string().trim_start_matches("0x").len() / 2;
                let line = self.lines.add(row.key, string());
                if bytes > 32 {
                    line.remark(format!("{bytes} bytes"));
                }
            }
        }
    }

    /// An address with what it is on the network, or on the one that has a contract of this name.
    pub fn address(&mut self, key: &str, address: Address) -> Line<'_> {
        self.lines.address(key, address, Around { token: None, ..self.around })
    }

    /// A member that holds something else than a node writes there.
    pub fn wrong(&mut self, name: &str, value: &Value, expected: &str) {
        let name = if name.is_empty() { "the answer" } else { name };
        let said = short(value);
        self.lines.add("member", &said).label(name).remark(format!("expected {expected}")).weight(WARN);
        self.wrong += 1;
        if self.wrong <= WRONG {
            let args = [("member", name), ("found", &said), ("expected", expected)];
            self.findings.push(found("memberWrong", WARN, &args));
        }
    }

    /// A list that may be absent; anything else in its place is told.
    pub fn list<'v>(&mut self, value: &'v Value, name: &str) -> &'v [Value] {
        match at(value, name) {
            None => &[],
            Some(Value::Array(items)) => items,
            Some(other) => {
                self.wrong(name, other, "a list");
                &[]
            }
        }
    }

    /// The first entries of a list, and a line about the others.
    pub fn some<'v>(&mut self, items: &'v [Value], what: &str) -> &'v [Value] {
        let more = items.len().saturating_sub(ENTRIES);
        if more > 0 {
            self.lines.add("more", format!("{more} more {what}")).remark("not told one by one: the document has them");
        }
        items.get(..ENTRIES).unwrap_or(items)
    }

    /// Members that no table has.
    fn rest(&mut self, members: &Map<String, Value>, table: &[Member]) {
        let known = |name: &str| table.iter().any(|row| row.name == name);
        let empty = |value: &Value| match value {
            Value::Null => true,
            Value::Array(items) => items.is_empty(),
            Value::Object(members) => members.is_empty(),
            _ => false,
        };
        for (name, value) in members.iter().filter(|(name, value)| !known(name) && !empty(value)) {
            self.lines.add("member", short(value)).label(&name.replace('_', " "));
        }
    }
}

/// A value as it stands there, cut.
pub(super) fn short(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    quoted(&text, SHOWN)
}
