//! Looks on the chain for what a document says: what became of a transaction, whether a permission is used up. Reads
//! only; needs no key, no ledger and no open wallet. Believes neither the document nor that a node knows everything.

use crate::{Config, OpenError, Options, Wallet, WalletError, planner};
use chain::{Finality, TronGrid};
use serde_json::Value;
use std::collections::BTreeMap;
use tron::tx::TxId;
use tron::{Address, Network, abi};
use x402::{NonceEvent, NonceSlot};

/// The nodes to ask.
#[derive(Clone)]
pub struct Lookup(BTreeMap<Network, TronGrid>);

/// A transaction that is in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnChain {
    pub block: u64,
    pub timestamp_ms: u64,
    /// The block can no longer be replaced.
    pub is_final: bool,
    pub success: bool,
    /// The chain's word: `SUCCESS`, `REVERT`, …; empty where it tells none, as for a plain transfer.
    pub result: String,
    /// What the newest blocks say where the final ones, which count, say otherwise.
    pub newest: Option<String>,
    /// TRX burnt, in sun.
    pub fee_sun: u64,
    /// What tokens really moved: the token's contract, and its own word for the transfer.
    pub transfers: Vec<(Address, abi::Transfer)>,
    /// What contracts told about nonces.
    pub nonces: Vec<NonceEvent>,
}

impl Lookup {
    /// The nodes of a configuration.
    pub fn new(config: &Config) -> Result<Self, OpenError> {
        Ok(Self(planner::nodes(config, &Options::new("", ""))?))
    }

    /// The networks that are served.
    pub fn networks(&self) -> Vec<Network> {
        self.0.keys().copied().collect()
    }

    /// Each node of a network by itself, and whether `contracts` are there.
    pub async fn check(&self, network: Network, contracts: &[Address]) -> Vec<chain::NodeCheck> {
        match self.0.get(&network) {
            Some(node) => node.check(contracts).await,
            None => vec![],
        }
    }

    fn node(&self, network: Network) -> Result<&TronGrid, WalletError> {
        self.0.get(&network).ok_or(WalletError::NoNode { network })
    }

    /// The transaction as the node keeps it, for a person to read; `None` where it knows none of this id.
    pub async fn told_transaction(&self, network: Network, id: &TxId) -> Result<Option<Value>, WalletError> {
        Ok(self.node(network)?.told_transaction(id).await?)
    }

    /// Its receipt as the node writes it, for a person to read; `None` while it is in no block.
    pub async fn told_receipt(&self, network: Network, id: &TxId) -> Result<Option<Value>, WalletError> {
        Ok(self.node(network)?.told_receipt(id).await?)
    }

    /// An account as the node keeps it, for a person to read; `None` for one that was never used.
    pub async fn told_account(&self, network: Network, owner: Address) -> Result<Option<Value>, WalletError> {
        Ok(self.node(network)?.told_account(owner).await?)
    }

    /// `None` while the transaction is in no block that the node knows.
    pub async fn transaction(&self, network: Network, id: &TxId) -> Result<Option<OnChain>, WalletError> {
        let node = self.node(network)?;
        let Some(newest) = node.receipt(id, Finality::Seen).await? else { return Ok(None) };
        let last = node.receipt(id, Finality::Final).await?;
        let is_final = last.is_some();
        let differs = last.as_ref().is_some_and(|last| last.contradicts(&newest));
        let said = differs.then(|| newest.result.clone());
        let receipt = last.unwrap_or(newest);
        let logs = receipt.logs.iter();
        let transfers = logs.filter_map(|log| Some((log.address, abi::decode_transfer(&log.topics, &log.data)?)));
        let nonces = receipt.logs.iter().filter_map(|log| NonceEvent::read(log.address, &log.topics, &log.data));
        Ok(Some(OnChain {
            block: receipt.block,
            timestamp_ms: receipt.timestamp_ms,
            is_final,
            success: receipt.success,
            result: receipt.result.clone(),
            newest: said,
            fee_sun: receipt.fee_sun,
            transfers: transfers.collect(),
            nonces: nonces.collect(),
        }))
    }

    /// Whether a permission's nonce is used up, by a settlement or a cancellation: the contract does not say which.
    pub async fn nonce_used(&self, network: Network, slot: &NonceSlot) -> Result<bool, WalletError> {
        let output = self.node(network)?.call(slot.contract, slot.call()).await?;
        slot.used(&output).ok_or(WalletError::Check { check: "answer about the nonce" })
    }
}

impl Wallet {
    /// This wallet's own nodes.
    pub fn lookup(&self) -> Lookup {
        Lookup(self.0.nodes.clone())
    }
}
