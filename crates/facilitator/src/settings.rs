//! The settings file of the `countersign-facilitator` program: TOML in, checked values out, paths relative to the
//! file. Refuses a member it does not know, so that a mistyped one is not silently left out.

use crate::{Config, ConfigError, TokenTerms, secrets::secret_line};
use chain::{ApiKey, NodeConfig};
use serde::Deserialize;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};
use tron::{Address, Amount, Network, token};

/// A settings file with every member explained.
pub const EXAMPLE: &str = include_str!("example.toml");

/// Everything the program needs.
#[derive(Debug)]
pub struct Settings {
    pub listen: SocketAddr,
    pub log: LogFormat,
    pub key: KeySource,
    pub nodes: Vec<chain::Config>,
    pub config: Config,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

/// Where the key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    File(PathBuf),
    Vault { path: PathBuf, account: Address, passphrase_file: Option<PathBuf> },
}

/// Why a settings file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("{path}: {source}")]
    Read { path: PathBuf, source: std::io::Error },
    /// With line and column, in the parser's words.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    #[error(transparent)]
    Config(#[from] ConfigError),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    listen: SocketAddr,
    journal: Option<PathBuf>,
    #[serde(default = "text")]
    log: LogFormat,
    fee_to: Option<String>,
    facilitator_id: Option<String>,
    fee_limit_trx: Option<String>,
    wait_seconds: Option<u64>,
    quote_seconds: Option<u64>,
    key: Key,
    #[serde(default)]
    network: Vec<NetworkEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    file: Option<PathBuf>,
    vault: Option<PathBuf>,
    account: Option<String>,
    passphrase_file: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NetworkEntry {
    name: String,
    #[serde(default)]
    node: Vec<NodeEntry>,
    #[serde(default)]
    token: Vec<TokenEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NodeEntry {
    url: String,
    api_key_file: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenEntry {
    address: String,
    decimals: Option<u8>,
    fee: String,
    free_up_to: Option<String>,
}

fn text() -> LogFormat {
    LogFormat::Text
}

impl Settings {
    /// Reads a settings file, and the API keys that it names.
    pub fn load(path: &Path) -> Result<Self, SettingsError> {
        let read = |source| SettingsError::Read { path: path.to_owned(), source };
        let text = std::fs::read_to_string(path).map_err(read)?;
        Self::parse(&text, path.parent().unwrap_or(Path::new("")))
    }

    /// `folder`: what relative paths are relative to.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, SettingsError> {
        let file: File = toml::from_str(text)?;
        let mut config = Config {
            fee_to: file.fee_to.map(|text| address("fee_to", &text)).transpose()?,
            facilitator_id: file.facilitator_id,
            journal: file.journal.map(|path| folder.join(path)),
            ..Config::default()
        };
        if let Some(limit) = &file.fee_limit_trx {
            let sun = units("fee_limit_trx", limit, 6)?.to_string();
            config.fee_limit_sun = sun.parse().map_err(|_| field("fee_limit_trx", limit, "less than 2^64 sun"))?;
        }
        for (seconds, to) in [(file.wait_seconds, &mut config.wait), (file.quote_seconds, &mut config.quote_lifetime)] {
            if let Some(seconds) = seconds {
                *to = Duration::from_secs(seconds);
            }
        }
        let mut nodes = Vec::new();
        for (i, entry) in file.network.iter().enumerate() {
            let at = |part: &str| format!("network[{i}].{part}");
            let network =
                network(&entry.name).ok_or_else(|| field(at("name"), &entry.name, "mainnet, nile or shasta"))?;
            if nodes.iter().any(|known: &chain::Config| known.network == network) {
                return Err(field(at("name"), &entry.name, "each network once").into());
            }
            let mut node = chain::Config::public(network);
            node.nodes = entry.node.iter().map(|n| n.read(folder)).collect::<Result<_, _>>()?;
            nodes.push(node);
            for (j, token) in entry.token.iter().enumerate() {
                config.tokens.push(token.read(network, &at(&format!("token[{j}]")))?);
            }
        }
        Ok(Self { listen: file.listen, log: file.log, key: file.key.read(folder)?, nodes, config })
    }
}

impl Key {
    fn read(self, folder: &Path) -> Result<KeySource, ConfigError> {
        match (self.file, self.vault, self.account) {
            (Some(path), None, None) if self.passphrase_file.is_none() => Ok(KeySource::File(folder.join(path))),
            (None, Some(path), Some(account)) => Ok(KeySource::Vault {
                path: folder.join(path),
                account: address("key.account", &account)?,
                passphrase_file: self.passphrase_file.map(|path| folder.join(path)),
            }),
            _ => Err(field("key", "another combination", "either file, or vault with account")),
        }
    }
}

impl NodeEntry {
    fn read(&self, folder: &Path) -> Result<NodeConfig, SettingsError> {
        let api_key = match &self.api_key_file {
            None => None,
            Some(path) => {
                let path = folder.join(path);
                let key = secret_line(&path).map_err(|source| SettingsError::Read { path, source })?;
                Some(ApiKey::new(key.as_str()))
            }
        };
        Ok(NodeConfig { url: self.url.clone(), api_key })
    }
}

impl TokenEntry {
    fn read(&self, network: Network, at: &str) -> Result<TokenTerms, ConfigError> {
        let token = address(format!("{at}.address"), &self.address)?;
        let known = token::lookup(network, token).map(|t| t.decimals);
        let decimals = match (known, self.decimals) {
            (Some(known), Some(said)) if known != said => {
                return Err(field(format!("{at}.decimals"), &said.to_string(), &known.to_string()));
            }
            (Some(decimals), _) | (None, Some(decimals)) if decimals <= 77 => decimals,
            _ => return Err(field(format!("{at}.decimals"), "none", "the decimals of a token that is not known")),
        };
        let free_up_to = self.free_up_to.as_deref().unwrap_or("0");
        Ok(TokenTerms {
            network,
            token,
            fee: units(format!("{at}.fee"), &self.fee, decimals)?,
            free_up_to: units(format!("{at}.free_up_to"), free_up_to, decimals)?,
        })
    }
}

fn network(name: &str) -> Option<Network> {
    let plain = |network: &Network| network.named().strip_prefix("tron:") == Some(name);
    Network::ALL.into_iter().find(plain).or_else(|| Network::parse(name).ok())
}

fn address(at: impl Into<String>, text: &str) -> Result<Address, ConfigError> {
    Address::parse(text).map_err(|e| field(at, text, &e.to_string()))
}

fn units(at: impl Into<String>, text: &str, decimals: u8) -> Result<Amount, ConfigError> {
    Amount::parse_units(text, decimals).map_err(|e| field(at, text, &e.to_string()))
}

fn field(at: impl Into<String>, found: &str, expected: &str) -> ConfigError {
    ConfigError::Field { field: at.into(), found: format!("{found:?}"), expected: expected.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Settings, SettingsError> {
        Settings::parse(text, Path::new("/etc/facilitator"))
    }

    #[test]
    fn the_example_is_a_settings_file() {
        let settings = parse(EXAMPLE).unwrap();
        assert_eq!(settings.key, KeySource::File("/etc/facilitator/facilitator.key".into()));
        assert_eq!((settings.listen.port(), settings.log), (4021, LogFormat::Text));
        let config = settings.config;
        assert_eq!(config.fee_limit_sun, 100_000_000);
        assert_eq!(config.journal, Some("/etc/facilitator/facilitator.journal".into()));
        let token = &config.tokens[0];
        assert_eq!((token.fee, token.free_up_to), (Amount::from_u64(10_000), Amount::from_u64(100_000)));
        assert_eq!((token.network, settings.nodes[0].network), (Network::Nile, Network::Nile));
        assert_eq!(settings.nodes[0].nodes[0].url, "https://nile.trongrid.io");
    }

    #[test]
    fn every_line_of_the_example_that_is_commented_out_is_understood() {
        let account = "TMVQGm1qAQYVdetCeGRRkTWYYrLXuHK2HC";
        let mut text = String::new();
        for line in EXAMPLE.lines().filter(|line| !line.starts_with("file = ")) {
            let setting =
                line.strip_prefix("# ").filter(|l| l.split_once(" = ").is_some_and(|(n, _)| !n.contains(' ')));
            text.push_str(&setting.filter(|l| !l.starts_with("api_key_file")).unwrap_or(line).replace("T…", account));
            text.push('\n');
        }
        let settings = parse(&text).unwrap();
        assert!(matches!(settings.key, KeySource::Vault { passphrase_file: Some(_), .. }), "{text}");
        assert_eq!(settings.config.facilitator_id.as_deref(), Some("example"));
        assert_eq!(settings.config.fee_to.unwrap().to_string(), account);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (from, to, expected) in [
            ("listen =", "lissten =", "unknown field `lissten`"),
            ("\"0.01\"", "\"0.0000001\"", "network[0].token[0].fee"),
            ("\"0.01\"", "0.01", "expected a string"),
            ("\"nile\"", "\"niles\"", "network[0].name"),
            ("TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf", "TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBg", "network[0].token[0].address"),
            (
                "TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf",
                "TMVQGm1qAQYVdetCeGRRkTWYYrLXuHK2HC",
                "network[0].token[0].decimals",
            ),
            ("file = \"facilitator.key\"", "", "key: expected"),
            ("fee_limit_trx = \"100\"", "fee_limit_trx = \"-1\"", "fee_limit_trx"),
            ("# api_key_file", "api_key_file", "/etc/facilitator/trongrid.key"),
        ] {
            let text = EXAMPLE.replace(from, to);
            assert_ne!(text, EXAMPLE);
            let error = parse(&text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
