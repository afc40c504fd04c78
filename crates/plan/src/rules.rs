//! The person's rules, what was spent under them, and the verdict's shape. Plain values.

use crate::Provenance;
use tron::Amount;

/// Which payments a limit answers for: an app can invent the site that it names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Covers {
    /// Also where only the app says that it asked the site.
    #[default]
    ClaimedAndVerified,
    /// Only where the wallet asked the site itself.
    VerifiedOnly,
}

impl Covers {
    /// As much as the payment that a limit is given for: after a verified one, verified ones.
    pub fn like(provenance: Provenance) -> Self {
        match provenance {
            Provenance::Verified => Self::VerifiedOnly,
            Provenance::Claimed | Provenance::NotRecorded => Self::ClaimedAndVerified,
        }
    }

    pub fn covers(self, provenance: Provenance) -> bool {
        self == Self::ClaimedAndVerified || provenance == Provenance::Verified
    }
}

/// Limits in a token's smallest unit; `None` means this window has no limit of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limit {
    pub per_payment: Option<Amount>,
    /// Over the last 24 hours.
    pub per_day: Option<Amount>,
    /// Over the last 30 days.
    pub per_month: Option<Amount>,
    pub covers: Covers,
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

impl Rules {
    /// What of these forbids a payment, whatever a person says; the widest block is the one that is told.
    pub fn blocked(&self) -> Option<Refusal> {
        match self {
            Self { app: Mode::Block, .. } => Some(Refusal::AppBlocked),
            Self { site_blocked: true, .. } => Some(Refusal::SiteBlocked),
            Self { host_blocked: true, .. } => Some(Refusal::HostBlocked),
            Self { site: Mode::Block, .. } => Some(Refusal::RuleBlocked),
            _ => None,
        }
    }
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
    /// The limit answers for verified sites only, and this one is claimed.
    SiteClaimed,
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
    /// The app, everywhere: a rule, a block, or its pairing was taken back.
    AppBlocked,
    /// The site, for every app.
    SiteBlocked,
    /// The site's host, with every scheme and port.
    HostBlocked,
    /// This app at this site in this token; neither is blocked by itself.
    RuleBlocked,
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
            Self::RuleBlocked => "ruleBlocked",
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
