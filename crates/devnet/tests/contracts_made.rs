//! Contracts that transactions make, tried first and called afterwards, and what trial runs tell.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of tests fails the test")]

mod support;

use serde_json::{Value, json};
use support::{Net, TRX, USDT, address, key};
use tron::{Address, Amount, abi};

/// Keeps 42 in slot 0 and leaves five bytes of code that answer with it.
const CREATION: &str = "602a600055600b8060116000396000f3fe60005460005260206000f3";
const REVERTS: &str = "60006000fd";
const ABI: &str = r#"[{"type":"function","name":"kept","stateMutability":"view","inputs":[],"outputs":[{"name":"","type":"uint256"}]}]"#;

fn deploy(bytecode: &str) -> Value {
    json!({ "owner_address": key(1).address().to_string(), "visible": true, "abi": ABI, "bytecode": bytecode, "name": "Kept",
        "fee_limit": 100 * TRX, "consume_user_resource_percent": 100, "origin_energy_limit": 1_000_000, "call_value": 0 })
}

#[tokio::test]
async fn a_contract_is_made_where_the_node_said_and_can_be_called() {
    let net = Net::funded().await;
    let built = net.post("wallet/deploycontract", deploy(CREATION)).await;
    let at = Address::parse(built["contract_address"].as_str().unwrap()).unwrap();
    let receipt = net.done("deploycontract", deploy(CREATION), &[&key(1)]).await;
    let made = Address::parse(receipt["contract_address"].as_str().unwrap()).unwrap();
    assert_eq!((made, &receipt["receipt"]["result"]), (at, &json!("SUCCESS")), "{receipt}");
    // 20,000 for the slot, 200 for each byte of code, small change.
    let energy = receipt["receipt"]["energy_usage_total"].as_u64().unwrap();
    assert!((22_200..22_300).contains(&energy), "{energy}");
    assert_eq!(receipt["contractResult"], json!(["60005460005260206000f3"]));

    assert_eq!(abi::decode_amount(&net.read(at, &[]).await), Some(Amount::from_u64(42)));
    let asked = json!({ "owner_address": key(2).address().to_string(), "contract_address": at.to_string(),
        "function_selector": "kept()", "visible": true });
    // By the ABI it only reads, so that the answer comes at once.
    assert!(net.post("wallet/triggersmartcontract", asked).await["constant_result"].is_array());
    let account = net.about("getaccount", at).await;
    assert_eq!((&account["type"], &account["account_name"]), (&json!("Contract"), &json!("Kept")));
    let about = net.post("wallet/getcontract", json!({ "value": at.to_string(), "visible": true })).await;
    assert_eq!((&about["name"], &about["origin_address"]), (&json!("Kept"), &json!(key(1).address().to_string())));
    let entry = &about["abi"]["entrys"][0];
    assert_eq!((&entry["type"], &entry["stateMutability"]), (&json!("Function"), &json!("View")));
    let shown = net.post("wallet/gettransactionbyid", json!({ "value": receipt["id"] })).await;
    assert_eq!(shown["contract_address"], at.to_hex41());
    // Nobody sends TRX there by a plain transfer.
    let pay = json!({ "owner_address": key(1).address().to_string(), "to_address": at.to_string(), "amount": 1, "visible": true });
    assert!(net.post("wallet/createtransaction", pay).await["Error"].as_str().unwrap().contains("smartContract"));
}

#[tokio::test]
async fn a_creation_that_fails_leaves_nothing_but_its_receipt() {
    let net = Net::funded().await;
    let mut cheap = deploy(CREATION);
    cheap["fee_limit"] = json!(21_000 * 100);
    for (question, result) in [(deploy(REVERTS), "REVERT"), (cheap, "OUT_OF_ENERGY")] {
        let receipt = net.done("deploycontract", question, &[&key(1)]).await;
        assert_eq!((&receipt["receipt"]["result"], &receipt["result"]), (&json!(result), &json!("FAILED")));
        let at = Address::parse(receipt["contract_address"].as_str().unwrap()).unwrap();
        assert_eq!(net.about("getaccount", at).await, json!({}));
        let none = net.simulate(key(1).address(), at, &[]).await;
        assert_eq!(none["result"]["code"], "CONTRACT_VALIDATE_ERROR");
    }
    let mut greedy = deploy(CREATION);
    greedy["consume_user_resource_percent"] = json!(101);
    let refused = net.post("wallet/deploycontract", greedy).await;
    assert!(refused["Error"].as_str().unwrap().contains("percent must be >= 0 and <= 100"), "{refused}");
}

#[tokio::test]
async fn a_creation_can_be_tried_and_costs_what_the_trial_said() {
    let net = Net::funded().await;
    let question = json!({ "owner_address": key(1).address().to_string(), "data": CREATION, "visible": true });
    let tried = net.post("wallet/triggerconstantcontract", question).await;
    assert_eq!(tried["result"], json!({ "result": true }));
    assert_eq!(tried["transaction"]["raw_data"]["contract"][0]["type"], "CreateSmartContract");
    assert!(tried["transaction"]["contract_address"].is_string());
    let receipt = net.done("deploycontract", deploy(CREATION), &[&key(1)]).await;
    assert_eq!(receipt["receipt"]["energy_usage_total"], tried["energy_used"]);
    let fails = json!({ "owner_address": key(1).address().to_string(), "data": REVERTS, "visible": true });
    let tried = net.post("wallet/triggerconstantcontract", fails).await;
    assert_eq!(tried["transaction"]["ret"], json!([{ "ret": "FAILED" }]));
}

#[tokio::test]
async fn a_trial_run_tells_its_logs() {
    let net = Net::funded().await;
    let data = abi::transfer(key(2).address(), Amount::from_u64(5));
    let tried = net.simulate(key(1).address(), address(USDT), &data).await;
    assert_eq!(tried["logs"][0]["topics"].as_array().unwrap().len(), 3);
    let hex41 = json!({ "owner_address": key(1).address().to_hex41(), "contract_address": address(USDT).to_hex41(), "data": hex::encode(&data) });
    let tried = net.post("wallet/triggerconstantcontract", hex41).await;
    assert_eq!(tried["logs"][0]["address"], hex::encode(address(USDT).bytes()));
    let reads = net.simulate(key(1).address(), address(USDT), &abi::decimals()).await;
    assert_eq!(reads.get("logs"), None);
}

#[tokio::test]
async fn an_allowance_is_added_to_and_taken_from() {
    let net = Net::funded().await;
    let (alice, bob) = (key(1), key(2).address());
    let change = async |function: &str, units: u64| {
        let question = json!({ "owner_address": alice.address().to_string(), "contract_address": USDT, "visible": true,
            "function_selector": function, "fee_limit": 100 * TRX, "parameter": hex::encode(&abi::transfer(bob, Amount::from_u64(units))[4..]) });
        let built = net.post("wallet/triggersmartcontract", question).await["transaction"].clone();
        assert_eq!(net.post("wallet/broadcasttransaction", Net::signed(built, &[&alice])).await["result"], true);
        abi::decode_amount(&net.read(address(USDT), &abi::allowance(alice.address(), bob)).await).unwrap()
    };
    assert_eq!(change("increaseApproval(address,uint256)", 7).await, Amount::from_u64(7));
    assert_eq!(change("increaseApproval(address,uint256)", 5).await, Amount::from_u64(12));
    assert_eq!(change("decreaseApproval(address,uint256)", 2).await, Amount::from_u64(10));
    assert_eq!(change("decreaseApproval(address,uint256)", 99).await, Amount::from_u64(0));
}

#[tokio::test]
async fn whoever_made_a_contract_pays_its_share_of_the_energy() {
    let net = Net::funded().await;
    let (maker, user) = (key(1), key(2));
    let stake = json!({ "owner_address": maker.address().to_string(), "frozen_balance": 100 * TRX, "resource": "ENERGY", "visible": true });
    net.done("freezebalancev2", stake, &[&maker]).await;
    let mut shared = deploy(CREATION);
    shared["consume_user_resource_percent"] = json!(25);
    let at = net.done("deploycontract", shared, &[&maker]).await["contract_address"].as_str().unwrap().to_owned();
    let at = Address::parse(&at).unwrap();
    let used = async || net.about("getaccountresource", maker.address()).await["EnergyUsed"].as_u64().unwrap();
    let before = used().await;
    let receipt = net.call(&user, at, Vec::new()).await["receipt"].clone();
    let total = receipt["energy_usage_total"].as_u64().unwrap();
    assert_eq!(receipt["origin_energy_usage"], total * 3 / 4, "{receipt}");
    assert_eq!(receipt["energy_fee"], (total - total * 3 / 4) * 100);
    // What was used before has faded by the time of a block.
    assert!((total * 3 / 4 - 2..=total * 3 / 4).contains(&(used().await - before)));
    // Its own calls are all its own.
    assert_eq!(net.call(&maker, at, Vec::new()).await["receipt"].get("origin_energy_usage"), None);
}
