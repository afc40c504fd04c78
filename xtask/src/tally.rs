//! Counts tests from what cargo and vitest print. Pure.

use std::ops::AddAssign;

/// How many tests ran, and the names of those that failed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub passed: u64,
    pub failed: u64,
    pub ignored: u64,
    pub failures: Vec<String>,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
        self.failures.extend(other.failures);
    }
}

impl Tally {
    /// One line of `cargo test`: a result line counts, a failed test's line gives its name, any other is nothing.
    pub fn cargo_line(&mut self, line: &str) {
        let line = plain(line);
        if let Some(counts) = line.strip_prefix("test result: ") {
            for part in counts.split([';', '.']) {
                let mut words = part.split_whitespace();
                let (Some(number), Some(kind)) = (words.next().and_then(|word| word.parse::<u64>().ok()), words.next())
                else {
                    continue;
                };
                match kind {
                    "passed" => self.passed += number,
                    "failed" => self.failed += number,
                    "ignored" => self.ignored += number,
                    _ => {}
                }
            }
        } else if let Some(name) = line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... FAILED")) {
            self.failures.push(name.to_owned());
        }
    }

    /// One line of `vitest run`'s default reporter: its `Tests  3 failed | 12 passed (15)`, and each failed test.
    pub fn vitest_line(&mut self, line: &str) {
        let line = plain(line);
        let line = line.trim();
        if let Some(counts) = line.strip_prefix("Tests ") {
            for part in counts.split('(').next().unwrap_or_default().split('|') {
                let mut words = part.split_whitespace();
                let (Some(number), Some(kind)) = (words.next().and_then(|word| word.parse::<u64>().ok()), words.next())
                else {
                    continue;
                };
                match kind {
                    "passed" => self.passed += number,
                    "failed" => self.failed += number,
                    "skipped" | "todo" => self.ignored += number,
                    _ => {}
                }
            }
        } else if let Some(name) = line.strip_prefix("FAIL ") {
            self.failures.push(name.trim().to_owned());
        }
    }
}

/// The line without terminal colours.
fn plain(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        if letter == '\u{1b}' {
            // An escape sequence ends with its first letter.
            letters.by_ref().find(char::is_ascii_alphabetic);
        } else {
            text.push(letter);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_of_cargo_are_added_up_and_failures_named() {
        let mut tally = Tally::default();
        for line in [
            "running 3 tests",
            "test address::the_checksum_is_verified ... ok",
            "test money::a_limit_holds ... FAILED",
            "test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 4 filtered out; finished in 0.02s",
            "test result: \u{1b}[32mok\u{1b}[0m. 40 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 1.00s",
        ] {
            tally.cargo_line(line);
        }
        let failures = vec!["money::a_limit_holds".to_owned()];
        assert_eq!(tally, Tally { passed: 42, failed: 1, ignored: 2, failures });
    }

    #[test]
    fn the_summary_of_vitest_is_read_with_and_without_failures() {
        let mut tally = Tally::default();
        for line in [
            " Test Files  1 failed | 2 passed (3)",
            " FAIL  src/lib/arming.test.ts > arms after a second",
            "\u{1b}[2m      Tests \u{1b}[22m \u{1b}[1m\u{1b}[31m1 failed\u{1b}[39m\u{1b}[22m\u{1b}[2m | \u{1b}[22m\u{1b}[1m\u{1b}[32m12 passed\u{1b}[39m\u{1b}[22m\u{1b}[90m (13)\u{1b}[39m",
            "      Tests  5 passed | 1 skipped (6)",
        ] {
            tally.vitest_line(line);
        }
        let failures = vec!["src/lib/arming.test.ts > arms after a second".to_owned()];
        assert_eq!(tally, Tally { passed: 17, failed: 1, ignored: 1, failures });
    }
}
