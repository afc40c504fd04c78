//! `ledger prune` and `ledger vacuum`: the running Countersign does it in small steps while payments go on; this shows
//! how far it is. Removes nothing that was not counted and confirmed first; both take the passphrase.

use crate::args::Global;
use crate::console::Console;
use crate::exit::{Fail, Status};
use crate::interrupt::interrupt;
use crate::reach::Reach;
use crate::show::{self, note, say, time};
use helper::verb::{CancelUpkeep, StartPrune, StartVacuum, Upkeep};
use indicatif::{DecimalBytes, ProgressBar, ProgressStyle};
use std::time::Duration;
use view::{PruneInput, UpkeepView};

/// How often the bar moves.
const LOOK: Duration = Duration::from_millis(200);

/// Shows it until it ends. Ctrl+C ends it between two steps.
async fn follow(
    reach: &Reach,
    mut pressed: impl Future<Output = ()> + Unpin,
    mut state: UpkeepView,
    style: &str,
) -> Result<UpkeepView, Fail> {
    let bar = ProgressBar::new(u64::from(state.of));
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    while !state.done {
        bar.set_length(u64::from(state.of));
        bar.set_position(u64::from(state.at));
        tokio::select! {
            () = &mut pressed => {
                reach.call(CancelUpkeep { id: state.id.clone() }).await?;
            }
            () = tokio::time::sleep(LOOK) => {}
        }
        state = reach.call(Upkeep { id: state.id }).await?;
    }
    bar.finish_and_clear();
    match state.failure.take() {
        Some(failure) => Err(failure.into()),
        None => Ok(state),
    }
}

pub async fn prune(
    global: &Global,
    console: &Console,
    reach: &Reach,
    input: PruneInput,
    yes: bool,
) -> Result<(), Fail> {
    let run = async |dry_run| {
        let pressed = interrupt().await;
        let start = |passphrase| StartPrune { input: PruneInput { dry_run, ..input.clone() }, passphrase };
        let started = reach.prove(console, start).await?;
        let what = if dry_run { "counted" } else { "looked at" };
        follow(reach, pressed, started, &format!("{{bar:30}} {{pos}} of {{len}} {what}")).await
    };
    let counted = run(true).await?;
    let before = counted.before.as_deref().map(time).unwrap_or_default();
    if input.dry_run || counted.cancelled || counted.removed == 0 {
        match (global.json, counted.cancelled) {
            (true, _) => show::json(&counted),
            (false, true) => note!("Cancelled; nothing was removed."),
            (false, false) => {
                say!("{} entries before {before} would go, {} would stay.", counted.removed, counted.kept);
            }
        }
        return Ok(());
    }
    let question = format!(
        "{} entries before {before} go, with their documents; {} stay. Sums, limits and known payees stay. It can't be \
         undone. Remove them?",
        counted.removed, counted.kept
    );
    if !yes && !console.yes(&question).await? {
        note!("Nothing was removed.");
        return Err(Fail::told(Status::Refused));
    }
    let done = run(false).await?;
    match global.json {
        true => show::json(&done),
        false => {
            say!("{} entries removed, {} of those before {before} stay.", done.removed, done.kept);
            if done.cancelled {
                note!("Cancelled before the end; what was removed stays removed.");
            }
            note!("The file keeps its size until: countersign ledger vacuum");
        }
    }
    Ok(())
}

pub async fn vacuum(global: &Global, console: &Console, reach: &Reach) -> Result<(), Fail> {
    let pressed = interrupt().await;
    let started = reach.prove(console, |passphrase| StartVacuum { passphrase }).await?;
    let done = follow(reach, pressed, started, "{bar:30} {pos} of {len} MB").await?;
    if global.json {
        show::json(&done);
        return Ok(());
    }
    let size = |bytes: &Option<String>| DecimalBytes(bytes.as_deref().and_then(|b| b.parse().ok()).unwrap_or(0));
    let end = if done.cancelled { " (cancelled before the end)" } else { "" };
    say!("The record's file had {} and has {}{end}.", size(&done.bytes_before), size(&done.bytes));
    Ok(())
}
