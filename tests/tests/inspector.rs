//! The inspector with a chain behind it: what documents say beside what happened.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

use stories::{Ask, Stage};
use view::{Desk, InspectView};
use wallet::Scope;
use x402::Scheme;

fn codes(seen: &InspectView) -> Vec<&str> {
    seen.parts.iter().flat_map(|part| &part.findings).map(|finding| finding.code.as_str()).collect()
}

async fn paid(stage: &Stage, nonce: u64) -> x402::Payment {
    let url = format!("https://news.example/articles/{nonce}");
    let question = stage.ask(&Ask { url, ..Ask::new(nonce) }).await;
    let row = stage.approve(&question, Scope::Once).await.unwrap();
    stage.signed(row.id).await
}

#[tokio::test]
async fn a_settlement_is_looked_up_and_told_beside_what_the_seller_says() {
    let stage = Stage::start().await;
    let desk = Desk::new(stage.wallet.clone());
    let payment = paid(&stage, 1).await;
    let header = format!("PAYMENT-SIGNATURE: {}", payment.header_value());
    let before = desk.look_up(&header, None).await.unwrap();
    assert!(codes(&before).contains(&"nonceFree") && codes(&before).contains(&"signerFits"), "{:?}", codes(&before));

    let tx = stage.settle(&payment).await;
    let answer = x402::Settlement::settled("tron:nile", &tx.to_string(), stage.payer());
    let both = format!("{header}\nPAYMENT-RESPONSE: {}", answer.header_value());
    let offline = desk.inspect(&both);
    assert!(offline.can_look_up && offline.looked_up.is_empty() && !codes(&offline).contains(&"chainAgrees"));
    let seen = desk.look_up(&both, None).await.unwrap();
    for code in ["nonceSettled", "chainAgrees", "payeePaid", "settlementFits"] {
        assert!(codes(&seen).contains(&code), "{code}: {:?}", codes(&seen));
    }
    // Alone, the contract's one mark does not say which it was.
    let alone = desk.look_up(&header, None).await.unwrap();
    assert!(codes(&alone).contains(&"nonceUsed") && !codes(&alone).contains(&"nonceSettled"), "{:?}", codes(&alone));

    // The seller shows somebody else's transaction.
    let other = paid(&stage, 2).await;
    let lie = format!("PAYMENT-SIGNATURE: {}\nPAYMENT-RESPONSE: {}", other.header_value(), answer.header_value());
    let seen = desk.look_up(&lie, None).await.unwrap();
    assert!(codes(&seen).contains(&"nonceFree") && codes(&seen).contains(&"settledOther"), "{:?}", codes(&seen));
    let denied = x402::Settlement { success: false, ..answer };
    let seen = desk.look_up(&denied.to_json(), None).await.unwrap();
    assert!(codes(&seen).contains(&"chainSucceeded"), "{:?}", codes(&seen));
    let nowhere = x402::Settlement::settled("tron:nile", &"ab".repeat(32), stage.payer());
    let seen = desk.look_up(&nowhere.to_json(), None).await.unwrap();
    assert!(codes(&seen).contains(&"notOnChain"), "{:?}", codes(&seen));
}

#[tokio::test]
async fn a_permission_that_was_cancelled_is_told_from_one_that_was_used() {
    for scheme in [Scheme::ExactPermit2, Scheme::ExactEip3009] {
        let stage = Stage::without_allowance().await;
        stage.prepare(scheme).await;
        let desk = Desk::new(stage.wallet.clone());
        let (mut signed, mut slots) = (Vec::new(), Vec::new());
        for nonce in 1..=3 {
            let url = format!("https://news.example/articles/{nonce}");
            let question = stage.ask(&Ask { url, ..Ask::by(scheme, nonce) }).await;
            let row = stage.approve(&question, Scope::Once).await.unwrap();
            let payment = stage.signed(row.id).await;
            slots.push(x402::Signed::of(&payment, payment.accepted.as_ref().unwrap()).unwrap().slot);
            signed.push(payment);
        }
        let cancelled = match scheme {
            Scheme::ExactPermit2 => Some(stage.cancel(&slots[0]).await),
            _ => None,
        };
        let settled = stage.settle(&signed[1]).await;
        let beside = async |payment: &x402::Payment, tx: &tron::TxId| {
            let both = format!("PAYMENT-SIGNATURE: {}\n{tx}", payment.header_value());
            desk.look_up(&both, Some("tron:nile")).await.unwrap()
        };
        let mut cases = vec![(1, &settled, "nonceSettled"), (2, &settled, "nonceFree")];
        // Another payment's end says nothing about this one.
        cases.extend(cancelled.iter().flat_map(|tx| [(0, tx, "nonceCancelled"), (1, tx, "nonceUsed")]));
        for (payment, tx, code) in cases {
            let seen = beside(&signed[payment], tx).await;
            let told: Vec<_> = codes(&seen).into_iter().filter(|code| code.starts_with("nonce")).collect();
            assert_eq!(told, [code], "{scheme}");
            assert!(payment != 0 || !codes(&seen).contains(&"payeeNotPaid"), "nobody was to be paid by it");
        }
    }
}

#[tokio::test]
async fn thirty_two_bytes_are_looked_up_only_where_a_person_names_the_network() {
    let stage = Stage::start().await;
    let desk = Desk::new(stage.wallet.clone());
    let tx = stage.settle(&paid(&stage, 1).await).await.to_string();
    let quiet = desk.look_up(&tx, None).await.unwrap();
    assert!(quiet.needs_network && !quiet.can_look_up && quiet.looked_up.is_empty());
    let seen = desk.look_up(&tx, Some("tron:nile")).await.unwrap();
    assert!(seen.looked_up[0].contains("SUCCESS"), "{:?}", seen.looked_up);
    // This wallet's world has one network; the others have no node here.
    let elsewhere = desk.look_up(&tx, Some("tron:mainnet")).await.unwrap();
    assert!(elsewhere.looked_up[0].contains("TRON Mainnet"), "{:?}", elsewhere.looked_up);
    assert!(desk.look_up(&tx, Some("eip155:1")).await.is_err());
}

#[tokio::test]
async fn a_call_that_ran_out_of_energy_is_told_as_failed_with_nothing_moved() {
    let stage = Stage::start().await;
    let desk = Desk::new(stage.wallet.clone());
    let sent = stage.send_without_energy().await;
    for text in [sent.id().to_string(), sent.to_hex(), sent.to_json().to_string()] {
        let seen = desk.look_up(&text, Some("tron:nile")).await.unwrap();
        let told = seen.parts.iter().flat_map(|part| &part.findings).find(|found| found.code == "endedBadly");
        assert!(told.is_some_and(|told| told.text.contains("OUT_OF_ENERGY")), "{:?}", codes(&seen));
        assert!(seen.looked_up[0].contains("OUT_OF_ENERGY"), "{:?}", seen.looked_up);
    }
    assert!(codes(&desk.inspect(&sent.to_hex())).contains(&"feeLimitZero"));
}
