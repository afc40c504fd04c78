//! Keeps one app from filling the screen: a bounded queue per app and a pause after refusals. Counts only;
//! what was refused stands in the ledger.

use plan::AppId;
use std::collections::{HashMap, VecDeque};

/// Questions that one app may have open.
pub const OPEN_PER_APP: usize = 8;
/// Questions open in all.
pub const OPEN_IN_ALL: usize = 64;
/// So many refusals within the window start a pause.
const REFUSALS: usize = 3;
const WINDOW_MS: i64 = 30_000;

/// So many requests of one app that the rules refused within the window start a pause too.
const FAILURES: usize = 30;

#[derive(Default)]
pub(crate) struct Flood {
    refusals: HashMap<AppId, VecDeque<i64>>,
    failures: HashMap<AppId, VecDeque<i64>>,
}

impl Flood {
    /// A person said no to this app.
    pub fn refused(&mut self, app: &AppId, boot_ms: i64) {
        note(&mut self.refusals, app, boot_ms, REFUSALS);
    }

    /// The rules said no to this app.
    pub fn failed(&mut self, app: &AppId, boot_ms: i64) {
        note(&mut self.failures, app, boot_ms, FAILURES);
    }

    /// Seconds that this app has to wait before it may ask again.
    pub fn pause(&mut self, app: &AppId, boot_ms: i64) -> Option<u32> {
        let refused = wait(&mut self.refusals, app, boot_ms, REFUSALS);
        refused.max(wait(&mut self.failures, app, boot_ms, FAILURES))
    }

    /// Whether one more question fits.
    pub fn fits(open_of_app: usize, open_in_all: usize) -> bool {
        open_of_app < OPEN_PER_APP && open_in_all < OPEN_IN_ALL
    }
}

fn note(all: &mut HashMap<AppId, VecDeque<i64>>, app: &AppId, boot_ms: i64, most: usize) {
    let times = all.entry(app.clone()).or_default();
    times.push_back(boot_ms);
    while times.len() > most {
        times.pop_front();
    }
}

fn wait(all: &mut HashMap<AppId, VecDeque<i64>>, app: &AppId, boot_ms: i64, most: usize) -> Option<u32> {
    let times = all.get_mut(app)?;
    times.retain(|t| boot_ms - t < WINDOW_MS);
    let oldest = *times.front()?;
    (times.len() >= most).then(|| u32::try_from((WINDOW_MS - (boot_ms - oldest) + 999) / 1000).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_refusals_in_thirty_seconds_start_a_pause_for_that_app_alone() {
        let (bot, other) = (AppId("bot".into()), AppId("other".into()));
        let mut flood = Flood::default();
        flood.refused(&bot, 0);
        flood.refused(&bot, 1_000);
        assert_eq!(flood.pause(&bot, 2_000), None);
        flood.refused(&bot, 2_000);
        assert_eq!(flood.pause(&bot, 10_000), Some(20));
        assert_eq!(flood.pause(&other, 10_000), None);
        assert_eq!(flood.pause(&bot, 30_000), None);
    }

    #[test]
    fn one_app_cannot_take_the_whole_queue() {
        assert!(Flood::fits(7, 20));
        assert!(!Flood::fits(8, 20));
        assert!(!Flood::fits(0, 64));
    }
}
