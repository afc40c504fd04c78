//! The door in front of every route, unknown ones included: which Host, Origin and content type may come in.
//! Refuses everything that a web page or a rebound name could send; decides before a body is read.

use crate::problem::Problem;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::fmt;
use std::net::SocketAddr;
use view::Code;

/// Where a request came in; put on every request by the server, never by a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entrance {
    /// TCP on loopback, with the address that is really bound.
    Tcp { address: SocketAddr },
    /// The Unix socket, where no browser can come.
    Unix,
}

impl fmt::Display for Entrance {
    /// As a caller dialled it: never a name, which may stand for two addresses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { address } => write!(f, "{address}"),
            Self::Unix => f.write_str("unix"),
        }
    }
}

/// The layer: answers by itself, or lets the request on and marks the response as not for browsers.
pub(crate) async fn guard(State(body_bytes): State<usize>, request: Request, next: Next) -> Response {
    let mut response = match admit(&request, body_bytes) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin"));
    response
}

fn admit(request: &Request, body_bytes: usize) -> Result<(), Problem> {
    let headers = request.headers();
    // Without the mark nothing is known about the way in: closed.
    let entrance = request.extensions().get::<Entrance>().copied().ok_or_else(|| forbidden("this way in is closed"))?;
    let uri = request.uri();
    if uri.scheme().is_some() || uri.authority().is_some() {
        return Err(forbidden("the request line must hold a path, not a whole URL"));
    }
    host(headers, entrance)?;
    if let Some(origin) = headers.get(header::ORIGIN) {
        return Err(forbidden("web pages may not use this port")
            .field("Origin", &text(origin), "no Origin header")
            .advice("Call the port from a program, not from a page."));
    }
    if let Some(site) = headers.get_all("sec-fetch-site").iter().find(|v| *v != "none" && *v != "same-origin") {
        return Err(forbidden("a browser sent this for another site").field("Sec-Fetch-Site", &text(site), "none"));
    }
    content(request.method(), headers, body_bytes)
}

/// Exactly one Host, and exactly one of the names of this very address: a prefix is not enough.
fn host(headers: &HeaderMap, entrance: Entrance) -> Result<(), Problem> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return Err(forbidden("exactly one Host header is needed"));
    };
    let allowed = match entrance {
        Entrance::Tcp { address } => {
            let port = address.port();
            vec![format!("127.0.0.1:{port}"), format!("localhost:{port}"), format!("[::1]:{port}")]
        }
        Entrance::Unix => vec!["localhost".to_owned()],
    };
    match allowed.iter().any(|name| host.as_bytes() == name.as_bytes()) {
        true => Ok(()),
        false => Err(forbidden("this Host is not served here").field("Host", &text(host), allowed.join(" or "))),
    }
}

/// A body is JSON, says so, comes as it is and is not too large.
fn content(method: &Method, headers: &HeaderMap, body_bytes: usize) -> Result<(), Problem> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > body_bytes as u64) {
        return Err(too_large(body_bytes));
    }
    let has_body = length.is_some_and(|l| l > 0) || headers.contains_key(header::TRANSFER_ENCODING);
    if method != Method::POST && !has_body {
        return Ok(());
    }
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let found = types.next();
    let json = found.is_some_and(|v| v.to_str().is_ok_and(is_json)) && types.next().is_none();
    if !json {
        let found = found.map_or_else(|| "none".to_owned(), text);
        return Err(unsupported("a body must say that it is JSON").field("Content-Type", &found, "application/json"));
    }
    match headers.get(header::CONTENT_ENCODING) {
        Some(coding) if coding != "identity" => {
            Err(unsupported("a body must come as it is").field("Content-Encoding", &text(coding), "none"))
        }
        _ => Ok(()),
    }
}

fn is_json(value: &str) -> bool {
    let mut parts = value.split(';').map(|part| part.trim().to_ascii_lowercase());
    parts.next().as_deref() == Some("application/json")
        && parts.all(|parameter| matches!(parameter.as_str(), "charset=utf-8" | "charset=\"utf-8\""))
}

fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

fn forbidden(message: &str) -> Problem {
    Problem::new(Code::Forbidden, message)
}

fn unsupported(message: &str) -> Problem {
    Problem::new(Code::BadRequest, message).status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
}

pub(crate) fn too_large(body_bytes: usize) -> Problem {
    Problem::new(Code::BadRequest, format!("the body is larger than {body_bytes} bytes"))
        .status(StatusCode::PAYLOAD_TOO_LARGE)
}
