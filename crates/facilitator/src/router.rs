//! The facilitator over HTTP. A verdict, good or bad, is status 200; 400 names what could not be read; 503 says that
//! the chain could not be asked. Logs carry paths, statuses and transaction ids, never a payload.

use crate::{
    Facilitator, Reason, Settled, crowd, openapi, payments, rate,
    shapes::{self, Problem},
    store::Claim,
};
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use chain::Finality;
use serde_json::{Value, json};
use std::time::Duration;
use tower_http::{
    catch_panic::CatchPanicLayer,
    limit::RequestBodyLimitLayer,
    timeout::TimeoutLayer,
    trace::{DefaultMakeSpan, DefaultOnResponse, TraceLayer},
};
use x402::{
    Malformed, Settlement,
    facilitator::{
        FINALITY, IDEMPOTENCY_KEY, IdempotencyKey, MAY_SETTLE_UNTIL, Quote, QuoteRequest, REVERSED, Request,
        VerifyResponse,
    },
    limits,
};

impl Facilitator {
    /// How long an answer may take: a settlement may look for an earlier transaction, then send one and wait for it.
    pub(crate) fn longest(&self) -> Duration {
        self.config().wait * 2 + Duration::from_secs(30)
    }

    /// `/metrics` alone.
    pub(crate) fn metrics_router(&self) -> Router {
        Router::new().route("/metrics", get(metrics)).with_state(self.clone())
    }

    /// `/supported`, `/fee/quote`, `/verify`, `/settle`, `/payments`, `/openapi.json`, `/health` and, by the settings, `/metrics`. Clients are told
    /// apart by [`Facilitator::serve`], or by whoever adds axum's `ConnectInfo`.
    pub fn router(&self) -> Router {
        let asked = Router::new()
            .route("/openapi.json", get(document))
            .route("/supported", get(supported))
            .route("/fee/quote", post(quote))
            .route("/verify", post(verify))
            .route("/settle", post(settle))
            .route("/payments", get(payments::by_nonce))
            .route("/payments/tx/{hash}", get(payments::by_transaction))
            .route_layer(middleware::from_fn_with_state(self.clone(), crowd::limit))
            .route_layer(middleware::from_fn_with_state(self.clone(), rate::limit))
            .with_state(self.clone());
        let watched = if self.config().metrics { self.metrics_router() } else { Router::new() };
        asked
            .merge(self.health_router())
            .merge(watched)
            .layer(DefaultBodyLimit::disable())
            .layer(RequestBodyLimitLayer::new(limits::BODY_BYTES))
            .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, self.longest()))
            .layer(CatchPanicLayer::new())
            .layer(
                TraceLayer::new_for_http()
                    .make_span_with(DefaultMakeSpan::new().level(tracing::Level::INFO))
                    .on_response(DefaultOnResponse::new().level(tracing::Level::INFO)),
            )
    }
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");

pub(crate) fn json_text(status: StatusCode, text: String) -> Response {
    (status, [(header::CONTENT_TYPE, JSON)], text).into_response()
}

pub(crate) fn malformed(error: &Malformed) -> Response {
    let body = Problem {
        field: Some(error.field.clone()),
        found: Some(error.found.clone()),
        expected: Some(error.expected.clone()),
        ..Problem::new("invalid_request", error.to_string())
    };
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

#[utoipa::path(get, path = "/openapi.json", tag = "operators", responses((status = 200, description = "OpenAPI 3.1")))]
pub(crate) async fn document() -> Response {
    (StatusCode::OK, [(header::CONTENT_TYPE, JSON)], openapi::text()).into_response()
}

/// Seconds after which busy nodes are worth another try.
const BUSY_SECS: u32 = 5;

/// 503 when there is no verdict: the chain could not be asked, or is busy or a budget spent, and then when to ask again.
fn answer_with(reason: Option<Reason>, text: String) -> Response {
    let status = match reason {
        Some(Reason::Unavailable | Reason::Busy | Reason::OverBudget { .. }) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::OK,
    };
    let mut response = json_text(status, text);
    let retry_after = match reason {
        Some(Reason::OverBudget { retry_after }) => Some(retry_after),
        Some(Reason::Busy) => Some(BUSY_SECS),
        _ => None,
    };
    if let Some(retry_after) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after));
    }
    response
}

#[utoipa::path(get, path = "/supported", tag = "sellers", responses(
    (status = 200, description = "What is settled here, and by whom", body = shapes::Supported),
))]
pub(crate) async fn supported(State(facilitator): State<Facilitator>) -> Response {
    json_text(StatusCode::OK, facilitator.supported().to_json())
}

#[utoipa::path(post, path = "/fee/quote", tag = "sellers", request_body = shapes::QuoteQuestion, responses(
    (status = 200, description = "The fee of each option that is settled here", body = Vec<shapes::Quote>),
    (status = 400, description = "Names what could not be read", body = Problem),
))]
pub(crate) async fn quote(State(facilitator): State<Facilitator>, body: String) -> Response {
    match QuoteRequest::read(&body) {
        Ok(request) => json_text(StatusCode::OK, Quote::write_list(&facilitator.quote(&request.accepts))),
        Err(error) => malformed(&error),
    }
}

#[utoipa::path(post, path = "/verify", tag = "sellers", request_body = shapes::Question, responses(
    (status = 200, description = "The verdict", body = shapes::Verdict),
    (status = 400, description = "Names what could not be read", body = Problem),
    (status = 503, description = "No verdict: the chain could not be asked, or with Retry-After its nodes are busy or what settling may cost is spent", body = shapes::Verdict),
))]
pub(crate) async fn verify(State(facilitator): State<Facilitator>, body: String) -> Response {
    let request = match Request::read(&body) {
        Ok(request) => request,
        Err(error) => return malformed(&error),
    };
    let _in_flight = facilitator.metrics().call("verify");
    let verdict = facilitator.verify(&request.payment, &request.requirements).await;
    let reason = verdict.err().map(|r| r.reason);
    facilitator.metrics().verified(&request.requirements, reason);
    tracing::info!(valid = reason.is_none(), reason = reason.map(Reason::code), "verified");
    let answer = match verdict {
        Ok(payer) => VerifyResponse::valid(payer),
        Err(rejected) => VerifyResponse::invalid(rejected.reason.code(), rejected.payer),
    };
    answer_with(reason, answer.to_json())
}

#[utoipa::path(post, path = "/settle", tag = "sellers", request_body = shapes::Question, params(
    ("Idempotency-Key" = Option<String>, Header, description = "A secret of the seller for this one payment, 16 to 255 \
        visible ASCII characters, the same at every try: who shows it again hears of the success again. Without one a \
        success is told once"),
    ("finality" = Option<String>, Query, description = "`seen`, the default: a success is in a block, which the chain drops \
        very seldom. `final`: a success can't be dropped any more, and says so in `extra.finality`; that takes about a \
        minute on TRON, and what takes longer than this answer waits is `settlement_pending`: ask again"),
), responses(
    (status = 200, description = "How it ended, that it is pending or was reversed, or that another caller has it", body = shapes::Settlement),
    (status = 400, description = "Names what could not be read", body = Problem),
    (status = 503, description = "Nothing was sent: the chain could not be asked, or with Retry-After its nodes are busy or what settling may cost is spent", body = shapes::Settlement),
))]
pub(crate) async fn settle(
    State(facilitator): State<Facilitator>,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let (request, key, finality) = match (Request::read(&body), idempotency_key(&headers), finality(&query)) {
        (Ok(request), Ok(key), Ok(finality)) => (request, key, finality),
        (Err(error), ..) | (_, Err(error), _) | (.., Err(error)) => return malformed(&error),
    };
    let _in_flight = facilitator.metrics().call("settle");
    let claim = key.as_ref().map(Claim::of);
    let (settled, told) = facilitator.settle_for(&request.payment, &request.requirements, claim, finality).await;
    facilitator.metrics().settled(&request.requirements, &settled);
    let reason = match &settled {
        Settled::Failed { rejected, .. } => Some(rejected.reason),
        _ => None,
    };
    let answer = settled.answer(&request.requirements.network).to_json();
    match told {
        None => answer_with(reason, answer),
        Some(told) => {
            let length = answer.len();
            let mut response = Response::new(told.body(answer));
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, JSON);
            headers.insert(header::CONTENT_LENGTH, length.into());
            response
        }
    }
}

/// When a success is one for this seller.
fn finality(query: &[(String, String)]) -> Result<Finality, Malformed> {
    let mut said = query.iter().filter(|(name, _)| name == FINALITY).map(|(_, value)| value.as_str());
    match (said.next(), said.next()) {
        (None | Some("seen"), None) => Ok(Finality::Seen),
        (Some("final"), None) => Ok(Finality::Final),
        (Some(_), Some(_)) => Err(Malformed::new(FINALITY, "several", "seen or final, once")),
        (Some(other), None) => Err(Malformed::new(FINALITY, other, "seen or final")),
        (None, Some(_)) => Ok(Finality::Seen),
    }
}

/// What the seller proves itself by, if it gave anything.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Malformed> {
    let unreadable = |_| Malformed::new(IDEMPOTENCY_KEY, "bytes that are no text", "visible ASCII characters");
    let values: Vec<&str> =
        headers.get_all(IDEMPOTENCY_KEY).iter().map(|v| v.to_str().map_err(unreadable)).collect::<Result<_, _>>()?;
    x402::header::single(IDEMPOTENCY_KEY, values)?.map(IdempotencyKey::parse).transpose()
}

impl Settled {
    /// The `SettleResponse`. `network` as the seller wrote it.
    pub fn answer(&self, network: &str) -> Settlement {
        match self {
            Self::Done { transaction, payer, is_final } => Settlement {
                extra: if *is_final { json!({ FINALITY: "final" }) } else { Value::Null },
                ..Settlement::settled(network, &transaction.to_string(), *payer)
            },
            Self::Pending { transaction, payer } => Settlement::pending(network, &transaction.to_string(), *payer),
            Self::Failed { rejected, transaction } => Settlement {
                transaction: transaction.map(|id| id.to_string()),
                payer: rejected.payer,
                ..Settlement::failed(network, rejected.reason.code())
            },
            Self::Reversed { transaction, payer, why, until } => {
                let mut extra = json!({ "reason": why });
                if let (Some(until), Some(extra)) = (until, extra.as_object_mut()) {
                    extra.insert(MAY_SETTLE_UNTIL.to_owned(), json!(until));
                }
                Settlement {
                    transaction: Some(transaction.to_string()),
                    payer: Some(*payer),
                    extra,
                    ..Settlement::failed(network, REVERSED)
                }
            }
        }
    }
}

#[utoipa::path(get, path = "/metrics", tag = "operators", responses(
    (status = 200, description = "For Prometheus; by the settings on an address of its own", body = String,
     content_type = "application/openmetrics-text"),
))]
pub(crate) async fn metrics(State(facilitator): State<Facilitator>) -> Response {
    const TEXT: HeaderValue = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    match facilitator.metrics().text() {
        Ok(text) => ([(header::CONTENT_TYPE, TEXT)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics can't be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
