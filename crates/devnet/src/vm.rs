//! Runs contracts and keeps their state, on revm. Charges TRON's energy, not Ethereum's gas: no intrinsic cost, no
//! refunds, no cold access, and a call may pass all its energy on. Knows nothing of blocks and fees.

use crate::trace::Last;
use revm::context::{CfgEnv, Context, TxEnv};
use revm::context_interface::cfg::GasParams;
use revm::context_interface::cfg::gas_params::GasId;
use revm::context_interface::result::{ExecutionResult, HaltReason};
use revm::database::{CacheDB, EmptyDB};
use revm::database_interface::{Database, DatabaseRef, WrapDatabaseRef};
use revm::handler::instructions::EthInstructions;
use revm::interpreter::{instruction_table, instructions::gas_table_spec};
use revm::primitives::hardfork::SpecId;
use revm::primitives::{Bytes, Log, TxKind, U256};
use revm::state::{Account, AccountInfo, Bytecode, EvmState};
use revm::{DatabaseCommit, ExecuteEvm, InspectEvm, MainBuilder, MainContext};
use std::convert::Infallible;
use std::sync::LazyLock;
use tron::Address;

/// Nile's, so that typed data signed for Nile is valid here.
pub const CHAIN_ID: u64 = 3_448_148_188;

/// Below this a run that ends for want of energy tells where it was.
const TOLD_ENERGY: u64 = 20_000_000;
/// For every byte that a new contract has.
const BYTE_OF_CODE: u64 = 200;

/// What a transaction or a faucet gift changed, ready to be applied to a later copy of the state too.
pub type Changes = EvmState;

/// Balances in sun, code and storage at one height.
#[derive(Clone, Debug, Default)]
pub struct State(CacheDB<EmptyDB>);

/// The block that a call sees.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    pub number: u64,
    pub secs: u64,
}

#[derive(Clone, Debug)]
pub struct Call {
    pub from: Address,
    pub to: Address,
    pub value_sun: u64,
    pub data: Vec<u8>,
    pub energy_limit: u64,
    /// Code that stands at `to` for this call alone: the one that makes a contract.
    pub code: Option<Vec<u8>>,
}

/// How a call ended, by TRON's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Success,
    Revert,
    OutOfEnergy,
    /// `contractRet` of another failure, which uses up all energy.
    Failed(&'static str),
}

#[derive(Clone, Debug)]
pub struct Outcome {
    pub ended: Ended,
    pub output: Vec<u8>,
    pub energy: u64,
    pub logs: Vec<Log>,
    /// More than [`Ended::message`] says, where a node says more.
    words: Option<String>,
}

impl Outcome {
    /// What a node says beside a failure.
    pub fn message(&self) -> &str {
        self.words.as_deref().unwrap_or(self.ended.message())
    }

    fn out_of_energy(limit: u64, words: Option<String>) -> Self {
        Self { ended: Ended::OutOfEnergy, output: Vec::new(), energy: limit, logs: Vec::new(), words }
    }
}

impl Ended {
    /// `receipt.result` and `contractRet`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Success => "SUCCESS",
            Self::Revert => "REVERT",
            Self::OutOfEnergy => "OUT_OF_ENERGY",
            Self::Failed(name) => name,
        }
    }

    /// What a node says beside a failure.
    pub fn message(self) -> &'static str {
        match self {
            Self::Success => "",
            Self::Revert => "REVERT opcode executed",
            Self::OutOfEnergy => "Not enough energy",
            Self::Failed(name) => name,
        }
    }
}

/// TRON kept the prices that Ethereum began with and gives nothing back.
static ENERGY: LazyLock<GasParams> = LazyLock::new(|| {
    let mut prices = GasParams::new_spec(SpecId::CANCUN);
    prices.override_gas([
        (GasId::tx_base_stipend(), 0),
        (GasId::tx_token_cost(), 0),
        (GasId::tx_floor_cost_base_gas(), 0),
        (GasId::tx_floor_cost_per_token(), 0),
        (GasId::cold_account_additional_cost(), 0),
        (GasId::cold_storage_additional_cost(), 0),
        (GasId::cold_storage_cost(), 0),
        (GasId::warm_storage_read_cost(), 0),
        // A write costs 5,000, the first one into an empty slot 20,000.
        (GasId::sstore_static(), 5_000),
        (GasId::sstore_set_without_load_cost(), 15_000),
        (GasId::sstore_reset_without_cold_load_cost(), 0),
        (GasId::sstore_clearing_slot_refund(), 0),
        (GasId::sstore_set_refund(), 0),
        (GasId::sstore_reset_refund(), 0),
        (GasId::selfdestruct_refund(), 0),
        (GasId::exp_byte_gas(), 10),
        (GasId::call_stipend_reduction(), u64::MAX),
    ]);
    prices
});

impl State {
    /// Places a contract, as if it had always been there.
    pub fn place(&mut self, at: Address, code: Vec<u8>, storage: &[(u64, U256)]) {
        self.0.insert_account_info(at.evm(), AccountInfo::from_bytecode(Bytecode::new_legacy(code.into())));
        for (slot, value) in storage {
            let Ok(()) = self.0.insert_account_storage(at.evm(), U256::from(*slot), *value);
        }
    }

    /// TRX in sun.
    pub fn balance(&self, of: Address) -> u64 {
        self.info(of).balance.saturating_to()
    }

    /// The code of a contract; empty for everything else.
    pub fn code(&self, at: Address) -> Vec<u8> {
        let Ok(code) = self.0.code_by_hash_ref(self.info(at).code_hash);
        code.original_byte_slice().to_vec()
    }

    pub fn is_contract(&self, at: Address) -> bool {
        !self.info(at).is_empty_code_hash()
    }

    fn info(&self, of: Address) -> AccountInfo {
        let Ok(info) = self.0.basic_ref(of.evm());
        info.unwrap_or_default()
    }

    /// One word of a contract's storage.
    pub fn word(&self, at: Address, slot: U256) -> U256 {
        let Ok(word) = self.0.storage_ref(at.evm(), slot);
        word
    }

    /// Runs a call and tells what it would change, changing nothing. `Err` is a call that can't begin.
    pub fn run(&self, at: Moment, mut call: Call) -> Result<(Outcome, Changes), String> {
        let Some(code) = call.code.take() else { return execute(WrapDatabaseRef(&self.0), at, call) };
        let (to, limit) = (call.to, call.energy_limit);
        let mut with_code = CacheDB::new(&self.0);
        with_code.insert_account_info(
            to.evm(),
            AccountInfo {
                balance: self.info(to).balance,
                ..AccountInfo::from_bytecode(Bytecode::new_legacy(code.into()))
            },
        );
        let (mut outcome, mut changes) = execute(with_code, at, call)?;
        if outcome.ended == Ended::Success {
            let length = u64::try_from(outcome.output.len()).unwrap_or(u64::MAX);
            let total = outcome.energy.saturating_add(length.saturating_mul(BYTE_OF_CODE));
            if total > limit {
                let (need, left) = (length.saturating_mul(BYTE_OF_CODE), limit.saturating_sub(outcome.energy));
                let hint = "save just created contract code";
                let words = format!("Not enough energy for '{hint}' executing: needEnergy[{need}], leftEnergy[{left}]");
                outcome = Outcome::out_of_energy(limit, Some(words));
            } else {
                outcome.energy = total;
                self.set_code(&mut changes, to, outcome.output.clone());
            }
        }
        if outcome.ended != Ended::Success {
            changes.clear();
        }
        Ok((outcome, changes))
    }

    pub fn set_balance(&self, changes: &mut Changes, of: Address, sun: u64) {
        let account = changes.entry(of.evm()).or_insert_with(|| Account::from(self.info(of)));
        account.info.balance = U256::from(sun);
        account.mark_touch();
    }

    fn set_code(&self, changes: &mut Changes, at: Address, code: Vec<u8>) {
        let account = changes.entry(at.evm()).or_insert_with(|| Account::from(self.info(at)));
        let code = Bytecode::new_legacy(code.into());
        account.info.code_hash = code.hash_slow();
        account.info.code = Some(code);
        account.mark_touch();
    }

    pub fn commit(&mut self, changes: Changes) {
        self.0.commit(changes);
    }
}

/// The balance that is among the changes.
pub fn balance_in(changes: &Changes, of: Address) -> Option<u64> {
    changes.get(&of.evm()).map(|account| account.info.balance.saturating_to())
}

/// Who has TRX or code after these changes, and whether it is code.
pub fn arrived(changes: &Changes) -> impl Iterator<Item = (Address, bool)> {
    changes.iter().filter(|(_, account)| account.is_touched()).filter_map(|(address, account)| {
        let is_contract = !account.info.is_empty_code_hash();
        (is_contract || !account.info.balance.is_zero())
            .then(|| (Address::from_bytes(address.into_array()), is_contract))
    })
}

fn execute<D: Database<Error = Infallible>>(db: D, at: Moment, call: Call) -> Result<(Outcome, Changes), String> {
    let limit = call.energy_limit;
    let mut evm = Context::mainnet()
        .with_db(db)
        .with_cfg(config())
        .modify_block_chained(|block| {
            block.number = U256::from(at.number);
            block.timestamp = U256::from(at.secs);
            block.gas_limit = u64::MAX;
        })
        .build_mainnet_with_inspector(Last::default());
    evm.instruction = EthInstructions::new(instruction_table(), gas_table_spec(SpecId::FRONTIER), SpecId::CANCUN);
    let transaction = TxEnv {
        caller: call.from.evm(),
        kind: TxKind::Call(call.to.evm()),
        value: U256::from(call.value_sun),
        data: Bytes::from(call.data),
        gas_limit: limit,
        chain_id: None,
        ..TxEnv::default()
    };
    let done = evm.transact(transaction.clone()).map_err(|error| error.to_string())?;
    let outcome = match done.result {
        ExecutionResult::Success { gas, logs, output, .. } => {
            let (output, energy) = (output.into_data().to_vec(), gas.tx_gas_used());
            Outcome { ended: Ended::Success, output, energy, logs, words: None }
        }
        ExecutionResult::Revert { gas, output, .. } => {
            let (output, energy) = (output.to_vec(), gas.tx_gas_used());
            Outcome { ended: Ended::Revert, output, energy, logs: Vec::new(), words: None }
        }
        ExecutionResult::Halt { reason, .. } => match halted(&reason) {
            // Looking on takes longer, which matters to nobody but those that run out of much.
            Ended::OutOfEnergy if limit < TOLD_ENERGY => {
                let again = evm.inspect_tx(transaction).is_ok();
                Outcome::out_of_energy(limit, again.then(|| evm.inspector.words()))
            }
            ended => Outcome { ended, output: Vec::new(), energy: limit, logs: Vec::new(), words: None },
        },
    };
    Ok((outcome, done.state))
}

fn config() -> CfgEnv {
    let mut config = CfgEnv::new_with_spec_and_gas_params(SpecId::CANCUN, ENERGY.clone()).with_chain_id(CHAIN_ID);
    // TRON transactions have no nonce, and a node simulates calls from contracts too.
    config.disable_nonce_check = true;
    config.disable_eip3607 = true;
    config.tx_gas_limit_cap = Some(u64::MAX);
    config
}

fn halted(reason: &HaltReason) -> Ended {
    match reason {
        HaltReason::OutOfGas(_) => Ended::OutOfEnergy,
        HaltReason::OpcodeNotFound | HaltReason::InvalidFEOpcode | HaltReason::NotActivated => {
            Ended::Failed("ILLEGAL_OPERATION")
        }
        HaltReason::InvalidJump => Ended::Failed("BAD_JUMP_DESTINATION"),
        HaltReason::StackUnderflow => Ended::Failed("STACK_TOO_SMALL"),
        HaltReason::StackOverflow => Ended::Failed("STACK_TOO_LARGE"),
        HaltReason::PrecompileError | HaltReason::PrecompileErrorWithContext(_) => {
            Ended::Failed("PRECOMPILED_CONTRACT")
        }
        _ => Ended::Failed("UNKNOWN"),
    }
}
