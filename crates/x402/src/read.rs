//! Takes typed fields out of an object: strict about values, null counts as absent, and it remembers what
//! nobody asked for. Refuses with the field's path, what stood there and what belongs there.

use crate::{
    Malformed,
    json::{Kind, Node},
};
use alloy_primitives::U256;
use serde_json::{Map, Value};
use std::cell::RefCell;
use tron::{Address, Amount};

pub(crate) const AMOUNT: &str = "a whole number of the token's smallest unit, as a decimal string";
const SECONDS: &str = "a whole number of seconds";
const NUMBER: &str = "a whole number of up to 256 bit, as a decimal string";

pub(crate) struct Fields<'n, 'a> {
    path: String,
    members: &'n [(String, Node<'a>)],
    /// A dozen names at most, some of them twice.
    asked: RefCell<Vec<&'static str>>,
}

impl<'n, 'a> Fields<'n, 'a> {
    /// The fields of an object at this path; the document itself has the empty path.
    pub fn of(node: &'n Node<'a>, path: impl Into<String>) -> Result<Self, Malformed> {
        let path = path.into();
        match &node.kind {
            Kind::Object(members) => Ok(Self { path, members, asked: RefCell::default() }),
            _ => Err(Malformed::new(if path.is_empty() { "document".into() } else { path }, node.raw, "an object")),
        }
    }

    /// The full path of a field.
    pub fn at(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// `None` when absent or null.
    pub fn get(&self, name: &'static str) -> Option<&'n Node<'a>> {
        self.asked.borrow_mut().push(name);
        self.members.iter().find(|(key, node)| key == name && !node.is_null()).map(|(_, node)| node)
    }

    pub fn need(&self, name: &'static str, expected: &str) -> Result<&'n Node<'a>, Malformed> {
        self.get(name).ok_or_else(|| Malformed::absent(self.at(name), expected))
    }

    pub fn object(&self, name: &'static str) -> Result<Option<Fields<'n, 'a>>, Malformed> {
        self.get(name).map(|node| Fields::of(node, self.at(name))).transpose()
    }

    pub fn need_object(&self, name: &'static str) -> Result<Fields<'n, 'a>, Malformed> {
        Fields::of(self.need(name, "an object")?, self.at(name))
    }

    pub fn text(&self, name: &'static str) -> Result<Option<String>, Malformed> {
        self.map(name, "a string", |node| node.text().map(str::to_owned))
    }

    pub fn need_text(&self, name: &'static str) -> Result<String, Malformed> {
        self.text(name)?.ok_or_else(|| Malformed::absent(self.at(name), "a string"))
    }

    pub fn flag(&self, name: &'static str) -> Result<Option<bool>, Malformed> {
        self.map(name, "true or false", |node| match node.kind {
            Kind::Bool(flag) => Some(flag),
            _ => None,
        })
    }

    /// Money: a decimal string, never a JSON number, which some readers would round.
    pub fn amount(&self, name: &'static str) -> Result<Option<Amount>, Malformed> {
        let Some(node) = self.get(name) else { return Ok(None) };
        let wrong = || Malformed::new(self.at(name), node.raw, AMOUNT);
        let text = node.text().ok_or_else(wrong)?;
        Amount::parse_smallest(text).map(Some).map_err(|_| wrong())
    }

    pub fn need_amount(&self, name: &'static str) -> Result<Amount, Malformed> {
        self.amount(name)?.ok_or_else(|| Malformed::absent(self.at(name), AMOUNT))
    }

    pub fn address(&self, name: &'static str) -> Result<Option<Address>, Malformed> {
        let Some(node) = self.get(name) else { return Ok(None) };
        let text = node.text().ok_or_else(|| Malformed::new(self.at(name), node.raw, "a TRON address"))?;
        Address::parse(text)
            .map(Some)
            .map_err(|e| Malformed::new(self.at(name), node.raw, format!("a TRON address ({e})")))
    }

    pub fn need_address(&self, name: &'static str) -> Result<Address, Malformed> {
        self.address(name)?.ok_or_else(|| Malformed::absent(self.at(name), "a TRON address"))
    }

    /// Seconds: an integer, or its decimal string, as different SDKs send it.
    pub fn seconds(&self, name: &'static str) -> Result<Option<u64>, Malformed> {
        self.map(name, SECONDS, |node| whole(node).and_then(|n| u64::try_from(n).ok()))
    }

    pub fn need_seconds(&self, name: &'static str) -> Result<u64, Malformed> {
        self.seconds(name)?.ok_or_else(|| Malformed::absent(self.at(name), SECONDS))
    }

    /// A number that is no money: decimal string, integer, or `0x` hex.
    pub fn number(&self, name: &'static str) -> Result<Option<U256>, Malformed> {
        self.map(name, NUMBER, |node| match node.text().and_then(|t| t.strip_prefix("0x")) {
            Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit()) => {
                U256::from_str_radix(digits, 16).ok()
            }
            Some(_) => None,
            None => whole(node),
        })
    }

    pub fn need_number(&self, name: &'static str) -> Result<U256, Malformed> {
        self.number(name)?.ok_or_else(|| Malformed::absent(self.at(name), NUMBER))
    }

    /// `0x` and exactly `N` bytes of hex.
    pub fn bytes<const N: usize>(&self, name: &'static str) -> Result<Option<[u8; N]>, Malformed> {
        self.map(name, &format!("0x and {} hex digits", 2 * N), |node| {
            let mut out = [0; N];
            hex::decode_to_slice(node.text()?.strip_prefix("0x")?, &mut out).ok().map(|()| out)
        })
    }

    pub fn need_bytes<const N: usize>(&self, name: &'static str) -> Result<[u8; N], Malformed> {
        self.bytes(name)?.ok_or_else(|| Malformed::absent(self.at(name), format!("0x and {} hex digits", 2 * N)))
    }

    fn map<T>(
        &self,
        name: &'static str,
        expected: &str,
        read: impl FnOnce(&'n Node<'a>) -> Option<T>,
    ) -> Result<Option<T>, Malformed> {
        let Some(node) = self.get(name) else { return Ok(None) };
        read(node).map(Some).ok_or_else(|| Malformed::new(self.at(name), node.raw, expected))
    }

    /// Every field, null ones too.
    pub fn members(&self) -> &'n [(String, Node<'a>)] {
        self.members
    }

    /// What is there and was never asked for.
    pub fn unknown(&self) -> Map<String, Value> {
        let asked = self.asked.borrow();
        let unknown = self.members.iter().filter(|(key, node)| !asked.contains(&key.as_str()) && !node.is_null());
        unknown.map(|(key, node)| (key.clone(), node.value())).collect()
    }
}

/// Decimal digits without sign or leading zero, as a number or as a string.
fn whole(node: &Node<'_>) -> Option<U256> {
    let digits = match &node.kind {
        Kind::Number => node.raw,
        Kind::Text(text) => text,
        _ => return None,
    };
    Amount::parse_smallest(digits).ok().map(|n| n.u256())
}
