//! Table `spendings`: what counts as spent, by minute, hour and day, so that a sum over 30 days reads some
//! two hundred small rows however many payments there were.
//!
//! A window begins at a full minute: a payment counts for 24 hours (30 days) and up to a minute more, never
//! less. Sums are exact; one that would pass 256 bit is refused.

use crate::cells::Cells;
use crate::{Freed, Frees, Ledger, LedgerError, Spent, apps};
use plan::{Mode, Moment, Site, Spending};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;
use tron::Amount;

pub const MINUTE: i64 = 60_000;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;
pub const SPANS: [(i64, i64); 3] = [(0, MINUTE), (1, HOUR), (2, DAY)];
const MONTH: i64 = 30 * DAY;

/// Site 0 stands for all sites together.
pub const ALL_SITES: i64 = 0;

/// What a sum is about.
#[derive(Clone, Copy)]
pub struct Account {
    pub app: i64,
    pub site: i64,
    pub asset: i64,
}

impl Account {
    /// App, site and asset.
    pub const fn keys(self) -> (i64, i64, i64) {
        (self.app, self.site, self.asset)
    }
}

/// Counts `amount` as spent at `at`, for the site and for all sites together.
pub fn add(db: &Connection, account: Account, at: Moment, amount: Amount) -> Result<(), LedgerError> {
    change(db, account, at, |_, sum| {
        sum.unwrap_or(Amount::ZERO).checked_add(amount).ok_or(LedgerError::TooLarge).map(Some)
    })?;
    // Minutes older than a month are in no window any more; hours and days stay for the charts.
    let mut prune = db.prepare_cached(
        "DELETE FROM spendings WHERE app = ?1 AND site = ?2 AND asset = ?3 AND span = 0 AND start < ?4",
    )?;
    for site in [account.site, ALL_SITES] {
        prune.execute(params![account.app, site, account.asset, at.0 - MONTH - DAY])?;
    }
    Ok(())
}

/// Takes back what was counted at `at`.
pub fn take_back(db: &Connection, account: Account, at: Moment, amount: Amount) -> Result<(), LedgerError> {
    change(db, account, at, |span, sum| match sum.map(|sum| (sum, sum.checked_sub(amount))) {
        Some((_, Some(less))) => Ok(Some(less)),
        // A minute that was pruned, wholly or before more was added to it: in no window any more.
        _ if span == 0 => Ok(sum.map(|_| Amount::ZERO)),
        Some((sum, None)) => {
            Err(LedgerError::Damaged { field: "spendings", found: format!("{sum} where {amount} was counted") })
        }
        None => Err(LedgerError::Damaged { field: "spendings", found: format!("nothing where {amount} was counted") }),
    })
}

fn change(
    db: &Connection,
    account: Account,
    at: Moment,
    next: impl Fn(i64, Option<Amount>) -> Result<Option<Amount>, LedgerError>,
) -> Result<(), LedgerError> {
    let mut select = db.prepare_cached(
        "SELECT amount FROM spendings WHERE app = ?1 AND site = ?2 AND asset = ?3 AND span = ?4 AND start = ?5",
    )?;
    let mut write = db.prepare_cached("INSERT OR REPLACE INTO spendings VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for site in [account.site, ALL_SITES] {
        for (span, length) in SPANS {
            let start = floor(at.0, length);
            let key = params![account.app, site, account.asset, span, start];
            let sum: Option<[u8; 32]> = select.query_row(key, |row| row.get(0)).optional()?;
            if let Some(sum) = next(span, sum.map(Amount::from_be_bytes))? {
                write.execute(params![account.app, site, account.asset, span, start, sum.to_be_bytes()])?;
            }
        }
    }
    Ok(())
}

/// The start of the span (0, 1 or 2) that a moment falls into.
#[cfg(feature = "bulk")]
pub fn start_of(span: usize, at: i64) -> i64 {
    floor(at, SPANS[span].1)
}

/// Minutes before this are dropped when something is added at `at`.
#[cfg(feature = "bulk")]
pub const fn oldest_minute(at: i64) -> i64 {
    at - MONTH - DAY
}

pub fn floor(at: i64, length: i64) -> i64 {
    at.div_euclid(length) * length
}

fn ceil(at: i64, length: i64) -> i64 {
    floor(at, length) + if at.rem_euclid(length) == 0 { 0 } else { length }
}

/// What was counted from `from` on: minutes to the next full hour, hours to the next full day, then days.
fn since(db: &Connection, account: Account, from: i64) -> Result<Amount, LedgerError> {
    let from = floor(from, MINUTE);
    let (hour, day) = (ceil(from, HOUR), ceil(from, DAY));
    let mut query = db.prepare_cached(
        "SELECT amount FROM spendings WHERE app = ?1 AND site = ?2 AND asset = ?3 AND span = ?4 AND start >= ?5 AND start < ?6",
    )?;
    let mut sum = Amount::ZERO;
    for (span, start, end) in [(0, from, hour), (1, hour, day), (2, day, i64::MAX)] {
        let mut rows = query.query(params![account.app, account.site, account.asset, span, start, end])?;
        while let Some(row) = rows.next()? {
            sum = sum.checked_add(Cells::of(row).amount()?).ok_or(LedgerError::TooLarge)?;
        }
    }
    Ok(sum)
}

/// The sums of the last 24 hours and 30 days before `now`, and everything after `now` too.
pub fn windows(db: &Connection, account: Account, now: Moment) -> Result<(Amount, Amount), LedgerError> {
    Ok((since(db, account, now.0 - DAY)?, since(db, account, now.0 - MONTH)?))
}

/// When a limit has more room than now, if nothing else is spent: what is above it has to leave the window first.
pub fn frees(
    db: &Connection,
    account: Account,
    now: Moment,
    mode: &Mode,
    (day, month): (Amount, Amount),
) -> Result<Frees, LedgerError> {
    let Mode::Allow(limit) = mode else { return Ok(Frees::default()) };
    let freed = |window: i64, limit: Option<Amount>, spent: Amount| match limit {
        Some(limit) if !spent.is_zero() => freed(db, account, floor(now.0 - window, MINUTE), (limit, spent), window),
        _ => Ok(None),
    };
    Ok(Frees { day: freed(DAY, limit.per_day, day)?, month: freed(MONTH, limit.per_month, month)? })
}

fn freed(
    db: &Connection,
    account: Account,
    from: i64,
    (limit, spent): (Amount, Amount),
    window: i64,
) -> Result<Option<Freed>, LedgerError> {
    let mut query = db.prepare_cached(
        "SELECT start, amount FROM spendings
         WHERE app = ?1 AND site = ?2 AND asset = ?3 AND span = 0 AND start >= ?4 ORDER BY start",
    )?;
    let mut rows = query.query(params![account.app, account.site, account.asset, from])?;
    let (room, mut gone) = (limit.saturating_sub(spent), Amount::ZERO);
    while let Some(row) = rows.next()? {
        let mut cells = Cells::of(row);
        let start: i64 = cells.take()?;
        gone = gone.checked_add(cells.amount()?).ok_or(LedgerError::TooLarge)?;
        let more = limit.saturating_sub(spent.saturating_sub(gone)).saturating_sub(room);
        if !more.is_zero() {
            // A window begins at a full minute: the whole minute has to be out of it.
            return Ok(Some(Freed { at: Moment(start + MINUTE + window), more }));
        }
    }
    Ok(None)
}

/// The spending that a judge looks at.
pub fn spending(db: &Connection, account: Account, now: Moment) -> Result<Spending, LedgerError> {
    let (site_day, site_month) = windows(db, account, now)?;
    let (app_day, app_month) = windows(db, Account { site: ALL_SITES, ..account }, now)?;
    Ok(Spending { app_day, app_month, site_day, site_month })
}

impl Ledger {
    /// Columns of a chart: what was counted from each bound to the next (so one column less than bounds),
    /// on all sites or one. Bounds ascend and are taken down to the full hour.
    pub fn spent_between(&self, bounds: &[Moment], site: Option<&Site>) -> Result<Vec<Vec<Spent>>, LedgerError> {
        let columns = bounds.len().saturating_sub(1);
        let (Some(first), Some(last)) = (bounds.first(), bounds.last()) else { return Ok(Vec::new()) };
        self.read("sum up spending", |db| {
            let site = match site {
                None => ALL_SITES,
                // What was never seen has no key; nothing was spent at key -1.
                Some(site) => crate::sites::find(db, site)?.unwrap_or(-1),
            };
            let mut sums: Vec<BTreeMap<i64, Spent>> = vec![BTreeMap::new(); columns];
            // Accounts that can have sums: every app with every token that was ever paid (there).
            let mut accounts = db.prepare_cached(
                "SELECT apps.app, a.asset, a.network, a.token FROM apps CROSS JOIN assets a
                 WHERE a.asset IN (SELECT asset FROM tallies WHERE ?1 IN (0, site))",
            )?;
            let mut hours = db.prepare_cached(
                "SELECT start, amount FROM spendings
                 WHERE app = ?1 AND site = ?2 AND asset = ?3 AND span = 1 AND start >= ?4 AND start < ?5",
            )?;
            let mut accounts = accounts.query([site])?;
            while let Some(row) = accounts.next()? {
                let mut cells = Cells::of(row);
                let (app, asset): (i64, i64) = (cells.take()?, cells.take()?);
                let (network, token) = (cells.network()?, cells.address()?);
                let mut rows = hours.query(params![app, site, asset, floor(first.0, HOUR), floor(last.0, HOUR)])?;
                while let Some(row) = rows.next()? {
                    let mut cells = Cells::of(row);
                    let (start, amount): (i64, _) = (cells.take()?, cells.amount()?);
                    let column = bounds.partition_point(|b| floor(b.0, HOUR) <= start).saturating_sub(1);
                    if let Some(column) = sums.get_mut(column).filter(|_| !amount.is_zero()) {
                        let spent = column.entry(asset).or_insert(Spent { network, token, amount: Amount::ZERO });
                        spent.amount = spent.amount.checked_add(amount).ok_or(LedgerError::TooLarge)?;
                    }
                }
            }
            Ok(sums.into_iter().map(|column| column.into_values().collect()).collect())
        })
    }

    /// Rules and spending as [`Ledger::enter`] would pass them to its judge now.
    pub fn standing(
        &self,
        app: &plan::AppId,
        site: &Site,
        network: tron::Network,
        token: tron::Address,
        now: Moment,
    ) -> Result<crate::Standing, LedgerError> {
        self.read("look up rules", |db| {
            let now = apps::effective(db, now)?;
            let known = apps::known(db, app)?;
            // What was never paid has no key yet; no rule and no sum has key -1.
            let account = Account {
                app: known.app,
                site: crate::sites::find(db, site)?.unwrap_or(-1),
                asset: crate::assets::find(db, network, token)?.unwrap_or(-1),
            };
            let rules = crate::rules::load(db, site, account, known.barred)?;
            let spending = spending(db, account, now)?;
            let Spending { app_day, app_month, site_day, site_month } = spending;
            let everywhere = Account { site: ALL_SITES, ..account };
            Ok(crate::Standing {
                app_frees: frees(db, everywhere, now, &rules.app, (app_day, app_month))?,
                site_frees: frees(db, account, now, &rules.site, (site_day, site_month))?,
                rules,
                spending,
            })
        })
    }
}
