//! Table `costs`: what settlements cost in sun, by payee and minute, for a day.

use super::{Store, StoreError, sent::whole};
use rusqlite::params;
use std::str::FromStr;
use tron::Address;

impl Store {
    /// Adds to what was spent for a payee in a minute; a negative number takes back what was not spent after all.
    pub(crate) async fn cost(&self, payee: Address, minute: u64, sun: i64) -> Result<(), StoreError> {
        self.write_aside(move |tx| {
            let sql = "INSERT INTO costs VALUES (?1, ?2, max(?3, 0)) \
                       ON CONFLICT DO UPDATE SET sun = max(sun + ?3, 0)";
            tx.prepare_cached(sql)?.execute(params![payee.to_string(), whole(minute), sun])?;
            Ok(())
        })
        .await
    }

    /// Everything since a minute, the oldest first; forgets what is older.
    pub(crate) fn costs_since(&self, minute: u64) -> Result<Vec<(Address, u64, u64)>, StoreError> {
        self.write(|tx| {
            tx.prepare_cached("DELETE FROM costs WHERE minute < ?1")?.execute([whole(minute)])?;
            let mut query = tx.prepare_cached("SELECT payee, minute, sun FROM costs ORDER BY minute")?;
            let mut rows = query.query([])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let payee: String = row.get(0)?;
                let unreadable = |_| StoreError::Row { what: "costs.payee", found: payee.clone() };
                let whole = |number: i64| u64::try_from(number).unwrap_or_default();
                found.push((Address::from_str(&payee).map_err(unreadable)?, whole(row.get(1)?), whole(row.get(2)?)));
            }
            Ok(found)
        })
    }
}
