//! What is there at one height: balances, code and storage in the EVM's state, and the accounts of TRON beside it. A
//! draft collects what a transaction changes, so that it can be applied to the head at once and to the final state later.

use crate::genesis::Deployed;
use crate::permission::Permissions;
use crate::stake::{Resource, SUN_PER_TRX, Stake, Used};
use crate::vm::{self, State};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use tron::Address;

/// An account beside its balance and code.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// `None`: it was there before the first block.
    pub created_ms: Option<u64>,
    pub name: String,
    pub contract: Option<Arc<Deployed>>,
    /// `None`: nobody ever changed them.
    pub permissions: Option<Arc<Permissions>>,
    /// Free bandwidth, staked bandwidth and energy in use.
    pub free: Used,
    pub net: Used,
    pub energy: Used,
    pub stake: Stake,
    /// When it last did something itself.
    pub operated_ms: Option<u64>,
}

#[derive(Clone, Debug, Default)]
pub struct World {
    pub state: State,
    pub accounts: HashMap<Address, Account>,
}

/// What a transaction or a gift changed.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    evm: vm::Changes,
    accounts: BTreeMap<Address, Account>,
}

impl World {
    pub fn account(&self, of: Address) -> Option<&Account> {
        self.accounts.get(&of)
    }

    /// What an account asks before anybody set anything is what it has from its first day.
    pub fn permissions(&self, of: Address) -> Arc<Permissions> {
        let set = self.account(of).and_then(|account| account.permissions.clone());
        set.unwrap_or_else(|| Arc::new(Permissions::of_own_key(of)))
    }

    /// What an account can use of a resource every day, by its stake.
    pub fn limit(&self, of: Address, resource: Resource) -> u64 {
        let weighs = self.account(of).map_or(0, |account| account.stake.weighs(resource));
        let weight = if weighs == 0 { 0 } else { self.weight(resource) };
        if weight == 0 {
            return 0;
        }
        let share = u128::from(weighs) * u128::from(resource.total()) / u128::from(SUN_PER_TRX) / u128::from(weight);
        u64::try_from(share).unwrap_or(u64::MAX)
    }

    /// What all accounts have staked for a resource, in TRX.
    pub fn weight(&self, resource: Resource) -> u64 {
        let staked = |account: &Account| account.stake.own.get(resource) + account.stake.lent(resource);
        self.accounts.values().map(staked).sum::<u64>() / SUN_PER_TRX
    }

    pub fn apply(&mut self, edit: Edit) {
        self.state.commit(edit.evm);
        self.accounts.extend(edit.accounts);
    }
}

/// A world as it would be after something that is not done yet.
#[derive(Debug)]
pub struct Draft<'w> {
    world: &'w World,
    edit: Edit,
    now_ms: u64,
}

impl<'w> Draft<'w> {
    pub fn new(world: &'w World, now_ms: u64) -> Self {
        Self { world, edit: Edit::default(), now_ms }
    }

    pub fn balance(&self, of: Address) -> u64 {
        vm::balance_in(&self.edit.evm, of).unwrap_or_else(|| self.world.state.balance(of))
    }

    pub fn give(&mut self, to: Address, sun: u64) {
        let held = self.balance(to).saturating_add(sun);
        self.world.state.set_balance(&mut self.edit.evm, to, held);
        self.open(to);
    }

    /// The caller has checked that it is there.
    pub fn take(&mut self, from: Address, sun: u64) {
        let held = self.balance(from).saturating_sub(sun);
        self.world.state.set_balance(&mut self.edit.evm, from, held);
    }

    /// The account, if there is one.
    pub fn account(&mut self, of: Address) -> Option<&mut Account> {
        if !self.edit.accounts.contains_key(&of) {
            self.edit.accounts.insert(of, self.world.account(of)?.clone());
        }
        self.edit.accounts.get_mut(&of)
    }

    /// The account; brought into being where there is none.
    pub fn open(&mut self, of: Address) -> &mut Account {
        let (world, now_ms) = (self.world, self.now_ms);
        self.edit.accounts.entry(of).or_insert_with(|| {
            world.account(of).cloned().unwrap_or_else(|| Account { created_ms: Some(now_ms), ..Account::default() })
        })
    }

    /// What running code changed. Whoever got TRX or code from it is an account now.
    pub fn ran(&mut self, changes: vm::Changes) {
        for (address, is_contract) in vm::arrived(&changes) {
            if self.world.account(address).is_none() {
                let account = self.open(address);
                if is_contract {
                    account.contract = Some(Arc::new(Deployed::unnamed()));
                }
            }
        }
        self.edit.evm.extend(changes);
    }

    pub fn finish(self) -> Edit {
        self.edit
    }
}
