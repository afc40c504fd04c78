//! The desk's part about limits and blocks: what is set, and whether a change would widen what may be paid. Decides
//! nothing by itself.

use crate::RuleView;
use crate::desk::{Answer, Desk, RuleInput, asset, recorded_site_key, site_key};
use crate::verbs::Class;
use ledger::RuleKey;
use plan::{Mode, Site};
use wallet::AppId;

impl Desk {
    /// Blocks one scheme, host and port, or the whole host.
    pub async fn block_site(&self, key: &str, blocked: bool, whole_host: bool) -> Answer<()> {
        let site = if blocked { site_key(key)? } else { recorded_site_key(key)? };
        match whole_host {
            true => Ok(self.wallet.block_host(&site, blocked).await?),
            false => Ok(self.wallet.block_site(&site, blocked).await?),
        }
    }

    pub async fn rules(&self) -> Answer<Vec<RuleView>> {
        let symbols = self.symbols().await?;
        let apps = self.wallet.apps().await?;
        Ok(self.wallet.rules().await?.iter().map(|r| RuleView::of(r, &apps, &symbols)).collect())
    }

    fn rule_key(app: &str, site: Option<Site>, network: &str, token: &str) -> Answer<RuleKey> {
        let (network, token) = asset(network, token)?;
        Ok(RuleKey { app: AppId(app.to_owned()), site, network, token })
    }

    /// Whether a rule can be set as it is written, and what it would do: one that pays without asking widens, and so does
    /// one that takes the place of a block.
    pub async fn check_rule(&self, rule: &RuleInput) -> Answer<Class> {
        let site = rule.site_key.as_deref().map(site_key).transpose()?;
        let key = Self::rule_key(&rule.app_id, site, &rule.network, &rule.token)?;
        match self.symbols().await?.read_mode(key.network, key.token, &rule.mode)? {
            Mode::Allow(_) => Ok(Class::Widens),
            Mode::Block => Ok(Class::Narrows),
            Mode::Ask => self.ending(key).await,
        }
    }

    /// As [`Desk::check_rule`], for a rule that is taken away.
    pub async fn check_removal(&self, app: &str, site: Option<&str>, network: &str, token: &str) -> Answer<Class> {
        let site = site.map(recorded_site_key).transpose()?;
        self.ending(Self::rule_key(app, site, network, token)?).await
    }

    /// What the end of the rule with this key does.
    async fn ending(&self, key: RuleKey) -> Answer<Class> {
        let blocks = self.wallet.rules().await?.iter().any(|rule| rule.key == key && rule.mode == Mode::Block);
        Ok(if blocks { Class::Widens } else { Class::Narrows })
    }

    /// Whether this names a site.
    pub fn check_site(&self, key: &str) -> Answer<()> {
        recorded_site_key(key).map(drop)
    }

    pub async fn set_rule(&self, rule: RuleInput) -> Answer<()> {
        let site = rule.site_key.as_deref().map(site_key).transpose()?;
        let key = Self::rule_key(&rule.app_id, site, &rule.network, &rule.token)?;
        let mode = self.symbols().await?.read_mode(key.network, key.token, &rule.mode)?;
        Ok(self.wallet.set_rule(key, mode).await?)
    }

    pub async fn remove_rule(&self, app: &str, site: Option<&str>, network: &str, token: &str) -> Answer<()> {
        let site = site.map(recorded_site_key).transpose()?;
        Ok(self.wallet.remove_rule(Self::rule_key(app, site, network, token)?).await?)
    }
}
