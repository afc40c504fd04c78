//! What may happen to a payment on its way from the wallet to the facilitator: every single value of it is changed in
//! several ways, in what was signed and in what the seller asks. None of that verifies or settles, but for echoes that
//! decide nothing: with those the payment settles as it was signed, once.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod stage;

use devnet::AUTHORIZED_USD;
use facilitator::TokenTerms;
use serde_json::{Value, json};
use stage::{FEE, NETWORK, Paid, START_SECS, Stage, approve, by_exact, key, seller, usdt};
use tron::{Address, registry};

const PRICE: u64 = 250_000;

/// Places that decide nothing, with what does.
const FREE: [(&str, &str); 9] = [
    ("/x402Version", "both versions are read"),
    ("/paymentPayload/x402Version", "both versions are read"),
    ("/paymentPayload/resource/", "the seller knows what it sells"),
    ("/paymentPayload/accepted/", "the payer's echo: the seller's own requirements stand beside it"),
    ("/paymentPayload/extensions/", "an echo of the 402: the signed permit has each of these"),
    ("/paymentRequirements/maxTimeoutSeconds", "the signed window"),
    ("/paymentRequirements/extra/fee/caller", "the signed caller, which has to be the facilitator itself"),
    ("/paymentRequirements/extra/name", "the domain that the token itself states, or the table of tokens"),
    ("/paymentRequirements/extra/version", "as the name"),
];

/// Every place of a value that is neither a list nor an object.
fn leaves(value: &Value, path: &str, out: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                leaves(member, &format!("{path}/{}", name.replace('~', "~0").replace('/', "~1")), out);
            }
        }
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                leaves(item, &format!("{path}/{n}"), out);
            }
        }
        _ => out.push(path.to_owned()),
    }
}

/// The same kind of value, and other ones.
fn altered(value: &Value) -> Vec<Value> {
    let stranger = key(0x77).address();
    match value {
        Value::String(text) if Address::parse(text).is_ok() => {
            vec![json!(stranger.to_string()), json!(""), Value::Null]
        }
        Value::String(text) if text.starts_with("0x") && text.len() > 4 => {
            let flip = |at: usize| {
                let mut text = text.clone().into_bytes();
                text[at] = if text[at] == b'1' { b'2' } else { b'1' };
                json!(String::from_utf8(text).unwrap())
            };
            // First, middle and last digit; too short; nothing.
            vec![flip(2), flip(text.len() / 2), flip(text.len() - 1), json!(text[..text.len() - 2]), json!("0x")]
        }
        Value::String(text) => match text.parse::<u64>() {
            Ok(number) => vec![
                json!((number + 1).to_string()),
                json!(number.saturating_sub(1).to_string()),
                json!("0"),
                json!(format!("-{text}")),
                json!("115792089237316195423570985008687907853269984665640564039457584007913129639936"),
            ],
            Err(_) => vec![json!(format!("{text}x")), json!("")],
        },
        Value::Number(number) => {
            let number = number.as_u64().unwrap();
            vec![json!(number + 1), json!(number.saturating_sub(1)), json!(-1), json!(u64::MAX)]
        }
        Value::Bool(is) => vec![json!(!is)],
        _ => vec![json!("something")],
    }
    .into_iter()
    .filter(|other| other != value)
    .collect()
}

/// Where settling costs nothing: `exact` has no place for a fee.
async fn free_of_fees() -> Stage {
    let stage = Stage::start(|config| {
        config.tokens = [usdt(), AUTHORIZED_USD].map(|token| TokenTerms::free(NETWORK, token)).to_vec();
    })
    .await;
    for set in &registry::deployments(NETWORK).permit2 {
        approve(&stage.grid, &stage.buyer, set.permit2, 100_000_000).await;
    }
    stage
}

/// Answers how many changes were tried and how many of them decided nothing.
async fn try_all(stage: &Stage, paid: &Paid, token: Address, fee: u64) -> (usize, usize) {
    let has = async |owner| stage.grid.balance(token, owner).await.unwrap().to_string().parse::<u64>().unwrap();
    let (payer, shop, keeper) = (stage.buyer.address(), seller(), key(0xfe).address());
    let before = (has(payer).await, has(shop).await, has(keeper).await);
    let honest: Value = serde_json::from_str(&paid.body()).unwrap();
    let (_, verdict) = stage.post("/verify", honest.to_string()).await;
    assert_eq!(verdict["isValid"], true, "{verdict}");

    let mut paths = vec![];
    leaves(&honest, "", &mut paths);
    let (mut tried, mut free, mut let_through) = (0, Vec::new(), Vec::new());
    for path in paths {
        for other in altered(honest.pointer(&path).unwrap()) {
            let mut message = honest.clone();
            *message.pointer_mut(&path).unwrap() = other.clone();
            let (_, verdict) = stage.post("/verify", message.to_string()).await;
            tried += 1;
            if verdict["isValid"] == true {
                match FREE.iter().any(|(place, _)| path.starts_with(place)) {
                    true => free.push(message.to_string()),
                    false => let_through.push(format!("{path} as {other}")),
                }
                continue;
            }
            let (_, answer) = stage.post("/settle", message.to_string()).await;
            assert_ne!(answer["success"], true, "{path} as {other} settles: {answer}");
        }
    }
    assert!(let_through.is_empty(), "{let_through:#?}");
    assert_eq!((has(payer).await, has(shop).await, has(keeper).await), before, "nothing moved");
    let several = free.len();
    for (number, message) in free.into_iter().chain([honest.to_string()]).enumerate() {
        let (_, answer) = stage.post("/settle", message).await;
        let reason = answer.get("errorReason").map_or("settled", |reason| reason.as_str().unwrap());
        assert_eq!(reason, if number == 0 { "settled" } else { "duplicate_settlement" }, "{answer}");
    }
    let after = (before.0 - PRICE - fee, before.1 + PRICE, before.2 + fee);
    assert_eq!((has(payer).await, has(shop).await, has(keeper).await), after, "as it was signed, once");
    (tried, several)
}

#[tokio::test]
async fn an_exact_permit_that_was_altered_buys_nothing() {
    let stage = Stage::start(|_| {}).await;
    stage.approve(100_000_000).await;
    let (tried, free) = try_all(&stage, &stage.payment(PRICE, 1), usdt(), FEE).await;
    assert!(tried > 100, "{tried}");
    eprintln!("exact_permit: {tried} changes, {free} of them decide nothing");
}

#[tokio::test]
async fn an_authorization_by_permit2_that_was_altered_buys_nothing() {
    let stage = free_of_fees().await;
    for (nonce, set) in (1..).zip(&registry::deployments(NETWORK).permit2) {
        let paid = by_exact(&stage.buyer, Some(set.name), PRICE, nonce, START_SECS);
        let (tried, free) = try_all(&stage, &paid, usdt(), 0).await;
        assert!(tried > 60, "{tried}");
        eprintln!("exact by permit2, {}: {tried} changes, {free} of them decide nothing", set.name);
    }
}

#[tokio::test]
async fn an_authorization_of_the_token_that_was_altered_buys_nothing() {
    let stage = free_of_fees().await;
    let paid = by_exact(&stage.buyer, None, PRICE, 1, START_SECS);
    let (tried, free) = try_all(&stage, &paid, AUTHORIZED_USD, 0).await;
    assert!(tried > 60, "{tried}");
    eprintln!("exact by eip3009: {tried} changes, {free} of them decide nothing");
}
