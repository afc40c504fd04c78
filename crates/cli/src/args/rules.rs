//! Arguments of who may ask: apps, pairings.

use clap::{Args as Group, Subcommand};

#[derive(Group)]
pub struct Apps {
    #[command(subcommand)]
    pub action: Option<AppAction>,
}

#[derive(Subcommand)]
pub enum AppAction {
    /// Take an app's access away at once
    Revoke { id: String },
    /// Say no to every question that an app has open
    Reject { id: String },
}

#[derive(Group)]
pub struct Pairings {
    #[command(subcommand)]
    pub action: Option<PairingAction>,
}

#[derive(Subcommand)]
pub enum PairingAction {
    /// Pair the app that shows this code
    Approve { code: String },
    /// Turn the app that shows this code away
    Reject { code: String },
}
