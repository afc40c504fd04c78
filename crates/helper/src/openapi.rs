//! The port's description for programs and people: served at `/v1/openapi.json` and committed as
//! `docs/openapi.json`. Made from the handlers themselves, so that it can't drift.

use crate::problem::{self, ProblemView};
use crate::routes;
use bytes::Bytes;
use std::fmt::Write;
use std::sync::LazyLock;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};
use view::Code;

#[derive(OpenApi)]
#[openapi(
    info(title = "Countersign", description = "The localhost port of Countersign for programs that meet a 402."),
    servers((url = "http://127.0.0.1:4020", description = "Where it really listens stands in the runtime file")),
    paths(
        routes::health, routes::document, routes::pair, routes::collect, routes::proof, routes::accounts, routes::pay, routes::payment,
        routes::cancel, routes::report, routes::check, routes::budget, routes::events
    ),
    components(schemas(ProblemView, Code)),
    tags(
        (name = "open", description = "Need no token"),
        (name = "apps", description = "Need the token of a paired app")
    ),
    modifiers(&Finish)
)]
struct Document;

struct Finish;

impl Modify for Finish {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        if let Some(components) = &mut document.components {
            components.add_security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
        }
        document.info.description = Some(description());
    }
}

fn description() -> String {
    let mut text = String::from(
        "The localhost port of Countersign for programs that meet a 402.\n\n\
        A request has exactly one Host (127.0.0.1:PORT, localhost:PORT or [::1]:PORT; `localhost` on the Unix socket), \
        no Origin, and a JSON body of at most 96 KiB with no key twice and no unknown field. \
        An app that was paired with `publicKey` sends no token: it signs each request (RFC 9421, `ed25519`) over `@method`, \
        `@authority`, `@path`, `@query` where there is one, and `content-digest` (RFC 9530, `sha-256`) where there is a body, \
        with `created`, a `nonce` of its own and the public key as `keyid`. `@authority` is the address that is dialled, in \
        numbers (`127.0.0.1:4020`; `localhost` on the Unix socket). A signature counts once, for a minute.\n\n\
        Failures are problem documents (RFC 9457) with a stable `code`:\n\n| code | status | meaning |\n|---|---|---|\n",
    );
    for code in CODES {
        let (status, title) = problem::table(code);
        // Writing to a String can't fail.
        let _ = writeln!(text, "| {} | {} | {title} |", code.name(), status.as_u16());
    }
    text.push_str(
        "\nBAD_REQUEST also comes with 405, 408, 413 and 415 where HTTP has a status of its own for what is wrong.",
    );
    text
}

/// Every code that the port can answer with, in the order of their statuses.
const CODES: [Code; 39] = [
    Code::BadRequest,
    Code::NotPaired,
    Code::Forbidden,
    Code::UserRejected,
    Code::PolicyDenied,
    Code::WrongPassphrase,
    Code::NotFound,
    Code::Cancelled,
    Code::IdempotencyConflict,
    Code::InsufficientBalance,
    Code::AllowanceRequired,
    Code::TrxRequired,
    Code::AccountNotActive,
    Code::OtherKeys,
    Code::TokenPaused,
    Code::PayerBlocked,
    Code::NoAccount,
    Code::WatchOnly,
    Code::PermissionInUse,
    Code::AlreadySigned,
    Code::AlreadyPaid,
    Code::AlreadyAnswered,
    Code::PlanChanged,
    Code::NotArmed,
    Code::VaultUnusable,
    Code::Expired,
    Code::MalformedPaymentRequired,
    Code::UnsupportedScheme,
    Code::UnsupportedNetwork,
    Code::UnknownContract,
    Code::UnknownToken,
    Code::MaxAmountExceeded,
    Code::CannotSign,
    Code::WalletLocked,
    Code::RateLimited,
    Code::Internal,
    Code::NodeUnavailable,
    Code::LedgerUnavailable,
    Code::LedgerGone,
];

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
    use utoipa::PartialSchema;

    /// `BLESS=1 cargo test -p helper openapi` writes it anew.
    #[test]
    fn the_committed_document_is_the_served_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
        let served = json();
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(path, &served).unwrap();
        }
        assert!(std::fs::read_to_string(path).unwrap_or_default() == served, "docs/openapi.json is out of date");
    }

    #[test]
    fn every_code_stands_in_the_table_once() {
        let schema = serde_json::to_value(Code::schema()).unwrap();
        let mut names: Vec<String> = serde_json::from_value(schema["enum"].clone()).unwrap();
        let mut listed: Vec<String> = CODES.into_iter().map(Code::name).collect();
        names.sort();
        listed.sort();
        assert_eq!(names, listed);
    }
}
