//! The transactions that are in blocks, with their receipts. Forgets the oldest ones beyond a bound, never one that
//! could still be sent again.

use crate::vm::{Ended, Outcome};
use std::collections::{BTreeMap, HashMap, VecDeque};
use tron::{SignedTransaction, TxId};

/// About 100 MB at worst.
const KEPT: usize = 50_000;

/// One transaction in its block.
#[derive(Debug)]
pub struct Entry {
    pub transaction: SignedTransaction,
    pub block: u64,
    pub block_ms: u64,
    /// `None` for a TRX transfer, which runs no code.
    pub outcome: Option<Outcome>,
    pub costs: Costs,
}

/// What a transaction cost, in sun unless said otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Costs {
    pub energy_fee: u64,
    /// Staked energy that was used, for which nothing is burnt.
    pub energy_used: u64,
    /// Free bandwidth that was used, in bytes; then `bandwidth_fee` is 0.
    pub bandwidth_used: u64,
    pub bandwidth_fee: u64,
    /// For bringing an account into being.
    pub creation_fee: u64,
}

impl Costs {
    pub fn total(&self) -> u64 {
        self.energy_fee + self.bandwidth_fee + self.creation_fee
    }
}

impl Entry {
    pub fn ended(&self) -> Ended {
        self.outcome.as_ref().map_or(Ended::Success, |outcome| outcome.ended)
    }
}

#[derive(Debug, Default)]
pub struct History {
    entries: HashMap<TxId, Entry>,
    order: VecDeque<TxId>,
    by_block: BTreeMap<u64, Vec<TxId>>,
}

impl History {
    pub fn get(&self, id: &TxId) -> Option<&Entry> {
        self.entries.get(id)
    }

    /// The transactions of a block in their order.
    pub fn of_block(&self, number: u64) -> impl Iterator<Item = &Entry> {
        self.by_block.get(&number).into_iter().flatten().filter_map(|id| self.entries.get(id))
    }

    pub fn add(&mut self, id: TxId, entry: Entry) {
        let now_ms = entry.block_ms;
        self.by_block.entry(entry.block).or_default().push(id);
        self.order.push_back(id);
        self.entries.insert(id, entry);
        while self.order.len() > KEPT && self.oldest_is_expired(now_ms) {
            if let Some(entry) = self.order.pop_front().and_then(|id| self.entries.remove(&id)) {
                self.by_block.remove(&entry.block);
            }
        }
    }

    /// Takes out everything in blocks after `last`, in the blocks' order.
    pub fn cut(&mut self, last: u64) -> Vec<Entry> {
        let gone: Vec<TxId> = self.by_block.split_off(&(last + 1)).into_values().flatten().collect();
        self.order.retain(|id| !gone.contains(id));
        gone.iter().filter_map(|id| self.entries.remove(id)).collect()
    }

    fn oldest_is_expired(&self, now_ms: u64) -> bool {
        let oldest = self.order.front().and_then(|id| self.entries.get(id));
        oldest.is_none_or(|entry| entry.transaction.raw.expiration_ms <= now_ms)
    }
}
