//! What is done with the record: export, notes, tags. The running Countersign writes the file; an export that is
//! interrupted leaves none.

use crate::args::{Global, LedgerAction, Which};
use crate::exit::Fail;
use crate::reach::Reach;
use crate::show::{self, note, safe, say};
use helper::verb::{CancelExport, Export, Payment, RenameTag, SetNote, StartExport, Tags};
use indicatif::{ProgressBar, ProgressStyle};
use std::path::Path;
use std::time::Duration;
use view::{ExportFormat, ExportInput, FilterView, StateView};

/// How often the bar moves.
const LOOK: Duration = Duration::from_millis(200);

pub fn filter(which: Which) -> FilterView {
    let state = which.state.as_deref().map(|state| match state {
        "asked" => StateView::Asked,
        "approved" => StateView::Approved,
        "refused" => StateView::Refused,
        "cancelled" => StateView::Cancelled,
        "expired" => StateView::Expired,
        _ => StateView::Signed,
    });
    FilterView {
        site_key: which.site,
        app_id: which.app,
        payer: which.account,
        network: which.network,
        token: which.token,
        state,
        from: which.from,
        to: which.to,
        time_zone: which.time_zone,
        least: which.least,
        most: which.most,
        tag: which.tag,
        text: which.search,
        oldest_first: which.oldest,
        ..FilterView::default()
    }
}

pub async fn run(global: &Global, reach: &Reach, action: LedgerAction) -> Result<(), Fail> {
    match action {
        LedgerAction::Export { which, format, output, replace } => {
            let format = match format.as_str() {
                "json" => ExportFormat::Json,
                "jsonl" => ExportFormat::JsonLines,
                "hledger" => ExportFormat::Hledger,
                _ => ExportFormat::Csv,
            };
            let filter = FilterView { oldest_first: true, ..filter(which) };
            // Another process writes it: a name relative to here means nothing there.
            let path = std::path::absolute(&output).unwrap_or(output).display().to_string();
            export(global, reach, ExportInput { filter, format, path, replace }).await
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

async fn export(global: &Global, reach: &Reach, input: ExportInput) -> Result<(), Fail> {
    let mut state = reach.call(StartExport { input }).await?;
    let bar = ProgressBar::new(u64::from(state.of));
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos} payments, {per_sec}") {
        bar.set_style(style);
    }
    let mut interrupt = std::pin::pin!(tokio::signal::ctrl_c());
    while !state.done {
        bar.set_position(u64::from(state.rows));
        tokio::select! {
            _ = &mut interrupt => { reach.call(CancelExport { id: state.id.clone() }).await?; }
            () = tokio::time::sleep(LOOK) => {}
        }
        state = reach.call(Export { id: state.id }).await?;
    }
    bar.finish_and_clear();
    if let Some(failure) = state.failure {
        return Err(failure.into());
    }
    match (state.cancelled, global.json) {
        (true, _) => note!("Cancelled; no file was made."),
        (false, true) => show::json(&state),
        (false, false) => {
            let name = Path::new(&state.path).display().to_string();
            note!("{} payments in {}", state.rows, safe(&name));
        }
    }
    Ok(())
}
