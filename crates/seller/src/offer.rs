//! Makes offers, and knows them again without having stored them: the payment id of an offer is a code that only
//! this shop can make. Refuses to offer what the facilitator does not settle.

use crate::{FacilitatorError, Listing, Seller, Way, identifier};
use axum::http::{Method, Uri, header::HOST, request::Parts};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use tron::Amount;
use x402::{NetworkForm, PaymentRequired, exact_permit::Meta, limits};

/// Blocks are a few seconds behind: a window begins a little earlier than now.
const EARLIER_SECS: u64 = 60;

/// Why nothing can be offered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoOffer {
    #[error(transparent)]
    Facilitator(FacilitatorError),
    #[error("the facilitator settles none of the prices")]
    NotSettled,
    #[error(
        "the facilitator can't wait until a settlement is final (no `finality` among the extensions of its /supported): \
         use one that can, or deliver when it is seen"
    )]
    NotFinal,
    #[error("the operating system gave no random numbers")]
    Random,
    #[error("the offer takes {bytes} bytes of header, and buyers read {limit}", limit = limits::HEADER_BYTES)]
    TooLarge { bytes: usize },
}

impl Seller {
    /// A fresh offer of this listing for this request, or, with `meta`, the same one again. Prices that the
    /// facilitator does not settle are left out; it is an error when none is left.
    pub(crate) async fn offer(
        &self,
        parts: &Parts,
        listing: &Listing,
        meta: Option<Meta>,
        id_required: bool,
    ) -> Result<PaymentRequired, NoOffer> {
        let now = self.now();
        let mut offer = PaymentRequired::new(&self.resource_url(parts));
        offer.description.clone_from(&listing.description);
        offer.mime_type.clone_from(&listing.mime_type);
        let mut dictated = false;
        for price in &listing.prices {
            let forms = self.listed().forms(self.facilitator(), price, now).await.map_err(NoOffer::Facilitator)?;
            let Some(&form) = forms.first() else { continue };
            let charge = match price.way {
                Way::ExactPermit => {
                    let charge = self.quotes().charge(self.facilitator(), price, form, self.lifetime_secs(), now).await;
                    let Some(charge) = charge.map_err(NoOffer::Facilitator)? else { continue };
                    Some(charge)
                }
                // The message of `exact` has no place for a fee.
                Way::Eip3009 { .. } | Way::Permit2 => None,
            };
            let wire = |form: &NetworkForm| price.wire(*form, charge.as_ref(), self.lifetime_secs());
            offer.prices.extend(forms.iter().map(wire));
            dictated |= price.way == Way::ExactPermit;
        }
        offer.prices.truncate(limits::ACCEPTS);
        if offer.prices.is_empty() {
            return Err(NoOffer::NotSettled);
        }
        offer.permit = match meta {
            Some(meta) => Some(meta),
            None if dictated => Some(self.fresh_meta(parts, now)?),
            None => None,
        };
        offer.extensions.insert(x402::identifier::EXTENSION.to_owned(), identifier::advertised(id_required));
        let bytes = offer.header_value().len();
        if bytes > limits::HEADER_BYTES { Err(NoOffer::TooLarge { bytes }) } else { Ok(offer) }
    }

    /// So that fees which the facilitator charges today are known when they come back in a payment.
    pub(crate) async fn ask_fees(&self, listing: &Listing) {
        let now = self.now();
        for price in listing.prices.iter().filter(|price| price.way == Way::ExactPermit) {
            let asked = async {
                let forms = self.listed().forms(self.facilitator(), price, now).await?;
                let Some(&form) = forms.first() else { return Ok(None) };
                self.quotes().charge(self.facilitator(), price, form, self.lifetime_secs(), now).await
            };
            if let Err(error) = asked.await {
                tracing::warn!(%error, "the facilitator could not be asked for its fee");
            }
        }
    }

    fn fresh_meta(&self, parts: &Parts, now: u64) -> Result<Meta, NoOffer> {
        let mut nonce = [0; 32];
        getrandom::fill(&mut nonce).map_err(|_| NoOffer::Random)?;
        let nonce = Amount::from_be_bytes(nonce).u256();
        let (valid_after, valid_before) = (now.saturating_sub(EARLIER_SECS), now.saturating_add(self.lifetime_secs()));
        let mut meta = Meta::payment_only([0; 16], nonce, valid_after, valid_before);
        let mac = self.mac(parts, &meta).finalize().into_bytes();
        meta.payment_id.copy_from_slice(&mac[..16]);
        Ok(meta)
    }

    /// Whether nonce, window and payment id were offered here for this request.
    pub(crate) fn offered(&self, parts: &Parts, meta: &Meta) -> bool {
        self.mac(parts, meta).verify_truncated_left(&meta.payment_id).is_ok()
    }

    /// HMAC-SHA256 over what the offer is for. Its first 16 bytes are the payment id: only this shop makes it, and it
    /// fits this request, nonce and window alone.
    fn mac(&self, parts: &Parts, meta: &Meta) -> Hmac<Sha256> {
        // HMAC fills a key up to its block with zeros anyway; a whole block can't have a wrong length.
        let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
        block[..32].copy_from_slice(self.secret_bytes());
        let mut mac = <Hmac<Sha256> as hmac::digest::KeyInit>::new(&block);
        for part in [b"countersign offer 1".as_slice(), method(parts).as_bytes(), path(parts).as_bytes()] {
            mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(part);
        }
        mac.update(&meta.nonce.to_be_bytes::<32>());
        mac.update(&meta.valid_after.to_be_bytes());
        mac.update(&meta.valid_before.to_be_bytes());
        mac
    }

    fn resource_url(&self, parts: &Parts) -> String {
        let path = path(parts);
        let host = || parts.headers.get(HOST).and_then(|h| h.to_str().ok()).unwrap_or("localhost");
        match self.base_url() {
            Some(base) => format!("{base}{path}"),
            None => format!("http://{}{path}", host()),
        }
    }
}

/// What a payment buys: a hash of method, path and query.
pub(crate) fn resource(parts: &Parts) -> [u8; 32] {
    Sha256::new().chain_update(method(parts)).chain_update([0]).chain_update(path(parts)).finalize().into()
}

/// An offer made for HEAD is one for GET.
fn method(parts: &Parts) -> &str {
    if parts.method == Method::HEAD { Method::GET.as_str() } else { parts.method.as_str() }
}

fn path(parts: &Parts) -> &str {
    original_uri(parts).path_and_query().map_or("/", |p| p.as_str())
}

/// As the buyer asked: inside a nested router axum shortens the URI.
fn original_uri(parts: &Parts) -> &Uri {
    parts.extensions.get::<axum::extract::OriginalUri>().map_or(&parts.uri, |original| &original.0)
}
