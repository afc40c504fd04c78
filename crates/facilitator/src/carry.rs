//! Carries connections to the router within the bounds of the settings, and tells the router who its clients are. Ends
//! by letting every request end.

use crate::Facilitator;
use axum::Router;
use serve::{Limits, Server};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// For whoever reads the numbers.
const WATCHERS: usize = 16;

impl Facilitator {
    /// Serves the facilitator until `stop` is cancelled, then lets what was begun end: requests, and settlements
    /// whose seller is gone.
    pub async fn serve(&self, listener: TcpListener, stop: CancellationToken) {
        self.carry(listener, self.router(), self.config().connections, stop).await;
        self.finish().await;
    }

    /// Serves `/metrics` alone, on a listener that sellers don't reach.
    pub async fn serve_metrics(&self, listener: TcpListener, stop: CancellationToken) {
        self.carry(listener, self.metrics_router(), WATCHERS, stop).await;
    }

    async fn carry(&self, listener: TcpListener, router: Router, connections: usize, stop: CancellationToken) {
        let config = self.config();
        // Behind a proxy every connection is the proxy's.
        let proxied = config.rate_limit.is_some_and(|rate| rate.behind_proxy);
        let limits = Limits {
            head_time: config.patience,
            write_time: config.patience,
            line_time: config.patience,
            last: self.longest(),
            ending: self.longest() + Duration::from_secs(5),
            connections,
            own: 0,
            per_peer: if proxied { connections } else { config.connections_per_client },
            ..Limits::default()
        };
        let server = Server::stopped_by(stop);
        server.listen(listener, router, limits);
        server.ended().await;
    }
}
