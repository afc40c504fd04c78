//! Bodies for files that somebody else may have written: settings, vaults, keys. A file is opened and never
//! unlocked: what a passphrase costs is not what is asked here.

use std::path::PathBuf;
use tempfile::TempDir;
use tron::Network;
use vault::{Cost, KeyFile, Vault};
use wallet::Config;

thread_local! {
    static FOLDER: TempDir = tempfile::tempdir().expect("a temporary folder");
}

/// Writes the bytes to a file that its owner alone reads.
fn file(name: &str, data: &[u8]) -> PathBuf {
    let path = FOLDER.with(|folder| folder.path().join(name));
    std::fs::write(&path, data).expect("a temporary file");
    #[cfg(unix)]
    {
        let rights = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&path, rights).expect("rights of a temporary file");
    }
    path
}

/// A value that a settings file may hold, in its place or elsewhere, and no error may repeat: stored cases name it.
const API_KEY: &str = "very-secret";

pub fn config(data: &[u8]) -> bool {
    match Config::load(&file("config.toml", data)) {
        Ok(config) => {
            for network in [Network::Mainnet, Network::Nile, Network::Shasta] {
                assert!(!config.nodes(network).is_empty());
            }
            assert!((10_000..=86_400_000).contains(&config.question_ms()));
            true
        }
        Err(error) => {
            let said = error.to_string();
            assert!(said.lines().count() <= 1 && !said.contains(API_KEY), "{said}");
            false
        }
    }
}

pub fn vault_file(data: &[u8]) -> bool {
    let path = file("vault.json", data);
    match Vault::open(&path) {
        Ok(vault) => {
            let cost = vault.cost();
            assert_eq!(Cost::new(cost.memory_kib(), cost.passes()), Ok(cost), "a cost outside of its limits");
            assert_eq!(Vault::open(&path).map(|again| again.accounts().to_vec()), Ok(vault.accounts().to_vec()));
            true
        }
        Err(error) => {
            assert!(error.to_string().len() < 1000);
            false
        }
    }
}

pub fn key_file(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(data.trim_ascii()).into_owned();
    match KeyFile::load(file("key", data)) {
        Ok(key) => {
            assert!(matches!(text.len(), 64 | 66));
            assert!(!key.address().is_zero());
            true
        }
        Err(error) => {
            let said = error.to_string();
            assert!(text.len() < 16 || !said.contains(&text), "{said}");
            false
        }
    }
}
