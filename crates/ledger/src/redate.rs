//! A record that lies ahead of the time, because the clock was wrong when it was written: everything dated later than
//! now is dated, and counts, as of now. Takes nothing out of any sum, refuses to date anything earlier than it has to.

use crate::cells::Cells;
use crate::payment::State;
use crate::spendings::{self, Account, DAY};
use crate::{Ledger, LedgerError, apps, books, narrow, rows};
use plan::Moment;
use rusqlite::{Connection, params};
use std::collections::BTreeMap;
use tron::Amount;

/// The moments of a payment, and of all else that is dated.
const DATED: [(&str, &[&str]); 12] = [
    ("payments", &["entered_at", "reserved_at", "signed_at", "ended_at", "settlement_at", "delivery_at"]),
    ("allowances", &["at", "outcome_at"]),
    ("apps", &["paired_at", "last_seen", "revoked_at", "blocked_at"]),
    ("sites", &["blocked_at"]),
    ("blocked_hosts", &["blocked_at"]),
    ("tallies", &["first", "last"]),
    ("recipients", &["first", "last", "settled_first"]),
    ("rules", &["set_at"]),
    ("payers", &["set_at"]),
    ("tokens", &["added_at"]),
    ("notes", &["at"]),
    ("removed", &["newest"]),
];
/// A window is a month; what is added up by the minute reaches back a day further.
const REACH: i64 = 32 * DAY;

/// What was ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redated {
    /// Payments that were dated later than now.
    pub payments: u64,
    /// The newest moment that was on record.
    pub from: Moment,
    pub to: Moment,
}

impl Ledger {
    /// The newest moment on record; `None` in one that nothing was written into.
    pub fn newest(&self) -> Result<Option<Moment>, LedgerError> {
        self.read("read the clock", |db| {
            let newest = apps::effective(db, Moment(0))?;
            Ok((newest.0 > 0).then_some(newest))
        })
    }

    /// Dates everything that lies ahead as of `now`: the caller has to be sure of the time. `None`: nothing lies ahead.
    ///
    /// # Errors
    /// A storage error; then nothing changed.
    pub fn redate(&self, now: Moment) -> Result<Option<Redated>, LedgerError> {
        self.write("set the record's clock right", |db| {
            let from = apps::effective(db, now)?;
            if from <= now {
                return Ok(None);
            }
            // Entered in the order of their keys: whatever lies ahead comes last, and so does what can be in a window.
            let first = narrow::first_since(db, now.0 + 1)?;
            let payments: i64 = db
                .prepare_cached("SELECT count(*) FROM payments WHERE seq >= ?1")?
                .query_row([first], |row| row.get(0))?;
            // A question closes as long after it was asked as it would have.
            db.prepare_cached(
                "UPDATE payments SET expires_at = min(expires_at, ?2 + max(expires_at - entered_at, 0))
                 WHERE seq >= ?1 AND state = 'asked'",
            )?
            .execute([first, now.0])?;
            for (table, columns) in DATED {
                // The lesser of nothing and a moment is nothing.
                let set: Vec<String> = columns.iter().map(|column| format!("{column} = min({column}, ?1)")).collect();
                let ahead: Vec<String> = columns.iter().map(|column| format!("{column} > ?1")).collect();
                let sql = format!("UPDATE {table} SET {} WHERE {}", set.join(", "), ahead.join(" OR "));
                db.prepare_cached(&sql)?.execute([now.0])?;
            }
            gather(db, now)?;
            count_minutes(db, now)?;
            db.prepare_cached("UPDATE clock SET newest = ?1")?.execute([now.0])?;
            Ok(Some(Redated { payments: u64::try_from(payments).unwrap_or(0), from, to: now }))
        })
    }
}

/// Hours and days that lie ahead are added to the ones of now.
fn gather(db: &Connection, now: Moment) -> Result<(), LedgerError> {
    for (span, length) in spendings::SPANS {
        let here = spendings::floor(now.0, length);
        let mut sums: BTreeMap<(i64, i64, i64), Amount> = BTreeMap::new();
        {
            let mut query =
                db.prepare_cached("SELECT app, site, asset, amount FROM spendings WHERE span = ?1 AND start >= ?2")?;
            let mut found = query.query([span, here])?;
            while let Some(row) = found.next()? {
                let mut cells = Cells::of(row);
                let key = (cells.take()?, cells.take()?, cells.take()?);
                let sum = sums.entry(key).or_insert(Amount::ZERO);
                *sum = sum.checked_add(cells.amount()?).ok_or(LedgerError::TooLarge)?;
            }
        }
        db.prepare_cached("DELETE FROM spendings WHERE span = ?1 AND start >= ?2")?.execute([span, here])?;
        for ((app, site, asset), sum) in sums {
            write(db, (app, site, asset), (span, here), sum)?;
        }
    }
    Ok(())
}

/// Minutes more than a month older than the newest payment are not kept: those that are in a window again are made anew
/// from the payments of that time, none of which can have been removed yet.
fn count_minutes(db: &Connection, now: Moment) -> Result<(), LedgerError> {
    let since = now.0 - REACH;
    let mut sums: BTreeMap<(i64, i64, i64, i64), Amount> = BTreeMap::new();
    let first = narrow::first_since(db, since - DAY)?;
    for row in rows::select(db, "", "WHERE p.seq >= ?1 AND p.reserved_at >= ?2", &[&first, &since])? {
        if !matches!(row.payment.state, State::Reserved | State::Signed) {
            continue;
        }
        let Some(at) = row.payment.reserved_at else { continue };
        let account = Account { app: row.app, site: row.site, asset: row.asset };
        for site in [account.site, spendings::ALL_SITES] {
            let key = (account.app, site, account.asset, spendings::floor(at.0, spendings::MINUTE));
            let sum = sums.entry(key).or_insert(Amount::ZERO);
            *sum = sum.checked_add(books::counted(&row.payment)).ok_or(LedgerError::TooLarge)?;
        }
    }
    db.prepare_cached("DELETE FROM spendings WHERE span = 0 AND start >= ?1")?
        .execute([spendings::floor(since, spendings::MINUTE) + spendings::MINUTE])?;
    for ((app, site, asset, start), sum) in sums {
        write(db, (app, site, asset), (0, start), sum)?;
    }
    Ok(())
}

fn write(
    db: &Connection,
    (app, site, asset): (i64, i64, i64),
    (span, start): (i64, i64),
    sum: Amount,
) -> Result<(), LedgerError> {
    db.prepare_cached("INSERT OR REPLACE INTO spendings VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?.execute(params![
        app,
        site,
        asset,
        span,
        start,
        sum.to_be_bytes()
    ])?;
    Ok(())
}
