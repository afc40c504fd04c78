//! Whether the contract that would be signed for is what its address promises: code that states our domain. Asked
//! once per contract and process; a contract that nobody could look at is not vouched for. Signs nothing.

use crate::Wallet;
use chain::ChainError;
use policy::TokenSays;
use tron::{Address, Network};
use x402::{Terms, exact_eip3009};

/// What the chain says about the contract behind some terms.
pub(crate) struct Vouched {
    /// `None`: no node answered.
    pub good: Option<bool>,
    /// Where the token's own contract is signed for.
    pub token: TokenSays,
}

impl Wallet {
    pub(crate) async fn vouched(&self, terms: &Terms) -> Vouched {
        match terms {
            Terms::ExactEip3009(token) if token.token_cannot() => {
                Vouched { good: Some(true), token: TokenSays::CannotAuthorize }
            }
            Terms::ExactEip3009(token) => {
                let says = self.token_says(terms, token).await;
                Vouched { good: says.is_some().then_some(true), token: says.unwrap_or_default() }
            }
            _ => Vouched { good: self.states_our_domain(terms).await, token: TokenSays::Nothing },
        }
    }

    async fn states_our_domain(&self, terms: &Terms) -> Option<bool> {
        let expected = terms.separator()?;
        let stated = self.stated(terms.network(), terms.contract(), expected).await?;
        if stated != Some(expected) {
            return Some(false);
        }
        if terms.settler() == terms.contract() {
            return Some(true);
        }
        let there = (terms.network(), terms.settler(), expected);
        if crate::lock(&self.0.vouched).contains(&there) {
            return Some(true);
        }
        let has_code = self.node(terms.network()).ok()?.has_code(terms.settler()).await.ok()?;
        if has_code {
            crate::lock(&self.0.vouched).insert(there);
        }
        Some(has_code)
    }

    /// `None`: no node answered.
    async fn token_says(&self, terms: &Terms, token: &exact_eip3009::Terms) -> Option<TokenSays> {
        let Some(expected) = terms.separator() else { return Some(TokenSays::Nothing) };
        match self.stated(terms.network(), terms.token(), expected).await? {
            None => Some(TokenSays::CannotAuthorize),
            Some(stated) if stated == expected => Some(TokenSays::Fits),
            Some(_) => {
                let node = self.node(terms.network()).ok()?;
                let [name, version] = exact_eip3009::domain_calls();
                let (name, version) = tokio::join!(node.call(terms.token(), name), node.call(terms.token(), version));
                let text = |answer: Result<Vec<u8>, ChainError>| exact_eip3009::text_answer(&answer.ok()?);
                Some(TokenSays::OtherDomain {
                    claimed: (
                        token.domain_name.clone().unwrap_or_default(),
                        token.domain_version.clone().unwrap_or_default(),
                    ),
                    stated: (text(name), text(version)),
                })
            }
        }
    }

    /// The domain separator that a contract states. `None`: no node answered; `Some(None)`: the contract has none, or
    /// the node belongs to another network.
    async fn stated(&self, network: Network, contract: Address, expected: [u8; 32]) -> Option<Option<[u8; 32]>> {
        if crate::lock(&self.0.vouched).contains(&(network, contract, expected)) {
            return Some(Some(expected));
        }
        let node = self.node(network).ok()?;
        let (chain_id, separator) = tokio::join!(node.chain_id(), node.domain_separator(contract));
        let stated = match (chain_id, separator) {
            (Ok(id), Ok(separator)) if id == network.chain_id() => Some(separator),
            // The contract itself says that it is none of ours; any other failure says nothing about it.
            (Ok(_), Ok(_) | Err(ChainError::Reverted { .. })) => None,
            _ => return None,
        };
        if stated == Some(expected) {
            crate::lock(&self.0.vouched).insert((network, contract, expected));
        }
        Some(stated)
    }
}
