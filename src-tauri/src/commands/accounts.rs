//! Accounts. The main window names, orders and chooses; what types or shows a secret is an errand of the vault
//! window. Nothing of it is logged.

use super::record::window_failed;
use super::{Answer, TheHouse};
use crate::house::{Act, Errand};
use crate::windows;
use tauri::AppHandle;
use view::{PayerView, RestoredView, StatusView, WordsView};

/// The next account of the words; an empty name numbers it.
#[tauri::command]
#[specta::specta]
pub async fn add_account(app: AppHandle, house: TheHouse<'_>, name: String) -> Answer<StatusView> {
    let desk = house.desk()?;
    desk.add_account(&name, windows::passphrase(&app, Act::Accounts, None).await?).await
}

/// An address to look at; it never signs.
#[tauri::command]
#[specta::specta]
pub async fn watch_account(app: AppHandle, house: TheHouse<'_>, name: String, account: String) -> Answer<StatusView> {
    let desk = house.desk()?;
    desk.check_account(&account)?;
    let passphrase = windows::passphrase(&app, Act::Accounts, Some(account.clone())).await?;
    desk.watch_account(&name, &account, passphrase).await
}

#[tauri::command]
#[specta::specta]
pub async fn rename_account(app: AppHandle, house: TheHouse<'_>, account: String, name: String) -> Answer<StatusView> {
    let desk = house.desk()?;
    let passphrase = windows::passphrase(&app, Act::Accounts, Some(account.clone())).await?;
    desk.rename_account(&account, &name, passphrase).await
}

#[tauri::command]
#[specta::specta]
pub async fn hide_account(app: AppHandle, house: TheHouse<'_>, account: String, hidden: bool) -> Answer<StatusView> {
    let desk = house.desk()?;
    let passphrase = windows::passphrase(&app, Act::Accounts, Some(account.clone())).await?;
    desk.hide_account(&account, hidden, passphrase).await
}

/// To a place in the list, from 0.
#[tauri::command]
#[specta::specta]
pub async fn place_account(app: AppHandle, house: TheHouse<'_>, account: String, at: u32) -> Answer<StatusView> {
    let desk = house.desk()?;
    let passphrase = windows::passphrase(&app, Act::Accounts, Some(account.clone())).await?;
    desk.place_account(&account, at, passphrase).await
}

/// Pays where nothing else was chosen.
#[tauri::command]
#[specta::specta]
pub async fn use_account(app: AppHandle, house: TheHouse<'_>, account: String) -> Answer<StatusView> {
    let desk = house.desk()?;
    desk.check_account(&account)?;
    windows::passphrase(&app, Act::Payer, Some(account.clone())).await?;
    desk.use_account(&account).await
}

/// Which account was chosen for which app and site.
#[tauri::command]
#[specta::specta]
pub async fn payers(house: TheHouse<'_>) -> Answer<Vec<PayerView>> {
    house.desk()?.payers().await
}

/// For an app on all sites or on one; without an account the choice is taken back.
#[tauri::command]
#[specta::specta]
pub async fn choose_payer(
    app: AppHandle,
    house: TheHouse<'_>,
    app_id: String,
    site_key: Option<String>,
    account: Option<String>,
) -> Answer<()> {
    let desk = house.desk()?;
    desk.check_payer(site_key.as_deref(), account.as_deref())?;
    windows::passphrase(&app, Act::Payer, account.clone()).await?;
    desk.choose_payer(&app_id, site_key.as_deref(), account.as_deref()).await
}

/// Opens the vault window for something with a secret in it.
#[tauri::command]
#[specta::specta]
pub async fn open_errand(app: AppHandle, errand: Errand) -> Answer<()> {
    windows::run_errand(&app, errand).map_err(window_failed)
}

/// What the vault window was opened for.
#[tauri::command]
#[specta::specta]
pub async fn errand(house: TheHouse<'_>) -> Answer<Errand> {
    Ok(house.errand())
}

#[tauri::command]
#[specta::specta]
pub async fn import_key(house: TheHouse<'_>, name: String, key: String, passphrase: String) -> Answer<StatusView> {
    house.desk()?.import_key(&name, key, passphrase).await
}

#[tauri::command]
#[specta::specta]
pub async fn import_keystore(
    house: TheHouse<'_>,
    name: String,
    keystore: String,
    its_passphrase: String,
    passphrase: String,
) -> Answer<StatusView> {
    house.desk()?.import_keystore(&name, keystore, its_passphrase, passphrase).await
}

/// An imported key is gone with its account.
#[tauri::command]
#[specta::specta]
pub async fn remove_account(house: TheHouse<'_>, account: String, passphrase: String) -> Answer<StatusView> {
    house.desk()?.remove_account(&account, passphrase).await
}

#[tauri::command]
#[specta::specta]
pub async fn reveal_words(house: TheHouse<'_>, passphrase: String) -> Answer<WordsView> {
    house.desk()?.reveal_words(passphrase).await
}

/// 64 hex digits.
#[tauri::command]
#[specta::specta]
pub async fn reveal_key(house: TheHouse<'_>, account: String, passphrase: String) -> Answer<String> {
    house.desk()?.reveal_key(&account, passphrase).await
}

/// Writes a keystore file under a passphrase of its own; answers where.
#[tauri::command]
#[specta::specta]
pub async fn save_keystore(house: TheHouse<'_>, account: String, passphrase: String, fresh: String) -> Answer<String> {
    house.desk()?.save_keystore(&account, passphrase, fresh).await
}

#[tauri::command]
#[specta::specta]
pub async fn change_passphrase(house: TheHouse<'_>, current: String, fresh: String) -> Answer<StatusView> {
    house.desk()?.change_passphrase(current, fresh).await
}

/// The passphrase is lost: the wallet's own words give the vault anew; the ledger stays.
#[tauri::command]
#[specta::specta]
pub async fn restore_words(house: TheHouse<'_>, words: String, passphrase: String) -> Answer<RestoredView> {
    house.desk()?.restore_words(words, passphrase).await
}
