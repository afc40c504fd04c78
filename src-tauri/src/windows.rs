//! Three windows: the record, the question, and the one for secrets. Each is made when it is needed, from
//! its entry in tauri.conf.json, and its process ends with it.

use crate::house::{Errand, House};
use tauri::{AppHandle, Emitter, Manager, UserAttentionType, WebviewWindowBuilder};

pub const MAIN: &str = "main";
pub const APPROVAL: &str = "approval";
pub const VAULT: &str = "vault";

/// Opens the window, or brings it in front.
pub fn open(app: &AppHandle, label: &str) -> tauri::Result<()> {
    if let Some(window) = app.get_webview_window(label) {
        window.unminimize()?;
        window.show()?;
        window.set_focus()?;
        // Where the desktop forbids stealing the focus, the taskbar shows it.
        return window.request_user_attention(Some(UserAttentionType::Informational));
    }
    let config = app.config().app.windows.iter().find(|w| w.label == label);
    let config = config.ok_or(tauri::Error::WindowNotFound)?;
    WebviewWindowBuilder::from_config(app, config)?
        .on_navigation(|url| matches!(url.scheme(), "tauri" | "http" | "https") && is_ours(url))
        .on_new_window(|_, _| tauri::webview::NewWindowResponse::Deny)
        .build()?;
    Ok(())
}

/// The pages that are embedded in this program, and nothing else.
fn is_ours(url: &tauri::Url) -> bool {
    url.scheme() == "tauri" || url.host_str() == Some("tauri.localhost")
}

/// As [`open`]; a window that can't be opened is logged, the payment waits in its row.
pub fn open_or_tell(app: &AppHandle, label: &str) {
    if let Err(e) = open(app, label) {
        tracing::error!("the window {label} can't be opened: {e}");
    }
}

/// What a start shows: the first run where there is no wallet yet, otherwise the record.
pub fn first(app: &AppHandle) {
    let empty = app.state::<House>().desk().is_ok_and(|desk| desk.wallet().is_empty());
    open_or_tell(app, if empty { VAULT } else { MAIN });
}

/// Opens the vault window for an errand; one that is open turns to it.
pub fn run_errand(app: &AppHandle, errand: Errand) -> tauri::Result<()> {
    app.state::<House>().set_errand(errand);
    if app.get_webview_window(VAULT).is_some() {
        app.emit_to(VAULT, crate::events::CHANGED, view::EventView::Lock)?;
    }
    open(app, VAULT)
}

/// Closes one of the passing windows. After the first run the record opens first, so that the app goes on.
pub fn close(app: &AppHandle, label: &str) -> tauri::Result<()> {
    if label == VAULT && app.get_webview_window(MAIN).is_none() {
        open(app, MAIN)?;
    }
    if label == VAULT {
        app.state::<House>().set_errand(Errand::Unlock);
    }
    match app.get_webview_window(label) {
        Some(window) => window.destroy(),
        None => Ok(()),
    }
}
