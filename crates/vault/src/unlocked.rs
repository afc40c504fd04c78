//! A vault whose passphrase was given: it signs for its accounts, and is changed. Refuses to sign for an account
//! whose key it does not hold, and to lose the last key. Every change is written before it counts.

use crate::account::{Account, Kind, free_name};
use crate::cost::{Derived, Key, derive};
use crate::remembered::Remembered;
use crate::sealed::random;
use crate::secrets::{self, Secrets};
use crate::store::written;
use crate::{Passphrase, Vault, VaultError};
use std::sync::Arc;
use tron::{Address, Digest, PrivateKey, RawTransaction, Signature, SignedTransaction};

/// Dropping it wipes what was unlocked.
pub struct Unlocked {
    pub(crate) vault: Vault,
    pub(crate) key: Key,
    /// Sealed in the file as well.
    secrets: Secrets,
}

impl Unlocked {
    pub(crate) const fn new(vault: Vault, key: Key, secrets: Secrets) -> Self {
        Self { vault, key, secrets }
    }

    pub fn accounts(&self) -> &[Account] {
        self.vault.accounts()
    }

    /// The vault as the file has it now.
    pub const fn vault(&self) -> &Vault {
        &self.vault
    }

    pub const fn has_words(&self) -> bool {
        self.secrets.words.is_some()
    }

    pub fn sign(&self, address: Address, digest: &Digest) -> Result<Signature, VaultError> {
        Ok(self.key_of(address)?.sign(digest))
    }

    /// Signs a transaction that acts for `address`, and for no one else.
    pub fn sign_transaction(&self, address: Address, raw: RawTransaction) -> Result<SignedTransaction, VaultError> {
        let owner = raw.owner();
        if owner != address {
            return Err(VaultError::NotOwner { address, owner });
        }
        Ok(SignedTransaction::sign(raw, self.key_of(address)?.as_ref()))
    }

    fn key_of(&self, address: Address) -> Result<Arc<PrivateKey>, VaultError> {
        self.secrets.ready_key_of(self.vault.account(address)?)
    }

    /// Adds the next account of the words. One that was imported or watched before becomes that account.
    pub fn add_account(&mut self, name: &str) -> Result<Account, VaultError> {
        let words = self.secrets.words.as_ref().ok_or(VaultError::NoWords)?;
        let used = |a: &Account| match a.kind {
            Kind::Derived { index } => Some(index + 1),
            Kind::Imported | Kind::Watched => None,
        };
        let index = self.accounts().iter().filter_map(used).max().unwrap_or(0);
        let address = secrets::derive(words, index)?.address();
        self.add(Kind::Derived { index }, name, address)
    }

    /// Adds an account by its private key. One that was only watched can sign from then on.
    pub fn import(&mut self, name: &str, key: &PrivateKey) -> Result<Account, VaultError> {
        let address = key.address();
        if let Ok(known) = self.vault.account(address)
            && known.signs()
        {
            return Err(VaultError::Duplicate { address, name: known.name.clone() });
        }
        self.secrets.put(key);
        let added = self.add(Kind::Imported, name, address);
        if added.is_err() {
            self.secrets.forget(address);
        }
        added
    }

    /// Adds an address to look at, without a key.
    pub fn watch(&mut self, name: &str, address: Address) -> Result<Account, VaultError> {
        if let Ok(known) = self.vault.account(address) {
            return Err(VaultError::Duplicate { address, name: known.name.clone() });
        }
        self.add(Kind::Watched, name, address)
    }

    /// Appends, or takes the place of what is known of this address.
    fn add(&mut self, kind: Kind, name: &str, address: Address) -> Result<Account, VaultError> {
        let added = Account { kind, name: free_name(self.accounts(), name, Some(address))?, address, hidden: false };
        let mut accounts = self.accounts().to_vec();
        match accounts.iter_mut().find(|a| a.address == address) {
            Some(known) => *known = added.clone(),
            None => accounts.push(added.clone()),
        }
        self.rewrite(accounts)?;
        Ok(added)
    }

    pub fn rename(&mut self, address: Address, name: &str) -> Result<(), VaultError> {
        let name = free_name(self.accounts(), name, Some(address))?;
        self.change(address, |account| account.name = name)
    }

    /// A hidden account keeps its key and signs what waits for it; it is not offered any more.
    pub fn hide(&mut self, address: Address, hidden: bool) -> Result<(), VaultError> {
        self.change(address, |account| account.hidden = hidden)
    }

    fn change(&mut self, address: Address, how: impl FnOnce(&mut Account)) -> Result<(), VaultError> {
        let mut accounts = self.accounts().to_vec();
        let found = accounts.iter_mut().find(|a| a.address == address);
        how(found.ok_or(VaultError::UnknownAccount { address })?);
        self.rewrite(accounts)
    }

    /// Moves an account to a place in the list, from 0; beyond the end is the end.
    pub fn place(&mut self, address: Address, at: usize) -> Result<(), VaultError> {
        let mut accounts = self.accounts().to_vec();
        let from = accounts.iter().position(|a| a.address == address);
        let account = accounts.remove(from.ok_or(VaultError::UnknownAccount { address })?);
        accounts.insert(at.min(accounts.len()), account);
        self.rewrite(accounts)
    }

    /// Forgets an account that is imported or watched; the key of an imported one is gone with it.
    pub fn remove(&mut self, address: Address) -> Result<(), VaultError> {
        let account = self.vault.account(address)?.clone();
        if matches!(account.kind, Kind::Derived { .. }) {
            return Err(VaultError::FromWords { address });
        }
        let left: Vec<Account> = self.accounts().iter().filter(|a| a.address != address).cloned().collect();
        if account.signs() && !left.iter().any(Account::signs) {
            return Err(VaultError::LastKey { address });
        }
        let taken = match account.kind {
            Kind::Imported => Some(self.secrets.key_of(&account)?),
            Kind::Derived { .. } | Kind::Watched => None,
        };
        self.secrets.forget(address);
        let done = self.rewrite(left);
        if let (Err(_), Some(key)) = (&done, taken) {
            // Not written, so it has not happened.
            self.secrets.put(&key);
        }
        done
    }

    /// Seals the vault with another passphrase, under a new salt, at the same cost. An unlock that was remembered is
    /// forgotten with the old one.
    pub fn change_passphrase(&mut self, current: &Passphrase, new: &Passphrase) -> Result<(), VaultError> {
        self.vault.unlock(current)?;
        let salt = random()?;
        let derived = derive(new, &salt, self.vault.cost)?;
        self.write(salt, &derived, self.accounts().to_vec(), None)?;
        self.key = derived.key;
        Ok(())
    }

    pub(crate) fn rewrite(&mut self, accounts: Vec<Account>) -> Result<(), VaultError> {
        let header = &self.vault.file.header;
        let derived = Derived { key: self.key.clone(), mark: header.mark.0 };
        self.write(*header.salt(), &derived, accounts, self.vault.file.remembered.clone())
    }

    /// The file first, the memory after: what failed to be written has not happened.
    fn write(
        &mut self,
        salt: [u8; 16],
        derived: &Derived,
        accounts: Vec<Account>,
        remembered: Option<Remembered>,
    ) -> Result<(), VaultError> {
        let path = self.vault.path.clone();
        self.vault = written(path, self.vault.cost, salt, derived, accounts, &self.secrets, remembered)?;
        Ok(())
    }
}
