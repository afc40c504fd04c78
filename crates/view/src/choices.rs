//! The options of a question's 402, to compare and to take: each with what it costs in all, what the account has,
//! and why it can't be used where it can't. Decides nothing.

use crate::desk::{digest, payment_id};
use crate::question::quoted;
use crate::show_payment::money;
use crate::words::say;
use crate::{Desk, Failure, FindingView, MoneyView, QuestionView};
use plan::{Fact, Weight};
use serde::{Deserialize, Serialize};
use specta::Type;
use wallet::Choice;

/// One option.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ChoiceView {
    /// Its place in `accepts`, from 0.
    pub index: u32,
    /// The question is about this one.
    pub taken: bool,
    /// Taking it is possible: nothing stands in the way.
    pub usable: bool,
    /// "exact/permit2"; of an option that can't be read the wire's word.
    pub scheme: String,
    /// Absent, like all that follows, where the option can't be paid at all.
    pub network: Option<String>,
    pub test_money: bool,
    /// Price and fee together: what leaves at most.
    pub maximum: Option<MoneyView>,
    pub fee: Option<MoneyView>,
    /// Most TRX that the missing allowance burns first.
    pub burns: Option<MoneyView>,
    pub balance: Option<MoneyView>,
    /// "cheapest that can settle" for the one that is taken, or why it can't be used.
    pub note: Option<String>,
}

impl ChoiceView {
    fn of(choice: &Choice) -> Self {
        let index = u32::try_from(choice.index).unwrap_or(u32::MAX);
        let plan = match &choice.plan {
            Ok(plan) => plan,
            Err(reason) => {
                return Self {
                    index,
                    taken: choice.taken,
                    usable: false,
                    scheme: quoted(&choice.scheme, 40),
                    network: None,
                    test_money: false,
                    maximum: None,
                    fee: None,
                    burns: None,
                    balance: None,
                    note: Some(quoted(&reason.told(), 200)),
                };
            }
        };
        let stop = plan.findings.iter().find(|f| f.weight == Weight::Stop);
        let why = plan.findings.iter().find(|f| matches!(f.fact, Fact::OptionChosen { .. }));
        let note = match (stop, why) {
            (Some(finding), _) => Some(FindingView::of(finding, plan).text),
            (None, Some(plan::Finding { fact: Fact::OptionChosen { why, .. }, .. })) => {
                Some(say(crate::show_finding::chosen(*why), &[]))
            }
            _ => None,
        };
        Self {
            index,
            taken: choice.taken,
            usable: choice.settles(),
            scheme: plan.scheme.name().to_owned(),
            network: Some(plan.network.label().to_owned()),
            test_money: plan.network.is_test(),
            maximum: Some(money(plan, plan.maximum)),
            fee: plan.fee.as_ref().map(|fee| money(plan, fee.amount)),
            burns: plan.allowance.as_ref().map(|need| MoneyView::sun(need.cost_sun).on(plan.network)),
            balance: plan.balance.map(|balance| money(plan, balance)),
            note,
        }
    }
}

impl Desk {
    /// The options of an open question's 402, in the server's order. Asks the chain about each.
    pub async fn choices(&self, id: &str) -> Result<Vec<ChoiceView>, Failure> {
        let choices = self.wallet().choices(payment_id(id)?).await?;
        Ok(choices.iter().map(ChoiceView::of).collect())
    }

    /// Takes another Permit2 deployment. The question comes back as with another option.
    pub async fn choose_permit2(&self, id: &str, plan: &str, set: &str) -> Result<QuestionView, Failure> {
        self.wallet().choose_permit2(payment_id(id)?, digest(plan)?, set).await?;
        self.question(id).await
    }

    /// Takes another option. The question comes back with a new digest, and its buttons sleep again.
    pub async fn choose(&self, id: &str, plan: &str, option: u32) -> Result<QuestionView, Failure> {
        let option = usize::try_from(option).unwrap_or(usize::MAX);
        self.wallet().choose(payment_id(id)?, digest(plan)?, option).await?;
        self.question(id).await
    }
}
