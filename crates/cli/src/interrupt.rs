//! Ctrl+C for commands that end their work in order. Heard from the moment on that this is called: what is begun
//! afterwards is always ended in order.

use futures::FutureExt;
use futures::future::{BoxFuture, Fuse};

/// Ready once, when a person presses Ctrl+C; pending ever after.
pub async fn interrupt() -> Fuse<BoxFuture<'static, ()>> {
    let mut pressed = tokio::signal::ctrl_c().map(drop).boxed();
    // The first look sets the handler up.
    match futures::poll!(&mut pressed).is_ready() {
        true => futures::future::ready(()).boxed().fuse(),
        false => pressed.fuse(),
    }
}
