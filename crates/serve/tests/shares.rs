//! Callers that don't read, don't end or take too much, over real connections: they end, and others are answered.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::get;
use serve::{Accept, Arrival, From, Limits, Loopback, Peer, Server};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);
const STRANGER: Peer = Peer::User(4711);

/// Takes everybody for one other user until so many came.
struct Strangers(TcpListener, AtomicUsize);

impl Accept for Strangers {
    type Stream = TcpStream;

    async fn next(&self) -> io::Result<Option<Arrival<TcpStream>>> {
        let (stream, _) = self.0.accept().await?;
        let left = self.1.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1));
        let peer = if left.is_ok() { STRANGER } else { Peer::Own };
        Ok(Some(Arrival { stream, from: From::Peer(peer) }))
    }
}

/// Much to read at `/`, who asks at `/me`, and at `/stream` an answer that never ends.
fn router() -> Router {
    let stream = || async {
        let body = endless();
        Response::new(body)
    };
    Router::new()
        .route("/", get(|| async { "x".repeat(64 * 1024) }))
        .route("/me", get(|request: Request| async move { format!("{:?}", request.extensions().get::<Peer>()) }))
        .route("/stream", get(stream))
}

/// A first piece, then nothing for ever.
fn endless() -> Body {
    let (mut write, read) = tokio::io::duplex(64);
    tokio::spawn(async move {
        let _sent = write.write_all(b"first\n").await;
        std::future::pending::<()>().await;
    });
    Body::from_stream(tokio_util::io::ReaderStream::new(read))
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn request(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")
}

/// Everything that comes until the other side closes.
async fn whole(address: SocketAddr, text: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    rest(&mut stream).await
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset is an end too.
    let reading = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer));
    let _ended = reading.await.expect("the connection ends");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_and_twelve_that_ask_and_never_read_leave_others_answered() {
    let (listener, address) = listener().await;
    let server = Server::default();
    // Nobody is hung up on for being slow here: the shares alone must do it.
    let limits = Limits { write_time: PATIENCE, head_time: PATIENCE, ..Limits::default() };
    server.listen(Strangers(listener, AtomicUsize::new(512)), router(), limits);
    let pipeline = Arc::new(request("/").repeat(200));
    let mut unread = Vec::new();
    for _ in 0..512 {
        let (mut stream, pipeline) = (TcpStream::connect(address).await.unwrap(), Arc::clone(&pipeline));
        unread.push(tokio::spawn(async move {
            let _stuck = stream.write_all(pipeline.as_bytes()).await;
            (stream, std::future::pending::<()>().await)
        }));
    }
    for _ in 0..20 {
        let answer = whole(address, "GET /me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("Some(Own)"), "{answer}");
    }
    unread.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_leaves_an_answer_unread_is_hung_up_on() {
    let (listener, address) = listener().await;
    let server = Server::default();
    let limits = Limits { write_time: Duration::from_millis(200), connections: 1, own: 1, ..Limits::default() };
    server.listen(Loopback(listener), router(), limits);
    let mut unread = TcpStream::connect(address).await.unwrap();
    // More answers than fit on the way; the kernel takes some megabytes.
    let (mut read, mut write) = unread.split();
    let asked = async { while write.write_all(request("/").repeat(64).as_bytes()).await.is_ok() {} };
    tokio::time::timeout(PATIENCE, asked).await.expect("it is hung up on although it never reads");
    // There is only one place, and it is free again.
    let answer = whole(address, "GET /me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let mut some = [0; 1024];
    assert!(read.read(&mut some).await.is_ok_and(|n| n > 0), "what was sent before is still there to read");
}

#[tokio::test]
async fn a_connection_ends_behind_its_last_request() {
    let (listener, address) = listener().await;
    let server = Server::default();
    server.listen(Loopback(listener), router(), Limits { requests: 3, ..Limits::default() });
    let answers = whole(address, &request("/me").repeat(5)).await;
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 3, "{answers}");
    assert_eq!(answers.matches("connection: close").count(), 1, "{answers}");
}

#[tokio::test]
async fn no_connection_stays_for_ever_and_a_stream_goes_on_for_a_while() {
    let (listener, address) = listener().await;
    let server = Server::default();
    let limits = Limits {
        life: Duration::from_millis(100),
        last: Duration::from_millis(300),
        head_time: PATIENCE,
        ..Limits::default()
    };
    server.listen(Loopback(listener), router(), limits);
    // Idle: ended at the end of its life.
    assert_eq!(whole(address, "").await, "");
    let started = tokio::time::Instant::now();
    let streamed = whole(address, &request("/stream")).await;
    assert!(streamed.contains("first"), "{streamed}");
    assert!(started.elapsed() >= Duration::from_millis(400), "a stream has its last answer's time on top");
}

#[tokio::test]
async fn a_server_that_is_stopped_ends_with_its_connections() {
    let (listener, address) = listener().await;
    let server = Server::default();
    server.listen(Loopback(listener), router(), Limits { ending: Duration::from_millis(50), ..Limits::default() });
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request("/stream").as_bytes()).await.unwrap();
    let mut first = [0; 12];
    stream.read_exact(&mut first).await.unwrap();
    tokio::time::timeout(PATIENCE, server.shutdown()).await.expect("it ends");
    rest(&mut stream).await;
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}
