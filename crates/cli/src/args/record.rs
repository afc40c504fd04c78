//! Arguments of what reads and keeps the record: payments, exports, sums, sites.

use clap::{Args as Group, Subcommand};
use std::path::PathBuf;

#[derive(Group)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Ledger {
    /// Show one payment completely
    pub id: Option<String>,
    #[command(flatten)]
    pub which: Which,
    /// How many rows
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub limit: u32,
    /// The page after this row, as the page before told
    #[arg(long, value_name = "ID")]
    pub after: Option<String>,
    #[command(subcommand)]
    pub action: Option<LedgerAction>,
}

/// Which payments; all of it narrows.
#[derive(Group)]
pub struct Which {
    /// Only this site, "https://news.example"
    #[arg(long)]
    pub site: Option<String>,
    /// Only this app's id
    #[arg(long)]
    pub app: Option<String>,
    /// Only what this account pays
    #[arg(long, value_name = "ADDRESS")]
    pub account: Option<String>,
    /// Only this token: symbol or contract
    #[arg(long)]
    pub token: Option<String>,
    /// Only this network: mainnet, nile, shasta
    #[arg(long)]
    pub network: Option<String>,
    /// Only with this scheme, as the 402 names it
    #[arg(long, value_name = "NAME")]
    pub scheme: Option<String>,
    #[arg(long, value_parser = ["asked", "approved", "signed", "refused", "cancelled", "expired"])]
    pub state: Option<String>,
    /// Only where the money is so far
    #[arg(long, value_parser = ["unknown", "seen", "final", "never-used"])]
    pub settlement: Option<String>,
    /// Only where the answer was
    #[arg(long, value_parser = ["delivered", "refused", "not-reported"])]
    pub delivery: Option<String>,
    /// First day or moment, 2026-11-22
    #[arg(long, visible_alias = "from", value_name = "DAY")]
    pub since: Option<String>,
    /// Last day, all of it
    #[arg(long, visible_alias = "to", value_name = "DAY")]
    pub until: Option<String>,
    /// In which days begin, and for times in an export, like Asia/Shanghai; the system's when absent
    #[arg(long, value_name = "ZONE")]
    pub time_zone: Option<String>,
    /// Least amount, in whole units
    #[arg(long, value_name = "AMOUNT")]
    pub least: Option<String>,
    /// Greatest amount, in whole units
    #[arg(long, value_name = "AMOUNT")]
    pub most: Option<String>,
    /// Only with this tag
    #[arg(long)]
    pub tag: Option<String>,
    /// Only with these words in site, path, description, note or tags; or with this address, id or transaction
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,
    /// The oldest first
    #[arg(long)]
    pub oldest: bool,
}

#[derive(Subcommand)]
#[allow(clippy::large_enum_variant, reason = "made once for each command")]
pub enum LedgerAction {
    /// Write payments into a file: CSV, JSON or an hledger journal
    #[command(after_help = "\
Examples:
  countersign ledger export -f hledger --since 2026-01-01 --time-zone Europe/Berlin 2026.journal
  countersign ledger export -f jsonl --delivery refused - | jq .id")]
    Export {
        #[command(flatten)]
        which: Which,
        /// By the file's name when absent: .csv, .json, .jsonl, .journal; else CSV
        #[arg(short = 'f', long, value_parser = ["csv", "json", "jsonl", "hledger"])]
        format: Option<String>,
        /// The file, readable by you alone; or - for standard output
        #[arg(value_name = "FILE", required_unless_present = "output")]
        file: Option<PathBuf>,
        /// The same
        #[arg(short = 'o', long, value_name = "FILE", conflicts_with = "file")]
        output: Option<PathBuf>,
        /// Replace a file of that name
        #[arg(long)]
        replace: bool,
    },
    /// Sums of what left or can still leave
    #[command(after_help = "\
Examples:
  countersign ledger totals --by month,token --time-zone Asia/Shanghai
  countersign ledger totals --by site --since 2026-01-01 --token USDT --json")]
    Totals {
        #[command(flatten)]
        which: Which,
        /// What to tell apart: month, token, app, site; several with commas
        #[arg(long, value_name = "WHAT", value_delimiter = ',', default_value = "token", value_parser = ["month", "token", "app", "site"])]
        by: Vec<String>,
    },
    /// Remove old payments that are ended for good; sums, limits and known payees stay; asks for the passphrase
    #[command(after_help = "\
Examples:
  countersign ledger prune --older-than 2y --dry-run
  countersign ledger prune --older-than 2024-12-31 --site https://news.example --yes
What is open, or not settled for good, stays. Export first what you may need: a removed payment is not kept anywhere.
The file does not shrink by itself: countersign ledger vacuum")]
    Prune {
        /// An age like 2y, 18mo or 90d, or a day
        #[arg(long, value_name = "AGE")]
        older_than: String,
        /// Only at this site, "https://news.example"
        #[arg(long)]
        site: Option<String>,
        /// Also what has a note or tags
        #[arg(long)]
        noted: bool,
        /// Only count
        #[arg(long)]
        dry_run: bool,
        /// Do not ask
        #[arg(long, conflicts_with = "dry_run")]
        yes: bool,
        /// In which a day begins; the system's when absent
        #[arg(long, value_name = "ZONE")]
        time_zone: Option<String>,
    },
    /// Give the space of removed payments back to the disk; asks for the passphrase
    Vacuum,
    /// Set right a record that lies in the future: what is dated ahead of now counts as of now
    #[command(after_help = "\
For after a clock that was wrong: `countersign status` says whether the record lies ahead. Nothing is removed, and what \
lies ahead counts as paid now, in every limit. It takes the passphrase, a node that tells the time, and a clock that agrees.")]
    Redate,
    /// Set a payment's note; without a text, remove it
    Note {
        id: String,
        #[arg(allow_hyphen_values = true)]
        text: Option<String>,
    },
    /// Add tags to a payment, or take them away
    Tag {
        id: String,
        #[arg(required = true)]
        tags: Vec<String>,
        /// Take them away
        #[arg(long)]
        remove: bool,
    },
    /// The tags, and how many payments have them
    Tags,
    /// Give a tag another name; one that exists takes its payments in
    RenameTag { name: String, new: String },
}

#[derive(Group)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Sites {
    /// Show one site completely, "https://news.example"
    pub site: Option<String>,
    #[command(subcommand)]
    pub action: Option<SiteAction>,
}

#[derive(Subcommand)]
pub enum SiteAction {
    /// Refuse every payment to a site without asking: this scheme, host and port
    Block(Blocked),
    /// Let a site ask again; asks for the passphrase
    Unblock(Blocked),
}

#[derive(Group)]
pub struct Blocked {
    pub site: String,
    /// The whole host, with every scheme and port; sites that are blocked by themselves stay so
    #[arg(long)]
    pub host: bool,
}
