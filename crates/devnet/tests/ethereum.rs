//! JSON-RPC's reads and TronGrid's list of token transfers tell what the node's own answers tell.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of tests fails the test")]

mod support;

use serde_json::{Value, json};
use support::{Net, TRX, USDT, address, key};
use tron::{Amount, abi};

async fn ask(net: &Net, method: &str, params: Value) -> Value {
    net.post("jsonrpc", json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params })).await
}

/// A chain with one payment of 7 units to bob and one of 9 from bob back, each in its block; both receipts.
async fn paid() -> (Net, [Value; 2]) {
    let net = Net::funded().await;
    let (alice, bob) = (key(1), key(2));
    let there = net.call(&alice, address(USDT), abi::transfer(bob.address(), Amount::from_u64(9))).await;
    let back = net.call(&bob, address(USDT), abi::transfer(alice.address(), Amount::from_u64(7))).await;
    (net, [there, back])
}

#[tokio::test]
async fn a_transaction_its_receipt_and_its_block_agree() {
    let (net, [there, _]) = paid().await;
    let id = format!("0x{}", there["id"].as_str().unwrap());
    let number = format!("{:#x}", there["blockNumber"].as_u64().unwrap());
    let transaction = ask(&net, "eth_getTransactionByHash", json!([id])).await["result"].clone();
    let receipt = ask(&net, "eth_getTransactionReceipt", json!([id])).await["result"].clone();
    let block = ask(&net, "eth_getBlockByNumber", json!([number, true])).await["result"].clone();
    assert_eq!(block["transactions"][0], transaction);
    for of in [&transaction, &receipt] {
        assert_eq!((&of["blockHash"], &of["blockNumber"]), (&block["hash"], &json!(number)));
        assert_eq!(of["to"], address(USDT).to_evm_hex());
        assert_eq!(of["from"], key(1).address().to_evm_hex());
    }
    let energy = there["receipt"]["energy_usage_total"].as_u64().unwrap();
    assert_eq!((&receipt["gasUsed"], &receipt["status"]), (&json!(format!("{energy:#x}")), &json!("0x1")));
    assert_eq!(receipt["logs"][0]["data"], format!("0x{:064x}", 9));
    assert_eq!(ask(&net, "eth_getBlockByHash", json!([block["hash"], true])).await["result"], block);
    assert_eq!(ask(&net, "eth_getBlockTransactionCountByNumber", json!([number])).await["result"], "0x1");
    for (method, params) in [
        ("eth_getTransactionReceipt", json!([format!("0x{}", "0".repeat(64))])),
        ("eth_getTransactionByHash", json!([format!("0x{}", "0".repeat(64))])),
        ("eth_getBlockByNumber", json!(["0xfffffffff", false])),
    ] {
        assert_eq!(ask(&net, method, params).await["result"], Value::Null, "{method}");
    }
}

#[tokio::test]
async fn logs_are_found_by_contract_topic_and_block() {
    let (net, [there, back]) = paid().await;
    let count = async |filter: Value| {
        let found = ask(&net, "eth_getLogs", json!([filter])).await;
        found["result"].as_array().unwrap_or_else(|| panic!("{found}")).len()
    };
    let block = |receipt: &Value| format!("{:#x}", receipt["blockNumber"].as_u64().unwrap());
    let topic = |of: u8| format!("0x{}{}", "0".repeat(24), hex::encode(key(of).address().bytes()));
    let all = json!({ "fromBlock": "earliest", "toBlock": "latest" });
    assert_eq!(count(all.clone()).await, 2);
    for (more, found) in [
        (json!({ "address": address(USDT).to_evm_hex() }), 2),
        (json!({ "address": [key(1).address().to_evm_hex()] }), 0),
        (json!({ "topics": [null, topic(1)] }), 1),
        (json!({ "topics": [null, null, [topic(1), topic(2)]] }), 2),
        (json!({ "topics": [null, null, null, topic(1)] }), 0),
        (json!({ "fromBlock": block(&back) }), 1),
        (json!({ "toBlock": block(&there) }), 1),
        (json!({ "fromBlock": block(&back), "toBlock": block(&there) }), 0),
        (json!({ "toBlock": "0xfffffffff" }), 2),
    ] {
        let mut filter = all.clone();
        filter.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(count(filter.clone()).await, found, "{filter}");
    }
}

#[tokio::test]
async fn state_is_told_of_the_newest_block_and_errors_have_their_codes() {
    let (net, _) = paid().await;
    let (usdt, alice) = (address(USDT).to_evm_hex(), key(1).address());
    let slot = ask(&net, "eth_getStorageAt", json!([usdt, "0x2", "latest"])).await;
    assert_eq!(slot["result"], format!("0x{:064x}", 6));
    let long = format!("0x41{}", &alice.to_evm_hex()[2..]);
    let held = ask(&net, "eth_getBalance", json!([alice.to_evm_hex(), "latest"])).await;
    assert_eq!(ask(&net, "eth_getBalance", json!([long, "latest"])).await, held);
    assert_eq!(ask(&net, "eth_getCode", json!([alice.to_evm_hex(), "latest"])).await["result"], "0x");
    let too_much = hex::encode(abi::transfer(key(2).address(), Amount::from_u64(u64::MAX)));
    let call = |to: String, data: &str| json!([{ "from": alice.to_evm_hex(), "to": to, "data": format!("0x{data}") }, "latest"]);
    for (method, params, code, words) in [
        ("eth_getBalance", json!([alice.to_string(), "latest"]), -32602, "exception decoding Hex string"),
        ("eth_getBalance", json!([alice.to_evm_hex(), "0x1"]), -32602, "QUANTITY not supported"),
        ("eth_getBalance", json!(["0x12", "latest"]), -32602, "invalid address"),
        ("eth_getCode", json!([usdt, "earliest"]), -32602, "TAG [earliest | pending | finalized] not supported"),
        (
            "eth_call",
            call(usdt.clone(), &too_much),
            -32000,
            "REVERT opcode executed: TRC20: transfer amount exceeds balance",
        ),
        ("eth_estimateGas", call(usdt.clone(), &too_much), -32000, "REVERT opcode executed"),
        ("eth_call", call(key(9).address().to_evm_hex(), ""), -32600, "Smart contract is not exist."),
        (
            "eth_sendRawTransaction",
            json!(["0x00"]),
            -32601,
            "the method eth_sendRawTransaction does not exist/is not available",
        ),
        ("eth_nonsense", json!([]), -32601, "method not found"),
    ] {
        let error = ask(&net, method, params.clone()).await["error"].clone();
        assert_eq!(error["code"], code, "{method} {params}: {error}");
        assert!(error["message"].as_str().unwrap().starts_with(words), "{error}");
    }
    let both = json!([
        { "jsonrpc": "2.0", "id": 1, "method": "eth_gasPrice", "params": [] },
        { "jsonrpc": "2.0", "id": "two", "method": "eth_syncing" },
    ]);
    let both = net.post("jsonrpc", both).await;
    assert_eq!(
        (&both[0]["result"], &both[1]["id"], &both[1]["result"]),
        (&json!("0x64"), &json!("two"), &json!(false))
    );
    assert!(net.post_raw("jsonrpc", b"{".to_vec()).await.1.contains("-32700"));
}

#[tokio::test]
async fn trongrid_lists_what_an_account_gave_and_got() {
    let (net, [there, back]) = paid().await;
    let (alice, bob) = (key(1).address(), key(2).address());
    let list = async |query: &str| net.get(&format!("v1/accounts/{alice}/transactions/trc20?{query}")).await;
    let all = list("").await;
    assert_eq!((&all["success"], &all["meta"]["page_size"]), (&json!(true), &json!(2)));
    let newest = &all["data"][0];
    assert_eq!(
        (&newest["transaction_id"], &newest["value"], &newest["type"]),
        (&back["id"], &json!("7"), &json!("Transfer"))
    );
    assert_eq!((&newest["from"], &newest["to"]), (&json!(bob.to_string()), &json!(alice.to_string())));
    assert_eq!(newest["token_info"], json!({ "symbol": "USDT", "address": USDT, "decimals": 6, "name": "Tether USD" }));
    let ids = |page: Value| -> Vec<Value> {
        page["data"].as_array().unwrap().iter().map(|one| one["transaction_id"].clone()).collect()
    };
    assert_eq!(ids(list("only_from=true").await), [there["id"].clone()]);
    assert_eq!(ids(list("only_to=true").await), [back["id"].clone()]);
    assert_eq!(ids(list("order_by=block_timestamp,asc").await), [there["id"].clone(), back["id"].clone()]);
    assert_eq!(ids(list(&format!("contract_address={USDT}&limit=1")).await), [back["id"].clone()]);
    let next = list("limit=1").await["meta"]["fingerprint"].as_str().unwrap().to_owned();
    assert_eq!(ids(list(&format!("limit=1&fingerprint={next}")).await), [there["id"].clone()]);
    assert!(ids(list("contract_address=TGjgvdTWWrybVLaVeFqSyVqJQWjxqRYbaK").await).is_empty());
    assert!(ids(list("only_confirmed=true").await).is_empty());
    assert!(ids(list(&format!("min_timestamp={}", back["blockTimeStamp"].as_u64().unwrap() + 1)).await).is_empty());
    net.devnet.mine(20);
    assert_eq!(ids(list("only_confirmed=true").await).len(), 2);
    let wrong = net.try_post("v1/accounts/nobody/transactions/trc20", &json!({})).await;
    assert!(wrong.is_err() && net.trx_balance(alice).await < 1_000 * TRX);
}
