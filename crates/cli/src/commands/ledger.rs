//! What is done with the record: export, notes, tags. The running Countersign reads, this command writes the file; an
//! export that is interrupted leaves none.

use crate::args::{Global, LedgerAction, Which};
use crate::console::Console;
use crate::escape::Foreign;
use crate::exit::Fail;
use crate::interrupt::interrupt;
use crate::reach::Reach;
use crate::show::{self, note, safe, say};
use futures::StreamExt;
use helper::verb::{Payment, RedateLedger, RenameTag, SetNote, Status, Tags};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::path::Path;
use view::export::{self, Part};
use view::{DeliveryView, ExportFormat, FilterView, PruneInput, SettlementView, StateView};

pub fn filter(which: Which) -> FilterView {
    let state = which.state.as_deref().map(|state| match state {
        "asked" => StateView::Asked,
        "approved" => StateView::Approved,
        "refused" => StateView::Refused,
        "cancelled" => StateView::Cancelled,
        "expired" => StateView::Expired,
        _ => StateView::Signed,
    });
    let settlement = which.settlement.as_deref().map(|settlement| match settlement {
        "unknown" => SettlementView::Unknown,
        "seen" => SettlementView::Seen,
        "never-used" => SettlementView::NeverUsed,
        _ => SettlementView::Final,
    });
    let delivery = which.delivery.as_deref().map(|delivery| match delivery {
        "delivered" => DeliveryView::Delivered,
        "refused" => DeliveryView::RefusedBySeller,
        _ => DeliveryView::NotReported,
    });
    FilterView {
        site_key: which.site,
        app_id: which.app,
        payer: which.account,
        network: which.network,
        token: which.token,
        state,
        settlement,
        delivery,
        scheme: which.scheme,
        from: which.since,
        to: which.until,
        time_zone: which.time_zone,
        least: which.least,
        most: which.most,
        tag: which.tag,
        text: which.search,
        oldest_first: which.oldest,
        ..FilterView::default()
    }
}

pub async fn run(global: &Global, console: &Console, reach: &Reach, action: LedgerAction) -> Result<(), Fail> {
    match action {
        LedgerAction::Export { which, format, file, output, replace } => {
            let filter = FilterView { oldest_first: true, ..filter(which) };
            let Some(output) = output.or(file) else { return Err(Fail::plain("no file was named")) };
            let format = self::format(format.as_deref(), &output);
            if output.as_os_str() == "-" {
                return to_output(reach, filter, format).await;
            }
            to_file(global, reach, filter, format, &output, replace).await
        }
        LedgerAction::Totals { which, by } => super::totals::totals(global, reach, filter(which), &by).await,
        LedgerAction::Prune { older_than, site, noted, dry_run, yes, time_zone } => {
            let input = PruneInput { older_than, site_key: site, noted, dry_run, time_zone };
            super::upkeep::prune(global, console, reach, input, yes).await
        }
        LedgerAction::Vacuum => super::upkeep::vacuum(global, console, reach).await,
        LedgerAction::Redate => {
            if reach.call(Status {}).await?.record.is_none() {
                say!("Nothing on record lies ahead of now.");
                return Ok(());
            }
            let done = reach.prove(console, |passphrase| RedateLedger { passphrase }).await?;
            match global.json {
                true => show::json(&done),
                false => say!(
                    "The record ended at {}. {} payments that lay ahead count as of {}.",
                    show::time(&done.from),
                    done.payments,
                    show::time(&done.to)
                ),
            }
            Ok(())
        }
        LedgerAction::Note { id, text } => {
            let tags = reach.call(Payment { id: id.clone() }).await?.payment.tags;
            reach.call(SetNote { id, note: text.unwrap_or_default(), tags }).await?;
            Ok(())
        }
        LedgerAction::Tag { id, tags, remove } => {
            let payment = reach.call(Payment { id: id.clone() }).await?.payment;
            let is = |tag: &String| tags.iter().any(|t| t.to_lowercase() == tag.to_lowercase());
            let mut all: Vec<String> = payment.tags.into_iter().filter(|tag| !is(tag)).collect();
            if !remove {
                all.extend(tags.iter().cloned());
            }
            reach.call(SetNote { id, note: payment.note.unwrap_or_default(), tags: all }).await?;
            Ok(())
        }
        LedgerAction::Tags => {
            let tags = reach.call(Tags {}).await?;
            match (global.json, tags.is_empty()) {
                (true, _) => show::json(&tags),
                (false, true) => say!("No tags."),
                (false, false) => {
                    let rows = tags.iter().map(|t| vec![safe(&t.name), t.payments.to_string()]);
                    show::table(&rows.collect::<Vec<_>>());
                }
            }
            Ok(())
        }
        LedgerAction::RenameTag { name, new } => Ok(reach.call(RenameTag { name, new }).await?),
    }
}

/// The format that was named, or the one that the file's name says.
fn format(named: Option<&str>, file: &Path) -> ExportFormat {
    let ending = file.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    match named.or(ending.as_deref()) {
        Some("json") => ExportFormat::Json,
        Some("jsonl" | "ndjson") => ExportFormat::JsonLines,
        Some("hledger" | "journal" | "ledger" | "j") => ExportFormat::Hledger,
        _ => ExportFormat::Csv,
    }
}

/// Into a pipe, piece by piece; a terminal gets it with what others wrote made harmless. A reader that has enough (`| head`) is no failure; an export that breaks off is one.
async fn to_output(reach: &Reach, filter: FilterView, format: ExportFormat) -> Result<(), Fail> {
    let mut pieces = reach.export(filter, format).await?;
    let mut foreign = std::io::stdout().is_terminal().then(Foreign::default);
    while let Some(piece) = pieces.next().await {
        let piece = match &mut foreign {
            Some(foreign) => foreign.shown(&piece?.bytes).into_bytes(),
            None => piece?.bytes,
        };
        let mut out = std::io::stdout().lock();
        match out.write_all(&piece).and_then(|()| out.flush()) {
            Ok(()) => {}
            Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => break,
            Err(e) => return Err(e.into()),
        }
    }
    if let Some(mut foreign) = foreign {
        std::io::stdout().write_all(foreign.end().as_bytes())?;
    }
    Ok(())
}

/// Into a file that is whole or not there, readable by its owner alone.
async fn to_file(
    global: &Global,
    reach: &Reach,
    filter: FilterView,
    format: ExportFormat,
    path: &Path,
    replace: bool,
) -> Result<(), Fail> {
    let mut pressed = interrupt().await;
    // First the file: a folder that is not there is told before anything is read.
    let failed = |e: std::io::Error| Fail::from(export::failed(path, &e));
    let mut file = Part::open(path, replace).map_err(failed)?;
    let mut pieces = reach.export(filter, format).await?;
    file.write_all(export::mark(format).as_bytes()).map_err(failed)?;
    let bar = ProgressBar::no_length();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} entries, {per_sec}") {
        bar.set_style(style);
    }
    let mut rows = 0;
    loop {
        let piece = tokio::select! {
            () = &mut pressed => {
                bar.finish_and_clear();
                note!("Cancelled; no file was made.");
                return Ok(());
            }
            piece = pieces.next() => piece,
        };
        let Some(piece) = piece else { break };
        let piece = piece?;
        file.write_all(&piece.bytes).map_err(failed)?;
        rows = piece.rows;
        bar.set_position(rows);
    }
    file.finish().map_err(failed)?;
    bar.finish_and_clear();
    let name = std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string();
    match global.json {
        true => show::json(&serde_json::json!({ "path": name, "rows": rows })),
        false => note!("{rows} entries in {}", safe(&name)),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gets_the_format_that_its_name_says_unless_another_is_asked_for() {
        for (named, file, format) in [
            (None, "2026.csv", ExportFormat::Csv),
            (None, "x.json", ExportFormat::Json),
            (None, "a.b/X.JSON", ExportFormat::Json),
            (None, "x.jsonl", ExportFormat::JsonLines),
            (None, "x.ndjson", ExportFormat::JsonLines),
            (None, "2026.journal", ExportFormat::Hledger),
            (None, "payments", ExportFormat::Csv),
            (None, "payments.txt", ExportFormat::Csv),
            (None, "-", ExportFormat::Csv),
            (Some("csv"), "x.json", ExportFormat::Csv),
            (Some("hledger"), "-", ExportFormat::Hledger),
        ] {
            assert_eq!(self::format(named, Path::new(file)), format, "{named:?} {file}");
        }
    }
}
