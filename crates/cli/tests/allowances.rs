//! What a yes allows where an allowance is missing, chosen wherever a question is answered: typed at the prompt or by a
//! flag, in whole units. Payments after it go without a transaction, and without the window.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod home;

use home::{Home, PASSPHRASE, Serve, meanwhile, rows, run};

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
