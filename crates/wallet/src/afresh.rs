//! A question and what happened since it was shown. At the yes the plan is made once more, with what the chain and the
//! record say by then: a warning that was not shown, or an allowance that takes more, puts the question again, under
//! another digest and armed anew, and nothing is signed. What is reserved meanwhile makes open questions beside it be
//! planned again, so that a person reads what is true. Refuses nothing by itself.

use crate::planner::Planned;
use crate::{Event, Wallet, WalletError, lock};
use ledger::{Approved, End, Payment, PaymentId, Replan, Replanned, State};
use names::hosts_resemble;
use plan::{AllowanceNeed, Fact, Finding, Moment, Plan, Verdict, Weight, Window};
use std::collections::BTreeSet;
use std::time::Duration;

/// A yes that meets a change each time it looks is told so.
const TRIES: usize = 5;
/// Between two rounds of planning again: what limits pay may come many times a second.
const PAUSE: Duration = Duration::from_secs(2);

/// Open questions that have to be planned again.
#[derive(Default)]
pub(crate) struct Stale {
    ids: BTreeSet<PaymentId>,
    /// A task is at it.
    busy: bool,
}

/// What became of a yes.
pub(crate) enum Yes {
    /// By what chain or record say now it is not signed; it ended here.
    Stopped(Payment),
    Given(Approved),
}

/// What weighs in `now` and was not told by `shown`.
fn unseen(shown: &[Finding], now: &[Finding]) -> Vec<Finding> {
    let told = |now: &Finding| shown.iter().any(|shown| shown.tells(now));
    now.iter().filter(|now| now.weight >= Weight::Warn && !told(now)).cloned().collect()
}

/// Another spender, more to allow or more to burn than was shown. Less, or nothing any more, asks nobody.
fn takes_more(shown: Option<&AllowanceNeed>, now: Option<&AllowanceNeed>) -> bool {
    match (shown, now) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(shown), Some(now)) => {
            shown.spender != now.spender || now.need > shown.need || now.cost_sun > shown.cost_sun
        }
    }
}

/// All that a person has not read yet.
fn news(shown: &Plan, now: &Plan) -> Vec<Finding> {
    let mut news = unseen(&shown.findings, &now.findings);
    let missing = |found: &&Finding| matches!(found.fact, Fact::AllowanceMissing { .. });
    if takes_more(shown.allowance.as_ref(), now.allowance.as_ref()) && !news.iter().any(|found| missing(&found)) {
        news.extend(now.findings.iter().find(missing).cloned());
    }
    news
}

/// The earlier question for the same thing that a plan tells of.
fn asked_too(plan: &Plan) -> Option<&String> {
    plan.findings.iter().find_map(|found| match &found.fact {
        Fact::AskedToo { payment, .. } => Some(payment),
        _ => None,
    })
}

/// What a signature for `signed` may change in a question about `open`: balance and allowance, what is known of a payee
/// or a site.
fn beside(signed: &Plan, open: &Plan) -> bool {
    let account = |plan: &Plan| (plan.network, plan.token.address, plan.payer);
    let alike = signed.site.host() == open.site.host() || hosts_resemble(signed.site.host(), open.site.host());
    let somebody = signed.recipients().any(|(_, one)| open.recipients().any(|(_, other)| one == other));
    account(signed) == account(open) || alike || somebody
}

impl Wallet {
    /// Reserves what a person said yes to, if what was shown is all that there is to say now.
    ///
    /// # Errors
    /// [`WalletError::AskedAgain`]: it was not, and the question stands there again.
    pub(crate) async fn reserve_as_shown(&self, asked: &Payment) -> Result<Yes, WalletError> {
        let id = asked.id;
        let document = self.db(move |ledger| ledger.papers(id)).await?.document;
        for _ in 0..TRIES {
            let planned = self.plan_again(asked, &document).await?;
            if let Some(stop) = planned.plan.findings.iter().find(|f| f.weight == Weight::Stop) {
                return match stop.fact {
                    Fact::DeadlinePassed { .. } => self.end(id, End::Expired).await,
                    _ => Box::pin(self.refuse(asked, &planned, stop.fact.code())).await,
                }
                .map(Yes::Stopped);
            }
            let news = news(&asked.plan, &planned.plan);
            if !news.is_empty() {
                return Err(self.ask_again(asked, planned, news).await?);
            }
            if planned.plan.allowance.is_some() && planned.ground.chain.sender.is_none() {
                self.knows_sender(&planned.plan).await?;
            }
            match self.reserve_if_unchanged(asked, planned).await? {
                // Somebody else's yes, or a limit, came between: looked at once more.
                Approved::Unseen => {}
                done => return Ok(Yes::Given(done)),
            }
        }
        Err(WalletError::PlanChanged { now: asked.digest })
    }

    /// Ends a question by what is found by now, which the row keeps with its figures.
    async fn refuse(&self, asked: &Payment, planned: &Planned, code: &str) -> Result<Payment, WalletError> {
        let (id, now, shown, expires_at) = (asked.id, self.now(), asked.digest, asked.expires_at);
        let (plan, digest, code) = (planned.plan.clone(), planned.digest, code.to_owned());
        let (nonce, dictated) = (planned.nonce.clone(), planned.dictated);
        let refused = self.db(move |ledger| {
            let change = Replan { shown, plan: &plan, digest, nonce: &nonce, dictated, expires_at, reserve: false };
            ledger.refuse(id, &change, &code, now)
        });
        match refused.await? {
            Replanned::OtherPlan { asked } => Err(WalletError::PlanChanged { now: asked }),
            Replanned::Ended(payment) | Replanned::Asked(payment) | Replanned::Reserved(payment) => {
                self.ended(&payment).await;
                Ok(payment)
            }
            Replanned::Refused(_) => Err(WalletError::Check { check: "refusal of the row" }),
        }
    }

    /// No yes without a word about the account that has to send a transaction first: why there is none.
    async fn knows_sender(&self, plan: &Plan) -> Result<(), WalletError> {
        let node = self.node(plan.network)?;
        tokio::try_join!(node.account(plan.payer), node.resources(plan.payer))?;
        Ok(())
    }

    /// What earlier payments say is looked up inside the transaction that reserves.
    async fn reserve_if_unchanged(&self, asked: &Payment, planned: Planned) -> Result<Approved, WalletError> {
        let (id, now, judged_at) = (asked.id, self.now(), self.judged_at(asked.plan.network));
        let answer = ledger::Answer { digest: asked.digest, window: self.window_of(asked)? };
        let (shown, need) = (asked.plan.findings.clone(), asked.plan.allowance.as_ref().map(|need| need.need));
        self.db(move |ledger| {
            ledger.approve(id, &answer, now, |history| {
                let found = planned.ground.findings(history, judged_at);
                let missing = found.iter().any(|f| matches!(f.fact, Fact::AllowanceMissing { .. }));
                let grown = missing && need.is_none_or(|shown| planned.ground.need(history) > shown);
                !grown && unseen(&shown, &found).is_empty()
            })
        })
        .await
    }

    /// The wallet's own window begins now; a dictated one is what it is. Neither by this machine's clock alone.
    fn window_of(&self, asked: &Payment) -> Result<Window, WalletError> {
        let plan = &asked.plan;
        let own = self.window(plan.network, plan.lifetime().unwrap_or(0))?;
        Ok(if plan.lifetime().is_some() { own } else { plan.window })
    }

    /// Puts the question again; what whoever answered is told.
    async fn ask_again(
        &self,
        asked: &Payment,
        planned: Planned,
        news: Vec<Finding>,
    ) -> Result<WalletError, WalletError> {
        let found = planned.plan.findings.clone();
        match self.put(asked, planned).await? {
            Replanned::Asked(payment) | Replanned::Reserved(payment) => {
                Ok(WalletError::AskedAgain { payment: Box::new(payment), news })
            }
            Replanned::OtherPlan { asked } => Ok(WalletError::PlanChanged { now: asked }),
            Replanned::Ended(payment) => Ok(WalletError::Ended(Box::new(payment))),
            Replanned::Refused(refusal) => {
                let code = refusal.code(&found).to_owned();
                Ok(WalletError::Refused(Box::new(self.end(asked.id, End::Refused { code }).await?)))
            }
        }
    }

    /// Puts a plan in the place of the one that `asked` shows. Where no limit may answer, a person does, whatever a limit
    /// would say.
    pub(crate) async fn replan(
        &self,
        asked: &Payment,
        planned: Planned,
        expires_at: Moment,
        limit_may_answer: bool,
    ) -> Result<Replanned, WalletError> {
        let (id, shown) = (asked.id, asked.digest);
        let (wallet, now) = (self.clone(), self.now());
        self.db(move |ledger| {
            let change = Replan {
                shown,
                plan: &planned.plan,
                digest: planned.digest,
                nonce: &planned.nonce,
                dictated: planned.dictated,
                expires_at,
                reserve: limit_may_answer,
            };
            ledger.replan(id, &change, now, |rules, spending| match wallet.judge(&planned.plan, rules, spending, now) {
                Verdict::Allow if !limit_may_answer => Verdict::Ask(vec![]),
                verdict => verdict,
            })
        })
        .await
    }

    /// Puts the question again and tells everybody.
    async fn put(&self, asked: &Payment, planned: Planned) -> Result<Replanned, WalletError> {
        let id = asked.id;
        let replanned = self.replan(asked, planned, asked.expires_at, false).await?;
        if let Replanned::Asked(payment) = &replanned {
            self.stored();
            lock(&self.0.arming).forget(&id);
            self.emit(Event::Question { id, app: payment.plan.app.clone() });
        }
        Ok(replanned)
    }

    /// Something was reserved: the open questions beside it are planned again, behind this.
    pub(crate) async fn plan_beside(&self, reserved: &Payment) {
        self.plan_those(|open| open.id != reserved.id && beside(&reserved.plan, &open.plan)).await;
    }

    /// A question ended with nothing reserved: those that tell of it are planned again, behind this.
    pub(crate) async fn plan_without(&self, ended: &Payment) {
        let id = ended.id.to_string();
        self.plan_those(|open| asked_too(&open.plan) == Some(&id)).await;
    }

    /// Two apps may ask for the same thing at one moment, so that neither plan tells of the other question: the later one
    /// is planned again, behind this.
    pub(crate) async fn plan_after(&self, asked: &Payment) {
        let same =
            |open: &Payment| (&open.plan.site, &open.plan.request.url) == (&asked.plan.site, &asked.plan.request.url);
        let known = asked_too(&asked.plan).is_some();
        // In the order in which they were asked.
        let open = if known { vec![] } else { self.open_questions().await.unwrap_or_default() };
        if open.iter().take_while(|open| open.id != asked.id).any(same) {
            self.plan_those(|open| open.id == asked.id).await;
        }
    }

    async fn plan_those(&self, which: impl Fn(&Payment) -> bool) {
        // Each open question has its boot deadline here, so that a limit's payment reads nothing where none is open.
        if lock(&self.0.closes).is_empty() {
            return;
        }
        let open = match self.open_questions().await {
            Ok(open) => open,
            Err(error) => return tracing::warn!(%error, "open questions can't be read"),
        };
        let mut stale = lock(&self.0.stale);
        stale.ids.extend(open.iter().filter(|open| which(open)).map(|open| open.id));
        if stale.ids.is_empty() || std::mem::replace(&mut stale.busy, true) {
            return;
        }
        drop(stale);
        let wallet = self.clone();
        self.spawn(async move { wallet.plan_stale_ones().await });
    }

    async fn plan_stale_ones(&self) {
        loop {
            let ids = {
                let mut stale = lock(&self.0.stale);
                stale.busy = !stale.ids.is_empty();
                std::mem::take(&mut stale.ids)
            };
            if ids.is_empty() {
                return;
            }
            for id in ids {
                if let Err(error) = self.plan_open_one(id).await {
                    tracing::info!(payment = %id, %error, "goes on as it was asked; the yes looks again");
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Shows an open question as it is by now, where a warning came or went.
    async fn plan_open_one(&self, id: PaymentId) -> Result<(), WalletError> {
        let asked = self.row(id).await?;
        if asked.state != State::Asked {
            return Ok(());
        }
        let document = self.db(move |ledger| ledger.papers(id)).await?.document;
        let planned = self.plan_again(&asked, &document).await?;
        let (shown, now) = (&asked.plan, &planned.plan);
        let went = !unseen(&now.findings, &shown.findings).is_empty();
        let given = shown.allowance.is_some() && now.allowance.is_none();
        let too = asked_too(shown) != asked_too(now);
        if went || given || too || !news(shown, now).is_empty() {
            self.put(&asked, planned).await?;
        }
        Ok(())
    }

    /// Questions of an older version have a digest that covers less: they get the one of now, for the same plan.
    pub(crate) fn renew_digests(&self, open: &[Payment]) -> Result<(), ledger::LedgerError> {
        for asked in open {
            let digest = plan::PlanDigest::of(&asked.plan);
            if digest == asked.digest {
                continue;
            }
            let change = Replan {
                shown: asked.digest,
                plan: &asked.plan,
                digest,
                nonce: &asked.nonce,
                dictated: asked.dictated,
                expires_at: asked.expires_at,
                reserve: false,
            };
            // It is the same question with the same reasons.
            let whys = asked.whys.clone();
            self.0.ledger.replan(asked.id, &change, self.now(), |_, _| Verdict::Ask(whys))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plan::EarlierOutcome;
    use tron::{Address, Amount};

    fn warn(fact: Fact) -> Finding {
        Finding { weight: Weight::Warn, fact }
    }

    fn paid(payment: &str, seconds_ago: u64, earlier: EarlierOutcome) -> Fact {
        Fact::PaidJustNow { seconds_ago, payment: payment.to_owned(), earlier }
    }

    #[test]
    fn time_that_passes_is_no_news_and_another_payment_or_address_is() {
        let (one, other) = (Address::from_bytes([1; 20]), Address::from_bytes([2; 20]));
        let amount = |n| Amount::from_u64(n);
        let price = |usual| Fact::PriceAboveUsual { usual: amount(usual), now: amount(100) };
        let clock = |seconds, ahead| Fact::ClockOff { seconds, ahead };
        use EarlierOutcome::{Paid, Unknown};
        for (shown, now, news) in [
            (paid("a", 3, Unknown), paid("a", 50, Unknown), false),
            (paid("a", 3, Unknown), paid("b", 1, Unknown), true),
            (paid("a", 3, Unknown), paid("a", 50, Paid), true),
            (Fact::PayeeFirstSeen, Fact::PayeeFirstSeen, false),
            (Fact::PayeeFirstSeen, Fact::PayeeChanged { before: one, times: 1 }, true),
            (Fact::PayeeChanged { before: one, times: 1 }, Fact::PayeeChanged { before: one, times: 2 }, false),
            (Fact::PayeeChanged { before: one, times: 1 }, Fact::PayeeChanged { before: other, times: 1 }, true),
            (price(10), price(10), false),
            (price(10), price(20), false),
            (price(10), price(9), true),
            (Fact::DeadlineFar { seconds: 9_000 }, Fact::DeadlineFar { seconds: 8_000 }, false),
            (Fact::DeadlineFar { seconds: 8_000 }, Fact::DeadlineFar { seconds: 9_000 }, true),
            (clock(240, true), clock(300, true), false),
            (clock(240, true), clock(360, true), true),
            (clock(240, true), clock(240, false), true),
        ] {
            assert_eq!(!unseen(&[warn(shown.clone())], &[warn(now.clone())]).is_empty(), news, "{shown:?} {now:?}");
        }
        let note = Finding { weight: Weight::Note, fact: Fact::NotYetValid { seconds: 20 } };
        assert!(unseen(&[], std::slice::from_ref(&note)).is_empty(), "a note asks nobody");
        assert_eq!(unseen(&[note], &[warn(Fact::NotYetValid { seconds: 20 })]).len(), 1, "heavier than it was");
    }

    #[test]
    fn an_allowance_that_takes_less_asks_nobody() {
        let need = |need, cost_sun| AllowanceNeed {
            spender: Address::ZERO,
            have: Amount::ZERO,
            need: Amount::from_u64(need),
            cost_sun,
        };
        let shown = need(10, 100);
        for (now, more) in [
            (None, false),
            (Some(need(10, 100)), false),
            (Some(need(9, 90)), false),
            (Some(need(11, 100)), true),
            (Some(need(10, 101)), true),
            (Some(AllowanceNeed { spender: Address::from_bytes([1; 20]), ..need(10, 100) }), true),
        ] {
            assert_eq!(takes_more(Some(&shown), now.as_ref()), more, "{now:?}");
        }
        assert!(takes_more(None, Some(&shown)));
    }
}
