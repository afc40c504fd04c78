//! A node that has too much to do: a share of the trial runs ends by its clock, a share of the broadcasts is not taken.
//! Counted, not drawn by lot, so that the same questions meet the same answers. Changes nothing else.

use serde::{Deserialize, Serialize};

/// `part` of every `of`, as evenly as whole numbers allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    pub part: u32,
    pub of: u32,
}

impl Share {
    pub const NONE: Self = Self { part: 0, of: 1 };

    /// Every `of`-th one, the first `of - 1` not.
    pub const fn one_in(of: u32) -> Self {
        Self { part: 1, of }
    }

    /// How many of the first `count` are in it.
    fn of_first(self, count: u64) -> u64 {
        count.saturating_mul(self.part.min(self.of).into()) / u64::from(self.of.max(1))
    }
}

impl Default for Share {
    fn default() -> Self {
        Self::NONE
    }
}

/// How busy a devnet is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Busy {
    /// `triggerconstantcontract`, `estimateenergy`, `eth_call`, `eth_estimateGas`: `OTHER_ERROR` with `CPU timeout`.
    pub trial_runs: Share,
    /// `broadcasttransaction`, `broadcasthex`: `SERVER_BUSY` or another [`Excuse`], and nothing is taken.
    pub broadcasts: Share,
}

/// What a node says instead of taking a transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Excuse {
    #[default]
    ServerBusy,
    NoConnection,
    NotEnoughEffectiveConnection,
    BlockUnsolidified,
}

impl Excuse {
    /// The `code` of the answer, and its words.
    pub fn told(self) -> (&'static str, &'static str) {
        match self {
            Self::ServerBusy => ("SERVER_BUSY", "Server busy."),
            Self::NoConnection => ("NO_CONNECTION", "No connection."),
            Self::NotEnoughEffectiveConnection => {
                ("NOT_ENOUGH_EFFECTIVE_CONNECTION", "Effective connection:0 lt minEffectiveConnection:1")
            }
            Self::BlockUnsolidified => ("BLOCK_UNSOLIDIFIED", "Block unsolidified."),
        }
    }
}

/// How many were asked since the devnet was told how busy it is, and how many of them were not answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Load {
    pub asked: u64,
    pub busy: u64,
}

/// The loads of both kinds of work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Loads {
    pub trial_runs: Load,
    pub broadcasts: Load,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    TrialRun,
    Broadcast,
}

#[derive(Debug, Default)]
pub struct Meter {
    busy: Busy,
    excuse: Excuse,
    loads: Loads,
}

impl Meter {
    pub fn set(&mut self, busy: Busy) {
        *self = Self { busy, loads: Loads::default(), excuse: self.excuse };
    }

    pub fn set_excuse(&mut self, excuse: Excuse) {
        self.excuse = excuse;
    }

    pub fn excuse(&self) -> Excuse {
        self.excuse
    }

    pub fn loads(&self) -> Loads {
        self.loads
    }

    /// Counts one more, and tells whether it is among those that are not answered.
    pub fn take(&mut self, work: Work) -> bool {
        let (share, load) = match work {
            Work::TrialRun => (self.busy.trial_runs, &mut self.loads.trial_runs),
            Work::Broadcast => (self.busy.broadcasts, &mut self.loads.broadcasts),
        };
        load.asked += 1;
        let before = load.busy;
        load.busy = share.of_first(load.asked);
        load.busy > before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_even_and_always_the_same() {
        let taken = |share| {
            let mut meter = Meter::default();
            meter.set(Busy { trial_runs: share, ..Busy::default() });
            (0..7).map(|_| meter.take(Work::TrialRun)).collect::<Vec<_>>()
        };
        assert_eq!(taken(Share::one_in(3)), [false, false, true, false, false, true, false]);
        assert_eq!(taken(Share { part: 2, of: 3 }), [false, true, true, false, true, true, false]);
        assert_eq!(taken(Share::one_in(1)), [true; 7]);
        // A share of nothing, and one of more than all.
        assert_eq!(taken(Share { part: 5, of: 0 }), [false; 7]);
        assert_eq!(taken(Share { part: 9, of: 2 }), [true; 7]);
        assert_eq!(taken(Share::NONE), [false; 7]);
    }
}
