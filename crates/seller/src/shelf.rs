//! The answers that are kept for buyers who lost theirs: a bounded shelf in memory, the oldest goes first. Refuses
//! answers that are streams, parts, larger than the limit or that their handler does not want kept.

use crate::book::Key;
use axum::{
    body::{Body, Bytes, HttpBody},
    http::{
        HeaderMap, StatusCode,
        header::{CACHE_CONTROL, SET_COOKIE},
    },
    response::Response,
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

/// How much is kept for buyers who lost their answer. With `answers: 0` nothing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// How many answers.
    pub answers: usize,
    /// How many bytes in all.
    pub bytes: usize,
    /// The largest body.
    pub body_bytes: usize,
    /// How long each, in whole seconds.
    pub age: Duration,
}

impl Default for Keep {
    /// 10,000 answers in 64 MiB, bodies up to 1 MiB, ten minutes.
    fn default() -> Self {
        Self { answers: 10_000, bytes: 64 << 20, body_bytes: 1 << 20, age: Duration::from_secs(600) }
    }
}

/// A handler's answer, complete.
#[derive(Debug)]
pub(crate) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    pub(crate) fn response(&self) -> Response {
        let mut response = Response::new(Body::from(self.body.clone()));
        *response.status_mut() = self.status;
        response.headers_mut().clone_from(&self.headers);
        response
    }

    fn bytes(&self) -> usize {
        let headers: usize = self.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        self.body.len() + headers
    }
}

/// The body broke off.
#[derive(Debug)]
pub(crate) struct Broken;

impl Keep {
    /// Whether an answer is one that can be kept: complete, of a known size within the limit, and without
    /// `Set-Cookie` or `Cache-Control: no-store`.
    pub(crate) fn takes(&self, response: &Response) -> bool {
        let partial = matches!(response.status(), StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED);
        let headers = response.headers();
        let secret = headers.contains_key(SET_COOKIE)
            || headers.get_all(CACHE_CONTROL).iter().any(|v| v.to_str().is_ok_and(|v| v.contains("no-store")));
        let size = response.body().size_hint().exact().and_then(|size| usize::try_from(size).ok());
        self.answers > 0 && !partial && !secret && size.is_some_and(|size| size <= self.body_bytes)
    }

    /// The answer with its whole body. Only for what [`Keep::takes`].
    pub(crate) async fn collect(&self, response: Response) -> Result<Answer, Broken> {
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, self.body_bytes).await.map_err(|_| Broken)?;
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }
}

pub(crate) struct Shelf {
    keep: Keep,
    kept: HashMap<Key, Kept>,
    /// Oldest first.
    order: BTreeMap<u64, Key>,
    bytes: usize,
    next: u64,
}

struct Kept {
    answer: Arc<Answer>,
    since: u64,
    place: u64,
}

impl Shelf {
    pub(crate) fn new(keep: Keep) -> Self {
        Self { keep, kept: HashMap::new(), order: BTreeMap::new(), bytes: 0, next: 0 }
    }

    pub(crate) fn keep(&self) -> Keep {
        self.keep
    }

    /// `now`: seconds since 1970.
    pub(crate) fn put(&mut self, key: Key, answer: Arc<Answer>, now: u64) {
        self.remove(&key);
        let place = self.next;
        self.next += 1;
        self.bytes += answer.bytes();
        self.order.insert(place, key);
        self.kept.insert(key, Kept { answer, since: now, place });
        while let Some((_, oldest)) = self.order.first_key_value() {
            let oldest = *oldest;
            let over = self.kept.len() > self.keep.answers || self.bytes > self.keep.bytes;
            if !over && self.get(&oldest, now).is_some() {
                break;
            }
            self.remove(&oldest);
        }
    }

    pub(crate) fn get(&self, key: &Key, now: u64) -> Option<Arc<Answer>> {
        let kept = self.kept.get(key)?;
        let until = kept.since.saturating_add(self.keep.age.as_secs());
        (now < until).then(|| kept.answer.clone())
    }

    pub(crate) fn remove(&mut self, key: &Key) {
        if let Some(kept) = self.kept.remove(key) {
            self.order.remove(&kept.place);
            self.bytes -= kept.answer.bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use tron::{Address, Network};
    use x402::U256;

    fn key(nonce: u64) -> Key {
        Key { network: Network::Nile, contract: Address::ZERO, payer: Address::ZERO, nonce: U256::from(nonce) }
    }

    fn answer(bytes: usize) -> Arc<Answer> {
        Arc::new(Answer { status: StatusCode::OK, headers: HeaderMap::new(), body: vec![7; bytes].into() })
    }

    fn shelf() -> Shelf {
        Shelf::new(Keep { answers: 3, bytes: 100, body_bytes: 80, age: Duration::from_secs(10) })
    }

    fn on(shelf: &Shelf, now: u64) -> Vec<u64> {
        (0..10).filter(|nonce| shelf.get(&key(*nonce), now).is_some()).collect()
    }

    #[test]
    fn the_oldest_goes_when_there_are_too_many() {
        let mut shelf = shelf();
        for nonce in [0, 1, 2, 0, 3] {
            shelf.put(key(nonce), answer(1), 100);
        }
        assert_eq!(on(&shelf, 100), [0, 2, 3]);
    }

    #[test]
    fn the_oldest_go_when_they_are_too_large() {
        let mut shelf = shelf();
        for (nonce, bytes) in [(0, 40), (1, 40), (2, 60)] {
            shelf.put(key(nonce), answer(bytes), 100);
        }
        assert_eq!((on(&shelf, 100), shelf.bytes), (vec![1, 2], 100));
        shelf.put(key(3), answer(101), 100);
        assert_eq!((on(&shelf, 100), shelf.bytes, shelf.order.len()), (vec![], 0, 0));
    }

    #[test]
    fn what_is_too_old_is_not_given_and_makes_room() {
        let mut shelf = shelf();
        shelf.put(key(0), answer(1), 100);
        shelf.put(key(1), answer(1), 105);
        assert_eq!((on(&shelf, 109), on(&shelf, 110), on(&shelf, 115)), (vec![0, 1], vec![1], vec![]));
        shelf.put(key(2), answer(1), 112);
        assert_eq!((shelf.kept.len(), shelf.bytes), (2, 2));
    }

    #[tokio::test]
    async fn streams_parts_secrets_and_what_is_too_large_are_not_kept() {
        let keep = Keep { body_bytes: 4, ..Keep::default() };
        let full = |text: &'static str| Response::new(Body::from(text));
        assert!(keep.takes(&full("four")) && !keep.takes(&full("fives")));
        let streamed = Body::from_stream(futures::stream::iter([Ok::<_, std::io::Error>("x")]));
        assert!(!keep.takes(&Response::new(streamed)));
        let mut partial = full("x");
        *partial.status_mut() = StatusCode::PARTIAL_CONTENT;
        assert!(!keep.takes(&partial));
        for (name, value) in [(SET_COOKIE, "session=1"), (CACHE_CONTROL, "private, no-store")] {
            let mut secret = full("x");
            secret.headers_mut().insert(name, HeaderValue::from_static(value));
            assert!(!keep.takes(&secret));
        }
        assert!(!Keep { answers: 0, ..keep }.takes(&full("x")));
        let kept = keep.collect(full("four")).await.unwrap();
        assert_eq!((kept.status, kept.bytes()), (StatusCode::OK, 4));
    }
}
