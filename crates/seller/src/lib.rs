//! A paywall for axum: x402 payments on TRON by `exact` and the older `exact_permit`, settled through a facilitator
//! before the answer is released.
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use seller::{Listing, Paywall, Price, Seller};
//! use tron::{Address, Network};
//!
//! # fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let pay_to = Address::parse("TMVQGm1qAQYVdetCeGRRkTWYYrLXuHK2HC")?;
//! let price = Price::parse("0.05 USDT", Network::Nile, pay_to)?;
//!
//! let seller = Seller::new("http://127.0.0.1:4021")?.public_url("https://shop.example")?;
//! let article = Paywall::new(seller, Listing::new("An article").mime_type("text/plain").price(price));
//! let app: Router = Router::new().route("/article", get(|| async { "Worth reading." }).route_layer(article));
//! # let _ = app;
//! # Ok(())
//! # }
//! ```
//!
//! Put it on a route with `route_layer`: then a method that the route does not have is 405, and an address that nobody
//! has 404, as without a price. A `layer`, which a route for `any` method needs, would ask to be paid for them.
//!
//! A price may depend on the request, and several prices may be alternatives:
//!
//! ```no_run
//! use axum::{Extension, Router, http::{StatusCode, request::Parts}, response::IntoResponse, routing::get};
//! use seller::{Listing, Paid, Paywall, Price, Seller};
//! use tron::{Address, Amount, Network};
//!
//! # fn example(seller: Seller, usdt: Address, usdd: Address, pay_to: Address) -> Router {
//! let by_length = move |parts: Parts| async move {
//!     let pages = match parts.uri.query().unwrap_or("pages=1").strip_prefix("pages=").map(str::parse::<u64>) {
//!         Some(Ok(0)) => return Ok(Listing::free()),
//!         Some(Ok(pages)) if pages <= 100 => pages,
//!         _ => return Err((StatusCode::BAD_REQUEST, "pages=0 to pages=100").into_response()),
//!     };
//!     let cents = |unit: u64| Amount::from_u64(unit).saturating_mul(pages);
//!     Ok(Listing::new(format!("{pages} pages"))
//!         .price(Price::new(Network::Nile, usdt, cents(10_000), pay_to))
//!         .price(Price::new(Network::Nile, usdd, cents(10_000_000_000_000_000), pay_to)))
//! };
//! let pages = get(|Extension(paid): Extension<Paid>| async move { format!("thank you, {}", paid.payer) });
//! Router::new().route("/pages", pages.route_layer(Paywall::computed(seller, by_length)))
//! # }
//! ```
//!
//! # Ways to pay
//!
//! A [`Price`] is paid by `exact` through Permit2, which is what today's buyers and facilitators use, by `exact` through
//! the token itself ([`Price::by_eip3009`]), or by `exact_permit` ([`Price::by_exact_permit`]), the older scheme. A listing
//! may offer several; all stand in one `accepts`.
//!
//! The facilitator's `/supported` is asked, and believed for a minute: a scheme, network or token (`extra.assets`) that
//! it does not list is left out, for it would be refused after the buyer has signed. A network is written as the
//! facilitator lists it, the decimal form before the others. [`Price::form`] asks for one form, or for several in a row;
//! those that the facilitator does not list are left out. A facilitator without `/supported` is offered to as you say.
//!
//! ```no_run
//! # use seller::{Listing, NetworkForm, Price};
//! # fn example(usdt: Price, token: Price) -> Listing {
//! Listing::new("An article")
//!     .price(usdt.clone().form(NetworkForm::Canonical).form(NetworkForm::Hexadecimal))
//!     .price(usdt.by_exact_permit())
//!     .price(token.by_eip3009("Authorized Dollar", "1"))
//! # }
//! ```
//!
//! # What happens to a request
//!
//! 1. Without payment it is answered 402, the offer in the `PAYMENT-REQUIRED` header and as JSON body. A browser
//!    (`Accept: text/html`) gets a page that says what it costs and what to do. OPTIONS is 204 and free; HEAD shows the
//!    offer that GET would, and takes no payment. For buyers inside web pages there is [`browser_buyers`].
//! 2. With a payment (`PAYMENT-SIGNATURE`, or `X-PAYMENT` from buyers of version 1) it is recognised, then verified
//!    by the facilitator. What can't be read is 400 `malformed_payment`; what is not accepted is 402 with the reason. Both
//!    come with a fresh offer.
//! 3. The handler runs, and the payment is settled: after it, or before it by [`Paywall::settle`]; [`Settle`] says what
//!    each means when the handler fails or the shop stops in between.
//! 4. The answer is released with `PAYMENT-RESPONSE`. A settlement that failed is 402 with `PAYMENT-RESPONSE` and the
//!    reason, and the handler's answer is dropped. One whose outcome is not known (`settlement_pending`, or a facilitator
//!    that failed in the middle) offers the very same nonce again: sending the same payment again looks it up, and signing
//!    the offer again can't pay twice. One that came before its time (`not_yet_valid`) does too, with `Retry-After`.
//!
//! # Seen, or final
//!
//! A settlement counts as soon as its transaction is in a block: after some three seconds. For about a minute the chain
//! can still drop that block. It does so very seldom; then the facilitator sends the transaction again, and whoever has
//! spent the money elsewhere meanwhile has got the goods for nothing. For small prices that is a risk to take, and the
//! default. For others there is [`Settle::Final`], for everything or from a price on:
//!
//! ```no_run
//! # use seller::{Listing, Paywall, Price, PriceError, Seller, Settle};
//! # use tron::{Address, Network};
//! # fn example(seller: Seller, listing: Listing, pay_to: Address) -> Result<(), PriceError> {
//! let seller = seller.on_reversal(|reversal| eprintln!("nobody paid: {reversal:?}"));
//! let all = Paywall::new(seller.clone(), listing.clone()).settle(Settle::Final);
//! let dear = Paywall::new(seller, listing).final_from(Price::parse("10 USDT", Network::Nile, pay_to)?);
//! # let _ = (all, dear);
//! # Ok(())
//! # }
//! ```
//!
//! What was delivered before it was final is watched until it is: a reversal is logged as an error, told by
//! [`Seller::on_reversal`], and written into the journal. The payment then buys nothing more until it is settled again.
//!
//! # Verdicts
//!
//! A facilitator's verdict counts whatever its status. Without one it is 503, with the facilitator's `Retry-After`. A
//! connection that broke is replaced and the question asked again at once.
//!
//! Work that began goes on when the buyer hangs up.
//!
//! # The same payment again
//!
//! A payment is known by what its contract uses up: network, contract, payer and nonce. It buys one thing, for one
//! method, path and query; the body of the request is not looked at.
//!
//! - While a request works with it, the same payment waits for that request's end.
//! - After it, the same payment gets the same answer from memory: status, headers, body, `PAYMENT-RESPONSE`. How much
//!   is kept and how long is [`Keep`]. The handler does not run and nothing is settled again.
//! - What was not kept (a stream or a body of unknown size, one above the limit, 206 and 304, `Set-Cookie`,
//!   `Cache-Control: no-store`, or what had to make room) is made once more if the method is safe (GET). After that,
//!   and for other methods, it is 402 `payment_already_used` with the settlement. A shop that sells large files had
//!   better sell their address.
//! - For another resource it is `payment_already_used` too.
//!
//! Once a payment is settled, everybody can read it on the chain and present it while its answer is kept. What is on
//! the chain has no `payment-identifier`: a payment that came with an id gets its answer again with that id alone, and
//! [`Paywall::require_identifier`] takes no other. An id with another payment is 409, a payment without one where it is
//! required 400. Shops that want neither keep nothing: `Keep { answers: 0, .. }`, or `Cache-Control: no-store` with the
//! answer.
//!
//! # What is trusted, and what is remembered
//!
//! Nothing the buyer says about the price is believed. For the paid request the listing is computed again, and the
//! signed message itself has to pay one of its prices: network, token, amount and payee. The fee has to be one that
//! the facilitator quoted us for that price while an offer with it can be alive.
//!
//! Offers are not stored. With `exact_permit` every 402 has a random nonce and a window, and its `paymentId` is an
//! HMAC-SHA256, cut to 128 bit, over method, path and query, nonce and window under the seller's secret. A permit with
//! another nonce, another window or for another resource does not carry a `paymentId` that fits, and is refused before
//! anybody is asked. So a 402 costs no memory, and instances that share the secret honour each other's offers. With
//! `exact` the buyer chooses the nonce, and a window of at most an hour (published packages sign that, whatever is asked).
//!
//! Remembered, in memory, is only which payments have bought something, until their window is over and their answer is
//! not kept any more (at most 100,000; then 503). A shop that starts anew has forgotten: it answers an earlier payment
//! with the facilitator's reason, that the nonce is used. With [`Seller::journal`] it remembers: a payment that was taken
//! when the shop was killed gets what it paid for, once. Each settlement is asked for with a random `Idempotency-Key`,
//! which stands in the journal too: our facilitator tells a success to whoever has the key of the first one who asked, so
//! of several instances one delivers. Behind a facilitator that tells everybody, each would.

mod book;
mod client;
mod cors;
mod deal;
mod identifier;
mod journal;
mod listed;
mod offer;
mod page;
mod paywall;
mod price;
mod quotes;
mod reply;
mod reversal;
#[allow(clippy::module_inception, reason = "the room's main word")]
mod seller;
mod shelf;

pub use client::{FacilitatorClient, FacilitatorError};
pub use cors::browser_buyers;
pub use paywall::{Paid, Paywall, PaywallService, Settle};
pub use price::{Listing, Price, PriceError, Way};
pub use reversal::{Reversal, Turn};
pub use seller::{Seller, SellerError};
pub use shelf::Keep;
pub use x402::NetworkForm;
