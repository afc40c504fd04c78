//! What a facilitator settles and for how much, as checked values. Refuses a token without a node for its network,
//! the same token twice, and having nothing to settle.

use crate::{Budget, FeeRule, Payees, RateLimit, StoreError, fees::ALL_BASIS_POINTS};
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
    /// Asked of `exact_permit` payments.
    pub fee: FeeRule,
    /// Whether `exact` payments are settled too. They have no place for a fee and are settled without one.
    pub exact: bool,
    /// The smallest payment that is settled without a fee.
    pub free_from: Amount,
}

impl TokenTerms {
    /// Every scheme, for nothing.
    pub const fn free(network: Network, token: Address) -> Self {
        Self { network, token, fee: FeeRule::FREE, exact: true, free_from: Amount::ZERO }
    }

    /// `exact_permit` alone, at the same fee for every payment above `free_up_to`.
    pub const fn flat(network: Network, token: Address, fee: Amount, free_up_to: Amount) -> Self {
        Self { network, token, fee: FeeRule::flat(fee, free_up_to), exact: false, free_from: Amount::ZERO }
    }
}

/// How far `/verify` goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verify {
    /// Terms, fee, window and signature. `/settle` still runs the payment on the chain before it sends anything.
    Paper,
    /// Then nonce, balance and allowance, by a trial run on the chain.
    #[default]
    Chain,
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

    pub fn now(&self) -> u64 {
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
    /// Whom it settles for: nobody until this is chosen.
    pub payees: Payees,
    /// What settling for one payee may cost …
    pub payee_budget: Budget,
    /// … and for all of them together.
    pub budget: Budget,
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
    /// How far `/verify` goes.
    pub verify: Verify,
    /// The SQLite file in which transactions are noted before they are sent, so that a restart finds out what became
    /// of them. `None` keeps them in memory: then a restart forgets them.
    pub database: Option<PathBuf>,
    /// How long an outcome is kept after its payment's window.
    pub keep: Duration,
    /// The distance between two looks at open transactions and at the accounts' balances.
    pub tend: Duration,
    /// An account with less, in sun, and without energy enough is passed over and reported.
    pub low_sun: u64,
    /// With so much staked energy an account needs no TRX for a settlement.
    pub enough_energy: u64,
    /// The most settlements at the same time.
    pub settling: usize,
    /// The most connections at the same time.
    pub connections: usize,
    /// … and those of one client: an address, or a user of this machine. Not counted behind a proxy.
    pub connections_per_client: usize,
    /// The most requests being answered at the same time, but for `/health` and `/metrics`.
    pub requests: usize,
    /// How long a client may take for the head of a request, and again for its body.
    pub patience: Duration,
    pub rate_limit: Option<RateLimit>,
    /// Whether sellers may read `/metrics`.
    pub metrics: bool,
    pub clock: Clock,
}

/// In sun.
const TRX: u64 = 1_000_000;

impl Default for Config {
    fn default() -> Self {
        Self {
            tokens: Vec::new(),
            payees: Payees::Listed(HashSet::new()),
            payee_budget: Budget { hour_sun: 200 * TRX, day_sun: 1_000 * TRX },
            budget: Budget { hour_sun: 1_000 * TRX, day_sun: 5_000 * TRX },
            fee_to: None,
            facilitator_id: None,
            fee_limit_sun: 100_000_000,
            wait: Duration::from_secs(30),
            poll: Duration::from_secs(1),
            lifetime: Duration::from_secs(60),
            margin: Duration::from_secs(6),
            quote_lifetime: Duration::from_secs(300),
            verify: Verify::Chain,
            database: None,
            keep: Duration::from_secs(30 * 24 * 3600),
            tend: Duration::from_secs(15),
            low_sun: 100_000_000,
            enough_energy: 200_000,
            settling: 1_000,
            connections: 1_000,
            connections_per_client: 250,
            requests: 500,
            patience: Duration::from_secs(10),
            rate_limit: None,
            metrics: true,
            clock: Clock::system(),
        }
    }
}

/// Why a facilitator can't be made from its configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("no token to settle")]
    NoToken,
    /// Not answered for the operator: settling for strangers costs money.
    #[error(
        "payees: expected the addresses of the sellers that it settles for, or \"anybody\" for whoever asks, found none"
    )]
    NoPayee,
    #[error("the token {token} is listed twice for {}", network.label())]
    Twice { network: Network, token: Address },
    #[error("the token {token} is on {}, for which no node is configured", network.label())]
    NoNode { network: Network, token: Address },
    #[error("{field}: expected {expected}, found {found}")]
    Field { field: String, found: String, expected: String },
    #[error("no account to settle with")]
    NoKey,
    #[error("the database {path}: {source}")]
    Database { path: PathBuf, source: StoreError },
    #[error(transparent)]
    Chain(#[from] chain::ChainError),
}

impl Config {
    pub(crate) fn check(&self, networks: &HashSet<Network>) -> Result<(), ConfigError> {
        if matches!(&self.payees, Payees::Listed(payees) if payees.is_empty()) {
            return Err(ConfigError::NoPayee);
        }
        let mut seen = HashSet::new();
        for &TokenTerms { network, token, ref fee, .. } in &self.tokens {
            if fee.basis_points > ALL_BASIS_POINTS {
                let found = format!("{} basis points for {token}", fee.basis_points);
                return Err(ConfigError::Field { field: "fee".into(), found, expected: "at most 10000".into() });
            }
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
