//! Why a facilitator says no, in the words that are published for the schemes. `exact_permit` has words of its
//! own, both forms of `exact` share theirs.

use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InvalidReason {
    MissingPermit,
    TokenNotAllowed,
    AmountMismatch,
    PaytoMismatch,
    TokenMismatch,
    FeeToMismatch,
    FeeAmountMismatch,
    Expired,
    NotYetValid,
    InvalidSignature,
    UnsupportedToken,
    TransactionFailed,
    TransactionFailedOnChain,
    /// The payload has no authorization by the token.
    MissingTransferAuthorization,
    /// The requirement names no `extra.name` or `extra.version`, so that nobody knows what was to be signed.
    MissingDomain,
    ExactScheme,
    ExactNetwork,
    ExactSignature,
    ExactRecipient,
    ExactValue,
    ExactValidBefore,
    ExactValidAfter,
    /// The spender is no exact proxy of the network's registry.
    Permit2Spender,
    Permit2Recipient,
    Permit2Amount,
    Permit2Token,
    Permit2Signature,
    Permit2Deadline,
    Permit2NotYetValid,
    Permit2Allowance,
    InsufficientFunds,
    /// The nonce is used, or the contract would refuse for another reason that is not the signature's.
    TransactionState,
}

impl InvalidReason {
    /// The word on the wire.
    pub const fn code(self) -> &'static str {
        match self {
            Self::MissingPermit => "missing_permit",
            Self::TokenNotAllowed => "token_not_allowed",
            Self::AmountMismatch => "amount_mismatch",
            Self::PaytoMismatch => "payto_mismatch",
            Self::TokenMismatch => "token_mismatch",
            Self::FeeToMismatch => "fee_to_mismatch",
            Self::FeeAmountMismatch => "fee_amount_mismatch",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::InvalidSignature => "invalid_signature",
            Self::UnsupportedToken => "unsupported_token",
            Self::TransactionFailed => "transaction_failed",
            Self::TransactionFailedOnChain => "transaction_failed_on_chain",
            Self::MissingTransferAuthorization => "missing_transfer_authorization",
            Self::MissingDomain => "missing_tip712_domain",
            Self::ExactScheme => "invalid_exact_tron_scheme",
            Self::ExactNetwork => "invalid_exact_tron_network_mismatch",
            Self::ExactSignature => "invalid_exact_tron_payload_signature",
            Self::ExactRecipient => "invalid_exact_tron_payload_recipient_mismatch",
            Self::ExactValue => "invalid_exact_tron_payload_authorization_value_mismatch",
            Self::ExactValidBefore => "invalid_exact_tron_payload_authorization_valid_before",
            Self::ExactValidAfter => "invalid_exact_tron_payload_authorization_valid_after",
            Self::Permit2Spender => "invalid_permit2_spender",
            Self::Permit2Recipient => "invalid_permit2_recipient_mismatch",
            Self::Permit2Amount => "permit2_amount_mismatch",
            Self::Permit2Token => "permit2_token_mismatch",
            Self::Permit2Signature => "invalid_permit2_signature",
            Self::Permit2Deadline => "permit2_deadline_expired",
            Self::Permit2NotYetValid => "permit2_not_yet_valid",
            Self::Permit2Allowance => "permit2_allowance_required",
            Self::InsufficientFunds => "insufficient_funds",
            Self::TransactionState => "invalid_transaction_state",
        }
    }
}

impl fmt::Display for InvalidReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl std::error::Error for InvalidReason {}
