//! What is odd, or reassuring, about a payment that is being planned: facts with a weight. Judges nothing.

use crate::looks_alike;
use names::{WebUrl, hosts_resemble};
use plan::{
    Earlier, EarlierOutcome, Fact, Fee, Finding, History, Moment, Permit2AtSite, Recent, Role, Site, TokenRef, Weight,
    Window,
};
use tron::token::{self, Standing};
use tron::{Address, Amount, Network, registry};

/// A fee above this share of the price is worth a look.
pub const FEE_SHARE_PERCENT: u64 = 10;
/// A price above this many times the site's usual one is worth a look.
pub const PRICE_FACTOR: u64 = 3;
/// A permission that lives longer than an hour is worth a look; servers ask for five to ten minutes.
pub const DEADLINE_FAR_SECS: u64 = 3600;
/// Nothing is signed that stays usable for longer: what it may still take would be forgotten.
pub const DEADLINE_MOST_SECS: u64 = 30 * 86_400;
/// Clocks differ: a permission that begins this much later than now is no reason to ask a person.
pub const EARLY_SECS: u64 = 60;
/// Blocks come every three seconds; a clock that is this far from the newest one is off by minutes.
pub const CLOCK_OFF_SECS: u64 = 120;
/// Facilitators want at least this much left before the end.
const SETTLE_SECS: i64 = 6;
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

/// What a token said about payments by its own `transferWithAuthorization`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TokenSays {
    /// It was not asked: the scheme does not need it, or no node answered.
    #[default]
    Nothing,
    /// It signs under the domain that the server claims.
    Fits,
    /// It has no such function.
    CannotAuthorize,
    /// Name and version, as the server claims them and as the token states them.
    OtherDomain { claimed: (String, String), stated: (Option<String>, Option<String>) },
}

/// What a trial run of moving the tokens came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Trial {
    /// It was not made, or no node answered.
    #[default]
    Unknown,
    Goes,
    /// The token moves for nobody.
    Paused,
    /// The token has blocked the payer.
    Blocked,
    /// For the token's own reason.
    Fails {
        reason: String,
    },
}

/// Whether the payer's account can send the transaction that gives a missing allowance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The chain knows the account.
    pub active: bool,
    /// The key signs for it alone.
    pub own_key: bool,
    pub trx_sun: u64,
    /// Most TRX that the transaction takes beside energy and bandwidth of the account.
    pub takes_sun: u64,
}

/// What the chain said; `None` = no answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChainFacts {
    pub balance: Option<Amount>,
    /// Not looked at unless the draft needs one.
    pub allowance: Option<Amount>,
    pub nonce_used: Option<bool>,
    pub token: TokenSays,
    pub trial: Trial,
    /// Not looked at unless an allowance is missing.
    pub sender: Option<Sender>,
    /// Milliseconds by which this machine's clock is ahead of the newest block; below zero it is behind. Without it no
    /// permission can be dated.
    pub clock_ahead_ms: Option<i64>,
}

/// Everything worth knowing about `draft`, heaviest first. `now` is the newest block's time where one is known.
pub fn findings(draft: &Draft<'_>, history: &History, chain: &ChainFacts, now: Moment) -> Vec<Finding> {
    let mut found = Found(Vec::new());
    token(draft, &mut found);
    contract(draft, chain, &mut found);
    permit2(draft, &history.permit2, &mut found);
    clock(draft.window, now, chain, &mut found);
    window(draft.window, now, &mut found);
    record(history, now, &mut found);
    payee(draft, history, &mut found);
    others(history, &mut found);
    site(draft, history, &mut found);
    price(draft, history, &mut found);
    resource(draft, &mut found);
    balances(draft, chain, &mut found);
    trial(&chain.trial, &mut found);
    if let Some(recent) = &history.same_resource {
        let ago = now.since(recent.at).max(0);
        // Delivered and asked again is a second purchase; not delivered and asked again looks like a retry.
        let (weight, earlier) = match recent {
            Recent { delivered: true, .. } => (Weight::Note, EarlierOutcome::Paid),
            // A timeout is no answer, and a seller's "failed" is its word: until the first is settled or dead, the
            // second may pay for the same twice.
            Recent { unknown: true, .. } => (Weight::Warn, EarlierOutcome::Unknown),
            Recent { refused: true, .. } => (Weight::Warn, EarlierOutcome::Refused),
            _ => (Weight::Warn, EarlierOutcome::Paid),
        };
        if ago <= JUST_NOW_MS || earlier != EarlierOutcome::Paid {
            let seconds_ago = u64::try_from(ago / 1000).unwrap_or(0);
            found.add(weight, Fact::PaidJustNow { seconds_ago, payment: recent.payment.clone(), earlier });
        }
    }
    if let Some(asked) = &history.asked_too {
        // One app that asks twice may be trying again. What another one asks stops no limit.
        let weight = if asked.same_app { Weight::Warn } else { Weight::Note };
        let seconds_ago = u64::try_from(now.since(asked.at).max(0) / 1000).unwrap_or(0);
        let (payment, same_app) = (asked.payment.clone(), asked.same_app);
        found.add(weight, Fact::AskedToo { seconds_ago, payment, same_app });
    }
    // Last, so that it never stands beside a reason to look.
    if found.0.iter().all(|f| f.weight < Weight::Warn) && draft.token.known {
        found.add(Weight::Good, Fact::AllKnown);
    }
    if draft.network.is_test() {
        found.add(Weight::Note, Fact::TestMoney);
    }
    // Stable: within a weight the order above is the order of importance.
    found.0.sort_by_key(|f| std::cmp::Reverse(f.weight));
    found.0
}

struct Found(Vec<Finding>);

impl Found {
    fn add(&mut self, weight: Weight, fact: Fact) {
        self.0.push(Finding { weight, fact });
    }
}

fn token(draft: &Draft<'_>, found: &mut Found) {
    let address = draft.token.address;
    let known = token::lookup(draft.network, address);
    if known.is_some_and(|t| t.standing == Standing::Older) {
        found.add(Weight::Warn, Fact::TokenOlder);
    }
    if known.is_none() {
        // A token that the person added is theirs to pay; it still never gets the table's reassurance.
        let (stop, note) = if draft.token_added { (Weight::Warn, Weight::Note) } else { (Weight::Stop, Weight::Stop) };
        let of_network = || token::all().iter().filter(|t| t.network == draft.network);
        if let Some(like) = of_network().find(|t| looks_alike(&t.address, &address)) {
            found.add(stop, Fact::TokenLooksLike { known: like.address, symbol: like.symbol.to_owned() });
        }
        let claims = [draft.claimed_symbol.unwrap_or_default(), &draft.token.symbol].map(plain);
        let real = of_network().find(|t| t.standing == Standing::Current && claims.iter().any(|c| c == t.symbol));
        found.add(
            note,
            Fact::TokenUnknown {
                claimed_symbol: draft.claimed_symbol.map(str::to_owned),
                claimed_decimals: draft.claimed_decimals.and_then(|d| u8::try_from(d).ok()),
                real: real.map(|t| t.address),
            },
        );
    }
    if let Some(claimed) = draft.claimed_decimals
        && claimed != u64::from(draft.token.decimals)
    {
        found.add(Weight::Warn, Fact::DecimalsClaimed { claimed, real: draft.token.decimals });
    }
}

/// A symbol as a person reads it: letters and digits, upper case, the common look-alikes folded.
fn plain(symbol: &str) -> String {
    let fold = |c: char| match c {
        '₮' | 'Т' | 'т' | 'Τ' => 'T',
        'Ѕ' | 'ѕ' => 'S',
        'С' | 'с' | 'Ϲ' => 'C',
        c => c,
    };
    symbol.chars().map(fold).filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}

fn contract(draft: &Draft<'_>, chain: &ChainFacts, found: &mut Found) {
    if !draft.contract_known {
        let contract = draft.contract;
        let superseded = matches!(registry::role(draft.network, contract), Some(registry::Role::Superseded(_)));
        let fact = match superseded {
            true => Fact::ContractSuperseded { contract },
            false => Fact::ContractUnknown { contract },
        };
        found.add(Weight::Stop, fact);
    }
    if draft.caller_missing {
        found.add(Weight::Stop, Fact::CallerMissing);
    }
    match &chain.token {
        TokenSays::Nothing | TokenSays::Fits => {}
        TokenSays::CannotAuthorize => found.add(Weight::Stop, Fact::TokenCannotAuthorize),
        TokenSays::OtherDomain { claimed: (claimed_name, claimed_version), stated: (name, version) } => {
            let (claimed_name, claimed_version) = (claimed_name.clone(), claimed_version.clone());
            let (name, version) = (name.clone(), version.clone());
            found.add(Weight::Stop, Fact::DomainDiffers { claimed_name, claimed_version, name, version });
        }
    }
    if chain.nonce_used == Some(true) {
        found.add(Weight::Stop, Fact::NonceUsed);
    }
}

/// A facilitator knows one of the network's Permit2 deployments: what it refused, or never settled through, is looked
/// at by a person.
fn permit2(draft: &Draft<'_>, at: &Permit2AtSite, found: &mut Found) {
    let sets = &registry::deployments(draft.network).permit2;
    let Some(set) = sets.iter().find(|set| set.exact_proxy == draft.contract).map(|set| set.name) else { return };
    let other = sets.iter().map(|other| other.name).find(|other| *other != set);
    if let (Some(other), true) = (other, at.refused.as_deref() == Some(set)) {
        let (set, other) = (set.to_owned(), other.to_owned());
        found.add(Weight::Warn, Fact::Permit2Refused { set, other });
    } else if let Some(before) = at.settled.as_ref().or(at.refused.as_ref()).filter(|before| *before != set) {
        found.add(Weight::Warn, Fact::Permit2Changed { set: set.to_owned(), before: before.clone() });
    }
}

fn window(window: Window, now: Moment, found: &mut Found) {
    let now = now.secs();
    if window.valid_before <= now {
        found.add(Weight::Stop, Fact::DeadlinePassed { seconds_ago: now - window.valid_before });
    } else if window.valid_before - now > DEADLINE_FAR_SECS {
        let seconds = window.valid_before - now;
        let weight = if seconds > DEADLINE_MOST_SECS { Weight::Stop } else { Weight::Warn };
        found.add(weight, Fact::DeadlineFar { seconds });
    }
    if window.valid_after > now {
        let seconds = window.valid_after - now;
        let weight = if seconds > EARLY_SECS { Weight::Warn } else { Weight::Note };
        found.add(weight, Fact::NotYetValid { seconds });
    }
}

/// A clock that is off dates permissions wrongly: one that would be over on the chain is never signed.
fn clock(window: Window, now: Moment, chain: &ChainFacts, found: &mut Found) {
    let Some(ahead_ms) = chain.clock_ahead_ms else { return };
    let seconds = ahead_ms.unsigned_abs() / 1000;
    if seconds <= CLOCK_OFF_SECS {
        return;
    }
    let end = i64::try_from(window.valid_before).unwrap_or(i64::MAX);
    let over = |at: Moment| end <= (at.0 / 1000).saturating_add(SETTLE_SECS);
    // What is over by both is late, whatever the clock says.
    let by_clock_alone = over(now) && !over(now.plus_ms(ahead_ms));
    let weight = if by_clock_alone { Weight::Stop } else { Weight::Warn };
    // In whole minutes: the figure does not change with every look.
    found.add(weight, Fact::ClockOff { seconds: seconds / 60 * 60, ahead: ahead_ms > 0 });
}

/// Limits count by the record's own time: while that lies ahead, what was spent before is in no window.
fn record(history: &History, now: Moment, found: &mut Found) {
    let seconds = u64::try_from(history.newest.since(now) / 1000).unwrap_or(0);
    if seconds > CLOCK_OFF_SECS {
        found.add(Weight::Warn, Fact::RecordAhead { seconds: seconds / 60 * 60 });
    }
}

fn payee(draft: &Draft<'_>, history: &History, found: &mut Found) {
    let here = history.payees_of_site.iter().any(|(payee, _)| *payee == draft.payee);
    if let Some((before, times)) = history.payees_of_site.first()
        && !here
    {
        found.add(Weight::Warn, Fact::PayeeChanged { before: *before, times: *times });
    }
    match history.payee_since {
        Some(since) if history.payee_times > 0 => {
            // Known is who was approved; how often somebody was paid is another figure, and may be none.
            let (times, since) = history.payee_settled.unwrap_or((0, since));
            match history.payees_of_site.is_empty() {
                true => found.add(Weight::Warn, Fact::PayeeNewHere { times, since }),
                false => found.add(Weight::Good, Fact::PayeeKnown { times, since }),
            }
        }
        _ => {
            let others = history.payees_of_site.iter().map(|(payee, _)| payee).chain(&history.similar_payees);
            if let Some(known) = others.into_iter().find(|other| looks_alike(other, &draft.payee)) {
                found.add(Weight::Warn, Fact::PayeeLooksLike { known: *known });
            }
            found.add(Weight::Warn, Fact::PayeeFirstSeen);
        }
    }
}

/// Whoever has the fee or the say over the settlement is judged as the payee is.
fn others(history: &History, found: &mut Found) {
    let fee = history.others.iter().find(|other| other.role == Role::Fee).map(|other| other.address);
    for other in &history.others {
        let Earlier { role, address, times, settled, of_site, similar } = other;
        let (role, address, times, settled) = (*role, *address, *times, *settled);
        // One and the same is told once, by the heavier of its roles.
        if of_site.iter().any(|(known, _)| *known == address) || (role == Role::Caller && fee == Some(address)) {
            continue;
        }
        let resembled =
            of_site.iter().map(|(known, _)| known).chain(similar).find(|known| looks_alike(known, &address));
        if let Some(known) = resembled.filter(|_| times == 0) {
            found.add(Weight::Warn, Fact::RecipientLooksLike { role, address, known: *known });
        }
        match (of_site.first(), times) {
            (Some((before, times)), _) => {
                let (before, times) = (*before, *times);
                found.add(Weight::Warn, Fact::RecipientChanged { role, address, before, times });
            }
            (None, 0) => found.add(Weight::Warn, Fact::RecipientFirstSeen { role, address }),
            (None, _) => {
                // A known facilitator that takes nothing is no reason to ask.
                let weight = if role == Role::Fee { Weight::Warn } else { Weight::Note };
                found.add(weight, Fact::RecipientNewHere { role, address, times: settled });
            }
        }
    }
}

/// A site that was never paid beside those that were.
fn site(draft: &Draft<'_>, history: &History, found: &mut Found) {
    if let Some(known) = history.other_sites.iter().find(|known| known.same_host(draft.site)) {
        // On this machine every program has a port of its own.
        let weight = if draft.site.is_loopback() { Weight::Note } else { Weight::Warn };
        found.add(weight, Fact::SiteOtherPort { known: known.to_string() });
    } else if let Some(known) = history.other_sites.iter().find(|known| hosts_resemble(known.host(), draft.site.host()))
    {
        found.add(Weight::Warn, Fact::SiteResembles { known: known.to_string() });
    }
}

fn price(draft: &Draft<'_>, history: &History, found: &mut Found) {
    if let Some(fee) = draft.fee
        && fee.amount.saturating_mul(100) > draft.price.saturating_mul(FEE_SHARE_PERCENT)
    {
        let percent = percent_up(fee.amount, draft.price);
        found.add(Weight::Warn, Fact::FeeShare { fee: fee.amount, price: draft.price, percent });
    }
    if draft.maximum.is_zero() {
        found.add(Weight::Note, Fact::NothingPaid);
    }
    if let Some(usual) = history.usual_price
        && draft.price > usual.saturating_mul(PRICE_FACTOR)
    {
        found.add(Weight::Warn, Fact::PriceAboveUsual { usual, now: draft.price });
    }
}

/// `part` as a share of `whole` in percent, rounded up; `u64::MAX` where it passes that or `whole` is zero.
fn percent_up(part: Amount, whole: Amount) -> u64 {
    let hundred = part.u256().saturating_mul(Amount::from_u64(100).u256());
    let (whole, one) = (whole.u256(), Amount::from_u64(1).u256());
    let Some(share) = hundred.checked_div(whole) else { return u64::MAX };
    let up = if share.saturating_mul(whole) < hundred { share.saturating_add(one) } else { share };
    u64::try_from(up).unwrap_or(u64::MAX)
}

/// Behind a proxy that ends TLS a server knows itself by http and the plain port.
fn is_behind_proxy(request: &WebUrl, resource: &WebUrl) -> bool {
    let (request, resource) = (request.as_url(), resource.as_url());
    let plain = resource.scheme() == "http" && request.scheme() == "https";
    plain && resource.host() == request.host() && resource.port().is_none() && request.port().is_none()
}

fn resource(draft: &Draft<'_>, found: &mut Found) {
    let Some(claimed) = draft.claimed_resource.map(str::trim).filter(|c| !c.is_empty()) else { return };
    let elsewhere = || Fact::ResourceElsewhere { claimed: claimed.to_owned() };
    let Ok(request) = WebUrl::parse(draft.request_url) else { return found.add(Weight::Warn, elsewhere()) };
    match resource_of(&request, claimed) {
        Some(resource) if Site::of_url(&resource) == *draft.site || is_behind_proxy(&request, &resource) => {
            if resource.as_url().path() != request.as_url().path() {
                found.add(Weight::Note, elsewhere());
            }
        }
        _ => found.add(Weight::Warn, elsewhere()),
    }
}

/// A path alone ("/weather") is meant on the requested host; "//host/…" names a host. What is joined has to be an
/// address that is read in one way when it is written out.
fn resource_of(request: &WebUrl, claimed: &str) -> Option<WebUrl> {
    let names_a_host =
        claimed.starts_with("//") || claimed.split(['/', '?', '#']).next().is_some_and(|head| head.contains(':'));
    let written_out = match (names_a_host, claimed.strip_prefix("//")) {
        (true, Some(_)) => format!("{}:{claimed}", request.as_url().scheme()),
        (true, None) => claimed.to_owned(),
        // Neither backslashes nor characters that are skipped can turn a path into a host.
        (false, _) if claimed.chars().any(|c| c == '\\' || c.is_whitespace() || names::is_invisible(c)) => return None,
        (false, _) => request.as_url().join(claimed).ok()?.to_string(),
    };
    WebUrl::parse(&written_out).ok()
}

/// An account that can't send what has to come first needs no question.
fn sender(sender: Option<&Sender>, found: &mut Found) {
    let Some(Sender { active, own_key, trx_sun, takes_sun }) = sender.copied() else { return };
    if !active {
        found.add(Weight::Stop, Fact::AccountNotActive { need: takes_sun });
    } else if !own_key {
        found.add(Weight::Stop, Fact::OtherKeys);
    } else if trx_sun < takes_sun {
        found.add(Weight::Stop, Fact::TrxShort { need: takes_sun, have: trx_sun });
    }
}

fn trial(trial: &Trial, found: &mut Found) {
    match trial {
        Trial::Unknown | Trial::Goes => {}
        Trial::Paused => found.add(Weight::Stop, Fact::TokenPaused),
        Trial::Blocked => found.add(Weight::Stop, Fact::PayerBlocked),
        Trial::Fails { reason } => found.add(Weight::Warn, Fact::TransferFails { reason: reason.clone() }),
    }
}

fn balances(draft: &Draft<'_>, chain: &ChainFacts, found: &mut Found) {
    let need = draft.maximum;
    if let Some(have) = chain.balance
        && have < need
    {
        found.add(Weight::Stop, Fact::BalanceShort { have, need });
    }
    if let Some(have) = chain.allowance
        && draft.needs_allowance
        && have < need
    {
        found.add(Weight::Warn, Fact::AllowanceMissing { have, need });
        sender(chain.sender.as_ref(), found);
    }
    let lacks_allowance = draft.needs_allowance && chain.allowance.is_none_or(|have| have < need);
    let allowance_unknown = lacks_allowance && (chain.allowance.is_none() || chain.sender.is_none());
    if chain.balance.is_none() || chain.nonce_used.is_none() || allowance_unknown || chain.clock_ahead_ms.is_none() {
        found.add(Weight::Warn, Fact::ChainUnknown);
    }
}
