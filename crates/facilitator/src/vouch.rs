//! Whether a network is what we would settle on: the node serves that chain, every contract that the settings lead to
//! is there, and those whose messages buyers sign state the domain that is signed for. Asks the chain, changes nothing.

use crate::{Config, NotReady};
use chain::{ChainError, TronGrid};
use std::collections::BTreeMap;
use tron::{Address, Network, registry};
use x402::{exact_permit, exact_permit2};

/// The contracts that a network's settings lead to, each with the domain separator that it has to state, if any.
fn contracts(config: &Config, network: Network) -> BTreeMap<Address, Option<[u8; 32]>> {
    let deployed = registry::deployments(network);
    let mut contracts = BTreeMap::new();
    for terms in config.tokens.iter().filter(|terms| terms.network == network) {
        contracts.insert(terms.token, None);
        contracts.insert(deployed.payment_permit, Some(exact_permit::domain_separator(network)));
        // A buyer chooses the deployment.
        for set in deployed.permit2.iter().filter(|_| terms.exact) {
            contracts.insert(set.permit2, Some(exact_permit2::domain_separator(network, set.permit2)));
            contracts.insert(set.exact_proxy, None);
        }
    }
    contracts
}

/// The first thing that is not as it has to be.
pub(crate) async fn vouch(config: &Config, grid: &TronGrid) -> Result<(), NotReady> {
    let network = grid.network();
    let unasked = |error: ChainError| NotReady::Chain { network, error };
    let (found, expected) = (grid.chain_id().await.map_err(unasked)?, network.chain_id());
    if found != expected {
        return Err(NotReady::ChainId { network, found, expected });
    }
    for (contract, separator) in contracts(config, network) {
        if !grid.has_code(contract).await.map_err(unasked)? {
            return Err(NotReady::NoContract { network, contract });
        }
        let Some(expected) = separator else { continue };
        if grid.domain_separator(contract).await.map_err(unasked)? != expected {
            return Err(NotReady::Domain { network, contract });
        }
    }
    Ok(())
}
