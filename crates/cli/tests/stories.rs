//! Whole commands as a person or a script runs them, on a practice world: the binary, its input, its output
//! and its status.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod home;

use home::{Home, PASSPHRASE, Serve, countersign, meanwhile, rows, run};
use serde_json::Value;
use std::io::{Read, Write};
use std::process::Command;

#[test]
fn a_demo_with_piped_answers_delivers_and_settles() {
    let dir = tempfile::tempdir().unwrap();
    let ran = run(dir.path(), &["demo"], "yes\nyes\nplay money only\n");
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("practice reader asks to pay 0.26 USDT to http://127.0.0.1:"), "{}", ran.out);
    assert!(ran.out.contains("Delivered (200)"), "{}", ran.out);
    assert!(!ran.out.contains('\u{1b}'));
    // A second process believes the ledger, not the story.
    let rows = rows(dir.path());
    assert_eq!(rows.len(), 1);
    assert_eq!((&rows[0]["delivery"], &rows[0]["settlement"]), (&"delivered".into(), &"final".into()));
    let again = run(dir.path(), &["demo"], "");
    assert_eq!(again.status, 1, "{}", again.err);
}

#[test]
fn a_no_in_the_demo_signs_nothing_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let ran = run(dir.path(), &["demo"], "yes\nno\n");
    assert_eq!(ran.status, 3, "{}{}", ran.out, ran.err);
    let row = &rows(dir.path())[0];
    assert_eq!((&row["state"], &row["code"]), (&"refused".into(), &"USER_REJECTED".into()));
}

#[test]
fn anything_but_yes_and_no_is_asked_again_and_a_wrong_passphrase_pays_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let ran = run(dir.path(), &["demo"], "yes\ny\n\nyes please\nNo\n");
    assert_eq!(ran.status, 3, "{}{}", ran.out, ran.err);
    assert_eq!(ran.out.matches("Please type the whole word").count(), 3, "{}", ran.out);
    let dir = tempfile::tempdir().unwrap();
    let ran = run(dir.path(), &["demo"], "yes\ny\n");
    assert_eq!(ran.status, 1, "the input ended without an answer: {}{}", ran.out, ran.err);
    let dir = tempfile::tempdir().unwrap();
    let ran = run(dir.path(), &["demo"], "yes\nyes\nwrong\nyes\nnot this\n");
    assert_eq!(ran.status, 4, "{}{}", ran.out, ran.err);
    assert!(rows(dir.path()).iter().all(|row| row["state"] != "signed"));
}

#[test]
fn a_program_that_was_not_paired_gets_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let ran = run(dir.path(), &["demo"], "no\n");
    assert_eq!(ran.status, 3, "{}{}", ran.out, ran.err);
    assert!(rows(dir.path()).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn pay_asks_in_the_terminal_that_serves_and_writes_what_it_paid_for() {
    let home = Home::open().await;
    let mut serve = Serve::start(&home);
    let out = home.path().join("article");
    let (url, out_text) = (home.world.cheap_url(), out.display().to_string());
    let arguments = ["pay", &url, "-o", &out_text, "--reason", "for the news"];
    let paid = meanwhile(
        || run(home.path(), &arguments, ""),
        || {
            let question = serve.until("[yes/no] ");
            assert!(question.contains("for the news") && question.contains("0.05 USDT"), "{question}");
            serve.say("yes");
            serve.until("Passphrase");
            serve.say(PASSPHRASE);
        },
    );
    assert_eq!(paid.status, 0, "{}{}", paid.out, paid.err);
    assert!(paid.out.is_empty() && paid.err.contains("paid 0.05 USDT"), "{}{}", paid.out, paid.err);
    assert!(!std::fs::read(out).unwrap().is_empty());
    // The records of a running owner are read through it.
    assert_eq!(rows(home.path())[0]["delivery"], "delivered");
    let sites = run(home.path(), &["sites"], "");
    assert!(sites.out.contains("1 payments") && sites.out.contains("0.05 USDT"), "{}", sites.out);
    serve.end();
    assert!(!home.path().join("runtime.json").exists());
    assert_eq!(rows(home.path()).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_can_be_answered_from_another_terminal() {
    let home = Home::open().await;
    let mut serve = Serve::start(&home);
    let url = home.world.cheap_url();
    let paid = meanwhile(
        || run(home.path(), &["pay", &url], ""),
        || {
            serve.until("[yes/no] ");
            let answer = run(home.path(), &["answer"], &format!("yes\n{PASSPHRASE}\n"));
            assert_eq!(answer.status, 0, "{}{}", answer.out, answer.err);
            serve.until("That question is over.");
            // What is typed now was meant for the question that is gone.
            serve.say("yes");
        },
    );
    assert_eq!(paid.status, 0, "{}{}", paid.out, paid.err);
    assert!(!paid.out.is_empty());
    serve.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_option_is_taken_at_the_terminal_that_serves_and_from_another_one() {
    let home = Home::open().await;
    let mut serve = Serve::start(&home);
    let url = home.world.choice_url();
    let by_permit2 = |question: &str| question.contains("asks to pay 0.065 USDT") && question.contains("exact/permit2");
    let by_permit = |question: &str| question.contains("asks to pay 0.07 USDT") && question.contains("exact_permit");
    let paid = meanwhile(
        || run(home.path(), &["pay", &url], ""),
        || {
            let question = serve.until("[yes/no] ");
            assert!(by_permit2(&question), "{question}");
            // Each with what it costs in all and what is there; the token that was not added can't be used.
            for line in
                ["> 2  exact/permit2", "  1  exact_permit", "0.07 USDT and up to", "of 100 USDT", "can't be used"]
            {
                assert!(question.contains(line), "{line}: {question}");
            }
            serve.say("option 3");
            let refused = serve.until("[yes/no] ");
            assert!(refused.contains("tokenUnknown") && by_permit2(&refused), "{refused}");
            serve.say("option 1");
            let other = serve.until("[yes/no] ");
            assert!(by_permit(&other) && other.contains("> 1  exact_permit"), "{other}");
            serve.say("yes");
            serve.until("Passphrase");
            serve.say(PASSPHRASE);
        },
    );
    assert_eq!(paid.status, 0, "{}{}", paid.out, paid.err);
    assert!(paid.err.contains("paid 0.07 USDT"), "{}", paid.err);

    let paid = meanwhile(
        || run(home.path(), &["pay", &url], ""),
        || {
            assert!(by_permit2(&serve.until("[yes/no] ")));
            let answer = run(home.path(), &["answer", "--option", "1"], &format!("yes\n{PASSPHRASE}\n"));
            assert_eq!(answer.status, 0, "{}{}", answer.out, answer.err);
            assert!(by_permit(&answer.out), "{}", answer.out);
        },
    );
    assert_eq!(paid.status, 0, "{}{}", paid.out, paid.err);
    assert!(paid.err.contains("paid 0.07 USDT"), "{}", paid.err);
    let schemes: Vec<_> = rows(home.path()).iter().map(|row| row["amount"]["display"].clone()).collect();
    assert_eq!(schemes, ["0.07", "0.07"]);
    serve.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn pay_without_a_running_owner_asks_right_here() {
    let home = Home::open().await;
    let url = home.world.fee_url();
    let paid = run(home.path(), &["pay", &url], &format!("yes\n{PASSPHRASE}\n"));
    assert_eq!(paid.status, 0, "{}{}", paid.out, paid.err);
    // The output is the resource alone; the question went beside it.
    assert!(serde_json::from_str::<Value>(&paid.out).is_ok(), "{}", paid.out);
    assert!(paid.err.contains("asks to pay 0.26 USDT") && paid.err.contains("digest"), "{}", paid.err);
    // This command made the request itself; what an app hands over says "claimed" in the same places.
    for part in ["[verified]", "(verified)? ", "Countersign's own command asked http://127.0.0.1"] {
        assert!(paid.err.contains(part), "{part}: {}", paid.err);
    }
    assert!(run(home.path(), &["ledger"], "").out.contains("  verified  "), "the list says it, too");

    let refused = run(home.path(), &["pay", &home.world.cheap_url()], "no\n");
    assert_eq!((refused.status, refused.out.as_str()), (3, ""), "{}", refused.err);
    let silent = run(home.path(), &["pay", &home.world.cheap_url()], "");
    assert_eq!(silent.status, 1, "{}", silent.err);
    let unclear = run(home.path(), &["pay", &home.world.cheap_url(), "--max-smallest", "49999"], "");
    assert!(unclear.status == 2 && unclear.err.contains("the token's contract"), "{}", unclear.err);
    let smallest = "49999 TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf";
    let capped = run(home.path(), &["pay", &home.world.cheap_url(), "--max-smallest", smallest], "");
    assert_eq!(capped.status, 7, "{}", capped.err);
    assert!(capped.err.contains("0.05 USDT") && capped.err.contains("0.049999 USDT"), "{}", capped.err);
    for (most, status) in [("0.04", 7), ("0.05 USDD", 7), ("0", 7), ("nothing", 2)] {
        let capped = run(home.path(), &["pay", &home.world.cheap_url(), "--max", most], "");
        assert_eq!(capped.status, status, "{most}: {}", capped.err);
        assert!(status == 7 || capped.err.contains("--max: "), "{most}: {}", capped.err);
    }
    let old = run(home.path(), &["pay", &home.world.cheap_url(), "--max-amount", "50000"], "");
    assert!(old.status == 2 && old.err.contains("--max-smallest"), "{}", old.err);
    let free = run(home.path(), &["pay", &home.world.shop_url()], "");
    assert_eq!(free.status, 0, "{}", free.err);
    let rows = rows(home.path());
    let states: Vec<&str> = rows.iter().filter_map(|row| row["state"].as_str()).collect();
    assert_eq!(states, ["cancelled", "refused", "signed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_only_looks_like_usdt_is_refused_with_the_reason() {
    let home = Home::open().await;
    let ran = run(home.path(), &["pay", &home.world.trap_url()], &format!("yes\n{PASSPHRASE}\n"));
    assert!(ran.status == 3 || ran.status == 7, "{} {}{}", ran.status, ran.out, ran.err);
    assert!(ran.out.is_empty() && ran.err.contains("error:"), "{}{}", ran.out, ran.err);
    assert!(rows(home.path()).iter().all(|row| row["state"] == "refused"));
}

#[test]
fn a_new_wallet_asks_three_words_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = countersign(dir.path(), &["init", "--profile", "devnet"]).spawn().unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut seen = String::new();
    let mut words: Vec<String> = Vec::new();
    let mut asked = 0;
    let mut chunk = [0; 4096];
    loop {
        let length = stdout.read(&mut chunk).unwrap();
        if length == 0 {
            break;
        }
        seen.push_str(std::str::from_utf8(&chunk[..length]).unwrap());
        if words.is_empty() && seen.contains("\n\n") && seen.contains("12 ") {
            let listed = seen.split_whitespace().collect::<Vec<_>>();
            words = (1..=12)
                .map(|n| listed[listed.iter().position(|w| *w == n.to_string()).unwrap() + 1].to_owned())
                .collect();
        }
        if seen.ends_with(": ") {
            let prompt = seen.lines().last().unwrap().to_owned();
            let line = match prompt.strip_prefix("Word ").and_then(|p| p.strip_suffix(": ")) {
                Some(position) => {
                    asked += 1;
                    words[position.parse::<usize>().unwrap() - 1].clone()
                }
                None => PASSPHRASE.to_owned(),
            };
            stdin.write_all(format!("{line}\n").as_bytes()).unwrap();
        }
    }
    assert!(child.wait().unwrap().success(), "{seen}");
    assert_eq!((words.len(), asked), (12, 3), "{seen}");
    // The words are nowhere in the folder.
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(!text.contains(&words.join(" ")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passphrase_can_come_from_an_open_descriptor() {
    let home = Home::open().await;
    let secret = home.path().join("secret");
    std::fs::write(&secret, format!("{PASSPHRASE}\n")).unwrap();
    let line = format!(
        "echo yes | \"{}\" pay {} --passphrase-fd 3 --data-dir \"{}\" 3< \"{}\"",
        env!("CARGO_BIN_EXE_countersign"),
        home.world.cheap_url(),
        home.path().display(),
        secret.display()
    );
    let output = Command::new("sh").args(["-c", &line]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_from_the_words_keeps_the_ledger_and_goes_on_paying() {
    let home = Home::open().await;
    let before = {
        let paid = run(home.path(), &["pay", &home.world.cheap_url()], &format!("yes\n{PASSPHRASE}\n"));
        assert_eq!(paid.status, 0, "{}", paid.err);
        rows(home.path())
    };
    let words = format!("{}about\nanother horse\n", "abandon ".repeat(11));
    let restored = run(home.path(), &["restore"], &words);
    assert!(restored.status == 0 && restored.out.contains("the ledger is as it was"), "{}", restored.err);
    assert_eq!(rows(home.path()), before);
    let old = run(home.path(), &["pay", &home.world.cheap_url()], &format!("yes\n{PASSPHRASE}\n"));
    assert_eq!(old.status, 4, "{}", old.err);
    let paid = run(home.path(), &["pay", &home.world.cheap_url()], "yes\nanother horse\n");
    assert_eq!(paid.status, 0, "{}", paid.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_account_that_was_chosen_pays() {
    let home = Home::open().await;
    let with = |arguments: &[&str]| run(home.path(), arguments, &format!("{PASSPHRASE}\n"));
    let added = with(&["accounts", "add", "Shopping", "--json"]);
    let accounts: Value = serde_json::from_str(&added.out).unwrap();
    let shopping = accounts[1]["address"]["address"].as_str().unwrap().to_owned();
    home.world.fund(tron::Address::parse(&shopping).unwrap()).unwrap();
    assert_eq!(with(&["accounts", "use", "Shopping", "--app", "owner"]).status, 0);
    let payers = run(home.path(), &["accounts", "payers"], "");
    assert!(payers.out.contains("Shopping") && payers.out.contains(&shopping), "{}", payers.out);
    let paid = run(home.path(), &["pay", &home.world.cheap_url()], &format!("yes\n{PASSPHRASE}\n"));
    assert_eq!(paid.status, 0, "{}", paid.err);
    assert!(paid.err.contains("Shopping") || paid.err.contains(&shopping[..6]), "{}", paid.err);
    // The choice taken back.
    assert_eq!(with(&["accounts", "use", "--app", "owner"]).status, 0);
    let paid = run(home.path(), &["pay", &home.world.cheap_url()], &format!("yes\n{PASSPHRASE}\n"));
    assert!(paid.status == 0 && !paid.err.contains("Shopping"), "{}", paid.err);
}
