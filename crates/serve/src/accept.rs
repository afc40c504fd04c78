//! Ways in: what a listener gives, and where a caller comes from.

use crate::Peer;
use std::io;
use std::net::SocketAddr;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

/// A way in that gives streams; none for a caller that was turned away.
pub trait Accept: Send + Sync + 'static {
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;
    fn next(&self) -> impl Future<Output = io::Result<Option<Arrival<Self::Stream>>>> + Send;
}

/// A caller.
#[derive(Debug)]
pub struct Arrival<S> {
    pub stream: S,
    pub from: From,
}

/// Where a caller comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// The way in knows.
    Peer(Peer),
    /// Both ends of a TCP connection; the kernel knows more where both are on this machine.
    Tcp { peer: SocketAddr, local: SocketAddr },
}

impl From {
    pub(crate) fn address(self) -> Option<SocketAddr> {
        match self {
            Self::Peer(_) => None,
            Self::Tcp { peer, .. } => Some(peer),
        }
    }

    pub(crate) fn peer(self) -> Peer {
        match self {
            Self::Peer(peer) => peer,
            Self::Tcp { peer, .. } if !peer.ip().to_canonical().is_loopback() => Peer::of_address(peer.ip()),
            Self::Tcp { peer, local } => Peer::of_loopback(peer, local),
        }
    }
}

impl Accept for TcpListener {
    type Stream = TcpStream;

    async fn next(&self) -> io::Result<Option<Arrival<TcpStream>>> {
        let (stream, peer) = self.accept().await?;
        // Gone already: no caller.
        let Ok(local) = stream.local_addr() else { return Ok(None) };
        Ok(Some(Arrival { stream, from: From::Tcp { peer, local } }))
    }
}

/// A listener that is bound to loopback; an odd route changes nothing.
#[derive(Debug)]
pub struct Loopback(pub TcpListener);

impl Accept for Loopback {
    type Stream = TcpStream;

    async fn next(&self) -> io::Result<Option<Arrival<TcpStream>>> {
        let arrival = self.0.next().await?;
        Ok(arrival.filter(|a| a.from.address().is_some_and(|peer| peer.ip().is_loopback())))
    }
}
