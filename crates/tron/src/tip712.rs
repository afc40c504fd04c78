//! TIP-712 hashing of structs that this program declares itself. TIP-712 is EIP-712 with the full chain id
//! of the TRON network and 20-byte addresses; documents that arrive as JSON are read in [`crate::typed`].
//! Hashes only: it neither signs nor judges what is hashed.

use crate::{Address, Network};
use alloy_primitives::U256;
use alloy_sol_types::{Eip712Domain, SolStruct};
use std::{borrow::Cow, fmt, str::FromStr};

/// The 32 bytes that a signature is made over. A type of its own, so that no other hash is signed by mistake.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

/// Why a text is not a digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 64 hex digits, found {found} characters or one that is no hex digit")]
pub struct DigestError {
    pub found: usize,
}

impl Digest {
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for Digest {
    type Err = DigestError;
    /// Reads 64 hex digits, with or without `0x`.
    fn from_str(text: &str) -> Result<Self, DigestError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text.strip_prefix("0x").unwrap_or(text), &mut bytes)
            .map_err(|_| DigestError { found: text.len() })?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for Digest {
    /// 64 lower-case hex digits without `0x`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The signing domain of a contract. `version` is left out of the domain type when it is `None`, which gives
/// another digest than an empty version would.
pub fn domain(name: &str, version: Option<&str>, network: Network, contract: Address) -> Eip712Domain {
    Eip712Domain::new(
        Some(Cow::Owned(name.to_owned())),
        version.map(|v| Cow::Owned(v.to_owned())),
        Some(U256::from(network.chain_id())),
        Some(contract.evm()),
        None,
    )
}

/// `keccak256(0x1901 ‖ domainSeparator ‖ hashStruct(message))`.
pub fn digest<S: SolStruct>(message: &S, domain: &Eip712Domain) -> Digest {
    Digest(message.eip712_signing_hash(domain).0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_read_with_and_without_its_prefix() {
        let digest = Digest::from_bytes([0xab; 32]);
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert_eq!(format!("0x{digest}").parse(), Ok(digest));
        for text in ["", "0x", "ab", &"g".repeat(64), &"a".repeat(66)] {
            assert_eq!(text.parse::<Digest>(), Err(DigestError { found: text.len() }), "{text}");
        }
    }

    #[test]
    fn a_missing_version_is_not_an_empty_one() {
        let contract = Address::ZERO;
        let without = domain("PaymentPermit", None, Network::Nile, contract);
        let empty = domain("PaymentPermit", Some(""), Network::Nile, contract);
        assert_ne!(without.separator(), empty.separator());
    }
}
