//! Every stored case as a 402 at the real port: an app posts it to be paid and to be checked. It is told what is
//! wrong, nothing of it is written down, and the wallet goes on paying.

use futures::{StreamExt, stream};
use helper::verb::{Answer, Questions};
use helper::{Client, Limits, Owner, OwnerOptions};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use stories::cases::{self, Case};
use stories::{PASSPHRASE, USDT, WORDS, address, key, usdt};
use tempfile::TempDir;
use view::{AnswerView, FilterView, ScopeView};

/// Posted at the same time: less than an app may have open as questions.
const AT_ONCE: usize = 4;
/// So many cases per app: one that is refused more often in half a minute has to pause.
const PER_APP: usize = 9;

struct Port {
    owner: Owner,
    http: reqwest::Client,
    token: String,
    _devnet: devnet::Devnet,
    _dir: TempDir,
}

/// What came back: never 5xx, a refusal always as a problem document.
struct Said {
    status: StatusCode,
    body: Value,
}

impl Port {
    /// A funded, unlocked wallet and an app that was paired through the port.
    async fn open() -> Self {
        let devnet = devnet::Devnet::start(devnet::Options::default()).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let options = OwnerOptions {
            data_dir: Some(dir.path().to_owned()),
            profile: "devnet".into(),
            port: Some(0),
            nile_node: Some(devnet.url().into()),
            cost: wallet::Cost::floor(),
            limits: Limits { pairings_per_minute: 1_000, ..Limits::default() },
            ..OwnerOptions::default()
        };
        let owner = Owner::start(options).await.unwrap();
        let desk = owner.desk();
        let status = desk.import_words(WORDS.into(), PASSPHRASE.into()).await.unwrap();
        let account = address(&status.accounts[0].address.address);
        devnet.faucet(account, devnet::Gift::Trx(1_000_000_000)).unwrap();
        devnet.faucet(account, devnet::Gift::Token(address(USDT), usdt("100"))).unwrap();
        desk.unlock(PASSPHRASE.into()).await.unwrap();
        let http = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
        let mut port = Self { owner, http, token: String::new(), _devnet: devnet, _dir: dir };
        port.pair("fetcher").await;
        port
    }

    /// Goes on as another app.
    async fn pair(&mut self, name: &str) {
        let asked = self.post("/v1/pairings", json!({ "name": name }).to_string().into_bytes()).await.body;
        let shown = self.owner.desk().pairings().await.unwrap().remove(0);
        self.owner.desk().answer_pairing(&shown.id, true).await.unwrap();
        let path = format!("/v1/pairings/{}", asked["id"].as_str().unwrap());
        let paired = self.post(&path, json!({ "secret": asked["secret"] }).to_string().into_bytes()).await;
        self.token = paired.body["token"].as_str().unwrap().to_owned();
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Said {
        self.said(request.bearer_auth(&self.token).send().await.unwrap()).await
    }

    async fn said(&self, answer: reqwest::Response) -> Said {
        let status = answer.status();
        let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
        let body: Value = answer.json().await.unwrap();
        assert!(!status.is_server_error(), "{status} {body}");
        if !status.is_success() {
            assert_eq!(kind, "application/problem+json", "{body}");
            assert_eq!(body["status"], status.as_u16());
            assert!(body["code"].is_string() && body["title"].is_string() && body["type"].is_string(), "{body}");
            for member in ["detail", "field", "found", "expected", "advice"] {
                stories::hostile::clean(member, body[member].as_str().unwrap_or_default());
            }
        }
        Said { status, body }
    }

    async fn post(&self, path: &str, body: Vec<u8>) -> Said {
        let url = format!("http://{}{path}", self.owner.addr());
        loop {
            let request = self.http.post(&url).bearer_auth(&self.token).header("content-type", "application/json");
            match request.body(body.clone()).send().await {
                Ok(answer) => return self.said(answer).await,
                // What is too large is answered, and the connection closed, before all of it is written: now and
                // then the writing notices first.
                Err(error) => assert!(body.len() > Limits::default().body_bytes, "{error:?}"),
            }
        }
    }

    async fn get(&self, path: &str) -> Said {
        self.send(self.http.get(format!("http://{}{path}", self.owner.addr()))).await
    }

    async fn cancel(&self, id: &str) -> Said {
        self.send(self.http.delete(format!("http://{}/v1/payments/{id}", self.owner.addr()))).await
    }

    /// Payments in the ledger, and open questions.
    async fn rows(&self) -> (usize, usize) {
        let desk = self.owner.desk();
        let page = desk.payments(FilterView { limit: Some(200), ..FilterView::default() }).await.unwrap();
        (page.payments.len(), desk.questions().await.unwrap().len())
    }

    /// A payment from the 402 to the header that pays.
    async fn pays(&self, nonce: u64) {
        let asked = self.post("/v1/payments", request(nonce, offer(nonce).as_bytes())).await;
        assert_eq!(asked.status, 202, "{}", asked.body);
        let control = Client::new(self.owner.runtime().control_socket.clone().unwrap());
        let question = control.call(Questions {}).await.unwrap().remove(0);
        assert_eq!(asked.body["id"], question.id);
        let answer = AnswerView::Approve { scope: ScopeView::Once, allowance_total: None };
        let passphrase = PASSPHRASE.into();
        control.call(Answer { id: question.id.clone(), digest: question.digest, answer, passphrase }).await.unwrap();
        let signed = loop {
            let now = self.get(&format!("/v1/payments/{}?wait=10", question.id)).await.body;
            match now["status"].as_str() {
                Some("asked" | "approved") => {}
                _ => break now,
            }
        };
        assert_eq!(signed["status"], "signed", "{signed}");
        assert!(signed["headerValue"].is_string());
    }
}

/// An honest 402.
fn offer(nonce: u64) -> String {
    let now = now();
    let (payee, caller) = (key(0x51).address().to_string(), key(0xfa).address().to_string());
    json!({
        "x402Version": 2,
        "accepts": [{
            "scheme": "exact_permit", "network": "tron:nile", "amount": "250000", "asset": USDT, "payTo": payee,
            "extra": { "fee": { "feeTo": caller, "feeAmount": "10000", "caller": caller } }
        }],
        "extensions": { "paymentPermitContext": { "meta": {
            "kind": "PAYMENT_ONLY", "paymentId": format!("0x{nonce:032x}"), "nonce": nonce.to_string(),
            "validAfter": now - 60, "validBefore": now + 600
        } } }
    })
    .to_string()
}

/// The stored permissions end in 2100, which is refused before all else: here they end soon.
fn ending_soon(n: usize, document: &[u8]) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(document) else { return document.to_vec() };
    let nonce = format!("\"nonce\":\"{}\"", n + 1);
    text.replace("4102444800", &(now() + 600).to_string()).replace("\"nonce\":\"0\"", &nonce).into_bytes()
}

fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

/// The body of a request about this 402. Bytes that are no text go in as they are.
fn request(n: u64, document: &[u8]) -> Vec<u8> {
    let quoted = std::str::from_utf8(document).map(|text| Value::from(text).to_string().into_bytes());
    let quoted = quoted.unwrap_or_else(|_| [b"\"", document, b"\""].concat());
    let url = format!("https://news.example/articles/{n}");
    let request = json!({ "method": "GET", "url": url }).to_string();
    [format!("{{\"request\":{request},\"paymentRequired\":").as_bytes(), &quoted, b"}"].concat()
}

/// What became of the posts of one kind.
#[derive(Default, Debug)]
struct Count {
    posts: AtomicUsize,
    refused: AtomicUsize,
    asked: AtomicUsize,
    checked: AtomicUsize,
}

impl Count {
    fn get(&self) -> [usize; 4] {
        [&self.posts, &self.refused, &self.asked, &self.checked].map(|n| n.load(Ordering::Relaxed))
    }
}

async fn post_all(port: &Port, cases: &[(usize, Case)], count: &Count) {
    let add = |n: &AtomicUsize| n.fetch_add(1, Ordering::Relaxed);
    stream::iter(cases)
        .for_each_concurrent(AT_ONCE, |(n, case)| async move {
            let body = request(*n as u64, &ending_soon(*n, &case.bytes));
            let checked = port.post("/v1/check", body.clone()).await;
            add(&count.posts);
            match checked.status.is_success() {
                true => add(&count.checked),
                false => add(&count.refused),
            };
            let paid = port.post("/v1/payments", body).await;
            add(&count.posts);
            match paid.status.as_u16() {
                // No rule allows anything here: what can be paid is asked.
                202 => {
                    add(&count.asked);
                    let id = paid.body["id"].as_str().unwrap();
                    assert_eq!(port.cancel(id).await.status, 200, "{}", case.name);
                }
                400..500 => {
                    add(&count.refused);
                }
                status => panic!("{}: {status} {}", case.name, paid.body),
            }
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_stored_case_as_a_402_is_answered_and_the_wallet_goes_on_paying() {
    let mut port = Port::open().await;
    let cases = cases::all();
    let all = cases.len();
    let (sound, malformed): (Vec<_>, Vec<_>) =
        cases.into_iter().enumerate().partition(|(_, case)| x402::Offer::read_bytes(&case.bytes).is_ok());
    assert!(malformed.len() >= 1_000 && sound.len() >= 300, "{} and {}", malformed.len(), sound.len());

    let count = Count::default();
    post_all(&port, &malformed, &count).await;
    assert_eq!(count.get(), [2 * malformed.len(), 2 * malformed.len(), 0, 0]);
    assert_eq!(port.rows().await, (0, 0), "a malformed 402 left a trace");
    port.pays(1_000_001).await;
    assert_eq!(port.rows().await, (1, 0));

    let count = Count::default();
    for (app, some) in sound.chunks(PER_APP).enumerate() {
        port.pair(&format!("fetcher {app}")).await;
        post_all(&port, some, &count).await;
    }
    let [posts, refused, asked, checked] = count.get();
    println!(
        "{all} cases: {} malformed; {} sound: {checked} checked, {asked} asked, {refused} refused",
        malformed.len(),
        sound.len()
    );
    assert_eq!(posts, 2 * sound.len());
    assert_eq!(refused + asked + checked, posts);
    assert!(asked >= 80 && checked >= 390, "{asked} {checked}");
    assert_eq!(port.rows().await.1, 0);
    port.pays(1_000_002).await;
    let Port { owner, .. } = port;
    owner.shutdown().await;
}
