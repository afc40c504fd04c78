//! A web address with one host. Programs disagree about sloppy addresses: a browser's parser takes a backslash for a
//! slash, skips tabs and blanks, adds missing slashes, decodes and maps characters of the host, and reads numbers as
//! addresses; curl, Python, Go and others do some of that and not the rest. Whoever signs for one host while another
//! one is asked pays a stranger. So what two readers could read as two hosts is refused with its reason and never
//! repaired. Spellings that all agree on are normalised: the host's case, the default port, an absent path,
//! percent-encoding behind the host.

use crate::is_invisible;
use std::fmt;
use unicode_normalization::UnicodeNormalization;
use url::{Host, Url};

/// A name and its labels on the wire (RFC 1035).
const HOST_MAX: usize = 253;
const LABEL_MAX: usize = 63;

/// An absolute `http` or `https` address without user information.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct WebUrl(Url);

/// Why a text is no address that everybody reads alike.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    #[error("expected an absolute address that begins with http:// or https://, found {found:?}")]
    NotWeb { found: String },
    #[error("expected exactly two slashes behind {scheme}:, since programs disagree where the host begins otherwise")]
    Slashes { scheme: &'static str },
    #[error("{} in an address is read in different ways by different programs; write it percent-encoded or leave it out", shown(*.found))]
    Character { found: char },
    #[error("there is an @ in front of the path: what stands before it looks like the host and is a user name")]
    User,
    #[error("there is no host in it")]
    NoHost,
    /// The host as it was written.
    #[error("the host {found:?} is not read alike by all programs: {why}")]
    Host { found: String, why: &'static str },
    #[error("the port {found:?} is none: expected 1 to 65535")]
    Port { found: String },
}

impl WebUrl {
    /// Reads an address that a request goes to, or that an app says it went to.
    ///
    /// # Errors
    /// [`UrlError`] says what two readers could read in two ways. No error repeats user information.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let parts = Parts::of(text)?;
        match parts.login {
            Some(_) => Err(UrlError::User),
            None => parts.read(text),
        }
    }

    /// Reads an address out of the owner's own settings: a login in front of the host is theirs to write, as long as
    /// everybody finds the same end of it.
    ///
    /// # Errors
    /// As [`WebUrl::parse`], user information aside.
    pub fn parse_setting(text: &str) -> Result<Self, UrlError> {
        let parts = Parts::of(text)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~%!$&'()*+,;=:".contains(c);
        match parts.login.is_none_or(|login| login.chars().all(plain)) {
            true => parts.read(text),
            false => Err(UrlError::User),
        }
    }

    pub fn as_url(&self) -> &Url {
        &self.0
    }

    pub fn into_url(self) -> Url {
        self.0
    }

    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub fn is_tls(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Lower-case ASCII without a trailing dot: a name in punycode, an IPv4 address, or an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        let host = self.0.host_str().unwrap_or_default();
        host.strip_suffix('.').unwrap_or(host)
    }

    /// The host in its own letters, where it is written in others.
    pub fn unicode_host(&self) -> Option<String> {
        let (unicode, _) = idna::domain_to_unicode(self.host());
        (unicode != self.host()).then_some(unicode)
    }

    /// The port that is asked, the scheme's own where none is written.
    pub fn port(&self) -> u16 {
        self.0.port_or_known_default().unwrap_or(if self.is_tls() { 443 } else { 80 })
    }

    /// This machine: never asked through a proxy.
    pub fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(Host::Domain(name)) => {
                let name = name.strip_suffix('.').unwrap_or(name);
                name == "localhost" || name.ends_with(".localhost")
            }
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        }
    }
}

/// An address cut where every reader cuts it.
struct Parts<'a> {
    login: Option<&'a str>,
    host: &'a str,
    port: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Result<Self, UrlError> {
        let (scheme, rest) = ["https", "http"]
            .into_iter()
            .find_map(|scheme| {
                let head = text.get(..scheme.len())?;
                let rest = text.get(scheme.len()..)?.strip_prefix(':')?;
                head.eq_ignore_ascii_case(scheme).then_some((scheme, rest))
            })
            .ok_or_else(|| UrlError::NotWeb { found: short(text) })?;
        // Some parsers skip these, some cut there, some send them.
        if let Some(found) = text.chars().find(|c| c.is_whitespace() || is_invisible(*c)) {
            return Err(UrlError::Character { found });
        }
        let (before_query, _) = text.split_at(text.find(['?', '#']).unwrap_or(text.len()));
        if before_query.contains('\\') {
            return Err(UrlError::Character { found: '\\' });
        }
        let rest = rest.strip_prefix("//").ok_or(UrlError::Slashes { scheme })?;
        if rest.starts_with('/') {
            return Err(UrlError::Slashes { scheme });
        }
        let (authority, behind) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        // Without a path, old readers look for the host behind an @ that belongs to a query or fragment.
        if !behind.starts_with('/') && behind.split('/').next().is_some_and(|part| part.contains(['@', '\\'])) {
            return Err(UrlError::User);
        }
        let (login, place) = match authority.rsplit_once('@') {
            Some((login, place)) => (Some(login), place),
            None => (None, authority),
        };
        // Behind the bracket of an IPv6 address, otherwise behind the only colon that may be there.
        let ends = place.find(']').map_or(0, |at| at + 1);
        let (host, port) = match place.get(ends..).and_then(|tail| tail.find(':')) {
            Some(at) => (place.get(..ends + at).unwrap_or_default(), place.get(ends + at + 1..)),
            None => (place, None),
        };
        Ok(Self { login, host, port })
    }

    fn read(&self, text: &str) -> Result<WebUrl, UrlError> {
        let wrong = |why| UrlError::Host { found: short(self.host), why };
        check_host(self.host).map_err(|why| why.map_or(UrlError::NoHost, wrong))?;
        if let Some(port) = self.port {
            let digits = port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit());
            // An empty one is the default for everybody.
            if !digits || (!port.is_empty() && !port.parse::<u16>().is_ok_and(|port| port > 0)) {
                return Err(UrlError::Port { found: short(port) });
            }
        }
        let url = Url::parse(text).map_err(|_| wrong("it is no name and no address"))?;
        let host = url.host_str().unwrap_or_default();
        if !same_host(self.host, host) {
            return Err(wrong("it is written with characters that stand for others"));
        }
        let name = host.strip_suffix('.').unwrap_or(host);
        if name.is_empty() {
            return Err(UrlError::NoHost);
        }
        if name.len() > HOST_MAX || (!host.starts_with('[') && name.split('.').any(|label| label.len() > LABEL_MAX)) {
            return Err(wrong("it is too long for a name"));
        }
        Ok(WebUrl(url))
    }
}

/// What is wrong with a host as it is written; `None` inside: there is none.
fn check_host(host: &str) -> Result<(), Option<&'static str>> {
    if host.is_empty() || host == "." {
        return Err(None);
    }
    if let Some(inside) = host.strip_prefix('[') {
        let plain = |c: char| c.is_ascii_hexdigit() || c == ':' || c == '.';
        return match inside.strip_suffix(']') {
            Some(inside) if inside.chars().all(plain) => Ok(()),
            Some(_) => Err(Some("an IPv6 address has digits and colons only, and no zone")),
            None => Err(Some("the bracket of the IPv6 address is not closed")),
        };
    }
    if host.contains('%') {
        return Err(Some("some decode % in a host and some do not"));
    }
    // The underscore is taken as it is by everybody, although it is no letter of a host name.
    if host.chars().any(|c| c.is_ascii() && !c.is_ascii_alphanumeric() && !"-._".contains(c)) {
        return Err(Some("it has a character that no host has"));
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    if name.split('.').any(str::is_empty) {
        return Err(Some("it has an empty part between dots"));
    }
    let last = name.rsplit('.').next().unwrap_or_default();
    let hex = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    let numeric = last.bytes().all(|b| b.is_ascii_digit())
        || hex.is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    if numeric && !host.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| ip.to_string() == host) {
        return Err(Some("an IPv4 address is written as four decimal numbers"));
    }
    Ok(())
}

/// Letters that the two generations of internationalised names turn into different hosts: IDNA 2003, which Python
/// still speaks, maps or drops what UTS 46 keeps, and keeps what UTS 46 maps.
fn differs_by_generation(c: char) -> bool {
    matches!(
        c,
        'ß' | 'ẞ' | 'ς' | '\u{200c}' | '\u{200d}' | '\u{4c0}' | '\u{10a0}'..='\u{10c5}' | '\u{2132}' | '\u{2183}'
    )
}

/// Whether `read`, the host as the parser has it, is what is written but for case: nothing was decoded, mapped or
/// dropped on the way.
fn same_host(written: &str, read: &str) -> bool {
    if written.starts_with('[') {
        return read.starts_with('[');
    }
    if written.is_ascii() {
        return written.eq_ignore_ascii_case(read);
    }
    // One that is written in punycode stays so; a foreign dot makes the parts differ in number.
    let same = |(written, read): (&str, &str)| match written.is_ascii() {
        true => written.eq_ignore_ascii_case(read),
        false => {
            let lower: String = written.to_lowercase().nfc().collect();
            read.starts_with("xn--") && matches!(idna::domain_to_unicode(read), (unicode, Ok(())) if unicode == lower)
        }
    };
    !written.chars().any(differs_by_generation)
        && written.split('.').count() == read.split('.').count()
        && written.split('.').zip(read.split('.')).all(same)
}

fn shown(c: char) -> String {
    match c {
        ' ' => "a blank".to_owned(),
        '\t' => "a tab".to_owned(),
        '\n' | '\r' => "a line break".to_owned(),
        '\\' => "a backslash".to_owned(),
        c => format!("the character U+{:04X}", u32::from(c)),
    }
}

/// Enough of a foreign text to recognise it by, and nothing that stands in front of an @.
fn short(text: &str) -> String {
    let text = text.rsplit_once('@').map_or(text, |(_, behind)| behind);
    text.chars().take(80).collect()
}

impl fmt::Display for WebUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for WebUrl {
    /// Without what a login in settings would tell.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebUrl({}://{}:{})", self.0.scheme(), self.host(), self.port())
    }
}

#[cfg(test)]
mod tests;
