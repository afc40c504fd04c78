//! TRON addresses. Verifies the Base58Check checksum always; refuses mixed or partial forms.

use alloy_primitives::Address as EvmAddress;
use std::{fmt, str::FromStr};

/// The network byte in front of the 20 bytes, in the 21-byte forms.
const PREFIX: u8 = 0x41;

/// A TRON account or contract: 20 bytes, shown as Base58Check of `0x41 ‖ 20 bytes` (34 characters).
///
/// One canonical form inside; [`Address::parse`] reads the three forms that occur on the wire.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address([u8; 20]);

/// Why a text is not an address. Holds facts only, never a guess at what was meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("expected 34 Base58 characters, 41 + 40 hex or 0x + 40 hex, found {found} characters")]
    Length { found: usize },
    #[error("character {found:?} does not belong in an address")]
    Character { found: char },
    #[error("the checksum does not match: the address was mistyped or altered")]
    Checksum,
    #[error("expected network byte 41, found {found:02x}")]
    Prefix { found: u8 },
}

impl Address {
    /// The zero address, `T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb`.
    pub const ZERO: Address = Address([0; 20]);

    /// Reads Base58Check (`T…`), `41` + 40 hex digits or `0x` + 40 hex digits.
    ///
    /// The network byte is stripped from 21-byte values only: some contracts' own 20 bytes begin with `0x41`.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        if let Some(digits) = text.strip_prefix("0x") {
            // `0x41` + 40 hex is the same 21-byte form with a prefix; SDKs emit it.
            return match digits.len() {
                40 => hex20(digits),
                42 => Self::from_hex21(digits),
                _ => Err(AddressError::Length { found: text.len() }),
            };
        }
        match text.len() {
            34 => Self::from_base58(text),
            42 => Self::from_hex21(text),
            found => Err(AddressError::Length { found }),
        }
    }

    fn from_base58(text: &str) -> Result<Self, AddressError> {
        use bs58::decode::Error;
        let bytes = bs58::decode(text).with_check(None).into_vec().map_err(|e| match e {
            Error::InvalidCharacter { character, .. } => AddressError::Character { found: character },
            Error::NonAsciiCharacter { .. } => AddressError::Character { found: '\u{fffd}' },
            Error::InvalidChecksum { .. } => AddressError::Checksum,
            _ => AddressError::Length { found: text.len() },
        })?;
        match <[u8; 21]>::try_from(bytes.as_slice()) {
            Ok([PREFIX, rest @ ..]) => Ok(Self(rest)),
            Ok([found, ..]) => Err(AddressError::Prefix { found }),
            Err(_) => Err(AddressError::Length { found: text.len() }),
        }
    }

    fn from_hex21(digits: &str) -> Result<Self, AddressError> {
        match digits.strip_prefix("41") {
            Some(rest) => hex20(rest),
            None => {
                let found = digits.get(..2).and_then(|p| u8::from_str_radix(p, 16).ok());
                Err(found.map_or(AddressError::Length { found: digits.len() }, |found| AddressError::Prefix { found }))
            }
        }
    }

    pub const fn from_bytes(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    /// The 20 bytes used in TIP-712 data and ABI calls.
    pub const fn bytes(&self) -> &[u8; 20] {
        &self.0
    }

    pub fn evm(&self) -> EvmAddress {
        EvmAddress::from(self.0)
    }

    pub fn is_zero(&self) -> bool {
        self.0 == [0; 20]
    }

    /// `41` + 40 lower-case hex digits, the node API's form without `visible`.
    pub fn to_hex41(&self) -> String {
        format!("41{}", hex::encode(self.0))
    }

    /// The 21 bytes that protobuf messages carry.
    pub fn to_bytes21(&self) -> [u8; 21] {
        let mut out = [PREFIX; 21];
        out[1..].copy_from_slice(&self.0);
        out
    }

    pub fn from_bytes21(bytes: &[u8]) -> Result<Self, AddressError> {
        match <[u8; 21]>::try_from(bytes) {
            Ok([PREFIX, rest @ ..]) => Ok(Self(rest)),
            Ok([found, ..]) => Err(AddressError::Prefix { found }),
            Err(_) => Err(AddressError::Length { found: bytes.len() }),
        }
    }

    /// `0x` + 40 lower-case hex digits.
    pub fn to_evm_hex(&self) -> String {
        format!("0x{}", hex::encode(self.0))
    }
}

fn hex20(digits: &str) -> Result<Address, AddressError> {
    let mut out = [0; 20];
    hex::decode_to_slice(digits, &mut out).map_err(|e| match e {
        hex::FromHexError::InvalidHexCharacter { c, .. } => AddressError::Character { found: c },
        _ => AddressError::Length { found: digits.len() },
    })?;
    Ok(Address(out))
}

impl From<EvmAddress> for Address {
    fn from(evm: EvmAddress) -> Self {
        Self(evm.into_array())
    }
}

impl FromStr for Address {
    type Err = AddressError;
    fn from_str(text: &str) -> Result<Self, AddressError> {
        Self::parse(text)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&bs58::encode(self.to_bytes21()).with_check().into_string())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USDT: &str = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t";

    #[test]
    fn the_three_written_forms_are_one_address() {
        let base58 = Address::parse(USDT).unwrap();
        for form in [base58.to_hex41(), base58.to_evm_hex(), format!("0x{}", base58.to_hex41())] {
            assert_eq!(Address::parse(&form), Ok(base58), "{form}");
        }
        assert_eq!(base58.to_string(), USDT);
    }

    #[test]
    fn one_wrong_character_is_noticed() {
        assert_eq!(Address::parse("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6u"), Err(AddressError::Checksum));
        assert_eq!(Address::parse("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjL06t"), Err(AddressError::Character { found: '0' }));
        assert_eq!(Address::parse(""), Err(AddressError::Length { found: 0 }));
        assert_eq!(
            Address::parse("42a614f803b6fd780986a42c78ec9c7f77e6ded13c"),
            Err(AddressError::Prefix { found: 0x42 })
        );
    }

    #[test]
    fn a_contract_whose_own_bytes_begin_with_41_keeps_them() {
        let permit = Address::parse("TFxDcGvS7zfQrS1YzcCMp673ta2NHHzsiH").unwrap();
        assert_eq!(permit.bytes()[0], 0x41);
        assert_eq!(Address::parse(&permit.to_evm_hex()), Ok(permit));
        assert_eq!(Address::parse(&permit.to_hex41()), Ok(permit));
    }
}
