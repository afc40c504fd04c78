//! The record as a person looks through it: lists, notes, tags, and the index behind the search, which is
//! brought up to date in the background. Never holds up a payment for longer than a small batch takes.

use crate::{Event, Wallet, WalletError};
use ledger::{Counted, Filter, Found, LedgerError, Listed, Page, PaymentId, Prune, Removed, Space, Spent, Sums, Tag};
use plan::Moment;
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
                let step = |ledger: &ledger::Ledger| {
                    let indexed = match ledger.unindexed()? {
                        0 => 0,
                        _ => ledger.index_more(BATCH)?,
                    };
                    ledger.keep_log_short()?;
                    Ok(indexed)
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

    /// What the rows of each span come to, by token; `None` where that can't be told.
    pub async fn sums_of(
        &self,
        filter: Filter,
        spans: Vec<(Moment, Moment)>,
    ) -> Result<Vec<Option<Vec<Spent>>>, WalletError> {
        self.db(move |ledger| ledger.sums_of(&filter, &spans)).await
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

    /// Begins work of minutes on a thread of its own. It asks now and then whether the wallet closes, which waits for
    /// its end.
    pub fn long_work(
        &self,
        work: impl FnOnce(&ledger::Ledger, &dyn Fn() -> bool) + Send + 'static,
    ) -> Result<(), WalletError> {
        if self.0.stop.is_cancelled() {
            return Err(WalletError::Closed);
        }
        let (ledger, stop) = (std::sync::Arc::clone(&self.0.ledger), self.0.stop.clone());
        drop(self.0.tasks.spawn_blocking(move || work(&ledger, &|| stop.is_cancelled())));
        Ok(())
    }

    /// Sums per bound, as `what` tells them apart.
    pub async fn counted(&self, bounds: Vec<Moment>, what: Sums) -> Result<Vec<Counted>, WalletError> {
        self.db(move |ledger| ledger.counted(&bounds, &what)).await
    }

    pub async fn first_counted(&self) -> Result<Option<Moment>, WalletError> {
        self.db(|ledger| ledger.first_counted()).await
    }

    /// What was removed from the record by its age.
    pub async fn removed(&self) -> Result<Option<Removed>, WalletError> {
        self.db(|ledger| ledger.removed()).await
    }

    /// There are not more old payments than this.
    pub async fn about_how_old(&self, what: Prune) -> Result<u64, WalletError> {
        let now = self.now();
        self.db(move |ledger| ledger.about_how_old(&what, now)).await
    }

    /// How large the record's file is.
    pub async fn space(&self) -> Result<Space, WalletError> {
        self.db(|ledger| ledger.space()).await
    }
}
