//! Which account sends what: the least busy one that has TRX enough. Refuses nothing: an account that runs low is
//! passed over for as long as another one is not, and said to be low.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tron::{Address, Network};

/// What an account had when it was last looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Purse {
    pub sun: u64,
    /// Below what a settlement may burn.
    pub low: bool,
}

/// The accounts in the order of the settings. Clones share what they know.
#[derive(Clone, Debug)]
pub(crate) struct Signers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    addresses: Vec<Address>,
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
    pub(crate) fn new(addresses: Vec<Address>) -> Self {
        Self(Arc::new(Inner { addresses, state: Mutex::default() }))
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
            let low = state.purses.get(&(network, *address)).is_some_and(|purse| purse.low);
            let busy = state.busy.get(address).copied().unwrap_or_default();
            (low, busy.saturating_add(stuck.get(address).copied().unwrap_or_default()))
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

    /// Answers what was known before.
    pub(crate) fn saw(&self, network: Network, address: Address, purse: Purse) -> Option<Purse> {
        self.state().purses.insert((network, address), purse)
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

    #[test]
    fn equals_take_turns_the_busy_and_the_poor_are_passed_over() {
        let address = |byte| Address::from_bytes([byte; 20]);
        let signers = Signers::new((1..=3).map(address).collect());
        let none = HashMap::new();
        let pick = || signers.pick(Network::Nile, &none).unwrap();
        assert_eq!([pick(), pick(), pick(), pick()], [1, 2, 3, 1].map(address));
        let stuck = signers.occupy(address(2));
        assert!((0..6).map(|_| pick()).all(|picked| picked != address(2)));
        signers.saw(Network::Nile, address(1), Purse { sun: 0, low: true });
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
