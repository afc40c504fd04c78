//! Table `recipients`: who got money at which site, how often and since when: payees, recipients of fees, callers,
//! each in its role. Known is who was approved: reserved or signed, however it went on. Paid is what the chain has shown; what a
//! person turned down makes nobody known.

use crate::cells::{Cells, chain};
use crate::{Ledger, LedgerError, Payee, sites};
use plan::{Moment, Role, Site};
use rusqlite::{Connection, params};
use tron::{Address, Network};

/// As the rows name it.
const fn name(role: Role) -> &'static str {
    match role {
        Role::Payee => "payee",
        Role::Fee => "fee",
        Role::Caller => "caller",
    }
}

/// The characters of an address that people compare, in lower case: the first four and the last three.
fn ends(address: &Address) -> (String, String) {
    let text = address.to_string().to_ascii_lowercase();
    let (head, rest) = text.split_at(4.min(text.len()));
    (head.to_owned(), rest.get(rest.len().saturating_sub(3)..).unwrap_or_default().to_owned())
}

/// Fills in what a migration could not compute.
pub fn complete(db: &Connection) -> Result<(), LedgerError> {
    if !db.table_exists(None, "recipients")? {
        return Ok(());
    }
    let mut query = db.prepare_cached("SELECT DISTINCT address FROM recipients WHERE head = ''")?;
    let mut rows = query.query([])?;
    let mut addresses = Vec::new();
    while let Some(row) = rows.next()? {
        addresses.push(Cells::of(row).address()?);
    }
    for address in addresses {
        let (head, tail) = ends(&address);
        db.prepare_cached("UPDATE recipients SET head = ?2, tail = ?3 WHERE address = ?1 AND head = ''")?
            .execute(params![address.bytes(), head, tail])?;
    }
    Ok(())
}

pub fn count(
    db: &Connection,
    site: i64,
    network: Network,
    (role, address): (Role, Address),
    at: Moment,
) -> Result<(), LedgerError> {
    let (head, tail) = ends(&address);
    db.prepare_cached(
        "INSERT INTO recipients (network, address, site, role, times, first, last, head, tail)
         VALUES (?1, ?2, ?3, ?4, 1, ?5, ?5, ?6, ?7)
         ON CONFLICT DO UPDATE SET times = times + 1, last = max(last, excluded.last)",
    )?
    .execute(params![chain(network), address.bytes(), site, name(role), at.0, head, tail])?;
    Ok(())
}

/// Counts of a recipient, and milliseconds since 1970.
#[cfg(feature = "bulk")]
pub struct Counts {
    pub times: i64,
    pub first: i64,
    pub last: i64,
    pub settled: i64,
    pub settled_first: Option<i64>,
}

/// Writes a recipient with its counts.
#[cfg(feature = "bulk")]
pub fn insert(
    db: &Connection,
    network: Network,
    (role, address): (Role, Address),
    site: i64,
    counts: &Counts,
) -> Result<(), LedgerError> {
    let (head, tail) = ends(&address);
    let sql = "INSERT INTO recipients VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    db.prepare_cached(sql)?.execute(params![
        chain(network),
        address.bytes(),
        site,
        name(role),
        counts.times,
        counts.first,
        counts.last,
        head,
        tail,
        counts.settled,
        counts.settled_first
    ])?;
    Ok(())
}

/// One payment less: it was released unused.
pub fn discount(
    db: &Connection,
    site: i64,
    network: Network,
    (role, address): (Role, Address),
) -> Result<(), LedgerError> {
    let key = params![chain(network), address.bytes(), name(role), site];
    let this = "WHERE network = ?1 AND address = ?2 AND role = ?3 AND site = ?4";
    db.prepare_cached(&format!("UPDATE recipients SET times = times - 1 {this}"))?.execute(key)?;
    db.prepare_cached(&format!("DELETE FROM recipients {this} AND times <= 0"))?.execute(key)?;
    Ok(())
}

/// The chain shows the payment of this moment, or does not show it any more.
pub fn settled(
    db: &Connection,
    site: i64,
    network: Network,
    (role, address): (Role, Address),
    (shown, at): (bool, Moment),
) -> Result<(), LedgerError> {
    let change = match shown {
        true => "settled = settled + 1, settled_first = min(coalesce(settled_first, ?5), ?5)",
        false => "settled = settled - 1, settled_first = CASE WHEN settled > 1 THEN min(settled_first, ?5) END",
    };
    let this = "WHERE network = ?1 AND address = ?2 AND role = ?3 AND site = ?4";
    db.prepare_cached(&format!("UPDATE recipients SET {change} {this}"))?.execute(params![
        chain(network),
        address.bytes(),
        name(role),
        site,
        at.0
    ])?;
    Ok(())
}

/// How often somebody was approved and how often really paid, each with its first time.
#[derive(Default)]
pub struct Known {
    pub times: u64,
    pub since: Option<Moment>,
    pub settled: u64,
    pub settled_since: Option<Moment>,
}

/// What is known of this address in this role, at any site.
pub fn known(db: &Connection, network: Network, (role, address): (Role, Address)) -> Result<Known, LedgerError> {
    let mut query = db.prepare_cached(
        "SELECT coalesce(sum(times), 0), min(first), coalesce(sum(settled), 0), min(settled_first) FROM recipients WHERE network = ?1 AND address = ?2 AND role = ?3",
    )?;
    let mut rows = query.query(params![chain(network), address.bytes(), name(role)])?;
    match rows.next()? {
        None => Ok(Known::default()),
        Some(row) => {
            let mut cells = Cells::of(row);
            let (times, since) = (cells.count()?, cells.maybe_moment()?);
            Ok(Known { times, since, settled: cells.count()?, settled_since: cells.maybe_moment()? })
        }
    }
}

/// Those of a site in a role, each with the number of settlements: most often approved first, `own` among them if it ever was, however many others there are.
pub fn of_site(
    db: &Connection,
    site: i64,
    network: Network,
    (role, own): (Role, Address),
    limit: usize,
) -> Result<Vec<(Address, u64)>, LedgerError> {
    // Sorted here: for one or two rows SQLite's own table for it takes longer than everything else.
    let mut query = db.prepare_cached(
        "SELECT address, times, settled FROM recipients WHERE site = ?1 AND network = ?2 AND role = ?3",
    )?;
    let mut rows = query.query(params![site, chain(network), name(role)])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let mut cells = Cells::of(row);
        found.push((cells.address()?, cells.count()?, cells.count()?));
    }
    found.sort_unstable_by_key(|(address, times, _)| (std::cmp::Reverse(*times), *address.bytes()));
    let own = found.iter().skip(limit).find(|(address, ..)| *address == own).copied();
    found.truncate(limit);
    found.extend(own);
    Ok(found.into_iter().map(|(address, _, settled)| (address, settled)).collect())
}

/// Whom a site was paid at on any network, the last one first.
pub fn last_at(db: &Connection, site: i64, limit: usize) -> Result<Vec<Address>, LedgerError> {
    let mut query = db.prepare_cached("SELECT address, last FROM recipients WHERE site = ?1 AND role = ?2")?;
    let mut rows = query.query(params![site, name(Role::Payee)])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let mut cells = Cells::of(row);
        found.push((cells.address()?, cells.moment()?));
    }
    found.sort_unstable_by_key(|(address, last)| (std::cmp::Reverse(*last), *address.bytes()));
    found.truncate(limit);
    Ok(found.into_iter().map(|(address, _)| address).collect())
}

/// Other addresses that share first or last characters with this one, in whatever role: all that a person could take
/// for it.
pub fn similar(db: &Connection, network: Network, address: Address) -> Result<Vec<Address>, LedgerError> {
    let (head, tail) = ends(&address);
    let mut query = db.prepare_cached(
        "SELECT address FROM recipients WHERE network = ?1 AND head = ?2 AND address <> ?4
         UNION SELECT address FROM recipients WHERE network = ?1 AND tail = ?3 AND address <> ?4 LIMIT 1000",
    )?;
    let mut rows = query.query(params![chain(network), head, tail, address.bytes()])?;
    let mut similar = Vec::new();
    while let Some(row) = rows.next()? {
        similar.push(Cells::of(row).address()?);
    }
    Ok(similar)
}

impl Ledger {
    /// Whom a site was paid at, or is to be, most often first.
    pub fn payees(&self, site: &Site) -> Result<Vec<Payee>, LedgerError> {
        self.read("list payees", |db| {
            let Some(site) = sites::find(db, site)? else { return Ok(Vec::new()) };
            let mut query = db.prepare_cached(
                "SELECT network, address, times, first, last, settled, settled_first FROM recipients WHERE site = ?1 AND role = 'payee'
                 ORDER BY times DESC, address LIMIT 1000",
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
                    settled: cells.count()?,
                    settled_since: cells.maybe_moment()?,
                });
            }
            Ok(payees)
        })
    }
}
