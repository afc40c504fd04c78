//! CSV and JSON. What sites and apps write is text and stays text in a spreadsheet.

use super::Writer;
use super::foreign::cell;
use super::row::Row;
use jiff::tz::TimeZone;
use ledger::Listed;
use std::io::{self, Write};

pub const COLUMNS: [&str; 32] = [
    "id",
    "at",
    "app",
    "app_id",
    "site",
    "method",
    "url",
    "state",
    "settlement",
    "delivery",
    "seller_says",
    "scheme",
    "network",
    "symbol",
    "token_known",
    "token",
    "decimals",
    "price",
    "fee",
    "maximum",
    "paid",
    "payer",
    "payee",
    "contract",
    "transaction",
    "block",
    "trx_burnt",
    "description",
    "reason",
    "note",
    "tags",
    "provenance",
];

pub struct Csv<'w> {
    out: csv::Writer<&'w mut dyn Write>,
    zone: TimeZone,
}

impl<'w> Csv<'w> {
    /// `mark`: begins with a byte order mark, by which spreadsheets know UTF-8.
    pub fn begin(out: &'w mut dyn Write, zone: TimeZone, mark: bool) -> io::Result<Self> {
        if mark {
            out.write_all("\u{feff}".as_bytes())?;
        }
        let mut out = csv::Writer::from_writer(out);
        out.write_record(COLUMNS)?;
        Ok(Self { out, zone })
    }
}

impl Writer for Csv<'_> {
    fn row(&mut self, row: &Listed, app: Option<&str>) -> io::Result<()> {
        let r = Row::of(row, app, &self.zone);
        let text = |t: &Option<String>| t.as_deref().map(cell).unwrap_or_default();
        let cells: [String; 32] = [
            r.id,
            r.at,
            cell(&r.app),
            cell(&r.app_id),
            cell(&r.site),
            cell(&r.method),
            cell(&r.url),
            r.state.to_owned(),
            r.settlement.unwrap_or_default().to_owned(),
            r.delivery.unwrap_or_default().to_owned(),
            text(&r.seller_says),
            r.scheme.to_owned(),
            r.network.to_owned(),
            cell(&r.symbol),
            r.token_known.to_string(),
            r.token,
            r.decimals.to_string(),
            r.price,
            r.fee.unwrap_or_default(),
            r.maximum,
            r.paid.unwrap_or_default(),
            r.payer,
            r.payee,
            r.contract,
            r.transaction.unwrap_or_default(),
            r.block.map(|b| b.to_string()).unwrap_or_default(),
            r.trx_burnt.unwrap_or_default(),
            text(&r.description),
            text(&r.reason),
            text(&r.note),
            cell(&r.tags.join(", ")),
            r.provenance.to_owned(),
        ];
        self.out.write_record(&cells)?;
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

pub struct Json<'w> {
    out: &'w mut dyn Write,
    zone: TimeZone,
    array: bool,
    first: bool,
}

impl<'w> Json<'w> {
    pub fn begin(out: &'w mut dyn Write, zone: TimeZone, array: bool) -> io::Result<Self> {
        if array {
            out.write_all(b"[")?;
        }
        Ok(Self { out, zone, array, first: true })
    }
}

impl Writer for Json<'_> {
    fn row(&mut self, row: &Listed, app: Option<&str>) -> io::Result<()> {
        match (self.array, self.first) {
            (true, true) => self.out.write_all(b"\n")?,
            (true, false) => self.out.write_all(b",\n")?,
            (false, _) => {}
        }
        self.first = false;
        serde_json::to_writer(&mut *self.out, &Row::of(row, app, &self.zone))?;
        if !self.array {
            self.out.write_all(b"\n")?;
        }
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        if self.array {
            self.out.write_all(b"\n]\n")?;
        }
        self.out.flush()
    }
}
