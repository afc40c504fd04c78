//! Questions in words.

use crate::question::*;
use crate::show_payment::{app_name, contract_name, money, payee_note, pretty, seconds, site, time};
use crate::words::{Arg, say};
use crate::{AddressView, FindingView, MoneyView, ProvenanceView};
use ledger::{Freed, Standing};
use plan::{Mode, Plan};
use tron::Amount;
use wallet::Question;

/// Whole percent, rounded up, at most 999.
pub(crate) fn percent(part: Amount, whole: Amount) -> u32 {
    if whole.is_zero() {
        return if part.is_zero() { 0 } else { 100 };
    }
    let (part, whole) = (part.saturating_mul(100).u256(), whole.u256());
    let rounded = part / whole + if (part % whole).is_zero() { tron::Amount::ZERO } else { Amount::from_u64(1) }.u256();
    u32::try_from(rounded).unwrap_or(999).min(999)
}

/// One bar; `after` is what would be spent with the payment that is looked at.
pub(crate) fn bar(
    label: String,
    spent: Amount,
    after: Amount,
    (limit, frees): (Amount, Option<Freed>),
    show: impl Fn(Amount) -> MoneyView,
) -> LimitBarView {
    LimitBarView {
        label,
        spent: show(spent),
        after: show(after),
        limit: show(limit),
        left: show(limit.saturating_sub(spent)),
        frees: frees.map(|freed| FreesView::of(freed, &show)),
        spent_percent: percent(spent, limit).min(100),
        after_percent: percent(after, limit).min(100),
    }
}

impl FreesView {
    pub(crate) fn of(freed: Freed, show: impl Fn(Amount) -> MoneyView) -> Self {
        Self { at: time(freed.at), more: show(freed.more) }
    }
}

fn bars(plan: &Plan, app: &str, standing: &Standing) -> Vec<LimitBarView> {
    let mut out = Vec::new();
    let Standing { rules, spending, app_frees, site_frees } = standing;
    let host = site(&plan.site);
    let sets = [
        (&rules.site, host.as_str(), spending.site_day, spending.site_month, site_frees),
        (&rules.app, app, spending.app_day, spending.app_month, app_frees),
    ];
    for (mode, who, day, month, frees) in sets {
        let Mode::Allow(limit) = mode else { continue };
        for (key, spent, limit, frees) in
            [("last-day", day, limit.per_day, frees.day), ("last-month", month, limit.per_month, frees.month)]
        {
            if let Some(limit) = limit {
                let label = say(key, &[("who", Arg::Text(who))]);
                let after = spent.saturating_add(plan.maximum);
                out.push(bar(label, spent, after, (limit, frees), |a| money(plan, a)));
            }
        }
    }
    out
}

impl QuestionView {
    pub fn of(question: &Question, account_name: &str, locked: bool) -> Self {
        let payment = &question.payment;
        let plan = &payment.plan;
        let app = app_name(&plan.app, question.app.as_ref().map(|a| a.name.as_str()));
        let (payee_note, payee_known) = payee_note(plan);
        let limits = bars(plan, &app, &question.standing);
        let findings = FindingView::all(plan);
        Self {
            id: payment.id.to_string(),
            digest: payment.digest.to_string(),
            app_id: plan.app.0.clone(),
            app_name: app.clone(),
            app_since: question.app.as_ref().map(|a| time(a.paired_at)),
            position: u32::try_from(question.position).unwrap_or(u32::MAX),
            queue: u32::try_from(question.queue).unwrap_or(u32::MAX),
            price: money(plan, plan.price),
            fee: plan.fee.as_ref().map(|f| money(plan, f.amount)),
            fee_percent: plan.fee.as_ref().map(|f| percent(f.amount, plan.price)),
            maximum: money(plan, plan.maximum),
            account_name: account_name.to_owned(),
            account: AddressView::of(plan.payer),
            before: plan.balance.map(|b| money(plan, b)),
            after: plan.balance.and_then(|b| b.checked_sub(plan.maximum)).map(|b| money(plan, b)),
            site: site(&plan.site),
            site_key: plan.site.to_string(),
            provenance: plan.provenance.into(),
            provenance_note: ProvenanceView::from(plan.provenance).note(&site(&plan.site), &app),
            method: plan.request.method.clone(),
            path: quoted(&plan.request.path, 300),
            site_words: plan.site_words.as_deref().map(|w| quoted(w, 300)),
            app_words: plan.app_words.as_deref().map(|w| quoted(w, 300)),
            payee: AddressView::of(plan.payee),
            payee_note,
            payee_known,
            recipients: RecipientView::all(plan),
            network: plan.network.label().to_owned(),
            test_money: plan.network.is_test(),
            scheme: plan.scheme.name().to_owned(),
            token: AddressView::of(plan.token.address),
            contract: AddressView::of(plan.contract),
            contract_name: contract_name(plan, plan.contract),
            findings,
            limits,
            allowance: plan.allowance.as_ref().map(|need| AllowanceView {
                spender: AddressView::of(need.spender),
                spender_name: contract_name(plan, need.spender),
                have: money(plan, need.have),
                exact: money(plan, need.need),
                cost: MoneyView::sun(need.cost_sun).on(plan.network),
                totals: wallet::offered_totals(need.need).into_iter().map(|t| money(plan, t)).collect(),
            }),
            expires_at: time(payment.expires_at),
            valid_before: seconds(plan.window.valid_before),
            lifetime_seconds: plan.lifetime().map(|secs| u32::try_from(secs).unwrap_or(u32::MAX)),
            options: u32::try_from(question.options).unwrap_or(u32::MAX),
            other_permit2: question.payment.plan.findings.iter().find_map(|f| match &f.fact {
                plan::Fact::Permit2Refused { other, .. } => Some(other.clone()),
                _ => None,
            }),
            arming_ms: u32::try_from(question.wait_ms).unwrap_or(0),
            danger: if question.danger { DangerView::of(plan) } else { None },
            asker_gone: question.asker_gone.then(|| say("asker-gone", &[])),
            locked,
            document: pretty(&question.document),
            typed_data: question.typed_data.as_ref().map(|t| pretty(&t.to_string())),
        }
    }
}
