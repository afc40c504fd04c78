//! What changes between a question and its yes: nothing is signed that was not shown. A table of changes, each met by a
//! yes to the question as it was; then the same at one moment, and with a record of an older version.
#![allow(clippy::unwrap_used, clippy::panic)]

use ledger::{Payment, State};
use plan::{EarlierOutcome, Fact, PlanDigest, Weight};
use stories::{Ask, Stage, USDT, address, key, passphrase, usdt};
use tron::{Address, Amount, Network};
use wallet::{AllowanceChoice, Answer, AppId, Event, Outcome, PayRequest, Proof, Report, Scope, WalletError};
use x402::Scheme;

/// What happens after the question was shown and before the yes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Change {
    SamePurchase,
    SamePurchaseByLimit,
    SamePurchaseOnceMore,
    SellerRefused,
    OtherPayee,
    LowerPrices,
    OtherFeeRecipient,
    OtherCaller,
    PayeeForgotten,
    SiteThatResembles,
    SiteOnOtherPort,
    AllowanceTaken,
    AllowancePromised,
    AllowanceShared,
    NodeSilent,
    ClockAhead,
    ClockBehind,
    BalanceSpent,
    BalancePromised,
    NonceUsed,
    TokenRemoved,
    SiteBlocked,
    AppRevoked,
    OtherOption,
}

/// What a yes to the old question meets.
#[derive(Debug, PartialEq)]
enum Met {
    /// The question stands there again, with this warning.
    Again(&'static str),
    /// It stands there with another plan.
    OtherPlan,
    /// It is refused for this.
    Refused(&'static str),
    Cancelled,
}

impl Change {
    const ALL: [Self; 24] = [
        Self::SamePurchase,
        Self::SamePurchaseByLimit,
        Self::SamePurchaseOnceMore,
        Self::SellerRefused,
        Self::OtherPayee,
        Self::LowerPrices,
        Self::OtherFeeRecipient,
        Self::OtherCaller,
        Self::PayeeForgotten,
        Self::SiteThatResembles,
        Self::SiteOnOtherPort,
        Self::AllowanceTaken,
        Self::AllowancePromised,
        Self::AllowanceShared,
        Self::NodeSilent,
        Self::ClockAhead,
        Self::ClockBehind,
        Self::BalanceSpent,
        Self::BalancePromised,
        Self::NonceUsed,
        Self::TokenRemoved,
        Self::SiteBlocked,
        Self::AppRevoked,
        Self::OtherOption,
    ];

    fn met(self) -> Met {
        match self {
            Self::SamePurchase | Self::SamePurchaseByLimit | Self::SamePurchaseOnceMore | Self::SellerRefused => {
                Met::Again("paidJustNow")
            }
            Self::OtherPayee => Met::Again("payeeChanged"),
            Self::LowerPrices => Met::Again("priceAboveUsual"),
            Self::OtherFeeRecipient => Met::Again("feeRecipientChanged"),
            Self::OtherCaller => Met::Again("callerChanged"),
            Self::PayeeForgotten => Met::Again("payeeFirstSeen"),
            Self::SiteThatResembles => Met::Again("siteResembles"),
            Self::SiteOnOtherPort => Met::Again("siteOtherPort"),
            Self::AllowanceTaken | Self::AllowancePromised | Self::AllowanceShared => Met::Again("allowanceMissing"),
            Self::NodeSilent => Met::Again("chainUnknown"),
            Self::ClockAhead | Self::ClockBehind => Met::Again("clockOff"),
            Self::BalanceSpent | Self::BalancePromised => Met::Refused("balanceShort"),
            Self::NonceUsed => Met::Refused("nonceUsed"),
            Self::TokenRemoved => Met::Refused("tokenUnknown"),
            Self::SiteBlocked => Met::Refused("siteBlocked"),
            Self::AppRevoked => Met::Cancelled,
            Self::OtherOption => Met::OtherPlan,
        }
    }

    /// Where it begins.
    async fn stage(self) -> Stage {
        let stage = match self {
            Self::AllowancePromised | Self::AllowanceShared => Stage::without_allowance().await,
            _ => Stage::start().await,
        };
        match self {
            Self::AllowancePromised => stage.allow_contract("0.30").await,
            Self::ClockAhead | Self::OtherOption => stage.prepare(Scheme::ExactPermit2).await,
            Self::TokenRemoved => stage.own_token().await,
            Self::SamePurchaseByLimit => {
                sign(&stage, &at("/before", 90)).await;
                stage.allow_automatically(&Ask::new(90), "5.00").await;
            }
            Self::SamePurchaseOnceMore | Self::SellerRefused => drop(sign(&stage, &Ask::new(90)).await),
            Self::PayeeForgotten => drop(sign(&stage, &Ask { seconds: 30, ..at("/before", 90) }).await),
            _ => {}
        }
        stage
    }

    /// The question that is shown.
    async fn question(self, stage: &Stage) -> Payment {
        match self {
            Self::SamePurchaseByLimit => {
                let open = stage.wallet.pay(&AppId::owner(), &stage.request(&Ask::new(1))).await.unwrap();
                let Outcome::Open(open) = open else { panic!("{open:?}") };
                open
            }
            Self::LowerPrices => stage.ask(&Ask { price: usdt("1.00"), ..Ask::new(1) }).await,
            Self::OtherCaller => stage.ask(&Ask { fee: Amount::ZERO, ..Ask::new(1) }).await,
            Self::SiteThatResembles => stage.ask(&Ask { url: "https://papers.example/1".into(), ..Ask::new(1) }).await,
            Self::SiteOnOtherPort => stage.ask(&Ask { url: "https://news.example:8443/".into(), ..Ask::new(1) }).await,
            Self::BalancePromised => stage.ask(&Ask { price: usdt("60"), ..Ask::new(1) }).await,
            Self::ClockAhead => stage.ask(&Ask::by(Scheme::ExactPermit2, 1)).await,
            Self::TokenRemoved => stage.ask(&Ask::by(Scheme::ExactEip3009, 1)).await,
            Self::OtherOption => {
                let ask = Ask::by(Scheme::ExactPermit2, 1);
                let dearer = Ask { price: usdt("0.30"), ..Ask::by(Scheme::ExactPermit2, 1) };
                let offer = Stage::offer_of(&ask.url, &[ask.option(), dearer.option()]);
                asked(stage, PayRequest { payment_required: offer, ..stage.request(&ask) }).await
            }
            _ => stage.ask(&Ask::new(1)).await,
        }
    }

    async fn happens(self, stage: &Stage, question: &Payment) {
        match self {
            Self::SamePurchase | Self::SamePurchaseOnceMore => drop(sign(stage, &Ask::new(2)).await),
            Self::SamePurchaseByLimit => {
                let paid = stage.pay(&Ask::new(2)).await.unwrap();
                assert!(matches!(paid, Outcome::Signed(..)), "{paid:?}");
            }
            Self::SellerRefused => {
                let earlier = question.plan.findings.iter().find_map(|found| match &found.fact {
                    Fact::PaidJustNow { payment, earlier: EarlierOutcome::Unknown, .. } => Some(payment.clone()),
                    _ => None,
                });
                let earlier = earlier.unwrap().parse().unwrap();
                let tx = stage.settle(&stage.signed(earlier).await).await;
                let receipt = x402::Settlement::settled("tron:nile", &tx.to_string(), stage.payer()).header_value();
                let report = Report { payment_response: Some(receipt), http_status: 500 };
                stage.wallet.report(&stage.app, earlier, report).await.unwrap();
            }
            Self::OtherPayee => drop(sign(stage, &Ask { pay_to: key(0x52).address(), ..at("/other", 2) }).await),
            Self::LowerPrices => drop(sign(stage, &at("/other", 2)).await),
            Self::OtherFeeRecipient => through_another(stage, &at("/other", 2)).await,
            Self::OtherCaller => through_another(stage, &Ask { fee: Amount::ZERO, ..at("/other", 2) }).await,
            Self::PayeeForgotten => {
                stage.advance(100);
                stage.devnet.mine(5);
                stage.wallet.reconcile().await.unwrap();
            }
            Self::SiteThatResembles => {
                drop(sign(stage, &Ask { url: "https://paper.example/1".into(), ..Ask::new(2) }).await)
            }
            Self::SiteOnOtherPort => drop(sign(stage, &at("/", 2)).await),
            Self::AllowanceTaken => stage.allow_contract("0").await,
            Self::AllowancePromised | Self::AllowanceShared => drop(sign(stage, &at("/other", 2)).await),
            Self::NodeSilent => stage.devnet.fault("*", 1_000, devnet::Fault::Error),
            Self::ClockAhead => stage.clock.set_wall(stage.wallet.now().plus_ms(200_000)),
            Self::ClockBehind => {
                stage.devnet.clock().advance(std::time::Duration::from_secs(200));
                stage.devnet.mine(1);
                stage.clock.advance_ms(6_000);
            }
            Self::BalanceSpent => stage.spend_elsewhere(usdt("99.90")).await,
            Self::BalancePromised => drop(sign(stage, &Ask { price: usdt("60"), ..at("/other", 2) }).await),
            Self::NonceUsed => {
                let offer = x402::Offer::read(&stage.offer(&Ask::new(1))).unwrap();
                let authorization = offer.options[0].terms.as_ref().unwrap().authorize(stage.payer()).unwrap();
                let signature = stage.buyer().sign(&authorization.digest);
                stage.settle(&authorization.payment(&offer, &offer.options[0], &signature)).await;
            }
            Self::TokenRemoved => stage.wallet.remove_token(Network::Nile, devnet::AUTHORIZED_USD).await.unwrap(),
            Self::SiteBlocked => stage.wallet.block_site(&question.plan.site, true).await.unwrap(),
            Self::AppRevoked => stage.wallet.revoke_app(&stage.app).await.unwrap(),
            Self::OtherOption => {
                let other = stage.wallet.choose(question.id, question.digest, 1).await.unwrap();
                assert_eq!(other.plan.maximum, usdt("0.30"));
            }
        }
    }
}

fn at(path: &str, nonce: u64) -> Ask {
    Ask { url: format!("https://news.example{path}"), ..Ask::new(nonce) }
}

async fn asked(stage: &Stage, request: PayRequest) -> Payment {
    match stage.wallet.pay(&stage.app, &request).await.unwrap() {
        Outcome::Open(payment) => payment,
        other => panic!("expected a question, found {other:?}"),
    }
}

/// Another purchase, asked and approved.
async fn sign(stage: &Stage, ask: &Ask) -> Payment {
    let question = stage.ask(ask).await;
    approved(stage, &question).await
}

async fn approved(stage: &Stage, question: &Payment) -> Payment {
    stage.approve(question, Scope::Once).await.unwrap();
    let wait = std::time::Duration::from_secs(20);
    let signed = stage.wallet.payment_of_app(&question.plan.app, question.id, wait).await.unwrap();
    assert_eq!(signed.state, State::Signed);
    signed
}

/// The 402 names another facilitator than ours, who has the fee and settles.
async fn through_another(stage: &Stage, ask: &Ask) {
    let text = x402::header::read(&stage.offer(ask)).unwrap();
    let other = key(0xfb).address();
    let base58 = |address: Address| address.to_string();
    let text = text.replace(&base58(stage.caller()), &base58(other));
    let question =
        asked(stage, PayRequest { payment_required: x402::header::write(&text), ..stage.request(ask) }).await;
    assert_eq!(question.plan.caller, Some(other));
    approved(stage, &question).await;
}

fn yes() -> Answer {
    Answer::Approve { scope: Scope::Once, allowance: AllowanceChoice::Exact }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_24_changes_between_question_and_yes_none_is_signed_unseen() {
    let mut unseen = Vec::new();
    for change in Change::ALL {
        let stage = change.stage().await;
        let shown = change.question(&stage).await;
        if let Met::Again(code) = change.met() {
            let warned = shown.plan.findings.iter().filter(|found| found.fact.code() == code);
            let known =
                matches!(change, Change::SamePurchaseOnceMore | Change::SellerRefused | Change::AllowanceShared);
            assert_eq!(warned.count(), usize::from(known), "{change:?}: {:?}", shown.plan.findings);
        }
        // On the screen, and armed.
        stage.wallet.shown(shown.id, shown.digest).await.unwrap();
        stage.clock.advance_ms(wallet::ARMING_MS);
        change.happens(&stage, &shown).await;
        let answered = stage.wallet.answer(shown.id, shown.digest, yes(), Proof::Window).await;
        let row = stage.row(shown.id).await;
        if row.signed_at.is_some() || row.reserved_at.is_some() {
            unseen.push(change);
            continue;
        }
        match change.met() {
            Met::Refused(code) => {
                assert_eq!((row.state, row.code.as_deref()), (State::Refused, Some(code)), "{change:?}")
            }
            Met::Cancelled => assert_eq!(row.state, State::Cancelled, "{change:?}"),
            Met::OtherPlan => {
                assert!(matches!(answered, Err(WalletError::PlanChanged { .. })), "{change:?}: {answered:?}");
                approved(&stage, &row).await;
            }
            Met::Again(code) => {
                // Told by the answer, unless the question changed before it came.
                match &answered {
                    Err(WalletError::AskedAgain { payment, news }) => {
                        assert_eq!((payment.id, payment.digest), (row.id, row.digest), "{change:?}");
                        assert!(news.iter().any(|found| found.fact.code() == code), "{change:?}: {news:?}");
                    }
                    Err(WalletError::PlanChanged { .. } | WalletError::NotArmed { .. }) => {}
                    other => panic!("{change:?}: {other:?}"),
                }
                assert_eq!(row.state, State::Asked, "{change:?}");
                assert_ne!(row.digest, shown.digest, "{change:?}");
                let told = row.plan.findings.iter().find(|found| found.fact.code() == code);
                assert_eq!(told.map(|found| found.weight), Some(Weight::Warn), "{change:?}: {:?}", row.plan.findings);
                // The old answer counts for nothing, and the new one only after a second.
                let old = stage.wallet.answer(row.id, shown.digest, yes(), Proof::Window).await;
                assert!(matches!(old, Err(WalletError::PlanChanged { .. })), "{change:?}: {old:?}");
                let early = stage.wallet.answer(row.id, row.digest, yes(), Proof::Window).await;
                assert!(matches!(early, Err(WalletError::NotArmed { .. })), "{change:?}: {early:?}");
                stage.devnet.clear_faults();
                approved(&stage, &row).await;
            }
        }
    }
    assert!(unseen.is_empty(), "signed unseen: {unseen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_purchase_asked_three_times_is_approved_once_without_a_word() {
    let stage = Stage::start().await;
    let mut events = stage.wallet.subscribe();
    let questions = [stage.ask(&Ask::new(1)).await, stage.ask(&Ask::new(2)).await, stage.ask(&Ask::new(3)).await];
    for question in &questions {
        stage.wallet.shown(question.id, question.digest).await.unwrap();
    }
    stage.clock.advance_ms(wallet::ARMING_MS);
    let mut signed = 0;
    for question in &questions {
        match stage.wallet.answer(question.id, question.digest, yes(), Proof::Window).await {
            Ok(payment) => signed += usize::from(payment.state == State::Signed),
            Err(WalletError::NotArmed { .. }) => {}
            Err(error @ (WalletError::AskedAgain { .. } | WalletError::PlanChanged { .. })) => {
                let again = matches!(error, WalletError::AskedAgain { .. });
                let failure = view::Failure::from(error);
                assert_eq!(failure.code, view::Code::PlanChanged);
                assert!(!again || failure.message.contains("Paid before, outcome not known"), "{}", failure.message);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(signed, 1);
    // Windows and terminals are told of both, whether or not somebody answers.
    let mut told = std::collections::BTreeSet::new();
    while told.len() < 2 {
        let event = tokio::time::timeout(std::time::Duration::from_secs(30), events.recv()).await.unwrap().unwrap();
        match event {
            Event::Question { id, .. } if stage.row(id).await.plan.findings.iter().any(of_paying_twice) => {
                told.insert(id);
            }
            _ => {}
        }
    }
    assert!(!told.contains(&questions[0].id));
}

fn of_paying_twice(found: &plan::Finding) -> bool {
    matches!(found.fact, Fact::PaidJustNow { .. })
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_yeses_at_the_same_moment_to_the_same_purchase_sign_one() {
    let stage = Stage::start().await;
    let mut questions = Vec::new();
    for nonce in 1..=8 {
        questions.push(stage.ask(&Ask::new(nonce)).await);
    }
    for question in &questions {
        stage.wallet.shown(question.id, question.digest).await.unwrap();
    }
    stage.clock.advance_ms(wallet::ARMING_MS);
    let answers = questions.iter().map(|q| stage.wallet.answer(q.id, q.digest, yes(), Proof::Window));
    let answers = futures::future::join_all(answers).await;
    let signed =
        answers.iter().filter(|answer| matches!(answer, Ok(payment) if payment.state == State::Signed)).count();
    use WalletError::{AskedAgain, NotArmed, PlanChanged};
    let again = |error: &WalletError| matches!(error, AskedAgain { .. } | PlanChanged { .. } | NotArmed { .. });
    let again = answers.iter().filter(|answer| answer.as_ref().is_err_and(again)).count();
    assert_eq!((signed, again), (1, 7), "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_yeses_at_the_same_moment_do_not_share_one_exact_allowance() {
    let stage = Stage::without_allowance().await;
    let questions = [stage.ask(&at("/one", 1)).await, stage.ask(&at("/two", 2)).await];
    for question in &questions {
        assert_eq!(question.plan.allowance.as_ref().unwrap().need, usdt("0.26"));
        stage.wallet.shown(question.id, question.digest).await.unwrap();
    }
    stage.clock.advance_ms(wallet::ARMING_MS);
    let answers = questions.iter().map(|q| stage.wallet.answer(q.id, q.digest, yes(), Proof::Window));
    let answers = futures::future::join_all(answers).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
    let first = answers.iter().position(Result::is_ok).unwrap();
    let (one, other) = (stage.finished(questions[first].id).await, stage.row(questions[1 - first].id).await);
    assert_eq!(other.plan.allowance.as_ref().unwrap().need, usdt("0.52"), "both together");
    let other = approved(&stage, &other).await;
    // Both are good on the chain.
    for signed in [one, other] {
        stage.settle(&stage.signed(signed.id).await).await;
    }
    let spender = tron::registry::deployments(Network::Nile).payment_permit;
    assert_eq!(stage.node().allowance(address(USDT), stage.payer(), spender).await.unwrap(), Amount::ZERO);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_of_an_older_version_gets_a_digest_that_covers_its_findings() {
    let stage = Stage::start().await;
    let question = stage.ask(&Ask::new(1)).await;
    assert_eq!(question.digest, PlanDigest::of(&question.plan));
    let mut lighter = question.plan.clone();
    lighter.findings.retain(|found| found.weight < Weight::Warn);
    assert_ne!(PlanDigest::of(&lighter), question.digest);
    let old = PlanDigest::from_bytes([7; 32]);
    let db = rusqlite::Connection::open(stage.dir.path().join("ledger.db")).unwrap();
    db.execute("UPDATE payments SET digest = ?1", [old.bytes()]).unwrap();
    drop(db);
    let stage = stage.restart().await;
    stage.wallet.unlock(passphrase()).await.unwrap();
    let row = stage.row(question.id).await;
    assert_eq!((row.digest, &row.whys, row.state), (question.digest, &question.whys, State::Asked));
    let stale = stage.wallet.answer(row.id, old, yes(), Proof::Window).await;
    assert!(matches!(stale, Err(WalletError::PlanChanged { .. })), "{stale:?}");
    approved(&stage, &row).await;
}
