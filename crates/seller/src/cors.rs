//! Buyers inside web pages: which pages may ask and pay. Refuses cookies and other credentials with it; a payment
//! needs none.

use crate::reply::{PAYMENT_REQUIRED, PAYMENT_RESPONSE, X_PAYMENT_RESPONSE};
use axum::http::HeaderValue;
use std::time::Duration;
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer};

/// A layer, to be put around routes with a paywall, by which web pages of these origins (`https://app.example`) can
/// read offers and settlements and send payments; `*` is every page. Preflights are answered by it and cost nothing.
/// What is no origin is left out.
pub fn browser_buyers<'a>(origins: impl IntoIterator<Item = &'a str>) -> CorsLayer {
    let origins: Vec<&str> = origins.into_iter().collect();
    let allowed = if origins.contains(&"*") {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()))
    };
    CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods(AllowMethods::mirror_request())
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([PAYMENT_REQUIRED, PAYMENT_RESPONSE, X_PAYMENT_RESPONSE])
        .max_age(Duration::from_secs(600))
}
