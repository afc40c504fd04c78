//! Questions about accounts: what they hold, what they may use, who can sign for them, what they staked and lent.

use super::json::{Answer, Args, Form, NodeError};
use super::positive;
use crate::chain::{Chain, FREE_BANDWIDTH, View};
use crate::permission::{Permission, Permissions};
use crate::stake::{Both, Lent, MAX_UNFREEZES, Resource};
use crate::world::Account;
use serde_json::{Map, Value, json};
use tron::Address;

/// How long use takes to come back, in blocks: a day.
const WINDOW: u64 = 28_800;

pub fn account(chain: &Chain, view: View, args: &Args) -> Answer {
    let form = args.form();
    let found = args.account("address")?.and_then(|address| Some((address, chain.account(view, address)?)));
    let Some((address, account)) = found else { return Ok(json!({})) };
    let now = chain.now_ms();
    let mut json = Map::new();
    if !account.name.is_empty() {
        json.insert("account_name".into(), form.text(&account.name));
    }
    if account.contract.is_some() {
        json.insert("type".into(), "Contract".into());
    }
    json.insert("address".into(), form.address(address));
    positive(&mut json, "balance", chain.state(view).balance(address));
    positive(&mut json, "create_time", account.created_ms.unwrap_or_default());
    positive(&mut json, "latest_opration_time", account.operated_ms.unwrap_or_default());
    positive(&mut json, "net_usage", account.net.at(now));
    positive(&mut json, "latest_consume_time", account.net.last_ms().unwrap_or_default());
    positive(&mut json, "free_net_usage", account.free.at(now));
    positive(&mut json, "latest_consume_free_time", account.free.last_ms().unwrap_or_default());
    json.insert("net_window_size".into(), WINDOW.into());
    let mut energy = Map::new();
    positive(&mut energy, "energy_usage", account.energy.at(now));
    positive(&mut energy, "latest_consume_time_for_energy", account.energy.last_ms().unwrap_or_default());
    energy.insert("energy_window_size".into(), WINDOW.into());
    staked(&mut json, &mut energy, account);
    json.insert("account_resource".into(), Value::Object(energy));
    // Contracts have no keys, and what was there before the first block shows its permissions once they were changed.
    let own = || account.created_ms.filter(|_| account.contract.is_none()).map(|_| Permissions::of_own_key(address));
    if let Some(permissions) = account.permissions.as_deref().cloned().or_else(own) {
        json.insert("owner_permission".into(), permission(&permissions.owner, form));
        let actives = permissions.actives.iter().map(|active| permission(active, form)).collect();
        json.insert("active_permission".into(), actives);
    }
    if account.operated_ms.is_some() || account.created_ms.is_none() {
        json.insert("asset_optimized".into(), true.into());
    }
    Ok(Value::Object(json))
}

fn staked(json: &mut Map<String, Value>, energy: &mut Map<String, Value>, account: &Account) {
    let stake = &account.stake;
    let frozen = |kind: Option<&str>, sun: u64| {
        let mut one = Map::new();
        if let Some(kind) = kind {
            one.insert("type".into(), kind.into());
        }
        positive(&mut one, "amount", sun);
        Value::Object(one)
    };
    let own = [(None, stake.own.bandwidth), (Some("ENERGY"), stake.own.energy), (Some("TRON_POWER"), 0)];
    json.insert("frozenV2".into(), own.into_iter().map(|(kind, sun)| frozen(kind, sun)).collect());
    if !stake.unfreezing.is_empty() {
        let each = stake.unfreezing.iter().map(|one| {
            let mut shown = Map::new();
            if one.resource == Resource::Energy {
                shown.insert("type".into(), "ENERGY".into());
            }
            positive(&mut shown, "unfreeze_amount", one.sun);
            positive(&mut shown, "unfreeze_expire_time", one.ready_ms);
            Value::Object(shown)
        });
        json.insert("unfrozenV2".into(), each.collect());
    }
    positive(json, "delegated_frozenV2_balance_for_bandwidth", stake.lent(Resource::Bandwidth));
    positive(json, "acquired_delegated_frozenV2_balance_for_bandwidth", stake.borrowed.bandwidth);
    positive(energy, "delegated_frozenV2_balance_for_energy", stake.lent(Resource::Energy));
    positive(energy, "acquired_delegated_frozenV2_balance_for_energy", stake.borrowed.energy);
    if stake.begun {
        json.insert("old_tron_power".into(), (-1).into());
    }
}

pub fn permission(permission: &Permission, form: Form) -> Value {
    let keys = permission.keys.iter().map(|key| json!({ "address": form.address(key.address), "weight": key.weight }));
    let mut json = Map::new();
    if permission.id > 0 {
        json.insert("type".into(), "Active".into());
        json.insert("id".into(), permission.id.into());
        json.insert("operations".into(), hex::encode(&permission.operations).into());
    }
    json.insert("permission_name".into(), permission.name.clone().into());
    json.insert("threshold".into(), permission.threshold.into());
    json.insert("keys".into(), keys.collect());
    Value::Object(json)
}

/// `getaccountresource`, and `getaccountnet` without what is said of energy.
pub fn resources(chain: &Chain, view: View, args: &Args, with_energy: bool) -> Answer {
    let found = args.account("address")?.and_then(|address| Some((address, chain.account(view, address)?)));
    let Some((address, account)) = found else { return Ok(json!({})) };
    let (world, now) = (chain.world(view), chain.now_ms());
    let mut json = Map::new();
    positive(&mut json, "freeNetUsed", account.free.at(now));
    json.insert("freeNetLimit".into(), FREE_BANDWIDTH.into());
    positive(&mut json, "NetUsed", account.net.at(now));
    positive(&mut json, "NetLimit", world.limit(address, Resource::Bandwidth));
    json.insert("TotalNetLimit".into(), Resource::Bandwidth.total().into());
    positive(&mut json, "TotalNetWeight", world.weight(Resource::Bandwidth));
    if with_energy {
        positive(&mut json, "EnergyUsed", account.energy.at(now));
        positive(&mut json, "EnergyLimit", chain.energy_limit_at(view, address));
        json.insert("TotalEnergyLimit".into(), Resource::Energy.total().into());
        positive(&mut json, "TotalEnergyWeight", world.weight(Resource::Energy));
    }
    Ok(Value::Object(json))
}

/// `getaccountbalance`: the head's, as the devnet keeps no older balances.
pub fn balance(chain: &Chain, args: &Args) -> Answer {
    let text = args.json().pointer("/account_identifier/address").and_then(Value::as_str);
    let bytes = args.form().read("address", text.ok_or_else(|| NodeError::missing("account_identifier"))?)?;
    let block = args.get("block_identifier").cloned().unwrap_or_default();
    let number = block.get("number").and_then(Value::as_u64).ok_or_else(|| NodeError::missing("block_identifier"))?;
    let hash = block.get("hash").and_then(Value::as_str).unwrap_or_default();
    if number > chain.tip(View::Head) || hex::encode(chain.blocks.id(number)) != hash {
        return Err(NodeError::other("block_identifier.hash and number do not match"));
    }
    let mut json = Map::new();
    let balance = Address::from_bytes21(&bytes).map(|address| chain.head.state.balance(address));
    positive(&mut json, "balance", balance.unwrap_or_default());
    json.insert("block_identifier".into(), block);
    Ok(Value::Object(json))
}

/// `validateaddress`.
pub fn validate(args: &Args) -> Value {
    let text = args.text("address").unwrap_or_default();
    let (valid, words) = match text.len() {
        42 if Address::parse(text).is_ok() => (true, "Hex string format"),
        34 if Address::parse(text).is_ok() => (true, "Base58check format"),
        42 | 34 => (false, "Invalid address"),
        _ => (false, "Length error"),
    };
    json!({ "result": valid, "message": words })
}

/// `getdelegatedresourcev2`: what one account lent to another, the locked part by itself.
pub fn delegated(chain: &Chain, view: View, args: &Args) -> Answer {
    let (form, from, to) = (args.form(), args.account("fromAddress")?, args.account("toAddress")?);
    let lent = from.zip(to).and_then(|(from, to)| Some((from, to, *chain.account(view, from)?.stake.lent.get(&to)?)));
    let Some((from, to, Lent { sun, until_ms })) = lent else { return Ok(json!({})) };
    let now = chain.now_ms();
    let part = |locked: bool| {
        let held = |resource| if (until_ms.get(resource) > now) == locked { sun.get(resource) } else { 0 };
        let sun = Both { bandwidth: held(Resource::Bandwidth), energy: held(Resource::Energy) };
        (!sun.is_nothing()).then(|| {
            let mut json = Map::new();
            json.insert("from".into(), form.address(from));
            json.insert("to".into(), form.address(to));
            positive(&mut json, "frozen_balance_for_bandwidth", sun.bandwidth);
            positive(&mut json, "frozen_balance_for_energy", sun.energy);
            if locked {
                positive(
                    &mut json,
                    "expire_time_for_bandwidth",
                    if sun.bandwidth > 0 { until_ms.bandwidth } else { 0 },
                );
                positive(&mut json, "expire_time_for_energy", if sun.energy > 0 { until_ms.energy } else { 0 });
            }
            Value::Object(json)
        })
    };
    let parts: Vec<_> = [part(false), part(true)].into_iter().flatten().collect();
    Ok(json!({ "delegatedResource": parts }))
}

/// `getdelegatedresourceaccountindexv2`: to whom an account lent, and who lent to it.
pub fn delegations(chain: &Chain, view: View, args: &Args) -> Answer {
    let form = args.form();
    let Some(of) = args.account("value")? else { return Ok(json!({})) };
    let list = |addresses: Vec<Address>| addresses.into_iter().map(|address| form.address(address)).collect::<Vec<_>>();
    let accounts = &chain.world(view).accounts;
    let to = chain.account(view, of).map(|account| account.stake.lent.keys().copied().collect()).unwrap_or_default();
    let mut from: Vec<_> =
        accounts.iter().filter(|(_, other)| other.stake.lent.contains_key(&of)).map(|(address, _)| *address).collect();
    from.sort_unstable();
    let mut json = Map::from_iter([("account".to_owned(), form.address(of))]);
    for (name, addresses) in [("fromAccounts", list(from)), ("toAccounts", list(to))] {
        if !addresses.is_empty() {
            json.insert(name.into(), addresses.into());
        }
    }
    Ok(Value::Object(json))
}

/// `getcandelegatedmaxsize`.
pub fn lendable(chain: &Chain, view: View, args: &Args) -> Answer {
    let resource = Resource::of_number(args.signed("type")?.unwrap_or_default());
    let resource = resource.ok_or_else(|| NodeError::other("type: expected 0 for bandwidth or 1 for energy"))?;
    let account = args.account("owner_address")?.and_then(|of| chain.account(view, of));
    let mut json = Map::new();
    positive(&mut json, "max_size", account.map_or(0, |account| account.stake.own.get(resource)));
    Ok(Value::Object(json))
}

/// `getavailableunfreezecount`.
pub fn unfreezes_left(chain: &Chain, view: View, args: &Args) -> Answer {
    let account = args.account("owner_address")?.and_then(|of| chain.account(view, of));
    let now = chain.now_ms();
    let waiting = |account: &Account| account.stake.unfreezing.iter().filter(|one| one.ready_ms > now).count();
    let mut json = Map::new();
    let left = account.map_or(0, |account| MAX_UNFREEZES.saturating_sub(waiting(account)));
    positive(&mut json, "count", u64::try_from(left).unwrap_or_default());
    Ok(Value::Object(json))
}

/// `getcanwithdrawunfreezeamount`.
pub fn withdrawable(chain: &Chain, view: View, args: &Args) -> Answer {
    let account = args.account("owner_address")?.and_then(|of| chain.account(view, of));
    let at_ms = args.number("timestamp")?.unwrap_or_default();
    let mut json = Map::new();
    positive(&mut json, "amount", account.map_or(0, |account| account.stake.ready(at_ms)));
    Ok(Value::Object(json))
}
