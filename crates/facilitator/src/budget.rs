//! What settling may cost: TRX an hour and a day, for one payee and in all. A cost is taken before anything is sent and
//! written down, so that neither many at once nor a restart passes a budget. Refuses what would pass one, with the time
//! until it would not. Staked energy counts as the TRX that it saves.

use crate::{Facilitator, Reason, settle::unwritten, store::Store};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tron::{Address, TxId};

/// Whom a facilitator settles for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payees {
    /// These alone.
    Listed(HashSet<Address>),
    /// Whoever is paid: every stranger can have payments settled that pay themselves. The budgets bound what that costs.
    Anybody,
}

impl Payees {
    pub(crate) fn serve(&self, payee: Address) -> bool {
        match self {
            Self::Listed(payees) => payees.contains(&payee),
            Self::Anybody => true,
        }
    }
}

/// The most sun that may be spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    pub hour_sun: u64,
    pub day_sun: u64,
}

impl Budget {
    pub const UNLIMITED: Self = Self { hour_sun: u64::MAX, day_sun: u64::MAX };
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60;
const DAY: u64 = 24 * HOUR;

/// Minutes of 1970 with what was spent in them, the oldest first.
#[derive(Debug, Default)]
struct Spent(VecDeque<(u64, u64)>);

impl Spent {
    fn add(&mut self, minute: u64, sun: u64) {
        self.0.retain(|(at, _)| at + DAY > minute);
        match self.0.back_mut() {
            // A clock that was set back adds to the newest.
            Some((at, sum)) if *at >= minute => *sum = sum.saturating_add(sun),
            _ => self.0.push_back((minute, sun)),
        }
    }

    fn take_back(&mut self, minute: u64, sun: u64) {
        if let Some((_, sum)) = self.0.iter_mut().rev().find(|(at, _)| *at <= minute) {
            *sum = sum.saturating_sub(sun);
        }
    }

    fn within(&self, window: u64, now: u64) -> u64 {
        self.0.iter().filter(|(at, _)| at + window > now).fold(0, |sum, (_, sun)| sum.saturating_add(*sun))
    }

    /// Minutes until `cost` more fits; 0: it fits now.
    fn wait(&self, budget: Budget, cost: u64, now: u64) -> u64 {
        let one = |window: u64, most: u64| {
            let mut spent = self.within(window, now);
            let mut wait = 0;
            for (at, sun) in self.0.iter().filter(|(at, _)| at + window > now) {
                if spent.saturating_add(cost) <= most {
                    break;
                }
                spent = spent.saturating_sub(*sun);
                wait = at + window - now;
            }
            // Dearer than the whole budget: never; asked again when the window is over.
            if spent.saturating_add(cost) <= most { wait } else { window }
        };
        one(HOUR, budget.hour_sun).max(one(DAY, budget.day_sun))
    }
}

/// A budget that has no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Short {
    pub retry_after: u32,
    pub whose: &'static str,
}

#[derive(Debug, Default)]
struct State {
    all: Spent,
    payees: HashMap<Address, Spent>,
    /// What is under way, and at which energy price.
    open: HashMap<TxId, (Address, u64, u64)>,
    /// The last one's cost: what the next one is taken to cost before anybody looks.
    usual: u64,
}

/// What was spent, and what may be. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Budgets {
    payee: Budget,
    all: Budget,
    state: Arc<Mutex<State>>,
}

/// A cost that is counted. Dropped before it is [`Cost::kept`], it is taken back.
#[derive(Debug)]
pub(crate) struct Cost {
    budgets: Budgets,
    payee: Address,
    minute: u64,
    sun: u64,
    kept: bool,
}

impl Cost {
    /// It was spent, or may have been.
    fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Cost {
    fn drop(&mut self) {
        if !self.kept {
            let mut state = self.budgets.state();
            state.all.take_back(self.minute, self.sun);
            if let Some(spent) = state.payees.get_mut(&self.payee) {
                spent.take_back(self.minute, self.sun);
            }
        }
    }
}

impl Budgets {
    /// With what was spent before, as [`Store::costs_since`] tells it.
    pub(crate) fn new(payee: Budget, all: Budget, before: Vec<(Address, u64, u64)>) -> Self {
        let mut state = State::default();
        for (payee, minute, sun) in before {
            state.all.add(minute, sun);
            state.payees.entry(payee).or_default().add(minute, sun);
        }
        Self { payee, all, state: Arc::new(Mutex::new(state)) }
    }

    /// The minute from which on costs matter. `now`: seconds.
    pub(crate) fn since(now: u64) -> u64 {
        (now / MINUTE).saturating_sub(DAY)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn short(&self, state: &State, payee: Address, cost: u64, now: u64) -> Result<(), Short> {
        let own = state.payees.get(&payee).map_or_else(
            || Spent::default().wait(self.payee, cost, now / MINUTE),
            |spent| spent.wait(self.payee, cost, now / MINUTE),
        );
        let all = state.all.wait(self.all, cost, now / MINUTE);
        let whose = if own >= all { "payee" } else { "all" };
        match own.max(all) {
            0 => Ok(()),
            minutes => {
                let seconds = (minutes * MINUTE).saturating_sub(now % MINUTE);
                Err(Short { retry_after: u32::try_from(seconds).unwrap_or(u32::MAX).max(1), whose })
            }
        }
    }

    /// Whether one more of the usual cost has room.
    pub(crate) fn has_room(&self, payee: Address, now: u64) -> Result<(), Short> {
        let state = self.state();
        self.short(&state, payee, state.usual, now)
    }

    /// Counts a cost before it is spent.
    pub(crate) fn take(&self, payee: Address, sun: u64, now: u64) -> Result<Cost, Short> {
        let mut state = self.state();
        state.usual = sun;
        self.short(&state, payee, sun, now)?;
        let minute = now / MINUTE;
        state.all.add(minute, sun);
        // Whoever spent nothing in a day is forgotten.
        state.payees.retain(|_, spent| spent.within(DAY, minute) > 0);
        state.payees.entry(payee).or_default().add(minute, sun);
        Ok(Cost { budgets: self.clone(), payee, minute, sun, kept: false })
    }

    /// It is about to be spent by this transaction.
    pub(crate) fn sent(&self, id: TxId, cost: &Cost, energy_price: u64) {
        self.state().open.insert(id, (cost.payee, cost.sun, energy_price));
    }

    /// What a transaction really took, which may be more than it was taken to take: that is counted too.
    pub(crate) fn took(&self, id: &TxId, energy: u64, fee_sun: u64, now: u64) {
        let mut state = self.state();
        let Some((payee, counted, price)) = state.open.remove(id) else { return };
        let more = fee_sun.max(energy.saturating_mul(price)).saturating_sub(counted);
        if more > 0 {
            state.all.add(now / MINUTE, more);
            state.payees.entry(payee).or_default().add(now / MINUTE, more);
        }
    }

    /// Spent in all within the last hour and the last day, in sun. `now`: seconds.
    pub(crate) fn spent(&self, now: u64) -> (u64, u64) {
        let state = self.state();
        (state.all.within(HOUR, now / MINUTE), state.all.within(DAY, now / MINUTE))
    }

    pub(crate) fn in_all(&self) -> Budget {
        self.all
    }
}

/// A settlement's transaction has fewer bytes; each takes this many sun where there is no bandwidth for it.
const BYTES: u64 = 1_000;
const BYTE_SUN: u64 = 1_000;

impl Facilitator {
    /// Whether there is room for one more settlement for this payee, as far as that can be told before its cost is known.
    pub(crate) fn can_afford(&self, payee: Address) -> Result<(), Reason> {
        self.budgets().has_room(payee, self.config().clock.now()).map_err(|short| self.too_dear(short))
    }

    /// Counts what a settlement is going to cost; nothing may be sent when this fails.
    pub(crate) async fn afford(&self, payee: Address, energy_sun: u64) -> Result<Cost, Reason> {
        let sun = energy_sun.saturating_add(BYTES * BYTE_SUN);
        let cost = self.budgets().take(payee, sun, self.config().clock.now()).map_err(|short| self.too_dear(short))?;
        self.write_cost(&cost, i64::try_from(sun).unwrap_or(i64::MAX)).await.map_err(|error| unwritten(&error))?;
        Ok(cost)
    }

    /// The end of an attempt: whether something was sent that may cost what was counted.
    pub(crate) async fn spent(&self, cost: Cost, sent: bool) {
        if sent {
            cost.keep();
        } else if let Err(error) = self.write_cost(&cost, -i64::try_from(cost.sun).unwrap_or(i64::MAX)).await {
            unwritten(&error);
        }
        self.show_budget();
    }

    async fn write_cost(&self, cost: &Cost, sun: i64) -> Result<(), crate::StoreError> {
        let store: &Store = self.store();
        store.cost(cost.payee, cost.minute, sun).await
    }

    pub(crate) fn show_budget(&self) {
        let (hour, day) = self.budgets().spent(self.config().clock.now());
        let all = self.budgets().in_all();
        self.metrics().budget(&[("hour", hour, all.hour_sun), ("day", day, all.day_sun)]);
    }

    fn too_dear(&self, short: Short) -> Reason {
        tracing::warn!(whose = short.whose, retry_after = short.retry_after, "a budget has no room for a settlement");
        self.metrics().over_budget(short.whose);
        Reason::OverBudget { retry_after: short.retry_after }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payee(byte: u8) -> Address {
        Address::from_bytes([byte; 20])
    }

    fn budgets(before: Vec<(Address, u64, u64)>) -> Budgets {
        let (own, all) = (Budget { hour_sun: 30, day_sun: 50 }, Budget { hour_sun: 70, day_sun: 1_000 });
        Budgets::new(own, all, before)
    }

    #[test]
    fn an_hours_and_a_days_budget_of_one_payee_and_of_all_are_never_passed() {
        let (budgets, start) = (budgets(Vec::new()), 1_790_000_000 / 60 * 60);
        let take = |who: u8, at: u64| budgets.take(payee(who), 10, start + at).map(Cost::keep);
        assert!((0..3).all(|at| take(1, at).is_ok()));
        assert_eq!(take(1, 30), Err(Short { retry_after: 3570, whose: "payee" }), "until the first minute is over");
        assert!((0..4).all(|n| take(2 + n, 60).is_ok()), "others have their own");
        assert_eq!(take(9, 60).unwrap_err().whose, "all");
        assert_eq!(budgets.spent(start + 60), (70, 70));
        // An hour later the hour is new and the day is not.
        assert!(take(1, 3600).is_ok() && take(1, 3600).is_ok());
        assert_eq!(take(1, 3601), Err(Short { retry_after: 82_799, whose: "payee" }));
        assert!(take(1, 24 * 3600).is_ok());
        assert!(budgets.take(payee(7), 31, start + 9 * 24 * 3600).is_err(), "dearer than all of it");
    }

    #[test]
    fn what_was_not_spent_is_taken_back_and_what_was_dearer_is_added() {
        let budgets = budgets(Vec::new());
        drop(budgets.take(payee(1), 30, 0).unwrap());
        let cost = budgets.take(payee(1), 20, 0).unwrap();
        let id = TxId::from_bytes([1; 32]);
        budgets.sent(id, &cost, 2);
        cost.keep();
        budgets.took(&id, 14, 0, 60);
        budgets.took(&id, 14, 0, 60);
        assert_eq!(budgets.spent(60), (28, 28));
        assert!(budgets.take(payee(1), 3, 60).is_err());
    }

    #[test]
    fn a_restart_fills_no_budget() {
        let day = 24 * 60;
        let budgets = budgets(vec![(payee(1), 5, 40), (payee(1), day, 30)]);
        assert!(budgets.take(payee(1), 1, day * 60).is_err());
        assert_eq!(budgets.spent(day * 60), (30, 70));
    }
}
