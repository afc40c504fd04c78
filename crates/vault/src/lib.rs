//! Keys at rest. One JSON file holds the BIP-39 words and imported keys, sealed with Argon2id and
//! XChaCha20-Poly1305; everything else in the file is authenticated with them. Refuses files that are not exactly
//! as it wrote them, key derivation that is too cheap or too dear, and to hand out words or a key without the
//! passphrase.

mod account;
mod backup;
mod cost;
mod error;
mod file;
pub mod keyfile;
mod keystore;
mod narrow;
pub mod own;
mod passphrase;
mod private_file;
mod remembered;
mod restore;
mod scrub;
mod sealed;
mod secrets;
mod store;
mod unlocked;

pub use account::{Account, Kind};
pub use backup::{Backup, BackupError};
pub use cost::{Cost, CostError};
pub use error::VaultError;
pub use keyfile::{KeyFile, KeyFileError};
pub use keystore::{Keystore, KeystoreError};
pub use passphrase::Passphrase;
pub use private_file::{read_owner_only, write_new};
pub use remembered::{Remembered, UnlockSecret};
pub use store::{Origin, Vault};
pub use unlocked::Unlocked;
