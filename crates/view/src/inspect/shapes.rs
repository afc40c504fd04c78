//! What the inspector answers: every document that was found, field by field. Shapes only.

use crate::FindingView;
use serde::{Deserialize, Serialize};
use specta::Type;
use utoipa::ToSchema;

use crate::WeightView;

/// What a piece of the text was recognised as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum KindView {
    PaymentRequired,
    /// One option without the document around it.
    Requirement,
    PaymentPayload,
    SettleResponse,
    /// Body of `/verify` and `/settle`.
    VerifyRequest,
    VerifyResponse,
    Supported,
    FeeQuoteRequest,
    FeeQuotes,
    TypedData,
    Signature,
    /// 32 bytes: a transaction id, a digest or a nonce.
    Hash,
    Transaction,
    /// What a node says: a receipt, an account, a block, an error.
    NodeAnswer,
    /// Input of a contract call.
    CallData,
    Address,
    Network,
    /// A URL that was not fetched.
    Url,
    /// Status line and headers of an HTTP message.
    Http,
    /// Several documents of one text beside each other.
    Comparison,
    /// What looks like secret words: not shown again.
    Secret,
    Unknown,
}

/// One field, in plain words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LineView {
    pub label: String,
    /// Made safe to show.
    pub value: String,
    /// The same in its other form: an address as 20 bytes of hex, a time in seconds.
    pub also: Option<String>,
    /// What is known about this value: "USDT on TRON Nile", "expired 4 minutes ago".
    pub remark: Option<String>,
    /// What the field means.
    pub help: Option<String>,
    /// How the remark weighs, where it weighs something.
    pub weight: Option<WeightView>,
}

/// Fields that belong together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GroupView {
    /// "option 1", "resource", "signed".
    pub name: String,
    /// One of several that a reader compares side by side.
    pub option: bool,
    pub lines: Vec<LineView>,
}

/// A way to read the text that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TriedView {
    /// "a PAYMENT-REQUIRED".
    pub what: String,
    pub field: String,
    pub found: String,
    pub expected: String,
}

/// One document of the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PartView {
    pub kind: KindView,
    /// One sentence: "A PAYMENT-REQUIRED of version 2 with 3 options."
    pub title: String,
    /// Where in the text it stood: "header PAYMENT-REQUIRED", "body"; absent when it is the whole text.
    pub place: Option<String>,
    pub findings: Vec<FindingView>,
    pub groups: Vec<GroupView>,
    /// What it was tried as, where it is nothing that is known.
    pub tried: Vec<TriedView>,
    /// The document pretty-printed, made safe to show; empty where there is none.
    pub document: String,
}

/// Everything that was found in a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InspectView {
    /// One sentence about all of it.
    pub title: String,
    /// False when nothing in the text is known.
    pub understood: bool,
    pub parts: Vec<PartView>,
    /// The text is a URL: it can be fetched, which nothing here does.
    pub url: Option<String>,
    /// A transaction or a nonce in it can be looked up on its own network.
    pub can_look_up: bool,
    /// A 32-byte value that may be a transaction's id; looked up only on a network that the person names.
    pub needs_network: bool,
    /// What was looked up on chain, and when not: why.
    pub looked_up: Vec<String>,
}
