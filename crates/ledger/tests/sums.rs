//! Sums: exact for every token, moved with each step, right over rolling windows and under a clock that jumps.

#![cfg(test)]

#[allow(dead_code)]
mod common;

use common::*;
use ledger::{
    Delivery, End, Entered, Filter, HistoryKey, Ledger, LedgerError, Page, PaymentId, RuleKey, Settled, State,
};
use plan::{Limit, Mode, Moment, Recent, Role, Spending, Verdict};
use proptest::prelude::*;
use tron::{Address, Amount, Network};

fn seen() -> Settled {
    Settled::Seen { tx: Some("aa".into()) }
}

fn done() -> Settled {
    Settled::Final { tx: Some("aa".into()), block: Some(1) }
}

#[test]
fn sums_of_eighteen_decimals_are_exact() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    // 123,456,789 whole units and one smallest: past 64 bit, and past what a double can hold.
    let amount = Amount::parse_units("123456789.000000000000000001", 18).unwrap();
    let mut plan = plan(amount);
    plan.token.decimals = 18;
    for n in 0..7 {
        let payment = enter(&ledger, &plan, NOW.plus_ms(n), allow);
        ledger.signed(payment.id, "n", "v", NOW).unwrap();
        ledger.settlement(payment.id, &done(), None, NOW).unwrap();
    }
    let total = &ledger.totals().unwrap()[0];
    assert_eq!(total.settled.format_units(18), "864197523.000000000000000007");
    assert_eq!((total.payments, total.open, total.decimals), (7, Amount::ZERO, 18));
    assert_eq!(spending(&ledger, NOW).site_month, total.settled);
}

#[test]
fn a_sum_past_256_bit_is_refused_and_nothing_is_written() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    enter(&ledger, &plan(Amount::MAX), NOW, allow);
    let (plan, id) = (plan(units(1)), PaymentId::fresh(NOW));
    let outcome = ledger.enter(&entry(&plan, id, "other"), NOW, allow);
    assert!(matches!(outcome, Err(LedgerError::TooLarge)));
    assert_eq!(ledger.payment(id).unwrap(), None);
    assert_eq!(spending(&ledger, NOW).app_day, Amount::MAX);
}

#[test]
fn each_step_moves_the_sums_with_it() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    let sums = |(counted, settled, open, payments): (u64, u64, u64, u64), step: &str| {
        let total = ledger.totals().unwrap().pop();
        let (s, o, n) = total.map_or((Amount::ZERO, Amount::ZERO, 0), |t| (t.settled, t.open, t.payments));
        assert_eq!(
            (spending(&ledger, NOW).app_day, s, o, n),
            (units(counted), units(settled), units(open), payments),
            "{step}"
        );
        let site = ledger.site(&site("news.example")).unwrap();
        let of_site = site.and_then(|s| s.totals.into_iter().next()).map_or(Amount::ZERO, |t| t.settled);
        assert_eq!(of_site, units(settled), "{step}");
    };
    let asked = enter(&ledger, &plan(units(10)), NOW, ask);
    sums((0, 0, 0, 0), "asked");
    let payment = approve(&ledger, &asked, NOW);
    sums((10, 0, 10, 1), "reserved");
    ledger.signed(payment.id, "n", "v", NOW).unwrap();
    sums((10, 0, 10, 1), "signed");
    ledger.seller_said(payment.id, Some("r"), NOW).unwrap();
    sums((10, 0, 10, 1), "the seller says that it failed");
    ledger.settlement(payment.id, &seen(), Some(units(4)), NOW).unwrap();
    sums((10, 4, 0, 1), "seen: counts in full until it is final");
    ledger.settlement(payment.id, &done(), None, NOW).unwrap();
    sums((4, 4, 0, 1), "final: counts what left");
    ledger.delivery(payment.id, Delivery::Delivered, Some(200), None, NOW).unwrap();
    sums((4, 4, 0, 1), "delivered");
    let cancelled = approve(&ledger, &enter(&ledger, &plan(units(7)), NOW, ask), NOW);
    sums((11, 4, 7, 2), "another");
    ledger.end(cancelled.id, &End::Cancelled, NOW).unwrap();
    sums((4, 4, 0, 1), "cancelled before it was signed");
    let unused = sign(&ledger, 9, NOW);
    ledger.settlement(unused.id, &Settled::NeverUsed, None, NOW.plus_ms(5 * MINUTE)).unwrap();
    sums((4, 4, 0, 1), "proven unused");
    ledger.settlement(unused.id, &done(), None, NOW.plus_ms(6 * MINUTE)).unwrap();
    sums((13, 13, 0, 2), "settled all the same");
}

#[test]
fn a_days_sum_is_of_all_its_rows_apart_by_token_and_of_what_counts() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    let day = |n: i64| (NOW.plus_ms(n * DAY), NOW.plus_ms((n + 1) * DAY));
    let real = plan::Plan { network: Network::Mainnet, ..plan(units(1_000)) };
    for n in 0..30 {
        let at = NOW.plus_ms(n * 60_000);
        enter(&ledger, &plan(units(2)), at, allow);
        enter(&ledger, &real, at, allow);
        enter(&ledger, &plan(units(500)), at, ask);
    }
    enter(&ledger, &plan(units(7)), NOW.plus_ms(DAY), allow);
    let told = |filter: &Filter, spans: &[_]| {
        let told = |spent: Vec<ledger::Spent>| spent.into_iter().map(|s| (s.network, s.amount)).collect::<Vec<_>>();
        ledger.sums_of(filter, spans).unwrap().into_iter().map(|sums| sums.map(told)).collect::<Vec<_>>()
    };
    let any = Filter::default();
    let mut first = told(&any, &[day(0)]).remove(0).unwrap();
    first.sort_by_key(|(network, _)| network.is_test());
    assert_eq!(first, [(Network::Mainnet, units(30_000)), (Network::Nile, units(60))]);
    assert_eq!(told(&any, &[day(1), day(2)]), [Some(vec![(Network::Nile, units(7))]), Some(vec![])]);
    let narrowed = Filter { network: Some(Network::Mainnet), ..Filter::default() };
    assert_eq!(told(&narrowed, &[day(0)]), [Some(vec![(Network::Mainnet, units(30_000))])]);
    // Among the hits of a search nobody waits for a sum.
    let searched = Filter { text: Some("news".to_owned()), ..Filter::default() };
    assert_eq!(told(&searched, &[day(0)]), [None]);
    assert_eq!(ledger.app(&shop()).unwrap().unwrap().payments, 61, "a question is no payment");
}

#[test]
fn windows_roll_by_the_minute_and_never_early() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    // Thirteen seconds into a minute.
    let at = NOW.plus_ms(13_000);
    sign(&ledger, 5, at);
    let day = |ms: i64| spending(&ledger, at.plus_ms(ms)).app_day;
    let month = |ms: i64| spending(&ledger, at.plus_ms(ms)).site_month;
    for (ms, counts) in
        [(0, true), (DAY - 1, true), (DAY, true), (DAY + 46_999, true), (DAY + 47_000, false), (30 * DAY, false)]
    {
        assert_eq!(day(ms) == units(5), counts, "{ms} ms later");
    }
    for (ms, counts) in [(DAY, true), (30 * DAY, true), (30 * DAY + 46_999, true), (30 * DAY + 47_000, false)] {
        assert_eq!(month(ms) == units(5), counts, "{ms} ms later");
    }
}

#[test]
fn a_clock_set_back_or_forward_widens_no_window() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    let (limit, mut spent, mut newest) = (1_000, 0, NOW.0);
    for round in 0..20 {
        let jump = if round % 2 == 0 { DAY } else { -DAY };
        let now = Moment(NOW.0 + jump * ((round % 5) + 1));
        if now.0 > newest + DAY {
            spent = 0; // A real day went by, as far as anyone can tell.
        }
        newest = newest.max(now.0);
        for _ in 0..3 {
            let payment = enter(&ledger, &plan(units(300)), now, up_to(limit, units(300)));
            spent += if payment.state == State::Reserved { 300 } else { 0 };
            assert!(payment.entered_at.0 >= newest - DAY, "rows are never dated back");
        }
        assert!(spent <= limit, "round {round}: {spent}");
        assert!(spending(&ledger, now).app_day <= units(limit));
        assert_eq!(ledger.clock_behind(now).unwrap(), newest - now.0);
    }
}

#[test]
fn limits_of_an_app_reach_over_all_its_sites() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    for n in 0..10 {
        // An app that invents a site for every payment.
        let plan = plan::Plan { site: site(&format!("site{n}.example")), ..plan(units(100)) };
        let payment = enter(&ledger, &plan, NOW, up_to(500, units(100)));
        assert_eq!(payment.state == State::Reserved, n < 5);
    }
    assert_eq!(spending(&ledger, NOW), Spending { app_day: units(500), app_month: units(500), ..Spending::NONE });
}

#[test]
fn rules_are_per_app_site_and_token_and_show_what_counts_against_them() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    let limit = Mode::Allow(Limit { per_day: Some(units(700)), per_month: Some(Amount::MAX), ..Limit::default() });
    let everywhere = RuleKey { app: shop(), site: None, network: Network::Nile, token: usdt() };
    let here = RuleKey { site: Some(site("news.example")), ..everywhere.clone() };
    ledger.set_rule(&everywhere, &Mode::Block, NOW).unwrap();
    ledger.set_rule(&everywhere, &limit, NOW).unwrap();
    ledger.set_rule(&here, &Mode::Block, NOW).unwrap();
    sign(&ledger, 5, NOW);
    let standing = ledger.standing(&shop(), &site("news.example"), Network::Nile, usdt(), NOW).unwrap();
    assert_eq!((&standing.rules.app, &standing.rules.site), (&limit, &Mode::Block));
    let elsewhere = ledger.standing(&shop(), &site("other.example"), Network::Nile, usdt(), NOW).unwrap();
    assert_eq!((&elsewhere.rules.app, &elsewhere.rules.site), (&limit, &Mode::Ask));
    assert_eq!((elsewhere.spending.app_day, elsewhere.spending.site_day), (units(5), Amount::ZERO));
    let rules = ledger.list_rules(NOW).unwrap();
    assert_eq!(rules.iter().map(|r| &r.key).collect::<Vec<_>>(), [&everywhere, &here]);
    assert!(rules.iter().all(|r| (r.spent_day, r.spent_month) == (units(5), units(5))));
    ledger.remove_rule(&here).unwrap();
    ledger.remove_rule(&here).unwrap();
    assert_eq!(ledger.list_rules(NOW).unwrap().len(), 1);
    let unknown = RuleKey { token: Address::from_bytes([0; 20]), ..everywhere };
    assert!(ledger.set_rule(&unknown, &Mode::Ask, NOW).is_err(), "no rule for a token that nobody knows");
}

#[test]
fn a_limit_tells_when_it_has_more_room_and_how_much() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    let key = RuleKey { app: shop(), site: None, network: Network::Nile, token: usdt() };
    let rule = |now| ledger.list_rules(now).unwrap().remove(0);
    let limited = |day, month| {
        let limit = Limit { per_day: Some(units(day)), per_month: Some(units(month)), ..Limit::default() };
        ledger.set_rule(&key, &Mode::Allow(limit), NOW).unwrap();
    };
    limited(100, 1_000);
    assert_eq!(rule(NOW).frees, ledger::Frees::default(), "all of it is there");
    for (amount, at) in [(60, 0), (30, 10 * MINUTE), (5, 2 * HOUR)] {
        sign(&ledger, amount, NOW.plus_ms(at));
    }
    // Under a limit the oldest leaves first; over it the room grows only once enough has left.
    for (day, more, gone) in [(100, 60, 0), (95, 60, 0), (40, 5, 0), (20, 15, 1), (1, 1, 2), (0, 0, 9)] {
        limited(day, 1_000);
        let now = NOW.plus_ms(3 * HOUR);
        let freed = rule(now).frees.day;
        assert_eq!(freed.map(|freed| freed.more), (more > 0).then(|| units(more)), "{day}");
        let Some(freed) = freed else { continue };
        let room = |at| units(day).saturating_sub(rule(at).spent_day);
        assert_eq!(room(freed.at.plus_ms(-1)), room(now), "{day}: not before");
        assert_eq!(room(freed.at), room(now).checked_add(units(more)).unwrap(), "{day}: then");
        let paid_at = NOW.plus_ms([0, 10 * MINUTE, 2 * HOUR][gone]);
        assert!((DAY..=DAY + MINUTE).contains(&freed.at.since(paid_at)), "{day}: a day after it was paid");
    }
    let month = rule(NOW.plus_ms(3 * HOUR)).frees.month.unwrap();
    assert_eq!(month.more, units(60));
    assert!((30 * DAY..=30 * DAY + MINUTE).contains(&month.at.since(NOW)));
    let standing =
        ledger.standing(&shop(), &site("news.example"), Network::Nile, usdt(), NOW.plus_ms(3 * HOUR)).unwrap();
    assert_eq!(standing.app_frees.month, Some(month));
    assert_eq!(standing.site_frees, ledger::Frees::default(), "no rule of its own");
}

#[test]
fn charts_add_up_to_what_was_spent() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    let day = Moment(NOW.0.div_euclid(DAY) * DAY);
    for n in 0..10 {
        sign(&ledger, 1 + n, day.plus_ms(i64::try_from(n).unwrap() * DAY + 3 * HOUR));
    }
    let bounds: Vec<Moment> = (0..=10).map(|n| day.plus_ms(n * DAY)).collect();
    for filter in [None, Some(site("news.example"))] {
        let columns = ledger.spent_between(&bounds, filter.as_ref()).unwrap();
        let amounts: Vec<_> = columns.iter().map(|c| c.first().map(|s| s.amount)).collect();
        assert_eq!(amounts, (1..=10).map(|n| Some(units(n))).collect::<Vec<_>>());
    }
    assert!(ledger.spent_between(&bounds, Some(&site("other.example"))).unwrap().iter().all(Vec::is_empty));
    // A zone three and a half hours ahead puts the third hour of a day where its people have it.
    let shifted: Vec<Moment> = bounds.iter().map(|b| b.plus_ms(-HOUR)).collect();
    assert_eq!(ledger.spent_between(&shifted, None).unwrap()[0][0].amount, units(1));
}

static SHOP: std::sync::LazyLock<plan::AppId> = std::sync::LazyLock::new(shop);

fn key<'a>(site: &'a plan::Site, payee: Address, url: &'a str) -> HistoryKey<'a> {
    let (network, token, payer) = (Network::Nile, usdt(), Address::ZERO);
    HistoryKey { app: &SHOP, site, payee, others: &[], network, token, url, payer, own: None }
}

#[test]
fn history_knows_who_was_paid_and_not_who_was_turned_down() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    let here = site("news.example");
    let (payee, evil) = (Address::from_bytes([7; 20]), Address::from_bytes([66; 20]));
    let mut like = *payee.bytes();
    like[19] ^= 1;
    let like = Address::from_bytes(like);
    for (amount, at) in [(30, 1), (10, 2), (20, 3)] {
        sign(&ledger, amount, NOW.plus_ms(at));
    }
    let refused = plan::Plan { payee: evil, ..plan(units(9_000)) };
    let id = enter(&ledger, &refused, NOW, ask).id;
    ledger.end(id, &End::Rejected { code: "c".into(), by: "w".into() }, NOW).unwrap();
    let history = ledger.history(&key(&here, payee, "https://news.example/a")).unwrap();
    assert_eq!((history.payee_times, history.payee_since), (3, Some(NOW.plus_ms(1))));
    assert_eq!((&history.payees_of_site[..], history.payee_settled), (&[(payee, 0)][..], None), "approved, not paid");
    assert_eq!(history.usual_price, Some(units(20)));
    let recent = history.same_resource.unwrap();
    assert_eq!((recent.at, recent.delivered, recent.unknown), (NOW.plus_ms(3), false, true));
    let id: PaymentId = recent.payment.parse().unwrap();
    let recent = |payee| ledger.history(&key(&here, payee, "https://news.example/a")).unwrap().same_resource;
    ledger.seller_said(id, Some("so it says"), NOW).unwrap();
    ledger.delivery(id, Delivery::RefusedBySeller, None, None, NOW).unwrap();
    assert!(matches!(recent(payee), Some(Recent { unknown: true, refused: true, .. })));
    assert!(matches!(recent(evil), Some(Recent { unknown: true, .. })), "it may be paid twice, at whatever address");
    ledger.settlement(id, &Settled::Seen { tx: Some("t".into()) }, None, NOW).unwrap();
    assert!(matches!(recent(payee), Some(Recent { unknown: false, refused: true, .. })));
    let history = ledger.history(&key(&here, payee, "https://news.example/a")).unwrap();
    assert_eq!(history.payees_of_site, [(payee, 1)]);
    assert_eq!((history.payee_times, history.payee_settled), (3, Some((1, NOW.plus_ms(3)))));
    ledger.delivery(id, Delivery::Delivered, None, None, NOW).unwrap();
    assert!(ledger.history(&key(&here, payee, "https://news.example/a")).unwrap().same_resource.unwrap().delivered);
    assert_eq!(ledger.history(&key(&here, payee, "https://news.example/b")).unwrap().same_resource, None);
    let strange = ledger.history(&key(&here, evil, "https://news.example/a")).unwrap();
    assert_eq!((strange.payee_times, strange.payee_since), (0, None));
    assert_eq!(strange.same_resource, None, "another payee is another purchase");
    let impostor = ledger.history(&key(&site("new.example"), like, "https://new.example/")).unwrap();
    assert_eq!(impostor.similar_payees, [payee]);
    assert_eq!(impostor.payees_of_site, []);
    let told = |ledger: &Ledger| {
        let payee = ledger.payees(&here).unwrap().remove(0);
        (payee.times, payee.settled, payee.settled_since)
    };
    assert_eq!(told(&ledger), (3, 1, Some(NOW.plus_ms(3))));
    // What the chain drops is not paid any more; what it shows again is.
    ledger.settlement(id, &Settled::Dropped, None, NOW).unwrap();
    assert_eq!(told(&ledger), (3, 0, None));
    ledger.settlement(id, &Settled::Final { tx: Some("t".into()), block: None }, None, NOW).unwrap();
    assert_eq!(told(&ledger), (3, 1, Some(NOW.plus_ms(3))));
}

#[test]
fn recipients_of_fees_and_callers_are_remembered_in_their_role() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    let here = site("news.example");
    let (payee, fee_to, caller) =
        (Address::from_bytes([7; 20]), Address::from_bytes([8; 20]), Address::from_bytes([9; 20]));
    let fee = Some(plan::Fee { to: fee_to, amount: units(1) });
    let with_fee = plan::Plan { fee, caller: Some(caller), ..plan(units(10)) };
    let look = |site: &plan::Site| {
        let others = [(Role::Fee, fee_to), (Role::Caller, caller), (Role::Fee, payee)];
        let key = HistoryKey { others: &others, ..key(site, payee, "https://news.example/a") };
        let others = ledger.history(&key).unwrap().others;
        assert!(others.iter().all(|other| other.settled == 0), "nothing is settled");
        others.into_iter().map(|o| (o.times, o.of_site)).collect::<Vec<_>>()
    };
    // A question makes nobody known, nor does a no.
    let asked = enter(&ledger, &with_fee, NOW, ask).id;
    assert!(look(&here).iter().all(|(times, of_site)| *times == 0 && of_site.is_empty()));
    ledger.end(asked, &End::Rejected { code: "c".into(), by: "w".into() }, NOW).unwrap();
    let id = enter(&ledger, &with_fee, NOW, allow).id;
    let kept = ledger.payment(id).unwrap().unwrap().plan;
    assert_eq!((kept.fee, kept.caller), (with_fee.fee.clone(), with_fee.caller));
    // Who was paid for goods is not known as one that takes fees.
    let fees = vec![(fee_to, 0)];
    assert_eq!(look(&here), [(1, fees.clone()), (1, vec![(caller, 0)]), (0, fees)]);
    assert_eq!(look(&site("new.example")), [(1, vec![]), (1, vec![]), (0, vec![])]);
    assert_eq!(ledger.payees(&here).unwrap().len(), 1, "payees alone are listed as such");
    ledger.end(id, &End::Unused, NOW.plus_ms(3_600_000)).unwrap();
    assert!(look(&here).iter().all(|(times, of_site)| *times == 0 && of_site.is_empty()));
}

#[test]
fn a_new_site_is_seen_beside_those_that_were_paid() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    let (here, new) = (site("news.example"), site("newz.example"));
    let others = |of: &plan::Site| {
        ledger.history(&key(of, Address::from_bytes([7; 20]), "https://x.example/")).unwrap().other_sites
    };
    assert!(others(&new).is_empty());
    sign(&ledger, 10, NOW);
    assert_eq!(others(&new), [here.clone()]);
    assert!(others(&here).is_empty(), "one that is known is compared with none");
}

#[test]
fn a_host_is_blocked_with_every_scheme_and_port_and_no_other_host() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    let of = |url: &str| plan::Site::of(url).unwrap();
    let rules = |url: &str| ledger.standing(&shop(), &of(url), Network::Nile, usdt(), NOW).unwrap().rules;
    let here = plan(units(1));
    enter(&ledger, &here, NOW, ask);
    for url in [
        "https://news.example:8443",
        "http://news.example",
        "https://news.example.shop",
        "https://xnews.example",
        "http://[::1]:1",
        "http://[::1]:2",
    ] {
        enter(&ledger, &plan::Plan { site: of(url), ..here.clone() }, NOW, ask);
    }
    ledger.block_site(&here.site, NOW).unwrap();
    assert!(rules("https://news.example").site_blocked && !rules("http://news.example").site_blocked);
    assert!(!rules("https://news.example").host_blocked);
    ledger.block_host(&here.site, NOW).unwrap();
    ledger.block_host(&of("http://[::1]:1"), NOW).unwrap();
    for url in ["https://news.example", "https://news.example:8443", "http://news.example", "http://[::1]:2"] {
        assert!(rules(url).host_blocked, "{url}");
    }
    for url in ["https://news.example.shop", "https://xnews.example"] {
        assert!(!rules(url).host_blocked && !ledger.site(&of(url)).unwrap().unwrap().host_blocked, "{url}");
    }
    assert!(ledger.site(&of("http://news.example")).unwrap().unwrap().host_blocked);
    ledger.unblock_host(&of("http://news.example:99")).unwrap();
    assert!(!rules("https://news.example:8443").host_blocked && rules("https://news.example").site_blocked);
}

#[test]
fn pages_are_complete_and_newest_first() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    let mut all = Vec::new();
    for n in 0..25 {
        let host = if n % 5 == 0 { "shop.example" } else { "news.example" };
        let url = format!("https://{host}/articles/{n}_%");
        let request = plan::Request { method: "GET".into(), url, path: "/".into() };
        let words = (n == 7).then(|| "Übersicht 新闻".to_owned());
        let plan = plan::Plan { site: site(host), request, site_words: words, ..plan(units(1)) };
        // The clock stands still, then runs back: order is the order of writing.
        all.insert(0, enter(&ledger, &plan, NOW.plus_ms(-n), if n % 2 == 0 { allow } else { ask }).id);
    }
    let list = |filter: &Filter| {
        let (mut found, mut page) = (Vec::new(), Page::first(4));
        loop {
            let part = ledger.payments(filter, page).unwrap();
            found.extend(part.rows.iter().map(|row| row.payment.id));
            match part.next {
                Some(next) => page.after = Some(next),
                None => return found,
            }
        }
    };
    assert_eq!(list(&Filter::default()), all);
    let shop_site = Filter { site: Some(site("shop.example")), ..Filter::default() };
    assert_eq!(list(&shop_site).len(), 5);
    assert_eq!(list(&Filter { states: vec![State::Asked], ..Filter::default() }).len(), 12);
    assert_eq!(list(&Filter { states: vec![State::Asked], ..shop_site }).len(), 2);
    assert_eq!(list(&Filter { app: Some(shop()), token: Some((Network::Nile, usdt())), ..Filter::default() }), all);
    assert_eq!(list(&Filter { site: Some(site("never.example")), ..Filter::default() }), []);
    let searches = [
        ("articles/7_%", 1),
        ("articles/7%", 0),
        ("_%", 25),
        ("新闻", 1),
        ("USDT", 25),
        (" SHOP.example ", 5),
        (&all[3].to_string(), 1),
        ("TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf", 25),
        ("TFFAMQLZybALaLb4uxHA9RBE7pxhUAjF3U", 0),
        (&"ab".repeat(32), 0),
        ("' OR 1=1 --", 0),
        ("闻", 1),
        ("übersicht 新闻", 1),
        ("us", 25),
        ("sdt", 25),
        ("dt", 0),
    ];
    // The same before anything is indexed, with half of it, and with all of it.
    for batch in [0, 12, 50] {
        ledger.index_more(batch).unwrap();
        for (text, count) in &searches {
            assert_eq!(
                list(&Filter { text: Some((*text).into()), ..Filter::default() }).len(),
                *count,
                "{text} {batch}"
            );
        }
        let oldest = ledger.payments(
            &Filter { text: Some("新闻".into()), ..Filter::default() },
            Page { oldest_first: true, ..Page::first(4) },
        );
        assert_eq!(oldest.unwrap().rows.len(), 1);
    }
    assert_eq!(ledger.unindexed().unwrap(), 0);
    let turned = ledger.payments(&Filter::default(), Page { oldest_first: true, ..Page::first(1000) }).unwrap();
    assert!(turned.rows.iter().map(|row| row.payment.id).eq(all.iter().rev().copied()));
}

/// A step of a random life.
#[derive(Clone, Debug)]
enum Step {
    Enter { amount: u64, site: u8, wait: i64, jump_back: bool, yes: bool },
    Sign(usize),
    Cancel(usize),
    Settle(usize, bool),
    Unused(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let waits = prop_oneof![0..2 * MINUTE, 0..3 * HOUR, 0..4 * DAY, Just(DAY), Just(HOUR), Just(40 * DAY)];
    let enter = (1..1000u64, 0..3u8, waits, any::<bool>(), any::<bool>())
        .prop_map(|(amount, site, wait, jump_back, yes)| Step::Enter { amount, site, wait, jump_back, yes });
    let step = prop_oneof![
        5 => enter,
        3 => (0..40usize).prop_map(Step::Sign),
        1 => (0..40usize).prop_map(Step::Cancel),
        2 => (0..40usize, any::<bool>()).prop_map(|(n, seen)| Step::Settle(n, seen)),
        1 => (0..40usize).prop_map(Step::Unused),
    ];
    prop::collection::vec(step, 1..60)
}

/// What the sums should be, counted from the rows one by one.
fn recount(ledger: &Ledger, now: Moment, here: &plan::Site) -> Spending {
    let mut sums = Spending::NONE;
    for p in ledger.payments(&Filter::default(), Page::first(1000)).unwrap().rows.into_iter().map(|row| row.payment) {
        let counts = match (p.state, p.settlement.as_ref().map(|s| s.name())) {
            (State::Reserved, _) => true,
            (State::Signed, settlement) => settlement != Some("never used"),
            _ => false,
        };
        let Some(at) = p.reserved_at.filter(|_| counts) else { continue };
        let within = |length: i64| at.0 >= (now.0 - length).div_euclid(MINUTE) * MINUTE;
        let add = |sum: &mut Amount, yes: bool| {
            if yes {
                *sum = sum.saturating_add(p.plan.maximum);
            }
        };
        add(&mut sums.app_day, within(DAY));
        add(&mut sums.app_month, within(30 * DAY));
        add(&mut sums.site_day, within(DAY) && p.plan.site == *here);
        add(&mut sums.site_month, within(30 * DAY) && p.plan.site == *here);
    }
    sums
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sums_equal_the_rows_whatever_happens(steps in steps()) {
        let folder = Folder::new();
        let ledger = folder.ledger();
        let mut clock = NOW;
        let mut ids = Vec::new();
        for step in steps {
            match step {
                Step::Enter { amount, site: n, wait, jump_back, yes } => {
                    clock = clock.plus_ms(if jump_back { -wait / 2 } else { wait });
                    let effective = clock.plus_ms(ledger.clock_behind(clock).unwrap());
                    let plan = plan::Plan { site: site(&format!("s{n}.example")), ..plan(units(amount)) };
                    let expected = recount(&ledger, effective, &plan.site);
                    let id = PaymentId::fresh(clock);
                    let entered = ledger.enter(&entry(&plan, id, &id.to_string()), clock, |_, spending| {
                        assert_eq!(*spending, expected);
                        if yes { Verdict::Allow } else { Verdict::Ask(Vec::new()) }
                    });
                    assert!(matches!(entered, Ok(Entered::New(..))));
                    ids.push(id);
                }
                // Steps that are not legal are refused and must leave the sums alone.
                Step::Sign(n) => if let Some(id) = ids.get(n) { let _ = ledger.signed(*id, "n", "v", clock); },
                Step::Cancel(n) => if let Some(id) = ids.get(n) { let _ = ledger.end(*id, &End::Cancelled, clock); },
                Step::Settle(n, early) => if let Some(id) = ids.get(n) {
                    let _ = ledger.settlement(*id, &if early { seen() } else { done() }, None, clock);
                },
                Step::Unused(n) => if let Some(id) = ids.get(n) {
                    let _ = ledger.settlement(*id, &Settled::NeverUsed, None, clock.plus_ms(400 * DAY));
                },
            }
        }
        let settled: Amount = ledger.totals().unwrap().iter().fold(Amount::ZERO, |sum, t| sum.saturating_add(t.settled));
        let found = ledger.payments(&Filter::default(), Page::first(1000)).unwrap();
        let rows: Vec<_> = found.rows.into_iter().map(|row| row.payment).collect();
        let left = rows.iter().filter(|p| matches!(p.settlement.as_ref().map(|s| s.name()), Some("seen" | "final")));
        prop_assert_eq!(settled, left.fold(Amount::ZERO, |sum, p| sum.saturating_add(p.plan.maximum)));
    }
}
