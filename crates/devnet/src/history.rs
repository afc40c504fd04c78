//! The transactions that are in blocks, with their receipts. Forgets the oldest ones beyond a bound, never one that
//! could still be sent again.

use crate::incoming::Sent;
use crate::vm::{Ended, Outcome};
use std::collections::{BTreeMap, HashMap, VecDeque};
use tron::{Address, TxId};

/// About 100 MB at worst.
const KEPT: usize = 50_000;

/// One transaction in its block.
#[derive(Clone, Debug)]
pub struct Entry {
    pub sent: Sent,
    pub block: u64,
    pub block_ms: u64,
    /// `None` where no code ran.
    pub outcome: Option<Outcome>,
    pub costs: Costs,
    /// The contract that it made.
    pub created: Option<Address>,
    /// What came back from expired unstakes, in sun.
    pub withdrawn_sun: u64,
}

/// What a transaction cost, in sun unless said otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Costs {
    pub energy_fee: u64,
    /// Staked energy that was used, for which nothing is burnt.
    pub energy_used: u64,
    /// Staked energy of whoever made the contract and takes a share.
    pub origin_energy: u64,
    /// Free bandwidth that was used, in bytes; then `bandwidth_fee` is 0.
    pub free_used: u64,
    /// Staked bandwidth that was used; the same.
    pub net_used: u64,
    pub bandwidth_fee: u64,
    /// For bringing an account into being.
    pub creation_fee: u64,
    /// For a memo, several signatures, new permissions.
    pub extra_fee: u64,
}

impl Costs {
    pub fn total(&self) -> u64 {
        self.energy_fee + self.bandwidth_fee + self.creation_fee + self.extra_fee
    }
}

impl Entry {
    pub fn ended(&self) -> Ended {
        self.outcome.as_ref().map_or(Ended::Success, |outcome| outcome.ended)
    }

    /// The contract that was called or made.
    pub fn contract(&self) -> Option<Address> {
        self.created.or_else(|| self.sent.contract()?.parameter()?.address("contract_address"))
    }

    /// Who got TRX, was called or was made.
    pub fn to(&self) -> Option<Address> {
        let parameter = self.sent.contract()?.parameter()?;
        let names = ["to_address", "contract_address", "account_address", "receiver_address"];
        names.into_iter().find_map(|name| parameter.address(name))
    }

    /// TRX that went along, in sun.
    pub fn value_sun(&self) -> u64 {
        let parameter = self.sent.contract().and_then(|contract| contract.parameter());
        let held = |name: &str| parameter.map_or(0, |parameter| u64::try_from(parameter.int(name)).unwrap_or_default());
        held("amount") + held("call_value")
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

    /// The transactions of blocks from the newest down.
    pub fn newest_first(&self) -> impl Iterator<Item = &Entry> {
        self.by_block.values().rev().flat_map(|ids| ids.iter().rev()).filter_map(|id| self.entries.get(id))
    }

    /// The transactions of these blocks in their order.
    pub fn between(&self, first: u64, last: u64) -> impl Iterator<Item = &Entry> {
        let blocks = (first <= last).then(|| self.by_block.range(first..=last));
        blocks.into_iter().flatten().flat_map(|(_, ids)| ids).filter_map(|id| self.entries.get(id))
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
        oldest.is_none_or(|entry| entry.sent.expiration_ms() <= now_ms)
    }
}
