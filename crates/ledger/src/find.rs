//! Pages of payments: filtered, searched, in both orders. A page goes on from a row, never from a number, and
//! looks at ten thousand rows at most: it costs the same at any size. Where that was not enough it is short and
//! says how far it looked.

use crate::cells::Cells;
use crate::narrow::{EVERY, Narrow, Way};
use crate::payment::{Filter, Found, Listed, Page};
use crate::{Ledger, LedgerError, PaymentId, allowances, indexing, notes, rows};
use plan::Moment;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

/// The longest page.
const LONGEST: usize = 1000;
/// How many rows a page looks at.
const LOOK: usize = 10_000;

impl Ledger {
    /// A page of payments, newest first unless it says otherwise.
    pub fn payments(&self, filter: &Filter, page: Page) -> Result<Found, LedgerError> {
        self.browse("list payments", |db| {
            let Some(walk) = Walk::start(db, filter, page)? else { return Ok(Found::default()) };
            let keys = walk.go(db, page.limit.min(LONGEST), LOOK)?;
            let mut found = Found { unindexed: indexing::missing(db)?, ..Found::default() };
            for seq in keys.kept {
                found.rows.extend(listed(db, seq)?);
            }
            if let Some(last) = keys.last {
                let (id, at) = db
                    .prepare_cached("SELECT id, entered_at FROM payments WHERE seq = ?1")?
                    .query_row([last], |row| Ok((row.get(0)?, row.get(1)?)))?;
                found.next = Some(PaymentId::from_bytes(id));
                found.looked_to = keys.short.then_some(Moment(at));
            }
            Ok(found)
        })
    }

    /// Hands over every payment that the filter lets through, in the order of `page`, from one snapshot and a
    /// connection of its own: payments go on meanwhile, and are not in it. `each` says whether to go on.
    ///
    /// # Errors
    /// Whatever `each` returns, or a storage error.
    pub fn every_payment<E: From<LedgerError>>(
        &self,
        filter: &Filter,
        oldest_first: bool,
        mut each: impl FnMut(Listed) -> Result<bool, E>,
    ) -> Result<(), E> {
        let mut outcome = Ok(());
        self.read_long("read all payments", |db| {
            let page = Page { after: None, limit: LONGEST, oldest_first };
            let Some(mut walk) = Walk::start(db, filter, page)? else { return Ok(()) };
            loop {
                let keys = walk.go(db, LONGEST, usize::MAX)?;
                for seq in keys.kept {
                    let Some(row) = listed(db, seq)? else { continue };
                    match each(row) {
                        Ok(true) => {}
                        Ok(false) => return Ok(()),
                        Err(error) => {
                            outcome = Err(error);
                            return Ok(());
                        }
                    }
                }
                match keys.last {
                    None => return Ok(()),
                    Some(last) => walk.after(last),
                }
            }
        })?;
        outcome
    }

    /// One payment with a person's words on it.
    pub fn listed(&self, id: PaymentId) -> Result<Listed, LedgerError> {
        self.browse("find a payment", |db| listed(db, rows::seq(db, id)?)?.ok_or(LedgerError::NoSuchPayment { id }))
    }

    /// How many rows there are at most, for a bar of progress.
    pub fn about_how_many(&self, filter: &Filter) -> Result<u64, LedgerError> {
        self.browse("count payments", |db| {
            let Some(narrow) = Narrow::by(db, filter)? else { return Ok(0) };
            let newest: i64 =
                db.prepare_cached("SELECT coalesce(max(seq), 0) FROM payments")?.query_row([], |row| row.get(0))?;
            Ok(u64::try_from(narrow.keys.1.min(newest) - narrow.keys.0 + 1).unwrap_or(0))
        })
    }
}

fn listed(db: &Connection, seq: i64) -> Result<Option<Listed>, LedgerError> {
    let Some(row) = rows::select(db, "", "WHERE p.seq = ?1", &[&seq])?.pop() else { return Ok(None) };
    let (note, tags) = notes::of(db, seq)?;
    let allowances = match row.payment.plan.allowance {
        Some(_) => allowances::of(db, row.payment.id)?,
        None => vec![],
    };
    Ok(Some(Listed { payment: row.payment, note, tags, allowances }))
}

/// A way through the rows that a filter lets through.
struct Walk {
    narrow: Narrow,
    way: Way,
    /// The last key that `way` leads to; newer rows are looked through one by one.
    upto: i64,
    oldest_first: bool,
}

/// What a walk came by.
struct Keys {
    kept: Vec<i64>,
    /// Where to go on, if there is anything left.
    last: Option<i64>,
    /// It stopped because it had looked at enough rows.
    short: bool,
}

impl Walk {
    fn start(db: &Connection, filter: &Filter, page: Page) -> Result<Option<Self>, LedgerError> {
        let Some(narrow) = Narrow::by(db, filter)? else { return Ok(None) };
        let (way, indexed_only) = narrow.way(db)?;
        let upto = if indexed_only { indexing::upto(db)? } else { i64::MAX };
        let mut walk = Self { narrow, way, upto, oldest_first: page.oldest_first };
        if let Some(after) = page.after {
            walk.after(rows::seq(db, after)?);
        }
        Ok(Some(walk))
    }

    fn after(&mut self, seq: i64) {
        let keys = &mut self.narrow.keys;
        match self.oldest_first {
            true => keys.0 = keys.0.max(seq + 1),
            false => keys.1 = keys.1.min(seq - 1),
        }
    }

    /// The stretches of keys, in order, each with its way.
    fn parts(&self) -> Vec<(&Way, i64, i64)> {
        let (low, high) = self.narrow.keys;
        let mut parts = vec![(&self.way, low, high.min(self.upto))];
        if self.upto < high {
            parts.push((&EVERY, low.max(self.upto + 1), high));
        }
        if !self.oldest_first {
            parts.reverse();
        }
        parts
    }

    fn sql(&self, way: &Way) -> String {
        let (keep, _) = self.narrow.keep();
        let (texts, join) = match self.narrow.wanted {
            Some(_) => (format!(", {}", indexing::TEXTS), indexing::NOTES),
            None => (String::new(), ""),
        };
        let Way { from, key, term, .. } = way;
        let term = if term.is_empty() { String::new() } else { format!("{term} AND ") };
        let order = if self.oldest_first { "ASC" } else { "DESC" };
        format!(
            "SELECT {key}, ({keep}){texts} FROM {from} {join} WHERE {term}{key} >= ? AND {key} <= ? ORDER BY {key} {order}"
        )
    }

    fn go(&self, db: &Connection, limit: usize, look: usize) -> Result<Keys, LedgerError> {
        let mut keys = Keys { kept: Vec::new(), last: None, short: false };
        let mut looked = 0;
        for (way, low, high) in self.parts() {
            if low > high {
                continue;
            }
            let mut query = db.prepare_cached(&self.sql(way))?;
            let (_, values) = self.narrow.keep();
            let values = values.iter().cloned().chain(way.value.clone()).chain([Value::from(low), Value::from(high)]);
            let mut rows = query.query(params_from_iter(values))?;
            while let Some(row) = rows.next()? {
                let mut cells = Cells::of(row);
                let (seq, keep): (i64, Option<bool>) = (cells.take()?, cells.take()?);
                let keep = keep.unwrap_or(false)
                    && match &self.narrow.wanted {
                        Some(wanted) => wanted.is_in(&indexing::lines(&mut cells)?),
                        None => true,
                    };
                if keep {
                    // One more than asked for: it tells that there is a next page.
                    if keys.kept.len() == limit {
                        keys.last = keys.kept.last().copied();
                        return Ok(keys);
                    }
                    keys.kept.push(seq);
                }
                looked += 1;
                if looked >= look {
                    keys.last = Some(seq);
                    keys.short = true;
                    return Ok(keys);
                }
            }
        }
        Ok(keys)
    }
}

#[cfg(test)]
mod tests;
