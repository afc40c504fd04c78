//! The owner's control socket: HTTP on a Unix socket that only the same user can open, one verb of the desk
//! per route. App tokens mean nothing here and nothing here is reachable from TCP. An answer to a question
//! needs the passphrase, typed for that answer, and so does whatever widens or acts outside; the owner process writes
//! no file that a caller names.

mod client;
mod frame;
mod server;
pub mod verb;

pub use client::Client;
pub(crate) use server::router;
pub use verb::Verb;
