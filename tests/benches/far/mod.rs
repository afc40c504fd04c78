//! A node that is far away: carries bytes to it at once and holds back what it answers. Knows nothing of HTTP.

use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The URL at which `node` answers this much later. Ends with the runtime.
pub async fn away(node: SocketAddr, by: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let far = TcpStream::connect(node).await.unwrap();
            let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
            tokio::spawn(carry(near_in, far_out, Duration::ZERO));
            tokio::spawn(carry(far_in, near_out, by));
        }
    });
    url
}

async fn carry(mut from: impl AsyncReadExt + Unpin, mut to: impl AsyncWriteExt + Unpin, late: Duration) {
    let mut bytes = vec![0; 16 * 1024];
    while let Ok(n @ 1..) = from.read(&mut bytes).await {
        if !late.is_zero() {
            tokio::time::sleep(late).await;
        }
        if to.write_all(&bytes[..n]).await.is_err() {
            return;
        }
    }
}
