//! Looks at each node by itself, as `countersign node` shows it: which doors answer and how fast, which chain, how new.
//! Asks a node that is busy a few times, and changes nothing.

use crate::{ChainError, Door, Finality, Head, TronGrid, busy::pause, config::label, http::Node};
use serde_json::json;
use std::{future::Future, time::Duration};
use tokio::time::Instant;
use tron::Address;

/// What one node said.
#[derive(Clone, Debug)]
pub struct NodeCheck {
    /// Scheme, host and port of its first address.
    pub node: String,
    /// In the order of [`Door::ALL`].
    pub doors: Vec<DoorCheck>,
    /// java-tron's version, where it tells one.
    pub version: Option<String>,
    /// By the last four bytes of its genesis block's id.
    pub genesis: Result<u64, ChainError>,
    /// By `eth_chainId`, where JSON-RPC answers.
    pub stated: Option<u64>,
    pub newest: Result<Head, ChainError>,
    /// The newest block that can't be replaced any more.
    pub solid: Result<Head, ChainError>,
    /// Which of the contracts that were asked for are not there.
    pub missing: Result<Vec<Address>, ChainError>,
}

/// One door of a node.
#[derive(Clone, Debug)]
pub struct DoorCheck {
    pub door: Door,
    /// Scheme, host and port where it was looked for.
    pub at: String,
    /// Its address is in the settings.
    pub set: bool,
    pub state: DoorState,
}

#[derive(Clone, Debug)]
pub enum DoorState {
    Answers {
        after: Duration,
    },
    /// Nothing is served there.
    Absent,
    Failed(ChainError),
}

impl NodeCheck {
    /// The chain that the node serves, as [`TronGrid::chain_id`] finds it.
    pub fn chain_id(&self, expected: u64) -> Result<u64, ChainError> {
        match (&self.genesis, self.stated) {
            (Ok(genesis), Some(stated)) if *genesis != expected => Ok(stated),
            (genesis, _) => genesis.clone(),
        }
    }

    pub fn door(&self, door: Door) -> Option<&DoorCheck> {
        self.doors.iter().find(|check| check.door == door)
    }
}

impl TronGrid {
    /// Every node by itself, and whether `contracts` are there.
    pub async fn check(&self, contracts: &[Address]) -> Vec<NodeCheck> {
        let mut checks = Vec::new();
        for node in self.nodes().in_order() {
            checks.push(node.check(contracts).await);
        }
        checks
    }
}

/// A busy node is asked so often.
const TRIES: u32 = 5;

async fn patiently<T, F>(ask: impl Fn() -> F) -> Result<T, ChainError>
where
    F: Future<Output = Result<T, ChainError>>,
{
    for tries in 0..TRIES.saturating_sub(1) {
        match ask().await {
            Err(error) if error.is_busy() => tokio::time::sleep(pause(tries, Duration::ZERO)).await,
            answer => return answer,
        }
    }
    ask().await
}

impl Node {
    async fn check(&self, contracts: &[Address]) -> NodeCheck {
        let mut doors = Vec::new();
        for door in Door::ALL {
            doors.push(self.check_door(door).await);
        }
        let there = async {
            let mut missing = Vec::new();
            for contract in contracts {
                if !patiently(|| self.has_code(*contract)).await? {
                    missing.push(*contract);
                }
            }
            Ok(missing)
        };
        let (newest, solid) = (patiently(|| self.head(Finality::Seen)), patiently(|| self.head(Finality::Final)));
        let (genesis, stated, info) =
            (patiently(|| self.genesis_chain_id()), patiently(|| self.stated_chain_id()), patiently(|| self.info()));
        let (newest, solid, genesis, stated, info, missing) = tokio::join!(newest, solid, genesis, stated, info, there);
        let version = info.ok().and_then(|info| info.version);
        NodeCheck { node: self.label.clone(), doors, version, genesis, stated: stated.ok(), newest, solid, missing }
    }

    async fn check_door(&self, door: Door) -> DoorCheck {
        let answer = match door {
            Door::Wallet | Door::Solidity => patiently(|| self.timed(door)).await,
            Door::JsonRpc => patiently(|| self.timed_chain_id()).await,
        };
        let state = match answer {
            Ok(after) => DoorState::Answers { after },
            Err(ChainError::NoDoor { .. } | ChainError::Status { status: 404 | 405 | 501, .. }) => DoorState::Absent,
            Err(error) => DoorState::Failed(error),
        };
        let set = door == Door::Wallet || self.set_for(door).is_some();
        let at = self.set_for(door).map_or_else(|| self.label.clone(), label);
        DoorCheck { door, at, set, state }
    }

    async fn timed(&self, door: Door) -> Result<Duration, ChainError> {
        let started = Instant::now();
        self.post(door, "getnowblock", &json!({})).await.map(|_| started.elapsed())
    }

    async fn timed_chain_id(&self) -> Result<Duration, ChainError> {
        let started = Instant::now();
        self.stated_chain_id().await.map(|_| started.elapsed())
    }
}
