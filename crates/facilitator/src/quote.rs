//! What is settled and for how much: `/supported` and `/fee/quote`. Refuses nothing aloud: what can't be settled is
//! not listed, and what can't be quoted is left out.

use crate::{Facilitator, store::Price};
use serde_json::json;
use std::collections::BTreeMap;
use tron::{Address, Amount, Network};
use x402::{
    Fee, Requirements, Terms, Version,
    facilitator::{Quote, Supported, SupportedKind},
};

impl Facilitator {
    /// `GET /supported`: every network in the three forms that its readers compare as text, today's first, for version
    /// 2, and in the older name for version 1. The tokens of a scheme stand in `extra.assets`: no other is settled.
    pub fn supported(&self) -> Supported {
        let mut kinds: BTreeMap<(Network, &str), Vec<String>> = BTreeMap::new();
        for token in &self.config().tokens {
            let schemes: &[&str] = if token.exact { &["exact", "exact_permit"] } else { &["exact_permit"] };
            for scheme in schemes {
                kinds.entry((token.network, scheme)).or_default().push(token.token.to_string());
            }
        }
        let kinds = kinds.iter().flat_map(|((network, scheme), assets)| {
            [
                (Version::V2, network.canonical()),
                (Version::V2, network.hexadecimal()),
                (Version::V2, network.named()),
                (Version::V1, network.named()),
            ]
            .map(|(version, network)| SupportedKind {
                version,
                scheme: (*scheme).to_owned(),
                network: network.to_owned(),
                extra: json!({ "assets": assets }),
            })
        });
        let signers = self.signers().addresses().iter().map(Address::to_string).collect();
        Supported {
            kinds: kinds.collect(),
            extensions: vec![x402::facilitator::FINALITY.to_owned()],
            signers: BTreeMap::from([("tron:*".to_owned(), signers)]),
        }
    }

    /// `POST /fee/quote`: the fee for each option that would be settled here, in the options' order. A quote is good
    /// for the amount that was asked about, and until it expires, whatever the settings say later. The accounts take
    /// turns at being its caller.
    pub fn quote(&self, accepts: &[Requirements]) -> Vec<Quote> {
        accepts.iter().filter_map(|option| self.quote_one(option)).collect()
    }

    fn quote_one(&self, option: &Requirements) -> Option<Quote> {
        let terms = option.terms.as_ref().ok()?;
        let price = self.config().token(terms.network(), terms.token())?;
        if !self.config().payees.serve(terms.payee()) {
            return None;
        }
        let by_permit = match terms {
            Terms::ExactPermit(_) => true,
            // Without a payload beside it, the older name `exact` reads as the token's own authorization.
            Terms::ExactEip3009(_) => option.extra.get("assetTransferMethod").is_none(),
            _ => false,
        };
        if !by_permit {
            return None;
        }
        let lifetime = self.config().quote_lifetime.as_secs();
        let amount = price.fee.fee_for(terms.price());
        if amount.is_zero() && terms.price() < price.free_from {
            return None;
        }
        Some(Quote {
            fee: Fee { to: self.fee_to(), amount, caller: self.pick(terms.network()) },
            facilitator_id: self.config().facilitator_id.clone(),
            pricing: price.fee.pricing().to_owned(),
            scheme: option.scheme.clone(),
            network: option.network.clone(),
            asset: terms.token(),
            expires_at: Some(self.time_at_hand(terms.network()).saturating_add(lifetime)),
        })
    }

    /// Whether a fee is one that was quoted, today or before a change of the settings, or more than that.
    pub(crate) fn fee_is_due(&self, network: Network, token: Address, amount: Amount, fee: Option<Fee>) -> FeeCheck {
        let paid = fee.map_or(Amount::ZERO, |fee| fee.amount);
        let now = self.time_at_hand(network);
        let binds = |price: &&Price| {
            price.network == network && price.token == token && price.until.is_none_or(|until| now < until)
        };
        let mut enough =
            self.prices().iter().filter(binds).filter(|price| paid >= price.rule.fee_for(amount)).peekable();
        match fee.filter(|fee| !fee.amount.is_zero()) {
            _ if enough.peek().is_none() => FeeCheck::TooLow,
            Some(fee) if !enough.any(|price| price.fee_to == fee.to) => FeeCheck::ToSomebodyElse,
            _ => FeeCheck::Due,
        }
    }
}

/// What is to be said about the fee of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FeeCheck {
    Due,
    TooLow,
    ToSomebodyElse,
}
