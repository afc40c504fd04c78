//! The file: opening, migrating, and the ways in (one writer, readers beside it). Refuses a file that is not a
//! ledger or comes from a newer program; copies an older one before it is changed.
//!
//! Migrations run here rather than through a library, because the version has to be read inside the write
//! transaction: two processes may open the same new file at once.

use crate::intake::{self, Waiting};
use crate::{LedgerError, StorageKind, recipients};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{fs, io};

/// "CSGN": tells this file from other SQLite files.
const APPLICATION_ID: i64 = 0x4353_474e;

/// Every shape the file had, in order. Released ones are never edited.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_first.sql"),
    include_str!("../migrations/0002_search.sql"),
    include_str!("../migrations/0003_payers.sql"),
    include_str!("../migrations/0004_removed.sql"),
    include_str!("../migrations/0005_intake.sql"),
    include_str!("../migrations/0006_resources_by_site.sql"),
    include_str!("../migrations/0007_recipients.sql"),
    include_str!("../migrations/0008_blocked_hosts.sql"),
    include_str!("../migrations/0009_sellers_word.sql"),
    include_str!("../migrations/0010_provenance.sql"),
    include_str!("../migrations/0011_permit2_of_sites.sql"),
    include_str!("../migrations/0012_app_names.sql"),
    include_str!("../migrations/0013_dropped.sql"),
    include_str!("../migrations/0014_settled_recipients.sql"),
];

/// Up to this size a file is checked whole when it is opened, beyond it only the tables that decide.
const SMALL_FILE: u64 = 16 << 20;
const DECIDING_TABLES: [&str; 6] = ["clock", "apps", "rules", "sites", "settings", "intake"];

/// How long a write waits for another process.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// When a write has to survive a power cut. A crash of this process loses nothing either way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durable {
    Now,
    /// With the next write that is durable now: for what can be made again from rows that are.
    Soon,
}

/// The record. One per process is enough; shared by all threads.
pub struct Ledger {
    path: PathBuf,
    writer: Mutex<Connection>,
    /// Its own connection, so that a long list never holds up a payment.
    reader: Mutex<Connection>,
    /// And one for lists and searches, so that a long one holds up no look at the history either.
    browser: Mutex<Connection>,
    /// After a failed read, write or sync of the file nothing more is written until it is opened again: what
    /// the system says about such a file afterwards can't be relied on.
    stopped: AtomicBool,
    /// Moved to its place before anything else is read or written.
    waiting: Waiting,
}

impl Ledger {
    /// Opens the ledger at `path`, creating or migrating it.
    ///
    /// # Errors
    /// [`LedgerError::Newer`], [`LedgerError::NotALedger`], or [`LedgerError::Storage`] with its kind.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        Self::open_with(path, MIGRATIONS)
    }

    /// As [`Ledger::open`], where there has to be a record already: a new one in its place would have forgotten every
    /// limit, every known payee and what is still out.
    ///
    /// # Errors
    /// [`LedgerError::Gone`] where there is no file, or one without anything in it; it is left as it is.
    pub fn open_existing(path: &Path) -> Result<Self, LedgerError> {
        // SQLite takes a log beside an empty file away, and there may be something in it.
        match fs::metadata(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(LedgerError::Gone { empty: false }),
            Ok(file) if file.is_file() && file.len() == 0 => return Err(LedgerError::Gone { empty: true }),
            _ => {}
        }
        if is_empty(&connect(path)?).map_err(LedgerError::during("open"))? {
            return Err(LedgerError::Gone { empty: true });
        }
        Self::open_with(path, MIGRATIONS)
    }

    pub(crate) fn open_with(path: &Path, migrations: &[&str]) -> Result<Self, LedgerError> {
        keep_private(path).map_err(|e| LedgerError::from_io("open", &e))?;
        let mut writer = connect(path)?;
        migrate(&mut writer, path, migrations)?;
        check(&writer, path)?;
        let (reader, browser) = (reading(path)?, reading(path)?);
        // Taken in by a process that ended before it could go on.
        let waiting = Waiting::default();
        if intake::waits(&writer).map_err(|e| e.during_operation("open"))? {
            waiting.set();
        }
        Ok(Self {
            path: path.to_owned(),
            writer: Mutex::new(writer),
            reader: Mutex::new(reader),
            browser: Mutex::new(browser),
            stopped: AtomicBool::new(false),
            waiting,
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) const fn waiting(&self) -> &Waiting {
        &self.waiting
    }

    /// One write transaction, durable when this returns `Ok`, without a trace when it returns an error.
    pub(crate) fn write<T>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        self.write_as(Durable::Now, operation, work)
    }

    /// As [`Ledger::write`], durable when the caller needs it to be.
    pub(crate) fn write_as<T>(
        &self,
        durable: Durable,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        self.transact(durable, operation, |db| Ok((work(db)?, false)))
    }

    /// As [`Ledger::write`], for work that may leave a payment in `intake`; says whether it did.
    pub(crate) fn take_in<T>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> Result<(T, bool), LedgerError>,
    ) -> Result<T, LedgerError> {
        self.transact(Durable::Now, operation, work)
    }

    fn transact<T>(
        &self,
        durable: Durable,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> Result<(T, bool), LedgerError>,
    ) -> Result<T, LedgerError> {
        if self.stopped.load(Ordering::Acquire) {
            return Err(LedgerError::Storage {
                kind: StorageKind::Io,
                operation,
                detail: "an earlier write failed; close and open the ledger".to_owned(),
            });
        }
        let connection = lock(&self.writer);
        let notes = self.waiting.notes();
        // IMMEDIATE takes the write lock before the first read: what is read here can't change underneath.
        let commit = |connection: &Connection| -> Result<(T, bool), LedgerError> {
            let open = Bracket::open(connection, "BEGIN IMMEDIATE")?;
            // Another process may have left it there.
            intake::place_all(connection, &notes)?;
            let done = work(connection)?;
            open.commit()?;
            Ok(done)
        };
        let outcome = match durable {
            Durable::Now => commit(&connection),
            Durable::Soon => {
                let relaxed = connection.pragma_update(None, "synchronous", "NORMAL").map_err(LedgerError::from);
                let outcome = relaxed.and_then(|()| commit(&connection));
                let strict = connection.pragma_update(None, "synchronous", "FULL");
                outcome.and_then(|value| strict.map(|()| value).map_err(LedgerError::from))
            }
        };
        let outcome = outcome.map(|(value, taken_in)| {
            self.waiting.done(&notes, taken_in);
            value
        });
        outcome.map_err(|error| {
            let error = error.during_operation(operation);
            if let LedgerError::Storage { kind: StorageKind::Io | StorageKind::Corrupt, .. } = &error {
                self.stopped.store(true, Ordering::Release);
                tracing::error!(%error, "the ledger stops until it is opened again");
            }
            error
        })
    }

    /// Moves a payment that a limit allowed to its place, with its signature. Whatever is read or written next does the
    /// same: this is for when nobody waits.
    pub fn place_waiting(&self) -> Result<(), LedgerError> {
        match self.waiting.any() {
            true => self.write_as(Durable::Soon, "book a payment", |_| Ok(())),
            false => Ok(()),
        }
    }

    /// Before anything is read; whether everything is in its place. What is not is read by [`Ledger::as_if_placed`].
    /// Nothing is signed then, because the next write fails too.
    fn all_placed(&self) -> bool {
        if self.stopped.load(Ordering::Acquire) {
            return !self.waiting.any();
        }
        match self.place_waiting() {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(%error, "a payment that was reserved is not in its place yet");
                // Another process writes: then it is not for us to wait once more.
                matches!(error, LedgerError::Storage { kind: StorageKind::Busy, .. })
            }
        }
    }

    /// Reads what it would be if what waits could be put in its place: in a transaction that is taken back, which needs
    /// no room on the disk. So a payment whose signature left is listed although the disk is full.
    fn as_if_placed<T>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        {
            let connection = lock(&self.writer);
            let notes = self.waiting.notes();
            let placed = Bracket::open(&connection, "BEGIN IMMEDIATE")
                .map_err(LedgerError::from)
                .and_then(|open| intake::place_all(&connection, &notes).map(|()| open));
            match placed {
                Ok(_taken_back) => return work(&connection).map_err(|e| e.during_operation(operation)),
                Err(error) => tracing::error!(%error, "the record is shown without a payment that was reserved"),
            }
        }
        snapshot(&lock(&self.reader), operation, work)
    }

    /// A statement of the writer that SQLite does not run inside a transaction.
    pub(crate) fn outside<T>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        work(&lock(&self.writer)).map_err(LedgerError::during(operation))
    }

    /// On a connection of its own, which holds up nobody.
    pub(crate) fn beside<T>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        work(&connect(&self.path)?).map_err(LedgerError::during(operation))
    }

    /// Reads from one snapshot.
    pub(crate) fn read<T>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        match self.all_placed() {
            true => snapshot(&lock(&self.reader), operation, work),
            false => self.as_if_placed(operation, work),
        }
    }

    /// As [`Ledger::read`], on the connection that writes: any other has to read its pages from the file again after
    /// each write. For the few short questions on the way to a signature.
    pub(crate) fn read_warm<T>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        match self.all_placed() {
            true => snapshot(&lock(&self.writer), operation, work),
            false => self.as_if_placed(operation, work),
        }
    }

    /// As [`Ledger::read`], for what a person looks through.
    pub(crate) fn browse<T>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        match self.all_placed() {
            true => snapshot(&lock(&self.browser), operation, work),
            false => self.as_if_placed(operation, work),
        }
    }

    /// As [`Ledger::read`], on a connection of its own: for what takes minutes.
    pub(crate) fn read_long<T>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        match self.all_placed() {
            true => snapshot(&reading(&self.path)?, operation, work),
            false => self.as_if_placed(operation, work),
        }
    }
}

fn snapshot<T>(
    connection: &Connection,
    operation: &'static str,
    work: impl FnOnce(&Connection) -> Result<T, LedgerError>,
) -> Result<T, LedgerError> {
    let open = Bracket::open(connection, "BEGIN").map_err(LedgerError::during(operation))?;
    let done = work(connection).map_err(|e| e.during_operation(operation));
    drop(open);
    done
}

/// A transaction whose opening and closing words are prepared once: reading them anew takes as long as a short
/// question. Without a commit it leaves no trace.
struct Bracket<'c> {
    connection: &'c Connection,
    open: bool,
}

impl<'c> Bracket<'c> {
    fn open(connection: &'c Connection, begin: &str) -> rusqlite::Result<Self> {
        connection.prepare_cached(begin)?.execute([])?;
        Ok(Self { connection, open: true })
    }

    fn commit(mut self) -> rusqlite::Result<()> {
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        self.open = false;
        Ok(())
    }
}

impl Drop for Bracket<'_> {
    fn drop(&mut self) {
        // After some errors SQLite has rolled back by itself.
        if self.open
            && !self.connection.is_autocommit()
            && let Err(error) = self.connection.prepare_cached("ROLLBACK").and_then(|mut back| back.execute([]))
        {
            tracing::error!(%error, "a transaction is not taken back");
        }
    }
}

/// A panic while the lock was held has rolled its transaction back: the connection is as good as before.
fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

fn connect(path: &Path) -> Result<Connection, LedgerError> {
    let open = || -> rusqlite::Result<Connection> {
        // The file exists already (see `keep_private`); SQLite must not make one with other permissions.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(PATIENCE)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "cell_size_check", true)?;
        // 16 MiB: the upper pages of every index stay in memory at ten million rows.
        connection.pragma_update(None, "cache_size", -16_384)?;
        connection.set_prepared_statement_cache_capacity(128);
        Ok(connection)
    };
    open().map_err(LedgerError::during("open"))
}

fn reading(path: &Path) -> Result<Connection, LedgerError> {
    let connection = connect(path)?;
    connection.pragma_update(None, "query_only", true).map_err(LedgerError::during("open"))?;
    Ok(connection)
}

/// Makes sure that the file exists and that nobody else may read it. SQLite gives its side files the same
/// permissions.
fn keep_private(path: &Path) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let permissions = file.metadata()?.permissions();
        if permissions.mode() & 0o077 != 0 {
            file.set_permissions(fs::Permissions::from_mode(0o600))?;
        }
    }
    Ok(())
}

fn version(connection: &Connection) -> rusqlite::Result<usize> {
    connection
        .pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))
        .map(|v| usize::try_from(v).unwrap_or(usize::MAX))
}

/// No ledger and nothing else: what SQLite makes of a new file.
fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    let application_id: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(application_id == 0 && tables == 0 && version(connection)? == 0)
}

fn migrate(connection: &mut Connection, path: &Path, migrations: &[&str]) -> Result<(), LedgerError> {
    let known = migrations.len();
    let during = || LedgerError::during("open");
    let application_id: i64 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(during())?;
    let found = version(connection).map_err(during())?;
    let empty = is_empty(connection).map_err(during())?;
    if !empty && application_id != APPLICATION_ID {
        return Err(LedgerError::NotALedger { application_id });
    }
    if found > known {
        return Err(LedgerError::Newer { found, known });
    }
    if empty {
        // Free pages can be given back in small steps; it has to be said before the first table.
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL").map_err(during())?;
    }
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).map_err(during())?;
    if mode != "wal" {
        return Err(LedgerError::Storage {
            kind: StorageKind::Other,
            operation: "open",
            detail: format!("the file system does not support a write-ahead log (found {mode})"),
        });
    }
    if found == known {
        return Ok(());
    }
    if !empty {
        copy(connection, path, found)?;
    }
    let step = || LedgerError::during("migrate");
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(step())?;
    // Read again: another process may have been faster.
    for sql in migrations.iter().skip(version(&tx).map_err(step())?) {
        tx.execute_batch(sql).map_err(step())?;
    }
    if version(&tx).map_err(step())? < known {
        recipients::complete(&tx).map_err(|e| e.during_operation("migrate"))?;
        tx.pragma_update(None, "application_id", APPLICATION_ID).map_err(step())?;
        tx.pragma_update(None, "user_version", known as i64).map_err(step())?;
    }
    tx.commit().map_err(step())
}

/// Copies the ledger beside itself, durable before anything is changed: `ledger.sqlite.version-1`.
fn copy(connection: &Connection, path: &Path, version: usize) -> Result<(), LedgerError> {
    let named = |suffix: String| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let target = named(format!(".version-{version}"));
    // Written under another name first: what has the final name is complete.
    let partial = named(format!(".version-{version}.{}", std::process::id()));
    let fail = |e: &std::io::Error| LedgerError::from_io("copy before a migration", e);
    match fs::remove_file(&partial) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(fail(&e)),
        _ => {}
    }
    // VACUUM INTO accepts an empty file, so the permissions are ours.
    keep_private(&partial).map_err(|e| fail(&e))?;
    let name = partial.to_string_lossy().into_owned();
    connection.execute("VACUUM INTO ?1", [name]).map_err(LedgerError::during("copy before a migration"))?;
    let sync = || {
        fs::OpenOptions::new().write(true).open(&partial)?.sync_all()?;
        fs::rename(&partial, &target)
    };
    sync().map_err(|e| fail(&e))
}

fn check(connection: &Connection, path: &Path) -> Result<(), LedgerError> {
    let size = fs::metadata(path).map_err(|e| LedgerError::from_io("open", &e))?.len();
    let ask = |table: Option<&str>| -> rusqlite::Result<String> {
        match table {
            None => connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)),
            Some(table) => connection.query_row(&format!("PRAGMA quick_check({table})"), [], |row| row.get(0)),
        }
    };
    let tables: &[Option<&str>] = if size <= SMALL_FILE { &[None] } else { &DECIDING_TABLES.map(Some) };
    for table in tables {
        let answer = ask(*table).map_err(LedgerError::during("check"))?;
        if answer != "ok" {
            return Err(LedgerError::Storage { kind: StorageKind::Corrupt, operation: "check", detail: answer });
        }
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
