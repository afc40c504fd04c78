//! What happened, for whoever watches: window, port, terminal. Names only; details are read from the wallet.

use ledger::PaymentId;
use plan::AppId;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A question opened or changed.
    Question {
        id: PaymentId,
        app: AppId,
    },
    /// A payment moved on.
    Payment {
        id: PaymentId,
        app: AppId,
    },
    /// Refused because it is dangerous: a person should look.
    Danger {
        id: PaymentId,
    },
    Allowance {
        id: PaymentId,
        step: AllowanceStep,
        transaction: Option<String>,
    },
    Pairing,
    Lock,
    Rules,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllowanceStep {
    Sent,
    Seen,
    Failed,
}
