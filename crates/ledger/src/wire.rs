//! How findings and reasons are written inside a row: JSON with amounts as decimal strings and addresses in
//! Base58. Private to the ledger; a shape that was written once stays readable.

use crate::LedgerError;
use plan::{Chosen, EarlierOutcome, Fact, Finding, Moment, Role, Weight, Why};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tron::{Address, Amount};

#[derive(Serialize, Deserialize)]
#[serde(remote = "Weight", rename_all = "camelCase")]
enum WeightText {
    Good,
    Note,
    Warn,
    Stop,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Chosen", rename_all = "camelCase")]
enum ChosenText {
    OnlyOne,
    Preferred,
    Cheapest,
    Person,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Role", rename_all = "camelCase")]
enum RoleText {
    Payee,
    Fee,
    Caller,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "EarlierOutcome", rename_all = "camelCase")]
enum EarlierOutcomeText {
    Unknown,
    Refused,
    Paid,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Fact", rename_all = "camelCase", rename_all_fields = "camelCase", tag = "fact")]
enum FactText {
    AllKnown,
    PayeeKnown {
        times: u64,
        #[serde(with = "moment")]
        since: Moment,
    },
    PayeeFirstSeen,
    PayeeNewHere {
        times: u64,
        #[serde(with = "moment")]
        since: Moment,
    },
    RecipientFirstSeen {
        #[serde(with = "RoleText")]
        role: Role,
        #[serde(with = "text")]
        address: Address,
    },
    RecipientNewHere {
        #[serde(with = "RoleText")]
        role: Role,
        #[serde(with = "text")]
        address: Address,
        times: u64,
    },
    RecipientChanged {
        #[serde(with = "RoleText")]
        role: Role,
        #[serde(with = "text")]
        address: Address,
        #[serde(with = "text")]
        before: Address,
        times: u64,
    },
    RecipientLooksLike {
        #[serde(with = "RoleText")]
        role: Role,
        #[serde(with = "text")]
        address: Address,
        #[serde(with = "text")]
        known: Address,
    },
    SiteResembles {
        known: String,
    },
    SiteOtherPort {
        known: String,
    },
    PayeeChanged {
        #[serde(with = "text")]
        before: Address,
        times: u64,
    },
    PayeeLooksLike {
        #[serde(with = "text")]
        known: Address,
    },
    TokenLooksLike {
        #[serde(with = "text")]
        known: Address,
        symbol: String,
    },
    TokenUnknown {
        claimed_symbol: Option<String>,
        claimed_decimals: Option<u8>,
        #[serde(with = "maybe")]
        real: Option<Address>,
    },
    TokenOlder,
    DecimalsClaimed {
        claimed: u64,
        real: u8,
    },
    FeeShare {
        #[serde(with = "text")]
        fee: Amount,
        #[serde(with = "text")]
        price: Amount,
        percent: u64,
    },
    NothingPaid,
    PriceAboveUsual {
        #[serde(with = "text")]
        usual: Amount,
        #[serde(with = "text")]
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
    ClockOff {
        seconds: u64,
        ahead: bool,
    },
    RecordAhead {
        seconds: u64,
    },
    ResourceElsewhere {
        claimed: String,
    },
    AllowanceMissing {
        #[serde(with = "text")]
        have: Amount,
        #[serde(with = "text")]
        need: Amount,
    },
    BalanceShort {
        #[serde(with = "text")]
        have: Amount,
        #[serde(with = "text")]
        need: Amount,
    },
    TrxShort {
        need: u64,
        have: u64,
    },
    AccountNotActive {
        need: u64,
    },
    OtherKeys,
    TokenPaused,
    PayerBlocked,
    TransferFails {
        reason: String,
    },
    ChainUnknown,
    TestMoney,
    Permit2Refused {
        set: String,
        other: String,
    },
    Permit2Changed {
        set: String,
        before: String,
    },
    ContractUnknown {
        #[serde(with = "text")]
        contract: Address,
    },
    ContractSuperseded {
        #[serde(with = "text")]
        contract: Address,
    },
    CallerMissing,
    TokenCannotAuthorize,
    DomainDiffers {
        claimed_name: String,
        claimed_version: String,
        name: Option<String>,
        version: Option<String>,
    },
    NonceUsed,
    PaidJustNow {
        seconds_ago: u64,
        payment: String,
        // Rows of before did not tell.
        #[serde(default, with = "EarlierOutcomeText")]
        earlier: EarlierOutcome,
    },
    AskedToo {
        seconds_ago: u64,
        payment: String,
        same_app: bool,
    },
    OptionChosen {
        #[serde(with = "ChosenText")]
        why: Chosen,
        options: u64,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Why", rename_all = "camelCase", rename_all_fields = "camelCase", tag = "why")]
enum WhyText {
    NoRule,
    SiteClaimed,
    #[serde(with = "finding_index")]
    Finding(usize),
    OverPerPayment {
        #[serde(with = "text")]
        limit: Amount,
        #[serde(with = "text")]
        asked: Amount,
    },
    OverDay {
        #[serde(with = "text")]
        limit: Amount,
        #[serde(with = "text")]
        spent: Amount,
        #[serde(with = "text")]
        asked: Amount,
    },
    OverMonth {
        #[serde(with = "text")]
        limit: Amount,
        #[serde(with = "text")]
        spent: Amount,
        #[serde(with = "text")]
        asked: Amount,
    },
    Locked,
    AllowanceNeeded,
}

#[derive(Serialize, Deserialize)]
struct FindingRow {
    #[serde(with = "WeightText")]
    weight: Weight,
    #[serde(flatten, with = "FactText")]
    fact: Fact,
}

#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct WhyRow(#[serde(with = "WhyText")] Why);

pub fn write_findings(findings: &[Finding]) -> Result<String, LedgerError> {
    let rows = findings.iter().map(|f| FindingRow { weight: f.weight, fact: f.fact.clone() }).collect::<Vec<_>>();
    serde_json::to_string(&rows).map_err(|e| damaged("findings", &e))
}

pub fn read_findings(text: &str) -> Result<Vec<Finding>, LedgerError> {
    let rows: Vec<FindingRow> = serde_json::from_str(text).map_err(|e| damaged("findings", &e))?;
    Ok(rows.into_iter().map(|r| Finding { weight: r.weight, fact: r.fact }).collect())
}

pub fn write_whys(whys: &[Why]) -> Result<String, LedgerError> {
    let rows = whys.iter().cloned().map(WhyRow).collect::<Vec<_>>();
    serde_json::to_string(&rows).map_err(|e| damaged("whys", &e))
}

pub fn read_whys(text: &str) -> Result<Vec<Why>, LedgerError> {
    let rows: Vec<WhyRow> = serde_json::from_str(text).map_err(|e| damaged("whys", &e))?;
    Ok(rows.into_iter().map(|r| r.0).collect())
}

fn damaged(field: &'static str, error: &serde_json::Error) -> LedgerError {
    LedgerError::Damaged { field, found: error.to_string() }
}

/// What a value's own text form carries without loss.
trait Textual: Sized {
    fn write(&self) -> String;
    fn read(text: &str) -> Option<Self>;
}

impl Textual for Address {
    fn write(&self) -> String {
        self.to_string()
    }
    fn read(text: &str) -> Option<Self> {
        Address::parse(text).ok()
    }
}

impl Textual for Amount {
    fn write(&self) -> String {
        self.to_string()
    }
    fn read(text: &str) -> Option<Self> {
        Amount::parse_smallest(text).ok()
    }
}

mod text {
    use super::*;
    pub fn serialize<T: Textual, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&value.write())
    }
    pub fn deserialize<'de, T: Textual, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
        let text = String::deserialize(from)?;
        T::read(&text).ok_or_else(|| serde::de::Error::custom(format!("expected an address or amount, found {text:?}")))
    }
}

mod maybe {
    use super::*;
    pub fn serialize<S: Serializer>(value: &Option<Address>, to: S) -> Result<S::Ok, S::Error> {
        value.map(|a| a.to_string()).serialize(to)
    }
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Address>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|t| Address::parse(&t).map_err(serde::de::Error::custom)).transpose()
    }
}

mod moment {
    use super::*;
    pub fn serialize<S: Serializer>(value: &Moment, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(value.0)
    }
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Moment, D::Error> {
        i64::deserialize(from).map(Moment)
    }
}

/// An internally tagged enum has no place for a bare number: the index gets a name.
mod finding_index {
    use super::*;
    #[derive(Serialize, Deserialize)]
    struct Index {
        index: usize,
    }
    pub fn serialize<S: Serializer>(index: &usize, to: S) -> Result<S::Ok, S::Error> {
        Index { index: *index }.serialize(to)
    }
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<usize, D::Error> {
        Index::deserialize(from).map(|i| i.index)
    }
}
