//! Apps that sign their requests with a key of their own: what is signed passes once, and nothing else does.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::{House, client, raw};
use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::net::SocketAddr;
use std::time::UNIX_EPOCH;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

fn key(n: u8) -> SigningKey {
    SigningKey::from_bytes(&[n; 32])
}

fn hex_of(key: &SigningKey) -> String {
    hex::encode(key.verifying_key().to_bytes())
}

/// A request with everything that a signature is made of; tests change one part of it.
#[derive(Clone)]
struct Signed {
    method: &'static str,
    path: String,
    query: Option<String>,
    body: Option<String>,
    authority: String,
    covered: Vec<&'static str>,
    created: i64,
    nonce: String,
    key: u8,
    params: Option<String>,
}

impl Signed {
    fn new(at: SocketAddr, method: &'static str, path: &str, body: Option<&str>, nonce: u32) -> Self {
        let mut covered = vec!["@method", "@authority", "@path"];
        covered.extend(body.map(|_| "content-digest"));
        Self {
            method,
            path: path.to_owned(),
            query: None,
            body: body.map(str::to_owned),
            authority: at.to_string(),
            covered,
            created: i64::try_from(UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap(),
            nonce: format!("nonce-number-{nonce:08}"),
            key: 7,
            params: None,
        }
    }

    fn digest(&self) -> String {
        let body = self.body.as_deref().unwrap_or_default();
        format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(body)))
    }

    /// The headers of the signature, as RFC 9421 makes them.
    fn headers(&self) -> String {
        let list: Vec<String> = self.covered.iter().map(|name| format!("\"{name}\"")).collect();
        let keyid = hex_of(&key(self.key));
        let plain = format!(";created={};nonce=\"{}\";keyid=\"{keyid}\";alg=\"ed25519\"", self.created, self.nonce);
        let params = format!("({}){}", list.join(" "), self.params.clone().unwrap_or(plain));
        let mut base = String::new();
        for name in &self.covered {
            let value = match *name {
                "@method" => self.method.to_owned(),
                "@authority" => self.authority.clone(),
                "@path" => self.path.clone(),
                "@query" => format!("?{}", self.query.as_deref().unwrap_or_default()),
                "content-digest" => self.digest(),
                _ => "application/json".to_owned(),
            };
            base += &format!("\"{name}\": {value}\n");
        }
        base += &format!("\"@signature-params\": {params}");
        let signature = STANDARD.encode(key(self.key).sign(base.as_bytes()).to_bytes());
        let digest = self.body.as_ref().map_or_else(String::new, |_| format!("Content-Digest: {}\r\n", self.digest()));
        format!("Signature-Input: sig={params}\r\nSignature: sig=:{signature}:\r\n{digest}")
    }

    /// The whole request, with headers that may belong to another one.
    fn request(&self, headers: &str) -> String {
        let Self { method, path, authority, .. } = self;
        let query = self.query.as_ref().map_or_else(String::new, |query| format!("?{query}"));
        let body = self.body.as_deref().unwrap_or_default();
        let kind = self.body.as_ref().map_or("", |_| "Content-Type: application/json\r\n");
        let length = body.len();
        format!(
            "{method} {path}{query} HTTP/1.1\r\nHost: {authority}\r\n{kind}{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
    }

    async fn send(&self, at: SocketAddr) -> (u16, String) {
        raw(at, self.request(&self.headers()).as_bytes()).await
    }
}

/// Pairs an app by its key; answers what the pairing said at the end.
async fn pair(house: &House, name: &str, n: u8) -> Value {
    let http = client();
    let ask = json!({ "name": name, "publicKey": hex_of(&key(n)) });
    let asked: Value = http.post(house.url("/v1/pairings")).json(&ask).send().await.unwrap().json().await.unwrap();
    house.owner.desk().answer_pairing(asked["id"].as_str().unwrap(), true).await.unwrap();
    let collect = http.post(house.url(&format!("/v1/pairings/{}", asked["id"].as_str().unwrap())));
    collect.json(&json!({ "secret": asked["secret"] })).send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn an_app_with_a_key_of_its_own_gets_no_token_and_signs_what_it_asks() {
    let house = House::open().await;
    let at = house.addr();
    let paired = pair(&house, "signer", 7).await;
    assert_eq!((&paired["status"], &paired["token"]), (&json!("approved"), &json!(null)));
    assert_eq!(Signed::new(at, "GET", "/v1/accounts", None, 1).send(at).await.0, 200);
    assert_eq!(Signed::new(at, "GET", "/v1/budget", None, 2).send(at).await.0, 200);
    let v6 = SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, at.port()));
    assert_eq!(Signed::new(v6, "GET", "/v1/accounts", None, 3).send(v6).await.0, 200);
    // The body counts, and arrives: this one is read, and found wanting.
    let wrong = Signed::new(at, "POST", "/v1/check", Some("{\"request\":1}"), 4).send(at).await;
    assert!(wrong.0 == 400 && wrong.1.contains("BAD_REQUEST"), "{wrong:?}");
    let mut asked = Signed::new(at, "GET", "/v1/payments/00000000", None, 5);
    (asked.query, asked.covered) = (Some("wait=0".to_owned()), vec!["@query", "@path", "@authority", "@method"]);
    assert_eq!(asked.send(at).await.0, 404);
    // Taken back, its next call fails.
    let app = house.owner.desk().apps().await.unwrap().remove(0).id;
    house.owner.desk().revoke_app(&app).await.unwrap();
    assert_eq!(Signed::new(at, "GET", "/v1/accounts", None, 6).send(at).await.0, 401);
}

#[tokio::test]
async fn what_was_not_signed_as_it_came_is_refused() {
    let house = House::open().await;
    let at = house.addr();
    pair(&house, "signer", 7).await;
    let good = Signed::new(at, "POST", "/v1/check", Some("{\"request\":1}"), 0);
    assert_eq!(good.send(at).await.0, 400, "it passes, and its body is looked at");
    let base = |n: u32| Signed::new(at, "POST", "/v1/check", Some("{\"request\":1}"), n);
    let mut cases: Vec<(&str, String)> = Vec::new();
    let mut n = 100;
    let mut case = |what, change: &dyn Fn(&mut Signed), after: &dyn Fn(&mut Signed, &mut String)| {
        n += 1;
        let mut signed = base(n);
        change(&mut signed);
        let mut headers = signed.headers();
        after(&mut signed, &mut headers);
        cases.push((what, signed.request(&headers)));
    };
    let nothing = |_: &mut Signed| {};
    let same = |_: &mut Signed, _: &mut String| {};
    case("another method", &nothing, &|s, _| s.method = "PUT");
    case("another path", &nothing, &|s, _| s.path = "/v1/payments".to_owned());
    case("a query", &nothing, &|s, _| s.query = Some("wait=1".to_owned()));
    case("another body", &nothing, &|s, _| s.body = Some("{\"request\":2}".to_owned()));
    case("no body", &nothing, &|s, _| s.body = Some(String::new()));
    case("a name instead of the address", &|s| s.authority = format!("localhost:{}", at.port()), &same);
    case("another address", &|s| s.authority = "127.0.0.1:4020".to_owned(), &|s, _| s.authority = at.to_string());
    case("an unknown key", &|s| s.key = 8, &same);
    case("too old", &|s| s.created -= 62, &same);
    case("of tomorrow", &|s| s.created += 86_400, &same);
    case("a path that is not covered", &|s| s.covered = vec!["@method", "@authority", "content-digest"], &same);
    case("a body that is not covered", &|s| s.covered = vec!["@method", "@authority", "@path"], &same);
    case("an address that is not covered", &|s| s.covered = vec!["@method", "@path", "content-digest"], &same);
    case("a method that is not covered", &|s| s.covered = vec!["@authority", "@path", "content-digest"], &same);
    case("a name twice", &|s| s.covered.push("@path"), &same);
    case("more than is known", &|s| s.covered.push("content-type"), &same);
    case("nothing covered", &|s| s.covered = vec![], &same);
    for params in [
        String::new(),
        format!(";created={};keyid=\"{}\"", base(0).created, hex_of(&key(7))),
        format!(";nonce=\"0123456789abcdef\";keyid=\"{}\"", hex_of(&key(7))),
        format!(";created={};nonce=\"short\";keyid=\"{}\"", base(0).created, hex_of(&key(7))),
        format!(";created={};nonce=\"0123456789abcdef\"", base(0).created),
        format!(
            ";created={};nonce=\"0123456789abcdef\";keyid=\"{}\";alg=\"hmac-sha256\"",
            base(0).created,
            hex_of(&key(7))
        ),
        format!(";created={};expires=1;nonce=\"0123456789abcdef\";keyid=\"{}\"", base(0).created, hex_of(&key(7))),
        format!(";created={};nonce=\"0123456789abcdef\";keyid=\"{}\"", base(0).created, "0".repeat(64)),
    ] {
        case("other parameters", &|s| s.params = Some(params.clone()), &same);
    }
    case("two signatures", &nothing, &|_, h| *h = h.replace("Signature-Input: sig=", "Signature-Input: a=(), sig="));
    case("two headers", &nothing, &|_, h| *h = format!("Signature-Input: a=()\r\n{h}"));
    case("no signature", &nothing, &|_, h| *h = h.replace("Signature: ", "X-Signature: "));
    case("no input", &nothing, &|_, h| *h = h.replace("Signature-Input: ", "X-Input: "));
    case("another label", &nothing, &|_, h| *h = h.replace("Signature: sig", "Signature: gis"));
    case("a short one", &nothing, &|_, h| *h = h.replace("Signature: sig=:", "Signature: sig=:AAAA"));
    case("a token, too", &nothing, &|_, h| *h += "Authorization: Bearer cs_1\r\n");
    case("a digest that is not the body's", &nothing, &|s, h| {
        s.body = Some("{}".to_owned());
        *h = h.replace("Content-Digest: sha-256=", "Content-Digest: sha-512=");
    });
    assert!(cases.len() >= 30, "{}", cases.len());
    for (what, request) in &cases {
        let (status, answer) = raw(at, request.as_bytes()).await;
        assert!(matches!(status, 401 | 403), "{what}: {answer}");
        assert!(!answer.contains("BAD_REQUEST"), "{what}: {answer}");
    }
    // The key of an app is no token of it.
    let bearer = client().get(house.url("/v1/accounts")).bearer_auth(hex_of(&key(7))).send().await.unwrap();
    assert_eq!(bearer.status(), 401);
}

#[tokio::test]
async fn a_thousand_replays_and_relays_of_signed_requests_pass_nothing() {
    let house = House::open().await;
    let at = house.addr();
    pair(&house, "signer", 7).await;
    let first = Signed::new(at, "GET", "/v1/accounts", None, 1);
    let request = first.request(&first.headers());
    assert_eq!(raw(at, request.as_bytes()).await.0, 200);
    for _ in 0..50 {
        let replays = (0..20).map(|_| raw(at, request.as_bytes()));
        for (status, answer) in futures::future::join_all(replays).await {
            assert!(status == 401 && answer.contains("used before"), "{answer}");
        }
    }
    // At the other address of the same port it is another request.
    let v6 = SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, at.port()));
    let twice = Signed::new(at, "GET", "/v1/accounts", None, 2);
    assert_eq!(raw(v6, twice.request(&twice.headers()).as_bytes()).await.0, 401);
    for n in 0..20 {
        let relay = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let elsewhere = relay.local_addr().unwrap();
        let passed = tokio::spawn(async move {
            let (mut caller, _) = relay.accept().await.unwrap();
            let mut real = TcpStream::connect(at).await.unwrap();
            copy_bidirectional(&mut caller, &mut real).await.unwrap();
        });
        // What the program signs for the address that it dialled; the relay writes the Host that is wanted.
        let signed = Signed::new(elsewhere, "GET", "/v1/accounts", None, 1000 + n);
        let request = signed.request(&signed.headers()).replace(&format!("Host: {elsewhere}"), &format!("Host: {at}"));
        let (status, answer) = raw(elsewhere, request.as_bytes()).await;
        passed.await.unwrap();
        assert_eq!(status, 401, "{answer}");
    }
}

#[tokio::test]
async fn a_key_that_signs_for_everybody_is_not_paired() {
    let house = House::open().await;
    for key in ["", "00", &"0".repeat(64), &format!("01{}", "0".repeat(62)), &"g".repeat(64), &"A".repeat(64)] {
        let ask = json!({ "name": "signer", "publicKey": key });
        let answer = client().post(house.url("/v1/pairings")).json(&ask).send().await.unwrap();
        assert_eq!(answer.status(), 400, "{key}");
    }
    house.assert_untouched().await;
}
