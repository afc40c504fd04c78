//! What happens to a payment after it was reserved or asked: the three dated lives. Refuses every step that
//! its state does not allow; a step that is repeated changes nothing. Sums move in the same transaction.

use crate::intake::Note;
use crate::payment::{Delivery, End, Payment, Settled, Settlement, State};
use crate::rows::{self, Row};
use crate::{Ledger, LedgerError, PaymentId, apps, books, permit2};
use plan::Moment;
use rusqlite::{Connection, params};
use tron::Amount;

impl Ledger {
    /// The payment was signed; called before the signature leaves. `header_value` is what will be sent. What a limit
    /// reserved may be signed with [`Ledger::sign_allowed`].
    pub fn signed(
        &self,
        id: PaymentId,
        header_name: &str,
        header_value: &str,
        now: Moment,
    ) -> Result<Payment, LedgerError> {
        self.step("record a signature", id, now, |db, row, now| sign(db, row, header_name, header_value, now))
    }

    /// Ends an authorization that was not signed. What was reserved is released: nothing has left yet. A
    /// signed one can't be ended, only settle or prove unused. What a limit reserved went to the key at once
    /// and may be out although its signature is not on record: that ends as [`End::Unused`] or not at all.
    ///
    /// # Errors
    /// [`LedgerError::IllegalStep`], [`LedgerError::WindowOpen`], or a storage error.
    pub fn end(&self, id: PaymentId, end: &End, now: Moment) -> Result<Payment, LedgerError> {
        self.step("end a payment", id, now, |_, row, now| {
            let payment = &mut row.payment;
            let (state, code, by) = match end {
                End::Rejected { code, by } => (State::Rejected, Some(code), Some(by)),
                End::Cancelled => (State::Cancelled, None, None),
                End::Expired => (State::Expired, None, None),
                End::Refused { code } => (State::Refused, Some(code), None),
                End::Unused => (State::Expired, None, None),
            };
            let valid_before = payment.plan.window.valid_before;
            match payment.state {
                State::Asked if *end != End::Unused => {}
                State::Reserved if !payment.by_person => match end {
                    End::Unused if now.secs() >= valid_before => {}
                    End::Unused => return Err(LedgerError::WindowOpen { id, valid_before }),
                    _ => return Err(illegal(payment, state.name())),
                },
                // A person rejects questions; what they approved can be cancelled.
                State::Reserved if !matches!(end, End::Rejected { .. } | End::Unused) => {}
                already if already == state => return Ok(()),
                _ => return Err(illegal(payment, state.name())),
            }
            payment.state = state;
            payment.ended_at = Some(now);
            payment.code = code.cloned();
            payment.ended_by = by.cloned();
            Ok(())
        })
    }

    /// News about a signed payment's settlement, as the chain tells it. `actual` is what left, where a
    /// scheme settles less than was authorised. Older news than what is recorded changes nothing; what
    /// contradicts a final settlement is refused.
    ///
    /// [`Settled::NeverUsed`] is for the wallet that has seen on chain, after the window, that the nonce is
    /// unused; it releases the reservation. Should the chain show a settlement all the same, that counts again.
    pub fn settlement(
        &self,
        id: PaymentId,
        news: &Settled,
        actual: Option<Amount>,
        now: Moment,
    ) -> Result<Payment, LedgerError> {
        self.step("record a settlement", id, now, |_, row, effective| {
            let payment = &mut row.payment;
            let Some(recorded) = &payment.settlement else { return Err(illegal(payment, "settled")) };
            let maximum = payment.plan.maximum;
            if let Some(actual) = actual.filter(|a| *a > maximum) {
                return Err(LedgerError::OverMaximum { id, maximum, actual });
            }
            if *news == Settled::NeverUsed && now.secs() < payment.plan.window.valid_before {
                return Err(LedgerError::WindowOpen { id, valid_before: payment.plan.window.valid_before });
            }
            let contradiction =
                || LedgerError::Contradiction { id, recorded: format!("{recorded:?}"), to: format!("{news:?}") };
            // A nonce says that it was settled, not by which transaction: whoever names that adds to it.
            let differ =
                |one: &Option<String>, other: &Option<String>| one.is_some() && other.is_some() && one != other;
            let next = match (recorded, news) {
                (Settlement::Final { tx, block }, Settled::Seen { tx: seen }) => {
                    if differ(tx, seen) {
                        return Err(contradiction());
                    }
                    Settlement::Final { tx: tx.clone().or(seen.clone()), block: *block }
                }
                (Settlement::Final { tx, block }, Settled::Final { tx: again, block: now_known }) => {
                    if differ(tx, again) || (block.is_some() && now_known.is_some() && block != now_known) {
                        return Err(contradiction());
                    }
                    Settlement::Final { tx: tx.clone().or(again.clone()), block: block.or(*now_known) }
                }
                (Settlement::Final { .. }, _) => return Err(contradiction()),
                (Settlement::Seen { tx }, Settled::Seen { tx: again }) => {
                    Settlement::Seen { tx: again.clone().or(tx.clone()) }
                }
                (Settlement::Seen { .. }, Settled::Dropped) => Settlement::Unknown,
                (as_it_is, Settled::Dropped) => as_it_is.clone(),
                (_, Settled::Seen { tx }) => Settlement::Seen { tx: tx.clone() },
                (_, Settled::Final { tx, block }) => Settlement::Final { tx: tx.clone(), block: *block },
                (_, Settled::NeverUsed) => Settlement::NeverUsed,
            };
            let left = matches!(next, Settlement::Seen { .. } | Settlement::Final { .. });
            let amount = if left { actual.or(payment.actual) } else { None };
            if *recorded == next && payment.actual == amount {
                return Ok(());
            }
            // Whatever the chain shows next ends it.
            payment.dropped_at = (*news == Settled::Dropped).then_some(effective);
            payment.settlement = Some(next);
            payment.settlement_at = Some(effective);
            payment.actual = amount;
            Ok(())
        })
    }

    /// What the caller reports about the seller's answer. A refusal may be followed by a delivery, not the
    /// other way round.
    pub fn delivery(
        &self,
        id: PaymentId,
        delivery: Delivery,
        http_status: Option<u16>,
        response: Option<&str>,
        now: Moment,
    ) -> Result<Payment, LedgerError> {
        self.step("record a delivery", id, now, |db, row, now| {
            let payment = &mut row.payment;
            match (payment.delivery, delivery) {
                (None, _) => return Err(illegal(payment, "delivered")),
                (Some(recorded), news) if recorded == news => {}
                (Some(_), Delivery::NotReported) => return Ok(()),
                (Some(Delivery::Delivered), Delivery::RefusedBySeller) => {
                    return Err(LedgerError::Contradiction {
                        id,
                        recorded: Delivery::Delivered.name().to_owned(),
                        to: Delivery::RefusedBySeller.name().to_owned(),
                    });
                }
                (Some(_), news) => {
                    payment.delivery = Some(news);
                    payment.delivery_at = Some(now);
                }
            }
            payment.http_status = http_status.or(payment.http_status);
            if let Some(response) = response {
                db.prepare_cached("UPDATE papers SET response = ?2 WHERE payment = ?1")?
                    .execute(params![row.seq, response])?;
            }
            Ok(())
        })
    }

    /// What the seller says of a settlement that failed; `None` takes an earlier word back.
    pub fn seller_said(&self, id: PaymentId, says: Option<&str>, now: Moment) -> Result<Payment, LedgerError> {
        self.step("record a seller's word", id, now, |_, row, _| {
            let payment = &mut row.payment;
            if payment.state != State::Signed {
                return Err(illegal(payment, "refused by the seller"));
            }
            payment.seller_says = says.map(str::to_owned);
            Ok(())
        })
    }

    /// One step of one payment, durable.
    fn step(
        &self,
        operation: &'static str,
        id: PaymentId,
        now: Moment,
        change: impl FnOnce(&Connection, &mut Row, Moment) -> Result<(), LedgerError>,
    ) -> Result<Payment, LedgerError> {
        self.write(operation, |db| step(db, id, now, change))
    }
}

/// One step of one payment: `change` edits the payment, this writes it and moves the books.
fn step(
    db: &Connection,
    id: PaymentId,
    now: Moment,
    change: impl FnOnce(&Connection, &mut Row, Moment) -> Result<(), LedgerError>,
) -> Result<Payment, LedgerError> {
    let mut row = rows::get(db, id)?;
    let (was, before) = (row.payment.clone(), books::weigh(&row.payment));
    change(db, &mut row, apps::effective(db, now)?)?;
    if row.payment != was {
        apps::advance(db, now)?;
        rows::update(db, &row)?;
        books::book(db, &row, before)?;
        permit2::learn(db, &was, &row)?;
    }
    Ok(row.payment)
}

fn sign(db: &Connection, row: &mut Row, header_name: &str, header_value: &str, now: Moment) -> Result<(), LedgerError> {
    match row.payment.state {
        State::Reserved => {}
        State::Signed => {
            let (name, value): (Option<String>, Option<String>) = db
                .prepare_cached("SELECT header_name, header_value FROM papers WHERE payment = ?1")?
                .query_row([row.seq], |r| Ok((r.get(0)?, r.get(1)?)))?;
            let same = name.as_deref() == Some(header_name) && value.as_deref() == Some(header_value);
            return if same { Ok(()) } else { Err(illegal(&row.payment, "signed differently")) };
        }
        _ => return Err(illegal(&row.payment, "signed")),
    }
    row.payment.sign(now);
    rows::write_header(db, row.seq, header_name, header_value)
}

/// Writes down a signature that left already. One that can't be is told and given up: its row says that it may be out.
pub fn note(db: &Connection, note: &Note) -> Result<(), LedgerError> {
    let signed = step(db, note.id, note.at, |db, row, now| sign(db, row, &note.header_name, &note.header_value, now));
    match signed {
        Err(error) if !error.is_storage() => {
            tracing::error!(payment = %note.id, %error, "a signature is not in the record");
            Ok(())
        }
        other => other.map(drop),
    }
}

fn illegal(payment: &Payment, to: &'static str) -> LedgerError {
    LedgerError::IllegalStep { id: payment.id, from: payment.state, to }
}
