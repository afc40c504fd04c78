//! Hostile bytes: 1,000 and more stored cases and their changes, through every reader and through the real port; and
//! what a seller can try with a 402 that reads well.
//! Nothing panics, nothing is answered with 5xx, and no limit costs more than it lets through.
#![allow(clippy::unwrap_used, clippy::panic)]

mod bodies;
mod limits;
mod offers;
mod port;
