//! Pictures of the domain for every surface: window, port, command line. Serializable twins of plain
//! values, with the words for people; decides nothing and keeps no secret.

pub mod choices;
pub mod desk;
mod desk_accounts;
mod desk_inspect;
mod desk_rules;
pub mod export;
pub mod failure;
pub mod inspect;
mod jobs;
pub mod money;
pub mod nodes;
pub mod owner;
pub mod payment;
pub mod port;
pub mod provenance;
pub mod question;
pub mod record;
mod show_failure;
mod show_finding;
mod show_owner;
mod show_payment;
mod show_question;
mod status;
pub mod totals;
pub mod upkeep;
pub mod verbs;
pub mod words;

pub use choices::ChoiceView;
pub use desk::{Desk, Proof, RuleInput};
pub use export::{ExportFormat, ExportInput, ExportView};
pub use failure::{Code, Failure};
pub use inspect::shapes::{GroupView, InspectView, KindView, LineView, PartView, TriedView};
pub use inspect::{inspect, inspect_at};
pub use money::{AddressView, MoneyView};
pub use nodes::{NodeRowState, NodeRowView, NodeView};
pub use owner::{
    AccountKindView, AccountView, AppView, BroughtView, DayView, ModeView, NewWordsView, PairingView, PayeeView,
    PayerView, Permit2View, RedatedView, RememberedView, RememberedWay, RestoredView, RuleView, SiteDetailView,
    SiteShareView, SiteView, StatusView, SummaryView, TokenView, WordsView,
};
pub use payment::{
    DaySumView, DeliveryView, PaymentDetailView, PaymentPage, PaymentView, SettlementView, StateView, StepView,
};
pub use port::EventView;
pub use provenance::{CoversView, ProvenanceView};
pub use question::{
    AllowanceView, AnswerView, CompareView, DangerView, FindingView, FreesView, LimitBarView, QuestionView,
    RecipientView, ScopeView, WeightView,
};
pub use record::{FilterView, TagView};
pub use totals::{TotalView, TotalsBy, TotalsInput, TotalsView};
pub use upkeep::{PruneInput, RemovedView, UpkeepKind, UpkeepView};
