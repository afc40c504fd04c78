//! The allowance that a payment's contract needs: one approving transaction, built here, written down before
//! it is sent, sent again only as the same bytes. Refuses an unlimited approval and a fee that the account
//! cannot bear.

use crate::{AllowanceStep, Event, Wallet, WalletError, lock};
use chain::{BroadcastError, Finality, Receipt, Resources, TronGrid};
use ledger::{Allowance, AllowanceIntent, AllowanceOutcome, Payment, State};
use plan::Plan;
use policy::Sender;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;
use tron::{
    Address, Amount, Network, abi,
    tx::{Contract, SignedTransaction},
};

/// How long the transaction may wait for a block.
const LIFETIME: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(500);
const UNTOLD: &str = "its receipt tells no outcome, and the allowance is not there";

/// Bytes that an approving transaction takes on chain, counted generously: they burn TRX too.
const APPROVE_BYTES: u64 = 400;

/// What an approving transaction takes: simulated energy with a quarter in reserve, and the bytes.
pub(crate) struct ApprovalCost {
    energy: u64,
    energy_price: u64,
    byte_price: u64,
}

impl ApprovalCost {
    /// Most TRX that it burns, in sun: what a person is shown, and its fee limit.
    pub fn most_sun(&self) -> u64 {
        self.beside(&Resources::default())
    }

    /// What of it an account burns that has energy and bandwidth of its own.
    fn beside(&self, own: &Resources) -> u64 {
        let energy = self.energy.saturating_sub(own.energy);
        // A transaction's bytes are free all together, or none of them.
        let bytes = if own.bandwidth >= APPROVE_BYTES { 0 } else { APPROVE_BYTES };
        energy.saturating_mul(self.energy_price).saturating_add(bytes.saturating_mul(self.byte_price))
    }
}

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
        let turn = self.turn_to_allow(plan);
        let _turn = turn.lock().await;
        let earlier = self.db(move |ledger| ledger.allowances_of(id)).await?;
        if let Some(open) = earlier.iter().find(|a| a.outcome.is_none()) {
            return self.carry_out(payment, open, Sending::Again).await;
        }
        // Its cost was shown once, so it is given once.
        let given = |a: &&Allowance| matches!(a.outcome, Some(AllowanceOutcome::Confirmed { .. }));
        if let Some(given) = earlier.iter().find(given) {
            return self.is_there(plan, given).await;
        }
        if node.allowance(plan.token.address, plan.payer, need.spender).await? >= need.need {
            return Ok(());
        }
        let total = lock(&self.0.totals).get(&id).copied().unwrap_or(need.need);
        let data = abi::approve(need.spender, total);
        // The cost that was shown is a ceiling: what a node says by now can only stop it.
        let cost = self.approval_cost(plan.network, plan.token.address, plan.payer, need.spender, total).await?;
        let (shown, now) = (need.cost_sun, cost.most_sun());
        if now > shown {
            return Err(WalletError::CostRose { shown, now });
        }
        self.can_approve(plan, &cost).await?;
        let head = node.head().await?;
        let call = Contract::Trigger { owner: plan.payer, contract: plan.token.address, call_value_sun: 0, data };
        let raw = head.transaction(call, shown, LIFETIME);
        let expires_at = plan::Moment(i64::try_from(raw.expiration_ms).unwrap_or(i64::MAX));
        let signed = self.0.keys.sign_transaction(id, plan.payer, raw)?;
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

    fn turn_to_allow(&self, plan: &Plan) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = lock(&self.0.allowing);
        turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        Arc::clone(turns.entry((plan.network, plan.token.address, plan.payer)).or_default())
    }

    pub(crate) async fn approval_cost(
        &self,
        network: Network,
        token: Address,
        owner: Address,
        spender: Address,
        amount: Amount,
    ) -> Result<ApprovalCost, WalletError> {
        let node = self.node(network)?;
        let data = abi::approve(spender, amount);
        let (run, energy_price, byte_price) =
            tokio::try_join!(node.simulate(owner, token, data), node.energy_price_sun(), node.byte_price_sun())?;
        if let Some(reason) = run.revert {
            return Err(self.why_not_approve(node, (token, owner, spender), reason).await);
        }
        Ok(ApprovalCost { energy: run.energy.saturating_add(run.energy / 4), energy_price, byte_price })
    }

    /// An approval that would revert: some tokens only go from zero or to zero, which has a way out.
    async fn why_not_approve(
        &self,
        node: &TronGrid,
        (token, owner, spender): (Address, Address, Address),
        reason: String,
    ) -> WalletError {
        let zero = node.simulate(owner, token, abi::approve(spender, Amount::ZERO));
        match tokio::join!(node.allowance(token, owner, spender), zero) {
            (Ok(have), Ok(zero)) if !have.is_zero() && zero.ok => {
                WalletError::ZeroAllowanceFirst { spender, have, reason }
            }
            _ => WalletError::AllowanceFailed { code: "allowanceReverts", reason },
        }
    }

    /// What the payer's account has for an approving transaction: asked before anybody is asked for it.
    pub(crate) async fn sender(
        &self,
        network: Network,
        payer: Address,
        cost: &ApprovalCost,
    ) -> Result<Sender, WalletError> {
        let node = self.node(network)?;
        let (account, own) = tokio::try_join!(node.account(payer), node.resources(payer))?;
        Ok(Sender {
            active: account.active,
            own_key: account.own_key,
            trx_sun: account.trx_sun,
            takes_sun: cost.beside(&own),
        })
    }

    /// Refuses what the account can't send: asked again before anything is signed or sent.
    async fn can_approve(&self, plan: &Plan, cost: &ApprovalCost) -> Result<(), WalletError> {
        let Sender { active, own_key, trx_sun, takes_sun } = self.sender(plan.network, plan.payer, cost).await?;
        if !own_key {
            return Err(WalletError::OtherKeys { address: plan.payer });
        }
        if !active || trx_sun < takes_sun {
            return Err(WalletError::NoTrxForAllowance { need: takes_sun, have: trx_sun, active });
        }
        Ok(())
    }

    /// Sends the recorded bytes and waits for their outcome, or for the certainty that none will come.
    async fn carry_out(&self, payment: &Payment, open: &Allowance, sending: Sending) -> Result<(), WalletError> {
        let node = self.node(payment.plan.network)?;
        let tx = open.intent.tx.clone();
        let step = |step| {
            self.emit(Event::Allowance { id: payment.id, step, transaction: Some(tx.clone()) });
        };
        let signed = SignedTransaction::from_hex(&open.intent.signed_hex)
            .map_err(|_| WalletError::Check { check: "allowance transaction of the row" })?;
        if sending == Sending::Again
            && let Some(outcome) = self.came_to(open).await?
        {
            return self.carried_out(payment, open, outcome).await;
        }
        match node.broadcast(&signed).await {
            Ok(()) => step(AllowanceStep::Sent),
            // May have arrived, now or at an earlier try: only the chain or the expiry tells.
            Err(BroadcastError::Unknown(_) | BroadcastError::Expired) => step(AllowanceStep::Sent),
            Err(_) if sending == Sending::Again => step(AllowanceStep::Sent),
            Err(e) => {
                let (code, reason) = (refused(&e), e.to_string());
                self.allowance_ended(&tx, AllowanceOutcome::Failed { reason: reason.clone() }).await?;
                step(AllowanceStep::Failed);
                return Err(WalletError::AllowanceFailed { code, reason });
            }
        }
        loop {
            if let Ok(Some(outcome)) = self.came_to(open).await {
                return self.carried_out(payment, open, outcome).await;
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// What the chain tells of an approving transaction; `None` while that may still change. For a contract call no
    /// word is no success: then the allowance itself has to be there.
    async fn came_to(&self, open: &Allowance) -> Result<Option<AllowanceOutcome>, WalletError> {
        let (intent, node) = (&open.intent, self.node(open.intent.network)?);
        let id = intent.tx.parse().map_err(|_| WalletError::Check { check: "allowance transaction of the row" })?;
        // Asked before the receipt: what is in no block after this is never in one.
        let over = is_over(node, open).await;
        let confirmed = |r: &Receipt| AllowanceOutcome::Confirmed { block: r.block, fee_sun: r.fee_sun };
        Ok(match node.receipt(&id, Finality::Seen).await? {
            Some(receipt) if receipt.success => Some(confirmed(&receipt)),
            Some(receipt) if receipt.tells() => Some(AllowanceOutcome::Failed { reason: receipt.result }),
            Some(receipt) => match node.allowance(intent.token, intent.owner, intent.spender).await? {
                have if have >= intent.amount => Some(confirmed(&receipt)),
                _ => over.then(|| AllowanceOutcome::Failed { reason: UNTOLD.to_owned() }),
            },
            None => over.then_some(AllowanceOutcome::Expired),
        })
    }

    async fn carried_out(
        &self,
        payment: &Payment,
        open: &Allowance,
        outcome: AllowanceOutcome,
    ) -> Result<(), WalletError> {
        self.note(open, &outcome).await?;
        match outcome {
            AllowanceOutcome::Confirmed { .. } => self.is_there(&payment.plan, open).await,
            AllowanceOutcome::Failed { reason } => {
                let code = if reason == UNTOLD { "allowanceNotThere" } else { "allowanceReverted" };
                Err(WalletError::AllowanceFailed { code, reason })
            }
            AllowanceOutcome::Expired => {
                let reason = "the network did not take it in time".to_owned();
                Err(WalletError::AllowanceFailed { code: "allowanceLate", reason })
            }
        }
    }

    /// The allowance, read again before anything is signed: a receipt alone is one node's word, and a token may say yes
    /// and change nothing. A node that lags behind has until the transaction's own end.
    async fn is_there(&self, plan: &Plan, given: &Allowance) -> Result<(), WalletError> {
        let (node, intent) = (self.node(plan.network)?, &given.intent);
        loop {
            let over = is_over(node, given).await;
            match node.allowance(intent.token, intent.owner, intent.spender).await {
                Ok(have) if have >= plan.maximum => return Ok(()),
                Ok(have) if over => {
                    let units = |amount: Amount| amount.format_units(plan.token.decimals);
                    let reason = format!("{} may be taken afterwards, {} are needed", units(have), units(plan.maximum));
                    return Err(WalletError::AllowanceFailed { code: "allowanceNotThere", reason });
                }
                _ => tokio::time::sleep(POLL).await,
            }
        }
    }

    /// Writes an outcome down and tells everybody.
    async fn note(&self, open: &Allowance, outcome: &AllowanceOutcome) -> Result<(), WalletError> {
        let (id, tx) = (open.intent.payment, open.intent.tx.clone());
        self.allowance_ended(&tx, outcome.clone()).await?;
        let step = match outcome {
            AllowanceOutcome::Confirmed { .. } => AllowanceStep::Seen,
            AllowanceOutcome::Failed { .. } | AllowanceOutcome::Expired => AllowanceStep::Failed,
        };
        lock(&self.0.totals).remove(&id);
        self.emit(Event::Allowance { id, step, transaction: Some(tx) });
        Ok(())
    }

    /// Allowance transactions whose payment ended while they were on their way get their outcome as well: the
    /// TRX that they burnt is part of the record.
    pub(crate) async fn look_after_allowances(&self) -> Result<(), WalletError> {
        for open in self.db(|ledger| ledger.open_allowances()).await? {
            if self.row(open.intent.payment).await?.state == State::Reserved {
                continue;
            }
            match self.came_to(&open).await {
                Ok(Some(outcome)) => self.note(&open, &outcome).await?,
                Ok(None) => {}
                Err(error) => tracing::debug!(%error, transaction = open.intent.tx, "an allowance is looked up again"),
            }
        }
        Ok(())
    }

    async fn allowance_ended(&self, tx: &str, outcome: AllowanceOutcome) -> Result<(), WalletError> {
        let (tx, now) = (tx.to_owned(), self.now());
        self.db(move |ledger| ledger.allowance_outcome(&tx, &outcome, now)).await
    }
}

/// Past the transaction's expiry by the chain's own final clock: no block takes it any more. `false` where no node tells.
async fn is_over(node: &TronGrid, open: &Allowance) -> bool {
    let head = node.head_at(Finality::Final).await;
    head.is_ok_and(|head| i64::try_from(head.timestamp_ms).unwrap_or(0) > open.intent.expires_at.0)
}

/// What the record keeps of a network's no.
fn refused(error: &BroadcastError) -> &'static str {
    match error {
        BroadcastError::Signature { .. } => "allowanceOtherKeys",
        BroadcastError::Funds { .. } => "allowanceNoTrx",
        BroadcastError::Expired | BroadcastError::Tapos => "allowanceLate",
        BroadcastError::Busy(_) => "allowanceBusy",
        BroadcastError::Other { .. } | BroadcastError::Unknown(_) => "allowanceFailed",
    }
}

/// A bounded total is at most so many times the exact amount: bounded has to mean something.
const TOTAL_FACTOR: u64 = 1000;

/// The totals that can be chosen, in smallest units: what the payment takes, or more within bounds.
pub fn total_range(exact: Amount) -> RangeInclusive<Amount> {
    exact..=exact.saturating_mul(TOTAL_FACTOR)
}

/// Totals that are offered beside the exact amount: so many payments of this size.
pub fn offered_totals(exact: Amount) -> [Amount; 2] {
    [exact.saturating_mul(10), exact.saturating_mul(100)]
}
