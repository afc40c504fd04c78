//! Stories of PaymentPermit: a signature made for Nile settles here, and every refusal comes in its order.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of tests fails the test")]

mod support;

use alloy_primitives::{FixedBytes, U256};
use alloy_sol_types::{SolCall, SolError, sol};
use devnet::Gift;
use serde_json::json;
use support::{NOW, Net, PERMIT, TRX, USDT, address, key};
use tron::{Address, Amount, Network, PrivateKey, Signature, abi, tip712};

sol! {
    struct PermitMeta { uint8 kind; bytes16 paymentId; uint256 nonce; uint256 validAfter; uint256 validBefore; }
    struct Payment { address payToken; uint256 payAmount; address payTo; }
    struct Fee { address feeTo; uint256 feeAmount; }
    struct PaymentPermitDetails { PermitMeta meta; address buyer; address caller; Payment payment; Fee fee; }

    error BuyerMismatch();
    error InvalidKind();
    error InvalidTimestamp();
    error InvalidCaller();
    error NonceAlreadyUsed();
    error InvalidSignature();

    function permitTransferFrom(PaymentPermitDetails permit, address owner, bytes signature);
    function nonceUsed(address owner, uint256 nonce) returns (bool);
    function nonceBitmap(address owner, uint256 wordPos) returns (uint256);
    function DOMAIN_SEPARATOR() returns (bytes32);
}

const BUYER: u8 = 1;
const SHOP: u8 = 2;
const FACILITATOR: u8 = 3;
const FEE_TO: u8 = 4;

fn details() -> PaymentPermitDetails {
    PaymentPermitDetails {
        meta: PermitMeta {
            kind: 0,
            paymentId: FixedBytes([7; 16]),
            nonce: U256::from(300),
            validAfter: U256::from(NOW - 60),
            validBefore: U256::from(NOW + 300),
        },
        buyer: key(BUYER).address().evm(),
        caller: key(FACILITATOR).address().evm(),
        payment: Payment {
            payToken: address(USDT).evm(),
            payAmount: U256::from(1_000_000),
            payTo: key(SHOP).address().evm(),
        },
        fee: Fee { feeTo: key(FEE_TO).address().evm(), feeAmount: U256::from(10_000) },
    }
}

/// Signed exactly as for the real network.
fn sign(details: &PaymentPermitDetails, key: &PrivateKey) -> Signature {
    let domain = tip712::domain("PaymentPermit", None, Network::Nile, address(PERMIT));
    key.sign(&tip712::digest(details, &domain))
}

fn settle(details: &PaymentPermitDetails, owner: Address, signature: &[u8]) -> Vec<u8> {
    let signature = signature.to_vec().into();
    permitTransferFromCall { permit: details.clone(), owner: owner.evm(), signature }.abi_encode()
}

fn settle_signed(details: &PaymentPermitDetails) -> Vec<u8> {
    settle(details, key(BUYER).address(), &sign(details, &key(BUYER)).to_bytes())
}

async fn ready() -> Net {
    let net = Net::funded().await;
    net.devnet.faucet(key(FACILITATOR).address(), Gift::Trx(1_000 * TRX)).unwrap();
    net.call(&key(BUYER), address(USDT), abi::approve(address(PERMIT), Amount::from_u64(5_000_000))).await;
    net
}

/// What the contract says to this call, by the selector of its error.
async fn refusal(net: &Net, caller: u8, data: &[u8]) -> Vec<u8> {
    let answer = net.simulate(key(caller).address(), address(PERMIT), data).await;
    assert_eq!(answer["result"]["message"], "REVERT opcode executed", "{answer}");
    hex::decode(answer["constant_result"][0].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn a_signature_made_for_nile_settles_payment_and_fee() {
    let net = ready().await;
    let receipt = net.call(&key(FACILITATOR), address(PERMIT), settle_signed(&details())).await;
    assert_eq!(receipt["receipt"]["result"], "SUCCESS", "{receipt}");
    // Two transfers and the contract's own event.
    assert_eq!(receipt["log"].as_array().unwrap().len(), 3);
    assert_eq!(net.token_balance(USDT, key(SHOP).address()).await, Amount::from_u64(1_000_000));
    assert_eq!(net.token_balance(USDT, key(FEE_TO).address()).await, Amount::from_u64(10_000));
    assert_eq!(net.token_balance(USDT, key(BUYER).address()).await, Amount::from_u64(48_990_000));

    let buyer = key(BUYER).address().evm();
    let used = nonceUsedCall { owner: buyer, nonce: U256::from(300) }.abi_encode();
    assert_eq!(abi::decode_bool(&net.read(address(PERMIT), &used).await), Some(true));
    let word = nonceBitmapCall { owner: buyer, wordPos: U256::from(1) }.abi_encode();
    assert_eq!(U256::from_be_slice(&net.read(address(PERMIT), &word).await), U256::from(1) << 44);
}

#[tokio::test]
async fn the_domain_separator_is_niles() {
    let net = Net::start(support::frozen()).await;
    let found = net.read(address(PERMIT), &DOMAIN_SEPARATORCall {}.abi_encode()).await;
    let domain = tip712::domain("PaymentPermit", None, Network::Nile, address(PERMIT));
    assert_eq!(found, domain.separator().to_vec());
}

#[tokio::test]
async fn without_a_fee_only_the_shop_is_paid() {
    let net = ready().await;
    let mut details = details();
    details.fee = Fee { feeTo: Address::ZERO.evm(), feeAmount: U256::ZERO };
    let receipt = net.call(&key(FACILITATOR), address(PERMIT), settle_signed(&details)).await;
    assert_eq!(receipt["receipt"]["result"], "SUCCESS", "{receipt}");
    assert_eq!(receipt["log"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn every_refusal_comes_in_its_order() {
    let net = ready().await;
    net.call(&key(FACILITATOR), address(PERMIT), settle_signed(&details())).await;

    // Everything is wrong at once; then one thing after the other is put right.
    let mut wrong = details();
    wrong.meta.kind = 1;
    wrong.meta.validBefore = U256::from(NOW - 1);
    wrong.caller = Address::ZERO.evm();
    let junk = [0_u8; 65];
    let owner = key(BUYER).address();
    let other = key(SHOP).address();

    assert_eq!(refusal(&net, FACILITATOR, &settle(&wrong, other, &junk)).await, BuyerMismatch::SELECTOR);
    assert_eq!(refusal(&net, FACILITATOR, &settle(&wrong, owner, &junk)).await, InvalidKind::SELECTOR);
    wrong.meta.kind = 0;
    assert_eq!(refusal(&net, FACILITATOR, &settle(&wrong, owner, &junk)).await, InvalidTimestamp::SELECTOR);
    wrong.meta.validBefore = U256::from(NOW + 300);
    assert_eq!(refusal(&net, FACILITATOR, &settle(&wrong, owner, &junk)).await, InvalidCaller::SELECTOR);
    wrong.caller = key(FACILITATOR).address().evm();
    assert_eq!(refusal(&net, FACILITATOR, &settle(&wrong, owner, &junk)).await, NonceAlreadyUsed::SELECTOR);
    wrong.meta.nonce = U256::from(301);
    assert_eq!(refusal(&net, FACILITATOR, &settle(&wrong, owner, &junk)).await, InvalidSignature::SELECTOR);
    let receipt = net.call(&key(FACILITATOR), address(PERMIT), settle_signed(&wrong)).await;
    assert_eq!(receipt["receipt"]["result"], "SUCCESS");
}

#[tokio::test]
async fn a_permit_without_a_caller_never_settles_not_even_for_the_zero_address() {
    let net = ready().await;
    let mut details = details();
    details.caller = Address::ZERO.evm();
    let data = settle_signed(&details);
    assert_eq!(refusal(&net, FACILITATOR, &data).await, InvalidCaller::SELECTOR);
    let answer = net.simulate(Address::ZERO, address(PERMIT), &data).await;
    assert_eq!(answer["constant_result"], json!([hex::encode(InvalidCaller::SELECTOR)]));
}

#[tokio::test]
async fn the_window_is_open_at_both_of_its_ends_and_shut_beyond() {
    let net = ready().await;
    let mut details = details();
    for (after, before, open) in
        [(NOW, NOW, true), (NOW - 9, NOW - 1, false), (NOW + 1, NOW + 9, false), (0, u64::MAX, true)]
    {
        details.meta.validAfter = U256::from(after);
        details.meta.validBefore = U256::from(before);
        let answer = net.simulate(key(FACILITATOR).address(), address(PERMIT), &settle_signed(&details)).await;
        assert_eq!(answer["result"].get("message").is_none(), open, "{after} {before} {answer}");
    }
}

#[tokio::test]
async fn only_65_bytes_with_v_27_or_28_are_a_signature_and_a_high_s_is_one_too() {
    let net = ready().await;
    let (details, owner) = (details(), key(BUYER).address());
    let good = sign(&details, &key(BUYER)).to_bytes();
    let mut zero_based = good;
    zero_based[64] -= 27;
    let stranger = sign(&details, &key(SHOP)).to_bytes();
    for bad in [&zero_based[..], &good[..64], &[], &stranger[..]] {
        let data = settle(&details, owner, bad);
        assert_eq!(refusal(&net, FACILITATOR, &data).await, InvalidSignature::SELECTOR);
    }

    let order = U256::from_str_radix("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16).unwrap();
    let mut twin = good;
    twin[32..64].copy_from_slice(&(order - U256::from_be_slice(&good[32..64])).to_be_bytes::<32>());
    twin[64] = 27 + 28 - good[64];
    assert!(!Signature::from_bytes(&twin).unwrap().is_low_s());
    let receipt = net.call(&key(FACILITATOR), address(PERMIT), settle(&details, owner, &twin)).await;
    assert_eq!(receipt["receipt"]["result"], "SUCCESS");
    // The nonce stops the other one.
    assert_eq!(refusal(&net, FACILITATOR, &settle(&details, owner, &good)).await, NonceAlreadyUsed::SELECTOR);
}

#[tokio::test]
async fn too_small_an_allowance_reverts_with_the_tokens_own_reason_and_keeps_the_nonce_free() {
    let net = ready().await;
    net.call(&key(BUYER), address(USDT), abi::approve(address(PERMIT), Amount::from_u64(1_009_999))).await;
    let data = settle_signed(&details());
    let reason = abi::revert_reason(&refusal(&net, FACILITATOR, &data).await).to_string();
    assert!(reason.contains("TRC20: insufficient allowance"), "{reason}");
    let receipt = net.call(&key(FACILITATOR), address(PERMIT), data).await;
    assert_eq!(receipt["receipt"]["result"], "REVERT");
    assert_eq!(net.token_balance(USDT, key(SHOP).address()).await, Amount::from_u64(0));
    let used = nonceUsedCall { owner: key(BUYER).address().evm(), nonce: U256::from(300) }.abi_encode();
    assert_eq!(abi::decode_bool(&net.read(address(PERMIT), &used).await), Some(false));
}
