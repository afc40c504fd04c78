//! Taking another option of a 402: by the control socket and by the window's verbs. What is signed is what was shown
//! last; an answer to the plan before counts for nothing. The terminal's question is told in `crates/cli/tests`.

use crate::counter::Counter;
use helper::verb::{Answer, Choices, Choose};
use stories::PASSPHRASE;
use tron::Amount;
use view::{AnswerView, ChoiceView, Code, Proof, QuestionView, ScopeView};

fn yes() -> AnswerView {
    AnswerView::Approve { scope: ScopeView::Once, allowance_total: None }
}

/// Scheme, total, balance, whether it can be taken, and whether it is.
fn shown(choices: &[ChoiceView]) -> Vec<(&str, &str, &str, bool, bool)> {
    fn money(money: &Option<view::MoneyView>) -> &str {
        money.as_ref().map_or("", |money| money.display.as_str())
    }
    choices.iter().map(|c| (c.scheme.as_str(), money(&c.maximum), money(&c.balance), c.usable, c.taken)).collect()
}

fn compared(question: &QuestionView, choices: &[ChoiceView]) {
    assert_eq!((question.options, question.scheme.as_str()), (3, "exact/permit2"));
    let expected = [
        ("exact_permit", "0.07", "100", true, false),
        ("exact/permit2", "0.065", "100", true, true),
        ("exact/eip3009", "0.08", "100", true, false),
    ];
    assert_eq!(shown(choices), expected);
    // Why this one; what an allowance burns on top, where one is missing; and of the others no reason.
    assert!(choices[1].note.as_ref().unwrap().contains("cheapest"), "{:?}", choices[1].note);
    assert_eq!([0, 1, 2].map(|n| choices[n].burns.is_some()), [true, true, false]);
    assert!(choices[0].note.is_none() && choices[2].note.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn by_the_control_socket_another_option_is_taken_and_paid() {
    let counter = Counter::open().await;
    counter.add_token().await;
    let control = &counter.control;
    let url = counter.world.choice_url();
    let bought = counter.buys(&url, async |first| {
        let id = first.id.clone();
        compared(&first, &control.call(Choices { id: id.clone() }).await.unwrap());
        let choose = |digest: &str, option| Choose { id: id.clone(), digest: digest.to_owned(), option };
        let other = control.call(choose(&first.digest, 2)).await.unwrap();
        assert_eq!((other.scheme.as_str(), other.maximum.display.as_str()), ("exact/eip3009", "0.08"));
        assert!(other.id == first.id && other.digest != first.digest && other.allowance.is_none());
        // The plan before is gone, for a choice and for an answer; an option that is not there is no choice.
        let stale = control.call(choose(&first.digest, 0)).await.unwrap_err();
        assert_eq!(stale.code, Code::PlanChanged);
        let old = Answer { id: id.clone(), digest: first.digest.clone(), answer: yes(), passphrase: PASSPHRASE.into() };
        assert_eq!(control.call(old).await.unwrap_err().code, Code::PlanChanged);
        assert_eq!(control.call(choose(&other.digest, 3)).await.unwrap_err().code, Code::NotFound);
        counter.yes(&counter.question().await).await;
    });
    let bought = bought.await.unwrap();
    assert_eq!(bought.status, 200);
    let row = counter.row(&bought.payment_id.unwrap()).await;
    assert_eq!((row.scheme.as_str(), row.maximum.display.as_str()), ("exact/eip3009", "0.08"));
    let earned = counter.balance(devnet::AUTHORIZED_USD, practice::pay_to()).await;
    assert_eq!(earned, Amount::from_u64(80_000));
    assert_eq!(counter.balance(counter.world.usdt(), practice::pay_to()).await, Amount::ZERO);
    counter.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_the_windows_verbs_the_buttons_sleep_again_after_a_choice() {
    let counter = Counter::open().await;
    counter.add_token().await;
    let desk = counter.owner.desk();
    let url = counter.world.choice_url();
    let bought = counter.buys(&url, async |first| {
        compared(&first, &desk.choices(&first.id).await.unwrap());
        let wait = desk.shown(&first.id, &first.digest).await.unwrap();
        assert!(wait > 0);
        let other = desk.choose(&first.id, &first.digest, 0).await.unwrap();
        assert_eq!((other.scheme.as_str(), other.maximum.display.as_str()), ("exact_permit", "0.07"));
        let early = desk.answer(&other.id, &other.digest, yes(), Proof::Window).await.unwrap_err();
        assert_eq!(early.code, Code::NotArmed);
        let stale = desk.answer(&first.id, &first.digest, yes(), Proof::Window).await.unwrap_err();
        assert_eq!(stale.code, Code::PlanChanged);
        let wait = desk.shown(&other.id, &other.digest).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(u64::from(wait))).await;
        desk.answer(&other.id, &other.digest, yes(), Proof::Window).await.unwrap();
    });
    let row = counter.row(&bought.await.unwrap().payment_id.unwrap()).await;
    assert_eq!((row.scheme.as_str(), row.maximum.display.as_str()), ("exact_permit", "0.07"));
    assert_eq!(counter.balance(counter.world.usdt(), practice::pay_to()).await, Amount::from_u64(70_000));
    counter.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_option_that_can_not_settle_is_shown_with_its_reason_and_can_not_be_taken() {
    let counter = Counter::open().await;
    // The token that is spent by signature was not added: its contract only says what it is.
    let url = counter.world.choice_url();
    let offer = counter.offer(&url).await;
    let (status, asked) = counter.post("/v1/payments", &Counter::request(&url, &offer, serde_json::json!({}))).await;
    assert_eq!(status, 202, "{asked}");
    let question = counter.question().await;
    let choices = counter.control.call(Choices { id: question.id.clone() }).await.unwrap();
    assert_eq!([0, 1, 2].map(|n| choices[n].usable), [true, true, false]);
    assert!(choices[2].note.as_ref().is_some_and(|why| !why.is_empty()));
    let taken = Choose { id: question.id.clone(), digest: question.digest.clone(), option: 2 };
    let refused = counter.control.call(taken).await.unwrap_err();
    assert_eq!((refused.field.as_deref(), refused.found.as_deref()), (Some("option"), Some("tokenUnknown")));
    assert_eq!(counter.question().await.digest, question.digest);
    counter.close().await;
}
