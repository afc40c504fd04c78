//! Contracts and their runs: a contract's own entry, what a trial run would do, what a call would take.

use super::account::refusal;
use super::receipt;
use super::said::{As, Member, Teller, at, closing, int, list, member, text};
use crate::inspect::calls;
use crate::inspect::odd::{GOOD, NOTE, STOP, WARN, found};
use serde_json::Value;
use tron::abi;
use tron::foreign::spelling;

pub(super) const CONTRACT: &[Member] = &[
    member("contract_address", "called-contract", As::Address),
    member("name", "claimed-name", As::Text),
    member("origin_address", "made-by", As::Address),
    member("consume_user_resource_percent", "", As::Own),
    member("origin_energy_limit", "origin-energy-limit", As::Count("units")),
    member("code_hash", "code-hash", As::Hex),
    member("bytecode", "", As::Own),
    member("abi", "", As::Own),
    member("version", "contract-version", As::Count("")),
    member("trx_hash", "transaction", As::Hex),
    member("call_value", "call-value", As::Sun),
];

/// Names of functions that are listed.
const FUNCTIONS: usize = 60;

pub(super) fn contract(teller: &mut Teller, value: &Value) -> Option<String> {
    teller.group("contract");
    teller.members(value, CONTRACT);
    shares(teller, value);
    code(teller, value, "bytecode");
    functions(teller, value);
    let address = text(value, "contract_address").and_then(spelling::address);
    let known = address.and_then(|address| {
        let network = teller.around.network.or_else(|| calls::network_of(address))?;
        crate::inspect::lines::named(network, address)
    });
    let what = known.unwrap_or_else(|| {
        teller.findings.push(found("addressUnknown", NOTE, &[]));
        "none that Countersign knows".to_owned()
    });
    Some(format!("A contract (getcontract): {what}."))
}

/// A contract with its state (getcontractinfo).
pub(super) fn with_state(teller: &mut Teller, value: &Value) -> Option<String> {
    let inner = at(value, "smart_contract")?;
    let title = contract(teller, inner)?;
    code(teller, value, "runtimecode");
    if let Some(state) = at(value, "contract_state") {
        teller.group("state");
        teller.members(state, STATE);
    }
    Some(title.replace("(getcontract)", "(getcontractinfo)"))
}

const STATE: &[Member] = &[
    member("energy_usage", "energy-used", As::Count("units")),
    member("energy_factor", "energy-factor", As::Count("ten-thousandths")),
    member("update_cycle", "update-cycle", As::Count("")),
];

/// Who pays a call's energy.
fn shares(teller: &mut Teller, value: &Value) {
    let Some(percent) = at(value, "consume_user_resource_percent") else {
        // Zero is left out.
        teller.lines.add("caller-pays", "0 %").remark("whoever made it pays all energy, as far as theirs goes");
        return;
    };
    match super::said::number(percent) {
        Some(percent) => {
            let line = teller.lines.add("caller-pays", format!("{percent} %"));
            if percent < 100 {
                line.remark("whoever made it pays the rest, as far as their energy goes");
            }
        }
        None => teller.wrong("consume_user_resource_percent", percent, "0 to 100"),
    }
}

fn code(teller: &mut Teller, value: &Value, name: &str) {
    if let Some(code) = at(value, name) {
        match code.as_str() {
            Some(code) => {
                teller.lines.add(name, format!("{} bytes", code.len() / 2));
            }
            None => teller.wrong(name, code, "hex"),
        }
    }
}

/// What its description names; nothing makes a contract keep to it.
fn functions(teller: &mut Teller, value: &Value) {
    let all = value.pointer("/abi/entrys").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let named = |kind: &str| -> Vec<&str> {
        let of = all.iter().filter(|entry| text(entry, "type").is_some_and(|own| own.eq_ignore_ascii_case(kind)));
        of.filter_map(|entry| text(entry, "name")).collect()
    };
    for (kind, key) in [("Function", "functions"), ("Event", "event-names")] {
        let names = named(kind);
        if !names.is_empty() {
            let shown = names.get(..FUNCTIONS).unwrap_or(&names).join(", ");
            teller.lines.add(key, shown).remark(format!("{}, by its own description", names.len()));
        }
    }
    if all.is_empty() {
        teller.lines.add("functions", "not described").remark("it has no ABI, or its owner cleared it");
    }
}

/// A trial run (triggerconstantcontract): nothing was sent, and nothing changed.
pub(super) fn trial(teller: &mut Teller, value: &Value) -> Option<String> {
    teller.group("trial run");
    let output = list(value, "constant_result").first().and_then(Value::as_str).and_then(spelling::bytes);
    let output = output.unwrap_or_default();
    let message = value.pointer("/result/message").and_then(Value::as_str).map(spelling::words);
    let message = message.filter(|message| !message.is_empty());
    let said = value.pointer("/transaction/ret/0/ret").and_then(Value::as_str);
    let failed = message.is_some() || matches!(said, Some("FAILED" | "FAILE"));
    if let Some(message) = &message {
        teller.lines.add("nodes-words", message);
    }
    if let Some(code) = refusal(teller, value) {
        return Some(format!("A trial run (triggerconstantcontract) that was not made: {code}."));
    }
    let title = if failed {
        let reason = receipt::reason(&output, message).unwrap_or_else(|| "no reason given".to_owned());
        teller.lines.add("revert-reason", &reason).weight(STOP);
        teller.findings.push(found("wouldFail", WARN, &[("reason", &reason)]));
        format!("A trial run (triggerconstantcontract) that failed: {}.", closing(&reason))
    } else {
        returned(teller, &output);
        "A trial run (triggerconstantcontract) that worked.".to_owned()
    };
    teller.members(value, TRIAL);
    teller.findings.push(found("trialOnly", NOTE, &[]));
    let logs = teller.list(value, "logs");
    receipt::events(teller, logs);
    Some(title)
}

const TRIAL: &[Member] = &[
    member("energy_used", "energy", As::Count("units")),
    member("energy_penalty", "energy-penalty", As::Count("units")),
    member("result", "", As::Own),
    member("constant_result", "", As::Own),
    member("logs", "", As::Own),
    member("internal_transactions", "", As::Own),
    member("transaction", "", As::Own),
];

/// What a run returned, as what it may be.
pub(super) fn returned(teller: &mut Teller, output: &[u8]) {
    if output.is_empty() {
        teller.lines.add("returned", "nothing");
        return;
    }
    let hex = crate::inspect::payments::hex(output);
    let number = abi::decode_amount(output);
    let claimed = abi::decode_symbol(output).filter(|text| !text.is_empty() && output.len() > 32);
    let line = teller.lines.add("returned", hex);
    match (number, claimed) {
        (_, Some(text)) => line.remark(format!("as a text: “{text}”")),
        (Some(number), None) => line.remark(format!("as a number: {number}")),
        (None, None) => line.remark(format!("{} bytes", output.len())),
    };
}

/// What a call would take (estimateenergy).
pub(super) fn estimate(teller: &mut Teller, value: &Value) -> Option<String> {
    teller.group("estimate");
    refusal(teller, value);
    teller.members(value, &[member("energy_required", "energy", As::Count("units")), member("result", "", As::Own)]);
    Some(format!("What a call would take (estimateenergy): {} units of energy.", int(value, "energy_required")))
}

/// A call or contract that a node built, not signed yet.
pub(super) fn built(teller: &mut Teller, value: &Value) -> Option<String> {
    teller.group("node's answer");
    let message = value.pointer("/result/message").and_then(Value::as_str).map(spelling::words);
    if let Some(message) = message {
        teller.lines.add("nodes-words", message);
    }
    teller.findings.push(found("builtByNode", WARN, &[]));
    let does = teller.inner.as_deref().map_or_else(|| "can't be read".to_owned(), crate::inspect::transactions::brief);
    Some(format!("A transaction that a node built, for somebody to sign: it {does}."))
}

/// What could not be run or built (`result` with a code alone).
pub(super) fn refused(teller: &mut Teller, value: &Value) -> Option<String> {
    teller.group("node's answer");
    let code = refusal(teller, value)?;
    let message = value.pointer("/result/message").and_then(Value::as_str).map(spelling::words).unwrap_or_default();
    Some(format!("A node refused to run or build it: {code}, {}.", closing(&message)))
}

/// An address that a node judged (validateaddress).
pub(super) fn address_judged(teller: &mut Teller, value: &Value) -> Option<String> {
    teller.group("address");
    let valid = value.get("result").and_then(Value::as_bool)?;
    let message = text(value, "message").map(spelling::words).unwrap_or_default();
    teller.lines.add("is-valid", valid).remark(message.clone()).weight(if valid { GOOD } else { WARN });
    let how = if valid { "it is one" } else { "it is none" };
    Some(format!("A node's word about an address (validateaddress): {how}, {}.", closing(&message)))
}
