//! `support`: one plain text file for a bug report, that a person can read before sending it. Holds versions, settings,
//! state and logs; refuses to hold payments, amounts, names of apps and sites, whole addresses, and anything that looks
//! like a secret. Creates and changes nothing but that file.

use crate::args::{Global, Support};
use crate::exit::Fail;
use crate::reach::Reach;
use crate::show::{note, safe, say};
use helper::RuntimeFile;
use helper::verb::{Status, Summary};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Newest lines of the logs that go in, and most bytes of them.
const LOG_LINES: usize = 3000;
const LOG_BYTES: usize = 1 << 20;
/// What the surroundings may say; values pass the scrubbing as everything else does.
const ENVIRONMENT: [&str; 15] = [
    "LANG",
    "XDG_SESSION_TYPE",
    "XDG_CURRENT_DESKTOP",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "COUNTERSIGN_LOG",
    "RUST_LOG",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "container",
];

pub async fn support(global: &Global, support: Support) -> Result<(), Fail> {
    let text = bundle(global).await?;
    let target = match support.output {
        Some(path) if path.as_os_str() == "-" => {
            say!("{}", text.trim_end());
            return Ok(());
        }
        Some(path) => path,
        None => PathBuf::from(format!("countersign-support-{}.txt", jiff::Zoned::now().date())),
    };
    write(&target, &text)?;
    let shown = safe(&target.display().to_string());
    if global.json {
        crate::show::json(&serde_json::json!({ "file": target.display().to_string(), "bytes": text.len() }));
    }
    note!("Wrote {shown} ({} lines). Look through it, then attach it to your report.", text.lines().count());
    Ok(())
}

/// A new file for the person alone; never over another one.
fn write(target: &Path, text: &str) -> Result<(), Fail> {
    let mut options = fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let failed = |e: std::io::Error| {
        let fail = Fail::plain(format!("{} can't be written: {e}", safe(&target.display().to_string())));
        match e.kind() {
            std::io::ErrorKind::AlreadyExists => fail.advice("Name another file with --output, or remove that one."),
            _ => fail,
        }
    };
    let mut file = options.open(target).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
}

async fn bundle(global: &Global) -> Result<String, Fail> {
    let profile = global.profile();
    let dir = helper::data_dir(&profile, global.data_dir.as_deref()).map_err(|e| Fail::plain(e.to_string()))?;
    let mut text = String::from(
        "Countersign support file\n\
         Without keys, words, tokens, payments, amounts, apps and sites of the record. Settings and logs may name hosts\n\
         of nodes and shops: look through it before you send it.\n",
    );
    section(&mut text, "program", &program());
    section(&mut text, "surroundings", &surroundings());
    section(&mut text, "profile", &format!("name    {}\nfolder  {}\n{}", safe(&profile), dir.display(), files(&dir)));
    section(&mut text, "running", &running(&profile, global.data_dir.as_deref()));
    section(&mut text, "wallet", &state(global, &dir).await);
    section(&mut text, "config.toml", &fs::read_to_string(dir.join("config.toml")).unwrap_or_else(why));
    section(&mut text, "logs", &log(&dir));
    Ok(text)
}

/// Everything passes here: nothing gets in that was not scrubbed.
fn section(text: &mut String, name: &str, body: &str) {
    let _ = write!(text, "\n== {name}\n");
    for line in body.lines() {
        let _ = writeln!(text, "{}", short_addresses(&logs::scrub(line)));
    }
}

fn why(e: std::io::Error) -> String {
    format!("not there: {e}")
}

fn program() -> String {
    format!(
        "version  {}\nsystem   {} {}\nbuild    {}\n",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH,
        if cfg!(debug_assertions) { "debug" } else { "release" }
    )
}

fn surroundings() -> String {
    let mut text = String::new();
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    for (label, name) in [("release", "PRETTY_NAME="), ("id", "ID=")] {
        if let Some(value) = release.lines().find_map(|line| line.strip_prefix(name)) {
            let _ = writeln!(text, "{label}  {}", value.trim_matches('"'));
        }
    }
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let _ = writeln!(text, "cores  {cores}\ntime   {}", jiff::Zoned::now());
    for name in ENVIRONMENT {
        if let Some(value) = std::env::var_os(name) {
            let _ = writeln!(text, "{name}={}", value.to_string_lossy());
        }
    }
    text
}

/// Names, sizes and modes of the profile's files, one level deep: no content.
fn files(dir: &Path) -> String {
    let mut lines = Vec::new();
    for folder in [dir.to_owned(), logs::folder(dir)] {
        for entry in fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok) {
            let Ok(found) = entry.metadata() else { continue };
            let name = entry.path().strip_prefix(dir).map(|p| p.display().to_string()).unwrap_or_default();
            lines.push(format!("  {:<40} {:>12} bytes{}", name, found.len(), mode(&found)));
        }
    }
    lines.sort();
    match lines.is_empty() {
        true => "  (no such folder)".to_owned(),
        false => lines.join("\n"),
    }
}

#[cfg(unix)]
fn mode(found: &fs::Metadata) -> String {
    format!("  {:o}", std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o7777)
}

#[cfg(not(unix))]
fn mode(_found: &fs::Metadata) -> String {
    String::new()
}

fn running(profile: &str, data_dir: Option<&Path>) -> String {
    match RuntimeFile::read(profile, data_dir) {
        Ok(file) => format!(
            "version  {}\npid      {}\naddress  {}\nsocket   {}\nstarted  {}\n",
            file.version,
            file.pid,
            file.address,
            if file.unix_socket.is_some() { "yes" } else { "no" },
            file.started_at
        ),
        Err(e) => format!("no runtime file: {e}"),
    }
}

/// Counts and conditions, from the running owner or the folder itself; no names and no amounts.
async fn state(global: &Global, dir: &Path) -> String {
    if !dir.join("ledger.db").exists() {
        return "no wallet in this folder yet".to_owned();
    }
    let reach = match Reach::owner(global).await {
        Ok(reach) => reach,
        Err(fail) => return format!("can't be opened: {}", fail.failure.message),
    };
    let mut text = String::new();
    match reach.call(Status {}).await {
        Ok(status) => {
            let port = status.port.as_deref().unwrap_or("not running");
            let _ = writeln!(
                text,
                "empty {}  locked {}  practice {}  accounts {}  questions {}  pairings {}\nport {port}  network {}  \
                 auto-lock {} min\nunlock {}  keyring: {}\nledger failure: {}\nclock: {}\nrecord: {}",
                status.empty,
                status.locked,
                status.practice,
                status.accounts.len(),
                status.open_questions,
                status.open_pairings,
                status.network,
                status.auto_lock_minutes,
                super::keyring::way(&status.remembered),
                status.remembered.problem.as_deref().unwrap_or("no trouble"),
                status.ledger_failure.as_deref().unwrap_or("none"),
                status.clock.as_deref().unwrap_or("as the newest block, or no node tells"),
                status.record.as_deref().unwrap_or("ends before now"),
            );
        }
        Err(failure) => _ = writeln!(text, "status: {}", failure.message),
    }
    if let Err(failure) = reach.call(Summary {}).await {
        let _ = writeln!(text, "summary: {}", failure.message);
    }
    text
}

/// The newest lines, oldest first.
fn log(dir: &Path) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut bytes = 0;
    'files: for file in logs::files(&logs::folder(dir)).iter().rev() {
        let text = fs::read(file).map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default();
        for line in text.lines().rev() {
            bytes += line.len();
            if lines.len() == LOG_LINES || bytes > LOG_BYTES {
                break 'files;
            }
            lines.push(line.to_owned());
        }
    }
    lines.reverse();
    match lines.is_empty() {
        true => "(none)".to_owned(),
        false => lines.join("\n"),
    }
}

/// Addresses by their ends: enough to tell two apart, too little to look somebody up.
fn short_addresses(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut word = String::new();
    let flush = |word: &mut String, out: &mut String| {
        match word.len() == 34 && tron::Address::parse(word).is_ok() {
            true => _ = write!(out, "{}…{}", &word[..4], &word[30..]),
            false => out.push_str(word),
        }
        word.clear();
    };
    for letter in text.chars() {
        if letter.is_ascii_alphanumeric() {
            word.push(letter);
            continue;
        }
        flush(&mut word, &mut out);
        out.push(letter);
    }
    flush(&mut word, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_its_ends_and_other_words_stay() {
        let text = "payee=TMVQGm1qAQYVdetCeGRRkTWYYrLXuHK2HC, not TMVQGm1qAQYVdetCeGRRkTWYYrLXuHK2HD";
        assert_eq!(short_addresses(text), "payee=TMVQ…K2HC, not TMVQGm1qAQYVdetCeGRRkTWYYrLXuHK2HD");
    }
}
