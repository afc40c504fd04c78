//! Whether the facilitator lives, and whether it can settle: by what it saw of its accounts, its networks and its
//! database. Refuses to say that it is ready when no account of a network can pay; names every one that can't.

use crate::{
    Facilitator,
    shapes::{Alive, Health, NetworkHealth, SignerHealth},
    signers::Means,
};
use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use chain::TronGrid;

impl Facilitator {
    /// `/health/live`: this process answers. `/health/ready`, also `/health`: it can settle.
    pub(crate) fn health_router(&self) -> Router {
        Router::new()
            .route("/health", get(ready))
            .route("/health/ready", get(ready))
            .route("/health/live", get(live))
            .with_state(self.clone())
    }

    fn signer_health(&self, grid: &TronGrid) -> Vec<SignerHealth> {
        let (network, signers) = (grid.network(), self.signers());
        let of = |address| {
            let purse = signers.purse(network, address);
            SignerHealth {
                address: address.to_string(),
                trx_sun: purse.map(|purse| purse.sun),
                energy: purse.map(|purse| purse.energy),
                bandwidth: purse.map(|purse| purse.bandwidth),
                can_pay: signers.means(network, address).is_some_and(|means| means != Means::Neither),
            }
        };
        signers.addresses().iter().copied().map(of).collect()
    }
}

#[utoipa::path(get, path = "/health/live", tag = "operators", responses(
    (status = 200, description = "This process answers", body = Alive),
))]
pub(crate) async fn live() -> Json<Alive> {
    Json(Alive { status: "ok".to_owned() })
}

#[utoipa::path(get, path = "/health/ready", tag = "operators", responses(
    (status = 200, description = "It can settle on every network", body = Health),
    (status = 503, description = "It can't", body = Health),
))]
pub(crate) async fn ready(State(facilitator): State<Facilitator>) -> (StatusCode, Json<Health>) {
    let database = facilitator.store().stuck();
    let mut healthy = database.is_ok();
    let (mut networks, mut problems) = (Vec::new(), Vec::new());
    for grid in facilitator.grids() {
        let (network, config) = (grid.network(), facilitator.config());
        let signers = facilitator.signer_health(grid);
        let (head, able) = (grid.head().await, signers.iter().any(|signer| signer.can_pay));
        healthy &= able && head.is_ok();
        for poor in signers.iter().filter(|signer| !signer.can_pay) {
            problems.push(match poor.trx_sun {
                None => format!("{}: {} was not looked at yet", network.label(), poor.address),
                Some(_) => format!(
                    "{}: {} can't pay for a settlement; give it {} sun or {} energy",
                    network.label(),
                    poor.address,
                    config.low_sun,
                    config.enough_energy
                ),
            });
        }
        let apart = facilitator.pace().apart(network);
        problems.extend(apart.map(|apart| {
            format!("{}: {apart}; payments are judged by the chain's time: set the clock, or look whether the node is behind", network.label())
        }));
        networks.push(NetworkHealth {
            clock_ahead_seconds: apart.map(|apart| apart.0),
            network: network.canonical().to_owned(),
            block: head.as_ref().ok().map(|head| head.number),
            error: head.err().map(|error| error.to_string()),
            signers,
        });
    }
    if !healthy && problems.is_empty() {
        problems.push("a node or the database can't be used: the log says more".to_owned());
    }
    let pending = database.map(|stuck| stuck.values().sum::<usize>()).ok();
    let (status, word) = match healthy {
        true => (StatusCode::OK, "ok"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "degraded"),
    };
    (status, Json(Health { status: word.to_owned(), pending, problems, networks }))
}
