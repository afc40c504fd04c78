//! Recognises one piece of a text: by the header that it came in, by the marks that its members are, by its form.
//! Where several readings are possible each is tried, and what every one of them misses is told.

use super::bytes::{self, Written};
use super::names;
use super::odd::{NOTE, STOP, WARN, found};
use super::shapes::{KindView, PartView, TriedView};
use super::split::{Piece, What};
use super::{addresses, answers, calls, nearly, node, offers, payments, transactions, typed};
use crate::FindingView;
use crate::question::quoted;
use ::names::WebUrl;
use plan::{Moment, Site};
use serde_json::Value;
use std::borrow::Cow;
use tron::Words;
use tron::foreign::{self, ForeignTransaction};
use tron::typed::TypedDocument;
use x402::facilitator::{Quote, QuoteRequest, Request, Supported, VerifyResponse};
use x402::{Malformed, Offer, Payment, Requirements, Settlement, header, limits};

/// What a piece turned out to be, for what is said about several of them.
pub(super) enum Is {
    Offer(Box<Offer>),
    Requirement(Box<Requirements>),
    Payment(Box<Payment>),
    Settlement(Box<Settlement>),
    Request(Box<Request>),
    Typed(Box<TypedDocument>),
    Signature(Written),
    Hash([u8; 32]),
    Transaction(Box<ForeignTransaction>),
    Url(String),
    Receipt(Value),
    /// An answer that is one only where nothing stands around it: `{}`, a count.
    Small,
    Other,
}

pub(super) struct Part {
    pub view: PartView,
    pub is: Is,
}

impl Part {
    fn new(view: PartView, is: Is) -> Self {
        Self { view, is }
    }
}

/// The readers of JSON documents.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reader {
    Offer,
    Payment,
    Settlement,
    Requirement,
    Request,
    Verdict,
    Supported,
    QuoteRequest,
    Quotes,
    Typed,
    Transaction,
}

impl Reader {
    const fn name(self) -> &'static str {
        match self {
            Self::Offer => "a PaymentRequired (PAYMENT-REQUIRED)",
            Self::Payment => "a PaymentPayload (PAYMENT-SIGNATURE, X-PAYMENT)",
            Self::Settlement => "a SettleResponse (PAYMENT-RESPONSE, X-PAYMENT-RESPONSE)",
            Self::Requirement => "one payment option",
            Self::Request => "a body for /verify or /settle",
            Self::Verdict => "an answer of /verify",
            Self::Supported => "an answer of /supported",
            Self::QuoteRequest => "a body for /fee/quote",
            Self::Quotes => "an answer of /fee/quote",
            Self::Typed => "typed data (TIP-712)",
            Self::Transaction => "a transaction as nodes write it",
        }
    }

    fn of_header(name: &str) -> Self {
        match name {
            header::PAYMENT_REQUIRED => Self::Offer,
            header::PAYMENT_RESPONSE | header::X_PAYMENT_RESPONSE => Self::Settlement,
            _ => Self::Payment,
        }
    }

    fn read(self, text: &str, now: Option<Moment>) -> Result<Part, TriedView> {
        let wrong = |e: Malformed| super::tried(self.name(), &e.field, &e.found, &e.expected);
        Ok(match self {
            Self::Offer => {
                let offer = Offer::read(text).map_err(wrong)?;
                Part::new(offers::offer(&offer, now), Is::Offer(Box::new(offer)))
            }
            Self::Payment => {
                let payment = Payment::read(text).map_err(wrong)?;
                let mcp = text.contains(header::MCP_PAYMENT);
                Part::new(payments::payment(&payment, mcp, now), Is::Payment(Box::new(payment)))
            }
            Self::Settlement => {
                let settlement = Settlement::read(text).map_err(wrong)?;
                if answers::is_any_error(&settlement) {
                    let found = x402::answer::said(text).unwrap_or_else(|| "an error".to_owned());
                    return Err(super::tried(self.name(), "success", &found, "true or false"));
                }
                Part::new(answers::settlement(&settlement, text), Is::Settlement(Box::new(settlement)))
            }
            Self::Requirement => {
                let option = Requirements::read(text).map_err(wrong)?;
                Part::new(offers::alone(&option, now), Is::Requirement(Box::new(option)))
            }
            Self::Request => {
                let request = Request::read(text).map_err(wrong)?;
                let payment = payments::payment(&request.payment, false, now);
                let title = "A body for /verify or /settle: a payment and the option that it pays.".to_owned();
                let document = super::document(text);
                let mut view = PartView { kind: KindView::VerifyRequest, title, document, ..payment };
                let option = offers::alone(&request.requirements, now);
                view.groups.extend(option.groups);
                view.findings = super::odd::sorted(view.findings.into_iter().chain(option.findings).collect());
                Part::new(view, Is::Request(Box::new(request)))
            }
            Self::Verdict => Part::new(answers::verdict(&VerifyResponse::read(text).map_err(wrong)?, text), Is::Other),
            Self::Supported => Part::new(answers::supported(&Supported::read(text).map_err(wrong)?, text), Is::Other),
            Self::QuoteRequest => {
                Part::new(answers::quote_request(&QuoteRequest::read(text).map_err(wrong)?, text, now), Is::Other)
            }
            Self::Quotes => Part::new(answers::quotes(&Quote::read_list(text).map_err(wrong)?, text, now), Is::Other),
            Self::Typed => {
                let mut nearly = nearly::read(text);
                let document = TypedDocument::parse(&nearly.text).map_err(|e| {
                    let (field, found, expected) = nearly.wrong(&e);
                    super::tried(self.name(), &field, &found, &expected)
                })?;
                nearly.judge(&document);
                let mut view = typed::typed(&document, text, now);
                view.findings = super::odd::sorted(nearly.findings.into_iter().chain(view.findings).collect());
                Part::new(view, Is::Typed(Box::new(document)))
            }
            Self::Transaction => {
                let transaction = ForeignTransaction::from_json(text).map_err(|e| bytes::tried(self.name(), &e))?;
                Part::new(transactions::transaction(&transaction, now), Is::Transaction(Box::new(transaction)))
            }
        })
    }
}

/// Everything that one piece holds.
/// `asked` is the URL of the request in front of an HTTP answer, where the text has it.
pub(super) fn piece(piece: &Piece<'_>, asked: Option<&str>, now: Option<Moment>) -> Vec<Part> {
    let place = piece.place.as_deref().map(|place| quoted(place, 60));
    let mut parts = match &piece.what {
        What::Http { first, lines } => vec![http(first, lines, asked)],
        What::Header(name, value) => in_header(name, value, now),
        What::Text(text) => text_piece(text.trim(), piece.place.as_deref() == Some("body"), now),
    };
    for part in &mut parts {
        part.view.place.clone_from(&place);
    }
    parts
}

fn in_header(name: &'static str, value: &str, now: Option<Moment>) -> Vec<Part> {
    let expected = Reader::of_header(name);
    let (json, notes) = match decoded(value) {
        Ok(decoded) => decoded,
        Err(e) => return vec![unknown(vec![super::tried(expected.name(), &e.field, &e.found, &e.expected)], value)],
    };
    let mut parts = match expected.read(&json, now) {
        Ok(part) => vec![part],
        Err(tried) => match document(&json, now, Some(expected)) {
            Ok(mut parts) => {
                let args = [("header", name), ("expected", expected.name())];
                for part in &mut parts {
                    part.view.findings.insert(0, found("misplacedHeader", WARN, &args));
                }
                parts
            }
            Err(_) => vec![unknown(vec![tried], &json)],
        },
    };
    for part in &mut parts {
        out_of_header(part);
        part.view.findings.extend(notes.iter().map(|code| found(code, NOTE, &[])));
    }
    parts
}

/// A document that came as a header's value is called by the header.
fn out_of_header(part: &mut Part) {
    if let (KindView::PaymentRequired, Some(rest)) =
        (part.view.kind, part.view.title.strip_prefix("A PaymentRequired body"))
    {
        part.view.title = format!("A PAYMENT-REQUIRED{rest}");
    }
}

/// The JSON of a header's value, and what is odd about its base64.
fn decoded(value: &str) -> Result<(Cow<'_, str>, Vec<&'static str>), Malformed> {
    let value = value.trim();
    if value.starts_with('{') {
        return Ok((value.into(), vec!["headerPlain"]));
    }
    let json = header::read(value)?;
    let mut notes = Vec::new();
    if value.contains(['-', '_']) {
        notes.push("base64UrlSafe");
    }
    if !value.len().is_multiple_of(4) {
        notes.push("base64Unpadded");
    }
    Ok((json.into(), notes))
}

fn text_piece(text: &str, body: bool, now: Option<Moment>) -> Vec<Part> {
    if let Some(address) = addresses::read(text) {
        return vec![Part::new(addresses::address(address), Is::Other)];
    }
    if let Some(slip) = addresses::wrong(text) {
        return vec![unknown(vec![slip], text)];
    }
    if text.starts_with(['{', '[', '"']) {
        return document(text, now, None).unwrap_or_else(|tried| vec![unknown(tried, text)]);
    }
    if let Some(part) = form(text, now) {
        return vec![part];
    }
    match decoded(text) {
        Ok((json, notes)) if json.trim_start().starts_with(['{', '[']) => {
            let mut parts = document(&json, now, None).unwrap_or_else(|tried| vec![unknown(tried, &json)]);
            for part in &mut parts {
                out_of_header(part);
                part.view.findings.extend(notes.iter().map(|code| found(code, NOTE, &[])));
            }
            parts
        }
        Ok((json, _)) => vec![unknown(
            vec![super::tried("base64 of a document", "header", &json, "a JSON document after decoding")],
            text,
        )],
        Err(e) => {
            if let Some(part) = page(text) {
                return vec![part];
            }
            let tried = vec![super::tried("base64 of a document", &e.field, &e.found, &e.expected)];
            if body {
                let what = if text.starts_with('<') { "A web page" } else { "A body" };
                let title = format!("{what} without an x402 document.");
                return vec![Part::new(super::part(KindView::Http, title, text), Is::Other)];
            }
            vec![unknown(tried, text)]
        }
    }
}

/// An error page where an answer should be.
pub(super) fn page(text: &str) -> Option<Part> {
    let (title, finding) = node::send::page(text)?;
    let view = super::part(KindView::NodeAnswer, title, text);
    Some(Part::new(PartView { findings: vec![finding], ..view }, Is::Other))
}

/// What is told by its form alone: hex, an address, a network's name, a URL, secret words.
fn form(text: &str, now: Option<Moment>) -> Option<Part> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    let hex = digits.len() >= 8 && digits.len().is_multiple_of(2) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    if text.starts_with("https://") || text.starts_with("http://") {
        let mut view = super::part(KindView::Url, "A URL. Nothing was fetched.".to_owned(), "");
        view.groups = one("url", text);
        if let Err(why) = WebUrl::parse(text) {
            view.findings = vec![found("urlRefused", STOP, &[("why", &why.to_string())])];
        }
        return Some(Part::new(view, Is::Url(text.to_owned())));
    }
    if hex {
        return Some(of_hex(text, digits, now));
    }
    if names::may_be_network(text) {
        return Some(Part::new(network(text), Is::Other));
    }
    let words = text.split_whitespace().count();
    if (12..=24).contains(&words) && text.len() < 400 && Words::parse(text).is_ok() {
        let view = super::part(KindView::Secret, "Secret words of a wallet.".to_owned(), "");
        return Some(Part::new(PartView { findings: vec![found("secretWords", STOP, &[])], ..view }, Is::Other));
    }
    None
}

fn of_hex(text: &str, digits: &str, now: Option<Moment>) -> Part {
    let bytes = |text: &str| -> Vec<u8> {
        let pairs = text.as_bytes().chunks_exact(2);
        pairs.filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
    };
    match digits.len() {
        64 => match <[u8; 32]>::try_from(bytes(digits).as_slice()) {
            Ok(hash) => Part::new(bytes::hash(text), Is::Hash(hash)),
            Err(_) => unknown(vec![], text),
        },
        130 => {
            let (view, signature) = bytes::signature(digits);
            Part::new(view, signature.map_or(Is::Other, Is::Signature))
        }
        length if length > 2 * limits::BODY_BYTES => {
            let found = format!("{length} hex digits");
            unknown(vec![super::tried("a transaction", "text", &found, "at most 64 KiB")], text)
        }
        _ => match ForeignTransaction::from_hex(digits) {
            Ok(transaction) => {
                Part::new(transactions::transaction(&transaction, now), Is::Transaction(Box::new(transaction)))
            }
            Err(error) => {
                let data = bytes(digits);
                match calls::call_data(&data, now) {
                    Some(view) => Part::new(view, Is::Other),
                    None => {
                        let call = super::tried(
                            "a contract call",
                            "selector",
                            digits.get(..8).unwrap_or(digits),
                            "a call that is known",
                        );
                        unknown(vec![bytes::tried("a TRON transaction in hex", &error), call], text)
                    }
                }
            }
        },
    }
}

fn network(name: &str) -> PartView {
    let (said, findings) = match names::network(name) {
        names::Meaning::Tron(network) => {
            let mut lines = super::lines::Lines::default();
            lines.group("network");
            lines.add("network", network.label()).remark(names::written(network, name));
            lines.add("chain-id", network.chain_id());
            lines.add("canonical", network.canonical());
            lines.add("hexadecimal", network.hexadecimal());
            lines.add("named", network.named());
            lines.add("node", network.node_url());
            let title = format!("The name of a network: {}.", network.label());
            return PartView { groups: lines.done(), ..super::part(KindView::Network, title, "") };
        }
        names::Meaning::Other(what) => {
            let args = [("option", "this name"), ("found", name), ("what", what.as_str())];
            (what.clone(), vec![found("networkForeign", NOTE, &args)])
        }
        names::Meaning::Unknown => ("not known".to_owned(), vec![]),
    };
    let title = format!("The name of a network: {said}.");
    PartView { findings, groups: one("network", name), ..super::part(KindView::Network, title, "") }
}

fn one(key: &str, value: &str) -> Vec<super::shapes::GroupView> {
    let mut lines = super::lines::Lines::default();
    lines.group(key);
    lines.add(key, value);
    lines.done()
}

fn http(first: &str, headers: &[(Cow<'_, str>, Cow<'_, str>)], asked: Option<&str>) -> Part {
    let mut lines = super::lines::Lines::default();
    let mut findings = Vec::new();
    lines.group("message");
    lines.add("first-line", first);
    for (name, value) in headers {
        let secret = ["authorization", "cookie", "set-cookie", "proxy-authorization"];
        if secret.iter().any(|secret| name.eq_ignore_ascii_case(secret)) {
            lines.add(name, "not shown: it may be a secret");
            continue;
        }
        lines.add(name, value);
        if name.eq_ignore_ascii_case("location") {
            findings.push(redirect(asked, value));
        }
        if name.eq_ignore_ascii_case("www-authenticate")
            && let Some(protocol) = x402::answer::protocol(value)
        {
            findings.push(found("otherProtocol", NOTE, &[("protocol", protocol)]));
        }
    }
    let status = first.split(' ').nth(1).unwrap_or_default();
    let title = match (first.starts_with("HTTP/"), status) {
        (true, "402") => "An HTTP answer: 402, payment required.".to_owned(),
        (true, status) => format!("An HTTP answer with status {}.", quoted(status, 20)),
        (false, _) => "An HTTP request.".to_owned(),
    };
    let view = PartView { findings, groups: lines.done(), ..super::part(KindView::Http, title, "") };
    Part::new(view, Is::Other)
}

/// A redirect, judged by where it leads.
fn redirect(asked: Option<&str>, to: &str) -> FindingView {
    let from = asked.and_then(|url| Site::of(url).ok());
    let relative = to.starts_with('/') && !to.starts_with("//");
    let (code, weight) = match (from, Site::of(to)) {
        (Some(from), Ok(to)) if from.is_tls() && !to.is_tls() => ("redirectInsecure", STOP),
        (Some(from), Ok(to)) if from != to => ("redirectElsewhere", WARN),
        (Some(_), Err(_)) if !relative => ("redirectElsewhere", WARN),
        _ => ("redirect", NOTE),
    };
    found(code, weight, &[("to", to)])
}

fn unknown(tried: Vec<TriedView>, text: &str) -> Part {
    let said = || x402::answer::said(text).filter(|_| text.starts_with('{'));
    let title = match (tried.as_slice(), said()) {
        ([one], _) => format!("This looks like {}, and can't be read.", one.what),
        (_, Some(said)) => format!("Nothing of x402. It says: “{said}”"),
        (_, None) => super::NOT_RECOGNISED.to_owned(),
    };
    Part::new(PartView { tried, ..super::part(KindView::Unknown, title, text) }, Is::Other)
}

/// Reads a JSON document as whatever its members say that it is.
fn document(text: &str, now: Option<Moment>, not: Option<Reader>) -> Result<Vec<Part>, Vec<TriedView>> {
    let value = serde_json::from_str::<Value>(text).ok();
    let mut readers = match &value {
        // The reader says precisely what is too much.
        Some(value) if text.len() <= limits::BODY_BYTES => marks(value),
        _ => vec![],
    };
    // Marks that a node's answer has as well.
    let shared = |reader: &Reader| matches!(reader, Reader::Transaction | Reader::Settlement | Reader::Quotes);
    let unique = || serde_json::from_str::<tron::Unique<true>>(text).is_ok();
    if let Some(value) = value.filter(|_| readers.iter().all(shared) && unique())
        && let Some(part) = node::read(&value, text, now)
    {
        return Ok(vec![part]);
    }
    if readers.is_empty() {
        if let Some(part) = flat(text) {
            return Ok(vec![part]);
        }
        readers = vec![Reader::Offer, Reader::Payment, Reader::Settlement, Reader::Typed];
    }
    readers.retain(|reader| Some(*reader) != not);
    let (mut parts, mut tried) = (Vec::new(), Vec::new());
    for reader in readers {
        match reader.read(text, now) {
            Ok(part) => parts.push(part),
            Err(one) => tried.push(one),
        }
        // A signature among the members of typed data is a document of its own.
        if let (Reader::Typed, Some(signature)) = (reader, nearly::read(text).signature.filter(|_| !parts.is_empty())) {
            let (view, written) = bytes::signature(&signature);
            parts.push(Part::new(view, written.map_or(Is::Other, Is::Signature)));
        }
    }
    if parts.is_empty() { Err(tried) } else { Ok(parts) }
}

/// A payment without the document around it, of a scheme that signs something of its own: told by what gave it away.
fn flat(text: &str) -> Option<Part> {
    let value: Value = serde_json::from_str(text).ok()?;
    let word = |name: &str| value.get(name).and_then(Value::as_str);
    let (scheme, _) = (word("scheme")?, word("signature")?);
    let what = "a signature beside the scheme's own members";
    let unusable = x402::Unusable::OtherPayload { field: "signature".to_owned(), what };
    let title = format!("A payment of the scheme {}, whose payload Countersign does not know.", quoted(scheme, 60));
    let mut lines = super::lines::Lines::default();
    lines.group("payment");
    for (name, value) in value.as_object()? {
        lines.add(name, value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    }
    let view = super::part(KindView::PaymentPayload, title, text);
    let findings = vec![super::odd::unusable("the payment", &unusable)];
    Some(Part::new(PartView { findings, groups: lines.done(), ..view }, Is::Other))
}

/// From here on a text called "transaction" is one, and no id.
const PACKED: usize = 100;

/// Whether a value has the marks of a document that can be read.
pub(super) fn is_document(value: &Value) -> bool {
    match value {
        Value::Object(_) => {
            (!direct(value).is_empty() || node::knows(value)) && document(&value.to_string(), None, None).is_ok()
        }
        Value::String(text) => foreign::read_signature(text).is_some(),
        _ => false,
    }
}

/// Levels of wrapping that are looked through, as the readers do.
const LAYERS: usize = 6;

/// The readers whose marks a document has, through the layers of MCP.
fn marks(value: &Value) -> Vec<Reader> {
    let mut found = Vec::new();
    let mut inner = Cow::Borrowed(value);
    for _ in 0..LAYERS {
        found.extend(direct(&inner));
        if !found.is_empty()
            && !matches!(found.as_slice(), [Reader::Payment | Reader::Settlement] if inner.get("_meta").is_some())
        {
            break;
        }
        let next = match &*inner {
            Value::String(text) => serde_json::from_str(text).ok(),
            value => step(value),
        };
        let Some(next) = next else { break };
        inner = Cow::Owned(next);
    }
    found.dedup();
    found
}

fn direct(value: &Value) -> Vec<Reader> {
    if let Value::Array(items) = value {
        let has = |name: &str| items.iter().any(|item| item.get(name).is_some());
        return if has("fee") { vec![Reader::Quotes] } else { vec![] };
    }
    let has = |name: &str| value.get(name).is_some_and(|v| !v.is_null());
    let mut found = Vec::new();
    let mut mark = |holds: bool, reader: Reader| {
        if holds && !found.contains(&reader) {
            found.push(reader);
        }
    };
    let meta = |name: &str| value.get("_meta").and_then(|meta| meta.get(name)).is_some() || has(name);
    mark(nearly::looks_like(value), Reader::Typed);
    mark(has("paymentPayload"), Reader::Request);
    mark(has("kinds"), Reader::Supported);
    mark(has("isValid"), Reader::Verdict);
    let packed =
        |text: &str| text.len() >= PACKED && (text.starts_with('{') || text.bytes().all(|b| b.is_ascii_hexdigit()));
    let packed = value.get("transaction").and_then(Value::as_str).is_some_and(packed);
    mark(has("raw_data_hex") || has("raw_data") || packed, Reader::Transaction);
    mark(has("accepts") && has("x402Version"), Reader::Offer);
    mark(
        has("accepts") && !has("x402Version") && value.get("accepts").is_some_and(Value::is_array),
        Reader::QuoteRequest,
    );
    mark(has("payload") && !has("accepts"), Reader::Payment);
    mark(meta(header::MCP_PAYMENT), Reader::Payment);
    mark(meta(header::MCP_PAYMENT_RESPONSE), Reader::Settlement);
    mark(has("success") || has("txHash") || has("errorReason"), Reader::Settlement);
    mark(has("scheme") && has("payTo"), Reader::Requirement);
    found
}

/// One layer in.
fn step(value: &Value) -> Option<Value> {
    for name in ["transaction", "params", "result", "structuredContent", "x402/error", "data", "x402"] {
        if let Some(inner @ Value::Object(_)) = value.get(name) {
            return Some(inner.clone());
        }
    }
    let data = value.pointer("/error/data").filter(|v| !v.is_null());
    data.or_else(|| value.pointer("/content/0/text")).cloned()
}
