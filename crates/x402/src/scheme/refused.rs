//! Why a settlement contract refused a call, told apart as far as a payer or a facilitator can act on it. Reads
//! custom errors and the messages of the tokens seen so far; any other refusal is kept as what it is.

use tron::abi::{Reverted, revert_reason};

/// What stood in the way of a settlement, by the contract's own word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    NonceUsed,
    /// Too late or too early: the clock tells which.
    Window,
    Signature,
    /// Another caller than the signed one.
    Caller,
    Amount,
    /// Balance, allowance, or a reason of the token's own.
    Other,
}

/// Reads the output of a reverted settlement.
pub fn refusal(output: &[u8]) -> Refusal {
    match revert_reason(output) {
        Reverted::Custom { name: Some(name), .. } => match name {
            "NonceAlreadyUsed" | "InvalidNonce" => Refusal::NonceUsed,
            "InvalidTimestamp" | "SignatureExpired" | "PaymentTooEarly" => Refusal::Window,
            "InvalidSignature" | "InvalidSigner" | "InvalidSignatureLength" | "InvalidContractSignature" => {
                Refusal::Signature
            }
            "InvalidCaller" => Refusal::Caller,
            "InvalidAmount" => Refusal::Amount,
            _ => Refusal::Other,
        },
        // Tokens with authorizations have no custom errors; these are the endings of their published messages.
        Reverted::Message(text) => match text.as_str() {
            text if text.ends_with("authorization is used or canceled") => Refusal::NonceUsed,
            text if text.ends_with("authorization is expired") => Refusal::Window,
            text if text.ends_with("authorization is not yet valid") => Refusal::Window,
            text if text.ends_with("invalid signature") => Refusal::Signature,
            _ => Refusal::Other,
        },
        _ => Refusal::Other,
    }
}
