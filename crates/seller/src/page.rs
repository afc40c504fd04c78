//! What a person sees who opens a paid address in a browser: the price, who gets it, and what to do next. Refuses
//! scripts, remote content and forms, by its own header too; every text from outside is escaped, cut, and its hidden
//! characters are made visible.

use crate::reply;
use axum::{
    http::{
        HeaderValue,
        header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS},
    },
    response::Response,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use tron::{Amount, token};
use x402::{PaymentRequired, Price, is_invisible};

const STYLE: &str = include_str!("page.css");
/// Longer texts are cut.
const TEXT: usize = 400;
const URL: usize = 2_000;

/// 402 with the page as its body. `notice`: why a payment that was presented did not buy anything.
pub(crate) fn answer(offer: &PaymentRequired, notice: Option<&str>) -> Response {
    let header = offer.header_value();
    let body = write(offer, &header, notice);
    let mut response = reply::payment_required(&header, "text/html; charset=utf-8", body);
    let style = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

fn write(offer: &PaymentRequired, header: &str, notice: Option<&str>) -> String {
    let title = offer.description.as_deref().filter(|d| !d.trim().is_empty()).unwrap_or("This address has a price");
    let (title, url) = (escape(title, TEXT), escape(&offer.url, URL));
    let notice = notice.map(|reason| {
        let reason = escape(reason, TEXT);
        format!("<p class=\"notice\" role=\"alert\">The payment did not buy this: <strong>{reason}</strong></p>\n")
    });
    let prices = distinct(&offer.prices);
    let heading = match prices.len() {
        1 => "The price".to_owned(),
        n => format!("The price: one of {n}"),
    };
    let kind = offer.mime_type.as_deref().map(|kind| format!(" · {}", escape(kind, TEXT))).unwrap_or_default();
    let command = escape(&format!("countersign pay {}", quoted(&offer.url)), URL);
    let json = serde_json::from_str::<Value>(&offer.to_json()).and_then(|json| serde_json::to_string_pretty(&json));
    let json = escape(&json.unwrap_or_default(), usize::MAX);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"robots\" content=\"noindex\">\n<title>Payment required: {title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <p class=\"kind\">Payment required (402){kind}</p>\n<h1>{title}</h1>\n<p class=\"dim\">{url}</p>\n{notice}\
         <h2>{heading}</h2>\n{prices}\
         <h2>What to do next</h2>\n<ol>\n\
         <li>Open this address with a program that pays by x402 and holds a token named above. With the Countersign \
         wallet: <code>{command}</code></li>\n\
         <li>Compare the price, the network and who is paid with this page before you agree.</li>\n\
         <li>The wallet signs the payment and requests the address again; the answer comes with the receipt.</li>\n\
         </ol>\n\
         <p class=\"dim\">This page can't take a payment. It asks for nothing, least of all for secret words or \
         keys.</p>\n\
         <h2>For programs</h2>\n\
         <label for=\"requirement\">The value of the header PAYMENT-REQUIRED</label>\n\
         <textarea id=\"requirement\" readonly spellcheck=\"false\">{header}</textarea>\n\
         <details>\n<summary>The same as JSON</summary>\n<pre tabindex=\"0\">{json}</pre>\n</details>\n\
         </main>\n</body>\n</html>\n",
        notice = notice.unwrap_or_default(),
        prices = prices.into_iter().map(price).collect::<String>(),
    )
}

/// Without those that only write the network in another form.
fn distinct(prices: &[Price]) -> Vec<&Price> {
    let mut found: Vec<&Price> = Vec::new();
    for price in prices {
        if !found.iter().any(|known| Price { form: price.form, ..(*known).clone() } == *price) {
            found.push(price);
        }
    }
    found
}

fn price(price: &Price) -> String {
    let fee = price.fee.map_or(Amount::ZERO, |fee| fee.amount);
    let units = Units::of(price);
    let mut out = format!("<section class=\"price\">\n<p class=\"amount\">{}</p>\n", units.write(price.amount));
    if !fee.is_zero() {
        let whole = price.amount.saturating_add(fee);
        let (fee, whole) = (units.write(fee), units.write(whole));
        // Writing to a text can't fail.
        let _ = writeln!(out, "<p>and {fee} for the facilitator, {whole} together</p>");
    }
    let test = if price.network.is_test() { ", whose money is worth nothing" } else { "" };
    let rows = [
        ("Network", format!("{}{test}", price.network.label())),
        ("Token", format!("{}<br><code>{}</code>", units.name(), price.token)),
        ("Paid to", format!("<code>{}</code>", price.pay_to)),
        ("Way", escape(&way(price), TEXT)),
        ("Time to pay", format!("{} seconds", price.max_timeout_seconds)),
    ];
    out.push_str("<dl>\n");
    for (name, value) in rows {
        let _ = writeln!(out, "<dt>{name}</dt><dd>{value}</dd>");
    }
    out.push_str("</dl>\n</section>\n");
    out
}

fn way(price: &Price) -> String {
    match price.extra.get("assetTransferMethod").and_then(Value::as_str) {
        Some(method) => format!("{}, {method}", price.scheme),
        None => price.scheme.clone(),
    }
}

/// How an amount of this token is written: as the table of known tokens says, else as the seller does.
struct Units {
    symbol: String,
    decimals: Option<u8>,
    known: bool,
}

impl Units {
    fn of(price: &Price) -> Self {
        if let Some(token) = token::lookup(price.network, price.token) {
            return Self { symbol: token.symbol.to_owned(), decimals: Some(token.decimals), known: true };
        }
        let text = |name: &str| price.extra.get(name).and_then(Value::as_str);
        let decimals = price.extra.get("decimals").and_then(Value::as_u64).and_then(|d| u8::try_from(d).ok());
        let symbol = text("symbol").or_else(|| text("name"));
        // A name without decimals would make smallest units look like whole ones.
        match (symbol, decimals.filter(|d| *d <= 36)) {
            (Some(symbol), Some(decimals)) => {
                Self { symbol: escape(symbol, 24), decimals: Some(decimals), known: false }
            }
            _ => Self { symbol: "smallest units".to_owned(), decimals: None, known: false },
        }
    }

    fn write(&self, amount: Amount) -> String {
        let amount = self.decimals.map_or_else(|| amount.to_string(), |decimals| amount.format_units(decimals));
        format!("{amount} {}", self.symbol)
    }

    fn name(&self) -> String {
        match (self.known, self.decimals) {
            (true, _) => self.symbol.clone(),
            (false, Some(_)) => format!("{}, as the seller names it", self.symbol),
            (false, None) => "not a well-known one".to_owned(),
        }
    }
}

/// One word for a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Text for HTML, inside an element or a quoted attribute; hidden characters are written out.
fn escape(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len());
    for (i, c) in text.chars().enumerate() {
        if i >= most {
            out.push('…');
            break;
        }
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' => out.push('\n'),
            c if is_invisible(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}
