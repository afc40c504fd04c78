//! The record and what steers it: payments, sites, limits, apps, and which window is open.

use super::{Answer, TheHouse};
use crate::house::Act;
use crate::windows;
use tauri::{AppHandle, WebviewWindow};
use tauri_plugin_dialog::DialogExt;
use view::{
    AppView, Code, ExportFormat, ExportInput, ExportView, Failure, FilterView, PairingView, PaymentDetailView,
    PaymentPage, PaymentView, PruneInput, RemovedView, RuleInput, SiteDetailView, SiteView, StatusView, SummaryView,
    TagView, TokenView, UpkeepView,
};

#[tauri::command]
#[specta::specta]
pub async fn status(house: TheHouse<'_>) -> Answer<StatusView> {
    Ok(house.desk()?.status().await)
}

/// The record of this wallet is gone and the person wants a new one.
#[tauri::command]
#[specta::specta]
pub async fn begin_new_record(app: AppHandle, house: TheHouse<'_>) -> Answer<StatusView> {
    house.record_is_gone()?;
    windows::passphrase(&app, Act::NewRecord, None).await?;
    house.begin_new_record().await?;
    crate::events::follow(&app);
    Ok(house.desk()?.status().await)
}

/// A person is there: the auto-lock starts again.
#[tauri::command]
#[specta::specta]
pub async fn touch(house: TheHouse<'_>) -> Answer<()> {
    house.desk()?.touch();
    Ok(())
}

/// "main", "approval" or "vault".
#[tauri::command]
#[specta::specta]
pub async fn open_window(app: AppHandle, label: String) -> Answer<()> {
    if label == windows::VAULT {
        return windows::run_errand(&app, crate::house::Errand::Unlock).map_err(window_failed);
    }
    windows::open(&app, &label).map_err(window_failed)
}

/// Closes the window that calls.
#[tauri::command]
#[specta::specta]
pub async fn close_window(app: AppHandle, window: WebviewWindow) -> Answer<()> {
    windows::close(&app, window.label()).map_err(window_failed)
}

pub(crate) fn window_failed(e: tauri::Error) -> Failure {
    Failure {
        code: Code::Internal,
        message: format!("The window could not be opened or closed: {e}"),
        advice: None,
        field: None,
        found: None,
        expected: None,
        retry_after: None,
    }
}

#[tauri::command]
#[specta::specta]
pub async fn payments(house: TheHouse<'_>, filter: FilterView) -> Answer<PaymentPage> {
    house.desk()?.payments(filter).await
}

#[tauri::command]
#[specta::specta]
pub async fn payment(house: TheHouse<'_>, id: String) -> Answer<PaymentDetailView> {
    house.desk()?.payment(&id).await
}

/// Sets a payment's note ("" removes it) and tags, all at once.
#[tauri::command]
#[specta::specta]
pub async fn set_note(house: TheHouse<'_>, id: String, note: String, tags: Vec<String>) -> Answer<PaymentView> {
    house.desk()?.set_note(&id, note, tags).await
}

/// Begins an export into the file that was suggested or chosen last; ask with its id how far it is.
#[tauri::command]
#[specta::specta]
pub async fn start_export(
    house: TheHouse<'_>,
    filter: FilterView,
    format: ExportFormat,
    replace: bool,
) -> Answer<ExportView> {
    let path = house.export_to().ok_or_else(|| Failure::field("path", "a file that was chosen", "none"))?;
    let path = path.display().to_string();
    house.desk()?.start_export(ExportInput { filter, format, path, replace }).await
}

#[tauri::command]
#[specta::specta]
pub async fn export(house: TheHouse<'_>, id: String) -> Answer<ExportView> {
    house.desk()?.export(&id)
}

#[tauri::command]
#[specta::specta]
pub async fn cancel_export(house: TheHouse<'_>, id: String) -> Answer<ExportView> {
    house.desk()?.cancel_export(&id)
}

/// Begins to remove old payments (or only to count them); ask with its id how far it is.
#[tauri::command]
#[specta::specta]
pub async fn start_prune(app: AppHandle, house: TheHouse<'_>, input: PruneInput) -> Answer<UpkeepView> {
    let desk = house.desk()?;
    if !input.dry_run {
        desk.check_prune(&input).await?;
        windows::passphrase(&app, Act::Prune, Some(input.older_than.clone())).await?;
    }
    desk.start_prune(input).await
}

/// Begins to give the record's unused space back to the disk.
#[tauri::command]
#[specta::specta]
pub async fn start_vacuum(app: AppHandle, house: TheHouse<'_>) -> Answer<UpkeepView> {
    let desk = house.desk()?;
    windows::passphrase(&app, Act::Vacuum, None).await?;
    desk.start_vacuum().await
}

#[tauri::command]
#[specta::specta]
pub async fn upkeep(house: TheHouse<'_>, id: String) -> Answer<UpkeepView> {
    house.desk()?.upkeep(&id)
}

#[tauri::command]
#[specta::specta]
pub async fn cancel_upkeep(house: TheHouse<'_>, id: String) -> Answer<UpkeepView> {
    house.desk()?.cancel_upkeep(&id)
}

/// What was removed from the record by its age.
#[tauri::command]
#[specta::specta]
pub async fn removed(house: TheHouse<'_>) -> Answer<Option<RemovedView>> {
    house.desk()?.removed().await
}

/// A file name where a person looks for what they saved, that is not taken. The next export goes there.
#[tauri::command]
#[specta::specta]
pub async fn suggest_export_path(house: TheHouse<'_>, format: ExportFormat) -> Answer<String> {
    let path = house.desk()?.suggest_export_path(ending(format))?;
    house.set_export_to(path.clone().into());
    Ok(path)
}

const fn ending(format: ExportFormat) -> &'static str {
    match format {
        ExportFormat::Csv => "csv",
        ExportFormat::Json => "json",
        ExportFormat::JsonLines => "jsonl",
        ExportFormat::Hledger => "journal",
    }
}

/// Lets a person choose the file in the system's own dialog; nothing when they think better of it.
#[tauri::command]
#[specta::specta]
pub async fn choose_export_path(app: AppHandle, house: TheHouse<'_>) -> Answer<Option<String>> {
    let suggested = house.export_to().unwrap_or_default();
    let mut dialog = app.dialog().file();
    if let Some(folder) = suggested.parent().filter(|folder| folder.is_dir()) {
        dialog = dialog.set_directory(folder);
    }
    if let Some(name) = suggested.file_name() {
        dialog = dialog.set_file_name(name.to_string_lossy());
    }
    let (tell, told) = tokio::sync::oneshot::channel();
    dialog.save_file(move |chosen| {
        let _ = tell.send(chosen);
    });
    let Some(chosen) = told.await.ok().flatten().and_then(|path| path.into_path().ok()) else { return Ok(None) };
    house.set_export_to(chosen.clone());
    Ok(Some(chosen.display().to_string()))
}

/// A tag gets another name on every payment; one that has the name already takes them in.
#[tauri::command]
#[specta::specta]
pub async fn rename_tag(house: TheHouse<'_>, name: String, to: String) -> Answer<()> {
    house.desk()?.rename_tag(name, to).await
}

#[tauri::command]
#[specta::specta]
pub async fn tags(house: TheHouse<'_>) -> Answer<Vec<TagView>> {
    house.desk()?.tags().await
}

#[tauri::command]
#[specta::specta]
pub async fn summary(house: TheHouse<'_>) -> Answer<SummaryView> {
    house.desk()?.summary().await
}

#[tauri::command]
#[specta::specta]
pub async fn sites(house: TheHouse<'_>) -> Answer<Vec<SiteView>> {
    house.desk()?.sites().await
}

#[tauri::command]
#[specta::specta]
pub async fn site(house: TheHouse<'_>, site_key: String) -> Answer<SiteDetailView> {
    house.desk()?.site(&site_key).await
}

#[tauri::command]
#[specta::specta]
pub async fn block_site(
    app: AppHandle,
    house: TheHouse<'_>,
    site_key: String,
    blocked: bool,
    whole_host: bool,
) -> Answer<()> {
    let desk = house.desk()?;
    if !blocked {
        desk.check_site(&site_key)?;
        windows::passphrase(&app, Act::UnblockSite, Some(site_key.clone())).await?;
    }
    desk.block_site(&site_key, blocked, whole_host).await
}

#[tauri::command]
#[specta::specta]
pub async fn set_rule(app: AppHandle, house: TheHouse<'_>, rule: RuleInput) -> Answer<()> {
    let desk = house.desk()?;
    if desk.check_rule(&rule).await?.takes_proof() {
        windows::passphrase(&app, Act::SetRule, rule.site_key.clone()).await?;
    }
    desk.set_rule(rule).await
}

#[tauri::command]
#[specta::specta]
pub async fn apps(house: TheHouse<'_>) -> Answer<Vec<AppView>> {
    house.desk()?.apps().await
}

#[tauri::command]
#[specta::specta]
pub async fn revoke_app(house: TheHouse<'_>, id: String) -> Answer<()> {
    house.desk()?.revoke_app(&id).await
}

#[tauri::command]
#[specta::specta]
pub async fn pairings(house: TheHouse<'_>) -> Answer<Vec<PairingView>> {
    house.desk()?.pairings().await
}

#[tauri::command]
#[specta::specta]
pub async fn answer_pairing(app: AppHandle, house: TheHouse<'_>, id: String, approve: bool) -> Answer<()> {
    let desk = house.desk()?;
    if approve {
        let name = desk.pairings().await?.into_iter().find(|pairing| pairing.id == id).map(|pairing| pairing.name);
        windows::passphrase(&app, Act::Pair, name).await?;
    }
    desk.answer_pairing(&id, approve).await
}

/// Minutes without use after which the wallet locks; 0 = never.
#[tauri::command]
#[specta::specta]
pub async fn set_auto_lock(app: AppHandle, house: TheHouse<'_>, minutes: u32) -> Answer<StatusView> {
    let desk = house.desk()?;
    windows::passphrase(&app, Act::AutoLock, None).await?;
    desk.set_auto_lock(minutes).await
}

/// The Permit2 deployment that is signed for.
#[tauri::command]
#[specta::specta]
pub async fn set_permit2(app: AppHandle, house: TheHouse<'_>, set: String) -> Answer<StatusView> {
    let desk = house.desk()?;
    desk.check_permit2(Some(&set), None)?;
    windows::passphrase(&app, Act::Permit2, None).await?;
    desk.set_permit2(Some(&set), None).await
}

/// Tokens that the person added.
#[tauri::command]
#[specta::specta]
pub async fn tokens(house: TheHouse<'_>) -> Answer<Vec<TokenView>> {
    house.desk()?.tokens().await
}

#[tauri::command]
#[specta::specta]
pub async fn add_token(app: AppHandle, house: TheHouse<'_>, network: String, token: String) -> Answer<TokenView> {
    let desk = house.desk()?;
    desk.check_token(&network, &token)?;
    windows::passphrase(&app, Act::AddToken, Some(token.clone())).await?;
    desk.add_token(&network, &token).await
}

#[tauri::command]
#[specta::specta]
pub async fn remove_token(house: TheHouse<'_>, network: String, token: String) -> Answer<()> {
    house.desk()?.remove_token(&network, &token).await
}
