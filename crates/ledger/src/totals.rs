//! Totals by app, site, token and span of time. Read from the kept sums alone: they cost the same however many
//! payments there were, and stay whole where old payments were removed.

use crate::cells::{Cells, read_site};
use crate::spendings::{DAY, HOUR, floor};
use crate::{Ledger, LedgerError, sites};
use plan::{AppId, Moment, Site};
use rusqlite::params;
use std::collections::BTreeMap;
use tron::{Address, Amount, Network};

/// Which sums, and what is told apart. Tokens always are: amounts of two never add up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    pub by_app: bool,
    pub by_site: bool,
    pub app: Option<AppId>,
    pub site: Option<Site>,
    pub network: Option<Network>,
    pub token: Option<Address>,
}

/// What was counted as spent: it left, or can still leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Between this bound and the next.
    pub column: usize,
    pub app: Option<AppId>,
    pub site: Option<Site>,
    pub network: Network,
    pub token: Address,
    pub amount: Amount,
}

/// One app's sums at one site (or all) in one token.
struct Account {
    app: (i64, AppId),
    site: (i64, Option<Site>),
    asset: (i64, Network, Address),
}

impl Ledger {
    /// What was counted from each bound to the next. Bounds ascend and are taken down to the full hour.
    pub fn counted(&self, bounds: &[Moment], what: &Sums) -> Result<Vec<Counted>, LedgerError> {
        let bounds: Vec<i64> = bounds.iter().map(|b| floor(b.0, HOUR)).collect();
        let (Some(first), Some(last)) = (bounds.first(), bounds.last()) else { return Ok(Vec::new()) };
        self.read_long("sum up spending", |db| {
            let mut sums: BTreeMap<_, Counted> = BTreeMap::new();
            let mut spans = db.prepare_cached(
                "SELECT start, amount FROM spendings
                 WHERE app = ?1 AND site = ?2 AND asset = ?3 AND span = ?4 AND start >= ?5 AND start < ?6",
            )?;
            let mut read = |account: &Account, span: i64, from: i64, to: i64| -> Result<Vec<_>, LedgerError> {
                let mut rows = spans.query(params![account.app.0, account.site.0, account.asset.0, span, from, to])?;
                let mut found = Vec::new();
                while let Some(row) = rows.next()? {
                    let mut cells = Cells::of(row);
                    found.push((cells.take::<i64>()?, cells.amount()?));
                }
                Ok(found)
            };
            for account in accounts(db, what)? {
                let mut add = |column: usize, amount: Amount| -> Result<(), LedgerError> {
                    let app = what.by_app.then(|| account.app.1.clone());
                    let site = account.site.1.clone().filter(|_| what.by_site);
                    let (asset, network, token) = account.asset;
                    let key = (column, what.by_app.then_some(account.app.0), site.clone(), asset);
                    let none = Counted { column, app, site, network, token, amount: Amount::ZERO };
                    let sum = &mut sums.entry(key).or_insert(none).amount;
                    *sum = sum.checked_add(amount).ok_or(LedgerError::TooLarge)?;
                    Ok(())
                };
                let column =
                    |at: i64| bounds.partition_point(|b| *b <= at).checked_sub(1).filter(|c| c + 1 < bounds.len());
                for (day, amount) in read(&account, 2, floor(*first, DAY), *last)? {
                    let (begin, end) = (column(day), column(day + DAY - HOUR));
                    if amount.is_zero() {
                        continue;
                    }
                    match begin {
                        Some(whole) if begin == end => add(whole, amount)?,
                        // A bound is within this day: its hours say what is on which side.
                        _ => {
                            for (hour, amount) in read(&account, 1, day, day + DAY)? {
                                if let Some(column) = column(hour).filter(|_| !amount.is_zero()) {
                                    add(column, amount)?;
                                }
                            }
                        }
                    }
                }
            }
            Ok(sums.into_values().collect())
        })
    }

    /// When the first payment was counted.
    pub fn first_counted(&self) -> Result<Option<Moment>, LedgerError> {
        self.browse("find the first payment", |db| {
            let first: Option<i64> =
                db.prepare_cached("SELECT min(first) FROM tallies")?.query_row([], |row| row.get(0))?;
            Ok(first.map(Moment))
        })
    }
}

/// Every account that can have such sums: each app with each token that was ever paid (there).
fn accounts(db: &rusqlite::Connection, what: &Sums) -> Result<Vec<Account>, LedgerError> {
    let one = match &what.site {
        // What was never seen has no key; nothing was spent at key -1.
        Some(site) => Some(sites::find(db, site)?.unwrap_or(-1)),
        None => None,
    };
    let paid = if what.by_site || one.is_some() {
        "SELECT t.site AS site, s.key AS key, t.asset AS asset FROM tallies t JOIN sites s ON s.site = t.site
         WHERE ?1 IS NULL OR t.site = ?1"
    } else {
        "SELECT DISTINCT 0 AS site, NULL AS key, asset AS asset FROM tallies WHERE ?1 IS NULL"
    };
    let mut query = db.prepare_cached(&format!(
        "SELECT apps.app, apps.id, t.site, t.key, a.asset, a.network, a.token FROM ({paid}) t
         JOIN assets a ON a.asset = t.asset CROSS JOIN apps
         WHERE (?2 IS NULL OR apps.id = ?2) AND (?3 IS NULL OR a.network = ?3) AND (?4 IS NULL OR a.token = ?4)"
    ))?;
    let network = what.network.map(crate::cells::chain);
    let app = what.app.as_ref().map(|app| &app.0);
    let mut rows = query.query(params![one, app, network, what.token.map(|t| *t.bytes())])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let mut cells = Cells::of(row);
        let app = (cells.take()?, cells.app()?);
        let key: i64 = cells.take()?;
        let site = cells.maybe_text("site")?.map(read_site).transpose()?;
        found.push(Account { app, site: (key, site), asset: (cells.take()?, cells.network()?, cells.address()?) });
    }
    Ok(found)
}
