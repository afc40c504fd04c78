//! Forks: the last blocks are dropped for a longer branch, as when two parts of a network meet again. What was in them
//! waits for a block again, and falls out where it would end otherwise than before, as a node lets it. Refuses to drop
//! what is final.

use crate::DevnetError;
use crate::chain::{Chain, View};
use crate::incoming::Incoming;
use tron::{SignedTransaction, TxId};

/// What the chain does instead of its last blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fork {
    /// So many are dropped; the other branch has one more.
    pub blocks: u64,
    /// What the other branch has in its first block: a conflicting spend, say.
    pub instead: Vec<SignedTransaction>,
    /// No node has the dropped transactions any more: they come again only where somebody sends them.
    pub forget: bool,
}

/// What a fork did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forked {
    /// Transactions that are in no block any more, in their order.
    pub dropped: Vec<TxId>,
    pub head: u64,
}

impl Chain {
    /// Gifts of the faucet in dropped blocks are gone: they are no transactions.
    pub fn fork(&mut self, fork: Fork) -> Result<Forked, DevnetError> {
        let (head, final_block) = (self.tip(View::Head), self.tip(View::Solid));
        let last = head.saturating_sub(fork.blocks);
        if fork.blocks == 0 || last < final_block || !self.blocks.cut(last) {
            return Err(DevnetError::NoFork { blocks: fork.blocks, most: head - final_block });
        }
        let dropped = self.history.cut(last);
        self.unsettled.retain(|(block, _)| *block <= last);
        self.head = self.solid.clone();
        for (_, edit) in &self.unsettled {
            self.head.apply(edit.clone());
        }
        let mut waiting = std::mem::take(&mut self.pending);
        let mut refused = None;
        for transaction in fork.instead {
            let incoming = Incoming::new(transaction.into());
            let id = incoming.sent.id;
            if let Err(refusal) = self.admit(incoming) {
                refused = Some(DevnetError::NotTaken { transaction: id, code: refusal.code() });
            }
        }
        self.produce(self.clock.now_ms());
        self.blocks.push_evenly(fork.blocks, 1);
        self.settle();
        let ids = dropped.iter().map(|entry| entry.sent.id).collect();
        if !fork.forget {
            waiting.extend(dropped.into_iter().map(|entry| {
                let before = Some(entry.ended());
                Incoming { before, ..Incoming::new(entry.sent) }
            }));
        }
        self.pending = waiting;
        match refused {
            Some(error) => Err(error),
            None => Ok(Forked { dropped: ids, head: self.blocks.head() }),
        }
    }
}
