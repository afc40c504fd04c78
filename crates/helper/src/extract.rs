//! What a handler may ask of a request: its paired app, its body as a type, its id and its patience. Refuses
//! with a problem document before the handler runs.

use crate::door::too_large;
use crate::limits::{Limits, PerMinute, Shares};
use crate::problem::Problem;
use crate::signed::{Replays, SignedBy};
use crate::strict;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use serve::Peer;
use std::collections::HashMap;
use std::convert::Infallible;
use std::ops::{Deref, RangeInclusive};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use view::Code;
use view::Desk;
use wallet::AppId;

/// What every handler of the port shares.
#[derive(Clone)]
pub(crate) struct Port(Arc<PortState>);

pub(crate) struct PortState {
    pub desk: Desk,
    pub limits: Limits,
    pub pairings: PerMinute,
    pub pairing_waits: Shares,
    pub replays: Replays,
    bad_tokens: PerMinute,
    /// Requests of each app at once; only apps that proved a token get an entry.
    slots: Mutex<HashMap<AppId, Arc<Semaphore>>>,
}

impl Deref for Port {
    type Target = PortState;

    fn deref(&self) -> &PortState {
        &self.0
    }
}

impl Port {
    pub fn new(desk: Desk, limits: Limits) -> Self {
        Self(Arc::new(PortState {
            pairings: PerMinute::new(limits.pairings_per_minute),
            pairing_waits: Shares::new(limits.pairing_waits),
            replays: Replays::since(desk.wallet().now_latest().0 / 1000),
            bad_tokens: PerMinute::new(limits.bad_tokens_per_minute),
            slots: Mutex::default(),
            desk,
            limits,
        }))
    }

    fn slot(&self, app: &AppId) -> Result<OwnedSemaphorePermit, Problem> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = slots.entry(app.clone()).or_insert_with(|| Arc::new(Semaphore::new(self.limits.at_once_per_app)));
        Arc::clone(slot).try_acquire_owned().map_err(|_| {
            let most = self.limits.at_once_per_app;
            Problem::new(Code::RateLimited, format!("this app has {most} requests open already")).retry_after(1)
        })
    }
}

impl PortState {
    /// What a caller with a wrong token or key hears; too many of them are told to slow down.
    pub fn unknown(&self, peer: Peer, message: &str) -> Problem {
        match self.bad_tokens.take(peer) {
            Ok(()) => not_paired(message),
            Err(seconds) => {
                Problem::new(Code::RateLimited, "too many unknown tokens").retry_after(seconds).advice(HOW_TO_PAIR)
            }
        }
    }
}

/// The app whose token came with the request, or whose signature is on it. Holds one of the app's places as long as the
/// request lasts.
pub(crate) struct Paired {
    pub app: AppId,
    known_by: KnownBy,
    pub slot: OwnedSemaphorePermit,
}

enum KnownBy {
    Token(String),
    Key([u8; 32]),
}

impl Paired {
    /// Whether it was not revoked meanwhile.
    pub async fn still(&self, desk: &Desk) -> bool {
        let paired = match &self.known_by {
            KnownBy::Token(token) => desk.authenticate(token).await,
            KnownBy::Key(key) => desk.authenticate_key(key).await,
        };
        paired.is_ok()
    }
}

impl FromRequestParts<Port> for Paired {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, port: &Port) -> Result<Self, Problem> {
        if let Some(SignedBy { app, key }) = parts.extensions.get() {
            return Ok(Self { slot: port.slot(app)?, app: app.clone(), known_by: KnownBy::Key(*key) });
        }
        let token = match bearer(parts) {
            Some(token) => token.to_owned(),
            None => return Err(not_paired("no token came with the request")),
        };
        match port.desk.authenticate(&token).await {
            Ok(app) => Ok(Self { slot: port.slot(&app)?, app, known_by: KnownBy::Token(token) }),
            Err(failure) if failure.code == Code::NotPaired => {
                Err(port.unknown(peer(parts), "this token is not known, or was revoked"))
            }
            Err(failure) => Err(failure.into()),
        }
    }
}

/// Whose program sent this, as the server found out.
pub(crate) struct By(pub Peer);

impl FromRequestParts<Port> for By {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Port) -> Result<Self, Infallible> {
        Ok(Self(peer(parts)))
    }
}

fn peer(parts: &Parts) -> Peer {
    parts.extensions.get().copied().unwrap_or(Peer::Unknown)
}

const HOW_TO_PAIR: &str = "POST /v1/pairings {\"name\": …} and let the person compare the code; then send Authorization: Bearer <token>, or sign.";

fn not_paired(message: &str) -> Problem {
    Problem::new(Code::NotPaired, message).advice(HOW_TO_PAIR)
}

/// The one bearer token of a request, if it has exactly one of a possible form.
fn bearer(parts: &Parts) -> Option<&str> {
    let mut values = parts.headers.get_all(header::AUTHORIZATION).iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let form = (1..=128).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_graphic());
    (scheme.eq_ignore_ascii_case("bearer") && form).then_some(token)
}

/// A JSON body of a documented type.
pub(crate) struct Input<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Port> for Input<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, port: &Port) -> Result<Self, Problem> {
        body(request, port.limits.body_bytes, port.limits.body_time).await.map(Self)
    }
}

/// Reads a body within its limits.
pub(crate) async fn body<T: DeserializeOwned>(request: Request, most: usize, time: Duration) -> Result<T, Problem> {
    let whole = Limited::new(request.into_body(), most).collect();
    let bytes = match tokio::time::timeout(time, whole).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(e)) if e.is::<LengthLimitError>() => return Err(too_large(most)),
        Ok(Err(_)) => return Err(Problem::new(Code::BadRequest, "the body broke off")),
        Err(_) => {
            let late = Problem::new(Code::BadRequest, "the body took too long to arrive");
            return Err(late.status(StatusCode::REQUEST_TIMEOUT));
        }
    };
    strict::read(&bytes)
}

/// An id in the path.
pub(crate) struct Id(pub String);

impl FromRequestParts<Port> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, port: &Port) -> Result<Self, Problem> {
        let Ok(Path(id)) = Path::<String>::from_request_parts(parts, port).await else {
            return Err(Problem::new(Code::NotFound, "there is nothing under this id"));
        };
        match id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
            true => Ok(Self(id)),
            false => Err(Problem::new(Code::NotFound, "there is nothing under this id")),
        }
    }
}

/// `?wait=25`: how long to wait for news, in seconds; none is no wait, more than 30 is 30.
pub(crate) struct Wait(pub Duration);

impl FromRequestParts<Port> for Wait {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, port: &Port) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let mut wait = None;
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let bad = |found: &str| {
                Problem::new(Code::BadRequest, "the only query is wait, in whole seconds")
                    .field("wait", found, "0 to 30")
            };
            let seconds = match pair.split_once('=') {
                Some(("wait", seconds)) if wait.is_none() && (1..=9).contains(&seconds.len()) => seconds,
                _ => return Err(bad(pair)),
            };
            // Digits only: u64's parser would take a plus sign.
            if !seconds.bytes().all(|b| b.is_ascii_digit()) {
                return Err(bad(seconds));
            }
            wait = Some(Duration::from_secs(seconds.parse().map_err(|_| bad(seconds))?));
        }
        Ok(Self(wait.unwrap_or_default().min(port.limits.wait)))
    }
}

/// `?key=…&nonce=…`: what is to be proved.
pub(crate) struct Challenge {
    pub key: String,
    pub nonce: String,
}

impl FromRequestParts<Port> for Challenge {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Port) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let value = |name: &'static str, lengths: RangeInclusive<usize>, expected: &'static str| {
            let mut values = query.split('&').filter_map(|pair| pair.split_once('=')).filter(|(key, _)| *key == name);
            let found = values.next().map(|(_, value)| value);
            let whole = |text: &&str| {
                let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
                lengths.contains(&text.len()) && text.bytes().all(digit)
            };
            match (found.filter(whole), values.next()) {
                (Some(text), None) => Ok(text.to_owned()),
                _ => Err(Problem::new(Code::BadRequest, format!("{name} is needed, once"))
                    // Not the value: a token may have been put here by mistake.
                    .field(name, &format!("{} characters", found.unwrap_or_default().len()), expected)),
            }
        };
        Ok(Self {
            key: value("key", 64..=64, "the SHA-256 of a key, 64 hexadecimal digits in small letters")?,
            nonce: value("nonce", 32..=128, "16 to 64 random bytes, hexadecimal digits in small letters")?,
        })
    }
}
