//! The paywall with a real facilitator on the devnet, bought from as any program would.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod bought;
mod browser;
mod busy;
mod exact;
mod facilitators;
mod forks;
mod identifier;
mod killed;
mod replay;
mod stage;
