//! What a node checks before it takes a transaction: what the transaction's type asks of the accounts, then whether the
//! owner can pay for it. Changes nothing.

use crate::action::Action;
use crate::chain::{
    BYTE_PRICE_SUN, CREATE_ACCOUNT_SUN, CREATE_BANDWIDTH_SUN, Chain, FREE_BANDWIDTH, MAX_FEE_LIMIT_SUN, MEMO_SUN,
};
use crate::history::Costs;
use crate::incoming::Incoming;
use crate::permission::{MULTI_SIGN_SUN, UPDATE_SUN};
use crate::refusal::Refusal;
use crate::stake::{MAX_UNFREEZES, Resource, SUN_PER_TRX};
use crate::world::{Account, World};
use tron::Address;

/// The longest lock of something lent, in blocks: a year.
const MAX_LOCK_BLOCKS: u64 = 10_512_000;

/// What a transaction takes from its owner, apart from bandwidth and energy.
#[derive(Clone, Copy, Debug, Default)]
pub struct Needs {
    pub spent_sun: u64,
    /// It brings an account into being.
    pub creates: bool,
}

/// What a transaction costs before any code runs, or why it can't run.
pub fn costs(chain: &Chain, incoming: &Incoming, now_ms: u64) -> Result<Costs, Refusal> {
    let action = incoming.readable()?;
    let sent = &incoming.sent;
    let owner = sent.owner().ok_or_else(|| Refusal::Invalid("Invalid ownerAddress!".into()))?;
    let needs = check(&chain.head, owner, action, sent.fee_limit_sun(), now_ms).map_err(Refusal::Invalid)?;
    let Some(account) = chain.head.account(owner) else { return Err(Refusal::Bandwidth) };
    let balance = chain.head.state.balance(owner);
    let mut costs = Costs::default();
    if needs.creates {
        costs.creation_fee = CREATE_ACCOUNT_SUN;
    }
    let staked = chain.head.limit(owner, Resource::Bandwidth).saturating_sub(account.net.at(now_ms));
    if incoming.bytes <= staked {
        costs.net_used = incoming.bytes;
    } else if needs.creates {
        costs.bandwidth_fee = CREATE_BANDWIDTH_SUN;
    } else if account.free.at(now_ms).saturating_add(incoming.bytes) <= FREE_BANDWIDTH {
        costs.free_used = incoming.bytes;
    } else {
        costs.bandwidth_fee = incoming.bytes.saturating_mul(BYTE_PRICE_SUN);
    }
    if sent.has_memo() {
        costs.extra_fee += MEMO_SUN;
    }
    if sent.signatures.len() > 1 {
        costs.extra_fee += MULTI_SIGN_SUN;
    }
    if let Action::Permissions(_) = action {
        costs.extra_fee += UPDATE_SUN;
        if balance < UPDATE_SUN {
            let words = format!("{} insufficient balance, balance: {balance}, amount: {UPDATE_SUN}", owner.to_hex41());
            return Err(Refusal::Execution(words));
        }
    }
    if balance < needs.spent_sun.saturating_add(costs.total()) {
        return Err(Refusal::Bandwidth);
    }
    Ok(costs)
}

/// What the type of a transaction asks for, in a node's words where it is not there.
pub fn check(world: &World, owner: Address, action: &Action, fee_limit: u64, now_ms: u64) -> Result<Needs, String> {
    let Some(account) = world.account(owner) else {
        return Err(match action {
            Action::Transfer { .. } => "Validate TransferContract error, no OwnerAccount.".into(),
            Action::Call { .. } => format!("account [{owner}] does not exist"),
            Action::Create(_) => "Validate InternalTransfer error, no OwnerAccount.".into(),
            Action::Permissions(_) => "ownerAddress account does not exist".into(),
            _ => format!("Account[{}] not exists", owner.to_hex41()),
        });
    };
    let balance = world.state.balance(owner);
    let plain = Ok(Needs::default());
    match action {
        Action::Transfer { to, sun } => {
            refuse(to == &owner, "Cannot transfer TRX to yourself.")?;
            refuse(*sun == 0, "Amount must be greater than 0.")?;
            refuse(world.state.is_contract(*to), "Cannot transfer TRX to a smartContract.")?;
            let creates = world.account(*to).is_none();
            let needed = sun.saturating_add(if creates { CREATE_ACCOUNT_SUN } else { 0 });
            refuse(balance < needed, "Validate TransferContract error, balance is not sufficient.")?;
            Ok(Needs { spent_sun: *sun, creates })
        }
        Action::Call { contract, value_sun, .. } => {
            refuse(!world.state.is_contract(*contract), "No contract or not a valid smart contract")?;
            runs(balance, *value_sun, fee_limit)
        }
        Action::Create(creation) => runs(balance, creation.value_sun, fee_limit),
        Action::Activate { account } => {
            refuse(world.account(*account).is_some(), "Account has existed")?;
            let words = "Validate CreateAccountActuator error, insufficient fee.";
            refuse(balance < CREATE_ACCOUNT_SUN, words)?;
            Ok(Needs { spent_sun: 0, creates: true })
        }
        Action::Rename { name } => {
            refuse(name.len() > 200, "Invalid accountName")?;
            refuse(!account.name.is_empty(), "This account name is already existed")?;
            plain
        }
        Action::Permissions(_) => plain,
        Action::Freeze { sun, .. } => {
            refuse(*sun == 0, "frozenBalance must be positive")?;
            refuse(*sun < SUN_PER_TRX, "frozenBalance must be greater than or equal to 1 TRX")?;
            refuse(*sun > balance, "frozenBalance must be less than or equal to accountBalance")?;
            Ok(Needs { spent_sun: *sun, creates: false })
        }
        Action::Unfreeze { resource, sun } => {
            let held = account.stake.own.get(*resource);
            refuse(held == 0, &format!("no frozenBalance({})", resource.word()))?;
            refuse(*sun == 0 || *sun > held, &format!("Invalid unfreeze_balance, [{sun}] is error"))?;
            let waiting = account.stake.unfreezing.iter().filter(|one| one.ready_ms > now_ms).count();
            let words = "Invalid unfreeze operation, unfreezing times is over limit";
            refuse(waiting >= MAX_UNFREEZES, words)?;
            plain
        }
        Action::Withdraw => {
            refuse(account.stake.ready(now_ms) == 0, "no unFreeze balance to withdraw ")?;
            plain
        }
        Action::CancelUnfreezes => {
            refuse(account.stake.unfreezing.is_empty(), "No unfreezeV2 list to cancel")?;
            plain
        }
        Action::Delegate { resource, sun, to, lock } => {
            refuse(*sun < SUN_PER_TRX, "delegateBalance must be greater than or equal to 1 TRX")?;
            let free = match resource {
                Resource::Bandwidth => "FreezeBandwidthV2",
                Resource::Energy => "FreezeEnergyV2",
            };
            let words = format!("delegateBalance must be less than or equal to available {free} balance");
            refuse(*sun > account.stake.own.get(*resource), &words)?;
            receives(world, owner, *to)?;
            let period = lock.unwrap_or_default();
            let words = format!(
                "The lock period of delegate resource cannot be less than 0 and cannot exceed {MAX_LOCK_BLOCKS}!"
            );
            refuse(period > MAX_LOCK_BLOCKS, &words)?;
            plain
        }
        Action::Undelegate { resource, sun, to } => lent_back(account, *resource, *sun, *to, now_ms).and(plain),
    }
}

/// What every transaction that runs code needs.
fn runs(balance: u64, value_sun: u64, fee_limit: u64) -> Result<Needs, String> {
    let words = format!("feeLimit must be >= 0 and <= {MAX_FEE_LIMIT_SUN}");
    refuse(fee_limit > MAX_FEE_LIMIT_SUN, &words)?;
    refuse(balance < value_sun, "Validate InternalTransfer error, balance is not sufficient.")?;
    Ok(Needs { spent_sun: value_sun, creates: false })
}

fn receives(world: &World, owner: Address, to: Address) -> Result<(), String> {
    refuse(to == owner, "receiverAddress must not be the same as ownerAddress")?;
    refuse(world.account(to).is_none(), &format!("Account[{}] not exists", to.to_hex41()))?;
    refuse(world.state.is_contract(to), "Do not allow delegate resources to contract addresses")
}

fn lent_back(account: &Account, resource: Resource, sun: u64, to: Address, now_ms: u64) -> Result<(), String> {
    let lent = account.stake.lent.get(&to).copied().unwrap_or_default();
    refuse(lent.sun.is_nothing(), "delegated Resource does not exist")?;
    refuse(sun == 0, "unDelegateBalance must be more than 0 TRX")?;
    let free = if lent.until_ms.get(resource) > now_ms { 0 } else { lent.sun.get(resource) };
    let name = resource.word();
    let words = format!("insufficient delegatedFrozenBalance({name}), request={sun}, unlock_balance={free}");
    refuse(sun > free, &words)
}

fn refuse(when: bool, words: &str) -> Result<(), String> {
    if when { Err(words.to_owned()) } else { Ok(()) }
}
