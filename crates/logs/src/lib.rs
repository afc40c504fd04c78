//! What a running Countersign writes down about itself: one file a day in the profile's folder, a fortnight of them,
//! each bounded, every line scrubbed before it is written. Refuses to write what looks like a secret, whoever
//! logged it; a log that can't be written never stops a payment.

mod file;
mod scrub;

pub use file::{DAY_BYTES, DAYS, files};
pub use scrub::scrub;

use std::path::{Path, PathBuf};
pub use tracing_subscriber::filter::{EnvFilter, LevelFilter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// Our own rooms: they log at the chosen level, everything they use from `warn` on.
const OURS: [&str; 17] = [
    "chain",
    "cli",
    "countersign",
    "countersign_app",
    "devnet",
    "facilitator",
    "helper",
    "ledger",
    "logs",
    "plan",
    "policy",
    "practice",
    "seller",
    "tron",
    "vault",
    "view",
    "wallet",
];

fn filter(level: LevelFilter) -> EnvFilter {
    let others = level.min(LevelFilter::WARN);
    let ours = OURS.iter().map(|room| format!(",{room}={level}"));
    EnvFilter::new(std::iter::once(others.to_string()).chain(ours).collect::<String>())
}

/// The folder of a profile's log files.
pub fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join("logs")
}

/// Starts logging, once per process: to standard error by `stderr`, and to files in `files` at a level, where one is
/// named. Answers why there is no file when there is none; the process goes on without.
pub fn start(stderr: EnvFilter, files: Option<(&Path, LevelFilter)>) -> Result<(), std::io::Error> {
    let file = files.map(|(folder, level)| {
        file::Daily::open(folder)
            .map(|daily| fmt::layer().with_ansi(false).with_writer(daily).with_filter(filter(level)))
    });
    let (file, failed) = match file.transpose() {
        Ok(file) => (file, None),
        Err(error) => (None, Some(error)),
    };
    let screen = fmt::layer().with_writer(scrub::Stderr).with_filter(stderr);
    // A subscriber that is there already is a test's; it stays.
    let _ = tracing_subscriber::registry().with(file).with(screen).try_init();
    failed.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_for_our_rooms_and_others_stay_at_warnings() {
        let debug = filter(LevelFilter::DEBUG).to_string();
        assert!(debug.contains("wallet=debug") && debug.split(',').any(|part| part == "warn"), "{debug}");
        let off = filter(LevelFilter::OFF).to_string();
        assert!(off.split(',').all(|part| part.ends_with("off")), "{off}");
    }
}
