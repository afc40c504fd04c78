//! The owner's verbs as types: a class, a name, what goes in, what comes out, and the desk's method behind it. The
//! server routes by this table and the client calls by it, so that they can't disagree. What widens or acts outside
//! takes the passphrase, asked for once all else is right; nothing here writes a file that a caller names.

use axum::Router;
use axum::routing::post;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use view::port::{CheckView, PaymentAnswerView, PaymentRequestView, ResultView};
use view::{
    AccountView, AnswerView, AppView, ChoiceView, Desk, Failure, FilterView, NewWordsView, NodeView, PairingView,
    PayerView, PaymentDetailView, PaymentPage, PaymentView, Proof, PruneInput, QuestionView, RedatedView, RemovedView,
    RestoredView, RuleInput, RuleView, SiteDetailView, SiteView, StatusView, SummaryView, TagView, TokenView,
    TotalsInput, TotalsView, UpkeepView, WordsView, verbs::Class,
};
use wallet::{AppId, Passphrase};

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
    const CLASS: Class;
    type Output: Serialize + DeserializeOwned + Send;

    fn run(self, desk: &Desk) -> impl Future<Output = Result<Self::Output, Failure>> + Send;
}

macro_rules! verbs {
    ($($(#[$doc:meta])* $class:ident $name:literal $verb:ident { $($field:ident: $type:ty),* } -> $output:ty
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
                const CLASS: Class = Class::$class;
                type Output = $output;

                async fn run(self, $desk: &Desk) -> Result<$output, Failure> {
                    let $input = self;
                    $run
                }
            }
        )*

        /// Every route with its class: what has a type above, and the two streams.
        pub const ALL: &[(&str, Class)] =
            &[$(($name, Class::$class),)* ("events", Class::Reads), ("export-stream", Class::Reads)];

        /// A route for every verb.
        pub(super) fn routes() -> Router<super::server::Control> {
            Router::new()$(.route(concat!("/v1/", $name), post(super::server::run::<$verb>)))*
        }
    };
}

/// The owner typed the passphrase for this very call. Asked for once all else is right: whoever calls without it learns
/// what else is wrong before anybody types.
async fn proven(desk: &Desk, passphrase: Option<String>) -> Result<(), Failure> {
    desk.prove(given(passphrase)?).await
}

fn given(passphrase: Option<String>) -> Result<Passphrase, Failure> {
    passphrase.map(Passphrase::new).ok_or_else(Failure::passphrase_needed)
}

verbs! {
    /// The wallet at a glance.
    Reads "status" Status {} -> StatusView = |desk, _it| Ok(desk.status().await);
    /// Words for a new wallet; nothing is written before they are confirmed.
    Reads "new-words" NewWords { count: u8 } -> NewWordsView = |desk, it| desk.new_words(it.count).await;
    Widens "confirm-words" ConfirmWords { answers: Vec<String>, passphrase: String } -> StatusView
        = |desk, it| desk.confirm_words(it.answers, it.passphrase).await;
    Narrows "discard-words" DiscardWords {} -> () = |desk, _it| { desk.discard_words(); Ok(()) };
    Widens "import-words" ImportWords { words: String, passphrase: String } -> StatusView
        = |desk, it| desk.import_words(it.words, it.passphrase).await;
    Widens "unlock" Unlock { passphrase: String } -> StatusView = |desk, it| desk.unlock(it.passphrase).await;
    /// With what the keyring of this computer kept.
    Widens "unlock-remembered" UnlockRemembered {} -> StatusView = |desk, _it| desk.unlock_remembered().await;
    /// Lets the keyring remember the unlock; turning it off takes nothing.
    Widens "remember-unlock" RememberUnlock { passphrase: String, at_start: bool } -> StatusView
        = |desk, it| desk.remember_unlock(it.passphrase, it.at_start).await;
    Narrows "forget-unlock" ForgetUnlock {} -> StatusView = |desk, _it| desk.forget_unlock().await;
    Narrows "lock" Lock {} -> StatusView = |desk, _it| { desk.lock(); Ok(desk.status().await) };
    /// Accounts. What changes them or who pays takes the passphrase: a program that runs as the same user must not
    /// steer money, and none of this is done in passing.
    Widens "add-account" AddAccount { name: String, passphrase: Option<String> } -> StatusView = |desk, it| {
        desk.add_account(&it.name, given(it.passphrase)?).await
    };
    Widens "watch-account" WatchAccount { name: String, account: String, passphrase: Option<String> } -> StatusView
        = |desk, it| {
            desk.check_account(&it.account)?;
            desk.watch_account(&it.name, &it.account, given(it.passphrase)?).await
        };
    Widens "import-key" ImportKey { name: String, key: String, passphrase: String } -> StatusView
        = |desk, it| desk.import_key(&it.name, it.key, it.passphrase).await;
    Widens "import-keystore" ImportKeystore { name: String, keystore: String, its_passphrase: String, passphrase: String }
        -> StatusView
        = |desk, it| desk.import_keystore(&it.name, it.keystore, it.its_passphrase, it.passphrase).await;
    Widens "rename-account" RenameAccount { account: String, name: String, passphrase: Option<String> } -> StatusView
        = |desk, it| {
            desk.check_account(&it.account)?;
            desk.rename_account(&it.account, &it.name, given(it.passphrase)?).await
        };
    Widens "hide-account" HideAccount { account: String, hidden: bool, passphrase: Option<String> } -> StatusView
        = |desk, it| {
            desk.check_account(&it.account)?;
            desk.hide_account(&it.account, it.hidden, given(it.passphrase)?).await
        };
    Widens "place-account" PlaceAccount { account: String, at: u32, passphrase: Option<String> } -> StatusView
        = |desk, it| {
            desk.check_account(&it.account)?;
            desk.place_account(&it.account, it.at, given(it.passphrase)?).await
        };
    Widens "use-account" UseAccount { account: String, passphrase: Option<String> } -> StatusView = |desk, it| {
        desk.check_account(&it.account)?;
        proven(desk, it.passphrase).await?;
        desk.use_account(&it.account).await
    };
    /// The accounts with what they hold on one network.
    Reads "accounts-on" AccountsOn { network: String } -> Vec<AccountView> = |desk, it| desk.accounts_on(&it.network).await;
    /// How each node of the settings does, of one network or of all.
    Reads "check-nodes" CheckNodes { network: Option<String> } -> Vec<NodeView>
        = |desk, it| desk.check_nodes(it.network.as_deref()).await;
    Reads "payers" Payers {} -> Vec<PayerView> = |desk, _it| desk.payers().await;
    Widens "choose-payer" ChoosePayer {
        app_id: String, site_key: Option<String>, account: Option<String>, passphrase: Option<String>
    } -> () = |desk, it| {
        desk.check_payer(it.site_key.as_deref(), it.account.as_deref())?;
        proven(desk, it.passphrase).await?;
        desk.choose_payer(&it.app_id, it.site_key.as_deref(), it.account.as_deref()).await
    };
    ActsOutside "remove-account" RemoveAccount { account: String, passphrase: String } -> StatusView
        = |desk, it| desk.remove_account(&it.account, it.passphrase).await;
    ActsOutside "reveal-words" RevealWords { passphrase: String } -> WordsView = |desk, it| desk.reveal_words(it.passphrase).await;
    ActsOutside "reveal-key" RevealKey { account: String, passphrase: String } -> String
        = |desk, it| desk.reveal_key(&it.account, it.passphrase).await;
    ActsOutside "export-keystore" ExportKeystore { account: String, passphrase: String, new: String } -> String
        = |desk, it| desk.export_keystore(&it.account, it.passphrase, it.new).await;
    Widens "change-passphrase" ChangePassphrase { current: String, new: String } -> StatusView
        = |desk, it| desk.change_passphrase(it.current, it.new).await;
    Widens "restore-words" RestoreWords { words: String, passphrase: String } -> RestoredView
        = |desk, it| desk.restore_words(it.words, it.passphrase).await;
    Reads "questions" Questions {} -> Vec<QuestionView> = |desk, _it| desk.questions().await;
    Reads "question" Question { id: String } -> QuestionView = |desk, it| desk.question(&it.id).await;
    /// Answers a question with the digest that was shown and the passphrase. On a locked wallet it signs this one payment.
    ActsOutside "answer" Answer { id: String, digest: String, answer: AnswerView, passphrase: String } -> PaymentView
        = |desk, it| {
            let proof = Proof::Passphrase(Passphrase::new(it.passphrase));
            desk.answer(&it.id, &it.digest, it.answer, proof).await
        };
    /// Whether an answer can be given as it is written: asked before a passphrase is typed for it.
    Reads "check-answer" CheckAnswer { id: String, answer: AnswerView } -> ()
        = |desk, it| desk.check_answer(&it.id, &it.answer).await;
    /// No to everything that the app of this question asks; answers how many questions there were.
    Narrows "reject-app" RejectApp { id: String } -> u32 = |desk, it| desk.reject_app(&it.id).await;
    /// The options of an open question's 402.
    Reads "choices" Choices { id: String } -> Vec<ChoiceView> = |desk, it| desk.choices(&it.id).await;
    /// Takes another option: the question comes back with a new digest. It answers nothing.
    Narrows "choose" Choose { id: String, digest: String, option: u32 } -> QuestionView
        = |desk, it| desk.choose(&it.id, &it.digest, it.option).await;
    /// Takes another Permit2 deployment, as "choose" takes another option.
    Narrows "choose-permit2" ChoosePermit2 { id: String, digest: String, set: String } -> QuestionView
        = |desk, it| desk.choose_permit2(&it.id, &it.digest, &it.set).await;
    Reads "payments" Payments { filter: FilterView } -> PaymentPage = |desk, it| desk.payments(it.filter).await;
    Reads "payment" Payment { id: String } -> PaymentDetailView = |desk, it| desk.payment(&it.id).await;
    /// Sets a payment's note ("" removes it) and tags.
    Narrows "set-note" SetNote { id: String, note: String, tags: Vec<String> } -> PaymentView
        = |desk, it| desk.set_note(&it.id, it.note, it.tags).await;
    /// Sums by month, token, app and site.
    Reads "totals" Totals { input: TotalsInput } -> TotalsView = |desk, it| desk.totals(it.input).await;
    /// Begins to remove old payments, or to count them.
    ActsOutside "start-prune" StartPrune { input: PruneInput, passphrase: Option<String> } -> UpkeepView = |desk, it| {
        if !it.input.dry_run {
            desk.check_prune(&it.input).await?;
            proven(desk, it.passphrase).await?;
        }
        desk.start_prune(it.input).await
    };
    /// Begins to give space back to the disk.
    ActsOutside "start-vacuum" StartVacuum { passphrase: Option<String> } -> UpkeepView = |desk, it| {
        proven(desk, it.passphrase).await?;
        desk.start_vacuum().await
    };
    /// Dates and counts what the record has ahead of now as of now: for after a clock that was wrong.
    Widens "redate-ledger" RedateLedger { passphrase: Option<String> } -> RedatedView = |desk, it| {
        proven(desk, it.passphrase).await?;
        desk.redate().await
    };
    Reads "upkeep" Upkeep { id: String } -> UpkeepView = |desk, it| desk.upkeep(&it.id);
    Narrows "cancel-upkeep" CancelUpkeep { id: String } -> UpkeepView = |desk, it| desk.cancel_upkeep(&it.id);
    /// What was removed from the record by its age.
    Reads "removed" Removed {} -> Option<RemovedView> = |desk, _it| desk.removed().await;
    Reads "tags" Tags {} -> Vec<TagView> = |desk, _it| desk.tags().await;
    Narrows "rename-tag" RenameTag { name: String, new: String } -> () = |desk, it| desk.rename_tag(it.name, it.new).await;
    Reads "summary" Summary {} -> SummaryView = |desk, _it| desk.summary().await;
    Reads "sites" Sites {} -> Vec<SiteView> = |desk, _it| desk.sites().await;
    Reads "site" Site { site_key: String } -> SiteDetailView = |desk, it| desk.site(&it.site_key).await;
    Widens "block-site" BlockSite { site_key: String, blocked: bool, whole_host: bool, passphrase: Option<String> } -> ()
        = |desk, it| {
            if !it.blocked {
                desk.check_site(&it.site_key)?;
                proven(desk, it.passphrase).await?;
            }
            desk.block_site(&it.site_key, it.blocked, it.whole_host).await
        };
    Reads "rules" Rules {} -> Vec<RuleView> = |desk, _it| desk.rules().await;
    /// Sets a rule. One that pays without asking, or ends a block, needs the passphrase: a program that runs as the same
    /// user must not give itself money.
    Widens "set-rule" SetRule { rule: RuleInput, passphrase: Option<String> } -> () = |desk, it| {
        if desk.check_rule(&it.rule).await?.takes_proof() {
            proven(desk, it.passphrase).await?;
        }
        desk.set_rule(it.rule).await
    };
    Widens "remove-rule" RemoveRule {
        app_id: String, site_key: Option<String>, network: String, token: String, passphrase: Option<String>
    } -> () = |desk, it| {
        let (site, network, token) = (it.site_key.as_deref(), &it.network, &it.token);
        if desk.check_removal(&it.app_id, site, network, token).await?.takes_proof() {
            proven(desk, it.passphrase).await?;
        }
        desk.remove_rule(&it.app_id, site, network, token).await
    };
    /// Tokens that the person added. A token that is added can be paid in: that takes the passphrase.
    Reads "tokens" Tokens {} -> Vec<TokenView> = |desk, _it| desk.tokens().await;
    Widens "add-token" AddToken { network: String, token: String, passphrase: Option<String> } -> TokenView = |desk, it| {
        desk.check_token(&it.network, &it.token)?;
        proven(desk, it.passphrase).await?;
        desk.add_token(&it.network, &it.token).await
    };
    Narrows "remove-token" RemoveToken { network: String, token: String } -> ()
        = |desk, it| desk.remove_token(&it.network, &it.token).await;
    /// Minutes without use after which the wallet locks; 0 = never.
    Widens "set-auto-lock" SetAutoLock { minutes: u32, passphrase: Option<String> } -> StatusView = |desk, it| {
        proven(desk, it.passphrase).await?;
        desk.set_auto_lock(it.minutes).await
    };
    /// The Permit2 deployment that is signed for, in general or at one site; no `set` takes a site's own back.
    Widens "set-permit2" SetPermit2 { set: Option<String>, site_key: Option<String>, passphrase: Option<String> }
        -> StatusView = |desk, it| {
        desk.check_permit2(it.set.as_deref(), it.site_key.as_deref())?;
        proven(desk, it.passphrase).await?;
        desk.set_permit2(it.set.as_deref(), it.site_key.as_deref()).await
    };
    Reads "apps" Apps {} -> Vec<AppView> = |desk, _it| desk.apps().await;
    Narrows "revoke-app" RevokeApp { id: String } -> () = |desk, it| desk.revoke_app(&it.id).await;
    Reads "pairings" Pairings {} -> Vec<PairingView> = |desk, _it| desk.pairings().await;
    /// Answers a pairing; a yes needs the passphrase, so that no program pairs itself.
    Widens "answer-pairing" AnswerPairing { id: String, approve: bool, passphrase: Option<String> } -> () = |desk, it| {
        if it.approve {
            proven(desk, it.passphrase).await?;
        }
        desk.answer_pairing(&it.id, it.approve).await
    };
    /// Pays as the owner, for a 402 that the command line met itself: always asks.
    ActsOutside "pay" Pay { request: PaymentRequestView, max: Option<String> } -> PaymentAnswerView
        = |desk, it| desk.pay_met(it.request, it.max).await;
    Reads "check" Check { request: PaymentRequestView } -> CheckView = |desk, it| desk.check_met(it.request).await;
    /// The owner's own payment; waits up to 30 s for news.
    Reads "await-payment" AwaitPayment { id: String, wait_seconds: u32 } -> PaymentAnswerView = |desk, it| {
        let wait = Duration::from_secs(u64::from(it.wait_seconds.min(30)));
        desk.app_payment(&AppId::owner(), &it.id, wait).await
    };
    Narrows "cancel" Cancel { id: String } -> PaymentAnswerView = |desk, it| desk.cancel(&AppId::owner(), &it.id).await;
    Narrows "report" Report { id: String, result: ResultView } -> PaymentAnswerView
        = |desk, it| desk.report(&AppId::owner(), &it.id, it.result).await;
}
