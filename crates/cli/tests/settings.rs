//! What the window sets, set by a command: tokens, the lock, the deployment of Permit2, the order of accounts. What is
//! wrong with an argument is told before a passphrase is asked.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod folder;
mod home;

use folder::Folder;
use home::{Home, PASSPHRASE, run};
use tron::Address;

#[test]
fn the_lock_and_permit2_are_set_with_the_passphrase_and_stay_set() {
    let folder = Folder::with_wallet();
    assert!(folder.ok(&["settings"], "").contains("after 15 minutes without use"));
    let now = || {
        let settings = folder.json(&["settings"]);
        let sets = settings["permit2"].as_array().unwrap().clone();
        let chosen = sets.iter().find(|set| set["chosen"] == true).unwrap()["name"].as_str().unwrap().to_owned();
        (settings["autoLockMinutes"].as_u64().unwrap(), chosen)
    };
    assert_eq!(now(), (15, "first".to_owned()));
    assert_eq!(folder.run(&["settings", "auto-lock", "0"], "not the right one\n").status, 4);
    assert_eq!(now().0, 15);
    assert!(folder.by(&["settings", "auto-lock", "30"]).contains("after 30 minutes without use"));
    folder.by(&["settings", "permit2", "second"]);
    assert_eq!(now(), (30, "second".to_owned()));
    // One site goes its own way, and back.
    folder.by(&["settings", "permit2", "first", "--site", "https://news.example"]);
    assert_eq!(now(), (30, "second".to_owned()));
    assert!(folder.ok(&["sites"], "").contains("the first set, chosen for this site"));
    folder.by(&["settings", "permit2", "default", "--site", "https://news.example"]);
    assert!(!folder.ok(&["sites"], "").contains("chosen for this site"));
    // Nobody types a passphrase for what can't be.
    for (arguments, told) in [
        (&["settings", "permit2", "third"][..], "SET: expected first or second, found third"),
        (&["settings", "permit2", "first", "--site", "news example"], "--site: expected"),
        (&["settings", "permit2", "default"], "SET: expected first or second, found default"),
        (&["tokens", "add", "T123"], "CONTRACT: expected a token's address"),
        (
            &["tokens", "add", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"],
            "CONTRACT: expected a token that is not in the table",
        ),
        (&["tokens", "add", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "--network", "pluto"], "--network: expected"),
        (&["accounts", "list", "--network", "pluto"], "--network: expected a TRON network"),
        (&["settings", "auto-lock", "soon"], "soon"),
        (&["accounts", "move", "Account 1", "0"], "0"),
    ] {
        let ran = folder.run(arguments, "");
        assert!(ran.status == 2 && ran.err.contains(told), "{arguments:?}: {} {}", ran.status, ran.err);
        assert!(!ran.err.contains("Passphrase") && !ran.out.contains("Passphrase"), "{arguments:?}: {}", ran.err);
    }
}

#[test]
fn accounts_take_another_place_and_an_app_without_questions_is_told() {
    let folder = Folder::with_wallet();
    folder.by(&["accounts", "add", "Second"]);
    folder.by(&["accounts", "move", "Second", "1"]);
    let names: Vec<_> = folder.json(&["accounts"]).as_array().unwrap().iter().map(|a| a["name"].clone()).collect();
    assert_eq!(names, ["Second", "Account 1"]);
    assert!(folder.ok(&["apps", "reject", "nobody"], "").contains("No question of this app is open"));
}

#[test]
fn an_app_that_nobody_paired_is_no_such_app_for_every_command() {
    let folder = Folder::with_wallet();
    let usdt = ["--token", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"];
    for (arguments, more) in [
        (&["limits", "set", "nobody", "--per-day", "5"][..], &usdt[..]),
        (&["limits", "block", "nobody"], &usdt),
        (&["apps", "revoke", "nobody"], &[]),
        (&["accounts", "use", "Account 1", "--app", "nobody"], &[]),
        (&["ledger", "--app", "nobody"], &[]),
    ] {
        let ran = folder.run(&[arguments, more].concat(), &format!("{PASSPHRASE}\n"));
        assert!(ran.status == 1 && ran.err.contains("There is no such app"), "{arguments:?}: {}", ran.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_added_can_be_paid_in_until_it_is_taken_away() {
    let home = Home::open().await;
    let (url, token) = (home.world.token_url(), Address::from_bytes(*b"countersign AuthUSD.").to_string());
    let passphrase = format!("{PASSPHRASE}\n");
    let yes = format!("yes\n{passphrase}");
    assert_eq!(run(home.path(), &["pay", &url], &yes).status, 7);
    assert!(run(home.path(), &["tokens"], "").out.contains("No token was added"));
    let add = ["tokens", "add", &token, "--network", "nile"];
    assert_eq!(run(home.path(), &add, "not the right one\n").status, 4);
    let added = run(home.path(), &add, &passphrase);
    assert_eq!(added.status, 0, "{}", added.err);
    assert!(added.out.contains(&token) && added.out.contains("its own claim"), "{}", added.out);
    assert!(run(home.path(), &["tokens"], "").out.contains(&token));
    let paid = run(home.path(), &["pay", &url], &yes);
    assert_eq!(paid.status, 0, "{}", paid.err);
    // What is held on another network than the wallet's own.
    let nile = run(home.path(), &["accounts", "list", "--network", "nile"], "");
    assert!(nile.status == 0 && nile.out.contains("100 USDT test"), "{}{}", nile.out, nile.err);
    assert!(run(home.path(), &["accounts"], "").out.contains("no node answered"));
    let removed = run(home.path(), &["tokens", "remove", &token, "--network", "nile"], "");
    assert!(removed.status == 0 && removed.out.contains("No token was added"), "{}{}", removed.out, removed.err);
    assert_eq!(run(home.path(), &["pay", &url], &yes).status, 7);
}
