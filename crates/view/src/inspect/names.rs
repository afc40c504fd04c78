//! Networks and schemes by their names, TRON's and others', so that an unknown one is at least called what it is.
//! Knows names only: nothing here is ever paid on.

use tron::Network;

/// CAIP-2 names of chain registries (chainid.network, the namespaces of chainagnostic.org) and the plain names of
/// x402 version 1.
const ELSEWHERE: &[(&str, &str)] = &[
    ("eip155:1", "Ethereum"),
    ("eip155:10", "OP Mainnet"),
    ("eip155:56", "BNB Smart Chain"),
    ("eip155:97", "BNB Smart Chain testnet"),
    ("eip155:100", "Gnosis"),
    ("eip155:137", "Polygon"),
    ("eip155:143", "Monad"),
    ("eip155:196", "X Layer"),
    ("eip155:324", "zkSync Era"),
    ("eip155:480", "World Chain"),
    ("eip155:1328", "Sei testnet"),
    ("eip155:1329", "Sei"),
    ("eip155:2741", "Abstract"),
    ("eip155:3338", "peaq"),
    ("eip155:4689", "IoTeX"),
    ("eip155:8453", "Base"),
    ("eip155:42161", "Arbitrum One"),
    ("eip155:43113", "Avalanche Fuji testnet"),
    ("eip155:43114", "Avalanche C-Chain"),
    ("eip155:59144", "Linea"),
    ("eip155:80002", "Polygon Amoy testnet"),
    ("eip155:84532", "Base Sepolia testnet"),
    ("eip155:421614", "Arbitrum Sepolia testnet"),
    ("eip155:11155111", "Ethereum Sepolia testnet"),
    ("solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", "Solana"),
    ("solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1", "Solana devnet"),
    ("base", "Base"),
    ("base-sepolia", "Base Sepolia testnet"),
    ("polygon", "Polygon"),
    ("polygon-amoy", "Polygon Amoy testnet"),
    ("avalanche", "Avalanche C-Chain"),
    ("avalanche-fuji", "Avalanche Fuji testnet"),
    ("solana", "Solana"),
    ("solana-devnet", "Solana devnet"),
    ("sei", "Sei"),
    ("sei-testnet", "Sei testnet"),
    ("iotex", "IoTeX"),
    ("peaq", "peaq"),
    ("abstract", "Abstract"),
    ("ethereum", "Ethereum"),
];

/// Namespaces of CAIP-2 that a 402 may name.
const NAMESPACES: &[(&str, &str)] = &[
    ("eip155", "an Ethereum-like chain"),
    ("solana", "a Solana cluster"),
    ("bip122", "a Bitcoin-like chain"),
    ("cosmos", "a Cosmos chain"),
    ("aptos", "an Aptos network"),
    ("sui", "a Sui network"),
    ("near", "a NEAR network"),
    ("stellar", "a Stellar network"),
    ("algorand", "an Algorand network"),
    ("hedera", "a Hedera network"),
    ("tron", "a TRON network that is not one of the three known ones"),
];

/// TRON's networks as other dialects of x402 spell them: told, never signed for.
const SPELLINGS: &[(&str, Network)] = &[
    ("tron:27Lqcw", Network::Mainnet),
    ("tron:4oPwXB", Network::Shasta),
    ("tron:6FhfKq", Network::Nile),
    ("mainnet", Network::Mainnet),
    ("shasta", Network::Shasta),
    ("nile", Network::Nile),
    ("tron", Network::Mainnet),
    ("tron-mainnet", Network::Mainnet),
    ("tron-shasta", Network::Shasta),
    ("tron-nile", Network::Nile),
];

/// Whether a name that is none of TRON's own means TRON all the same.
pub(super) fn is_tron(name: &str) -> bool {
    SPELLINGS.iter().any(|(known, _)| *known == name) || name.starts_with("tron:")
}

/// What a network's name means.
pub(super) enum Meaning {
    Tron(Network),
    /// A chain that is not TRON, or TRON under a name that is not its own: one clause.
    Other(String),
    Unknown,
}

pub(super) fn network(name: &str) -> Meaning {
    if let Ok(network) = Network::parse(name) {
        return Meaning::Tron(network);
    }
    if let Some((_, label)) = ELSEWHERE.iter().find(|(known, _)| *known == name) {
        return Meaning::Other(format!("{label}, not TRON"));
    }
    if let Some((_, network)) = SPELLINGS.iter().find(|(known, _)| *known == name) {
        return Meaning::Other(format!("{} in another spelling; written {}", network.label(), network.canonical()));
    }
    let (space, reference) = name.split_once(':').unwrap_or((name, ""));
    let id =
        reference.strip_prefix("0x").map_or_else(|| reference.parse().ok(), |hex| u64::from_str_radix(hex, 16).ok());
    if let (Some(network), "eip155") = (id.and_then(Network::from_chain_id), space) {
        return Meaning::Other(format!(
            "the chain id of {}, which is written {}",
            network.label(),
            network.canonical()
        ));
    }
    if let (Some(network), "tron") = (id.and_then(Network::from_chain_id), space) {
        return Meaning::Other(format!("{} in another spelling; written {}", network.label(), network.canonical()));
    }
    match NAMESPACES.iter().find(|(known, _)| *known == space) {
        Some((_, what)) if !reference.is_empty() || space != "tron" => Meaning::Other((*what).to_owned()),
        _ => Meaning::Unknown,
    }
}

/// How the written form of one of TRON's networks is to be seen.
pub(super) fn written(network: Network, name: &str) -> &'static str {
    if name == network.canonical() {
        "the published name"
    } else if name == network.hexadecimal() {
        "an older, hexadecimal name that many facilitators use"
    } else {
        "the plain name of SDKs up to 0.6.1"
    }
}

/// Schemes of the x402 repository and of its dialects that are not Countersign's.
pub(super) fn scheme(name: &str) -> Option<&'static str> {
    match name {
        "deferred" => Some("a proposed scheme: vouchers are collected and settled later"),
        "escrow" | "authCapture" | "auth-capture" => Some("a proposed scheme: money is held first and captured later"),
        "subscription" | "stream" => Some("a proposed scheme: repeated payments"),
        "permit" | "permit2" | "eip3009" | "exact/eip3009" | "exact/permit2" => {
            Some("a transfer method, no scheme: it is written exact with extra.assetTransferMethod")
        }
        _ => None,
    }
}

/// Whether this may be a network's name: `namespace:reference` (CAIP-2), or one that is known.
pub(super) fn may_be_network(text: &str) -> bool {
    let part = |p: &str, most: usize| {
        (1..=most).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    match text.split_once(':') {
        Some((space, reference)) => space.len() >= 3 && part(space, 8) && part(reference, 32),
        None => ELSEWHERE.iter().any(|(known, _)| *known == text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_called_what_it_is() {
        let said = |name: &str| match network(name) {
            Meaning::Tron(network) => network.label().to_owned(),
            Meaning::Other(what) => what,
            Meaning::Unknown => "unknown".to_owned(),
        };
        for (name, expected) in [
            ("tron:nile", "TRON Nile"),
            ("eip155:8453", "Base, not TRON"),
            ("base-sepolia", "Base Sepolia testnet, not TRON"),
            ("eip155:728126428", "the chain id of TRON Mainnet, which is written tron:728126428"),
            ("tron:0xCD8690DC", "TRON Nile in another spelling; written tron:3448148188"),
            ("eip155:987654", "an Ethereum-like chain"),
            ("tron:27Lqcw", "TRON Mainnet in another spelling; written tron:728126428"),
            ("nile", "TRON Nile in another spelling; written tron:3448148188"),
            ("tron:1", "a TRON network that is not one of the three known ones"),
            ("nowhere", "unknown"),
        ] {
            assert_eq!(said(name), expected, "{name}");
        }
    }
}
