//! Stories of Permit2 and its exact proxies: a signature made for Nile settles through its own deployment, once, and
//! every refusal has its name.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of tests fails the test")]

mod support;

use alloy_primitives::U256;
use alloy_sol_types::{SolCall, SolError, sol};
use devnet::Gift;
use support::{NOW, Net, TRX, USDT, address, key};
use tron::registry::{Permit2Set, deployments};
use tron::{Address, Amount, Network, PrivateKey, abi, tip712};

sol! {
    struct TokenPermissions { address token; uint256 amount; }
    struct Witness { address to; uint256 validAfter; }
    struct PermitTransferFrom { TokenPermissions permitted; uint256 nonce; uint256 deadline; }
    struct Details { address to; uint256 requestedAmount; }
    struct PermitWitnessTransferFrom {
        TokenPermissions permitted; address spender; uint256 nonce; uint256 deadline; Witness witness;
    }

    error InvalidOwner();
    error InvalidDestination();
    error PaymentTooEarly();
    error SignatureExpired(uint256 deadline);
    error InvalidAmount(uint256 maxAmount);
    error InvalidNonce();
    error InvalidSignatureLength();
    error InvalidSigner();

    function settle(PermitTransferFrom permit, address owner, Witness witness, bytes signature);
    function permitWitnessTransferFrom(
        PermitTransferFrom permit, Details transferDetails, address owner, bytes32 witness, string witnessTypeString,
        bytes signature
    );
    function nonceBitmap(address owner, uint256 wordPos) returns (uint256);
    function invalidateUnorderedNonces(uint256 wordPos, uint256 mask);
    function DOMAIN_SEPARATOR() returns (bytes32);
    function PERMIT2() returns (address);
}

const BUYER: u8 = 1;
const SHOP: u8 = 2;
/// Nobody special: whoever has the signature may send it.
const SENDER: u8 = 3;

fn sets() -> &'static [Permit2Set] {
    &deployments(Network::Nile).permit2
}

fn message(set: &Permit2Set) -> PermitWitnessTransferFrom {
    PermitWitnessTransferFrom {
        permitted: TokenPermissions { token: address(USDT).evm(), amount: U256::from(1_000_000) },
        spender: set.exact_proxy.evm(),
        nonce: U256::from(300),
        deadline: U256::from(NOW + 300),
        witness: Witness { to: key(SHOP).address().evm(), validAfter: U256::from(NOW - 60) },
    }
}

fn sign(message: &PermitWitnessTransferFrom, set: &Permit2Set, key: &PrivateKey) -> Vec<u8> {
    let domain = tip712::domain("Permit2", None, Network::Nile, set.permit2);
    key.sign(&tip712::digest(message, &domain)).to_bytes().to_vec()
}

fn call(message: &PermitWitnessTransferFrom, owner: Address, signature: Vec<u8>) -> Vec<u8> {
    settleCall {
        permit: PermitTransferFrom {
            permitted: TokenPermissions { token: message.permitted.token, amount: message.permitted.amount },
            nonce: message.nonce,
            deadline: message.deadline,
        },
        owner: owner.evm(),
        witness: Witness { to: message.witness.to, validAfter: message.witness.validAfter },
        signature: signature.into(),
    }
    .abi_encode()
}

fn signed(message: &PermitWitnessTransferFrom, set: &Permit2Set) -> Vec<u8> {
    call(message, key(BUYER).address(), sign(message, set, &key(BUYER)))
}

async fn ready() -> Net {
    let net = Net::funded().await;
    net.devnet.faucet(key(SENDER).address(), Gift::Trx(1_000 * TRX)).unwrap();
    for set in sets() {
        net.call(&key(BUYER), address(USDT), abi::approve(set.permit2, Amount::from_u64(5_000_000))).await;
    }
    net
}

async fn refusal(net: &Net, contract: Address, data: &[u8]) -> Vec<u8> {
    let answer = net.simulate(key(SENDER).address(), contract, data).await;
    assert_eq!(answer["result"]["message"], "REVERT opcode executed", "{answer}");
    hex::decode(answer["constant_result"][0].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn each_deployment_settles_what_was_signed_for_it_and_nothing_else() {
    let net = ready().await;
    assert_eq!(sets().len(), 2);
    for (index, set) in sets().iter().enumerate() {
        let separator = net.read(set.permit2, &DOMAIN_SEPARATORCall {}.abi_encode()).await;
        assert_eq!(separator, tip712::domain("Permit2", None, Network::Nile, set.permit2).separator().to_vec());
        let bound = net.read(set.exact_proxy, &PERMIT2Call {}.abi_encode()).await;
        assert_eq!(bound[12..], set.permit2.bytes()[..]);

        let mut message = message(set);
        message.nonce += U256::from(index);
        let other = &sets()[1 - index];
        let elsewhere = refusal(&net, other.exact_proxy, &signed(&message, set)).await;
        assert_eq!(elsewhere, InvalidSigner::SELECTOR);

        let receipt = net.call(&key(SENDER), set.exact_proxy, signed(&message, set)).await;
        assert_eq!(receipt["receipt"]["result"], "SUCCESS", "{receipt}");
        let paid = Amount::from_u64(1_000_000 * (index as u64 + 1));
        assert_eq!(net.token_balance(USDT, key(SHOP).address()).await, paid);

        let word = nonceBitmapCall { owner: key(BUYER).address().evm(), wordPos: U256::from(1) }.abi_encode();
        assert_eq!(U256::from_be_slice(&net.read(set.permit2, &word).await), U256::from(1) << (44 + index));
        assert_eq!(refusal(&net, set.exact_proxy, &signed(&message, set)).await, InvalidNonce::SELECTOR);
    }
}

#[tokio::test]
async fn every_refusal_comes_in_its_order() {
    let net = ready().await;
    let set = &sets()[0];
    let owner = key(BUYER).address();
    let mut wrong = message(set);
    wrong.witness = Witness { to: Address::ZERO.evm(), validAfter: U256::from(NOW + 1) };
    wrong.deadline = U256::from(NOW - 1);
    let at = set.exact_proxy;
    assert_eq!(refusal(&net, at, &call(&wrong, Address::ZERO, vec![])).await, InvalidOwner::SELECTOR);
    assert_eq!(refusal(&net, at, &call(&wrong, owner, vec![])).await, InvalidDestination::SELECTOR);
    wrong.witness.to = key(SHOP).address().evm();
    assert_eq!(refusal(&net, at, &call(&wrong, owner, vec![])).await, PaymentTooEarly::SELECTOR);
    wrong.witness.validAfter = U256::from(NOW);
    let late = SignatureExpired { deadline: U256::from(NOW - 1) }.abi_encode();
    assert_eq!(refusal(&net, at, &call(&wrong, owner, vec![])).await, late);
    wrong.deadline = U256::from(NOW);
    assert_eq!(refusal(&net, at, &call(&wrong, owner, vec![])).await, InvalidSignatureLength::SELECTOR);
    let stranger = sign(&wrong, set, &key(SHOP));
    assert_eq!(refusal(&net, at, &call(&wrong, owner, stranger)).await, InvalidSigner::SELECTOR);
    let receipt = net.call(&key(SENDER), at, signed(&wrong, set)).await;
    assert_eq!(receipt["receipt"]["result"], "SUCCESS", "{receipt}");
}

#[tokio::test]
async fn another_recipient_amount_or_spender_than_the_signed_one_is_refused() {
    let net = ready().await;
    let set = &sets()[0];
    let owner = key(BUYER).address();
    let good = sign(&message(set), set, &key(BUYER));
    let mut stolen = message(set);
    stolen.witness.to = key(SENDER).address().evm();
    let mut more = message(set);
    more.permitted.amount = U256::from(1_000_001);
    for changed in [&stolen, &more] {
        assert_eq!(refusal(&net, set.exact_proxy, &call(changed, owner, good.clone())).await, InvalidSigner::SELECTOR);
    }
    // Without the proxy the spender is the sender, which nobody signed; and no more than was permitted is asked for.
    let direct = |requested: u64| {
        permitWitnessTransferFromCall {
            permit: PermitTransferFrom {
                permitted: message(set).permitted,
                nonce: U256::from(300),
                deadline: U256::from(NOW + 300),
            },
            transferDetails: Details { to: key(SENDER).address().evm(), requestedAmount: U256::from(requested) },
            owner: owner.evm(),
            witness: alloy_primitives::B256::ZERO,
            witnessTypeString: "Witness witness)".into(),
            signature: good.clone().into(),
        }
        .abi_encode()
    };
    assert_eq!(refusal(&net, set.permit2, &direct(1_000_000)).await, InvalidSigner::SELECTOR);
    let too_much = InvalidAmount { maxAmount: U256::from(1_000_000) }.abi_encode();
    assert_eq!(refusal(&net, set.permit2, &direct(1_000_001)).await, too_much);
}

#[tokio::test]
async fn the_owner_can_make_a_signature_worthless_before_it_is_used() {
    let net = ready().await;
    let set = &sets()[0];
    let mask = U256::from(1) << 44;
    let cancel = invalidateUnorderedNoncesCall { wordPos: U256::from(1), mask }.abi_encode();
    let receipt = net.call(&key(BUYER), set.permit2, cancel).await;
    assert_eq!(receipt["receipt"]["result"], "SUCCESS", "{receipt}");
    assert_eq!(refusal(&net, set.exact_proxy, &signed(&message(set), set)).await, InvalidNonce::SELECTOR);
}

#[tokio::test]
async fn too_small_an_allowance_reverts_with_the_tokens_own_reason_and_keeps_the_nonce_free() {
    let net = ready().await;
    let set = &sets()[0];
    net.call(&key(BUYER), address(USDT), abi::approve(set.permit2, Amount::from_u64(999_999))).await;
    let reason = abi::revert_reason(&refusal(&net, set.exact_proxy, &signed(&message(set), set)).await).to_string();
    assert_eq!(reason, "TRC20: insufficient allowance");
    let receipt = net.call(&key(SENDER), set.exact_proxy, signed(&message(set), set)).await;
    assert_eq!(receipt["receipt"]["result"], "REVERT");
    let word = nonceBitmapCall { owner: key(BUYER).address().evm(), wordPos: U256::from(1) }.abi_encode();
    assert_eq!(U256::from_be_slice(&net.read(set.permit2, &word).await), U256::ZERO);
}
