//! Why the ledger did not do something: closed kinds with facts, no sentences for people.

use crate::{PaymentId, State};

#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The file can't be read or written. Nothing of the operation happened; nothing may be signed.
    #[error("the ledger can't {operation}: {kind}: {detail}")]
    Storage { kind: StorageKind, operation: &'static str, detail: String },
    /// The file was written by a newer program.
    #[error("the ledger has version {found}, this program knows up to {known}: use the newer program")]
    Newer { found: usize, known: usize },
    /// The file belongs to something else.
    #[error("the file is not a Countersign ledger (application id {application_id:#x})")]
    NotALedger { application_id: i64 },
    /// There has to be a record, and there is none: no file, or one with nothing in it.
    #[error("the ledger is {}", if *.empty { "empty" } else { "not there" })]
    Gone { empty: bool },
    /// A stored value is not of its form; which one.
    #[error("the ledger's {field} is damaged: {found}")]
    Damaged { field: &'static str, found: String },
    #[error("no such payment: {id}")]
    NoSuchPayment { id: PaymentId },
    #[error("no such app: {app}")]
    NoSuchApp { app: String },
    /// An app that may ask goes by a name that reads the same.
    #[error("the name reads as {like:?}, which is paired already")]
    NameTaken { like: String },
    #[error("no such {what}: {key}")]
    NoSuch { what: &'static str, key: String },
    /// A step that this state does not allow.
    #[error("a payment that is {from:?} can't become {to}")]
    IllegalStep { id: PaymentId, from: State, to: &'static str },
    /// A settlement or delivery that contradicts what is recorded.
    #[error("recorded as {recorded}, can't become {to}")]
    Contradiction { id: PaymentId, recorded: String, to: String },
    /// More was settled than was authorised.
    #[error("settled {actual} but at most {maximum} was authorised")]
    OverMaximum { id: PaymentId, maximum: tron::Amount, actual: tron::Amount },
    /// The permission can still be used, so nothing proves that it never was.
    #[error("the permission of payment {id} is valid until {valid_before}")]
    WindowOpen { id: PaymentId, valid_before: u64 },
    /// The window belongs to the 402 and can't be chosen.
    #[error("the 402 dictates the window of payment {id}")]
    WindowDictated { id: PaymentId },
    /// A note of more than 500 characters.
    #[error("the note has {length} characters, at most {} fit", crate::NOTE_MAX)]
    NoteTooLong { length: usize },
    /// Empty, more than 40 characters, or with a comma or line break in it.
    #[error("not a tag: {found:?}")]
    NotATag { found: String },
    #[error("{found} tags, a payment has at most {}", crate::TAGS_MAX)]
    TooManyTags { found: usize },
    /// Younger payments are not removed: limits and repeated requests still look at them.
    #[error("only what is older than {} days can be removed", crate::PRUNE_YOUNGEST_DAYS)]
    TooYoung { before: plan::Moment, youngest: plan::Moment },
    /// A sum would pass 256 bit.
    #[error("the sum of spendings would pass 256 bit")]
    TooLarge,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StorageKind {
    Full,
    ReadOnly,
    Permission,
    /// Reading, writing or syncing failed. The ledger takes nothing more until it is opened again.
    Io,
    Corrupt,
    /// Another process held the write lock for too long.
    Busy,
    Other,
}

impl std::fmt::Display for StorageKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Full => "the disk is full",
            Self::ReadOnly => "it is read-only",
            Self::Permission => "permission denied",
            Self::Io => "input or output failed",
            Self::Corrupt => "the file is damaged",
            Self::Busy => "another process is writing",
            Self::Other => "storage failed",
        })
    }
}

/// What inner code says until the edge knows better.
const SOMETHING: &str = "read or write";

impl LedgerError {
    /// Wraps a database error with what was being done.
    pub(crate) fn during(operation: &'static str) -> impl FnOnce(rusqlite::Error) -> Self {
        move |error| Self::Storage { kind: kind_of(&error), operation, detail: said(&error) }
    }

    /// Names the operation of an error that came from inner code.
    pub(crate) fn during_operation(self, operation: &'static str) -> Self {
        match self {
            Self::Storage { kind, operation: SOMETHING, detail } => Self::Storage { kind, operation, detail },
            other => other,
        }
    }

    pub(crate) fn from_io(operation: &'static str, error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        let kind = match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StorageKind::Full,
            ErrorKind::ReadOnlyFilesystem => StorageKind::ReadOnly,
            ErrorKind::PermissionDenied => StorageKind::Permission,
            _ => StorageKind::Other,
        };
        Self::Storage { kind, operation, detail: error.to_string() }
    }

    /// The file is the trouble: nothing may be signed until that is solved.
    pub fn is_storage(&self) -> bool {
        matches!(self, Self::Storage { .. } | Self::Damaged { .. } | Self::Newer { .. } | Self::NotALedger { .. })
    }
}

/// The database's own sentence, without the statement.
fn said(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(text)) | rusqlite::Error::SqlInputError { msg: text, .. } => {
            text.clone()
        }
        other => other.to_string(),
    }
}

fn kind_of(error: &rusqlite::Error) -> StorageKind {
    use rusqlite::ErrorCode as Code;
    match error.sqlite_error_code() {
        Some(Code::DiskFull) => StorageKind::Full,
        Some(Code::ReadOnly) => StorageKind::ReadOnly,
        Some(Code::PermissionDenied | Code::CannotOpen | Code::AuthorizationForStatementDenied) => {
            StorageKind::Permission
        }
        Some(Code::SystemIoFailure) => StorageKind::Io,
        Some(Code::DatabaseCorrupt | Code::NotADatabase) => StorageKind::Corrupt,
        Some(Code::DatabaseBusy | Code::DatabaseLocked) => StorageKind::Busy,
        _ => StorageKind::Other,
    }
}

/// Inner code speaks rusqlite's errors; what they were part of is added once, at the edge.
impl From<rusqlite::Error> for LedgerError {
    fn from(error: rusqlite::Error) -> Self {
        Self::during(SOMETHING)(error)
    }
}
