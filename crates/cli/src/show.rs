//! How things look in a terminal: colours, tables and lists. Text from outside passes `safe`; amounts and
//! addresses are printed whole.

use crate::{escape, terminal};
use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use std::fmt::Arguments;
use std::io::{ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use view::port::PaymentAnswerView;
use view::question::quoted;
use view::{
    DeliveryView, LimitBarView, ModeView, MoneyView, PaymentView, ProvenanceView, RuleView, SettlementView, StateView,
};

pub const BOLD: Style = Style::new().bold();
pub const DIM: Style = Style::new().dimmed();
pub const GOOD: Style = AnsiColor::Green.on_default();
pub const WARN: Style = AnsiColor::Yellow.on_default().bold();
pub const BAD: Style = AnsiColor::Red.on_default().bold();
pub const OFF: anstyle::Reset = anstyle::Reset;

/// Whether something that was printed did not arrive.
static LOST: AtomicBool = AtomicBool::new(false);

/// Prints on standard output. A reader that has enough (`| head`) is no failure; a full disk is, and is told
/// at the end.
macro_rules! say {
    ($($part:tt)*) => { $crate::show::print(format_args!("{}\n", format_args!($($part)*))) };
}
pub(crate) use say;

/// Prints beside the output, for the person.
macro_rules! note {
    ($($part:tt)*) => { $crate::show::aside(format_args!("{}\n", format_args!($($part)*))) };
}
pub(crate) use note;

pub fn print(text: Arguments<'_>) {
    let mut out = anstream::stdout();
    let text = text.to_string();
    if let Err(e) = out.write_all(escape::ours(&text).as_bytes()).and_then(|()| out.flush())
        && e.kind() != ErrorKind::BrokenPipe
        && !terminal::is_gone()
    {
        LOST.store(true, Ordering::Relaxed);
    }
}

pub fn aside(text: Arguments<'_>) {
    // Where standard error is gone there is nobody to tell.
    let _ = anstream::stderr().write_all(escape::ours(&text.to_string()).as_bytes());
}

/// An output that did not arrive, told at the end of the command.
pub fn lost() -> bool {
    LOST.load(Ordering::Relaxed)
}

/// Text from outside, as it may be shown.
pub fn safe(text: &str) -> String {
    quoted(text, 200)
}

pub fn money(money: &MoneyView) -> String {
    let claim = if money.known { "" } else { " (its own claim)" };
    format!("{} {}{claim}", money.display, safe(&money.symbol))
}

/// Money among other money: that of a test network is told apart.
pub fn sum(amount: &MoneyView) -> String {
    format!("{}{}", money(amount), if amount.test { " test" } else { "" })
}

pub fn monies(list: &[MoneyView]) -> String {
    match list.is_empty() {
        true => "nothing".to_owned(),
        false => list.iter().map(sum).collect::<Vec<_>>().join(", "),
    }
}

/// A time without its fraction.
pub fn time(rfc3339: &str) -> String {
    let seconds = rfc3339.split(['.', 'Z']).next().unwrap_or(rfc3339);
    safe(&seconds.replace('T', " "))
}

pub fn json<T: Serialize>(value: &T) {
    // Views are plain data: they always serialize.
    say!("{}", escape::json(&serde_json::to_string_pretty(value).unwrap_or_default()));
}

/// Lines up columns, Chinese characters two wide; the last one is as long as it likes.
pub fn columns(rows: &[Vec<String>]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled).add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

pub fn table(rows: &[Vec<String>]) {
    if !rows.is_empty() {
        say!("{}", columns(rows));
    }
}

/// A claim is never green and never has a mark: the word alone.
pub fn provenance(provenance: ProvenanceView) -> String {
    match provenance {
        ProvenanceView::Verified => format!("{GOOD}[{}]{OFF}", provenance.word()),
        ProvenanceView::Claimed | ProvenanceView::NotRecorded => format!("[{}]", provenance.word()),
    }
}

pub fn payment_row(payment: &PaymentView) -> Vec<String> {
    let most = if payment.at_most && !payment.nothing_left { "≤ " } else { "" };
    vec![
        payment.id.clone(),
        time(&payment.at),
        format!("{most}{}", money(&payment.amount)),
        safe(&payment.site),
        payment.provenance.word(),
        quoted(&format!("{} {}", payment.method, payment.path), 60),
        payment.word.clone(),
    ]
}

pub fn state(state: StateView) -> &'static str {
    match state {
        StateView::Asked => "waiting for an answer",
        StateView::Approved => "approved",
        StateView::Signed => "signed",
        StateView::Refused => "refused",
        StateView::Cancelled => "cancelled",
        StateView::Expired => "expired",
    }
}

pub fn settlement(settlement: SettlementView) -> &'static str {
    match settlement {
        SettlementView::None => "nothing to settle",
        SettlementView::Unknown => "not known yet, counts as spent",
        SettlementView::Seen => "in a block, not final yet",
        SettlementView::Dropped => "was in a block that the chain has dropped, counts as spent",
        SettlementView::Final => "settled",
        SettlementView::NeverUsed => "never used, nothing left",
    }
}

/// What became of a payment that was sent, in one line.
pub fn paid(now: &PaymentAnswerView) -> String {
    let (amount, site) = (money(&now.plan.maximum), safe(&now.plan.site));
    let sentence = match now.settlement {
        SettlementView::Seen | SettlementView::Final => {
            format!("paid {amount} to {site}, {}", settlement(now.settlement))
        }
        SettlementView::Dropped => {
            let until = time(&now.plan.valid_before);
            format!(
                "signed {amount} for {site}; it was in a block that the chain has dropped, and may still be settled until {until}"
            )
        }
        SettlementView::NeverUsed => format!("signed {amount} for {site}; it was never used and nothing left"),
        SettlementView::None | SettlementView::Unknown => {
            format!("signed {amount} for {site}; whether it was taken is not known yet, it counts as spent")
        }
    };
    format!("{sentence} (payment {})", now.id)
}

pub fn delivery(delivery: DeliveryView) -> &'static str {
    match delivery {
        DeliveryView::Delivered => "delivered",
        DeliveryView::RefusedBySeller => "refused by the seller",
        DeliveryView::NotReported => "not reported",
    }
}

pub fn rule(rule: &RuleView) -> Vec<String> {
    let mode = match &rule.mode {
        ModeView::Ask => "always ask".to_owned(),
        ModeView::Block => "blocked".to_owned(),
        ModeView::Allow { per_payment, per_day, per_month, covers } => {
            let part = |amount: &Option<String>, what: &str| amount.as_ref().map(|a| format!("{} {what}", safe(a)));
            let parts = [part(per_payment, "a payment"), part(per_day, "in 24 hours"), part(per_month, "in 30 days")];
            format!("up to {}; {}", parts.into_iter().flatten().collect::<Vec<_>>().join(", "), covers.words())
        }
    };
    vec![
        safe(&rule.app_id),
        safe(&rule.app_name),
        rule.site_key.as_deref().map_or_else(|| "all sites".to_owned(), safe),
        safe(&rule.symbol),
        mode,
    ]
}

/// What may still be paid without asking, and when that grows.
fn room(bar: &LimitBarView) -> String {
    let more = bar.frees.as_ref().map(|frees| format!(", {} more at {} UTC", money(&frees.more), time(&frees.at)));
    format!("{} left{}", money(&bar.left), more.unwrap_or_default())
}

pub fn bar(bar: &LimitBarView) -> String {
    let share = bar.after_percent.min(100) as usize / 10;
    format!(
        "{}{} {} of {} ({} %)  {}: {}",
        "■".repeat(share),
        "·".repeat(10 - share),
        money(&bar.after),
        money(&bar.limit),
        bar.after_percent,
        safe(&bar.label),
        room(bar)
    )
}

/// Words as they are written on paper: numbered, four in a row.
pub fn words(words: &[String]) -> Vec<String> {
    let row = |(n, words): (usize, &[String])| {
        let row: Vec<String> =
            words.iter().enumerate().map(|(i, word)| format!("{:>2} {word:<10}", n * 4 + i + 1)).collect();
        format!("  {}", row.join(" ").trim_end())
    };
    words.chunks(4).enumerate().map(row).collect()
}
