//! What a shop must not forget when it stops: which payments went to be settled, for what, and what was delivered. One
//! file of lines, each the whole state of one payment, the last one of a payment counts. Written to the disk before a
//! payment is settled; a line that broke off is no line, and takes no other with it. Refuses to let go on what it can't
//! write down. Readable by its owner alone, for it holds what the shop proves itself by.

use crate::book::{Key, Left, Resource, State};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};
use tron::{Address, Network};
use x402::{PaymentId, Settlement, U256, facilitator::IdempotencyKey};

/// A payment as it was written down.
#[derive(Clone)]
pub(crate) struct Record {
    pub key: Key,
    pub resource: Resource,
    pub id: Option<PaymentId>,
    /// What the facilitator was told, word for word.
    pub requirements: String,
    /// Under which it is settled; journals of version 0.1 have none.
    pub proof: Option<IdempotencyKey>,
    pub state: State,
    /// Seconds since 1970; then it can be forgotten.
    pub until: u64,
    /// Why a fork that took its settlement back can't be undone, until it is.
    pub reversed: Option<String>,
}

/// Cheap to clone; clones write to one file.
#[derive(Clone)]
pub(crate) struct Journal(Arc<Mutex<Pen>>);

struct Pen {
    path: PathBuf,
    file: File,
    live: HashMap<Key, Record>,
    lines: usize,
}

/// With so many lines more than there are payments the file is written anew.
const SPARE_LINES: usize = 10_000;

impl Journal {
    /// Reads what an earlier process left, and writes the file anew with what still counts. Answers that too.
    pub(crate) fn open(path: &Path, now: u64) -> io::Result<(Self, Vec<Record>)> {
        let text = match std::fs::read(path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let mut live = HashMap::new();
        for record in text.lines().filter_map(Record::read) {
            live.insert(record.key, record);
        }
        let file = private().create(true).append(true).open(path)?;
        let mut pen = Pen { path: path.to_owned(), file, live, lines: 0 };
        pen.rewrite(now)?;
        let records = pen.live.values().cloned().collect();
        Ok((Self(Arc::new(Mutex::new(pen))), records))
    }

    /// Comes back when the disk has it. Blocks.
    pub(crate) fn write(&self, record: Record, now: u64) -> io::Result<()> {
        let mut pen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // On a line of its own, whatever an earlier write left behind when the disk was full.
        pen.file.write_all(format!("\n{}", record.line()).as_bytes())?;
        pen.file.sync_data()?;
        pen.lines += 1;
        pen.live.insert(record.key, record);
        if pen.lines > pen.live.len() * 2 + SPARE_LINES {
            pen.rewrite(now)?;
        }
        Ok(())
    }
}

/// For files that nobody else reads.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

impl Pen {
    /// With one line for each payment that still counts, all or nothing.
    fn rewrite(&mut self, now: u64) -> io::Result<()> {
        self.live.retain(|_, record| record.until > now && !matches!(record.state, State::Fresh));
        let text: String = self.live.values().map(Record::line).collect();
        let beside = self.path.with_extension("new");
        let mut file = private().create(true).write(true).truncate(true).open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&beside, &self.path)?;
        self.file = OpenOptions::new().append(true).open(&self.path)?;
        self.lines = self.live.len();
        Ok(())
    }
}

impl Record {
    fn line(&self) -> String {
        let (state, settlement) = match &self.state {
            State::Fresh => ("failed", None),
            State::Open => ("open", None),
            State::Paid { settlement, left } => (left.name(), Some(settlement.to_json())),
        };
        let line = json!({
            "network": self.key.network.canonical(),
            "contract": self.key.contract.to_string(),
            "payer": self.key.payer.to_string(),
            "nonce": self.key.nonce.to_string(),
            "resource": self.resource.to_vec(),
            "id": self.id.as_ref().map(PaymentId::as_str),
            "requirements": self.requirements,
            "proof": self.proof.as_ref().map(IdempotencyKey::as_str),
            "until": self.until,
            "state": state,
            "settlement": settlement,
            "reversed": self.reversed,
        });
        format!("{line}\n")
    }

    /// `None` for what is no whole line of ours.
    fn read(line: &str) -> Option<Self> {
        let line: Value = serde_json::from_str(line).ok()?;
        let text = |name: &str| line.get(name).and_then(Value::as_str);
        let settlement = text("settlement").and_then(|text| Settlement::read(text).ok()).map(Box::new);
        let state = match text("state")? {
            "failed" => State::Fresh,
            "open" => State::Open,
            left => State::Paid { settlement: settlement?, left: Left::of(left)? },
        };
        let resource: Vec<u8> = serde_json::from_value(line.get("resource")?.clone()).ok()?;
        let id = match text("id") {
            Some(id) => Some(PaymentId::parse(id).ok()?),
            None => None,
        };
        Some(Self {
            key: Key {
                network: Network::parse(text("network")?).ok()?,
                contract: Address::parse(text("contract")?).ok()?,
                payer: Address::parse(text("payer")?).ok()?,
                nonce: text("nonce")?.parse::<U256>().ok()?,
            },
            resource: resource.try_into().ok()?,
            id,
            requirements: text("requirements")?.to_owned(),
            proof: text("proof").and_then(|proof| IdempotencyKey::parse(proof).ok()),
            state,
            until: line.get("until")?.as_u64()?,
            reversed: text("reversed").map(str::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(nonce: u64, state: State, until: u64) -> Record {
        let address = Address::from_bytes([7; 20]);
        let key = Key { network: Network::Nile, contract: address, payer: address, nonce: U256::from(nonce) };
        let id = PaymentId::parse("pay_0123456789abcdef").ok();
        let proof = IdempotencyKey::parse("0123456789abcdef").ok();
        let requirements = "{\"a\":\"b\\n\"}".to_owned();
        Record { key, resource: [9; 32], id, requirements, proof, state, until, reversed: None }
    }

    fn paid(left: Left) -> State {
        let settlement = Settlement::settled("tron:nile", &"ab".repeat(32), Address::from_bytes([7; 20]));
        State::Paid { settlement: Box::new(settlement), left }
    }

    #[test]
    fn the_last_line_counts_and_what_broke_off_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.journal");
        let (journal, before) = Journal::open(&path, 0).unwrap();
        assert!(before.is_empty());
        for record in [
            record(1, State::Open, 100),
            record(2, State::Open, 100),
            record(3, State::Open, 100),
            record(4, State::Open, 10),
            record(1, paid(Left::OnceMore), 100),
            record(2, State::Fresh, 100),
        ] {
            journal.write(record, 0).unwrap();
        }
        drop(journal);
        // The power went in the middle of a line.
        let mut text = std::fs::read_to_string(&path).unwrap();
        text.push_str(&record(5, State::Open, 100).line()[..40]);
        std::fs::write(&path, text).unwrap();

        let (_, mut left) = Journal::open(&path, 10).unwrap();
        left.sort_by_key(|record| record.key.nonce);
        let lines: Vec<String> = left.iter().map(Record::line).collect();
        assert_eq!(lines, [record(1, paid(Left::OnceMore), 100).line(), record(3, State::Open, 100).line()]);
        let mut written: Vec<_> = std::fs::read_to_string(&path).unwrap().lines().map(|l| format!("{l}\n")).collect();
        written.sort();
        let mut lines = lines;
        lines.sort();
        assert_eq!(written, lines, "the file holds what counts and no more");
    }

    #[test]
    fn a_line_that_broke_off_takes_no_other_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.journal");
        let (journal, _) = Journal::open(&path, 0).unwrap();
        journal.write(record(1, State::Open, 100), 0).unwrap();
        // The disk was full in the middle of the second, the shop goes on, and there is room for the third.
        let half = record(2, State::Open, 100).line();
        OpenOptions::new().append(true).open(&path).unwrap().write_all(&half.as_bytes()[..half.len() / 2]).unwrap();
        journal.write(record(3, State::Open, 100), 0).unwrap();
        drop(journal);
        let (_, left) = Journal::open(&path, 10).unwrap();
        let mut nonces: Vec<_> = left.iter().map(|record| record.key.nonce).collect();
        nonces.sort();
        assert_eq!(nonces, [U256::from(1), U256::from(3)]);
    }

    #[test]
    fn a_journal_of_before_is_read() {
        let line = record(1, State::Open, 100).line().replace("\"proof\":\"0123456789abcdef\",", "");
        let read = Record::read(&line).unwrap();
        assert!(read.proof.is_none() && matches!(read.state, State::Open), "{line}");
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_the_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.journal");
        let _journal = Journal::open(&path, 0).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0);
    }
}
