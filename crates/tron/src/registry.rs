//! The contracts that Countersign signs for, by network. Nothing outside this list is ever signed for;
//! superseded ones are listed so that they can be named. Every address was traced to a published source;
//! the wallet still asks the chain before the first payment through one of them.

use crate::{Address, Network};
use std::sync::LazyLock;

/// A Permit2 with the proxies that were deployed for it: a matched set, never mixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permit2Set {
    /// What a setting calls this set.
    pub name: &'static str,
    pub permit2: Address,
    pub exact_proxy: Address,
    pub upto_proxy: Option<Address>,
}

/// The GasFree controller and what the address of a user's GasFree account is derived from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GasFree {
    pub controller: Address,
    pub beacon: Address,
    /// keccak256 of the account's creation code.
    pub creation_code_hash: [u8; 32],
    /// Base address of the relayer API.
    pub relayer: &'static str,
}

/// The payment channel contract and its two collectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channel {
    pub channel: Address,
    pub erc3009_collector: Address,
    pub permit2_collector: Address,
}

/// Everything deployed on one network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployments {
    pub payment_permit: Address,
    /// The first set is the default.
    pub permit2: Vec<Permit2Set>,
    pub gasfree: GasFree,
    pub channel: Channel,
    /// Older contracts, never signed for: what it is and where.
    pub superseded: Vec<(&'static str, Address)>,
}

/// What a contract address means on a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    PaymentPermit,
    Permit2,
    ExactProxy,
    UptoProxy,
    GasFreeController,
    Channel,
    Erc3009Collector,
    Permit2Collector,
    Superseded(&'static str),
}

impl Role {
    /// Whether a payment through a contract in this role may be signed at all.
    pub const fn is_current(self) -> bool {
        !matches!(self, Self::Superseded(_))
    }
}

/// Everything deployed on this network.
pub fn deployments(network: Network) -> &'static Deployments {
    match network {
        Network::Mainnet => &MAINNET,
        Network::Nile => &NILE,
        Network::Shasta => &SHASTA,
    }
}

/// What this address is on this network, or `None` when it is no contract of the list.
pub fn role(network: Network, address: Address) -> Option<Role> {
    deployments(network).roles().find(|(_, at)| *at == address).map(|(role, _)| role)
}

impl Deployments {
    /// The set that is used unless a site or a setting says otherwise.
    pub fn default_permit2(&self) -> Option<&Permit2Set> {
        self.permit2.first()
    }

    /// Every contract of the network with its role.
    pub fn roles(&self) -> impl Iterator<Item = (Role, Address)> + '_ {
        let sets = self.permit2.iter().flat_map(|set| {
            [
                Some((Role::Permit2, set.permit2)),
                Some((Role::ExactProxy, set.exact_proxy)),
                set.upto_proxy.map(|p| (Role::UptoProxy, p)),
            ]
            .into_iter()
            .flatten()
        });
        [
            (Role::PaymentPermit, self.payment_permit),
            (Role::GasFreeController, self.gasfree.controller),
            (Role::Channel, self.channel.channel),
            (Role::Erc3009Collector, self.channel.erc3009_collector),
            (Role::Permit2Collector, self.channel.permit2_collector),
        ]
        .into_iter()
        .chain(sets)
        .chain(self.superseded.iter().map(|(what, at)| (Role::Superseded(what), *at)))
    }
}

const FIRST: &str = "first";
const SECOND: &str = "second";
const LEGACY_PERMIT: &str = "PaymentPermit of releases 0.1.x";
const OLD_EXACT: &str = "Permit2 exact proxy with a three-field witness";
const OLD_UPTO: &str = "Permit2 upto proxy of an earlier deployment";
/// Its network was never published, so it is recognised on every one.
const OLD_UPTO_AT: &str = "TGHEYAovw8fZz1bgnVgRtgrdGLbagFZYq5";

static MAINNET: LazyLock<Deployments> = LazyLock::new(|| Deployments {
    payment_permit: at("TT8rEWbCoNX7vpEUauxb7rWJsTgs8vDLAn"),
    permit2: vec![
        Permit2Set {
            name: FIRST,
            permit2: at("TTJxU3P8rHycAyFY4kVtGNfmnMH4ezcuM9"),
            exact_proxy: at("TN49yaJmZMZoEdDCqjB4uPzQLHvYkGw95m"),
            upto_proxy: Some(at("TBLeFPkfDiweBbYmAPqnakaFBPDt9p93sR")),
        },
        Permit2Set {
            name: SECOND,
            permit2: at("TTJxU3P8rHycAyFY4kVtGNfmnMH4ezcuM9"),
            exact_proxy: at("TNtw4Wg6uQe4bqFywtcn5qagVZesSdYBSs"),
            upto_proxy: None,
        },
    ],
    gasfree: GasFree {
        controller: at("TFFAMQLZybALaLb4uxHA9RBE7pxhUAjF3U"),
        beacon: at("TSP9UW6FQhT76XD2jWA6ipGMx3yGbjDffP"),
        creation_code_hash: hash("28122b164158c3961d140d546ce24bb496fa91bff2b3cbc3f073d4eb5d998b22"),
        relayer: "https://facilitator.bankofai.io/mainnet",
    },
    channel: Channel {
        channel: at("TW9yNhTySkEHYfjnGQU2u4NAsdb1tW4fbm"),
        erc3009_collector: at("TTWA7aWMdx4jfcbp8XRAS2JAd2sUhyF9qj"),
        permit2_collector: at("TAg5qqp1K9x5KeSTWnRa8LT79B5HUjzSHY"),
    },
    superseded: vec![
        (LEGACY_PERMIT, at("THnW1E6yQWgx9P3QtSqWw2t3qGwH35jARg")),
        (OLD_EXACT, at("TSm6MSWHHBeABh22uqX7SU7QUweav4Cyy6")),
        (OLD_UPTO, at(OLD_UPTO_AT)),
    ],
});

static NILE: LazyLock<Deployments> = LazyLock::new(|| Deployments {
    payment_permit: at("TFxDcGvS7zfQrS1YzcCMp673ta2NHHzsiH"),
    permit2: vec![
        Permit2Set {
            name: FIRST,
            permit2: at("TYQuuhGbEMxF7nZxUHV3uHJxAVVAegNU9h"),
            exact_proxy: at("TFGoaq2KjizijgjtkVxT7yjffW1A5T1j6F"),
            upto_proxy: Some(at("TKvcqQ7S2bYyys5ZZNpjj9xGiPhiwzHq1K")),
        },
        Permit2Set {
            name: SECOND,
            permit2: at("TCJjTtzwRJYPapGTdyJdKcr7MqkngRRWQx"),
            exact_proxy: at("TTjbkCh8sC4gNTWG48iWNssrLBqZq2tiTy"),
            upto_proxy: None,
        },
    ],
    gasfree: GasFree {
        controller: at("THQGuFzL87ZqhxkgqYEryRAd7gqFqL5rdc"),
        beacon: at("TLtCGmaxH3PbuaF6kbybwteZcHptEdgQGC"),
        creation_code_hash: hash("8a1613b444604b6dc63c348f90741c31aef84360be2e9aaa142422c90059fcd4"),
        relayer: "https://facilitator.bankofai.io/nile",
    },
    channel: Channel {
        channel: at("TWBwWHZWwH8TzrZnbxit1J645VGYY1K2fA"),
        erc3009_collector: at("TJUQ3BQt4YFg8EeevjiUa5LbfSGz5BxzRW"),
        permit2_collector: at("TEp6bCqSEKAr99sCiqANC84RtRwx7xGbA4"),
    },
    superseded: vec![
        (LEGACY_PERMIT, at("TQr1nSWDLWgmJ3tkbFZANnaFcB5ci7Hvxa")),
        (OLD_EXACT, at("TCd2ZSwbJBAdgFfP5d3gkhKcGs47WNZLLi")),
        (OLD_UPTO, at(OLD_UPTO_AT)),
    ],
});

static SHASTA: LazyLock<Deployments> = LazyLock::new(|| Deployments {
    payment_permit: at("TR2XninQ3jsvRRLGTifFyUHTBysffooUjt"),
    permit2: vec![Permit2Set {
        name: FIRST,
        permit2: at("TJMkP7a3ucTMkvi17p7ChhTCw6zriFX3tg"),
        exact_proxy: at("TGZkC38n14f2GpBWPMQLF2BpmcpWW3QNhg"),
        upto_proxy: Some(at("TMxpieW75DQiA9QaoTB1ifJWeQpuppSB1g")),
    }],
    gasfree: GasFree {
        controller: at("TQghdCeVDA6CnuNVTUhfaAyPfTetqZWNpm"),
        beacon: at("TQ1jvA3nLDMDNbJoMPLzTPoqAg8NvZ5CCW"),
        creation_code_hash: hash("490791365cc571bb1659ec928507a7b5f69ab6c65a8cdf7ee9a4a8c61b2f3477"),
        relayer: "https://facilitator.bankofai.io/shasta",
    },
    channel: Channel {
        channel: at("TA3MZHMLsgi8JMU1DL8H4gKp1YjJKATibf"),
        erc3009_collector: at("TRd1KBfy1iUs6R45oZrtbLUjtcSKzXAvPG"),
        permit2_collector: at("TNmfrxbKCHqPUTj9zHVfg4Dq8WNZXPyf1x"),
    },
    superseded: vec![(LEGACY_PERMIT, at("TVjYLoXatyMkemxzeB9M8ZE3uGttR9QZJ8")), (OLD_UPTO, at(OLD_UPTO_AT))],
});

/// A literal of this file. Nothing from outside comes here, and a test reads every one.
#[allow(clippy::expect_used)]
fn at(literal: &str) -> Address {
    Address::parse(literal).expect("addresses of the registry are valid")
}

/// A literal of this file, as [`at`].
#[allow(clippy::expect_used)]
fn hash(literal: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    hex::decode_to_slice(literal, &mut bytes).expect("hashes of the registry are valid");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_literal_parses_and_no_contract_has_two_roles() {
        for network in Network::ALL {
            let all = deployments(network);
            assert_eq!(all.default_permit2().map(|set| set.name), Some(FIRST));
            let mut seen = HashSet::new();
            for (role, address) in all.roles() {
                // Sets of one network may share a Permit2, nothing else.
                assert!(seen.insert(address) || role == Role::Permit2, "{address} occurs twice on {network}");
                assert_eq!(super::role(network, address), Some(role));
            }
        }
    }

    #[test]
    fn a_contract_has_its_role_on_its_own_network_only() {
        let nile = deployments(Network::Nile).payment_permit;
        assert_eq!(role(Network::Nile, nile), Some(Role::PaymentPermit));
        assert_eq!(role(Network::Mainnet, nile), None);
        assert_eq!(role(Network::Nile, Address::ZERO), None);
    }

    #[test]
    fn superseded_contracts_are_named_and_never_current() {
        let old = Address::parse("TQr1nSWDLWgmJ3tkbFZANnaFcB5ci7Hvxa").unwrap();
        let found = role(Network::Nile, old).unwrap();
        assert_eq!(found, Role::Superseded(LEGACY_PERMIT));
        assert!(!found.is_current());
        assert!(Role::PaymentPermit.is_current());
    }
}
