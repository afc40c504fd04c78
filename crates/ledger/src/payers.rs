//! Table `payers`: which account pays for an app, on all sites or on one. Knows addresses only; whether an
//! account is there and can sign is not judged here.

use crate::cells::Cells;
use crate::spendings::ALL_SITES;
use crate::{Ledger, LedgerError, PayerChoice, apps, settings, sites};
use plan::{AppId, Moment, Site};
use rusqlite::{Connection, OptionalExtension, params};
use tron::Address;

impl Ledger {
    /// The account chosen for this app on this site, else for the app on all sites, else the one that the setting
    /// `default` names.
    pub fn payer(&self, app: &AppId, site: Option<&Site>, default: &str) -> Result<Option<Address>, LedgerError> {
        self.read_warm("find the paying account", |db| {
            if let Some(app) = app_of(db, app)? {
                let site = site.map_or(Ok(None), |site| sites::find(db, site))?;
                for site in site.into_iter().chain([ALL_SITES]) {
                    if let Some(account) = chosen(db, app, site)? {
                        return Ok(Some(account));
                    }
                }
            }
            Ok(settings::find(db, default)?.and_then(|text| Address::parse(&text).ok()))
        })
    }

    /// Every choice, by app, then site.
    pub fn payers(&self) -> Result<Vec<PayerChoice>, LedgerError> {
        self.read("list the paying accounts", |db| {
            let mut query = db.prepare_cached(
                "SELECT apps.id, sites.key, p.account FROM payers p JOIN apps ON apps.app = p.app
                 LEFT JOIN sites ON sites.site = p.site ORDER BY p.app, p.site",
            )?;
            let mut rows = query.query([])?;
            let mut choices = Vec::new();
            while let Some(row) = rows.next()? {
                let mut cells = Cells::of(row);
                let app = cells.app()?;
                let site = cells.take::<Option<String>>()?.map(|key| crate::cells::read_site(&key)).transpose()?;
                choices.push(PayerChoice { app, site, account: cells.address()? });
            }
            Ok(choices)
        })
    }

    /// Chooses an account for an app on all sites (no site) or on one; `None` takes the choice back.
    pub fn set_payer(
        &self,
        app: &AppId,
        site: Option<&Site>,
        account: Option<Address>,
        now: Moment,
    ) -> Result<(), LedgerError> {
        self.write("choose the paying account", |db| {
            let app = apps::known(db, app)?.app;
            let site = site.map_or(Ok(ALL_SITES), |site| sites::keep(db, site))?;
            match account {
                Some(account) => db
                    .prepare_cached("INSERT OR REPLACE INTO payers VALUES (?1, ?2, ?3, ?4)")?
                    .execute(params![app, site, account.bytes(), now.0])?,
                None => {
                    db.prepare_cached("DELETE FROM payers WHERE app = ?1 AND site = ?2")?.execute(params![app, site])?
                }
            };
            Ok(())
        })
    }

    /// Takes back every choice of an account that is removed.
    pub fn forget_payer(&self, account: Address) -> Result<(), LedgerError> {
        self.write("forget a paying account", |db| {
            db.prepare_cached("DELETE FROM payers WHERE account = ?1")?.execute([account.bytes()])?;
            Ok(())
        })
    }
}

/// An app that was never paired has chosen nothing.
fn app_of(db: &Connection, id: &AppId) -> Result<Option<i64>, LedgerError> {
    match apps::known(db, id) {
        Ok(known) => Ok(Some(known.app)),
        Err(LedgerError::NoSuchApp { .. }) => Ok(None),
        Err(e) => Err(e),
    }
}

fn chosen(db: &Connection, app: i64, site: i64) -> Result<Option<Address>, LedgerError> {
    let mut query = db.prepare_cached("SELECT account FROM payers WHERE app = ?1 AND site = ?2")?;
    let found = query.query_row([app, site], |row| row.get::<_, [u8; 20]>(0)).optional()?;
    Ok(found.map(Address::from_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_s_account_comes_before_the_app_s_and_both_can_be_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&folder.path().join("ledger.db")).unwrap();
        let (app, now) = (AppId::owner(), Moment(1));
        let site = |text: &str| Site::parse(text).unwrap();
        let (news, shop) = (site("https://news.example"), site("https://shop.example"));
        let [one, two] = [1, 2].map(|byte| Address::from_bytes([byte; 20]));
        let payer = |site: &Site| ledger.payer(&app, Some(site), "account").unwrap();
        assert_eq!(payer(&news), None);
        ledger.set_payer(&app, None, Some(one), now).unwrap();
        ledger.set_payer(&app, Some(&news), Some(two), now).unwrap();
        assert_eq!(payer(&news), Some(two));
        assert_eq!(payer(&shop), Some(one));
        assert_eq!(ledger.payer(&app, None, "account").unwrap(), Some(one));
        let choices = ledger.payers().unwrap();
        assert_eq!(choices.len(), 2);
        assert!(choices.iter().any(|c| c.site.as_ref() == Some(&news) && c.account == two));
        ledger.forget_payer(two).unwrap();
        assert_eq!(payer(&news), Some(one));
        ledger.set_payer(&app, None, None, now).unwrap();
        assert_eq!(payer(&news), None);
        ledger.set_setting("account", &two.to_string()).unwrap();
        assert_eq!(payer(&news), Some(two));
        assert!(ledger.set_payer(&AppId("nobody".into()), None, Some(one), now).is_err());
    }
}
