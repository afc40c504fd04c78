//! Keys at rest. One JSON file holds the BIP-39 words, sealed with Argon2id and XChaCha20-Poly1305; everything
//! else in the file is authenticated with them. Refuses files that are not exactly as it wrote them, key
//! derivation that is too cheap or too dear, and to hand out a private key.

mod backup;
mod cost;
mod error;
mod file;
pub mod keyfile;
mod passphrase;
mod private_file;
mod sealed;
mod store;

pub use backup::{Backup, BackupError};
pub use cost::{Cost, CostError};
pub use error::VaultError;
pub use keyfile::{KeyFile, KeyFileError};
pub use passphrase::Passphrase;
pub use store::{Account, Unlocked, Vault};
