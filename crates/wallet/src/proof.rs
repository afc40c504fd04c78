//! Proves to a program that what listens is its wallet, before the program sends its token: the answer to a nonce that
//! the program chose, under a key that only the two have, over the very address that the program dialled. Whoever else
//! sits on a port has no key, and what a relay fetches from the real one is about another address. The key is made from
//! the token, so that a program keeps one secret; a program without a token takes the key of this run, which stands in
//! the runtime file. Refuses keys that nobody has, and says nothing about apps that were revoked.

use crate::apps::hash;
use crate::keys::random;
use crate::{Wallet, WalletError};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::fmt;
use zeroize::Zeroizing;

/// A key for proofs, 64 hexadecimal digits. Does not show itself in logs.
pub struct ProofKey(Zeroizing<String>);

impl fmt::Debug for ProofKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProofKey(..)")
    }
}

impl ProofKey {
    pub(crate) fn random() -> Result<Self, WalletError> {
        let mut bytes = Zeroizing::new([0; 32]);
        random(bytes.as_mut())?;
        Ok(Self(Zeroizing::new(hex::encode(*bytes))))
    }

    /// The key that goes with a token: both sides can make it, the wallet from the hash that it keeps.
    pub fn of_token(token: &str) -> Self {
        Self::of_hash(&hash(token))
    }

    fn of_hash(token_hash: &[u8; 32]) -> Self {
        Self(Zeroizing::new(hex::encode(token_hash)))
    }

    /// The key as the runtime file has it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What the key is called where others can read it.
    pub fn id(&self) -> String {
        hex::encode(hash(&self.0))
    }
}

/// HMAC-SHA256 over nonce and address: `127.0.0.1:4020`, `[::1]:4020`, or `unix` on the socket.
pub fn proof_of(key: &ProofKey, nonce: &str, address: &str) -> String {
    let text = format!("countersign proof 1\n{nonce}\n{address}");
    // HMAC takes a key of any length.
    let mac = Hmac::<Sha256>::new_from_slice(key.0.as_bytes()).map(|mac| mac.chain_update(text).finalize());
    mac.map_or_else(|_| String::new(), |mac| hex::encode(mac.into_bytes()))
}

impl Wallet {
    /// The key of this run, for programs of the same user that have no token yet.
    pub fn proof_key(&self) -> &ProofKey {
        &self.0.proof_key
    }

    /// The answer to a program's nonce, under the key with this id.
    pub async fn answer_challenge(&self, key_id: &str, nonce: &str, address: &str) -> Result<String, WalletError> {
        let own = self.proof_key();
        if own.id() == key_id {
            return Ok(proof_of(own, nonce, address));
        }
        let hashes = self.db(|ledger| ledger.token_hashes()).await?;
        let mut keys = hashes.iter().map(ProofKey::of_hash);
        let key = keys.find(|key| key.id() == key_id).ok_or(WalletError::NotPaired { app: None })?;
        Ok(proof_of(&key, nonce, address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with `openssl dgst -sha256 -hmac`, as other programs would.
    #[test]
    fn a_proof_is_the_hmac_of_nonce_and_address() {
        let key = ProofKey::of_token("cs_0000000000000000000000000000000000000000000000000000000000000000");
        assert_eq!(key.id(), "304f651473c9a656feb79a6c78164ced663d09f4c8f3f4ae5c16f0d88a6ac883");
        let proof = |nonce, address| proof_of(&key, nonce, address);
        assert_eq!(proof("00", "127.0.0.1:4020"), "8e47961eab582ca66f3540daadf44567311b1b5d6f7ca4eca0c177146b9e92e9");
        assert_ne!(proof("01", "127.0.0.1:4020"), proof("00", "127.0.0.1:4020"));
        assert_ne!(proof("00", "127.0.0.1:4021"), proof("00", "127.0.0.1:4020"));
        assert_eq!(format!("{key:?}"), "ProofKey(..)");
    }
}
