//! Asking for a payment: read, plan, reserve and judge in one transaction, then sign, ask or refuse. Refuses
//! floods, conflicts and whatever the rules forbid; the key is not touched before the row is durable.

use crate::facts::Look;
use crate::flood::Flood;
use crate::planner::Planned;
use crate::sign::{Paper, is_open};
use crate::{Event, Wallet, WalletError, lock};
use ledger::{End, Entered, Entry, Payment, PaymentId, State};
use plan::{AppId, Moment, Plan, Request, Site, Verdict, Weight, Why};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;
use tron::Amount;
use x402::{Offer, Requirements, Terms};

const URL_MAX: usize = 8192;
const REASON_MAX: usize = 500;
const WORDS_MAX: usize = 500;

/// What an app hands over: the request that met the 402 and the raw 402.
#[derive(Clone, Debug, Default)]
pub struct PayRequest {
    pub method: String,
    pub url: String,
    /// Header value (base64), JSON body or MCP result, unchanged.
    pub payment_required: String,
    /// The app's own words.
    pub reason: Option<String>,
    pub idempotency_key: Option<String>,
    /// Smallest units.
    pub max_amount: Option<String>,
    pub prefer: Option<Prefer>,
}

/// Which option the app would rather use.
#[derive(Clone, Debug, Default)]
pub struct Prefer {
    pub scheme: Option<String>,
    pub network: Option<String>,
    pub asset: Option<String>,
}

impl Prefer {
    pub(crate) fn matches(&self, option: &Requirements, terms: &Terms) -> bool {
        let same = |want: &Option<String>, is: bool| want.is_none() || is;
        let network = |n: &str| tron::Network::parse(n) == Ok(terms.network());
        let asset = |a: &str| tron::Address::parse(a) == Ok(terms.token());
        // "exact", or precisely "exact/permit2".
        let scheme = |s: &str| s == option.scheme || s == terms.scheme().name();
        same(&self.scheme, self.scheme.as_deref().is_some_and(scheme))
            && same(&self.network, self.network.as_deref().is_some_and(network))
            && same(&self.asset, self.asset.as_deref().is_some_and(asset))
    }
}

/// What became of a request.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// A limit allowed it, or it was signed before.
    Signed(Payment),
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

/// A request, parsed at the door.
pub(crate) struct Asked {
    pub site: Site,
    /// Redacted.
    pub request: Request,
    /// Without userinfo and fragment, otherwise as requested: for comparing with the 402's words.
    pub url: String,
    pub offer: Offer,
    pub raw: String,
    pub reason: Option<String>,
    pub max_amount: Option<Amount>,
    pub prefer: Option<Prefer>,
    pub hash: [u8; 32],
    pub key: Option<String>,
}

impl Asked {
    fn parse(request: &PayRequest) -> Result<Self, WalletError> {
        let field = |field, expected, found: &str| WalletError::Field {
            field,
            expected,
            found: found.chars().take(80).collect(),
        };
        let method = request.method.to_ascii_uppercase();
        if method.is_empty() || method.len() > 16 || !method.bytes().all(|b| b.is_ascii_uppercase() || b == b'-') {
            return Err(field("request.method", "an HTTP method", &request.method));
        }
        if request.url.len() > URL_MAX {
            let found = format!("{} bytes", request.url.len());
            return Err(field("request.url", "at most 8192 bytes", &found));
        }
        let site = Site::of(&request.url).map_err(WalletError::Url)?;
        if let Some(key) = &request.idempotency_key
            && !(1..=128).contains(&key.len()) | !key.bytes().all(|b| b.is_ascii_graphic())
        {
            return Err(field("idempotencyKey", "1 to 128 visible ASCII characters", key));
        }
        if let Some(reason) = &request.reason
            && reason.chars().count() > REASON_MAX
        {
            let found = format!("{} characters", reason.chars().count());
            return Err(field("reason", "at most 500 characters", &found));
        }
        let max_amount = match &request.max_amount {
            Some(text) => Some(
                Amount::parse_smallest(text)
                    .map_err(|_| field("maxAmount", "a decimal string in the token's smallest unit", text))?,
            ),
            None => None,
        };
        let offer = Offer::read(&request.payment_required).map_err(WalletError::Malformed)?;
        let mut hash = Sha256::new();
        let prefer = request.prefer.clone().unwrap_or_default();
        for part in [
            Some(method.as_str()),
            Some(request.url.as_str()),
            Some(request.payment_required.as_str()),
            request.max_amount.as_deref(),
            prefer.scheme.as_deref(),
            prefer.network.as_deref(),
            prefer.asset.as_deref(),
        ] {
            let bytes = part.unwrap_or_default().as_bytes();
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        }
        let (url, redacted, path) = written(&request.url)?;
        Ok(Self {
            site,
            request: Request { method, url: redacted, path },
            url,
            offer,
            raw: request.payment_required.clone(),
            reason: request.reason.clone().filter(|r| !r.trim().is_empty()),
            max_amount,
            prefer: request.prefer.clone(),
            hash: hash.finalize().into(),
            key: request.idempotency_key.clone(),
        })
    }

    /// The request behind a row, from what the row keeps.
    pub(crate) fn again(plan: &Plan, document: &str) -> Result<Self, WalletError> {
        Ok(Self {
            site: plan.site.clone(),
            request: plan.request.clone(),
            url: plan.request.url.clone(),
            offer: Offer::read(document).map_err(WalletError::Malformed)?,
            raw: document.to_owned(),
            reason: plan.app_words.clone(),
            max_amount: None,
            prefer: None,
            hash: [0; 32],
            key: None,
        })
    }

    pub(crate) fn claimed_resource(&self) -> Option<&str> {
        self.offer.resource.as_ref().map(|r| r.url.as_str())
    }

    pub(crate) fn site_words(&self) -> Option<String> {
        let words = self.offer.resource.as_ref()?.description.as_deref()?;
        let words: String = words.chars().take(WORDS_MAX).collect();
        (!words.trim().is_empty()).then_some(words)
    }
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

/// The URL for comparing, the one for keeping (secrets redacted), and its path with query for showing.
fn written(url: &str) -> Result<(String, String, String), WalletError> {
    let bad = || WalletError::Url(plan::SiteError::NotAUrl { found: url.chars().take(80).collect() });
    let mut url = url::Url::parse(url).map_err(|_| bad())?;
    let _ = (url.set_username(""), url.set_password(None));
    url.set_fragment(None);
    let plain = url.to_string();
    if url.query().is_some() {
        let pairs: Vec<(String, String)> = url
            .query_pairs()
            .map(|(k, v)| {
                let value = if is_secret(&k) && !v.is_empty() { "redacted".into() } else { v.into_owned() };
                (k.into_owned(), value)
            })
            .collect();
        if pairs.iter().any(|(_, v)| v == "redacted") {
            url.query_pairs_mut().clear().extend_pairs(pairs);
        }
    }
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    Ok((plain, url.to_string(), path))
}

/// Query names whose values are usually secrets; they are not written down.
fn is_secret(name: &str) -> bool {
    const WORDS: [&str; 16] = [
        "token",
        "secret",
        "passw",
        "pwd",
        "apikey",
        "api_key",
        "api-key",
        "signature",
        "auth",
        "jwt",
        "session",
        "credential",
        "access",
        "bearer",
        "private",
        "otp",
    ];
    let name = name.to_ascii_lowercase();
    matches!(name.as_str(), "key" | "sig" | "code" | "sid") || WORDS.iter().any(|w| name.contains(w))
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
            let answered = wallet.pay_by_record(&app, &asked).await?;
            Ok((wallet, app, asked, answered, turn))
        };
        let (wallet, app, asked, answered, turn) = self.aside(short).await?;
        if let Some(Entered::New(signed, _)) = answered {
            return Ok(Outcome::Signed(signed));
        }
        self.detached(async move {
            let _turn = turn;
            match answered {
                Some(earlier) => wallet.earlier(&app, asked.hash, earlier).await,
                None => wallet.pay_asked(&app, &asked).await,
            }
        })
        .await
    }

    /// The long way, with the chain and if need be a person.
    async fn pay_asked(&self, app: &AppId, asked: &Asked) -> Result<Outcome, WalletError> {
        let planned = self.plan(app, asked, Look::Chain).await?;
        if let Some(max) = asked.max_amount.filter(|max| planned.plan.maximum > *max) {
            return Err(WalletError::MaxAmount { max, asked: planned.plan.maximum });
        }
        let new = self.new_row(asked, planned);
        let (wallet, hash) = (self.clone(), asked.hash);
        let entering = self.0.entering.lock().await;
        self.check_queue(app).await?;
        let entered = self.db(move |ledger| {
            ledger.enter(&new.entry(), new.now, |rules, spending| {
                wallet.judge(&new.planned.plan, rules, spending, new.now)
            })
        });
        let entered = entered.await?;
        drop(entering);
        self.stored();
        match entered {
            Entered::New(payment, verdict) => self.entered(payment, verdict).await,
            earlier => self.earlier(app, hash, earlier).await,
        }
    }

    /// What can be answered without a node and a person. `None`: nothing was written, the payment goes the long way.
    async fn pay_by_record(&self, app: &AppId, asked: &Asked) -> Result<Option<Entered>, WalletError> {
        if let Some(known) = self.known(app, asked).await? {
            return Ok(Some(Entered::Existing(known)));
        }
        self.check_pause(app)?;
        self.pay_by_limit(app, asked).await
    }

    /// The short way: signed from what the chain said a moment ago, in one durable commit. `None`: as above.
    async fn pay_by_limit(&self, app: &AppId, asked: &Asked) -> Result<Option<Entered>, WalletError> {
        // What can't be planned here is told on the long way.
        let Ok(planned) = self.plan(app, asked, Look::Memory).await else { return Ok(None) };
        let over = asked.max_amount.is_some_and(|max| planned.plan.maximum > max);
        if over || planned.plan.findings.iter().any(|f| f.weight >= Weight::Warn) {
            return Ok(None);
        }
        let new = self.new_row(asked, planned);
        let wallet = self.clone();
        let entered = self.db(move |ledger| {
            let judge = |rules: &_, spending: &_| wallet.judge(&new.planned.plan, rules, spending, new.now);
            ledger.enter_allowed(&new.entry(), new.now, judge)
        });
        let Some(entered) = entered.await? else { return Ok(None) };
        self.stored();
        let Entered::New(payment, verdict) = entered else { return Ok(Some(entered)) };
        let paper = Paper::of(asked.offer.clone(), &payment);
        let signed = self.sign_paper(&payment, &paper).await?;
        // Here, where no caller who hangs up can leave it out.
        self.look_behind(&signed, paper.terms()?.clone());
        Ok(Some(Entered::New(signed, verdict)))
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
    async fn earlier(&self, app: &AppId, hash: [u8; 32], entered: Entered) -> Result<Outcome, WalletError> {
        match entered {
            Entered::New(payment, _) | Entered::Existing(payment) => self.outcome(payment).await,
            Entered::Conflict { earlier } => Err(WalletError::IdempotencyConflict { earlier: earlier.to_string() }),
            // The same app with the very same request, without a key: a retry.
            Entered::SameNonce(earlier) if earlier.request_hash == hash && earlier.plan.app == *app => {
                self.outcome(earlier).await
            }
            Entered::SameNonce(_) => Err(WalletError::SameNonce),
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
            Verdict::Allow => Ok(Outcome::Signed(self.sign(&payment).await?)),
            Verdict::Ask(_) => {
                let left = payment.expires_at.since(self.0.time.latest());
                lock(&self.0.closes).insert(id, self.0.time.boot_ms() + left);
                self.emit(Event::Question { id, app });
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
        Ok(match payment.state {
            // The permission ended unused: its header is worth nothing any more.
            State::Signed if payment.settlement == Some(ledger::Settlement::NeverUsed) => Outcome::Ended(payment),
            State::Signed => Outcome::Signed(payment),
            State::Reserved if !self.is_locked() => match self.finish(payment.id).await? {
                p if p.state == State::Signed => Outcome::Signed(p),
                p if is_open(p.state) => Outcome::Open(p),
                p => Outcome::Ended(p),
            },
            state if is_open(state) => Outcome::Open(payment),
            _ => Outcome::Ended(payment),
        })
    }

    /// What would happen to `request` now. Writes nothing, asks nobody, signs nothing.
    pub async fn check(&self, app: &AppId, request: &PayRequest) -> Result<Checked, WalletError> {
        let asked = Asked::parse(request)?;
        let planned = self.plan(app, &asked, Look::Chain).await?;
        if let Some(max) = asked.max_amount.filter(|max| planned.plan.maximum > *max) {
            return Err(WalletError::MaxAmount { max, asked: planned.plan.maximum });
        }
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
        match tokio::time::timeout(wait, waiting).await {
            Ok(answer) => answer,
            Err(_) => self.own(app, id).await,
        }
    }

    async fn own(&self, app: &AppId, id: PaymentId) -> Result<Payment, WalletError> {
        let of = app.clone();
        let payment = self.db(move |ledger| ledger.payment_of_app(&of, id)).await?;
        payment.ok_or(WalletError::NotFound { what: "payment" })
    }

    /// The app takes its request back, as long as nothing was signed. A signed payment is told as it is.
    pub async fn cancel(&self, app: &AppId, id: PaymentId) -> Result<Payment, WalletError> {
        let payment = self.own(app, id).await?;
        match payment.state {
            // A signature that is being made at this moment never leaves: the ledger refuses it afterwards.
            State::Asked => self.end(id, End::Cancelled).await,
            State::Reserved if payment.by_person => self.end(id, End::Cancelled).await,
            // Signed, or just being signed by a limit.
            _ => Ok(payment),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_urls_are_not_written_down() {
        let (plain, kept, path) = written("https://me:pw@a.example/x?api_key=abc&q=1#frag").unwrap();
        assert_eq!(plain, "https://a.example/x?api_key=abc&q=1");
        assert_eq!(kept, "https://a.example/x?api_key=redacted&q=1");
        assert_eq!(path, "/x?api_key=redacted&q=1");
        let (_, kept, _) = written("https://a.example/x?q=a%20b").unwrap();
        assert_eq!(kept, "https://a.example/x?q=a%20b");
    }
}
