//! Errors and endings as failures with their stable code, one sentence and what to do next.

use crate::words::{Arg, find, say};
use crate::{Code, Failure, question::quoted};
use ledger::{LedgerError, Payment, Settlement, State};
use names::AppNameError;
use vault::VaultError;
use wallet::{KeyringError, Unpayable, WalletError};

impl Code {
    /// The name on the wire: "WALLET_LOCKED".
    pub fn name(self) -> String {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::String(name)) => name,
            _ => "INTERNAL".to_owned(),
        }
    }
}

impl Failure {
    /// A failure with the catalogue's sentence and advice for `code`.
    pub fn new(code: Code, args: &[(&str, &str)]) -> Self {
        let args: Vec<(&str, Arg<'_>)> = args.iter().map(|(k, v)| (*k, Arg::Text(v))).collect();
        let name = code.name();
        Self {
            code,
            message: say(&name, &args),
            advice: find(&format!("{name}-advice"), &args),
            field: None,
            found: None,
            expected: None,
            retry_after: None,
        }
    }

    /// The wallet is there and its record is not.
    pub fn ledger_gone(path: &str, empty: bool) -> Self {
        let state = if empty { "empty" } else { "missing" };
        Self::new(Code::LedgerGone, &[("path", quoted(path, 300).as_str()), ("state", state)])
    }

    /// A field of a request that is not of its form.
    pub fn field(field: &str, expected: &str, found: &str) -> Self {
        let found = quoted(found, 80);
        let args = [("field", field), ("expected", expected), ("found", found.as_str())];
        Self {
            field: Some(field.to_owned()),
            expected: Some(expected.to_owned()),
            found: Some(found.clone()),
            ..Self::new(Code::BadRequest, &args)
        }
    }

    /// A verb that takes the passphrase came without it.
    pub fn passphrase_needed() -> Self {
        Self::field("passphrase", "the passphrase", "nothing")
    }

    /// An address that two programs could read as two hosts.
    pub fn url(field: &str, why: &names::UrlError) -> Self {
        let why = quoted(&why.to_string(), 300);
        Self {
            message: say("address-refused", &[("field", Arg::Text(field)), ("why", Arg::Text(&why))]),
            ..Self::field(field, "an absolute http or https URL that every program reads alike", &why)
        }
    }

    fn app_name(name: &str, why: &AppNameError) -> Self {
        let (key, other) = match why {
            AppNameError::Empty => ("app-name-empty", String::new()),
            AppNameError::Invisible { found } => ("app-name-invisible", format!("U+{:04X}", u32::from(*found))),
            AppNameError::Mixed { scripts } => ("app-name-mixed", scripts.join(", ")),
            AppNameError::Reserved { like } => ("app-name-reserved", (*like).to_owned()),
            AppNameError::Claim { claim } => ("app-name-claim", quoted(claim, 40)),
            AppNameError::Taken { like } => ("app-name-taken", quoted(like, 64)),
        };
        let name = quoted(name, 64);
        let message = say(key, &[("name", Arg::Text(&name)), ("other", Arg::Text(&other))]);
        Self { message, ..Self::field("name", "a name that can't be taken for another", &name) }
    }

    /// Why an answer with status 402 gives nothing that could be paid.
    pub fn no_offer(none: &x402::NoOffer) -> Self {
        match none {
            x402::NoOffer::Malformed(e) => malformed(e),
            x402::NoOffer::HeaderBroken { header } => Self {
                message: say("header-broken", &[("detail", Arg::Text(&quoted(&header.to_string(), 300)))]),
                advice: find("header-broken-advice", &[]),
                ..malformed(header)
            },
            x402::NoOffer::Other(other) => no_offer(other),
        }
    }

    /// The allowance can't be given; `code` finds the way out.
    fn allowance(code: &str, detail: &str) -> Self {
        let failure = Self { code: ended_code(code), ..Self::detail(Code::AllowanceRequired, detail) };
        Self { advice: find(&format!("refused-{code}-advice"), &[]).or(failure.advice), ..failure }
    }

    fn detail(code: Code, detail: &str) -> Self {
        Self::new(code, &[("detail", quoted(detail, 300).as_str())])
    }

    /// Why a payment ended without a signature; `None` while it is open or signed.
    pub fn of_payment(payment: &Payment) -> Option<Self> {
        let code = match payment.state {
            State::Signed if payment.settlement == Some(Settlement::NeverUsed) => Code::Expired,
            State::Asked | State::Reserved | State::Signed => return None,
            State::Cancelled => Code::Cancelled,
            State::Expired => Code::Expired,
            State::Rejected => Code::UserRejected,
            State::Refused => return Some(Self::refused(payment.code.as_deref().unwrap_or_default(), &payment.plan)),
        };
        Some(Self::new(code, &[]))
    }

    /// Why this plan is refused, by the code that the ledger writes down: in the words of what was found, with its own
    /// way out where it has one.
    pub(crate) fn refused(code: &str, plan: &plan::Plan) -> Self {
        let detail = "the approving transaction did not go through";
        let (site, host) = (quoted(&plan.site.to_string(), 300), quoted(plan.site.host(), 300));
        let mut failure = Self::detail(ended_code(code), detail);
        if let Some(finding) = crate::FindingView::all(plan).into_iter().find(|f| f.code == code) {
            failure.message = format!("{}: {}", finding.title, finding.text);
            failure.advice = find(&format!("{code}-advice"), &[]).or(failure.advice);
        }
        // A block tells what it covers: that of an app says nothing about the site.
        let contract = crate::show_payment::contract_name(plan, plan.contract);
        let args = [("site", Arg::Text(&site)), ("host", Arg::Text(&host)), ("contract", Arg::Text(&contract))];
        if let Some(message) = find(&format!("refused-{code}"), &args) {
            failure.message = message;
            failure.advice = find(&format!("refused-{code}-advice"), &[]).or(failure.advice);
        }
        failure
    }
}

/// The port's code for what the ledger wrote down.
pub(crate) fn ended_code(code: &str) -> Code {
    match code {
        "tokenUnknown" | "tokenLooksLike" => Code::UnknownToken,
        "contractUnknown" | "contractSuperseded" => Code::UnknownContract,
        "tokenCannotAuthorize" | "domainDiffers" => Code::CannotSign,
        "balanceShort" => Code::InsufficientBalance,
        "trxShort" | "allowanceNoTrx" => Code::TrxRequired,
        "accountNotActive" | "allowanceNoAccount" => Code::AccountNotActive,
        "otherKeys" | "allowanceOtherKeys" => Code::OtherKeys,
        "tokenPaused" => Code::TokenPaused,
        "payerBlocked" => Code::PayerBlocked,
        _ if code.starts_with("allowance") => Code::AllowanceRequired,
        "deadlinePassed" | "expired" => Code::Expired,
        "callerMissing" | "notYetValid" | "clockOff" | "recordAhead" | "nonceUsed" => Code::CannotSign,
        _ => Code::PolicyDenied,
    }
}

impl From<WalletError> for Failure {
    fn from(error: WalletError) -> Self {
        match &error {
            WalletError::Field { field, expected, found } => Self::field(field, expected, found),
            WalletError::Url(e) => Self::url("request.url", e),
            WalletError::Malformed(e) => malformed(e),
            WalletError::NoOffer(other) => no_offer(other),
            WalletError::NothingPayable { worst, reasons } => nothing_payable(worst, &reasons.join("; ")),
            WalletError::MaxAmount { max, asked } => {
                let (max, asked) = (quoted(max, 100), quoted(asked, 100));
                Self::new(Code::MaxAmountExceeded, &[("max", max.as_str()), ("asked", asked.as_str())])
            }
            WalletError::NoAccount => Self::new(Code::NoAccount, &[]),
            WalletError::Refused(payment) | WalletError::Ended(payment) => {
                Self::of_payment(payment).unwrap_or_else(|| Self::new(Code::AlreadyAnswered, &[]))
            }
            WalletError::RateLimited { retry_after } => Self {
                retry_after: Some(*retry_after),
                ..Self::new(Code::RateLimited, &[("seconds", retry_after.to_string().as_str())])
            },
            WalletError::TooManyTries { wrong, retry_after } => Self {
                message: say(
                    "too-many-tries",
                    &[("wrong", Arg::Count(u64::from(*wrong))), ("seconds", Arg::Count(u64::from(*retry_after)))],
                ),
                advice: find("too-many-tries-advice", &[]),
                retry_after: Some(*retry_after),
                ..Self::new(Code::RateLimited, &[("seconds", retry_after.to_string().as_str())])
            },
            WalletError::IdempotencyConflict { earlier } => {
                Self::new(Code::IdempotencyConflict, &[("earlier", earlier.as_str())])
            }
            WalletError::SameNonce => Self::new(Code::PermissionInUse, &[]),
            WalletError::AppName { name, why } => Self::app_name(name, why),
            WalletError::Signed(payment) => {
                let until = crate::show_payment::seconds(payment.plan.window.valid_before);
                Self::new(Code::AlreadySigned, &[("until", until.as_str())])
            }
            WalletError::Paid(payment) => Self::new(Code::AlreadyPaid, &[("payment", payment.id.to_string().as_str())]),
            WalletError::CostRose { .. } => Self::allowance("allowanceNoTrx", &error.to_string()),
            WalletError::Closed => Self::detail(Code::Internal, &error.to_string()),
            WalletError::Ledger(LedgerError::NoteTooLong { length }) => Self::field(
                "note",
                &format!("at most {} characters", ledger::NOTE_MAX),
                &format!("{length} characters"),
            ),
            WalletError::Ledger(LedgerError::NotATag { found }) => {
                Self::field("tags", &format!("1 to {} characters without a comma", ledger::TAG_MAX), found)
            }
            WalletError::Ledger(LedgerError::TooManyTags { found }) => {
                Self::field("tags", &format!("at most {} tags", ledger::TAGS_MAX), &found.to_string())
            }
            WalletError::Ledger(LedgerError::TooYoung { before, .. }) => Self::field(
                "olderThan",
                &format!("at least {} days: limits still look at younger payments", ledger::PRUNE_YOUNGEST_DAYS),
                &crate::show_payment::time(*before),
            ),
            WalletError::Ledger(LedgerError::NoSuchApp { .. }) => Self::new(Code::NotFound, &[("what", "app")]),
            WalletError::Ledger(LedgerError::NoSuch { what: "tag", .. }) => {
                Self::new(Code::NotFound, &[("what", "tag")])
            }
            WalletError::Ledger(LedgerError::NoSuchPayment { .. }) => Self::new(Code::NotFound, &[("what", "payment")]),
            WalletError::NotFound { what } => Self::new(Code::NotFound, &[("what", *what)]),
            WalletError::Locked => Self::new(Code::WalletLocked, &[]),
            WalletError::PlanChanged { .. } => Self::new(Code::PlanChanged, &[]),
            WalletError::AskedAgain { payment, news } => {
                let news = news.iter().map(|found| crate::FindingView::of(found, &payment.plan).title);
                let news = news.collect::<Vec<_>>().join("; ");
                Self { message: say("asked-again", &[("news", Arg::Text(&news))]), ..Self::new(Code::PlanChanged, &[]) }
            }
            WalletError::NotArmed { .. } => Self::new(Code::NotArmed, &[]),
            WalletError::NoTrxForAllowance { need, have, active } => {
                let trx = crate::show_finding::trx;
                let detail = format!("giving it takes up to {}, the account has {}", trx(*need), trx(*have));
                Self::allowance(if *active { "allowanceNoTrx" } else { "allowanceNoAccount" }, &detail)
            }
            WalletError::AllowanceFailed { code, reason } => Self::allowance(code, reason),
            WalletError::ZeroAllowanceFirst { spender, reason, .. } => {
                let detail =
                    format!("{spender} has one that is not zero, and the token changes no such one ({reason})");
                Self::allowance("allowanceZeroFirst", &detail)
            }
            WalletError::OtherKeys { .. } => Self::allowance("allowanceOtherKeys", &error.to_string()),
            WalletError::Node(_) if error.is_node_limit() => Self {
                advice: find("node-limited-advice", &[]),
                ..Self::detail(Code::NodeUnavailable, &error.to_string())
            },
            WalletError::Node(_) if error.is_node_busy() => Self {
                message: say("node-busy", &[("detail", Arg::Text(&quoted(&error.to_string(), 300)))]),
                advice: find("node-busy-advice", &[]),
                ..Self::new(Code::NodeUnavailable, &[])
            },
            WalletError::NoBlockTime { network } => {
                let message = say("no-block-time", &[("network", Arg::Text(network.label()))]);
                Self { message, ..Self::new(Code::NodeUnavailable, &[]) }
            }
            WalletError::ClockOff { seconds, ahead } => {
                let (duration, way) = crate::status::apart(*seconds, *ahead);
                let args = [("duration", Arg::Text(&duration)), ("way", Arg::Text(&way))];
                let (message, advice) = (say("clock-first", &args), find("clock-first-advice", &[]));
                Self { message, advice, ..Self::new(Code::PolicyDenied, &[]) }
            }
            WalletError::NoNode { .. } | WalletError::Node(_) => {
                Self::detail(Code::NodeUnavailable, &error.to_string())
            }
            WalletError::Ledger(e) if !e.is_storage() => Self::new(Code::AlreadyAnswered, &[]),
            WalletError::Ledger(e) => Self::detail(Code::LedgerUnavailable, &e.to_string()),
            WalletError::Vault(VaultError::WrongPassphrase) => Self::new(Code::WrongPassphrase, &[]),
            WalletError::Vault(VaultError::WatchedOnly { address }) => {
                Self::new(Code::WatchOnly, &[("address", address.to_string().as_str())])
            }
            WalletError::NotWritten(e) => Self {
                message: say("vault-not-written", &[("detail", Arg::Text(&quoted(&e.to_string(), 300)))]),
                advice: Some(say("vault-not-written-advice", &[])),
                ..Self::new(Code::VaultUnusable, &[])
            },
            WalletError::Keyring(e) => Self {
                message: of_keyring(e),
                advice: Some(say("keyring-advice", &[])),
                ..Self::new(Code::VaultUnusable, &[])
            },
            WalletError::Vault(_)
            | WalletError::Keystore(_)
            | WalletError::BadKey(_)
            | WalletError::AccountInUse { .. }
            | WalletError::AlreadyThere
            | WalletError::NothingToConfirm
            | WalletError::WrongWord { .. }
            | WalletError::BadWords { .. }
            | WalletError::ShortPassphrase { .. } => Self::detail(Code::VaultUnusable, &capital(&error.to_string())),
            WalletError::NotPaired { .. } => Self::new(Code::NotPaired, &[]),
            WalletError::NotOurs { .. } | WalletError::Check { .. } => Self::detail(Code::Internal, &error.to_string()),
        }
    }
}

/// What the keyring had against it, in a sentence.
pub(crate) fn of_keyring(error: &KeyringError) -> String {
    match error {
        KeyringError::Absent { reason } => say("keyring-absent", &[("detail", Arg::Text(&quoted(reason, 200)))]),
        KeyringError::Locked => say("keyring-locked", &[]),
        KeyringError::Gone => say("keyring-gone", &[]),
        KeyringError::Foreign => say("keyring-foreign", &[]),
        KeyringError::Silent { seconds } => say("keyring-silent", &[("seconds", Arg::Count(*seconds))]),
        KeyringError::Busy => say("keyring-busy", &[]),
    }
}

/// A 402 that is broken, or that says two things.
fn malformed(e: &x402::Malformed) -> Failure {
    Failure {
        field: Some(e.field.clone()),
        found: Some(quoted(&e.found, 80)),
        expected: Some(e.expected.clone()),
        ..Failure::detail(Code::MalformedPaymentRequired, &e.to_string())
    }
}

/// A 402 of something else, in the service's own words where it has some.
fn no_offer(other: &x402::answer::Other) -> Failure {
    Failure {
        message: words_of_other(other),
        advice: find("no-offer-advice", &[]),
        ..Failure::new(Code::MalformedPaymentRequired, &[])
    }
}

/// One sentence about a 402 without an offer.
pub(crate) fn words_of_other(other: &x402::answer::Other) -> String {
    let said = other.said.as_deref().map(|said| quoted(said, 240));
    let speaks = other.speaks.join(", ");
    let args = [
        ("said", Arg::Text(said.as_deref().unwrap_or_default())),
        ("speaks", Arg::Text(&speaks)),
        ("packed", Arg::Text(other.packed.as_deref().unwrap_or_default())),
    ];
    let mut words = match (&said, &other.packed) {
        (_, Some(_)) => say("no-offer-packed", &args),
        (Some(_), None) => say("no-offer-said", &args),
        (None, None) => say("no-offer", &args),
    };
    if !speaks.is_empty() {
        words = format!("{words} {}", say("no-offer-speaks", &args));
    }
    words
}

fn nothing_payable(worst: &Unpayable, all: &str) -> Failure {
    match worst {
        Unpayable::Network(_) => Failure::detail(Code::UnsupportedNetwork, all),
        Unpayable::Scheme(_) => Failure::detail(Code::UnsupportedScheme, all),
        Unpayable::CannotSign(_) => Failure::detail(Code::CannotSign, all),
        Unpayable::Malformed { field, found, expected } => Failure {
            field: Some(field.clone()),
            found: Some(quoted(found, 80)),
            expected: Some(expected.clone()),
            ..Failure::detail(Code::MalformedPaymentRequired, all)
        },
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
