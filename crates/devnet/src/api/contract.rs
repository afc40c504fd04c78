//! Calls to contracts: simulated, or built into a transaction for the client to sign.

use super::json::{Answer, Args, Form, NodeError, show, unhex, wrong};
use crate::chain::{Chain, Refusal, SIMULATION_ENERGY, View};
use crate::vm::{Call, Ended};
use revm::primitives::keccak256;
use serde_json::{Map, Value, json};
use tron::tx::{Contract, ref_block};
use tron::{Address, RawTransaction};

/// How long a transaction that the node builds is valid.
const VALID_MS: u64 = 60_000;

/// What `triggersmartcontract` and its relatives are asked.
struct Trigger {
    owner: Address,
    contract: Address,
    call_value_sun: u64,
    data: Vec<u8>,
    fee_limit_sun: u64,
}

impl Trigger {
    fn read(args: &Args) -> Result<Self, NodeError> {
        let (owner, contract) = (args.address("owner_address")?, args.address("contract_address")?);
        let mut data = args.bytes("data")?;
        if let Some(selector) = args.text("function_selector") {
            data = keccak256(selector).as_slice().iter().take(4).copied().collect();
            data.extend(unhex("parameter", args.text("parameter").unwrap_or_default())?);
        }
        Ok(Self {
            owner,
            contract,
            call_value_sun: args.number("call_value")?.unwrap_or_default(),
            data,
            fee_limit_sun: args.number("fee_limit")?.unwrap_or_default(),
        })
    }

    fn call(&self) -> Call {
        Call {
            from: self.owner,
            to: self.contract,
            value_sun: self.call_value_sun,
            data: self.data.clone(),
            energy_limit: SIMULATION_ENERGY,
        }
    }

    fn build(self, chain: &Chain) -> RawTransaction {
        let contract = Contract::Trigger {
            owner: self.owner,
            contract: self.contract,
            call_value_sun: self.call_value_sun,
            data: self.data,
        };
        build(chain, contract, self.fee_limit_sun)
    }
}

/// `triggerconstantcontract`.
pub fn simulate(chain: &Chain, view: View, args: &Args) -> Answer {
    let form = args.form();
    Ok(match Trigger::read(args) {
        Ok(trigger) => constant(chain, view, trigger, form),
        Err(error) => failed("OTHER_ERROR", &error.0, form),
    })
}

fn constant(chain: &Chain, view: View, trigger: Trigger, form: Form) -> Value {
    if !chain.state(view).is_contract(trigger.contract) {
        return failed("CONTRACT_VALIDATE_ERROR", "Smart contract is not exist.", form);
    }
    let outcome = match chain.simulate(view, trigger.call()) {
        Ok(outcome) => outcome,
        Err(reason) => return failed("CONTRACT_VALIDATE_ERROR", &reason, form),
    };
    let mut result = Map::from_iter([("result".into(), true.into())]);
    let mut ret = json!({});
    match outcome.ended {
        Ended::Success => {}
        Ended::Revert => {
            result.insert("message".into(), form.text(outcome.ended.message()));
            ret = json!({ "ret": "FAILED" });
        }
        other => return failed("OTHER_ERROR", other.message(), form),
    }
    let mut transaction = show(&trigger.build(chain), &[], form);
    if let Some(map) = transaction.as_object_mut() {
        map.insert("ret".into(), json!([ret]));
        map.insert("visible".into(), form.visible.into());
    }
    json!({
        "result": result,
        "energy_used": outcome.energy,
        "constant_result": [hex::encode(outcome.output)],
        "transaction": transaction,
    })
}

/// `triggersmartcontract`: a transaction, or the answer at once when the function only reads.
pub fn trigger(chain: &Chain, args: &Args) -> Answer {
    let form = args.form();
    let trigger = match Trigger::read(args) {
        Ok(trigger) => trigger,
        Err(error) => return Ok(failed("OTHER_ERROR", &error.0, form)),
    };
    let Some(contract) = chain.contracts.get(&trigger.contract) else {
        return Ok(failed("CONTRACT_VALIDATE_ERROR", "No contract or not a valid smart contract", form));
    };
    if contract.views.iter().any(|selector| trigger.data.starts_with(selector)) {
        return Ok(constant(chain, View::Head, trigger, form));
    }
    Ok(json!({ "result": { "result": true }, "transaction": built(&trigger.build(chain), form) }))
}

/// `estimateenergy`: what a limit has to allow; a call that fails has none.
pub fn estimate(chain: &Chain, view: View, args: &Args) -> Answer {
    let form = args.form();
    let trigger = match Trigger::read(args) {
        Ok(trigger) => trigger,
        Err(error) => return Ok(failed("OTHER_ERROR", &error.0, form)),
    };
    if !chain.state(view).is_contract(trigger.contract) {
        return Ok(failed("CONTRACT_VALIDATE_ERROR", "Smart contract is not exist.", form));
    }
    Ok(match chain.simulate(view, trigger.call()) {
        Ok(outcome) if outcome.ended == Ended::Success => {
            json!({ "result": { "result": true }, "energy_required": outcome.energy })
        }
        Ok(outcome) => failed("CONTRACT_EXE_ERROR", outcome.ended.message(), form),
        Err(reason) => failed("CONTRACT_VALIDATE_ERROR", &reason, form),
    })
}

/// `createtransaction`: a TRX transfer for the client to sign.
pub fn transfer(chain: &Chain, args: &Args) -> Answer {
    let contract = Contract::Transfer {
        owner: args.address("owner_address")?,
        to: args.address("to_address")?,
        amount_sun: args.number("amount")?.unwrap_or_default(),
    };
    let raw = build(chain, contract, 0);
    match chain.validate(&raw) {
        Err(Refusal::Invalid(reason)) => Err(wrong(reason)),
        _ => Ok(built(&raw, args.form())),
    }
}

fn build(chain: &Chain, contract: Contract, fee_limit_sun: u64) -> RawTransaction {
    let number = chain.tip(View::Head);
    let (ref_block_bytes, ref_block_hash) = ref_block(number, &chain.blocks.id(number));
    let now = chain.now_ms();
    RawTransaction {
        ref_block_bytes,
        ref_block_hash,
        expiration_ms: now + VALID_MS,
        timestamp_ms: now,
        contract,
        fee_limit_sun,
    }
}

fn built(raw: &RawTransaction, form: Form) -> Value {
    let mut transaction = show(raw, &[], form);
    if let Some(map) = transaction.as_object_mut() {
        map.insert("visible".into(), form.visible.into());
    }
    transaction
}

/// What a node says of a run that its clock ended.
pub const OUT_OF_TIME: &str = "CPU timeout for 'SLOAD' operation executing";

/// The answer of a node that was too busy for a trial run. Says nothing of the contract.
pub fn out_of_time(form: Form) -> Value {
    let class = "class org.tron.core.vm.program.Program$OutOfTimeException";
    failed("OTHER_ERROR", &format!("{class} : {OUT_OF_TIME}"), form)
}

/// Nodes leave `result: false` out.
fn failed(code: &str, message: &str, form: Form) -> Value {
    json!({ "result": { "code": code, "message": form.text(message) } })
}
