//! What is final at a node without a solidified door. Such a node can't run a contract as it was in its last solid
//! block; so an answer counts as final once the same answer was given in a block that is solid by now.

use crate::{
    ChainError, Simulation,
    http::{Answer, Node},
};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// A block by number and id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub number: u64,
    pub id: [u8; 32],
}

/// What a node says about itself (`getnodeinfo`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Info {
    pub newest: Block,
    pub solid: Block,
    /// java-tron's, such as `4.8.0`.
    pub version: Option<String>,
}

impl Info {
    pub(crate) fn read(answer: &Answer) -> Result<Self, ChainError> {
        let version = answer.get("/configNodeInfo/codeVersion").and_then(|v| v.as_str());
        let version = version.map(|text| text.chars().filter(|c| c.is_ascii_graphic()).take(32).collect());
        Ok(Self { newest: read_block(answer, "/block")?, solid: read_block(answer, "/solidityBlock")?, version })
    }
}

/// `Num:17,ID:0000000000000011…`
fn read_block(answer: &Answer, pointer: &str) -> Result<Block, ChainError> {
    let text = answer.text(pointer)?;
    let read = || {
        let (number, id) = text.strip_prefix("Num:")?.split_once(",ID:")?;
        let (number, id) = (number.parse::<u64>().ok()?, hex::decode(id).ok()?);
        let id = <[u8; 32]>::try_from(id).ok()?;
        (id[..8] == number.to_be_bytes()).then_some(Block { number, id })
    };
    read().ok_or_else(|| answer.unexpected(pointer, text, "Num:…,ID:… of one block"))
}

const MOST_ENTRIES: usize = 4096;

/// What was answered when, for as long as it is not final.
#[derive(Default)]
pub(crate) struct History(Mutex<HashMap<String, (Outcome, Block)>>);

#[derive(PartialEq, Eq)]
struct Outcome {
    ok: bool,
    output: Vec<u8>,
}

impl History {
    fn entries(&self) -> MutexGuard<'_, HashMap<String, (Outcome, Block)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Since which block the answer was always this one.
    fn since(&self, question: &str, outcome: Outcome, newest: Block) -> Block {
        let mut entries = self.entries();
        match entries.get(question) {
            Some((known, since)) if *known == outcome => return *since,
            _ => {}
        }
        if entries.len() >= MOST_ENTRIES && !entries.contains_key(question) {
            entries.clear();
        }
        entries.insert(question.to_owned(), (outcome, newest));
        newest
    }

    fn forget(&self, question: &str) {
        self.entries().remove(question);
    }
}

impl Node {
    /// Whether a run that was made just now came out the same in a block that is solid now.
    pub(crate) async fn was_so(&self, question: &str, run: &Simulation) -> Result<bool, ChainError> {
        // Read after the run, so that the run's own block is this one or an older one.
        let Info { newest, solid, .. } = self.info().await?;
        let outcome = Outcome { ok: run.ok, output: run.output.clone() };
        let since = self.history.since(question, outcome, newest);
        if since.number > solid.number {
            return Ok(false);
        }
        match self.block(since.number, Some(since.id)).await {
            Ok(_) => Ok(true),
            // That block was dropped: what was seen in it begins anew.
            Err(ChainError::Answer { .. }) => {
                self.history.forget(question);
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}
