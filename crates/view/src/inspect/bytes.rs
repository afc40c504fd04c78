//! What comes as bytes in hex: signatures and 32-byte values.

use super::lines::Lines;
use super::odd::{NOTE, STOP, found};
use super::payments;
use super::shapes::{KindView, PartView, TriedView};
use super::transactions;
use tron::Signature;
use tron::foreign::{self, ForeignError};

/// A signature as it came, which says how v was written: contracts want 27 or 28, transactions carry 0 or 1 as well.
#[derive(Clone, Copy)]
pub(super) struct Written {
    pub signature: Signature,
    pub plain_v: bool,
}

pub(super) fn signature(text: &str) -> (PartView, Option<Written>) {
    let mut lines = Lines::default();
    let mut findings = Vec::new();
    lines.group("signature");
    let title = "A signature (65 bytes).".to_owned();
    let written = foreign::read_signature(text).map(|(signature, plain_v)| Written { signature, plain_v });
    match written {
        Some(Written { signature, plain_v }) => {
            payments::parts(&mut lines, &signature.to_hex(), &mut findings);
            if plain_v {
                let v = signature.v() - 27;
                lines.last(|line| line.remark(format!("written as {v}")));
                findings.push(found("plainV", NOTE, &[]));
            }
            findings.push(found("signatureAlone", NOTE, &[]));
        }
        None => {
            let reason = transactions::reason(text);
            lines.add("signature", text).remark(&reason).weight(STOP);
            findings.push(found("signatureBroken", STOP, &[("reason", &reason)]));
        }
    }
    let view = PartView { findings, groups: lines.done(), ..super::part(KindView::Signature, title, "") };
    (view, written)
}

pub(super) fn hash(text: &str) -> PartView {
    let mut lines = Lines::default();
    lines.group("value");
    lines.add("hash", text);
    let title = "32 bytes: a transaction's id, a digest or a nonce. Nothing in them tells which.".to_owned();
    let findings = vec![found("hashAlone", NOTE, &[])];
    PartView { findings, groups: lines.done(), ..super::part(KindView::Hash, title, "") }
}

/// Why hex or JSON is no transaction.
pub(super) fn tried(what: &str, error: &ForeignError) -> TriedView {
    let (field, found, expected) = match error {
        ForeignError::Broken { message, at, reason } => {
            (*message, format!("{reason} (byte {at})"), "what a TRON transaction has there")
        }
        ForeignError::Hex { field, reason } => (*field, reason.clone(), "pairs of hex digits"),
        ForeignError::Nothing => ("contract", "nothing".to_owned(), "a contract: something that is to be done"),
        ForeignError::NoRaw => ("raw_data_hex", "nothing".to_owned(), "the bytes of the transaction, or raw_data"),
        ForeignError::Json { reason } => ("document", reason.clone(), "JSON in which every key stands once"),
    };
    super::tried(what, field, &found, expected)
}
