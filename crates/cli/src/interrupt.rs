//! Signals for commands that end their work in order. Heard from the moment on that this is called: what is begun
//! afterwards is always ended in order.

use futures::FutureExt;
use futures::future::{BoxFuture, Fuse};

/// A signal to come: ready once, pending ever after.
pub type Signal = Fuse<BoxFuture<'static, ()>>;

/// Ready when a person presses Ctrl+C.
pub async fn interrupt() -> Signal {
    heard(tokio::signal::ctrl_c().map(drop).boxed()).await
}

/// Ready when this process is asked to end: Ctrl+C, the system, or the terminal that was closed.
pub async fn ended() -> Signal {
    heard(ends().boxed()).await
}

async fn heard(mut signal: BoxFuture<'static, ()>) -> Signal {
    // The first look sets the handler up.
    match futures::poll!(&mut signal).is_ready() {
        true => futures::future::ready(()).boxed().fuse(),
        false => signal.fuse(),
    }
}

#[cfg(unix)]
async fn ends() {
    use tokio::signal::unix::{SignalKind, signal};
    let next = |kind| {
        let stream = signal(kind);
        async move {
            match stream {
                Ok(mut stream) => drop(stream.recv().await),
                // Where it can't be heard the system ends the process as ever.
                Err(_) => std::future::pending().await,
            }
        }
    };
    // `nohup` had the closed terminal ignored; so it stays.
    let hangup = match hangup_is_ignored() {
        true => std::future::pending().boxed(),
        false => next(SignalKind::hangup()).boxed(),
    };
    tokio::select! {
        () = next(SignalKind::interrupt()) => {}
        () = next(SignalKind::terminate()) => {}
        () = hangup => {}
    }
}

#[cfg(not(unix))]
async fn ends() {
    let _ = tokio::signal::ctrl_c().await;
}

/// As Linux tells it; elsewhere it counts as not ignored.
#[cfg(unix)]
fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    // The first bit is the first signal, SIGHUP.
    ignored.is_some_and(|signals| signals & 1 == 1)
}
