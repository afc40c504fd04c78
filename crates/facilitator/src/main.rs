//! The `countersign-facilitator` program: reads its settings, opens its keys, checks its networks and serves until it
//! is told to stop; then it finishes what it began. Refuses to start on a network that is not what it should be.

use clap::{Parser, error::ErrorKind};
use facilitator::{CancellationToken, EXAMPLE, Facilitator, KeySource, Keys, LogFormat, Settings, secret_line};
use std::{
    error::Error,
    io::{self, IsTerminal, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;
use vault::{KeyFile, Passphrase, Vault};
use zeroize::Zeroizing;

/// Settles x402 payments on TRON for sellers.
#[derive(Parser)]
#[command(name = "countersign-facilitator", version, about)]
struct Arguments {
    /// The settings file.
    #[arg(long, value_name = "FILE", required_unless_present_any = ["print_config", "new_key"])]
    config: Option<PathBuf>,
    /// Prints a settings file with every setting explained, and ends.
    #[arg(long, exclusive = true)]
    print_config: bool,
    /// Makes a key file that only its owner can read, prints its address, and ends.
    #[arg(long, value_name = "FILE", exclusive = true)]
    new_key: Option<PathBuf>,
}

type Failure = Box<dyn Error>;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match (arguments.print_config, arguments.new_key, arguments.config) {
        (true, _, _) => print(EXAMPLE),
        (_, Some(path), _) => new_key(&path),
        (_, _, Some(path)) => serve(&path),
        _ => Err(clap::Error::new(ErrorKind::MissingRequiredArgument).into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to do when even this can't be written.
            let _ = writeln!(io::stderr(), "countersign-facilitator: {error}");
            ExitCode::FAILURE
        }
    }
}

fn print(text: &str) -> Result<(), Failure> {
    Ok(io::stdout().write_all(text.as_bytes())?)
}

fn new_key(path: &Path) -> Result<(), Failure> {
    let mut key = Zeroizing::new([0; 32]);
    getrandom::fill(key.as_mut()).map_err(|_| "the operating system gave no random numbers")?;
    let key = KeyFile::create(path, &key)?;
    print(&format!("{}\n", key.address()))
}

fn serve(path: &Path) -> Result<(), Failure> {
    let settings = Settings::load(path)?;
    log_as(settings.log);
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if let Some(workers) = settings.workers {
        runtime.worker_threads(workers.get());
    }
    runtime.enable_all().build()?.block_on(run(settings))
}

async fn run(settings: Settings) -> Result<(), Failure> {
    let mut keys: Option<Keys> = None;
    for source in &settings.keys {
        let more = open(source)?;
        keys = Some(match keys {
            None => more,
            Some(keys) => keys.and(more),
        });
    }
    let keys = keys.ok_or("no account to settle with")?;
    let key = chain::ApiKey::of_environment();
    let grids = settings.nodes.into_iter().map(|mut network| {
        network.nodes = network.nodes.into_iter().map(|node| node.or_key(key.as_ref())).collect();
        chain::TronGrid::new(network)
    });
    let grids = grids.collect::<Result<Vec<_>, _>>()?;
    let facilitator = Facilitator::new(settings.config, keys, grids)?;
    facilitator.ready().await?;
    let stop = CancellationToken::new();
    let listener = listen(settings.listen).await?;
    let addresses: Vec<String> = facilitator.addresses().iter().map(ToString::to_string).collect();
    tracing::info!(listen = %listener.local_addr()?, addresses = addresses.join(" "), "serving");
    if let Some(address) = settings.metrics_listen {
        let listener = listen(address).await?;
        tracing::info!(listen = %listener.local_addr()?, "serving metrics");
        let (facilitator, stop) = (facilitator.clone(), stop.clone());
        tokio::spawn(async move { facilitator.serve_metrics(listener, stop).await });
    }
    let told = stop.clone();
    tokio::spawn(async move {
        told_to_stop().await;
        tracing::info!("finishing what was begun");
        told.cancel();
    });
    facilitator.serve(listener, stop).await;
    Ok(())
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    Ok(TcpListener::bind(address).await.map_err(|error| format!("{address}: {error}"))?)
}

fn log_as(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
}

fn open(source: &KeySource) -> Result<Keys, Failure> {
    match source {
        KeySource::File(path) => Ok(KeyFile::load(path)?.into()),
        KeySource::Vault { path, accounts, passphrase_file } => {
            let passphrase = match passphrase_file {
                Some(file) => secret_line(file).map_err(|e| format!("{}: {e}", file.display()))?.to_string(),
                None => rpassword::prompt_password(format!("Passphrase of {}: ", path.display()))?,
            };
            vault::own::check_file(path)?;
            let unlocked = Vault::open(path)?.unlock(&Passphrase::new(passphrase))?;
            Ok(Keys::from_vault(unlocked, accounts)?)
        }
    }
}

/// Resolves on an interrupt, or on the signal that service managers send.
async fn told_to_stop() {
    let interrupt = async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::error!(%error, "interrupts can't be heard");
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(error) => {
                tracing::error!(%error, "the signal to end can't be heard");
                std::future::pending::<()>().await;
            }
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! { () = interrupt => {}, () = terminate => {} }
}
