//! Tokens that a person added by their address, and the settings that the window changes. Refuses to add
//! what the table knows already, or an address that answers like no token.

use crate::config::has_set;
use crate::{Event, Wallet, WalletError, lock};
use ledger::AddedToken;
use tron::{Address, Network, token};

/// The ledger's name of the auto-lock setting.
const AUTO_LOCK: &str = "autoLockMinutes";
const PERMIT2: &str = "permit2";
const MINUTE_MS: i64 = 60_000;

impl Wallet {
    pub async fn tokens(&self) -> Result<Vec<AddedToken>, WalletError> {
        self.db(|ledger| ledger.tokens()).await
    }

    /// Reads symbol and decimals from the contract and keeps them.
    pub async fn add_token(&self, network: Network, address: Address) -> Result<AddedToken, WalletError> {
        if let Some(known) = token::lookup(network, address) {
            let found = known.symbol.to_owned();
            return Err(WalletError::Field { field: "token", expected: "a token that is not in the table", found });
        }
        let claims = self.node(network)?.token_claims(address).await?;
        let (symbol, decimals, added_at) = (claims.symbol, claims.decimals, self.now());
        let added = AddedToken { network, address, symbol, decimals, added_at };
        let row = added.clone();
        self.db(move |ledger| ledger.add_token(&row)).await?;
        self.emit(Event::Rules);
        Ok(added)
    }

    pub async fn remove_token(&self, network: Network, address: Address) -> Result<(), WalletError> {
        self.db(move |ledger| ledger.remove_token(network, address)).await?;
        self.emit(Event::Rules);
        Ok(())
    }

    /// Minutes without use after which the wallet locks; 0 = never. What the window set goes before the file.
    pub fn auto_lock(&self) -> u32 {
        lock(&self.0.auto_lock).unwrap_or(self.config().auto_lock_minutes)
    }

    pub(crate) fn auto_lock_ms(&self) -> Option<i64> {
        let minutes = self.auto_lock();
        (minutes > 0).then(|| i64::from(minutes) * MINUTE_MS)
    }

    pub async fn set_auto_lock(&self, minutes: u32) -> Result<(), WalletError> {
        let value = minutes.to_string();
        self.db(move |ledger| ledger.set_setting(AUTO_LOCK, &value)).await?;
        *lock(&self.0.auto_lock) = Some(minutes);
        self.touch();
        self.emit(Event::Lock);
        Ok(())
    }

    /// The Permit2 deployment that is signed for where a site has none of its own. What the window set goes before
    /// the file.
    pub fn permit2(&self) -> String {
        lock(&self.0.permit2).clone().unwrap_or_else(|| self.config().permit2.clone())
    }

    /// A network of this profile has a deployment of this name.
    pub(crate) fn has_permit2(&self, set: &str) -> bool {
        has_set(self.home(), set)
    }

    /// Open questions keep the one that they show.
    pub async fn set_permit2(&self, set: &str) -> Result<(), WalletError> {
        if !has_set(self.home(), set) {
            return Err(WalletError::Field { field: "permit2", expected: "first or second", found: set.to_owned() });
        }
        let value = set.to_owned();
        self.db(move |ledger| ledger.set_setting(PERMIT2, &value)).await?;
        *lock(&self.0.permit2) = Some(set.to_owned());
        self.emit(Event::Rules);
        Ok(())
    }

    pub(crate) fn restore_settings(&self) -> Result<(), ledger::LedgerError> {
        let permit2 = self.0.ledger.setting(PERMIT2)?;
        *lock(&self.0.permit2) = permit2.filter(|set| has_set(self.home(), set));
        let kept = self.0.ledger.setting(AUTO_LOCK)?;
        *lock(&self.0.auto_lock) = kept.and_then(|text| text.parse().ok());
        Ok(())
    }
}
