//! Token amounts: whole numbers of the token's smallest unit, up to 256 bit. Refuses signs, exponents,
//! separators, and anything that would need rounding; never a floating point number.

use alloy_primitives::U256;
use std::fmt;

/// An amount in a token's smallest unit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(U256);

/// Why a text is not an amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    #[error("expected digits, found an empty text")]
    Empty,
    #[error("expected digits only, found {found:?}")]
    Character { found: char },
    #[error("a leading zero is not allowed")]
    LeadingZero,
    #[error("the number is larger than 256 bit")]
    TooLarge,
    #[error("the token has {decimals} decimals, found {found}")]
    TooManyDecimals { decimals: u8, found: usize },
}

impl Amount {
    pub const ZERO: Amount = Amount(U256::ZERO);
    pub const MAX: Amount = Amount(U256::MAX);

    pub const fn from_u64(units: u64) -> Self {
        Self(U256::from_limbs([units, 0, 0, 0]))
    }

    pub fn from_u128(units: u128) -> Self {
        Self(U256::from(units))
    }

    pub const fn from_u256(units: U256) -> Self {
        Self(units)
    }

    pub const fn u256(&self) -> U256 {
        self.0
    }

    /// Reads smallest units as protocol messages carry them: decimal digits, no sign, no leading zero.
    pub fn parse_smallest(text: &str) -> Result<Self, AmountError> {
        if text.len() > 1 && text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(AmountError::LeadingZero);
        }
        digits(text).map(Self)
    }

    /// Reads what a person writes, "0.25" with the token's decimals. Leading zeros are fine here.
    pub fn parse_units(text: &str, decimals: u8) -> Result<Self, AmountError> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        if fraction.len() > usize::from(decimals) {
            return Err(AmountError::TooManyDecimals { decimals, found: fraction.len() });
        }
        if whole.is_empty() && fraction.is_empty() {
            return Err(AmountError::Empty);
        }
        digits(&format!("{whole}{fraction:0<width$}", width = usize::from(decimals))).map(Self)
    }

    /// Whole units with as many decimals as are needed: 250000 with 6 decimals is "0.25".
    pub fn format_units(&self, decimals: u8) -> String {
        let width = usize::from(decimals) + 1;
        let all = format!("{:0>width$}", self.0.to_string());
        let (whole, fraction) = all.split_at(all.len() - usize::from(decimals));
        match fraction.trim_end_matches('0') {
            "" => whole.to_owned(),
            fraction => format!("{whole}.{fraction}"),
        }
    }

    pub fn is_zero(&self) -> bool {
        self.0.is_zero()
    }

    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    pub fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// `self × factor`, saturating: for comparing shares without division.
    pub fn saturating_mul(self, factor: u64) -> Self {
        Self(self.0.saturating_mul(U256::from(factor)))
    }

    /// Whole part of `self ÷ divisor`; `None` when the divisor is zero.
    pub fn checked_div(self, divisor: u64) -> Option<Self> {
        self.0.checked_div(U256::from(divisor)).map(Self)
    }

    /// 32 big-endian bytes: sorts as the number does, so a database can compare it.
    pub fn to_be_bytes(&self) -> [u8; 32] {
        self.0.to_be_bytes()
    }

    pub fn from_be_bytes(bytes: [u8; 32]) -> Self {
        Self(U256::from_be_bytes(bytes))
    }
}

fn digits(text: &str) -> Result<U256, AmountError> {
    if text.is_empty() {
        return Err(AmountError::Empty);
    }
    if let Some(found) = text.chars().find(|c| !c.is_ascii_digit()) {
        return Err(AmountError::Character { found });
    }
    U256::from_str_radix(text, 10).map_err(|_| AmountError::TooLarge)
}

impl fmt::Display for Amount {
    /// Smallest units, as the wire carries them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_written_and_read_without_loss() {
        for (text, decimals, smallest) in [
            ("0.25", 6, "250000"),
            ("1", 6, "1000000"),
            ("0", 18, "0"),
            ("12.000000000000000001", 18, "12000000000000000001"),
            ("7", 0, "7"),
        ] {
            let amount = Amount::parse_units(text, decimals).unwrap();
            assert_eq!(amount.to_string(), smallest);
            assert_eq!(amount.format_units(decimals), text);
        }
    }

    #[test]
    fn what_is_no_whole_number_is_refused_with_its_reason() {
        for (text, error) in [
            ("", AmountError::Empty),
            ("-1", AmountError::Character { found: '-' }),
            ("+1", AmountError::Character { found: '+' }),
            ("1e6", AmountError::Character { found: 'e' }),
            ("1.0", AmountError::Character { found: '.' }),
            ("1_000", AmountError::Character { found: '_' }),
            ("0x10", AmountError::Character { found: 'x' }),
            ("١", AmountError::Character { found: '١' }),
            ("007", AmountError::LeadingZero),
        ] {
            assert_eq!(Amount::parse_smallest(text), Err(error), "{text}");
        }
        let too_large = format!("1{}", "0".repeat(78));
        assert_eq!(Amount::parse_smallest(&too_large), Err(AmountError::TooLarge));
        assert_eq!(Amount::parse_smallest(&Amount::MAX.to_string()), Ok(Amount::MAX));
        assert_eq!(Amount::parse_units("0.1234567", 6), Err(AmountError::TooManyDecimals { decimals: 6, found: 7 }));
    }
}
