//! What servers try, as a table: each case changes one honest payment in one place and says what must be
//! found and that no rule, however generous, lets it through. Honest controls must pass without a question.

#![cfg(test)]

mod tables;

use plan::{
    AllowanceNeed, AppId, AskedToo, Covers, Earlier, Fact, Fee, Finding, History, Limit, Mode, Moment, Plan,
    Provenance, Recent, Refusal, Request, Role, Rules, Site, Spending, TokenRef, Verdict, Weight, Why, Window,
};
use policy::{ChainFacts, Draft, Sender, TokenSays, Trial, findings, judge, looks_alike};
use tables::{ASKED, HONEST, STOPPED};
use tron::{Address, Amount, Network};

const NOW: Moment = Moment::from_secs(1_800_000_000);
const NOW_SECS: u64 = 1_800_000_000;
const PERMIT: &str = "TFxDcGvS7zfQrS1YzcCMp673ta2NHHzsiH";
const USDT: &str = "TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf";
const USDT_SECOND: &str = "TXLAQ63Xg1NAzckPwKHvzw7CSEmLMEqcdj";
/// Shares its first four and last three characters with USDT.
const USDT_BOTH_ENDS: &str = "TXYZouq9PR2aZZvJ4YQrDLcoVasLSapEBf";
/// Shares all but its last characters with USDT.
const USDT_HEAD: &str = "TXYZopYRdj2D9XRtbG411XZZ3kM5RN6rHv";
const USDD_OLDER: &str = "TPYmHEhy5n8TCEfYGqW2rPxsghSfzghPDn";

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn payee() -> Address {
    Address::from_bytes([7; 20])
}

fn stranger() -> Address {
    Address::from_bytes([9; 20])
}

/// An address whose first characters equal the payee's.
fn like_payee() -> Address {
    let mut bytes = *payee().bytes();
    bytes[19] = 0;
    Address::from_bytes(bytes)
}

/// Everything that a judgement is made from, owned, so that a case can change any of it.
struct World {
    site: Site,
    url: String,
    claimed: Option<String>,
    network: Network,
    token: TokenRef,
    token_added: bool,
    claimed_symbol: Option<String>,
    claimed_decimals: Option<u64>,
    contract: Address,
    contract_known: bool,
    caller_missing: bool,
    payee: Address,
    price: u64,
    fee: Option<Fee>,
    window: Window,
    needs_allowance: bool,
    provenance: Provenance,
    history: History,
    chain: ChainFacts,
    rules: Rules,
    spending: Spending,
}

/// A known site, paid before, asks its usual price in a known token through a known contract.
fn honest() -> World {
    let url = "https://news.example/articles/8841";
    World {
        site: Site::of(url).unwrap(),
        url: url.into(),
        claimed: Some(url.into()),
        network: Network::Nile,
        token: TokenRef { address: address(USDT), symbol: "USDT".into(), decimals: 6, known: true },
        token_added: false,
        claimed_symbol: Some("USDT".into()),
        claimed_decimals: None,
        contract: address(PERMIT),
        contract_known: true,
        caller_missing: false,
        payee: payee(),
        price: 250_000,
        fee: None,
        window: Window { valid_after: NOW_SECS - 60, valid_before: NOW_SECS + 300 },
        needs_allowance: true,
        provenance: Provenance::Claimed,
        history: History {
            payee_times: 3,
            payee_since: Some(Moment::from_secs(1_780_000_000)),
            payee_settled: Some((3, Moment::from_secs(1_790_000_000))),
            payees_of_site: vec![(payee(), 3)],
            usual_price: Some(Amount::from_u64(250_000)),
            ..History::default()
        },
        chain: ChainFacts {
            balance: Some(Amount::from_u64(90_000_000)),
            allowance: Some(Amount::from_u64(90_000_000)),
            nonce_used: Some(false),
            token: TokenSays::Nothing,
            clock_ahead_ms: Some(0),
            ..ChainFacts::default()
        },
        rules: Rules {
            app: Mode::Allow(Limit::default()),
            site: Mode::Allow(Limit::default()),
            site_blocked: false,
            host_blocked: false,
        },
        spending: Spending::NONE,
    }
}

impl World {
    fn maximum(&self) -> Amount {
        let fee = self.fee.as_ref().map_or(Amount::ZERO, |f| f.amount);
        Amount::from_u64(self.price).saturating_add(fee)
    }

    fn found(&self) -> Vec<Finding> {
        let draft = Draft {
            site: &self.site,
            request_url: &self.url,
            claimed_resource: self.claimed.as_deref(),
            network: self.network,
            token: &self.token,
            token_added: self.token_added,
            claimed_symbol: self.claimed_symbol.as_deref(),
            claimed_decimals: self.claimed_decimals,
            contract: self.contract,
            contract_known: self.contract_known,
            caller_missing: self.caller_missing,
            payer: Address::from_bytes([1; 20]),
            payee: self.payee,
            price: Amount::from_u64(self.price),
            fee: self.fee.as_ref(),
            maximum: self.maximum(),
            window: self.window,
            needs_allowance: self.needs_allowance,
        };
        findings(&draft, &self.history, &self.chain, NOW)
    }

    fn plan(&self) -> Plan {
        let missing = self.chain.allowance.filter(|have| self.needs_allowance && *have < self.maximum());
        Plan {
            app: AppId("shop".into()),
            site: self.site.clone(),
            provenance: self.provenance,
            request: Request { method: "GET".into(), url: self.url.clone(), path: "/".into() },
            document: [0; 32],
            option: 0,
            scheme: x402::Scheme::ExactPermit,
            network: self.network,
            payer: Address::from_bytes([1; 20]),
            payee: self.payee,
            token: self.token.clone(),
            contract: self.contract,
            price: Amount::from_u64(self.price),
            fee: self.fee.clone(),
            caller: None,
            maximum: self.maximum(),
            window: self.window,
            allowance: missing.map(|have| AllowanceNeed {
                spender: self.contract,
                have,
                need: self.maximum(),
                cost_sun: 1,
            }),
            balance: self.chain.balance,
            findings: self.found(),
            site_words: None,
            app_words: None,
        }
    }

    fn verdict(&self) -> Verdict {
        judge(&self.plan(), &self.rules, &self.spending, NOW)
    }
}

type Change = fn(&mut World);

fn fee(amount: u64) -> Option<Fee> {
    Some(Fee { to: Address::from_bytes([8; 20]), amount: Amount::from_u64(amount) })
}

/// Somebody beside the payee, met `times` times in this role anywhere, and who had the role here.
fn other(w: &mut World, role: Role, times: u64, of_site: Vec<(Address, u64)>) {
    w.history.others.push(Earlier { role, address: stranger(), times, settled: times, of_site, similar: vec![] });
}

fn sites(urls: &[&str]) -> Vec<Site> {
    urls.iter().map(|url| Site::of(url).unwrap()).collect()
}

fn elsewhere(w: &mut World, url: &str) {
    w.claimed = Some(url.into());
}

fn unknown_token(w: &mut World, at: &str, symbol: &str) {
    w.token = TokenRef { address: address(at), symbol: symbol.into(), decimals: 6, known: false };
    w.claimed_symbol = Some(symbol.into());
}

fn recent(ms_ago: i64, delivered: bool) -> Recent {
    Recent { at: Moment(NOW.0 - ms_ago), payment: "p".into(), delivered, refused: false, unknown: false }
}

fn unknown(ms_ago: i64, delivered: bool) -> Recent {
    Recent { unknown: true, ..recent(ms_ago, delivered) }
}

/// No allowance, and an account that has just what giving it takes; changed.
fn sender(w: &mut World, change: impl FnOnce(&mut Sender)) {
    let mut sender = Sender { active: true, own_key: true, trx_sun: 9_000_000, takes_sun: 9_000_000 };
    change(&mut sender);
    w.chain.allowance = Some(Amount::ZERO);
    w.chain.sender = Some(sender);
}

fn asked_too(same_app: bool) -> AskedToo {
    AskedToo { at: Moment(NOW.0 - 1000), payment: "p".into(), same_app }
}

#[test]
fn nothing_that_is_stopped_is_signed_whatever_the_rules_allow() {
    for (name, code, change) in STOPPED {
        let mut world = honest();
        change(&mut world);
        let found = world.found();
        assert!(found.iter().any(|f| f.weight == Weight::Stop && f.fact.code() == *code), "{name}: {found:?}");
        assert_eq!(found[0].weight, Weight::Stop, "{name}: the heaviest comes first");
        assert!(matches!(world.verdict(), Verdict::Refuse(Refusal::Finding(_))), "{name}: {:?}", world.verdict());
    }
}

#[test]
fn what_is_odd_is_asked_however_generous_the_rules() {
    for (name, code, change) in ASKED {
        let mut world = honest();
        change(&mut world);
        let found = world.found();
        assert!(found.iter().any(|f| f.weight == Weight::Warn && f.fact.code() == *code), "{name}: {found:?}");
        assert!(found.iter().all(|f| f.weight < Weight::Stop), "{name}: {found:?}");
        let Verdict::Ask(whys) = world.verdict() else { panic!("{name}: {:?}", world.verdict()) };
        assert!(
            whys.iter().any(|why| match why {
                Why::Finding(index) => found[*index].fact.code() == *code,
                Why::AllowanceNeeded => *code == "allowanceMissing",
                _ => false,
            }),
            "{name}: {whys:?}"
        );
    }
}

#[test]
fn honest_payments_pass_without_a_question() {
    for (name, noted, change) in HONEST {
        let mut world = honest();
        change(&mut world);
        let found = world.found();
        assert_eq!(world.verdict(), Verdict::Allow, "{name}: {found:?}");
        let notes: Vec<_> = found.iter().filter(|f| f.weight == Weight::Note).map(|f| f.fact.code()).collect();
        for code in *noted {
            assert!(notes.contains(code), "{name}: {notes:?}");
        }
        assert_eq!(notes.len(), noted.len() + 1, "{name}: test money and what is listed, found {notes:?}");
    }
}

#[test]
fn every_case_is_asked_where_no_rule_allows_it() {
    let changes = HONEST.iter().map(|(n, _, c)| (n, c)).chain(ASKED.iter().map(|(n, _, c)| (n, c)));
    for (name, change) in changes {
        for rules in [
            Rules::default(),
            Rules { app: Mode::Allow(Limit::default()), ..Rules::default() },
            Rules { site: Mode::Allow(Limit::default()), ..Rules::default() },
        ] {
            let mut world = honest();
            change(&mut world);
            world.rules = rules;
            let Verdict::Ask(whys) = world.verdict() else { panic!("{name}") };
            assert!(whys.contains(&Why::NoRule), "{name}");
        }
    }
}

#[test]
fn a_block_outweighs_everything() {
    let app = Rules { app: Mode::Block, ..honest().rules };
    let site = Rules { site: Mode::Block, ..honest().rules };
    let everywhere = Rules { site_blocked: true, ..honest().rules };
    let host = Rules { host_blocked: true, ..honest().rules };
    for (rules, refusal) in [
        (app, Refusal::AppBlocked),
        (site, Refusal::RuleBlocked),
        (everywhere, Refusal::SiteBlocked),
        (host, Refusal::HostBlocked),
    ] {
        assert_eq!(World { rules, ..honest() }.verdict(), Verdict::Refuse(refusal));
    }
}

#[test]
fn a_limit_may_be_filled_exactly_and_not_by_one_unit_more() {
    let limited = |per_payment, per_day, per_month| {
        let amount = |n: Option<u64>| n.map(Amount::from_u64);
        Mode::Allow(Limit {
            per_payment: amount(per_payment),
            per_day: amount(per_day),
            per_month: amount(per_month),
            ..Limit::default()
        })
    };
    let spent = |day, month| Spending {
        app_day: Amount::from_u64(day),
        app_month: Amount::from_u64(month),
        site_day: Amount::from_u64(day),
        site_month: Amount::from_u64(month),
    };
    let free = || limited(None, None, None);
    // What is asked is always 250,000.
    let cases: &[(&str, Mode, Spending, bool)] = &[
        ("a payment's limit", limited(Some(250_000), None, None), spent(0, 0), true),
        ("a payment's limit less one", limited(Some(249_999), None, None), spent(0, 0), false),
        ("a limit of nothing", limited(Some(0), None, None), spent(0, 0), false),
        ("the day's last", limited(None, Some(1_000_000), None), spent(750_000, 900_000), true),
        ("the day's last and one", limited(None, Some(1_000_000), None), spent(750_001, 750_001), false),
        ("a day that is over already", limited(None, Some(1_000_000), None), spent(2_000_000, 2_000_000), false),
        ("the month's last", limited(None, None, Some(1_000_000)), spent(0, 750_000), true),
        ("the month's last and one", limited(None, None, Some(1_000_000)), spent(0, 750_001), false),
        ("all three at once", limited(Some(250_000), Some(250_000), Some(250_000)), spent(0, 0), true),
        ("the day holds, the month does not", limited(None, Some(9_000_000), Some(1)), spent(0, 0), false),
    ];
    for (name, mode, spending, fits) in cases {
        for (app, site) in [(mode.clone(), free()), (free(), mode.clone()), (mode.clone(), mode.clone())] {
            let rules = Rules { app, site, site_blocked: false, host_blocked: false };
            let verdict = World { rules, spending: *spending, ..honest() }.verdict();
            assert_eq!(verdict == Verdict::Allow, *fits, "{name}: {verdict:?}");
        }
    }
}

#[test]
fn a_limit_for_verified_sites_does_not_answer_for_claimed_ones() {
    let limit = |covers| Mode::Allow(Limit { covers, ..Limit::default() });
    let (all, verified) = (limit(Covers::ClaimedAndVerified), limit(Covers::VerifiedOnly));
    let cases = [
        (&all, &all, [true, true, true]),
        (&all, &verified, [false, false, true]),
        (&verified, &all, [false, false, true]),
        (&verified, &verified, [false, false, true]),
    ];
    for (app, site, allowed) in cases {
        // What was not written down is not vouched for.
        for (provenance, allowed) in Provenance::ALL.into_iter().zip(allowed) {
            let rules = Rules { app: app.clone(), site: site.clone(), ..Rules::default() };
            let verdict = World { rules, provenance, ..honest() }.verdict();
            let expected = if allowed { Verdict::Allow } else { Verdict::Ask(vec![Why::SiteClaimed]) };
            assert_eq!(verdict, expected, "{provenance:?} with {app:?} and {site:?}");
        }
    }
}

#[test]
fn a_sum_past_256_bit_is_over_the_limit() {
    let mut world = honest();
    world.rules.app = Mode::Allow(Limit { per_day: Some(Amount::MAX), ..Limit::default() });
    world.spending.app_day = Amount::MAX;
    let asked = world.maximum();
    assert_eq!(world.verdict(), Verdict::Ask(vec![Why::OverDay { limit: Amount::MAX, spent: Amount::MAX, asked }]));
}

#[test]
fn the_fee_counts_against_the_limit() {
    let mut world = honest();
    world.fee = fee(10_000);
    world.rules.site = Mode::Allow(Limit { per_payment: Some(Amount::from_u64(250_000)), ..Limit::default() });
    assert!(matches!(world.verdict(), Verdict::Ask(_)));
}

#[test]
fn a_plan_that_ran_out_between_finding_and_judging_is_refused() {
    let plan = honest().plan();
    let later = Moment::from_secs(1_800_000_300);
    assert_eq!(judge(&plan, &honest().rules, &Spending::NONE, later), Verdict::Refuse(Refusal::Expired));
    assert_eq!(judge(&plan, &honest().rules, &Spending::NONE, later.plus_ms(-1)), Verdict::Allow);
}

#[test]
fn an_unknown_token_names_the_real_one() {
    for symbol in ["USDT", "usdt", "USD₮", "U S D T", "UЅDТ", "\u{200b}USDT", "USDT "] {
        let mut world = honest();
        unknown_token(&mut world, "TFFAMQLZybALaLb4uxHA9RBE7pxhUAjF3U", symbol);
        let found = world.found();
        let real = found.iter().find_map(|f| match &f.fact {
            Fact::TokenUnknown { real, .. } => *real,
            _ => None,
        });
        assert_eq!(real, Some(address(USDT)), "{symbol:?}");
    }
}

#[test]
fn figures_are_those_that_a_person_can_check() {
    let mut world = honest();
    world.fee = fee(27_501);
    let share = Fact::FeeShare { fee: Amount::from_u64(27_501), price: Amount::from_u64(250_000), percent: 12 };
    assert!(world.found().iter().any(|f| f.fact == share), "11.0004 percent is rounded up");
    let known = Fact::PayeeKnown { times: 3, since: Moment::from_secs(1_790_000_000) };
    assert_eq!(
        honest().found(),
        [(Weight::Note, Fact::TestMoney), (Weight::Good, known), (Weight::Good, Fact::AllKnown)]
            .map(|(weight, fact)| Finding { weight, fact })
    );
}

#[test]
fn real_money_is_not_called_test_money() {
    let mut world = honest();
    world.network = Network::Mainnet;
    world.token.address = address("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t");
    assert!(world.found().iter().all(|f| f.weight == Weight::Good), "{:?}", world.found());
}

#[test]
fn addresses_look_alike_by_their_ends_and_not_by_chance() {
    let usdt = address(USDT);
    assert!(looks_alike(&usdt, &address(USDT_BOTH_ENDS)));
    assert!(looks_alike(&usdt, &address(USDT_HEAD)));
    assert!(!looks_alike(&usdt, &usdt), "an address is not its own impostor");
    let mut honest: Vec<Address> = tron::token::all().iter().map(|t| t.address).collect();
    honest.extend((0..=255u8).map(|n| Address::from_bytes([n; 20])));
    for (index, one) in honest.iter().enumerate() {
        for other in &honest[index + 1..] {
            assert!(!looks_alike(one, other), "{one} and {other}");
        }
    }
}
