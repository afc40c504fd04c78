//! Contract calls: what they do, to whom, and whether somebody who pays should ever sign one. With their transaction
//! or as bare data.

use super::lines::{self, Around, Lines};
use super::odd::{self, NOTE, STOP, WARN, found};
use super::payments;
use super::shapes::{KindView, PartView};
use crate::FindingView;
use plan::Moment;
use tron::calls::{self, Arg, Effect};
use tron::{Address, Amount, abi};

/// Allowances from here on are "unlimited", whatever the exact number: SDKs write 2^160 − 1 and 2^256 − 1.
pub(super) const UNLIMITED_BITS: usize = 128;

/// Call data without its transaction; `None` when no call is known by it.
pub(super) fn call_data(data: &[u8], now: Option<Moment>) -> Option<PartView> {
    let mut lines = Lines::default();
    let mut findings = Vec::new();
    if abi::decode_call(data).is_none() && x402::decode_call(data).is_none() {
        calls::read(data)?;
    }
    let name = call(&mut lines, data, Around { now, ..Around::default() }, &mut findings);
    let title = format!("Input of a contract call: {name}.");
    let findings = odd::sorted(findings);
    Some(PartView { findings, groups: lines.done(), ..super::part(KindView::CallData, title, "") })
}

/// Tells the call's arguments; answers its name.
pub(super) fn call(lines: &mut Lines, data: &[u8], around: Around, findings: &mut Vec<FindingView>) -> String {
    lines.group("call");
    if abi::decode_call(data).is_none()
        && let Some(known) = x402::decode_call(data)
    {
        lines.add("function", known.name);
        let token = known.facts.iter().find(|fact| fact.key == "token").and_then(|f| Address::parse(&f.value).ok());
        lines.explained(&known.facts, Around { token: token.or(around.token), ..around });
        return known.name.to_owned();
    }
    if let Some(call) = calls::read(data) {
        return known(lines, &call, around, findings);
    }
    let selector = data.get(..4).map_or_else(|| "none".to_owned(), payments::hex);
    lines.add("selector", &selector).remark("not a call that is known").weight(WARN);
    lines.add("call-data", payments::hex(data));
    findings.push(found("callUnknown", WARN, &[("selector", &selector)]));
    format!("a function that is not known ({selector})")
}

fn known(lines: &mut Lines, call: &calls::Call, around: Around, findings: &mut Vec<FindingView>) -> String {
    lines.add("function", call.name);
    let named = |name: &str| call.args.iter().find(|(own, _)| *own == name).map(|(_, arg)| arg);
    let address = |name: &str| match named(name) {
        Some(Arg::Address(address)) => Some(*address),
        _ => None,
    };
    let around = Around { token: address("token").or(around.token), ..around };
    // Of a token that is told by its number the amount counts pieces.
    let units = if named("id").is_some() { Around { token: None, ..around } } else { around };
    let amount = match named("amount") {
        Some(Arg::Number(amount)) => Some(*amount),
        _ => None,
    };
    let unlimited = amount.is_some_and(|amount| amount.u256().bit_len() > UNLIMITED_BITS);
    let sets = matches!(call.effect, Effect::Sets | Effect::Raises | Effect::Lowers);
    for (name, arg) in &call.args {
        let key = key(call.effect, name);
        match arg {
            Arg::Address(address) => {
                lines.address(key, *address, Around { token: None, ..around });
            }
            Arg::Number(_) if *name == "amount" && sets && unlimited => {
                let line = lines.add("allowance", "without limit").also(amount.unwrap_or(Amount::ZERO));
                if call.effect != Effect::Lowers {
                    line.weight(STOP);
                }
            }
            Arg::Number(number) if *name == "amount" => {
                lines.amount(key, *number, units);
            }
            Arg::Number(number) if matches!(*name, "deadline" | "expiry" | "expiration") => {
                match u64::try_from(number.u256()) {
                    Ok(seconds) => {
                        lines.time("valid-before", seconds, around, true);
                    }
                    Err(_) => {
                        lines.add("valid-before", number);
                    }
                }
            }
            Arg::Number(number) => {
                lines.add(key, number);
            }
            Arg::Flag(yes) => {
                lines.add(key, yes);
            }
            Arg::Word(word) => {
                lines.add(key, format!("0x{}", payments::hex(word)));
            }
            Arg::Rest => {
                lines.add(key, "not read").remark("a part of any length");
            }
        }
    }
    let takes_back = amount == Some(Amount::ZERO) || named("allowed") == Some(&Arg::Flag(false));
    let of = |name: &str| address(name).map_or_else(|| "somebody".to_owned(), |address| address.to_string());
    let (code, weight) = match (call.effect, call.name) {
        (Effect::Sets, _) if takes_back => ("allowanceLowered", NOTE),
        (Effect::Lowers, _) => ("allowanceLowered", NOTE),
        (Effect::Raises, _) => ("allowanceRaised", STOP),
        (Effect::Sets, "approve") if unlimited => ("allowanceUnlimited", STOP),
        (Effect::Sets, "setApprovalForAll") => ("allowanceAll", STOP),
        (Effect::Sets, "permit") => ("allowanceByPermit", STOP),
        // A bounded allowance is what a payment by Permit2 or exact_permit needs.
        (Effect::Sets, "approve") if named("token").is_none() => ("", NOTE),
        (Effect::Sets, _) => ("allowanceRaised", STOP),
        (Effect::Takes, _) => ("takesFrom", STOP),
        (Effect::Rules, _) => ("givesControl", STOP),
        (Effect::Holds, _) => ("callsInside", WARN),
        (Effect::Moves | Effect::Reads, _) => ("", NOTE),
    };
    if !code.is_empty() {
        let (spender, from, to) = (of("spender"), of("from"), of("to"));
        let args = [("spender", spender.as_str()), ("from", &from), ("to", &to), ("function", call.name)];
        findings.push(found(code, weight, &args));
    }
    if !call.clean {
        findings.push(found("callUnclean", WARN, &[]));
    }
    match call.name {
        "approve" if call.args.len() == 2 => "approve (an allowance)".to_owned(),
        "transfer" => "transfer (a TRC-20 transfer)".to_owned(),
        "transferFrom" if call.args.len() == 3 => "transferFrom (a TRC-20 transfer by allowance)".to_owned(),
        name => name.to_owned(),
    }
}

/// The key of an argument's words.
fn key(effect: Effect, name: &'static str) -> &'static str {
    match (effect, name) {
        (_, "from") => "payer",
        (Effect::Rules, "to") => "new-ruler",
        (Effect::Reads, "owner") => "account",
        (_, "to") => "payee",
        (Effect::Sets | Effect::Raises | Effect::Lowers, "amount") => "allowance",
        (_, "allowed") => "allowance",
        (_, "owner") => "grantor",
        (_, "data" | "calls") => "call-data",
        (_, "v") => "signature-v",
        (_, "r") => "signature-r",
        (_, "s") => "signature-s",
        (_, "") => "argument",
        (_, name) => name,
    }
}

/// What a contract is called on the network that has one of this name.
pub(super) fn network_of(contract: Address) -> Option<tron::Network> {
    tron::Network::ALL.into_iter().find(|network| lines::named(*network, contract).is_some())
}
