//! Node.js: its version, `npm ci` where a lock file changed, and the interface build.
//! Installs exactly what the lock files say; never changes them.

use crate::run::{self, capture, command, root, say, target};
use anyhow::{Context, Result, bail};
use std::{
    collections::hash_map::DefaultHasher,
    fs,
    hash::{Hash, Hasher},
    path::{Path, PathBuf},
};

const OLDEST: u32 = 20;

/// Folders with a package.json of ours; every tests/peers/*/package.json belongs to them too.
const FOLDERS: &[&str] = &["ui", "crates/devnet/contracts"];
const PEERS: &str = "tests/peers";

/// Refuses a Node.js that is missing or too old.
pub fn check() -> Result<()> {
    let wanted = format!("Node.js {OLDEST} or newer is needed (https://nodejs.org, or your system's `nodejs` package)");
    let version = capture(command("node").arg("--version")).with_context(|| wanted.clone())?;
    let version = version.trim();
    let major = version.trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    match major {
        Some(major) if major >= OLDEST => Ok(()),
        _ => bail!("found Node.js {version}; {wanted}"),
    }
}

/// The interface alone: what building the app needs.
pub fn install_interface() -> Result<()> {
    install("ui")
}

/// All of them: what the tests need.
pub fn install_all() -> Result<()> {
    let mut folders: Vec<String> = FOLDERS.iter().map(|&folder| folder.to_owned()).collect();
    for peer in fs::read_dir(root().join(PEERS)).context("cannot read tests/peers")? {
        folders.push(format!("{PEERS}/{}", peer?.file_name().to_string_lossy()));
    }
    folders.retain(|folder| root().join(folder).join("package.json").exists());
    folders.sort();
    folders.iter().try_for_each(|folder| install(folder))
}

fn install(folder: &str) -> Result<()> {
    let here = root().join(folder);
    let lock = here.join("package-lock.json");
    let lock = fs::read(&lock).with_context(|| format!("cannot read {}", lock.display()))?;
    // The lock file that was installed from, kept beside what it installed.
    let installed = here.join("node_modules/.installed-from.json");
    if fs::read(&installed).is_ok_and(|before| before == lock) {
        say(format!("npm packages of {folder}: all there"));
        return Ok(());
    }
    say(format!("npm ci in {folder}"));
    run::run(command("npm").args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(&here))?;
    fs::create_dir_all(here.join("node_modules"))?;
    fs::write(&installed, lock).context("cannot note which npm packages are installed")
}

/// Builds ui/dist, which the app embeds; skipped when nothing in ui changed since.
pub fn build_interface() -> Result<()> {
    let ui = root().join("ui");
    let stamp = target().join("xtask/interface.stamp");
    let sources = fingerprint(&ui)?;
    if ui.join("dist/index.html").exists() && fs::read_to_string(&stamp).is_ok_and(|before| before == sources) {
        say("interface: unchanged");
        return Ok(());
    }
    say("building the interface (npm run build in ui)");
    run::run(command("npm").args(["run", "--silent", "build"]).current_dir(&ui))?;
    fs::create_dir_all(target().join("xtask"))?;
    fs::write(&stamp, sources).context("cannot note which interface was built")
}

/// A fingerprint of all files below a folder except installed packages and what was built.
/// It only saves work: another Rust release may compute it differently, and then the interface is built once more.
fn fingerprint(folder: &Path) -> Result<String> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.strip_prefix(folder)?.hash(&mut hasher);
        fs::read(&file)?.hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() {
            if !matches!(name, "node_modules" | "dist" | ".svelte-kit" | "coverage") {
                collect(&path, files)?;
            }
        } else {
            files.push(path);
        }
    }
    Ok(())
}
