//! The committed artifacts are what the committed sources compile to.

use std::path::Path;
use std::process::Command;

#[test]
fn the_artifacts_match_the_solidity_sources() {
    let contracts = Path::new(env!("CARGO_MANIFEST_DIR")).join("contracts");
    assert!(
        contracts.join("node_modules/solc").is_dir(),
        "solc is missing: run cargo xtask test, or npm ci in crates/devnet/contracts"
    );
    let check = Command::new("node").args(["build.mjs", "--check"]).current_dir(&contracts).output().unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
}
