//! Which network, which nodes, how patiently. Refuses a URL that is not HTTP, and to send an API key in the clear
//! to another machine.

use crate::{ChainError, error::shortened};
use names::WebUrl;
use reqwest::Url;
use std::{fmt, time::Duration};
use tron::Network;
use zeroize::Zeroizing;

/// A TronGrid API key. Not shown by Debug, wiped when dropped.
#[derive(Clone)]
pub struct ApiKey(Zeroizing<String>);

impl ApiKey {
    /// The environment's variable with a key for TronGrid, by the name that other programs for TRON read it.
    pub const VARIABLE: &str = "TRON_GRID_API_KEY";

    pub fn new(key: impl Into<String>) -> Self {
        Self(Zeroizing::new(key.into()))
    }

    /// What stands in [`ApiKey::VARIABLE`], if anything does.
    pub fn of_environment() -> Option<Self> {
        let key = Zeroizing::new(std::env::var(Self::VARIABLE).ok()?);
        Some(Self::new(key.trim())).filter(|key| !key.reveal().is_empty())
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

/// One node, by the base URLs of its doors. A gateway such as `https://api.trongrid.io` serves all of them at one; a
/// java-tron of one's own has `wallet/` at port 8090, `walletsolidity/` at 8091, and JSON-RPC at 8545 where it is on.
#[derive(Clone)]
pub struct NodeConfig {
    /// Serves `wallet/`.
    pub url: String,
    /// Serves `walletsolidity/`; looked for at `url` when `None`, and not needed.
    pub solidity_url: Option<String>,
    /// Serves `jsonrpc`; looked for at `url` when `None`, and not needed.
    pub jsonrpc_url: Option<String>,
    pub api_key: Option<ApiKey>,
}

impl NodeConfig {
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), solidity_url: None, jsonrpc_url: None, api_key: None }
    }

    /// The URL that is set for a door, and the setting's name.
    pub(crate) fn door(&self, door: Door) -> (Option<&str>, &'static str) {
        match door {
            Door::Wallet => (Some(&self.url), "url"),
            Door::Solidity => (self.solidity_url.as_deref(), "solidity_url"),
            Door::JsonRpc => (self.jsonrpc_url.as_deref(), "jsonrpc_url"),
        }
    }

    fn urls(&self) -> impl Iterator<Item = &str> {
        Door::ALL.into_iter().filter_map(|door| self.door(door).0)
    }

    /// The same with this key, if it is one of TronGrid's nodes, asked over https, and has none of its own: a key for
    /// one provider is nobody else's business.
    #[must_use]
    pub fn or_key(mut self, key: Option<&ApiKey>) -> Self {
        let theirs = self.urls().all(|url| {
            Url::parse(url).is_ok_and(|url| {
                let host = url.host_str().unwrap_or_default();
                url.scheme() == "https" && (host == "trongrid.io" || host.ends_with(".trongrid.io"))
            })
        });
        if theirs && self.api_key.is_none() {
            self.api_key = key.cloned();
        }
        self
    }
}

impl fmt::Debug for NodeConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |url| WebUrl::parse_setting(url).map_or_else(|_| "not a URL".to_owned(), |url| label(url.as_url()));
        let urls: Vec<String> = self.urls().map(shown).collect();
        f.debug_struct("NodeConfig").field("urls", &urls).field("api_key", &self.api_key).finish()
    }
}

/// A part of a node's API, which may have an address of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// What the node has seen, and sending.
    Wallet,
    /// What can't be replaced any more.
    Solidity,
    JsonRpc,
}

impl Door {
    pub const ALL: [Self; 3] = [Self::Wallet, Self::Solidity, Self::JsonRpc];

    /// The first part of its paths.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Wallet => "wallet",
            Self::Solidity => "walletsolidity",
            Self::JsonRpc => "jsonrpc",
        }
    }
}

/// Everything [`crate::TronGrid`] needs.
#[derive(Clone, Debug)]
pub struct Config {
    pub network: Network,
    /// Asked in this order; the next one is asked when one fails.
    pub nodes: Vec<NodeConfig>,
    /// For one HTTP exchange with one node.
    pub timeout: Duration,
    /// How long nodes that say they are busy are asked again, for one question.
    pub patience: Duration,
}

const TIMEOUT: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(15);

impl Config {
    /// The network's public node; ten seconds, fifteen where it is busy.
    pub fn public(network: Network) -> Self {
        Self::one(network, network.node_url())
    }

    /// One node; ten seconds, fifteen where it is busy.
    pub fn one(network: Network, url: impl Into<String>) -> Self {
        Self { network, nodes: vec![NodeConfig::new(url)], timeout: TIMEOUT, patience: PATIENCE }
    }
}

/// Reads a base URL of a node: `http` or `https`, with one host; a trailing slash makes no difference, and neither does
/// the door's own path at its end. And whether it is on this machine, which is never asked through a proxy. `None`
/// where no URL is set for the door.
pub(crate) fn base_url(node: &NodeConfig, index: usize, door: Door) -> Result<Option<(Url, bool)>, ChainError> {
    let (Some(text), name) = node.door(door) else { return Ok(None) };
    let wrong = |found: &str, expected: &str| ChainError::Config {
        field: format!("nodes[{index}].{name}"),
        found: shortened(found),
        expected: expected.to_owned(),
    };
    let read = WebUrl::parse_setting(text).map_err(|e| wrong(&e.to_string(), "an http or https URL"))?;
    let loopback = read.is_loopback();
    let mut url = read.into_url();
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("a query or fragment", "a base URL"));
    }
    if node.api_key.is_some() && url.scheme() == "http" && !loopback {
        return Err(wrong("http with an API key", "https, because the key would travel readable"));
    }
    let path = url.path().trim_end_matches('/');
    let path = path.strip_suffix(door.path()).filter(|rest| rest.ends_with('/')).unwrap_or(path);
    let path = format!("{}/", path.trim_end_matches('/'));
    url.set_path(&path);
    Ok(Some((url, loopback)))
}

/// Scheme, host and port: what may appear in a log.
pub(crate) fn label(url: &Url) -> String {
    let port = url.port().map(|p| format!(":{p}")).unwrap_or_default();
    format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or("?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_never_travels_readable_and_is_never_shown() {
        let mut node = NodeConfig::new("http://node.example");
        assert!(base_url(&node, 0, Door::Wallet).is_ok());
        node.api_key = Some(ApiKey::new("very-secret"));
        assert!(matches!(base_url(&node, 0, Door::Wallet), Err(ChainError::Config { .. })));
        node.url = "http://127.0.0.1:9".into();
        assert!(base_url(&node, 0, Door::Wallet).is_ok());
        node.solidity_url = Some("http://node.example".into());
        let field = base_url(&node, 0, Door::Solidity).unwrap_err().to_string();
        assert!(field.starts_with("nodes[0].solidity_url: "), "{field}");
        node.solidity_url = None;
        node.url = "https://user:very-secret@node.example/very-secret/".into();
        assert!(base_url(&node, 0, Door::Wallet).is_ok());
        assert_eq!(format!("{node:?}"), "NodeConfig { urls: [\"https://node.example\"], api_key: Some(ApiKey(…)) }");
    }

    #[test]
    fn a_key_for_trongrid_goes_to_trongrid_alone_and_replaces_no_other() {
        let key = ApiKey::new("of-the-environment");
        for (url, given) in [
            ("https://api.trongrid.io", true),
            ("https://nile.trongrid.io/", true),
            ("https://API.SHASTA.TRONGRID.IO:443/x", true),
            ("http://api.trongrid.io", false),
            ("https://nottrongrid.io", false),
            ("https://api.trongrid.io.example", false),
            ("https://api.trongrid.io@node.example", false),
            ("http://127.0.0.1:8090", false),
            ("no url", false),
        ] {
            assert_eq!(NodeConfig::new(url).or_key(Some(&key)).api_key.is_some(), given, "{url}");
        }
        let own = NodeConfig { api_key: Some(ApiKey::new("own")), ..NodeConfig::new("https://api.trongrid.io") };
        assert_eq!(own.or_key(Some(&key)).api_key.unwrap().reveal(), "own");
        assert!(NodeConfig::new("https://api.trongrid.io").or_key(None).api_key.is_none());
    }

    #[test]
    fn a_door_is_named_with_its_path_or_without() {
        for (solidity, jsonrpc) in [
            ("http://127.0.0.1:8091", "http://127.0.0.1:8545"),
            ("http://127.0.0.1:8091/", "http://127.0.0.1:8545/jsonrpc"),
            ("http://127.0.0.1:8091/walletsolidity", "http://127.0.0.1:8545/jsonrpc/"),
            ("http://127.0.0.1:8091/walletsolidity/", "http://127.0.0.1:8545//"),
        ] {
            let node = NodeConfig {
                solidity_url: Some(solidity.into()),
                jsonrpc_url: Some(jsonrpc.into()),
                ..NodeConfig::new("http://127.0.0.1:8090/wallet")
            };
            for (door, base) in Door::ALL.into_iter().zip([8090, 8091, 8545]) {
                let (url, loopback) = base_url(&node, 0, door).unwrap().unwrap();
                assert_eq!((url.as_str(), loopback), (format!("http://127.0.0.1:{base}/").as_str(), true));
            }
        }
        let path = NodeConfig::new("https://node.example/tron/v1");
        assert_eq!(base_url(&path, 0, Door::Wallet).unwrap().unwrap().0.as_str(), "https://node.example/tron/v1/");
        assert_eq!(base_url(&path, 0, Door::Solidity).unwrap(), None);
    }

    #[test]
    fn what_is_no_node_url_is_refused() {
        for url in [
            "",
            "api.trongrid.io",
            "ftp://node.example",
            "https://node.example/?key=1",
            "https://node.example/#a",
            "http://2130706433",
            "https://node.example\\@other.example",
        ] {
            assert!(
                matches!(base_url(&NodeConfig::new(url), 3, Door::Wallet), Err(ChainError::Config { field, .. }) if field == "nodes[3].url")
            );
        }
    }
}
