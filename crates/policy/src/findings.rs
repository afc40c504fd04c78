//! What is odd, or reassuring, about a payment that is being planned: facts with a weight. Judges nothing.

use crate::looks_alike;
use plan::{Fact, Fee, Finding, History, Moment, Site, TokenRef, Weight, Window};
use tron::token::{self, Standing};
use tron::{Address, Amount, Network};

/// A fee above this share of the price is worth a look.
pub const FEE_SHARE_PERCENT: u64 = 10;
/// A price above this many times the site's usual one is worth a look.
pub const PRICE_FACTOR: u64 = 3;
/// A permission that lives longer than an hour is worth a look; servers ask for five to ten minutes.
pub const DEADLINE_FAR_SECS: u64 = 3600;
/// Clocks differ: a permission may begin this much later than now.
const EARLY_SECS: u64 = 60;
/// The same purchase within a minute may be a retry.
pub const JUST_NOW_MS: i64 = 60_000;

/// What is known about a payment before anything is found about it.
#[derive(Clone, Debug)]
pub struct Draft<'a> {
    /// Where the request went.
    pub site: &'a Site,
    /// The request's URL, redacted as in `plan.request.url`.
    pub request_url: &'a str,
    /// `resource.url` (or its older place) as the 402 claims it.
    pub claimed_resource: Option<&'a str>,
    pub network: Network,
    /// Decimals and symbol from the table or the contract.
    pub token: &'a TokenRef,
    /// The person added this token themselves.
    pub token_added: bool,
    /// The server's own words for the token.
    pub claimed_symbol: Option<&'a str>,
    pub claimed_decimals: Option<u64>,
    /// The verifying contract.
    pub contract: Address,
    /// The registry knows the contract in the role that this scheme needs.
    pub contract_known: bool,
    /// The scheme needs a caller (facilitator) and the 402 names none.
    pub caller_missing: bool,
    pub payer: Address,
    pub payee: Address,
    pub price: Amount,
    pub fee: Option<&'a Fee>,
    /// Most that can leave.
    pub maximum: Amount,
    pub window: Window,
    /// The contract moves the tokens by an allowance.
    pub needs_allowance: bool,
}

/// What the chain said; `None` = no answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChainFacts {
    pub balance: Option<Amount>,
    /// Not looked at unless the draft needs one.
    pub allowance: Option<Amount>,
    pub nonce_used: Option<bool>,
}

/// Everything worth knowing about `draft`, heaviest first.
pub fn findings(draft: &Draft<'_>, history: &History, chain: &ChainFacts, now: Moment) -> Vec<Finding> {
    let _ = (draft, history, chain, now, looks_alike, Standing::Current, token::all(), EARLY_SECS);
    let _: Option<(Fact, Weight)> = None;
    Vec::new()
}
