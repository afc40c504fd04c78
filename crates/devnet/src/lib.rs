//! A TRON node in the process: contracts really run, on revm, behind the node's HTTP API, with the chain id
//! and contract addresses of the Nile testnet. Holds nothing of value, keeps nothing on disk, listens on
//! 127.0.0.1 alone.

mod action;
mod api;
mod blocks;
mod busy;
mod chain;
mod clock;
mod curve;
mod execute;
mod fork;
mod genesis;
mod history;
mod incoming;
mod permission;
mod refusal;
mod rules;
mod stake;
mod trace;
mod vm;
mod wire;
mod world;

pub use api::Fault;
pub use busy::{Busy, Excuse, Load, Loads, Share};
pub use clock::Clock;
pub use fork::{Fork, Forked};
pub use genesis::{AUTHORIZED_USD, FAKE_USDT};

use api::{Door, Node};
use chain::Chain;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tron::{Address, Amount, TxId};

/// How a devnet behaves. `Options::default()` answers every transaction with a block at once.
#[derive(Clone, Debug)]
pub struct Options {
    /// Port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    pub doors: Doors,
    /// `Some`: blocks at this distance, transactions wait for the next one. `None`: a transaction gets its
    /// block at once; empty blocks still follow the clock every 3 s.
    pub block_time: Option<Duration>,
    /// How many blocks `walletsolidity` is behind.
    pub solidity_lag: u64,
    /// What one unit of energy burns, `getEnergyFee`; at least 1.
    pub energy_price_sun: u64,
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            doors: Doors::Together,
            block_time: None,
            solidity_lag: 19,
            energy_price_sun: 100,
            clock: Clock::real(),
        }
    }
}

/// Where the node listens for which questions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Doors {
    /// All at [`Options::port`], as public gateways have them.
    #[default]
    Together,
    /// As a node of one's own has them: `wallet/` at [`Options::port`], `walletsolidity/` at another, JSON-RPC at a
    /// third or switched off. 0 takes a free port.
    Apart { solidity_port: u16, jsonrpc_port: Option<u16> },
}

/// What the faucet gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gift {
    /// TRX, in sun; creates the account.
    Trx(u64),
    /// Smallest units of one of the devnet's tokens. Creates no account, as on the real chain.
    Token(Address, Amount),
    /// Energy of every day, as from TRX that somebody staked; used before TRX is burnt. Creates no account.
    Energy(u64),
}

#[derive(Debug, thiserror::Error)]
pub enum DevnetError {
    #[error("there is no account {address} yet: give it TRX first")]
    NoAccount { address: Address },
    #[error("can't listen on 127.0.0.1:{port}: {source}")]
    Listen { port: u16, source: std::io::Error },
    #[error("the compiled contract {contract} can't be read: {reason}")]
    Artifact { contract: &'static str, reason: String },
    #[error("{token} is not a token of the devnet")]
    NotAToken { token: Address },
    #[error("the contract {contract} refused: {reason}")]
    Refused { contract: Address, reason: String },
    #[error("{blocks} blocks can't be dropped: 1 to {most} are not final yet")]
    NoFork { blocks: u64, most: u64 },
    #[error("the other branch does not take {transaction}: {code}")]
    NotTaken { transaction: TxId, code: &'static str },
}

/// Wallets, facilitators and tests ask over connections that they keep.
fn limits() -> serve::Limits {
    let head_time = Duration::from_secs(60);
    serve::Limits { head_time, connections: 2_048, own: 1_536, ..serve::Limits::default() }
}

/// A running node; stops when it is dropped.
#[derive(Debug)]
pub struct Devnet {
    address: SocketAddr,
    solidity: SocketAddr,
    jsonrpc: Option<SocketAddr>,
    clock: Clock,
    node: Arc<Node>,
    stop: watch::Sender<bool>,
    server: Option<JoinHandle<()>>,
}

impl Devnet {
    /// Listens, and returns when requests are answered. Needs a tokio runtime with I/O and time.
    pub async fn start(options: Options) -> Result<Self, DevnetError> {
        let first = listen(options.port).await?;
        let (stop, mut stopped) = watch::channel(false);
        let node = Arc::new(Node::new(Chain::new(&options)?, stopped.clone()));
        let served = serve::Server::default();
        let open = |(listener, address): (TcpListener, SocketAddr), doors: &[Door]| {
            served.listen(serve::Loopback(listener), api::router(Arc::clone(&node), doors), limits());
            address
        };
        let (address, solidity, jsonrpc) = match options.doors {
            Doors::Together => {
                let address = open(first, Door::TOGETHER);
                (address, address, Some(address))
            }
            Doors::Apart { solidity_port, jsonrpc_port } => {
                // Every port is there before any of them answers.
                let second = listen(solidity_port).await?;
                let third = match jsonrpc_port {
                    Some(port) => Some(listen(port).await?),
                    None => None,
                };
                let jsonrpc = third.map(|third| open(third, Door::THIRD));
                (open(first, Door::FIRST), open(second, Door::SECOND), jsonrpc)
            }
        };
        let server = tokio::spawn(async move {
            // An error means that the sender is gone: stop as well.
            let _gone = stopped.wait_for(|stop| *stop).await.is_err();
            served.shutdown().await;
        });
        tracing::info!(%address, "devnet");
        Ok(Self { address, solidity, jsonrpc, clock: options.clock, node, stop, server: Some(server) })
    }

    /// `http://127.0.0.1:port`, no slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where `walletsolidity/` is; [`url`](Self::url) too, unless the doors are apart.
    pub fn solidity_url(&self) -> String {
        format!("http://{}", self.solidity)
    }

    /// Where `jsonrpc` is, if anywhere.
    pub fn jsonrpc_url(&self) -> Option<String> {
        self.jsonrpc.map(|address| format!("http://{address}"))
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The node's time; what is done to it counts at once.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Produces `blocks` blocks now; waiting transactions are in the first. Returns the head's number.
    pub fn mine(&self, blocks: u64) -> u64 {
        self.node.chain().mine(blocks)
    }

    /// Drops the last blocks for a longer branch. On an error about the other branch the blocks are dropped all the same.
    pub fn fork(&self, fork: Fork) -> Result<Forked, DevnetError> {
        self.node.chain().fork(fork)
    }

    /// The number of the last block.
    pub fn head(&self) -> u64 {
        self.node.chain().blocks.head()
    }

    /// Gives TRX or test tokens, in a block of their own.
    pub fn faucet(&self, to: Address, gift: Gift) -> Result<(), DevnetError> {
        self.node.chain().faucet(to, gift)
    }

    /// The next `times` requests to `path` (`wallet/broadcasttransaction`, or `*` for all) go wrong.
    pub fn fault(&self, path: &str, times: u64, fault: Fault) {
        self.node.plan_fault(path, times, fault);
    }

    /// Whether a fault that was planned for this path is still to come.
    pub fn has_fault(&self, path: &str) -> bool {
        self.node.has_fault(path)
    }

    /// Forgets the faults that are still planned.
    pub fn clear_faults(&self) {
        self.node.clear_faults();
    }

    /// From now on the node is so busy; counting begins anew. `Busy::default()` is not at all.
    pub fn be_busy(&self, busy: Busy) {
        self.node.be_busy(busy);
    }

    /// What a busy node says to broadcasts; `SERVER_BUSY` unless it was told otherwise.
    pub fn excuse(&self, excuse: Excuse) {
        self.node.set_excuse(excuse);
    }

    /// What was asked, and what the node was too busy for, since it was told how busy it is.
    pub fn loads(&self) -> Loads {
        self.node.loads()
    }

    /// From now on every receipt is asked for `asks` times in vain, although its transaction is in a block. 0 ends that.
    pub fn be_silent(&self, asks: u64) {
        self.node.be_silent(asks);
    }

    /// Stops and waits until the port is free.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        if let Some(server) = self.server.take() {
            // The task only ends by itself; its panic would have been reported already.
            let _ended = server.await;
        }
    }
}

async fn listen(port: u16) -> Result<(TcpListener, SocketAddr), DevnetError> {
    let failed = |source| DevnetError::Listen { port, source };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

impl Drop for Devnet {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}
