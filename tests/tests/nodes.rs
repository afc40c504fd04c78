//! A node that tells wrong things, or nothing: what is not known is neither nothing nor success, and what can only fail
//! is refused before anything is sent.
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests, too

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State as With;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use ledger::{AllowanceOutcome, Payment, Settlement, State};
use plan::Fact;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use stories::{Ask, Stage, key, usdt};
use tron::{Network, SignedTransaction};
use view::{Code, Desk, Failure};
use wallet::{Outcome, PayRequest, Report, Scope, WalletError};
use x402::Scheme;

/// What a node spoils; everything else is the devnet's own answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spoils {
    Nothing,
    /// Transactions are taken and never passed on; their receipts are there, without a result.
    Receipts,
    /// Receipts lose their result.
    Results,
    /// What succeeded in the newest blocks has failed in the final ones.
    Finality,
    /// No account is known to the chain.
    Accounts,
    /// The accounts' permissions are with others.
    Permissions,
    /// Every account has one TRX.
    Poor,
    /// Accounts are a web page.
    Unread,
    /// The token is paused, as a pause is told.
    Paused,
    /// The token has blocked the account, in USDT's word and in that of other issuers.
    Blocked,
    BlockedElsewhere,
    /// The token moves nothing and has no word for why.
    Stuck,
    /// Transactions are not signed by the right key.
    Signatures,
    /// Transactions name a block that the node does not know.
    Blocks,
    /// A token changes no allowance that is not zero.
    Approvals,
    /// Every question is one too many.
    Limit,
    /// Every answer is a web page.
    Pages,
    /// Status 200 and a text that says why there is no answer.
    Errors,
}

#[derive(Clone)]
struct Node {
    upstream: String,
    client: reqwest::Client,
    spoils: Arc<Mutex<Spoils>>,
    swallowed: Arc<Mutex<Vec<String>>>,
}

impl Node {
    /// In front of the stage's chain, and from now on the wallet's only node.
    async fn before(stage: &mut Stage) -> Self {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let node = Self {
            upstream: stage.devnet.url(),
            client,
            spoils: Arc::new(Mutex::new(Spoils::Nothing)),
            swallowed: Arc::default(),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(answer).with_state(node.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        stage.reopen(url).await;
        node
    }

    fn spoil(&self, what: Spoils) {
        *self.spoils.lock().unwrap() = what;
    }

    async fn ask(&self, path: &str, body: Bytes) -> Value {
        let url = format!("{}{path}", self.upstream);
        let request = self.client.post(url).header("content-type", "application/json").body(body);
        serde_json::from_slice(&request.send().await.unwrap().bytes().await.unwrap()).unwrap()
    }
}

fn json_answer(value: &Value) -> Response {
    ([("content-type", "application/json")], value.to_string()).into_response()
}

async fn answer(With(node): With<Node>, uri: Uri, body: Bytes) -> Response {
    let (path, spoils) = (uri.path().to_owned(), *node.spoils.lock().unwrap());
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    match spoils {
        Spoils::Limit => return StatusCode::TOO_MANY_REQUESTS.into_response(),
        Spoils::Pages => return Body::from("<html>Just a moment</html>").into_response(),
        Spoils::Errors => return json_answer(&json!({ "Error": "class java.lang.Exception : null" })),
        _ => {}
    }
    let refused = |code: &str, words: &str| json_answer(&json!({ "code": code, "message": hex::encode(words) }));
    if spoils == Spoils::Unread && path.ends_with("getaccount") {
        return Body::from("<html>Just a moment</html>").into_response();
    }
    if path.ends_with("broadcasthex") {
        match spoils {
            Spoils::Receipts => {
                let id = SignedTransaction::from_hex(asked["transaction"].as_str().unwrap()).unwrap().id().to_string();
                node.swallowed.lock().unwrap().push(id.clone());
                return json_answer(&json!({ "result": true, "code": "SUCCESS", "txid": id }));
            }
            Spoils::Signatures => return refused("SIGERROR", "Validate signature error: not contained of permission."),
            Spoils::Blocks => return refused("TAPOS_ERROR", "Tapos check error."),
            _ => {}
        }
    }
    let mut told = node.ask(&path, body).await;
    let is_receipt = path.ends_with("gettransactioninfobyid");
    let id = asked["value"].as_str().unwrap_or_default().to_owned();
    match spoils {
        Spoils::Receipts if is_receipt && node.swallowed.lock().unwrap().contains(&id) => {
            told = json!({ "id": id, "blockNumber": 1, "receipt": {} });
        }
        Spoils::Results if is_receipt && told["receipt"].is_object() => told["receipt"] = json!({}),
        Spoils::Finality if is_receipt && path.contains("walletsolidity") && told["receipt"].is_object() => {
            told["result"] = json!("FAILED");
            told["receipt"]["result"] = json!("OUT_OF_ENERGY");
            told["log"] = json!([]);
        }
        Spoils::Accounts if path.ends_with("getaccount") || path.ends_with("getaccountresource") => told = json!({}),
        Spoils::Permissions if path.ends_with("getaccount") => {
            let keys = [1, 2].map(|byte| json!({ "address": key(byte).address().to_string(), "weight": 1 }));
            told["owner_permission"] = json!({ "permission_name": "owner", "threshold": 2, "keys": keys });
        }
        Spoils::Poor if path.ends_with("getaccount") => told["balance"] = json!(1_000_000),
        Spoils::Paused | Spoils::Blocked | Spoils::BlockedElsewhere | Spoils::Stuck
            if path.ends_with("triggerconstantcontract") =>
        {
            let yes = match spoils {
                Spoils::Paused => "5c975abb",
                Spoils::Blocked => "e47d6060",
                Spoils::BlockedElsewhere => "fe575a87",
                _ => "none",
            };
            let data = asked["data"].as_str().unwrap_or_default();
            if data.starts_with("a9059cbb") {
                told = json!({
                    "result": { "result": true, "message": hex::encode("REVERT opcode executed") },
                    "constant_result": [""], "transaction": { "ret": [{ "ret": "FAILED" }] },
                });
            } else if data.starts_with(yes) {
                let word = format!("{:064x}", 1);
                told = json!({ "result": { "result": true }, "energy_used": 600, "constant_result": [word] });
            }
        }
        Spoils::Approvals if path.ends_with("triggerconstantcontract") => {
            let data = asked["data"].as_str().unwrap_or_default();
            let zero = data.get(72..136).is_some_and(|amount| amount.bytes().all(|digit| digit == b'0'));
            if data.starts_with("095ea7b3") && !zero {
                told = json!({
                    "result": { "result": true, "message": hex::encode("REVERT opcode executed") },
                    "constant_result": [""], "transaction": { "ret": [{ "ret": "FAILED" }] },
                });
            }
        }
        _ => {}
    }
    json_answer(&told)
}

async fn allowances(stage: &Stage, payment: &Payment) -> Vec<Option<AllowanceOutcome>> {
    let (_, _, rows) = stage.wallet.payment(payment.id).await.unwrap();
    rows.into_iter().map(|row| row.outcome).collect()
}

/// The transaction is written down, and the chain's final history goes on past its end.
async fn outlive(stage: &Stage, payment: &Payment) {
    while allowances(stage, payment).await.is_empty() {
        tokio::task::yield_now().await;
    }
    stage.advance(120);
    stage.devnet.mine(5);
}

fn code(payment: &Payment) -> (State, Option<&str>) {
    (payment.state, payment.code.as_deref())
}

fn words(failure: &Failure) -> String {
    format!("{} {}", failure.message, failure.advice.as_deref().unwrap_or_default())
}

#[tokio::test]
async fn a_receipt_without_a_result_gives_no_allowance() {
    let mut stage = Stage::without_allowance().await;
    let node = Node::before(&mut stage).await;
    node.spoil(Spoils::Receipts);
    let question = stage.ask(&Ask::new(1)).await;
    stage.approve(&question, Scope::Once).await.unwrap();
    outlive(&stage, &question).await;
    let ended = stage.finished(question.id).await;
    assert_eq!(code(&ended), (State::Refused, Some("allowanceNotThere")));
    assert_eq!(ended.signed_at, None);
    assert!(matches!(&allowances(&stage, &ended).await[..], [Some(AllowanceOutcome::Failed { .. })]));
}

#[tokio::test]
async fn where_a_receipt_tells_nothing_the_allowance_itself_tells() {
    let mut stage = Stage::without_allowance().await;
    let node = Node::before(&mut stage).await;
    node.spoil(Spoils::Results);
    let question = stage.ask(&Ask::new(1)).await;
    stage.approve(&question, Scope::Once).await.unwrap();
    let signed = stage.finished(question.id).await;
    assert_eq!(signed.state, State::Signed);
    assert!(matches!(&allowances(&stage, &signed).await[..], [Some(AllowanceOutcome::Confirmed { .. })]));
}

#[tokio::test]
async fn what_failed_in_final_blocks_is_not_settled_by_the_newest_ones() {
    let mut stage = Stage::start().await;
    let node = Node::before(&mut stage).await;
    let desk = Desk::new(stage.wallet.clone());
    let question = stage.ask(&Ask::new(1)).await;
    let paid = stage.approve(&question, Scope::Once).await.unwrap();
    let tx = stage.settle(&stage.signed(paid.id).await).await.to_string();
    let receipt = x402::Settlement::settled("tron:nile", &tx, stage.payer()).header_value();
    let report = Report { payment_response: Some(receipt), http_status: 200 };
    let seen = stage.wallet.report(&stage.app, paid.id, report).await.unwrap().settlement;
    assert_eq!(seen, Some(Settlement::Seen { tx: Some(tx.clone()) }));

    node.spoil(Spoils::Finality);
    stage.devnet.mine(5);
    stage.wallet.reconcile().await.unwrap();
    assert_eq!(stage.row(paid.id).await.settlement, seen);
    let looked = desk.look_up(&tx, Some("tron:nile")).await.unwrap();
    let codes: Vec<&str> = looked.parts.iter().flat_map(|p| &p.findings).map(|f| f.code.as_str()).collect();
    assert!(codes.contains(&"chainContradicts") && codes.contains(&"endedBadly"), "{codes:?}");
    assert!(looked.looked_up[0].contains("OUT_OF_ENERGY"), "{:?}", looked.looked_up);

    node.spoil(Spoils::Nothing);
    stage.wallet.reconcile().await.unwrap();
    assert!(matches!(stage.row(paid.id).await.settlement, Some(Settlement::Final { tx: Some(_), .. })));
}

#[tokio::test]
async fn an_account_that_was_never_activated_has_its_tokens_and_pays_by_signature_alone() {
    let mut stage = Stage::without_allowance().await;
    stage.own_token().await;
    let node = Node::before(&mut stage).await;
    node.spoil(Spoils::Accounts);
    let (trx, tokens) = stage.wallet.balances(stage.payer(), tron::Network::Nile).await.unwrap();
    assert_eq!(trx, 0);
    assert!(tokens.iter().any(|(token, amount)| token.symbol == "USDT" && *amount == usdt("100")));

    let refused = refused(&stage, &Ask::new(1)).await;
    assert_eq!(code(&refused), (State::Refused, Some("accountNotActive")));
    assert!(words(&Failure::of_payment(&refused).unwrap()).contains("activates"));
    assert!(allowances(&stage, &refused).await.is_empty());

    let by_signature = stage.ask(&Ask::by(Scheme::ExactEip3009, 2)).await;
    assert_eq!(stage.approve(&by_signature, Scope::Once).await.unwrap().state, State::Signed);
}

#[tokio::test]
async fn a_key_that_lost_its_account_is_told_before_anything_is_sent() {
    let mut stage = Stage::without_allowance().await;
    let node = Node::before(&mut stage).await;
    node.spoil(Spoils::Permissions);
    let refused = refused(&stage, &Ask::new(1)).await;
    assert_eq!(code(&refused), (State::Refused, Some("otherKeys")));
    assert!(words(&Failure::of_payment(&refused).unwrap()).contains("somebody else has the account"));
    assert!(allowances(&stage, &refused).await.is_empty());
}

/// What is refused before anybody is asked, as its row tells it.
async fn refused(stage: &Stage, ask: &Ask) -> Payment {
    let answer = stage.pay(ask).await;
    let Err(WalletError::Refused(row)) = answer else { panic!("nobody is asked, found {answer:?}") };
    assert!(stage.wallet.open_questions().await.unwrap().is_empty());
    stage.row(row.id).await
}

#[tokio::test]
async fn what_a_look_tells_is_refused_before_anybody_is_asked_with_what_is_missing_and_where_it_goes() {
    let mut stage = Stage::without_allowance().await;
    let node = Node::before(&mut stage).await;
    let payer = stage.payer().to_string();
    for (nonce, (spoils, found, port, says)) in (1..).zip([
        (Spoils::Accounts, "accountNotActive", Code::AccountNotActive, "never activated"),
        (Spoils::Permissions, "otherKeys", Code::OtherKeys, "other keys"),
        (Spoils::Poor, "trxShort", Code::TrxRequired, "which has 1 TRX. Send "),
        (Spoils::Paused, "tokenPaused", Code::TokenPaused, "USDT moves for nobody"),
        (Spoils::Blocked, "payerBlocked", Code::PayerBlocked, "has blocked"),
        (Spoils::BlockedElsewhere, "payerBlocked", Code::PayerBlocked, "has blocked"),
    ]) {
        node.spoil(spoils);
        let row = refused(&stage, &Ask::new(nonce)).await;
        assert_eq!(code(&row), (State::Refused, Some(found)), "{spoils:?}");
        let failure = Failure::of_payment(&row).unwrap();
        assert_eq!(failure.code, port, "{spoils:?}");
        let told = words(&failure);
        assert!(told.contains(says) && (spoils == Spoils::Paused || told.contains(&payer)), "{spoils:?}: {told}");
        if let Some(Fact::TrxShort { need, have }) = row.plan.findings.iter().map(|found| &found.fact).next() {
            let missing = tron::Amount::from_u64(need - have).format_units(6);
            assert!(*need > *have && told.contains(&format!("Send {missing} TRX or more to {payer}")), "{told}");
        }
        assert!(allowances(&stage, &row).await.is_empty());
    }
    // A token that has no word for it is a person's matter; one whose allowance is there needs no TRX of the account.
    node.spoil(Spoils::Stuck);
    let stuck = stage.ask(&Ask::new(20)).await;
    assert!(stuck.plan.findings.iter().any(|found| found.fact.code() == "transferFails"), "{stuck:?}");
    stage.reject(&stuck).await;
    stage.allow_contract("10").await;
    for (nonce, spoils) in (21..).zip([Spoils::Accounts, Spoils::Permissions, Spoils::Poor]) {
        node.spoil(spoils);
        let asked = stage.ask(&Ask { url: format!("https://news.example/{nonce}"), ..Ask::new(nonce) }).await;
        assert_eq!(stage.approve(&asked, Scope::Once).await.unwrap().state, State::Signed, "{spoils:?}");
    }
}

#[tokio::test]
async fn what_a_look_at_the_yes_tells_ends_the_question_and_its_row_has_the_figures() {
    let mut stage = Stage::without_allowance().await;
    let node = Node::before(&mut stage).await;
    for (nonce, (spoils, found)) in (1..).zip([
        (Spoils::Accounts, "accountNotActive"),
        (Spoils::Permissions, "otherKeys"),
        (Spoils::Poor, "trxShort"),
        (Spoils::Paused, "tokenPaused"),
        (Spoils::Blocked, "payerBlocked"),
    ]) {
        node.spoil(Spoils::Nothing);
        let question = stage.ask(&Ask::new(nonce)).await;
        node.spoil(spoils);
        let ended = stage.approve(&question, Scope::Once).await.unwrap();
        assert_eq!(code(&ended), (State::Refused, Some(found)), "{spoils:?}");
        let row = stage.finished(question.id).await;
        assert!(row.plan.findings.iter().any(|f| f.fact.code() == found), "{:?}", row.plan.findings);
        assert_eq!(row.digest, plan::PlanDigest::of(&row.plan));
        assert!(allowances(&stage, &row).await.is_empty());
    }
}

#[tokio::test]
async fn where_no_node_tells_of_the_account_a_person_is_asked_and_the_yes_waits_for_a_word() {
    let mut stage = Stage::without_allowance().await;
    let node = Node::before(&mut stage).await;
    node.spoil(Spoils::Unread);
    let question = stage.ask(&Ask::new(1)).await;
    assert!(question.plan.findings.iter().any(|found| found.fact == Fact::ChainUnknown));
    let refused = stage.approve(&question, Scope::Once).await.unwrap_err();
    assert!(matches!(refused, WalletError::Node(_)), "{refused:?}");
    assert_eq!(stage.row(question.id).await.state, State::Asked);
    node.spoil(Spoils::Nothing);
    stage.approve(&question, Scope::Once).await.unwrap();
    assert_eq!(stage.finished(question.id).await.state, State::Signed);
}

#[tokio::test]
async fn an_account_with_energy_of_its_own_gives_an_allowance_without_trx() {
    let mut stage = Stage::without_allowance().await;
    stage.devnet.faucet(stage.payer(), devnet::Gift::Energy(1_000_000)).unwrap();
    let node = Node::before(&mut stage).await;
    node.spoil(Spoils::Poor);
    let question = stage.ask(&Ask::new(1)).await;
    stage.approve(&question, Scope::Once).await.unwrap();
    let signed = stage.finished(question.id).await;
    assert_eq!(signed.state, State::Signed, "{:?}", signed.code);
    assert!(matches!(&allowances(&stage, &signed).await[..], [Some(AllowanceOutcome::Confirmed { fee_sun: 0, .. })]));
}

#[tokio::test]
async fn a_broadcast_that_is_refused_is_told_in_words_and_can_be_tried_again() {
    for (spoils, ended, says) in [
        (Spoils::Signatures, "allowanceOtherKeys", "with other keys"),
        (Spoils::Blocks, "allowanceLate", "no TRX was burnt"),
    ] {
        let mut stage = Stage::without_allowance().await;
        let node = Node::before(&mut stage).await;
        node.spoil(spoils);
        let question = stage.ask(&Ask::new(1)).await;
        stage.approve(&question, Scope::Once).await.unwrap();
        let refused = stage.finished(question.id).await;
        assert_eq!(code(&refused), (State::Refused, Some(ended)));
        let told = words(&Failure::of_payment(&refused).unwrap());
        assert!(told.contains(says), "{told}");
        let rows = allowances(&stage, &refused).await;
        let [Some(AllowanceOutcome::Failed { reason })] = &rows[..] else { panic!("{rows:?}") };
        // Not the node's hex.
        assert!(reason.contains("_ERROR") || reason.contains("not contained of permission"), "{reason}");

        node.spoil(Spoils::Nothing);
        let again = stage.ask(&Ask::new(2)).await;
        stage.approve(&again, Scope::Once).await.unwrap();
        assert_eq!(stage.finished(again.id).await.state, State::Signed);
    }
}

#[tokio::test]
async fn an_approval_that_can_only_fail_is_refused_with_the_way_out_and_nothing_is_sent() {
    let mut stage = Stage::without_allowance().await;
    stage.allow_contract("0.1").await;
    let node = Node::before(&mut stage).await;
    node.spoil(Spoils::Approvals);
    let trx = stage.node().trx_balance(stage.payer()).await.unwrap();
    let refused = stage.pay(&Ask::new(1)).await.unwrap_err();
    assert!(
        matches!(&refused, WalletError::ZeroAllowanceFirst { have, reason, .. }
            if *have == usdt("0.1") && reason.contains("REVERT")),
        "{refused:?}"
    );
    let told = words(&refused.into());
    assert!(told.contains("REVERT") && told.contains("to zero first"), "{told}");
    assert_eq!(stage.count().await, 0);
    assert_eq!(stage.node().trx_balance(stage.payer()).await.unwrap(), trx);
}

#[tokio::test]
async fn an_option_whose_approval_can_only_fail_does_not_sink_the_one_beside_it() {
    let mut stage = Stage::without_allowance().await;
    stage.own_token().await;
    let node = Node::before(&mut stage).await;
    node.spoil(Spoils::Approvals);
    let sick = Ask { price: usdt("0.05"), ..Ask::by(Scheme::ExactPermit2, 1) };
    let sound = || Ask { price: usdt("0.1"), ..Ask::by(Scheme::ExactEip3009, 1) };
    for (accepts, sound_at) in [([sick.option(), sound().option()], 1), ([sound().option(), sick.option()], 0)] {
        let url = format!("https://news.example/beside/{sound_at}");
        let offer = Stage::offer_of(&url, &accepts);
        let request = PayRequest { payment_required: offer, ..stage.request(&Ask { url, ..sound() }) };
        let Ok(Outcome::Open(question)) = stage.wallet.pay(&stage.app, &request).await else { panic!() };
        assert_eq!(question.plan.option, sound_at);
        let choices = stage.wallet.choices(question.id).await.unwrap();
        assert!(choices[sound_at].taken && choices[1 - sound_at].plan.is_err());
        assert_eq!(stage.approve(&question, Scope::Once).await.unwrap().state, State::Signed);
    }
}

#[tokio::test]
async fn a_node_that_does_not_answer_leaves_a_balance_unknown_and_a_person_is_asked() {
    let mut stage = Stage::start().await;
    stage.allow_automatically(&Ask::new(1), "50").await;
    let node = Node::before(&mut stage).await;
    for (nonce, spoils) in [(1, Spoils::Limit), (2, Spoils::Pages), (3, Spoils::Errors)] {
        node.spoil(spoils);
        let unknown = stage.wallet.balances(stage.payer(), tron::Network::Nile).await.unwrap_err();
        assert_eq!(unknown.is_node_limit(), spoils == Spoils::Limit, "{unknown}");
        let url = format!("https://news.example/unknown/{nonce}");
        let question = stage.ask(&Ask { url, ..Ask::new(nonce) }).await;
        assert_eq!(question.plan.balance, None, "{spoils:?}");
        assert!(question.plan.findings.iter().any(|f| f.fact == Fact::ChainUnknown), "{spoils:?}");
    }
    node.spoil(Spoils::Limit);
    let status = Desk::new(stage.wallet.clone()).status().await;
    let why = status.accounts[0].balance_failure.clone().unwrap();
    assert!(status.accounts[0].balances.is_empty() && why.contains("429") && why.contains("key"), "{why}");
    assert_eq!(stage.wallet.networks(), [Network::Nile]);
}
