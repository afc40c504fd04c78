//! The time of the devnet: real time plus an offset, or standing still. Never goes back.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The end of the year 9999: nothing can overflow before that.
const LAST_MS: u64 = 253_402_300_799_000;

/// The node's time in milliseconds since 1970. Clones share one clock.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Mutex<State>>);

#[derive(Clone, Copy, Debug)]
enum State {
    Running { offset_ms: u64, floor_ms: u64 },
    Frozen { at_ms: u64 },
}

impl Default for Clock {
    fn default() -> Self {
        Self::real()
    }
}

impl Clock {
    /// Real time, until it is advanced or frozen.
    pub fn real() -> Self {
        Self(Arc::new(Mutex::new(State::Running { offset_ms: 0, floor_ms: 0 })))
    }

    /// Stands still at `at_ms` until it is advanced.
    pub fn frozen_at(at_ms: u64) -> Self {
        Self(Arc::new(Mutex::new(State::Frozen { at_ms })))
    }

    pub fn now_ms(&self) -> u64 {
        self.with(|state| state.now())
    }

    /// Whole seconds, as contracts see them.
    pub fn now_secs(&self) -> u64 {
        self.now_ms() / 1000
    }

    /// Moves the time forward; a frozen clock stays frozen at the later time.
    pub fn advance(&self, by: Duration) {
        let by_ms = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.with(|state| match state {
            State::Running { offset_ms, .. } => *offset_ms = offset_ms.saturating_add(by_ms),
            State::Frozen { at_ms } => *at_ms = at_ms.saturating_add(by_ms),
        });
    }

    /// Makes it `to_ms` now. A time in the past is refused with `false`: blocks can't go back.
    pub fn set(&self, to_ms: u64) -> bool {
        self.with(|state| {
            let now = state.now();
            if to_ms < now {
                return false;
            }
            match state {
                State::Running { offset_ms, .. } => *offset_ms = offset_ms.saturating_add(to_ms - now),
                State::Frozen { at_ms } => *at_ms = to_ms,
            }
            true
        })
    }

    /// Stops the time where it is.
    pub fn freeze(&self) {
        self.with(|state| *state = State::Frozen { at_ms: state.now() });
    }

    /// Lets the time run again from where it is.
    pub fn run(&self) {
        self.with(|state| {
            if let State::Frozen { at_ms } = *state {
                *state = State::Running { offset_ms: at_ms.saturating_sub(real_ms()), floor_ms: at_ms };
            }
        });
    }

    pub fn is_frozen(&self) -> bool {
        self.with(|state| matches!(state, State::Frozen { .. }))
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    fn now(&mut self) -> u64 {
        match self {
            Self::Frozen { at_ms } => (*at_ms).min(LAST_MS),
            // The floor keeps the promise even when the computer's own clock is set back.
            Self::Running { offset_ms, floor_ms } => {
                *floor_ms = real_ms().saturating_add(*offset_ms).clamp((*floor_ms).min(LAST_MS), LAST_MS);
                *floor_ms
            }
        }
    }
}

fn real_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frozen_clock_moves_only_when_told() {
        let clock = Clock::frozen_at(1_000);
        clock.advance(Duration::from_secs(2));
        assert_eq!(clock.now_ms(), 3_000);
        assert!(!clock.set(2_999));
        assert!(clock.set(9_000));
        assert_eq!(clock.clone().now_secs(), 9);
    }

    #[test]
    fn time_never_goes_back_when_it_runs_again() {
        let far = real_ms() + 1_000_000;
        let clock = Clock::frozen_at(far);
        clock.run();
        assert!(clock.now_ms() >= far);
        let past = Clock::frozen_at(5);
        past.run();
        assert!(past.now_ms() > 5);
    }
}
