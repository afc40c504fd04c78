//! Transactions before their block, receipts that say nothing at first, and what a node says to bytes that are none.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of tests fails the test")]

mod support;

use devnet::{Gift, Options};
use serde_json::{Value, json};
use std::time::Duration;
use support::{Net, TRX, USDT, address, frozen, key};
use tron::tx::Contract;
use tron::{Amount, SignedTransaction, abi};

async fn with_blocks() -> Net {
    let net = Net::start(Options { block_time: Some(Duration::from_secs(3)), ..frozen() }).await;
    net.devnet.faucet(key(1).address(), Gift::Trx(1_000 * TRX)).unwrap();
    net
}

async fn pay(net: &Net) -> SignedTransaction {
    let pay = Contract::Transfer { owner: key(1).address(), to: key(2).address(), amount_sun: TRX };
    SignedTransaction::sign(net.build(pay).await, &key(1))
}

#[tokio::test]
async fn what_was_sent_is_known_before_it_is_in_a_block() {
    let net = with_blocks().await;
    let (paid, failing) = (pay(&net).await, {
        let data = abi::transfer(key(2).address(), Amount::from_u64(1));
        let call = Contract::Trigger { owner: key(1).address(), contract: address(USDT), call_value_sun: 0, data };
        SignedTransaction::sign(net.build(call).await, &key(1))
    });
    assert_eq!(net.get("wallet/gettransactionlistfrompending").await, json!({}));
    for signed in [&paid, &failing] {
        assert_eq!(net.broadcast(signed).await["result"], true);
    }
    let of = |signed: &SignedTransaction| json!({ "value": signed.id().to_string() });
    for method in ["gettransactionbyid", "gettransactionfrompending"] {
        let known = net.post(&format!("wallet/{method}"), of(&paid)).await;
        assert_eq!(
            (&known["txID"], &known["ret"]),
            (&json!(paid.id().to_string()), &json!([{ "contractRet": "SUCCESS" }]))
        );
        // A node has run it already.
        let known = net.post(&format!("wallet/{method}"), of(&failing)).await;
        assert_eq!(known["ret"], json!([{ "contractRet": "REVERT" }]));
    }
    assert_eq!(net.post("wallet/gettransactioninfobyid", of(&paid)).await, json!({}));
    assert_eq!(net.post("walletsolidity/gettransactionbyid", of(&paid)).await, json!({}));
    assert_eq!(net.get("wallet/getpendingsize").await, json!({ "pendingSize": 2 }));
    let ids = json!({ "txId": [paid.id().to_string(), failing.id().to_string()] });
    assert_eq!(net.get("wallet/gettransactionlistfrompending").await, ids);
    net.devnet.mine(1);
    assert_eq!(net.post("wallet/gettransactionfrompending", of(&paid)).await, json!({}));
    assert_eq!(net.post("wallet/gettransactioninfobyid", of(&paid)).await["id"], paid.id().to_string());
    assert_eq!(net.get("wallet/getpendingsize").await, json!({ "pendingSize": 0 }));
}

#[tokio::test]
async fn receipts_can_say_nothing_at_first_each_for_itself() {
    let net = Net::funded().await;
    net.devnet.be_silent(2);
    let (one, other) = (pay(&net).await, {
        let pay = Contract::Transfer { owner: key(2).address(), to: key(1).address(), amount_sun: 3 };
        SignedTransaction::sign(net.build(pay).await, &key(2))
    });
    for signed in [&one, &other] {
        net.broadcast(signed).await;
        let of = json!({ "value": signed.id().to_string() });
        assert_eq!(net.post("wallet/gettransactionbyid", of).await["txID"], signed.id().to_string());
    }
    let seen = async |signed: &SignedTransaction| net.receipt("wallet", signed).await != json!({});
    assert_eq!((seen(&one).await, seen(&other).await, seen(&one).await), (false, false, false));
    assert_eq!((seen(&one).await, seen(&other).await, seen(&other).await), (true, false, true));
    net.post("devnet/receipts", json!({ "silent": 1 })).await;
    assert_eq!((seen(&one).await, seen(&one).await), (false, true));
    net.devnet.be_silent(0);
    assert!(seen(&other).await);
}

async fn hex(net: &Net, transaction: &str) -> Value {
    net.post("wallet/broadcasthex", json!({ "transaction": transaction })).await
}

#[tokio::test]
async fn bytes_that_are_no_transaction_get_their_own_answers() {
    let net = Net::funded().await;
    let signed = pay(&net).await;
    for nothing in [hex(&net, "").await, net.post("wallet/broadcasthex", json!({})).await] {
        assert_eq!((&nothing["result"], &nothing["code"]), (&json!(false), &json!("CONTRACT_VALIDATE_ERROR")));
        assert_eq!(nothing["message"], "Contract validate error : No contract!");
    }
    let whole = signed.to_hex();
    for torn in ["0a0b", "ff", &whole[..whole.len() - 2], &whole[..40]] {
        let error = hex(&net, torn).await["Error"].as_str().unwrap().to_owned();
        assert!(error.starts_with("class com.google.protobuf.InvalidProtocolBufferException : "), "{torn}: {error}");
    }
    let error = hex(&net, "zz").await["Error"].as_str().unwrap().to_owned();
    assert!(error.starts_with("class org.bouncycastle.util.encoders.DecoderException : "), "{error}");
    // A memo of half a megabyte is a transaction, and too big.
    let ask = json!({ "owner_address": key(1).address().to_string(), "to_address": key(2).address().to_string(), "amount": 1,
        "visible": true, "extra_data": "x".repeat(520_000) });
    let big = net.order("createtransaction", ask, &[&key(1)]).await;
    assert_eq!(big["code"], "TOO_BIG_TRANSACTION_ERROR", "{big}");
    assert!(big["message"].as_str().unwrap().ends_with("maxTxSize 512000"), "{big}");
    // A type that the devnet does not run is said to be one.
    let vote = json!({ "raw_data": { "contract": [{ "type": "VoteWitnessContract", "parameter": { "value": {
        "owner_address": key(1).address().to_hex41(), "votes": [] } } }], "ref_block_bytes": "0000" }, "signature": ["00"] });
    let answer = net.post("wallet/broadcasttransaction", vote).await;
    assert_eq!(answer["code"], "SIGERROR", "{answer}");
    assert_eq!(hex(&net, &whole).await["code"], "SUCCESS");
    assert_eq!(hex(&net, &whole).await["code"], "DUP_TRANSACTION_ERROR");
}

#[tokio::test]
async fn nobody_and_nothing_are_an_empty_object() {
    let net = Net::funded().await;
    for (path, question) in [
        ("wallet/getblockbynum", json!({ "num": -1 })),
        ("wallet/getblockbynum", json!({ "num": 1_000_000_000 })),
        ("wallet/getblockbyid", json!({ "value": "00".repeat(32) })),
        ("wallet/getaccount", json!({})),
        ("wallet/getaccount", json!({ "address": key(1).address().to_hex41()[2..] })),
        ("wallet/getaccount", json!({ "address": key(1).address().to_evm_hex() })),
        ("wallet/getaccountnet", json!({ "address": key(9).address().to_hex41() })),
        ("wallet/gettransactionbyid", json!({ "value": "12" })),
        ("wallet/getcontract", json!({ "value": key(1).address().to_hex41() })),
        ("walletsolidity/getdelegatedresourcev2", json!({})),
    ] {
        assert_eq!(net.post(path, question.clone()).await, json!({}), "{path} {question}");
    }
    assert_eq!(net.post("wallet/getblockbynum", json!({})).await["block_header"]["raw_data"].get("number"), None);
    let form = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/wallet/getaccount", net.devnet.url());
    let body = format!("address={}&visible=true", key(1).address());
    let answer =
        form.post(url).header("content-type", "application/x-www-form-urlencoded").body(body).send().await.unwrap();
    assert_eq!(answer.json::<Value>().await.unwrap()["balance"], 1_000 * TRX);
    for (text, valid, words) in [
        (USDT.to_owned(), true, "Base58check format"),
        (address(USDT).to_hex41(), true, "Hex string format"),
        (format!("{}g", &USDT[..33]), false, "Invalid address"),
        ("hello".to_owned(), false, "Length error"),
    ] {
        let answer = net.post("wallet/validateaddress", json!({ "address": text })).await;
        assert_eq!(answer, json!({ "result": valid, "message": words }));
    }
}
