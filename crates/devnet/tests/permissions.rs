//! Who can sign: permissions with thresholds, and what a node says where signatures are missing, wrong or not enough.
//! Memos and what they and several signatures cost.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of tests fails the test")]

mod support;

use devnet::{Fork, Options};
use serde_json::{Value, json};
use support::{Net, TRX, USDT, address, frozen, key};
use tron::{Address, Amount, abi};

/// TransferContract alone.
const TRANSFERS_ONLY: &str = "0200000000000000000000000000000000000000000000000000000000000000";

fn owner(key_of: Address, threshold: u64) -> Value {
    json!({ "type": 0, "permission_name": "owner", "threshold": threshold,
        "keys": [{ "address": key_of.to_string(), "weight": 1 }] })
}

/// Bob and carol together, for transfers.
fn pair() -> Value {
    let keys: Vec<_> = [2, 3].map(|n| json!({ "address": key(n).address().to_string(), "weight": 1 })).into();
    json!({ "type": 2, "permission_name": "pair", "threshold": 2, "operations": TRANSFERS_ONLY, "keys": keys })
}

fn change(actives: Value) -> Value {
    let alice = key(1).address();
    json!({ "owner_address": alice.to_string(), "visible": true, "owner": owner(alice, 1), "actives": actives })
}

fn pay(permission: u64) -> Value {
    json!({ "owner_address": key(1).address().to_string(), "to_address": key(2).address().to_string(), "amount": 7,
        "visible": true, "Permission_id": permission })
}

/// A funded chain on which bob and carol can pay for alice.
async fn shared() -> Net {
    let net = Net::funded().await;
    let receipt = net.done("accountpermissionupdate", change(json!([pair()])), &[&key(1)]).await;
    assert_eq!(receipt["fee"], 100_000_000);
    net
}

fn assert_signatures(answer: &Value, words: &str) {
    assert_eq!(answer["code"], "SIGERROR", "{answer}");
    let message = answer["message"].as_str().unwrap();
    assert!(message.starts_with("Validate signature error: ") && message.contains(words), "{message}");
    assert_eq!(answer["txid"].as_str().map(str::len), Some(64));
}

#[tokio::test]
async fn what_is_set_is_shown_and_counts() {
    let net = shared().await;
    let account = net.about("getaccount", key(1).address()).await;
    assert_eq!(account["owner_permission"]["threshold"], 1);
    let active = &account["active_permission"][0];
    assert_eq!((&active["id"], &active["type"], &active["threshold"]), (&json!(2), &json!("Active"), &json!(2)));
    assert_eq!((&active["permission_name"], &active["operations"]), (&json!("pair"), &json!(TRANSFERS_ONLY)));
    assert_eq!(active["keys"].as_array().unwrap().len(), 2);

    let (bob, carol, alice) = (key(2), key(3), key(1));
    assert_signatures(&net.order("createtransaction", pay(2), &[&bob]).await, "sig error");
    assert_signatures(&net.order("createtransaction", pay(2), &[&bob, &bob]).await, "has signed twice!");
    assert_signatures(&net.order("createtransaction", pay(2), &[&alice]).await, "not contained of permission");
    assert_signatures(&net.order("createtransaction", pay(2), &[&bob, &carol, &alice]).await, "Signature count is 3");
    assert_signatures(&net.order("createtransaction", pay(7), &[&alice]).await, "permission isn't exit");
    assert_signatures(&net.order("createtransaction", pay(0), &[&bob]).await, "not contained of permission");
    assert_signatures(&net.order("createtransaction", pay(0), &[]).await, "miss sig or contract");
    let many: Vec<_> = (1..=6).map(key).collect();
    let many: Vec<_> = many.iter().collect();
    assert_signatures(&net.order("createtransaction", pay(0), &many).await, "too many signatures");

    // Two signatures cost 1 TRX, and the owner pays.
    let before = net.trx_balance(alice.address()).await;
    let receipt = net.done("createtransaction", pay(2), &[&carol, &bob]).await;
    assert_eq!(receipt["fee"].as_u64().unwrap() - receipt["receipt"]["net_fee"].as_u64().unwrap_or_default(), TRX);
    assert_eq!(net.trx_balance(alice.address()).await, before - 7 - receipt["fee"].as_u64().unwrap());
    let shown = net.post("wallet/gettransactionbyid", json!({ "value": receipt["id"] })).await;
    assert_eq!(shown["raw_data"]["contract"][0]["Permission_id"], 2);
    assert_eq!(shown["signature"].as_array().unwrap().len(), 2);
    // The owner's own key still does everything.
    assert_eq!(net.done("createtransaction", pay(0), &[&alice]).await["receipt"].get("result"), None);
}

#[tokio::test]
async fn a_permission_allows_what_its_operations_say() {
    let net = shared().await;
    let data = hex::encode(abi::approve(key(2).address(), Amount::from_u64(1)));
    let call = json!({ "owner_address": key(1).address().to_string(), "contract_address": USDT, "data": data,
        "fee_limit": 100 * TRX, "visible": true, "Permission_id": 2 });
    let built = net.post("wallet/triggersmartcontract", call).await["transaction"].clone();
    let signed = Net::signed(built, &[&key(2), &key(3)]);
    assert_signatures(&net.post("wallet/broadcasttransaction", signed.clone()).await, "Permission denied");
    let weight = net.post("wallet/getsignweight", signed).await;
    assert_eq!(weight["result"]["code"], "PERMISSION_ERROR");
}

#[tokio::test]
async fn a_key_that_was_replaced_signs_nothing_any_more() {
    let net = Net::funded().await;
    let (alice, bob) = (key(1), key(2));
    let mut active = pair();
    active["threshold"] = json!(1);
    active["operations"] = "7fff1fc0033efb0f000000000000000000000000000000000000000000000000".into();
    let mut given = change(json!([active]));
    given["owner"] = owner(bob.address(), 1);
    net.done("accountpermissionupdate", given, &[&alice]).await;
    assert_signatures(&net.order("createtransaction", pay(0), &[&alice]).await, "not contained of permission");
    net.done("createtransaction", pay(0), &[&bob]).await;
    // The first permission of a fork's other branch is the old one.
    let forked = net.devnet.fork(Fork { blocks: 2, forget: true, ..Fork::default() }).unwrap();
    assert_eq!(forked.dropped.len(), 2);
    net.done("createtransaction", pay(0), &[&alice]).await;
    assert_eq!(net.about("getaccount", alice.address()).await.get("owner_permission"), None);
}

#[tokio::test]
async fn what_waits_falls_out_of_its_block_where_the_keys_have_changed() {
    let block_time = Some(std::time::Duration::from_secs(3));
    let net = Net::start(Options { block_time, ..frozen() }).await;
    net.devnet.faucet(key(1).address(), devnet::Gift::Trx(1_000 * TRX)).unwrap();
    net.devnet.faucet(key(2).address(), devnet::Gift::Trx(1_000 * TRX)).unwrap();
    let mut given = change(json!([pair()]));
    given["owner"] = owner(key(2).address(), 1);
    let first = net.order("accountpermissionupdate", given, &[&key(1)]).await;
    let second = net.order("createtransaction", pay(0), &[&key(1)]).await;
    assert_eq!((&first["result"], &second["result"]), (&json!(true), &json!(true)));
    net.devnet.mine(1);
    let receipt = async |id: &Value| net.post("wallet/gettransactioninfobyid", json!({ "value": id })).await;
    assert_eq!(receipt(&first["txid"]).await["fee"], 100_000_000);
    assert_eq!(receipt(&second["txid"]).await, json!({}));
}

#[tokio::test]
async fn permissions_that_nobody_could_use_are_refused() {
    let net = Net::funded().await;
    let with = |path: &str, value: Value| {
        let mut question = change(json!([pair()]));
        *question.pointer_mut(path).unwrap() = value;
        question
    };
    let key_of = |n: u8, weight: u64| json!({ "address": key(n).address().to_string(), "weight": weight });
    for (question, words) in [
        (with("/actives", json!([])), "active permission is missed"),
        (with("/owner", Value::Null), "owner permission is missed"),
        (with("/actives/0/threshold", json!(3)), "sum of all key's weight should not be less than threshold"),
        (with("/actives/0/threshold", json!(0)), "threshold should be greater than 0"),
        (with("/actives/0/keys", json!([])), "key's count should be greater than 0"),
        (with("/actives/0/keys", json!([key_of(2, 1), key_of(2, 1)])), "should be distinct"),
        (with("/actives/0/keys/0/weight", json!(0)), "weight should be greater than 0"),
        (with("/actives/0/operations", json!("02")), "operations size must 32"),
        (with("/actives/0/type", json!(0)), "active permission type is error"),
        (with("/actives", json!(vec![pair(); 9])), "active permission is too many"),
    ] {
        let answer = net.post("wallet/accountpermissionupdate", question).await;
        let error = answer["Error"].as_str().unwrap_or_else(|| panic!("{words}: {answer}"));
        assert!(error.starts_with("class org.tron.core.exception.ContractValidateException : "), "{error}");
        assert!(error.contains(words), "{error}");
    }
    // It costs 100 TRX, of which the building says nothing.
    let poor = key(5);
    net.devnet.faucet(poor.address(), devnet::Gift::Trx(99 * TRX)).unwrap();
    let mut question = change(json!([pair()]));
    question["owner_address"] = poor.address().to_string().into();
    let answer = net.order("accountpermissionupdate", question, &[&poor]).await;
    assert_eq!(answer["code"], "CONTRACT_EXE_ERROR", "{answer}");
}

#[tokio::test]
async fn the_weight_of_signatures_is_told_before_anything_is_sent() {
    let net = shared().await;
    let built = net.post("wallet/createtransaction", pay(2)).await;
    let ask =
        async |keys: &[&tron::PrivateKey]| net.post("wallet/getsignweight", Net::signed(built.clone(), keys)).await;
    let one = ask(&[&key(2)]).await;
    assert_eq!((&one["result"]["code"], &one["current_weight"]), (&json!("NOT_ENOUGH_PERMISSION"), &json!(1)));
    let both = ask(&[&key(2), &key(3)]).await;
    assert_eq!((&both["result"], &both["current_weight"]), (&json!({}), &json!(2)));
    assert_eq!(both["permission"]["threshold"], 2);
    let stranger = ask(&[&key(9)]).await;
    assert_eq!((&stranger["result"]["code"], stranger.get("current_weight")), (&json!("PERMISSION_ERROR"), None));
    // Who signed is told whether that counts or not.
    let approved = net.post("wallet/getapprovedlist", Net::signed(built.clone(), &[&key(9)])).await;
    assert_eq!(approved["approved_list"], json!([key(9).address().to_string()]));
}

#[tokio::test]
async fn a_memo_is_kept_shown_and_paid_for() {
    let net = Net::funded().await;
    let memo = "Rechnung 7: danke ☂";
    let mut question = pay(0);
    question["extra_data"] = memo.into();
    let receipt = net.done("createtransaction", question, &[&key(1)]).await;
    assert_eq!((&receipt["fee"], receipt["receipt"].get("net_fee")), (&json!(TRX), None));
    let shown = net.post("wallet/gettransactionbyid", json!({ "value": receipt["id"] })).await;
    assert_eq!(shown["raw_data"]["data"], hex::encode(memo));
    assert_eq!(net.trx_balance(key(1).address()).await, 1_000 * TRX - 7 - TRX);
    // Who has the sum and not the fee is told so.
    let poor = key(5);
    net.devnet.faucet(poor.address(), devnet::Gift::Trx(TRX)).unwrap();
    let mut question = pay(0);
    question["owner_address"] = poor.address().to_string().into();
    question["extra_data"] = "x".into();
    assert_eq!(net.order("createtransaction", question, &[&poor]).await["code"], "BANDWITH_ERROR");
    assert!(net.token_balance(USDT, address(USDT)).await == Amount::from_u64(0));
}
