//! The devnet's answers have the members, types and words of those that java-tron 4.8 gave to the same questions
//! (`fixtures/answers.json`; long texts are cut there). Values such as ids, times and sums differ.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of tests fails the test")]

mod support;

use devnet::{Gift, Options};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use support::{Net, TRX, USDT, address, frozen, key};
use tron::{Amount, PrivateKey, abi};

/// What depends on how much free bandwidth is left.
const BANDWIDTH: [&str; 6] =
    ["net_usage", "net_fee", "fee", "freeNetUsed", "free_net_usage", "latest_consume_free_time"];
/// What programs read as words.
const WORDS: [&str; 8] = ["message", "Error", "code", "ret", "contractRet", "result", "type", "permission_name"];

/// Every member with its type, and the words.
fn shape(value: &Value, at: &str, name: &str, out: &mut BTreeSet<String>) {
    let kind = match value {
        Value::Object(members) if members.is_empty() => "{}",
        Value::Array(list) if list.is_empty() => "[]",
        Value::Object(members) => {
            for (name, value) in members.iter().filter(|(name, _)| !BANDWIDTH.contains(&name.as_str())) {
                shape(value, &format!("{at}.{name}"), name, out);
            }
            return;
        }
        Value::Array(list) => return list.iter().for_each(|value| shape(value, &format!("{at}[]"), name, out)),
        Value::String(text) if WORDS.contains(&name) && !text.starts_with("0x") => &plain(text),
        Value::Bool(yes) if WORDS.contains(&name) => {
            if *yes {
                "true"
            } else {
                "false"
            }
        }
        Value::String(_) => "text",
        Value::Number(_) => "number",
        Value::Bool(_) => "bool",
        Value::Null => "null",
    };
    out.insert(format!("{at}: {kind}"));
}

/// Words without the addresses and signatures in them.
fn plain(text: &str) -> String {
    let word = |word: &str| if word.len() > 30 { "…".to_owned() } else { word.to_owned() };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

fn shape_of(value: &Value) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    shape(value, "", "", &mut out);
    out
}

/// A world in which every question of the fixtures has its answer; the answers by name.
async fn answers() -> BTreeMap<&'static str, Value> {
    let block_time = Some(Duration::from_secs(3));
    let net = Net::start(Options { block_time, solidity_lag: 1, ..frozen() }).await;
    let (rich, other, fresh) = (key(1), key(2), key(3));
    let [r, o, f] = [&rich, &other, &fresh].map(|key| key.address().to_string());
    for account in [rich.address(), other.address()] {
        net.devnet.faucet(account, Gift::Trx(1_000 * TRX)).unwrap();
    }
    net.devnet.faucet(rich.address(), Gift::Token(address(USDT), Amount::from_u64(1_000_000))).unwrap();
    let sent = async |method: &str, question: Value, keys: &[&PrivateKey]| -> Value {
        let answer = net.order(method, question, keys).await;
        assert_eq!(answer["result"], true, "{method}: {answer}");
        let of = json!({ "value": answer["txid"] });
        let pending = net.post("wallet/gettransactionbyid", of.clone()).await;
        net.devnet.mine(1);
        net.devnet.clock().advance(Duration::from_secs(3));
        json!({ "pending": pending, "whole": net.post("wallet/gettransactionbyid", of.clone()).await,
            "info": net.post("wallet/gettransactioninfobyid", of).await })
    };
    let mut seen = BTreeMap::new();
    let pay = |amount: u64| json!({ "owner_address": r, "to_address": o, "amount": amount, "visible": true });
    seen.insert("createtransaction zero", net.post("wallet/createtransaction", pay(0)).await);
    seen.insert("gettransactionbyid pending", sent("createtransaction", pay(5), &[&rich]).await["pending"].take());

    let mut memo = pay(6);
    memo["extra_data"] = "order 7".into();
    let mut told = sent("createtransaction", memo.clone(), &[&rich]).await;
    seen.insert("tx memo", told["whole"].take());
    seen.insert("info memo", told["info"].take());
    memo["amount"] = 7.into();
    let built = Net::signed(net.post("wallet/createtransaction", memo).await, &[&rich]);
    let (raw, signature) = (built["raw_data_hex"].as_str().unwrap(), built["signature"][0].as_str().unwrap());
    let whole = format!("0a{}{raw}1241{signature}", varint(raw.len() / 2));
    seen.insert("broadcasthex with memo", net.post("wallet/broadcasthex", json!({ "transaction": whole })).await);
    seen.insert("broadcasthex empty", net.post("wallet/broadcasthex", json!({ "transaction": "" })).await);
    net.devnet.mine(1);

    let mut open = pay(300 * TRX);
    open["to_address"] = f.clone().into();
    sent("createtransaction", open, &[&rich]).await;
    seen.insert("getaccount new", net.about("getaccount", fresh.address()).await);

    let call = |units: u64| {
        json!({ "owner_address": r, "contract_address": USDT, "visible": true, "fee_limit": 100 * TRX,
            "data": hex::encode(abi::transfer(other.address(), Amount::from_u64(units))) })
    };
    let mut trial = call(1);
    trial.as_object_mut().unwrap().remove("fee_limit");
    seen.insert("constant transfer", net.post("wallet/triggerconstantcontract", trial).await);
    let code = json!({ "owner_address": r, "data": "6005600055", "visible": true });
    seen.insert("constant creation", net.post("wallet/triggerconstantcontract", code).await);
    let run = async |units: u64| {
        let built = net.post("wallet/triggersmartcontract", call(units)).await["transaction"].clone();
        let answer = net.post("wallet/broadcasttransaction", Net::signed(built, &[&rich])).await;
        net.devnet.mine(1);
        answer["txid"].clone()
    };
    let reverted = run(u64::MAX).await;
    seen.insert("info reverted", net.post("wallet/gettransactioninfobyid", json!({ "value": reverted })).await);
    let moved = format!("0x{}", run(5).await.as_str().unwrap());
    let ask = async |method: &str, params: Value| {
        net.post("jsonrpc", json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params })).await
    };
    seen.insert("eth_getTransactionReceipt", ask("eth_getTransactionReceipt", json!([moved])).await);
    seen.insert("eth_getBlockByNumber", ask("eth_getBlockByNumber", json!(["latest", false])).await);
    let too_much = hex::encode(abi::transfer(other.address(), Amount::from_u64(u64::MAX)));
    let too_much = json!([{ "from": rich.address().to_evm_hex(), "to": address(USDT).to_evm_hex(), "data": format!("0x{too_much}") }, "latest"]);
    seen.insert("eth_call", ask("eth_call", too_much).await);
    let contract = json!({ "value": USDT, "visible": true });
    seen.insert("getcontractinfo", net.post("wallet/getcontractinfo", contract).await);

    let keys = [&r, &o].map(|key| json!({ "address": key, "weight": 1 }));
    let owner =
        json!({ "type": 0, "permission_name": "owner", "threshold": 1, "keys": [{ "address": f, "weight": 1 }] });
    let active = json!({ "type": 2, "permission_name": "active0", "threshold": 2, "keys": keys,
        "operations": "7fff1fc0033e0000000000000000000000000000000000000000000000000000" });
    // Something that uses energy, as the recorded account had.
    let approve = json!({ "owner_address": f, "contract_address": USDT, "visible": true, "fee_limit": 100 * TRX,
        "data": hex::encode(abi::approve(other.address(), Amount::from_u64(1))) });
    let approve = net.post("wallet/triggersmartcontract", approve).await["transaction"].clone();
    net.post("wallet/broadcasttransaction", Net::signed(approve, &[&fresh])).await;
    net.devnet.mine(1);
    let change = json!({ "owner_address": f, "visible": true, "owner": owner, "actives": [active] });
    sent("accountpermissionupdate", change, &[&fresh]).await;
    seen.insert("getaccount permissions", net.about("getaccount", fresh.address()).await);
    let spend = json!({ "owner_address": f, "to_address": o, "amount": 11, "visible": true, "Permission_id": 2 });
    let built = net.post("wallet/createtransaction", spend).await;
    let one = Net::signed(built.clone(), &[&rich]);
    let both = Net::signed(built, &[&rich, &other]);
    seen.insert("getsignweight one of two", net.post("wallet/getsignweight", one.clone()).await);
    seen.insert("broadcast one of two", net.post("wallet/broadcasttransaction", one).await);
    seen.insert("getapprovedlist both", net.post("wallet/getapprovedlist", both).await);
    let strangers = Net::signed(net.post("wallet/createtransaction", pay(9)).await, &[&other]);
    seen.insert("getsignweight wrong key", net.post("wallet/getsignweight", strangers).await);

    let stake = json!({ "owner_address": r, "frozen_balance": 100 * TRX, "resource": "ENERGY", "visible": true });
    sent("freezebalancev2", stake, &[&rich]).await;
    seen.insert("getaccountresource staked", net.about("getaccountresource", rich.address()).await);
    let lend = json!({ "owner_address": r, "receiver_address": o, "balance": 10 * TRX, "resource": "ENERGY", "visible": true });
    sent("delegateresource", lend, &[&rich]).await;
    let pair = json!({ "fromAddress": r, "toAddress": o, "visible": true });
    seen.insert("getdelegatedresourcev2", net.post("wallet/getdelegatedresourcev2", pair).await);
    let of = json!({ "value": r, "visible": true });
    seen.insert("getdelegatedresourceaccountindexv2", net.post("wallet/getdelegatedresourceaccountindexv2", of).await);
    seen
}

fn varint(length: usize) -> String {
    assert!((128..16_384).contains(&length));
    format!("{:02x}{:02x}", length & 0x7f | 0x80, length >> 7)
}

#[tokio::test]
async fn answers_have_the_members_types_and_words_of_a_nodes() {
    let recorded: BTreeMap<String, Value> = serde_json::from_str(include_str!("fixtures/answers.json")).unwrap();
    let seen = answers().await;
    let mut wrong = Vec::new();
    for (name, answer) in &recorded {
        let here = seen.get(name.as_str()).unwrap_or_else(|| panic!("{name} is not asked"));
        let (there, here) = (shape_of(answer), shape_of(here));
        let (missing, extra): (Vec<_>, Vec<_>) = (there.difference(&here).collect(), here.difference(&there).collect());
        if !missing.is_empty() || !extra.is_empty() {
            wrong.push(format!("{name}: missing {missing:#?}, too much {extra:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(recorded.len(), seen.len());
}
