//! Stories of money: TRX and tokens move, fees are paid, receipts tell.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of tests fails the test")]

mod support;

use devnet::{FAKE_USDT, Gift};
use serde_json::json;
use support::{Net, PERMIT, TRX, USDD, USDT, address, key};
use tron::tx::Contract;
use tron::{Amount, Network, SignedTransaction, abi, token};

#[tokio::test]
async fn trx_moves_and_the_first_transfer_is_free_of_charge() {
    let net = Net::funded().await;
    let (alice, bob) = (key(1), key(2).address());
    let transfer = Contract::Transfer { owner: alice.address(), to: bob, amount_sun: 5 * TRX };
    let receipt = net.send(&alice, transfer).await;
    assert_eq!(receipt["contractResult"], json!([""]));
    assert!(receipt["receipt"]["net_usage"].as_u64().unwrap() > 200, "{receipt}");
    assert_eq!(receipt.get("fee"), None);
    assert_eq!(net.trx_balance(alice.address()).await, 995 * TRX);
    assert_eq!(net.trx_balance(bob).await, 1005 * TRX);
}

#[tokio::test]
async fn bringing_an_account_into_being_costs_one_trx_and_a_tenth() {
    let net = Net::funded().await;
    let (alice, new) = (key(1), key(9).address());
    let question = json!({ "address": new.to_string(), "visible": true });
    assert_eq!(net.post("wallet/getaccount", question.clone()).await, json!({}));
    let receipt = net.send(&alice, Contract::Transfer { owner: alice.address(), to: new, amount_sun: TRX }).await;
    assert_eq!(receipt["fee"], 1_100_000);
    assert_eq!(net.trx_balance(alice.address()).await, 1000 * TRX - TRX - 1_100_000);
    assert_eq!(net.post("wallet/getaccount", question).await["balance"], TRX);
}

#[tokio::test]
async fn a_token_transfer_leaves_an_event_and_burns_trx_for_energy() {
    let net = Net::funded().await;
    let (alice, bob) = (key(1), key(2).address());
    let amount = Amount::from_u64(7_000_000);
    let receipt = net.call(&alice, address(USDT), abi::transfer(bob, amount)).await;
    assert_eq!(receipt["receipt"]["result"], "SUCCESS", "{receipt}");
    let log = &receipt["log"][0];
    assert_eq!(log["address"], hex::encode(address(USDT).bytes()));
    let topics: Vec<[u8; 32]> = log["topics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|topic| hex::decode(topic.as_str().unwrap()).unwrap().try_into().unwrap())
        .collect();
    let event = abi::decode_transfer(&topics, &hex::decode(log["data"].as_str().unwrap()).unwrap()).unwrap();
    assert_eq!((event.from, event.to, event.amount), (alice.address(), bob, amount));
    assert_eq!(net.token_balance(USDT, bob).await, amount);
    assert_eq!(net.token_balance(USDT, alice.address()).await, Amount::from_u64(43_000_000));

    let energy = receipt["receipt"]["energy_usage_total"].as_u64().unwrap();
    assert_eq!(receipt["receipt"]["energy_fee"], energy * 100);
    // Two slots: bob's is new (20,000), alice's is not (5,000); the rest is small change.
    assert!((25_000..32_000).contains(&energy), "{energy}");
    let fee = receipt["fee"].as_u64().unwrap();
    assert_eq!(net.trx_balance(alice.address()).await, 1000 * TRX - fee);
}

#[tokio::test]
async fn a_simulation_tells_exactly_what_the_execution_will_use() {
    let net = Net::funded().await;
    let (alice, bob) = (key(1), key(2).address());
    for data in [abi::transfer(bob, Amount::from_u64(1)), abi::approve(bob, Amount::from_u64(1))] {
        let before = net.simulate(alice.address(), address(USDT), &data).await;
        assert_eq!(before["result"], json!({ "result": true }));
        let receipt = net.call(&alice, address(USDT), data).await;
        assert_eq!(receipt["receipt"]["energy_usage_total"], before["energy_used"]);
        assert_eq!(receipt["contractResult"], before["constant_result"]);
    }
}

#[tokio::test]
async fn an_allowance_is_spent_by_the_spender_alone_and_an_unlimited_one_stays() {
    let net = Net::funded().await;
    let (alice, bob) = (key(1), key(2));
    let pull = |amount: u64| {
        let mut data = vec![0x23, 0xb8, 0x72, 0xdd];
        data.extend([0; 12]);
        data.extend(alice.address().bytes());
        data.extend([0; 12]);
        data.extend(bob.address().bytes());
        data.extend(Amount::from_u64(amount).to_be_bytes());
        data
    };
    let allowed = abi::allowance(alice.address(), bob.address());
    net.call(&alice, address(USDT), abi::approve(bob.address(), Amount::from_u64(10))).await;
    assert_eq!(net.call(&bob, address(USDT), pull(4)).await["receipt"]["result"], "SUCCESS");
    let left = abi::decode_amount(&net.read(address(USDT), &allowed).await);
    assert_eq!(left, Some(Amount::from_u64(6)));
    assert_eq!(net.call(&bob, address(USDT), pull(7)).await["receipt"]["result"], "REVERT");

    let unlimited = Amount::from_be_bytes([255; 32]);
    net.call(&alice, address(USDT), abi::approve(bob.address(), unlimited)).await;
    assert_eq!(net.call(&bob, address(USDT), pull(7)).await["receipt"]["result"], "SUCCESS");
    assert_eq!(abi::decode_amount(&net.read(address(USDT), &allowed).await), Some(unlimited));
    assert_eq!(net.token_balance(USDT, bob.address()).await, Amount::from_u64(11));
}

#[tokio::test]
async fn a_transfer_without_the_money_reverts_says_why_and_still_costs_energy() {
    let net = Net::funded().await;
    let (poor, alice) = (key(2), key(1).address());
    let data = abi::transfer(alice, Amount::from_u64(1));
    let simulated = net.simulate(poor.address(), address(USDT), &data).await;
    assert_eq!(simulated["result"]["message"], "REVERT opcode executed");
    assert_eq!(simulated["transaction"]["ret"], json!([{ "ret": "FAILED" }]));
    let output = hex::decode(simulated["constant_result"][0].as_str().unwrap()).unwrap();
    assert!(abi::revert_reason(&output).to_string().contains("TRC20: transfer amount exceeds balance"));

    let receipt = net.call(&poor, address(USDT), data).await;
    assert_eq!(receipt["result"], "FAILED");
    assert_eq!(receipt["receipt"]["result"], "REVERT");
    assert_eq!(receipt["resMessage"], hex::encode("REVERT opcode executed"));
    assert_eq!(receipt.get("log"), None);
    assert!(receipt["receipt"]["energy_fee"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn a_fee_limit_below_the_need_runs_out_of_energy_and_burns_all_of_it() {
    let net = Net::funded().await;
    let (alice, bob) = (key(1), key(2).address());
    let data = abi::transfer(bob, Amount::from_u64(1));
    let energy = net.simulate(alice.address(), address(USDT), &data).await["energy_used"].as_u64().unwrap();
    for (limit, result) in [(energy * 100 - 1, "OUT_OF_ENERGY"), (energy * 100, "SUCCESS")] {
        let contract = address(USDT);
        let trigger = Contract::Trigger { owner: alice.address(), contract, call_value_sun: 0, data: data.clone() };
        let mut raw = net.build(trigger).await;
        raw.fee_limit_sun = limit;
        let signed = SignedTransaction::sign(raw, &alice);
        assert_eq!(net.broadcast(&signed).await["result"], true);
        let receipt = net.receipt("wallet", &signed).await;
        assert_eq!(receipt["receipt"]["result"], result);
        assert_eq!(receipt["receipt"]["energy_fee"], limit / 100 * 100);
        if result == "OUT_OF_ENERGY" {
            let words = hex::decode(receipt["resMessage"].as_str().unwrap()).unwrap();
            let words = String::from_utf8(words).unwrap();
            let limit = format!("operation executing: curInvokeEnergyLimit[{}]", limit / 100);
            assert!(words.starts_with("Not enough energy for '") && words.contains(&limit), "{words}");
        }
    }
}

#[tokio::test]
async fn free_bandwidth_runs_out_and_comes_back_over_a_day() {
    let net = Net::funded().await;
    let (alice, bob) = (key(1), key(2).address());
    let transfer = |amount_sun| Contract::Transfer { owner: alice.address(), to: bob, amount_sun };
    // Two transfers fit into 600 bytes.
    for amount in 1..3 {
        assert_eq!(net.send(&alice, transfer(amount)).await.get("fee"), None);
    }
    let third = net.send(&alice, transfer(3)).await;
    let bytes = third["receipt"]["net_fee"].as_u64().unwrap() / 1000;
    assert!((200..300).contains(&bytes), "{third}");
    net.devnet.clock().advance(std::time::Duration::from_secs(86_400));
    assert_eq!(net.send(&alice, transfer(4)).await.get("fee"), None);
    let resources = json!({ "address": alice.address().to_string(), "visible": true });
    let resources = net.post("wallet/getaccountresource", resources).await;
    assert_eq!((&resources["freeNetLimit"], resources["freeNetUsed"].as_u64().unwrap()), (&json!(600), bytes));
}

#[tokio::test]
async fn usdd_has_18_decimals_and_amounts_beyond_64_bit() {
    let net = Net::funded().await;
    let (alice, bob) = (key(1), key(2).address());
    let lots = Amount::parse_units("123456789.000000000000000001", 18).unwrap();
    net.devnet.faucet(alice.address(), Gift::Token(address(USDD), lots)).unwrap();
    net.call(&alice, address(USDD), abi::transfer(bob, lots)).await;
    assert_eq!(net.token_balance(USDD, bob).await, lots);
    assert_eq!(abi::decode_decimals(&net.read(address(USDD), &abi::decimals()).await), Some(18));
    assert_eq!(abi::decode_symbol(&net.read(address(USDD), &abi::symbol()).await).as_deref(), Some("USDD"));
}

#[tokio::test]
async fn the_fake_usdt_says_what_the_real_one_says_and_is_in_no_table() {
    let net = Net::funded().await;
    for contract in [address(USDT), FAKE_USDT] {
        assert_eq!(abi::decode_symbol(&net.read(contract, &abi::symbol()).await).as_deref(), Some("USDT"));
        assert_eq!(abi::decode_decimals(&net.read(contract, &abi::decimals()).await), Some(6));
    }
    assert_eq!(token::lookup(Network::Nile, FAKE_USDT), None);
    net.devnet.faucet(key(1).address(), Gift::Token(FAKE_USDT, Amount::from_u64(9))).unwrap();
    let receipt = net.call(&key(1), FAKE_USDT, abi::transfer(key(2).address(), Amount::from_u64(9))).await;
    assert_eq!(receipt["receipt"]["result"], "SUCCESS");
}

#[tokio::test]
async fn only_the_faucet_mints_and_only_tokens() {
    let net = Net::funded().await;
    let mut mint = vec![0x40, 0xc1, 0x0f, 0x19];
    mint.extend([0; 12]);
    mint.extend(key(1).address().bytes());
    mint.extend(Amount::from_u64(1).to_be_bytes());
    assert_eq!(net.call(&key(1), address(USDT), mint).await["receipt"]["result"], "REVERT");
    let refused = net.devnet.faucet(key(1).address(), Gift::Token(address(PERMIT), Amount::from_u64(1)));
    assert_eq!(refused.unwrap_err().to_string(), format!("{PERMIT} is not a token of the devnet"));
    let over = net.devnet.faucet(key(1).address(), Gift::Token(address(USDT), Amount::from_be_bytes([255; 32])));
    assert!(over.is_err());
}
