//! A router on a port of 127.0.0.1 that stops when it is told to or dropped.

use crate::WorldError;
use axum::Router;
use serve::{Limits, Loopback};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpListener;

#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    server: serve::Server,
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
        let router = router(&format!("http://{address}"))?;
        let server = serve::Server::default();
        server.listen(Loopback(listener), router, Limits { head_time: Duration::from_secs(60), ..Limits::default() });
        Ok(Self { address, server })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) async fn stop(self) {
        self.server.shutdown().await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.server.stop();
    }
}
