//! Where the node of a story has its doors. A gateway has all of them at one address; a node of one's own has three, or
//! is known by the first alone. What is told over one kind is told again over another by the same binary, in a process
//! of its own whose environment names the kind.

use chain::TronGrid;
use devnet::{Devnet, Doors};
use std::time::Duration;
use tron::Network;

/// Names the kind to a process.
const VARIABLE: &str = "COUNTERSIGN_STORIES_DOORS";

/// Where the doors are, and which of them are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Together,
    /// Three ports, all in the settings.
    Apart,
    /// Three ports of which the first is in the settings, JSON-RPC off.
    First,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Together => "together",
            Self::Apart => "apart",
            Self::First => "first",
        }
    }
}

/// The kind of this process.
pub fn kind() -> Kind {
    let named = std::env::var(VARIABLE).unwrap_or_default();
    [Kind::Apart, Kind::First].into_iter().find(|kind| kind.name() == named).unwrap_or(Kind::Together)
}

/// For [`devnet::Options`].
pub fn of_devnet() -> Doors {
    match kind() {
        Kind::Together => Doors::Together,
        Kind::Apart => Doors::Apart { solidity_port: 0, jsonrpc_port: Some(0) },
        Kind::First => Doors::Apart { solidity_port: 0, jsonrpc_port: None },
    }
}

/// The devnet's node as it stands in a wallet's settings.
pub fn wallet_node(devnet: &Devnet) -> wallet::NodeConfig {
    let node = wallet::NodeConfig::from(devnet.url());
    match kind() {
        Kind::Apart => {
            wallet::NodeConfig { solidity_url: Some(devnet.solidity_url()), jsonrpc_url: devnet.jsonrpc_url(), ..node }
        }
        Kind::Together | Kind::First => node,
    }
}

/// A client of it that knows the same doors. It asks a busy node twice.
pub fn client(devnet: &Devnet) -> TronGrid {
    let wallet::NodeConfig { url, solidity_url, jsonrpc_url, .. } = wallet_node(devnet);
    let node = chain::NodeConfig { solidity_url, jsonrpc_url, ..chain::NodeConfig::new(url) };
    let patience = Duration::from_millis(300);
    TronGrid::new(chain::Config { nodes: vec![node], patience, ..chain::Config::public(Network::Nile) }).unwrap()
}

/// Runs every test of this binary again in a process of its own, but for `this`, over doors of another kind.
pub fn again_over(kind: Kind, this: &str) {
    if std::env::var_os(VARIABLE).is_some() {
        return;
    }
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--skip", this])
        .env(VARIABLE, kind.name())
        .output()
        .unwrap();
    let told = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "over {kind:?}: {}{}", told(&output.stdout), told(&output.stderr));
}
