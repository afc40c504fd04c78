//! Failures on the wire: RFC 9457 problem documents with a stable `code`. One table says which status a
//! code has; nothing secret and no text from outside that was not made safe to show gets in.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use view::question::quoted;
use view::{Code, Failure};

/// The status and title of every code. What a request got wrong by itself is 4xx and never 5xx.
pub fn table(code: Code) -> (StatusCode, &'static str) {
    match code {
        Code::BadRequest => (StatusCode::BAD_REQUEST, "The request is not of the documented form"),
        Code::NotPaired => (StatusCode::UNAUTHORIZED, "This app is not paired"),
        Code::Forbidden => (StatusCode::FORBIDDEN, "Host, Origin or transport is not allowed here"),
        Code::UserRejected => (StatusCode::FORBIDDEN, "The person said no"),
        Code::PolicyDenied => (StatusCode::FORBIDDEN, "A rule of the wallet says no"),
        Code::WrongPassphrase => (StatusCode::FORBIDDEN, "The passphrase is not the right one"),
        Code::NotFound => (StatusCode::NOT_FOUND, "There is no such thing"),
        Code::Cancelled => (StatusCode::CONFLICT, "The payment was cancelled"),
        Code::IdempotencyConflict => (StatusCode::CONFLICT, "The idempotency key was used for another request"),
        Code::InsufficientBalance => (StatusCode::CONFLICT, "The balance is too small"),
        Code::AllowanceRequired => (StatusCode::CONFLICT, "An allowance has to be given first"),
        Code::TrxRequired => (StatusCode::CONFLICT, "The account lacks TRX"),
        Code::AccountNotActive => (StatusCode::CONFLICT, "The account was never activated"),
        Code::OtherKeys => (StatusCode::CONFLICT, "The account is with other keys"),
        Code::TokenPaused => (StatusCode::CONFLICT, "The token is paused"),
        Code::PayerBlocked => (StatusCode::CONFLICT, "The token has blocked the account"),
        Code::NoAccount => (StatusCode::CONFLICT, "The wallet has no account yet"),
        Code::WatchOnly => (StatusCode::CONFLICT, "The account that would pay has no key here"),
        Code::PlanChanged => (StatusCode::CONFLICT, "The plan changed since it was shown"),
        Code::PermissionInUse => (StatusCode::CONFLICT, "This 402 is being paid already"),
        Code::AlreadySigned => (StatusCode::CONFLICT, "The payment is signed already"),
        Code::AlreadyPaid => (StatusCode::CONFLICT, "This 402 was paid already"),
        Code::AlreadyAnswered => (StatusCode::CONFLICT, "The payment has moved on"),
        Code::NotArmed => (StatusCode::CONFLICT, "The answer came too early"),
        Code::VaultUnusable => (StatusCode::CONFLICT, "The vault can't be used"),
        Code::Expired => (StatusCode::GONE, "The question ran out without an answer"),
        Code::MalformedPaymentRequired => (StatusCode::UNPROCESSABLE_ENTITY, "The 402 is malformed"),
        Code::UnsupportedScheme => (StatusCode::UNPROCESSABLE_ENTITY, "The scheme is not supported"),
        Code::UnsupportedNetwork => (StatusCode::UNPROCESSABLE_ENTITY, "The network is not supported"),
        Code::UnknownContract => (StatusCode::UNPROCESSABLE_ENTITY, "The contract is not in the registry"),
        Code::UnknownToken => (StatusCode::UNPROCESSABLE_ENTITY, "The token is not known"),
        Code::MaxAmountExceeded => (StatusCode::UNPROCESSABLE_ENTITY, "More is asked than the app allowed"),
        Code::CannotSign => (StatusCode::UNPROCESSABLE_ENTITY, "The 402 can't be signed as it is"),
        Code::WalletLocked => (StatusCode::LOCKED, "The wallet is locked"),
        Code::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "Too many requests"),
        Code::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong inside"),
        Code::NodeUnavailable => (StatusCode::SERVICE_UNAVAILABLE, "No TRON node answered"),
        Code::LedgerGone => (StatusCode::SERVICE_UNAVAILABLE, "The record of this wallet is gone"),
        Code::LedgerUnavailable => (StatusCode::SERVICE_UNAVAILABLE, "The ledger takes no rows: nothing is signed"),
    }
}

/// A problem document (RFC 9457) as it goes over the wire, `application/problem+json`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProblemView {
    /// `urn:countersign:problem:` and the code in lower case.
    #[serde(rename = "type")]
    #[schema(example = "urn:countersign:problem:not-paired")]
    pub type_: String,
    pub title: String,
    /// The HTTP status again.
    #[schema(example = 401)]
    pub status: u16,
    /// One sentence for people.
    pub detail: String,
    pub code: Code,
    /// What to do next, where there is something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// The field that is meant: "accepts[0].amount".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// Seconds after which it makes sense to try again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
}

/// A failure with the status it is answered with.
#[derive(Debug)]
pub struct Problem {
    pub status: StatusCode,
    pub failure: Failure,
}

impl Problem {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Failure {
            code,
            message: message.into(),
            advice: None,
            field: None,
            found: None,
            expected: None,
            retry_after: None,
        }
        .into()
    }

    /// Another status than the table's, for what only HTTP can get wrong (404, 405, 408, 413, 415).
    pub(crate) fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn advice(mut self, advice: impl Into<String>) -> Self {
        self.failure.advice = Some(advice.into());
        self
    }

    /// `found` is text from outside: it is shortened and made safe here.
    pub(crate) fn field(mut self, field: impl AsRef<str>, found: &str, expected: impl Into<String>) -> Self {
        self.failure.field = Some(quoted(field.as_ref(), 120));
        self.failure.found = Some(quoted(found, 120));
        self.failure.expected = Some(expected.into());
        self
    }

    pub(crate) fn retry_after(mut self, seconds: u32) -> Self {
        self.failure.retry_after = Some(seconds);
        self
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Self { status: table(failure.code).0, failure }
    }
}

impl From<ProblemView> for Failure {
    fn from(problem: ProblemView) -> Self {
        Self {
            code: problem.code,
            message: problem.detail,
            advice: problem.advice,
            field: problem.field,
            found: problem.found,
            expected: problem.expected,
            retry_after: problem.retry_after,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self { status, failure } = self;
        let retry_after = failure.retry_after;
        let body = ProblemView {
            type_: format!("urn:countersign:problem:{}", failure.code.name().to_lowercase().replace('_', "-")),
            title: table(failure.code).1.to_owned(),
            status: status.as_u16(),
            detail: failure.message,
            code: failure.code,
            advice: failure.advice,
            field: failure.field,
            found: failure.found,
            expected: failure.expected,
            retry_after,
        };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
