//! Where a run was when its energy did not suffice, in a node's words. Looks on; changes nothing.

use revm::Inspector;
use revm::bytecode::opcode::OpCode;
use revm::interpreter::interpreter::EthInterpreter;
use revm::interpreter::interpreter_types::Jumps;
use revm::interpreter::{Interpreter, instructions::gas_table_spec};
use revm::primitives::hardfork::SpecId;

/// The operation that came last, and the energy of its frame just before.
#[derive(Clone, Copy, Debug, Default)]
pub struct Last {
    operation: u8,
    limit: u64,
    used: u64,
}

impl<CTX> Inspector<CTX, EthInterpreter> for Last {
    fn step(&mut self, interpreter: &mut Interpreter<EthInterpreter>, _: &mut CTX) {
        let gas = &interpreter.gas;
        *self = Self { operation: interpreter.bytecode.opcode(), limit: gas.limit(), used: gas.total_gas_spent() };
    }
}

impl Last {
    pub fn words(&self) -> String {
        let name = OpCode::new(self.operation).map_or("INVALID", |operation| operation.as_str());
        let price = gas_table_spec(SpecId::FRONTIER).get(usize::from(self.operation)).copied().unwrap_or_default();
        let Self { limit, used, .. } = self;
        format!(
            "Not enough energy for '{name}' operation executing: \
             curInvokeEnergyLimit[{limit}], curOpEnergy[{price}], usedEnergy[{used}]"
        )
    }
}
