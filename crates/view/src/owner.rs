//! What the owner sees and steers: status, accounts, apps, pairings, sites, rules and totals.

use crate::{AddressView, CoversView, LimitBarView, MoneyView, PaymentPage};
use serde::{Deserialize, Serialize};
use specta::Type;
use utoipa::ToSchema;

/// The wallet at a glance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatusView {
    pub version: String,
    /// "main" or "devnet".
    pub profile: String,
    /// The devnet profile: play money on the chain inside this program.
    pub practice: bool,
    pub data_dir: String,
    /// No vault yet: first run.
    pub empty: bool,
    pub locked: bool,
    /// Minutes without use after which it locks; 0 = never.
    pub auto_lock_minutes: u32,
    pub remembered: RememberedView,
    /// The Permit2 deployments of this network, and which one is signed for.
    pub permit2: Vec<Permit2View>,
    pub accounts: Vec<AccountView>,
    pub open_questions: u32,
    pub open_pairings: u32,
    /// Where the port listens, "127.0.0.1:4020"; absent until it does.
    pub port: Option<String>,
    pub network: String,
    /// The ledger does not take rows (disk full, read-only): nothing is signed.
    pub ledger_failure: Option<String>,
    /// Wrong passphrases since the last right one.
    pub wrong_passphrases: u32,
    /// Seconds until the next passphrase is taken; 0: now.
    pub passphrase_wait: u32,
    /// This computer's clock is minutes off the network's newest block, in a sentence: nothing is paid without asking.
    pub clock: Option<String>,
    /// The record ends in the future, or long before this computer's time, in a sentence.
    pub record: Option<String>,
}

/// What was dated as of now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RedatedView {
    /// Payments that lay ahead.
    pub payments: u32,
    /// The newest moment that was on record.
    pub from: String,
    pub to: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountView {
    pub name: String,
    pub address: AddressView,
    pub kind: AccountKindView,
    /// Kept, but not offered.
    pub hidden: bool,
    /// Pays where nothing else was chosen.
    pub pays: bool,
    /// TRX first, then known tokens with a balance; empty when the node did not answer.
    pub balances: Vec<MoneyView>,
    /// Why the balances are not known, in words.
    pub balance_failure: Option<String>,
}

/// What a person brings to a wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum BroughtView {
    Words,
    Key,
    Keystore,
}

/// Where an account's key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum AccountKindView {
    /// It comes from the words.
    Derived,
    /// It was brought along: it is in no words.
    Imported,
    /// Not here: the address is looked at and never signs.
    Watched,
}

/// Whether the keyring of this computer remembers the unlock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RememberedView {
    pub way: RememberedWay,
    /// Why the keyring did not help when it was last asked.
    pub problem: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum RememberedWay {
    /// The passphrase, every time.
    Never,
    /// The keyring, when asked to.
    WhenAsked,
    /// And at a start without being asked.
    AtStart,
}

/// A deployment of Permit2, for payments by `exact`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Permit2View {
    /// "first" or "second".
    pub name: String,
    /// The proxy for `exact`: the main network's sets share their Permit2.
    pub contract: AddressView,
    pub chosen: bool,
}

/// The account that was chosen for an app, on all sites or on one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PayerView {
    pub app_id: String,
    pub app_name: String,
    /// Absent: on all sites.
    pub site_key: Option<String>,
    /// Base58.
    pub account: String,
    pub account_name: String,
}

/// Words that exist already, shown to their owner once more.
#[derive(Clone, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct WordsView {
    pub words: Vec<String>,
}

/// What became of a wallet whose passphrase was lost.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct RestoredView {
    pub status: StatusView,
    /// Where the file with the old passphrase was kept.
    pub kept: String,
}

/// Words of a new wallet, shown once, and which ones will be asked back (1-based).
#[derive(Clone, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct NewWordsView {
    pub words: Vec<String>,
    pub ask: Vec<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppView {
    pub id: String,
    pub name: String,
    pub paired_at: String,
    pub last_seen: Option<String>,
    pub revoked: bool,
    pub payments: u32,
    pub limits: Vec<RuleView>,
}

/// A token that the person added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenView {
    pub network: String,
    pub token: AddressView,
    /// As the contract claimed when it was added.
    pub symbol: String,
    pub decimals: u8,
    pub added_at: String,
}

/// An app that wants to be paired. The person compares the code with what the app shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PairingView {
    pub id: String,
    /// The app's own words for itself, made safe to show.
    pub name: String,
    pub code: String,
    pub expires_at: String,
}

/// What a rule says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum ModeView {
    Ask,
    /// Whole units.
    #[serde(rename_all = "camelCase")]
    Allow {
        per_payment: Option<String>,
        per_day: Option<String>,
        per_month: Option<String>,
        covers: CoversView,
    },
    Block,
}

/// A rule for app × site × token, or for the app across all sites when `site_key` is absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RuleView {
    pub app_id: String,
    pub app_name: String,
    pub site_key: Option<String>,
    pub network: String,
    /// Base58 of the token.
    pub token: String,
    pub symbol: String,
    pub mode: ModeView,
    pub bars: Vec<LimitBarView>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SiteView {
    pub site: String,
    pub site_key: String,
    pub payments: u32,
    /// What left, per token.
    pub totals: Vec<MoneyView>,
    pub first_at: String,
    pub last_at: String,
    /// This scheme, host and port.
    pub blocked: bool,
    /// The host, with every scheme and port.
    pub host_blocked: bool,
    /// The Permit2 deployments that it is paid through, a sentence for each network.
    pub permit2: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SiteDetailView {
    pub site: SiteView,
    pub rules: Vec<RuleView>,
    pub payees: Vec<PayeeView>,
    pub days: Vec<DayView>,
    pub payments: PaymentPage,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PayeeView {
    pub address: AddressView,
    /// Settlements that the chain has shown; 0: approved, and nothing settled yet.
    pub times: u32,
    pub since: String,
}

/// One day's spending in one token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DayView {
    /// "2026-11-22", UTC.
    pub day: String,
    pub amount: MoneyView,
    /// Share of the largest day shown, 0 to 100.
    pub percent: u32,
}

/// The top of the activity page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SummaryView {
    /// Totals of the last 30 days, per token.
    pub totals: Vec<MoneyView>,
    /// The last 30 days of the main token.
    pub days: Vec<DayView>,
    /// Where it went, largest first.
    pub sites: Vec<SiteShareView>,
    /// Limits closest to full.
    pub limits: Vec<LimitBarView>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SiteShareView {
    pub site: String,
    pub site_key: String,
    pub amount: MoneyView,
    pub percent: u32,
}
