//! Hostile bytes: 1,000 and more stored cases and their changes, through every reader and through the real port.
//! Nothing panics, nothing is answered with 5xx, and no limit costs more than it lets through.
#![allow(clippy::unwrap_used, clippy::panic)]

mod bodies;
mod limits;
mod port;
