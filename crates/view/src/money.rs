//! Amounts and addresses as people read them. Text only: never a JSON number.

use serde::{Deserialize, Serialize};
use specta::Type;
use utoipa::ToSchema;

/// An amount with its token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MoneyView {
    /// Decimal string in the token's smallest unit.
    #[schema(example = "260000")]
    pub smallest: String,
    /// Whole units, as shown: "0.26".
    #[schema(example = "0.26")]
    pub display: String,
    #[schema(example = "USDT")]
    pub symbol: String,
    /// False when symbol and decimals are only the contract's own claim.
    pub known: bool,
    /// Money of a test network, which is worth nothing and is never added to the other.
    pub test: bool,
}

/// An address with all 34 characters, in groups for reading; the first and last six are the strong ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AddressView {
    /// Base58Check.
    pub address: String,
    /// First six characters, then groups of four, then the last six: together the whole address.
    pub groups: Vec<String>,
}

impl AddressView {
    pub fn of(address: impl std::fmt::Display) -> Self {
        let address = address.to_string();
        let chars: Vec<char> = address.chars().collect();
        let text = |part: &[char]| part.iter().collect::<String>();
        let groups = match chars.len() {
            13.. => {
                let (head, rest) = chars.split_at(6);
                let (middle, tail) = rest.split_at(rest.len() - 6);
                let mut groups = vec![text(head)];
                groups.extend(middle.chunks(4).map(text));
                groups.push(text(tail));
                groups
            }
            _ => vec![address.clone()],
        };
        Self { address, groups }
    }
}

impl MoneyView {
    pub fn of(amount: tron::Amount, symbol: &str, decimals: u8, known: bool) -> Self {
        Self {
            smallest: amount.to_string(),
            display: amount.format_units(decimals),
            symbol: crate::question::quoted(symbol, 16),
            known,
            test: false,
        }
    }

    pub fn sun(amount: u64) -> Self {
        Self::of(tron::Amount::from_u64(amount), "TRX", 6, true)
    }

    /// As money of this network.
    pub fn on(self, network: tron::Network) -> Self {
        Self { test: network.is_test(), ..self }
    }
}
