//! What the wallet chooses where the offer leaves it open: a nonce that was never used, and how long the permission
//! holds from the yes on. Refuses a lifetime in which nobody could settle.

use crate::{Wallet, WalletError};
use plan::{BACKDATED_SECS, Moment, Window};
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
    /// The terms through the Permit2 deployment that the settings select for this site.
    pub(crate) fn through(&self, terms: &Terms, site: &plan::Site) -> Terms {
        // A network without the selected deployment has its default.
        terms.through(&self.permit2_set(site)).unwrap_or_else(|| terms.clone())
    }
}
