//! What became of the transactions that were sent for a payment, for whoever asks: everything in it stands on the chain.
//! Refuses to say who may deliver for one, which `/settle` tells one caller.

use crate::{
    Facilitator,
    flights::Outcome,
    follow::{Fate, recorded},
    router::{json_text, malformed},
    settle::unwritten,
    shapes::{PaymentRow, Problem},
    store::{Sent, State as Stand, Which},
};
use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use tron::{Address, Network, TxId};
use x402::{Malformed, U256};

#[utoipa::path(get, path = "/payments/tx/{hash}", tag = "sellers", params(
    ("hash" = String, Path, description = "The transaction's id"),
), responses(
    (status = 200, description = "The transaction, if it was sent from here", body = Vec<PaymentRow>),
    (status = 400, description = "Names what could not be read", body = Problem),
))]
pub(crate) async fn by_transaction(State(facilitator): State<Facilitator>, Path(hash): Path<String>) -> Response {
    match hash.parse::<TxId>() {
        Ok(id) => answer(&facilitator, &Which::Transaction(id)),
        Err(_) => malformed(&Malformed::new("hash", &hash, "a transaction id of 64 hex digits")),
    }
}

#[utoipa::path(get, path = "/payments", tag = "sellers", params(
    ("network" = String, Query, description = "In any form"),
    ("nonce" = String, Query, description = "The payment's nonce, as a decimal text"),
    ("asset" = Option<String>, Query, description = "The token"),
    ("payer" = Option<String>, Query, description = "Whose nonce it is"),
), responses(
    (status = 200, description = "The transactions that were sent for this nonce, the newest first", body = Vec<PaymentRow>),
    (status = 400, description = "Names what could not be read", body = Problem),
))]
pub(crate) async fn by_nonce(
    State(facilitator): State<Facilitator>,
    Query(query): Query<Vec<(String, String)>>,
) -> Response {
    match which(&query) {
        Ok(which) => answer(&facilitator, &which),
        Err(error) => malformed(&error),
    }
}

fn which(query: &[(String, String)]) -> Result<Which, Malformed> {
    let said = |name: &str| query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let needed = |name: &str, what: &str| said(name).ok_or_else(|| Malformed::new(name, "nothing", what));
    let address = |name: &str| {
        let read = |text| Address::parse(text).map_err(|_| Malformed::new(name, text, "an address"));
        said(name).map(read).transpose()
    };
    const NETWORK: &str = "a network such as tron:nile";
    const NONCE: &str = "a number in decimal digits";
    let (network, nonce) = (needed("network", NETWORK)?, needed("nonce", NONCE)?);
    Ok(Which::Nonce {
        network: Network::parse(network).map_err(|_| Malformed::new("network", network, NETWORK))?,
        nonce: U256::from_str_radix(nonce, 10).map_err(|_| Malformed::new("nonce", nonce, NONCE))?,
        asset: address("asset")?,
        payer: address("payer")?,
    })
}

fn answer(facilitator: &Facilitator, which: &Which) -> Response {
    match facilitator.store().transactions(which) {
        Ok(found) => {
            let rows: Vec<_> = found.iter().map(row).collect();
            json_text(StatusCode::OK, serde_json::to_string(&rows).unwrap_or_default())
        }
        Err(error) => {
            unwritten(&error);
            let problem = Problem::new("unavailable", "the database can't be read: ask again later");
            (StatusCode::SERVICE_UNAVAILABLE, Json(problem)).into_response()
        }
    }
}

fn row(sent: &Sent) -> PaymentRow {
    let (status, error_reason, may_still_settle_until) = match recorded(sent) {
        Fate::Known(Outcome::Settled(_)) => ("success", None, None),
        Fate::Known(Outcome::Pending(_)) => ("pending", None, None),
        Fate::Known(Outcome::Failed { reason, .. }) => ("failed", Some(reason.code()), None),
        Fate::Known(Outcome::Reversed { why, until, .. }) => ("reversed", Some(why), until),
        Fate::Dead => ("failed", Some(crate::Reason::TRANSACTION_FAILED.code()), None),
    };
    let finality = match sent.state {
        Stand::Open => None,
        Stand::Seen | Stand::Failing => Some("seen"),
        Stand::Settled | Stand::Failed | Stand::Dead | Stand::Reversed => Some("final"),
    };
    PaymentRow {
        network: sent.key.network.canonical().to_owned(),
        scheme: sent.scheme.clone(),
        asset: sent.token.to_string(),
        payer: sent.key.owner.to_string(),
        pay_to: sent.payee.to_string(),
        nonce: sent.key.nonce.to_string(),
        amount: sent.amount.to_string(),
        tx_hash: sent.id.to_string(),
        status: status.to_owned(),
        finality: finality.map(str::to_owned),
        error_reason: error_reason.map(str::to_owned),
        may_still_settle_until,
        created_at: sent.noted_at,
    }
}
