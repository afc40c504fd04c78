//! How much one caller may take: sizes, times and rates of the port. Every limit is applied before the work
//! that it bounds; none of them can be widened by a request.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The port's limits. The defaults are the product's; tests make them small.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The whole body of a request. A 402 of 64 KiB fits, quoted as a JSON text.
    pub body_bytes: usize,
    /// How long a body may take to arrive.
    pub body_time: Duration,
    /// Request line and headers together.
    pub head_bytes: usize,
    pub headers: usize,
    /// How long a request's head may take, and how long a connection may idle between requests.
    pub head_time: Duration,
    /// Connections open at once; more wait to be accepted.
    pub connections: usize,
    /// Requests of one app at once, long polls and event streams included.
    pub at_once_per_app: usize,
    pub pairings_per_minute: usize,
    /// Callers that may wait for the answer to a pairing at once; more are answered without waiting.
    pub pairing_waits: usize,
    /// Tokens that may fail in a minute before callers are told to slow down. Good tokens are never slowed.
    pub bad_tokens_per_minute: usize,
    /// Longest `?wait`.
    pub wait: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 96 * 1024,
            body_time: Duration::from_secs(10),
            head_bytes: 32 * 1024,
            headers: 64,
            head_time: Duration::from_secs(10),
            connections: 512,
            at_once_per_app: 32,
            pairings_per_minute: 10,
            pairing_waits: 16,
            bad_tokens_per_minute: 60,
            wait: Duration::from_secs(30),
        }
    }
}

/// At most `most` events in any minute.
pub(crate) struct PerMinute {
    most: usize,
    times: Mutex<VecDeque<Instant>>,
}

impl PerMinute {
    pub fn new(most: usize) -> Self {
        Self { most, times: Mutex::default() }
    }

    /// Counts one event, or tells after how many seconds the next one would pass.
    pub fn take(&self) -> Result<(), u32> {
        const MINUTE: Duration = Duration::from_secs(60);
        let now = Instant::now();
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        while times.front().is_some_and(|t| now.duration_since(*t) >= MINUTE) {
            times.pop_front();
        }
        if times.len() >= self.most {
            let left = times.front().map_or(MINUTE, |t| MINUTE.saturating_sub(now.duration_since(*t)));
            return Err(u32::try_from(left.as_secs()).unwrap_or(60) + 1);
        }
        times.push_back(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::PerMinute;

    #[test]
    fn what_is_over_the_rate_is_told_when_to_come_back() {
        let rate = PerMinute::new(2);
        assert_eq!((rate.take(), rate.take()), (Ok(()), Ok(())));
        assert!(matches!(rate.take(), Err(1..=60)));
    }
}
