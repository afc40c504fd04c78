//! Reading payments: one, what waits, what is unfinished, and the history behind a judgement. Every list is
//! found by an index, so it costs the same at any size. Pages and searches are in `find`.

use crate::cells::Cells;
use crate::payment::{HistoryKey, Papers, Payment};
use crate::{Ledger, LedgerError, PaymentId, apps, assets, recipients, rows, sites};
use plan::{AppId, AskedToo, Earlier, History, Moment, Recent, Role};
use rusqlite::{Connection, OptionalExtension, params};
use tron::{Address, Amount};

/// How many of a site's last rows are looked at, and how many prices make its usual one.
const LOOK_BACK: i64 = 200;
const PRICES: usize = 21;
/// How many payees of a site a judgement sees.
const PAYEES: usize = 20;

impl Ledger {
    pub fn payment(&self, id: PaymentId) -> Result<Option<Payment>, LedgerError> {
        self.read("find a payment", |db| Ok(rows::find(db, id)?.map(|row| row.payment)))
    }

    /// The payment, if this app asked for it.
    pub fn payment_of_app(&self, app: &AppId, id: PaymentId) -> Result<Option<Payment>, LedgerError> {
        Ok(self.payment(id)?.filter(|p| p.plan.app == *app))
    }

    /// The payment that this app asked for under this idempotency key.
    pub fn payment_by_key(&self, app: &AppId, key: &str) -> Result<Option<Payment>, LedgerError> {
        self.read("find a payment", |db| {
            let own = "WHERE p.app = (SELECT app FROM apps WHERE id = ?1) AND p.idempotency_key = ?2";
            let found = rows::select(db, "", own, &[&app.0, &key])?;
            Ok(found.into_iter().next().map(|row| row.payment))
        })
    }

    /// The payments whose settlement names this transaction.
    pub fn payments_of_tx(&self, tx: &str) -> Result<Vec<Payment>, LedgerError> {
        self.read("find a transaction", |db| {
            let rest = "WHERE substr(p.tx, 1, 16) = substr(?1, 1, 16) AND p.tx = ?1";
            let found = rows::select(db, "INDEXED BY payments_tx", rest, &[&tx.to_ascii_lowercase()])?;
            Ok(found.into_iter().map(|row| row.payment).collect())
        })
    }

    /// What waits for a person, oldest first.
    pub fn open_questions(&self) -> Result<Vec<Payment>, LedgerError> {
        self.read_warm("list questions", |db| {
            let found = rows::select(db, "INDEXED BY payments_state", "WHERE p.state = 'asked' ORDER BY p.seq", &[])?;
            Ok(found.into_iter().map(|row| row.payment).collect())
        })
    }

    /// Reserved and not signed, or signed and not settled for good; oldest first. After a start this is the
    /// work that was interrupted.
    pub fn unfinished(&self) -> Result<Vec<Payment>, LedgerError> {
        self.read("list unfinished payments", |db| {
            let rest = "WHERE (p.state = 'reserved' OR p.settlement IN ('unknown', 'seen', 'failed')) ORDER BY p.seq";
            let found = rows::select(db, "INDEXED BY payments_open", rest, &[])?;
            Ok(found.into_iter().map(|row| row.payment).collect())
        })
    }

    /// The documents of a payment.
    pub fn papers(&self, id: PaymentId) -> Result<Papers, LedgerError> {
        self.read("find documents", |db| {
            let seq = rows::seq(db, id)?;
            db.prepare_cached("SELECT document, header_name, header_value, response FROM papers WHERE payment = ?1")?
                .query_row([seq], |row| {
                    Ok(Papers {
                        document: row.get(0)?,
                        header_name: row.get(1)?,
                        header_value: row.get(2)?,
                        response: row.get(3)?,
                    })
                })
                .optional()?
                .ok_or(LedgerError::NoSuchPayment { id })
        })
    }

    /// What earlier payments say about this one.
    pub fn history(&self, key: &HistoryKey<'_>) -> Result<History, LedgerError> {
        self.read_warm("look up the history", |db| history(db, key))
    }

    /// [`Ledger::history`] from an earlier answer to the same question: other payees and the usual price, which take
    /// longest, are as they were; all else is looked up again.
    pub fn history_again(&self, key: &HistoryKey<'_>, earlier: History) -> Result<History, LedgerError> {
        self.read_warm("look up the history", |db| {
            let keys = (sites::find(db, key.site)?, assets::find(db, key.network, key.token)?);
            look_again(db, key, keys, earlier)
        })
    }

    /// How far the record is ahead of `now`, in milliseconds: above zero the clock was set back (or was ahead
    /// before), and limits stay as full as they were until it has caught up.
    pub fn clock_behind(&self, now: Moment) -> Result<i64, LedgerError> {
        self.read("read the clock", |db| Ok(apps::effective(db, now)?.since(now)))
    }
}

/// As [`Ledger::history`], inside a transaction.
pub fn history(db: &Connection, key: &HistoryKey<'_>) -> Result<History, LedgerError> {
    let (site, asset) = (sites::find(db, key.site)?, assets::find(db, key.network, key.token)?);
    let mut history =
        History { similar_payees: recipients::similar(db, key.network, key.payee)?, ..History::default() };
    let of_site = |of| match site {
        Some(site) => recipients::of_site(db, site, key.network, of, PAYEES),
        None => Ok(Vec::new()),
    };
    history.payees_of_site = of_site((Role::Payee, key.payee))?;
    for &(role, address) in key.others {
        let (of_site, similar) = (of_site((role, address))?, recipients::similar(db, key.network, address)?);
        let known = recipients::known(db, key.network, (role, address))?;
        let (times, settled) = (known.times, known.settled);
        history.others.push(Earlier { role, address, times, settled, of_site, similar });
    }
    if let (Some(site), Some(asset)) = (site, asset) {
        history.usual_price = usual_price(db, site, asset)?;
    }
    if history.payees_of_site.is_empty() {
        history.other_sites = sites::paid(db)?;
        history.other_sites.retain(|paid| paid != key.site);
    }
    look_again(db, key, (site, asset), history)
}

/// Everything that is looked up for every payment.
fn look_again(
    db: &Connection,
    key: &HistoryKey<'_>,
    (site, asset): (Option<i64>, Option<i64>),
    earlier: History,
) -> Result<History, LedgerError> {
    let payee = recipients::known(db, key.network, (Role::Payee, key.payee))?;
    let same_resource = site.map_or(Ok(None), |site| recent(db, key, site))?;
    let asked_too = site.map_or(Ok(None), |site| asked_too(db, key, site))?;
    let promised = asset.map_or(Ok(Amount::ZERO), |asset| promised(db, key, asset))?;
    let newest = apps::effective(db, Moment(0))?;
    let recipients::Known { times, since, settled, settled_since } = payee;
    let (payee_times, payee_since) = (times, since);
    let payee_settled = settled_since.map(|since| (settled, since));
    Ok(History { payee_times, payee_since, payee_settled, same_resource, asked_too, promised, newest, ..earlier })
}

/// Of two questions the later one tells of the earlier one, so that a first one can't be held up by those that come after.
fn asked_too(db: &Connection, key: &HistoryKey<'_>, site: i64) -> Result<Option<AskedToo>, LedgerError> {
    let mut query = db.prepare_cached(
        "SELECT p.entered_at, p.id, p.app IS (SELECT app FROM apps WHERE id = ?3) AS same
         FROM payments p INDEXED BY payments_state
         WHERE p.state = 'asked' AND p.site = ?1 AND p.url = ?2
         AND (?4 IS NULL OR p.seq < (SELECT seq FROM payments WHERE id = ?4))
         ORDER BY same DESC, p.seq DESC LIMIT 1",
    )?;
    let mut rows = query.query(params![site, key.url, key.app.0, key.own.map(|id| *id.bytes())])?;
    rows.next()?
        .map(|row| {
            let mut cells = Cells::of(row);
            let (at, payment) = (cells.moment()?, PaymentId::from_bytes(cells.take()?).to_string());
            Ok(AskedToo { at, payment, same_app: cells.take()? })
        })
        .transpose()
}

fn promised(db: &Connection, key: &HistoryKey<'_>, asset: i64) -> Result<Amount, LedgerError> {
    let mut query = db.prepare_cached(
        "SELECT maximum FROM payments p INDEXED BY payments_open
         WHERE (p.state = 'reserved' OR p.settlement IN ('unknown', 'seen', 'failed'))
         AND p.payer = ?1 AND p.asset = ?2 AND p.id IS NOT ?3 AND coalesce(p.settlement, '') <> 'seen'",
    )?;
    let mut rows = query.query(params![key.payer.bytes(), asset, key.own.map(|id| *id.bytes())])?;
    let mut sum = Amount::ZERO;
    while let Some(row) = rows.next()? {
        sum = sum.saturating_add(Cells::of(row).amount()?);
    }
    Ok(sum)
}

fn recent(db: &Connection, key: &HistoryKey<'_>, site: i64) -> Result<Option<Recent>, LedgerError> {
    let own = last_paid(db, key, site, &key.payee)?;
    if own.as_ref().is_some_and(|recent| recent.unknown) {
        return Ok(own);
    }
    // Another payee is another purchase, unless the outcome of the first is not known: then it looks like a second try.
    for payee in recipients::last_at(db, site, PAYEES)?.into_iter().filter(|payee| *payee != key.payee) {
        let other = last_paid(db, key, site, &payee)?.filter(|recent| recent.unknown && !recent.delivered);
        if other.is_some() {
            return Ok(other);
        }
    }
    Ok(own)
}

fn last_paid(db: &Connection, key: &HistoryKey<'_>, site: i64, payee: &Address) -> Result<Option<Recent>, LedgerError> {
    let mut query = db.prepare_cached(
        "SELECT reserved_at, id, coalesce(delivery = 'delivered', 0), coalesce(delivery = 'refused', 0),
         state = 'reserved' OR settlement = 'unknown'
         FROM payments INDEXED BY payments_resource
         WHERE site = ?1 AND resource = ?2 AND reserved_at IS NOT NULL AND state IN ('reserved', 'signed')
         AND coalesce(settlement, '') <> 'never used'
         ORDER BY seq DESC LIMIT 1",
    )?;
    let mut rows = query.query([site, rows::resource(key.site, key.url, payee)])?;
    rows.next()?
        .map(|row| {
            let mut cells = Cells::of(row);
            Ok(Recent {
                at: cells.moment()?,
                payment: PaymentId::from_bytes(cells.take()?).to_string(),
                delivered: cells.take()?,
                refused: cells.take()?,
                unknown: cells.take()?,
            })
        })
        .transpose()
}

/// The median of the last prices; the lower one of two in the middle.
fn usual_price(db: &Connection, site: i64, asset: i64) -> Result<Option<Amount>, LedgerError> {
    let mut query = db.prepare_cached(
        "SELECT price, asset, state FROM payments INDEXED BY payments_site WHERE site = ?1 ORDER BY seq DESC LIMIT ?2",
    )?;
    let mut rows = query.query([site, LOOK_BACK])?;
    let mut prices = Vec::new();
    while let Some(row) = rows.next()? {
        let mut cells = Cells::of(row);
        let price = cells.amount()?;
        if cells.take::<i64>()? == asset && matches!(cells.text("state")?, "signed" | "reserved") {
            prices.push(price);
        }
        if prices.len() == PRICES {
            break;
        }
    }
    prices.sort_unstable();
    Ok(prices.get(prices.len().saturating_sub(1) / 2).copied())
}
