//! An unlock that a keyring remembers: what opens, what no longer does, and that nothing of it can be exchanged.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

use serde_json::Value;
use std::path::PathBuf;
use tron::hd::Words;
use tron::{Digest, PrivateKey};
use vault::{Cost, Passphrase, UnlockSecret, Unlocked, Vault, VaultError};

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text.to_owned())
}

struct Place(tempfile::TempDir);

impl Place {
    fn new(entropy: u8) -> (Self, Unlocked) {
        let place = Self(tempfile::tempdir().unwrap());
        let words = Words::from_entropy(&[entropy; 16]).unwrap();
        let made = Vault::create_with_cost(place.path(), &words, &passphrase("correct horse"), Cost::floor());
        (place, held(made))
    }
    fn path(&self) -> PathBuf {
        self.0.path().join("vault.json")
    }
    fn vault(&self) -> Vault {
        Vault::open(self.path()).unwrap()
    }
    fn json(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.path()).unwrap()).unwrap()
    }
}

fn held<T>(result: Result<T, VaultError>) -> T {
    result.unwrap_or_else(|e| panic!("{e}"))
}

fn remember(unlocked: &mut Unlocked, at_start: bool) -> UnlockSecret {
    let (part, secret) = held(unlocked.remembering(at_start));
    held(unlocked.remember(part, &secret));
    secret
}

/// As the keyring gives it back.
fn again(secret: &UnlockSecret) -> UnlockSecret {
    UnlockSecret::read(secret.reveal().as_bytes()).unwrap()
}

#[test]
fn what_the_keyring_kept_opens_the_vault_and_signs() {
    let (place, mut unlocked) = Place::new(7);
    assert!(place.vault().remembered().is_none());
    let secret = remember(&mut unlocked, true);
    assert!(place.vault().remembered().unwrap().at_start());
    let opened = held(place.vault().unlock_remembered(&again(&secret)));
    let (address, digest) = (opened.accounts()[0].address, Digest::from_bytes([9; 32]));
    assert_eq!(tron::recover(&digest, &opened.sign(address, &digest).unwrap()), Ok(address));
    // The file stays the truth: the passphrase opens it as before.
    held(place.vault().unlock(&passphrase("correct horse")));
}

#[test]
fn neither_secret_nor_passphrase_nor_words_are_in_the_file_and_none_is_printed() {
    let (place, mut unlocked) = Place::new(7);
    let secret = remember(&mut unlocked, false);
    let text = std::fs::read_to_string(place.path()).unwrap();
    let shown = format!("{secret:?} {:?}", place.vault());
    for hidden in [secret.reveal().as_str(), "correct horse", &hex::encode([7; 16])] {
        assert!(!text.contains(hidden) && !shown.contains(hidden), "{hidden}");
    }
    assert_ne!(*secret.reveal(), *remember(&mut unlocked, false).reveal());
}

#[test]
fn it_survives_every_change_but_that_of_the_passphrase() {
    let (place, mut unlocked) = Place::new(7);
    let secret = remember(&mut unlocked, false);
    let id = place.vault().remembered().unwrap().id();
    let second = unlocked.add_account("Second").unwrap().address;
    unlocked.import("Brought", &PrivateKey::from_bytes(&[3; 32]).unwrap()).unwrap();
    unlocked.rename(second, "Other").unwrap();
    assert_eq!(place.vault().remembered().unwrap().id(), id);
    assert_eq!(held(place.vault().unlock_remembered(&secret)).accounts().len(), 3);

    held(unlocked.change_passphrase(&passphrase("correct horse"), &passphrase("another horse")));
    assert!(place.vault().remembered().is_none());
    assert_eq!(place.vault().unlock_remembered(&secret).err(), Some(VaultError::NotRemembered));
    // Nor does one that was on its way to the keyring meanwhile get into the file.
    let (part, secret) = held(unlocked.remembering(false));
    held(unlocked.change_passphrase(&passphrase("another horse"), &passphrase("correct horse")));
    assert_eq!(unlocked.remember(part, &secret), Err(VaultError::ForeignSecret));
}

#[test]
fn a_restore_from_words_forgets_it() {
    let (place, mut unlocked) = Place::new(7);
    let secret = remember(&mut unlocked, true);
    let words = Words::from_entropy(&[7; 16]).unwrap();
    held(place.vault().restore(&words, &passphrase("another horse"), "2026"));
    assert_eq!(place.vault().unlock_remembered(&secret).err(), Some(VaultError::NotRemembered));
}

#[test]
fn forgetting_needs_no_passphrase_and_makes_the_secret_worthless() {
    let (place, mut unlocked) = Place::new(7);
    let secret = remember(&mut unlocked, true);
    let with = place.json();
    held(place.vault().forget_unlock());
    assert_eq!(place.vault().unlock_remembered(&secret).err(), Some(VaultError::NotRemembered));
    let without = place.json();
    assert_eq!((with["sealed"].as_str(), &with["header"]), (without["sealed"].as_str(), &without["header"]));
    held(place.vault().unlock(&passphrase("correct horse")));
}

#[test]
fn file_and_keyring_of_two_vaults_do_not_mix() {
    let ((one, mut first), (other, mut second)) = (Place::new(7), Place::new(8));
    let (secret, foreign) = (remember(&mut first, false), remember(&mut second, false));
    assert_ne!(one.vault().remembered().unwrap().id(), other.vault().remembered().unwrap().id());
    assert_eq!(one.vault().unlock_remembered(&foreign).err(), Some(VaultError::ForeignSecret));
    // The part of one file in the other, with the secret that opens it.
    let mut json = one.json();
    json["remembered"] = other.json()["remembered"].clone();
    careful(&one, json);
    assert_eq!(one.vault().unlock_remembered(&foreign).err(), Some(VaultError::ForeignSecret));
    assert_eq!(one.vault().unlock_remembered(&secret).err(), Some(VaultError::ForeignSecret));
}

#[test]
fn an_earlier_secret_and_a_changed_choice_open_nothing() {
    let (place, mut unlocked) = Place::new(7);
    let earlier = remember(&mut unlocked, false);
    let secret = remember(&mut unlocked, false);
    assert_eq!(place.vault().unlock_remembered(&earlier).err(), Some(VaultError::ForeignSecret));
    // Someone who can write the file would like it to unlock by itself.
    let mut json = place.json();
    json["remembered"]["at_start"] = true.into();
    careful(&place, json);
    assert_eq!(place.vault().unlock_remembered(&secret).err(), Some(VaultError::ForeignSecret));
    held(place.vault().unlock(&passphrase("correct horse")));
}

#[test]
fn every_single_change_of_the_part_is_noticed_and_no_junk_is_a_secret() {
    let (place, mut unlocked) = Place::new(7);
    remember(&mut unlocked, false);
    let good = std::fs::read(place.path()).unwrap();
    let text = String::from_utf8(good.clone()).unwrap();
    let (from, to) = (text.find("\"remembered\"").unwrap(), text.find("\"checksum\"").unwrap());
    for at in from..to {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        std::fs::write(place.path(), &bytes).unwrap();
        assert!(Vault::open(place.path()).is_err(), "byte {at}");
    }
    for junk in [&b""[..], b"00", &[b'g'; 64], &[b'0'; 65], &[0; 32]] {
        assert!(UnlockSecret::read(junk).is_none());
    }
}

#[test]
fn a_file_of_the_first_format_becomes_the_second_and_is_remembered() {
    let place = Place(tempfile::tempdir().unwrap());
    std::fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/files/vault-1.json"), place.path()).unwrap();
    let mut unlocked = held(place.vault().unlock(&passphrase("correct horse battery")));
    let secret = remember(&mut unlocked, true);
    assert_eq!(place.json()["version"], 2);
    held(place.vault().unlock_remembered(&secret));
}

/// What someone careful writes: changed content under a checksum that fits, in the right form.
fn careful(place: &Place, mut json: Value) {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use sha2::{Digest as _, Sha256};
    let bound = serde_json::to_vec(&serde_json::json!([json["format"], json["version"], json["header"]])).unwrap();
    let sealed = STANDARD.decode(json["sealed"].as_str().unwrap()).unwrap();
    let part = serde_json::to_vec(&json["remembered"]).unwrap();
    let sum = Sha256::new().chain_update(bound).chain_update(sealed).chain_update(part).finalize();
    json["checksum"] = STANDARD.encode(sum).into();
    let mut bytes = serde_json::to_vec_pretty(&json).unwrap();
    bytes.push(b'\n');
    std::fs::write(place.path(), bytes).unwrap();
}
