//! Keeps one app from filling the screen, the record and the nodes' time: a bounded queue per app, a pause after refusals
//! and after questions that it took back, and a bucket for calls that cost a row or a look at the chain. Counts only;
//! what was refused stands in the ledger.

use crate::{Clock, WalletError, lock};
use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use plan::AppId;
use std::collections::{HashMap, VecDeque};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Questions that one app may have open.
pub const OPEN_PER_APP: usize = 8;
/// Questions open in all.
pub const OPEN_IN_ALL: usize = 64;
/// So many refusals within the window start a pause.
const REFUSALS: usize = 3;
const WINDOW_MS: i64 = 30_000;

/// So many requests of one app that the rules refused within the window start a pause too.
const FAILURES: usize = 30;

/// So many questions that one app took back within the window start a pause too.
const CANCELS: usize = 10;

#[derive(Default)]
pub(crate) struct Flood {
    refusals: HashMap<AppId, VecDeque<i64>>,
    failures: HashMap<AppId, VecDeque<i64>>,
    cancels: HashMap<AppId, VecDeque<i64>>,
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

    /// This app took its own question back.
    pub fn cancelled(&mut self, app: &AppId, boot_ms: i64) {
        note(&mut self.cancels, app, boot_ms, CANCELS);
    }

    /// Seconds that this app has to wait before it may ask again.
    pub fn pause(&mut self, app: &AppId, boot_ms: i64) -> Option<u32> {
        let refused = wait(&mut self.refusals, app, boot_ms, REFUSALS);
        let failed = wait(&mut self.failures, app, boot_ms, FAILURES);
        refused.max(failed).max(wait(&mut self.cancels, app, boot_ms, CANCELS))
    }

    /// Whether one more question fits.
    pub fn fits(open_of_app: usize, open_in_all: usize) -> bool {
        open_of_app < OPEN_PER_APP && open_in_all < OPEN_IN_ALL
    }
}

/// Calls of an app that cost a row without a signature, or a look at the chain: after a silence, and then one a second.
const CALLS: NonZeroU32 = NonZeroU32::new(120).unwrap();
/// Plans that are made for one app at the same time, each with its questions to the nodes.
const AT_ONCE: usize = 4;
/// Rows that a limit let through: each moves money, so it is the limit that bounds them; this bounds dust.
const ROWS: NonZeroU32 = NonZeroU32::new(3_000).unwrap();

/// The machine's own clock, as the bucket reads it.
#[derive(Clone)]
struct Boot(Arc<dyn Clock>);

impl governor::clock::Clock for Boot {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Duration::from_millis(u64::try_from(self.0.boot_ms()).unwrap_or_default()).into()
    }
}

type Bucket = RateLimiter<AppId, DashMapStateStore<AppId>, Boot, NoOpMiddleware<Nanos>>;

/// What calls may cost, an app at a time. The owner's own command is not counted.
pub(crate) struct Calls {
    clock: Boot,
    calls: Bucket,
    looks: Bucket,
    rows: Bucket,
    /// What each app has under way.
    places: Mutex<HashMap<AppId, Arc<Semaphore>>>,
}

impl Calls {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let clock = Boot(clock);
        let bucket = |burst| {
            let quota = Quota::per_second(NonZeroU32::MIN).allow_burst(burst);
            RateLimiter::new(quota, DashMapStateStore::default(), clock.clone())
        };
        Self {
            calls: bucket(CALLS),
            looks: bucket(CALLS),
            rows: bucket(ROWS),
            places: Mutex::default(),
            clock: clock.clone(),
        }
    }

    /// One more that costs a look at the chain or a row.
    pub fn call(&self, app: &AppId) -> Result<(), WalletError> {
        self.take(&self.calls, app)
    }

    /// One more look at the chain for something that the app says or asks again: without one it gets what is known, and
    /// its purchases have their own bucket.
    pub fn look(&self, app: &AppId) -> bool {
        self.take(&self.looks, app).is_ok()
    }

    /// One more row that a limit let through.
    pub fn row(&self, app: &AppId) -> Result<(), WalletError> {
        self.take(&self.rows, app)
    }

    /// A turn at the nodes: an app that asks for much at once waits for itself, and nobody waits for it.
    pub async fn turn(&self, app: &AppId) -> Result<OwnedSemaphorePermit, WalletError> {
        let places = {
            let mut all = lock(&self.places);
            // Whoever has nothing under way is forgotten.
            all.retain(|_, places| Arc::strong_count(places) > 1);
            Arc::clone(all.entry(app.clone()).or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE))))
        };
        places.acquire_owned().await.map_err(|_| WalletError::Closed)
    }

    fn take(&self, bucket: &Bucket, app: &AppId) -> Result<(), WalletError> {
        if *app == AppId::owner() {
            return Ok(());
        }
        bucket.check_key(app).map_err(|refused| {
            let wait = refused.wait_time_from(self.clock.now());
            WalletError::RateLimited {
                retry_after: u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1),
            }
        })
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
    use crate::{HandClock, Moment};

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
    fn questions_that_are_taken_back_start_a_pause_as_refusals_do() {
        let (bot, other) = (AppId("bot".into()), AppId("other".into()));
        let mut flood = Flood::default();
        for at in 0..9 {
            flood.cancelled(&bot, at);
        }
        assert_eq!(flood.pause(&bot, 10), None);
        flood.cancelled(&bot, 9);
        assert_eq!((flood.pause(&bot, 10), flood.pause(&other, 10)), (Some(30), None));
        assert_eq!(flood.pause(&bot, 30_009), None);
    }

    #[test]
    fn calls_of_an_app_run_dry_and_come_back_one_a_second() {
        let clock = HandClock::at(Moment(0));
        let calls = Calls::new(Arc::new(clock.clone()));
        let (bot, other) = (AppId("bot".into()), AppId("other".into()));
        let passed = |app: &AppId| (0..200).filter(|_| calls.call(app).is_ok()).count();
        assert_eq!((passed(&bot), passed(&other), passed(&AppId::owner())), (120, 120, 200));
        assert!(matches!(calls.call(&bot), Err(WalletError::RateLimited { retry_after: 1..=2 })));
        clock.advance_ms(10_000);
        assert_eq!(passed(&bot), 10);
        assert_eq!((0..200).filter(|_| calls.look(&bot)).count(), 120);
        assert!(calls.row(&bot).is_ok(), "what a limit lets through is counted apart");
    }

    #[test]
    fn one_app_cannot_take_the_whole_queue() {
        assert!(Flood::fits(7, 20));
        assert!(!Flood::fits(8, 20));
        assert!(!Flood::fits(0, 64));
    }
}
