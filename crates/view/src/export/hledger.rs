//! A journal for hledger: what left, by site, from the account that paid it. The facilitator's fee and TRX burnt
//! for allowances are postings of their own. What can still leave is marked pending (!); what never will is
//! left out.

use super::Writer;
use super::foreign::comment;
use super::row::{burnt, paid, zoned};
use jiff::tz::TimeZone;
use ledger::{Listed, Settlement, State};
use std::io::{self, Write};
use tron::Amount;

pub struct Journal<'w> {
    out: &'w mut dyn Write,
    zone: TimeZone,
}

impl<'w> Journal<'w> {
    pub fn begin(out: &'w mut dyn Write, zone: TimeZone) -> io::Result<Self> {
        writeln!(out, "; Payments of Countersign. Pending (!) ones may still leave, in full.")?;
        writeln!(out, "decimal-mark .\n")?;
        Ok(Self { out, zone })
    }
}

/// Part of an account's name: no colon, no semicolon, no double space.
fn part(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        let c = if c.is_whitespace() || c.is_control() || matches!(c, ':' | ';' | '"' | '(' | ')' | '[' | ']') {
            '-'
        } else {
            c
        };
        out.push(c);
    }
    out
}

/// The value of a tag, which a comma would end.
fn value(text: &str) -> String {
    comment(text).replace(',', " ")
}

/// The commodity: the symbol where it is letters of a known token; else what can't be confused with it.
fn commodity(row: &Listed) -> String {
    let token = &row.payment.plan.token;
    let test = if row.payment.plan.network.is_test() { " test" } else { "" };
    match token.known && test.is_empty() && token.symbol.chars().all(|c| c.is_ascii_alphabetic()) {
        true => token.symbol.clone(),
        false if token.known => format!("\"{}{test}\"", part(&token.symbol)),
        false => format!("\"{}\"", token.address),
    }
}

impl Writer for Journal<'_> {
    fn row(&mut self, row: &Listed, app: Option<&str>) -> io::Result<()> {
        let (payment, plan) = (&row.payment, &row.payment.plan);
        let open = matches!(payment.state, State::Reserved | State::Signed);
        let (amount, mark) = match paid(row) {
            Some(paid) => (paid, '*'),
            None if open => (plan.maximum, '!'),
            None => (Amount::ZERO, ' '),
        };
        let burnt = burnt(row);
        if amount.is_zero() && burnt.is_none() {
            return Ok(());
        }
        let host = plan.site.to_string();
        let host = part(host.split_once("://").map_or(host.as_str(), |(_, host)| host));
        let date = zoned(payment.entered_at, &self.zone).strftime("%Y-%m-%d").to_string();
        let words = plan.site_words.as_deref().map(comment).unwrap_or_default();
        writeln!(self.out, "{date} {mark} {} | {}", comment(&host), words.trim())?;
        writeln!(self.out, "    ; id: {}", payment.id)?;
        writeln!(self.out, "    ; site: {}", plan.provenance.name())?;
        writeln!(self.out, "    ; app: {}", value(&crate::show_payment::app_name(&plan.app, app)))?;
        if let Some(Settlement::Final { tx: Some(tx), .. } | Settlement::Seen { tx: Some(tx) }) = &payment.settlement {
            writeln!(self.out, "    ; tx: {tx}")?;
        }
        if let Some(note) = &row.note {
            writeln!(self.out, "    ; {}", comment(note))?;
        }
        for tag in &row.tags {
            writeln!(self.out, "    ; tag: {}", value(tag))?;
        }
        let payer = format!("assets:tron:{}", plan.payer);
        if !amount.is_zero() {
            let (symbol, decimals) = (commodity(row), plan.token.decimals);
            let fee = plan.fee.as_ref().map_or(Amount::ZERO, |f| f.amount);
            let fee = if fee > amount { Amount::ZERO } else { fee };
            let price = amount.saturating_sub(fee);
            writeln!(self.out, "    expenses:x402:{host}  {} {symbol}", price.format_units(decimals))?;
            if !fee.is_zero() {
                writeln!(self.out, "    expenses:fees:facilitator  {} {symbol}", fee.format_units(decimals))?;
            }
            writeln!(self.out, "    {payer}  -{} {symbol}", amount.format_units(decimals))?;
        }
        if let Some(sun) = burnt {
            let trx = sun.format_units(6);
            let symbol = if plan.network.is_test() { "\"TRX test\"" } else { "TRX" };
            writeln!(self.out, "    expenses:fees:network  {trx} {symbol}")?;
            writeln!(self.out, "    {payer}  -{trx} {symbol}")?;
        }
        writeln!(self.out)
    }

    fn end(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
