//! An honest local program that meets a 402 and pays through Countersign's port, as any program would: over HTTP,
//! with a token, without any key. Refuses to pay twice: one 402, one question, one retry.

use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, header::CONTENT_TYPE};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

/// Where the helper listens and who we are to it.
#[derive(Clone)]
pub struct Buyer {
    helper_url: String,
    token: String,
    reason: Option<String>,
    http: Client,
}

/// What came of buying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// The helper's id of the payment; `None` when the resource was free.
    pub payment_id: Option<String>,
    pub status: u16,
    pub content_type: Option<String>,
    pub body: Vec<u8>,
    /// The shop's `PAYMENT-RESPONSE` header as it came.
    pub payment_response: Option<String>,
}

/// Why nothing was bought.
#[derive(Debug, thiserror::Error)]
pub enum BuyError {
    #[error("{url} could not be reached: {detail}")]
    Unreachable { url: String, detail: String },
    /// The helper answered with a problem document.
    #[error("the helper answered {status} {code}: {detail}")]
    Problem { status: u16, code: String, detail: String },
    /// The question ended without a signature: `refused`, `expired`, `cancelled`, …
    #[error("the payment {payment_id} was not signed: {status} {code}")]
    NotSigned { payment_id: String, status: String, code: String },
    #[error("no answer within the time given; the question {payment_id} stays open")]
    StillAsked { payment_id: String },
    #[error("{what} is missing from the answer of {url}")]
    Incomplete { url: String, what: &'static str },
}

/// Told while the buyer waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Asked { payment_id: String },
    Signed { payment_id: String },
}

/// As long as the helper holds a question open for one request.
const WAIT_SECS: u64 = 25;
const PAUSE: Duration = Duration::from_millis(200);

impl Buyer {
    /// `helper_url`: such as `http://127.0.0.1:4020`; `token`: from pairing.
    pub fn new(helper_url: impl Into<String>, token: impl Into<String>) -> Self {
        let helper_url = helper_url.into().trim_end_matches('/').to_owned();
        // Shop and helper are on this machine.
        let http = Client::builder().no_proxy().build().unwrap_or_default();
        Self { helper_url, token: token.into(), reason: None, http }
    }

    /// What the person is told about why this program wants to pay.
    #[must_use]
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// GET, and when it costs something: ask, wait up to `patience` for the person, retry, report.
    pub async fn get(&self, url: &str, patience: Duration) -> Result<Delivered, BuyError> {
        self.get_with(url, patience, |_| {}).await
    }

    /// As [`Buyer::get`], telling each step.
    pub async fn get_with(
        &self,
        url: &str,
        patience: Duration,
        mut step: impl FnMut(Step),
    ) -> Result<Delivered, BuyError> {
        let until = Instant::now() + patience;
        let first = send(url, self.http.get(url)).await?;
        if first.status() != StatusCode::PAYMENT_REQUIRED {
            return delivered(url, None, first).await;
        }
        let in_header = header(&first, "payment-required");
        let payment_required = match in_header {
            Some(value) => value,
            None => first.text().await.map_err(|e| unreachable(url, &e))?,
        };
        let mut ask = json!({ "request": { "method": "GET", "url": url }, "paymentRequired": payment_required });
        if let (Some(reason), Some(ask)) = (&self.reason, ask.as_object_mut()) {
            ask.insert("reason".to_owned(), json!(reason));
        }
        let mut payment = self.helper(Method::POST, "/v1/payments", Some(ask)).await?;
        let id = self.text(&payment, "id")?;
        let mut told = false;
        let (name, value) = loop {
            let status = self.text(&payment, "status")?;
            if status == "signed" {
                break (self.text(&payment, "headerName")?, self.text(&payment, "headerValue")?);
            }
            if !is_open(&status) {
                let code = payment.pointer("/failure/code").and_then(Value::as_str).unwrap_or_default().to_owned();
                return Err(BuyError::NotSigned { payment_id: id, status, code });
            }
            if !told {
                step(Step::Asked { payment_id: id.clone() });
                told = true;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(BuyError::StillAsked { payment_id: id });
            }
            let wait = left.as_secs().clamp(1, WAIT_SECS);
            let asked_at = Instant::now();
            payment = self.helper(Method::GET, &format!("/v1/payments/{id}?wait={wait}"), None).await?;
            // A helper that does not wait is not asked in a tight loop.
            if payment.get("status").and_then(Value::as_str) == Some(&status) {
                tokio::time::sleep_until(asked_at + PAUSE).await;
            }
        };
        step(Step::Signed { payment_id: id.clone() });
        let second = send(url, self.http.get(url).header(name, value)).await?;
        let answer = delivered(url, Some(id.clone()), second).await?;
        let mut result = json!({ "httpStatus": answer.status });
        if let (Some(response), Some(result)) = (&answer.payment_response, result.as_object_mut()) {
            result.insert("paymentResponse".to_owned(), json!(response));
        }
        self.helper(Method::POST, &format!("/v1/payments/{id}/result"), Some(result)).await?;
        Ok(answer)
    }

    /// One exchange with the helper; a problem document is an error.
    async fn helper(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, BuyError> {
        let url = format!("{}{path}", self.helper_url);
        let mut request = self.http.request(method, &url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        let response = send(&url, request).await?;
        let status = response.status();
        let text = response.text().await.map_err(|e| unreachable(&url, &e))?;
        let answer: Value = serde_json::from_str(&text).unwrap_or_default();
        if status.is_success() {
            return Ok(answer);
        }
        let member = |name| answer.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Err(BuyError::Problem { status: status.as_u16(), code: member("code"), detail: member("detail") })
    }

    fn text(&self, answer: &Value, what: &'static str) -> Result<String, BuyError> {
        let found = answer.get(what).and_then(Value::as_str).map(str::to_owned);
        found.ok_or_else(|| BuyError::Incomplete { url: self.helper_url.clone(), what })
    }
}

/// States that a signature can still come from.
fn is_open(status: &str) -> bool {
    matches!(status, "asked" | "approved")
}

async fn send(url: &str, request: RequestBuilder) -> Result<Response, BuyError> {
    request.send().await.map_err(|e| unreachable(url, &e))
}

fn unreachable(url: &str, error: &reqwest::Error) -> BuyError {
    BuyError::Unreachable { url: url.to_owned(), detail: error.to_string() }
}

fn header(response: &Response, name: &str) -> Option<String> {
    response.headers().get(name)?.to_str().ok().map(str::to_owned)
}

async fn delivered(url: &str, payment_id: Option<String>, response: Response) -> Result<Delivered, BuyError> {
    let payment_response = header(&response, "payment-response").or_else(|| header(&response, "x-payment-response"));
    Ok(Delivered {
        payment_id,
        status: response.status().as_u16(),
        content_type: header(&response, "content-type"),
        payment_response,
        body: response.bytes().await.map_err(|e| unreachable(url, &e))?.to_vec(),
    })
}
