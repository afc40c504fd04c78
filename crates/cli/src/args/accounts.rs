//! Arguments of what concerns keys: making a wallet, unlocking it, its accounts and the keyring.

use clap::{Args as Group, Subcommand};
use std::path::PathBuf;

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
    List {
        /// On this network: mainnet, nile, shasta; absent: the one that this wallet is for
        #[arg(long)]
        network: Option<String>,
    },
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
    /// Give an account another place in the list, counted from 1
    Move {
        account: String,
        #[arg(value_parser = clap::value_parser!(u32).range(1..))]
        place: u32,
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
