//! A vault's life as its owner sees it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

use std::path::PathBuf;
use tron::hd::{self, Words};
use tron::tx::{Contract, RawTransaction};
use tron::{Address, Digest, recover};
use vault::{Cost, Kind, Passphrase, Unlocked, Vault, VaultError};

const WORDS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
const SECRET: &str = "correct horse battery";

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text.to_owned())
}

fn words() -> Words {
    Words::parse(WORDS).unwrap()
}

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }
    fn path(&self) -> PathBuf {
        self.folder.path().join("vault.json")
    }
    fn create(&self) -> Unlocked {
        created(Vault::create_with_cost(self.path(), &words(), &passphrase(SECRET), Cost::floor()))
    }
    fn open(&self) -> Vault {
        Vault::open(self.path()).unwrap()
    }
}

/// `unwrap` without asking the secret side for a Debug.
fn created(result: Result<Unlocked, VaultError>) -> Unlocked {
    result.unwrap_or_else(|e| panic!("{e}"))
}

fn names(vault: &Vault) -> Vec<(u32, &str)> {
    let index = |kind| match kind {
        Kind::Derived { index } => index,
        other => panic!("{other:?}"),
    };
    vault.accounts().iter().map(|a| (index(a.kind), a.name.as_str())).collect()
}

#[test]
fn a_vault_at_the_default_cost_opens_with_its_passphrase_only() {
    let place = Place::new();
    let made = created(Vault::create(place.path(), &words(), &passphrase(SECRET)));
    let vault = place.open();
    assert_eq!(vault.cost(), Cost::default());
    assert_eq!(vault.accounts(), made.accounts());
    // Derived elsewhere, too: the first address of these words.
    assert_eq!(vault.accounts()[0].address.to_string(), "TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH");
    assert!(vault.unlock(&passphrase(SECRET)).is_ok());
    assert_eq!(vault.unlock(&passphrase("wrong")).err(), Some(VaultError::WrongPassphrase));
    assert_eq!(vault.unlock(&passphrase("")).err(), Some(VaultError::WrongPassphrase));
}

#[test]
fn an_unlocked_vault_signs_for_its_own_accounts_only() {
    let place = Place::new();
    place.create();
    let unlocked = created(place.open().unlock(&passphrase(SECRET)));
    let address = unlocked.accounts()[0].address;
    let digest = Digest::from_bytes([3; 32]);
    let signature = unlocked.sign(address, &digest).unwrap();
    assert_eq!(recover(&digest, &signature), Ok(address));
    let other = Address::from_bytes([1; 20]);
    assert_eq!(unlocked.sign(other, &digest), Err(VaultError::UnknownAccount { address: other }));

    let raw = |owner| RawTransaction {
        ref_block_bytes: [0; 2],
        ref_block_hash: [0; 8],
        expiration_ms: 2,
        timestamp_ms: 1,
        contract: Contract::Transfer { owner, to: other, amount_sun: 1 },
        fee_limit_sun: 0,
    };
    assert_eq!(unlocked.sign_transaction(address, raw(address)).unwrap().signer(), Ok(address));
    assert_eq!(unlocked.sign_transaction(address, raw(other)), Err(VaultError::NotOwner { address, owner: other }));
    assert_eq!(unlocked.sign_transaction(other, raw(other)), Err(VaultError::UnknownAccount { address: other }));
}

#[test]
fn accounts_are_added_renamed_and_kept() {
    let place = Place::new();
    let mut unlocked = place.create();
    let added = unlocked.add_account("  Shopping ").unwrap();
    assert_eq!((added.kind, added.name.as_str()), (Kind::Derived { index: 1 }, "Shopping"));
    assert_eq!(added.address, hd::derive(&words(), 1).unwrap().address());
    let first = unlocked.accounts()[0].address;
    unlocked.rename(first, "Main").unwrap();
    unlocked.rename(first, "Main").unwrap();
    assert_eq!(names(&place.open()), [(0, "Main"), (1, "Shopping")]);
    assert_eq!(unlocked.accounts(), place.open().accounts());
    let again = created(place.open().unlock(&passphrase(SECRET)));
    assert!(again.sign(added.address, &Digest::from_bytes([1; 32])).is_ok());

    let nobody = Address::from_bytes([7; 20]);
    assert_eq!(unlocked.rename(nobody, "x"), Err(VaultError::UnknownAccount { address: nobody }));
    for (name, reason) in [
        ("", "it is empty"),
        ("  ", "it is empty"),
        ("a\u{7}b", "it has control characters"),
        ("Main", "another account has this name"),
        (&"x".repeat(41), "it has more than 40 characters"),
    ] {
        assert!(matches!(unlocked.add_account(name), Err(VaultError::Name { reason: r, .. }) if r == reason), "{name}");
    }
    assert_eq!(names(&place.open()).len(), 2);
}

#[test]
fn a_changed_passphrase_replaces_the_old_one() {
    let place = Place::new();
    let mut unlocked = place.create();
    let refused = unlocked.change_passphrase(&passphrase("guess"), &passphrase("new one"));
    assert_eq!(refused, Err(VaultError::WrongPassphrase));
    unlocked.change_passphrase(&passphrase(SECRET), &passphrase("new one")).unwrap();
    assert_eq!(place.open().unlock(&passphrase(SECRET)).err(), Some(VaultError::WrongPassphrase));
    assert_eq!(
        *created(place.open().unlock(&passphrase("new one")))
            .vault()
            .words(&passphrase("new one"))
            .unwrap_or_else(|e| panic!("{e}"))
            .reveal(),
        WORDS
    );
    // What was unlocked before goes on, with the new key.
    unlocked.add_account("Later").unwrap();
    assert_eq!(created(place.open().unlock(&passphrase("new one"))).accounts().len(), 2);
}

#[test]
fn the_words_are_shown_for_the_passphrase_only() {
    let place = Place::new();
    let unlocked = place.create();
    let shown = unlocked.vault().words(&passphrase(SECRET));
    assert_eq!(*shown.unwrap_or_else(|e| panic!("{e}")).reveal(), WORDS);
    assert_eq!(unlocked.vault().words(&passphrase("no")).err(), Some(VaultError::WrongPassphrase));
}

#[test]
fn creating_never_replaces_a_vault_and_opening_never_makes_one() {
    let place = Place::new();
    let path = place.path().display().to_string();
    assert_eq!(Vault::open(place.path()).err(), Some(VaultError::Missing { path: path.clone() }));
    place.create();
    let before = std::fs::read(place.path()).unwrap();
    let again = Vault::create_with_cost(place.path(), &words(), &passphrase("other"), Cost::floor());
    assert_eq!(again.err(), Some(VaultError::Exists { path }));
    assert_eq!(std::fs::read(place.path()).unwrap(), before);
    let nowhere = place.folder.path().join("no such folder").join("vault.json");
    let refused = Vault::create_with_cost(nowhere, &words(), &passphrase("other"), Cost::floor());
    assert!(matches!(refused.err(), Some(VaultError::File { action: "write", .. })));
}

#[test]
fn a_write_leaves_nothing_beside_the_vault_and_survives_the_rest_of_a_crash() {
    let place = Place::new();
    let mut unlocked = place.create();
    std::fs::write(place.folder.path().join("vault.json.new"), b"half a file").unwrap();
    unlocked.add_account("Two").unwrap();
    let files: Vec<_> = std::fs::read_dir(place.folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(files, ["vault.json"]);
    assert_eq!(place.open().accounts().len(), 2);
}

#[cfg(unix)]
#[test]
fn the_file_is_for_its_owner_only_even_after_someone_widened_it() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let mode = || std::fs::metadata(place.path()).unwrap().permissions().mode() & 0o777;
    let mut unlocked = place.create();
    assert_eq!(mode(), 0o600);
    std::fs::set_permissions(place.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
    unlocked.add_account("Two").unwrap();
    assert_eq!(mode(), 0o600);
}

#[cfg(unix)]
#[test]
fn what_could_not_be_written_has_not_happened() {
    let place = Place::new();
    let mut unlocked = place.create();
    // A folder where the new file goes stops the write for every user, root included.
    let blocked = place.folder.path().join("vault.json.new");
    std::fs::create_dir(&blocked).unwrap();
    assert!(matches!(unlocked.add_account("Two"), Err(VaultError::File { action: "write", .. })));
    assert_eq!(unlocked.accounts().len(), 1);
    assert!(unlocked.change_passphrase(&passphrase(SECRET), &passphrase("new one")).is_err());
    assert!(place.open().unlock(&passphrase(SECRET)).is_ok());
    std::fs::remove_dir(&blocked).unwrap();
    unlocked.add_account("Two").unwrap();
    assert!(place.open().unlock(&passphrase(SECRET)).is_ok());
}

#[test]
fn no_secret_is_in_the_file_in_debug_or_in_an_error() {
    let place = Place::new();
    place.create();
    let vault = place.open();
    let entropy = words().reveal_entropy();
    let file = std::fs::read_to_string(place.path()).unwrap();
    let errors = [
        vault.unlock(&passphrase("my wrong secret")).err().map(|e| format!("{e} {e:?}")).unwrap(),
        Words::parse("abandon secretword").err().map(|e| format!("{e} {e:?}")).unwrap(),
    ];
    for text in [file, format!("{vault:?}"), errors.concat()] {
        for secret in [SECRET, "my wrong secret", "abandon", "about", "secretword", &hex::encode(&*entropy)] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}
