//! From a reserved row to a signed payment, and from a crash in between back to it. Signs only what it decodes
//! itself from the row's own 402 and finds equal to the row; checks the signature before it leaves.

use crate::{Event, Wallet, WalletError, lock};
use ledger::{End, Payment, PaymentId, State};
use plan::{Plan, Window};
use x402::{Authorization, Fresh, Offer, Requirements, Terms, U256, scheme::MARGIN_SECS};

/// The payment has no outcome yet.
pub(crate) fn is_open(state: State) -> bool {
    matches!(state, State::Asked | State::Reserved)
}

/// The header that pays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub name: String,
    pub value: String,
}

/// The option that a row is about, read again from its document and completed with what the row chose.
pub(crate) struct Paper {
    pub offer: Offer,
    index: usize,
    terms: Option<Terms>,
}

impl Paper {
    pub fn read(document: &str, payment: &Payment) -> Result<Self, WalletError> {
        let plan = &payment.plan;
        let offer = Offer::read(document).map_err(WalletError::Malformed)?;
        if offer.hash() != plan.document {
            return Err(WalletError::Check { check: "document of the row" });
        }
        Ok(Self::of(offer, payment))
    }

    /// The option of a row that was made from `offer` just now.
    pub fn of(offer: Offer, payment: &Payment) -> Self {
        let index = payment.plan.option;
        let option = offer.options.get(index).and_then(|option| option.terms.as_ref().ok());
        let terms = option.map(|terms| completed(terms, payment));
        Self { offer, index, terms }
    }

    pub fn option(&self) -> Result<&Requirements, WalletError> {
        self.offer.options.get(self.index).ok_or(WalletError::Check { check: "option of the row" })
    }

    pub fn terms(&self) -> Result<&Terms, WalletError> {
        self.terms.as_ref().ok_or(WalletError::Check { check: "terms of the row" })
    }

    /// What would be signed, if it is what the plan says, field by field.
    pub fn authorization(&self, plan: &Plan) -> Result<Authorization, WalletError> {
        let terms = self.terms()?;
        let window = (plan.window.valid_after, plan.window.valid_before);
        let fee = terms.fee().filter(|f| !f.amount.is_zero()).map(|f| (f.to, f.amount));
        let checks = [
            ("scheme", terms.scheme() == plan.scheme),
            ("network", terms.network() == plan.network),
            ("contract", terms.settler() == plan.contract),
            ("token", terms.token() == plan.token.address),
            ("payTo", terms.payee() == plan.payee),
            ("price", terms.price() == plan.price),
            ("fee", fee == plan.fee.as_ref().map(|f| (f.to, f.amount))),
            ("maximum", terms.maximum() == Some(plan.maximum)),
            ("window", terms.window() == Some(window)),
        ];
        if let Some((check, _)) = checks.into_iter().find(|(_, same)| !same) {
            return Err(WalletError::Check { check });
        }
        terms.authorize(plan.payer).map_err(|_| WalletError::Check { check: "authorization" })
    }
}

/// The row's own choice of deployment, nonce and window, where the 402 leaves them open.
fn completed(terms: &Terms, payment: &Payment) -> Terms {
    let chosen = || {
        let nonce = U256::from_str_radix(&payment.nonce, 10).ok()?;
        let Window { valid_after, valid_before } = payment.plan.window;
        let through = terms.settled_by(payment.plan.contract)?;
        Some(through.with(Fresh { nonce, valid_after, valid_before }))
    };
    // What does not complete is not equal to the plan, which is checked before anything is signed.
    chosen().filter(|_| terms.chosen_by_payer()).unwrap_or_else(|| terms.clone())
}

impl Wallet {
    /// Signs a reserved payment and records the signature before anybody gets it.
    pub(crate) async fn sign(&self, payment: &Payment) -> Result<Payment, WalletError> {
        // A window of our own has to leave a facilitator its time; a dictated one is the seller's business.
        let margin = if payment.dictated { 0 } else { MARGIN_SECS };
        if self.dated(payment.plan.network).secs().saturating_add(margin) >= payment.plan.window.valid_before {
            return match payment.by_person {
                true => self.end(payment.id, End::Expired).await,
                false => self.release(payment.clone()).await,
            };
        }
        self.sign_again(payment).await
    }

    /// As [`Wallet::sign`], whatever the time is: the same key makes the same signature.
    pub(crate) async fn sign_again(&self, payment: &Payment) -> Result<Payment, WalletError> {
        let id = payment.id;
        let papers = self.db(move |ledger| ledger.papers(id)).await?;
        let paper = Paper::read(&papers.document, payment)?;
        self.sign_paper(payment, &paper).await
    }

    pub(crate) async fn sign_paper(&self, payment: &Payment, paper: &Paper) -> Result<Payment, WalletError> {
        let Header { name, value } = self.make_header(payment, paper)?;
        let (unsigned, now) = (payment.clone(), self.now());
        let payment = self
            .db(move |ledger| match unsigned.by_person {
                true => ledger.signed(unsigned.id, &name, &value, now),
                false => {
                    let signed = ledger.sign_allowed(&unsigned, &name, &value, now)?;
                    ledger.place_waiting()?;
                    Ok(signed)
                }
            })
            .await?;
        self.stored();
        self.moved(&payment);
        Ok(payment)
    }

    /// The header that pays, signed and checked; nothing is written.
    pub(crate) fn make_header(&self, payment: &Payment, paper: &Paper) -> Result<Header, WalletError> {
        let authorization = paper.authorization(&payment.plan)?;
        let (payer, digest) = (payment.plan.payer, authorization.digest);
        let signature = self.0.keys.sign(payment.id, payer, &digest)?;
        if tron::recover(&digest, &signature) != Ok(payer) {
            return Err(WalletError::Check { check: "signature" });
        }
        let mut signed = authorization.payment(&paper.offer, paper.option()?, &signature);
        // The same at every retry. A settled payment can be read on the chain, its id can't: with it, a seller gives
        // an answer that was lost to us alone.
        if let Ok(own) = x402::PaymentId::parse(&format!("pay_{}", payment.id)) {
            x402::identifier::add(&mut signed, &paper.offer, &own);
        }
        Ok(Header { name: signed.header_name().to_owned(), value: signed.header_value() })
    }

    /// Brings an approved payment to its signature: the allowance first, where one is missing. One task at a
    /// time works on a payment; a second caller gets it as it stands.
    pub(crate) async fn finish(&self, id: PaymentId) -> Result<Payment, WalletError> {
        if !lock(&self.0.working).insert(id) {
            return self.row(id).await;
        }
        let _working = Working { wallet: self, id };
        let mut payment = self.row(id).await?;
        if payment.state != State::Reserved {
            return Ok(payment);
        }
        if payment.plan.allowance.is_some() {
            match self.give_allowance(&payment).await {
                Ok(()) => payment = self.renewed(payment).await?,
                Err(e) => {
                    // Final for this payment where it has a code; everything else is taken up again.
                    let Some(code) = e.of_allowance() else { return Err(e) };
                    tracing::warn!(payment = %id, error = %e, "the allowance could not be given");
                    return self.end(id, End::Refused { code: code.to_owned() }).await;
                }
            }
        }
        if self.barred(&payment).await? {
            return self.row(id).await;
        }
        self.sign(&payment).await
    }

    /// Waiting for an allowance must not eat the time of a permission whose window the wallet chooses.
    async fn renewed(&self, payment: Payment) -> Result<Payment, WalletError> {
        let Some(lifetime) = payment.plan.lifetime() else { return Ok(payment) };
        let (id, now) = (payment.id, self.now());
        let window = self.window(payment.plan.network, lifetime)?;
        self.db(move |ledger| ledger.renew(id, window, now)).await
    }

    /// After an unlock: everything that was approved and has no signature yet goes on, and what was asked only because it
    /// was locked is judged again.
    pub(crate) async fn resume(&self) {
        let open = match self.db(|ledger| ledger.unfinished()).await {
            Ok(open) => open,
            Err(e) => return tracing::error!(error = %e, "unfinished payments can't be read"),
        };
        for payment in open.into_iter().filter(|p| p.state == State::Reserved) {
            self.finish_later(payment.id);
        }
        let wallet = self.clone();
        self.spawn(async move { wallet.judge_locked_ones_again().await });
    }

    /// [`Wallet::finish`] in the background; a failure that is not final is taken up again by `reconcile`.
    pub(crate) fn finish_later(&self, id: PaymentId) {
        let wallet = self.clone();
        self.spawn(async move {
            if let Err(e) = wallet.finish(id).await {
                tracing::warn!(payment = %id, error = %e, "not finished yet");
            }
        });
    }

    /// Ends an approved payment whose app or site was barred since. `true`: it is over.
    async fn barred(&self, payment: &Payment) -> Result<bool, WalletError> {
        let plan = &payment.plan;
        let (app, site, network, token) = (plan.app.clone(), plan.site.clone(), plan.network, plan.token.address);
        let now = self.now();
        let rules = self.db(move |ledger| ledger.standing(&app, &site, network, token, now)).await?.rules;
        let Some(blocked) = rules.blocked() else { return Ok(false) };
        if !payment.by_person {
            // Its signature may be out: only the chain can tell that it is over.
            self.release(payment.clone()).await?;
            return Ok(true);
        }
        self.end(payment.id, End::Refused { code: blocked.code(&plan.findings).to_owned() }).await?;
        Ok(true)
    }

    pub(crate) async fn row(&self, id: PaymentId) -> Result<Payment, WalletError> {
        let row = self.db(move |ledger| ledger.payment(id)).await?;
        row.ok_or(WalletError::NotFound { what: "payment" })
    }

    /// Ends a payment without a signature and tells everybody.
    pub(crate) async fn end(&self, id: PaymentId, end: End) -> Result<Payment, WalletError> {
        let now = self.now();
        let payment = self.db(move |ledger| ledger.end(id, &end, now)).await?;
        self.ended(&payment).await;
        Ok(payment)
    }

    /// Tells everybody, and those questions that told of this one.
    pub(crate) async fn ended(&self, payment: &Payment) {
        self.moved(payment);
        if payment.reserved_at.is_none() {
            self.plan_without(payment).await;
        }
    }

    pub(crate) fn moved(&self, payment: &Payment) {
        if !is_open(payment.state) {
            self.0.keys.give_back(payment.id);
            lock(&self.0.closes).remove(&payment.id);
            lock(&self.0.arming).forget(&payment.id);
            lock(&self.0.presence).closed(payment.id);
        }
        self.emit(Event::Payment { id: payment.id, app: payment.plan.app.clone() });
    }
}

struct Working<'a> {
    wallet: &'a Wallet,
    id: PaymentId,
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        lock(&self.wallet.0.working).remove(&self.id);
    }
}
