//! Reading payments: one, a page, what waits, what is unfinished, and the history behind a judgement. Every
//! list is found by an index from its newest row on, so a page costs the same at any size.

use crate::cells::Cells;
use crate::payment::{Filter, HistoryKey, Page, Papers, Payment};
use crate::{Ledger, LedgerError, PaymentId, apps, assets, payees, rows, sites};
use plan::{AppId, History, Moment, Recent};
use rusqlite::{Connection, OptionalExtension, ToSql};
use tron::{Address, Amount};

/// The longest page.
const LONGEST: usize = 1000;
/// How many of a site's last rows are looked at, and how many prices make its usual one.
const LOOK_BACK: i64 = 200;
const PRICES: usize = 21;
/// How many payees of a site a judgement sees.
const PAYEES: i64 = 20;

impl Ledger {
    pub fn payment(&self, id: PaymentId) -> Result<Option<Payment>, LedgerError> {
        self.read("find a payment", |db| Ok(rows::find(db, id)?.map(|row| row.payment)))
    }

    /// The payment, if this app asked for it.
    pub fn payment_of_app(&self, app: &AppId, id: PaymentId) -> Result<Option<Payment>, LedgerError> {
        Ok(self.payment(id)?.filter(|p| p.plan.app == *app))
    }

    /// The payment that this app asked for under this idempotency key.
    pub fn payment_by_key(&self, app: &AppId, key: &str) -> Result<Option<Payment>, LedgerError> {
        self.read("find a payment", |db| {
            let own = "WHERE p.app = (SELECT app FROM apps WHERE id = ?1) AND p.idempotency_key = ?2";
            let found = rows::select(db, "", own, &[&app.0, &key])?;
            Ok(found.into_iter().next().map(|row| row.payment))
        })
    }

    /// A page of payments, newest first.
    pub fn payments(&self, filter: &Filter, page: Page) -> Result<Vec<Payment>, LedgerError> {
        self.read("list payments", |db| {
            let Some(mut narrow) = Narrow::by(db, filter)? else { return Ok(Vec::new()) };
            if let Some(after) = page.after {
                narrow.term("p.seq < ?", rows::seq(db, after)?);
            }
            let (index, rest) = narrow.choose(db, page.limit.min(LONGEST))?;
            let params: Vec<&dyn ToSql> = narrow.params.iter().map(AsRef::as_ref).collect();
            Ok(rows::select(db, index, &rest, &params)?.into_iter().map(|row| row.payment).collect())
        })
    }

    /// What waits for a person, oldest first.
    pub fn open_questions(&self) -> Result<Vec<Payment>, LedgerError> {
        self.read("list questions", |db| {
            let found = rows::select(db, "INDEXED BY payments_state", "WHERE p.state = 'asked' ORDER BY p.seq", &[])?;
            Ok(found.into_iter().map(|row| row.payment).collect())
        })
    }

    /// Reserved and not signed, or signed and not settled for good; oldest first. After a start this is the
    /// work that was interrupted.
    pub fn unfinished(&self) -> Result<Vec<Payment>, LedgerError> {
        self.read("list unfinished payments", |db| {
            let rest = "WHERE (p.state = 'reserved' OR p.settlement IN ('unknown', 'seen', 'failed')) ORDER BY p.seq";
            let found = rows::select(db, "INDEXED BY payments_open", rest, &[])?;
            Ok(found.into_iter().map(|row| row.payment).collect())
        })
    }

    /// The documents of a payment.
    pub fn papers(&self, id: PaymentId) -> Result<Papers, LedgerError> {
        self.read("find documents", |db| {
            let seq = rows::seq(db, id)?;
            db.prepare_cached("SELECT document, header_name, header_value, response FROM papers WHERE payment = ?1")?
                .query_row([seq], |row| {
                    Ok(Papers {
                        document: row.get(0)?,
                        header_name: row.get(1)?,
                        header_value: row.get(2)?,
                        response: row.get(3)?,
                    })
                })
                .optional()?
                .ok_or(LedgerError::NoSuchPayment { id })
        })
    }

    /// What earlier payments say about this one.
    pub fn history(&self, key: &HistoryKey<'_>) -> Result<History, LedgerError> {
        self.read("look up the history", |db| {
            let (payee_times, payee_since) = payees::known(db, key.network, key.payee)?;
            let similar_payees = payees::similar(db, key.network, key.payee)?;
            let mut history = History { payee_times, payee_since, similar_payees, ..History::default() };
            let Some(site) = sites::find(db, key.site)? else { return Ok(history) };
            history.payees_of_site = payees::of_site(db, site, key.network, PAYEES)?;
            // This payee belongs in the list even where twenty others were paid more often.
            if !history.payees_of_site.iter().any(|(payee, _)| *payee == key.payee)
                && let Some(times) = payees::at_site(db, site, key.network, key.payee)?
            {
                history.payees_of_site.push((key.payee, times));
            }
            history.same_resource = recent(db, rows::resource(key.site, key.url, &key.payee))?;
            if let Some(asset) = assets::find(db, key.network, key.token)? {
                history.usual_price = usual_price(db, site, asset)?;
            }
            Ok(history)
        })
    }

    /// How far the record is ahead of `now`, in milliseconds: above zero the clock was set back (or was ahead
    /// before), and limits stay as full as they were until it has caught up.
    pub fn clock_behind(&self, now: Moment) -> Result<i64, LedgerError> {
        self.read("read the clock", |db| Ok(apps::effective(db, now)?.since(now)))
    }
}

fn recent(db: &Connection, resource: i64) -> Result<Option<Recent>, LedgerError> {
    let mut query = db.prepare_cached(
        "SELECT reserved_at, id, delivery = 'delivered', state = 'reserved' OR settlement IN ('unknown', 'failed')
         FROM payments INDEXED BY payments_resource
         WHERE resource = ?1 AND reserved_at IS NOT NULL AND state IN ('reserved', 'signed')
         ORDER BY seq DESC LIMIT 1",
    )?;
    let mut rows = query.query([resource])?;
    rows.next()?
        .map(|row| {
            let mut cells = Cells::of(row);
            Ok(Recent {
                at: cells.moment()?,
                payment: PaymentId::from_bytes(cells.take()?).to_string(),
                delivered: cells.take::<Option<bool>>()?.unwrap_or(false),
                unknown: cells.take::<Option<bool>>()?.unwrap_or(false),
            })
        })
        .transpose()
}

/// The median of the last prices; the lower one of two in the middle.
fn usual_price(db: &Connection, site: i64, asset: i64) -> Result<Option<Amount>, LedgerError> {
    let mut query = db.prepare_cached(
        "SELECT price, asset, state FROM payments INDEXED BY payments_site WHERE site = ?1 ORDER BY seq DESC LIMIT ?2",
    )?;
    let mut rows = query.query([site, LOOK_BACK])?;
    let mut prices = Vec::new();
    while let Some(row) = rows.next()? {
        let mut cells = Cells::of(row);
        let price = cells.amount()?;
        if cells.take::<i64>()? == asset && matches!(cells.text("state")?, "signed" | "reserved") {
            prices.push(price);
        }
        if prices.len() == PRICES {
            break;
        }
    }
    prices.sort_unstable();
    Ok(prices.get(prices.len().saturating_sub(1) / 2).copied())
}

/// A whole id needs no other way in.
const ID: &str = "p.id = ?";

/// A filter as SQL terms.
#[derive(Default)]
struct Narrow {
    terms: Vec<String>,
    params: Vec<Box<dyn ToSql>>,
    /// Indexes that would serve: a query that counts up to [`ENOUGH`] entries, its value, the index to use.
    ways: Vec<(&'static str, Box<dyn ToSql>, &'static str)>,
}

/// Where counting stops: an index with this many entries is as good as any other large one.
const ENOUGH: i64 = 5000;

impl Narrow {
    /// `None`: it names something that was never seen, so nothing can match.
    fn by(db: &Connection, filter: &Filter) -> Result<Option<Self>, LedgerError> {
        let mut narrow = Self::default();
        if let Some(site) = &filter.site {
            let Some(site) = sites::find(db, site)? else { return Ok(None) };
            narrow.term("p.site = ?", site);
            narrow.way("SELECT 1 FROM payments WHERE site = ?1 LIMIT ?2", site, "INDEXED BY payments_site");
        }
        if let Some(app) = &filter.app {
            let app = match apps::known(db, app) {
                Err(LedgerError::NoSuchApp { .. }) => return Ok(None),
                known => known?.app,
            };
            narrow.term("p.app = ?", app);
            narrow.way("SELECT 1 FROM payments WHERE app = ?1 LIMIT ?2", app, "INDEXED BY payments_app");
        }
        if let Some((network, token)) = filter.token {
            let Some(asset) = assets::find(db, network, token)? else { return Ok(None) };
            narrow.term("p.asset = ?", asset);
            narrow.way("SELECT 1 FROM payments WHERE asset = ?1 LIMIT ?2", asset, "INDEXED BY payments_asset");
        }
        if let Some(state) = filter.state {
            narrow.term("p.state = ?", state.name());
            narrow.way("SELECT 1 FROM payments WHERE state = ?1 LIMIT ?2", state.name(), "INDEXED BY payments_state");
        }
        if let Some(text) = filter.text.as_deref().map(str::trim).filter(|t| !t.is_empty()) {
            narrow.text(text);
        }
        Ok(Some(narrow))
    }

    fn way(&mut self, count: &'static str, value: impl ToSql + 'static, index: &'static str) {
        self.ways.push((count, Box::new(value), index));
    }

    /// The index with the fewest entries for this filter, and the rest of the query. SQLite can't know that
    /// one site has ten rows and another ten million; a look at the indexes tells.
    fn choose(&self, db: &Connection, limit: usize) -> Result<(&'static str, String), LedgerError> {
        let mut best = (i64::MAX, "");
        for (count, value, index) in &self.ways {
            let mut query = db.prepare_cached(&format!("SELECT count(*) FROM ({count})"))?;
            let entries: i64 = query.query_row(rusqlite::params![value, ENOUGH], |row| row.get(0))?;
            if entries < best.0 {
                best = (entries, index);
            }
        }
        let filter = if self.terms.is_empty() { String::new() } else { format!("WHERE {}", self.terms.join(" AND ")) };
        let index = if self.terms.iter().any(|t| t == ID) { "" } else { best.1 };
        Ok((index, format!("{filter} ORDER BY p.seq DESC LIMIT {limit}")))
    }

    fn term(&mut self, sql: &str, value: impl ToSql + 'static) {
        self.terms.push(sql.to_owned());
        self.params.push(Box::new(value));
    }

    fn text(&mut self, text: &str) {
        if let Ok(id) = text.parse::<PaymentId>() {
            self.term(ID, *id.bytes());
        } else if let Ok(address) = Address::parse(text) {
            let any = "? IN (p.payee, p.payer, assets.token, p.contract)";
            self.term(any, *address.bytes());
        } else if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
            self.term("p.tx = ?", text.to_ascii_lowercase());
        } else {
            let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
            let any = "(p.url || char(10) || p.symbol || char(10) || coalesce(p.site_words, '') || char(10) \
                || coalesce(p.app_words, '')) LIKE ? ESCAPE '\\'";
            self.term(any, format!("%{escaped}%"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::State;
    use plan::Site;

    /// How SQLite would go about a query, line by line.
    fn way(db: &Connection, sql: &str) -> Vec<String> {
        let mut query = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let blanks = vec![rusqlite::types::Null; query.parameter_count()];
        let rows = query.query_map(rusqlite::params_from_iter(blanks), |row| row.get::<_, String>(3)).unwrap();
        rows.map(Result::unwrap).collect()
    }

    #[test]
    fn no_list_reads_more_rows_than_it_shows() {
        let folder = tempfile::TempDir::new().unwrap();
        let ledger = Ledger::open(&folder.path().join("ledger.sqlite")).unwrap();
        let site = Site::of("https://news.example").unwrap();
        ledger.block_site(&site, Moment(0)).unwrap();
        let app = Some(AppId::owner());
        let filters = [
            (Filter::default(), "SCAN p"),
            (Filter { site: Some(site), state: Some(State::Asked), ..Filter::default() }, "USING INDEX payments_site"),
            (Filter { app, ..Filter::default() }, "USING INDEX payments_app"),
            (Filter { state: Some(State::Refused), ..Filter::default() }, "USING INDEX payments_state"),
            (Filter { text: Some(PaymentId::fresh(Moment(0)).to_string()), ..Filter::default() }, "sqlite_autoindex"),
        ];
        let list = |filter: &Filter, after: bool| {
            ledger
                .read("test", |db| {
                    let mut narrow = Narrow::by(db, filter)?.unwrap();
                    if after {
                        narrow.term("p.seq < ?", 1);
                    }
                    let (index, rest) = narrow.choose(db, 50)?;
                    Ok(way(db, &rows::query(index, &rest)))
                })
                .unwrap()
        };
        for (filter, expected) in filters {
            for after in [false, true] {
                let lines = list(&filter, after);
                // From a row on, the whole list is a search by the row's own key.
                let expected = if after && expected == "SCAN p" { "USING INTEGER PRIMARY KEY" } else { expected };
                assert!(lines[0].contains(expected), "{filter:?}: {lines:?}");
                assert!(!lines.iter().any(|l| l.contains("TEMP B-TREE")), "sorted by index: {lines:?}");
            }
        }
    }
}
