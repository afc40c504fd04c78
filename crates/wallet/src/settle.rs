//! What became of a signature: reports from apps, checked on chain; unknown outcomes looked up until they are
//! final; reservations released once the permission is provably dead. Believes no seller's word about money.

use crate::sign::Paper;
use crate::{Event, Report, Wallet, WalletError, lock};
use chain::{Finality, Receipt};
use ledger::{Delivery, End, Payment, PaymentId, Settled, State};
use plan::AppId;
use std::time::Duration;
use tron::{abi, tx::TxId};
use x402::{Settlement, Terms};

const TICK: Duration = Duration::from_secs(1);
/// Lookups on chain happen this often, one after the other at the earliest.
const LOOK: Duration = Duration::from_secs(3);
/// One payment's lookup may take so long; the others do not wait for it.
const PATIENCE: Duration = Duration::from_secs(60);
/// Payments looked up at once.
const AT_ONCE: usize = 8;
/// Seconds by which the final block has to be past the permission's end before it counts as dead.
///
/// Wide enough that a node which lags behind the one that told the block has passed the end as well.
const MARGIN_SECS: u64 = 60;
/// Whoever reports, or asks for the same thing again, waits so long for the chain; the look goes on behind.
const AT_ONCE_FOR: Duration = Duration::from_secs(5);
/// Clocks of chain and wallet may differ by so much when a transaction is told from an older one.
const SKEW_MS: i64 = 60_000;
/// So many looks in a row have to find nothing before what was seen counts as dropped.
const LOOKS: usize = 3;
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);
/// Characters of a seller's reason that are kept.
const SAID_MOST: usize = 200;

/// Background work, as long as somebody holds the wallet. Looking at the chain has a loop of its own: a node
/// that is gone must not keep a question open or the wallet unlocked.
pub(crate) fn watch(wallet: &Wallet) {
    let inner = std::sync::Arc::downgrade(&wallet.0);
    let looker = inner.clone();
    wallet.spawn(async move {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let Some(wallet) = inner.upgrade().map(Wallet) else { return };
            if let Err(e) = wallet.tick().await {
                tracing::warn!(error = %e, "background work");
            }
        }
    });
    wallet.spawn(async move {
        loop {
            tokio::time::sleep(LOOK).await;
            let Some(wallet) = looker.upgrade().map(Wallet) else { return };
            if let Err(e) = wallet.reconcile().await {
                tracing::warn!(error = %e, "unfinished payments");
            }
        }
    });
    crate::record::index(wallet);
    crate::cut::watch(wallet);
}

impl Wallet {
    /// Closes questions whose time is over and locks a wallet that was left. Asks no node.
    pub async fn tick(&self) -> Result<(), WalletError> {
        if self.0.keys.lock_if_left(self.auto_lock_ms()) {
            self.emit(Event::Lock);
        }
        for payment in self.open_questions().await? {
            if self.is_over(&payment) {
                self.end(payment.id, End::Expired).await?;
            }
        }
        self.tell_of_askers();
        self.tell_of_clock().await;
        Ok(())
    }

    /// What an earlier process left: questions get their boot deadline again.
    pub(crate) async fn restore(&self) -> Result<(), crate::OpenError> {
        let open = self.0.ledger.open_questions()?;
        self.renew_digests(&open)?;
        let (wall, boot) = (self.0.time.latest(), self.0.time.boot_ms());
        let mut closes = lock(&self.0.closes);
        for payment in open {
            closes.insert(payment.id, boot + payment.expires_at.since(wall).max(0));
            lock(&self.0.presence).opened(&payment, boot);
        }
        Ok(())
    }

    /// The app tells how the seller answered, whatever that was: a receipt that can't be read is kept as it came, and
    /// what can be read is the seller's word. The chain is asked at once; where no node answers, later.
    pub async fn report(&self, app: &AppId, id: PaymentId, report: Report) -> Result<Payment, WalletError> {
        let of = app.clone();
        let found = self.db(move |ledger| ledger.payment_of_app(&of, id)).await?;
        let payment = found.ok_or(WalletError::NotFound { what: "payment" })?;
        if payment.state != State::Signed {
            return Err(WalletError::Ended(Box::new(payment)));
        }
        let reported = payment.delivery;
        let delivery = match report.http_status {
            200..=299 => Delivery::Delivered,
            _ => Delivery::RefusedBySeller,
        };
        // Written down as it came, before anybody reads it. What was delivered stays delivered; a later report
        // can only bring news about the settlement.
        let (status, response, now) = (report.http_status, report.payment_response.clone(), self.now());
        let mut payment = match (payment.delivery, delivery) {
            (Some(Delivery::Delivered), Delivery::RefusedBySeller) => payment,
            _ => self.db(move |ledger| ledger.delivery(id, delivery, Some(status), response.as_deref(), now)).await?,
        };
        let claim = report.payment_response.as_deref().and_then(|text| Settlement::read(text).ok());
        let says = match &claim {
            Some(claim) if !claim.success && !claim.is_pending() => {
                Some(claim.error_reason.as_deref().unwrap_or_default().chars().take(SAID_MOST).collect::<String>())
            }
            // Nothing was said, which takes no earlier word back.
            None if delivery == Delivery::RefusedBySeller => payment.seller_says.clone(),
            _ => None,
        };
        if payment.seller_says != says {
            payment = self.db(move |ledger| ledger.seller_said(id, says.as_deref(), now)).await?;
        }
        self.moved(&payment);
        // The first report is news; repeating one buys no more looks than any other call.
        let news = reported.is_none_or(|known| known == Delivery::NotReported);
        if !news && !self.0.calls.look(app) {
            return Ok(payment);
        }
        Ok(self.look_at_once(payment, claim).await)
    }

    /// What the chain shows of a signed payment now, as far as a node answers in time. Goes on although the caller hangs
    /// up or has waited long enough.
    async fn look_at_once(&self, payment: Payment, claim: Option<Settlement>) -> Payment {
        let (wallet, known) = (self.clone(), payment.clone());
        let look = self.detached(async move { wallet.settle(payment, claim, true).await });
        let id = known.id;
        match tokio::time::timeout(AT_ONCE_FOR, look).await {
            Ok(Ok(payment)) => return payment,
            Ok(Err(error)) => tracing::info!(payment = %id, %error, "looked up in vain, and later again"),
            Err(_) => tracing::info!(payment = %id, "no node answered in time; it is looked up again"),
        }
        known
    }

    /// Whether the chain has what was signed here as used, which is noted. Where no node answers it counts as not used:
    /// the same signature pays only once.
    pub(crate) async fn is_used(&self, payment: &Payment) -> Result<Option<Payment>, WalletError> {
        // An app that asks for the same again and again buys no look each time.
        if payment.state != State::Signed || !self.0.calls.look(&payment.plan.app) {
            return Ok(None);
        }
        let claim = self.claim(payment.id).await?;
        let now = self.look_at_once(payment.clone(), claim).await;
        use ledger::Settlement::{Final, Seen};
        Ok(matches!(now.settlement, Some(Seen { .. } | Final { .. })).then_some(now))
    }

    /// What the seller says of the settlement, where it can be read.
    async fn claim(&self, id: PaymentId) -> Result<Option<Settlement>, WalletError> {
        let papers = self.db(move |ledger| ledger.papers(id)).await?;
        Ok(papers.response.and_then(|text| Settlement::read(&text).ok()))
    }

    /// Looks up every signed payment without a final outcome, a few at once, and takes up what was approved and
    /// has no signature yet.
    pub async fn reconcile(&self) -> Result<(), WalletError> {
        use futures::StreamExt;
        let open = self.db(|ledger| ledger.unfinished()).await?;
        let looks = open.into_iter().map(|payment| async move {
            let id = payment.id;
            match tokio::time::timeout(PATIENCE, self.look_after(payment)).await {
                Ok(Ok(())) => {}
                Ok(Err(e)) => tracing::debug!(payment = %id, error = %e, "looked up in vain"),
                Err(_) => tracing::debug!(payment = %id, "no answer in time"),
            }
        });
        futures::stream::iter(looks).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
        self.look_after_allowances().await
    }

    async fn look_after(&self, payment: Payment) -> Result<(), WalletError> {
        let id = payment.id;
        match payment.state {
            State::Reserved if !self.0.keys.has_keys_for(id) => self.expire_reserved(payment).await,
            State::Reserved => {
                self.finish_later(id);
                Ok(())
            }
            _ => {
                let (claim, told) = (self.claim(id).await?, payment.delivery != Some(Delivery::NotReported));
                self.settle(payment, claim, told).await.map(|_| ())
            }
        }
    }

    /// Approved and never signed, and too late now: the reservation is released, if no signature can have left.
    async fn expire_reserved(&self, payment: Payment) -> Result<(), WalletError> {
        if self.0.time.latest().secs() < payment.plan.window.valid_before {
            return Ok(());
        }
        match payment.by_person {
            true => self.end(payment.id, End::Expired).await.map(|_| ()),
            false => self.release(payment).await.map(|_| ()),
        }
    }

    /// A limit's payment without its signature on record, which may be out all the same: released once the chain
    /// shows that nobody used it. One that was used is signed again, the same way, and settles like any other.
    pub(crate) async fn release(&self, payment: Payment) -> Result<Payment, WalletError> {
        match self.look_up(&payment, None, false).await? {
            Some(Settled::NeverUsed) => self.end(payment.id, End::Unused).await,
            Some(_) => self.sign_again(&payment).await,
            None => Ok(payment),
        }
    }

    /// Notes what the chain shows. `early`: the nonce is asked for before the window is over.
    async fn settle(&self, payment: Payment, claim: Option<Settlement>, early: bool) -> Result<Payment, WalletError> {
        let (seen, by_nonce) = match &payment.settlement {
            Some(ledger::Settlement::Seen { tx: Some(tx) }) => (Some(tx.clone()), false),
            _ => (claim.and_then(|c| c.transaction), early),
        };
        let tx = seen.as_deref().and_then(|t| t.parse::<TxId>().ok());
        match self.look_up(&payment, tx, by_nonce).await? {
            Some(news) => self.settled(payment, news).await,
            None => Ok(payment),
        }
    }

    async fn settled(&self, payment: Payment, news: Settled) -> Result<Payment, WalletError> {
        let (id, now) = (payment.id, self.now());
        let actual = matches!(news, Settled::Final { .. }).then_some(payment.plan.maximum);
        let before = payment.settlement.clone();
        let payment = self.db(move |ledger| ledger.settlement(id, &news, actual, now)).await?;
        if payment.settlement != before {
            self.moved(&payment);
            use ledger::Settlement::{Final, Seen, Unknown};
            let took = matches!(payment.settlement, Some(Seen { .. } | Final { .. }));
            if took && before == Some(Unknown) {
                self.taken(&payment);
            }
        }
        Ok(payment)
    }

    /// What the chain says about a signed payment: its transaction first, then its nonce.
    async fn look_up(&self, payment: &Payment, tx: Option<TxId>, early: bool) -> Result<Option<Settled>, WalletError> {
        let node = self.node(payment.plan.network)?;
        let id = payment.id;
        let document = self.db(move |ledger| ledger.papers(id)).await?.document;
        let paper = Paper::read(&document, payment)?;
        let terms = paper.terms()?;
        let nonce = terms.nonce().ok_or(WalletError::Check { check: "nonce of the row" })?;
        if let Some(tx) = tx {
            let (name, mut last) = (tx.to_string(), None::<Receipt>);
            for finality in [Finality::Final, Finality::Seen] {
                let Some(receipt) = node.receipt(&tx, finality).await? else { continue };
                // What is final can't be replaced, so nothing newer is news beside it; nor is it, while the node's two
                // views differ.
                if last.as_ref().is_some_and(|last| last.contradicts(&receipt)) {
                    let (newest, last) = (receipt.result, last.map(|last| last.result));
                    tracing::warn!(payment = %id, tx = name, newest, last, "newest and final blocks differ about it");
                    return Ok(None);
                }
                // An older transaction may have moved the same amounts: the nonce has to be used by now.
                if pays(&receipt, payment)
                    && self.nonce_used_at(terms, payment.plan.payer, nonce, finality).await? == Some(true)
                    && !self.is_anothers(id, &name).await?
                {
                    return Ok(Some(match finality {
                        Finality::Final => Settled::Final { tx: Some(name), block: Some(receipt.block) },
                        Finality::Seen => Settled::Seen { tx: Some(name) },
                    }));
                }
                last = Some(receipt);
            }
        }
        if matches!(payment.settlement, Some(ledger::Settlement::Seen { .. }))
            && self.is_dropped(terms, payment, tx).await?
        {
            tracing::warn!(payment = %id, "the chain has dropped the block in which it was seen");
            return Ok(Some(Settled::Dropped));
        }
        // Without a transaction to look at, the nonce decides: used at any time, unused once the window is over.
        let head = node.head_at(Finality::Final).await?;
        let over = head.timestamp_ms / 1000 >= payment.plan.window.valid_before.saturating_add(MARGIN_SECS);
        if !over && !early {
            return Ok(None);
        }
        match self.nonce_used_at(terms, payment.plan.payer, nonce, Finality::Final).await? {
            Some(true) => return Ok(Some(Settled::Final { tx: None, block: None })),
            Some(false) if over => return Ok(Some(Settled::NeverUsed)),
            Some(false) | None => {}
        }
        let used = self.nonce_used(terms, payment.plan.payer, nonce).await?;
        Ok(used.then_some(Settled::Seen { tx: None }))
    }

    /// What was seen is in no block any more and its nonce is unused; several times, for one of several nodes may be
    /// behind. Once its permission is over in final blocks, its end is told instead.
    async fn is_dropped(&self, terms: &Terms, payment: &Payment, tx: Option<TxId>) -> Result<bool, WalletError> {
        let node = self.node(payment.plan.network)?;
        let (Some(nonce), payer) = (terms.nonce(), payment.plan.payer) else { return Ok(false) };
        if node.head_at(Finality::Final).await?.timestamp_ms / 1000 >= payment.plan.window.valid_before {
            return Ok(false);
        }
        for look in 0..LOOKS {
            if look > 0 {
                tokio::time::sleep(BETWEEN_LOOKS).await;
            }
            let there = match tx {
                Some(tx) => node.receipt(&tx, Finality::Seen).await?.is_some(),
                None => false,
            };
            if there || self.nonce_used(terms, payer, nonce).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The transaction stands in another payment's row already.
    async fn is_anothers(&self, id: PaymentId, tx: &str) -> Result<bool, WalletError> {
        let own = tx.to_owned();
        let rows = self.db(move |ledger| ledger.payments_of_tx(&own)).await?;
        let has = |p: &Payment| match &p.settlement {
            Some(ledger::Settlement::Seen { tx: Some(own) } | ledger::Settlement::Final { tx: Some(own), .. }) => {
                own == tx
            }
            _ => false,
        };
        Ok(rows.iter().any(|p| p.id != id && has(p)))
    }

    pub(crate) async fn nonce_used(
        &self,
        terms: &Terms,
        payer: tron::Address,
        nonce: x402::U256,
    ) -> Result<bool, WalletError> {
        let used = self.nonce_used_at(terms, payer, nonce, Finality::Seen).await?;
        used.ok_or(WalletError::Check { check: "answer about the nonce" })
    }

    /// `None`: the node can't tell yet what is final.
    async fn nonce_used_at(
        &self,
        terms: &Terms,
        payer: tron::Address,
        nonce: x402::U256,
        at: Finality,
    ) -> Result<Option<bool>, WalletError> {
        let slot = terms.slot(payer, nonce);
        match self.node(terms.network())?.call_at(at, slot.contract, slot.call()).await {
            Ok(output) => slot.used(&output).map(Some).ok_or(WalletError::Check { check: "answer about the nonce" }),
            Err(chain::ChainError::NotFinalYet { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// The receipt is a success, not older than the signature, and holds the transfers of this payment.
fn pays(receipt: &Receipt, payment: &Payment) -> bool {
    let plan = &payment.plan;
    let moved = |to, amount| {
        receipt.logs.iter().any(|log| {
            log.address == plan.token.address
                && abi::decode_transfer(&log.topics, &log.data)
                    .is_some_and(|t| t.from == plan.payer && t.to == to && t.amount == amount)
        })
    };
    let mined = i64::try_from(receipt.timestamp_ms).unwrap_or(i64::MAX);
    let in_time = payment.signed_at.is_some_and(|signed| mined >= signed.0 - SKEW_MS);
    let fee = plan.fee.as_ref().is_none_or(|f| moved(f.to, f.amount));
    receipt.success && in_time && moved(plan.payee, plan.price) && fee
}
