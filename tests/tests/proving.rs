//! The passphrase proves one thing at a time: whatever takes it leaves a locked wallet locked, and an answer that brings
//! it signs the one payment that it answers. Only an unlock unlocks.
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests, too

use ledger::State;
use stories::{Ask, Stage, WORDS, key, passphrase, usdt};
use wallet::{AllowanceChoice, Answer, Import, Outcome, Passphrase, Proof, Scope, Wallet, WalletError};
use zeroize::Zeroizing;

fn yes() -> Answer {
    Answer::Approve { scope: Scope::Once, allowance: AllowanceChoice::Exact }
}

fn typed(text: &str) -> Passphrase {
    Passphrase::new(text.to_owned())
}

#[track_caller]
fn still_locked<T>(wallet: &Wallet, done: Result<T, WalletError>) -> T {
    let done = done.unwrap();
    assert!(wallet.is_locked());
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_takes_the_passphrase_leaves_a_locked_wallet_locked() {
    let stage = Stage::start().await;
    let wallet = &stage.wallet;
    wallet.lock();
    still_locked(wallet, wallet.prove(passphrase()).await);
    assert!(wallet.prove(typed("a wrong guess")).await.is_err());
    let second = still_locked(wallet, wallet.add_account("Second", passphrase()).await).address;
    let cold = still_locked(wallet, wallet.watch_account("Cold", key(0x44).address(), passphrase()).await).address;
    let import = Import::Key(Zeroizing::new(hex::encode([0x55; 32])));
    let warm = still_locked(wallet, wallet.import_account("Warm", import, passphrase()).await).address;
    still_locked(wallet, wallet.rename_account(second, "Shopping", passphrase()).await);
    still_locked(wallet, wallet.hide_account(second, true, passphrase()).await);
    still_locked(wallet, wallet.place_account(warm, 0, passphrase()).await);
    still_locked(wallet, wallet.reveal_words(passphrase()).await);
    still_locked(wallet, wallet.reveal_key(warm, passphrase()).await);
    still_locked(wallet, wallet.export_keystore(warm, passphrase(), typed("for the file")).await);
    still_locked(wallet, wallet.remove_account(cold, passphrase()).await);
    still_locked(wallet, wallet.change_passphrase(passphrase(), typed("the next one")).await);
    let names = |wallet: &Wallet| wallet.accounts().iter().map(|a| (a.name.clone(), a.hidden)).collect::<Vec<_>>();
    let changed = [("Warm".to_owned(), false), ("Account 1".to_owned(), false), ("Shopping".to_owned(), true)];
    assert_eq!(names(wallet), changed);
    still_locked(wallet, wallet.restore_words(WORDS, typed("another one"), "2026-11-30").await);
    // It is all in the file, and opens with what was typed last.
    let stage = stage.restart().await;
    assert_eq!(names(&stage.wallet), changed);
    stage.wallet.unlock(typed("another one")).await.unwrap();
    assert!(!stage.wallet.is_locked());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_with_the_passphrase_signs_its_one_payment_and_unlocks_nothing() {
    let stage = Stage::start().await;
    let first = stage.ask(&Ask::new(1)).await;
    stage.approve(&first, Scope::Once).await.unwrap();
    stage.allow_automatically(&Ask::new(1), "10").await;
    let (one, other) = (stage.ask(&Ask::new(2)).await, stage.ask(&Ask::new(3)).await);
    stage.wallet.lock();
    let proof = Proof::Passphrase(passphrase());
    let signed = stage.wallet.answer(one.id, one.digest, yes(), proof).await.unwrap();
    assert_eq!((signed.state, stage.wallet.is_locked()), (State::Signed, true));
    let refused = stage.wallet.answer(other.id, other.digest, yes(), Proof::Window).await;
    // It may stand there anew already: the same thing was paid just now.
    assert!(matches!(refused, Err(WalletError::Locked | WalletError::PlanChanged { .. })), "{refused:?}");
    // What a limit would pay waits for the unlock, as before.
    assert!(matches!(stage.pay(&Ask::new(4)).await, Ok(Outcome::Open(_))));
    // An answer that is refused leaves no key behind either.
    let total = Answer::Approve { scope: Scope::Once, allowance: AllowanceChoice::Total(usdt("0")) };
    let _ = stage.wallet.answer(other.id, other.digest, total, Proof::Passphrase(passphrase())).await;
    assert!(stage.wallet.is_locked());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keys_of_an_answer_last_until_its_allowance_and_its_payment_are_signed() {
    let stage = Stage::without_allowance().await;
    let question = stage.ask(&Ask::new(1)).await;
    let other = stage.ask(&Ask::new(2)).await;
    stage.wallet.lock();
    let proof = Proof::Passphrase(passphrase());
    let approved = stage.wallet.answer(question.id, question.digest, yes(), proof).await.unwrap();
    assert!(stage.wallet.is_locked());
    let signed = match approved.state {
        State::Reserved => stage.finished(question.id).await,
        _ => approved,
    };
    assert_eq!((signed.state, stage.wallet.is_locked()), (State::Signed, true));
    let refused = stage.wallet.answer(other.id, other.digest, yes(), Proof::Window).await;
    // It may stand there anew already: the same thing was paid just now.
    assert!(matches!(refused, Err(WalletError::Locked | WalletError::PlanChanged { .. })), "{refused:?}");
}
