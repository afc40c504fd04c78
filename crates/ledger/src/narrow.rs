//! A filter as SQL: which rows to keep, and by which ways they could be reached. Chooses by a short look at the
//! indexes, because SQLite can't know that one site has ten rows and another ten million.

use crate::cells::chain;
use crate::grams::{self, Wanted};
use crate::payment::{Filter, SettlementKind};
use crate::{LedgerError, PaymentId, apps, assets, indexing, notes, sites};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params};
use tron::{Address, Amount};

/// Where counting stops: an index with this many entries is as good as any other large one.
const ENOUGH: i64 = 5_000;
/// With no more entries than this an index of rows is a better way than that of words.
const FEW: i64 = 2_000;

/// How many of the newest rows tell which pieces are rare, and how many hits make one common.
const SAMPLE: i64 = 8_192;
const SAMPLE_ENOUGH: i64 = 500;

/// One way to the rows, in the order of their keys.
#[derive(Clone, Debug)]
pub struct Way {
    /// After FROM; names the payments `p`.
    pub from: &'static str,
    /// The column that is the row's key and gives the order.
    pub key: &'static str,
    /// What leads in, with its value; "" where it is the key alone.
    pub term: &'static str,
    pub value: Option<Value>,
    /// Pieces that the index of words has for every such row, the rarest first. Empty where it is not asked.
    pub words: Vec<String>,
}

pub static EVERY: Way = Way { from: "payments p", key: "p.seq", term: "", value: None, words: vec![] };

/// What has to hold, and how to get there.
#[derive(Debug)]
pub struct Narrow {
    terms: Vec<String>,
    params: Vec<Value>,
    /// Ways with a query that counts their entries up to a limit.
    ways: Vec<(&'static str, Way)>,
    /// At most one row each: nothing better can be found.
    direct: Option<Way>,
    pub wanted: Option<Wanted>,
    /// Queries for the index of words that narrow further, and words that every row has.
    hints: Vec<String>,
    words: Vec<Wanted>,
    /// The index of words is worth asking.
    by_words: bool,
    /// First and last key, by date.
    pub keys: (i64, i64),
}

macro_rules! by_index {
    ($column:literal, $index:literal) => {
        (
            concat!("SELECT 1 FROM payments WHERE ", $column, " = ?1 LIMIT ?2"),
            concat!("payments p INDEXED BY ", $index),
            concat!("p.", $column, " = ?"),
        )
    };
}

impl Narrow {
    /// `None`: it names something that was never seen, so nothing can match.
    pub fn by(db: &Connection, filter: &Filter) -> Result<Option<Self>, LedgerError> {
        let mut narrow = Self {
            terms: vec![],
            params: vec![],
            ways: vec![],
            direct: None,
            wanted: None,
            hints: vec![],
            words: vec![],
            by_words: false,
            keys: (1, i64::MAX),
        };
        if let Some(site) = &filter.site {
            let Some(key) = sites::find(db, site)? else { return Ok(None) };
            narrow.by_row(by_index!("site", "payments_site"), key);
            narrow.words.extend(Wanted::read(&site.to_string()));
        }
        if let Some(app) = &filter.app {
            let app = match apps::known(db, app) {
                Err(LedgerError::NoSuchApp { .. }) => return Ok(None),
                known => known?.app,
            };
            narrow.by_row(by_index!("app", "payments_app"), app);
        }
        if let Some((network, token)) = filter.token {
            let Some(asset) = assets::find(db, network, token)? else { return Ok(None) };
            narrow.by_row(by_index!("asset", "payments_asset"), asset);
            narrow.hints.push(grams::query_address(&token));
        }
        if let Some(network) = filter.network {
            narrow.term("p.asset IN (SELECT asset FROM assets WHERE network = ?)", [Value::from(chain(network))]);
        }
        match filter.states.as_slice() {
            [] => {}
            [state] => narrow.by_row(by_index!("state", "payments_state"), state.name().to_owned()),
            several => {
                let marks = vec!["?"; several.len()].join(", ");
                let names: Vec<Value> = several.iter().map(|s| Value::from(s.name().to_owned())).collect();
                narrow.term(&format!("p.state IN ({marks})"), names);
            }
        }
        if let Some(settlement) = filter.settlement {
            let name = settlement.name().to_owned();
            if settlement == SettlementKind::Final {
                narrow.term("p.settlement IS ?", [Value::from(name)]);
            } else {
                let sql = (
                    "SELECT 1 FROM payments WHERE settlement = ?1 AND settlement <> 'final' LIMIT ?2",
                    "payments p INDEXED BY payments_settlement",
                    "p.settlement = ? AND p.settlement <> 'final'",
                );
                narrow.by_row(sql, name);
            }
        }
        if let Some(delivery) = filter.delivery {
            let name = Value::from(delivery.name().to_owned());
            narrow.term("p.delivery IS ?", [name.clone()]);
            if delivery == crate::Delivery::RefusedBySeller {
                let from = "payments p INDEXED BY payments_undelivered";
                let way = Way { from, key: "p.seq", term: "p.delivery = 'refused'", value: None, words: vec![] };
                narrow.ways.push(("SELECT 1 FROM payments WHERE delivery = 'refused' AND ?1 IS NULL LIMIT ?2", way));
            }
        }
        if let Some(payer) = filter.payer {
            narrow.term("p.payer = ?", [Value::from(payer.bytes().to_vec())]);
            narrow.hints.push(grams::query_address(&payer));
            narrow.by_words = true;
        }
        if let Some(scheme) = &filter.scheme {
            narrow.term("p.scheme = ?", [Value::from(scheme.clone())]);
        }
        if let Some(tag) = &filter.tag {
            let Some(tag) = notes::find_tag(db, tag)? else { return Ok(None) };
            let way = Way {
                from: "tagged g CROSS JOIN payments p ON p.seq = g.payment",
                key: "g.payment",
                term: "g.tag = ?",
                value: Some(Value::from(tag)),
                words: vec![],
            };
            narrow.term("EXISTS (SELECT 1 FROM tagged g WHERE g.tag = ? AND g.payment = p.seq)", [Value::from(tag)]);
            narrow.ways.push(("SELECT 1 FROM tagged WHERE tag = ?1 LIMIT ?2", way));
        }
        narrow.amounts(db, filter)?;
        if let Some(from) = filter.from {
            narrow.keys.0 = first_since(db, from.0)?;
        }
        if let Some(until) = filter.until {
            narrow.keys.1 = first_since(db, until.0)? - 1;
        }
        if let Some(text) = filter.text.as_deref().map(str::trim).filter(|t| !t.is_empty()) {
            narrow.text(text);
        }
        Ok(Some(narrow))
    }

    fn by_row(&mut self, (count, from, term): (&'static str, &'static str, &'static str), value: impl Into<Value>) {
        let value = value.into();
        self.term(term, [value.clone()]);
        self.ways.push((count, Way { from, key: "p.seq", term, value: Some(value), words: vec![] }));
    }

    fn term(&mut self, sql: &str, values: impl IntoIterator<Item = Value>) {
        self.terms.push(format!("({sql})"));
        self.params.extend(values);
    }

    fn text(&mut self, text: &str) {
        if let Ok(id) = text.parse::<PaymentId>() {
            let value = Some(Value::from(id.bytes().to_vec()));
            self.direct = Some(Way { from: "payments p", key: "p.seq", term: "p.id = ?", value, words: vec![] });
        } else if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
            let tx = Value::from(text.to_ascii_lowercase());
            self.term("p.tx = ?", [tx.clone()]);
            let term = "p.tx IS NOT NULL AND substr(p.tx, 1, 16) = substr(?, 1, 16)";
            let from = "payments p INDEXED BY payments_tx";
            self.direct = Some(Way { from, key: "p.seq", term, value: Some(tx), words: vec![] });
        } else if let Ok(address) = Address::parse(text) {
            let any = "? IN (p.payee, p.payer, p.contract) OR p.asset IN (SELECT asset FROM assets WHERE token = ?)";
            let value = Value::from(address.bytes().to_vec());
            self.term(any, [value.clone(), value]);
            self.hints.push(grams::query_address(&address));
            self.by_words = true;
        } else if let Some(wanted) = Wanted::read(text) {
            self.by_words |= wanted.is_indexed();
            self.words.push(wanted.clone());
            self.wanted = Some(wanted);
        }
    }

    /// Amounts are named in whole units; every token has its own smallest.
    fn amounts(&mut self, db: &Connection, filter: &Filter) -> Result<(), LedgerError> {
        let sides = [(filter.least.as_deref(), ">=", true), (filter.most.as_deref(), "<=", false)];
        for (text, compare, up) in sides {
            let Some(text) = text else { continue };
            let mut query = db.prepare_cached("SELECT DISTINCT decimals FROM assets")?;
            let mut rows = query.query([])?;
            let (mut terms, mut values) = (vec!["0".to_owned()], Vec::new());
            while let Some(row) = rows.next()? {
                let decimals: u8 = row.get(0)?;
                if let Some(amount) = units(text, decimals, up) {
                    terms.push(format!(
                        "p.asset IN (SELECT asset FROM assets WHERE decimals = ?) AND coalesce(p.actual, p.maximum) {compare} ?"
                    ));
                    values.extend([Value::from(i64::from(decimals)), Value::from(amount.to_be_bytes().to_vec())]);
                } else if !up {
                    // More than any amount of this token: no upper bound.
                    terms.push("p.asset IN (SELECT asset FROM assets WHERE decimals = ?)".to_owned());
                    values.push(Value::from(i64::from(decimals)));
                }
            }
            self.term(&terms.join(" OR "), values);
        }
        Ok(())
    }

    /// What a row has to meet, as an expression, and its values.
    pub fn keep(&self) -> (String, &[Value]) {
        let all = if self.terms.is_empty() { "1".to_owned() } else { self.terms.join(" AND ") };
        (all, &self.params)
    }

    /// The way in; with `true`, it leads only to rows that are indexed by their words.
    pub fn way(&self, db: &Connection) -> Result<(Way, bool), LedgerError> {
        if let Some(way) = &self.direct {
            return Ok((way.clone(), false));
        }
        let mut best = (i64::MAX, &EVERY);
        for (count, way) in &self.ways {
            let mut query = db.prepare_cached(&format!("SELECT count(*) FROM ({count})"))?;
            let entries: i64 = query.query_row(params![way.value, ENOUGH], |row| row.get(0))?;
            if entries < best.0 {
                best = (entries, way);
            }
        }
        if self.by_words && best.0 > FEW {
            let mut terms = Vec::new();
            for hint in &self.hints {
                terms.push((length(db, hint)?, hint.clone()));
            }
            for words in &self.words {
                terms.extend(words.terms(|term| length(db, term))?);
            }
            terms.sort_unstable();
            terms.dedup();
            return Ok((Way { words: terms.into_iter().map(|(_, term)| term).collect(), ..EVERY.clone() }, true));
        }
        Ok((best.1.clone(), false))
    }
}

/// How often a piece is in the newest rows of the index, up to a bound: enough to tell rare from common.
fn length(db: &Connection, term: &str) -> Result<i64, LedgerError> {
    let sql = "SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH ?1 AND rowid > ?2 LIMIT ?3)";
    let newest = indexing::upto(db)? - SAMPLE;
    Ok(db.prepare_cached(sql)?.query_row(params![term, newest, SAMPLE_ENOUGH], |row| row.get(0))?)
}

/// A decimal number in smallest units; what is finer than the token is rounded away from the range's inside.
fn units(text: &str, decimals: u8, up: bool) -> Option<Amount> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let kept: String = fraction.chars().take(usize::from(decimals)).collect();
    let finer = fraction.chars().skip(usize::from(decimals)).any(|c| c != '0');
    let text = if kept.is_empty() { whole.to_owned() } else { format!("{whole}.{kept}") };
    let amount = Amount::parse_units(&text, decimals).ok()?;
    if finer && up { amount.checked_add(Amount::from_u64(1)) } else { Some(amount) }
}

/// The first key entered at this moment or later. Rows are dated in the order of their keys (the clock never
/// runs back), so halving finds it without an index.
pub fn first_since(db: &Connection, at: i64) -> Result<i64, LedgerError> {
    let newest: i64 =
        db.prepare_cached("SELECT coalesce(max(seq), 0) FROM payments")?.query_row([], |row| row.get(0))?;
    let (mut low, mut high) = (1, newest + 1);
    let mut next = db.prepare_cached("SELECT seq, entered_at FROM payments WHERE seq >= ?1 ORDER BY seq LIMIT 1")?;
    while low < high {
        let middle = low + (high - low) / 2;
        let found: Option<(i64, i64)> = next.query_row([middle], |r| Ok((r.get(0)?, r.get(1)?))).optional()?;
        match found {
            Some((seq, entered)) if entered < at => low = seq + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_finer_than_a_token_stay_on_their_side() {
        let cases = [
            ("1.5", 6, true, Some(1_500_000)),
            ("1.5", 6, false, Some(1_500_000)),
            ("0.0000001", 6, true, Some(1)),
            ("0.0000001", 6, false, Some(0)),
            ("2", 0, true, Some(2)),
            ("2.5", 0, true, Some(3)),
            ("2.5", 0, false, Some(2)),
            ("two", 6, true, None),
        ];
        for (text, decimals, up, expected) in cases {
            assert_eq!(units(text, decimals, up), expected.map(Amount::from_u64), "{text}");
        }
    }
}
