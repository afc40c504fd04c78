//! The books: what each state of a payment counts for. One function says what a payment weighs, one applies
//! the difference between before and after, in the same transaction as the row.

use crate::payment::{Payment, Settlement, SettlementKind, State};
use crate::rows::Row;
use crate::sites::Shift;
use crate::spendings::{self, Account};
use crate::{LedgerError, apps, recipients, sites};
use rusqlite::Connection;
use tron::Amount;

/// What a payment counts for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Weight {
    /// Against every limit.
    counted: Amount,
    /// What left.
    pub settled: Amount,
    /// What can still leave.
    pub open: Amount,
    pub counts: bool,
    /// The chain shows it.
    pub shown: bool,
}

const NOTHING: Weight =
    Weight { counted: Amount::ZERO, settled: Amount::ZERO, open: Amount::ZERO, counts: false, shown: false };

/// Reserved and unknown count in full; a final settlement counts what left; proven unused counts nothing.
pub fn weigh(payment: &Payment) -> Weight {
    weight(payment.state, payment.settlement.as_ref().map(Settlement::kind), payment.plan.maximum, payment.actual)
}

/// What of it counts against every limit.
pub fn counted(payment: &Payment) -> Amount {
    weigh(payment).counted
}

pub fn weight(state: State, settlement: Option<SettlementKind>, maximum: Amount, actual: Option<Amount>) -> Weight {
    let open = Weight { counted: maximum, settled: Amount::ZERO, open: maximum, counts: true, shown: false };
    let shown = Weight { open: Amount::ZERO, shown: true, ..open };
    let actual = actual.unwrap_or(maximum);
    match (state, settlement) {
        (State::Reserved, _) => open,
        (State::Signed, Some(SettlementKind::Unknown) | None) => open,
        (State::Signed, Some(SettlementKind::Seen)) => Weight { settled: actual, ..shown },
        (State::Signed, Some(SettlementKind::Final)) => Weight { counted: actual, settled: actual, ..shown },
        (State::Signed, Some(SettlementKind::NeverUsed)) => NOTHING,
        (State::Asked | State::Rejected | State::Refused | State::Cancelled | State::Expired, _) => NOTHING,
    }
}

/// What a payment counts for, for whoever adds up many.
#[cfg(feature = "bulk")]
pub struct Share {
    pub counted: Amount,
    pub settled: Amount,
    pub open: Amount,
    pub counts: bool,
    pub shown: bool,
}

#[cfg(feature = "bulk")]
pub fn share(payment: &Payment) -> Share {
    let Weight { counted, settled, open, counts, shown } = weigh(payment);
    Share { counted, settled, open, counts, shown }
}

/// Books a new row.
pub fn open(db: &Connection, row: &Row) -> Result<(), LedgerError> {
    book(db, row, NOTHING)
}

/// Books what changed since `before`. The row's `reserved_at` dates what counts.
pub fn book(db: &Connection, row: &Row, before: Weight) -> Result<(), LedgerError> {
    let after = weigh(&row.payment);
    let Some(at) = row.payment.reserved_at.filter(|_| before != after) else { return Ok(()) };
    let account = Account { app: row.app, site: row.site, asset: row.asset };
    if let Some(less) = before.counted.checked_sub(after.counted).filter(|a| !a.is_zero()) {
        spendings::take_back(db, account, at, less)?;
    }
    if let Some(more) = after.counted.checked_sub(before.counted).filter(|a| !a.is_zero()) {
        spendings::add(db, account, at, more)?;
    }
    let payments = i64::from(after.counts) - i64::from(before.counts);
    apps::count(db, row.app, payments)?;
    let shift = Shift { payments, settled: (before.settled, after.settled), open: (before.open, after.open), at };
    sites::shift(db, row.site, row.asset, &shift)?;
    let plan = &row.payment.plan;
    for recipient in plan.recipients().filter(|_| before.counts != after.counts) {
        match after.counts {
            true => recipients::count(db, row.site, plan.network, recipient, at)?,
            false => recipients::discount(db, row.site, plan.network, recipient)?,
        }
    }
    for recipient in plan.recipients().filter(|_| before.shown != after.shown) {
        recipients::settled(db, row.site, plan.network, recipient, (after.shown, at))?;
    }
    Ok(())
}
