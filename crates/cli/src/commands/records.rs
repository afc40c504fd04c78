//! `ledger` and `sites`: what was paid, where it went, and blocking a place. Reads the record of a running
//! Countersign or, when none runs, of the folder itself.

use crate::args::{Blocked, Global, Ledger, SiteAction, Sites};
use crate::console::Console;
use crate::exit::Fail;
use crate::reach::Reach;
use crate::show::{self, BOLD, OFF, money, safe};
use crate::show::{note, say};
use helper::verb::{self, BlockSite, Payments};
use view::{FilterView, PaymentDetailView, SettlementView, SiteDetailView};

pub async fn ledger(global: &Global, console: &Console, ledger: Ledger) -> Result<(), Fail> {
    let reach = Reach::owner(global).await?;
    if let Some(id) = ledger.id {
        let payment = reach.call(verb::Payment { id }).await?;
        match global.json {
            true => show::json(&payment),
            false => detail(&payment),
        }
        return Ok(());
    }
    if let Some(action) = ledger.action {
        return super::ledger::run(global, console, &reach, action).await;
    }
    let filter = FilterView { after: ledger.after, limit: Some(ledger.limit), ..super::ledger::filter(ledger.which) };
    let page = reach.call(Payments { filter }).await?;
    if global.json {
        show::json(&page);
        return Ok(());
    }
    match page.payments.is_empty() {
        true => say!("No payments."),
        false => show::table(&page.payments.iter().map(show::payment_row).collect::<Vec<_>>()),
    }
    if let Some(at) = &page.looked_to {
        note!("Looked as far as {}; there is more.", show::time(at));
    }
    if let Some(next) = page.next {
        say!("More: --after {}", safe(&next));
    }
    Ok(())
}

fn detail(it: &PaymentDetailView) {
    let row = |label: &str, value: String| vec![label.to_owned(), value];
    let p = &it.payment;
    let site = show::provenance(p.provenance);
    say!("{BOLD}{} to {}{OFF} {site}{BOLD}: {}{OFF}", money(&p.amount), safe(&p.site), safe(&p.word));
    let mut rows = vec![
        row("payment", p.id.clone()),
        row("request", format!("{} {}", safe(&p.method), view::question::quoted(&it.url, 300))),
        row("app", safe(&p.app_name)),
        row("price", money(&it.price)),
    ];
    rows.extend(it.fee.as_ref().map(|fee| row("fee", money(fee))));
    rows.extend([
        row("at most", money(&it.maximum)),
        row("paid to", safe(&it.payee.address)),
        row("from", safe(&it.payer.address)),
        row("network", safe(&p.network)),
        row("token", safe(&it.token.address)),
        row("signed for", format!("{} {} ({})", safe(&it.contract_name), safe(&it.contract.address), safe(&it.scheme))),
        row("authorization", show::state(p.state).to_owned()),
        row(
            "settlement",
            match p.settlement {
                SettlementView::Dropped => {
                    let until = show::time(&it.valid_before);
                    format!("was in a block that the chain has dropped; may still be settled until {until}")
                }
                other => show::settlement(other).to_owned(),
            },
        ),
    ]);
    rows.extend(p.seller_says.as_ref().map(|says| row("", safe(says))));
    rows.push(row("delivery", show::delivery(p.delivery).to_owned()));
    rows.extend(p.transaction.as_ref().map(|t| row("transaction", safe(t))));
    rows.extend(it.block.as_ref().map(|b| row("block", safe(b))));
    for step in &it.steps {
        let at = step.at.as_deref().map_or_else(|| "-".to_owned(), show::time);
        let note = step.note.as_deref().map_or_else(String::new, |note| format!("  {}", safe(note)));
        rows.push(row(&safe(&step.name), format!("{at}{note}")));
    }
    show::table(&rows);
    if let Some(note) = &p.note {
        say!("note: {}", view::question::quoted(note, 500));
    }
    if !p.tags.is_empty() {
        say!("tags: {}", safe(&p.tags.join(", ")));
    }
    for finding in &it.findings {
        say!("{}: {}", safe(&finding.title), safe(&finding.text));
    }
}

pub async fn sites(global: &Global, console: &Console, sites: Sites) -> Result<(), Fail> {
    let reach = Reach::owner(global).await?;
    match (sites.action, sites.site) {
        (Some(action), _) => {
            let (Blocked { site: site_key, host: whole_host }, blocked) = match action {
                SiteAction::Block(what) => (what, true),
                SiteAction::Unblock(what) => (what, false),
            };
            let covered = match whole_host {
                true => format!("the host of {}, with every scheme and port", safe(&site_key)),
                false => format!("{}, this scheme, host and port alone (--host takes all of them)", safe(&site_key)),
            };
            let block = |passphrase| BlockSite { site_key: site_key.clone(), blocked, whole_host, passphrase };
            reach.prove(console, block).await?;
            note!("{}: {covered}", if blocked { "blocked" } else { "may ask again" });
        }
        (None, Some(site_key)) => {
            let site = reach.call(verb::Site { site_key }).await?;
            match global.json {
                true => show::json(&site),
                false => site_detail(&site),
            }
        }
        (None, None) => {
            let sites = reach.call(verb::Sites {}).await?;
            if global.json {
                show::json(&sites);
                return Ok(());
            }
            let row = |s: &view::SiteView| {
                let count = format!("{} payments", s.payments);
                let marks: Vec<String> =
                    [blocked(s).to_owned()].into_iter().chain(s.permit2.iter().map(|p| safe(p))).collect();
                let marks = marks.into_iter().filter(|m| !m.is_empty()).collect::<Vec<_>>().join(", ");
                vec![safe(&s.site_key), count, show::monies(&s.totals), show::time(&s.last_at), marks]
            };
            match sites.is_empty() {
                true => say!("No sites."),
                false => show::table(&sites.iter().map(row).collect::<Vec<_>>()),
            }
        }
    }
    Ok(())
}

/// What of a site is refused without asking.
fn blocked(site: &view::SiteView) -> &'static str {
    match (site.host_blocked, site.blocked) {
        (true, _) => "host blocked",
        (false, true) => "blocked",
        (false, false) => "",
    }
}

fn site_detail(it: &SiteDetailView) {
    let blocked =
        Some(blocked(&it.site)).filter(|word| !word.is_empty()).map_or(String::new(), |word| format!(", {word}"));
    say!("{BOLD}{}{blocked}{OFF}", safe(&it.site.site_key));
    say!("{} payments, {}", it.site.payments, show::monies(&it.site.totals));
    for line in &it.site.permit2 {
        say!("{}", safe(line));
    }
    for payee in &it.payees {
        let (address, since) = (safe(&payee.address.address), show::time(&payee.since));
        match payee.times {
            0 => say!("approved to {address} since {since}, nothing settled yet"),
            1 => say!("paid once to {address}, {since}"),
            times => say!("paid {times} times to {address} since {since}"),
        }
    }
    show::table(&it.rules.iter().map(show::rule).collect::<Vec<_>>());
    show::table(&it.payments.payments.iter().map(show::payment_row).collect::<Vec<_>>());
}
