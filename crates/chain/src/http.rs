//! Questions over HTTP: several nodes in order, again while they are busy, each at the door that serves the question;
//! answers of bounded size; at once again where a kept connection was closed under the question. Refuses redirects (they
//! would carry the API key elsewhere) and any proxy in front of this machine.

use crate::{
    ChainError, Config, Door,
    busy::{is_limit, is_overload, pause, says_busy},
    config::{base_url, label},
    error::shortened,
};
use reqwest::{
    Client, Response, StatusCode, Url,
    header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER},
};
use serde_json::Value;
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

const API_KEY: HeaderName = HeaderName::from_static("tron-pro-api-key");
/// A full block of the busiest minutes is below two megabytes of JSON.
pub(crate) const MOST_BYTES: usize = 8 << 20;
/// Enough of a gateway's page to see that it speaks of a limit.
const MOST_OF_AN_ERROR: usize = 4 << 10;
/// Waits between the rounds of a read whose nodes could not be reached.
const PAUSES: [Duration; 2] = [Duration::from_millis(250), Duration::from_millis(1000)];
/// A door that was not there is looked for again after so long.
const ABSENT_FOR: Duration = Duration::from_secs(60);
/// Nodes that stayed busy for a whole question are asked once by each question for so long.
const GIVEN_UP_FOR: Duration = Duration::from_secs(10);

/// The nodes of one network.
pub(crate) struct Nodes {
    nodes: Vec<Node>,
    patience: Duration,
    /// Since when they are too busy for a question's whole patience.
    given_up: Mutex<Option<Instant>>,
}

pub(crate) struct Node {
    client: Client,
    /// Keeps no connection, so that none can be stale.
    fresh: Client,
    url: Url,
    solidity: Place,
    jsonrpc: Place,
    api_key: Option<HeaderValue>,
    pub(crate) label: String,
    pub(crate) history: crate::solid::History,
}

/// Where a door is.
enum Place {
    Set(Url),
    /// At the node's first address, unless it was not there when somebody looked.
    First {
        absent: Mutex<Option<Instant>>,
    },
}

impl Nodes {
    pub(crate) fn new(config: &Config) -> Result<Self, ChainError> {
        if config.nodes.is_empty() {
            return Err(ChainError::Config {
                field: "nodes".into(),
                found: "none".into(),
                expected: "at least one node".into(),
            });
        }
        let nodes = config.nodes.iter().enumerate().map(|(i, node)| Node::new(node, i, config.timeout));
        Ok(Self { nodes: nodes.collect::<Result<_, _>>()?, patience: config.patience, given_up: Mutex::default() })
    }

    pub(crate) fn in_order(&self) -> &[Node] {
        &self.nodes
    }

    /// Asks a question without effect: every node in order, and again after a pause while a failure may pass. A
    /// question of several exchanges has all of them with one node.
    pub(crate) async fn ask<'n, T, F>(&'n self, question: impl Fn(&'n Node) -> F) -> Result<T, ChainError>
    where
        F: Future<Output = Result<T, ChainError>>,
    {
        let started = Instant::now();
        let mut tries = 0;
        loop {
            let (mut busy, mut transient, mut last) = (None, None, None);
            for node in &self.nodes {
                match question(node).await {
                    Ok(answer) => {
                        self.answered();
                        return Ok(answer);
                    }
                    Err(error) => {
                        tracing::debug!(node = node.label, %error, "a node failed");
                        match error.is_transient() {
                            true if error.is_busy() => busy = Some(error),
                            true => transient = Some(error),
                            false => last = Some(error),
                        }
                    }
                }
            }
            // One has understood the question: the others would say the same, and nobody waits for them.
            let is_no = |error: &mut ChainError| matches!(error, ChainError::Refused { .. }) && !error.is_silence();
            if let Some(no) = last.take_if(is_no) {
                return Err(no);
            }
            let wait = match &busy {
                Some(busy) => self.next_pause(busy, tries, started),
                None if transient.is_some() => PAUSES.get(tries as usize).copied(),
                None => None,
            };
            match wait {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(last.or(busy).or(transient).unwrap_or_else(no_nodes)),
            }
            tries += 1;
        }
    }

    /// One exchange with whichever node answers.
    pub(crate) async fn read(&self, door: Door, call: &str, body: &Value) -> Result<Answer, ChainError> {
        self.ask(|node| node.post(door, call, body)).await
    }

    /// How long to wait before busy nodes are asked again; `None` when it is not worth waiting any more.
    pub(crate) fn next_pause(&self, busy: &ChainError, tries: u32, started: Instant) -> Option<Duration> {
        let asked = if let ChainError::Busy { wait, .. } = busy { *wait } else { Duration::ZERO };
        let wait = pause(tries, asked);
        let mut given_up = self.given_up.lock().unwrap_or_else(PoisonError::into_inner);
        if given_up.is_some_and(|since| since.elapsed() < GIVEN_UP_FOR) {
            return None;
        }
        let worth = started.elapsed() + wait <= self.patience;
        *given_up = (!worth).then(Instant::now);
        worth.then_some(wait)
    }

    pub(crate) fn answered(&self) {
        *self.given_up.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

fn no_nodes() -> ChainError {
    ChainError::Unreachable { node: "no node".into(), call: "anything".into(), detail: "none configured".into() }
}

impl Node {
    fn new(node: &crate::NodeConfig, index: usize, timeout: Duration) -> Result<Self, ChainError> {
        let config_error = |part: &str, found: String, expected: &str| ChainError::Config {
            field: format!("nodes[{index}].{part}"),
            found,
            expected: expected.to_owned(),
        };
        let (url, loopback) = base_url(node, index, Door::Wallet)?
            .ok_or_else(|| config_error("url", "none".into(), "an http or https URL"))?;
        let place = |door| {
            let set = base_url(node, index, door)?;
            let here = set.as_ref().is_none_or(|(_, own)| *own == loopback);
            match set {
                // One client: a proxy is either before all of a node's doors or before none.
                Some(_) if !here => {
                    Err(config_error(node.door(door).1, "another machine".into(), "the same machine as url"))
                }
                Some((url, _)) => Ok(Place::Set(url)),
                None => Ok(Place::First { absent: Mutex::default() }),
            }
        };
        let (solidity, jsonrpc) = (place(Door::Solidity)?, place(Door::JsonRpc)?);
        let api_key = match &node.api_key {
            None => None,
            Some(key) => {
                let mut value = HeaderValue::from_str(key.reveal())
                    .map_err(|_| config_error("api_key", "other characters".into(), "visible ASCII"))?;
                value.set_sensitive(true);
                Some(value)
            }
        };
        let client = |kept: usize| {
            let client = Client::builder()
                .timeout(timeout)
                .connect_timeout(timeout)
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .pool_max_idle_per_host(kept)
                .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")));
            let client = if loopback { client.no_proxy() } else { client };
            client.build().map_err(|e| config_error("url", shortened(e), "a usable HTTP client"))
        };
        let (client, fresh) = (client(usize::MAX)?, client(0)?);
        let (label, history) = (label(&url), crate::solid::History::default());
        Ok(Self { client, fresh, label, url, solidity, jsonrpc, api_key, history })
    }

    /// Where a door is by the settings; `None` where it is looked for at the first address.
    pub(crate) fn set_for(&self, door: Door) -> Option<&Url> {
        match self.place(door)? {
            Place::Set(url) => Some(url),
            Place::First { .. } => None,
        }
    }

    /// `None` for the first door, which is where it is.
    fn place(&self, door: Door) -> Option<&Place> {
        match door {
            Door::Wallet => None,
            Door::Solidity => Some(&self.solidity),
            Door::JsonRpc => Some(&self.jsonrpc),
        }
    }

    /// One exchange with one node; once more when the connection broke, for a node may close one that it kept just as
    /// it is used. Every call may come twice: questions have no effect, and a transaction is the same one.
    pub(crate) async fn post(&self, door: Door, call: &str, body: &Value) -> Result<Answer, ChainError> {
        let absent = || ChainError::NoDoor { node: self.label.clone(), door: door.path() };
        let (base, looked_for) = match self.place(door) {
            None => (&self.url, None),
            Some(Place::Set(url)) => (url, None),
            Some(Place::First { absent: seen }) => {
                if seen.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|at| at.elapsed() < ABSENT_FOR) {
                    return Err(absent());
                }
                (&self.url, Some(seen))
            }
        };
        let answer = self.exchange_at(base, door, call, body).await;
        match (&answer, looked_for) {
            // What java-tron says of a path that it does not serve.
            (Err(ChainError::Status { status: 404 | 405 | 501, .. }), Some(seen)) => {
                *seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
                Err(absent())
            }
            _ => answer,
        }
    }

    async fn exchange_at(&self, base: &Url, door: Door, call: &str, body: &Value) -> Result<Answer, ChainError> {
        let path = if call.is_empty() { door.path().to_owned() } else { format!("{}/{call}", door.path()) };
        let url = base.join(&path).map_err(|_| no_nodes())?;
        let body = body.to_string();
        let asked = |client: &Client| {
            let request = client.post(url.clone()).header(CONTENT_TYPE, "application/json").body(body.clone());
            let request = match &self.api_key {
                Some(key) => request.header(API_KEY, key.clone()),
                None => request,
            };
            self.exchange(request, &path)
        };
        let first = match asked(&self.client).await {
            Err(error) if !(error.is_timeout() || error.is_connect() || error.is_builder()) => {
                tracing::debug!(node = self.label, path, "a connection broke: asking again");
                asked(&self.fresh).await
            }
            first => first,
        };
        first.unwrap_or_else(|error| {
            let detail =
                if error.is_timeout() { "no answer in time".into() } else { shortened(root(&error.without_url())) };
            Err(ChainError::Unreachable { node: self.label.clone(), call: path.clone(), detail })
        })
    }

    /// The outer error is the connection's.
    async fn exchange(
        &self,
        request: reqwest::RequestBuilder,
        call: &str,
    ) -> Result<Result<Answer, ChainError>, reqwest::Error> {
        let mut response = request.send().await?;
        let (node, call, status) = (self.label.clone(), call.to_owned(), response.status());
        if !status.is_success() {
            return Ok(Err(self.failed(response, call, status).await));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if bytes.len() + chunk.len() > MOST_BYTES {
                return Ok(Err(ChainError::TooLarge { node, call, limit: MOST_BYTES }));
            }
            bytes.extend_from_slice(&chunk);
        }
        let answer = Answer { node, call, body: Value::Null };
        Ok(match serde_json::from_slice::<Value>(&bytes) {
            Ok(body) if body.is_object() => Answer { body, ..answer }.unless_error(),
            Ok(body) => Err(answer.unexpected("body", body, "a JSON object")),
            Err(e) => Err(answer.unexpected("body", e, "JSON")),
        })
    }

    /// What a status that is no success means.
    async fn failed(&self, mut response: Response, call: String, status: StatusCode) -> ChainError {
        let (node, status) = (self.label.clone(), status.as_u16());
        let after = response.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok()?.trim().parse().ok());
        let mut body = Vec::new();
        while let (403, Ok(Some(chunk))) = (status, response.chunk().await) {
            body.extend_from_slice(&chunk[..chunk.len().min(MOST_OF_AN_ERROR)]);
            if body.len() >= MOST_OF_AN_ERROR {
                break;
            }
        }
        let too_many = is_limit(status, &String::from_utf8_lossy(&body));
        if !too_many && !is_overload(status) {
            return ChainError::Status { node, call, status };
        }
        let wait = Duration::from_secs(after.unwrap_or(0));
        ChainError::Busy { node, call, said: format!("HTTP status {status}"), too_many, wait }
    }
}

/// The innermost cause: "connection refused" says more than "error sending request".
fn root(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// A node's answer, read field by field with errors that name the field.
#[derive(Debug)]
pub(crate) struct Answer {
    node: String,
    call: String,
    body: Value,
}

impl Answer {
    /// Nodes tell that they could not answer with status 200 and one text under `Error`. Read field by field it would
    /// be an account that has nothing.
    fn unless_error(self) -> Result<Self, ChainError> {
        match self.get("/Error") {
            Some(_) => Err(self.no("Error", "/Error")),
            None => Ok(self),
        }
    }

    pub(crate) fn unexpected(&self, field: &str, found: impl std::fmt::Display, expected: &str) -> ChainError {
        ChainError::Answer {
            node: self.node.clone(),
            call: self.call.clone(),
            field: field.to_owned(),
            found: shortened(found),
            expected: expected.to_owned(),
        }
    }

    /// The node's no to this call with its code and the message at `pointer`: its word, or that it is busy.
    pub(crate) fn no(&self, code: &str, pointer: &str) -> ChainError {
        let whole = self.whole_message(pointer);
        match says_busy(code, &whole) {
            true => self.busy(&format!("{code} {whole}")),
            false => ChainError::Refused {
                node: self.node.clone(),
                call: self.call.clone(),
                code: shortened(code),
                message: shortened(whole),
            },
        }
    }

    pub(crate) fn busy(&self, said: &str) -> ChainError {
        ChainError::Busy {
            node: self.node.clone(),
            call: self.call.clone(),
            said: shortened(said.trim()),
            too_many: false,
            wait: Duration::ZERO,
        }
    }

    /// A field by JSON pointer; absent and null are the same.
    pub(crate) fn get(&self, pointer: &str) -> Option<&Value> {
        self.body.pointer(pointer).filter(|v| !v.is_null())
    }

    pub(crate) fn is_empty_object(&self) -> bool {
        self.body.as_object().is_some_and(serde_json::Map::is_empty)
    }

    fn wanted(&self, pointer: &str, expected: &str) -> Result<&Value, ChainError> {
        self.get(pointer).ok_or_else(|| self.unexpected(pointer, "nothing", expected))
    }

    pub(crate) fn text(&self, pointer: &str) -> Result<&str, ChainError> {
        let value = self.wanted(pointer, "a text")?;
        value.as_str().ok_or_else(|| self.unexpected(pointer, value, "a text"))
    }

    pub(crate) fn number(&self, pointer: &str) -> Result<u64, ChainError> {
        let value = self.wanted(pointer, "a whole number")?;
        value.as_u64().ok_or_else(|| self.unexpected(pointer, value, "a whole number"))
    }

    /// Protobuf-made JSON leaves zeros out.
    pub(crate) fn number_or_zero(&self, pointer: &str) -> Result<u64, ChainError> {
        if self.get(pointer).is_none() { Ok(0) } else { self.number(pointer) }
    }

    pub(crate) fn array(&self, pointer: &str) -> Result<&[Value], ChainError> {
        match self.get(pointer) {
            None => Ok(&[]),
            Some(Value::Array(items)) => Ok(items),
            Some(other) => Err(self.unexpected(pointer, other, "a list")),
        }
    }

    pub(crate) fn hex(&self, pointer: &str) -> Result<Vec<u8>, ChainError> {
        let text = self.text(pointer)?;
        hex::decode(text.strip_prefix("0x").unwrap_or(text)).map_err(|_| self.unexpected(pointer, text, "hex"))
    }

    pub(crate) fn hex_array<const N: usize>(&self, pointer: &str) -> Result<[u8; N], ChainError> {
        let bytes = self.hex(pointer)?;
        bytes
            .as_slice()
            .try_into()
            .map_err(|_| self.unexpected(pointer, format!("{} bytes", bytes.len()), &format!("{N} bytes of hex")))
    }

    /// Messages are hex on some nodes and plain text on others (the `visible` switch).
    pub(crate) fn message(&self, pointer: &str) -> String {
        shortened(self.whole_message(pointer))
    }

    fn whole_message(&self, pointer: &str) -> String {
        let text = self.text(pointer).unwrap_or_default();
        let decoded = hex::decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        decoded.filter(|t| !t.is_empty()).unwrap_or_else(|| text.to_owned())
    }
}
