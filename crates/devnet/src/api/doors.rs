//! Which questions are answered at which port, and what a node says where it does not answer: 405 with a page of HTML,
//! 404 to a GET.

use super::{Node, control, ethereum, grid, head, solid};
use axum::Router;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use serde_json::json;
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    Wallet,
    Solidity,
    Ethereum,
    Control,
    /// What TronGrid answers beside a node.
    Grid,
    /// `wallet/getnodeinfo` alone, which a node has at its solidity port too.
    Info,
}

impl Door {
    /// Public gateways have everything at one port.
    pub const TOGETHER: &[Self] = &[Self::Wallet, Self::Solidity, Self::Ethereum, Self::Grid, Self::Control];
    pub const FIRST: &[Self] = &[Self::Wallet, Self::Control];
    pub const SECOND: &[Self] = &[Self::Solidity, Self::Info];
    pub const THIRD: &[Self] = &[Self::Ethereum];
}

pub fn router(node: Arc<Node>, doors: &[Door]) -> Router {
    let open = |router: Router<Arc<Node>>, door: &Door| match door {
        Door::Wallet => router.route("/wallet/{method}", any(head)),
        Door::Solidity => router.route("/walletsolidity/{method}", any(solid)),
        Door::Ethereum => router.route("/jsonrpc", any(ethereum)),
        Door::Grid => router.route("/v1/accounts/{address}/transactions/trc20", get(grid::transfers)),
        Door::Control => router.route("/devnet", get(control::about)).nest("/devnet", control::routes()),
        Door::Info => router.route("/wallet/getnodeinfo", any(info)),
    };
    doors.iter().fold(Router::new(), open).fallback(nobody).with_state(node)
}

async fn info(State(node): State<Arc<Node>>) -> Response {
    super::reply(&super::about::node_info(&node.chain()))
}

async fn nobody(method: Method, uri: Uri) -> Response {
    nothing(&method, &uri)
}

/// The servlet that a node has for everything else answers GET alone, and has no file to show.
pub fn nothing(method: &Method, uri: &Uri) -> Response {
    if matches!(*method, Method::GET | Method::HEAD) {
        page(StatusCode::NOT_FOUND, "Not Found", uri)
    } else {
        unsupported(method, uri)
    }
}

pub fn unsupported(method: &Method, uri: &Uri) -> Response {
    page(StatusCode::METHOD_NOT_ALLOWED, &format!("HTTP method {method} is not supported by this URL"), uri)
}

/// What a gateway says in a node's place: of limits in JSON, of everything else in HTML.
pub fn gateway(status: u16) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    let reason = status.canonical_reason().unwrap_or("Error");
    match status {
        StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS => {
            let words = "request rate exceeded the allowed_rps(15), and the query server is suspended for 1s";
            (status, [(header::RETRY_AFTER, "1")], super::reply(&json!({ "Error": words }))).into_response()
        }
        _ => {
            let title = format!("{} {reason}", status.as_u16());
            let text = format!("<html>\n<head><title>{title}</title></head>\n<body><h1>{title}</h1></body>\n</html>\n");
            (status, [(header::CONTENT_TYPE, "text/html")], text).into_response()
        }
    }
}

fn page(status: StatusCode, message: &str, uri: &Uri) -> Response {
    let (code, path) = (status.as_u16(), escaped(uri.path()));
    let message = escaped(message);
    let rows: String = [("URI", path.as_str()), ("STATUS", &code.to_string()), ("MESSAGE", &message)]
        .map(|(name, value)| format!("<tr><th>{name}:</th><td>{value}</td></tr>\n"))
        .concat();
    let text = format!(
        "<html>\n<head>\n<meta http-equiv=\"Content-Type\" content=\"text/html;charset=ISO-8859-1\"/>\n\
         <title>Error {code} {message}</title>\n</head>\n<body><h2>HTTP ERROR {code} {message}</h2>\n\
         <table>\n{rows}</table>\n</body>\n</html>\n"
    );
    (status, [(header::CONTENT_TYPE, "text/html;charset=iso-8859-1")], text).into_response()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
