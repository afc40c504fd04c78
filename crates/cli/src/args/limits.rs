//! The arguments of `limits`. Refuses a limit without a figure.

use clap::{Args as Group, Subcommand};

#[derive(Group)]
pub struct Limits {
    #[command(subcommand)]
    pub action: Option<LimitAction>,
}

#[derive(Group)]
pub struct RuleFor {
    /// The app's id, as `countersign apps` shows it
    pub app: String,
    /// The site, "https://news.example"; absent: the app across all sites
    #[arg(long)]
    pub site: Option<String>,
    /// Network of the token: mainnet, nile, shasta
    #[arg(long, default_value = "mainnet")]
    pub network: String,
    /// Contract of the token
    #[arg(long)]
    pub token: String,
}

#[derive(Subcommand)]
pub enum LimitAction {
    /// Allow up to these totals without asking, in whole units like 2.00; asks for the passphrase
    #[command(group(clap::ArgGroup::new("limit").args(["per_payment", "per_day", "per_month"]).required(true).multiple(true)))]
    Set {
        #[command(flatten)]
        rule: RuleFor,
        #[arg(long, value_name = "AMOUNT")]
        per_payment: Option<String>,
        #[arg(long, value_name = "AMOUNT")]
        per_day: Option<String>,
        #[arg(long, value_name = "AMOUNT")]
        per_month: Option<String>,
        /// Answer for sites that Countersign asked itself; what an app only claims goes on asking
        #[arg(long)]
        verified_only: bool,
    },
    /// Always ask; asks for the passphrase where it was blocked
    Ask {
        #[command(flatten)]
        rule: RuleFor,
    },
    /// Always refuse
    Block {
        #[command(flatten)]
        rule: RuleFor,
    },
    /// Take a rule away: back to asking; asks for the passphrase where it was a block
    Remove {
        #[command(flatten)]
        rule: RuleFor,
    },
}
