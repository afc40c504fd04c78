//! Table `removed`: taking old payments out of the record. Removes only what is ended for good and older than
//! every limit's window, a few rows in a transaction, so that payments go on meanwhile and an end at any moment
//! leaves whole steps. Refuses what is open, reserved, signed and not settled for good, or waits for an allowance.
//!
//! The sums stay as they were: what was paid was paid. How much of them is no longer in rows is written down
//! with each step, so that rows and `removed` together make up the sums at any time. See docs/decisions.

use crate::cells::Cells;
use crate::{Ledger, LedgerError, books, indexing, narrow, notes, rows, sites};
use plan::{Moment, Site};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};
use tron::Amount;

/// Nothing younger is removed: the longest window of a limit and a day.
pub const PRUNE_YOUNGEST_DAYS: i64 = 31;
const DAY: i64 = 86_400_000;

/// What to remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prune {
    /// Entered, and ended, before this moment.
    pub before: Moment,
    pub site: Option<Site>,
    /// Also what has a note or tags of a person.
    pub noted: bool,
}

/// What one step did, or would have done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    pub removed: u64,
    /// Old enough, and kept: not ended for good, or noted.
    pub kept: u64,
    /// Where to go on; `None`: everything was looked at.
    pub next: Option<i64>,
}

/// What was removed so far, by all who pruned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    pub rows: u64,
    /// The newest moment at which one of them was entered.
    pub newest: Moment,
}

/// Ended for good before ?1 (milliseconds): nothing can come of it any more.
const ENDED: &str = "(
    (p.state IN ('rejected', 'refused', 'cancelled', 'expired') AND p.ended_at < ?1)
    OR (p.state = 'signed' AND p.settlement_at < ?1 AND (p.settlement = 'final'
        -- As 64 unsigned bits: a negative one is the far future.
        OR (p.settlement = 'never used' AND p.valid_before >= 0 AND p.valid_before < ?1 / 1000)))
  ) AND NOT EXISTS (SELECT 1 FROM allowances l WHERE l.payment = p.seq AND l.outcome IS NULL)";
const NOTED: &str = "(EXISTS (SELECT 1 FROM notes n WHERE n.payment = p.seq)
    OR EXISTS (SELECT 1 FROM tagged g WHERE g.payment = p.seq))";

/// Keys to look at, by date; the newest row of all stays, because its key must not be given away again.
fn keys(db: &Connection, what: &Prune, now: Moment) -> Result<(i64, i64), LedgerError> {
    let youngest = now.plus_ms(-PRUNE_YOUNGEST_DAYS * DAY);
    if what.before > youngest {
        return Err(LedgerError::TooYoung { before: what.before, youngest });
    }
    let newest: i64 =
        db.prepare_cached("SELECT coalesce(max(seq), 0) FROM payments")?.query_row([], |row| row.get(0))?;
    let first: Option<i64> =
        db.prepare_cached("SELECT min(seq) FROM payments")?.query_row([], |row| row.get(0)).optional()?.flatten();
    Ok((first.unwrap_or(1), narrow::first_since(db, what.before.0)?.min(newest)))
}

/// The next rows from key `from` on, and whether each may go.
fn look(db: &Connection, what: &Prune, from: i64, end: i64, limit: u32) -> Result<Vec<(i64, bool)>, LedgerError> {
    let (index, own) = match what.site {
        Some(_) => ("INDEXED BY payments_site", "p.site = ?5 AND"),
        None => ("", ""),
    };
    let noted = if what.noted { "0" } else { NOTED };
    let sql = format!(
        "SELECT p.seq, coalesce({ENDED} AND NOT {noted}, 0) FROM payments p {index}
         WHERE {own} p.seq >= ?2 AND p.seq < ?3 ORDER BY p.seq LIMIT ?4"
    );
    let mut values =
        vec![Value::from(what.before.0), Value::from(from), Value::from(end), Value::from(i64::from(limit))];
    if let Some(site) = &what.site {
        // What was never seen has no key.
        values.push(Value::from(sites::find(db, site)?.unwrap_or(-1)));
    }
    let mut query = db.prepare_cached(&sql)?;
    let mut rows = query.query(params_from_iter(values))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push((row.get(0)?, row.get(1)?));
    }
    Ok(found)
}

/// Takes one row out and writes down what it had counted for. `false`: it still counts as open, and stays.
fn remove(db: &Connection, seq: i64, upto: i64) -> Result<bool, LedgerError> {
    let Some(row) = rows::select(db, "", "WHERE p.seq = ?1", &[&seq])?.pop() else { return Ok(false) };
    let weight = books::weigh(&row.payment);
    if !weight.open.is_zero() {
        return Ok(false);
    }
    let key = params![row.app, row.site, row.asset];
    let settled: Option<[u8; 32]> = db
        .prepare_cached("SELECT settled FROM removed WHERE app = ?1 AND site = ?2 AND asset = ?3")?
        .query_row(key, |row| row.get(0))
        .optional()?;
    let settled = Amount::from_be_bytes(settled.unwrap_or_default());
    let settled = settled.checked_add(weight.settled).ok_or(LedgerError::TooLarge)?;
    db.prepare_cached(
        "INSERT INTO removed VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET rows = rows + 1,
         payments = payments + excluded.payments, settled = excluded.settled, newest = max(newest, excluded.newest)",
    )?
    .execute(params![
        row.app,
        row.site,
        row.asset,
        i64::from(weight.counts),
        settled.to_be_bytes(),
        row.payment.entered_at.0
    ])?;
    if seq <= upto {
        indexing::remove(db, seq)?;
    }
    for sql in [
        "DELETE FROM papers WHERE payment = ?1",
        "DELETE FROM notes WHERE payment = ?1",
        "DELETE FROM tagged WHERE payment = ?1",
        "DELETE FROM allowances WHERE payment = ?1",
        "DELETE FROM payments WHERE seq = ?1",
    ] {
        db.prepare_cached(sql)?.execute([seq])?;
    }
    Ok(true)
}

impl Ledger {
    /// Looks at the next `rows` old payments from `from` on (at the beginning: 0) and removes those that are ended
    /// for good, in one transaction.
    ///
    /// # Errors
    /// [`LedgerError::TooYoung`], or a storage error; then nothing of the step happened.
    pub fn prune_more(&self, what: &Prune, from: i64, rows: u32, now: Moment) -> Result<Pruned, LedgerError> {
        self.write("remove old payments", |db| {
            let (first, end) = keys(db, what, now)?;
            let upto = indexing::upto(db)?;
            let found = look(db, what, from.max(first), end, rows)?;
            let mut step = Pruned { next: more(&found, rows), ..Pruned::default() };
            for (seq, may_go) in found {
                match may_go && remove(db, seq, upto)? {
                    true => step.removed += 1,
                    false => step.kept += 1,
                }
            }
            if what.noted && step.removed > 0 {
                notes::drop_unused(db)?;
            }
            Ok(step)
        })
    }

    /// As [`Ledger::prune_more`], and removes nothing.
    pub fn prunable(&self, what: &Prune, from: i64, rows: u32, now: Moment) -> Result<Pruned, LedgerError> {
        self.browse("count old payments", |db| {
            let (first, end) = keys(db, what, now)?;
            let found = look(db, what, from.max(first), end, rows)?;
            let removed = found.iter().filter(|(_, may_go)| *may_go).count() as u64;
            Ok(Pruned { removed, kept: found.len() as u64 - removed, next: more(&found, rows) })
        })
    }

    /// There are not more old rows than this.
    pub fn about_how_old(&self, what: &Prune, now: Moment) -> Result<u64, LedgerError> {
        self.browse("count old payments", |db| {
            let (first, end) = keys(db, what, now)?;
            Ok(u64::try_from(end - first).unwrap_or(0))
        })
    }

    /// What was ever removed; `None`: nothing.
    pub fn removed(&self) -> Result<Option<Removed>, LedgerError> {
        self.browse("look at what was removed", |db| {
            let mut query = db.prepare_cached("SELECT sum(rows), max(newest) FROM removed HAVING count(*) > 0")?;
            let mut rows = query.query([])?;
            rows.next()?
                .map(|row| {
                    let mut cells = Cells::of(row);
                    Ok(Removed { rows: cells.count()?, newest: cells.moment()? })
                })
                .transpose()
        })
    }
}

fn more(found: &[(i64, bool)], asked: u32) -> Option<i64> {
    found.last().filter(|_| found.len() == asked as usize).map(|(seq, _)| seq + 1)
}
