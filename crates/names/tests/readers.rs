//! Other programs' readings of the addresses that are accepted here: Python's and curl's, where they are installed.
//! Whatever passes the door has to be the same host and port for them.

use names::WebUrl;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};

/// Pieces out of which sloppy and honest addresses are put together.
const SCHEMES: [&str; 6] = ["http://", "HTTP://", "http:/", "http:", "http:///", "http:\\\\"];
const LOGINS: [&str; 5] = ["", "user@", "a:b@", "good.example\\@", "@"];
const HOSTS: [&str; 26] = [
    "good.example",
    "GOOD.example",
    "good.example.",
    "my_service",
    "127.0.0.1",
    "127.1",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "2130706433",
    "[::1]",
    "[::1%25lo]",
    "xn--bcher-kva.example",
    "bücher.example",
    "faß.example",
    "good。example",
    "go%6fd.example",
    "good.example%2f",
    "good\t.example",
    "good.example;x",
    "good..example",
    ".good.example",
    "a-.example",
    "1.example",
    "\u{212a}.example",
    "good.example\u{ad}",
    "",
];
const PORTS: [&str; 8] = ["", ":", ":80", ":8080", ":0080", ":0", ":65536", ":8\t0"];
const TAILS: [&str; 11] = [
    "",
    "/",
    "/a b",
    "/a%20b",
    "?q",
    "#f",
    "#@evil.example/",
    "?@evil.example/",
    "\\@evil.example/",
    "/\\evil.example",
    "/x@y",
];

/// Every combination that is accepted.
fn accepted() -> Vec<(String, WebUrl)> {
    let mut all = Vec::new();
    for scheme in SCHEMES {
        for login in LOGINS {
            for host in HOSTS {
                for port in PORTS {
                    for tail in TAILS {
                        let text = format!("{scheme}{login}{host}{port}{tail}");
                        if let Ok(url) = WebUrl::parse(&text) {
                            all.push((text, url));
                        }
                    }
                }
            }
        }
    }
    assert!(all.len() > 200, "only {} are accepted", all.len());
    all
}

fn is_there(program: &str) -> bool {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    found.is_ok_and(|status| status.success())
}

const PYTHON: &str = r#"
import sys
from urllib.parse import urlsplit
for line in sys.stdin.buffer.read().decode().split("\0"):
    try:
        parts = urlsplit(line)
        host, port = parts.hostname, parts.port or 80
        host = "[" + host + "]" if ":" in host else host.encode("idna").decode().rstrip(".")
        print(parts.scheme, host, port)
    except Exception as error:
        print("error", repr(error))
"#;

#[test]
fn python_reads_the_same_host_and_port() {
    if !is_there("python3") {
        return println!("python3 is not installed here");
    }
    let all = accepted();
    let texts: Vec<&str> = all.iter().map(|(text, _)| text.as_str()).collect();
    let mut python =
        Command::new("python3").args(["-c", PYTHON]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    python.stdin.take().unwrap().write_all(texts.join("\0").as_bytes()).unwrap();
    let output = String::from_utf8(python.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!(output.lines().count(), all.len());
    for ((text, url), line) in all.iter().zip(output.lines()) {
        assert_eq!(line, format!("http {} {}", url.host(), url.port()), "{text:?}");
    }
}

#[test]
fn curl_asks_the_same_host_and_port() {
    if !is_there("curl") {
        return println!("curl is not installed here");
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // One of each host and port is enough: every connection costs a process.
    let mut one_each = std::collections::BTreeMap::new();
    for (text, url) in accepted() {
        let written = text.split(['/', '?', '#']).filter(|part| !part.is_empty()).nth(1).unwrap_or_default().to_owned();
        one_each.entry(written).or_insert((text, url));
    }
    for (text, url) in one_each.values() {
        let mut curl = Command::new("curl")
            .args(["--silent", "--globoff", "--noproxy", "*", "--max-time", "20", "--output", "/dev/null"])
            .args(["--connect-to", &format!("::127.0.0.1:{port}"), text])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        listener.set_nonblocking(true).unwrap();
        let mut stream = loop {
            match listener.accept() {
                Ok((stream, _)) => break stream,
                Err(_) => match curl.try_wait().unwrap() {
                    Some(status) => panic!("curl does not take {text:?}: {status}"),
                    None => std::thread::yield_now(),
                },
            }
        };
        stream.set_nonblocking(false).unwrap();
        let mut request = Vec::new();
        let mut piece = [0; 1024];
        while !request.windows(4).any(|end| end == b"\r\n\r\n") {
            let read = stream.read(&mut piece).unwrap();
            assert!(read > 0);
            request.extend_from_slice(&piece[..read]);
        }
        stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").unwrap();
        curl.wait().unwrap();
        let request = String::from_utf8_lossy(&request).into_owned();
        let host = request.lines().find_map(|line| line.strip_prefix("Host: ")).unwrap().to_lowercase();
        let (name, asked) = match host.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')) {
            Some((name, port)) => (name.to_owned(), port.parse().unwrap()),
            None => (host.clone(), 80),
        };
        assert_eq!((name.trim_end_matches('.'), asked), (url.host(), url.port()), "{text:?}");
    }
}
