//! The question a person answers: everything that would be signed, what is odd about it, and the digest
//! that ties the answer to what was shown.

use crate::{AddressView, CoversView, MoneyView, ProvenanceView};
use serde::{Deserialize, Serialize};
use specta::Type;
use utoipa::ToSchema;

/// Text from outside as it may be shown: control, zero-width and bidirectional characters become visible
/// symbols, line breaks become spaces, and what is longer than `max` characters ends in "…".
pub fn quoted(text: &str, max: usize) -> String {
    let mut out = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == max {
            out.push('…');
            break;
        }
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            c if c.is_control() => match char::from_u32(0x2400 + c as u32) {
                Some(symbol) if (c as u32) < 0x20 => out.push(symbol),
                _ => out.push('\u{2421}'),
            },
            c if x402::is_invisible(c) => out.push_str(&format!("⟨U+{:04X}⟩", c as u32)),
            c => out.push(c),
        }
    }
    out
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum WeightView {
    Good,
    Note,
    Warn,
    Stop,
}

/// One finding: a short title and a sentence with the figures that a person can check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FindingView {
    /// Stable name of the fact: "payeeChanged".
    pub code: String,
    pub weight: WeightView,
    pub title: String,
    pub text: String,
    /// Two addresses to compare letter by letter, where the finding is about one that resembles another.
    pub compare: Option<CompareView>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CompareView {
    /// "Asked for", "Real USDT".
    pub asked_label: String,
    pub asked: String,
    pub known_label: String,
    pub known: String,
}

/// Who has a part in a payment beside its payee.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecipientView {
    /// "Fee goes to", "Settled by".
    pub label: String,
    pub address: AddressView,
    /// "never seen before", "known here".
    pub note: String,
    /// Had this part at this site before.
    pub known: bool,
}

/// A limit and how full it would be after this payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LimitBarView {
    /// "news.example, last 24 hours".
    pub label: String,
    pub spent: MoneyView,
    /// Spent with this payment.
    pub after: MoneyView,
    pub limit: MoneyView,
    /// What of it may still be paid without asking, before this payment.
    pub left: MoneyView,
    /// When that grows; absent while nothing counts against the limit.
    pub frees: Option<FreesView>,
    /// Share of the limit already spent and after this payment, 0 to 100, rounded up.
    pub spent_percent: u32,
    pub after_percent: u32,
}

/// The next moment at which a limit has more room, if nothing else is paid until then. What is proven unused counts no
/// longer at once, which may be earlier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FreesView {
    /// RFC 3339.
    pub at: String,
    /// How much more may be paid from then on.
    pub more: MoneyView,
}

/// The allowance that has to be given first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AllowanceView {
    pub spender: AddressView,
    /// "PaymentPermit contract".
    pub spender_name: String,
    pub have: MoneyView,
    /// The exact amount: the default choice.
    pub exact: MoneyView,
    /// Most TRX that the approving transaction burns.
    pub cost: MoneyView,
    /// Bounded totals offered beside exact (so that the next payments need no transaction).
    pub totals: Vec<MoneyView>,
}

/// Why approving isn't there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DangerView {
    pub title: String,
    pub text: String,
    pub compare: Option<CompareView>,
    /// Further findings, one line each.
    pub also: Vec<String>,
}

/// An open question, complete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuestionView {
    /// The payment's id.
    pub id: String,
    /// Digest of the plan that is shown; the answer has to name it.
    pub digest: String,
    pub app_id: String,
    pub app_name: String,
    /// When the app was paired, RFC 3339; absent for the owner's own command line.
    pub app_since: Option<String>,
    /// 1-based place in the queue, and its length.
    pub position: u32,
    pub queue: u32,
    pub price: MoneyView,
    pub fee: Option<MoneyView>,
    /// Fee as a share of the price, rounded up.
    pub fee_percent: Option<u32>,
    pub maximum: MoneyView,
    pub account_name: String,
    pub account: AddressView,
    /// Balance before and after; absent when the node did not answer.
    pub before: Option<MoneyView>,
    pub after: Option<MoneyView>,
    /// The requested host, with port where it is unusual.
    pub site: String,
    /// The requested site as a key: "https://news.example".
    pub site_key: String,
    pub provenance: ProvenanceView,
    /// "fetcher says that it asked news.example; Countersign has not asked it."
    pub provenance_note: String,
    pub method: String,
    pub path: String,
    /// The site's words, made safe to show; absent when it said nothing.
    pub site_words: Option<String>,
    /// The app's words.
    pub app_words: Option<String>,
    pub payee: AddressView,
    /// "same address 14 times since March".
    pub payee_note: String,
    pub payee_known: bool,
    /// The fee's recipient, and who alone may have it settled.
    pub recipients: Vec<RecipientView>,
    pub network: String,
    pub test_money: bool,
    pub scheme: String,
    pub token: AddressView,
    pub contract: AddressView,
    pub contract_name: String,
    pub findings: Vec<FindingView>,
    pub limits: Vec<LimitBarView>,
    pub allowance: Option<AllowanceView>,
    /// RFC 3339; the question closes by itself then.
    pub expires_at: String,
    /// RFC 3339; when the permission itself ends; as of the plan where `lifetime_seconds` says how long it holds.
    pub valid_before: String,
    /// Seconds from the yes until the permission ends; absent where the 402 dictates when.
    pub lifetime_seconds: Option<u32>,
    /// How many ways of paying the 402 offers: more than one can be compared with `choices`.
    pub options: u32,
    /// Another Permit2 deployment that this payment can go through, where the site's seller refused the one taken.
    pub other_permit2: Option<String>,
    /// Milliseconds that approving still waits after `shown`.
    pub arming_ms: u32,
    /// Present when approving isn't possible.
    pub danger: Option<DangerView>,
    /// A sentence, when the program that asked hung up or was not heard of for long. The question stays open.
    pub asker_gone: Option<String>,
    /// The wallet has to be unlocked before the answer counts.
    pub locked: bool,
    /// The raw 402, pretty-printed, made safe to show.
    pub document: String,
    /// The typed data that would be signed, pretty-printed.
    pub typed_data: Option<String>,
}

/// How far an approval reaches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum ScopeView {
    Once,
    /// From now on this app may pay this site in this token up to these totals without asking. Whole units
    /// as typed ("2.00"); an absent one has no limit of its own, at least one must be given.
    #[serde(rename_all = "camelCase")]
    Limit {
        per_payment: Option<String>,
        per_day: Option<String>,
        per_month: Option<String>,
        /// Absent: as the question itself is, so that a limit answers for no more than what was looked at.
        covers: Option<CoversView>,
    },
}

/// A person's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum AnswerView {
    #[serde(rename_all = "camelCase")]
    Approve {
        scope: ScopeView,
        /// Where an allowance is missing: whole units of a total as offered; absent means the exact amount.
        allowance_total: Option<String>,
    },
    #[serde(rename_all = "camelCase")]
    Reject { block_site: bool },
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn what_a_server_says_cannot_reorder_or_hide() {
        assert_eq!(quoted("pay \u{202e}0.1\u{202c}", 99), "pay ⟨U+202E⟩0.1⟨U+202C⟩");
        assert_eq!(quoted("a\u{0}b\u{7f}c\nd", 99), "a\u{2400}b\u{2421}c d");
        assert_eq!(quoted("zero\u{200b}width", 99), "zero⟨U+200B⟩width");
        assert_eq!(quoted("short\u{1bca0}hand", 99), "short⟨U+1BCA0⟩hand");
        assert_eq!(quoted("long text", 4), "long…");
        assert_eq!(quoted("<b>中文</b>", 99), "<b>中文</b>");
    }
}
