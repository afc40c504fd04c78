//! Accepts connections and carries requests to a router, within limits of head size, head time and number.
//! Speaks HTTP/1 only; turns strangers on a socket away before a byte is read.

use crate::door::Entrance;
use crate::limits::Limits;
use crate::os::{SocketListener, SocketStream};
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A way in that gives streams; none for a caller that was turned away.
pub(crate) trait Accept: Send + Sync + 'static {
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;
    fn next(&self) -> impl Future<Output = io::Result<Option<Self::Stream>>> + Send;
}

impl Accept for TcpListener {
    type Stream = TcpStream;

    async fn next(&self) -> io::Result<Option<TcpStream>> {
        let (stream, peer) = self.accept().await?;
        // Bound to loopback already; an odd route changes nothing.
        Ok(peer.ip().is_loopback().then_some(stream))
    }
}

impl Accept for SocketListener {
    type Stream = SocketStream;

    async fn next(&self) -> io::Result<Option<SocketStream>> {
        self.accept().await
    }
}

/// All listeners of an owner and their connections.
#[derive(Clone, Default)]
pub(crate) struct Server {
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Server {
    pub fn listen(&self, listener: impl Accept, router: Router, entrance: Entrance, limits: &Limits) {
        let service = TowerToHyperService::new(router.layer(Extension(entrance)));
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(limits.head_time)
            .max_header_size(limits.head_bytes)
            .max_headers(limits.headers);
        let places = Arc::new(Semaphore::new(limits.connections));
        let Self { tasks, stop } = self.clone();
        self.tasks.spawn(async move {
            loop {
                let next = async {
                    let place = Arc::clone(&places).acquire_owned().await;
                    (listener.next().await, place)
                };
                let stream = tokio::select! {
                    () = stop.cancelled() => return,
                    (stream, place) = next => stream.map(|stream| stream.zip(place.ok())),
                };
                match stream {
                    Ok(Some((stream, place))) => {
                        let connection = http.serve_connection(TokioIo::new(stream), service.clone());
                        let stop = stop.clone();
                        tasks.spawn(async move {
                            let _place = place;
                            tokio::pin!(connection);
                            // How a caller's connection ends is the caller's affair.
                            tokio::select! {
                                _ = connection.as_mut() => return,
                                () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
                            }
                            let _ = tokio::time::timeout(Duration::from_secs(1), connection).await;
                        });
                    }
                    Ok(None) => {}
                    // Out of descriptors or the like: later it may go on.
                    Err(e) => {
                        tracing::warn!(error = %e, "a connection could not be accepted");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                }
            }
        });
    }

    /// Stops accepting and tells connections to end, without waiting for them.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Stops accepting, lets requests in progress end for a second, then closes.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}
