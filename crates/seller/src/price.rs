//! What a seller asks for: prices, and the listing that a 402 shows. Plain values; the fee, the nonce and the window
//! are added when an offer is made.

use serde_json::{Map, Value};
use tron::{
    Address, Amount, AmountError, Network,
    token::{self, Standing},
};
use x402::NetworkForm;

/// The scheme by which a price is paid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// `exact` by Permit2, for every token: what today's buyers pay by. The buyer needs an allowance to Permit2.
    #[default]
    Permit2,
    /// `exact` by the token's own `transferWithAuthorization`: only for tokens that have it, which the well-known
    /// ones on TRON do not. The buyer needs no allowance.
    Eip3009 {
        /// The token's own domain (`extra.name`, `extra.version`), as its contract states it.
        name: String,
        version: String,
    },
    /// `exact_permit`: the PaymentPermit contract, for every token, with a fee for the facilitator. The older scheme,
    /// for buyers with packages up to 0.6.1. The buyer needs an allowance to the contract.
    ExactPermit,
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
    /// How the network is written, in a row for every form that the facilitator knows too. Empty: in one form that it
    /// knows, the decimal one before the others.
    pub forms: Vec<NetworkForm>,
    /// Further members of the option's `extra`.
    pub extra: Map<String, Value>,
}

/// Why a text is no price.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    #[error("{found:?} is no price: write the amount and the token, as in \"0.05 USDT\"")]
    Form { found: String },
    #[error("{found:?} is no token known on {}; known there: {known}. Any other is Price::new with its address", network.label())]
    Token { found: String, network: Network, known: String },
    #[error("the amount {found:?} of a price: {error}")]
    Amount { found: String, error: AmountError },
    #[error("a price of nothing: what is free is Listing::free")]
    Nothing,
}

impl Price {
    /// By `exact` with Permit2, `amount` in the token's smallest unit.
    pub fn new(network: Network, token: Address, amount: Amount, pay_to: Address) -> Self {
        Self { network, token, amount, pay_to, way: Way::default(), forms: Vec::new(), extra: Map::new() }
    }

    /// As one text, whole tokens and a symbol of the table of known tokens: `"0.05 USDT"`.
    pub fn parse(text: &str, network: Network, pay_to: Address) -> Result<Self, PriceError> {
        let mut words = text.split_whitespace();
        let (Some(amount), Some(symbol), None) = (words.next(), words.next(), words.next()) else {
            return Err(PriceError::Form { found: x402::shown(text) });
        };
        let known = || token::all().iter().filter(move |t| (t.network, t.standing) == (network, Standing::Current));
        let Some(token) = known().find(|token| token.symbol == symbol) else {
            let known = known().map(|token| token.symbol).collect::<Vec<_>>().join(", ");
            return Err(PriceError::Token { found: x402::shown(symbol), network, known });
        };
        let wrong = |error| PriceError::Amount { found: x402::shown(amount), error };
        let amount = Amount::parse_units(amount, token.decimals).map_err(wrong)?;
        if amount.is_zero() { Err(PriceError::Nothing) } else { Ok(Self::new(network, token.address, amount, pay_to)) }
    }

    /// By `exact_permit`, the older scheme, with the facilitator's fee on top.
    #[must_use]
    pub fn by_exact_permit(mut self) -> Self {
        self.way = Way::ExactPermit;
        self
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

    /// As the wire calls it.
    pub(crate) fn scheme(&self) -> &'static str {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_one_text() {
        let pay_to = Address::from_bytes([4; 20]);
        let read = |text: &str, network| Price::parse(text, network, pay_to);
        let usdt = token::all().iter().find(|t| (t.symbol, t.network) == ("USDT", Network::Nile)).unwrap().address;
        for (text, smallest) in [("0.0001 USDT", 100), (" 12.5\tUSDT ", 12_500_000), ("007 USDT", 7_000_000)] {
            let price = Price::new(Network::Nile, usdt, Amount::from_u64(smallest), pay_to);
            assert_eq!(read(text, Network::Nile), Ok(price), "{text}");
        }
        // The current deployment, with its own decimals.
        let usdd = read("0.000000000000000001 USDD", Network::Mainnet).unwrap();
        assert_eq!(
            (usdd.token.to_string().as_str(), usdd.amount),
            ("TXDk8mbtRbXeYuMNS83CfKPaYYT8XWv9Hz", Amount::from_u64(1))
        );
        assert_eq!(usdd.way, Way::Permit2);
    }

    #[test]
    fn what_is_no_price_is_told_what_is_missing() {
        for (text, expected) in [
            ("", "write the amount and the token"),
            ("0.05", "write the amount and the token"),
            ("0.05USDT", "write the amount and the token"),
            ("0.05 USDT each", "write the amount and the token"),
            ("0.05 USDX", "known there: USDT, USDD"),
            ("0.05 usdt", "known there: USDT, USDD"),
            ("0.05 USDC", "\"USDC\" is no token known on"),
            ("0.0000001 USDT", "the amount \"0.0000001\""),
            ("-1 USDT", "the amount \"-1\""),
            ("1e3 USDT", "the amount \"1e3\""),
            ("1,5 USDT", "the amount \"1,5\""),
            ("0.0 USDT", "Listing::free"),
        ] {
            let error = Price::parse(text, Network::Nile, Address::ZERO).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
