//! Why a node does not take a transaction, and the words in which it says so.

use crate::busy::Excuse;
use tron::TxId;

/// `maxTxSize`.
pub const MAX_BYTES: u64 = 512_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    Busy(Excuse),
    Signature(String),
    Duplicate,
    Tapos,
    TooBig {
        id: TxId,
        bytes: u64,
    },
    Expired,
    Invalid(String),
    /// It could begin, and could not be carried out.
    Execution(String),
    Bandwidth,
}

impl Refusal {
    /// The `code` of a node's answer, and its words.
    fn told(&self) -> (&'static str, String) {
        match self {
            Self::Busy(excuse) => {
                let (code, words) = excuse.told();
                (code, words.into())
            }
            Self::Signature(reason) => ("SIGERROR", format!("Validate signature error: {reason}")),
            Self::Duplicate => ("DUP_TRANSACTION_ERROR", "Dup transaction.".into()),
            Self::Tapos => ("TAPOS_ERROR", "Tapos check error.".into()),
            Self::TooBig { id, bytes } => {
                let told = "Too big transaction with result, TxId";
                let words = format!("{told} {id}, the size is {bytes} bytes, maxTxSize {MAX_BYTES}");
                ("TOO_BIG_TRANSACTION_ERROR", words)
            }
            Self::Expired => ("TRANSACTION_EXPIRATION_ERROR", "Transaction expired".into()),
            Self::Invalid(reason) => ("CONTRACT_VALIDATE_ERROR", format!("Contract validate error : {reason}")),
            Self::Execution(reason) => ("CONTRACT_EXE_ERROR", format!("Contract execute error : {reason}")),
            // Spelled like this by nodes.
            Self::Bandwidth => ("BANDWITH_ERROR", "Account resource insufficient error.".into()),
        }
    }

    pub fn code(&self) -> &'static str {
        self.told().0
    }

    pub fn message(&self) -> String {
        self.told().1
    }
}
