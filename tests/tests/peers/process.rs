//! A program that drives a published SDK: started once, asked over HTTP on a port that it chose, ended with its
//! input. What it says on its error output is kept for the report of a failure.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tempfile::NamedTempFile;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// Importing these packages takes seconds on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Process {
    pub url: String,
    http: reqwest::Client,
    child: Child,
    said: NamedTempFile,
}

impl Process {
    /// `script` below tests/peers.
    pub async fn start(program: &Path, script: &str, configuration: &Value) -> Result<Self> {
        let script = root().join("tests/peers").join(script);
        let mut command = Command::new(program);
        command.arg(&script);
        Self::launch(command, configuration).await
    }

    /// A program that needs no other one to run it.
    pub async fn launch(mut command: Command, configuration: &Value) -> Result<Self> {
        let said = NamedTempFile::new()?;
        command.arg(configuration.to_string()).env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(said.reopen()?).kill_on_drop(true);
        let program = format!("{:?}", command.as_std());
        let mut child = command.spawn().with_context(|| format!("{program} can't be started: `cargo xtask setup`"))?;
        let mut lines = BufReader::new(child.stdout.take().context("the peer's output is piped")?).lines();
        let first = tokio::time::timeout(PATIENCE, lines.next_line()).await.context("the peer says where it is")??;
        let told = first.and_then(|line| serde_json::from_str::<Value>(&line).ok());
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
        let Some(url) = told.as_ref().and_then(|told| told["url"].as_str()).map(str::to_owned) else {
            bail!("{program} did not start; `cargo xtask setup` installs what it needs\n{}", text(&said));
        };
        Ok(Self { url, http, child, said })
    }

    /// POST, JSON to JSON.
    pub async fn ask(&self, path: &str, body: &Value) -> Result<Value> {
        let response = self.http.post(format!("{}{path}", self.url)).json(body).send().await?;
        let (status, answer) = (response.status(), response.text().await?);
        if !status.is_success() {
            bail!("{path}: {status} {answer}\n{}", text(&self.said));
        }
        serde_json::from_str(&answer).with_context(|| answer)
    }

    /// The end of what it said on its error output.
    pub fn said(&self) -> String {
        text(&self.said)
    }

    /// Closes its input and waits for its end.
    pub async fn end(mut self) {
        drop(self.child.stdin.take());
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        assert!(matches!(ended, Ok(Ok(_))), "the peer ends with its input: {ended:?}\n{}", text(&self.said));
    }
}

fn text(said: &NamedTempFile) -> String {
    let said = std::fs::read(said.path()).unwrap_or_default();
    // The end says why.
    String::from_utf8_lossy(&said[said.len().saturating_sub(6000)..]).into_owned()
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The interpreter that has the peers' packages.
pub fn python() -> PathBuf {
    std::env::var_os("COUNTERSIGN_PYTHON").map_or_else(|| root().join(".venv/bin/python"), PathBuf::from)
}
