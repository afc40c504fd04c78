//! The allowance that a payment's contract needs: one approving transaction, built here, written down before
//! it is sent, sent again only as the same bytes. Refuses an unlimited approval and a fee that the account
//! cannot bear.

use crate::{AllowanceStep, Event, Wallet, WalletError, lock};
use chain::{BroadcastError, Finality, Receipt};
use ledger::{Allowance, AllowanceIntent, AllowanceOutcome, Payment};
use std::time::Duration;
use tron::{
    Amount, abi,
    tx::{Contract, SignedTransaction},
};

/// How long the transaction may wait for a block.
const LIFETIME: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(500);

impl Wallet {
    /// Makes sure that the allowance is there, however far an earlier attempt came.
    pub(crate) async fn give_allowance(&self, payment: &Payment) -> Result<(), WalletError> {
        let Some(need) = payment.plan.allowance.clone() else { return Ok(()) };
        let (id, plan) = (payment.id, &payment.plan);
        let node = self.node(plan.network)?;
        let earlier = self.db(move |ledger| ledger.allowances_of(id)).await?;
        if let Some(open) = earlier.iter().find(|a| a.outcome.is_none()) {
            return self.carry_out(payment, open).await;
        }
        if node.allowance(plan.token.address, plan.payer, need.spender).await? >= need.need {
            return Ok(());
        }
        let total = lock(&self.0.totals).get(&id).copied().unwrap_or(need.need);
        let data = abi::approve(need.spender, total);
        let cost = self.allowance_cost(plan.network, plan.token.address, plan.payer, need.spender, total).await?;
        let have = node.trx_balance(plan.payer).await?;
        if have < cost {
            return Err(WalletError::NoTrxForAllowance { need: cost, have });
        }
        let head = node.head().await?;
        let call = Contract::Trigger { owner: plan.payer, contract: plan.token.address, call_value_sun: 0, data };
        let raw = head.transaction(call, cost, LIFETIME);
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
        self.carry_out(payment, &open).await
    }

    /// Sends the recorded bytes and waits for their receipt, or for the certainty that none will come.
    async fn carry_out(&self, payment: &Payment, open: &Allowance) -> Result<(), WalletError> {
        let node = self.node(payment.plan.network)?;
        let tx = open.intent.tx.clone();
        let step = |step| {
            self.emit(Event::Allowance { id: payment.id, step, transaction: Some(tx.clone()) });
        };
        let signed = SignedTransaction::from_hex(&open.intent.signed_hex)
            .map_err(|_| WalletError::Check { check: "allowance transaction of the row" })?;
        let id = signed.id();
        match node.broadcast(&signed).await {
            // Unknown is looked up below; expired may have been mined before.
            Ok(()) | Err(BroadcastError::Unknown(_) | BroadcastError::Expired) => step(AllowanceStep::Sent),
            Err(e) => {
                let reason = e.to_string();
                self.allowance_ended(&tx, AllowanceOutcome::Failed { reason: reason.clone() }).await?;
                step(AllowanceStep::Failed);
                return Err(WalletError::AllowanceFailed { reason });
            }
        }
        loop {
            if let Ok(Some(receipt)) = node.receipt(&id, Finality::Seen).await {
                return self.allowance_receipt(payment, &tx, receipt).await;
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

    async fn allowance_receipt(&self, payment: &Payment, tx: &str, receipt: Receipt) -> Result<(), WalletError> {
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
        lock(&self.0.totals).remove(&payment.id);
        self.emit(Event::Allowance { id: payment.id, step, transaction: Some(tx.to_owned()) });
        result
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
