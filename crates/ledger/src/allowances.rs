//! Table `allowances`: approving transactions, written down before they are broadcast, so that a restart picks
//! up where it was. Refuses another outcome than the one that is recorded.

use crate::cells::{Cells, whole};
use crate::{Allowance, AllowanceIntent, AllowanceOutcome, Ledger, LedgerError, PaymentId, assets, rows};
use plan::Moment;
use rusqlite::{Connection, ToSql, params};

const COLUMNS: &str = "SELECT l.tx, p.id, a.network, l.owner, a.token, l.spender, l.amount, l.signed_hex, l.expires_at,
    l.at, l.outcome, l.outcome_at, l.block, l.fee_sun, l.reason
    FROM allowances l JOIN payments p ON p.seq = l.payment JOIN assets a ON a.asset = l.asset";

fn select(db: &Connection, rest: &str, params: &[&dyn ToSql]) -> Result<Vec<Allowance>, LedgerError> {
    let mut query = db.prepare_cached(&format!("{COLUMNS} {rest}"))?;
    let mut rows = query.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let mut cells = Cells::of(row);
        let intent = AllowanceIntent {
            tx: cells.take()?,
            payment: PaymentId::from_bytes(cells.take()?),
            network: cells.network()?,
            owner: cells.address()?,
            token: cells.address()?,
            spender: cells.address()?,
            amount: cells.amount()?,
            signed_hex: cells.take()?,
            expires_at: cells.moment()?,
        };
        let (at, outcome, outcome_at) = (cells.moment()?, cells.take::<Option<String>>()?, cells.maybe_moment()?);
        let (block, fee_sun) = (cells.maybe_number("block")?, cells.maybe_number("fee_sun")?);
        let reason: Option<String> = cells.take()?;
        let outcome = match outcome.as_deref() {
            None => None,
            Some("confirmed") => Some(AllowanceOutcome::Confirmed {
                block: block.unwrap_or_default(),
                fee_sun: fee_sun.unwrap_or_default(),
            }),
            Some("failed") => Some(AllowanceOutcome::Failed { reason: reason.unwrap_or_default() }),
            Some("expired") => Some(AllowanceOutcome::Expired),
            Some(other) => return Err(LedgerError::Damaged { field: "outcome", found: other.to_owned() }),
        };
        found.push(Allowance { intent, at, outcome, outcome_at });
    }
    Ok(found)
}

/// Those of one payment, oldest first.
pub fn of(db: &Connection, payment: PaymentId) -> Result<Vec<Allowance>, LedgerError> {
    let payment = rows::seq(db, payment)?;
    select(db, "WHERE l.payment = ?1 ORDER BY l.seq", &[&payment])
}

impl Ledger {
    /// Written before the transaction is broadcast. The same transaction again changes nothing.
    pub fn allowance_intent(&self, intent: &AllowanceIntent, now: Moment) -> Result<(), LedgerError> {
        self.write("record an allowance", |db| {
            let payment = rows::seq(db, intent.payment)?;
            let asset = assets::keep_known(db, intent.network, intent.token)?;
            db.prepare_cached(
                "INSERT INTO allowances (tx, payment, asset, owner, spender, amount, signed_hex, expires_at, at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (tx) DO NOTHING",
            )?
            .execute(params![
                intent.tx,
                payment,
                asset,
                intent.owner.bytes(),
                intent.spender.bytes(),
                intent.amount.to_be_bytes(),
                intent.signed_hex,
                intent.expires_at.0,
                now.0
            ])?;
            Ok(())
        })
    }

    /// What became of an approving transaction. The same outcome again changes nothing.
    pub fn allowance_outcome(&self, tx: &str, outcome: &AllowanceOutcome, now: Moment) -> Result<(), LedgerError> {
        self.write("record an allowance's outcome", |db| {
            let found = select(db, "WHERE l.tx = ?1", &[&tx])?.pop();
            let recorded = found.ok_or_else(|| LedgerError::NoSuch { what: "allowance", key: tx.to_owned() })?;
            match recorded.outcome {
                Some(known) if known == *outcome => return Ok(()),
                Some(known) => {
                    return Err(LedgerError::Contradiction {
                        id: recorded.intent.payment,
                        recorded: format!("{known:?}"),
                        to: format!("{outcome:?}"),
                    });
                }
                None => {}
            }
            let (name, block, fee, reason) = match outcome {
                AllowanceOutcome::Confirmed { block, fee_sun } => {
                    ("confirmed", Some(whole(*block)), Some(whole(*fee_sun)), None)
                }
                AllowanceOutcome::Failed { reason } => ("failed", None, None, Some(reason)),
                AllowanceOutcome::Expired => ("expired", None, None, None),
            };
            db.prepare_cached(
                "UPDATE allowances SET outcome = ?2, outcome_at = ?3, block = ?4, fee_sun = ?5, reason = ?6 WHERE tx = ?1",
            )?
            .execute(params![tx, name, now.0, block, fee, reason])?;
            Ok(())
        })
    }

    /// Those without an outcome, oldest first.
    pub fn open_allowances(&self) -> Result<Vec<Allowance>, LedgerError> {
        self.read("list allowances", |db| select(db, "WHERE l.outcome IS NULL ORDER BY l.seq", &[]))
    }

    /// Those of one payment, oldest first.
    pub fn allowances_of(&self, payment: PaymentId) -> Result<Vec<Allowance>, LedgerError> {
        self.read("list allowances", |db| of(db, payment))
    }
}
