//! Settling a payment exactly once, and for one caller: rehearse, sign, note, send, look at what really happened, tell
//! it. Refuses to send anything that is not noted on the disk, a second transaction before the first is known to be
//! dead, and a second caller.

use crate::{
    Facilitator, Reason, Rejected,
    budget::Cost,
    flights::{Crew, Flight, Outcome, Seat, Watched},
    follow::Fate,
    store::{Claim, News, Sent, State},
    tell::Told,
    verify::{key, unavailable},
};
use chain::{BroadcastError, ChainError, Finality, Head, TronGrid};
use tron::{Address, TxId, tx::Contract};
use x402::{Payment, Requirements, Signed, facilitator::IdempotencyKey};

/// How a settlement ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The transaction is in a block, succeeded, and moved the price and the fee. Seldom a block is dropped again until,
    /// about a minute later, it is `final`.
    Done { transaction: TxId, payer: Address, is_final: bool },
    /// A transaction was sent and its fate is not known yet. Settling again looks it up.
    Pending { transaction: TxId, payer: Address },
    /// Nothing moved. `transaction` is one that was sent and failed.
    Failed { rejected: Rejected, transaction: Option<TxId> },
    /// It was settled in a block that the chain has dropped, and can't be sent again as things are: `why` says what
    /// the contract would say. `until` (seconds since 1970) it may be settled all the same, and is tried.
    Reversed { transaction: TxId, payer: Address, why: &'static str, until: Option<u64> },
}

/// A settlement that was rehearsed, and what it takes.
struct Priced<'a> {
    head: Head,
    energy: u64,
    price: u64,
    limit: u64,
    cost: &'a Cost,
}

impl Facilitator {
    /// Settles a payment, or answers how its settlement ended earlier, by this process or one before it. However
    /// often and however concurrently this is called for one authorization, there is at most one transaction whose
    /// fate is open, and one caller hears [`Settled::Done`]: the others are [`Reason::DuplicateSettlement`]. With the
    /// same `key` the first caller hears it again. The work goes on when the caller stops waiting.
    pub async fn settle(
        &self,
        payment: &Payment,
        requirements: &Requirements,
        key: Option<&IdempotencyKey>,
    ) -> Settled {
        let (settled, told) = self.settle_for(payment, requirements, key.map(Claim::of), Finality::Seen).await;
        if let Some(told) = told {
            told.left();
        }
        settled
    }

    /// As [`Facilitator::settle`], and waits until the block can't be dropped any more: [`Settled::Done`] is final then,
    /// and [`Settled::Pending`] what would take longer than [`crate::Config::wait`].
    pub async fn settle_finally(
        &self,
        payment: &Payment,
        requirements: &Requirements,
        key: Option<&IdempotencyKey>,
    ) -> Settled {
        let (settled, told) = self.settle_for(payment, requirements, key.map(Claim::of), Finality::Final).await;
        if let Some(told) = told {
            told.left();
        }
        settled
    }

    /// As [`Facilitator::settle`]; with a success comes what has to be told that the answer left.
    pub(crate) async fn settle_for(
        &self,
        payment: &Payment,
        requirements: &Requirements,
        claim: Option<Claim>,
        finality: Finality,
    ) -> (Settled, Option<Told>) {
        let failed =
            |reason, payer, transaction| (Settled::Failed { rejected: Rejected { reason, payer }, transaction }, None);
        let signed = match self.judge(payment, requirements) {
            Ok(signed) => signed,
            Err(reason) => return failed(reason, None, None),
        };
        let (payer, network, key) = (signed.payer, signed.network, key(&signed));
        let outcome = match self.flights().board(key, signed.digest, Crew::Caller) {
            Seat::Wait(outcome) => landed(outcome).await,
            Seat::Taken => return failed(Reason::NonceAlreadyUsed, Some(payer), None),
            Seat::Full => return failed(Reason::Unavailable, Some(payer), None),
            Seat::Lead(flight) => {
                let outcome = flight.watch();
                let (facilitator, claim) = (self.clone(), claim.clone());
                // A task of its own: a seller that hangs up must not interrupt it between sending and looking.
                self.tasks().spawn(async move { facilitator.fly(flight, signed, claim).await });
                landed(outcome).await
            }
        };
        let is_final = finality == Finality::Final;
        let outcome = match (outcome, self.grid(network)) {
            (Some(Outcome::Settled(_)), Some(grid)) if is_final => {
                self.until_final(grid, &key, self.config().wait).await
            }
            (outcome, _) => outcome,
        };
        match outcome {
            Some(Outcome::Settled(transaction)) => match self.tell(transaction, claim).await {
                Ok(Some(told)) => (Settled::Done { transaction, payer, is_final }, Some(told)),
                Ok(None) => failed(Reason::DuplicateSettlement, Some(payer), Some(transaction)),
                Err(error) => {
                    unwritten(&error);
                    (Settled::Pending { transaction, payer }, None)
                }
            },
            Some(Outcome::Pending(transaction)) => (Settled::Pending { transaction, payer }, None),
            Some(Outcome::Failed { reason, transaction }) => failed(reason, Some(payer), transaction),
            Some(Outcome::Reversed { transaction, why, until }) => {
                (Settled::Reversed { transaction, payer, why, until }, None)
            }
            None => failed(Reason::Unavailable, Some(payer), None),
        }
    }

    async fn fly(self, flight: Flight, signed: Signed, claim: Option<Claim>) {
        let outcome = self.attempt(&signed, claim).await;
        say(&signed.network, &outcome);
        flight.land(outcome);
    }

    async fn attempt(&self, signed: &Signed, claim: Option<Claim>) -> Outcome {
        let failed = |reason| Outcome::Failed { reason, transaction: None };
        let Some(grid) = self.grid(signed.network) else { return failed(Reason::InvalidNetwork) };
        match self.store().find(&key(signed)) {
            Err(error) => return failed(unwritten(&error)),
            Ok(None) => {}
            Ok(Some(earlier)) if earlier.digest != signed.digest => return failed(Reason::NonceAlreadyUsed),
            Ok(Some(earlier)) => match self.follow(grid, &earlier, self.config().wait).await {
                Fate::Known(outcome) => return outcome,
                // Provably never included: as if it had not been sent.
                Fate::Dead => {}
            },
        }
        if let Err(reason) = self.in_time(grid, signed).await {
            return failed(reason);
        }
        if let Err(reason) = self.can_afford(signed.payee) {
            return failed(reason);
        }
        let Some(signer) = signed.caller.or_else(|| self.pick(signed.network)) else {
            return failed(Reason::Unavailable);
        };
        let _busy = self.signers().occupy(signer);
        let energy = match self.rehearse(grid, signed, signer).await {
            Ok(energy) => energy,
            Err(reason) => return failed(reason),
        };
        let (head, price) = match tokio::try_join!(self.refer(grid), grid.energy_price_sun()) {
            Ok(answers) => answers,
            Err(error) => return failed(unavailable(error)),
        };
        let limit = self.config().fee_limit_sun;
        if energy.saturating_mul(price) > limit {
            tracing::warn!(energy, price, limit, "a settlement would cost more than the fee limit");
            return failed(Reason::TRANSACTION_FAILED);
        }
        let cost = match self.afford(signed.payee, energy.saturating_mul(price)).await {
            Ok(cost) => cost,
            Err(reason) => return failed(reason),
        };
        let outcome =
            self.dispatch(grid, signed, signer, claim, Priced { head, energy, price, limit, cost: &cost }).await;
        let sent = !matches!(outcome, Outcome::Failed { transaction: None, .. });
        self.spent(cost, sent).await;
        outcome
    }

    /// Signs, notes, sends and follows.
    async fn dispatch(
        &self,
        grid: &TronGrid,
        signed: &Signed,
        signer: Address,
        claim: Option<Claim>,
        priced: Priced<'_>,
    ) -> Outcome {
        let failed = |reason| Outcome::Failed { reason, transaction: None };
        self.signers().spends(signed.network, signer, priced.energy);
        let (contract, data) = signed.settle_call();
        let contract = Contract::Trigger { owner: signer, contract, call_value_sun: 0, data };
        let raw = priced.head.transaction(contract, priced.limit, self.config().lifetime);
        let transaction = match self.keys().sign(raw) {
            Ok(transaction) => transaction,
            Err(error) => {
                tracing::error!(%error, "a settlement could not be signed");
                return failed(Reason::Unavailable);
            }
        };
        let now = self.config().clock.now();
        let sent = Sent {
            id: transaction.id(),
            key: key(signed),
            digest: signed.digest,
            scheme: signed.scheme.to_string(),
            valid_before: signed.window.1,
            token: signed.token,
            payee: signed.payee,
            amount: signed.amount,
            fee: signed.fee.map(|fee| (fee.to, fee.amount)),
            signer,
            bytes: transaction.to_bytes(),
            expiration_ms: transaction.raw.expiration_ms,
            state: State::Open,
            claim,
            told: false,
            block: None,
            left_at: None,
            reason: None,
            noted_at: now,
        };
        if let Err(error) = self.store().note(sent.clone(), now).await {
            return failed(unwritten(&error));
        }
        self.budgets().sent(sent.id, priced.cost, priced.price);
        match self.send(grid, &sent, &transaction).await {
            Some(refused) => refused,
            None => match self.follow(grid, &Sent { bytes: Vec::new(), ..sent }, self.config().wait).await {
                Fate::Known(outcome) => outcome,
                Fate::Dead => failed(Reason::TRANSACTION_FAILED),
            },
        }
    }

    /// The head as a transaction names it: by the newest final block, so that the same bytes are good on every branch
    /// when the chain forks.
    pub(crate) async fn refer(&self, grid: &TronGrid) -> Result<Head, ChainError> {
        let (head, last) = tokio::join!(grid.head(), grid.head_at(Finality::Final));
        let head = head?;
        Ok(match last {
            Ok(last) => Head { timestamp_ms: head.timestamp_ms, ..last },
            Err(error) => {
                tracing::warn!(%error, "the newest final block could not be read");
                head
            }
        })
    }

    /// Sends for the first time. An outcome: the network did not take it, so that nothing will come of it.
    async fn send(&self, grid: &TronGrid, sent: &Sent, transaction: &tron::SignedTransaction) -> Option<Outcome> {
        match grid.broadcast(transaction).await {
            Ok(()) | Err(BroadcastError::Unknown(_)) => None,
            Err(error) => {
                tracing::warn!(%error, signer = %sent.signer, "the network did not take a settlement");
                let busy = matches!(error, BroadcastError::Busy(_));
                let reason = if busy { Reason::Busy } else { Reason::TRANSACTION_FAILED };
                // As long as it is noted as open it would be sent again, so nobody is told that it failed.
                Some(match self.store().turn(sent.id, News::Dead, self.config().clock.now()).await {
                    Ok(_) => Outcome::Failed { reason, transaction: None },
                    Err(error) => {
                        unwritten(&error);
                        Outcome::Pending(sent.id)
                    }
                })
            }
        }
    }
}

pub(crate) fn say(network: &tron::Network, outcome: &Outcome) {
    let network = network.canonical();
    match outcome {
        Outcome::Settled(id) => tracing::info!(network, transaction = %id, "settled"),
        Outcome::Pending(id) => tracing::warn!(network, transaction = %id, "settlement pending"),
        Outcome::Failed { reason, transaction } => {
            tracing::info!(network, %reason, transaction = transaction.map(|id| id.to_string()), "not settled");
        }
        Outcome::Reversed { transaction, why, .. } => tracing::warn!(network, %transaction, why, "reversed"),
    }
}

pub(crate) fn unwritten(error: &crate::StoreError) -> Reason {
    tracing::error!(%error, "the database can't be used: nothing is sent");
    Reason::Unavailable
}

async fn landed(mut outcome: Watched) -> Option<Outcome> {
    outcome.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone())
}
