//! Three windows: the record, the question, and the one for secrets. Each is made when it is needed, from
//! its entry in tauri.conf.json and the room on the screen, and its process ends with it.

use crate::desktop;
use crate::house::{self, Act, Errand, House};
use std::sync::mpsc;
use tauri::{AppHandle, Emitter, Manager, UserAttentionType, WebviewWindowBuilder, WindowEvent};
use view::Failure;
use wallet::Passphrase;

pub const MAIN: &str = "main";
pub const APPROVAL: &str = "approval";
pub const VAULT: &str = "vault";

/// Opens the window, or brings it in front.
pub fn open(app: &AppHandle, label: &str) -> tauri::Result<()> {
    if let Some(window) = app.get_webview_window(label) {
        desktop::fit_again(&window)?;
        window.unminimize()?;
        window.show()?;
        window.set_focus()?;
        // Where the desktop forbids stealing the focus, the taskbar shows it.
        return window.request_user_attention(Some(UserAttentionType::Informational));
    }
    // Only the main thread may ask the desktop; on it this runs at once.
    let (tell, told) = mpsc::channel();
    let (handle, label) = (app.clone(), label.to_owned());
    app.run_on_main_thread(move || {
        let _ = tell.send(make(&handle, &label));
    })?;
    told.recv().map_err(|_| tauri::Error::WindowNotFound)?
}

fn make(app: &AppHandle, label: &str) -> tauri::Result<()> {
    // Another thread may have been first.
    if app.get_webview_window(label).is_some() {
        return Ok(());
    }
    let config = app.config().app.windows.iter().find(|w| w.label == label);
    let mut config = config.ok_or(tauri::Error::WindowNotFound)?.clone();
    desktop::fit(app, &mut config);
    // Shown when the window manager has been told all about it.
    config.visible = false;
    let window = WebviewWindowBuilder::from_config(app, &config)?
        .on_navigation(|url| is_ours(url, cfg!(any(windows, target_os = "android"))))
        .on_new_window(|_, _| tauri::webview::NewWindowResponse::Deny)
        .build()?;
    if label == APPROVAL {
        desktop::as_dialog(&window)?;
    }
    let there = window.clone();
    window.on_window_event(move |event| {
        if matches!(event, WindowEvent::Destroyed) && there.label() == VAULT {
            // Whoever waits for the passphrase waits in vain.
            there.state::<House>().set_errand(Errand::Unlock);
        }
        if let WindowEvent::ScaleFactorChanged { .. } = event
            && let Err(e) = desktop::fit_again(&there)
        {
            tracing::warn!("the window stays as large as it was: {e}");
        }
    });
    window.show()?;
    window.set_focus()
}

/// The pages that are embedded in this program, and nothing else. Where the system's webview takes no scheme of our own
/// they are mapped to a host, and only there: elsewhere whoever listens on this machine would answer for that name.
fn is_ours(url: &tauri::Url, mapped: bool) -> bool {
    let plain = url.port().is_none() && url.username().is_empty() && url.password().is_none();
    plain
        && match url.scheme() {
            "tauri" => url.host_str() == Some("localhost"),
            "http" | "https" => mapped && url.host_str() == Some("tauri.localhost"),
            _ => false,
        }
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
    show_errand(app)
}

fn show_errand(app: &AppHandle) -> tauri::Result<()> {
    if app.get_webview_window(VAULT).is_some() {
        app.emit_to(VAULT, crate::events::CHANGED, view::EventView::Lock)?;
    }
    open(app, VAULT)
}

/// The passphrase, typed in the vault window for what another window asked for, and proved there to be the right one.
///
/// # Errors
/// Where it was not typed: that window was closed, or turned to something else.
pub async fn passphrase(app: &AppHandle, act: Act, about: Option<String>) -> Result<Passphrase, Failure> {
    // What comes from outside is shown as text, and not much of it.
    let about = about.map(|text| view::question::quoted(&text, 80));
    let errand = Errand::Confirm { act, about };
    app.state::<House>().set_errand(errand.clone());
    let told = app.state::<House>().awaited();
    show_errand(app).map_err(crate::commands::record::window_failed)?;
    let typed = told.await;
    typed.map_err(|_| house::not_confirmed())
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

#[cfg(test)]
mod tests {
    use super::is_ours;

    #[test]
    fn a_window_shows_embedded_pages_and_goes_nowhere_else() {
        let ours = |text: &str| [false, true].map(|mapped| is_ours(&tauri::Url::parse(text).unwrap(), mapped));
        assert_eq!(ours("tauri://localhost/index.html"), [true, true]);
        // On Windows and Android alone.
        assert_eq!(ours("http://tauri.localhost/index.html"), [false, true]);
        assert_eq!(ours("https://tauri.localhost/"), [false, true]);
        for elsewhere in [
            "http://tauri.localhost:8402/",
            "https://tauri.localhost:444/",
            "http://user@tauri.localhost/",
            "http://a.tauri.localhost/",
            "http://tauri.localhost.example/",
            "http://localhost/",
            "tauri://elsewhere/",
            "tauri://localhost:1/",
            "tauri:x",
            "ftp://tauri.localhost/",
            "file:///etc/passwd",
            "data:text/html,x",
            "about:blank",
        ] {
            assert_eq!(ours(elsewhere), [false, false], "{elsewhere}");
        }
    }
}
