//! What accounts have staked and lent for bandwidth and energy (stake v2), and how use of them fades over a day. Knows
//! no prices and moves no TRX.

use std::collections::BTreeMap;
use tron::Address;

pub const DAY_MS: u64 = 86_400_000;
pub const SUN_PER_TRX: u64 = 1_000_000;
/// `getUnfreezeDelayDays`.
pub const UNFREEZE_DAYS: u64 = 14;
/// How many unfreezes an account can have under way.
pub const MAX_UNFREEZES: usize = 32;
/// `getTotalNetLimit` and `getTotalEnergyLimit`: what all stakes share, a day.
pub const TOTAL_BANDWIDTH: u64 = 43_200_000_000;
pub const TOTAL_ENERGY: u64 = 180_000_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    Bandwidth,
    Energy,
}

impl Resource {
    /// By the number that transactions carry.
    pub fn of_number(number: i64) -> Option<Self> {
        [Self::Bandwidth, Self::Energy].into_iter().find(|resource| i64::from(*resource == Self::Energy) == number)
    }

    pub fn total(self) -> u64 {
        match self {
            Self::Bandwidth => TOTAL_BANDWIDTH,
            Self::Energy => TOTAL_ENERGY,
        }
    }

    /// As a node's messages say it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Bandwidth => "BANDWIDTH",
            Self::Energy => "Energy",
        }
    }
}

/// One amount of sun for each resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Both {
    pub bandwidth: u64,
    pub energy: u64,
}

impl Both {
    pub fn get(&self, resource: Resource) -> u64 {
        match resource {
            Resource::Bandwidth => self.bandwidth,
            Resource::Energy => self.energy,
        }
    }

    pub fn of(&mut self, resource: Resource) -> &mut u64 {
        match resource {
            Resource::Bandwidth => &mut self.bandwidth,
            Resource::Energy => &mut self.energy,
        }
    }

    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// What was lent to one other account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lent {
    pub sun: Both,
    /// Until when it can't be taken back.
    pub until_ms: Both,
}

/// What was unstaked and is not TRX again yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unfreezing {
    pub resource: Resource,
    pub sun: u64,
    pub ready_ms: u64,
}

#[derive(Clone, Debug, Default)]
pub struct Stake {
    /// Staked and not lent.
    pub own: Both,
    pub lent: BTreeMap<Address, Lent>,
    /// Lent by others to this account.
    pub borrowed: Both,
    pub unfreezing: Vec<Unfreezing>,
    /// Whether it ever staked, which a node shows.
    pub begun: bool,
}

impl Stake {
    pub fn lent(&self, resource: Resource) -> u64 {
        self.lent.values().map(|lent| lent.sun.get(resource)).sum()
    }

    /// What counts for the account's own limit.
    pub fn weighs(&self, resource: Resource) -> u64 {
        self.own.get(resource) + self.borrowed.get(resource)
    }

    /// Takes out what is ready at a time, and says how much that is.
    pub fn withdraw(&mut self, now_ms: u64) -> u64 {
        let (ready, waiting): (Vec<_>, Vec<_>) = self.unfreezing.drain(..).partition(|one| one.ready_ms <= now_ms);
        self.unfreezing = waiting;
        ready.iter().map(|one| one.sun).sum()
    }

    /// What would be ready at a time.
    pub fn ready(&self, at_ms: u64) -> u64 {
        self.unfreezing.iter().filter(|one| one.ready_ms <= at_ms).map(|one| one.sun).sum()
    }
}

/// Use of something that comes back over a day.
#[derive(Clone, Copy, Debug, Default)]
pub struct Used {
    amount: u64,
    at_ms: u64,
}

impl Used {
    /// What of it still counts at a time.
    pub fn at(&self, now_ms: u64) -> u64 {
        let left = DAY_MS.saturating_sub(now_ms.saturating_sub(self.at_ms));
        u64::try_from(u128::from(self.amount) * u128::from(left) / u128::from(DAY_MS)).unwrap_or(u64::MAX)
    }

    pub fn add(&mut self, amount: u64, now_ms: u64) {
        *self = Self { amount: self.at(now_ms).saturating_add(amount), at_ms: now_ms };
    }

    /// When it was last used; `None`: never.
    pub fn last_ms(&self) -> Option<u64> {
        (self.at_ms > 0).then_some(self.at_ms)
    }
}
