//! Calls to contracts: run on trial, or built into a transaction for the client to sign.

use super::build::{build, built, creation};
use super::json::{Answer, Args, Form, NodeError, unhex};
use super::message::with;
use crate::chain::{Chain, SIMULATION_ENERGY, View};
use crate::execute::address_of_new;
use crate::incoming::Sent;
use crate::vm::{Call, Ended, Outcome};
use revm::primitives::{Log, keccak256};
use serde_json::{Map, Value as Json, json};
use tron::Address;
use tron::foreign::{Value, schema};

/// What `triggersmartcontract` and its relatives are asked.
struct Trigger {
    owner: Address,
    /// `None`: the code of a new contract is tried.
    contract: Option<Address>,
    call_value_sun: u64,
    data: Vec<u8>,
}

impl Trigger {
    fn read(args: &Args) -> Result<Self, NodeError> {
        let owner = args.address("owner_address")?;
        let contract = args.text("contract_address").map(|_| args.address("contract_address")).transpose()?;
        let mut data = args.bytes("data")?;
        if let Some(selector) = args.text("function_selector") {
            data = keccak256(selector).as_slice().iter().take(4).copied().collect();
            data.extend(unhex(args.text("parameter").unwrap_or_default())?);
        }
        if contract.is_none() && data.is_empty() {
            return Err(NodeError::missing("contract_address"));
        }
        Ok(Self { owner, contract, call_value_sun: args.number("call_value")?.unwrap_or_default(), data })
    }

    /// The transaction that would do it.
    fn build(&self, chain: &Chain, view: View, args: &Args) -> Result<Sent, NodeError> {
        let Some(contract) = self.contract else { return creation(chain, view, self.owner, self.data.clone(), args) };
        let address = |of: Address| Value::Bytes(of.to_bytes21().to_vec());
        let inner = with(
            &schema::TRIGGER,
            vec![
                ("owner_address", address(self.owner)),
                ("contract_address", address(contract)),
                ("call_value", Value::Int(i64::try_from(self.call_value_sun).unwrap_or(i64::MAX))),
                ("data", Value::Bytes(self.data.clone())),
            ],
        );
        build(chain, view, inner, args)
    }

    /// Runs it on trial, as the transaction that would do it.
    fn run(&self, chain: &Chain, view: View, sent: &Sent) -> Result<Outcome, String> {
        let (data, code) = match self.contract {
            Some(_) => (self.data.clone(), None),
            None => (Vec::new(), Some(self.data.clone())),
        };
        let to = self.contract.unwrap_or_else(|| address_of_new(&sent.id, self.owner));
        let (from, value_sun) = (self.owner, self.call_value_sun);
        chain.simulate(view, Call { from, to, value_sun, data, energy_limit: SIMULATION_ENERGY, code })
    }
}

/// `triggerconstantcontract`.
pub fn simulate(chain: &Chain, view: View, args: &Args) -> Answer {
    let read = Trigger::read(args);
    Ok(match read.and_then(|trigger| constant(chain, view, &trigger, args)) {
        Ok(answer) => answer,
        Err(error) => failed("OTHER_ERROR", &error.to_string(), args.form()),
    })
}

fn constant(chain: &Chain, view: View, trigger: &Trigger, args: &Args) -> Answer {
    let form = args.form();
    if trigger.contract.is_some_and(|contract| !chain.state(view).is_contract(contract)) {
        return Ok(failed("CONTRACT_VALIDATE_ERROR", "Smart contract is not exist.", form));
    }
    let sent = trigger.build(chain, view, args)?;
    let outcome = match trigger.run(chain, view, &sent) {
        Ok(outcome) => outcome,
        Err(reason) => return Ok(failed("CONTRACT_VALIDATE_ERROR", &reason, form)),
    };
    let mut result = Map::from_iter([("result".into(), true.into())]);
    let mut ret = json!({});
    match outcome.ended {
        Ended::Success => {}
        Ended::Revert => {
            result.insert("message".into(), form.text(outcome.ended.message()));
            ret = json!({ "ret": "FAILED" });
        }
        other => return Ok(failed("OTHER_ERROR", other.message(), form)),
    }
    let mut transaction = built(&sent, form);
    transaction.insert("ret".into(), json!([ret]));
    let mut answer = json!({
        "result": result,
        "energy_used": outcome.energy,
        "constant_result": [hex::encode(&outcome.output)],
        "transaction": transaction,
    });
    if let (Some(map), false) = (answer.as_object_mut(), outcome.logs.is_empty()) {
        map.insert("logs".into(), outcome.logs.iter().map(|log| trial_log(log, form)).collect());
    }
    Ok(answer)
}

/// A log of a trial run: the address has no network byte, and is put into Base58 all the same where texts are plain.
fn trial_log(log: &Log, form: Form) -> Json {
    let bytes = log.address.as_slice();
    let address = if form.visible { bs58::encode(bytes).with_check().into_string() } else { hex::encode(bytes) };
    json!({
        "address": address,
        "topics": log.topics().iter().map(hex::encode).collect::<Vec<_>>(),
        "data": hex::encode(&log.data.data),
    })
}

/// `triggersmartcontract`: a transaction, or the answer at once when the function only reads.
pub fn trigger(chain: &Chain, args: &Args) -> Answer {
    let form = args.form();
    let answer = || -> Answer {
        let trigger = Trigger::read(args)?;
        let contract = trigger.contract.ok_or_else(|| NodeError::missing("contract_address"))?;
        let Some(contract) = chain.head.account(contract).and_then(|account| account.contract.clone()) else {
            return Ok(failed("CONTRACT_VALIDATE_ERROR", "No contract or not a valid smart contract", form));
        };
        if contract.views.iter().any(|selector| trigger.data.starts_with(selector)) {
            return constant(chain, View::Head, &trigger, args);
        }
        let sent = trigger.build(chain, View::Head, args)?;
        Ok(json!({ "result": { "result": true }, "transaction": built(&sent, form) }))
    };
    Ok(answer().unwrap_or_else(|error| failed("OTHER_ERROR", &error.to_string(), form)))
}

/// `estimateenergy`: what a limit has to allow; a call that fails has none.
pub fn estimate(chain: &Chain, view: View, args: &Args) -> Answer {
    let form = args.form();
    let answer = || -> Answer {
        let trigger = Trigger::read(args)?;
        if trigger.contract.is_some_and(|contract| !chain.state(view).is_contract(contract)) {
            return Ok(failed("CONTRACT_VALIDATE_ERROR", "Smart contract is not exist.", form));
        }
        let sent = trigger.build(chain, view, args)?;
        Ok(match trigger.run(chain, view, &sent) {
            Ok(outcome) if outcome.ended == Ended::Success => {
                json!({ "result": { "result": true }, "energy_required": outcome.energy })
            }
            Ok(outcome) => failed("CONTRACT_EXE_ERROR", outcome.ended.message(), form),
            Err(reason) => failed("CONTRACT_VALIDATE_ERROR", &reason, form),
        })
    };
    Ok(answer().unwrap_or_else(|error| failed("OTHER_ERROR", &error.to_string(), form)))
}

/// What a node says of a run that its clock ended.
pub const OUT_OF_TIME: &str = "CPU timeout for 'SLOAD' operation executing";

/// The answer of a node that was too busy for a trial run. Says nothing of the contract.
pub fn out_of_time(form: Form) -> Json {
    let class = "class org.tron.core.vm.program.Program$OutOfTimeException";
    failed("OTHER_ERROR", &format!("{class} : {OUT_OF_TIME}"), form)
}

/// Nodes leave `result: false` out.
fn failed(code: &str, message: &str, form: Form) -> Json {
    json!({ "result": { "code": code, "message": form.text(message) } })
}
