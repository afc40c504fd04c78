//! `pay` at sellers as they are: they drop connections, send receipts that are none, stream, lead elsewhere, and the
//! disk is full. What was paid for comes out, and nothing is paid twice.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod home;
mod seller;

use home::{Home, PASSPHRASE, Serve, countersign, meanwhile, rows, run};
use seller::{Seller, offer, ok};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::Child;

fn yes() -> String {
    format!("yes\n{PASSPHRASE}\n")
}

fn signal(child: &Child, name: &str) {
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_that_cannot_be_opened_is_refused_before_the_first_request() {
    let home = Home::open().await;
    let seller = Seller::start(|_| ok("news\n"));
    let folder = home.path().display().to_string();
    for path in [folder.as_str(), "/proc/nowhere/x", "/nowhere/x"] {
        let ran = run(home.path(), &["pay", &seller.url, "-o", path], &yes());
        assert_eq!(ran.status, 2, "{path}: {}{}", ran.out, ran.err);
        assert!(ran.err.contains(&format!("--output {path}: ")), "{}", ran.err);
    }
    assert_eq!(seller.requests().len(), 0);
    // Nothing bought: what is there stays, and nothing new stays behind.
    let (old, new) = (home.path().join("old"), home.path().join("new"));
    std::fs::write(&old, "as it was").unwrap();
    for path in [&old, &new] {
        let ran = run(home.path(), &["pay", &seller.url, "-o", path.to_str().unwrap()], "no\n");
        assert_eq!(ran.status, 3, "{}", ran.err);
    }
    assert_eq!(std::fs::read_to_string(&old).unwrap(), "as it was");
    assert!(!new.exists());
    let ran = run(home.path(), &["pay", &seller.url, "-o", old.to_str().unwrap()], &yes());
    assert_eq!((ran.status, ran.out.as_str()), (0, ""), "{}", ran.err);
    assert_eq!(std::fs::read_to_string(&old).unwrap(), "news\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_full_disk_does_not_take_comes_out_and_is_not_lost() {
    let home = Home::open().await;
    let seller = Seller::start(|_| ok("news\n"));
    let ran = run(home.path(), &["pay", &seller.url, "-o", "/dev/full"], &yes());
    assert_eq!((ran.status, ran.out.as_str()), (9, "news\n"), "{}", ran.err);
    let row = &rows(home.path())[0];
    assert_eq!(row["delivery"], "delivered");
    assert!(ran.err.contains("/dev/full") && ran.err.contains(row["id"].as_str().unwrap()), "{}", ran.err);

    // Nowhere to put it at all: not reported as delivered, so the same command gets it with the same signature.
    let another = Seller::start(|_| ok("more news\n"));
    let mut command = countersign(home.path(), &["pay", &another.url]);
    command.stdout(std::fs::File::options().write(true).open("/dev/full").unwrap());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(yes().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(9), "{output:?}");
    let again = run(home.path(), &["pay", &another.url], "");
    assert_eq!((again.status, again.out.as_str()), (0, "more news\n"), "{}", again.err);
    let payments = another.payments();
    assert!(payments.len() == 2 && payments[0] == payments[1], "{payments:?}");
    assert_eq!(rows(home.path()).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_of_any_kind_is_a_note_beside_the_content() {
    let home = Home::open().await;
    let long = "A".repeat(21 * 1024);
    for receipt in ["eyJhbGciOiJIUzI1NiJ9.eyJwYWlkIjp0cnVlfQ.c2ln", "{\"status\":\"ok\"}", "<html>paid</html>", &long] {
        let headers = format!("PAYMENT-RESPONSE: {receipt}\r\n");
        let seller = Seller::start(move |_| seller::answer("200 OK", &headers, "news\n"));
        let ran = run(home.path(), &["pay", &seller.url], &yes());
        let row = &rows(home.path())[0];
        assert_eq!((ran.status, ran.out.as_str()), (0, "news\n"), "{receipt:.40}: {}", ran.err);
        assert_eq!((&row["delivery"], &row["settlement"]), (&"delivered".into(), &"unknown".into()), "{receipt:.40}");
        let said = &ran.err[ran.err.find("The seller's receipt can't be read").expect(&ran.err)..];
        assert!(said.contains(&receipt[..12]) && said.contains(row["id"].as_str().unwrap()), "{said}");
        assert!(said.contains("signed 0.012 USDT for") && !said.contains("failed"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_away_after_the_payment_does_not_take_the_content_away() {
    let home = Home::open().await;
    let faults = format!("{}/devnet/faults", home.world.node_url());
    let receipt = "eyJzdWNjZXNzIjp0cnVlLCJ0cmFuc2FjdGlvbiI6IjhjYzk3NWZkYTRiYjg2YTE5MTcxNGQ5YWQ0MGM4ZjA2MDIzMzY0NTE0MGQ2MDVhMmU2NjE5Y2I0YmYxZDAxNGYiLCJuZXR3b3JrIjoidHJvbjpuaWxlIn0=";
    let seller = Seller::start(move |_| {
        let fault = r#"{"path":"*","times":500,"kind":"error"}"#;
        let arguments = ["-sS", "--noproxy", "*", "-H", "Content-Type: application/json", "-d", fault, &faults];
        assert!(std::process::Command::new("curl").args(arguments).status().unwrap().success());
        seller::answer("200 OK", &format!("PAYMENT-RESPONSE: {receipt}\r\n"), "news\n")
    });
    let out = home.path().join("article");
    let ran = run(home.path(), &["pay", &seller.url, "-o", out.to_str().unwrap()], &yes());
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert_eq!(std::fs::read_to_string(out).unwrap(), "news\n");
    assert!(ran.err.contains("not known yet"), "{}", ran.err);
    home.world.devnet().clear_faults();
    let row = &rows(home.path())[0];
    assert_eq!((&row["delivery"], &row["settlement"]), (&"delivered".into(), &"unknown".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_got_no_answer_is_presented_again_and_never_signed_again() {
    let home = Home::open().await;
    // The first one is lost on its way.
    let seller = Seller::start(|paid| if paid.nth > 1 { ok("news\n") } else { Vec::new() });
    let ran = run(home.path(), &["pay", &seller.url], &yes());
    assert_eq!((ran.status, ran.out.as_str()), (0, "news\n"), "{}", ran.err);
    let requests = seller.requests();
    let paid: Vec<_> = requests.iter().filter(|r| r.payment.is_some()).collect();
    assert!(paid.len() == 2 && paid[0].payment == paid[1].payment, "{requests:?}");
    // No connection is used twice: one that waited for a person may be dead.
    assert!(requests.iter().all(|r| r.on_connection == 1), "{requests:?}");

    // A seller that never answers: not known, and the same command presents the same signature without a question.
    let silent = Seller::start(|_| Vec::new());
    let ran = run(home.path(), &["pay", &silent.url], &yes());
    assert_eq!((ran.status, ran.out.as_str()), (9, ""), "{}", ran.err);
    let row = rows(home.path())[0].clone();
    assert_eq!((&row["state"], &row["delivery"]), (&"signed".into(), &"notReported".into()));
    assert!(ran.err.contains("not known") && ran.err.contains(row["id"].as_str().unwrap()), "{}", ran.err);
    let again = run(home.path(), &["pay", &silent.url], "");
    assert_eq!(again.status, 9, "{}", again.err);
    let payments = silent.payments();
    assert!(payments.iter().all(|payment| *payment == payments[0]), "{payments:?}");
    assert_eq!(rows(home.path()).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_busy_seller_wants_to_see_again_is_presented_again_and_told_when_it_is_too_much() {
    let home = Home::open().await;
    // {"success":false,"errorReason":"facilitator_busy","transaction":"","network":"tron:nile"}
    let word = "eyJzdWNjZXNzIjpmYWxzZSwiZXJyb3JSZWFzb24iOiJmYWNpbGl0YXRvcl9idXN5IiwidHJhbnNhY3Rpb24iOiIiLCJuZXR3b3JrIjoidHJvbjpuaWxlIn0=";
    let busy = move |after: u32| {
        let headers = format!("Retry-After: {after}\r\nPAYMENT-RESPONSE: {word}\r\n");
        seller::answer("503 Service Unavailable", &headers, "")
    };
    let seller = Seller::start(move |paid| if paid.nth > 2 { ok("news\n") } else { busy(1) });
    let ran = run(home.path(), &["pay", &seller.url], &yes());
    assert_eq!((ran.status, ran.out.as_str()), (0, "news\n"), "{}", ran.err);
    assert!(ran.err.contains("presented again in 1 s"), "{}", ran.err);
    let payments = seller.payments();
    assert!(payments.len() == 3 && payments.iter().all(|payment| *payment == payments[0]), "{payments:?}");

    let seller = Seller::start(move |_| busy(60));
    let ran = run(home.path(), &["pay", &seller.url], &yes());
    assert_eq!((ran.status, ran.out.as_str()), (9, ""), "{}", ran.err);
    for words in
        ["facilitator is busy", "settled nothing", "in 60 seconds", "One signature is out", "same signature again"]
    {
        assert!(ran.err.contains(words), "{words}: {}", ran.err);
    }
    assert!(!ran.err.contains("node"), "nothing is wrong with the wallet's own: {}", ran.err);
    let again = run(home.path(), &["pay", &seller.url], "");
    assert_eq!(again.status, 9, "{}", again.err);
    let payments = seller.payments();
    assert!(payments.len() == 2 && payments[0] == payments[1], "{payments:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_paid_request_carries_the_very_same_body() {
    let home = Home::open().await;
    let seller = Seller::start(|_| ok("news\n"));
    let body: Vec<u8> = b"\xef\xbb\xbfline\r\n\0\xff".iter().copied().cycle().take(96_021).collect();
    let file = home.path().join("body");
    std::fs::write(&file, &body).unwrap();
    let data = format!("@{}", file.display());
    let ran = run(home.path(), &["pay", "-X", "POST", "-d", &data, &seller.url], &yes());
    assert_eq!((ran.status, ran.out.as_str()), (0, "news\n"), "{}", ran.err);
    let requests = seller.requests();
    assert!(requests.len() == 2 && requests.iter().all(|request| request.body == body), "{}", requests.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_seller_says_when_and_the_same_command_presents_the_same_signature() {
    let home = Home::open().await;
    let seller = Seller::start(|paid| match paid.nth {
        1 => seller::answer("429 Too Many Requests", "Retry-After: 30\r\n", "later\n"),
        _ => ok("news\n"),
    });
    let ran = run(home.path(), &["pay", &seller.url], &yes());
    assert_eq!((ran.status, ran.out.as_str()), (9, "later\n"), "{}", ran.err);
    assert!(ran.err.contains("429") && ran.err.contains("in 30 seconds"), "{}", ran.err);
    let again = run(home.path(), &["pay", &seller.url], "");
    assert_eq!((again.status, again.out.as_str()), (0, "news\n"), "{}", again.err);
    let payments = seller.payments();
    assert!(payments.len() == 2 && payments[0] == payments[1], "{payments:?}");
    assert_eq!(rows(home.path())[0]["delivery"], "delivered");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sellers_no_is_told_as_the_sellers_word_and_a_redirect_is_not_followed() {
    let home = Home::open().await;
    let failed = "eyJzdWNjZXNzIjpmYWxzZSwiZXJyb3JSZWFzb24iOiJzZXR0bGVfdGltZW91dCJ9";
    let seller = Seller::start(move |_| {
        seller::answer("402 Payment Required", &format!("PAYMENT-RESPONSE: {failed}\r\n"), "once more, please\n")
    });
    let ran = run(home.path(), &["pay", &seller.url], &yes());
    assert_eq!(ran.status, 9, "{}", ran.err);
    assert!(ran.err.contains("says \"settle_timeout\"") && ran.err.contains("the seller's word"), "{}", ran.err);
    assert!(!ran.err.contains("paid 0.012 USDT"), "{}", ran.err);

    let elsewhere = Seller::start(|_| ok("never\n"));
    let target = elsewhere.url.clone();
    let seller =
        Seller::start(move |_| seller::answer("307 Temporary Redirect", &format!("Location: {target}\r\n"), ""));
    let ran = run(home.path(), &["pay", &seller.url], &yes());
    assert_eq!(ran.status, 9, "{}", ran.err);
    assert!(ran.err.contains(&format!("which leads to {}", elsewhere.url)), "{}", ran.err);
    assert_eq!(elsewhere.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seller_that_asks_once_more_is_quoted_with_what_it_says_was_wrong() {
    let home = Home::open().await;
    let seller = Seller::start(|_| {
        let again = seller::offer_saying("https://news.example/article", "12000", "the voucher\u{1b}[2J was used");
        seller::answer("402 Payment Required", &format!("PAYMENT-REQUIRED: {again}\r\n"), "{}")
    });
    let ran = run(home.path(), &["pay", &seller.url], &yes());
    assert_eq!(ran.status, 9, "{}", ran.err);
    assert!(ran.err.contains("answered 402") && ran.err.contains("the voucher"), "{}", ran.err);
    assert!(ran.err.contains("was used") && !ran.err.contains("\u{1b}[2J"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_402_that_came_with_two_headers_is_refused_and_nothing_is_asked() {
    let home = Home::open().await;
    let two = |url: &str| {
        let header = |amount| format!("PAYMENT-REQUIRED: {}\r\n", offer(url, amount));
        seller::answer("402 Payment Required", &format!("{}{}", header("10000"), header("2500000")), "{}")
    };
    let seller = Seller::asking(two, |_| ok("never\n"));
    let ran = run(home.path(), &["pay", &seller.url], &yes());
    assert_eq!((ran.status, ran.out.as_str()), (7, ""), "{}", ran.err);
    assert!(ran.err.contains("2 values"), "{}", ran.err);
    assert!(rows(home.path()).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_takes_the_question_back() {
    let home = Home::open().await;
    let seller = Seller::start(|_| ok("news\n"));
    // Asked right here.
    for name in ["INT", "TERM", "HUP"] {
        let mut child = countersign(home.path(), &["pay", &seller.url]).spawn().unwrap();
        let stdin = child.stdin.take().unwrap();
        let mut asked = BufReader::new(child.stderr.take().unwrap());
        let mut seen = Vec::new();
        while !String::from_utf8_lossy(&seen).contains("[yes") {
            assert!(asked.read_until(b'/', &mut seen).unwrap() > 0, "{}", String::from_utf8_lossy(&seen));
        }
        signal(&child, name);
        let mut rest = String::new();
        asked.read_to_string(&mut rest).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(5), "{rest}");
        assert!(rest.contains("the question was taken back"), "{rest}");
        drop(stdin);
        assert_eq!(rows(home.path())[0]["state"], "cancelled");
    }
    // And where another process asks.
    let mut serve = Serve::start(&home);
    let mut child = countersign(home.path(), &["pay", &seller.url]).spawn().unwrap();
    serve.until("[yes/no] ");
    signal(&child, "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(5));
    serve.until("That question is over.");
    assert!(rows(home.path()).iter().all(|row| row["state"] == "cancelled"));
    serve.end();
    assert!(seller.payments().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_comes_out_line_by_line_and_a_signal_ends_it_with_its_row_delivered() {
    let home = Home::open().await;
    let seller = Seller::start(|_| b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nfirst line\n".to_vec()).kept_open();
    let mut child = countersign(home.path(), &["pay", &seller.url]).spawn().unwrap();
    child.stdin.take().unwrap().write_all(yes().as_bytes()).unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "first line\n");
    signal(&child, "INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    assert_eq!(rows(home.path())[0]["delivery"], "delivered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_has_enough_is_no_failure() {
    let home = Home::open().await;
    let seller = Seller::start(|_| ok(&"a line\n".repeat(200_000)));
    let mut child = countersign(home.path(), &["pay", &seller.url]).spawn().unwrap();
    child.stdin.take().unwrap().write_all(yes().as_bytes()).unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut String::new()).unwrap();
    drop(out);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(rows(home.path())[0]["delivery"], "delivered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_given_in_another_terminal_ends_both_commands_with_3() {
    let home = Home::open().await;
    let mut serve = Serve::start(&home);
    let url = home.world.cheap_url();
    let paid = meanwhile(
        || run(home.path(), &["pay", &url], ""),
        || {
            serve.until("[yes/no] ");
            serve.say("maybe");
            serve.until("Please type the whole word");
            let answer = run(home.path(), &["answer"], "no\n");
            assert_eq!(answer.status, 3, "{}{}", answer.out, answer.err);
        },
    );
    assert_eq!(paid.status, 3, "{}", paid.err);
    serve.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_waits_for_its_person_serves_the_others_and_hands_its_questions_on() {
    let home = Home::open().await;
    let seller = Seller::start(|_| ok("news\n"));
    let other = Seller::start(|_| ok("other news\n"));
    let mut first = countersign(home.path(), &["pay", &seller.url]).spawn().unwrap();
    let mut asked = BufReader::new(first.stderr.take().unwrap());
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains("[yes") {
        assert!(asked.read_until(b'/', &mut seen).unwrap() > 0, "{}", String::from_utf8_lossy(&seen));
    }
    // The second asks through the first; everything else works as well.
    let mut second = countersign(home.path(), &["pay", &other.url]).spawn().unwrap();
    let mut waits = BufReader::new(second.stderr.take().unwrap());
    let mut line = String::new();
    waits.read_line(&mut line).unwrap();
    assert!(line.contains("countersign answer"), "{line}");
    assert_eq!(run(home.path(), &["status"], "").status, 0);
    let open = run(home.path(), &["answer", "--list"], "");
    assert!(open.status == 0 && open.out.lines().count() == 2, "{}{}", open.out, open.err);
    // The first ends; the second holds the wallet now and asks by itself.
    first.stdin.take().unwrap().write_all(b"no\n").unwrap();
    assert_eq!(first.wait().unwrap().code(), Some(3));
    second.stdin.take().unwrap().write_all(yes().as_bytes()).unwrap();
    let mut rest = String::new();
    waits.read_to_string(&mut rest).unwrap();
    let output = second.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{rest}");
    assert_eq!(output.stdout, b"other news\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_is_stopped_is_told_by_its_number() {
    let home = Home::open().await;
    let mut serve = Serve::start(&home);
    let pid = serve.pid();
    let send = |name: &str| std::process::Command::new("kill").args([name, &pid.to_string()]).status().unwrap();
    assert!(send("-STOP").success());
    let status = run(home.path(), &["status"], "");
    assert!(send("-CONT").success());
    assert_eq!(status.status, 10, "{}{}", status.out, status.err);
    assert!(status.err.contains(&format!("process {pid} does not answer (is it stopped?)")), "{}", status.err);
    assert_eq!(run(home.path(), &["status"], "").status, 0);
    serve.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_can_give_no_allowance_is_told_at_once_with_where_the_trx_goes() {
    let home = Home::with_tokens_alone().await;
    let status: serde_json::Value = serde_json::from_str(&run(home.path(), &["status", "--json"], "").out).unwrap();
    let payer = status["accounts"][0]["address"]["address"].as_str().unwrap();
    // No line is read: nothing is asked.
    let told = run(home.path(), &["pay", &home.world.permit2_url()], "");
    assert_eq!(told.status, 8, "{}{}", told.out, told.err);
    assert!(told.err.contains("never activated") && told.err.contains(payer), "{}", told.err);
    let row = &rows(home.path())[0];
    assert_eq!((row["state"].as_str(), row["code"].as_str()), (Some("refused"), Some("ACCOUNT_NOT_ACTIVE")));
    // Beside a Countersign that holds the wallet as well.
    let mut serve = Serve::start_with(&home, &["--locked"]);
    let told = run(home.path(), &["pay", &home.world.permit2_url()], "");
    assert_eq!(told.status, 8, "{}{}", told.out, told.err);
    serve.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_was_given_the_passphrase_asks_here_and_waits_for_no_unlock() {
    let home = Home::open().await;
    let secret = home.path().join("secret");
    std::fs::write(&secret, format!("{PASSPHRASE}\n")).unwrap();
    let mut serve = Serve::start_with(&home, &["--locked"]);
    let line = |input: &str, url: String| {
        let (program, dir) = (env!("CARGO_BIN_EXE_countersign"), home.path().display());
        let pay = format!("\"{program}\" pay {url} --passphrase-fd 3 --data-dir \"{dir}\" 3< \"{}\"", secret.display());
        let mut command = std::process::Command::new("sh");
        command.args(["-c", &format!("{input} | {pay}")]);
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        command
    };
    for url in [home.world.cheap_url(), home.world.permit2_url()] {
        let paid = line("echo yes", url).output().unwrap();
        let told = String::from_utf8(paid.stderr).unwrap();
        assert!(paid.status.success(), "{told}");
        assert!(!told.contains("waiting: ") && !told.contains("unlock"), "{told}");
    }
    // Without an answer piped in it is for whoever holds the wallet, and a no there ends it.
    let waiting = line("printf ''", home.world.fee_url()).spawn().unwrap();
    while run(home.path(), &["answer", "--list"], "").out.trim().is_empty() {}
    let no = run(home.path(), &["answer"], "no\n");
    assert_eq!(no.status, 3, "{}", no.err);
    let told = waiting.wait_with_output().unwrap();
    let (status, told) = (told.status.code(), String::from_utf8(told.stderr).unwrap());
    assert_eq!(status, Some(3), "{told}");
    assert!(told.contains("waiting: answer in Countersign") && !told.contains("unlock"), "{told}");
    serve.end();
}
