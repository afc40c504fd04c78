//! Anything x402, explained field by field. Shapes only.

use crate::FindingView;
use serde::{Deserialize, Serialize};
use specta::Type;
use utoipa::ToSchema;

/// One field of a document, in plain words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LineView {
    /// Which part: "option 1", "resource".
    pub group: String,
    pub label: String,
    /// Made safe to show.
    pub value: String,
    pub remark: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InspectView {
    /// "paymentRequired", "paymentPayload", "settleResponse", "typedData".
    pub kind: String,
    /// One sentence: what this is.
    pub title: String,
    pub lines: Vec<LineView>,
    pub findings: Vec<FindingView>,
    /// The document pretty-printed, made safe to show.
    pub document: String,
}
