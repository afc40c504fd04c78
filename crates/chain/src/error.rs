//! What can go wrong between us and a node, as facts. Carries no API key, no full URL (a provider's URL may
//! hold a key in its path) and no more of an answer than a short piece.

use std::{fmt, time::Duration};

/// Why a question to the network has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// The configuration can't be used.
    #[error("{field}: expected {expected}, found {found}")]
    Config { field: String, found: String, expected: String },
    /// No connection, no TLS, or no answer in time.
    #[error("{node} could not be reached for {call}: {detail}")]
    Unreachable { node: String, call: String, detail: String },
    /// The node answered with an HTTP status that is no success.
    #[error("{node} answered {call} with HTTP status {status}")]
    Status { node: String, call: String, status: u16 },
    /// The node, or a gateway before it, can't answer now: nothing is known, and asking again a little later helps.
    #[error("{node} is busy, it answered {call} with {said}")]
    Busy {
        node: String,
        call: String,
        said: String,
        /// There were too many questions: a key of the node's provider helps.
        too_many: bool,
        /// It asked to be left alone for so long.
        wait: Duration,
    },
    /// The node does not serve this part of the API at the address that is known.
    #[error("{node} serves no {door}")]
    NoDoor { node: String, door: &'static str },
    /// A node without `walletsolidity/`: what it answers now is final once it says the same about a block that is.
    #[error("{node} can't say yet whether the answer to {call} is final")]
    NotFinalYet { node: String, call: String },
    /// The answer was longer than we are willing to read.
    #[error("{node} answered {call} with more than {limit} bytes")]
    TooLarge { node: String, call: String, limit: usize },
    /// The answer is not what this call answers.
    #[error("{node} answered {call} with an unexpected {field}: expected {expected}, found {found}")]
    Answer { node: String, call: String, field: String, found: String, expected: String },
    /// The node understood the question and refused it, in its own words.
    #[error("{node} refused {call}: {code} {message}")]
    Refused { node: String, call: String, code: String, message: String },
    /// The contract was run and reverted.
    #[error("the contract reverted: {reason}")]
    Reverted { reason: String },
}

impl ChainError {
    /// The node did not answer what was asked, so nothing is known: unlike a contract's or a node's no to this very call.
    pub fn is_silence(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Busy { .. }
            | Self::NoDoor { .. }
            | Self::NotFinalYet { .. }
            | Self::Status { .. }
            | Self::TooLarge { .. }
            | Self::Config { .. } => true,
            // A page instead of JSON.
            Self::Answer { field, .. } => field == "body",
            Self::Refused { code, .. } => code == "Error",
            Self::Reverted { .. } => false,
        }
    }

    /// Whether asking again a little later may help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Busy { .. } => true,
            Self::Status { status, .. } => matches!(*status, 408 | 425 | 500..=599),
            _ => false,
        }
    }

    /// Whether a node said that it can't answer now.
    pub fn is_busy(&self) -> bool {
        matches!(self, Self::Busy { .. })
    }
}

/// Why a transaction was not taken. Every variant but [`BroadcastError::Unknown`] is definite: the network did
/// not take these bytes. A transaction that the network already knows is no error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BroadcastError {
    /// The reference block is not one of the node's recent ones.
    #[error("the reference block is not known to the network (TAPOS_ERROR)")]
    Tapos,
    /// The expiry has passed, or lies too far away.
    #[error("the transaction has expired (TRANSACTION_EXPIRATION_ERROR)")]
    Expired,
    /// The signature is not the owner's.
    #[error("the signature was not accepted (SIGERROR): {message}")]
    Signature { message: String },
    /// The account can't pay for the transaction's bytes or its energy.
    #[error("the account can't pay for the transaction ({code}): {message}")]
    Funds { code: String, message: String },
    /// No node could take it now, and none has it.
    #[error("no node could take the transaction: {0}")]
    Busy(ChainError),
    /// Refused for another reason, in the node's words.
    #[error("the network refused the transaction: {code} {message}")]
    Other { code: String, message: String },
    /// It may or may not have arrived: look its id up until it is found or has expired.
    #[error("it is not known whether the transaction arrived: {0}")]
    Unknown(ChainError),
}

/// A piece of foreign text for an error: short, and without control characters.
pub(crate) fn shortened(text: impl fmt::Display) -> String {
    const MOST: usize = 120;
    let text = text.to_string();
    let mut out: String = text.chars().take(MOST).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(MOST).is_some() {
        out.push('…');
    }
    out
}
