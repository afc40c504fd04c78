//! Keystore files of other wallets: Web3 Secret Storage, version 3 (scrypt or pbkdf2-hmac-sha256, aes-128-ctr,
//! MAC by keccak-256), as TronLink, geth and others write them. Refuses key derivation above a ceiling before any
//! work is done, everything that is not of its form, and a key that is not the one of the address in the file.
//!
//! Source: <https://ethereum.org/developers/docs/data-structures-and-encoding/web3-secret-storage>.

use crate::passphrase::Form;
use crate::scrub::scrubbed;
use crate::{Passphrase, VaultError, narrow, private_file, sealed::random};
use aes::Aes128;
use aes::cipher::{KeyIvInit, StreamCipher};
use serde::{Deserialize, Deserializer};
use sha3::{Digest as _, Keccak256};
use std::io;
use std::path::Path;
use tron::{Address, PrivateKey};
use zeroize::Zeroizing;

type Ctr = ctr::Ctr128BE<Aes128>;

/// Far above any real file.
const MAX_BYTES: usize = 64 * 1024;
/// Memory that scrypt may ask for, in MiB: 1 GiB, as n of 2^20 and r of 8 have it, and the two small buffers beside it.
const MEMORY_MIB: u64 = 1025;
/// Blocks and lanes: files have 8 and 1, a few 1 and 8.
const R_MOST: u64 = 64;
const P_MOST: u64 = 64;
/// Work of scrypt in the same unit, over all of its p lanes.
const WORK_MIB: u64 = 4096;
const ITERATIONS: u32 = 10_000_000;
/// What is written here: 256 MiB, as geth does.
const OWN_LOG_N: u8 = 18;

/// Why a keystore is not imported or written. Never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeystoreError {
    #[error("this is no keystore file of version 3: {reason}")]
    Form { reason: String },
    /// Refused before any work is done.
    #[error("opening this keystore would take {found} {unit}, more than the {ceiling} that are allowed here")]
    TooDear { found: u64, ceiling: u64, unit: &'static str },
    #[error("this is not the passphrase of the keystore, or the file is damaged")]
    WrongPassphrase,
    #[error("the keystore says that it holds {said}, but its key belongs to {found}")]
    OtherAddress { said: Address, found: Address },
    #[error("there is too little free memory for this keystore: {needed_mib} MiB are needed")]
    Memory { needed_mib: u64 },
    #[error("could not {action} {path}: {reason}")]
    File { path: String, action: &'static str, reason: String },
    #[error("{0}")]
    Vault(#[from] VaultError),
}

/// A keystore that was read and is affordable; still sealed.
pub struct Keystore {
    kdf: Kdf,
    salt: Vec<u8>,
    length: usize,
    iv: [u8; 16],
    sealed: [u8; 32],
    mac: [u8; 32],
    address: Option<Address>,
}

enum Kdf {
    Scrypt { log_n: u8, r: u32, p: u32 },
    Pbkdf2 { rounds: u32 },
}

#[derive(Deserialize)]
struct FileText {
    #[serde(deserialize_with = "integer")]
    version: u64,
    address: Option<String>,
    #[serde(alias = "Crypto")]
    crypto: CryptoText,
}

#[derive(Deserialize)]
struct CryptoText {
    cipher: String,
    ciphertext: String,
    cipherparams: IvText,
    kdf: String,
    kdfparams: KdfText,
    mac: String,
}

#[derive(Deserialize)]
struct IvText {
    iv: String,
}

#[derive(Deserialize)]
struct KdfText {
    #[serde(deserialize_with = "integer")]
    dklen: u64,
    salt: String,
    #[serde(default, deserialize_with = "some_integer")]
    n: Option<u64>,
    #[serde(default, deserialize_with = "some_integer")]
    r: Option<u64>,
    #[serde(default, deserialize_with = "some_integer")]
    p: Option<u64>,
    #[serde(default, deserialize_with = "some_integer")]
    c: Option<u64>,
    prf: Option<String>,
}

/// A whole number; some wallets write it as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Integer {
    Number(u64),
    Text(String),
}

impl Integer {
    fn value<E: serde::de::Error>(self) -> Result<u64, E> {
        match self {
            Self::Number(number) => Ok(number),
            Self::Text(text) => text.trim().parse().map_err(E::custom),
        }
    }
}

fn integer<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    Integer::deserialize(from)?.value()
}

fn some_integer<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    Option::<Integer>::deserialize(from)?.map(Integer::value).transpose()
}

fn form(reason: impl Into<String>) -> KeystoreError {
    KeystoreError::Form { reason: reason.into() }
}

fn bytes<const N: usize>(name: &str, text: &str) -> Result<[u8; N], KeystoreError> {
    let mut out = [0; N];
    hex::decode_to_slice(text.strip_prefix("0x").unwrap_or(text), &mut out)
        .map_err(|_| form(format!("{name} is not {N} bytes in hex")))?;
    Ok(out)
}

impl Keystore {
    /// The text of a file as wallets and editors write it: UTF-8 or UTF-16, with a byte order mark or UTF-8 without.
    pub fn text(file: &[u8]) -> Result<Zeroizing<String>, KeystoreError> {
        let (read, units): (fn([u8; 2]) -> u16, _) = match file {
            [0xef, 0xbb, 0xbf, rest @ ..] => return utf8(rest),
            [0xff, 0xfe, rest @ ..] => (u16::from_le_bytes, rest),
            [0xfe, 0xff, rest @ ..] => (u16::from_be_bytes, rest),
            _ => return utf8(file),
        };
        let (pairs, []) = units.as_chunks::<2>() else {
            return Err(form("it is UTF-16 with half a character at its end"));
        };
        char::decode_utf16(pairs.iter().copied().map(read))
            .collect::<Result<String, _>>()
            .map(Zeroizing::new)
            .map_err(|_| form("it is UTF-16 with an invalid character"))
    }

    /// Reads the JSON. Everything that can be wrong with it without its passphrase is told here.
    pub fn parse(text: &[u8]) -> Result<Self, KeystoreError> {
        if text.len() > MAX_BYTES {
            return Err(form(format!("it has more than {MAX_BYTES} bytes")));
        }
        let text = Self::text(text)?;
        let json = &mut serde_json::Deserializer::from_str(&text);
        let file: FileText = serde_path_to_error::deserialize(&mut *json).map_err(|e| malformed(&e))?;
        json.end().map_err(|e| form(format!("line {}, column {}: something follows its end", e.line(), e.column())))?;
        if file.version != 3 {
            return Err(form(format!("its version is {}", file.version)));
        }
        let crypto = file.crypto;
        if crypto.cipher != "aes-128-ctr" {
            return Err(form("its cipher is not aes-128-ctr"));
        }
        let address = file.address.filter(|text| !text.is_empty()).map(|text| address(&text)).transpose()?;
        let params = crypto.kdfparams;
        let length = usize::try_from(params.dklen).ok().filter(|n| (32..=64).contains(n));
        let length = length.ok_or_else(|| form("kdfparams.dklen is not from 32 to 64"))?;
        let salt = hex::decode(params.salt.strip_prefix("0x").unwrap_or(&params.salt));
        Ok(Self {
            kdf: Kdf::read(&crypto.kdf, params.n, params.r, params.p, params.c, params.prf.as_deref())?,
            salt: salt.map_err(|_| form("kdfparams.salt is not hex"))?,
            length,
            iv: bytes("cipherparams.iv", &crypto.cipherparams.iv)?,
            sealed: bytes("ciphertext", &crypto.ciphertext)?,
            mac: bytes("mac", &crypto.mac)?,
            address,
        })
    }

    /// The address that the file claims for itself, if it does.
    pub const fn address(&self) -> Option<Address> {
        self.address
    }

    /// Derives the key, which may take seconds, and opens the file.
    pub fn open(&self, passphrase: &Passphrase) -> Result<PrivateKey, KeystoreError> {
        scrubbed(|| self.opened(passphrase))
    }

    fn opened(&self, passphrase: &Passphrase) -> Result<PrivateKey, KeystoreError> {
        let derived = self.unlocked_by(passphrase)?;
        let mut key = Box::new(Zeroizing::new(self.sealed));
        Ctr::new(derived[..16].into(), &self.iv.into()).apply_keystream(key.as_mut_slice());
        // The passphrase was right: what is wrong now is the key itself.
        let key = PrivateKey::from_bytes(&key).map_err(|_| form("what it holds is no private key"))?;
        match self.address {
            Some(said) if said != key.address() => Err(KeystoreError::OtherAddress { said, found: key.address() }),
            _ => Ok(key),
        }
    }

    /// What the passphrase derives to, in the first of its forms that fits the file.
    fn unlocked_by(&self, passphrase: &Passphrase) -> Result<Zeroizing<Vec<u8>>, KeystoreError> {
        for form in passphrase.forms() {
            let derived = self.derive(&form)?;
            let mac = Keccak256::new().chain_update(&derived[16..32]).chain_update(self.sealed).finalize();
            if mac.as_slice() == self.mac {
                return Ok(derived);
            }
        }
        Err(KeystoreError::WrongPassphrase)
    }

    fn derive(&self, passphrase: &Form) -> Result<Zeroizing<Vec<u8>>, KeystoreError> {
        let mut out = Zeroizing::new(vec![0; self.length]);
        match self.kdf {
            Kdf::Pbkdf2 { rounds } => {
                pbkdf2::pbkdf2_hmac::<sha2::Sha256>(passphrase.as_bytes(), &self.salt, rounds, &mut out);
            }
            Kdf::Scrypt { log_n, r, p } => {
                let needed_mib = memory_mib(1 << log_n, u64::from(r), u64::from(p));
                // Asked for before the library takes it, so that too little of it is an error instead of an abort.
                let mut room = Vec::<u8>::new();
                let size = usize::try_from(needed_mib << 20).unwrap_or(usize::MAX);
                room.try_reserve_exact(size).map_err(|_| KeystoreError::Memory { needed_mib })?;
                drop(room);
                match scrypt::Params::new(log_n, r, p, scrypt::Params::RECOMMENDED_LEN) {
                    Ok(params) => scrypt::scrypt(passphrase.as_bytes(), &self.salt, &params, &mut out)
                        .map_err(|_| form("its scrypt parameters do not fit together"))?,
                    Err(_) => narrow::scrypt(passphrase.as_bytes(), &self.salt, log_n, r, p, &mut out),
                }
            }
        }
        Ok(out)
    }

    /// A keystore with this key under a passphrase of its own, as JSON.
    pub fn write(key: &PrivateKey, passphrase: &Passphrase) -> Result<String, KeystoreError> {
        Self::write_with(key, passphrase, OWN_LOG_N)
    }

    /// As [`Keystore::write`] with 2^`log_n` for scrypt's n; r is 8 and p is 1.
    pub fn write_with(key: &PrivateKey, passphrase: &Passphrase, log_n: u8) -> Result<String, KeystoreError> {
        scrubbed(|| Self::written(key, passphrase, log_n))
    }

    fn written(key: &PrivateKey, passphrase: &Passphrase, log_n: u8) -> Result<String, KeystoreError> {
        let (salt, iv, mut id): ([u8; 32], [u8; 16], [u8; 16]) = (random()?, random()?, random()?);
        let kdf = Kdf::Scrypt { log_n, r: 8, p: 1 };
        let mut it = Self { kdf, salt: salt.to_vec(), length: 32, iv, sealed: [0; 32], mac: [0; 32], address: None };
        let derived = it.derive(&passphrase.composed())?;
        let mut sealed = key.reveal();
        Ctr::new(derived[..16].into(), &iv.into()).apply_keystream(sealed.as_mut_slice());
        it.sealed = **sealed;
        let mac = Keccak256::new().chain_update(&derived[16..32]).chain_update(it.sealed).finalize();
        // RFC 9562: a version 4 UUID.
        id[6] = id[6] & 0x0f | 0x40;
        id[8] = id[8] & 0x3f | 0x80;
        let id = hex::encode(id);
        let id = [&id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]].join("-");
        Ok(serde_json::json!({
            "version": 3,
            "id": id,
            "address": key.address().to_evm_hex().trim_start_matches("0x"),
            "crypto": {
                "cipher": "aes-128-ctr",
                "cipherparams": { "iv": hex::encode(iv) },
                "ciphertext": hex::encode(it.sealed),
                "kdf": "scrypt",
                "kdfparams": { "dklen": 32, "n": 1_u64 << log_n, "r": 8, "p": 1, "salt": hex::encode(salt) },
                "mac": hex::encode(mac),
            },
        })
        .to_string())
    }

    /// Reads a file of any rights: the key in it is sealed.
    pub fn load(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeystoreError> {
        private_file::read(path, MAX_BYTES).map(Zeroizing::new).map_err(|e| match e.kind() {
            io::ErrorKind::FileTooLarge => form(format!("it has more than {MAX_BYTES} bytes")),
            _ => KeystoreError::File { path: path.display().to_string(), action: "read", reason: e.to_string() },
        })
    }
}

impl Kdf {
    fn read(
        name: &str,
        n: Option<u64>,
        r: Option<u64>,
        p: Option<u64>,
        c: Option<u64>,
        prf: Option<&str>,
    ) -> Result<Self, KeystoreError> {
        let some = |field: &str, value: Option<u64>| {
            value.filter(|v| *v > 0).ok_or_else(|| form(format!("kdfparams.{field} is missing or zero")))
        };
        match name {
            "scrypt" => {
                let (n, r, p) = (some("n", n)?, some("r", r)?, some("p", p)?);
                if !n.is_power_of_two() || n == 1 {
                    return Err(form("kdfparams.n is not a power of two above one"));
                }
                for (found, ceiling, unit) in [(r, R_MOST, "as scrypt's r"), (p, P_MOST, "as scrypt's p")] {
                    if found > ceiling {
                        return Err(KeystoreError::TooDear { found, ceiling, unit });
                    }
                }
                let memory = memory_mib(n, r, p);
                let unit = "MiB";
                if memory > MEMORY_MIB {
                    return Err(KeystoreError::TooDear { found: memory, ceiling: MEMORY_MIB, unit });
                }
                let work = memory.max(1).saturating_mul(p);
                if work > WORK_MIB {
                    let unit = "MiB of work";
                    return Err(KeystoreError::TooDear { found: work, ceiling: WORK_MIB, unit });
                }
                let small = |v: u64| u32::try_from(v).map_err(|_| form("kdfparams are out of range"));
                Ok(Self::Scrypt { log_n: n.trailing_zeros() as u8, r: small(r)?, p: small(p)? })
            }
            "pbkdf2" => {
                if prf.is_some_and(|prf| prf != "hmac-sha256") {
                    return Err(form("kdfparams.prf is not hmac-sha256"));
                }
                let found = some("c", c)?;
                match u32::try_from(found).ok().filter(|rounds| *rounds <= ITERATIONS) {
                    Some(rounds) => Ok(Self::Pbkdf2 { rounds }),
                    None => Err(KeystoreError::TooDear { found, ceiling: u64::from(ITERATIONS), unit: "rounds" }),
                }
            }
            _ => Err(form("its key derivation is neither scrypt nor pbkdf2")),
        }
    }
}

/// All that scrypt keeps at once, in MiB rounded up: n rows, p lanes and one block to mix in, each of 128·r bytes.
const fn memory_mib(n: u64, r: u64, p: u64) -> u64 {
    let blocks = n.saturating_add(p).saturating_add(1);
    blocks.saturating_mul(r).saturating_mul(128).div_ceil(1 << 20)
}

/// Ethereum's files have 40 hex digits, TRON's 42 or base58.
fn address(text: &str) -> Result<Address, KeystoreError> {
    let bare = text.strip_prefix("0x").unwrap_or(text);
    let read = if bare.len() == 40 { Address::parse(&format!("0x{bare}")) } else { Address::parse(text) };
    read.map_err(|_| form("its address is not valid"))
}

fn utf8(text: &[u8]) -> Result<Zeroizing<String>, KeystoreError> {
    match std::str::from_utf8(text) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(e) => Err(form(format!("from byte {} on it is no text", e.valid_up_to() + 1))),
    }
}

/// What is wrong and where, without repeating any of the file.
fn malformed(error: &serde_path_to_error::Error<serde_json::Error>) -> KeystoreError {
    let (path, inner) = (error.path().to_string(), error.inner());
    let place = format!("line {}, column {}", inner.line(), inner.column());
    let at = if path == "." { "the file".to_owned() } else { path };
    let said = inner.to_string();
    form(match inner.classify() {
        serde_json::error::Category::Eof => "it ends too early".to_owned(),
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => format!("{place}: it is no JSON"),
        // The library's words about a missing field name that field alone.
        serde_json::error::Category::Data if said.starts_with("missing field") => {
            let field = said.split('`').nth(1).unwrap_or_default();
            format!("{at} has no {field}")
        }
        serde_json::error::Category::Data => format!("{at} is not of the right type ({place})"),
    })
}

#[cfg(test)]
mod tests {
    use super::memory_mib;

    #[test]
    fn all_of_what_scrypt_keeps_is_counted() {
        assert_eq!(memory_mib(1 << 18, 8, 1), 257);
        assert_eq!(memory_mib(1 << 18, 1, 8), 33);
        // 1 GiB of rows, 2 GiB of lanes and a block of half a GiB.
        assert_eq!(memory_mib(2, 1 << 22, 4), 3584);
        assert!(memory_mib(u64::MAX, u64::MAX, u64::MAX) > 1 << 40);
    }
}
