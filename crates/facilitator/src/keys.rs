//! The account that sends settlements: a key file's key or one account of a vault. Signs transactions of its own
//! account only; never shown by Debug.

use std::fmt;
use tron::{Address, PrivateKey, RawTransaction, SignedTransaction};
use vault::{Unlocked, VaultError};

/// What a facilitator signs its transactions with. Its account pays their energy in TRX.
pub struct Keys(Kind);

enum Kind {
    Key(PrivateKey),
    Vault { unlocked: Box<Unlocked>, address: Address },
}

impl Keys {
    /// One account of an unlocked vault.
    pub fn from_vault(unlocked: Unlocked, address: Address) -> Result<Self, VaultError> {
        if unlocked.accounts().iter().any(|account| account.address == address) {
            Ok(Self(Kind::Vault { unlocked: Box::new(unlocked), address }))
        } else {
            Err(VaultError::UnknownAccount { address })
        }
    }

    pub fn address(&self) -> Address {
        match &self.0 {
            Kind::Key(key) => key.address(),
            Kind::Vault { address, .. } => *address,
        }
    }

    pub(crate) fn sign(&self, raw: RawTransaction) -> Result<SignedTransaction, VaultError> {
        let address = self.address();
        match &self.0 {
            Kind::Key(_) if raw.owner() != address => Err(VaultError::NotOwner { address, owner: raw.owner() }),
            Kind::Key(key) => Ok(SignedTransaction::sign(raw, key)),
            Kind::Vault { unlocked, address } => unlocked.sign_transaction(*address, raw),
        }
    }
}

impl From<PrivateKey> for Keys {
    fn from(key: PrivateKey) -> Self {
        Self(Kind::Key(key))
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({})", self.address())
    }
}
