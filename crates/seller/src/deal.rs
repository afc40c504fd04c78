//! Recognises a payment: which of the prices that this request costs it pays, and that it is signed and in time.
//! Nothing that the buyer says in `accepted` about the price is believed.

use crate::{Listing, Price, Seller, Way, book::Key};
use axum::http::request::Parts;
use std::sync::Arc;
use tron::{Address, Network};
use x402::{
    Fee, InvalidReason, NetworkForm, Payload, Payment, Requirements, Signed, exact_permit::Meta, exact_permit2,
};

/// By how much a buyer's clock may be ahead of ours.
const AHEAD_SECS: u64 = 60;
/// Packages up to 0.6.1 sign `exact` for an hour, whatever the offer says.
const AN_HOUR: u64 = 3600;

/// Why a payment is none that this request can be paid with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct No {
    pub reason: &'static str,
    /// In so many seconds it will be one.
    pub early: Option<u64>,
}

impl From<&'static str> for No {
    fn from(reason: &'static str) -> Self {
        Self { reason, early: None }
    }
}

/// A payment that was recognised.
#[derive(Debug)]
pub(crate) struct Deal {
    pub payment: Payment,
    pub requirements: Requirements,
    pub price: Price,
    pub payer: Address,
    pub key: Key,
    /// From when to when it can be settled, in seconds since 1970.
    pub valid_after: u64,
    pub valid_before: u64,
    /// What the offer dictated, where it did.
    pub meta: Option<Meta>,
}

impl Deal {
    pub(crate) fn signature(&self) -> &str {
        self.payment.payload.as_ref().map_or("", Payload::signature)
    }
}

impl Seller {
    /// The deal behind this payment: as it was recognised before, or recognised now.
    pub(crate) fn recognise(&self, parts: &Parts, listing: &Listing, payment: &Payment) -> Result<Arc<Deal>, No> {
        let payload = payment.payload.as_ref().map_err(|_| "invalid_payload")?;
        let network = Network::parse(&payment.network).map_err(|_| "no_matching_requirements")?;
        let keys = keys(listing, network, payload);
        match keys.iter().find_map(|key| self.book().known(key, payload.signature())) {
            Some(deal) => Ok(deal),
            None => self.judge(parts, listing, payment, payload).map(Arc::new),
        }
    }

    fn judge(&self, parts: &Parts, listing: &Listing, payment: &Payment, payload: &Payload) -> Result<Deal, No> {
        let meta = match payload {
            Payload::ExactPermit(payload) => {
                let p = &payload.permit;
                Some(Meta::payment_only(p.payment_id, p.nonce, p.valid_after, p.valid_before))
            }
            _ => None,
        };
        let mut why = "no_matching_requirements";
        for price in listing.prices.iter().filter(|price| asks_for(price, payload)) {
            // The fee has to be one of ours before anything else is looked at.
            match self.signed(price, payment, payload) {
                Ok((requirements, signed)) => {
                    if meta.as_ref().is_some_and(|meta| !self.offered(parts, meta)) {
                        return Err("not_offered_here".into());
                    }
                    let (now, (valid_after, valid_before)) = (self.now(), signed.window);
                    let key = Key {
                        network: signed.network,
                        contract: signed.slot.contract,
                        payer: signed.payer,
                        nonce: signed.slot.nonce,
                    };
                    // What was taken in time before a restart may be settled by now.
                    if !self.book().took_earlier(&key) {
                        let early = valid_after.checked_sub(now).filter(|_| valid_before > now);
                        signed.in_time(now, 0).map_err(|no| No { reason: no.code(), early })?;
                    }
                    // A payment has to be remembered for as long as it lasts.
                    let longest = self.lifetime_secs().max(AN_HOUR) + AHEAD_SECS;
                    if meta.is_none() && valid_before > now.saturating_add(longest) {
                        return Err("window_exceeds_offer".into());
                    }
                    return Ok(Deal {
                        payment: payment.clone(),
                        requirements,
                        price: price.clone(),
                        payer: signed.payer,
                        key,
                        valid_after,
                        valid_before,
                        meta,
                    });
                }
                Err(reason) => why = reason,
            }
        }
        Err(why.into())
    }

    /// What the facilitator will be told, and the payment as it fits that.
    fn signed(
        &self,
        price: &Price,
        payment: &Payment,
        payload: &Payload,
    ) -> Result<(Requirements, Signed), &'static str> {
        let charge = match payload {
            Payload::ExactPermit(payload) => {
                let permit = &payload.permit;
                let paid = Fee { to: permit.fee_to, amount: permit.fee_amount, caller: Some(permit.caller) };
                let charge = self.quotes().find(price, &paid, self.now());
                Some(charge.ok_or("fee_amount_mismatch")?)
            }
            _ => None,
        };
        let accepted = self.listed().accepted(price);
        let form = form(&accepted, price.network, &payment.network).ok_or("no_matching_requirements")?;
        let requirements = price.wire(form, charge.as_ref(), self.lifetime_secs()).requirements();
        let requirements = requirements.map_err(|_| "invalid_payment_requirements")?;
        let signed = Signed::of(payment, &requirements).map_err(InvalidReason::code)?;
        Ok((requirements, signed))
    }
}

/// Whether the payment is an attempt at this price, right or wrong in the rest.
fn asks_for(price: &Price, payload: &Payload) -> bool {
    match (&price.way, payload) {
        (Way::ExactPermit, Payload::ExactPermit(payload)) => {
            let p = &payload.permit;
            (price.network, price.token, price.amount, price.pay_to) == (p.network, p.token, p.amount, p.pay_to)
        }
        // The message does not name its token: only the signature tells.
        (Way::Eip3009 { .. }, Payload::ExactEip3009(p)) => (price.amount, price.pay_to) == (p.value, p.to),
        (Way::Permit2, Payload::ExactPermit2(payload)) => {
            let a = &payload.authorization;
            (price.token, price.amount, price.pay_to) == (a.token, a.amount, a.to)
        }
        _ => false,
    }
}

/// Under which keys the payment can be known.
fn keys(listing: &Listing, network: Network, payload: &Payload) -> Vec<Key> {
    let (contracts, nonce) = match payload {
        Payload::ExactPermit(payload) => (vec![payload.permit.contract()], payload.permit.nonce),
        Payload::ExactEip3009(payload) => {
            let own = listing.prices.iter().filter(|price| matches!(price.way, Way::Eip3009 { .. }));
            (own.map(|price| price.token).collect(), x402::U256::from_be_bytes(payload.nonce))
        }
        Payload::ExactPermit2(payload) => {
            let set = exact_permit2::set_of_spender(network, payload.authorization.spender);
            (set.into_iter().map(|set| set.permit2).collect(), payload.authorization.nonce)
        }
        _ => return Vec::new(),
    };
    let payer = payload.payer();
    contracts.into_iter().map(|contract| Key { network, contract, payer, nonce }).collect()
}

/// The form of the network that the buyer took, of those that are accepted; one may echo another form of the same
/// network.
fn form(accepted: &[NetworkForm], network: Network, written: &str) -> Option<NetworkForm> {
    let taken = accepted.iter().find(|form| form.write(network) == written);
    let same = || accepted.first().filter(|_| Network::parse(written) == Ok(network));
    taken.or_else(same).copied()
}
