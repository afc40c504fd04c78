//! The request of `pay`, as it is sent: without payment, and once more with it. Follows no redirect: what was judged
//! is what is paid. Every time on a connection of its own: one that was kept while a person thought may be closed at
//! the other end at any moment.

use crate::args::Pay;
use crate::commands::met;
use crate::exit::{Fail, Status};
use crate::show::{note, safe};
use names::WebUrl;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Method, Response, StatusCode, redirect};
use std::time::Duration;
use tokio::time::Instant;

/// Pauses before a payment is presented again that got no answer: at once, and once more a moment later.
const AGAIN: [Duration; 2] = [Duration::ZERO, Duration::from_secs(1)];

/// A busy seller is asked again for so long, where it says when.
const BUSY: Duration = Duration::from_secs(20);

/// The request, twice the same but for the payment header.
pub struct Call {
    http: Client,
    pub method: Method,
    pub url: WebUrl,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
}

/// The header that pays.
#[derive(Clone)]
pub struct Payment {
    pub name: HeaderName,
    pub value: HeaderValue,
}

impl Call {
    pub fn of(pay: &Pay) -> Result<Self, Fail> {
        let url = WebUrl::parse(&pay.url).map_err(|e| usage(format!("the URL: {}", safe(&e.to_string()))))?;
        let body = match pay.body.as_deref().map(|body| (body, body.strip_prefix('@'))) {
            None => None,
            Some((_, Some(path))) => {
                Some(std::fs::read(path).map_err(|e| usage(format!("--data @{}: {e}", safe(path))))?)
            }
            Some((text, None)) => Some(text.as_bytes().to_vec()),
        };
        let method = pay.method.as_deref().unwrap_or(if body.is_some() { "POST" } else { "GET" });
        let method =
            Method::from_bytes(method.as_bytes()).map_err(|_| usage(format!("{} is no method", safe(method))))?;
        let mut headers = HeaderMap::new();
        for header in &pay.headers {
            let pair = header.split_once(':').and_then(|(name, value)| {
                Some((HeaderName::try_from(name.trim()).ok()?, HeaderValue::try_from(value.trim()).ok()?))
            });
            let (name, value) =
                pair.ok_or_else(|| usage(format!("{} is no header like \"Name: value\"", safe(header))))?;
            headers.append(name, value);
        }
        let mut http = Client::builder()
            .redirect(redirect::Policy::none())
            .connect_timeout(Duration::from_secs(15))
            .pool_max_idle_per_host(0);
        // A proxy can't reach what is on this machine.
        if url.is_loopback() {
            http = http.no_proxy();
        }
        let http = http.build().map_err(|e| Fail::plain(format!("no HTTP: {e}")))?;
        Ok(Self { http, method, url, headers, body })
    }

    /// Without payment.
    pub async fn ask(&self) -> Result<Response, Fail> {
        self.send(None).await.map_err(|e| self.unreachable(&e))
    }

    /// With the payment. The same permission can be used only once, so what got no answer is presented again, and so is
    /// what a busy seller wants to see again soon.
    pub async fn present(&self, payment: &Payment) -> Result<Response, Fail> {
        let started = Instant::now();
        let mut lost = AGAIN.into_iter();
        loop {
            let answer = self.send(Some(payment)).await;
            let pause = match &answer {
                Err(e) if (e.is_connect() || e.is_request()) && !e.is_timeout() => lost.next(),
                Err(_) => None,
                Ok(answer) => soon(answer).filter(|pause| started.elapsed() + *pause <= BUSY),
            };
            let Some(pause) = pause else { return answer.map_err(|e| self.unreachable(&e)) };
            if let Ok(busy) = &answer {
                note!(
                    "The seller is busy ({}); the same signature is presented again in {} s.",
                    busy.status(),
                    pause.as_secs()
                );
            }
            tokio::time::sleep(pause).await;
        }
    }

    async fn send(&self, payment: Option<&Payment>) -> reqwest::Result<Response> {
        let mut headers = self.headers.clone();
        if let Some(payment) = payment {
            headers.insert(payment.name.clone(), payment.value.clone());
        }
        let mut request = self.http.request(self.method.clone(), self.url.as_url().clone()).headers(headers);
        if let Some(body) = &self.body {
            request = request.body(body.clone());
        }
        request.send().await
    }

    fn unreachable(&self, error: &reqwest::Error) -> Fail {
        Fail::plain(format!("{} could not be reached: {}", safe(self.url.as_str()), safe(&root(error))))
    }
}

/// When a busy seller wants to be asked again, where it says so.
fn soon(answer: &Response) -> Option<Duration> {
    let busy = matches!(answer.status(), StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS);
    let after = answer.headers().get(RETRY_AFTER).filter(|_| busy)?;
    Some(Duration::from_secs(after.to_str().ok()?.trim().parse().ok()?).max(Duration::from_secs(1)))
}

/// The innermost cause: "connection refused" says more than "error sending request".
pub fn root(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// How an answer is told: "301 Moved Permanently, which leads to …", "429 Too Many Requests, to be asked again in …".
pub fn said(response: &Response) -> String {
    let where_to = met::led_to(response).map_or_else(String::new, |to| format!(", which leads to {}", safe(&to)));
    format!("{}{where_to}{}", response.status(), met::when(response))
}

pub fn usage(message: impl Into<String>) -> Fail {
    Fail::of(Status::Usage, message)
}
