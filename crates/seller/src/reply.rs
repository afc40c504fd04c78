//! The answers that a paywall gives by itself, and the headers that it adds to a handler's. Refuses to let a shared
//! cache keep an offer or what one buyer paid for.

use crate::FacilitatorError;
use axum::{
    Json,
    body::Body,
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, VARY},
    },
    response::{IntoResponse, Response},
};
use serde_json::json;
use x402::{Malformed, Settlement, Version, facilitator::BUSY};

pub(crate) const PAYMENT_REQUIRED: HeaderName = HeaderName::from_static("payment-required");
pub(crate) const PAYMENT_RESPONSE: HeaderName = HeaderName::from_static("payment-response");
pub(crate) const X_PAYMENT_RESPONSE: HeaderName = HeaderName::from_static("x-payment-response");

/// 402 with the offer in its header.
pub(crate) fn payment_required(header: &str, content_type: &'static str, body: String) -> Response {
    let mut response = (StatusCode::PAYMENT_REQUIRED, body).into_response();
    let headers = response.headers_mut();
    set(headers, PAYMENT_REQUIRED, header);
    set(headers, CACHE_CONTROL, "no-store");
    set(headers, CONTENT_TYPE, content_type);
    // The body is a page for those who ask for one.
    set(headers, VARY, "Accept");
    response
}

/// Where a busy facilitator names no time.
const BUSY_SECS: u64 = 5;

/// A payment that can't be read.
pub(crate) const MALFORMED: &str = "malformed_payment";

pub(crate) fn malformed(error: &Malformed) -> Response {
    let body = json!({
        "error": MALFORMED,
        "message": error.to_string(),
        "field": error.field,
        "found": error.found,
        "expected": error.expected,
    });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

pub(crate) fn problem(status: StatusCode, error: &str, message: &str) -> Response {
    (status, Json(json!({ "error": error, "message": message }))).into_response()
}

pub(crate) fn unavailable(message: &str) -> Response {
    problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message)
}

pub(crate) fn facilitator_failed(error: &FacilitatorError) -> Response {
    tracing::warn!(%error, "the facilitator failed");
    let response = unavailable("the facilitator can't be asked");
    match error {
        FacilitatorError::Busy { retry_after, .. } => busy(*retry_after),
        FacilitatorError::Status { retry_after: Some(seconds), .. } => later(response, *seconds),
        _ => response,
    }
}

/// Nothing was settled, because the facilitator's nodes are busy.
pub(crate) fn busy(retry_after: Option<u64>) -> Response {
    let message = "the seller's facilitator is busy and settled nothing; present the same payment again in a moment";
    later(problem(StatusCode::SERVICE_UNAVAILABLE, BUSY, message), retry_after.unwrap_or(BUSY_SECS))
}

/// The same request is worth repeating in so many seconds.
pub(crate) fn later(mut response: Response, seconds: u64) -> Response {
    set(response.headers_mut(), RETRY_AFTER, &seconds.to_string());
    response
}

/// The offer beside an answer that is no 402.
pub(crate) fn with_offer(mut response: Response, header: &str) -> Response {
    set(response.headers_mut(), PAYMENT_REQUIRED, header);
    set(response.headers_mut(), CACHE_CONTROL, "no-store");
    response
}

pub(crate) fn with_settlement(mut response: Response<Body>, settlement: &Settlement, version: Version) -> Response {
    let value = settlement.header_value();
    let headers = response.headers_mut();
    set(headers, PAYMENT_RESPONSE, &value);
    if version == Version::V1 {
        set(headers, X_PAYMENT_RESPONSE, &value);
    }
    // What one buyer paid for is not for a shared cache.
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private"));
    }
    response
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// Whether the caller asks for a page by name, and likes it at least as much as JSON. Programs that take anything
/// (`*/*`) get JSON.
pub(crate) fn wants_page(headers: &HeaderMap) -> bool {
    let weight = |name: &str| {
        let ranges = headers.get_all(ACCEPT).iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(','));
        ranges.filter_map(|range| weighed(range, name)).max().unwrap_or(0)
    };
    let page = weight("text/html");
    page > 0 && page >= weight("application/json")
}

/// The weight of a media range in thousandths, if it is for this type.
fn weighed(range: &str, name: &str) -> Option<u16> {
    let mut parts = range.split(';').map(str::trim);
    if !parts.next()?.eq_ignore_ascii_case(name) {
        return None;
    }
    let q = parts.find_map(|p| p.strip_prefix("q=").or_else(|| p.strip_prefix("Q=")));
    let Some(q) = q else { return Some(1000) };
    let (whole, part) = q.split_once('.').unwrap_or((q, ""));
    let part: u16 = format!("{part:0<3}").get(..3)?.parse().ok()?;
    match whole {
        "0" => Some(part),
        "1" => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_for_those_who_ask_for_one() {
        for (accept, page) in [
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true),
            ("Text/HTML; q=0.5", true),
            ("*/*", false),
            ("application/json", false),
            ("application/json, text/html", true),
            ("application/json, text/html;q=0.9", false),
            ("application/json;q=0.8, text/html;q=0.9", true),
            ("text/html;q=0", false),
            ("text/html;q=x", false),
            ("text/*", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
            assert_eq!(wants_page(&headers), page, "{accept}");
        }
        assert!(!wants_page(&HeaderMap::new()));
    }
}
