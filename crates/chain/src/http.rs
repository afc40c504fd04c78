//! Questions over HTTP: several nodes in order, a few patient rounds, answers of bounded size; at once again where a
//! kept connection was closed under the question. Refuses redirects (they would carry the API key elsewhere) and any
//! proxy in front of this machine.

use crate::{
    ChainError, Config,
    config::{base_url, label},
    error::shortened,
};
use reqwest::{
    Client, Url,
    header::{CONTENT_TYPE, HeaderName, HeaderValue},
};
use serde_json::Value;
use std::time::Duration;

const API_KEY: HeaderName = HeaderName::from_static("tron-pro-api-key");
/// A full block of the busiest minutes is below two megabytes of JSON.
const MOST_BYTES: usize = 8 << 20;
/// Waits between the rounds of a read.
const PAUSES: [Duration; 2] = [Duration::from_millis(250), Duration::from_millis(1000)];

/// The nodes of one network.
pub(crate) struct Nodes {
    nodes: Vec<Node>,
    most_bytes: usize,
}

pub(crate) struct Node {
    client: Client,
    /// Keeps no connection, so that none can be stale.
    fresh: Client,
    base: Url,
    api_key: Option<HeaderValue>,
    pub(crate) label: String,
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
        Ok(Self { nodes: nodes.collect::<Result<_, _>>()?, most_bytes: MOST_BYTES })
    }

    pub(crate) fn in_order(&self) -> &[Node] {
        &self.nodes
    }

    /// Asks a question without effect: every node in order, and again after a pause while a failure may pass.
    pub(crate) async fn read(&self, call: &str, body: &Value) -> Result<Answer, ChainError> {
        let mut pauses = PAUSES.iter();
        loop {
            let mut transient = None;
            let mut last = None;
            for node in &self.nodes {
                match node.post(call, body, self.most_bytes).await {
                    Ok(answer) => return Ok(answer),
                    Err(error) => {
                        tracing::debug!(node = node.label, call, %error, "a node failed");
                        if error.is_transient() {
                            transient = Some(error);
                        } else {
                            last = Some(error);
                        }
                    }
                }
            }
            match (transient, last, pauses.next()) {
                (Some(_), _, Some(pause)) => tokio::time::sleep(*pause).await,
                (Some(error), None, None) | (_, Some(error), _) => return Err(error),
                (None, None, _) => return Err(no_nodes(call)),
            }
        }
    }
}

fn no_nodes(call: &str) -> ChainError {
    ChainError::Unreachable { node: "no node".into(), call: call.into(), detail: "none configured".into() }
}

impl Node {
    fn new(node: &crate::NodeConfig, index: usize, timeout: Duration) -> Result<Self, ChainError> {
        let (base, loopback) = base_url(node, index)?;
        let config_error = |part: &str, found: String, expected: &str| ChainError::Config {
            field: format!("nodes[{index}].{part}"),
            found,
            expected: expected.to_owned(),
        };
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
        Ok(Self { client, fresh, label: label(&base), base, api_key })
    }

    /// One exchange with one node; once more when the connection broke, for a node may close one that it kept just as
    /// it is used. Every call may come twice: questions have no effect, and a transaction is the same one.
    pub(crate) async fn post(&self, call: &str, body: &Value, most_bytes: usize) -> Result<Answer, ChainError> {
        let url = self.base.join(call).map_err(|_| no_nodes(call))?;
        let body = body.to_string();
        let asked = |client: &Client| {
            let request = client.post(url.clone()).header(CONTENT_TYPE, "application/json").body(body.clone());
            let request = match &self.api_key {
                Some(key) => request.header(API_KEY, key.clone()),
                None => request,
            };
            self.exchange(request, call, most_bytes)
        };
        let first = match asked(&self.client).await {
            Err(error) if !(error.is_timeout() || error.is_connect() || error.is_builder()) => {
                tracing::debug!(node = self.label, call, "a connection broke: asking again");
                asked(&self.fresh).await
            }
            first => first,
        };
        first.unwrap_or_else(|error| {
            let detail =
                if error.is_timeout() { "no answer in time".into() } else { shortened(root(&error.without_url())) };
            Err(ChainError::Unreachable { node: self.label.clone(), call: call.to_owned(), detail })
        })
    }

    /// The outer error is the connection's.
    async fn exchange(
        &self,
        request: reqwest::RequestBuilder,
        call: &str,
        most_bytes: usize,
    ) -> Result<Result<Answer, ChainError>, reqwest::Error> {
        let mut response = request.send().await?;
        let (node, call, status) = (self.label.clone(), call.to_owned(), response.status());
        if !status.is_success() {
            return Ok(Err(ChainError::Status { node, call, status: status.as_u16() }));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if bytes.len() + chunk.len() > most_bytes {
                return Ok(Err(ChainError::TooLarge { node, call, limit: most_bytes }));
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
            Some(_) => Err(self.refused("Error", &self.message("/Error"))),
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

    pub(crate) fn refused(&self, code: &str, message: &str) -> ChainError {
        ChainError::Refused {
            node: self.node.clone(),
            call: self.call.clone(),
            code: shortened(code),
            message: shortened(message),
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
        let text = self.text(pointer).unwrap_or_default();
        let decoded = hex::decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        shortened(decoded.filter(|t| !t.is_empty()).as_deref().unwrap_or(text))
    }
}
