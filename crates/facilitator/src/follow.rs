//! What became of a transaction that was sent, or may have been: looked up, sent again as the very same bytes while
//! a block may still take them, read from the token's own log, written down, and followed until it is final. Refuses to
//! call a payment settled without its transfers, a transaction dead before the chain's final history is past its expiry,
//! and what was seen final before it is.

use crate::{
    Facilitator, Reason,
    flights::{Key, Outcome},
    settle::unwritten,
    store::{News, Sent, State},
};
use chain::{ChainError, Finality, Receipt, TronGrid};
use std::time::Duration;
use tokio::time::Instant;
use tron::{Address, Amount, SignedTransaction, abi};
use x402::{NonceSlot, Scheme};

/// What following a transaction came to.
pub(crate) enum Fate {
    Known(Outcome),
    /// It is in no block and never will be.
    Dead,
}

/// Where a transaction that was in a block is now.
enum Standing {
    /// There, for good.
    Final(Receipt),
    There(Receipt),
    /// In no block, and its nonce is unused.
    Gone,
    /// The node's answers don't belong together, or are behind.
    Unclear,
}

/// So many looks in a row have to find nothing before a transaction counts as dropped.
pub(crate) const LOOKS: usize = 3;

/// Blocks; an hour. Final are those that are twenty blocks deep.
const DEEP: u64 = 1_200;

impl Facilitator {
    /// Follows a noted transaction for at most `patience`. Without its bytes it was sent a moment ago and is not sent
    /// again.
    pub(crate) async fn follow(&self, grid: &TronGrid, sent: &Sent, patience: Duration) -> Fate {
        match sent.state {
            State::Settled | State::Reversed => recorded(sent),
            State::Seen => self.advance(grid, sent, false).await,
            State::Failing | State::Failed => self.failure(grid, sent).await,
            State::Dead => Fate::Dead,
            State::Open if sent.left_at.is_some() => self.bring_back(grid, sent, patience).await,
            State::Open => self.find_out(grid, sent, patience).await,
        }
    }

    async fn find_out(&self, grid: &TronGrid, sent: &Sent, patience: Duration) -> Fate {
        let until = Instant::now() + patience;
        let mut to_send = SignedTransaction::from_bytes(&sent.bytes).ok();
        loop {
            match grid.receipt(&sent.id, Finality::Seen).await {
                Ok(Some(receipt)) if receipt.tells() => return self.read(grid, sent, &receipt).await,
                // In a block, and the node does not tell what became of it: neither settled nor failed yet.
                Ok(Some(_)) => {}
                Ok(None) => {
                    if let Some(transaction) = to_send.take() {
                        self.send_again(grid, sent, &transaction).await;
                        continue;
                    }
                }
                Err(error) => tracing::warn!(%error, "a receipt could not be read"),
            }
            if Instant::now() + self.config().poll >= until {
                break;
            }
            tokio::time::sleep(self.config().poll).await;
        }
        match lost(grid, sent).await {
            Ok(true) => {
                tracing::warn!(transaction = %sent.id, "a settlement was never included");
                match self.store().turn(sent.id, News::Dead, self.config().clock.now()).await {
                    Ok(_) => return Fate::Dead,
                    Err(error) => {
                        unwritten(&error);
                    }
                }
            }
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "the chain's history could not be read"),
        }
        Fate::Known(Outcome::Pending(sent.id))
    }

    /// The very same bytes, while a block may still take them. What the network says proves nothing here: it may
    /// have taken them before.
    async fn send_again(&self, grid: &TronGrid, sent: &Sent, transaction: &SignedTransaction) {
        let alive = match grid.head().await {
            Ok(head) => head.timestamp_ms <= sent.expiration_ms,
            Err(error) => {
                tracing::warn!(%error, "the chain could not be asked");
                false
            }
        };
        if alive {
            match grid.broadcast(transaction).await {
                Ok(()) => tracing::info!(transaction = %sent.id, "sent again"),
                Err(error) => tracing::warn!(%error, transaction = %sent.id, "sent again in vain"),
            }
        }
    }

    /// What a block says of it, which may still be dropped.
    pub(crate) async fn read(&self, grid: &TronGrid, sent: &Sent, receipt: &Receipt) -> Fate {
        self.budgets().took(&sent.id, receipt.energy, receipt.fee_sun, self.config().clock.now());
        if good(sent, receipt) {
            let news = self.write(sent, News::Seen { block: receipt.block }).await;
            if let (true, Some(_)) = (news, sent.left_at) {
                tracing::warn!(transaction = %sent.id, block = receipt.block, "a settlement that was dropped is in a block again");
                self.metrics().reversal(sent.key.network, "settled_again");
            }
            return Fate::Known(Outcome::Settled(sent.id));
        }
        let reason = self.why_failed(grid, sent, receipt).await;
        tracing::warn!(transaction = %sent.id, result = receipt.result, %reason, "a settlement failed on chain");
        self.write(sent, News::Failing { block: receipt.block, reason: reason.code() }).await;
        recorded(&Sent { state: State::Failing, reason: Some(reason.code().to_owned()), ..sent.clone() })
    }

    /// A transaction without effect may be one that came second.
    async fn why_failed(&self, grid: &TronGrid, sent: &Sent, receipt: &Receipt) -> Reason {
        match used(grid, sent, Finality::Seen).await {
            Ok(true) if !receipt.success => Reason::NonceAlreadyUsed,
            Ok(_) => Reason::FAILED_ON_CHAIN,
            Err(error) => {
                tracing::warn!(%error, "a nonce could not be read");
                Reason::FAILED_ON_CHAIN
            }
        }
    }

    /// It failed. Somebody else may have settled the same authorization, before or since; who was told that this one
    /// failed is not told otherwise, but why.
    async fn failure(&self, grid: &TronGrid, sent: &Sent) -> Fate {
        let mut sent = sent.clone();
        if sent.reason.as_deref() != Some(Reason::NonceAlreadyUsed.code()) {
            match used(grid, &sent, Finality::Seen).await {
                // A token that moved nothing and says success has used the nonce itself.
                Ok(true) if !matches!(grid.receipt(&sent.id, Finality::Seen).await, Ok(Some(it)) if it.success) => {
                    sent.reason = Some(Reason::NonceAlreadyUsed.code().to_owned());
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "a nonce could not be read"),
            }
        }
        match sent.state {
            State::Failing => self.advance(grid, &sent, false).await,
            _ => recorded(&sent),
        }
    }

    /// Looks at what was in a block: whether it still is, and, when asked, whether it is there for good.
    pub(crate) async fn advance(&self, grid: &TronGrid, sent: &Sent, for_good: bool) -> Fate {
        let standing = match self.standing(grid, sent, for_good).await {
            Ok(standing) => standing,
            Err(error) => {
                tracing::warn!(%error, transaction = %sent.id, "the chain could not be asked");
                return recorded(sent);
            }
        };
        let was_seen = sent.state == State::Seen;
        match standing {
            Standing::Final(receipt) if good(sent, &receipt) => {
                self.write(sent, News::Settled).await;
                recorded(&Sent { state: State::Settled, ..sent.clone() })
            }
            Standing::Final(receipt) => {
                let reason = self.why_failed(grid, sent, &receipt).await;
                if was_seen || sent.left_at.is_some() {
                    return self.reverse(sent, reason.code()).await;
                }
                self.write(sent, News::Failed { reason: Some(reason.code()) }).await;
                recorded(&Sent { state: State::Failed, reason: Some(reason.code().to_owned()), ..sent.clone() })
            }
            Standing::There(receipt) if good(sent, &receipt) == was_seen => {
                if was_seen && sent.block != Some(receipt.block) {
                    self.write(sent, News::Seen { block: receipt.block }).await;
                }
                recorded(sent)
            }
            Standing::There(receipt) => {
                let now = self.config().clock.now();
                if was_seen {
                    // On another branch the same bytes failed.
                    self.dropped(sent).await;
                }
                self.read(grid, &Sent { left_at: was_seen.then_some(now), ..sent.clone() }, &receipt).await
            }
            Standing::Gone if was_seen => {
                self.dropped(sent).await;
                let now = self.config().clock.now();
                let left = Sent { state: State::Open, block: None, left_at: Some(now), reason: None, ..sent.clone() };
                self.bring_back(grid, &left, Duration::ZERO).await
            }
            // Nobody sends again what failed.
            Standing::Gone | Standing::Unclear if !was_seen => {
                if lost(grid, sent).await.unwrap_or(false) {
                    self.write(sent, News::Failed { reason: None }).await;
                }
                recorded(sent)
            }
            Standing::Gone | Standing::Unclear => recorded(sent),
        }
    }

    async fn standing(&self, grid: &TronGrid, sent: &Sent, for_good: bool) -> Result<Standing, ChainError> {
        let seen = grid.receipt(&sent.id, Finality::Seen).await?.filter(Receipt::tells);
        let Some(seen) = seen else {
            let gone = self.has_left(grid, sent).await?;
            return Ok(if gone { Standing::Gone } else { Standing::Unclear });
        };
        let last = match grid.receipt(&sent.id, Finality::Final) {
            _ if !for_good => None,
            asked => match asked.await {
                Ok(last) => last,
                // A node without a final history: so deep in the chain nothing is dropped.
                Err(_) if grid.head().await?.number >= seen.block.saturating_add(DEEP) => Some(seen.clone()),
                Err(error) => return Err(error),
            },
        };
        Ok(match last.filter(Receipt::tells) {
            Some(last) if last.contradicts(&seen) => {
                let (newest, last) = (seen.result, last.result);
                tracing::warn!(transaction = %sent.id, newest, last, "newest and final blocks differ about it");
                Standing::Unclear
            }
            Some(last) => Standing::Final(last),
            None => Standing::There(seen),
        })
    }

    /// Whether the chain has dropped it: in no block, although the node is as far as that block was, and its nonce is
    /// unused; several times, for one of several nodes may be behind. A used nonce is another transaction's where this
    /// one can be in no block any more.
    async fn has_left(&self, grid: &TronGrid, sent: &Sent) -> Result<bool, ChainError> {
        for look in 0..LOOKS {
            if look > 0 {
                tokio::time::sleep(self.config().poll).await;
            }
            let receipt = grid.receipt(&sent.id, Finality::Seen);
            let (head, receipt, used) = tokio::try_join!(grid.head(), receipt, used(grid, sent, Finality::Seen))?;
            if head.number < sent.block.unwrap_or_default() || receipt.is_some() {
                return Ok(false);
            }
            if used {
                return lost(grid, sent).await;
            }
        }
        Ok(true)
    }

    /// Waits until what was seen is final, for at most `patience`.
    pub(crate) async fn until_final(&self, grid: &TronGrid, key: &Key, patience: Duration) -> Option<Outcome> {
        let until = Instant::now() + patience;
        loop {
            let sent = match self.store().find(key) {
                Ok(sent) => sent?,
                Err(error) => {
                    unwritten(&error);
                    return None;
                }
            };
            let pending = Outcome::Pending(sent.id);
            match sent.state {
                State::Seen => match self.advance(grid, &sent, true).await {
                    Fate::Known(Outcome::Settled(_)) => {}
                    Fate::Known(other) => return Some(other),
                    Fate::Dead => return Some(pending),
                },
                State::Settled => return Some(Outcome::Settled(sent.id)),
                State::Open => return Some(pending),
                _ => {
                    return match recorded(&sent) {
                        Fate::Known(outcome) => Some(outcome),
                        Fate::Dead => None,
                    };
                }
            }
            if matches!(self.store().find(key), Ok(Some(now)) if now.state == State::Settled) {
                continue;
            }
            if Instant::now() + self.config().poll >= until {
                return Some(pending);
            }
            tokio::time::sleep(self.config().poll).await;
        }
    }

    /// Whether it was news; a database that fails is told, and the chain is read again at the next look.
    pub(crate) async fn write(&self, sent: &Sent, news: News) -> bool {
        self.store().turn(sent.id, news, self.config().clock.now()).await.unwrap_or_else(|error| {
            unwritten(&error);
            false
        })
    }
}

/// What a row says by itself.
pub(crate) fn recorded(sent: &Sent) -> Fate {
    let why = || sent.reason.as_deref().map_or(Reason::FAILED_ON_CHAIN.code(), Reason::known);
    let left = sent.left_at.is_some();
    Fate::Known(match sent.state {
        State::Seen | State::Settled => Outcome::Settled(sent.id),
        State::Open if left && sent.reason.is_some() => reversed(sent, why()),
        State::Open => Outcome::Pending(sent.id),
        State::Failing if left => reversed(sent, why()),
        State::Failing | State::Failed => {
            let second = sent.reason.as_deref() == Some(Reason::NonceAlreadyUsed.code());
            let reason = if second { Reason::NonceAlreadyUsed } else { Reason::FAILED_ON_CHAIN };
            Outcome::Failed { reason, transaction: Some(sent.id) }
        }
        State::Reversed => Outcome::Reversed { transaction: sent.id, why: why(), until: None },
        State::Dead => return Fate::Dead,
    })
}

/// It may still be settled, as long as its permission lives.
pub(crate) fn reversed(sent: &Sent, why: &'static str) -> Outcome {
    Outcome::Reversed { transaction: sent.id, why, until: Some(sent.valid_before) }
}

/// Where the use of its nonce is written down.
pub(crate) fn slot(sent: &Sent) -> NonceSlot {
    let scheme = match () {
        () if sent.key.contract == sent.token => Scheme::ExactEip3009,
        () if sent.scheme == Scheme::ExactPermit.name() => Scheme::ExactPermit,
        () => Scheme::ExactPermit2,
    };
    NonceSlot { scheme, contract: sent.key.contract, owner: sent.key.owner, nonce: sent.key.nonce }
}

/// Whether its nonce is used, by whatever transaction.
pub(crate) async fn used(grid: &TronGrid, sent: &Sent, finality: Finality) -> Result<bool, ChainError> {
    let slot = slot(sent);
    let output = grid.call_at(finality, slot.contract, slot.call()).await?;
    slot.used(&output).ok_or_else(|| ChainError::Reverted { reason: "the answer about a nonce can't be read".into() })
}

/// Whether a transaction can be in no block any more: its expiry is final history and it is in none.
pub(crate) async fn lost(grid: &TronGrid, sent: &Sent) -> Result<bool, ChainError> {
    let head = grid.head_at(Finality::Final).await?;
    Ok(head.timestamp_ms > sent.expiration_ms && grid.receipt(&sent.id, Finality::Final).await?.is_none())
}

/// It succeeded and moved what was signed.
fn good(sent: &Sent, receipt: &Receipt) -> bool {
    receipt.success && moved(sent, receipt)
}

/// Whether the token itself reports the transfers that were signed.
fn moved(sent: &Sent, receipt: &Receipt) -> bool {
    let mut transfers: Vec<_> = receipt
        .logs
        .iter()
        .filter(|log| log.address == sent.token)
        .filter_map(|log| abi::decode_transfer(&log.topics, &log.data))
        .collect();
    let mut take = |to: Address, amount: Amount| {
        let found = transfers.iter().position(|t| t.from == sent.key.owner && t.to == to && t.amount == amount);
        found.map(|index| transfers.swap_remove(index)).is_some()
    };
    take(sent.payee, sent.amount) && sent.fee.is_none_or(|(to, amount)| amount.is_zero() || take(to, amount))
}
