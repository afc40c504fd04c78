//! Settling a payment exactly once: rehearse, sign, note, send, and look at what really happened. Refuses to send a
//! second transaction while the fate of a first is unknown, and to call a payment settled without its transfers.

use crate::{
    Facilitator, Reason, Rejected,
    flights::{Flight, Outcome, Seat, Sent},
    verify::{Judged, unavailable},
};
use chain::{BroadcastError, ChainError, Finality, Receipt, TronGrid};
use tokio::time::Instant;
use tron::{Address, Amount, TxId, abi, tx::Contract};
use x402::{
    Payment, Requirements,
    scheme::exact_permit::{InvalidReason as Permit, Permit as Message},
};

/// How a settlement ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The transaction is in a block, succeeded, and moved the price and the fee.
    Done { transaction: TxId, payer: Address },
    /// A transaction was sent and its fate is not known yet. Settling again looks it up.
    Pending { transaction: TxId, payer: Address },
    /// Nothing moved. `transaction` is one that was sent and failed.
    Failed { rejected: Rejected, transaction: Option<TxId> },
}

impl Facilitator {
    /// Settles a payment, or answers how its settlement ended earlier. However often and however concurrently this
    /// is called for one authorization, there is at most one transaction whose fate is open. The work goes on when
    /// the caller stops waiting.
    pub async fn settle(&self, payment: &Payment, requirements: &Requirements) -> Settled {
        let failed = |reason, payer, transaction| Settled::Failed { rejected: Rejected { reason, payer }, transaction };
        let judged = match self.judge(payment, requirements) {
            Ok(judged) => judged,
            Err(reason) => return failed(reason, None, None),
        };
        let payer = judged.permit.buyer;
        let (digest, valid_before) = (judged.permit.digest(), judged.permit.valid_before);
        let outcome = match self.flights().board(judged.key(), digest, valid_before, self.config().clock.now()) {
            Seat::Done(outcome) => Some(outcome),
            Seat::Wait(outcome) => landed(outcome).await,
            Seat::Taken => return failed(Reason::NonceAlreadyUsed, Some(payer), None),
            Seat::Full => return failed(Reason::Unavailable, Some(payer), None),
            Seat::Lead(flight, earlier) => {
                let outcome = flight.watch();
                let facilitator = self.clone();
                // A task of its own: a seller that hangs up must not interrupt it between sending and looking.
                self.tasks().spawn(async move { facilitator.fly(flight, judged, earlier).await });
                landed(outcome).await
            }
        };
        match outcome {
            Some(Outcome::Settled(transaction)) => Settled::Done { transaction, payer },
            Some(Outcome::Pending(sent)) => Settled::Pending { transaction: sent.id, payer },
            Some(Outcome::Failed { reason, transaction }) => failed(reason, Some(payer), transaction),
            None => failed(Reason::Unavailable, Some(payer), None),
        }
    }

    async fn fly(self, flight: Flight, judged: Judged, earlier: Option<Sent>) {
        let outcome = self.attempt(&flight, &judged, earlier).await;
        let network = judged.permit.network.canonical();
        match &outcome {
            Outcome::Settled(id) => tracing::info!(network, transaction = %id, "settled"),
            Outcome::Pending(sent) => tracing::warn!(network, transaction = %sent.id, "settlement pending"),
            Outcome::Failed { reason, transaction } => {
                tracing::info!(network, %reason, transaction = transaction.map(|id| id.to_string()), "not settled");
            }
        }
        flight.land(outcome);
    }

    async fn attempt(&self, flight: &Flight, judged: &Judged, earlier: Option<Sent>) -> Outcome {
        let failed = |reason| Outcome::Failed { reason, transaction: None };
        let Some(grid) = self.grid(judged.permit.network) else { return failed(Reason::InvalidNetwork) };
        if let Some(sent) = earlier {
            match self.watch(grid, sent, &judged.permit).await {
                // Provably never included: as if it had not been sent.
                Outcome::Failed { transaction: None, .. } => {}
                known => return known,
            }
        }
        if let Err(reason) = self.in_time(&judged.permit) {
            return failed(reason);
        }
        let energy = match self.rehearse(grid, judged).await {
            Ok(energy) => energy,
            Err(reason) => return failed(reason),
        };
        let (head, price) = match tokio::try_join!(grid.head(), grid.energy_price_sun()) {
            Ok(answers) => answers,
            Err(error) => return failed(unavailable(error)),
        };
        let limit = self.config().fee_limit_sun;
        if energy.saturating_mul(price) > limit {
            tracing::warn!(energy, price, limit, "a settlement would cost more than the fee limit");
            return failed(Permit::TransactionFailed.into());
        }
        let (contract, data) = judged.call();
        let contract = Contract::Trigger { owner: self.address(), contract, call_value_sun: 0, data };
        let raw = head.transaction(contract, limit, self.config().lifetime);
        let sent = Sent { id: raw.id(), expiration_ms: raw.expiration_ms };
        let transaction = match self.keys().sign(raw) {
            Ok(transaction) => transaction,
            Err(error) => {
                tracing::error!(%error, "a settlement could not be signed");
                return failed(Reason::Unavailable);
            }
        };
        if let Err(error) = flight.sending(sent) {
            tracing::error!(%error, "the journal can't be written: nothing was sent");
            return failed(Reason::Unavailable);
        }
        match grid.broadcast(&transaction).await {
            Ok(()) | Err(BroadcastError::Unknown(_)) => {}
            Err(error) => {
                tracing::warn!(%error, "the network refused a settlement");
                return failed(Permit::TransactionFailed.into());
            }
        }
        self.watch(grid, sent, &judged.permit).await
    }

    /// Waits for the receipt of a sent transaction. `Failed` without a transaction: it can never be included.
    async fn watch(&self, grid: &TronGrid, sent: Sent, permit: &Message) -> Outcome {
        let until = Instant::now() + self.config().wait;
        loop {
            match grid.receipt(&sent.id, Finality::Seen).await {
                Ok(Some(receipt)) => return read(permit, sent, &receipt),
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "a receipt could not be read"),
            }
            if Instant::now() + self.config().poll >= until {
                break;
            }
            tokio::time::sleep(self.config().poll).await;
        }
        match lost(grid, &sent).await {
            Ok(true) => Outcome::Failed { reason: Permit::TransactionFailed.into(), transaction: None },
            _ => Outcome::Pending(sent),
        }
    }
}

/// Whether a transaction can be in no block any more: its expiry is final history and it is in none.
async fn lost(grid: &TronGrid, sent: &Sent) -> Result<bool, ChainError> {
    let head = grid.head_at(Finality::Final).await?;
    Ok(head.timestamp_ms > sent.expiration_ms && grid.receipt(&sent.id, Finality::Final).await?.is_none())
}

async fn landed(mut outcome: tokio::sync::watch::Receiver<Option<Outcome>>) -> Option<Outcome> {
    outcome.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone())
}

fn read(permit: &Message, sent: Sent, receipt: &Receipt) -> Outcome {
    if receipt.success && moved(permit, receipt) {
        return Outcome::Settled(sent.id);
    }
    tracing::warn!(transaction = %sent.id, result = receipt.result, "a settlement failed on chain");
    Outcome::Failed { reason: Permit::TransactionFailedOnChain.into(), transaction: Some(sent.id) }
}

/// Whether the token itself reports the transfers that the permit promised.
fn moved(permit: &Message, receipt: &Receipt) -> bool {
    let mut transfers: Vec<_> = receipt
        .logs
        .iter()
        .filter(|log| log.address == permit.token)
        .filter_map(|log| abi::decode_transfer(&log.topics, &log.data))
        .collect();
    let mut take = |to: Address, amount: Amount| {
        let found = transfers.iter().position(|t| t.from == permit.buyer && t.to == to && t.amount == amount);
        found.map(|index| transfers.swap_remove(index)).is_some()
    };
    take(permit.pay_to, permit.amount) && (permit.fee_amount.is_zero() || take(permit.fee_to, permit.fee_amount))
}
