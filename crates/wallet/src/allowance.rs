//! The allowance that a payment's contract needs: one approving transaction, built here, written down before
//! it is sent, sent again only as the same bytes. Refuses an unlimited approval and a fee that the account
//! cannot bear.

use crate::{AllowanceStep, Event, Wallet, WalletError, lock};
use chain::{BroadcastError, Finality, Receipt};
use ledger::{Allowance, AllowanceIntent, AllowanceOutcome, Payment, PaymentId, State};
use std::time::Duration;
use tron::{
    Amount, abi,
    tx::{Contract, SignedTransaction},
};

/// How long the transaction may wait for a block.
const LIFETIME: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(500);

/// Whether these bytes may have been sent before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sending {
    First,
    Again,
}

impl Wallet {
    /// Makes sure that the allowance is there, however far an earlier attempt came.
    pub(crate) async fn give_allowance(&self, payment: &Payment) -> Result<(), WalletError> {
        let Some(need) = payment.plan.allowance.clone() else { return Ok(()) };
        let (id, plan) = (payment.id, &payment.plan);
        let node = self.node(plan.network)?;
        let earlier = self.db(move |ledger| ledger.allowances_of(id)).await?;
        if let Some(open) = earlier.iter().find(|a| a.outcome.is_none()) {
            return self.carry_out(payment, open, Sending::Again).await;
        }
        if node.allowance(plan.token.address, plan.payer, need.spender).await? >= need.need {
            return Ok(());
        }
        let total = lock(&self.0.totals).get(&id).copied().unwrap_or(need.need);
        let data = abi::approve(need.spender, total);
        // The cost that was shown is a ceiling: what a node says by now can only stop it.
        let (shown, now) = (
            need.cost_sun,
            self.allowance_cost(plan.network, plan.token.address, plan.payer, need.spender, total).await?,
        );
        if now > shown {
            return Err(WalletError::CostRose { shown, now });
        }
        let have = node.trx_balance(plan.payer).await?;
        if have < shown {
            return Err(WalletError::NoTrxForAllowance { need: shown, have });
        }
        let head = node.head().await?;
        let call = Contract::Trigger { owner: plan.payer, contract: plan.token.address, call_value_sun: 0, data };
        let raw = head.transaction(call, shown, LIFETIME);
        let expires_at = plan::Moment(i64::try_from(raw.expiration_ms).unwrap_or(i64::MAX));
        let signed = self.0.keys.sign_transaction(plan.payer, raw)?;
        let intent = AllowanceIntent {
            tx: signed.id().to_string(),
            payment: id,
            network: plan.network,
            owner: plan.payer,
            token: plan.token.address,
            spender: need.spender,
            amount: total,
            signed_hex: signed.to_hex(),
            expires_at,
        };
        let (row, now) = (intent.clone(), self.now());
        self.db(move |ledger| ledger.allowance_intent(&row, now)).await?;
        let open = Allowance { intent, at: now, outcome: None, outcome_at: None };
        self.carry_out(payment, &open, Sending::First).await
    }

    /// Sends the recorded bytes and waits for their receipt, or for the certainty that none will come.
    async fn carry_out(&self, payment: &Payment, open: &Allowance, sending: Sending) -> Result<(), WalletError> {
        let node = self.node(payment.plan.network)?;
        let tx = open.intent.tx.clone();
        let step = |step| {
            self.emit(Event::Allowance { id: payment.id, step, transaction: Some(tx.clone()) });
        };
        let signed = SignedTransaction::from_hex(&open.intent.signed_hex)
            .map_err(|_| WalletError::Check { check: "allowance transaction of the row" })?;
        let id = signed.id();
        if sending == Sending::Again
            && let Some(receipt) = node.receipt(&id, Finality::Seen).await?
        {
            return self.allowance_receipt(payment.id, &tx, receipt).await;
        }
        match node.broadcast(&signed).await {
            Ok(()) => step(AllowanceStep::Sent),
            // May have arrived, now or at an earlier try: only a receipt or the expiry tells.
            Err(BroadcastError::Unknown(_) | BroadcastError::Expired) => step(AllowanceStep::Sent),
            Err(_) if sending == Sending::Again => step(AllowanceStep::Sent),
            Err(e) => {
                let reason = e.to_string();
                self.allowance_ended(&tx, AllowanceOutcome::Failed { reason: reason.clone() }).await?;
                step(AllowanceStep::Failed);
                return Err(WalletError::AllowanceFailed { reason });
            }
        }
        loop {
            if let Ok(Some(receipt)) = node.receipt(&id, Finality::Seen).await {
                return self.allowance_receipt(payment.id, &tx, receipt).await;
            }
            // Past its expiry by the chain's own final clock it can't be mined any more.
            if let Ok(head) = node.head_at(Finality::Final).await
                && i64::try_from(head.timestamp_ms).unwrap_or(0) > open.intent.expires_at.0
                && matches!(node.receipt(&id, Finality::Seen).await, Ok(None))
            {
                self.allowance_ended(&tx, AllowanceOutcome::Expired).await?;
                step(AllowanceStep::Failed);
                return Err(WalletError::AllowanceFailed { reason: "the network did not take it in time".into() });
            }
            tokio::time::sleep(POLL).await;
        }
    }

    async fn allowance_receipt(&self, id: PaymentId, tx: &str, receipt: Receipt) -> Result<(), WalletError> {
        let (step, outcome, result) = match receipt.success {
            true => {
                let done = AllowanceOutcome::Confirmed { block: receipt.block, fee_sun: receipt.fee_sun };
                (AllowanceStep::Seen, done, Ok(()))
            }
            false => {
                let reason = receipt.result.clone();
                let failed = AllowanceOutcome::Failed { reason: reason.clone() };
                (AllowanceStep::Failed, failed, Err(WalletError::AllowanceFailed { reason }))
            }
        };
        self.allowance_ended(tx, outcome).await?;
        lock(&self.0.totals).remove(&id);
        self.emit(Event::Allowance { id, step, transaction: Some(tx.to_owned()) });
        result
    }

    /// Allowance transactions whose payment ended while they were on their way get their outcome as well: the
    /// TRX that they burnt is part of the record.
    pub(crate) async fn look_after_allowances(&self) -> Result<(), WalletError> {
        for open in self.db(|ledger| ledger.open_allowances()).await? {
            let id = open.intent.payment;
            if self.row(id).await?.state == State::Reserved {
                continue;
            }
            let Ok(tx) = open.intent.tx.parse() else { continue };
            let Ok(node) = self.node(open.intent.network) else { continue };
            match node.receipt(&tx, Finality::Seen).await? {
                // Its outcome is what counts here, not an error for somebody who waits.
                Some(receipt) => drop(self.allowance_receipt(id, &open.intent.tx, receipt).await),
                None => {
                    let head = node.head_at(Finality::Final).await?;
                    if i64::try_from(head.timestamp_ms).unwrap_or(0) > open.intent.expires_at.0 {
                        self.allowance_ended(&open.intent.tx, AllowanceOutcome::Expired).await?;
                    }
                }
            }
        }
        Ok(())
    }

    async fn allowance_ended(&self, tx: &str, outcome: AllowanceOutcome) -> Result<(), WalletError> {
        let (tx, now) = (tx.to_owned(), self.now());
        self.db(move |ledger| ledger.allowance_outcome(&tx, &outcome, now)).await
    }
}

/// Totals that are offered beside the exact amount: so many payments of this size.
pub fn offered_totals(exact: Amount) -> [Amount; 2] {
    [exact.saturating_mul(10), exact.saturating_mul(100)]
}
