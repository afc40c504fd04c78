//! The question and its answer. The answer names the digest that was shown; the core decides whether the
//! buttons were awake.

use super::{Answer, TheHouse};
use crate::house::Act;
use crate::windows;
use tauri::AppHandle;
use view::{AnswerView, ChoiceView, PaymentView, Proof, QuestionView, ScopeView};

/// Open questions, the one to show first.
#[tauri::command]
#[specta::specta]
pub async fn questions(house: TheHouse<'_>) -> Answer<Vec<QuestionView>> {
    house.desk()?.questions().await
}

/// Refused because they were dangerous, and not looked at yet.
#[tauri::command]
#[specta::specta]
pub async fn dangers(house: TheHouse<'_>) -> Answer<Vec<QuestionView>> {
    house.desk()?.dangers().await
}

/// The question is in front with this digest; answers the milliseconds until approving counts.
#[tauri::command]
#[specta::specta]
pub async fn shown(house: TheHouse<'_>, id: String, digest: String) -> Answer<u32> {
    house.desk()?.shown(&id, &digest).await
}

/// A yes to one payment counts where the wallet is unlocked and the button was armed; one that sets a limit takes the
/// passphrase.
#[tauri::command]
#[specta::specta]
pub async fn answer(
    app: AppHandle,
    house: TheHouse<'_>,
    id: String,
    digest: String,
    answer: AnswerView,
) -> Answer<PaymentView> {
    let desk = house.desk()?;
    let proof = match &answer {
        AnswerView::Approve { scope: ScopeView::Limit { .. }, .. } => {
            desk.check_answer(&id, &answer).await?;
            let site = desk.question(&id).await?.site;
            Proof::Passphrase(windows::passphrase(&app, Act::AnswerWithLimit, Some(site)).await?)
        }
        _ => Proof::Window,
    };
    desk.answer(&id, &digest, answer, proof).await
}

/// No to every open question of the app that asks this one; answers how many there were.
#[tauri::command]
#[specta::specta]
pub async fn reject_app(house: TheHouse<'_>, id: String) -> Answer<u32> {
    house.desk()?.reject_app(&id).await
}

/// The options of an open question's 402, each with its cost and whether it would settle.
#[tauri::command]
#[specta::specta]
pub async fn choices(house: TheHouse<'_>, id: String) -> Answer<Vec<ChoiceView>> {
    house.desk()?.choices(&id).await
}

/// Takes another option; the question comes back with a new digest and waits again.
#[tauri::command]
#[specta::specta]
pub async fn choose(house: TheHouse<'_>, id: String, digest: String, option: u32) -> Answer<QuestionView> {
    house.desk()?.choose(&id, &digest, option).await
}

/// Takes another Permit2 deployment, as [`choose`] takes another option.
#[tauri::command]
#[specta::specta]
pub async fn choose_permit2(house: TheHouse<'_>, id: String, digest: String, set: String) -> Answer<QuestionView> {
    house.desk()?.choose_permit2(&id, &digest, &set).await
}

#[tauri::command]
#[specta::specta]
pub async fn dismiss_danger(house: TheHouse<'_>, id: String, block_site: bool) -> Answer<()> {
    house.desk()?.dismiss_danger(&id, block_site).await
}
