//! Table `pairings`: programs that want to be paired, with the short code that both sides show. Refuses to
//! approve what is closed or out of time.

use crate::cells::Cells;
use crate::{App, Ledger, LedgerError, NewApp, Pairing, PairingState, apps};
use plan::{AppId, Moment};
use rusqlite::{Connection, params};

const COLUMNS: &str = "SELECT p.id, p.name, p.code, p.asked_at, p.expires_at, p.closed_at, a.id
    FROM pairings p LEFT JOIN apps a ON a.app = p.app";

fn read(cells: &mut Cells<'_>) -> Result<Pairing, LedgerError> {
    Ok(Pairing {
        id: cells.take()?,
        name: cells.take()?,
        code: cells.take()?,
        asked_at: cells.moment()?,
        expires_at: cells.moment()?,
        state: match (cells.maybe_moment()?, cells.take::<Option<String>>()?) {
            (None, _) => PairingState::Open,
            (Some(at), Some(app)) => PairingState::Approved { app: AppId(app), at },
            (Some(at), None) => PairingState::Rejected { at },
        },
    })
}

fn find(db: &Connection, id: &str) -> Result<Option<Pairing>, LedgerError> {
    let mut query = db.prepare_cached(&format!("{COLUMNS} WHERE p.id = ?1"))?;
    let mut rows = query.query([id])?;
    rows.next()?.map(|row| read(&mut Cells::of(row))).transpose()
}

/// Neither closed nor out of time.
fn open(db: &Connection, id: &str, now: Moment) -> Result<(), LedgerError> {
    find(db, id)?
        .filter(|p| p.state == PairingState::Open && now < p.expires_at)
        .map(|_| ())
        .ok_or_else(|| LedgerError::NoSuch { what: "open pairing", key: id.to_owned() })
}

impl Ledger {
    pub fn add_pairing(
        &self,
        id: &str,
        name: &str,
        code: &str,
        expires_at: Moment,
        now: Moment,
    ) -> Result<Pairing, LedgerError> {
        self.write("ask for a pairing", |db| {
            db.prepare_cached(
                "INSERT INTO pairings (id, name, code, asked_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![id, name, code, now.0, expires_at.0])?;
            find(db, id)?.ok_or_else(|| LedgerError::NoSuch { what: "pairing", key: id.to_owned() })
        })
    }

    pub fn pairing(&self, id: &str) -> Result<Option<Pairing>, LedgerError> {
        self.read("find a pairing", |db| find(db, id))
    }

    /// What waits for a person, oldest first.
    pub fn open_pairings(&self, now: Moment) -> Result<Vec<Pairing>, LedgerError> {
        self.read("list pairings", |db| {
            let rest = "WHERE p.closed_at IS NULL AND p.expires_at > ?1 ORDER BY p.asked_at, p.id";
            let mut query = db.prepare_cached(&format!("{COLUMNS} {rest}"))?;
            let mut rows = query.query([now.0])?;
            let mut pairings = Vec::new();
            while let Some(row) = rows.next()? {
                pairings.push(read(&mut Cells::of(row))?);
            }
            Ok(pairings)
        })
    }

    /// Adds the app and closes the pairing in one transaction.
    pub fn approve_pairing(&self, id: &str, app: &NewApp<'_>, now: Moment) -> Result<App, LedgerError> {
        self.write("approve a pairing", |db| {
            open(db, id, now)?;
            let added = apps::insert(db, app, now)?;
            let key = apps::known(db, &app.id)?.app;
            db.prepare_cached("UPDATE pairings SET closed_at = ?2, app = ?3 WHERE id = ?1")?
                .execute(params![id, now.0, key])?;
            Ok(added)
        })
    }

    pub fn reject_pairing(&self, id: &str, now: Moment) -> Result<(), LedgerError> {
        self.write("reject a pairing", |db| {
            open(db, id, now)?;
            db.prepare_cached("UPDATE pairings SET closed_at = ?2 WHERE id = ?1")?.execute(params![id, now.0])?;
            Ok(())
        })
    }
}
