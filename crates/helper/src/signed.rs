//! Requests that an app signed with a key of its own: HTTP Message Signatures (RFC 9421) with Ed25519. No secret travels,
//! so that whoever else sits on a port, or relays, gets nothing that it could use. A signature covers method, address,
//! path, query and the digest of the body, counts for a minute and once. Refuses every signature that leaves one of
//! these out; a request without one goes on as it came, to be known by its token or not at all.

use crate::door::{Entrance, too_large};
use crate::extract::Port;
use crate::problem::Problem;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use ed25519_dalek::{Signature, VerifyingKey};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serve::Peer;
use sfv::{Dictionary, FieldType, InnerList, List, ListEntry, Parser};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use view::Code;
use wallet::AppId;

/// A signature counts for so long after it was made, and so long before, as clocks are read one after the other.
const AGE: i64 = 60;
const AHEAD: i64 = 5;
/// Signatures of the last minute that are remembered.
const REMEMBERED: usize = 100_000;

const INPUT: &str = "signature-input";
const SIGNATURE: &str = "signature";
const DIGEST: &str = "content-digest";

const HOW_TO_SIGN: &str = "Send Signature-Input: sig=(\"@method\" \"@authority\" \"@path\" \"@query\" \"content-digest\");\
    created=SECONDS;nonce=\"RANDOM\";keyid=\"PUBLIC KEY IN HEX\";alg=\"ed25519\", Signature: sig=:BASE64: and, with a body, \
    Content-Digest: sha-256=:BASE64: (RFC 9421, RFC 9530). @authority is the address that is dialled, in numbers.";

/// The app that signed this request.
#[derive(Clone)]
pub(crate) struct SignedBy {
    pub app: AppId,
    pub key: [u8; 32],
}

/// What was signed lately: each counts once, and nothing that was signed before this run.
pub(crate) struct Replays {
    /// In seconds.
    started: i64,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// By SHA-256 of key and nonce, with the second in which it was made.
    signatures: HashMap<[u8; 32], i64>,
    /// The latest second that was read: a clock that is set back makes no old signature new.
    newest: i64,
}

impl Replays {
    /// For a run that starts at this second.
    pub fn since(started: i64) -> Self {
        Self { started, seen: Mutex::default() }
    }

    /// The time to judge by.
    fn now(&self, read: i64) -> i64 {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.newest = seen.newest.max(read);
        seen.newest
    }

    /// Whether it is the first of its kind.
    fn first(&self, key: &[u8; 32], nonce: &str, created: i64) -> Result<bool, Problem> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.signatures.len() >= REMEMBERED {
            let newest = seen.newest;
            seen.signatures.retain(|_, created| *created + AGE >= newest);
        }
        if seen.signatures.len() >= REMEMBERED {
            return Err(Problem::new(Code::RateLimited, "too many signed requests in a minute").retry_after(5));
        }
        let which: [u8; 32] = Sha256::new().chain_update(key).chain_update(nonce).finalize().into();
        Ok(seen.signatures.insert(which, created).is_none())
    }
}

/// A public key as a pairing names it; one that signs for everybody is none.
pub(crate) fn public_key(text: &str) -> Option<[u8; 32]> {
    let bytes: [u8; 32] = hex::decode(text).ok()?.try_into().ok()?;
    let small = text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase());
    (small && VerifyingKey::from_bytes(&bytes).is_ok_and(|key| !key.is_weak())).then_some(bytes)
}

/// The layer: a request with a signature goes on only where it is good, marked with its app.
pub(crate) async fn verify(State(port): State<Port>, request: Request, next: Next) -> Response {
    if !request.headers().contains_key(INPUT) && !request.headers().contains_key(SIGNATURE) {
        return next.run(request).await;
    }
    match admit(&port, request).await {
        Ok(request) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

async fn admit(port: &Port, request: Request) -> Result<Request, Problem> {
    if request.headers().contains_key(header::AUTHORIZATION) {
        return Err(refused("a signature and a token: send one of them"));
    }
    let entrance = request.extensions().get::<Entrance>().copied();
    let entrance = entrance.ok_or_else(|| Problem::new(Code::Forbidden, "this way in is closed"))?;
    let input = Input::read(request.headers())?;
    let now = port.replays.now(port.desk.wallet().now_latest().0 / 1000);
    input.timely(now, port.replays.started)?;
    let by = request.extensions().get().copied().unwrap_or(Peer::Unknown);
    let signed_by = match port.desk.authenticate_key(&input.key).await {
        Ok(app) => SignedBy { app, key: input.key },
        Err(failure) if failure.code == Code::NotPaired => {
            return Err(port.unknown(by, "the key of this signature is not known, or was revoked"));
        }
        Err(failure) => return Err(failure.into()),
    };

    let (mut parts, body) = request.into_parts();
    let whole = Limited::new(body, port.limits.body_bytes).collect();
    let body = match tokio::time::timeout(port.limits.body_time, whole).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(e)) if e.is::<LengthLimitError>() => return Err(too_large(port.limits.body_bytes)),
        _ => return Err(Problem::new(Code::BadRequest, "the body broke off, or took too long to arrive")),
    };
    let base = input.base(&parts, &body, entrance)?;
    let key = VerifyingKey::from_bytes(&input.key).map_err(|_| refused("the key is no Ed25519 key"))?;
    key.verify_strict(base.as_bytes(), &input.signature)
        .map_err(|_| refused("the signature is not of this key over this request"))?;
    if !port.replays.first(&input.key, &input.nonce, input.created)? {
        return Err(refused("this signature was used before: sign each request with a nonce of its own"));
    }
    parts.extensions.insert(signed_by);
    Ok(Request::from_parts(parts, Body::from(body)))
}

fn refused(message: impl Into<String>) -> Problem {
    Problem::new(Code::NotPaired, message).advice(HOW_TO_SIGN)
}

/// The one value of a header.
fn one<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a [u8], Problem> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Ok(value.as_bytes()),
        _ => Err(refused(format!("exactly one {name} header is needed"))),
    }
}

fn dictionary(headers: &HeaderMap, name: &'static str) -> Result<Dictionary, Problem> {
    Parser::new(one(headers, name)?)
        .parse()
        .map_err(|_| refused(format!("{name} is no dictionary of structured fields")))
}

/// What a signature says of itself.
struct Input {
    covered: InnerList,
    created: i64,
    expires: Option<i64>,
    nonce: String,
    key: [u8; 32],
    signature: Signature,
}

impl Input {
    fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        let (inputs, signatures) = (dictionary(headers, INPUT)?, dictionary(headers, SIGNATURE)?);
        let mut entries = inputs.into_iter();
        let (Some((label, ListEntry::InnerList(covered))), None) = (entries.next(), entries.next()) else {
            return Err(refused("Signature-Input needs one signature, with the list of what it covers"));
        };
        let signature = match (signatures.get(&label), signatures.len()) {
            (Some(ListEntry::Item(item)), 1) => item.bare_item.as_byte_sequence(),
            _ => None,
        };
        let signature = signature.and_then(|bytes| Signature::from_slice(bytes).ok());
        let signature = signature.ok_or_else(|| refused("Signature needs 64 bytes under the label of its input"))?;
        let integer = |name: &str| covered.params.get(name).and_then(|value| value.as_integer()).map(i64::from);
        let text = |name: &str| Some(covered.params.get(name)?.as_string()?.as_str().to_owned());
        if covered.params.get("alg").is_some_and(|alg| alg.as_string().is_none_or(|alg| alg.as_str() != "ed25519")) {
            return Err(refused("the signature's alg is not ed25519"));
        }
        let key = text("keyid").as_deref().and_then(public_key);
        let key =
            key.ok_or_else(|| refused("keyid is not a public Ed25519 key, 64 hexadecimal digits in small letters"))?;
        let nonce = text("nonce").filter(|nonce| (16..=128).contains(&nonce.len()));
        let nonce = nonce.ok_or_else(|| refused("the signature needs a nonce of 16 to 128 characters"))?;
        let created = integer("created").ok_or_else(|| refused("the signature needs created, in seconds"))?;
        let expires = integer("expires");
        if covered.params.contains_key("expires") && expires.is_none() {
            return Err(refused("expires is a time in seconds"));
        }
        Ok(Self { created, expires, nonce, key, signature, covered })
    }

    fn timely(&self, now: i64, started: i64) -> Result<(), Problem> {
        if self.created < started {
            return Err(refused("the signature was made before this Countersign was started: sign again"));
        }
        let age = now.saturating_sub(self.created);
        if (-AHEAD..=AGE).contains(&age) && self.expires.is_none_or(|expires| expires >= now) {
            return Ok(());
        }
        Err(refused(format!("the signature was made {age} s ago by Countersign's clock; it counts for {AGE} s")))
    }

    /// The signature base (RFC 9421, 2.5). Every part that says what is asked for has to be in it.
    fn base(&self, parts: &Parts, body: &Bytes, entrance: Entrance) -> Result<String, Problem> {
        // Not what stands in Host: a name may stand for two addresses, and a relay passes on what it hears.
        let authority = match entrance {
            Entrance::Tcp { address } => address.to_string(),
            Entrance::Unix => "localhost".to_owned(),
        };
        let query = parts.uri.query();
        let mut needed = vec!["@method", "@authority", "@path"];
        needed.extend(query.map(|_| "@query"));
        needed.extend((!body.is_empty()).then_some(DIGEST));

        let mut base = String::new();
        let mut covered = Vec::new();
        for item in &self.covered.items {
            let name = item.bare_item.as_string().map(|name| name.as_str()).filter(|_| item.params.is_empty());
            let name = name
                .filter(|name| !covered.contains(name))
                .ok_or_else(|| refused("what a signature covers is a list of different names without parameters"))?;
            let value = match name {
                "@method" => parts.method.as_str().to_owned(),
                "@authority" => authority.clone(),
                "@path" => parts.uri.path().to_owned(),
                "@query" => format!("?{}", query.unwrap_or_default()),
                DIGEST => digest(&parts.headers, body)?,
                _ => {
                    return Err(refused(
                        "a signature covers @method, @authority, @path, @query and content-digest, no more",
                    ));
                }
            };
            // Writing to a String can't fail.
            let _ = writeln!(base, "\"{name}\": {value}");
            covered.push(name);
        }
        if let Some(missing) = needed.iter().find(|name| !covered.contains(name)) {
            return Err(refused(format!("the signature does not cover {missing}")));
        }
        let list: List = vec![ListEntry::InnerList(self.covered.clone())];
        let params = list.serialize().ok_or_else(|| refused("the signature covers nothing"))?;
        let _ = write!(base, "\"@signature-params\": {params}");
        Ok(base)
    }
}

/// The header as it came, once it is the digest of this body.
fn digest(headers: &HeaderMap, body: &Bytes) -> Result<String, Problem> {
    let stated = dictionary(headers, DIGEST)?;
    let same = match stated.get("sha-256") {
        Some(ListEntry::Item(item)) => item.bare_item.as_byte_sequence() == Some(&Sha256::digest(body)[..]),
        _ => false,
    };
    let text = std::str::from_utf8(one(headers, DIGEST)?).ok().map(|text| text.trim().to_owned());
    text.filter(|_| same).ok_or_else(|| refused("Content-Digest is not the sha-256 of this body"))
}
