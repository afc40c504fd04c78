//! Table `payees`: whom each site was paid at, how often and since when. Counts what was reserved or signed;
//! what a person turned down makes nobody known.

use crate::cells::{Cells, chain};
use crate::{Ledger, LedgerError, Payee, sites};
use plan::{Moment, Site};
use rusqlite::{Connection, params};
use tron::{Address, Network};

/// The characters of an address that people compare, in lower case: the first four and the last three.
fn ends(payee: &Address) -> (String, String) {
    let text = payee.to_string().to_ascii_lowercase();
    let (head, rest) = text.split_at(4.min(text.len()));
    (head.to_owned(), rest.get(rest.len().saturating_sub(3)..).unwrap_or_default().to_owned())
}

pub fn count(db: &Connection, site: i64, network: Network, payee: Address, at: Moment) -> Result<(), LedgerError> {
    let (head, tail) = ends(&payee);
    db.prepare_cached(
        "INSERT INTO payees VALUES (?1, ?2, ?3, 1, ?4, ?4, ?5, ?6)
         ON CONFLICT DO UPDATE SET times = times + 1, last = max(last, excluded.last)",
    )?
    .execute(params![chain(network), payee.bytes(), site, at.0, head, tail])?;
    Ok(())
}

/// Writes a payee with its counts.
#[cfg(feature = "bulk")]
pub fn insert(
    db: &Connection,
    network: Network,
    payee: Address,
    site: i64,
    (times, first, last): (i64, Moment, Moment),
) -> Result<(), LedgerError> {
    let (head, tail) = ends(&payee);
    db.prepare_cached("INSERT INTO payees VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?.execute(params![
        chain(network),
        payee.bytes(),
        site,
        times,
        first.0,
        last.0,
        head,
        tail
    ])?;
    Ok(())
}

/// One payment less: it was released unused.
pub fn discount(db: &Connection, site: i64, network: Network, payee: Address) -> Result<(), LedgerError> {
    let key = params![chain(network), payee.bytes(), site];
    db.prepare_cached("UPDATE payees SET times = times - 1 WHERE network = ?1 AND payee = ?2 AND site = ?3")?
        .execute(key)?;
    db.prepare_cached("DELETE FROM payees WHERE network = ?1 AND payee = ?2 AND site = ?3 AND times <= 0")?
        .execute(key)?;
    Ok(())
}

/// How often and since when this payee was paid, at any site.
pub fn known(db: &Connection, network: Network, payee: Address) -> Result<(u64, Option<Moment>), LedgerError> {
    let mut query =
        db.prepare_cached("SELECT coalesce(sum(times), 0), min(first) FROM payees WHERE network = ?1 AND payee = ?2")?;
    let mut rows = query.query(params![chain(network), payee.bytes()])?;
    match rows.next()? {
        None => Ok((0, None)),
        Some(row) => {
            let mut cells = Cells::of(row);
            Ok((cells.count()?, cells.maybe_moment()?))
        }
    }
}

/// Payees of a site, most often first.
pub fn of_site(db: &Connection, site: i64, network: Network, limit: usize) -> Result<Vec<(Address, u64)>, LedgerError> {
    // Sorted here: for one or two rows SQLite's own table for it takes longer than everything else.
    let mut query = db.prepare_cached("SELECT payee, times FROM payees WHERE site = ?1 AND network = ?2")?;
    let mut rows = query.query(params![site, chain(network)])?;
    let mut payees = Vec::new();
    while let Some(row) = rows.next()? {
        let mut cells = Cells::of(row);
        payees.push((cells.address()?, cells.count()?));
    }
    payees.sort_unstable_by_key(|(payee, times)| (std::cmp::Reverse(*times), *payee.bytes()));
    payees.truncate(limit);
    Ok(payees)
}

/// Whether a site was paid at this address.
pub fn at_site(db: &Connection, site: i64, network: Network, payee: Address) -> Result<Option<u64>, LedgerError> {
    let mut query = db.prepare_cached("SELECT times FROM payees WHERE network = ?1 AND payee = ?2 AND site = ?3")?;
    let mut rows = query.query(params![chain(network), payee.bytes(), site])?;
    rows.next()?.map(|row| Cells::of(row).count()).transpose()
}

/// Other payees that share first or last characters with this one: all that a person could take for it.
pub fn similar(db: &Connection, network: Network, payee: Address) -> Result<Vec<Address>, LedgerError> {
    let (head, tail) = ends(&payee);
    let mut query = db.prepare_cached(
        "SELECT payee FROM payees WHERE network = ?1 AND head = ?2 AND payee <> ?4
         UNION SELECT payee FROM payees WHERE network = ?1 AND tail = ?3 AND payee <> ?4 LIMIT 1000",
    )?;
    let mut rows = query.query(params![chain(network), head, tail, payee.bytes()])?;
    let mut similar = Vec::new();
    while let Some(row) = rows.next()? {
        similar.push(Cells::of(row).address()?);
    }
    Ok(similar)
}

impl Ledger {
    /// Whom a site was paid at, most often first.
    pub fn payees(&self, site: &Site) -> Result<Vec<Payee>, LedgerError> {
        self.read("list payees", |db| {
            let Some(site) = sites::find(db, site)? else { return Ok(Vec::new()) };
            let mut query = db.prepare_cached(
                "SELECT network, payee, times, first, last FROM payees WHERE site = ?1 ORDER BY times DESC, payee LIMIT 1000",
            )?;
            let mut rows = query.query([site])?;
            let mut payees = Vec::new();
            while let Some(row) = rows.next()? {
                let mut cells = Cells::of(row);
                payees.push(Payee {
                    network: cells.network()?,
                    address: cells.address()?,
                    times: cells.count()?,
                    since: cells.moment()?,
                    last: cells.moment()?,
                });
            }
            Ok(payees)
        })
    }
}
