//! The owner process: opens the wallet, the port, both sockets and the runtime file, and closes them in
//! order. Refuses to move: a port that is taken is an error, never another port.

use crate::control;
use crate::door::Entrance;
use crate::limits::Limits;
use crate::os::{self, SocketListener};
use crate::routes;
use crate::runtime::{self, Places, RuntimeFile};
use crate::serve::Server;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use tokio::net::TcpListener;
use view::{Code, Desk, Failure};
use wallet::{OpenError, Wallet};

/// How an owner starts. `OwnerOptions::default()` is the product's: profile main, its own folder and port.
pub struct OwnerOptions {
    /// A folder of its own; absent: the user's default for the profile.
    pub data_dir: Option<PathBuf>,
    pub profile: String,
    /// Absent: the setting `port`, 4020 by default. 0: any, for tests and demos.
    pub port: Option<u16>,
    /// Takes the place of Nile's nodes: the chain inside this program.
    pub nile_node: Option<String>,
    /// No window: nothing may look into the process or write its memory down.
    pub headless: bool,
    /// Cost of a new vault's key derivation.
    pub cost: wallet::Cost,
    /// The person wants a new record where the one of this wallet is gone.
    pub new_ledger: bool,
    pub limits: Limits,
}

impl Default for OwnerOptions {
    fn default() -> Self {
        Self {
            data_dir: None,
            profile: "main".to_owned(),
            port: None,
            nile_node: None,
            headless: false,
            cost: wallet::Cost::default(),
            new_ledger: false,
            limits: Limits::default(),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("{0}")]
    Open(#[from] OpenError),
    #[error("{0}")]
    Places(io::Error),
    /// One folder is one profile: play keys and real ones never share it.
    #[error("{dir} belongs to the profile {found}, not to {asked}")]
    OtherProfile { dir: String, found: String, asked: String },
    /// `by` says who: another Countersign is most often another user's.
    #[error(
        "127.0.0.1:{port} is taken by {by}, and Countersign never moves silently. End that program, or set `port` in \
        {config} (0 picks any); where it really listens is then told in {runtime_file}, which programs read"
    )]
    PortTaken { port: u16, by: &'static str, config: String, runtime_file: String },
    #[error("127.0.0.1:{port} can't be opened: {source}")]
    Port { port: u16, source: io::Error },
    #[error("{path} can't be opened: {source}")]
    Path { path: String, source: io::Error },
}

impl From<&StartError> for Failure {
    /// With the way out that every surface has; each adds how it is taken.
    fn from(error: &StartError) -> Self {
        match error {
            StartError::Open(OpenError::LedgerGone { path, empty }) => Self::ledger_gone(path, *empty),
            other => Self { message: other.to_string(), advice: None, ..Self::new(Code::Internal, &[]) },
        }
    }
}

/// A wallet that is open, with no door yet: the time to unlock it, so that no program finds it locked that need not.
pub struct Opened {
    options: OwnerOptions,
    places: Places,
    desk: Desk,
}

/// A running owner. Dropping it removes the runtime file; `shutdown` also lets calls in progress end.
pub struct Owner {
    desk: Desk,
    addr: SocketAddr,
    runtime: RuntimeFile,
    places: Places,
    server: Server,
}

impl Opened {
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// Closes the wallet again.
    pub async fn close(self) {
        self.desk.wallet().close().await;
    }

    /// Opens all doors or none.
    pub async fn listen(self) -> Result<Owner, StartError> {
        let Self { options, places, desk } = self;
        // A file left by a crash must not mislead anybody while this start may still fail.
        let _ = std::fs::remove_file(&places.runtime_file);

        let port = options.port.unwrap_or(desk.wallet().config().port);
        let tcp = match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Ok(tcp) => tcp,
            Err(source) if source.kind() == io::ErrorKind::AddrInUse => {
                return Err(StartError::PortTaken {
                    port,
                    by: if countersign_answers(port).await { ANOTHER } else { "another program" },
                    config: places.data_dir.join("config.toml").display().to_string(),
                    runtime_file: places.runtime_file.display().to_string(),
                });
            }
            Err(source) => return Err(StartError::Port { port, source }),
        };
        let addr = tcp.local_addr().map_err(|source| StartError::Port { port, source })?;
        let failed = |path: &Path, source| StartError::Path { path: path.display().to_string(), source };
        let sockets = if cfg!(unix) {
            os::private_dir(&places.socket_dir).map_err(|e| failed(&places.socket_dir, e))?;
            let bind = |path: &Path| SocketListener::bind(path).map_err(|e| failed(path, e));
            Some((bind(&places.unix_socket)?, bind(&places.control_socket)?))
        } else {
            None
        };
        let runtime = RuntimeFile {
            profile: options.profile,
            pid: std::process::id(),
            address: addr.to_string(),
            unix_socket: sockets.is_some().then(|| places.unix_socket.clone()),
            control_socket: sockets.is_some().then(|| places.control_socket.clone()),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: jiff::Timestamp::now().to_string(),
        };

        let server = Server::default();
        let limits = options.limits;
        let router = routes::router(desk.clone(), limits.clone());
        server.listen(tcp, router.clone(), Entrance::Tcp { port: addr.port() }, &limits);
        if let Some((unix, control)) = sockets {
            server.listen(unix, router, Entrance::Unix, &limits);
            server.listen(control, control::router(desk.clone(), limits.clone()), Entrance::Unix, &limits);
        }
        let owner = Owner { desk, addr, runtime, places, server };
        if let Some(dir) = owner.places.runtime_file.parent() {
            os::private_dir(dir).map_err(|e| failed(dir, e))?;
        }
        owner.runtime.write(&owner.places.runtime_file).map_err(|e| failed(&owner.places.runtime_file, e))?;
        owner.desk.wallet().lock_before_sleep();
        owner.desk.wallet().set_listening(Some(owner.runtime.address.clone()));
        Ok(owner)
    }
}

impl Owner {
    /// Opens the wallet and no door.
    pub async fn open(options: OwnerOptions) -> Result<Opened, StartError> {
        if options.headless {
            os::no_core_dumps();
        }
        let places = Places::of(&options.profile, options.data_dir.as_deref()).map_err(StartError::Places)?;
        let desk = open(&options, &places).await?;
        Ok(Opened { options, places, desk })
    }

    /// Opens everything or nothing.
    pub async fn start(options: OwnerOptions) -> Result<Self, StartError> {
        Self::open(options).await?.listen().await
    }

    /// The wallet's desk without any door: for a command that is the owner for its own length.
    pub async fn quiet(options: OwnerOptions) -> Result<Desk, StartError> {
        Ok(Self::open(options).await?.desk)
    }

    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// Where the port really listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub fn runtime(&self) -> &RuntimeFile {
        &self.runtime
    }

    /// Takes the runtime file away, ends the doors, then closes the wallet.
    pub async fn shutdown(self) {
        self.forget();
        self.server.shutdown().await;
        self.desk.wallet().close().await;
    }

    fn forget(&self) {
        self.runtime.remove(&self.places.runtime_file);
        for socket in [&self.places.unix_socket, &self.places.control_socket] {
            let _ = std::fs::remove_file(socket);
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.forget();
        self.server.stop();
    }
}

const ANOTHER: &str = "another Countersign (another user's, or another profile of yours)";

/// Whether what listens there says of itself that it is a Countersign. Believed for the sake of a sentence only; nothing
/// is sent that is not public.
async fn countersign_answers(port: u16) -> bool {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let asked = async {
        let mut stream = tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        let request = format!("GET /v1/health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(4096).read_to_end(&mut answer).await?;
        io::Result::Ok(String::from_utf8_lossy(&answer).contains("\"countersign\""))
    };
    tokio::time::timeout(std::time::Duration::from_secs(1), asked).await.is_ok_and(|said| said.unwrap_or(false))
}

/// Where the devnet profile looks for its chain while that does not run: nobody listens there. Its keys
/// never meet a real network.
const NO_CHAIN: &str = "http://127.0.0.1:1";

async fn open(options: &OwnerOptions, places: &Places) -> Result<Desk, StartError> {
    let dir = &places.data_dir;
    if let Some(found) = runtime::profile_of(dir).filter(|found| *found != options.profile) {
        let (dir, asked) = (dir.display().to_string(), options.profile.clone());
        return Err(StartError::OtherProfile { dir, found, asked });
    }
    let mut wallet = wallet::Options::new(dir, &options.profile);
    wallet.nile.clone_from(&options.nile_node);
    if options.profile == runtime::DEVNET && wallet.nile.is_none() {
        wallet.nile = Some(NO_CHAIN.to_owned());
    }
    wallet.cost = options.cost;
    wallet.new_ledger = options.new_ledger;
    let desk = Desk::new(Wallet::open(wallet).await?);
    runtime::mark_profile(dir, &options.profile)
        .map_err(|source| StartError::Path { path: dir.display().to_string(), source })?;
    Ok(desk)
}
