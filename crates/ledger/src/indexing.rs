//! Tables `words` and `indexing`: the index behind the search. A payment's row is indexed some time after it
//! was written, in small batches, so that entering one stays as cheap as it was; until then the search looks
//! through the rows themselves. What is indexed and how far are one transaction: a crash loses no row.

use crate::cells::Cells;
use crate::{Ledger, LedgerError, grams};
use rusqlite::{Connection, params};
use tron::Address;

/// What a row is found by, with `p`, `n` (its note) and the names of its tags.
pub const TEXTS: &str = "p.url, p.symbol, p.site_words, p.app_words, n.note,
    (SELECT group_concat(t.name, char(10)) FROM tagged g CROSS JOIN tags t ON t.tag = g.tag WHERE g.payment = p.seq)";
/// The join that [`TEXTS`] needs.
pub const NOTES: &str = "LEFT JOIN notes n ON n.payment = p.seq";

/// Up to this row everything is in the index.
pub fn upto(db: &Connection) -> Result<i64, LedgerError> {
    Ok(db.prepare_cached("SELECT upto FROM indexing")?.query_row([], |row| row.get(0))?)
}

/// How many rows are not; prefers speed to exactness where rows were removed.
pub fn missing(db: &Connection) -> Result<u64, LedgerError> {
    let newest: i64 =
        db.prepare_cached("SELECT coalesce(max(seq), 0) FROM payments")?.query_row([], |row| row.get(0))?;
    Ok(u64::try_from(newest - upto(db)?).unwrap_or(0))
}

/// The next cells, as [`TEXTS`] asked for them, in the form that is compared.
pub fn lines(cells: &mut Cells<'_>) -> Result<Vec<String>, LedgerError> {
    let url = cells.text("url")?;
    let url = url.split_once("://").map_or(url, |(_, rest)| rest);
    let mut lines = vec![grams::fold(url), grams::fold(cells.text("symbol")?)];
    for _ in 0..4 {
        if let Some(text) = cells.maybe_text("words")? {
            lines.extend(text.split('\n').map(grams::fold));
        }
    }
    Ok(lines)
}

/// Indexes the rows that a query for `rest` finds; gives the last one's key.
fn index(db: &Connection, rest: &str, params: impl rusqlite::Params) -> Result<Option<i64>, LedgerError> {
    let mut select = db.prepare_cached(&format!(
        "SELECT p.seq, p.payee, p.payer, p.contract, a.token, {TEXTS}
         FROM payments p CROSS JOIN assets a ON a.asset = p.asset {NOTES} {rest}"
    ))?;
    let mut insert = db.prepare_cached("INSERT INTO words (rowid, grams) VALUES (?1, ?2)")?;
    let mut rows = select.query(params)?;
    let mut last = None;
    while let Some(row) = rows.next()? {
        let mut cells = Cells::of(row);
        let seq: i64 = cells.take()?;
        let addresses: [Address; 4] = [cells.address()?, cells.address()?, cells.address()?, cells.address()?];
        insert.execute(params![seq, grams::document(&lines(&mut cells)?, &addresses)])?;
        last = Some(seq);
    }
    Ok(last)
}

/// The row's words changed: what the index has of it is written anew.
pub fn refresh(db: &Connection, seq: i64) -> Result<(), LedgerError> {
    if seq <= upto(db)? {
        remove(db, seq)?;
        index(db, "WHERE p.seq = ?1", [seq])?;
    }
    Ok(())
}

/// Takes a row out of the index, if it is there.
pub fn remove(db: &Connection, seq: i64) -> Result<(), LedgerError> {
    db.prepare_cached("DELETE FROM words WHERE rowid = ?1")?.execute([seq])?;
    Ok(())
}

impl Ledger {
    /// Indexes the next `rows` payments and says how many are left.
    pub fn index_more(&self, rows: u32) -> Result<u64, LedgerError> {
        self.write("index payments", |db| {
            let upto = upto(db)?;
            let rest = "WHERE p.seq > ?1 ORDER BY p.seq LIMIT ?2";
            match index(db, rest, params![upto, i64::from(rows)])? {
                None => Ok(0),
                Some(last) => {
                    db.prepare_cached("UPDATE indexing SET upto = ?1")?.execute([last])?;
                    missing(db)
                }
            }
        })
    }

    /// How many payments the index does not have yet.
    pub fn unindexed(&self) -> Result<u64, LedgerError> {
        self.browse("look at the index", missing)
    }
}
