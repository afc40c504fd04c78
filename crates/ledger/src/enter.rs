//! Entering and approving: the two steps that reserve. Check and reserve are one write transaction; the reservation
//! is durable before these return. What a limit allows goes to the key at once and counts as perhaps signed from
//! here on. Refuses a second payment under one idempotency key or one nonce.

use crate::payment::{Answer, Approved, Entered, Entry, HistoryKey, Payment, State};
use crate::rows;
use crate::spendings::{self, Account};
use crate::{Ledger, LedgerError, PaymentId, apps, assets, books, intake, lists, permit2, rules, sites};
use plan::{History, Moment, Plan, Role, Rules, Spending, Verdict};
use rusqlite::Connection;

impl Ledger {
    /// Judges a plan against the rules and spending as they are now, and writes it down: reserved in full if
    /// allowed, asked or refused otherwise.
    ///
    /// `judge` runs inside the write transaction and must not call the ledger.
    ///
    /// # Errors
    /// [`LedgerError::NoSuchApp`], [`LedgerError::TooLarge`], or a storage error; then nothing was written
    /// and nothing may be signed.
    pub fn enter(
        &self,
        entry: &Entry<'_>,
        now: Moment,
        judge: impl FnOnce(&Rules, &Spending) -> Verdict,
    ) -> Result<Entered, LedgerError> {
        self.write("enter a payment", |db| match examine(db, entry, now, judge)? {
            Examined::Earlier(earlier) => Ok(earlier),
            Examined::New(account, payment, verdict) => {
                apps::advance(db, payment.entered_at)?;
                let row = intake::place(db, account, payment, entry.document)?;
                Ok(Entered::New(row.payment, verdict))
            }
        })
    }

    /// As [`Ledger::enter`], but a payment that is not allowed leaves no row: `None`. For a plan that is good
    /// enough to be signed and not to be asked about. What is allowed is durable and counts against every limit when
    /// this returns; whatever is read or written next finds it in its place. Sign it with [`Ledger::sign_allowed`].
    ///
    /// # Errors
    /// As [`Ledger::enter`].
    pub fn enter_allowed(
        &self,
        entry: &Entry<'_>,
        now: Moment,
        judge: impl FnOnce(&Rules, &Spending) -> Verdict,
    ) -> Result<Option<Entered>, LedgerError> {
        self.take_in("enter a payment", |db| match examine(db, entry, now, judge)? {
            Examined::Earlier(earlier) => Ok((Some(earlier), false)),
            Examined::New(account, payment, Verdict::Allow) => {
                intake::take(db, account, &payment, entry.document)?;
                Ok((Some(Entered::New(payment, Verdict::Allow)), true))
            }
            Examined::New(..) => Ok((None, false)),
        })
    }

    /// A person's yes: reserves the full amount. It may pass a limit (that is what was asked) but counts
    /// against every one.
    ///
    /// `as_shown` gets what earlier payments say at this very moment, and tells whether all that follows from it was shown;
    /// where it was not, nothing is reserved. It runs inside the write transaction and must not call the ledger.
    ///
    /// # Errors
    /// [`LedgerError::NoSuchPayment`], [`LedgerError::WindowDictated`], [`LedgerError::TooLarge`], or a
    /// storage error; then nothing changed and nothing may be signed.
    pub fn approve(
        &self,
        id: PaymentId,
        answer: &Answer,
        now: Moment,
        as_shown: impl FnOnce(&History) -> bool,
    ) -> Result<Approved, LedgerError> {
        self.write("approve a payment", |db| {
            let mut row = rows::get(db, id)?;
            let payment = &mut row.payment;
            if payment.digest != answer.digest {
                return Ok(Approved::OtherPlan { asked: payment.digest });
            }
            match payment.state {
                State::Asked => {}
                State::Reserved | State::Signed => return Ok(Approved::Already(row.payment)),
                _ => return Ok(Approved::Ended(row.payment)),
            }
            if payment.dictated && payment.plan.window != answer.window {
                return Err(LedgerError::WindowDictated { id });
            }
            let account = Account { app: row.app, site: row.site, asset: row.asset };
            let barred = apps::known(db, &payment.plan.app)?.barred;
            if let Some(why) = rules::load(db, &payment.plan.site, account, barred)?.blocked() {
                return Ok(Approved::Blocked(why));
            }
            // Expiry is judged by the caller's clock, which it guards with boot time; dates never run back.
            let late = now >= payment.expires_at || answer.window.valid_before <= now.secs();
            let now = apps::advance(db, now)?;
            if late {
                payment.state = State::Expired;
                payment.ended_at = Some(now);
                rows::update(db, &row)?;
                return Ok(Approved::TooLate(row.payment));
            }
            if let Some(holder) = holder(db, &payment.plan, &payment.nonce)? {
                return Ok(Approved::SameNonce(holder));
            }
            if !as_shown(&history_of(db, row.site, id, &payment.plan)?) {
                return Ok(Approved::Unseen);
            }
            let before = books::weigh(payment);
            payment.plan.window = answer.window;
            payment.state = State::Reserved;
            payment.reserved_at = Some(now);
            payment.by_person = true;
            rows::update(db, &row)?;
            books::book(db, &row, before)?;
            Ok(Approved::Reserved(row.payment))
        })
    }
}

/// What earlier payments say about this one.
fn history_of(db: &Connection, site: i64, id: PaymentId, plan: &Plan) -> Result<History, LedgerError> {
    let others: Vec<_> = plan.recipients().filter(|(role, _)| *role != Role::Payee).collect();
    let key = HistoryKey {
        app: &plan.app,
        site: &plan.site,
        payee: plan.payee,
        others: &others,
        network: plan.network,
        token: plan.token.address,
        url: &plan.request.url,
        payer: plan.payer,
        own: Some(id),
    };
    let mut history = lists::history(db, &key)?;
    if plan.scheme == x402::Scheme::ExactPermit2 {
        history.permit2 = permit2::find(db, site, plan.network)?;
    }
    Ok(history)
}

/// What an entry is before it is written.
enum Examined {
    Earlier(Entered),
    New(Account, Payment, Verdict),
}

/// Judges an entry; writes no more than a site or token that was never seen.
fn examine(
    db: &Connection,
    entry: &Entry<'_>,
    now: Moment,
    judge: impl FnOnce(&Rules, &Spending) -> Verdict,
) -> Result<Examined, LedgerError> {
    let plan = entry.plan;
    let known = apps::known(db, &plan.app)?;
    if let Some(key) = entry.idempotency_key
        && let Some(earlier) =
            rows::select(db, "", "WHERE p.app = ?1 AND p.idempotency_key = ?2", &[&known.app, &key])?.pop()
    {
        return Ok(Examined::Earlier(if earlier.payment.request_hash == entry.request_hash {
            Entered::Existing(earlier.payment)
        } else {
            Entered::Conflict { earlier: earlier.payment.id }
        }));
    }
    let held = match holder(db, plan, entry.nonce)? {
        // Two questions about one permission: the second yes could not be signed.
        None if entry.dictated => asked(db, plan, entry.nonce)?,
        held => held,
    };
    if let Some(held) = held {
        return Ok(Examined::Earlier(Entered::SameNonce(held)));
    }
    let now = apps::effective(db, now)?;
    let account = Account {
        app: known.app,
        site: sites::keep(db, &plan.site)?,
        asset: assets::keep(db, plan.network, &plan.token)?,
    };
    let rules = rules::load(db, &plan.site, account, known.barred)?;
    let spending = spendings::spending(db, account, now)?;
    let verdict = judge(&rules, &spending);
    if verdict == Verdict::Allow {
        // What can't be booked must not wait to be. The sums of a month hold those of each minute, hour and day.
        for sum in [spending.app_month, spending.site_month, sites::open(db, account.site, account.asset)?] {
            sum.checked_add(plan.maximum).ok_or(LedgerError::TooLarge)?;
        }
    }
    let payment = fresh(entry, &verdict, now);
    Ok(Examined::New(account, payment, verdict))
}

/// The unfinished payment that holds this nonce, if there is one.
pub fn holder(db: &Connection, plan: &Plan, nonce: &str) -> Result<Option<Payment>, LedgerError> {
    let rest = "WHERE p.contract = ?1 AND p.payer = ?2 AND p.nonce = ?3
        AND (p.state = 'reserved' OR p.settlement IN ('unknown', 'seen', 'failed'))";
    let params: [&dyn rusqlite::ToSql; 3] = [plan.contract.bytes(), plan.payer.bytes(), &nonce];
    Ok(rows::select(db, "INDEXED BY payments_open", rest, &params)?.pop().map(|row| row.payment))
}

/// The open question about this permission, if there is one.
fn asked(db: &Connection, plan: &Plan, nonce: &str) -> Result<Option<Payment>, LedgerError> {
    let rest = "WHERE p.state = 'asked' AND p.contract = ?1 AND p.payer = ?2 AND p.nonce = ?3";
    let params: [&dyn rusqlite::ToSql; 3] = [plan.contract.bytes(), plan.payer.bytes(), &nonce];
    Ok(rows::select(db, "INDEXED BY payments_state", rest, &params)?.pop().map(|row| row.payment))
}

fn fresh(entry: &Entry<'_>, verdict: &Verdict, now: Moment) -> Payment {
    let (state, whys, code) = match verdict {
        Verdict::Allow => (State::Reserved, Vec::new(), None),
        Verdict::Ask(whys) => (State::Asked, whys.clone(), None),
        Verdict::Refuse(refusal) => (State::Refused, Vec::new(), Some(refusal.code(&entry.plan.findings).to_owned())),
    };
    Payment {
        id: entry.id,
        plan: entry.plan.clone(),
        digest: entry.digest,
        request_hash: entry.request_hash,
        idempotency_key: entry.idempotency_key.map(str::to_owned),
        nonce: entry.nonce.to_owned(),
        dictated: entry.dictated,
        expires_at: entry.expires_at,
        whys,
        state,
        entered_at: now,
        reserved_at: (state == State::Reserved).then_some(now),
        signed_at: None,
        ended_at: (state == State::Refused).then_some(now),
        by_person: false,
        code,
        ended_by: None,
        settlement: None,
        settlement_at: None,
        actual: None,
        delivery: None,
        delivery_at: None,
        http_status: None,
        seller_says: None,
        dropped_at: None,
    }
}
