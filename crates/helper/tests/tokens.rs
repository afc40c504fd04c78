//! Tokens and crowds: what is not paired gets nothing, what is revoked gets nothing any more, and one noisy
//! caller takes nothing from the others.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{House, client, raw};
use helper::Limits;
use serde_json::Value;
use std::time::Duration;

#[tokio::test]
async fn routes_of_apps_need_a_token_and_say_how_to_get_one() {
    let house = House::open().await;
    let port = house.addr().port();
    let token = house.pair("reader").await;
    let forms = [
        String::new(),
        "Authorization: Bearer \r\n".into(),
        "Authorization: Bearer\r\n".into(),
        format!("Authorization: {token}\r\n"),
        format!("Authorization: Basic {token}\r\n"),
        format!("Authorization: Bearer {token}x\r\n"),
        format!("Authorization: Bearer {}\r\n", &token[1..]),
        format!("Authorization: Bearer {} {token}\r\n", token),
        format!("Authorization: Bearer {token}\r\nAuthorization: Bearer {token}\r\n"),
        format!("Authorization: Bearer {}\r\n", token.to_uppercase()),
        format!("Authorization: Bearer {}\r\n", "a".repeat(4000)),
        format!("Cookie: token={token}\r\n"),
        format!("X-Token: {token}\r\n"),
    ];
    for form in &forms {
        let request = format!("GET /v1/accounts HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{form}Connection: close\r\n\r\n");
        let (status, answer) = raw(house.addr(), request.as_bytes()).await;
        assert_eq!(status, 401, "{form}: {answer}");
        assert!(answer.contains("NOT_PAIRED") && answer.contains("/v1/pairings"), "{answer}");
        assert!(answer.to_lowercase().contains("www-authenticate: bearer"), "{answer}");
    }
    let query =
        format!("GET /v1/accounts?token={token} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
    assert_eq!(raw(house.addr(), query.as_bytes()).await.0, 401);
    let good = client().get(house.url("/v1/accounts")).bearer_auth(&token).send().await.unwrap();
    assert_eq!(good.status(), 200);
}

#[tokio::test]
async fn ten_thousand_guessed_tokens_fail_and_the_good_one_still_works_at_once() {
    let house = House::open().await;
    let token = house.pair("reader").await;
    let http = client();
    let guesses = (0..8).map(|worker| {
        let (http, url, token) = (http.clone(), house.url("/v1/accounts"), token.clone());
        tokio::spawn(async move {
            for n in 0..1250_u32 {
                // Near misses: the good token with one character changed, and plain guesses.
                let at = (n as usize) % token.len();
                let mut guess = token.clone();
                guess.replace_range(at..=at, if &token[at..=at] == "0" { "1" } else { "0" });
                let guess = if n % 2 == 0 { guess } else { format!("{worker}-{n}-{token}") };
                let status = http.get(&url).bearer_auth(guess).send().await.unwrap().status();
                assert!(status == 401 || status == 429, "{status}");
            }
        })
    });
    let (flood, during) = tokio::join!(futures::future::join_all(guesses), async {
        let mut served = 0;
        for _ in 0..50 {
            let get = http.get(house.url("/v1/accounts")).bearer_auth(&token).send();
            let answer = tokio::time::timeout(Duration::from_secs(1), get).await.expect("within a second").unwrap();
            served += u32::from(answer.status() == 200);
        }
        served
    });
    assert!(flood.into_iter().all(|worker| worker.is_ok()));
    assert_eq!(during, 50);
}

#[tokio::test]
async fn a_revoked_app_fails_on_its_next_call_and_its_stream_of_events_ends() {
    let house = House::open().await;
    let token = house.pair("reader").await;
    let other = house.pair("other").await;
    let http = client();
    let stream = http.get(house.url("/v1/events")).bearer_auth(&token).send().await.unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let id = house.owner.desk().apps().await.unwrap().into_iter().find(|a| a.name == "reader").unwrap().id;
    house.owner.desk().revoke_app(&id).await.unwrap();
    let answer = http.get(house.url("/v1/accounts")).bearer_auth(&token).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    assert_eq!(stream.text().await.unwrap(), "");
    let answer = http.get(house.url("/v1/accounts")).bearer_auth(&other).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn pairings_are_asked_for_at_a_human_pace() {
    let house = House::open().await;
    let http = client();
    let mut refused = 0;
    for n in 0..50 {
        let answer = http
            .post(house.url("/v1/pairings"))
            .json(&serde_json::json!({"name": format!("app {n}")}))
            .send()
            .await
            .unwrap();
        if answer.status() == 429 {
            assert!(answer.headers()["retry-after"].to_str().unwrap().parse::<u32>().unwrap() <= 61);
            let problem: Value = answer.json().await.unwrap();
            assert_eq!(problem["code"], "RATE_LIMITED");
            refused += 1;
        }
    }
    assert!(refused >= 40, "{refused}");
    assert!(house.owner.desk().pairings().await.unwrap().len() <= 10);
}

#[tokio::test]
async fn one_app_cannot_take_every_place() {
    let house = House::with(Limits { at_once_per_app: 3, ..Limits::default() }).await;
    let (greedy, modest) = (house.pair("greedy").await, house.pair("modest").await);
    let http = client();
    let mut streams = Vec::new();
    for _ in 0..3 {
        streams.push(http.get(house.url("/v1/events")).bearer_auth(&greedy).send().await.unwrap());
    }
    let more = http.get(house.url("/v1/accounts")).bearer_auth(&greedy).send().await.unwrap();
    assert_eq!(more.status(), 429);
    let other = http.get(house.url("/v1/accounts")).bearer_auth(&modest).send().await.unwrap();
    assert_eq!(other.status(), 200);
}

#[tokio::test]
async fn a_caller_that_never_finishes_its_request_is_let_go() {
    let short = Duration::from_millis(200);
    let house = House::with(Limits { head_time: short, body_time: short, connections: 4, ..Limits::default() }).await;
    let port = house.addr().port();
    let slow = [
        "GET /v1/health HTTP/1.1\r\nHost: 127".to_owned(),
        String::new(),
        format!(
            "POST /v1/pairings HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{{"
        ),
        format!("GET /v1/health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n"),
    ];
    // More callers than places: each ends by itself, and then there is room for an honest one.
    let all = slow.iter().cycle().take(12).map(|request| raw(house.addr(), request.as_bytes()));
    for (request, (status, _)) in slow.iter().cycle().zip(futures::future::join_all(all).await) {
        let expected: &[u16] = if request.starts_with("POST") { &[408] } else { &[0, 200, 408] };
        assert!(expected.contains(&status), "{request}: {status}");
    }
    assert_eq!(client().get(house.url("/v1/health")).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_name_that_could_be_taken_for_another_is_refused_and_the_text_says_for_which() {
    let house = House::open().await;
    let http = client();
    let ask = async |name: &str| -> (u16, Value) {
        let asked =
            http.post(house.url("/v1/pairings")).json(&serde_json::json!({ "name": name })).send().await.unwrap();
        (asked.status().as_u16(), asked.json().await.unwrap())
    };
    for (name, resembled) in [
        ("Counters\u{456}gn", "“Countersign”"),
        ("C0untersign", "“Countersign”"),
        ("Tron Link", "“TronLink”"),
        ("\u{410}\u{440}\u{440} A", "Cyrillic, Latin"),
        ("App A (verified)", "“verified”"),
        ("App\u{200b} A", "U+200B"),
    ] {
        let (status, answer) = ask(name).await;
        let message = answer["detail"].as_str().unwrap_or_default();
        assert!(status == 400 && message.contains(resembled), "{name}: {status} {answer}");
    }
    house.assert_untouched().await;
    // Another one: how often a pairing may be asked for is bounded.
    let house = House::open().await;
    let ask = async |name: &str| -> (u16, Value) {
        let asked =
            http.post(house.url("/v1/pairings")).json(&serde_json::json!({ "name": name })).send().await.unwrap();
        (asked.status().as_u16(), asked.json().await.unwrap())
    };
    house.pair("App A").await;
    // Which apps are paired is told to the owner alone.
    let desk = house.owner.desk();
    for name in ["app-a", "App 4", "\u{410}\u{440}\u{440} \u{410}", "Verified App A"] {
        let (status, asked) = ask(name).await;
        assert_eq!(status, 202, "{name}: {asked}");
        let shown = desk.pairings().await.unwrap().into_iter().find(|p| p.code == asked["code"]).unwrap();
        let refused = desk.answer_pairing(&shown.id, true).await.unwrap_err();
        assert!(refused.message.contains("resembles “App A”"), "{name}: {}", refused.message);
    }
    for name in ["App B", "News reader 2", "中文名", "Русский"] {
        house.pair(name).await;
    }
}

/// Asks again and again on each of 512 connections and reads nothing, asks for pairings, and stays until its input ends.
#[cfg(target_os = "linux")]
const DEAF: &str = r#"
import json, socket, sys
port = int(sys.argv[1])
host = f"Host: 127.0.0.1:{port}\r\n"
held = []
for _ in range(512):
    s = socket.create_connection(("127.0.0.1", port))
    s.setblocking(False)
    try:
        s.send(f"GET /v1/openapi.json HTTP/1.1\r\n{host}\r\n".encode() * 400)
    except OSError:
        pass
    held.append(s)
print("ready", flush=True)
sys.stdin.readline()
for s in held:
    s.close()
limited = 0
for n in range(40):
    body = json.dumps({"name": f"Reader {chr(97 + n % 26)}"})
    try:
        s = socket.create_connection(("127.0.0.1", port))
        s.send(f"POST /v1/pairings HTTP/1.1\r\n{host}Connection: close\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        limited += b" 429 " in s.recv(64)
    except OSError:
        pass
print(limited, flush=True)
"#;

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn another_user_who_never_reads_and_asks_for_pairings_takes_nobodys_place() {
    use std::os::unix::fs::MetadataExt;
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    // Nobody else can become another user.
    if !std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0) {
        return;
    }
    let house = House::open().await;
    let mut other = tokio::process::Command::new("python3");
    other
        .args(["-c", DEAF, &house.addr().port().to_string()])
        .uid(65534)
        .gid(65534)
        .current_dir("/")
        .kill_on_drop(true);
    let piped = std::process::Stdio::piped;
    let mut other = other.stdin(piped()).stdout(piped()).spawn().unwrap();
    let mut said = BufReader::new(other.stdout.take().unwrap()).lines();
    assert_eq!(said.next_line().await.unwrap().as_deref(), Some("ready"));
    // While it holds what it got.
    let http = client();
    for _ in 0..20 {
        let fresh = client().get(house.url("/v1/health")).send().await.unwrap();
        assert_eq!(fresh.status(), 200);
    }
    other.stdin.as_mut().unwrap().write_all(b"\n").await.unwrap();
    let limited: usize = said.next_line().await.unwrap().unwrap().parse().unwrap();
    assert!(limited >= 20, "{limited} of 40 were told to come later");
    // And ours are still there.
    let asked = http.post(house.url("/v1/pairings")).json(&serde_json::json!({ "name": "ours" })).send().await.unwrap();
    assert_eq!(asked.status(), 202, "{}", asked.text().await.unwrap());
    assert!(other.wait().await.unwrap().success());
}
