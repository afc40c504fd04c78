//! Whether two places of one answer hold the same offer. Spellings are no difference: null and absent, version 1 and 2,
//! the forms of a network or an address, http and https behind a proxy, a place that leaves something out.

use crate::{Malformed, Offer, Requirements, extensions::PERMIT_CONTEXT};
use serde_json::Value;
use tron::{Address, Network};

/// A member that the other place says differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its path in the other place: `accepts[0].amount`.
    pub field: String,
    pub found: String,
    pub expected: String,
}

impl Difference {
    /// As what is wrong with the other place; `first` says where the document stands that it is compared with.
    pub(crate) fn told(self, first: &str) -> Malformed {
        let first = if first.is_empty() { "the document" } else { first };
        let expected =
            format!("{}, as in {first}: one answer makes one offer", crate::malformed::shown(&self.expected));
        Malformed::new(self.field, &self.found, expected)
    }
}

impl Offer {
    /// What another place of the same answer says differently; `None` where it repeats this offer or a part of it.
    pub fn contradicted_by(&self, other: &Self) -> Option<Difference> {
        let at = |field: String| if other.place.is_empty() { field } else { format!("{}.{field}", other.place) };
        for theirs in &other.options {
            if self.options.iter().any(|mine| differs(mine, theirs).is_none()) {
                continue;
            }
            // The one in the same place tells best what was changed.
            let mine = self.options.get(theirs.index).or(self.options.first());
            let (member, found, expected) = mine.and_then(|mine| differs(mine, theirs))?;
            return Some(Difference { field: at(format!("accepts[{}].{member}", theirs.index)), found, expected });
        }
        if let (Some(mine), Some(theirs)) = (&self.resource, &other.resource)
            && !same_url(&mine.url, &theirs.url)
        {
            let (found, expected) = (theirs.url.clone(), mine.url.clone());
            return Some(Difference { field: at("resource.url".to_owned()), found, expected });
        }
        let context = |offer: &Self| offer.extensions.get(PERMIT_CONTEXT);
        let (member, found, expected) = match (context(self), context(other)) {
            (Some(mine), Some(theirs)) => inner(PERMIT_CONTEXT, &mine, &theirs)?,
            _ => return None,
        };
        Some(Difference { field: at(format!("extensions.{member}")), found, expected })
    }
}

/// The first member of `theirs` that is not as in `mine`: its name, what it says, what `mine` says.
fn differs(mine: &Requirements, theirs: &Requirements) -> Option<(String, String, String)> {
    let words = [
        ("scheme", &mine.scheme, &theirs.scheme),
        ("network", &mine.network, &theirs.network),
        ("asset", &mine.asset, &theirs.asset),
        ("payTo", &mine.pay_to, &theirs.pay_to),
    ];
    for (name, mine, theirs) in words {
        if !theirs.is_empty() && !same_word(mine, theirs) {
            return Some((name.to_owned(), theirs.clone(), mine.clone()));
        }
    }
    let figures = [
        ("amount", mine.amount.map(|a| a.to_string()), theirs.amount.map(|a| a.to_string())),
        (
            "maxTimeoutSeconds",
            mine.max_timeout_seconds.map(|s| s.to_string()),
            theirs.max_timeout_seconds.map(|s| s.to_string()),
        ),
    ];
    for (name, mine, theirs) in figures {
        if theirs.is_some() && mine != theirs {
            return Some((name.to_owned(), theirs.unwrap_or_default(), mine.unwrap_or_else(|| "nothing".to_owned())));
        }
    }
    inner("extra", &mine.extra, &theirs.extra)
}

fn inner(path: &str, mine: &Value, theirs: &Value) -> Option<(String, String, String)> {
    match (mine, theirs) {
        (_, Value::Null) => None,
        (Value::Object(mine), Value::Object(theirs)) => theirs.iter().find_map(|(name, theirs)| {
            inner(&format!("{path}.{name}"), mine.get(name).unwrap_or(&Value::Null), theirs)
        }),
        (mine, theirs) => {
            let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let (mine, theirs) = (text(mine), text(theirs));
            (!same_word(&mine, &theirs)).then_some((path.to_owned(), theirs, mine))
        }
    }
}

/// Equal, or the same network or address in another spelling.
fn same_word(mine: &str, theirs: &str) -> bool {
    let network = |text| Network::parse(text).ok();
    let address = |text| Address::parse(text).ok();
    let evm = |text: &str| text.starts_with("0x") && text.len() == 42;
    mine == theirs
        || network(mine).is_some_and(|mine| network(theirs) == Some(mine))
        || address(mine).is_some_and(|mine| address(theirs) == Some(mine))
        || (evm(mine) && mine.eq_ignore_ascii_case(theirs))
}

/// The same place, told by a path alone or through a proxy that speaks TLS to the outside.
fn same_url(mine: &str, theirs: &str) -> bool {
    let (mine, theirs) = (bare_url(mine), bare_url(theirs));
    let path = |url: &str| url.find('/').map_or(String::new(), |at| url[at..].to_owned());
    mine.is_empty()
        || theirs.is_empty()
        || mine == theirs
        || (mine.starts_with('/') && path(&theirs) == mine)
        || (theirs.starts_with('/') && path(&mine) == theirs)
}

/// Without scheme, default port and a slash at the end; a relative one begins with a slash.
fn bare_url(url: &str) -> String {
    let url = url.trim();
    let (rest, port) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (rest, ":443"),
        (_, Some(rest)) => (rest, ":80"),
        _ => return url.trim_end_matches('/').to_owned(),
    };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host.strip_suffix(port).unwrap_or(host).to_ascii_lowercase();
    format!("{host}{}", path.trim_end_matches('/'))
}
