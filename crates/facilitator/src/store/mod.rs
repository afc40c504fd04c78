//! The facilitator's own SQLite file: every transaction before it is sent, and the fees that were quoted. A write is
//! on the disk when it returns. Refuses a file that is not its own or comes from a newer program.

mod costs;
mod fates;
mod prices;
mod sent;

pub(crate) use fates::{News, Which};
pub(crate) use prices::Price;
pub(crate) use sent::{Claim, Sent, State};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// "CSGF": tells this file from other SQLite files.
const APPLICATION_ID: i64 = 0x4353_4746;
/// Every shape the file had, in order. Released ones are never edited.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/0001_first.sql"),
    include_str!("../../migrations/0002_told_once.sql"),
    include_str!("../../migrations/0003_seen.sql"),
    include_str!("../../migrations/0004_budget.sql"),
];

/// Why the file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("it is not a facilitator's database (application id {found})")]
    NotOurs { found: i64 },
    #[error("it has version {found}, this program knows {known}: use the newer program that wrote it")]
    Newer { found: usize, known: usize },
    #[error("its file system does not support a write-ahead log (found {found})")]
    NoWriteAheadLog { found: String },
    #[error("a row can't be read: {what} is {found:?}")]
    Row { what: &'static str, found: String },
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
}

/// Shared by all clones of a facilitator.
#[derive(Clone, Debug)]
pub(crate) struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    writer: Mutex<Connection>,
    /// Its own connection, so that a question never waits for a disk. `None` in memory, where nothing waits.
    reader: Option<Mutex<Connection>>,
}

impl Store {
    /// Opens or makes the file; `None` keeps everything in memory, to be forgotten at the end.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, StoreError> {
        let mut writer = match path {
            Some(path) => connect(path)?,
            None => Connection::open_in_memory()?,
        };
        migrate(&mut writer, path.is_some())?;
        let reader = path.map(connect).transpose()?;
        if let Some(reader) = &reader {
            reader.pragma_update(None, "query_only", true)?;
        }
        Ok(Self(Arc::new(Inner { writer: Mutex::new(writer), reader: reader.map(Mutex::new) })))
    }

    fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        work(&lock(self.0.reader.as_ref().unwrap_or(&self.0.writer)))
    }

    fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut connection = lock(&self.0.writer);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let value = work(&transaction)?;
        transaction.commit()?;
        Ok(value)
    }

    /// A write on a thread that may wait for the disk.
    async fn write_aside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = self.clone();
        let written = tokio::task::spawn_blocking(move || store.write(work)).await;
        written.map_err(|error| StoreError::Io(io::Error::other(error)))?
    }
}

/// A panic while the lock was held has rolled its transaction back: the connection is as good as before.
fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    keep_private(path)?;
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

/// Payers and amounts are nobody else's business, and whoever can exchange the file makes what was sent be forgotten.
/// SQLite gives its side files the same permissions.
fn keep_private(path: &Path) -> io::Result<()> {
    Ok(vault::own::make_file(path)?)
}

fn migrate(connection: &mut Connection, on_disk: bool) -> Result<(), StoreError> {
    let known = MIGRATIONS.len();
    if on_disk {
        let found: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
        if found != "wal" {
            return Err(StoreError::NoWriteAheadLog { found });
        }
    }
    // The version is read inside the write: two processes may open the same new file at once.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let id: i64 = transaction.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let found = usize::try_from(found).unwrap_or(usize::MAX);
    let tables: i64 = transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let empty = id == 0 && found == 0 && tables == 0;
    if !empty && id != APPLICATION_ID {
        return Err(StoreError::NotOurs { found: id });
    }
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    for sql in MIGRATIONS.iter().skip(found) {
        transaction.execute_batch(sql)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", i64::try_from(known).unwrap_or(i64::MAX))?;
    Ok(transaction.commit()?)
}

/// For messages: where the database is.
pub(crate) fn shown(path: Option<&Path>) -> PathBuf {
    path.map_or_else(|| PathBuf::from("in memory"), Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_file_of_a_newer_program_or_of_another_one_is_refused_and_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("facilitator.sqlite");
        drop(Store::open(Some(&path)).unwrap());
        drop(Store::open(Some(&path)).unwrap());
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 9).unwrap();
        let error = Store::open(Some(&path)).unwrap_err();
        assert!(matches!(error, StoreError::Newer { found: 9, known: 4 }), "{error}");

        let other = folder.path().join("other.sqlite");
        Connection::open(&other).unwrap().execute_batch("CREATE TABLE notes (text TEXT)").unwrap();
        assert!(matches!(Store::open(Some(&other)).unwrap_err(), StoreError::NotOurs { found: 0 }));
        let text = folder.path().join("text");
        fs::write(&text, "listen = 1\n".repeat(100)).unwrap();
        assert!(matches!(Store::open(Some(&text)).unwrap_err(), StoreError::Sql(_)));
        assert!(fs::read_to_string(&text).unwrap().starts_with("listen"));
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_the_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("facilitator.sqlite");
        let _store = Store::open(Some(&path)).unwrap();
        for file in fs::read_dir(folder.path()).unwrap() {
            let file = file.unwrap();
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "{file:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_could_write_to_or_exchange_is_refused_with_the_command_that_mends_it() {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("facilitator.sqlite");
        drop(Store::open(Some(&path)).unwrap());
        mode(&path, 0o666);
        let error = Store::open(Some(&path)).unwrap_err().to_string();
        assert!(error.contains(&format!("chmod 600 {}", path.display())), "{error}");
        mode(&path, 0o600);
        mode(folder.path(), 0o777);
        let error = Store::open(Some(&path)).unwrap_err().to_string();
        assert!(error.contains(&format!("chmod o-w {}", folder.path().display())), "{error}");
        mode(folder.path(), 0o755);
        Store::open(Some(&path)).unwrap();
    }
}
