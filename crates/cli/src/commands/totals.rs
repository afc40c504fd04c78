//! `ledger totals`: sums by month, token, app and site. They come from kept sums, so they are as quick for ten million
//! payments as for ten.

use crate::args::Global;
use crate::exit::Fail;
use crate::reach::Reach;
use crate::show::{self, money, note, safe, say};
use helper::verb::Totals;
use view::{FilterView, TotalView, TotalsBy, TotalsInput};

pub async fn totals(global: &Global, reach: &Reach, filter: FilterView, by: &[String]) -> Result<(), Fail> {
    let by = by.iter().map(|what| match what.as_str() {
        "month" => TotalsBy::Month,
        "app" => TotalsBy::App,
        "site" => TotalsBy::Site,
        _ => TotalsBy::Token,
    });
    let told = reach.call(Totals { input: TotalsInput { by: by.collect(), filter } }).await?;
    if global.json {
        show::json(&told);
        return Ok(());
    }
    let row = |t: &TotalView| {
        let parts = [&t.month, &t.app_name, &t.site];
        let mut cells: Vec<String> = parts.into_iter().flatten().map(|part| safe(part)).collect();
        cells.extend([money(&t.amount), safe(&t.network)]);
        cells
    };
    match told.totals.is_empty() {
        true => say!("Nothing was paid."),
        false => show::table(&told.totals.iter().map(row).collect::<Vec<_>>()),
    }
    if let Some(removed) = told.removed {
        let newest = show::time(&removed.newest);
        note!("These sums include {} payments up to {newest} that were removed from the record.", removed.payments);
    }
    Ok(())
}
