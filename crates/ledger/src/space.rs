//! How large the file is, and giving back what it no longer needs: pages from its end move into its gaps, a few
//! in a transaction, so that payments go on meanwhile and an end at any moment leaves a whole file. Needs no
//! second copy of it. Refuses to begin a step that the disk has no room to write down first.

use crate::store::PATIENCE;
use crate::{Ledger, LedgerError, StorageKind};
use std::path::PathBuf;
use std::time::Duration;

/// Kept free for the payments that go on meanwhile.
const RESERVE: u64 = 16 << 20;

/// A log of so many pages (1 MiB) is brought into the file; at 1,000 SQLite does it in the middle of a write. A short one
/// is written over again and again; one that grows makes each sync write the file's new length, too.
const LONG_LOG: i64 = 256;

/// Sizes in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Space {
    /// The file with its log.
    pub file: u64,
    /// Of that, what can be given back.
    pub free: u64,
}

impl Ledger {
    pub fn space(&self) -> Result<Space, LedgerError> {
        let size = |suffix: &str| {
            let mut path = self.path().as_os_str().to_owned();
            path.push(suffix);
            std::fs::metadata(PathBuf::from(path)).map_or(0, |m| m.len())
        };
        let free = self.browse("look at the file", |db| {
            let ask = |name: &str| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
            Ok(ask("freelist_count")?.saturating_mul(ask("page_size")?))
        })?;
        Ok(Space { file: size("").saturating_add(size("-wal")), free: u64::try_from(free).unwrap_or(0) })
    }

    /// Merges what removed rows left in the search index; `true`: there may be more.
    pub fn tidy_index(&self) -> Result<bool, LedgerError> {
        self.room(64 << 20)?;
        self.write("tidy the search index", |db| {
            // As FTS5 documents: it did nothing worth doing if hardly anything changed.
            let before = db.total_changes();
            db.prepare_cached("INSERT INTO words (words, rank) VALUES ('merge', 200)")?.execute([])?;
            Ok(db.total_changes() - before >= 2)
        })
    }

    /// Gives up to `pages` pages back to the disk; what is left to give.
    pub fn give_back(&self, pages: u32) -> Result<Space, LedgerError> {
        // A moved page is written to the log, with the page that pointed to it and the map of both.
        self.room(u64::from(pages) * 4096 * 4)?;
        self.write("give space back", |db| {
            let mut query = db.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
            let mut rows = query.query([])?;
            // It moves a page with each row that it is asked for.
            while rows.next()?.is_some() {}
            Ok(())
        })?;
        self.shorten_log()?;
        self.space()
    }

    /// Brings a log that has grown long into the file, on a connection of its own: beside whoever writes, who would
    /// otherwise do it in the middle of a payment.
    pub fn keep_log_short(&self) -> Result<(), LedgerError> {
        let look = "PRAGMA wal_checkpoint(NOOP)";
        let pages = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?));
        let (log, done) = self.outside("look at the log", |db| db.prepare_cached(look)?.query_row([], pages))?;
        if log.saturating_sub(done) < LONG_LOG {
            return Ok(());
        }
        let shorten = |db: &rusqlite::Connection| db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        self.beside("shorten the log", shorten)?;
        // And the little that was written meanwhile, with nobody writing: only a log that is in the file whole begins anew.
        self.outside("shorten the log", shorten)
    }

    /// Brings the log into the file and cuts it, if no reader needs it: payments must not wait for a long export.
    fn shorten_log(&self) -> Result<(), LedgerError> {
        self.outside("shorten the log", |db| {
            db.busy_timeout(Duration::ZERO)?;
            // Whether a reader was in the way is not our concern: the next step tries again.
            let cut = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
            db.busy_timeout(PATIENCE)?;
            cut
        })
    }

    /// # Errors
    /// [`StorageKind::Full`] where the disk has less room than that.
    fn room(&self, bytes: u64) -> Result<(), LedgerError> {
        let needed = bytes.saturating_add(RESERVE);
        match free_on_disk(self.path()) {
            Some(free) if free < needed => Err(LedgerError::Storage {
                kind: StorageKind::Full,
                operation: "give space back",
                detail: format!("{} MB are free, {} MB are needed for a step", free >> 20, needed >> 20),
            }),
            _ => Ok(()),
        }
    }
}

/// What the disk of that file has left for us; `None` where the system does not say.
fn free_on_disk(path: &std::path::Path) -> Option<u64> {
    #[cfg(unix)]
    {
        let stat = rustix::fs::statvfs(path.parent()?).ok()?;
        Some(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}
