//! Whether whoever asked a question still waits for its answer. Decides nothing: a question that its asker left stays
//! open and is marked, so that a person knows that a yes may reach nobody.

use crate::{Event, Wallet, lock};
use ledger::{Payment, PaymentId};
use plan::AppId;
use std::collections::HashMap;

/// A wait that was broken off is begun anew within this by whoever is still there.
const HUNG_UP_MS: i64 = 3_000;
/// Nobody who waits is silent for longer: three of the longest waits.
const SILENT_MS: i64 = 90_000;

#[derive(Default)]
pub(crate) struct Presence {
    questions: HashMap<PaymentId, Asker>,
    /// Open streams of events, by app.
    streams: HashMap<AppId, usize>,
}

/// Who asked one question.
struct Asker {
    app: AppId,
    /// Calls that wait for its answer just now.
    waits: usize,
    /// Boot time.
    heard_ms: i64,
    hung_up: bool,
    /// As it was told last.
    told_gone: bool,
}

impl Presence {
    /// A question was opened, or was found open at a start.
    pub fn opened(&mut self, payment: &Payment, boot_ms: i64) {
        let app = payment.plan.app.clone();
        let asker = Asker { app, waits: 0, heard_ms: boot_ms, hung_up: false, told_gone: false };
        self.questions.entry(payment.id).or_insert(asker);
    }

    pub fn closed(&mut self, id: PaymentId) {
        self.questions.remove(&id);
    }

    /// Its app asked about it.
    pub fn heard(&mut self, app: &AppId, id: PaymentId, boot_ms: i64) {
        if let Some(asker) = self.asker(app, id) {
            (asker.heard_ms, asker.hung_up) = (boot_ms, false);
        }
    }

    fn asker(&mut self, app: &AppId, id: PaymentId) -> Option<&mut Asker> {
        self.questions.get_mut(&id).filter(|asker| asker.app == *app)
    }

    fn is_gone(&self, id: PaymentId, boot_ms: i64) -> bool {
        self.questions.get(&id).is_some_and(|asker| {
            let patience = if asker.hung_up { HUNG_UP_MS } else { SILENT_MS };
            let listens = self.streams.get(&asker.app).is_some_and(|streams| *streams > 0);
            asker.waits == 0 && !listens && boot_ms - asker.heard_ms > patience
        })
    }
}

impl Wallet {
    /// The program that asked hung up, or has not been heard of for long.
    pub fn is_asker_gone(&self, id: PaymentId) -> bool {
        lock(&self.0.presence).is_gone(id, self.0.time.boot_ms())
    }

    /// Tells of askers that left or came back.
    pub(crate) fn tell_of_askers(&self) {
        let boot_ms = self.0.time.boot_ms();
        let mut moved = Vec::new();
        {
            let mut presence = lock(&self.0.presence);
            let ids: Vec<PaymentId> = presence.questions.keys().copied().collect();
            for id in ids {
                let gone = presence.is_gone(id, boot_ms);
                if let Some(asker) = presence.questions.get_mut(&id).filter(|asker| asker.told_gone != gone) {
                    asker.told_gone = gone;
                    moved.push((id, asker.app.clone()));
                }
            }
        }
        for (id, app) in moved {
            self.emit(Event::Question { id, app });
        }
    }

    /// A call that waits for an answer, until this is dropped.
    pub(crate) fn waits(&self, app: &AppId, id: PaymentId) -> Waits<'_> {
        let mut presence = lock(&self.0.presence);
        presence.heard(app, id, self.0.time.boot_ms());
        if let Some(asker) = presence.asker(app, id) {
            asker.waits += 1;
        }
        Waits { wallet: self, app: app.clone(), id, answered: false }
    }

    /// An app follows its events, until this is dropped.
    pub fn listens(&self, app: &AppId) -> Listens {
        *lock(&self.0.presence).streams.entry(app.clone()).or_default() += 1;
        Listens { wallet: self.clone(), app: app.clone() }
    }
}

pub(crate) struct Waits<'a> {
    wallet: &'a Wallet,
    app: AppId,
    id: PaymentId,
    answered: bool,
}

impl Waits<'_> {
    /// The call ends with an answer.
    pub fn answered(mut self) {
        self.answered = true;
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        let boot_ms = self.wallet.0.time.boot_ms();
        if let Some(asker) = lock(&self.wallet.0.presence).asker(&self.app, self.id) {
            asker.waits = asker.waits.saturating_sub(1);
            (asker.heard_ms, asker.hung_up) = (boot_ms, !self.answered);
        }
    }
}

/// See [`Wallet::listens`].
pub struct Listens {
    wallet: Wallet,
    app: AppId,
}

impl Drop for Listens {
    fn drop(&mut self) {
        let boot_ms = self.wallet.0.time.boot_ms();
        let mut presence = lock(&self.wallet.0.presence);
        if let Some(streams) = presence.streams.get_mut(&self.app) {
            *streams = streams.saturating_sub(1);
            if *streams == 0 {
                presence.streams.remove(&self.app);
            }
        }
        // From now on only its calls tell that it is there.
        for asker in presence.questions.values_mut().filter(|asker| asker.app == self.app && asker.waits == 0) {
            (asker.heard_ms, asker.hung_up) = (boot_ms, true);
        }
    }
}
