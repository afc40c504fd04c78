//! Why a vault did not open, change or sign: facts, and what is left to do.

use crate::CostError;
use tron::Address;

/// Every way a vault can say no. Never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// Creating never replaces a vault.
    #[error("{path} exists already: open it, or choose another place")]
    Exists { path: String },
    #[error("{path} does not exist: create a vault, or name the right file")]
    Missing { path: String },
    /// The file system said no.
    #[error("could not {action} {path}: {reason}")]
    File { path: String, action: &'static str, reason: String },
    #[error("{path} is no Countersign vault ({reason}): name the right file")]
    NotAVault { path: String, reason: String },
    #[error("{path} ends too early: restore a copy of it, or create the vault again from its words")]
    Truncated { path: String },
    /// The file's own checksum or form is wrong: it changed by accident, or by someone careless.
    #[error("{path} was altered or damaged ({reason}): restore a copy of it, or create the vault again from its words")]
    Damaged { path: String, reason: String },
    #[error("{path} was written by a newer version (format {found}, this one reads up to {supported}): update first")]
    NewerVersion { path: String, found: u64, supported: u64 },
    /// Refused before any work is done.
    #[error("the key derivation of {path} is refused: {reason}")]
    Cost { path: String, reason: CostError },
    /// Or salt, cost and mark were altered by someone careful, which can't be told apart.
    #[error("this is not the passphrase of the vault: try again")]
    WrongPassphrase,
    /// The passphrase is right and yet the content does not verify: someone who could write the file changed it.
    #[error(
        "the passphrase is right, but {path} was changed by someone without it: restore a copy of it, or create the vault again from its words"
    )]
    Tampered { path: String },
    #[error("key derivation needs {needed_kib} KiB of free memory: close something and try again")]
    Memory { needed_kib: u32 },
    #[error("the key derivation failed")]
    Derivation,
    #[error("the system gave no randomness")]
    Randomness,
    #[error("no keyring remembers the unlock of this vault: the passphrase opens it")]
    NotRemembered,
    /// Of another vault, of an earlier passphrase, or not a secret at all.
    #[error("what the keyring kept does not open this vault: the passphrase opens it")]
    ForeignSecret,
    #[error("account {address} is not in this vault")]
    UnknownAccount { address: Address },
    /// Only the address is known.
    #[error("{address} is watched only: its key is not in this vault. Import the key to sign with it")]
    WatchedOnly { address: Address },
    #[error("{address} is in the vault already, as {name:?}")]
    Duplicate { address: Address, name: String },
    #[error("the vault has no words: its keys were imported one by one")]
    NoWords,
    #[error("{address} comes from the words and would come back with them: hide it instead")]
    FromWords { address: Address },
    #[error("{address} is the last account with a key: make or import another one first")]
    LastKey { address: Address },
    #[error(
        "these words give another first address ({found}) than the vault ({expected}): they belong to another wallet"
    )]
    OtherWords { found: Address, expected: Address },
    #[error("the transaction acts for {owner}, not for {address}")]
    NotOwner { address: Address, owner: Address },
    /// 1 to 40 characters, no control characters, not the name of another account.
    #[error("an account can't be named {name:?}: {reason}")]
    Name { name: String, reason: &'static str },
    #[error("there is no account at index {index}")]
    NoSuchIndex { index: u32 },
}
