//! The record: every payment with its reservation, rules, apps, sites and sums, in one SQLite file.
//! Refuses to forget: a reservation is committed durably before a key is touched, check and reserve are one
//! write transaction even between processes, and what is not known to be unspent counts as spent.
//! Never reads a clock, signs or talks to a network; decides nothing (the judge is passed in).

mod allowances;
mod apps;
mod assets;
#[cfg(feature = "bulk")]
mod believable;
mod books;
#[cfg(feature = "bulk")]
mod bulk;
mod cells;
mod cut;
mod days;
mod enter;
mod error;
mod find;
mod grams;
mod id;
mod indexing;
mod intake;
mod lists;
mod lives;
mod narrow;
mod notes;
mod payers;
mod payment;
mod permit2;
mod prune;
mod recipients;
mod redate;
mod replan;
mod rows;
mod rules;
mod settings;
mod sites;
mod space;
mod spendings;
mod store;
mod totals;
mod values;
mod wire;

#[cfg(feature = "bulk")]
pub use believable::{END, life};
#[cfg(feature = "bulk")]
pub use bulk::{Bulk, Life};
pub use error::{LedgerError, StorageKind};
pub use id::{NotAnId, PaymentId};
pub use notes::{NOTE_MAX, TAG_MAX, TAGS_MAX, Tag};
pub use payment::{
    Answer, Approved, Delivery, End, Entered, Entry, Filter, Found, HistoryKey, Listed, Page, Papers, Payment, Settled,
    Settlement, SettlementKind, State,
};
pub use prune::{PRUNE_YOUNGEST_DAYS, Prune, Pruned, Removed};
pub use redate::Redated;
pub use replan::{Replan, Replanned};
pub use space::Space;
pub use store::Ledger;
pub use totals::{Counted, Sums};
pub use values::{
    AddedToken, Allowance, AllowanceIntent, AllowanceOutcome, App, Freed, Frees, NewApp, Payee, PayerChoice, Rule,
    RuleKey, SiteTotals, Spent, Standing, Total,
};
