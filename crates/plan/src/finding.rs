//! What is odd, or reassuring, about a plan: facts with a weight. Holds no words for people; the
//! catalogue in `view` has them.

use crate::{Moment, Role};
use tron::{Address, Amount};

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Reassures.
    Good,
    /// Worth knowing; a limit may still answer.
    Note,
    /// A person has to look: never automatic.
    Warn,
    /// Nothing may be signed.
    Stop,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub weight: Weight,
    pub fact: Fact,
}

/// Why this option of several was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// No other one would settle.
    OnlyOne,
    /// The app prefers it.
    Preferred,
    Cheapest,
    /// A person took it.
    Person,
}

/// Each fact carries the figures that a person can check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// Known token, registry contract, exact amount: nothing odd.
    AllKnown,
    /// Approved before. `times` here and below: what of it was settled; with none, `since` is the first approval.
    PayeeKnown {
        times: u64,
        since: Moment,
    },
    PayeeFirstSeen,
    /// Paid before, and never at this site, where nobody was paid.
    PayeeNewHere {
        times: u64,
        since: Moment,
    },
    /// The fee's recipient or the caller: never met in this role.
    RecipientFirstSeen {
        role: Role,
        address: Address,
    },
    /// Met elsewhere; at this site nobody had this role.
    RecipientNewHere {
        role: Role,
        address: Address,
        times: u64,
    },
    /// At this site somebody else had this role.
    RecipientChanged {
        role: Role,
        address: Address,
        before: Address,
        times: u64,
    },
    /// First and last characters equal those of a recipient that is known.
    RecipientLooksLike {
        role: Role,
        address: Address,
        known: Address,
    },
    /// Nothing was ever paid at this site, and a person could take its host for that of one that was.
    SiteResembles {
        known: String,
    },
    /// Nothing was ever paid at this site; its host is known by another scheme or port.
    SiteOtherPort {
        known: String,
    },
    /// This site was paid at another address before.
    PayeeChanged {
        before: Address,
        times: u64,
    },
    /// First and last characters equal those of an address that was paid before.
    PayeeLooksLike {
        known: Address,
    },
    /// A token whose address resembles a known token's.
    TokenLooksLike {
        known: Address,
        symbol: String,
    },
    TokenUnknown {
        claimed_symbol: Option<String>,
        claimed_decimals: Option<u8>,
        real: Option<Address>,
    },
    /// A known token's older deployment.
    TokenOlder,
    /// The server's decimals differ from the token's.
    DecimalsClaimed {
        claimed: u64,
        real: u8,
    },
    /// `percent` is rounded up.
    FeeShare {
        fee: Amount,
        price: Amount,
        percent: u64,
    },
    /// The price is zero, and so is the fee.
    NothingPaid,
    PriceAboveUsual {
        usual: Amount,
        now: Amount,
    },
    DeadlineFar {
        seconds: u64,
    },
    DeadlinePassed {
        seconds_ago: u64,
    },
    NotYetValid {
        seconds: u64,
    },
    /// This machine's clock is this far from the newest block: `ahead` of it, or behind.
    ClockOff {
        seconds: u64,
        ahead: bool,
    },
    /// The record lies this far ahead of the time: it was written while a clock was wrong.
    RecordAhead {
        seconds: u64,
    },
    ResourceElsewhere {
        claimed: String,
    },
    AllowanceMissing {
        have: Amount,
        need: Amount,
    },
    BalanceShort {
        have: Amount,
        need: Amount,
    },
    /// The account lacks TRX for the transaction that gives the allowance; both in sun.
    TrxShort {
        need: u64,
        have: u64,
    },
    /// The account never had TRX, so it sends no transaction, and the allowance takes one; `need` in sun.
    AccountNotActive {
        need: u64,
    },
    /// The account's owner permission is with other keys, and the allowance takes a transaction.
    OtherKeys,
    /// The token moves for nobody.
    TokenPaused,
    /// The token has blocked the payer.
    PayerBlocked,
    /// A trial run of the transfer failed, by the token's word.
    TransferFails {
        reason: String,
    },
    /// The node did not answer, so balance and allowance are not known.
    ChainUnknown,
    TestMoney,
    /// The site's seller called a signature for this Permit2 deployment wrong; it may only know the other one.
    Permit2Refused {
        set: String,
        other: String,
    },
    /// This site was last paid, or refused to be paid, through the Permit2 deployment `before`.
    Permit2Changed {
        set: String,
        before: String,
    },
    ContractUnknown {
        contract: Address,
    },
    /// A contract of an earlier release, known and never signed for.
    ContractSuperseded {
        contract: Address,
    },
    CallerMissing,
    /// The token has no `transferWithAuthorization`.
    TokenCannotAuthorize,
    /// The token signs under another domain than the server says.
    DomainDiffers {
        claimed_name: String,
        claimed_version: String,
        /// As the token itself states it, where it does.
        name: Option<String>,
        version: Option<String>,
    },
    NonceUsed,
    PaidJustNow {
        seconds_ago: u64,
        payment: String,
        earlier: EarlierOutcome,
    },
    /// An earlier question for the same resource is still open.
    AskedToo {
        seconds_ago: u64,
        payment: String,
        same_app: bool,
    },
    /// One of `options` in the 402.
    OptionChosen {
        why: Chosen,
        options: u64,
    },
}

impl Finding {
    /// Whether somebody who was told this knows `now` as well: the same fact, at most as heavy as it was, with figures
    /// that are no worse. Time that passes makes nothing new; another payment, address or amount does.
    pub fn tells(&self, now: &Finding) -> bool {
        self.weight >= now.weight && self.fact.tells(&now.fact)
    }
}

/// A figure in whole minutes may fall on either side of a full one.
const MINUTE_SECS: u64 = 60;

impl Fact {
    fn tells(&self, now: &Self) -> bool {
        match (self, now) {
            (Self::PaidJustNow { payment, earlier, .. }, Self::PaidJustNow { payment: it, earlier: came_to, .. }) => {
                payment == it && earlier == came_to
            }
            (Self::AskedToo { payment, .. }, Self::AskedToo { payment: it, .. }) => payment == it,
            (Self::PayeeKnown { .. }, Self::PayeeKnown { .. })
            | (Self::PayeeNewHere { .. }, Self::PayeeNewHere { .. }) => true,
            (
                Self::RecipientNewHere { role, address, .. },
                Self::RecipientNewHere { role: now_role, address: now_address, .. },
            ) => (role, address) == (now_role, now_address),
            (
                Self::RecipientChanged { role, address, before, .. },
                Self::RecipientChanged { role: now_role, address: now_address, before: now_before, .. },
            ) => (role, address, before) == (now_role, now_address, now_before),
            (Self::PayeeChanged { before, .. }, Self::PayeeChanged { before: now_before, .. }) => before == now_before,
            (
                Self::PriceAboveUsual { usual, now: price },
                Self::PriceAboveUsual { usual: now_usual, now: now_price },
            ) => now_usual >= usual && now_price <= price,
            (Self::DeadlineFar { seconds }, Self::DeadlineFar { seconds: left })
            | (Self::NotYetValid { seconds }, Self::NotYetValid { seconds: left }) => left <= seconds,
            (Self::ClockOff { seconds, ahead }, Self::ClockOff { seconds: now_seconds, ahead: now_ahead }) => {
                ahead == now_ahead && *now_seconds <= seconds.saturating_add(MINUTE_SECS)
            }
            (Self::RecordAhead { seconds }, Self::RecordAhead { seconds: now_seconds }) => {
                *now_seconds <= seconds.saturating_add(MINUTE_SECS)
            }
            // How much is there and how much is allowed stands in the plan, and is compared with it.
            (Self::AllowanceMissing { .. }, Self::AllowanceMissing { .. })
            | (Self::TransferFails { .. }, Self::TransferFails { .. }) => true,
            (one, other) => one == other,
        }
    }
}

/// What is known of an earlier payment for the same thing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EarlierOutcome {
    /// It may still be settled: paying again may pay twice.
    Unknown,
    /// The chain has it, and its caller reported that the seller refused to deliver.
    Refused,
    /// The chain has it, or its caller reported a delivery.
    #[default]
    Paid,
}

impl Fact {
    /// A stable name for the record and for every surface.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::AllKnown => "allKnown",
            Self::PayeeKnown { .. } => "payeeKnown",
            Self::PayeeFirstSeen => "payeeFirstSeen",
            Self::PayeeNewHere { .. } => "payeeNewHere",
            Self::RecipientFirstSeen { role: Role::Caller, .. } => "callerFirstSeen",
            Self::RecipientFirstSeen { .. } => "feeRecipientFirstSeen",
            Self::RecipientNewHere { role: Role::Caller, .. } => "callerNewHere",
            Self::RecipientNewHere { .. } => "feeRecipientNewHere",
            Self::RecipientChanged { role: Role::Caller, .. } => "callerChanged",
            Self::RecipientChanged { .. } => "feeRecipientChanged",
            Self::RecipientLooksLike { role: Role::Caller, .. } => "callerLooksLike",
            Self::RecipientLooksLike { .. } => "feeRecipientLooksLike",
            Self::SiteResembles { .. } => "siteResembles",
            Self::SiteOtherPort { .. } => "siteOtherPort",
            Self::PayeeChanged { .. } => "payeeChanged",
            Self::PayeeLooksLike { .. } => "payeeLooksLike",
            Self::TokenLooksLike { .. } => "tokenLooksLike",
            Self::TokenUnknown { .. } => "tokenUnknown",
            Self::TokenOlder => "tokenOlder",
            Self::DecimalsClaimed { .. } => "decimalsClaimed",
            Self::FeeShare { .. } => "feeShare",
            Self::NothingPaid => "nothingPaid",
            Self::PriceAboveUsual { .. } => "priceAboveUsual",
            Self::DeadlineFar { .. } => "deadlineFar",
            Self::DeadlinePassed { .. } => "deadlinePassed",
            Self::NotYetValid { .. } => "notYetValid",
            Self::ClockOff { .. } => "clockOff",
            Self::RecordAhead { .. } => "recordAhead",
            Self::ResourceElsewhere { .. } => "resourceElsewhere",
            Self::AllowanceMissing { .. } => "allowanceMissing",
            Self::BalanceShort { .. } => "balanceShort",
            Self::TrxShort { .. } => "trxShort",
            Self::AccountNotActive { .. } => "accountNotActive",
            Self::OtherKeys => "otherKeys",
            Self::TokenPaused => "tokenPaused",
            Self::PayerBlocked => "payerBlocked",
            Self::TransferFails { .. } => "transferFails",
            Self::ChainUnknown => "chainUnknown",
            Self::TestMoney => "testMoney",
            Self::Permit2Refused { .. } => "permit2Refused",
            Self::Permit2Changed { .. } => "permit2Changed",
            Self::ContractUnknown { .. } => "contractUnknown",
            Self::ContractSuperseded { .. } => "contractSuperseded",
            Self::CallerMissing => "callerMissing",
            Self::TokenCannotAuthorize => "tokenCannotAuthorize",
            Self::DomainDiffers { .. } => "domainDiffers",
            Self::NonceUsed => "nonceUsed",
            Self::PaidJustNow { .. } => "paidJustNow",
            Self::AskedToo { .. } => "askedToo",
            Self::OptionChosen { .. } => "optionChosen",
        }
    }
}
