//! The node client against small fake nodes: what is retried, what is refused, what is read.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use axum::{body::Body, http::StatusCode, response::IntoResponse};
use chain::{ApiKey, BroadcastError, ChainError, Config, Finality, NodeConfig, TronGrid};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use support::{Fake, address, grid, returned, status, transaction, word};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tron::{Address, Amount, Network, tx::TxId};

#[tokio::test]
async fn the_next_node_is_asked_when_one_fails() {
    let broken = Fake::start(|_, _| status(500)).await;
    let good = Fake::json(returned(&word(42))).await;
    let balance = grid(&[&broken, &good]).balance(address(1), address(2)).await;
    assert_eq!(balance, Ok(Amount::from_u64(42)));
    assert_eq!(broken.bodies().len(), 1);
    let body = &good.bodies()[0];
    assert_eq!(body["contract_address"], address(1).to_string());
    assert_eq!(body["visible"], true);
}

#[tokio::test]
async fn a_passing_failure_is_asked_again_and_a_lasting_one_is_not() {
    let busy = Fake::start({
        let turns = Mutex::new(0);
        move |_, _| {
            *turns.lock().unwrap() += 1;
            if *turns.lock().unwrap() == 1 { status(429) } else { axum::Json(returned(&word(7))).into_response() }
        }
    })
    .await;
    assert_eq!(grid(&[&busy]).balance(address(1), address(2)).await, Ok(Amount::from_u64(7)));

    let wrong = Fake::start(|_, _| status(404)).await;
    let error = grid(&[&wrong]).balance(address(1), address(2)).await.unwrap_err();
    assert!(matches!(error, ChainError::Status { status: 404, .. }), "{error}");
    assert_eq!(wrong.bodies().len(), 1);
}

#[tokio::test]
async fn the_api_key_is_a_header_and_follows_no_redirect() {
    let elsewhere = Fake::json(json!({})).await;
    let target = elsewhere.url.clone();
    let moved =
        Fake::start(move |_, _| (StatusCode::TEMPORARY_REDIRECT, [("location", target.clone())]).into_response()).await;
    let node = NodeConfig { api_key: Some(ApiKey::new("k-123")), ..NodeConfig::new(moved.url.clone()) };
    let config = Config { nodes: vec![node], ..Config::public(Network::Nile) };
    assert!(!format!("{config:?}").contains("k-123"));
    let grid = TronGrid::new(config).unwrap();
    let error = grid.head().await.unwrap_err();
    assert!(matches!(error, ChainError::Status { status: 307, .. }), "{error}");
    assert!(!format!("{error:?} {grid:?}").contains("k-123"));
    assert_eq!(moved.asked.lock().unwrap()[0].2["tron-pro-api-key"], "k-123");
    assert!(elsewhere.bodies().is_empty());
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let flood = Fake::start(|_, _| Body::from(vec![b' '; (8 << 20) + 1]).into_response()).await;
    let error = grid(&[&flood]).head().await.unwrap_err();
    assert!(matches!(error, ChainError::TooLarge { limit: 8_388_608, .. }), "{error}");
}

#[tokio::test]
async fn a_wrong_answer_names_the_field() {
    for (answer, field) in [
        (json!({ "result": { "result": true }, "constant_result": ["zz"] }), "/constant_result/0"),
        (json!({ "result": { "result": true }, "constant_result": [5] }), "/constant_result/0"),
        (returned("00"), "/constant_result/0"),
        (json!({ "result": { "result": true }, "constant_result": "00" }), "/constant_result"),
    ] {
        let node = Fake::json(answer).await;
        let error = grid(&[&node]).balance(address(1), address(2)).await.unwrap_err();
        assert!(matches!(&error, ChainError::Answer { field: f, .. } if f == field), "{error}");
    }
    let node = Fake::start(|_, _| "<html>".into_response()).await;
    let error = grid(&[&node]).head().await.unwrap_err();
    assert!(matches!(&error, ChainError::Answer { field, .. } if field == "body"), "{error}");
}

#[tokio::test]
async fn a_revert_is_an_answer_with_its_reason() {
    // Error("paused")
    let data = format!("08c379a0{}{}{}", word(32), word(6), hex::encode("paused") + &"0".repeat(52));
    let reverted = json!({
        "result": { "result": true, "message": hex::encode("REVERT opcode executed") },
        "constant_result": [data], "energy_used": 900, "transaction": { "ret": [{ "ret": "FAILED" }] }
    });
    let node = Fake::json(reverted).await;
    let run = grid(&[&node]).simulate(address(2), address(1), vec![1, 2, 3, 4]).await.unwrap();
    assert_eq!((run.ok, run.revert.as_deref(), run.energy), (false, Some("paused"), 900));
    let error = grid(&[&node]).call(address(1), vec![1, 2, 3, 4]).await.unwrap_err();
    assert_eq!(error, ChainError::Reverted { reason: "paused".into() });
}

#[tokio::test]
async fn no_contract_is_a_refusal_and_no_account_has_nothing() {
    let message = "Contract validate error : Smart contract is not exist.";
    let node = Fake::start(move |path, _| {
        let answer = match path {
            "/wallet/triggerconstantcontract" => {
                json!({ "result": { "code": "CONTRACT_VALIDATE_ERROR", "message": hex::encode(message) } })
            }
            "/wallet/getblockbynum" => json!({ "blockID": format!("{}cd8690dc", "0".repeat(56)) }),
            _ => json!({}),
        };
        axum::Json(answer).into_response()
    })
    .await;
    let grid = grid(&[&node]);
    let error = grid.balance(address(1), address(2)).await.unwrap_err();
    assert!(
        matches!(&error, ChainError::Refused { code, message: m, .. } if code == "CONTRACT_VALIDATE_ERROR" && m == message)
    );
    assert_eq!(grid.trx_balance(address(2)).await, Ok(0));
    assert_eq!(grid.has_code(address(1)).await, Ok(false));
    assert_eq!(grid.receipt(&transaction().id(), Finality::Seen).await, Ok(None));
    assert_eq!(grid.chain_id().await, Ok(Network::Nile.chain_id()));
}

#[tokio::test]
async fn a_head_is_believed_only_when_number_and_id_belong_together() {
    let block = |number: u64, id: &str| {
        json!({ "blockID": id, "block_header": { "raw_data": { "number": number, "timestamp": 1_700_000_000_000_u64 } },
                "transactions": [{ "anything": [] }] })
    };
    let id = format!("{:016x}{}", 0x0123_4567, "ab".repeat(24));
    let head = grid(&[&Fake::json(block(0x0123_4567, &id)).await]).head().await.unwrap();
    assert_eq!(head.ref_block(), ([0x45, 0x67], [0xab; 8]));
    let raw = head.transaction(transaction().raw.contract, 0, Duration::from_secs(60));
    assert_eq!(raw.expiration_ms, 1_700_000_060_000);
    let error = grid(&[&Fake::json(block(5, &id)).await]).head().await.unwrap_err();
    assert!(matches!(&error, ChainError::Answer { field, .. } if field == "/blockID"), "{error}");
}

#[tokio::test]
async fn a_receipt_is_read_with_its_logs() {
    let id = transaction().id();
    let info = json!({
        "id": id.to_string(), "fee": 345_000, "blockNumber": 9, "blockTimeStamp": 5, "contractResult": [""],
        "receipt": { "result": "SUCCESS", "energy_usage_total": 64_285 },
        "log": [{ "address": "22".repeat(20), "topics": ["dd".repeat(32)], "data": word(1) }, { "address": "22".repeat(20) }]
    });
    let receipt = grid(&[&Fake::json(info.clone()).await]).receipt(&id, Finality::Final).await.unwrap().unwrap();
    assert!(receipt.success);
    assert_eq!((receipt.block, receipt.energy, receipt.fee_sun, receipt.logs.len()), (9, 64_285, 345_000, 2));
    assert_eq!(receipt.logs[0].address, address(0x22));
    assert_eq!(receipt.logs[0].topics, [[0xdd; 32]]);

    for (change, result) in [
        (json!({ "result": "FAILED" }), "FAILED"),
        (json!({ "result": "FAILED", "receipt": { "result": "OUT_OF_ENERGY" } }), "OUT_OF_ENERGY"),
        (json!({ "receipt": {} }), ""),
        (json!({ "receipt": { "result": "" } }), ""),
        (json!({ "receipt": { "result": "DEFAULT" } }), ""),
        (json!({}), ""),
    ] {
        let mut failed = json!({ "id": id.to_string(), "blockNumber": 9 });
        failed.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let receipt = grid(&[&Fake::json(failed).await]).receipt(&id, Finality::Seen).await.unwrap().unwrap();
        assert_eq!((receipt.success, receipt.result.as_str()), (false, result));
        assert_eq!(receipt.tells(), !result.is_empty());
    }

    let other = TxId::from_bytes([1; 32]);
    let error = grid(&[&Fake::json(info).await]).receipt(&other, Finality::Seen).await.unwrap_err();
    assert!(matches!(&error, ChainError::Answer { field, .. } if field == "/id"), "{error}");
}

#[tokio::test]
async fn an_account_tells_whether_its_own_key_can_send() {
    let owner = address(2);
    let keys = |keys: &[(Address, u64)], threshold: u64| {
        let keys: Vec<_> = keys.iter().map(|(a, w)| json!({ "address": a.to_string(), "weight": w })).collect();
        json!({ "address": owner.to_string(), "balance": 7, "owner_permission": { "threshold": threshold, "keys": keys } })
    };
    for (answer, active, own_key) in [
        (json!({}), false, true),
        (json!({ "address": owner.to_string(), "balance": 7 }), true, true),
        (keys(&[(owner, 1)], 1), true, true),
        (keys(&[(address(8), 1), (owner, 2)], 2), true, true),
        (keys(&[(address(8), 1), (owner, 1)], 2), true, false),
        (keys(&[(address(8), 1), (address(9), 1)], 2), true, false),
        (keys(&[], 1), true, false),
        (
            json!({ "balance": 7, "owner_permission": { "keys": [{ "address": owner.to_hex41(), "weight": 1 }] } }),
            true,
            true,
        ),
    ] {
        let account = grid(&[&Fake::json(answer.clone()).await]).account(owner).await.unwrap();
        assert_eq!((account.active, account.own_key), (active, own_key), "{answer}");
        assert_eq!(account.trx_sun, if active { 7 } else { 0 });
    }
}

#[tokio::test]
async fn an_error_or_no_object_is_no_empty_account() {
    for answer in [json!({ "Error": "class java.lang.NullPointerException : null" }), json!([]), json!(null), json!("")]
    {
        let node = Fake::json(answer.clone()).await;
        let error = grid(&[&node]).trx_balance(address(2)).await.unwrap_err();
        assert!(error.is_silence(), "{answer}: {error}");
    }
}

#[tokio::test]
async fn a_transaction_is_sent_again_as_the_same_bytes_and_known_means_taken() {
    let lost = Fake::start(|_, _| status(502)).await;
    let known = Fake::json(json!({ "code": "DUP_TRANSACTION_ERROR", "message": hex::encode("dup") })).await;
    let sent = transaction();
    assert_eq!(grid(&[&lost, &known]).broadcast(&sent).await, Ok(()));
    assert_eq!(lost.bodies(), known.bodies());
    assert_eq!(known.bodies(), [json!({ "transaction": hex::encode(sent.to_bytes()) })]);
}

#[tokio::test]
async fn a_refusal_is_definite_only_when_no_node_may_have_taken_it() {
    let expired = || json!({ "code": "TRANSACTION_EXPIRATION_ERROR", "message": "Transaction expired" });
    let node = Fake::json(expired()).await;
    assert_eq!(grid(&[&node]).broadcast(&transaction()).await, Err(BroadcastError::Expired));
    assert_eq!(node.bodies().len(), 1);

    let lost = Fake::start(|_, _| status(502)).await;
    let error = grid(&[&lost, &node]).broadcast(&transaction()).await.unwrap_err();
    assert!(matches!(error, BroadcastError::Unknown(_)), "{error}");

    for (code, wanted) in [
        ("TAPOS_ERROR", "Tapos"),
        ("SIGERROR", "Signature"),
        ("BANDWITH_ERROR", "Funds"),
        ("OTHER_ERROR", "Unknown"),
        ("NOT_ENOUGH_EFFECTIVE_CONNECTION", "Unknown"),
        ("SERVER_BUSY", "Busy"),
        ("NO_CONNECTION", "Busy"),
        ("BLOCK_UNSOLIDIFIED", "Busy"),
    ] {
        let node = Fake::json(json!({ "result": false, "code": code })).await;
        let error = grid(&[&node]).broadcast(&transaction()).await.unwrap_err();
        assert!(format!("{error:?}").starts_with(wanted), "{code}: {error:?}");
    }
}

#[tokio::test]
async fn what_was_read_a_moment_ago_is_used_with_its_age_until_something_is_sent() {
    let node = Fake::start(|path, _| {
        axum::Json(if path == "/wallet/broadcasthex" { json!({ "result": true }) } else { returned(&word(3)) })
            .into_response()
    })
    .await;
    let grid = grid(&[&node]);
    let minute = Duration::from_secs(60);
    let (token, owner, spender) = (address(1), address(2), address(3));
    let first = grid.recent_allowance(token, owner, spender, minute).await.unwrap();
    let second = grid.recent_allowance(token, owner, spender, minute).await.unwrap();
    assert_eq!((second.value, node.bodies().len()), (first.value, 1));
    assert!(second.age >= first.age);
    grid.allowance(token, owner, spender).await.unwrap();
    assert_eq!(node.bodies().len(), 2);
    grid.broadcast(&transaction()).await.unwrap();
    grid.recent_allowance(token, owner, spender, minute).await.unwrap();
    assert_eq!(node.bodies().len(), 4);
}

#[tokio::test]
async fn a_silent_node_is_given_up_in_time() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = Config {
        timeout: Duration::from_millis(50),
        ..Config::one(Network::Nile, format!("http://{}", listener.local_addr().unwrap()))
    };
    let error = TronGrid::new(config).unwrap().head().await.unwrap_err();
    assert!(matches!(&error, ChainError::Unreachable { detail, .. } if detail == "no answer in time"), "{error}");
}

/// Run by the test below in a process of its own, whose environment names a proxy that does not exist.
#[tokio::test]
#[ignore = "started by the_proxy_of_the_system_is_never_put_in_front_of_this_machine"]
async fn behind_a_dead_proxy() {
    let node = Fake::json(returned(&word(1))).await;
    assert_eq!(grid(&[&node]).balance(address(1), address(2)).await, Ok(Amount::from_u64(1)));
    let outside = Config { timeout: Duration::from_secs(2), ..Config::one(Network::Nile, "http://node.invalid") };
    let error = TronGrid::new(outside).unwrap().head().await.unwrap_err();
    // The proxy's refusal, and not the unknown name: the question went to the proxy.
    assert!(error.to_string().to_lowercase().contains("connection refused"), "{error}");
}

#[test]
fn the_proxy_of_the_system_is_never_put_in_front_of_this_machine() {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "behind_a_dead_proxy", "--ignored", "--nocapture"])
        .envs([
            ("HTTP_PROXY", "http://127.0.0.1:1"),
            ("http_proxy", "http://127.0.0.1:1"),
            ("ALL_PROXY", "http://127.0.0.1:1"),
        ])
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A node that closes a kept connection at its second question, instead of answering. The first `at_once` connections
/// are answered together, so that all of them are kept.
async fn closes_at_the_second_question(at_once: usize, answer: Value) -> (String, Arc<Mutex<usize>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let closed = Arc::new(Mutex::new(0));
    let (counted, together) = (closed.clone(), Arc::new(tokio::sync::Barrier::new(at_once)));
    tokio::spawn(async move {
        for number in 0.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (counted, together, body) = (counted.clone(), together.clone(), answer.to_string());
            tokio::spawn(async move {
                question(&mut stream).await;
                if number < at_once {
                    together.wait().await;
                }
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
                stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
                if question(&mut stream).await {
                    *counted.lock().unwrap() += 1;
                }
            });
        }
    });
    (url, closed)
}

/// Reads one request; false when the other side closed before it was whole.
async fn question(stream: &mut tokio::net::TcpStream) -> bool {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
            if body.len() >= length.parse().unwrap() {
                return true;
            }
        }
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return false;
        }
    }
}

#[tokio::test]
async fn a_kept_connection_that_is_closed_at_the_next_question_is_no_outage() {
    const AT_ONCE: usize = 6;
    let (url, closed) = closes_at_the_second_question(AT_ONCE, json!({ "balance": 7, "result": true })).await;
    let grid = TronGrid::new(Config::one(Network::Nile, url)).unwrap();
    let owner = Address::from_bytes([7; 20]);
    let ask = || grid.trx_balance(owner);
    for sun in futures::future::join_all((0..AT_ONCE).map(|_| ask())).await {
        assert_eq!(sun, Ok(7));
    }
    // More are kept than there are rounds; the question reaches the node at once all the same.
    assert_eq!(ask().await, Ok(7));
    assert_eq!(*closed.lock().unwrap(), 1, "one was tried, then a fresh one");
    // A transaction may be handed over twice.
    assert_eq!(grid.broadcast(&transaction()).await, Ok(()));
    assert_eq!(*closed.lock().unwrap(), 2);
}
