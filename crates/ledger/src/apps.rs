//! Tables `apps` and `app_names`, and `clock` beside them. An app is known by the hash of its token; a revoked one keeps
//! its rows, is found no more, and gives its name free. Refuses rows for apps that were never paired, and a name that
//! can be read as one that is taken.

use crate::cells::Cells;
use crate::{App, Ledger, LedgerError, NewApp};
use plan::{AppId, Moment};
use rusqlite::{Connection, OptionalExtension, params};

/// The later of `now` and the newest moment on record.
pub fn effective(db: &Connection, now: Moment) -> Result<Moment, LedgerError> {
    let newest: i64 = db.prepare_cached("SELECT newest FROM clock")?.query_row([], |row| row.get(0))?;
    Ok(Moment(now.0.max(newest)))
}

/// As [`effective`], and remembers it: nothing written later is dated earlier.
pub fn advance(db: &Connection, now: Moment) -> Result<Moment, LedgerError> {
    let effective = effective(db, now)?;
    db.prepare_cached("UPDATE clock SET newest = ?1 WHERE newest < ?1")?.execute([effective.0])?;
    Ok(effective)
}

/// An app's key, and whether it may pay at all.
pub struct Known {
    pub app: i64,
    /// Revoked or blocked.
    pub barred: bool,
}

pub fn known(db: &Connection, id: &AppId) -> Result<Known, LedgerError> {
    db.prepare_cached("SELECT app, revoked_at IS NOT NULL OR blocked_at IS NOT NULL FROM apps WHERE id = ?1")?
        .query_row([&id.0], |row| Ok(Known { app: row.get(0)?, barred: row.get(1)? }))
        .optional()?
        .ok_or_else(|| LedgerError::NoSuchApp { app: id.0.clone() })
}

/// Counts a payment of this app, or one less.
pub fn count(db: &Connection, app: i64, by: i64) -> Result<(), LedgerError> {
    if by != 0 {
        db.prepare_cached("UPDATE apps SET payments = payments + ?2 WHERE app = ?1")?.execute([app, by])?;
    }
    Ok(())
}

const COLUMNS: &str = "SELECT id, name, paired_at, last_seen, revoked_at, blocked_at, payments FROM apps";

fn read(cells: &mut Cells<'_>) -> Result<App, LedgerError> {
    Ok(App {
        id: cells.app()?,
        name: cells.take()?,
        paired_at: cells.moment()?,
        last_seen: cells.maybe_moment()?,
        revoked_at: cells.maybe_moment()?,
        blocked: cells.maybe_moment()?.is_some(),
        payments: cells.count()?,
    })
}

fn one(db: &Connection, rest: &str, params: impl rusqlite::Params) -> Result<Option<App>, LedgerError> {
    let mut query = db.prepare_cached(&format!("{COLUMNS} {rest}"))?;
    let mut rows = query.query(params)?;
    rows.next()?.map(|row| read(&mut Cells::of(row))).transpose()
}

pub fn insert(db: &Connection, app: &NewApp<'_>, now: Moment) -> Result<App, LedgerError> {
    db.prepare_cached("INSERT INTO apps (id, name, token_hash, paired_at) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![app.id.0, app.name, app.token_hash, now.0])?;
    let key = db.last_insert_rowid();
    for reading in app.readings {
        // The index decides, not a look before: of two at the same moment one comes second.
        let sql = "INSERT INTO app_names (reading, app) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        if db.prepare_cached(sql)?.execute(params![reading, key])? == 0 {
            let like = "SELECT name FROM apps WHERE app = (SELECT app FROM app_names WHERE reading = ?1)";
            let like = db.prepare_cached(like)?.query_row([reading], |row| row.get(0))?;
            return Err(LedgerError::NameTaken { like });
        }
    }
    one(db, "WHERE id = ?1", [&app.id.0])?.ok_or_else(|| LedgerError::NoSuchApp { app: app.id.0.clone() })
}

impl Ledger {
    pub fn add_app(&self, app: &NewApp<'_>, now: Moment) -> Result<App, LedgerError> {
        self.write("add an app", |db| insert(db, app, now))
    }

    /// The app with this token, unless it was revoked. A blocked app is found: its payments are refused.
    pub fn app_by_token_hash(&self, hash: &[u8; 32]) -> Result<Option<App>, LedgerError> {
        self.read("find an app", |db| one(db, "WHERE token_hash = ?1 AND revoked_at IS NULL", [hash]))
    }

    /// The hashes of all tokens that are good.
    pub fn token_hashes(&self) -> Result<Vec<[u8; 32]>, LedgerError> {
        self.read("find an app", |db| {
            let sql = "SELECT token_hash FROM apps WHERE token_hash IS NOT NULL AND revoked_at IS NULL ORDER BY app";
            let mut query = db.prepare_cached(sql)?;
            let hashes = query.query_map([], |row| row.get(0))?;
            Ok(hashes.collect::<Result<_, _>>()?)
        })
    }

    pub fn app(&self, id: &AppId) -> Result<Option<App>, LedgerError> {
        self.read("find an app", |db| one(db, "WHERE id = ?1", [&id.0]))
    }

    /// All apps in the order they were paired, revoked ones and the owner's command line included.
    pub fn apps(&self) -> Result<Vec<App>, LedgerError> {
        self.read("list apps", |db| {
            let mut query = db.prepare_cached(&format!("{COLUMNS} ORDER BY app"))?;
            let mut rows = query.query([])?;
            let mut apps = Vec::new();
            while let Some(row) = rows.next()? {
                apps.push(read(&mut Cells::of(row))?);
            }
            Ok(apps)
        })
    }

    /// Effective with the app's next call. Its rows stay; its open questions can't be approved any more.
    pub fn revoke_app(&self, id: &AppId, now: Moment) -> Result<(), LedgerError> {
        self.write("revoke an app", |db| {
            let app = known(db, id)?.app;
            db.prepare_cached("UPDATE apps SET revoked_at = coalesce(revoked_at, ?2) WHERE app = ?1")?
                .execute(params![app, now.0])?;
            db.prepare_cached("DELETE FROM app_names WHERE app = ?1")?.execute([app])?;
            Ok(())
        })
    }

    pub fn block_app(&self, id: &AppId, now: Moment) -> Result<(), LedgerError> {
        self.change_app(id, "UPDATE apps SET blocked_at = coalesce(blocked_at, ?2) WHERE app = ?1", Some(now))
    }

    pub fn unblock_app(&self, id: &AppId) -> Result<(), LedgerError> {
        self.change_app(id, "UPDATE apps SET blocked_at = ?2 WHERE app = ?1", None)
    }

    /// Notes that the app was here, at most once a minute: a durable write for every call would be too much.
    pub fn touch_app(&self, id: &AppId, now: Moment) -> Result<(), LedgerError> {
        let seen = self.app(id)?.and_then(|app| app.last_seen);
        if seen.is_some_and(|seen| now.since(seen).abs() < 60_000) {
            return Ok(());
        }
        self.change_app(id, "UPDATE apps SET last_seen = ?2 WHERE app = ?1", Some(now))
    }

    fn change_app(&self, id: &AppId, sql: &str, at: Option<Moment>) -> Result<(), LedgerError> {
        self.write("change an app", |db| {
            let app = known(db, id)?.app;
            db.prepare_cached(sql)?.execute(params![app, at.map(|m| m.0)])?;
            Ok(())
        })
    }
}
