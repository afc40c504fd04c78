//! One module per group of commands; each ends with what a person or, with `--json`, a program reads.

pub mod accounts;
pub mod answer;
pub mod demo;
pub mod inspect;
pub mod keyring;
mod ledger;
mod met;
pub mod node;
pub mod pay;
pub mod records;
pub mod rules;
pub mod serve;
pub mod settings;
pub mod support;
mod totals;
mod unattended;
mod upkeep;
pub mod wallet;
