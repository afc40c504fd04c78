//! Many payments at once, for tests and benchmarks: the same rows and sums that entering each of them and
//! living its life would leave, in a few large transactions. Not in the product (feature `bulk`). Refuses
//! nothing: what it is given has to be true.

use crate::books::{self, Share};
use crate::payment::Payment;
use crate::{Ledger, LedgerError, apps, assets, indexing, notes, recipients, rows, sites, spendings};
use plan::{Moment, Role};
use rusqlite::params;
use std::collections::{BTreeMap, HashMap};
use tron::{Address, Amount, Network};

/// One payment with all that belongs to it. They have to come in the order of `entered_at`.
pub struct Life {
    pub payment: Payment,
    pub document: String,
    /// Name and value of what was sent.
    pub header: Option<(String, String)>,
    pub note: String,
    pub tags: Vec<String>,
}

/// Keys of app, site (0: all) and asset.
type Account = (i64, i64, i64);

/// Payments, settled, open, first and last moment of a site in a token.
type Tally = (i64, Amount, Amount, i64, i64);

/// The sums, in memory until [`Bulk::finish`].
pub struct Bulk<'l> {
    ledger: &'l Ledger,
    apps: HashMap<String, (i64, i64)>,
    sites: HashMap<plan::Site, i64>,
    assets: HashMap<(Network, Address), i64>,
    spendings: HashMap<Account, [BTreeMap<i64, Amount>; 3]>,
    tallies: HashMap<(i64, i64), Tally>,
    recipients: HashMap<(Network, (Role, Address), i64), recipients::Counts>,
    newest: i64,
}

impl Ledger {
    /// Begins; the ledger has to be without payments.
    ///
    /// # Errors
    /// A storage error.
    pub fn bulk(&self) -> Result<Bulk<'_>, LedgerError> {
        // Much in memory at once, and no waiting for the disk: what a crash leaves is generated anew.
        self.outside("prepare for many", |db| {
            db.pragma_update(None, "cache_size", -2_000_000)?;
            db.pragma_update(None, "foreign_keys", false)?;
            db.pragma_update(None, "synchronous", "OFF")
        })?;
        Ok(Bulk {
            ledger: self,
            apps: HashMap::new(),
            sites: HashMap::new(),
            assets: HashMap::new(),
            spendings: HashMap::new(),
            tallies: HashMap::new(),
            recipients: HashMap::new(),
            newest: 0,
        })
    }
}

impl Bulk<'_> {
    /// Writes rows, in one transaction.
    pub fn add(&mut self, lives: impl IntoIterator<Item = Life>) -> Result<(), LedgerError> {
        self.ledger.write("add many payments", |db| {
            for life in lives {
                let plan = &life.payment.plan;
                let counts = i64::from(books::share(&life.payment).counts);
                let app = match self.apps.get_mut(&plan.app.0) {
                    Some((app, payments)) => {
                        *payments += counts;
                        *app
                    }
                    None => {
                        let app = apps::known(db, &plan.app)?.app;
                        self.apps.insert(plan.app.0.clone(), (app, counts));
                        app
                    }
                };
                let site = match self.sites.get(&plan.site) {
                    Some(site) => *site,
                    None => *self.sites.entry(plan.site.clone()).or_insert(sites::keep(db, &plan.site)?),
                };
                let asset = match self.assets.get(&(plan.network, plan.token.address)) {
                    Some(asset) => *asset,
                    None => {
                        let asset = assets::keep(db, plan.network, &plan.token)?;
                        *self.assets.entry((plan.network, plan.token.address)).or_insert(asset)
                    }
                };
                let seq = rows::insert(db, rows::Table::Payments, (app, site, asset), &life.payment, &life.document)?;
                if let Some((name, value)) = &life.header {
                    rows::write_header(db, seq, name, value)?;
                }
                if !life.note.is_empty() || !life.tags.is_empty() {
                    notes::write(db, seq, &life.note, &life.tags, life.payment.entered_at)?;
                }
                self.count((app, site, asset), &life.payment);
            }
            Ok(())
        })
    }

    fn count(&mut self, (app, site, asset): Account, payment: &Payment) {
        let p = payment;
        let dates = [Some(p.entered_at), p.reserved_at, p.signed_at, p.ended_at, p.settlement_at, p.delivery_at];
        self.newest = dates.into_iter().flatten().map(|m| m.0).fold(self.newest, i64::max);
        let Some(at) = p.reserved_at else { return };
        let Share { counted, settled, open, counts, shown } = books::share(p);
        for site in [site, spendings::ALL_SITES] {
            let spans = self.spendings.entry((app, site, asset)).or_default();
            for (span, sums) in spans.iter_mut().enumerate() {
                let sum = sums.entry(spendings::start_of(span, at.0)).or_insert(Amount::ZERO);
                *sum = sum.saturating_add(counted);
            }
            let old = spendings::oldest_minute(at.0);
            if spans[0].first_key_value().is_some_and(|(start, _)| *start < old) {
                spans[0] = spans[0].split_off(&old);
            }
        }
        let tally = self.tallies.entry((site, asset)).or_insert((0, Amount::ZERO, Amount::ZERO, at.0, at.0));
        tally.0 += i64::from(counts);
        tally.1 = tally.1.saturating_add(settled);
        tally.2 = tally.2.saturating_add(open);
        (tally.3, tally.4) = (tally.3.min(at.0), tally.4.max(at.0));
        for recipient in p.plan.recipients() {
            let key = (p.plan.network, recipient, site);
            match self.recipients.get_mut(&key) {
                // One that was released dates the recipient too, as long as another one keeps it known.
                Some(known) => (known.times, known.last) = (known.times + i64::from(counts), known.last.max(at.0)),
                None if counts => {
                    let (first, last) = (at.0, at.0);
                    let known = recipients::Counts { times: 1, first, last, settled: 0, settled_first: None };
                    self.recipients.insert(key, known);
                }
                None => {}
            }
            if let Some(known) = self.recipients.get_mut(&key).filter(|_| shown) {
                known.settled += 1;
                known.settled_first = Some(known.settled_first.map_or(at.0, |first| first.min(at.0)));
            }
        }
    }

    /// Writes the sums and indexes what was added. `told` hears how many rows are still to be indexed.
    pub fn finish(self, mut told: impl FnMut(u64)) -> Result<(), LedgerError> {
        self.ledger.write("sum up many payments", |db| {
            for (app, payments) in self.apps.values() {
                db.prepare_cached("UPDATE apps SET payments = payments + ?2 WHERE app = ?1")?
                    .execute([app, payments])?;
            }
            let mut write = db.prepare_cached("INSERT INTO spendings VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
            let mut accounts: Vec<_> = self.spendings.iter().collect();
            accounts.sort_unstable_by_key(|(account, _)| **account);
            for ((app, site, asset), spans) in accounts {
                for (span, sums) in (0i64..).zip(spans) {
                    for (start, sum) in sums {
                        write.execute(params![app, site, asset, span, start, sum.to_be_bytes()])?;
                    }
                }
            }
            for ((site, asset), (payments, settled, open, first, last)) in &self.tallies {
                db.prepare_cached("INSERT INTO tallies VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?.execute(params![
                    site,
                    asset,
                    payments,
                    settled.to_be_bytes(),
                    open.to_be_bytes(),
                    first,
                    last
                ])?;
            }
            for ((network, recipient, site), counts) in &self.recipients {
                recipients::insert(db, *network, *recipient, *site, counts)?;
            }
            apps::advance(db, Moment(self.newest))?;
            indexing::missing(db).map(&mut told)
        })?;
        let together = |bytes: i64| {
            self.ledger.outside("prepare the index", |db| {
                db.execute("INSERT INTO words (words, rank) VALUES ('hashsize', ?1)", [bytes]).map(drop)
            })
        };
        // Fewer and larger pieces to merge.
        together(128 << 20)?;
        loop {
            match self.ledger.index_more(50_000)? {
                0 => break,
                left => told(left),
            }
        }
        together(1 << 20)?;
        self.ledger.outside("make it durable", |db| {
            db.pragma_update(None, "synchronous", "FULL")?;
            db.pragma_update(None, "cache_size", -16_384)?;
            db.pragma_update(None, "foreign_keys", true)?;
            db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        })
    }
}
