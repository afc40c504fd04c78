//! What travels between sellers and the facilitator, as shapes for the OpenAPI document and for what is not x402's own.
//! The messages of x402 are written and read by `x402`; a test holds every answer against its shape here.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// `GET /supported`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Supported {
    pub kinds: Vec<Kind>,
    pub extensions: Vec<String>,
    /// By network pattern, the accounts that send settlements: `{ "tron:*": ["T…"] }`.
    pub signers: BTreeMap<String, Vec<String>>,
}

/// A scheme on a network, in each form in which networks are written. `extra.assets` lists the tokens that are settled
/// so: no other is.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Kind {
    #[schema(example = 2)]
    pub x402_version: u8,
    #[schema(example = "exact_permit")]
    pub scheme: String,
    #[schema(example = "tron:3448148188")]
    pub network: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra: Option<Map<String, Value>>,
}

/// The body of `POST /verify` and `POST /settle`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Question {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x402_version: Option<u8>,
    /// The buyer's `PaymentPayload`, of version 1 or 2.
    pub payment_payload: Map<String, Value>,
    /// The option of the seller's 402 that it pays.
    pub payment_requirements: Map<String, Value>,
}

/// The answer of `POST /verify`: good or bad, it is status 200.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Verdict {
    pub is_valid: bool,
    /// A published reason of the scheme, or one of `invalid_payload`, `unsupported_scheme`, `invalid_network`,
    /// `caller_mismatch`, `nonce_already_used`, `insufficient_funds`, `insufficient_allowance`,
    /// `facilitator_busy` or `facilitator_unavailable` (with status 503: there is no verdict).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invalid_reason: Option<String>,
    /// Whose payment it is, as far as that is proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payer: Option<String>,
}

/// The answer of `POST /settle`: good or bad, it is status 200.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Settlement {
    pub success: bool,
    /// The transaction's id; empty where none was sent.
    pub transaction: String,
    /// As the seller wrote it.
    pub network: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    /// As `invalidReason`, or `settlement_pending`: sent, with an outcome that is not known yet; settling the same
    /// payment again looks it up. Or `duplicate_settlement`: `transaction` settled it, and another caller was told so;
    /// whoever hears this delivers nothing for it. Or `reversed`: it was settled in a block that the chain has dropped,
    /// and `extra.reason` says why it can't be sent again; `extra.mayStillSettleUntil` (seconds since 1970) stands there
    /// while it may be settled all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra: Option<Map<String, Value>>,
}

/// A transaction that was sent for a payment: an entry of `GET /payments`. It tells what became of the money, and not
/// who may deliver for it: that is `/settle`'s to say.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PaymentRow {
    pub network: String,
    pub scheme: String,
    pub asset: String,
    pub payer: String,
    pub pay_to: String,
    pub nonce: String,
    pub amount: String,
    pub tx_hash: String,
    /// `pending`: sent, with an outcome that is not known. `success`. `failed`: without effect. `reversed`: it was in a
    /// block that the chain has dropped.
    pub status: String,
    /// Whether a success or a failure can still change: `seen`, or `final`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finality: Option<String>,
    /// Why it failed, or why what was reversed can't be sent again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_reason: Option<String>,
    /// What was reversed may be settled all the same until then, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub may_still_settle_until: Option<u64>,
    /// Seconds since 1970.
    pub created_at: u64,
}

/// The body of `POST /fee/quote`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuoteQuestion {
    /// Payment options; at most 16.
    pub accepts: Vec<Map<String, Value>>,
}

/// One entry of the answer of `POST /fee/quote`. What can't be quoted is left out.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Quote {
    pub fee: Fee,
    /// `flat` or `percentage`.
    pub pricing: String,
    pub scheme: String,
    /// As it was asked about.
    pub network: String,
    pub asset: String,
    /// Seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<u64>,
}

/// What a buyer signs on top of the price: `extra.fee` of an option.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fee {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facilitator_id: Option<String>,
    pub fee_to: String,
    /// Smallest units, as a decimal text.
    pub fee_amount: String,
    /// The account that will settle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
}

/// The answer of `GET /health/live`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Alive {
    #[schema(example = "ok")]
    pub status: String,
}

/// The answer of `GET /health/ready`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// `ok`, or `degraded` with status 503: on some network nothing can be settled.
    pub status: String,
    /// Transactions whose fate is not known; absent when the database can't be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<usize>,
    /// What somebody should look after, in sentences: each account that can't pay, by name.
    pub problems: Vec<String>,
    pub networks: Vec<NetworkHealth>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NetworkHealth {
    pub network: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block: Option<u64>,
    /// This machine's clock less the newest block's time, where they are more than two minutes apart: payments are
    /// judged by the block's.
    #[serde(rename = "clockAheadSeconds", skip_serializing_if = "Option::is_none")]
    pub clock_ahead_seconds: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    pub signers: Vec<SignerHealth>,
}

/// An account that sends settlements, as it was when it was last looked at; without numbers: not looked at yet.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignerHealth {
    pub address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trx_sun: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub energy: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bandwidth: Option<u64>,
    pub can_pay: bool,
}

/// Why a request was not answered.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// `invalid_request`, `too_many_requests`, `too_many_at_once` or `too_slow`.
    pub error: String,
    pub message: String,
    /// The member that is meant: `paymentPayload.payload`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
}

impl Problem {
    pub(crate) fn new(error: &str, message: impl Into<String>) -> Self {
        let (error, message) = (error.to_owned(), message.into());
        Self { error, message, field: None, found: None, expected: None }
    }
}
