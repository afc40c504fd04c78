//! The node's HTTP doors: `wallet/`, `walletsolidity/`, `jsonrpc`, and `devnet/` to control it. Bodies are limited;
//! what can't be read gets a node's error, status 200 and `Error`.

mod contract;
mod control;
mod doors;
mod json;
mod read;
mod rpc;
mod send;

use crate::busy::{Busy, Loads, Meter, Work};
use crate::chain::{Chain, View};
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, Query, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
pub use doors::{Door, router};
use json::{Args, NodeError};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

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
    stop: watch::Receiver<bool>,
}

impl Node {
    pub fn new(chain: Chain, stop: watch::Receiver<bool>) -> Self {
        Self { chain: Mutex::new(chain), faults: Mutex::default(), meter: Mutex::default(), stop }
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

    /// Counts this work, and tells whether the node has no time for it.
    fn is_busy(&self, work: Work) -> bool {
        self.meter().take(work)
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
    let body = read_body(&node, request).await;
    with_faults(&node, &format!("{door}/{method}"), || {
        let args = match (is_get, body) {
            (true, _) => Ok(Args::from_pairs(pairs)),
            (false, Ok(bytes)) => Args::read(&bytes),
            (false, Err(error)) => Err(error),
        };
        match args.and_then(|args| dispatch(&node, view, method, &args)) {
            Ok(Some(value)) => reply(&value),
            Ok(None) => doors::nothing(&asked, &uri),
            Err(NodeError(reason)) => reply(&json!({ "Error": format!("class java.lang.Exception : {reason}") })),
        }
    })
    .await
}

async fn ethereum(State(node): State<Arc<Node>>, request: Request) -> Response {
    if request.method() != Method::POST {
        return doors::unsupported(request.method(), request.uri());
    }
    let body = read_body(&node, request).await.unwrap_or_default();
    with_faults(&node, "jsonrpc", || reply(&rpc::answer(&node, &body))).await
}

/// Answers, unless a fault was planned for this path.
async fn with_faults(node: &Node, path: &str, answer: impl FnOnce() -> Response) -> Response {
    match node.take_fault(path) {
        None => answer(),
        Some(Fault::Error) => (StatusCode::SERVICE_UNAVAILABLE, "a planned error").into_response(),
        Some(Fault::Drop) => cut(&answer()),
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
            body.map_err(|_| NodeError(format!("body size is too big, the limit is {MAX_BODY}")))
        }
        // A client that never ends its question must not keep the devnet from ending.
        _ = stop.wait_for(|stop| *stop) => Err(NodeError("the node is stopping".into())),
    }
}

fn reply(value: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

/// `None`: there is no such method.
fn dispatch(node: &Node, view: View, method: &str, args: &Args) -> Result<Option<Value>, NodeError> {
    let form = args.form();
    match (view, method) {
        (_, "triggerconstantcontract" | "estimateenergy") if node.is_busy(Work::TrialRun) => {
            return Ok(Some(contract::out_of_time(form)));
        }
        // What can be said about a transaction without the chain is said before it is locked.
        (View::Head, "broadcasttransaction") => return send::json(node, args).map(Some),
        (View::Head, "broadcasthex") => return send::hex(node, args).map(Some),
        _ => {}
    }
    let chain = &*node.chain();
    let tip = chain.tip(view);
    let answer = match method {
        "getnowblock" => Ok(read::block(chain, view, Some(tip), true, form)),
        "getblock" => read::block_by_either(chain, view, args),
        "getblockbynum" => Ok(read::block(chain, view, Some(args.number("num")?.unwrap_or_default()), true, form)),
        "getblockbyid" => {
            let number = args.id("value")?.and_then(|id| chain.blocks.find(&id));
            Ok(read::block(chain, view, number, true, form))
        }
        "getblockbylimitnext" => {
            let number = |name| args.number(name).map(Option::unwrap_or_default);
            read::blocks(chain, view, number("startNum")?, number("endNum")?, form)
        }
        "getblockbylatestnum" => {
            let count = args.number("num")?.unwrap_or_default();
            read::blocks(chain, view, (tip + 1).saturating_sub(count), tip + 1, form)
        }
        "getaccount" => read::account(chain, view, args),
        "getaccountresource" | "getaccountnet" => read::resources(chain, view, args),
        "getchainparameters" => Ok(read::parameters(chain)),
        "getenergyprices" => Ok(json!({ "prices": format!("0:{}", chain.energy_price_sun) })),
        "getbandwidthprices" => Ok(json!({ "prices": format!("0:{}", crate::chain::BYTE_PRICE_SUN) })),
        "getnodeinfo" => Ok(read::node_info(chain)),
        "listnodes" => Ok(json!({ "nodes": [] })),
        "getcontract" => read::contract(chain, args, false),
        "getcontractinfo" => read::contract(chain, args, true),
        "gettransactionbyid" => read::transaction(chain, view, args),
        "gettransactioninfobyid" => read::receipt(chain, view, args),
        "gettransactioninfobyblocknum" => read::receipts_of_block(chain, view, args),
        "triggerconstantcontract" => contract::simulate(chain, view, args),
        "estimateenergy" => contract::estimate(chain, view, args),
        // The rest makes or takes transactions, which a solidity node does not.
        _ if view == View::Solid => return Ok(None),
        "triggersmartcontract" => contract::trigger(chain, args),
        "createtransaction" => contract::transfer(chain, args),
        "getsignweight" => send::weight(args),
        _ => return Ok(None),
    };
    answer.map(Some)
}
