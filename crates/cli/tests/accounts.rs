//! Several accounts at the command line: made, brought along, named, chosen, taken elsewhere; and the passphrase
//! changed and lost.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod folder;

use folder::{FIRST, Folder, PASSPHRASE, words};
use serde_json::Value;
use tron::{Address, PrivateKey, hd};

/// Name, kind and whether it pays, as a program reads them.
fn listed(folder: &Folder) -> Vec<(String, String, bool)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let rows = folder.json(&["accounts"]);
    let row = |a: &Value| (text(&a["name"]), text(&a["kind"]), a["pays"].as_bool().unwrap());
    rows.as_array().unwrap().iter().map(row).collect()
}

fn row(name: &str, kind: &str, pays: bool) -> (String, String, bool) {
    (name.to_owned(), kind.to_owned(), pays)
}

/// The key of the words at this index, as it is written.
fn key_of_words(index: u32) -> String {
    let key = hd::derive(&hd::Words::parse(&words()).unwrap(), index).unwrap();
    hex::encode(key.reveal().as_slice())
}

fn address_of(key: [u8; 32]) -> Address {
    PrivateKey::from_bytes(&key).unwrap().address()
}

#[test]
fn accounts_are_added_brought_along_watched_named_and_chosen() {
    let folder = Folder::with_wallet();
    assert_eq!(listed(&folder), [row("Account 1", "derived", true)]);
    folder.by(&["accounts", "add"]);
    folder.by(&["accounts", "add", "Shopping"]);
    let key = hex::encode([7; 32]);
    folder.ok(&["accounts", "import", "--name", "Brought"], &format!("0x{key}\n{PASSPHRASE}\n"));
    let cold = address_of([8; 32]).to_string();
    folder.by(&["accounts", "watch", &cold, "--name", "Cold"]);
    folder.by(&["accounts", "rename", "Account 2", "Reading"]);
    folder.by(&["accounts", "use", "Brought"]);
    let rows = [
        row("Account 1", "derived", false),
        row("Reading", "derived", false),
        row("Shopping", "derived", false),
        row("Brought", "imported", true),
        row("Cold", "watched", false),
    ];
    assert_eq!(listed(&folder), rows);
    // A person reads the same, and that a node did not answer.
    let shown = folder.ok(&["accounts"], "");
    let brought = shown.lines().find(|line| line.contains("Brought")).unwrap();
    assert!(brought.contains(&address_of([7; 32]).to_string()) && brought.contains("imported"), "{brought}");
    assert!(brought.contains("pays") && brought.contains("no node answered"), "{brought}");
    assert!(shown.contains(FIRST) && shown.contains("watched only"), "{shown}");
}

#[test]
fn every_change_takes_the_passphrase_and_a_refusal_says_what_to_do() {
    let folder = Folder::with_wallet();
    let wrong = "not the right one\n";
    for change in [
        &["accounts", "add", "X"][..],
        &["accounts", "watch", FIRST],
        &["accounts", "rename", "Account 1", "X"],
        &["accounts", "hide", "Account 1"],
        &["accounts", "use", "Account 1"],
    ] {
        let ran = folder.run(change, wrong);
        assert_eq!(ran.status, 4, "{change:?}: {}", ran.err);
    }
    assert_eq!(listed(&folder), [row("Account 1", "derived", true)]);
    let says = |arguments: &[&str], expected: &str| {
        let said = folder.fails(arguments, &format!("{PASSPHRASE}\n"));
        assert!(said.contains(expected), "{arguments:?}: {said}");
    };
    says(&["accounts", "rename", "Nobody", "X"], "`countersign accounts` lists them");
    says(&["accounts", "rename", "Account 1", " "], "it is empty");
    says(&["accounts", "watch", "T123"], "an account's address");
    says(&["accounts", "watch", FIRST], "is in the vault already, as \"Account 1\"");
    // A watched address never pays.
    let cold = address_of([8; 32]).to_string();
    folder.by(&["accounts", "watch", &cold, "--name", "Cold"]);
    says(&["accounts", "use", "Cold"], "its key is not in this wallet");
    // An account of the words would come back with them; a key that is no key.
    let said = folder.fails(&["accounts", "remove", "Account 1"], &format!("yes\n{PASSPHRASE}\n"));
    assert!(said.contains("hide it instead"), "{said}");
    let said = folder.fails(&["accounts", "import"], &format!("{}\n{PASSPHRASE}\n", "0".repeat(64)));
    assert!(said.contains("64 hex digits") && !said.contains("0000"), "{said}");
}

#[test]
fn a_key_goes_into_a_file_for_its_owner_and_comes_back_as_keystore() {
    let folder = Folder::with_wallet();
    let (bare, keystore) = (folder.path("key.txt"), folder.path("key.json"));
    let (bare_text, keystore_text) = (bare.display().to_string(), keystore.display().to_string());
    folder.by(&["accounts", "export", "Account 1", "--output", &bare_text]);
    assert_eq!(std::fs::read_to_string(&bare).unwrap().trim(), key_of_words(0));
    let input = format!("{PASSPHRASE}\nof the file\n");
    folder.ok(&["accounts", "export", FIRST, "--keystore", &keystore_text], &input);
    for path in [&bare, &keystore] {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(!std::fs::read_to_string(&keystore).unwrap().contains(&key_of_words(0)));
    // Nothing is replaced, and nothing is shown where no person looks.
    assert!(folder.fails(&["accounts", "export", FIRST, "--output", &bare_text], "").contains("never replaced"));
    let ran = folder.run(&["accounts", "export", FIRST], &format!("{PASSPHRASE}\n"));
    assert!(ran.status == 1 && !ran.out.contains(&key_of_words(0)) && ran.err.contains("at a terminal only"));

    // In another wallet: the file's passphrase, then the new wallet's own.
    let other = Folder::empty();
    let wrong = other.fails(&["accounts", "import", "--keystore", &keystore_text], "of a file\nanother horse\n");
    assert!(wrong.contains("passphrase"), "{wrong}");
    assert!(!other.dir().join("vault.json").exists());
    let made = other.ok(
        &["accounts", "import", "--keystore", &keystore_text, "--name", "From the other"],
        "of the file\nanother horse\n",
    );
    assert!(made.contains(FIRST) && made.contains("keep a backup of its own"), "{made}");
    assert_eq!(listed(&other), [row("From the other", "imported", true)]);
    assert!(other.fails(&["accounts", "add"], "another horse\n").contains("has no words"));
}

#[test]
fn words_and_key_are_shown_at_a_terminal_alone() {
    let folder = Folder::with_wallet();
    let piped = folder.run(&["accounts", "words"], &format!("{PASSPHRASE}\n"));
    assert_eq!((piped.status, piped.out.as_str()), (1, ""), "{}", piped.err);
    let screen = folder.at_a_terminal("accounts words");
    assert!(screen.contains("Whoever sees these has the money"), "{screen}");
    assert_eq!(screen.matches("abandon").count(), 11, "{screen}");
    assert!(screen.contains("about"), "{screen}");
    let screen = folder.at_a_terminal("accounts export \"Account 1\"");
    assert!(screen.contains(&key_of_words(0)), "{screen}");
}

#[test]
fn another_passphrase_opens_and_the_old_one_does_not() {
    let folder = Folder::with_wallet();
    assert_eq!(folder.run(&["passphrase"], "not it\nanother horse\n").status, 4);
    assert!(folder.fails(&["passphrase"], &format!("{PASSPHRASE}\nshort\n")).contains("at least 8"));
    folder.ok(&["passphrase"], &format!("{PASSPHRASE}\nanother horse\n"));
    assert_eq!(folder.run(&["accounts", "add"], &format!("{PASSPHRASE}\n")).status, 4);
    folder.ok(&["accounts", "add"], "another horse\n");
    assert_eq!(listed(&folder).len(), 2);
}

#[test]
fn a_lost_passphrase_comes_back_with_the_words_and_the_old_file_stays() {
    let folder = Folder::with_wallet();
    folder.by(&["accounts", "add", "Second"]);
    folder.ok(&["accounts", "import", "--name", "Brought"], &format!("{}\n{PASSPHRASE}\n", hex::encode([7; 32])));
    let other = "legal winner thank year wave sausage worth useful legal winner thank yellow";
    assert!(folder.fails(&["restore"], &format!("{other}\nanother horse\n")).contains("belong to another wallet"));
    let said = folder.ok(&["restore"], &format!("{}\nanother horse\n", words()));
    assert!(said.contains("are in the old file alone"), "{said}");
    let rows = [row("Account 1", "derived", true), row("Second", "derived", false), row("Brought", "watched", false)];
    assert_eq!(listed(&folder), rows);
    folder.ok(&["accounts", "add"], "another horse\n");
    let old = std::fs::read_dir(folder.dir()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let old: Vec<String> = old.filter(|n| n.starts_with("vault.") && n != "vault.json").collect();
    assert_eq!(old.len(), 1, "{old:?}");
    // It opens with the passphrase that was lost, should it be found.
    let found = Folder::empty();
    std::fs::copy(folder.dir().join(&old[0]), found.dir().join("vault.json")).unwrap();
    let key = found.path("key").display().to_string();
    let twice = format!("{PASSPHRASE}\n{PASSPHRASE}\n");
    found.ok(&["accounts", "export", "Brought", "--output", &key, "--new-ledger"], &twice);
}
