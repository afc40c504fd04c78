//! The record as a person looks through it: filters, pages, notes and tags. Reads what was typed or names the
//! field that can't be read; decides nothing.

use crate::desk::{Answer, name_of, payment_id, site_key};
use crate::show_owner::count;
use crate::show_payment::time;
use crate::*;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use ledger::{Delivery, Filter, Page, SettlementKind, State};
use plan::Moment;
use tron::{Address, Amount, Network};
use wallet::AppId;

/// Which rows a list shows; all fields narrow.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, specta::Type)]
#[serde(rename_all = "camelCase", default)]
pub struct FilterView {
    pub site_key: Option<String>,
    pub app_id: Option<String>,
    /// Base58 of the account that pays.
    pub payer: Option<String>,
    pub network: Option<String>,
    /// Base58 of the token, or its symbol.
    pub token: Option<String>,
    pub scheme: Option<String>,
    pub state: Option<StateView>,
    pub settlement: Option<SettlementView>,
    pub delivery: Option<DeliveryView>,
    /// First day, "2026-11-22", or moment in RFC 3339.
    pub from: Option<String>,
    /// Last day, all of it; or the moment in RFC 3339 before which it is.
    pub to: Option<String>,
    /// In which a day begins, "Asia/Shanghai"; the system's when absent.
    pub time_zone: Option<String>,
    /// Whole units, "0.10".
    pub least: Option<String>,
    pub most: Option<String>,
    pub tag: Option<String>,
    /// Words of a site, path, description, note or tag; or a whole address, id or transaction.
    pub text: Option<String>,
    pub oldest_first: bool,
    /// From `PaymentPage::next`.
    pub after: Option<String>,
    /// 1 to 200, 50 when absent.
    pub limit: Option<u32>,
}

/// A tag and how many payments have it, counted up to a thousand.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, specta::Type)]
#[serde(rename_all = "camelCase")]
pub struct TagView {
    pub name: String,
    pub payments: u32,
}

/// The zone of that name, or the system's.
pub(crate) fn zone(name: Option<&str>) -> Answer<TimeZone> {
    match name.map(str::trim).filter(|n| !n.is_empty()) {
        None => Ok(TimeZone::system()),
        Some(name) => TimeZone::get(name)
            .map_err(|_| Failure::field("timeZone", "a time zone like Europe/Berlin or Asia/Shanghai", name)),
    }
}

/// A day or a moment; a day begins in `zone`, and as an end it is over when the next one begins.
pub(crate) fn moment(field: &str, text: &str, zone: &TimeZone, end: bool) -> Answer<Moment> {
    let text = text.trim();
    let wrong = || Failure::field(field, "a day like 2026-11-22 or a moment like 2026-11-22T14:00:00Z", text);
    let at = match text.parse::<jiff::Timestamp>() {
        Ok(at) => at,
        Err(_) => {
            let day: Date = text.parse().map_err(|_| wrong())?;
            let day = if end { day.tomorrow().map_err(|_| wrong())? } else { day };
            day.to_zoned(zone.clone()).map_err(|_| wrong())?.timestamp()
        }
    };
    Ok(Moment(at.as_millisecond()))
}

fn day(at: Moment, zone: &TimeZone) -> Option<Date> {
    Some(jiff::Timestamp::from_millisecond(at.0).ok()?.to_zoned(zone.clone()).date())
}

/// From a day's beginning to the next one's, which is not always 24 hours.
fn span(day: Date, zone: &TimeZone) -> Option<(Moment, Moment)> {
    let begins = |day: Date| Some(Moment(day.to_zoned(zone.clone()).ok()?.timestamp().as_millisecond()));
    Some((begins(day)?, begins(day.tomorrow().ok()?)?))
}

fn amount(field: &str, text: Option<String>) -> Answer<Option<String>> {
    let Some(text) = text.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty()) else { return Ok(None) };
    // The widest token there is; each row is compared in its own.
    match Amount::parse_units(&text, 30) {
        Ok(_) => Ok(Some(text)),
        Err(_) => Err(Failure::field(field, "an amount like 2.00", &text)),
    }
}

fn states(state: StateView) -> Vec<State> {
    match state {
        StateView::Asked => vec![State::Asked],
        StateView::Approved => vec![State::Reserved],
        StateView::Signed => vec![State::Signed],
        StateView::Refused => vec![State::Rejected, State::Refused],
        StateView::Cancelled => vec![State::Cancelled],
        StateView::Expired => vec![State::Expired],
    }
}

impl Desk {
    /// What was typed, as the ledger understands it.
    pub(crate) async fn read_filter(&self, filter: &FilterView) -> Answer<Filter> {
        let given = |text: &Option<String>| text.as_deref().map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned);
        let zone = zone(filter.time_zone.as_deref())?;
        let network = match given(&filter.network) {
            None => None,
            Some(text) => {
                Some(Network::parse(&text).map_err(|e| Failure::field("network", "a TRON network", &e.found))?)
            }
        };
        let mut token = None;
        if let Some(text) = given(&filter.token) {
            let known = self.wallet.totals().await?;
            let address = Address::parse(&text).ok();
            let is = |t: &&ledger::Total| match address {
                Some(address) => t.token == address,
                None => t.symbol.eq_ignore_ascii_case(&text),
            };
            let mut of = known.iter().filter(is).filter(|t| network.is_none_or(|n| n == t.network));
            match (of.next(), of.next()) {
                (Some(one), None) => token = Some((one.network, one.token)),
                (Some(_), Some(_)) => {
                    return Err(Failure::field("token", "its address: several have this name", &text));
                }
                (None, _) => return Err(Failure::field("token", "a token that was paid with", &text)),
            }
        }
        let payer = match given(&filter.payer) {
            None => None,
            Some(text) => Some(
                Address::parse(&text)
                    .map_err(|e| Failure::field("payer", "an account's address", &format!("{text} ({e})")))?,
            ),
        };
        let app = given(&filter.app_id).map(AppId);
        if let Some(app) = &app {
            self.known_app(app).await?;
        }
        Ok(Filter {
            site: given(&filter.site_key).as_deref().map(site_key).transpose()?,
            app,
            payer,
            network,
            token,
            scheme: given(&filter.scheme),
            states: filter.state.map(states).unwrap_or_default(),
            settlement: match filter.settlement {
                None | Some(SettlementView::None) => None,
                Some(SettlementView::Unknown | SettlementView::Dropped) => Some(SettlementKind::Unknown),
                Some(SettlementView::Seen) => Some(SettlementKind::Seen),
                Some(SettlementView::Final) => Some(SettlementKind::Final),
                Some(SettlementView::NeverUsed) => Some(SettlementKind::NeverUsed),
            },
            delivery: filter.delivery.map(|d| match d {
                DeliveryView::Delivered => Delivery::Delivered,
                DeliveryView::RefusedBySeller => Delivery::RefusedBySeller,
                DeliveryView::NotReported => Delivery::NotReported,
            }),
            from: given(&filter.from).map(|t| moment("from", &t, &zone, false)).transpose()?,
            until: given(&filter.to).map(|t| moment("to", &t, &zone, true)).transpose()?,
            least: amount("least", filter.least.clone())?,
            most: amount("most", filter.most.clone())?,
            tag: given(&filter.tag),
            text: given(&filter.text),
        })
    }

    pub async fn payments(&self, filter: FilterView) -> Answer<PaymentPage> {
        let limit = usize::try_from(filter.limit.unwrap_or(50).clamp(1, 200)).unwrap_or(50);
        let after = filter.after.as_deref().map(payment_id).transpose()?;
        let page = Page { after, limit, oldest_first: filter.oldest_first };
        let narrow = self.read_filter(&filter).await?;
        let found = self.wallet.payments(narrow.clone(), page).await?;
        let apps = self.wallet.apps().await?;
        let zone = zone(filter.time_zone.as_deref())?;
        Ok(PaymentPage {
            days: self.day_sums(narrow, &found.rows, &zone).await?,
            payments: found
                .rows
                .iter()
                .map(|row| {
                    let gone = self.wallet.is_asker_gone(row.payment.id);
                    PaymentView::listed(row, name_of(&apps, &row.payment.plan.app)).waiting_for(gone)
                })
                .collect(),
            next: found.next.map(|id| id.to_string()),
            looked_to: found.looked_to.map(time),
            unindexed: count(found.unindexed),
        })
    }

    /// A name that no app has is told, not answered with an empty list.
    pub(crate) async fn known_app(&self, app: &AppId) -> Answer<()> {
        match self.wallet.apps().await?.iter().any(|known| known.id == *app) {
            true => Ok(()),
            false => Err(Failure::new(Code::NotFound, &[("what", "app")])),
        }
    }

    /// What the days of these rows come to.
    async fn day_sums(&self, filter: Filter, rows: &[ledger::Listed], zone: &TimeZone) -> Answer<Vec<DaySumView>> {
        let mut days: Vec<Date> = rows.iter().filter_map(|row| day(row.payment.entered_at, zone)).collect();
        days.dedup();
        let spans: Vec<(Moment, Moment)> = days.iter().filter_map(|day| span(*day, zone)).collect();
        if spans.len() != days.len() {
            return Ok(Vec::new());
        }
        let (sums, symbols) = (self.wallet.sums_of(filter, spans).await?, self.symbols().await?);
        let money = |s: ledger::Spent| symbols.money(s.network, s.token, s.amount);
        let view = |(day, sums): (Date, Option<Vec<ledger::Spent>>)| DaySumView {
            day: day.to_string(),
            sums: sums.map(|sums| sums.into_iter().map(money).collect()),
        };
        Ok(days.into_iter().zip(sums).map(view).collect())
    }

    pub async fn payment(&self, id: &str) -> Answer<PaymentDetailView> {
        let id = payment_id(id)?;
        let (payment, papers, allowances) = self.wallet.payment(id).await?;
        let apps = self.wallet.apps().await?;
        let row = self.wallet.listed(id).await?;
        let name = name_of(&apps, &payment.plan.app);
        let detail = PaymentDetailView::of(&payment, &papers, &allowances, name);
        let listed = PaymentView::listed(&row, name).waiting_for(self.wallet.is_asker_gone(id));
        Ok(PaymentDetailView { payment: listed, ..detail })
    }

    /// Sets a payment's note ("" removes it) and its tags, all at once.
    pub async fn set_note(&self, id: &str, note: String, tags: Vec<String>) -> Answer<PaymentView> {
        let id = payment_id(id)?;
        self.wallet.set_note(id, note, tags).await?;
        let row = self.wallet.listed(id).await?;
        let apps = self.wallet.apps().await?;
        Ok(PaymentView::listed(&row, name_of(&apps, &row.payment.plan.app)))
    }

    /// Every tag by name.
    pub async fn tags(&self) -> Answer<Vec<TagView>> {
        let tags = self.wallet.tags().await?;
        Ok(tags.into_iter().map(|t| TagView { name: t.name, payments: count(t.payments) }).collect())
    }

    /// Renames a tag on every payment; where the new name exists the two become one.
    pub async fn rename_tag(&self, name: String, new: String) -> Answer<()> {
        Ok(self.wallet.rename_tag(name, new).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_and_ends_in_its_zone() {
        let shanghai = TimeZone::get("Asia/Shanghai").unwrap();
        let cases = [
            ("2026-11-22", false, "2026-11-21T16:00:00Z"),
            ("2026-11-22", true, "2026-11-22T16:00:00Z"),
            ("2026-11-22T14:00:00Z", false, "2026-11-22T14:00:00Z"),
            ("2026-11-22T14:00:00+08:00", true, "2026-11-22T06:00:00Z"),
        ];
        for (text, end, expected) in cases {
            assert_eq!(time(moment("from", text, &shanghai, end).unwrap()), expected, "{text}");
        }
        assert_eq!(moment("from", "yesterday", &shanghai, false).unwrap_err().field.as_deref(), Some("from"));
        assert!(zone(Some("Mars/Olympus")).is_err());
    }
}
