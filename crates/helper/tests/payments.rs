//! Payments through the port: asked, waited for, answered, kept apart by app, never doubled by a retry and
//! never a flood on the screen.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Funded, PASSPHRASE, client, payment};
use helper::Client;
use helper::verb::{Answer, Questions};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;
use view::{AnswerView, Code, ScopeView};

struct App {
    http: reqwest::Client,
    base: String,
    token: String,
}

impl App {
    async fn pair(home: &Funded, name: &str) -> Self {
        Self { http: client(), base: home.house.url(""), token: home.house.pair(name).await }
    }

    async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let sent =
            self.http.post(format!("{}{path}", self.base)).bearer_auth(&self.token).json(body).send().await.unwrap();
        (sent.status(), sent.json().await.unwrap())
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        let sent = self.http.get(format!("{}{path}", self.base)).bearer_auth(&self.token).send().await.unwrap();
        (sent.status(), sent.json().await.unwrap())
    }

    async fn delete(&self, path: &str) -> (StatusCode, Value) {
        let sent = self.http.delete(format!("{}{path}", self.base)).bearer_auth(&self.token).send().await.unwrap();
        (sent.status(), sent.json().await.unwrap())
    }
}

fn control(home: &Funded) -> Client {
    Client::new(home.house.owner.runtime().control_socket.clone().unwrap())
}

async fn approve(home: &Funded, passphrase: &str) -> Result<view::PaymentView, view::Failure> {
    let control = control(home);
    let question = control.call(Questions {}).await?.remove(0);
    let answer = AnswerView::Approve { scope: ScopeView::Once, allowance_total: None };
    control.call(Answer { id: question.id, digest: question.digest, answer, passphrase: passphrase.into() }).await
}

#[tokio::test]
async fn a_payment_is_asked_answered_with_the_passphrase_and_waited_for() {
    let home = Funded::open().await;
    let app = App::pair(&home, "reader").await;
    let (status, asked) = app.post("/v1/payments", &payment(1, None)).await;
    assert_eq!(status, 202, "{asked}");
    assert_eq!((asked["status"].as_str(), asked["waitingFor"].as_str()), (Some("asked"), Some("answer")));
    assert!(asked["expiresAt"].is_string() && asked["headerValue"].is_null());
    assert_eq!(asked["plan"]["maximum"]["smallest"], "260000");

    assert_eq!(approve(&home, "not the passphrase").await.err().unwrap().code, Code::WrongPassphrase);
    let path = format!("/v1/payments/{}", asked["id"].as_str().unwrap());
    let waiting = app.get(&path).await.1;
    assert_eq!(waiting["status"], "asked");

    let signed = async {
        loop {
            let (status, now) = app.get(&format!("{path}?wait=10")).await;
            assert_eq!(status, 200);
            if now["status"] != "asked" && now["status"] != "approved" {
                return now;
            }
        }
    };
    let (approved, signed) = tokio::join!(approve(&home, PASSPHRASE), signed);
    approved.unwrap();
    assert_eq!(signed["status"], "signed", "{signed}");
    assert_eq!(signed["headerName"], "PAYMENT-SIGNATURE");
    assert!(signed["headerValue"].as_str().unwrap().len() > 100);

    let (status, _) = app.post(&format!("{path}/result"), &json!({"httpStatus": 200, "paymentResponse": null})).await;
    assert_eq!(status, 200);
    // Any receipt is taken, JSON that is no text too; what is odd about it is told beside the answer.
    for receipt in [json!("<html>thanks</html>"), json!({"receiptId": "r-17"}), json!("")] {
        let report = json!({"httpStatus": 200, "paymentResponse": receipt});
        let (status, told) = app.post(&format!("{path}/result"), &report).await;
        assert_eq!((status.as_u16(), told["settlement"].as_str()), (200, Some("unknown")), "{told}");
        assert!(told["notes"].as_array().unwrap().iter().all(Value::is_string), "{told}");
        assert_eq!(told["notes"].as_array().unwrap().len(), if receipt == "" { 1 } else { 2 }, "{told}");
    }
    // A signature can't be taken back.
    let (status, problem) = app.delete(&path).await;
    assert_eq!((status.as_u16(), problem["code"].as_str()), (409, Some("ALREADY_SIGNED")), "{problem}");
    let (status, problem) = app.post(&format!("{path}/result"), &json!({"httpStatus": 99})).await;
    assert_eq!((status.as_u16(), problem["field"].as_str()), (400, Some("httpStatus")));
}

#[tokio::test]
async fn whatever_an_app_says_its_site_is_a_claim() {
    let home = Funded::open().await;
    let app = App::pair(&home, "reader").await;
    for (place, member) in [("", "provenance"), ("", "verified"), ("request", "provenance"), ("request", "verified")] {
        let mut body = payment(1, None);
        let at = if place.is_empty() { &mut body } else { &mut body[place] };
        at[member] = json!("verified");
        let (status, problem) = app.post("/v1/payments", &body).await;
        assert_eq!((status.as_u16(), problem["code"].as_str()), (400, Some("BAD_REQUEST")), "{problem}");
    }
    let (_, asked) = app.post("/v1/payments", &payment(1, None)).await;
    assert_eq!(asked["plan"]["provenance"], "claimed", "{asked}");
    let (_, checked) = app.post("/v1/check", &payment(2, None)).await;
    assert_eq!(checked["plan"]["provenance"], "claimed", "{checked}");
    // The owner's socket is where the wallet's own command tells what it met; there is no token that opens it.
    let request: view::port::PaymentRequestView = serde_json::from_value(payment(3, None)).unwrap();
    let met = control(&home).call(helper::verb::Pay { request, max: None }).await.unwrap();
    assert_eq!(met.plan.provenance, view::ProvenanceView::Verified);
}

#[tokio::test]
async fn the_same_key_is_the_same_payment_and_with_another_request_a_conflict() {
    let home = Funded::open().await;
    let app = App::pair(&home, "reader").await;
    let request = payment(1, Some("order-1"));
    // Twelve at once, as a nervous client does it.
    let posts = (0..12).map(|_| app.post("/v1/payments", &request));
    let answers = futures::future::join_all(posts).await;
    let ids: std::collections::HashSet<String> = answers
        .iter()
        .map(|(status, body)| (status, body["id"].to_string()))
        .map(|(s, id)| {
            assert_eq!(*s, 202, "{answers:?}");
            id
        })
        .collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(home.house.owner.desk().questions().await.unwrap().len(), 1);

    let (status, problem) = app.post("/v1/payments", &payment(2, Some("order-1"))).await;
    assert_eq!((status.as_u16(), problem["code"].as_str()), (409, Some("IDEMPOTENCY_CONFLICT")), "{problem}");
    // Another app's keys are its own.
    let other = App::pair(&home, "other").await;
    assert_eq!(other.post("/v1/payments", &payment(3, Some("order-1"))).await.0, 202);

    approve(&home, PASSPHRASE).await.unwrap();
    let path = format!("/v1/payments/{}", answers[0].1["id"].as_str().unwrap());
    let signed = loop {
        let (_, now) = app.get(&format!("{path}?wait=10")).await;
        if now["status"] == "signed" {
            break now;
        }
        assert!(now["status"] == "asked" || now["status"] == "approved", "{now}");
    };
    let (status, again) = app.post("/v1/payments", &request).await;
    assert_eq!(status, 200);
    assert_eq!((&again["id"], &again["headerValue"]), (&signed["id"], &signed["headerValue"]));
}

#[tokio::test]
async fn an_app_sees_and_cancels_its_own_payments_alone() {
    let home = Funded::open().await;
    let (app, other) = (App::pair(&home, "reader").await, App::pair(&home, "other").await);
    let stream = other.http.get(format!("{}/v1/events", other.base)).bearer_auth(&other.token).send().await.unwrap();
    let (_, asked) = app.post("/v1/payments", &payment(1, None)).await;
    let path = format!("/v1/payments/{}", asked["id"].as_str().unwrap());
    for (status, problem) in [
        other.get(&path).await,
        other.delete(&path).await,
        other.post(&format!("{path}/result"), &json!({"httpStatus": 200})).await,
    ] {
        assert_eq!((status.as_u16(), problem["code"].as_str()), (404, Some("NOT_FOUND")), "{problem}");
    }
    let (status, cancelled) = app.delete(&path).await;
    assert_eq!((status.as_u16(), cancelled["status"].as_str()), (200, Some("cancelled")));
    assert!(home.house.owner.desk().questions().await.unwrap().is_empty());
    // The other app heard nothing of all this until its stream was ended by its own revocation.
    let apps = home.house.owner.desk().apps().await.unwrap();
    let id = &apps.iter().find(|a| a.name == "other").unwrap().id;
    home.house.owner.desk().revoke_app(id).await.unwrap();
    assert_eq!(stream.text().await.unwrap(), "");
}

#[tokio::test]
async fn events_tell_an_app_what_becomes_of_its_payment() {
    let home = Funded::open().await;
    let app = App::pair(&home, "reader").await;
    let mut stream = app.http.get(format!("{}/v1/events", app.base)).bearer_auth(&app.token).send().await.unwrap();
    let (_, asked) = app.post("/v1/payments", &payment(1, None)).await;
    app.delete(&format!("/v1/payments/{}", asked["id"].as_str().unwrap())).await;
    let mut text = String::new();
    while !text.contains("cancelled") {
        text.push_str(&String::from_utf8_lossy(&stream.chunk().await.unwrap().expect("the stream goes on")));
    }
    assert!(text.contains("event: payment") && text.contains(asked["id"].as_str().unwrap()), "{text}");
}

#[tokio::test]
async fn a_check_has_no_effect() {
    let home = Funded::open().await;
    let app = App::pair(&home, "reader").await;
    let (status, checked) = app.post("/v1/check", &payment(1, None)).await;
    assert_eq!((status.as_u16(), checked["verdict"].as_str()), (200, Some("ask")), "{checked}");
    assert!(home.house.owner.desk().questions().await.unwrap().is_empty());
    assert_eq!(app.get("/v1/budget").await.0, 200);
    let (_, accounts) = app.get("/v1/accounts").await;
    assert_eq!(accounts.as_array().unwrap().len(), 1);
    assert!(accounts[0].get("balances").is_none());
}

#[tokio::test]
async fn a_flood_of_one_app_is_a_short_queue_and_the_others_are_served_within_a_second() {
    let home = Funded::open().await;
    let (noisy, modest) = (App::pair(&home, "noisy").await, App::pair(&home, "modest").await);
    let flood = async {
        let mut limited = 0;
        for batch in 0..50_u64 {
            let posts: Vec<Value> = (0..20).map(|n| payment(1000 + batch * 20 + n, None)).collect();
            let answers = futures::future::join_all(posts.iter().map(|p| noisy.post("/v1/payments", p))).await;
            for (status, body) in answers {
                assert!(status == 202 || status == 429, "{status} {body}");
                limited += u32::from(status == 429);
            }
        }
        limited
    };
    let served = async {
        let asked = tokio::time::timeout(Duration::from_secs(1), modest.post("/v1/payments", &payment(1, None))).await;
        assert_eq!(asked.expect("within a second").0, 202);
        for _ in 0..20 {
            let answer = tokio::time::timeout(Duration::from_secs(1), modest.get("/v1/accounts")).await;
            assert_eq!(answer.expect("within a second").0, 200);
        }
    };
    let (limited, ()) = tokio::join!(flood, served);
    assert!(limited >= 990, "{limited}");
    let questions = home.house.owner.desk().questions().await.unwrap();
    assert!(questions.len() <= 9, "{}", questions.len());
    assert!(questions.iter().any(|q| q.app_name == "modest"));
}

#[tokio::test]
async fn a_malformed_402_is_told_by_its_field_and_leaves_no_question() {
    let home = Funded::open().await;
    let app = App::pair(&home, "reader").await;
    let whole = payment(1, None);
    let text = whole["paymentRequired"].as_str().unwrap();
    let large = format!("{text}{}", " ".repeat(70_000));
    let cases = [
        (text[..text.len() / 2].to_owned(), "truncated"),
        (text.replace("\"x402Version\":2", "\"x402Version\":3"), "wrong version"),
        (text.replace("\"amount\":\"250000\"", "\"amount\":\"-1\""), "negative amount"),
        (text.replace("\"amount\":\"250000\"", "\"amount\":\"1\",\"amount\":\"250000\""), "duplicate key"),
        (large, "too large"),
    ];
    for (document, what) in cases {
        let mut request = whole.clone();
        request["paymentRequired"] = document.into();
        let (status, problem) = app.post("/v1/payments", &request).await;
        assert_eq!(
            (status.as_u16(), problem["code"].as_str()),
            (422, Some("MALFORMED_PAYMENT_REQUIRED")),
            "{what}: {problem}"
        );
        assert!(
            problem["field"].is_string() && problem["found"].is_string() && problem["expected"].is_string(),
            "{problem}"
        );
    }
    // What holds no offer at all has no field to name: the service's own words are told.
    let mut request = whole.clone();
    request["paymentRequired"] = "Out of credit.".into();
    let (status, problem) = app.post("/v1/payments", &request).await;
    assert_eq!((status.as_u16(), problem["code"].as_str()), (422, Some("MALFORMED_PAYMENT_REQUIRED")), "{problem}");
    let told = problem["detail"].as_str().unwrap_or_default();
    assert!(told.contains("no x402 offer") && told.contains("Out of credit."), "{problem}");
    assert!(home.house.owner.desk().questions().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_address_that_programs_read_differently_is_refused_and_nobody_is_asked() {
    let home = Funded::open().await;
    let app = App::pair(&home, "reader").await;
    let urls = [
        "http://good.example\\@127.0.0.1:9997/",
        "https:good.example/a",
        "https:///good.example/a",
        "https://user:hunter22@good.example/a",
        " https://good.example/a",
        "https://good.example/a b",
        "https://good\t.example/a",
        "http://2130706433/a",
        "https://go%6fd.example/a",
        "https://good.example:0/a",
        "http://good.example#@evil.example/",
    ];
    for (nonce, url) in (1..).zip(urls) {
        let mut body = payment(nonce, None);
        body["request"]["url"] = json!(url);
        for path in ["/v1/payments", "/v1/check"] {
            let (status, answer) = app.post(path, &body).await;
            assert_eq!((status.as_u16(), answer["code"].as_str()), (400, Some("BAD_REQUEST")), "{url}: {answer}");
            let said = answer.to_string();
            assert!(said.contains("request.url") && !said.contains("hunter22"), "{url}: {said}");
        }
    }
    assert!(control(&home).call(Questions {}).await.unwrap().is_empty());
}
