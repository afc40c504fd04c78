//! The three TRON networks and the names they go by. Refuses to guess at any other network.

use std::fmt;

/// A TRON network. The three written forms of one network are equal here; what a message said is kept
/// beside it where it has to be echoed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Network {
    Mainnet,
    Nile,
    Shasta,
}

/// A network that is not one of TRON's three.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected tron:728126428 (mainnet), tron:3448148188 (nile) or tron:2494104990 (shasta), found {found:?}")]
pub struct UnknownNetwork {
    pub found: String,
}

impl Network {
    pub const ALL: [Network; 3] = [Network::Mainnet, Network::Nile, Network::Shasta];

    /// Reads the CAIP-2 decimal reference, the older hexadecimal one or the SDKs' name.
    pub fn parse(text: &str) -> Result<Self, UnknownNetwork> {
        Self::ALL
            .into_iter()
            .find(|n| text == n.canonical() || text == n.hexadecimal() || text == n.named())
            .ok_or_else(|| UnknownNetwork { found: text.to_owned() })
    }

    pub fn from_chain_id(id: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|n| n.chain_id() == id)
    }

    /// The chain id used in TIP-712 domains.
    pub const fn chain_id(self) -> u64 {
        match self {
            Self::Mainnet => 728_126_428,
            Self::Nile => 3_448_148_188,
            Self::Shasta => 2_494_104_990,
        }
    }

    /// CAIP-2 with a decimal reference.
    pub const fn canonical(self) -> &'static str {
        match self {
            Self::Mainnet => "tron:728126428",
            Self::Nile => "tron:3448148188",
            Self::Shasta => "tron:2494104990",
        }
    }

    /// The deprecated form that x402-rs reads.
    pub const fn hexadecimal(self) -> &'static str {
        match self {
            Self::Mainnet => "tron:0x2b6653dc",
            Self::Nile => "tron:0xcd8690dc",
            Self::Shasta => "tron:0x94a9059e",
        }
    }

    /// The form of SDKs up to 0.6.1.
    pub const fn named(self) -> &'static str {
        match self {
            Self::Mainnet => "tron:mainnet",
            Self::Nile => "tron:nile",
            Self::Shasta => "tron:shasta",
        }
    }

    /// What people see.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Mainnet => "TRON Mainnet",
            Self::Nile => "TRON Nile",
            Self::Shasta => "TRON Shasta",
        }
    }

    pub const fn is_test(self) -> bool {
        !matches!(self, Self::Mainnet)
    }

    /// The public node of this network.
    pub const fn node_url(self) -> &'static str {
        match self {
            Self::Mainnet => "https://api.trongrid.io",
            Self::Nile => "https://nile.trongrid.io",
            Self::Shasta => "https://api.shasta.trongrid.io",
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.canonical())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_alias_is_its_network() {
        for network in Network::ALL {
            for form in [network.canonical(), network.hexadecimal(), network.named()] {
                assert_eq!(Network::parse(form), Ok(network));
            }
            assert_eq!(network.canonical(), format!("tron:{}", network.chain_id()));
            assert_eq!(network.hexadecimal(), format!("tron:{:#x}", network.chain_id()));
            assert_eq!(Network::from_chain_id(network.chain_id()), Some(network));
        }
        for other in ["tron", "tron:", "TRON:nile", "eip155:1", "tron:0xCD8690DC", ""] {
            assert_eq!(Network::parse(other), Err(UnknownNetwork { found: other.into() }));
        }
    }
}
