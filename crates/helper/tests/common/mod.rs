//! An owner on a temporary folder and callers that write every byte of a request themselves.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use helper::{Limits, Owner, OwnerOptions};
use std::net::SocketAddr;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use view::FilterView;

pub struct House {
    pub owner: Owner,
    pub dir: TempDir,
}

pub fn options(dir: &TempDir) -> OwnerOptions {
    OwnerOptions {
        data_dir: Some(dir.path().to_owned()),
        profile: "devnet".into(),
        port: Some(0),
        // Nobody listens there: these stories end at the door.
        nile_node: Some("http://127.0.0.1:9".to_owned().into()),
        cost: wallet::Cost::floor(),
        ..OwnerOptions::default()
    }
}

impl House {
    pub async fn open() -> Self {
        Self::with(Limits::default()).await
    }

    pub async fn with(limits: Limits) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let owner = Owner::start(OwnerOptions { limits, ..options(&dir) }).await.unwrap();
        Self { owner, dir }
    }

    pub fn addr(&self) -> SocketAddr {
        self.owner.addr()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr())
    }

    /// No payment, no question, no pairing: nothing happened.
    pub async fn assert_untouched(&self) {
        let desk = self.owner.desk();
        assert!(desk.payments(FilterView::default()).await.unwrap().payments.is_empty());
        assert!(desk.questions().await.unwrap().is_empty());
        assert!(desk.pairings().await.unwrap().is_empty());
        assert!(desk.apps().await.unwrap().is_empty());
    }

    /// Pairs an app through the port, the person saying yes.
    pub async fn pair(&self, name: &str) -> String {
        let http = client();
        let asked: serde_json::Value = http
            .post(self.url("/v1/pairings"))
            .json(&serde_json::json!({ "name": name }))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let id = asked["id"].as_str().unwrap().to_owned();
        let shown = self.owner.desk().pairings().await.unwrap();
        let shown = shown.iter().find(|p| p.code == asked["code"]).expect("the same code on both sides");
        self.owner.desk().answer_pairing(&shown.id, true).await.unwrap();
        let collect = http.post(self.url(&format!("/v1/pairings/{id}?wait=5")));
        let secret = serde_json::json!({ "secret": asked["secret"] });
        let done: serde_json::Value = collect.json(&secret).send().await.unwrap().json().await.unwrap();
        done["token"].as_str().expect("a token").to_owned()
    }
}

pub fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// Sends exactly these bytes and reads until the other side closes. The status, and everything that came.
pub async fn raw(addr: SocketAddr, request: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    // The other side may answer and close before all of it is written.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
    (status, text)
}

/// Every route with a method that it serves, and one that does not exist.
pub const ROUTES: [(&str, &str); 15] = [
    ("GET", "/v1/health"),
    ("GET", "/v1/openapi.json"),
    ("POST", "/v1/pairings"),
    ("POST", "/v1/pairings/0"),
    ("GET", "/v1/proof"),
    ("GET", "/v1/accounts"),
    ("POST", "/v1/payments"),
    ("GET", "/v1/payments/0"),
    ("DELETE", "/v1/payments/0"),
    ("POST", "/v1/payments/0/result"),
    ("POST", "/v1/check"),
    ("GET", "/v1/budget"),
    ("GET", "/v1/events"),
    ("GET", "/"),
    ("POST", "/v2/nothing"),
];

pub const PASSPHRASE: &str = "correct horse battery";

/// A wallet with an account on a devnet: 1,000 TRX, 100 USDT, no allowance.
pub struct Funded {
    pub house: House,
    pub devnet: devnet::Devnet,
}

pub const USDT: &str = "TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf";
const PAYEE: &str = "TMVQGm1qAQYVdetCeGRRkTWYYrLXuHK2HC";

impl Funded {
    pub async fn open() -> Self {
        let devnet = devnet::Devnet::start(devnet::Options::default()).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let options = OwnerOptions { nile_node: Some(devnet.url().into()), ..options(&dir) };
        let owner = Owner::start(options).await.unwrap();
        let words = format!("{}about", "abandon ".repeat(11));
        let status = owner.desk().import_words(words, PASSPHRASE.into()).await.unwrap();
        let account = tron::Address::parse(&status.accounts[0].address.address).unwrap();
        devnet.faucet(account, devnet::Gift::Trx(1_000_000_000)).unwrap();
        let usdt = tron::Address::parse(USDT).unwrap();
        devnet.faucet(account, devnet::Gift::Token(usdt, tron::Amount::from_u64(100_000_000))).unwrap();
        owner.desk().unlock(PASSPHRASE.into()).await.unwrap();
        Self { house: House { owner, dir }, devnet }
    }
}

/// A 402 over 0.25 USDT and a fee of 0.01, fresh when `nonce` is.
pub fn offer(url: &str, nonce: u64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    serde_json::json!({
        "x402Version": 2,
        "resource": { "url": url, "description": "a report" },
        "accepts": [{
            "scheme": "exact_permit", "network": "tron:nile", "amount": "250000", "asset": USDT, "payTo": PAYEE,
            "maxTimeoutSeconds": 300,
            "extra": { "fee": { "feeTo": PAYEE, "feeAmount": "10000", "caller": PAYEE } }
        }],
        "extensions": { "paymentPermitContext": { "meta": {
            "kind": "PAYMENT_ONLY", "paymentId": format!("0x{nonce:032x}"), "nonce": nonce.to_string(),
            "validAfter": now - 60, "validBefore": now + 600
        } } }
    })
    .to_string()
}

pub fn payment(nonce: u64, key: Option<&str>) -> serde_json::Value {
    let url = format!("https://news.example/reports/{nonce}");
    let offer = offer(&url, nonce);
    serde_json::json!({ "request": { "method": "GET", "url": url }, "paymentRequired": offer, "idempotencyKey": key })
}
