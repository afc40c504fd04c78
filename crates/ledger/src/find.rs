//! Pages of payments: filtered, searched, in both orders. A page goes on from a row, never from a number, and
//! looks at ten thousand rows at most, and no longer than a person waits: it costs the same at any size. Where
//! that was not enough it is short and says how far it looked.

use crate::cells::Cells;
use crate::narrow::{EVERY, Narrow, Way};
use crate::payment::{Filter, Found, Listed, Page};
use crate::{Ledger, LedgerError, PaymentId, allowances, indexing, notes, rows};
use plan::Moment;
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};
use std::time::{Duration, Instant};

/// The longest page.
const LONGEST: usize = 1000;
/// How much a page may look at: it ends with whichever comes first, and always gets a step further.
#[derive(Clone, Copy)]
struct Patience {
    rows: usize,
    /// The index of words is asked about so many keys at once at most. Two common words that never stand together
    /// cost as much as there are rows; in between, the walk can stop.
    stretch: i64,
    /// Measures how long a person waits, nothing that is written down.
    time: Duration,
}

impl Patience {
    const PAGE: Self = Self { rows: 10_000, stretch: 1 << 18, time: Duration::from_millis(30) };
    const ENDLESS: Self = Self { rows: usize::MAX, stretch: 1 << 20, time: Duration::MAX };
}

impl Ledger {
    /// A page of payments, newest first unless it says otherwise.
    pub fn payments(&self, filter: &Filter, page: Page) -> Result<Found, LedgerError> {
        self.browse("list payments", |db| {
            let Some(walk) = Walk::start(db, filter, page)? else { return Ok(Found::default()) };
            let keys = walk.go(db, page.limit.min(LONGEST), Patience::PAGE)?;
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
                let keys = walk.go(db, LONGEST, Patience::ENDLESS)?;
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

const NOTHING_LEFT: (i64, i64) = (1, 0);
/// The index of words is asked about so many keys at first, then about twice as many each time.
const FIRST_STRETCH: i64 = 1 << 13;
/// So many rows are sooner compared than told apart by another list.
const FEW: usize = 64;

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

    /// The parts of the keys, in order, each with its way.
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

    /// The next stretch of what is left between two keys, and what is left after it.
    fn cut(&self, (low, high): (i64, i64), at_once: i64) -> ((i64, i64), (i64, i64)) {
        let more = at_once - 1;
        if self.oldest_first {
            let end = high.min(low.saturating_add(more));
            // Written so that the last key of all has no successor.
            ((low, end), if end < high { (end + 1, high) } else { NOTHING_LEFT })
        } else {
            let begin = low.max(high.saturating_sub(more));
            ((begin, high), (low, begin - 1))
        }
    }

    /// The last row of a stretch that was looked through, in the order of the walk; `None` where it has none.
    fn edge(&self, db: &Connection, (low, high): (i64, i64)) -> Result<Option<i64>, LedgerError> {
        let edge = if self.oldest_first { "max" } else { "min" };
        let sql = format!("SELECT {edge}(seq) FROM payments WHERE seq >= ?1 AND seq <= ?2");
        Ok(db.prepare_cached(&sql)?.query_row([low, high], |row| row.get(0))?)
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

    /// The rows of a stretch that have all of these pieces, in the order of the walk. The lists are read one by one,
    /// the rarest first, and only as long as there is much to tell apart: FTS5 itself would look for the first row that
    /// is in all of them, however far away it is.
    fn together(&self, db: &Connection, words: &[String], (low, high): (i64, i64)) -> Result<Vec<i64>, LedgerError> {
        let sql = "SELECT rowid FROM words WHERE words MATCH ?1 AND rowid >= ?2 AND rowid <= ?3 ORDER BY rowid";
        let mut query = db.prepare_cached(sql)?;
        let mut seqs: Option<Vec<i64>> = None;
        for term in words {
            if seqs.as_ref().is_some_and(|seqs| seqs.len() <= FEW) {
                break;
            }
            let list: Vec<i64> =
                query.query_map(params![term, low, high], |row| row.get(0))?.collect::<Result<_, _>>()?;
            match &mut seqs {
                None => seqs = Some(list),
                Some(seqs) => seqs.retain(|seq| list.binary_search(seq).is_ok()),
            }
        }
        let mut seqs = seqs.unwrap_or_default();
        if !self.oldest_first {
            seqs.reverse();
        }
        Ok(seqs)
    }

    fn go(&self, db: &Connection, limit: usize, patience: Patience) -> Result<Keys, LedgerError> {
        let mut keys = Keys { kept: Vec::new(), last: None, short: false };
        let (started, mut looked) = (Instant::now(), 0usize);
        for (way, low, high) in self.parts() {
            let mut query = db.prepare_cached(&self.sql(way))?;
            let (_, values) = self.narrow.keep();
            // Few at first: words that are everywhere fill a page at once.
            let (mut left, mut at_once) = ((low, high), FIRST_STRETCH.min(patience.stretch));
            while left.0 <= left.1 {
                // Every other way comes by its rows one by one, and is counted by them.
                let (stretch, rest) = if way.words.is_empty() { (left, NOTHING_LEFT) } else { self.cut(left, at_once) };
                (left, at_once) = (rest, at_once.saturating_mul(2).min(patience.stretch));
                let runs = match way.words.as_slice() {
                    [] => vec![stretch],
                    words => self.together(db, words, stretch)?.into_iter().map(|seq| (seq, seq)).collect(),
                };
                for (low, high) in runs {
                    let ends = [Value::from(low), Value::from(high)];
                    let mut rows =
                        query.query(params_from_iter(values.iter().cloned().chain(way.value.clone()).chain(ends)))?;
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
                        // The time is asked for now and then: a clock costs more than some rows.
                        let late = looked.is_multiple_of(64) && started.elapsed() >= patience.time;
                        if looked >= patience.rows || late {
                            (keys.last, keys.short) = (Some(seq), true);
                            return Ok(keys);
                        }
                    }
                }
                if left.0 <= left.1
                    && started.elapsed() >= patience.time
                    && let Some(edge) = self.edge(db, stretch)?
                {
                    (keys.last, keys.short) = (Some(edge), true);
                    return Ok(keys);
                }
            }
        }
        Ok(keys)
    }
}

#[cfg(test)]
mod tests;
