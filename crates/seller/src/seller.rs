//! What all paywalls of one shop share: the facilitator, the secret behind the offers, the quotes, and the book of
//! payments. Refuses to be shown with its secret.

use crate::{
    FacilitatorClient, FacilitatorError, Keep, Reversal,
    book::Book,
    deal::Deal,
    journal::Journal,
    listed::Listed,
    quotes::Quotes,
    reversal::{OnReversal, Watch},
};
use names::{UrlError, WebUrl};
use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::time::Instant;
use x402::{PaymentRequired, Requirements, Settlement, facilitator::IdempotencyKey};
use zeroize::Zeroizing;

/// Between two questions whether a settlement is final, to a facilitator that does not wait.
const PAUSE: Duration = Duration::from_secs(1);

/// A shop: cheap to clone, one for all its routes.
#[derive(Clone)]
pub struct Seller(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    facilitator: FacilitatorClient,
    secret: Arc<Zeroizing<[u8; 32]>>,
    public_url: Option<String>,
    lifetime: Duration,
    v1_bodies: bool,
    clock: Arc<dyn Fn() -> u64 + Send + Sync>,
    quotes: Arc<Quotes>,
    listed: Arc<Listed>,
    book: Book,
    final_wait: Duration,
    watch_every: Duration,
    on_reversal: Option<OnReversal>,
}

/// Why a seller can't be made.
#[derive(Debug, thiserror::Error)]
pub enum SellerError {
    #[error(transparent)]
    Facilitator(#[from] FacilitatorError),
    #[error("the public URL: {0}")]
    PublicUrl(UrlError),
    #[error("the operating system gave no random numbers")]
    Random,
    #[error("the journal {path}: {source}; choose a file that this program can write")]
    Journal { path: PathBuf, source: std::io::Error },
}

impl Seller {
    /// A seller whose payments are settled by the facilitator at this URL, with a secret of its own, offers that
    /// live ten minutes (a person may have to be asked) and the system's clock.
    pub fn new(facilitator_url: &str) -> Result<Self, SellerError> {
        let mut secret = Zeroizing::new([0; 32]);
        getrandom::fill(secret.as_mut()).map_err(|_| SellerError::Random)?;
        Ok(Self(Arc::new(Inner {
            facilitator: FacilitatorClient::new(facilitator_url)?,
            secret: Arc::new(secret),
            public_url: None,
            lifetime: Duration::from_secs(600),
            v1_bodies: false,
            clock: Arc::new(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())),
            quotes: Arc::default(),
            listed: Arc::default(),
            book: Book::new(Keep::default()),
            final_wait: Duration::from_secs(90),
            watch_every: Duration::from_secs(15),
            on_reversal: None,
        })))
    }

    fn with(self, change: impl FnOnce(&mut Inner)) -> Self {
        let mut inner = (*self.0).clone();
        change(&mut inner);
        Self(Arc::new(inner))
    }

    /// Where buyers reach this shop, such as `https://shop.example`. Without it the offer's URL is made of the
    /// request's `Host` header, over plain HTTP.
    ///
    /// # Errors
    /// [`SellerError::PublicUrl`] for what two buyers could read as two hosts.
    pub fn public_url(self, url: &str) -> Result<Self, SellerError> {
        WebUrl::parse(url).map_err(SellerError::PublicUrl)?;
        Ok(self.with(|inner| inner.public_url = Some(url.trim_end_matches('/').to_owned())))
    }

    /// How long an offer can be paid.
    #[must_use]
    pub fn lifetime(self, lifetime: Duration) -> Self {
        self.with(|inner| inner.lifetime = lifetime)
    }

    /// The key that offers are recognised by. Give the same one to every instance of a shop, and keep it over a
    /// restart, so that an offer made by one is honoured by the other.
    #[must_use]
    pub fn secret(self, secret: [u8; 32]) -> Self {
        self.with(|inner| inner.secret = Arc::new(Zeroizing::new(secret)))
    }

    /// Answers 402 with a body of x402 version 1, for older buyers that read nothing else. The header stays
    /// version 2, and payments of both versions are taken either way.
    #[must_use]
    pub fn v1_bodies(self) -> Self {
        self.with(|inner| inner.v1_bodies = true)
    }

    /// How much is kept for buyers who lost their answer.
    #[must_use]
    pub fn keep_answers(self, keep: Keep) -> Self {
        self.0.book.keep(keep);
        self
    }

    /// Writes down in this file which payments went to be settled and what was delivered, and takes up what an earlier
    /// process left there: a buyer whose payment was taken when the shop was killed asks again with the same payment
    /// and gets what it paid for. Give it the same [`Seller::secret`], and no file to two shops. Set [`Seller::clock`]
    /// before it. Without a file a restart forgets.
    pub fn journal(self, path: impl AsRef<Path>) -> Result<Self, SellerError> {
        let path = path.as_ref();
        let failed = |source| SellerError::Journal { path: path.to_owned(), source };
        let (journal, earlier) = Journal::open(path, self.now()).map_err(failed)?;
        for record in &earlier {
            match Requirements::read(&record.requirements) {
                Ok(requirements) => self.quotes().remember(&requirements, record.until),
                Err(error) => tracing::warn!(%error, "a line of the journal can't be read"),
            }
        }
        self.book().write_in(journal, earlier);
        Ok(self)
    }

    /// How long a buyer's request waits for a settlement to be final, where the paywall wants that
    /// ([`crate::Settle::Final`]); 90 seconds. After it the buyer is answered `settlement_pending`.
    #[must_use]
    pub fn final_wait(self, wait: Duration) -> Self {
        self.with(|inner| inner.final_wait = wait)
    }

    /// Calls this when a fork has taken back a settlement for which something was delivered, and when that is settled
    /// all the same. It runs beside the shop's requests and must not block. Also logged, and written into the journal.
    /// Asked is the facilitator, until it calls the settlement final; one that can't tell is not asked.
    #[must_use]
    pub fn on_reversal(self, tell: impl Fn(&Reversal) + Send + Sync + 'static) -> Self {
        self.with(|inner| inner.on_reversal = Some(Arc::new(tell)))
    }

    /// How often the facilitator is asked about what is not final yet; every 15 seconds.
    #[must_use]
    pub fn watch_every(self, pause: Duration) -> Self {
        self.with(|inner| inner.watch_every = pause)
    }

    /// Another clock, in seconds since 1970: for a devnet whose time is moved.
    #[must_use]
    pub fn clock(self, now_secs: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.with(|inner| inner.clock = Arc::new(now_secs))
    }

    pub fn facilitator(&self) -> &FacilitatorClient {
        &self.0.facilitator
    }

    /// Asks until it is final, or for as long as a buyer waits.
    pub(crate) async fn settle_finally(
        &self,
        deal: &Deal,
        key: &IdempotencyKey,
    ) -> Result<Settlement, FacilitatorError> {
        let until = Instant::now() + self.0.final_wait;
        loop {
            let next = Instant::now() + PAUSE;
            let settlement = self.facilitator().settle_finally(&deal.payment, &deal.requirements, key).await?;
            if !settlement.is_pending() || next.max(Instant::now()) >= until {
                return Ok(settlement);
            }
            tokio::time::sleep_until(next).await;
        }
    }

    /// Goes on watching what is not final yet, if nobody does.
    pub(crate) fn watch(&self) {
        let Inner { facilitator, listed, clock, book, watch_every, on_reversal, .. } = &*self.0;
        if book.begin_watch() {
            let watch = Watch {
                facilitator: facilitator.clone(),
                listed: listed.clone(),
                clock: clock.clone(),
                every: *watch_every,
                tell: on_reversal.clone(),
            };
            tokio::spawn(watch.run(book.weak()));
        }
    }

    pub(crate) fn book(&self) -> &Book {
        &self.0.book
    }

    pub(crate) fn quotes(&self) -> &Quotes {
        &self.0.quotes
    }

    pub(crate) fn listed(&self) -> &Listed {
        &self.0.listed
    }

    pub(crate) fn secret_bytes(&self) -> &[u8; 32] {
        &self.0.secret
    }

    pub(crate) fn base_url(&self) -> Option<&str> {
        self.0.public_url.as_deref()
    }

    pub(crate) fn now(&self) -> u64 {
        (self.0.clock)()
    }

    pub(crate) fn body(&self, offer: &PaymentRequired) -> String {
        if self.0.v1_bodies { offer.to_json_v1() } else { offer.to_json() }
    }

    pub(crate) fn lifetime_secs(&self) -> u64 {
        self.0.lifetime.as_secs()
    }
}

impl fmt::Debug for Seller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seller").field("facilitator", &self.0.facilitator).finish_non_exhaustive()
    }
}
