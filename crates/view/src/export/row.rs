//! A payment as flat fields, the same for every table format. Amounts are decimal text in whole units, exact.

use crate::show_payment;
use jiff::tz::TimeZone;
use ledger::{AllowanceOutcome, Listed, Settlement};
use plan::Moment;
use serde::Serialize;
use tron::Amount;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    pub id: String,
    /// RFC 3339 with the zone's offset.
    pub at: String,
    pub app: String,
    pub app_id: String,
    pub site: String,
    /// claimed, verified, not recorded
    pub provenance: &'static str,
    pub method: String,
    pub url: String,
    pub state: &'static str,
    pub settlement: Option<&'static str>,
    pub delivery: Option<&'static str>,
    /// The seller's reason for a settlement that it calls failed; a word and no fact.
    pub seller_says: Option<String>,
    pub scheme: &'static str,
    pub network: &'static str,
    pub symbol: String,
    /// Whether symbol and decimals are from the table, not the contract's own claim.
    pub token_known: bool,
    pub token: String,
    pub decimals: u8,
    pub price: String,
    pub fee: Option<String>,
    pub maximum: String,
    /// What left; empty while that is not known, zero where nothing did.
    pub paid: Option<String>,
    pub payer: String,
    pub payee: String,
    pub contract: String,
    pub transaction: Option<String>,
    pub block: Option<u64>,
    /// TRX that allowances for this payment burnt.
    pub trx_burnt: Option<String>,
    pub description: Option<String>,
    pub reason: Option<String>,
    pub note: Option<String>,
    pub tags: Vec<String>,
}

/// RFC 3339 with an offset, whole seconds.
pub fn at(moment: Moment, zone: &TimeZone) -> String {
    zoned(moment, zone).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

pub fn zoned(moment: Moment, zone: &TimeZone) -> jiff::Zoned {
    let at = jiff::Timestamp::from_second(moment.0.div_euclid(1000)).unwrap_or(jiff::Timestamp::MAX);
    at.to_zoned(zone.clone())
}

/// What left, where that is known.
pub fn paid(row: &Listed) -> Option<Amount> {
    let payment = &row.payment;
    match &payment.settlement {
        Some(Settlement::Seen { .. } | Settlement::Final { .. }) => {
            Some(payment.actual.unwrap_or(payment.plan.maximum))
        }
        Some(Settlement::NeverUsed) => Some(Amount::ZERO),
        Some(Settlement::Unknown) => None,
        None if payment.ended_at.is_some() => Some(Amount::ZERO),
        None => None,
    }
}

/// Sun that allowances of this payment burnt.
pub fn burnt(row: &Listed) -> Option<Amount> {
    let sun = row.allowances.iter().filter_map(|a| match a.outcome {
        Some(AllowanceOutcome::Confirmed { fee_sun, .. }) => Some(fee_sun),
        _ => None,
    });
    let sum = sun.fold(0, u64::saturating_add);
    (sum > 0).then(|| Amount::from_u64(sum))
}

impl Row {
    pub fn of(row: &Listed, app: Option<&str>, zone: &TimeZone) -> Self {
        let (payment, plan) = (&row.payment, &row.payment.plan);
        let units = |amount: Amount| amount.format_units(plan.token.decimals);
        let (transaction, block) = match &payment.settlement {
            Some(Settlement::Seen { tx }) => (tx.clone(), None),
            Some(Settlement::Final { tx, block }) => (tx.clone(), *block),
            _ => (None, None),
        };
        Self {
            id: payment.id.to_string(),
            at: at(payment.entered_at, zone),
            app: show_payment::app_name(&plan.app, app),
            app_id: plan.app.0.clone(),
            site: plan.site.to_string(),
            provenance: plan.provenance.name(),
            method: plan.request.method.clone(),
            url: plan.request.url.clone(),
            state: payment.state.name(),
            settlement: payment.settlement.as_ref().map(Settlement::name),
            delivery: payment.delivery.map(ledger::Delivery::name),
            seller_says: payment.seller_says.clone(),
            scheme: plan.scheme.name(),
            network: plan.network.canonical(),
            symbol: plan.token.symbol.clone(),
            token_known: plan.token.known,
            token: plan.token.address.to_string(),
            decimals: plan.token.decimals,
            price: units(plan.price),
            fee: plan.fee.as_ref().map(|f| units(f.amount)),
            maximum: units(plan.maximum),
            paid: paid(row).map(units),
            payer: plan.payer.to_string(),
            payee: plan.payee.to_string(),
            contract: plan.contract.to_string(),
            transaction,
            block,
            trx_burnt: burnt(row).map(|sun| sun.format_units(6)),
            description: plan.site_words.clone(),
            reason: plan.app_words.clone(),
            note: row.note.clone(),
            tags: row.tags.clone(),
        }
    }
}
