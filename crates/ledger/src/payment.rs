//! A payment as the ledger keeps it: the plan as it was shown and three dated lives. Plain values.

use crate::PaymentId;
use plan::{AppId, Moment, Plan, PlanDigest, Refusal, Role, Site, Verdict, Why, Window};
use tron::{Address, Amount, Network};

/// What a new payment brings. `id` comes from [`PaymentId::fresh`].
pub struct Entry<'a> {
    pub id: PaymentId,
    pub plan: &'a Plan,
    pub digest: PlanDigest,
    /// The raw 402 as it came: header value or body.
    pub document: &'a str,
    /// Over everything that makes two requests the same one.
    pub request_hash: [u8; 32],
    /// Unique within the app, for ever.
    pub idempotency_key: Option<&'a str>,
    /// As the signed message carries it.
    pub nonce: &'a str,
    /// The 402 dictates nonce and window; then [`crate::Ledger::approve`] refuses another window.
    pub dictated: bool,
    /// When the question closes, if one has to be asked.
    pub expires_at: Moment,
}

/// What became of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entered {
    /// A new row; its state follows the verdict: reserved, asked or refused.
    New(Payment, Verdict),
    /// The same app sent the same key with the same request before: its row.
    Existing(Payment),
    /// The same app used this key for another request.
    Conflict { earlier: PaymentId },
    /// An unfinished payment holds this payer's nonce at this contract, or an open question is about a nonce that the
    /// 402 dictates: a second signature would be the same money. Nothing was written.
    SameNonce(Payment),
}

/// What became of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Approved {
    /// The amount is reserved; the key may sign.
    Reserved(Payment),
    /// It was approved before; nothing changed.
    Already(Payment),
    /// The answer named another plan than the one that was asked.
    OtherPlan { asked: PlanDigest },
    /// The record says something by now that was not shown; nothing changed.
    Unseen,
    /// Too late: the row is expired now.
    TooLate(Payment),
    /// It ended before.
    Ended(Payment),
    /// The app was revoked or blocked, or the site blocked, since the question was asked.
    Blocked(Refusal),
    /// Another unfinished payment holds the same nonce.
    SameNonce(Payment),
}

/// The first life: authorization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Waits for a person.
    Asked,
    /// Approved by a person or a limit, counted in full, durable; no signature has left yet.
    Reserved,
    /// A signature may be out.
    Signed,
    /// A person said no.
    Rejected,
    /// The rules or the chain said no.
    Refused,
    Cancelled,
    Expired,
}

/// How an authorization ends without a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Rejected {
        code: String,
        by: String,
    },
    Cancelled,
    Expired,
    Refused {
        code: String,
    },
    /// Reserved by a limit, and the chain has shown after the window that the nonce is unused.
    Unused,
}

/// The second life: settlement. Begins with the signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// Counts as spent.
    Unknown,
    /// In a block, not final. `tx` is absent where only the nonce tells it.
    Seen { tx: Option<String> },
    /// `tx` is absent where only the nonce tells it, or a scheme settles zero without a transaction.
    Final { tx: Option<String>, block: Option<u64> },
    /// The window ended and the nonce is unused: nothing left, nothing counts.
    NeverUsed,
}

/// News about a settlement, from the chain. What a seller says is [`Payment::seller_says`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    Seen {
        tx: Option<String>,
    },
    /// What was seen is in no block any more: unknown again, and [`Payment::dropped_at`] says since when.
    Dropped,
    Final {
        tx: Option<String>,
        block: Option<u64>,
    },
    NeverUsed,
}

/// The third life: delivery. Begins with the signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Delivery {
    Delivered,
    RefusedBySeller,
    NotReported,
}

/// One row. `plan.findings`, `plan.balance` and `plan.allowance` are as they were when it was judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    pub id: PaymentId,
    pub plan: Plan,
    /// The digest that was shown; where the wallet chose the window at the answer, `plan.window` is the later one.
    pub digest: PlanDigest,
    pub request_hash: [u8; 32],
    pub idempotency_key: Option<String>,
    pub nonce: String,
    pub dictated: bool,
    /// When the question closes.
    pub expires_at: Moment,
    /// Why a person was asked.
    pub whys: Vec<Why>,
    pub state: State,
    pub entered_at: Moment,
    pub reserved_at: Option<Moment>,
    pub signed_at: Option<Moment>,
    pub ended_at: Option<Moment>,
    /// Approved by a person rather than by a limit.
    pub by_person: bool,
    /// Why it ended without a signature: `Refusal::code` or the code given to [`End`].
    pub code: Option<String>,
    /// Who rejected it.
    pub ended_by: Option<String>,
    /// `None` until it is signed.
    pub settlement: Option<Settlement>,
    pub settlement_at: Option<Moment>,
    /// What left, once a final settlement says so.
    pub actual: Option<Amount>,
    /// `None` until it is signed.
    pub delivery: Option<Delivery>,
    pub delivery_at: Option<Moment>,
    pub http_status: Option<u16>,
    /// Why the settlement failed, as the seller tells it: a word and no fact. Until the nonce is seen, the settlement
    /// is unknown all the same. Empty where the seller gave no reason.
    pub seller_says: Option<String>,
    /// Since when the chain has dropped the block in which it was seen; `None` where it is in one, and where it was in none.
    pub dropped_at: Option<Moment>,
}

impl Payment {
    /// From here on a signature may be out.
    pub(crate) fn sign(&mut self, at: Moment) {
        self.state = State::Signed;
        self.signed_at = Some(at);
        self.settlement = Some(Settlement::Unknown);
        self.settlement_at = Some(at);
        self.delivery = Some(Delivery::NotReported);
        self.delivery_at = Some(at);
    }
}

/// The documents of one payment, as they came and went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Papers {
    /// The raw 402.
    pub document: String,
    /// What was signed, ready to send.
    pub header_name: Option<String>,
    pub header_value: Option<String>,
    /// The seller's settlement answer.
    pub response: Option<String>,
}

/// Narrows a list; everything that is set must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub site: Option<Site>,
    pub app: Option<AppId>,
    /// The account that pays.
    pub payer: Option<Address>,
    pub network: Option<Network>,
    pub token: Option<(Network, Address)>,
    /// By its name.
    pub scheme: Option<String>,
    /// One of these; empty is any.
    pub states: Vec<State>,
    pub settlement: Option<SettlementKind>,
    pub delivery: Option<Delivery>,
    /// Entered at this moment or later.
    pub from: Option<Moment>,
    /// Entered before this moment.
    pub until: Option<Moment>,
    /// In whole units of each row's token, "0.10": what left, or could leave at most.
    pub least: Option<String>,
    pub most: Option<String>,
    /// A tag's name, in any case.
    pub tag: Option<String>,
    /// Words of site, path, symbol, descriptions, note or tags; or a whole payment id, address or transaction id.
    pub text: Option<String>,
}

/// A settlement without its facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SettlementKind {
    Unknown,
    Seen,
    Final,
    NeverUsed,
}

/// A page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Where the page before ended: [`Found::next`].
    pub after: Option<PaymentId>,
    /// At most 1,000.
    pub limit: usize,
    pub oldest_first: bool,
}

impl Page {
    pub const fn first(limit: usize) -> Self {
        Self { after: None, limit, oldest_first: false }
    }
}

/// A row of a list, with a person's words on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub payment: Payment,
    pub note: Option<String>,
    /// By name.
    pub tags: Vec<String>,
    /// Approving transactions that it needed.
    pub allowances: Vec<crate::Allowance>,
}

/// What a page found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    pub rows: Vec<Listed>,
    /// Where to go on; `None` when everything was looked at.
    pub next: Option<PaymentId>,
    /// So far was looked before the page was full: a page looks at ten thousand rows at most, and may be short.
    pub looked_to: Option<Moment>,
    /// Rows that the index does not have yet. They are looked through all the same.
    pub unindexed: u64,
}

/// Whose earlier payments matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryKey<'a> {
    /// Who asks now.
    pub app: &'a AppId,
    pub site: &'a Site,
    pub payee: Address,
    /// The fee's recipient and the caller, where there are such.
    pub others: &'a [(Role, Address)],
    pub network: Network,
    pub token: Address,
    /// The request's URL, as in `plan.request.url`.
    pub url: &'a str,
    pub payer: Address,
    /// The payment that this is about already: it is not promised elsewhere.
    pub own: Option<PaymentId>,
}

/// What an answer to a question carries besides the yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The digest that was shown.
    pub digest: PlanDigest,
    /// The window to sign: the plan's own, or a fresh one where the wallet chooses it.
    pub window: Window,
}
