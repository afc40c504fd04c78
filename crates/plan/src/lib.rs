//! What is about to be signed and by which rules, as plain values. Pure: no I/O, no clock, no key; it
//! refuses nothing by itself, `policy` judges.

pub mod digest;
mod figures;
pub mod finding;
pub mod history;
pub mod rules;
pub mod site;
pub mod time;

pub use digest::PlanDigest;
pub use finding::{Chosen, EarlierOutcome, Fact, Finding, Weight};
pub use history::{AskedToo, Earlier, History, Permit2AtSite, Recent};
pub use rules::{Covers, Limit, Mode, Refusal, Rules, Spending, Verdict, Why};
pub use site::{Provenance, Site};
pub use time::Moment;

use tron::{Address, Amount, Network};

/// Who asks: a paired app, or the owner at the command line or window.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppId(pub String);

impl AppId {
    /// The owner's own command line, which pays without pairing but never without asking.
    pub fn owner() -> Self {
        Self("owner".to_owned())
    }
}

/// The HTTP request that met the 402. The URL's secrets (userinfo, query values that look like keys) are
/// redacted before it comes here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    pub url: String,
    pub path: String,
}

/// A token as the plan knows it. `decimals` come from the table or the contract, never from the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRef {
    pub address: Address,
    /// From the table when `known`, otherwise the contract's own claim or empty.
    pub symbol: String,
    pub decimals: u8,
    pub known: bool,
}

/// A facilitator's fee inside the signed message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fee {
    pub to: Address,
    pub amount: Amount,
}

/// For what an address is named in what is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    Payee,
    /// Gets the facilitator's fee.
    Fee,
    /// Alone may have the payment settled.
    Caller,
}

/// The allowance that the payment's contract needs and lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowanceNeed {
    pub spender: Address,
    pub have: Amount,
    pub need: Amount,
    /// Most TRX that the approving transaction can burn, in sun.
    pub cost_sun: u64,
}

/// When the permission is valid, seconds since 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub valid_after: u64,
    pub valid_before: u64,
}

/// Where the payer chooses the window, it begins so many seconds before the yes: clocks differ.
pub const BACKDATED_SECS: u64 = 600;

/// Everything a person has to see and a key would sign, before it is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub app: AppId,
    pub site: Site,
    /// How it is known that the request went to `site`.
    pub provenance: Provenance,
    pub request: Request,
    /// SHA-256 of the raw 402 document.
    pub document: [u8; 32],
    /// Which entry of `accepts`.
    pub option: usize,
    pub scheme: x402::Scheme,
    pub network: Network,
    pub payer: Address,
    pub payee: Address,
    pub token: TokenRef,
    /// The contract that settles what is signed; with Permit2 its proxy, which decides the deployment.
    pub contract: Address,
    pub price: Amount,
    pub fee: Option<Fee>,
    /// Who alone may have it settled, where the signed message names one.
    pub caller: Option<Address>,
    /// Most that can leave: price and fee.
    pub maximum: Amount,
    /// Where the payer chooses it ([`Plan::lifetime`]) it is as of the plan, and moves to the yes.
    pub window: Window,
    pub allowance: Option<AllowanceNeed>,
    pub balance: Option<Amount>,
    pub findings: Vec<Finding>,
    /// The site's words: `resource.description`, untrusted.
    pub site_words: Option<String>,
    /// The app's words: `reason`, untrusted.
    pub app_words: Option<String>,
}

impl Plan {
    /// Seconds from the yes until the permission ends, where the payer chooses; `None` where the 402 dictates the
    /// window.
    pub fn lifetime(&self) -> Option<u64> {
        let Window { valid_after, valid_before } = self.window;
        self.scheme.payer_chooses().then(|| valid_before.saturating_sub(valid_after).saturating_sub(BACKDATED_SECS))
    }

    /// Everybody that the signed message gives something to: money, a fee, or the say over when it is settled.
    pub fn recipients(&self) -> impl Iterator<Item = (Role, Address)> {
        let fee = self.fee.as_ref().map(|fee| (Role::Fee, fee.to));
        [Some((Role::Payee, self.payee)), fee, self.caller.map(|caller| (Role::Caller, caller))].into_iter().flatten()
    }

    /// The heaviest finding's weight.
    pub fn weight(&self) -> Weight {
        self.findings.iter().map(|f| f.weight).max().unwrap_or(Weight::Good)
    }
}
