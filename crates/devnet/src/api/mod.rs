//! The node's HTTP doors: `wallet/`, `walletsolidity/`, `jsonrpc`, and `devnet/` to control it. Bodies are limited;
//! what can't be read gets a node's error, status 200 and `Error`.

mod about;
mod account;
mod blocks;
mod build;
mod contract;
mod control;
mod doors;
mod eth;
mod grid;
mod json;
mod message;
mod methods;
mod receipts;
mod rpc;
mod send;

use crate::busy::{Busy, Excuse, Loads, Meter, Work};
use crate::chain::{Chain, View};
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, Query, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
pub use doors::{Door, router};
use json::{Args, NodeError};
use receipts::Silence;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tron::TxId;

/// A node's `maxMessageSize`.
const MAX_BODY: usize = 4 * 1024 * 1024;
/// How long a request that is to time out is kept, if its client does not give up before.
const PATIENCE: Duration = Duration::from_secs(300);

/// What goes wrong with a request on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fault {
    /// Nothing is done and no answer comes.
    Timeout,
    /// Nothing is done, status 503.
    Error,
    /// It is done, but the connection breaks before the answer is out.
    Drop,
    /// Nothing is done, and a gateway in front of the node answers with this status and its usual words.
    Status(u16),
}

#[derive(Debug)]
struct Planned {
    path: String,
    times: u64,
    fault: Fault,
}

/// What all requests share.
#[derive(Debug)]
pub struct Node {
    chain: Mutex<Chain>,
    faults: Mutex<Vec<Planned>>,
    meter: Mutex<Meter>,
    silence: Mutex<Silence>,
    stop: watch::Receiver<bool>,
}

impl Node {
    pub fn new(chain: Chain, stop: watch::Receiver<bool>) -> Self {
        Self {
            chain: Mutex::new(chain),
            faults: Mutex::default(),
            meter: Mutex::default(),
            silence: Mutex::default(),
            stop,
        }
    }

    /// The chain as of now.
    pub fn chain(&self) -> MutexGuard<'_, Chain> {
        let mut chain = self.chain.lock().unwrap_or_else(PoisonError::into_inner);
        chain.catch_up();
        chain
    }

    /// The next `times` requests to `path` (`wallet/broadcasttransaction`, or `*`) go wrong.
    pub fn plan_fault(&self, path: &str, times: u64, fault: Fault) {
        let path = path.trim_start_matches('/').to_owned();
        self.faults().push(Planned { path, times, fault });
    }

    pub fn has_fault(&self, path: &str) -> bool {
        self.faults().iter().any(|planned| planned.path == path)
    }

    pub fn clear_faults(&self) {
        self.faults().clear();
    }

    /// How busy the node is from now on.
    pub fn be_busy(&self, busy: Busy) {
        self.meter().set(busy);
    }

    pub fn loads(&self) -> Loads {
        self.meter().loads()
    }

    /// What broadcasts are told that the node has no time for.
    pub fn set_excuse(&self, excuse: Excuse) {
        self.meter().set_excuse(excuse);
    }

    fn excuse(&self) -> Excuse {
        self.meter().excuse()
    }

    /// Counts this work, and tells whether the node has no time for it.
    fn is_busy(&self, work: Work) -> bool {
        self.meter().take(work)
    }

    /// Every receipt is asked for so often in vain, from now on.
    pub fn be_silent(&self, asks: u64) {
        self.silence.lock().unwrap_or_else(PoisonError::into_inner).set(asks);
    }

    fn says_nothing(&self, id: TxId) -> bool {
        self.silence.lock().unwrap_or_else(PoisonError::into_inner).holds(id)
    }

    fn meter(&self) -> MutexGuard<'_, Meter> {
        self.meter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn faults(&self) -> MutexGuard<'_, Vec<Planned>> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_fault(&self, path: &str) -> Option<Fault> {
        let mut faults = self.faults();
        let found =
            faults.iter_mut().find(|planned| planned.times > 0 && (planned.path == path || planned.path == "*"));
        let fault = found.map(|planned| {
            planned.times -= 1;
            planned.fault
        });
        faults.retain(|planned| planned.times > 0);
        fault
    }
}

async fn head(node: State<Arc<Node>>, method: Path<String>, query: Pairs, request: Request) -> Response {
    serve(node.0, "wallet", View::Head, &method.0, query.0, request).await
}

async fn solid(node: State<Arc<Node>>, method: Path<String>, query: Pairs, request: Request) -> Response {
    serve(node.0, "walletsolidity", View::Solid, &method.0, query.0, request).await
}

type Pairs = Query<Vec<(String, String)>>;

async fn serve(
    node: Arc<Node>,
    door: &str,
    view: View,
    method: &str,
    pairs: Vec<(String, String)>,
    request: Request,
) -> Response {
    let (asked, uri) = (request.method().clone(), request.uri().clone());
    if !matches!(asked, Method::GET | Method::POST) {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let is_get = asked == Method::GET;
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let is_form = kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    let body = read_body(&node, request).await;
    with_faults(&node, &format!("{door}/{method}"), || {
        let args = match (is_get, body) {
            (true, _) => Ok(Args::from_pairs(pairs)),
            (false, Ok(bytes)) if is_form => Args::from_form(&bytes),
            (false, Ok(bytes)) => Args::read(&bytes),
            (false, Err(error)) => Err(error),
        };
        match args.and_then(|args| methods::answer(&node, view, method, &args)) {
            Ok(Some(value)) => reply(&value),
            Ok(None) => doors::nothing(&asked, &uri),
            Err(error) => reply(&json!({ "Error": error.to_string() })),
        }
    })
    .await
}

async fn ethereum(State(node): State<Arc<Node>>, request: Request) -> Response {
    if request.method() != Method::POST {
        return doors::unsupported(request.method(), request.uri());
    }
    let body = read_body(&node, request).await.unwrap_or_default();
    with_faults(&node, "jsonrpc", || {
        ([(header::CONTENT_TYPE, "application/json-rpc")], rpc::answer(&node, &body).to_string()).into_response()
    })
    .await
}

/// Answers, unless a fault was planned for this path.
async fn with_faults(node: &Node, path: &str, answer: impl FnOnce() -> Response) -> Response {
    match node.take_fault(path) {
        None => answer(),
        Some(Fault::Error) => (StatusCode::SERVICE_UNAVAILABLE, "a planned error").into_response(),
        Some(Fault::Drop) => cut(&answer()),
        Some(Fault::Status(status)) => doors::gateway(status),
        Some(Fault::Timeout) => {
            let mut stop = node.stop.clone();
            let _stopped = tokio::time::timeout(PATIENCE, stop.wait_for(|stop| *stop)).await;
            StatusCode::GATEWAY_TIMEOUT.into_response()
        }
    }
}

/// An answer that promises a body and breaks off.
fn cut(answer: &Response) -> Response {
    let broken = futures::stream::once(async { Err::<Bytes, _>(std::io::Error::other("a planned break")) });
    let mut response = Response::new(Body::from_stream(broken));
    *response.status_mut() = answer.status();
    response.headers_mut().insert(header::CONTENT_LENGTH, header::HeaderValue::from_static("4096"));
    response
}

async fn read_body(node: &Node, request: Request) -> Result<Bytes, NodeError> {
    let mut stop = node.stop.clone();
    tokio::select! {
        body = to_bytes(request.into_body(), MAX_BODY) => {
            body.map_err(|_| NodeError::other(format!("body size is too big, the limit is {MAX_BODY}")))
        }
        // A client that never ends its question must not keep the devnet from ending.
        _ = stop.wait_for(|stop| *stop) => Err(NodeError::other("the node is stopping")),
    }
}

fn reply(value: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

/// Nodes leave zeros out.
fn positive(json: &mut Map<String, Value>, name: &str, value: u64) {
    if value > 0 {
        json.insert(name.into(), value.into());
    }
}
