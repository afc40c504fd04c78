//! Whether this machine's clock agrees with the chain. The newest block of each network is looked at when the facilitator
//! starts and now and then; a clock that is more than two minutes from it is told, and what is judged by time is
//! judged by the chain's. Refuses to take a clock's word against the blocks'.

use crate::{Facilitator, verify::unavailable};
use chain::{Head, TronGrid};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::time::Instant;
use tron::Network;

/// Blocks come every three seconds; further apart something is wrong.
pub(crate) const APART_SECS: u64 = 120;

/// What the newest blocks said. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pace(Arc<Mutex<HashMap<Network, Beat>>>);

#[derive(Clone, Copy, Debug)]
struct Beat {
    block_secs: u64,
    at: Instant,
    /// Our clock less the block's time, in seconds, when it was looked at.
    ahead: i64,
}

/// Our clock is so many seconds ahead of the newest block, or behind it where negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Apart(pub i64);

impl Apart {
    fn of(ahead: i64) -> Option<Self> {
        (ahead.unsigned_abs() > APART_SECS).then_some(Self(ahead))
    }
}

impl std::fmt::Display for Apart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let way = if self.0 < 0 { "behind" } else { "ahead of" };
        write!(f, "this machine's clock is {} s {way} the newest block", self.0.unsigned_abs())
    }
}

impl Pace {
    fn beats(&self) -> MutexGuard<'_, HashMap<Network, Beat>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A block was read just now, when our clock said `now`. Answers how far apart they are.
    fn saw(&self, network: Network, block_secs: u64, now: u64) -> i64 {
        let difference = i128::from(now) - i128::from(block_secs);
        let ahead = i64::try_from(difference).unwrap_or(if difference < 0 { i64::MIN } else { i64::MAX });
        self.beats().insert(network, Beat { block_secs, at: Instant::now(), ahead });
        ahead
    }

    /// How far apart they were at the last look, where that is too far.
    pub(crate) fn apart(&self, network: Network) -> Option<Apart> {
        self.beats().get(&network).and_then(|beat| Apart::of(beat.ahead))
    }

    /// The chain's time by the last look, and how long ago that was.
    fn estimate(&self, network: Network) -> Option<u64> {
        self.beats().get(&network).map(|beat| beat.block_secs.saturating_add(beat.at.elapsed().as_secs()))
    }

    /// The earliest time that any chain tells, for what must not be done too soon.
    fn earliest(&self) -> Option<u64> {
        let beats = self.beats();
        beats.values().map(|beat| beat.block_secs.saturating_add(beat.at.elapsed().as_secs())).min()
    }
}

impl Facilitator {
    /// Looks at the newest block of every network; what is apart is told when it begins and when it ends.
    pub(crate) async fn look_at_the_clock(&self) {
        for grid in self.grids() {
            match grid.head().await {
                Ok(head) => _ = self.saw(grid.network(), &head),
                Err(error) => tracing::warn!(%error, "the newest block could not be read"),
            }
        }
    }

    fn saw(&self, network: Network, head: &Head) -> Option<Apart> {
        let before = self.pace().apart(network);
        let ahead = self.pace().saw(network, head.timestamp_ms / 1000, self.config().clock.now());
        self.metrics().clock(network, ahead);
        let now = Apart::of(ahead);
        match (before, now) {
            (None, Some(apart)) => tracing::error!(
                network = network.canonical(),
                seconds = apart.0,
                "{apart}: payments are judged by the chain's time; set the clock, or look whether the node is behind"
            ),
            (Some(_), None) => {
                tracing::info!(network = network.canonical(), "the clock and the newest block agree again")
            }
            _ => {}
        }
        now
    }

    /// The time by which payments of this network are judged, in seconds since 1970: this machine's as long as the
    /// blocks agree with it, otherwise the newest block's.
    pub(crate) async fn time(&self, grid: &TronGrid) -> Result<u64, crate::Reason> {
        let (network, now) = (grid.network(), self.config().clock.now());
        match self.pace().estimate(network) {
            // Nothing to compare with before the first look.
            None => return Ok(now),
            Some(estimate) if estimate.abs_diff(now) <= APART_SECS => return Ok(now),
            Some(_) => {}
        }
        let head = grid.head().await.map_err(unavailable)?;
        Ok(match self.saw(network, &head) {
            Some(_) => head.timestamp_ms / 1000,
            None => now,
        })
    }

    /// As [`Facilitator::time`], by the last look alone.
    pub(crate) fn time_at_hand(&self, network: Network) -> u64 {
        match (self.pace().apart(network), self.pace().estimate(network)) {
            (Some(_), Some(chain)) => chain,
            _ => self.config().clock.now(),
        }
    }

    /// A time that is never later than the clock or any chain says: for forgetting. `None` before the first look.
    pub(crate) fn at_the_earliest(&self) -> Option<u64> {
        self.pace().earliest().map(|chain| chain.min(self.config().clock.now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_minutes_are_the_limit_in_both_directions() {
        let pace = Pace::default();
        for (block, now, apart) in [
            (1_000, 1_000, None),
            (1_000, 1_120, None),
            (1_120, 1_000, None),
            (1_000, 1_121, Some(121)),
            (1_121, 1_000, Some(-121)),
            (0, u64::MAX, Some(i64::MAX)),
            (u64::MAX, 0, Some(i64::MIN)),
        ] {
            pace.saw(Network::Nile, block, now);
            assert_eq!(pace.apart(Network::Nile), apart.map(Apart), "{block} {now}");
        }
        assert_eq!(pace.apart(Network::Mainnet), None, "nobody looked there");
        assert_eq!(Apart(-300).to_string(), "this machine's clock is 300 s behind the newest block");
    }
}
