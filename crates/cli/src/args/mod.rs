//! The arguments and their help. No flag answers a question, and none carries a secret.

mod accounts;
mod limits;
mod paying;
mod record;
mod rules;
mod settings;

pub use accounts::*;
pub use limits::*;
pub use paying::*;
pub use record::*;
pub use rules::*;
pub use settings::*;

use clap::{Args as Group, Parser, Subcommand};
use std::path::PathBuf;

const EXIT: &str = "\
Exit status:
  0  done
  1  something failed
  2  the arguments are wrong
  3  a person or a rule said no
  4  the wallet is locked, or the passphrase is wrong
  5  the question expired, was cancelled, or was answered elsewhere; or a signal ended the command
  6  no node answered, or the ledger takes no rows
  7  the 402 can't be paid: malformed, unsupported, unknown token or contract
  8  the account can't pay: not enough money or TRX, no allowance, blocked
  9  paid, but not delivered: the seller did not, or the output could not be written
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

/// An amount in whole units of a token that is known later.
fn whole_units(text: &str) -> Result<String, String> {
    let text = text.trim();
    match tron::Amount::parse_units(text, 36) {
        Ok(_) => Ok(text.to_owned()),
        Err(e) => Err(format!("expected an amount in whole units, like 2.00 ({e})")),
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
  countersign pay --max '0.50 USDT' http://localhost:8402/report")]
    Pay(Pay),
    /// Explain anything x402: headers, bodies, payments, settlements, typed data, transactions, a node's answers, a URL
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
    /// How each TRON node of the settings does: its doors, chain, blocks and contracts
    #[command(after_help = "\
Nodes stand in config.toml in the wallet's folder, below [[mainnet]], [[nile]] or [[shasta]]: url, and for a node of
one's own solidity_url and jsonrpc_url, which may be left out. Ends with 6 where a network has no node that can be used.
Examples:
  countersign node
  countersign node nile")]
    Node {
        /// Of this network alone: mainnet, nile, shasta
        network: Option<String>,
    },
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
    /// Tokens beside the known ones: add one by its contract, or take it away
    #[command(after_help = "\
Symbol and decimals are read from the contract, and stay its own claim. A token that was added can be paid in.
Examples:
  countersign tokens
  countersign tokens add CONTRACT --network nile")]
    Tokens(Tokens),
    /// When the wallet locks by itself, and which Permit2 is signed for
    #[command(after_help = "\
What is set here goes before config.toml. Nodes, port and log level are set in config.toml alone.
Examples:
  countersign settings
  countersign settings auto-lock 30     minutes without use; 0 never locks
  countersign settings permit2 second")]
    Settings(Settings),
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

#[cfg(test)]
mod tests {
    use super::Args;
    use clap::{Command, CommandFactory};
    use std::collections::BTreeSet;

    /// Words that do something by themselves: "ledger", "ledger export".
    fn verbs(command: &Command, words: &str, out: &mut BTreeSet<String>) {
        let below: Vec<&Command> = command.get_subcommands().filter(|c| c.get_name() != "help").collect();
        if !words.is_empty() && !command.is_subcommand_required_set() {
            out.insert(words.to_owned());
        }
        for command in below {
            verbs(command, format!("{words} {}", command.get_name()).trim_start(), out);
        }
    }

    #[test]
    fn every_command_is_in_one_class() {
        let mut there = BTreeSet::new();
        verbs(&Args::command(), "", &mut there);
        for words in &there {
            assert!(view::verbs::of_command(words).is_some(), "{words} is in no class: crates/view/src/verbs.rs");
        }
        let told = view::verbs::VERBS.iter().flat_map(|verb| verb.commands).map(|words| (*words).to_owned());
        assert_eq!(told.collect::<BTreeSet<_>>(), there);
    }
}
