//! The shape of the house: which crate may use which, and what the pure ones must never reach.
//! The tables below are the rule; docs/ARCHITECTURE.md draws them.

use crate::run::{capture, cargo, say};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::collections::BTreeSet;

/// Each room and those it may use directly. Besides these, a room may use the pure vocabulary ([`WORDS`]) of the
/// rooms that it stands on. Tests are free: only ordinary and build dependencies count.
const ROOMS: &[(&str, &[&str])] = &[
    ("names", &[]),
    ("serve", &[]),
    ("tron", &[]),
    ("x402", &["tron", "names"]),
    ("plan", &["x402"]),
    ("policy", &["plan"]),
    ("ledger", &["plan"]),
    ("vault", &["tron"]),
    ("chain", &["tron", "names"]),
    ("wallet", &["policy", "ledger", "vault", "chain"]),
    // The plain values that the wallet hands out: rows of the ledger, accounts and errors of the vault.
    ("view", &["wallet", "ledger", "vault"]),
    ("helper", &["serve", "wallet", "view"]),
    ("seller", &["x402"]),
    ("facilitator", &["serve", "x402", "chain", "vault"]),
    ("devnet", &["serve", "tron"]),
    ("logs", &[]),
    ("practice", &["serve", "chain", "devnet", "seller", "facilitator"]),
    ("cli", &["view", "helper", "wallet", "practice", "logs"]),
    ("countersign-app", &["view", "helper", "wallet", "practice", "logs"]),
    ("stories", &[]),
    ("xtask", &[]),
];

/// Plain values that everything above them may name: web addresses, addresses, amounts, messages, plans.
const WORDS: &[&str] = &["names", "tron", "x402", "plan"];

/// Crates without input, output, clock or randomness, and what would give them away.
const PURE: &[&str] = &["names", "tron", "x402", "plan", "policy"];
const IMPURE: &[&str] = &["tokio", "hyper", "reqwest", "rusqlite", "axum", "jiff", "chrono"];

pub fn check() -> Result<()> {
    say("layers: who uses whom");
    let metadata = capture(cargo().args(["metadata", "--format-version", "1", "--no-deps"]))?;
    let metadata: Value = serde_json::from_str(&metadata).context("cargo metadata")?;
    let mut problems = against_the_table(&metadata);
    for pure in PURE {
        let tree = capture(cargo().args(["tree", "--package", pure, "--edges", "normal", "--prefix", "none"]))?;
        let used: BTreeSet<_> = tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
        problems.extend(IMPURE.iter().filter(|name| used.contains(*name)).map(|name| format!("{pure} reaches {name}")));
    }
    if !problems.is_empty() {
        bail!("the layers are broken:\n  {}", problems.join("\n  "));
    }
    Ok(())
}

fn against_the_table(metadata: &Value) -> Vec<String> {
    let packages = metadata["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let name = |value: &Value| value["name"].as_str().unwrap_or_default().to_owned();
    let ours: BTreeSet<String> = packages.iter().map(name).collect();
    let mut problems = Vec::new();
    for package in packages {
        let room = name(package);
        let Some(allowed) = allowed(&room) else {
            problems.push(format!("{room} is not in the table of xtask/src/layers.rs"));
            continue;
        };
        let dependencies = package["dependencies"].as_array().map(Vec::as_slice).unwrap_or_default();
        for dependency in dependencies.iter().filter(|dependency| dependency["kind"].as_str() != Some("dev")) {
            let used = name(dependency);
            // Stories use the products as a program would; whatever they name, nothing stands on them.
            if ours.contains(&used) && !allowed.contains(used.as_str()) && room != "stories" {
                problems.push(format!("{room} may not use {used}"));
            }
        }
    }
    problems
}

/// What a room may use: its row, and the words of all rooms below it.
fn allowed(room: &str) -> Option<BTreeSet<&'static str>> {
    let row = |room: &str| ROOMS.iter().find(|(name, _)| *name == room).map(|(_, below)| *below);
    let mut allowed: BTreeSet<&str> = row(room)?.iter().copied().collect();
    let mut below: Vec<&str> = allowed.iter().copied().collect();
    while let Some(next) = below.pop() {
        if WORDS.contains(&next) {
            allowed.insert(next);
        }
        below.extend(row(next).unwrap_or_default());
    }
    Some(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn uses(room: &str, used: &str, kind: Value) -> Vec<String> {
        let metadata = json!({ "packages": [
            { "name": room, "dependencies": [{ "name": used, "kind": kind }] },
            { "name": used, "dependencies": [] },
        ]});
        against_the_table(&metadata)
    }

    #[test]
    fn the_ledger_may_not_know_the_vault() {
        assert_eq!(uses("ledger", "vault", Value::Null), ["ledger may not use vault"]);
    }

    #[test]
    fn a_room_may_name_the_words_of_what_it_stands_on_but_no_others() {
        assert!(uses("ledger", "tron", Value::Null).is_empty());
        assert_eq!(uses("vault", "x402", Value::Null), ["vault may not use x402"]);
        assert_eq!(uses("helper", "ledger", Value::Null), ["helper may not use ledger"]);
    }

    #[test]
    fn tests_may_use_what_they_like_and_a_new_crate_must_be_placed() {
        assert!(uses("chain", "devnet", json!("dev")).is_empty());
        let new = json!({ "packages": [{ "name": "attic", "dependencies": [] }] });
        assert_eq!(against_the_table(&new), ["attic is not in the table of xtask/src/layers.rs"]);
    }

    #[test]
    fn dependencies_point_down_only() {
        for (room, below) in ROOMS {
            let place = |name: &str| ROOMS.iter().position(|(room, _)| *room == name);
            assert!(below.iter().all(|name| place(name) < place(room)), "{room} stands on something above it");
        }
    }
}
