//! How a command ends when it does not end well: a status for scripts, a sentence and an advice for people.

use crate::show::{note, say};
use helper::StartError;
use std::process::ExitCode;
use view::question::quoted;
use view::{Code, Failure};

/// Statuses beside 0; the table is in `--help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Failed = 1,
    Usage = 2,
    Refused = 3,
    Locked = 4,
    Ended = 5,
    Unavailable = 6,
    Unpayable = 7,
    Money = 8,
    NotDelivered = 9,
    Elsewhere = 10,
}

/// Why a command failed.
#[derive(Debug)]
pub struct Fail {
    pub status: Status,
    pub failure: Failure,
    /// What a program that asked for JSON gets beside the failure, in the same document.
    pub beside: Option<serde_json::Map<String, serde_json::Value>>,
    /// Nobody was there to answer.
    pub input_ended: bool,
}

impl Fail {
    /// A failure of the command itself. `message` is ours; text from outside in it is quoted by the caller.
    pub fn plain(message: impl Into<String>) -> Self {
        Self::of(Status::Failed, message)
    }

    pub fn of(status: Status, message: impl Into<String>) -> Self {
        let message = message.into();
        let failure = Failure {
            code: Code::Internal,
            message,
            advice: None,
            field: None,
            found: None,
            expected: None,
            retry_after: None,
        };
        Self { status, failure, beside: None, input_ended: false }
    }

    /// All was said already; only the status is left.
    pub fn told(status: Status) -> Self {
        Self::of(status, "")
    }

    pub fn advice(mut self, advice: impl Into<String>) -> Self {
        self.failure.advice = Some(advice.into());
        self
    }

    /// Adds the members of an object to the document that a program gets.
    pub fn beside<T: serde::Serialize>(mut self, value: &T) -> Self {
        self.beside = serde_json::to_value(value).ok().and_then(|value| value.as_object().cloned());
        self
    }

    pub fn report(&self, json: bool) -> ExitCode {
        if self.failure.message.is_empty() {
            return ExitCode::from(self.status as u8);
        }
        if json {
            let mut document = self.beside.clone().unwrap_or_default();
            document.insert("failure".to_owned(), serde_json::json!(self.failure));
            say!("{}", crate::escape::json(&serde_json::Value::Object(document).to_string()));
        }
        note!("{}error:{} {}", crate::show::BAD, crate::show::OFF, quoted(&self.failure.message, 600));
        if let (Some(field), false) =
            (&self.failure.field, self.failure.message.contains(self.failure.field.as_deref().unwrap_or("")))
        {
            note!("  field:    {}", quoted(field, 120));
        }
        for (label, fact) in [("found", &self.failure.found), ("expected", &self.failure.expected)] {
            if let Some(fact) = fact.as_ref().filter(|fact| !self.failure.message.contains(fact.as_str())) {
                note!("  {:<9} {}", format!("{label}:"), quoted(fact, 200));
            }
        }
        if let Some(advice) = &self.failure.advice {
            note!("  {}", quoted(advice, 600));
        }
        ExitCode::from(self.status as u8)
    }
}

impl From<Failure> for Fail {
    fn from(failure: Failure) -> Self {
        let status = match failure.code {
            Code::Internal if helper::Client::is_silence(&failure) => Status::Elsewhere,
            Code::UserRejected | Code::PolicyDenied | Code::Forbidden | Code::NotPaired => Status::Refused,
            Code::WalletLocked | Code::WrongPassphrase => Status::Locked,
            Code::Expired | Code::Cancelled | Code::AlreadyAnswered => Status::Ended,
            Code::NodeUnavailable | Code::LedgerUnavailable | Code::LedgerGone => Status::Unavailable,
            Code::UnsupportedScheme
            | Code::UnsupportedNetwork
            | Code::UnknownContract
            | Code::UnknownToken
            | Code::MalformedPaymentRequired
            | Code::MaxAmountExceeded
            | Code::CannotSign => Status::Unpayable,
            Code::AllowanceRequired
            | Code::InsufficientBalance
            | Code::TrxRequired
            | Code::AccountNotActive
            | Code::OtherKeys
            | Code::TokenPaused
            | Code::PayerBlocked => Status::Money,
            Code::RateLimited
            | Code::IdempotencyConflict
            | Code::NoAccount
            | Code::WatchOnly
            | Code::BadRequest
            | Code::NotFound
            | Code::PermissionInUse
            | Code::AlreadySigned
            | Code::AlreadyPaid
            | Code::PlanChanged
            | Code::NotArmed
            | Code::VaultUnusable
            | Code::Internal => Status::Failed,
        };
        Self { status, failure, beside: None, input_ended: false }
    }
}

impl From<StartError> for Fail {
    fn from(error: StartError) -> Self {
        match &error {
            StartError::Open(wallet::OpenError::AlreadyOpen { dir }) => already_open(dir),
            StartError::Open(wallet::OpenError::LedgerGone { .. }) => {
                let mut fail = Self::from(Failure::from(&error));
                let command = view::words::find("LEDGER_GONE-command", &[]).unwrap_or_default();
                fail.failure.advice = fail.failure.advice.map(|advice| format!("{advice} {command}"));
                fail
            }
            _ => Self::plain(error.to_string()),
        }
    }
}

/// The folder is held, and whoever holds it can't be asked.
fn already_open(dir: &str) -> Fail {
    let shown = quoted(dir, 300);
    let fail = |what: String| Fail::of(Status::Elsewhere, what);
    match helper::Holder::of_lock(&std::path::Path::new(dir).join("lock")) {
        Some(holder) if holder.stopped => fail(format!("{holder} has {shown} open and is stopped"))
            .advice(format!("Let it go on (`fg`, or `kill -CONT {}`), or end it.", holder.pid)),
        Some(holder) => fail(format!("{holder} has {shown} open, and its control socket is not where it should be"))
            .advice("Wait until it is done. If it is a service, see that both have the same XDG_RUNTIME_DIR."),
        None => fail(format!("another Countersign has {shown} open, and its control socket is not where it should be"))
            .advice("Wait until it is done."),
    }
}

impl From<std::io::Error> for Fail {
    fn from(error: std::io::Error) -> Self {
        Self::plain(error.to_string())
    }
}
