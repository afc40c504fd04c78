//! The vault at rest: create, open, unlock, and what is shown to its owner for the passphrase. Refuses to replace
//! a vault, and to show words or a key for less.

use crate::account::{Account, Kind};
use crate::cost::{Cost, Derived, Key, derive, find};
use crate::file::{File, Header, Read};
use crate::remembered::Remembered;
use crate::scrub::scrubbed;
use crate::sealed::{open, random, seal};
use crate::secrets::{self, Secrets};
use crate::{Passphrase, Unlocked, VaultError};
use std::fmt;
use std::path::{Path, PathBuf};
use tron::hd::Words;
use tron::{Address, PrivateKey};

/// What the first account of a new vault is called until its owner renames it.
const FIRST_NAME: &str = "Account 1";

/// What a new vault begins with.
pub enum Origin<'a> {
    /// Its first account is the one at index 0.
    Words(&'a Words),
    /// A vault without words, with this one account.
    Key(&'a PrivateKey),
}

/// A vault file that was read and is well formed; locked.
#[derive(Clone)]
pub struct Vault {
    pub(crate) path: PathBuf,
    pub(crate) file: File,
    pub(crate) cost: Cost,
    pub(crate) accounts: Vec<Account>,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("path", &self.path).field("accounts", &self.accounts).finish_non_exhaustive()
    }
}

impl Vault {
    /// Writes a new vault with the account at index 0, at the default cost.
    pub fn create(path: impl AsRef<Path>, words: &Words, passphrase: &Passphrase) -> Result<Unlocked, VaultError> {
        Self::create_with_cost(path, words, passphrase, Cost::default())
    }

    /// As [`Vault::create`], at a cost of the caller's choice: [`Cost`] has no value below the floor.
    pub fn create_with_cost(
        path: impl AsRef<Path>,
        words: &Words,
        passphrase: &Passphrase,
        cost: Cost,
    ) -> Result<Unlocked, VaultError> {
        Self::create_from(path, &Origin::Words(words), passphrase, cost)
    }

    /// Writes a new vault with one account from `origin`.
    pub fn create_from(
        path: impl AsRef<Path>,
        origin: &Origin<'_>,
        passphrase: &Passphrase,
        cost: Cost,
    ) -> Result<Unlocked, VaultError> {
        let path = path.as_ref().to_owned();
        // A link that leads nowhere is something, too.
        if path.symlink_metadata().is_ok() {
            return Err(VaultError::Exists { path: path.display().to_string() });
        }
        let (secrets, kind, address) = match origin {
            Origin::Words(words) => {
                let words = Words::from_entropy(&words.reveal_entropy()).map_err(|_| VaultError::Derivation)?;
                let address = secrets::derive(&words, 0)?.address();
                (Secrets::of_words(words), Kind::Derived { index: 0 }, address)
            }
            Origin::Key(key) => (Secrets::of_key(key), Kind::Imported, key.address()),
        };
        let accounts = vec![Account { kind, name: FIRST_NAME.to_owned(), address, hidden: false }];
        Self::seal(path, cost, passphrase, accounts, secrets)
    }

    /// Seals under a new salt and writes; what stood at the path is replaced.
    pub(crate) fn seal(
        path: PathBuf,
        cost: Cost,
        passphrase: &Passphrase,
        accounts: Vec<Account>,
        secrets: Secrets,
    ) -> Result<Unlocked, VaultError> {
        let salt = random()?;
        let derived = derive(passphrase, &salt, cost)?;
        let vault = written(path, cost, salt, &derived, accounts, &secrets, None)?;
        Ok(Unlocked::new(vault, derived.key, secrets))
    }

    /// Reads the file. Everything that can be wrong with it without knowing the passphrase is told here.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, VaultError> {
        let path = path.as_ref().to_owned();
        let Read { file, cost, accounts } = File::read(&path)?;
        Ok(Self { path, file, cost, accounts })
    }

    /// In the order in which their owner wants them.
    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    pub fn account(&self, address: Address) -> Result<&Account, VaultError> {
        self.accounts.iter().find(|a| a.address == address).ok_or(VaultError::UnknownAccount { address })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub const fn cost(&self) -> Cost {
        self.cost
    }

    pub fn unlock(&self, passphrase: &Passphrase) -> Result<Unlocked, VaultError> {
        let (key, secrets) = self.unseal(passphrase)?;
        Ok(Unlocked::new(self.clone(), key, secrets))
    }

    /// The words, for showing them to their owner once more: asks for the passphrase even when unlocked.
    pub fn words(&self, passphrase: &Passphrase) -> Result<Words, VaultError> {
        self.unseal(passphrase)?.1.words.ok_or(VaultError::NoWords)
    }

    /// The key of one account, for its owner to keep elsewhere: asks for the passphrase even when unlocked.
    pub fn key(&self, address: Address, passphrase: &Passphrase) -> Result<PrivateKey, VaultError> {
        let account = self.account(address)?;
        scrubbed(|| self.unseal(passphrase)?.1.key_of(account))
    }

    fn unseal(&self, passphrase: &Passphrase) -> Result<(Key, Secrets), VaultError> {
        let header = &self.file.header;
        let derived = find(passphrase, header.salt(), self.cost, &header.mark.0)?.ok_or(VaultError::WrongPassphrase)?;
        let secrets = self.opened(&derived.key)?;
        Ok((derived.key, secrets))
    }

    /// With the vault's key from elsewhere than the passphrase.
    pub(crate) fn unlock_with(&self, key: Key) -> Result<Unlocked, VaultError> {
        let secrets = self.opened(&key)?;
        Ok(Unlocked::new(self.clone(), key, secrets))
    }

    fn opened(&self, key: &Key) -> Result<Secrets, VaultError> {
        open(key, &self.file)
            .and_then(|bytes| Secrets::read(self.file.version, &bytes))
            .ok_or_else(|| VaultError::Tampered { path: self.path.display().to_string() })
    }
}

/// Seals under a new nonce and writes.
pub fn written(
    path: PathBuf,
    cost: Cost,
    salt: [u8; 16],
    derived: &Derived,
    accounts: Vec<Account>,
    secrets: &Secrets,
    remembered: Option<Remembered>,
) -> Result<Vault, VaultError> {
    let header = Header::new(cost, salt, derived.mark, random()?, &accounts);
    let sealed = seal(&derived.key, &header, &secrets.write())?;
    let file = File::new(header, sealed, remembered).map_err(|_| VaultError::Derivation)?;
    file.write(&path)?;
    Ok(Vault { path, file, cost, accounts })
}
