//! Sealing the words' entropy with a key, bound to the header it stands under.

use crate::VaultError;
use crate::file::Header;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use zeroize::Zeroizing;

/// Encrypts `entropy` under `key`, with all of `header` as associated data.
pub fn seal(key: &[u8; 32], header: &Header, entropy: &[u8]) -> Result<Vec<u8>, VaultError> {
    let bound = header.bound().map_err(|_| VaultError::Derivation)?;
    XChaCha20Poly1305::new(key.into())
        .encrypt(&header.nonce.0.into(), Payload { msg: entropy, aad: &bound })
        .map_err(|_| VaultError::Derivation)
}

/// The entropy, or `None` when key, header and sealed bytes do not belong together.
pub fn open(key: &[u8; 32], header: &Header, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let bound = header.bound().ok()?;
    XChaCha20Poly1305::new(key.into())
        .decrypt(&header.nonce.0.into(), Payload { msg: sealed, aad: &bound })
        .ok()
        .map(Zeroizing::new)
}

pub fn random<const N: usize>() -> Result<[u8; N], VaultError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| VaultError::Randomness)?;
    Ok(bytes)
}
