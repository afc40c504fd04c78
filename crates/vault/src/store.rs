//! The vault and its unlocked form: create, open, unlock, sign, change. Refuses to replace a vault, to sign for
//! an account it does not hold, and to show the words without the passphrase.

use crate::cost::{Cost, Derived, Key, derive};
use crate::file::{File, Header, Read};
use crate::sealed::{open, random, seal};
use crate::{Passphrase, VaultError};
use std::fmt;
use std::path::{Path, PathBuf};
use tron::hd::{self, Words};
use tron::{Address, Digest, PrivateKey, RawTransaction, Signature, SignedTransaction};

/// Longest account name, in characters.
const MAX_NAME: usize = 40;
/// What the account of a new vault is called until its owner renames it.
const FIRST_NAME: &str = "Account 1";

/// An account of a vault. All of it is readable without the passphrase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The last step of `m/44'/195'/0'/0/index`.
    pub index: u32,
    pub name: String,
    pub address: Address,
}

/// A vault file that was read and is well formed; locked.
#[derive(Clone)]
pub struct Vault {
    path: PathBuf,
    file: File,
    cost: Cost,
    accounts: Vec<Account>,
}

/// A vault whose passphrase was given. Dropping it wipes what was unlocked.
pub struct Unlocked {
    vault: Vault,
    key: Key,
    /// Sealed in the file as well; a private key exists only while it signs.
    words: Words,
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
        let path = path.as_ref().to_owned();
        // A link that leads nowhere is something, too.
        if path.symlink_metadata().is_ok() {
            return Err(VaultError::Exists { path: path.display().to_string() });
        }
        let entropy = words.reveal_entropy();
        let words = Words::from_entropy(&entropy).map_err(|_| VaultError::Derivation)?;
        let accounts = vec![Account { index: 0, name: FIRST_NAME.to_owned(), address: key_at(&words, 0)?.address() }];
        let salt = random()?;
        let derived = derive(passphrase, &salt, cost)?;
        let vault = written(path, cost, salt, &derived, accounts, &entropy)?;
        Ok(Unlocked { vault, key: derived.key, words })
    }

    /// Reads the file. Everything that can be wrong with it without knowing the passphrase is told here.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, VaultError> {
        let path = path.as_ref().to_owned();
        let Read { file, cost, accounts } = File::read(&path)?;
        Ok(Self { path, file, cost, accounts })
    }

    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub const fn cost(&self) -> Cost {
        self.cost
    }

    pub fn unlock(&self, passphrase: &Passphrase) -> Result<Unlocked, VaultError> {
        let (key, words) = self.unseal(passphrase)?;
        Ok(Unlocked { vault: self.clone(), key, words })
    }

    /// The words, for showing them to their owner once more: asks for the passphrase even when unlocked.
    pub fn words(&self, passphrase: &Passphrase) -> Result<Words, VaultError> {
        self.unseal(passphrase).map(|(_, words)| words)
    }

    fn unseal(&self, passphrase: &Passphrase) -> Result<(Key, Words), VaultError> {
        let header = &self.file.header;
        let derived = derive(passphrase, header.salt(), self.cost)?;
        if derived.mark != header.mark.0 {
            return Err(VaultError::WrongPassphrase);
        }
        open(&derived.key, header, &self.file.sealed)
            .and_then(|entropy| Words::from_entropy(&entropy).ok())
            .map(|words| (derived.key, words))
            .ok_or_else(|| VaultError::Tampered { path: self.path.display().to_string() })
    }
}

impl Unlocked {
    pub fn accounts(&self) -> &[Account] {
        self.vault.accounts()
    }

    /// The vault as the file has it now.
    pub const fn vault(&self) -> &Vault {
        &self.vault
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
        Ok(SignedTransaction::sign(raw, &self.key_of(address)?))
    }

    fn key_of(&self, address: Address) -> Result<PrivateKey, VaultError> {
        let unknown = VaultError::UnknownAccount { address };
        let Some(account) = self.accounts().iter().find(|a| a.address == address) else {
            return Err(unknown);
        };
        let key = key_at(&self.words, account.index)?;
        if key.address() == address { Ok(key) } else { Err(unknown) }
    }

    /// Adds the account after the last one and writes the file.
    pub fn add_account(&mut self, name: &str) -> Result<Account, VaultError> {
        let name = self.free_name(name, None)?;
        let index = self.accounts().iter().map(|a| a.index + 1).max().unwrap_or(0);
        let added = Account { index, name, address: key_at(&self.words, index)?.address() };
        let mut accounts = self.accounts().to_vec();
        accounts.push(added.clone());
        self.rewrite(accounts)?;
        Ok(added)
    }

    /// Renames the account at `index` and writes the file.
    pub fn rename(&mut self, index: u32, name: &str) -> Result<(), VaultError> {
        let name = self.free_name(name, Some(index))?;
        let mut accounts = self.accounts().to_vec();
        accounts.iter_mut().find(|a| a.index == index).ok_or(VaultError::NoSuchIndex { index })?.name = name;
        self.rewrite(accounts)
    }

    /// Seals the vault with another passphrase, under a new salt, at the same cost.
    pub fn change_passphrase(&mut self, current: &Passphrase, new: &Passphrase) -> Result<(), VaultError> {
        self.vault.words(current)?;
        let salt = random()?;
        let derived = derive(new, &salt, self.vault.cost)?;
        self.write(salt, &derived, self.accounts().to_vec())?;
        self.key = derived.key;
        Ok(())
    }

    fn rewrite(&mut self, accounts: Vec<Account>) -> Result<(), VaultError> {
        let header = &self.vault.file.header;
        let derived = Derived { key: self.key.clone(), mark: header.mark.0 };
        self.write(*header.salt(), &derived, accounts)
    }

    /// The file first, the memory after: what failed to be written has not happened.
    fn write(&mut self, salt: [u8; 16], derived: &Derived, accounts: Vec<Account>) -> Result<(), VaultError> {
        let path = self.vault.path.clone();
        self.vault = written(path, self.vault.cost, salt, derived, accounts, &self.words.reveal_entropy())?;
        Ok(())
    }

    fn free_name(&self, name: &str, own: Option<u32>) -> Result<String, VaultError> {
        let name = name.trim();
        let refused = |reason| VaultError::Name { name: name.chars().take(MAX_NAME).collect(), reason };
        match name.chars().count() {
            0 => Err(refused("it is empty")),
            found if found > MAX_NAME => Err(refused("it has more than 40 characters")),
            _ if name.chars().any(char::is_control) => Err(refused("it has control characters")),
            _ if self.accounts().iter().any(|a| Some(a.index) != own && a.name == name) => {
                Err(refused("another account has this name"))
            }
            _ => Ok(name.to_owned()),
        }
    }
}

fn key_at(words: &Words, index: u32) -> Result<PrivateKey, VaultError> {
    hd::derive(words, index).map_err(|_| VaultError::NoSuchIndex { index })
}

/// Seals under a new nonce and writes.
fn written(
    path: PathBuf,
    cost: Cost,
    salt: [u8; 16],
    derived: &Derived,
    accounts: Vec<Account>,
    entropy: &[u8],
) -> Result<Vault, VaultError> {
    let header = Header::new(cost, salt, derived.mark, random()?, &accounts);
    let sealed = seal(&derived.key, &header, entropy)?;
    let file = File::new(header, sealed).map_err(|_| VaultError::Derivation)?;
    file.write(&path)?;
    Ok(Vault { path, file, cost, accounts })
}
