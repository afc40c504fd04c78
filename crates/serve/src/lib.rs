//! The one accept loop of everything that listens here: carries connections to a router within bounds of head, time,
//! number and share. Speaks HTTP/1 only. Refuses nothing that the router would answer; hangs up on a caller that sends
//! no head, that reads no answer, that stays too long or that takes more places than one peer gets.

mod accept;
mod limits;
mod peer;
mod places;
mod timed;

pub use accept::{Accept, Arrival, From, Loopback};
pub use limits::Limits;
pub use peer::Peer;
pub use tokio_util::sync::CancellationToken;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use places::Places;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use timed::Timed;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;

/// After an accept that failed: out of descriptors or the like, which may pass.
const AGAIN: Duration = Duration::from_millis(50);

/// Listeners that stop together, and their connections. Clones are the same server.
#[derive(Clone, Debug, Default)]
pub struct Server {
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Server {
    /// Stops with this token too.
    pub fn stopped_by(stop: CancellationToken) -> Self {
        Self { tasks: TaskTracker::new(), stop }
    }

    /// Serves `router` at `listener` until the server stops. Every request carries the [`Peer`] that sent it and, over
    /// TCP, axum's `ConnectInfo`, as extensions.
    pub fn listen(&self, listener: impl Accept, router: Router, limits: Limits) {
        let room = Arc::new(Room::new(router, limits));
        let Self { tasks, stop } = self.clone();
        self.tasks.spawn(async move {
            loop {
                let next = async {
                    // Whoever stands in line leaves it before long.
                    let line = Arc::clone(&room.line).acquire_owned().await.ok();
                    (listener.next().await, line)
                };
                let (arrived, line) = tokio::select! {
                    () = stop.cancelled() => return,
                    next = next => next,
                };
                match arrived {
                    Ok(Some(Arrival { stream, from })) => {
                        let (room, stop) = (Arc::clone(&room), stop.clone());
                        tasks.spawn(async move {
                            let peer = from.peer();
                            let place = tokio::select! {
                                () = stop.cancelled() => return,
                                place = room.places.take(peer, room.limits.line_time) => place,
                            };
                            drop(line);
                            match place {
                                Some(_place) => room.carry(stream, peer, from.address(), stop).await,
                                None => tracing::debug!(?peer, "no place for a connection"),
                            }
                        });
                    }
                    Ok(None) => {}
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        sleep(AGAIN).await;
                    }
                }
            }
        });
    }

    /// Stops accepting and tells connections to end, without waiting for them.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Stops accepting, lets requests in progress end within [`Limits::ending`], then closes.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        self.ended().await;
    }

    /// Waits until it was stopped and every connection has ended.
    pub async fn ended(&self) {
        self.stop.cancelled().await;
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// What the connections of one listener share.
struct Room {
    router: TowerToHyperService<Router>,
    http: http1::Builder,
    limits: Limits,
    places: Places,
    /// Connections that have no place yet.
    line: Arc<Semaphore>,
}

impl Room {
    fn new(router: Router, limits: Limits) -> Self {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(limits.head_time)
            .max_header_size(limits.head_bytes)
            // What a caller sends ahead of its answers is left to the network.
            .max_buf_size(limits.head_bytes.max(16 * 1024) * 2)
            .max_headers(limits.headers);
        let line = Arc::new(Semaphore::new(limits.connections.clamp(1, Semaphore::MAX_PERMITS)));
        Self { router: TowerToHyperService::new(router), http, places: Places::new(&limits), limits, line }
    }

    async fn carry<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        &self,
        stream: S,
        peer: Peer,
        address: Option<SocketAddr>,
        stop: CancellationToken,
    ) {
        let (router, most, asked) = (self.router.clone(), self.limits.requests, AtomicU32::new(0));
        let service = service_fn(move |mut request: Request<Incoming>| {
            let last = asked.fetch_add(1, Ordering::Relaxed).saturating_add(1) >= most;
            request.extensions_mut().insert(peer);
            if let Some(address) = address {
                request.extensions_mut().insert(ConnectInfo(address));
            }
            let answered = router.call(request);
            async move {
                let mut response = answered.await?;
                if last {
                    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, std::convert::Infallible>(response)
            }
        });
        let limits = &self.limits;
        let stream = Timed::new(stream, limits.write_time);
        let connection = self.http.serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        // How a caller's connection ends is the caller's affair.
        let stopped = tokio::select! {
            _ = connection.as_mut() => return,
            () = sleep(limits.life) => false,
            () = stop.cancelled() => true,
        };
        connection.as_mut().graceful_shutdown();
        if !stopped {
            tokio::select! {
                _ = timeout(limits.last, connection.as_mut()) => return,
                () = stop.cancelled() => {}
            }
        }
        let _ended = timeout(limits.ending, connection).await;
    }
}
