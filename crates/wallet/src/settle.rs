//! What became of a signature: reports from apps, checked on chain; unknown outcomes looked up until they are
//! final; reservations released once the permission is provably dead. Believes no seller's word about money.

use crate::sign::Paper;
use crate::{Event, Report, Wallet, WalletError, lock};
use chain::{Finality, Receipt};
use ledger::{Delivery, End, Payment, PaymentId, Settled, State};
use plan::{AppId, Plan};
use std::time::Duration;
use tron::{abi, tx::TxId};
use x402::{Settlement, Terms};

const TICK: Duration = Duration::from_secs(1);
/// Lookups on chain happen every so many ticks.
const LOOK_EVERY: u32 = 3;
/// Seconds by which the final block has to be past the permission's end before it counts as dead.
const MARGIN_SECS: u64 = 3;

/// Background work, as long as somebody holds the wallet.
pub(crate) fn watch(wallet: &Wallet) {
    let weak = std::sync::Arc::downgrade(&wallet.0);
    wallet.spawn(async move {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut count = 0_u32;
        loop {
            ticks.tick().await;
            let Some(inner) = weak.upgrade() else { return };
            let wallet = Wallet(inner);
            count = count.wrapping_add(1);
            if let Err(e) = wallet.tick(count.is_multiple_of(LOOK_EVERY)).await {
                tracing::warn!(error = %e, "background work");
            }
        }
    });
}

impl Wallet {
    /// Closes questions whose time is over, locks an unused wallet, and with `look` asks the chain about
    /// payments without a final outcome.
    pub async fn tick(&self, look: bool) -> Result<(), WalletError> {
        if let Some(after) = self.auto_lock_ms()
            && self.0.keys.lock_if_idle(self.0.time.boot_ms(), after)
        {
            self.emit(Event::Lock);
        }
        if !lock(&self.0.closes).is_empty() {
            for payment in self.open_questions().await? {
                if self.is_over(&payment) {
                    self.end(payment.id, End::Expired).await?;
                }
            }
        }
        if look { self.reconcile().await } else { Ok(()) }
    }

    /// What an earlier process left: questions get their boot deadline again.
    pub(crate) async fn restore(&self) -> Result<(), crate::OpenError> {
        let open = self.0.ledger.open_questions()?;
        let (wall, boot) = (self.0.time.latest(), self.0.time.boot_ms());
        let mut closes = lock(&self.0.closes);
        for payment in open {
            closes.insert(payment.id, boot + payment.expires_at.since(wall).max(0));
        }
        Ok(())
    }

    /// The app tells how the seller answered. A claimed transaction is looked up before it counts.
    pub async fn report(&self, app: &AppId, id: PaymentId, report: Report) -> Result<Payment, WalletError> {
        let of = app.clone();
        let found = self.db(move |ledger| ledger.payment_of_app(&of, id)).await?;
        let payment = found.ok_or(WalletError::NotFound { what: "payment" })?;
        if payment.state != State::Signed {
            return Err(WalletError::Ended(Box::new(payment)));
        }
        let claim = match &report.payment_response {
            Some(text) => Some(Settlement::read(text).map_err(WalletError::Malformed)?),
            None => None,
        };
        let delivery = match report.http_status {
            200..=299 => Delivery::Delivered,
            _ => Delivery::RefusedBySeller,
        };
        let (status, response, now) = (report.http_status, report.payment_response, self.now());
        // What was delivered stays delivered; a later report can only bring news about the settlement.
        let payment = match payment.delivery {
            Some(Delivery::Delivered) => payment,
            _ => self.db(move |ledger| ledger.delivery(id, delivery, Some(status), response.as_deref(), now)).await?,
        };
        self.moved(&payment);
        self.settle(payment, claim).await
    }

    /// Looks up every signed payment without a final outcome, and finishes what was approved.
    pub async fn reconcile(&self) -> Result<(), WalletError> {
        for payment in self.db(|ledger| ledger.unfinished()).await? {
            let id = payment.id;
            let result = match payment.state {
                State::Reserved if self.is_locked() => self.expire_reserved(payment).await,
                State::Reserved => self.finish(id).await.map(|_| ()),
                _ => {
                    let papers = self.db(move |ledger| ledger.papers(id)).await?;
                    let claim = papers.response.and_then(|text| Settlement::read(&text).ok());
                    self.settle(payment, claim).await.map(|_| ())
                }
            };
            if let Err(e) = result {
                tracing::debug!(payment = %id, error = %e, "looked up in vain");
            }
        }
        Ok(())
    }

    /// Approved and never signed, and too late now: no signature left, the reservation is released.
    async fn expire_reserved(&self, payment: Payment) -> Result<(), WalletError> {
        if self.0.time.latest().secs() >= payment.plan.window.valid_before {
            self.end(payment.id, End::Expired).await?;
        }
        Ok(())
    }

    async fn settle(&self, payment: Payment, claim: Option<Settlement>) -> Result<Payment, WalletError> {
        let seen = match &payment.settlement {
            Some(ledger::Settlement::Seen { tx }) => Some(tx.clone()),
            _ => claim.as_ref().and_then(|c| c.transaction.clone()),
        };
        let tx = seen.as_deref().and_then(|t| t.parse::<TxId>().ok());
        match self.look_up(&payment, tx).await? {
            Some(news) => self.settled(payment, news).await,
            None => match claim {
                Some(c) if !c.success && payment.settlement == Some(ledger::Settlement::Unknown) => {
                    let reason = c.error_reason.unwrap_or_else(|| "the seller gave no reason".to_owned());
                    let reason = reason.chars().take(200).collect();
                    self.settled(payment, Settled::Failed { reason, tx: None }).await
                }
                _ => Ok(payment),
            },
        }
    }

    async fn settled(&self, payment: Payment, news: Settled) -> Result<Payment, WalletError> {
        let (id, now) = (payment.id, self.now());
        let actual = matches!(news, Settled::Final { .. }).then_some(payment.plan.maximum);
        let before = payment.settlement.clone();
        let payment = self.db(move |ledger| ledger.settlement(id, &news, actual, now)).await?;
        if payment.settlement != before {
            self.moved(&payment);
        }
        Ok(payment)
    }

    /// What the chain says about a signed payment: its transaction first, then its nonce.
    async fn look_up(&self, payment: &Payment, tx: Option<TxId>) -> Result<Option<Settled>, WalletError> {
        let node = self.node(payment.plan.network)?;
        if let Some(tx) = tx {
            let name = tx.to_string();
            if let Some(receipt) = node.receipt(&tx, Finality::Final).await?
                && pays(&receipt, &payment.plan)
            {
                return Ok(Some(Settled::Final { tx: Some(name), block: Some(receipt.block) }));
            }
            if let Some(receipt) = node.receipt(&tx, Finality::Seen).await?
                && pays(&receipt, &payment.plan)
            {
                return Ok(Some(Settled::Seen { tx: name }));
            }
        }
        // Without a transaction to look at, the final state of the nonce decides, once the window is over.
        let head = node.head_at(Finality::Final).await?;
        if head.timestamp_ms / 1000 < payment.plan.window.valid_before.saturating_add(MARGIN_SECS) {
            return Ok(None);
        }
        let id = payment.id;
        let document = self.db(move |ledger| ledger.papers(id)).await?.document;
        let paper = Paper::read(&document, &payment.plan)?;
        let terms = paper.terms()?;
        let nonce = terms.nonce().ok_or(WalletError::Check { check: "nonce of the row" })?;
        let used = self.nonce_used_at(terms, payment.plan.payer, nonce, Finality::Final).await?;
        Ok(Some(if used { Settled::Final { tx: None, block: None } } else { Settled::NeverUsed }))
    }

    pub(crate) async fn nonce_used(
        &self,
        terms: &Terms,
        payer: tron::Address,
        nonce: x402::U256,
    ) -> Result<bool, WalletError> {
        self.nonce_used_at(terms, payer, nonce, Finality::Seen).await
    }

    async fn nonce_used_at(
        &self,
        terms: &Terms,
        payer: tron::Address,
        nonce: x402::U256,
        at: Finality,
    ) -> Result<bool, WalletError> {
        let data = x402::exact_permit::nonce_used_call(payer, nonce);
        let output = self.node(terms.network())?.call_at(at, terms.contract(), data).await?;
        x402::exact_permit::nonce_used_answer(&output).ok_or(WalletError::Check { check: "answer about the nonce" })
    }
}

/// The receipt is a success and holds the transfers of this plan.
fn pays(receipt: &Receipt, plan: &Plan) -> bool {
    let moved = |to, amount| {
        receipt.logs.iter().any(|log| {
            log.address == plan.token.address
                && abi::decode_transfer(&log.topics, &log.data)
                    .is_some_and(|t| t.from == plan.payer && t.to == to && t.amount == amount)
        })
    };
    receipt.success && moved(plan.payee, plan.price) && plan.fee.as_ref().is_none_or(|f| moved(f.to, f.amount))
}
