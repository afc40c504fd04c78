//! The settings file of the `countersign-facilitator` program: TOML in, checked values out, paths relative to the
//! file. Refuses a member it does not know, so that a mistyped one is not silently left out.

use crate::{Config, ConfigError, FeeRule, Payees, RateLimit, TokenTerms, Verify, secrets::secret_line};
use chain::{ApiKey, NodeConfig};
use serde::Deserialize;
use std::{
    net::SocketAddr,
    num::{NonZeroU32, NonZeroUsize},
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
    /// Where `/metrics` is served alone; with the rest when `None`.
    pub metrics_listen: Option<SocketAddr>,
    pub log: LogFormat,
    /// Threads that answer requests; one for each core when `None`.
    pub workers: Option<NonZeroUsize>,
    pub keys: Vec<KeySource>,
    pub nodes: Vec<chain::Config>,
    pub config: Config,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

/// Where keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// Also an inherited descriptor, `/dev/fd/3`.
    File(PathBuf),
    Vault {
        path: PathBuf,
        accounts: Vec<Address>,
        passphrase_file: Option<PathBuf>,
    },
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
    metrics_listen: Option<SocketAddr>,
    /// Asked for: see [`ConfigError::NoPayee`].
    payees: Option<PayeesEntry>,
    #[serde(default)]
    budget: BudgetEntry,
    database: PathBuf,
    keep_days: Option<u64>,
    #[serde(default = "text")]
    log: LogFormat,
    workers: Option<NonZeroUsize>,
    fee_to: Option<String>,
    facilitator_id: Option<String>,
    fee_limit_trx: Option<String>,
    low_trx: Option<String>,
    enough_energy: Option<u64>,
    wait_seconds: Option<u64>,
    quote_seconds: Option<u64>,
    #[serde(default)]
    verify: Depth,
    settling: Option<usize>,
    connections: Option<usize>,
    connections_per_client: Option<usize>,
    requests: Option<usize>,
    rate_limit: Option<Rate>,
    #[serde(default)]
    key: Vec<Key>,
    #[serde(default)]
    network: Vec<NetworkEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    file: Option<PathBuf>,
    vault: Option<PathBuf>,
    accounts: Option<Vec<String>>,
    passphrase_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Depth {
    Paper,
    #[default]
    Chain,
}

/// A word, or a list of addresses.
#[derive(Deserialize)]
#[serde(untagged)]
enum PayeesEntry {
    Word(String),
    List(Vec<String>),
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct BudgetEntry {
    payee_hour_trx: Option<String>,
    payee_day_trx: Option<String>,
    hour_trx: Option<String>,
    day_trx: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rate {
    per_second: NonZeroU32,
    burst: NonZeroU32,
    #[serde(default)]
    behind_proxy: bool,
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
    solidity_url: Option<String>,
    jsonrpc_url: Option<String>,
    api_key_file: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenEntry {
    address: String,
    decimals: Option<u8>,
    #[serde(default = "nothing")]
    fee: String,
    #[serde(default)]
    fee_basis_points: u32,
    fee_min: Option<String>,
    fee_max: Option<String>,
    free_up_to: Option<String>,
    free_from: Option<String>,
    exact: Option<bool>,
}

fn nothing() -> String {
    "0".to_owned()
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
            database: Some(folder.join(file.database)),
            verify: match file.verify {
                Depth::Paper => Verify::Paper,
                Depth::Chain => Verify::Chain,
            },
            rate_limit: file.rate_limit.map(|rate| RateLimit {
                per_second: rate.per_second,
                burst: rate.burst,
                behind_proxy: rate.behind_proxy,
            }),
            metrics: file.metrics_listen.is_none(),
            payees: payees(file.payees)?,
            ..Config::default()
        };
        for (at, trx, to) in [
            ("fee_limit_trx", &file.fee_limit_trx, &mut config.fee_limit_sun),
            ("low_trx", &file.low_trx, &mut config.low_sun),
            ("budget.payee_hour_trx", &file.budget.payee_hour_trx, &mut config.payee_budget.hour_sun),
            ("budget.payee_day_trx", &file.budget.payee_day_trx, &mut config.payee_budget.day_sun),
            ("budget.hour_trx", &file.budget.hour_trx, &mut config.budget.hour_sun),
            ("budget.day_trx", &file.budget.day_trx, &mut config.budget.day_sun),
        ] {
            if let Some(trx) = trx {
                let sun = units(at, trx, 6)?.to_string();
                *to = sun.parse().map_err(|_| field(at, trx, "less than 2^64 sun"))?;
            }
        }
        let keep = file.keep_days.map(|days| days.saturating_mul(24 * 3600));
        for (seconds, to) in [
            (file.wait_seconds, &mut config.wait),
            (file.quote_seconds, &mut config.quote_lifetime),
            (keep, &mut config.keep),
        ] {
            if let Some(seconds) = seconds {
                *to = Duration::from_secs(seconds);
            }
        }
        config.settling = file.settling.unwrap_or(config.settling);
        config.connections = file.connections.unwrap_or(config.connections);
        config.connections_per_client = file.connections_per_client.unwrap_or(config.connections_per_client);
        config.requests = file.requests.unwrap_or(config.requests);
        config.enough_energy = file.enough_energy.unwrap_or(config.enough_energy);
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
        let keys = file.key.into_iter().enumerate().map(|(i, key)| key.read(&format!("key[{i}]"), folder));
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(field("key", "none", "at least one [[key]]").into());
        }
        let File { listen, metrics_listen, log, workers, .. } = file;
        Ok(Self { listen, metrics_listen, log, workers, keys, nodes, config })
    }
}

impl Key {
    fn read(self, at: &str, folder: &Path) -> Result<KeySource, ConfigError> {
        match (self.file, self.vault, self.accounts) {
            (Some(path), None, None) if self.passphrase_file.is_none() => Ok(KeySource::File(folder.join(path))),
            (None, Some(path), Some(accounts)) if !accounts.is_empty() => Ok(KeySource::Vault {
                path: folder.join(path),
                accounts: accounts
                    .iter()
                    .map(|account| address(format!("{at}.accounts"), account))
                    .collect::<Result<_, _>>()?,
                passphrase_file: self.passphrase_file.map(|path| folder.join(path)),
            }),
            _ => Err(field(at, "another combination", "either file, or vault with accounts")),
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
        Ok(NodeConfig {
            url: self.url.clone(),
            solidity_url: self.solidity_url.clone(),
            jsonrpc_url: self.jsonrpc_url.clone(),
            api_key,
        })
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
        let amount = |name: &str, text: &str| units(format!("{at}.{name}"), text, decimals);
        let fee = FeeRule {
            base: amount("fee", &self.fee)?,
            basis_points: self.fee_basis_points,
            minimum: amount("fee_min", self.fee_min.as_deref().unwrap_or("0"))?,
            maximum: self.fee_max.as_deref().map(|most| amount("fee_max", most)).transpose()?,
            free_up_to: amount("free_up_to", self.free_up_to.as_deref().unwrap_or("0"))?,
        };
        let exact = self.exact.unwrap_or(fee.is_free());
        let free_from = match &self.free_from {
            Some(text) => amount("free_from", text)?,
            // A thousandth, where the token has such a thing.
            None => Amount::parse_units("0.001", decimals).unwrap_or(Amount::ZERO),
        };
        Ok(TokenTerms { network, token, fee, exact, free_from })
    }
}

/// The choice is the operator's: a missing or empty one is no answer.
fn payees(entry: Option<PayeesEntry>) -> Result<Payees, ConfigError> {
    match entry {
        None => Err(ConfigError::NoPayee),
        Some(PayeesEntry::Word(word)) if word == "anybody" => Ok(Payees::Anybody),
        Some(PayeesEntry::Word(word)) => Err(field("payees", &word, "a list of addresses, or \"anybody\"")),
        Some(PayeesEntry::List(list)) if list.is_empty() => Err(ConfigError::NoPayee),
        Some(PayeesEntry::List(list)) => {
            let each = list.iter().enumerate().map(|(i, text)| address(format!("payees[{i}]"), text));
            Ok(Payees::Listed(each.collect::<Result<_, _>>()?))
        }
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
    use crate::Budget;

    fn parse(text: &str) -> Result<Settings, SettingsError> {
        Settings::parse(text, Path::new("/etc/facilitator"))
    }

    const SELLER: &str = "TMVQGm1qAQYVdetCeGRRkTWYYrLXuHK2HC";

    /// With its one question answered.
    fn example() -> String {
        EXAMPLE.replace("# payees = [\"T…\"]", &format!("payees = [\"{SELLER}\"]"))
    }

    #[test]
    fn whom_it_settles_for_is_asked_for_and_never_guessed() {
        let error = parse(EXAMPLE).unwrap_err().to_string();
        assert!(
            error.contains("payees: expected the addresses of the sellers") && error.contains("anybody"),
            "{error}"
        );
        let seller = Address::parse(SELLER).unwrap();
        assert_eq!(parse(&example()).unwrap().config.payees, Payees::Listed([seller].into()));
        let with = |choice: &str| parse(&EXAMPLE.replace("# payees = [\"T…\"]", choice));
        assert_eq!(with("payees = \"anybody\"").unwrap().config.payees, Payees::Anybody);
        for (choice, says) in [
            ("payees = []", "found none"),
            ("payees = \"all\"", "or \"anybody\""),
            ("payees = \"\"", "or \"anybody\""),
            ("payees = [\"anybody\"]", "payees[0]"),
        ] {
            let error = with(choice).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn the_example_is_a_settings_file() {
        let settings = parse(&example()).unwrap();
        assert_eq!(settings.keys, [KeySource::File("/etc/facilitator/facilitator.key".into())]);
        assert_eq!((settings.listen.port(), settings.log), (4021, LogFormat::Text));
        let config = settings.config;
        assert_eq!(config.fee_limit_sun, 100_000_000);
        assert_eq!(config.database, Some("/etc/facilitator/facilitator.sqlite".into()));
        assert_eq!((config.verify, config.metrics), (Verify::Chain, true));
        let trx = |hour: u64, day: u64| Budget { hour_sun: hour * 1_000_000, day_sun: day * 1_000_000 };
        assert_eq!((config.payee_budget, config.budget), (trx(200, 1_000), trx(1_000, 5_000)));
        assert_eq!(config.rate_limit.map(|rate| rate.burst.get()), Some(200));
        let token = &config.tokens[0];
        assert_eq!(token.fee, FeeRule::flat(Amount::from_u64(10_000), Amount::from_u64(100_000)));
        assert_eq!(token.free_from, Amount::from_u64(1_000));
        assert!(token.exact, "what today's buyers pay by is settled");
        assert_eq!((token.network, settings.nodes[0].network), (Network::Nile, Network::Nile));
        assert_eq!(settings.nodes[0].nodes[0].url, "https://nile.trongrid.io");
    }

    #[test]
    fn every_line_of_the_example_that_is_commented_out_is_understood() {
        let account = SELLER;
        let mut text = String::new();
        for line in EXAMPLE.lines().filter(|line| !line.starts_with("file = ")) {
            let setting =
                line.strip_prefix("# ").filter(|l| l.split_once(" = ").is_some_and(|(n, _)| !n.contains(' ')));
            text.push_str(&setting.filter(|l| !l.starts_with("api_key_file")).unwrap_or(line).replace("T…", account));
            text.push('\n');
        }
        let settings = parse(&text).unwrap();
        assert!(matches!(settings.keys[0], KeySource::Vault { passphrase_file: Some(_), .. }), "{text}");
        assert!(settings.metrics_listen.is_some() && !settings.config.metrics);
        assert_eq!(settings.workers, NonZeroUsize::new(2));
        let token = &settings.config.tokens[0];
        assert_eq!((token.fee.basis_points, token.exact), (50, true));
        assert_eq!(token.fee.maximum, Some(Amount::from_u64(1_000_000)));
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
            ("file = \"facilitator.key\"", "", "key[0]: expected"),
            ("[[key]]\nfile = \"facilitator.key\"", "", "key: expected at least one"),
            ("burst = 200", "burst = 0", "nonzero"),
            ("fee_limit_trx = \"100\"", "fee_limit_trx = \"-1\"", "fee_limit_trx"),
            ("payee_day_trx = \"1000\"", "payee_day_trx = \"a lot\"", "budget.payee_day_trx"),
            ("free_from = \"0.001\"", "free_from = \"0.0000001\"", "network[0].token[0].free_from"),
            ("# api_key_file", "api_key_file", "/etc/facilitator/trongrid.key"),
        ] {
            let text = example().replace(from, to);
            assert_ne!(text, example());
            let error = parse(&text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
