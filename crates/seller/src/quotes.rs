//! What the facilitator charges, asked once and remembered for a time. Refuses a fee that was never quoted to us, and a
//! quote without a caller, which nobody could settle.

use crate::{FacilitatorClient, FacilitatorError, Price};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tron::{Address, Amount, Network};
use x402::{Fee, NetworkForm, Requirements, Terms};

/// A fee as it was quoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Charge {
    pub fee: Fee,
    pub facilitator_id: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    network: Network,
    token: Address,
    amount: Amount,
}

struct Quoted {
    charge: Charge,
    /// Offered until then.
    expires_at: u64,
    /// Accepted as long after it as an offer lives.
    good_until: u64,
}

#[derive(Default)]
pub(crate) struct Quotes {
    fees: Mutex<HashMap<Key, Vec<Quoted>>>,
}

/// Of a quote that names no end.
const DEFAULT_SECS: u64 = 60;
const MOST_PRICES: usize = 1024;

impl Quotes {
    fn quoted(&self) -> MutexGuard<'_, HashMap<Key, Vec<Quoted>>> {
        self.fees.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The fee to offer with this price, asked for with its network in this form; `None` when the facilitator does not settle it.
    pub(crate) async fn charge(
        &self,
        facilitator: &FacilitatorClient,
        price: &Price,
        form: NetworkForm,
        lifetime_secs: u64,
        now: u64,
    ) -> Result<Option<Charge>, FacilitatorError> {
        let key = key(price);
        if let Some(known) = self.quoted().get(&key).and_then(|q| q.iter().rev().find(|q| q.expires_at > now)) {
            return Ok(Some(known.charge.clone()));
        }
        let option = price.wire(form, None, lifetime_secs).requirements();
        let option = option.map_err(|error| FacilitatorError::Answer { call: "fee/quote", error })?;
        let quotes = facilitator.quote(vec![option]).await?;
        let fits = |q: &&x402::facilitator::Quote| {
            q.asset == price.token && Network::parse(&q.network) == Ok(price.network) && q.fee.caller.is_some()
        };
        let Some(quote) = quotes.iter().find(fits) else {
            tracing::warn!(network = price.network.canonical(), token = %price.token, "the facilitator quotes no fee");
            return Ok(None);
        };
        let charge = Charge { fee: quote.fee, facilitator_id: quote.facilitator_id.clone() };
        let expires_at = quote.expires_at.unwrap_or(now.saturating_add(DEFAULT_SECS));
        let mut quoted = self.quoted();
        if quoted.len() >= MOST_PRICES {
            quoted.retain(|_, q| q.iter().any(|q| q.good_until > now));
            if quoted.len() >= MOST_PRICES {
                quoted.clear();
            }
        }
        let of_price = quoted.entry(key).or_default();
        of_price.retain(|q| q.good_until > now && q.charge != charge);
        let good_until = expires_at.saturating_add(lifetime_secs);
        of_price.push(Quoted { charge: charge.clone(), expires_at, good_until });
        Ok(Some(charge))
    }

    /// A fee that was quoted to an earlier process, for a payment that it took.
    pub(crate) fn remember(&self, requirements: &Requirements, until: u64) {
        let Ok(Terms::ExactPermit(terms)) = &requirements.terms else { return };
        let (common, facilitator_id) = (&terms.common, terms.facilitator_id.clone());
        let Some(fee) = terms.fee else { return };
        let key = Key { network: common.network, token: common.token, amount: common.price };
        // It is not offered any more.
        self.quoted().entry(key).or_default().push(Quoted {
            charge: Charge { fee, facilitator_id },
            expires_at: 0,
            good_until: until,
        });
    }

    /// The quote behind a fee that comes back in a payment, if it was quoted for this price and an offer with it
    /// can still be alive.
    pub(crate) fn find(&self, price: &Price, paid: &Fee, now: u64) -> Option<Charge> {
        let quoted = self.quoted();
        let alive = |q: &&Quoted| q.charge.fee == *paid && q.good_until > now;
        quoted.get(&key(price))?.iter().find(alive).map(|q| q.charge.clone())
    }
}

fn key(price: &Price) -> Key {
    Key { network: price.network, token: price.token, amount: price.amount }
}
