//! Asking for a payment: read, plan, reserve and judge in one transaction, then sign, ask or refuse. Refuses
//! floods, conflicts and whatever the rules forbid; the key is not touched before the row is durable.

use crate::asked::{Asked, PayRequest};
use crate::facts::Look;
use crate::flood::Flood;
use crate::planner::Planned;
use crate::sign::{Header, Paper, is_open};
use crate::{Event, Wallet, WalletError, lock};
use ledger::{End, Entered, Entry, Ledger, Payment, PaymentId, State};
use plan::{AppId, Moment, Plan, Verdict, Weight, Why};
use std::sync::Arc;
use std::time::Duration;
use x402::{Requirements, Terms};

/// What became of a request.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// A limit allowed it, or it was signed before; with what pays.
    Signed(Payment, Header),
    /// A person is asked, or an approved payment is still on its way.
    Open(Payment),
    /// It ended before without a signature.
    Ended(Payment),
}

/// What would happen, with no effect.
#[derive(Clone, Debug)]
pub struct Checked {
    pub plan: Plan,
    pub verdict: Verdict,
}

/// The seller's answer, as the app reports it.
#[derive(Clone, Debug)]
pub struct Report {
    /// Raw `PAYMENT-RESPONSE`.
    pub payment_response: Option<String>,
    pub http_status: u16,
}

/// How long the work behind a payment lets the answer go ahead.
const BEHIND: Duration = Duration::from_millis(2);

/// What became of a request on the short way.
enum Short {
    Signed(Box<Payment>, Header),
    /// A payment stands in its way.
    Earlier(Box<Entered>),
    /// Nothing was written; the payment goes the long way.
    Long,
}

/// A row that is about to be written.
struct NewRow {
    id: PaymentId,
    planned: Planned,
    document: String,
    hash: [u8; 32],
    key: Option<String>,
    expires_at: Moment,
    now: Moment,
}

impl NewRow {
    fn entry(&self) -> Entry<'_> {
        Entry {
            id: self.id,
            plan: &self.planned.plan,
            digest: self.planned.digest,
            document: &self.document,
            request_hash: self.hash,
            idempotency_key: self.key.as_deref(),
            nonce: &self.planned.nonce,
            dictated: self.planned.dictated,
            expires_at: self.expires_at,
        }
    }
}

impl Wallet {
    /// The main use case. See the module's description; `Err` means nothing was signed.
    ///
    /// Goes on to its end although the caller hangs up: a row never stays behind without its question.
    pub async fn pay(&self, app: &AppId, request: &PayRequest) -> Result<Outcome, WalletError> {
        let asked = Asked::parse(request)?;
        let turn = self.turn(app, &asked.url).lock_owned().await;
        let (wallet, app) = (self.clone(), app.clone());
        let short = async move {
            let short = wallet.pay_by_record(&app, &asked).await?;
            Ok((wallet, app, asked, short, turn))
        };
        let (wallet, app, asked, short, turn) = self.aside(short).await?;
        let earlier = match short {
            Short::Signed(payment, header) => return Ok(Outcome::Signed(*payment, header)),
            Short::Earlier(earlier) => Some(*earlier),
            Short::Long => None,
        };
        self.detached(async move {
            let _turn = turn;
            match earlier {
                Some(earlier) if wallet.is_taken(&app, &asked, &earlier).await? => wallet.pay_asked(&app, &asked).await,
                Some(earlier) => wallet.earlier(&app, &asked, earlier).await,
                None => wallet.pay_asked(&app, &asked).await,
            }
        })
        .await
    }

    /// The long way, with the chain and if need be a person.
    async fn pay_asked(&self, app: &AppId, asked: &Asked) -> Result<Outcome, WalletError> {
        // From here on nodes are asked, and a row is written; what can't be is told before.
        self.0.calls.call(app)?;
        let turn = self.0.calls.turn(app).await?;
        self.check_queue(app).await?;
        let planned = self.plan(app, asked, Look::Chain).await?;
        asked.within(&planned.plan)?;
        let new = self.new_row(asked, planned);
        let wallet = self.clone();
        let entering = self.0.entering.lock().await;
        self.check_queue(app).await?;
        let entered = self.db(move |ledger| {
            ledger.enter(&new.entry(), new.now, |rules, spending| {
                wallet.judge(&new.planned.plan, rules, spending, new.now)
            })
        });
        let entered = entered.await?;
        drop((entering, turn));
        self.stored();
        match entered {
            Entered::New(payment, verdict) => self.entered(payment, verdict).await,
            earlier => self.earlier(app, asked, earlier).await,
        }
    }

    /// What can be answered without a node and a person.
    async fn pay_by_record(&self, app: &AppId, asked: &Asked) -> Result<Short, WalletError> {
        if let Some(known) = self.known(app, asked).await? {
            return Ok(Short::Earlier(Box::new(Entered::Existing(known))));
        }
        self.check_pause(app)?;
        self.pay_by_limit(app, asked).await
    }

    /// The short way: signed from what the chain said a moment ago, in one durable commit.
    async fn pay_by_limit(&self, app: &AppId, asked: &Asked) -> Result<Short, WalletError> {
        // What can't be planned here is told on the long way.
        let Ok(planned) = self.plan(app, asked, Look::Memory).await else { return Ok(Short::Long) };
        if asked.within(&planned.plan).is_err() || planned.plan.findings.iter().any(|f| f.weight >= Weight::Warn) {
            return Ok(Short::Long);
        }
        self.0.calls.row(app)?;
        let new = self.new_row(asked, planned);
        let wallet = self.clone();
        let entered = self.db(move |ledger| {
            let judge = |rules: &_, spending: &_| wallet.judge(&new.planned.plan, rules, spending, new.now);
            ledger.enter_allowed(&new.entry(), new.now, judge)
        });
        let payment = match entered.await? {
            Some(Entered::New(payment, _)) => payment,
            Some(earlier) => return Ok(Short::Earlier(Box::new(earlier))),
            None => return Ok(Short::Long),
        };
        let paper = Paper::of(asked.offer.clone(), &payment);
        let (header, now) = (self.make_header(&payment, &paper)?, self.now());
        let noted = header.clone();
        let payment = self.db(move |ledger| ledger.sign_allowed(&payment, &noted.name, &noted.value, now)).await?;
        // Here, where no caller who hangs up can leave it out.
        self.behind(payment.clone(), paper.terms()?.clone());
        Ok(Short::Signed(Box::new(payment), header))
    }

    /// Behind a payment that was signed on the short way, once its app has the header: brings it to its place in the
    /// record, tells everybody, and looks at the chain.
    fn behind(&self, payment: Payment, terms: Terms) {
        let wallet = self.clone();
        self.spawn(async move {
            // Whoever waits for the signature comes first.
            tokio::time::sleep(BEHIND).await;
            match wallet.db(Ledger::place_waiting).await {
                Ok(()) => wallet.stored(),
                // Whatever is read or written next tries again, and says so.
                Err(error) => tracing::warn!(payment = %payment.id, %error, "a payment is not in its place yet"),
            }
            if let Err(error) = wallet.db(Ledger::keep_log_short).await {
                tracing::warn!(%error, "the record's log is not shortened yet");
            }
            wallet.moved(&payment);
            wallet.plan_beside(&payment).await;
            wallet.look_behind(&payment, terms).await;
        });
    }

    fn new_row(&self, asked: &Asked, planned: Planned) -> NewRow {
        let now = self.now();
        NewRow {
            id: PaymentId::fresh(now),
            expires_at: self.closing(&planned.plan, now),
            planned,
            document: asked.raw.clone(),
            hash: asked.hash,
            key: asked.key.clone(),
            now,
        }
    }

    /// A row stands in the way of a new one.
    async fn earlier(&self, app: &AppId, asked: &Asked, entered: Entered) -> Result<Outcome, WalletError> {
        match entered {
            Entered::New(payment, _) | Entered::Existing(payment) => self.outcome(payment).await,
            Entered::Conflict { earlier } => Err(WalletError::IdempotencyConflict { earlier: earlier.to_string() }),
            // The same app with the very same request, without a key: a retry.
            Entered::SameNonce(earlier) if asked.is_again(app, &earlier) => match *app == AppId::owner() {
                true => self.outcome(earlier).await,
                false => match self.is_used(&earlier).await? {
                    Some(used) => Err(WalletError::Paid(Box::new(used))),
                    None => self.outcome(earlier).await,
                },
            },
            Entered::SameNonce(_) => Err(WalletError::SameNonce),
        }
    }

    /// Without a key the very same request may be a retry or another purchase. Once the chain has the first as used it is
    /// another one: the old signature buys nothing more. The owner's own command presents what it gets at once and tells
    /// the answer, so it has the old one until then: a seller may still give the answer that was lost.
    async fn is_taken(&self, app: &AppId, asked: &Asked, entered: &Entered) -> Result<bool, WalletError> {
        match entered {
            Entered::Existing(earlier) if asked.key.is_none() && *app != AppId::owner() && !earlier.dictated => {
                Ok(self.is_used(earlier).await?.is_some())
            }
            _ => Ok(false),
        }
    }

    /// One request at a time per app and URL.
    fn turn(&self, app: &AppId, url: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = lock(&self.0.turns);
        turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        Arc::clone(turns.entry((app.clone(), url.to_owned())).or_default())
    }

    /// The policy's verdict; without a key at hand a person is asked, which is when they unlock.
    pub(crate) fn judge(&self, plan: &Plan, rules: &plan::Rules, spending: &plan::Spending, now: Moment) -> Verdict {
        match policy::judge(plan, rules, spending, now) {
            Verdict::Allow if self.is_locked() => Verdict::Ask(vec![Why::Locked]),
            Verdict::Allow if plan.app == AppId::owner() => Verdict::Ask(vec![Why::NoRule]),
            verdict => verdict,
        }
    }

    async fn entered(&self, payment: Payment, verdict: Verdict) -> Result<Outcome, WalletError> {
        let (id, app) = (payment.id, payment.plan.app.clone());
        match verdict {
            Verdict::Allow => {
                self.plan_beside(&payment).await;
                let signed = self.sign(&payment).await?;
                self.outcome(signed).await
            }
            Verdict::Ask(_) => {
                let left = payment.expires_at.since(self.0.time.latest());
                lock(&self.0.closes).insert(id, self.0.time.boot_ms() + left);
                lock(&self.0.presence).opened(&payment, self.0.time.boot_ms());
                self.emit(Event::Question { id, app });
                self.plan_after(&payment).await;
                Ok(Outcome::Open(payment))
            }
            Verdict::Refuse(_) => {
                lock(&self.0.flood).failed(&app, self.0.time.boot_ms());
                self.remember_danger(&payment);
                self.emit(Event::Payment { id, app });
                Err(WalletError::Refused(Box::new(payment)))
            }
        }
    }

    /// When a question about `plan` closes: after the configured time, and before a permission ends whose window the
    /// 402 dictates.
    pub(crate) fn closing(&self, plan: &Plan, now: Moment) -> Moment {
        let by_setting = now.plus_ms(self.config().question_ms());
        if plan.lifetime().is_some() {
            return by_setting;
        }
        let by_permission = Moment::from_secs(i64::try_from(plan.window.valid_before).unwrap_or(i64::MAX));
        by_setting.min(by_permission)
    }

    async fn known(&self, app: &AppId, asked: &Asked) -> Result<Option<Payment>, WalletError> {
        let Some(key) = asked.key.clone() else {
            // Without a key, the very same request that still waits is a retry, not a second question.
            let open = self.open_questions().await?;
            let found = open.into_iter().find(|p| p.plan.app == *app && p.request_hash == asked.hash);
            return if found.is_some() { Ok(found) } else { self.untaken(app, asked).await };
        };
        let app = app.clone();
        match self.db(move |ledger| ledger.payment_by_key(&app, &key)).await? {
            Some(p) if p.request_hash == asked.hash => Ok(Some(p)),
            Some(p) => Err(WalletError::IdempotencyConflict { earlier: p.id.to_string() }),
            None => Ok(None),
        }
    }

    /// A signature for the very same request that nobody is known to have used and that still holds. Where the 402
    /// names a nonce, that tells a retry; where it does not, only this does.
    async fn untaken(&self, app: &AppId, asked: &Asked) -> Result<Option<Payment>, WalletError> {
        let chosen = |option: &Requirements| option.terms.as_ref().is_ok_and(Terms::chosen_by_payer);
        if !asked.offer.options.iter().any(chosen) {
            return Ok(None);
        }
        let now = self.0.time.latest().secs();
        let open = self.db(|ledger| ledger.unfinished()).await?;
        Ok(open.into_iter().find(|p| {
            let unused = matches!(p.settlement, None | Some(ledger::Settlement::Unknown));
            let told = matches!(p.delivery, Some(ledger::Delivery::Delivered));
            let same = p.plan.app == *app && p.request_hash == asked.hash && !p.dictated;
            same && unused && !told && now < p.plan.window.valid_before
        }))
    }

    fn check_pause(&self, app: &AppId) -> Result<(), WalletError> {
        match lock(&self.0.flood).pause(app, self.0.time.boot_ms()) {
            Some(retry_after) => Err(WalletError::RateLimited { retry_after }),
            None => Ok(()),
        }
    }

    async fn check_queue(&self, app: &AppId) -> Result<(), WalletError> {
        let open = self.open_questions().await?;
        let own = open.iter().filter(|p| p.plan.app == *app).count();
        match Flood::fits(own, open.len()) {
            true => Ok(()),
            false => Err(WalletError::RateLimited { retry_after: 5 }),
        }
    }

    /// What a payment's app is told now; an approved one without its signature is taken up again.
    async fn outcome(&self, payment: Payment) -> Result<Outcome, WalletError> {
        let payment = match payment.state {
            State::Reserved if self.0.keys.has_keys_for(payment.id) => self.finish(payment.id).await?,
            _ => payment,
        };
        Ok(match payment.state {
            // The permission ended unused: its header is worth nothing any more.
            State::Signed if payment.settlement == Some(ledger::Settlement::NeverUsed) => Outcome::Ended(payment),
            State::Signed => {
                let header = self.header(payment.id).await?.ok_or(WalletError::Check { check: "header of the row" })?;
                Outcome::Signed(payment, header)
            }
            state if is_open(state) => {
                lock(&self.0.presence).heard(&payment.plan.app, payment.id, self.0.time.boot_ms());
                Outcome::Open(payment)
            }
            _ => Outcome::Ended(payment),
        })
    }

    /// What would happen to `request` now. Writes nothing, asks nobody, signs nothing.
    pub async fn check(&self, app: &AppId, request: &PayRequest) -> Result<Checked, WalletError> {
        let asked = Asked::parse(request)?;
        self.0.calls.call(app)?;
        let _turn = self.0.calls.turn(app).await?;
        let planned = self.plan(app, &asked, Look::Chain).await?;
        asked.within(&planned.plan)?;
        let now = self.now();
        let (site, network, token) = (planned.plan.site.clone(), planned.plan.network, planned.plan.token.address);
        let of = app.clone();
        let standing = self.db(move |ledger| ledger.standing(&of, &site, network, token, now)).await?;
        let verdict = self.judge(&planned.plan, &standing.rules, &standing.spending, now);
        Ok(Checked { plan: planned.plan, verdict })
    }

    /// The app's own payment, after at most `wait` for it to be answered. Another app's is not found.
    pub async fn payment_of_app(&self, app: &AppId, id: PaymentId, wait: Duration) -> Result<Payment, WalletError> {
        let mut events = self.subscribe();
        // Dropped with the call when its app hangs up.
        let waits = self.waits(app, id);
        let waiting = async {
            loop {
                let payment = self.own(app, id).await?;
                if !is_open(payment.state) {
                    return Ok(payment);
                }
                use tokio::sync::broadcast::error::RecvError;
                loop {
                    match events.recv().await {
                        Ok(Event::Payment { id: moved, .. }) if moved == id => break,
                        Ok(_) => {}
                        Err(RecvError::Lagged(_)) => break,
                        Err(RecvError::Closed) => return Ok(payment),
                    }
                }
            }
        };
        let answer = match tokio::time::timeout(wait, waiting).await {
            Ok(answer) => answer,
            Err(_) => self.own(app, id).await,
        };
        waits.answered();
        answer
    }

    async fn own(&self, app: &AppId, id: PaymentId) -> Result<Payment, WalletError> {
        let of = app.clone();
        let payment = self.db(move |ledger| ledger.payment_of_app(&of, id)).await?;
        payment.ok_or(WalletError::NotFound { what: "payment" })
    }

    /// The app takes its request back, as long as nothing was signed. One that ended otherwise is told as it is.
    ///
    /// # Errors
    /// [`WalletError::Signed`]: what is signed, or just being signed by a limit, can't be taken back.
    pub async fn cancel(&self, app: &AppId, id: PaymentId) -> Result<Payment, WalletError> {
        let payment = self.own(app, id).await?;
        match payment.state {
            // A signature that is being made at this moment never leaves: the ledger refuses it afterwards.
            State::Asked => {
                lock(&self.0.flood).cancelled(app, self.0.time.boot_ms());
                self.end(id, End::Cancelled).await
            }
            State::Reserved if payment.by_person => self.end(id, End::Cancelled).await,
            State::Reserved | State::Signed => Err(WalletError::Signed(Box::new(payment))),
            State::Rejected | State::Refused | State::Cancelled | State::Expired => Ok(payment),
        }
    }
}
