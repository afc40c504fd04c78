//! Sealing words and keys with a key, bound to the header they stand under.

use crate::VaultError;
use crate::file::{File, Header, VERSION};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use zeroize::Zeroizing;

/// Encrypts `secret` under `key`, with all of `header` as associated data.
pub fn seal(key: &[u8; 32], header: &Header, secret: &[u8]) -> Result<Vec<u8>, VaultError> {
    let bound = header.bound(VERSION).map_err(|_| VaultError::Derivation)?;
    XChaCha20Poly1305::new(key.into())
        .encrypt(&header.nonce.0.into(), Payload { msg: secret, aad: &bound })
        .map_err(|_| VaultError::Derivation)
}

/// What was sealed, or `None` when key, header and sealed bytes do not belong together.
pub fn open(key: &[u8; 32], file: &File) -> Option<Zeroizing<Vec<u8>>> {
    let bound = file.header.bound(file.version).ok()?;
    XChaCha20Poly1305::new(key.into())
        .decrypt(&file.header.nonce.0.into(), Payload { msg: &file.sealed, aad: &bound })
        .ok()
        .map(Zeroizing::new)
}

pub fn random<const N: usize>() -> Result<[u8; N], VaultError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| VaultError::Randomness)?;
    Ok(bytes)
}
