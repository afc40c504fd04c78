//! A paywall for axum: x402 payments on TRON by `exact_permit`, settled through a facilitator before the answer is
//! released.
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use seller::{Listing, Paywall, Price, Seller};
//! use tron::{Address, Amount, Network};
//!
//! # fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let usdt = Address::parse("TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf")?;
//! let pay_to = Address::parse("TMVQGm1qAQYVdetCeGRRkTWYYrLXuHK2HC")?;
//! let price = Price::new(Network::Nile, usdt, Amount::parse_units("0.05", 6)?, pay_to);
//!
//! let seller = Seller::new("http://127.0.0.1:4021")?.public_url("https://shop.example");
//! let article = Paywall::new(seller, Listing::new("An article").mime_type("text/plain").price(price));
//! let app: Router = Router::new().route("/article", get(|| async { "Worth reading." }).layer(article));
//! # let _ = app;
//! # Ok(())
//! # }
//! ```
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
//! Router::new().route("/pages", pages.layer(Paywall::computed(seller, by_length)))
//! # }
//! ```
//!
//! # What happens to a request
//!
//! 1. Without payment it is answered 402, the offer in the `PAYMENT-REQUIRED` header and as JSON body.
//! 2. With a payment (`PAYMENT-SIGNATURE`, or `X-PAYMENT` from buyers of version 1) it is recognised, then verified
//!    by the facilitator. What can't be read is 400; what is not accepted is 402 with the reason and a fresh offer.
//! 3. The handler runs. If it fails (4xx, 5xx) its answer goes out and nothing is settled.
//! 4. The payment is settled, and the answer is released with `PAYMENT-RESPONSE`. A settlement that failed is 402
//!    with `PAYMENT-RESPONSE` and the reason, and the handler's answer is dropped. One whose outcome is not known
//!    (`settlement_pending`) offers the very same nonce again: sending the same payment again looks it up, and
//!    signing the offer again can't pay twice.
//!
//! # What is trusted, and what is remembered
//!
//! Nothing the buyer says about the price is believed, `accepted` is not even looked at. For the paid request the
//! listing is computed again, and the signed permit itself has to pay one of its prices: network, token, amount and
//! payee. The fee has to be one that the facilitator quoted us for that price while an offer with it can be alive.
//!
//! Offers are not stored. Every 402 has a random nonce and a window, and its `paymentId` is an HMAC-SHA256, cut to
//! 128 bit, over method, path and query, nonce and window under the seller's secret. A permit with another nonce,
//! another window or for another resource does not carry a `paymentId` that fits, and is refused before anybody is
//! asked. So a 402 costs no memory, and instances that share the secret honour each other's offers.
//!
//! Remembered is only which payments have bought something, until their window is over (at most 100,000; then 503):
//! a payment buys one answer. Several instances without a shared front that sends a buyer's retry to the same one
//! would each deliver once for the same payment.

mod client;
mod paywall;
mod price;
mod quotes;
#[allow(clippy::module_inception, reason = "the room's main word")]
mod seller;
mod used;

pub use client::{FacilitatorClient, FacilitatorError};
pub use paywall::{Paid, Paywall, PaywallService};
pub use price::{Listing, Price};
pub use seller::{Seller, SellerError};
pub use x402::NetworkForm;
