//! Addresses, right and nearly right: what one is, or which of its characters can't be and where.

use super::lines::{self, Lines};
use super::odd::{NOTE, STOP, WARN, found};
use super::shapes::{KindView, PartView, TriedView};
use tron::{Address, AddressError, Network, token};

/// The length of a Base58 address, and how far a slip may change it.
const BASE58: usize = 34;
const SLIP: usize = 4;

pub(super) fn address(address: Address) -> PartView {
    let mut lines = Lines::default();
    lines.group("address");
    lines.add("base58", address);
    lines.add("hex-evm", address.to_evm_hex());
    lines.add("hex-41", address.to_hex41());
    let mut findings = Vec::new();
    lines.group("known as");
    for network in Network::ALL {
        if let Some(name) = lines::named(network, address) {
            let line = lines.add(network.label(), name);
            if let Some(token) = token::lookup(network, address) {
                line.remark(format!("{} decimals", token.decimals));
            }
        }
        if let Some(role @ tron::registry::Role::Superseded(_)) = tron::registry::role(network, address) {
            findings.push(found("contractSuperseded", STOP, &[("what", &lines::role_name(role))]));
        }
    }
    if address.is_zero() {
        findings.push(found("addressZero", WARN, &[]));
    } else if Network::ALL.into_iter().all(|n| lines::named(n, address).is_none()) {
        findings.push(found("addressUnknown", NOTE, &[]));
    }
    let title = "A TRON address; its checksum is right.".to_owned();
    PartView { findings, groups: lines.done(), ..super::part(KindView::Address, title, "") }
}

/// An address as it was pasted: without the quotes and stops around it, 20 bytes of hex also without `0x`.
pub(super) fn read(text: &str) -> Option<Address> {
    let text = inside(text);
    // 40 digits that begin with 41 may also be the longer form with two digits lost.
    let bare = text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit()) && !text.starts_with("41");
    let hex = text.strip_prefix("0X").map(|digits| format!("0x{digits}")).or(bare.then(|| format!("0x{text}")));
    Address::parse(hex.as_deref().unwrap_or(text)).ok()
}

fn inside(text: &str) -> &str {
    let unseen = |c: char| c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}');
    let text = text.trim_matches(unseen).trim_matches(['"', '\'', '`', ',', '.', ';', '<', '>', '(', ')', '[', ']']);
    text.strip_prefix("tron:").filter(|rest| rest.starts_with('T')).unwrap_or(text)
}

/// An address with a slip in it: what is wrong, at which character, counted from 1.
pub(super) fn wrong(text: &str) -> Option<TriedView> {
    let text = inside(text);
    let characters = text.chars().count();
    let near = |length: usize| (length.saturating_sub(SLIP)..=length + SLIP).contains(&characters);
    let plain = text.chars().filter(char::is_ascii_alphanumeric).count() + SLIP > characters;
    let digits = text.chars().filter(char::is_ascii_hexdigit).count() + SLIP > characters;
    let (form, expected) = match text.chars().next()? {
        _ if !plain || text.contains(char::is_whitespace) => return None,
        _ if near(42) && digits && text.starts_with("41") => (Form::Hex, "41 and 40 hex digits"),
        _ if near(42) && digits && (text.starts_with("0x") || text.starts_with("0X")) => {
            (Form::Hex, "0x and 40 hex digits")
        }
        // Also the letters that look like it: Cyrillic, Greek, full width.
        'T' | 't' | '\u{422}' | '\u{3a4}' | '\u{ff34}' if near(BASE58) => (Form::Base58, "T and 33 Base58 characters"),
        _ => return None,
    };
    let said = match (form, slip(text, form), Address::parse(text)) {
        (_, Some((at, character)), _) => told(at, character, form),
        (_, None, Err(AddressError::Length { .. })) => format!("{characters} characters"),
        (_, None, Err(e)) => e.to_string(),
        (_, None, Ok(_)) => return None,
    };
    let expected = match form {
        Form::Base58 if slip(text, form).is_none() && characters == BASE58 => {
            "an address whose checksum matches: it was mistyped, altered or cut together".to_owned()
        }
        _ => expected.to_owned(),
    };
    Some(super::tried("a TRON address", text, &said, &expected))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Base58,
    Hex,
}

/// The first character that can't be in an address of this form, with its place.
fn slip(text: &str, form: Form) -> Option<(usize, char)> {
    let belongs = |(at, c): (usize, char)| match form {
        Form::Base58 if at == 0 => c == 'T',
        Form::Base58 => c.is_ascii_alphanumeric() && !matches!(c, '0' | 'O' | 'I' | 'l'),
        Form::Hex => c.is_ascii_hexdigit() || (at == 1 && matches!(c, 'x' | 'X')),
    };
    text.chars().enumerate().find(|one| !belongs(*one)).map(|(at, c)| (at + 1, c))
}

fn told(at: usize, character: char, form: Form) -> String {
    let shown = match character {
        c if c.is_ascii_graphic() => format!("{c:?}"),
        c if c.is_alphanumeric() => format!("{c:?} (U+{:04X}, a letter of another alphabet)", u32::from(c)),
        c => format!("U+{:04X}", u32::from(c)),
    };
    let why = match (form, character) {
        (Form::Base58, '0' | 'O' | 'I' | 'l') => ": Base58 has no 0, O, I and l",
        (Form::Base58, 't') if at == 1 => ": an address begins with a capital T",
        (Form::Hex, _) => ", which is no hex digit",
        _ => "",
    };
    format!("character {at} is {shown}{why}")
}
