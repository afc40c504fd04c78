//! Table `settings`: text by key.

use crate::{Ledger, LedgerError};
use rusqlite::{Connection, OptionalExtension, params};

pub fn find(db: &Connection, key: &str) -> Result<Option<String>, LedgerError> {
    let mut query = db.prepare_cached("SELECT value FROM settings WHERE key = ?1")?;
    Ok(query.query_row([key], |row| row.get(0)).optional()?)
}

impl Ledger {
    pub fn setting(&self, key: &str) -> Result<Option<String>, LedgerError> {
        self.read_warm("read a setting", |db| find(db, key))
    }

    pub fn set_setting(&self, key: &str, value: &str) -> Result<(), LedgerError> {
        self.write("keep a setting", |db| {
            db.prepare_cached("INSERT OR REPLACE INTO settings VALUES (?1, ?2)")?.execute(params![key, value])?;
            Ok(())
        })
    }
}
