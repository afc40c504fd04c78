//! What became of every payment that came here. Refuses to let two requests work with one payment at the same time,
//! to let a payment buy a second thing, and to forget one while it could come again.

use crate::{
    client::is_final,
    deal::Deal,
    journal::{Journal, Record},
    reversal::{Taken, Watched},
    shelf::{Answer, Broken, Keep, Shelf},
};
use axum::response::Response;
use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};
use tokio::sync::watch;
use tron::{Address, Network};
use x402::{
    PaymentId, Settlement, U256,
    facilitator::{IdempotencyKey, REVERSED},
};

/// What makes two messages the same payment: the contract lets this payer use this nonce once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub network: Network,
    pub contract: Address,
    pub payer: Address,
    pub nonce: U256,
}

/// A hash of method, path and query.
pub(crate) type Resource = [u8; 32];

#[derive(Clone)]
pub(crate) struct Book(Arc<Mutex<Pages>>);

pub(crate) struct Pages {
    entries: HashMap<Key, Entry>,
    ids: HashMap<PaymentId, Key>,
    shelf: Shelf,
    journal: Option<Journal>,
    /// What an earlier process had written down, until it comes again.
    earlier: HashMap<Key, Record>,
    /// With so many entries, look which can be forgotten.
    sweep_at: usize,
    /// Settled, and not known to be final.
    pub watched: HashMap<Key, Watched>,
    /// Somebody looks after them.
    pub watching: bool,
}

/// Bounded: every lasting entry cost its buyer a settled payment.
struct Entry {
    deal: Arc<Deal>,
    resource: Resource,
    id: Option<PaymentId>,
    /// By which the facilitator knows us again; made when it is settled for the first time.
    proof: Option<IdempotencyKey>,
    state: State,
    /// Somebody works with it; over when the sender is gone.
    busy: Option<watch::Receiver<()>>,
    forget_at: u64,
    /// Why a fork that took its settlement back can't be undone, until it is.
    reversed: Option<String>,
}

#[derive(Clone)]
pub(crate) enum State {
    /// Nothing was sent to be settled.
    Fresh,
    /// Sent to be settled, and nobody knows yet whether it was.
    Open,
    Paid {
        settlement: Box<Settlement>,
        left: Left,
    },
}

/// What a settled payment can still get, beside the answer on the shelf.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// Nothing was delivered yet: the handler runs until it succeeds.
    Owed,
    /// Delivered, and the handler may run once more.
    OnceMore,
    Nothing,
}

impl Left {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Owed => "owed",
            Self::OnceMore => "once_more",
            Self::Nothing => "nothing",
        }
    }

    pub(crate) fn of(name: &str) -> Option<Self> {
        [Self::Owed, Self::OnceMore, Self::Nothing].into_iter().find(|left| left.name() == name)
    }
}

/// What a request finds for its payment.
pub(crate) enum Found {
    /// It is this request's to work with.
    Held(Box<Held>),
    /// Another request works with it: wait for its end, then look again.
    Busy(watch::Receiver<()>),
    Answered(Arc<Answer>, Box<Settlement>),
    /// It has bought something, or is buying something else.
    Used(Option<Box<Settlement>>),
    /// A fork took its settlement back.
    Reversed(Box<Settlement>),
    /// The identifier belongs to another payment.
    OtherId,
    Full,
}

const A_DAY: u64 = 24 * 3600;
const MOST: usize = 100_000;
const SWEEP_AT: usize = 1_000;

impl Book {
    pub(crate) fn new(keep: Keep) -> Self {
        Self(Arc::new(Mutex::new(Pages {
            entries: HashMap::new(),
            ids: HashMap::new(),
            shelf: Shelf::new(keep),
            journal: None,
            earlier: HashMap::new(),
            sweep_at: SWEEP_AT,
            watched: HashMap::new(),
            watching: false,
        })))
    }

    /// Other answers to keep; what was written down stays.
    pub(crate) fn keep(&self, keep: Keep) {
        self.pages().shelf = Shelf::new(keep);
    }

    /// From now on what must not be forgotten is written down there; what an earlier process wrote is remembered.
    pub(crate) fn write_in(&self, journal: Journal, earlier: Vec<Record>) {
        let mut pages = self.pages();
        pages.journal = Some(journal);
        for record in earlier {
            if let Some(id) = &record.id {
                pages.ids.insert(id.clone(), record.key);
            }
            if let State::Paid { settlement, .. } = &record.state
                && !is_final(settlement)
            {
                let told = record.reversed.is_some();
                pages.watched.insert(record.key, Watched { until: record.until.saturating_add(A_DAY), told });
            }
            pages.earlier.insert(record.key, record);
        }
    }

    pub(crate) fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For whoever must not keep it.
    pub(crate) fn weak(&self) -> Weak<Mutex<Pages>> {
        Arc::downgrade(&self.0)
    }

    pub(crate) fn of(weak: &Weak<Mutex<Pages>>) -> Option<Self> {
        weak.upgrade().map(Self)
    }

    /// A fork took its settlement back, for this reason, or it is settled again. Written into the journal; answers what
    /// was bought.
    pub(crate) async fn reversed(&self, key: Key, why: Option<String>, now: u64) -> Taken {
        let (taken, note) = {
            let mut pages = self.pages();
            let journal = pages.journal.clone();
            let Pages { entries, earlier, .. } = &mut *pages;
            let (record, price) = match (entries.get_mut(&key), earlier.get_mut(&key)) {
                (Some(entry), _) => {
                    entry.reversed.clone_from(&why);
                    let record = Record {
                        key,
                        resource: entry.resource,
                        id: entry.id.clone(),
                        requirements: entry.deal.requirements.raw.clone(),
                        proof: entry.proof.clone(),
                        state: entry.state.clone(),
                        until: entry.forget_at.saturating_add(A_DAY),
                        reversed: why,
                    };
                    (Some(record), Some(entry.deal.price.clone()))
                }
                (None, Some(record)) => {
                    record.reversed = why;
                    (Some(record.clone()), None)
                }
                (None, None) => (None, None),
            };
            let settlement = record.as_ref().and_then(|record| match &record.state {
                State::Paid { settlement, .. } => Some(settlement),
                State::Fresh | State::Open => None,
            });
            let transaction = settlement.and_then(|settlement| settlement.transaction.clone());
            let taken = Taken { price, transaction, id: record.as_ref().and_then(|record| record.id.clone()) };
            (taken, journal.zip(record))
        };
        if let Some((journal, record)) = note {
            let written = tokio::task::spawn_blocking(move || journal.write(record, now)).await;
            unwritten(written.unwrap_or_else(|_| Err(io::Error::other("the shop closes"))));
        }
        taken
    }

    /// Whether an earlier process took this payment.
    pub(crate) fn took_earlier(&self, key: &Key) -> bool {
        self.pages().earlier.contains_key(key)
    }

    /// The deal that was recognised when this very payment came first. It needs no second look, which the price of
    /// today or the end of its window could make it fail.
    pub(crate) fn known(&self, key: &Key, signature: &str) -> Option<Arc<Deal>> {
        let pages = self.pages();
        let deal = &pages.entries.get(key)?.deal;
        (deal.signature() == signature).then(|| deal.clone())
    }

    /// `now`: seconds since 1970.
    pub(crate) fn take(&self, deal: &Arc<Deal>, resource: Resource, id: Option<PaymentId>, now: u64) -> Found {
        let mut pages = self.pages();
        let key = deal.key;
        if id.as_ref().and_then(|id| pages.ids.get(id)).is_some_and(|owner| *owner != key) {
            return Found::OtherId;
        }
        if !pages.entries.contains_key(&key) {
            if !pages.has_room(now) {
                return Found::Full;
            }
            if let Some(id) = &id {
                pages.ids.insert(id.clone(), key);
            }
            let (forget_at, deal) = (deal.valid_before, deal.clone());
            let entry = match pages.earlier.remove(&key) {
                Some(Record { resource, id, proof, state, until, reversed, .. }) => {
                    Entry { deal, resource, id, proof, state, busy: None, forget_at: forget_at.max(until), reversed }
                }
                None => Entry {
                    deal,
                    resource,
                    id: id.clone(),
                    proof: None,
                    state: State::Fresh,
                    busy: None,
                    forget_at,
                    reversed: None,
                },
            };
            pages.entries.insert(key, entry);
        }
        let Some(entry) = pages.entries.get(&key) else { return Found::Full };
        let settlement = match &entry.state {
            State::Paid { settlement, .. } => Some(settlement.clone()),
            State::Fresh | State::Open => None,
        };
        // Once settled, everything in a payment can be read on the chain, except its identifier.
        if entry.resource != resource || entry.id != id {
            return Found::Used(settlement);
        }
        if let (Some(why), Some(settlement)) = (&entry.reversed, &settlement) {
            return Found::Reversed(Box::new(taken_back(settlement, why)));
        }
        if let Some(busy) = &entry.busy {
            return Found::Busy(busy.clone());
        }
        let spent = matches!(entry.state, State::Paid { left: Left::Nothing, .. });
        if let Some(settlement) = settlement {
            if let Some(answer) = pages.shelf.get(&key, now) {
                return Found::Answered(answer, settlement);
            }
            if spent {
                return Found::Used(Some(settlement));
            }
        }
        self.hold(&mut pages, key, now)
    }

    fn hold(&self, pages: &mut Pages, key: Key, now: u64) -> Found {
        let kept = pages.shelf.get(&key, now);
        let keep = pages.shelf.keep();
        let Some(entry) = pages.entries.get_mut(&key) else { return Found::Full };
        let (done, busy) = watch::channel(());
        entry.busy = Some(busy);
        let deal = entry.deal.clone();
        Found::Held(Box::new(Held { book: self.clone(), deal, state: entry.state.clone(), keep, kept, _done: done }))
    }
}

impl Pages {
    fn has_room(&mut self, now: u64) -> bool {
        let Self { entries, ids, shelf, earlier, sweep_at, .. } = self;
        if entries.len() >= (*sweep_at).min(MOST) {
            // What is past its window is refused for that reason.
            entries.retain(|key, entry| {
                let stays = entry.busy.is_some() || entry.forget_at > now;
                if !stays {
                    shelf.remove(key);
                    if let Some(id) = &entry.id {
                        ids.remove(id);
                    }
                }
                stays
            });
            earlier.retain(|_, record| record.until > now);
            *sweep_at = SWEEP_AT.max(entries.len() * 2);
        }
        entries.len() < MOST
    }
}

/// A payment that one request works with. When it is dropped, the next one gets it as it is then.
pub(crate) struct Held {
    book: Book,
    pub deal: Arc<Deal>,
    state: State,
    keep: Keep,
    kept: Option<Arc<Answer>>,
    _done: watch::Sender<()>,
}

impl Held {
    /// Nothing was sent to be settled before.
    pub(crate) fn is_fresh(&self) -> bool {
        matches!(self.state, State::Fresh)
    }

    /// How it was settled before.
    pub(crate) fn settlement(&self) -> Option<Settlement> {
        match &self.state {
            State::Paid { settlement, .. } => Some((**settlement).clone()),
            State::Fresh | State::Open => None,
        }
    }

    /// The answer that waits for its settlement.
    pub(crate) fn kept(&self) -> Option<Arc<Answer>> {
        self.kept.clone()
    }

    /// Keeps the answer if it is one to keep. It is given to nobody before the payment is paid.
    pub(crate) async fn keep(&mut self, response: Response, now: u64) -> Result<Response, Broken> {
        if !self.keep.takes(&response) {
            return Ok(response);
        }
        let answer = Arc::new(self.keep.collect(response).await?);
        self.book.pages().shelf.put(self.deal.key, answer.clone(), now);
        Ok(answer.response())
    }

    /// The payment goes to be settled, under the key that is answered; until that has an end nobody knows. An error:
    /// it could not be written down, and must not be settled.
    pub(crate) async fn open(&mut self, now: u64) -> io::Result<IdempotencyKey> {
        let made = random_key()?;
        let proof = match self.book.pages().entries.get_mut(&self.deal.key) {
            Some(entry) => entry.proof.get_or_insert(made).clone(),
            None => made,
        };
        self.change(State::Open, now).await?;
        Ok(proof)
    }

    /// Nothing was sent to be settled after all.
    pub(crate) fn forget(&mut self) {
        self.book.pages().shelf.remove(&self.deal.key);
        self.state = State::Fresh;
    }

    /// The settlement failed for certain, and nothing was bought.
    pub(crate) async fn failed(&mut self) {
        self.book.pages().shelf.remove(&self.deal.key);
        unwritten(self.change(State::Fresh, 0).await);
    }

    /// Settled, and nothing delivered yet.
    pub(crate) async fn owed(&mut self, settlement: Settlement, now: u64) {
        unwritten(self.change(State::Paid { settlement: Box::new(settlement), left: Left::Owed }, now).await);
    }

    /// Settled, and the answer goes out; `repeatable`: the handler may run once more for it.
    pub(crate) async fn delivered(&mut self, settlement: Settlement, repeatable: bool, now: u64) {
        let was_first = !matches!(self.state, State::Paid { left: Left::OnceMore | Left::Nothing, .. });
        let left = if was_first && repeatable { Left::OnceMore } else { Left::Nothing };
        unwritten(self.change(State::Paid { settlement: Box::new(settlement), left }, now).await);
    }

    async fn change(&mut self, state: State, now: u64) -> io::Result<()> {
        let kept_until = now.saturating_add(self.keep.age.as_secs());
        let note = {
            let mut pages = self.book.pages();
            if let State::Paid { settlement, .. } = &state
                && !is_final(settlement)
                && !pages.watched.contains_key(&self.deal.key)
            {
                let until = self.deal.valid_before.saturating_add(A_DAY);
                pages.watched.insert(self.deal.key, Watched { until, told: false });
            }
            let journal = pages.journal.clone();
            let entry = pages.entries.get_mut(&self.deal.key);
            entry.and_then(|entry| {
                entry.state = state.clone();
                entry.forget_at = entry.forget_at.max(kept_until);
                let record = Record {
                    key: self.deal.key,
                    resource: entry.resource,
                    id: entry.id.clone(),
                    requirements: self.deal.requirements.raw.clone(),
                    proof: entry.proof.clone(),
                    reversed: entry.reversed.clone(),
                    state: state.clone(),
                    until: match state {
                        // Paid or about to be, and nothing delivered: the buyer may come back late.
                        State::Open | State::Paid { left: Left::Owed, .. } => entry.forget_at.saturating_add(A_DAY),
                        _ => entry.forget_at,
                    },
                };
                Some((journal?, record))
            })
        };
        self.state = state;
        match note {
            None => Ok(()),
            Some((journal, record)) => {
                let written = tokio::task::spawn_blocking(move || journal.write(record, now)).await;
                written.unwrap_or_else(|_| Err(io::Error::other("the shop closes")))
            }
        }
    }
}

/// What the settlement is worth after the fork.
fn taken_back(settlement: &Settlement, why: &str) -> Settlement {
    Settlement {
        success: false,
        error_reason: Some(REVERSED.to_owned()),
        extra: serde_json::json!({ "reason": why }),
        ..settlement.clone()
    }
}

/// Random, not made of the payment: another instance of the shop must not be taken for this one.
fn random_key() -> io::Result<IdempotencyKey> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| io::Error::other("the operating system gave no random numbers"))?;
    IdempotencyKey::parse(&hex::encode(bytes)).map_err(io::Error::other)
}

/// What was settled stays settled: a restart finds the line before and asks the facilitator again.
fn unwritten(written: io::Result<()>) {
    if let Err(error) = written {
        tracing::error!(%error, "what became of a payment could not be written down");
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut pages = self.book.pages();
        if let State::Fresh = self.state {
            pages.shelf.remove(&self.deal.key);
            if let Some(Entry { id: Some(id), .. }) = pages.entries.remove(&self.deal.key) {
                pages.ids.remove(&id);
            }
        } else if let Some(entry) = pages.entries.get_mut(&self.deal.key) {
            entry.busy = None;
        }
    }
}
