//! Why a payment is not accepted or not settled, in the words that sellers' programs already know.

use std::fmt;
use x402::{InvalidReason, facilitator::BUSY};

/// The `invalidReason` of `/verify` and the `errorReason` of `/settle`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// One of the published reasons of the payment's scheme.
    Published(InvalidReason),
    /// Requirements or payload are no readable payment.
    InvalidPayload,
    UnsupportedScheme,
    InvalidNetwork,
    /// The permit names another caller than this facilitator, so only that one could settle it.
    CallerMismatch,
    NonceAlreadyUsed,
    /// Settled, and another caller was told so: whoever hears this sells nothing for it.
    DuplicateSettlement,
    /// Nobody settles for this payee here.
    PayeeNotServed,
    /// It pays no fee, and is smaller than what is settled for nothing.
    AmountTooSmall,
    InsufficientFunds,
    InsufficientAllowance,
    /// A transaction was sent and its fate is not known yet: to be looked up, never paid again.
    SettlementPending,
    /// It was in a block that the chain has dropped.
    Reversed,
    /// Nothing was sent: what settling may cost in an hour or a day is spent, for this payee or in all.
    OverBudget {
        /// Seconds.
        retry_after: u32,
    },
    /// Nothing was sent: the network's nodes can't take it now. The same payment is good in a moment.
    Busy,
    /// The network could not be asked, or nothing can be written down; nothing was sent.
    Unavailable,
}

impl Reason {
    pub(crate) const TRANSACTION_FAILED: Self = Self::Published(InvalidReason::TransactionFailed);
    pub(crate) const FAILED_ON_CHAIN: Self = Self::Published(InvalidReason::TransactionFailedOnChain);

    pub const fn code(self) -> &'static str {
        match self {
            Self::Published(reason) => reason.code(),
            Self::InvalidPayload => "invalid_payload",
            Self::UnsupportedScheme => "unsupported_scheme",
            Self::InvalidNetwork => "invalid_network",
            Self::CallerMismatch => "caller_mismatch",
            Self::NonceAlreadyUsed => "nonce_already_used",
            Self::DuplicateSettlement => "duplicate_settlement",
            Self::PayeeNotServed => "payee_not_served",
            Self::AmountTooSmall => "amount_too_small",
            Self::InsufficientFunds => "insufficient_funds",
            Self::InsufficientAllowance => "insufficient_allowance",
            Self::SettlementPending => "settlement_pending",
            Self::Reversed => "reversed",
            Self::OverBudget { .. } => "facilitator_over_budget",
            Self::Busy => BUSY,
            Self::Unavailable => "facilitator_unavailable",
        }
    }

    /// A code that was written down as the reason of a failure or a reversal.
    pub(crate) fn known(code: &str) -> &'static str {
        let all = [
            Self::FAILED_ON_CHAIN,
            Self::NonceAlreadyUsed,
            Self::InsufficientFunds,
            Self::InsufficientAllowance,
            Self::Published(InvalidReason::Permit2Allowance),
            Self::Published(InvalidReason::Expired),
        ];
        all.into_iter().map(Self::code).find(|known| *known == code).unwrap_or(Self::TRANSACTION_FAILED.code())
    }
}

impl From<InvalidReason> for Reason {
    fn from(reason: InvalidReason) -> Self {
        Self::Published(reason)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
