//! Who is settling what: at most one attempt for one authorization at any time, everybody else waits for its
//! outcome. Refuses a second message with the same owner and nonce, which could never both settle, and to forget
//! a transaction that was sent.

use crate::journal::{Journal, Line};
use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;
use tron::{Address, Digest, Network, TxId};
use x402::U256;

/// One authorization: a nonce can be used once by its owner on its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub network: Network,
    pub owner: Address,
    pub nonce: U256,
}

/// A transaction that left, or was about to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub id: TxId,
    pub expiration_ms: u64,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Settled(TxId),
    /// Sent, and not known whether it took effect.
    Pending(Sent),
    /// Nothing was sent, or what was sent is known to have had no effect.
    Failed {
        reason: crate::Reason,
        transaction: Option<TxId>,
    },
}

struct Entry {
    digest: Digest,
    valid_before: u64,
    state: State,
}

enum State {
    /// With what was sent so far.
    Running(watch::Receiver<Option<Outcome>>, Option<Sent>),
    Pending(Sent),
    Settled(TxId),
}

/// What the caller of [`Flights::board`] has to do.
pub(crate) enum Seat {
    /// Do the work. `Some` when an earlier attempt sent a transaction whose fate is unknown: look that up first.
    Lead(Flight, Option<Sent>),
    /// Another request is doing it.
    Wait(watch::Receiver<Option<Outcome>>),
    Done(Outcome),
    /// Owner and nonce belong to another message.
    Taken,
    /// More is unfinished than we are willing to remember.
    Full,
}

#[derive(Clone)]
pub(crate) struct Flights(Arc<Inner>);

struct Inner {
    entries: Mutex<HashMap<Key, Entry>>,
    journal: Option<Journal>,
}

const MOST_ENTRIES: usize = 100_000;
/// A settled authorization is remembered this long after its window, for those who ask late.
const MEMORY_SECS: u64 = 24 * 3600;

impl Flights {
    pub(crate) fn new(journal: Option<&Path>, now: u64) -> std::io::Result<Self> {
        let mut entries = HashMap::new();
        let journal = match journal {
            None => None,
            Some(path) => {
                let (journal, lines) = Journal::open(path, |line| remembered(line.valid_before, now))?;
                entries.extend(lines.iter().filter_map(read_line));
                Some(journal)
            }
        };
        Ok(Self(Arc::new(Inner { entries: Mutex::new(entries), journal })))
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<Key, Entry>> {
        self.0.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this very message is being settled, or was sent with an outcome that is not known yet.
    pub(crate) fn is_open(&self, key: &Key, digest: &Digest) -> bool {
        let entries = self.entries();
        let entry = entries.get(key).filter(|entry| entry.digest == *digest);
        entry.is_some_and(|entry| !matches!(entry.state, State::Settled(_)))
    }

    pub(crate) fn board(&self, key: Key, digest: Digest, valid_before: u64, now: u64) -> Seat {
        let mut entries = self.entries();
        let earlier = match entries.get(&key) {
            Some(entry) if entry.digest != digest => return Seat::Taken,
            Some(Entry { state: State::Running(outcome, _), .. }) => return Seat::Wait(outcome.clone()),
            Some(Entry { state: State::Settled(id), .. }) => return Seat::Done(Outcome::Settled(*id)),
            Some(Entry { state: State::Pending(sent), .. }) => Some(*sent),
            None => None,
        };
        if entries.len() >= MOST_ENTRIES && earlier.is_none() {
            entries.retain(|_, e| !matches!(e.state, State::Settled(_)) || remembered(e.valid_before, now));
            if entries.len() >= MOST_ENTRIES {
                return Seat::Full;
            }
        }
        let (outcome, watched) = watch::channel(None);
        entries.insert(key, Entry { digest, valid_before, state: State::Running(watched, earlier) });
        Seat::Lead(Flight { flights: self.clone(), key, digest, valid_before, outcome, landed: false }, earlier)
    }
}

fn remembered(valid_before: u64, now: u64) -> bool {
    valid_before.saturating_add(MEMORY_SECS) > now
}

fn read_line(line: &Line) -> Option<(Key, Entry)> {
    let key = Key {
        network: Network::parse(&line.network).ok()?,
        owner: Address::parse(&line.owner).ok()?,
        nonce: U256::from_str_radix(&line.nonce, 10).ok()?,
    };
    let sent = Sent { id: line.transaction.parse().ok()?, expiration_ms: line.expiration_ms };
    let digest = line.digest.parse().ok()?;
    Some((key, Entry { digest, valid_before: line.valid_before, state: State::Pending(sent) }))
}

/// One attempt in progress. However it ends, even by a panic, the waiting are woken and a sent transaction stays
/// remembered.
pub(crate) struct Flight {
    flights: Flights,
    key: Key,
    digest: Digest,
    valid_before: u64,
    outcome: watch::Sender<Option<Outcome>>,
    landed: bool,
}

impl Flight {
    /// Notes what is about to be sent; nothing may be sent when this fails.
    pub(crate) fn sending(&self, next: Sent) -> std::io::Result<()> {
        if let Some(journal) = &self.flights.0.journal {
            journal.note(&Line {
                network: self.key.network.canonical().to_owned(),
                owner: self.key.owner.to_string(),
                nonce: self.key.nonce.to_string(),
                digest: self.digest.to_string(),
                valid_before: self.valid_before,
                transaction: next.id.to_string(),
                expiration_ms: next.expiration_ms,
            })?;
        }
        if let Some(Entry { state: State::Running(_, sent), .. }) = self.flights.entries().get_mut(&self.key) {
            *sent = Some(next);
        }
        Ok(())
    }

    /// Where the outcome will be.
    pub(crate) fn watch(&self) -> watch::Receiver<Option<Outcome>> {
        self.outcome.subscribe()
    }

    pub(crate) fn land(mut self, outcome: Outcome) {
        self.landed = true;
        {
            let mut entries = self.flights.entries();
            match &outcome {
                Outcome::Settled(id) => self.keep(&mut entries, State::Settled(*id)),
                Outcome::Pending(sent) => self.keep(&mut entries, State::Pending(*sent)),
                Outcome::Failed { .. } => drop(entries.remove(&self.key)),
            }
        }
        self.outcome.send_replace(Some(outcome));
    }

    fn keep(&self, entries: &mut HashMap<Key, Entry>, state: State) {
        if let Some(entry) = entries.get_mut(&self.key) {
            entry.state = state;
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if self.landed {
            return;
        }
        let mut entries = self.flights.entries();
        if let Some(Entry { state: State::Running(_, sent), .. }) = entries.get(&self.key) {
            match *sent {
                Some(sent) => self.keep(&mut entries, State::Pending(sent)),
                None => drop(entries.remove(&self.key)),
            }
        }
    }
}
