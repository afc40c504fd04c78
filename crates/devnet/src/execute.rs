//! What a transaction does to the world, once a node has taken it. Checks nothing that `rules` has checked.

use crate::action::{Action, Creation};
use crate::chain::{BLOCK_MS, Chain, View};
use crate::genesis::Deployed;
use crate::history::Costs;
use crate::incoming::{Incoming, Sent};
use crate::stake::{DAY_MS, Resource, UNFREEZE_DAYS, Unfreezing};
use crate::vm::{Call, Ended, Moment, Outcome};
use crate::world::{Draft, Edit};
use revm::primitives::keccak256;
use std::sync::Arc;
use tron::{Address, TxId};

/// A lock without a length holds for three days.
const LOCK_BLOCKS: u64 = 86_400;

pub struct Done {
    pub outcome: Option<Outcome>,
    pub created: Option<Address>,
    pub withdrawn_sun: u64,
    pub edit: Edit,
}

/// Where a transaction puts the contract that it makes.
pub fn address_of_new(id: &TxId, owner: Address) -> Address {
    let hash = keccak256([id.bytes().as_slice(), &owner.to_bytes21()].concat());
    let mut bytes = [0; 20];
    bytes.copy_from_slice(hash.last_chunk::<20>().unwrap_or(&[0; 20]));
    Address::from_bytes(bytes)
}

/// Runs it in the block `at`, and adds to `costs` what its code costs. `None`: it can't begin.
pub fn run(chain: &Chain, incoming: &Incoming, costs: &mut Costs, at: Moment, now_ms: u64) -> Option<Done> {
    let sent = &incoming.sent;
    let (owner, action) = (sent.owner()?, incoming.action.as_ref().ok()?);
    let mut draft = Draft::new(&chain.head, now_ms);
    let (mut outcome, mut created, mut withdrawn_sun) = (None, None, 0);
    match action {
        Action::Transfer { to, sun } => {
            draft.take(owner, *sun);
            draft.give(*to, *sun);
        }
        Action::Call { contract, value_sun, data } => {
            let (to, data) = (*contract, data.clone());
            outcome = Some(code(chain, &mut draft, sent, costs, at, (to, *value_sun, data, None))?);
        }
        Action::Create(creation) => {
            let Creation { bytecode, value_sun, .. } = &**creation;
            let to = address_of_new(&sent.id, owner);
            let ran = code(chain, &mut draft, sent, costs, at, (to, *value_sun, Vec::new(), Some(bytecode.clone())))?;
            if ran.ended == Ended::Success {
                let account = draft.open(to);
                (account.name, account.contract) =
                    (creation.name.clone(), Some(Arc::new(Deployed::new(owner, creation))));
            }
            (outcome, created) = (Some(ran), Some(to));
        }
        Action::Activate { account } => {
            draft.open(*account);
        }
        Action::Rename { name } => draft.account(owner)?.name = name.clone(),
        Action::Permissions(permissions) => {
            draft.account(owner)?.permissions = Some(Arc::new((**permissions).clone()));
        }
        Action::Freeze { resource, sun } => {
            draft.take(owner, *sun);
            let stake = &mut draft.account(owner)?.stake;
            *stake.own.of(*resource) += sun;
            stake.begun = true;
        }
        Action::Unfreeze { resource, sun } => {
            let stake = &mut draft.account(owner)?.stake;
            withdrawn_sun = stake.withdraw(now_ms);
            *stake.own.of(*resource) -= sun;
            let ready_ms = now_ms + UNFREEZE_DAYS * DAY_MS;
            stake.unfreezing.push(Unfreezing { resource: *resource, sun: *sun, ready_ms });
        }
        Action::Withdraw => withdrawn_sun = draft.account(owner)?.stake.withdraw(now_ms),
        Action::CancelUnfreezes => {
            let stake = &mut draft.account(owner)?.stake;
            withdrawn_sun = stake.withdraw(now_ms);
            for one in std::mem::take(&mut stake.unfreezing) {
                *stake.own.of(one.resource) += one.sun;
            }
        }
        Action::Delegate { resource, sun, to, lock } => {
            let stake = &mut draft.account(owner)?.stake;
            *stake.own.of(*resource) -= sun;
            let lent = stake.lent.entry(*to).or_default();
            *lent.sun.of(*resource) += sun;
            if let Some(blocks) = lock {
                let blocks = if *blocks == 0 { LOCK_BLOCKS } else { *blocks };
                let until = lent.until_ms.of(*resource);
                *until = (*until).max(now_ms + blocks * BLOCK_MS);
            }
            *draft.account(*to)?.stake.borrowed.of(*resource) += sun;
        }
        Action::Undelegate { resource, sun, to } => {
            let stake = &mut draft.account(owner)?.stake;
            *stake.own.of(*resource) += sun;
            let lent = stake.lent.get_mut(to)?;
            *lent.sun.of(*resource) -= sun;
            if lent.sun.is_nothing() {
                stake.lent.remove(to);
            }
            *draft.account(*to)?.stake.borrowed.of(*resource) -= sun;
        }
    }
    if withdrawn_sun > 0 {
        draft.give(owner, withdrawn_sun);
    }
    draft.take(owner, costs.total());
    let account = draft.account(owner)?;
    account.operated_ms = Some(now_ms);
    if costs.free_used > 0 {
        account.free.add(costs.free_used, now_ms);
    }
    if costs.net_used > 0 {
        account.net.add(costs.net_used, now_ms);
    }
    if outcome.is_some() {
        account.energy.add(costs.energy_used, now_ms);
    }
    if let (Action::Call { contract, .. }, true) = (action, costs.origin_energy > 0) {
        let origin = chain.head.account(*contract)?.contract.as_ref()?.origin;
        draft.account(origin)?.energy.add(costs.origin_energy, now_ms);
    }
    Some(Done { outcome, created, withdrawn_sun, edit: draft.finish() })
}

/// Where it goes to, with how much TRX, the input, and the code that makes a contract there.
type Target = (Address, u64, Vec<u8>, Option<Vec<u8>>);

fn code(
    chain: &Chain,
    draft: &mut Draft<'_>,
    sent: &Sent,
    costs: &mut Costs,
    at: Moment,
    (to, value_sun, data, code): Target,
) -> Option<Outcome> {
    let from = sent.owner()?;
    let price = chain.energy_price_sun;
    let spendable = draft.balance(from).saturating_sub(value_sun.saturating_add(costs.total()));
    let staked = chain.energy_left(from, at.secs.saturating_mul(1000));
    let own_limit = (sent.fee_limit_sun() / price).min(staked.saturating_add(spendable / price));
    let share = Share::of(chain, to, from, own_limit, at.secs.saturating_mul(1000));
    let energy_limit = own_limit.saturating_add(share.limit);
    let call = Call { from, to, value_sun, data, energy_limit, code };
    let (outcome, changes) = chain.head.state.run(at, call).ok()?;
    costs.origin_energy = share.takes(outcome.energy);
    let own = outcome.energy - costs.origin_energy;
    costs.energy_used = own.min(staked);
    costs.energy_fee = (own - costs.energy_used) * price;
    draft.ran(changes);
    Some(outcome)
}

/// What whoever made a contract takes of the energy that others use in it.
#[derive(Clone, Copy, Debug, Default)]
struct Share {
    /// Of a hundred.
    percent: u64,
    /// The most in one transaction.
    limit: u64,
}

impl Share {
    fn of(chain: &Chain, contract: Address, user: Address, own_limit: u64, now_ms: u64) -> Self {
        let made = chain.head.account(contract).and_then(|account| account.contract.as_ref());
        let Some(made) = made.filter(|made| made.user_percent < 100 && made.origin != user) else {
            return Self::default();
        };
        let held = chain.energy_left(made.origin, now_ms).min(made.origin_energy_limit);
        let percent = 100 - made.user_percent;
        let limit = match made.user_percent {
            0 => held,
            user => held.min(own_limit.saturating_mul(percent) / user),
        };
        Self { percent, limit }
    }

    fn takes(self, energy: u64) -> u64 {
        (energy.saturating_mul(self.percent) / 100).min(self.limit)
    }
}

impl Chain {
    /// Energy that an account has for nothing: by its stake, by what others lent, and by the faucet.
    pub fn energy_limit_at(&self, view: View, of: Address) -> u64 {
        let granted = self.granted_energy.get(&of).copied().unwrap_or_default();
        self.world(view).limit(of, Resource::Energy).saturating_add(granted)
    }

    fn energy_left(&self, of: Address, now_ms: u64) -> u64 {
        let used = self.head.account(of).map_or(0, |account| account.energy.at(now_ms));
        self.energy_limit_at(View::Head, of).saturating_sub(used)
    }
}
