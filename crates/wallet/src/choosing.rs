//! What the wallet chooses where the offer leaves it open: a nonce that was never used, and how long the permission
//! holds from the yes on. Refuses a lifetime in which nobody could settle.

use crate::{Event, Wallet, WalletError};
use plan::{BACKDATED_SECS, Moment, Permit2AtSite, Site, Window};
use tron::Network;
use x402::{Terms, U256, scheme::MARGIN_SECS};

/// Seconds that a permission holds where the offer names no `maxTimeoutSeconds`.
const LIFETIME_SECS: u64 = 300;
/// Longer is never chosen, whatever the offer would take.
const LIFETIME_MOST_SECS: u64 = 3600;

/// Seconds from the yes until the permission ends. `None`: the offer leaves no time to settle.
pub(crate) fn lifetime(terms: &Terms) -> Option<u64> {
    let secs = terms.lifetime().unwrap_or(LIFETIME_SECS).min(LIFETIME_MOST_SECS);
    (secs > MARGIN_SECS).then_some(secs)
}

/// The window of a permission that is given now. It begins a little earlier: the chain's clock may be behind.
pub(crate) fn window(lifetime: u64, now: Moment) -> Window {
    let now = now.secs();
    Window { valid_after: now.saturating_sub(BACKDATED_SECS), valid_before: now.saturating_add(lifetime) }
}

/// 256 random bits. Whether the chain knows them is asked like any other nonce.
pub(crate) fn nonce() -> Result<U256, WalletError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| WalletError::Check { check: "system randomness" })?;
    Ok(U256::from_be_bytes(bytes))
}

impl Wallet {
    /// The terms through the Permit2 deployment of this site: the one that a person selected for it, in the question or
    /// in the configuration, else the one that the chain last showed a settlement through, else the general setting's.
    pub(crate) async fn through(&self, terms: &Terms, site: &Site) -> Result<Terms, WalletError> {
        if !terms.leaves_permit2_open() {
            return Ok(terms.clone());
        }
        let at = self.permit2_at(site, terms.network()).await?;
        let configured = self.config().permit2_sites.get(&site.to_string()).cloned();
        let set = at.chosen.or(configured).or(at.settled).unwrap_or_else(|| self.permit2());
        // A network without the selected deployment has its default.
        Ok(terms.through(&set).unwrap_or_else(|| terms.clone()))
    }

    /// What is known of the Permit2 deployments that a site is paid through.
    pub async fn permit2_at(&self, site: &Site, network: Network) -> Result<Permit2AtSite, WalletError> {
        let site = site.clone();
        self.db(move |ledger| ledger.permit2_at(&site, network)).await
    }

    /// Selects a Permit2 deployment for a site on every network that has it; `None` takes the selection back. Open
    /// questions keep the one that they show.
    pub async fn set_permit2_at(&self, site: &Site, set: Option<&str>) -> Result<(), WalletError> {
        if let Some(set) = set.filter(|set| !self.has_permit2(set)) {
            return Err(WalletError::Field { field: "permit2", expected: "first or second", found: set.to_owned() });
        }
        for network in self.0.nodes.keys().copied().collect::<Vec<_>>() {
            let (site, set) = (site.clone(), set.map(str::to_owned));
            self.db(move |ledger| ledger.choose_permit2(&site, network, set.as_deref())).await?;
        }
        self.emit(Event::Rules);
        Ok(())
    }
}
