//! Balances and allowances that were read a moment ago, with their age. Refuses to be silent about that age,
//! and to grow without bound.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tron::{Address, Amount};

/// A value and how long ago it was read from the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aged<T> {
    pub value: T,
    pub age: Duration,
}

/// What a cached amount is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    Balance { token: Address, owner: Address },
    Allowance { token: Address, owner: Address, spender: Address },
}

const MOST_ENTRIES: usize = 1024;

#[derive(Default)]
pub(crate) struct Cache(Mutex<HashMap<Key, (Amount, Instant)>>);

impl Cache {
    fn entries(&self) -> MutexGuard<'_, HashMap<Key, (Amount, Instant)>> {
        // A panic elsewhere leaves whole entries behind, never half of one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn read(&self, key: Key, at_most: Duration) -> Option<Aged<Amount>> {
        let (value, read_at) = *self.entries().get(&key)?;
        let age = read_at.elapsed();
        (age <= at_most).then_some(Aged { value, age })
    }

    pub(crate) fn store(&self, key: Key, value: Amount, asked_at: Instant) {
        let mut entries = self.entries();
        if entries.len() >= MOST_ENTRIES && !entries.contains_key(&key) {
            entries.clear();
        }
        entries.insert(key, (value, asked_at));
    }

    /// After a transaction was sent nothing remembered is worth anything.
    pub(crate) fn forget(&self) {
        self.entries().clear();
    }
}
