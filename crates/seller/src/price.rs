//! What a seller asks for: prices, and the listing that a 402 shows. Plain values; the fee, the nonce and the window
//! are added when an offer is made.

use serde_json::{Map, Value};
use tron::{Address, Amount, Network};
use x402::NetworkForm;

/// One way to pay, by `exact_permit`.
#[derive(Clone, Debug, PartialEq)]
pub struct Price {
    pub network: Network,
    pub token: Address,
    /// In the token's smallest unit, without the facilitator's fee.
    pub amount: Amount,
    pub pay_to: Address,
    /// How the network is written; readers differ.
    pub form: NetworkForm,
    /// Further members of the option's `extra`.
    pub extra: Map<String, Value>,
}

impl Price {
    pub fn new(network: Network, token: Address, amount: Amount, pay_to: Address) -> Self {
        Self { network, token, amount, pay_to, form: NetworkForm::for_scheme("exact_permit"), extra: Map::new() }
    }

    #[must_use]
    pub fn form(mut self, form: NetworkForm) -> Self {
        self.form = form;
        self
    }

    /// Adds a member to the option's `extra`, such as the token's `name` and `decimals`.
    #[must_use]
    pub fn extra(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(name.to_owned(), value.into());
        self
    }

    /// As the wire says it, with its fee or before it is known.
    pub(crate) fn wire(&self, fee: Option<&crate::quotes::Charge>, max_timeout_seconds: u64) -> x402::Price {
        x402::Price {
            scheme: "exact_permit".to_owned(),
            network: self.network,
            form: self.form,
            token: self.token,
            amount: self.amount,
            pay_to: self.pay_to,
            max_timeout_seconds,
            fee: fee.map(|charge| charge.fee),
            facilitator_id: fee.and_then(|charge| charge.facilitator_id.clone()),
            extra: self.extra.clone(),
        }
    }
}

/// What is sold at a route, and the ways to pay for it. Without any price it is free.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listing {
    pub description: Option<String>,
    pub mime_type: Option<String>,
    /// Alternatives: the buyer takes one. At most 16.
    pub prices: Vec<Price>,
}

impl Listing {
    pub fn new(description: impl Into<String>) -> Self {
        Self { description: Some(description.into()), ..Self::default() }
    }

    /// Nothing to pay.
    pub fn free() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn mime_type(mut self, mime_type: impl Into<String>) -> Self {
        self.mime_type = Some(mime_type.into());
        self
    }

    /// One more way to pay.
    #[must_use]
    pub fn price(mut self, price: Price) -> Self {
        self.prices.push(price);
        self
    }
}
