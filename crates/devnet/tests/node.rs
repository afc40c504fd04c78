//! Stories of the node: what it refuses and how, blocks and finality, time, planned failures, nonsense.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of tests fails the test")]

mod support;

use devnet::{Devnet, Fault, Gift, Options};
use serde_json::{Value, json};
use std::time::Duration;
use support::{NOW_MS, Net, TRX, USDT, address, frozen, key};
use tron::tx::Contract;
use tron::{Address, Amount, RawTransaction, SignedTransaction, abi};

const BLOCK: Duration = Duration::from_secs(3);

fn pay_bob(amount_sun: u64) -> Contract {
    Contract::Transfer { owner: key(1).address(), to: key(2).address(), amount_sun }
}

fn assert_refused(answer: &Value, code: &str, message: &str) {
    assert_eq!(answer["code"], code, "{answer}");
    assert_eq!(answer.get("result"), None, "a node leaves false out");
    let text = String::from_utf8(hex::decode(answer["message"].as_str().unwrap()).unwrap()).unwrap();
    assert!(text.contains(message), "{text}");
}

/// The answer to alice's transfer after `change`.
async fn broadcast_changed(net: &Net, change: impl FnOnce(&mut RawTransaction)) -> Value {
    let mut raw = net.build(pay_bob(1)).await;
    change(&mut raw);
    net.broadcast(&SignedTransaction::sign(raw, &key(1))).await
}

#[tokio::test]
async fn the_same_transaction_is_taken_once() {
    let net = Net::funded().await;
    let signed = SignedTransaction::sign(net.build(pay_bob(TRX)).await, &key(1));
    assert_eq!(net.broadcast(&signed).await, json!({ "result": true, "txid": signed.id().to_string() }));
    assert_refused(&net.broadcast(&signed).await, "DUP_TRANSACTION_ERROR", "Dup transaction.");
    let hex = net.post("wallet/broadcasthex", json!({ "transaction": signed.to_hex() })).await;
    assert_eq!((&hex["result"], &hex["code"]), (&json!(false), &json!("DUP_TRANSACTION_ERROR")));
    assert_eq!(net.trx_balance(key(2).address()).await, 1001 * TRX);
}

#[tokio::test]
async fn a_reference_to_no_block_of_this_chain_is_refused() {
    let net = Net::funded().await;
    let answer = broadcast_changed(&net, |raw| raw.ref_block_hash[0] ^= 1).await;
    assert_refused(&answer, "TAPOS_ERROR", "Tapos check error.");
    let answer = broadcast_changed(&net, |raw| raw.ref_block_bytes[1] ^= 1).await;
    assert_refused(&answer, "TAPOS_ERROR", "Tapos check error.");
}

#[tokio::test]
async fn an_expired_transaction_and_one_valid_for_more_than_a_day_are_refused() {
    let net = Net::funded().await;
    let (_, _, head_ms) = net.head().await;
    for expiration in [0, head_ms, head_ms + 86_400_001] {
        let answer = broadcast_changed(&net, |raw| raw.expiration_ms = expiration).await;
        assert_refused(&answer, "TRANSACTION_EXPIRATION_ERROR", "Transaction expired");
    }
    for expiration in [head_ms + 1_000, head_ms + 86_400_000] {
        assert_eq!(broadcast_changed(&net, |raw| raw.expiration_ms = expiration).await["result"], true);
    }
}

#[tokio::test]
async fn only_the_owners_signature_counts() {
    let net = Net::funded().await;
    let raw = net.build(pay_bob(1)).await;
    let strangers = SignedTransaction::sign(raw.clone(), &key(2));
    let message = format!("is signed by {} but it is not contained of permission", key(2).address());
    assert_refused(&net.broadcast(&strangers).await, "SIGERROR", &message);
    let unsigned = SignedTransaction { raw, signatures: Vec::new() };
    assert_refused(&net.broadcast(&unsigned).await, "SIGERROR", "miss sig");
    let mut broken = strangers.to_json();
    broken["signature"] = json!(["00"]);
    assert_refused(&net.post("wallet/broadcasttransaction", broken).await, "SIGERROR", "Signature size is 1");
    assert_eq!(net.trx_balance(key(1).address()).await, 1000 * TRX);
}

#[tokio::test]
async fn what_the_account_can_not_do_is_refused_before_any_block() {
    let net = Net::funded().await;
    let alice = key(1).address();
    let call = |contract, call_value_sun| Contract::Trigger {
        owner: alice,
        contract,
        call_value_sun,
        data: abi::transfer(key(2).address(), Amount::from_u64(1)),
    };
    let usdt = address(USDT);
    for (contract, message) in [
        (pay_bob(1000 * TRX + 1), "balance is not sufficient"),
        (pay_bob(0), "Amount must be greater than 0."),
        (Contract::Transfer { owner: alice, to: alice, amount_sun: 1 }, "transfer TRX to yourself"),
        (Contract::Transfer { owner: alice, to: usdt, amount_sun: 1 }, "Cannot transfer TRX to a smartContract"),
        (Contract::Transfer { owner: alice, to: key(8).address(), amount_sun: 1000 * TRX }, "not sufficient"),
        (call(key(2).address(), 0), "No contract or not a valid smart contract"),
        (call(usdt, 1001 * TRX), "balance is not sufficient"),
    ] {
        let signed = SignedTransaction::sign(net.build(contract).await, &key(1));
        assert_refused(&net.broadcast(&signed).await, "CONTRACT_VALIDATE_ERROR", message);
        assert_eq!(net.receipt("wallet", &signed).await, json!({}));
    }
    let nobody = Contract::Transfer { owner: key(7).address(), to: alice, amount_sun: 1 };
    let signed = SignedTransaction::sign(net.build(nobody).await, &key(7));
    assert_refused(&net.broadcast(&signed).await, "CONTRACT_VALIDATE_ERROR", "no OwnerAccount");
    let last = Contract::Transfer { owner: alice, to: key(8).address(), amount_sun: 999 * TRX };
    let signed = SignedTransaction::sign(net.build(last).await, &key(1));
    assert_refused(&net.broadcast(&signed).await, "BANDWITH_ERROR", "Account resource insufficient error.");
}

#[tokio::test]
async fn a_transaction_waits_for_the_next_block_when_blocks_have_their_time() {
    let net = Net::start(Options { block_time: Some(BLOCK), ..frozen() }).await;
    net.devnet.faucet(key(1).address(), Gift::Trx(10 * TRX)).unwrap();
    let (head, _, head_ms) = net.head().await;
    let signed = SignedTransaction::sign(net.build(pay_bob(TRX)).await, &key(1));
    assert_eq!(net.broadcast(&signed).await["result"], true);
    assert_eq!(net.receipt("wallet", &signed).await, json!({}));
    assert_refused(&net.broadcast(&signed).await, "DUP_TRANSACTION_ERROR", "Dup");
    // The faucet's block is a millisecond ahead of the clock that stands still.
    net.devnet.clock().advance(3 * BLOCK + Duration::from_millis(1));
    let receipt = net.receipt("wallet", &signed).await;
    assert_eq!((&receipt["blockNumber"], &receipt["blockTimeStamp"]), (&json!(head + 1), &json!(head_ms + 3000)));
    assert_eq!(net.devnet.head(), head + 3);
    let block = net.post("wallet/getblockbynum", json!({ "num": head + 1 })).await;
    assert_eq!(block["transactions"][0]["txID"], signed.id().to_string());
    assert_eq!(block["transactions"][0]["ret"], json!([{ "contractRet": "SUCCESS" }]));
}

#[tokio::test]
async fn a_transaction_that_expires_while_it_waits_is_never_included() {
    let net = Net::start(Options { block_time: Some(BLOCK), ..frozen() }).await;
    net.devnet.faucet(key(1).address(), Gift::Trx(10 * TRX)).unwrap();
    let mut raw = net.build(pay_bob(TRX)).await;
    raw.expiration_ms = raw.timestamp_ms + 2_000;
    let signed = SignedTransaction::sign(raw, &key(1));
    assert_eq!(net.broadcast(&signed).await["result"], true);
    net.devnet.clock().advance(10 * BLOCK);
    assert_eq!(net.receipt("wallet", &signed).await, json!({}));
    assert_eq!(net.trx_balance(key(1).address()).await, 10 * TRX);
}

#[tokio::test]
async fn walletsolidity_follows_19_blocks_behind_in_receipts_balances_and_calls() {
    let net = Net::funded().await;
    net.devnet.mine(19);
    let data = abi::transfer(key(2).address(), Amount::from_u64(5));
    let contract = address(USDT);
    let call = Contract::Trigger { owner: key(1).address(), contract, call_value_sun: 0, data };
    let signed = SignedTransaction::sign(net.build(call).await, &key(1));
    assert_eq!(net.broadcast(&signed).await["result"], true);

    let bob = key(2).address().to_string();
    let question = json!({
        "owner_address": bob, "contract_address": USDT, "visible": true,
        "data": hex::encode(abi::balance_of(key(2).address())),
    });
    let solid = async || net.post("walletsolidity/triggerconstantcontract", question.clone()).await;
    let alice = json!({ "address": key(1).address().to_string(), "visible": true });
    let word = |n: u64| hex::encode(Amount::from_u64(n).to_be_bytes());
    net.devnet.mine(18);
    assert_eq!(net.receipt("walletsolidity", &signed).await, json!({}));
    assert_eq!(solid().await["constant_result"][0], word(0));
    assert_eq!(net.post("walletsolidity/getaccount", alice.clone()).await["balance"], 1000 * TRX);
    net.devnet.mine(1);
    assert_eq!(net.receipt("walletsolidity", &signed).await, net.receipt("wallet", &signed).await);
    assert_eq!(solid().await["constant_result"][0], word(5));
    let left = net.trx_balance(key(1).address()).await;
    assert_eq!(net.post("walletsolidity/getaccount", alice).await["balance"], left);

    let block = net.post("walletsolidity/getnowblock", json!({})).await;
    assert_eq!(block["block_header"]["raw_data"]["number"], net.devnet.head() - 19);
    let signed = signed.to_json();
    let status = net.try_post("walletsolidity/broadcasttransaction", &signed).await.unwrap_err().status();
    assert_eq!(status.map(|status| status.as_u16()), Some(405));
}

#[tokio::test]
async fn the_chain_follows_the_clock_and_contracts_see_it() {
    let net = Net::start(frozen()).await;
    let (head, _, head_ms) = net.head().await;
    assert_eq!(head_ms, NOW_MS);
    let clock = net.post("devnet/clock", json!({ "advance_ms": 3_600_000 })).await;
    assert_eq!(clock, json!({ "now_ms": NOW_MS + 3_600_000, "frozen": true }));
    assert_eq!(net.head().await.0, head + 1200);
    let block = net.get(&format!("wallet/getblock?id_or_num={}", head + 600)).await;
    assert_eq!(block["block_header"]["raw_data"]["timestamp"], NOW_MS + 1_800_000);
    assert_eq!(net.post_raw("devnet/clock", b"{\"set_ms\":5}".to_vec()).await.0, 415);
    assert!(net.try_post("devnet/clock", &json!({ "set_ms": 5 })).await.is_err());
    net.devnet.clock().run();
    assert!(net.get("devnet/clock").await["now_ms"].as_u64().unwrap() >= NOW_MS + 3_600_000);
}

#[tokio::test]
async fn the_faucet_and_mining_work_over_http() {
    let net = Net::start(frozen()).await;
    let alice = key(1).address();
    let gift = json!({ "address": alice.to_string(), "trx_sun": 5, "token": USDT, "amount": "12" });
    net.post("devnet/faucet", gift).await;
    assert_eq!(net.trx_balance(alice).await, 5);
    assert_eq!(net.token_balance(USDT, alice).await, Amount::from_u64(12));
    let head = net.devnet.head();
    assert_eq!(net.post("devnet/mine", json!({ "blocks": 1000 })).await["block"], head + 1000);
    assert_eq!(net.get("devnet").await["chainId"], 3_448_148_188_u64);
    for wrong in [
        json!({ "address": alice.to_string() }),
        json!({ "address": "nobody", "trx_sun": 1 }),
        json!({ "address": alice.to_string(), "token": USDT }),
        json!({ "address": alice.to_string(), "token": alice.to_string(), "amount": "1" }),
        json!({ "address": alice.to_string(), "token": USDT, "amount": "-1" }),
    ] {
        assert!(net.try_post("devnet/faucet", &wrong).await.is_err(), "{wrong}");
    }
}

#[tokio::test]
async fn planned_failures_happen_as_often_as_planned() {
    let net = Net::funded().await;
    net.devnet.fault("wallet/getnowblock", 2, Fault::Error);
    for _ in 0..2 {
        let failed = net.try_post("wallet/getnowblock", &json!({})).await.unwrap_err();
        assert_eq!(failed.status().map(|status| status.as_u16()), Some(503));
    }
    net.head().await;

    // The answer is lost, the transaction is not.
    let signed = SignedTransaction::sign(net.build(pay_bob(TRX)).await, &key(1));
    net.post("devnet/faults", json!({ "path": "wallet/broadcasttransaction", "kind": "drop" })).await;
    assert!(net.try_post("wallet/broadcasttransaction", &signed.to_json()).await.is_err());
    assert_eq!(net.receipt("wallet", &signed).await["id"], signed.id().to_string());

    // Nothing is done and nothing is said.
    let signed = SignedTransaction::sign(net.build(pay_bob(TRX)).await, &key(1));
    net.devnet.fault("wallet/broadcasttransaction", 1, Fault::Timeout);
    let json = signed.to_json();
    let waiting = net.try_post("wallet/broadcasttransaction", &json);
    assert!(tokio::time::timeout(Duration::from_millis(200), waiting).await.is_err());
    assert_eq!(net.receipt("wallet", &signed).await, json!({}));
}

#[tokio::test]
async fn a_built_transaction_is_what_was_asked_for_and_can_be_signed() {
    let net = Net::funded().await;
    let (alice, bob) = (key(1), key(2).address());
    for visible in [false, true] {
        let form = |a: Address| if visible { a.to_string() } else { a.to_hex41() };
        let question = json!({
            "owner_address": form(alice.address()), "contract_address": form(address(USDT)), "visible": visible,
            "function_selector": "transfer(address,uint256)", "fee_limit": 50 * TRX,
            "parameter": hex::encode(&abi::transfer(bob, Amount::from_u64(3))[4..]),
        });
        let built = net.post("wallet/triggersmartcontract", question.clone()).await;
        let raw = RawTransaction::from_json(&built["transaction"]).unwrap();
        assert_eq!(raw.fee_limit_sun, 50 * TRX);
        let Contract::Trigger { ref data, .. } = raw.contract else { panic!("{raw:?}") };
        assert_eq!(*data, abi::transfer(bob, Amount::from_u64(3)));
        let estimate = net.post("wallet/estimateenergy", question).await;

        // The node's own JSON goes back with a signature, addresses as they came.
        let mut transaction = built["transaction"].clone();
        transaction["signature"] = json!([hex::encode(alice.sign(&raw.id().digest()).to_bytes())]);
        assert_eq!(net.post("wallet/broadcasttransaction", transaction).await["result"], true);
        let id = json!({ "value": raw.id().to_string(), "visible": visible });
        let receipt = net.post("wallet/gettransactioninfobyid", id.clone()).await;
        assert_eq!(receipt["receipt"]["energy_usage_total"], estimate["energy_required"]);
        assert_eq!(receipt["contract_address"], form(address(USDT)));
        let shown = net.post("wallet/gettransactionbyid", id).await;
        assert_eq!(shown["raw_data"]["contract"][0]["parameter"]["value"]["owner_address"], form(alice.address()));
    }
    let question = json!({ "owner_address": alice.address().to_hex41(), "to_address": bob.to_hex41(), "amount": 9 });
    let built = net.post("wallet/createtransaction", question).await;
    let raw = RawTransaction::from_json(&built).unwrap();
    assert_eq!(raw.contract, pay_bob(9));
    let too_much =
        json!({ "owner_address": alice.address().to_hex41(), "to_address": bob.to_hex41(), "amount": 1_001 * TRX });
    let refused = net.post("wallet/createtransaction", too_much).await;
    assert!(refused["Error"].as_str().unwrap().contains("balance is not sufficient"), "{refused}");
}

#[tokio::test]
async fn the_chain_id_is_niles_and_code_is_where_nile_has_it() {
    let net = Net::start(frozen()).await;
    let ask = async |method: &str, params: Value| {
        let question = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
        net.post("jsonrpc", question).await
    };
    let answer = json!({ "jsonrpc": "2.0", "id": 7, "result": "0xcd8690dc" });
    assert_eq!(ask("eth_chainId", json!([])).await, answer);
    assert_eq!(ask("eth_blockNumber", json!([])).await["result"], format!("{:#x}", net.devnet.head()));
    let usdt = address(USDT).to_evm_hex();
    assert!(ask("eth_getCode", json!([usdt, "latest"])).await["result"].as_str().unwrap().len() > 1000);
    let decimals = json!([{ "to": usdt, "data": "0x313ce567" }, "latest"]);
    assert!(ask("eth_call", decimals).await["result"].as_str().unwrap().ends_with("06"));
    assert_eq!(ask("eth_sendTransaction", json!([])).await["error"]["code"], -32601);
    let contract = net.post("wallet/getcontract", json!({ "value": USDT, "visible": true })).await;
    assert_eq!(contract["contract_address"], USDT);
    assert_eq!(contract["abi"]["entrys"][0]["type"], "Event");
    assert_eq!(net.post("wallet/getcontract", json!({ "value": key(1).address().to_hex41() })).await, json!({}));
    let parameters = net.get("wallet/getchainparameters").await;
    let energy = json!({ "key": "getEnergyFee", "value": 100 });
    assert!(parameters["chainParameter"].as_array().unwrap().contains(&energy));
}

#[tokio::test]
async fn nonsense_gets_an_error_and_never_breaks_anything() {
    let net = Net::funded().await;
    let methods = "getnowblock getblock getblockbynum getblockbyid getblockbylimitnext getblockbylatestnum getaccount \
        getaccountresource getaccountnet getaccountbalance validateaddress getReward getchainparameters getnodeinfo \
        getcontract getcontractinfo gettransactionbyid gettransactioninfobyid gettransactioninfobyblocknum \
        gettransactioncountbyblocknum gettransactionfrompending gettransactionlistfrompending getpendingsize \
        triggerconstantcontract estimateenergy triggersmartcontract deploycontract createtransaction createaccount \
        updateaccount accountpermissionupdate freezebalancev2 unfreezebalancev2 withdrawexpireunfreeze \
        cancelallunfreezev2 delegateresource undelegateresource getdelegatedresourcev2 \
        getdelegatedresourceaccountindexv2 getcandelegatedmaxsize getavailableunfreezecount \
        getcanwithdrawunfreezeamount getsignweight getapprovedlist broadcasttransaction broadcasthex";
    let huge = u64::MAX;
    let bodies = [
        "",
        "{",
        "[]",
        "null",
        "\"\"",
        "{}",
        "{\"value\":\"zz\"}",
        "{\"visible\":\"yes\",\"address\":\"T\"}",
        "{\"num\":-1}",
        "{\"num\":18446744073709551615,\"id_or_num\":-5}",
        "{\"startNum\":5,\"endNum\":1}",
        "{\"raw_data\":{\"contract\":[{},{}]},\"signature\":[[]]}",
        "{\"raw_data\":{\"contract\":7}}",
        "{\"owner_address\":\"41\",\"visible\":false,\"owner\":[],\"actives\":{},\"type\":9,\"resource\":-1}",
        "{\"raw_data\":{\"contract\":[{\"type\":\"TransferContract\",\"parameter\":{\"value\":{\"amount\":-9223372036854775808}}}]},\"signature\":[\"zz\"]}",
        "{\"raw_data\":{\"contract\":[{\"type\":\"None\",\"parameter\":{\"value\":{}}}],\"expiration\":1e30}}",
        "{\"transaction\":\"0a\"}",
        "{\"transaction\":\"xyz\"}",
        "\u{fffd}",
    ];
    for method in methods.split_whitespace() {
        for body in bodies {
            let (status, answer) = net.post_raw(&format!("wallet/{method}"), body.into()).await;
            assert_eq!(status, 200, "{method} {body}");
            assert!(serde_json::from_str::<Value>(&answer).is_ok(), "{method} {body} {answer}");
        }
    }
    for body in [
        "",
        "[]",
        "null",
        "[[1]]",
        "{\"method\":7}",
        "{\"method\":\"eth_call\",\"params\":{}}",
        "{\"method\":\"eth_getLogs\",\"params\":[[]]}",
    ] {
        let (status, answer) = net.post_raw("jsonrpc", body.into()).await;
        assert!(status == 200 && serde_json::from_str::<Value>(&answer).is_ok(), "{body} {answer}");
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(net.post_raw("wallet/getaccount", deep.into()).await.1.contains("Error"));
    let large = vec![b' '; 4 * 1024 * 1024 + 1];
    assert!(net.post_raw("wallet/getaccount", large).await.1.contains("body size is too big"));
    let other_form = net.post("wallet/getaccount", json!({ "address": USDT })).await;
    assert!(other_form["Error"].as_str().unwrap().contains("visible is false"), "{other_form}");
    assert_eq!(net.post("wallet/getblockbynum", json!({ "num": huge / 2 })).await, json!({}));
    assert_eq!(net.post_raw("wallet/nosuchmethod", b"{}".to_vec()).await.0, 405);
    net.head().await;
}

#[tokio::test]
async fn no_byte_of_a_transaction_can_be_changed_on_its_way() {
    let net = Net::funded().await;
    let signed = SignedTransaction::sign(net.build(pay_bob(TRX)).await, &key(1));
    let bytes = signed.to_bytes();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x11;
        let answer = net.post("wallet/broadcasthex", json!({ "transaction": hex::encode(changed) })).await;
        assert!(answer["result"] == false || answer["Error"].is_string(), "byte {at}: {answer}");
    }
    assert_eq!(net.trx_balance(key(1).address()).await, 1_000 * TRX);
    assert_eq!(net.broadcast(&signed).await["result"], true);
}

#[tokio::test]
async fn a_devnet_that_is_shut_down_frees_its_port_even_with_a_request_in_flight() {
    let net = Net::start(frozen()).await;
    let (port, url) = (net.devnet.address().port(), net.devnet.url());
    net.devnet.fault("*", 1, Fault::Timeout);
    let (seen, asked) = tokio::sync::oneshot::channel();
    let hanging = tokio::spawn(async move {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client.post(format!("{url}/wallet/getnowblock")).body("{}").send();
        seen.send(()).unwrap();
        request.await.map(|answer| answer.status().as_u16())
    });
    asked.await.unwrap();
    net.devnet.shutdown().await;
    // Either it was already inside and is let go, or it found nobody.
    assert!(matches!(hanging.await.unwrap(), Ok(504) | Err(_)));
    let again = Devnet::start(Options { port, ..frozen() }).await.unwrap();
    assert_eq!(again.address().port(), port);
    let taken = Devnet::start(Options { port, ..frozen() }).await.unwrap_err();
    assert!(taken.to_string().starts_with(&format!("can't listen on 127.0.0.1:{port}")), "{taken}");
}
