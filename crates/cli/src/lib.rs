//! The `countersign` command line: thin words around the owner's desk. It decides nothing about a payment,
//! answers no question without a person's passphrase, and takes no secret as an argument or from the
//! environment.

mod args;
mod commands;
mod console;
mod escape;
mod exit;
mod flags;
mod interrupt;
mod question;
mod reach;
mod show;
mod terminal;
mod words;

use args::{Args, Command};
use clap::Parser;
use console::{Console, Screen, Secrets};
use exit::Fail;
use logs::{EnvFilter, LevelFilter};
use std::path::Path;
use std::process::ExitCode;

/// Runs the command of this process's arguments.
pub fn main() -> ExitCode {
    // Usage errors end here with status 2, help and version with 0.
    let args = Args::parse();
    let secrets = Secrets::of(args.global.passphrase_fd);
    log(&args);
    // Before anything is read, and before there is another thread.
    terminal::is_there();
    terminal::never_stop();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => return Fail::plain(format!("the runtime could not start: {e}")).report(args.global.json),
    };
    let json = args.global.json;
    let outcome = runtime.block_on(run(args, secrets));
    let typed: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    // A thread may still wait for a line from the terminal; nobody waits for it.
    runtime.shutdown_background();
    terminal::restore();
    match outcome {
        Ok(()) if show::lost() => Fail::plain("the output could not be written").report(false),
        Ok(()) => ExitCode::SUCCESS,
        Err(fail) => flags::in_words_of(&typed, fail).report(json),
    }
}

/// To standard error as COUNTERSIGN_LOG says (errors when it says nothing), and, while this process holds the wallet
/// for others, to the profile's log files.
fn log(args: &Args) {
    let stderr = EnvFilter::from_env("COUNTERSIGN_LOG");
    let serves = matches!(args.command, Command::Serve(_));
    let folder =
        serves.then(|| helper::data_dir(&args.global.profile(), args.global.data_dir.as_deref()).ok()).flatten();
    // One that others can write to is refused when the wallet is opened; nothing is written there before.
    let folder = folder.filter(|folder| wallet::make_folder(folder).is_ok());
    // A configuration that can't be read is told when the wallet is opened.
    let level = |dir: &Path| wallet::Config::load(&dir.join("config.toml")).ok()?.log_level();
    let files = folder.map(|dir| (logs::folder(&dir), level(&dir).unwrap_or(LevelFilter::INFO)));
    if let Err(e) = logs::start(stderr, files.as_ref().map(|(folder, level)| (folder.as_path(), *level))) {
        show::note!("No log file is written: {e}");
    }
}

/// A new record has forgotten limits, blocks and what is still out: where there is a wallet, its owner says so.
async fn forgetting(global: &args::Global, console: &Console) -> Result<(), Fail> {
    let Some(folder) = global.folder().filter(|folder| folder.join("vault.json").exists()) else { return Ok(()) };
    let passphrase = console.passphrase("Passphrase, to begin a new record: ").await?;
    let proof = wallet::Passphrase::new(passphrase.to_string());
    Ok(wallet::prove_at(&folder, proof).await.map_err(view::Failure::from)?)
}

async fn run(args: Args, secrets: Secrets) -> Result<(), Fail> {
    let Args { global, command } = args;
    let screen = if matches!(command, Command::Pay(_)) || global.json { Screen::Aside } else { Screen::Output };
    let console = Console::new(secrets, screen)?;
    if global.new_ledger {
        forgetting(&global, &console).await?;
    }
    match command {
        Command::Init(command) => commands::wallet::init(&global, &console, command).await,
        Command::Unlock(command) => commands::wallet::unlock(&global, &console, command).await,
        Command::Keyring(command) => commands::keyring::keyring(&global, &console, command).await,
        Command::Lock => commands::wallet::lock(&global).await,
        Command::Accounts(command) => commands::accounts::accounts(&global, &console, command).await,
        Command::Passphrase => commands::accounts::passphrase(&global, &console).await,
        Command::Restore => commands::accounts::restore(&global, &console).await,
        Command::Status => commands::wallet::status(&global).await,
        Command::Serve(command) => commands::serve::serve(&global, &console, command).await,
        Command::Pay(command) => commands::pay::pay(&global, &console, command).await,
        Command::Node { network } => commands::node::node(&global, network.as_deref()).await,
        Command::Inspect(command) => commands::inspect::inspect(&global, command).await,
        Command::Answer(command) => commands::answer::answer(&global, &console, command).await,
        Command::Ledger(command) => commands::records::ledger(&global, &console, command).await,
        Command::Sites(command) => commands::records::sites(&global, &console, command).await,
        Command::Limits(command) => commands::rules::limits(&global, &console, command).await,
        Command::Apps(command) => commands::rules::apps(&global, command).await,
        Command::Pairings(command) => commands::rules::pairings(&global, &console, command).await,
        Command::Tokens(command) => commands::settings::tokens(&global, &console, command).await,
        Command::Settings(command) => commands::settings::settings(&global, &console, command).await,
        Command::Support(command) => commands::support::support(&global, command).await,
        Command::Demo => commands::demo::demo(&global, &console).await,
    }
}
