//! Arguments of what is set once: tokens that were added, the lock, the deployment of Permit2.

use clap::{Args as Group, Subcommand};

#[derive(Group)]
pub struct Tokens {
    #[command(subcommand)]
    pub action: Option<TokenAction>,
}

#[derive(Group)]
pub struct TokenAt {
    /// Contract of the token
    #[arg(value_name = "CONTRACT")]
    pub token: String,
    /// Network of the token: mainnet, nile, shasta
    #[arg(long, default_value = "mainnet")]
    pub network: String,
}

#[derive(Subcommand)]
pub enum TokenAction {
    /// Let payments be in this token; asks for the passphrase
    Add(TokenAt),
    /// Refuse payments in it again
    Remove(TokenAt),
}

#[derive(Group)]
pub struct Settings {
    #[command(subcommand)]
    pub setting: Option<Setting>,
}

#[derive(Subcommand)]
pub enum Setting {
    /// Minutes without use after which the wallet locks; 0 never locks; asks for the passphrase
    AutoLock { minutes: u32 },
    /// The Permit2 deployment that is signed for; asks for the passphrase
    #[command(name = "permit2")]
    Permit2 {
        /// first, second, or with --site "default": none of the site's own
        set: String,
        /// For this site alone, "https://news.example"
        #[arg(long, value_name = "SITE")]
        site: Option<String>,
    },
}
