//! Payments settled on the devnet, by the contract itself.

mod stage;

use devnet::Fault;
use futures::future::join_all;
use serde_json::{Value, json};
use stage::{
    FEE, START_SECS, Stage,
    gate::{Gate, Hold},
    key, seller, serve,
};
use std::time::Duration;
use x402::facilitator::IdempotencyKey;

#[tokio::test]
async fn a_hundred_settlements_at_once_are_one_transaction() {
    let stage = Stage::start(|_| {}).await;
    stage.approve(1_000_000).await;
    let paid = stage.payment(250_000, 1);
    let before = stage.devnet.head();

    let answers = join_all((0..100).map(|_| stage.post("/settle", paid.body()))).await;

    let (told, others): (Vec<_>, Vec<_>) = answers.iter().partition(|(_, answer)| answer["success"] == true);
    assert_eq!((told.len(), others.len()), (1, 99), "a settlement succeeds for one caller");
    let first = told[0].1.clone();
    assert_eq!(first["transaction"].as_str().unwrap().len(), 64);
    assert_eq!(first["payer"], stage.buyer.address().to_string());
    let duplicate = json!({ "success": false, "transaction": first["transaction"], "network": first["network"],
        "payer": first["payer"], "errorReason": "duplicate_settlement" });
    assert!(others.iter().all(|(status, answer)| *status == 200 && *answer == duplicate), "{others:?}");
    assert_eq!(stage.devnet.head(), before + 1, "one transaction, one block");
    assert_eq!(stage.balance(seller()).await, 250_000);
    assert_eq!(stage.balance(key(0xfe).address()).await, FEE);
    assert_eq!(stage.balance(stage.buyer.address()).await, 100_000_000 - 250_000 - FEE);

    // Late repeats too, even after the window, with a key as without: whoever had none can't prove to be the first.
    assert_eq!(stage.settle(&paid, Some("a-key-that-came-later")).await, duplicate);
    stage.devnet.clock().advance(Duration::from_secs(3600));
    assert_eq!(stage.settle(&paid, None).await, duplicate);
}

#[tokio::test]
async fn different_payments_at_once_are_all_settled() {
    let stage = Stage::start(|_| {}).await;
    stage.approve(1_000_000).await;
    let paid: Vec<_> = (1..=8).map(|nonce| stage.payment(50_000, nonce * 1000).body()).collect();
    let answers = join_all(paid.into_iter().map(|body| stage.post("/settle", body))).await;
    assert!(answers.iter().all(|(_, answer)| answer["success"] == true), "{answers:?}");
    assert_eq!(stage.balance(seller()).await, 8 * 50_000);
}

#[tokio::test]
async fn another_message_with_a_used_nonce_is_refused() {
    let stage = Stage::start(|_| {}).await;
    stage.approve(1_000_000).await;
    assert_eq!(stage.post("/settle", stage.payment(50_000, 1).body()).await.1["success"], true);
    let other = stage.payment(60_000, 1);
    let (_, answer) = stage.post("/settle", other.body()).await;
    assert_eq!((&answer["success"], &answer["errorReason"]), (&json!(false), &json!("nonce_already_used")));
    // A facilitator that knows nothing of the first one asks the chain.
    let (forgetful, _) = serve(stage::config(&stage.devnet), &stage.grid).await;
    let rejected = forgetful.verify(&other.payment, &other.requirements).await.unwrap_err();
    assert_eq!(rejected.reason.code(), "nonce_already_used");
    assert_eq!(stage.balance(seller()).await, 50_000);
}

#[tokio::test]
async fn each_way_to_be_wrong_has_its_reason() {
    let stage = Stage::start(|_| {}).await;
    let reason = async |body: String| {
        let (status, answer) = stage.post("/verify", body.clone()).await;
        let (_, settled) = stage.post("/settle", body).await;
        assert_eq!((status, &answer["isValid"], &settled["success"]), (200, &json!(false), &json!(false)));
        assert_eq!(answer["invalidReason"], settled["errorReason"]);
        answer["invalidReason"].as_str().unwrap().to_owned()
    };
    let changed = |pointer: &str, value: Value| {
        let mut body: Value = serde_json::from_str(&stage.payment(250_000, 1).body()).unwrap();
        *body.pointer_mut(pointer).unwrap() = value;
        body.to_string()
    };
    let other = json!(key(9).address().to_string());
    assert_eq!(reason(stage.payment(250_000, 1).body()).await, "insufficient_allowance");
    stage.approve(10_000_000).await;
    assert_eq!(reason(stage.payment(200_000_000, 1).body()).await, "insufficient_funds");
    for (pointer, value, expected) in [
        ("/paymentRequirements/amount", json!("240000"), "amount_mismatch"),
        ("/paymentRequirements/payTo", other.clone(), "payto_mismatch"),
        ("/paymentRequirements/extra/fee/feeTo", other.clone(), "fee_to_mismatch"),
        ("/paymentRequirements/extra/fee/feeAmount", json!("1"), "fee_amount_mismatch"),
        ("/paymentRequirements/network", json!("tron:shasta"), "invalid_network"),
        ("/paymentRequirements/scheme", json!("exact_gasfree"), "unsupported_scheme"),
        ("/paymentRequirements/asset", other.clone(), "token_not_allowed"),
        ("/paymentPayload/payload/paymentPermit/payment/payToken", other.clone(), "token_mismatch"),
        ("/paymentPayload/payload/paymentPermit/buyer", other.clone(), "invalid_signature"),
        ("/paymentPayload/payload/signature", json!("0x00"), "invalid_signature"),
        ("/paymentPayload/payload/paymentPermit", json!(null), "missing_permit"),
    ] {
        assert_eq!(reason(changed(pointer, value)).await, expected, "{pointer}");
    }
    let fee = |change: fn(&mut x402::Fee)| {
        let paid = stage.payment_with(250_000, 1, |asked| change(asked.prices[0].fee.as_mut().unwrap()));
        paid.body()
    };
    assert_eq!(reason(fee(|fee| fee.caller = Some(key(9).address()))).await, "caller_mismatch");
    assert_eq!(reason(fee(|fee| fee.amount = tron::Amount::from_u64(1))).await, "fee_amount_mismatch");
    assert_eq!(reason(fee(|fee| fee.to = key(9).address())).await, "fee_to_mismatch");
    let window = |after: u64, before: u64| {
        let paid = stage.payment_with(250_000, 1, |asked| {
            let meta = asked.permit.as_mut().unwrap();
            (meta.valid_after, meta.valid_before) = (after, before);
        });
        paid.body()
    };
    assert_eq!(reason(window(START_SECS - 90, START_SECS - 60)).await, "expired");
    assert_eq!(reason(window(START_SECS - 90, START_SECS + 3)).await, "expired");
    assert_eq!(reason(window(START_SECS + 60, START_SECS + 90)).await, "not_yet_valid");
    // After all that the honest payment is still good, and nothing has moved.
    let (_, answer) = stage.post("/verify", stage.payment(250_000, 1).body()).await;
    assert_eq!(answer, json!({ "isValid": true, "payer": stage.buyer.address().to_string() }));
    assert_eq!(stage.balance(seller()).await, 0);
}

#[tokio::test]
async fn a_broadcast_whose_answer_is_lost_is_looked_up_and_never_sent_twice() {
    let stage = Stage::start(|_| {}).await;
    stage.approve(1_000_000).await;
    let before = stage.devnet.head();
    // It arrives, but the connection breaks; then no receipt can be read for a while.
    stage.devnet.fault("wallet/broadcasthex", 2, Fault::Drop);
    stage.devnet.fault("wallet/gettransactioninfobyid", 1_000, Fault::Error);
    let paid = stage.payment(50_000, 1);
    let (status, pending) = stage.post("/settle", paid.body()).await;
    assert_eq!((status, &pending["success"]), (200, &json!(false)));
    assert_eq!(pending["errorReason"], "settlement_pending");
    let transaction = pending["transaction"].as_str().unwrap().to_owned();
    assert_eq!(transaction.len(), 64);

    stage.devnet.clear_faults();
    // While it is open a seller is not told that the nonce is used; once it is settled it is.
    assert_eq!(stage.post("/verify", paid.body()).await.1["isValid"], true);
    let (_, settled) = stage.post("/settle", paid.body()).await;
    assert_eq!((&settled["success"], &settled["transaction"]), (&json!(true), &json!(transaction)));
    assert_eq!(stage.post("/verify", paid.body()).await.1["invalidReason"], "nonce_already_used");
    assert_eq!(stage.devnet.head(), before + 1);
    assert_eq!(stage.balance(seller()).await, 50_000);
}

#[tokio::test]
async fn a_transaction_that_never_arrived_is_sent_again_as_it_was_and_anew_only_when_it_is_dead() {
    let stage = Stage::start(|_| {}).await;
    stage.approve(1_000_000).await;
    stage.devnet.fault("wallet/broadcasthex", 2, Fault::Error);
    let paid = stage.payment(50_000, 1);
    let (_, pending) = stage.post("/settle", paid.body()).await;
    assert_eq!(pending["errorReason"], "settlement_pending");
    assert_eq!(stage.balance(seller()).await, 0);
    // Still alive: the very same transaction is sent again.
    let (_, settled) = stage.post("/settle", paid.body()).await;
    assert_eq!((&settled["success"], &settled["transaction"]), (&json!(true), &pending["transaction"]));
    assert_eq!(stage.balance(seller()).await, 50_000);

    stage.devnet.fault("wallet/broadcasthex", 4, Fault::Error);
    let paid = stage.payment(60_000, 2);
    let (_, pending) = stage.post("/settle", paid.body()).await;
    let (_, again) = stage.post("/settle", paid.body()).await;
    assert_eq!((&again["errorReason"], &again), (&json!("settlement_pending"), &pending));
    stage.devnet.clock().advance(Duration::from_secs(90));
    stage.devnet.mine(1);
    let (_, settled) = stage.post("/settle", paid.body()).await;
    assert_eq!(settled["success"], true, "{settled}");
    assert_ne!(settled["transaction"], pending["transaction"]);
    assert_eq!(stage.balance(seller()).await, 110_000);
}

#[tokio::test]
async fn a_restart_looks_up_what_was_sent_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("facilitator.sqlite");
    let stage = Stage::start(|config| config.database = Some(database.clone())).await;
    stage.approve(1_000_000).await;
    stage.devnet.fault("wallet/gettransactioninfobyid", 1_000, Fault::Error);
    let paid = stage.payment(50_000, 1);
    let (_, pending) = stage.post("/settle", paid.body()).await;
    assert_eq!(pending["errorReason"], "settlement_pending");
    stage.devnet.clear_faults();

    let key = IdempotencyKey::parse("the-first-sellers-key").unwrap();
    let settle = async |facilitator: &facilitator::Facilitator, key: Option<&IdempotencyKey>| {
        facilitator.settle(&paid.payment, &paid.requirements, key).await.answer("tron:nile")
    };
    let mut config = stage::config(&stage.devnet);
    config.database = Some(database);
    let (restarted, _) = serve(config, &stage.grid).await;
    // It was pending, so that nobody was told: the first to ask is, and can prove it from now on.
    let settled = settle(&restarted, Some(&key)).await;
    assert!(settled.success, "{settled:?}");
    assert_eq!(settled.transaction.as_deref(), pending["transaction"].as_str());
    restarted.finish().await;
    // And once more: the outcome itself is remembered, long after the window and without a question to the chain.
    stage.devnet.clock().advance(Duration::from_secs(3600));
    let mut config = stage::config(&stage.devnet);
    config.database = Some(folder.path().join("facilitator.sqlite"));
    let (third, _) = serve(config, &stage.grid).await;
    stage.devnet.fault("*", 1_000, Fault::Error);
    assert_eq!(settle(&third, Some(&key)).await, settled);
    assert_eq!(settle(&third, None).await.error_reason.as_deref(), Some("duplicate_settlement"));
    stage.devnet.clear_faults();
}

#[tokio::test]
async fn a_seller_that_hangs_up_interrupts_nothing() {
    let stage = Stage::start(|_| {}).await;
    stage.approve(1_000_000).await;
    let paid = stage.payment(50_000, 1);
    let settling = stage.facilitator.settle(&paid.payment, &paid.requirements, None);
    // Polled once, then dropped.
    tokio::select! { biased; _ = settling => {}, () = std::future::ready(()) => {} }
    stage.facilitator.finish().await;
    assert_eq!(stage.balance(seller()).await, 50_000);
    // Nobody has heard of it yet.
    assert_eq!(stage.post("/verify", paid.body()).await.1["isValid"], true);
    assert_eq!(stage.settle(&paid, None).await["success"], true);
    assert_eq!(stage.settle(&paid, None).await["errorReason"], "duplicate_settlement");
}

#[tokio::test]
async fn whoever_asked_first_with_a_key_hears_of_the_success_as_often_as_it_asks_and_nobody_else_does() {
    let stage = Stage::start(|_| {}).await;
    stage.approve(1_000_000).await;
    let paid = stage.payment(50_000, 1);
    let (mine, other) = (Some("my-own-secret-of-32-characters-x"), Some("the-secret-of-another-seller-xxx"));
    // Sent, and nobody was told how it ended.
    stage.devnet.fault("wallet/gettransactioninfobyid", 1_000, Fault::Error);
    assert_eq!(stage.settle(&paid, mine).await["errorReason"], "settlement_pending");
    stage.devnet.clear_faults();
    for key in [other, None] {
        assert_eq!(stage.settle(&paid, key).await["errorReason"], "duplicate_settlement", "{key:?}");
    }
    let settled = stage.settle(&paid, mine).await;
    assert_eq!(settled["success"], true, "{settled}");
    let again = join_all([mine, other, None, mine].map(|key| stage.settle(&paid, key))).await;
    assert_eq!((&again[0], &again[3]), (&settled, &settled));
    for answer in &again[1..3] {
        assert_eq!(
            (&answer["errorReason"], &answer["transaction"]),
            (&json!("duplicate_settlement"), &settled["transaction"])
        );
    }
    assert_eq!(stage.post("/verify", paid.body()).await.1["invalidReason"], "nonce_already_used");
}

#[tokio::test]
async fn a_caller_that_hung_up_was_not_told() {
    let stage = Stage::start(|_| {}).await;
    stage.approve(1_000_000).await;
    let gate = Gate::before(stage.devnet.url()).await;
    let grid = chain::TronGrid::new(chain::Config::one(stage::NETWORK, gate.url())).unwrap();
    let (facilitator, url) = serve(stage::config(&stage.devnet), &grid).await;
    let paid = stage.payment(50_000, 1);
    let settle = || stage.http.post(format!("{url}/settle")).body(paid.body()).send();
    // It goes while the node has the answer in hand.
    let there = gate.arm("wallet/broadcasthex", Hold::Not);
    let first = tokio::spawn(settle());
    there.await.unwrap();
    first.abort();
    assert!(first.await.is_err());
    let answers = join_all((0..3).map(|_| async { settle().await.unwrap().json::<Value>().await.unwrap() })).await;
    let told = answers.iter().filter(|answer| answer["success"] == true).count();
    assert_eq!(told, 1, "{answers:?}");
    facilitator.finish().await;
}

#[tokio::test]
async fn a_settlement_that_comes_too_early_says_so_and_is_made_later() {
    let stage = Stage::start(|_| {}).await;
    stage.approve(1_000_000).await;
    let after = |seconds: u64, nonce: u64| {
        stage.payment_with(50_000, nonce, |asked| {
            asked.permit.as_mut().unwrap().valid_after = START_SECS + seconds;
        })
    };
    let early = after(20, 1);
    assert_eq!(stage.post("/verify", early.body()).await.1["invalidReason"], "not_yet_valid");
    assert_eq!(stage.settle(&early, None).await["errorReason"], "not_yet_valid");
    stage.devnet.clock().advance(Duration::from_secs(21));
    // By the clock it is time, by the newest block's not yet.
    let verdict = stage.post("/verify", early.body()).await.1;
    if verdict["isValid"] == false {
        assert_eq!(verdict["invalidReason"], "not_yet_valid");
        assert_eq!(stage.settle(&early, None).await["errorReason"], "not_yet_valid");
        stage.devnet.mine(1);
    }
    assert_eq!(stage.settle(&early, None).await["success"], true);
}

#[tokio::test]
async fn a_key_that_could_be_guessed_or_came_twice_is_refused_by_name() {
    let stage = Stage::start(|_| {}).await;
    for keys in [vec!["short"], vec![""], vec!["a key with blanks in it"], vec!["a-key-that-is-good"; 2]] {
        let request = stage.http.post(format!("{}/settle", stage.url)).body(stage.payment(50_000, 1).body());
        let request = keys.iter().fold(request, |request, key| request.header("Idempotency-Key", *key));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 400, "{keys:?}");
        assert_eq!(answer.json::<Value>().await.unwrap()["field"], "idempotency-key", "{keys:?}");
    }
}

#[tokio::test]
async fn no_chain_is_no_verdict() {
    let stage = Stage::start(|_| {}).await;
    stage.devnet.fault("*", 1_000, Fault::Error);
    let body = stage.payment(50_000, 1).body();
    let (status, answer) = stage.post("/verify", body.clone()).await;
    assert_eq!((status, &answer["invalidReason"]), (503, &json!("facilitator_busy")));
    let (status, answer) = stage.post("/settle", body).await;
    assert_eq!((status, &answer["errorReason"]), (503, &json!("facilitator_busy")));
    assert_eq!(answer["transaction"], "");
    stage.devnet.clear_faults();
}

#[tokio::test]
async fn sellers_learn_what_is_settled_and_what_it_costs() {
    let stage = Stage::start(|config| config.facilitator_id = Some("practice".into())).await;
    let own = stage.facilitator.address().to_string();
    let supported: Value =
        stage.http.get(format!("{}/supported", stage.url)).send().await.unwrap().json().await.unwrap();
    let kinds: Vec<_> =
        supported["kinds"].as_array().unwrap().iter().map(|k| (&k["x402Version"], &k["network"])).collect();
    let written = ["tron:3448148188", "tron:0xcd8690dc", "tron:nile", "tron:nile"].map(|network| json!(network));
    assert_eq!(kinds, [2, 2, 2, 1].map(|version| json!(version)).iter().zip(&written).collect::<Vec<_>>());
    for kind in supported["kinds"].as_array().unwrap() {
        assert_eq!(
            (&kind["scheme"], &kind["extra"]),
            (&json!("exact_permit"), &json!({ "assets": [stage::usdt().to_string()] }))
        );
    }
    assert_eq!(supported["signers"], json!({ "tron:*": [own] }));

    let option = |amount: &str, scheme: &str, network: &str| json!({ "scheme": scheme, "network": network, "amount": amount, "asset": stage::usdt().to_string(), "payTo": own });
    let accepts = [
        option("250000", "exact_permit", "tron:nile"),
        option("50000", "exact_permit", "tron:3448148188"),
        option("250000", "exact", "tron:nile"),
        option("250000", "upto", "tron:nile"),
        option("250000", "exact_permit", "tron:mainnet"),
        json!({ "scheme": "exact_permit" }),
    ];
    let (status, quotes) = stage.post("/fee/quote", json!({ "accepts": accepts }).to_string()).await;
    assert_eq!(status, 200);
    let fees: Vec<_> =
        quotes.as_array().unwrap().iter().map(|q| (q["network"].clone(), q["fee"]["feeAmount"].clone())).collect();
    assert_eq!(
        fees,
        [
            (json!("tron:nile"), json!("10000")),
            (json!("tron:3448148188"), json!("0")),
            (json!("tron:nile"), json!("10000"))
        ]
    );
    assert_eq!(quotes[0]["fee"]["caller"], own);
    assert_eq!(quotes[0]["fee"]["facilitatorId"], "practice");
    assert_eq!(quotes[0]["pricing"], "flat");
    assert_eq!(quotes[0]["expiresAt"], START_SECS + 300);
}

#[tokio::test]
async fn a_whole_transaction_instead_of_a_permission_is_a_no_with_a_reason() {
    let stage = Stage::start(|_| {}).await;
    let signed = json!({ "txID": "ab".repeat(32), "raw_data": { "contract": [] }, "raw_data_hex": "0a02", "signature": ["00".repeat(65)] });
    let payloads = [
        json!({ "signedTransaction": signed }),
        json!({ "signedTransaction": signed.to_string() }),
        json!({ "signedTransaction": "0a020b0c" }),
        json!({ "signedTransaction": null, "authorization": null }),
        json!({ "txid": "ab".repeat(32) }),
        signed.clone(),
    ];
    for (payload, network) in payloads.iter().flat_map(|payload| ["tron:nile", "tron:27Lqcw"].map(|n| (payload, n))) {
        for scheme in ["exact", "exact_permit"] {
            let mut body: Value = serde_json::from_str(&stage.payment(50_000, 1).body()).unwrap();
            body["paymentPayload"]["payload"] = payload.clone();
            for option in ["/paymentPayload/accepted", "/paymentRequirements"] {
                body.pointer_mut(option).unwrap()["scheme"] = json!(scheme);
            }
            body["paymentPayload"]["accepted"]["network"] = json!(network);
            let (status, verdict) = stage.post("/verify", body.to_string()).await;
            assert_eq!((status, &verdict["isValid"]), (200, &json!(false)), "{payload} {scheme}: {verdict}");
            assert!(verdict["invalidReason"].as_str().is_some_and(|reason| !reason.is_empty()), "{verdict}");
            let (status, settled) = stage.post("/settle", body.to_string()).await;
            assert_eq!((status, &settled["success"]), (200, &json!(false)), "{settled}");
            assert_eq!(settled["errorReason"], verdict["invalidReason"]);
        }
    }
}

#[tokio::test]
async fn what_can_not_be_read_is_named() {
    let stage = Stage::start(|_| {}).await;
    let (status, answer) = stage.post("/settle", "{}".into()).await;
    assert_eq!((status, &answer["field"]), (400, &json!("paymentPayload")));
    let (status, _) = stage.post("/fee/quote", "[".into()).await;
    assert_eq!(status, 400);
    let response = stage.http.post(format!("{}/verify", stage.url)).body(vec![b' '; 65 * 1024]).send().await.unwrap();
    assert_eq!(response.status().as_u16(), 413);
    let health = stage.http.get(format!("{}/health", stage.url)).send().await.unwrap();
    assert_eq!(health.status().as_u16(), 200);
}
