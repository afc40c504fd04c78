//! What became of a transaction that was sent, or may have been: looked up, sent again as the very same bytes while
//! a block may still take them, read from the token's own log, written down. Refuses to call a payment settled
//! without its transfers, and a transaction dead before the chain's final history is past its expiry.

use crate::{
    Facilitator, Reason,
    flights::Outcome,
    settle::unwritten,
    store::{Sent, State},
};
use chain::{ChainError, Finality, Receipt, TronGrid};
use std::time::Duration;
use tokio::time::Instant;
use tron::{Address, Amount, SignedTransaction, abi};

/// What following a transaction came to.
pub(crate) enum Fate {
    Known(Outcome),
    /// It is in no block and never will be.
    Dead,
}

impl Facilitator {
    /// Follows a noted transaction for at most `patience`. Without its bytes it was sent a moment ago and is not sent
    /// again.
    pub(crate) async fn follow(&self, grid: &TronGrid, sent: &Sent, patience: Duration) -> Fate {
        let failed = Outcome::Failed { reason: Reason::FAILED_ON_CHAIN, transaction: Some(sent.id) };
        match sent.state {
            State::Settled => return Fate::Known(Outcome::Settled(sent.id)),
            // Whoever was told that nothing moved may have been paid otherwise since: it stays at that.
            State::Failed => return Fate::Known(failed),
            State::Dead => return Fate::Dead,
            State::Open => {}
        }
        let until = Instant::now() + patience;
        let mut to_send = SignedTransaction::from_bytes(&sent.bytes).ok();
        loop {
            match grid.receipt(&sent.id, Finality::Seen).await {
                Ok(Some(receipt)) if receipt.tells() => return self.read(sent, &receipt, failed).await,
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
                match self.store().end(sent.id, State::Dead, self.config().clock.now()).await {
                    Ok(()) => return Fate::Dead,
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

    async fn read(&self, sent: &Sent, receipt: &Receipt, failed: Outcome) -> Fate {
        let good = receipt.success && moved(sent, receipt);
        if !good {
            tracing::warn!(transaction = %sent.id, result = receipt.result, "a settlement failed on chain");
        }
        let state = if good { State::Settled } else { State::Failed };
        if let Err(error) = self.store().end(sent.id, state, self.config().clock.now()).await {
            // The chain knows; the next look reads it there again.
            unwritten(&error);
        }
        Fate::Known(if good { Outcome::Settled(sent.id) } else { failed })
    }
}

/// Whether a transaction can be in no block any more: its expiry is final history and it is in none.
async fn lost(grid: &TronGrid, sent: &Sent) -> Result<bool, ChainError> {
    let head = grid.head_at(Finality::Final).await?;
    Ok(head.timestamp_ms > sent.expiration_ms && grid.receipt(&sent.id, Finality::Final).await?.is_none())
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
