//! The facilitator's description for programs and people: served at `/openapi.json` and committed as
//! `docs/facilitator-openapi.json`. Made from the handlers themselves, so that it can't drift.

use crate::{health, payments, router};
use axum::body::Bytes;
use std::sync::LazyLock;
use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Countersign facilitator",
        description = "Judges x402 payments on TRON and settles them, each once. A body is JSON of at most 64 KiB with \
                       no key twice. A verdict, good or bad, is status 200; whoever asks too often is answered 429, and \
                       anybody 503 while too many requests are being answered, both with Retry-After."
    ),
    paths(
        router::supported,
        router::quote,
        router::verify,
        router::settle,
        payments::by_transaction,
        payments::by_nonce,
        router::metrics,
        router::document,
        health::live,
        health::ready
    ),
    tags(
        (name = "sellers", description = "The x402 facilitator interface"),
        (name = "operators", description = "How it fares")
    )
)]
struct Document;

/// The document as it is served: made once.
pub(crate) fn text() -> Bytes {
    static TEXT: LazyLock<Bytes> = LazyLock::new(|| json().into());
    TEXT.clone()
}

/// The document, pretty-printed.
pub fn json() -> String {
    let mut document = Document::openapi();
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    let mut text = document.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `BLESS=1 cargo test -p facilitator openapi` writes it anew.
    #[test]
    fn the_committed_document_is_the_served_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/facilitator-openapi.json");
        let served = json();
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(path, &served).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(committed == served, "docs/facilitator-openapi.json is out of date: BLESS=1 writes it anew");
    }
}
