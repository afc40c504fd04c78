//! Every verb of the control socket, with and without the passphrase, on a locked and an unlocked wallet: what widens or
//! acts outside does nothing without it, and nothing but an unlock unlocks.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Funded, PASSPHRASE, USDT, client, offer};
use helper::{Client, verb};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use view::verbs::{Needs, of_socket};

/// Anything that a call could have changed.
async fn state(funded: &Funded) -> Value {
    let desk = funded.house.owner.desk();
    let wallet = desk.wallet();
    let blocked: Vec<_> =
        wallet.sites().await.unwrap().iter().map(|s| (s.site.to_string(), s.blocked, s.host_blocked)).collect();
    json!({
        "accounts": wallet.accounts().iter().map(|a| format!("{a:?}")).collect::<Vec<_>>(),
        "rules": desk.rules().await.unwrap(),
        "payers": desk.payers().await.unwrap(),
        "pays": wallet.default_account().await.unwrap().to_string(),
        "blocked": blocked,
        "apps": desk.apps().await.unwrap().iter().map(|a| (a.id.clone(), a.revoked)).collect::<Vec<_>>(),
        "pairings": desk.pairings().await.unwrap(),
        "tokens": desk.tokens().await.unwrap(),
        "settings": (wallet.auto_lock(), wallet.permit2()),
        "payments": desk.payments(view::FilterView::default()).await.unwrap().payments,
        "vault": std::fs::read_to_string(funded.house.dir.path().join("vault.json")).unwrap(),
    })
}

/// Status and answer of `POST /v1/{name}`.
async fn post(socket: &std::path::Path, name: &str, body: &Value) -> (u16, Value) {
    let stream = tokio::net::UnixStream::connect(socket).await.unwrap();
    let io = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
    tokio::spawn(connection);
    let request = hyper::Request::post(format!("/v1/{name}"))
        .header("host", "localhost")
        .header("content-type", "application/json")
        .body(Full::new(bytes::Bytes::from(body.to_string())))
        .unwrap();
    let answer = sender.send_request(request).await.unwrap();
    let status = answer.status().as_u16();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

/// What each verb that needs the passphrase is called with here, without it: a call that would go through. `None`: it
/// needs none, or another proof than the passphrase.
fn widening(name: &str, it: &Named) -> Option<Value> {
    let rule = |mode: Value| json!({"rule": {"appId": it.app, "siteKey": null, "network": "tron:nile", "token": USDT, "mode": mode}});
    let key = "11".repeat(32);
    Some(match name {
        "unlock" | "reveal-words" => json!({}),
        "remember-unlock" => json!({"atStart": false}),
        "change-passphrase" => json!({"new": "another passphrase"}),
        "set-auto-lock" => json!({"minutes": 0}),
        "add-account" => json!({"name": "More"}),
        "watch-account" => json!({"name": "Cold", "account": it.stranger}),
        "import-key" => json!({"name": "Warm", "key": key}),
        "import-keystore" => json!({"name": "Warmer", "keystore": it.keystore, "itsPassphrase": "for the file"}),
        "rename-account" => json!({"account": it.account, "name": "Renamed"}),
        "hide-account" => json!({"account": it.second, "hidden": true}),
        "place-account" => json!({"account": it.second, "at": 0}),
        "use-account" => json!({"account": it.second}),
        "choose-payer" => json!({"appId": it.app, "siteKey": null, "account": it.second}),
        "remove-account" => json!({"account": it.imported}),
        "reveal-key" => json!({"account": it.account}),
        "export-keystore" => json!({"account": it.account, "new": "for the file"}),
        "answer" => json!({
            "id": it.question.0, "digest": it.question.1,
            "answer": {"kind": "approve", "scope": {"kind": "once"}, "allowanceTotal": null},
        }),
        "set-rule" => rule(
            json!({"kind": "allow", "perPayment": null, "perDay": "5", "perMonth": null, "covers": "claimedAndVerified"}),
        ),
        "remove-rule" => json!({"appId": it.app, "siteKey": it.blocked, "network": "tron:nile", "token": USDT}),
        "block-site" => json!({"siteKey": it.blocked, "blocked": false, "wholeHost": false}),
        "answer-pairing" => json!({"id": it.pairing, "approve": true}),
        "add-token" => json!({"network": "tron:nile", "token": it.token}),
        "set-permit2" => json!({"set": "second", "siteKey": null}),
        "start-prune" => {
            json!({"input": {"olderThan": "2y", "siteKey": null, "noted": true, "dryRun": false, "timeZone": "UTC"}})
        }
        "start-vacuum" | "redate-ledger" => json!({}),
        _ => return None,
    })
}

/// What the calls are about.
struct Named {
    app: String,
    account: String,
    second: String,
    imported: String,
    stranger: String,
    keystore: String,
    question: (String, String),
    pairing: String,
    blocked: String,
    token: String,
}

async fn prepared(funded: &Funded) -> Named {
    let (house, desk) = (&funded.house, funded.house.owner.desk());
    let typed = || wallet::Passphrase::new(PASSPHRASE.to_owned());
    let token = house.pair("reader").await;
    let account = desk.status().await.accounts[0].address.address.clone();
    let second = desk.add_account("Second", typed()).await.unwrap().accounts[1].address.address.clone();
    let key = "22".repeat(32);
    let imported =
        desk.import_key("Imported", key, PASSPHRASE.into()).await.unwrap().accounts[2].address.address.clone();
    let passing = desk.import_key("Passing", "33".repeat(32), PASSPHRASE.into()).await.unwrap();
    let passing = passing.accounts[3].address.address.clone();
    let keystore = desk.export_keystore(&passing, PASSPHRASE.into(), "for the file".into()).await.unwrap();
    desk.remove_account(&passing, PASSPHRASE.into()).await.unwrap();
    let app = desk.apps().await.unwrap()[0].id.clone();
    let url = "https://news.example/report";
    let asked = client().post(house.url("/v1/payments")).bearer_auth(&token);
    let body = json!({"request": {"method": "GET", "url": url}, "paymentRequired": offer(url, 1)});
    assert_eq!(asked.json(&body).send().await.unwrap().status(), 202);
    let question = desk.questions().await.unwrap().remove(0);
    let blocked = "https://blocked.example".to_owned();
    desk.block_site(&blocked, true, false).await.unwrap();
    let block = view::RuleInput {
        app_id: app.clone(),
        site_key: Some(blocked.clone()),
        network: "tron:nile".into(),
        token: USDT.into(),
        mode: view::ModeView::Block,
    };
    desk.set_rule(block).await.unwrap();
    let pairing = client().post(house.url("/v1/pairings")).json(&json!({"name": "gallery"})).send().await.unwrap();
    assert_eq!(pairing.status(), 202);
    Named {
        app,
        account,
        second,
        imported,
        stranger: tron::Address::from_bytes([9; 20]).to_string(),
        keystore,
        question: (question.id, question.digest),
        pairing: desk.pairings().await.unwrap()[0].id.clone(),
        blocked,
        token: devnet::AUTHORIZED_USD.to_string(),
    }
}

#[test]
fn every_verb_of_the_socket_is_in_the_one_table_with_its_class() {
    for (name, class) in verb::ALL {
        let known = of_socket(name).unwrap_or_else(|| panic!("{name} is in no class: crates/view/src/verbs.rs"));
        assert_eq!(known.class, *class, "{name}");
    }
    let there: BTreeSet<_> = verb::ALL.iter().map(|(name, _)| *name).collect();
    let told: BTreeSet<_> = view::verbs::VERBS.iter().filter_map(|verb| verb.socket).collect();
    assert_eq!(there, told);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_widens_or_acts_outside_does_nothing_without_the_passphrase_and_proving_it_unlocks_nothing() {
    let funded = Funded::open().await;
    let it = prepared(&funded).await;
    let (desk, socket) = (funded.house.owner.desk(), funded.house.owner.runtime().control_socket.clone().unwrap());
    let calls: Vec<(&str, Value)> = verb::ALL
        .iter()
        .filter_map(|(name, class)| {
            let needs = of_socket(name).unwrap().needs;
            let by_passphrase = matches!(needs, Needs::Passphrase | Needs::PassphraseUnless(_));
            let call = widening(name, &it);
            assert_eq!(call.is_some(), by_passphrase, "{name}: give this test a call of it");
            assert!(!by_passphrase || class.takes_proof(), "{name}");
            Some((*name, call?))
        })
        .collect();
    assert!(calls.len() > 20);
    let before = state(&funded).await;
    // An unlock between the two: it ends the count of wrong tries, which would ask for a pause.
    for locked in [true, false] {
        match locked {
            true => desk.lock(),
            false => drop(desk.unlock(PASSPHRASE.into()).await.unwrap()),
        }
        for (name, call) in &calls {
            for (how, passphrase, status) in [("none", None, 400), ("a wrong one", Some("a wrong guess"), 403)] {
                // Wrong ones cost time, and all of them are told by the same look at the file.
                if passphrase.is_some() && !["set-rule", "reveal-key"].contains(name) {
                    continue;
                }
                let mut call = call.clone();
                let field = if *name == "change-passphrase" { "current" } else { "passphrase" };
                if let Some(passphrase) = passphrase {
                    call[field] = passphrase.into();
                }
                let (found, answer) = post(&socket, name, &call).await;
                assert_eq!(found, status, "{name} with {how}, locked: {locked}: {answer}");
                let told = if passphrase.is_some() { "WRONG_PASSPHRASE" } else { "BAD_REQUEST" };
                assert_eq!(answer["code"], told, "{name}: {answer}");
                assert_eq!(desk.wallet().is_locked(), locked, "{name} with {how}");
            }
        }
        assert_eq!(state(&funded).await, before, "locked: {locked}");
    }
    desk.lock();
    // With it they go through and leave the locked wallet locked, but for the unlock. What changes the passphrase or
    // loses what others need comes last.
    let last = ["answer", "remove-account", "change-passphrase", "unlock"];
    let mut calls = calls;
    calls.sort_by_key(|(name, _)| last.iter().position(|l| l == name).map_or(0, |at| at + 1));
    for (name, mut call) in calls {
        // Whether a keyring answers is this machine's matter.
        if name == "remember-unlock" {
            continue;
        }
        let field = if name == "change-passphrase" { "current" } else { "passphrase" };
        call[field] = if name == "unlock" { "another passphrase".into() } else { PASSPHRASE.into() };
        let (status, answer) = post(&socket, name, &call).await;
        assert_eq!(status, 200, "{name}: {answer}");
        assert_eq!(desk.wallet().is_locked(), name != "unlock", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_refused_for_another_reason_leaves_a_locked_wallet_locked() {
    let funded = Funded::open().await;
    let it = prepared(&funded).await;
    let (desk, socket) = (funded.house.owner.desk(), funded.house.owner.runtime().control_socket.clone().unwrap());
    desk.lock();
    let allow =
        json!({"kind": "allow", "perPayment": null, "perDay": "5", "perMonth": null, "covers": "claimedAndVerified"});
    let rule = |network: &str, token: &str| {
        json!({"rule": {"appId": it.app, "siteKey": null, "network": network, "token": token, "mode": allow},
            "passphrase": PASSPHRASE})
    };
    for (name, call) in [
        ("set-rule", rule("tron:nowhere", USDT)),
        ("set-rule", rule("tron:nile", &it.stranger)),
        ("use-account", json!({"account": it.stranger, "passphrase": PASSPHRASE})),
        ("choose-payer", json!({"appId": it.app, "siteKey": null, "account": it.stranger, "passphrase": PASSPHRASE})),
        ("rename-account", json!({"account": it.stranger, "name": "x", "passphrase": PASSPHRASE})),
        ("remove-account", json!({"account": it.account, "passphrase": PASSPHRASE})),
        ("import-key", json!({"name": "x", "key": "no key", "passphrase": PASSPHRASE})),
        ("add-token", json!({"network": "tron:nile", "token": it.stranger, "passphrase": PASSPHRASE})),
        ("set-permit2", json!({"set": "third", "siteKey": null, "passphrase": PASSPHRASE})),
        (
            "block-site",
            json!({"siteKey": "not a site", "blocked": false, "wholeHost": false, "passphrase": PASSPHRASE}),
        ),
        ("answer-pairing", json!({"id": "0", "approve": true, "passphrase": PASSPHRASE})),
        (
            "answer",
            json!({"id": it.question.0, "digest": "00".repeat(32), "passphrase": PASSPHRASE,
            "answer": {"kind": "approve", "scope": {"kind": "once"}, "allowanceTotal": null}}),
        ),
    ] {
        let (status, answer) = post(&socket, name, &call).await;
        assert!((400..600).contains(&status), "{name}: {status} {answer}");
        assert!(desk.wallet().is_locked(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_a_block_widens_and_what_blocks_or_asks_narrows() {
    let funded = Funded::open().await;
    let it = prepared(&funded).await;
    let socket = funded.house.owner.runtime().control_socket.clone().unwrap();
    let rule = |site: Option<&str>, mode: &str| json!({"rule": {"appId": it.app, "siteKey": site, "network": "tron:nile", "token": USDT, "mode": {"kind": mode}}});
    let removal = |site: Option<&str>| json!({"appId": it.app, "siteKey": site, "network": "tron:nile", "token": USDT});
    let blocked = Some(it.blocked.as_str());
    for (name, call, status) in [
        ("set-rule", rule(blocked, "ask"), 400),
        ("remove-rule", removal(blocked), 400),
        ("set-rule", rule(blocked, "block"), 200),
        ("set-rule", rule(None, "ask"), 200),
        ("remove-rule", removal(None), 200),
        ("set-rule", rule(None, "block"), 200),
        ("set-rule", rule(None, "ask"), 400),
        ("block-site", json!({"siteKey": it.blocked, "blocked": true, "wholeHost": true}), 200),
        ("block-site", json!({"siteKey": it.blocked, "blocked": false, "wholeHost": true}), 400),
        ("answer-pairing", json!({"id": it.pairing, "approve": false}), 200),
        ("revoke-app", json!({"id": it.app}), 200),
        (
            "start-prune",
            json!({"input": {"olderThan": "2y", "siteKey": null, "noted": true, "dryRun": true, "timeZone": "UTC"}}),
            200,
        ),
    ] {
        let (found, answer) = post(&socket, name, &call).await;
        assert_eq!(found, status, "{name} {call}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_process_writes_no_file_that_a_caller_names() {
    let funded = Funded::open().await;
    let socket = funded.house.owner.runtime().control_socket.clone().unwrap();
    let target = funded.house.dir.path().join("authorized_keys");
    let input = json!({"filter": {}, "format": "csv", "path": target, "replace": true});
    for name in ["start-export", "export", "cancel-export", "save-keystore", "export-stream"] {
        for body in [json!({ "input": input }), input.clone(), json!({"id": "0", "path": target})] {
            let (status, answer) = post(&socket, name, &body).await;
            assert!((400..500).contains(&status), "{name}: {status} {answer}");
        }
    }
    assert!(!target.exists());
    // It streams, and says when it is whole.
    let call = Client::new(&socket);
    let export = verb::ExportStream { filter: view::FilterView::default(), format: view::ExportFormat::Json };
    let pieces: Vec<_> = futures::StreamExt::collect(call.export(&export).await.unwrap()).await;
    let bytes: Vec<u8> = pieces.into_iter().flat_map(|piece| piece.unwrap().bytes).collect();
    assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), json!([]));
}
