//! Who gets a place: this user's programs out of their own, everybody else out of the rest and never more than a peer
//! gets. Whoever has to wait does so for a short while; a stranger never waits where own places are kept.

use crate::{Limits, Peer};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

pub(crate) struct Places {
    own: Option<Arc<Semaphore>>,
    others: Arc<Semaphore>,
    counts: Arc<Counts>,
}

struct Counts {
    per_peer: usize,
    taken: Mutex<HashMap<Peer, usize>>,
}

impl Counts {
    fn taken(&self) -> MutexGuard<'_, HashMap<Peer, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's place; free again when it is dropped.
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
    _share: Option<Share>,
}

/// One of a peer's connections.
struct Share {
    counts: Arc<Counts>,
    peer: Peer,
}

impl Share {
    fn take(counts: &Arc<Counts>, peer: Peer) -> Option<Self> {
        let mut taken = counts.taken();
        let count = taken.entry(peer).or_default();
        if *count >= counts.per_peer {
            return None;
        }
        *count += 1;
        Some(Self { counts: Arc::clone(counts), peer })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut taken = self.counts.taken();
        if let Some(count) = taken.get_mut(&self.peer) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                taken.remove(&self.peer);
            }
        }
    }
}

impl Places {
    pub fn new(limits: &Limits) -> Self {
        let room = |places: usize| Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS)));
        let own = limits.own.min(limits.connections);
        Self {
            own: (own > 0).then(|| room(own)),
            others: room(limits.connections - own),
            counts: Arc::new(Counts { per_peer: limits.per_peer, taken: Mutex::default() }),
        }
    }

    /// `None`: there is no place for this peer.
    pub async fn take(&self, peer: Peer, patience: Duration) -> Option<Place> {
        let wait = async |room: &Arc<Semaphore>| timeout(patience, Arc::clone(room).acquire_owned()).await.ok()?.ok();
        if let Some(own) = self.own.as_ref().filter(|_| peer == Peer::Own) {
            return Some(Place { _permit: wait(own).await?, _share: None });
        }
        let share = Share::take(&self.counts, peer)?;
        let permit = match self.own {
            Some(_) => Arc::clone(&self.others).try_acquire_owned().ok()?,
            None => wait(&self.others).await?,
        };
        Some(Place { _permit: permit, _share: Some(share) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::ZERO;

    #[tokio::test]
    async fn strangers_share_what_is_left_and_none_gets_more_than_a_peer() {
        let places = Places::new(&Limits { connections: 6, own: 2, per_peer: 3, ..Limits::default() });
        let mut held = Vec::new();
        for _ in 0..3 {
            held.push(places.take(Peer::User(7), NOW).await.unwrap());
        }
        assert!(places.take(Peer::User(7), NOW).await.is_none(), "a peer has its share");
        held.push(places.take(Peer::User(8), NOW).await.unwrap());
        assert!(places.take(Peer::User(9), NOW).await.is_none(), "the rest is taken");
        let own = [places.take(Peer::Own, NOW).await.unwrap(), places.take(Peer::Own, NOW).await.unwrap()];
        assert!(places.take(Peer::Own, NOW).await.is_none());
        drop(own);
        held.clear();
        assert!(places.counts.taken().is_empty(), "nobody is remembered");
        assert!(places.take(Peer::User(7), NOW).await.is_some());
    }

    #[tokio::test]
    async fn where_none_are_kept_all_are_peers_and_wait_for_a_place() {
        let places = Places::new(&Limits { connections: 2, own: 0, per_peer: 2, ..Limits::default() });
        let first = places.take(Peer::Own, NOW).await.unwrap();
        let _second = places.take(Peer::Own, NOW).await.unwrap();
        assert!(places.take(Peer::Own, NOW).await.is_none(), "counted like everybody");
        let waits = places.take(Peer::User(1), Duration::from_secs(60));
        let (third, ()) = tokio::join!(waits, async { drop(first) });
        assert!(third.is_some());
    }
}
