//! The arguments and their help. No flag answers a question, and none carries a secret.

mod limits;

pub use limits::{LimitAction, Limits, RuleFor};

use clap::{Args as Group, Parser, Subcommand};
use std::path::PathBuf;

const EXIT: &str = "\
Exit status:
  0  done
  1  something failed
  2  the arguments are wrong
  3  a person or a rule said no
  4  the wallet is locked, or the passphrase is wrong
  5  the question expired, was cancelled, or was answered elsewhere
  6  no node answered, or the ledger takes no rows
  7  the 402 can't be paid: malformed, unsupported, unknown token or contract
  8  not enough money, or no allowance
  9  paid, but the seller did not deliver
 10  another Countersign has the folder open and can't be reached";

const EXAMPLES: &str = "\
Examples:
  countersign init                                  make a wallet with new words
  countersign serve                                 hold the wallet and answer questions here
  countersign pay https://news.example/articles/1   pay a 402 and print what it paid for
  countersign inspect https://news.example/articles/1   explain a 402, a header, a transaction, …
  countersign ledger --site https://news.example    what went where
  countersign demo                                  a whole purchase with play money";

/// A wallet for HTTP 402 payments on TRON: you see what would be signed, and answer.
#[derive(Parser)]
#[command(name = "countersign", version, after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{EXIT}"), max_term_width = 100)]
pub struct Args {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Group)]
pub struct Global {
    /// The wallet's folder; by default the one of the profile
    #[arg(long, global = true, value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
    /// Which wallet: main when absent, or another name for one of its own
    #[arg(long, global = true, value_name = "NAME")]
    profile: Option<String>,
    /// Print what a program can read
    #[arg(long, global = true)]
    pub json: bool,
    /// Begin an empty record where this wallet's own is gone. Not in the help: the refusal that needs it names it
    #[arg(long, global = true, hide = true)]
    pub new_ledger: bool,
    /// Read passphrases from this open file descriptor, a line each, instead of asking
    #[arg(long, global = true, value_name = "N")]
    pub passphrase_fd: Option<u32>,
}

impl Global {
    /// The profile that was named, or the one that the named folder belongs to, or main.
    pub fn profile(&self) -> String {
        let of_folder = || helper::profile_of(self.data_dir.as_deref()?);
        self.profile.clone().or_else(of_folder).unwrap_or_else(|| "main".to_owned())
    }

    /// The profile's folder, whether it is there or not; `None` where the system has no place for it.
    pub fn folder(&self) -> Option<PathBuf> {
        self.data_dir.clone().or_else(|| wallet::default_dir(&self.profile()))
    }
}

#[derive(Subcommand)]
#[allow(clippy::large_enum_variant, reason = "made once for each command")]
pub enum Command {
    /// Make a wallet, or bring one along with its words
    #[command(after_help = "Example:\n  countersign init --import < words.txt")]
    Init(Init),
    /// Unlock the wallet of the running Countersign
    Unlock(Unlock),
    /// Lock the wallet of the running Countersign
    Lock,
    /// The accounts: add, import, watch, name, choose who pays, export
    #[command(after_help = "\
An account is named by its address or by its name.
Examples:
  countersign accounts
  countersign accounts add Shopping
  countersign accounts import --keystore UTC--2026-11-25.json --name TronLink
  countersign accounts watch TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH --name Cold
  countersign accounts use Shopping --app APP --site https://news.example
  countersign accounts export Shopping --keystore shopping.json
  countersign accounts words")]
    Accounts(Accounts),
    /// Let the keyring of this computer remember the unlock, or not
    #[command(after_help = "\
Off unless you turn it on, which takes the passphrase. The keyring keeps a random key that opens
this wallet's file on this computer: neither the words nor the passphrase. Any program that runs as
you can ask an unlocked keyring, too.
Examples:
  countersign keyring                what it is now
  countersign keyring on             `countersign unlock --keyring` and the window's button unlock
  countersign keyring on --at-start  and a start unlocks by itself
  countersign keyring off")]
    Keyring(Keyring),
    /// Change the passphrase
    Passphrase,
    /// The passphrase is lost: choose another with the words of this wallet; the ledger stays
    Restore,
    /// Whether it runs, is locked, and what the accounts hold
    Status,
    /// Hold the wallet, serve local programs and ask their questions in this terminal
    #[command(after_help = "Questions can also be answered with `countersign answer` in another terminal.")]
    Serve(Serve),
    /// Request a URL and, when it answers 402, ask and pay
    #[command(after_help = "\
Examples:
  countersign pay https://news.example/articles/1 -o article.html
  countersign pay -X POST -H 'Content-Type: application/json' -d '{\"q\":1}' https://api.example/ask
  countersign pay --max-amount 500000 http://localhost:8402/report")]
    Pay(Pay),
    /// Explain anything x402: headers, bodies, payments, settlements, typed data, transactions, a URL
    #[command(after_help = "\
Examples:
  countersign inspect https://news.example/articles/1      fetched once, never paid
  curl -si https://news.example/articles/1 | countersign inspect
  countersign inspect eyJ4NDAyVmVyc2lvbiI6Mn0=
  countersign inspect answer.json
  countersign inspect 9f2c…e1 --network nile               a transaction, looked up
Nothing is signed or paid, and no wallet is needed. What a document names is looked up at the nodes of the
profile's config.toml, or the public ones; --offline asks nobody. Ends with 7 when the text is not known.")]
    Inspect(Inspect),
    /// Show open questions and answer one
    Answer(Answer),
    /// The payments, newest first, or one of them
    #[command(after_help = "Example:\n  countersign ledger --site https://news.example --json")]
    Ledger(Ledger),
    /// Where money went; block a site or let it ask again
    Sites(Sites),
    /// What apps may pay without asking
    #[command(after_help = "\
Examples:
  countersign limits set APP --site https://news.example --token TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t --per-day 2.00
  countersign limits remove APP --site https://news.example --token TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t")]
    Limits(Limits),
    /// The paired apps; revoke one
    Apps(Apps),
    /// Apps that ask to be paired; compare the code, then answer
    Pairings(Pairings),
    /// Write a file for a bug report: versions, settings, state and logs, without secrets and payments
    #[command(after_help = "\
Examples:
  countersign support
  countersign support -o - | less
It names no payment, no amount, no app and no site of your record; addresses are shortened; keys, words, tokens and
URLs' queries are taken out of settings and logs. Look through it before you send it: it is plain text.")]
    Support(Support),
    /// A whole purchase with play money, on a chain inside this program
    #[command(after_help = "\
Uses a fresh temporary folder unless --data-dir names one. Asks like the real thing: the pairing, the
question, the passphrase (which it prints). Answers can be piped in, a line each.")]
    Demo,
}

#[derive(Group)]
pub struct Init {
    /// Type the words of an existing wallet (or pipe them in)
    #[arg(long)]
    pub import: bool,
    /// How many words a new wallet has
    #[arg(long, default_value = "12", value_parser = ["12", "24"], conflicts_with = "import")]
    pub words: String,
}

#[derive(Group)]
pub struct Accounts {
    #[command(subcommand)]
    pub action: Option<AccountAction>,
}

#[derive(Subcommand)]
pub enum AccountAction {
    /// Show them with what they hold
    List,
    /// Add the next account of the words
    Add {
        /// Numbered when absent
        name: Option<String>,
    },
    /// Bring a private key along (typed, or a line of standard input), or a keystore file
    Import {
        /// A keystore file of version 3 instead of a private key
        #[arg(long, value_name = "FILE")]
        keystore: Option<PathBuf>,
        #[arg(long)]
        name: Option<String>,
    },
    /// Look at an address without its key; it never signs
    Watch {
        address: String,
        #[arg(long)]
        name: Option<String>,
    },
    Rename {
        account: String,
        name: String,
    },
    /// Keep an account without offering it
    Hide {
        account: String,
    },
    /// Offer a hidden account again
    Show {
        account: String,
    },
    /// Forget an imported or watched account
    Remove {
        account: String,
    },
    /// Let an account pay: by default, or for one app, or for one app on one site
    Use {
        /// Absent with --app: the default again
        #[arg(required_unless_present = "app")]
        account: Option<String>,
        /// The app's id, as `countersign apps` shows it; owner is this command line
        #[arg(long)]
        app: Option<String>,
        /// The site, "https://news.example"
        #[arg(long, requires = "app")]
        site: Option<String>,
    },
    /// Who pays for which app and site
    Payers,
    /// Take an account's key elsewhere: shown at a terminal, or written to a file that only you can read
    Export {
        account: String,
        /// Write a keystore file of version 3 under a passphrase of its own
        #[arg(long, value_name = "FILE", conflicts_with = "output")]
        keystore: Option<PathBuf>,
        /// Write the bare private key to this file instead of showing it
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Show the words once more, at a terminal only
    Words,
}

#[derive(Group)]
pub struct Unlock {
    /// With what the keyring of this computer remembers, instead of the passphrase
    #[arg(long)]
    pub keyring: bool,
}

#[derive(Group)]
pub struct Keyring {
    #[command(subcommand)]
    pub action: Option<KeyringAction>,
}

#[derive(Subcommand)]
pub enum KeyringAction {
    /// Remember the unlock; takes the passphrase
    On {
        /// A start of the app or of `countersign serve` unlocks by itself
        #[arg(long)]
        at_start: bool,
    },
    /// The passphrase, every time
    Off,
}

#[derive(Group)]
pub struct Serve {
    /// Port on 127.0.0.1 instead of the setting; 0 takes any and tells it
    #[arg(long)]
    pub port: Option<u16>,
    /// Stay locked until `countersign unlock`
    #[arg(long)]
    pub locked: bool,
    /// Unlock with the first line of this file, which only you may read (mode 0600)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["locked", "passphrase_fd"])]
    pub passphrase_file: Option<PathBuf>,
}

#[derive(Group)]
pub struct Pay {
    pub url: String,
    /// Method; GET, or POST with a body
    #[arg(short = 'X', long = "request", value_name = "METHOD")]
    pub method: Option<String>,
    /// A header, "Name: value"; several times for several
    #[arg(short = 'H', long = "header", value_name = "HEADER")]
    pub headers: Vec<String>,
    /// The body, or @FILE
    #[arg(short = 'd', long = "data", value_name = "BODY")]
    pub body: Option<String>,
    /// Write what was paid for into this file instead of printing it
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Most that may leave, in the token's smallest unit
    #[arg(long, value_name = "AMOUNT")]
    pub max_amount: Option<String>,
    /// Why, for the question
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

#[derive(Group)]
pub struct Inspect {
    /// A file, the text itself, a URL, or - for standard input (also when absent)
    pub input: Option<String>,
    /// Ask no node: only what the text itself says
    #[arg(long)]
    pub offline: bool,
    /// Where a bare transaction id is looked up: mainnet, nile or shasta
    #[arg(long, value_name = "NAME")]
    pub network: Option<String>,
    /// For a URL: the method; GET, or POST with a body
    #[arg(short = 'X', long = "request", value_name = "METHOD")]
    pub method: Option<String>,
    /// For a URL: the JSON body to send
    #[arg(short = 'd', long = "data", value_name = "BODY")]
    pub body: Option<String>,
}

#[derive(Group)]
pub struct Support {
    /// Write here, or - for standard output; countersign-support-DATE.txt when absent
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub output: Option<PathBuf>,
}

#[derive(Group)]
pub struct Answer {
    /// Which question; the first when absent
    pub id: Option<String>,
    /// Only list them
    #[arg(long, conflicts_with = "id")]
    pub list: bool,
    /// First take this option of its 402, numbered from 1; the question is then asked about that one
    #[arg(long, value_name = "N", conflicts_with = "list")]
    pub option: Option<u32>,
}

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
        #[arg(short = 'f', long, default_value = "csv", value_parser = ["csv", "json", "jsonl", "hledger"])]
        format: String,
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
    /// Remove old payments that are ended for good; sums, limits and known payees stay
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
    /// Give the space of removed payments back to the disk
    Vacuum,
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
    /// Let a site ask again
    Unblock(Blocked),
}

#[derive(Group)]
pub struct Blocked {
    pub site: String,
    /// The whole host, with every scheme and port; sites that are blocked by themselves stay so
    #[arg(long)]
    pub host: bool,
}

#[derive(Group)]
pub struct Apps {
    #[command(subcommand)]
    pub action: Option<AppAction>,
}

#[derive(Subcommand)]
pub enum AppAction {
    /// Take an app's access away at once
    Revoke { id: String },
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
