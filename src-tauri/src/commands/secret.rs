//! Words and passphrase, for the vault window alone (and the lock, for anybody). Nothing of it is logged.

use super::{Answer, TheHouse};
use view::{BroughtView, NewWordsView, StatusView};

#[tauri::command]
#[specta::specta]
pub async fn lock(house: TheHouse<'_>) -> Answer<()> {
    house.desk()?.lock();
    Ok(())
}

/// Twelve or twenty-four fresh words, shown once.
#[tauri::command]
#[specta::specta]
pub async fn new_words(house: TheHouse<'_>, count: u8) -> Answer<NewWordsView> {
    house.desk()?.new_words(count).await
}

/// The person went back: the words are forgotten.
#[tauri::command]
#[specta::specta]
pub async fn discard_words(house: TheHouse<'_>) -> Answer<()> {
    house.desk()?.discard_words();
    Ok(())
}

/// The words that were asked back, and the passphrase that encrypts all of them.
#[tauri::command]
#[specta::specta]
pub async fn confirm_words(house: TheHouse<'_>, answers: Vec<String>, passphrase: String) -> Answer<StatusView> {
    house.desk()?.confirm_words(answers, passphrase).await
}

#[tauri::command]
#[specta::specta]
pub async fn import_words(house: TheHouse<'_>, words: String, passphrase: String) -> Answer<StatusView> {
    house.desk()?.import_words(words, passphrase).await
}

/// Judges words, key or keystore as they are brought, before a passphrase is typed; answers how many words there are.
#[tauri::command]
#[specta::specta]
pub async fn check_import(house: TheHouse<'_>, what: BroughtView, text: String) -> Answer<Option<u32>> {
    house.desk()?.check_import(what, text).await
}

#[tauri::command]
#[specta::specta]
pub async fn unlock(house: TheHouse<'_>, passphrase: String) -> Answer<StatusView> {
    house.desk()?.unlock(passphrase).await
}

/// The passphrase for what another window asked for; it unlocks nothing.
#[tauri::command]
#[specta::specta]
pub async fn confirm(house: TheHouse<'_>, passphrase: String) -> Answer<()> {
    house.confirm(passphrase).await
}

/// With what the keyring of this computer remembers.
#[tauri::command]
#[specta::specta]
pub async fn unlock_remembered(house: TheHouse<'_>) -> Answer<StatusView> {
    house.desk()?.unlock_remembered().await
}

/// Lets the keyring of this computer remember the unlock.
#[tauri::command]
#[specta::specta]
pub async fn remember_unlock(house: TheHouse<'_>, passphrase: String, at_start: bool) -> Answer<StatusView> {
    house.desk()?.remember_unlock(passphrase, at_start).await
}

/// The passphrase, every time.
#[tauri::command]
#[specta::specta]
pub async fn forget_unlock(house: TheHouse<'_>) -> Answer<StatusView> {
    house.desk()?.forget_unlock().await
}
