//! Whether the facilitator lives, and whether it can settle: by what it saw of its accounts, its networks and its
//! database. Refuses to say that it is ready when no account of a network has TRX enough.

use crate::Facilitator;
use axum::{Json, Router, extract::State, http::StatusCode, response::IntoResponse, response::Response, routing::get};
use serde_json::json;

impl Facilitator {
    /// `/health/live`: this process answers. `/health/ready`, also `/health`: it can settle.
    pub(crate) fn health_router(&self) -> Router {
        Router::new()
            .route("/health", get(ready))
            .route("/health/ready", get(ready))
            .route("/health/live", get(|| async { Json(json!({ "status": "ok" })) }))
            .with_state(self.clone())
    }
}

async fn ready(State(facilitator): State<Facilitator>) -> Response {
    let database = facilitator.store().stuck();
    let mut healthy = database.is_ok();
    let mut networks = Vec::new();
    for grid in facilitator.grids() {
        let network = grid.network();
        let purses: Vec<_> = facilitator
            .addresses()
            .iter()
            .map(|&address| (address, facilitator.signers().purse(network, address)))
            .collect();
        let able = purses.iter().any(|(_, purse)| purse.is_some_and(|purse| !purse.low));
        let signers: Vec<_> = purses
            .iter()
            .map(|(address, purse)| {
                json!({
                    "address": address.to_string(),
                    "trxSun": purse.map(|purse| purse.sun),
                    "enoughTrx": purse.is_some_and(|purse| !purse.low),
                })
            })
            .collect();
        let head = grid.head().await;
        healthy &= able && head.is_ok();
        networks.push(json!({
            "network": network.canonical(),
            "block": head.as_ref().ok().map(|head| head.number),
            "error": head.err().map(|error| error.to_string()),
            "signers": signers,
        }));
    }
    let pending = database.map(|stuck| stuck.values().sum::<usize>()).ok();
    let word = if healthy { "ok" } else { "degraded" };
    let status = if healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "status": word, "pending": pending, "networks": networks }))).into_response()
}
