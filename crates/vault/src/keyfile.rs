//! A file with one private key in hex, for a service that has to start without a person. Refuses a file that
//! others can read; never prints what is in it.

use crate::own::{self, OwnError};
use crate::{file, private_file};
use std::{io, path::Path};
use tron::PrivateKey;
use zeroize::Zeroizing;

/// Larger than any key file, small enough to read before knowing what it is.
const MAX_BYTES: usize = 64 * 1024;

/// Reads and writes key files: 64 hex digits, optionally `0x` in front and a line end behind.
pub struct KeyFile;

/// Why a key file is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFileError {
    #[error("{path} does not exist")]
    Missing { path: String },
    #[error("{path} exists already: it is never replaced")]
    Exists { path: String },
    #[error("others can read {path}: take their rights away (mode 0600), and replace the key if it mattered")]
    NotPrivate { path: String },
    /// Another user's, or where everybody could exchange it.
    #[error("{reason}")]
    NotYours { reason: String },
    #[error("{path} is a vault: it opens with its passphrase, not as a key file")]
    IsVault { path: String },
    #[error("{path}: expected one private key of 64 hex digits")]
    NotAKey { path: String },
    #[error("could not {action} {path}: {reason}")]
    File { path: String, action: &'static str, reason: String },
}

impl KeyFile {
    pub fn load(path: impl AsRef<Path>) -> Result<PrivateKey, KeyFileError> {
        let path = path.as_ref();
        let at = || path.display().to_string();
        match own::check_file(path) {
            Ok(()) | Err(OwnError::File { .. }) => {}
            Err(OwnError::Open { .. }) => return Err(KeyFileError::NotPrivate { path: at() }),
            Err(other) => return Err(KeyFileError::NotYours { reason: other.to_string() }),
        }
        let bytes = private_file::read_owner_only(path, MAX_BYTES).map(Zeroizing::new).map_err(|e| match e.kind() {
            // The system's own refusal carries its code; ours, for rights that are too wide, has none.
            io::ErrorKind::PermissionDenied if e.raw_os_error().is_none() => KeyFileError::NotPrivate { path: at() },
            io::ErrorKind::NotFound => KeyFileError::Missing { path: at() },
            io::ErrorKind::FileTooLarge => KeyFileError::NotAKey { path: at() },
            _ => KeyFileError::File { path: at(), action: "read", reason: e.to_string() },
        })?;
        let text = bytes.trim_ascii();
        let mut key = Zeroizing::new([0; 32]);
        match hex::decode_to_slice(text.strip_prefix(b"0x").unwrap_or(text), key.as_mut()) {
            Ok(()) => PrivateKey::from_bytes(&key).map_err(|_| KeyFileError::NotAKey { path: at() }),
            Err(_) if text.starts_with(b"{") && contains(text, file::FORMAT.as_bytes()) => {
                Err(KeyFileError::IsVault { path: at() })
            }
            Err(_) => Err(KeyFileError::NotAKey { path: at() }),
        }
    }

    /// Writes a key that the caller made from 32 random bytes, readable by its owner only; replaces nothing.
    pub fn create(path: impl AsRef<Path>, key: &[u8; 32]) -> Result<PrivateKey, KeyFileError> {
        let path = path.as_ref();
        let at = || path.display().to_string();
        let valid = PrivateKey::from_bytes(key).map_err(|_| KeyFileError::NotAKey { path: at() })?;
        let mut text = Zeroizing::new([b'\n'; 65]);
        hex::encode_to_slice(key, &mut text[..64]).map_err(|_| KeyFileError::NotAKey { path: at() })?;
        private_file::write_new(path, text.as_ref()).and_then(|()| private_file::sync_folder(path)).map_err(
            |e| match e.kind() {
                io::ErrorKind::AlreadyExists => KeyFileError::Exists { path: at() },
                _ => KeyFileError::File { path: at(), action: "write", reason: e.to_string() },
            },
        )?;
        Ok(valid)
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
