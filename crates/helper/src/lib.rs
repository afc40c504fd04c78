//! The doors of the owner process: the localhost port for apps (TCP and Unix socket, with their token) and
//! the control socket for the owner's own command line. No door decides anything about a payment; each
//! refuses what it can't attribute, and app tokens never reach the control socket.

mod control;
mod door;
mod extract;
pub mod fetch;
mod holder;
mod limits;
mod openapi;
mod os;
mod owner;
mod problem;
mod routes;
mod runtime;
mod signed;
mod strict;

pub use control::{Client, Verb, verb};
pub use door::Entrance;
pub use holder::Holder;
pub use limits::Limits;
pub use openapi::json as openapi_json;
pub use owner::{Opened, Owner, OwnerOptions, Quiet, StartError};
pub use problem::{Problem, ProblemView};
pub use routes::{HealthView, PairingRequestView, router};
pub use runtime::{RuntimeFile, data_dir, profile_of};
