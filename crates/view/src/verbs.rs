//! What the owner's doors can do: every verb of the control socket, the window and the command line, each in one class,
//! with what it takes to prove that a person wants it. Each door has a test that walks all of its verbs and fails for one
//! that is not here. Does nothing by itself.

/// What a verb does to what may happen. What it takes besides is in [`Verb::proof`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Tells something, and asks a node or a web page at most.
    Reads,
    /// Takes something away, or touches the owner's own words alone: nothing more may be paid after it.
    Narrows,
    /// Lets more be paid, by more, from elsewhere, or for longer.
    Widens,
    /// Its effect is not taken back: signs, sends, shows a secret, removes, writes a file, begins long work.
    ActsOutside,
}

impl Class {
    /// Whether somebody has to prove to be the owner.
    pub const fn takes_proof(self) -> bool {
        matches!(self, Self::Widens | Self::ActsOutside)
    }
}

/// How a person proves to want a verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// It reads or narrows.
    Nothing,
    /// The passphrase, typed for this very call, whether the wallet is unlocked or not. It unlocks nothing.
    Passphrase,
    /// The passphrase, except where it only narrows: the words say when.
    PassphraseUnless(&'static str),
    /// Something else, which the words say.
    Other(&'static str),
}

/// One verb as the doors have it.
#[derive(Clone, Copy, Debug)]
pub struct Verb {
    pub class: Class,
    pub needs: Needs,
    /// `POST /v1/{name}` on the control socket.
    pub socket: Option<&'static str>,
    /// The command that the windows call.
    pub window: Option<&'static str>,
    /// Words of the command line.
    pub commands: &'static [&'static str],
}

const fn verb(
    class: Class,
    needs: Needs,
    socket: Option<&'static str>,
    window: Option<&'static str>,
    commands: &'static [&'static str],
) -> Verb {
    Verb { class, needs, socket, window, commands }
}

/// The verb with this name on the control socket.
pub fn of_socket(name: &str) -> Option<&'static Verb> {
    VERBS.iter().find(|verb| verb.socket == Some(name))
}

/// The verb behind this command of the windows.
pub fn of_window(name: &str) -> Option<&'static Verb> {
    VERBS.iter().find(|verb| verb.window == Some(name))
}

/// The verb behind these words of the command line, "ledger export".
pub fn of_command(words: &str) -> Option<&'static Verb> {
    VERBS.iter().find(|verb| verb.commands.contains(&words))
}

use Class::{ActsOutside, Narrows, Reads, Widens};
use Needs::{Nothing, Other, Passphrase, PassphraseUnless};

const FIRST: &str = "there is no wallet yet: this makes it, with a passphrase of its own";
const CALLER: &str = "the command does it by itself, as whoever typed it; no running Countersign is asked";

/// All of them.
pub const VERBS: &[Verb] = &[
    // Looking.
    verb(
        Reads,
        Nothing,
        Some("status"),
        Some("status"),
        &["status", "accounts", "accounts list", "settings", "keyring"],
    ),
    verb(Reads, Nothing, Some("accounts-on"), None, &[]),
    verb(Reads, Nothing, Some("check-nodes"), Some("check_nodes"), &["node"]),
    verb(Reads, Nothing, Some("payers"), Some("payers"), &["accounts payers"]),
    verb(Reads, Nothing, Some("questions"), Some("questions"), &[]),
    verb(Reads, Nothing, Some("question"), None, &[]),
    verb(Reads, Nothing, Some("check-answer"), None, &[]),
    verb(Reads, Nothing, Some("choices"), Some("choices"), &[]),
    verb(Reads, Nothing, None, Some("dangers"), &[]),
    verb(Reads, Nothing, Some("payments"), Some("payments"), &["ledger"]),
    verb(Reads, Nothing, Some("payment"), Some("payment"), &[]),
    verb(Reads, Nothing, Some("export-stream"), None, &["ledger export"]),
    verb(Reads, Nothing, Some("events"), None, &[]),
    verb(Reads, Nothing, Some("totals"), None, &["ledger totals"]),
    verb(Reads, Nothing, Some("upkeep"), Some("upkeep"), &[]),
    verb(Reads, Nothing, Some("removed"), Some("removed"), &[]),
    verb(Reads, Nothing, Some("tags"), Some("tags"), &["ledger tags"]),
    verb(Reads, Nothing, Some("summary"), Some("summary"), &[]),
    verb(Reads, Nothing, Some("sites"), Some("sites"), &["sites"]),
    verb(Reads, Nothing, Some("site"), Some("site"), &[]),
    verb(Reads, Nothing, Some("rules"), None, &["limits"]),
    verb(Reads, Nothing, Some("tokens"), Some("tokens"), &["tokens"]),
    verb(Reads, Nothing, Some("apps"), Some("apps"), &["apps"]),
    verb(Reads, Nothing, Some("pairings"), Some("pairings"), &["pairings"]),
    verb(Reads, Nothing, Some("check"), None, &[]),
    verb(Reads, Nothing, Some("await-payment"), None, &[]),
    verb(Reads, Nothing, None, Some("inspect"), &["inspect"]),
    verb(Reads, Nothing, None, Some("look_up"), &[]),
    verb(Reads, Nothing, None, Some("fetch_url"), &[]),
    verb(Reads, Nothing, None, Some("export"), &[]),
    verb(Reads, Nothing, None, Some("suggest_export_path"), &[]),
    // The windows themselves. What is shown there answers nothing.
    verb(Reads, Nothing, None, Some("touch"), &[]),
    verb(Reads, Nothing, None, Some("open_window"), &[]),
    verb(Reads, Nothing, None, Some("close_window"), &[]),
    verb(Reads, Nothing, None, Some("open_errand"), &[]),
    verb(Reads, Nothing, None, Some("errand"), &[]),
    verb(Reads, Nothing, None, Some("shown"), &[]),
    verb(Reads, Nothing, None, Some("choose_export_path"), &[]),
    verb(Reads, Nothing, None, Some("confirm"), &[]),
    // A first wallet.
    verb(Reads, Nothing, Some("new-words"), Some("new_words"), &[]),
    verb(Reads, Nothing, None, Some("check_import"), &[]),
    verb(Narrows, Nothing, Some("discard-words"), Some("discard_words"), &[]),
    verb(Widens, Other(FIRST), Some("confirm-words"), Some("confirm_words"), &["init"]),
    verb(Widens, Other(FIRST), Some("import-words"), Some("import_words"), &[]),
    // Locking and unlocking.
    verb(Narrows, Nothing, Some("lock"), Some("lock"), &["lock"]),
    verb(Widens, Passphrase, Some("unlock"), Some("unlock"), &["unlock"]),
    verb(
        Widens,
        Other("the keyring of this computer, where its owner turned that on with the passphrase"),
        Some("unlock-remembered"),
        Some("unlock_remembered"),
        &[],
    ),
    verb(Widens, Passphrase, Some("remember-unlock"), Some("remember_unlock"), &["keyring on"]),
    verb(Narrows, Nothing, Some("forget-unlock"), Some("forget_unlock"), &["keyring off"]),
    verb(Widens, Passphrase, Some("change-passphrase"), Some("change_passphrase"), &["passphrase"]),
    verb(
        Widens,
        Other("the words of this wallet, where the passphrase is lost"),
        Some("restore-words"),
        Some("restore_words"),
        &["restore"],
    ),
    verb(Widens, Passphrase, Some("set-auto-lock"), Some("set_auto_lock"), &["settings auto-lock"]),
    // Accounts, and who pays.
    verb(Widens, Passphrase, Some("add-account"), Some("add_account"), &["accounts add"]),
    verb(Widens, Passphrase, Some("watch-account"), Some("watch_account"), &["accounts watch"]),
    verb(Widens, Passphrase, Some("import-key"), Some("import_key"), &["accounts import"]),
    verb(Widens, Passphrase, Some("import-keystore"), Some("import_keystore"), &[]),
    verb(Widens, Passphrase, Some("rename-account"), Some("rename_account"), &["accounts rename"]),
    verb(Widens, Passphrase, Some("hide-account"), Some("hide_account"), &["accounts hide", "accounts show"]),
    verb(Widens, Passphrase, Some("place-account"), Some("place_account"), &["accounts move"]),
    verb(Widens, Passphrase, Some("use-account"), Some("use_account"), &["accounts use"]),
    verb(Widens, Passphrase, Some("choose-payer"), Some("choose_payer"), &[]),
    verb(ActsOutside, Passphrase, Some("remove-account"), Some("remove_account"), &["accounts remove"]),
    verb(ActsOutside, Passphrase, Some("reveal-words"), Some("reveal_words"), &["accounts words"]),
    verb(ActsOutside, Passphrase, Some("reveal-key"), Some("reveal_key"), &["accounts export"]),
    verb(ActsOutside, Passphrase, Some("export-keystore"), Some("save_keystore"), &[]),
    // Questions.
    verb(
        ActsOutside,
        PassphraseUnless(
            "it says no; and in the window a yes to one payment takes an unlocked wallet and a button that armed",
        ),
        Some("answer"),
        Some("answer"),
        &["answer"],
    ),
    verb(Narrows, Nothing, Some("reject-app"), Some("reject_app"), &["apps reject"]),
    verb(Narrows, Nothing, Some("choose"), Some("choose"), &[]),
    verb(Narrows, Nothing, Some("choose-permit2"), Some("choose_permit2"), &[]),
    verb(Narrows, Nothing, None, Some("dismiss_danger"), &[]),
    verb(
        ActsOutside,
        Other("it always asks, whatever the limits say: the answer to its question takes the passphrase"),
        Some("pay"),
        None,
        &["pay"],
    ),
    verb(Narrows, Nothing, Some("cancel"), None, &[]),
    verb(Narrows, Nothing, Some("report"), None, &[]),
    // Limits, sites, apps, tokens.
    verb(
        Widens,
        PassphraseUnless("it asks or blocks where there was no block before"),
        Some("set-rule"),
        Some("set_rule"),
        &["limits set", "limits ask", "limits block"],
    ),
    verb(Widens, PassphraseUnless("the rule was no block"), Some("remove-rule"), None, &["limits remove"]),
    verb(
        Widens,
        PassphraseUnless("it blocks"),
        Some("block-site"),
        Some("block_site"),
        &["sites block", "sites unblock"],
    ),
    verb(
        Widens,
        PassphraseUnless("it says no"),
        Some("answer-pairing"),
        Some("answer_pairing"),
        &["pairings approve", "pairings reject"],
    ),
    verb(Narrows, Nothing, Some("revoke-app"), Some("revoke_app"), &["apps revoke"]),
    verb(Widens, Passphrase, Some("add-token"), Some("add_token"), &["tokens add"]),
    verb(Narrows, Nothing, Some("remove-token"), Some("remove_token"), &["tokens remove"]),
    verb(Widens, Passphrase, Some("set-permit2"), Some("set_permit2"), &["settings permit2"]),
    // The record.
    verb(Narrows, Nothing, Some("set-note"), Some("set_note"), &["ledger note", "ledger tag"]),
    verb(Narrows, Nothing, Some("rename-tag"), Some("rename_tag"), &["ledger rename-tag"]),
    verb(ActsOutside, PassphraseUnless("it only counts"), Some("start-prune"), Some("start_prune"), &["ledger prune"]),
    verb(ActsOutside, Passphrase, Some("start-vacuum"), Some("start_vacuum"), &["ledger vacuum"]),
    verb(Widens, Passphrase, Some("redate-ledger"), None, &["ledger redate"]),
    verb(Narrows, Nothing, Some("cancel-upkeep"), Some("cancel_upkeep"), &[]),
    verb(
        ActsOutside,
        Other("the person chose the file in the system's dialog, or it is a new one in the downloads folder"),
        None,
        Some("start_export"),
        &[],
    ),
    verb(Narrows, Nothing, None, Some("cancel_export"), &[]),
    verb(Widens, Passphrase, None, Some("begin_new_record"), &[]),
    // What the command line does without a running Countersign.
    verb(ActsOutside, Other("it holds the wallet, locked until the passphrase comes"), None, None, &["serve"]),
    verb(ActsOutside, Other(CALLER), None, None, &["support"]),
    verb(ActsOutside, Other("a wallet of its own on a chain inside the program"), None, None, &["demo"]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn whatever_widens_or_acts_outside_takes_a_proof_and_the_rest_takes_none() {
        for verb in VERBS {
            assert_eq!(verb.class.takes_proof(), verb.needs != Nothing, "{verb:?}");
        }
    }

    #[test]
    fn a_name_stands_for_one_verb() {
        let mut seen = BTreeSet::new();
        for verb in VERBS {
            let names = verb.socket.iter().map(|n| ("socket", *n)).chain(verb.window.iter().map(|n| ("window", *n)));
            for name in names.chain(verb.commands.iter().map(|n| ("command line", *n))) {
                assert!(seen.insert(name), "{name:?} stands there twice");
            }
        }
    }
}
