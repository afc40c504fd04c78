//! What can be read off the files: headers, lengths, unfinished work, lock files and their advisories, generated files, the README.
//! Looks only at files that git tracks or would track.

use crate::{
    advisories, readme,
    run::{capture, command, root},
};
use anyhow::{Context, Result, bail};
use std::{collections::BTreeMap, fs, path::Path};

const LONGEST: usize = 600;

/// Written by a program and committed: a run must leave them as they are. (Committed, so that a change is seen.)
fn is_generated(file: &str) -> bool {
    file.ends_with("bindings.ts")
        || file.ends_with("openapi.json")
        || file.starts_with("crates/devnet/contracts/artifacts/")
}

fn is_code(file: &str) -> bool {
    let kinds = [".rs", ".ts", ".svelte", ".py", ".js", ".mjs", ".css", ".sol"];
    kinds.iter().any(|kind| file.ends_with(kind)) && !is_generated(file)
}

/// All files of the checkout, ignored ones excepted, by their path from the top.
fn files() -> Result<Vec<String>> {
    let list = capture(command("git").args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]))?;
    let mut files: Vec<String> = list.split('\0').filter(|file| !file.is_empty()).map(str::to_owned).collect();
    files.retain(|file| root().join(file).is_file());
    files.sort();
    files.dedup();
    Ok(files)
}

fn read(file: &str) -> Result<String> {
    let bytes = fs::read(root().join(file)).with_context(|| format!("cannot read {file}"))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Generated files and what is in them now.
pub fn generated() -> Result<BTreeMap<String, String>> {
    let files = files()?.into_iter().filter(|file| is_generated(file));
    files.map(|file| read(&file).map(|text| (file, text))).collect()
}

/// Fails when a generated file differs from what it was `before`.
pub fn unchanged(before: &BTreeMap<String, String>) -> Result<()> {
    let after = generated()?;
    let names: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let changed: Vec<_> = names.into_iter().filter(|name| before.get(*name) != after.get(*name)).cloned().collect();
    if !changed.is_empty() {
        bail!("these generated files were out of date; look at the difference and commit it: {}", changed.join(", "));
    }
    Ok(())
}

/// Module headers, lengths, unfinished work, lock files, the README's code. Answers all that is wrong, not the first.
pub fn check() -> Result<()> {
    let mut problems = Vec::new();
    let deny = read("deny.toml")?;
    for file in files()? {
        if Path::new(&file).file_name().is_some_and(|name| name == "Cargo.lock") {
            problems.extend(advisories::check(&file, &read(&file)?, &deny)?);
        }
        if is_code(&file) {
            problems.extend(code(&file, &read(&file)?));
        } else if Path::new(&file).file_name().is_some_and(|name| name == "package-lock.json") {
            problems.extend(npm_lock(&file, &read(&file)?));
        } else if file == "Cargo.lock" {
            problems.extend(cargo_lock(&read(&file)?));
        }
    }
    problems.extend(readme::check()?);
    if !problems.is_empty() {
        bail!("the sources want attention:\n  {}", problems.join("\n  "));
    }
    Ok(())
}

fn code(file: &str, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let lines = text.lines().count();
    if lines > LONGEST {
        problems.push(format!("{file}: {lines} lines, {LONGEST} is the most; it wants a second room"));
    }
    if file.ends_with(".rs") && !text.lines().take(5).any(|line| line.starts_with("//!")) {
        problems.push(format!("{file}: no `//!` in the first lines saying what it does and refuses"));
    }
    // Put together here, so that this file does not find itself.
    let unfinished = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("to", "do!("), concat!("unimple", "mented!(")];
    for (number, line) in text.lines().enumerate() {
        if unfinished.iter().any(|word| line.contains(word)) {
            problems.push(format!("{file}:{}: unfinished work: {}", number + 1, line.trim()));
        }
    }
    problems
}

fn npm_lock(file: &str, text: &str) -> Vec<String> {
    if text.contains("\"resolved\": \"http") {
        return vec![format!(
            "{file}: download addresses are recorded; `omit-lockfile-registry-resolved=true` in .npmrc"
        )];
    }
    Vec::new()
}

fn cargo_lock(text: &str) -> Vec<String> {
    let sources = text.lines().filter_map(|line| line.strip_prefix("source = "));
    let foreign = sources.filter(|source| *source != "\"registry+https://github.com/rust-lang/crates.io-index\"");
    foreign.map(|source| format!("Cargo.lock: {source} is not crates.io")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_without_a_header_is_named() {
        assert_eq!(code("a.rs", "use b;\n").len(), 1);
        assert!(code("a.rs", "//! Adds. Never subtracts.\nuse b;\n").is_empty());
        assert!(code("a.ts", "import b\n").is_empty());
    }

    #[test]
    fn a_long_file_and_unfinished_work_are_named() {
        assert_eq!(code("a.ts", &"x\n".repeat(601)).len(), 1);
        assert!(code("a.ts", &"x\n".repeat(600)).is_empty());
        assert_eq!(code("a.ts", concat!("// TO", "DO later\n")).len(), 1);
    }

    #[test]
    fn a_lock_file_names_no_download_address_and_no_foreign_registry() {
        assert_eq!(npm_lock("p", "\"resolved\": \"https://example.org/a.tgz\"").len(), 1);
        assert!(npm_lock("p", "\"integrity\": \"sha512-…\"").is_empty());
        assert_eq!(cargo_lock("source = \"git+https://example.org/a\"\n").len(), 1);
        assert!(cargo_lock("source = \"registry+https://github.com/rust-lang/crates.io-index\"\n").is_empty());
    }
}
