//! Table `intake`: a payment that a limit allows, durable before the key is touched and not in its place yet. In its place
//! a row costs twenty pages (its indexes, its sums by minute, hour and day, its site, its payee), here one: an app that
//! waits for a signature does not wait for the books. Whatever is read or written next moves it to its place first
//! ([`crate::Ledger`]'s doors), so nobody judges or counts without it. Refuses to lose a reservation: what is here
//! when a process ends is reserved, and its signature, which only memory had, is made again by the same key.

use crate::payment::{Payment, State};
use crate::rows::{self, Row, Table};
use crate::spendings::Account;
use crate::{Ledger, LedgerError, PaymentId, apps, books, lives};
use plan::Moment;
use rusqlite::Connection;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// A signature that left before it was written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub id: PaymentId,
    pub at: Moment,
    pub header_name: String,
    pub header_value: String,
}

/// What waits, as memory knows it.
#[derive(Default)]
pub struct Waiting {
    /// A row stands in `intake`, or a note is not written.
    any: AtomicBool,
    notes: Mutex<Vec<Note>>,
}

impl Waiting {
    pub fn any(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    pub fn set(&self) {
        self.any.store(true, Ordering::Release);
    }

    pub fn notes(&self) -> Vec<Note> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, note: Note) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).push(note);
        self.set();
    }

    /// `written` are in the record now, and a row stands in `intake` again if `taken_in`.
    pub fn done(&self, written: &[Note], taken_in: bool) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.retain(|note| !written.contains(note));
        self.any.store(taken_in || !notes.is_empty(), Ordering::Release);
    }
}

impl Ledger {
    /// A payment that a limit reserved was signed, with the header that will be sent; gives it as it is from now on.
    /// Nothing waits for the disk here: it is written with the next read or write, and durable with the next durable
    /// one. Should a crash or a power cut take it away, the row is reserved as before, can't be released (see
    /// [`Ledger::end`]), and the same key makes the same signature again.
    ///
    /// # Errors
    /// [`LedgerError::IllegalStep`] for anything but what a limit reserved: what a person approved can be released until
    /// it is signed, so its signature has to be durable.
    pub fn sign_allowed(
        &self,
        payment: &Payment,
        header_name: &str,
        header_value: &str,
        now: Moment,
    ) -> Result<Payment, LedgerError> {
        if payment.state != State::Reserved || payment.by_person {
            return Err(LedgerError::IllegalStep { id: payment.id, from: payment.state, to: "signed by a limit" });
        }
        // Dates never run back.
        let at = now.max(payment.entered_at);
        let (header_name, header_value) = (header_name.to_owned(), header_value.to_owned());
        self.waiting().add(Note { id: payment.id, at, header_name, header_value });
        let mut payment = payment.clone();
        payment.sign(at);
        Ok(payment)
    }
}

/// A row stands in `intake`.
pub fn waits(db: &Connection) -> Result<bool, LedgerError> {
    Ok(db.prepare_cached("SELECT EXISTS (SELECT 1 FROM intake)")?.query_row([], |row| row.get(0))?)
}

/// Takes a payment in.
pub fn take(db: &Connection, account: Account, payment: &Payment, document: &str) -> Result<(), LedgerError> {
    rows::insert(db, Table::Intake, account.keys(), payment, document)?;
    Ok(())
}

/// Moves what waits to its place, and writes down what was signed.
pub fn place_all(db: &Connection, notes: &[Note]) -> Result<(), LedgerError> {
    let mut notes: Vec<&Note> = notes.iter().collect();
    if waits(db)? {
        for (row, document) in rows::taken_in(db)? {
            let account = Account { app: row.app, site: row.site, asset: row.asset };
            let mut payment = row.payment;
            apps::advance(db, payment.entered_at)?;
            let signed = notes.iter().position(|note| note.id == payment.id).map(|found| notes.swap_remove(found));
            if let Some(note) = signed {
                payment.sign(apps::advance(db, note.at)?);
            }
            let placed = place(db, account, payment, &document)?;
            if let Some(note) = signed {
                rows::write_header(db, placed.seq, &note.header_name, &note.header_value)?;
            }
        }
        db.prepare_cached("DELETE FROM intake")?.execute([])?;
    }
    // Its row was moved before it was signed.
    for note in notes {
        lives::note(db, note)?;
    }
    Ok(())
}

/// Writes a new payment in its place, with everything that it counts for.
pub fn place(db: &Connection, account: Account, payment: Payment, document: &str) -> Result<Row, LedgerError> {
    let seq = rows::insert(db, Table::Payments, account.keys(), &payment, document)?;
    let row = Row { seq, app: account.app, site: account.site, asset: account.asset, payment };
    books::open(db, &row)?;
    Ok(row)
}
