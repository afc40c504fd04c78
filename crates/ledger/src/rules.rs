//! Table `rules`: what the person allows or blocks, for app × token on all sites and for app × site × token.
//! A revoked or blocked app counts as blocked whatever its rules say.

use crate::cells::Cells;
use crate::spendings::{self, ALL_SITES, Account};
use crate::{Ledger, LedgerError, Rule, RuleKey, apps, assets, sites};
use plan::{Covers, Limit, Mode, Moment, Rules, Site};
use rusqlite::{Connection, params};

/// The rules for one payment.
pub fn load(db: &Connection, site: &Site, account: Account, app_barred: bool) -> Result<Rules, LedgerError> {
    let mode = |site: i64| -> Result<Mode, LedgerError> {
        let mut query = db.prepare_cached(
            "SELECT mode, per_payment, per_day, per_month, covers FROM rules WHERE app = ?1 AND site = ?2 AND asset = ?3",
        )?;
        let mut rows = query.query(params![account.app, site, account.asset])?;
        rows.next()?.map_or(Ok(Mode::Ask), |row| read_mode(&mut Cells::of(row)))
    };
    let (site_blocked, host_blocked) = sites::blocked(db, site, account.site)?;
    Ok(Rules {
        app: if app_barred { Mode::Block } else { mode(ALL_SITES)? },
        site: mode(account.site)?,
        site_blocked,
        host_blocked,
    })
}

fn read_mode(cells: &mut Cells<'_>) -> Result<Mode, LedgerError> {
    let name = cells.text("mode")?;
    let limit = Limit {
        per_payment: cells.maybe_amount()?,
        per_day: cells.maybe_amount()?,
        per_month: cells.maybe_amount()?,
        covers: read_covers(cells.text("covers")?)?,
    };
    match name {
        "ask" => Ok(Mode::Ask),
        "allow" => Ok(Mode::Allow(limit)),
        "block" => Ok(Mode::Block),
        other => Err(LedgerError::Damaged { field: "mode", found: other.to_owned() }),
    }
}

const fn covers(covers: Covers) -> &'static str {
    match covers {
        Covers::ClaimedAndVerified => "claimed and verified",
        Covers::VerifiedOnly => "verified only",
    }
}

fn read_covers(name: &str) -> Result<Covers, LedgerError> {
    let all = [Covers::ClaimedAndVerified, Covers::VerifiedOnly];
    let found = all.into_iter().find(|c| covers(*c) == name);
    found.ok_or_else(|| LedgerError::Damaged { field: "covers", found: name.to_owned() })
}

impl Ledger {
    /// Sets a rule, in place of the one that was there.
    pub fn set_rule(&self, key: &RuleKey, mode: &Mode, now: Moment) -> Result<(), LedgerError> {
        self.write("set a rule", |db| {
            let app = apps::known(db, &key.app)?.app;
            let asset = assets::keep_known(db, key.network, key.token)?;
            let site = key.site.as_ref().map_or(Ok(ALL_SITES), |site| sites::keep(db, site))?;
            let (name, limit) = match mode {
                Mode::Ask => ("ask", Limit::default()),
                Mode::Allow(limit) => ("allow", limit.clone()),
                Mode::Block => ("block", Limit::default()),
            };
            let blob = |amount: Option<tron::Amount>| amount.map(|a| a.to_be_bytes());
            let sql = "INSERT OR REPLACE INTO rules
                (app, site, asset, mode, per_payment, per_day, per_month, set_at, covers)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
            db.prepare_cached(sql)?.execute(params![
                app,
                site,
                asset,
                name,
                blob(limit.per_payment),
                blob(limit.per_day),
                blob(limit.per_month),
                now.0,
                covers(limit.covers)
            ])?;
            Ok(())
        })
    }

    /// Back to the default, which asks. A rule that is not there is removed already.
    pub fn remove_rule(&self, key: &RuleKey) -> Result<(), LedgerError> {
        self.write("remove a rule", |db| {
            let app = apps::known(db, &key.app)?.app;
            let site = match &key.site {
                None => Some(ALL_SITES),
                Some(site) => sites::find(db, site)?,
            };
            if let (Some(site), Some(asset)) = (site, assets::find(db, key.network, key.token)?) {
                db.prepare_cached("DELETE FROM rules WHERE app = ?1 AND site = ?2 AND asset = ?3")?
                    .execute(params![app, site, asset])?;
            }
            Ok(())
        })
    }

    /// Every rule with what counts against it now, by app, then site.
    pub fn list_rules(&self, now: Moment) -> Result<Vec<Rule>, LedgerError> {
        self.read("list rules", |db| {
            let now = apps::effective(db, now)?;
            let mut query = db.prepare_cached(
                "SELECT r.mode, r.per_payment, r.per_day, r.per_month, r.covers, r.set_at, r.app, r.site, r.asset,
                        apps.id, sites.key, assets.network, assets.token
                 FROM rules r JOIN apps ON apps.app = r.app JOIN assets ON assets.asset = r.asset
                 LEFT JOIN sites ON sites.site = r.site ORDER BY r.app, r.site, r.asset",
            )?;
            let mut rows = query.query([])?;
            let mut rules = Vec::new();
            while let Some(row) = rows.next()? {
                let mut cells = Cells::of(row);
                let mode = read_mode(&mut cells)?;
                let set_at = cells.moment()?;
                let account = Account { app: cells.take()?, site: cells.take()?, asset: cells.take()? };
                let app = cells.app()?;
                let site = cells.take::<Option<String>>()?.map(|key| crate::cells::read_site(&key)).transpose()?;
                let key = RuleKey { app, site, network: cells.network()?, token: cells.address()? };
                let (spent_day, spent_month) = spendings::windows(db, account, now)?;
                let frees = spendings::frees(db, account, now, &mode, (spent_day, spent_month))?;
                rules.push(Rule { key, mode, set_at, spent_day, spent_month, frees });
            }
            Ok(rules)
        })
    }
}
