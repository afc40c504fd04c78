//! `answer`: questions of a running Countersign, or of the ledger, answered in this terminal.

use crate::args::{Answer, Global};
use crate::console::Console;
use crate::exit::{Fail, Status};
use crate::question;
use crate::reach::Reach;
use crate::show::say;
use crate::show::{self, money, safe};
use helper::verb::{Choose, ChoosePermit2, Questions};
use view::{Failure, PaymentView, StateView};

pub async fn answer(global: &Global, console: &Console, answer: Answer) -> Result<(), Fail> {
    let reach = Reach::owner(global).await?;
    let questions = reach.call(Questions {}).await?;
    if answer.list || (global.json && answer.id.is_none()) {
        match global.json {
            true => show::json(&questions),
            false => {
                let row = |q: &view::QuestionView| {
                    let site = q.provenance.word();
                    vec![q.id.clone(), money(&q.maximum), safe(&q.site), site, safe(&q.app_name)]
                };
                show::table(&questions.iter().map(row).collect::<Vec<_>>());
            }
        }
        return Ok(());
    }
    let chosen = match &answer.id {
        Some(id) => questions.iter().find(|q| q.id == *id).ok_or_else(|| Fail::plain("no such question is open"))?,
        None => match questions.first() {
            Some(first) => first,
            None => {
                say!("No question is open.");
                return Ok(());
            }
        },
    };
    let taken;
    let chosen = match answer.option {
        Some(number) => {
            let option = number.checked_sub(1).ok_or_else(|| Fail::plain("options are numbered from 1"))?;
            let (id, digest) = (chosen.id.clone(), chosen.digest.clone());
            taken = reach.call(Choose { id, digest, option }).await?;
            &taken
        }
        None => chosen,
    };
    let through;
    let chosen = match &answer.permit2 {
        Some(set) => {
            let (id, digest) = (chosen.id.clone(), chosen.digest.clone());
            through = reach.call(ChoosePermit2 { id, digest, set: set.clone() }).await?;
            &through
        }
        None => chosen,
    };
    let payment =
        question::ask(&reach, console, chosen, answer.allowance.as_deref()).await?.ok_or_else(question::over)?;
    match global.json {
        true => show::json(&payment),
        false => say!("{}", outcome(&payment)),
    }
    match payment.state {
        StateView::Refused => Err(Fail::told(Status::Refused)),
        _ => Ok(()),
    }
}

/// What became of an answered question, in one line.
pub fn outcome(payment: &PaymentView) -> String {
    let what = match payment.state {
        StateView::Approved => "Approved; the allowance is on its way, the signature follows",
        StateView::Signed => "Signed",
        StateView::Refused => "Refused; nothing left",
        other => show::state(other),
    };
    format!("{what}: {} to {}", money(&payment.amount), safe(&payment.site))
}

/// A payment that ended without a signature, as the failure that it is.
pub fn unsigned(status: StateView, failure: Option<Failure>) -> Fail {
    match (failure, status) {
        (Some(failure), _) => failure.into(),
        (None, StateView::Expired | StateView::Cancelled) => Fail::of(Status::Ended, show::state(status)),
        (None, _) => Fail::of(Status::Refused, show::state(status)),
    }
}
