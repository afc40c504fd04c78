//! Values of the smaller tables: apps, rules, sites, allowances, tokens. Plain.

use crate::PaymentId;
use plan::{AppId, Mode, Moment, Permit2AtSite, Site, Spending};
use tron::{Address, Amount, Network};

/// A paired program. Its token is stored as a SHA-256 hash: a token has 256 random bits, so neither salt nor
/// slow hashing nor constant-time lookup adds anything (an attacker can't steer the hash toward a stored one).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    pub id: AppId,
    pub name: String,
    pub paired_at: Moment,
    pub last_seen: Option<Moment>,
    pub revoked_at: Option<Moment>,
    pub blocked: bool,
    /// What was reserved or signed for it and not released, as [`Total::payments`]; questions that came to nothing are none.
    pub payments: u64,
}

pub struct NewApp<'a> {
    pub id: AppId,
    pub name: &'a str,
    /// What a person may read the name as: no two apps that may ask share one.
    pub readings: &'a [String],
    pub token_hash: [u8; 32],
}

/// What a rule is about. `site: None` is the app on all sites together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleKey {
    pub app: AppId,
    pub site: Option<Site>,
    pub network: Network,
    pub token: Address,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub key: RuleKey,
    pub mode: Mode,
    pub set_at: Moment,
    /// Counted over the last 24 hours.
    pub spent_day: Amount,
    /// Counted over the last 30 days.
    pub spent_month: Amount,
    pub frees: Frees,
}

/// When a limit has more room than now, because something leaves its window. `None`: it has no such window, or all of its
/// room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Frees {
    pub day: Option<Freed>,
    pub month: Option<Freed>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freed {
    pub at: Moment,
    /// How much more than now.
    pub more: Amount,
}

/// One token's sums, at one site or in total.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Total {
    pub network: Network,
    pub token: Address,
    /// As last paid; decimals are the table's or the contract's.
    pub symbol: String,
    pub decimals: u8,
    /// Payments that were reserved or signed and not released.
    pub payments: u64,
    /// What left: settlements that are seen or final.
    pub settled: Amount,
    /// What can still leave: reserved, unknown and failed attempts.
    pub open: Amount,
}

/// A site and what was paid there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteTotals {
    pub site: Site,
    pub blocked: bool,
    /// Its host is, with every scheme and port.
    pub host_blocked: bool,
    /// First and last counted payment.
    pub first: Option<Moment>,
    pub last: Option<Moment>,
    pub totals: Vec<Total>,
    /// The Permit2 deployments that it is paid through, by network.
    pub permit2: Vec<(Network, Permit2AtSite)>,
}

/// An address that was paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payee {
    pub network: Network,
    pub address: Address,
    /// Approved: reserved or signed, and not released.
    pub times: u64,
    pub since: Moment,
    pub last: Moment,
    /// Of these, what the chain has shown.
    pub settled: u64,
    pub settled_since: Option<Moment>,
}

/// Spending of one token between two moments of a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spent {
    pub network: Network,
    pub token: Address,
    pub amount: Amount,
}

/// An approving transaction, written down before it is broadcast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowanceIntent {
    /// Transaction id, 64 hex digits.
    pub tx: String,
    pub payment: PaymentId,
    pub network: Network,
    pub owner: Address,
    pub token: Address,
    pub spender: Address,
    pub amount: Amount,
    /// The signed transaction, hex: it can be broadcast again until it expires.
    pub signed_hex: String,
    /// After this the chain takes it no more.
    pub expires_at: Moment,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowance {
    pub intent: AllowanceIntent,
    pub at: Moment,
    pub outcome: Option<AllowanceOutcome>,
    pub outcome_at: Option<Moment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowanceOutcome {
    Confirmed {
        block: u64,
        fee_sun: u64,
    },
    Failed {
        reason: String,
    },
    /// It was never included and can't be any more.
    Expired,
}

/// The account that pays for an app, on all sites or on one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayerChoice {
    pub app: AppId,
    pub site: Option<Site>,
    pub account: Address,
}

/// A token that the person added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddedToken {
    pub network: Network,
    pub address: Address,
    pub symbol: String,
    pub decimals: u8,
    pub added_at: Moment,
}

/// Rules and spending that apply to one app, site and token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub rules: plan::Rules,
    pub spending: Spending,
    pub app_frees: Frees,
    pub site_frees: Frees,
}
