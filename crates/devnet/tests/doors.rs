//! Which port answers what, where the doors are together and where they are apart, and a node that is busy.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of tests fails the test")]

mod support;

use devnet::{Busy, Devnet, Doors, Excuse, Options, Share};
use serde_json::{Value, json};
use support::{Net, TRX, USDT, address, frozen, key};
use tron::tx::Contract;
use tron::{Amount, SignedTransaction, abi};

/// Status, kind of content and text.
async fn ask(method: reqwest::Method, url: String, body: &Value) -> (u16, String, String) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.request(method, url).json(body).send().await.unwrap();
    let kind = answer.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned()).unwrap_or_default();
    (answer.status().as_u16(), kind, answer.text().await.unwrap())
}

async fn post(base: &str, path: &str) -> (u16, String, String) {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "num": 0 });
    ask(reqwest::Method::POST, format!("{base}/{path}"), &body).await
}

fn assert_not_here((status, kind, text): (u16, String, String)) {
    assert_eq!((status, kind.as_str()), (405, "text/html;charset=iso-8859-1"));
    assert!(text.contains("<title>Error 405 HTTP method POST is not supported by this URL</title>"), "{text}");
}

/// Numbers and ids of the head and of the last final block.
fn blocks_of(info: &str) -> [(u64, String); 2] {
    let info: Value = serde_json::from_str(info).unwrap();
    ["block", "solidityBlock"].map(|name| {
        let text = info[name].as_str().unwrap().strip_prefix("Num:").unwrap();
        let (number, id) = text.split_once(",ID:").unwrap();
        (number.parse().unwrap(), id.to_owned())
    })
}

#[tokio::test]
async fn a_node_of_ones_own_has_three_ports_and_says_so_at_each() {
    let doors = Doors::Apart { solidity_port: 0, jsonrpc_port: Some(0) };
    let devnet = Devnet::start(Options { doors, ..frozen() }).await.unwrap();
    let (first, second, third) = (devnet.url(), devnet.solidity_url(), devnet.jsonrpc_url().unwrap());
    assert!(first != second && second != third && third != first);
    assert_eq!(post(&first, "wallet/getnowblock").await.0, 200);
    assert_eq!(post(&second, "walletsolidity/getnowblock").await.0, 200);
    let (status, _, text) = post(&third, "jsonrpc").await;
    assert_eq!((status, text.contains("0xcd8690dc")), (200, true));
    for (base, path) in [
        (&first, "walletsolidity/getnowblock"),
        (&first, "jsonrpc"),
        (&first, "wallet/nonsense"),
        (&second, "wallet/getnowblock"),
        (&second, "walletsolidity/broadcasthex"),
        (&second, "jsonrpc"),
        (&second, "devnet/mine"),
        (&third, "wallet/getnowblock"),
        (&third, "walletsolidity/getnowblock"),
        (&third, "wallet/getnodeinfo"),
    ] {
        assert_not_here(post(base, path).await);
    }
    let (status, _, text) = ask(reqwest::Method::GET, format!("{first}/"), &json!({})).await;
    assert_eq!((status, text.contains("Error 404 Not Found")), (404, true));
    assert_eq!(ask(reqwest::Method::PUT, format!("{first}/wallet/getnowblock"), &json!({})).await.0, 405);
}

#[tokio::test]
async fn json_rpc_can_be_switched_off_and_ports_can_be_chosen() {
    let doors = Doors::Apart { solidity_port: 0, jsonrpc_port: None };
    let devnet = Devnet::start(Options { doors, ..frozen() }).await.unwrap();
    assert_eq!(devnet.jsonrpc_url(), None);
    assert_not_here(post(&devnet.url(), "jsonrpc").await);
    assert_not_here(post(&devnet.solidity_url(), "jsonrpc").await);
    let port: u16 = devnet.solidity_url().rsplit(':').next().unwrap().parse().unwrap();
    devnet.shutdown().await;
    let doors = Doors::Apart { solidity_port: port, jsonrpc_port: None };
    let again = Devnet::start(Options { doors, ..frozen() }).await.unwrap();
    assert_eq!(again.solidity_url(), format!("http://127.0.0.1:{port}"));
    let taken = Devnet::start(Options { doors, ..frozen() }).await.unwrap_err();
    assert!(taken.to_string().starts_with(&format!("can't listen on 127.0.0.1:{port}")), "{taken}");
}

#[tokio::test]
async fn every_kind_of_door_names_the_chain_and_its_final_block() {
    for doors in [Doors::Together, Doors::Apart { solidity_port: 0, jsonrpc_port: None }] {
        let devnet = Devnet::start(Options { doors, ..frozen() }).await.unwrap();
        devnet.mine(3);
        let head = devnet.head();
        for (base, path, door) in [
            (devnet.url(), "wallet/getnodeinfo", "wallet"),
            (devnet.solidity_url(), "wallet/getnodeinfo", "walletsolidity"),
            (devnet.solidity_url(), "walletsolidity/getnodeinfo", "walletsolidity"),
        ] {
            let [(newest, id), (last, _)] = blocks_of(&post(&base, path).await.2);
            assert_eq!((newest, last), (head, head - 19), "{path}");
            assert!(id.starts_with(&format!("{head:016x}")), "{id}");
            let genesis: Value = serde_json::from_str(&post(&base, &format!("{door}/getblockbynum")).await.2).unwrap();
            let id = genesis["blockID"].as_str().unwrap();
            assert_eq!((&id[..16], &id[56..]), ("0000000000000000", "cd8690dc"));
        }
    }
}

#[tokio::test]
async fn a_busy_node_has_no_time_for_the_share_that_it_was_told() {
    let net = Net::funded().await;
    let third = Share::one_in(3);
    net.devnet.be_busy(Busy { trial_runs: third, broadcasts: Share::NONE });
    let data = abi::transfer(key(2).address(), Amount::from_u64(1));
    let mut seen = Vec::new();
    for _ in 0..6 {
        let answer = net.simulate(key(1).address(), address(USDT), &data).await;
        seen.push(answer["result"]["code"] == "OTHER_ERROR");
        if answer["result"]["code"] == "OTHER_ERROR" {
            assert!(answer["result"]["message"].as_str().unwrap().contains("OutOfTimeException : CPU timeout for"));
            assert_eq!((answer.get("energy_used"), answer["result"].get("result")), (None, None));
        }
    }
    assert_eq!(seen, [false, false, true, false, false, true]);
    assert_eq!((net.devnet.loads().trial_runs.asked, net.devnet.loads().trial_runs.busy), (6, 2));

    // In the other form the words are hex; what is built is not a trial run.
    net.post("devnet/busy", json!({ "trial_runs": { "part": 1, "of": 1 } })).await;
    let hex41 = json!({ "owner_address": key(1).address().to_hex41(), "contract_address": address(USDT).to_hex41(),
        "data": hex::encode(&data), "fee_limit": 100 * TRX });
    let answer = net.post("walletsolidity/estimateenergy", hex41.clone()).await;
    let words = hex::decode(answer["result"]["message"].as_str().unwrap()).unwrap();
    assert!(String::from_utf8(words).unwrap().contains("CPU timeout"));
    assert_eq!(net.post("wallet/triggersmartcontract", hex41).await["result"], json!({ "result": true }));
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": [{ "to": address(USDT).to_evm_hex(), "data": "0x313ce567" }, "latest"] });
    assert_eq!(net.post("jsonrpc", call).await["error"]["code"], -32000);
    let head = net.get("devnet/busy").await;
    assert_eq!(head, json!({ "trial_runs": { "asked": 2, "busy": 2 }, "broadcasts": { "asked": 0, "busy": 0 } }));
}

#[tokio::test]
async fn a_busy_node_takes_no_transaction_and_takes_it_when_it_comes_again() {
    let net = Net::funded().await;
    net.devnet.be_busy(Busy { broadcasts: Share { part: 2, of: 3 }, ..Busy::default() });
    let pay = Contract::Transfer { owner: key(1).address(), to: key(2).address(), amount_sun: TRX };
    let signed = SignedTransaction::sign(net.build(pay).await, &key(1));
    assert_eq!(net.broadcast(&signed).await["result"], true);
    let again = net.broadcast(&signed).await;
    assert_eq!((&again["code"], &again["txid"]), (&json!("SERVER_BUSY"), &json!(signed.id().to_string())));
    assert_eq!(again.get("result"), None);
    let hex = net.post("wallet/broadcasthex", json!({ "transaction": signed.to_hex() })).await;
    assert_eq!(
        (&hex["result"], &hex["code"], &hex["message"]),
        (&json!(false), &json!("SERVER_BUSY"), &json!("Server busy."))
    );
    assert_eq!(net.broadcast(&signed).await["code"], "DUP_TRANSACTION_ERROR");
    net.devnet.be_busy(Busy { broadcasts: Share::one_in(1), ..Busy::default() });
    for (excuse, code) in [
        (Excuse::NoConnection, "NO_CONNECTION"),
        (Excuse::NotEnoughEffectiveConnection, "NOT_ENOUGH_EFFECTIVE_CONNECTION"),
        (Excuse::BlockUnsolidified, "BLOCK_UNSOLIDIFIED"),
        (Excuse::ServerBusy, "SERVER_BUSY"),
    ] {
        net.devnet.excuse(excuse);
        assert_eq!(net.broadcast(&signed).await["code"], code);
        net.post("devnet/busy", json!({ "broadcasts": { "part": 1, "of": 1 }, "code": code })).await;
        assert_eq!(net.broadcast(&signed).await["code"], code);
    }
    net.devnet.be_busy(Busy::default());
    for _ in 0..4 {
        assert_eq!(net.broadcast(&signed).await["code"], "DUP_TRANSACTION_ERROR");
    }
}

#[tokio::test]
async fn a_gateway_in_front_of_the_node_answers_in_its_own_words() {
    let net = Net::funded().await;
    for (status, kind, words) in [
        (429, "application/json", "suspended"),
        (403, "application/json", "exceeded"),
        (502, "text/html", "502 Bad Gateway"),
        (504, "text/html", "504 Gateway Timeout"),
    ] {
        net.post("devnet/faults", json!({ "path": "wallet/getnowblock", "kind": { "status": status } })).await;
        let (found, content, text) = post(&net.devnet.url(), "wallet/getnowblock").await;
        assert_eq!((found, content.as_str()), (status, kind));
        assert!(text.contains(words), "{text}");
        assert_eq!(post(&net.devnet.url(), "wallet/getnowblock").await.0, 200);
    }
}
