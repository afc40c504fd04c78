//! Who is settling what in this process: at most one at a time looks after one authorization, everybody else waits
//! for its outcome. Refuses a second message with the same nonce while the first is being settled, and more at once
//! than it is told. What has to be remembered longer is in the store.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;
use tron::{Address, Digest, Network, TxId};
use x402::U256;

/// One authorization: a nonce can be used once by its owner, and a contract of its network writes that down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub network: Network,
    pub contract: Address,
    pub owner: Address,
    pub nonce: U256,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It moved the money, in a block that may still be dropped or for good.
    Settled(TxId),
    /// Sent, and not known whether it took effect.
    Pending(TxId),
    /// Nothing was sent, or what was sent is known to have had no effect.
    Failed { reason: crate::Reason, transaction: Option<TxId> },
    /// It was in a block that the chain has dropped, and can't be sent again as things are. `until`: in seconds since
    /// 1970, how long it may be settled all the same.
    Reversed { transaction: TxId, why: &'static str, until: Option<u64> },
}

/// On whose behalf somebody looks after an authorization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crew {
    /// A seller asked for its settlement, and will hear how it ended.
    Caller,
    /// Nobody waits: a transaction of earlier is looked up.
    Keeper,
}

pub(crate) type Watched = watch::Receiver<Option<Outcome>>;

/// What the caller of [`Flights::board`] has to do.
pub(crate) enum Seat {
    /// Do the work.
    Lead(Flight),
    /// Another one is doing it.
    Wait(Watched),
    /// The nonce belongs to another message that is being settled.
    Taken,
    /// More is being settled than we are willing to.
    Full,
}

#[derive(Clone)]
pub(crate) struct Flights(Arc<Inner>);

struct Inner {
    running: Mutex<HashMap<Key, Running>>,
    most: usize,
}

struct Running {
    digest: Digest,
    crew: Crew,
    outcome: Watched,
}

impl Flights {
    pub(crate) fn new(most: usize) -> Self {
        Self(Arc::new(Inner { running: Mutex::default(), most }))
    }

    fn running(&self) -> MutexGuard<'_, HashMap<Key, Running>> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a caller's settlement uses this nonce at this moment.
    pub(crate) fn is_settling(&self, key: &Key) -> bool {
        self.running().get(key).is_some_and(|running| running.crew == Crew::Caller)
    }

    pub(crate) fn board(&self, key: Key, digest: Digest, crew: Crew) -> Seat {
        let mut running = self.running();
        let full = running.len() >= self.0.most;
        match running.get_mut(&key) {
            Some(other) if other.digest != digest => return Seat::Taken,
            Some(same) => {
                // Whoever began: from now on somebody waits for it.
                if crew == Crew::Caller {
                    same.crew = crew;
                }
                return Seat::Wait(same.outcome.clone());
            }
            None if full => return Seat::Full,
            None => {}
        }
        let (outcome, watched) = watch::channel(None);
        running.insert(key, Running { digest, crew, outcome: watched });
        Seat::Lead(Flight { flights: self.clone(), key, outcome })
    }
}

/// One attempt in progress. However it ends, even by a panic, the waiting are woken.
pub(crate) struct Flight {
    flights: Flights,
    key: Key,
    outcome: watch::Sender<Option<Outcome>>,
}

impl Flight {
    /// Where the outcome will be.
    pub(crate) fn watch(&self) -> Watched {
        self.outcome.subscribe()
    }

    pub(crate) fn land(self, outcome: Outcome) {
        self.outcome.send_replace(Some(outcome));
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.flights.running().remove(&self.key);
    }
}
