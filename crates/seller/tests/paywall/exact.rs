//! The scheme `exact`, by the token itself and by Permit2, where the buyer chooses nonce and window; and offers in
//! several ways and forms.

use crate::stage::{NETWORK, START_SECS, Stage, got, key, offer, reason, settlement, usdt};
use devnet::{AUTHORIZED_USD, Fault};
use seller::Seller;
use std::time::Duration;
use tron::{Amount, registry};
use x402::{NetworkForm, Offer, Scheme};

async fn earned(stage: &Stage) -> [u64; 2] {
    let mut earned = [0; 2];
    for (token, amount) in [usdt(), AUTHORIZED_USD].into_iter().zip(&mut earned) {
        *amount = stage.grid.balance(token, key(0x5e).address()).await.unwrap().to_string().parse().unwrap();
    }
    earned
}

async fn with_permit2(change: impl Fn(Seller) -> Seller) -> Stage {
    let stage = Stage::start(change).await;
    for set in &registry::deployments(NETWORK).permit2 {
        stage.approve(set.permit2, 10_000_000).await;
    }
    stage
}

#[tokio::test]
async fn one_402_offers_every_way_in_its_form() {
    let stage = Stage::start(|s| s).await;
    let offer = stage.offer("/ways").await;
    let seen: Vec<_> = offer.options.iter().map(|o| (o.terms.as_ref().unwrap().scheme(), o.network.as_str())).collect();
    let (decimal, hexadecimal) = (NETWORK.canonical(), NetworkForm::Hexadecimal.write(NETWORK));
    let expected = [
        (Scheme::ExactPermit, decimal),
        (Scheme::ExactPermit2, decimal),
        (Scheme::ExactEip3009, hexadecimal),
        (Scheme::ExactEip3009, decimal),
    ];
    assert_eq!(seen, expected);
    // Where nothing is dictated, there is nothing to dictate it by.
    let exact = stage.offer("/token").await;
    assert!(exact.extensions.raw("paymentPermitContext").is_none());
}

#[tokio::test]
async fn an_answer_is_bought_in_each_way_and_given_again() {
    let stage = with_permit2(|s| s).await;
    for (option, run) in [(0, "run 1"), (1, "run 2"), (2, "run 3"), (3, "run 4")] {
        let payment = stage.sign(&stage.offer("/ways").await, option);
        for _ in 0..2 {
            assert_eq!(got(stage.pay("/ways", &payment).await).await, (200, true, run.to_owned()));
        }
    }
    assert_eq!((earned(&stage).await, stage.kitchen.runs()), ([100_000, 140_000], 4));
}

#[tokio::test]
async fn buyers_of_version_1_pay_in_each_way() {
    let stage = with_permit2(Seller::v1_bodies).await;
    for option in [0, 1, 2] {
        let body = stage.get("/ways").await.text().await.unwrap();
        let payment = stage.sign(&Offer::read(&body).unwrap(), option);
        assert_eq!(payment.header_name(), "X-PAYMENT");
        let response = stage.pay("/ways", &payment).await;
        assert_eq!(response.headers()["x-payment-response"], response.headers()["payment-response"]);
        assert!(response.status() == 200 && settlement(&response).success);
    }
    assert_eq!(earned(&stage).await, [100_000, 70_000]);
}

#[tokio::test]
async fn a_payment_of_the_buyers_own_nonce_buys_one_thing() {
    let stage = with_permit2(|s| s).await;
    for option in [1, 2] {
        let payment = stage.sign(&stage.offer("/ways").await, option);
        assert_eq!(stage.pay("/ways", &payment).await.status(), 200);
        // The message names no resource: the first one that it buys is the only one.
        for path in ["/ways?again", "/ways/"] {
            let refused = stage.pay(path, &payment).await;
            assert!(refused.status() == 402 || refused.status() == 404);
        }
        assert_eq!(reason(stage.pay("/ways?again", &payment).await).await, "payment_already_used");
    }
    assert_eq!((earned(&stage).await, stage.kitchen.runs()), ([50_000, 70_000], 2));
}

#[tokio::test]
async fn what_is_not_the_price_is_not_taken() {
    let stage = with_permit2(|s| s).await;
    let ways = stage.offer("/ways").await;
    let raw = x402::header::read(&ways.raw).unwrap();
    let changed = |from: &str, to: &str, option| {
        assert!(raw.contains(from), "{raw}");
        stage.sign(&Offer::read(&raw.replace(from, to)).unwrap(), option)
    };
    let (payee, other) = (key(0x5e).address().to_string(), key(9).address().to_string());
    let (token, name) = (AUTHORIZED_USD.to_string(), "Authorized Dollar");
    for (from, to, option, expected) in [
        ("\"50000\"", "\"1\"", 1, "no_matching_requirements"),
        ("\"70000\"", "\"1\"", 2, "no_matching_requirements"),
        (payee.as_str(), other.as_str(), 1, "no_matching_requirements"),
        (payee.as_str(), other.as_str(), 2, "no_matching_requirements"),
        (usdt().to_string().as_str(), token.as_str(), 1, "no_matching_requirements"),
        // Another token, and another domain, is another signature.
        (token.as_str(), usdt().to_string().as_str(), 2, "invalid_exact_tron_payload_signature"),
        (name, "Other Dollar", 2, "invalid_exact_tron_payload_signature"),
    ] {
        assert_eq!(reason(stage.pay("/ways", &changed(from, to, option)).await).await, expected, "{from} -> {to}");
    }
    // A window that lasts longer than an hour, as older packages sign it, and one that is over.
    for option in [1, 2] {
        let lasting = stage.sign_for(&ways, option, 3661);
        assert_eq!(reason(stage.pay("/ways", &lasting).await).await, "window_exceeds_offer");
    }
    let late = [stage.sign(&ways, 1), stage.sign(&ways, 2)];
    stage.devnet.clock().advance(Duration::from_secs(600));
    for (payment, expected) in
        late.iter().zip(["permit2_deadline_expired", "invalid_exact_tron_payload_authorization_valid_before"])
    {
        assert_eq!(reason(stage.pay("/ways", payment).await).await, expected);
    }
    assert_eq!((earned(&stage).await, stage.kitchen.runs()), ([0, 0], 0));
}

#[tokio::test]
async fn an_open_settlement_of_the_buyers_own_nonce_is_looked_up_by_the_same_payment() {
    let stage = with_permit2(|s| s).await;
    for option in [1, 2] {
        let payment = stage.sign(&stage.offer("/ways").await, option);
        stage.devnet.fault("wallet/gettransactioninfobyid", 1_000, Fault::Error);
        let pending = stage.pay("/ways", &payment).await;
        assert!(pending.status() == 402 && settlement(&pending).is_pending());
        assert_eq!(offer(&pending).options.len(), 4);
        stage.devnet.clear_faults();
        assert_eq!(stage.pay("/ways", &payment).await.status(), 200);
    }
    assert_eq!((earned(&stage).await, stage.kitchen.runs()), ([50_000, 70_000], 2));
}

#[tokio::test]
async fn a_missing_allowance_to_permit2_is_said() {
    let stage = Stage::start(|s| s).await;
    let payment = stage.sign(&stage.offer("/ways").await, 1);
    assert_eq!(reason(stage.pay("/ways", &payment).await).await, "permit2_allowance_required");
    assert_eq!(stage.earned().await, Amount::ZERO);
    assert_eq!(stage.devnet.clock().now_secs(), START_SECS);
}
