//! Findings in words: title, sentence with figures, and the two addresses to compare where one resembles the
//! other.

use crate::question::{CompareView, DangerView, FindingView, WeightView, quoted};
use crate::words::{Arg, duration, find, say};
use plan::{Chosen, Fact, Finding, Plan, Weight};
use tron::Amount;

fn weight(weight: Weight) -> WeightView {
    match weight {
        Weight::Good => WeightView::Good,
        Weight::Note => WeightView::Note,
        Weight::Warn => WeightView::Warn,
        Weight::Stop => WeightView::Stop,
    }
}

fn symbol(plan: &Plan) -> String {
    Some(quoted(&plan.token.symbol, 16)).filter(|s| !s.is_empty()).unwrap_or_else(|| plan.token.address.to_string())
}

/// The words' key for why an option was taken.
pub(crate) fn chosen(why: Chosen) -> &'static str {
    match why {
        Chosen::OnlyOne => "chosen-only",
        Chosen::Preferred => "chosen-preferred",
        Chosen::Cheapest => "chosen-cheapest",
        Chosen::Person => "chosen-person",
    }
}

/// TRX in whole units, for a sentence.
pub(crate) fn trx(sun: u64) -> String {
    format!("{} TRX", Amount::from_u64(sun).format_units(6))
}

/// An amount of the plan's token, for a sentence.
pub(crate) fn money(plan: &Plan, amount: Amount) -> String {
    format!("{} {}", amount.format_units(plan.token.decimals), quoted(&plan.token.symbol, 16))
}

/// "22 November 2026", UTC.
pub(crate) fn date(at: plan::Moment) -> String {
    let time = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    time.to_zoned(jiff::tz::TimeZone::UTC).strftime("%-d %B %Y").to_string()
}

impl FindingView {
    pub fn of(finding: &Finding, plan: &Plan) -> Self {
        let code = finding.fact.code();
        let key = match (&finding.fact, finding.weight) {
            // The person added it: told as it is, not as a reason to stop.
            (Fact::TokenUnknown { .. }, Weight::Note) => "tokenAdded",
            _ => code,
        };
        let mut args: Vec<(&str, String)> = Vec::new();
        let mut counts: Vec<(&str, u64)> = Vec::new();
        let mut compare = None;
        match &finding.fact {
            Fact::AllKnown
            | Fact::NothingPaid
            | Fact::PayeeFirstSeen
            | Fact::ChainUnknown
            | Fact::CallerMissing
            | Fact::NonceUsed => {}
            Fact::TrxShort { need, have } => {
                args.push(("need", trx(*need)));
                args.push(("have", trx(*have)));
                args.push(("missing", trx(need.saturating_sub(*have))));
                args.push(("payer", plan.payer.to_string()));
            }
            Fact::AccountNotActive { need } => {
                args.push(("need", trx(*need)));
                args.push(("payer", plan.payer.to_string()));
            }
            Fact::OtherKeys => args.push(("payer", plan.payer.to_string())),
            Fact::TokenPaused => args.push(("symbol", symbol(plan))),
            Fact::PayerBlocked => {
                args.push(("symbol", symbol(plan)));
                args.push(("payer", plan.payer.to_string()));
            }
            Fact::TransferFails { reason } => {
                args.push(("symbol", symbol(plan)));
                args.push(("reason", quoted(reason, 120)));
            }
            Fact::TokenCannotAuthorize => args.push(("symbol", symbol(plan))),
            Fact::DomainDiffers { claimed_name, claimed_version, name, version } => {
                let none = || say("nothing-stated", &[]);
                args.push(("claimed", quoted(&format!("{claimed_name} {claimed_version}"), 60)));
                let name = name.clone().unwrap_or_else(none);
                args.push(("stated", quoted(&format!("{name} {}", version.as_deref().unwrap_or("?")), 60)));
                args.push(("symbol", symbol(plan)));
            }
            Fact::OptionChosen { why, options } => {
                counts.push(("options", *options));
                args.push(("why", say(chosen(*why), &[])));
            }
            Fact::PayeeKnown { times, since } => {
                counts.push(("times", *times));
                args.push(("since", date(*since)));
            }
            Fact::PayeeNewHere { times, since } => {
                counts.push(("times", *times));
                args.push(("since", date(*since)));
            }
            Fact::RecipientFirstSeen { address, .. } => args.push(("address", address.to_string())),
            Fact::RecipientNewHere { address, times, .. } => {
                counts.push(("times", *times));
                args.push(("address", address.to_string()));
            }
            Fact::RecipientChanged { address, before, times, .. } => {
                counts.push(("times", *times));
                args.push(("address", address.to_string()));
                args.push(("before", before.to_string()));
                compare = Some(compared(*address, &say("before", &[]), *before));
            }
            Fact::RecipientLooksLike { address, known, .. } => {
                args.push(("known", known.to_string()));
                compare = Some(compared(*address, &say("paid-before", &[]), *known));
            }
            Fact::Permit2Refused { set, other } => {
                args.push(("set", quoted(set, 16)));
                args.push(("other", quoted(other, 16)));
            }
            Fact::Permit2Changed { set, before } => {
                args.push(("set", quoted(set, 16)));
                args.push(("before", quoted(before, 16)));
            }
            Fact::SiteResembles { known } | Fact::SiteOtherPort { known } => {
                args.push(("site", plan.site.to_string()));
                args.push(("known", quoted(known, 300)));
                compare = Some(CompareView {
                    asked_label: say("asked-for", &[]),
                    asked: written(&plan.site.to_string()),
                    known_label: say("paid-before", &[]),
                    known: written(known),
                });
            }
            Fact::PayeeChanged { before, times } => {
                counts.push(("times", *times));
                args.push(("before", before.to_string()));
                compare = Some(compared(plan.payee, &say("paid-before", &[]), *before));
            }
            Fact::PayeeLooksLike { known } => {
                args.push(("known", known.to_string()));
                compare = Some(compared(plan.payee, &say("paid-before", &[]), *known));
            }
            Fact::TokenLooksLike { known, symbol } => {
                args.push(("symbol", symbol.clone()));
                compare = Some(compared(plan.token.address, &real(symbol), *known));
            }
            Fact::TokenUnknown { claimed_symbol, claimed_decimals: _, real: known } => {
                // The server's word for it, or else the contract's own.
                let claimed = claimed_symbol.as_deref().unwrap_or(&plan.token.symbol);
                let claimed = Some(quoted(claimed, 16)).filter(|s| !s.is_empty());
                let label = real(claimed.as_deref().unwrap_or_default());
                args.push(("claimed", claimed.unwrap_or_else(|| "none".to_owned())));
                args.push(("network", plan.network.label().to_owned()));
                args.push(("real", known.map_or("none".to_owned(), |a| a.to_string())));
                compare = known.map(|known| compared(plan.token.address, &label, known));
            }
            Fact::TokenOlder => args.push(("symbol", quoted(&plan.token.symbol, 16))),
            Fact::DecimalsClaimed { claimed, real } => {
                args.push(("claimed", claimed.to_string()));
                args.push(("real", real.to_string()));
            }
            Fact::FeeShare { fee, price, percent } => {
                args.push(("fee", money(plan, *fee)));
                args.push(("price", money(plan, *price)));
                args.push(("percent", percent.to_string()));
            }
            Fact::PriceAboveUsual { usual, now } => {
                args.push(("usual", money(plan, *usual)));
                args.push(("now", money(plan, *now)));
            }
            Fact::ClockOff { seconds, ahead } => {
                let (duration, way) = crate::status::apart(*seconds, *ahead);
                args.push(("duration", duration));
                args.push(("way", way));
            }
            Fact::DeadlineFar { seconds } | Fact::NotYetValid { seconds } | Fact::RecordAhead { seconds } => {
                args.push(("duration", duration(*seconds)));
            }
            Fact::DeadlinePassed { seconds_ago } => args.push(("duration", duration(*seconds_ago))),
            Fact::PaidJustNow { seconds_ago, earlier, .. } => {
                args.push(("duration", duration(*seconds_ago)));
                let earlier = match earlier {
                    plan::EarlierOutcome::Unknown => "unknown",
                    plan::EarlierOutcome::Refused => "refused",
                    plan::EarlierOutcome::Paid => "paid",
                };
                args.push(("earlier", earlier.to_owned()));
            }
            Fact::AskedToo { seconds_ago, payment, same_app } => {
                args.push(("duration", duration(*seconds_ago)));
                args.push(("payment", payment.clone()));
                args.push(("by", if *same_app { "same" } else { "other" }.to_owned()));
            }
            Fact::ResourceElsewhere { claimed } => args.push(("claimed", quoted(claimed, 120))),
            Fact::AllowanceMissing { have, need } | Fact::BalanceShort { have, need } => {
                args.push(("have", money(plan, *have)));
                args.push(("need", money(plan, *need)));
            }
            Fact::TestMoney => args.push(("network", plan.network.label().to_owned())),
            Fact::ContractUnknown { contract } | Fact::ContractSuperseded { contract } => {
                args.push(("contract", contract.to_string()))
            }
        }
        let mut all: Vec<(&str, Arg<'_>)> = args.iter().map(|(k, v)| (*k, Arg::Text(v))).collect();
        all.extend(counts.iter().map(|(k, v)| (*k, Arg::Count(*v))));
        Self {
            code: code.to_owned(),
            weight: weight(finding.weight),
            title: find(&format!("{key}-title"), &all).unwrap_or_else(|| code.to_owned()),
            text: say(key, &all),
            compare,
        }
    }

    /// All findings of a plan, heaviest first.
    pub fn all(plan: &Plan) -> Vec<Self> {
        let mut findings: Vec<&Finding> = plan.findings.iter().collect();
        findings.sort_by_key(|f| std::cmp::Reverse(f.weight));
        findings.into_iter().map(|f| Self::of(f, plan)).collect()
    }
}

impl DangerView {
    /// The heaviest reason why approving isn't there, with the others in a line each.
    pub fn of(plan: &Plan) -> Option<Self> {
        let mut findings = FindingView::all(plan).into_iter().filter(|f| f.weight != WeightView::Good);
        let first = findings.next().filter(|f| f.weight == WeightView::Stop)?;
        let also = findings.filter(|f| f.weight != WeightView::Note).map(|f| f.title).collect();
        Some(Self { title: first.title, text: first.text, compare: first.compare, also })
    }
}

/// A site as it is asked, and as a browser shows it where that is something else.
fn written(site: &str) -> String {
    match names::WebUrl::parse(site).map(|url| url.unicode_host()) {
        Ok(Some(unicode)) => format!("{} ({})", quoted(site, 300), quoted(&unicode, 300)),
        _ => quoted(site, 300),
    }
}

fn real(symbol: &str) -> String {
    say("real-token", &[("symbol", Arg::Text(symbol))])
}

fn compared(asked: tron::Address, known_label: &str, known: tron::Address) -> CompareView {
    CompareView {
        asked_label: say("asked-for", &[]),
        asked: asked.to_string(),
        known_label: known_label.to_owned(),
        known: known.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tron::Address;

    /// Every fact there is: a new one without its words fails here.
    fn every_fact() -> Vec<Fact> {
        let (amount, known) = (Amount::from_u64(250_000), Address::ZERO);
        let moment = plan::Moment(1_795_348_800_000);
        vec![
            Fact::AllKnown,
            Fact::NothingPaid,
            Fact::PayeeKnown { times: 14, since: moment },
            Fact::PayeeFirstSeen,
            Fact::PayeeNewHere { times: 3, since: moment },
            Fact::RecipientFirstSeen { role: plan::Role::Fee, address: known },
            Fact::RecipientFirstSeen { role: plan::Role::Caller, address: known },
            Fact::RecipientNewHere { role: plan::Role::Fee, address: known, times: 3 },
            Fact::RecipientNewHere { role: plan::Role::Caller, address: known, times: 1 },
            Fact::RecipientChanged { role: plan::Role::Fee, address: known, before: known, times: 3 },
            Fact::RecipientChanged { role: plan::Role::Caller, address: known, before: known, times: 3 },
            Fact::RecipientLooksLike { role: plan::Role::Fee, address: known, known },
            Fact::RecipientLooksLike { role: plan::Role::Caller, address: known, known },
            Fact::SiteResembles { known: "https://xn--nws-cma.example".into() },
            Fact::SiteOtherPort { known: "http://news.example".into() },
            Fact::PayeeChanged { before: known, times: 3 },
            Fact::PayeeLooksLike { known },
            Fact::TokenLooksLike { known, symbol: "USDT".into() },
            Fact::TokenUnknown { claimed_symbol: Some("USDT".into()), claimed_decimals: Some(6), real: Some(known) },
            Fact::TokenOlder,
            Fact::DecimalsClaimed { claimed: 18, real: 6 },
            Fact::FeeShare { fee: amount, price: amount, percent: 100 },
            Fact::PriceAboveUsual { usual: amount, now: amount },
            Fact::DeadlineFar { seconds: 86_400 },
            Fact::DeadlinePassed { seconds_ago: 90 },
            Fact::NotYetValid { seconds: 90 },
            Fact::ClockOff { seconds: 300, ahead: false },
            Fact::RecordAhead { seconds: 86_400 },
            Fact::ResourceElsewhere { claimed: "https://other.example/\u{202e}".into() },
            Fact::AllowanceMissing { have: amount, need: amount },
            Fact::BalanceShort { have: amount, need: amount },
            Fact::TrxShort { need: 8_900_000, have: 1_500_000 },
            Fact::AccountNotActive { need: 8_900_000 },
            Fact::OtherKeys,
            Fact::TokenPaused,
            Fact::PayerBlocked,
            Fact::TransferFails { reason: "not \u{202e}today".into() },
            Fact::ChainUnknown,
            Fact::TestMoney,
            Fact::Permit2Refused { set: "first".into(), other: "second".into() },
            Fact::Permit2Changed { set: "second".into(), before: "first".into() },
            Fact::ContractUnknown { contract: known },
            Fact::CallerMissing,
            Fact::NonceUsed,
            Fact::ContractSuperseded { contract: known },
            Fact::TokenCannotAuthorize,
            Fact::DomainDiffers {
                claimed_name: "Tether\u{202e}".into(),
                claimed_version: "2".into(),
                name: Some("Authorized Dollar".into()),
                version: None,
            },
            Fact::OptionChosen { why: Chosen::Cheapest, options: 3 },
            Fact::AskedToo { seconds_ago: 12, payment: "id".into(), same_app: true },
            Fact::AskedToo { seconds_ago: 12, payment: "id".into(), same_app: false },
            Fact::PaidJustNow { seconds_ago: 12, payment: "id".into(), earlier: plan::EarlierOutcome::Paid },
            Fact::PaidJustNow { seconds_ago: 12, payment: "id".into(), earlier: plan::EarlierOutcome::Unknown },
            Fact::PaidJustNow { seconds_ago: 12, payment: "id".into(), earlier: plan::EarlierOutcome::Refused },
        ]
    }

    fn plan() -> Plan {
        let address = Address::ZERO;
        Plan {
            app: plan::AppId::owner(),
            site: plan::Site::of("https://news.example").unwrap(),
            provenance: plan::Provenance::Claimed,
            request: plan::Request { method: "GET".into(), url: "https://news.example/".into(), path: "/".into() },
            document: [0; 32],
            option: 0,
            scheme: x402::Scheme::ExactPermit,
            network: tron::Network::Nile,
            payer: address,
            payee: address,
            token: plan::TokenRef { address, symbol: "USDT".into(), decimals: 6, known: true },
            contract: address,
            price: Amount::ZERO,
            fee: None,
            caller: None,
            maximum: Amount::ZERO,
            window: plan::Window { valid_after: 0, valid_before: 0 },
            allowance: None,
            balance: None,
            findings: vec![],
            site_words: None,
            app_words: None,
        }
    }

    #[test]
    fn every_fact_has_a_title_and_a_sentence_with_its_figures() {
        for fact in every_fact() {
            let view = FindingView::of(&Finding { weight: Weight::Warn, fact: fact.clone() }, &plan());
            assert_ne!(view.title, view.code, "{fact:?} has no title");
            assert_ne!(view.text, view.code, "{fact:?} has no sentence");
            assert!(!view.text.contains('{') && !view.text.contains("{$"), "{}: {}", view.code, view.text);
            assert!(!view.text.contains('\u{202e}'));
        }
        let of = |fact| FindingView::of(&Finding { weight: Weight::Warn, fact }, &plan()).text;
        let price = Fact::PriceAboveUsual { usual: Amount::from_u64(100_000), now: Amount::from_u64(250_000) };
        assert_eq!(of(price), "You usually pay 0.1 USDT here; this is 0.25 USDT.");
        let trx = of(Fact::TrxShort { need: 8_900_000, have: 1_500_000 });
        assert!(trx.contains("Send 7.4 TRX or more to T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb"), "{trx}");
        let twice =
            of(Fact::PaidJustNow { seconds_ago: 12, payment: "id".into(), earlier: plan::EarlierOutcome::Unknown });
        assert!(twice.contains("paid 12 seconds ago, outcome not known"), "{twice}");
    }

    #[test]
    fn every_code_has_a_sentence() {
        use crate::Code::*;
        for code in [
            WalletLocked,
            UserRejected,
            PolicyDenied,
            Expired,
            Cancelled,
            UnsupportedScheme,
            UnsupportedNetwork,
            UnknownContract,
            UnknownToken,
            MalformedPaymentRequired,
            AllowanceRequired,
            InsufficientBalance,
            TrxRequired,
            AccountNotActive,
            OtherKeys,
            TokenPaused,
            PayerBlocked,
            MaxAmountExceeded,
            RateLimited,
            IdempotencyConflict,
            NotPaired,
            NoAccount,
            NodeUnavailable,
            LedgerUnavailable,
            LedgerGone,
            BadRequest,
            Forbidden,
            NotFound,
            PlanChanged,
            NotArmed,
            WrongPassphrase,
            VaultUnusable,
            CannotSign,
            PermissionInUse,
            AlreadySigned,
            AlreadyPaid,
            AlreadyAnswered,
            Internal,
        ] {
            assert!(find(&code.name(), &[]).is_some(), "{code:?}");
        }
    }
}
