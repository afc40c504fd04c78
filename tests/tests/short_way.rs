//! What a limit allows is signed from what the chain said a moment ago, in one durable commit. Here is what that may
//! not cost: a figure from memory stops nothing and gets old, a used nonce buys nothing twice, a power cut repeats nothing.
#![allow(clippy::unwrap_used, clippy::panic)]

use devnet::{Fault, Gift};
use ledger::{LedgerError, Payment, Settlement, State};
use plan::Fact;
use std::time::Duration;
use stories::{Ask, Stage, USDT, address, key, passphrase, usdt};
use wallet::{Outcome, Report, Scope, WalletError};

/// Another article for each nonce: nothing here is a retry.
fn article(nonce: u64) -> Ask {
    Ask { url: format!("https://news.example/articles/{nonce}"), ..Ask::new(nonce) }
}

/// The seller is known, a limit pays it, and the chain was looked at just now (nonces 1 and 2 are taken).
async fn trusted() -> Stage {
    let stage = Stage::start().await;
    let first = stage.ask(&article(1)).await;
    let first = stage.approve(&first, Scope::Once).await.unwrap();
    let tx = stage.settle(&stage.signed(first.id).await).await;
    report(&stage, &first, &tx.to_string()).await;
    stage.allow_automatically(&article(1), "50").await;
    stage.advance(120);
    stage.devnet.mine(5);
    stage.wallet.reconcile().await.unwrap();
    allowed(&stage, 2).await;
    stage
}

async fn allowed(stage: &Stage, nonce: u64) -> Payment {
    match stage.pay(&article(nonce)).await.unwrap() {
        Outcome::Signed(payment, _) => payment,
        other => panic!("a limit allows it, found {other:?}"),
    }
}

/// The seller delivered and says which transaction settled.
async fn report(stage: &Stage, payment: &Payment, tx: &str) {
    let response = x402::Settlement::settled("tron:nile", tx, stage.payer()).header_value();
    let delivered = Report { payment_response: Some(response), http_status: 200 };
    stage.wallet.report(&stage.app, payment.id, delivered).await.unwrap();
}

/// No node answers any question about a contract.
fn node_gone(stage: &Stage) {
    for door in ["wallet/triggerconstantcontract", "walletsolidity/triggerconstantcontract"] {
        stage.devnet.fault(door, 10_000, Fault::Error);
    }
}

/// Asked about or refused, with this finding.
async fn not_signed(stage: &Stage, ask: &Ask, because: impl Fn(&Fact) -> bool) {
    let payment = match stage.pay(ask).await {
        Ok(Outcome::Open(payment)) => payment,
        Err(WalletError::Refused(payment)) => *payment,
        other => panic!("nothing allows it, found {other:?}"),
    };
    assert!(payment.plan.findings.iter().any(|f| because(&f.fact)), "{:?}", payment.plan.findings);
}

fn short(fact: &Fact) -> bool {
    matches!(fact, Fact::BalanceShort { .. })
}

/// What goes on behind a payment has been done.
async fn until(mut done: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !done().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.unwrap();
}

#[tokio::test]
async fn for_half_a_minute_a_limit_pays_without_a_node_and_then_a_person_is_asked() {
    let stage = trusted().await;
    node_gone(&stage);
    stage.clock.advance_ms(29_000);
    let paid = allowed(&stage, 3).await;
    assert_eq!((paid.state, paid.by_person), (State::Signed, false));
    stage.clock.advance_ms(2_000);
    not_signed(&stage, &article(4), |f| *f == Fact::ChainUnknown).await;
    // It comes back: looked at again, nobody is asked.
    stage.devnet.clear_faults();
    allowed(&stage, 5).await;
}

#[tokio::test]
async fn a_check_looks_at_the_chain_whatever_memory_holds() {
    // Nothing is remembered yet.
    let stage = Stage::start().await;
    let request = stage.request(&article(1));
    let first = stage.wallet.check(&stage.app, &request).await.unwrap();
    assert_eq!(first.plan.balance, Some(usdt("100")), "{:?}", first.plan.findings);
    // And what is remembered is not what is told.
    let stage = trusted().await;
    stage.spend_elsewhere(stage.balance(stage.payer()).await).await;
    let second = stage.wallet.check(&stage.app, &stage.request(&article(3))).await.unwrap();
    assert!(second.plan.findings.iter().any(|f| short(&f.fact)), "{:?}", second.plan.findings);
}

#[tokio::test]
async fn the_second_price_is_compared_with_the_first_however_soon_it_comes() {
    let stage = Stage::start().await;
    let first = stage.ask(&article(1)).await;
    stage.approve(&first, Scope::Once).await.unwrap();
    stage.allow_automatically(&article(1), "50").await;
    let price = first.plan.price.saturating_mul(4);
    not_signed(&stage, &Ask { price, ..article(2) }, |f| matches!(f, Fact::PriceAboveUsual { .. })).await;
}

#[tokio::test]
async fn sleep_makes_memory_old() {
    let stage = trusted().await;
    node_gone(&stage);
    stage.clock.sleep_ms(31_000);
    assert!(!matches!(stage.pay(&article(3)).await, Ok(Outcome::Signed(..))));
}

#[tokio::test]
async fn a_restart_remembers_nothing_of_the_chain() {
    let stage = trusted().await.restart().await;
    stage.wallet.unlock(passphrase()).await.unwrap();
    node_gone(&stage);
    not_signed(&stage, &article(3), |f| *f == Fact::ChainUnknown).await;
}

#[tokio::test]
async fn what_memory_holds_too_little_for_is_looked_up_before_anybody_is_asked() {
    let stage = trusted().await;
    // Nearly everything leaves by another program; a payment finds too little. Then more comes in.
    let rest = stage.balance(stage.payer()).await.checked_sub(usdt("0.30")).unwrap();
    stage.spend_elsewhere(rest).await;
    stage.clock.advance_ms(31_000);
    not_signed(&stage, &article(3), short).await;
    stage.devnet.faucet(stage.payer(), Gift::Token(address(USDT), usdt("50"))).unwrap();
    allowed(&stage, 4).await;
}

#[tokio::test]
async fn what_is_promised_is_subtracted_from_memory_each_time() {
    let stage = trusted().await;
    let rest = stage.balance(stage.payer()).await.checked_sub(usdt("1.30")).unwrap();
    stage.spend_elsewhere(rest).await;
    stage.clock.advance_ms(31_000);
    // 1.30 less 0.26 that is promised: room for four more, and nobody settles. The first of them looks at the chain.
    allowed(&stage, 3).await;
    stage.devnet.fault("wallet/triggerconstantcontract", 10_000, Fault::Error);
    for nonce in 4..7 {
        allowed(&stage, nonce).await;
    }
    stage.devnet.clear_faults();
    not_signed(&stage, &article(7), short).await;
}

#[tokio::test]
async fn a_balance_that_fell_elsewhere_is_noticed_behind_the_first_payment() {
    let stage = trusted().await;
    stage.spend_elsewhere(stage.balance(stage.payer()).await).await;
    stage.clock.advance_ms(6_000);
    // Signed from memory: the facilitator will say that it can't be covered. Nothing of the next.
    allowed(&stage, 3).await;
    let mut nonce = 4;
    until(async || {
        nonce += 1;
        !matches!(stage.pay(&article(nonce)).await, Ok(Outcome::Signed(..)))
    })
    .await;
    assert!(stage.count().await < 40, "noticed behind one of the next payments");
}

#[tokio::test]
async fn a_site_that_dictates_a_used_nonce_moves_nothing_and_is_looked_at_first_from_then_on() {
    let stage = trusted().await;
    // Used on the chain by this account, and no row of this wallet knows of it.
    for nonce in [70, 71] {
        let offer = x402::Offer::read(&stage.offer(&article(nonce))).unwrap();
        let authorization = offer.options[0].terms.as_ref().unwrap().authorize(stage.payer()).unwrap();
        let signature = stage.buyer().sign(&authorization.digest);
        stage.settle(&authorization.payment(&offer, &offer.options[0], &signature)).await;
    }
    let seller = stage.balance(key(0x51).address()).await;
    let first = allowed(&stage, 70).await;
    assert_eq!(first.settlement, Some(Settlement::Unknown));
    let refused = stage.try_settle(&stage.signed(first.id).await).await;
    assert!(!refused, "the contract takes no nonce twice");
    assert_eq!(stage.balance(key(0x51).address()).await, seller);
    // Behind it the chain was looked at, and this site gets nothing from memory any more.
    let mut fresh = 100;
    node_gone(&stage);
    until(async || {
        fresh += 1;
        !matches!(stage.pay(&article(fresh)).await, Ok(Outcome::Signed(..)))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seller_that_settles_at_once_is_not_taken_for_one_that_dictates_used_nonces() {
    let stage = trusted().await;
    let node = stage.node();
    // The look behind each of these may find the nonce used by the payment itself.
    for nonce in 3..13 {
        let payment = allowed(&stage, nonce).await;
        let tx = stage.settle_through(&node, &stage.signed(payment.id).await).await;
        report(&stage, &payment, &tx.to_string()).await;
    }
    node_gone(&stage);
    let mut nonce = 20;
    until(async || {
        nonce += 1;
        matches!(stage.pay(&article(nonce)).await, Ok(Outcome::Signed(..)))
    })
    .await;
}

#[tokio::test]
async fn a_power_cut_takes_the_note_of_a_signature_and_the_same_one_is_made_again() {
    let stage = trusted().await;
    let paid = allowed(&stage, 3).await;
    let first = stage.signed(paid.id).await;
    let kept = before_the_signature(&stage, &paid).await;
    let stage = stage.restart_with(&kept).await;
    let cut = stage.row(paid.id).await;
    assert_eq!((cut.state, cut.signed_at), (State::Reserved, None), "the note is gone, the reservation is not");
    // Its signature may be out: nothing releases it before the chain shows that it is over.
    let ledger = ledger::Ledger::open(&stage.dir.path().join("ledger.db")).unwrap();
    let released = ledger.end(paid.id, &ledger::End::Cancelled, stage.wallet.now());
    assert!(matches!(released, Err(LedgerError::IllegalStep { .. })), "{released:?}");
    drop(ledger);
    let cancelled = stage.wallet.cancel(&stage.app, paid.id).await;
    assert!(matches!(cancelled, Err(WalletError::Signed(_))), "{cancelled:?}");
    assert_eq!(stage.row(paid.id).await.state, State::Reserved);
    // The key is there again: the same signature, once.
    stage.wallet.unlock(passphrase()).await.unwrap();
    let again = stage.finished(paid.id).await;
    assert_eq!(again.state, State::Signed);
    let payment = stage.signed(paid.id).await;
    assert_eq!(payment.to_json(), first.to_json());
    stage.settle(&payment).await;
    assert_eq!(stage.balance(key(0x51).address()).await, usdt("0.50"), "the first and this one");
}

#[tokio::test]
async fn a_crash_right_behind_the_answer_leaves_it_reserved_and_the_same_signature_is_made_again() {
    let stage = trusted().await;
    let Outcome::Signed(paid, header) = stage.pay(&article(3)).await.unwrap() else { panic!("a limit allows it") };
    // As the files are before anybody looks: nothing is in its place yet.
    let file = |name: &str| (name.to_owned(), std::fs::read(stage.dir.path().join(name)).unwrap());
    let files = [file("ledger.db"), file("ledger.db-wal")];
    let stage = stage.restart_with(&files).await;
    let left = stage.row(paid.id).await;
    assert_eq!((left.state, left.plan.maximum), (State::Reserved, paid.plan.maximum));
    stage.wallet.unlock(passphrase()).await.unwrap();
    assert_eq!(stage.finished(paid.id).await.state, State::Signed);
    assert_eq!(stage.wallet.header(paid.id).await.unwrap(), Some(header));
}

#[tokio::test]
async fn a_revoked_apps_payment_after_a_power_cut_keeps_its_reservation_until_the_chain_shows_it_unused() {
    let stage = trusted().await;
    let paid = allowed(&stage, 3).await;
    let kept = before_the_signature(&stage, &paid).await;
    let stage = stage.restart_with(&kept).await;
    stage.wallet.revoke_app(&stage.app).await.unwrap();
    let held = stage.row(paid.id).await;
    assert_eq!(held.state, State::Reserved, "its signature may be out");
    stage.advance(800);
    stage.devnet.mine(5);
    stage.wallet.reconcile().await.unwrap();
    assert_eq!(stage.row(paid.id).await.state, State::Expired);
    let (site, _) = stage.wallet.site(&paid.plan.site).await.unwrap();
    assert_eq!(site.totals[0].settled, usdt("0.26"), "only the first");
}

#[tokio::test]
async fn a_revoked_token_is_not_remembered() {
    let stage = trusted().await;
    let pairing = stage.wallet.pair("other").unwrap();
    stage.wallet.answer_pairing(&pairing.id, true).await.unwrap();
    let token =
        stage.wallet.collect(&pairing.id, &pairing.secret.unwrap(), Duration::ZERO).await.unwrap().token.unwrap();
    let app = stage.wallet.authenticate(&token).await.unwrap();
    assert_eq!(stage.wallet.authenticate(&token).await.unwrap().id, app.id, "from memory");
    stage.wallet.revoke_app(&app.id).await.unwrap();
    let refused = stage.wallet.authenticate(&token).await;
    assert!(matches!(refused, Err(WalletError::NotPaired { .. })), "{refused:?}");
}

/// The folder's record as a power cut can leave it: all that was synced, without the commits of the log after the last
/// one that was. Files by name.
async fn before_the_signature(stage: &Stage, paid: &Payment) -> Vec<(String, Vec<u8>)> {
    // It is written with the next look at it.
    assert_eq!(stage.row(paid.id).await.state, State::Signed);
    let read = |name: &str| std::fs::read(stage.dir.path().join(name)).unwrap();
    let (main, log) = (read("ledger.db"), read("ledger.db-wal"));
    // https://sqlite.org/fileformat2.html#the_write_ahead_log: a header of 32 bytes, then frames of 24 bytes and a
    // page; the second word of a frame is not zero where a transaction ends.
    let word = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().unwrap());
    let frame = 24 + word(8) as usize;
    let salt = (word(16), word(20));
    let valid = |at: &usize| (word(at + 8), word(at + 12)) == salt;
    let frames = (32..=log.len() - frame).step_by(frame).take_while(valid);
    let ends: Vec<usize> = frames.filter(|at| word(at + 4) != 0).map(|at| at + frame).collect();
    // The signature's is the last transaction.
    let cut = ends[ends.len() - 2];
    vec![("ledger.db".to_owned(), main), ("ledger.db-wal".to_owned(), log[..cut].to_vec())]
}
