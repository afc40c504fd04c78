//! The desktop app: three windows over one owner process. Holds no rule about payments and no key; commands
//! call the desk, events go out to the windows, and windows open by themselves when a person is needed.

mod args;
mod bindings;
mod commands;
mod desktop;
mod events;
mod house;
mod practice_world;
mod windows;

use args::{Args, Parsed};
use house::House;
use logs::{EnvFilter, LevelFilter};
use std::path::Path;
use std::process::ExitCode;
use tauri::{Manager, RunEvent};

/// Runs until the last window is closed.
pub fn run() -> ExitCode {
    let args = match Args::parse(std::env::args_os().skip(1)) {
        Ok(Parsed::Run(args)) => args,
        Ok(Parsed::Say(text)) => return say(&text, ExitCode::SUCCESS),
        Err(wrong) => return say(&format!("{wrong}\n\n{}", args::HELP), ExitCode::from(2)),
    };
    if !desktop::has_display() {
        return complain(&args.no_display());
    }
    log(&args);
    match start(args) {
        Ok(code) => code,
        Err(e) => {
            tracing::error!("the window can't be opened: {e}");
            ExitCode::FAILURE
        }
    }
}

fn start(args: Args) -> tauri::Result<ExitCode> {
    let commands = bindings::builder();
    let mut app = tauri::Builder::default().plugin(tauri_plugin_dialog::init());
    if args.is_the_usual_profile() {
        // A second start hands over to the first. Where there is no session bus the profile's own lock decides.
        app = app.plugin(tauri_plugin_single_instance::init(|app, _, _| windows::open_or_tell(app, windows::MAIN)));
    }
    let app = app
        .invoke_handler(commands.invoke_handler())
        .setup(move |app| {
            app.manage(House::open(&args));
            windows::first(app.handle());
            events::follow(app.handle());
            practice_world::shop(app.handle());
            end_when_told(app.handle().clone());
            Ok(())
        })
        .build(tauri::generate_context!())?;
    app.run(|app, event| {
        if let RunEvent::Exit = event {
            app.state::<House>().close();
        }
    });
    Ok(ExitCode::SUCCESS)
}

/// Ctrl+C and a polite kill close the wallet in order, as closing the last window does.
fn end_when_told(app: tauri::AppHandle) {
    tauri::async_runtime::spawn(async move {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            if let Ok(mut polite) = signal(SignalKind::terminate()) {
                tokio::select! {
                    _ = polite.recv() => {}
                    _ = tokio::signal::ctrl_c() => {}
                }
                return app.exit(0);
            }
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            app.exit(0);
        }
    });
}

#[allow(clippy::print_stdout)] // The answer to --help is the program's output.
fn say(text: &str, code: ExitCode) -> ExitCode {
    println!("{text}");
    code
}

#[allow(clippy::print_stderr)] // Nobody has asked for a log yet, and there is no window to say it in.
fn complain(text: &str) -> ExitCode {
    eprintln!("{text}");
    ExitCode::FAILURE
}

/// To standard error as RUST_LOG says, and to the profile's log files; practice leaves none.
fn log(args: &Args) {
    let stderr = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,countersign_app=info"));
    let folder = helper::data_dir("main", args.data_dir.as_deref()).ok().filter(|_| !args.practice);
    // One that others can write to is refused when the wallet is opened; nothing is written there before.
    let folder = folder.filter(|folder| wallet::make_folder(folder).is_ok());
    let level = |dir: &Path| wallet::Config::load(&dir.join("config.toml")).ok()?.log_level();
    let files = folder.map(|dir| (logs::folder(&dir), level(&dir).unwrap_or(LevelFilter::INFO)));
    if let Err(e) = logs::start(stderr, files.as_ref().map(|(folder, level)| (folder.as_path(), *level))) {
        tracing::warn!(error = %e, "no log file is written");
    }
}
