//! The transactions that were sent, one JSON line each, written and synced before the transaction leaves. After a
//! restart they are looked up, never sent again. Holds no payload, no signature and no key.

use serde::{Deserialize, Serialize};
use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Write},
    path::Path,
    sync::{Mutex, PoisonError},
};

/// One sent transaction. Private to this file's format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub network: String,
    pub owner: String,
    pub nonce: String,
    pub digest: String,
    pub valid_before: u64,
    pub transaction: String,
    pub expiration_ms: u64,
}

#[derive(Debug)]
pub(crate) struct Journal(Mutex<File>);

impl Journal {
    /// Opens the journal, keeps the lines that `keep` still wants and rewrites the file to just these. A last line
    /// that was cut off by a crash was never acted upon and is dropped.
    pub(crate) fn open(path: &Path, keep: impl Fn(&Line) -> bool) -> io::Result<(Self, Vec<Line>)> {
        let mut lines = Vec::new();
        match File::open(path) {
            Ok(file) => {
                for text in BufReader::new(file).lines() {
                    lines.extend(serde_json::from_str::<Line>(&text?).ok().filter(|line| keep(line)));
                }
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(e),
        }
        let fresh = path.with_extension("new");
        let mut file = File::create(&fresh)?;
        for line in &lines {
            write_line(&mut file, line)?;
        }
        file.sync_all()?;
        std::fs::rename(&fresh, path)?;
        let file = OpenOptions::new().append(true).open(path)?;
        Ok((Self(Mutex::new(file)), lines))
    }

    /// Returns when the line is on the disk.
    pub(crate) fn note(&self, line: &Line) -> io::Result<()> {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        write_line(&mut file, line)?;
        file.sync_data()
    }
}

fn write_line(file: &mut File, line: &Line) -> io::Result<()> {
    let mut text = serde_json::to_string(line)?;
    text.push('\n');
    file.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(n: u64) -> Line {
        let text = n.to_string();
        Line {
            network: "tron:nile".into(),
            owner: text.clone(),
            nonce: text.clone(),
            digest: text.clone(),
            valid_before: n,
            transaction: text,
            expiration_ms: n,
        }
    }

    #[test]
    fn what_was_noted_is_there_after_a_restart_and_a_torn_line_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let (journal, lines) = Journal::open(&path, |_| true).unwrap();
        assert!(lines.is_empty());
        for n in 1..=3 {
            journal.note(&line(n)).unwrap();
        }
        drop(journal);
        OpenOptions::new().append(true).open(&path).unwrap().write_all(br#"{"network":"tron:n"#).unwrap();
        let (journal, lines) = Journal::open(&path, |line| line.valid_before > 1).unwrap();
        assert_eq!(lines, [line(2), line(3)]);
        journal.note(&line(4)).unwrap();
        assert_eq!(Journal::open(&path, |_| true).unwrap().1, [line(2), line(3), line(4)]);
    }
}
