//! Plain messages that an account signs, TIP-191 version 2. Hashes only; what may be signed is decided elsewhere.

use crate::Digest;
use alloy_primitives::keccak256;

/// `keccak256("\x19TRON Signed Message:\n" ‖ decimal length ‖ message)`.
pub fn tip191(message: &[u8]) -> Digest {
    let mut text = format!("\x19TRON Signed Message:\n{}", message.len()).into_bytes();
    text.extend_from_slice(message);
    Digest::from_bytes(keccak256(text).0)
}
