//! A node's front door that can hold one request: before the node hears of it, or with the node's answer in hand. A
//! process that waits there is at a known step.

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, Uri},
    response::{IntoResponse, Response},
};
use std::sync::{Arc, Mutex};
use tokio::{net::TcpListener, sync::oneshot};

/// What happens to the request that is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// The node never hears of it.
    Before,
    /// The node has done it; the answer never arrives.
    After,
    /// It is answered, and at the same moment told about.
    Not,
}

#[derive(Clone)]
pub struct Gate(Arc<Inner>);

struct Inner {
    node: String,
    url: String,
    http: reqwest::Client,
    armed: Mutex<Option<(String, Hold, oneshot::Sender<()>)>>,
    broadcasts: Mutex<Vec<String>>,
    hidden: Mutex<Option<String>>,
}

impl Gate {
    pub async fn before(node: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let (armed, broadcasts, hidden) = Default::default();
        let gate = Self(Arc::new(Inner { node, url, http, armed, broadcasts, hidden }));
        let router = Router::new().fallback(pass).with_state(gate.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        gate
    }

    pub fn url(&self) -> String {
        self.0.url.clone()
    }

    /// Holds the next request to this path; resolves when it is there.
    pub fn arm(&self, path: &str, hold: Hold) -> oneshot::Receiver<()> {
        let (tell, told) = oneshot::channel();
        *self.0.armed.lock().unwrap() = Some((format!("/{path}"), hold, tell));
        told
    }

    /// From now on there is no contract at this address.
    pub fn hide(&self, contract: tron::Address) {
        *self.0.hidden.lock().unwrap() = Some(contract.to_string());
    }

    /// Every transaction that the node was given since the last question, as hex.
    pub fn broadcasts(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.broadcasts.lock().unwrap())
    }

    fn taken(&self, path: &str) -> Option<(Hold, oneshot::Sender<()>)> {
        let mut armed = self.0.armed.lock().unwrap();
        let (_, hold, tell) = armed.take_if(|(wanted, ..)| wanted == path)?;
        Some((hold, tell))
    }
}

async fn pass(State(gate): State<Gate>, uri: Uri, body: Bytes) -> Response {
    let held = gate.taken(uri.path());
    if let Some((Hold::Before, tell)) = held {
        tell.send(()).unwrap();
        return std::future::pending().await;
    }
    let hidden = gate.0.hidden.lock().unwrap().clone();
    if let ("/wallet/getcontract", Some(hidden)) = (uri.path(), hidden)
        && std::str::from_utf8(&body).unwrap().contains(&hidden)
    {
        return axum::Json(serde_json::json!({})).into_response();
    }
    if uri.path() == "/wallet/broadcasthex" {
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        gate.0.broadcasts.lock().unwrap().push(body["transaction"].as_str().unwrap().to_owned());
    }
    let answer = gate.0.http.post(format!("{}{}", gate.0.node, uri.path())).body(body).send().await.unwrap();
    let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
    match held {
        Some((Hold::After, tell)) => {
            tell.send(()).unwrap();
            std::future::pending().await
        }
        Some((_, tell)) => tell.send(()).unwrap(),
        None => {}
    }
    (StatusCode::from_u16(status).unwrap(), [("content-type", "application/json")], text).into_response()
}
