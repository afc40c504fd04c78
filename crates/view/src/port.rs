//! What apps send to the port and get back. Shapes only; `helper` carries them.

use crate::{Failure, FreesView, MoneyView, StateView};
use serde::{Deserialize, Serialize};
use specta::Type;
use utoipa::ToSchema;

/// The HTTP request that met the 402.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpRequestView {
    #[schema(example = "GET")]
    pub method: String,
    /// Absolute http or https URL as it was requested, not as the 402 names it.
    #[schema(example = "https://news.example/articles/8841")]
    pub url: String,
}

/// Which option of `accepts` the app would rather pay with. Never widens what is allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PreferView {
    pub scheme: Option<String>,
    pub network: Option<String>,
    /// Token contract.
    pub asset: Option<String>,
}

/// `POST /v1/payments`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PaymentRequestView {
    pub request: HttpRequestView,
    /// The raw 402, unchanged, as text: the `PAYMENT-REQUIRED` header's value (base64), or the body as it came. Wrappers (JSON-RPC, MCP, A2A, a framework's error) are looked through; two places of it that disagree are refused.
    pub payment_required: String,
    /// The app's words for the person: why it wants to pay. At most 500 characters.
    pub reason: Option<String>,
    /// 1 to 128 visible ASCII characters. The same key with the same request returns the same payment; with another it is a conflict.
    pub idempotency_key: Option<String>,
    /// Most that may leave, and of which token: "0.50 USDT" in whole units with a symbol that Countersign knows, or "500000 TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t" in smallest units with the token's contract. A number alone is in smallest units and needs `prefer.asset`: the seller chooses the token, and tokens differ in decimals. Options in other tokens are over it.
    #[schema(example = "0.50 USDT")]
    pub max_amount: Option<String>,
    pub prefer: Option<PreferView>,
}

/// A payment as its app sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentAnswerView {
    pub id: String,
    pub status: StateView,
    /// RFC 3339: while asked, when the question closes; once signed, when the permission ends.
    pub expires_at: String,
    /// While asked: "answer" or "unlock".
    pub waiting_for: Option<String>,
    /// Once signed: the header to send, ready as it is.
    pub header_name: Option<String>,
    pub header_value: Option<String>,
    /// What is or would be signed.
    pub plan: PlanView,
    pub settlement: crate::SettlementView,
    pub transaction: Option<String>,
    /// What the seller says of a settlement that failed. Its word only: `settlement` is what the chain shows.
    pub seller_says: Option<String>,
    /// What a person may want to know about this answer: a receipt that can't be read, a node that is away.
    pub notes: Vec<String>,
    /// Why it ended without a signature.
    pub failure: Option<Failure>,
}

/// The decoded plan, for programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanView {
    pub site: String,
    /// Whether the wallet asked the site itself. What an app hands over is always "claimed".
    pub provenance: crate::ProvenanceView,
    pub scheme: String,
    /// CAIP-2.
    pub network: String,
    pub asset: String,
    pub pay_to: String,
    pub payer: String,
    pub price: MoneyView,
    pub fee: Option<MoneyView>,
    /// Who gets the fee.
    pub fee_to: Option<String>,
    /// Who alone may have it settled, where the 402 names one.
    pub caller: Option<String>,
    pub maximum: MoneyView,
    pub contract: String,
    pub valid_before: String,
    /// Codes of the findings, heaviest first.
    pub findings: Vec<String>,
}

/// `POST /v1/payments/{id}/result`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResultView {
    /// The raw `PAYMENT-RESPONSE` header value (or `X-PAYMENT-RESPONSE`), when there was one: whatever it is, it is kept
    /// as it came. JSON that is no text is taken as its text.
    #[serde(default, deserialize_with = "any_receipt")]
    pub payment_response: Option<String>,
    /// Status of the seller's answer to the paid request.
    pub http_status: u16,
}

/// Sellers send their own kind of receipt; what they sent must not cost its buyer the report.
fn any_receipt<'de, D: serde::Deserializer<'de>>(reader: D) -> Result<Option<String>, D::Error> {
    Ok(match Option::<serde_json::Value>::deserialize(reader)? {
        None | Some(serde_json::Value::Null) => None,
        Some(serde_json::Value::String(text)) => Some(text),
        Some(other) => Some(other.to_string()),
    })
}

/// `POST /v1/check`: what would happen now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckView {
    /// "allow", "ask" or "refuse".
    pub verdict: String,
    /// Why it would be asked or refused.
    pub reasons: Vec<String>,
    /// Why it would be refused, in words, with the way out.
    pub failure: Option<Failure>,
    pub plan: Option<PlanView>,
}

/// One line of an app's budget. Windows roll: 24 hours and 30 days before now, to the minute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BudgetView {
    /// Absent: across all sites.
    pub site: Option<String>,
    pub network: String,
    pub asset: String,
    pub symbol: String,
    pub per_payment: Option<MoneyView>,
    pub left_day: Option<MoneyView>,
    pub left_month: Option<MoneyView>,
    /// When the 24 hours leave more, and how much; absent while nothing counts against them.
    pub day_frees: Option<FreesView>,
    /// As `dayFrees`, for the 30 days.
    pub month_frees: Option<FreesView>,
    /// A limit for verified sites only pays nothing that an app hands over: a person is asked.
    pub covers: crate::CoversView,
}

/// An account as apps see it: no balance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppAccountView {
    pub address: String,
    /// CAIP-2 names of the networks that are served.
    pub networks: Vec<String>,
}

/// A pairing as the app that asked for it sees it.
#[derive(Clone, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppPairingView {
    pub id: String,
    /// Short code that the window shows too: the person compares.
    pub code: String,
    /// "asked", "approved", "collected" (the token was handed out before), "rejected" or "expired".
    pub status: String,
    pub expires_at: String,
    /// In the answer to the asking alone: fetches the token. Keep it out of URLs and arguments.
    pub secret: Option<String>,
    /// The app's token, in one answer within a minute after the approval.
    pub token: Option<String>,
}

/// What happened, for `GET /v1/events` and the window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, ToSchema)]
#[serde(rename_all = "camelCase", tag = "event")]
pub enum EventView {
    /// A question opened or changed.
    #[serde(rename_all = "camelCase")]
    Question { id: String, app_id: String },
    /// A payment moved on.
    #[serde(rename_all = "camelCase")]
    Payment { id: String, app_id: String, status: StateView, settlement: crate::SettlementView },
    /// Something was refused that a person should look at (owner only): the danger screen.
    #[serde(rename_all = "camelCase")]
    Danger { id: String },
    /// An allowance is on its way (owner only): "sent", "seen", "failed".
    #[serde(rename_all = "camelCase")]
    Allowance { id: String, step: String, transaction: Option<String> },
    /// A pairing was asked, answered or ran out (owner only).
    Pairing,
    /// Locked, unlocked, or the accounts changed (owner only).
    Lock,
    /// Rules, sites or apps changed (owner only).
    Rules,
}

impl CheckView {
    pub fn of(checked: &wallet::Checked) -> Self {
        let (verdict, reasons, failure) = match &checked.verdict {
            plan::Verdict::Allow => ("allow", vec![], None),
            plan::Verdict::Ask(whys) => ("ask", whys.iter().map(|w| why(w, &checked.plan)).collect(), None),
            plan::Verdict::Refuse(refusal) => {
                let code = refusal.code(&checked.plan.findings);
                ("refuse", vec![code.to_owned()], Some(Failure::refused(code, &checked.plan)))
            }
        };
        Self { verdict: verdict.to_owned(), reasons, failure, plan: Some(PlanView::of(&checked.plan)) }
    }
}

fn why(why: &plan::Why, plan: &plan::Plan) -> String {
    match why {
        plan::Why::NoRule => "noRule",
        plan::Why::SiteClaimed => "siteClaimed",
        plan::Why::Locked => "locked",
        plan::Why::Finding(index) => plan.findings.get(*index).map_or("finding", |f| f.fact.code()),
        plan::Why::OverPerPayment { .. } => "overPerPayment",
        plan::Why::OverDay { .. } => "overDay",
        plan::Why::OverMonth { .. } => "overMonth",
        plan::Why::AllowanceNeeded => "allowanceMissing",
    }
    .to_owned()
}

impl BudgetView {
    /// `None` for rules that allow nothing by themselves.
    pub(crate) fn of(rule: &ledger::Rule, symbols: &crate::show_owner::Symbols) -> Option<Self> {
        let plan::Mode::Allow(limit) = &rule.mode else { return None };
        let key = &rule.key;
        let show = |amount| symbols.money(key.network, key.token, amount);
        Some(Self {
            site: key.site.as_ref().map(ToString::to_string),
            network: key.network.canonical().to_owned(),
            asset: key.token.to_string(),
            symbol: show(tron::Amount::ZERO).symbol,
            per_payment: limit.per_payment.map(show),
            left_day: limit.per_day.map(|l| show(l.saturating_sub(rule.spent_day))),
            left_month: limit.per_month.map(|l| show(l.saturating_sub(rule.spent_month))),
            day_frees: rule.frees.day.map(|freed| FreesView::of(freed, show)),
            month_frees: rule.frees.month.map(|freed| FreesView::of(freed, show)),
            covers: limit.covers.into(),
        })
    }
}

impl EventView {
    /// The app that may see this event; `None`: the owner alone.
    pub fn app_id(&self) -> Option<&str> {
        match self {
            Self::Question { app_id, .. } | Self::Payment { app_id, .. } => Some(app_id),
            Self::Danger { .. } | Self::Allowance { .. } | Self::Pairing | Self::Lock | Self::Rules => None,
        }
    }
}
