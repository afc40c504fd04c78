//! Payments in words: rows, details, and what their app is told.

use crate::payment::*;
use crate::port::{PaymentAnswerView, PlanView};
use crate::question::{RecipientView, quoted};
use crate::words::{Arg, say};
use crate::{AddressView, Failure, FindingView, MoneyView};
use ledger::{Allowance, AllowanceOutcome, Delivery, Papers, Payment, Settlement, State};
use plan::{Moment, Plan};
use tron::registry::Role;
use tron::{Address, Amount};
use wallet::Header;

/// RFC 3339 in UTC, whole seconds.
pub fn time(at: Moment) -> String {
    // Beyond what a calendar holds the latest day stands for "never".
    let at = jiff::Timestamp::from_second(at.0.div_euclid(1000)).unwrap_or(jiff::Timestamp::MAX);
    jiff::Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}

pub(crate) fn seconds(at: u64) -> String {
    time(Moment::from_secs(i64::try_from(at).unwrap_or(i64::MAX)))
}

pub(crate) fn money(plan: &Plan, amount: Amount) -> MoneyView {
    MoneyView::of(amount, &plan.token.symbol, plan.token.decimals, plan.token.known).on(plan.network)
}

/// The host as shown, with its port where it is unusual; plain http is said.
pub fn site(site: &plan::Site) -> String {
    let text = site.to_string();
    text.strip_prefix("https://").map_or(text.clone(), str::to_owned)
}

/// A site as [`site`] shows it, as the record keeps it, or as the URL of anything there.
pub(crate) fn read_site(text: &str) -> Result<plan::Site, names::UrlError> {
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    let whole = text.contains("://") || lower.starts_with("http:") || lower.starts_with("https:");
    plan::Site::of(&if whole { text.to_owned() } else { format!("https://{text}") })
}

pub fn app_name(app: &plan::AppId, name: Option<&str>) -> String {
    match name {
        _ if *app == plan::AppId::owner() => say("owner-app", &[]),
        Some(name) => quoted(name, 64),
        None => quoted(&app.0, 64),
    }
}

pub fn contract_name(plan: &Plan, contract: tron::Address) -> String {
    match tron::registry::role(plan.network, contract) {
        Some(Role::PaymentPermit) => say("contract-PaymentPermit", &[]),
        Some(Role::Permit2) => say("contract-Permit2", &[]),
        Some(Role::ExactProxy) => match permit2_sets(plan, contract) {
            Some((set, _)) => say("contract-ExactProxy-of", &[("set", Arg::Text(set))]),
            None => say("contract-ExactProxy", &[]),
        },
        Some(role) => format!("{role:?}"),
        None if contract == plan.token.address => say("contract-token", &[]),
        None => contract.to_string(),
    }
}

/// The name of the deployment that this exact proxy belongs to, and of the network's other one where there are two.
fn permit2_sets(plan: &Plan, contract: Address) -> Option<(&'static str, &'static str)> {
    let sets = &tron::registry::deployments(plan.network).permit2;
    let own = sets.iter().find(|set| set.exact_proxy == contract)?;
    let other = sets.iter().find(|set| set.name != own.name)?;
    Some((own.name, other.name))
}

fn state(state: State) -> StateView {
    match state {
        State::Asked => StateView::Asked,
        State::Reserved => StateView::Approved,
        State::Signed => StateView::Signed,
        State::Rejected | State::Refused => StateView::Refused,
        State::Cancelled => StateView::Cancelled,
        State::Expired => StateView::Expired,
    }
}

fn settlement(payment: &Payment) -> SettlementView {
    match &payment.settlement {
        None => SettlementView::None,
        Some(Settlement::Unknown) if payment.dropped_at.is_some() => SettlementView::Dropped,
        Some(Settlement::Unknown) => SettlementView::Unknown,
        Some(Settlement::Seen { .. }) => SettlementView::Seen,
        Some(Settlement::Final { .. }) => SettlementView::Final,
        Some(Settlement::NeverUsed) => SettlementView::NeverUsed,
    }
}

fn transaction(payment: &Payment) -> Option<String> {
    match &payment.settlement {
        Some(Settlement::Seen { tx } | Settlement::Final { tx, .. }) => tx.clone(),
        _ => None,
    }
}

/// The seller's word on a settlement that failed, told as its word, and what to do where that word has a known reason.
pub(crate) fn seller_says(payment: &Payment) -> Option<String> {
    let said = seller_said(payment)?;
    Some(match other_set(&payment.plan, payment.seller_says.as_deref().unwrap_or_default()) {
        Some(hint) => format!("{said}. {hint}"),
        None => said,
    })
}

fn seller_said(payment: &Payment) -> Option<String> {
    let reason = quoted(payment.seller_says.as_deref()?, 200);
    Some(match reason.trim().is_empty() {
        true => say("seller-says", &[]),
        false => say("seller-says-why", &[("reason", Arg::Text(&reason))]),
    })
}

/// A facilitator of the other deployment computes another digest, and calls a good signature or spender a wrong one.
fn other_set(plan: &Plan, reason: &str) -> Option<String> {
    if !x402::means_wrong_signature(reason) {
        return None;
    }
    let (set, other) = permit2_sets(plan, plan.contract)?;
    let site = quoted(&plan.site.to_string(), 300);
    let args = [("set", Arg::Text(set)), ("other", Arg::Text(other)), ("site", Arg::Text(&site))];
    Some(say("permit2-other-set", &args))
}

fn word(payment: &Payment) -> String {
    let key = match (payment.state, settlement(payment)) {
        (State::Asked, _) => "word-waiting",
        // A person's yes is signed at once, unless a transaction has to come first.
        (State::Reserved, _) if payment.by_person && payment.plan.allowance.is_some() => "word-approved-allowance",
        (State::Reserved, _) => "word-approved",
        (State::Rejected, _) => "word-rejected",
        (State::Refused, _) => "word-refused",
        (State::Cancelled, _) => "word-cancelled",
        (State::Expired, _) => "word-expired",
        (State::Signed, SettlementView::Seen) => "word-seen",
        (State::Signed, SettlementView::Dropped) => "word-dropped",
        (State::Signed, SettlementView::Final) => "word-settled",
        (State::Signed, SettlementView::NeverUsed) => "word-neverUsed",
        // The seller answered, and what it did not deliver may be taken all the same.
        (State::Signed, _) if payment.delivery == Some(Delivery::RefusedBySeller) => "word-unknown",
        (State::Signed, SettlementView::None | SettlementView::Unknown) => "word-signed",
    };
    say(key, &[])
}

impl PaymentView {
    pub fn of(payment: &Payment, name: Option<&str>) -> Self {
        let plan = &payment.plan;
        let settlement = settlement(payment);
        let ended = !matches!(payment.state, State::Asked | State::Reserved | State::Signed);
        Self {
            id: payment.id.to_string(),
            at: time(payment.entered_at),
            app_name: app_name(&plan.app, name),
            app_id: plan.app.0.clone(),
            site: site(&plan.site),
            site_key: plan.site.to_string(),
            provenance: plan.provenance.into(),
            method: plan.request.method.clone(),
            path: quoted(&plan.request.path, 200),
            amount: money(plan, payment.actual.unwrap_or(plan.maximum)),
            at_most: payment.actual.is_none() && payment.state == State::Signed,
            state: state(payment.state),
            settlement,
            delivery: match payment.delivery {
                Some(Delivery::Delivered) => DeliveryView::Delivered,
                Some(Delivery::RefusedBySeller) => DeliveryView::RefusedBySeller,
                Some(Delivery::NotReported) | None => DeliveryView::NotReported,
            },
            word: word(payment),
            nothing_left: ended || settlement == SettlementView::NeverUsed,
            network: plan.network.label().to_owned(),
            test_money: plan.network.is_test(),
            code: Failure::of_payment(payment).map(|f| f.code),
            transaction: transaction(payment),
            seller_says: seller_says(payment),
            note: None,
            tags: Vec::new(),
        }
    }

    /// An open question whose asker left is told so.
    pub(crate) fn waiting_for(mut self, asker_gone: bool) -> Self {
        if self.state == StateView::Asked && asker_gone {
            self.word = say("word-waiting-gone", &[]);
        }
        self
    }

    /// With a person's words on it.
    pub fn listed(row: &ledger::Listed, name: Option<&str>) -> Self {
        Self { note: row.note.clone(), tags: row.tags.clone(), ..Self::of(&row.payment, name) }
    }
}

impl PaymentDetailView {
    pub fn of(payment: &Payment, papers: &Papers, allowances: &[Allowance], name: Option<&str>) -> Self {
        let plan = &payment.plan;
        let signed_payload = papers.header_value.as_deref().map(|value| pretty(&decoded(value)));
        Self {
            payment: PaymentView::of(payment, name),
            url: quoted(&plan.request.url, 2000),
            price: money(plan, plan.price),
            fee: plan.fee.as_ref().map(|f| money(plan, f.amount)),
            maximum: money(plan, plan.maximum),
            payer: AddressView::of(plan.payer),
            payee: AddressView::of(plan.payee),
            recipients: RecipientView::all(plan),
            token: AddressView::of(plan.token.address),
            contract: AddressView::of(plan.contract),
            contract_name: contract_name(plan, plan.contract),
            scheme: plan.scheme.name().to_owned(),
            site_words: plan.site_words.as_deref().map(|w| quoted(w, 500)),
            app_words: plan.app_words.as_deref().map(|w| quoted(w, 500)),
            valid_before: seconds(plan.window.valid_before),
            steps: steps(payment, allowances),
            findings: FindingView::all(plan),
            document: pretty(&decoded(&papers.document)),
            signed_payload,
            block: match &payment.settlement {
                Some(Settlement::Final { block: Some(block), .. }) => Some(block.to_string()),
                _ => None,
            },
        }
    }
}

fn steps(payment: &Payment, allowances: &[Allowance]) -> Vec<StepView> {
    let mut steps = Vec::new();
    let mut step = |name: &str, at: Option<Moment>, note: Option<String>| {
        steps.push(StepView { name: name.to_owned(), at: at.map(time), note });
    };
    step("asked", Some(payment.entered_at), None);
    if let Some(at) = payment.reserved_at {
        step(if payment.by_person { "approved" } else { "allowed" }, Some(at), None);
    }
    for allowance in allowances {
        let note = match &allowance.outcome {
            None => None,
            Some(AllowanceOutcome::Confirmed { fee_sun, .. }) => {
                Some(format!("{} TRX", Amount::from_u64(*fee_sun).format_units(6)))
            }
            Some(AllowanceOutcome::Failed { reason }) => Some(quoted(reason, 120)),
            Some(AllowanceOutcome::Expired) => Some(say("word-expired", &[])),
        };
        step("allowance", allowance.outcome_at.or(Some(allowance.at)), note);
    }
    if let Some(at) = payment.signed_at {
        step("signed", Some(at), None);
    }
    if let Some(at) = payment.ended_at.filter(|_| payment.signed_at.is_none()) {
        step("ended", Some(at), Failure::of_payment(payment).map(|f| f.message));
    }
    match (&payment.settlement, payment.settlement_at) {
        (Some(Settlement::Seen { tx }), at) => step("seen", at, tx.clone()),
        (Some(Settlement::Final { tx, .. }), at) => step("settled", at, tx.clone()),
        (Some(Settlement::NeverUsed), at) => step("neverUsed", at, None),
        (Some(Settlement::Unknown) | None, _) => {
            if let Some(at) = payment.dropped_at {
                let until = seconds(payment.plan.window.valid_before);
                step("dropped", Some(at), Some(say("settlement-dropped", &[("until", Arg::Text(&until))])));
            }
        }
    }
    if let Some(delivery) = payment.delivery.filter(|d| *d != Delivery::NotReported) {
        let name = if delivery == Delivery::Delivered { "delivered" } else { "refusedBySeller" };
        let status = payment.http_status.map(|s| format!("HTTP {s}"));
        let notes: Vec<String> = status.into_iter().chain(seller_said(payment)).collect();
        step(name, payment.delivery_at, (!notes.is_empty()).then(|| notes.join(", ")));
    }
    steps
}

/// The JSON inside a header value, or the text as it is.
fn decoded(text: &str) -> String {
    match x402::header::read(text) {
        Ok(json) => json,
        Err(_) => text.to_owned(),
    }
}

/// Pretty-printed where it is JSON; every line made safe to show.
pub fn pretty(json: &str) -> String {
    let text = match serde_json::from_str::<serde_json::Value>(json) {
        Ok(value) => serde_json::to_string_pretty(&value).unwrap_or_else(|_| json.to_owned()),
        Err(_) => json.to_owned(),
    };
    text.lines().map(|line| quoted(line, 4000)).collect::<Vec<_>>().join("\n")
}

impl PlanView {
    pub fn of(plan: &Plan) -> Self {
        let mut findings: Vec<_> = plan.findings.iter().collect();
        findings.sort_by_key(|f| std::cmp::Reverse(f.weight));
        Self {
            site: plan.site.to_string(),
            provenance: plan.provenance.into(),
            scheme: plan.scheme.name().to_owned(),
            network: plan.network.canonical().to_owned(),
            asset: plan.token.address.to_string(),
            pay_to: plan.payee.to_string(),
            payer: plan.payer.to_string(),
            price: money(plan, plan.price),
            fee: plan.fee.as_ref().map(|f| money(plan, f.amount)),
            fee_to: plan.fee.as_ref().map(|f| f.to.to_string()),
            caller: plan.caller.map(|caller| caller.to_string()),
            maximum: money(plan, plan.maximum),
            contract: plan.contract.to_string(),
            valid_before: seconds(plan.window.valid_before),
            findings: findings.into_iter().map(|f| f.fact.code().to_owned()).collect(),
        }
    }
}

impl PaymentAnswerView {
    /// `signed`: the header that pays, once there is a signature.
    pub fn of(payment: &Payment, signed: Option<Header>, locked: bool) -> Self {
        let (header_name, header_value) = signed.map(|header| (header.name, header.value)).unzip();
        Self {
            id: payment.id.to_string(),
            status: match payment.settlement {
                // Signed, and never used in time: the header is worth nothing any more.
                Some(Settlement::NeverUsed) => StateView::Expired,
                _ => state(payment.state),
            },
            expires_at: match payment.state {
                State::Signed | State::Reserved => seconds(payment.plan.window.valid_before),
                _ => time(payment.expires_at),
            },
            waiting_for: match (payment.state, locked) {
                (State::Asked | State::Reserved, true) => Some("unlock".to_owned()),
                (State::Asked, false) => Some("answer".to_owned()),
                _ => None,
            },
            header_name,
            header_value,
            plan: PlanView::of(&payment.plan),
            settlement: settlement(payment),
            transaction: transaction(payment),
            seller_says: seller_says(payment),
            notes: Vec::new(),
            failure: Failure::of_payment(payment),
        }
    }
}

/// "same address 14 times since 3 March 2026", and whether it is known at all.
pub(crate) fn payee_note(plan: &Plan) -> (String, bool) {
    for finding in &plan.findings {
        if let plan::Fact::PayeeKnown { times, since } = &finding.fact {
            let since = crate::show_finding::date(*since);
            let key = match times {
                0 => "payee-approved",
                1 => "payee-once",
                _ => "payee-known",
            };
            return (say(key, &[("times", Arg::Count(*times)), ("since", Arg::Text(&since))]), true);
        }
    }
    let elsewhere = plan.findings.iter().any(|finding| matches!(finding.fact, plan::Fact::PayeeNewHere { .. }));
    (say(if elsewhere { "payee-elsewhere" } else { "payee-new" }, &[]), false)
}

impl RecipientView {
    /// Everybody but the payee; one who is both is told once for each part.
    pub fn all(plan: &Plan) -> Vec<Self> {
        use plan::{Fact, Role};
        let others = plan.recipients().filter(|(role, _)| *role != Role::Payee);
        let of = |(role, to): (Role, Address)| {
            let unknown = plan.findings.iter().find_map(|finding| match &finding.fact {
                Fact::RecipientFirstSeen { address, .. } if *address == to => Some("recipient-new"),
                Fact::RecipientNewHere { address, .. } if *address == to => Some("recipient-elsewhere"),
                Fact::RecipientChanged { address, .. } if *address == to => Some("recipient-changed"),
                _ => None,
            });
            let label = if role == Role::Fee { "fee-to" } else { "settled-by" };
            Self {
                label: say(label, &[]),
                address: AddressView::of(to),
                note: say(unknown.unwrap_or("recipient-known"), &[]),
                known: unknown.is_none(),
            }
        };
        others.map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_read_as_it_is_shown_and_as_it_is_kept() {
        for url in ["https://news.example/a", "https://news.example:8443", "http://127.0.0.1:8402/x", "http://[::1]:80"]
        {
            let known = plan::Site::of(url).unwrap();
            for text in [site(&known), known.to_string(), url.to_owned(), format!(" {}/ ", site(&known))] {
                assert_eq!(read_site(&text), Ok(known.clone()), "{text}");
            }
        }
        for text in ["", "ftp://news.example", "news example", "javascript:alert(1)", "://", "https:news.example"] {
            assert!(read_site(text).is_err(), "{text}");
        }
    }
}
