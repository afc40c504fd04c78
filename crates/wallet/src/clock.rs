//! Wall and boot time, read in one place. Nothing else in the wallet reads a clock.
//!
//! Limits roll by the boot clock from an anchor taken at the start, so a wall clock that is set forward or
//! back widens nothing; a deadline has passed as soon as either clock says so. The newest block bears them out: where it
//! tells another time, the earlier of the two counts, so that a clock that was wrong at the start empties no limit and
//! leaves no record in the future.

use plan::Moment;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where time comes from.
pub trait Clock: Send + Sync + 'static {
    /// UTC, as the system tells it.
    fn wall(&self) -> Moment;
    /// Milliseconds since boot, sleep included; never goes back.
    fn boot_ms(&self) -> i64;
    /// How much of that the machine was suspended; 0 where the system does not tell.
    fn slept_ms(&self) -> i64 {
        0
    }
}

/// The system's clocks.
pub struct SystemClock;

impl Clock for SystemClock {
    fn wall(&self) -> Moment {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Moment(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn boot_ms(&self) -> i64 {
        boot::now_ms()
    }

    fn slept_ms(&self) -> i64 {
        boot::slept_ms()
    }
}

#[cfg(target_os = "linux")]
mod boot {
    //! CLOCK_BOOTTIME counts sleep; std's Instant does not on Linux.
    use rustix::time::{ClockId, clock_gettime};

    fn read(clock: ClockId) -> i64 {
        let time = clock_gettime(clock);
        time.tv_sec.saturating_mul(1000).saturating_add(time.tv_nsec / 1_000_000)
    }

    pub fn now_ms() -> i64 {
        read(ClockId::Boottime)
    }

    /// CLOCK_MONOTONIC stands still meanwhile.
    pub fn slept_ms() -> i64 {
        let awake = read(ClockId::Monotonic);
        (now_ms() - awake).max(0)
    }
}

#[cfg(not(target_os = "linux"))]
mod boot {
    //! Where no boot clock is to be had safely, the monotonic one stands in.
    use std::{sync::LazyLock, time::Instant};
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    pub fn now_ms() -> i64 {
        i64::try_from(START.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    pub const fn slept_ms() -> i64 {
        0
    }
}

/// A clock that a story moves by hand.
#[derive(Clone)]
pub struct HandClock(Arc<Mutex<Hand>>);

struct Hand {
    wall: i64,
    boot: i64,
    slept: i64,
}

impl HandClock {
    pub fn at(wall: Moment) -> Self {
        Self(Arc::new(Mutex::new(Hand { wall: wall.0, boot: 1_000_000, slept: 0 })))
    }

    /// Both clocks go on.
    pub fn advance_ms(&self, ms: i64) {
        let mut time = self.time();
        time.wall += ms;
        time.boot += ms;
    }

    /// The machine is suspended meanwhile.
    pub fn sleep_ms(&self, ms: i64) {
        self.advance_ms(ms);
        self.time().slept += ms;
    }

    /// Somebody sets the wall clock.
    pub fn set_wall(&self, wall: Moment) {
        self.time().wall = wall.0;
    }

    fn time(&self) -> MutexGuard<'_, Hand> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for HandClock {
    fn wall(&self) -> Moment {
        Moment(self.time().wall)
    }
    fn boot_ms(&self) -> i64 {
        self.time().boot
    }
    fn slept_ms(&self) -> i64 {
        self.time().slept
    }
}

/// Farther apart than this, two clocks do not tell the same time.
pub(crate) const APART_MS: i64 = policy::CLOCK_OFF_SECS.cast_signed() * 1000;

/// The readings of time that the wallet uses.
pub(crate) struct Time {
    clock: Arc<dyn Clock>,
    anchor_wall: i64,
    anchor_boot: i64,
    /// The latest time that a block told, and the boot time at which it was asked for.
    block: Mutex<Option<(i64, i64)>>,
}

impl Time {
    pub fn start(clock: Arc<dyn Clock>) -> Self {
        let (anchor_wall, anchor_boot) = (clock.wall().0, clock.boot_ms());
        Self { clock, anchor_wall, anchor_boot, block: Mutex::default() }
    }

    /// For rows and limits.
    pub fn now(&self) -> Moment {
        let anchored = self.anchored();
        let Some(block) = self.block() else { return anchored };
        let wall = self.clock.wall();
        match (apart(anchored, block), apart(wall, block)) {
            (false, _) => anchored,
            // It was set right since the start.
            (true, false) => wall,
            (true, true) => anchored.min(block),
        }
    }

    /// For deadlines: the later of the two, unless a block shows that the wall clock is ahead.
    pub fn latest(&self) -> Moment {
        let wall = self.clock.wall();
        match self.block() {
            Some(block) if wall.since(block) > APART_MS => self.now(),
            _ => self.now().max(wall),
        }
    }

    /// What the wall clock says.
    pub fn wall(&self) -> Moment {
        self.clock.wall()
    }

    /// The time by the newest block, which grows older by boot time.
    pub fn block(&self) -> Option<Moment> {
        let (at, asked_ms) = (*self.block.lock().unwrap_or_else(PoisonError::into_inner))?;
        Some(self.since(at, asked_ms))
    }

    /// A block told this time when it was asked for at `asked_ms` by the boot clock.
    pub fn saw_block(&self, at: i64, asked_ms: i64) {
        // No block is made before its time: the latest of all networks is the one to go by.
        let earlier = self.block();
        let mut block = self.block.lock().unwrap_or_else(PoisonError::into_inner);
        if earlier.is_none_or(|earlier| self.since(at, asked_ms) > earlier) {
            *block = Some((at, asked_ms));
        }
    }

    /// The time that a permission is dated by, given the newest block's: that one where it agrees with a clock of this
    /// machine; else the earlier, so that no permission lives longer than it says.
    pub fn dated(&self, block: Moment) -> Moment {
        let (anchored, wall) = (self.anchored(), self.clock.wall());
        match apart(anchored, block) && apart(wall, block) {
            false => block,
            true => block.min(anchored.max(wall)),
        }
    }

    /// What was told as `at` when it was asked for is by now.
    pub fn since(&self, at: i64, asked_ms: i64) -> Moment {
        Moment(at.saturating_add(self.clock.boot_ms().saturating_sub(asked_ms)))
    }

    fn anchored(&self) -> Moment {
        Moment(self.anchor_wall.saturating_add(self.clock.boot_ms() - self.anchor_boot))
    }

    pub fn boot_ms(&self) -> i64 {
        self.clock.boot_ms()
    }
}

fn apart(one: Moment, other: Moment) -> bool {
    one.since(other).saturating_abs() > APART_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_clock_set_either_way_moves_no_limit_and_delays_no_expiry() {
        let hand = HandClock::at(Moment(1_000_000));
        let time = Time::start(Arc::new(hand.clone()));
        hand.advance_ms(5_000);
        assert_eq!(time.now(), Moment(1_005_000));
        hand.set_wall(Moment(1_000_000 - Moment::DAY_MS));
        assert_eq!((time.now(), time.latest()), (Moment(1_005_000), Moment(1_005_000)));
        hand.set_wall(Moment(1_000_000 + Moment::DAY_MS));
        assert_eq!(time.now(), Moment(1_005_000));
        assert_eq!(time.latest(), Moment(1_000_000 + Moment::DAY_MS));
    }

    #[test]
    fn a_clock_that_was_wrong_at_the_start_counts_by_the_newest_block_once_one_is_known() {
        let (day, right) = (Moment::DAY_MS, 1_795_348_800_000);
        for off in [-400, -1, 1, 400] {
            let hand = HandClock::at(Moment(right + off * day));
            let time = Time::start(Arc::new(hand.clone()));
            time.saw_block(right, time.boot_ms());
            hand.advance_ms(5_000);
            // Nothing is dated later than both say.
            let earlier = Moment(right + 5_000 + off.min(0) * day);
            assert_eq!((time.now(), time.dated(time.block().unwrap())), (earlier, earlier), "{off}");
            assert_eq!(time.latest(), earlier, "{off}");
            // Set right, all is by the clock again.
            hand.set_wall(Moment(right + 5_000));
            hand.advance_ms(1_000);
            let now = Moment(right + 6_000);
            assert_eq!((time.now(), time.latest(), time.dated(time.block().unwrap())), (now, now, now), "{off}");
        }
    }

    #[test]
    fn an_older_block_takes_nothing_back_and_a_later_one_counts() {
        let hand = HandClock::at(Moment(1_000_000));
        let time = Time::start(Arc::new(hand.clone()));
        assert_eq!(time.block(), None);
        for (told, counts) in [(1_000_000, 1_000_000), (900_000, 1_000_000), (1_060_000, 1_060_000)] {
            time.saw_block(told, time.boot_ms());
            assert_eq!(time.block(), Some(Moment(counts)));
        }
        assert_eq!((time.now(), time.dated(Moment(1_060_000))), (Moment(1_000_000), Moment(1_060_000)));
    }
}
