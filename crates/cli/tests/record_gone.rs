//! A wallet whose record is gone or empty is not given a new one by itself: limits, known payees and what is still out
//! would be forgotten without a word.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

mod folder;

use folder::{Folder, PASSPHRASE};
use std::fs;

const SIDE_FILES: [&str; 2] = ["ledger.db-wal", "ledger.db-shm"];

fn take_away(folder: &Folder) {
    for name in ["ledger.db"].iter().chain(&SIDE_FILES) {
        let _ = fs::remove_file(folder.dir().join(name));
    }
}

#[test]
fn a_wallet_without_its_record_starts_only_with_the_owners_word() {
    let folder = Folder::with_wallet();
    let ledger = folder.dir().join("ledger.db");
    let commands: [&[&str]; 5] = [&["status"], &["ledger"], &["serve"], &["limits"], &["accounts"]];

    take_away(&folder);
    for command in commands {
        let ran = folder.run(command, "");
        assert_eq!(ran.status, 6, "{command:?}: {}{}", ran.out, ran.err);
        assert!(ran.err.contains("ledger.db, is not there") && ran.err.contains("--new-ledger"), "{}", ran.err);
        assert!(!ledger.exists(), "{command:?} made one");
    }
    // As a disk that was full leaves it, and as SQLite leaves a file that nobody wrote to.
    fs::write(&ledger, "").unwrap();
    for command in commands {
        let ran = folder.run(command, "");
        assert!(ran.status == 6 && ran.err.contains("ledger.db, is empty"), "{command:?}: {}{}", ran.out, ran.err);
        assert_eq!(fs::metadata(&ledger).unwrap().len(), 0, "{command:?} wrote to it");
    }
    let json = folder.run(&["status", "--json"], "");
    let failure: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(failure["failure"]["code"], "LEDGER_GONE", "{}", json.out);

    // The word takes the passphrase: what is forgotten may be a block.
    for wrong in ["", "not the right one\n"] {
        let ran = folder.run(&["status", "--new-ledger"], wrong);
        assert!(ran.status != 0 && fs::metadata(&ledger).unwrap().len() == 0, "{}{}", ran.out, ran.err);
    }
    folder.ok(&["status", "--new-ledger"], &format!("{PASSPHRASE}\n"));
    assert!(fs::metadata(&ledger).unwrap().len() > 0);
    folder.ok(&["status"], "");
    folder.ok(&["ledger"], "");
}

#[test]
fn where_there_is_no_wallet_or_the_record_is_whole_nobody_is_asked() {
    let folder = Folder::empty();
    folder.ok(&["status"], "");
    folder.ok(&["init", "--import"], &format!("{}\n{PASSPHRASE}\n", folder::words()));
    folder.ok(&["status"], "");
    let before = fs::read(folder.dir().join("vault.json")).unwrap();
    // The word is no harm where it is not needed.
    folder.ok(&["sites", "block", "https://news.example"], "");
    folder.ok(&["status", "--new-ledger"], &format!("{PASSPHRASE}\n"));
    assert!(folder.ok(&["sites"], "").contains("blocked"), "a record that is there stays");
    assert_eq!(fs::read(folder.dir().join("vault.json")).unwrap(), before);
}
