//! Small fake nodes.

#![allow(dead_code, clippy::unwrap_used, reason = "helpers of tests, each of which uses some")]

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use chain::{Config, NodeConfig, TronGrid};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tron::{
    Address, Amount, Network, PrivateKey,
    tx::{Contract, RawTransaction, SignedTransaction},
};

type Answers = Arc<dyn Fn(&str, &Value) -> Response + Send + Sync>;

/// A node that answers by path and remembers what it was asked.
#[derive(Clone)]
pub struct Fake {
    pub url: String,
    pub asked: Arc<Mutex<Vec<(String, Value, HeaderMap)>>>,
}

impl Fake {
    pub async fn start(answers: impl Fn(&str, &Value) -> Response + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let fake = Self { url: format!("http://{}", listener.local_addr().unwrap()), asked: Arc::default() };
        let state = (fake.clone(), Arc::new(answers) as Answers);
        let app = Router::new().fallback(answer).with_state(state);
        tokio::spawn(async move { axum::serve(listener, app).await });
        fake
    }

    pub async fn json(answer: Value) -> Self {
        Self::start(move |_, _| axum::Json(answer.clone()).into_response()).await
    }

    pub fn bodies(&self) -> Vec<Value> {
        self.asked.lock().unwrap().iter().map(|(_, body, _)| body.clone()).collect()
    }
}

async fn answer(State((fake, answers)): State<(Fake, Answers)>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap();
    fake.asked.lock().unwrap().push((uri.path().to_owned(), body.clone(), headers));
    answers(uri.path(), &body)
}

pub fn grid(nodes: &[&Fake]) -> TronGrid {
    let nodes = nodes.iter().map(|n| NodeConfig::new(&n.url)).collect();
    let (timeout, patience) = (Duration::from_millis(500), Duration::from_millis(900));
    TronGrid::new(Config { network: Network::Nile, nodes, timeout, patience }).unwrap()
}

pub fn word(n: u64) -> String {
    hex::encode(Amount::from_u64(n).to_be_bytes())
}

pub fn returned(output: &str) -> Value {
    json!({ "result": { "result": true }, "constant_result": [output], "energy_used": 541, "transaction": { "ret": [{}] } })
}

pub fn status(code: u16) -> Response {
    StatusCode::from_u16(code).unwrap().into_response()
}

pub fn address(byte: u8) -> Address {
    Address::from_bytes([byte; 20])
}

pub fn transaction() -> SignedTransaction {
    let key = PrivateKey::from_bytes(&[7; 32]).unwrap();
    let contract = Contract::Transfer { owner: key.address(), to: address(1), amount_sun: 5 };
    let raw = RawTransaction {
        ref_block_bytes: [0; 2],
        ref_block_hash: [0; 8],
        expiration_ms: 60_000,
        timestamp_ms: 1,
        contract,
        fee_limit_sun: 0,
    };
    SignedTransaction::sign(raw, &key)
}
