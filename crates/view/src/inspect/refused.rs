//! Why no node takes a transaction, as far as its bytes alone can tell: the checks of java-tron that need no account.

use tron::foreign::schema::{self, Kind};
use tron::foreign::{ForeignTransaction, Message, Value, contract_of_url};

/// Keys of one permission, and active permissions of one account.
const KEYS: usize = 5;
const ACTIVES: usize = 8;

/// The type that changes who may sign for an account.
const PERMISSIONS: &str = "AccountPermissionUpdateContract";

/// One clause for each reason.
pub(super) fn reasons(tx: &ForeignTransaction) -> Vec<String> {
    let mut all = Vec::new();
    let count = tx.contracts().count();
    if count != 1 {
        all.push(format!("it holds {count} contracts, and a transaction has one"));
    }
    for contract in tx.contracts() {
        of_contract(contract, &mut all);
    }
    if tx.signatures.len() > KEYS {
        all.push(format!("it has {} signatures, and a permission has {KEYS} keys at most", tx.signatures.len()));
    }
    all
}

fn of_contract(contract: &Message, all: &mut Vec<String>) {
    let number = contract.int("type");
    let kind = schema::contract(number);
    match kind {
        None => all.push(format!("TRON has no type {number}")),
        Some(kind) if !kind.executed => all.push(format!("no node executes {}", kind.name)),
        Some(_) => {}
    }
    let Some(any) = contract.message("parameter") else {
        return all.push("its contract has no parameter".to_owned());
    };
    match (kind, contract_of_url(any)) {
        (Some(kind), Some(named)) if kind.number != named.number => {
            all.push(format!("its type is {} and its parameter says {}", kind.name, named.name));
        }
        (Some(kind), None) => all.push(format!("its parameter does not say that it is {}", kind.name)),
        _ => {}
    }
    let Some(value) = contract.parameter() else {
        if kind.is_some_and(|kind| kind.schema.is_some()) {
            all.push("its parameter can't be read".to_owned());
        }
        return;
    };
    if !value.schema.name.starts_with("Shielded") && value.address("owner_address").is_none() {
        all.push("its owner is no address".to_owned());
    }
    for entry in &value.entries {
        if let (Kind::Sun | Kind::Int, Value::Int(i64::MIN..0)) = (entry.field.kind, &entry.value) {
            all.push(format!("{} is below zero", entry.field.name));
        }
    }
    match value.schema.name {
        "TransferContract" | "TransferAssetContract" => {
            if value.int("amount") == 0 {
                all.push("it moves nothing".to_owned());
            }
            if value.address("to_address").is_none() {
                all.push("it is paid to no address".to_owned());
            } else if value.bytes("to_address") == value.bytes("owner_address") {
                all.push("it is paid to its own account".to_owned());
            }
        }
        PERMISSIONS => permissions(value, all),
        _ => {}
    }
}

fn permissions(value: &Message, all: &mut Vec<String>) {
    if value.message("owner").is_none() {
        all.push("the owner permission is missing".to_owned());
    }
    let actives = value.messages("actives").count();
    if !(1..=ACTIVES).contains(&actives) {
        all.push(format!("it has {actives} active permissions, and an account has 1 to {ACTIVES}"));
    }
    let named = [("owner", value.message("owner"), 0), ("witness", value.message("witness"), 1)];
    let named = named.into_iter().filter_map(|(name, permission, kind)| Some((name, permission?, kind)));
    for (name, permission, kind) in named.chain(value.messages("actives").map(|active| ("active", active, 2))) {
        let keys = permission.messages("keys").count();
        if !(1..=KEYS).contains(&keys) {
            all.push(format!("the {name} permission has {keys} keys, and may have 1 to {KEYS}"));
        }
        let weights: i64 = permission.messages("keys").map(|key| key.int("weight")).fold(0, i64::saturating_add);
        if permission.int("threshold") < 1 || permission.int("threshold") > weights {
            all.push(format!("the {name} permission's threshold can't be reached by its keys"));
        }
        if permission.int("type") != kind {
            all.push(format!("the {name} permission is of another type"));
        }
        let operations = permission.bytes("operations");
        match (kind, operations.len()) {
            (2, 32) => {
                let unknown = bits(operations).filter(|number| schema::contract(*number).is_none());
                let unknown: Vec<String> = unknown.map(|number| number.to_string()).collect();
                if let Some(first) = unknown.first() {
                    let more = unknown.len() - 1;
                    let also = if more > 0 { format!(" and {more} more") } else { String::new() };
                    all.push(format!("the active permission allows types that TRON does not have: {first}{also}"));
                }
            }
            (2, length) => all.push(format!("the active permission's operations have {length} bytes, and not 32")),
            (_, 0) => {}
            _ => all.push(format!("the {name} permission has operations, which only active ones have")),
        }
    }
}

/// The numbers of the types that an active permission allows.
fn bits(operations: &[u8]) -> impl Iterator<Item = i64> {
    let set = |(at, byte): (i64, &u8)| {
        let byte = *byte;
        (0..8_i64).filter(move |bit| (byte >> bit) & 1 == 1).map(move |bit| 8 * at + bit)
    };
    (0_i64..).zip(operations).flat_map(set)
}

/// Whether an active permission allows what gives the whole account away.
pub(super) fn may_change_permissions(operations: &[u8]) -> bool {
    bits(operations).any(|number| schema::contract(number).is_some_and(|kind| kind.name == PERMISSIONS))
}

/// What an active permission allows, by name; "everything" where nothing that TRON has is missing.
pub(super) fn operations(operations: &[u8]) -> Vec<String> {
    let allowed: Vec<i64> = bits(operations).collect();
    let executed = || schema::CONTRACTS.iter().filter(|kind| kind.executed);
    let missing: Vec<&str> = executed().filter(|kind| !allowed.contains(&kind.number)).map(|kind| kind.name).collect();
    if missing.is_empty() {
        return vec!["everything that an account can do".to_owned()];
    }
    // The shorter of the two lists: what wallets set allows all but a few.
    if missing.len() < executed().count() / 2 {
        return vec![format!("everything but {}", missing.join(", "))];
    }
    let name = |number: &i64| schema::contract(*number).map_or_else(|| number.to_string(), |kind| kind.name.to_owned());
    allowed.iter().map(name).collect()
}
