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

/// One node, by the base URL of its HTTP API, such as `https://api.trongrid.io`.
#[derive(Clone)]
pub struct NodeConfig {
    pub url: String,
    pub api_key: Option<ApiKey>,
}

impl NodeConfig {
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), api_key: None }
    }

    /// The same with this key, if it is one of TronGrid's nodes, asked over https, and has none of its own: a key for
    /// one provider is nobody else's business.
    #[must_use]
    pub fn or_key(mut self, key: Option<&ApiKey>) -> Self {
        let theirs = Url::parse(&self.url).is_ok_and(|url| {
            let host = url.host_str().unwrap_or_default();
            url.scheme() == "https" && (host == "trongrid.io" || host.ends_with(".trongrid.io"))
        });
        if theirs && self.api_key.is_none() {
            self.api_key = key.cloned();
        }
        self
    }
}

impl fmt::Debug for NodeConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let node = WebUrl::parse_setting(&self.url).map_or_else(|_| "not a URL".to_owned(), |url| label(url.as_url()));
        f.debug_struct("NodeConfig").field("node", &node).field("api_key", &self.api_key).finish()
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
}

impl Config {
    /// The network's public node, ten seconds.
    pub fn public(network: Network) -> Self {
        Self::one(network, network.node_url())
    }

    /// One node, ten seconds.
    pub fn one(network: Network, url: impl Into<String>) -> Self {
        Self { network, nodes: vec![NodeConfig::new(url)], timeout: Duration::from_secs(10) }
    }
}

/// Reads the base URL of a node: `http` or `https`, with one host; a trailing slash makes no difference. And whether it
/// is on this machine, which is never asked through a proxy.
pub(crate) fn base_url(node: &NodeConfig, index: usize) -> Result<(Url, bool), ChainError> {
    let wrong = |found: &str, expected: &str| ChainError::Config {
        field: format!("nodes[{index}].url"),
        found: shortened(found),
        expected: expected.to_owned(),
    };
    let read = WebUrl::parse_setting(&node.url).map_err(|e| wrong(&e.to_string(), "an http or https URL"))?;
    let loopback = read.is_loopback();
    let mut url = read.into_url();
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("a query or fragment", "a base URL"));
    }
    if node.api_key.is_some() && url.scheme() == "http" && !loopback {
        return Err(wrong("http with an API key", "https, because the key would travel readable"));
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok((url, loopback))
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
        assert!(base_url(&node, 0).is_ok());
        node.api_key = Some(ApiKey::new("very-secret"));
        assert!(matches!(base_url(&node, 0), Err(ChainError::Config { .. })));
        node.url = "http://127.0.0.1:9".into();
        assert!(base_url(&node, 0).is_ok());
        node.url = "https://user:very-secret@node.example/very-secret/".into();
        assert!(base_url(&node, 0).is_ok());
        assert_eq!(format!("{node:?}"), "NodeConfig { node: \"https://node.example\", api_key: Some(ApiKey(…)) }");
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
                matches!(base_url(&NodeConfig::new(url), 3), Err(ChainError::Config { field, .. }) if field == "nodes[3].url")
            );
        }
    }
}
