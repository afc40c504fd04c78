//! Words, keys and keystores as people have them: whatever its layout, all of it is read or nothing is made, and what can't
//! be read is told before a passphrase is asked for it.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod folder;

use folder::{FIRST, Folder, PASSPHRASE, words};
use serde_json::{Value, json};

/// Twelve words that fit together, and twelve that make all twenty-four fit.
const REST: &str = "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo before";

fn first_account(folder: &Folder) -> String {
    folder.json(&["accounts"])[0]["address"]["address"].as_str().unwrap().to_owned()
}

#[test]
fn words_in_any_layout_make_the_same_wallet() {
    let words = words();
    let numbered: Vec<_> = words.split(' ').enumerate().map(|(i, word)| format!("{}. {word}", i + 1)).collect();
    for (layout, text) in [
        ("one a line", words.replace(' ', "\n")),
        ("numbered", numbered.join(" ")),
        ("numbered lines", numbered.join("\n")),
        ("byte order mark", format!("\u{feff}{words}")),
        ("CR LF", format!("{words}\r")),
        ("no-break blanks", words.replace(' ', "\u{a0}")),
        ("ideographic blanks", words.replace(' ', "\u{3000}")),
        ("capitals", words.to_uppercase()),
        ("doubled blanks", format!("  {}  ", words.replace(' ', "   "))),
    ] {
        let folder = Folder::empty();
        folder.ok(&["init", "--import"], &format!("{text}\n{PASSPHRASE}\n"));
        assert_eq!(first_account(&folder), FIRST, "{layout}");
        folder.by(&["settings", "auto-lock", "20"]);
    }
}

#[test]
fn the_second_half_of_a_list_is_never_its_passphrase() {
    let halves = format!("{}\n{REST}\n", words());
    let folder = Folder::empty();
    folder.ok(&["init", "--import"], &format!("{halves}{PASSPHRASE}\n"));
    let of_all = first_account(&folder);
    assert_ne!(of_all, FIRST, "not the wallet of the first half");
    assert_eq!(folder.run(&["settings", "auto-lock", "20"], &format!("{REST}\n")).status, 4);
    // In one line they are the same wallet.
    let line = Folder::empty();
    line.ok(&["init", "--import"], &format!("{} {REST}\n{PASSPHRASE}\n", words()));
    assert_eq!(first_account(&line), of_all);
    // A slip in one of them makes no wallet at all.
    for slip in [REST.replace("before", "befor"), REST.replace("before", "zoo"), "zoo zoo zoo".to_owned()] {
        let folder = Folder::empty();
        let told = folder.fails(&["init", "--import"], &format!("{}\n{slip}\n{PASSPHRASE}\n", words()));
        assert!(told.contains("word"), "{slip}: {told}");
        assert!(!folder.dir().join("vault.json").exists(), "{slip}: nothing is made");
    }
}

#[test]
fn a_passphrase_opens_composed_and_decomposed() {
    let (composed, decomposed) =
        ("caf\u{e9} cr\u{e8}me br\u{fb}l\u{e9}e", "cafe\u{301} cre\u{300}me bru\u{302}le\u{301}e");
    for (set, typed) in [(composed, decomposed), (decomposed, composed)] {
        let folder = Folder::empty();
        folder.ok(&["init", "--import"], &format!("{}\n{set}\n", words()));
        folder.ok(&["limits"], "");
        folder.ok(&["settings", "auto-lock", "20"], &format!("{typed}\n"));
    }
}

/// A key as a keystore of version 3, the form that TRON's wallets export: made by this very program.
fn keystore(folder: &Folder) -> Value {
    let path = folder.path("made.json");
    let path = path.to_str().unwrap();
    folder.ok(&["accounts", "export", FIRST, "--keystore", path], &format!("{PASSPHRASE}\nits own one\n"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn a_keystore_is_judged_before_any_passphrase_and_read_as_editors_leave_it() {
    let made = keystore(&Folder::with_wallet());
    let with = |change: &dyn Fn(&mut Value)| {
        let mut changed = made.clone();
        change(&mut changed);
        changed
    };
    // TronLink's address is hexadecimal in mixed case beside a member of its own.
    let tronlink = with(&|file| {
        file["type"] = json!("private-key");
        file["address"] = json!(tron::Address::parse(FIRST).unwrap().to_hex41().to_uppercase());
    });
    for (form, text) in [
        ("a byte order mark", format!("\u{feff}{made}")),
        ("TronLink's", tronlink.to_string()),
        ("no address", with(&|file| drop(file.as_object_mut().unwrap().remove("address"))).to_string()),
    ] {
        let folder = Folder::empty();
        let path = folder.private("key.json", &text);
        let import = ["accounts", "import", "--keystore", path.to_str().unwrap()];
        folder.ok(&import, &format!("its own one\n{PASSPHRASE}\n"));
        assert_eq!(first_account(&folder), FIRST, "{form}");
    }
    for (form, text, told) in [
        ("version as a text", with(&|file| file["version"] = json!("3.1")).to_string(), "version"),
        ("cut off", made.to_string()[..80].to_owned(), "ends too early"),
        ("another cipher", with(&|file| file["crypto"]["cipher"] = json!("aes-256-gcm")).to_string(), "cipher"),
        ("no file at all", words(), "JSON"),
    ] {
        let folder = Folder::empty();
        let path = folder.private("key.json", &text);
        // Without any input: nothing was asked.
        let why = folder.fails(&["accounts", "import", "--keystore", path.to_str().unwrap()], "");
        assert!(why.contains(told) && !why.contains("assphrase"), "{form}: {why}");
    }
}

#[test]
fn almost_a_key_is_no_key_and_the_answer_says_how_many_digits_came() {
    let one = format!("{}1", "0".repeat(63));
    for text in [format!("0x{one}"), format!("{} ", one.to_uppercase())] {
        let folder = Folder::empty();
        folder.ok(&["accounts", "import"], &format!("{text}\n{PASSPHRASE}\n"));
        assert_eq!(first_account(&folder), "TMVQGm1qAQYVdetCeGRRkTWYYrLXuHK2HC", "{text:?}");
    }
    let order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
    for (text, told) in [
        (one[1..].to_owned(), "63"),
        (format!("{one}{one}"), "128"),
        ("1234".to_owned(), "4"),
        (order.to_owned(), "key"),
        ("0".repeat(64), "key"),
        ("5HpHagT65TZzG1PH3CSu63k8DbpvD8s5ip4nEB3kEsreAnchuDf".to_owned(), "hex"),
    ] {
        let folder = Folder::empty();
        let why = folder.fails(&["accounts", "import"], &format!("{text}\n"));
        assert!(why.contains(told) && !why.contains("passphrase"), "{text}: {why}");
        assert!(!folder.dir().join("vault.json").exists());
    }
}
