//! The program as it is started by hand: its example, its key file, a run from start to stop, spoken to with curl.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod stage;

use devnet::{Devnet, Options};
use std::process::Stdio;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_countersign-facilitator"));
    program.kill_on_drop(true).env_remove("RUST_LOG");
    program
}

async fn output(arguments: &[&str]) -> (bool, String, String) {
    let output = program().args(arguments).output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[tokio::test]
async fn it_prints_its_example() {
    let (ok, example, _) = output(&["--print-config"]).await;
    assert!(ok && example == facilitator::EXAMPLE);
}

#[tokio::test]
async fn it_says_what_is_wrong_and_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("settings.toml");
    let (ok, _, error) = output(&["--config", path.to_str().unwrap()]).await;
    assert!(!ok && error.contains("settings.toml"), "{error}");
    std::fs::write(&path, facilitator::EXAMPLE).unwrap();
    let (ok, _, error) = output(&["--config", path.to_str().unwrap()]).await;
    assert!(!ok && error.contains("payees: expected the addresses of the sellers"), "{error}");
    std::fs::write(&path, stage::example()).unwrap();
    let (ok, _, error) = output(&["--config", path.to_str().unwrap()]).await;
    assert!(!ok && error.contains("facilitator.key does not exist"), "{error}");
    let (ok, _, _) = output(&[]).await;
    assert!(!ok);
}

#[tokio::test]
async fn it_serves_and_stops_when_told_and_logs_json() {
    let devnet = Devnet::start(Options::default()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (ok, address, _) = output(&["--new-key", &at("facilitator.key")]).await;
    assert!(ok);
    let again = output(&["--new-key", &at("facilitator.key")]).await;
    assert!(!again.0, "a key is never replaced");
    let settings = stage::example()
        .replace("127.0.0.1:4021", "127.0.0.1:0")
        .replace("# metrics_listen = \"127.0.0.1:4022\"", "metrics_listen = \"127.0.0.1:0\"")
        .replace("# workers = 2", "workers = 1")
        .replace("log = \"text\"", "log = \"json\"")
        .replace("https://nile.trongrid.io", &devnet.url());
    std::fs::write(at("settings.toml"), settings).unwrap();

    let mut child = program().args(["--config", &at("settings.toml")]).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    // An account without TRX is reported first.
    let mut said =
        async || -> serde_json::Value { serde_json::from_str(&log.next_line().await.unwrap().unwrap()).unwrap() };
    let (poor, first) = (said().await, said().await);
    assert_eq!(poor["fields"]["address"].as_str(), Some(address.trim()));
    assert_eq!(
        (&first["fields"]["message"], first["fields"]["addresses"].as_str()),
        (&"serving".into(), Some(address.trim()))
    );
    let url = |line: &serde_json::Value| format!("http://{}", line["fields"]["listen"].as_str().unwrap());
    let second = said().await;
    assert_eq!(second["fields"]["message"], "serving metrics");
    let (sellers, operators) = (url(&first), url(&second));

    let ask = async |url: String| {
        let arguments = ["-sS", "--noproxy", "*", "-w", "%{stderr}%{http_code}", &url];
        let answer = Command::new("curl").args(arguments).output().await.unwrap();
        (String::from_utf8(answer.stderr).unwrap(), String::from_utf8(answer.stdout).unwrap())
    };
    let (_, supported) = ask(format!("{sellers}/supported")).await;
    let supported: serde_json::Value = serde_json::from_str(&supported).unwrap();
    assert_eq!(supported["signers"]["tron:*"][0], address.trim());
    // What operators read is theirs alone, and nothing else is there.
    let (status, metrics) = ask(format!("{operators}/metrics")).await;
    assert_eq!(status, "200");
    assert!(metrics.contains("facilitator_signer_balance_sun") && metrics.ends_with("# EOF\n"), "{metrics}");
    assert_eq!(ask(format!("{sellers}/metrics")).await.0, "404");
    for path in ["supported", "verify", "health"] {
        assert_eq!(ask(format!("{operators}/{path}")).await.0, "404");
    }

    let told = Command::new("kill").args(["-TERM", &child.id().unwrap().to_string()]).status().await.unwrap();
    assert!(told.success());
    assert!(child.wait().await.unwrap().success());
}
