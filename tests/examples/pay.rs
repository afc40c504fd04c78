//! Fetches a URL and pays for it through Countersign when it answers 402.
//! Never holds a key, and never decides what may be paid: the person does, in Countersign.
//!
//! Where Countersign listens stands in the runtime file; COUNTERSIGN_RUNTIME names another file, COUNTERSIGN_URL an address
//! (`http://127.0.0.1:4020`). What listens there proves first that it is the Countersign which gave out the token.
//! No redirect is followed: a payment is for the URL that it was asked for.
//!
//! ```sh
//! COUNTERSIGN_TOKEN=… cargo run --package stories --example pay -- http://127.0.0.1:8402/articles/1
//! ```
#![allow(clippy::print_stderr)] // it tells what went wrong beside what was bought

use anyhow::{Context, Result, anyhow, bail};
use hmac::{Hmac, Mac};
use reqwest::{Client, Response, redirect::Policy};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::env;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

/// The wallet's port, as a program sees it.
struct Countersign {
    http: Client,
    /// No proxy reaches this machine's own port.
    direct: Client,
    token: String,
}

impl Countersign {
    fn from_environment() -> Result<Self> {
        // A connection that was kept while a person thought may be closed by now.
        let straight = || Client::builder().redirect(Policy::none()).pool_max_idle_per_host(0);
        Ok(Self {
            http: straight().build()?,
            direct: straight().no_proxy().build()?,
            token: env::var("COUNTERSIGN_TOKEN").context("COUNTERSIGN_TOKEN: docs/examples/pair.sh prints one")?,
        })
    }

    async fn call(&self, path: &str, body: Option<Value>) -> Result<Value> {
        let address = whereabouts()?;
        if !self.proves(&address).await? {
            bail!("NOT_PAIRED: what listens at {address} is not the Countersign of this token: nothing was sent");
        }
        let url = format!("http://{address}{path}");
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

    /// Whether what listens there has the key that goes with the token. A relay's proof is for another address.
    async fn proves(&self, address: &str) -> Result<bool> {
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(|why| anyhow!("no randomness: {why}"))?;
        let (key, nonce) = (hex::encode(Sha256::digest(&self.token)), hex::encode(random));
        let url = format!("http://{address}/v1/proof?key={}&nonce={nonce}", hex::encode(Sha256::digest(&key)));
        let said: Value = match self.direct.get(url).timeout(Duration::from_secs(10)).send().await {
            Ok(answer) => answer.json().await.unwrap_or_default(),
            Err(why) if why.is_connect() => bail!("Countersign is not running"),
            Err(_) => return Ok(false),
        };
        let expected = Hmac::<Sha256>::new_from_slice(key.as_bytes())?
            .chain_update(format!("countersign proof 1\n{nonce}\n{address}"));
        let proof = hex::decode(text(&said["proof"])).unwrap_or_default();
        Ok(expected.verify_slice(&proof).is_ok())
    }

    /// Prints what is at `url`, paid for if that is asked and allowed. Whether it was there.
    async fn buy(&self, url: &str) -> Result<bool> {
        let asked = self.http.get(url).send().await?;
        if asked.status() != 402 {
            return print(asked).await;
        }
        // The 402 goes to Countersign as it came. It asks the person, unless a limit of theirs allows it.
        if asked.headers().get_all("payment-required").iter().count() > 1 {
            bail!("PAYMENT-REQUIRED came more than once: which of them counts would be a guess");
        }
        let (header, body) = (header(&asked, &["payment-required"]), asked.text().await?);
        let required = header.as_ref().unwrap_or(&body);
        let request = json!({ "request": { "method": "GET", "url": url }, "paymentRequired": required });
        let asked = self.call("/v1/payments", Some(request)).await;
        let mut payment = asked.map_err(|why| beside(why, header.is_some(), &body))?;
        let id = payment["id"].as_str().context("a payment has an id")?.to_owned();
        while payment["status"] == "asked" || payment["status"] == "approved" {
            payment = self.call(&format!("/v1/payments/{id}?wait=25"), None).await?;
        }
        let (Some(name), Some(value)) = (payment["headerName"].as_str(), payment["headerValue"].as_str()) else {
            bail!("{}: {}", text(&payment["failure"]["code"]), text(&payment["failure"]["message"]));
        };
        let answer = self.http.get(url).header(name, value).send().await?;
        let response = self::header(&answer, &["payment-response", "x-payment-response"]);
        let result = json!({ "paymentResponse": response, "httpStatus": answer.status().as_u16() });
        // Paid for: it comes first, whatever happens to the report.
        let there = print(answer).await?;
        if let Err(why) = self.call(&format!("/v1/payments/{id}/result"), Some(result)).await {
            eprintln!("How it went was not reported (payment {id}): {why}");
        }
        Ok(there)
    }
}

/// Its address. Looked up for each call: a Countersign that was started again may listen elsewhere.
fn whereabouts() -> Result<String> {
    if let Ok(named) = env::var("COUNTERSIGN_URL") {
        return Ok(named.trim_start_matches("http://").trim_end_matches('/').to_owned());
    }
    let usual = || env::var_os("XDG_RUNTIME_DIR").map(|dir| PathBuf::from(dir).join("countersign/main.json"));
    let file = env::var_os("COUNTERSIGN_RUNTIME").map(PathBuf::from).or_else(usual);
    let text = file.and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
    let runtime: Value = serde_json::from_str(&text).unwrap_or_default();
    match (runtime["address"].as_str(), runtime["pid"].as_u64()) {
        (Some(address), Some(pid)) if lives(pid) => Ok(address.to_owned()),
        _ => bail!("Countersign is not running"),
    }
}

/// A file that a crash left behind names a process that is gone.
fn lives(pid: u64) -> bool {
    let asked = Command::new("kill").args(["-0", &pid.to_string()]).stderr(Stdio::null()).status();
    asked.is_ok_and(|answer| answer.success())
}

async fn print(answer: Response) -> Result<bool> {
    let there = answer.status().is_success();
    std::io::stdout().write_all(&answer.bytes().await?)?;
    Ok(there)
}

fn header(answer: &Response, names: &[&str]) -> Option<String> {
    let value = names.iter().find_map(|name| answer.headers().get(*name))?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// A header that can't be read never makes way for the body beside it.
fn beside(why: anyhow::Error, has_header: bool, body: &str) -> anyhow::Error {
    match has_header && why.to_string().starts_with("MALFORMED") && body.contains("\"accepts\"") {
        true => anyhow!("{why} Its body holds an offer of its own: which of them counts would be a guess."),
        false => why,
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let url = env::args().nth(1).context("which URL?")?;
    let there = Countersign::from_environment()?.buy(&url).await?;
    Ok(if there { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
