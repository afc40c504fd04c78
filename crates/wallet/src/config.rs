//! The profile's `config.toml`: nodes, lifetimes, auto-lock. Written by hand or by settings; refuses what
//! it does not know, so that a typing error is not silently a default. Holds no key of the wallet.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use tron::Network;

/// One TRON node, by the addresses of its doors: a node of one's own has them at several ports.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeConfig {
    /// Serves `wallet/`: java-tron's port 8090.
    pub url: String,
    /// Serves `walletsolidity/`: java-tron's port 8091. Looked for at `url` where it is not given, and not needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub solidity_url: Option<String>,
    /// Serves `jsonrpc`: java-tron's port 8545, where it is on. Looked for at `url` otherwise, and not needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jsonrpc_url: Option<String>,
    /// Sent as TRON-PRO-API-KEY.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key: Option<String>,
}

/// All doors at one address, as gateways have them.
impl From<String> for NodeConfig {
    fn from(url: String) -> Self {
        Self { url, ..Self::default() }
    }
}

/// Settings of one profile. Every field has a default; a missing file is all defaults.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Port of the helper on 127.0.0.1.
    pub port: u16,
    /// Seconds that a question stays open.
    pub question_seconds: u32,
    /// Minutes without use after which the wallet locks; 0 = never.
    pub auto_lock_minutes: u32,
    /// Seconds to wait for a node.
    pub node_seconds: u32,
    /// How much the log files say: off, error, warn, info, debug or trace.
    pub log_level: String,
    /// Which Permit2 deployment is signed for: "first" or "second".
    pub permit2: String,
    /// Sites ("https://news.example") for which it is another one.
    pub permit2_sites: BTreeMap<String, String>,
    /// Nodes in the order in which they are tried; empty = the public one.
    pub mainnet: Vec<NodeConfig>,
    pub nile: Vec<NodeConfig>,
    pub shasta: Vec<NodeConfig>,
}

const LOG_LEVELS: &str = "off, error, warn, info, debug, trace";

impl Default for Config {
    fn default() -> Self {
        Self {
            port: 4020,
            question_seconds: 300,
            auto_lock_minutes: 15,
            node_seconds: 8,
            permit2: "first".to_owned(),
            permit2_sites: BTreeMap::new(),
            log_level: "info".to_owned(),
            mainnet: vec![],
            nile: vec![],
            shasta: vec![],
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{file} can't be read: {source}")]
    Read { file: String, source: std::io::Error },
    #[error("{file} is not a valid configuration: {reason}")]
    Parse { file: String, reason: String },
}

impl Config {
    /// Reads the file, or the defaults when there is none.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let name = || file.display().to_string();
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(ConfigError::Read { file: name(), source }),
        };
        let wrong = |reason| ConfigError::Parse { file: name(), reason };
        let at = |line: usize, reason: &str| wrong(format!("{}{reason}", place(&text, line)));
        let config: Self = toml::from_str(&text).map_err(|e| {
            let line = e.span().map_or(0, |span| text.get(..span.start).unwrap_or_default().matches('\n').count());
            at(line, &without_values(e.message()))
        })?;
        // Where a value stands that is of its type and still none that there is.
        let line = |of: &dyn Fn(&str) -> bool| text.lines().position(of).unwrap_or_default();
        if config.log_level().is_none() {
            return Err(at(line(&|row| key(row) == Some("log_level")), &format!("log_level is one of {LOG_LEVELS}")));
        }
        let known = |set: &str| Network::ALL.iter().any(|n| has_set(*n, set));
        if let Some(set) = config.permit2_sites.values().chain([&config.permit2]).find(|set| !known(set)) {
            let line = line(&|row| row.contains(&format!("\"{set}\"")) && row.contains('='));
            return Err(at(line, "permit2 is one of first, second"));
        }
        for node in config.mainnet.iter().chain(&config.nile).chain(&config.shasta) {
            let doors = [
                ("url", Some(&node.url)),
                ("solidity_url", node.solidity_url.as_ref()),
                ("jsonrpc_url", node.jsonrpc_url.as_ref()),
            ];
            let wrong = doors.into_iter().find_map(|(name, url)| {
                url.filter(|url| names::WebUrl::parse_setting(url).is_err()).map(|url| (name, url))
            });
            if let Some((name, url)) = wrong {
                let line = line(&|row| key(row) == Some(name) && row.contains(url.as_str()));
                return Err(at(line, "a node's address begins with http:// or https://"));
            }
        }
        Ok(config)
    }

    /// How much the log files say; `None` for a word that is no level.
    pub fn log_level(&self) -> Option<tracing::level_filters::LevelFilter> {
        self.log_level.parse().ok().filter(|_| LOG_LEVELS.split(", ").any(|level| level == self.log_level))
    }

    pub fn nodes(&self, network: Network) -> Vec<NodeConfig> {
        let own = match network {
            Network::Mainnet => &self.mainnet,
            Network::Nile => &self.nile,
            Network::Shasta => &self.shasta,
        };
        match own.is_empty() {
            true => vec![network.node_url().to_owned().into()],
            false => own.clone(),
        }
    }

    pub fn question_ms(&self) -> i64 {
        i64::from(self.question_seconds.clamp(10, 86_400)) * 1000
    }
}

pub(crate) fn has_set(network: Network, name: &str) -> bool {
    tron::registry::deployments(network).permit2.iter().any(|set| set.name == name)
}

/// The settings' names: what else stands before an equals sign may be a secret in the wrong place.
const KEYS: [&str; 14] = [
    "port",
    "question_seconds",
    "auto_lock_minutes",
    "node_seconds",
    "log_level",
    "permit2",
    "permit2_sites",
    "mainnet",
    "nile",
    "shasta",
    "url",
    "solidity_url",
    "jsonrpc_url",
    "api_key",
];

/// The setting that a row sets or begins.
fn key(row: &str) -> Option<&str> {
    let name = row.split_once('=').map_or(row, |(name, _)| name).trim().trim_matches(['[', ']']).trim();
    KEYS.contains(&name).then_some(name)
}

/// "line 3, `port`: ", in front of what is wrong there.
fn place(text: &str, line: usize) -> String {
    let named = text.lines().nth(line).and_then(key).map_or_else(String::new, |key| format!(", `{key}`"));
    format!("line {}{named}: ", line.saturating_add(1))
}

/// The first line of the parser's message, without what stood in quotes: it may be an API key in the wrong place.
fn without_values(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    match (line.find('"'), line.rfind('"')) {
        (Some(first), Some(last)) if first < last => format!("{}\"…\"{}", &line[..first], &line[last + 1..]),
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_all_defaults_and_a_typing_error_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.toml");
        assert_eq!(Config::load(&file).unwrap().port, 4020);
        std::fs::write(&file, "port = 4021\n[[nile]]\nurl = \"http://127.0.0.1:9090\"\n").unwrap();
        let config = Config::load(&file).unwrap();
        assert_eq!((config.port, config.nodes(Network::Nile)[0].url.as_str()), (4021, "http://127.0.0.1:9090"));
        assert_eq!(config.nodes(Network::Mainnet)[0].url, "https://api.trongrid.io");
        std::fs::write(&file, "prot = 4021\n").unwrap();
        assert!(Config::load(&file).err().unwrap().to_string().contains("unknown field `prot`"));
        std::fs::write(&file, "log_level = \"loud\"\n").unwrap();
        assert!(Config::load(&file).err().unwrap().to_string().ends_with("off, error, warn, info, debug, trace"));
        std::fs::write(&file, "permit2 = \"second\"\n[permit2_sites]\n\"https://a.example\" = \"first\"\n").unwrap();
        let config = Config::load(&file).unwrap();
        assert_eq!((config.permit2.as_str(), config.permit2_sites["https://a.example"].as_str()), ("second", "first"));
        std::fs::write(&file, "permit2 = \"third\"\n").unwrap();
        assert!(Config::load(&file).err().unwrap().to_string().contains("first, second"));
        for (wrong, place) in [
            ("# mine\nport = \"x\"\n", "config.toml is not a valid configuration: line 2, `port`: invalid type"),
            ("port = 4021\n\nlog_level = \"loud\"\n", "line 3, `log_level`: "),
            ("[[nile]]\nurl = \"node.example\"\n", "line 2, `url`: a node's address begins with"),
            ("[[nile]]\nurl = \"file:///etc/passwd\"\n", "line 2, `url`: "),
            (
                "[[nile]]\nurl = \"http://a.example\"\nsolidity_url = \"a.example\"\n",
                "line 3, `solidity_url`: a node's address begins with",
            ),
            ("[[nile]]\napi_key = \"x\"\n", "line 1, `nile`: missing field `url`"),
            ("port = 1\npermit2 = \"third\"\n", "line 2, `permit2`: "),
            ("c2VjcmV0 = =\n", "line 1: "),
        ] {
            std::fs::write(&file, wrong).unwrap();
            let said = Config::load(&file).err().unwrap().to_string();
            assert!(said.contains(place) && said.starts_with(dir.path().to_str().unwrap()), "{wrong:?}: {said}");
            assert!(!said.contains("c2VjcmV0"), "{said}");
        }
        for misplaced in ["port = \"api \\\" key\"\n", "nile = \"api \\\" key\"\n", "[[nile]]\nurl = [\"api key\"]\n"] {
            std::fs::write(&file, misplaced).unwrap();
            let said = Config::load(&file).err().unwrap().to_string();
            assert!(said.contains("expected") && !said.contains("api") && !said.contains("key"), "{said}");
        }
    }
}
