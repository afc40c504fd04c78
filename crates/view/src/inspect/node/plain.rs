//! Answers that are little more than their members: resources, parameters, prices, counts, lists, a node about itself.

use super::said::{As, Member, Teller, at, closing, int, list, member, money, number, short, text};
use super::{Shape, block, send};
use crate::inspect::lines::Around;
use crate::inspect::odd::{NOTE, WARN, found};
use crate::inspect::transactions;
use crate::words::find;
use serde_json::Value;
use tron::foreign::schema::ASSET_ISSUE;
use tron::foreign::{self, spelling};
use tron::{Amount, token};

/// Told by its members alone; see [`told`].
pub(super) fn small(_: &mut Teller, _: &Value) -> Option<String> {
    Some(String::new())
}

/// The members of a small answer, and the words of its shape.
pub(super) fn told(shape: &Shape, teller: &mut Teller, value: &Value) -> String {
    teller.group("node's answer");
    if shape.name == "number" {
        return a_number(teller, value);
    }
    teller.members(value, shape.members);
    find(&format!("answer-{}", shape.name), &[]).unwrap_or_else(|| shape.name.to_owned())
}

/// `num` is a time for one question and a count for another.
fn a_number(teller: &mut Teller, value: &Value) -> String {
    let num = int(value, "num");
    // Below, it would be a time in 1970.
    let name = if num > 1_000_000_000_000 { "maintenance" } else { "total" };
    let holds = if name == "maintenance" { As::Millis } else { As::Count("transactions") };
    teller.members(value, &[member("num", name, holds)]);
    find(&format!("answer-{name}"), &[]).unwrap_or_default()
}

pub(super) const BALANCE_AT: &[Member] =
    &[member("balance", "holds", As::Sun), member("block_identifier", "at-block", As::Own)];

pub(super) const RESOURCES: &[Member] = &[
    member("freeNetUsed", "", As::Own),
    member("freeNetLimit", "", As::Own),
    member("NetUsed", "", As::Own),
    member("NetLimit", "", As::Own),
    member("EnergyUsed", "", As::Own),
    member("EnergyLimit", "", As::Own),
    member("tronPowerUsed", "", As::Own),
    member("tronPowerLimit", "", As::Own),
    member("TotalNetLimit", "total-bandwidth", As::Count("bytes a day")),
    member("TotalNetWeight", "total-bandwidth-stake", As::Count("TRX")),
    member("TotalEnergyLimit", "total-energy", As::Count("units a day")),
    member("TotalEnergyWeight", "total-energy-stake", As::Count("TRX")),
    member("TotalTronPowerWeight", "total-power", As::Count("TRX")),
    member("storageUsed", "", As::Own),
    member("storageLimit", "", As::Own),
    member("storagePercentage", "", As::Own),
];

/// Energy and bandwidth of an account (getaccountresource, getaccountnet).
pub(super) fn resources(teller: &mut Teller, value: &Value) -> Option<String> {
    teller.group("what the account can use");
    for (key, limit, used, unit) in [
        ("energy-left", "EnergyLimit", "EnergyUsed", "units"),
        ("bandwidth-left", "NetLimit", "NetUsed", "bytes"),
        ("free-bandwidth-left", "freeNetLimit", "freeNetUsed", "bytes"),
        ("power-left", "tronPowerLimit", "tronPowerUsed", "votes"),
    ] {
        for name in [limit, used] {
            if let Some(other) = at(value, name).filter(|value| number(value).is_none()) {
                teller.wrong(name, other, "a whole number");
            }
        }
        let (limit, used) = (int(value, limit), int(value, used));
        if limit > 0 || used > 0 || key == "energy-left" {
            let left = limit.saturating_sub(used).max(0);
            teller.lines.add(key, format!("{left} of {limit} {unit}"));
        }
    }
    teller.group("of the whole network");
    teller.members(value, RESOURCES);
    let energy = int(value, "EnergyLimit").saturating_sub(int(value, "EnergyUsed")).max(0);
    let stake = int(value, "NetLimit").saturating_sub(int(value, "NetUsed"));
    let bandwidth = stake.max(int(value, "freeNetLimit").saturating_sub(int(value, "freeNetUsed"))).max(0);
    Some(format!("What an account can use before TRX is burnt: {energy} energy, {bandwidth} bytes of bandwidth."))
}

/// What the chain's rules are (getchainparameters).
pub(super) fn parameters(teller: &mut Teller, value: &Value) -> Option<String> {
    teller.group("rules of the chain");
    let all = teller.list(value, "chainParameter");
    // What a transaction costs comes first.
    const PRICES: [&str; 6] = [
        "getEnergyFee",
        "getTransactionFee",
        "getMemoFee",
        "getMultiSignFee",
        "getUpdateAccountPermissionFee",
        "getCreateNewAccountFeeInSystemContract",
    ];
    for name in PRICES {
        if let Some(row) = all.iter().find(|row| text(row, "key") == Some(name)) {
            let sun = int(row, "value");
            teller.lines.add(name, format!("{sun} sun")).also(money(sun));
        }
    }
    for row in all.iter().filter(|row| text(row, "key").is_none_or(|key| !PRICES.contains(&key))) {
        match text(row, "key") {
            Some(key) => {
                teller.lines.add("member", at(row, "value").map_or_else(|| "0".to_owned(), short)).label(key);
            }
            None => teller.wrong("chainParameter", row, "a key and a value"),
        }
    }
    Some(format!("The rules and prices of a chain (getchainparameters): {} of them.", all.len()))
}

/// A node about itself (getnodeinfo).
pub(super) fn node_info(teller: &mut Teller, value: &Value) -> Option<String> {
    teller.group("node");
    let config = at(value, "configNodeInfo").unwrap_or(&Value::Null);
    let version = text(config, "codeVersion").unwrap_or("not told");
    teller.lines.add("software", "java-tron").remark(format!("version {}", short(&version.into())));
    let number = |name: &str| {
        let said = text(value, name)?;
        let digits = said.strip_prefix("Num:")?.split(',').next()?;
        digits.parse::<u64>().ok().map(|number| (number, said))
    };
    let (newest, solid) = (number("block"), number("solidityBlock"));
    for (key, seen) in [("newest-block", newest), ("final-block", solid)] {
        if let Some((number, said)) = seen {
            let id = said.split_once("ID:").map_or("", |(_, id)| id);
            teller.lines.add(key, number).also(id);
        }
    }
    if let (Some((newest, _)), Some((solid, _))) = (newest, solid)
        && newest.saturating_sub(solid) > 100
    {
        teller.findings.push(found("finalFarBehind", WARN, &[("blocks", &(newest - solid).to_string())]));
    }
    teller.lines.add("peers", int(value, "currentConnectCount"));
    for (key, name) in [("runs-trials", "supportConstant"), ("p2p-version", "p2pVersion"), ("listens-at", "listenPort")]
    {
        teller.lines.maybe(key, at(config, name).map(short));
    }
    let at = newest.map_or_else(|| "an unknown block".to_owned(), |(number, _)| format!("block {number}"));
    Some(format!("A node about itself (getnodeinfo): java-tron {}, at {at}.", short(&version.into())))
}

/// The chain's representatives and candidates (listwitnesses).
pub(super) fn witnesses(teller: &mut Teller, value: &Value) -> Option<String> {
    teller.group("representatives");
    let all = teller.list(value, "witnesses");
    for one in teller.some(all, "representatives") {
        match text(one, "address").and_then(spelling::address) {
            Some(address) => {
                let said = format!(
                    "{} votes, “{}”",
                    int(one, "voteCount"),
                    text(one, "url").map(spelling::words).unwrap_or_default()
                );
                teller.address("representative", address).also_remark(crate::question::quoted(&said, 200));
            }
            None => teller.wrong("witnesses", one, "a representative with an address"),
        }
    }
    Some(format!("The chain's representatives and candidates (listwitnesses): {}.", all.len()))
}

/// Stake that is lent (getdelegatedresourcev2).
pub(super) fn delegated(teller: &mut Teller, value: &Value) -> Option<String> {
    let all = teller.list(value, "delegatedResource");
    const LENT: &[Member] = &[
        member("from", "lent-by", As::Address),
        member("to", "lent-to", As::Address),
        member("frozen_balance_for_energy", "lent-energy", As::Sun),
        member("frozen_balance_for_bandwidth", "lent-bandwidth", As::Sun),
        member("expire_time_for_energy", "locked-until", As::Millis),
        member("expire_time_for_bandwidth", "locked-until", As::Millis),
    ];
    for one in teller.some(all, "loans") {
        teller.group("lent");
        teller.members(one, LENT);
    }
    Some(format!("Resources that are lent (getdelegatedresource): {}.", all.len()))
}

/// Whom an account lends to, or borrows from (getdelegatedresourceaccountindexv2).
pub(super) fn delegations(teller: &mut Teller, value: &Value) -> Option<String> {
    teller.group("lent");
    if let Some(account) = at(value, "account") {
        teller.member(&member("account", "account", As::Address), account);
    }
    for (name, key) in [("toAccounts", "lent-to"), ("fromAccounts", "lent-by")] {
        let all = teller.list(value, name);
        for one in teller.some(all, "accounts") {
            teller.member(&member("account", key, As::Address), one);
        }
    }
    let (to, from) = (list(value, "toAccounts").len(), list(value, "fromAccounts").len());
    Some(format!("Whom an account lends resources to, and from whom it borrows: {to} and {from}."))
}

/// A TRC-10 token (getassetissuebyid): told as the contract that issued it.
pub(super) fn asset(teller: &mut Teller, value: &Value) -> Option<String> {
    teller.group("TRC-10 token");
    let foreign::Value::Message(asset) = foreign::read_json(&ASSET_ISSUE, value, false) else { return None };
    transactions::members(&mut teller.lines, &asset, teller.around, 0);
    let said = |name: &str| text(value, name).map(spelling::words).unwrap_or_default();
    teller.findings.push(found("assetNamed", NOTE, &[]));
    Some(format!("A TRC-10 token (getassetissuebyid): {}, id {}.", closing(&said("name")), short(&said("id").into())))
}

pub(super) const PROPOSAL: &[Member] = &[
    member("proposal_id", "proposal-id", As::Count("")),
    member("proposer_address", "made-by", As::Address),
    member("create_time", "created", As::Millis),
    member("expiration_time", "expiration", As::Millis),
    member("state", "state", As::Text),
];

pub(super) const EXCHANGE: &[Member] = &[
    member("exchange_id", "exchange-id", As::Count("")),
    member("creator_address", "made-by", As::Address),
    member("create_time", "created", As::Millis),
    member("first_token_id", "first-token-id", As::Words),
    member("first_token_balance", "first-token-balance", As::Count("")),
    member("second_token_id", "second-token-id", As::Words),
    member("second_token_balance", "second-token-balance", As::Count("")),
];

pub(super) const BLOCK_BALANCE: &[Member] = &[member("timestamp", "block-time", As::Millis)];

/// Ids of what waits to be in a block (gettransactionlistfrompending).
pub(super) fn pending(teller: &mut Teller, value: &Value) -> Option<String> {
    let all = teller.list(value, "txId");
    block::transactions(teller, all);
    Some(format!("What waits at a node to be in a block (gettransactionlistfrompending): {}.", all.len()))
}

/// Lists that are named and counted.
pub(super) fn listed(teller: &mut Teller, value: &Value) -> Option<String> {
    let (name, items) = ["proposals", "nodes", "assetIssue", "exchanges", "orders"]
        .into_iter()
        .find_map(|name| Some((name, at(value, name)?.as_array()?)))?;
    teller.group(name);
    for one in teller.some(items, "entries") {
        teller.lines.add("entry", short(one));
    }
    let what = find(&format!("answer-list-{name}"), &[]).unwrap_or_else(|| name.to_owned());
    Some(format!("{what}: {}.", items.len()))
}

/// A list of TronGrid's own API (`/v1/…`).
pub(super) fn grid(teller: &mut Teller, value: &Value) -> Option<String> {
    let all = teller.list(value, "data");
    let is = |name: &str| all.first().is_some_and(|first| first.get(name).is_some());
    if is("token_info") {
        for moved in teller.some(all, "transfers") {
            grid_transfer(teller, moved);
        }
        return Some(format!("Transfers of tokens, as TronGrid lists them (/v1): {}.", all.len()));
    }
    if is("raw_data") {
        block::transactions(teller, all);
        return Some(format!("Transactions, as TronGrid lists them (/v1): {}.", all.len()));
    }
    if let ([one], true) = (all, is("owner_permission") || is("balance")) {
        return super::account::account(teller, one).map(|title| title.replace("(getaccount)", "(TronGrid's /v1)"));
    }
    teller.group("entries");
    for one in teller.some(all, "entries") {
        teller.lines.add("entry", short(one));
    }
    if all.is_empty() {
        teller.findings.push(found("answerEmpty", NOTE, &[]));
    }
    Some(format!("A list of TronGrid's own API (/v1): {} entries.", all.len()))
}

fn grid_transfer(teller: &mut Teller, moved: &Value) {
    teller.group("what moved");
    let info = at(moved, "token_info").unwrap_or(&Value::Null);
    let contract = text(info, "address").and_then(spelling::address);
    let network = contract.and_then(crate::inspect::calls::network_of);
    let around = Around { network, token: contract, now: None };
    match text(moved, "value").and_then(|value| Amount::parse_smallest(value).ok()) {
        Some(amount) => {
            teller.lines.amount("amount", amount, around);
        }
        None => teller.wrong("value", at(moved, "value").unwrap_or(&Value::Null), "a whole number as a text"),
    }
    if let Some(contract) = contract {
        let known = network.is_some_and(|network| token::lookup(network, contract).is_some());
        let line = teller.lines.address("token", contract, around);
        if !known {
            let claims = format!("not in the token table; it calls itself “{}”", text(info, "symbol").unwrap_or("?"));
            line.also_remark(crate::question::quoted(&claims, 120)).weight(WARN);
        }
    }
    for row in [
        member("from", "payer", As::Address),
        member("to", "payee", As::Address),
        member("transaction_id", "transaction", As::Text),
        member("block_timestamp", "block-time", As::Millis),
    ] {
        if let Some(value) = at(moved, row.name) {
            teller.member(&row, value);
        }
    }
}

/// What TronGrid says in place of a list.
pub(super) fn grid_error(teller: &mut Teller, value: &Value) -> Option<String> {
    teller.group("error");
    let words = text(value, "error").map(spelling::words)?;
    teller.lines.add("code", int(value, "statusCode"));
    teller.lines.add("nodes-words", &words);
    let busy = send::is_busy("", &words) || int(value, "statusCode") == 429;
    let advice = find(if busy { "error-busy" } else { "error-other" }, &[]).unwrap_or_default();
    teller.findings.push(found("nodeError", WARN, &[("message", &words), ("advice", &advice)]));
    Some(format!("An error of TronGrid: {}.", closing(&words)))
}

/// A key that a service made: told, and shown nowhere.
pub(super) fn new_key(_: &mut Teller, _: &Value) -> Option<String> {
    Some("A private key, made by a service. It is not shown.".to_owned())
}
