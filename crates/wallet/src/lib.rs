//! The use cases of the wallet, no transport: pay, answer, allow, reconcile, and the queue of questions.
//! The one way through: a plan is made, judged inside the ledger's reserving transaction, asked if need be,
//! signed, recorded. Refuses everything that it did not decode itself; no signature without its row.

mod accounts;
mod afresh;
mod allowance;
mod answer;
mod apps;
mod arming;
mod asked;
mod choosing;
mod clock;
mod config;
mod cut;
mod error;
mod event;
mod facts;
mod flood;
mod ground;
mod heads;
mod keyring;
mod keys;
mod locks;
mod lookup;
mod odd;
mod options;
mod owner;
mod pay;
mod planner;
mod presence;
mod proof;
mod record;
mod rejudge;
mod remembered;
mod settle;
mod sign;
mod sleep;
mod tokens;
mod tries;
mod vouch;

pub use accounts::{Import, check_keystore, read_key, read_keystore, read_words};
pub use allowance::{offered_totals, total_range};
pub use answer::{AllowanceChoice, Answer, Proof, Scope};
pub use apps::{Pairing, PairingState};
pub use arming::ARMING_MS;
pub use asked::{Most, PayRequest, Prefer};
pub use chain::{ChainError, Door, DoorCheck, DoorState, NodeCheck};
pub use clock::{Clock, HandClock, SystemClock};
pub use config::{Config, ConfigError, NodeConfig};
pub use error::{Unpayable, WalletError};
pub use event::{AllowanceStep, Event};
pub use heads::{Clocks, RecordOff};
pub use keyring::KeyringError;
pub use keys::{PASSPHRASE_MIN, prove_at};
pub use lookup::{Lookup, OnChain};
pub use odd::{odd, refused, shortened};
pub use options::Choice;
pub use owner::{LASTING_MS, Question};
pub use pay::{Checked, Outcome, Report};
pub use plan::{AppId, Moment};
pub use policy::EARLY_SECS;
pub use presence::Listens;
pub use proof::{ProofKey, proof_of};
pub use remembered::Remembering;
pub use sign::Header;
pub use tries::WrongTries;
pub use vault::own::{check_folder, make_folder};
pub use vault::{Cost, Passphrase, read_owner_only as read_private, write_new as write_private};

use chain::TronGrid;
use ledger::{Ledger, LedgerError, PaymentId};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::broadcast;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tron::Network;

/// A wallet on one profile folder. Cheap to clone; every clone is the same wallet.
#[derive(Clone)]
pub struct Wallet(pub(crate) Arc<Inner>);

tokio::task_local! {
    /// Set on a thread that may wait for the record itself: see [`Wallet::aside`].
    static ASIDE: ();
}

pub(crate) struct Inner {
    options: Options,
    config: Config,
    ledger: Arc<Ledger>,
    keys: keys::Keys,
    keyring: keyring::Keyring,
    /// What the keyring had against it when it was last asked.
    trouble: Mutex<Option<KeyringError>>,
    nodes: BTreeMap<Network, TronGrid>,
    time: clock::Time,
    events: broadcast::Sender<Event>,
    arming: Mutex<arming::Arming>,
    flood: Mutex<flood::Flood>,
    calls: flood::Calls,
    /// One request at a time per app and URL: two purchases of the same thing know of each other.
    turns: Turns,
    /// Counting the open questions and adding one is one step.
    entering: tokio::sync::Mutex<()>,
    seen: Mutex<HashMap<AppId, i64>>,
    tokens: Mutex<apps::Tokens>,
    /// What the chain said a moment ago.
    memory: Mutex<facts::Memory>,
    /// Boot time at which each open question closes; wall time stands in its row.
    closes: Mutex<HashMap<PaymentId, i64>>,
    /// Who waits for the answers to open questions.
    presence: Mutex<presence::Presence>,
    /// Open questions that something was signed beside.
    stale: Mutex<afresh::Stale>,
    /// One approving transaction at a time per token and account: the later one counts what the earlier one gave.
    allowing: Allowing,
    pairings: Mutex<Vec<apps::Open>>,
    dangers: Mutex<Vec<PaymentId>>,
    /// One task works on a payment at a time.
    working: Mutex<HashSet<PaymentId>>,
    /// Allowance totals that a person chose, until their transaction is written down.
    totals: Mutex<HashMap<PaymentId, tron::Amount>>,
    /// Contracts that stated the domain which is signed for, with its separator.
    vouched: Mutex<HashSet<(Network, tron::Address, [u8; 32])>>,
    /// Last storage failure, told in the status.
    failure: Mutex<Option<String>>,
    /// Whether this machine's clock is ahead of the newest block, or behind, as it was told last.
    clock_told: Mutex<Option<bool>>,
    listening: Mutex<Option<String>>,
    auto_lock: Mutex<Option<u32>>,
    permit2: Mutex<Option<String>>,
    tasks: TaskTracker,
    stop: CancellationToken,
    /// Held until the wallet is closed: one owner process per profile.
    lock: Mutex<Option<std::fs::File>>,
    /// For programs that have no token yet.
    proof_key: ProofKey,
}

type Allowing = Mutex<HashMap<(Network, tron::Address, tron::Address), Arc<tokio::sync::Mutex<()>>>>;
type Turns = Mutex<HashMap<(AppId, String), Arc<tokio::sync::Mutex<()>>>>;

/// Where and how a wallet opens.
#[derive(Clone)]
pub struct Options {
    /// The profile's folder: vault.json, ledger.db, config.toml, lock.
    pub dir: PathBuf,
    /// "main", or "devnet" where Nile is the chain inside this program.
    pub profile: String,
    /// Takes the place of Nile's nodes (practice and tests).
    pub nile: Option<NodeConfig>,
    pub clock: Arc<dyn Clock>,
    /// Cost of a new vault's key derivation.
    pub cost: Cost,
    /// The person wants a new record where the one of this wallet is gone.
    pub new_ledger: bool,
}

impl Options {
    pub fn new(dir: impl Into<PathBuf>, profile: impl Into<String>) -> Self {
        Self {
            dir: dir.into(),
            profile: profile.into(),
            nile: None,
            clock: Arc::new(SystemClock),
            cost: Cost::default(),
            new_ledger: false,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("another Countersign has {dir} open")]
    AlreadyOpen { dir: String },
    #[error(
        "this file system can't lock files ({detail}), so {dir} can't hold a wallet: choose a folder on a local disk \
         (--data-dir)"
    )]
    NoLocks { dir: String, detail: String },
    #[error(
        "the name of {dir} is not UTF-8, and programs could not be told where the wallet is: rename it, or choose another \
         folder (--data-dir)"
    )]
    NotText { dir: String },
    #[error("{path} can't be opened: {source}")]
    Folder { path: String, source: std::io::Error },
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// The wallet is there and its record is not: a new one would have forgotten limits, known payees and what is still
    /// out, so it takes the person's word ([`Options::new_ledger`]).
    #[error("{path} is {}, although there is a wallet beside it", if *.empty { "empty" } else { "not there" })]
    LedgerGone { path: String, empty: bool },
    #[error("{0}")]
    Ledger(#[from] LedgerError),
    #[error("{0}")]
    Vault(#[from] vault::VaultError),
    #[error("{0}")]
    Node(chain::ChainError),
}

/// The default folder of a profile: `$XDG_DATA_HOME/countersign/<profile>` and its kin elsewhere.
pub fn default_dir(profile: &str) -> Option<PathBuf> {
    dirs::data_dir().map(|dir| dir.join("countersign").join(profile))
}

/// Where a person looks for a file that was saved: the downloads, or the home folder.
pub fn export_dir() -> Option<PathBuf> {
    dirs::download_dir().filter(|dir| dir.is_dir()).or_else(dirs::home_dir)
}

impl Wallet {
    /// Opens a profile: takes its lock, reads its configuration, opens ledger and vault (locked), and takes
    /// up what an earlier process left unfinished. Needs a tokio runtime.
    pub async fn open(options: Options) -> Result<Self, OpenError> {
        let folder = |source| OpenError::Folder { path: options.dir.display().to_string(), source };
        if options.dir.to_str().is_none() {
            return Err(OpenError::NotText { dir: options.dir.display().to_string() });
        }
        vault::own::make_folder(&options.dir).map_err(|e| folder(e.into()))?;
        let lock = std::fs::File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(options.dir.join("lock"))
            .map_err(folder)?;
        locks::take(&lock).map_err(|none| none.at(&options.dir))?;
        let config = Config::load(&options.dir.join("config.toml"))?;
        let keys = keys::Keys::open(options.dir.join("vault.json"), options.cost, Arc::clone(&options.clock))?;
        let ledger = Arc::new(open_ledger(&options, keys.exists())?);
        let nodes = planner::nodes(&config, &options)?;
        let inner = Inner {
            ledger,
            keys,
            keyring: keyring::Keyring::default(),
            trouble: Mutex::default(),
            nodes,
            time: clock::Time::start(Arc::clone(&options.clock)),
            events: broadcast::channel(1024).0,
            arming: Mutex::default(),
            flood: Mutex::default(),
            calls: flood::Calls::new(Arc::clone(&options.clock)),
            turns: Mutex::default(),
            entering: tokio::sync::Mutex::default(),
            seen: Mutex::default(),
            tokens: Mutex::default(),
            memory: Mutex::default(),
            closes: Mutex::default(),
            presence: Mutex::default(),
            stale: Mutex::default(),
            allowing: Mutex::default(),
            pairings: Mutex::default(),
            dangers: Mutex::default(),
            working: Mutex::default(),
            totals: Mutex::default(),
            vouched: Mutex::default(),
            failure: Mutex::default(),
            clock_told: Mutex::default(),
            listening: Mutex::default(),
            auto_lock: Mutex::default(),
            permit2: Mutex::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            lock: Mutex::new(Some(lock)),
            proof_key: ProofKey::random().map_err(|_| folder(std::io::Error::other("no system randomness")))?,
            config,
            options,
        };
        let wallet = Self(Arc::new(inner));
        wallet.restore_settings()?;
        wallet.restore().await?;
        settle::watch(&wallet);
        heads::watch(&wallet);
        Ok(wallet)
    }

    /// Stops all background work, forgets the keys and gives the profile free. What was going on is in its
    /// rows and goes on when the profile is opened again.
    pub async fn close(&self) {
        self.lock();
        self.0.stop.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
        if let Err(error) = self.0.ledger.place_waiting() {
            tracing::warn!(%error, "a payment is put in its place when the record is opened again");
        }
        *lock(&self.0.lock) = None;
    }

    /// Work on money that goes on to its end although whoever asked for it hung up.
    pub(crate) async fn detached<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, WalletError>> + Send + 'static,
    ) -> Result<T, WalletError> {
        self.0.tasks.spawn(work).await.map_err(|_| WalletError::Check { check: "background work" })?
    }

    /// Work with the record that waits for nothing else, in one go: a step from an async thread to one beside it and
    /// back takes longer than most questions to the record. Where there are several async threads it stays on this one,
    /// whose other tasks move on; it goes on to its end although the caller hangs up.
    pub(crate) async fn aside<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, WalletError>> + Send + 'static,
    ) -> Result<T, WalletError> {
        let runtime = tokio::runtime::Handle::current();
        let flavor = runtime.runtime_flavor();
        let work = move || runtime.block_on(ASIDE.scope((), work));
        match flavor {
            tokio::runtime::RuntimeFlavor::CurrentThread => self.0.tasks.spawn_blocking(work).await,
            _ => Ok(tokio::task::block_in_place(work)),
        }
        .map_err(|_| WalletError::Check { check: "background work" })?
    }

    /// Work that outlives its caller and ends with the wallet.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let stop = self.0.stop.clone();
        self.0.tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = work => {}
            }
        });
    }

    pub fn profile(&self) -> &str {
        &self.0.options.profile
    }

    pub fn dir(&self) -> &std::path::Path {
        &self.0.options.dir
    }

    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Networks that have a node here. The devnet profile has Nile alone.
    pub fn networks(&self) -> Vec<Network> {
        self.0.nodes.keys().copied().collect()
    }

    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.0.events.subscribe()
    }

    /// Now, as rows and limits count it.
    pub fn now(&self) -> Moment {
        self.0.time.now()
    }

    /// The storage failure that stopped signing, if there is one.
    pub fn storage_failure(&self) -> Option<String> {
        lock(&self.0.failure).clone()
    }

    pub(crate) fn emit(&self, event: Event) {
        // Nobody listening is fine.
        let _ = self.0.events.send(event);
    }

    /// The one door to the ledger: beside the async threads, and a storage failure is remembered.
    pub(crate) async fn db<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Ledger) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, WalletError> {
        if self.0.stop.is_cancelled() {
            return Err(WalletError::Closed);
        }
        let ledger = Arc::clone(&self.0.ledger);
        let result = match ASIDE.try_with(|()| ()) {
            Ok(()) => work(&ledger),
            Err(_) => keys::blocking(move || work(&ledger)).await?,
        };
        if let Err(e) = &result
            && e.is_storage()
        {
            *lock(&self.0.failure) = Some(e.to_string());
        }
        Ok(result?)
    }

    /// A row was written: storage works.
    pub(crate) fn stored(&self) {
        *lock(&self.0.failure) = None;
    }

    pub(crate) fn node(&self, network: Network) -> Result<&TronGrid, WalletError> {
        self.0.nodes.get(&network).ok_or(WalletError::NoNode { network })
    }
}

/// The record of this wallet. A first start makes both, the record first; later a wallet has one.
fn open_ledger(options: &Options, has_wallet: bool) -> Result<Ledger, OpenError> {
    let path = options.dir.join("ledger.db");
    if !has_wallet || options.new_ledger {
        return Ok(Ledger::open(&path)?);
    }
    Ledger::open_existing(&path).map_err(|error| match error {
        LedgerError::Gone { empty } => OpenError::LedgerGone { path: path.display().to_string(), empty },
        other => other.into(),
    })
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
