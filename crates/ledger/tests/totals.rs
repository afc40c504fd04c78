//! Totals from the kept sums are what the rows make up, however they are told apart.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

#[allow(dead_code)]
mod common;

use common::*;
use ledger::{END, Filter, LedgerError, Payment, State, Sums};
use plan::Moment;
use std::collections::BTreeMap;
use tron::Amount;

type Told = BTreeMap<(usize, Option<String>, Option<String>, String), Amount>;

fn recount(rows: &[Payment], bounds: &[Moment], what: &Sums) -> Told {
    let mut sums = Told::new();
    for p in rows {
        let plan = &p.plan;
        let left = p.state == State::Reserved || p.settlement.as_ref().is_some_and(|s| s.name() != "never used");
        let Some(at) = p.reserved_at.filter(|_| left) else { continue };
        let Some(column) = (0..bounds.len() - 1).find(|c| bounds[*c] <= at && at < bounds[c + 1]) else { continue };
        let own = what.app.as_ref().is_none_or(|a| *a == plan.app)
            && what.site.as_ref().is_none_or(|s| *s == plan.site)
            && what.network.is_none_or(|n| n == plan.network)
            && what.token.is_none_or(|t| t == plan.token.address);
        if own {
            let app = what.by_app.then(|| plan.app.0.clone());
            let site = what.by_site.then(|| plan.site.to_string());
            let sum = sums
                .entry((column, app, site, format!("{} {}", plan.network.chain_id(), plan.token.address)))
                .or_insert(Amount::ZERO);
            *sum = sum.checked_add(plan.maximum).unwrap();
        }
    }
    sums
}

#[test]
fn totals_are_what_the_rows_make_up() {
    let folder = Folder::new();
    let ledger = ledger::Ledger::open(&folder.file()).unwrap();
    ledger.fill(2_000, |_, _| ()).unwrap();
    let mut rows = Vec::new();
    ledger
        .every_payment::<LedgerError>(&Filter::default(), true, |row| {
            rows.push(row.payment);
            Ok(true)
        })
        .unwrap();
    // Bounds at midnight in London, at 5:00 and 5:30 (taken down to the hour), and uneven ones.
    let day = |n: i64, hour: i64| END.plus_ms(n * DAY + hour * HOUR);
    let months: Vec<Moment> = (0..25).map(|n| day(-730 + n * 30, 0)).collect();
    let shifted: Vec<Moment> = (0..25).map(|n| day(-730 + n * 30, -8)).collect();
    let odd = vec![day(-400, 5), day(-399, 3), day(-399, 4), day(-100, 23), day(1, 0)];
    let plan = &rows[7].plan;
    let cases = [
        Sums::default(),
        Sums { by_app: true, ..Sums::default() },
        Sums { by_site: true, ..Sums::default() },
        Sums { by_app: true, by_site: true, ..Sums::default() },
        Sums { site: Some(plan.site.clone()), ..Sums::default() },
        Sums { app: Some(plan.app.clone()), by_site: true, ..Sums::default() },
        Sums { network: Some(plan.network), token: Some(plan.token.address), by_app: true, ..Sums::default() },
        Sums { site: Some(site("never.example")), ..Sums::default() },
    ];
    for bounds in [months, shifted, odd] {
        for what in &cases {
            let told: Told = ledger
                .counted(&bounds, what)
                .unwrap()
                .into_iter()
                .map(|c| {
                    let token = format!("{} {}", c.network.chain_id(), c.token);
                    ((c.column, c.app.map(|a| a.0), c.site.map(|s| s.to_string()), token), c.amount)
                })
                .collect();
            assert_eq!(told, recount(&rows, &bounds, what), "{what:?}");
        }
    }
    assert_eq!(ledger.first_counted().unwrap(), rows.iter().filter_map(|p| p.reserved_at).min());
}
