//! A record that was written while the clock was ahead, set right: nothing is lost, everything ahead counts as of now.
#![allow(clippy::unwrap_used)] // helpers of tests, too

#[allow(dead_code)]
mod common;

use common::*;
use ledger::{End, Redated, Settled, State};
use plan::Moment;
use tron::Amount;

/// 400 days on.
const AHEAD: Moment = NOW.plus_ms(400 * DAY);

#[test]
fn what_lies_ahead_is_dated_and_counted_as_of_now_and_what_came_before_stays() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    // Last week, today, and while the clock was ahead.
    sign(&ledger, 100, NOW.plus_ms(-7 * DAY));
    sign(&ledger, 10, NOW.plus_ms(-HOUR));
    let settled = sign(&ledger, 3, AHEAD);
    ledger.settlement(settled.id, &Settled::Final { tx: None, block: None }, Some(units(2)), AHEAD).unwrap();
    let unused = sign(&ledger, 4, AHEAD.plus_ms(DAY));
    let asked = enter(&ledger, &plan(units(5)), AHEAD.plus_ms(DAY), ask);
    // The clock is right again: the record stands still in the future, and what was spent before is in no window.
    let stuck = NOW.plus_ms(MINUTE);
    assert_eq!(ledger.newest().unwrap(), Some(AHEAD.plus_ms(DAY)));
    assert_eq!(spending(&ledger, stuck).app_month, units(6));
    let before = ledger.totals().unwrap();

    let redated = ledger.redate(stuck).unwrap();
    assert_eq!(redated, Some(Redated { payments: 3, from: AHEAD.plus_ms(DAY), to: stuck }));
    let now = spending(&ledger, stuck);
    assert_eq!((now.app_day, now.app_month), (units(16), units(116)));
    assert_eq!((now.site_day, now.site_month), (units(16), units(116)));
    assert_eq!(ledger.totals().unwrap(), before);
    assert_eq!(ledger.newest().unwrap(), Some(stuck));
    for id in [settled.id, unused.id, asked.id] {
        let row = ledger.payment(id).unwrap().unwrap();
        let dates = [Some(row.entered_at), row.reserved_at, row.signed_at, row.settlement_at, row.delivery_at];
        assert!(dates.into_iter().flatten().all(|at| at == stuck), "{row:?}");
        assert!(row.expires_at <= stuck.plus_ms(5 * MINUTE));
    }
    assert_eq!(ledger.redate(stuck).unwrap(), None, "nothing is left ahead");
    assert_the_books_balance(&folder.file());

    // The sums are whole: what is released is taken out of them, and time moves everything out of its windows.
    ledger.settlement(unused.id, &Settled::NeverUsed, None, NOW.plus_ms(10 * MINUTE)).unwrap();
    assert_eq!(spending(&ledger, NOW.plus_ms(10 * MINUTE)).app_day, units(12));
    let ended = ledger.end(asked.id, &End::Expired, NOW.plus_ms(10 * MINUTE)).unwrap();
    assert_eq!((ended.state, ended.ended_at), (State::Expired, Some(NOW.plus_ms(10 * MINUTE))));
    assert_eq!(spending(&ledger, NOW.plus_ms(DAY + HOUR)).app_day, Amount::ZERO);
    assert_eq!(spending(&ledger, NOW.plus_ms(31 * DAY)).app_month, Amount::ZERO);
    assert_the_books_balance(&folder.file());
}

#[test]
fn a_payment_counts_for_a_whole_day_also_where_its_minutes_were_dropped_meanwhile() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    // In the middle of an hour: only its minute tells on which side of a window it is.
    let at = Moment(NOW.0 / HOUR * HOUR + 30 * MINUTE);
    sign(&ledger, 7, at);
    sign(&ledger, 1, at.plus_ms(400 * DAY));
    ledger.redate(at.plus_ms(MINUTE)).unwrap().unwrap();
    for (later, counts) in [(DAY - MINUTE, 8), (DAY, 8), (DAY + MINUTE, 1), (DAY + 2 * MINUTE, 0)] {
        assert_eq!(spending(&ledger, at.plus_ms(later)).app_day, units(counts), "{later}");
    }
}

#[test]
fn a_record_that_is_not_ahead_is_left_alone() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    assert_eq!((ledger.newest().unwrap(), ledger.redate(NOW).unwrap()), (None, None));
    let payment = sign(&ledger, 7, NOW);
    assert_eq!(ledger.redate(NOW).unwrap(), None);
    assert_eq!(ledger.payment(payment.id).unwrap().unwrap().entered_at, NOW);
}
