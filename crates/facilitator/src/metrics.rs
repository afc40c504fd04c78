//! What happens here, as numbers for Prometheus. Counts by scheme, network and reason; never a payer, a payee, an
//! amount or anything that a caller could make up.

use crate::{Reason, Settled, flights::Outcome, signers::Purse};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use std::{fmt, sync::Arc, time::Duration};
use tron::{Address, Network};
use x402::Requirements;

/// Seconds. A paper check takes less than the first, a block comes every three.
const BUCKETS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0, 10.0, 60.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Verdict {
    scheme: &'static str,
    network: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Call {
    call: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Fate {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reversal {
    network: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Clock {
    network: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Account {
    network: &'static str,
    address: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Span {
    span: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Whose {
    budget: &'static str,
}

/// Shared by all clones of a facilitator.
#[derive(Clone)]
pub(crate) struct Metrics {
    registry: Arc<Registry>,
    verified: Family<Verdict, Counter>,
    settled: Family<Verdict, Counter>,
    took: Family<Call, Histogram>,
    in_flight: Family<Call, Gauge>,
    limited: Counter,
    busy: Counter,
    pending: Gauge,
    reconciled: Family<Fate, Counter>,
    seen: Gauge,
    reversals: Family<Reversal, Counter>,
    clock: Family<Clock, Gauge>,
    sun: Family<Account, Gauge>,
    energy: Family<Account, Gauge>,
    bandwidth: Family<Account, Gauge>,
    able: Family<Account, Gauge>,
    spent: Family<Span, Gauge>,
    budget: Family<Span, Gauge>,
    over_budget: Family<Whose, Counter>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("facilitator");
        let verified = Family::<Verdict, Counter>::default();
        let settled = Family::<Verdict, Counter>::default();
        let took = Family::<Call, Histogram>::new_with_constructor(|| Histogram::new(BUCKETS));
        let in_flight = Family::<Call, Gauge>::default();
        let (limited, busy, pending) = (Counter::default(), Counter::default(), Gauge::default());
        let reconciled = Family::<Fate, Counter>::default();
        let (seen, reversals) = (Gauge::default(), Family::<Reversal, Counter>::default());
        let clock = Family::<Clock, Gauge>::default();
        let [sun, energy, bandwidth, able] = std::array::from_fn(|_| Family::<Account, Gauge>::default());
        registry.register("verifications", "Answers of /verify; reason valid when it was a yes", verified.clone());
        registry.register("settlements", "Answers of /settle; reason settled when it was a yes", settled.clone());
        registry.register("duration_seconds", "How long an answer took", took.clone());
        registry.register("in_flight", "Requests being answered", in_flight.clone());
        registry.register("rate_limited", "Requests that were turned away with 429", limited.clone());
        registry.register("turned_away", "Requests that were turned away with 503: too many at once", busy.clone());
        registry.register("pending", "Transactions whose fate is not known", pending.clone());
        registry.register("reconciled", "What became of what was open at the start", reconciled.clone());
        registry.register("seen", "Transactions in a block that the chain may still drop", seen.clone());
        registry.register(
            "reversals",
            "Settlements that the chain has dropped, and what came of them",
            reversals.clone(),
        );
        registry.register("clock_ahead_seconds", "This machine's clock less the newest block's time", clock.clone());
        registry.register("signer_balance_sun", "TRX of each account that settles", sun.clone());
        registry.register("signer_energy", "Energy that it has left", energy.clone());
        registry.register("signer_bandwidth", "Bandwidth that it has left", bandwidth.clone());
        registry.register("signer_can_pay", "1 when energy or TRX are enough for a settlement", able.clone());
        let [spent, budget] = std::array::from_fn(|_| Family::<Span, Gauge>::default());
        let over_budget = Family::<Whose, Counter>::default();
        registry.register("spent_sun", "What settling cost within the last hour and day", spent.clone());
        registry.register("budget_sun", "What it may cost in all", budget.clone());
        registry.register(
            "over_budget",
            "Payments that were turned away with 503: a budget is spent",
            over_budget.clone(),
        );
        let registry = Arc::new(registry);
        Self {
            registry,
            verified,
            settled,
            took,
            in_flight,
            limited,
            busy,
            pending,
            reconciled,
            seen,
            reversals,
            clock,
            sun,
            energy,
            bandwidth,
            able,
            spent,
            budget,
            over_budget,
        }
    }

    /// The text that Prometheus reads.
    pub(crate) fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }

    /// Counts as being answered until it is dropped.
    pub(crate) fn call(&self, call: &'static str) -> InFlight {
        let gauge = self.in_flight.get_or_create(&Call { call }).clone();
        gauge.inc();
        InFlight { gauge, took: self.took.get_or_create(&Call { call }).clone(), began: std::time::Instant::now() }
    }

    pub(crate) fn verified(&self, requirements: &Requirements, reason: Option<Reason>) {
        let reason = reason.map_or("valid", Reason::code);
        self.verified.get_or_create(&verdict(requirements, reason)).inc();
    }

    pub(crate) fn settled(&self, requirements: &Requirements, settled: &Settled) {
        let reason = match settled {
            Settled::Done { .. } => "settled",
            Settled::Pending { .. } => Reason::SettlementPending.code(),
            Settled::Failed { rejected, .. } => rejected.reason.code(),
            Settled::Reversed { .. } => Reason::Reversed.code(),
        };
        self.settled.get_or_create(&verdict(requirements, reason)).inc();
    }

    pub(crate) fn limited(&self) {
        self.limited.inc();
    }

    pub(crate) fn busy(&self) {
        self.busy.inc();
    }

    /// Span, spent and allowed.
    pub(crate) fn budget(&self, spans: &[(&'static str, u64, u64)]) {
        for &(span, spent, most) in spans {
            for (gauge, value) in [(&self.spent, spent), (&self.budget, most)] {
                gauge.get_or_create(&Span { span }).set(i64::try_from(value).unwrap_or(i64::MAX));
            }
        }
    }

    pub(crate) fn over_budget(&self, budget: &'static str) {
        self.over_budget.get_or_create(&Whose { budget }).inc();
    }

    /// How many have no known fate, and how many were only seen.
    pub(crate) fn followed(&self, open: usize, seen: usize) {
        self.pending.set(i64::try_from(open).unwrap_or(i64::MAX));
        self.seen.set(i64::try_from(seen).unwrap_or(i64::MAX));
    }

    /// `dropped`: its block is gone. `settled_again`: it is in another one. `reversed`: it can't be sent again.
    pub(crate) fn reversal(&self, network: Network, outcome: &'static str) {
        self.reversals.get_or_create(&Reversal { network: network.canonical(), outcome }).inc();
    }

    pub(crate) fn reconciled(&self, outcome: &Outcome) {
        let outcome = match outcome {
            Outcome::Settled(_) => "settled",
            Outcome::Pending(_) => "pending",
            Outcome::Failed { transaction: Some(_), .. } => "failed",
            Outcome::Failed { transaction: None, .. } => "dead",
            Outcome::Reversed { .. } => "reversed",
        };
        self.reconciled.get_or_create(&Fate { outcome }).inc();
    }

    /// Our clock is so many seconds ahead of the newest block.
    pub(crate) fn clock(&self, network: Network, ahead: i64) {
        self.clock.get_or_create(&Clock { network: network.canonical() }).set(ahead);
    }

    pub(crate) fn purse(&self, network: Network, address: Address, purse: Purse, able: bool) {
        let account = Account { network: network.canonical(), address: address.to_string() };
        for (gauge, value) in [
            (&self.sun, purse.sun),
            (&self.energy, purse.energy),
            (&self.bandwidth, purse.bandwidth),
            (&self.able, u64::from(able)),
        ] {
            gauge.get_or_create(&account).set(i64::try_from(value).unwrap_or(i64::MAX));
        }
    }
}

/// What was asked for, as far as it is one of the known names: a caller can't make up labels.
fn verdict(requirements: &Requirements, reason: &'static str) -> Verdict {
    let terms = requirements.terms.as_ref().ok();
    Verdict {
        scheme: terms.map_or("unknown", |terms| terms.scheme().name()),
        network: terms.map_or("unknown", |terms| terms.network().canonical()),
        reason,
    }
}

/// One request being answered.
pub(crate) struct InFlight {
    gauge: Gauge,
    took: Histogram,
    began: std::time::Instant,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let took: Duration = self.began.elapsed();
        self.took.observe(took.as_secs_f64());
        self.gauge.dec();
    }
}
