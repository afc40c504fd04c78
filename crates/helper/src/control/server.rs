//! The control socket's routes. The door's rules hold here too; who may connect was decided by the socket.

use super::frame;
use super::verb::{self, Verb};
use crate::door;
use crate::extract;
use crate::limits::Limits;
use crate::problem::Problem;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures::StreamExt;
use std::convert::Infallible;
use std::io::Error;
use tokio_stream::wrappers::{BroadcastStream, ReceiverStream};
use view::{Code, Desk};

#[derive(Clone)]
pub(crate) struct Control {
    desk: Desk,
    limits: Limits,
}

pub(crate) fn router(desk: Desk, limits: Limits) -> Router {
    let body_bytes = limits.body_bytes;
    verb::routes()
        .route("/v1/events", get(events))
        .route("/v1/export-stream", axum::routing::post(export_stream))
        .fallback(|| async { Problem::new(Code::NotFound, "there is no such verb") })
        .with_state(Control { desk, limits })
        .layer(axum::middleware::from_fn_with_state(body_bytes, door::guard))
}

pub(super) async fn run<V: Verb>(State(control): State<Control>, request: Request) -> Response {
    let input = extract::body::<V>(request, control.limits.body_bytes, control.limits.body_time).await;
    let output = match input {
        Ok(verb) => verb.run(&control.desk).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    output.map(Json).into_response()
}

/// An export as frames, which whoever called writes where it wants. One that is not whole breaks the connection off, and
/// lacks the frame that ends a whole one.
async fn export_stream(State(control): State<Control>, request: Request) -> Response {
    let input = extract::body::<verb::ExportStream>(request, control.limits.body_bytes, control.limits.body_time).await;
    let pieces = match input {
        Ok(input) => control.desk.stream_export(input.filter, input.format).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    pieces.map_or_else(IntoResponse::into_response, |pieces| {
        let pieces =
            ReceiverStream::new(pieces).map(|piece| piece.map(|p| frame::of(&p)).map_err(|f| Error::other(f.message)));
        let pieces = pieces.chain(futures::stream::once(async { Ok(frame::end()) }));
        ([("content-type", "application/octet-stream")], Body::from_stream(pieces)).into_response()
    })
}

/// Every event, one JSON text per line, until the caller has enough.
async fn events(State(control): State<Control>) -> Response {
    let desk = control.desk;
    let lines = BroadcastStream::new(desk.subscribe()).filter_map(move |event| {
        let desk = desk.clone();
        async move {
            // Missed events are no loss: each only says that something is worth looking at again.
            let mut line = serde_json::to_vec(&desk.event(event.ok()?).await).ok()?;
            line.push(b'\n');
            Some(Ok::<_, Infallible>(Bytes::from(line)))
        }
    });
    ([("content-type", "application/x-ndjson")], Body::from_stream(lines)).into_response()
}
