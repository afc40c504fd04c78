//! Wall and boot time, read in one place. Nothing else in the wallet reads a clock.
//!
//! Limits roll by the boot clock from an anchor taken at the start, so a wall clock that is set forward or
//! back widens nothing; a deadline has passed as soon as either clock says so.

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

/// The two readings of time that the wallet uses.
pub(crate) struct Time {
    clock: Arc<dyn Clock>,
    anchor_wall: i64,
    anchor_boot: i64,
}

impl Time {
    pub fn start(clock: Arc<dyn Clock>) -> Self {
        let (anchor_wall, anchor_boot) = (clock.wall().0, clock.boot_ms());
        Self { clock, anchor_wall, anchor_boot }
    }

    /// For rows and limits.
    pub fn now(&self) -> Moment {
        Moment(self.anchor_wall.saturating_add(self.clock.boot_ms() - self.anchor_boot))
    }

    /// For deadlines: the later of the two.
    pub fn latest(&self) -> Moment {
        self.now().max(self.clock.wall())
    }

    pub fn boot_ms(&self) -> i64 {
        self.clock.boot_ms()
    }
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
}
