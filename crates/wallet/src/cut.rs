//! Cuts the documents of questions that came to nothing: the raw 402 of what was cancelled, refused, turned down or
//! never answered is kept for a day, and what was read of it stays in its row. Touches nothing that was signed.

use crate::{Wallet, WalletError};
use plan::Moment;
use std::time::Duration;

/// How long a person can look at them.
pub(crate) const KEPT_MS: i64 = Moment::DAY_MS;
const EVERY: Duration = Duration::from_secs(3600);
/// Rows in one transaction: a payment may have to wait for it.
const BATCH: u32 = 64;

pub(crate) fn watch(wallet: &Wallet) {
    let inner = std::sync::Arc::downgrade(&wallet.0);
    wallet.spawn(async move {
        loop {
            let Some(wallet) = inner.upgrade().map(Wallet) else { return };
            if let Err(error) = wallet.cut_documents().await {
                tracing::warn!(%error, "documents of old questions are not cut yet");
            }
            drop(wallet);
            tokio::time::sleep(EVERY).await;
        }
    });
}

impl Wallet {
    /// Cuts what is due now; answers how many documents that were.
    pub async fn cut_documents(&self) -> Result<u64, WalletError> {
        let before = self.now().plus_ms(-KEPT_MS);
        let mut all = 0;
        loop {
            match self.db(move |ledger| ledger.cut_documents(before, BATCH)).await? {
                0 => return Ok(all),
                cut => all += cut,
            }
            tokio::task::yield_now().await;
        }
    }
}
