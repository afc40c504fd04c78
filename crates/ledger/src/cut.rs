//! Cutting documents: the raw 402 of a question that came to nothing takes most of its row's room and is worth nothing
//! after a while. The plan that was read of it stays, and so does its hash. Refuses nothing; touches no row that was
//! signed, is open or may still be.

use crate::{Ledger, LedgerError, settings};
use plan::Moment;
use rusqlite::{Connection, params};

/// How questions come to nothing.
const ENDS: [&str; 4] = ["cancelled", "expired", "refused", "rejected"];

/// The setting that says up to which row the documents of an end are cut.
fn mark(end: &str) -> String {
    format!("cut.{end}")
}

/// The next rows that ended so before a moment, by key.
fn next(db: &Connection, end: &str, after: i64, before: Moment, rows: u32) -> Result<Vec<i64>, LedgerError> {
    let mut query = db.prepare_cached(
        "SELECT p.seq, p.ended_at < ?3 FROM payments p INDEXED BY payments_state
         WHERE p.state = ?1 AND p.seq > ?2 AND p.entered_at < ?3 ORDER BY p.seq LIMIT ?4",
    )?;
    let found = query.query_map(params![end, after, before.0, rows], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut due = Vec::new();
    for row in found {
        let (seq, old): (i64, Option<bool>) = row?;
        // It ended later than it was asked: those behind it wait with it.
        if old != Some(true) {
            break;
        }
        due.push(seq);
    }
    Ok(due)
}

impl Ledger {
    /// Cuts up to `rows` documents of each end that was before a moment, in one transaction. Answers how many: none
    /// means that all are cut.
    ///
    /// # Errors
    /// A storage error; then nothing of the step happened.
    pub fn cut_documents(&self, before: Moment, rows: u32) -> Result<u64, LedgerError> {
        let cut_from = |db: &Connection, end: &str| -> Result<i64, LedgerError> {
            Ok(settings::find(db, &mark(end))?.and_then(|text| text.parse().ok()).unwrap_or(0))
        };
        // Most often there is nothing: no write then.
        let any = self.read("look for old documents", |db| {
            for end in ENDS {
                if !next(db, end, cut_from(db, end)?, before, 1)?.is_empty() {
                    return Ok(true);
                }
            }
            Ok(false)
        })?;
        if !any {
            return Ok(0);
        }
        self.write("cut old documents", |db| {
            let mut cut = 0;
            for end in ENDS {
                let due = next(db, end, cut_from(db, end)?, before, rows)?;
                let Some(last) = due.last() else { continue };
                for seq in &due {
                    let sql = "UPDATE papers SET document = '' WHERE payment = ?1 AND header_value IS NULL";
                    db.prepare_cached(sql)?.execute([seq])?;
                }
                db.prepare_cached("INSERT OR REPLACE INTO settings VALUES (?1, ?2)")?
                    .execute(params![mark(end), last.to_string()])?;
                cut += due.len() as u64;
            }
            Ok(cut)
        })
    }
}
