//! Runs every case file: arguments and input as they stand there, output and status compared with what
//! stands there. `BLESS=1 cargo test -p cli --test cases` writes the outputs anew.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// A case: `$ arguments` (one line, shell-like quotes), then sections that begin with `-- name --`. Lines may
/// hold `[..]` for what differs from run to run, and `{dir}` stands for a folder that does not exist yet.
struct Case {
    head: Vec<String>,
    arguments: Vec<String>,
    input: String,
}

fn read(text: &str) -> (Case, String) {
    let (top, rest) = text.split_once("\n-- ").map_or((text, String::new()), |(top, rest)| (top, format!("-- {rest}")));
    let head: Vec<String> = top.lines().map(str::to_owned).collect();
    let line = head.iter().find_map(|line| line.strip_prefix("$ countersign")).expect("a case has a $ line");
    let (input, expected) = match rest.strip_prefix("-- stdin --\n") {
        Some(rest) => rest
            .split_once("-- stdout --\n")
            .map(|(input, out)| (input.to_owned(), format!("-- stdout --\n{out}")))
            .unwrap(),
        None => (String::new(), rest),
    };
    let arguments = words(line);
    (Case { head, arguments, input }, expected)
}

fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quoted, mut any) = (String::new(), false, false);
    for c in line.chars() {
        match c {
            '\'' => (quoted, any) = (!quoted, true),
            ' ' if !quoted => {
                if any || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            c => word.push(c),
        }
    }
    if any || !word.is_empty() {
        words.push(word);
    }
    words
}

fn run(case: &Case, dir: &Path) -> String {
    let dir = dir.join("wallet").display().to_string();
    let arguments = case.arguments.iter().map(|a| a.replace("{dir}", &dir));
    let mut child = Command::new(env!("CARGO_BIN_EXE_countersign"))
        .args(arguments)
        .env_clear()
        .env("COLUMNS", "100")
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A command that needs no input may be gone already.
    let _ = std::io::Write::write_all(&mut stdin, case.input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| {
        let text = String::from_utf8(bytes.to_vec()).expect("the output is text").replace(&dir, "{dir}");
        assert!(!text.contains('\u{1b}'), "colours where no terminal is: {text}");
        text
    };
    let mut all = String::new();
    write!(all, "-- stdout --\n{}-- stderr --\n{}", text(&output.stdout), text(&output.stderr)).unwrap();
    writeln!(all, "-- status --\n{}", output.status.code().unwrap()).unwrap();
    all
}

/// Line by line, where `[..]` stands for anything.
fn same(expected: &str, found: &str) -> bool {
    let line = |expected: &str, found: &str| {
        let parts: Vec<&str> = expected.split("[..]").collect();
        let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return expected == found };
        if parts.len() == 1 {
            return expected == found;
        }
        let Some(mut rest) = found.strip_prefix(first) else { return false };
        for part in &parts[1..parts.len() - 1] {
            match rest.find(part) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
        rest.ends_with(last)
    };
    expected.lines().count() == found.lines().count()
        && expected.lines().zip(found.lines()).all(|(e, f)| line(e.trim_end(), f.trim_end()))
}

#[test]
fn every_case_file_holds() {
    let bless = std::env::var_os("BLESS").is_some();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut wrong = String::new();
    for file in &files {
        let (case, expected) = read(&std::fs::read_to_string(file).unwrap());
        let dir = tempfile::tempdir().unwrap();
        let found = run(&case, dir.path());
        if same(&expected, &found) {
            continue;
        }
        if bless {
            let input = if case.input.is_empty() { String::new() } else { format!("-- stdin --\n{}", case.input) };
            std::fs::write(file, format!("{}\n{input}{found}", case.head.join("\n"))).unwrap();
        } else {
            writeln!(wrong, "{}\nexpected:\n{expected}\nfound:\n{found}", file.display()).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(files.len() >= 20, "{} cases", files.len());
}
