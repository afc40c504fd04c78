//! Which account sends what: one with energy enough, else one with TRX enough to burn for it, of these the least busy.
//! Refuses nothing: an account that has neither is passed over for as long as another one is not, and said to be short.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tron::{Address, Network};

/// What an account had when it was last looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Purse {
    pub sun: u64,
    pub energy: u64,
    pub bandwidth: u64,
}

/// What an account has to have, one or the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Enough {
    pub sun: u64,
    pub energy: u64,
}

/// How an account pays for a settlement, the best first. One that was never looked at is taken to burn TRX.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Means {
    Energy,
    Trx,
    Neither,
}

/// More than a settlement's transaction has, and what one burns where there is no bandwidth for it.
const BYTES: u64 = 1_000;
const BYTE_SUN: u64 = 1_000;

impl Enough {
    pub fn means(self, purse: Purse) -> Means {
        let carried = purse.bandwidth >= BYTES || purse.sun >= BYTES * BYTE_SUN;
        match purse {
            purse if purse.energy >= self.energy && carried => Means::Energy,
            purse if purse.sun >= self.sun => Means::Trx,
            _ => Means::Neither,
        }
    }
}

/// The accounts in the order of the settings. Clones share what they know.
#[derive(Clone, Debug)]
pub(crate) struct Signers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    addresses: Vec<Address>,
    enough: Enough,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Settlements under way.
    busy: HashMap<Address, usize>,
    purses: HashMap<(Network, Address), Purse>,
    /// Where the next look begins, so that equals take turns.
    turn: usize,
}

impl Signers {
    pub(crate) fn new(addresses: Vec<Address>, enough: Enough) -> Self {
        Self(Arc::new(Inner { addresses, enough, state: Mutex::default() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn addresses(&self) -> &[Address] {
        &self.0.addresses
    }

    /// The one to send with next. `stuck`: how many transactions of each have no known fate.
    pub(crate) fn pick(&self, network: Network, stuck: &HashMap<Address, usize>) -> Option<Address> {
        let mut state = self.state();
        let turn = state.turn;
        state.turn = turn.wrapping_add(1);
        let count = self.0.addresses.len();
        let in_turn = (0..count).filter_map(|i| self.0.addresses.get((turn + i) % count).copied());
        in_turn.min_by_key(|address| {
            let purse = state.purses.get(&(network, *address));
            let means = purse.map_or(Means::Trx, |purse| self.0.enough.means(*purse));
            let busy = state.busy.get(address).copied().unwrap_or_default();
            (means, busy.saturating_add(stuck.get(address).copied().unwrap_or_default()))
        })
    }

    /// Counts as busy until the answer is dropped.
    pub(crate) fn occupy(&self, address: Address) -> Busy {
        *self.state().busy.entry(address).or_default() += 1;
        Busy { signers: self.clone(), address }
    }

    pub(crate) fn purse(&self, network: Network, address: Address) -> Option<Purse> {
        self.state().purses.get(&(network, address)).copied()
    }

    /// How an account can pay, as far as it was looked at.
    pub(crate) fn means(&self, network: Network, address: Address) -> Option<Means> {
        self.purse(network, address).map(|purse| self.0.enough.means(purse))
    }

    pub(crate) fn saw(&self, network: Network, address: Address, purse: Purse) {
        self.state().purses.insert((network, address), purse);
    }

    /// A settlement takes so much energy: what is staked is less until the next look.
    pub(crate) fn spends(&self, network: Network, address: Address, energy: u64) {
        if let Some(purse) = self.state().purses.get_mut(&(network, address)) {
            purse.energy = purse.energy.saturating_sub(energy);
        }
    }
}

/// One transaction of an account.
#[derive(Debug)]
pub(crate) struct Busy {
    signers: Signers,
    address: Address,
}

impl Drop for Busy {
    fn drop(&mut self) {
        if let Some(count) = self.signers.state().busy.get_mut(&self.address) {
            *count = count.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(byte: u8) -> Address {
        Address::from_bytes([byte; 20])
    }

    fn three() -> Signers {
        Signers::new((1..=3).map(address).collect(), Enough { sun: 100, energy: 10 })
    }

    #[test]
    fn whoever_has_energy_goes_first_until_it_is_spent() {
        let (signers, none) = (three(), HashMap::new());
        let pick = || signers.pick(Network::Nile, &none).unwrap();
        signers.saw(Network::Nile, address(2), Purse { sun: 0, energy: 30, bandwidth: 1_000 });
        assert_eq!(signers.means(Network::Nile, address(2)), Some(Means::Energy));
        for _ in 0..3 {
            assert_eq!(pick(), address(2));
            signers.spends(Network::Nile, address(2), 8);
        }
        assert_eq!(signers.means(Network::Nile, address(2)), Some(Means::Neither));
        assert!((0..6).all(|_| pick() != address(2)));
        assert_eq!(signers.means(Network::Mainnet, address(2)), None, "nobody looked there");
        // Energy alone carries no transaction.
        signers.saw(Network::Nile, address(2), Purse { sun: 99, energy: 30, bandwidth: 600 });
        assert_eq!(signers.means(Network::Nile, address(2)), Some(Means::Neither));
    }

    #[test]
    fn equals_take_turns_the_busy_and_the_poor_are_passed_over() {
        let signers = three();
        let none = HashMap::new();
        let pick = || signers.pick(Network::Nile, &none).unwrap();
        assert_eq!([pick(), pick(), pick(), pick()], [1, 2, 3, 1].map(address));
        let stuck = signers.occupy(address(2));
        assert!((0..6).map(|_| pick()).all(|picked| picked != address(2)));
        signers.saw(Network::Nile, address(1), Purse { sun: 99, energy: 9, bandwidth: 600 });
        assert!((0..6).map(|_| pick()).all(|picked| picked == address(3)));
        // Poor on one network only.
        assert!((0..6).any(|_| signers.pick(Network::Mainnet, &none) == Some(address(1))));
        // A busy one is better than a poor one.
        let _busy = [signers.occupy(address(3)), signers.occupy(address(3))];
        assert_eq!(pick(), address(2));
        drop(stuck);
        // A transaction without a fate keeps its account busy.
        let stuck = HashMap::from([(address(2), 9)]);
        assert_eq!(signers.pick(Network::Nile, &stuck), Some(address(3)));
    }
}
