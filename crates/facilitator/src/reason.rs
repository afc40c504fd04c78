//! Why a payment is not accepted or not settled, in the words that sellers' programs already know.

use std::fmt;
use x402::scheme::exact_permit::InvalidReason;

/// The `invalidReason` of `/verify` and the `errorReason` of `/settle`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// One of the published reasons of `exact_permit`.
    Permit(InvalidReason),
    /// Requirements or payload are no readable `exact_permit` payment.
    InvalidPayload,
    UnsupportedScheme,
    InvalidNetwork,
    /// The permit names another caller than this facilitator, so only that one could settle it.
    CallerMismatch,
    NonceAlreadyUsed,
    InsufficientFunds,
    InsufficientAllowance,
    /// A transaction was sent and its fate is not known yet: to be looked up, never paid again.
    SettlementPending,
    /// The network could not be asked; nothing was sent.
    Unavailable,
}

impl Reason {
    pub const fn code(self) -> &'static str {
        match self {
            Self::Permit(reason) => reason.code(),
            Self::InvalidPayload => "invalid_payload",
            Self::UnsupportedScheme => "unsupported_scheme",
            Self::InvalidNetwork => "invalid_network",
            Self::CallerMismatch => "caller_mismatch",
            Self::NonceAlreadyUsed => "nonce_already_used",
            Self::InsufficientFunds => "insufficient_funds",
            Self::InsufficientAllowance => "insufficient_allowance",
            Self::SettlementPending => "settlement_pending",
            Self::Unavailable => "facilitator_unavailable",
        }
    }
}

impl From<InvalidReason> for Reason {
    fn from(reason: InvalidReason) -> Self {
        Self::Permit(reason)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
