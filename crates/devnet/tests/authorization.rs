//! Stories of the devnet's TIP-3009 token: a signed authorization moves money once, inside its window.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of tests fails the test")]

mod support;

use alloy_primitives::{FixedBytes, U256};
use alloy_sol_types::{SolCall, sol};
use devnet::{AUTHORIZED_USD, Gift};
use support::{NOW, Net, TRX, key};
use tron::{Amount, Network, Signature, abi, tip712};

sol! {
    struct TransferWithAuthorization {
        address from; address to; uint256 value; uint256 validAfter; uint256 validBefore; bytes32 nonce;
    }
    struct CancelAuthorization { address authorizer; bytes32 nonce; }

    interface Token {
        function transferWithAuthorization(
            address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce,
            uint8 v, bytes32 r, bytes32 s
        );
        function transferWithAuthorization(
            address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce,
            bytes signature
        );
        function cancelAuthorization(address authorizer, bytes32 nonce, uint8 v, bytes32 r, bytes32 s);
        function authorizationState(address authorizer, bytes32 nonce) returns (bool);
        function DOMAIN_SEPARATOR() returns (bytes32);
    }
}

const BUYER: u8 = 1;
const SHOP: u8 = 2;
const SENDER: u8 = 3;

fn domain() -> alloy_sol_types::Eip712Domain {
    tip712::domain("Authorized Dollar", Some("1"), Network::Nile, AUTHORIZED_USD)
}

fn message() -> TransferWithAuthorization {
    TransferWithAuthorization {
        from: key(BUYER).address().evm(),
        to: key(SHOP).address().evm(),
        value: U256::from(1_000_000),
        validAfter: U256::from(NOW - 1),
        validBefore: U256::from(NOW + 1),
        nonce: FixedBytes([9; 32]),
    }
}

fn sign(message: &TransferWithAuthorization, by: u8) -> Signature {
    key(by).sign(&tip712::digest(message, &domain()))
}

fn by_parts(m: &TransferWithAuthorization, s: &Signature) -> Vec<u8> {
    Token::transferWithAuthorization_0Call {
        from: m.from,
        to: m.to,
        value: m.value,
        validAfter: m.validAfter,
        validBefore: m.validBefore,
        nonce: m.nonce,
        v: s.v(),
        r: FixedBytes(*s.r()),
        s: FixedBytes(*s.s()),
    }
    .abi_encode()
}

fn by_bytes(m: &TransferWithAuthorization, signature: &[u8]) -> Vec<u8> {
    Token::transferWithAuthorization_1Call {
        from: m.from,
        to: m.to,
        value: m.value,
        validAfter: m.validAfter,
        validBefore: m.validBefore,
        nonce: m.nonce,
        signature: signature.to_vec().into(),
    }
    .abi_encode()
}

async fn ready() -> Net {
    let net = Net::funded().await;
    net.devnet.faucet(key(SENDER).address(), Gift::Trx(1_000 * TRX)).unwrap();
    net.devnet.faucet(key(BUYER).address(), Gift::Token(AUTHORIZED_USD, Amount::from_u64(5_000_000))).unwrap();
    net
}

async fn reason(net: &Net, data: &[u8]) -> String {
    let answer = net.simulate(key(SENDER).address(), AUTHORIZED_USD, data).await;
    assert_eq!(answer["result"]["message"], "REVERT opcode executed", "{answer}");
    abi::revert_reason(&hex::decode(answer["constant_result"][0].as_str().unwrap()).unwrap()).to_string()
}

#[tokio::test]
async fn both_overloads_take_the_signature_and_each_nonce_pays_once() {
    let net = ready().await;
    let separator = net.read(AUTHORIZED_USD, &Token::DOMAIN_SEPARATORCall {}.abi_encode()).await;
    assert_eq!(separator, domain().separator().to_vec());
    for nonce in [1, 2] {
        let mut message = message();
        message.nonce = FixedBytes([nonce; 32]);
        let signature = sign(&message, BUYER);
        let (parts, bytes) = (by_parts(&message, &signature), by_bytes(&message, &signature.to_bytes()));
        let receipt =
            net.call(&key(SENDER), AUTHORIZED_USD, if nonce == 1 { parts.clone() } else { bytes.clone() }).await;
        assert_eq!(receipt["receipt"]["result"], "SUCCESS", "{receipt}");
        let paid = net.token_balance(&AUTHORIZED_USD.to_string(), key(SHOP).address()).await;
        assert_eq!(paid, Amount::from_u64(1_000_000 * u64::from(nonce)));
        let asked = Token::authorizationStateCall { authorizer: message.from, nonce: message.nonce }.abi_encode();
        assert_eq!(abi::decode_bool(&net.read(AUTHORIZED_USD, &asked).await), Some(true));
        for again in [parts, bytes] {
            assert!(reason(&net, &again).await.ends_with("authorization is used or canceled"));
        }
    }
}

#[tokio::test]
async fn the_window_is_open_strictly_between_its_ends() {
    let net = ready().await;
    for (after, before, says) in [
        (NOW, NOW + 9, Some("authorization is not yet valid")),
        (NOW - 9, NOW, Some("authorization is expired")),
        (NOW - 1, NOW + 1, None),
    ] {
        let mut message = message();
        (message.validAfter, message.validBefore) = (U256::from(after), U256::from(before));
        let data = by_parts(&message, &sign(&message, BUYER));
        match says {
            Some(says) => assert!(reason(&net, &data).await.ends_with(says)),
            None => {
                let answer = net.simulate(key(SENDER).address(), AUTHORIZED_USD, &data).await;
                assert!(answer["result"].get("message").is_none(), "{answer}");
            }
        }
    }
}

#[tokio::test]
async fn a_foreign_signature_a_changed_message_and_a_cancelled_nonce_move_nothing() {
    let net = ready().await;
    let message = message();
    let good = sign(&message, BUYER);
    let foreign = by_parts(&message, &sign(&message, SHOP));
    let mut more = self::message();
    more.value += U256::from(1);
    for data in [foreign, by_parts(&more, &good), by_bytes(&message, &good.to_bytes()[..64])] {
        assert!(reason(&net, &data).await.ends_with("invalid signature"));
    }
    let cancel = CancelAuthorization { authorizer: message.from, nonce: message.nonce };
    let signature = key(BUYER).sign(&tip712::digest(&cancel, &domain()));
    let data = Token::cancelAuthorizationCall {
        authorizer: message.from,
        nonce: message.nonce,
        v: signature.v(),
        r: FixedBytes(*signature.r()),
        s: FixedBytes(*signature.s()),
    }
    .abi_encode();
    assert_eq!(net.call(&key(SENDER), AUTHORIZED_USD, data).await["receipt"]["result"], "SUCCESS");
    assert!(reason(&net, &by_parts(&message, &good)).await.ends_with("authorization is used or canceled"));
}
