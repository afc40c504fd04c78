//! The layer: asks for payment, checks it, lets the handler work, settles, and only then releases the answer.
//! Refuses two payment headers, a payment that was not offered here, and one that bought something before.

use crate::{
    FacilitatorError, Listing, Price, Seller,
    seller::{Deal, NoOffer},
    used::Taken,
};
use axum::{
    Json,
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::CACHE_CONTROL, request::Parts},
    response::{IntoResponse, Response},
};
use futures::future::BoxFuture;
use serde_json::json;
use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};
use tower::{Layer, Service};
use x402::{Malformed, Payment, Settlement, Version, exact_permit::Meta, header};

const PAYMENT_REQUIRED: HeaderName = HeaderName::from_static("payment-required");
const PAYMENT_RESPONSE: HeaderName = HeaderName::from_static("payment-response");
const X_PAYMENT_RESPONSE: HeaderName = HeaderName::from_static("x-payment-response");
/// The reason when nobody knows whether a payment was settled.
const PENDING: &str = "settlement_pending";

type Listings = Arc<dyn Fn(Parts) -> BoxFuture<'static, Result<Listing, Response>> + Send + Sync>;

/// A tower layer that puts a price on what is behind it.
#[derive(Clone)]
pub struct Paywall {
    seller: Seller,
    listings: Listings,
}

/// Who paid what: in the extensions of a request that reaches the handler. The payment is verified by then and is
/// settled when the handler has succeeded.
#[derive(Clone, Debug, PartialEq)]
pub struct Paid {
    pub payer: tron::Address,
    pub price: Price,
}

impl Paywall {
    /// The same listing for every request.
    pub fn new(seller: Seller, listing: Listing) -> Self {
        Self::computed(seller, move |_| std::future::ready(Ok(listing.clone())))
    }

    /// A listing computed for each request: an empty one is free, an error is answered as it is. It is computed again
    /// for the paid request, so a price should stay the same for as long as an offer lives.
    pub fn computed<F, R>(seller: Seller, listing: F) -> Self
    where
        F: Fn(Parts) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Listing, Response>> + Send + 'static,
    {
        Self { seller, listings: Arc::new(move |parts| Box::pin(listing(parts))) }
    }
}

impl<S> Layer<S> for Paywall {
    type Service = PaywallService<S>;

    fn layer(&self, inner: S) -> PaywallService<S> {
        PaywallService { wall: self.clone(), inner }
    }
}

/// What [`Paywall`] makes of a service.
#[derive(Clone)]
pub struct PaywallService<S> {
    wall: Paywall,
    inner: S,
}

impl<S> Service<Request> for PaywallService<S>
where
    S: Service<Request, Error = Infallible> + Clone + Send + 'static,
    S::Response: IntoResponse,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // The service that was polled ready does the work; a fresh clone stays behind.
        let fresh = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, fresh);
        let wall = self.wall.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let run = |request| async move {
                match inner.call(request).await {
                    Ok(response) => response.into_response(),
                    Err(never) => match never {},
                }
            };
            Ok(wall.serve(parts, body, run).await)
        })
    }
}

impl Paywall {
    async fn serve<R: Future<Output = Response>>(
        &self,
        mut parts: Parts,
        body: Body,
        handler: impl FnOnce(Request) -> R,
    ) -> Response {
        let listing = match (self.listings)(parts.clone()).await {
            Ok(listing) if listing.prices.is_empty() => return handler(Request::from_parts(parts, body)).await,
            Ok(listing) => listing,
            Err(response) => return response,
        };
        let payment = match presented(&parts.headers) {
            Ok(Some(payment)) => payment,
            Ok(None) => return self.ask(&parts, &listing, None, None).await,
            Err(error) => return malformed(&error),
        };
        let deal = match self.seller.recognise(&parts, &listing, &payment) {
            Ok(deal) => deal,
            Err(reason) => return self.ask(&parts, &listing, Some(reason), None).await,
        };
        let now = self.seller.now();
        let mut reservation = match self.seller.used().reserve(deal.meta.payment_id, deal.meta.valid_before, now) {
            Ok(reservation) => reservation,
            Err(Taken::Already) => return self.ask(&parts, &listing, Some("payment_already_used"), None).await,
            Err(Taken::Full) => return unavailable("too many payments are in progress"),
        };
        if !reservation.is_open() {
            match self.seller.facilitator().verify(&payment, &deal.requirements).await {
                Ok(verdict) if verdict.is_valid => {}
                Ok(verdict) => {
                    let reason = verdict.invalid_reason.unwrap_or_else(|| "invalid_payment".to_owned());
                    return self.ask(&parts, &listing, Some(&reason), None).await;
                }
                Err(error) => return facilitator_failed(&error),
            }
        }
        parts.extensions.insert(Paid { payer: deal.payer, price: deal.price.clone() });
        let response = handler(Request::from_parts(parts.clone(), body)).await;
        if response.status().is_client_error() || response.status().is_server_error() {
            // Nothing was delivered: the payment is not settled and can be used again.
            return response;
        }
        // From here on a buyer that hangs up leaves the payment open.
        reservation.open();
        let settlement = self.settle(&payment, &deal).await;
        if settlement.success {
            reservation.spend();
            return with_settlement(response, &settlement, payment.version);
        }
        let reason = settlement.error_reason.clone().unwrap_or_else(|| "settlement_failed".to_owned());
        // An open settlement is asked for again with the very same nonce: whoever pays that again pays once.
        let same = settlement.is_pending().then(|| deal.meta.clone());
        if same.is_none() {
            reservation.release();
        }
        let response = self.ask(&parts, &listing, Some(&reason), same).await;
        with_settlement(response, &settlement, payment.version)
    }

    async fn settle(&self, payment: &Payment, deal: &Deal) -> Settlement {
        match self.seller.facilitator().settle(payment, &deal.requirements).await {
            Ok(settlement) => settlement,
            Err(error) => {
                tracing::warn!(%error, "nobody knows whether a payment was settled");
                let pending = Settlement::failed(&deal.requirements.network, PENDING);
                Settlement { payer: Some(deal.payer), ..pending }
            }
        }
    }

    /// 402, with the offer in header and body.
    async fn ask(&self, parts: &Parts, listing: &Listing, reason: Option<&str>, meta: Option<Meta>) -> Response {
        let mut offer = match self.seller.offer(parts, listing, meta).await {
            Ok(offer) => offer,
            Err(NoOffer::Facilitator(error)) => return facilitator_failed(&error),
            Err(error) => {
                tracing::error!(%error, "nothing can be offered");
                return unavailable("payments can't be taken here now");
            }
        };
        offer.error = Some(reason.unwrap_or("payment required").to_owned());
        let headers = [
            (PAYMENT_REQUIRED, offer.header_value()),
            (CACHE_CONTROL, "no-store".to_owned()),
            (axum::http::header::CONTENT_TYPE, "application/json".to_owned()),
        ];
        let mut response = (StatusCode::PAYMENT_REQUIRED, self.seller.body(&offer)).into_response();
        for (name, value) in headers {
            set(response.headers_mut(), name, &value);
        }
        response
    }
}

/// The one payment of a request, under its current or its older header.
fn presented(headers: &HeaderMap) -> Result<Option<Payment>, Malformed> {
    let mut found = None;
    for name in [header::PAYMENT_SIGNATURE, header::X_PAYMENT] {
        let unreadable = |_| Malformed::new(name, "bytes that are no text", "base64");
        let values: Vec<&str> =
            headers.get_all(name).iter().map(|v| v.to_str().map_err(unreadable)).collect::<Result<_, _>>()?;
        if let Some(value) = header::single(name, values)? {
            if found.is_some() {
                return Err(Malformed::new(name, "a second payment", "one payment"));
            }
            found = Some(Payment::read(value)?);
        }
    }
    Ok(found)
}

fn malformed(error: &Malformed) -> Response {
    let body = json!({
        "error": "malformed_payment",
        "message": error.to_string(),
        "field": error.field,
        "found": error.found,
        "expected": error.expected,
    });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

fn unavailable(message: &str) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "error": "unavailable", "message": message }))).into_response()
}

fn facilitator_failed(error: &FacilitatorError) -> Response {
    tracing::warn!(%error, "the facilitator failed");
    unavailable("the facilitator can't be asked")
}

fn with_settlement(mut response: Response<Body>, settlement: &Settlement, version: Version) -> Response {
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
