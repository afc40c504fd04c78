//! One body per reader that meets bytes of strangers: reads them and asserts what must hold of whatever came out.
//! Stories run every stored case through them, `fuzz/` runs the same bodies on bytes of its own. Nothing here
//! opens a connection, asks for a passphrase or derives a key from one.

mod clean;
pub mod files;
pub mod messages;
pub mod surfaces;
pub mod values;

pub use clean::{clean, is_hidden};

/// Reads the bytes and panics when a promise is broken. True when they were understood.
pub type Body = fn(&[u8]) -> bool;

/// Every body by its name, which is the name of its fuzz target and the `as` of its stored cases.
pub const TARGETS: &[(&str, Body)] = &[
    ("offer", messages::offer),
    ("payment", messages::payment),
    ("settlement", messages::settlement),
    ("requirements", messages::requirements),
    ("request", messages::request),
    ("supported", messages::supported),
    ("verified", messages::verified),
    ("quotes", messages::quotes),
    ("quote_request", messages::quote_request),
    ("header", messages::header),
    ("address", values::address),
    ("amount", values::amount),
    ("signature", values::signature),
    ("words", values::words),
    ("typed_document", values::typed_document),
    ("transaction", values::transaction),
    ("transaction_json", values::transaction_json),
    ("contract_answer", values::contract_answer),
    ("site", surfaces::site),
    ("quoted", surfaces::quoted),
    ("inspect", surfaces::inspect),
    ("config", files::config),
    ("vault_file", files::vault_file),
    ("key_file", files::key_file),
];

/// The body of this name.
pub fn body(name: &str) -> Option<Body> {
    TARGETS.iter().find(|(target, _)| *target == name).map(|(_, body)| *body)
}
