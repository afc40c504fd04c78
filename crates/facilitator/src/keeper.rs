//! What a facilitator does by itself while it runs: finds out what became of every open transaction, those of an
//! earlier process first, watches what its accounts have left, forgets what is long over. Ends with the facilitator.

use crate::{
    Facilitator, Inner,
    flights::{Crew, Outcome, Seat},
    follow::Fate,
    settle::{say, unwritten},
    signers::{Means, Purse},
    store::{Sent, State},
};
use chain::Finality;
use std::{
    collections::HashMap,
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};
use tokio::task::JoinSet;

/// Looked up at the same time.
const AT_ONCE: usize = 16;

impl Facilitator {
    /// Begins, once.
    pub(crate) fn keep(&self) {
        if self.0.kept.swap(true, Ordering::AcqRel) {
            return;
        }
        let (weak, stop, pause) = (Arc::downgrade(&self.0), self.0.stop.clone(), self.config().tend);
        self.tasks().spawn(async move {
            let rounds = async {
                let mut first = true;
                while let Some(facilitator) = alive(&weak) {
                    facilitator.round(first).await;
                    drop(facilitator);
                    first = false;
                    tokio::time::sleep(pause).await;
                }
            };
            tokio::select! { () = stop.cancelled() => {}, () = rounds => {} }
        });
    }

    async fn round(&self, first: bool) {
        self.look_at_the_clock().await;
        self.reconcile(first).await;
        self.look_into_purses().await;
        self.show_budget();
        // A clock that is ahead must not make it forget who was told of what.
        let Some(now) = self.at_the_earliest() else { return };
        match self.store().prune(now.saturating_sub(self.config().keep.as_secs())).await {
            Ok(0) => {}
            Ok(pruned) => tracing::info!(pruned, "old settlements were forgotten"),
            Err(error) => {
                unwritten(&error);
            }
        }
    }

    /// Follows every transaction whose fate is not known for good and that no request is following. After a start with
    /// the patience of a settlement, later by one look each.
    async fn reconcile(&self, first: bool) {
        let followed = match self.store().followed() {
            Ok(followed) => followed,
            Err(error) => {
                unwritten(&error);
                return;
            }
        };
        let open = self.count(&followed);
        if first && open > 0 {
            tracing::info!(open, "looking up what was sent before the start");
        }
        // What no final block has yet needs no question to the final history.
        let mut last = HashMap::new();
        for grid in self.grids() {
            match grid.head_at(Finality::Final).await {
                Ok(head) => _ = last.insert(grid.network(), head.number),
                Err(error) => tracing::warn!(%error, "the chain's final history could not be read"),
            }
        }
        let patience = if first { self.config().wait } else { Duration::ZERO };
        let mut under_way = JoinSet::new();
        for sent in followed {
            if under_way.len() >= AT_ONCE {
                under_way.join_next().await;
            }
            let facilitator = self.clone();
            let is_final = last.get(&sent.key.network).is_none_or(|last| sent.block.is_none_or(|block| block <= *last));
            under_way.spawn(async move {
                let Some(grid) = facilitator.grid(sent.key.network) else { return };
                let Seat::Lead(flight) = facilitator.flights().board(sent.key, sent.digest, Crew::Keeper) else {
                    return;
                };
                let in_block = matches!(sent.state, State::Seen | State::Failing);
                let fate = match in_block {
                    true => facilitator.advance(grid, &sent, is_final).await,
                    false => facilitator.follow(grid, &sent, patience).await,
                };
                let outcome = match fate {
                    Fate::Known(outcome) => outcome,
                    Fate::Dead => Outcome::Failed { reason: crate::Reason::TRANSACTION_FAILED, transaction: None },
                };
                if first && !in_block {
                    say(&sent.key.network, &outcome);
                    facilitator.metrics().reconciled(&outcome);
                }
                flight.land(outcome);
            });
        }
        while under_way.join_next().await.is_some() {}
        if let Ok(followed) = self.store().followed() {
            self.count(&followed);
        }
    }

    /// How many have no known fate; the metrics hear of it.
    fn count(&self, followed: &[Sent]) -> usize {
        let open = followed.iter().filter(|sent| sent.state == State::Open).count();
        let seen = followed.iter().filter(|sent| sent.state == State::Seen).count();
        self.metrics().followed(open, seen);
        open
    }

    /// What each account has on each network.
    pub(crate) async fn look_into_purses(&self) {
        for grid in self.grids() {
            let network = grid.network();
            for &address in self.signers().addresses() {
                let (sun, resources) = match tokio::try_join!(grid.trx_balance(address), grid.resources(address)) {
                    Ok(read) => read,
                    Err(error) => {
                        tracing::warn!(%error, "an account could not be looked at");
                        continue;
                    }
                };
                let before = self.signers().means(network, address);
                let purse = Purse { sun, energy: resources.energy, bandwidth: resources.bandwidth };
                self.signers().saw(network, address, purse);
                let means = self.signers().means(network, address);
                if means == Some(Means::Neither) && before != means {
                    let network = network.canonical();
                    tracing::warn!(network, %address, sun, energy = purse.energy, "an account can't pay for a settlement");
                }
                self.metrics().purse(network, address, purse, means != Some(Means::Neither));
            }
        }
    }
}

fn alive(inner: &Weak<Inner>) -> Option<Facilitator> {
    inner.upgrade().map(Facilitator)
}
