//! What a node says of its chain and of itself: prices and other parameters, the last blocks, the contracts.

use super::json::{Answer, Args};
use super::{blocks, positive};
use crate::chain::{
    BLOCK_MS, BYTE_PRICE_SUN, CREATE_ACCOUNT_SUN, CREATE_BANDWIDTH_SUN, Chain, FREE_BANDWIDTH, MAX_FEE_LIMIT_SUN,
    MEMO_SUN, View,
};
use crate::permission::{MULTI_SIGN_SUN, UPDATE_SUN};
use crate::stake::{TOTAL_BANDWIDTH, TOTAL_ENERGY, UNFREEZE_DAYS};
use revm::primitives::keccak256;
use serde_json::{Map, Value, json};

const MAINTENANCE_MS: u64 = 21_600_000;

/// `getchainparameters`: those that say how the devnet behaves.
pub fn parameters(chain: &Chain) -> Value {
    let parameters = [
        ("getMaintenanceTimeInterval", MAINTENANCE_MS),
        ("getCreateAccountFee", CREATE_BANDWIDTH_SUN),
        ("getTransactionFee", BYTE_PRICE_SUN),
        ("getCreateNewAccountFeeInSystemContract", CREATE_ACCOUNT_SUN),
        ("getCreateNewAccountBandwidthRate", 1),
        ("getAllowCreationOfContracts", 1),
        ("getEnergyFee", chain.energy_price_sun),
        ("getMaxCpuTimeOfOneTx", 80),
        ("getTotalEnergyLimit", TOTAL_ENERGY),
        ("getTotalEnergyCurrentLimit", TOTAL_ENERGY),
        ("getAllowMultiSign", 1),
        ("getUpdateAccountPermissionFee", UPDATE_SUN),
        ("getMultiSignFee", MULTI_SIGN_SUN),
        ("getForbidTransferToContract", 1),
        ("getMaxFeeLimit", MAX_FEE_LIMIT_SUN),
        ("getFreeNetLimit", FREE_BANDWIDTH),
        ("getTotalNetLimit", TOTAL_BANDWIDTH),
        ("getMemoFee", MEMO_SUN),
        ("getUnfreezeDelayDays", UNFREEZE_DAYS),
        ("getAllowOptimizedReturnValueOfChainId", 1),
        ("getAllowTvmShangHai", 1),
        ("getAllowCancelAllUnfreezeV2", 1),
        ("getAllowTvmCancun", 1),
    ];
    // What is off has a name and no value.
    let off = ["getAllowTransactionFeePool", "getAllowDynamicEnergy"].map(|key| json!({ "key": key }));
    let on = parameters.iter().map(|(key, value)| json!({ "key": key, "value": value }));
    json!({ "chainParameter": on.chain(off).collect::<Vec<_>>() })
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
        "totalFlow": 0,
        "peerList": [],
        "configNodeInfo": {
            "codeVersion": concat!("countersign-devnet-", env!("CARGO_PKG_VERSION")),
            "supportConstant": true,
        },
    })
}

/// `getnextmaintenancetime`.
pub fn maintenance(chain: &Chain) -> Value {
    json!({ "num": (chain.now_ms() / MAINTENANCE_MS + 1) * MAINTENANCE_MS })
}

/// `getburntrx`: what the fees of the transactions came to that are still remembered.
pub fn burnt(chain: &Chain) -> Value {
    json!({ "burnTrxAmount": chain.history.newest_first().map(|entry| entry.costs.total()).sum::<u64>() })
}

/// `listwitnesses`.
pub fn witnesses(chain: &Chain, args: &Args) -> Value {
    let head = chain.blocks.head();
    json!({ "witnesses": [{
        "address": args.form().address(blocks::witness()),
        "voteCount": 100,
        "url": "http://127.0.0.1",
        "totalProduced": head,
        "latestBlockNum": head,
        "latestSlotNum": chain.blocks.head_ms() / BLOCK_MS,
        "isJobs": true,
    }] })
}

/// `getcontract`, and `getcontractinfo` with the code that runs.
pub fn contract(chain: &Chain, args: &Args, with_code: bool) -> Answer {
    let form = args.form();
    let found =
        args.account("value")?.and_then(|address| Some((address, chain.head.account(address)?.contract.as_ref()?)));
    let Some((address, contract)) = found else { return Ok(json!({})) };
    let code = chain.head.state.code(address);
    let mut about = Map::new();
    about.insert("bytecode".into(), contract.creation.clone().into());
    positive(&mut about, "consume_user_resource_percent", contract.user_percent);
    if !contract.name.is_empty() {
        about.insert("name".into(), contract.name.clone().into());
    }
    about.insert("origin_address".into(), form.address(contract.origin));
    about.insert("abi".into(), contract.abi.clone());
    positive(&mut about, "origin_energy_limit", contract.origin_energy_limit);
    about.insert("contract_address".into(), form.address(address));
    about.insert("code_hash".into(), hex::encode(keccak256(&code)).into());
    about.insert("version".into(), 1.into());
    if !with_code {
        return Ok(Value::Object(about));
    }
    let state = json!({ "update_cycle": chain.now_ms() / MAINTENANCE_MS });
    Ok(json!({ "smart_contract": about, "runtimecode": hex::encode(code), "contract_state": state }))
}
