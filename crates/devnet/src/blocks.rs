//! Which blocks exist and when they were made. Stores runs of evenly spaced blocks instead of blocks, because
//! nearly all of them are empty; knows nothing of transactions.

use crate::vm::CHAIN_ID;
use revm::primitives::keccak256;
use std::collections::VecDeque;

/// The chain looks as if it had been running for years, so that references to older blocks exist.
const AGE: u64 = 52_065_536;
/// TRON accepts references to this many last blocks.
pub const REFERABLE: u64 = 65_536;
/// Older runs are forgotten; only irregular blocks (one per transaction) make runs.
const MAX_RUNS: usize = 200_000;

/// Blocks `first`, `first + 1`, … at `first_ms`, `first_ms + step_ms`, … up to the next run or the head.
#[derive(Debug)]
struct Run {
    first: u64,
    first_ms: u64,
    step_ms: u64,
}

#[derive(Debug)]
pub struct Blocks {
    /// Makes the ids of one devnet differ from another's.
    seed: u64,
    /// Since which block the ids are those of another branch; every fork begins one.
    branches: Vec<(u64, u64)>,
    forks: u64,
    runs: VecDeque<Run>,
    head: u64,
    head_ms: u64,
}

impl Blocks {
    /// A chain whose head was made at `now_ms`, with all blocks since the one without a time, the first.
    pub fn new(seed: u64, now_ms: u64, step_ms: u64) -> Self {
        // All of them have to fit between 1970 and now.
        let step_ms = step_ms.min(now_ms / AGE);
        let run = Run { first: 1, first_ms: now_ms - (AGE - 1) * step_ms, step_ms };
        Self { seed, branches: Vec::new(), forks: 0, runs: VecDeque::from([run]), head: AGE, head_ms: now_ms }
    }

    pub fn head(&self) -> u64 {
        self.head
    }

    pub fn head_ms(&self) -> u64 {
        self.head_ms
    }

    /// One block at `ms`, or a millisecond after the last one if that is later.
    pub fn push(&mut self, ms: u64) -> u64 {
        let ms = ms.max(self.head_ms + 1);
        let gap = ms - self.head_ms;
        let fits = self.runs.back_mut().is_some_and(|run| {
            if run.first == self.head {
                // A run of one takes whatever distance comes next.
                run.step_ms = gap;
            }
            run.step_ms == gap
        });
        self.head += 1;
        self.head_ms = ms;
        if !fits {
            self.runs.push_back(Run { first: self.head, first_ms: ms, step_ms: gap });
            if self.runs.len() > MAX_RUNS {
                self.runs.pop_front();
            }
        }
        self.head
    }

    /// `count` blocks, each `step_ms` after the one before.
    pub fn push_evenly(&mut self, count: u64, step_ms: u64) {
        let step_ms = step_ms.max(1);
        // The first two settle the run's distance, the rest only move its end.
        for _ in 0..count.min(2) {
            self.push(self.head_ms + step_ms);
        }
        let rest = count.saturating_sub(2);
        self.head += rest;
        self.head_ms += rest * step_ms;
    }

    /// Forgets every block after `last`; those that follow have other ids. `false`: there is no such block.
    pub fn cut(&mut self, last: u64) -> bool {
        let Some(ms) = self.time_ms(last) else { return false };
        while self.runs.back().is_some_and(|run| run.first > last) {
            self.runs.pop_back();
        }
        (self.head, self.head_ms) = (last, ms);
        self.branches.retain(|(first, _)| *first <= last);
        self.forks += 1;
        self.branches.push((last + 1, self.forks));
        true
    }

    /// When the block was made; `None` for blocks that are not there.
    pub fn time_ms(&self, number: u64) -> Option<u64> {
        if number > self.head {
            return None;
        }
        if number == 0 {
            return Some(0);
        }
        let run = self.runs.get(self.runs.partition_point(|run| run.first <= number).checked_sub(1)?)?;
        Some(run.first_ms + (number - run.first) * run.step_ms)
    }

    /// The block's id: its number in 8 bytes, then 24 bytes that stand for the hash of its header. The first block's
    /// end with the chain id, because a chain's id is read from there.
    pub fn id(&self, number: u64) -> [u8; 32] {
        let branch = self.branches.iter().rev().find(|(first, _)| *first <= number).map_or(0, |(_, branch)| *branch);
        let mut text = [0; 24];
        text[..8].copy_from_slice(&self.seed.to_be_bytes());
        text[8..16].copy_from_slice(&branch.to_be_bytes());
        text[16..].copy_from_slice(&number.to_be_bytes());
        let mut id = keccak256(text).0;
        id[..8].copy_from_slice(&number.to_be_bytes());
        if number == 0 {
            id[28..].copy_from_slice(&CHAIN_ID.to_be_bytes()[4..]);
        }
        id
    }

    /// The number of the block with this id.
    pub fn find(&self, id: &[u8; 32]) -> Option<u64> {
        let [a, b, c, d, e, f, g, h, ..] = *id;
        let number = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        (self.time_ms(number).is_some() && self.id(number) == *id).then_some(number)
    }

    /// Whether these are the low bytes of a recent block's number and the middle of its id.
    pub fn is_reference(&self, low: [u8; 2], middle: [u8; 8]) -> bool {
        let low = u64::from(u16::from_be_bytes(low));
        let behind = self.head.wrapping_sub(low) % REFERABLE;
        self.head.checked_sub(behind).is_some_and(|number| self.id(number)[8..16] == middle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_empty_blocks_are_one_run() {
        let mut blocks = Blocks::new(1, 1_000_000_000_000, 3000);
        blocks.push_evenly(1_000_000, 3000);
        assert_eq!(blocks.runs.len(), 1);
        assert_eq!(blocks.head_ms(), 1_000_000_000_000 + 3_000_000_000);
        assert_eq!(blocks.time_ms(blocks.head()), Some(blocks.head_ms()));
        assert_eq!(blocks.time_ms(blocks.head() + 1), None);
        assert_eq!((blocks.time_ms(0), blocks.time_ms(1)), (Some(0), Some(1_000_000_000_000 - (AGE - 1) * 3000)));
    }

    #[test]
    fn a_chain_of_any_time_begins_with_the_block_that_has_the_chain_id() {
        for now_ms in [0, 1, 1_000_000, 1_800_000_000_000] {
            let blocks = Blocks::new(1, now_ms, 60_000);
            assert_eq!(
                (blocks.head_ms(), blocks.time_ms(blocks.head()), blocks.time_ms(0)),
                (now_ms, Some(now_ms), Some(0))
            );
            assert_eq!((blocks.id(0)[..8].to_vec(), &blocks.id(0)[28..]), (vec![0; 8], &[0xcd, 0x86, 0x90, 0xdc][..]));
            assert_eq!(blocks.find(&blocks.id(0)), Some(0));
        }
    }

    #[test]
    fn every_block_keeps_its_own_time() {
        let mut blocks = Blocks::new(1, 1_000_000_000_000, 3000);
        let mut made = Vec::new();
        for gap in [3000, 3000, 7, 3000, 3000, 3000, 1, 1, 1, 500, 3000] {
            let number = blocks.push(blocks.head_ms() + gap);
            made.push((number, blocks.head_ms()));
        }
        blocks.push_evenly(3, 3000);
        for (number, ms) in made {
            assert_eq!(blocks.time_ms(number), Some(ms), "{number}");
        }
        let stuck = blocks.head_ms();
        blocks.push(5);
        assert_eq!(blocks.head_ms(), stuck + 1);
    }

    #[test]
    fn a_branch_has_the_blocks_before_it_and_others_after() {
        let mut blocks = Blocks::new(1, 1_000_000_000_000, 3000);
        blocks.push_evenly(5, 3000);
        blocks.push(blocks.head_ms() + 7);
        let (head, ms) = (blocks.head(), blocks.head_ms());
        let ids: Vec<_> = (head - 3..=head).map(|number| blocks.id(number)).collect();
        assert!(!blocks.cut(head + 1) && blocks.cut(head - 2));
        assert_eq!((blocks.head(), blocks.head_ms()), (head - 2, ms - 7 - 3000));
        blocks.push_evenly(3, 1);
        let others: Vec<_> = (head - 3..=head).map(|number| blocks.id(number)).collect();
        assert_eq!(ids[..2], others[..2]);
        assert!(ids[2..].iter().zip(&others[2..]).all(|(one, other)| one != other));
        assert_eq!((blocks.find(&ids[3]), blocks.find(&others[3])), (None, Some(head)));
        // A second fork from before the first one.
        blocks.cut(head - 3);
        blocks.push_evenly(4, 1);
        assert!(others[1..].iter().all(|id| blocks.find(id).is_none()));
        assert_eq!(blocks.id(head - 3), ids[0]);
    }

    #[test]
    fn a_reference_reaches_65536_blocks_back_and_no_further() {
        let mut blocks = Blocks::new(1, 1_000_000_000_000, 3000);
        let refer = |blocks: &Blocks, number: u64| {
            let id = blocks.id(number);
            (number.to_be_bytes()[6..].try_into().unwrap(), id[8..16].try_into().unwrap())
        };
        let number = blocks.head() - 5;
        let (low, middle) = refer(&blocks, number);
        assert!(blocks.is_reference(low, middle));
        assert!(!Blocks::new(2, 1_000_000_000_000, 3000).is_reference(low, middle));
        assert_eq!(blocks.find(&blocks.id(number)), Some(number));
        blocks.push_evenly(REFERABLE - 6, 3000);
        assert!(blocks.is_reference(low, middle));
        blocks.push_evenly(1, 3000);
        assert!(!blocks.is_reference(low, middle));
    }
}
