//! The accounts that send settlements: keys of key files or accounts of a vault. Signs transactions of its own
//! accounts only; never shown by Debug.

use std::{fmt, sync::Arc};
use tron::{Address, PrivateKey, RawTransaction, SignedTransaction};
use vault::{Unlocked, VaultError};

/// What a facilitator signs its transactions with. Its accounts pay their energy in TRX.
pub struct Keys(Vec<Signer>);

struct Signer {
    address: Address,
    kind: Kind,
}

enum Kind {
    Key(PrivateKey),
    Vault(Arc<Unlocked>),
}

impl Keys {
    /// Accounts of an unlocked vault.
    pub fn from_vault(unlocked: Unlocked, accounts: &[Address]) -> Result<Self, VaultError> {
        let known = |address: &Address| unlocked.accounts().iter().any(|account| account.address == *address);
        if let Some(&address) = accounts.iter().find(|address| !known(address)) {
            return Err(VaultError::UnknownAccount { address });
        }
        let unlocked = Arc::new(unlocked);
        let signer = |&address: &Address| Signer { address, kind: Kind::Vault(Arc::clone(&unlocked)) };
        Ok(Self(accounts.iter().map(signer).collect()))
    }

    /// These and those, each account once.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        for other in others.0 {
            if !self.addresses().any(|address| address == other.address) {
                self.0.push(other);
            }
        }
        self
    }

    pub fn addresses(&self) -> impl Iterator<Item = Address> {
        self.0.iter().map(|signer| signer.address)
    }

    /// With the key of the transaction's owner. Deterministic: the same transaction gets the same signature.
    pub(crate) fn sign(&self, raw: RawTransaction) -> Result<SignedTransaction, VaultError> {
        let address = raw.owner();
        match self.0.iter().find(|signer| signer.address == address) {
            None => Err(VaultError::UnknownAccount { address }),
            Some(Signer { kind: Kind::Key(key), .. }) => Ok(SignedTransaction::sign(raw, key)),
            Some(Signer { kind: Kind::Vault(unlocked), .. }) => unlocked.sign_transaction(address, raw),
        }
    }
}

impl From<PrivateKey> for Keys {
    fn from(key: PrivateKey) -> Self {
        Self(vec![Signer { address: key.address(), kind: Kind::Key(key) }])
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.addresses()).finish()
    }
}
