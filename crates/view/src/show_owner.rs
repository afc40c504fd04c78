//! Apps, sites, rules and totals in words.

use crate::owner::*;
use crate::show_payment::{app_name, site, time};
use crate::show_question::{bar, percent};
use crate::words::{Arg, say};
use crate::{AddressView, Failure, LimitBarView, MoneyView};
use ledger::{AddedToken, App, Payee, Rule, SiteTotals, Spent, Total};
use plan::{Covers, Limit, Mode, Moment};
use tron::{Amount, Network};
use wallet::Pairing;

/// Symbol and decimals of tokens by address: the table's, or those that the record has seen.
pub(crate) struct Symbols(Vec<(Network, tron::Address, String, u8, bool)>);

impl Symbols {
    pub fn of(totals: &[Total]) -> Self {
        let known = tron::token::all().iter().map(|t| (t.network, t.address, t.symbol.to_owned(), t.decimals, true));
        let seen = totals.iter().map(|t| (t.network, t.token, t.symbol.clone(), t.decimals, false));
        Self(known.chain(seen).collect())
    }

    pub fn money(&self, network: Network, token: tron::Address, amount: Amount) -> MoneyView {
        match self.0.iter().find(|s| s.0 == network && s.1 == token) {
            Some((_, _, symbol, decimals, known)) => MoneyView::of(amount, symbol, *decimals, *known).on(network),
            None => MoneyView::of(amount, &token.to_string(), 0, false).on(network),
        }
    }

    fn decimals(&self, network: Network, token: tron::Address) -> Option<u8> {
        self.0.iter().find(|s| s.0 == network && s.1 == token).map(|s| s.3)
    }

    pub fn mode(&self, network: Network, token: tron::Address, mode: &Mode) -> ModeView {
        match mode {
            Mode::Ask => ModeView::Ask,
            Mode::Block => ModeView::Block,
            Mode::Allow(limit) => {
                let show = |a: Option<Amount>| a.map(|a| self.money(network, token, a).display);
                ModeView::Allow {
                    per_payment: show(limit.per_payment),
                    per_day: show(limit.per_day),
                    per_month: show(limit.per_month),
                    covers: limit.covers.into(),
                }
            }
        }
    }

    /// Reads a rule as a person wrote it, in whole units.
    pub fn read_mode(&self, network: Network, token: tron::Address, mode: &ModeView) -> Result<Mode, Failure> {
        let ModeView::Allow { per_payment, per_day, per_month, covers } = mode else {
            return Ok(if *mode == ModeView::Block { Mode::Block } else { Mode::Ask });
        };
        let decimals = self.decimals(network, token);
        let decimals = decimals.ok_or_else(|| Failure::field("token", "a known token", &token.to_string()))?;
        let limit = read_limit(per_payment, per_day, per_month, decimals)?;
        Ok(Mode::Allow(Limit { covers: (*covers).into(), ..limit }))
    }
}

/// Whole units as typed.
pub(crate) fn read_limit(
    per_payment: &Option<String>,
    per_day: &Option<String>,
    per_month: &Option<String>,
    decimals: u8,
) -> Result<Limit, Failure> {
    let read = |field: &str, text: &Option<String>| match text.as_deref().map(str::trim).filter(|t| !t.is_empty()) {
        None => Ok(None),
        Some(text) => Amount::parse_units(text, decimals)
            .map(Some)
            .map_err(|_| Failure::field(field, "an amount like 2.00", text)),
    };
    let limit = Limit {
        per_payment: read("perPayment", per_payment)?,
        per_day: read("perDay", per_day)?,
        per_month: read("perMonth", per_month)?,
        covers: Covers::default(),
    };
    match limit {
        Limit { per_payment: None, per_day: None, per_month: None, .. } => {
            Err(Failure::field("perDay", "at least one limit", "none"))
        }
        limit => Ok(limit),
    }
}

/// The deployments of a network, with the one that is signed for.
pub(crate) fn permit2(network: Network, chosen: &str) -> Vec<Permit2View> {
    let view = |set: &tron::registry::Permit2Set| Permit2View {
        name: set.name.to_owned(),
        contract: AddressView::of(set.exact_proxy),
        chosen: set.name == chosen,
    };
    tron::registry::deployments(network).permit2.iter().map(view).collect()
}

impl RuleView {
    pub(crate) fn of(rule: &Rule, apps: &[App], symbols: &Symbols) -> Self {
        let key = &rule.key;
        let name = apps.iter().find(|a| a.id == key.app).map(|a| a.name.as_str());
        let show = |a| symbols.money(key.network, key.token, a);
        let app_name = app_name(&key.app, name);
        let who = key.site.as_ref().map_or(app_name.clone(), site);
        let mut bars = Vec::new();
        if let Mode::Allow(limit) = &rule.mode {
            for (label, spent, limit, frees) in [
                ("last-day", rule.spent_day, limit.per_day, rule.frees.day),
                ("last-month", rule.spent_month, limit.per_month, rule.frees.month),
            ] {
                if let Some(limit) = limit {
                    bars.push(bar(say(label, &[("who", Arg::Text(&who))]), spent, spent, (limit, frees), show));
                }
            }
        }
        Self {
            app_id: key.app.0.clone(),
            app_name,
            site_key: key.site.as_ref().map(ToString::to_string),
            network: key.network.canonical().to_owned(),
            token: key.token.to_string(),
            symbol: show(Amount::ZERO).symbol,
            mode: symbols.mode(key.network, key.token, &rule.mode),
            bars,
        }
    }
}

impl AppView {
    pub(crate) fn of(app: &App, limits: Vec<RuleView>) -> Self {
        Self {
            id: app.id.0.clone(),
            name: app_name(&app.id, Some(&app.name)),
            paired_at: time(app.paired_at),
            last_seen: app.last_seen.map(time),
            revoked: app.revoked_at.is_some(),
            payments: count(app.payments),
            limits,
        }
    }
}

impl TokenView {
    pub fn of(token: &AddedToken) -> Self {
        Self {
            network: token.network.label().to_owned(),
            token: AddressView::of(token.address),
            symbol: crate::question::quoted(&token.symbol, 16),
            decimals: token.decimals,
            added_at: time(token.added_at),
        }
    }
}

impl PairingView {
    pub fn of(pairing: &Pairing) -> Self {
        Self {
            id: pairing.id.clone(),
            name: crate::question::quoted(&pairing.name, 64),
            code: pairing.code.clone(),
            expires_at: time(pairing.expires_at),
        }
    }
}

impl SiteView {
    pub(crate) fn of(totals: &SiteTotals, symbols: &Symbols) -> Self {
        Self {
            site: site(&totals.site),
            site_key: totals.site.to_string(),
            payments: count(totals.totals.iter().map(|t| t.payments).sum()),
            totals: totals
                .totals
                .iter()
                .map(|t| symbols.money(t.network, t.token, t.settled.saturating_add(t.open)))
                .collect(),
            first_at: totals.first.map(time).unwrap_or_default(),
            last_at: totals.last.map(time).unwrap_or_default(),
            blocked: totals.blocked,
            host_blocked: totals.host_blocked,
            permit2: totals.permit2.iter().filter_map(|(network, at)| permit2_at(*network, at)).collect(),
        }
    }
}

fn permit2_at(network: Network, at: &plan::Permit2AtSite) -> Option<String> {
    let (key, set) = match at {
        plan::Permit2AtSite { chosen: Some(set), .. } => ("permit2-site-chosen", set),
        plan::Permit2AtSite { refused: Some(set), .. } => ("permit2-site-refused", set),
        plan::Permit2AtSite { settled: Some(set), .. } => ("permit2-site-settled", set),
        _ => return None,
    };
    Some(say(key, &[("set", Arg::Text(&crate::question::quoted(set, 16))), ("network", Arg::Text(network.label()))]))
}

impl PayeeView {
    pub fn of(payee: &Payee) -> Self {
        let since = time(payee.settled_since.unwrap_or(payee.since));
        Self { address: AddressView::of(payee.address), times: count(payee.settled), since }
    }
}

pub(crate) fn count(n: u64) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Midnights (UTC) of the last `days` days and of tomorrow: the bounds of a chart.
pub(crate) fn midnights(now: Moment, days: i64) -> Vec<Moment> {
    let today = now.0.div_euclid(Moment::DAY_MS);
    (today - days + 1..=today + 1).map(|day| Moment(day * Moment::DAY_MS)).collect()
}

/// The main token of a span: the one with most days of spending.
pub(crate) fn main_token(spent: &[Vec<Spent>]) -> Option<(Network, tron::Address)> {
    let mut tokens: Vec<(usize, Network, tron::Address)> = Vec::new();
    for one in spent.iter().flatten() {
        match tokens.iter_mut().find(|(_, n, t)| (*n, *t) == (one.network, one.token)) {
            Some((times, ..)) => *times += 1,
            None => tokens.push((1, one.network, one.token)),
        }
    }
    tokens.into_iter().max_by_key(|(times, ..)| *times).map(|(_, network, token)| (network, token))
}

/// The main token of a span, day by day.
pub(crate) fn days(bounds: &[Moment], spent: &[Vec<Spent>], symbols: &Symbols) -> Vec<DayView> {
    let Some((network, token)) = main_token(spent) else { return vec![] };
    let amount = |day: &Vec<Spent>| {
        let own = day.iter().filter(|s| (s.network, s.token) == (network, token));
        own.fold(Amount::ZERO, |sum, s| sum.saturating_add(s.amount))
    };
    let largest = spent.iter().map(amount).max().unwrap_or(Amount::ZERO);
    bounds
        .iter()
        .zip(spent)
        .map(|(at, day)| DayView {
            day: time(*at).chars().take(10).collect(),
            amount: symbols.money(network, token, amount(day)),
            percent: percent(amount(day), largest),
        })
        .collect()
}

/// Totals over a whole span, per token; first the main one, whose days are told.
pub(crate) fn totals(spent: &[Vec<Spent>], symbols: &Symbols) -> Vec<MoneyView> {
    let mut sums: Vec<Spent> = Vec::new();
    for one in spent.iter().flatten() {
        match sums.iter_mut().find(|s| (s.network, s.token) == (one.network, one.token)) {
            Some(sum) => sum.amount = sum.amount.saturating_add(one.amount),
            None => sums.push(one.clone()),
        }
    }
    let main = main_token(spent);
    sums.sort_by_key(|s| Some((s.network, s.token)) != main);
    sums.iter().map(|s| symbols.money(s.network, s.token, s.amount)).collect()
}

/// The fullest bars first.
pub(crate) fn fullest(rules: &[RuleView], most: usize) -> Vec<LimitBarView> {
    let mut bars: Vec<LimitBarView> = rules.iter().flat_map(|r| r.bars.clone()).collect();
    bars.sort_by_key(|b| std::cmp::Reverse(b.spent_percent));
    bars.truncate(most);
    bars
}
