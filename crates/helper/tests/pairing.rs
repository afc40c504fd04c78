//! What a pairing's id is worth to those who see it, whose name an app may take, and how a program knows that the
//! wallet which it was paired with answers, and no squatter or relay.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{House, client, raw};
use helper::Limits;
use serde_json::{Value, json};
use std::net::SocketAddr;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use wallet::{ProofKey, proof_of};

async fn ask(house: &House, name: &str) -> Value {
    let asked = client().post(house.url("/v1/pairings")).json(&json!({ "name": name })).send().await.unwrap();
    assert_eq!(asked.status(), 202);
    asked.json().await.unwrap()
}

fn open(limit: usize) -> Limits {
    Limits { pairings_per_minute: limit, ..Limits::default() }
}

#[tokio::test]
async fn twenty_thieves_with_the_id_get_no_token_and_its_app_gets_it_once() {
    let house = House::with(open(100)).await;
    let (asked, other) = (ask(&house, "reader").await, ask(&house, "thief").await);
    let shown = house.owner.desk().pairings().await.unwrap();
    assert!(shown.iter().all(|p| !serde_json::to_string(p).unwrap().contains("cp_")), "the owner needs no secret");
    let shown = shown.iter().find(|p| p.code == asked["code"]).unwrap();
    house.owner.desk().answer_pairing(&shown.id, true).await.unwrap();

    let (id, secret, code) = (asked["id"].as_str().unwrap(), asked["secret"].as_str().unwrap(), &asked["code"]);
    let (http, url) = (client(), house.url(&format!("/v1/pairings/{id}")));
    let wrong = [
        json!(id),
        code.clone(),
        json!(""),
        json!(format!("cp_{id}")),
        json!(&secret[..66]),
        json!(format!("{secret}0")),
        json!(secret.to_uppercase()),
        json!(format!(" {secret}")),
        json!(format!("cp_{}", "0".repeat(64))),
        other["secret"].clone(),
        json!(null),
        json!(true),
        json!([secret]),
        json!({ "secret": secret }),
    ];
    let mut thieves = 0;
    for guess in &wrong {
        let answer = http.post(format!("{url}?wait=1")).json(&json!({ "secret": guess })).send().await.unwrap();
        assert!(matches!(answer.status().as_u16(), 400 | 404), "{guess}: {}", answer.status());
        assert!(!answer.text().await.unwrap().contains("cs_"), "{guess}");
        thieves += 1;
    }
    // The id alone, and a secret that travels where others see it, are worth nothing either.
    for request in [
        http.get(&url),
        http.get(format!("{url}?wait=1")),
        http.get(format!("{url}?secret={secret}")),
        http.get(&url).bearer_auth(secret),
        http.post(format!("{url}?secret={secret}")).json(&json!({})),
        http.post(house.url(&format!("/v1/pairings/{secret}"))).json(&json!({ "secret": secret })),
    ] {
        let answer = request.send().await.unwrap();
        assert!(matches!(answer.status().as_u16(), 400 | 404 | 405), "{}", answer.status());
        assert!(!answer.text().await.unwrap().contains("cs_"));
        thieves += 1;
    }
    assert_eq!(thieves, 20);

    // Of twenty calls of its own one has the token.
    let calls = (0..20).map(|_| {
        let collect = http.post(&url).json(&json!({ "secret": secret }));
        async move { collect.send().await.unwrap().json::<Value>().await.unwrap() }
    });
    let answers = futures::future::join_all(calls).await;
    let tokens: Vec<&Value> = answers.iter().filter(|answer| answer["token"].is_string()).collect();
    assert_eq!((tokens.len(), &tokens[0]["status"]), (1, &json!("approved")));
    assert!(
        answers.iter().filter(|a| a["token"].is_null()).all(|a| a["status"] == "collected" && a["secret"].is_null())
    );
    let token = tokens[0]["token"].as_str().unwrap();
    let served = http.get(house.url("/v1/accounts")).bearer_auth(token).send().await.unwrap();
    assert_eq!(served.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_pairings_that_look_alike_and_are_approved_at_once_one_passes() {
    let house = House::with(open(1000)).await;
    let desk = house.owner.desk();
    for round in 0..10 {
        let alike = [format!("Reader number {round}"), format!("READER-number-{round}")];
        let ids =
            [ask(&house, &alike[0]).await, ask(&house, &alike[1]).await].map(|p| p["id"].as_str().unwrap().to_owned());
        let (one, two) = tokio::join!(desk.answer_pairing(&ids[0], true), desk.answer_pairing(&ids[1], true));
        let failed: Vec<_> = [one, two].into_iter().filter_map(Result::err).collect();
        assert_eq!(failed.len(), 1, "round {round}: {failed:?}");
        assert!(failed[0].message.contains("paired already"), "{:?}", failed[0]);
        let paired = async || desk.apps().await.unwrap().into_iter().filter(|app| !app.revoked).collect::<Vec<_>>();
        let apps = paired().await;
        assert_eq!(apps.len(), 1);
        // Taken back, its name is free again.
        desk.revoke_app(&apps[0].id).await.unwrap();
        let again = ask(&house, &alike[1]).await;
        desk.answer_pairing(again["id"].as_str().unwrap(), true).await.unwrap();
        desk.revoke_app(&paired().await[0].id).await.unwrap();
    }
}

/// What the wallet, or what else sits there, proves at this address.
async fn proof(at: SocketAddr, host: &str, key: &ProofKey, nonce: &str) -> (u16, String) {
    let path = format!("/v1/proof?key={}&nonce={nonce}", key.id());
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    let (status, answer) = raw(at, request.as_bytes()).await;
    let body: Value = serde_json::from_str(answer.rsplit("\r\n\r\n").next().unwrap_or_default()).unwrap_or_default();
    (status, body["proof"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn the_wallet_proves_itself_for_the_address_that_was_dialled_and_a_relay_does_not() {
    let house = House::open().await;
    let token = house.pair("reader").await;
    let (own, nonce) = (house.addr(), "5a".repeat(32));
    let written: Value =
        serde_json::from_slice(&std::fs::read(house.dir.path().join("runtime.json")).unwrap()).unwrap();
    let runtime_key = written["proofKey"].as_str().unwrap();
    assert_eq!(runtime_key, house.owner.desk().wallet().proof_key().reveal());
    assert!(!format!("{:?}", house.owner.runtime()).contains(runtime_key));
    let v6 = SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, own.port()));
    for key in [&ProofKey::of_token(&token), house.owner.desk().wallet().proof_key()] {
        for at in [own, v6] {
            // Whatever name stands in Host: the address is the one that is really bound.
            for host in [own.to_string(), v6.to_string(), format!("localhost:{}", own.port())] {
                assert_eq!(
                    proof(at, &host, key, &nonce).await,
                    (200, proof_of(key, &nonce, &at.to_string())),
                    "{host}"
                );
            }
        }
        for _ in 0..20 {
            // Another user's program that passes every byte on to the real port.
            let relay = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let at = relay.local_addr().unwrap();
            let passed = tokio::spawn(async move {
                let (mut caller, _) = relay.accept().await.unwrap();
                let mut real = TcpStream::connect(own).await.unwrap();
                copy_bidirectional(&mut caller, &mut real).await.unwrap();
            });
            let (status, said) = proof(at, &own.to_string(), key, &nonce).await;
            passed.await.unwrap();
            assert_eq!(status, 200, "the relay reaches the wallet");
            assert_ne!(said, proof_of(key, &nonce, &at.to_string()));
        }
    }
}

#[tokio::test]
async fn nothing_is_proved_to_whom_no_key_is_shared() {
    let house = House::open().await;
    let (token, nonce) = (house.pair("reader").await, "5a".repeat(32));
    let host = house.addr().to_string();
    let unknown = ProofKey::of_token(&format!("cs_{}", "0".repeat(64)));
    assert_eq!(proof(house.addr(), &host, &unknown, &nonce).await, (401, String::new()));
    let known = ProofKey::of_token(&token);
    let id = known.id();
    for query in [
        String::new(),
        format!("key={id}"),
        format!("nonce={nonce}"),
        format!("key={id}&nonce="),
        format!("key={id}&nonce={}", "5a".repeat(15)),
        format!("key={id}&nonce={}", "5a".repeat(65)),
        format!("key={id}&nonce={}", "5A".repeat(32)),
        format!("key={id}&nonce={nonce}&nonce={nonce}"),
        format!("key={}&nonce={nonce}", &id[..63]),
        format!("key={token}&nonce={nonce}"),
    ] {
        let request = format!("GET /v1/proof?{query} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let (status, answer) = raw(house.addr(), request.as_bytes()).await;
        assert_eq!(status, 400, "{query}: {answer}");
    }
    // A program that was taken back knows this wallet no more.
    let app = house.owner.desk().apps().await.unwrap().remove(0).id;
    house.owner.desk().revoke_app(&app).await.unwrap();
    assert_eq!(proof(house.addr(), &host, &known, &nonce).await, (401, String::new()));
}
