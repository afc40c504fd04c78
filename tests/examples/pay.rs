//! Fetches a URL and pays for it through Countersign when it answers 402.
//! Never holds a key, and never decides what may be paid: the person does, in Countersign.
//!
//! Where Countersign listens stands in a file that only you can write, so that no other program can pretend to be it;
//! COUNTERSIGN_URL says otherwise.
//!
//! ```sh
//! COUNTERSIGN_TOKEN=… cargo run --package stories --example pay -- http://127.0.0.1:8402/articles/1
//! ```
#![allow(clippy::print_stdout)] // it prints what was bought

use anyhow::{Context, Result, bail};
use reqwest::{Client, Response};
use serde_json::{Value, json};
use std::env;
use std::path::PathBuf;

/// The wallet's port, as a program sees it.
struct Countersign {
    http: Client,
    /// No proxy reaches this machine's own port.
    direct: Client,
    port: String,
    token: String,
}

impl Countersign {
    fn from_environment() -> Result<Self> {
        Ok(Self {
            http: Client::new(),
            direct: Client::builder().no_proxy().build()?,
            port: env::var("COUNTERSIGN_URL").unwrap_or_else(|_| format!("http://{}", published())),
            token: env::var("COUNTERSIGN_TOKEN").context("COUNTERSIGN_TOKEN: docs/examples/pair.sh prints one")?,
        })
    }

    async fn call(&self, path: &str, body: Option<Value>) -> Result<Value> {
        let url = format!("{}{path}", self.port);
        let request = match body {
            Some(body) => self.direct.post(url).json(&body),
            None => self.direct.get(url),
        };
        let answer = request.bearer_auth(&self.token).send().await?;
        let failed = !answer.status().is_success();
        let said: Value = answer.json().await?;
        if failed {
            bail!("{}: {}", text(&said["code"]), text(&said["detail"])); // a problem document
        }
        Ok(said)
    }

    /// Gets `url`, paying if that is asked and allowed.
    async fn get(&self, url: &str) -> Result<Response> {
        let asked = self.http.get(url).send().await?;
        if asked.status() != 402 {
            return Ok(asked);
        }
        // The 402 goes to Countersign as it came. It asks the person, unless a limit of theirs allows it.
        let required = match header(&asked, &["payment-required"]) {
            Some(value) => value,
            None => asked.text().await?,
        };
        let request = json!({ "request": { "method": "GET", "url": url }, "paymentRequired": required });
        let mut payment = self.call("/v1/payments", Some(request)).await?;
        let id = payment["id"].as_str().context("a payment has an id")?.to_owned();
        while payment["status"] == "asked" || payment["status"] == "approved" {
            payment = self.call(&format!("/v1/payments/{id}?wait=25"), None).await?;
        }
        let (Some(name), Some(value)) = (payment["headerName"].as_str(), payment["headerValue"].as_str()) else {
            bail!("{}: {}", text(&payment["failure"]["code"]), text(&payment["failure"]["message"]));
        };
        let answer = self.http.get(url).header(name, value).send().await?;
        let response = header(&answer, &["payment-response", "x-payment-response"]);
        let result = json!({ "paymentResponse": response, "httpStatus": answer.status().as_u16() });
        self.call(&format!("/v1/payments/{id}/result"), Some(result)).await?;
        Ok(answer)
    }
}

/// The address in the runtime file, or the usual one.
fn published() -> String {
    let file = env::var_os("XDG_RUNTIME_DIR").map(|dir| PathBuf::from(dir).join("countersign/main.json"));
    let text = file.and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
    let runtime: Value = serde_json::from_str(&text).unwrap_or_default();
    runtime["address"].as_str().unwrap_or("127.0.0.1:4020").to_owned()
}

fn header(answer: &Response, names: &[&str]) -> Option<String> {
    let value = names.iter().find_map(|name| answer.headers().get(*name))?;
    Some(value.to_str().ok()?.to_owned())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[tokio::main]
async fn main() -> Result<()> {
    let url = env::args().nth(1).context("which URL?")?;
    let answer = Countersign::from_environment()?.get(&url).await?.error_for_status()?;
    print!("{}", answer.text().await?);
    Ok(())
}
