//! Stories of the two forms of `exact`: the payer chooses nonce and window, a facilitator judges and settles.
#![allow(clippy::unwrap_used, clippy::panic)]

use serde_json::{Value, json};
use tron::{Network, PrivateKey, registry};
use x402::{
    CannotSign, Fresh, InvalidReason as No, Offer, Payment, Refusal, Requirements, Scheme, Signed, Terms, U256,
    exact_eip3009, exact_permit2, scheme::refusal,
};

const NOW: u64 = 1_800_000_000;
const SHOP: &str = "TYBNgWfhGuNzdLtjKtxXTfskAhTbMcqbaG";
const TOKEN: &str = "TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf";
const FRESH: Fresh = Fresh { nonce: U256::ONE, valid_after: NOW - 5, valid_before: NOW + 60 };

fn key() -> PrivateKey {
    PrivateKey::from_bytes(&[3; 32]).unwrap()
}

fn offer(extra: Value) -> Offer {
    let option = json!({
        "scheme": "exact", "network": "tron:0xcd8690dc", "amount": "250000", "asset": TOKEN, "payTo": SHOP,
        "maxTimeoutSeconds": 60, "extra": extra,
    });
    Offer::read(&json!({ "x402Version": 2, "accepts": [option] }).to_string()).unwrap()
}

fn by_token() -> Offer {
    offer(json!({ "name": "Authorized Dollar", "version": "1" }))
}

fn by_permit2() -> Offer {
    offer(json!({ "assetTransferMethod": "permit2" }))
}

fn terms(offer: &Offer) -> &Terms {
    offer.options[0].terms.as_ref().unwrap()
}

fn pay(offer: &Offer, terms: &Terms) -> Payment {
    let authorization = terms.authorize(key().address()).unwrap();
    authorization.payment(offer, &offer.options[0], &key().sign(&authorization.digest))
}

/// The payment with one member of its document changed.
fn changed(payment: &Payment, pointer: &str, value: Value) -> Payment {
    let mut document: Value = serde_json::from_str(payment.to_json()).unwrap();
    *document.pointer_mut(pointer).unwrap() = value;
    Payment::read(&document.to_string()).unwrap()
}

fn check(payment: &Payment, due: &Requirements, now: u64) -> Result<tron::Address, No> {
    match due.terms.as_ref().unwrap().scheme() {
        Scheme::ExactEip3009 => exact_eip3009::check(payment, due, now),
        _ => exact_permit2::check(payment, due, now),
    }
}

#[test]
fn every_change_of_a_payment_has_its_published_reason() {
    let a = "/payload/authorization/";
    let p = "/payload/permit2Authorization/";
    let other = json!("TMVQGm1qAQYVdetCeGRRkTWYYrLXuHK2HC");
    for (offer, cases) in [
        (
            by_token(),
            vec![
                (format!("{a}to"), other.clone(), No::ExactRecipient, "invalid_exact_tron_payload_recipient_mismatch"),
                (
                    format!("{a}value"),
                    json!("250001"),
                    No::ExactValue,
                    "invalid_exact_tron_payload_authorization_value_mismatch",
                ),
                (
                    format!("{a}validBefore"),
                    json!("4102444800"),
                    No::ExactSignature,
                    "invalid_exact_tron_payload_signature",
                ),
                (
                    "/payload/signature".into(),
                    json!("0x12"),
                    No::ExactSignature,
                    "invalid_exact_tron_payload_signature",
                ),
                (
                    "/payload/authorization".into(),
                    json!(null),
                    No::MissingTransferAuthorization,
                    "missing_transfer_authorization",
                ),
                (
                    "/accepted/network".into(),
                    json!("tron:mainnet"),
                    No::ExactNetwork,
                    "invalid_exact_tron_network_mismatch",
                ),
            ],
        ),
        (
            by_permit2(),
            vec![
                (format!("{p}spender"), other.clone(), No::Permit2Spender, "invalid_permit2_spender"),
                (format!("{p}witness/to"), other.clone(), No::Permit2Recipient, "invalid_permit2_recipient_mismatch"),
                (format!("{p}permitted/amount"), json!("250001"), No::Permit2Amount, "permit2_amount_mismatch"),
                (format!("{p}permitted/token"), other, No::Permit2Token, "permit2_token_mismatch"),
                (format!("{p}deadline"), json!("4102444800"), No::Permit2Signature, "invalid_permit2_signature"),
            ],
        ),
    ] {
        let due = &offer.options[0];
        let good = pay(&offer, &terms(&offer).with(FRESH));
        assert_eq!(check(&good, due, NOW), Ok(key().address()));
        for (pointer, value, reason, code) in cases {
            let bad = changed(&good, &pointer, value);
            assert_eq!(check(&bad, due, NOW), Err(reason), "{pointer}");
            assert_eq!(reason.code(), code);
        }
    }
}

#[test]
fn the_window_is_judged_with_the_margin_that_is_asked_for() {
    for (offer, early, late) in [
        (by_token(), No::ExactValidAfter, No::ExactValidBefore),
        (by_permit2(), No::Permit2NotYetValid, No::Permit2Deadline),
    ] {
        let signed = Signed::of(&pay(&offer, &terms(&offer).with(FRESH)), &offer.options[0]).unwrap();
        assert_eq!(signed.in_time(NOW - 6, 0), Err(early));
        assert_eq!(signed.in_time(NOW + 53, 6), Ok(()));
        assert_eq!(signed.in_time(NOW + 54, 6), Err(late));
        assert_eq!(signed.in_time(NOW + 60, 0), Err(late));
    }
    // A token's own authorization holds strictly after its first second, Permit2's witness from it on.
    let signed = |offer: &Offer| Signed::of(&pay(offer, &terms(offer).with(FRESH)), &offer.options[0]).unwrap();
    assert_eq!(signed(&by_token()).in_time(NOW - 5, 0), Err(No::ExactValidAfter));
    assert_eq!(signed(&by_permit2()).in_time(NOW - 5, 0), Ok(()));
}

#[test]
fn one_picture_says_who_settles_where_and_asks_for_the_nonce() {
    let nile = registry::deployments(Network::Nile);
    let offer = by_token();
    let signed = Signed::of(&pay(&offer, &terms(&offer).with(FRESH)), &offer.options[0]).unwrap();
    assert_eq!((signed.spender, signed.caller, signed.fee), (None, None, None));
    let (contract, data) = signed.settle_call();
    assert_eq!((contract.to_string(), hex::encode(&data[..4])), (TOKEN.to_owned(), "e3ee160e".to_owned()));
    assert_eq!(hex::encode(&signed.slot.call()[..4]), "e94a0102");
    assert_eq!(signed.slot.used(&U256::ONE.to_be_bytes::<32>()), Some(true));
    assert_eq!(signed.slot.used(&[0; 31]), None);

    for set in &nile.permit2 {
        let offer = by_permit2();
        let chosen = terms(&offer).through(set.name).unwrap().with(Fresh { nonce: U256::from(300), ..FRESH });
        let signed = Signed::of(&pay(&offer, &chosen), &offer.options[0]).unwrap();
        assert_eq!(signed.spender, Some(set.permit2));
        let (contract, data) = signed.settle_call();
        assert_eq!((contract, hex::encode(&data[..4])), (set.exact_proxy, "13cd3b53".to_owned()));
        assert_eq!(signed.slot.contract, set.permit2);
        assert_eq!(terms(&offer).settled_by(contract).unwrap().settler(), contract);
        let word = |bit: usize| (U256::ONE << bit).to_be_bytes::<32>();
        assert_eq!((signed.slot.used(&word(44)), signed.slot.used(&word(45))), (Some(true), Some(false)));
    }
    assert_eq!(terms(&by_permit2()).through("third"), None);
}

#[test]
fn an_offer_that_names_a_contract_gets_that_deployment_or_no_signature() {
    let sets = &registry::deployments(Network::Nile).permit2;
    let named = |address: &str| offer(json!({ "assetTransferMethod": "permit2", "spender": address }));
    let second = named(&sets[1].exact_proxy.to_string());
    let Terms::ExactPermit2(found) = terms(&second) else { panic!("{second:?}") };
    assert_eq!(found.contracts, sets[1]);
    assert_eq!(terms(&second).through("first").as_ref(), Some(terms(&second)), "the offer chose already");
    for outside in ["TCd2ZSwbJBAdgFfP5d3gkhKcGs47WNZLLi", SHOP] {
        let expected =
            CannotSign::ContractNotInRegistry { found: outside.parse().unwrap(), expected: sets[0].exact_proxy };
        assert_eq!(terms(&named(outside)).with(FRESH).authorize(key().address()), Err(expected.clone()));
        assert_eq!(terms(&named(outside)).signable(key().address()), Err(expected));
    }
}

#[test]
fn what_is_missing_is_said_before_anybody_chooses() {
    let nameless = offer(json!({ "version": "1" }));
    assert_eq!(terms(&nameless).signable(key().address()), Err(CannotSign::MissingDomain { field: "extra.name" }));
    let versionless = offer(json!({ "name": "Tether USD" }));
    let missing = Err(CannotSign::MissingDomain { field: "extra.version" });
    assert_eq!(terms(&versionless).signable(key().address()), missing);
    let shut = Fresh { valid_before: FRESH.valid_after, ..FRESH };
    let empty = CannotSign::EmptyWindow { valid_after: NOW - 5, valid_before: NOW - 5 };
    for offer in [by_token(), by_permit2()] {
        assert_eq!(terms(&offer).signable(key().address()), Ok(()));
        assert_eq!(terms(&offer).authorize(key().address()), Err(CannotSign::NothingChosen));
        assert_eq!(terms(&offer).with(shut).authorize(key().address()), Err(empty.clone()));
        assert_eq!(terms(&offer).lifetime(), Some(60));
    }
}

#[test]
fn an_authorization_in_the_older_place_is_judged_the_same() {
    let offer = by_token();
    let good = pay(&offer, &terms(&offer).with(FRESH));
    let mut document: Value = serde_json::from_str(good.to_json()).unwrap();
    let authorization = document["payload"].as_object_mut().unwrap().remove("authorization").unwrap();
    document["extensions"] = json!({ "transferAuthorization": authorization });
    let older = Payment::read(&document.to_string()).unwrap();
    assert_eq!(check(&older, &offer.options[0], NOW), Ok(key().address()));
}

#[test]
fn a_refusal_on_chain_is_told_by_its_name() {
    let message = |text: &str| {
        let mut data = hex::decode("08c379a0").unwrap();
        data.extend(U256::from(32).to_be_bytes::<32>());
        data.extend(U256::from(text.len()).to_be_bytes::<32>());
        data.extend(text.bytes());
        data.resize(4 + 64 + text.len().next_multiple_of(32), 0);
        data
    };
    for (output, expected) in [
        (message("FiatTokenV2: authorization is used or canceled"), Refusal::NonceUsed),
        (message("FiatTokenV2: authorization is expired"), Refusal::Window),
        (message("FiatTokenV2: authorization is not yet valid"), Refusal::Window),
        (message("FiatTokenV2: invalid signature"), Refusal::Signature),
        (message("TRC20: insufficient allowance"), Refusal::Other),
        // InvalidNonce(), InvalidSigner()
        (hex::decode("756688fe").unwrap(), Refusal::NonceUsed),
        (hex::decode("815e1d64").unwrap(), Refusal::Signature),
        (Vec::new(), Refusal::Other),
    ] {
        assert_eq!(refusal(&output), expected, "{}", hex::encode(&output));
    }
}
