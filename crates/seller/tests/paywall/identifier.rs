//! The extension `payment-identifier`.

use crate::stage::{Stage, got, reason};
use serde_json::Value;
use tron::Amount;
use x402::identifier;

const FIRST: &str = "pay_7d5d747be160e280";
const SECOND: &str = "pay_0000000000000002";

#[tokio::test]
async fn it_is_advertised_and_required_by_choice() {
    let stage = Stage::start(|s| s).await;
    let required = identifier::asked(&stage.offer("/named").await);
    assert_eq!((identifier::asked(&stage.offer("/cheap").await), required), (Some(false), Some(true)));
}

#[tokio::test]
async fn the_same_id_with_the_same_payment_gets_the_same_answer() {
    let stage = Stage::start(|s| s).await;
    let payment = stage.sign_with_id(&stage.offer("/named").await, FIRST);
    for _ in 0..2 {
        assert_eq!(got(stage.pay("/named", &payment).await).await, (200, true, "run 1".to_owned()));
    }
    assert_eq!(stage.earned().await, Amount::from_u64(50_000));
}

#[tokio::test]
async fn the_same_id_with_another_payment_is_a_conflict() {
    let stage = Stage::start(|s| s).await;
    let (first, second) = (stage.offer("/named").await, stage.offer("/named").await);
    assert_eq!(stage.pay("/named", &stage.sign_with_id(&first, FIRST)).await.status(), 200);
    let conflict = stage.pay("/named", &stage.sign_with_id(&second, FIRST)).await;
    assert_eq!(conflict.status(), 409);
    let body: Value = conflict.json().await.unwrap();
    assert_eq!(body["error"], "payment_identifier_conflict");
    assert_eq!((stage.kitchen.runs(), stage.earned().await), (1, Amount::from_u64(50_000)));
    // Under an id of its own it is a purchase of its own.
    assert_eq!(stage.pay("/named", &stage.sign_with_id(&second, SECOND)).await.status(), 200);
}

#[tokio::test]
async fn an_id_whose_payment_bought_nothing_is_free_again() {
    let stage = Stage::start(|s| s).await;
    let permit = tron::registry::deployments(crate::stage::NETWORK).payment_permit;
    stage.approve(permit, 0).await;
    let payment = stage.sign_with_id(&stage.offer("/named").await, FIRST);
    assert_eq!(reason(stage.pay("/named", &payment).await).await, "insufficient_allowance");
    stage.approve(permit, 50_000).await;
    let payment = stage.sign_with_id(&stage.offer("/named").await, FIRST);
    assert_eq!(stage.pay("/named", &payment).await.status(), 200);
}

#[tokio::test]
async fn who_read_the_payment_on_the_chain_does_not_get_the_answer() {
    let stage = Stage::start(|s| s).await;
    let offer = stage.offer("/cheap").await;
    let payment = stage.sign_with_id(&offer, FIRST);
    assert_eq!(stage.pay("/cheap", &payment).await.status(), 200);
    // The same signed message; only the id is not on the chain.
    for stolen in [stage.sign(&offer, 0), stage.sign_with_id(&offer, SECOND)] {
        assert_eq!(reason(stage.pay("/cheap", &stolen).await).await, "payment_already_used");
    }
    assert_eq!(stage.kitchen.runs(), 1);
}

#[tokio::test]
async fn no_id_where_one_is_required_and_a_bad_one_anywhere_are_refused() {
    let stage = Stage::start(|s| s).await;
    let payment = stage.sign(&stage.offer("/named").await, 0);
    let refused = stage.pay("/named", &payment).await;
    assert_eq!(refused.status(), 400);
    let body: Value = refused.json().await.unwrap();
    assert_eq!(body["error"], "payment_identifier_required");

    let payment = stage.sign_with_id(&stage.offer("/cheap").await, FIRST);
    for bad in ["\"short\"", "\"has a space, which none has\"", "17", "{}"] {
        let raw = payment.to_json().replace(&format!("\"{FIRST}\""), bad);
        let request = stage.http.get(format!("{}/cheap", stage.shop));
        let refused = request.header("PAYMENT-SIGNATURE", x402::header::write(&raw)).send().await.unwrap();
        assert_eq!(refused.status(), 400);
        let body: Value = refused.json().await.unwrap();
        assert_eq!(
            (&body["error"], &body["field"]),
            (&"malformed_payment".into(), &"extensions.payment-identifier.info.id".into())
        );
    }
    assert_eq!((stage.kitchen.runs(), stage.earned().await), (0, Amount::ZERO));
}
