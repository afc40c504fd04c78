//! The person's rules, what was spent under them, and the verdict's shape. Plain values.

use tron::Amount;

/// Limits in a token's smallest unit; `None` means this window has no limit of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limit {
    pub per_payment: Option<Amount>,
    /// Over the last 24 hours.
    pub per_day: Option<Amount>,
    /// Over the last 30 days.
    pub per_month: Option<Amount>,
}

/// What a rule says to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// The default for everything.
    #[default]
    Ask,
    /// Answered without asking while every window holds.
    Allow(Limit),
    Block,
}

/// The rules that apply to one plan. An automatic payment needs both: the app's limit across all sites
/// (an app can invent its site) and the one for app × site × token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// For this app and token, on all sites together.
    pub app: Mode,
    /// For this app, site and token.
    pub site: Mode,
    /// This site is blocked for every app.
    pub site_blocked: bool,
    /// Its host is, with every scheme and port.
    pub host_blocked: bool,
}

/// What counts as spent in this token: signed, reserved and unknown alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spending {
    pub app_day: Amount,
    pub app_month: Amount,
    pub site_day: Amount,
    pub site_month: Amount,
}

impl Spending {
    pub const NONE: Spending =
        Spending { app_day: Amount::ZERO, app_month: Amount::ZERO, site_day: Amount::ZERO, site_month: Amount::ZERO };
}

/// Why a person is asked rather than a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    NoRule,
    /// A finding weighs too much for an automatic answer (its index in `Plan::findings`).
    Finding(usize),
    OverPerPayment {
        limit: Amount,
        asked: Amount,
    },
    OverDay {
        limit: Amount,
        spent: Amount,
        asked: Amount,
    },
    OverMonth {
        limit: Amount,
        spent: Amount,
        asked: Amount,
    },
    /// A limit would allow it, but the wallet is locked.
    Locked,
    /// The allowance transaction burns TRX: always asked.
    AllowanceNeeded,
}

/// Why nothing may be signed, whatever a person says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    AppBlocked,
    SiteBlocked,
    /// The site's host, with every scheme and port.
    HostBlocked,
    /// The permission's window ended before it could be signed.
    Expired,
    /// A finding forbids it (its index in `Plan::findings`).
    Finding(usize),
}

impl Refusal {
    /// A stable name: the rule's own, or that of the finding that forbids.
    pub fn code(&self, findings: &[crate::Finding]) -> &'static str {
        match self {
            Self::AppBlocked => "appBlocked",
            Self::SiteBlocked => "siteBlocked",
            Self::HostBlocked => "hostBlocked",
            Self::Expired => "expired",
            Self::Finding(index) => findings.get(*index).map_or("finding", |f| f.fact.code()),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Allow,
    Ask(Vec<Why>),
    Refuse(Refusal),
}
