//! Which payments have bought something already. Refuses a payment that is being used at this moment or was used
//! before, and to forget one while it could come again.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Payment ids with what became of them. Bounded: every lasting entry cost its buyer a settled payment.
#[derive(Clone, Default)]
pub(crate) struct Used(Arc<Mutex<HashMap<[u8; 16], Entry>>>);

struct Entry {
    valid_before: u64,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    InUse,
    /// Sent to be settled, and nobody knows yet whether it was.
    Open,
    Spent,
}

pub(crate) enum Taken {
    Already,
    Full,
}

const MOST: usize = 100_000;

impl Used {
    fn ids(&self) -> MutexGuard<'_, HashMap<[u8; 16], Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reserves a payment for one request. When the reservation is dropped, the payment is what it was before.
    pub(crate) fn reserve(&self, id: [u8; 16], valid_before: u64, now: u64) -> Result<Reservation, Taken> {
        let mut ids = self.ids();
        let before = ids.get(&id).map(|entry| entry.state);
        if matches!(before, Some(State::InUse | State::Spent)) {
            return Err(Taken::Already);
        }
        if before.is_none() && ids.len() >= MOST {
            // What is past its window is refused for that reason.
            ids.retain(|_, entry| entry.valid_before > now);
            if ids.len() >= MOST {
                return Err(Taken::Full);
            }
        }
        ids.insert(id, Entry { valid_before, state: State::InUse });
        Ok(Reservation { used: self.clone(), id, after: before })
    }
}

pub(crate) struct Reservation {
    used: Used,
    id: [u8; 16],
    after: Option<State>,
}

impl Reservation {
    /// An earlier attempt to settle this payment is open: its trial run would say that the nonce is used.
    pub(crate) fn is_open(&self) -> bool {
        self.after == Some(State::Open)
    }

    /// The payment has bought something.
    pub(crate) fn spend(mut self) {
        self.after = Some(State::Spent);
    }

    /// The payment goes to be settled; until that is answered nobody knows.
    pub(crate) fn open(&mut self) {
        self.after = Some(State::Open);
    }

    /// The settlement failed for certain.
    pub(crate) fn release(mut self) {
        self.after = None;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut ids = self.used.ids();
        match (self.after, ids.get_mut(&self.id)) {
            (Some(state), Some(entry)) => entry.state = state,
            _ => drop(ids.remove(&self.id)),
        }
    }
}
