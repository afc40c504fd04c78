//! Why something did not happen: a stable code, facts, and one sentence that says what to do next.

use serde::{Deserialize, Serialize};
use specta::Type;
use utoipa::ToSchema;

/// Stable codes; programs may match on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Code {
    WalletLocked,
    UserRejected,
    PolicyDenied,
    Expired,
    Cancelled,
    UnsupportedScheme,
    UnsupportedNetwork,
    UnknownContract,
    UnknownToken,
    MalformedPaymentRequired,
    AllowanceRequired,
    InsufficientBalance,
    /// The account lacks TRX for the transaction that gives a missing allowance.
    TrxRequired,
    /// The account never had TRX: it holds tokens and sends no transaction, and the allowance takes one.
    AccountNotActive,
    /// The account's permissions are with other keys, and the allowance takes a transaction.
    OtherKeys,
    /// The token moves for nobody.
    TokenPaused,
    /// The token has blocked the account that would pay.
    PayerBlocked,
    MaxAmountExceeded,
    RateLimited,
    IdempotencyConflict,
    NotPaired,
    NoAccount,
    NodeUnavailable,
    LedgerUnavailable,
    /// The wallet is there and its record is not; a new one takes the owner's word.
    LedgerGone,
    /// The request itself is not of the documented form.
    BadRequest,
    /// Host, Origin or content type is not allowed here.
    Forbidden,
    NotFound,
    /// The answer named another plan than the one that is open now: look again.
    PlanChanged,
    /// Another unfinished payment holds the permission of this 402.
    PermissionInUse,
    /// A signature can't be taken back: it holds until its window is over.
    AlreadySigned,
    /// The chain has the permission of this 402 as used by an earlier payment.
    AlreadyPaid,
    /// The payment has moved on: it is answered, signed or ended already.
    AlreadyAnswered,
    /// The buttons are not armed yet: the question was shown, focused or changed less than a second ago.
    NotArmed,
    WrongPassphrase,
    /// The vault file or the word list is not usable; the sentence says how.
    VaultUnusable,
    /// The account that would pay is watched only: its key is not here.
    WatchOnly,
    /// The 402 can't be signed as it is, with the reason.
    CannotSign,
    Internal,
}

/// A failure as every surface shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    pub code: Code,
    /// One sentence for people.
    pub message: String,
    /// What to do next, when there is something.
    pub advice: Option<String>,
    /// The field that is meant, where there is one: "accepts[0].amount".
    pub field: Option<String>,
    pub found: Option<String>,
    pub expected: Option<String>,
    /// Seconds after which it makes sense to try again.
    pub retry_after: Option<u32>,
}
