//! Pictures of the domain for every surface: window, port, command line. Serializable twins of plain
//! values, with the words for people; decides nothing and holds no secret.

pub mod failure;
pub mod money;
pub mod owner;
pub mod payment;
pub mod question;

pub use failure::{Code, Failure};
pub use money::{AddressView, MoneyView};
pub use owner::{
    AccountView, AppView, ModeView, NewWordsView, PairingView, RuleView, SiteDetailView, SiteView, StatusView,
    SummaryView,
};
pub use payment::{DeliveryView, PaymentDetailView, PaymentPage, PaymentView, SettlementView, StateView};
pub use question::{AllowanceView, AnswerView, DangerView, FindingView, LimitBarView, QuestionView, ScopeView};
