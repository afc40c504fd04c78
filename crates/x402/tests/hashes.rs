//! Type hashes and function selectors are the published ones.
#![allow(clippy::unwrap_used, clippy::panic)]

use alloy_sol_types::{SolCall, SolStruct};
use tron::Network;
use x402::{batch_settlement, exact_eip3009, exact_gasfree, exact_permit, exact_permit2, upto};

/// keccak256 of a struct's `encodeType`.
fn type_hash<S: SolStruct>() -> String {
    hex::encode(alloy_primitives::keccak256(S::eip712_encode_type().as_bytes()))
}

fn selector<C: SolCall>() -> String {
    hex::encode(C::SELECTOR)
}

#[test]
fn type_hashes_are_the_published_ones() {
    use batch_settlement::contract as channel;
    for (found, published) in [
        (
            type_hash::<exact_eip3009::TransferWithAuthorization>(),
            "7c7c6cdb67a18743f49ec6fa9b35f50d52ed05cbed4cc592e13b44501c1a2267",
        ),
        (
            type_hash::<exact_permit2::PermitWitnessTransferFrom>(),
            "ebc156cd23678a74c94df13d772ef5478420637f0c94bd10d509e1dc98f521c7",
        ),
        (
            type_hash::<upto::contract::PermitWitnessTransferFrom>(),
            "51dff6974ad4388c499e7fcfe838d2bd767162553a144098ce20ea661d70c2ee",
        ),
        (
            type_hash::<channel::PermitWitnessTransferFrom>(),
            "436a25c01a21a6ed025816c4c9ea3d6132aa879dd7ef16f6188dd3b0aebccc52",
        ),
        (
            type_hash::<exact_permit::contract::PaymentPermitDetails>(),
            "4988415eb4399a0bc3cf7f233e7d4c0dc15e0a32ee969ae7b4bec48caf503c63",
        ),
        (
            type_hash::<exact_gasfree::PermitTransfer>(),
            "7152a81926d9e798ca737da749154c32625b4ff2ffa7b4fe94e46d745c5202f4",
        ),
        (type_hash::<channel::ChannelConfig>(), "1c9a06ceab9b0ebbd3301dc56c9111bb6d9af421356dc9ccb3b7084c755db308"),
        (type_hash::<channel::Voucher>(), "1e1bd6ff84c3e0d9029a292b212e039c0ca97ec497c55191a4a5874294609a69"),
    ] {
        assert_eq!(found, published);
    }
    let witness = exact_permit2::PermitWitnessTransferFrom::eip712_encode_type();
    assert!(witness.ends_with(exact_permit2::WITNESS_TYPE_STRING.split_once(')').unwrap().1));
}

#[test]
fn selectors_are_the_published_ones() {
    use batch_settlement::contract::Channel as c;
    use exact_permit::contract::PaymentPermit as p;
    use exact_permit2::{ExactProxy, Permit2};
    for (found, published) in [
        (selector::<p::permitTransferFromCall>(), "a4bd65d0"),
        (selector::<p::nonceBitmapCall>(), "4fe02b44"),
        (selector::<p::nonceUsedCall>(), "1647795e"),
        (selector::<p::DOMAIN_SEPARATORCall>(), "3644e515"),
        (selector::<exact_eip3009::Eip3009::transferWithAuthorization_0Call>(), "e3ee160e"),
        (selector::<exact_eip3009::Eip3009::transferWithAuthorization_1Call>(), "cf092995"),
        (selector::<ExactProxy::settleCall>(), "13cd3b53"),
        (selector::<Permit2::permitWitnessTransferFromCall>(), "137c29fe"),
        (selector::<Permit2::nonceBitmapCall>(), "4fe02b44"),
        (selector::<Permit2::invalidateUnorderedNoncesCall>(), "3ff9dcb1"),
        (selector::<upto::contract::UptoProxy::settleCall>(), "ff11e7b4"),
        (selector::<batch_settlement::contract::DepositToken::receiveWithAuthorizationCall>(), "88b7ab63"),
        (selector::<c::depositCall>(), "140f1e75"),
        (selector::<c::claimCall>(), "29237b0c"),
        (selector::<c::claimWithSignatureCall>(), "e43ce1f2"),
        (selector::<c::settleCall>(), "9db32a8f"),
        (selector::<c::refundCall>(), "dce4bfae"),
        (selector::<c::refundWithSignatureCall>(), "b77433e9"),
        (selector::<c::initiateWithdrawCall>(), "cf5cf3dc"),
        (selector::<c::finalizeWithdrawCall>(), "e88377b1"),
        (selector::<c::getChannelIdCall>(), "5e5e0b87"),
        (selector::<c::channelsCall>(), "7a7ebd7b"),
        (selector::<c::pendingWithdrawalsCall>(), "b7f06ebe"),
        (selector::<c::refundNonceCall>(), "f0dc792e"),
        (selector::<c::multicallCall>(), "ac9650d8"),
    ] {
        assert_eq!(found, published);
    }
}

#[test]
fn the_permits_domain_is_the_vectors_one() {
    let nile = hex::encode(exact_permit::domain_separator(Network::Nile));
    assert_eq!(nile, "1d6a0acfc4e52bf85e7027f45ba5e5e36bcecf297fb76edff14b6a6fdf666d9d");
}

#[test]
fn a_reverted_permit_names_its_reason() {
    use alloy_sol_types::SolError;
    let output = exact_permit::contract::PaymentPermit::NonceAlreadyUsed {}.abi_encode();
    assert_eq!(exact_permit::revert_reason(&output), Some("NonceAlreadyUsed"));
    assert_eq!(exact_permit::revert_reason(&[0; 4]), None);
    assert_eq!(exact_permit::revert_reason(&[]), None);
}
