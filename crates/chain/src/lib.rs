//! Talks to TRON nodes over their HTTP API. Reads are retried, over several nodes in order; a transaction is only
//! ever sent again as the very same bytes. Nothing here signs, and no node is asked to build anything.
//!
//! What a node answers is a stranger's word: sizes are bounded, every field is checked where it is read, and the
//! errors say which field, what was found and what was expected. API keys are never shown.
//!
//! ```no_run
//! # async fn example() -> Result<(), chain::ChainError> {
//! use chain::{Config, TronGrid};
//! use tron::{Address, Network};
//!
//! let nile = TronGrid::new(Config::public(Network::Nile))?;
//! # let (usdt, owner) = (Address::ZERO, Address::ZERO);
//! let balance = nile.balance(usdt, owner).await?;
//! # let _ = balance;
//! # Ok(())
//! # }
//! ```

mod busy;
mod cache;
mod check;
mod config;
mod error;
mod grid;
mod http;
mod node;
mod solid;
mod told;
mod transaction;

pub use cache::Aged;
pub use check::{DoorCheck, DoorState, NodeCheck};
pub use config::{ApiKey, Config, Door, NodeConfig};
pub use error::{BroadcastError, ChainError};
pub use grid::{Account, Resources, Simulation, TokenClaims, TronGrid};
pub use transaction::{Finality, Head, Log, Receipt};
