//! A vault file that is not as it was written: by accident, by someone careless, by someone careful.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tron::hd::Words;
use vault::{Cost, CostError, Passphrase, Vault, VaultError};

struct Place {
    folder: tempfile::TempDir,
    good: Vec<u8>,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault.json");
        let words = Words::from_entropy(&[0x5a; 32]).unwrap();
        assert!(Vault::create_with_cost(&path, &words, &secret(), Cost::floor()).is_ok());
        Self { good: std::fs::read(&path).unwrap(), folder }
    }
    fn path(&self) -> PathBuf {
        self.folder.path().join("vault.json")
    }
    fn open(&self, bytes: &[u8]) -> Result<Vault, VaultError> {
        std::fs::write(self.path(), bytes).unwrap();
        Vault::open(self.path())
    }
    fn json(&self) -> Value {
        serde_json::from_slice(&self.good).unwrap()
    }
    /// What someone careful writes: the changed content under a checksum that fits, in the right form.
    fn careful(&self, change: impl FnOnce(&mut Value)) -> Vec<u8> {
        let mut json = self.json();
        change(&mut json);
        let bound = serde_json::to_vec(&json!([json["format"], json["version"], json["header"]])).unwrap();
        let sealed = STANDARD.decode(json["sealed"].as_str().unwrap()).unwrap();
        json["checksum"] = STANDARD.encode(Sha256::new().chain_update(bound).chain_update(sealed).finalize()).into();
        let mut bytes = serde_json::to_vec_pretty(&json).unwrap();
        bytes.push(b'\n');
        bytes
    }
}

fn secret() -> Passphrase {
    Passphrase::new("correct horse".into())
}

/// xorshift64*: the same places in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % limit as u64) as usize
    }
}

#[test]
fn every_single_bit_flip_is_noticed_before_a_passphrase_is_asked() {
    let place = Place::new();
    assert!(place.open(&place.good).is_ok());
    for bit in 0..place.good.len() * 8 {
        let mut bytes = place.good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(place.open(&bytes).is_err(), "bit {bit}");
    }
}

#[test]
fn ten_thousand_damaged_files_do_not_open() {
    let place = Place::new();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for _ in 0..10_000 {
        let mut bytes = place.good.clone();
        for _ in 0..=dice.below(8) {
            bytes[dice.below(place.good.len())] ^= 1 << dice.below(8);
        }
        // Two flips of one bit undo each other.
        assert!(bytes == place.good || place.open(&bytes).is_err());
    }
}

#[test]
fn a_careful_attacker_gets_past_the_checksum_and_not_past_the_seal() {
    let place = Place::new();
    assert!(place.open(&place.careful(|_| ())).unwrap().unlock(&secret()).is_ok());
    let tampered = VaultError::Tampered { path: place.path().display().to_string() };
    let unlock = |bytes: &[u8]| place.open(bytes).unwrap().unlock(&secret()).err();
    let flip = |json: &mut Value, at: usize| {
        let mut bytes = STANDARD.decode(json.as_str().unwrap()).unwrap();
        bytes[at / 8] ^= 1 << (at % 8);
        *json = STANDARD.encode(bytes).into();
    };

    // What a theft would want: another address under the same name.
    let address = "TMVQGm1qAQYVdetCeGRRkTWYYrLXuHK2HC";
    let swapped = place.careful(|v| v["header"]["accounts"][0]["address"] = address.into());
    assert_eq!(unlock(&swapped), Some(tampered.clone()));
    let renamed = place.careful(|v| v["header"]["accounts"][0]["name"] = "Savings".into());
    assert_eq!(unlock(&renamed), Some(tampered.clone()));
    let moved = place.careful(|v| v["header"]["accounts"][0]["index"] = 5.into());
    assert_eq!(unlock(&moved), Some(tampered.clone()));
    let none = place.careful(|v| v["header"]["accounts"] = json!([]));
    assert_eq!(unlock(&none), Some(tampered.clone()));

    // Flips in nonce and sealed bytes are caught by the seal; in salt and mark they look like another passphrase.
    let mut dice = Dice(7);
    for _ in 0..12 {
        let bit = dice.below(24 * 8);
        assert_eq!(unlock(&place.careful(|v| flip(&mut v["header"]["nonce"], bit))), Some(tampered.clone()));
        let bit = dice.below(49 * 8);
        assert_eq!(unlock(&place.careful(|v| flip(&mut v["sealed"], bit))), Some(tampered.clone()));
        let bit = dice.below(16 * 8);
        let wrong = Some(VaultError::WrongPassphrase);
        assert_eq!(unlock(&place.careful(|v| flip(&mut v["header"]["kdf"]["salt"], bit))), wrong);
        assert_eq!(unlock(&place.careful(|v| flip(&mut v["header"]["mark"], bit))), wrong);
    }
    let dearer = place.careful(|v| v["header"]["kdf"]["passes"] = 3.into());
    assert_eq!(unlock(&dearer), Some(VaultError::WrongPassphrase));
    let shorter = place.careful(|v| v["sealed"] = STANDARD.encode([0; 8]).into());
    assert_eq!(unlock(&shorter), Some(tampered.clone()));
    let empty = place.careful(|v| v["sealed"] = "".into());
    assert_eq!(unlock(&empty), Some(tampered));
}

#[test]
fn a_file_cut_anywhere_is_truncated_or_damaged_and_never_opens() {
    let place = Place::new();
    let path = place.path().display().to_string();
    for end in 0..place.good.len() - 2 {
        let found = place.open(&place.good[..end]).err();
        assert_eq!(found, Some(VaultError::Truncated { path: path.clone() }), "cut at {end}");
    }
    // Without its last line end it still is JSON, and still not the file that was written.
    assert!(matches!(place.open(&place.good[..place.good.len() - 1]), Err(VaultError::Damaged { .. })));
}

#[test]
fn cost_bombs_are_refused_without_any_work() {
    let place = Place::new();
    let (floor, ceiling) = ((19 * 1024_u32, 2_u32), (1024 * 1024_u32, 10_u32));
    let mut bombs = Vec::new();
    for memory in [ceiling.0 + 1, 4_000_000, u32::MAX / 2, u32::MAX] {
        for passes in [2, 10, 1_000_000] {
            bombs.push((memory, passes, CostError::TooHigh { field: "memory_kib", found: memory, ceiling: ceiling.0 }));
        }
    }
    for passes in [11, 100, 10_000, u32::MAX] {
        bombs.push((floor.0, passes, CostError::TooHigh { field: "passes", found: passes, ceiling: ceiling.1 }));
    }
    // Too cheap is as bad: it would have been sealed for guessing.
    for memory in [0, 8, 1024, floor.0 - 1] {
        bombs.push((memory, 3, CostError::TooLow { field: "memory_kib", found: memory, floor: floor.0 }));
    }
    for passes in [0, 1] {
        bombs.push((floor.0, passes, CostError::TooLow { field: "passes", found: passes, floor: floor.1 }));
    }
    assert!(bombs.len() >= 20);
    // Measured against one honest derivation at the cheapest cost, not against a clock on the wall.
    let start = Instant::now();
    assert!(place.open(&place.good).unwrap().unlock(&secret()).is_ok());
    let honest = start.elapsed();
    let mut spent = Duration::ZERO;
    let count = bombs.len() as u32;
    for (memory, passes, reason) in bombs {
        let bytes = place.careful(|v| {
            v["header"]["kdf"]["memory_kib"] = memory.into();
            v["header"]["kdf"]["passes"] = passes.into();
        });
        let start = Instant::now();
        let found = place.open(&bytes).err();
        spent += start.elapsed();
        assert_eq!(found, Some(VaultError::Cost { path: place.path().display().to_string(), reason }));
    }
    assert!(spent / count < honest, "{spent:?} for {count} bombs, {honest:?} for one derivation");
    // Numbers that do not even fit are damage.
    let huge = place.careful(|v| v["header"]["kdf"]["memory_kib"] = json!(u64::MAX));
    assert!(matches!(place.open(&huge), Err(VaultError::Damaged { .. })));
}

#[test]
fn other_files_and_newer_vaults_are_told_apart() {
    let place = Place::new();
    let path = place.path().display().to_string();
    let newer = place.careful(|v| v["version"] = 3.into());
    let expected = VaultError::NewerVersion { path: path.clone(), found: 3, supported: 2 };
    assert_eq!(place.open(&newer).err(), Some(expected.clone()));
    // Whatever a newer version holds.
    assert_eq!(place.open(br#"{ "format": "countersign-vault", "version": 3, "more": [] }"#).err(), Some(expected));
    for other in
        ["{}", "[]", "null", "hello", r#"{"format":"x","version":1}"#, r#"{"format":"countersign-vault","version":0}"#]
    {
        assert!(matches!(place.open(other.as_bytes()), Err(VaultError::NotAVault { .. })), "{other}");
    }
    let large = vec![b' '; 2 * 1024 * 1024];
    assert!(matches!(place.open(&large), Err(VaultError::NotAVault { .. })));
    for (pointer, value) in [("/header/cipher", "none"), ("/header/kdf/algorithm", "md5"), ("/header/nonce", "AAAA")] {
        let changed = place.careful(|v| *v.pointer_mut(pointer).unwrap() = value.into());
        assert!(matches!(place.open(&changed), Err(VaultError::Damaged { .. })), "{pointer}");
    }
    let more = place.careful(|v| v["header"]["hint"] = "my dog".into());
    assert!(matches!(place.open(&more), Err(VaultError::Damaged { .. })));
    let mut json = place.good.clone();
    json.insert(1, b' ');
    assert!(matches!(place.open(&json), Err(VaultError::Damaged { .. })));
}

#[test]
fn what_an_error_says_includes_what_is_left_to_do() {
    let place = Place::new();
    let cut = place.open(&place.good[..40]).err().unwrap().to_string();
    assert!(cut.contains("ends too early") && cut.contains("restore a copy"), "{cut}");
    let damaged = place.open(&[place.good.as_slice(), b" "].concat()).err().unwrap().to_string();
    assert!(damaged.contains("altered or damaged"), "{damaged}");
    let newer = place.open(&place.careful(|v| v["version"] = 9.into())).err().unwrap().to_string();
    assert!(newer.contains("format 9") && newer.contains("update"), "{newer}");
}
