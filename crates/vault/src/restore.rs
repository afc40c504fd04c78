//! A lost passphrase: the words give the vault anew, beside the ledger that stays. Refuses words of another
//! wallet. The old file is kept under a dated name, because imported keys are in it and in no words.

use crate::account::{Account, Kind};
use crate::private_file::sync_folder;
use crate::secrets::{self, Secrets};
use crate::{Passphrase, Unlocked, Vault, VaultError, file};
use std::path::PathBuf;
use tron::hd::Words;

impl Vault {
    /// Writes the vault again from its words, under a new passphrase and at the same cost, with the accounts that
    /// come from words and those that are watched. `stamp` names the copy of the old file, which is returned.
    pub fn restore(
        &self,
        words: &Words,
        passphrase: &Passphrase,
        stamp: &str,
    ) -> Result<(Unlocked, PathBuf), VaultError> {
        let words = Words::from_entropy(&words.reveal_entropy()).map_err(|_| VaultError::Derivation)?;
        let mut kept: Vec<Account> = Vec::new();
        for account in &self.accounts {
            match account.kind {
                Kind::Derived { index } => {
                    let found = secrets::derive(&words, index)?.address();
                    if found != account.address {
                        return Err(VaultError::OtherWords { found, expected: account.address });
                    }
                    kept.push(account.clone());
                }
                Kind::Watched => kept.push(account.clone()),
                // The history stays readable; the key is in the copy of the old file alone.
                Kind::Imported => kept.push(Account { kind: Kind::Watched, ..account.clone() }),
            }
        }
        if !kept.iter().any(|a| matches!(a.kind, Kind::Derived { .. })) {
            return Err(VaultError::NoWords);
        }
        let copy = self.path.with_file_name(format!("vault.{stamp}.json"));
        let failed = |e: &std::io::Error| file::io_error(&copy, "write", e);
        // A second name for the same file: from here on both are there, until the new one takes the first name.
        match std::fs::hard_link(&self.path, &copy) {
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
                return Err(VaultError::Exists { path: copy.display().to_string() });
            }
            other => other.map_err(|e| failed(&e))?,
        }
        sync_folder(&copy).map_err(|e| failed(&e))?;
        let unlocked = Self::seal(self.path.clone(), self.cost, passphrase, kept, Secrets::of_words(words))?;
        // Proved before it is relied on: what was written opens with what was typed.
        Self::open(&self.path)?.unlock(passphrase)?;
        Ok((unlocked, copy))
    }
}
