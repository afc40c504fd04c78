//! Questions that were asked only because the wallet was locked, judged again once it is not: a limit that allows one
//! pays it then, as it would have at once. Everything else goes on as a question, with the reasons of now. Refuses what
//! the rules forbid by now.

use crate::{Event, Wallet, WalletError};
use ledger::{End, Payment, Replanned};
use plan::Why;

impl Wallet {
    /// One after the other: what the first takes counts against the next.
    pub(crate) async fn judge_locked_ones_again(&self) {
        let open = match self.open_questions().await {
            Ok(open) => open,
            Err(e) => return tracing::warn!(error = %e, "open questions can't be read"),
        };
        for payment in open.into_iter().filter(|p| p.whys == [Why::Locked]) {
            let id = payment.id;
            if self.is_locked() {
                return;
            }
            if let Err(e) = self.judge_again(payment).await {
                tracing::info!(payment = %id, error = %e, "asked while it was locked, and goes on as a question");
            }
        }
    }

    async fn judge_again(&self, asked: Payment) -> Result<(), WalletError> {
        let id = asked.id;
        let document = self.db(move |ledger| ledger.papers(id)).await?.document;
        let planned = self.plan_again(&asked, &document).await?;
        let found = planned.plan.findings.clone();
        let replanned = self.replan(&asked, planned, asked.expires_at, true).await?;
        match replanned {
            Replanned::Reserved(payment) => {
                self.stored();
                self.moved(&payment);
                self.plan_beside(&payment).await;
                self.finish(id).await.map(drop)
            }
            Replanned::Asked(payment) => {
                self.emit(Event::Question { id, app: payment.plan.app });
                Ok(())
            }
            Replanned::Refused(refusal) => {
                let code = refusal.code(&found).to_owned();
                self.end(id, End::Refused { code }).await.map(drop)
            }
            // Answered, or planned anew by a person, meanwhile.
            Replanned::OtherPlan { .. } | Replanned::Ended(_) => Ok(()),
        }
    }
}
