//! Accounts: what they hold, and who can sign for them, how many of them together and for what; and who signed a
//! transaction so far.

use super::said::{As, Member, Teller, at, int, list, member, money, text};
use crate::inspect::odd::{GOOD, NOTE, WARN, found};
use crate::inspect::transactions;
use serde_json::Value;
use tron::Address;
use tron::foreign::schema::PERMISSION;
use tron::foreign::{self, Message, spelling};

pub(super) const ACCOUNT: &[Member] = &[
    member("address", "account", As::Address),
    member("account_name", "account-name", As::Words),
    member("account_id", "account-id", As::Words),
    member("type", "account-type", As::Text),
    member("balance", "holds", As::Sun),
    member("allowance", "reward", As::Sun),
    member("create_time", "created", As::Millis),
    member("latest_opration_time", "last-used", As::Millis),
    member("is_witness", "representative", As::Flag),
    member("free_net_usage", "free-bandwidth-used", As::Count("bytes")),
    member("net_usage", "bandwidth-used", As::Count("bytes")),
    member("frozenV2", "", As::Own),
    member("unfrozenV2", "", As::Own),
    member("frozen", "", As::Own),
    member("votes", "", As::Own),
    member("assetV2", "", As::Own),
    member("account_resource", "", As::Own),
    member("owner_permission", "", As::Own),
    member("witness_permission", "", As::Own),
    member("active_permission", "", As::Own),
    member("delegated_frozenV2_balance_for_bandwidth", "lent-bandwidth", As::Sun),
    member("acquired_delegated_frozenV2_balance_for_bandwidth", "borrowed-bandwidth", As::Sun),
    // Marks of the node's own books.
    member("net_window_size", "", As::Own),
    member("net_window_optimized", "", As::Own),
    member("latest_consume_time", "", As::Own),
    member("latest_consume_free_time", "", As::Own),
    member("free_asset_net_usageV2", "", As::Own),
    member("old_tron_power", "", As::Own),
    member("asset_optimized", "", As::Own),
];

const RESOURCE: &[Member] = &[
    member("energy_usage", "energy-used", As::Count("units")),
    member("delegated_frozenV2_balance_for_energy", "lent-energy", As::Sun),
    member("acquired_delegated_frozenV2_balance_for_energy", "borrowed-energy", As::Sun),
    member("energy_window_size", "", As::Own),
    member("energy_window_optimized", "", As::Own),
    member("latest_consume_time_for_energy", "", As::Own),
];

pub(super) fn account(teller: &mut Teller, value: &Value) -> Option<String> {
    teller.group("account");
    teller.members(value, ACCOUNT);
    stakes(teller, value);
    if let Some(resource) = at(value, "account_resource") {
        teller.group("energy");
        teller.members(resource, RESOURCE);
    }
    let address = text(value, "address").and_then(spelling::address);
    let actives = teller.list(value, "active_permission");
    let mut others = Vec::new();
    let who = match at(value, "owner_permission") {
        Some(permission) => {
            let owner = permission_of(teller, "owner permission", permission, address);
            for (index, active) in teller.some(actives, "permissions").iter().enumerate() {
                let who = permission_of(teller, &format!("active permission {}", index + 1), active, address);
                if let Who::Others(needs) = who {
                    others.push(format!("permission {} takes {needs}", int(active, "id")));
                }
                if strangers(active, address) {
                    let id = int(active, "id").to_string();
                    teller.findings.push(found("accountShared", WARN, &[("permission", &id)]));
                }
            }
            owner
        }
        // Accounts from before there were permissions.
        None => Who::Own,
    };
    if let Some(permission) = at(value, "witness_permission") {
        permission_of(teller, "witness permission", permission, address);
    }
    let contract = text(value, "type") == Some("Contract");
    let rules = match who {
        _ if contract => "a contract's; no key signs for it".to_owned(),
        Who::Own => {
            teller.findings.push(found("accountOwn", GOOD, &[]));
            "its own key rules it".to_owned()
        }
        Who::Others(needs) => {
            teller.findings.push(found("accountOthers", WARN, &[("needs", &needs)]));
            format!("its own key alone does not rule it: {needs}")
        }
    };
    let balance = money(int(value, "balance"));
    let rules = [vec![rules], others].concat().join(", ");
    Some(format!("An account with {balance} (getaccount): {rules}."))
}

fn stakes(teller: &mut Teller, value: &Value) {
    teller.group("stakes, votes and TRC-10 tokens");
    let kind = |entry: &Value| text(entry, "type").unwrap_or("BANDWIDTH").to_owned();
    let frozen = teller.list(value, "frozenV2");
    for stake in teller.some(frozen, "stakes").iter().filter(|stake| int(stake, "amount") != 0) {
        teller.lines.add("frozen-balance", money(int(stake, "amount"))).remark(format!("for {}", kind(stake)));
    }
    let ending = teller.list(value, "unfrozenV2");
    for stake in teller.some(ending, "stakes that end") {
        let until = crate::show_payment::seconds(u64::try_from(int(stake, "unfreeze_expire_time") / 1000).unwrap_or(0));
        let line = teller.lines.add("unfreeze-balance", money(int(stake, "unfreeze_amount")));
        line.remark(format!("of {}, free at {until}", kind(stake)));
    }
    let older = teller.list(value, "frozen");
    for stake in teller.some(older, "older stakes") {
        teller.lines.add("frozen-balance", money(int(stake, "frozen_balance"))).remark("an older stake");
    }
    let votes = teller.list(value, "votes");
    for vote in teller.some(votes, "votes") {
        let count = format!("{} votes", int(vote, "vote_count"));
        match text(vote, "vote_address").and_then(spelling::address) {
            Some(address) => {
                teller.address("vote", address).also_remark(count);
            }
            None => teller.wrong("votes", vote, "an address and a count"),
        }
    }
    let tokens = teller.list(value, "assetV2");
    for token in teller.some(tokens, "tokens") {
        let name = text(token, "key").unwrap_or("?");
        teller.lines.add("asset-name", name).remark(format!("{} pieces", int(token, "value")));
    }
}

/// Who rules an account.
enum Who {
    Own,
    /// How many keys it takes.
    Others(String),
}

/// One permission in a group of its own: who can sign by it, how many of them, and for what.
fn permission_of(teller: &mut Teller, name: &str, value: &Value, account: Option<Address>) -> Who {
    let id = int(value, "id");
    teller.group(if id > 0 { format!("{name}, id {id}") } else { name.to_owned() });
    let Some(permission) = read(value) else {
        teller.wrong("permission", value, "a permission with keys and a threshold");
        return Who::Others("a permission that can't be read".to_owned());
    };
    transactions::permission(&mut teller.lines, &permission, account, teller.around, NOTE);
    let needs = needs(&permission);
    teller.lines.add("needs", &needs);
    let own: i64 = permission
        .messages("keys")
        .filter(|key| account.is_some() && key.address("address") == account)
        .map(|key| key.int("weight"))
        .fold(0, i64::saturating_add);
    if own >= permission.int("threshold").max(1) { Who::Own } else { Who::Others(needs) }
}

/// Whether keys that are not the account's own are enough by themselves.
fn strangers(value: &Value, account: Option<Address>) -> bool {
    let Some(permission) = read(value) else { return false };
    let foreign = permission.messages("keys").filter(|key| key.address("address") != account);
    foreign.map(|key| key.int("weight")).fold(0, i64::saturating_add) >= permission.int("threshold").max(1)
}

/// The permission with this id as the account has it now: 0 the owner's, 1 a representative's, else an active one.
pub(in crate::inspect) fn permission_now(teller: &mut Teller, account: &Value, id: i64) {
    let found = match id {
        0 => at(account, "owner_permission"),
        1 => at(account, "witness_permission"),
        id => list(account, "active_permission").iter().find(|one| int(one, "id") == i128::from(id)),
    };
    match found {
        Some(permission) => {
            let address = text(account, "address").and_then(spelling::address);
            permission_of(teller, "the permission, as it is now", permission, address);
        }
        None => {
            teller.group("the permission, as it is now");
            teller.lines.add("permission-id", id).remark("the account has none of this id now").weight(WARN);
        }
    }
}

fn read(value: &Value) -> Option<Message> {
    match foreign::read_json(&PERMISSION, value, false) {
        foreign::Value::Message(permission) => Some(permission),
        _ => None,
    }
}

/// How many of its keys have to sign together, the heaviest first.
fn needs(permission: &Message) -> String {
    let mut weights: Vec<i64> = permission.messages("keys").map(|key| key.int("weight")).collect();
    weights.sort_unstable_by(|a, b| b.cmp(a));
    let threshold = permission.int("threshold").max(1);
    let mut sum = 0_i64;
    let count = weights.len();
    let enough = weights.iter().position(|weight| {
        sum = sum.saturating_add(*weight);
        sum >= threshold
    });
    let keys = if count == 1 { "key" } else { "keys" };
    match enough {
        Some(at) => format!("{} of {count} {keys}", at + 1),
        None => format!("more than its {count} {keys} can give: nobody can sign by it"),
    }
}

/// Who signed a transaction so far (getsignweight), and whether that is enough.
pub(super) fn sign_weight(teller: &mut Teller, value: &Value) -> Option<String> {
    let permission = at(value, "permission");
    teller.group("signed so far");
    let weight = int(value, "current_weight");
    let threshold = permission.map_or(0, |permission| int(permission, "threshold"));
    let line = teller.lines.add("signed-weight", format!("{weight} of {threshold}"));
    let enough = threshold > 0 && weight >= threshold;
    line.weight(if enough { GOOD } else { WARN });
    approved(teller, value);
    let code = refusal(teller, value);
    if let Some(permission) = permission {
        let owner = teller.inner.as_ref().and_then(|tx| tx.owner());
        permission_of(teller, "permission", permission, owner);
    }
    let how = match (enough, code) {
        (true, None) => "enough".to_owned(),
        (_, Some(code)) => format!("not enough ({code})"),
        (false, None) => "not enough".to_owned(),
    };
    Some(format!("Who signed a transaction so far (getsignweight): a weight of {weight} of {threshold}, {how}."))
}

/// Who signed a transaction so far (getapprovedlist).
pub(super) fn approved_list(teller: &mut Teller, value: &Value) -> Option<String> {
    teller.group("signed so far");
    approved(teller, value);
    refusal(teller, value);
    let count = list(value, "approved_list").len();
    let signers = if count == 1 { "signer" } else { "signers" };
    Some(format!("Who signed a transaction so far (getapprovedlist): {count} {signers}."))
}

fn approved(teller: &mut Teller, value: &Value) {
    let all = teller.list(value, "approved_list");
    for signer in teller.some(all, "signers") {
        match signer.as_str().and_then(spelling::address) {
            Some(address) => {
                teller.address("signer", address);
            }
            None => teller.wrong("approved_list", signer, "an address"),
        }
    }
}

/// The code of `result` and its words, as lines and as a finding. Answers the code.
pub(super) fn refusal(teller: &mut Teller, value: &Value) -> Option<String> {
    let result = at(value, "result")?;
    let code = text(result, "code").or_else(|| text(value, "code")).filter(|code| *code != "SUCCESS")?;
    let message = text(result, "message").or_else(|| text(value, "message")).map(spelling::words);
    said(teller, code, message.as_deref());
    Some(code.to_owned())
}

/// What a node says against something: its code in words, and its message.
pub(super) fn said(teller: &mut Teller, code: &str, message: Option<&str>) {
    let words = super::said::code_words(code);
    let line = teller.lines.add("code", code);
    if let Some(words) = &words {
        line.remark(words.clone());
    }
    if code == "NOT_ENOUGH_PERMISSION" {
        return teller.findings.push(found("moreToSign", WARN, &[]));
    }
    let message = message.unwrap_or_default();
    if !message.is_empty() {
        teller.lines.add("nodes-words", message);
    }
    let busy = super::send::is_busy(code, message);
    let (finding, weight) = if busy { ("nodeBusy", WARN) } else { ("nodeRefused", WARN) };
    let words = words.unwrap_or_else(|| "its own code".to_owned());
    let message = if message.is_empty() { String::new() } else { format!(" The node says: “{message}”.") };
    teller.findings.push(found(finding, weight, &[("code", code), ("words", &words), ("message", &message)]));
}
