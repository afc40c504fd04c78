//! A facilitator for x402 payments on TRON: judges `exact_permit` payments, settles them by calling the
//! PaymentPermit contract, and answers sellers over HTTP. Settles one authorization once, however often it is asked;
//! holds no money of anybody: the contract moves the buyer's tokens to the seller, and the fee to whom it names.
//!
//! It settles the scheme under both its names, `exact_permit` and, from servers of releases 0.2, `exact` with a
//! `paymentPermit` payload. Everything else is refused with `unsupported_scheme`.
//!
//! ```no_run
//! use facilitator::{Config, Facilitator, TokenTerms};
//! use tron::{Amount, Network, PrivateKey, token};
//!
//! # async fn example(key: PrivateKey) -> Result<(), Box<dyn std::error::Error>> {
//! let tokens = token::all().iter().filter(|t| t.network == Network::Nile && t.symbol == "USDT");
//! let tokens = tokens.map(|t| TokenTerms {
//!     network: t.network,
//!     token: t.address,
//!     fee: Amount::from_u64(10_000),       // 0.01 USDT
//!     free_up_to: Amount::from_u64(100_000), // nothing up to 0.10 USDT
//! });
//! let config = Config { tokens: tokens.collect(), ..Config::default() };
//! let nile = chain::TronGrid::new(chain::Config::public(Network::Nile))?;
//! let facilitator = Facilitator::new(config, key.into(), [nile])?;
//! facilitator.ready().await?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:4021").await?;
//! axum::serve(listener, facilitator.router()).await?;
//! # Ok(())
//! # }
//! ```

mod config;
mod flights;
mod journal;
mod keys;
mod quote;
mod reason;
mod router;
mod secrets;
mod settings;
mod settle;
mod verify;

pub use config::{Clock, Config, ConfigError, TokenTerms};
pub use keys::Keys;
pub use reason::Reason;
pub use secrets::secret_line;
pub use settings::{EXAMPLE, KeySource, LogFormat, Settings, SettingsError};
pub use settle::Settled;
pub use verify::Rejected;

use chain::{ChainError, TronGrid};
use flights::Flights;
use std::{collections::HashMap, fmt, sync::Arc};
use tokio_util::task::TaskTracker;
use tron::{Address, Network, registry};
use x402::exact_permit;

/// Judges and settles payments. Cheap to clone; clones share what is being settled.
#[derive(Clone)]
pub struct Facilitator(Arc<Inner>);

struct Inner {
    config: Config,
    keys: Keys,
    grids: HashMap<Network, TronGrid>,
    flights: Flights,
    tasks: TaskTracker,
}

/// Why a network is not what we would settle on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReady {
    #[error("{}: {error}", network.label())]
    Chain { network: Network, error: ChainError },
    #[error("{}: the node serves the chain id {found}, expected {expected}", network.label())]
    ChainId { network: Network, found: u64, expected: u64 },
    #[error("{}: no contract at {contract}", network.label())]
    NoContract { network: Network, contract: Address },
    #[error("{}: the contract {contract} states another domain separator than the one that is signed for", network.label())]
    Domain { network: Network, contract: Address },
}

impl Facilitator {
    /// `grids`: one per network. Reads the journal; connects to nothing yet.
    pub fn new(config: Config, keys: Keys, grids: impl IntoIterator<Item = TronGrid>) -> Result<Self, ConfigError> {
        let grids: HashMap<_, _> = grids.into_iter().map(|grid| (grid.network(), grid)).collect();
        config.check(&grids.keys().copied().collect())?;
        let flights = Flights::new(config.journal.as_deref(), config.clock.now())
            .map_err(|source| ConfigError::Journal { path: config.journal.clone().unwrap_or_default(), source })?;
        Ok(Self(Arc::new(Inner { config, keys, grids, flights, tasks: TaskTracker::new() })))
    }

    /// Checks every network once before the first payment: the node serves that chain, the contract is there, and
    /// its domain is the one that buyers sign for.
    pub async fn ready(&self) -> Result<(), NotReady> {
        for (&network, grid) in &self.0.grids {
            let contract = registry::deployments(network).payment_permit;
            let asked = tokio::try_join!(grid.chain_id(), grid.has_code(contract));
            let (found, has_code) = asked.map_err(|error| NotReady::Chain { network, error })?;
            let expected = network.chain_id();
            if found != expected {
                return Err(NotReady::ChainId { network, found, expected });
            }
            if !has_code {
                return Err(NotReady::NoContract { network, contract });
            }
            let separator = grid.domain_separator(contract).await;
            if separator.map_err(|error| NotReady::Chain { network, error })? != exact_permit::domain_separator(network)
            {
                return Err(NotReady::Domain { network, contract });
            }
        }
        Ok(())
    }

    /// The account that sends the settlements: `caller` in every permit.
    pub fn address(&self) -> Address {
        self.0.keys.address()
    }

    /// Who gets the fees.
    pub fn fee_to(&self) -> Address {
        self.0.config.fee_to.unwrap_or_else(|| self.address())
    }

    /// Waits until no settlement is in progress; call it when no more can come in.
    pub async fn finish(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.0.keys
    }

    pub(crate) fn grid(&self, network: Network) -> Option<&TronGrid> {
        self.0.grids.get(&network)
    }

    pub(crate) fn grids(&self) -> impl Iterator<Item = &TronGrid> {
        self.0.grids.values()
    }

    pub(crate) fn flights(&self) -> &Flights {
        &self.0.flights
    }

    pub(crate) fn tasks(&self) -> &TaskTracker {
        &self.0.tasks
    }
}

impl fmt::Debug for Facilitator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Facilitator").field("address", &self.address()).field("grids", &self.0.grids).finish()
    }
}
