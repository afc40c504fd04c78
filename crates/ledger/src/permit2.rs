//! Table `permit2_of_sites`: which Permit2 deployment a site is paid through, by network, as a person chose it, as the
//! chain showed it and as the seller refused it. Names only deployments of the registry.

use crate::cells::{Cells, chain};
use crate::payment::{Payment, Settlement, State};
use crate::rows::Row;
use crate::{Ledger, LedgerError, sites};
use plan::{Permit2AtSite, Site};
use rusqlite::{Connection, OptionalExtension, params};
use tron::{Network, registry};
use x402::{Offer, Terms};

pub fn find(db: &Connection, site: i64, network: Network) -> Result<Permit2AtSite, LedgerError> {
    let sql = "SELECT chosen, settled, refused FROM permit2_of_sites WHERE site = ?1 AND network = ?2";
    let known = db
        .prepare_cached(sql)?
        .query_row(params![site, chain(network)], |row| {
            Ok(Permit2AtSite { chosen: row.get(0)?, settled: row.get(1)?, refused: row.get(2)? })
        })
        .optional()?;
    Ok(known.unwrap_or_default())
}

/// By network.
pub fn all(db: &Connection, site: i64) -> Result<Vec<(Network, Permit2AtSite)>, LedgerError> {
    let sql = "SELECT network, chosen, settled, refused FROM permit2_of_sites WHERE site = ?1 ORDER BY network";
    let mut query = db.prepare_cached(sql)?;
    let mut rows = query.query([site])?;
    let mut known = Vec::new();
    while let Some(row) = rows.next()? {
        let mut cells = Cells::of(row);
        let network = cells.network()?;
        known.push((network, Permit2AtSite { chosen: cells.take()?, settled: cells.take()?, refused: cells.take()? }));
    }
    Ok(known)
}

/// Whether the 402 left the deployment open. Where it names a contract there was nothing to find out.
fn left_open(db: &Connection, row: &Row) -> Result<bool, LedgerError> {
    let document: Option<String> = db
        .prepare_cached("SELECT document FROM papers WHERE payment = ?1")?
        .query_row([row.seq], |row| row.get(0))
        .optional()?;
    let offer = document.and_then(|document| Offer::read(&document).ok());
    let option = offer.as_ref().and_then(|offer| offer.options.get(row.payment.plan.option));
    Ok(option.is_some_and(|option| option.terms.as_ref().is_ok_and(Terms::leaves_permit2_open)))
}

/// Keeps what a step of a payment by Permit2 says about the deployment that it was signed for.
pub fn learn(db: &Connection, was: &Payment, row: &Row) -> Result<(), LedgerError> {
    let (site, now) = (row.site, &row.payment);
    let network = now.plan.network;
    let sets = &registry::deployments(network).permit2;
    // Only `exact` by Permit2 is signed for one of these contracts.
    let Some(set) = sets.iter().find(|set| set.exact_proxy == now.plan.contract) else { return Ok(()) };
    let settled = |p: &Payment| matches!(p.settlement, Some(Settlement::Seen { .. } | Settlement::Final { .. }));
    let signed = |p: &Payment| p.state == State::Signed && p.by_person;
    let refused = |p: &Payment| p.seller_says.as_deref().is_some_and(x402::means_wrong_signature);
    let news = |what: &dyn Fn(&Payment) -> bool| what(now) && !what(was);
    if !(news(&settled) || news(&refused) || news(&signed)) || !left_open(db, row)? {
        return Ok(());
    }
    let mut known = find(db, site, network)?;
    if settled(now) && !settled(was) {
        known.refused = known.refused.filter(|refused| refused != set.name);
        known.settled = Some(set.name.to_owned());
    } else if refused(now) && !refused(was) && !settled(now) {
        known.refused = Some(set.name.to_owned());
    } else if signed(now) && !signed(was) && known.refused.as_deref().is_some_and(|refused| refused != set.name) {
        // A person said yes to the other one after a refusal: the site is asked through it from here on.
        known.chosen = Some(set.name.to_owned());
    } else {
        return Ok(());
    }
    store(db, site, network, &known)
}

fn store(db: &Connection, site: i64, network: Network, known: &Permit2AtSite) -> Result<(), LedgerError> {
    db.prepare_cached("INSERT OR REPLACE INTO permit2_of_sites VALUES (?1, ?2, ?3, ?4, ?5)")?.execute(params![
        site,
        chain(network),
        known.chosen,
        known.settled,
        known.refused
    ])?;
    Ok(())
}

impl Ledger {
    /// What is known of the deployments that a site is paid through.
    pub fn permit2_at(&self, site: &Site, network: Network) -> Result<Permit2AtSite, LedgerError> {
        self.read_warm("find a site's Permit2", |db| match sites::find(db, site)? {
            Some(site) => find(db, site, network),
            None => Ok(Permit2AtSite::default()),
        })
    }

    /// Selects a deployment of the registry for a site; `None`: none of its own. The site need not have asked for
    /// money yet.
    pub fn choose_permit2(&self, site: &Site, network: Network, set: Option<&str>) -> Result<(), LedgerError> {
        self.write("keep a site's Permit2", |db| {
            let site = sites::keep(db, site)?;
            let known = Permit2AtSite { chosen: set.map(str::to_owned), ..find(db, site, network)? };
            store(db, site, network, &known)
        })
    }
}
