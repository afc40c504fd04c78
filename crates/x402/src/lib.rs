//! x402 on TRON as values: messages, headers and every scheme, each as a pure module. No I/O, no clock,
//! no key; refuses what is ambiguous where money is decided and keeps what it does not know.
//!
//! ```
//! # fn pay(header: &str, key: &tron::PrivateKey) -> Result<(), Box<dyn std::error::Error>> {
//! let offer = x402::Offer::read(header)?;
//! for option in &offer.options {
//!     let terms = match &option.terms {
//!         Ok(terms) => terms,
//!         Err(unusable) => continue, // says why; the other options stay usable
//!     };
//!     // Some schemes leave nonce and window to the payer: `terms.with(fresh)`.
//!     let authorization = terms.authorize(key.address())?;
//!     let payment = authorization.payment(&offer, option, &key.sign(&authorization.digest));
//!     println!("{}: {}", payment.header_name(), payment.header_value());
//! }
//! # Ok(())
//! # }
//! ```

pub mod answer;
mod authorization;
pub mod encoding;
mod envelope;
pub mod extensions;
pub mod facilitator;
pub mod header;
pub mod identifier;
mod json;
pub mod limits;
mod malformed;
mod offer;
mod payment;
mod read;
mod required;
mod requirements;
mod same;
pub mod scheme;
mod settlement;
mod signed;

pub use alloy_primitives::U256;
pub use answer::NoOffer;
pub use authorization::Authorization;
pub use envelope::Source;
pub use extensions::Extensions;
pub use identifier::PaymentId;
pub use malformed::{Malformed, shown};
pub use names::is_invisible;
pub use offer::{Offer, Resource, Version};
pub use payment::Payment;
pub use required::{NetworkForm, PaymentRequired, Price};
pub use requirements::Requirements;
pub use same::Difference;
pub use scheme::{
    CannotSign, Common, Explanation, Fee, Fresh, InvalidReason, KnownCall, NonceEvent, NonceSlot, Payload, Refusal,
    Scheme, Terms, Unusable, batch_settlement, decode_call, exact_eip3009, exact_gasfree, exact_permit, exact_permit2,
    legacy_delivery, upto,
};
pub use settlement::{Note, Settlement, means_wrong_signature};
pub use signed::Signed;
