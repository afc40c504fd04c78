//! Payments of schemes that no facilitator of ours settles: `upto`, `exact_gasfree`, payment channels. Checks what a
//! message and its terms say by themselves, signature and domain included, and says plainly what that leaves open.
//! Never calls one good that it could not check.

use super::lines::Lines;
use super::odd::{GOOD, STOP, WARN, found};
use super::payments;
use crate::FindingView;
use crate::words::say;
use plan::Moment;
use tron::Network;
use x402::{Payload, Payment, Requirements, Terms, batch_settlement, exact_gasfree, exact_permit2, scheme::upto};

/// What was looked at, each with whether it holds, and which words say what was not.
pub(super) struct Partly {
    checks: Vec<(&'static str, bool)>,
    rest: &'static str,
}

/// `None` for schemes that are judged as a facilitator would, and where one of the two can't be read.
pub(super) fn judge(payment: &Payment, option: &Requirements, now: Moment) -> Option<Partly> {
    let (payload, terms) = (payment.payload.as_ref().ok()?, option.terms.as_ref().ok()?);
    let now = now.secs();
    let (mut checks, rest) = match (payload, terms) {
        (Payload::Upto(payload), Terms::Upto(terms)) => (upto(payload, terms, now), "upto"),
        (Payload::ExactGasfree(payload), Terms::ExactGasfree(terms)) => (gasfree(payload, terms, now), "gasfree"),
        (Payload::BatchSettlement(payload), Terms::BatchSettlement(terms)) => (channel(payload, terms), "channel"),
        (Payload::LegacyDelivery(_), Terms::LegacyDelivery(_)) => (vec![], "legacy"),
        _ => return None,
    };
    let same_network = Network::parse(&payment.network) == Ok(terms.network());
    checks.push(("check-network", same_network));
    checks.push(("check-signature", payment.signer() == Some(payments::expected_signer(payload))));
    Some(Partly { checks, rest })
}

type Checks = Vec<(&'static str, bool)>;

fn upto(payload: &exact_permit2::Payload, terms: &upto::Terms, now: u64) -> Checks {
    let a = &payload.authorization;
    let facilitator = a.facilitator.filter(|facilitator| !facilitator.is_zero());
    vec![
        ("check-spender", terms.contracts.upto_proxy == Some(a.spender)),
        ("check-token", a.token == terms.common.token),
        ("check-payee", a.to == terms.common.payee),
        ("check-ceiling", a.amount == terms.common.price),
        ("check-facilitator", facilitator.is_some() && facilitator == terms.facilitator),
        ("check-window", (a.valid_after..a.deadline).contains(&now)),
    ]
}

fn gasfree(payload: &exact_gasfree::Payload, terms: &exact_gasfree::Terms, now: u64) -> Checks {
    vec![
        ("check-token", payload.token == terms.common.token),
        ("check-payee", payload.receiver == terms.common.payee),
        ("check-amount", payload.value == terms.common.price),
        ("check-version", payload.version == x402::U256::ONE),
        ("check-window", now < payload.deadline),
    ]
}

fn channel(payload: &batch_settlement::Payload, terms: &batch_settlement::Terms) -> Checks {
    let config = payload.config();
    let mut checks = vec![
        ("check-token", config.token == terms.common.token),
        ("check-payee", config.receiver == terms.common.payee),
        ("check-authorizer", config.receiver_authorizer == terms.receiver_authorizer),
        ("check-delay", config.withdraw_delay == terms.withdraw_delay),
    ];
    if let Some(voucher) = payload.voucher() {
        checks.push(("check-channel", voucher.channel_id == config.channel_id(terms.common.network)));
    }
    // A voucher is cumulative: what was charged so far and this price.
    let charged = terms.channel_state.as_ref().and_then(|state| state.charged_cumulative);
    if let (Some(voucher), Some(charged)) = (payload.voucher(), charged) {
        checks.push(("check-cumulative", charged.checked_add(terms.common.price) == Some(voucher.max_claimable)));
    }
    checks
}

impl Partly {
    /// A line for each check, and what to think of it.
    pub fn tell(&self, lines: &mut Lines) -> FindingView {
        for (check, holds) in &self.checks {
            let line = lines.add(check, if *holds { "fits" } else { "does not fit" });
            line.weight(if *holds { GOOD } else { STOP });
        }
        let rest = say(&format!("inspect-rest-{}", self.rest), &[]);
        let name = |(check, _): &(&str, bool)| say(&format!("label-{check}"), &[]);
        let wrong: Vec<String> = self.checks.iter().filter(|(_, holds)| !holds).map(name).collect();
        // What is told to nobody but us is no verdict of a facilitator: never better than a caution.
        match wrong.as_slice() {
            [] => found("verdictPartly", WARN, &[("rest", &rest)]),
            _ => found("verdictPartlyNo", STOP, &[("wrong", &wrong.join(", ")), ("rest", &rest)]),
        }
    }
}
