//! Key files: what is read, what is refused, and that nothing of it is printed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

use std::path::PathBuf;
use vault::{Cost, KeyFile, KeyFileError, Passphrase, Vault};

const KEY: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
const ADDRESS: &str = "TYBNgWfhGuNzdLtjKtxXTfskAhTbMcqbaG";

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
    fn path(&self) -> PathBuf {
        self.0.path().join("key")
    }
    fn load(&self) -> Result<String, KeyFileError> {
        KeyFile::load(self.path()).map(|key| key.address().to_string())
    }
    fn with(&self, text: &str) -> Result<String, KeyFileError> {
        std::fs::write(self.path(), text).unwrap();
        self.mode(0o600);
        self.load()
    }
    fn mode(&self, mode: u32) {
        #[cfg(unix)]
        std::fs::set_permissions(self.path(), std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        #[cfg(not(unix))]
        let _ = mode;
    }
    fn name(&self) -> String {
        self.path().display().to_string()
    }
}

#[test]
fn a_key_is_read_with_or_without_prefix_and_line_end() {
    let place = Place::new();
    for text in [KEY.to_owned(), format!("{KEY}\n"), format!("0x{KEY}\r\n"), format!("0x{}\n", KEY.to_uppercase())] {
        assert_eq!(place.with(&text).as_deref(), Ok(ADDRESS));
    }
}

#[test]
fn a_written_key_is_read_again_and_never_replaced() {
    let place = Place::new();
    let bytes: [u8; 32] = hex::decode(KEY).unwrap().try_into().unwrap();
    assert_eq!(KeyFile::create(place.path(), &bytes).map(|k| k.address().to_string()).as_deref(), Ok(ADDRESS));
    assert_eq!(place.load().as_deref(), Ok(ADDRESS));
    assert_eq!(KeyFile::create(place.path(), &[1; 32]).err(), Some(KeyFileError::Exists { path: place.name() }));
    assert_eq!(place.load().as_deref(), Ok(ADDRESS));
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_read_is_refused() {
    let place = Place::new();
    place.with(KEY).unwrap();
    for mode in [0o644, 0o640, 0o604, 0o660, 0o601, 0o777] {
        place.mode(mode);
        assert_eq!(place.load(), Err(KeyFileError::NotPrivate { path: place.name() }), "{mode:o}");
    }
    place.mode(0o400);
    assert_eq!(place.load().as_deref(), Ok(ADDRESS));
}

#[test]
fn what_is_no_key_is_refused_and_not_repeated() {
    let place = Place::new();
    assert_eq!(place.load(), Err(KeyFileError::Missing { path: place.name() }));
    let zero = "0".repeat(64);
    let large = "a".repeat(100_000);
    for text in ["", "0x", &KEY[1..], &format!("{KEY}00"), &format!("{KEY} {KEY}"), "secretsecret", &zero, &large] {
        let error = place.with(text).unwrap_err();
        assert_eq!(error, KeyFileError::NotAKey { path: place.name() });
        assert!(!error.to_string().contains("secretsecret") && !error.to_string().contains(&KEY[1..]));
    }
    assert_eq!(KeyFile::create(place.path(), &[0; 32]).err(), Some(KeyFileError::NotAKey { path: place.name() }));
}

#[test]
fn a_vault_is_told_apart_from_a_key_file() {
    let place = Place::new();
    let words = tron::Words::from_entropy(&[1; 16]).unwrap();
    let made = Vault::create_with_cost(place.path(), &words, &Passphrase::new("x".into()), Cost::floor());
    assert!(made.is_ok());
    assert_eq!(place.load(), Err(KeyFileError::IsVault { path: place.name() }));
}
