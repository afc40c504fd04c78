//! What all paywalls of one shop share: the facilitator, the secret behind the offers, the quotes and the used
//! payments. Makes offers and recognises them when they come back paid.

use crate::{
    FacilitatorClient, FacilitatorError, Listing, Price,
    quotes::{Charge, Quotes},
    used::Used,
};
use axum::http::{Uri, header::HOST, request::Parts};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tron::Amount;
use x402::{
    Fee, Payload, Payment, PaymentRequired, Requirements, U256,
    exact_permit::{self, Meta, Permit},
};
use zeroize::Zeroizing;

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
    used: Used,
}

/// Why a seller can't be made.
#[derive(Debug, thiserror::Error)]
pub enum SellerError {
    #[error(transparent)]
    Facilitator(#[from] FacilitatorError),
    #[error("the operating system gave no random numbers")]
    Random,
}

/// Blocks are a few seconds behind: a window begins a little earlier than now.
const EARLIER_SECS: u64 = 60;

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
            used: Used::default(),
        })))
    }

    fn with(self, change: impl FnOnce(&mut Inner)) -> Self {
        let mut inner = (*self.0).clone();
        change(&mut inner);
        Self(Arc::new(inner))
    }

    /// Where buyers reach this shop, such as `https://shop.example`. Without it the offer's URL is made of the
    /// request's `Host` header, over plain HTTP.
    #[must_use]
    pub fn public_url(self, url: &str) -> Self {
        self.with(|inner| inner.public_url = Some(url.trim_end_matches('/').to_owned()))
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

    /// Another clock, in seconds since 1970: for a devnet whose time is moved.
    #[must_use]
    pub fn clock(self, now_secs: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.with(|inner| inner.clock = Arc::new(now_secs))
    }

    pub fn facilitator(&self) -> &FacilitatorClient {
        &self.0.facilitator
    }

    pub(crate) fn used(&self) -> &Used {
        &self.0.used
    }

    pub(crate) fn now(&self) -> u64 {
        (self.0.clock)()
    }

    pub(crate) fn body(&self, offer: &PaymentRequired) -> String {
        if self.0.v1_bodies { offer.to_json_v1() } else { offer.to_json() }
    }

    fn lifetime_secs(&self) -> u64 {
        self.0.lifetime.as_secs()
    }

    /// A fresh offer of this listing for this request, or, with `meta`, the same one again. Prices that the
    /// facilitator does not settle are left out; it is an error when none is left.
    pub(crate) async fn offer(
        &self,
        parts: &Parts,
        listing: &Listing,
        meta: Option<Meta>,
    ) -> Result<PaymentRequired, NoOffer> {
        let now = self.now();
        let mut offer = PaymentRequired::new(&self.resource_url(parts));
        offer.description.clone_from(&listing.description);
        offer.mime_type.clone_from(&listing.mime_type);
        for price in listing.prices.iter().take(x402::limits::ACCEPTS) {
            let charge = self.0.quotes.charge(&self.0.facilitator, price, self.lifetime_secs(), now).await;
            if let Some(charge) = charge.map_err(NoOffer::Facilitator)? {
                offer.prices.push(price.wire(Some(&charge), self.lifetime_secs()));
            }
        }
        if offer.prices.is_empty() {
            return Err(NoOffer::NotSettled);
        }
        offer.permit = Some(match meta {
            Some(meta) => meta,
            None => self.fresh_meta(parts, now)?,
        });
        Ok(offer)
    }

    fn fresh_meta(&self, parts: &Parts, now: u64) -> Result<Meta, NoOffer> {
        let mut nonce = [0; 32];
        getrandom::fill(&mut nonce).map_err(|_| NoOffer::Random)?;
        let nonce = Amount::from_be_bytes(nonce).u256();
        let (valid_after, valid_before) = (now.saturating_sub(EARLIER_SECS), now.saturating_add(self.lifetime_secs()));
        let payment_id = self.payment_id(parts, nonce, valid_after, valid_before);
        Ok(Meta { kind: exact_permit::PAYMENT_ONLY.to_owned(), payment_id, nonce, valid_after, valid_before })
    }

    /// The first 16 bytes of HMAC-SHA256 over what the offer is for: only this shop makes it, and it fits this
    /// request, nonce and window alone.
    fn payment_id(&self, parts: &Parts, nonce: U256, valid_after: u64, valid_before: u64) -> [u8; 16] {
        let mac = self.mac(parts, nonce, valid_after, valid_before).finalize().into_bytes();
        let mut id = [0; 16];
        id.copy_from_slice(&mac[..16]);
        id
    }

    fn mac(&self, parts: &Parts, nonce: U256, valid_after: u64, valid_before: u64) -> Hmac<Sha256> {
        // HMAC fills a key up to its block with zeros anyway; a whole block can't have a wrong length.
        let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
        block[..32].copy_from_slice(self.0.secret.as_ref().as_ref());
        let mut mac = <Hmac<Sha256> as hmac::digest::KeyInit>::new(&block);
        let uri = original_uri(parts).path_and_query().map_or("/", |p| p.as_str());
        for part in [b"countersign offer 1".as_slice(), parts.method.as_str().as_bytes(), uri.as_bytes()] {
            mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(part);
        }
        mac.update(&nonce.to_be_bytes::<32>());
        mac.update(&valid_after.to_be_bytes());
        mac.update(&valid_before.to_be_bytes());
        mac
    }

    /// Recognises a payment: which of the prices that this request costs now it pays, and that nonce, window,
    /// payment id and fee are ones that were offered here. What the buyer says in `accepted` is not looked at.
    pub(crate) fn recognise(&self, parts: &Parts, listing: &Listing, payment: &Payment) -> Result<Deal, &'static str> {
        let Ok(Payload::ExactPermit(payload)) = &payment.payload else { return Err("missing_permit") };
        let permit = &payload.permit;
        let price = listing.prices.iter().find(|price| is_for(price, permit)).ok_or("no_matching_requirements")?;
        let mac = self.mac(parts, permit.nonce, permit.valid_after, permit.valid_before);
        mac.verify_truncated_left(&permit.payment_id).map_err(|_| "not_offered_here")?;
        let now = self.now();
        let paid = Fee { to: permit.fee_to, amount: permit.fee_amount, caller: Some(permit.caller) };
        let charge = self.0.quotes.find(price, &paid, self.lifetime_secs(), now).ok_or("fee_amount_mismatch")?;
        let requirements = requirements(price, &charge, self.lifetime_secs()).ok_or("invalid_payment_requirements")?;
        exact_permit::check::check_tokens(payment, &requirements, now, |_, _| true).map_err(|reason| reason.code())?;
        let meta = Meta {
            kind: exact_permit::PAYMENT_ONLY.to_owned(),
            payment_id: permit.payment_id,
            nonce: permit.nonce,
            valid_after: permit.valid_after,
            valid_before: permit.valid_before,
        };
        Ok(Deal { requirements, price: price.clone(), payer: permit.buyer, meta })
    }

    fn resource_url(&self, parts: &Parts) -> String {
        let path = original_uri(parts).path_and_query().map_or("/", |p| p.as_str());
        let host = || parts.headers.get(HOST).and_then(|h| h.to_str().ok()).unwrap_or("localhost");
        match &self.0.public_url {
            Some(base) => format!("{base}{path}"),
            None => format!("http://{}{path}", host()),
        }
    }
}

fn requirements(price: &Price, charge: &Charge, lifetime_secs: u64) -> Option<Requirements> {
    price.wire(Some(charge), lifetime_secs).requirements().ok()
}

fn is_for(price: &Price, permit: &Permit) -> bool {
    (price.network, price.token, price.amount, price.pay_to)
        == (permit.network, permit.token, permit.amount, permit.pay_to)
}

/// As the buyer asked: inside a nested router axum shortens the URI.
fn original_uri(parts: &Parts) -> &Uri {
    parts.extensions.get::<axum::extract::OriginalUri>().map_or(&parts.uri, |original| &original.0)
}

/// A payment that was recognised.
pub(crate) struct Deal {
    pub requirements: Requirements,
    pub price: Price,
    pub payer: tron::Address,
    pub meta: Meta,
}

/// Why nothing can be offered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoOffer {
    #[error(transparent)]
    Facilitator(FacilitatorError),
    #[error("the facilitator settles none of the prices")]
    NotSettled,
    #[error("the operating system gave no random numbers")]
    Random,
}

impl fmt::Debug for Seller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seller").field("facilitator", &self.0.facilitator).finish_non_exhaustive()
    }
}
