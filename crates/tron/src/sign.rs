//! secp256k1 keys and signatures as TRON uses them: RFC 6979, low s, v 27 or 28, signer found by recovery.
//! Refuses signatures out of range. Needs no randomness: the same key and digest give the same signature.

use crate::{Address, Digest};
use alloy_primitives::keccak256;
use k256::ecdsa::{Signature as Ecdsa, SigningKey, VerifyingKey, hazmat::SignPrimitive};
use sha2::Sha256;
use std::fmt;
use zeroize::Zeroizing;

/// 65 bytes `r ‖ s ‖ v`, always in range: r and s are neither zero nor above the curve order, v is 27 or 28.
/// High s is a valid signature on chain and therefore readable; [`Signature::is_low_s`] tells it apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signature {
    r: [u8; 32],
    s: [u8; 32],
    v: u8,
}

/// Why bytes or a text are not a signature.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("expected 65 bytes (130 hex digits), found {found} {unit}")]
    Length { found: usize, unit: &'static str },
    #[error("character {found:?} is no hex digit")]
    Character { found: char },
    #[error("{part} is zero or not below the curve order")]
    OutOfRange { part: &'static str },
    #[error("expected v 27 or 28, found {found}")]
    RecoveryId { found: u8 },
}

/// The bytes are no private key. Says nothing else about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a private key is 32 bytes, not zero and below the curve order")]
pub struct KeyError;

/// Why a text is no private key. Says how much was found and never what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyTextError {
    #[error("a private key is 64 hex digits, with or without 0x; {found} were found")]
    Digits { found: usize },
    #[error("a private key is 64 hex digits, with or without 0x; {digits} were found, and {others} other characters")]
    Characters { digits: usize, others: usize },
    #[error("these 64 hex digits are zero or not below the curve order: no account has such a key")]
    OutOfRange,
}

impl Signature {
    /// Reads 130 hex digits, with or without `0x`.
    pub fn parse(text: &str) -> Result<Self, SignatureError> {
        let digits = text.strip_prefix("0x").unwrap_or(text);
        let mut bytes = [0; 65];
        hex::decode_to_slice(digits, &mut bytes).map_err(|e| match e {
            hex::FromHexError::InvalidHexCharacter { c, .. } => SignatureError::Character { found: c },
            _ => SignatureError::Length { found: digits.len(), unit: "hex digits" },
        })?;
        Self::from_bytes(&bytes)
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SignatureError> {
        let bytes =
            <[u8; 65]>::try_from(bytes).map_err(|_| SignatureError::Length { found: bytes.len(), unit: "bytes" })?;
        let [body @ .., v] = bytes;
        let (mut r, mut s) = ([0; 32], [0; 32]);
        r.copy_from_slice(&body[..32]);
        s.copy_from_slice(&body[32..]);
        for (part, scalar) in [("r", r), ("s", s)] {
            let valid = Option::<k256::NonZeroScalar>::from(k256::NonZeroScalar::from_repr(scalar.into()));
            if valid.is_none() {
                return Err(SignatureError::OutOfRange { part });
            }
        }
        match v {
            27 | 28 => Ok(Self { r, s, v }),
            found => Err(SignatureError::RecoveryId { found }),
        }
    }

    pub const fn r(&self) -> &[u8; 32] {
        &self.r
    }

    pub const fn s(&self) -> &[u8; 32] {
        &self.s
    }

    pub const fn v(&self) -> u8 {
        self.v
    }

    pub fn to_bytes(&self) -> [u8; 65] {
        let mut out = [self.v; 65];
        out[..32].copy_from_slice(&self.r);
        out[32..64].copy_from_slice(&self.s);
        out
    }

    /// `0x` + 130 lower-case hex digits.
    pub fn to_hex(&self) -> String {
        format!("0x{}", hex::encode(self.to_bytes()))
    }

    /// Whether s is in the lower half of the curve order. Every signature made here is.
    pub fn is_low_s(&self) -> bool {
        self.ecdsa().is_some_and(|e| e.normalize_s().is_none())
    }

    fn ecdsa(&self) -> Option<Ecdsa> {
        Ecdsa::from_scalars(self.r, self.s).ok()
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn address_of(key: &VerifyingKey) -> Address {
    let point = key.to_encoded_point(false);
    account_of(point.as_bytes().get(1..).unwrap_or_default())
}

/// The account of a public key, given as its 64 bytes `x ‖ y`: the last 20 of their hash.
pub(crate) fn account_of(key: &[u8]) -> Address {
    let hash = keccak256(key);
    let [_, _, _, _, _, _, _, _, _, _, _, _, rest @ ..] = hash.0;
    Address::from_bytes(rest)
}

/// A private key: zeroized when dropped; no Debug, Clone or serialization. It leaves by [`PrivateKey::reveal`] alone.
pub struct PrivateKey(Box<SigningKey>);

impl PrivateKey {
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        SigningKey::from_slice(bytes).map(|key| Self(Box::new(key))).map_err(|_| KeyError)
    }

    /// Reads 64 hex digits, with or without `0x`; blanks around them don't count.
    pub fn parse(text: &str) -> Result<Self, KeyTextError> {
        let text = text.trim().trim_matches('\u{feff}').trim();
        let text = text.strip_prefix("0x").or(text.strip_prefix("0X")).unwrap_or(text);
        let digits = text.chars().filter(char::is_ascii_hexdigit).count();
        match (digits, text.chars().count() - digits) {
            (64, 0) => {}
            (found, 0) => return Err(KeyTextError::Digits { found }),
            (digits, others) => return Err(KeyTextError::Characters { digits, others }),
        }
        let mut bytes = Box::new(Zeroizing::new([0; 32]));
        hex::decode_to_slice(text, bytes.as_mut_slice()).map_err(|_| KeyTextError::Digits { found: digits })?;
        Self::from_bytes(&bytes).map_err(|_| KeyTextError::OutOfRange)
    }

    /// The account this key controls.
    pub fn address(&self) -> Address {
        address_of(self.0.verifying_key())
    }

    /// The 32 bytes, big-endian: for sealing them in a file, or for showing them to their owner.
    pub fn reveal(&self) -> Box<Zeroizing<[u8; 32]>> {
        let mut out = Box::new(Zeroizing::new([0; 32]));
        out.copy_from_slice(Zeroizing::new(self.0.to_bytes()).as_slice());
        out
    }

    /// Deterministic (RFC 6979 with SHA-256), low s, v 27 or 28.
    pub fn sign(&self, digest: &Digest) -> Signature {
        let field = (*digest.bytes()).into();
        // RFC 6979 (3.2, h) takes another nonce when one gives no signature. Nobody has ever seen that happen;
        // extra data of growing length is the deterministic way to do so here.
        let mut extra = Vec::new();
        loop {
            let tried = self.0.as_nonzero_scalar().try_sign_prehashed_rfc6979::<Sha256>(&field, &extra);
            // An x above the curve order could not be told by a v of 27 or 28.
            if let Ok((ecdsa, Some(id))) = tried
                && !id.is_x_reduced()
            {
                let (r, s) = ecdsa.split_bytes();
                return Signature { r: r.into(), s: s.into(), v: 27 + u8::from(id.is_y_odd()) };
            }
            extra.push(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RecoverError, recover};

    const ORDER: &str = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
    const ONE: &str = "0000000000000000000000000000000000000000000000000000000000000001";

    fn key() -> PrivateKey {
        let mut bytes = [0; 32];
        bytes[31] = 1;
        PrivateKey::from_bytes(&bytes).unwrap()
    }

    #[test]
    fn a_key_is_read_as_people_have_it_or_told_by_what_was_found() {
        for text in [ONE.to_owned(), format!("0x{ONE}"), format!(" 0X{ONE} \r\n"), format!("\u{feff}{ONE}")] {
            assert_eq!(PrivateKey::parse(&text).map(|key| key.address()), Ok(key().address()), "{text:?}");
        }
        let groups = ["00000000"; 8].join(" ");
        for (text, error) in [
            (ONE[1..].to_owned(), KeyTextError::Digits { found: 63 }),
            (ONE.repeat(2), KeyTextError::Digits { found: 128 }),
            (String::new(), KeyTextError::Digits { found: 0 }),
            (groups, KeyTextError::Characters { digits: 64, others: 7 }),
            (format!("{}g", &ONE[1..]), KeyTextError::Characters { digits: 63, others: 1 }),
            (ORDER.to_owned(), KeyTextError::OutOfRange),
            ("0".repeat(64), KeyTextError::OutOfRange),
        ] {
            assert_eq!(PrivateKey::parse(&text).err(), Some(error), "{text:?}");
        }
    }

    #[test]
    fn a_key_out_of_range_is_no_key() {
        let mut order = [0; 32];
        hex::decode_to_slice(ORDER, &mut order).unwrap();
        for bytes in [[0; 32], order, [0xff; 32]] {
            assert_eq!(PrivateKey::from_bytes(&bytes).err(), Some(KeyError));
        }
    }

    #[test]
    fn a_signature_out_of_range_is_refused_with_the_part_that_is_wrong() {
        let zero = "0".repeat(64);
        let above = "f".repeat(64);
        for (r, s, v, error) in [
            (zero.as_str(), ONE, "1b", SignatureError::OutOfRange { part: "r" }),
            (ORDER, ONE, "1b", SignatureError::OutOfRange { part: "r" }),
            (ONE, zero.as_str(), "1b", SignatureError::OutOfRange { part: "s" }),
            (ONE, ORDER, "1b", SignatureError::OutOfRange { part: "s" }),
            (ONE, above.as_str(), "1b", SignatureError::OutOfRange { part: "s" }),
            (ONE, ONE, "00", SignatureError::RecoveryId { found: 0 }),
            (ONE, ONE, "01", SignatureError::RecoveryId { found: 1 }),
            (ONE, ONE, "1a", SignatureError::RecoveryId { found: 26 }),
            (ONE, ONE, "1d", SignatureError::RecoveryId { found: 29 }),
        ] {
            assert_eq!(Signature::parse(&format!("0x{r}{s}{v}")), Err(error));
        }
        assert!(Signature::parse(&format!("{ONE}{ONE}1c")).is_ok());
        assert_eq!(Signature::parse("0x12"), Err(SignatureError::Length { found: 2, unit: "hex digits" }));
        assert_eq!(Signature::parse(&"x".repeat(130)), Err(SignatureError::Character { found: 'x' }));
        assert_eq!(Signature::from_bytes(&[1; 64]), Err(SignatureError::Length { found: 64, unit: "bytes" }));
    }

    #[test]
    fn the_high_s_twin_is_readable_told_apart_and_the_same_signer() {
        let digest = Digest::from_bytes([7; 32]);
        let low = key().sign(&digest);
        assert!(low.is_low_s());
        let order = alloy_primitives::U256::from_str_radix(ORDER, 16).unwrap();
        let s = alloy_primitives::U256::from_be_bytes(*low.s());
        let mut twin = low.to_bytes();
        twin[32..64].copy_from_slice(&(order - s).to_be_bytes::<32>());
        twin[64] = 55 - low.v();
        let twin = Signature::from_bytes(&twin).unwrap();
        assert!(!twin.is_low_s());
        assert_eq!(recover(&digest, &twin), Ok(key().address()));
        assert_eq!(recover(&digest, &low), Ok(key().address()));
    }

    #[test]
    fn a_signature_of_another_digest_is_another_signer() {
        let signature = key().sign(&Digest::from_bytes([1; 32]));
        assert_ne!(recover(&Digest::from_bytes([2; 32]), &signature), Ok(key().address()));
    }

    #[test]
    fn an_x_that_is_on_no_curve_point_recovers_nobody() {
        // 5 is no x coordinate of secp256k1.
        let r = format!("{:0>64}", 5);
        let signature = Signature::parse(&format!("{r}{ONE}1b")).unwrap();
        assert_eq!(recover(&Digest::from_bytes([1; 32]), &signature), Err(RecoverError));
    }
}
