//! The site that was requested: scheme, host and port. Refuses other schemes and hosts that are none;
//! never takes a name from a 402.

use std::fmt;

/// Where a request went. The host is lower-case ASCII (punycode), without a trailing dot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Site {
    scheme: String,
    host: String,
    port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SiteError {
    #[error("expected an absolute http or https URL, found {found:?}")]
    NotAUrl { found: String },
    #[error("expected http or https, found {found:?}")]
    Scheme { found: String },
    #[error("the URL has no host")]
    NoHost,
}

impl Site {
    pub fn of(url: &str) -> Result<Self, SiteError> {
        let parsed = url::Url::parse(url).map_err(|_| SiteError::NotAUrl { found: short(url) })?;
        Self::of_url(&parsed)
    }

    pub fn of_url(url: &url::Url) -> Result<Self, SiteError> {
        let scheme = url.scheme();
        if scheme != "http" && scheme != "https" {
            return Err(SiteError::Scheme { found: short(scheme) });
        }
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or(0);
        // One dot ends a full name. With more of them it is no name, and without them it would be another host.
        match host.strip_suffix('.').unwrap_or(host) {
            "" => Err(SiteError::NoHost),
            host if host.ends_with('.') => Err(SiteError::NotAUrl { found: short(url.as_str()) }),
            host => Ok(Self { scheme: scheme.to_owned(), host: host.to_ascii_lowercase(), port }),
        }
    }

    /// Reads back what `Display` wrote.
    pub fn parse(key: &str) -> Result<Self, SiteError> {
        Self::of(key)
    }

    pub fn host(&self) -> &str {
        &self.host
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn is_tls(&self) -> bool {
        self.scheme == "https"
    }
}

/// Enough of a foreign text to recognise it by.
fn short(text: &str) -> String {
    text.chars().take(120).collect()
}

impl fmt::Display for Site {
    /// `https://news.example`, the port only where it is not the scheme's own. This is the ledger's key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let default = if self.is_tls() { 443 } else { 80 };
        write!(f, "{}://{}", self.scheme, self.host)?;
        if self.port != default { write!(f, ":{}", self.port) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_what_was_requested() {
        for (url, key) in [
            ("https://News.Example./a?b#c", "https://news.example"),
            ("https://user:secret@news.example:443/a", "https://news.example"),
            ("http://127.0.0.1:4021/x", "http://127.0.0.1:4021"),
            ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example"),
            ("https://bücher.example/", "https://xn--bcher-kva.example"),
            ("http://[::1]:80/", "http://[::1]"),
        ] {
            assert_eq!(Site::of(url).unwrap().to_string(), key);
        }
        // Without their dots these would be other hosts: 1 is 0.0.0.1.
        for url in ["http://1../", "http://127.0.0.1../", "https://news.example..", "https://1\u{3002}./"] {
            assert!(Site::of(url).is_err(), "{url}");
        }
        for url in ["", "news.example", "file:///etc/passwd", "javascript:alert(1)", "https://"] {
            assert!(Site::of(url).is_err(), "{url}");
        }
    }
}
