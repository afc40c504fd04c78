//! What a seller asks for: prices, and the listing that a 402 shows. Plain values; the fee, the nonce and the window
//! are added when an offer is made.

use serde_json::{Map, Value};
use tron::{Address, Amount, Network};
use x402::NetworkForm;

/// The scheme by which a price is paid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// `exact_permit`: the PaymentPermit contract, for every token, with a fee for the facilitator. The buyer needs an
    /// allowance to it.
    #[default]
    ExactPermit,
    /// `exact` by the token's own `transferWithAuthorization`: only for tokens that have it, which the well-known
    /// ones on TRON do not. The buyer needs no allowance.
    Eip3009 {
        /// The token's own domain (`extra.name`, `extra.version`), as its contract states it.
        name: String,
        version: String,
    },
    /// `exact` by Permit2, for every token. The buyer needs an allowance to Permit2.
    Permit2,
}

/// One way to pay.
#[derive(Clone, Debug, PartialEq)]
pub struct Price {
    pub network: Network,
    pub token: Address,
    /// In the token's smallest unit, without the facilitator's fee.
    pub amount: Amount,
    pub pay_to: Address,
    pub way: Way,
    /// How the network is written, in a row for every form; readers differ. Empty: as most readers of the scheme
    /// know it.
    pub forms: Vec<NetworkForm>,
    /// Further members of the option's `extra`.
    pub extra: Map<String, Value>,
}

impl Price {
    /// By `exact_permit`.
    pub fn new(network: Network, token: Address, amount: Amount, pay_to: Address) -> Self {
        Self { network, token, amount, pay_to, way: Way::ExactPermit, forms: Vec::new(), extra: Map::new() }
    }

    /// By `exact` with the token's own authorization, under the token's own domain.
    #[must_use]
    pub fn by_eip3009(mut self, name: &str, version: &str) -> Self {
        self.way = Way::Eip3009 { name: name.to_owned(), version: version.to_owned() };
        self
    }

    /// By `exact` with Permit2.
    #[must_use]
    pub fn by_permit2(mut self) -> Self {
        self.way = Way::Permit2;
        self
    }

    /// Offers the price with the network in this form; each further call offers it in one more.
    #[must_use]
    pub fn form(mut self, form: NetworkForm) -> Self {
        if !self.forms.contains(&form) {
            self.forms.push(form);
        }
        self
    }

    /// Adds a member to the option's `extra`, such as the token's `name` and `decimals`.
    #[must_use]
    pub fn extra(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(name.to_owned(), value.into());
        self
    }

    pub(crate) fn forms(&self) -> Vec<NetworkForm> {
        if self.forms.is_empty() { vec![NetworkForm::for_scheme(self.scheme())] } else { self.forms.clone() }
    }

    fn scheme(&self) -> &'static str {
        match self.way {
            Way::ExactPermit => "exact_permit",
            Way::Eip3009 { .. } | Way::Permit2 => "exact",
        }
    }

    /// The `extra` that the way needs, and the seller's own.
    fn extra_members(&self) -> Map<String, Value> {
        let mut extra = self.extra.clone();
        let own: &[(&str, &str)] = match &self.way {
            Way::ExactPermit => &[],
            Way::Eip3009 { name, version } => {
                &[("name", name), ("version", version), ("assetTransferMethod", "eip3009")]
            }
            Way::Permit2 => &[("assetTransferMethod", "permit2")],
        };
        extra.extend(own.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))));
        extra
    }

    /// As the wire says it, with its fee or before it is known.
    pub(crate) fn wire(
        &self,
        form: NetworkForm,
        fee: Option<&crate::quotes::Charge>,
        max_timeout_seconds: u64,
    ) -> x402::Price {
        x402::Price {
            scheme: self.scheme().to_owned(),
            network: self.network,
            form,
            token: self.token,
            amount: self.amount,
            pay_to: self.pay_to,
            max_timeout_seconds,
            fee: fee.map(|charge| charge.fee),
            facilitator_id: fee.and_then(|charge| charge.facilitator_id.clone()),
            extra: self.extra_members(),
        }
    }
}

/// What is sold at a route, and the ways to pay for it. Without any price it is free.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listing {
    pub description: Option<String>,
    pub mime_type: Option<String>,
    /// Alternatives: the buyer takes one. At most 16, every form of a network counted.
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
