//! The options of one 402 side by side: which one is taken and why, what each would cost, and taking another one.
//! By default the cheapest that would settle, those that the app prefers first. Refuses to take an option that
//! would not settle, and an answer to the options of a plan that changed.

use crate::asked::Asked;
use crate::facts::Look;
use crate::planner::{Planned, Try};
use crate::{Event, Unpayable, Wallet, WalletError, lock};
use ledger::{Payment, PaymentId, Replanned};
use plan::{AppId, Chosen, Fact, Finding, Plan, PlanDigest, Weight};
use tron::Amount;
use x402::{Requirements, Terms};

/// One option of the 402 that a question is about.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Its place in `accepts`, from 0.
    pub index: usize,
    /// The wire's name for its scheme, for options that can't be read.
    pub scheme: String,
    /// What taking it would mean, with its findings; or why it can't be paid at all.
    pub plan: Result<Plan, Unpayable>,
    /// It is the one that the question asks about.
    pub taken: bool,
}

impl Choice {
    /// Nothing stands in the way.
    pub fn settles(&self) -> bool {
        self.plan.as_ref().is_ok_and(|plan| plan.weight() < Weight::Stop)
    }
}

impl Wallet {
    /// Plans the option that is taken unless a person says otherwise.
    pub(crate) async fn plan(&self, app: &AppId, asked: &Asked, look: Look) -> Result<Planned, WalletError> {
        let payer = self.payer(app, &asked.site).await?;
        let mut payable: Vec<(&Requirements, Terms)> = Vec::new();
        let mut reasons = Vec::new();
        for option in &asked.offer.options {
            match self.payable(option, &asked.site, payer).await? {
                Ok(terms) => payable.push((option, terms)),
                Err(reason) => reasons.push((option.index, reason)),
            }
        }
        if payable.is_empty() {
            let worst = reasons.iter().map(|(_, r)| r.clone()).max();
            let reasons = reasons.iter().map(|(i, r)| format!("accepts[{i}]: {}", r.told())).collect();
            let none = Unpayable::Scheme("nothing".to_owned());
            return Err(WalletError::NothingPayable { worst: worst.unwrap_or(none), reasons });
        }
        let plans = payable.iter().map(|(option, terms)| async move {
            let planned =
                Box::pin(self.plan_option(app, asked, Try { option, terms, payer, own: None, nonce: None, look }))
                    .await?;
            let preferred = asked.prefer.as_ref().is_some_and(|p| p.matches(option, terms));
            let over = asked.within(&planned.plan).is_err();
            Ok::<_, WalletError>(Ranked { planned, preferred, over })
        });
        let (mut ranked, mut sick) = (Vec::<Ranked>::new(), None);
        for planned in futures::future::join_all(plans).await {
            match planned {
                Ok(option) => ranked.push(option),
                // From memory nothing may be left out: it could be the better one.
                Err(e) if look == Look::Chain && e.is_of_one_option() => {
                    tracing::info!(error = %e, "an option can't be planned");
                    sick.get_or_insert(e);
                }
                Err(e) => return Err(e),
            }
        }
        // Where nothing else would settle, what keeps this one from it is the better word.
        if let Some(e) = sick.filter(|_| !ranked.iter().any(Ranked::settles)) {
            return Err(e);
        }
        let settling = ranked.iter().filter(|r| r.settles()).count();
        let networks: Vec<_> = ranked.iter().map(|r| r.planned.plan.network).collect();
        let some_not_preferred = ranked.iter().any(|r| !r.preferred);
        let order = |r: &Ranked| r.order(networks.iter().position(|n| *n == r.planned.plan.network));
        let best = ranked.into_iter().min_by_key(order).ok_or(WalletError::Check { check: "options of the offer" })?;
        let why = match (settling, best.preferred && some_not_preferred) {
            (1, _) => Chosen::OnlyOne,
            (_, true) => Chosen::Preferred,
            _ => Chosen::Cheapest,
        };
        Ok(best.planned.chosen(why, asked.offer.options.len()))
    }

    /// The options of an open question's 402, each with its cost and whether it would settle now.
    pub async fn choices(&self, id: PaymentId) -> Result<Vec<Choice>, WalletError> {
        let payment = self.waiting(id).await?;
        let document = self.db(move |ledger| ledger.papers(id)).await?.document;
        let asked = Asked::again(&payment.plan, &document)?;
        let (asked, payment) = (&asked, &payment);
        let choices = asked.offer.options.iter().map(|option| async move {
            let taken = option.index == payment.plan.option;
            let plan = match taken {
                true => Ok(payment.plan.clone()),
                false => match self.payable(option, &asked.site, payment.plan.payer).await? {
                    Ok(terms) => match self.plan_other(payment, asked, option, &terms).await {
                        Ok(planned) => Ok(planned.plan),
                        Err(e) if e.is_of_one_option() => Err(Unpayable::CannotSign(e.to_string())),
                        Err(e) => return Err(e),
                    },
                    Err(reason) => Err(reason),
                },
            };
            Ok(Choice { index: option.index, scheme: option.scheme.clone(), plan, taken })
        });
        futures::future::join_all(choices).await.into_iter().collect()
    }

    async fn plan_other(
        &self,
        payment: &Payment,
        asked: &Asked,
        option: &Requirements,
        terms: &Terms,
    ) -> Result<Planned, WalletError> {
        let what =
            Try { option, terms, payer: payment.plan.payer, own: Some(payment.id), nonce: None, look: Look::Chain };
        Box::pin(self.plan_option(&payment.plan.app, asked, what)).await
    }

    /// Takes another option of the question's 402, for the plan with this digest. The question goes on under the same
    /// id with a new plan and digest, and arming begins again.
    pub async fn choose(&self, id: PaymentId, shown: PlanDigest, option: usize) -> Result<Payment, WalletError> {
        let payment = self.waiting_as(id, shown).await?;
        match payment.plan.option == option {
            true => Ok(payment),
            false => self.replan_for(payment, option, None).await,
        }
    }

    /// Plans the question through another Permit2 deployment: another plan and digest under the same id, and arming
    /// begins again. A yes to it keeps the deployment for this site where the seller refused the other one.
    pub async fn choose_permit2(&self, id: PaymentId, shown: PlanDigest, set: &str) -> Result<Payment, WalletError> {
        let payment = self.waiting_as(id, shown).await?;
        let option = payment.plan.option;
        self.replan_for(payment, option, Some(set)).await
    }

    async fn waiting_as(&self, id: PaymentId, shown: PlanDigest) -> Result<Payment, WalletError> {
        let payment = self.waiting(id).await?;
        match payment.digest == shown {
            true => Ok(payment),
            false => Err(WalletError::PlanChanged { now: payment.digest }),
        }
    }

    async fn replan_for(&self, payment: Payment, option: usize, permit2: Option<&str>) -> Result<Payment, WalletError> {
        let id = payment.id;
        let document = self.db(move |ledger| ledger.papers(id)).await?.document;
        let asked = Asked::again(&payment.plan, &document)?;
        let wanted = asked.offer.options.get(option);
        let wanted = wanted.ok_or(WalletError::NotFound { what: "option" })?;
        let terms = self.payable(wanted, &asked.site, payment.plan.payer).await?.map_err(|reason| {
            let reasons = vec![format!("accepts[{option}]: {}", reason.told())];
            WalletError::NothingPayable { worst: reason, reasons }
        })?;
        let terms = match permit2 {
            None => terms,
            // An offer that names its contract itself, or is not by Permit2, has nothing to choose.
            Some(set) => terms.through(set).filter(|through| *through != terms).ok_or_else(|| WalletError::Field {
                field: "permit2",
                expected: "another deployment that this option can go through",
                found: set.to_owned(),
            })?,
        };
        let planned = self.plan_other(&payment, &asked, wanted, &terms).await?;
        if let Some(stop) = planned.plan.findings.iter().find(|f| f.weight == Weight::Stop) {
            let (expected, found) = ("an option that would settle", stop.fact.code().to_owned());
            return Err(WalletError::Field { field: "option", expected, found });
        }
        let planned = planned.chosen(Chosen::Person, asked.offer.options.len());
        let expires_at = self.closing(&planned.plan, payment.entered_at);
        let replanned = self.replan(&payment, planned, expires_at, false).await?;
        self.stored();
        match replanned {
            Replanned::Asked(payment) | Replanned::Reserved(payment) => {
                lock(&self.0.arming).forget(&id);
                let left = payment.expires_at.since(self.0.time.latest());
                lock(&self.0.closes).insert(id, self.0.time.boot_ms() + left);
                self.emit(Event::Question { id, app: payment.plan.app.clone() });
                Ok(payment)
            }
            Replanned::OtherPlan { asked } => Err(WalletError::PlanChanged { now: asked }),
            Replanned::Ended(payment) => Err(WalletError::Ended(Box::new(payment))),
            Replanned::Refused(refusal) => {
                let found = refusal.code(&payment.plan.findings).to_owned();
                Err(WalletError::Field { field: "option", expected: "an option that the rules allow", found })
            }
        }
    }
}

struct Ranked {
    planned: Planned,
    preferred: bool,
    /// More than the app lets leave, or another token than it means.
    over: bool,
}

impl Ranked {
    fn settles(&self) -> bool {
        self.planned.plan.weight() < Weight::Stop
    }

    /// What settles comes first, then what is within the app's maximum, what it prefers, then the network that the seller names first. The tokens
    /// of the table are all worth a dollar, so their prices compare by whole units; others come after them. Last the
    /// TRX that an allowance burns, and the seller's order.
    fn order(&self, network: Option<usize>) -> impl Ord + use<> {
        let plan = &self.planned.plan;
        let units = comparable(plan);
        let burnt = plan.allowance.as_ref().map_or(0, |need| need.cost_sun);
        (!self.settles(), self.over, !self.preferred, network, units.is_none(), units, plan.maximum, burnt, plan.option)
    }
}

/// The maximum in 10⁻¹⁸ of a whole unit; `None` for tokens whose unit is worth nobody knows what.
fn comparable(plan: &Plan) -> Option<Amount> {
    let missing = 18_u32.checked_sub(u32::from(plan.token.decimals)).filter(|_| plan.token.known)?;
    Some(plan.maximum.saturating_mul(10_u64.checked_pow(missing)?))
}

impl Planned {
    /// Says why this option was taken, where there was a choice.
    fn chosen(self, why: Chosen, options: usize) -> Self {
        if options < 2 {
            return self;
        }
        let options = u64::try_from(options).unwrap_or(u64::MAX);
        self.say(Finding { weight: Weight::Note, fact: Fact::OptionChosen { why, options } })
    }
}
