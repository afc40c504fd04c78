//! How many requests are answered at the same time, whoever sends them, and how long a client may take to send one.
//! Turns more away with 503 and Retry-After, a body that does not come with 408; a client that sends slowly takes
//! nobody's place. `/health` and `/metrics` are not counted.

use crate::{Facilitator, shapes::Problem};
use axum::{
    Json,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use x402::limits;

/// Lets a request pass when all of it is there and there is room.
pub(crate) async fn limit(State(facilitator): State<Facilitator>, request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    let body = match tokio::time::timeout(facilitator.config().patience, to_bytes(body, limits::BODY_BYTES)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => {
            let message = format!("the body broke off or is longer than {} bytes", limits::BODY_BYTES);
            return (StatusCode::PAYLOAD_TOO_LARGE, Json(Problem::new("invalid_request", message))).into_response();
        }
        Err(_) => {
            let problem = Problem::new("too_slow", "the body did not come in time: send it at once");
            return (StatusCode::REQUEST_TIMEOUT, Json(problem)).into_response();
        }
    };
    let Ok(_place) = facilitator.places().try_acquire() else {
        facilitator.metrics().busy();
        let message = "too many requests are being answered: ask again in a second";
        let body = Json(Problem::new("too_many_at_once", message));
        let mut response = (StatusCode::SERVICE_UNAVAILABLE, body).into_response();
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        return response;
    };
    next.run(Request::from_parts(head, Body::from(body))).await
}
