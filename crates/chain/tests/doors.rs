//! A node of one's own, whose doors stand at several addresses or are missing, and a busy one.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use axum::{
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use chain::{BroadcastError, ChainError, Config, Door, DoorState, Finality, NodeConfig, TronGrid};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use support::{Fake, address, grid, returned, transaction, word};
use tron::{Amount, Network};

/// A chain of blocks with ids made of their numbers and a fork's byte.
#[derive(Clone, Copy)]
struct Tip {
    newest: u64,
    solid: u64,
    fork: u8,
}

fn id(number: u64, fork: u8) -> String {
    format!("{number:016x}{}", hex::encode([fork; 24]))
}

fn block(number: u64, fork: u8) -> Value {
    let id = if number == 0 { format!("{}cd8690dc", "0".repeat(56)) } else { id(number, fork) };
    json!({ "blockID": id, "block_header": { "raw_data": { "number": number, "timestamp": number * 3000 } } })
}

/// What java-tron says of a path that it does not serve there.
fn no_such_path() -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, Html("<html>Error 405 HTTP method POST is not supported by this URL</html>"))
        .into_response()
}

/// What the first door of a java-tron answers, whose contract says `value`.
fn own_door(tip: Tip, value: u64, path: &str, body: &Value) -> Response {
    let answer = match path {
        "/wallet/getnowblock" => block(tip.newest, tip.fork),
        "/wallet/getblockbynum" => block(body["num"].as_u64().unwrap(), tip.fork),
        "/wallet/getnodeinfo" => json!({
            "block": format!("Num:{},ID:{}", tip.newest, id(tip.newest, tip.fork)),
            "solidityBlock": format!("Num:{},ID:{}", tip.solid, id(tip.solid, tip.fork)),
            "configNodeInfo": { "codeVersion": "4.8.0" },
        }),
        "/wallet/gettransactioninfobyid" => {
            json!({ "id": body["value"], "blockNumber": 20, "receipt": { "result": "SUCCESS" } })
        }
        "/wallet/triggerconstantcontract" => returned(&word(value)),
        "/wallet/getcontract" if body["value"] == address(9).to_string() => json!({}),
        "/wallet/getcontract" => json!({ "bytecode": "60" }),
        _ => return no_such_path(),
    };
    axum::Json(answer).into_response()
}

/// A node with that door alone.
async fn own_node(tip: Arc<Mutex<Tip>>, value: Arc<Mutex<u64>>) -> Fake {
    Fake::start(move |path, body| {
        let (tip, value) = (*tip.lock().unwrap(), *value.lock().unwrap());
        own_door(tip, value, path, body)
    })
    .await
}

#[tokio::test]
async fn a_node_without_other_doors_says_what_is_final_by_its_own_solid_block() {
    let (tip, value) = (Arc::new(Mutex::new(Tip { newest: 30, solid: 11, fork: 1 })), Arc::new(Mutex::new(0)));
    let node = own_node(tip.clone(), value.clone()).await;
    let grid = grid(&[&node]);
    assert_eq!(grid.chain_id().await, Ok(Network::Nile.chain_id()));
    let solid = grid.head_at(Finality::Final).await.unwrap();
    assert_eq!((solid.number, solid.timestamp_ms), (11, 33_000));
    let sent = transaction().id();
    assert!(grid.receipt(&sent, Finality::Seen).await.unwrap().is_some());
    assert_eq!(grid.receipt(&sent, Finality::Final).await, Ok(None), "its block is above the solid one");
    let call = || grid.call_at(Finality::Final, address(1), vec![1]);
    assert!(matches!(call().await, Err(ChainError::NotFinalYet { .. })));
    *tip.lock().unwrap() = Tip { newest: 40, solid: 29, fork: 1 };
    assert!(grid.receipt(&sent, Finality::Final).await.unwrap().is_some());
    assert!(matches!(call().await, Err(ChainError::NotFinalYet { .. })), "block 30 is not solid yet");
    tip.lock().unwrap().solid = 30;
    assert_eq!(call().await.unwrap(), Amount::ZERO.to_be_bytes());
    // A new answer is not final before a block with it is.
    *value.lock().unwrap() = 1;
    assert!(matches!(call().await, Err(ChainError::NotFinalYet { .. })));
    *tip.lock().unwrap() = Tip { newest: 60, solid: 41, fork: 2 };
    assert!(matches!(call().await, Err(ChainError::NotFinalYet { .. })), "the block in which it was seen was dropped");
    assert!(matches!(call().await, Err(ChainError::NotFinalYet { .. })), "so that it begins anew");
    tip.lock().unwrap().solid = 60;
    assert_eq!(call().await.unwrap(), Amount::from_u64(1).to_be_bytes());
    // The missing door is not knocked at each time.
    let knocks = node.asked.lock().unwrap().iter().filter(|(path, ..)| path.starts_with("/walletsolidity")).count();
    assert_eq!(knocks, 1);
}

#[tokio::test]
async fn doors_at_other_addresses_are_asked_there() {
    let tip = Arc::new(Mutex::new(Tip { newest: 30, solid: 11, fork: 1 }));
    let first = own_node(tip, Arc::default()).await;
    let solid = Fake::start(|path, _| match path {
        "/walletsolidity/getnowblock" => axum::Json(block(12, 1)).into_response(),
        "/walletsolidity/triggerconstantcontract" => axum::Json(returned(&word(5))).into_response(),
        "/walletsolidity/gettransactioninfobyid" => axum::Json(json!({})).into_response(),
        _ => no_such_path(),
    })
    .await;
    let node = NodeConfig { solidity_url: Some(solid.url.clone()), ..NodeConfig::new(&first.url) };
    let grid = TronGrid::new(Config { nodes: vec![node], ..Config::public(Network::Nile) }).unwrap();
    assert_eq!(grid.head_at(Finality::Final).await.unwrap().number, 12);
    let called = grid.call_at(Finality::Final, address(1), vec![1]).await.unwrap();
    assert_eq!(called, Amount::from_u64(5).to_be_bytes());
    assert_eq!(grid.receipt(&transaction().id(), Finality::Final).await, Ok(None));
}

#[tokio::test]
async fn a_private_chain_is_known_by_the_id_that_it_was_given() {
    let other = |number: u64| json!({ "blockID": format!("{number:016x}{}d6f188aa", "0".repeat(40)) });
    let chain = Fake::start(move |path, _| match path {
        "/wallet/getblockbynum" => axum::Json(other(0)).into_response(),
        _ => no_such_path(),
    })
    .await;
    assert_eq!(grid(&[&chain]).chain_id().await, Ok(0xd6f1_88aa));
    let rpc = Fake::json(json!({ "jsonrpc": "2.0", "id": 1, "result": "0xcd8690dc" })).await;
    let node = NodeConfig { jsonrpc_url: Some(rpc.url.clone()), ..NodeConfig::new(&chain.url) };
    let grid = TronGrid::new(Config { nodes: vec![node], ..Config::public(Network::Nile) }).unwrap();
    assert_eq!(grid.chain_id().await, Ok(Network::Nile.chain_id()));
}

#[tokio::test]
async fn each_node_is_looked_at_by_itself() {
    let tip = Arc::new(Mutex::new(Tip { newest: 30, solid: 11, fork: 1 }));
    let own = own_node(tip, Arc::default()).await;
    let gone = NodeConfig { solidity_url: Some("http://127.0.0.1:1".into()), ..NodeConfig::new("http://127.0.0.1:1") };
    let nodes = vec![NodeConfig::new(&own.url), gone];
    let grid = TronGrid::new(Config { nodes, ..Config::public(Network::Nile) }).unwrap();
    let checks = grid.check(&[address(1), address(9)]).await;
    let [own, gone] = &checks[..] else { panic!("{checks:?}") };
    let states: Vec<_> = own.doors.iter().map(|door| (door.door, matches!(door.state, DoorState::Absent))).collect();
    assert_eq!(states, [(Door::Wallet, false), (Door::Solidity, true), (Door::JsonRpc, true)]);
    assert!(matches!(own.doors[0].state, DoorState::Answers { .. }));
    assert_eq!((own.version.as_deref(), own.chain_id(1), own.stated), (Some("4.8.0"), Ok(0xcd86_90dc), None));
    assert_eq!((own.newest.as_ref().unwrap().number, own.solid.as_ref().unwrap().number), (30, 11));
    assert_eq!(own.missing, Ok(vec![address(9)]));
    assert!(gone.doors.iter().all(|door| matches!(door.state, DoorState::Failed(_))), "{gone:?}");
    assert!(gone.door(Door::Solidity).unwrap().set && !gone.door(Door::JsonRpc).unwrap().set);
}

#[tokio::test]
async fn a_busy_node_is_looked_at_again_before_it_is_called_unusable() {
    // Every second question is turned away.
    let turns = Mutex::new(0);
    let gate = Fake::start(move |path, body| {
        *turns.lock().unwrap() += 1;
        match *turns.lock().unwrap() % 2 {
            1 => StatusCode::TOO_MANY_REQUESTS.into_response(),
            _ => own_door(Tip { newest: 30, solid: 11, fork: 1 }, 0, path, body),
        }
    })
    .await;
    let checks = grid(&[&gate]).check(&[address(1)]).await;
    assert!(matches!(checks[0].doors[0].state, DoorState::Answers { .. }), "{checks:?}");
    assert!(matches!(checks[0].doors[1].state, DoorState::Absent), "{checks:?}");
    assert_eq!((checks[0].newest.as_ref().unwrap().number, &checks[0].missing), (30, &Ok(vec![])));
}

/// Answers the first two questions as `busy` does, and every later one well.
async fn busy_twice(busy: impl Fn() -> Response + Send + Sync + 'static, good: Value) -> Fake {
    let turns = Mutex::new(0);
    Fake::start(move |_, _| {
        *turns.lock().unwrap() += 1;
        if *turns.lock().unwrap() <= 2 { busy() } else { axum::Json(good.clone()).into_response() }
    })
    .await
}

fn timed_out() -> Value {
    let message = "class org.tron.core.vm.program.Program$OutOfTimeException : CPU timeout for 0x0a executing";
    json!({ "result": { "code": "OTHER_ERROR", "message": hex::encode(message) } })
}

#[tokio::test]
async fn a_busy_node_is_asked_again_and_never_taken_for_the_contract() {
    type Busy = Box<dyn Fn() -> Response + Send + Sync>;
    let json = |answer: Value| -> Busy { Box::new(move || axum::Json(answer.clone()).into_response()) };
    let status = |code: u16, text: &'static str| -> Busy {
        Box::new(move || (StatusCode::from_u16(code).unwrap(), text).into_response())
    };
    let cut_off = json!({
        "result": { "result": true, "message": hex::encode("CPU timeout for 0x0a executing") },
        "constant_result": [""], "transaction": { "ret": [{ "ret": "FAILED" }] }
    });
    for busy in [
        json(timed_out()),
        json(cut_off),
        json(json!({ "Error": "class java.lang.IllegalAccessException : lack of computing resources" })),
        status(429, ""),
        status(403, r#"{"Error":"The key exceeds the frequency limit(3), and the query server is suspended for 5s"}"#),
        status(502, ""),
        status(503, ""),
        status(504, ""),
    ] {
        let node = busy_twice(busy, returned(&word(7))).await;
        assert_eq!(grid(&[&node]).balance(address(1), address(2)).await, Ok(Amount::from_u64(7)));
        assert_eq!(node.bodies().len(), 3);
    }
    // For ever: it is told that the node is busy, and the next question is not kept waiting as long.
    let node = Fake::json(timed_out()).await;
    let grid = grid(&[&node]);
    let error = grid.balance(address(1), address(2)).await.unwrap_err();
    assert!(error.is_busy() && error.is_silence() && error.to_string().contains("OutOfTimeException"), "{error}");
    let asked = node.bodies().len();
    assert!(asked > 2);
    assert!(grid.balance(address(1), address(2)).await.unwrap_err().is_busy());
    assert_eq!(node.bodies().len(), asked + 1);
    // A wrong key is none.
    let node = Fake::start(|_, _| (StatusCode::FORBIDDEN, "this key is unknown").into_response()).await;
    let error = support::grid(&[&node]).balance(address(1), address(2)).await.unwrap_err();
    assert!(matches!(error, ChainError::Status { status: 403, .. }), "{error}");
}

#[tokio::test]
async fn a_node_that_understood_the_question_is_not_kept_waiting_for_a_busy_one() {
    let busy = Fake::json(timed_out()).await;
    let no = json!({ "result": { "code": "CONTRACT_VALIDATE_ERROR", "message": "Smart contract is not exist." } });
    let good = Fake::json(no).await;
    let error = grid(&[&busy, &good]).balance(address(1), address(2)).await.unwrap_err();
    assert!(matches!(&error, ChainError::Refused { code, .. } if code == "CONTRACT_VALIDATE_ERROR"), "{error}");
    assert_eq!((busy.bodies().len(), good.bodies().len()), (1, 1));
}

#[tokio::test]
async fn a_transaction_is_offered_to_a_busy_node_again_as_the_same_bytes() {
    for code in ["SERVER_BUSY", "NO_CONNECTION", "BLOCK_UNSOLIDIFIED", "NOT_ENOUGH_EFFECTIVE_CONNECTION"] {
        let busy = move || axum::Json(json!({ "result": false, "code": code })).into_response();
        let node = busy_twice(busy, json!({ "result": true })).await;
        assert_eq!(grid(&[&node]).broadcast(&transaction()).await, Ok(()), "{code}");
        let bodies = node.bodies();
        assert!(bodies.len() == 3 && bodies.iter().all(|body| *body == bodies[0]), "{code}");
    }
    // A refusal after an answer that leaves it open proves nothing.
    let turns = Mutex::new(0);
    let node = Fake::start(move |_, _| {
        *turns.lock().unwrap() += 1;
        let code = if *turns.lock().unwrap() == 1 {
            "NOT_ENOUGH_EFFECTIVE_CONNECTION"
        } else {
            "TRANSACTION_EXPIRATION_ERROR"
        };
        axum::Json(json!({ "result": false, "code": code })).into_response()
    })
    .await;
    let error = grid(&[&node]).broadcast(&transaction()).await.unwrap_err();
    assert!(matches!(error, BroadcastError::Unknown(_)), "{error}");
}

#[tokio::test]
async fn a_node_that_names_a_pause_is_left_alone_for_it() {
    let busy = || (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "3600")]).into_response();
    let node = Fake::start(move |_, _| busy()).await;
    let error = grid(&[&node]).head().await.unwrap_err();
    let ChainError::Busy { too_many: true, wait, .. } = error else { panic!("{error}") };
    assert_eq!((wait, node.bodies().len()), (Duration::from_secs(3600), 1), "longer than anybody waits");
}
