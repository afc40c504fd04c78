//! The chain itself: takes signed transactions, checks them as a node does, puts them into blocks and runs them.
//! Time comes from the clock alone: every look at the chain first makes the blocks that are due, so nothing runs in
//! the background.

use crate::blocks::Blocks;
use crate::busy::Excuse;
use crate::execute;
use crate::genesis::{self, Deployed};
use crate::history::{Entry, History};
use crate::incoming::Incoming;
use crate::permission::MAX_KEYS;
use crate::refusal::{MAX_BYTES, Refusal};
use crate::rules;
use crate::stake::DAY_MS;
use crate::vm::{Call, Ended, Moment, Outcome, State};
use crate::world::{Account, Draft, Edit, World};
use crate::{Clock, DevnetError, Gift, Options};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tron::{Address, TxId};

/// Sun for a byte of bandwidth beyond the free ones, `getTransactionFee`.
pub const BYTE_PRICE_SUN: u64 = 1_000;
/// Free bandwidth of an account, `getFreeNetLimit`; it comes back over a day.
pub const FREE_BANDWIDTH: u64 = 600;
/// `getCreateAccountFee`: instead of bandwidth when a transfer brings an account into being.
pub const CREATE_BANDWIDTH_SUN: u64 = 100_000;
/// `getCreateNewAccountFeeInSystemContract`.
pub const CREATE_ACCOUNT_SUN: u64 = 1_000_000;
/// `getMemoFee`.
pub const MEMO_SUN: u64 = 1_000_000;
/// `getMaxFeeLimit`.
pub const MAX_FEE_LIMIT_SUN: u64 = 15_000_000_000;
/// The most energy of a simulation, as nodes are configured.
pub const SIMULATION_ENERGY: u64 = 100_000_000;

/// A node's block time; also the distance of empty blocks when transactions get theirs at once.
pub const BLOCK_MS: u64 = 3_000;
const MAX_PENDING: usize = 2_000;
/// The name of accounts that the faucet brings into being.
const GIVEN: &str = "Faucet";

/// Which height a question is about: `wallet/` or `walletsolidity/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    Head,
    Solid,
}

#[derive(Debug)]
pub struct Chain {
    pub(crate) clock: Clock,
    /// `None`: a transaction gets its block at once.
    block_ms: Option<u64>,
    lag: u64,
    pub energy_price_sun: u64,
    pub blocks: Blocks,
    pub(crate) head: World,
    /// The world as of the last final block; `unsettled` is what it lacks, by block.
    pub(crate) solid: World,
    pub(crate) unsettled: VecDeque<(u64, Edit)>,
    /// Energy of every day that the faucet gave; it belongs to no block.
    pub(crate) granted_energy: HashMap<Address, u64>,
    pub pending: Vec<Incoming>,
    pub history: History,
    /// Those of the first block.
    pub contracts: BTreeMap<Address, Arc<Deployed>>,
}

impl Chain {
    pub fn new(options: &Options) -> Result<Self, DevnetError> {
        crate::curve::install();
        let contracts = genesis::contracts()?;
        let mut head = World::default();
        for (address, contract) in &contracts {
            head.state.place(*address, contract.code.clone(), &contract.storage);
            let (name, contract) = (contract.name.clone(), Some(Arc::clone(contract)));
            head.accounts.insert(*address, Account { name, contract, ..Account::default() });
        }
        let block_ms = options.block_time.map(whole_ms);
        let now_ms = options.clock.now_ms();
        Ok(Self {
            clock: options.clock.clone(),
            block_ms,
            lag: options.solidity_lag,
            energy_price_sun: options.energy_price_sun.max(1),
            blocks: Blocks::new(now_ms, now_ms, block_ms.unwrap_or(BLOCK_MS)),
            solid: head.clone(),
            head,
            unsettled: VecDeque::new(),
            granted_energy: HashMap::new(),
            pending: Vec::new(),
            history: History::default(),
            contracts,
        })
    }

    /// Makes the blocks that are due by the clock. Everything else assumes that this was called just before.
    pub fn catch_up(&mut self) {
        let (now, step) = (self.clock.now_ms(), self.block_ms.unwrap_or(BLOCK_MS));
        let due = now.saturating_sub(self.blocks.head_ms()) / step;
        if due > 0 {
            self.produce(self.blocks.head_ms() + step);
            self.blocks.push_evenly(due - 1, step);
            self.settle();
        }
    }

    /// Makes `count` blocks now and returns the number of the last.
    pub fn mine(&mut self, count: u64) -> u64 {
        if count > 0 {
            self.produce(self.clock.now_ms());
            self.blocks.push_evenly(count - 1, 1);
            self.settle();
        }
        self.blocks.head()
    }

    pub fn world(&self, view: View) -> &World {
        match view {
            View::Head => &self.head,
            View::Solid => &self.solid,
        }
    }

    pub fn state(&self, view: View) -> &State {
        &self.world(view).state
    }

    /// The number of the last block of a view.
    pub fn tip(&self, view: View) -> u64 {
        match view {
            View::Head => self.blocks.head(),
            View::Solid => self.blocks.head().saturating_sub(self.lag),
        }
    }

    pub fn account(&self, view: View, of: Address) -> Option<&Account> {
        self.world(view).account(of)
    }

    pub fn entry(&self, view: View, id: &TxId) -> Option<&Entry> {
        self.history.get(id).filter(|entry| entry.block <= self.tip(view))
    }

    /// The time that the next block would have at the earliest.
    pub fn now_ms(&self) -> u64 {
        self.clock.now_ms().max(self.blocks.head_ms())
    }

    /// Runs a call on top of a view without changing anything. The block it sees is the one that would come next.
    pub fn simulate(&self, view: View, call: Call) -> Result<Outcome, String> {
        let at = Moment { number: self.tip(view) + 1, secs: self.now_ms() / 1000 };
        self.state(view).run(at, call).map(|(outcome, _)| outcome)
    }

    /// What a contract answers to nobody in particular; nothing where it fails.
    pub fn read(&self, contract: Address, data: Vec<u8>) -> Vec<u8> {
        let (from, energy_limit) = (Address::ZERO, SIMULATION_ENERGY);
        let call = Call { from, to: contract, value_sun: 0, data, energy_limit, code: None };
        let ran = self.simulate(View::Head, call).ok().filter(|outcome| outcome.ended == Ended::Success);
        ran.map(|outcome| outcome.output).unwrap_or_default()
    }

    /// Takes a signed transaction as `wallet/broadcasttransaction` does.
    pub fn broadcast(&mut self, incoming: Incoming) -> Result<(), Refusal> {
        self.admit(incoming)?;
        if self.block_ms.is_none() {
            self.produce(self.clock.now_ms());
            self.settle();
        }
        Ok(())
    }

    /// One that waits for a block.
    pub fn waiting(&self, id: &TxId) -> Option<&Incoming> {
        self.pending.iter().find(|waiting| waiting.sent.id == *id)
    }

    /// How something that waits would end if its block came now.
    pub fn would_end(&self, incoming: &Incoming) -> Ended {
        let (number, now) = (self.blocks.head() + 1, self.now_ms());
        let at = Moment { number, secs: now / 1000 };
        let ran = rules::costs(self, incoming, now)
            .ok()
            .and_then(|mut costs| execute::run(self, incoming, &mut costs, at, now));
        ran.and_then(|done| done.outcome).map_or(Ended::Success, |outcome| outcome.ended)
    }

    /// Lets it wait for the next block.
    pub(crate) fn admit(&mut self, incoming: Incoming) -> Result<(), Refusal> {
        let (sent, id) = (&incoming.sent, incoming.sent.id);
        if self.history.get(&id).is_some() || self.waiting(&id).is_some() {
            return Err(Refusal::Duplicate);
        }
        if self.pending.len() >= MAX_PENDING {
            return Err(Refusal::Busy(Excuse::ServerBusy));
        }
        if sent.contract().is_none() {
            return Err(Refusal::Invalid("No contract!".into()));
        }
        self.check_signatures(&incoming)?;
        if !self.is_referable(&incoming) {
            return Err(Refusal::Tapos);
        }
        if incoming.bytes > MAX_BYTES {
            return Err(Refusal::TooBig { id, bytes: incoming.bytes });
        }
        let (now, expires) = (self.now_ms(), sent.expiration_ms());
        if expires <= now || expires > now + DAY_MS {
            return Err(Refusal::Expired);
        }
        rules::costs(self, &incoming, now)?;
        self.pending.push(incoming);
        Ok(())
    }

    /// Whether those who signed may do this for the owner, as its permissions are now.
    fn check_signatures(&self, incoming: &Incoming) -> Result<(), Refusal> {
        let sent = &incoming.sent;
        let refused = Refusal::Signature;
        if sent.signatures.is_empty() {
            return Err(refused("miss sig or contract".into()));
        }
        if sent.signatures.len() > MAX_KEYS {
            return Err(refused("too many signatures".into()));
        }
        let owner = sent.owner().ok_or_else(|| Refusal::Invalid("Invalid ownerAddress!".into()))?;
        let permissions = self.head.permissions(owner);
        let permission = permissions.get(sent.permission()).ok_or_else(|| refused("permission isn't exit".into()))?;
        if !permission.allows(sent.kind()) {
            return Err(refused("Permission denied".into()));
        }
        let signers = incoming.signers.clone().map_err(refused)?;
        let signed: Vec<_> = signers.into_iter().zip(sent.signatures.iter().map(Vec::as_slice)).collect();
        let weight = permission.weigh(&signed).map_err(refused)?;
        if weight < permission.threshold { Err(refused("sig error".into())) } else { Ok(()) }
    }

    fn is_referable(&self, incoming: &Incoming) -> bool {
        incoming.sent.reference().is_some_and(|(low, middle)| self.blocks.is_reference(low, middle))
    }

    /// Gives TRX or tokens, in a block of its own.
    pub fn faucet(&mut self, to: Address, gift: Gift) -> Result<(), DevnetError> {
        let ran = match gift {
            Gift::Trx(_) => None,
            Gift::Token(token, amount) => {
                if !self.contracts.get(&token).is_some_and(|contract| contract.is_token) {
                    return Err(DevnetError::NotAToken { token });
                }
                let data = [&[0x40, 0xc1, 0x0f, 0x19], [0; 12].as_slice(), to.bytes(), &amount.to_be_bytes()].concat();
                let from = genesis::FAUCET;
                let call = Call { from, to: token, value_sun: 0, data, energy_limit: SIMULATION_ENERGY, code: None };
                let at = Moment { number: self.blocks.head() + 1, secs: self.now_ms() / 1000 };
                let refused = |reason: String| DevnetError::Refused { contract: token, reason };
                let (outcome, changes) = self.head.state.run(at, call).map_err(refused)?;
                if outcome.ended != Ended::Success {
                    return Err(refused(outcome.ended.message().into()));
                }
                Some(changes)
            }
            Gift::Energy(energy) => {
                self.head.account(to).ok_or(DevnetError::NoAccount { address: to })?;
                let granted = self.granted_energy.entry(to).or_default();
                *granted = granted.saturating_add(energy);
                return Ok(());
            }
        };
        self.produce(self.clock.now_ms());
        let mut draft = Draft::new(&self.head, self.blocks.head_ms());
        match (gift, ran) {
            (Gift::Trx(sun), _) => {
                // No transaction made it: it is like the accounts of the first block.
                if self.head.account(to).is_none() {
                    *draft.open(to) = Account { name: GIVEN.into(), ..Account::default() };
                }
                draft.give(to, sun);
            }
            (_, Some(changes)) => draft.ran(changes),
            _ => {}
        }
        let edit = draft.finish();
        self.apply(edit);
        self.settle();
        Ok(())
    }

    /// One block with everything that waits. Transactions that have become invalid meanwhile fall out of it.
    pub(crate) fn produce(&mut self, ms: u64) {
        self.blocks.push(ms);
        for incoming in std::mem::take(&mut self.pending) {
            // The block that it names may have been dropped, the keys may be others now.
            let fits = self.is_referable(&incoming) && self.check_signatures(&incoming).is_ok();
            if fits && incoming.sent.expiration_ms() > self.blocks.head_ms() {
                self.include(incoming);
            }
        }
    }

    fn include(&mut self, incoming: Incoming) {
        let (number, now) = (self.blocks.head(), self.blocks.head_ms());
        let Ok(mut costs) = rules::costs(self, &incoming, now) else { return };
        let at = Moment { number, secs: now / 1000 };
        let Some(done) = execute::run(self, &incoming, &mut costs, at, now) else { return };
        let execute::Done { outcome, created, withdrawn_sun, edit } = done;
        let ended = outcome.as_ref().map_or(Ended::Success, |outcome| outcome.ended);
        if incoming.before.is_some_and(|before| before != ended) {
            return;
        }
        self.apply(edit);
        let sent = incoming.sent;
        self.history.add(sent.id, Entry { sent, block: number, block_ms: now, outcome, costs, created, withdrawn_sun });
    }

    fn apply(&mut self, edit: Edit) {
        self.unsettled.push_back((self.blocks.head(), edit.clone()));
        self.head.apply(edit);
    }

    /// Lets the final world follow.
    pub(crate) fn settle(&mut self) {
        let solid = self.tip(View::Solid);
        while self.unsettled.front().is_some_and(|(block, _)| *block <= solid) {
            if let Some((_, edit)) = self.unsettled.pop_front() {
                self.solid.apply(edit);
            }
        }
    }

    pub fn clock(&self) -> &Clock {
        &self.clock
    }
}

fn whole_ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1)
}
