//! The owner's verbs as types: a name, what goes in, what comes out, and the desk's method behind it. The
//! server routes by this table and the client calls by it, so that they can't disagree.

use axum::Router;
use axum::routing::post;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use view::port::{CheckView, PaymentAnswerView, PaymentRequestView, ResultView};
use view::{
    AccountView, AnswerView, AppView, ChoiceView, Desk, ExportInput, ExportView, Failure, FilterView, ModeView,
    NewWordsView, PairingView, PayerView, PaymentDetailView, PaymentPage, PaymentView, Proof, PruneInput, QuestionView,
    RemovedView, RestoredView, RuleInput, RuleView, SiteDetailView, SiteView, StatusView, SummaryView, TagView,
    TokenView, TotalsInput, TotalsView, UpkeepView, WordsView,
};
use wallet::AppId;

/// An export as a stream of bytes instead of a file: `POST /v1/export-stream`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExportStream {
    pub filter: FilterView,
    pub format: view::ExportFormat,
}

/// One verb of the owner.
pub trait Verb: Serialize + DeserializeOwned + Send + 'static {
    /// The route is `POST /v1/{NAME}`.
    const NAME: &'static str;
    type Output: Serialize + DeserializeOwned + Send;

    fn run(self, desk: &Desk) -> impl Future<Output = Result<Self::Output, Failure>> + Send;
}

macro_rules! verbs {
    ($($(#[$doc:meta])* $name:literal $verb:ident { $($field:ident: $type:ty),* } -> $output:ty
        = |$desk:ident, $input:ident| $run:expr;)*) => {
        $(
            $(#[$doc])*
            #[derive(Serialize, Deserialize)]
            #[serde(rename_all = "camelCase", deny_unknown_fields)]
            pub struct $verb {
                $(pub $field: $type,)*
            }

            impl Verb for $verb {
                const NAME: &'static str = $name;
                type Output = $output;

                async fn run(self, $desk: &Desk) -> Result<$output, Failure> {
                    let $input = self;
                    $run
                }
            }
        )*

        /// A route for every verb.
        pub(super) fn routes() -> Router<super::server::Control> {
            Router::new()$(.route(concat!("/v1/", $name), post(super::server::run::<$verb>)))*
        }
    };
}

/// The owner typed the passphrase for this very call. Asked for once all else is right: whoever calls without it learns
/// what else is wrong before anybody types.
async fn proven(desk: &Desk, passphrase: Option<String>) -> Result<(), Failure> {
    let passphrase = passphrase.ok_or_else(|| Failure::field("passphrase", "the passphrase", "nothing"))?;
    desk.prove(wallet::Passphrase::new(passphrase)).await
}

verbs! {
    /// The wallet at a glance.
    "status" Status {} -> StatusView = |desk, _it| Ok(desk.status().await);
    /// Words for a new wallet; nothing is written before they are confirmed.
    "new-words" NewWords { count: u8 } -> NewWordsView = |desk, it| desk.new_words(it.count).await;
    "confirm-words" ConfirmWords { answers: Vec<String>, passphrase: String } -> StatusView
        = |desk, it| desk.confirm_words(it.answers, it.passphrase).await;
    "discard-words" DiscardWords {} -> () = |desk, _it| { desk.discard_words(); Ok(()) };
    "import-words" ImportWords { words: String, passphrase: String } -> StatusView
        = |desk, it| desk.import_words(it.words, it.passphrase).await;
    "unlock" Unlock { passphrase: String } -> StatusView = |desk, it| desk.unlock(it.passphrase).await;
    /// With what the keyring of this computer kept.
    "unlock-remembered" UnlockRemembered {} -> StatusView = |desk, _it| desk.unlock_remembered().await;
    /// Lets the keyring remember the unlock; turning it off takes nothing.
    "remember-unlock" RememberUnlock { passphrase: String, at_start: bool } -> StatusView
        = |desk, it| desk.remember_unlock(it.passphrase, it.at_start).await;
    "forget-unlock" ForgetUnlock {} -> StatusView = |desk, _it| desk.forget_unlock().await;
    "lock" Lock {} -> StatusView = |desk, _it| { desk.lock(); Ok(desk.status().await) };
    /// Accounts. What changes them or who pays takes the passphrase: a program that runs as the same user must not
    /// steer money, and none of this is done in passing.
    "add-account" AddAccount { name: String, passphrase: Option<String> } -> StatusView = |desk, it| {
        proven(desk, it.passphrase).await?;
        desk.add_account(&it.name).await
    };
    "watch-account" WatchAccount { name: String, account: String, passphrase: Option<String> } -> StatusView
        = |desk, it| {
            desk.check_account(&it.account)?;
            proven(desk, it.passphrase).await?;
            desk.watch_account(&it.name, &it.account).await
        };
    "import-key" ImportKey { name: String, key: String, passphrase: String } -> StatusView
        = |desk, it| desk.import_key(&it.name, it.key, it.passphrase).await;
    "import-keystore" ImportKeystore { name: String, keystore: String, its_passphrase: String, passphrase: String }
        -> StatusView
        = |desk, it| desk.import_keystore(&it.name, it.keystore, it.its_passphrase, it.passphrase).await;
    "rename-account" RenameAccount { account: String, name: String, passphrase: Option<String> } -> StatusView
        = |desk, it| {
            proven(desk, it.passphrase).await?;
            desk.rename_account(&it.account, &it.name).await
        };
    "hide-account" HideAccount { account: String, hidden: bool, passphrase: Option<String> } -> StatusView
        = |desk, it| {
            proven(desk, it.passphrase).await?;
            desk.hide_account(&it.account, it.hidden).await
        };
    "place-account" PlaceAccount { account: String, at: u32, passphrase: Option<String> } -> StatusView
        = |desk, it| {
            proven(desk, it.passphrase).await?;
            desk.place_account(&it.account, it.at).await
        };
    "use-account" UseAccount { account: String, passphrase: Option<String> } -> StatusView = |desk, it| {
        proven(desk, it.passphrase).await?;
        desk.use_account(&it.account).await
    };
    /// The accounts with what they hold on one network.
    "accounts-on" AccountsOn { network: String } -> Vec<AccountView> = |desk, it| desk.accounts_on(&it.network).await;
    "payers" Payers {} -> Vec<PayerView> = |desk, _it| desk.payers().await;
    "choose-payer" ChoosePayer {
        app_id: String, site_key: Option<String>, account: Option<String>, passphrase: Option<String>
    } -> () = |desk, it| {
        desk.check_payer(it.site_key.as_deref(), it.account.as_deref())?;
        proven(desk, it.passphrase).await?;
        desk.choose_payer(&it.app_id, it.site_key.as_deref(), it.account.as_deref()).await
    };
    "remove-account" RemoveAccount { account: String, passphrase: String } -> StatusView
        = |desk, it| desk.remove_account(&it.account, it.passphrase).await;
    "reveal-words" RevealWords { passphrase: String } -> WordsView = |desk, it| desk.reveal_words(it.passphrase).await;
    "reveal-key" RevealKey { account: String, passphrase: String } -> String
        = |desk, it| desk.reveal_key(&it.account, it.passphrase).await;
    "export-keystore" ExportKeystore { account: String, passphrase: String, new: String } -> String
        = |desk, it| desk.export_keystore(&it.account, it.passphrase, it.new).await;
    "change-passphrase" ChangePassphrase { current: String, new: String } -> StatusView
        = |desk, it| desk.change_passphrase(it.current, it.new).await;
    "restore-words" RestoreWords { words: String, passphrase: String } -> RestoredView
        = |desk, it| desk.restore_words(it.words, it.passphrase).await;
    "questions" Questions {} -> Vec<QuestionView> = |desk, _it| desk.questions().await;
    "question" Question { id: String } -> QuestionView = |desk, it| desk.question(&it.id).await;
    /// Answers a question with the digest that was shown and the passphrase.
    "answer" Answer { id: String, digest: String, answer: AnswerView, passphrase: String } -> PaymentView
        = |desk, it| {
            let proof = Proof::Passphrase(wallet::Passphrase::new(it.passphrase));
            desk.answer(&it.id, &it.digest, it.answer, proof).await
        };
    /// Whether an answer can be given as it is written: asked before a passphrase is typed for it.
    "check-answer" CheckAnswer { id: String, answer: AnswerView } -> ()
        = |desk, it| desk.check_answer(&it.id, &it.answer).await;
    /// No to everything that the app of this question asks; answers how many questions there were.
    "reject-app" RejectApp { id: String } -> u32 = |desk, it| desk.reject_app(&it.id).await;
    /// The options of an open question's 402.
    "choices" Choices { id: String } -> Vec<ChoiceView> = |desk, it| desk.choices(&it.id).await;
    /// Takes another option: the question comes back with a new digest. It answers nothing.
    "choose" Choose { id: String, digest: String, option: u32 } -> QuestionView
        = |desk, it| desk.choose(&it.id, &it.digest, it.option).await;
    /// Takes another Permit2 deployment, as "choose" takes another option.
    "choose-permit2" ChoosePermit2 { id: String, digest: String, set: String } -> QuestionView
        = |desk, it| desk.choose_permit2(&it.id, &it.digest, &it.set).await;
    "dangers" Dangers {} -> Vec<QuestionView> = |desk, _it| desk.dangers().await;
    "dismiss-danger" DismissDanger { id: String, block_site: bool } -> ()
        = |desk, it| desk.dismiss_danger(&it.id, it.block_site).await;
    "payments" Payments { filter: FilterView } -> PaymentPage = |desk, it| desk.payments(it.filter).await;
    "payment" Payment { id: String } -> PaymentDetailView = |desk, it| desk.payment(&it.id).await;
    /// Sets a payment's note ("" removes it) and tags.
    "set-note" SetNote { id: String, note: String, tags: Vec<String> } -> PaymentView
        = |desk, it| desk.set_note(&it.id, it.note, it.tags).await;
    /// Begins an export into a file of this machine.
    "start-export" StartExport { input: ExportInput } -> ExportView = |desk, it| desk.start_export(it.input).await;
    "export" Export { id: String } -> ExportView = |desk, it| desk.export(&it.id);
    "cancel-export" CancelExport { id: String } -> ExportView = |desk, it| desk.cancel_export(&it.id);
    /// Sums by month, token, app and site.
    "totals" Totals { input: TotalsInput } -> TotalsView = |desk, it| desk.totals(it.input).await;
    /// Begins to remove old payments, or to count them.
    "start-prune" StartPrune { input: PruneInput } -> UpkeepView = |desk, it| desk.start_prune(it.input).await;
    /// Begins to give space back to the disk.
    "start-vacuum" StartVacuum {} -> UpkeepView = |desk, _it| desk.start_vacuum().await;
    "upkeep" Upkeep { id: String } -> UpkeepView = |desk, it| desk.upkeep(&it.id);
    "cancel-upkeep" CancelUpkeep { id: String } -> UpkeepView = |desk, it| desk.cancel_upkeep(&it.id);
    /// What was removed from the record by its age.
    "removed" Removed {} -> Option<RemovedView> = |desk, _it| desk.removed().await;
    "tags" Tags {} -> Vec<TagView> = |desk, _it| desk.tags().await;
    "rename-tag" RenameTag { name: String, new: String } -> () = |desk, it| desk.rename_tag(it.name, it.new).await;
    "summary" Summary {} -> SummaryView = |desk, _it| desk.summary().await;
    "sites" Sites {} -> Vec<SiteView> = |desk, _it| desk.sites().await;
    "site" Site { site_key: String } -> SiteDetailView = |desk, it| desk.site(&it.site_key).await;
    "block-site" BlockSite { site_key: String, blocked: bool, whole_host: bool } -> ()
        = |desk, it| desk.block_site(&it.site_key, it.blocked, it.whole_host).await;
    "rules" Rules {} -> Vec<RuleView> = |desk, _it| desk.rules().await;
    /// Sets a rule. One that pays without asking needs the passphrase: a program that runs as the same user
    /// must not give itself money.
    "set-rule" SetRule { rule: RuleInput, passphrase: Option<String> } -> () = |desk, it| {
        desk.check_rule(&it.rule).await?;
        if matches!(it.rule.mode, ModeView::Allow { .. }) {
            proven(desk, it.passphrase).await?;
        }
        desk.set_rule(it.rule).await
    };
    "remove-rule" RemoveRule { app_id: String, site_key: Option<String>, network: String, token: String } -> ()
        = |desk, it| desk.remove_rule(&it.app_id, it.site_key.as_deref(), &it.network, &it.token).await;
    /// Tokens that the person added. A token that is added can be paid in: that takes the passphrase.
    "tokens" Tokens {} -> Vec<TokenView> = |desk, _it| desk.tokens().await;
    "add-token" AddToken { network: String, token: String, passphrase: Option<String> } -> TokenView = |desk, it| {
        desk.check_token(&it.network, &it.token)?;
        proven(desk, it.passphrase).await?;
        desk.add_token(&it.network, &it.token).await
    };
    "remove-token" RemoveToken { network: String, token: String } -> ()
        = |desk, it| desk.remove_token(&it.network, &it.token).await;
    /// Minutes without use after which the wallet locks; 0 = never.
    "set-auto-lock" SetAutoLock { minutes: u32, passphrase: Option<String> } -> StatusView = |desk, it| {
        proven(desk, it.passphrase).await?;
        desk.set_auto_lock(it.minutes).await
    };
    /// The Permit2 deployment that is signed for, in general or at one site; no `set` takes a site's own back.
    "set-permit2" SetPermit2 { set: Option<String>, site_key: Option<String>, passphrase: Option<String> }
        -> StatusView = |desk, it| {
        desk.check_permit2(it.set.as_deref(), it.site_key.as_deref())?;
        proven(desk, it.passphrase).await?;
        desk.set_permit2(it.set.as_deref(), it.site_key.as_deref()).await
    };
    "apps" Apps {} -> Vec<AppView> = |desk, _it| desk.apps().await;
    "revoke-app" RevokeApp { id: String } -> () = |desk, it| desk.revoke_app(&it.id).await;
    "pairings" Pairings {} -> Vec<PairingView> = |desk, _it| desk.pairings().await;
    /// Answers a pairing; a yes needs the passphrase, so that no program pairs itself.
    "answer-pairing" AnswerPairing { id: String, approve: bool, passphrase: Option<String> } -> () = |desk, it| {
        if it.approve {
            proven(desk, it.passphrase).await?;
        }
        desk.answer_pairing(&it.id, it.approve).await
    };
    /// Pays as the owner, for a 402 that the command line met itself: always asks.
    "pay" Pay { request: PaymentRequestView, max: Option<String> } -> PaymentAnswerView
        = |desk, it| desk.pay_met(it.request, it.max).await;
    "check" Check { request: PaymentRequestView } -> CheckView = |desk, it| desk.check_met(it.request).await;
    /// The owner's own payment; waits up to 30 s for news.
    "await-payment" AwaitPayment { id: String, wait_seconds: u32 } -> PaymentAnswerView = |desk, it| {
        let wait = Duration::from_secs(u64::from(it.wait_seconds.min(30)));
        desk.app_payment(&AppId::owner(), &it.id, wait).await
    };
    "cancel" Cancel { id: String } -> PaymentAnswerView = |desk, it| desk.cancel(&AppId::owner(), &it.id).await;
    "report" Report { id: String, result: ResultView } -> PaymentAnswerView
        = |desk, it| desk.report(&AppId::owner(), &it.id, it.result).await;
}
