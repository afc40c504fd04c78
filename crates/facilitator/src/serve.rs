//! Carries connections to the router within limits of number, head size and head time, and tells the router who its
//! clients are. Refuses nothing that the router would answer; ends by letting every request end.

use crate::{Config, Facilitator};
use axum::{Extension, Router, extract::ConnectInfo};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use std::{sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

const HEAD_BYTES: usize = 32 * 1024;
const HEADERS: usize = 64;

impl Facilitator {
    /// Serves the facilitator until `stop` is cancelled, then lets what was begun end: requests, and settlements
    /// whose seller is gone.
    pub async fn serve(&self, listener: TcpListener, stop: CancellationToken) {
        let router = self.router();
        serve(listener, router, self.config(), self.config().connections, stop).await;
        self.finish().await;
    }

    /// Serves `/metrics` alone, on a listener that sellers don't reach.
    pub async fn serve_metrics(&self, listener: TcpListener, stop: CancellationToken) {
        serve(listener, self.metrics_router(), self.config(), 16, stop).await;
    }
}

async fn serve(listener: TcpListener, router: Router, config: &Config, connections: usize, stop: CancellationToken) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(config.patience).max_buf_size(HEAD_BYTES).max_headers(HEADERS);
    let (tasks, places) = (TaskTracker::new(), Arc::new(Semaphore::new(connections)));
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            () = stop.cancelled() => break,
            next = next => next,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            // Out of descriptors or the like: later it may go on.
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let service = TowerToHyperService::new(router.clone().layer(Extension(ConnectInfo(peer))));
        let connection = http.serve_connection(TokioIo::new(stream), service);
        let stop = stop.clone();
        tasks.spawn(async move {
            let _place = place;
            tokio::pin!(connection);
            // How a client's connection ends is the client's affair.
            tokio::select! {
                _ = connection.as_mut() => return,
                () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
            }
            let _ended = connection.await;
        });
    }
    drop(listener);
    tasks.close();
    tasks.wait().await;
}
