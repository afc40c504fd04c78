//! The chain itself: takes signed transactions, checks them as a node does, puts them into blocks and runs them.
//! Time comes from the clock alone: every look at the chain first makes the blocks that are due, so nothing runs in
//! the background.

use crate::blocks::Blocks;
use crate::genesis::{self, Deployed};
use crate::history::{Costs, Entry, History};
use crate::incoming::Incoming;
use crate::vm::{self, Call, Changes, Ended, Moment, Outcome, State};
use crate::{Clock, DevnetError, Gift, Options};
use revm::primitives::keccak256;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;
use tron::tx::Contract;
use tron::{Address, RawTransaction, SignedTransaction, TxId};

/// Sun for a byte of bandwidth beyond the free ones, `getTransactionFee`.
pub const BYTE_PRICE_SUN: u64 = 1_000;
/// Free bandwidth of an account, `getFreeNetLimit`; it comes back over a day.
pub const FREE_BANDWIDTH: u64 = 600;
/// `getCreateAccountFee`: instead of bandwidth when a transfer brings an account into being.
pub const CREATE_BANDWIDTH_SUN: u64 = 100_000;
/// `getCreateNewAccountFeeInSystemContract`.
pub const CREATE_ACCOUNT_SUN: u64 = 1_000_000;
/// `getMaxFeeLimit`.
pub const MAX_FEE_LIMIT_SUN: u64 = 15_000_000_000;
/// The most energy of a simulation, as nodes are configured.
pub const SIMULATION_ENERGY: u64 = 100_000_000;

const DAY_MS: u64 = 86_400_000;
/// A node's block time; also the distance of empty blocks when transactions get theirs at once.
const BLOCK_MS: u64 = 3_000;
const MAX_PENDING: usize = 2_000;

/// An account beside its balance.
#[derive(Clone, Copy, Debug)]
pub struct Account {
    pub created_ms: u64,
    pub created_block: u64,
    pub(crate) used_bandwidth: u64,
    used_at_ms: u64,
    /// Staked, for every day.
    pub energy_limit: u64,
    pub(crate) used_energy: u64,
    used_energy_at_ms: u64,
}

impl Account {
    /// Free bandwidth in use at a time: what was used fades over a day.
    pub fn used_bandwidth(&self, now_ms: u64) -> u64 {
        faded(self.used_bandwidth, self.used_at_ms, now_ms)
    }

    /// Staked energy in use at a time; it comes back as bandwidth does.
    pub fn used_energy(&self, now_ms: u64) -> u64 {
        faded(self.used_energy, self.used_energy_at_ms, now_ms)
    }

    fn energy_left(&self, now_ms: u64) -> u64 {
        self.energy_limit.saturating_sub(self.used_energy(now_ms))
    }
}

fn faded(used: u64, at_ms: u64, now_ms: u64) -> u64 {
    let left = DAY_MS.saturating_sub(now_ms.saturating_sub(at_ms));
    used * left / DAY_MS
}

/// Why a node does not take a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    Busy,
    Signature(String),
    Duplicate,
    Tapos,
    Expired,
    Invalid(String),
    Bandwidth,
}

impl Refusal {
    /// The `code` of a node's answer.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Busy => "SERVER_BUSY",
            Self::Signature(_) => "SIGERROR",
            Self::Duplicate => "DUP_TRANSACTION_ERROR",
            Self::Tapos => "TAPOS_ERROR",
            Self::Expired => "TRANSACTION_EXPIRATION_ERROR",
            Self::Invalid(_) => "CONTRACT_VALIDATE_ERROR",
            // Spelled like this by nodes.
            Self::Bandwidth => "BANDWITH_ERROR",
        }
    }

    pub fn message(&self) -> String {
        match self {
            Self::Busy => "Server busy.".into(),
            Self::Signature(reason) => format!("Validate signature error: {reason}"),
            Self::Duplicate => "Dup transaction.".into(),
            Self::Tapos => "Tapos check error.".into(),
            Self::Expired => "Transaction expired".into(),
            Self::Invalid(reason) => format!("Contract validate error : {reason}"),
            Self::Bandwidth => "Account resource insufficient error.".into(),
        }
    }
}

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
    pub(crate) head: State,
    /// The state as of the last final block; `unsettled` is what it lacks, by block.
    pub(crate) solid: State,
    pub(crate) unsettled: VecDeque<(u64, Changes)>,
    pub(crate) accounts: HashMap<Address, Account>,
    pub(crate) pending: Vec<Incoming>,
    pub history: History,
    pub contracts: BTreeMap<Address, Deployed>,
}

impl Chain {
    pub fn new(options: &Options) -> Result<Self, DevnetError> {
        crate::curve::install();
        let contracts = genesis::contracts()?;
        let (mut head, mut solid) = (State::default(), State::default());
        for (address, contract) in &contracts {
            head.place(*address, contract.code.clone(), &contract.storage);
            solid.place(*address, contract.code.clone(), &contract.storage);
        }
        let block_ms = options.block_time.map(whole_ms);
        let now_ms = options.clock.now_ms();
        Ok(Self {
            clock: options.clock.clone(),
            block_ms,
            lag: options.solidity_lag,
            energy_price_sun: options.energy_price_sun.max(1),
            blocks: Blocks::new(now_ms, now_ms, block_ms.unwrap_or(BLOCK_MS)),
            head,
            solid,
            unsettled: VecDeque::new(),
            accounts: HashMap::new(),
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

    pub fn state(&self, view: View) -> &State {
        match view {
            View::Head => &self.head,
            View::Solid => &self.solid,
        }
    }

    /// The number of the last block of a view.
    pub fn tip(&self, view: View) -> u64 {
        match view {
            View::Head => self.blocks.head(),
            View::Solid => self.blocks.head().saturating_sub(self.lag),
        }
    }

    pub fn account(&self, view: View, of: Address) -> Option<&Account> {
        self.accounts.get(&of).filter(|account| account.created_block <= self.tip(view))
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

    /// Takes a signed transaction as `wallet/broadcasttransaction` does.
    pub fn broadcast(&mut self, incoming: Incoming) -> Result<(), Refusal> {
        self.admit(incoming)?;
        if self.block_ms.is_none() {
            self.produce(self.clock.now_ms());
            self.settle();
        }
        Ok(())
    }

    /// Lets it wait for the next block.
    pub(crate) fn admit(&mut self, incoming: Incoming) -> Result<(), Refusal> {
        if self.history.get(&incoming.id).is_some() || self.pending.iter().any(|waiting| waiting.id == incoming.id) {
            return Err(Refusal::Duplicate);
        }
        if self.pending.len() >= MAX_PENDING {
            return Err(Refusal::Busy);
        }
        incoming.signed.clone()?;
        let raw = &incoming.transaction.raw;
        if !self.blocks.is_reference(raw.ref_block_bytes, raw.ref_block_hash) {
            return Err(Refusal::Tapos);
        }
        let now = self.now_ms();
        if raw.expiration_ms <= now || raw.expiration_ms > now + DAY_MS {
            return Err(Refusal::Expired);
        }
        self.costs_before(raw, incoming.bytes, now)?;
        self.pending.push(incoming);
        Ok(())
    }

    /// Whether the next block could take this, apart from its signature and references.
    pub fn validate(&self, raw: &RawTransaction) -> Result<(), Refusal> {
        let unsigned = Incoming::new(SignedTransaction { raw: raw.clone(), signatures: Vec::new() });
        self.costs_before(raw, unsigned.bytes, self.now_ms()).map(drop)
    }

    /// Gives TRX or tokens, in a block of its own.
    pub fn faucet(&mut self, to: Address, gift: Gift) -> Result<(), DevnetError> {
        let changes = match gift {
            Gift::Trx(sun) => self.head.credited(to, sun),
            Gift::Token(token, amount) => {
                if !self.contracts.get(&token).is_some_and(|contract| contract.is_token) {
                    return Err(DevnetError::NotAToken { token });
                }
                let data = [&[0x40, 0xc1, 0x0f, 0x19], [0; 12].as_slice(), to.bytes(), &amount.to_be_bytes()].concat();
                let call =
                    Call { from: genesis::FAUCET, to: token, value_sun: 0, data, energy_limit: SIMULATION_ENERGY };
                let at = Moment { number: self.blocks.head() + 1, secs: self.now_ms() / 1000 };
                let refused = |reason: String| DevnetError::Refused { contract: token, reason };
                let (outcome, changes) = self.head.run(at, call).map_err(refused)?;
                if outcome.ended != Ended::Success {
                    return Err(refused(outcome.ended.message().into()));
                }
                changes
            }
            Gift::Energy(energy) => {
                let account = self.accounts.get_mut(&to).ok_or(DevnetError::NoAccount { address: to })?;
                account.energy_limit = account.energy_limit.saturating_add(energy);
                return Ok(());
            }
        };
        self.produce(self.clock.now_ms());
        if let Gift::Trx(_) = gift {
            self.bring_into_being(to);
        }
        self.apply(changes);
        self.settle();
        Ok(())
    }

    /// One block with everything that waits. Transactions that have become invalid meanwhile fall out of it.
    pub(crate) fn produce(&mut self, ms: u64) {
        self.blocks.push(ms);
        for incoming in std::mem::take(&mut self.pending) {
            let raw = &incoming.transaction.raw;
            // The block that it names may have been dropped.
            let fits = self.blocks.is_reference(raw.ref_block_bytes, raw.ref_block_hash);
            if fits && raw.expiration_ms > self.blocks.head_ms() {
                self.include(incoming);
            }
        }
    }

    fn include(&mut self, Incoming { transaction, id, bytes, before, .. }: Incoming) {
        let (number, now) = (self.blocks.head(), self.blocks.head_ms());
        let Ok(mut costs) = self.costs_before(&transaction.raw, bytes, now) else { return };
        let owner = transaction.raw.owner();
        let (outcome, mut changes) = match &transaction.raw.contract {
            Contract::Transfer { to, amount_sun, .. } => {
                let changes = self.head.moved(owner, *to, *amount_sun);
                self.bring_into_being(*to);
                (None, changes)
            }
            Contract::Trigger { contract, call_value_sun, data, .. } => {
                let spendable = self.head.balance(owner).saturating_sub(*call_value_sun + costs.bandwidth_fee);
                let price = self.energy_price_sun;
                let staked = self.accounts.get(&owner).map_or(0, |account| account.energy_left(now));
                let energy_limit = (transaction.raw.fee_limit_sun / price).min(staked + spendable / price);
                let (data, value_sun) = (data.clone(), *call_value_sun);
                let call = Call { from: owner, to: *contract, value_sun, data, energy_limit };
                let Ok((outcome, changes)) = self.head.run(Moment { number, secs: now / 1000 }, call) else { return };
                costs.energy_used = outcome.energy.min(staked);
                costs.energy_fee = (outcome.energy - costs.energy_used) * price;
                (Some(outcome), changes)
            }
        };
        let ended = outcome.as_ref().map_or(Ended::Success, |outcome| outcome.ended);
        if before.is_some_and(|before| before != ended) {
            return;
        }
        vm::charge(&mut changes, owner, costs.total());
        if let Some(account) = self.accounts.get_mut(&owner) {
            account.used_bandwidth = account.used_bandwidth(now) + costs.bandwidth_used;
            account.used_at_ms = now;
            account.used_energy = account.used_energy(now) + costs.energy_used;
            account.used_energy_at_ms = now;
        }
        self.apply(changes);
        self.history.add(id, Entry { transaction, block: number, block_ms: now, outcome, costs });
    }

    /// What a transaction costs before any code runs, or why it can't run.
    fn costs_before(&self, raw: &RawTransaction, bytes: u64, now_ms: u64) -> Result<Costs, Refusal> {
        let invalid = |reason: &str| Err(Refusal::Invalid(reason.into()));
        let owner = raw.owner();
        let balance = self.head.balance(owner);
        let Some(account) = self.accounts.get(&owner) else {
            return match raw.contract {
                Contract::Transfer { .. } => invalid("Validate TransferContract error, no OwnerAccount."),
                Contract::Trigger { .. } => invalid(&format!("account [{owner}] does not exist")),
            };
        };
        let mut costs = Costs::default();
        let spent = match &raw.contract {
            Contract::Transfer { to, amount_sun, .. } => {
                if to == &owner {
                    return invalid("Validate TransferContract error, cannot transfer TRX to yourself.");
                }
                if *amount_sun == 0 {
                    return invalid("Validate TransferContract error, amount must be greater than 0.");
                }
                if self.head.is_contract(*to) {
                    return invalid("Cannot transfer TRX to a smartContract.");
                }
                if !self.accounts.contains_key(to) {
                    costs.creation_fee = CREATE_ACCOUNT_SUN;
                }
                *amount_sun
            }
            Contract::Trigger { contract, call_value_sun, .. } => {
                if !self.head.is_contract(*contract) {
                    return invalid("No contract or not a valid smart contract");
                }
                if raw.fee_limit_sun > MAX_FEE_LIMIT_SUN {
                    return invalid(&format!("feeLimit must be >= 0 and <= {MAX_FEE_LIMIT_SUN}"));
                }
                *call_value_sun
            }
        };
        if balance < spent.saturating_add(costs.creation_fee) {
            return match raw.contract {
                Contract::Transfer { .. } => invalid("Validate TransferContract error, balance is not sufficient."),
                Contract::Trigger { .. } => invalid("Validate InternalTransfer error, balance is not sufficient."),
            };
        }
        if costs.creation_fee > 0 {
            costs.bandwidth_fee = CREATE_BANDWIDTH_SUN;
        } else if account.used_bandwidth(now_ms).saturating_add(bytes) <= FREE_BANDWIDTH {
            costs.bandwidth_used = bytes;
        } else {
            costs.bandwidth_fee = bytes.saturating_mul(BYTE_PRICE_SUN);
        }
        if balance < spent.saturating_add(costs.total()) {
            return Err(Refusal::Bandwidth);
        }
        Ok(costs)
    }

    fn bring_into_being(&mut self, address: Address) {
        let (created_ms, created_block) = (self.blocks.head_ms(), self.blocks.head());
        self.accounts.entry(address).or_insert(Account {
            created_ms,
            created_block,
            used_bandwidth: 0,
            used_at_ms: created_ms,
            energy_limit: 0,
            used_energy: 0,
            used_energy_at_ms: created_ms,
        });
    }

    fn apply(&mut self, changes: Changes) {
        self.unsettled.push_back((self.blocks.head(), changes.clone()));
        self.head.commit(changes);
    }

    /// Lets the final state follow.
    pub(crate) fn settle(&mut self) {
        let solid = self.tip(View::Solid);
        while self.unsettled.front().is_some_and(|(block, _)| *block <= solid) {
            if let Some((_, changes)) = self.unsettled.pop_front() {
                self.solid.commit(changes);
            }
        }
    }

    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The code's hash as `getcontract` shows it.
    pub fn code_hash(&self, at: Address) -> String {
        hex::encode(keccak256(self.head.code(at)))
    }
}

fn whole_ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1)
}
