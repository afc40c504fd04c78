//! What a yes allows where an allowance is missing, chosen wherever a question is answered: typed at the prompt or by a
//! flag, in whole units. Payments after it go without a transaction, and without the window.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod home;

use home::{Home, PASSPHRASE, Serve, meanwhile, rows, run};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn yes() -> String {
    format!("yes\n{PASSPHRASE}\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn pay_takes_the_total_by_its_flag_and_refuses_one_that_does_not_fit_before_the_passphrase() {
    let home = Home::open().await;
    let url = home.world.permit2_url();
    let wrong = run(home.path(), &["pay", &url, "--allowance", "two"], "");
    assert!(wrong.status == 2 && wrong.err.contains("--allowance") && wrong.err.contains("like 2.00"), "{}", wrong.err);
    assert!(rows(home.path()).is_empty(), "nothing was asked");
    let wrong = run(home.path(), &["pay", &url, "--allowance", "5000"], "");
    assert_eq!(wrong.status, 2, "{}", wrong.err);
    assert!(wrong.err.contains("--allowance: expected 0.06 to 60 USDT, found 5000"), "{}", wrong.err);
    assert_eq!(rows(home.path())[0]["state"], "cancelled");

    let paid = run(home.path(), &["pay", &url, "--allowance", "0.6"], &yes());
    assert_eq!(paid.status, 0, "{}", paid.err);
    assert!(paid.err.contains("allows 0.6 USDT in all"), "{}", paid.err);
    // The next one needs no transaction, so it is asked without.
    let next = run(home.path(), &["pay", &url, "--allowance", "0.6"], &yes());
    assert!(next.status == 0 && !next.err.contains("A yes first sends"), "{}", next.err);
    // Another contract's is missing still; at the prompt the total is a line of its own.
    let typed = run(home.path(), &["pay", &home.world.fee_url()], &format!("allowance 1.00\n{}", yes()));
    assert_eq!(typed.status, 0, "{}", typed.err);
    assert!(typed.err.contains("allows 1.00 USDT in all"), "{}", typed.err);
    let next = run(home.path(), &["pay", &home.world.fee_url()], &yes());
    assert!(next.status == 0 && !next.err.contains("A yes first sends"), "{}", next.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn serve_and_answer_take_a_total_for_what_they_answer() {
    let home = Home::open().await;
    let mut serve = Serve::start_with(&home, &["--allowance", "0.6"]);
    let url = home.world.permit2_url();
    let paid = meanwhile(
        || run(home.path(), &["pay", &url], ""),
        || {
            let question = serve.until("[yes/no] ");
            assert!(question.contains("allows 0.6 USDT in all"), "{question}");
            serve.say("allowance exact");
            let question = serve.until("[yes/no] ");
            assert!(question.contains("allows exactly 0.06 USDT"), "{question}");
            let wrong = run(home.path(), &["answer", "--allowance", "0.05"], &yes());
            assert!(wrong.status == 2 && wrong.err.contains("--allowance: expected 0.06 to 60 USDT"), "{}", wrong.err);
            let answer = run(home.path(), &["answer", "--allowance", "1"], &yes());
            assert_eq!(answer.status, 0, "{}{}", answer.out, answer.err);
            assert!(answer.out.contains("allows 1 USDT in all"), "{}", answer.out);
        },
    );
    assert_eq!(paid.status, 0, "{}{}", paid.out, paid.err);
    serve.end();
}

/// One of the programs that the README shows, for the wallet of this home.
fn example(home: &Home, name: &str, argument: &str, token: &str) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples").join(name);
    let mut program = Command::new("sh");
    program.arg(script).arg(argument).env("COUNTERSIGN_TOKEN", token);
    program.env("COUNTERSIGN_RUNTIME", home.path().join("runtime.json"));
    program.stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_goes_on_by_itself_until_the_total_that_was_allowed_is_used_up() {
    let home = Home::open().await;
    let mut serve = Serve::start_with(&home, &["--allowance", "0.18"]);
    let unlocked = run(home.path(), &["unlock"], &format!("{PASSPHRASE}\n"));
    assert_eq!(unlocked.status, 0, "{}", unlocked.err);
    let paired = meanwhile(
        || example(&home, "pair.sh", "News reader", ""),
        || {
            serve.until("[yes/no] ");
            serve.say("yes");
            serve.say(PASSPHRASE);
        },
    );
    assert!(paired.status.success(), "{}", text(&paired.stderr));
    let token = text(&paired.stdout).trim();
    let apps: Value = serde_json::from_str(&run(home.path(), &["apps", "--json"], "").out).unwrap();
    let (app, usdt) = (apps[0]["id"].as_str().unwrap(), home.world.usdt().to_string());

    // The first payment is a person's, who allows three times its price; then a limit for the site and one in all.
    let url = home.world.permit2_url();
    let first = meanwhile(
        || example(&home, "pay.sh", &url, token),
        || {
            let question = serve.until("[yes/no] ");
            assert!(question.contains("allows 0.18 USDT in all"), "{question}");
            serve.say("yes");
            serve.say(PASSPHRASE);
        },
    );
    assert!(first.status.success(), "{}", text(&first.stderr));
    let site = home.world.shop_url();
    for of in [vec![], vec!["--site", site.as_str()]] {
        let limit = ["limits", "set", app, "--network", "nile", "--token", &usdt, "--per-day", "5"];
        let set = run(home.path(), &[&limit[..], &of[..]].concat(), &format!("{PASSPHRASE}\n"));
        assert_eq!(set.status, 0, "{}", set.err);
    }

    // What is left of the limit, and when there is more: a day after what the person said yes to.
    let limits = run(home.path(), &["limits"], "").out;
    let told: Vec<&str> = limits.lines().filter(|line| line.contains("last 24 hours")).collect();
    assert_eq!(told.len(), 2, "{limits}");
    for line in told {
        assert!(line.contains("4.94 USDT left, 0.06 USDT more at 20") && line.ends_with(" UTC"), "{line}");
    }

    // Two more go by themselves; what is left allows no fourth, so a person is asked again.
    for _ in 0..2 {
        let paid = example(&home, "pay.sh", &url, token);
        assert!(paid.status.success(), "{}", text(&paid.stderr));
    }
    let fourth = meanwhile(
        || example(&home, "pay.sh", &url, token),
        || {
            let question = serve.until("[yes/no] ");
            assert!(question.contains("A yes first sends one transaction"), "{question}");
            serve.say("no");
        },
    );
    assert!(!fourth.status.success(), "{}", text(&fourth.stdout));
    let rows = rows(home.path());
    let states: Vec<_> = rows.iter().map(|row| row["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["refused", "signed", "signed", "signed"]);
    serve.end();
}
