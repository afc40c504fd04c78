//! A settlement whose block the chain has dropped: sent again while its permission lives, as the same bytes or, where
//! those have expired, anew under the same authorization; what comes of it is told. Refuses to send what the contract
//! would refuse now, and a second transaction before the first can be in no block any more.

use crate::{
    Facilitator, Reason,
    flights::Outcome,
    follow::{Fate, LOOKS, lost, recorded, reversed, slot, used},
    settle::unwritten,
    store::{News, Sent, State},
};
use chain::{ChainError, Finality, Receipt, TronGrid};
use std::time::Duration;
use tokio::time::Instant;
use tron::{SignedTransaction, tx::Contract};
use x402::{InvalidReason as No, Scheme};

impl Facilitator {
    /// Says, once, that it is in no block any more.
    pub(crate) async fn dropped(&self, sent: &Sent) {
        if self.write(sent, News::Left).await {
            tracing::error!(
                network = sent.key.network.canonical(),
                transaction = %sent.id,
                block = sent.block,
                "the chain has dropped the block of a settlement; it is sent again while its permission lives"
            );
            self.metrics().reversal(sent.key.network, "dropped");
        }
    }

    /// Nothing settles this authorization any more.
    pub(crate) async fn reverse(&self, sent: &Sent, why: &'static str) -> Fate {
        if self.write(sent, News::Reversed { reason: why }).await {
            self.tell_reversed(sent, why, "a settlement was reversed for good: its payee was not paid by it");
        }
        recorded(&Sent { state: State::Reversed, reason: Some(why.to_owned()), ..sent.clone() })
    }

    /// It can't be sent again now.
    async fn stays(&self, sent: &Sent, why: &'static str) -> Fate {
        if sent.reason.as_deref() != Some(why) && self.write(sent, News::Stays { reason: why }).await {
            self.tell_reversed(sent, why, "a settlement that the chain has dropped can't be sent again as things are");
        }
        Fate::Known(reversed(sent, why))
    }

    fn tell_reversed(&self, sent: &Sent, why: &'static str, message: &'static str) {
        let network = sent.key.network.canonical();
        tracing::error!(network, transaction = %sent.id, reason = why, "{message}");
        if sent.reason.is_none() {
            self.metrics().reversal(sent.key.network, "reversed");
        }
    }

    /// Tries to get a dropped settlement into a block again, and looks for it there for at most `patience`.
    pub(crate) async fn bring_back(&self, grid: &TronGrid, sent: &Sent, patience: Duration) -> Fate {
        match self.try_again(grid, sent, patience).await {
            Ok(fate) => fate,
            Err(error) => {
                tracing::warn!(%error, transaction = %sent.id, "the chain could not be asked");
                recorded(sent)
            }
        }
    }

    async fn try_again(&self, grid: &TronGrid, sent: &Sent, patience: Duration) -> Result<Fate, ChainError> {
        // A node may have put it into a block by itself.
        if let Some(fate) = self.there_again(grid, sent).await? {
            return Ok(fate);
        }
        let (head, last) = tokio::try_join!(grid.head(), grid.head_at(Finality::Final))?;
        let used_now = used(grid, sent, Finality::Seen).await?;
        let over = last.timestamp_ms / 1000 >= sent.valid_before;
        if (used_now || over) && lost(grid, sent).await? {
            if used(grid, sent, Finality::Final).await? {
                return Ok(self.reverse(sent, Reason::NonceAlreadyUsed.code()).await);
            }
            if over && !used_now {
                let why = sent.reason.as_deref().map_or(No::Expired.code(), Reason::known);
                return Ok(self.reverse(sent, why).await);
            }
        }
        if used_now {
            return self.stays_unless_there(grid, sent, Reason::NonceAlreadyUsed.code()).await;
        }
        if head.timestamp_ms / 1000 + self.config().margin.as_secs() >= sent.valid_before {
            let why = sent.reason.as_deref().map_or(No::Expired.code(), Reason::known);
            return self.stays_unless_there(grid, sent, why).await;
        }
        let Ok(transaction) = SignedTransaction::from_bytes(&sent.bytes) else {
            return self.stays_unless_there(grid, sent, Reason::TRANSACTION_FAILED.code()).await;
        };
        if let Some(why) = self.would_fail(grid, sent, &transaction.raw.contract).await? {
            return self.stays_unless_there(grid, sent, why).await;
        }
        let mut sent = sent.clone();
        if head.timestamp_ms <= sent.expiration_ms {
            match grid.broadcast(&transaction).await {
                Ok(()) => tracing::info!(transaction = %sent.id, "sent again"),
                Err(error) => tracing::warn!(%error, transaction = %sent.id, "sent again in vain"),
            }
        } else if lost(grid, &sent).await? {
            match self.send_anew(grid, &sent, transaction.raw.contract).await? {
                Some(new) => sent = new,
                None => return Ok(Fate::Known(Outcome::Pending(sent.id))),
            }
        } else {
            return Ok(Fate::Known(Outcome::Pending(sent.id)));
        }
        let until = Instant::now() + patience;
        loop {
            if let Some(fate) = self.there_again(grid, &sent).await? {
                return Ok(fate);
            }
            if Instant::now() + self.config().poll >= until {
                return Ok(Fate::Known(Outcome::Pending(sent.id)));
            }
            tokio::time::sleep(self.config().poll).await;
        }
    }

    /// A block may have taken it between two questions: then its nonce is used, and its call would fail. Before anybody
    /// is alarmed it is looked for again, several times, for one of several nodes may be behind.
    async fn stays_unless_there(&self, grid: &TronGrid, sent: &Sent, why: &'static str) -> Result<Fate, ChainError> {
        let looks = if sent.reason.is_none() { LOOKS } else { 1 };
        for look in 0..looks {
            if look > 0 {
                tokio::time::sleep(self.config().poll).await;
            }
            if let Some(fate) = self.there_again(grid, sent).await? {
                return Ok(fate);
            }
        }
        Ok(self.stays(sent, why).await)
    }

    async fn there_again(&self, grid: &TronGrid, sent: &Sent) -> Result<Option<Fate>, ChainError> {
        match grid.receipt(&sent.id, Finality::Seen).await?.filter(Receipt::tells) {
            Some(receipt) => Ok(Some(self.read(grid, sent, &receipt).await)),
            None => Ok(None),
        }
    }

    /// Why the contract would refuse the same call now, by a trial run.
    async fn would_fail(
        &self,
        grid: &TronGrid,
        sent: &Sent,
        call: &Contract,
    ) -> Result<Option<&'static str>, ChainError> {
        let Contract::Trigger { owner, contract, data, .. } = call else {
            return Ok(Some(Reason::TRANSACTION_FAILED.code()));
        };
        let run = grid.simulate(*owner, *contract, data.clone()).await?;
        if run.ok {
            let price = grid.energy_price_sun().await?;
            let dear = run.energy.saturating_mul(price) > self.config().fee_limit_sun;
            return Ok(dear.then_some(Reason::TRANSACTION_FAILED.code()));
        }
        let fee = sent.fee.map_or(tron::Amount::ZERO, |(_, amount)| amount);
        let due = sent.amount.saturating_add(fee);
        if grid.balance(sent.token, sent.key.owner).await? < due {
            return Ok(Some(Reason::InsufficientFunds.code()));
        }
        let scheme = slot(sent).scheme;
        let short = scheme != Scheme::ExactEip3009
            && grid.allowance(sent.token, sent.key.owner, sent.key.contract).await? < due;
        Ok(Some(match scheme {
            Scheme::ExactPermit if short => Reason::InsufficientAllowance.code(),
            _ if short => No::Permit2Allowance.code(),
            _ => Reason::TRANSACTION_FAILED.code(),
        }))
    }

    /// Another transaction of the same account with the same call: the first one can be in no block any more.
    async fn send_anew(&self, grid: &TronGrid, sent: &Sent, call: Contract) -> Result<Option<Sent>, ChainError> {
        let raw = self.refer(grid).await?.transaction(call, self.config().fee_limit_sun, self.config().lifetime);
        let transaction = match self.keys().sign(raw) {
            Ok(transaction) => transaction,
            Err(error) => {
                tracing::error!(%error, "a settlement could not be signed");
                return Ok(None);
            }
        };
        let now = self.config().clock.now();
        let new = Sent {
            id: transaction.id(),
            bytes: transaction.to_bytes(),
            expiration_ms: transaction.raw.expiration_ms,
            state: State::Open,
            block: None,
            reason: None,
            noted_at: now,
            ..sent.clone()
        };
        match self.store().replace(sent.id, new.clone(), now).await {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(error) => {
                unwritten(&error);
                return Ok(None);
            }
        }
        match grid.broadcast(&transaction).await {
            Ok(()) => tracing::info!(transaction = %new.id, instead_of = %sent.id, "settled anew"),
            Err(error) => tracing::warn!(%error, transaction = %new.id, "sent in vain"),
        }
        Ok(Some(new))
    }
}
