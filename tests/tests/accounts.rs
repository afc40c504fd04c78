//! Several accounts on one chain: each app and site pays from the account that was chosen for it, a watched one is
//! refused clearly, a key that something open needs stays, and a machine that slept comes back locked.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

use plan::{AppId, Site};
use stories::{Ask, Stage, USDT, WORDS, address, key, passphrase, usdt};
use tron::Address;
use vault::VaultError;
use wallet::{Import, Outcome, Passphrase, WalletError};
use zeroize::Zeroizing;

fn typed(text: &str) -> Passphrase {
    Passphrase::new(text.to_owned())
}

fn hex_key(byte: u8) -> Import {
    Import::Key(Zeroizing::new(hex::encode([byte; 32])))
}

/// Who would pay for this.
async fn payer(stage: &Stage, ask: &Ask) -> Address {
    match stage.wallet.pay(&stage.app, &stage.request(ask)).await.unwrap() {
        Outcome::Open(payment) | Outcome::Signed(payment, _) | Outcome::Ended(payment) => payment.plan.payer,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_app_and_site_pays_from_the_account_that_was_chosen_for_it() {
    let stage = Stage::start().await;
    let wallet = &stage.wallet;
    let first = stage.payer();
    let second = wallet.add_account("Second", passphrase()).await.unwrap().address;
    let third = wallet.import_account("", hex_key(0x33), passphrase()).await.unwrap();
    assert_eq!(third.name, "Account 3");
    for account in [second, third.address] {
        stage.devnet.faucet(account, devnet::Gift::Trx(100_000_000)).unwrap();
        stage.devnet.faucet(account, devnet::Gift::Token(address(USDT), usdt("10"))).unwrap();
    }
    let news = Site::parse("https://news.example").unwrap();
    let nonce = Ask::new;
    assert_eq!(payer(&stage, &nonce(1)).await, first);
    wallet.set_default_account(second).await.unwrap();
    assert_eq!(payer(&stage, &nonce(2)).await, second);
    wallet.choose_payer(&stage.app, None, Some(first)).await.unwrap();
    assert_eq!(payer(&stage, &nonce(3)).await, first);
    wallet.choose_payer(&stage.app, Some(&news), Some(third.address)).await.unwrap();
    assert_eq!(payer(&stage, &nonce(4)).await, third.address);
    // What was asked before keeps the account that it shows.
    let mut asked: Vec<Address> = wallet.open_questions().await.unwrap().iter().map(|p| p.plan.payer).collect();
    let mut expected = [first, second, first, third.address];
    // All in the same moment of the stage's clock: their order is chance.
    asked.sort();
    expected.sort();
    assert_eq!(asked, expected);
    // A key that an open question needs is not thrown away, whatever is typed.
    let refused = wallet.remove_account(third.address, passphrase()).await;
    assert!(matches!(refused, Err(WalletError::AccountInUse { open: 1, .. })));
    let unknown = Address::from_bytes([9; 20]);
    assert!(wallet.choose_payer(&AppId::owner(), None, Some(unknown)).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watched_account_is_seen_and_never_pays() {
    let stage = Stage::start().await;
    let wallet = &stage.wallet;
    let cold = wallet.watch_account("Cold", key(0x44).address(), passphrase()).await.unwrap().address;
    let refused = |result: Result<(), WalletError>| matches!(result, Err(WalletError::Vault(VaultError::WatchedOnly { address })) if address == cold);
    assert!(refused(wallet.set_default_account(cold).await));
    assert!(refused(wallet.choose_payer(&stage.app, None, Some(cold)).await));
    // Chosen while its key was here, and then restored from words, which do not have it.
    let warm = wallet.import_account("Cold", hex_key(0x44), passphrase()).await.unwrap().address;
    assert_eq!(warm, cold);
    wallet.choose_payer(&stage.app, None, Some(cold)).await.unwrap();
    wallet.restore_words(WORDS, typed("another passphrase"), "2026-11-25").await.unwrap();
    let ask = stage.request(&Ask::new(1));
    assert!(refused(wallet.pay(&stage.app, &ask).await.map(drop)));
    let failure = view::Failure::from(wallet.pay(&stage.app, &ask).await.err().unwrap());
    assert_eq!(failure.code, view::Code::WatchOnly);
    assert!(failure.message.contains(&cold.to_string()), "{}", failure.message);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_shows_or_loses_a_secret_takes_the_passphrase_although_the_wallet_is_unlocked() {
    let stage = Stage::start().await;
    let wallet = &stage.wallet;
    let warm = wallet.import_account("Warm", hex_key(0x55), passphrase()).await.unwrap().address;
    let wrong = |e: Option<WalletError>| matches!(e, Some(WalletError::Vault(VaultError::WrongPassphrase)));
    let guess = || typed("a wrong guess");
    assert!(!wallet.is_locked());
    assert!(wrong(wallet.reveal_words(guess()).await.err()));
    assert!(wrong(wallet.reveal_key(warm, guess()).await.err()));
    // A right one in between, or a pause would come.
    wallet.prove(passphrase()).await.unwrap();
    assert!(wrong(wallet.export_keystore(warm, guess(), typed("for the file")).await.err()));
    assert!(wrong(wallet.remove_account(warm, guess()).await.err()));
    wallet.prove(passphrase()).await.unwrap();
    assert!(wrong(wallet.change_passphrase(guess(), typed("for the wallet")).await.err()));
    assert!(wrong(wallet.import_account("More", hex_key(0x66), guess()).await.err()));
    wallet.prove(passphrase()).await.unwrap();

    let key = wallet.reveal_key(warm, passphrase()).await.unwrap();
    assert_eq!(*key, hex::encode([0x55; 32]));
    // Taken elsewhere as a keystore, removed, and brought back.
    let file = wallet.export_keystore(warm, passphrase(), typed("for the file")).await.unwrap();
    wallet.remove_account(warm, passphrase()).await.unwrap();
    assert_eq!(wallet.accounts().len(), 1);
    let keystore = |text: &str| Import::Keystore { file: Zeroizing::new(file.clone()), passphrase: typed(text) };
    let refused = wallet.import_account("Back", keystore("for the fule"), passphrase()).await;
    assert!(matches!(refused, Err(WalletError::Keystore(vault::KeystoreError::WrongPassphrase))));
    assert_eq!(wallet.import_account("Back", keystore("for the file"), passphrase()).await.unwrap().address, warm);

    wallet.change_passphrase(passphrase(), typed("for the wallet")).await.unwrap();
    wallet.lock();
    assert!(wrong(wallet.unlock(passphrase()).await.err()));
    wallet.unlock(typed("for the wallet")).await.unwrap();
    assert_eq!(wallet.accounts().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_passphrase_keeps_the_ledger_and_other_words_change_nothing() {
    let stage = Stage::start().await;
    payer(&stage, &Ask::new(1)).await;
    let other = "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong";
    let refused = stage.wallet.restore_words(other, typed("another passphrase"), "2026-11-25").await;
    assert!(matches!(refused, Err(WalletError::Vault(VaultError::OtherWords { .. }))));
    let stage = stage.restart().await;
    stage.wallet.restore_words(WORDS, typed("another passphrase"), "2026-11-25").await.unwrap();
    assert!(stage.wallet.is_locked(), "it has another passphrase, which unlocks it");
    assert_eq!(stage.wallet.open_questions().await.unwrap().len(), 1);
    stage.wallet.unlock(typed("another passphrase")).await.unwrap();
    let stage = stage.restart().await;
    stage.wallet.unlock(typed("another passphrase")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_was_suspended_is_locked_before_anything_is_signed() {
    let stage = Stage::start().await;
    let wallet = &stage.wallet;
    wallet.set_auto_lock(0).await.unwrap();
    stage.clock.advance_ms(3_600_000);
    assert!(!wallet.is_locked(), "an hour awake, and it is never to lock by itself");
    let mut events = wallet.subscribe();
    stage.clock.sleep_ms(60_000);
    // No tick has to come first.
    assert!(wallet.is_locked());
    wallet.tick().await.unwrap();
    assert!(matches!(events.try_recv(), Ok(wallet::Event::Lock)));
    wallet.unlock(passphrase()).await.unwrap();
    assert!(!wallet.is_locked());
}
