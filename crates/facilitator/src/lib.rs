//! A facilitator for x402 payments on TRON: judges payments, settles them by the call that their scheme has for it,
//! and answers sellers over HTTP. Settles one authorization once, however often it is asked and however often it is
//! killed in between, and tells one caller that it is settled; holds no money of anybody: a contract moves the buyer's
//! tokens to the seller.
//!
//! It settles `exact_permit`, also under its older name `exact`, and `exact` by the token's own authorization or by
//! Permit2. Everything else is refused with `unsupported_scheme`.
//!
//! ```no_run
//! use facilitator::{Config, Facilitator, Payees, TokenTerms};
//! use tron::{Amount, Network, PrivateKey, token};
//!
//! # async fn example(key: PrivateKey, seller: tron::Address) -> Result<(), Box<dyn std::error::Error>> {
//! let tokens = token::all().iter().filter(|t| t.network == Network::Nile && t.symbol == "USDT");
//! // 0.01 USDT, nothing up to 0.10 USDT.
//! let (fee, free_up_to) = (Amount::from_u64(10_000), Amount::from_u64(100_000));
//! let tokens = tokens.map(|t| TokenTerms::flat(t.network, t.address, fee, free_up_to));
//! let payees = Payees::Listed([seller].into());
//! let config = Config { tokens: tokens.collect(), payees, ..Config::default() };
//! let nile = chain::TronGrid::new(chain::Config::public(Network::Nile))?;
//! let facilitator = Facilitator::new(config, key.into(), [nile])?;
//! facilitator.ready().await?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:4021").await?;
//! facilitator.serve(listener, facilitator::CancellationToken::new()).await;
//! # Ok(())
//! # }
//! ```

mod budget;
mod carry;
mod config;
mod crowd;
mod dropped;
mod fees;
mod flights;
mod follow;
mod health;
mod keeper;
mod keys;
mod metrics;
mod openapi;
mod pace;
mod payments;
mod quote;
mod rate;
mod reason;
mod router;
mod secrets;
mod settings;
mod settle;
pub mod shapes;
mod signers;
mod store;
mod tell;
mod verify;
mod vouch;

pub use budget::{Budget, Payees};
pub use config::{Clock, Config, ConfigError, TokenTerms, Verify};
pub use fees::FeeRule;
pub use keys::Keys;
pub use openapi::json as openapi_json;
pub use rate::RateLimit;
pub use reason::Reason;
pub use secrets::secret_line;
pub use settings::{EXAMPLE, KeySource, LogFormat, Settings, SettingsError};
pub use settle::Settled;
pub use store::StoreError;
pub use tokio_util::sync::CancellationToken;
pub use verify::Rejected;

use budget::Budgets;
use chain::{ChainError, TronGrid};
use flights::Flights;
use metrics::Metrics;
use pace::Pace;
use rate::Rates;
use signers::{Enough, Signers};
use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{Arc, atomic::AtomicBool},
};
use store::{Price, Store};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use tron::{Address, Network};
use vouch::vouch;

/// Judges and settles payments. Cheap to clone; clones share what is being settled.
#[derive(Clone)]
pub struct Facilitator(Arc<Inner>);

struct Inner {
    config: Config,
    keys: Keys,
    signers: Signers,
    grids: HashMap<Network, TronGrid>,
    store: Store,
    /// Today's, and earlier ones that were quoted.
    prices: Vec<Price>,
    flights: Flights,
    metrics: Metrics,
    pace: Pace,
    budgets: Budgets,
    rates: Option<Rates>,
    /// For requests being answered.
    places: Semaphore,
    tasks: TaskTracker,
    /// Whether [`Facilitator::ready`] has begun to look after things.
    kept: AtomicBool,
    stop: CancellationToken,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop.cancel();
    }
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
    /// `grids`: one per network. Opens the database; connects to nothing yet.
    pub fn new(config: Config, keys: Keys, grids: impl IntoIterator<Item = TronGrid>) -> Result<Self, ConfigError> {
        let grids: HashMap<_, _> = grids.into_iter().map(|grid| (grid.network(), grid)).collect();
        config.check(&grids.keys().copied().collect::<HashSet<_>>())?;
        let enough = Enough { sun: config.low_sun, energy: config.enough_energy };
        let signers = Signers::new(keys.addresses().collect(), enough);
        let Some(&first) = signers.addresses().first() else { return Err(ConfigError::NoKey) };
        let fee_to = config.fee_to.unwrap_or(first);
        let today = config.tokens.iter().map(|terms| Price {
            network: terms.network,
            token: terms.token,
            rule: terms.fee.clone(),
            fee_to,
            quote_seconds: config.quote_lifetime.as_secs(),
            until: None,
        });
        let today: Vec<Price> = today.collect();
        let failed = |source| ConfigError::Database { path: store::shown(config.database.as_deref()), source };
        let store = Store::open(config.database.as_deref()).map_err(failed)?;
        let prices = store.set_prices(&today, config.clock.now()).map_err(failed)?;
        let before = store.costs_since(Budgets::since(config.clock.now())).map_err(failed)?;
        let budgets = Budgets::new(config.payee_budget, config.budget, before);
        Ok(Self(Arc::new(Inner {
            flights: Flights::new(config.settling),
            rates: config.rate_limit.map(Rates::new),
            places: Semaphore::new(config.requests.min(Semaphore::MAX_PERMITS)),
            config: Config { fee_to: Some(fee_to), ..config },
            keys,
            signers,
            grids,
            store,
            prices,
            metrics: Metrics::new(),
            pace: Pace::default(),
            budgets,
            tasks: TaskTracker::new(),
            kept: AtomicBool::new(false),
            stop: CancellationToken::new(),
        })))
    }

    /// Checks every network once before the first payment: the node serves that chain, every contract that the
    /// settings lead to is there, and its domain is the one that buyers sign for. From then on, until [`Facilitator::finish`], it finds out by itself
    /// what became of transactions that an earlier process sent, and watches its accounts. Needs a tokio runtime.
    pub async fn ready(&self) -> Result<(), NotReady> {
        for grid in self.grids() {
            vouch(self.config(), grid).await?;
        }
        self.look_at_the_clock().await;
        self.look_into_purses().await;
        self.show_budget();
        self.keep();
        Ok(())
    }

    /// The first of the accounts that send settlements.
    pub fn address(&self) -> Address {
        self.addresses().first().copied().unwrap_or(Address::ZERO)
    }

    /// The accounts that send the settlements; one of them is the `caller` in every permit.
    pub fn addresses(&self) -> &[Address] {
        self.0.signers.addresses()
    }

    /// Who gets the fees.
    pub fn fee_to(&self) -> Address {
        self.0.config.fee_to.unwrap_or_else(|| self.address())
    }

    /// Waits until no settlement is in progress; call it when no more can come in.
    pub async fn finish(&self) {
        self.0.stop.cancel();
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

    pub(crate) fn signers(&self) -> &Signers {
        &self.0.signers
    }

    /// The account to send with next.
    pub(crate) fn pick(&self, network: Network) -> Option<Address> {
        let stuck = self.0.store.stuck().unwrap_or_else(|error| {
            settle::unwritten(&error);
            HashMap::new()
        });
        self.0.signers.pick(network, &stuck)
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(crate) fn prices(&self) -> &[Price] {
        &self.0.prices
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    pub(crate) fn pace(&self) -> &Pace {
        &self.0.pace
    }

    pub(crate) fn budgets(&self) -> &Budgets {
        &self.0.budgets
    }

    pub(crate) fn rates(&self) -> Option<&Rates> {
        self.0.rates.as_ref()
    }

    pub(crate) fn places(&self) -> &Semaphore {
        &self.0.places
    }

    pub(crate) fn tasks(&self) -> &TaskTracker {
        &self.0.tasks
    }
}

impl fmt::Debug for Facilitator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Facilitator").field("addresses", &self.addresses()).field("grids", &self.0.grids).finish()
    }
}
