//! The facilitator over HTTP, as a seller needs it. Refuses redirects, answers beyond the protocol's limits, and a
//! proxy in front of this machine. Knows the difference between "no" and "nobody knows".

use names::WebUrl;
use reqwest::{Client, StatusCode, Url, header::CONTENT_TYPE};
use std::time::Duration;
use x402::{
    Malformed, Payment, Requirements, Settlement,
    facilitator::{Quote, QuoteRequest, Supported, VerifyResponse, write_request},
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
    Status { call: &'static str, status: u16 },
    #[error("the facilitator answered {call} with more than {limit} bytes")]
    TooLarge { call: &'static str, limit: usize },
    #[error("the facilitator's answer to {call} can't be read: {error}")]
    Answer { call: &'static str, error: Malformed },
}

/// A client of one facilitator.
#[derive(Clone, Debug)]
pub struct FacilitatorClient {
    http: Client,
    base: Url,
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
        let mut http = Client::builder().redirect(reqwest::redirect::Policy::none()).connect_timeout(OTHERS);
        if loopback {
            http = http.no_proxy();
        }
        let http = http.build().map_err(|_| wrong("no HTTP client could be made for it"))?;
        Ok(Self { http, base })
    }

    pub async fn supported(&self) -> Result<Supported, FacilitatorError> {
        let (status, text) = self.exchange("supported", None, OTHERS).await?;
        ok("supported", status)?;
        Supported::read(&text).map_err(|error| FacilitatorError::Answer { call: "supported", error })
    }

    /// The fee for each option that the facilitator would settle.
    pub async fn quote(&self, accepts: Vec<Requirements>) -> Result<Vec<Quote>, FacilitatorError> {
        let body = QuoteRequest { accepts }.to_json();
        let (status, text) = self.exchange("fee/quote", Some(body), OTHERS).await?;
        ok("fee/quote", status)?;
        Quote::read_list(&text).map_err(|error| FacilitatorError::Answer { call: "fee/quote", error })
    }

    /// Whether the payment would settle now. A no is an answer, with its reason.
    pub async fn verify(
        &self,
        payment: &Payment,
        requirements: &Requirements,
    ) -> Result<VerifyResponse, FacilitatorError> {
        let (status, text) = self.exchange("verify", Some(write_request(payment, requirements)), OTHERS).await?;
        ok("verify", status)?;
        VerifyResponse::read(&text).map_err(|error| FacilitatorError::Answer { call: "verify", error })
    }

    /// Settles the payment. An error means that nobody knows whether it was settled: ask again with the same
    /// payment, never with another.
    pub async fn settle(&self, payment: &Payment, requirements: &Requirements) -> Result<Settlement, FacilitatorError> {
        let (status, text) = self.exchange("settle", Some(write_request(payment, requirements)), SETTLE).await?;
        match Settlement::read(&text) {
            // A real verdict counts whatever the status; a bare error body says nothing about money.
            Ok(settlement) if !settlement.notes.contains(&x402::Note::ErrorBody) => Ok(settlement),
            _ if !status.is_success() => Err(FacilitatorError::Status { call: "settle", status: status.as_u16() }),
            Ok(_) => Err(FacilitatorError::Status { call: "settle", status: status.as_u16() }),
            Err(error) => Err(FacilitatorError::Answer { call: "settle", error }),
        }
    }

    async fn exchange(
        &self,
        call: &'static str,
        body: Option<String>,
        timeout: Duration,
    ) -> Result<(StatusCode, String), FacilitatorError> {
        let unreachable = |e: reqwest::Error| FacilitatorError::Unreachable {
            call,
            detail: if e.is_timeout() { "no answer in time".to_owned() } else { root(&e.without_url()) },
        };
        let url = self.base.join(call).map_err(|_| FacilitatorError::Url {
            found: self.base.to_string(),
            expected: "it can't be extended by a path".to_owned(),
        })?;
        let request = match body {
            Some(body) => self.http.post(url).header(CONTENT_TYPE, "application/json").body(body),
            None => self.http.get(url),
        };
        let mut response = request.timeout(timeout).send().await.map_err(unreachable)?;
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if bytes.len() + chunk.len() > limits::BODY_BYTES {
                return Err(FacilitatorError::TooLarge { call, limit: limits::BODY_BYTES });
            }
            bytes.extend_from_slice(&chunk);
        }
        let text = x402::header::utf8("answer", bytes).map_err(|error| FacilitatorError::Answer { call, error })?;
        Ok((response.status(), text))
    }
}

fn ok(call: &'static str, status: StatusCode) -> Result<(), FacilitatorError> {
    if status == StatusCode::OK { Ok(()) } else { Err(FacilitatorError::Status { call, status: status.as_u16() }) }
}

/// The innermost cause: "connection refused" says more than "error sending request".
fn root(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
