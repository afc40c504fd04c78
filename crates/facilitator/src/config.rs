//! What a facilitator settles and for how much, as checked values. Refuses a token without a node for its network,
//! the same token twice, and having nothing to settle.

use std::{
    collections::HashSet,
    fmt,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tron::{Address, Amount, Network};

/// One token that is settled, and the price of doing so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenTerms {
    pub network: Network,
    pub token: Address,
    /// Flat, in the token's smallest unit; paid by the buyer on top of the price.
    pub fee: Amount,
    /// Payments up to this amount are settled without a fee.
    pub free_up_to: Amount,
}

impl TokenTerms {
    /// The fee for settling a payment of this amount.
    pub fn fee_for(&self, amount: Amount) -> Amount {
        if amount <= self.free_up_to { Amount::ZERO } else { self.fee }
    }
}

/// Seconds since 1970. A devnet whose clock is moved has its own.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> u64 + Send + Sync>);

impl Clock {
    pub fn system() -> Self {
        Self::new(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs()))
    }

    pub fn new(now_secs: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now_secs))
    }

    pub(crate) fn now(&self) -> u64 {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}

/// How a [`crate::Facilitator`] works.
#[derive(Clone, Debug)]
pub struct Config {
    pub tokens: Vec<TokenTerms>,
    /// Who gets the fees; the facilitator's own account when `None`.
    pub fee_to: Option<Address>,
    /// A name for quotes, for people.
    pub facilitator_id: Option<String>,
    /// The most TRX, in sun, that one settlement may burn for energy.
    pub fee_limit_sun: u64,
    /// How long `/settle` waits for a receipt before it answers `settlement_pending`.
    pub wait: Duration,
    /// The distance between two looks at the chain while waiting.
    pub poll: Duration,
    /// How long a settlement transaction can still be included after it was sent.
    pub lifetime: Duration,
    /// What must be left of a permit's window for a settlement to be tried.
    pub margin: Duration,
    /// How long a quoted fee stays good.
    pub quote_lifetime: Duration,
    /// Where sent transactions are noted, so that a restart looks them up instead of sending another.
    pub journal: Option<PathBuf>,
    pub clock: Clock,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            tokens: Vec::new(),
            fee_to: None,
            facilitator_id: None,
            fee_limit_sun: 100_000_000,
            wait: Duration::from_secs(30),
            poll: Duration::from_secs(1),
            lifetime: Duration::from_secs(60),
            margin: Duration::from_secs(6),
            quote_lifetime: Duration::from_secs(300),
            journal: None,
            clock: Clock::system(),
        }
    }
}

/// Why a facilitator can't be made from its configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("no token to settle")]
    NoToken,
    #[error("the token {token} is listed twice for {}", network.label())]
    Twice { network: Network, token: Address },
    #[error("the token {token} is on {}, for which no node is configured", network.label())]
    NoNode { network: Network, token: Address },
    #[error("{field}: expected {expected}, found {found}")]
    Field { field: String, found: String, expected: String },
    #[error("the journal {path}: {source}")]
    Journal { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Chain(#[from] chain::ChainError),
}

impl Config {
    pub(crate) fn check(&self, networks: &HashSet<Network>) -> Result<(), ConfigError> {
        let mut seen = HashSet::new();
        for &TokenTerms { network, token, .. } in &self.tokens {
            if !seen.insert((network, token)) {
                return Err(ConfigError::Twice { network, token });
            }
            if !networks.contains(&network) {
                return Err(ConfigError::NoNode { network, token });
            }
        }
        if seen.is_empty() { Err(ConfigError::NoToken) } else { Ok(()) }
    }

    pub(crate) fn token(&self, network: Network, token: Address) -> Option<&TokenTerms> {
        self.tokens.iter().find(|t| t.network == network && t.token == token)
    }
}
