//! The layer: asks for payment, checks it, lets the handler work, settles, and only then releases the answer.
//! Refuses two payment headers, a payment that was not offered here, and one that bought something else before.

use crate::{
    FacilitatorError, Listing, Price, Seller,
    book::{Found, Held},
    deal::{Deal, No},
    identifier,
    offer::{NoOffer, resource},
    page,
    reply::{self, with_settlement},
};
use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, Method, StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use futures::future::BoxFuture;
use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};
use tower::{Layer, Service};
use tracing::Instrument;
use x402::{
    Malformed, Payment, PaymentId, PaymentRequired, Settlement, Version,
    exact_permit::Meta,
    facilitator::{BUSY, MAY_SETTLE_UNTIL, REVERSED},
    header,
};

const ASKED: &str = "payment required";
/// Between two blocks.
const BLOCK_SECS: u64 = 3;
/// A payment that is not final yet is worth asking for again then.
const ASK_AGAIN_SECS: u64 = 15;

type Listings = Arc<dyn Fn(Parts) -> BoxFuture<'static, Result<Listing, Response>> + Send + Sync>;

/// When the money moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Settle {
    /// First the handler works, then its answer waits for the settlement. A handler that fails costs the buyer
    /// nothing. If the settlement fails after it, or the seller stops in between, the work was done for nothing.
    #[default]
    After,
    /// First the money, then the work: for what is dear to make or can't be undone. A handler that fails has been
    /// paid: its answer says so by `PAYMENT-RESPONSE`, and the same payment runs it again until it succeeds, for as
    /// long as it is remembered. If the seller stops in between, nobody remembers; the payment is on the chain.
    Before,
    /// As `Before`, and the money is there for good: with the other two a settlement counts as soon as it is in a
    /// block, and a fork may drop that block, which is very seldom and told by [`Seller::on_reversal`]. It takes about a
    /// minute on TRON. The buyer waits with its request for [`Seller::final_wait`]; then it is answered
    /// `settlement_pending` and asks again with the same payment. Needs a facilitator that can wait (ours can).
    Final,
}

/// A tower layer that puts a price on what is behind it.
#[derive(Clone)]
pub struct Paywall {
    seller: Seller,
    listings: Listings,
    settle: Settle,
    /// From these amounts on it is final.
    finals: Vec<Price>,
    id_required: bool,
}

/// Who paid what: in the extensions of a request that reaches the handler.
#[derive(Clone, Debug, PartialEq)]
pub struct Paid {
    pub payer: tron::Address,
    pub price: Price,
    /// The buyer's own id for the payment, the same at every try.
    pub id: Option<PaymentId>,
    /// With [`Settle::Before`] how it was settled. Otherwise the payment is verified by now, and is settled when the
    /// handler has succeeded.
    pub settlement: Option<Settlement>,
}

impl Paywall {
    /// The same listing for every request.
    pub fn new(seller: Seller, listing: Listing) -> Self {
        Self::computed(seller, move |_| std::future::ready(Ok(listing.clone())))
    }

    /// A listing computed for each request: an empty one is free, an error is answered as it is. It is computed again
    /// for the paid request, so a price should stay the same for as long as an offer lives.
    pub fn computed<F, R>(seller: Seller, listing: F) -> Self
    where
        F: Fn(Parts) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Listing, Response>> + Send + 'static,
    {
        let listings: Listings = Arc::new(move |parts| Box::pin(listing(parts)));
        Self { seller, listings, settle: Settle::default(), finals: Vec::new(), id_required: false }
    }

    /// Whether the money moves before or after the handler works.
    #[must_use]
    pub fn settle(mut self, settle: Settle) -> Self {
        self.settle = settle;
        self
    }

    /// What costs at least this much of this token is delivered when its settlement is final, whatever
    /// [`Paywall::settle`] says: `final_from(Price::parse("10 USDT", network, pay_to)?)`. Once for each token.
    #[must_use]
    pub fn final_from(mut self, least: Price) -> Self {
        self.finals.push(least);
        self
    }

    fn settle_for(&self, price: &Price) -> Settle {
        let dear = |least: &Price| {
            (least.network, least.token) == (price.network, price.token) && price.amount >= least.amount
        };
        if self.finals.iter().any(dear) { Settle::Final } else { self.settle }
    }

    /// Takes no payment without an id of the extension `payment-identifier`. Once a payment is settled, everybody can
    /// read it on the chain, but not its id: with one, only the buyer can ask for the answer again.
    #[must_use]
    pub fn require_identifier(mut self) -> Self {
        self.id_required = true;
        self
    }
}

impl<S> Layer<S> for Paywall {
    type Service = PaywallService<S>;

    fn layer(&self, inner: S) -> PaywallService<S> {
        PaywallService { wall: self.clone(), inner }
    }
}

/// What [`Paywall`] makes of a service.
#[derive(Clone)]
pub struct PaywallService<S> {
    wall: Paywall,
    inner: S,
}

impl<S> Service<Request> for PaywallService<S>
where
    S: Service<Request, Error = Infallible> + Clone + Send + 'static,
    S::Response: IntoResponse,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // The service that was polled ready does the work; a fresh clone stays behind.
        let fresh = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, fresh);
        let wall = self.wall.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let run = |request| async move {
                match inner.call(request).await {
                    Ok(response) => response.into_response(),
                    Err(never) => match never {},
                }
            };
            Ok(wall.serve(parts, body, run).await)
        })
    }
}

impl Paywall {
    async fn serve<H, R>(self, parts: Parts, body: Body, handler: H) -> Response
    where
        H: FnOnce(Request) -> R + Send + 'static,
        R: Future<Output = Response> + Send + 'static,
    {
        let listing = match (self.listings)(parts.clone()).await {
            Ok(listing) if listing.prices.is_empty() => return handler(Request::from_parts(parts, body)).await,
            Ok(listing) => listing,
            Err(response) => return response,
        };
        if parts.method == Method::OPTIONS {
            // Nobody pays for a question about the possible, and a handler for any method must not answer it.
            return StatusCode::NO_CONTENT.into_response();
        }
        self.seller.watch();
        let desk = Counter { wall: self, parts, listing };
        match desk.take().await {
            Ok((payment, held)) => {
                // The work and the settlement go on when the buyer hangs up, so that the answer can be had later.
                let work = desk.work(payment, held, body, handler).instrument(tracing::Span::current());
                match tokio::spawn(work).await {
                    Ok(response) => response,
                    Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                    Err(_) => reply::unavailable("the shop closes"),
                }
            }
            Err(response) => response,
        }
    }
}

/// A request that costs something.
struct Counter {
    wall: Paywall,
    parts: Parts,
    listing: Listing,
}

impl Counter {
    fn seller(&self) -> &Seller {
        &self.wall.seller
    }

    /// The payment of this request, for this request alone; or the answer when there is nothing to work on.
    async fn take(&self) -> Result<(Payment, Box<Held>), Response> {
        let payment = match presented(&self.parts.headers) {
            Ok(Some(payment)) => payment,
            Ok(None) => return Err(self.ask(ASKED, None).await),
            Err(error) => return Err(self.unreadable(&error).await),
        };
        let id = match identifier::of(&payment) {
            Ok(id) => id,
            Err(error) => return Err(self.unreadable(&error).await),
        };
        if id.is_none() && self.wall.id_required {
            let message = "this resource takes payments with an id in the extension payment-identifier only";
            return Err(reply::problem(StatusCode::BAD_REQUEST, "payment_identifier_required", message));
        }
        let mut asked = false;
        loop {
            let deal = match self.seller().recognise(&self.parts, &self.listing, &payment) {
                Ok(deal) => deal,
                // A shop that starts anew has asked for no fee yet.
                Err(No { reason: "fee_amount_mismatch", .. }) if !asked => {
                    asked = true;
                    self.seller().ask_fees(&self.listing).await;
                    continue;
                }
                Err(No { reason, early: None }) => return Err(self.ask(reason, None).await),
                Err(No { reason, early: Some(seconds) }) => {
                    return Err(reply::later(self.ask(reason, None).await, seconds));
                }
            };
            let now = self.seller().now();
            match self.seller().book().take(&deal, resource(&self.parts), id.clone(), now) {
                Found::Held(_) if self.parts.method == Method::HEAD => {
                    return Err(self.ask("a HEAD request takes no payment, pay with GET", None).await);
                }
                Found::Held(held) => return Ok((payment, held)),
                // An error means that the other one is done.
                Found::Busy(mut other) => while other.changed().await.is_ok() {},
                Found::Answered(answer, settlement) => {
                    return Err(with_settlement(answer.response(), &settlement, payment.version));
                }
                Found::Used(settlement) => {
                    let response = self.ask("payment_already_used", None).await;
                    return Err(match settlement {
                        Some(settlement) => with_settlement(response, &settlement, payment.version),
                        None => response,
                    });
                }
                Found::Reversed(settlement) => {
                    // Its nonce may still be settled: whoever pays that again pays once.
                    let response = self.ask(REVERSED, deal.meta.clone()).await;
                    return Err(with_settlement(response, &settlement, payment.version));
                }
                Found::OtherId => {
                    let message = "the payment's identifier belongs to another payment";
                    return Err(reply::problem(StatusCode::CONFLICT, "payment_identifier_conflict", message));
                }
                Found::Full => return Err(reply::unavailable("too many payments are in progress")),
            }
        }
    }

    /// Verifies, lets the handler work and settles.
    async fn work<H, R>(self, payment: Payment, mut held: Box<Held>, body: Body, handler: H) -> Response
    where
        H: FnOnce(Request) -> R,
        R: Future<Output = Response>,
    {
        let deal = held.deal.clone();
        // An earlier settlement would make its trial run say that the nonce is used.
        if held.is_fresh() {
            match self.seller().facilitator().verify(&deal.payment, &deal.requirements).await {
                Ok(verdict) if verdict.is_valid => {}
                Ok(verdict) => {
                    let reason = verdict.invalid_reason.unwrap_or_else(|| "invalid_payment".to_owned());
                    return if is_early(&reason) {
                        self.ask_later(&reason, &deal).await
                    } else {
                        self.ask(&reason, None).await
                    };
                }
                Err(FacilitatorError::Busy { retry_after, .. }) => {
                    return not_settled(&deal, retry_after, payment.version);
                }
                Err(error) => return reply::facilitator_failed(&error),
            }
        }
        let mut settlement = held.settlement();
        let when = self.wall.settle_for(&deal.price);
        if settlement.is_none() && when != Settle::After {
            match self.settle(&payment, &mut held, when).await {
                Ok(settled) => {
                    held.owed(settled.clone(), self.seller().now()).await;
                    self.seller().watch();
                    settlement = Some(settled);
                }
                Err(response) => return response,
            }
        }
        let response = match held.kept() {
            Some(answer) => answer.response(),
            None => {
                let mut parts = self.parts.clone();
                parts.extensions.insert(Paid {
                    payer: deal.payer,
                    price: deal.price.clone(),
                    id: identifier::of(&payment).ok().flatten(),
                    settlement: settlement.clone(),
                });
                let mut response = handler(Request::from_parts(parts, body)).await;
                if !failed(&response) {
                    response = held.keep(response, self.seller().now()).await.unwrap_or_else(|_broken| {
                        let message = "the answer broke off while it was made";
                        reply::problem(StatusCode::INTERNAL_SERVER_ERROR, "broken_answer", message)
                    });
                }
                if failed(&response) {
                    // Nothing was delivered: the payment can be used again, and is only settled if it was before.
                    return match settlement {
                        Some(settlement) => with_settlement(response, &settlement, payment.version),
                        None => response,
                    };
                }
                response
            }
        };
        let settlement = match settlement {
            Some(settlement) => settlement,
            None => match self.settle(&payment, &mut held, when).await {
                Ok(settlement) => settlement,
                Err(response) => return response,
            },
        };
        held.delivered(settlement.clone(), self.parts.method.is_safe(), self.seller().now()).await;
        self.seller().watch();
        with_settlement(response, &settlement, payment.version)
    }

    /// The settlement that succeeded, or the answer that says how it failed.
    async fn settle(&self, payment: &Payment, held: &mut Held, when: Settle) -> Result<Settlement, Response> {
        let deal = held.deal.clone();
        let key = match held.open(self.seller().now()).await {
            Ok(key) => key,
            Err(error) => {
                tracing::error!(%error, "a payment can't be written down, so it is not settled");
                held.forget();
                return Err(reply::unavailable("the shop can't write down what it sells"));
            }
        };
        let settled = match when {
            Settle::Final => self.seller().settle_finally(&deal, &key).await,
            _ => self.seller().facilitator().settle(&deal.payment, &deal.requirements, &key).await,
        };
        if let Err(FacilitatorError::Busy { retry_after, .. }) = settled {
            tracing::warn!("the facilitator is busy and settled nothing");
            held.failed().await;
            return Err(not_settled(&deal, retry_after, payment.version));
        }
        let settlement = settled.unwrap_or_else(|error| {
            tracing::warn!(%error, "nobody knows whether a payment was settled");
            Settlement::failed(&deal.requirements.network, "").unknown()
        });
        if settlement.success {
            return Ok(settlement);
        }
        // A server that failed may name neither.
        let network = settlement.network.or_else(|| Some(deal.requirements.network.clone()));
        let settlement = Settlement { payer: settlement.payer.or(Some(deal.payer)), network, ..settlement };
        let reason = settlement.error_reason.clone().unwrap_or_else(|| "settlement_failed".to_owned());
        let response = if is_early(&reason) {
            // Nothing was sent. The answer waits for the time of the payment.
            self.ask_later(&reason, &deal).await
        } else if settlement.is_pending() || may_settle(&settlement) {
            // An open settlement is asked for again with the very same nonce: whoever pays that again pays once.
            let response = self.ask(&reason, deal.meta.clone()).await;
            if when == Settle::Final { reply::later(response, ASK_AGAIN_SECS) } else { response }
        } else {
            held.failed().await;
            self.ask(&reason, None).await
        };
        Err(with_settlement(response, &settlement, payment.version))
    }

    /// 402 with the same offer again: the same payment is good in a while.
    async fn ask_later(&self, reason: &str, deal: &Deal) -> Response {
        let response = self.ask(reason, deal.meta.clone()).await;
        // The newest block may be a few seconds old.
        let seconds = deal.valid_after.saturating_sub(self.seller().now()).saturating_add(BLOCK_SECS);
        reply::later(response, seconds)
    }

    /// 400 that names what is wrong, with the offer in the header where it can be made.
    async fn unreadable(&self, error: &Malformed) -> Response {
        let response = reply::malformed(error);
        match self.offer(None).await {
            Ok(mut offer) => {
                offer.error = Some(reply::MALFORMED.to_owned());
                reply::with_offer(response, &offer.header_value())
            }
            Err(error) => {
                tracing::debug!(%error, "nothing can be offered");
                response
            }
        }
    }

    /// Nothing is offered that the facilitator can't settle as the seller wants it.
    async fn offer(&self, meta: Option<Meta>) -> Result<PaymentRequired, NoOffer> {
        let seller = self.seller();
        if self.listing.prices.iter().any(|price| self.wall.settle_for(price) == Settle::Final) {
            let known = seller.listed().knows_final(seller.facilitator(), seller.now()).await;
            if !known.map_err(NoOffer::Facilitator)? {
                return Err(NoOffer::NotFinal);
            }
        }
        seller.offer(&self.parts, &self.listing, meta, self.wall.id_required).await
    }

    /// 402, with the offer in the header, and as JSON or as a page in the body.
    async fn ask(&self, reason: &str, meta: Option<Meta>) -> Response {
        let mut offer = match self.offer(meta).await {
            Ok(offer) => offer,
            Err(NoOffer::Facilitator(error)) => return reply::facilitator_failed(&error),
            Err(error) => {
                tracing::error!(%error, "nothing can be offered");
                return reply::unavailable("payments can't be taken here now");
            }
        };
        offer.error = Some(reason.to_owned());
        if reply::wants_page(&self.parts.headers) {
            return page::answer(&offer, (reason != ASKED).then_some(reason));
        }
        reply::payment_required(&offer.header_value(), "application/json", self.seller().body(&offer))
    }
}

/// Reversed by a fork, and its permission lives.
/// 503 with the facilitator's word that nothing was settled.
fn not_settled(deal: &Deal, retry_after: Option<u64>, version: Version) -> Response {
    let word = Settlement::failed(&deal.requirements.network, BUSY);
    with_settlement(reply::busy(retry_after), &Settlement { payer: Some(deal.payer), ..word }, version)
}

fn may_settle(settlement: &Settlement) -> bool {
    settlement.error_reason.as_deref() == Some(REVERSED) && settlement.extra.get(MAY_SETTLE_UNTIL).is_some()
}

/// Whether a settlement that comes later may succeed: the published reasons of every scheme for a window that is not
/// open yet.
fn is_early(reason: &str) -> bool {
    reason.ends_with("not_yet_valid") || reason.ends_with("valid_after")
}

fn failed(response: &Response) -> bool {
    response.status().is_client_error() || response.status().is_server_error()
}

/// The one payment of a request, under its current or its older header.
fn presented(headers: &HeaderMap) -> Result<Option<Payment>, Malformed> {
    let mut found = None;
    for name in [header::PAYMENT_SIGNATURE, header::X_PAYMENT] {
        let unreadable = |_| Malformed::new(name, "bytes that are no text", "base64");
        let values: Vec<&str> =
            headers.get_all(name).iter().map(|v| v.to_str().map_err(unreadable)).collect::<Result<_, _>>()?;
        if let Some(value) = header::single(name, values)? {
            if found.is_some() {
                return Err(Malformed::new(name, "a second payment", "one payment"));
            }
            found = Some(Payment::read(value)?);
        }
    }
    Ok(found)
}
