//! Another option for a question that is open, and a later window for a permission that was not given yet. Both
//! are one write transaction; refuse every state in which a signature may be out.

use crate::payment::{Payment, State};
use crate::rows::Row;
use crate::{Ledger, LedgerError, PaymentId, apps, assets, books, enter, indexing, rows, rules, spendings};
use plan::{Moment, Plan, PlanDigest, Refusal, Rules, Spending, Verdict, Window};
use rusqlite::Connection;

/// The plan that takes the place of the one that was shown.
pub struct Replan<'a> {
    /// The digest of the plan that it replaces.
    pub shown: PlanDigest,
    /// Same app, site, request and document; another option.
    pub plan: &'a Plan,
    pub digest: PlanDigest,
    pub nonce: &'a str,
    pub dictated: bool,
    pub expires_at: Moment,
    /// What a limit allows is reserved at once, as [`Ledger::enter`] does; otherwise it goes on as a question.
    pub reserve: bool,
}

/// What became of another option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replanned {
    /// The question is about the new plan now.
    Asked(Payment),
    /// A limit allows the new plan: its amount is reserved, and the key may sign.
    Reserved(Payment),
    /// Another plan than the named one is asked; nothing changed.
    OtherPlan { asked: PlanDigest },
    /// It is no open question any more; nothing changed.
    Ended(Payment),
    /// The rules forbid the new plan; nothing changed.
    Refused(Refusal),
}

impl Ledger {
    /// Puts another plan in the place of the one that an open question asks about. Nothing is reserved before; after,
    /// only what a limit allows, where [`Replan::reserve`] says so.
    ///
    /// # Errors
    /// [`LedgerError::NoSuchPayment`], or a storage error; then nothing changed.
    pub fn replan(
        &self,
        id: PaymentId,
        change: &Replan<'_>,
        now: Moment,
        judge: impl FnOnce(&Rules, &Spending) -> Verdict,
    ) -> Result<Replanned, LedgerError> {
        self.write("plan a payment anew", |db| {
            let mut row = rows::get(db, id)?;
            if row.payment.state != State::Asked {
                return Ok(Replanned::Ended(row.payment));
            }
            if row.payment.digest != change.shown {
                return Ok(Replanned::OtherPlan { asked: row.payment.digest });
            }
            let known = apps::known(db, &row.payment.plan.app)?;
            let now = apps::advance(db, now)?;
            row.asset = assets::keep(db, change.plan.network, &change.plan.token)?;
            let account = spendings::Account { app: row.app, site: row.site, asset: row.asset };
            let rules = rules::load(db, &change.plan.site, account, known.barred)?;
            let payment = &mut row.payment;
            let verdict = judge(&rules, &spendings::spending(db, account, now)?);
            let reserve = change.reserve && verdict == Verdict::Allow;
            payment.whys = match verdict {
                Verdict::Refuse(refusal) => return Ok(Replanned::Refused(refusal)),
                Verdict::Ask(whys) => whys,
                Verdict::Allow => Vec::new(),
            };
            if reserve && enter::holder(db, change.plan, change.nonce)?.is_some() {
                // The one who has the permission is told to the person by the answer.
                return Ok(Replanned::Ended(row.payment));
            }
            put(db, &mut row, change)?;
            if !reserve {
                return Ok(Replanned::Asked(row.payment));
            }
            let before = books::weigh(&row.payment);
            row.payment.state = State::Reserved;
            row.payment.reserved_at = Some(now);
            rows::update(db, &row)?;
            books::book(db, &row, before)?;
            Ok(Replanned::Reserved(row.payment))
        })
    }

    /// Ends an open question for what is found by now: its row keeps the plan that says so. [`Replanned::Ended`]: it is
    /// refused, or was over before.
    ///
    /// # Errors
    /// [`LedgerError::NoSuchPayment`], or a storage error; then nothing changed.
    pub fn refuse(
        &self,
        id: PaymentId,
        change: &Replan<'_>,
        code: &str,
        now: Moment,
    ) -> Result<Replanned, LedgerError> {
        self.write("refuse a payment", |db| {
            let mut row = rows::get(db, id)?;
            if row.payment.state != State::Asked {
                return Ok(Replanned::Ended(row.payment));
            }
            if row.payment.digest != change.shown {
                return Ok(Replanned::OtherPlan { asked: row.payment.digest });
            }
            let now = apps::advance(db, now)?;
            row.asset = assets::keep(db, change.plan.network, &change.plan.token)?;
            put(db, &mut row, change)?;
            let payment = &mut row.payment;
            (payment.state, payment.code, payment.ended_at) = (State::Refused, Some(code.to_owned()), Some(now));
            rows::update(db, &row)?;
            Ok(Replanned::Ended(row.payment))
        })
    }

    /// Moves the window of an approved payment that has no signature yet, where the 402 leaves it to the payer: what
    /// had to be awaited before signing must not eat the permission's time.
    ///
    /// # Errors
    /// [`LedgerError::WindowDictated`], [`LedgerError::IllegalStep`] in any state but reserved,
    /// [`LedgerError::NoSuchPayment`], or a storage error; then nothing changed.
    pub fn renew(&self, id: PaymentId, window: Window, now: Moment) -> Result<Payment, LedgerError> {
        self.write("renew a permission", |db| {
            let mut row = rows::get(db, id)?;
            let payment = &mut row.payment;
            if payment.dictated {
                return Err(LedgerError::WindowDictated { id });
            }
            if payment.state != State::Reserved {
                return Err(LedgerError::IllegalStep { id, from: payment.state, to: "renewed" });
            }
            apps::advance(db, now)?;
            payment.plan.window = window;
            rows::update(db, &row)?;
            Ok(row.payment)
        })
    }
}

/// Writes the plan of an open question anew.
fn put(db: &Connection, row: &mut Row, change: &Replan<'_>) -> Result<(), LedgerError> {
    let payment = &mut row.payment;
    payment.plan = change.plan.clone();
    payment.digest = change.digest;
    payment.nonce = change.nonce.to_owned();
    payment.dictated = change.dictated;
    payment.expires_at = change.expires_at;
    rows::replan(db, row)?;
    // Payer, payee and token may be others now: the search must find those.
    indexing::refresh(db, row.seq)
}
