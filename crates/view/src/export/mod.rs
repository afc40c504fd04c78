//! Export: the payments that a filter lets through, as CSV, JSON or an hledger journal. As a stream whoever asked writes
//! it; the window writes a file that its person chose, complete or not there. One snapshot, one row in memory at a time; payments go on meanwhile. Refuses to write
//! over a file unless told to.

mod file;
mod foreign;
mod hledger;
pub mod pipe;
mod row;
mod tables;

use crate::desk::{Answer, Desk};
use crate::jobs::Job;
use crate::record::zone;
use crate::show_owner::count;
use crate::{Failure, FilterView};
use jiff::tz::TimeZone;
use ledger::Listed;
use serde::{Deserialize, Serialize};
use specta::Type;
use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use file::Part;

/// What the rows are written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum ExportFormat {
    /// A header line, then a line a payment; see docs/EXPORT.md for the columns.
    Csv,
    /// One array of objects.
    Json,
    /// One object a line.
    JsonLines,
    /// A journal for hledger and its kin.
    Hledger,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ExportInput {
    pub filter: FilterView,
    pub format: ExportFormat,
    /// The file, whole path. Times are in the filter's time zone.
    pub path: String,
    /// A file of that name may be replaced.
    pub replace: bool,
}

/// How far an export is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ExportView {
    pub id: String,
    pub path: String,
    /// Rows written so far.
    pub rows: u32,
    /// There are not more than this.
    pub of: u32,
    pub done: bool,
    pub cancelled: bool,
    pub failure: Option<Failure>,
}

/// How far an export is.
pub(crate) struct Progress {
    path: PathBuf,
    rows: AtomicU64,
    of: u64,
}

/// Turns rows into text.
trait Writer {
    fn row(&mut self, row: &Listed, app: Option<&str>) -> std::io::Result<()>;
    fn end(&mut self) -> std::io::Result<()>;
}

fn writer<'w>(
    format: ExportFormat,
    out: &'w mut dyn Write,
    zone: TimeZone,
    mark: bool,
) -> std::io::Result<Box<dyn Writer + 'w>> {
    Ok(match format {
        ExportFormat::Csv => Box::new(tables::Csv::begin(out, zone, mark)?),
        ExportFormat::Json => Box::new(tables::Json::begin(out, zone, true)?),
        ExportFormat::JsonLines => Box::new(tables::Json::begin(out, zone, false)?),
        ExportFormat::Hledger => Box::new(hledger::Journal::begin(out, zone)?),
    })
}

/// Why an export ended early.
enum Stop {
    Ledger(ledger::LedgerError),
    File(std::io::Error),
}

impl From<ledger::LedgerError> for Stop {
    fn from(e: ledger::LedgerError) -> Self {
        Self::Ledger(e)
    }
}

impl From<std::io::Error> for Stop {
    fn from(e: std::io::Error) -> Self {
        Self::File(e)
    }
}

/// What a file begins with that a stream does not: the mark by which spreadsheets know UTF-8.
pub const fn mark(format: ExportFormat) -> &'static str {
    match format {
        ExportFormat::Csv => "\u{feff}",
        ExportFormat::Json | ExportFormat::JsonLines | ExportFormat::Hledger => "",
    }
}

/// Why an export's file could not be written.
pub fn failed(path: &Path, error: &std::io::Error) -> Failure {
    let expected = match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            return Failure::field(
                "replace",
                "leave to write over the file that is there",
                &path.display().to_string(),
            );
        }
        std::io::ErrorKind::NotFound => "a folder that is there",
        std::io::ErrorKind::PermissionDenied => "a folder that may be written to",
        std::io::ErrorKind::StorageFull => "room on the disk",
        _ => "a file that can be written",
    };
    Failure::field("path", expected, &format!("{} ({error})", path.display()))
}

/// An export without its place.
struct Prepared {
    filter: ledger::Filter,
    oldest_first: bool,
    format: ExportFormat,
    zone: TimeZone,
    /// Names of apps by their ids.
    names: HashMap<String, String>,
}

impl Prepared {
    /// Writes row by row, CSV with a byte order mark where `mark` says so; `go_on` is asked after each. `false`: it said no, and what was written is not whole.
    fn write(
        &self,
        ledger: &ledger::Ledger,
        out: &mut dyn Write,
        mark: bool,
        mut go_on: impl FnMut() -> bool,
    ) -> Result<bool, Stop> {
        let mut writer = writer(self.format, out, self.zone.clone(), mark)?;
        let mut whole = true;
        ledger.every_payment::<Stop>(&self.filter, self.oldest_first, |row| {
            writer.row(&row, self.names.get(&row.payment.plan.app.0).map(String::as_str))?;
            whole = go_on();
            Ok(whole)
        })?;
        if whole {
            writer.end()?;
        }
        Ok(whole)
    }
}

impl Desk {
    /// What an export needs besides a place to write to.
    async fn prepare(&self, filter: &FilterView, format: ExportFormat) -> Answer<Prepared> {
        let names = self.wallet.apps().await?.into_iter().map(|a| (a.id.0, a.name)).collect();
        Ok(Prepared {
            zone: zone(filter.time_zone.as_deref())?,
            oldest_first: filter.oldest_first,
            filter: self.read_filter(filter).await?,
            format,
            names,
        })
    }

    /// A file name where a person looks for what they saved, with the day and a number where the name is taken.
    ///
    /// # Errors
    /// Where there is no home folder.
    pub fn suggest_export_path(&self, ending: &str) -> Answer<String> {
        let Some(folder) = wallet::export_dir() else {
            return Err(Failure::field("path", "a whole path", "no home folder"));
        };
        let day = row::zoned(self.wallet.now(), &TimeZone::system()).date();
        let names = std::iter::once(format!("countersign-{day}.{ending}"))
            .chain((2..1000).map(|n| format!("countersign-{day}-{n}.{ending}")));
        let free = names.map(|name| folder.join(name)).find(|path| !path.exists());
        Ok(free.unwrap_or_else(|| folder.join(format!("countersign.{ending}"))).display().to_string())
    }

    /// Begins an export in the background, into a file that a person chose in the window, and says what it is called.
    pub async fn start_export(&self, input: ExportInput) -> Answer<ExportView> {
        let path = PathBuf::from(&input.path);
        if !path.is_absolute() {
            return Err(Failure::field("path", "a whole path", &input.path));
        }
        let prepared = self.prepare(&input.filter, input.format).await?;
        let of = self.wallet.about_how_many(prepared.filter.clone()).await?;
        // Opened before it is promised: a wrong folder is told at once.
        let file = file::Part::open(&path, input.replace).map_err(|e| failed(&path, &e))?;
        let progress = Progress { path, rows: AtomicU64::new(0), of };
        let job = self.exports.begin(&self.wallet, progress, move |progress, ledger, go_on| {
            // The half file goes before anybody hears that it ended.
            let mut file = file;
            let mut run = || -> Result<bool, Stop> {
                let whole = prepared.write(ledger, &mut file, true, || {
                    progress.rows.fetch_add(1, Ordering::Relaxed);
                    go_on()
                })?;
                if whole {
                    file.finish()?;
                }
                Ok(whole)
            };
            run().map_err(|stop| match stop {
                Stop::File(e) => failed(&progress.path, &e),
                Stop::Ledger(e) => wallet::WalletError::from(e).into(),
            })
        })?;
        Ok(view(&job))
    }

    /// The same as a stream of bytes, for a pipe. Whoever drops it ends the export; a failure is its last item.
    pub async fn stream_export(&self, filter: FilterView, format: ExportFormat) -> Answer<pipe::Pieces> {
        let prepared = self.prepare(&filter, format).await?;
        let rows = Arc::new(AtomicU64::new(0));
        let (mut out, pieces) = pipe::pipe(Arc::clone(&rows));
        self.wallet.long_work(move |ledger, closing| {
            let written = prepared.write(ledger, &mut out, false, || {
                rows.fetch_add(1, Ordering::Relaxed);
                !closing()
            });
            out.end(match written {
                Ok(true) => None,
                Ok(false) => Some(wallet::WalletError::Closed.into()),
                Err(Stop::File(e)) => Some(Failure::field("output", "a reader that takes it all", &e.to_string())),
                Err(Stop::Ledger(e)) => Some(wallet::WalletError::from(e).into()),
            });
        })?;
        Ok(pieces)
    }

    pub fn export(&self, id: &str) -> Answer<ExportView> {
        Ok(view(&*self.exports.get("export", id)?))
    }

    /// Ends an export; its file is not made.
    pub fn cancel_export(&self, id: &str) -> Answer<ExportView> {
        Ok(view(&*self.exports.cancel("export", id)?))
    }
}

fn view(job: &Job<Progress>) -> ExportView {
    let (progress, end) = (&job.progress, job.end());
    ExportView {
        id: job.id.clone(),
        path: progress.path.display().to_string(),
        rows: count(progress.rows.load(Ordering::Relaxed)),
        of: count(progress.of),
        done: end.is_some(),
        cancelled: matches!(end, Some(Ok(false))),
        failure: end.and_then(Result::err),
    }
}

#[cfg(test)]
mod tests;
