//! The record: every payment with its reservation, rules, apps, sites and sums, in one SQLite file.
//! Refuses to forget: a reservation is committed durably before a key is touched, check and reserve are one
//! write transaction even between processes, and what is not known to be unspent counts as spent.
//! Never reads a clock, signs or talks to a network; decides nothing (the judge is passed in).

mod error;
mod id;
mod payment;
mod values;

pub use error::{LedgerError, StorageKind};
pub use id::{NotAnId, PaymentId};
pub use payment::{
    Answer, Approved, Delivery, End, Entered, Entry, Filter, HistoryKey, Page, Papers, Payment, Settled, Settlement,
    State,
};
pub use values::{
    AddedToken, Allowance, AllowanceIntent, AllowanceOutcome, App, NewApp, Pairing, PairingState, Payee, Rule, RuleKey,
    SiteTotals, Spent, Standing, Total,
};

mod face;

/// Shared by all threads.
pub struct Ledger {
    path: std::path::PathBuf,
}
