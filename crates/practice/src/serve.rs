//! A router on a port of 127.0.0.1 that stops when it is told to or dropped.

use crate::WorldError;
use axum::Router;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Server {
    /// `router` gets the URL that it is served under, no slash at the end.
    pub(crate) async fn start(
        port: u16,
        router: impl FnOnce(&str) -> Result<Router, WorldError>,
    ) -> Result<Self, WorldError> {
        let listen = |source| WorldError::Listen { port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let (stop, mut stopped) = watch::channel(false);
        let router = router(&format!("http://{address}"))?;
        let served = axum::serve(listener, router).with_graceful_shutdown(async move {
            // An error means that the sender is gone: stop as well.
            let _gone = stopped.wait_for(|stop| *stop).await;
        });
        let task = tokio::spawn(async move {
            if let Err(error) = served.await {
                tracing::error!(%error, "a server stopped");
            }
        });
        Ok(Self { address, stop, task })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        // The task only ends by itself; its panic would have been reported already.
        let _ended = self.task.await;
    }
}
