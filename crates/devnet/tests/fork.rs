//! Blocks that are dropped for a longer branch: what was in them, what comes back by itself and what does not.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use devnet::{DevnetError, Fork};
use serde_json::json;
use support::{Net, TRX, USDT, address, key};
use tron::tx::Contract;
use tron::{Amount, SignedTransaction, abi};

const ALICE: u8 = 1;
const BOB: u8 = 2;

/// Alice gives these units of her 50 USDT to the owner of a key.
async fn transfer(net: &Net, to: u8, units: u64) -> SignedTransaction {
    let data = abi::transfer(key(to).address(), Amount::from_u64(units));
    let call = Contract::Trigger { owner: key(ALICE).address(), contract: address(USDT), call_value_sun: 0, data };
    SignedTransaction::sign(net.build(call).await, &key(ALICE))
}

async fn has(net: &Net, who: u8) -> u64 {
    net.token_balance(USDT, key(who).address()).await.to_string().parse().unwrap()
}

/// A funded chain, alice's transfer of 40 USDT to bob in its last block, and another one that was not sent.
async fn paid() -> (Net, SignedTransaction, SignedTransaction) {
    let net = Net::funded().await;
    let (payment, spend) = (transfer(&net, BOB, 40_000_000).await, transfer(&net, 9, 50_000_000).await);
    net.broadcast(&payment).await;
    assert_eq!(net.receipt("wallet", &payment).await["receipt"]["result"], "SUCCESS");
    (net, payment, spend)
}

#[tokio::test]
async fn what_was_in_a_dropped_block_comes_back_by_itself_where_nothing_conflicts() {
    let (net, payment, _) = paid().await;
    let before = net.head().await;
    let forked = net.devnet.fork(Fork { blocks: 1, ..Fork::default() }).unwrap();
    assert_eq!((forked.dropped, forked.head), (vec![payment.id()], before.0 + 1));
    // In no block now, and its effect is gone with it.
    assert_eq!(net.receipt("wallet", &payment).await, json!({}));
    assert_eq!((has(&net, ALICE).await, has(&net, BOB).await), (50_000_000, 0));
    let lost = net.post("wallet/getblockbyid", json!({ "value": hex::encode(before.1) })).await;
    assert_eq!(lost, json!({}), "the block is not known any more");
    net.devnet.mine(1);
    let again = net.receipt("wallet", &payment).await;
    assert_eq!((&again["receipt"]["result"], again["blockNumber"].as_u64()), (&json!("SUCCESS"), Some(before.0 + 2)));
    assert_eq!((has(&net, ALICE).await, has(&net, BOB).await), (10_000_000, 40_000_000));
}

#[tokio::test]
async fn a_conflicting_spend_takes_its_place_for_good() {
    let (net, payment, spend) = paid().await;
    net.devnet.fork(Fork { blocks: 1, instead: vec![spend.clone()], forget: false }).unwrap();
    net.devnet.mine(30);
    assert_eq!(net.receipt("walletsolidity", &spend).await["receipt"]["result"], "SUCCESS");
    for door in ["wallet", "walletsolidity"] {
        assert_eq!(net.receipt(door, &payment).await, json!({}), "in no block, also not as a failure");
    }
    assert_eq!((has(&net, ALICE).await, has(&net, BOB).await, has(&net, 9).await), (0, 0, 50_000_000));
    // Sent again it fails in a block, as anything that is sent.
    net.broadcast(&payment).await;
    assert_eq!(net.receipt("wallet", &payment).await["receipt"]["result"], "REVERT");
}

#[tokio::test]
async fn what_every_node_forgot_comes_only_when_it_is_sent() {
    let (net, payment, _) = paid().await;
    net.devnet.mine(1);
    net.devnet.fork(Fork { blocks: 2, forget: true, ..Fork::default() }).unwrap();
    net.devnet.mine(3);
    assert_eq!(net.receipt("wallet", &payment).await, json!({}));
    assert_eq!(net.broadcast(&payment).await["result"], true);
    assert_eq!(has(&net, BOB).await, 40_000_000);
}

#[tokio::test]
async fn a_transaction_that_names_a_dropped_block_is_over() {
    let (net, payment, _) = paid().await;
    let second = transfer(&net, 9, 1).await;
    net.broadcast(&second).await;
    net.devnet.fork(Fork { blocks: 2, ..Fork::default() }).unwrap();
    net.devnet.mine(1);
    assert_eq!(net.receipt("wallet", &payment).await["receipt"]["result"], "SUCCESS");
    assert_eq!(net.receipt("wallet", &second).await, json!({}));
    assert_eq!(net.broadcast(&second).await["code"], "TAPOS_ERROR");
}

#[tokio::test]
async fn what_is_final_stays() {
    let (net, payment, _) = paid().await;
    net.devnet.mine(19);
    assert_eq!(net.receipt("walletsolidity", &payment).await["receipt"]["result"], "SUCCESS");
    for blocks in [0, 20, 1_000_000_000] {
        let refused = net.devnet.fork(Fork { blocks, ..Fork::default() });
        assert!(matches!(refused, Err(DevnetError::NoFork { most: 19, .. })), "{refused:?}");
    }
    let forked = net.post("devnet/fork", json!({ "blocks": 19 })).await;
    assert_eq!(forked["dropped"], json!([]));
    assert_eq!(has(&net, BOB).await, 40_000_000);
    assert_eq!((net.trx_balance(key(BOB).address()).await), 1_000 * TRX);
}
