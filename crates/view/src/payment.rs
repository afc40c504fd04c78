//! Payments as rows and as pages of detail: three dated lives, each with its own word.

use crate::{AddressView, FindingView, MoneyView, ProvenanceView};
use serde::{Deserialize, Serialize};
use specta::Type;
use utoipa::ToSchema;

/// Authorization, as the port and the window name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum StateView {
    /// Waits for a person (or for the unlock).
    Asked,
    /// Answered with yes or allowed by a limit; an allowance or the signature is on its way.
    Approved,
    Signed,
    /// Rejected by a person or by a rule, with its code.
    Refused,
    Cancelled,
    Expired,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum SettlementView {
    /// Nothing was signed: nothing can settle.
    None,
    /// Signed, outcome not known: counts as spent.
    Unknown,
    /// In a block, not final yet.
    Seen,
    /// Was in a block that the chain has dropped: until the permission ends it may still be settled, and counts as spent.
    Dropped,
    Final,
    /// The permission ended unused: nothing left.
    NeverUsed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum DeliveryView {
    Delivered,
    RefusedBySeller,
    NotReported,
}

/// One row of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentView {
    pub id: String,
    /// RFC 3339, UTC.
    pub at: String,
    pub app_name: String,
    pub app_id: String,
    /// Host as shown.
    pub site: String,
    pub site_key: String,
    pub provenance: ProvenanceView,
    pub method: String,
    pub path: String,
    /// What left, or what can leave at most.
    pub amount: MoneyView,
    /// The amount is a ceiling, the actual is not known yet.
    pub at_most: bool,
    pub state: StateView,
    pub settlement: SettlementView,
    pub delivery: DeliveryView,
    /// One word or two for the whole of it: "settled", "waiting", "refused", "expired, not paid".
    pub word: String,
    /// Nothing left the wallet and nothing can any more.
    pub nothing_left: bool,
    pub network: String,
    pub test_money: bool,
    /// Why it ended without a signature.
    pub code: Option<crate::Code>,
    pub transaction: Option<String>,
    /// What the seller says of a settlement that failed. Its word only: `settlement` is what the chain shows.
    pub seller_says: Option<String>,
    /// A person's own words on it, and their tags by name. Apps don't get them.
    pub note: Option<String>,
    pub tags: Vec<String>,
}

/// What the payments of one day come to, under the list's filter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DaySumView {
    /// "2026-11-22", in the filter's time zone.
    pub day: String,
    /// What left or can still leave, by network and token; absent where it was not added up: among the hits of a
    /// search, or where payments were removed by their age.
    pub sums: Option<Vec<MoneyView>>,
}

/// A page of rows, newest first unless asked otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentPage {
    pub payments: Vec<PaymentView>,
    /// What each day that is on this page comes to, all of it and not this page's part.
    pub days: Vec<DaySumView>,
    /// Pass as `after` for the next page; absent on the last one.
    pub next: Option<String>,
    /// RFC 3339: a page looks at ten thousand rows at most. This one is short, and went back (or on) to here.
    pub looked_to: Option<String>,
    /// So many payments are not in the search index yet; they are looked through all the same, only slower.
    pub unindexed: u32,
}

/// One dated step of a payment's lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepView {
    /// "asked", "approved", "reserved", "signed", "settled", "final", "delivered" …
    pub name: String,
    pub at: Option<String>,
    pub note: Option<String>,
}

/// Everything about one payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentDetailView {
    pub payment: PaymentView,
    pub url: String,
    pub price: MoneyView,
    pub fee: Option<MoneyView>,
    pub maximum: MoneyView,
    pub payer: AddressView,
    pub payee: AddressView,
    /// The fee's recipient, and who alone might have it settled; as of the question.
    pub recipients: Vec<crate::question::RecipientView>,
    pub token: AddressView,
    pub contract: AddressView,
    pub contract_name: String,
    pub scheme: String,
    pub site_words: Option<String>,
    pub app_words: Option<String>,
    pub valid_before: String,
    pub steps: Vec<StepView>,
    pub findings: Vec<FindingView>,
    /// The raw 402, made safe to show; empty where it came to nothing and is no longer kept.
    pub document: String,
    /// What was signed, when it was.
    pub signed_payload: Option<String>,
    pub block: Option<String>,
}
