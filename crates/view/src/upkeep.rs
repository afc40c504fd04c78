//! Looking after the record: removing old payments, giving space back to the disk. Each runs in the background in
//! small steps, tells how far it is and can be ended between two steps; payments go on meanwhile. Reads what was
//! typed or names the field that can't be read; what may be removed is the ledger's to say.

use crate::Failure;
use crate::desk::{Answer, Desk, site_key};
use crate::jobs::Job;
use crate::record::{moment, zone};
use crate::show_owner::count;
use crate::show_payment::time;
use jiff::Span;
use ledger::{Prune, Pruned, Space};
use plan::Moment;
use serde::{Deserialize, Serialize};
use specta::Type;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Rows of one step: a payment waits for that long at most.
const ROWS: u32 = 128;
/// Pages of one step.
const PAGES: u32 = 512;

/// Which payments to remove.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct PruneInput {
    /// An age like "2y", "18mo" or "90d", or a day like "2024-12-31": what was paid before it goes.
    pub older_than: String,
    /// Only at this site.
    pub site_key: Option<String>,
    /// Also what has a note or tags.
    pub noted: bool,
    /// Only count.
    pub dry_run: bool,
    /// In which a day begins; the system's when absent.
    pub time_zone: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum UpkeepKind {
    Prune,
    DryRun,
    Vacuum,
}

/// How far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct UpkeepView {
    pub id: String,
    pub kind: UpkeepKind,
    /// Of a prune: payments looked at so far, and how many there are at most. Of a vacuum: megabytes given back, and how
    /// many there are.
    pub at: u32,
    pub of: u32,
    /// Payments that went (or would go), and that are old enough and stay.
    pub removed: u32,
    pub kept: u32,
    /// Everything before this moment is old. RFC 3339.
    pub before: Option<String>,
    /// Of a vacuum: the file's size in bytes, at the beginning and now. Decimal.
    pub bytes_before: Option<String>,
    pub bytes: Option<String>,
    pub done: bool,
    pub cancelled: bool,
    pub failure: Option<Failure>,
}

/// What was removed from the record by its age. The sums still have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct RemovedView {
    pub payments: u32,
    /// The newest of them was entered then. RFC 3339.
    pub newest: String,
}

pub(crate) struct Progress {
    kind: UpkeepKind,
    before: Option<Moment>,
    of: AtomicU64,
    at: AtomicU64,
    removed: AtomicU64,
    kept: AtomicU64,
    bytes: Mutex<Option<(u64, u64)>>,
}

/// An age or a day, as the moment before which everything is old.
fn before(text: &str, zone: &jiff::tz::TimeZone, now: Moment) -> Answer<Moment> {
    let wrong = || Failure::field("olderThan", "an age like 2y, 18mo or 90d, or a day like 2024-12-31", text);
    if let Ok(day) = moment("olderThan", text, zone, false) {
        return Ok(day);
    }
    let age: Span = text.trim().parse().map_err(|_| wrong())?;
    let by_day =
        Span::new().years(age.get_years()).months(age.get_months()).weeks(age.get_weeks()).days(age.get_days());
    if !age.is_positive() || age.fieldwise() != by_day.fieldwise() {
        return Err(wrong());
    }
    let now = jiff::Timestamp::from_millisecond(now.0).map_err(|_| wrong())?;
    let then = now.to_zoned(zone.clone()).checked_sub(age).map_err(|_| wrong())?;
    Ok(Moment(then.timestamp().as_millisecond()))
}

impl Desk {
    fn read_prune(&self, input: &PruneInput) -> Answer<Prune> {
        Ok(Prune {
            before: before(&input.older_than, &zone(input.time_zone.as_deref())?, self.wallet.now())?,
            site: input.site_key.as_deref().map(site_key).transpose()?,
            noted: input.noted,
        })
    }

    /// Whether this can be removed as it is written: told before anybody types a passphrase for it.
    pub async fn check_prune(&self, input: &PruneInput) -> Answer<()> {
        Ok(self.wallet.about_how_old(self.read_prune(input)?).await.map(drop)?)
    }

    /// Begins to remove old payments (or only to count them) and says what it is called.
    pub async fn start_prune(&self, input: PruneInput) -> Answer<UpkeepView> {
        let now = self.wallet.now();
        let what = self.read_prune(&input)?;
        let kind = if input.dry_run { UpkeepKind::DryRun } else { UpkeepKind::Prune };
        // Also tells at once when something younger was asked for than may go.
        let of = self.wallet.about_how_old(what.clone()).await?;
        self.begin(Progress::new(kind, Some(what.before), of), move |progress, ledger, go_on| {
            let mut from = 0;
            loop {
                let Pruned { removed, kept, next } = match kind {
                    UpkeepKind::DryRun => ledger.prunable(&what, from, 50 * ROWS, now)?,
                    _ => ledger.prune_more(&what, from, ROWS, now)?,
                };
                progress.removed.fetch_add(removed, Ordering::Relaxed);
                progress.kept.fetch_add(kept, Ordering::Relaxed);
                progress.at.fetch_add(removed + kept, Ordering::Relaxed);
                match next {
                    None => return Ok(true),
                    Some(_) if !go_on() => return Ok(false),
                    Some(next) => from = next,
                }
                // Whoever waits for the ledger comes first.
                std::thread::yield_now();
            }
        })
    }

    /// Begins to give space back to the disk and says what it is called.
    pub async fn start_vacuum(&self) -> Answer<UpkeepView> {
        let Space { file, free } = self.wallet.space().await?;
        let progress = Progress::new(UpkeepKind::Vacuum, None, free >> 20);
        *progress.bytes.lock().unwrap_or_else(PoisonError::into_inner) = Some((file, file));
        self.begin(progress, move |progress, ledger, go_on| {
            let tell = |now: Space| {
                *progress.bytes.lock().unwrap_or_else(PoisonError::into_inner) = Some((file, now.file));
                let given = file.saturating_sub(now.file) >> 20;
                progress.at.store(given, Ordering::Relaxed);
                progress.of.store(given + (now.free >> 20), Ordering::Relaxed);
            };
            while ledger.tidy_index()? {
                if !go_on() {
                    return Ok(false);
                }
            }
            loop {
                let left = ledger.give_back(PAGES)?;
                tell(left);
                match left.free {
                    0 => return Ok(true),
                    _ if !go_on() => return Ok(false),
                    _ => std::thread::yield_now(),
                }
            }
        })
    }

    fn begin(
        &self,
        progress: Progress,
        work: impl FnOnce(&Progress, &ledger::Ledger, &dyn Fn() -> bool) -> Result<bool, ledger::LedgerError>
        + Send
        + 'static,
    ) -> Answer<UpkeepView> {
        let told = |e| wallet::WalletError::from(e).into();
        let job = self.upkeeps.begin(&self.wallet, progress, move |progress, ledger, go_on| {
            work(progress, ledger, go_on).map_err(told)
        })?;
        Ok(view(&job))
    }

    pub fn upkeep(&self, id: &str) -> Answer<UpkeepView> {
        Ok(view(&*self.upkeeps.get("work", id)?))
    }

    /// Ends it after the step that it is at; what was done stays done.
    pub fn cancel_upkeep(&self, id: &str) -> Answer<UpkeepView> {
        Ok(view(&*self.upkeeps.cancel("work", id)?))
    }

    /// What was removed by its age; `None`: nothing.
    pub async fn removed(&self) -> Answer<Option<RemovedView>> {
        let removed = self.wallet.removed().await?;
        Ok(removed.map(|r| RemovedView { payments: count(r.rows), newest: time(r.newest) }))
    }
}

impl Progress {
    fn new(kind: UpkeepKind, before: Option<Moment>, of: u64) -> Self {
        Self {
            kind,
            before,
            of: AtomicU64::new(of),
            at: AtomicU64::new(0),
            removed: AtomicU64::new(0),
            kept: AtomicU64::new(0),
            bytes: Mutex::new(None),
        }
    }
}

fn view(job: &Job<Progress>) -> UpkeepView {
    let (progress, end) = (&job.progress, job.end());
    let bytes = *progress.bytes.lock().unwrap_or_else(PoisonError::into_inner);
    let counted = |n: &AtomicU64| count(n.load(Ordering::Relaxed));
    UpkeepView {
        id: job.id.clone(),
        kind: progress.kind,
        at: counted(&progress.at),
        of: counted(&progress.of),
        removed: counted(&progress.removed),
        kept: counted(&progress.kept),
        before: progress.before.map(time),
        bytes_before: bytes.map(|(before, _)| before.to_string()),
        bytes: bytes.map(|(_, now)| now.to_string()),
        done: end.is_some(),
        cancelled: matches!(end, Some(Ok(false))),
        failure: end.and_then(Result::err),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_counted_back_in_days_of_its_zone() {
        let zone = jiff::tz::TimeZone::get("Asia/Shanghai").unwrap();
        let now = Moment(moment("x", "2026-11-25T12:00:00Z", &zone, false).unwrap().0);
        for (text, expected) in [
            ("2y", "2024-11-25T12:00:00Z"),
            ("18mo", "2025-05-25T12:00:00Z"),
            ("2y 1mo", "2024-10-25T12:00:00Z"),
            ("90d", "2026-08-27T12:00:00Z"),
            ("10w", "2026-09-16T12:00:00Z"),
            ("2025-01-01", "2024-12-31T16:00:00Z"),
        ] {
            assert_eq!(time(before(text, &zone, now).unwrap()), expected, "{text}");
        }
        for wrong in ["", "2", "old", "3h", "90m", "-2y", "1d 3h", "0d"] {
            assert_eq!(before(wrong, &zone, now).unwrap_err().field.as_deref(), Some("olderThan"), "{wrong}");
        }
    }
}
