//! The verdict on a finished plan. Automatic only where the app's rule and the site's rule both allow, every
//! window of both holds, and no finding asks for a person.

use plan::{Fact, Limit, Mode, Moment, Plan, Refusal, Rules, Spending, Verdict, Weight, Why};
use tron::Amount;

/// Judges `plan`. `spending` is what already counts, without this plan.
///
/// Refuses what is blocked, out of time, or carries a finding of weight [`Weight::Stop`]; allows what both
/// rules allow; asks otherwise, with every reason.
pub fn judge(plan: &Plan, rules: &Rules, spending: &Spending, now: Moment) -> Verdict {
    if let Some(blocked) = rules.blocked() {
        return Verdict::Refuse(blocked);
    }
    if let Some(index) = plan.findings.iter().position(|f| f.weight == Weight::Stop) {
        return Verdict::Refuse(Refusal::Finding(index));
    }
    if plan.window.valid_before <= now.secs() {
        return Verdict::Refuse(Refusal::Expired);
    }
    let mut whys: Vec<Why> = Vec::new();
    for (index, finding) in plan.findings.iter().enumerate() {
        // The missing allowance has a reason of its own below.
        if finding.weight == Weight::Warn && !matches!(finding.fact, Fact::AllowanceMissing { .. }) {
            whys.push(Why::Finding(index));
        }
    }
    if plan.allowance.is_some() || plan.findings.iter().any(|f| matches!(f.fact, Fact::AllowanceMissing { .. })) {
        whys.push(Why::AllowanceNeeded);
    }
    match (&rules.app, &rules.site) {
        (Mode::Allow(app), Mode::Allow(site)) => {
            if !(app.covers.covers(plan.provenance) && site.covers.covers(plan.provenance)) {
                whys.push(Why::SiteClaimed);
            }
            within(app, plan.maximum, spending.app_day, spending.app_month, &mut whys);
            within(site, plan.maximum, spending.site_day, spending.site_month, &mut whys);
        }
        _ => whys.push(Why::NoRule),
    }
    if whys.is_empty() { Verdict::Allow } else { Verdict::Ask(whys) }
}

/// A payment that fills a limit exactly still fits. A sum past 256 bit is over every limit.
fn within(limit: &Limit, asked: Amount, day: Amount, month: Amount, whys: &mut Vec<Why>) {
    let fits = |spent: Amount, limit: Amount| spent.checked_add(asked).is_some_and(|sum| sum <= limit);
    if let Some(limit) = limit.per_payment
        && !fits(Amount::ZERO, limit)
    {
        whys.push(Why::OverPerPayment { limit, asked });
    }
    if let Some(limit) = limit.per_day
        && !fits(day, limit)
    {
        whys.push(Why::OverDay { limit, spent: day, asked });
    }
    if let Some(limit) = limit.per_month
        && !fits(month, limit)
    {
        whys.push(Why::OverMonth { limit, spent: month, asked });
    }
}
