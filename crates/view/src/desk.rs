//! The desk: one façade over the wallet that speaks views, so that window, port, control socket and
//! command line are thin and agree. Decides nothing by itself.

use crate::jobs::Jobs;
use crate::port::*;
use crate::show_owner::{self, Symbols, count, read_limit};
use crate::show_payment::{site, time};
use crate::show_question::percent;
use crate::words::{Arg, say};
use crate::*;
use ledger::{Payment, PaymentId, State};
use plan::{Covers, Limit, PlanDigest, Provenance, Site};
use std::sync::Arc;
use std::time::Duration;
use tron::{Address, Amount, Network};
use wallet::{AllowanceChoice, Answer as Given, AppId, Outcome, PairingState, Passphrase, Scope, Wallet, WalletError};

/// Cheap to clone; every clone is the same wallet.
#[derive(Clone)]
pub struct Desk {
    pub(crate) wallet: Wallet,
    pub(crate) exports: Arc<Jobs<crate::export::Progress>>,
    pub(crate) upkeeps: Arc<Jobs<crate::upkeep::Progress>>,
}

pub(crate) type Answer<T> = Result<T, Failure>;

/// A rule as a person sets it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, specta::Type)]
#[serde(rename_all = "camelCase")]
pub struct RuleInput {
    pub app_id: String,
    /// Absent: the app's limit across all sites.
    pub site_key: Option<String>,
    pub network: String,
    pub token: String,
    pub mode: ModeView,
}

/// How an answer proves that a person gave it.
pub enum Proof {
    /// The window: armed by `shown` a second earlier. It says yes to one payment, not to a limit.
    Window,
    /// A terminal: the passphrase, typed for this answer.
    Passphrase(Passphrase),
}

pub(crate) fn payment_id(text: &str) -> Answer<PaymentId> {
    text.parse().map_err(|_| Failure::new(Code::NotFound, &[("what", "payment")]))
}

pub(crate) fn digest(text: &str) -> Answer<PlanDigest> {
    text.parse().map_err(|_| Failure::field("digest", "64 hex digits, as shown", text))
}

pub(crate) fn asset(network: &str, token: &str) -> Answer<(Network, Address)> {
    let network = Network::parse(network).map_err(|e| Failure::field("network", "a TRON network", &e.found))?;
    let token =
        Address::parse(token).map_err(|e| Failure::field("token", "a token's address", &format!("{token} ({e})")))?;
    Ok((network, token))
}

pub(crate) fn site_key(text: &str) -> Answer<Site> {
    let expected = "a site like https://news.example or news.example";
    crate::show_payment::read_site(text).map_err(|e| Failure::field("siteKey", expected, &e.to_string()))
}

/// As [`site_key`], or one that the record has from a version that read addresses less strictly.
pub(crate) fn recorded_site_key(text: &str) -> Answer<Site> {
    Site::parse(text).map_or_else(|| site_key(text), Ok)
}

impl Desk {
    pub fn new(wallet: Wallet) -> Self {
        Self { wallet, exports: Default::default(), upkeeps: Default::default() }
    }

    pub fn wallet(&self) -> &Wallet {
        &self.wallet
    }

    /// The wallet at a glance; balances as far as a node answers.
    pub async fn status(&self) -> StatusView {
        let wallet = &self.wallet;
        let (accounts, (clock, record)) = tokio::join!(self.account_views(), self.clocks());
        let tries = wallet.wrong_tries();
        StatusView {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            profile: wallet.profile().to_owned(),
            practice: wallet.is_practice(),
            data_dir: wallet.dir().display().to_string(),
            empty: wallet.is_empty(),
            locked: wallet.is_locked(),
            auto_lock_minutes: wallet.auto_lock(),
            remembered: self.remembered(),
            permit2: show_owner::permit2(wallet.home(), &wallet.permit2()),
            accounts,
            open_questions: count(wallet.open_questions().await.map_or(0, |q| q.len() as u64)),
            open_pairings: count(wallet.open_pairings().len() as u64),
            port: wallet.listening(),
            network: wallet.home().label().to_owned(),
            ledger_failure: wallet.storage_failure(),
            wrong_passphrases: tries.wrong,
            passphrase_wait: tries.wait,
            clock,
            record,
        }
    }

    /// Twelve or twenty-four fresh words, to be shown once.
    pub async fn new_words(&self, count: u8) -> Answer<NewWordsView> {
        let (words, ask) = self.wallet.new_words(count)?;
        let ask = ask.into_iter().filter_map(|position| u32::try_from(position).ok()).collect();
        Ok(NewWordsView { words, ask })
    }

    pub async fn confirm_words(&self, answers: Vec<String>, passphrase: String) -> Answer<StatusView> {
        self.wallet.confirm_words(answers, Passphrase::new(passphrase)).await?;
        Ok(self.status().await)
    }

    pub fn discard_words(&self) {
        self.wallet.discard_words();
    }

    pub async fn import_words(&self, words: String, passphrase: String) -> Answer<StatusView> {
        let words = zeroize::Zeroizing::new(words);
        self.wallet.import_words(&words, Passphrase::new(passphrase)).await?;
        Ok(self.status().await)
    }

    pub async fn unlock(&self, passphrase: String) -> Answer<StatusView> {
        self.wallet.unlock(Passphrase::new(passphrase)).await?;
        Ok(self.status().await)
    }

    /// Proves that the owner is at the keyboard: for whatever widens or acts outside. It unlocks nothing.
    pub async fn prove(&self, passphrase: Passphrase) -> Answer<()> {
        Ok(self.wallet.prove(passphrase).await?)
    }

    pub fn lock(&self) {
        self.wallet.lock();
    }

    /// A person is there: the auto-lock starts again.
    pub fn touch(&self) {
        self.wallet.touch();
    }

    fn question_view(&self, question: &wallet::Question) -> QuestionView {
        let accounts = self.wallet.accounts();
        let payer = question.payment.plan.payer;
        let name = accounts.iter().find(|a| a.address == payer).map_or("", |a| a.name.as_str());
        QuestionView::of(question, name, self.wallet.is_locked())
    }

    /// Open questions, the one to show first.
    pub async fn questions(&self) -> Answer<Vec<QuestionView>> {
        let questions = self.wallet.questions().await?;
        Ok(questions.iter().map(|q| self.question_view(q)).collect())
    }

    pub async fn question(&self, id: &str) -> Answer<QuestionView> {
        let id = payment_id(id)?;
        let questions = self.wallet.questions().await?;
        match questions.iter().find(|q| q.payment.id == id) {
            Some(question) => Ok(self.question_view(question)),
            None => Err(Failure::new(Code::NotFound, &[("what", "question")])),
        }
    }

    /// Milliseconds until approving counts. Call when shown, focused again or changed.
    pub async fn shown(&self, id: &str, plan: &str) -> Answer<u32> {
        let wait = self.wallet.shown(payment_id(id)?, digest(plan)?).await?;
        Ok(u32::try_from(wait).unwrap_or(0))
    }

    /// An answer as the wallet takes it. What is wrong with it is told in whole units.
    async fn given(&self, id: PaymentId, answer: &AnswerView) -> Answer<Given> {
        let (scope, total) = match answer {
            AnswerView::Reject { block_site } => return Ok(Given::Reject { block_site: *block_site }),
            AnswerView::Approve { scope, allowance_total } => (scope, allowance_total),
        };
        let (payment, ..) = self.wallet.payment(id).await?;
        let token = &payment.plan.token;
        let scope = match scope {
            ScopeView::Once => Scope::Once,
            ScopeView::Limit { per_payment, per_day, per_month, covers } => {
                let limit = read_limit(per_payment, per_day, per_month, token.decimals)?;
                let covers = covers.map_or_else(|| Covers::like(payment.plan.provenance), Covers::from);
                Scope::Limit(Limit { covers, ..limit })
            }
        };
        let allowance = match total {
            None => AllowanceChoice::Exact,
            Some(text) => {
                let total = Amount::parse_units(text.trim(), token.decimals)
                    .map_err(|_| Failure::field("allowanceTotal", "an amount like 2.00", text))?;
                let range = payment.plan.allowance.as_ref().map(|need| wallet::total_range(need.need));
                if let Some(range) = range.filter(|range| !range.contains(&total)) {
                    let [least, most] = [range.start(), range.end()].map(|a| a.format_units(token.decimals));
                    let expected = format!("{least} to {most} {}", crate::question::quoted(&token.symbol, 16));
                    return Err(Failure::field("allowanceTotal", &expected, text));
                }
                AllowanceChoice::Total(total)
            }
        };
        Ok(Given::Approve { scope, allowance })
    }

    /// Whether an answer can be given as it is written: told before anybody types a passphrase for it.
    pub async fn check_answer(&self, id: &str, answer: &AnswerView) -> Answer<()> {
        self.given(payment_id(id)?, answer).await.map(drop)
    }

    pub async fn answer(&self, id: &str, plan: &str, answer: AnswerView, proof: Proof) -> Answer<PaymentView> {
        let (id, digest) = (payment_id(id)?, digest(plan)?);
        let given = self.given(id, &answer).await?;
        let widens = matches!(&given, Given::Approve { scope: Scope::Limit(_), .. });
        let proof = match proof {
            Proof::Window if widens => return Err(Failure::passphrase_needed()),
            Proof::Window => wallet::Proof::Window,
            Proof::Passphrase(passphrase) => wallet::Proof::Passphrase(passphrase),
        };
        let payment = self.wallet.answer(id, digest, given, proof).await?;
        self.row(&payment).await
    }

    /// No to every open question of the app that asks this one. Answers how many there were.
    pub async fn reject_app(&self, id: &str) -> Answer<u32> {
        Ok(self.wallet.reject_app(payment_id(id)?).await?)
    }

    /// Refused because they were dangerous, and not looked at yet.
    pub async fn dangers(&self) -> Answer<Vec<QuestionView>> {
        let dangers = self.wallet.dangers().await?;
        Ok(dangers.iter().map(|q| self.question_view(q)).collect())
    }

    pub async fn dismiss_danger(&self, id: &str, block_site: bool) -> Answer<()> {
        Ok(self.wallet.dismiss_danger(payment_id(id)?, block_site).await?)
    }

    async fn row(&self, payment: &Payment) -> Answer<PaymentView> {
        let apps = self.wallet.apps().await?;
        Ok(PaymentView::of(payment, name_of(&apps, &payment.plan.app)))
    }

    pub(crate) async fn symbols(&self) -> Answer<Symbols> {
        Ok(Symbols::of(&self.wallet.totals().await?))
    }

    /// The last 30 days at a glance.
    pub async fn summary(&self) -> Answer<SummaryView> {
        let symbols = self.symbols().await?;
        let bounds = show_owner::midnights(self.wallet.now(), 30);
        let spent = self.wallet.spent_between(bounds.clone(), None).await?;
        let days = show_owner::days(&bounds, &spent, &symbols);
        let main = show_owner::main_token(&spent);
        let mut shares: Vec<(Amount, SiteShareView)> = Vec::new();
        for totals in self.wallet.sites().await? {
            for total in &totals.totals {
                let amount = total.settled.saturating_add(total.open);
                let shown = symbols.money(total.network, total.token, amount);
                if Some((total.network, total.token)) == main && !amount.is_zero() {
                    let (site, site_key) = (site(&totals.site), totals.site.to_string());
                    shares.push((amount, SiteShareView { site, site_key, amount: shown, percent: 0 }));
                }
            }
        }
        shares.sort_by_key(|(amount, _)| std::cmp::Reverse(*amount));
        let largest = shares.first().map_or(Amount::ZERO, |(amount, _)| *amount);
        let sites = shares
            .into_iter()
            .take(5)
            .map(|(amount, share)| SiteShareView { percent: percent(amount, largest), ..share })
            .collect();
        let limits = show_owner::fullest(&self.rules().await?, 5);
        Ok(SummaryView { totals: show_owner::totals(&spent, &symbols), days, sites, limits })
    }

    pub async fn sites(&self) -> Answer<Vec<SiteView>> {
        let symbols = self.symbols().await?;
        Ok(self.wallet.sites().await?.iter().map(|s| SiteView::of(s, &symbols)).collect())
    }

    pub async fn site(&self, key: &str) -> Answer<SiteDetailView> {
        let site = recorded_site_key(key)?;
        let symbols = self.symbols().await?;
        let (totals, payees) = self.wallet.site(&site).await?;
        let bounds = show_owner::midnights(self.wallet.now(), 30);
        let spent = self.wallet.spent_between(bounds.clone(), Some(site.clone())).await?;
        let rules = self.rules().await?;
        let key = site.to_string();
        let filter = FilterView { site_key: Some(key.clone()), ..FilterView::default() };
        Ok(SiteDetailView {
            site: SiteView::of(&totals, &symbols),
            rules: rules.into_iter().filter(|r| r.site_key.as_deref() == Some(key.as_str())).collect(),
            payees: payees.iter().map(PayeeView::of).collect(),
            days: show_owner::days(&bounds, &spent, &symbols),
            payments: self.payments(filter).await?,
        })
    }

    pub async fn apps(&self) -> Answer<Vec<AppView>> {
        let rules = self.rules().await?;
        let apps = self.wallet.apps().await?;
        let own = |id: &AppId| rules.iter().filter(|r| r.app_id == id.0).cloned().collect();
        let paired = apps.iter().filter(|a| a.id != AppId::owner());
        Ok(paired.map(|a| AppView::of(a, own(&a.id))).collect())
    }

    pub async fn revoke_app(&self, id: &str) -> Answer<()> {
        Ok(self.wallet.revoke_app(&AppId(id.to_owned())).await?)
    }

    /// Pairings that wait for a person.
    pub async fn pairings(&self) -> Answer<Vec<PairingView>> {
        Ok(self.wallet.open_pairings().iter().map(PairingView::of).collect())
    }

    pub async fn answer_pairing(&self, id: &str, approve: bool) -> Answer<()> {
        Ok(self.wallet.answer_pairing(id, approve).await?)
    }

    /// Tokens that the person added.
    pub async fn tokens(&self) -> Answer<Vec<TokenView>> {
        Ok(self.wallet.tokens().await?.iter().map(TokenView::of).collect())
    }

    /// Whether a token can be added as it is written; its contract is asked later.
    pub fn check_token(&self, network: &str, token: &str) -> Answer<()> {
        let (network, address) = asset(network, token)?;
        match tron::token::lookup(network, address) {
            Some(known) => Err(Failure::field("token", "a token that is not in the table", known.symbol)),
            None => Ok(()),
        }
    }

    /// Adds a token by its address; symbol and decimals are read from its contract.
    pub async fn add_token(&self, network: &str, token: &str) -> Answer<TokenView> {
        let (network, token) = asset(network, token)?;
        Ok(TokenView::of(&self.wallet.add_token(network, token).await?))
    }

    pub async fn remove_token(&self, network: &str, token: &str) -> Answer<()> {
        let (network, token) = asset(network, token)?;
        Ok(self.wallet.remove_token(network, token).await?)
    }

    /// Minutes without use after which the wallet locks; 0 = never.
    pub async fn set_auto_lock(&self, minutes: u32) -> Answer<StatusView> {
        self.wallet.set_auto_lock(minutes).await?;
        Ok(self.status().await)
    }

    /// Whether there is such a deployment of Permit2 here, and such a site.
    pub fn check_permit2(&self, set: Option<&str>, site: Option<&str>) -> Answer<()> {
        let known = show_owner::permit2(self.wallet.home(), &self.wallet.permit2());
        let names: Vec<&str> = known.iter().map(|known| known.name.as_str()).collect();
        site.map(site_key).transpose()?;
        match set {
            None if site.is_some() => Ok(()),
            Some(set) if names.contains(&set) => Ok(()),
            other => Err(Failure::field("permit2", &names.join(" or "), other.unwrap_or("none"))),
        }
    }

    /// The Permit2 deployment that is signed for: in general, or at one site, where `None` follows what the site
    /// settled through, else the general one.
    pub async fn set_permit2(&self, set: Option<&str>, site: Option<&str>) -> Answer<StatusView> {
        match (set, site) {
            (set, Some(key)) => self.wallet.set_permit2_at(&site_key(key)?, set).await?,
            (Some(set), None) => self.wallet.set_permit2(set).await?,
            (None, None) => return Err(Failure::field("permit2", "first or second", "none")),
        }
        Ok(self.status().await)
    }

    /// Everything that happens. For an app: only what [`EventView::app_id`] says is its own.
    pub fn subscribe(&self) -> tokio::sync::broadcast::Receiver<wallet::Event> {
        self.wallet.subscribe()
    }

    /// An event with the state that it is about, as of now.
    pub async fn event(&self, event: wallet::Event) -> EventView {
        match event {
            wallet::Event::Question { id, app } => EventView::Question { id: id.to_string(), app_id: app.0 },
            wallet::Event::Payment { id, app } => {
                let row = self.wallet.payment(id).await.ok().map(|(p, ..)| PaymentView::of(&p, None));
                EventView::Payment {
                    id: id.to_string(),
                    app_id: app.0,
                    status: row.as_ref().map_or(StateView::Asked, |r| r.state),
                    settlement: row.map_or(SettlementView::None, |r| r.settlement),
                }
            }
            wallet::Event::Danger { id } => EventView::Danger { id: id.to_string() },
            wallet::Event::Allowance { id, step, transaction } => {
                let step = match step {
                    wallet::AllowanceStep::Sent => "sent",
                    wallet::AllowanceStep::Seen => "seen",
                    wallet::AllowanceStep::Failed => "failed",
                };
                EventView::Allowance { id: id.to_string(), step: step.to_owned(), transaction }
            }
            wallet::Event::Pairing => EventView::Pairing,
            wallet::Event::Lock => EventView::Lock,
            wallet::Event::Rules => EventView::Rules,
        }
    }
}

/// What apps do, through the port.
impl Desk {
    pub async fn pair(&self, name: &str, user: Option<u32>) -> Answer<AppPairingView> {
        Ok(app_pairing(self.wallet.pair_for(name, user)?))
    }

    /// For an app that signs its requests.
    pub async fn pair_with_key(&self, name: &str, user: Option<u32>, public_key: [u8; 32]) -> Answer<AppPairingView> {
        Ok(app_pairing(self.wallet.pair_with_key(name, user, public_key)?))
    }

    /// For the app that has the secret of its asking.
    pub async fn collect(&self, id: &str, secret: &str, wait: Duration) -> Answer<AppPairingView> {
        Ok(app_pairing(self.wallet.collect(id, secret, wait).await?))
    }

    /// The app behind a bearer token.
    pub async fn authenticate(&self, token: &str) -> Answer<AppId> {
        Ok(self.wallet.authenticate(token).await?.id)
    }

    /// The app that signs with the key to this one.
    pub async fn authenticate_key(&self, public_key: &[u8; 32]) -> Answer<AppId> {
        Ok(self.wallet.authenticate_key(public_key).await?.id)
    }

    /// Whatever an app hands over names its site as the app's claim.
    pub async fn pay(&self, app: &AppId, request: PaymentRequestView) -> Answer<PaymentAnswerView> {
        self.pay_as(app, asked(request, Provenance::Claimed)).await
    }

    async fn pay_as(&self, app: &AppId, request: wallet::PayRequest) -> Answer<PaymentAnswerView> {
        let (payment, header) = match self.wallet.pay(app, &request).await? {
            Outcome::Signed(payment, header) => (payment, Some(header)),
            Outcome::Open(payment) | Outcome::Ended(payment) => (payment, None),
        };
        Ok(PaymentAnswerView::of(&payment, header, self.wallet.waits_for_unlock(payment.id)))
    }

    async fn answer_view(&self, payment: &Payment) -> Answer<PaymentAnswerView> {
        let signed = match payment.state {
            State::Signed if payment.settlement != Some(ledger::Settlement::NeverUsed) => {
                self.wallet.header(payment.id).await?
            }
            _ => None,
        };
        Ok(PaymentAnswerView::of(payment, signed, self.wallet.waits_for_unlock(payment.id)))
    }

    pub async fn app_payment(&self, app: &AppId, id: &str, wait: Duration) -> Answer<PaymentAnswerView> {
        let payment = self.wallet.payment_of_app(app, payment_id(id)?, wait).await?;
        self.answer_view(&payment).await
    }

    pub async fn cancel(&self, app: &AppId, id: &str) -> Answer<PaymentAnswerView> {
        let payment = self.wallet.cancel(app, payment_id(id)?).await?;
        self.answer_view(&payment).await
    }

    pub async fn report(&self, app: &AppId, id: &str, result: ResultView) -> Answer<PaymentAnswerView> {
        if !(100..=599).contains(&result.http_status) {
            return Err(Failure::field("httpStatus", "100 to 599", &result.http_status.to_string()));
        }
        let receipt = result.payment_response.filter(|text| !text.trim().is_empty());
        let unreadable = receipt.as_deref().and_then(|text| x402::Settlement::read(text).err());
        let report = wallet::Report { payment_response: receipt, http_status: result.http_status };
        let payment = self.wallet.report(app, payment_id(id)?, report).await?;
        let mut answer = self.answer_view(&payment).await?;
        if let Some(e) = unreadable {
            let reason = crate::question::quoted(&e.to_string(), 200);
            answer.notes.push(say("receipt-unreadable", &[("reason", Arg::Text(&reason))]));
        }
        if payment.settlement == Some(ledger::Settlement::Unknown) {
            answer.notes.push(say("outcome-open", &[]));
        }
        Ok(answer)
    }

    /// What would happen, with no effect.
    pub async fn check(&self, app: &AppId, request: PaymentRequestView) -> Answer<CheckView> {
        self.check_as(app, asked(request, Provenance::Claimed)).await
    }

    async fn check_as(&self, app: &AppId, request: wallet::PayRequest) -> Answer<CheckView> {
        match self.wallet.check(app, &request).await {
            Ok(checked) => Ok(CheckView::of(&checked)),
            // A request that is not of its form is an error; a 402 that can't be paid is an answer.
            Err(
                e @ (WalletError::Field { .. }
                | WalletError::Url(_)
                | WalletError::Malformed(_)
                | WalletError::NoOffer(_)),
            ) => Err(e.into()),
            Err(e @ (WalletError::Ledger(_) | WalletError::Check { .. })) => Err(e.into()),
            Err(e) => {
                let failure = Failure::from(e);
                let reasons = vec![failure.code.name()];
                Ok(CheckView { verdict: "refuse".to_owned(), reasons, failure: Some(failure), plan: None })
            }
        }
    }

    pub async fn budget(&self, app: &AppId) -> Answer<Vec<BudgetView>> {
        let symbols = self.symbols().await?;
        let rules = self.wallet.budget(app).await?;
        Ok(rules.iter().filter_map(|r| BudgetView::of(r, &symbols)).collect())
    }
}

/// What the owner's own command line does: it made the request and met the 402 itself. There is no app here, so an
/// app's token can't come this way.
impl Desk {
    /// `max`: the most that may leave, in whole units, "0.50" or "0.50 USDT".
    pub async fn pay_met(&self, request: PaymentRequestView, max: Option<String>) -> Answer<PaymentAnswerView> {
        let request = wallet::PayRequest { max, ..asked(request, Provenance::Verified) };
        self.pay_as(&AppId::owner(), request).await
    }

    pub async fn check_met(&self, request: PaymentRequestView) -> Answer<CheckView> {
        self.check_as(&AppId::owner(), asked(request, Provenance::Verified)).await
    }
}

pub(crate) fn name_of<'a>(apps: &'a [ledger::App], id: &AppId) -> Option<&'a str> {
    apps.iter().find(|a| a.id == *id).map(|a| a.name.as_str())
}

fn asked(request: PaymentRequestView, provenance: Provenance) -> wallet::PayRequest {
    wallet::PayRequest {
        provenance,
        method: request.request.method,
        url: request.request.url,
        payment_required: request.payment_required,
        reason: request.reason,
        idempotency_key: request.idempotency_key,
        max_amount: request.max_amount,
        max: None,
        prefer: request.prefer.map(|p| wallet::Prefer { scheme: p.scheme, network: p.network, asset: p.asset }),
    }
}

fn app_pairing(pairing: wallet::Pairing) -> AppPairingView {
    let status = match pairing.state {
        PairingState::Asked => "asked",
        // With its token this is the one answer that has it.
        PairingState::Approved => "approved",
        PairingState::Collected => "collected",
        PairingState::Rejected => "rejected",
        PairingState::Expired => "expired",
    };
    AppPairingView {
        id: pairing.id,
        code: pairing.code,
        status: status.to_owned(),
        expires_at: time(pairing.expires_at),
        secret: pairing.secret.map(|t| t.as_str().to_owned()),
        token: pairing.token.map(|t| t.as_str().to_owned()),
    }
}
