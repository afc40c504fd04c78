//! The newest block's time beside this machine's clock and beside the record: read once a start, at each look at the
//! chain, and now and then. Says when they differ; no permission is dated by the local clock alone.

use crate::{Event, Wallet, WalletError, lock};
use ledger::Redated;
use plan::{Moment, Window};
use std::time::Duration;
use tron::Network;

/// An answer that is older than this is asked for again at the next look at the chain.
const FRESH_MS: i64 = 5_000;
/// Now and then, as long as nothing looks at the chain.
const EVERY: Duration = Duration::from_secs(600);
/// Until a node was reached once.
const UNTIL_KNOWN: Duration = Duration::from_secs(30);
/// A record that ends so long before this clock's time may have been left alone, or the clock is ahead.
const FAR_MS: i64 = 30 * Moment::DAY_MS;

/// What is wrong with the time, as far as is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clocks {
    /// Seconds between this machine's clock and the newest block, and whether it is ahead.
    pub clock: Option<(u64, bool)>,
    pub record: Option<RecordOff>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordOff {
    /// It ends in the future: nothing is paid automatically until that is set right.
    Ahead { seconds: u64, newest: Moment },
    /// It ends long before this machine's clock, and no block tells yet which of them is right.
    FarBehind { seconds: u64, newest: Moment },
}

/// As long as somebody holds the wallet.
pub(crate) fn watch(wallet: &Wallet) {
    let inner = std::sync::Arc::downgrade(&wallet.0);
    wallet.spawn(async move {
        loop {
            let Some(wallet) = inner.upgrade().map(Wallet) else { return };
            wallet.see_head(wallet.home()).await;
            wallet.tell_of_clock().await;
            let known = wallet.0.time.block().is_some();
            drop(wallet);
            tokio::time::sleep(if known { EVERY } else { UNTIL_KNOWN }).await;
        }
    });
}

fn seconds(ms: i64) -> u64 {
    ms.unsigned_abs() / 1000
}

impl Wallet {
    /// Asks for the newest block's time, unless it was asked a moment ago.
    pub(crate) async fn see_head(&self, network: Network) {
        let asked_ms = self.0.time.boot_ms();
        let fresh = lock(&self.0.memory).heads.get(&network).is_some_and(|(_, at)| asked_ms - at <= FRESH_MS);
        let Ok(node) = self.node(network) else { return };
        if !fresh && let Ok(head) = node.head().await {
            let chain_ms = i64::try_from(head.timestamp_ms).unwrap_or(i64::MAX);
            lock(&self.0.memory).heads.insert(network, (chain_ms, asked_ms));
            self.0.time.saw_block(chain_ms, asked_ms);
        }
    }

    /// Asks for it where no block is known yet, and waits so long for it.
    pub async fn look_at_clock(&self, patience: Duration) {
        if self.0.time.block().is_none() {
            let _ = tokio::time::timeout(patience, self.see_head(self.home())).await;
        }
    }

    /// The time by a network's newest block. `None` where no node of it ever told one.
    fn block_time(&self, network: Network) -> Option<Moment> {
        let (chain_ms, asked_ms) = lock(&self.0.memory).heads.get(&network).copied()?;
        Some(self.0.time.since(chain_ms, asked_ms))
    }

    /// How far this machine's clock is ahead of the newest block that was seen: a wall clock that is set meanwhile is
    /// noticed without a node.
    pub(crate) fn clock_ahead_ms(&self, network: Network) -> Option<i64> {
        self.block_time(network).map(|block| self.0.time.wall().since(block))
    }

    /// The time that a 402's own times are judged by: the block's, else this machine's.
    pub(crate) fn judged_at(&self, network: Network) -> Moment {
        self.block_time(network).unwrap_or_else(|| self.0.time.latest())
    }

    /// The time that a permission would be dated by.
    pub(crate) fn dated(&self, network: Network) -> Moment {
        self.block_time(network).map_or_else(|| self.0.time.latest(), |block| self.0.time.dated(block))
    }

    /// A permission's window from now on.
    ///
    /// # Errors
    /// [`WalletError::NoBlockTime`]: no node told the time of a block since the start, and this machine's clock alone
    /// dates nothing.
    pub(crate) fn window(&self, network: Network, lifetime: u64) -> Result<Window, WalletError> {
        let block = self.block_time(network).ok_or(WalletError::NoBlockTime { network })?;
        Ok(crate::choosing::window(lifetime, self.0.time.dated(block)))
    }

    /// What is wrong with the time by now.
    pub async fn clocks(&self) -> Result<Clocks, WalletError> {
        let newest = self.db(|ledger| ledger.newest()).await?;
        let (block, wall, latest) = (self.0.time.block(), self.0.time.wall(), self.0.time.latest());
        let record = newest.and_then(|newest| {
            let ahead = newest.since(block.unwrap_or(latest));
            match block {
                _ if ahead > crate::clock::APART_MS => Some(RecordOff::Ahead { seconds: seconds(ahead), newest }),
                None if -ahead > FAR_MS => Some(RecordOff::FarBehind { seconds: seconds(ahead), newest }),
                _ => None,
            }
        });
        Ok(Clocks { clock: self.clock_off(wall), record })
    }

    fn clock_off(&self, wall: Moment) -> Option<(u64, bool)> {
        let ahead = wall.since(self.0.time.block()?);
        (ahead.saturating_abs() > crate::clock::APART_MS).then_some((seconds(ahead), ahead > 0))
    }

    /// Tells once when the clock went wrong or right.
    pub(crate) async fn tell_of_clock(&self) {
        let off = self.clock_off(self.0.time.wall());
        let way = off.map(|(_, ahead)| ahead);
        if std::mem::replace(&mut *lock(&self.0.clock_told), way) == way {
            return;
        }
        match off {
            Some((seconds, ahead)) => {
                tracing::warn!(
                    seconds,
                    ahead,
                    "this machine's clock and the newest block differ: nothing is paid by itself"
                );
            }
            None => tracing::info!("this machine's clock and the newest block agree"),
        }
        self.emit(Event::Lock);
    }

    /// What time it is, as both this machine's clock and a block tell it.
    ///
    /// # Errors
    /// [`WalletError::NoBlockTime`] and [`WalletError::ClockOff`].
    pub async fn sure_time(&self) -> Result<Moment, WalletError> {
        self.see_head(self.home()).await;
        let block = self.0.time.block().ok_or(WalletError::NoBlockTime { network: self.home() })?;
        match self.clock_off(self.0.time.wall()) {
            Some((seconds, ahead)) => Err(WalletError::ClockOff { seconds, ahead }),
            // Not before anything that this run has dated already.
            None => Ok(block.max(self.now())),
        }
    }

    /// Dates and counts everything on record that lies ahead as of now. `None`: nothing does.
    ///
    /// # Errors
    /// As [`Wallet::sure_time`].
    pub async fn redate(&self) -> Result<Option<Redated>, WalletError> {
        let now = self.sure_time().await?;
        let redated = self.db(move |ledger| ledger.redate(now)).await?;
        if redated.is_some() {
            self.stored();
            self.emit(Event::Lock);
            self.emit(Event::Rules);
        }
        Ok(redated)
    }
}
