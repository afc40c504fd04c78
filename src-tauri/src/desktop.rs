//! What the desktop gives a window: whether there is a display at all, how much of its screens is free, how large
//! its letters are, and what its window manager is told. Decides how large a window may be, not what is in it.

use tauri::utils::config::WindowConfig;
use tauri::{AppHandle, LogicalSize, Manager, WebviewWindow};

/// A title bar and a frame stand beside the inside, within the free area. Nobody tells their size before a window is
/// there; the usual ones are smaller than this.
const FRAME: LogicalSize<u32> = LogicalSize { width: 8, height: 52 };

/// Whether a window can be opened at all.
pub fn has_display() -> bool {
    #[cfg(target_os = "linux")]
    return gtk::init().is_ok();
    #[cfg(not(target_os = "linux"))]
    true
}

/// The size that a window starts with: as configured, larger where the desktop's letters are larger, and never more
/// than the screen has free. On the main thread only.
pub fn fit(app: &AppHandle, config: &mut WindowConfig) {
    let percent = text_percent();
    let larger = |pixels: f64| f64::from((pixels as u32).saturating_mul(percent) / 100);
    (config.width, config.height) = (larger(config.width), larger(config.height));
    let Some(room) = room(app) else { return };
    let (width, height) = (f64::from(room.width), f64::from(room.height));
    (config.width, config.height) = (config.width.min(width), config.height.min(height));
    config.min_width = config.min_width.map(|least| least.min(width));
    config.min_height = config.min_height.map(|least| least.min(height));
}

/// A window that stands already, after a screen was unplugged or its scale changed.
pub fn fit_again(window: &WebviewWindow) -> tauri::Result<()> {
    let Some(room) = room(window.app_handle()) else { return Ok(()) };
    let now: LogicalSize<u32> = window.inner_size()?.to_logical(window.scale_factor()?);
    if now.width <= room.width && now.height <= room.height {
        return Ok(());
    }
    let size = LogicalSize::new(now.width.min(room.width), now.height.min(room.height));
    window.set_min_size(Some(size))?;
    window.set_size(size)
}

/// The least free area of all screens, without a frame: which one a window goes to is the window manager's choice.
fn room(app: &AppHandle) -> Option<LogicalSize<u32>> {
    let monitors = app.available_monitors().ok()?;
    let areas = monitors.iter().map(|m| m.work_area().size.to_logical::<u32>(m.scale_factor()));
    let least = areas.reduce(|a, b| LogicalSize::new(a.width.min(b.width), a.height.min(b.height)))?;
    let room = LogicalSize::new(least.width.saturating_sub(FRAME.width), least.height.saturating_sub(FRAME.height));
    (room.width > 0 && room.height > 0).then_some(room)
}

/// The desktop's text size, 100 for the usual one. WebKit enlarges the whole page by it.
fn text_percent() -> u32 {
    #[cfg(target_os = "linux")]
    if let Some(screen) = gtk::gdk::Screen::default() {
        // Dots per inch; 96 is the usual text, and a desktop that has not said anything answers -1.
        let dots = screen.resolution().round() as u32;
        return (dots.saturating_mul(100) / 96).clamp(100, 400);
    }
    100
}

/// A question is a dialog: a tiling window manager lets it float over the rest at its own size. Before it is shown.
pub fn as_dialog(window: &WebviewWindow) -> tauri::Result<()> {
    #[cfg(target_os = "linux")]
    gtk::prelude::GtkWindowExt::set_type_hint(&window.gtk_window()?, gtk::gdk::WindowTypeHint::Dialog);
    let _ = window;
    Ok(())
}
