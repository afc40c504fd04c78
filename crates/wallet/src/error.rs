//! Why the wallet did not do something: facts only. The words for people are added in `view`.

use ledger::{LedgerError, Payment};
use names::{AppNameError, UrlError};
use plan::{AppId, Finding, PlanDigest};
use tron::{Address, Amount, Network};
use vault::VaultError;

#[derive(Debug, thiserror::Error)]
pub enum WalletError {
    /// A field of the request is not of its form.
    #[error("{field}: expected {expected}, found {found}")]
    Field { field: &'static str, expected: &'static str, found: String },
    #[error("request.url: {0}")]
    Url(UrlError),
    /// The 402 itself.
    #[error("{0}")]
    Malformed(x402::Malformed),
    /// The 402 has nothing of x402 in it.
    #[error("no x402 offer")]
    NoOffer(x402::answer::Other),
    /// No option of `accepts` can be paid; why, option by option, and the reason that matters most.
    #[error("no option can be paid: {}", .reasons.join("; "))]
    NothingPayable { worst: Unpayable, reasons: Vec<String> },
    #[error("at most {max} was allowed, {asked} is asked")]
    MaxAmount { max: String, asked: String },
    #[error("there is no account yet")]
    NoAccount,
    /// Judged and written down as refused.
    #[error("refused: {}", .0.code.as_deref().unwrap_or("by a rule"))]
    Refused(Box<Payment>),
    #[error("too many questions; again in {retry_after} s")]
    RateLimited { retry_after: u32 },
    /// Within the pause after wrong ones, or with others in line.
    #[error("{wrong} wrong passphrases; the next is taken in {retry_after} s")]
    TooManyTries { wrong: u32, retry_after: u32 },
    #[error("the key was used for another request")]
    IdempotencyConflict { earlier: String },
    /// The nonce of this 402 is held by another unfinished payment: a second signature would be the same money.
    #[error("another unfinished payment already holds this permission")]
    SameNonce,
    #[error("the wallet is closing")]
    Closed,
    #[error("giving the allowance costs up to {now} sun by now, {shown} were shown")]
    CostRose { shown: u64, now: u64 },
    /// An app can't go by this name.
    #[error("the name {name:?}: {why}")]
    AppName { name: String, why: AppNameError },
    #[error("no such {what}")]
    NotFound { what: &'static str },
    #[error("locked")]
    Locked,
    #[error("there is a wallet here already")]
    AlreadyThere,
    #[error("no new words are waiting to be confirmed")]
    NothingToConfirm,
    /// New words were confirmed, and their vault could not be written: they wait as before.
    #[error("{0}")]
    NotWritten(VaultError),
    #[error("word {position} is not the right one")]
    WrongWord { position: usize },
    #[error("the words are not a valid BIP-39 phrase: {reason}")]
    BadWords { reason: String },
    #[error("the passphrase has {found} characters, at least {expected} are needed")]
    ShortPassphrase { found: usize, expected: usize },
    #[error("the plan changed since it was shown")]
    PlanChanged { now: PlanDigest },
    /// At the yes there was more to say than was shown: nothing was signed, and the question stands there again, with
    /// what is new.
    #[error("asked again: {}", codes(.news))]
    AskedAgain { payment: Box<Payment>, news: Vec<Finding> },
    #[error("the answer came {wait_ms} ms too early")]
    NotArmed { wait_ms: i64 },
    /// The payment is not waiting for an answer any more.
    #[error("the payment has moved on")]
    Ended(Box<Payment>),
    /// A signature can't be taken back.
    #[error("the payment is signed, or just being signed")]
    Signed(Box<Payment>),
    /// The chain has the permission of this 402 as used, by this payment.
    #[error("the 402 was paid by payment {}", .0.id)]
    Paid(Box<Payment>),
    /// `active`: the chain knows the account; one that never had TRX can hold tokens and sends nothing.
    #[error("{need} sun are needed for the allowance, the account has {have}")]
    NoTrxForAllowance { need: u64, have: u64, active: bool },
    /// `code`: what the record keeps of the reason.
    #[error("the allowance transaction failed: {reason}")]
    AllowanceFailed { code: &'static str, reason: String },
    /// The token changes no allowance but from zero or to zero; nothing was sent.
    #[error("the token changes no allowance that is not zero ({reason}): it has to be set to zero first")]
    ZeroAllowanceFirst { spender: Address, have: Amount, reason: String },
    /// The account's owner permission was given to other keys.
    #[error("the key of {address} may not sign transactions of this account any more")]
    OtherKeys { address: Address },
    /// A permission is dated by the newest block's time, and none is known.
    #[error("no node of {network} told the time of a block yet")]
    NoBlockTime { network: Network },
    /// This machine's clock and the newest block differ.
    #[error("this machine's clock is {seconds} s {} the newest block", if *.ahead { "ahead of" } else { "behind" })]
    ClockOff { seconds: u64, ahead: bool },
    #[error("no node is set for {network}")]
    NoNode { network: Network },
    #[error("{0}")]
    Node(chain::ChainError),
    #[error("{0}")]
    Ledger(#[from] LedgerError),
    #[error("{0}")]
    Vault(#[from] VaultError),
    #[error("{0}")]
    Keystore(#[from] vault::KeystoreError),
    #[error("{0}")]
    Keyring(#[from] crate::KeyringError),
    #[error("{0}")]
    BadKey(#[from] tron::KeyTextError),
    /// What is open would be left without its key.
    #[error("{open} payments of {address} are not finished: answer them, or wait until they are settled")]
    AccountInUse { address: Address, open: usize },
    #[error("account {address} is not in this wallet")]
    NotOurs { address: Address },
    #[error("app {app:?} may not do this")]
    NotPaired { app: Option<AppId> },
    /// A signature did not come out as it has to; nothing left.
    #[error("internal check failed: {check}")]
    Check { check: &'static str },
}

/// Why an option can't be paid, by rank: the later one is told when several differ.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unpayable {
    Network(String),
    Scheme(String),
    /// Decodes, but can't be signed as it is.
    CannotSign(String),
    Malformed {
        field: String,
        found: String,
        expected: String,
    },
}

impl WalletError {
    /// Why the allowance can't be given, as the record keeps it; `None` for what may pass by itself.
    pub(crate) fn of_allowance(&self) -> Option<&'static str> {
        match self {
            Self::AllowanceFailed { code, .. } => Some(code),
            Self::ZeroAllowanceFirst { .. } => Some("allowanceZeroFirst"),
            Self::OtherKeys { .. } => Some("allowanceOtherKeys"),
            Self::NoTrxForAllowance { active: false, .. } => Some("allowanceNoAccount"),
            Self::NoTrxForAllowance { .. } | Self::CostRose { .. } => Some("allowanceNoTrx"),
            _ => None,
        }
    }

    /// The node turned the question away because there were too many: a key of its provider helps.
    pub fn is_node_limit(&self) -> bool {
        matches!(self, Self::Node(chain::ChainError::Busy { too_many: true, .. }))
    }

    /// The nodes were reached and can't answer now.
    pub fn is_node_busy(&self) -> bool {
        matches!(self, Self::Node(chain::ChainError::Busy { too_many: false, .. }))
    }

    /// No node was reached, or none said anything in time.
    pub fn is_node_away(&self) -> bool {
        matches!(self, Self::Node(chain::ChainError::Unreachable { .. }))
    }

    /// What a token or a network says against one option; it says nothing about the option beside it.
    pub(crate) fn is_of_one_option(&self) -> bool {
        self.of_allowance().is_some() || matches!(self, Self::Node(_) | Self::NoNode { .. })
    }
}

fn codes(news: &[Finding]) -> String {
    news.iter().map(|found| found.fact.code()).collect::<Vec<_>>().join(", ")
}

impl From<chain::ChainError> for WalletError {
    fn from(error: chain::ChainError) -> Self {
        Self::Node(error)
    }
}

impl From<x402::NoOffer> for WalletError {
    fn from(error: x402::NoOffer) -> Self {
        match error {
            x402::NoOffer::Other(other) => Self::NoOffer(other),
            x402::NoOffer::Malformed(e) | x402::NoOffer::HeaderBroken { header: e } => Self::Malformed(e),
        }
    }
}
