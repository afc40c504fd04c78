//! A payment from price to settlement, as seller, payer and facilitator see it.
#![allow(clippy::unwrap_used, clippy::panic)]

use alloy_sol_types::SolCall;
use serde_json::{Value, json};
use tron::{Address, Amount, Network, PrivateKey};
use x402::{
    CannotSign, Fee, NetworkForm, Offer, Payload, Payment, PaymentId, PaymentRequired, Price, Requirements, Settlement,
    U256, Version,
    exact_permit::{self, InvalidReason, Meta, check, contract::PaymentPermit::permitTransferFromCall},
    facilitator::{Request, write_request},
    header, identifier,
};

const NOW: u64 = 1_800_000_000;

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn usdt() -> Address {
    address("TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf")
}

fn shop() -> Address {
    address("TLEaY8XoqpBmndLsjcfThgdKLN1ssNuUcF")
}

fn facilitator() -> Address {
    address("TYBNgWfhGuNzdLtjKtxXTfskAhTbMcqbaG")
}

/// A published test key.
fn payer() -> PrivateKey {
    let mut key = [0; 32];
    key[31] = 1;
    PrivateKey::from_bytes(&key).unwrap()
}

fn required() -> PaymentRequired {
    let fee = Fee { to: facilitator(), amount: Amount::from_u64(1_000), caller: Some(facilitator()) };
    let mut required = PaymentRequired::new("https://shop.example/data");
    required.description = Some("Market data".into());
    required.prices.push(Price::exact_permit(Network::Nile, usdt(), Amount::from_u64(250_000), shop(), fee));
    required.permit = Some(Meta::payment_only([7; 16], U256::from(42), NOW - 10, NOW + 300));
    required
}

fn pay(offer: &Offer) -> Payment {
    let option = &offer.options[0];
    let key = payer();
    let authorization = option.terms.as_ref().unwrap().authorize(key.address()).unwrap();
    authorization.payment(offer, option, &key.sign(&authorization.digest))
}

#[test]
fn a_price_becomes_a_payment_that_the_facilitator_accepts_and_can_settle() {
    let offer = Offer::read(&required().header_value()).unwrap();
    let terms = offer.options[0].terms.as_ref().unwrap();
    assert_eq!(terms.maximum(), Some(Amount::from_u64(251_000)));
    assert_eq!(terms.window(), Some((NOW - 10, NOW + 300)));
    assert_eq!(terms.nonce(), Some(U256::from(42)));
    assert_eq!(terms.spender(), Some(address("TFxDcGvS7zfQrS1YzcCMp673ta2NHHzsiH")));

    let payment = pay(&offer);
    assert_eq!(payment.header_name(), "PAYMENT-SIGNATURE");
    let received = Payment::read(&payment.header_value()).unwrap();
    assert!(received.accepted.as_ref().unwrap().same_as(&required().prices[0].requirements().unwrap()));

    let body = write_request(&received, received.accepted.as_ref().unwrap());
    let request = Request::read(&body).unwrap();
    assert_eq!(request.to_json(), body);
    assert_eq!(check(&request.payment, &request.requirements, NOW), Ok(payer().address()));

    let Ok(Payload::ExactPermit(payload)) = &request.payment.payload else { panic!("no permit") };
    let signature = tron::Signature::parse(&payload.signature).unwrap();
    let (contract, data) = exact_permit::settle_call(&payload.permit, payer().address(), &signature);
    assert_eq!(contract, payload.permit.contract());
    assert_eq!(hex::encode(&data[..4]), "a4bd65d0");
    let call = permitTransferFromCall::abi_decode(&data).unwrap();
    assert_eq!(call.permit, payload.permit.details());
    assert_eq!(Address::from(call.owner), payer().address());
    assert_eq!(call.signature.to_vec(), signature.to_bytes());
}

#[test]
fn the_option_is_echoed_byte_for_byte_whatever_it_looks_like() {
    let option = concat!(
        "{ \"payTo\":\"TLEaY8XoqpBmndLsjcfThgdKLN1ssNuUcF\" ,\n  \"scheme\" : \"exact_permit\", \"network\":\"tron:0xcd8690dc\",",
        "\"amount\":\"250000\",\"asset\":\"41eca9bc828a3005b9a3b909f2cc5c2a54794de05f\",\"maxTimeoutSeconds\":null,",
        "\"x\":1.50e+2,\"big\":340282366920938463463374607431768211456,\"extra\":{\"name\":null,\"fee\":{",
        "\"caller\":\"TYBNgWfhGuNzdLtjKtxXTfskAhTbMcqbaG\",\"feeTo\":\"TYBNgWfhGuNzdLtjKtxXTfskAhTbMcqbaG\",\"feeAmount\":\"1\"}}}"
    );
    let context = "{\"meta\":{\"kind\":\"PAYMENT_ONLY\",\"paymentId\":\"0x00112233445566778899AABBCCDDEEFF\",\"nonce\":\"5\",\"validAfter\":0,\"validBefore\":4102444800}, \"note\":1e1}";
    let document =
        format!("{{\"x402Version\":2,\"accepts\":[{option}],\"extensions\":{{\"paymentPermitContext\":{context}}}}}");
    let offer = Offer::read(&document).unwrap();
    let payment = pay(&offer);
    assert!(payment.to_json().contains(&format!("\"accepted\":{option}")), "{}", payment.to_json());
    assert!(payment.to_json().contains(&format!("\"paymentPermitContext\":{context}")));
    assert_eq!(Payment::read(payment.to_json()), Ok(payment));
}

#[test]
fn version_1_is_paid_by_its_own_header_and_shape() {
    let offer = Offer::read(&required().to_json_v1()).unwrap();
    assert_eq!(offer.version, Version::V1);
    assert_eq!(offer.resource.as_ref().unwrap().description.as_deref(), Some("Market data"));
    let payment = pay(&offer);
    assert_eq!(payment.header_name(), "X-PAYMENT");
    let sent: Value = serde_json::from_str(payment.to_json()).unwrap();
    assert_eq!(sent["scheme"], "exact_permit");
    assert_eq!(sent["network"], "tron:nile");
    assert!(sent.get("accepted").is_none() && sent.get("resource").is_none());
    assert_eq!(check(&payment, &offer.options[0], NOW), Ok(payer().address()));
}

#[test]
fn the_older_name_is_signed_the_same_and_echoed_as_it_came() {
    let new = pay(&required().offer().unwrap());
    let mut required = required();
    required.prices[0].scheme = "exact".into();
    let old = pay(&required.offer().unwrap());
    assert_eq!(old.payload, new.payload);
    assert_eq!(old.scheme, "exact");
    let request = Request::read(&write_request(&old, old.accepted.as_ref().unwrap())).unwrap();
    assert_eq!(check(&request.payment, &request.requirements, NOW), Ok(payer().address()));
}

/// Changes one member of the payment's JSON.
fn changed(payment: &Payment, pointer: &str, value: Value) -> Payment {
    let mut document: Value = serde_json::from_str(payment.to_json()).unwrap();
    *document.pointer_mut(pointer).unwrap() = value;
    Payment::read(&document.to_string()).unwrap()
}

#[test]
fn a_facilitator_says_no_with_the_published_word_and_in_the_published_order() {
    let offer = required().offer().unwrap();
    let (good, due) = (pay(&offer), &offer.options[0]);
    let permit = |member: &str| format!("/payload/paymentPermit/{member}");
    let other = json!(payer().address().to_string());
    // Each case keeps the faults before it, so the first one decides.
    let mut bad = good.clone();
    let mut expect = |pointer: &str, value: Value, reason: InvalidReason, now: u64| {
        bad = changed(&bad, pointer, value);
        assert_eq!(check(&bad, due, now), Err(reason), "{pointer}");
    };
    expect("/payload/signature", json!("0x12"), InvalidReason::InvalidSignature, NOW);
    expect(&permit("meta/validAfter"), json!(NOW + 100), InvalidReason::NotYetValid, NOW);
    expect(&permit("meta/validBefore"), json!(NOW), InvalidReason::Expired, NOW);
    expect(&permit("fee/feeAmount"), json!("1001"), InvalidReason::FeeAmountMismatch, NOW);
    expect(&permit("fee/feeTo"), other.clone(), InvalidReason::FeeToMismatch, NOW);
    expect(&permit("payment/payToken"), json!("TXLAQ63Xg1NAzckPwKHvzw7CSEmLMEqcdj"), InvalidReason::TokenMismatch, NOW);
    expect(&permit("payment/payTo"), other.clone(), InvalidReason::PaytoMismatch, NOW);
    expect(&permit("payment/payAmount"), json!("249999"), InvalidReason::AmountMismatch, NOW);
    expect(&permit("payment/payToken"), other, InvalidReason::TokenNotAllowed, NOW);
    expect(&permit("meta"), json!(null), InvalidReason::MissingPermit, NOW);

    assert_eq!(check(&good, due, NOW + 300), Err(InvalidReason::Expired));
    assert_eq!(check(&good, due, NOW - 11), Err(InvalidReason::NotYetValid));
    assert_eq!(InvalidReason::FeeToMismatch.to_string(), "fee_to_mismatch");
}

#[test]
fn a_payment_for_another_network_or_scheme_is_not_accepted() {
    let offer = required().offer().unwrap();
    let mut mainnet = required();
    mainnet.prices[0].network = Network::Mainnet;
    let mainnet = mainnet.offer().unwrap();
    let anywhere = |_, _| true;
    let verdict = exact_permit::check_tokens(&pay(&offer), &mainnet.options[0], NOW, anywhere);
    assert_eq!(verdict, Err(InvalidReason::InvalidSignature));
    let other = Requirements::read(&offer.options[0].raw.replace("exact_permit", "exact_gasfree")).unwrap();
    assert_eq!(check(&pay(&offer), &other, NOW), Err(InvalidReason::MissingPermit));
}

#[test]
fn what_can_not_be_settled_is_not_signed() {
    let terms = |required: &PaymentRequired| required.offer().unwrap().options[0].terms.clone().unwrap();
    let payer = payer().address();

    let mut no_caller = required();
    no_caller.prices[0].fee = Some(Fee { to: facilitator(), amount: Amount::ZERO, caller: None });
    assert_eq!(terms(&no_caller).authorize(payer), Err(CannotSign::MissingCaller));
    no_caller.prices[0].fee = None;
    assert_eq!(terms(&no_caller).authorize(payer), Err(CannotSign::MissingCaller));

    let mut no_meta = required();
    no_meta.permit = None;
    assert_eq!(terms(&no_meta).authorize(payer), Err(CannotSign::MissingMeta));

    let mut elsewhere = required();
    let found = address("TT8rEWbCoNX7vpEUauxb7rWJsTgs8vDLAn");
    elsewhere.prices[0].extra.insert("verifyingContract".into(), json!(found.to_string()));
    let expected = address("TFxDcGvS7zfQrS1YzcCMp673ta2NHHzsiH");
    assert_eq!(terms(&elsewhere).authorize(payer), Err(CannotSign::ContractNotInRegistry { found, expected }));

    let mut delivery = required();
    delivery.permit.as_mut().unwrap().kind = "PAYMENT_AND_DELIVERY".into();
    let found = "PAYMENT_AND_DELIVERY".to_owned();
    assert_eq!(terms(&delivery).authorize(payer), Err(CannotSign::WrongKind { found }));

    let mut nowhere = required();
    nowhere.prices[0].pay_to = Address::ZERO;
    assert_eq!(terms(&nowhere).authorize(payer), Err(CannotSign::ZeroAddress { field: "payTo" }));
}

#[test]
fn one_id_goes_with_every_try_of_a_payment() {
    let mut required = required();
    let extension = json!({ "info": { "required": true, "hint": "x" }, "schema": { "type": "object" } });
    required.extensions.insert(identifier::EXTENSION.into(), extension);
    let offer = required.offer().unwrap();
    assert_eq!(identifier::asked(&offer), Some(true));

    let id = PaymentId::parse("order_2026-000000001").unwrap();
    let mut payment = pay(&offer);
    let without = payment.to_json().to_owned();
    assert!(identifier::add(&mut payment, &offer, &id));
    assert!(identifier::add(&mut payment, &offer, &id), "again is the same");
    let sent: Value = serde_json::from_str(payment.to_json()).unwrap();
    let expected =
        json!({ "info": { "required": true, "hint": "x", "id": id.as_str() }, "schema": { "type": "object" } });
    assert_eq!(sent["extensions"][identifier::EXTENSION], expected);
    assert_ne!(payment.to_json(), without);
    assert_eq!(identifier::of(&Payment::read(payment.to_json()).unwrap()), Some(id.clone()));
    assert_eq!(check(&payment, &offer.options[0], NOW), Ok(payer().address()));

    let plain = self::required().offer().unwrap();
    assert_eq!(identifier::asked(&plain), None);
    assert!(!identifier::add(&mut pay(&plain), &plain, &id));
    for bad in ["", "short", "sixteen-chars-é!", "with space in it!", &"x".repeat(129)] {
        assert!(PaymentId::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn an_mcp_request_carries_the_same_payment() {
    let offer = required().offer().unwrap();
    let payment = pay(&offer);
    let meta: Value = serde_json::from_str(&payment.mcp_meta()).unwrap();
    let call = json!({ "method": "tools/call", "params": { "name": "data", "arguments": {}, "_meta": meta } });
    let received = Payment::read(&call.to_string()).unwrap();
    assert_eq!(received.payload, payment.payload);
    assert!(received.accepted.unwrap().same_as(&offer.options[0]));
}

#[test]
fn a_settlement_is_written_as_published_and_read_back() {
    let id = "ab".repeat(32);
    for settlement in [
        Settlement::settled("tron:nile", &id, payer().address()),
        Settlement::failed("tron:nile", "insufficient_funds"),
        Settlement::pending("tron:nile", &id, payer().address()),
    ] {
        assert_eq!(Settlement::read(&settlement.to_json()).as_ref(), Ok(&settlement));
        assert_eq!(Settlement::read(&settlement.header_value()).as_ref(), Ok(&settlement));
        assert_eq!(settlement.is_pending(), settlement.error_reason.as_deref() == Some("settlement_pending"));
    }
}

#[test]
fn a_seller_writes_the_network_as_its_customers_read_it() {
    for (form, written) in [
        (NetworkForm::Named, "tron:nile"),
        (NetworkForm::Hexadecimal, "tron:0xcd8690dc"),
        (NetworkForm::Canonical, "tron:3448148188"),
    ] {
        let mut required = required();
        required.prices[0].form = form;
        let offer = required.offer().unwrap();
        assert_eq!(offer.options[0].network, written);
        assert_eq!(offer.options[0].terms.as_ref().unwrap().network(), Network::Nile);
    }
}

#[test]
fn requirements_are_the_same_whatever_order_and_nulls() {
    let text = required().prices[0].to_json();
    let mine = Requirements::read(&text).unwrap();
    let value: Value = serde_json::from_str(&text).unwrap();
    let members: Vec<_> = value.as_object().unwrap().clone().into_iter().collect();
    let mut value = Value::Object(members.into_iter().rev().collect());
    value["extra"]["name"] = Value::Null;
    assert!(mine.same_as(&Requirements::read(&value.to_string()).unwrap()));
    value["amount"] = json!("250001");
    assert!(!mine.same_as(&Requirements::read(&value.to_string()).unwrap()));
}

#[test]
fn the_raw_document_decides_the_offers_hash() {
    let json = required().to_json();
    let (body, header) = (Offer::read(&json).unwrap(), Offer::read(&header::write(&json)).unwrap());
    assert_eq!(body.options, header.options);
    assert_ne!(body.hash(), header.hash());
    assert_eq!(Offer::read(&json).unwrap().hash(), body.hash());
    assert_ne!(Offer::read(&format!("{json} ")).unwrap().hash(), body.hash());
}
