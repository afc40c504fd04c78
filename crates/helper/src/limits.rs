//! How much one caller may take: sizes, times and rates of the port. Every limit is applied before the work
//! that it bounds; none of them can be widened by a request.

use serve::Peer;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

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
    /// How long an answer may stay unread, once no more of it fits on the way.
    pub write_time: Duration,
    /// Connections open at once at each way in; more wait to be accepted.
    pub connections: usize,
    /// A quarter of them is for programs of other users of this machine, and no user gets more than this.
    pub connections_per_user: usize,
    /// Requests of one app at once, long polls and event streams included.
    pub at_once_per_app: usize,
    /// Of one user of this machine.
    pub pairings_per_minute: usize,
    /// Callers of one user that may wait for the answer to a pairing at once; more are answered without waiting.
    pub pairing_waits: usize,
    /// Tokens of one user that may fail in a minute before callers are told to slow down. Good tokens are never slowed.
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
            write_time: Duration::from_secs(10),
            connections: 512,
            connections_per_user: 32,
            at_once_per_app: 32,
            pairings_per_minute: 10,
            pairing_waits: 16,
            bad_tokens_per_minute: 60,
            wait: Duration::from_secs(30),
        }
    }
}

impl Limits {
    /// For the ways in that apps use.
    pub(crate) fn apps(&self) -> serve::Limits {
        serve::Limits {
            head_bytes: self.head_bytes,
            headers: self.headers,
            head_time: self.head_time,
            write_time: self.write_time,
            ending: Duration::from_secs(1),
            connections: self.connections,
            own: self.connections - self.connections / 4,
            per_peer: self.connections_per_user,
            ..serve::Limits::default()
        }
    }

    /// For the owner's own commands: an export waits for whoever looks through it page by page, and events are followed
    /// for a day.
    pub(crate) fn owners(&self) -> serve::Limits {
        const HOUR: Duration = Duration::from_secs(3600);
        serve::Limits { write_time: HOUR, last: 24 * HOUR, own: self.connections, ..self.apps() }
    }
}

/// At most `most` events of one peer in any minute.
pub(crate) struct PerMinute {
    most: usize,
    times: Mutex<HashMap<Peer, VecDeque<Instant>>>,
}

impl PerMinute {
    pub fn new(most: usize) -> Self {
        Self { most, times: Mutex::default() }
    }

    /// Counts one event, or tells after how many seconds the next one would pass.
    pub fn take(&self, peer: Peer) -> Result<(), u32> {
        const MINUTE: Duration = Duration::from_secs(60);
        let now = Instant::now();
        let mut all = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, times| times.back().is_some_and(|t| now.duration_since(*t) < MINUTE));
        let times = all.entry(peer).or_default();
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

/// So many places for each peer.
pub(crate) struct Shares {
    each: usize,
    taken: Mutex<HashMap<Peer, Arc<Semaphore>>>,
}

impl Shares {
    pub fn new(each: usize) -> Self {
        Self { each, taken: Mutex::default() }
    }

    /// A place, as long as it is held.
    pub fn take(&self, peer: Peer) -> Option<OwnedSemaphorePermit> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever holds none is forgotten.
        taken.retain(|_, places| places.available_permits() < self.each);
        let places = taken.entry(peer).or_insert_with(|| Arc::new(Semaphore::new(self.each)));
        Arc::clone(places).try_acquire_owned().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::{Peer, PerMinute};

    #[test]
    fn what_is_over_the_rate_is_told_when_to_come_back() {
        let rate = PerMinute::new(2);
        let take = |peer| rate.take(peer);
        assert_eq!((take(Peer::User(7)), take(Peer::User(7))), (Ok(()), Ok(())));
        assert!(matches!(take(Peer::User(7)), Err(1..=60)));
        assert_eq!(take(Peer::Own), Ok(()), "another user's are not ours");
    }
}
