//! Addresses that a person could take for one another. Compares what people compare: the characters at the
//! two ends, without regard to upper and lower case.

use tron::Address;

/// How many characters have to agree at the two ends together. By accident this happens once in some ten
/// thousand million pairs; an attacker needs minutes.
const AGREEING: usize = 6;

/// Two different addresses whose first and last Base58 characters agree, at least six of them together (the
/// leading `T`, common to all, not counted).
///
/// Edit distance is not looked at: an address that differs in a few characters and still has a valid checksum
/// either agrees at the ends or can't be made on purpose (the checksum covers the rest).
pub fn looks_alike(one: &Address, other: &Address) -> bool {
    if one == other {
        return false;
    }
    let (one, other) = (one.to_string().to_ascii_lowercase(), other.to_string().to_ascii_lowercase());
    let agreeing = |pairs: &mut dyn Iterator<Item = (u8, u8)>| pairs.take_while(|(a, b)| a == b).count();
    let head = agreeing(&mut one.bytes().zip(other.bytes()).skip(1));
    let tail = agreeing(&mut one.bytes().rev().zip(other.bytes().rev()));
    head + tail >= AGREEING
}
