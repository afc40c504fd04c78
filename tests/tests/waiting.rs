//! Questions while nobody can answer, or nobody waits for the answer any more.
#![allow(clippy::unwrap_used, clippy::panic)]

use ledger::{Payment, State};
use plan::Why;
use std::time::Duration;
use stories::{Ask, Stage, passphrase};
use wallet::{Event, Scope, WalletError};

fn article(nonce: u64) -> Ask {
    Ask { url: format!("https://news.example/articles/{nonce}"), ..Ask::new(nonce) }
}

/// A known seller, with a limit for about two more articles.
async fn limited() -> Stage {
    let stage = Stage::start().await;
    let first = stage.approve(&stage.ask(&article(1)).await, Scope::Once).await.unwrap();
    stage.settle(&stage.signed(first.id).await).await;
    stage.allow_automatically(&article(1), "0.80").await;
    stage.advance(120);
    stage
}

async fn asked_while_locked(stage: &Stage, ask: &Ask) -> Payment {
    let payment = stage.ask(ask).await;
    assert_eq!(payment.whys, [Why::Locked]);
    payment
}

#[tokio::test]
async fn what_was_asked_only_because_it_was_locked_is_judged_again_at_the_unlock() {
    let stage = limited().await;
    stage.wallet.lock();
    let mut open = vec![];
    for nonce in 2..=4 {
        open.push(asked_while_locked(&stage, &article(nonce)).await);
    }
    // One that a person would be asked about anyway.
    let other = stage.ask(&Ask { pay_to: stories::key(0x99).address(), ..article(5) }).await;
    assert_ne!(other.whys, [Why::Locked]);
    stage.wallet.unlock(passphrase()).await.unwrap();
    for question in &open[..2] {
        let paid = stage.finished(question.id).await;
        assert_eq!((paid.state, paid.by_person), (State::Signed, false), "{paid:?}");
    }
    // The limit is full: that one stays, and says why.
    let full = loop {
        let row = stage.row(open[2].id).await;
        if row.whys != [Why::Locked] {
            break row;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(full.state, State::Asked);
    assert!(matches!(full.whys[..], [Why::OverDay { .. }, ..]), "{:?}", full.whys);
    assert_eq!(stage.row(other.id).await.state, State::Asked);
    // A person answers what is shown now.
    let approved = stage.approve(&full, Scope::Once).await.unwrap();
    assert_eq!((approved.state, approved.by_person), (State::Signed, true));
}

#[tokio::test]
async fn what_changed_while_it_was_locked_is_not_paid_by_a_limit() {
    let stage = limited().await;
    stage.wallet.lock();
    let question = asked_while_locked(&stage, &article(2)).await;
    // The money is spent elsewhere meanwhile.
    stage.spend_elsewhere(stories::usdt("99.6")).await;
    stage.wallet.unlock(passphrase()).await.unwrap();
    let ended = stage.finished(question.id).await;
    assert_eq!((ended.state, ended.code.as_deref()), (State::Refused, Some("balanceShort")));
    assert!(matches!(stage.wallet.header(question.id).await, Ok(None)));
}

async fn is_told(events: &mut tokio::sync::broadcast::Receiver<Event>, id: ledger::PaymentId) -> bool {
    let mut told = false;
    while let Ok(event) = events.try_recv() {
        told |= matches!(event, Event::Question { id: about, .. } if about == id);
    }
    told
}

#[tokio::test]
async fn a_program_that_ended_is_told_as_gone_and_one_that_polls_is_not() {
    let stage = Stage::start().await;
    let question = stage.ask(&Ask::new(1)).await;
    let (id, wallet) = (question.id, stage.wallet.clone());
    let mut events = wallet.subscribe();
    let wait = || {
        let (wallet, app) = (wallet.clone(), stage.app.clone());
        tokio::spawn(async move { wallet.payment_of_app(&app, id, Duration::from_secs(600)).await })
    };
    // Ended in the middle of its wait.
    let waiting = wait();
    tokio::task::yield_now().await;
    waiting.abort();
    let _ = waiting.await;
    wallet.tick().await.unwrap();
    assert!(!wallet.is_asker_gone(id), "a client that was impatient comes again at once");
    stage.clock.advance_ms(4_000);
    wallet.tick().await.unwrap();
    assert!(wallet.is_asker_gone(id) && is_told(&mut events, id).await);
    assert_eq!(stage.row(id).await.state, State::Asked);
    let view = view::Desk::new(wallet.clone());
    assert!(view.questions().await.unwrap()[0].asker_gone.is_some());
    let list = view.payments(view::FilterView::default()).await.unwrap();
    assert_eq!(list.payments[0].word, "waiting, nobody asks any more");
    // Another program that asks about it is not the one that asked.
    let other = plan::AppId("other".to_owned());
    assert!(wallet.payment_of_app(&other, id, Duration::ZERO).await.is_err());
    assert!(wallet.is_asker_gone(id));
    // It comes back.
    wallet.payment_of_app(&stage.app, id, Duration::ZERO).await.unwrap();
    wallet.tick().await.unwrap();
    assert!(!wallet.is_asker_gone(id) && is_told(&mut events, id).await);
    // It asks now and then, then no more; following its events is being there.
    stage.clock.advance_ms(60_000);
    wallet.payment_of_app(&stage.app, id, Duration::ZERO).await.unwrap();
    stage.clock.advance_ms(60_000);
    assert!(!wallet.is_asker_gone(id));
    let listens = wallet.listens(&stage.app);
    stage.clock.advance_ms(40_000);
    assert!(!wallet.is_asker_gone(id));
    drop(listens);
    stage.clock.advance_ms(4_000);
    assert!(wallet.is_asker_gone(id));
    // An answer counts as ever; the chain's time went on as well.
    stage.devnet.clock().advance(Duration::from_millis(168_000));
    stage.devnet.mine(1);
    let signed = stage.approve(&stage.row(id).await, Scope::Once).await.unwrap();
    assert_eq!(signed.state, State::Signed);
}

#[tokio::test]
async fn words_that_were_confirmed_survive_a_vault_that_could_not_be_written() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("profile");
    let nile = Some("http://127.0.0.1:1".to_owned());
    let options = wallet::Options {
        nile: nile.map(wallet::NodeConfig::from),
        cost: wallet::Cost::floor(),
        ..wallet::Options::new(&home, "devnet")
    };
    let wallet = wallet::Wallet::open(options).await.unwrap();
    let (words, ask) = wallet.new_words(12).unwrap();
    let answers: Vec<String> = ask.iter().map(|n| words[n - 1].clone()).collect();
    let away = dir.path().join("away");
    std::fs::rename(&home, &away).unwrap();
    let failed = wallet.confirm_words(answers.clone(), passphrase()).await;
    assert!(matches!(failed, Err(WalletError::NotWritten(_))), "{failed:?}");
    let failure = view::Failure::from(failed.unwrap_err());
    assert!(failure.message.contains("The words are right") && failure.advice.is_some(), "{failure:?}");
    assert!(wallet.is_empty());
    // Mended: the same words once more.
    std::fs::rename(&away, &home).unwrap();
    wallet.confirm_words(answers, passphrase()).await.unwrap();
    let expected = tron::hd::derive(&tron::hd::Words::parse(&words.join(" ")).unwrap(), 0).unwrap().address();
    assert_eq!(wallet.accounts()[0].address, expected);
    assert!(matches!(wallet.confirm_words(vec![], passphrase()).await, Err(WalletError::NothingToConfirm)));
    wallet.close().await;
}
