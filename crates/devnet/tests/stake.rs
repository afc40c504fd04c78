//! What is staked, lent and taken back, and what that does to energy and bandwidth.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of tests fails the test")]

mod support;

use serde_json::{Value, json};
use std::time::Duration;
use support::{Net, TRX, USDT, address, key};
use tron::{Amount, abi};

/// A little more than one: blocks are milliseconds ahead of a clock that stands still.
const DAY: Duration = Duration::from_secs(86_401);

fn with(more: Value) -> Value {
    let mut question = json!({ "owner_address": key(1).address().to_string(), "visible": true });
    question.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    question
}

fn freeze(trx: u64, resource: &str) -> Value {
    with(json!({ "frozen_balance": trx * TRX, "resource": resource }))
}

fn lend(method: &str, trx: u64, more: Value) -> (String, Value) {
    let mut question =
        with(json!({ "receiver_address": key(2).address().to_string(), "balance": trx * TRX, "resource": "ENERGY" }));
    question.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    (method.to_owned(), question)
}

async fn refused(net: &Net, (method, question): (String, Value), words: &str) {
    let answer = net.post(&format!("wallet/{method}"), question).await;
    let error = answer["Error"].as_str().unwrap_or_else(|| panic!("{words}: {answer}"));
    assert!(
        error.starts_with("class org.tron.core.exception.ContractValidateException : ") && error.contains(words),
        "{error}"
    );
}

#[tokio::test]
async fn staked_energy_pays_for_calls_and_comes_back_over_a_day() {
    let net = Net::funded().await;
    let (alice, bob) = (key(1), key(2).address());
    net.done("freezebalancev2", freeze(100, "ENERGY"), &[&alice]).await;
    assert_eq!(net.trx_balance(alice.address()).await, 900 * TRX);
    let resources = net.about("getaccountresource", alice.address()).await;
    // Nobody else has staked: all energy is alice's.
    assert_eq!(resources["EnergyLimit"], resources["TotalEnergyLimit"]);
    assert_eq!(resources["TotalEnergyWeight"], 100);
    let account = net.about("getaccount", alice.address()).await;
    assert_eq!(account["frozenV2"], json!([{}, { "type": "ENERGY", "amount": 100 * TRX }, { "type": "TRON_POWER" }]));

    let receipt = net.call(&alice, address(USDT), abi::transfer(bob, Amount::from_u64(1))).await;
    let energy = receipt["receipt"]["energy_usage"].clone();
    assert_eq!((&receipt["receipt"]["energy_usage_total"], receipt["receipt"].get("energy_fee")), (&energy, None));
    assert_eq!(net.about("getaccountresource", alice.address()).await["EnergyUsed"], energy);
    net.devnet.clock().advance(DAY);
    assert_eq!(net.about("getaccountresource", alice.address()).await.get("EnergyUsed"), None);

    // A second staker takes a share.
    let mut bobs = freeze(300, "ENERGY");
    bobs["owner_address"] = bob.to_string().into();
    net.done("freezebalancev2", bobs, &[&key(2)]).await;
    let share = net.about("getaccountresource", alice.address()).await;
    assert_eq!(share["EnergyLimit"].as_u64().unwrap() * 4, share["TotalEnergyLimit"].as_u64().unwrap());
}

#[tokio::test]
async fn staked_bandwidth_is_used_before_the_free_one() {
    let net = Net::funded().await;
    let alice = key(1);
    net.done("freezebalancev2", freeze(10, "BANDWIDTH"), &[&alice]).await;
    let free = net.about("getaccountnet", alice.address()).await["freeNetUsed"].clone();
    let pay = with(json!({ "to_address": key(2).address().to_string(), "amount": 5 }));
    for _ in 0..5 {
        let receipt = net.done("createtransaction", pay.clone(), &[&alice]).await;
        assert_eq!(receipt.get("fee"), None, "{receipt}");
    }
    let net_of_alice = net.about("getaccountnet", alice.address()).await;
    // Of the free one only what the stake itself took, which fades meanwhile.
    assert!(net_of_alice["freeNetUsed"].as_u64() <= free.as_u64(), "{net_of_alice}");
    assert_eq!(net_of_alice.get("EnergyLimit"), None);
    assert!(net_of_alice["NetUsed"].as_u64().unwrap() > 1_000, "{net_of_alice}");
    // A new account costs its own fee and no bandwidth fee then.
    let open = with(json!({ "account_address": key(8).address().to_string() }));
    assert_eq!(net.done("createaccount", open.clone(), &[&alice]).await["fee"], TRX);
    refused(&net, ("createaccount".into(), open), "Account has existed").await;
}

#[tokio::test]
async fn lent_energy_is_the_receivers_until_it_is_taken_back() {
    let net = Net::funded().await;
    let (alice, bob) = (key(1), key(2));
    net.done("freezebalancev2", freeze(100, "ENERGY"), &[&alice]).await;
    let size = with(json!({ "type": 1 }));
    assert_eq!(net.post("wallet/getcandelegatedmaxsize", size.clone()).await["max_size"], 100 * TRX);
    let (method, question) = lend("delegateresource", 40, json!({}));
    net.done(&method, question, &[&alice]).await;
    assert_eq!(net.post("wallet/getcandelegatedmaxsize", size).await["max_size"], 60 * TRX);
    let limit = async |of| net.about("getaccountresource", of).await["EnergyLimit"].as_u64().unwrap_or_default();
    assert_eq!(limit(alice.address()).await / 60, limit(bob.address()).await / 40);
    let receipt = net.call(&bob, address(USDT), abi::approve(alice.address(), Amount::from_u64(1))).await;
    assert!(receipt["receipt"]["energy_usage"].as_u64().unwrap() > 20_000 && receipt.get("fee").is_none(), "{receipt}");
    let (of_alice, of_bob) =
        (net.about("getaccount", alice.address()).await, net.about("getaccount", bob.address()).await);
    assert_eq!(of_alice["account_resource"]["delegated_frozenV2_balance_for_energy"], 40 * TRX);
    assert_eq!(of_bob["account_resource"]["acquired_delegated_frozenV2_balance_for_energy"], 40 * TRX);
    let index = json!({ "value": bob.address().to_string(), "visible": true });
    let index = net.post("wallet/getdelegatedresourceaccountindexv2", index).await;
    assert_eq!(index["fromAccounts"], json!([alice.address().to_string()]));

    refused(&net, lend("undelegateresource", 41, json!({})), "insufficient delegatedFrozenBalance(Energy)").await;
    let (method, question) = lend("undelegateresource", 40, json!({}));
    net.done(&method, question, &[&alice]).await;
    assert_eq!(
        (limit(bob.address()).await, net.about("getaccount", alice.address()).await["frozenV2"][1]["amount"].clone()),
        (0, json!(100 * TRX))
    );
    refused(&net, lend("undelegateresource", 1, json!({})), "delegated Resource does not exist").await;
}

#[tokio::test]
async fn what_is_lent_with_a_lock_comes_back_after_it() {
    let net = Net::funded().await;
    let alice = key(1);
    net.done("freezebalancev2", freeze(100, "ENERGY"), &[&alice]).await;
    let (method, question) = lend("delegateresource", 10, json!({ "lock": true, "lock_period": 28_800 }));
    net.done(&method, question, &[&alice]).await;
    let pair = json!({ "fromAddress": alice.address().to_string(), "toAddress": key(2).address().to_string(), "visible": true });
    let lent = net.post("wallet/getdelegatedresourcev2", pair).await;
    assert!(lent["delegatedResource"][0]["expire_time_for_energy"].as_u64().is_some(), "{lent}");
    refused(&net, lend("undelegateresource", 10, json!({})), "unlock_balance=0").await;
    net.devnet.clock().advance(DAY);
    net.devnet.mine(1);
    let (method, question) = lend("undelegateresource", 10, json!({}));
    net.done(&method, question, &[&alice]).await;
}

#[tokio::test]
async fn what_is_unstaked_is_trx_again_after_fourteen_days() {
    let net = Net::funded().await;
    let alice = key(1);
    net.done("freezebalancev2", freeze(100, "ENERGY"), &[&alice]).await;
    let part = with(json!({ "unfreeze_balance": 30 * TRX, "resource": "ENERGY" }));
    net.done("unfreezebalancev2", part.clone(), &[&alice]).await;
    let left = net.post("wallet/getavailableunfreezecount", with(json!({}))).await;
    assert_eq!(left["count"], 31);
    let ready =
        net.about("getaccount", alice.address()).await["unfrozenV2"][0]["unfreeze_expire_time"].as_u64().unwrap();
    let can = async |at: u64| net.post("wallet/getcanwithdrawunfreezeamount", with(json!({ "timestamp": at }))).await;
    assert_eq!((can(ready - 1).await, can(ready).await), (json!({}), json!({ "amount": 30 * TRX })));
    refused(&net, ("withdrawexpireunfreeze".into(), with(json!({}))), "no unFreeze balance to withdraw").await;
    net.devnet.clock().advance(14 * DAY);
    net.devnet.mine(1);
    let receipt = net.done("withdrawexpireunfreeze", with(json!({})), &[&alice]).await;
    assert_eq!(receipt["withdraw_expire_amount"], 30 * TRX);
    assert_eq!(net.trx_balance(alice.address()).await, 930 * TRX);
    // What is under way can be staked again.
    net.done("unfreezebalancev2", part, &[&alice]).await;
    net.done("cancelallunfreezev2", with(json!({})), &[&alice]).await;
    assert_eq!(net.about("getaccount", alice.address()).await["frozenV2"][1]["amount"], 70 * TRX);
}

#[tokio::test]
async fn stakes_that_can_not_be_are_refused_with_a_nodes_words() {
    let net = Net::funded().await;
    let of = |method: &str, question: Value| (method.to_owned(), question);
    let unfreeze = |sun: u64| with(json!({ "unfreeze_balance": sun, "resource": "ENERGY" }));
    refused(&net, of("freezebalancev2", freeze(0, "ENERGY")), "frozenBalance must be positive").await;
    refused(&net, of("freezebalancev2", freeze(1_001, "ENERGY")), "less than or equal to accountBalance").await;
    let half = with(json!({ "frozen_balance": TRX / 2, "resource": "ENERGY" }));
    refused(&net, of("freezebalancev2", half), "greater than or equal to 1 TRX").await;
    refused(&net, of("freezebalancev2", freeze(1, "TRON_POWER")), "ResourceCode error").await;
    refused(&net, of("unfreezebalancev2", unfreeze(TRX)), "no frozenBalance(Energy)").await;
    refused(&net, of("cancelallunfreezev2", with(json!({}))), "No unfreezeV2 list to cancel").await;
    net.done("freezebalancev2", freeze(5, "ENERGY"), &[&key(1)]).await;
    refused(&net, of("unfreezebalancev2", unfreeze(6 * TRX)), "Invalid unfreeze_balance").await;
    refused(&net, lend("delegateresource", 6, json!({})), "available FreezeEnergyV2 balance").await;
    let to = |to: String| lend("delegateresource", 1, json!({ "receiver_address": to }));
    refused(&net, to(key(1).address().to_string()), "must not be the same as ownerAddress").await;
    refused(&net, to(key(7).address().to_string()), "not exists").await;
    refused(&net, to(USDT.to_owned()), "contract addresses").await;
}
