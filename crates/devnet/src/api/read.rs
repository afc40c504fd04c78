//! Questions about accounts, blocks, transactions and the node itself. Changes nothing.

use super::json::{Answer, Args, Form, NodeError, show, wrong};
use crate::chain::{
    BYTE_PRICE_SUN, CREATE_ACCOUNT_SUN, CREATE_BANDWIDTH_SUN, Chain, FREE_BANDWIDTH, MAX_FEE_LIMIT_SUN, View,
};
use crate::history::Entry;
use crate::vm::Ended;
use revm::primitives::Log;
use serde_json::{Map, Value, json};
use tron::{Address, TxId};

/// How many blocks a list holds at most.
const MAX_LIST: u64 = 100;

pub fn account(chain: &Chain, view: View, args: &Args) -> Answer {
    let (form, address) = (args.form(), args.address("address")?);
    let Some(account) = chain.account(view, address) else { return Ok(json!({})) };
    let mut json = Map::new();
    json.insert("address".into(), form.address(address));
    positive(&mut json, "balance", chain.state(view).balance(address));
    json.insert("create_time".into(), account.created_ms.into());
    positive(&mut json, "free_net_usage", account.used_bandwidth(chain.now_ms()));
    json.insert("net_window_size".into(), 28_800_000.into());
    json.insert("net_window_optimized".into(), true.into());
    json.insert(
        "account_resource".into(),
        json!({ "energy_window_size": 28_800_000, "energy_window_optimized": true }),
    );
    json.insert("owner_permission".into(), permission(address, form));
    json.insert("frozenV2".into(), json!([{}, { "type": "ENERGY" }, { "type": "TRON_POWER" }]));
    json.insert("asset_optimized".into(), true.into());
    Ok(Value::Object(json))
}

pub fn permission(address: Address, form: Form) -> Value {
    let keys = json!([{ "address": form.address(address), "weight": 1 }]);
    json!({ "permission_name": "owner", "threshold": 1, "keys": keys })
}

pub fn resources(chain: &Chain, view: View, args: &Args) -> Answer {
    let Some(account) = chain.account(view, args.address("address")?) else { return Ok(json!({})) };
    let mut json = Map::new();
    positive(&mut json, "freeNetUsed", account.used_bandwidth(chain.now_ms()));
    json.insert("freeNetLimit".into(), FREE_BANDWIDTH.into());
    json.insert("TotalNetLimit".into(), 43_200_000_000_u64.into());
    positive(&mut json, "EnergyUsed", account.used_energy(chain.now_ms()));
    positive(&mut json, "EnergyLimit", account.energy_limit);
    json.insert("TotalEnergyLimit".into(), 180_000_000_000_u64.into());
    Ok(Value::Object(json))
}

pub fn parameters(chain: &Chain) -> Value {
    let parameters = [
        ("getMaintenanceTimeInterval", 21_600_000),
        ("getCreateAccountFee", CREATE_BANDWIDTH_SUN),
        ("getTransactionFee", BYTE_PRICE_SUN),
        ("getCreateNewAccountFeeInSystemContract", CREATE_ACCOUNT_SUN),
        ("getEnergyFee", chain.energy_price_sun),
        ("getFreeNetLimit", FREE_BANDWIDTH),
        ("getMaxFeeLimit", MAX_FEE_LIMIT_SUN),
        ("getMaxCpuTimeOfOneTx", 80),
        ("getAllowOptimizedReturnValueOfChainId", 1),
    ];
    let list: Vec<_> = parameters.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
    json!({ "chainParameter": list })
}

/// `getnodeinfo`; clients read the two blocks from it.
pub fn node_info(chain: &Chain) -> Value {
    let block = |view| {
        let number = chain.tip(view);
        format!("Num:{number},ID:{}", hex::encode(chain.blocks.id(number)))
    };
    json!({
        "beginSyncNum": chain.tip(View::Head),
        "block": block(View::Head),
        "solidityBlock": block(View::Solid),
        "currentConnectCount": 0,
        "activeConnectCount": 0,
        "passiveConnectCount": 0,
        "configNodeInfo": { "codeVersion": concat!("countersign-devnet-", env!("CARGO_PKG_VERSION")) },
    })
}

pub fn contract(chain: &Chain, args: &Args, with_code: bool) -> Answer {
    let (form, address) = (args.form(), args.address("value")?);
    let Some(contract) = chain.contracts.get(&address) else { return Ok(json!({})) };
    let about = json!({
        "origin_address": form.address(crate::genesis::FAUCET),
        "contract_address": form.address(address),
        "abi": contract.abi,
        "bytecode": contract.creation,
        "consume_user_resource_percent": 100,
        "name": contract.name,
        "origin_energy_limit": 10_000_000,
        "code_hash": chain.code_hash(address),
    });
    if !with_code {
        return Ok(about);
    }
    let runtime = hex::encode(chain.state(View::Head).code(address));
    Ok(json!({ "smart_contract": about, "runtimecode": runtime, "contract_state": {} }))
}

/// `getnowblock`, `getblock`, `getblockbynum`, `getblockbyid`: the block that `number` asks for, or `{}`.
pub fn block(chain: &Chain, view: View, number: Option<u64>, detail: bool, form: Form) -> Value {
    match number {
        Some(number) if number <= chain.tip(view) => block_json(chain, number, detail, form).unwrap_or_default(),
        _ => json!({}),
    }
}

/// `getblock`: by number, by id, or the last one.
pub fn block_by_either(chain: &Chain, view: View, args: &Args) -> Answer {
    let number = match args.get("id_or_num") {
        None => Some(chain.tip(view)),
        Some(_) => match args.number("id_or_num") {
            Ok(number) => number,
            Err(_) => args.id("id_or_num")?.and_then(|id| chain.blocks.find(&id)),
        },
    };
    Ok(block(chain, view, number, args.flag("detail", false), args.form()))
}

/// `getblockbylimitnext` (the end is not in it) and `getblockbylatestnum`.
pub fn blocks(chain: &Chain, view: View, first: u64, end: u64, form: Form) -> Answer {
    if end <= first || end - first > MAX_LIST {
        return Err(wrong(format!("expected 1 to {MAX_LIST} blocks")));
    }
    let end = end.min(chain.tip(view) + 1);
    let list: Vec<_> = (first..end).filter_map(|number| block_json(chain, number, true, form)).collect();
    Ok(json!({ "block": list }))
}

fn block_json(chain: &Chain, number: u64, detail: bool, form: Form) -> Option<Value> {
    let timestamp = chain.blocks.time_ms(number)?;
    let mut raw = Map::new();
    positive(&mut raw, "number", number);
    raw.insert("txTrieRoot".into(), "0".repeat(64).into());
    raw.insert("witness_address".into(), form.address(crate::genesis::FAUCET));
    let parent = number.checked_sub(1).map_or([0; 32], |parent| chain.blocks.id(parent));
    raw.insert("parentHash".into(), hex::encode(parent).into());
    positive(&mut raw, "version", if number > 0 { 31 } else { 0 });
    positive(&mut raw, "timestamp", timestamp);
    let mut json = json!({ "blockID": hex::encode(chain.blocks.id(number)), "block_header": { "raw_data": raw } });
    let list: Vec<_> = chain.history.of_block(number).map(|entry| transaction_json(entry, form)).collect();
    if let (Some(map), true, false) = (json.as_object_mut(), detail, list.is_empty()) {
        map.insert("transactions".into(), list.into());
    }
    Some(json)
}

pub fn transaction(chain: &Chain, view: View, args: &Args) -> Answer {
    Ok(find(chain, view, args)?.map_or_else(|| json!({}), |entry| transaction_json(entry, args.form())))
}

pub fn receipt(chain: &Chain, view: View, args: &Args) -> Answer {
    Ok(find(chain, view, args)?.map_or_else(|| json!({}), |entry| receipt_json(entry, args.form())))
}

pub fn receipts_of_block(chain: &Chain, view: View, args: &Args) -> Answer {
    let number = args.number("num")?.unwrap_or_default();
    if number > chain.tip(view) {
        return Ok(json!([]));
    }
    Ok(chain.history.of_block(number).map(|entry| receipt_json(entry, args.form())).collect())
}

fn find<'a>(chain: &'a Chain, view: View, args: &Args) -> Result<Option<&'a Entry>, NodeError> {
    let id = args.id("value")?;
    Ok(id.and_then(|id| chain.entry(view, &TxId::from_bytes(id))))
}

fn transaction_json(entry: &Entry, form: Form) -> Value {
    let mut json = show(&entry.transaction.raw, &entry.transaction.signatures, form);
    if let Some(map) = json.as_object_mut() {
        map.insert("ret".into(), json!([{ "contractRet": entry.ended().name() }]));
    }
    json
}

fn receipt_json(entry: &Entry, form: Form) -> Value {
    let mut json = Map::new();
    json.insert("id".into(), entry.transaction.id().to_string().into());
    positive(&mut json, "fee", entry.costs.total());
    json.insert("blockNumber".into(), entry.block.into());
    json.insert("blockTimeStamp".into(), entry.block_ms.into());
    let output = entry.outcome.as_ref().map(|outcome| hex::encode(&outcome.output)).unwrap_or_default();
    json.insert("contractResult".into(), json!([output]));
    let mut receipt = Map::new();
    positive(&mut receipt, "net_usage", entry.costs.bandwidth_used);
    positive(&mut receipt, "net_fee", entry.costs.bandwidth_fee);
    if let Some(outcome) = &entry.outcome {
        positive(&mut receipt, "energy_usage", entry.costs.energy_used);
        positive(&mut receipt, "energy_fee", entry.costs.energy_fee);
        positive(&mut receipt, "energy_usage_total", outcome.energy);
        receipt.insert("result".into(), outcome.ended.name().into());
        if let tron::tx::Contract::Trigger { contract, .. } = &entry.transaction.raw.contract {
            json.insert("contract_address".into(), form.address(*contract));
        }
        if outcome.ended != Ended::Success {
            json.insert("result".into(), "FAILED".into());
            json.insert("resMessage".into(), form.text(outcome.ended.message()));
        }
        if !outcome.logs.is_empty() {
            json.insert("log".into(), outcome.logs.iter().map(log_json).collect());
        }
    }
    json.insert("receipt".into(), Value::Object(receipt));
    Value::Object(json)
}

/// Log addresses are 20 bytes in hex without 41, whatever `visible` says.
fn log_json(log: &Log) -> Value {
    json!({
        "address": hex::encode(log.address),
        "topics": log.topics().iter().map(hex::encode).collect::<Vec<_>>(),
        "data": hex::encode(&log.data.data),
    })
}

/// Nodes leave zeros out.
fn positive(json: &mut Map<String, Value>, name: &str, value: u64) {
    if value > 0 {
        json.insert(name.into(), value.into());
    }
}
