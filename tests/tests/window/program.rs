//! A program that meets a 402, as anybody would write it: plain HTTP to the shop and to Countersign's port.
//! Knows nothing of the wallet's code.

use anyhow::{Context, Result, bail, ensure};
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Stdio;
use tokio::process::{Child, Command};

pub struct Program {
    http: Client,
    port: String,
    token: Option<String>,
}

/// Where it really listens is in the runtime file.
pub async fn port(data_dir: &Path) -> Result<String> {
    let file = tokio::fs::read(data_dir.join("runtime.json")).await.context("no runtime file")?;
    let runtime: Value = serde_json::from_slice(&file)?;
    let address = runtime["address"].as_str().context("no address")?;
    Ok(format!("http://{address}"))
}

impl Program {
    pub fn new(port: String) -> Self {
        Self { http: Client::new(), port, token: None }
    }

    /// Starts a documented paying script with this program's pairing.
    pub fn script(&self, name: &str, url: &str) -> Result<Child> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples").join(name);
        let mut script = Command::new("sh");
        script.arg(file).arg(url).env("COUNTERSIGN_URL", &self.port).kill_on_drop(true);
        script.env("COUNTERSIGN_TOKEN", self.token.as_deref().context("not paired yet")?);
        script.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().context("sh does not start")
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<(StatusCode, Value)> {
        let mut request = self.http.request(method, format!("{}{path}", self.port));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await?;
        let status = response.status();
        Ok((status, response.json().await.unwrap_or_default()))
    }

    /// Asks to be paired; answers the pairing and the code that a person compares.
    pub async fn pair(&self, name: &str) -> Result<(Value, String)> {
        let (status, body) = self.call(Method::POST, "/v1/pairings", Some(json!({ "name": name }))).await?;
        ensure!(status == StatusCode::ACCEPTED, "{status} {body}");
        let code = body["code"].as_str().context("no code")?.to_owned();
        Ok((body, code))
    }

    pub async fn fetch_token(&mut self, pairing: &Value) -> Result<()> {
        let path = format!("/v1/pairings/{}?wait=25", pairing["id"].as_str().unwrap_or_default());
        let secret = json!({ "secret": pairing["secret"] });
        let (status, body) = self.call(Method::POST, &path, Some(secret)).await?;
        let token = body["token"].as_str().with_context(|| format!("not approved: {status} {body}"))?;
        self.token = Some(token.to_owned());
        Ok(())
    }

    /// Meets the 402 and hands it over as it came. Answers what the port says.
    pub async fn ask(&self, url: &str, reason: Option<&str>) -> Result<(StatusCode, Value)> {
        let response = self.http.get(url).send().await?;
        ensure!(response.status() == StatusCode::PAYMENT_REQUIRED, "no 402 from {url}: {}", response.status());
        let offer = response.headers().get("PAYMENT-REQUIRED").context("no PAYMENT-REQUIRED")?.to_str()?.to_owned();
        self.hand_over(url, &offer, reason).await
    }

    /// Hands over this 402 for this URL, which nobody asks here.
    pub async fn hand_over(&self, url: &str, offer: &str, reason: Option<&str>) -> Result<(StatusCode, Value)> {
        let mut body = json!({ "request": { "method": "GET", "url": url }, "paymentRequired": offer });
        if let Some(reason) = reason {
            body["reason"] = json!(reason);
        }
        self.call(Method::POST, "/v1/payments", Some(body)).await
    }

    /// Never asks this site: takes the 402 of another place, writes the site's name into it and hands that over.
    pub async fn lie(&self, site: &str, words: &str, source: &str) -> Result<String> {
        let response = self.http.get(source).send().await?;
        let offer = response.headers().get("PAYMENT-REQUIRED").context("no PAYMENT-REQUIRED")?.to_str()?.to_owned();
        let mut offer: Value = serde_json::from_str(&x402::header::read(&offer)?)?;
        offer["resource"] = json!({ "url": site, "description": words });
        let body = json!({ "request": { "method": "GET", "url": site }, "paymentRequired": offer.to_string() });
        let (status, body) = self.call(Method::POST, "/v1/payments", Some(body)).await?;
        ensure!(status == StatusCode::ACCEPTED, "not asked: {status} {body}");
        Ok(body["id"].as_str().context("no id")?.to_owned())
    }

    /// As [`Program::ask`], where a question is expected; answers its id.
    pub async fn question(&self, url: &str, reason: Option<&str>) -> Result<String> {
        let (mut status, mut body) = self.ask(url, reason).await?;
        // After three times no the wallet says how long to leave the person alone.
        if let (StatusCode::TOO_MANY_REQUESTS, Some(seconds)) = (status, body["retryAfter"].as_u64()) {
            tokio::time::sleep(std::time::Duration::from_secs(seconds)).await;
            (status, body) = self.ask(url, reason).await?;
        }
        ensure!(status == StatusCode::ACCEPTED, "not asked: {status} {body}");
        Ok(body["id"].as_str().context("no id")?.to_owned())
    }

    /// Waits for the end of the question.
    pub async fn wait(&self, id: &str) -> Result<Value> {
        for _ in 0..8 {
            let (_, body) = self.call(Method::GET, &format!("/v1/payments/{id}?wait=10"), None).await?;
            if !matches!(body["status"].as_str(), Some("asked" | "approved")) {
                return Ok(body);
            }
        }
        bail!("{id} is still open")
    }

    pub async fn status(&self, id: &str) -> Result<Value> {
        Ok(self.call(Method::GET, &format!("/v1/payments/{id}"), None).await?.1)
    }

    /// Sends the signed payment to the shop, reports what it answered, and answers the resource.
    pub async fn redeem(&self, url: &str, signed: &Value) -> Result<String> {
        let header = |field: &str| signed[field].as_str().with_context(|| format!("no {field}: {signed}"));
        let request = self.http.get(url).header(header("headerName")?, header("headerValue")?);
        let response: Response = request.send().await?;
        let status = response.status();
        let settled = response.headers().get("PAYMENT-RESPONSE").map(|v| v.to_str().map(str::to_owned)).transpose()?;
        let text = response.text().await?;
        ensure!(status.is_success(), "the shop answered {status}: {text}");
        let result = json!({ "paymentResponse": settled, "httpStatus": status.as_u16() });
        let id = header("id")?;
        let (reported, body) = self.call(Method::POST, &format!("/v1/payments/{id}/result"), Some(result)).await?;
        ensure!(reported.is_success(), "not reported: {reported} {body}");
        Ok(text)
    }
}
