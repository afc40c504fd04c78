//! Tables `sites` and `tallies`: every site that asked for money, whether it is blocked, and what was paid
//! there per token. Sums are kept with each step of a payment, never recomputed from rows.

use crate::cells::Cells;
use crate::{Ledger, LedgerError, SiteTotals, Total, permit2};
use plan::{Moment, Site};
use rusqlite::{Connection, OptionalExtension, params};
use tron::Amount;

pub fn find(db: &Connection, site: &Site) -> Result<Option<i64>, LedgerError> {
    Ok(db
        .prepare_cached("SELECT site FROM sites WHERE key = ?1")?
        .query_row([site.to_string()], |row| row.get(0))
        .optional()?)
}

/// The site's key; a new one is written down.
pub fn keep(db: &Connection, site: &Site) -> Result<i64, LedgerError> {
    if let Some(found) = find(db, site)? {
        return Ok(found);
    }
    db.prepare_cached("INSERT INTO sites (key) VALUES (?1)")?.execute([site.to_string()])?;
    Ok(db.last_insert_rowid())
}

/// Whether the site is blocked, and whether its host is; one that was never seen has no key yet.
pub fn blocked(db: &Connection, site: &Site, key: i64) -> Result<(bool, bool), LedgerError> {
    let alone = db
        .prepare_cached("SELECT blocked_at IS NOT NULL FROM sites WHERE site = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()?
        .unwrap_or(false);
    Ok((alone, host_blocked(db, site)?))
}

fn host_blocked(db: &Connection, site: &Site) -> Result<bool, LedgerError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM blocked_hosts WHERE host = ?1)";
    Ok(db.prepare_cached(sql)?.query_row([site.host()], |row| row.get(0))?)
}

/// Sites where something was paid; of very many those that came last.
pub fn paid(db: &Connection) -> Result<Vec<Site>, LedgerError> {
    let mut query = db.prepare_cached(
        "SELECT key FROM sites s WHERE EXISTS (SELECT 1 FROM tallies t WHERE t.site = s.site AND t.payments > 0)
         ORDER BY site DESC LIMIT 5000",
    )?;
    let mut rows = query.query([])?;
    let mut paid = Vec::new();
    while let Some(row) = rows.next()? {
        paid.push(Cells::of(row).site()?);
    }
    Ok(paid)
}

/// A change to a tally: what is taken out and what comes in.
pub struct Shift {
    pub payments: i64,
    pub settled: (Amount, Amount),
    pub open: (Amount, Amount),
    pub at: Moment,
}

/// What can still leave, of all time.
pub fn open(db: &Connection, site: i64, asset: i64) -> Result<Amount, LedgerError> {
    let mut select = db.prepare_cached("SELECT open FROM tallies WHERE site = ?1 AND asset = ?2")?;
    let mut rows = select.query([site, asset])?;
    rows.next()?.map_or(Ok(Amount::ZERO), |row| Cells::of(row).amount())
}

pub fn shift(db: &Connection, site: i64, asset: i64, by: &Shift) -> Result<(), LedgerError> {
    let mut select =
        db.prepare_cached("SELECT payments, settled, open, first, last FROM tallies WHERE site = ?1 AND asset = ?2")?;
    let mut rows = select.query([site, asset])?;
    let (payments, settled, open, first, last) = match rows.next()? {
        None => (0, Amount::ZERO, Amount::ZERO, by.at, by.at),
        Some(row) => {
            let mut cells = Cells::of(row);
            (cells.take::<i64>()?, cells.amount()?, cells.amount()?, cells.moment()?, cells.moment()?)
        }
    };
    let moved = |sum: Amount, (out, into): (Amount, Amount)| {
        sum.checked_sub(out)
            .ok_or_else(|| LedgerError::Damaged { field: "tallies", found: format!("{sum} less {out}") })?
            .checked_add(into)
            .ok_or(LedgerError::TooLarge)
    };
    let (settled, open) = (moved(settled, by.settled)?, moved(open, by.open)?);
    db.prepare_cached("INSERT OR REPLACE INTO tallies VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?.execute(params![
        site,
        asset,
        payments + by.payments,
        settled.to_be_bytes(),
        open.to_be_bytes(),
        first.0.min(by.at.0),
        last.0.max(by.at.0)
    ])?;
    Ok(())
}

const TOTALS: &str = "SELECT a.network, a.token, a.symbol, a.decimals, t.payments, t.settled, t.open, t.first, t.last,
    s.key, s.blocked_at, s.site FROM sites s LEFT JOIN tallies t ON t.site = s.site LEFT JOIN assets a ON a.asset = t.asset";

/// Groups rows of [`TOTALS`] by site; they have to come ordered by it.
fn collect(db: &Connection, rest: &str, params: impl rusqlite::Params) -> Result<Vec<SiteTotals>, LedgerError> {
    let mut query = db.prepare_cached(&format!("{TOTALS} {rest}"))?;
    let mut rows = query.query(params)?;
    let mut sites: Vec<SiteTotals> = Vec::new();
    while let Some(row) = rows.next()? {
        // Cells 9 and 10 first: they say whose line this is.
        let site = crate::cells::read_site(&row.get::<_, String>(9)?)?;
        let blocked = row.get::<_, Option<i64>>(10)?.is_some();
        if sites.last().is_none_or(|s| s.site != site) {
            let host_blocked = host_blocked(db, &site)?;
            let permit2 = permit2::all(db, row.get(11)?)?;
            sites.push(SiteTotals {
                site,
                blocked,
                host_blocked,
                first: None,
                last: None,
                totals: Vec::new(),
                permit2,
            });
        }
        if row.get::<_, Option<i64>>(0)?.is_none() {
            continue;
        }
        let mut cells = Cells::of(row);
        let total = read_total(&mut cells)?;
        let (first, last) = (cells.moment()?, cells.moment()?);
        if let Some(site) = sites.last_mut() {
            site.first = Some(site.first.map_or(first, |f| f.min(first)));
            site.last = Some(site.last.map_or(last, |l| l.max(last)));
            site.totals.push(total);
        }
    }
    Ok(sites)
}

fn read_total(cells: &mut Cells<'_>) -> Result<Total, LedgerError> {
    Ok(Total {
        network: cells.network()?,
        token: cells.address()?,
        symbol: cells.take()?,
        decimals: cells.number("decimals")?,
        payments: cells.count()?,
        settled: cells.amount()?,
        open: cells.amount()?,
    })
}

impl Ledger {
    /// Every site with its sums, the last paid first; sites where nothing was paid come last.
    pub fn sites(&self) -> Result<Vec<SiteTotals>, LedgerError> {
        self.read("list sites", |db| {
            let mut sites = collect(db, "ORDER BY s.site, t.asset", [])?;
            sites.sort_by_key(|s| std::cmp::Reverse(s.last));
            Ok(sites)
        })
    }

    pub fn site(&self, site: &Site) -> Result<Option<SiteTotals>, LedgerError> {
        self.read("find a site", |db| {
            Ok(collect(db, "WHERE s.key = ?1 ORDER BY s.site, t.asset", [site.to_string()])?.pop())
        })
    }

    /// Sums per token over all sites.
    pub fn totals(&self) -> Result<Vec<Total>, LedgerError> {
        self.read("sum up tokens", |db| {
            let mut query = db.prepare_cached(
                "SELECT a.network, a.token, a.symbol, a.decimals, t.payments, t.settled, t.open
                 FROM tallies t JOIN assets a ON a.asset = t.asset ORDER BY a.asset",
            )?;
            let mut rows = query.query([])?;
            let mut totals: Vec<Total> = Vec::new();
            while let Some(row) = rows.next()? {
                let more = read_total(&mut Cells::of(row))?;
                match totals.last_mut().filter(|t| t.network == more.network && t.token == more.token) {
                    None => totals.push(more),
                    Some(total) => {
                        total.payments += more.payments;
                        total.settled = total.settled.checked_add(more.settled).ok_or(LedgerError::TooLarge)?;
                        total.open = total.open.checked_add(more.open).ok_or(LedgerError::TooLarge)?;
                    }
                }
            }
            Ok(totals)
        })
    }

    /// Blocks a site for every app; it need not have asked for money yet.
    pub fn block_site(&self, site: &Site, now: Moment) -> Result<(), LedgerError> {
        self.write("block a site", |db| {
            let site = keep(db, site)?;
            db.prepare_cached("UPDATE sites SET blocked_at = coalesce(blocked_at, ?2) WHERE site = ?1")?
                .execute([site, now.0])?;
            Ok(())
        })
    }

    pub fn unblock_site(&self, site: &Site) -> Result<(), LedgerError> {
        self.write("unblock a site", |db| {
            db.prepare_cached("UPDATE sites SET blocked_at = NULL WHERE key = ?1")?.execute([site.to_string()])?;
            Ok(())
        })
    }

    /// Blocks a site's host with every scheme and port, for every app.
    pub fn block_host(&self, site: &Site, now: Moment) -> Result<(), LedgerError> {
        self.write("block a host", |db| {
            keep(db, site)?;
            db.prepare_cached("INSERT INTO blocked_hosts VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
                .execute(params![site.host(), now.0])?;
            Ok(())
        })
    }

    pub fn unblock_host(&self, site: &Site) -> Result<(), LedgerError> {
        self.write("unblock a host", |db| {
            db.prepare_cached("DELETE FROM blocked_hosts WHERE host = ?1")?.execute([site.host()])?;
            Ok(())
        })
    }
}
