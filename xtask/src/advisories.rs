//! Every Cargo.lock of the repository against the versions that `deny.toml` bans: what RustSec has an advisory for, kept
//! by hand. Asks nobody. Refuses an entry that it can't read, so that none is passed over.

use anyhow::{Context, Result, bail};

/// A crate, and versions of it that must not be locked.
#[derive(Debug, PartialEq, Eq)]
struct Banned {
    name: String,
    bounds: Vec<(Bound, Version)>,
    reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    Below,
    AtLeast,
    Exactly,
}

type Version = [u64; 3];

/// What is wrong with this lock file.
pub fn check(file: &str, lock: &str, deny: &str) -> Result<Vec<String>> {
    let banned = banned(deny)?;
    let mut problems = Vec::new();
    for (name, written) in locked(lock) {
        let found = banned.iter().filter(|ban| ban.name == name);
        for ban in found {
            let version = version(written).with_context(|| format!("{file}: {name} {written}"))?;
            if ban.holds(version) {
                problems.push(format!(
                    "{file}: {name} {written} has an advisory: {}; `cargo update -p {name}`",
                    ban.reason
                ));
            }
        }
    }
    Ok(problems)
}

impl Banned {
    fn holds(&self, version: Version) -> bool {
        self.bounds.iter().all(|(bound, limit)| match bound {
            Bound::Below => version < *limit,
            Bound::AtLeast => version >= *limit,
            Bound::Exactly => version == *limit,
        })
    }
}

/// The entries with versions, one a line: `{ crate = "name@>=1.2.3, <1.3.0", reason = "…" },`.
fn banned(deny: &str) -> Result<Vec<Banned>> {
    let mut found = Vec::new();
    for line in deny.lines().map(str::trim).filter(|line| line.starts_with("{ crate = ")) {
        let quoted: Vec<&str> = line.split('"').collect();
        let [_, what, _, reason, ..] = quoted[..] else { bail!("deny.toml: {line}: expected a crate and a reason") };
        let Some((name, wanted)) = what.split_once('@') else { continue };
        let bounds = wanted.split(',').map(|bound| {
            let bound = bound.trim();
            let kinds = [(">=", Bound::AtLeast), ("<", Bound::Below), ("=", Bound::Exactly)];
            let Some((kind, text)) = kinds.iter().find_map(|(sign, kind)| Some((*kind, bound.strip_prefix(sign)?)))
            else {
                bail!("deny.toml: {what}: expected <1.2.3, >=1.2.3 or =1.2.3");
            };
            Ok((kind, version(text).with_context(|| format!("deny.toml: {what}"))?))
        });
        found.push(Banned { name: name.to_owned(), bounds: bounds.collect::<Result<_>>()?, reason: reason.to_owned() });
    }
    Ok(found)
}

/// Three numbers; what follows them (`-rc.1`, `+spec`) is left out.
fn version(text: &str) -> Result<Version> {
    let plain = text.split(['-', '+']).next().unwrap_or_default();
    let numbers: Vec<u64> = plain.split('.').map(str::parse).collect::<Result<_, _>>()?;
    numbers.try_into().ok().with_context(|| format!("{text}: expected three numbers"))
}

/// Name and version of every package.
fn locked(lock: &str) -> impl Iterator<Item = (&str, &str)> {
    lock.split("[[package]]").skip(1).filter_map(|package| {
        let of = |name: &str| {
            package.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \"")?.strip_suffix('"'))
        };
        Some((of("name")?, of("version")?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = "version = 4\n\n[[package]]\nname = \"ring\"\nversion = \"0.17.11\"\n\n[[package]]\nname = \"slab\"\nversion = \"0.4.12\"\n";

    #[test]
    fn a_banned_version_is_found_in_any_lock_file_and_others_are_not() {
        let deny = "  { crate = \"openssl-sys\", reason = \"r\" },\n  { crate = \"ring@<0.17.12\", reason = \"RUSTSEC-2025-0009: x\" },\n  { crate = \"slab@=0.4.10\", reason = \"r\" },\n";
        let found = check("fuzz/Cargo.lock", LOCK, deny).unwrap();
        assert!(
            matches!(&found[..], [one] if one.contains("ring 0.17.11") && one.contains("RUSTSEC-2025-0009")),
            "{found:?}"
        );
        let between = "{ crate = \"slab@>=0.4.0, <0.4.12\", reason = \"r\" },";
        assert!(check("Cargo.lock", LOCK, between).unwrap().is_empty());
        assert_eq!(check("Cargo.lock", LOCK, &between.replace("<0.4.12", "<0.4.13")).unwrap().len(), 1);
    }

    #[test]
    fn an_entry_that_can_not_be_read_is_refused() {
        for wrong in [
            "{ crate = \"ring@^0.17\", reason = \"r\" },",
            "{ crate = \"ring@<0.17\", reason = \"r\" },",
            "{ crate = \"ring\" },",
        ] {
            assert!(check("Cargo.lock", LOCK, wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_list_of_this_repository_is_read_and_its_lock_file_is_clean() {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        let read = |name: &str| std::fs::read_to_string(format!("{root}/{name}")).unwrap();
        let deny = read("deny.toml");
        assert!(banned(&deny).unwrap().iter().any(|ban| ban.name == "ring"));
        assert_eq!(check("Cargo.lock", &read("Cargo.lock"), &deny).unwrap(), Vec::<String>::new());
    }
}
