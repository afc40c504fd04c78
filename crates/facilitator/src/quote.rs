//! What is settled and for how much: `/supported` and `/fee/quote`. Refuses nothing aloud: what can't be settled is
//! not listed, and what can't be quoted is left out.

use crate::Facilitator;
use std::collections::BTreeMap;
use tron::Network;
use x402::{
    Fee, Requirements, Terms, Version,
    facilitator::{Quote, Supported, SupportedKind},
};

const SCHEME: &str = "exact_permit";

impl Facilitator {
    /// `GET /supported`: every network in the three forms that its readers compare as text, for version 2, and in
    /// the older name for version 1.
    pub fn supported(&self) -> Supported {
        let mut networks: Vec<Network> = self.config().tokens.iter().map(|t| t.network).collect();
        networks.sort_unstable();
        networks.dedup();
        let kinds = networks.iter().flat_map(|network| {
            [
                (Version::V2, network.named()),
                (Version::V2, network.canonical()),
                (Version::V2, network.hexadecimal()),
                (Version::V1, network.named()),
            ]
        });
        let kinds = kinds.map(|(version, network)| SupportedKind {
            version,
            scheme: SCHEME.to_owned(),
            network: network.to_owned(),
            extra: serde_json::Value::Null,
        });
        Supported {
            kinds: kinds.collect(),
            extensions: Vec::new(),
            signers: BTreeMap::from([("tron:*".to_owned(), vec![self.address().to_string()])]),
        }
    }

    /// `POST /fee/quote`: the fee for each option that would be settled here, in the options' order. The fee is flat
    /// per token and may be waived for small amounts, so a quote is good for the amount that was asked about.
    pub fn quote(&self, accepts: &[Requirements]) -> Vec<Quote> {
        accepts.iter().filter_map(|option| self.quote_one(option)).collect()
    }

    fn quote_one(&self, option: &Requirements) -> Option<Quote> {
        let terms = option.terms.as_ref().ok()?;
        // Without a payload beside it, the older name `exact` reads as the token's own authorization.
        let by_older_name =
            matches!(terms, Terms::ExactEip3009(_)) && option.extra.get("assetTransferMethod").is_none();
        if !matches!(terms, Terms::ExactPermit(_)) && !by_older_name {
            return None;
        }
        let price = self.config().token(terms.network(), terms.token())?;
        let lifetime = self.config().quote_lifetime.as_secs();
        Some(Quote {
            fee: Fee { to: self.fee_to(), amount: price.fee_for(terms.price()), caller: Some(self.address()) },
            facilitator_id: self.config().facilitator_id.clone(),
            pricing: "flat".to_owned(),
            scheme: option.scheme.clone(),
            network: option.network.clone(),
            asset: terms.token(),
            expires_at: Some(self.config().clock.now().saturating_add(lifetime)),
        })
    }
}
