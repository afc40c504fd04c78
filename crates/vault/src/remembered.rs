//! An unlock that is remembered: the vault's key once more in the file, sealed under a secret that is kept elsewhere
//! (the keyring of the system) and never written here. Refuses the secret of another vault, of another passphrase or
//! of an earlier time. The passphrase opens the vault as before; words and passphrase are in neither place.

use crate::cost::Key;
use crate::file::{Bytes, FORMAT, Header, VERSION, WORDS_ONLY, base64_text};
use crate::sealed::random;
use crate::store::Vault;
use crate::{Unlocked, VaultError};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroizing;

/// What the keyring keeps: 32 random bytes, as 64 hex digits there. Wiped when dropped, never printed.
pub struct UnlockSecret(Key);

impl UnlockSecret {
    fn new() -> Result<Self, VaultError> {
        let mut key = Key::default();
        getrandom::fill(key.as_mut_slice()).map_err(|_| VaultError::Randomness)?;
        Ok(Self(key))
    }

    /// What was kept; `None` for anything but 64 hex digits.
    pub fn read(text: &[u8]) -> Option<Self> {
        let mut key = Key::default();
        hex::decode_to_slice(text, key.as_mut_slice()).ok()?;
        Some(Self(key))
    }

    /// As it is kept.
    pub fn reveal(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(self.0.as_slice()))
    }
}

impl fmt::Debug for UnlockSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnlockSecret(..)")
    }
}

/// The part of the file. Says nothing without the secret.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remembered {
    /// Names the secret in the keyring; random, so that no two vaults share an entry.
    id: Bytes<16>,
    at_start: bool,
    nonce: Bytes<24>,
    #[serde(with = "base64_text")]
    sealed: Vec<u8>,
}

impl Remembered {
    /// The name of the secret in the keyring.
    pub fn id(&self) -> String {
        hex::encode(self.id.0)
    }

    /// Whether its owner wants it to unlock at a start without being asked.
    pub const fn at_start(&self) -> bool {
        self.at_start
    }

    fn seal(key: &Key, header: &Header, at_start: bool) -> Result<(Self, UnlockSecret), VaultError> {
        let secret = UnlockSecret::new()?;
        let mut part = Self { id: Bytes(random()?), at_start, nonce: Bytes(random()?), sealed: Vec::new() };
        let bound = part.bound(header).ok_or(VaultError::Derivation)?;
        part.sealed = cipher(&secret)
            .encrypt(&part.nonce.0.into(), Payload { msg: key.as_slice(), aad: &bound })
            .map_err(|_| VaultError::Derivation)?;
        Ok((part, secret))
    }

    fn open(&self, secret: &UnlockSecret, header: &Header) -> Option<Key> {
        let bound = self.bound(header)?;
        let opened = cipher(secret).decrypt(&self.nonce.0.into(), Payload { msg: &self.sealed, aad: &bound });
        let opened = Zeroizing::new(opened.ok()?);
        let mut key = Key::default();
        (opened.len() == key.len()).then(|| key.copy_from_slice(&opened))?;
        Some(key)
    }

    /// What it belongs to: this vault under this passphrase, and what its owner chose.
    fn bound(&self, header: &Header) -> Option<Vec<u8>> {
        let salt = Bytes(*header.salt());
        serde_json::to_vec(&(FORMAT, "remembered", VERSION, &self.id, self.at_start, salt, &header.mark)).ok()
    }
}

fn cipher(secret: &UnlockSecret) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new((&**secret.0).into())
}

impl Vault {
    /// Where an unlock is remembered, if it is.
    pub const fn remembered(&self) -> Option<&Remembered> {
        self.file.remembered.as_ref()
    }

    /// Unlocks with what the keyring kept.
    pub fn unlock_remembered(&self, secret: &UnlockSecret) -> Result<Unlocked, VaultError> {
        let part = self.remembered().ok_or(VaultError::NotRemembered)?;
        let key = part.open(secret, &self.file.header).ok_or(VaultError::ForeignSecret)?;
        self.unlock_with(key)
    }

    /// Forgets it in the file: what the keyring has is worthless from then on. Needs no passphrase.
    pub fn forget_unlock(&mut self) -> Result<(), VaultError> {
        self.write_remembered(None)
    }

    fn write_remembered(&mut self, part: Option<Remembered>) -> Result<(), VaultError> {
        let file = self.file.with_remembered(part).map_err(|_| VaultError::Derivation)?;
        file.write(&self.path)?;
        self.file = file;
        Ok(())
    }
}

impl Unlocked {
    /// A new secret for the keyring, and the part of the file that it opens. Nothing is written yet: the keyring
    /// comes first, because a part without its secret is worthless, and so is a secret without its part.
    pub fn remembering(&self, at_start: bool) -> Result<(Remembered, UnlockSecret), VaultError> {
        Remembered::seal(&self.key, &self.vault.file.header, at_start)
    }

    /// Writes the part; an earlier one is replaced. Refuses one that its secret does not open any more, because the
    /// passphrase was changed meanwhile.
    pub fn remember(&mut self, part: Remembered, secret: &UnlockSecret) -> Result<(), VaultError> {
        if part.open(secret, &self.vault.file.header).as_ref() != Some(&self.key) {
            return Err(VaultError::ForeignSecret);
        }
        if self.vault.file.version == WORDS_ONLY {
            self.rewrite(self.accounts().to_vec())?;
        }
        self.vault.write_remembered(Some(part))
    }

    pub fn forget_unlock(&mut self) -> Result<(), VaultError> {
        self.vault.forget_unlock()
    }
}
