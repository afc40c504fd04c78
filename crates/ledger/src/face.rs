//! Temporary: the agreed signatures, so that others can compile.
#![allow(unused_variables)]
use crate::*;
use plan::{AppId, History, Mode, Moment, Rules, Site, Spending, Verdict};
use std::path::Path;
use tron::{Address, Amount, Network};

type R<T> = Result<T, LedgerError>;
fn soon<T>() -> R<T> {
    Err(LedgerError::NoSuch { what: "function yet", key: String::new() })
}

impl Ledger {
    pub fn open(path: &Path) -> R<Ledger> {
        Ok(Ledger { path: path.to_owned() })
    }
    pub fn path(&self) -> &Path {
        &self.path
    }
    pub fn enter(&self, entry: &Entry<'_>, now: Moment, judge: impl FnOnce(&Rules, &Spending) -> Verdict) -> R<Entered> {
        soon()
    }
    pub fn approve(&self, id: PaymentId, answer: &Answer, now: Moment) -> R<Approved> {
        soon()
    }
    pub fn signed(&self, id: PaymentId, header_name: &str, header_value: &str, now: Moment) -> R<Payment> {
        soon()
    }
    pub fn end(&self, id: PaymentId, end: &End, now: Moment) -> R<Payment> {
        soon()
    }
    pub fn settlement(&self, id: PaymentId, news: &Settled, actual: Option<Amount>, now: Moment) -> R<Payment> {
        soon()
    }
    pub fn delivery(
        &self,
        id: PaymentId,
        delivery: Delivery,
        http_status: Option<u16>,
        response: Option<&str>,
        now: Moment,
    ) -> R<Payment> {
        soon()
    }
    pub fn payment(&self, id: PaymentId) -> R<Option<Payment>> {
        soon()
    }
    pub fn payment_of_app(&self, app: &AppId, id: PaymentId) -> R<Option<Payment>> {
        soon()
    }
    pub fn payments(&self, filter: &Filter, page: Page) -> R<Vec<Payment>> {
        soon()
    }
    pub fn open_questions(&self) -> R<Vec<Payment>> {
        soon()
    }
    /// Reserved but not signed, or signed and not settled for good.
    pub fn unfinished(&self) -> R<Vec<Payment>> {
        soon()
    }
    pub fn papers(&self, id: PaymentId) -> R<Papers> {
        soon()
    }
    pub fn history(&self, key: &HistoryKey<'_>) -> R<History> {
        soon()
    }
    /// Rules and spending as `enter` would pass them to its judge now.
    pub fn standing(&self, app: &AppId, site: &Site, network: Network, token: Address, now: Moment) -> R<Standing> {
        soon()
    }
    pub fn sites(&self) -> R<Vec<SiteTotals>> {
        soon()
    }
    pub fn site(&self, site: &Site) -> R<Option<SiteTotals>> {
        soon()
    }
    pub fn payees(&self, site: &Site) -> R<Vec<Payee>> {
        soon()
    }
    pub fn totals(&self) -> R<Vec<Total>> {
        soon()
    }
    /// Columns of a chart: spending from each bound to the next.
    pub fn spent_between(&self, bounds: &[Moment], site: Option<&Site>) -> R<Vec<Vec<Spent>>> {
        soon()
    }
    pub fn set_rule(&self, key: &RuleKey, mode: &Mode, now: Moment) -> R<()> {
        soon()
    }
    pub fn remove_rule(&self, key: &RuleKey) -> R<()> {
        soon()
    }
    pub fn list_rules(&self, now: Moment) -> R<Vec<Rule>> {
        soon()
    }
    pub fn block_site(&self, site: &Site, now: Moment) -> R<()> {
        soon()
    }
    pub fn unblock_site(&self, site: &Site) -> R<()> {
        soon()
    }
    pub fn block_app(&self, app: &AppId, now: Moment) -> R<()> {
        soon()
    }
    pub fn unblock_app(&self, app: &AppId) -> R<()> {
        soon()
    }
    pub fn add_app(&self, app: &NewApp<'_>, now: Moment) -> R<App> {
        soon()
    }
    /// The app with this token, unless it was revoked.
    pub fn app_by_token_hash(&self, hash: &[u8; 32]) -> R<Option<App>> {
        soon()
    }
    pub fn app(&self, id: &AppId) -> R<Option<App>> {
        soon()
    }
    pub fn apps(&self) -> R<Vec<App>> {
        soon()
    }
    pub fn revoke_app(&self, id: &AppId, now: Moment) -> R<()> {
        soon()
    }
    pub fn touch_app(&self, id: &AppId, now: Moment) -> R<()> {
        soon()
    }
    pub fn add_pairing(&self, id: &str, name: &str, code: &str, expires_at: Moment, now: Moment) -> R<Pairing> {
        soon()
    }
    pub fn pairing(&self, id: &str) -> R<Option<Pairing>> {
        soon()
    }
    pub fn open_pairings(&self, now: Moment) -> R<Vec<Pairing>> {
        soon()
    }
    /// Adds the app and closes the pairing in one transaction. Refuses one that is closed or too late.
    pub fn approve_pairing(&self, id: &str, app: &NewApp<'_>, now: Moment) -> R<App> {
        soon()
    }
    pub fn reject_pairing(&self, id: &str, now: Moment) -> R<()> {
        soon()
    }
    pub fn allowance_intent(&self, intent: &AllowanceIntent, now: Moment) -> R<()> {
        soon()
    }
    pub fn allowance_outcome(&self, tx: &str, outcome: &AllowanceOutcome, now: Moment) -> R<()> {
        soon()
    }
    pub fn open_allowances(&self) -> R<Vec<Allowance>> {
        soon()
    }
    pub fn allowances_of(&self, payment: PaymentId) -> R<Vec<Allowance>> {
        soon()
    }
    pub fn add_token(&self, token: &AddedToken) -> R<()> {
        soon()
    }
    pub fn remove_token(&self, network: Network, address: Address) -> R<()> {
        soon()
    }
    pub fn tokens(&self) -> R<Vec<AddedToken>> {
        soon()
    }
    pub fn setting(&self, key: &str) -> R<Option<String>> {
        soon()
    }
    pub fn set_setting(&self, key: &str, value: &str) -> R<()> {
        soon()
    }
}
