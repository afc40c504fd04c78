//! The port's verbs for apps, each a few lines over the desk. Nothing here has an effect behind GET; an app
//! sees its own payments and events alone.

use crate::door::{self, Entrance};
use crate::extract::{By, Challenge, Id, Input, Paired, Port, Wait};
use crate::limits::Limits;
use crate::openapi;
use crate::problem::{Problem, ProblemView};
use crate::signed;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use futures::Stream;
use serde::{Deserialize, Serialize};
use serve::Peer;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use utoipa::ToSchema;
use view::port::{
    AppAccountView, AppPairingView, BudgetView, CheckView, EventView, PaymentAnswerView, PaymentRequestView, ResultView,
};
use view::{Code, Desk, Failure, StateView};
use wallet::{AppId, Event as Happened, WalletError};

/// The port as a service. The server in front of it has to mark each request with its `Entrance`; without
/// the mark everything is refused.
pub fn router(desk: Desk, limits: Limits) -> Router {
    let body_bytes = limits.body_bytes;
    let port = Port::new(desk, limits);
    Router::new()
        .route("/v1/health", get(health))
        .route("/v1/openapi.json", get(document))
        .route("/v1/pairings", post(pair))
        .route("/v1/pairings/{id}", post(collect))
        .route("/v1/proof", get(proof))
        .route("/v1/accounts", get(accounts))
        .route("/v1/payments", post(pay))
        .route("/v1/payments/{id}", get(payment).delete(cancel))
        .route("/v1/payments/{id}/result", post(report))
        .route("/v1/check", post(check))
        .route("/v1/budget", get(budget))
        .route("/v1/events", get(events))
        .fallback(not_found)
        .method_not_allowed_fallback(wrong_method)
        .layer(axum::middleware::from_fn_with_state(port.clone(), signed::verify))
        .with_state(port)
        .layer(axum::middleware::from_fn_with_state(body_bytes, door::guard))
}

async fn not_found() -> Problem {
    Problem::new(Code::NotFound, "there is no such route").advice("GET /v1/openapi.json lists them.")
}

async fn wrong_method() -> Problem {
    let problem = Problem::new(Code::BadRequest, "this route has no such method");
    problem.status(StatusCode::METHOD_NOT_ALLOWED).advice("GET /v1/openapi.json lists them.")
}

/// `GET /v1/health`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthView {
    /// Always "countersign".
    #[schema(example = "countersign")]
    pub name: &'static str,
    pub version: &'static str,
    /// "main", or "devnet" for play money.
    pub profile: String,
}

/// `POST /v1/pairings`.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PairingRequestView {
    /// What the person will see, 1 to 60 characters.
    #[schema(example = "news reader")]
    pub name: String,
    /// For an app that signs its requests (RFC 9421) and wants no token: its public Ed25519 key, 64 hexadecimal digits.
    pub public_key: Option<String>,
}

/// `POST /v1/pairings/{id}`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PairingSecretView {
    /// `secret` of the answer to `POST /v1/pairings`.
    pub secret: String,
}

/// `GET /v1/proof`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProofView {
    /// 64 hexadecimal digits.
    pub proof: String,
}

type Answer<T> = Result<Json<T>, Problem>;

/// That it runs, and which profile
#[utoipa::path(get, path = "/v1/health", tag = "open", responses(
    (status = 200, body = HealthView), (status = 403, body = ProblemView, content_type = "application/problem+json")))]
pub(crate) async fn health(State(port): State<Port>) -> Json<HealthView> {
    let profile = port.desk.wallet().profile().to_owned();
    Json(HealthView { name: "countersign", version: env!("CARGO_PKG_VERSION"), profile })
}

/// This document
#[utoipa::path(get, path = "/v1/openapi.json", tag = "open", responses((status = 200, description = "OpenAPI 3.1")))]
pub(crate) async fn document() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], openapi::text()).into_response()
}

/// Ask to be paired
///
/// The answer holds a short code. Show it: the person compares it with the one that Countersign shows. Keep `secret` to
/// yourself: it fetches the token.
#[utoipa::path(post, path = "/v1/pairings", tag = "open", request_body = PairingRequestView, responses(
    (status = 202, body = AppPairingView), (status = "4XX", body = ProblemView, content_type = "application/problem+json")))]
pub(crate) async fn pair(
    State(port): State<Port>,
    By(peer): By,
    Input(request): Input<PairingRequestView>,
) -> Result<(StatusCode, Json<AppPairingView>), Problem> {
    port.pairings.take(peer).map_err(|seconds| {
        Problem::new(Code::RateLimited, "too many pairings were asked for in the last minute").retry_after(seconds)
    })?;
    let pairing = match &request.public_key {
        None => port.desk.pair(&request.name, user(peer)).await?,
        Some(key) => {
            let key = signed::public_key(key).ok_or_else(|| {
                Problem::new(Code::BadRequest, "publicKey is not a public Ed25519 key").field(
                    "publicKey",
                    key,
                    "64 hexadecimal digits in small letters",
                )
            })?;
            port.desk.pair_with_key(&request.name, user(peer), key).await?
        }
    };
    Ok((StatusCode::ACCEPTED, Json(pairing)))
}

/// Another user of this machine, by number; none: this one.
fn user(peer: Peer) -> Option<u32> {
    match peer {
        Peer::Own => None,
        Peer::User(uid) => Some(uid),
        // They share one.
        Peer::Unknown | Peer::Address(_) => Some(u32::MAX),
    }
}

/// How a pairing stands; waits for the person's answer, and then hands out the token, once
///
/// The secret is in the answer to `POST /v1/pairings` and nowhere else. Whoever has the id alone is told that there is no
/// such pairing. A token whose answer was lost is lost: take the app back and pair again.
#[utoipa::path(post, path = "/v1/pairings/{id}", tag = "open", request_body = PairingSecretView,
    params(("id" = String, Path), ("wait" = Option<u32>, Query, description = "Seconds to wait for news, 0 to 30")), responses(
    (status = 200, body = AppPairingView), (status = "4XX", body = ProblemView, content_type = "application/problem+json")))]
pub(crate) async fn collect(
    State(port): State<Port>,
    By(peer): By,
    Id(id): Id,
    Wait(wait): Wait,
    Input(known): Input<PairingSecretView>,
) -> Answer<AppPairingView> {
    let place = port.pairing_waits.take(peer);
    let wait = if place.is_some() { wait } else { Duration::ZERO };
    Ok(Json(port.desk.collect(&id, &known.secret, wait).await?))
}

/// Proves which wallet this is, before a token is sent
///
/// `key` names a key that program and wallet have: the SHA-256 of its 64 hexadecimal digits. With a token the key is the
/// SHA-256 of the token; without one it is `proofKey` of the runtime file. The proof is HMAC-SHA256, under the key's 64
/// digits as they stand, of the lines `countersign proof 1`, the nonce and the address, with no line end behind the last:
/// compute it for the address that was dialled (`127.0.0.1:4020`, `[::1]:4020`, `unix`), and send the token only where
/// it is the same. A relay to the real port has another address.
#[utoipa::path(get, path = "/v1/proof", tag = "open", params(
    ("key" = String, Query, description = "SHA-256 of the key, in 64 hexadecimal digits"),
    ("nonce" = String, Query, description = "16 to 64 random bytes in hexadecimal digits, new for each proof")), responses(
    (status = 200, body = ProofView),
    (status = 401, body = ProblemView, content_type = "application/problem+json", description = "NOT_PAIRED: no such key here"),
    (status = "4XX", body = ProblemView, content_type = "application/problem+json")))]
pub(crate) async fn proof(
    State(port): State<Port>,
    By(peer): By,
    Extension(entrance): Extension<Entrance>,
    Challenge { key, nonce }: Challenge,
) -> Answer<ProofView> {
    match port.desk.wallet().answer_challenge(&key, &nonce, &entrance.to_string()).await {
        Ok(proof) => Ok(Json(ProofView { proof })),
        Err(WalletError::NotPaired { .. }) => Err(port.unknown(peer, "nobody is paired with this key")),
        Err(error) => Err(Failure::from(error).into()),
    }
}

/// The account that pays for this app, then those chosen for it on single sites: addresses only
#[utoipa::path(get, path = "/v1/accounts", tag = "apps", security(("token" = [])), responses(
    (status = 200, body = [AppAccountView]), (status = "4XX", body = ProblemView, content_type = "application/problem+json")))]
pub(crate) async fn accounts(State(port): State<Port>, Paired { app, .. }: Paired) -> Answer<Vec<AppAccountView>> {
    Ok(Json(port.desk.accounts(&app).await?))
}

/// Pay a 402
///
/// `paymentRequired` is the raw header value or body, unchanged. 200: signed at once, send `headerName:
/// headerValue` with the request. 202: a person (or the unlock) is asked; wait with `GET /v1/payments/{id}`.
/// With an idempotency key the same call again is the same payment, for ever. Without one the same call again returns
/// the same signature until its result is reported or the chain has it as used; from then on it is another purchase,
/// or ALREADY_PAID where the 402 itself names the permission.
#[utoipa::path(post, path = "/v1/payments", tag = "apps", security(("token" = [])), request_body = PaymentRequestView, responses(
    (status = 200, body = PaymentAnswerView, description = "Signed: a limit allows it"),
    (status = 202, body = PaymentAnswerView, description = "Asked"),
    (status = "4XX", body = ProblemView, content_type = "application/problem+json"),
    (status = 503, body = ProblemView, content_type = "application/problem+json", description = "NODE_UNAVAILABLE or LEDGER_UNAVAILABLE")))]
pub(crate) async fn pay(
    State(port): State<Port>,
    app: Paired,
    Input(request): Input<PaymentRequestView>,
) -> Result<(StatusCode, Json<PaymentAnswerView>), Problem> {
    let payment = port.desk.pay(&app.app, request).await?;
    let code = match payment.status {
        StateView::Signed => return Ok((StatusCode::OK, Json(payment))),
        StateView::Asked | StateView::Approved => return Ok((StatusCode::ACCEPTED, Json(payment))),
        StateView::Refused => Code::PolicyDenied,
        StateView::Cancelled => Code::Cancelled,
        StateView::Expired => Code::Expired,
    };
    // The same call again after the payment ended without a signature.
    let ended = || Problem::new(code, format!("payment {} ended without a signature", payment.id));
    Err(payment.failure.clone().map_or_else(ended, Problem::from))
}

/// How a payment stands; waits for news
///
/// Always 200 for a payment of this app: `status` says how it stands, `failure` why it ended without a signature.
#[utoipa::path(get, path = "/v1/payments/{id}", tag = "apps", security(("token" = [])),
    params(("id" = String, Path), ("wait" = Option<u32>, Query, description = "Seconds to wait for news, 0 to 30")), responses(
    (status = 200, body = PaymentAnswerView), (status = "4XX", body = ProblemView, content_type = "application/problem+json")))]
pub(crate) async fn payment(
    State(port): State<Port>,
    app: Paired,
    Id(id): Id,
    Wait(wait): Wait,
) -> Answer<PaymentAnswerView> {
    Ok(Json(port.desk.app_payment(&app.app, &id, wait).await?))
}

/// Cancel a payment that is not signed yet
///
/// A signature can't be taken back: ALREADY_SIGNED.
#[utoipa::path(delete, path = "/v1/payments/{id}", tag = "apps", security(("token" = [])), params(("id" = String, Path)), responses(
    (status = 200, body = PaymentAnswerView),
    (status = 409, body = ProblemView, content_type = "application/problem+json", description = "ALREADY_SIGNED"),
    (status = "4XX", body = ProblemView, content_type = "application/problem+json")))]
pub(crate) async fn cancel(State(port): State<Port>, app: Paired, Id(id): Id) -> Answer<PaymentAnswerView> {
    Ok(Json(port.desk.cancel(&app.app, &id).await?))
}

/// Tell what the seller answered to the paid request
///
/// Any receipt is taken: one that can't be read is kept as it came and told in `notes`. What a seller says about money is
/// its word: `settlement` is what the chain shows, and `unknown` while no node answers. Then it is looked up again.
#[utoipa::path(post, path = "/v1/payments/{id}/result", tag = "apps", security(("token" = [])), params(("id" = String, Path)),
    request_body = ResultView, responses(
    (status = 200, body = PaymentAnswerView), (status = "4XX", body = ProblemView, content_type = "application/problem+json")))]
pub(crate) async fn report(
    State(port): State<Port>,
    app: Paired,
    Id(id): Id,
    Input(result): Input<ResultView>,
) -> Answer<PaymentAnswerView> {
    Ok(Json(port.desk.report(&app.app, &id, result).await?))
}

/// What would happen now, with no effect
#[utoipa::path(post, path = "/v1/check", tag = "apps", security(("token" = [])), request_body = PaymentRequestView, responses(
    (status = 200, body = CheckView), (status = "4XX", body = ProblemView, content_type = "application/problem+json")))]
pub(crate) async fn check(
    State(port): State<Port>,
    app: Paired,
    Input(request): Input<PaymentRequestView>,
) -> Answer<CheckView> {
    Ok(Json(port.desk.check(&app.app, request).await?))
}

/// What this app may still spend without asking
#[utoipa::path(get, path = "/v1/budget", tag = "apps", security(("token" = [])), responses(
    (status = 200, body = [BudgetView]), (status = "4XX", body = ProblemView, content_type = "application/problem+json")))]
pub(crate) async fn budget(State(port): State<Port>, app: Paired) -> Answer<Vec<BudgetView>> {
    Ok(Json(port.desk.budget(&app.app).await?))
}

/// Events of this app's payments, as they happen
///
/// Server-sent events; the event's name is the value of `event` in its data. `missed` means that some were
/// lost: ask for the payments again. A stream ends within 70 minutes: connect anew, and ask for the payments again.
#[utoipa::path(get, path = "/v1/events", tag = "apps", security(("token" = [])), responses(
    (status = 200, body = EventView, content_type = "text/event-stream"),
    (status = "4XX", body = ProblemView, content_type = "application/problem+json")))]
pub(crate) async fn events(State(port): State<Port>, app: Paired) -> impl IntoResponse {
    Sse::new(own_events(port, app)).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}

fn own_events(port: Port, app: Paired) -> impl Stream<Item = Result<Event, Infallible>> {
    let receiver = port.desk.subscribe();
    // Whoever follows its events waits for them.
    let listens = port.desk.wallet().listens(&app.app);
    futures::stream::unfold((port, app, receiver, listens), |(port, app, mut receiver, listens)| async move {
        // Holds the app's place for as long as the stream runs.
        let _place = &app.slot;
        loop {
            match receiver.recv().await {
                Ok(event) if owner_of(&event) == Some(&app.app) => {
                    let event = named(&port.desk.event(event).await);
                    return Some((Ok(event), (port, app, receiver, listens)));
                }
                // The app may have been revoked: then it hears nothing more.
                Ok(Happened::Rules) => {
                    app.still(&port.desk).await.then_some(())?;
                }
                Ok(_) => {}
                Err(RecvError::Lagged(missed)) => {
                    let event =
                        Event::default().event("missed").data(format!("{{\"event\":\"missed\",\"count\":{missed}}}"));
                    return Some((Ok(event), (port, app, receiver, listens)));
                }
                Err(RecvError::Closed) => return None,
            }
        }
    })
}

/// The app that an event belongs to; the owner's own events belong to none.
fn owner_of(event: &Happened) -> Option<&AppId> {
    match event {
        Happened::Question { app, .. } | Happened::Payment { app, .. } => Some(app),
        _ => None,
    }
}

fn named(event: &EventView) -> Event {
    let data = serde_json::to_value(event).unwrap_or_default();
    let name = data.get("event").and_then(|name| name.as_str()).unwrap_or("event").to_owned();
    Event::default().event(name).data(data.to_string())
}
