//! The facilitator over HTTP, as a seller needs it. Refuses redirects, answers beyond the protocol's limits, and a
//! proxy in front of this machine. Knows the difference between "no" and "nobody knows", whatever the status says, and
//! asks again at once where a kept connection was closed under it.

use crate::book::Key;
use names::WebUrl;
use reqwest::{
    Client, StatusCode, Url,
    header::{CONTENT_TYPE, RETRY_AFTER},
};
use serde_json::Value;
use std::time::Duration;
use x402::{
    Malformed, Payment, Requirements, Settlement,
    facilitator::{
        BUSY, FINALITY, IDEMPOTENCY_KEY, IdempotencyKey, Quote, QuoteRequest, Supported, VerifyResponse, write_request,
    },
    limits,
};

/// Why a facilitator gave no usable answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FacilitatorError {
    #[error("{found:?} is no base URL of a facilitator: {expected}")]
    Url { found: String, expected: String },
    #[error("the facilitator could not be reached for {call}: {detail}")]
    Unreachable { call: &'static str, detail: String },
    #[error("the facilitator answered {call} with HTTP status {status}")]
    Status {
        call: &'static str,
        status: u16,
        /// In how many seconds it wants to be asked again.
        retry_after: Option<u64>,
    },
    /// It says that nothing was sent because its nodes are busy: the same payment is good in a moment.
    #[error("the facilitator answered {call} with {BUSY}: its nodes are busy")]
    Busy {
        call: &'static str,
        /// In how many seconds it wants to be asked again.
        retry_after: Option<u64>,
    },
    #[error("the facilitator answered {call} with more than {limit} bytes")]
    TooLarge { call: &'static str, limit: usize },
    #[error("the facilitator's answer to {call} can't be read: {error}")]
    Answer { call: &'static str, error: Malformed },
}

/// A client of one facilitator.
#[derive(Clone, Debug)]
pub struct FacilitatorClient {
    http: Client,
    /// Keeps no connection, so that none can be stale.
    fresh: Client,
    base: Url,
}

/// What came back.
struct Said {
    call: &'static str,
    status: StatusCode,
    retry_after: Option<u64>,
    text: String,
    /// To the second time of asking: the first may have had its effect.
    again: bool,
}

impl Said {
    fn error(&self) -> FacilitatorError {
        FacilitatorError::Status { call: self.call, status: self.status.as_u16(), retry_after: self.retry_after }
    }

    /// The text of an answer that only a success can carry.
    fn ok(self) -> Result<String, FacilitatorError> {
        if self.status == StatusCode::OK { Ok(self.text) } else { Err(self.error()) }
    }

    /// The verdict or the settlement that came with it says that nothing was sent.
    fn is_busy(&self, reason: Option<&str>) -> bool {
        self.status == StatusCode::SERVICE_UNAVAILABLE && reason == Some(BUSY)
    }

    fn busy(&self) -> FacilitatorError {
        FacilitatorError::Busy { call: self.call, retry_after: self.retry_after }
    }

    /// "Not now" is no verdict, whatever else it says.
    fn is_not_now(&self) -> bool {
        matches!(self.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
    }
}

/// A settlement waits for a block or two.
const SETTLE: Duration = Duration::from_secs(120);
const OTHERS: Duration = Duration::from_secs(20);

impl FacilitatorClient {
    /// `url`: where `/verify` and the others are, such as `http://127.0.0.1:4021`.
    pub fn new(url: &str) -> Result<Self, FacilitatorError> {
        let wrong = |expected: &str| FacilitatorError::Url { found: x402::shown(url), expected: expected.to_owned() };
        let base = WebUrl::parse_setting(url).map_err(|why| wrong(&why.to_string()))?;
        let loopback = base.is_loopback();
        let mut base = base.into_url();
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let client = |kept: usize| {
            let http = Client::builder().redirect(reqwest::redirect::Policy::none()).connect_timeout(OTHERS);
            let http = if loopback { http.no_proxy() } else { http };
            http.pool_max_idle_per_host(kept).build().map_err(|_| wrong("no HTTP client could be made for it"))
        };
        Ok(Self { http: client(usize::MAX)?, fresh: client(0)?, base })
    }

    pub async fn supported(&self) -> Result<Supported, FacilitatorError> {
        let text = self.exchange("supported", None, None, None, OTHERS).await?.ok()?;
        Supported::read(&text).map_err(|error| FacilitatorError::Answer { call: "supported", error })
    }

    /// The fee for each option that the facilitator would settle.
    pub async fn quote(&self, accepts: Vec<Requirements>) -> Result<Vec<Quote>, FacilitatorError> {
        let body = QuoteRequest { accepts }.to_json();
        let text = self.exchange("fee/quote", None, Some(body), None, OTHERS).await?.ok()?;
        Quote::read_list(&text).map_err(|error| FacilitatorError::Answer { call: "fee/quote", error })
    }

    /// Whether the payment would settle now. A no is an answer, with its reason and whatever its status; a yes comes
    /// with 200.
    pub async fn verify(
        &self,
        payment: &Payment,
        requirements: &Requirements,
    ) -> Result<VerifyResponse, FacilitatorError> {
        let body = Some(write_request(payment, requirements));
        let said = self.exchange("verify", None, body, None, OTHERS).await?;
        match VerifyResponse::read(&said.text) {
            Ok(verdict) if said.is_busy(verdict.invalid_reason.as_deref()) => Err(said.busy()),
            Ok(verdict) if said.status == StatusCode::OK || !(verdict.is_valid || said.is_not_now()) => Ok(verdict),
            Err(error) if said.status == StatusCode::OK => Err(FacilitatorError::Answer { call: "verify", error }),
            _ => Err(said.error()),
        }
    }

    /// Settles the payment. `key` is the seller's secret for it, the same at every try. An error, and
    /// `settlement_pending`, mean that nobody knows whether it was settled: ask again with the same payment and key,
    /// never with another payment. [`FacilitatorError::Busy`] means that it was not.
    pub async fn settle(
        &self,
        payment: &Payment,
        requirements: &Requirements,
        key: &IdempotencyKey,
    ) -> Result<Settlement, FacilitatorError> {
        self.settle_when(payment, requirements, key, None).await
    }

    /// As [`FacilitatorClient::settle`]; a success is final, and says so. What takes longer than the facilitator waits
    /// is `settlement_pending`: ask again. A success that does not say so is one of a facilitator that does not know
    /// the question, and counts as unknown.
    pub async fn settle_finally(
        &self,
        payment: &Payment,
        requirements: &Requirements,
        key: &IdempotencyKey,
    ) -> Result<Settlement, FacilitatorError> {
        let settlement = self.settle_when(payment, requirements, key, Some("finality=final")).await?;
        if settlement.success && !is_final(&settlement) {
            tracing::error!(
                "the facilitator does not say that its success is final: it can't be waited for with this one"
            );
            return Ok(settlement.unknown());
        }
        Ok(settlement)
    }

    async fn settle_when(
        &self,
        payment: &Payment,
        requirements: &Requirements,
        key: &IdempotencyKey,
        query: Option<&str>,
    ) -> Result<Settlement, FacilitatorError> {
        let body = Some(write_request(payment, requirements));
        let said = self.exchange("settle", query, body, Some(key), SETTLE).await?;
        match Settlement::read(&said.text) {
            Ok(settlement) if settlement.success => Ok(settlement),
            Ok(settlement) if said.is_busy(settlement.error_reason.as_deref()) => Err(said.busy()),
            Ok(settlement) => {
                // A bare error body says nothing about money, nor does a server that failed; and to a repeated question
                // a facilitator that knows no keys may call its own first success a failure.
                let bare = settlement.notes.contains(&x402::Note::ErrorBody);
                let unknown = bare || said.again || said.is_not_now() || said.status.is_server_error();
                if !unknown {
                    return Ok(settlement);
                }
                let told = settlement.error_reason.as_deref();
                tracing::warn!(status = said.status.as_u16(), told, "nobody knows whether a payment was settled");
                Ok(settlement.unknown())
            }
            Err(_) if !said.status.is_success() => Err(said.error()),
            Err(error) => Err(FacilitatorError::Answer { call: "settle", error }),
        }
    }

    /// What became of the transactions that were sent for a nonce, the newest first.
    pub(crate) async fn payments(&self, key: &Key) -> Result<Vec<Value>, FacilitatorError> {
        let Key { network, payer, nonce, .. } = key;
        let query = format!("network={}&nonce={nonce}&payer={payer}", network.canonical());
        let text = self.exchange("payments", Some(&query), None, None, OTHERS).await?.ok()?;
        serde_json::from_str(&text).map_err(|_| FacilitatorError::Answer {
            call: "payments",
            error: Malformed::new("document", &x402::shown(&text), "a list of payments"),
        })
    }

    /// Asks; and once more on a connection of its own when the first one broke. All of these may be asked twice:
    /// three have no effect, and a settlement is known by its key, or at worst by its nonce.
    async fn exchange(
        &self,
        call: &'static str,
        query: Option<&str>,
        body: Option<String>,
        key: Option<&IdempotencyKey>,
        timeout: Duration,
    ) -> Result<Said, FacilitatorError> {
        let mut url = self.base.join(call).map_err(|_| FacilitatorError::Url {
            found: self.base.to_string(),
            expected: "it can't be extended by a path".to_owned(),
        })?;
        url.set_query(query);
        let mut last = None;
        for (again, http) in [(false, &self.http), (true, &self.fresh)] {
            let request = match &body {
                Some(body) => http.post(url.clone()).header(CONTENT_TYPE, "application/json").body(body.clone()),
                None => http.get(url.clone()),
            };
            let request = match key {
                Some(key) => request.header(IDEMPOTENCY_KEY, key.as_str()),
                None => request,
            };
            match read(call, request.timeout(timeout)).await {
                Ok(said) => return said.map(|said| Said { again, ..said }),
                Err(error) => {
                    let broke = !(error.is_timeout() || error.is_connect() || error.is_builder());
                    let detail =
                        if error.is_timeout() { "no answer in time".to_owned() } else { root(&error.without_url()) };
                    tracing::debug!(call, detail, "the facilitator could not be reached");
                    last = Some(detail);
                    if !broke {
                        break;
                    }
                }
            }
        }
        Err(FacilitatorError::Unreachable { call, detail: last.unwrap_or_default() })
    }
}

/// Whether a success can't be taken back by a fork any more, as the facilitator says.
pub(crate) fn is_final(settlement: &Settlement) -> bool {
    settlement.extra.get(FINALITY).and_then(Value::as_str) == Some("final")
}

/// One exchange. The outer error is the connection's.
async fn read(
    call: &'static str,
    request: reqwest::RequestBuilder,
) -> Result<Result<Said, FacilitatorError>, reqwest::Error> {
    let mut response = request.send().await?;
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if bytes.len() + chunk.len() > limits::BODY_BYTES {
            return Ok(Err(FacilitatorError::TooLarge { call, limit: limits::BODY_BYTES }));
        }
        bytes.extend_from_slice(&chunk);
    }
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok()?.trim().parse().ok());
    let text = x402::header::utf8("answer", bytes).map_err(|error| FacilitatorError::Answer { call, error });
    Ok(text.map(|text| Said { call, status: response.status(), retry_after, text, again: false }))
}

/// The innermost cause: "connection refused" says more than "error sending request".
fn root(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
