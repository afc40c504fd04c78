//! The owner process: opens the wallet, the port, both sockets and the runtime file, and closes them in
//! order. Refuses to move: a port that is taken is an error, never another port.

use crate::control;
use crate::door::Entrance;
use crate::holder::Holder;
use crate::limits::Limits;
use crate::os::{self, SocketListener};
use crate::routes;
use crate::runtime::{self, Places, RuntimeFile, Sockets, Told};
use axum::{Extension, Router};
use serve::{Loopback, Server};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::{TcpListener, TcpSocket};
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
    pub nile_node: Option<wallet::NodeConfig>,
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
        "{address} is taken by {by}, and Countersign never moves silently. End that program, or set `port` in \
        {config} (0 picks any); where it really listens is then told in {runtime_file}, which programs read"
    )]
    PortTaken { address: SocketAddr, by: String, config: String, runtime_file: String },
    #[error("127.0.0.1:{port} can't be opened: {source}")]
    Port { port: u16, source: io::Error },
    #[error("the sockets can't be made: {0}")]
    Sockets(io::Error),
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
    /// Both loopback addresses, held and not heard yet.
    ports: Option<Ports>,
}

/// A running owner. Dropping it removes the runtime file; `shutdown` also lets calls in progress end.
pub struct Owner {
    desk: Desk,
    addr: SocketAddr,
    told: Arc<Told>,
    stranger: Option<String>,
    places: Places,
    server: Server,
}

/// The wallet without a door for apps: a command that is the owner for its own length. Other commands reach it through
/// the control socket meanwhile.
pub struct Quiet {
    desk: Desk,
    control: Option<PathBuf>,
    server: Server,
}

impl Quiet {
    pub fn desk(&self) -> &Desk {
        &self.desk
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        self.server.stop();
        if let Some(socket) = &self.control {
            let _ = std::fs::remove_file(socket);
        }
    }
}

impl Opened {
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// Closes the wallet again.
    pub async fn close(self) {
        self.desk.wallet().close().await;
    }

    fn port(&self) -> u16 {
        self.options.port.unwrap_or(self.desk.wallet().config().port)
    }

    /// Takes the port without listening yet: one that is taken is told before anybody types a passphrase, and no
    /// program waits at one where nobody hears.
    pub async fn reserve(&mut self) -> Result<(), StartError> {
        match Ports::hold(self.port()) {
            Ok(ports) => self.ports = Some(ports),
            Err(source) => return Err(self.taken(source).await),
        }
        Ok(())
    }

    async fn taken(&self, source: io::Error) -> StartError {
        let port = self.port();
        if source.kind() != io::ErrorKind::AddrInUse {
            return StartError::Port { port, source };
        }
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        StartError::PortTaken {
            address,
            by: occupant(address).await,
            config: self.places.data_dir.join("config.toml").display().to_string(),
            runtime_file: self.places.runtime_file.display().to_string(),
        }
    }

    /// Opens all doors or none. Where one can't be opened, the wallet is closed again and its folder free.
    pub async fn listen(self) -> Result<Owner, StartError> {
        let desk = self.desk.clone();
        let opened = self.open_doors().await;
        if opened.is_err() {
            desk.wallet().close().await;
        }
        opened
    }

    async fn open_doors(mut self) -> Result<Owner, StartError> {
        // A file left by a crash must not mislead anybody while this start may still fail.
        let _ = std::fs::remove_file(&self.places.runtime_file);

        let port = self.port();
        let ports = match self.ports.take() {
            Some(ports) => Ok(ports),
            None => Ports::hold(port),
        };
        let (tcp, tcp6) = match ports.and_then(Ports::listen) {
            Ok(listeners) => listeners,
            Err(source) => return Err(self.taken(source).await),
        };
        let Self { options, mut places, desk, .. } = self;
        let addr = tcp.local_addr().map_err(|source| StartError::Port { port, source })?;
        let failed = |path: &Path, source| StartError::Path { path: path.display().to_string(), source };
        let sockets = if cfg!(unix) {
            let Sockets { apps, control, .. } = places.make_sockets().map_err(StartError::Sockets)?;
            let bind = |path: &Path| SocketListener::bind(path).map_err(|e| failed(path, e));
            Some((bind(&apps)?, bind(&control)?))
        } else {
            None
        };
        let runtime = RuntimeFile {
            profile: options.profile,
            pid: std::process::id(),
            address: addr.to_string(),
            unix_socket: places.sockets.as_ref().filter(|_| sockets.is_some()).map(|s| s.apps.clone()),
            control_socket: places.sockets.as_ref().filter(|_| sockets.is_some()).map(|s| s.control.clone()),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: jiff::Timestamp::now().to_string(),
        };

        let server = Server::default();
        let limits = options.limits;
        let router = routes::router(desk.clone(), limits.clone());
        server.listen(Loopback(tcp), by(&router, Entrance::Tcp { address: addr }), limits.apps());
        let stranger = match tcp6 {
            Some(tcp6) => {
                let address = SocketAddr::from((Ipv6Addr::LOCALHOST, addr.port()));
                server.listen(Loopback(tcp6), by(&router, Entrance::Tcp { address }), limits.apps());
                None
            }
            None => stranger(addr.port()).await,
        };
        if let Some(stranger) = &stranger {
            tracing::warn!("{stranger}");
        }
        if let Some((unix, control)) = sockets {
            server.listen(unix, by(&router, Entrance::Unix), limits.apps());
            let verbs = control::router(desk.clone(), limits.clone());
            server.listen(control, by(&verbs, Entrance::Unix), limits.owners());
        }
        let written = match places.runtime_file.parent() {
            Some(dir) => os::private_dir(dir).map_err(|e| failed(dir, e)),
            None => Ok(()),
        };
        let told = written.and_then(|()| {
            Told::start(runtime, &places.runtime_file, desk.wallet()).map_err(|e| failed(&places.runtime_file, e))
        });
        let told = match told {
            Ok(told) => told,
            Err(error) => {
                server.stop();
                forget_sockets(&places);
                return Err(error);
            }
        };
        let owner = Owner { desk, addr, told, stranger, places, server };
        owner.desk.wallet().lock_before_sleep();
        owner.desk.wallet().set_listening(Some(owner.runtime().address.clone()));
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
        Ok(Opened { options, places, desk, ports: None })
    }

    /// Opens everything or nothing.
    pub async fn start(options: OwnerOptions) -> Result<Self, StartError> {
        Self::open(options).await?.listen().await
    }

    /// For a command that is the owner for its own length. Where no control socket can be made it goes without.
    pub async fn quiet(options: OwnerOptions) -> Result<Quiet, StartError> {
        let Opened { options, mut places, desk, .. } = Self::open(options).await?;
        let server = Server::default();
        let bound = places.make_sockets().and_then(|s| Ok((SocketListener::bind(&s.control)?, s.control)));
        let control = match bound {
            Ok((listener, control_socket)) => {
                let router = control::router(desk.clone(), options.limits.clone());
                server.listen(listener, by(&router, Entrance::Unix), options.limits.owners());
                Some(control_socket)
            }
            Err(error) => {
                tracing::debug!(%error, "no control socket for the length of this command");
                None
            }
        };
        Ok(Quiet { desk, control, server })
    }

    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// Where the port really listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Who else listens where programs may look for us, in a sentence.
    pub fn stranger(&self) -> Option<&str> {
        self.stranger.as_deref()
    }

    pub fn runtime(&self) -> &RuntimeFile {
        self.told.file()
    }

    /// Takes the runtime file away, ends the doors, then closes the wallet.
    pub async fn shutdown(self) {
        // Nothing comes back any more.
        self.server.stop();
        self.forget();
        self.server.shutdown().await;
        self.desk.wallet().close().await;
    }

    fn forget(&self) {
        self.told.end();
        forget_sockets(&self.places);
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.server.stop();
        self.forget();
    }
}

fn forget_sockets(places: &Places) {
    for socket in places.sockets.iter().flat_map(|sockets| [&sockets.apps, &sockets.control]) {
        let _ = std::fs::remove_file(socket);
    }
}

/// Marks every request with the way that it came in by.
fn by(router: &Router, entrance: Entrance) -> Router {
    router.clone().layer(Extension(entrance))
}

/// Tries for a free port that is free on both loopback addresses.
const TRIES: usize = 16;
/// Callers that may wait to be taken.
const BACKLOG: u32 = 1024;

/// A port on both loopback addresses: "localhost" is either. The second is absent where the machine has no such
/// address, or where somebody else is there already; with port 0 one is taken that is free on both.
struct Ports {
    tcp: TcpSocket,
    tcp6: Option<TcpSocket>,
}

impl Ports {
    fn hold(port: u16) -> io::Result<Self> {
        let mut tries = 0;
        loop {
            let tcp = bound(TcpSocket::new_v4()?, (Ipv4Addr::LOCALHOST, port).into())?;
            tries += 1;
            let same = tcp.local_addr()?.port();
            let tcp6 = TcpSocket::new_v6().and_then(|tcp6| bound(tcp6, (Ipv6Addr::LOCALHOST, same).into()));
            match tcp6 {
                Ok(tcp6) => return Ok(Self { tcp, tcp6: Some(tcp6) }),
                Err(e) if port == 0 && tries < TRIES && e.kind() == io::ErrorKind::AddrInUse => {}
                Err(_) => return Ok(Self { tcp, tcp6: None }),
            }
        }
    }

    fn listen(self) -> io::Result<(TcpListener, Option<TcpListener>)> {
        let tcp = self.tcp.listen(BACKLOG)?;
        Ok((tcp, self.tcp6.and_then(|tcp6| tcp6.listen(BACKLOG).ok())))
    }
}

fn bound(socket: TcpSocket, address: SocketAddr) -> io::Result<TcpSocket> {
    // A port whose connections are just ending is free; elsewhere the same word would let two listen.
    if cfg!(unix) {
        socket.set_reuseaddr(true)?;
    }
    socket.bind(address)?;
    Ok(socket)
}

/// Somebody else at the other loopback address: whoever says "localhost" may meet it instead of us.
async fn stranger(port: u16) -> Option<String> {
    let address = SocketAddr::from((Ipv6Addr::LOCALHOST, port));
    tokio::net::TcpStream::connect(address).await.ok()?;
    let by = occupant(address).await;
    Some(format!(
        "{address} is held by {by}: a program that looks for Countersign at \"localhost\" may send its token there. End that \
         program, or have yours use 127.0.0.1:{port}"
    ))
}

/// Who listens there, in words.
async fn occupant(address: SocketAddr) -> String {
    let holder = Holder::of_port(address).map(|holder| holder.to_string());
    match countersign_answers(address).await {
        true => {
            let named = holder.map_or_else(String::new, |holder| format!(": {holder}"));
            format!("another Countersign (another user's, or another profile of yours{named})")
        }
        false => holder.unwrap_or_else(|| "another program".to_owned()),
    }
}

/// Whether what listens there says of itself that it is a Countersign. Believed for the sake of a sentence only; nothing
/// is sent that is not public.
async fn countersign_answers(address: SocketAddr) -> bool {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let asked = async {
        let mut stream = tokio::net::TcpStream::connect(address).await?;
        let request = format!("GET /v1/health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
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
    let sockets = places.sockets.as_ref().map(|sockets| &sockets.dir);
    for place in [Some(&places.runtime_file), sockets].into_iter().flatten() {
        if place.to_str().is_none() {
            return Err(OpenError::NotText { dir: place.display().to_string() }.into());
        }
    }
    if let Some(found) = runtime::profile_of(dir).filter(|found| *found != options.profile) {
        let (dir, asked) = (dir.display().to_string(), options.profile.clone());
        return Err(StartError::OtherProfile { dir, found, asked });
    }
    let mut wallet = wallet::Options::new(dir, &options.profile);
    wallet.nile.clone_from(&options.nile_node);
    if options.profile == runtime::DEVNET && wallet.nile.is_none() {
        wallet.nile = Some(NO_CHAIN.to_owned().into());
    }
    wallet.cost = options.cost;
    wallet.new_ledger = options.new_ledger;
    let desk = Desk::new(Wallet::open(wallet).await?);
    runtime::mark_profile(dir, &options.profile)
        .map_err(|source| StartError::Path { path: dir.display().to_string(), source })?;
    Ok(desk)
}
