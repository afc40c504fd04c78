//! A request as an app hands it over, parsed at the door. Refuses what is not of its form, and keeps no secret that
//! stands in a URL.

use crate::WalletError;
use names::WebUrl;
use plan::{AppId, Plan, Provenance, Request, Site};
use sha2::{Digest, Sha256};
use std::fmt;
use tron::{Address, Amount};
use x402::{Offer, Requirements, Terms};

const URL_MAX: usize = 8192;
const REASON_MAX: usize = 500;
const WORDS_MAX: usize = 500;

/// What an app hands over: the request that met the 402 and the raw 402.
#[derive(Clone, Debug, Default)]
pub struct PayRequest {
    pub method: String,
    pub url: String,
    /// Verified only where the caller is the wallet's own command, which met the 402 itself; never for an app.
    pub provenance: Provenance,
    /// Header value (base64), JSON body or MCP result, unchanged.
    pub payment_required: String,
    /// The app's own words.
    pub reason: Option<String>,
    pub idempotency_key: Option<String>,
    /// "0.50 USDT", or smallest units with the token's contract: [`Most::of_one_token`].
    pub max_amount: Option<String>,
    /// Whole units, "0.50", or "0.50 USDT" for that token alone.
    pub max: Option<String>,
    pub prefer: Option<Prefer>,
}

/// Which option the app would rather use.
#[derive(Clone, Debug, Default)]
pub struct Prefer {
    pub scheme: Option<String>,
    pub network: Option<String>,
    pub asset: Option<String>,
}

impl Prefer {
    pub(crate) fn matches(&self, option: &Requirements, terms: &Terms) -> bool {
        let same = |want: &Option<String>, is: bool| want.is_none() || is;
        let network = |n: &str| tron::Network::parse(n) == Ok(terms.network());
        let asset = |a: &str| tron::Address::parse(a) == Ok(terms.token());
        // "exact", or precisely "exact/permit2".
        let scheme = |s: &str| s == option.scheme || s == terms.scheme().name();
        same(&self.scheme, self.scheme.as_deref().is_some_and(scheme))
            && same(&self.network, self.network.as_deref().is_some_and(network))
            && same(&self.asset, self.asset.as_deref().is_some_and(asset))
    }
}

/// The most that may leave, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Most {
    /// Whole units, and the token where one is named.
    Whole { amount: String, symbol: Option<String> },
    /// Smallest units of the token at this address.
    Smallest { amount: Amount, token: Address },
}

/// More than any token has.
const DECIMALS: u8 = 36;

impl Most {
    /// "0.50" or "0.50 USDT"; `None` for what is neither.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
        let (amount, symbol) = text.split_at(end);
        let symbol = Some(symbol.trim()).filter(|symbol| !symbol.is_empty());
        // "1e3" and "0x10" are numbers of another form: a symbol with digits stands behind a blank.
        let apart = text[end..].starts_with(char::is_whitespace);
        let letters = |s: &str| s.chars().all(|c| c.is_ascii_alphabetic() || (apart && c.is_ascii_digit()));
        let named = symbol.is_none_or(|s| s.starts_with(|c: char| c.is_ascii_alphabetic()) && letters(s));
        Amount::parse_units(amount, DECIMALS).ok().filter(|_| named)?;
        Some(Self::Whole { amount: amount.to_owned(), symbol: symbol.map(str::to_owned) })
    }

    /// As programs write it, always of one token: "0.50 USDT" with a symbol of the table, "500000 CONTRACT" in smallest
    /// units, or a number alone beside the contract that the request prefers. A number whose token the seller chooses
    /// would be next to nothing in one of 18 decimals and a fortune in one of 6. Otherwise what to write instead.
    pub fn of_one_token(text: &str, preferred: Option<&str>) -> Result<Self, &'static str> {
        const FORM: &str = "whole units with a symbol that Countersign knows (\"0.50 USDT\"), or smallest units with the \
            token's contract (\"500000 TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t\")";
        const ALONE: &str = "the token beside the number, because tokens differ in decimals: \"0.50 USDT\" in whole units, or \
            \"500000 TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t\" in smallest units with the token's contract, or `prefer.asset` with it";
        let smallest = |amount: &str, token: &str| {
            let token = Address::parse(token).ok()?;
            Some(Self::Smallest { amount: Amount::parse_smallest(amount).ok()?, token })
        };
        if Amount::parse_units(text.trim(), DECIMALS).is_ok() {
            let token = preferred.ok_or(ALONE)?;
            return smallest(text, token).ok_or(ALONE);
        }
        if let Some(most) = text.split_once(' ').and_then(|(amount, token)| smallest(amount, token)) {
            return Ok(most);
        }
        let known = |symbol: &str| tron::token::all().iter().any(|token| token.symbol.eq_ignore_ascii_case(symbol));
        match Self::parse(text) {
            Some(Self::Whole { amount, symbol: Some(symbol) }) if known(&symbol) => {
                Ok(Self::Whole { amount, symbol: Some(symbol) })
            }
            _ => Err(FORM),
        }
    }

    /// Whether a payment stays within it. A symbol that is only a contract's claim is not the one that was meant.
    fn holds(&self, plan: &Plan) -> bool {
        let token = &plan.token;
        match self {
            Self::Smallest { amount, token: named } => token.address == *named && plan.maximum <= *amount,
            Self::Whole { amount, symbol } => {
                let named = symbol.as_ref().is_none_or(|s| token.known && s.eq_ignore_ascii_case(&token.symbol));
                let wide = |text: &str| Amount::parse_units(text, DECIMALS);
                let asked = wide(&plan.maximum.format_units(token.decimals));
                named && matches!((asked, wide(amount)), (Ok(asked), Ok(most)) if asked <= most)
            }
        }
    }
}

impl fmt::Display for Most {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole { amount, symbol: Some(symbol) } => write!(f, "{amount} {symbol}"),
            Self::Whole { amount, symbol: None } => f.write_str(amount),
            Self::Smallest { amount, token } => write!(f, "{amount} smallest units of {token}"),
        }
    }
}

/// A request, parsed at the door.
pub(crate) struct Asked {
    pub site: Site,
    pub provenance: Provenance,
    /// Redacted.
    pub request: Request,
    /// Without fragment, otherwise as requested: for comparing with the 402's words.
    pub url: String,
    pub offer: Offer,
    pub raw: String,
    pub reason: Option<String>,
    /// What the app says, and what the owner's command does.
    most: [Option<Most>; 2],
    pub prefer: Option<Prefer>,
    pub hash: [u8; 32],
    pub key: Option<String>,
}

impl Asked {
    pub fn parse(request: &PayRequest) -> Result<Self, WalletError> {
        let field = |field, expected, found: &str| WalletError::Field {
            field,
            expected,
            found: found.chars().take(80).collect(),
        };
        let method = request.method.to_ascii_uppercase();
        if method.is_empty() || method.len() > 16 || !method.bytes().all(|b| b.is_ascii_uppercase() || b == b'-') {
            return Err(field("request.method", "an HTTP method", &request.method));
        }
        if request.url.len() > URL_MAX {
            let found = format!("{} bytes", request.url.len());
            return Err(field("request.url", "at most 8192 bytes", &found));
        }
        let url = WebUrl::parse(&request.url).map_err(WalletError::Url)?;
        let site = Site::of_url(&url);
        if let Some(key) = &request.idempotency_key
            && !(1..=128).contains(&key.len()) | !key.bytes().all(|b| b.is_ascii_graphic())
        {
            return Err(field("idempotencyKey", "1 to 128 visible ASCII characters", key));
        }
        if let Some(reason) = &request.reason
            && reason.chars().count() > REASON_MAX
        {
            let found = format!("{} characters", reason.chars().count());
            return Err(field("reason", "at most 500 characters", &found));
        }
        let preferred = request.prefer.as_ref().and_then(|prefer| prefer.asset.as_deref());
        let max_amount = match &request.max_amount {
            Some(text) => Some(Most::of_one_token(text, preferred).map_err(|form| field("maxAmount", form, text))?),
            None => None,
        };
        let max = match &request.max {
            Some(text) => {
                Some(Most::parse(text).ok_or_else(|| field("max", "an amount like 0.50 or 0.50 USDT", text))?)
            }
            None => None,
        };
        let offer = x402::answer::read(&request.payment_required)?;
        let mut hash = Sha256::new();
        let prefer = request.prefer.clone().unwrap_or_default();
        for part in [
            Some(method.as_str()),
            Some(request.url.as_str()),
            Some(request.payment_required.as_str()),
            request.max_amount.as_deref(),
            prefer.scheme.as_deref(),
            prefer.network.as_deref(),
            prefer.asset.as_deref(),
        ] {
            let bytes = part.unwrap_or_default().as_bytes();
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        }
        // Rows from before know no such part.
        if let Some(max) = &request.max {
            hash.update(max);
        }
        let (url, redacted, path) = written(url);
        Ok(Self {
            site,
            provenance: request.provenance,
            request: Request { method, url: redacted, path },
            url,
            offer,
            raw: request.payment_required.clone(),
            reason: request.reason.clone().filter(|r| !r.trim().is_empty()),
            most: [max_amount, max],
            prefer: request.prefer.clone(),
            hash: hash.finalize().into(),
            key: request.idempotency_key.clone(),
        })
    }

    /// The request behind a row, from what the row keeps.
    pub(crate) fn again(plan: &Plan, document: &str) -> Result<Self, WalletError> {
        Ok(Self {
            site: plan.site.clone(),
            provenance: plan.provenance,
            request: plan.request.clone(),
            url: plan.request.url.clone(),
            offer: Offer::read(document).map_err(WalletError::Malformed)?,
            raw: document.to_owned(),
            reason: plan.app_words.clone(),
            most: [None, None],
            prefer: None,
            hash: [0; 32],
            key: None,
        })
    }

    /// The very same request of the same app, without a key that would tell it apart.
    pub(crate) fn is_again(&self, app: &AppId, earlier: &ledger::Payment) -> bool {
        self.key.is_none() && earlier.request_hash == self.hash && earlier.plan.app == *app
    }

    /// Whether the plan stays within what the request lets leave.
    pub(crate) fn within(&self, plan: &Plan) -> Result<(), WalletError> {
        match self.most.iter().flatten().find(|most| !most.holds(plan)) {
            None => Ok(()),
            Some(over) => {
                let token = &plan.token;
                let asked = format!("{} {}", plan.maximum.format_units(token.decimals), token.symbol);
                // As the token is read, where it is the one that was meant.
                let max = match over {
                    Most::Smallest { amount, token: named } if token.address == *named => {
                        format!("{} {}", amount.format_units(token.decimals), token.symbol)
                    }
                    other => other.to_string(),
                };
                Err(WalletError::MaxAmount { max, asked })
            }
        }
    }

    pub(crate) fn claimed_resource(&self) -> Option<&str> {
        self.offer.resource.as_ref().map(|r| r.url.as_str())
    }

    pub(crate) fn site_words(&self) -> Option<String> {
        let words = self.offer.resource.as_ref()?.description.as_deref()?;
        let words: String = words.chars().take(WORDS_MAX).collect();
        (!words.trim().is_empty()).then_some(words)
    }
}

/// The URL for comparing, the one for keeping (secrets redacted), and its path with query for showing.
fn written(url: WebUrl) -> (String, String, String) {
    let mut url = url.into_url();
    url.set_fragment(None);
    let plain = url.to_string();
    if url.query().is_some() {
        let pairs: Vec<(String, String)> = url
            .query_pairs()
            .map(|(k, v)| {
                let value = if is_secret(&k) && !v.is_empty() { "redacted".into() } else { v.into_owned() };
                (k.into_owned(), value)
            })
            .collect();
        if pairs.iter().any(|(_, v)| v == "redacted") {
            url.query_pairs_mut().clear().extend_pairs(pairs);
        }
    }
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    (plain, url.to_string(), path)
}

/// Query names whose values are usually secrets; they are not written down.
fn is_secret(name: &str) -> bool {
    const WORDS: [&str; 16] = [
        "token",
        "secret",
        "passw",
        "pwd",
        "apikey",
        "api_key",
        "api-key",
        "signature",
        "auth",
        "jwt",
        "session",
        "credential",
        "access",
        "bearer",
        "private",
        "otp",
    ];
    let name = name.to_ascii_lowercase();
    matches!(name.as_str(), "key" | "sig" | "code" | "sid") || WORDS.iter().any(|w| name.contains(w))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_is_whole_units_with_or_without_a_token() {
        for (text, shown) in
            [("0.50", "0.50"), ("2", "2"), (" 0.50 USDT ", "0.50 USDT"), ("0.5usdt", "0.5 usdt"), ("0", "0")]
        {
            assert_eq!(Most::parse(text).map(|most| most.to_string()).as_deref(), Some(shown), "{text}");
        }
        for text in ["", "USDT", "-1", "1e3", "0.5 USDT or so", "0,50", "1.2.3", "0x10", "0.5 $", "1 2"] {
            assert_eq!(Most::parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_a_program_lets_leave_is_of_one_token() {
        const USDT: &str = "TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf";
        let smallest = format!("500000 smallest units of {USDT}");
        for (text, preferred, shown) in [
            ("0.50 USDT", None, "0.50 USDT"),
            ("0.50 usdd", Some(USDT), "0.50 usdd"),
            ("500000 TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf", None, smallest.as_str()),
            ("500000", Some(USDT), smallest.as_str()),
        ] {
            let most = Most::of_one_token(text, preferred).map(|most| most.to_string());
            assert_eq!(most.as_deref(), Ok(shown), "{text}");
        }
        for (text, preferred, why) in [
            ("500000", None, "prefer.asset"),
            ("0.50", None, "prefer.asset"),
            ("0.50", Some(USDT), "prefer.asset"),
            ("500000", Some("USDT"), "prefer.asset"),
            ("0.50 USDX", None, "0.50 USDT"),
            ("0.5 TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf", None, "0.50 USDT"),
            ("500000 TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBe", None, "0.50 USDT"),
            ("USDT", None, "0.50 USDT"),
            ("-1 USDT", None, "0.50 USDT"),
            ("", None, "0.50 USDT"),
        ] {
            let refused = Most::of_one_token(text, preferred).unwrap_err();
            assert!(refused.contains(why), "{text}: {refused}");
        }
    }

    #[test]
    fn secrets_in_urls_are_not_written_down() {
        let written = |text| written(WebUrl::parse(text).unwrap());
        let (plain, kept, path) = written("https://a.example/x?api_key=abc&q=1#frag");
        assert_eq!(plain, "https://a.example/x?api_key=abc&q=1");
        assert_eq!(kept, "https://a.example/x?api_key=redacted&q=1");
        assert_eq!(path, "/x?api_key=redacted&q=1");
        let (_, kept, _) = written("https://a.example/x?q=a%20b");
        assert_eq!(kept, "https://a.example/x?q=a%20b");
    }
}
