//! The one request that the inspector makes when its owner asks for a URL: it is sent once, without payment, cookies
//! or credentials, and no redirect is followed. Not reachable from the port. Refuses other schemes than http and
//! https, a URL with a user in it, and answers past the limits of any 402.

use names::WebUrl;
use reqwest::{Client, Method, Response, redirect};
use std::time::Duration;
use view::{Code, Failure};

/// Connecting, waiting and reading together.
const PATIENCE: Duration = Duration::from_secs(15);
/// All headers together; each one that is x402's has its own limit.
const HEADER_BYTES: usize = 48 * 1024;
/// As for every document.
const BODY_BYTES: usize = 64 * 1024;

/// What to ask for.
#[derive(Clone, Debug, Default)]
pub struct Fetch {
    pub url: String,
    /// GET when absent, POST with a body.
    pub method: Option<String>,
    /// Sent as JSON.
    pub body: Option<String>,
}

/// The answer as an HTTP message, as `curl -i` prints it, with the request's first line in front.
#[derive(Clone, Debug)]
pub struct Fetched {
    pub text: String,
}

pub async fn fetch(asked: &Fetch) -> Result<Fetched, Failure> {
    let url = WebUrl::parse(&asked.url).map_err(|e| Failure::url("url", &e))?;
    let method = match (asked.method.as_deref(), &asked.body) {
        (None, None) => Method::GET,
        (None, Some(_)) => Method::POST,
        (Some(name), _) => Method::from_bytes(name.to_ascii_uppercase().as_bytes())
            .map_err(|_| Failure::field("method", "GET, POST or another method", name))?,
    };
    let client = client(&url).map_err(|e| failed(&url, &root(&e)))?;
    let mut request = client.request(method.clone(), url.as_url().clone());
    if let Some(body) = &asked.body {
        request = request.header("content-type", "application/json").body(body.clone());
    }
    let response = request.send().await.map_err(|e| failed(&url, &root(&e)))?;
    let head = head(&method, &url, &response)?;
    let body = body(&url, response).await?;
    Ok(Fetched { text: format!("{head}\n{body}") })
}

fn client(url: &WebUrl) -> reqwest::Result<Client> {
    let agent = concat!("countersign/", env!("CARGO_PKG_VERSION"), " (inspector)");
    let client =
        Client::builder().redirect(redirect::Policy::none()).referer(false).timeout(PATIENCE).user_agent(agent);
    // A proxy can't reach what is on this machine.
    if url.is_loopback() { client.no_proxy() } else { client }.build()
}

fn head(method: &Method, url: &WebUrl, response: &Response) -> Result<String, Failure> {
    let status = response.status();
    let mut head = format!(
        "{method} {url} HTTP/1.1\n\nHTTP/1.1 {} {}\n",
        status.as_u16(),
        status.canonical_reason().unwrap_or("")
    );
    for (name, value) in response.headers() {
        let value = String::from_utf8_lossy(value.as_bytes());
        head.push_str(&format!("{name}: {}\n", value.replace(['\r', '\n'], " ")));
        if head.len() > HEADER_BYTES {
            return Err(failed(url, &format!("its headers are larger than {HEADER_BYTES} bytes")));
        }
    }
    Ok(head)
}

/// The body as text. One that is no document (an image, a page past the limit) is told by its size.
async fn body(url: &WebUrl, mut response: Response) -> Result<String, Failure> {
    let named = response.headers().get_all("content-encoding").iter();
    let codings: Vec<String> = named.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect();
    let mut bytes = Vec::new();
    while let Some(chunk) =
        response.chunk().await.map_err(|e| failed(url, &format!("the answer broke off: {}", root(&e))))?
    {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > BODY_BYTES {
            return Ok(format!("<more than {BODY_BYTES} bytes, not read>"));
        }
    }
    let packed = bytes.len();
    Ok(match x402::encoding::unpack(&codings.join(", "), &bytes).map(|bytes| String::from_utf8(bytes.into_owned())) {
        Ok(Ok(text)) => text,
        Ok(Err(_)) => format!("<{packed} bytes that are no text>"),
        Err(e) => format!("<{packed} bytes that can't be unpacked: {}>", view::question::quoted(&e.found, 120)),
    })
}

fn failed(url: &WebUrl, why: &str) -> Failure {
    let host = view::question::quoted(url.host(), 200);
    Failure {
        code: Code::BadRequest,
        message: format!("{host} gave no answer to inspect: {}", view::question::quoted(why, 300)),
        advice: Some("Check the address, or paste what the server answered.".to_owned()),
        field: None,
        found: None,
        expected: None,
        retry_after: None,
    }
}

/// The innermost cause: "connection refused" says more than "error sending request".
fn root(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Router, http::HeaderMap, response::Redirect, routing::get};
    use std::sync::{Arc, Mutex};

    async fn serve(router: Router) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{at}")
    }

    fn of(url: String) -> Fetch {
        Fetch { url, ..Fetch::default() }
    }

    #[tokio::test]
    async fn a_url_is_asked_once_and_gets_nothing_secret_and_no_redirect_is_followed() {
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let (note, list) = (Arc::clone(&seen), Arc::clone(&seen));
        let router = Router::new()
            .route("/away", get(|| async { Redirect::temporary("http://127.0.0.1:1/elsewhere") }))
            .fallback(move |headers: HeaderMap| async move {
                note.lock().unwrap().extend(headers.keys().map(ToString::to_string));
                ([("payment-required", "e30="), ("set-cookie", "id=1")], "{}")
            });
        let base = serve(router).await;
        let fetched = fetch(&of(format!("{base}/one"))).await.unwrap();
        assert!(fetched.text.contains("payment-required: e30=") && fetched.text.ends_with("\n{}"), "{}", fetched.text);
        for name in ["cookie", "authorization", "payment-signature", "x-payment", "referer"] {
            assert!(!list.lock().unwrap().iter().any(|sent| sent == name), "{name} was sent");
        }
        let away = fetch(&of(format!("{base}/away"))).await.unwrap();
        assert!(away.text.contains("HTTP/1.1 307") && away.text.contains("location: http://127.0.0.1:1/elsewhere"));
    }

    #[tokio::test]
    async fn what_is_too_large_or_no_web_address_is_refused_in_words() {
        let base = serve(Router::new().fallback(|| async { "x".repeat(BODY_BYTES + 1) })).await;
        let fetched = fetch(&of(base.clone())).await.unwrap();
        assert!(fetched.text.ends_with("not read>"));
        for url in ["", "file:///etc/passwd", "ftp://a.example/", "news.example", "http://user:hunter22@127.0.0.1/"] {
            let failure = fetch(&of(url.to_owned())).await.unwrap_err();
            assert_eq!(failure.field.as_deref(), Some("url"), "{url}");
            assert!(!failure.message.contains("hunter22"));
        }
        let gone = fetch(&of("http://127.0.0.1:1/".to_owned())).await.unwrap_err();
        assert!(gone.message.contains("refused"), "{}", gone.message);
    }
}
