//! The tokens known by address. Never looks a token up by the name that a server claims.

use crate::{Address, Network};
use std::sync::LazyLock;

/// How far a known token is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Current,
    /// A second test deployment of the same issuer's token.
    SecondTest,
    /// An older deployment, perhaps retired: shown as such, never paid automatically.
    Older,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub symbol: &'static str,
    pub network: Network,
    pub address: Address,
    pub decimals: u8,
    pub standing: Standing,
}

type Row = (&'static str, Network, &'static str, u8, Standing);

const ROWS: [Row; 8] = [
    ("USDT", Network::Mainnet, "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", 6, Standing::Current),
    ("USDT", Network::Nile, "TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf", 6, Standing::Current),
    ("USDT", Network::Nile, "TXLAQ63Xg1NAzckPwKHvzw7CSEmLMEqcdj", 6, Standing::SecondTest),
    ("USDT", Network::Shasta, "TG3XXyExBkPp9nzdajDZsozEu4BkaSJozs", 6, Standing::Current),
    ("USDD", Network::Mainnet, "TXDk8mbtRbXeYuMNS83CfKPaYYT8XWv9Hz", 18, Standing::Current),
    ("USDD", Network::Mainnet, "TPYmHEhy5n8TCEfYGqW2rPxsghSfzghPDn", 18, Standing::Older),
    ("USDD", Network::Nile, "TGjgvdTWWrybVLaVeFqSyVqJQWjxqRYbaK", 18, Standing::Current),
    ("USDC", Network::Mainnet, "TEkxiTehnzSmSe2XqrBj4w32RUN966rdz8", 6, Standing::Current),
];

static TABLE: LazyLock<Vec<Token>> = LazyLock::new(|| {
    ROWS.into_iter()
        .filter_map(|(symbol, network, address, decimals, standing)| {
            Address::parse(address).ok().map(|address| Token { symbol, network, address, decimals, standing })
        })
        .collect()
});

/// Every known token.
pub fn all() -> &'static [Token] {
    &TABLE
}

/// The known token at this address of this network.
pub fn lookup(network: Network, address: Address) -> Option<&'static Token> {
    TABLE.iter().find(|t| t.network == network && t.address == address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_has_a_valid_address() {
        assert_eq!(all().len(), ROWS.len());
    }

    #[test]
    fn a_token_is_known_on_its_own_network_only() {
        let usdt = Address::parse("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t").unwrap();
        assert_eq!(lookup(Network::Mainnet, usdt).map(|t| (t.symbol, t.decimals)), Some(("USDT", 6)));
        assert_eq!(lookup(Network::Nile, usdt), None);
    }
}
