//! What a facilitator is beyond one settlement: several accounts, several schemes, fees that change, what it says
//! about itself, and how much it lets one client ask.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod stage;

use devnet::{AUTHORIZED_USD, Fault};
use facilitator::{CancellationToken, FeeRule, Keys, RateLimit, TokenTerms, Verify};
use serde_json::{Value, json};
use stage::{FEE, NETWORK, Paid, START_SECS, Stage, approve, by_exact, by_permit, key, seller, serve_with, usdt};
use std::{num::NonZeroU32, time::Duration};
use tron::{Address, Amount, registry};
use x402::Fee;

fn units(amount: u64) -> Amount {
    Amount::from_u64(amount)
}

/// Every scheme for two tokens, for nothing.
fn everything(config: &mut facilitator::Config) {
    config.tokens = [usdt(), AUTHORIZED_USD].map(|token| TokenTerms::free(NETWORK, token)).to_vec();
}

fn sets() -> [&'static str; 2] {
    let sets = &registry::deployments(NETWORK).permit2;
    [sets[0].name, sets[1].name]
}

async fn allow_permit2(stage: &Stage) {
    for set in &registry::deployments(NETWORK).permit2 {
        approve(&stage.grid, &stage.buyer, set.permit2, 10_000_000).await;
    }
}

fn exact(stage: &Stage, set: Option<&str>, nonce: u64) -> Paid {
    by_exact(&stage.buyer, set, 250_000, nonce, START_SECS)
}

#[tokio::test]
async fn exact_is_settled_by_the_tokens_own_authorization_and_by_both_deployments_of_permit2() {
    let stage = Stage::start(everything).await;
    allow_permit2(&stage).await;
    for (nonce, set) in [(1, None), (2, Some(sets()[0])), (3, Some(sets()[1]))] {
        let paid = exact(&stage, set, nonce);
        let yes = json!({ "isValid": true, "payer": stage.buyer.address().to_string() });
        assert_eq!(stage.post("/verify", paid.body()).await, (200, yes));
        let (_, settled) = stage.post("/settle", paid.body()).await;
        assert_eq!(settled["success"], true, "{set:?} {settled}");
        let again = stage.post("/settle", paid.body()).await.1;
        let told = (&again["success"], &again["errorReason"], &again["transaction"]);
        assert_eq!(told, (&json!(false), &json!("duplicate_settlement"), &settled["transaction"]), "once");
        assert_eq!(stage.post("/verify", paid.body()).await.1["invalidReason"], "nonce_already_used");
    }
    assert_eq!(stage.balance(seller()).await, 2 * 250_000);
    let authorized = stage.grid.balance(AUTHORIZED_USD, seller()).await.unwrap();
    assert_eq!(authorized, units(250_000));
}

#[tokio::test]
async fn each_way_for_exact_to_be_wrong_has_its_published_reason() {
    let stage = Stage::start(everything).await;
    let reason = async |paid: &Paid, pointer: &str, value: Value| {
        let mut body: Value = serde_json::from_str(&paid.body()).unwrap();
        *body.pointer_mut(pointer).unwrap() = value;
        let verdict = stage.post("/verify", body.to_string()).await.1;
        let settled = stage.post("/settle", body.to_string()).await.1;
        assert_eq!(verdict["invalidReason"], settled["errorReason"]);
        verdict["invalidReason"].as_str().unwrap_or("none").to_owned()
    };
    let other = json!(key(9).address().to_string());
    let (token, permit2) = (exact(&stage, None, 1), exact(&stage, Some(sets()[0]), 2));
    let nothing = ("/x402Version", json!(2));
    assert_eq!(reason(&permit2, nothing.0, nothing.1.clone()).await, "permit2_allowance_required");
    allow_permit2(&stage).await;
    for (paid, pointer, value, expected) in [
        (&token, "/paymentRequirements/payTo", other.clone(), "invalid_exact_tron_payload_recipient_mismatch"),
        (&token, "/paymentRequirements/amount", json!("1"), "invalid_exact_tron_payload_authorization_value_mismatch"),
        (&token, "/paymentRequirements/network", json!("tron:shasta"), "invalid_exact_tron_network_mismatch"),
        (
            &token,
            "/paymentPayload/payload/authorization/from",
            json!(key(9).address().to_evm_hex()),
            "invalid_exact_tron_payload_signature",
        ),
        (&permit2, "/paymentRequirements/amount", json!("1"), "permit2_amount_mismatch"),
        (&permit2, "/paymentRequirements/asset", json!(AUTHORIZED_USD.to_string()), "permit2_token_mismatch"),
        (&permit2, "/paymentPayload/payload/permit2Authorization/spender", other.clone(), "invalid_permit2_spender"),
        (&permit2, "/paymentRequirements/scheme", json!("upto"), "unsupported_scheme"),
    ] {
        assert_eq!(reason(paid, pointer, value).await, expected, "{pointer}");
    }
    let dear = by_exact(&stage.buyer, None, 200_000_000, 5, START_SECS);
    assert_eq!(reason(&dear, nothing.0, nothing.1.clone()).await, "insufficient_funds");
    // None of that has moved anything, and the honest ones are still good.
    for paid in [&token, &permit2] {
        assert_eq!(reason(paid, nothing.0, nothing.1.clone()).await, "none");
    }
}

#[tokio::test]
async fn exact_is_no_way_around_a_fee() {
    let stage = Stage::start(|_| {}).await;
    allow_permit2(&stage).await;
    let (_, answer) = stage.post("/settle", exact(&stage, Some(sets()[0]), 1).body()).await;
    assert_eq!(answer["errorReason"], "unsupported_scheme");
    assert_eq!(stage.balance(seller()).await, 0);
}

#[tokio::test]
async fn what_is_stuck_for_one_account_does_not_stop_the_others() {
    let (first, second) = (key(0xfa), key(0xfc));
    let addresses = [first.address(), second.address()];
    let stage = Stage::start_with(Keys::from(first).and(second.into()), everything).await;
    allow_permit2(&stage).await;
    let (_, supported) = stage.get("/supported").await;
    let supported: Value = serde_json::from_str(&supported).unwrap();
    assert_eq!(supported["signers"], json!({ "tron:*": addresses.map(|a| a.to_string()) }));

    // One transaction never arrives.
    stage.devnet.fault("wallet/broadcasthex", 2, Fault::Error);
    let (_, stuck) = stage.post("/settle", exact(&stage, Some(sets()[0]), 1).body()).await;
    assert_eq!(stuck["errorReason"], "settlement_pending");
    let sender = async |answer: &Value| -> Address {
        let id = answer["transaction"].as_str().unwrap();
        let asked = stage.http.post(format!("{}/wallet/gettransactionbyid", stage.devnet.url()));
        let found: Value =
            asked.json(&json!({ "value": id, "visible": true })).send().await.unwrap().json().await.unwrap();
        let owner = &found["raw_data"]["contract"][0]["parameter"]["value"]["owner_address"];
        Address::parse(owner.as_str().unwrap()).unwrap()
    };
    // All that follow go through the other account.
    let mut others = Vec::new();
    for nonce in 2..6 {
        let (_, settled) = stage.post("/settle", exact(&stage, Some(sets()[0]), nonce).body()).await;
        assert_eq!(settled["success"], true, "{settled}");
        others.push(sender(&settled).await);
    }
    others.dedup();
    assert_eq!(others.len(), 1, "{others:?}");
    assert!(addresses.contains(&others[0]));
    // Quotes take turns; a permit is settled by the account that it names.
    let option = json!({ "scheme": "exact_permit", "network": "tron:nile", "amount": "50000", "asset": usdt().to_string(), "payTo": seller().to_string() });
    approve(&stage.grid, &stage.buyer, stage::permit_contract(), 1_000_000).await;
    for (nonce, caller) in [(10, addresses[0]), (11, addresses[1])] {
        let fee = Fee { to: Address::ZERO, amount: Amount::ZERO, caller: Some(caller) };
        let paid = by_permit(&stage.buyer, fee, 50_000, nonce, START_SECS, |_| {});
        let (_, settled) = stage.post("/settle", paid.body()).await;
        assert_eq!(sender(&settled).await, caller, "{settled}");
    }
    let (_, quotes) = stage.post("/fee/quote", json!({ "accepts": [option] }).to_string()).await;
    assert_eq!(quotes[0]["fee"]["caller"], others[0].to_string(), "the one that is not stuck");
}

#[tokio::test]
async fn an_account_without_trx_is_passed_over_and_reported() {
    let (rich, poor) = (key(0xfa), key(0xfd));
    let stage = Stage::start(everything).await;
    let poor_address = poor.address();
    let mut config = stage::config(&stage.devnet);
    everything(&mut config);
    let (facilitator, url) = serve_with(Keys::from(poor).and(rich.into()), config, &stage.grid).await;
    for nonce in 1..4 {
        let paid = exact(&stage, None, nonce);
        let settled = facilitator.settle(&paid.payment, &paid.requirements, None).await.answer("tron:nile");
        assert!(settled.success, "{settled:?}");
    }
    let health: Value = stage.http.get(format!("{url}/health")).send().await.unwrap().json().await.unwrap();
    let signers = &health["networks"][0]["signers"];
    assert_eq!(
        (&health["status"], &signers[0]["canPay"], &signers[1]["canPay"]),
        (&json!("ok"), &json!(false), &json!(true))
    );
    let metrics = stage.http.get(format!("{url}/metrics")).send().await.unwrap().text().await.unwrap();
    let line = format!("facilitator_signer_balance_sun{{network=\"tron:3448148188\",address=\"{poor_address}\"}} 0");
    assert!(metrics.contains(&line), "{metrics}");
}

#[tokio::test]
async fn two_messages_with_one_nonce_at_once_are_one_settlement() {
    let stage = Stage::start(everything).await;
    let paid: Vec<_> = (1..=8).map(|n| by_exact(&stage.buyer, None, n * 1_000, 7, START_SECS).body()).collect();
    let answers = futures::future::join_all(paid.into_iter().map(|body| stage.post("/settle", body))).await;
    let settled = answers.iter().filter(|(_, answer)| answer["success"] == true).count();
    let refused = answers.iter().filter(|(_, answer)| answer["errorReason"] == "nonce_already_used").count();
    assert_eq!((settled, refused), (1, 7), "{answers:?}");
}

#[tokio::test]
async fn a_fee_is_a_base_and_a_percentage_and_what_was_quoted_binds_after_a_change() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("facilitator.sqlite");
    let terms = |base, basis_points| TokenTerms {
        fee: FeeRule { base: units(base), basis_points, ..FeeRule::FREE },
        ..TokenTerms::free(NETWORK, usdt())
    };
    let stage = Stage::start(|config| {
        (config.tokens, config.database) = (vec![terms(1_000, 100)], Some(database.clone()));
    })
    .await;
    stage.approve(10_000_000).await;
    let option = json!({ "scheme": "exact_permit", "network": "tron:nile", "amount": "250000", "asset": usdt().to_string(), "payTo": seller().to_string() });
    let (_, quotes) = stage.post("/fee/quote", json!({ "accepts": [option] }).to_string()).await;
    assert_eq!((&quotes[0]["fee"]["feeAmount"], &quotes[0]["pricing"]), (&json!("3500"), &json!("percentage")));
    let paid = |fee, nonce| {
        let fee = Fee { to: key(0xfe).address(), amount: units(fee), caller: Some(key(0xfa).address()) };
        by_permit(&stage.buyer, fee, 250_000, nonce, START_SECS, |_| {})
    };
    let verdict = async |facilitator: &facilitator::Facilitator, fee: u64| {
        let paid = paid(fee, fee);
        facilitator.verify(&paid.payment, &paid.requirements).await.err().map(|rejected| rejected.reason.code())
    };
    assert_eq!(verdict(&stage.facilitator, 3_499).await, Some("fee_amount_mismatch"));
    assert_eq!(verdict(&stage.facilitator, 3_500).await, None);
    stage.facilitator.finish().await;
    // Dearer after a restart: the quotes from before are good for their five minutes.
    let mut config = stage::config(&stage.devnet);
    (config.tokens, config.database) = (vec![terms(2_000, 200)], Some(database));
    let (dearer, _) = stage::serve(config, &stage.grid).await;
    assert_eq!(verdict(&dearer, 3_499).await, Some("fee_amount_mismatch"));
    assert_eq!(verdict(&dearer, 3_500).await, None);
    stage.devnet.clock().advance(Duration::from_secs(301));
    assert_eq!(verdict(&dearer, 3_500).await, Some("fee_amount_mismatch"));
    assert_eq!(verdict(&dearer, 7_000).await, None);
}

#[tokio::test]
async fn paper_asks_no_node_and_settling_still_does() {
    let stage = Stage::start(|config| config.verify = Verify::Paper).await;
    stage.devnet.fault("*", 1_000, Fault::Error);
    let paid = stage.payment(50_000, 1);
    assert_eq!(stage.post("/verify", paid.body()).await.1["isValid"], true);
    stage.devnet.clear_faults();
    let (_, answer) = stage.post("/settle", paid.body()).await;
    assert_eq!(answer["errorReason"], "insufficient_allowance");
    let mut forged: Value = serde_json::from_str(&paid.body()).unwrap();
    forged["paymentPayload"]["payload"]["paymentPermit"]["buyer"] = json!(key(9).address().to_string());
    assert_eq!(stage.post("/verify", forged.to_string()).await.1["invalidReason"], "invalid_signature");
}

#[tokio::test]
async fn the_metrics_count_by_scheme_network_and_reason_and_name_nobody() {
    let stage = Stage::start(|_| {}).await;
    stage.approve(1_000_000).await;
    let paid = stage.payment(250_000, 1);
    stage.post("/verify", paid.body()).await;
    stage.post("/settle", paid.body()).await;
    stage.post("/settle", paid.body()).await;
    stage.post("/verify", paid.body()).await;
    let mut odd: Value = serde_json::from_str(&paid.body()).unwrap();
    odd["paymentRequirements"]["scheme"] = json!("made\"up\n");
    stage.post("/verify", odd.to_string()).await;

    let (status, text) = stage.get("/metrics").await;
    assert_eq!(status, 200);
    let at = "network=\"tron:3448148188\"";
    for line in [
        format!("facilitator_verifications_total{{scheme=\"exact_permit\",{at},reason=\"valid\"}} 1"),
        format!("facilitator_verifications_total{{scheme=\"exact_permit\",{at},reason=\"nonce_already_used\"}} 1"),
        "facilitator_verifications_total{scheme=\"unknown\",network=\"unknown\",reason=\"invalid_payload\"} 1".into(),
        format!("facilitator_settlements_total{{scheme=\"exact_permit\",{at},reason=\"settled\"}} 1"),
        format!("facilitator_settlements_total{{scheme=\"exact_permit\",{at},reason=\"duplicate_settlement\"}} 1"),
        "facilitator_duration_seconds_count{call=\"settle\"} 2".into(),
        "facilitator_in_flight{call=\"settle\"} 0".into(),
        "facilitator_pending 0".into(),
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
    for private in [stage.buyer.address(), seller()] {
        assert!(!text.contains(&private.to_string()));
    }
}

#[tokio::test]
async fn one_client_can_not_ask_without_end() {
    let few = |n| NonZeroU32::new(n).unwrap();
    let limit = RateLimit { per_second: few(1), burst: few(5), behind_proxy: true };
    let stage = Stage::start(|config| config.rate_limit = Some(limit)).await;
    let from = async |client: &str| {
        let request = stage.http.get(format!("{}/supported", stage.url)).header("x-forwarded-for", client);
        request.send().await.unwrap()
    };
    let mut last = from("203.0.113.7").await;
    for _ in 0..9 {
        last = from("198.51.100.1, 203.0.113.7").await;
    }
    assert_eq!(last.status().as_u16(), 429);
    assert!(last.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap() >= 1);
    let body: Value = last.json().await.unwrap();
    assert_eq!(body["error"], "too_many_requests");
    assert_eq!(from("203.0.113.8").await.status().as_u16(), 200, "another one is not held up");
    assert_eq!(stage.get("/health/live").await.0, 200);
    assert!(stage.get("/metrics").await.1.contains("facilitator_rate_limited_total"));
}

#[tokio::test]
async fn a_body_with_a_name_twice_or_too_deep_is_refused_before_it_means_anything() {
    let stage = Stage::start(|_| {}).await;
    let body = stage.payment(50_000, 1).body();
    let twice = body.replacen("{\"x402Version\"", "{\"x402Version\":2,\"x402Version\"", 1);
    assert_ne!(twice, body);
    for body in [twice, format!("{}{}", "[".repeat(300), "]".repeat(300))] {
        let (status, answer) = stage.post("/settle", body).await;
        assert_eq!((status, &answer["error"]), (400, &json!("invalid_request")), "{answer}");
    }
}

#[tokio::test]
async fn told_to_stop_it_answers_what_it_has_begun() {
    let stage = Stage::start(|_| {}).await;
    stage.approve(1_000_000).await;
    let (facilitator, stop) = (stage.facilitator.clone(), CancellationToken::new());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/settle", listener.local_addr().unwrap());
    let served = tokio::spawn({
        let stop = stop.clone();
        async move { facilitator.serve(listener, stop).await }
    });
    // A node that does not answer holds the settlement until it is given up, long after the stop.
    stage.devnet.fault("wallet/gettransactioninfobyid", 1_000, Fault::Error);
    let asked = tokio::spawn(stage.http.post(&url).body(stage.payment(250_000, 1).body()).send());
    while !stage.get("/metrics").await.1.contains("facilitator_in_flight{call=\"settle\"} 1") {
        tokio::task::yield_now().await;
    }
    stop.cancel();
    let answer: Value = asked.await.unwrap().unwrap().json().await.unwrap();
    assert_eq!(answer["errorReason"], "settlement_pending", "{answer}");
    served.await.unwrap();
    assert_eq!(stage.balance(key(0xfe).address()).await, FEE);
}
