//! Digests, signatures and wire forms equal those of two independent implementations.
#![allow(clippy::unwrap_used, clippy::panic)]

use serde_json::{Value, json};
use tron::{Network, PrivateKey, Signature, recover};
use x402::{CannotSign, Fresh, Offer, Payload, Payment, Signed, U256};

fn vectors() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/vectors/tron-signing.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// The 402 that would lead to this `exact_permit` vector.
fn offer_for(vector: &Value) -> Value {
    let permit = &vector["wire"]["paymentPermit"];
    json!({
        "x402Version": 2,
        "resource": { "url": "https://shop.example/data" },
        "accepts": [{
            "scheme": "exact_permit",
            "network": vector["network"],
            "amount": permit["payment"]["payAmount"],
            "asset": permit["payment"]["payToken"],
            "payTo": permit["payment"]["payTo"],
            "maxTimeoutSeconds": null,
            "extra": { "fee": {
                "feeTo": permit["fee"]["feeTo"], "feeAmount": permit["fee"]["feeAmount"], "caller": permit["caller"],
            } },
        }],
        "extensions": { "paymentPermitContext": { "meta": permit["meta"] } },
    })
}

#[test]
fn exact_permit_signs_what_the_vectors_say() {
    let vectors = vectors();
    let mut seen = 0;
    for vector in vectors["typedData"].as_array().unwrap() {
        if vector["scheme"] != "exact_permit" {
            continue;
        }
        let offer = Offer::read(&offer_for(vector).to_string()).unwrap();
        let option = &offer.options[0];
        let key: [u8; 32] = hex::decode(&text(&vector["privateKey"])[2..]).unwrap().try_into().unwrap();
        let key = PrivateKey::from_bytes(&key).unwrap();

        let authorization = option.terms.as_ref().unwrap().authorize(key.address()).unwrap();
        assert_eq!(format!("0x{}", authorization.digest), text(&vector["digest"]), "{}", vector["id"]);
        assert_eq!(authorization.typed_data(), vector["typedData"], "{}", vector["id"]);
        let signature = key.sign(&authorization.digest);
        assert_eq!(signature.to_hex(), text(&vector["signature"]));

        let payment = authorization.payment(&offer, option, &signature);
        let sent: Value = serde_json::from_str(payment.to_json()).unwrap();
        assert_eq!(sent["payload"]["paymentPermit"], vector["wire"]["paymentPermit"]);
        assert_eq!(sent["payload"]["signature"], vector["signature"]);
        assert_eq!(Payment::read(payment.to_json()), Ok(payment.clone()));
        assert_eq!(Payment::read(&payment.header_value()), Ok(payment.clone()));
        assert_eq!(payment.signer(), Some(key.address()));
        seen += 1;
    }
    assert_eq!(seen, 4);
}

/// The 402 that would lead to this `exact` vector, and what its payer chose.
fn exact_offer_for(vector: &Value) -> (Value, Fresh) {
    let number = |value: &Value| value.as_str().unwrap().parse::<u64>().unwrap();
    let domain = &vector["typedData"]["domain"];
    let mut option = json!({ "scheme": "exact", "network": vector["network"], "maxTimeoutSeconds": 60 });
    let fresh = if text(&vector["scheme"]) == "exact" {
        let a = &vector["wire"]["authorization"];
        option["asset"] = domain["verifyingContract"].clone();
        (option["amount"], option["payTo"]) = (a["value"].clone(), a["to"].clone());
        option["extra"] = json!({ "name": domain["name"], "version": domain["version"] });
        let nonce = U256::from_str_radix(&text(&a["nonce"])[2..], 16).unwrap();
        Fresh { nonce, valid_after: number(&a["validAfter"]), valid_before: number(&a["validBefore"]) }
    } else {
        let a = &vector["wire"]["permit2Authorization"];
        option["asset"] = a["permitted"]["token"].clone();
        (option["amount"], option["payTo"]) = (a["permitted"]["amount"].clone(), a["witness"]["to"].clone());
        option["extra"] = json!({ "assetTransferMethod": "permit2" });
        let nonce = U256::from_str_radix(text(&a["nonce"]), 10).unwrap();
        Fresh { nonce, valid_after: number(&a["witness"]["validAfter"]), valid_before: number(&a["deadline"]) }
    };
    (json!({ "x402Version": 2, "accepts": [option] }), fresh)
}

#[test]
fn both_forms_of_exact_sign_what_the_vectors_say() {
    let vectors = vectors();
    let mut seen = 0;
    for vector in vectors["typedData"].as_array().unwrap() {
        if !["exact", "exact(permit2)"].contains(&text(&vector["scheme"])) {
            continue;
        }
        let (offer, fresh) = exact_offer_for(vector);
        let offer = Offer::read(&offer.to_string()).unwrap();
        let option = &offer.options[0];
        let terms = option.terms.as_ref().unwrap();
        let key: [u8; 32] = hex::decode(&text(&vector["privateKey"])[2..]).unwrap().try_into().unwrap();
        let key = PrivateKey::from_bytes(&key).unwrap();

        assert_eq!(terms.authorize(key.address()), Err(CannotSign::NothingChosen));
        assert_eq!(format!("0x{}", hex::encode(terms.separator().unwrap())), text(&vector["domainSeparator"]));
        let authorization = terms.with(fresh).authorize(key.address()).unwrap();
        assert_eq!(format!("0x{}", authorization.digest), text(&vector["digest"]), "{}", vector["id"]);
        assert_eq!(authorization.typed_data(), vector["typedData"], "{}", vector["id"]);
        let signature = key.sign(&authorization.digest);
        assert_eq!(signature.to_hex(), text(&vector["signature"]));

        let payment = authorization.payment(&offer, option, &signature);
        let sent: Value = serde_json::from_str(payment.to_json()).unwrap();
        for (name, value) in vector["wire"].as_object().unwrap() {
            assert_eq!(&sent["payload"][name], value, "{}", vector["id"]);
        }
        assert_eq!(sent["payload"]["signature"], vector["signature"]);
        assert_eq!(Payment::read(&payment.header_value()), Ok(payment.clone()));
        assert_eq!(payment.signer(), Some(key.address()));
        let signed = Signed::of(&payment, option).unwrap();
        assert_eq!(
            (signed.payer, signed.digest, signed.window),
            (key.address(), authorization.digest, authorization.window)
        );
        seen += 1;
    }
    assert_eq!(seen, 6);
}

#[test]
fn every_other_scheme_hashes_to_the_vectors_digest() {
    let vectors = vectors();
    let mut seen = 0;
    for vector in vectors["typedData"].as_array().unwrap() {
        let (scheme, method) = match text(&vector["scheme"]) {
            "exact" => ("exact", Some("eip3009")),
            "exact(permit2)" => ("exact", Some("permit2")),
            "upto(permit2)" => ("upto", Some("permit2")),
            "exact_gasfree" => ("exact_gasfree", None),
            "exact(legacy permit)" => ("exact", None),
            "exact_permit" => continue,
            other => panic!("{other}"),
        };
        let message = &vector["typedData"]["message"];
        let mut payload = vector["wire"].clone();
        if payload.is_null() {
            // The legacy vector carries no wire form; its message says the same.
            let mut permit = message.clone();
            permit["meta"]["kind"] = json!("PAYMENT_ONLY");
            payload = json!({ "paymentPermit": permit });
        }
        payload["signature"] = vector["signature"].clone();
        let domain = &vector["typedData"]["domain"];
        let accepted = json!({
            "scheme": scheme, "network": vector["network"], "amount": "1",
            "asset": domain["verifyingContract"], "payTo": vector["signerTron"],
            "extra": { "assetTransferMethod": method, "name": domain["name"], "version": domain["version"] },
        });
        let context = json!({ "paymentPermitContext": { "delivery": message["delivery"] } });
        let document = json!({
            "x402Version": 2, "accepted": accepted, "payload": payload, "extensions": context,
        });
        let payment = Payment::read(&document.to_string()).unwrap();
        let terms = payment.accepted.as_ref().unwrap().terms.as_ref().unwrap();
        let digest = payment.payload.as_ref().unwrap().digest(terms.network(), Some(terms)).unwrap();
        assert_eq!(format!("0x{digest}"), text(&vector["digest"]), "{}", vector["id"]);
        let signature = Signature::parse(text(&vector["signature"])).unwrap();
        assert_eq!(recover(&digest, &signature).unwrap().to_string(), text(&vector["signerTron"]));
        assert_eq!(payment.signer().unwrap().to_string(), text(&vector["signerTron"]));
        assert_eq!(payment.payload.unwrap().payer().to_string(), text(&vector["signerTron"]));
        seen += 1;
    }
    assert_eq!(seen, 11);
}

#[test]
fn a_change_of_one_part_changes_the_digest() {
    let vectors = vectors();
    let first = &vectors["typedData"][0];
    let offer = Offer::read(&offer_for(first).to_string()).unwrap();
    let buyer = text(&first["signerTron"]).parse().unwrap();
    let digest = offer.options[0].terms.as_ref().unwrap().authorize(buyer).unwrap().digest;
    for negative in vectors["negatives"].as_array().unwrap() {
        assert_ne!(format!("0x{digest}"), text(&negative["digest"]), "{}", negative["id"]);
    }
    for network in Network::ALL.into_iter().filter(|n| *n != Network::Nile) {
        let mut other = offer_for(first);
        other["accepts"][0]["network"] = json!(network.named());
        let offer = Offer::read(&other.to_string()).unwrap();
        assert_ne!(offer.options[0].terms.as_ref().unwrap().authorize(buyer).unwrap().digest, digest);
    }
}

/// The published channel vector: parties 0x11…, 0x22…, 0x33…, Nile.
#[test]
fn a_channel_its_voucher_and_its_deposit_hash_as_published() {
    let party = |byte: &str| format!("0x{}", byte.repeat(20));
    let id = "8ad37c34b11046f20579a70dd6e56b866940194f3ea669a3ae669a8b42ba642c";
    let token = "TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf";
    let signature = format!("0x{}", "00".repeat(65));
    let nile = tron::registry::deployments(Network::Nile);
    let document = json!({
        "x402Version": 2,
        "accepted": {
            "scheme": "batch-settlement", "network": "tron:nile", "amount": "1000", "asset": token,
            "payTo": party("22"),
            "extra": { "receiverAuthorizer": party("33"), "withdrawDelay": 900, "assetTransferMethod": "permit2" },
        },
        "payload": {
            "type": "deposit",
            "channelConfig": {
                "payer": party("11"), "payerAuthorizer": party("11"), "receiver": party("22"),
                "receiverAuthorizer": party("33"), "token": token, "withdrawDelay": 900,
                "salt": format!("0x{}", "00".repeat(32)),
            },
            "voucher": { "channelId": format!("0x{id}"), "maxClaimableAmount": "1000", "signature": signature },
            "deposit": { "amount": "5000", "authorization": { "permit2Authorization": {
                "from": party("11"), "permitted": { "token": token, "amount": "5000" },
                "spender": nile.channel.permit2_collector.to_string(),
                "nonce": "1", "deadline": "1786500000", "witness": { "channelId": format!("0x{id}") },
                "signature": signature,
            } } },
        },
    });
    let payment = Payment::read(&document.to_string()).unwrap();
    let Ok(Payload::BatchSettlement(payload)) = &payment.payload else { panic!("{:?}", payment.payload) };
    assert_eq!(hex::encode(payload.config().channel_id(Network::Nile)), id);
    assert_eq!(
        payload.voucher().unwrap().digest(Network::Nile).to_string(),
        "c4bdc8a02be02114de32628af57ca905a354ff2144b65e2ebe1676593796e9ec"
    );
    let x402::batch_settlement::Payload::Deposit { deposit, .. } = payload else { panic!("{payload:?}") };
    let permit2 = nile.default_permit2().unwrap().permit2;
    assert_eq!(
        deposit.by.permit2_digest(Network::Nile, permit2).unwrap().to_string(),
        "eb7ec36e9dabf5335480b8653fb14cfe8229ca964c1a5773d799f95ff00efcd4"
    );
}
