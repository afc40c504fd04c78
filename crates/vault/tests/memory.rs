//! What is left in memory once a vault is locked. Reads the whole process, so it is the only test of this file.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

use std::io::{Read, Seek, SeekFrom};
use tron::{Digest, PrivateKey, Words};
use vault::{Cost, Keystore, Passphrase, Vault};

/// Everything here is written with this over it, so that the search does not find itself.
const MASK: u8 = 0x5c;

/// The 32 bytes of entropy, the beginning of the words that they are, those as 11-bit numbers, the BIP-39 seed and
/// the first private key: computed elsewhere from the entropy. Then a key that is imported.
const SECRETS: [(&str, &str); 8] = [
    ("entropy", "8faac5e01b36518ca7c2fd18336e89a4dffa15306b86a1dcf7124d6883bed9f4"),
    ("words", "2f283d383529317c2e393b29303d2e7c342931332e7c3133317c2c3d283f347c"),
    ("word numbers", "c35afa59245f2a585a591f5b2f5bfd5a7f5e905ff759d45b8f5d795dda59865b"),
    ("seed", "fb03eb71b669d92cc419541494f9a07b7895e59654a646500c887d258e9d003b"),
    ("private key", "19d76102beab662bdc25036e60d3de5773140b306d4b5032cc28d9d6ae95a880"),
    ("private key, reversed", "80a895aed6d928cc32504b6d300b147357ded3606e0325dc2b66abbe0261d719"),
    ("imported key", "abcbf50acd4cbaf494eb157cfc59ec9705ad388f182d6d91df513ee1bacb25e4"),
    ("imported key, reversed", "e425cbbae13e51df916d2d188f38ad0597ec59fc7c15eb94f4ba4ccd0af5cbab"),
];
const PAGE: usize = 4096;
const PASSPHRASE: &str = "1d2c3e4f5a6b7c8d9eafb0c1d2e3f405";

fn unmasked(hidden: &str) -> Vec<u8> {
    hex::decode(hidden).unwrap().iter().map(|b| b ^ MASK).collect()
}

struct Wanted {
    name: &'static str,
    hidden: Vec<u8>,
}

fn wanted() -> Vec<Wanted> {
    let mut wanted: Vec<_> =
        SECRETS.iter().map(|(name, hidden)| Wanted { name, hidden: hex::decode(hidden).unwrap() }).collect();
    let hidden = PASSPHRASE.bytes().map(|b| b ^ MASK).rev().collect();
    wanted.push(Wanted { name: "passphrase", hidden });
    wanted
}

/// In memory backwards only as a constant of this file.
fn passphrase() -> Passphrase {
    Passphrase::new(PASSPHRASE.chars().rev().collect())
}

/// Which secrets occur in the writable memory of this process, in whole or by half of their bytes.
fn search(wanted: &[Wanted]) -> Vec<&'static str> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let mut memory = std::fs::File::open("/proc/self/mem").unwrap();
    let mut found = Vec::new();
    // Most of memory is ruled out by being empty, or by the byte that a secret's half begins with.
    let empty = vec![0; 2 * PAGE];
    let mut firsts = [false; 256];
    for half in wanted.iter().flat_map(|w| w.hidden.chunks(w.hidden.len() / 2)) {
        firsts[usize::from(half[0] ^ MASK)] = true;
    }
    // Whole pages of its own, so that what is beside it in memory is searched as well.
    let mut buffer = vec![0_u8; 4 * PAGE];
    let skew = buffer.as_ptr().align_offset(PAGE);
    let chunk = &mut buffer[skew..skew + 2 * PAGE];
    let own = chunk.as_ptr() as u64;
    let is_own = |page: u64| (own..own + 2 * PAGE as u64).contains(&page);
    for line in maps.lines().filter(|l| l.split(' ').nth(1).is_some_and(|rights| rights.starts_with("rw"))) {
        let (from, to) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let (start, end) = (u64::from_str_radix(from, 16).unwrap(), u64::from_str_radix(to, 16).unwrap());
        // Two pages at a time, one page on: nothing hides across an edge.
        for page in (start..end).step_by(PAGE).filter(|page| !is_own(*page)) {
            let next = page + PAGE as u64;
            let length = if next < end && !is_own(next) { 2 * PAGE } else { PAGE };
            if memory.seek(SeekFrom::Start(page)).is_err() || memory.read_exact(&mut chunk[..length]).is_err() {
                continue;
            }
            let read = &chunk[..length];
            if read == &empty[..length] {
                continue;
            }
            for (at, byte) in read.iter().enumerate() {
                if !firsts[usize::from(*byte)] {
                    continue;
                }
                for Wanted { name, hidden } in wanted {
                    let fits = |half: &[u8]| {
                        read[at..].len() >= half.len() && read[at..].iter().zip(half).all(|(a, b)| a ^ MASK == *b)
                    };
                    if !found.contains(name) && hidden.chunks(hidden.len() / 2).any(fits) {
                        found.push(*name);
                    }
                }
            }
        }
    }
    found.sort_unstable();
    found
}

#[test]
fn no_secret_is_left_after_fifty_times_unlocking_and_locking() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.json");
    let wanted = wanted();
    let addresses = {
        let entropy = zeroize::Zeroizing::new(unmasked(SECRETS[0].1));
        let words = Words::from_entropy(&entropy).unwrap();
        // The search finds what is there.
        let (shown, typed) = (words.reveal(), passphrase());
        assert_eq!(search(&wanted), ["entropy", "passphrase", "word numbers", "words"]);
        drop(shown);
        let made = Vault::create_with_cost(&path, &words, &typed, Cost::floor());
        let mut made = made.unwrap_or_else(|e| panic!("{e}"));
        let mut bytes = Box::new(zeroize::Zeroizing::new([0; 32]));
        bytes.copy_from_slice(&zeroize::Zeroizing::new(unmasked(SECRETS[6].1)));
        let key = PrivateKey::from_bytes(&bytes).unwrap();
        assert!(search(&wanted).contains(&"imported key"));
        made.import("Warm", &key).unwrap();
        [made.accounts()[0].address, made.accounts()[1].address]
    };
    assert!(search(&wanted).is_empty(), "left by creating: {:?}", search(&wanted));
    for round in 0..50 {
        let vault = Vault::open(&path).unwrap();
        let unlocked = vault.unlock(&passphrase()).unwrap_or_else(|e| panic!("{e}"));
        for address in addresses {
            unlocked.sign(address, &Digest::from_bytes([round; 32])).unwrap();
        }
        drop(unlocked);
        if round % 10 == 9 {
            // The ways on which a key leaves and comes back.
            let key = vault.key(addresses[1], &passphrase()).unwrap_or_else(|e| panic!("{e}"));
            let file = Keystore::write_with(&key, &passphrase(), 10).unwrap();
            let back = Keystore::parse(file.as_bytes()).unwrap().open(&passphrase());
            assert_eq!(back.map(|key| key.address()).ok(), Some(addresses[1]));
            drop(key);
            assert!(search(&wanted).is_empty(), "left by round {round}: {:?}", search(&wanted));
        }
    }
}
