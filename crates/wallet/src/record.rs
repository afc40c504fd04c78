//! The record as a person looks through it: lists, notes, tags, and the index behind the search, which is
//! brought up to date in the background. Never holds up a payment for longer than a small batch takes.

use crate::{Event, Wallet, WalletError};
use ledger::{Filter, Found, LedgerError, Listed, Page, PaymentId, Tag};
use std::time::Duration;

/// How often new rows are indexed; the search looks through them until then.
const INDEX_EVERY: Duration = Duration::from_secs(3);
/// Rows that are indexed in one transaction: about five milliseconds for which a payment may have to wait.
const BATCH: u32 = 128;

/// Indexes what is new, as long as somebody holds the wallet.
pub(crate) fn index(wallet: &Wallet) {
    let inner = std::sync::Arc::downgrade(&wallet.0);
    wallet.spawn(async move {
        let mut ticks = tokio::time::interval(INDEX_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            loop {
                let Some(wallet) = inner.upgrade().map(Wallet) else { return };
                let step = |ledger: &ledger::Ledger| match ledger.unindexed()? {
                    0 => Ok(0),
                    _ => ledger.index_more(BATCH),
                };
                match wallet.db(step).await {
                    Ok(0) => break,
                    Ok(_) => tokio::task::yield_now().await,
                    Err(error) => {
                        tracing::warn!(%error, "the search index waits");
                        break;
                    }
                }
            }
        }
    });
}

impl Wallet {
    /// A page of the record.
    pub async fn payments(&self, filter: Filter, page: Page) -> Result<Found, WalletError> {
        self.db(move |ledger| ledger.payments(&filter, page)).await
    }

    /// One payment with a person's words on it.
    pub async fn listed(&self, id: PaymentId) -> Result<Listed, WalletError> {
        match self.db(move |ledger| ledger.listed(id)).await {
            Err(WalletError::Ledger(LedgerError::NoSuchPayment { .. })) => {
                Err(WalletError::NotFound { what: "payment" })
            }
            other => other,
        }
    }

    /// Sets note ("" removes it) and tags of a payment.
    pub async fn set_note(&self, id: PaymentId, note: String, tags: Vec<String>) -> Result<(), WalletError> {
        let now = self.now();
        let app = self.row(id).await?.plan.app;
        self.db(move |ledger| ledger.set_note(id, &note, &tags, now)).await?;
        self.emit(Event::Payment { id, app });
        Ok(())
    }

    pub async fn tags(&self) -> Result<Vec<Tag>, WalletError> {
        self.db(|ledger| ledger.tags()).await
    }

    pub async fn rename_tag(&self, name: String, new: String) -> Result<(), WalletError> {
        self.db(move |ledger| ledger.rename_tag(&name, &new)).await
    }

    /// There are not more rows than this behind a filter.
    pub async fn about_how_many(&self, filter: Filter) -> Result<u64, WalletError> {
        self.db(move |ledger| ledger.about_how_many(&filter)).await
    }

    /// Begins work of minutes that only reads, on a thread of its own; it ends by itself.
    pub fn long_read(&self, work: impl FnOnce(&ledger::Ledger) + Send + 'static) -> Result<(), WalletError> {
        if self.0.stop.is_cancelled() {
            return Err(WalletError::Closed);
        }
        let ledger = std::sync::Arc::clone(&self.0.ledger);
        std::thread::Builder::new()
            .name("export".to_owned())
            .spawn(move || work(&ledger))
            .map(drop)
            .map_err(|_| WalletError::Check { check: "background work" })
    }
}
