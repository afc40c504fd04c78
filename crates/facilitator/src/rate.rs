//! How often one client may ask: a number of requests a second and a burst, by address. Refuses more with 429 and
//! the time to wait. An IPv6 client is its /64, which is what one machine gets.

use crate::{Facilitator, shapes::Problem};
use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    state::keyed::DashMapStateStore,
};
use serve::Peer;
use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    sync::atomic::{AtomicU64, Ordering},
};

/// How often one client may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    pub per_second: NonZeroU32,
    /// At once, after a silence.
    pub burst: NonZeroU32,
    /// Whether the client is the last address in `X-Forwarded-For`, which a proxy in front wrote there.
    pub behind_proxy: bool,
}

#[derive(Debug)]
pub(crate) struct Rates {
    limit: RateLimit,
    limiter: RateLimiter<Peer, DashMapStateStore<Peer>, DefaultClock>,
    asked: AtomicU64,
}

/// After so many requests the clients that have been silent are forgotten.
const FORGET_EVERY: u64 = 4096;

impl Rates {
    pub(crate) fn new(limit: RateLimit) -> Self {
        let quota = Quota::per_second(limit.per_second).allow_burst(limit.burst);
        Self { limit, limiter: RateLimiter::dashmap(quota), asked: AtomicU64::new(0) }
    }

    /// `Err`: seconds to wait, at least one.
    fn admit(&self, client: Peer) -> Result<(), u64> {
        if self.asked.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(&client).map_err(|refused| {
            let wait = refused.wait_time_from(DefaultClock::default().now());
            wait.as_secs().saturating_add(1)
        })
    }
}

/// Lets a request pass, or answers 429.
pub(crate) async fn limit(State(facilitator): State<Facilitator>, request: Request, next: Next) -> Response {
    let Some(rates) = facilitator.rates() else { return next.run(request).await };
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    let forwarded = rates.limit.behind_proxy.then(|| forwarded_for(request.headers())).flatten();
    // A router that was not told who its clients are can't tell them apart.
    let Some(client) = forwarded.or(peer) else { return next.run(request).await };
    match rates.admit(Peer::of_address(client)) {
        Ok(()) => next.run(request).await,
        Err(seconds) => {
            facilitator.metrics().limited();
            let message = format!("too many requests from one address: ask again in {seconds} s");
            let body = axum::Json(Problem::new("too_many_requests", message));
            let mut response = (StatusCode::TOO_MANY_REQUESTS, body).into_response();
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            response
        }
    }
}

/// The address that the proxy itself saw: the last one. What stands before it anybody can write.
fn forwarded_for(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers.get_all("x-forwarded-for").iter().next_back()?;
    last.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_the_last_hop() {
        let mut headers = HeaderMap::new();
        assert_eq!(forwarded_for(&headers), None);
        headers.append("x-forwarded-for", HeaderValue::from_static("10.0.0.1"));
        headers.append("x-forwarded-for", HeaderValue::from_static("1.1.1.1, 203.0.113.7"));
        assert_eq!(forwarded_for(&headers), Some("203.0.113.7".parse().unwrap()));
    }

    #[test]
    fn each_client_has_its_own_measure() {
        let few = |n| NonZeroU32::new(n).unwrap();
        let rates = Rates::new(RateLimit { per_second: few(1), burst: few(3), behind_proxy: false });
        let [one, other] = [1, 2].map(|last| Peer::of_address(IpAddr::from([127, 0, 0, last])));
        assert_eq!([rates.admit(one), rates.admit(one), rates.admit(one)], [Ok(()); 3]);
        assert_eq!(rates.admit(one), Err(1));
        assert_eq!(rates.admit(other), Ok(()));
    }
}
