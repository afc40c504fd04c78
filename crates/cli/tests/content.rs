//! What sellers send, at a terminal: text with nothing that acts on it, everything else in a file; into pipes and files
//! as it is. And the words of others that the wallet repeats.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod home;
mod pty;
mod seller;

use home::{Home, PASSPHRASE, countersign, run};
use pty::Terminal;
use seller::Seller;
use std::sync::{Arc, Mutex};

fn http(status: &str, headers: &[u8], body: &[u8]) -> Vec<u8> {
    let mut answer = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n", body.len()).into_bytes();
    answer.extend_from_slice(headers);
    answer.extend_from_slice(b"\r\n");
    answer.extend_from_slice(body);
    answer
}

/// A hundred strings that would do something to a terminal.
fn strings() -> Vec<Vec<u8>> {
    let osc =
        ["52;c;VEV4dA==", "0;paid 0.00 USDT", "8;;https://evil.example", "10;#000000", "50;x", "1337;File=:", "9;x"];
    let csi = ["2J", "H", "1A", "2K", "31m", "?1049h", "?25l", "6n", "c", "5i", "1000D", "?2004h", "20t", "!p", "3J"];
    let mut all: Vec<Vec<u8>> = Vec::new();
    for begin in [&b"\x1b]"[..], "\u{9d}".as_bytes(), b"\x9d"] {
        all.extend(osc.iter().map(|text| [begin, text.as_bytes(), b"\x07"].concat()));
    }
    for begin in [&b"\x1b["[..], "\u{9b}".as_bytes(), b"\x9b"] {
        all.extend(csi.iter().map(|text| [begin, text.as_bytes()].concat()));
    }
    all.extend((0..0x20u8).filter(|c| !b"\n\t\r\0".contains(c)).map(|c| vec![b'a', c, b'b']));
    all.extend(
        ["\u{7f}", "\u{90}q\u{9c}", "\u{202e}gnp", "\u{2066}x", "\u{200b}", "\u{feff}"].map(|s| s.as_bytes().to_vec()),
    );
    all.push(b"paid 5.00 USDT\rpaid 0.00 USDT".to_vec());
    all
}

/// Whether this stands on the screen as bytes that act.
fn acts(seen: &str) -> Option<char> {
    // Line discipline: a line's end comes as CR LF.
    let seen = seen.replace("\r\n", "\n");
    seen.chars().find(|c| c.is_control() && *c != '\n' && *c != '\t' || "\u{202e}\u{2066}\u{200b}\u{feff}".contains(*c))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_strings_do_nothing_to_a_terminal_and_reach_a_pipe_as_they_are() {
    let home = Home::open().await;
    let strings = strings();
    assert!(strings.len() >= 100, "{}", strings.len());
    let now = Arc::new(Mutex::new(Vec::new()));
    let body = Arc::clone(&now);
    // It wants no money: what is shown is the same.
    let seller = Seller::asking(move |_| http("200 OK", b"", &body.lock().unwrap()), |_| vec![]);
    for string in &strings {
        let content = [&b"begin\n"[..], string, b"\nend"].concat();
        *now.lock().unwrap() = content.clone();
        let mut terminal = Terminal::start(&countersign(home.path(), &["pay", &seller.url]));
        let status = terminal.end();
        let shown = std::str::from_utf8(&content).is_ok();
        // Bytes that are no text are not shown at all, and nothing was paid for that could be lost.
        assert_eq!(status, if shown { 0 } else { 1 }, "{string:?}: {}", terminal.seen);
        let text = terminal.seen.split("error:").next().unwrap().replace("\u{1b}[1m", "").replace("\u{1b}[31m", "");
        assert_eq!(acts(&text), None, "{string:?}: {:?}", terminal.seen);
        assert_eq!(terminal.seen.contains("begin"), shown, "{string:?}: {}", terminal.seen);
        if !shown {
            assert!(terminal.seen.contains("name a file with -o"), "{}", terminal.seen);
        }
    }
    for string in strings.iter().filter(|string| std::str::from_utf8(string).is_ok()).take(3) {
        *now.lock().unwrap() = string.clone();
        let ran = run(home.path(), &["pay", &seller.url], "");
        assert_eq!(ran.out.as_bytes(), string);
        let file = home.path().join("content");
        let name = file.display().to_string();
        let mut terminal = Terminal::start(&countersign(home.path(), &["pay", &seller.url, "-o", &name]));
        assert_eq!(terminal.end(), 0, "{}", terminal.seen);
        assert_eq!((&std::fs::read(&file).unwrap(), terminal.seen.as_str()), (string, ""));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_paid_for_and_is_no_text_is_kept_and_the_wallets_own_line_is_its_own() {
    let home = Home::open().await;
    let picture = b"\x89PNG\r\n\x1a\n\0\x1b]52;c;VEV4dA==\x07";
    let seller = Seller::start(move |request| match request.nth {
        1 => http("200 OK", b"", picture),
        _ => http("200 OK", b"", b"Countersign: paid 0.00 USDT\x1b[1A\x1b[2K"),
    });
    let buy = |folder: &std::path::Path| {
        let mut command = countersign(home.path(), &["pay", &seller.url]);
        command.current_dir(folder);
        let mut terminal = Terminal::start(&command);
        terminal.until("[yes/no] ");
        terminal.say("yes");
        terminal.until_unseen("Passphrase, to pay");
        terminal.say(PASSPHRASE);
        let status = terminal.end();
        (status, terminal.seen.clone())
    };
    let folder = tempfile::tempdir().unwrap();
    let (status, seen) = buy(folder.path());
    assert_eq!(status, 0, "{seen}");
    let kept: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(kept.len(), 1, "{seen}");
    assert_eq!(std::fs::read(&kept[0]).unwrap(), picture);
    assert!(seen.contains(&kept[0].file_name().unwrap().display().to_string()) && !seen.contains("PNG"), "{seen}");
    assert!(!seen.contains("]52"), "{seen}");
    let (status, seen) = buy(folder.path());
    assert_eq!(status, 0, "{seen}");
    assert!(seen.contains("Countersign: paid 0.00 USDT␛[1A␛[2K\r\n"), "{seen:?}");
    assert!(seen.contains("\u{1b}[1m\u{1b}[32mCountersign:\u{1b}[0m signed 0.012 USDT"), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_words_of_others_are_harmless_wherever_they_are_repeated() {
    let home = Home::open().await;
    let odd = "\u{9b}2J\u{202e}";
    // In a reason phrase, in a redirect, in an offer that is none, in the settlement's words.
    let redirect = format!("Location: http://127.0.0.1:1/{odd}\r\n");
    for answer in [
        http("301 Mo\u{9b}2Jved", redirect.as_bytes(), b""),
        http("500 x", b"Retry-After: \x9b2J\r\n", b""),
        http("402 Payment Required", b"", format!(r#"{{"x402Version":"{odd}","accepts":[]}}"#).as_bytes()),
        http(
            "402 Payment Required",
            b"",
            format!(r#"{{"x402Version":1,"error":"{odd}","accepts":[{{"scheme":"{odd}"}}]}}"#).as_bytes(),
        ),
    ] {
        let seller = Seller::asking(move |_| answer.clone(), |_| vec![]);
        for json in [false, true] {
            let arguments = if json { vec!["pay", &seller.url, "--json"] } else { vec!["pay", &seller.url] };
            let mut terminal = Terminal::start(&countersign(home.path(), &arguments));
            assert_ne!(terminal.end(), 0, "{}", terminal.seen);
            let plain = ["\u{1b}[1m", "\u{1b}[31m", "\u{1b}[0m", "\u{1b}[33m"]
                .iter()
                .fold(terminal.seen.clone(), |seen, colour| seen.replace(colour, ""));
            assert_eq!(acts(&plain), None, "{:?}", terminal.seen);
        }
    }
    // A name with C1 controls in a record that a program reads.
    let ran = run(
        home.path(),
        &["inspect", "--offline", "--json", &format!("{{\"x402Version\":2,\"error\":\"{odd}\"}}")],
        "",
    );
    assert!(!ran.out.chars().any(|c| ('\u{7f}'..='\u{9f}').contains(&c) || c == '\u{202e}'), "{}", ran.out);
    serde_json::from_str::<serde_json::Value>(&ran.out).unwrap();
}
