//! What each day of a list comes to: everything that its filter lets through, and not the rows of one page. Amounts of
//! two tokens or networks never add up. Refuses to guess: a day that is too long to add up, or whose rows were removed
//! by their age, has no sum.

use crate::cells::Cells;
use crate::narrow::{Narrow, first_since};
use crate::payment::Filter;
use crate::values::Spent;
use crate::{Ledger, LedgerError, books, rows};
use plan::Moment;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use std::collections::BTreeMap;
use tron::Amount;

/// A day with more rows than this is not added up while a person waits for the list.
const MOST: usize = 200_000;

impl Ledger {
    /// What left or can still leave by the rows of each span (from, until) of moments of entry, by token; `None` where
    /// that can't be told.
    pub fn sums_of(&self, filter: &Filter, spans: &[(Moment, Moment)]) -> Result<Vec<Option<Vec<Spent>>>, LedgerError> {
        self.browse("sum up days", |db| {
            let Some(narrow) = Narrow::by(db, filter)? else { return Ok(vec![None; spans.len()]) };
            // Words are compared row by row, which takes as long as a search.
            if narrow.wanted.is_some() {
                return Ok(vec![None; spans.len()]);
            }
            let removed: Option<i64> =
                db.prepare_cached("SELECT max(newest) FROM removed")?.query_row([], |row| row.get(0))?;
            spans
                .iter()
                .map(|span| match removed {
                    Some(newest) if newest >= span.0.0 => Ok(None),
                    _ => sum(db, &narrow, *span),
                })
                .collect()
        })
    }
}

fn sum(db: &Connection, narrow: &Narrow, (from, until): (Moment, Moment)) -> Result<Option<Vec<Spent>>, LedgerError> {
    let (keep, values) = narrow.keep();
    let keys =
        (first_since(db, from.0)?.max(narrow.keys.0), first_since(db, until.0)?.saturating_sub(1).min(narrow.keys.1));
    let sql = format!(
        "SELECT a.network, a.token, p.state, p.settlement, p.maximum, p.actual
         FROM payments p CROSS JOIN assets a ON a.asset = p.asset WHERE ({keep}) AND p.seq >= ? AND p.seq <= ?"
    );
    let mut query = db.prepare_cached(&sql)?;
    let ends = [Value::from(keys.0), Value::from(keys.1)];
    let mut found = query.query(params_from_iter(values.iter().cloned().chain(ends)))?;
    let (mut sums, mut count) = (BTreeMap::new(), 0);
    while let Some(row) = found.next()? {
        count += 1;
        if count > MOST {
            return Ok(None);
        }
        let mut cells = Cells::of(row);
        let asset = (cells.network()?, cells.address()?);
        let state = rows::read_state(cells.text("state")?)?;
        let settlement = cells.maybe_text("settlement")?.map(rows::read_kind).transpose()?;
        let (maximum, actual) = (cells.amount()?, cells.maybe_amount()?);
        let weight = books::weight(state, settlement, maximum, actual);
        let sum = sums.entry(asset).or_insert(Amount::ZERO);
        for amount in [weight.settled, weight.open] {
            *sum = sum.checked_add(amount).ok_or(LedgerError::TooLarge)?;
        }
    }
    let spent = |((network, token), amount): (_, Amount)| Spent { network, token, amount };
    Ok(Some(sums.into_iter().filter(|(_, amount)| !amount.is_zero()).map(spent).collect()))
}
