//! A person's answer: bound to the digest that was shown, armed, within the question's time. Refuses an answer
//! to another plan, one that came too early, and one that nobody proved to have given.

use crate::afresh::Yes;
use crate::allowance::total_range;
use crate::{Event, Wallet, WalletError, lock};
use ledger::{Approved, End, Payment, PaymentId, RuleKey, State};
use plan::{Limit, Mode, PlanDigest};
use tron::Amount;
use vault::Passphrase;

/// How far an approval reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    Once,
    /// From now on this app may pay this site in this token within the limit. The same limit becomes the app's
    /// limit across all sites, where it has none yet.
    Limit(Limit),
}

/// What to allow where the allowance is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllowanceChoice {
    /// Just what this payment takes.
    Exact,
    /// A bounded total, in smallest units: at least the exact amount, never unlimited.
    Total(Amount),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Approve { scope: Scope, allowance: AllowanceChoice },
    Reject { block_site: bool },
}

/// How an answer proves that a person gave it.
pub enum Proof {
    /// The window, where the buttons arm a second after [`Wallet::shown`].
    Window,
    /// A terminal: the passphrase, typed for this answer.
    Passphrase(Passphrase),
}

impl Wallet {
    /// The question is on a screen, with this digest; call again when it is focused or changes. Answers the
    /// milliseconds until approving counts.
    pub async fn shown(&self, id: PaymentId, digest: PlanDigest) -> Result<i64, WalletError> {
        let payment = self.waiting(id).await?;
        if payment.digest != digest {
            return Err(WalletError::PlanChanged { now: payment.digest });
        }
        lock(&self.0.arming).shown(&id, digest, self.0.time.boot_ms());
        Ok(crate::ARMING_MS)
    }

    /// Takes the answer. An approved payment comes back signed, or still open while its allowance is on its
    /// way; progress comes as events.
    pub async fn answer(
        &self,
        id: PaymentId,
        digest: PlanDigest,
        answer: Answer,
        proof: Proof,
    ) -> Result<Payment, WalletError> {
        let wallet = self.clone();
        self.detached(async move { wallet.take_answer(id, digest, answer, proof).await }).await
    }

    async fn take_answer(
        &self,
        id: PaymentId,
        digest: PlanDigest,
        answer: Answer,
        proof: Proof,
    ) -> Result<Payment, WalletError> {
        let payment = self.waiting(id).await?;
        if payment.digest != digest {
            return Err(WalletError::PlanChanged { now: payment.digest });
        }
        match answer {
            Answer::Reject { block_site } => self.reject(&payment, block_site).await,
            Answer::Approve { scope, allowance } => {
                self.prove_person(&payment, proof).await?;
                let id = payment.id;
                let answered = self.approve(payment, scope, allowance).await;
                // Keys that came with the answer are for a payment that is approved.
                if !matches!(self.row(id).await, Ok(row) if row.state == State::Reserved) {
                    self.0.keys.give_back(id);
                }
                answered
            }
        }
    }

    /// The open question, or how it ended: one whose time is over is closed here, whoever looks first.
    pub(crate) async fn waiting(&self, id: PaymentId) -> Result<Payment, WalletError> {
        let payment = self.row(id).await?;
        match payment.state {
            State::Asked if self.is_over(&payment) => {
                Err(WalletError::Ended(Box::new(self.end(id, End::Expired).await?)))
            }
            State::Asked => Ok(payment),
            _ => Err(WalletError::Ended(Box::new(payment))),
        }
    }

    /// By wall time or by boot time, whichever is over first.
    pub(crate) fn is_over(&self, payment: &Payment) -> bool {
        let by_boot = lock(&self.0.closes).get(&payment.id).is_some_and(|at| self.0.time.boot_ms() >= *at);
        by_boot || self.0.time.latest() >= payment.expires_at
    }

    async fn prove_person(&self, payment: &Payment, proof: Proof) -> Result<(), WalletError> {
        match proof {
            Proof::Window => {
                if self.is_locked() {
                    return Err(WalletError::Locked);
                }
                let wait_ms = lock(&self.0.arming).wait_ms(&payment.id, &payment.digest, self.0.time.boot_ms());
                if wait_ms > 0 {
                    return Err(WalletError::NotArmed { wait_ms });
                }
            }
            // Where the wallet is locked, this unlocks the one payment and nothing else.
            Proof::Passphrase(passphrase) => self.0.keys.lend(payment.id, self.open_vault(passphrase).await?),
        }
        self.touch();
        Ok(())
    }

    async fn reject(&self, payment: &Payment, block_site: bool) -> Result<Payment, WalletError> {
        let code = if block_site { "siteBlocked" } else { "rejected" };
        let end = End::Rejected { code: code.to_owned(), by: "person".to_owned() };
        let ended = self.end(payment.id, end).await?;
        lock(&self.0.flood).refused(&payment.plan.app, self.0.time.boot_ms());
        if block_site {
            self.block_site(&payment.plan.site, true).await?;
        }
        Ok(ended)
    }

    /// No to every question that the app of this one has open by now: a flood is answered once. Answers how many
    /// were ended; one that ended by itself meanwhile is none of them.
    pub async fn reject_app(&self, id: PaymentId) -> Result<u32, WalletError> {
        let wallet = self.clone();
        self.detached(async move {
            let app = wallet.row(id).await?.plan.app;
            let mut ended = 0;
            for asked in wallet.open_questions().await? {
                if asked.plan.app != app {
                    continue;
                }
                let rejected = wallet.reject(&asked, false).await?;
                ended += u32::from(matches!(&rejected.code, Some(code) if code == "rejected"));
            }
            Ok(ended)
        })
        .await
    }

    async fn approve(&self, asked: Payment, scope: Scope, choice: AllowanceChoice) -> Result<Payment, WalletError> {
        let id = asked.id;
        if let (Some(need), AllowanceChoice::Total(total)) = (&asked.plan.allowance, choice)
            && !total_range(need.need).contains(&total)
        {
            return Err(WalletError::Field {
                field: "allowanceTotal",
                expected: "at least the exact amount and at most 1,000 times it",
                found: total.to_string(),
            });
        }
        let given = match self.reserve_as_shown(&asked).await? {
            Yes::Stopped(payment) => return Ok(payment),
            Yes::Given(given) => given,
        };
        match given {
            Approved::Reserved(payment) | Approved::Already(payment) => {
                self.stored();
                self.plan_beside(&payment).await;
            }
            Approved::OtherPlan { asked } => return Err(WalletError::PlanChanged { now: asked }),
            Approved::Unseen => return Err(WalletError::PlanChanged { now: asked.digest }),
            Approved::TooLate(payment) | Approved::Ended(payment) => {
                self.moved(&payment);
                return Err(WalletError::Ended(Box::new(payment)));
            }
            Approved::Blocked(why) => {
                let end = End::Refused { code: why.code(&asked.plan.findings).to_owned() };
                return Err(WalletError::Refused(Box::new(self.end(id, end).await?)));
            }
            Approved::SameNonce(_) => return Err(WalletError::SameNonce),
        }
        if let Scope::Limit(limit) = scope {
            self.allow(&asked, limit).await?;
        }
        self.emit(Event::Payment { id, app: asked.plan.app.clone() });
        if asked.plan.allowance.is_none() {
            return self.finish(id).await;
        }
        if let AllowanceChoice::Total(total) = choice {
            lock(&self.0.totals).insert(id, total);
        }
        self.finish_later(id);
        self.row(id).await
    }

    /// "Up to … a day": the rule for app × site × token, and the app's own across all sites where it has none.
    async fn allow(&self, asked: &Payment, limit: Limit) -> Result<(), WalletError> {
        let plan = &asked.plan;
        let site_key = RuleKey {
            app: plan.app.clone(),
            site: Some(plan.site.clone()),
            network: plan.network,
            token: plan.token.address,
        };
        let app_key = RuleKey { site: None, ..site_key.clone() };
        let (app, site, network, token) = (plan.app.clone(), plan.site.clone(), plan.network, plan.token.address);
        let now = self.now();
        self.db(move |ledger| {
            let mode = Mode::Allow(limit);
            if ledger.standing(&app, &site, network, token, now)?.rules.app == Mode::Ask {
                ledger.set_rule(&app_key, &mode, now)?;
            }
            ledger.set_rule(&site_key, &mode, now)
        })
        .await?;
        self.emit(Event::Rules);
        Ok(())
    }
}
