//! Several accounts in one vault: from the words, imported, watched; what a crash and a lost passphrase leave of
//! them; and files of the first format.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

use std::path::PathBuf;
use tron::hd::{self, Words};
use tron::{Address, Digest, PrivateKey};
use vault::{Cost, Kind, Origin, Passphrase, Unlocked, Vault, VaultError};

const WORDS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
const SECRET: &str = "correct horse battery";
const DIGEST: [u8; 32] = [9; 32];

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text.to_owned())
}

fn words() -> Words {
    Words::parse(WORDS).unwrap()
}

fn key(byte: u8) -> PrivateKey {
    PrivateKey::from_bytes(&[byte; 32]).unwrap()
}

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
    fn path(&self) -> PathBuf {
        self.0.path().join("vault.json")
    }
    fn create(&self) -> Unlocked {
        held(Vault::create_with_cost(self.path(), &words(), &passphrase(SECRET), Cost::floor()))
    }
    fn vault(&self) -> Vault {
        Vault::open(self.path()).unwrap()
    }
    fn unlock(&self) -> Unlocked {
        held(self.vault().unlock(&passphrase(SECRET)))
    }
}

/// `unwrap` without asking the secret side for a Debug.
fn held<T>(result: Result<T, VaultError>) -> T {
    result.unwrap_or_else(|e| panic!("{e}"))
}

fn signs(unlocked: &Unlocked, address: Address) -> bool {
    let digest = Digest::from_bytes(DIGEST);
    unlocked.sign(address, &digest).is_ok_and(|s| tron::recover(&digest, &s) == Ok(address))
}

#[test]
fn words_imported_keys_and_watched_addresses_live_together_and_survive_the_file() {
    let place = Place::new();
    let mut vault = place.create();
    let second = vault.add_account("Second").unwrap();
    let imported = vault.import("From TronLink", &key(7)).unwrap();
    let watched = vault.watch("Cold", key(8).address()).unwrap();
    drop(vault);
    let vault = place.unlock();
    let kinds: Vec<Kind> = vault.accounts().iter().map(|a| a.kind).collect();
    assert_eq!(kinds, [Kind::Derived { index: 0 }, Kind::Derived { index: 1 }, Kind::Imported, Kind::Watched]);
    for account in &vault.accounts()[..3] {
        assert!(signs(&vault, account.address), "{}", account.name);
    }
    let digest = Digest::from_bytes(DIGEST);
    let cold = watched.address;
    assert_eq!(vault.sign(cold, &digest), Err(VaultError::WatchedOnly { address: cold }));
    assert_eq!((second.address, imported.address), (hd::derive(&words(), 1).unwrap().address(), key(7).address()));
}

#[test]
fn an_address_is_in_the_vault_once_and_a_watched_one_learns_to_sign() {
    let place = Place::new();
    let mut vault = place.create();
    let first = vault.accounts()[0].address;
    let taken = Err(VaultError::Duplicate { address: first, name: "Account 1".into() });
    assert_eq!(vault.watch("Again", first), taken);
    assert_eq!(vault.import("Again", &hd::derive(&words(), 0).unwrap()), taken);
    vault.watch("Cold", key(8).address()).unwrap();
    vault.import("Warm", &key(8)).unwrap();
    let accounts = place.unlock().accounts().to_vec();
    assert_eq!((accounts.len(), accounts[1].kind, accounts[1].name.as_str()), (2, Kind::Imported, "Warm"));
    // The next account of the words, imported by its key before, becomes the words' own.
    vault.import("Early", &hd::derive(&words(), 1).unwrap()).unwrap();
    let added = vault.add_account("Early").unwrap();
    assert_eq!((added.kind, vault.accounts().len()), (Kind::Derived { index: 1 }, 3));
    assert!(signs(&place.unlock(), added.address));
}

#[test]
fn accounts_are_ordered_hidden_and_removed_but_never_the_last_key() {
    let place = Place::new();
    let mut vault = place.create();
    let first = vault.accounts()[0].address;
    let (warm, cold) = (key(7).address(), key(8).address());
    vault.import("Warm", &key(7)).unwrap();
    vault.watch("Cold", cold).unwrap();
    vault.place(cold, 0).unwrap();
    vault.place(first, 99).unwrap();
    vault.hide(first, true).unwrap();
    let order = |vault: &Vault| vault.accounts().iter().map(|a| a.address).collect::<Vec<_>>();
    assert_eq!(order(&place.vault()), [cold, warm, first]);
    assert!(place.vault().accounts()[2].hidden);
    assert!(signs(&place.unlock(), first), "hidden, not gone");
    assert_eq!(vault.remove(first), Err(VaultError::FromWords { address: first }));
    vault.remove(warm).unwrap();
    vault.remove(cold).unwrap();
    assert_eq!(order(&place.vault()), [first]);
    assert_eq!(vault.sign(warm, &Digest::from_bytes(DIGEST)), Err(VaultError::UnknownAccount { address: warm }));

    let other = Place::new();
    let (secret, cost) = (passphrase(SECRET), Cost::floor());
    let mut alone = held(Vault::create_from(other.path(), &Origin::Key(&key(7)), &secret, cost));
    alone.watch("Cold", cold).unwrap();
    assert_eq!(alone.remove(warm), Err(VaultError::LastKey { address: warm }));
    assert_eq!(alone.add_account("More").err(), Some(VaultError::NoWords));
    assert_eq!(other.vault().words(&secret).err(), Some(VaultError::NoWords));
    assert!(signs(&other.unlock(), warm));
}

#[test]
fn a_removal_that_could_not_be_written_has_not_happened() {
    let place = Place::new();
    let mut vault = place.create();
    let warm = vault.import("Warm", &key(7)).unwrap().address;
    let blocked = place.0.path().join("vault.json.new");
    std::fs::create_dir(&blocked).unwrap();
    assert!(matches!(vault.remove(warm), Err(VaultError::File { action: "write", .. })));
    assert!(matches!(vault.import("Third", &key(9)), Err(VaultError::File { action: "write", .. })));
    std::fs::remove_dir(&blocked).unwrap();
    vault.rename(warm, "Still here").unwrap();
    let again = place.unlock();
    assert!(signs(&again, warm));
    assert_eq!(again.accounts().len(), 2);
}

#[test]
fn a_key_leaves_for_the_passphrase_only() {
    let place = Place::new();
    let mut vault = place.create();
    let (first, warm) = (vault.accounts()[0].address, vault.import("Warm", &key(7)).unwrap().address);
    let cold = vault.watch("Cold", key(8).address()).unwrap().address;
    let at_rest = place.vault();
    assert_eq!(**held(at_rest.key(warm, &passphrase(SECRET))).reveal(), [7; 32]);
    assert_eq!(held(at_rest.key(first, &passphrase(SECRET))).address(), first);
    assert_eq!(at_rest.key(warm, &passphrase("guess")).err(), Some(VaultError::WrongPassphrase));
    assert_eq!(at_rest.key(cold, &passphrase(SECRET)).err(), Some(VaultError::WatchedOnly { address: cold }));
}

#[test]
fn a_file_of_the_first_format_opens_and_becomes_the_second_with_its_next_change() {
    let place = Place::new();
    let old = include_bytes!("files/vault-1.json");
    std::fs::write(place.path(), old).unwrap();
    let mut vault = place.unlock();
    assert_eq!(vault.accounts().len(), 2);
    assert!(vault.accounts().iter().all(|a| signs(&vault, a.address)));
    assert_eq!(std::fs::read(place.path()).unwrap(), old, "opening changes nothing");
    vault.import("Warm", &key(7)).unwrap();
    let new: serde_json::Value = serde_json::from_slice(&std::fs::read(place.path()).unwrap()).unwrap();
    assert_eq!(new["version"], 2);
    let vault = place.unlock();
    assert_eq!(vault.accounts().len(), 3);
    assert!(vault.accounts().iter().all(|a| signs(&vault, a.address)));
    // A first format that claims what it could not hold is none.
    for more in [r#""hidden": true"#, r#""kind": "watched""#] {
        let text = String::from_utf8(old.to_vec()).unwrap().replacen("\"index\": 0", more, 1);
        std::fs::write(place.path(), text).unwrap();
        assert!(matches!(Vault::open(place.path()), Err(VaultError::Damaged { .. })), "{more}");
    }
}

/// The write is: a new file beside the old one, synced, renamed over it. Whatever a crash leaves of that opens with
/// one of the two passphrases.
#[test]
fn a_crash_at_any_step_of_a_changed_passphrase_leaves_one_that_works() {
    let place = Place::new();
    let mut vault = place.create();
    let before = std::fs::read(place.path()).unwrap();
    vault.change_passphrase(&passphrase(SECRET), &passphrase("another one")).unwrap();
    let after = std::fs::read(place.path()).unwrap();
    let beside = place.0.path().join("vault.json.new");
    let opens = |text: &str| place.vault().unlock(&passphrase(text)).is_ok();
    for written in [0, 1, after.len() / 2, after.len() - 1, after.len()] {
        std::fs::write(place.path(), &before).unwrap();
        std::fs::write(&beside, &after[..written]).unwrap();
        assert!(opens(SECRET) && !opens("another one"), "{written} bytes written");
        // And what is left over stops no further change.
        place.unlock().rename(hd::derive(&words(), 0).unwrap().address(), "Renamed").unwrap();
        assert!(!beside.exists());
    }
    std::fs::write(place.path(), &after).unwrap();
    assert!(opens("another one") && !opens(SECRET));
}

#[test]
fn a_lost_passphrase_is_replaced_by_the_words_of_this_wallet_alone() {
    let place = Place::new();
    let mut vault = place.create();
    let second = vault.add_account("Second").unwrap().address;
    let warm = vault.import("Warm", &key(7)).unwrap().address;
    let before = std::fs::read(place.path()).unwrap();
    let other = Words::from_entropy(&[1; 16]).unwrap();
    let refused = place.vault().restore(&other, &passphrase("new passphrase"), "2026-11-25");
    assert!(matches!(refused, Err(VaultError::OtherWords { expected, .. }) if expected == vault.accounts()[0].address));
    assert_eq!(std::fs::read(place.path()).unwrap(), before);

    let (restored, copy) = held(place.vault().restore(&words(), &passphrase("new passphrase"), "2026-11-25"));
    assert!(signs(&restored, second));
    assert_eq!(restored.vault().account(warm).unwrap().kind, Kind::Watched, "its key is in the old file alone");
    assert_eq!(place.vault().unlock(&passphrase(SECRET)).err(), Some(VaultError::WrongPassphrase));
    assert_eq!(std::fs::read(&copy).unwrap(), before);
    assert!(signs(&held(Vault::open(&copy).unwrap().unlock(&passphrase(SECRET))), warm));
    // The copy of one day is not written over.
    let again = place.vault().restore(&words(), &passphrase("new passphrase"), "2026-11-25");
    assert!(matches!(again, Err(VaultError::Exists { .. })));
}
