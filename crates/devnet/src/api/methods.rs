//! Every method of `wallet/` and `walletsolidity/` by its name.

use super::json::{Args, NodeError};
use super::{Node, about, account, blocks, build, contract, receipts, send};
use crate::busy::Work;
use crate::chain::View;
use serde_json::{Value, json};

/// The answer; `None`: there is no such method.
pub fn answer(node: &Node, view: View, method: &str, args: &Args) -> Result<Option<Value>, NodeError> {
    let form = args.form();
    match (view, method) {
        (_, "triggerconstantcontract" | "estimateenergy") if node.is_busy(Work::TrialRun) => {
            return Ok(Some(contract::out_of_time(form)));
        }
        // What can be said about a transaction without the chain is said before it is locked.
        (View::Head, "broadcasttransaction") => return send::json(node, args).map(Some),
        (View::Head, "broadcasthex") => return send::hex(node, args).map(Some),
        _ => {}
    }
    let chain = &*node.chain();
    let tip = chain.tip(view);
    // A negative number is none.
    let count =
        |name: &str| args.signed(name).map(|number| u64::try_from(number.unwrap_or_default()).unwrap_or_default());
    let answer = match method {
        "getnowblock" => Ok(blocks::block(chain, view, Some(tip), true, form)),
        "getblock" => blocks::by_either(chain, view, args),
        "getblockbynum" => blocks::by_number(chain, view, args),
        "getblockbyid" => {
            let number = args.id("value")?.and_then(|id| chain.blocks.find(&id));
            Ok(blocks::block(chain, view, number, true, form))
        }
        "getblockbylimitnext" => Ok(blocks::list(chain, view, count("startNum")?, count("endNum")?, form)),
        "getblockbylatestnum" => Ok(blocks::list(chain, view, (tip + 1).saturating_sub(count("num")?), tip + 1, form)),
        "gettransactioncountbyblocknum" => blocks::count(chain, view, args),
        "gettransactionbyid" => receipts::find(chain, view, args),
        "gettransactioninfobyid" => receipts::receipt(node, chain, view, args),
        "gettransactioninfobyblocknum" => receipts::of_block(chain, view, args),
        "getaccount" => account::account(chain, view, args),
        "getaccountresource" => account::resources(chain, view, args, true),
        "getaccountnet" => account::resources(chain, view, args, false),
        "getdelegatedresourcev2" => account::delegated(chain, view, args),
        "getdelegatedresourceaccountindexv2" => account::delegations(chain, view, args),
        "getcandelegatedmaxsize" => account::lendable(chain, view, args),
        "getavailableunfreezecount" => account::unfreezes_left(chain, view, args),
        "getcanwithdrawunfreezeamount" => account::withdrawable(chain, view, args),
        // Nobody votes here.
        "getReward" => Ok(json!({ "reward": 0 })),
        "getenergyprices" => Ok(json!({ "prices": format!("0:{}", chain.energy_price_sun) })),
        "getbandwidthprices" => Ok(json!({ "prices": format!("0:{}", crate::chain::BYTE_PRICE_SUN) })),
        "getburntrx" => Ok(about::burnt(chain)),
        "listwitnesses" => Ok(about::witnesses(chain, args)),
        "getnodeinfo" => Ok(about::node_info(chain)),
        "getcontract" => about::contract(chain, args, false),
        "getcontractinfo" => about::contract(chain, args, true),
        "triggerconstantcontract" => contract::simulate(chain, view, args),
        "estimateenergy" => contract::estimate(chain, view, args),
        // The rest makes or takes transactions or tells of those that wait, which a solidity node does not.
        _ if view == View::Solid => return Ok(None),
        "getchainparameters" => Ok(about::parameters(chain)),
        "getnextmaintenancetime" => Ok(about::maintenance(chain)),
        "getaccountbalance" => account::balance(chain, args),
        "validateaddress" => Ok(account::validate(args)),
        "listnodes" | "listproposals" | "totaltransaction" => Ok(json!({})),
        "getpendingsize" => Ok(json!({ "pendingSize": chain.pending.len() })),
        "gettransactionfrompending" => receipts::pending(chain, args),
        "gettransactionlistfrompending" => Ok(receipts::pending_ids(chain)),
        "triggersmartcontract" => contract::trigger(chain, args),
        "deploycontract" => build::deploy(chain, args),
        "getsignweight" => send::weight(chain, args),
        "getapprovedlist" => send::approved(args),
        _ => match build::by_name(chain, method, args) {
            Some(answer) => answer,
            None => return Ok(None),
        },
    };
    answer.map(Some)
}
