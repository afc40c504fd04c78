//! Arguments of what asks and answers: serving, paying, inspecting, answering, and the report for a bug.

use clap::Args as Group;
use std::path::PathBuf;

#[derive(Group)]
pub struct Serve {
    /// Port on 127.0.0.1 instead of the setting; 0 takes any and tells it
    #[arg(long)]
    pub port: Option<u16>,
    /// Stay locked until `countersign unlock`
    #[arg(long)]
    pub locked: bool,
    /// Unlock with the first line of this file, which only you may read (mode 0600)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["locked", "passphrase_fd"])]
    pub passphrase_file: Option<PathBuf>,
    /// Where an allowance is missing, a yes given here allows this total, in whole units; exactly the payment's amount
    /// when absent or when the total does not fit
    #[arg(long, value_name = "TOTAL", value_parser = super::whole_units)]
    pub allowance: Option<String>,
}

#[derive(Group)]
pub struct Pay {
    pub url: String,
    /// Method; GET, or POST with a body
    #[arg(short = 'X', long = "request", value_name = "METHOD")]
    pub method: Option<String>,
    /// A header, "Name: value"; several times for several
    #[arg(short = 'H', long = "header", value_name = "HEADER")]
    pub headers: Vec<String>,
    /// The body, or @FILE
    #[arg(short = 'd', long = "data", value_name = "BODY")]
    pub body: Option<String>,
    /// Write what was paid for into this file instead of printing it; opened before anything is asked
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Most that may leave, in whole units: 0.50, or '0.50 USDT' for that token alone
    #[arg(long, value_name = "AMOUNT")]
    pub max: Option<String>,
    /// Most that may leave, in smallest units of a token: '500000 CONTRACT'
    #[arg(long, value_name = "AMOUNT", conflicts_with = "max")]
    pub max_smallest: Option<String>,
    /// Its name did not say that it counted smallest units
    #[arg(long, hide = true)]
    pub max_amount: Option<String>,
    /// Where an allowance is missing and the question is asked here, allow this total, in whole units
    #[arg(long, value_name = "TOTAL", value_parser = super::whole_units)]
    pub allowance: Option<String>,
    /// Why, for the question
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

#[derive(Group)]
pub struct Inspect {
    /// A file, the text itself, a URL, or - for standard input (also when absent)
    pub input: Option<String>,
    /// Ask no node: only what the text itself says
    #[arg(long)]
    pub offline: bool,
    /// Where a bare transaction id is looked up: mainnet, nile or shasta
    #[arg(long, value_name = "NAME")]
    pub network: Option<String>,
    /// For a URL: the method; GET, or POST with a body
    #[arg(short = 'X', long = "request", value_name = "METHOD")]
    pub method: Option<String>,
    /// For a URL: the JSON body to send
    #[arg(short = 'd', long = "data", value_name = "BODY")]
    pub body: Option<String>,
}

#[derive(Group)]
pub struct Support {
    /// Write here, or - for standard output; countersign-support-DATE.txt when absent
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub output: Option<PathBuf>,
}

#[derive(Group)]
pub struct Answer {
    /// Which question; the first when absent
    pub id: Option<String>,
    /// Only list them
    #[arg(long, conflicts_with = "id")]
    pub list: bool,
    /// First take this option of its 402, numbered from 1; the question is then asked about that one
    #[arg(long, value_name = "N", conflicts_with = "list")]
    pub option: Option<u32>,
    /// First take this Permit2 deployment, "first" or "second"; the question is then asked about that one
    #[arg(long, value_name = "SET", conflicts_with = "list")]
    pub permit2: Option<String>,
    /// Where an allowance is missing, allow this total, in whole units, so that later payments need no transaction;
    /// exactly the payment's amount when absent
    #[arg(long, value_name = "TOTAL", conflicts_with = "list", value_parser = super::whole_units)]
    pub allowance: Option<String>,
}
