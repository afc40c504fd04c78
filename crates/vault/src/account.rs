//! An account of a vault: where its key is, what it is called. All of it is readable without the passphrase.
//! Refuses names that can't be told apart.

use crate::VaultError;
use tron::Address;

/// Longest account name, in characters.
const MAX_NAME: usize = 40;

/// Where an account's key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It comes from the words, at `m/44'/195'/0'/0/index`.
    Derived { index: u32 },
    /// It was brought along by itself and is in no words: only a backup of its own brings it back.
    Imported,
    /// Somewhere else: the address is looked at and never signs.
    Watched,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub kind: Kind,
    pub name: String,
    pub address: Address,
    /// Kept, but not offered.
    pub hidden: bool,
}

impl Account {
    /// Whether its key is in the vault.
    pub const fn signs(&self) -> bool {
        !matches!(self.kind, Kind::Watched)
    }
}

/// The name as it is kept, if no other account than `own` has it.
pub fn free_name(accounts: &[Account], name: &str, own: Option<Address>) -> Result<String, VaultError> {
    let name = name.trim();
    let taken = |name: &str| accounts.iter().any(|a| Some(a.address) != own && a.name == name);
    let refused = |reason| VaultError::Name { name: name.chars().take(MAX_NAME).collect(), reason };
    match name.chars().count() {
        0 => Err(refused("it is empty")),
        found if found > MAX_NAME => Err(refused("it has more than 40 characters")),
        _ if name.chars().any(char::is_control) => Err(refused("it has control characters")),
        _ if taken(name) => Err(refused("another account has this name")),
        _ => Ok(name.to_owned()),
    }
}
