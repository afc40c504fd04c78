//! `countersign node` against a node with one door, with two and with three, one of another network, and none.
#![allow(clippy::unwrap_used, clippy::panic)]

mod home;

use devnet::{Devnet, Doors, Options};
use home::{Ran, run};
use serde_json::Value;

async fn node(doors: Doors) -> Devnet {
    Devnet::start(Options { doors, ..Options::default() }).await.unwrap()
}

/// The command with this in the settings; no network but Nile is asked.
async fn asked(config: String, arguments: &'static [&'static str]) -> Ran {
    tokio::task::spawn_blocking(move || {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("config.toml"), config).unwrap();
        run(dir.path(), arguments, "")
    })
    .await
    .unwrap()
}

/// Code and state of each row.
fn rows(told: &str) -> Vec<(String, String)> {
    let nodes: Value = serde_json::from_str(told).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    nodes[0]["rows"].as_array().unwrap().iter().map(|row| (text(&row["code"]), text(&row["state"]))).collect()
}

fn states(told: &str) -> String {
    rows(told).iter().map(|(code, state)| format!("{code} {state}\n")).collect()
}

const JSON: &[&str] = &["node", "nile", "--json"];
const ALL_GOOD: &str = "\
wallet good
walletsolidity good
jsonrpc good
software good
chain good
newest good
final good
contracts note
";

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_told_by_its_doors_wherever_they_are() {
    let together = node(Doors::Together).await;
    let at_one = format!("[[nile]]\nurl = \"{}\"\n", together.url());
    let ran = asked(at_one, JSON).await;
    assert_eq!((ran.status, states(&ran.out).as_str()), (0, ALL_GOOD), "{}{}", ran.out, ran.err);

    let apart = node(Doors::Apart { solidity_port: 0, jsonrpc_port: Some(0) }).await;
    let first = format!("[[nile]]\nurl = \"{}\"\n", apart.url());
    let two = format!("{first}solidity_url = \"{}\"\n", apart.solidity_url());
    let three = format!("{two}jsonrpc_url = \"{}\"\n", apart.jsonrpc_url().unwrap());
    let ran = asked(three, JSON).await;
    assert_eq!((ran.status, states(&ran.out).as_str()), (0, ALL_GOOD), "{}{}", ran.out, ran.err);

    let ran = asked(two.clone(), JSON).await;
    assert_eq!((ran.status, states(&ran.out)), (0, ALL_GOOD.replace("jsonrpc good", "jsonrpc note")));

    // A wrong address of what is not needed makes no node unusable.
    let ran = asked(format!("{two}jsonrpc_url = \"{}\"\n", apart.url()), JSON).await;
    assert_eq!((ran.status, states(&ran.out)), (0, ALL_GOOD.replace("jsonrpc good", "jsonrpc note")));

    // What is missing comes with its remedy, and is not needed.
    let ran = asked(first, &["node", "nile"]).await;
    assert_eq!(ran.status, 0, "{}", ran.err);
    for words in
        ["can be used", "serves none", ":8091\" in config.toml", "by the node's own word", "countersign-devnet"]
    {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_can_t_be_used_says_why_and_ends_with_6() {
    let nile = node(Doors::Together).await;
    let ran = asked(format!("[[mainnet]]\nurl = \"{}\"\n", nile.url()), &["node", "mainnet"]).await;
    assert_eq!(ran.status, 6, "{}", ran.out);
    assert!(ran.out.contains("TRON Nile (0xcd8690dc)") && ran.out.contains("can't be used"), "{}", ran.out);
    assert!(ran.err.contains("no node can be used for"), "{}", ran.err);

    // The wrong one of three ports.
    let apart = node(Doors::Apart { solidity_port: 0, jsonrpc_port: None }).await;
    let ran = asked(format!("[[nile]]\nurl = \"{}\"\n", apart.solidity_url()), &["node", "nile"]).await;
    assert_eq!(ran.status, 6, "{}", ran.out);
    assert!(ran.out.contains("port 8090"), "{}", ran.out);
    let swapped = format!("[[nile]]\nurl = \"{0}\"\nsolidity_url = \"{0}\"\n", apart.url());
    let ran = asked(swapped, &["node", "nile"]).await;
    assert_eq!(ran.status, 6, "{}", ran.out);
    assert!(ran.out.contains("solidity_url in config.toml is another address"), "{}", ran.out);

    let ran = asked("[[nile]]\nurl = \"http://127.0.0.1:1\"\n".to_owned(), &["node", "nile"]).await;
    assert_eq!(ran.status, 6, "{}", ran.out);
    assert!(ran.out.contains("Look whether the node runs"), "{}", ran.out);
    let ran = asked(String::new(), &["node", "niel"]).await;
    assert_eq!(ran.status, 2, "{}", ran.err);
}
