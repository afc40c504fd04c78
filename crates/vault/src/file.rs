//! The vault file: its JSON, what of it is authenticated, and how strictly it is read. Knows no keys.
//!
//! Format 1 sealed the entropy of the words, and every account came from them. Format 2 seals words and imported
//! keys together (see `secrets`), and an account line says where its key is. Format 1 is read for ever and becomes
//! format 2 with the next change. Beside what is sealed, format 2 may hold the vault's key for the keyring of the
//! system (see `remembered`): it is outside of what the vault's key authenticates, because it is taken away without it.

use crate::cost::Cost;
use crate::remembered::Remembered;
use crate::{Account, Kind, VaultError, private_file};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest, Sha256};
use std::{io, path::Path};
use tron::Address;

pub const FORMAT: &str = "countersign-vault";
pub const VERSION: u64 = 2;
/// The format in which words were sealed alone.
pub const WORDS_ONLY: u64 = 1;
const CIPHER: &str = "xchacha20-poly1305";
const KDF: &str = "argon2id";
/// Far above any real file: some 10,000 accounts.
const MAX_BYTES: usize = 1024 * 1024;

/// The whole file, in the order in which it is written.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    pub format: String,
    pub version: u64,
    pub header: Header,
    /// Words and keys, encrypted; the rest of the file is its associated data.
    #[serde(with = "base64_text")]
    pub sealed: Vec<u8>,
    /// The key once more, for an unlock that the keyring of the system remembers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remembered: Option<Remembered>,
    /// SHA-256 over everything else: finds accidents before a passphrase is asked. Protects from nobody.
    checksum: Bytes<32>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    kdf: Kdf,
    cipher: String,
    pub nonce: Bytes<24>,
    /// Told by the key derivation beside the key: differs when the passphrase does.
    pub mark: Bytes<16>,
    accounts: Vec<AccountLine>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kdf {
    algorithm: String,
    memory_kib: u32,
    passes: u32,
    salt: Bytes<16>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountLine {
    /// Of an account that comes from the words.
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u32>,
    name: String,
    address: String,
    /// Of any other account; format 1 had none.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<KindLine>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    hidden: bool,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KindLine {
    Imported,
    Watched,
}

impl AccountLine {
    fn of(account: &Account) -> Self {
        let (index, kind) = match account.kind {
            Kind::Derived { index } => (Some(index), None),
            Kind::Imported => (None, Some(KindLine::Imported)),
            Kind::Watched => (None, Some(KindLine::Watched)),
        };
        let (name, address) = (account.name.clone(), account.address.to_string());
        Self { index, name, address, kind, hidden: account.hidden }
    }

    /// What a line of this format says, or what is wrong with it.
    fn read(&self, version: u64) -> Result<Account, &'static str> {
        let address = Address::parse(&self.address).map_err(|_| "an address is not valid")?;
        let kind = match (self.index, self.kind) {
            (Some(index), None) => Kind::Derived { index },
            (None, Some(KindLine::Imported)) if version > WORDS_ONLY => Kind::Imported,
            (None, Some(KindLine::Watched)) if version > WORDS_ONLY => Kind::Watched,
            _ => return Err("an account does not say where its key is"),
        };
        if self.hidden && version == WORDS_ONLY {
            return Err("its format knows no hidden accounts");
        }
        Ok(Account { kind, name: self.name.clone(), address, hidden: self.hidden })
    }
}

/// What is read before the rest, so that a newer file is named as such.
#[derive(Deserialize)]
struct Probe {
    format: String,
    version: u64,
}

impl Header {
    pub fn new(cost: Cost, salt: [u8; 16], mark: [u8; 16], nonce: [u8; 24], accounts: &[Account]) -> Self {
        Self {
            kdf: Kdf {
                algorithm: KDF.to_owned(),
                memory_kib: cost.memory_kib(),
                passes: cost.passes(),
                salt: Bytes(salt),
            },
            cipher: CIPHER.to_owned(),
            nonce: Bytes(nonce),
            mark: Bytes(mark),
            accounts: accounts.iter().map(AccountLine::of).collect(),
        }
    }

    pub const fn salt(&self) -> &[u8; 16] {
        &self.kdf.salt.0
    }

    /// The associated data: format, version and every byte of the header.
    pub fn bound(&self, version: u64) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(&(FORMAT, version, self))
    }
}

/// A file that is exactly as it was written, with its values read.
pub struct Read {
    pub file: File,
    pub cost: Cost,
    pub accounts: Vec<Account>,
}

impl File {
    pub fn new(header: Header, sealed: Vec<u8>, remembered: Option<Remembered>) -> Result<Self, serde_json::Error> {
        let checksum = checksum(&header, VERSION, &sealed, remembered.as_ref())?;
        Ok(Self { format: FORMAT.to_owned(), version: VERSION, header, sealed, remembered, checksum })
    }

    /// The same vault with another remembered unlock, or none.
    pub fn with_remembered(&self, remembered: Option<Remembered>) -> Result<Self, serde_json::Error> {
        let checksum = checksum(&self.header, self.version, &self.sealed, remembered.as_ref())?;
        Ok(Self { remembered, checksum, ..self.clone() })
    }

    fn render(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    pub fn write(&self, path: &Path) -> Result<(), VaultError> {
        self.render()
            .map_err(io::Error::from)
            .and_then(|bytes| private_file::write(path, &bytes))
            .map_err(|e| io_error(path, "write", &e))
    }

    /// Reads a file and refuses it, before any key derivation, unless every byte is as it was written.
    pub fn read(path: &Path) -> Result<Read, VaultError> {
        let bytes = private_file::read(path, MAX_BYTES).map_err(|e| io_error(path, "read", &e))?;
        Self::parse(path, &bytes)
    }

    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Read, VaultError> {
        let at = || path.display().to_string();
        let damaged = |reason: &str| VaultError::Damaged { path: at(), reason: reason.to_owned() };
        let probe: Probe = serde_json::from_slice(bytes).map_err(|e| match e.is_eof() {
            true => VaultError::Truncated { path: at() },
            false => VaultError::NotAVault { path: at(), reason: position(&e) },
        })?;
        if probe.format != FORMAT || probe.version == 0 {
            return Err(VaultError::NotAVault { path: at(), reason: "another format".to_owned() });
        }
        if probe.version > VERSION {
            return Err(VaultError::NewerVersion { path: at(), found: probe.version, supported: VERSION });
        }
        let file: Self = serde_json::from_slice(bytes).map_err(|e| damaged(&position(&e)))?;
        let found = checksum(&file.header, file.version, &file.sealed, file.remembered.as_ref());
        if found.ok().as_ref() != Some(&file.checksum) {
            return Err(damaged("its checksum does not match"));
        }
        // One way to write it: not even a blank is changed without notice.
        if file.render().ok().as_deref() != Some(bytes) {
            return Err(damaged("it is not written as this program writes it"));
        }
        if file.header.cipher != CIPHER || file.header.kdf.algorithm != KDF {
            return Err(damaged("an unknown cipher or key derivation"));
        }
        let cost = Cost::new(file.header.kdf.memory_kib, file.header.kdf.passes)
            .map_err(|reason| VaultError::Cost { path: at(), reason })?;
        if file.remembered.is_some() && file.version == WORDS_ONLY {
            return Err(damaged("its format knows no remembered unlock"));
        }
        let accounts = file
            .header
            .accounts
            .iter()
            .map(|line| line.read(file.version).map_err(damaged))
            .collect::<Result<_, VaultError>>()?;
        Ok(Read { file, cost, accounts })
    }
}

fn checksum(
    header: &Header,
    version: u64,
    sealed: &[u8],
    remembered: Option<&Remembered>,
) -> Result<Bytes<32>, serde_json::Error> {
    let mut hash = Sha256::new().chain_update(header.bound(version)?).chain_update(sealed);
    if let Some(part) = remembered {
        hash.update(serde_json::to_vec(part)?);
    }
    Ok(Bytes(hash.finalize().into()))
}

/// Where the JSON is wrong, without repeating any of it.
fn position(error: &serde_json::Error) -> String {
    format!("line {}, column {}", error.line(), error.column())
}

pub fn io_error(path: &Path, action: &'static str, error: &io::Error) -> VaultError {
    let path = path.display().to_string();
    match error.kind() {
        io::ErrorKind::NotFound if action == "read" => VaultError::Missing { path },
        io::ErrorKind::FileTooLarge => VaultError::NotAVault { path, reason: format!("more than {MAX_BYTES} bytes") },
        _ => VaultError::File { path, action, reason: error.to_string() },
    }
}

/// Bytes of a fixed number, base64 in the file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Bytes<const N: usize>(pub [u8; N]);

impl<const N: usize> Serialize for Bytes<N> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        base64_text::serialize(&self.0, to)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Bytes<N> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let bytes = base64_text::deserialize(from)?;
        bytes.try_into().map(Self).map_err(|_| D::Error::custom("another number of bytes"))
    }
}

pub mod base64_text {
    use super::*;

    pub fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(from)?).map_err(|_| D::Error::custom("no base64"))
    }
}
