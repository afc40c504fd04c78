//! Keystore files of other wallets: the published vectors, our own, bombs, and everything careless.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tron::PrivateKey;
use vault::{Keystore, KeystoreError, Passphrase};

/// Both vectors of the Web3 Secret Storage definition hold this key under this password.
const PASSWORD: &str = "testpassword";
const KEY: &str = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";

fn secret(text: &str) -> Passphrase {
    Passphrase::new(text.to_owned())
}

fn key() -> PrivateKey {
    let mut bytes = [0; 32];
    hex::decode_to_slice(KEY, &mut bytes).unwrap();
    PrivateKey::from_bytes(&bytes).unwrap()
}

fn pbkdf2() -> Value {
    json!({
        "crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": { "iv": "6087dab2f9fdbbfaddc31a909735c1e6" },
            "ciphertext": "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
            "kdf": "pbkdf2",
            "kdfparams": {
                "c": 262_144, "dklen": 32, "prf": "hmac-sha256",
                "salt": "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd",
            },
            "mac": "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2",
        },
        "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
        "version": 3,
    })
}

fn scrypt() -> Value {
    json!({
        "Crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": { "iv": "83dbcc02d8ccb40e466191a123791e0e" },
            "ciphertext": "d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c",
            "kdf": "scrypt",
            "kdfparams": {
                "dklen": 32, "n": 262_144, "r": 1, "p": 8,
                "salt": "ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19",
            },
            "mac": "2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097",
        },
        "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
        "version": 3,
    })
}

fn parse(json: &Value) -> Result<Keystore, KeystoreError> {
    Keystore::parse(&serde_json::to_vec(json).unwrap())
}

fn opened(json: &Value, password: &str) -> Result<tron::Address, KeystoreError> {
    parse(json)?.open(&secret(password)).map(|key| key.address())
}

#[test]
fn the_published_vectors_open_with_their_password_only() {
    for file in [pbkdf2(), scrypt()] {
        assert_eq!(opened(&file, PASSWORD), Ok(key().address()));
        assert_eq!(opened(&file, "testpassworD"), Err(KeystoreError::WrongPassphrase));
    }
}

#[test]
fn what_is_written_here_opens_again_and_names_its_address() {
    let text = Keystore::write_with(&key(), &secret("a passphrase of its own"), 12).unwrap();
    assert!(!text.contains(KEY));
    let read = Keystore::parse(text.as_bytes()).unwrap();
    assert_eq!(read.address(), Some(key().address()));
    let again = read.open(&secret("a passphrase of its own")).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(hex::encode(again.reveal().as_slice()), KEY);
    assert_ne!(text, Keystore::write_with(&key(), &secret("a passphrase of its own"), 12).unwrap(), "a new salt");
}

#[test]
fn the_address_in_the_file_is_compared_in_every_form_that_wallets_write() {
    let text = Keystore::write_with(&key(), &secret(PASSWORD), 10).unwrap();
    let mut json: Value = serde_json::from_str(&text).unwrap();
    let own = key().address();
    let bare = own.to_evm_hex()[2..].to_owned();
    for form in [bare.clone(), format!("0x{bare}"), format!("41{bare}"), own.to_string(), String::new()] {
        json["address"] = form.as_str().into();
        assert_eq!(opened(&json, PASSWORD), Ok(own), "{form}");
    }
    let said = tron::Address::from_bytes([9; 20]);
    json["address"] = said.to_string().into();
    assert_eq!(opened(&json, PASSWORD), Err(KeystoreError::OtherAddress { said, found: own }));
    json["address"] = "somewhere".into();
    assert!(matches!(opened(&json, PASSWORD), Err(KeystoreError::Form { .. })));
}

#[test]
fn bombs_are_refused_with_their_figures_before_any_work() {
    let mut bombs = Vec::new();
    for (n, r, p) in [
        (1_u64 << 20, 16, 1),
        (1 << 23, 8, 1),
        (1 << 30, 8, 1),
        (1 << 62, 1, 1),
        (1 << 63, 1 << 40, 1),
        (2, 1 << 32, 1),
        (1 << 20, 8, 5),
        (1 << 18, 8, 17),
        (1 << 14, 8, 1 << 20),
        (2, 1, u64::MAX),
        (1 << 20, 8, 1 << 31),
        (1 << 40, u64::MAX, u64::MAX),
        // Few rows of many blocks: what is counted is all of it.
        (2, 1 << 22, 4),
        (2, 1 << 21, 8),
        (2, 65, 1),
        (1 << 10, 8, 65),
        (1 << 17, 64, 4),
    ] {
        let mut file = scrypt();
        let params = &mut file["Crypto"]["kdfparams"];
        (params["n"], params["r"], params["p"]) = (n.into(), r.into(), p.into());
        bombs.push(file);
    }
    for rounds in [10_000_001_u64, 1 << 31, 1 << 32, (1 << 32) + 1, u64::MAX] {
        let mut file = pbkdf2();
        file["crypto"]["kdfparams"]["c"] = rounds.into();
        bombs.push(file);
    }
    assert!(bombs.len() >= 17);
    // Measured against one honest derivation, not against a clock on the wall.
    let start = Instant::now();
    opened(&pbkdf2(), PASSWORD).unwrap();
    let honest = start.elapsed();
    let mut spent = Duration::ZERO;
    for bomb in &bombs {
        let start = Instant::now();
        let found = parse(bomb).err();
        spent += start.elapsed();
        assert!(
            matches!(found, Some(KeystoreError::TooDear { found, ceiling, .. }) if found > ceiling),
            "{bomb}: {found:?}"
        );
    }
    assert!(spent < honest, "{spent:?} for {} bombs, {honest:?} for one derivation", bombs.len());
}

#[test]
fn what_is_no_keystore_says_why_and_repeats_nothing_of_it() {
    let changed = |pointer: &str, value: Value| {
        let mut file = pbkdf2();
        *file.pointer_mut(pointer).unwrap() = value;
        file
    };
    let cases = [
        (changed("/version", 1.into()), "version is 1"),
        (changed("/crypto/cipher", "aes-256-gcm".into()), "aes-128-ctr"),
        (changed("/crypto/kdf", "argon2".into()), "neither scrypt nor pbkdf2"),
        (changed("/crypto/kdfparams/prf", "hmac-sha1".into()), "hmac-sha256"),
        (changed("/crypto/kdfparams/c", 0.into()), "kdfparams.c"),
        (changed("/crypto/kdfparams/dklen", 16.into()), "dklen"),
        (changed("/crypto/kdfparams/dklen", 1_000_000.into()), "dklen"),
        (changed("/crypto/ciphertext", "00".into()), "ciphertext"),
        (changed("/crypto/mac", "zz".into()), "mac"),
        (changed("/crypto/cipherparams/iv", 5.into()), "crypto.cipherparams.iv is not of the right type"),
        (changed("/version", "three".into()), "version is not of the right type"),
        (changed("/crypto/kdfparams", json!({ "salt": "00" })), "crypto.kdfparams has no dklen"),
        (json!({ "version": 3 }), "the file has no crypto"),
        (json!([]), "the file is not of the right type"),
    ];
    for (file, says) in cases {
        let error = parse(&file).err().unwrap().to_string();
        assert!(error.contains(says), "{error}");
    }
    let mut odd = scrypt();
    odd["Crypto"]["kdfparams"]["n"] = 262_143.into();
    assert!(parse(&odd).err().unwrap().to_string().contains("power of two"));
    for (text, says) in [("", "too early"), ("{\"version\": 3", "too early"), ("my secret", "no JSON")] {
        let error = Keystore::parse(text.as_bytes()).err().unwrap().to_string();
        assert!(error.contains(says) && !error.contains("my secret"), "{error}");
    }
    assert!(Keystore::parse(&vec![b' '; 70_000]).is_err());
}

#[test]
fn a_keystore_is_read_as_wallets_and_editors_leave_it() {
    let mut file = pbkdf2();
    file["version"] = "3".into();
    file["crypto"]["kdfparams"]["c"] = file["crypto"]["kdfparams"]["c"].to_string().into();
    let text = file.to_string();
    let utf16 = |mark: [u8; 2], bytes: fn(u16) -> [u8; 2]| {
        mark.into_iter().chain(text.encode_utf16().flat_map(bytes)).collect::<Vec<u8>>()
    };
    for bytes in [
        text.clone().into_bytes(),
        format!("\u{feff}{text}\r\n").into_bytes(),
        utf16([0xff, 0xfe], u16::to_le_bytes),
        utf16([0xfe, 0xff], u16::to_be_bytes),
    ] {
        let key = Keystore::parse(&bytes).unwrap().open(&secret(PASSWORD)).unwrap();
        assert_eq!(key.address(), opened(&pbkdf2(), PASSWORD).unwrap());
    }
    let error = Keystore::parse(b"{\"version\": \xff").err().unwrap().to_string();
    assert!(error.contains("from byte 13 on it is no text"), "{error}");
    let error = Keystore::parse(format!("{text}{{}}").as_bytes()).err().unwrap().to_string();
    assert!(error.contains("something follows its end"), "{error}");
}

#[test]
fn ten_thousand_flipped_keystores_never_give_another_key() {
    let text = Keystore::write_with(&key(), &secret(PASSWORD), 1).unwrap();
    let mut dice = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = |limit: usize| {
        dice ^= dice >> 12;
        dice ^= dice << 25;
        dice ^= dice >> 27;
        (dice.wrapping_mul(0x2545_f491_4f6c_dd1d) % limit as u64) as usize
    };
    let mut read = 0;
    for _ in 0..10_000 {
        let mut bytes = text.clone().into_bytes();
        bytes[below(text.len())] ^= 1 << below(8);
        let Ok(keystore) = Keystore::parse(&bytes) else { continue };
        read += 1;
        // What is authenticated is the sealed key, under passphrase and derivation; the initial vector is not, and
        // then the address tells.
        if let Ok(found) = keystore.open(&secret(PASSWORD)) {
            assert_eq!(found.address(), key().address());
        }
    }
    assert!(read > 1_000, "{read} were read at all");
}
