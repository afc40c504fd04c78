//! What is sealed in a vault: the words, if it has any, and the keys that were imported. Wiped when dropped, no
//! Debug, Clone or serialization. A key that signed stays ready beside what it comes from, until all of it is wiped.

use crate::VaultError;
use crate::account::{Account, Kind};
use crate::cost::Key;
use crate::file::WORDS_ONLY;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tron::hd::{self, Words};
use tron::{Address, PrivateKey};
use zeroize::Zeroizing;

/// Words and imported keys.
pub struct Secrets {
    pub words: Option<Words>,
    keys: Vec<(Address, Key)>,
    /// Keys that signed: from words to a key takes 2,048 rounds of SHA-512, and a key gives away nothing that the words
    /// beside it don't.
    ready: Mutex<Vec<(Address, Arc<PrivateKey>)>>,
}

impl Secrets {
    pub fn of_words(words: Words) -> Self {
        Self { words: Some(words), keys: Vec::new(), ready: Mutex::default() }
    }

    pub fn of_key(key: &PrivateKey) -> Self {
        Self { words: None, keys: vec![(key.address(), key.reveal())], ready: Mutex::default() }
    }

    pub fn put(&mut self, key: &PrivateKey) {
        self.keys.push((key.address(), key.reveal()));
    }

    pub fn forget(&mut self, address: Address) {
        self.keys.retain(|(own, _)| *own != address);
        self.ready().retain(|(own, _)| *own != address);
    }

    /// Length of the entropy in one byte, the entropy, then 32 bytes for each key.
    pub fn write(&self) -> Zeroizing<Vec<u8>> {
        // One allocation that is large enough: growing would leave copies behind.
        let mut out = Zeroizing::new(Vec::with_capacity(1 + 32 + 32 * self.keys.len()));
        let entropy = self.words.as_ref().map(Words::reveal_entropy).unwrap_or_default();
        out.push(entropy.len() as u8);
        out.extend_from_slice(&entropy);
        for (_, key) in &self.keys {
            out.extend_from_slice(key.as_slice());
        }
        out
    }

    /// The inverse of [`Secrets::write`]; format 1 sealed the entropy alone.
    pub fn read(version: u64, bytes: &[u8]) -> Option<Self> {
        if version == WORDS_ONLY {
            return Words::from_entropy(bytes).ok().map(Self::of_words);
        }
        let (length, rest) = bytes.split_first()?;
        let (entropy, rest) = rest.split_at_checked(usize::from(*length))?;
        let words = match entropy {
            [] => None,
            some => Some(Words::from_entropy(some).ok()?),
        };
        let (keys, []) = rest.as_chunks::<32>() else { return None };
        let keys = keys.iter().map(|key| PrivateKey::from_bytes(key).ok().map(|key| (key.address(), key.reveal())));
        Some(Self { words, keys: keys.collect::<Option<_>>()?, ready: Mutex::default() })
    }

    fn ready(&self) -> MutexGuard<'_, Vec<(Address, Arc<PrivateKey>)>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As [`Secrets::key_of`], for a key that signs again and again.
    pub fn ready_key_of(&self, account: &Account) -> Result<Arc<PrivateKey>, VaultError> {
        let mut ready = self.ready();
        if let Some((_, key)) = ready.iter().find(|(own, _)| *own == account.address) {
            return Ok(Arc::clone(key));
        }
        let key = Arc::new(self.key_of(account)?);
        ready.push((account.address, Arc::clone(&key)));
        Ok(key)
    }

    /// The key of an account, if it is here and belongs to the account's address.
    pub fn key_of(&self, account: &Account) -> Result<PrivateKey, VaultError> {
        let address = account.address;
        let key = match (account.kind, &self.words) {
            (Kind::Derived { index }, Some(words)) => derive(words, index)?,
            (Kind::Imported, _) => {
                let own = self.keys.iter().find(|(own, _)| *own == address);
                let (_, key) = own.ok_or(VaultError::UnknownAccount { address })?;
                PrivateKey::from_bytes(key).map_err(|_| VaultError::UnknownAccount { address })?
            }
            (Kind::Watched, _) => return Err(VaultError::WatchedOnly { address }),
            (Kind::Derived { .. }, None) => return Err(VaultError::NoWords),
        };
        if key.address() == address { Ok(key) } else { Err(VaultError::UnknownAccount { address }) }
    }
}

pub fn derive(words: &Words, index: u32) -> Result<PrivateKey, VaultError> {
    hd::derive(words, index).map_err(|_| VaultError::NoSuchIndex { index })
}
