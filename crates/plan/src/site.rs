//! The site that was requested: scheme, host and port, and how that is known. Refuses what is no address with one host
//! ([`names::WebUrl`]); never takes a name from a 402.

use names::{UrlError, WebUrl};
use std::fmt;

/// Where a request went. The host is lower-case ASCII (punycode), without a trailing dot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Site {
    scheme: String,
    host: String,
    port: u16,
}

/// How it is known that the request went to its site. Whatever an app hands over is its own word: a program that
/// never left the machine can write a 402 and put any host above it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Provenance {
    /// Rows of a time in which it was not written down.
    NotRecorded,
    /// The app says so.
    #[default]
    Claimed,
    /// The wallet's own command made the request and met the 402.
    Verified,
}

impl Provenance {
    pub const ALL: [Self; 3] = [Self::NotRecorded, Self::Claimed, Self::Verified];

    /// A stable name for digest, record and every surface.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotRecorded => "not recorded",
            Self::Claimed => "claimed",
            Self::Verified => "verified",
        }
    }
}

impl Site {
    pub fn of(url: &str) -> Result<Self, UrlError> {
        Ok(Self::of_url(&WebUrl::parse(url)?))
    }

    pub fn of_url(url: &WebUrl) -> Self {
        Self { scheme: url.as_url().scheme().to_owned(), host: url.host().to_owned(), port: url.port() }
    }

    /// Reads back what `Display` wrote, of older versions too: those took hosts that are refused today, and a record
    /// of them stays readable.
    pub fn parse(key: &str) -> Option<Self> {
        let (scheme, place) = key.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https"))?;
        let written = place.rsplit_once(':').filter(|(_, port)| !port.ends_with(']'));
        let (host, port) = match written {
            Some((host, port)) => (host, port.parse().ok()?),
            None => (place, if scheme == "https" { 443 } else { 80 }),
        };
        let plain = |c: char| c.is_ascii_graphic() && !c.is_ascii_uppercase() && !"/?#@\\".contains(c);
        let site = Self { scheme: scheme.to_owned(), host: host.to_owned(), port };
        (!host.is_empty() && host.chars().all(plain) && site.to_string() == key).then_some(site)
    }

    /// On this machine, where every program has a port of its own.
    pub fn is_loopback(&self) -> bool {
        let host = self.host.trim_matches(['[', ']']);
        host == "localhost"
            || host.ends_with(".localhost")
            || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// The same host, whatever the scheme and port.
    pub fn same_host(&self, other: &Self) -> bool {
        self.host == other.host
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
            ("https://news.example:443/a", "https://news.example"),
            ("http://127.0.0.1:4021/x", "http://127.0.0.1:4021"),
            ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example"),
            ("https://bücher.example/", "https://xn--bcher-kva.example"),
            ("http://[::1]:80/", "http://[::1]"),
        ] {
            let site = Site::of(url).unwrap();
            assert_eq!(site.to_string(), key);
            assert_eq!(Site::parse(key), Some(site));
        }
        // Without their dots these would be other hosts: 1 is 0.0.0.1.
        for url in ["http://1../", "http://127.0.0.1../", "https://news.example..", "https://1\u{3002}./"] {
            assert!(Site::of(url).is_err(), "{url}");
        }
        for url in ["", "news.example", "file:///etc/passwd", "javascript:alert(1)", "https://"] {
            assert!(Site::of(url).is_err(), "{url}");
        }
        // Nobody knows who would be paid.
        for url in ["https://user:secret@news.example/a", "http://good.example\\@127.0.0.1/", "https:news.example"] {
            assert!(Site::of(url).is_err(), "{url}");
        }
    }

    #[test]
    fn keys_of_older_records_stay_readable() {
        for key in ["https://a!b.example", "http://a..b:8080", "http://[::1]:4021", "http://[::1]"] {
            assert_eq!(Site::parse(key).unwrap().to_string(), key);
        }
        for key in [
            "",
            "news.example",
            "https://",
            "ftp://news.example",
            "https://news.example/",
            "https://News.example",
            "http://a:80",
        ] {
            assert_eq!(Site::parse(key), None, "{key}");
        }
    }
}
