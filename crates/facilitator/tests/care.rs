//! What a facilitator takes care of beside payments: what its accounts can pay with, that the contracts of its settings
//! are there, how much is asked of it at once and how slowly, and that it says of itself what is true.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "helpers of tests")]

mod stage;

use chain::{Config as Node, TronGrid};
use devnet::{AUTHORIZED_USD, Gift};
use facilitator::{Config, Facilitator, Keys, NotReady, TokenTerms, shapes};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use stage::{
    NETWORK, START_SECS, Stage, by_exact,
    gate::{Gate, Hold},
    key, permit_contract, seller, serve_with, usdt,
};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tron::{Address, registry};

/// How long anything may take before it counts as not happening.
const PATIENCE: Duration = Duration::from_secs(60);

fn everything(config: &mut Config) {
    config.tokens = [usdt(), AUTHORIZED_USD].map(|token| TokenTerms::free(NETWORK, token)).to_vec();
}

async fn get(url: &str) -> (u16, String) {
    let answer = reqwest::get(url).await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn an_account_with_energy_goes_first_and_burns_nothing_and_one_that_can_not_pay_is_named() {
    let (poor, burning, staked) = (key(0xf1), key(0xf2), key(0xf3));
    let [poor_at, burning_at, staked_at] = [&poor, &burning, &staked].map(tron::PrivateKey::address);
    let stage = Stage::start(everything).await;
    let trx = |sun: u64| Gift::Trx(sun);
    stage.devnet.faucet(burning_at, trx(1_000_000_000)).unwrap();
    // Two TRX for the bytes of two transactions, energy for two settlements.
    stage.devnet.faucet(staked_at, trx(2_000_000)).unwrap();
    let resources = async |address| stage.grid.resources(address).await.unwrap();
    assert_eq!(resources(staked_at).await.energy, 0);
    stage.devnet.faucet(staked_at, Gift::Energy(350_000)).unwrap();
    assert_eq!((resources(staked_at).await.energy, resources(staked_at).await.bandwidth), (350_000, 600));

    let mut config = stage::config(&stage.devnet);
    everything(&mut config);
    let keys = Keys::from(poor).and(burning.into()).and(staked.into());
    let (facilitator, url) = serve_with(keys, config, &stage.grid).await;
    let (status, health) = get(&format!("{url}/health/ready")).await;
    let health: shapes::Health = serde_json::from_str(&health).unwrap();
    assert_eq!((status, health.status.as_str()), (200, "ok"), "others can pay");
    let can: Vec<_> = health.networks[0].signers.iter().map(|signer| signer.can_pay).collect();
    assert_eq!(can, [false, true, true]);
    assert_eq!(health.networks[0].signers[2].energy, Some(350_000));
    assert!(matches!(&health.problems[..], [one] if one.contains(&poor_at.to_string())), "{:?}", health.problems);
    let (_, metrics) = get(&format!("{url}/metrics")).await;
    for (name, address, value) in [
        ("energy", staked_at, 350_000),
        ("energy", burning_at, 0),
        ("bandwidth", staked_at, 600),
        ("can_pay", staked_at, 1),
        ("can_pay", poor_at, 0),
    ] {
        let line = format!("facilitator_signer_{name}{{network=\"tron:3448148188\",address=\"{address}\"}} {value}");
        assert!(metrics.lines().any(|found| found == line), "{line}\n{metrics}");
    }

    // As long as the energy is enough nothing is burnt; then the one with TRX settles.
    let burnt = async || stage.grid.trx_balance(burning_at).await.unwrap() != 1_000_000_000;
    let mut settled = 0;
    while !burnt().await {
        assert!(settled < 8, "the energy has an end");
        settled += 1;
        let paid = by_exact(&stage.buyer, None, 1_000, settled, START_SECS);
        let answer = facilitator.settle(&paid.payment, &paid.requirements, None).await.answer("tron:nile");
        assert!(answer.success, "{answer:?}");
    }
    assert!(settled > 2, "the first two at least were settled with energy, {settled}");
    assert!(resources(staked_at).await.energy < 200_000);
}

#[tokio::test]
async fn a_facilitator_that_nobody_can_pay_for_is_not_ready_and_says_who() {
    let stage = Stage::start(|_| {}).await;
    let poor = key(0xf1);
    let address = poor.address().to_string();
    let (_facilitator, url) = serve_with(poor.into(), stage::config(&stage.devnet), &stage.grid).await;
    let (status, health) = get(&format!("{url}/health/ready")).await;
    let health: shapes::Health = serde_json::from_str(&health).unwrap();
    assert_eq!((status, health.status.as_str()), (503, "degraded"));
    assert!(health.problems[0].contains(&address), "{:?}", health.problems);
}

#[tokio::test]
async fn every_contract_that_the_settings_lead_to_has_to_be_there() {
    let stage = Stage::start(|_| {}).await;
    let ready = async |hidden: Address, exact: bool| {
        let gate = Gate::before(stage.devnet.url()).await;
        gate.hide(hidden);
        let mut config = stage::config(&stage.devnet);
        config.tokens = vec![TokenTerms { exact, ..TokenTerms::free(NETWORK, usdt()) }];
        let grid = TronGrid::new(Node::one(NETWORK, gate.url())).unwrap();
        let facilitator = Facilitator::new(config, key(0xfa).into(), [grid]).unwrap();
        let ready = facilitator.ready().await;
        facilitator.finish().await;
        ready
    };
    let missing = |contract| Err(NotReady::NoContract { network: NETWORK, contract });
    for contract in [permit_contract(), usdt()] {
        assert_eq!(ready(contract, false).await, missing(contract));
    }
    for set in &registry::deployments(NETWORK).permit2 {
        for contract in [set.permit2, set.exact_proxy] {
            assert_eq!(ready(contract, true).await, missing(contract));
            assert_eq!(ready(contract, false).await, Ok(()), "nobody is led there");
        }
    }
    // A token of another network is none here.
    let mut config = stage::config(&stage.devnet);
    config.tokens = vec![TokenTerms::free(NETWORK, key(9).address())];
    let facilitator = Facilitator::new(config, key(0xfa).into(), [stage.grid.clone()]).unwrap();
    assert_eq!(facilitator.ready().await, missing(key(9).address()));
}

#[tokio::test]
async fn more_requests_than_it_is_told_to_answer_at_once_are_turned_away_and_come_back() {
    let stage = Stage::start(|_| {}).await;
    stage.approve(1_000_000).await;
    let gate = Gate::before(stage.devnet.url()).await;
    let mut node = Node::one(NETWORK, gate.url());
    node.timeout = Duration::from_millis(500);
    let grid = TronGrid::new(node).unwrap();
    let config = Config { requests: 1, ..stage::config(&stage.devnet) };
    let (_facilitator, url) = serve_with(key(0xfa).into(), config, &grid).await;
    let ask = async |nonce| {
        let body = stage.payment(50_000, nonce).body();
        stage.http.post(format!("{url}/verify")).body(body).send().await.unwrap()
    };
    // One waits for a node that says nothing.
    let held = gate.arm("wallet/triggerconstantcontract", Hold::Before);
    let first = tokio::spawn({
        let request = stage.http.post(format!("{url}/verify")).body(stage.payment(50_000, 1).body());
        async move { request.send().await.unwrap() }
    });
    held.await.unwrap();
    let second = ask(2).await;
    assert_eq!((second.status().as_u16(), &second.headers()["retry-after"]), (503, &"1".parse().unwrap()));
    let problem: shapes::Problem = second.json().await.unwrap();
    assert_eq!(problem.error, "too_many_at_once");
    assert_eq!(get(&format!("{url}/health/live")).await.0, 200);
    assert!(get(&format!("{url}/metrics")).await.1.contains("facilitator_turned_away_total 1\n"));
    first.await.unwrap();
    assert_eq!(ask(3).await.status().as_u16(), 200, "there is room again");
}

/// Sends a beginning, then a byte every now and then; what the server said before it hung up.
async fn drip(url: &str, beginning: &str, drop: &str) -> String {
    let stream = TcpStream::connect(url.trim_start_matches("http://")).await.unwrap();
    let (mut read, mut write) = stream.into_split();
    write.write_all(beginning.as_bytes()).await.unwrap();
    let mut said = Vec::new();
    let dripping = async {
        while write.write_all(drop.as_bytes()).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        std::future::pending::<()>().await;
    };
    let reading = async {
        // A reset is an end too.
        let _ended = read.read_to_end(&mut said).await;
    };
    let both = async {
        tokio::select! { () = dripping => {}, () = reading => {} }
    };
    tokio::time::timeout(PATIENCE, both).await.expect("the server hangs up on who never comes to an end");
    String::from_utf8(said).unwrap()
}

#[tokio::test]
async fn whoever_sends_slowly_is_hung_up_on_and_takes_nobodys_place() {
    let stage = Stage::start(|config| {
        (config.patience, config.requests) = (Duration::from_millis(300), 1);
    })
    .await;
    let head = "POST /verify HTTP/1.1\r\nhost: x\r\n";
    let body = format!("{head}content-length: 60000\r\nconnection: close\r\n\r\n{{");
    let slow = tokio::join!(drip(&stage.url, head, "x: y\r\n"), drip(&stage.url, &body, " "), async {
        let paid = stage.payment(50_000, 1);
        let (status, answer) = stage.post("/verify", paid.body()).await;
        assert_eq!((status, &answer["invalidReason"]), (200, &json!("insufficient_allowance")));
    });
    assert!(slow.0.is_empty() || slow.0.starts_with("HTTP/1.1 408"), "{}", slow.0);
    assert!(slow.1.starts_with("HTTP/1.1 408") && slow.1.contains("too_slow"), "{}", slow.1);
}

#[tokio::test]
async fn what_it_says_of_itself_is_what_it_answers() {
    fn shape<T: DeserializeOwned>(text: &str) -> T {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
    let stage = Stage::start(|_| {}).await;
    stage.approve(1_000_000).await;
    let (status, served) = stage.get("/openapi.json").await;
    assert_eq!((status, served.as_str()), (200, facilitator::openapi_json().as_str()));
    let document: Value = serde_json::from_str(&served).unwrap();
    for path in ["/supported", "/fee/quote", "/verify", "/settle", "/metrics", "/health/live", "/health/ready"] {
        let route = document["paths"][path].as_object().unwrap();
        // Each is really there.
        let method = route.keys().next().unwrap().to_uppercase();
        let asked = stage.http.request(method.parse().unwrap(), format!("{}{path}", stage.url));
        assert_ne!(asked.send().await.unwrap().status().as_u16(), 404, "{path}");
    }
    let good = stage.payment(50_000, 1);
    let post = async |path: &str, body: String| stage.post(path, body).await.1.to_string();
    shape::<shapes::Supported>(&stage.get("/supported").await.1);
    shape::<shapes::Question>(&good.body());
    assert!(shape::<shapes::Verdict>(&post("/verify", good.body()).await).is_valid);
    assert!(shape::<shapes::Settlement>(&post("/settle", good.body()).await).success);
    assert!(!shape::<shapes::Verdict>(&post("/verify", good.body()).await).is_valid);
    assert!(!shape::<shapes::Settlement>(&post("/settle", stage.payment(90_000_000, 2).body()).await).success);
    let option = json!({ "scheme": "exact_permit", "network": "tron:nile", "amount": "250000",
        "asset": usdt().to_string(), "payTo": seller().to_string() });
    let quotes = post("/fee/quote", json!({ "accepts": [option] }).to_string()).await;
    assert_eq!(shape::<Vec<shapes::Quote>>(&quotes).len(), 1);
    shape::<shapes::Alive>(&stage.get("/health/live").await.1);
    shape::<shapes::Health>(&stage.get("/health/ready").await.1);
    let problem: shapes::Problem = shape(&post("/verify", "{}".to_owned()).await);
    assert_eq!((problem.error.as_str(), problem.field.as_deref()), ("invalid_request", Some("paymentPayload")));
}
