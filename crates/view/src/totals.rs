//! Totals for people: by month, token, app and site, from the ledger's kept sums. Reads what was typed or names the
//! field that can't be read.

use crate::desk::{Answer, Desk, name_of};
use crate::record::zone;
use crate::show_payment::{site, time};
use crate::{Failure, FilterView, MoneyView, RemovedView};
use jiff::ToSpan;
use ledger::Sums;
use plan::Moment;
use serde::{Deserialize, Serialize};
use specta::Type;

/// What totals are told apart by. Tokens always are: two never add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum TotalsBy {
    Month,
    Token,
    App,
    Site,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase", default)]
pub struct TotalsInput {
    pub by: Vec<TotalsBy>,
    /// Site, app, network, token, first and last day narrow; what else it says can't be told from sums.
    pub filter: FilterView,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct TotalView {
    /// "2026-11", in the filter's time zone.
    pub month: Option<String>,
    pub app_id: Option<String>,
    pub app_name: Option<String>,
    pub site_key: Option<String>,
    pub site: Option<String>,
    pub network: String,
    /// Base58.
    pub token: String,
    /// What left or can still leave.
    pub amount: MoneyView,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct TotalsView {
    pub totals: Vec<TotalView>,
    /// Payments that are no longer in the record, and still in these sums.
    pub removed: Option<RemovedView>,
}

/// The first moments of all months from one to another, and the end itself.
fn months(from: Moment, until: Moment, zone: &jiff::tz::TimeZone) -> Option<Vec<Moment>> {
    let zoned = |at: Moment| Some(jiff::Timestamp::from_millisecond(at.0).ok()?.to_zoned(zone.clone()));
    let mut month = zoned(from)?.first_of_month().ok()?.start_of_day().ok()?;
    let mut bounds = vec![from];
    loop {
        month = month.checked_add(1.month()).ok()?;
        let at = Moment(month.timestamp().as_millisecond());
        if at >= until {
            break;
        }
        bounds.push(at);
    }
    bounds.push(until);
    Some(bounds)
}

impl Desk {
    pub async fn totals(&self, input: TotalsInput) -> Answer<TotalsView> {
        let by = |what| input.by.contains(&what);
        let zone = zone(input.filter.time_zone.as_deref())?;
        let filter = self.read_filter(&input.filter).await?;
        let more = ledger::Filter {
            site: None,
            app: None,
            network: None,
            token: None,
            from: None,
            until: None,
            ..filter.clone()
        };
        if more != ledger::Filter::default() {
            return Err(Failure::field("filter", "site, app, network, token, first and last day", "another one"));
        }
        let what = Sums {
            by_app: by(TotalsBy::App),
            by_site: by(TotalsBy::Site),
            app: filter.app,
            site: filter.site,
            network: filter.token.map(|(network, _)| network).or(filter.network),
            token: filter.token.map(|(_, token)| token),
        };
        let first = self.wallet.first_counted().await?.unwrap_or(self.wallet.now());
        let from = filter.from.unwrap_or(first).max(first);
        // The record's clock can be ahead of ours.
        let until = filter.until.unwrap_or(self.wallet.now().plus_ms(Moment::DAY_MS)).max(from);
        let bounds = match by(TotalsBy::Month) {
            true => months(from, until, &zone)
                .ok_or_else(|| Failure::field("from", "a day of this calendar", &time(from)))?,
            false => vec![from, until],
        };
        let counted = self.wallet.counted(bounds.clone(), what).await?;
        let (symbols, apps) = (self.symbols().await?, self.wallet.apps().await?);
        let month = |column: usize| {
            let at = jiff::Timestamp::from_millisecond(bounds.get(column)?.0).ok()?.to_zoned(zone.clone());
            by(TotalsBy::Month).then(|| at.strftime("%Y-%m").to_string())
        };
        let total = |c: ledger::Counted| TotalView {
            month: month(c.column),
            app_name: c.app.as_ref().map(|app| name_of(&apps, app).unwrap_or(&app.0).to_owned()),
            app_id: c.app.map(|app| app.0),
            site_key: c.site.as_ref().map(ToString::to_string),
            site: c.site.as_ref().map(site),
            network: c.network.canonical().to_owned(),
            token: c.token.to_string(),
            amount: symbols.money(c.network, c.token, c.amount),
        };
        Ok(TotalsView { totals: counted.into_iter().map(total).collect(), removed: self.removed().await? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_begin_where_their_people_are() {
        let zone = jiff::tz::TimeZone::get("Asia/Shanghai").unwrap();
        let at = |text: &str| Moment(text.parse::<jiff::Timestamp>().unwrap().as_millisecond());
        let bounds = months(at("2026-01-31T15:00:00Z"), at("2026-03-02T00:00:00Z"), &zone).unwrap();
        let told: Vec<String> = bounds.into_iter().map(time).collect();
        assert_eq!(
            told,
            ["2026-01-31T15:00:00Z", "2026-01-31T16:00:00Z", "2026-02-28T16:00:00Z", "2026-03-02T00:00:00Z"]
        );
    }
}
